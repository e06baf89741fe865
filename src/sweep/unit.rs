//! One unit: a run of the scenario of a point, with the seed of a replication.

use crate::evaluation::pilot::WarmUp;
use crate::evaluation::play::RunError;
use crate::report::Report;
use crate::scenario::{Problems, Scenario};
use crate::seed::replicated;

/// A run that has just ended, for whoever wants to look at more of it than what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The number of its point, counted from 0.
    pub point: u64,
    /// What was played.
    pub scenario: &'a Scenario,
    /// The warm-up that was found for the point, where one was sought.
    pub found: Option<&'a WarmUp>,
    /// What it came to.
    pub report: &'a Report,
}

/// Why a unit came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The scenario is invalid.
    #[error("{0}")]
    Scenario(Box<Problems>),
    /// It could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<Problems> for UnitError {
    fn from(problems: Problems) -> Self {
        Self::Scenario(Box::new(problems))
    }
}

/// A replication, counted from 0, of the scenario of a point whose warm-up is known.
pub fn replication(first: &Scenario, replication: u32) -> Scenario {
    first.reseeded(replicated(first.seed, replication))
}
