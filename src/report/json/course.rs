//! The course of a run in `run.json`: its buckets of time, and its opening exchange by exchange. Both are tables, whose rows
//! are bounded, so that the file is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fault::ForgeryKind;
use crate::measure::chronicle::{Asked, Chronicle, Entry, Told};
use crate::measure::summary::Summary;
use crate::measure::tally::OutcomeKind;
use crate::peer::Exchange;
use crate::report::columns::Cell;
use crate::report::csv;
use crate::time::Time;

/// The columns of `timeseries.csv` that say whose row it is.
const WHOSE: usize = 2;

/// The rows of a client in `timeseries.csv`.
pub(super) fn timeseries(engine: &str, summary: &Summary) -> Value {
    let rows = csv::timeseries_rows(engine, summary);
    let rows = rows.iter().map(|row| row.iter().skip(WHOSE).map(Cell::json).collect::<Vec<_>>());
    table(&csv::TIMESERIES[WHOSE..], rows)
}

/// The columns of the events of an opening; `by` is what brought the event.
const EVENTS: [&str; 3] = ["at_s", "seen_s", "by"];
/// The columns of its exchanges: `events` is how many came with it, `fresh` how many of these had not been taken before.
const EXCHANGES: [&str; 6] = ["asked", "opened_s", "ended_s", "outcome", "events", "fresh"];

/// The opening of a run as one client saw it.
pub(super) fn opening(chronicle: &Chronicle) -> Value {
    let polls = chronicle.exchanges.iter().filter(|entry| entry.asked.is_poll()).count();
    let attempts = chronicle.exchanges.iter().filter(|entry| matches!(entry.asked, Asked::Webhook { .. })).count();
    let asked_by_exchange = chronicle.exchanges.iter().map(|entry| (entry.exchange, entry.asked)).collect();
    let seconds = |at: Time| Cell::from(at.since(Time::ZERO).as_secs_f64()).json();
    json!({
        "from_s": seconds(chronicle.stretch.from),
        "until_s": seconds(chronicle.stretch.until),
        "is_cut": chronicle.is_cut,
        "event_count": chronicle.events.len(),
        "poll_count": polls,
        "attempt_count": attempts,
        "events": table(&EVENTS, chronicle.events.iter().map(|told| event(told, &asked_by_exchange))),
        "exchanges": table(&EXCHANGES, chronicle.exchanges.iter().map(exchange)),
    })
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<Value>>) -> Value {
    json!({ "columns": columns, "rows": rows.collect::<Vec<_>>() })
}

/// An instant in seconds since the start of the run.
fn at(at: Option<Time>) -> Value {
    Cell::from(at.map(|at| at.since(Time::ZERO).as_secs_f64())).json()
}

fn event(told: &Told, asked_by_exchange: &BTreeMap<Exchange, Asked>) -> Vec<Value> {
    let by = told.brought_by.and_then(|exchange| asked_by_exchange.get(&exchange));
    vec![at(Some(told.event.occurred_at)), at(told.seen), by.map(|by| asked(*by)).into()]
}

fn exchange(entry: &Entry) -> Vec<Value> {
    vec![
        asked(entry.asked).into(),
        at(Some(entry.opened)),
        at(entry.ended),
        entry.outcome.map(outcome).into(),
        entry.events.len().into(),
        entry.fresh.into(),
    ]
}

/// What an exchange asked, in words.
fn asked(asked: Asked) -> String {
    match asked {
        Asked::Feed { page: 0 } => "poll".into(),
        Asked::Feed { page } => format!("poll, page {}", u64::from(page) + 1),
        Asked::Record(record) => format!("poll of record {record}"),
        Asked::Fetch => "fetch".into(),
        Asked::Webhook { attempt: 1 } => "webhook".into(),
        Asked::Webhook { attempt } => format!("webhook, attempt {attempt}"),
        Asked::Forged(kind) => format!("forged webhook, {}", kind.map_or("unknown", ForgeryKind::name)),
    }
}

/// The word for an outcome, as it stands in the columns of other files.
const fn outcome(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Useful => "useful",
        OutcomeKind::Empty => "empty",
        OutcomeKind::NotModified => "not_modified",
        OutcomeKind::Duplicate => "duplicate",
        OutcomeKind::Throttled => "throttled",
        OutcomeKind::Failed => "failed",
    }
}
