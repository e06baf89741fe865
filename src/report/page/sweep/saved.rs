//! A sweep as it is saved: what it was, in `sweep.json`, and what it came to, in its tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::report::columns::Cell;
use crate::report::files;
use crate::report::page::saved::{SavedError, read};

/// Why the results in a folder cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be understood.
    #[error("cannot show {}: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SavedError,
    },
    /// A table is not as it was written.
    #[error("cannot show {}: it is damaged: {sentence}. Run the sweep again", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        sentence: String,
    },
}

/// What a sweep was.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Head {
    pub(super) tool_version: String,
    pub(super) scenario: Scenario,
    pub(super) combine: String,
    pub(super) axes: Vec<Axis>,
    pub(super) replications: u32,
    pub(super) precision: Option<String>,
    pub(super) point_count: u64,
    pub(super) partial: bool,
    pub(super) source: Source,
    pub(super) search: Search,
}

/// The scenario without its sweep.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) sha256: String,
    pub(super) engine: String,
    pub(super) seed: u64,
    resolved: Value,
}

impl Scenario {
    /// What prices are in, if that is said.
    pub(super) fn currency(&self) -> Option<&str> {
        self.resolved.get("prices")?.get("currency")?.as_str()
    }
}

/// A key that varies.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Axis {
    pub(super) key: String,
    pub(super) values: Vec<AxisValue>,
}

/// One of its values.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AxisValue {
    pub(super) text: String,
    /// In seconds, per second, bytes, or none.
    pub(super) number: Cell,
}

/// What the sweep was read from.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) sets: Vec<String>,
    pub(super) varied: Vec<String>,
    pub(super) thresholds: Vec<String>,
    pub(super) zip: bool,
}

/// Which crossovers were looked for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Search {
    pub(super) is_off: bool,
    pub(super) along: Option<String>,
    pub(super) targets: Vec<String>,
}

/// The figures that are shown, and what they are called.
pub(super) const FIGURES: [(&str, &str); 6] = [
    ("requests_per_event", "requests an event"),
    ("latency_mean_ms", "mean latency"),
    ("latency_p95_ms", "95 % within"),
    ("staleness_ratio", "time out of date"),
    ("lost", "lost"),
    ("cost_per_million_events", "cost of a million events"),
];

/// Points beyond these are left to the files.
pub(super) const POINTS_MAX: usize = 10_000;
/// Rows of other tables beyond these are.
const ROWS_MAX: usize = 5_000;

/// A figure of a client at a point, each part as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figure {
    /// The value, or the mean of several replications.
    pub(super) value: String,
    /// The ends of its 95 % interval; empty without one.
    pub(super) low: String,
    pub(super) high: String,
}

impl Figure {
    /// The number; none where it is not defined.
    pub(super) fn number(&self) -> Option<f64> {
        number(&self.value)
    }

    /// Its interval, where there is one.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        number(&self.low).zip(number(&self.high))
    }
}

/// A number of a table; none where the cell is empty or holds a word.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    /// The value of each key, as it is written.
    pub(super) values: Vec<String>,
    /// For each series, each of [`FIGURES`].
    pub(super) figures: Vec<[Figure; FIGURES.len()]>,
    /// The numbers of the series that are overloaded here, in any replication.
    pub(super) overloaded: BTreeSet<usize>,
}

/// A table as it was read: rows by the names of their columns.
pub(super) type Rows = Vec<BTreeMap<String, String>>;

/// A sweep, read from its folder.
#[derive(Clone, Debug)]
pub struct SavedSweep {
    pub(super) head: Head,
    /// Engines and clients, in their order.
    pub(super) series: Vec<(String, String)>,
    pub(super) points: Vec<Point>,
    /// How many points there are beyond [`POINTS_MAX`].
    pub(super) left_out: u64,
    /// Whether figures are means of several replications.
    pub(super) is_replicated: bool,
    /// The rows of `crossover.csv`, where crossovers were looked for.
    pub(super) crossovers: Option<Rows>,
    /// The rows of `thresholds.csv`, where anything is expected: how many, and those that are missed.
    pub(super) thresholds: Option<(u64, u64, Rows)>,
}

impl SavedSweep {
    /// Reads a sweep from its folder.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or is damaged, of something else, or of a version that is not known.
    pub fn read(folder: &Path) -> Result<Self, FolderError> {
        let head = head(&folder.join("sweep.json"))?;
        let statistics = folder.join(files::STATISTICS);
        let is_replicated = statistics.is_file();
        let mut reading = Reading::new(&head, is_replicated);
        let path = if is_replicated { statistics } else { folder.join("summary.csv") };
        each_row(&path, |row| reading.take(row))?;
        // Which clients are overloaded stands with the runs alone.
        let places: BTreeMap<_, _> = reading.places();
        each_row(&folder.join("summary.csv"), |row| reading.mark(row, &places))?;
        let Reading { series, points, left_out, .. } = reading;
        let crossovers = folder.join("crossover.csv");
        let crossovers = crossovers.is_file().then(|| rows(&crossovers, |_| true)).transpose()?;
        let thresholds = folder.join(files::THRESHOLDS);
        let thresholds = thresholds.is_file().then(|| judged(&thresholds)).transpose()?;
        Ok(Self { head, series, points, left_out, is_replicated, crossovers, thresholds })
    }

    /// The name of a series: the client, and its engine where there are two.
    pub(super) fn name(&self, (engine, client): &(String, String)) -> String {
        if self.head.scenario.engine == "both" { format!("{client} ({engine})") } else { client.clone() }
    }

    /// The file that the figures are from, and the column of its values.
    pub(super) fn origin(&self) -> (&'static str, Option<&'static str>) {
        if self.is_replicated { ("statistics.csv", Some("mean")) } else { ("summary.csv", None) }
    }
}

fn open(path: &Path) -> Result<BufReader<File>, FolderError> {
    let opened = File::open(path);
    opened.map(BufReader::new).map_err(|source| FolderError::Read { path: path.to_owned(), source })
}

/// Reads what stands around the points of `sweep.json`, which may be more than there is memory for.
fn head(path: &Path) -> Result<Head, FolderError> {
    let (first, second) = (open(path)?, open(path)?);
    let content = |source| FolderError::Content { path: path.to_owned(), source };
    read(|| serde_json::from_reader(first), || serde_json::from_reader(second), "sweep").map_err(content)
}

/// Looks at each row of a table, one after the other.
fn each_row(path: &Path, mut look: impl FnMut(&Row<'_>) -> Result<(), String>) -> Result<(), FolderError> {
    let damaged = |sentence: String| FolderError::Table { path: path.to_owned(), sentence };
    let mut reader = ::csv::Reader::from_reader(open(path)?);
    let header = reader.headers().map_err(|error| damaged(error.to_string()))?.clone();
    let mut record = ::csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| damaged(error.to_string()))? {
        look(&Row { header: &header, record: &record }).map_err(damaged)?;
    }
    Ok(())
}

/// A row of a table.
struct Row<'a> {
    header: &'a ::csv::StringRecord,
    record: &'a ::csv::StringRecord,
}

impl Row<'_> {
    fn get(&self, column: &str) -> Result<&str, String> {
        let index = self.header.iter().position(|name| name == column);
        let cell = index.and_then(|index| self.record.get(index));
        cell.ok_or_else(|| format!("it has no column {column}"))
    }

    fn all(&self) -> BTreeMap<String, String> {
        self.header.iter().zip(self.record).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    }
}

/// The first rows of a table that are wanted.
fn rows(path: &Path, is_wanted: impl Fn(&Row<'_>) -> bool) -> Result<Rows, FolderError> {
    let mut rows = Rows::new();
    each_row(path, |row| {
        if rows.len() < ROWS_MAX && is_wanted(row) {
            rows.push(row.all());
        }
        Ok(())
    })?;
    Ok(rows)
}

/// How many rows there are, how many of them are misses, and the first of these.
fn judged(path: &Path) -> Result<(u64, u64, Rows), FolderError> {
    let (mut all, mut missed, mut kept) = (0, 0, Rows::new());
    each_row(path, |row| {
        all += 1;
        if row.get("holds")? != "true" {
            missed += 1;
            if kept.len() < ROWS_MAX {
                kept.push(row.all());
            }
        }
        Ok(())
    })?;
    Ok((all, missed, kept))
}

/// Points while their rows are read.
struct Reading {
    parameters: Vec<String>,
    is_replicated: bool,
    series: Vec<(String, String)>,
    points: Vec<Point>,
    left_out: u64,
    /// The values of the last point, whether it was kept or not.
    last: Option<Vec<String>>,
}

impl Reading {
    fn new(head: &Head, is_replicated: bool) -> Self {
        let parameters = head.axes.iter().map(|axis| format!("param_{}", axis.key)).collect();
        Self { parameters, is_replicated, series: Vec::new(), points: Vec::new(), left_out: 0, last: None }
    }

    fn take(&mut self, row: &Row<'_>) -> Result<(), String> {
        let values: Vec<String> =
            self.parameters.iter().map(|name| row.get(name).map(str::to_owned)).collect::<Result<_, _>>()?;
        if self.last.as_ref() != Some(&values) {
            if self.points.len() < POINTS_MAX {
                self.points.push(Point { values: values.clone(), figures: Vec::new(), overloaded: BTreeSet::new() });
            } else {
                self.left_out += 1;
            }
            self.last = Some(values);
        }
        if self.left_out > 0 {
            return Ok(());
        }
        let series = (row.get("engine")?.to_owned(), row.get("client")?.to_owned());
        let index = self.series.iter().position(|known| *known == series).unwrap_or_else(|| {
            self.series.push(series);
            self.series.len() - 1
        });
        if index >= SERIES_MAX {
            return Ok(());
        }
        let Some(point) = self.points.last_mut() else { return Ok(()) };
        if point.figures.len() <= index {
            point.figures.resize(index + 1, Default::default());
        }
        let Some(figures) = point.figures.get_mut(index) else { return Ok(()) };
        if self.is_replicated {
            let metric = row.get("metric")?;
            if let Some((_, figure)) = FIGURES.iter().zip(figures).find(|((name, _), _)| *name == metric) {
                let part = |column: &str| row.get(column).map(str::to_owned);
                *figure = Figure { value: part("mean")?, low: part("ci_low")?, high: part("ci_high")? };
            }
            return Ok(());
        }
        for ((name, _), figure) in FIGURES.iter().zip(figures) {
            figure.value = row.get(name)?.to_owned();
        }
        Ok(())
    }
}

impl Reading {
    /// The number of each point that is kept, by its values.
    fn places(&self) -> BTreeMap<Vec<String>, usize> {
        self.points.iter().enumerate().map(|(place, point)| (point.values.clone(), place)).collect()
    }

    /// Marks the point of a row of `summary.csv` whose client is overloaded.
    fn mark(&mut self, row: &Row<'_>, places: &BTreeMap<Vec<String>, usize>) -> Result<(), String> {
        if row.get("overloaded")? != "true" {
            return Ok(());
        }
        let values: Vec<String> =
            self.parameters.iter().map(|name| row.get(name).map(str::to_owned)).collect::<Result<_, _>>()?;
        let (engine, client) = (row.get("engine")?, row.get("client")?);
        let series = self.series.iter().position(|(of, name)| of == engine && name == client);
        let point = places.get(&values).and_then(|place| self.points.get_mut(*place));
        if let (Some(point), Some(series)) = (point, series) {
            point.overloaded.insert(series);
        }
        Ok(())
    }
}

/// Engines and clients beyond these are left to the files.
const SERIES_MAX: usize = 24;
