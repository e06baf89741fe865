//! Setups that cannot keep up: their queues grow for as long as they run, so their means say how long the run was.

use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::measure::summary::Summary;
use crate::policy::dispatcher::Order;
use crate::policy::receiver::{Acknowledge, Dedupe};
use crate::theory::{event_rate, exchange_loss, limits, push};

/// A part of a client that cannot keep up.
#[derive(Clone, Debug, PartialEq)]
pub struct Overload {
    /// The position of the client.
    pub client: usize,
    /// Which part.
    pub part: Part,
    /// What comes in, as a multiple of what it can take; or the share of its time in which it was busy, if `observed`.
    pub load: f64,
    /// It was found by running only: nothing that was known before would have told.
    pub observed: bool,
}

/// The parts that can be too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The workers of the receiver.
    ReceiverWorkers,
    /// The workers of System B's API.
    ApiWorkers,
    /// The requests that the API lets in from one consumer in a time.
    ApiRateLimit,
    /// The requests that the API lets in from all consumers together in a time.
    ApiAccountLimit,
    /// The requests that the API lets in from one consumer in a window.
    ApiQuota,
    /// The attempts that the dispatcher may have under way.
    DispatchConcurrency,
    /// The attempts that the provider lets through to one endpoint in a time.
    RateLimit,
    /// The webhooks that go to one endpoint one after the other.
    OneAtATime,
    /// The pages that a poller can fetch one after the other.
    Pages,
}

impl Part {
    /// What it is called, and what would help.
    pub const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::ReceiverWorkers => ("the receiver's work", "more `receiver.workers` or a shorter `service_time`"),
            Self::ApiWorkers => (
                "the API's work",
                "more `provider.api.workers`, or fewer requests: a longer `every`, whole events in webhooks",
            ),
            Self::ApiRateLimit => (
                "asking within the API's rate limit",
                "a higher `provider.api.rate_limit`, or fewer requests: a longer `every`, whole events in webhooks",
            ),
            Self::ApiAccountLimit => (
                "asking within the account's rate limit",
                "a higher `provider.api.account_rate_limit`, or fewer requests: a longer `every`, whole events in webhooks",
            ),
            Self::ApiQuota => (
                "asking within the API's quota",
                "a larger `provider.api.quota`, or fewer requests: a longer `every`, whole events in webhooks",
            ),
            Self::DispatchConcurrency => ("sending the webhooks", "a higher `provider.dispatch.concurrency`"),
            Self::RateLimit => ("sending within the rate limit", "a higher `push.rate_limit`, or batches"),
            Self::OneAtATime => ("sending one webhook after the other", "order = \"none\", or batches"),
            Self::Pages => ("fetching page after page", "a larger `provider.api.page`"),
        }
    }
}

/// From this share of busy time on, workers had no rest: what came in, retries included, was too much for them.
const BUSY_ALL_THE_TIME: f64 = 0.98;

/// The parts of a client that turned out not to keep up, whatever was to be expected: retries can multiply what comes in.
pub fn observed(client: usize, summary: &Summary) -> Vec<Overload> {
    let parts = [(Part::ReceiverWorkers, summary.consumer.busy_ratio), (Part::ApiWorkers, summary.provider.busy_ratio)];
    let of_part = |(part, busy): (Part, Option<f64>)| {
        // A client in which something was lost or is pending lies behind; one that was busy and got through does not.
        let behind = summary.delivered < summary.events || summary.outcomes.failed > 0;
        let load = busy.filter(|busy| *busy >= BUSY_ALL_THE_TIME && behind)?;
        Some(Overload { client, part, load, observed: true })
    };
    parts.into_iter().filter_map(of_part).collect()
}

/// Every part of every client that cannot keep up with what comes in.
pub fn overloads(setup: &Setup) -> Vec<Overload> {
    let parts = [
        (Part::ReceiverWorkers, receiver_load as fn(&Setup, &ClientSetup) -> Option<f64>),
        (Part::ApiWorkers, api_load),
        (Part::ApiRateLimit, limits::consumer_load),
        (Part::ApiAccountLimit, limits::account_load),
        (Part::ApiQuota, limits::quota_load),
        (Part::DispatchConcurrency, dispatch_load),
        (Part::RateLimit, rate_limit_load),
        (Part::OneAtATime, one_at_a_time_load),
        (Part::Pages, page_load),
    ];
    let of_client = |(client, client_setup)| {
        parts.iter().filter_map(move |(part, load)| {
            let load = load(setup, client_setup)?;
            (load >= 1.0).then_some(Overload { client, part: *part, load, observed: false })
        })
    };
    setup.clients.iter().enumerate().flat_map(of_client).collect()
}

fn receiver_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let push = steady(client)?;
    let workers = f64::from(push.receive.capacity.workers?);
    // With deduplication only the first sight of an event is work.
    let sights = if push.receive.dedupe != Dedupe::Never {
        1.0
    } else {
        push::attempts(setup, push) * (1.0 - setup.link.request.loss)
    };
    // How long a handler works on a batch is its own matter: as little as on one event is sure.
    let webhooks = event_rate(setup)? / push::batch_size(setup, push);
    Some(webhooks * sights * push.receive.service_time.mean_secs() / workers)
}

/// The webhooks of a client where they go the same way all the time, so that what comes in is known beforehand.
fn steady(client: &ClientSetup) -> Option<&PushSetup> {
    client.push.as_ref().filter(|_| push::is_steady(client))
}

fn api_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let workers = f64::from(setup.api.capacity.workers?);
    Some(limits::admitted_per_second(setup, client)? * setup.api.service_time.mean_secs() / workers)
}

fn dispatch_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let push = steady(client)?;
    let concurrency = f64::from(push.dispatch.concurrency?);
    Some(attempt_rate(setup, push)? * f64::from(setup.consumers) * held(setup, push) / concurrency)
}

/// Attempts per second to one endpoint.
fn attempt_rate(setup: &Setup, push: &PushSetup) -> Option<f64> {
    Some(event_rate(setup)? / push::batch_size(setup, push) * push::attempts(setup, push))
}

/// The mean time in seconds from the start of an attempt to its end.
fn held(setup: &Setup, push: &PushSetup) -> f64 {
    let trip = setup.link.request.latency.mean_secs() + setup.link.response.latency.mean_secs();
    let trip = trip + setup.link.opening_mean_secs();
    let fetch = push.receive.fetch.map_or(0.0, |_| trip + setup.api.service_time.mean_secs());
    let handler = match push.receive.acknowledge {
        Acknowledge::After => push.receive.service_time.mean_secs() + fetch,
        Acknowledge::Before => 0.0,
    };
    let failure = exchange_loss(setup);
    (1.0 - failure) * (trip + handler) + failure * push.dispatch.timeout.as_secs_f64()
}

fn rate_limit_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let push = steady(client)?;
    Some(attempt_rate(setup, push)? * push.dispatch.spacing.as_secs_f64())
}

/// While one waits for its retry, so do all behind it.
fn one_at_a_time_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let push = steady(client).filter(|push| push.dispatch.order == Order::Fifo)?;
    let retry = &push.dispatch.retry;
    let failure = exchange_loss(setup);
    let (mut reach, mut between) = (failure, 0.0);
    for delay in &retry.delays {
        between += reach * delay.as_secs_f64() * retry.jitter.mean();
        reach *= failure;
    }
    let each = push::attempts(setup, push) * held(setup, push) + between;
    Some(event_rate(setup)? / push::batch_size(setup, push) * each)
}

fn page_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let pull = client.pull.as_ref().filter(|_| !client.polls_records())?;
    let page = f64::from(pull.page.min(setup.api.page));
    let round_trip = setup.link.opening_mean_secs()
        + setup.link.request.latency.mean_secs()
        + setup.api.service_time.mean_secs()
        + setup.link.response.latency.mean_secs();
    Some(event_rate(setup)? * round_trip / page)
}
