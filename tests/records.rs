//! Records that are opened, polled one by one and final some day: invariants over random setups, and closed forms.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;

use common::*;
use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{ClientSetup, Setup, sim};
use pushpull::measure::fact::Fact;
use pushpull::measure::summary::{Figure, Summary};
use pushpull::peer::{LossCause, Note, Request};
use pushpull::policy::poller::{Jitter, Phase, PollPolicy, Strategy as Interval, Target, Timing};
use pushpull::policy::receiver::FetchPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::theory;
use pushpull::time::{Span, Time};
use pushpull::workload::Arrivals;
use pushpull::workload::lifecycle::Lifecycle;

fn record_policy(every: f64) -> PollPolicy {
    PollPolicy { target: Target::Record { tries: None }, ..poll_policy(every) }
}

fn any_record_policy() -> impl Strategy<Value = PollPolicy> {
    let jitter =
        prop_oneof![Just(Jitter::None), (0.0..=1.0f64).prop_map(Jitter::Gap), (0.0..=1.0f64).prop_map(Jitter::Grid)];
    let backoff = prop::option::of((1.0..3.0f64, 1.0..40.0f64));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (0.3..20.0f64, flags, jitter, 0.1..15.0f64, prop::option::of(1u32..6), backoff, 0.0..2.0f64).prop_map(
        |(every, (random, fixed_rate, conditional), jitter, timeout, tries, backoff, service)| PollPolicy {
            phase: if random { Phase::Random } else { Phase::Aligned },
            timing: if fixed_rate { Timing::FixedRate } else { Timing::FixedDelay },
            jitter,
            target: Target::Record { tries },
            strategy: backoff.map_or(Interval::Fixed, |(factor, max)| Interval::Backoff { factor, max: secs(max) }),
            conditional,
            service_time: Distribution::Exponential { mean: secs(service) },
            ..PollPolicy::new(secs(every), secs(timeout), 5)
        },
    )
}

fn any_client() -> impl Strategy<Value = ClientSetup> {
    let webhooks = (prop::collection::vec(0.0..8.0f64, 0..3), any::<bool>(), prop::option::of(1u32..4));
    (prop::option::weighted(0.9, any_record_policy()), prop::option::weighted(0.5, webhooks)).prop_map(
        |(pull, webhooks)| {
            let push = webhooks.map(|(schedule, thin, workers)| {
                let mut push = push_policy(delays(&schedule));
                push.dispatch.timeout = secs(4.0);
                push.receive.fetch = thin.then_some(FetchPolicy { timeout: secs(2.0), tries: 2 });
                push.receive.capacity = Capacity { workers, queue: 2 };
                push.receive.service_time = constant(0.7);
                push
            });
            let pull = if pull.is_none() && push.is_none() { Some(poll_policy(7.0)) } else { pull };
            ClientSetup { name: "client".into(), pull, push, faults: pushpull::fault::Faults::default() }
        },
    )
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let lifecycle = prop::option::weighted(0.8, (1u32..5, 0.0..25.0f64, any::<bool>()));
    let run = (0.0..20.0f64, 1.0..60.0f64, 0.0..200.0f64, 1u32..4, any::<u64>());
    (0.02..1.0f64, lifecycle, run, any_client(), (0.0..2.0f64, 0.0..0.5f64)).prop_map(
        |(rate, lifecycle, (warmup, length, drain, consumers, seed), client, (latency, loss))| {
            let mut setup = with_seed(setup(poisson(rate), warmup + length, latency, vec![client]), seed);
            setup.frame.warmup = at(warmup);
            setup.frame.end = setup.frame.duration + secs(drain);
            setup.consumers = consumers;
            setup.workload.records = 4;
            if let Some((changes, seconds, random)) = lifecycle {
                let time = if random { Distribution::Exponential { mean: secs(seconds) } } else { constant(seconds) };
                setup.workload = setup.workload.with_lifecycle(Lifecycle { changes, time });
            }
            with_loss(setup, loss, loss)
        },
    )
}

/// What became of each event of the first consumer by the facts alone: the time at which it was seen.
fn seen(facts: &[(Time, Fact)]) -> BTreeMap<u32, Time> {
    let seen = facts.iter().filter_map(|(at, fact)| match fact {
        Fact::Noted(_, Note::Seen(event)) => Some((event.serial, *at)),
        _ => None,
    });
    seen.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// `run` checks the identities; here the records are recounted from the facts.
    #[test]
    fn records_and_their_polls_are_counted_as_the_facts_say(setup in any_setup()) {
        run(&setup);
        let (tally, facts) = sim::trace(&setup, 0, 0);
        prop_assert!(tally.check().is_ok());
        let Some(changes) = setup.changes() else {
            prop_assert_eq!(tally.records.opened, 0);
            return Ok(());
        };
        let counted: Vec<u32> = setup
            .workload
            .openings(0)
            .filter(|(at, _)| setup.frame.counts(*at))
            .map(|(_, record)| record)
            .collect();
        prop_assert_eq!(tally.records.opened, counted.len() as u64);
        let mut events = BTreeMap::<u32, Vec<(u32, Time)>>::new();
        setup.workload.events(0).for_each(|e| events.entry(e.record).or_default().push((e.serial, e.occurred_at)));
        let seen = seen(&facts);
        let last = |record: &u32| {
            let of_record = events.get(record).filter(|list| list.len() == changes as usize)?;
            of_record.last().copied()
        };
        let finals: Vec<(u32, Time)> = counted.iter().filter_map(last).collect();
        prop_assert_eq!(tally.records.finals, finals.len() as u64);
        let known: Vec<Span> = finals.iter().filter_map(|(e, at)| Some(seen.get(e)?.since(*at))).collect();
        prop_assert_eq!(tally.records.known, known.len() as u64);
        let sum: u128 = known.iter().map(|span| u128::from(span.as_nanos())).sum();
        prop_assert_eq!(tally.records.time_to_know.sum_nanos(), sum);
        let mut polls = BTreeMap::<u32, u32>::new();
        for (_, fact) in &facts {
            if let Fact::Opened { request: Request::Record { record, .. }, .. } = fact {
                *polls.entry(*record).or_default() += 1;
            }
        }
        let of_counted: Vec<u32> = counted.iter().map(|record| polls.get(record).copied().unwrap_or(0)).collect();
        prop_assert_eq!(tally.records.polls, of_counted.iter().map(|polls| u64::from(*polls)).sum::<u64>());
        prop_assert_eq!(tally.records.polls_max, of_counted.iter().copied().max().unwrap_or(0));
    }

    #[test]
    fn a_record_is_asked_for_once_at_a_time_while_it_is_open_and_not_too_often(setup in any_setup()) {
        let (_, facts) = sim::trace(&setup, 0, 0);
        let opened: BTreeMap<u32, Time> = setup.workload.openings(0).map(|(at, record)| (record, at)).collect();
        let tries = match setup.clients[0].pull.as_ref().map(|pull| pull.target) {
            Some(Target::Record { tries }) => tries,
            _ => None,
        };
        let (mut open, mut stopped) = (BTreeMap::new(), Vec::new());
        let mut polls = BTreeMap::<u32, u32>::new();
        for (at, fact) in &facts {
            match fact {
                Fact::Opened { exchange, request: Request::Record { record, .. }, .. } => {
                    prop_assert!(!open.values().any(|other| other == record), "asked for twice at a time");
                    prop_assert!(!stopped.contains(record), "asked for after it was given up");
                    if setup.workload.lifecycle.is_some() {
                        prop_assert!(opened[record] <= *at);
                    }
                    open.insert(*exchange, *record);
                    *polls.entry(*record).or_default() += 1;
                }
                Fact::Ended { exchange, .. } => {
                    open.remove(exchange);
                }
                Fact::Noted(_, Note::StoppedPolling { record, .. }) => stopped.push(*record),
                _ => {}
            }
        }
        prop_assert!(tries.is_none_or(|tries| polls.values().all(|polls| *polls <= tries)));
    }

    /// Every event that polls alone could bring is by the end seen, or lost with its cause; none is left pending but those of
    /// records that are still asked for.
    #[test]
    fn losses_are_what_a_recount_says(setup in any_setup()) {
        prop_assume!(setup.clients[0].polls_records() && setup.clients[0].push.is_none());
        let (tally, facts) = sim::trace(&setup, 0, 0);
        let seen = seen(&facts);
        let stopped: Vec<u32> = facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Noted(_, Note::StoppedPolling { record, .. }) => Some(*record),
            _ => None,
        }).collect();
        let taken: Vec<u32> = facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Noted(_, Note::Took { event, fresh: true, .. }) => Some(event.serial),
            _ => None,
        }).collect();
        let (mut superseded, mut exhausted, mut pending) = (0, 0, 0);
        let events: Vec<_> = setup.workload.events(0).collect();
        for event in &events {
            if !setup.frame.counts(event.occurred_at) || seen.contains_key(&event.serial) {
                continue;
            }
            let is_superseded =
                events.iter().any(|e| e.record == event.record && e.serial > event.serial && seen.contains_key(&e.serial));
            match (is_superseded, stopped.contains(&event.record)) {
                _ if taken.contains(&event.serial) => pending += 1,
                (true, _) => superseded += 1,
                (false, true) => exhausted += 1,
                (false, false) => pending += 1,
            }
        }
        prop_assert_eq!(tally.lost_by(LossCause::Superseded) + tally.lost_by(LossCause::PollsExhausted), superseded + exhausted);
        prop_assert!(tally.lost_by(LossCause::Superseded) <= superseded);
        prop_assert_eq!(tally.pending, pending);
        prop_assert_eq!(tally.outcomes.duplicate, 0, "an unchanged record is no news, and no duplicate");
    }

    #[test]
    fn the_number_of_threads_changes_nothing(setup in any_setup()) {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            format!("{:?}", pool.install(|| sim::run(&setup, &pushpull::engine::Control::default())))
        };
        prop_assert_eq!(with_threads(1), with_threads(2));
    }
}

fn predicted(setup: &Setup, figure: Figure) -> f64 {
    let prediction = theory::predict(setup, 0).into_iter().find(|prediction| prediction.figure == figure);
    prediction.unwrap_or_else(|| panic!("{figure:?} is not predicted")).value
}

/// Holds a figure of a run against its closed form, and that against a value worked out by hand.
#[track_caller]
fn holds(setup: &Setup, summary: &Summary, figure: Figure, worked: f64, relative_error: f64) {
    let theory = predicted(setup, figure);
    assert!((theory / worked - 1.0).abs() < 1e-5, "{figure:?}: theory {theory}, worked {worked}");
    assert_within(&figure.name(), figure.of(summary).unwrap(), theory, theory * relative_error);
}

/// Cho and Garcia-Molina's freshness and age for a copy that is refreshed at fixed times: F = (1 - e^-r) / r and
/// T (1/2 - 1/r + (1 - e^-r) / r²), whether the feed or the record is polled; and F = (1 - empty) / r in the run itself.
#[test]
fn freshness_and_age_are_those_of_a_copy_refreshed_at_fixed_times() {
    for (rate, every, fresh, age) in [
        (0.01, 60.0, 0.751_980_606, 5.198_061),
        (0.25, 1.0, 0.884_796_87, 0.039_187_5),
        (1.0, 3.0, 0.316_737_644, 0.816_737_6),
    ] {
        for policy in [poll_policy(every), record_policy(every)] {
            let mut base = setup(poisson(rate), 10_000.0 / rate, 0.0, vec![pull(policy)]);
            (base.consumers, base.workload.records) = (4, 1);
            let summary = run(&base).remove(0);
            let intervals: f64 = 4.0 * 10_000.0 / rate / every;
            // Intervals are independent of each other, and their shares and ages vary by less than themselves and an interval.
            let stale = 1.0 - fresh;
            let staleness = (fresh * stale / intervals).sqrt() / stale;
            holds(&base, &summary, Figure::StalenessRatio, stale, staleness);
            let age_error = every * 0.5 / intervals.sqrt() / age;
            let theory = predicted(&base, Figure::StalenessAgeMean) / 1e3;
            assert!((theory - age).abs() < 1e-6, "{theory} {age}");
            assert_within("age", summary.staleness_age_mean_ms.unwrap() / 1e3, age, age * age_error);
            let r = rate * every;
            let identity = (1.0 - summary.empty_ratio().unwrap()) / r;
            assert_within("identity", identity, fresh, 1.5 / intervals.sqrt() / r.min(1.0));
        }
    }
}

/// The same for a copy that is refreshed purely at random: F = 1 / (1 + r), and an age of T r / (1 + r).
#[test]
fn freshness_and_age_are_those_of_a_copy_refreshed_at_random() {
    for (rate, every, fresh, age) in [(0.01, 60.0, 0.625, 22.5), (0.25, 1.0, 0.8, 0.2), (1.0, 3.0, 0.25, 2.25)] {
        let policy = PollPolicy { jitter: Jitter::Exponential, ..poll_policy(every) };
        let mut base = setup(poisson(rate), 10_000.0 / rate, 0.0, vec![pull(policy)]);
        (base.consumers, base.workload.records) = (4, 1);
        let summary = run(&base).remove(0);
        // Gaps G are independent of each other. A gap is out of date for at most G, with E[G²] = 2 T², and its age adds up to
        // at most G² / 2, with E[G⁴] / 4 = 6 T⁴.
        let gaps: f64 = 4.0 * 10_000.0 / rate / every;
        holds(&base, &summary, Figure::StalenessRatio, 1.0 - fresh, (2.0 / gaps).sqrt() / (1.0 - fresh));
        holds(&base, &summary, Figure::StalenessAgeMean, age * 1e3, every * (6.0 / gaps).sqrt() / age);
    }
}

/// Only the newest of each record: of Poisson changes the share 1 - (1 - e^-r) / r is never seen.
#[test]
fn what_a_later_change_took_the_place_of_is_never_seen() {
    for (rate, every, records, missed) in
        [(0.1, 60.0, 1, 0.833_746_45), (0.1, 60.0, 3, 0.567_667_64), (2.0, 0.5, 10, 0.048_374_18)]
    {
        let mut setup = setup(poisson(rate), 20_000.0 / rate, 0.0, vec![pull(record_policy(every))]);
        setup.workload.records = records;
        let summary = run(&setup).remove(0);
        let n = summary.events as f64;
        holds(&setup, &summary, Figure::SupersededRatio, missed, (2.0 * (1.0 - missed) / missed / n).sqrt());
        assert_eq!(summary.pending, 0);
    }
    // A change every 15 s and a poll a minute: three of four are never seen, wherever the polls lie.
    let arrivals = Arrivals::Constant { gap_nanos: 15e9 };
    let mut periodic = setup(arrivals, 60.0 * 1_000.0, 0.0, vec![pull(record_policy(60.0))]);
    periodic.workload.records = 1;
    let summary = run(&periodic).remove(0);
    assert!(summary.lost_by(LossCause::Superseded).abs_diff(3_000) <= 3, "{}", summary.lost_by(LossCause::Superseded));
}

/// The age of information is the time since the newest event, 1/λ, and what it takes to hear of it.
#[test]
fn the_age_of_information_is_a_mean_gap_and_a_mean_latency() {
    let n: f64 = 40_000.0;
    for (rate, every, latency) in [(0.1, 60.0, 0.5), (1.0, 2.0, 0.25)] {
        let policies = [pull(poll_policy(every)), push(push_policy(delays(&[])))];
        for client in policies {
            let is_push = client.push.is_some();
            let mut setup = setup(poisson(rate), n / 4.0 / rate, latency, vec![client]);
            setup.consumers = 4;
            let summary = run(&setup).remove(0);
            let heard = if is_push { latency } else { every / 2.0 + latency };
            holds(&setup, &summary, Figure::AgeMean, (1.0 / rate + heard) * 1e3, 2.0 / n.sqrt());
            if is_push {
                let stale: f64 = 1.0 - libm::exp(-rate * latency);
                holds(&setup, &summary, Figure::StalenessRatio, stale, (2.0 / stale / n).sqrt());
                let age = latency - stale / rate;
                holds(&setup, &summary, Figure::StalenessAgeMean, age * 1e3, (4.0 / stale / n).sqrt());
            }
        }
    }
}

/// M/M/1, first come first served (Kaul, Yates and Gruteser 2012): 1 + 1/ρ + ρ²/(1 - ρ) service times.
#[test]
fn one_worker_ages_what_it_tells_as_theory_says() {
    for (load, age) in [(0.3, 4.461_905), (0.5, 3.5)] {
        let mut webhook = push_policy(delays(&[]));
        webhook.receive.service_time = Distribution::Exponential { mean: secs(1.0) };
        webhook.receive.capacity = Capacity { workers: Some(1), queue: 10_000 };
        webhook.dispatch.timeout = secs(1_000.0);
        let mut setup = setup(poisson(load), 10_000.0 / load, 0.0, vec![push(webhook)]);
        setup.consumers = 8;
        let summary = run(&setup).remove(0);
        // Waits are correlated: at these loads the variance of their mean is less than ten times that of independent ones.
        let error = age * (10.0 / summary.events as f64).sqrt();
        assert_within("age", summary.age_mean_ms.unwrap() / 1e3, age, error);
    }
}

/// Orders that are final some time after they were placed: known half an interval later, after 1 + E(L - d)⁺ / T polls.
#[test]
fn the_time_to_know_and_the_polls_of_a_record_are_as_derived() {
    let lives = [
        (1, constant(600.0), 600.0 - 0.5, 0.0),
        (1, Distribution::Exponential { mean: secs(300.0) }, 300.0 * libm::exp(-0.5 / 300.0), 300.0),
        (3, constant(100.0), 300.0 - 0.5, 0.0),
    ];
    for (changes, time, beyond, spread) in lives {
        let mut setup = setup(poisson(0.5), 40_000.0, 0.5, vec![pull(record_policy(60.0))]);
        // Opened in the first half, so that all become final.
        let openings: Vec<f64> = setup.workload.events(0).map(|e| e.occurred_at.as_nanos() as f64 / 1e9).collect();
        let early: Vec<f64> = openings.into_iter().filter(|at| *at < 30_000.0).collect();
        let n = early.len() as f64;
        setup.workload.arrivals = trace(&early);
        setup.workload = setup.workload.with_lifecycle(Lifecycle { changes, time });
        let summary = run(&setup).remove(0);
        let records = summary.records.clone().unwrap();
        assert_eq!((records.opened, records.finals, records.known), (n as u64, n as u64, n as u64));
        holds(&setup, &summary, Figure::KnowMean, 30_500.0, 60.0 / (12.0 * n).sqrt() / 30.5);
        let polls = 1.0 + beyond / 60.0;
        holds(&setup, &summary, Figure::PollsPerRecord, polls, (0.5 + spread / 60.0) / n.sqrt() / polls);
        assert_eq!(summary.events, n as u64 * u64::from(changes));
    }
}

#[test]
fn back_off_asks_less_often_and_a_limit_ends_it() {
    let with = |change: fn(&mut PollPolicy)| {
        let mut policy = PollPolicy { phase: Phase::Aligned, ..record_policy(10.0) };
        change(&mut policy);
        let mut setup = setup(trace(&[0.0]), 10_000.0, 0.0, vec![pull(policy)]);
        setup.workload = setup.workload.with_lifecycle(Lifecycle { changes: 2, time: constant(1_000.0) });
        let (_, facts) = sim::trace(&setup, 0, 0);
        let polls = facts.iter().filter(|(_, fact)| matches!(fact, Fact::Opened { .. }));
        let polls: Vec<f64> = polls.map(|(at, _)| at.as_nanos() as f64 / 1e9).collect();
        (polls, run(&setup).remove(0))
    };
    let (polls, summary) = with(|policy| policy.strategy = Interval::Backoff { factor: 2.0, max: secs(320.0) });
    // At 10, then 20, 40, 80, 160, 320 and again 320 later; after the first change from the start again.
    let expected = [10.0, 30.0, 70.0, 150.0, 310.0, 630.0, 950.0, 1_270.0, 1_280.0, 1_300.0, 1_340.0, 1_420.0, 1_580.0];
    assert_eq!(polls, [&expected[..], &[1_900.0, 2_220.0]].concat());
    assert_eq!((summary.delivered, summary.lost_total()), (2, 0));
    let (polls, summary) = with(|policy| policy.target = Target::Record { tries: Some(100) });
    assert_eq!(polls.len(), 100, "the hundredth, at 1,000 s, sees the first change and is the last");
    assert_eq!((summary.delivered, summary.lost_by(LossCause::PollsExhausted), summary.pending), (1, 1, 0));
}

#[test]
fn a_webhook_that_tells_the_last_change_ends_the_polls_of_its_record() {
    let mut client = push(push_policy(delays(&[])));
    client.pull = Some(PollPolicy { phase: Phase::Aligned, ..record_policy(60.0) });
    let mut setup = setup(trace(&[0.0]), 10_000.0, 1.0, vec![client]);
    setup.workload = setup.workload.with_lifecycle(Lifecycle { changes: 3, time: constant(100.0) });
    let summary = run(&setup).remove(0);
    // Polls at 60, 120, 180, 240 and 300; the last change is told at 301, just before the last answer.
    assert_eq!((summary.polls, summary.attempts, summary.delivered), (5, 3, 3));
    assert_eq!((summary.outcomes.useful, summary.outcomes.empty, summary.outcomes.duplicate), (3, 5, 0));
}
