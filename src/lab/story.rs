//! The animated stretch of a run as JSON: events, exchanges with their instants and outcomes, and what was down.

use serde_json::{Value, json};

use super::start::Start;
use crate::engine::ClientSetup;
use crate::fault::FaultKind;
use crate::measure::chronicle::{Asked, Chronicle, Entry, Stretch};
use crate::measure::fact::End;
use crate::measure::tally::OutcomeKind;
use crate::peer::Side;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::time::Time;

/// The stretch of each client; null where it is not told. Instants are milliseconds from its beginning.
pub(super) fn json(start: &Start, scenario: &Scenario, report: &Report) -> Value {
    let Some(engine) = report.engines.first() else { return Value::Null };
    let Some(stretch) = engine.opening.iter().flatten().map(|chronicle| &chronicle.stretch).next() else {
        return Value::Null;
    };
    let clients = scenario.setup.clients.iter().zip(&engine.opening).enumerate().map(|(index, (client, opening))| {
        let told = opening.as_ref();
        json!({
            "index": index,
            "name": client.name,
            "role": start.role_of(&client.name).map(|role| role.key()),
            "polls": client.pull.is_some(),
            "isTold": client.push.is_some(),
            "isCut": told.is_some_and(|told| told.is_cut),
            "events": told.map_or_else(Vec::new, events),
            "exchanges": told.map_or_else(Vec::new, exchanges),
            "outages": outages(client, stretch),
        })
    });
    json!({
        "from": Time::ZERO.until(stretch.from),
        "length": stretch.from.until(stretch.until),
        "consumers": scenario.setup.consumers,
        "clients": clients.collect::<Vec<_>>(),
    })
}

/// Milliseconds from one instant to another.
trait Until {
    fn until(self, later: Time) -> f64;
}

impl Until for Time {
    fn until(self, later: Time) -> f64 {
        later.since(self).as_millis_f64()
    }
}

fn events(told: &Chronicle) -> Vec<Value> {
    let from = told.stretch.from;
    let event = |event: &crate::measure::chronicle::Told| {
        json!({
            "serial": event.event.serial,
            "at": from.until(event.event.occurred_at),
            "seen": event.seen.map(|at| from.until(at)),
        })
    };
    told.events.iter().map(event).collect()
}

fn exchanges(told: &Chronicle) -> Vec<Value> {
    let from = told.stretch.from;
    told.exchanges.iter().map(|entry| exchange(from, entry)).collect()
}

fn exchange(from: Time, entry: &Entry) -> Value {
    let instant = |at: Option<Time>| at.map(|at| from.until(at));
    let attempt = match entry.asked {
        Asked::Webhook { attempt } => attempt,
        _ => 1,
    };
    json!({
        "kind": kind(entry),
        "opened": from.until(entry.opened),
        "arrived": instant(entry.arrived),
        "replied": instant(entry.replied),
        "ended": instant(entry.ended),
        "outcome": outcome(entry),
        "why": entry.end.map(why),
        "attempt": attempt,
        "events": entry.events,
        "fresh": entry.fresh,
    })
}

const fn kind(entry: &Entry) -> &'static str {
    match entry.asked {
        Asked::Feed { .. } | Asked::Record(_) => "poll",
        Asked::Fetch => "fetch",
        Asked::Webhook { .. } => "webhook",
        Asked::Forged(_) => "forged",
    }
}

/// What an exchange was worth; of a forged webhook, whether it was believed. Null as long as it is under way.
fn outcome(entry: &Entry) -> Option<&'static str> {
    if let Asked::Forged(_) = entry.asked {
        return Some(if entry.is_believed { "believed" } else { "rejected" });
    }
    entry.outcome.map(|outcome| match outcome {
        OutcomeKind::Useful => "useful",
        OutcomeKind::Empty => "empty",
        OutcomeKind::NotModified => "not-modified",
        OutcomeKind::Duplicate => "duplicate",
        OutcomeKind::Throttled => "throttled",
        OutcomeKind::Failed => "failed",
    })
}

/// How an exchange ended, in words.
fn why(end: End) -> String {
    match end {
        End::Answered | End::Fetched => "answered".to_owned(),
        End::Accepted => "acknowledged".to_owned(),
        End::Refused(304) => "answered: nothing has changed (304)".to_owned(),
        End::Refused(503) => "turned away: too busy, or down (503)".to_owned(),
        End::Refused(429) => "turned away: too many requests (429)".to_owned(),
        End::Refused(status) => format!("refused with status {status}"),
        End::TimedOut => "no answer in time".to_owned(),
        End::Unreachable => "nobody there".to_owned(),
    }
}

/// When a client was down in a stretch.
fn outages(client: &ClientSetup, stretch: &Stretch) -> Vec<Value> {
    let is_outage = |kind: FaultKind| match kind {
        FaultKind::ReceiverDown { .. } => client.push.is_some(),
        FaultKind::PollerDown => client.pull.is_some() && client.push.is_none(),
        _ => false,
    };
    let faults = client.faults.0.iter().filter(|fault| is_outage(fault.kind));
    let within = faults.filter(|fault| fault.until > stretch.from && fault.from < stretch.until);
    let clip = |at: Time| stretch.from.until(at.max(stretch.from).min(stretch.until));
    within.map(|fault| json!({ "from": clip(fault.from), "until": clip(fault.until) })).collect()
}

/// Who opened the exchanges of a client in the stretch: how many System A did, and how many System B.
pub(super) fn openers(told: &Chronicle) -> [u64; 2] {
    let genuine = told.exchanges.iter().filter(|entry| !matches!(entry.asked, Asked::Forged(_)));
    genuine.fold([0, 0], |[by_a, by_b], entry| match entry.exchange.opener {
        Side::Consumer => [by_a + 1, by_b],
        Side::Provider | Side::Stranger => [by_a, by_b + 1],
    })
}
