//! What theory says, beside what was observed.

use maud::html;

use crate::report::page::figure::{number, row_key, show};
use crate::report::page::saved::{Engine, Saved, Theory, Truth};
use crate::report::page::shell::Section;
use crate::report::page::{has_several_engines, scrolling};

/// The table of closed forms; none where none applies.
pub(super) fn section<'a>(saved: &'a Saved) -> Option<Section> {
    let rows: Vec<(&'a str, &'a Theory)> = match &saved.replications {
        Some(all) => all.theory.iter().map(|row| (row.engine.as_deref().unwrap_or(""), row)).collect(),
        None => {
            let of = |engine: &'a Engine| engine.theory.iter().map(|row| (engine.engine.as_str(), row));
            saved.engines.iter().flat_map(of).collect()
        }
    };
    if rows.is_empty() {
        return None;
    }
    let judged = rows.iter().filter(|(_, row)| row.holds.is_some()).count();
    let held = rows.iter().filter(|(_, row)| row.holds.as_ref().is_some_and(Truth::is_true)).count();
    let several = has_several_engines(saved);
    let word = |row: &Theory| match &row.holds {
        Some(holds) if holds.is_true() => html! { strong class="word" { "✓ yes" } },
        Some(_) => html! { strong class="word" { "✗ no" } },
        None => html! { span class="unknown" { "cannot be said" } },
    };
    let shown = |row: &Theory, cell| show(&row.metric, cell, None);
    let table = html! {
        table data-file="theory.csv" {
            caption { "Closed forms and what was observed" }
            thead {
                tr {
                    th scope="col" { "client" } th scope="col" class="text" { "figure" } @if several { th scope="col" class="text" { "engine" } }
                    th scope="col" { "predicted" } th scope="col" { "observed" } th scope="col" colspan="2" { "95 % interval" }
                    th scope="col" class="text" { "holds" }
                }
            }
            tbody {
                @for (engine, row) in &rows {
                    tr data-row=(row_key(&[("client", &row.client), ("metric", &row.metric), ("engine", engine)])) {
                        th scope="row" { (row.client) }
                        td class="text" { (row.metric) }
                        @if several { td class="text" { (engine) } }
                        td data-column="theory" { (number(&row.theory, &shown(row, &row.theory))) }
                        td data-column="observed" { (number(&row.observed, &shown(row, &row.observed))) }
                        td data-column="ci_low" { (number(&row.ci_low, &shown(row, &row.ci_low))) }
                        td data-column="ci_high" { (number(&row.ci_high, &shown(row, &row.ci_high))) }
                        td class="text" { (word(row)) }
                    }
                }
            }
        }
    };
    let body = html! {
        p class="lead" {
            @match judged {
                0 => "There are predictions, but too little was observed to hold them against it.",
                judged => { (held) " of " (judged) " predictions that can be judged hold." }
            }
        }
        (scrolling("Theory beside what was observed", &table))
    };
    Some(Section::new("theory", "Theory beside it", body))
}
