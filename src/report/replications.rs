//! What several replications of a scenario came to, and the files that tell of it.
//!
//! A table has the rows of one point, or, in a sweep, of one point after the other, each with its swept keys behind.

pub mod table;
pub mod verdict;

use serde_json::{Value, json};

use crate::measure::sample::{Estimate, Paired, RatioEstimate};
use crate::report::columns::Cell;
use crate::report::page::SavedError;
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

/// The columns of `statistics.csv`.
pub const STATISTICS: [&str; 8] =
    ["engine", "client", "metric", "n", "mean", "standard_deviation", "ci_low", "ci_high"];

/// The columns of `comparison.csv`: those of a single run, and how many replications have both values.
pub const COMPARISON: [&str; 13] = [
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
    "n",
    "ratio_ci_low",
    "ratio_ci_high",
];

/// A row of a table of which every point has some.
pub trait Cells {
    /// Its cells, without those of swept keys.
    fn cells(&self) -> Vec<Cell>;
}

impl Cells for Estimated {
    fn cells(&self) -> Vec<Cell> {
        let Self { engine, client, metric, estimate } = self;
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
    }
}

impl Cells for Compared {
    fn cells(&self) -> Vec<Cell> {
        let Self { engine, metric, baseline, client, paired } = self;
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
    }
}

impl Cells for Verified {
    fn cells(&self) -> Vec<Cell> {
        let [low, high] = self.interval.clone();
        vec![
            self.client.as_str().into(),
            self.metric.as_str().into(),
            self.theory.clone(),
            self.observed.clone(),
            low,
            high,
            self.holds.map_or(Cell::Empty, |holds| holds.to_string().as_str().into()),
            self.engine.as_str().into(),
        ]
    }
}

/// `statistics.csv`: for each engine, client and figure the number of replications that have a value, their mean, their
/// standard deviation, and the 95 % interval of the mean. A percentile is the mean of the replications' percentiles.
pub fn statistics(rows: &[Estimated]) -> Vec<u8> {
    csv::table(STATISTICS.into_iter(), rows.iter().map(Cells::cells))
}

/// `comparison.csv`: every later client against the first, figure by figure. Values are means over the replications in which
/// both have one, and intervals come from their differences pair by pair.
pub fn comparison(rows: &[Compared]) -> Vec<u8> {
    csv::table(COMPARISON.into_iter(), rows.iter().map(Cells::cells))
}

/// `theory.csv`: closed forms beside what was observed.
pub fn theory(rows: &[Verified]) -> Vec<u8> {
    csv::table(csv::THEORY.into_iter(), rows.iter().map(Cells::cells))
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
    let overloads: Vec<Value> = replications
        .overloads
        .iter()
        .map(|(engine, client, count)| json!({ "engine": engine, "client": client, "replications": count }))
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
                "comparison": json::objects(&COMPARISON, replications.comparisons.iter().map(Cells::cells)),
                "theory": json::objects(&csv::THEORY, replications.theory.iter().map(Cells::cells)),
                "overloads": overloads,
            }),
        );
    }
    json::bytes(&document)
}

/// The name and the content of each result file of several replications. What tells of the course of a run is of the first
/// one, which a column says.
///
/// # Errors
///
/// If what was saved cannot be read back, which is a bug of this program.
pub fn files(
    report: &Report,
    replications: &Replications,
    summary: Vec<u8>,
) -> Result<Vec<(&'static str, Vec<u8>)>, SavedError> {
    let mut files = super::files::of_first(report);
    files.extend([
        ("summary.csv", summary),
        (super::files::STATISTICS, statistics(&replications.estimates)),
        ("comparison.csv", comparison(&replications.comparisons)),
        ("theory.csv", theory(&replications.theory)),
        (super::files::RUN, run_json(report, replications)),
    ]);
    super::files::with_page(files)
}
