//! Setups that cannot keep up: their queues grow for as long as they run, so their means say how long the run was.

use crate::engine::{ClientSetup, Setup};
use crate::measure::summary::Summary;
use crate::policy::receiver::{Acknowledge, Dedupe};
use crate::theory::{event_rate, exchange_loss, pull, push};

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
    /// The attempts that the dispatcher may have under way.
    DispatchConcurrency,
    /// The pages that a poller can fetch one after the other.
    Pages,
}

impl Part {
    /// What it is called, and what would help.
    pub const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::ReceiverWorkers => ("the receiver's work", "more `receiver.workers` or a shorter `service_time`"),
            Self::ApiWorkers => ("the API's work", "more `provider.api.workers` or a longer `every`"),
            Self::DispatchConcurrency => ("sending the webhooks", "a higher `provider.dispatch.concurrency`"),
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
        (Part::DispatchConcurrency, dispatch_load),
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
    let push = client.push.as_ref()?;
    let workers = f64::from(push.receive.capacity.workers?);
    // With deduplication only the first sight of an event is work.
    let sights = if push.receive.dedupe != Dedupe::Never {
        1.0
    } else {
        push::attempts(setup, push) * (1.0 - setup.link.request.loss)
    };
    Some(event_rate(setup)? * sights * push.receive.service_time.mean_secs() / workers)
}

fn api_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let workers = f64::from(setup.api.capacity.workers?);
    let pull = client.pull.as_ref()?;
    let cycle = pull::cycle(setup, pull);
    let pages = pull::pages_per_poll(event_rate(setup)? * cycle, pull.page.min(setup.api.page));
    let requests = f64::from(setup.consumers) * pages / cycle;
    Some(requests * setup.api.service_time.mean_secs() / workers)
}

fn dispatch_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let push = client.push.as_ref()?;
    let concurrency = f64::from(push.dispatch.concurrency?);
    let handler = match push.receive.acknowledge {
        Acknowledge::After => push.receive.service_time.mean_secs(),
        Acknowledge::Before => 0.0,
    };
    let round_trip = setup.link.request.latency.mean_secs() + handler + setup.link.response.latency.mean_secs();
    let failure = exchange_loss(setup);
    let held = (1.0 - failure) * round_trip + failure * push.dispatch.timeout.as_secs_f64();
    Some(event_rate(setup)? * f64::from(setup.consumers) * push::attempts(setup, push) * held / concurrency)
}

fn page_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let page = f64::from(client.pull.as_ref()?.page.min(setup.api.page));
    let round_trip = setup.link.request.latency.mean_secs()
        + setup.api.service_time.mean_secs()
        + setup.link.response.latency.mean_secs();
    Some(event_rate(setup)? * round_trip / page)
}
