//! Plays a scenario with one engine or both, and gathers what they found.
#![allow(clippy::disallowed_methods, reason = "how long a run took is told to the user; it is no part of any result")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::{Engine, RunArguments};
use crate::engine::live::Lag;
use crate::engine::{ClientRun, ClientSetup, Control, Setup, live, sim};
use crate::measure::agreement;
use crate::measure::summary::{Mode, Summary, Terms};
use crate::policy::poller::Target;
use crate::report::{EngineReport, Identity, Report, human};
use crate::run::{Failure, interrupt, network, progress::Progress};
use crate::scenario::{EngineChoice, Scenario};
use crate::theory::{self, stability};
use crate::time::Span;

/// A report, and what is not a part of any result.
pub(super) struct Played {
    pub(super) report: Report,
    /// How long it took.
    pub(super) wall: Duration,
    pub(super) warnings: Vec<String>,
    /// The live engine could not keep its schedule.
    pub(super) too_slow: bool,
}

/// The engines to play a scenario with.
pub(super) fn engines(scenario: &Scenario, arguments: &RunArguments) -> Result<Vec<Engine>, Failure> {
    let engines = match scenario.engine {
        EngineChoice::Sim => vec![Engine::Sim],
        EngineChoice::Live => vec![Engine::Live],
        EngineChoice::Both => vec![Engine::Sim, Engine::Live],
    };
    if engines.contains(&Engine::Live) {
        let push_clients = scenario.setup.clients.iter().filter(|client| client.push.is_some()).count();
        if arguments.receiver_port != 0 && push_clients > 1 {
            let sentence = format!("--receiver-port names one port, but {push_clients} clients receive webhooks");
            return Err(Failure::Usage(sentence));
        }
    }
    Ok(engines)
}

/// Plays a scenario with each engine in turn.
pub(super) fn play(scenario: &Scenario, engines: &[Engine], arguments: &RunArguments) -> Result<Played, Failure> {
    let started = Instant::now();
    let setup = &scenario.setup;
    let control = Arc::new(Control::default());
    interrupt::watch(control.clone());
    let mut reports = Vec::new();
    for engine in engines {
        if control.is_stopped() {
            break;
        }
        control.done.store(0, std::sync::atomic::Ordering::Relaxed);
        let total = (setup.clients.len() as u64)
            .saturating_mul(setup.consumers.into())
            .saturating_mul(setup.frame.duration.as_nanos());
        let label = if *engine == Engine::Live { "live" } else { "sim" };
        let progress = Progress::start(label, total, control.clone(), arguments.quiet);
        let report = match engine {
            Engine::Live => play_live(setup, arguments, &control)?,
            Engine::Sim | Engine::Both => play_sim(setup, arguments, &control)?,
        };
        drop(progress);
        reports.push(report);
    }
    let (mut warnings, too_slow) = schedule_kept(setup, &reports);
    if reports.iter().any(|report| report.engine == "sim") {
        let compressed = setup.clients.iter().filter(|client| client.is_compressed());
        warnings.extend(compressed.map(|client| format!("{:?}: {}", client.name, network::COMPRESSED)));
    }
    let agreements = match reports.as_slice() {
        [sim, live] if !control.is_stopped() => {
            let lag = live.lag.map_or(Span::ZERO, |lag| lag.p99);
            let pairs = sim.summaries.iter().zip(&live.summaries);
            pairs.flat_map(|(sim, live)| agreement::compare(sim, live, lag)).collect()
        }
        _ => Vec::new(),
    };
    let report = Report { scenario: identity(scenario), engines: reports, agreements, partial: control.is_stopped() };
    Ok(Played { report, wall: started.elapsed(), warnings, too_slow })
}

fn play_sim(setup: &Setup, arguments: &RunArguments, control: &Control) -> Result<EngineReport, Failure> {
    let runs = match arguments.threads {
        None => sim::run(setup, control),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build()
            .map_err(|error| Failure::Threads(error.to_string()))?
            .install(|| sim::run(setup, control)),
    };
    engine_report("sim", setup, runs, None)
}

fn play_live(setup: &Setup, arguments: &RunArguments, control: &Control) -> Result<EngineReport, Failure> {
    let options =
        live::Options { bind: arguments.bind, api_port: arguments.api_port, receiver_port: arguments.receiver_port };
    let run = live::run(setup, &options, control)?;
    engine_report("live", setup, run.clients, Some(run.lag))
}

fn engine_report(
    engine: &'static str,
    setup: &Setup,
    runs: Vec<ClientRun>,
    lag: Option<Lag>,
) -> Result<EngineReport, Failure> {
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
    Ok(EngineReport { engine, summaries, theory, overloads, lag, cut_unevenly })
}

/// Checks the identities of each client's counts and derives its figures.
///
/// # Errors
///
/// If an identity does not hold, which is a bug of this program.
pub fn summarise(setup: &Setup, runs: Vec<ClientRun>) -> Result<Vec<Summary>, Failure> {
    let summary = |(client, run): (&ClientSetup, ClientRun)| {
        run.tally.check().map_err(|sentence| Failure::Identity { client: client.name.clone(), sentence })?;
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
pub(super) fn identity(scenario: &Scenario) -> Identity {
    Identity {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        sha256: scenario.sha256(),
        seed: scenario.seed,
        consumers: scenario.setup.consumers,
        has_forgeries: scenario.setup.clients.iter().any(|client| theory::forged_per_consumer(client) > 0.0),
        resolved: scenario.to_json(),
    }
}

/// A live run whose schedule slipped by more than this share of its shortest interval says little about the scenario.
const LAG_SHARE_MAX: f64 = 0.1;

fn schedule_kept(setup: &Setup, reports: &[EngineReport]) -> (Vec<String>, bool) {
    let Some((lag, live)) = reports.iter().find_map(|report| Some((report.lag?, report))) else {
        return (Vec::new(), false);
    };
    // Where an endpoint or System B goes down, refusals are meant.
    let goes_down =
        |client: &ClientSetup| !client.faults.crashes().is_empty() || !client.faults.provider_crashes().is_empty();
    let clients = setup.clients.iter().zip(&live.summaries).filter(|(client, _)| !goes_down(client));
    let unreachable: u64 = clients.map(|(_, summary)| summary.tally.unreachable).sum();
    if unreachable > 0 {
        let sentence = format!(
            "{} exchanges found no connection although the scenario has no such failure; this machine has reached a limit \
             of its own. Try fewer consumers or --engine sim",
            human::count(unreachable)
        );
        return (vec![sentence], true);
    }
    let pulls = setup.clients.iter().filter_map(|client| client.pull.as_ref());
    // A long poll that asks again at once keeps to no schedule.
    let polls = pulls.filter(|pull| !pull.every.is_zero()).map(|pull| pull.every.as_secs_f64());
    let Some(shortest) = polls.chain(event_gap(setup)).reduce(f64::min) else { return (Vec::new(), false) };
    let warning = behind_schedule(lag, shortest, "a lower rate, or --engine sim");
    let too_slow = warning.is_some();
    (warning.into_iter().collect(), too_slow)
}

/// The mean time from one event of a consumer to the next, in seconds.
pub(super) fn event_gap(setup: &Setup) -> Option<f64> {
    let count = theory::volume(setup, 0).events / f64::from(setup.consumers);
    (count > 0.0).then(|| setup.frame.duration.as_nanos() as f64 / 1e9 / count)
}

/// What to say of a run whose shortest interval is so many seconds, if it fell too far behind its schedule; what else to
/// try ends the advice.
pub(super) fn behind_schedule(lag: Lag, shortest: f64, or_else: &str) -> Option<String> {
    if lag.p99.as_secs_f64() <= LAG_SHARE_MAX * shortest {
        return None;
    }
    Some(format!(
        "this machine did not keep the schedule: one action in a hundred was more than {} late, over {} of the shortest \
         interval ({}). The latencies say as much about the machine as about the scenario. Try a quieter machine, \
         {or_else}",
        human::duration_ms(lag.p99.as_millis_f64()),
        human::percent(LAG_SHARE_MAX),
        human::duration_secs(shortest),
    ))
}

/// The line that closes a run on standard error.
pub(super) fn closing_line(report: &Report, folder: &Path, wall: Duration) -> String {
    let transitions: u64 =
        report.engines.iter().flat_map(|engine| &engine.summaries).map(|summary| summary.tally.transitions).sum();
    let lag = report.engines.iter().find_map(|engine| engine.lag);
    let lag = lag.map_or_else(String::new, |lag| {
        let late = |span: Span| human::duration_ms(span.as_millis_f64());
        format!(", schedule kept to {} (99 % to {})", late(lag.p50), late(lag.p99))
    });
    // In real time the rate says what the scenario asked for, not how fast this program is.
    let only_virtual = report.engines.iter().all(|engine| engine.lag.is_none());
    let rate = match wall.as_secs_f64() {
        seconds if only_virtual && seconds > 0.0 => {
            format!(" ({} a second)", human::count((transitions as f64 / seconds) as u64))
        }
        _ => String::new(),
    };
    format!(
        "{} transitions in {}{rate}{lag}; results in {}",
        human::count(transitions),
        human::duration_secs(wall.as_secs_f64()),
        folder.display(),
    )
}
