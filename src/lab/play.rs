//! Plays what was asked for, if it is not too much for a page that answers while a slider moves.

use super::parameters::{BadParameter, State};
use super::scenario::{self, Written};
use super::start::Start;
use super::window;
use crate::engine::{Control, live};
use crate::evaluation::play::{self, RunError};
use crate::report::{Report, human};
use crate::scenario::{Problems, Scenario};
use crate::sweep::estimate::Cost;

/// The most requests and events of all clients in what is played for one answer.
const REQUESTS_MAX: f64 = 3e6;
/// The most seconds that it may be expected to take on one core.
const SECONDS_MAX: f64 = 4.0;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlayError {
    /// The query cannot be read.
    #[error(transparent)]
    Query(#[from] BadParameter),
    /// What the parameters say together is no scenario, or not one for this page.
    #[error("{0}")]
    Refused(String),
    /// A newer question of the same page has come, or it took too long.
    #[error("stopped: a newer question has come, or this one took too long")]
    Stopped,
    /// The run came to nothing.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<Problems> for PlayError {
    fn from(problems: Problems) -> Self {
        let sentences: Vec<_> = problems.list().iter().map(|problem| problem.message.clone()).collect();
        Self::Refused(format!("these values do not go together: {}", sentences.join("; ")))
    }
}

/// A run, and what it was a run of.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) written: Written,
    pub(super) report: Report,
}

/// Plays a state in virtual time; what is animated of it is told exchange by exchange.
///
/// # Errors
///
/// The state makes no scenario, or too large a one, or `control` has stopped the run.
pub(super) fn play(start: &Start, state: &State, control: &Control) -> Result<Played, PlayError> {
    let written = scenario::of(start, state)?;
    check_size(&written.scenario, 1.0)?;
    let tells = Some(window::stretch(&written.scenario.setup, state));
    let options = live::Options { tells, ..live::Options::default() };
    let report = play::play(&written.scenario, &options, control, |_| ())?;
    if report.partial || control.is_stopped() {
        return Err(PlayError::Stopped);
    }
    Ok(Played { written, report })
}

/// Makes sure that so many runs of a scenario are not too much.
///
/// # Errors
///
/// They are.
pub(super) fn check_size(scenario: &Scenario, runs: f64) -> Result<(), PlayError> {
    let setup = &scenario.setup;
    let cost = Cost::of(scenario).times(runs);
    let events = setup.workload.expected_before(setup.frame.duration) * f64::from(setup.consumers) * runs;
    let size = cost.exchanges + events;
    if size <= REQUESTS_MAX && cost.seconds <= SECONDS_MAX {
        return Ok(());
    }
    Err(PlayError::Refused(format!(
        "this means about {} requests and events, more than the {} that this page plays at once: choose a shorter run, fewer \
         events, fewer questions or fewer System A’s, or download the scenario and run it on the command line",
        human::number(size),
        human::number(REQUESTS_MAX),
    )))
}
