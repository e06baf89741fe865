//! Confidence intervals hold the truth as often as they say: a thousand experiments of ten replications each, against closed
//! forms that are exact for runs of this length too.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the expected values are worked out here, not simulated")]

mod common;

use common::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{Control, Setup, sim};
use pushpull::evaluation::engine_report;
use pushpull::evaluation::estimate::estimate;
use pushpull::evaluation::outcome::Outcome;
use pushpull::evaluation::paired::paired;
use pushpull::report::{Identity, Report};
use pushpull::seed::{Seed, replicated};
use rayon::prelude::*;

const EXPERIMENTS: u64 = 1_000;
const REPLICATIONS: u32 = 10;

/// Events a second.
const RATE: f64 = 0.2;
/// So few that a run has three on average, and one in twenty has none.
const RARE: f64 = 3.0 / LENGTH;
/// Seconds from one poll to the next.
const EVERY: f64 = 10.0;
/// Seconds that events happen: a whole number of intervals, so that events are spread evenly over one whatever its phase.
const LENGTH: f64 = 400.0;
/// Seconds that a message travels.
const TRANSIT: f64 = 0.05;
/// Mean seconds that the handler of webhooks takes.
const HANDLING: f64 = 0.5;

fn scenario(rate: f64) -> Setup {
    let mut webhooks = push_policy(delays(&[]));
    webhooks.receive.service_time = Distribution::Exponential { mean: secs(HANDLING) };
    let clients = vec![pull(poll_policy(EVERY)), push(webhooks)];
    let mut setup = setup(poisson(rate), LENGTH, TRANSIT, clients);
    // Nobody looks at the course of these runs, which would take most of the time.
    setup.frame = setup.frame.with_buckets(4);
    setup
}

fn outcome(mut setup: Setup, seed: u64) -> Outcome {
    setup.reseed(Seed::new(seed));
    let engine = engine_report("sim", &setup, sim::run(&setup, &Control::default()), None).unwrap();
    let scenario = Identity {
        name: "coverage".into(),
        title: String::new(),
        sha256: String::new(),
        seed,
        consumers: 1,
        has_forgeries: false,
        prices: None,
        resolved: serde_json::Value::Null,
        text: String::new(),
    };
    Outcome::of(&Report {
        scenario,
        engines: vec![engine],
        agreements: Vec::new(),
        judgements: Vec::new(),
        partial: false,
    })
}

/// A figure, its true value, and its interval in an experiment.
type Claim = (&'static str, f64, (f64, f64));

fn interval(outcomes: &[Outcome], client: &str, column: &str) -> (f64, f64) {
    estimate(outcomes, "sim", client, column).unwrap().interval().unwrap()
}

fn figures(outcomes: &[Outcome]) -> Vec<Claim> {
    let polls = LENGTH / EVERY;
    let per_interval = RATE * EVERY;
    // Before the first poll is sampled there is less than an interval: uniform in it, and the transit on top.
    let first = (-RATE * TRANSIT).exp() * (1.0 - (-per_interval).exp()) / per_interval;
    let empty = ((polls - 1.0) * (-per_interval).exp() + first) / polls;
    let polled = (EVERY / 2.0 + TRANSIT) * 1e3;
    let told = (HANDLING + TRANSIT) * 1e3;
    let difference = paired(outcomes, "sim", ["poll", "webhook"], "latency_mean_ms").unwrap().difference;
    vec![
        ("mean latency of polls", polled, interval(outcomes, "poll", "latency_mean_ms")),
        ("mean latency of webhooks", told, interval(outcomes, "webhook", "latency_mean_ms")),
        // All polls divided by all events, whatever a single run has.
        ("polls per event", 1.0 / per_interval, interval(outcomes, "poll", "requests_per_event")),
        ("share of empty polls", empty, interval(outcomes, "poll", "wasted_ratio")),
        ("difference of mean latencies", told - polled, difference.interval().unwrap()),
    ]
}

/// The same where many runs have hardly anything to divide by, or nothing: the mean of their quotients is another number.
fn rare_figures(outcomes: &[Outcome]) -> Vec<Claim> {
    let per_event = 1.0 / (RARE * EVERY);
    let of = |column| paired(outcomes, "sim", ["webhook", "poll"], column).unwrap();
    let requests = of("requests_per_event");
    vec![
        ("polls per rare event", per_event, interval(outcomes, "poll", "requests_per_event")),
        ("difference of requests per rare event", per_event - 1.0, requests.difference.interval().unwrap()),
        ("ratio of requests per rare event", per_event, requests.ratio.unwrap().interval().unwrap()),
        (
            "mean latency of polls for rare events",
            (EVERY / 2.0 + TRANSIT) * 1e3,
            interval(outcomes, "poll", "latency_mean_ms"),
        ),
    ]
}

/// Holds the intervals of many experiments against the truth.
fn hold(setup: &Setup, figures: fn(&[Outcome]) -> Vec<Claim>) {
    let covered = |experiment: u64| -> Vec<_> {
        let outcomes: Vec<_> = (0..REPLICATIONS)
            .map(|replication| outcome(setup.clone(), replicated(experiment + 1, replication)))
            .collect();
        let covers = |(name, truth, (low, high)): Claim| (name, u32::from((low..=high).contains(&truth)));
        figures(&outcomes).into_iter().map(covers).collect()
    };
    let all: Vec<_> = (0..EXPERIMENTS).into_par_iter().map(covered).collect();
    for (index, (name, _)) in all[0].iter().enumerate() {
        let count: u32 = all.iter().map(|figures| figures[index].1).sum();
        println!("{name}: {count} of {EXPERIMENTS}");
        // The standard error of a share of 95 % in 1,000 experiments is 0.69 %: these are 2.9 of them.
        assert!((930..=970).contains(&count), "the interval of the {name} holds the truth in {count} of {EXPERIMENTS}");
    }
}

#[test]
fn intervals_of_replications_hold_the_true_mean_as_often_as_they_say() {
    hold(&scenario(RATE), figures);
}

#[test]
fn so_they_do_where_events_are_rare() {
    hold(&scenario(RARE), rare_figures);
}

#[test]
fn all_requests_are_divided_by_all_events_also_where_runs_have_none() {
    let setup = scenario(RARE);
    let run = |replication| outcome(setup.clone(), replicated(11, replication));
    let outcomes: Vec<_> = (0..500).into_par_iter().map(run).collect();
    let sum = |client, column| -> f64 {
        outcomes.iter().map(|outcome| outcome.row(Some("sim"), client).unwrap().value(column).unwrap()).sum()
    };
    assert!(outcomes.iter().filter(|outcome| outcome.rows[0].value("requests_per_event").is_none()).count() > 10);
    let per_event = estimate(&outcomes, "sim", "poll", "requests_per_event").unwrap();
    assert!((per_event.mean / (sum("poll", "requests") / sum("poll", "events")) - 1.0).abs() < 1e-12);
    assert_eq!(per_event.n, 500, "those without events have polls");
    // The standard error of 1,500 events is 2.6 %; the mean of the quotients would be a third too much.
    let truth = 1.0 / (RARE * EVERY);
    assert!((per_event.mean / truth - 1.0).abs() < 4.0 / 1_500f64.sqrt(), "{} for {truth}", per_event.mean);
    let wasted = estimate(&outcomes, "sim", "poll", "wasted_ratio").unwrap().mean;
    assert!((wasted / (sum("poll", "wasted") / sum("poll", "requests")) - 1.0).abs() < 1e-12);
}

#[test]
fn pairs_are_worth_more_than_two_separate_samples() {
    // Polls every 10 s and every 5 s: the events that both meet are the same, and so is what is left to chance.
    let mut twice = poll_policy(EVERY / 2.0);
    twice.phase = pushpull::policy::poller::Phase::Aligned;
    let mut often = pull(twice);
    "webhook".clone_into(&mut often.name);
    let mut once = poll_policy(EVERY);
    once.phase = pushpull::policy::poller::Phase::Aligned;
    let setup = Setup { clients: vec![pull(once), often], ..scenario(RATE) };
    let outcomes: Vec<_> = (0..200).map(|replication| outcome(setup.clone(), replicated(5, replication))).collect();
    let variance = |client| {
        let estimate = estimate(&outcomes, "sim", client, "latency_mean_ms").unwrap();
        estimate.standard_deviation.unwrap().powi(2)
    };
    let paired = paired(&outcomes, "sim", ["poll", "webhook"], "latency_mean_ms").unwrap();
    let together = paired.difference.standard_deviation.unwrap().powi(2);
    let apart = variance("poll") + variance("webhook");
    // The variance of the difference is 3/5 of that of independent samples, for any interval and half of it. With 200 pairs a
    // ratio of variances is known to about a tenth.
    assert!((together / apart - 0.6).abs() < 0.15, "{together} / {apart}");
}
