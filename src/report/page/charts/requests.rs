//! What clients asked or were sent over time, and what became of it.

use maud::{Markup, html};

use crate::measure::tally::Outcomes;
use crate::report::chart::{Bar, Requests, RequestsPanel, requests};
use crate::report::columns::Cell;
use crate::report::page::charts::series::{Column, tables};
use crate::report::page::charts::{Charted, client, framed};
use crate::report::page::figure::{quoted, show, sourced};
use crate::report::page::saved::Client;

/// The columns behind the chart, and what they are called.
const COLUMNS: [Column; 10] = [
    ("occurred", "events"),
    ("seen", "seen"),
    ("lost", "lost"),
    ("requests", "requests"),
    ("useful", "useful"),
    ("empty", "nothing new"),
    ("not_modified", "not modified"),
    ("duplicate", "only known"),
    ("throttled", "throttled"),
    ("failed", "failed"),
];

/// The column that the headline is about.
const WASTED: &str = "wasted_ratio";

/// The chart; none where there were no requests.
pub(super) fn figure(of: &Charted<'_>) -> Option<Markup> {
    let panels: Vec<_> = of.clients().map(|(index, known)| panel(index, known)).collect();
    if of.clients().all(|(_, client)| client.value("requests").unwrap_or(0.0) == 0.0) {
        return None;
    }
    let chart = Requests { panels };
    let numbers =
        tables(of, "Requests", |client| COLUMNS.into_iter().filter(|(column, _)| is_used(client, column)).collect());
    let what = "Requests that began in each stretch of time, by what became of them";
    Some(framed(&of.id("requests"), &headline(of), what, |canvas| requests(&chart, canvas), &numbers))
}

fn panel(index: usize, known: &Client) -> RequestsPanel {
    let series = &known.timeseries;
    let bar = |row: &Vec<Cell>| {
        let count = |column: &str| match series.cell(row, column) {
            Cell::Count(count) => *count,
            _ => 0,
        };
        let outcomes = Outcomes {
            useful: count("useful"),
            empty: count("empty"),
            not_modified: count("not_modified"),
            duplicate: count("duplicate"),
            throttled: count("throttled"),
            failed: count("failed"),
        };
        Bar { from_s: series.number(row, "start_s"), until_s: series.number(row, "end_s"), outcomes }
    };
    RequestsPanel { client: client(index, known), bars: series.rows.iter().map(bar).collect() }
}

fn headline(of: &Charted<'_>) -> Markup {
    let mut known: Vec<(&Client, Cell, f64)> = of
        .clients()
        .filter_map(|(_, client)| {
            let cell = client.cell(WASTED);
            let value = cell.value()?;
            Some((client, cell, value))
        })
        .collect();
    known.sort_by(|a, b| b.2.total_cmp(&a.2));
    let column = |client: &Client, column: &str| {
        let cell = client.cell(column);
        sourced("summary.csv", &of.summary_row(client), column, &cell, &show(column, &cell, None))
    };
    let all = |client: &Client| html! { (column(client, "requests")) " requests" };
    let wastes = |(client, _, share): &(&Client, Cell, f64)| {
        if *share == 0.0 {
            return html! { (quoted(&client.name)) " wastes none of its " (all(client)) };
        }
        html! { (quoted(&client.name)) " wastes " (column(client, WASTED)) " of its " (all(client)) }
    };
    match known.as_slice() {
        [] => html! { "There were no requests" },
        [only] => wastes(only),
        [first, ..] if first.2 == 0.0 => html! { "No client wastes any of its requests" },
        [first, .., last] => html! { (wastes(first)) "; " (wastes(last)) },
    }
}

/// Whether a column of a client's buckets ever holds anything.
fn is_used(client: &Client, column: &str) -> bool {
    client.timeseries.rows.iter().any(|row| client.timeseries.number(row, column) > 0.0)
}
