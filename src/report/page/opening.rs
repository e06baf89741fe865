//! The opening of a run, exchange by exchange: what the figures are made of.

mod lanes;

use maud::{Markup, html};

use crate::report::chart::timeline;
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::charts::{CHARTED_MAX, framed};
use crate::report::page::figure::{NOTHING, instant, pointed, quoted};
use crate::report::page::saved::{Client, Engine, Opening, Saved};
use crate::report::page::shell::Section;
use crate::report::page::{engine_name, has_several_engines, scrolling};

/// Exchanges in the table behind the chart.
const EXCHANGES_MAX: usize = 120;
/// Events in the table behind the chart.
const EVENTS_MAX: usize = 60;

/// A client whose opening is told, with the place where that stands in `run.json`.
pub(super) struct Told<'a> {
    pub(super) index: usize,
    pub(super) client: &'a Client,
    pub(super) opening: &'a Opening,
    pointer: String,
}

/// The strip of every engine; none where no opening is told.
pub(super) fn section(saved: &Saved) -> Option<Section> {
    let told: Vec<(&Engine, Vec<Told<'_>>)> =
        saved.engines.iter().enumerate().map(|(number, engine)| (engine, told(number, engine))).collect();
    let first = told.iter().flat_map(|(_, clients)| clients).next()?;
    let heading = heading(first.opening);
    let body = html! {
        @if saved.replications.as_ref().is_some_and(|all| all.count > 1) { p class="note" { "Of the first replication." } }
        @if saved.scenario.consumers > 1 { p class="note" { "Of the first of " (human::count(saved.scenario.consumers.into())) " consumers." } }
        @for (engine, clients) in &told {
            @if has_several_engines(saved) { h3 class="engine" { (engine_name(&engine.engine)) } }
            @if !clients.is_empty() { (figure(engine, clients)) }
        }
    };
    Some(Section::new("opening", heading, body))
}

fn told<'a>(number: usize, engine: &'a Engine) -> Vec<Told<'a>> {
    let of = |(index, client): (usize, &'a Client)| {
        let pointer = format!("/engines/{number}/clients/{index}/opening");
        Some(Told { index, client, opening: client.opening.as_ref()?, pointer })
    };
    engine.clients.iter().take(CHARTED_MAX).enumerate().filter_map(of).collect()
}

fn heading(opening: &Opening) -> String {
    let length = opening.until_s - opening.from_s;
    if (59.999..60.001).contains(&length) {
        return "The opening minute".to_owned();
    }
    format!("The first {}", human::duration_secs(length))
}

fn figure(engine: &Engine, clients: &[Told<'_>]) -> Markup {
    let id = format!("opening-{}", engine.engine);
    let chart = lanes::timeline_of(clients);
    let what = "Each poll and each webhook as a mark, each event as a dot, and from the dot a line to when the client had processed it";
    framed(&id, &headline(clients), what, |canvas| timeline(&chart, canvas), &numbers(clients))
}

fn headline(clients: &[Told<'_>]) -> Markup {
    let Some(first) = clients.first() else { return html! {} };
    let count = |told: &Told<'_>, name: &str, value: u64| {
        pointed(&format!("{}/{name}", told.pointer), &Cell::Count(value), &human::count(value))
    };
    let times = |value: u64| if value == 1 { " time" } else { " times" };
    let events = first.opening.event_count;
    let occur =
        html! { (count(first, "event_count", events)) (if events == 1 { " event occurs" } else { " events occur" }) };
    // Where not everything is told, counts would mislead.
    if clients.len() > NAMED_MAX || clients.iter().any(|told| told.opening.is_cut) {
        return html! { (occur) ": when each client heard of them" };
    }
    let does = |told: &Told<'_>| {
        let Opening { poll_count, attempt_count, .. } = *told.opening;
        html! {
            (quoted(&told.client.name))
            @if poll_count > 0 || attempt_count == 0 { " asks " (count(told, "poll_count", poll_count)) (times(poll_count)) }
            @if poll_count > 0 && attempt_count > 0 { " and" }
            @if attempt_count > 0 { " is called " (count(told, "attempt_count", attempt_count)) (times(attempt_count)) }
        }
    };
    html! { (occur) ": " @for (index, told) in clients.iter().enumerate() { @if index > 0 { ", " } (does(told)) } }
}

/// More clients than this are not told of one by one in a headline.
const NAMED_MAX: usize = 3;

fn numbers(clients: &[Told<'_>]) -> Markup {
    html! {
        (scrolling("Events and when each client had processed them", &events(clients)))
        (scrolling("Polls and webhooks one by one", &exchanges(clients)))
    }
}

/// The columns of exchanges before this are instants and words, those behind it counts.
const OUTCOME: usize = 3;

/// A number of a table in an opening, and where in `run.json` that stands.
fn told_cell(pointer: &str, is_count: bool, cell: &Cell) -> Markup {
    match cell {
        Cell::Number(_) | Cell::Count(_) => {
            let shown = if is_count { human::count(count(cell)) } else { instant(cell) };
            html! { data value=(cell.text()) data-pointer=(pointer) { (shown) } }
        }
        _ => html! { (NOTHING) },
    }
}

fn count(cell: &Cell) -> u64 {
    if let Cell::Count(count) = cell { *count } else { 0 }
}

fn events(clients: &[Told<'_>]) -> Markup {
    let Some(first) = clients.first() else { return html! {} };
    let rows = first.opening.events.rows.len();
    html! {
        table data-file="run.json" {
            caption { "Events, and when each client had processed them, since the start of the run" }
            thead { tr { th scope="col" { "occurred" } @for told in clients { th scope="col" { (told.client.name) } } } }
            tbody {
                @for row in 0..rows.min(EVENTS_MAX) {
                    tr {
                        th scope="row" { (event_cell(first, row, "at_s")) }
                        @for told in clients { td { (event_cell(told, row, "seen_s")) } }
                    }
                }
            }
        }
        @if rows > EVENTS_MAX { p class="note" { "The others stand in run.json." } }
    }
}

fn event_cell(told: &Told<'_>, row: usize, column: &str) -> Markup {
    let table = &told.opening.events;
    match (table.rows.get(row), table.index(column)) {
        (Some(cells), Some(index)) => {
            let pointer = format!("{}/events/rows/{row}/{index}", told.pointer);
            told_cell(&pointer, false, table.cell(cells, column))
        }
        _ => html! {},
    }
}

fn exchanges(clients: &[Told<'_>]) -> Markup {
    let mut all: Vec<(&Told<'_>, usize, f64)> = Vec::new();
    for told in clients {
        let table = &told.opening.exchanges;
        all.extend(table.rows.iter().enumerate().map(|(index, row)| (told, index, table.number(row, "opened_s"))));
    }
    all.sort_by(|a, b| a.2.total_cmp(&b.2));
    let cell = |told: &Told<'_>, row: usize, column: &str| {
        let table = &told.opening.exchanges;
        match (table.rows.get(row), table.index(column)) {
            (Some(cells), Some(index)) => told_cell(&format!("/{index}"), index > OUTCOME, table.cell(cells, column)),
            _ => html! {},
        }
    };
    let word = |told: &Told<'_>, row: usize, column: &str| {
        let table = &told.opening.exchanges;
        table.rows.get(row).map_or_else(String::new, |cells| table.cell(cells, column).text().replace('_', " "))
    };
    html! {
        table data-file="run.json" {
            caption {
                @if all.len() > EXCHANGES_MAX { "The first " (EXCHANGES_MAX) " polls and webhooks; the others stand in run.json" }
                @else { "Polls and webhooks in the order of time" }
            }
            thead {
                tr {
                    th scope="col" { "began" } th scope="col" class="text" { "client" } th scope="col" class="text" { "what" } th scope="col" { "ended" }
                    th scope="col" class="text" { "outcome" } th scope="col" { "events" } th scope="col" { "new ones" }
                }
            }
            tbody {
                @for (told, row, _) in all.iter().take(EXCHANGES_MAX) {
                    tr data-pointer=(format!("{}/exchanges/rows/{row}", told.pointer)) {
                        th scope="row" { (cell(told, *row, "opened_s")) }
                        td class="text" { (told.client.name) }
                        td class="text" { (word(told, *row, "asked")) }
                        td { (cell(told, *row, "ended_s")) }
                        td class="text" { (word(told, *row, "outcome")) }
                        td { (cell(told, *row, "events")) }
                        td { (cell(told, *row, "fresh")) }
                    }
                }
            }
        }
    }
}
