//! What falls on both systems over time: the bytes that each receives and sends.

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::report::chart::{Load, LoadLine, Step, load};
use crate::report::columns::Cell;
use crate::report::page::charts::series::{Column, tables};
use crate::report::page::charts::{Charted, client, framed};
use crate::report::page::figure::{quoted, show, sourced};
use crate::report::page::saved::Client;

/// The columns behind the chart, and what they are called.
const COLUMNS: [Column; 4] = [
    ("provider_bytes_in", "System B received"),
    ("provider_bytes_out", "System B sent"),
    ("consumer_bytes_in", "System A received"),
    ("consumer_bytes_out", "System A sent"),
];

/// The chart; none where nothing was sent.
pub(super) fn figure(of: &Charted<'_>) -> Option<Markup> {
    if of.clients().all(|(_, client)| client.value("requests").unwrap_or(0.0) == 0.0) {
        return None;
    }
    let line = |(index, known): (usize, &Client)| LoadLine {
        client: client(index, known),
        provider: steps(known, ["provider_bytes_in", "provider_bytes_out"]),
        consumer: steps(known, ["consumer_bytes_in", "consumer_bytes_out"]),
    };
    let chart = Load { dimension: Dimension::Size, lines: of.clients().map(line).collect() };
    let numbers = tables(of, "Load", |_| COLUMNS.to_vec());
    let what =
        "Bytes that each system receives and sends in a second, by the requests that began in each stretch of time";
    Some(framed(&of.id("load"), &headline(of), what, |canvas| load(&chart, canvas), &numbers))
}

/// The bytes per second of both directions.
fn steps(known: &Client, columns: [&str; 2]) -> Vec<Step> {
    let series = &known.timeseries;
    let step = |row: &Vec<Cell>| {
        let [from_s, until_s] = ["start_s", "end_s"].map(|column| series.number(row, column));
        let bytes: f64 = columns.iter().map(|column| series.number(row, column)).sum();
        let width = until_s - from_s;
        Step { from_s, until_s, value: if width > 0.0 { bytes / width } else { 0.0 } }
    };
    series.rows.iter().map(step).collect()
}

/// Who has System B send most, and who least.
fn headline(of: &Charted<'_>) -> Markup {
    const SENT: &str = "provider_bytes_out";
    let mut known: Vec<(&Client, f64)> =
        of.clients().filter_map(|(_, client)| Some((client, client.value(SENT)?))).collect();
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    let sent = |client: &Client| {
        let cell = client.cell(SENT);
        sourced("summary.csv", &of.summary_row(client), SENT, &cell, &show(SENT, &cell, None))
    };
    match known.as_slice() {
        [] => html! { "What falls on both systems" },
        [only] => html! { "System B sends " (sent(only.0)) " for " (quoted(&only.0.name)) },
        [first, .., last] => html! {
            "System B sends " (sent(first.0)) " for " (quoted(&first.0.name)) ", " (sent(last.0)) " for " (quoted(&last.0.name))
        },
    }
}
