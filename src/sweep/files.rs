//! The result files of a sweep, written point by point, so that memory does not grow with their number.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use crate::evaluation::outcome::{ClientOutcome, TheoryOutcome};
use crate::report::columns::{Cell, IDENTITY, MEASURES};
use crate::report::files::{WriteError, persist, unfinished};
use crate::report::{SCHEMA, csv};
use crate::sweep::header::Header;
use crate::sweep::results::{Point, Results, Run, mean};
use crate::sweep::units::{self, ReadError};

/// The figures that `comparison.csv` sets side by side: columns of `summary.csv`.
const COMPARED: [&str; 20] = [
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_max_ms",
    "staleness_ratio",
    "delivered",
    "lost",
    "duplicates",
    "requests",
    "wasted",
    "wasted_ratio",
    "requests_per_event",
    "provider_rps_mean",
    "provider_rps_peak",
    "provider_bytes_in",
    "provider_bytes_out",
    "consumer_rps_peak",
    "consumer_bytes_in",
    "consumer_bytes_out",
];

/// The files that a single run leaves in its folder and a sweep does not write.
const OF_ONE_RUN: [&str; 4] = ["timeseries.csv", "run.json", "forged.csv", "faults.csv"];
/// The file of the units themselves, without its ending.
pub const UNITS: &str = "units";

/// Why result files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What is to be written cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Writes every result file of a sweep into a folder, all or none as far as the file system allows, and removes those that
/// only a single run has. `look` sees each point.
///
/// # Errors
///
/// If one cannot be written, or the units cannot be read; the files that were there are then still there.
pub fn write(folder: &Path, results: &Results, mut look: impl FnMut(&Point<'_>)) -> Result<(), FilesError> {
    let mut output = Output::begin(folder, results)?;
    for point in results.points() {
        let point = point?;
        look(&point);
        output.point(&point).map_err(|source| output.failed(source))?;
    }
    output.units(results)?;
    let files = output.end()?;
    persist(files)?;
    for name in OF_ONE_RUN {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(WriteError { path, source })?,
            _ => {}
        }
    }
    Ok(())
}

/// Writes the file of a shard.
///
/// # Errors
///
/// If it cannot be written, or its units cannot be read.
pub fn write_shard(folder: &Path, results: &Results, shard: super::shard::Shard) -> Result<(), FilesError> {
    let path = folder.join(shard.file_name());
    let failed = |source| WriteError { path: path.clone(), source };
    let mut file = BufWriter::new(unfinished(folder).map_err(failed)?);
    file.write_all(&units::head(&results.header, Some(shard))).map_err(failed)?;
    for unit in results.units().filter(|unit| shard.has(*unit)) {
        file.write_all(&results.line(unit)?.unwrap_or_default()).map_err(failed)?;
    }
    let file = finished(file).map_err(failed)?;
    Ok(persist(vec![(path, file)])?)
}

fn finished(file: BufWriter<NamedTempFile>) -> std::io::Result<NamedTempFile> {
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    Ok(file)
}

type Csv = ::csv::Writer<NamedTempFile>;

/// The files while they are written.
struct Output<'a> {
    folder: &'a Path,
    header: &'a Header,
    summary: Csv,
    comparison: Csv,
    theory: Csv,
    units: BufWriter<NamedTempFile>,
    json: BufWriter<NamedTempFile>,
    /// Whether a point stands in the JSON.
    has_points: bool,
}

impl<'a> Output<'a> {
    fn begin(folder: &'a Path, results: &'a Results) -> Result<Self, WriteError> {
        let failed = |source| WriteError { path: folder.to_owned(), source };
        let table = || unfinished(folder).map(csv::writer).map_err(failed);
        let file = || unfinished(folder).map(BufWriter::new).map_err(failed);
        let header = &results.header;
        let mut output = Self {
            folder,
            header,
            summary: table()?,
            comparison: table()?,
            theory: table()?,
            units: file()?,
            json: file()?,
            has_points: false,
        };
        output.heads(results.missing()).map_err(failed)?;
        Ok(output)
    }

    fn failed(&self, source: std::io::Error) -> FilesError {
        WriteError { path: self.folder.to_owned(), source }.into()
    }

    /// Writes what stands before the first point.
    fn heads(&mut self, missing: u64) -> std::io::Result<()> {
        let parameters = || self.header.axes.iter().map(|axis| format!("param_{}", axis.key));
        let numbers = self.header.axes.iter().filter(|axis| axis.has_unit).map(|axis| format!("value_{}", axis.key));
        let identity = IDENTITY.iter().map(|column| column.name.to_owned());
        let measures = MEASURES.iter().map(|column| column.name.to_owned());
        self.summary.write_record(identity.chain(parameters()).chain(measures).chain(numbers))?;
        let with_parameters =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).chain(parameters()).collect::<Vec<_>>();
        self.comparison.write_record(with_parameters(&csv::COMPARISON))?;
        self.theory.write_record(with_parameters(&csv::THEORY))?;
        self.units.write_all(&units::head(self.header, None))?;
        let axis = |axis: &super::header::AxisPart| {
            let values: Vec<_> =
                axis.values.iter().map(|value| json!({ "text": value.text, "number": value.number })).collect();
            json!({ "key": axis.key, "values": values })
        };
        let header = self.header;
        let head = json!({
            "schema": SCHEMA,
            "tool_version": header.tool_version,
            "scenario": header.scenario,
            "combine": header.combine,
            "axes": header.axes.iter().map(axis).collect::<Vec<_>>(),
            "replications": header.replications,
            "point_count": header.points,
            "partial": missing > 0,
            "missing_runs": missing,
        });
        let text = serde_json::to_string_pretty(&head)?;
        self.json.write_all(text.trim_end_matches(['}', '\n']).as_bytes())?;
        self.json.write_all(b",\n  \"points\": [")
    }

    fn point(&mut self, point: &Point<'_>) -> std::io::Result<()> {
        for run in &point.runs {
            for row in &run.outcome.rows {
                self.summary.write_record(self.summary_row(point, run, row).iter().map(Cell::text))?;
            }
        }
        let parameters: Vec<Cell> = point.values.iter().map(|value| value.text.as_str().into()).collect();
        for row in comparison_rows(point).into_iter() {
            self.comparison.write_record(row.iter().chain(&parameters).map(Cell::text))?;
        }
        for row in theory_rows(point) {
            self.theory.write_record(row.iter().chain(&parameters).map(Cell::text))?;
        }
        self.json.write_all(if self.has_points { b",\n    " } else { b"\n    " })?;
        self.has_points = true;
        let json = self.point_json(point);
        serde_json::to_writer(&mut self.json, &json)?;
        Ok(())
    }

    fn summary_row(&self, point: &Point<'_>, run: &Run, row: &ClientOutcome) -> Vec<Cell> {
        let mut cells: Vec<Cell> = vec![
            SCHEMA.into(),
            self.header.tool_version.as_str().into(),
            self.header.scenario.name.as_str().into(),
            run.outcome.scenario_sha256.as_str().into(),
            row.engine.as_str().into(),
            run.outcome.seed.into(),
            (run.replication + 1).into(),
            row.client.as_str().into(),
            row.mode.as_str().into(),
        ];
        cells.extend(point.values.iter().map(|value| Cell::from(value.text.as_str())));
        cells.extend(row.cells.iter().cloned());
        let numbers = self.header.axes.iter().zip(&point.values).filter(|(axis, _)| axis.has_unit);
        cells.extend(numbers.map(|(_, value)| value.number.clone()));
        cells
    }

    fn point_json(&self, point: &Point<'_>) -> Value {
        let settings: Map<_, _> = self
            .header
            .axes
            .iter()
            .zip(&point.values)
            .map(|(axis, value)| (axis.key.clone(), value.text.clone().into()))
            .collect();
        let client = |row: &ClientOutcome| {
            let mut client = Map::new();
            client.insert("engine".to_owned(), row.engine.clone().into());
            client.insert("client".to_owned(), row.client.clone().into());
            client.insert("mode".to_owned(), row.mode.clone().into());
            client.extend(MEASURES.iter().zip(&row.cells).map(|(column, cell)| (column.name.to_owned(), cell.json())));
            client
        };
        let run = |run: &Run| {
            json!({
                "replication": run.replication + 1,
                "seed": run.outcome.seed,
                "scenario_sha256": run.outcome.scenario_sha256,
                "clients": run.outcome.rows.iter().map(client).collect::<Vec<_>>(),
            })
        };
        let runs: Vec<_> = point.runs.iter().map(run).collect();
        json!({ "point": point.number + 1, "settings": settings, "runs": runs })
    }

    fn units(&mut self, results: &Results) -> Result<(), FilesError> {
        for unit in results.units() {
            let line = results.line(unit)?.unwrap_or_default();
            self.units.write_all(&line).map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// The files with the names that they are to have.
    fn end(mut self) -> Result<Vec<(PathBuf, NamedTempFile)>, WriteError> {
        let folder = self.folder;
        let failed = |source| WriteError { path: folder.to_owned(), source };
        let close: &[u8] = if self.has_points { b"\n  ]\n}\n" } else { b"]\n}\n" };
        self.json.write_all(close).map_err(failed)?;
        let table = |file: Csv| {
            let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            file.as_file().sync_all().map(|()| file).map_err(failed)
        };
        Ok(vec![
            (folder.join("summary.csv"), table(self.summary)?),
            (folder.join("comparison.csv"), table(self.comparison)?),
            (folder.join("theory.csv"), table(self.theory)?),
            (folder.join(format!("{UNITS}.jsonl")), finished(self.units).map_err(failed)?),
            (folder.join("sweep.json"), finished(self.json).map_err(failed)?),
        ])
    }
}

/// The rows of `comparison.csv`: every later client against the first, by the means over the runs of the point.
fn comparison_rows(point: &Point<'_>) -> Vec<Vec<Cell>> {
    let series = point.series();
    let mut rows = Vec::new();
    for (engine, client) in &series {
        let baseline = series.iter().find(|(other, _)| other == engine).map_or("", |(_, baseline)| baseline);
        if client == baseline {
            continue;
        }
        for metric in COMPARED {
            let [base, value] = [baseline, client].map(|client| point.mean(engine, client, metric));
            let difference = base.zip(value).map(|(base, value)| value - base);
            let ratio = base.filter(|base| *base != 0.0).zip(value).map(|(base, value)| value / base);
            rows.push(vec![
                metric.into(),
                baseline.into(),
                client.as_str().into(),
                base.into(),
                value.into(),
                difference.into(),
                ratio.into(),
                Cell::Empty,
                Cell::Empty,
                engine.as_str().into(),
            ]);
        }
    }
    rows
}

/// The rows of `theory.csv`: what theory says of a point beside the means over its runs.
fn theory_rows(point: &Point<'_>) -> Vec<Vec<Cell>> {
    let first = point.runs.first().map_or(&[][..], |run| &run.outcome.theory);
    let row = |theory: &TheoryOutcome| {
        let same = |other: &&TheoryOutcome| {
            (&other.engine, &other.client, &other.metric) == (&theory.engine, &theory.client, &theory.metric)
        };
        let observed = |run: &Run| run.outcome.theory.iter().find(same)?.observed.value();
        vec![
            theory.client.as_str().into(),
            theory.metric.as_str().into(),
            theory.theory.clone(),
            mean(point.runs.iter().filter_map(observed)).into(),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            theory.engine.as_str().into(),
        ]
    };
    first.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_a_column_of_the_summary() {
        for metric in COMPARED {
            assert!(MEASURES.iter().any(|column| column.name == metric), "{metric}");
        }
    }
}
