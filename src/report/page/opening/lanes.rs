//! The lanes of the strip: polls below the events, webhooks above them.

use crate::measure::tally::OutcomeKind;
use crate::report::chart::{Arc, Client, EventDot, Lane, Mark, Side, Timeline};
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::opening::Told;
use crate::report::page::saved::{Opening, Table};

/// Of more marks than this, in all lanes together, only the first are drawn, and the strip ends with them.
const MARKS_MAX: usize = 500;

/// What happened to clients until the last mark that there is room for.
pub(super) fn timeline_of(clients: &[Told<'_>]) -> Timeline {
    let from_s = clients.iter().map(|told| told.opening.from_s).fold(f64::INFINITY, f64::min);
    let until_s = until(clients);
    let events = clients.first().map(|told| events(&told.opening.events, until_s)).unwrap_or_default();
    let lanes = clients.iter().flat_map(|told| lanes(told, until_s)).collect();
    Timeline { from_s, until_s, events, lanes }
}

/// Where the strip ends: where the openings do, or where one of them stops to be told, or where there is no more room.
fn until(clients: &[Told<'_>]) -> f64 {
    let opened = |opening: &Opening| -> Vec<f64> {
        opening.exchanges.rows.iter().map(|row| opening.exchanges.number(row, "opened_s")).collect()
    };
    let end = |told: &Told<'_>| {
        let last = opened(told.opening).last().copied().filter(|_| told.opening.is_cut);
        last.unwrap_or(told.opening.until_s)
    };
    let end = clients.iter().map(end).fold(f64::INFINITY, f64::min);
    let mut all: Vec<f64> = clients.iter().flat_map(|told| opened(told.opening)).collect();
    all.sort_by(f64::total_cmp);
    all.get(MARKS_MAX).map_or(end, |at| at.min(end))
}

fn events(table: &Table, until_s: f64) -> Vec<EventDot> {
    let at = |row: &Vec<Cell>| table.number(row, "at_s");
    let shown = table.rows.iter().map(at).filter(|at_s| *at_s <= until_s);
    shown.map(|at_s| EventDot { at_s, told: format!("an event at {}", seconds(at_s)) }).collect()
}

fn seconds(at_s: f64) -> String {
    super::instant(&Cell::from(at_s))
}

fn lanes(told: &Told<'_>, until_s: f64) -> Vec<Lane> {
    let sides: &[Side] = match told.client.mode.as_str() {
        "pull" => &[Side::Pull],
        "push" => &[Side::Push],
        _ => &[Side::Push, Side::Pull],
    };
    let lane = |side: &Side| Lane {
        client: Client::new(&told.client.name, told.index),
        side: *side,
        marks: marks(told, *side, until_s),
        arcs: arcs(told, *side, sides.len() > 1, until_s),
    };
    sides.iter().map(lane).collect()
}

/// On which side an exchange of this name is drawn; fetches and forged webhooks are not.
fn side_of(asked: &str) -> Option<Side> {
    match asked {
        asked if asked.starts_with("poll") => Some(Side::Pull),
        asked if asked.starts_with("webhook") => Some(Side::Push),
        _ => None,
    }
}

fn marks(told: &Told<'_>, side: Side, until_s: f64) -> Vec<Mark> {
    let table = &told.opening.exchanges;
    let mark = |row: &Vec<Cell>| {
        let asked = table.cell(row, "asked").text();
        let at_s = table.number(row, "opened_s");
        let word = table.cell(row, "outcome").text();
        if side_of(&asked) != Some(side) || at_s > until_s {
            return None;
        }
        let until = table.cell(row, "ended_s").value();
        let took = until.map_or_else(String::new, |until| format!(", {} long", human::duration_secs(until - at_s)));
        let told = format!("{asked} at {}{took}: {}", seconds(at_s), word.replace('_', " "));
        Some(Mark { at_s, until_s: until, outcome: outcome(&word)?, told })
    };
    table.rows.iter().filter_map(mark).collect()
}

fn outcome(word: &str) -> Option<OutcomeKind> {
    Some(match word {
        "useful" => OutcomeKind::Useful,
        "empty" => OutcomeKind::Empty,
        "not_modified" => OutcomeKind::NotModified,
        "duplicate" => OutcomeKind::Duplicate,
        "throttled" => OutcomeKind::Throttled,
        "failed" => OutcomeKind::Failed,
        _ => return None,
    })
}

/// The way of each event to the lane that brought it.
fn arcs(told: &Told<'_>, side: Side, has_both: bool, until_s: f64) -> Vec<Arc> {
    let table = &told.opening.events;
    let arc = |row: &Vec<Cell>| {
        let (from_s, to_s) = (table.number(row, "at_s"), table.cell(row, "seen_s").value()?);
        let by = table.cell(row, "by").text();
        // What a webhook named and a fetch brought came by the webhook.
        let came_by = if by.starts_with("poll") { Side::Pull } else { Side::Push };
        if from_s > until_s || (has_both && came_by != side) {
            return None;
        }
        let name = &told.client.name;
        Some(Arc { from_s, to_s, told: format!("{name} knows of it after {}", human::duration_secs(to_s - from_s)) })
    };
    table.rows.iter().filter_map(arc).collect()
}
