//! One unit: a run of the scenario of a point, with the seed of a replication.

use crate::engine::Control;
use crate::evaluation::outcome::Outcome;
use crate::evaluation::pilot::{self, WarmUp};
use crate::evaluation::play::{self, RunError};
use crate::report::Report;
use crate::scenario::axes::Setting;
use crate::scenario::{Problems, Scenario, Template};
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

/// Plays a template with these settings and the seed of a replication, counted from 0.
///
/// What comes out depends on nothing else: not on threads, not on what was played before. A setting comes from
/// [`crate::scenario::axes::Axes::settings`], or from [`crate::scenario::axes::Axis::at`] for a value between those of an axis.
///
/// # Errors
///
/// If the settings make no valid scenario, if the live engine cannot run, or if an identity does not hold.
pub fn play(template: &Template, settings: &[Setting], number: u32) -> Result<Outcome, UnitError> {
    let control = Control::default();
    let mut first = template.at(settings, 0)?;
    if first.seeks_warmup {
        // Nobody stops the pilot run, so it finds something.
        let found = pilot::warm_up(&first, &control).map_err(RunError::from)?;
        first = first.with_warmup(found.map(|found| found.span).unwrap_or_default());
    }
    let report = play::play(&replication(&first, number), &play::anywhere(), &control, |_| ())?;
    Ok(Outcome::of(&report))
}
