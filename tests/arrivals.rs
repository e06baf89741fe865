//! Arrivals whose rate changes with time, and events in batches, against the integrals and the closed forms.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the expected values are worked out here, not simulated")]

mod common;

use common::*;
use proptest::prelude::*;
use pushpull::measure::summary::Figure;
use pushpull::seed::Seed;
use pushpull::theory;
use pushpull::time::{Span, Time};
use pushpull::workload::{Arrivals, BatchSize, RatePhase, SizeDistribution, Workload};

fn phase(seconds: u64, from: f64, to: f64) -> RatePhase {
    RatePhase { length: Span::from_secs(seconds), from, to }
}

fn daily(rate: f64, trough: f64) -> Arrivals {
    Arrivals::Daily { gap_nanos: 1e9 / rate, peak_at: Span::from_secs(14 * 3_600), trough }
}

fn workload(arrivals: Arrivals, seconds: f64) -> Workload {
    Workload::new(Seed::new(11), arrivals, 100, 0, at(seconds))
}

/// Holds the counts of many consumers in each of so many windows against the expected ones, by themselves and together.
#[track_caller]
fn assert_counts(workload: &Workload, consumers: u32, windows: usize, expected: impl Fn(f64, f64) -> f64) {
    let width = workload.until.as_nanos() as f64 / 1e9 / windows as f64;
    let mut counts = vec![0.0; windows];
    for consumer in 0..consumers {
        for event in workload.events(consumer) {
            counts[(event.occurred_at.as_nanos() as f64 / 1e9 / width) as usize] += 1.0;
        }
    }
    let mut chi_squared = 0.0;
    let mut busy = 0.0;
    for (index, count) in counts.into_iter().enumerate() {
        let from = index as f64 * width;
        let mean = expected(from, from + width) * f64::from(consumers);
        if mean < 1e-9 {
            assert_eq!(count, 0.0, "window {index}");
            continue;
        }
        assert_within(&format!("window {index}"), count, mean, mean.sqrt());
        let claimed = workload.expected_before(at(from + width)) - workload.expected_before(at(from));
        assert!((claimed * f64::from(consumers) / mean - 1.0).abs() < 1e-6, "window {index}: {claimed}");
        chi_squared += (count - mean) * (count - mean) / mean;
        busy += 1.0;
    }
    // The mean of chi squared is the number of windows, its variance twice that.
    assert_within("chi squared", chi_squared, busy, (2.0 * busy).sqrt());
}

#[test]
fn the_rhythm_of_a_day_follows_its_raised_cosine() {
    for trough in [0.0, 0.1, 0.6, 1.0] {
        let (rate, day) = (0.01, 86_400.0);
        let swing = (1.0 - trough) / (1.0 + trough);
        let angle = |t: f64| (t - 14.0 * 3_600.0) / day * std::f64::consts::TAU;
        let integral =
            |a: f64, b: f64| rate * (b - a + swing * day / std::f64::consts::TAU * (angle(b).sin() - angle(a).sin()));
        assert_counts(&workload(daily(rate, trough), 1.5 * day), 100, 72, integral);
    }
}

#[test]
fn phases_follow_their_steps_and_ramps_and_then_nothing_happens() {
    let phases = [phase(600, 0.2, 0.2), phase(300, 0.2, 2.0), phase(300, 0.0, 0.0), phase(600, 1.0, 0.0)];
    let rate = |t: f64| match t {
        t if t < 600.0 => 0.2,
        t if t < 900.0 => 0.2 + 1.8 * (t - 600.0) / 300.0,
        t if t < 1_200.0 => 0.0,
        t if t < 1_800.0 => 1.0 - (t - 1_200.0) / 600.0,
        _ => 0.0,
    };
    // Windows of a minute lie within one phase each, so their middle has their mean rate.
    let once = Arrivals::Phases { phases: phases.into(), repeat: false };
    assert_counts(&workload(once, 3_600.0), 200, 60, |a, b| (b - a) * rate((a + b) / 2.0));
    let again = Arrivals::Phases { phases: phases.into(), repeat: true };
    assert_counts(&workload(again, 5_400.0), 200, 90, |a, b| (b - a) * rate((a + b) / 2.0 % 1_800.0));
}

#[test]
fn rare_events_in_short_phases_cost_no_more_than_there_are_of_them() {
    // Ten years of phases of a millisecond: 3 x 10^11 of them, and one event a day.
    let short = |rate| RatePhase { length: Span::from_millis(1), from: rate, to: rate };
    let arrivals = Arrivals::Phases { phases: [short(2.0 / 86_400.0), short(0.0)].into(), repeat: true };
    let days = 3_650.0;
    let count = workload(arrivals, days * 86_400.0).events(0).count() as f64;
    assert_within("events", count, days, days.sqrt());
}

#[test]
fn batches_come_at_one_instant_and_keep_the_rate_of_events() {
    for batch in [BatchSize::Constant(4), BatchSize::Geometric { mean: 3.0 }, BatchSize::pareto(5.0, 2.5, 1_000)] {
        // Batches at 1/s, so events at the mean of a batch.
        let mut workload = workload(poisson(1.0), 100.0);
        workload.batch = batch;
        let counts: Vec<f64> = (0..2_000).map(|consumer| workload.events(consumer).count() as f64).collect();
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let deviation = (counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        assert_within(&format!("{batch:?}"), mean, 100.0 * batch.mean(), deviation / n.sqrt());
        assert!((workload.expected_before(workload.until) - 100.0 * batch.mean()).abs() < 1e-9);
        let mut instants: Vec<Time> = workload.events(0).map(|event| event.occurred_at).collect();
        let events = instants.len();
        instants.dedup();
        assert!(instants.len() < events, "{batch:?}: some events share an instant");
    }
}

#[test]
fn clusters_leave_polls_empty_as_often_as_there_is_none_of_them() {
    // Events, mean size and interval with e^(-λT/m); the latency stays that of single events.
    for (rate, mean, every, empty) in [(0.1, 5.0, 60.0, 0.301_194), (0.01, 10.0, 60.0, 0.941_765)] {
        let mut policy = poll_policy(every);
        policy.page = 10_000;
        let batches_per_sec: f64 = rate / mean;
        let mut setup = setup(poisson(batches_per_sec), 20_000.0 / batches_per_sec / 20.0, 0.0, vec![pull(policy)]);
        setup.consumers = 20;
        setup.api.page = 10_000;
        setup.workload.batch = BatchSize::Geometric { mean };
        let summary = run(&setup).remove(0);
        let polls = summary.polls as f64;
        // As with single events: the first window of each consumer is shorter than the others.
        let error = (empty * (1.0 - empty) / polls).sqrt() + 5.0 / polls;
        assert_within("empty", summary.empty_ratio().unwrap(), empty, error);
        let predicted = |figure| theory::predict(&setup, 0).into_iter().find(|found| found.figure == figure);
        assert!((predicted(Figure::EmptyRatio).unwrap().value - empty).abs() < 1e-6);
        // All events of a batch are as late, so that only batches count.
        let batches = summary.latency_n as f64 / mean / 2.0;
        let latency = summary.latency_mean_ms.unwrap() / 1e3;
        assert_within("latency", latency, every / 2.0, every / (12.0 * batches).sqrt());
        assert!((predicted(Figure::LatencyMean).unwrap().value / 1e3 - every / 2.0).abs() < 1e-9);
    }
}

#[test]
fn the_night_leaves_more_polls_empty() {
    // A mean count of 1 between two polls that swings by 0.8: e^-1 I0(0.8), where a steady rate leaves e^-1.
    let every = 600.0;
    let mut setup = setup(daily(1.0 / every, 1.0 / 9.0), 10.0 * 86_400.0, 0.0, vec![pull(poll_policy(every))]);
    setup.consumers = 50;
    let summary = run(&setup).remove(0);
    let polls = summary.polls as f64;
    let empty = 0.429_137;
    let error = (empty * (1.0 - empty) / polls).sqrt() + 50.0 / polls / 4.0;
    assert_within("empty", summary.empty_ratio().unwrap(), empty, error);
    let predicted = theory::predict(&setup, 0).into_iter().find(|found| found.figure == Figure::EmptyRatio);
    assert!((predicted.unwrap().value - empty).abs() < 2e-4);
}

#[test]
fn payloads_of_any_size_reach_the_events() {
    let mut workload = workload(poisson(10.0), 5_000.0);
    workload.payload = SizeDistribution::Uniform { min: 1_000, max: 4_000 };
    let sizes: Vec<f64> = workload.events(0).map(|event| f64::from(event.payload)).collect();
    let n = sizes.len() as f64;
    assert_within("mean", sizes.iter().sum::<f64>() / n, 2_500.0, 3_000.0 / (12.0 * n).sqrt());
    assert!(sizes.iter().all(|size| (1_000.0..=4_000.0).contains(size)));
}

fn any_arrivals() -> impl Strategy<Value = Arrivals> {
    let phases = prop::collection::vec((1u64..2_000_000_000_000, 0.0..2.0f64, 0.0..2.0f64), 1..5);
    prop_oneof![
        (1e8..1e12f64, 0u64..86_400, 0.0..=1.0f64).prop_map(|(gap_nanos, peak, trough)| Arrivals::Daily {
            gap_nanos,
            peak_at: Span::from_secs(peak),
            trough
        }),
        (phases, any::<bool>()).prop_map(|(phases, repeat)| Arrivals::Phases {
            phases: phases
                .into_iter()
                .map(|(nanos, from, to)| RatePhase { length: Span::from_nanos(nanos), from, to })
                .collect(),
            repeat
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn instants_are_in_order_and_end_with_the_workload_however_long_it_is(
        arrivals in any_arrivals(),
        consumer in 0u32..1_000,
        seconds in 1.0..5_000.0f64,
    ) {
        let (short, long) = (workload(arrivals.clone(), seconds), workload(arrivals, 2.0 * seconds));
        let instants: Vec<_> = short.instants(consumer).collect();
        prop_assert!(instants.is_sorted());
        prop_assert!(instants.iter().all(|instant| *instant < short.until));
        // A longer run has the same beginning.
        let same: Vec<_> = long.instants(consumer).take_while(|instant| *instant < short.until).collect();
        prop_assert_eq!(instants, same);
    }
}
