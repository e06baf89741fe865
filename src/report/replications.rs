//! What several replications of a scenario came to, and the files that tell of it.
//!
//! The writers take points, each with what its swept keys were: a run that is repeated is a single point without any.

pub mod table;
pub mod verdict;

use serde_json::{Value, json};

use crate::measure::sample::{Estimate, Paired, RatioEstimate};
use crate::report::columns::Cell;
use crate::report::{Report, csv, json};

/// A figure of a client over replications.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimated {
    /// `sim` or `live`.
    pub engine: String,
    /// The client's name.
    pub client: String,
    /// The column of `summary.csv`.
    pub metric: &'static str,
    /// What the replications say of it.
    pub estimate: Estimate,
}

/// A figure of a later client against the first one, replication by replication.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// `sim` or `live`.
    pub engine: String,
    /// The column of `summary.csv`.
    pub metric: &'static str,
    /// The first client's name.
    pub baseline: String,
    /// The later client's name.
    pub client: String,
    /// Both side by side; none where no replication has a value of both.
    pub paired: Option<Paired>,
}

/// A closed form beside what was observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// `sim` or `live`.
    pub engine: String,
    /// The client's name.
    pub client: String,
    /// The figure's name, with its unit.
    pub metric: String,
    /// What theory predicts.
    pub theory: Cell,
    /// What was observed: the mean over the replications.
    pub observed: Cell,
    /// The 95 % interval of what was observed.
    pub interval: [Cell; 2],
    /// Whether the prediction agrees with it; none where that cannot be said.
    pub holds: Option<bool>,
}

/// What the replications of a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Replications {
    /// The seed of each, in their order.
    pub seeds: Vec<u64>,
    /// Whether there were to be more, but the run was stopped.
    pub stopped_early: bool,
    /// How precise the figures were to become, as a share, and whether they did; none if nobody asked.
    pub precision: Option<(f64, bool)>,
    /// Every figure.
    pub estimates: Vec<Estimated>,
    /// Every later client against the first.
    pub comparisons: Vec<Compared>,
    /// What theory says.
    pub theory: Vec<Verified>,
    /// By engine and client, in how many replications a part of the client could not keep up, where it was any.
    pub overloads: Vec<(String, String, usize)>,
}

impl Replications {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.seeds.len()
    }

    /// What the replications say of a figure of a client; none where no replication has a value.
    pub fn estimate(&self, engine: &str, client: &str, metric: &str) -> Option<Estimate> {
        let is_it = |other: &&Estimated| other.engine == engine && other.client == client && other.metric == metric;
        self.estimates.iter().find(is_it).map(|estimated| estimated.estimate)
    }

    /// In how many replications a part of a client could not keep up.
    pub fn overloaded(&self, engine: &str, client: &str) -> usize {
        let is_it = |(of_engine, of_client, _): &&(String, String, usize)| of_engine == engine && of_client == client;
        self.overloads.iter().find(is_it).map_or(0, |(.., count)| *count)
    }

    /// Whether a part of a client could not keep up in any replication.
    pub fn is_overloaded(&self, engine: &str, client: &str) -> bool {
        self.overloaded(engine, client) > 0
    }

    /// A figure of a later client against the first one.
    pub fn comparison(&self, engine: &str, client: &str, metric: &str) -> Option<Paired> {
        let is_it = |other: &&Compared| other.engine == engine && other.client == client && other.metric == metric;
        self.comparisons.iter().find(is_it).and_then(|compared| compared.paired)
    }
}

/// What is told of one point.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a, T> {
    /// The value of each swept key, as text.
    pub parameters: &'a [String],
    /// The rows.
    pub rows: &'a [T],
}

/// The names of the columns of swept keys.
fn parameter_columns(keys: &[String]) -> Vec<String> {
    keys.iter().map(|key| format!("param_{key}")).collect()
}

/// A CSV file with rows of points, and the swept keys in the last columns.
fn file<T>(header: &[&str], keys: &[String], points: &[Point<'_, T>], cells: fn(&T) -> Vec<Cell>) -> Vec<u8> {
    let parameters = parameter_columns(keys);
    let row = |parameters: &[String], row: &T| {
        let mut cells = cells(row);
        cells.extend(parameters.iter().map(|text| Cell::from(text.as_str())));
        cells
    };
    let rows = points.iter().flat_map(|point| point.rows.iter().map(|of| row(point.parameters, of)));
    csv::table(header.iter().copied().chain(parameters.iter().map(String::as_str)), rows)
}

/// `statistics.csv`: for each point, engine, client and figure the number of replications that have a value, their mean,
/// their standard deviation, and the 95 % interval of the mean. A percentile is the mean of the replications' percentiles.
pub fn statistics(keys: &[String], points: &[Point<'_, Estimated>]) -> Vec<u8> {
    let header = ["engine", "client", "metric", "n", "mean", "standard_deviation", "ci_low", "ci_high"];
    file(&header, keys, points, |Estimated { engine, client, metric, estimate }| {
        let [low, high] = ends(estimate.interval());
        vec![
            engine.as_str().into(),
            client.as_str().into(),
            (*metric).into(),
            estimate.n.into(),
            estimate.mean.into(),
            estimate.standard_deviation.into(),
            low,
            high,
        ]
    })
}

/// `comparison.csv`: every later client against the first, figure by figure. Values are means over the replications in which
/// both have one, and intervals come from their differences pair by pair.
pub fn comparison(keys: &[String], points: &[Point<'_, Compared>]) -> Vec<u8> {
    let own = ["n", "ratio_ci_low", "ratio_ci_high"];
    let header: Vec<_> = csv::COMPARISON.into_iter().chain(own).collect();
    file(&header, keys, points, |Compared { engine, metric, baseline, client, paired }| {
        let of = |value: fn(&Paired) -> f64| Cell::from(paired.as_ref().map(value));
        let [low, high] = ends(paired.and_then(|paired| paired.difference.interval()));
        let ratio = paired.and_then(|paired| paired.ratio);
        let [ratio_low, ratio_high] = ends(ratio.as_ref().and_then(RatioEstimate::interval));
        vec![
            (*metric).into(),
            baseline.as_str().into(),
            client.as_str().into(),
            of(|paired| paired.baseline),
            of(|paired| paired.client),
            of(|paired| paired.difference.mean),
            ratio.map(|ratio| ratio.ratio).into(),
            low,
            high,
            engine.as_str().into(),
            paired.map_or(0, |paired| paired.difference.n).into(),
            ratio_low,
            ratio_high,
        ]
    })
}

/// `theory.csv`: closed forms beside what was observed.
pub fn theory(keys: &[String], points: &[Point<'_, Verified>]) -> Vec<u8> {
    file(&csv::THEORY, keys, points, |verified| {
        let [low, high] = verified.interval.clone();
        vec![
            verified.client.as_str().into(),
            verified.metric.as_str().into(),
            verified.theory.clone(),
            verified.observed.clone(),
            low,
            high,
            verified.holds.map_or(Cell::Empty, |holds| holds.to_string().as_str().into()),
            verified.engine.as_str().into(),
        ]
    })
}

fn ends(interval: Option<(f64, f64)>) -> [Cell; 2] {
    [interval.map(|(low, _)| low).into(), interval.map(|(_, high)| high).into()]
}

/// `run.json` of several replications: the first one in full, and what all of them came to.
pub fn run_json(report: &Report, replications: &Replications) -> Vec<u8> {
    let mut document = json::document(report);
    let rounded = |value: Option<f64>| Cell::from(value).rounded().json();
    let estimates: Vec<Value> = replications
        .estimates
        .iter()
        .map(|Estimated { engine, client, metric, estimate }| {
            let (low, high) = estimate.interval().unzip();
            json!({
                "engine": engine, "client": client, "metric": metric, "n": estimate.n,
                "mean": rounded(Some(estimate.mean)),
                "standard_deviation": rounded(estimate.standard_deviation),
                "ci_low": rounded(low), "ci_high": rounded(high),
            })
        })
        .collect();
    if let Value::Object(document) = &mut document {
        let precision = replications.precision;
        document.insert(
            "replications".into(),
            json!({
                "count": replications.count(),
                "seeds": replications.seeds,
                "stopped_early": replications.stopped_early,
                "precision": precision.map(|(share, _)| share),
                "precision_reached": precision.map(|(_, reached)| reached),
                "verdict": verdict::sentences(report, replications),
                "statistics": estimates,
            }),
        );
    }
    json::bytes(&document)
}

/// The name and the content of each result file of several replications. What tells of the course of a run is of the first
/// one, which a column says.
pub fn files(report: &Report, replications: &Replications, summary: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let point = |parameters| -> Point<'_, Estimated> { Point { parameters, rows: &replications.estimates } };
    let mut files = super::files::of_first(report);
    files.extend([
        ("summary.csv", summary),
        (super::files::STATISTICS, statistics(&[], &[point(&[])])),
        ("comparison.csv", comparison(&[], &[Point { parameters: &[], rows: &replications.comparisons }])),
        ("theory.csv", theory(&[], &[Point { parameters: &[], rows: &replications.theory }])),
        ("run.json", run_json(report, replications)),
    ]);
    files
}
