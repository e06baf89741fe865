//! What clients had not heard of yet, through the faults of the run.

use maud::{Markup, html};

use crate::report::chart::{Backlog, BacklogLine, FaultBand, Step, backlog};
use crate::report::columns::Cell;
use crate::report::page::charts::{Charted, ROWS_MAX, client, framed};
use crate::report::page::figure::{instant, number, quoted, row_key, show, sourced};
use crate::report::page::saved::{self, Client};
use crate::report::page::scrolling;

/// The chart; none where nothing broke and nobody fell behind, since then there is nothing to see.
pub(super) fn figure(of: &Charted<'_>) -> Option<Markup> {
    let is_behind = |client: &Client| client.is_overloaded() || client.value("pending").unwrap_or(0.0) > 0.0;
    let faults = bands(of);
    if faults.is_empty() && !of.clients().any(|(_, client)| is_behind(client)) {
        return None;
    }
    let line = |(index, known): (usize, &Client)| {
        let series = &known.timeseries;
        let step = |row: &Vec<Cell>| Step {
            from_s: series.number(row, "start_s"),
            until_s: series.number(row, "end_s"),
            value: series.number(row, "backlog"),
        };
        BacklogLine { client: client(index, known), steps: series.rows.iter().map(step).collect() }
    };
    let chart = Backlog { lines: of.clients().map(line).collect(), faults };
    let what = "Events that had occurred and that a client had not heard of, at the end of each stretch of time";
    Some(framed(&of.id("backlog"), &headline(of), what, |canvas| backlog(&chart, canvas), &numbers(of)))
}

/// The faults of all clients, each once.
fn bands(of: &Charted<'_>) -> Vec<FaultBand> {
    let mut bands: Vec<FaultBand> = Vec::new();
    for fault in of.clients().flat_map(|(_, client)| &client.faults) {
        let seconds = |column: &str| saved::cell(fault.get(column)).value().unwrap_or(0.0);
        let label = saved::cell(fault.get("kind")).text();
        let band = FaultBand { label, from_s: seconds("from_s"), until_s: seconds("until_s") };
        if !bands.contains(&band) {
            bands.push(band);
        }
    }
    bands.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    bands.truncate(BANDS_MAX);
    bands
}

/// More faults than this cannot be told apart in a chart.
const BANDS_MAX: usize = 40;

/// The bucket in which a client had the most to catch up with.
fn worst(client: &Client) -> Option<&Vec<Cell>> {
    let series = &client.timeseries;
    // The first of several that are equal.
    series.rows.iter().rev().max_by(|a, b| series.number(a, "backlog").total_cmp(&series.number(b, "backlog")))
}

fn headline(of: &Charted<'_>) -> Markup {
    let mut known: Vec<(&Client, &Vec<Cell>)> =
        of.clients().filter_map(|(_, client)| Some((client, worst(client)?))).collect();
    let most = |(client, row): &(&Client, &Vec<Cell>)| client.timeseries.number(row, "backlog");
    known.sort_by(|a, b| most(b).total_cmp(&most(a)));
    let shown = |(client, row): &(&Client, &Vec<Cell>)| {
        let series = &client.timeseries;
        let start = series.cell(row, "start_s").text();
        let key = row_key(&[("engine", &of.engine.engine), ("client", &client.name), ("start_s", &start)]);
        let cell = series.cell(row, "backlog");
        sourced("timeseries.csv", &key, "backlog", cell, &show("backlog", cell, None))
    };
    match known.as_slice() {
        [] => html! { "Nobody fell behind" },
        [only] => html! { (quoted(&only.0.name)) " has up to " (shown(only)) " events to catch up with" },
        [first, .., last] => html! {
            (quoted(&first.0.name)) " has up to " (shown(first)) " events to catch up with, " (quoted(&last.0.name)) " up to " (shown(last))
        },
    }
}

fn numbers(of: &Charted<'_>) -> Markup {
    let clients: Vec<_> = of.clients().map(|(_, client)| client).collect();
    let Some(first) = clients.first() else { return html! {} };
    let rows = clients.iter().map(|client| client.timeseries.rows.len()).max().unwrap_or(0);
    let longest = clients.iter().find(|client| client.timeseries.rows.len() == rows).unwrap_or(first);
    let key = |client: &Client, start: &Cell| row_key(&[("client", &client.name), ("start_s", &start.text())]);
    let table = html! {
        table data-file="timeseries.csv" data-row=(row_key(&[("engine", &of.engine.engine)])) {
            caption { "Events not heard of yet at the end of each stretch of time" }
            thead {
                tr { th scope="col" { "from" } @for client in &clients { th scope="col" { (client.name) } } }
            }
            tbody {
                @for (index, row) in longest.timeseries.rows.iter().take(ROWS_MAX).enumerate() {
                    @let start = longest.timeseries.cell(row, "start_s");
                    tr data-column="backlog" {
                        th scope="row" data-row=(key(longest, start)) data-column="start_s" { (number(start, &instant(start))) }
                        @for client in &clients {
                            @match client.timeseries.rows.get(index) {
                                Some(row) => {
                                    td data-row=(key(client, client.timeseries.cell(row, "start_s"))) {
                                        (number(client.timeseries.cell(row, "backlog"), &show("backlog", client.timeseries.cell(row, "backlog"), None)))
                                    }
                                }
                                None => td {}
                            }
                        }
                    }
                }
            }
        }
    };
    scrolling("Backlog of each client over time", &table)
}
