//! The page of a sweep: how the figures go along the keys that vary, and where the answer changes.

mod crossovers;
mod heat;
mod keys;
mod lines;
mod points;
mod repeat;
mod saved;
mod thresholds;

use maud::html;

use crate::report::human;
use crate::report::page::outside::{self, Beside};
use crate::report::page::shell::{self, Section};
pub use saved::{FolderError, SavedSweep};

/// The files that a sweep leaves and its page leads to, where they are there.
const LINKED: [&str; 8] = [
    "summary.csv",
    "statistics.csv",
    "comparison.csv",
    "theory.csv",
    "crossover.csv",
    "thresholds.csv",
    "units.jsonl",
    "sweep.json",
];

/// The page of a sweep.
pub fn page(saved: &SavedSweep, beside: &Beside<'_>) -> Vec<u8> {
    let sections: Vec<Section> = [
        Some(crossovers::section(saved)),
        thresholds::section(saved),
        lines::section(saved),
        heat::section(saved),
        Some(points::section(saved)),
        Some(repeat::section(saved)),
        Some(outside::section(&LINKED, beside)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let head = shell::Head {
        kind: "A sweep of pushpull",
        name: &saved.head.scenario.name,
        title: &saved.head.scenario.title,
        facts: facts(saved),
        warning: saved.head.partial.then(|| "Partial: the sweep was stopped before its end.".to_owned()),
        tool_version: &saved.head.tool_version,
    };
    shell::document(&head, &sections)
}

fn facts(saved: &SavedSweep) -> Vec<String> {
    let head = &saved.head;
    let engine = match head.scenario.engine.as_str() {
        "live" => "real HTTP on loopback",
        "both" => "virtual time and real HTTP on loopback",
        _ => "virtual time",
    };
    let mut facts = vec![engine.to_owned(), human::things(head.point_count as f64, "point", "points")];
    match (&head.precision, head.replications) {
        (Some(precision), _) => facts.push(format!("replications until figures are known to {precision}")),
        (None, 0 | 1) => {}
        (None, count) => facts.push(format!("{} replications of each", human::count(count.into()))),
    }
    facts.push(format!("seed {}", head.scenario.seed));
    facts
}

/// What varies, a line for each key.
fn what_varied(saved: &SavedSweep) -> maud::Markup {
    let combined =
        if saved.head.combine == "zip" && saved.head.axes.len() > 1 { ", value by value together" } else { "" };
    html! {
        p class="varied" { "What varied" (combined) ":" }
        ul class="axes" {
            @for axis in &saved.head.axes {
                li {
                    code { (axis.key) } ": "
                    @match axis.values.as_slice() {
                        [] => "no value",
                        [only] => (only.text),
                        [first, .., last] if axis.values.len() > VALUES_MAX => {
                            (human::count(axis.values.len() as u64)) " values from " (first.text) " to " (last.text)
                        }
                        values => {
                            @for (index, value) in values.iter().enumerate() { @if index > 0 { ", " } (value.text) }
                        }
                    }
                }
            }
        }
    }
}

/// Of more values than this only the ends are told.
const VALUES_MAX: usize = 12;
