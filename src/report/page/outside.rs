//! The way to the files beside the page.

use maud::html;

use crate::report::page::shell::Section;

/// The files that a page leads to.
pub struct Beside<'a> {
    /// What stands before their names in links: nothing where they are in the folder of the page, and otherwise the way to
    /// theirs, encoded, with a slash at its end.
    pub way: &'a str,
    /// Whether one of that name is there.
    pub is_there: &'a dyn Fn(&str) -> bool,
}

/// What a file holds, in a few words.
fn holds(name: &str) -> &'static str {
    match name {
        "summary.csv" => "every figure of each client",
        "statistics.csv" => "means of the replications and how sure they are",
        "comparison.csv" => "every later client against the first",
        "theory.csv" => "closed forms beside what was observed",
        "timeseries.csv" => "the course of the run",
        "faults.csv" => "what each fault did to whom",
        "forged.csv" => "what became of forged webhooks",
        "thresholds.csv" => "what was expected, and what is",
        "crossover.csv" => "where the answer changes",
        "units.jsonl" => "every run in a line",
        "run.json" | "sweep.json" => "all of this, and what this page is made from",
        _ => "",
    }
}

/// Links to those of the files that are there.
pub(super) fn section(names: &[&str], beside: &Beside<'_>) -> Section {
    let body = html! {
        ul class="files" {
            @for name in names.iter().filter(|name| (beside.is_there)(name)) {
                li { a href=(format!("{}{name}", beside.way)) { (name) } " " span { (holds(name)) } }
            }
        }
    };
    Section::new("files", "The files behind it", body)
}
