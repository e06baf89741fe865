//! How late clients hear of events.

use maud::{Markup, html};

use crate::report::chart::{LatencyCurve, LatencyDistribution, latency_distribution};
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::charts::{Charted, client, framed};
use crate::report::page::figure::{number, quoted, show, sourced};
use crate::report::page::saved::Client;
use crate::report::page::scrolling;

/// The columns behind the chart, and what they are called.
const COLUMNS: [(&str, &str); 9] = [
    ("latency_n", "events"),
    ("latency_mean_ms", "mean"),
    ("latency_p50_ms", "half within"),
    ("latency_p90_ms", "90 % within"),
    ("latency_p95_ms", "95 % within"),
    ("latency_p99_ms", "99 % within"),
    ("latency_p999_ms", "99.9 % within"),
    ("latency_max_ms", "longest"),
    ("lost", "lost"),
];

/// The column that the headline is about.
const MEDIAN: &str = "latency_p50_ms";

/// The chart; none where nobody heard of anything.
pub(super) fn figure(of: &Charted<'_>) -> Option<Markup> {
    let curves: Vec<_> = of.clients().map(|(index, known)| curve(index, known)).collect();
    if curves.iter().all(|curve| curve.steps.is_empty()) {
        return None;
    }
    let chart = LatencyDistribution { curves, target: None };
    let what = "Share of all events that a client knows of within a given time";
    Some(framed(&of.id("latency"), &headline(of), what, |canvas| latency_distribution(&chart, canvas), &numbers(of)))
}

/// The share of all events that was known within each latency of the histogram.
fn curve(index: usize, known: &Client) -> LatencyCurve {
    let cells = &known.latency_histogram.cells;
    let heard: u64 = cells.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count));
    let events = known.value("events").unwrap_or(0.0).max(heard as f64);
    let mut sum = 0_u64;
    let steps = cells.iter().map(|(micros, count)| {
        sum = sum.saturating_add(*count);
        (*micros as f64 / 1e3, sum as f64 / events)
    });
    LatencyCurve { client: client(index, known), steps: steps.collect() }
}

fn headline(of: &Charted<'_>) -> Markup {
    let mut known: Vec<(&Client, Cell, f64)> = of
        .clients()
        .filter_map(|(_, client)| {
            let cell = client.cell(MEDIAN);
            let value = cell.value()?;
            Some((client, cell, value))
        })
        .collect();
    known.sort_by(|a, b| a.2.total_cmp(&b.2));
    let median = |(client, cell, _): &(&Client, Cell, f64)| {
        sourced("summary.csv", &of.summary_row(client), MEDIAN, cell, &show(MEDIAN, cell, None))
    };
    let has_losses = known.iter().any(|(client, ..)| client.value("lost").is_some_and(|lost| lost > 0.0));
    let half = if has_losses { "Half of the events that arrive" } else { "Half of the events" };
    match known.as_slice() {
        [] => html! { "Nobody heard of any event" },
        [only] => html! { (half) " reach " (quoted(&only.0.name)) " within " (median(only)) },
        [first, .., last] if human::duration_ms(first.2) == human::duration_ms(last.2) => {
            let all = if known.len() == 2 { "both" } else { "all" };
            html! { (half) " reach " (all) " clients within " (median(first)) }
        }
        [first, second] => html! {
            (half) " reach " (quoted(&first.0.name)) " within " (median(first)) "; " (quoted(&second.0.name)) " needs " (median(second))
        },
        [first, .., last] => html! {
            (half) " reach " (quoted(&first.0.name)) " within " (median(first)) "; the slowest, " (quoted(&last.0.name)) ", needs "
            (median(last))
        },
    }
}

fn numbers(of: &Charted<'_>) -> Markup {
    let columns =
        COLUMNS.iter().filter(|(column, _)| of.clients().any(|(_, client)| client.cell(column) != Cell::Empty));
    let columns: Vec<_> = columns.collect();
    let table = html! {
        table data-file="summary.csv" {
            caption { "Time from an event until the client has processed it" }
            thead { tr { th scope="col" { "client" } @for (_, name) in &columns { th scope="col" { (name) } } } }
            tbody {
                @for (_, client) in of.clients() {
                    tr data-row=(of.summary_row(client)) {
                        th scope="row" { (client.name) }
                        @for (column, _) in &columns {
                            @let cell = client.cell(column);
                            td data-column=(column) { (number(&cell, &show(column, &cell, None))) }
                        }
                    }
                }
            }
        }
    };
    scrolling("Latency of each client", &table)
}
