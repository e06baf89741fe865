//! `sweep.json`: what a sweep was, and what each of its points came to, written point by point.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::measure::judgement::Judgement;
use crate::report::columns::MEASURES;
use crate::report::{SCHEMA, thresholds};
use crate::sweep::header::{AxisPart, Header};
use crate::sweep::results::Point;

/// The file while it is written.
#[derive(Debug)]
pub(super) struct SweepJson<W> {
    file: W,
    /// Whether a point stands in it.
    has_points: bool,
}

impl<W: Write> SweepJson<W> {
    /// Writes what stands before the first point.
    pub(super) fn begin(mut file: W, header: &Header, missing: u64) -> std::io::Result<Self> {
        let text = serde_json::to_string_pretty(&head(header, missing))?;
        file.write_all(text.trim_end_matches(['}', '\n']).as_bytes())?;
        file.write_all(b",\n  \"points\": [")?;
        Ok(Self { file, has_points: false })
    }

    /// Adds a point, with what became of its thresholds.
    pub(super) fn point(
        &mut self,
        header: &Header,
        point: &Point<'_>,
        judgements: &[Judgement],
    ) -> std::io::Result<()> {
        self.file.write_all(if self.has_points { b",\n    " } else { b"\n    " })?;
        self.has_points = true;
        serde_json::to_writer(&mut self.file, &point_json(header, point, judgements))?;
        Ok(())
    }

    /// Writes what stands behind the last point: what all of it was read from.
    pub(super) fn end(mut self, header: &Header) -> std::io::Result<W> {
        self.file.write_all(if self.has_points { b"\n  ]" } else { b"]" })?;
        let behind = json!({ "source": header.source, "search": header.search });
        let text = serde_json::to_string_pretty(&behind)?;
        self.file.write_all(b",")?;
        self.file.write_all(text.trim_start_matches('{').as_bytes())?;
        self.file.write_all(b"\n")?;
        Ok(self.file)
    }
}

fn head(header: &Header, missing: u64) -> Value {
    let axis = |axis: &AxisPart| {
        let values: Vec<_> =
            axis.values.iter().map(|value| json!({ "text": value.text, "number": value.number })).collect();
        json!({ "key": axis.key, "values": values })
    };
    // With a precision, a point is played or it is not.
    let what_is_missing = if header.precision.is_some() { "missing_points" } else { "missing_runs" };
    json!({
        "schema": SCHEMA,
        "tool_version": header.tool_version,
        "scenario": header.scenario,
        "combine": header.combine,
        "axes": header.axes.iter().map(axis).collect::<Vec<_>>(),
        "replications": header.replications,
        "precision": header.precision,
        "point_count": header.points,
        "partial": missing > 0,
        (what_is_missing): missing,
    })
}

fn point_json(header: &Header, point: &Point<'_>, judgements: &[Judgement]) -> Value {
    let settings: Map<_, _> = header
        .axes
        .iter()
        .zip(&point.values)
        .map(|(axis, value)| (axis.key.clone(), value.text.clone().into()))
        .collect();
    let runs: Vec<_> = point.runs().map(|(replication, outcome)| run(replication, outcome)).collect();
    let mut json = Map::new();
    json.insert("point".to_owned(), (point.number + 1).into());
    json.insert("settings".to_owned(), settings.into());
    if let Some(rule) = header.rule() {
        json.insert("precision_reached".to_owned(), point.stop(rule).is_some_and(|stop| stop.reached).into());
    }
    if !judgements.is_empty() {
        json.insert("thresholds".to_owned(), judgements.iter().map(thresholds::json).collect());
    }
    json.insert("runs".to_owned(), runs.into());
    json.into()
}

fn run(replication: u32, outcome: &Outcome) -> Value {
    json!({
        "replication": replication + 1,
        "seed": outcome.seed,
        "scenario_sha256": outcome.scenario_sha256,
        "clients": outcome.rows.iter().map(client).collect::<Vec<_>>(),
    })
}

fn client(row: &ClientOutcome) -> Value {
    let mut client = Map::new();
    client.insert("engine".to_owned(), row.engine.clone().into());
    client.insert("client".to_owned(), row.client.clone().into());
    client.insert("mode".to_owned(), row.mode.clone().into());
    client.extend(MEASURES.iter().zip(&row.cells).map(|(column, cell)| (column.name.to_owned(), cell.json())));
    client.into()
}
