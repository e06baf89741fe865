//! What the units of a sweep came to, read from the files that hold them, in order.

use crate::evaluation::estimate::estimate;
use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::evaluation::stopping::{Rule, Stop};
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
    /// Which replications are there, in their order, counted from 0.
    pub replications: Vec<u32>,
    /// What each of them came to.
    pub outcomes: Vec<Outcome>,
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

    /// The first unit from that number on that is there.
    fn next(&self, from: u64) -> Option<u64> {
        self.files.iter().filter_map(|file| file.index.range(from..).next().map(|(unit, _)| *unit)).min()
    }

    /// The numbers of the units that are there, in order.
    pub fn units(&self) -> impl Iterator<Item = u64> {
        std::iter::successors(self.next(0), |unit| self.next(unit + 1))
    }

    /// How many units are missing.
    pub fn missing(&self) -> u64 {
        self.header.units() - self.units().count() as u64
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
        let units = self.header.units_of_point();
        let mut point =
            Point { number, values: self.header.values(number), replications: Vec::new(), outcomes: Vec::new() };
        for unit in number * units..(number + 1) * units {
            let (_, first) = self.header.place(unit);
            let outcomes = self.files.iter().find_map(|file| file.outcomes(unit).transpose()).transpose()?;
            for (replication, outcome) in (first..).zip(outcomes.unwrap_or_default()) {
                point.replications.push(replication);
                point.outcomes.push(outcome);
            }
        }
        Ok(point)
    }

    /// Every point that has a run, in order.
    pub fn points(&self) -> impl Iterator<Item = Result<Point<'_>, ReadError>> {
        let units = self.header.units_of_point();
        let next = move |number: u64| self.next(number * units).map(|unit| unit / units);
        let points = std::iter::successors(next(0), move |number| next(number + 1)).map(|number| self.point(number));
        points.filter(|point| point.as_ref().map_or(true, |point| !point.outcomes.is_empty()))
    }
}

impl Point<'_> {
    /// The engines and clients that have a row, in order.
    pub fn series(&self) -> Vec<(String, String)> {
        let rows = self.outcomes.first().map_or(&[][..], |outcome| &outcome.rows);
        rows.iter().map(|row| (row.engine.clone(), row.client.clone())).collect()
    }

    /// The replications that are there, each with its number, counted from 0.
    pub fn runs(&self) -> impl Iterator<Item = (u32, &Outcome)> {
        self.replications.iter().copied().zip(&self.outcomes)
    }

    /// The mean over the replications of a column of a client with an engine; none if none of them has a number there.
    pub fn mean(&self, engine: &str, client: &str, column: &str) -> Option<f64> {
        estimate(&self.outcomes, engine, client, column).map(|estimate| estimate.mean)
    }

    /// Whether a client with an engine could not keep up in any of the replications.
    pub fn is_overloaded(&self, engine: &str, client: &str) -> bool {
        self.outcomes.iter().any(|outcome| outcome.row(Some(engine), client).is_some_and(ClientOutcome::is_overloaded))
    }

    /// Where a rule stopped: whether the figures are as precise as they were to be.
    pub fn stop(&self, rule: Rule) -> Option<Stop> {
        let known = u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX);
        rule.stop(&self.outcomes, known.saturating_sub(1))
    }
}
