//! A run as it is saved in `run.json`: all that its page is made from, so that the page of a run that has just ended and that
//! of one which is read back are the same.

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::report::SCHEMA;
use crate::report::columns::Cell;

/// Why a saved result cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It is no JSON, or not all of it.
    #[error("it is damaged: {0}. Run the scenario again")]
    Damaged(#[source] serde_json::Error),
    /// It is JSON of something else.
    #[error("it was not written by `pushpull {command}`")]
    Foreign {
        /// The command that would have written it.
        command: &'static str,
    },
    /// Its format is newer than this program.
    #[error("its format is version {schema}, and this pushpull knows versions up to {SCHEMA}. Use a newer pushpull")]
    Newer {
        /// The version of the format.
        schema: u64,
    },
    /// Something is missing, or is not what it should be.
    #[error(
        "pushpull {version} wrote it, or somebody changed it, and this pushpull misses something in it: {source}. Run the scenario again"
    )]
    Other {
        /// The version of the program that wrote it.
        version: String,
        /// What is missing.
        source: serde_json::Error,
    },
}

/// The most rows of a table that are shown.
const ROWS_MAX: usize = 2_000;

/// What is looked at before the rest, to tell what is wrong with a file that cannot be understood.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    schema: Option<u64>,
    tool_version: Option<String>,
}

/// Reads a file of results: first its head, which says whether the rest can be understood. `command` is the one that writes
/// such files.
pub(super) fn read<T>(
    head: impl FnOnce() -> serde_json::Result<Head>,
    all: impl FnOnce() -> serde_json::Result<T>,
    command: &'static str,
) -> Result<T, SavedError> {
    let head = head().map_err(|error| match error.classify() {
        Category::Data => SavedError::Foreign { command },
        Category::Io | Category::Syntax | Category::Eof => SavedError::Damaged(error),
    })?;
    let (Some(schema), Some(version)) = (head.schema, head.tool_version) else {
        return Err(SavedError::Foreign { command });
    };
    if schema > SCHEMA.into() {
        return Err(SavedError::Newer { schema });
    }
    all().map_err(|source| SavedError::Other { version, source })
}

/// A run.
#[derive(Clone, Debug, Deserialize)]
pub struct Saved {
    pub(super) tool_version: String,
    pub(super) scenario: Scenario,
    pub(super) partial: bool,
    pub(super) engines: Vec<Engine>,
    pub(super) agreement: Vec<Agreement>,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) replications: Option<Replications>,
}

impl Saved {
    /// Reads `run.json`.
    ///
    /// # Errors
    ///
    /// If it is damaged, of something else, or of a version that is not known.
    pub fn read(text: &[u8]) -> Result<Self, SavedError> {
        let mut saved: Self = read(|| serde_json::from_slice(text), || serde_json::from_slice(text), "run")?;
        // A run leaves fewer; what somebody has made up is not drawn without end.
        for client in saved.engines.iter_mut().flat_map(|engine| &mut engine.clients) {
            client.timeseries.rows.truncate(ROWS_MAX);
            if let Some(opening) = &mut client.opening {
                opening.events.rows.truncate(ROWS_MAX);
                opening.exchanges.rows.truncate(ROWS_MAX);
            }
        }
        Ok(saved)
    }
}

/// Which scenario.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) sha256: String,
    pub(super) seed: u64,
    pub(super) consumers: u32,
    pub(super) currency: Option<String>,
    /// The scenario file that repeats it.
    pub(super) text: String,
}

/// What one engine found.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Engine {
    /// `sim` or `live`.
    pub(super) engine: String,
    pub(super) lag: Option<Lag>,
    pub(super) verdict: Vec<String>,
    pub(super) clients: Vec<Client>,
    pub(super) theory: Vec<Theory>,
    pub(super) comparison: Vec<Comparison>,
    pub(super) cut_unevenly: bool,
}

/// How late the live engine was.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Lag {
    pub(super) p50_ms: Cell,
    pub(super) p99_ms: Cell,
}

/// The figures of one client.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Client {
    #[serde(rename = "client")]
    pub(super) name: String,
    pub(super) mode: String,
    pub(super) latency_histogram: Histogram,
    #[serde(default)]
    pub(super) forged: Map<String, Value>,
    #[serde(default)]
    pub(super) faults: Vec<Map<String, Value>>,
    pub(super) timeseries: Table,
    pub(super) opening: Option<Opening>,
    /// The columns of `summary.csv`, and whatever else stands there.
    #[serde(flatten)]
    measures: Map<String, Value>,
}

impl Client {
    /// The cell of a column of `summary.csv`; empty without one.
    pub(super) fn cell(&self, column: &str) -> Cell {
        cell(self.measures.get(column))
    }

    /// The number in that cell.
    pub(super) fn value(&self, column: &str) -> Option<f64> {
        self.cell(column).value()
    }

    /// Whether a part of it could not keep up.
    pub(super) fn is_overloaded(&self) -> bool {
        self.cell("overloaded") == Cell::from("true")
    }

    /// How many forged webhooks of a kind came and were believed; empty where none came.
    pub(super) fn believed(&self, kind: &str) -> Cell {
        let count = |what: &str| cell(self.forged.get(kind).and_then(|forged| forged.get(what)));
        let came =
            ["rejected", "accepted"].into_iter().any(|what| count(what).value().is_some_and(|count| count > 0.0));
        if came { count("accepted") } else { Cell::Empty }
    }
}

/// A cell from its JSON.
pub(super) fn cell(value: Option<&Value>) -> Cell {
    value.and_then(|value| Cell::deserialize(value).ok()).unwrap_or(Cell::Empty)
}

/// A histogram: pairs of a value in microseconds and how often it occurred.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Histogram {
    pub(super) cells: Vec<(u64, u64)>,
}

/// Rows of cells below the names of their columns.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Where a column stands.
    pub(super) fn index(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    /// The cell of a row in a column; empty without one.
    pub(super) fn cell<'a>(&self, row: &'a [Cell], column: &str) -> &'a Cell {
        self.index(column).and_then(|index| row.get(index)).unwrap_or(&Cell::Empty)
    }

    /// The number in that cell; 0 without one.
    pub(super) fn number(&self, row: &[Cell], column: &str) -> f64 {
        self.cell(row, column).value().unwrap_or(0.0)
    }
}

/// The opening of a run as one client saw it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Opening {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    pub(super) is_cut: bool,
    pub(super) event_count: u64,
    pub(super) poll_count: u64,
    pub(super) attempt_count: u64,
    pub(super) events: Table,
    pub(super) exchanges: Table,
}

/// A closed form beside what was observed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Theory {
    pub(super) client: String,
    pub(super) metric: String,
    pub(super) theory: Cell,
    pub(super) observed: Cell,
    pub(super) ci_low: Cell,
    pub(super) ci_high: Cell,
    pub(super) holds: Option<Truth>,
    /// Of several replications, of which engine it is.
    pub(super) engine: Option<String>,
}

/// Whether something is so: as a value, or as it stands in CSV files.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Truth {
    Value(bool),
    Word(String),
}

impl Truth {
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Value(value) => *value,
            Self::Word(word) => word == "true",
        }
    }
}

/// A figure of a later client against the first one.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Comparison {
    pub(super) metric: String,
    pub(super) client: String,
    pub(super) ratio: Cell,
    pub(super) engine: String,
}

/// A figure in both engines.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Agreement {
    pub(super) client: String,
    pub(super) metric: String,
    pub(super) sim: Cell,
    pub(super) live: Cell,
    pub(super) tolerance: Cell,
    pub(super) agrees: bool,
}

/// What became of a threshold.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Threshold {
    pub(super) expect: String,
    pub(super) engine: String,
    pub(super) client: Option<String>,
    pub(super) value: Cell,
    pub(super) comparison: String,
    pub(super) limit: Cell,
    pub(super) holds: bool,
    pub(super) dimension: String,
    pub(super) sentence: String,
}

/// What several replications came to.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Replications {
    pub(super) count: u64,
    pub(super) stopped_early: bool,
    pub(super) verdict: Vec<String>,
    pub(super) statistics: Vec<Statistic>,
    pub(super) comparison: Vec<Comparison>,
    pub(super) theory: Vec<Theory>,
    pub(super) overloads: Vec<Overload>,
}

impl Replications {
    /// What the replications say of a figure of a client.
    pub(super) fn statistic(&self, engine: &str, client: &str, metric: &str) -> Option<&Statistic> {
        self.statistics.iter().find(|other| other.engine == engine && other.client == client && other.metric == metric)
    }

    /// Whether a part of a client could not keep up in any of them.
    pub(super) fn is_overloaded(&self, engine: &str, client: &str) -> bool {
        self.overloads.iter().any(|other| other.engine == engine && other.client == client)
    }
}

/// A figure of a client over replications.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Statistic {
    pub(super) engine: String,
    pub(super) client: String,
    pub(super) metric: String,
    pub(super) mean: Cell,
    pub(super) ci_low: Cell,
    pub(super) ci_high: Cell,
}

/// A client of which a part could not keep up in some replications.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Overload {
    pub(super) engine: String,
    pub(super) client: String,
}
