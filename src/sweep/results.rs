//! What the units of a sweep came to, read from the files that hold them, in order.

use crate::evaluation::outcome::Outcome;
use crate::sweep::header::{Header, ValuePart};
use crate::sweep::units::{ReadError, UnitFile};

/// The units of a sweep, in one or more files. Only where each stands is held in memory.
#[derive(Debug)]
pub struct Results {
    /// Which sweep.
    pub header: Header,
    files: Vec<UnitFile>,
}

/// What a point came to.
#[derive(Debug)]
pub struct Point<'a> {
    /// Its number, counted from 0.
    pub number: u64,
    /// Its value on each axis.
    pub values: Vec<&'a ValuePart>,
    /// Its runs in the order of their replications.
    pub runs: Vec<Run>,
}

/// A run of a point.
#[derive(Debug)]
pub struct Run {
    /// The replication, counted from 0.
    pub replication: u32,
    /// What it came to.
    pub outcome: Outcome,
}

impl Results {
    /// The results in files that all belong to the same sweep.
    pub fn new(header: Header, files: Vec<UnitFile>) -> Self {
        Self { header, files }
    }

    /// The same results, with the units of one more file.
    #[must_use]
    pub fn with(mut self, file: UnitFile) -> Self {
        self.files.push(file);
        self
    }

    /// Whether a unit is there.
    pub fn has(&self, unit: u64) -> bool {
        self.files.iter().any(|file| file.index.contains_key(&unit))
    }

    /// The numbers of the units that are there, in order.
    pub fn units(&self) -> impl Iterator<Item = u64> {
        (0..self.header.units()).filter(|unit| self.has(*unit))
    }

    /// How many units are missing.
    pub fn missing(&self) -> u64 {
        (0..self.header.units()).filter(|unit| !self.has(*unit)).count() as u64
    }

    /// The line of a unit that is there, with its line end.
    ///
    /// # Errors
    ///
    /// If a file is no longer as it was.
    pub fn line(&self, unit: u64) -> Result<Option<Vec<u8>>, ReadError> {
        self.files.iter().find_map(|file| file.line(unit).transpose()).transpose()
    }

    /// What a point came to, so far; its number is below that of all points.
    ///
    /// # Errors
    ///
    /// If a file is no longer as it was.
    pub fn point(&self, number: u64) -> Result<Point<'_>, ReadError> {
        let replications = u64::from(self.header.replications);
        let mut runs = Vec::new();
        for unit in number * replications..(number + 1) * replications {
            let (_, first) = self.header.place(unit);
            let outcomes = self.files.iter().find_map(|file| file.outcomes(unit).transpose()).transpose()?;
            let run = |(replication, outcome)| Run { replication, outcome };
            runs.extend((first..).zip(outcomes.unwrap_or_default()).map(run));
        }
        Ok(Point { number, values: self.header.values(number), runs })
    }

    /// Every point that has a run, in order.
    pub fn points(&self) -> impl Iterator<Item = Result<Point<'_>, ReadError>> {
        let points = (0..self.header.points).map(|number| self.point(number));
        points.filter(|point| point.as_ref().map_or(true, |point| !point.runs.is_empty()))
    }
}

impl Point<'_> {
    /// The engines and clients that have a row, in order.
    pub fn series(&self) -> Vec<(String, String)> {
        let rows = self.runs.first().map_or(&[][..], |run| &run.outcome.rows);
        rows.iter().map(|row| (row.engine.clone(), row.client.clone())).collect()
    }

    /// The mean over the runs of a column of a client with an engine; none if no run has a number there.
    pub fn mean(&self, engine: &str, client: &str, column: &str) -> Option<f64> {
        let value = |run: &Run| run.outcome.row(Some(engine), client)?.value(column);
        mean(self.runs.iter().filter_map(value))
    }
}

/// The mean of numbers; none if there are none.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
