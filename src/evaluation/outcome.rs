//! What outlives a run when many are made: its rows of `summary.csv` and `theory.csv`, cell by cell.
//!
//! Everything that is said of several runs together is computed from these cells as they are written, so that whoever
//! reads the CSV files comes to the same numbers, and so does a run that is read back from a file.

use serde::{Deserialize, Serialize};

use crate::report::columns::{Cell, MEASURES, Row};
use crate::report::{Report, csv};

/// What one run of one scenario came to, with every engine that played it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The seed of the run.
    pub seed: u64,
    /// SHA-256 of its resolved scenario.
    pub scenario_sha256: String,
    /// One row an engine and client, in the order of `summary.csv`.
    pub rows: Vec<ClientOutcome>,
    /// What theory said of them, in the order of `theory.csv`.
    pub theory: Vec<TheoryOutcome>,
    /// Events, polls, attempts and their ends that the engines stepped through.
    pub transitions: u64,
}

/// The figures of one client with one engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientOutcome {
    /// `sim` or `live`.
    pub engine: String,
    /// The client's name.
    pub client: String,
    /// `pull`, `push` or `hybrid`.
    pub mode: String,
    /// The cells of the columns of [`MEASURES`], in their order.
    pub cells: Vec<Cell>,
}

/// What theory said of one figure of one client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoryOutcome {
    /// `sim` or `live`.
    pub engine: String,
    /// The client's name.
    pub client: String,
    /// The figure's name, with its unit.
    pub metric: String,
    /// What theory predicts.
    pub theory: Cell,
    /// What was observed.
    pub observed: Cell,
    /// The 95 % interval of what was observed, from this run alone.
    pub interval: [Cell; 2],
    /// Whether the prediction agrees with this run; none where that cannot be said.
    pub holds: Option<bool>,
    /// The smallest step in which the figure can be observed at all.
    pub resolution: Cell,
}

impl Outcome {
    /// The rows of a report of one run.
    pub fn of(report: &Report) -> Self {
        let row = |row: Row<'_>| ClientOutcome {
            engine: row.engine.engine.to_owned(),
            client: row.summary.terms.client.clone(),
            mode: row.summary.terms.mode.name().to_owned(),
            cells: MEASURES.iter().map(|column| (column.cell)(row).rounded()).collect(),
        };
        let theory = report.engines.iter().flat_map(|engine| {
            engine.theory.iter().map(|verification| TheoryOutcome {
                engine: engine.engine.to_owned(),
                client: verification.client.clone(),
                metric: verification.prediction.figure.name(),
                theory: Cell::from(verification.prediction.value).rounded(),
                observed: Cell::from(verification.observed).rounded(),
                interval: [
                    Cell::from(verification.interval.map(|interval| interval.low)).rounded(),
                    Cell::from(verification.interval.map(|interval| interval.high)).rounded(),
                ],
                holds: verification.holds(),
                resolution: Cell::from(verification.resolution).rounded(),
            })
        });
        let summaries = report.engines.iter().flat_map(|engine| &engine.summaries);
        Self {
            seed: report.scenario.seed,
            scenario_sha256: report.scenario.sha256.clone(),
            rows: csv::rows(report).map(row).collect(),
            theory: theory.collect(),
            transitions: summaries.map(|summary| summary.tally.transitions).sum(),
        }
    }

    /// The row of a client with an engine; of the first engine that played it if none is named.
    pub fn row(&self, engine: Option<&str>, client: &str) -> Option<&ClientOutcome> {
        self.rows.iter().find(|row| row.client == client && engine.is_none_or(|engine| row.engine == engine))
    }
}

impl ClientOutcome {
    /// The number in a column of [`MEASURES`]; none where the cell is empty or holds a word, or there is no such column.
    pub fn value(&self, column: &str) -> Option<f64> {
        let index = MEASURES.iter().position(|known| known.name == column)?;
        self.cells.get(index)?.value()
    }

    /// Whether a part of the client could not keep up, so that its means do not converge.
    pub fn is_overloaded(&self) -> bool {
        let index = MEASURES.iter().position(|known| known.name == "overloaded");
        matches!(index.and_then(|index| self.cells.get(index)), Some(Cell::Text(text)) if text == "true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_that_is_read_back_is_the_same() {
        let cells = [Cell::Empty, Cell::from("true"), Cell::from(5u64), Cell::from(5.0), Cell::from(0.1 + 0.2)];
        let rounded: Vec<_> = cells.into_iter().map(Cell::rounded).collect();
        let text = serde_json::to_string(&rounded).unwrap();
        assert_eq!(text, r#"[null,"true",5,5.0,0.3]"#);
        let read: Vec<Cell> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, rounded);
        let values: Vec<_> = read.iter().map(Cell::value).collect();
        assert_eq!(values, [None, None, Some(5.0), Some(5.0), Some(0.3)]);
    }
}
