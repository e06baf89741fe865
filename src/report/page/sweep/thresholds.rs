//! Which points miss what was expected.

use maud::html;

use crate::measure::dimension::Dimension;
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::figure::{number, row_key};
use crate::report::page::scrolling;
use crate::report::page::shell::Section;
use crate::report::page::sweep::keys::short;
use crate::report::page::sweep::saved::{self, SavedSweep};
use crate::report::thresholds::quantity;

/// Misses beyond these are left to the file.
const ROWS_MAX: usize = 100;

/// The misses; none where nothing is expected.
pub(super) fn section(saved: &SavedSweep) -> Option<Section> {
    let (all, missed, rows) = saved.thresholds.as_ref()?;
    let parameters: Vec<_> =
        saved.head.axes.iter().map(|axis| (format!("param_{}", axis.key), short(&axis.key))).collect();
    let table = html! {
        table class="thresholds" data-file="thresholds.csv" {
            caption { "Thresholds that are missed" }
            thead {
                tr {
                    th scope="col" { "expected" } th scope="col" class="text" { "client" }
                    @for (_, name) in &parameters { th scope="col" { (name) } }
                    th scope="col" { "is" } th scope="col" { "limit" }
                }
            }
            tbody {
                @for row in rows.iter().take(ROWS_MAX) {
                    @let get = |column: &str| row.get(column).map_or("", String::as_str);
                    @let names = ["expect", "engine", "client"].into_iter().chain(parameters.iter().map(|(name, _)| name.as_str()));
                    @let key: Vec<(&str, &str)> = names.map(|name| (name, get(name))).collect();
                    tr data-row=(row_key(&key)) class="missed" {
                        th scope="row" { code { (get("expect")) } }
                        td class="text" { (get("client")) }
                        @for (name, _) in &parameters { td data-column=(name) { (number(&Cell::from(get(name)), get(name))) } }
                        @for column in ["value", "limit"] {
                            td data-column=(column) {
                                @if get(column).is_empty() { (crate::report::page::figure::NOTHING) }
                                @else { (number(&Cell::from(get(column)), &shown(get("unit"), get("expect"), get(column)))) }
                            }
                        }
                    }
                }
            }
        }
    };
    let body = html! {
        p class="lead" {
            @if *missed == 0 { "All thresholds hold at every point." }
            @else { (human::count(*missed)) " of " (human::things(*all as f64, "threshold is", "thresholds are")) " missed." }
        }
        @if *missed > 0 { (scrolling("Thresholds that are missed", &table)) }
        @if *missed > ROWS_MAX as u64 { p class="note" { "All of them stand in thresholds.csv." } }
    };
    Some(Section::new("thresholds", "Thresholds", body))
}

/// A side of a threshold with its unit. A share has none in the file; its column says so.
fn shown(unit: &str, expect: &str, text: &str) -> String {
    let Some(value) = saved::number(text) else { return text.to_owned() };
    let dimension = match unit {
        "" if expect.contains("_ratio") => Dimension::Share,
        "" => Dimension::Number,
        unit => Dimension::ALL.into_iter().find(|known| known.unit() == unit).unwrap_or(Dimension::Number),
    };
    quantity(dimension, value)
}
