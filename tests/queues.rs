//! Waiting in front of workers, at System B's API and at System A's receiver, against queueing theory.
//!
//! Webhooks leave at the instants of a Poisson process, so a receiver meets exactly that; and if thin, so does the API that
//! their events are fetched from. Waits of neighbours depend on each other, so the error of a mean comes from independent
//! replications: four standard errors of the mean over them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::distribution::Distribution;
use pushpull::engine::Setup;
use pushpull::measure::summary::{Figure, Summary};
use pushpull::peer::LossCause;
use pushpull::policy::receiver::FetchPolicy;
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::theory;
use pushpull::theory::queueing::{blocked_share, many_workers_wait, single_worker_wait};
use pushpull::theory::stability::{self, Part};
use pushpull::time::Span;
use rayon::prelude::*;

const REPLICATIONS: u64 = 16;
const LOADS: [f64; 4] = [0.3, 0.5, 0.7, 0.9];
/// Long enough that no answer is ever late.
const PATIENCE: f64 = 1e5;

/// Where the queue is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Api,
    Receiver,
}

/// Webhooks over a network that takes no time, to workers of mean service time 1 s.
fn queue(place: Place, load: f64, capacity: Capacity, service: Distribution) -> Setup {
    let mut webhook = push_policy(RetryPolicy::never());
    webhook.dispatch.timeout = secs(PATIENCE);
    match place {
        Place::Api => webhook.receive.fetch = Some(FetchPolicy { timeout: secs(PATIENCE), tries: 1 }),
        Place::Receiver => {
            webhook.receive.capacity = capacity;
            webhook.receive.service_time = service.clone();
        }
    }
    let rate = load * f64::from(capacity.workers.unwrap());
    // The start from rest is forgotten after some 10 / (1 - load)^2 services.
    let warmup = 20.0 / ((1.0 - load) * (1.0 - load)) + 500.0;
    let measured = if load > 0.8 { 24_000.0 } else { 8_000.0 };
    let mut setup = setup(poisson(rate), warmup + measured, 0.0, vec![push(webhook)]);
    setup.frame.warmup = at(warmup);
    setup.frame.end = setup.frame.duration + secs(PATIENCE);
    if let Place::Api = place {
        setup.api.capacity = capacity;
        setup.api.service_time = service;
    }
    setup
}

/// The mean of a figure over replications, and its standard error.
fn replicate(setup: &Setup, figure: impl Fn(&Summary) -> f64 + Sync) -> (f64, f64) {
    let figures: Vec<f64> = (1..=REPLICATIONS)
        .into_par_iter()
        .map(|seed| figure(&run(&with_seed(setup.clone(), 1_000 + seed)).remove(0)))
        .collect();
    let n = REPLICATIONS as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let variance = figures.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn assert_wait(place: Place, load: f64, workers: u32, service: &Distribution, wait: f64) {
    let capacity = Capacity { workers: Some(workers), queue: 1_000_000 };
    let setup = queue(place, load, capacity, service.clone());
    let (mean, error) = replicate(&setup, |summary| {
        assert_eq!(summary.delivered, summary.events);
        summary.latency_mean_ms.unwrap() / 1e3
    });
    let what = format!("{service:?} at {place:?} with {workers} at load {load}");
    assert_within(&what, mean, wait + service.mean_secs(), error);
    // An error so large that anything would lie within it says nothing.
    assert!(error < 0.12 * (wait + service.mean_secs()), "{what}: {error}");
}

fn one_second() -> [Distribution; 4] {
    let lognormal = Distribution::LogNormal { median: secs(0.7), p99: secs(4.0) };
    let uniform = Distribution::Uniform { min: Span::ZERO, max: secs(2.0) };
    [constant(1.0), Distribution::Exponential { mean: secs(1.0) }, uniform, lognormal]
}

#[test]
fn one_worker_of_the_api_serves_as_pollaczek_and_khinchine_say() {
    for (service, load) in one_second().iter().flat_map(|service| LOADS.map(|load| (service, load))) {
        // The load is the rate times the mean service time, which is not quite a second for the lognormal.
        let wait = single_worker_wait(load, service).unwrap();
        assert_wait(Place::Api, load, 1, service, wait);
    }
}

#[test]
fn one_worker_of_the_receiver_serves_as_pollaczek_and_khinchine_say() {
    for (service, load) in one_second().iter().flat_map(|service| LOADS.map(|load| (service, load))) {
        assert_wait(Place::Receiver, load, 1, service, single_worker_wait(load, service).unwrap());
    }
}

#[test]
fn several_workers_serve_as_erlang_says() {
    let service = Distribution::Exponential { mean: secs(1.0) };
    for (workers, load) in [2, 5].into_iter().flat_map(|workers| LOADS.map(|load| (workers, load))) {
        let wait = many_workers_wait(workers, load * f64::from(workers), 1.0).unwrap();
        for place in [Place::Api, Place::Receiver] {
            assert_wait(place, load, workers, &service, wait);
        }
    }
}

#[test]
fn a_full_queue_turns_away_as_many_as_theory_says() {
    let service = Distribution::Exponential { mean: secs(1.0) };
    for (workers, waiting, load) in [(1, 0, 0.5), (1, 3, 0.7), (2, 2, 0.9), (3, 1, 0.3), (2, 4, 1.5)] {
        let expected = blocked_share(workers, workers + waiting, load * f64::from(workers));
        for place in [Place::Api, Place::Receiver] {
            let mut setup =
                queue(place, load.min(0.9), Capacity { workers: Some(workers), queue: waiting }, service.clone());
            setup.workload.arrivals = poisson(load * f64::from(workers));
            let (share, error) = replicate(&setup, |summary| {
                assert_eq!(summary.lost_by(LossCause::NeverRetried), summary.lost_total());
                summary.lost_total() as f64 / summary.events as f64
            });
            assert_within(&format!("{place:?} {workers} + {waiting} at {load}"), share, expected, error);
        }
    }
}

#[test]
fn what_is_predicted_for_a_receiver_is_what_queueing_theory_says() {
    let exponential = Distribution::Exponential { mean: secs(1.0) };
    let predicted = |workers, load, service: &Distribution| {
        let capacity = Capacity { workers: Some(workers), queue: 1_000 };
        let setup = queue(Place::Receiver, load, capacity, service.clone());
        let mean = theory::predict(&setup, 0).into_iter().find(|prediction| prediction.figure == Figure::LatencyMean);
        mean.map(|prediction| prediction.value / 1e3)
    };
    for (workers, load) in [(1, 0.5), (2, 0.7), (5, 0.7)] {
        let wait = many_workers_wait(workers, load * f64::from(workers), 1.0).unwrap();
        assert!((predicted(workers, load, &exponential).unwrap() - 1.0 - wait).abs() < 1e-9);
    }
    assert_eq!(predicted(2, 0.7, &constant(1.0)), None, "no closed form for several workers with constant service");
    assert_eq!(predicted(2, 0.9, &exponential), None, "so near to capacity a run says little");
}

#[test]
fn a_crowd_of_pollers_slows_the_fetches_that_share_its_workers() {
    // One worker, 50 ms a request. Every consumer polls once in ten seconds, and fetches an event in a hundred.
    let mut hybrid = pull(poll_policy(10.0));
    let mut webhook = push_policy(RetryPolicy::never());
    webhook.receive.fetch = Some(FetchPolicy { timeout: secs(10.0), tries: 1 });
    hybrid.push = Some(webhook.clone());
    let mut setup = setup(poisson(0.01), 2_000.0, 0.02, vec![hybrid, push(webhook)]);
    setup.api.capacity = Capacity { workers: Some(1), queue: 10_000 };
    setup.api.service_time = constant(0.05);
    setup.consumers = 180;
    assert!(setup.clients.iter().all(|client| setup.is_coupled(client)));
    // Eighteen polls and two fetches a second are all that the worker can do; two fetches alone are a tenth of it.
    let [crowd, alone] = run(&setup).try_into().unwrap();
    // Each client has a System B of its own: who only fetches does not meet the other client's polls.
    assert!(alone.latency_p99_ms.unwrap() < 250.0, "{:?}", alone.latency_p99_ms);
    assert!(alone.latency_p50_ms.unwrap() < 120.0);
    assert!(crowd.latency_p50_ms.unwrap() > 2.0 * alone.latency_p50_ms.unwrap(), "{:?}", crowd.latency_p50_ms);
    let overloaded = |consumers| {
        let setup = Setup { consumers, ..setup.clone() };
        stability::overloads(&setup).into_iter().map(|overload| (overload.client, overload.part)).collect::<Vec<_>>()
    };
    assert_eq!(overloaded(150), []);
    assert_eq!(overloaded(200), [(0, Part::ApiWorkers)]);
}

#[test]
fn a_queue_of_the_api_is_shared_by_all_consumers_and_has_an_end() {
    // Fifty pollers at the same instant, two workers, ten places to wait.
    let mut poll = poll_policy(60.0);
    poll.phase = pushpull::policy::poller::Phase::Aligned;
    let mut setup = setup(poisson(0.001), 59.0, 0.02, vec![pull(poll)]);
    setup.consumers = 50;
    setup.api.capacity = Capacity { workers: Some(2), queue: 10 };
    setup.api.service_time = constant(0.1);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.polls, summary.outcomes.failed, summary.provider.queue_max), (50, 38, 10));
}
