//! `report.html`: results as a page that stands alone. It needs no network and no script, and it is made from the saved files
//! only, so that it can be made again from them at any time, to the same bytes.

mod agreement;
mod charts;
mod faults;
mod figure;
mod opening;
mod outside;
mod repeat;
mod saved;
mod shell;
mod side_by_side;
pub mod sweep;
mod theory;
mod thresholds;

use maud::{Markup, html};

use crate::report::{human, verdict};
pub use outside::Beside;
use saved::Engine;
pub use saved::{Saved, SavedError};
use shell::Section;

/// The name of the file.
pub const FILE: &str = "report.html";

/// The files that a run leaves and its page leads to, where they are there.
const LINKED: [&str; 9] = [
    "summary.csv",
    "statistics.csv",
    "comparison.csv",
    "theory.csv",
    "timeseries.csv",
    "faults.csv",
    "forged.csv",
    "thresholds.csv",
    "run.json",
];

/// The page of a run.
pub fn run(saved: &Saved, beside: &Beside<'_>) -> Vec<u8> {
    let sections: Vec<Section> = [
        Some(verdict_section(saved)),
        Some(side_by_side::section(saved)),
        thresholds::section(saved),
        agreement::section(saved),
        charts::section(saved),
        theory::section(saved),
        opening::section(saved),
        faults::section(saved),
        Some(repeat::section(saved)),
        Some(outside::section(&LINKED, beside)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let head = shell::Head {
        kind: "A run of pushpull",
        name: &saved.scenario.name,
        title: &saved.scenario.title,
        facts: facts(saved),
        warning: warning(saved),
        tool_version: &saved.tool_version,
    };
    shell::document(&head, &sections)
}

/// Whether a run was played by more than one engine, so that figures need to say by which.
fn has_several_engines(saved: &Saved) -> bool {
    saved.engines.len() > 1
}

/// An engine, as people know it.
fn engine_name(engine: &str) -> &'static str {
    match engine {
        "live" => "real HTTP on loopback",
        _ => "virtual time",
    }
}

/// What was run, in a line.
fn facts(saved: &Saved) -> Vec<String> {
    let engines: Vec<_> = saved.engines.iter().map(|engine| engine_name(&engine.engine)).collect();
    let measured =
        |engine: &Engine| engine.clients.iter().filter_map(|client| client.value("measured_s")).fold(0.0, f64::max);
    let measured = saved.engines.iter().map(measured).fold(0.0, f64::max);
    let up_to = if saved.engines.iter().any(|engine| engine.cut_unevenly) { "up to " } else { "" };
    let mut facts = vec![
        engines.join(" and "),
        format!("{up_to}{} measured", human::duration_secs(measured)),
        human::things(saved.scenario.consumers.into(), "consumer", "consumers"),
        format!("seed {}", saved.scenario.seed),
    ];
    facts.extend(saved.replications.as_ref().map(|all| human::things(all.count as f64, "replication", "replications")));
    facts
}

/// What a reader has to know before anything else.
fn warning(saved: &Saved) -> Option<String> {
    let stopped_early = saved.replications.as_ref().is_some_and(|all| all.stopped_early);
    match (saved.partial, stopped_early) {
        (true, _) => {
            Some("Partial: the run was stopped before its end, and everything here is of what was played.".into())
        }
        (_, true) => Some("Partial: the run was stopped before its last replication.".into()),
        _ => None,
    }
}

/// What the figures amount to: the sentences of the terminal.
fn verdict_section(saved: &Saved) -> Section {
    let sentences = match (&saved.replications, saved.engines.first()) {
        (Some(all), _) => all.verdict.as_slice(),
        (None, Some(engine)) => engine.verdict.as_slice(),
        (None, None) => &[],
    };
    let body = html! {
        div class="verdict" { @for sentence in sentences { p { (with_quotes(saved, sentence)) } } }
        @if has_several_engines(saved) {
            p class="note" { "These sentences are about the figures of " (saved.engines.first().map_or("", |engine| engine_name(&engine.engine))) "." }
        }
        @for lag in saved.engines.iter().filter_map(|engine| engine.lag.as_ref()) {
            p class="note" {
                "The live engine kept its schedule to "
                (human::duration_ms(lag.p50_ms.value().unwrap_or(0.0))) " in half of all cases and to "
                (human::duration_ms(lag.p99_ms.value().unwrap_or(0.0))) " in 99 % of them."
            }
        }
    };
    Section::new("verdict", "The verdict", body)
}

/// A sentence of the terminal with the quotation marks of print around the names of clients, and with each number beside its
/// unit.
fn with_quotes(saved: &Saved, sentence: &str) -> String {
    let names = saved.engines.iter().take(1).flat_map(|engine| &engine.clients);
    let quoted = |text: String, name: &str| text.replace(&format!("\"{name}\""), &figure::quoted(name));
    verdict::glue_units(&names.fold(sentence.to_owned(), |text, client| quoted(text, &client.name)))
}

/// A table that scrolls within its own frame where the page is too narrow for it.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div class="scroll" role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// A text that begins a line.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
