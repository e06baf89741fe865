//! What holds for every run, whatever the scenario: conservation of events and of requests, and the same result on any
//! number of threads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::random_dispatch::any_policy;
use common::*;
use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, Whom};
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::summary::Summary;
use pushpull::measure::tally::{OutcomeKind, Outcomes};
use pushpull::peer::{Note, Side};
use pushpull::policy::poller::{Aim, Jitter, Phase, PollPolicy, Strategy as Polling, Target, Timing};
use pushpull::policy::receiver::{Acknowledge, Dedupe, FetchPolicy};
use pushpull::policy::retry::RetryJitter;
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::time::{Span, Time};
use pushpull::workload::Arrivals;

fn any_distribution(most: f64) -> impl Strategy<Value = Distribution> {
    (0.0..most, 0.0..1.0f64).prop_flat_map(|(seconds, share)| {
        let span = secs(seconds);
        let lower = secs(seconds * share);
        prop::sample::select(vec![
            Distribution::ZERO,
            Distribution::Constant(span),
            Distribution::Uniform { min: lower, max: span },
            Distribution::Exponential { mean: span },
            Distribution::LogNormal { median: lower + Span::from_nanos(1), p99: span + Span::from_nanos(1) },
        ])
    })
}

fn any_capacity() -> impl Strategy<Value = Capacity> {
    (prop::option::of(1u32..4), 0u32..4).prop_map(|(workers, queue)| Capacity { workers, queue })
}

fn any_pull() -> impl Strategy<Value = PollPolicy> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        (0.0..=1.0f64).prop_map(Jitter::Gap),
        (0.0..=1.0f64).prop_map(Jitter::Grid),
        Just(Jitter::Exponential)
    ];
    let times = (0.3..20.0f64, 0.1..15.0f64, any_distribution(2.0));
    let overlap = prop_oneof![3 => Just(0.0), 1 => 0.1..10.0f64];
    let flags = any::<[bool; 4]>();
    (times, flags, jitter, 1u32..6, any_strategy(), overlap).prop_map(
        |(
            (every, timeout, service_time),
            [random, fixed_rate, conditional, at_once],
            jitter,
            page,
            strategy,
            overlap,
        )| {
            // What is known already would answer every long poll at once.
            let is_long = matches!(strategy, Polling::LongPoll { .. });
            let (every, overlap) = (if is_long && at_once { 0.0 } else { every }, if is_long { 0.0 } else { overlap });
            PollPolicy {
                phase: if random { Phase::Random } else { Phase::Aligned },
                timing: if fixed_rate { Timing::FixedRate } else { Timing::FixedDelay },
                jitter,
                service_time,
                strategy,
                target: Target::Feed { overlap: secs(overlap) },
                conditional,
                ..PollPolicy::new(secs(every), secs(timeout), page)
            }
        },
    )
}

fn any_strategy() -> impl Strategy<Value = Polling> {
    let (min, max) = (secs(0.2), secs(40.0));
    let adaptive = move |aim, gain| Polling::Adaptive { aim, gain, min, max };
    prop_oneof![
        5 => Just(Polling::Fixed),
        1 => (1.0..4.0f64).prop_map(move |factor| Polling::Backoff { factor, max }),
        1 => (0.05..0.95f64, 0.01..=1.0f64).prop_map(move |(share, gain)| adaptive(Aim::UsefulShare(share), gain)),
        1 => (0.1..9.0f64, 0.01..=1.0f64).prop_map(move |(events, gain)| adaptive(Aim::EventsPerPoll(events), gain)),
        1 => Just(Polling::Hint),
        2 => (0.5..12.0f64).prop_map(|hold| Polling::LongPoll { hold: secs(hold) }),
    ]
}

fn any_push() -> impl Strategy<Value = PushSetup> {
    (
        (prop::option::of(1u32..4), any_distribution(3.0), 0.05..5.0f64),
        (prop::collection::vec(0.0..8.0f64, 0..5), 0.0..=1.0f64),
        (any_capacity(), any_distribution(3.0), any::<bool>(), any_dedupe()),
        (prop::option::weighted(0.3, (0.05..3.0f64, 1u32..4)), prop::option::of(0.0..20.0f64)),
        prop::option::of(any_policy()),
    )
        .prop_map(
            |(
                (concurrency, delay, timeout),
                (schedule, jitter),
                (capacity, service_time, before, dedupe),
                (fetch, retry_after),
                dispatch,
            )| {
                let mut push = push_policy(delays(&schedule));
                push.dispatch.retry.jitter = RetryJitter::symmetric(jitter);
                // Every other dispatcher is a plain one.
                push.dispatch = dispatch.unwrap_or(push.dispatch);
                push.dispatch.concurrency = concurrency;
                push.dispatch.delay = delay;
                push.dispatch.timeout = secs(timeout);
                push.receive.capacity = capacity;
                push.receive.service_time = service_time;
                push.receive.acknowledge = if before { Acknowledge::Before } else { Acknowledge::After };
                push.receive.dedupe = dedupe;
                push.receive.retry_after = retry_after.map(secs);
                push.receive.fetch = fetch.map(|(timeout, tries)| FetchPolicy { timeout: secs(timeout), tries });
                push
            },
        )
}

fn any_dedupe() -> impl Strategy<Value = Dedupe> {
    let store = (prop::option::of(0u32..8), prop::option::of(0.0..10.0f64));
    prop_oneof![Just(Dedupe::Never), store.prop_map(|(size, age)| Dedupe::Remember { size, age: age.map(secs) }),]
}

/// What goes wrong, up to four things at a time.
fn any_faults() -> impl Strategy<Value = Faults> {
    let connections = || prop::sample::select(vec![Connections::Reset, Connections::Drop]);
    let kind = prop_oneof![
        connections().prop_map(|connections| FaultKind::ReceiverDown { connections }),
        connections().prop_map(|connections| FaultKind::ProviderDown { connections }),
        Just(FaultKind::PollerDown),
        (0.0..=1.0f64).prop_map(|loss| FaultKind::NetworkLoss { loss }),
        (0.1..20.0f64).prop_map(|factor| FaultKind::NetworkSlow { factor }),
        (0.1..20.0f64).prop_map(|factor| FaultKind::ReceiverSlow { factor }),
        (0.0..=1.0f64, prop::option::of(0.0..20.0f64)).prop_map(|(share, retry_after)| FaultKind::ReceiverErrors {
            status: 503,
            share,
            retry_after: retry_after.map(secs),
        }),
        (1e8..1e10f64, prop::array::uniform7(0u32..3)).prop_map(|(gap_nanos, mut mix)| {
            mix[0] += 1;
            FaultKind::ForgedWebhooks { gap_nanos, mix }
        }),
    ];
    let fault =
        (kind, 0.0..80.0f64, 0.0..40.0f64, prop::option::of(0.0..=1.0f64)).prop_map(|(kind, from, length, share)| {
            let whom = share.map_or(Whom::All, |share| Whom::Some { share, seed: Seed::new(3), fault: 1 });
            Fault { whom, ..Fault::new(kind, at(from), at(from + length)) }
        });
    prop_oneof![Just(Faults::default()), prop::collection::vec(fault, 1..5).prop_map(Faults)]
}

fn any_client() -> impl Strategy<Value = ClientSetup> {
    let client = |pull, push, faults| ClientSetup { name: "client".into(), pull, push, faults };
    prop_oneof![
        (any_pull(), any_faults()).prop_map(move |(pull, faults)| client(Some(pull), None, faults)),
        (any_push(), any_faults()).prop_map(move |(push, faults)| client(None, Some(push), faults)),
        (any_pull(), any_push(), any_faults()).prop_map(move |(pull, push, faults)| client(
            Some(pull),
            Some(push),
            faults
        )),
    ]
}

fn any_arrivals() -> impl Strategy<Value = Arrivals> {
    prop_oneof![
        (0.05..5.0f64).prop_map(poisson),
        (0.05..5.0f64).prop_map(|rate| Arrivals::Constant { gap_nanos: 1e9 / rate }),
        (1.0..20.0f64, 1.0..20.0f64).prop_map(|(on, off)| Arrivals::Bursts {
            gap_nanos: 2e8,
            on: secs(on),
            off: secs(off)
        }),
        prop::collection::vec(0.0..60.0f64, 0..40).prop_map(|mut instants| {
            instants.sort_by(f64::total_cmp);
            trace(&instants)
        }),
    ]
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let network = (any_distribution(1.5), any_distribution(1.5), 0.0..0.6f64, 0.0..0.6f64);
    let window = (0.0..30.0f64, 1.0..60.0f64, 0.0..60.0f64, 1u32..5);
    let clients = prop::collection::vec(any_client(), 1..4);
    let cut = prop::option::of(0.5..20.0f64);
    (any_arrivals(), network, window, clients, (any_capacity(), cut), any_distribution(1.0), any::<u64>()).prop_map(
        |(
            arrivals,
            (up, down, lost_up, lost_down),
            (warmup, length, drain, consumers),
            clients,
            (capacity, cut),
            service,
            seed,
        )| {
            let mut setup = with_seed(setup(arrivals, warmup + length, 0.0, clients), seed);
            setup.frame.warmup = at(warmup);
            setup.frame.end = setup.frame.duration + secs(drain);
            setup.consumers = consumers;
            setup.workload.records = 3;
            setup.link.request.latency = up;
            setup.link.response.latency = down;
            setup.api.capacity = capacity;
            setup.api.service_time = service;
            setup.api.idle_cut = cut.map(secs);
            with_loss(setup, lost_up, lost_down)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// `run` checks both identities; here the counts are also held against the facts themselves.
    #[test]
    fn events_and_requests_are_conserved(setup in any_setup()) {
        let summaries = run(&setup);
        let events: Vec<u64> = summaries.iter().map(|summary| summary.events).collect();
        prop_assert!(events.windows(2).all(|pair| pair[0] == pair[1]), "every client sees the same events: {:?}", events);
        let occurred = (0..setup.consumers)
            .flat_map(|consumer| setup.workload.events(consumer))
            .filter(|event| setup.frame.counts(event.occurred_at))
            .count() as u64;
        prop_assert_eq!(events[0], occurred);
        for (client, summary) in setup.clients.iter().zip(&summaries) {
            let asks_again = !client.overlap().is_zero();
            prop_assert!(client.push.is_some() || summary.attempts == 0);
            prop_assert!(client.push.is_some() || asks_again || summary.outcomes.duplicate == 0);
            prop_assert!(client.pull.is_some() || (summary.polls == 0 && summary.outcomes.empty == 0));
            prop_assert!(client.pull.is_none() || summary.lost_total() == 0, "what a poll can bring is not lost");
            for fault in &summary.tally.faults {
                let seen = fault.inside.as_ref().map_or(0, |latencies| latencies.count());
                prop_assert!(seen + fault.lost <= fault.events && fault.events <= summary.events, "{:?}", fault);
                prop_assert!(fault.failed <= summary.outcomes.failed && fault.backlog_max() <= summary.events);
                if summary.pending == 0 {
                    prop_assert_eq!(seen + fault.lost, fault.events);
                    prop_assert!(fault.catch_up().is_some() || fault.fault.until > setup.frame.end, "{:?}", fault);
                }
            }
            prop_assert!(summary.staleness_ratio.is_none_or(|ratio| (0.0..=1.0).contains(&ratio)));
            let p = [summary.latency_p50_ms, summary.latency_p90_ms, summary.latency_p95_ms, summary.latency_p99_ms];
            let known: Vec<f64> = p.into_iter().flatten().collect();
            prop_assert!(known.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", known);
        }
    }

    /// An exchange that is carried through at once is counted as if it had gone step by step, as all do that are traced.
    #[test]
    fn carried_through_or_step_by_step_the_counts_are_the_same(
        mut setup in any_setup(),
        is_quick in any::<bool>(),
        is_lossless in any::<bool>(),
    ) {
        if is_lossless {
            (setup.link.request.loss, setup.link.response.loss) = (0.0, 0.0);
        }
        if is_quick {
            // Few things happen while a message is on its way.
            setup.link.request.latency = constant(0.004);
            setup.link.response.latency = constant(0.006);
            setup.api.service_time = Distribution::ZERO;
            for client in &mut setup.clients {
                client.faults = Faults::default();
                if let Some(push) = &mut client.push {
                    (push.dispatch.delay, push.receive.service_time) = (Distribution::ZERO, Distribution::ZERO);
                }
            }
        }
        let runs = sim::run(&setup, &Control::default());
        for (client, run) in runs.into_iter().enumerate() {
            let mut step_by_step = sim::step_by_step(&setup, client);
            if setup.is_coupled(&setup.clients[client]) {
                // Those who are played together go on until all of them are done.
                step_by_step.transitions = run.tally.transitions;
            }
            prop_assert_eq!(format!("{:?}", run.tally), format!("{:?}", step_by_step));
        }
    }

    #[test]
    fn every_exchange_ends_once_and_every_event_is_seen_once(setup in any_setup()) {
        for client in 0..setup.clients.len() {
            // A cell of its own for each consumer, so that the facts of one can be followed.
            let (tally, facts) = sim::trace(&setup, client, 0);
            prop_assert!(tally.check().is_ok(), "{:?}", tally.check());
            let (mut opened, mut ended, mut seen) = (Vec::new(), Vec::new(), Vec::new());
            for (_, fact) in &facts {
                match fact {
                    Fact::Opened { exchange, .. } => opened.push(*exchange),
                    Fact::Ended { exchange, .. } => ended.push(*exchange),
                    Fact::Noted(_, Note::Seen(event)) => seen.push(event.serial),
                    _ => {}
                }
            }
            prop_assert!(facts.windows(2).all(|pair| pair[0].0 <= pair[1].0), "facts come in the order of time");
            for list in [&mut opened, &mut ended] {
                list.sort_unstable();
                let before = list.len();
                list.dedup();
                prop_assert_eq!(list.len(), before, "named twice");
            }
            prop_assert!(ended.iter().all(|exchange| opened.binary_search(exchange).is_ok()));
            // No exchange stays open for longer than its timeout.
            let push = setup.clients[client].push.as_ref();
            let timeouts = [
                setup.clients[client].pull.as_ref().map(|pull| pull.timeout),
                push.map(|push| push.dispatch.timeout),
                push.and_then(|push| push.receive.fetch).map(|fetch| fetch.timeout),
            ];
            let longest = timeouts.into_iter().flatten().max().unwrap_or(Span::ZERO);
            let last = facts.last().map_or(Time::ZERO, |(at, _)| *at);
            for (at, fact) in &facts {
                if let Fact::Opened { exchange, .. } = fact {
                    let may_be_open = *at + longest >= last;
                    prop_assert!(may_be_open || ended.binary_search(exchange).is_ok(), "{exchange:?} never ended");
                }
            }
            seen.sort_unstable();
            let before = seen.len();
            seen.dedup();
            prop_assert_eq!(seen.len(), before, "seen twice");
        }
    }

    /// The ledger closes an exchange as soon as nothing more can be learnt of it. Here each is judged at leisure, from all
    /// the facts there ever were of it.
    #[test]
    fn outcomes_are_what_a_recount_of_all_facts_says(setup in any_setup()) {
        for client in 0..setup.clients.len() {
            let (tally, facts) = sim::trace(&setup, client, 0);
            let (mut exchanges, mut replied) = (BTreeMap::new(), BTreeSet::new());
            for (at, fact) in &facts {
                match fact {
                    Fact::Opened { exchange, .. } if setup.frame.counts(*at) => {
                        exchanges.insert(*exchange, (None, None));
                    }
                    Fact::Replied { exchange, .. } => {
                        replied.insert(*exchange);
                    }
                    Fact::Noted(_, Note::Took { exchange, fresh, .. }) => {
                        if let Some((brought, _)) = exchanges.get_mut(exchange) {
                            *brought = Some(*fresh || *brought == Some(true));
                        }
                    }
                    Fact::Noted(_, Note::Fetched { exchange, fresh }) => {
                        if let Some((brought, _)) = exchanges.get_mut(exchange) {
                            *brought = Some(*fresh);
                        }
                    }
                    Fact::Noted(_, Note::Passed { from, to }) => {
                        if let Some((brought, _)) = exchanges.get_mut(from).filter(|_| !replied.contains(from)) {
                            *brought = None;
                        }
                        // What has been answered, and is known to have been, is past changing.
                        let is_past = |(_, end): &(_, Option<End>)| end.is_some() && replied.contains(to);
                        if let Some((brought, _)) = exchanges.get_mut(to).filter(|to| !is_past(to)) {
                            *brought = Some(true);
                        }
                    }
                    Fact::Noted(_, Note::Dropped { exchange, .. }) if !replied.contains(exchange) => {
                        if let Some((brought, _)) = exchanges.get_mut(exchange) {
                            *brought = None;
                        }
                    }
                    Fact::Ended { exchange, end, .. } => {
                        if let Some((_, ended)) = exchanges.get_mut(exchange) {
                            *ended = Some(*end);
                        }
                    }
                    _ => {}
                }
            }
            let mut recount = Outcomes::default();
            for (exchange, (brought, end)) in exchanges {
                recount.count(match (brought, end) {
                    (Some(true), _) => OutcomeKind::Useful,
                    (Some(false), Some(End::Refused(_))) => OutcomeKind::Failed,
                    (Some(false), _) => OutcomeKind::Duplicate,
                    (None, Some(End::Answered)) if exchange.opener == Side::Consumer => OutcomeKind::Empty,
                    (None, Some(End::Refused(304))) => OutcomeKind::NotModified,
                    _ => OutcomeKind::Failed,
                });
            }
            prop_assert_eq!(tally.outcomes, recount);
        }
    }

    /// A limit that is never reached couples the consumers into one cell, and must change nothing else.
    #[test]
    fn how_consumers_are_grouped_into_cells_changes_nothing(mut setup in any_setup()) {
        setup.api.capacity = Capacity::UNLIMITED;
        for client in &mut setup.clients {
            if let Some(push) = &mut client.push {
                push.dispatch.concurrency = None;
            }
        }
        let apart = run(&setup);
        setup.api.capacity = Capacity { workers: Some(1_000_000), queue: 0 };
        for client in &mut setup.clients {
            if let Some(push) = &mut client.push {
                push.dispatch.concurrency = Some(1_000_000);
            }
        }
        let together = Control { plays_together: true, ..Control::default() };
        for (a, b) in apart.iter().zip(&summaries(&setup, sim::run(&setup, &together))) {
            let figures = |s: &Summary| {
                let counts = (s.events, s.delivered, s.pending, s.lost_total(), s.duplicates, s.reordered, s.outcomes);
                let bytes = [s.provider.bytes_in, s.provider.bytes_out, s.consumer.bytes_in, s.consumer.bytes_out];
                (counts, bytes, s.tally.latencies.sum_nanos(), s.staleness_ratio.map(f64::to_bits))
            };
            prop_assert_eq!(figures(a), figures(b));
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing(setup in any_setup()) {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            format!("{:?}", pool.install(|| sim::run(&setup, &Control::default())))
        };
        let once = with_threads(1);
        prop_assert_eq!(&once, &with_threads(2));
        prop_assert_eq!(&once, &with_threads(1));
    }
}

#[test]
fn many_consumers_on_many_threads_add_up_to_the_same() {
    let clients = vec![pull(poll_policy(7.0)), push(push_policy(delays(&[1.0, 2.0])))];
    let mut setup = with_loss(setup(poisson(0.3), 100.0, 0.02, clients), 0.05, 0.05);
    setup.consumers = 3_000;
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sim::run(&setup, &Control::default()))
    };
    let (one, three) = (with_threads(1), with_threads(3));
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
    assert!(one.iter().all(|client| client.tally.check().is_ok() && client.tally.events > 80_000));
}

#[test]
fn nothing_is_begun_once_a_run_is_stopped() {
    let mut setup = setup(poisson(0.3), 100.0, 0.02, vec![pull(poll_policy(7.0)), push(push_policy(delays(&[1.0])))]);
    setup.consumers = 1_000_000;
    let control = Control::default();
    control.stop();
    assert!(sim::run(&setup, &control).iter().all(|client| client.tally.transitions == 0 && client.tally.events == 0));
}

#[test]
fn another_seed_gives_another_run() {
    let figures = |seed| {
        let setup = with_seed(setup(poisson(1.0), 100.0, 0.02, vec![pull(poll_policy(7.0))]), seed);
        let summary = run(&setup).remove(0);
        (summary.events, summary.tally.latencies.sum_nanos())
    };
    assert_ne!(figures(1), figures(2));
    assert_eq!(figures(1), figures(1));
}
