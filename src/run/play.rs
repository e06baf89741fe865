//! Plays the scenario of a run, and says what is no part of its results.
#![allow(clippy::disallowed_methods, reason = "how long a run took is told to the user; it is no part of any result")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::RunArguments;
use crate::engine::live::Lag;
use crate::engine::{ClientSetup, Control, Setup, live};
use crate::evaluation::{self, opening};
use crate::measure::chronicle::{Chronicle, Stretch};
use crate::report::{EngineReport, Report, human};
use crate::run::live_view::{self, LiveView};
use crate::run::{Failure, colours_allowed, network, progress::Progress};
use crate::scenario::Scenario;
use crate::theory;
use crate::time::{Span, Time};

/// A report, and what is not a part of any result.
pub(super) struct Played {
    pub(super) report: Report,
    /// What happened from the beginning to the end, with each engine, if that is to be told.
    pub(super) traces: Vec<Traced>,
    /// How long it took.
    pub(super) wall: Duration,
    pub(super) warnings: Vec<String>,
    /// The live engine could not keep its schedule.
    pub(super) too_slow: bool,
}

/// What happened in a whole run with one engine, for each client; none where that could not be looked at.
pub(super) struct Traced {
    pub(super) engine: &'static str,
    pub(super) clients: Vec<Option<Chronicle>>,
}

/// Makes sure that the ports which the arguments name can be had by this scenario.
pub(super) fn check_ports(scenario: &Scenario, arguments: &RunArguments) -> Result<(), Failure> {
    let push_clients = scenario.setup.clients.iter().filter(|client| client.push.is_some()).count();
    if scenario.engine.is_live() && arguments.receiver_port != 0 && push_clients > 1 {
        let sentence = format!("--receiver-port names one port, but {push_clients} clients receive webhooks");
        return Err(Failure::Usage(sentence));
    }
    Ok(())
}

/// What shows how far a run has come, until it is dropped.
enum Shown {
    Bar { _bar: Progress },
    View { _view: LiveView },
}

/// Plays a scenario with each engine in turn, and shows how far it has come.
pub(super) fn play(scenario: &Scenario, arguments: &RunArguments, control: &Arc<Control>) -> Result<Played, Failure> {
    let started = Instant::now();
    let total = evaluation::play::extent(&scenario.setup);
    let look = live_view::look(!arguments.no_color && colours_allowed());
    let look = look.filter(|_| scenario.engine.is_live() && !arguments.quiet && !arguments.plain);
    let mut options = options(arguments, Some(stretch(&scenario.setup, arguments)));
    let mut seat = look.map(|look| {
        let (broadcast, spectator) = live::broadcast();
        options.broadcast = Some(broadcast);
        (look, spectator)
    });
    let begin = |engine: &'static str| {
        control.done.store(0, std::sync::atomic::Ordering::Relaxed);
        let seat = if engine == "live" { seat.take() } else { None };
        let view = seat.and_then(|(look, seat)| LiveView::start(&scenario.name, &scenario.setup, look, seat));
        match view {
            Some(view) => Shown::View { _view: view },
            None => Shown::Bar { _bar: Progress::start(engine, total, control.clone(), arguments.quiet) },
        }
    };
    let report = in_pool(arguments.threads, || evaluation::play::play(scenario, &options, control, begin))??;
    Ok(Played::new(scenario, report, arguments, started))
}

/// Plays one of several replications with each engine in turn, in the threads that there are; of the first one the opening is
/// told as well.
pub(super) fn play_once(
    scenario: &Scenario,
    is_first: bool,
    arguments: &RunArguments,
    control: &Control,
) -> Result<Played, Failure> {
    let started = Instant::now();
    let tells = is_first.then(|| stretch(&scenario.setup, arguments));
    let report = evaluation::play::play(scenario, &options(arguments, tells), control, |_| ())?;
    Ok(Played::new(scenario, report, arguments, started))
}

/// The stretch that is told: the whole run where its files are asked for, and otherwise its opening.
fn stretch(setup: &Setup, arguments: &RunArguments) -> Stretch {
    if arguments.trace {
        let most = arguments.trace_max as usize;
        return Stretch { consumers: 0..setup.consumers, from: Time::ZERO, until: Time::NEVER, most };
    }
    opening::stretch(setup)
}

/// Takes what was told of the whole run out of a report, and leaves its opening.
fn take_traces(setup: &Setup, report: &mut Report) -> Vec<Traced> {
    let opening = opening::stretch(setup);
    let take = |engine: &mut EngineReport| {
        let part = |told: &Option<Chronicle>| told.as_ref().map(|told| told.part(&opening));
        let shorter = engine.opening.iter().map(part).collect();
        Traced { engine: engine.engine, clients: std::mem::replace(&mut engine.opening, shorter) }
    };
    report.engines.iter_mut().map(take).collect()
}

fn options(arguments: &RunArguments, tells: Option<Stretch>) -> live::Options {
    let RunArguments { bind, api_port, receiver_port, .. } = *arguments;
    live::Options { bind, api_port, receiver_port, tells, broadcast: None }
}

impl Played {
    fn new(scenario: &Scenario, mut report: Report, arguments: &RunArguments, started: Instant) -> Self {
        let setup = &scenario.setup;
        let traces = if arguments.trace { take_traces(setup, &mut report) } else { Vec::new() };
        let (mut warnings, too_slow) = schedule_kept(setup, &report.engines);
        if report.engines.iter().any(|report| report.engine == "sim") {
            let compressed = setup.clients.iter().filter(|client| client.is_compressed());
            warnings.extend(compressed.map(|client| format!("{:?}: {}", client.name, network::COMPRESSED)));
        }
        Self { report, traces, wall: started.elapsed(), warnings, too_slow }
    }
}

/// Does something in so many threads, or in as many as there are cores.
pub(super) fn in_pool<T: Send>(threads: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let Some(threads) = threads else { return Ok(work()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build();
    Ok(pool.map_err(|error| Failure::Threads(error.to_string()))?.install(work))
}

/// A live run whose schedule slipped by more than this share of its shortest interval says little about the scenario.
const LAG_SHARE_MAX: f64 = 0.1;

/// What to say of a live run that fell behind its schedule, and whether it did.
pub(super) fn schedule_kept(setup: &Setup, reports: &[EngineReport]) -> (Vec<String>, bool) {
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

/// How many transitions were made in how long, such as `1,200 transitions in 3 ms`; with `tells_rate` also how many a second.
pub(super) fn made(transitions: u64, seconds: f64, tells_rate: bool) -> String {
    let rate = match tells_rate && transitions > 0 && seconds > 0.0 {
        true => format!(" ({} a second)", human::count((transitions as f64 / seconds) as u64)),
        false => String::new(),
    };
    format!("{} transitions in {}{rate}", human::count(transitions), human::duration_secs(seconds))
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
    let made = made(transitions, wall.as_secs_f64(), only_virtual);
    format!("{made}{lag}; results in {}", folder.display())
}
