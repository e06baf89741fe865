//! Polls that find nothing are left out, and nobody can tell: every count and every byte of every file is the same as if each
//! poll had been played.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::Ordering;

use common::*;
use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{ClientRun, ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, Whom};
use pushpull::link::Handshake;
use pushpull::measure::tally::Tally;
use pushpull::policy::poller::{Jitter, Phase, PollPolicy, Strategy as Polling, Target, Timing};
use pushpull::policy::provider::{QuotaPolicy, RateLimit};
use pushpull::policy::receiver::FetchPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::report::{EngineReport, Identity, Report, files};
use pushpull::seed::Seed;
use pushpull::theory;
use pushpull::time::Span;
use pushpull::workload::Arrivals;
use pushpull::workload::lifecycle::Lifecycle;

/// Mostly this, sometimes the other.
fn mostly<T: std::fmt::Debug + Clone + 'static>(
    plain: T,
    other: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![6 => Just(plain), 1 => other].boxed()
}

/// Round intervals and odd ones, in seconds.
fn any_every() -> impl Strategy<Value = f64> {
    let round = vec![0.05, 0.1, 0.333, 0.5, 0.7, 1.0, 1.5, 2.0, 7.0, 60.0, 61.0, 0.000_001_7];
    prop_oneof![3 => prop::sample::select(round), 1 => 0.03..90.0f64]
}

fn any_latency() -> BoxedStrategy<Distribution> {
    let seconds = prop::sample::select(vec![0.0, 0.02, 0.25, 0.5, 1.0, 3.0]);
    let random = (0.0..1.0f64).prop_map(|mean| Distribution::Exponential { mean: secs(mean) });
    prop_oneof![9 => seconds.prop_map(constant), 1 => random].boxed()
}

fn any_pull() -> impl Strategy<Value = PollPolicy> {
    let jitter = prop_oneof![(0.0..=1.0f64).prop_map(Jitter::Gap), (0.0..=1.0f64).prop_map(Jitter::Grid)];
    let max = secs(200.0);
    let strategy = prop_oneof![
        (1.0..4.0f64).prop_map(move |factor| Polling::Backoff { factor, max }),
        Just(Polling::Hint),
        (0.5..12.0f64).prop_map(|hold| Polling::LongPoll { hold: secs(hold) }),
    ];
    let target = prop_oneof![
        (0.1..300.0f64).prop_map(|overlap| Target::Feed { overlap: secs(overlap) }),
        Just(Target::Record { tries: None })
    ];
    let times = (any_every(), mostly(10.0, 0.1..4.0f64), mostly(0.0, 0.0..2.0f64));
    let kinds = (mostly(Jitter::None, jitter), mostly(Polling::Fixed, strategy));
    let target = mostly(Target::Feed { overlap: Span::ZERO }, target);
    (times, any::<[bool; 3]>(), kinds, target, 1u32..4).prop_map(
        |((every, timeout, service), [random, fixed_rate, conditional], (jitter, strategy), target, page)| PollPolicy {
            phase: if random { Phase::Random } else { Phase::Aligned },
            timing: if fixed_rate { Timing::FixedRate } else { Timing::FixedDelay },
            jitter,
            strategy,
            target: if matches!(strategy, Polling::LongPoll { .. }) {
                Target::Feed { overlap: Span::ZERO }
            } else {
                target
            },
            conditional,
            service_time: constant(service),
            ..PollPolicy::new(secs(every), secs(timeout), page)
        },
    )
}

fn any_push() -> impl Strategy<Value = PushSetup> {
    let retries = prop::collection::vec(0.0..200.0f64, 0..3);
    let fetch = prop::option::weighted(0.3, (0.05..3.0f64, 1u32..3));
    (retries, mostly(0.0, 0.0..40.0f64), prop::option::weighted(0.2, 1u32..4), fetch).prop_map(
        |(retries, service, concurrency, fetch)| {
            let mut push = push_policy(delays(&retries));
            push.receive.service_time = constant(service);
            push.receive.capacity = Capacity { workers: Some(1), queue: 2 };
            push.receive.fetch = fetch.map(|(timeout, tries)| FetchPolicy { timeout: secs(timeout), tries });
            push.dispatch.concurrency = concurrency;
            push
        },
    )
}

/// What goes wrong, from when on and for how long as shares of the run, and which share of the consumers meets it.
type Broken = (FaultKind, f64, f64, Option<f64>);

fn any_faults() -> impl Strategy<Value = Vec<Broken>> {
    let kind = prop_oneof![
        Just(FaultKind::PollerDown),
        Just(FaultKind::ProviderDown { connections: Connections::Reset }),
        Just(FaultKind::ProviderDown { connections: Connections::Drop }),
        Just(FaultKind::ReceiverDown { connections: Connections::Reset }),
        (0.0..=1.0f64).prop_map(|loss| FaultKind::NetworkLoss { loss }),
        (0.1..20.0f64).prop_map(|factor| FaultKind::NetworkSlow { factor }),
        Just(FaultKind::ForgedWebhooks { gap_nanos: 2e10, mix: [1; 7] }),
    ];
    let fault = (kind, 0.0..1.0f64, 0.0..0.5f64, prop::option::of(0.0..=1.0f64));
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(fault, 1..4)]
}

fn any_client() -> impl Strategy<Value = (ClientSetup, Vec<Broken>)> {
    (any_pull(), prop::option::weighted(0.3, any_push()), any_faults()).prop_map(|(pull, push, faults)| {
        (ClientSetup { name: "client".into(), pull: Some(pull), push, faults: Faults::default() }, faults)
    })
}

/// Arrivals with so many events or so in a run of this many seconds. Those at round instants meet polls.
fn arrivals(which: u8, events: f64, seconds: f64) -> Arrivals {
    let gap = seconds / events;
    match which {
        0 => Arrivals::Constant { gap_nanos: 1e9 * gap },
        1 => Arrivals::Bursts { gap_nanos: 1e8 * gap, on: secs(gap), off: secs(8.0 * gap) },
        2 => {
            let round = |index: u32| (f64::from(index) * gap * 2.0).round() / 2.0;
            trace(&(0..events as u32).map(round).collect::<Vec<_>>())
        }
        _ => poisson(1.0 / gap),
    }
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let api = (
        mostly(
            Distribution::ZERO,
            prop_oneof![Just(constant(0.05)), Just(Distribution::Exponential { mean: secs(0.1) })],
        ),
        mostly(None, (1u32..4).prop_map(Some)),
        mostly([false; 3], any::<[bool; 3]>()),
        mostly(None, (1.0..500.0f64).prop_map(Some)),
        prop::option::weighted(0.2, Just(secs(5.0))),
    );
    let network =
        (any_latency(), any_latency(), mostly(0.0, 0.0..0.5f64), mostly(None, Just(Some(20_000u64))), 0u32..8);
    // How many polls and events there are to be, so that no run takes long.
    let frame = (20.0..2_000.0f64, 0.0..20.0f64, prop::option::of(0.01..0.5f64), 0.0..1.0f64, 1u32..4);
    let events = (0u8..4, prop::option::weighted(0.1, (1u32..4, 0.0..100.0f64)));
    let clients = prop::collection::vec(any_client(), 1..3);
    (clients, api, network, frame, events, any::<u64>()).prop_map(
        |(clients, api, (up, down, loss, bandwidth, round_trips), frame, (which, lifecycle), seed)| {
            let (polls, expected, warmup, drain, consumers) = frame;
            let every = clients.iter().filter_map(|(client, _)| client.pull.as_ref()).map(|pull| pull.every).min();
            let seconds = every.unwrap_or(secs(1.0)).as_secs_f64() * polls;
            let arrivals = arrivals(which, expected.max(0.5), seconds);
            let mut setup = with_seed(setup(arrivals, seconds, 0.0, Vec::new()), seed);
            setup.clients = clients.into_iter().map(|(client, faults)| with_faults(client, &faults, seconds)).collect();
            setup.frame.warmup = at(warmup.unwrap_or(0.0) * seconds);
            setup.frame.end = setup.frame.duration + secs(drain * seconds);
            setup.consumers = consumers;
            setup.link.request.latency = up;
            setup.link.response.latency = down;
            setup.link.request.bandwidth = bandwidth;
            if round_trips < 2 {
                setup.link.handshake = Handshake::Each { round_trips };
            }
            let (service, workers, [own, account, quota], retention, advice) = api;
            setup.api.service_time = service;
            setup.api.capacity = Capacity { workers, queue: 2 };
            setup.api.limits.consumer = own.then(|| RateLimit::new(1, secs(1.0)));
            setup.api.limits.account = account.then(|| RateLimit::new(3, secs(1.0)));
            setup.api.limits.quota =
                quota.then(|| QuotaPolicy { requests: 50, window: secs(60.0), counts_not_modified: true });
            setup.api.retention = retention.map(secs);
            setup.api.poll_interval = advice;
            if let Some((changes, seconds)) = lifecycle {
                setup.workload = setup.workload.with_lifecycle(Lifecycle { changes, time: constant(seconds) });
            }
            with_loss(setup, loss, loss)
        },
    )
}

fn with_faults(mut client: ClientSetup, faults: &[Broken], seconds: f64) -> ClientSetup {
    let fault = |&(kind, from, length, share): &Broken| {
        let whom = share.map_or(Whom::All, |share| Whom::Some { share, seed: Seed::new(3), fault: 1 });
        Fault { whom, ..Fault::new(kind, at(from * seconds), at((from + length) * seconds)) }
    };
    client.faults = Faults(faults.iter().map(fault).collect());
    client
}

/// Runs a setup, and says how many polls were left out.
fn play(setup: &Setup, plays_every_poll: bool) -> (Vec<ClientRun>, u64) {
    let control = Control { plays_every_poll, ..Control::default() };
    let runs = sim::run(setup, &control);
    (runs, control.leapt.into_inner())
}

/// Every result file.
fn bytes(setup: &Setup, runs: Vec<ClientRun>) -> Vec<(&'static str, String)> {
    let summaries = summaries(setup, runs);
    let verify = |(index, summary)| theory::verify(setup, index, summary, Span::ZERO);
    let theory = summaries.iter().enumerate().flat_map(verify).collect();
    let scenario = Identity {
        name: "random".into(),
        title: "random".into(),
        sha256: String::new(),
        seed: 1,
        consumers: setup.consumers,
        has_forgeries: true,
        prices: None,
        resolved: serde_json::Value::Null,
        text: String::new(),
    };
    let engine = EngineReport {
        engine: "sim",
        summaries,
        theory,
        overloads: Vec::new(),
        opening: Vec::new(),
        lag: None,
        cut_unevenly: false,
    };
    let report =
        Report { scenario, engines: vec![engine], agreements: Vec::new(), judgements: Vec::new(), partial: false };
    files::of(&report).unwrap().into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

/// Plays a setup both ways, holds one against the other, and gives back how many polls were left out of how many.
fn leapt(setup: &Setup) -> (u64, u64) {
    let ((leaping, left_out), (stepping, none)) = (play(setup, false), play(setup, true));
    assert_eq!(none, 0);
    for (one, other) in leaping.iter().zip(&stepping) {
        assert_eq!(format!("{:?}", one.tally), format!("{:?}", other.tally));
    }
    let polls = stepping.iter().map(|run| run.tally.polls).sum();
    assert_eq!(bytes(setup, leaping), bytes(setup, stepping));
    (left_out, polls)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn leaping_changes_no_count_and_no_byte(setup in any_setup()) {
        leapt(&setup);
    }
}

/// One who only polls at a fixed rate or with a fixed delay, and an API that answers at once: the time on the way is often as
/// long as the interval, so that many events occur while a poll is under way.
fn any_plain_setup() -> impl Strategy<Value = Setup> {
    let policy = (any_every(), any::<[bool; 2]>(), 1u32..6, mostly(10.0, 0.1..4.0f64));
    let latency = || prop::sample::select(vec![0.0, 0.02, 0.1, 0.25, 0.7]);
    let frame = (20.0..3_000.0f64, 0.0..60.0f64, prop::option::of(0.01..0.5f64), 0.0..1.0f64, 1u32..4);
    (policy, [latency(), latency()], frame, 0u8..4, prop::option::weighted(0.2, Just(secs(5.0))), any::<u64>())
        .prop_map(|((every, [random, fixed_rate], page, timeout), [up, down], frame, which, advice, seed)| {
            let (polls, expected, warmup, drain, consumers) = frame;
            let policy = PollPolicy {
                phase: if random { Phase::Random } else { Phase::Aligned },
                timing: if fixed_rate { Timing::FixedRate } else { Timing::FixedDelay },
                ..PollPolicy::new(secs(every), secs(timeout), page)
            };
            let seconds = every * polls;
            let arrivals = arrivals(which, expected.max(0.5), seconds);
            let mut setup = with_seed(setup(arrivals, seconds, 0.0, vec![pull(policy)]), seed);
            setup.frame.warmup = at(warmup.unwrap_or(0.0) * seconds);
            setup.frame.end = setup.frame.duration + secs(drain * seconds);
            (setup.consumers, setup.workload.records, setup.api.poll_interval) = (consumers, 3, advice);
            (setup.link.request.latency, setup.link.response.latency) = (constant(up), constant(down));
            setup
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_occurs_while_a_poll_is_under_way_changes_no_count_either(setup in any_plain_setup()) {
        leapt(&setup);
        let run = sim::run(&setup, &Control::default()).remove(0);
        prop_assert_eq!(format!("{:?}", run.tally), format!("{:?}", sim::step_by_step(&setup, 0)));
    }
}

/// One event in a thousand intervals, for three consumers, over so many intervals.
fn rare(policy: PollPolicy, latency: f64, intervals: f64) -> Setup {
    let every = policy.every.as_secs_f64();
    let mut setup = setup(poisson(1.0 / (1_000.0 * every)), intervals * every, latency, vec![pull(policy)]);
    setup.consumers = 3;
    setup
}

#[test]
fn nearly_all_polls_that_find_nothing_are_left_out() {
    let timeout = secs(10.0);
    for (every, latency) in [(1.0, 0.02), (0.7, 0.1), (0.333, 0.0), (61.0, 1.5), (1.0, 1.2), (0.5, 0.6)] {
        for timing in [Timing::FixedRate, Timing::FixedDelay] {
            for conditional in [false, true] {
                let policy = PollPolicy { timing, conditional, timeout, ..poll_policy(every) };
                let setup = rare(policy, latency, 20_000.0);
                let events = setup.workload.events(0).count() as u64;
                let (left_out, polls) = leapt(&setup);
                // About twenty events for each of three consumers, and a few polls around each: the one before, two or
                // three that drain the feed, and the first that knows its state. Numbers with a digit more, too.
                assert!(
                    events > 5 && polls - left_out < 5 * 3 * (events + 20),
                    "{left_out} of {polls}, {events} events"
                );
                assert!(left_out > polls * 97 / 100, "{left_out} of {polls} polls every {every} s");
            }
        }
    }
}

#[test]
fn what_differs_from_poll_to_poll_is_never_left_out() {
    let change = |what: &dyn Fn(&mut Setup)| {
        let mut setup = rare(poll_policy(1.0), 0.02, 2_000.0);
        what(&mut setup);
        leapt(&setup).0
    };
    let policy = |what: &dyn Fn(&mut PollPolicy)| change(&|setup| what(setup.clients[0].pull.as_mut().unwrap()));
    assert!(change(&|_| {}) > 0);
    assert_eq!(policy(&|pull| pull.jitter = Jitter::Gap(0.1)), 0);
    assert_eq!(policy(&|pull| pull.jitter = Jitter::Grid(0.1)), 0);
    assert_eq!(policy(&|pull| pull.strategy = Polling::LongPoll { hold: secs(5.0) }), 0);
    assert_eq!(policy(&|pull| pull.strategy = Polling::Hint), 0);
    assert_eq!(policy(&|pull| pull.target = Target::Feed { overlap: secs(5.0) }), 0);
    assert_eq!(policy(&|pull| pull.target = Target::Record { tries: None }), 0);
    assert_eq!(policy(&|pull| pull.timeout = secs(0.03)), 0);
    assert_eq!(change(&|setup| setup.link.request.loss = 0.01), 0);
    assert_eq!(change(&|setup| setup.link.response.bandwidth = Some(1_000_000)), 0);
    assert_eq!(change(&|setup| setup.link.response.latency = Distribution::Exponential { mean: secs(0.02) }), 0);
    assert_eq!(change(&|setup| setup.api.service_time = Distribution::Exponential { mean: secs(0.02) }), 0);
    assert_eq!(change(&|setup| setup.api.capacity.workers = Some(9)), 0);
    assert_eq!(change(&|setup| setup.api.limits.consumer = Some(RateLimit::new(9, secs(1.0)))), 0);
    assert_eq!(change(&|setup| setup.api.limits.account = Some(RateLimit::new(99, secs(1.0)))), 0);
}

#[test]
fn what_is_left_out_is_counted_as_if_it_had_been_played() {
    let setup = rare(poll_policy(1.0), 0.02, 20_000.0);
    let control = Control::default();
    let tally: Vec<Tally> = sim::run(&setup, &control).into_iter().map(|run| run.tally).collect();
    assert!(control.leapt.load(Ordering::Relaxed) > 50_000 && tally[0].transitions > 2 * 59_000);
}
