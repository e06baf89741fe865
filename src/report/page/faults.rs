//! What broke, and what that did to whom.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::report::page::figure::{number, row_key, show};
use crate::report::page::saved::{Client, Engine, Saved, cell};
use crate::report::page::shell::Section;
use crate::report::page::{engine_name, has_several_engines, scrolling};

/// The columns that are shown, and what they are called.
const COLUMNS: [(&str, &str); 9] = [
    ("events", "events in it"),
    ("inside_latency_mean_ms", "mean"),
    ("inside_latency_p95_ms", "95 % within"),
    ("inside_latency_max_ms", "longest"),
    ("after_latency_mean_ms", "mean after it"),
    ("backlog_max", "backlog"),
    ("catch_up_s", "caught up after"),
    ("lost", "lost"),
    ("failed", "failed requests"),
];

/// More faults than this are left to the file.
const FAULTS_MAX: usize = 100;

/// A fault, and what it did to each client that met it.
struct Met<'a> {
    fault: &'a Map<String, Value>,
    clients: Vec<(&'a Client, &'a Map<String, Value>)>,
}

/// The faults of every engine; none where nothing broke.
pub(super) fn section(saved: &Saved) -> Option<Section> {
    if saved.engines.iter().flat_map(|engine| &engine.clients).all(|client| client.faults.is_empty()) {
        return None;
    }
    let body = html! {
        @if saved.replications.as_ref().is_some_and(|all| all.count > 1) { p class="note" { "Of the first replication." } }
        @for engine in &saved.engines {
            @if has_several_engines(saved) { h3 { (engine_name(&engine.engine)) } }
            @let all = met(engine);
            @for met in all.iter().take(FAULTS_MAX) { (table(engine, met)) }
            @if all.len() > FAULTS_MAX { p class="note" { "The other " (all.len() - FAULTS_MAX) " faults stand in faults.csv." } }
        }
    };
    Some(Section::new("faults", "Faults", body))
}

/// The faults of an engine in the order of time, each with the clients that met it.
fn met(engine: &Engine) -> Vec<Met<'_>> {
    let is_same = |a: &Map<String, Value>, b: &Map<String, Value>| {
        ["what", "kind", "from_s", "until_s"].iter().all(|column| a.get(*column) == b.get(*column))
    };
    let mut all: Vec<Met<'_>> = Vec::new();
    for client in &engine.clients {
        for fault in &client.faults {
            match all.iter_mut().find(|met| is_same(met.fault, fault)) {
                Some(met) => met.clients.push((client, fault)),
                None => all.push(Met { fault, clients: vec![(client, fault)] }),
            }
        }
    }
    let seconds = |met: &Met<'_>, column: &str| cell(met.fault.get(column)).value().unwrap_or(0.0);
    let order = |a: &Met<'_>, b: &Met<'_>, column: &str| seconds(a, column).total_cmp(&seconds(b, column));
    all.sort_by(|a, b| order(a, b, "from_s").then(order(a, b, "until_s")));
    all
}

fn table(engine: &Engine, met: &Met<'_>) -> Markup {
    let what = cell(met.fault.get("what")).text();
    let key = |client: &Client, fault: &Map<String, Value>| {
        row_key(&[("engine", &engine.engine), ("client", &client.name), ("fault", &cell(fault.get("fault")).text())])
    };
    let table = html! {
        table data-file="faults.csv" {
            caption { (what) }
            thead { tr { th scope="col" { "client" } @for (_, name) in COLUMNS { th scope="col" { (name) } } } }
            tbody {
                @for (client, fault) in &met.clients {
                    tr data-row=(key(client, fault)) {
                        th scope="row" { (client.name) }
                        @for (column, _) in COLUMNS {
                            @let cell = cell(fault.get(column));
                            td data-column=(column) {
                                @if column == "catch_up_s" && cell.value().is_none() { "never" }
                                @else { (number(&cell, &show(column, &cell, None))) }
                            }
                        }
                    }
                }
            }
        }
    };
    scrolling(&what, &table)
}
