//! What the results had to fulfil, and whether they do.

use maud::html;

use crate::report::page::figure::{number, row_key, show_as};
use crate::report::page::saved::{Saved, Threshold};
use crate::report::page::shell::Section;
use crate::report::page::{has_several_engines, scrolling};

/// More thresholds than this are left to the file.
const ROWS_MAX: usize = 500;

/// The table of the thresholds; none where nothing is expected.
pub(super) fn section(saved: &Saved) -> Option<Section> {
    if saved.thresholds.is_empty() {
        return None;
    }
    let missed = saved.thresholds.iter().filter(|threshold| !threshold.holds).count();
    let all = saved.thresholds.len();
    let several = has_several_engines(saved);
    let key = |threshold: &Threshold| {
        let client = threshold.client.as_deref().unwrap_or("");
        row_key(&[("expect", &threshold.expect), ("engine", &threshold.engine), ("client", client)])
    };
    let table = html! {
        table class="thresholds" data-file="thresholds.csv" {
            caption { "What was expected of the results" }
            thead {
                tr {
                    th scope="col" { "expected" } th scope="col" class="text" { "client" } @if several { th scope="col" class="text" { "engine" } }
                    th scope="col" { "is" } th scope="col" { "limit" } th scope="col" class="text" { "verdict" }
                }
            }
            tbody {
                @for threshold in saved.thresholds.iter().take(ROWS_MAX) {
                    tr data-row=(key(threshold)) class=(if threshold.holds { "holds" } else { "missed" }) {
                        th scope="row" { code { (threshold.expect) } }
                        td class="text" { (threshold.client.as_deref().unwrap_or("")) }
                        @if several { td class="text" { (threshold.engine) } }
                        td data-column="value" { (number(&threshold.value, &show_as(&threshold.dimension, &threshold.value))) }
                        td data-column="limit" { (threshold.comparison) " " (number(&threshold.limit, &show_as(&threshold.dimension, &threshold.limit))) }
                        td class="text" { strong class="word" { (if threshold.holds { "✓ holds" } else { "✗ missed" }) } }
                    }
                }
            }
        }
    };
    let body = html! {
        p class="lead" {
            @if missed == 0 { "All " (all) " thresholds hold." } @else { (missed) " of " (all) " thresholds missed." }
        }
        @if missed > 0 {
            ul class="misses" {
                @for threshold in saved.thresholds.iter().filter(|threshold| !threshold.holds).take(ROWS_MAX) {
                    li { (threshold.sentence) @if several { " (" (threshold.engine) ")" } "." }
                }
            }
        }
        (scrolling("Thresholds", &table))
    };
    Some(Section::new("thresholds", "Thresholds", body))
}
