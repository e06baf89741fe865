//! The table of all points.

use maud::html;

use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::figure::number;
use crate::report::page::scrolling;
use crate::report::page::shell::Section;
use crate::report::page::sweep::keys::{point_key, series_key, short};
use crate::report::page::sweep::lines::text_cell;
use crate::report::page::sweep::saved::{FIGURES, SavedSweep};

/// Points beyond these are left to the files.
const ROWS_MAX: usize = 500;
/// So are those for which there are too many figures: a page should not weigh more than what it shows is worth.
const CELLS_MAX: usize = 6_000;
/// Clients beyond these are left to the files.
const SERIES_MAX: usize = 8;

/// What stands behind the figures of a client that is overloaded.
const OVERLOADED: &str = " *";

/// The table.
pub(super) fn section(saved: &SavedSweep) -> Section {
    let axes = &saved.head.axes;
    let series: Vec<_> = saved.series.iter().take(SERIES_MAX).enumerate().collect();
    let is_told = |figure: usize| {
        saved
            .points
            .iter()
            .flat_map(|point| &point.figures)
            .any(|figures| figures.get(figure).and_then(|figure| figure.number()).is_some_and(|value| value != 0.0))
    };
    let figures: Vec<usize> = (0..FIGURES.len()).filter(|figure| is_told(*figure)).collect();
    let width = axes.len() + series.len() * figures.len();
    let rows = ROWS_MAX.min(CELLS_MAX / width.max(1));
    let (file, mean) = saved.origin();
    let table = html! {
        table data-file=(file) {
            caption { "All points" @if saved.is_replicated { ": means of the replications" } }
            thead {
                tr {
                    @for axis in axes { th scope="col" class="text" rowspan="2" title=(axis.key) { (short(&axis.key)) } }
                    @for (_, series) in &series { th scope="colgroup" colspan=(figures.len()) { (saved.name(series)) } }
                }
                tr {
                    @for _ in &series { @for figure in &figures { th scope="col" { (FIGURES[*figure].1) } } }
                }
            }
            tbody {
                @for point in saved.points.iter().take(rows) {
                    tr data-row=(point_key(saved, &point.values)) {
                        @for (axis, value) in axes.iter().zip(&point.values) {
                            th scope="row" data-column=(format!("param_{}", axis.key)) { (number(&Cell::from(value.as_str()), value)) }
                        }
                        @for (index, series) in &series {
                            @for figure in &figures {
                                @let column = FIGURES[*figure].0;
                                @let value = point.figures.get(*index).and_then(|all| all.get(*figure)).map_or("", |figure| figure.value.as_str());
                                td data-row=(series_key(saved, series, column)) data-column=(mean.unwrap_or(column)) {
                                    (text_cell(saved, column, value))
                                    @if point.overloaded.contains(index) { (OVERLOADED) }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let left_out = saved.left_out + saved.points.len().saturating_sub(rows) as u64;
    let body = html! {
        div class="points" { (scrolling("All points", &table)) }
        @if saved.points.iter().take(rows).any(|point| !point.overloaded.is_empty()) {
            p class="note" {
                (OVERLOADED) " Overloaded: the client turns work away or falls ever further behind, so its figures say more about "
                "the length of the run than about the client."
            }
        }
        @if left_out > 0 {
            p class="note" { (human::things(left_out as f64, "more point stands", "more points stand")) " in " (file) "." }
        }
        @if saved.series.len() > series.len() {
            p class="note" { "So do the other " (saved.series.len() - series.len()) " clients." }
        }
    };
    Section::new("points", "All points", body)
}
