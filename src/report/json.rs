//! `run.json`: everything that is known of a run, with the resolved scenario and histograms that merge.

mod course;

use serde_json::{Map, Value, json};

use crate::measure::chronicle::Chronicle;
use crate::measure::summary::{Mode, Summary};
use crate::report::columns::{Cell, MEASURES, Row, significant};
use crate::report::{EngineReport, Report, SCHEMA, TOOL_VERSION, costs, csv, faults, thresholds, verdict};

/// The run as JSON, indented, with a line end.
pub fn run(report: &Report) -> Vec<u8> {
    bytes(&document(report))
}

/// A document as text, indented, with a line end.
pub(super) fn bytes(document: &Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(document).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The run as a JSON document.
pub(super) fn document(report: &Report) -> Value {
    let engines: Vec<Value> = report.engines.iter().map(|engine| engine_json(report, engine)).collect();
    let agreements: Vec<Value> = report
        .agreements
        .iter()
        .map(|a| {
            json!({
                "client": a.client, "metric": a.metric, "sim": number(a.sim), "live": number(a.live),
                "tolerance": number(Some(a.tolerance)), "agrees": a.holds(),
            })
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "tool_version": TOOL_VERSION,
        "scenario": {
            "name": report.scenario.name,
            "title": report.scenario.title,
            "sha256": report.scenario.sha256,
            "seed": report.scenario.seed,
            "resolved": report.scenario.resolved,
            "consumers": report.scenario.consumers,
            "currency": report.scenario.prices.as_ref().and_then(|prices| prices.currency.as_deref()),
            "text": report.scenario.text,
        },
        "partial": report.partial,
        "engines": engines,
        "agreement": agreements,
        "thresholds": report.judgements.iter().map(thresholds::json).collect::<Vec<_>>(),
    })
}

/// Rows of a table as objects whose keys are its columns.
pub(super) fn objects(columns: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Value {
    let object = |row: Vec<Cell>| -> Value {
        let cells = columns.iter().zip(row).map(|(column, cell)| ((*column).to_owned(), cell.json()));
        cells.collect::<Map<_, _>>().into()
    };
    rows.into_iter().map(object).collect()
}

fn engine_json(report: &Report, engine: &EngineReport) -> Value {
    let opening = |index: usize| engine.opening.get(index).and_then(Option::as_ref);
    let clients: Vec<Value> = csv::rows(report)
        .filter(|row| std::ptr::eq(row.engine, engine))
        .enumerate()
        .map(|(index, row)| client_json(row, row.summary, opening(index)))
        .collect();
    let theory: Vec<Value> = engine
        .theory
        .iter()
        .map(|v| {
            json!({
                "client": v.client, "metric": v.prediction.figure.name(),
                "theory": number(Some(v.prediction.value)), "observed": number(v.observed),
                "ci_low": number(v.interval.map(|i| i.low)), "ci_high": number(v.interval.map(|i| i.high)),
                "holds": v.holds(),
            })
        })
        .collect();
    let lag = engine.lag.map(|lag| {
        json!({ "p50_ms": lag.p50.as_millis_f64(), "p99_ms": lag.p99.as_millis_f64(), "max_ms": lag.max.as_millis_f64() })
    });
    let transitions: u64 = engine.summaries.iter().map(|summary| summary.tally.transitions).sum();
    let verdict = [verdict::sentences(engine), costs::sentences(&report.scenario, engine)].concat();
    json!({
        "engine": engine.engine,
        "transitions": transitions,
        "lag": lag,
        "verdict": verdict,
        "clients": clients,
        "theory": theory,
        "comparison": objects(&csv::COMPARISON, csv::comparison_rows(&report.scenario, engine)),
        "cut_unevenly": engine.cut_unevenly,
    })
}

fn client_json(row: Row<'_>, summary: &Summary, opening: Option<&Chronicle>) -> Value {
    let mut client = Map::new();
    client.insert("client".into(), summary.terms.client.as_str().into());
    client.insert("mode".into(), summary.terms.mode.name().into());
    for column in MEASURES {
        client.insert(column.name.into(), (column.cell)(row).json());
    }
    if summary.terms.mode != Mode::Pull {
        let forged = summary.forged().map(|(kind, forged)| {
            (kind.name().to_owned(), json!({ "rejected": forged.rejected, "accepted": forged.accepted }))
        });
        client.insert("forged".into(), forged.collect::<Map<_, _>>().into());
    }
    if !summary.tally.faults.is_empty() {
        client.insert("faults".into(), faults::json(&summary.tally.faults));
    }
    let cells: Vec<Value> = summary.tally.latencies.cells().map(|(micros, count)| json!([micros, count])).collect();
    client.insert(
        "latency_histogram".into(),
        json!({ "unit": "us", "significant_digits": 3, "sum_ns": summary.tally.latencies.sum_nanos().to_string(), "cells": cells }),
    );
    if summary.records.is_some() {
        let time_to_know = &summary.tally.records.time_to_know;
        let cells: Vec<Value> = time_to_know.cells().map(|(micros, count)| json!([micros, count])).collect();
        client.insert(
            "know_histogram".into(),
            json!({ "unit": "us", "significant_digits": 3, "sum_ns": time_to_know.sum_nanos().to_string(), "cells": cells }),
        );
    }
    client.insert("timeseries".into(), course::timeseries(row.engine.engine, summary));
    client.insert("opening".into(), opening.map(course::opening).into());
    client.into()
}

fn number(value: Option<f64>) -> Value {
    Cell::from(value.map(|value| significant(value).parse::<f64>().unwrap_or(value))).json()
}
