//! What theory says of a client before it has run, wherever a closed form applies.
//!
//! Symbols: the events of a consumer come at rate λ; a poller asks every T; r = λT; f is the probability that an exchange
//! fails. A form whose conditions do not hold is left out, never stretched.

pub mod attempts;
pub mod clusters;
mod freshness;
pub mod limits;
pub mod pull;
pub mod push;
pub mod queueing;
pub mod rhythm;
pub mod stability;
pub mod strategies;

use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::fault::{Fault, FaultKind};
use crate::measure::statistics::Interval;
use crate::measure::summary::{Figure, Summary};
use crate::policy::poller::Strategy;
use crate::time::Span;
use crate::workload::Arrivals;

/// A figure as theory predicts it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Which figure.
    pub figure: Figure,
    /// Its value, in the figure's unit.
    pub value: f64,
}

/// A prediction beside what was observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The client's name.
    pub client: String,
    /// The prediction.
    pub prediction: Prediction,
    /// What was observed.
    pub observed: Option<f64>,
    /// With its interval, where the run was long enough for one.
    pub interval: Option<Interval>,
    /// The smallest step in which the figure can be observed at all.
    pub resolution: f64,
}

impl Verification {
    /// Whether the prediction lies within four standard errors of what was observed; none where that cannot be said.
    ///
    /// Four, not two: a table of twenty true predictions should not show one as false.
    pub fn holds(&self) -> Option<bool> {
        let interval = self.interval?;
        let (low, high) = interval.plausible;
        Some((low - self.resolution..=high + self.resolution).contains(&self.prediction.value))
    }
}

/// A run with fewer bursts than this says little of what holds in the long run.
const CYCLES_MIN: u64 = 100;

/// The predictions for a client of a setup.
pub fn predict(setup: &Setup, client: usize) -> Vec<Prediction> {
    let client = &setup.clients[client];
    // How long a message takes depends on its size then, which the forms do not know.
    if setup.link.is_narrow() {
        return Vec::new();
    }
    // What follows knows of no records that are opened, and of no polls of single ones.
    if setup.workload.lifecycle.is_some() || client.polls_records() {
        return freshness(setup, client, false);
    }
    if let Arrivals::Bursts { on, off, .. } = setup.workload.arrivals
        && setup.frame.measured() < (on + off).times(CYCLES_MIN)
    {
        return Vec::new();
    }
    let mut predictions = match (&client.pull, &client.push) {
        // Nothing is as it always is while something breaks.
        (Some(_), None) if !client.faults.0.is_empty() => Vec::new(),
        (Some(pull), None) if pull.strategy == Strategy::Fixed => pull::predict(setup, pull),
        (Some(pull), None) => strategies::predict(setup, client, pull),
        (None, Some(push)) => push::predict(setup, client, push),
        // A hybrid sees whichever comes first; no closed form covers that in general.
        (Some(_), Some(_)) | (None, None) => Vec::new(),
    };
    let freshness = freshness(setup, client, !predictions.is_empty());
    predictions.extend(freshness);
    predictions
}

/// How fresh a client's knowledge is, where nothing goes wrong for it. `others_hold` says whether the forms for webhooks hold.
fn freshness(setup: &Setup, client: &ClientSetup, others_hold: bool) -> Vec<Prediction> {
    if !client.faults.0.is_empty() {
        return Vec::new();
    }
    match (&client.pull, &client.push) {
        (Some(pull), None) => freshness::of_polls(setup, pull),
        // Whatever makes the other forms silent changes how fresh the view is as well.
        (None, Some(push)) if push::is_steady(client) && (others_hold || setup.workload.lifecycle.is_some()) => {
            freshness::of_webhooks(setup, push)
        }
        (_, Some(_)) | (None, None) => Vec::new(),
    }
}

/// Holds the predictions against a summary of the same client. `overhead` is what real exchanges may take beyond the
/// scenario's network: nothing in virtual time.
pub fn verify(setup: &Setup, client: usize, summary: &Summary, overhead: Span) -> Vec<Verification> {
    let verification = |prediction: Prediction| Verification {
        client: summary.terms.client.clone(),
        prediction,
        observed: prediction.figure.of(summary),
        interval: summary.interval(prediction.figure),
        resolution: match prediction.figure {
            // A histogram tells values apart to three digits.
            Figure::LatencyMean | Figure::LatencyQuantile(_) => {
                // And none below a microsecond.
                (1e-3 * prediction.value.abs()).max(1e-3) + overhead.as_millis_f64()
            }
            // Exact where they are observed, but for the start and the end of the run.
            Figure::StalenessRatio
            | Figure::StalenessAgeMean
            | Figure::KnowMean
            | Figure::PollsPerRecord
            | Figure::SupersededRatio => 0.0,
            // The start of the run counts as seen: until that is forgotten, which takes about as long as the age itself,
            // the age is too low by at most itself.
            Figure::AgeMean => prediction.value * prediction.value / (summary.measured_s * 1e3).max(1.0),
            // One request more or less, at either end of the run.
            Figure::RequestsPerEvent => 1.0 / summary.events.max(1) as f64,
            // A share that every batch agrees on, such as all or none, still has the error of its count.
            Figure::EmptyRatio | Figure::WastedRatio => {
                let (share, count) = (prediction.value, summary.requests().max(1) as f64);
                1.0 / count + 4.0 * libm::sqrt(share * (1.0 - share) / count)
            }
        },
    };
    predict(setup, client).into_iter().map(verification).collect()
}

/// How much a run of one client amounts to, over all consumers and the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Volume {
    /// Events.
    pub events: f64,
    /// Polls, those with nothing new included.
    pub polls: f64,
    /// Webhook attempts.
    pub attempts: f64,
    /// Fetches of what thin webhooks name.
    pub fetches: f64,
    /// Forged webhooks.
    pub forged: f64,
}

/// The forged webhooks that reach each consumer of a client.
pub fn forged_per_consumer(client: &ClientSetup) -> f64 {
    let forged = |fault: &Fault| match fault.kind {
        FaultKind::ForgedWebhooks { gap_nanos, .. } => fault.until.since(fault.from).as_nanos() as f64 / gap_nanos,
        _ => 0.0,
    };
    client.faults.0.iter().map(forged).sum()
}

/// The expected volume of one client.
pub fn volume(setup: &Setup, client: usize) -> Volume {
    let seconds = setup.frame.duration.as_nanos() as f64 / 1e9;
    let consumers = f64::from(setup.consumers);
    let events = setup.workload.expected_before(setup.frame.duration) * consumers;
    let arrivals = setup.workload.expected_arrivals_before(setup.frame.duration) * consumers;
    let client = &setup.clients[client];
    let polls = client.pull.as_ref().map_or(0.0, |pull| {
        if let Some(polls) = pull::record_polls(setup, pull, arrivals / consumers) {
            return polls * consumers;
        }
        let rounds = seconds / pull::cycle(setup, pull) * consumers;
        rounds * pull::pages_per_poll(events / rounds, pull.page.min(setup.api.page))
    });
    let attempts = |push: &PushSetup| {
        let webhooks = events / push::batch_size(setup, push) / consumers;
        attempts::expected(setup, client, push, webhooks) * consumers
    };
    let attempts = client.push.as_ref().map_or(0.0, attempts);
    let is_thin = client.push.as_ref().is_some_and(|push| push.receive.fetch.is_some());
    let fetches = if is_thin { events } else { 0.0 };
    Volume { events, polls, attempts, fetches, forged: forged_per_consumer(client) * consumers }
}

/// Events per second and consumer: in the long run, or where the rate changes with time while exchanges are counted; none
/// for a trace, and where nothing is expected to happen.
pub fn event_rate(setup: &Setup) -> Option<f64> {
    let changes = setup.workload.lifecycle.as_ref().map_or(1, |lifecycle| lifecycle.changes);
    arrival_rate(setup).map(|rate| rate * f64::from(changes))
}

/// Arrivals per second and consumer, in the same way: events, or with a lifecycle records that are opened.
pub fn arrival_rate(setup: &Setup) -> Option<f64> {
    let workload = &setup.workload;
    let rate = match workload.arrivals {
        Arrivals::Constant { gap_nanos } | Arrivals::Poisson { gap_nanos } => 1e9 / gap_nanos * workload.batch.mean(),
        Arrivals::Bursts { gap_nanos, on, off } => {
            let share_on = on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64());
            1e9 / gap_nanos * share_on * workload.batch.mean()
        }
        Arrivals::Daily { .. } | Arrivals::Phases { .. } => {
            let expected = |at| workload.expected_before(at);
            (expected(setup.frame.duration) - expected(setup.frame.warmup)) / setup.frame.measured().as_secs_f64()
        }
        Arrivals::Trace(_) => return None,
    };
    (rate > 0.0).then_some(rate)
}

/// The probability that an exchange brings its opener no answer, because one of its two messages is lost.
pub fn exchange_loss(setup: &Setup) -> f64 {
    1.0 - (1.0 - setup.link.request.loss) * (1.0 - setup.link.response.loss)
}
