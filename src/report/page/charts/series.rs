//! The buckets of time behind a chart, as a table for each client.

use maud::{Markup, html};

use crate::report::page::charts::{Charted, ROWS_MAX};
use crate::report::page::figure::{instant, number, quoted, row_key, show};
use crate::report::page::saved::Client;
use crate::report::page::scrolling;

/// A column of `timeseries.csv`, and what it is called.
pub(super) type Column = (&'static str, &'static str);

/// These columns of each client's buckets, as far as there is room.
pub(super) fn tables(of: &Charted<'_>, what: &str, columns: impl Fn(&Client) -> Vec<Column>) -> Markup {
    let clients: Vec<_> = of.clients().map(|(_, client)| client).collect();
    let total: usize = clients.iter().map(|client| client.timeseries.rows.len()).sum();
    let room = ROWS_MAX / clients.len().max(1);
    html! {
        @for client in &clients {
            (scrolling(&format!("{what} of {} over time", client.name), &table(of, what, client, &columns(client), room)))
        }
        @if total > room * clients.len() { p class="note" { "The rest stands in timeseries.csv." } }
    }
}

fn table(of: &Charted<'_>, what: &str, client: &Client, columns: &[Column], room: usize) -> Markup {
    let series = &client.timeseries;
    html! {
        table data-file="timeseries.csv" data-row=(row_key(&[("engine", &of.engine.engine), ("client", &client.name)])) {
            caption { (what) " of " (quoted(&client.name)) " over time" }
            thead {
                tr { th scope="col" { "from" } th scope="col" { "until" } @for (_, name) in columns { th scope="col" { (name) } } }
            }
            tbody {
                @for row in series.rows.iter().take(room) {
                    @let start = series.cell(row, "start_s");
                    tr data-row=(row_key(&[("start_s", &start.text())])) {
                        th scope="row" data-column="start_s" { (number(start, &instant(start))) }
                        td data-column="end_s" { (number(series.cell(row, "end_s"), &instant(series.cell(row, "end_s")))) }
                        @for (column, _) in columns {
                            @let cell = series.cell(row, column);
                            td data-column=(column) { (number(cell, &show(column, cell, None))) }
                        }
                    }
                }
            }
        }
    }
}
