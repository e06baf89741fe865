//! The CSV files: RFC 4180, comma, dot, LF, a header always, an empty cell for what is not defined.

use crate::fault::ForgeryKind;
use crate::measure::comparison::{self, Comparison};
use crate::measure::histogram::Latencies;
use crate::measure::summary::Summary;
use crate::measure::tally::{Bucket, Forged, Outcomes};
use crate::report::columns::{Cell, Column, IDENTITY, MEASURES, Row};
use crate::report::{EngineReport, Identity, Report};

/// `summary.csv`: one row per engine and client.
pub fn summary(report: &Report) -> Vec<u8> {
    let columns = || IDENTITY.iter().chain(MEASURES);
    let row = |row: Row<'_>| columns().map(|column| (column.cell)(row)).collect();
    table(columns().map(|Column { name, .. }| *name), rows(report).map(row))
}

/// The rows of `summary.csv`.
pub fn rows(report: &Report) -> impl Iterator<Item = Row<'_>> {
    report.engines.iter().flat_map(move |engine| {
        engine.summaries.iter().map(move |summary| Row {
            scenario: &report.scenario,
            engine,
            summary,
            partial: report.partial,
        })
    })
}

/// The columns of `comparison.csv`.
pub const COMPARISON: [&str; 10] = [
    "metric",
    "baseline",
    "client",
    "baseline_value",
    "client_value",
    "difference",
    "ratio",
    "ci_low",
    "ci_high",
    "engine",
];

/// The columns of `theory.csv`.
pub const THEORY: [&str; 8] = ["client", "metric", "theory", "observed", "ci_low", "ci_high", "holds", "engine"];

/// `comparison.csv`: every later client against the first, figure by figure.
pub fn comparison(report: &Report) -> Vec<u8> {
    table(COMPARISON.into_iter(), report.engines.iter().flat_map(|engine| comparison_rows(&report.scenario, engine)))
}

/// The rows of an engine in `comparison.csv`.
pub(super) fn comparison_rows(scenario: &Identity, engine: &EngineReport) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    if let Some((baseline, clients)) = engine.summaries.split_first()
        && !engine.cut_unevenly
    {
        for client in clients {
            let row = |c: Comparison| comparison_row(engine.engine, baseline, client, &c);
            rows.extend(comparison::compare(baseline, client, scenario.prices.as_ref()).into_iter().map(row));
        }
    }
    rows
}

/// The cells of a row of `comparison.csv`.
fn comparison_row(engine: &str, baseline: &Summary, client: &Summary, comparison: &Comparison) -> Vec<Cell> {
    vec![
        comparison.metric.as_str().into(),
        baseline.terms.client.as_str().into(),
        client.terms.client.as_str().into(),
        comparison.baseline.into(),
        comparison.client.into(),
        comparison.difference().into(),
        comparison.ratio().into(),
        comparison.interval.map(|(low, _)| low).into(),
        comparison.interval.map(|(_, high)| high).into(),
        engine.into(),
    ]
}

/// `theory.csv`: closed forms beside what was observed.
pub fn theory(report: &Report) -> Vec<u8> {
    let rows = report.engines.iter().flat_map(|engine| {
        engine.theory.iter().map(|verification| {
            vec![
                verification.client.as_str().into(),
                verification.prediction.figure.name().as_str().into(),
                verification.prediction.value.into(),
                verification.observed.into(),
                verification.interval.map(|interval| interval.low).into(),
                verification.interval.map(|interval| interval.high).into(),
                verification.holds().map_or(Cell::Empty, |holds| holds.to_string().as_str().into()),
                engine.engine.into(),
            ]
        })
    });
    table(THEORY.into_iter(), rows)
}

/// Which replication a table is about, where there are several: a column at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// There is only one.
    TheRun,
    /// The first of several.
    TheFirst,
}

impl Of {
    /// The table with the column.
    fn table<'a>(self, header: impl Iterator<Item = &'a str>, rows: impl Iterator<Item = Vec<Cell>>) -> Vec<u8> {
        let is_named = self == Self::TheFirst;
        let named = |mut row: Vec<Cell>| {
            row.extend(is_named.then_some(FIRST));
            row
        };
        table(header.chain(is_named.then_some("replication")), rows.map(named))
    }
}

/// The number of the first replication.
const FIRST: Cell = Cell::Count(1);

/// `forged.csv`: what became of the forged webhooks of the scenario's attacker, by kind, at each client that has any.
pub fn forged(report: &Report, of: Of) -> Vec<u8> {
    let header = ["engine", "client", "kind", "rejected", "accepted"];
    let of_client = |row: Row<'_>| {
        let cells = |(kind, forged): (ForgeryKind, Forged)| {
            let client = row.summary.terms.client.as_str();
            vec![
                row.engine.engine.into(),
                client.into(),
                kind.name().into(),
                forged.rejected.into(),
                forged.accepted.into(),
            ]
        };
        let came = |(_, forged): &(ForgeryKind, Forged)| forged.rejected + forged.accepted > 0;
        row.summary.forged().filter(came).map(cells).collect::<Vec<_>>()
    };
    of.table(header.into_iter(), rows(report).flat_map(of_client))
}

/// The columns of `timeseries.csv`.
pub(super) const TIMESERIES: [&str; 22] = [
    "engine",
    "client",
    "start_s",
    "end_s",
    "occurred",
    "seen",
    "lost",
    "backlog",
    "requests",
    "useful",
    "empty",
    "not_modified",
    "duplicate",
    "throttled",
    "failed",
    "provider_bytes_in",
    "provider_bytes_out",
    "consumer_bytes_in",
    "consumer_bytes_out",
    "latency_n",
    "latency_p50_ms",
    "latency_p99_ms",
];

/// `timeseries.csv`: the measured stretch and the drain in buckets, for each client.
pub fn timeseries(report: &Report, of: Of) -> Vec<u8> {
    let of_engine = |engine: &EngineReport| {
        engine.summaries.iter().flat_map(|summary| timeseries_rows(engine.engine, summary)).collect::<Vec<_>>()
    };
    of.table(TIMESERIES.into_iter(), report.engines.iter().flat_map(of_engine))
}

/// The rows of one client in `timeseries.csv`.
pub(super) fn timeseries_rows(engine: &str, summary: &Summary) -> Vec<Vec<Cell>> {
    let row = |(bucket, [start, end], backlog): (Bucket, [f64; 2], u64)| {
        let latencies = bucket.latencies.as_deref();
        let mut cells: Vec<Cell> = vec![
            engine.into(),
            summary.terms.client.as_str().into(),
            start.into(),
            end.into(),
            bucket.occurred.into(),
            bucket.seen.into(),
            bucket.lost.into(),
            backlog.into(),
        ];
        cells.extend(outcome_cells(&bucket.outcomes));
        for bytes in [bucket.provider_bytes, bucket.consumer_bytes] {
            cells.extend([bytes.received.into(), bytes.sent.into()]);
        }
        cells.extend([
            latencies.map_or(0, Latencies::count).into(),
            latencies.and_then(|l| l.quantile_ms(0.5)).into(),
            latencies.and_then(|l| l.quantile_ms(0.99)).into(),
        ]);
        cells
    };
    summary.timeline().map(row).collect()
}

fn outcome_cells(outcomes: &Outcomes) -> [Cell; 7] {
    let Outcomes { useful, empty, not_modified, duplicate, throttled, failed } = *outcomes;
    [outcomes.total(), useful, empty, not_modified, duplicate, throttled, failed].map(Into::into)
}

/// Writes rows as every CSV file here has them.
pub(crate) fn writer<W: std::io::Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(to)
}

/// A header and rows as long as it.
pub(crate) fn table<'a>(header: impl Iterator<Item = &'a str>, rows: impl Iterator<Item = Vec<Cell>>) -> Vec<u8> {
    let mut writer = writer(Vec::new());
    // Writing to memory cannot fail, and every row is as long as the header by construction.
    writer.write_record(header).expect("writing to memory");
    for row in rows {
        writer.write_record(row.iter().map(Cell::text)).expect("rows are as long as the header");
    }
    writer.into_inner().expect("flushing to memory")
}
