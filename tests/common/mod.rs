//! Setups for tests, built by hand: one poller and one webhook client over a network without surprises.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod random_dispatch;

use pushpull::distribution::Distribution;
use pushpull::engine::{ClientRun, ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::Faults;
use pushpull::link::{Leg, Link};
use pushpull::measure::summary::Summary;
use pushpull::measure::tally::Frame;
use pushpull::policy::dispatcher::DispatchPolicy;
use pushpull::policy::poller::PollPolicy;
use pushpull::policy::provider::ApiPolicy;
use pushpull::policy::receiver::ReceivePolicy;
use pushpull::policy::retry::{RetryJitter, RetryPolicy};
use pushpull::policy::signature::Scheme;
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::time::{Span, Time};
use pushpull::wire::Envelope;
use pushpull::workload::{Arrivals, Workload};

pub(crate) fn secs(seconds: f64) -> Span {
    Span::from_secs_f64(seconds)
}

pub(crate) fn constant(seconds: f64) -> Distribution {
    Distribution::Constant(secs(seconds))
}

pub(crate) fn at(seconds: f64) -> Time {
    Time::ZERO + secs(seconds)
}

pub(crate) fn poisson(rate: f64) -> Arrivals {
    Arrivals::Poisson { gap_nanos: 1e9 / rate }
}

/// Events at these instants, in seconds.
pub(crate) fn trace(instants: &[f64]) -> Arrivals {
    Arrivals::Trace(instants.iter().map(|&s| at(s)).collect())
}

/// A network that takes `latency` seconds one way and loses nothing; no warm-up; a drain of an hour.
pub(crate) fn setup(arrivals: Arrivals, duration: f64, latency: f64, clients: Vec<ClientSetup>) -> Setup {
    let seed = Seed::new(7);
    let leg = Leg::new(constant(latency), 0.0);
    let duration = at(duration);
    Setup {
        seed,
        frame: Frame::new(Time::ZERO, duration, duration + secs(3_600.0)),
        consumers: 1,
        workload: Workload::new(seed, arrivals, 100, 1_024, duration),
        link: Link::new(seed, leg.clone(), leg),
        api: ApiPolicy::new(Capacity::UNLIMITED, Distribution::ZERO, 100),
        clients,
    }
}

pub(crate) fn with_seed(mut setup: Setup, seed: u64) -> Setup {
    setup.seed = Seed::new(seed);
    setup.workload.seed = setup.seed;
    setup.link.seed = setup.seed;
    setup
}

pub(crate) fn with_loss(mut setup: Setup, request: f64, response: f64) -> Setup {
    setup.link.request.loss = request;
    setup.link.response.loss = response;
    setup
}

pub(crate) fn poll_policy(every: f64) -> PollPolicy {
    PollPolicy::new(secs(every), secs(every.min(10.0)), 100)
}

pub(crate) fn pull(policy: PollPolicy) -> ClientSetup {
    ClientSetup { name: "poll".into(), pull: Some(policy), push: None, faults: Faults::default() }
}

/// Webhooks to a receiver that takes as many at once as come, and handles each in no time.
pub(crate) fn push_policy(retry: RetryPolicy) -> PushSetup {
    PushSetup {
        dispatch: DispatchPolicy::new(secs(10.0), retry),
        receive: ReceivePolicy::new(Capacity::UNLIMITED, Distribution::ZERO),
        scheme: Scheme::StandardWebhooks,
        envelope: Envelope::PLAIN,
    }
}

pub(crate) fn push(push: PushSetup) -> ClientSetup {
    ClientSetup { name: "webhook".into(), pull: None, push: Some(push), faults: Faults::default() }
}

pub(crate) fn delays(seconds: &[f64]) -> RetryPolicy {
    RetryPolicy::new(seconds.iter().map(|&s| secs(s)).collect(), RetryJitter::None)
}

/// Runs a setup in virtual time, checks the identities, and sums up each client.
pub(crate) fn run(setup: &Setup) -> Vec<Summary> {
    summaries(setup, sim::run(setup, &Control::default()))
}

pub(crate) fn summaries(setup: &Setup, runs: Vec<ClientRun>) -> Vec<Summary> {
    pushpull::evaluation::summarise(setup, runs).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Asserts that a value lies within four standard errors of the truth.
#[track_caller]
pub(crate) fn assert_within(what: &str, observed: f64, expected: f64, standard_error: f64) {
    let z = (observed - expected) / standard_error;
    assert!(z.abs() <= 4.0, "{what}: observed {observed}, expected {expected} ± {standard_error} (z = {z:.2})");
}
