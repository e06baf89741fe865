//! From what engines counted to what reports tell: figures, what theory says beside them, and which parts could not keep up.

pub mod crossing;
pub mod diff;
pub mod estimate;
pub mod opening;
pub mod outcome;
pub mod paired;
pub mod pilot;
pub mod play;
pub mod predicted;
pub mod replications;
pub mod stopping;
pub mod story;
pub mod threshold;

use crate::engine::live::Lag;
use crate::engine::{ClientRun, ClientSetup, Setup};
use crate::measure::agreement;
use crate::measure::summary::{Mode, Summary, Terms};
use crate::policy::poller::Target;
use crate::report::{EngineReport, Identity};
use crate::scenario::Scenario;
use crate::theory::{self, stability};
use crate::time::Span;

/// An identity that must hold of a client's counts does not: a bug of this program.
#[derive(Debug, thiserror::Error)]
#[error("internal error: {client}: {sentence}; please report this with the scenario and the seed")]
pub struct BrokenIdentity {
    /// The client.
    pub client: String,
    /// Which identity, with its numbers.
    pub sentence: String,
}

/// What reports tell of one engine's run of a setup.
///
/// # Errors
///
/// If an identity of the counts does not hold, which is a bug of this program.
pub fn engine_report(
    engine: &'static str,
    setup: &Setup,
    mut runs: Vec<ClientRun>,
    lag: Option<Lag>,
) -> Result<EngineReport, BrokenIdentity> {
    let opening = runs.iter_mut().map(|run| run.chronicle.take()).collect();
    let summaries = summarise(setup, runs)?;
    let mut overloads = stability::overloads(setup);
    for (client, summary) in summaries.iter().enumerate() {
        // What was to be expected is said already.
        let expected: Vec<_> =
            overloads.iter().filter(|known| known.client == client).map(|known| known.part).collect();
        let observed = stability::observed(client, summary).into_iter();
        overloads.extend(observed.filter(|overload| !expected.contains(&overload.part)));
    }
    let overhead = lag.map_or(Span::ZERO, |lag| agreement::OVERHEAD + lag.p99);
    let verify = |(index, summary)| {
        // What cannot keep up converges to nothing that a closed form could be held against.
        let overloaded = overloads.iter().any(|overload| overload.client == index);
        if overloaded { Vec::new() } else { theory::verify(setup, index, summary, overhead) }
    };
    let theory = summaries.iter().enumerate().flat_map(verify).collect();
    let cut_unevenly = summaries.windows(2).any(|pair| pair[0].measured_s != pair[1].measured_s);
    Ok(EngineReport { engine, summaries, theory, overloads, opening, lag, cut_unevenly })
}

/// Checks the identities of each client's counts and derives its figures.
///
/// # Errors
///
/// If an identity does not hold, which is a bug of this program.
pub fn summarise(setup: &Setup, runs: Vec<ClientRun>) -> Result<Vec<Summary>, BrokenIdentity> {
    let summary = |(client, run): (&ClientSetup, ClientRun)| {
        run.tally.check().map_err(|sentence| BrokenIdentity { client: client.name.clone(), sentence })?;
        let terms = Terms {
            client: client.name.clone(),
            mode: match (&client.pull, &client.push) {
                (Some(_), Some(_)) => Mode::Hybrid,
                (None, Some(_)) => Mode::Push,
                _ => Mode::Pull,
            },
            frame: setup.frame,
            consumers: setup.consumers,
            page: client.pull.as_ref().map(|pull| match pull.target {
                Target::Feed { .. } => pull.page.min(setup.api.page),
                Target::Record { .. } => 1,
            }),
            provider_workers: client.pull.as_ref().and(setup.api.capacity.workers),
            consumer_workers: client.push.as_ref().and_then(|push| push.receive.capacity.workers),
            opens_records: setup.workload.lifecycle.is_some(),
            cpu: run.cpu.map(|cpu| (cpu.provider, cpu.consumer)),
        };
        Ok(Summary::new(terms, run.tally))
    };
    setup.clients.iter().zip(runs).map(summary).collect()
}

/// What identifies a scenario in its results.
pub fn identity(scenario: &Scenario) -> Identity {
    Identity {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        sha256: scenario.sha256(),
        seed: scenario.seed,
        consumers: scenario.setup.consumers,
        has_forgeries: scenario.setup.clients.iter().any(|client| theory::forged_per_consumer(client) > 0.0),
        prices: scenario.prices.clone(),
        resolved: scenario.to_json(),
        text: scenario.to_toml(),
    }
}
