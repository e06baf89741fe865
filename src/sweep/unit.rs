//! One unit: a run of the scenario of a point, with the seed of a replication.

use std::net::{IpAddr, Ipv4Addr};

use crate::engine::live::LiveError;
use crate::engine::{Control, live, sim};
use crate::evaluation::outcome::Outcome;
use crate::evaluation::{BrokenIdentity, engine_report, identity};
use crate::report::Report;
use crate::scenario::axes::Setting;
use crate::scenario::{Problems, Scenario, Template};

/// A run that has just ended, for whoever wants to look at more of it than what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// What was played.
    pub scenario: &'a Scenario,
    /// What it came to.
    pub report: &'a Report,
}

/// Why a unit came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The scenario is invalid.
    #[error("{0}")]
    Scenario(Box<Problems>),
    /// The live engine cannot start or go on.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// An identity that must hold does not: a bug of this program.
    #[error(transparent)]
    Identity(#[from] BrokenIdentity),
}

/// Plays a scenario with the engines that it asks for, and gives back what reports tell of it.
///
/// Virtual time takes as many threads as the pool has on which this is called. Where `control` stops the run early, the
/// report says that it is partial.
///
/// # Errors
///
/// If the live engine cannot run, or an identity of the counts does not hold.
pub fn report(scenario: &Scenario, control: &Control) -> Result<Report, UnitError> {
    let setup = &scenario.setup;
    let mut engines = Vec::new();
    if !matches!(scenario.engine, crate::scenario::EngineChoice::Live) {
        engines.push(engine_report("sim", setup, sim::run(setup, control), None)?);
    }
    if scenario.engine.is_live() && !control.is_stopped() {
        let options = live::Options { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), api_port: 0, receiver_port: 0 };
        let run = live::run(setup, &options, control)?;
        engines.push(engine_report("live", setup, run.clients, Some(run.lag))?);
    }
    Ok(Report {
        scenario: identity(scenario),
        engines,
        agreements: Vec::new(),
        judgements: Vec::new(),
        partial: control.is_stopped(),
    })
}

/// Plays a template with these settings and the seed of a replication, counted from 0.
///
/// What comes out depends on nothing else: not on threads, not on what was played before. A setting comes from
/// [`crate::scenario::axes::Axes::settings`], or from [`crate::scenario::axes::Axis::at`] for a value between those of an axis.
///
/// # Errors
///
/// If the settings make no valid scenario, if the live engine cannot run, or if an identity does not hold.
pub fn play(template: &Template, settings: &[Setting], replication: u32) -> Result<Outcome, UnitError> {
    let scenario = template.at(settings, replication).map_err(|problems| UnitError::Scenario(Box::new(problems)))?;
    Ok(Outcome::of(&report(&scenario, &Control::default())?))
}
