//! The reference model: what it is, what the engine is given to play it, and what theory says of it.
//!
//! Each subscriber has events at a rate of 0.1/s. A poller asks every 10 s from a random phase on; a message takes 20 ms
//! each way. A webhook leaves at the event's instant and fails with probability 0.01, which its sender knows after 40 ms;
//! then it is tried again after 1, 2, 4 and 8 s. A transition is an event, a poll or an attempt: an event counts once, though
//! the engine plays it for the poller and for the webhooks.

use pushpull::distribution::Distribution;
use pushpull::engine::{ClientRun, Control, Setup, sim};
use pushpull::measure::tally::Tally;
use pushpull::policy::workers::Capacity;
use pushpull::time::Span;

use super::common::{delays, poisson, poll_policy, pull, push, push_policy, setup};

/// The mean gap between events, in nanoseconds.
pub(crate) const GAP: u64 = 10_000_000_000;
/// The interval between polls, in nanoseconds.
pub(crate) const EVERY: u64 = 10_000_000_000;
/// The time one way, in nanoseconds.
pub(crate) const LATENCY: u64 = 20_000_000;
/// The probability with which an attempt fails.
pub(crate) const FAILS: f64 = 0.01;
/// Attempts at most.
pub(crate) const ATTEMPTS_MAX: u32 = 5;

/// What a run adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) polls: u64,
    pub(crate) empty: u64,
    pub(crate) events: u64,
    pub(crate) attempts: u64,
    pub(crate) lost: u64,
    pub(crate) pulled: u64,
    pub(crate) pushed: u64,
    /// Sums of latencies in nanoseconds.
    pub(crate) pull_sum: u128,
    pub(crate) push_sum: u128,
}

impl Totals {
    /// Polls, events and attempts.
    pub(crate) const fn transitions(&self) -> u64 {
        self.polls + self.events + self.attempts
    }

    /// Checks the totals of a run of so many subscribers and seconds.
    ///
    /// # Panics
    ///
    /// Where a figure lies more than 4.5 standard errors from theory, or anything is not accounted for.
    #[allow(clippy::disallowed_methods, reason = "the expected values are worked out here, not simulated")]
    pub(crate) fn check(&self, subscribers: u32, seconds: f64) {
        assert_eq!(self.pulled, self.events, "every event is polled in the end");
        assert_eq!(self.pushed + self.lost, self.events, "every event is delivered or lost");
        let (events, polls, attempts) = (self.events as f64, self.polls as f64, self.attempts as f64);
        let within = |what: &str, observed: f64, expected: f64, error: f64| {
            let z = (observed - expected) / error;
            assert!(z.abs() < 4.5, "{what}: observed {observed}, expected {expected} (z = {z:.2})");
        };
        let (every, latency) = (EVERY as f64 / 1e9, LATENCY as f64 / 1e9);
        let expected = f64::from(subscribers) * seconds * 1e9 / GAP as f64;
        within("events", events, expected, expected.sqrt());
        let mean = self.pull_sum as f64 / self.pulled as f64 / 1e9;
        within("mean age at the poll", mean, every / 2.0 + latency, every / (12.0 * events).sqrt());
        let p = FAILS;
        let tries = (1.0 - p.powi(5)) / (1.0 - p);
        within("attempts per event", attempts / events, tries, (p / events).sqrt());
        let share = |k: i32| p.powi(k - 1) * (1.0 - p) / (1.0 - p.powi(5));
        let delay = |k: i32| latency + f64::from(k - 1) * 2.0 * latency + 2f64.powi(k - 1) - 1.0;
        let mean: f64 = (1..=5).map(|k| share(k) * delay(k)).sum();
        let square: f64 = (1..=5).map(|k| share(k) * delay(k) * delay(k)).sum();
        let observed = self.push_sum as f64 / self.pushed as f64 / 1e9;
        within("mean age at the webhook", observed, mean, ((square - mean * mean) / events).sqrt());
        // The first window of a subscriber is as long as its phase and the way, those after it one interval.
        let (r, a) = (every * 1e9 / GAP as f64, latency * 1e9 / GAP as f64);
        let (first, later) = ((-a).exp() * (1.0 - (-r).exp()) / r, (-r).exp());
        let rounds = polls / f64::from(subscribers);
        let empty = ((rounds - 1.0) * later + first) / rounds;
        within("empty polls", self.empty as f64 / polls, empty, (empty * (1.0 - empty) / polls).sqrt());
    }
}

/// One side of the model as the engine is given it, for so many subscribers and seconds.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) pull: Setup,
    pub(crate) push: Setup,
}

impl Model {
    /// Subscribers that share nothing.
    pub(crate) fn new(subscribers: u32, seconds: f64) -> Self {
        let way = LATENCY as f64 / 1e9;
        let arrivals = || poisson(1e9 / GAP as f64);
        let mut poller = setup(arrivals(), seconds, way, vec![pull(poll_policy(EVERY as f64 / 1e9))]);
        let mut webhook = push_policy(delays(&[1.0, 2.0, 4.0, 8.0]));
        // The sender of a request that was lost knows it after the time that an answer would have taken.
        webhook.dispatch.timeout = Span::from_nanos(2 * LATENCY);
        let mut webhook = setup(arrivals(), seconds, way, vec![push(webhook)]);
        webhook.link.request.loss = FAILS;
        for setup in [&mut poller, &mut webhook] {
            setup.consumers = subscribers;
            setup.workload.records = 1;
        }
        Self { pull: poller, push: webhook }
    }

    /// Subscribers that share one provider: its API has so many workers, and so many webhooks may be under way at once.
    pub(crate) fn coupled(subscribers: u32, seconds: f64, [workers, webhooks]: [u32; 2], service: Span) -> Self {
        let mut model = Self::new(subscribers, seconds);
        model.pull.api.capacity = Capacity { workers: Some(workers), queue: 1 << 20 };
        model.pull.api.service_time = Distribution::Constant(service);
        for push in model.push.clients.iter_mut().filter_map(|client| client.push.as_mut()) {
            push.dispatch.concurrency = Some(webhooks);
        }
        assert!(model.pull.is_coupled(&model.pull.clients[0]) && model.push.is_coupled(&model.push.clients[0]));
        model
    }

    /// Has the engine play it.
    pub(crate) fn play(&self) -> [Tally; 2] {
        [&self.pull, &self.push].map(|setup| {
            let mut runs: Vec<ClientRun> = sim::run(setup, &Control::default());
            runs.remove(0).tally
        })
    }
}

/// What two tallies add up to.
pub(crate) fn totals([pull, push]: &[Tally; 2]) -> Totals {
    Totals {
        polls: pull.polls,
        empty: pull.outcomes.empty,
        events: pull.events,
        attempts: push.attempts,
        lost: push.lost(),
        pulled: pull.delivered,
        pushed: push.delivered,
        pull_sum: pull.latencies.sum_nanos(),
        push_sum: push.latencies.sum_nanos(),
    }
}
