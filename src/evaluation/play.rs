//! Plays a scenario once, with every engine that it asks for.

use crate::engine::live::LiveError;
use crate::engine::{ClientRun, Control, Setup, live, sim};
use crate::evaluation::{BrokenIdentity, engine_report, identity};
use crate::measure::agreement;
use crate::report::{EngineReport, Report};
use crate::scenario::{EngineChoice, Scenario};
use crate::time::Span;

/// The most consumers of which several replications are played at the same time.
const SIDE_BY_SIDE_MAX: u32 = 100_000;

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The live engine cannot start or go on.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// An identity that must hold does not: a bug of this program.
    #[error(transparent)]
    Identity(#[from] BrokenIdentity),
}

/// Where live servers bind to if nobody says otherwise: to ports of this machine that are free.
pub fn anywhere() -> live::Options {
    live::Options::default()
}

/// Plays a scenario with each of its engines in turn, and gives back what they found, side by side; thresholds are not judged.
///
/// What `options` say of addresses is for the live engine; the stretch that they name is told by both.
/// `begin` is told the name of each engine before it plays, and what it gives back is held until the engine is done. Virtual
/// time takes as many threads as the pool has on which this is called. Where `control` stops the run early, the report says
/// that it is partial.
///
/// # Errors
///
/// If the live engine cannot run, or an identity of the counts does not hold.
pub fn play<G>(
    scenario: &Scenario,
    options: &live::Options,
    control: &Control,
    mut begin: impl FnMut(&'static str) -> G,
) -> Result<Report, RunError> {
    let setup = &scenario.setup;
    let mut engines = Vec::new();
    for engine in names(scenario.engine) {
        if control.is_stopped() {
            break;
        }
        let begun = begin(engine);
        engines.push(if *engine == "live" {
            let run = live::run(setup, options, control)?;
            engine_report(engine, setup, run.clients, Some(run.lag))?
        } else {
            engine_report(engine, setup, in_virtual_time(setup, options, control), None)?
        });
        drop(begun);
    }
    let partial = control.is_stopped();
    let agreements = if partial { Vec::new() } else { agreements(&engines) };
    Ok(Report { scenario: identity(scenario), engines, agreements, judgements: Vec::new(), partial })
}

/// Runs a setup in virtual time; what is to be told of it is played once more, step by step.
fn in_virtual_time(setup: &Setup, options: &live::Options, control: &Control) -> Vec<ClientRun> {
    let mut runs = sim::run(setup, control);
    if let Some(stretch) = options.tells.as_ref().filter(|_| !control.is_stopped()) {
        for (client, run) in runs.iter_mut().enumerate() {
            run.chronicle = sim::chronicle(setup, client, stretch, control);
        }
    }
    runs
}

/// The names of the engines that play a scenario, in their order.
const fn names(choice: EngineChoice) -> &'static [&'static str] {
    match choice {
        EngineChoice::Sim => &["sim"],
        EngineChoice::Live => &["live"],
        EngineChoice::Both => &["sim", "live"],
    }
}

/// What [`Control::done`] comes to in a run with one engine: nanoseconds over all clients and consumers.
pub fn extent(setup: &Setup) -> u64 {
    let parts = (setup.clients.len() as u64).saturating_mul(setup.consumers.into());
    parts.saturating_mul(setup.frame.duration.as_nanos())
}

/// The same with every engine that a scenario asks for.
pub fn extent_of_all(scenario: &Scenario) -> u64 {
    extent(&scenario.setup).saturating_mul(names(scenario.engine).len() as u64)
}

/// Whether several replications of a scenario may be played at the same time. The live engine measures the machine that it
/// runs on, and with very many consumers a single replication keeps all cores busy, and takes much memory.
pub fn is_played_side_by_side(scenario: &Scenario) -> bool {
    scenario.engine == EngineChoice::Sim && scenario.setup.consumers <= SIDE_BY_SIDE_MAX
}

/// How far two engines agree.
fn agreements(engines: &[EngineReport]) -> Vec<agreement::Agreement> {
    let [sim, live] = engines else { return Vec::new() };
    let lag = live.lag.map_or(Span::ZERO, |lag| lag.p99);
    let pairs = sim.summaries.iter().zip(&live.summaries);
    pairs.flat_map(|(sim, live)| agreement::compare(sim, live, lag)).collect()
}
