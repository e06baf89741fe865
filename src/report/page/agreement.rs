//! Whether virtual time and real HTTP say the same.

use maud::html;

use crate::report::columns::Cell;
use crate::report::page::figure::{number, pointed, row_key, show};
use crate::report::page::saved::{Agreement, Saved};
use crate::report::page::scrolling;
use crate::report::page::shell::Section;

/// The table of what both engines found; none where only one played.
pub(super) fn section(saved: &Saved) -> Option<Section> {
    let is_known = |row: &Agreement| row.sim != Cell::Empty || row.live != Cell::Empty;
    let rows: Vec<_> = saved.agreement.iter().enumerate().filter(|(_, row)| is_known(row)).collect();
    if rows.is_empty() {
        return None;
    }
    let broken = saved.agreement.iter().filter(|row| !row.agrees).count();
    let key = |engine: &str, row: &Agreement| {
        let replication = saved.replications.as_ref().map(|_| ("replication", "1"));
        row_key(&[("engine", engine), ("client", &row.client)].into_iter().chain(replication).collect::<Vec<_>>())
    };
    let table = html! {
        table data-file="summary.csv" {
            caption { "The same figures in virtual time and over real HTTP" }
            thead {
                tr {
                    th scope="col" { "client" } th scope="col" class="text" { "figure" } th scope="col" { "sim" } th scope="col" { "live" }
                    th scope="col" { "may differ by" } th scope="col" class="text" { "agree" }
                }
            }
            tbody {
                @for (index, row) in &rows {
                    tr data-column=(row.metric) class=(if row.agrees { "holds" } else { "missed" }) {
                        th scope="row" { (row.client) }
                        td class="text" { (row.metric) }
                        td data-row=(key("sim", row)) { (number(&row.sim, &show(&row.metric, &row.sim, None))) }
                        td data-row=(key("live", row)) { (number(&row.live, &show(&row.metric, &row.live, None))) }
                        td { (pointed(&format!("/agreement/{index}/tolerance"), &row.tolerance, &show(&row.metric, &row.tolerance, None))) }
                        td class="text" { strong class="word" { (if row.agrees { "✓ yes" } else { "✗ no" }) } }
                    }
                }
            }
        }
    };
    let body = html! {
        p class="lead" {
            @if broken == 0 { "The engines agree on all " (saved.agreement.len()) " figures." }
            @else { "The engines disagree on " (broken) " of " (saved.agreement.len()) " figures." }
        }
        @if saved.replications.as_ref().is_some_and(|all| all.count > 1) { p class="note" { "Of the first replication." } }
        (scrolling("Agreement of the engines", &table))
    };
    Some(Section::new("agreement", "Do the engines agree?", body))
}
