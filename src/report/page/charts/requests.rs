//! What clients asked or were sent over time, and what became of it.

use maud::{Markup, html};

use crate::measure::tally::Outcomes;
use crate::report::chart::{Bar, Requests, RequestsPanel, requests};
use crate::report::columns::Cell;
use crate::report::page::charts::{Charted, ROWS_MAX, client, framed};
use crate::report::page::figure::{instant, number, quoted, row_key, show, sourced};
use crate::report::page::saved::Client;
use crate::report::page::scrolling;

/// The columns behind the chart, and what they are called.
const COLUMNS: [(&str, &str); 10] = [
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
    let what = "Requests that began in each stretch of time, by what became of them";
    Some(framed(&of.id("requests"), &headline(of), what, |canvas| requests(&chart, canvas), &numbers(of)))
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

fn numbers(of: &Charted<'_>) -> Markup {
    let clients: Vec<_> = of.clients().map(|(_, client)| client).collect();
    let is_used = |client: &Client, column: &str| {
        client.timeseries.rows.iter().any(|row| client.timeseries.number(row, column) > 0.0)
    };
    let total: usize = clients.iter().map(|client| client.timeseries.rows.len()).sum();
    let room = ROWS_MAX / clients.len().max(1);
    html! {
        @for client in &clients {
            @let series = &client.timeseries;
            @let columns: Vec<_> = COLUMNS.iter().filter(|(column, _)| is_used(client, column)).collect();
            (scrolling(&format!("Requests of {} over time", client.name), &html! {
                table data-file="timeseries.csv" data-row=(row_key(&[("engine", &of.engine.engine), ("client", &client.name)])) {
                    caption { "Requests of " (quoted(&client.name)) " over time" }
                    thead {
                        tr { th scope="col" { "from" } th scope="col" { "until" } @for (_, name) in &columns { th scope="col" { (name) } } }
                    }
                    tbody {
                        @for row in series.rows.iter().take(room) {
                            @let start = series.cell(row, "start_s");
                            tr data-row=(row_key(&[("start_s", &start.text())])) {
                                th scope="row" data-column="start_s" { (number(start, &instant(start))) }
                                td data-column="end_s" { (number(series.cell(row, "end_s"), &instant(series.cell(row, "end_s")))) }
                                @for (column, _) in &columns {
                                    @let cell = series.cell(row, column);
                                    td data-column=(column) { (number(cell, &show(column, cell, None))) }
                                }
                            }
                        }
                    }
                }
            }))
        }
        @if total > room * clients.len() { p class="note" { "The rest stands in timeseries.csv." } }
    }
}
