//! Closed forms for webhooks with a retry schedule.

use crate::distribution::Distribution;
use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::measure::summary::Figure;
use crate::policy::dispatcher::{DisablePolicy, Order};
use crate::policy::limits::ApiLimits;
use crate::policy::receiver::{Acknowledge, Dedupe};
use crate::policy::retry::RetryJitter;
use crate::theory::pull::page_overflow;
use crate::theory::queueing::{many_workers_wait, single_worker_wait};
use crate::theory::{Prediction, event_rate, exchange_loss, limits};
use crate::time::Span;

/// The mean number of attempts a webhook takes: (1 - p^n) / (1 - p) with independent failures of probability p.
pub fn attempts(setup: &Setup, push: &PushSetup) -> f64 {
    let (failure, most) = (exchange_loss(setup), f64::from(push.dispatch.retry.attempts_max()));
    if failure >= 1.0 { most } else { (1.0 - libm::pow(failure, most)) / (1.0 - failure) }
}

/// The mean number of events in a webhook: the one that opens it, and those that come while it waits, as far as they fit.
pub fn batch_size(setup: &Setup, push: &PushSetup) -> f64 {
    let batch = push.dispatch.batch;
    let payload = setup.workload.payload.mean().max(1.0);
    let fitting = batch.bytes.map_or(f64::INFINITY, |bytes| libm::ceil(f64::from(bytes) / payload).max(1.0));
    let joining = event_rate(setup).unwrap_or(0.0) * batch.wait.as_secs_f64();
    // What occurs at the same instant as the one that opens it joins it, if it waits at all.
    let opening = if batch.wait.is_zero() { 1.0 } else { setup.workload.batch.mean() };
    (opening + joining).min(fitting.min(batch.max.into()))
}

/// Whether webhooks go the same way all the time: nothing breaks, no endpoint is left alone or given up for its failures,
/// and nothing that was given up comes again.
pub fn is_steady(client: &ClientSetup) -> bool {
    let is_steady = |push: &PushSetup| {
        let DisablePolicy { after, failures, .. } = push.dispatch.disable;
        let gives_up = after.is_some() || failures.is_some();
        !gives_up && push.dispatch.breaker.is_none() && push.dispatch.redeliver.is_none()
    };
    client.faults.0.is_empty() && client.push.as_ref().is_none_or(is_steady)
}

/// What a provider does beyond sending each event by itself and whole, as soon as it occurs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Extra {
    /// Nothing.
    Nothing,
    /// Attempts leave no closer together than this.
    Spacing(Span),
    /// The first event of a webhook waits so long for others.
    Batches(Span),
    /// The event is fetched from the API.
    Thin,
}

/// A run in which fewer events than this wait for the one before them says little of the mean wait.
const WAITING_MIN: f64 = 100.0;

impl Extra {
    /// What a client's webhooks have of it; none where it is more than closed forms cover.
    fn of(setup: &Setup, client: &ClientSetup, push: &PushSetup) -> Option<Self> {
        let (dispatch, receive) = (&push.dispatch, &push.receive);
        let forgets = !matches!(receive.dedupe, Dedupe::Never | Dedupe::Remember { size: None, age: None });
        if !is_steady(client) || forgets || receive.retry_after.is_some() || dispatch.order != Order::None {
            return None;
        }
        let batches = dispatch.batch.max > 1 && !dispatch.batch.wait.is_zero();
        let extra = match (dispatch.spacing.is_zero(), batches, receive.fetch.is_some()) {
            (true, false, false) => return retries_fit(setup, push).then_some(Self::Nothing),
            (false, false, false) => Self::Spacing(dispatch.spacing),
            (true, true, false) => Self::Batches(dispatch.batch.wait),
            (true, false, true) => Self::Thin,
            _ => return None,
        };
        (setup.workload.is_poisson() && exchange_loss(setup) == 0.0).then_some(extra)
    }

    /// The mean time in seconds that it adds before an event is seen; none where that is not known.
    fn delay(self, setup: &Setup, push: &PushSetup) -> Option<f64> {
        match self {
            Self::Nothing => Some(0.0),
            Self::Spacing(spacing) => {
                let rate = event_rate(setup)?;
                let service = Distribution::Constant(spacing);
                let load = rate * spacing.as_secs_f64();
                let seconds = setup.frame.measured().as_secs_f64() * f64::from(setup.consumers);
                // Nearer to capacity the start from rest weighs on any run; and a run in which hardly anything has to wait
                // says nothing of how long that takes.
                let says_something = load < 0.8 && load * rate * seconds >= WAITING_MIN;
                single_worker_wait(rate, &service).filter(|_| says_something)
            }
            Self::Batches(wait) => {
                let rate = event_rate(setup)?;
                let joining = rate * wait.as_secs_f64();
                let fits = page_overflow(joining, batch_room(setup, push)) < 1e-6;
                fits.then(|| batch_wait(rate, wait.as_secs_f64()))
            }
            Self::Thin => {
                let nobody_waits = setup.api.capacity.workers.is_none() || setup.api.service_time.is_zero();
                let in_time = push.receive.fetch.is_some_and(|fetch| fetch_bound(setup) <= fetch.timeout);
                let ApiLimits { consumer, account, quota } = setup.api.limits;
                let is_let_in = consumer.is_none() && account.is_none() && quota.is_none();
                // With no loss a webhook is with its handler within the timeout, and fetched within as much again.
                let longest = push.dispatch.delay.bound() + push.dispatch.timeout.times(2);
                let is_there = limits::keeps_for(setup, longest.as_secs_f64());
                (nobody_waits && in_time && is_let_in && is_there).then(|| fetch_mean_secs(setup))
            }
        }
    }
}

/// How many events may join the one that opens a webhook.
fn batch_room(setup: &Setup, push: &PushSetup) -> u32 {
    let batch = push.dispatch.batch;
    let filled = batch.bytes.map_or(u32::MAX, |bytes| bytes / setup.workload.payload.max().max(1));
    (batch.max - 1).min(filled.saturating_sub(1))
}

/// The mean time in seconds that an event of a Poisson process waits in a webhook that leaves `wait` seconds after its first
/// event: w (1 + r w / 2) / (1 + r w). The first waits all of it; those that join come at any time of it, and wait half.
pub fn batch_wait(rate: f64, wait: f64) -> f64 {
    let joining = rate * wait;
    wait * (1.0 + joining / 2.0) / (1.0 + joining)
}

/// The parts of the time from the end of the wait in the queue to the fetched event.
const fn fetch_trip(setup: &Setup) -> [&Distribution; 3] {
    [&setup.link.request.latency, &setup.api.service_time, &setup.link.response.latency]
}

fn fetch_mean_secs(setup: &Setup) -> f64 {
    setup.link.opening_mean_secs() + fetch_trip(setup).iter().map(|part| part.mean_secs()).sum::<f64>()
}

fn fetch_bound(setup: &Setup) -> Span {
    fetch_trip(setup).iter().fold(setup.link.opening_bound(), |sum, part| sum + part.bound())
}

/// Whether every retry leaves before the schedule's own end.
fn retries_fit(setup: &Setup, push: &PushSetup) -> bool {
    let (retry, loses) = (&push.dispatch.retry, exchange_loss(setup) > 0.0);
    let longest = retry
        .delays
        .iter()
        .fold(push.dispatch.delay.bound(), |sum, delay| sum + push.dispatch.timeout + delay.scale(retry.jitter.most()));
    !loses || retry.within.is_none_or(|within| longest <= within)
}

/// The predictions for a push client.
///
/// They ask for answers that come within the timeout unless they are lost, a dispatcher without a limit, receivers in whose
/// queue either nobody waits or, with a single worker or exponential service, the wait is known, and a run that is long against the retries. Where
/// attempts are spaced, share a webhook or only name their event, they also ask for Poisson events and no loss, and for no
/// more than one of the three.
pub fn predict(setup: &Setup, client: &ClientSetup, push: &PushSetup) -> Vec<Prediction> {
    let mut predictions = Vec::new();
    if push.dispatch.concurrency.is_some() {
        return predictions;
    }
    let Some(extra) = Extra::of(setup, client, push) else { return predictions };
    let Some(wait) = receiver_wait(setup, push, extra) else { return predictions };
    if !answers_come_in_time(setup, push, wait) {
        return predictions;
    }
    let tail = retry_tail(setup, push);
    let drain = setup.frame.end.since(setup.frame.duration).as_secs_f64();
    let delay = extra.delay(setup, push);
    let held_back = match extra {
        // A wait in front of a spaced endpoint exceeds twenty times its mean next to never.
        Extra::Spacing(_) => 20.0 * delay.unwrap_or(0.0),
        Extra::Batches(wait) => wait.as_secs_f64(),
        Extra::Thin => fetch_bound(setup).as_secs_f64(),
        Extra::Nothing => 0.0,
    };
    let longest = tail + held_back;
    if setup.link.request.loss < 1.0
        && longest <= drain
        && let Some(delay) = delay
    {
        let mean = first_sight_delay(setup, push) + one_way_secs(setup, push);
        predictions.push(Prediction { figure: Figure::LatencyMean, value: (mean + wait + delay) * 1e3 });
        if wait == 0.0 && extra == Extra::Nothing {
            let quantile =
                |q| Some(Prediction { figure: Figure::LatencyQuantile(q), value: quantile(setup, push, q)? });
            predictions.extend([0.5, 0.95, 0.99].into_iter().filter_map(quantile));
        }
    }
    // Requests that fall behind the end are not counted; a hundredth of them does not matter.
    if longest <= 0.01 * setup.frame.measured().as_secs_f64() && delay.is_some() {
        let value = match extra {
            Extra::Batches(_) => 1.0 / batch_size(setup, push),
            Extra::Thin => 2.0,
            Extra::Nothing | Extra::Spacing(_) => attempts(setup, push),
        };
        predictions.push(Prediction { figure: Figure::RequestsPerEvent, value });
    }
    predictions
}

/// The time in seconds from an event to the last attempt that matters: later ones are made less than one time in a
/// thousand.
fn retry_tail(setup: &Setup, push: &PushSetup) -> f64 {
    let failure = exchange_loss(setup);
    let one_way = one_way(setup, push).iter().fold(setup.link.opening_bound(), |sum, part| sum + part.bound());
    let one_way = one_way.as_secs_f64();
    let (mut tail, mut reach) = (one_way, failure);
    for attempt in 0..push.dispatch.retry.attempts_max().saturating_sub(1) {
        if reach < 1e-3 {
            break;
        }
        tail +=
            step_secs(push, attempt) * push.dispatch.retry.jitter.most().max(1.0) / push.dispatch.retry.jitter.mean();
        reach *= failure;
    }
    tail
}

const fn one_way<'a>(setup: &'a Setup, push: &'a PushSetup) -> [&'a Distribution; 3] {
    [&push.dispatch.delay, &setup.link.request.latency, &push.receive.service_time]
}

/// The mean time in seconds from an event until it is seen, if its first attempt gets through and nobody waits.
fn one_way_secs(setup: &Setup, push: &PushSetup) -> f64 {
    setup.link.opening_mean_secs() + one_way(setup, push).iter().map(|part| part.mean_secs()).sum::<f64>()
}

/// Whether answers come within the timeout, up to one time in a million. A wait in the queue exceeds twenty times its mean
/// less often than that.
fn answers_come_in_time(setup: &Setup, push: &PushSetup, wait: f64) -> bool {
    let handler = match push.receive.acknowledge {
        Acknowledge::After => {
            let fetch = push.receive.fetch.map_or(Span::ZERO, |_| fetch_bound(setup));
            push.receive.service_time.bound() + fetch + Span::from_secs_f64(20.0 * wait)
        }
        Acknowledge::Before => Span::ZERO,
    };
    let trip = setup.link.opening_bound() + setup.link.request.latency.bound() + setup.link.response.latency.bound();
    trip + handler <= push.dispatch.timeout
}

/// The mean wait in the receiver's queue in seconds: zero where it is below a thousandth of the rest, known for a single
/// worker or exponential service under Poisson arrivals without loss, otherwise none.
fn receiver_wait(setup: &Setup, push: &PushSetup, extra: Extra) -> Option<f64> {
    let service = &push.receive.service_time;
    let held = match extra {
        // The worker waits for what it fetches.
        Extra::Thin => service.mean_secs() + fetch_mean_secs(setup),
        // A handler that works on a batch may take as long for each of its events.
        Extra::Batches(_) if !service.is_zero() => return None,
        _ => service.mean_secs(),
    };
    let Some(workers) = push.receive.capacity.workers.filter(|_| held > 0.0) else { return Some(0.0) };
    let rate = event_rate(setup)? * attempts(setup, push);
    if !setup.workload.is_poisson() {
        return None;
    }
    let negligible = 1e-4 * (setup.link.request.latency.mean_secs() + held);
    match many_workers_wait(workers, rate, held)? {
        wait if wait < negligible && hardly_ever_full(push, workers, rate * service.mean_secs()) => Some(0.0),
        // What was spaced on its way does not come together.
        _ if matches!(extra, Extra::Spacing(spacing) if spacing >= service.bound()) => {
            let all_alike = setup.link.request.latency.is_constant() && setup.link.opening_variance_secs2() == 0.0;
            all_alike.then_some(0.0)
        }
        // A queue that turns some away has another law; by 64 places it hardly ever does below 80 % load.
        wait if extra == Extra::Nothing
            && exchange_loss(setup) == 0.0
            && push.receive.capacity.queue >= 64
            && rate * held / f64::from(workers) < 0.8 =>
        {
            match service {
                Distribution::Exponential { .. } => Some(wait),
                _ if workers == 1 => single_worker_wait(rate, service),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether fewer than one webhook in a hundred thousand finds the workers busy and the queue full. With a share of the
/// workers' time in use, each place more in the queue is full that much more rarely.
fn hardly_ever_full(push: &PushSetup, workers: u32, work: f64) -> bool {
    let load = work / f64::from(workers);
    libm::pow(load, f64::from(push.receive.capacity.queue) + 1.0) < 1e-5
}

/// The mean time in seconds that passes in vain before the attempt that first gets through, given that one does. Only lost
/// requests count: an attempt whose acknowledgement is lost has already been seen.
fn first_sight_delay(setup: &Setup, push: &PushSetup) -> f64 {
    let lost = setup.link.request.loss;
    let (mut reach, mut elapsed, mut sum) = (1.0, 0.0, 0.0);
    for attempt in 0..push.dispatch.retry.attempts_max() {
        sum += reach * (1.0 - lost) * elapsed;
        reach *= lost;
        elapsed += step_secs(push, attempt);
    }
    sum / (1.0 - reach)
}

/// From the start of attempt number `attempt` (from 0), which is lost, to the start of the next.
fn step_secs(push: &PushSetup, attempt: u32) -> f64 {
    let delay = push.dispatch.retry.delays.get(attempt as usize).copied().unwrap_or(Span::ZERO);
    push.dispatch.timeout.as_secs_f64() + delay.as_secs_f64() * push.dispatch.retry.jitter.mean()
}

/// A latency quantile in milliseconds: the delivery times form a lattice, one point an attempt. None where something else
/// is random too, or where the quantile lies on the edge between two points.
fn quantile(setup: &Setup, push: &PushSetup, quantile: f64) -> Option<f64> {
    let one_way = one_way(setup, push);
    let lost = setup.link.request.loss;
    let jittered = push.dispatch.retry.jitter != RetryJitter::None && lost > 0.0;
    let opens_alike = setup.link.opening_variance_secs2() == 0.0;
    if jittered || !opens_alike || !one_way.iter().all(|part| part.is_constant()) {
        return None;
    }
    let delivered = 1.0 - libm::pow(lost, f64::from(push.dispatch.retry.attempts_max()));
    let (mut reach, mut elapsed) = (1.0, one_way_secs(setup, push));
    for attempt in 0..push.dispatch.retry.attempts_max() {
        reach *= lost;
        let share = (1.0 - reach) / delivered;
        if (share - quantile).abs() < 2e-3 && lost > 0.0 {
            return None;
        }
        if share >= quantile {
            return Some(elapsed * 1e3);
        }
        elapsed += step_secs(push, attempt);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_make_events_wait_as_worked_out() {
        for (rate, wait, mean, requests) in
            [(1.0, 5.0, 2.916_667, 0.166_667), (0.1, 5.0, 4.166_667, 0.666_667), (100.0, 5.0, 2.504_990, 0.001_996)]
        {
            assert!((batch_wait(rate, wait) - mean).abs() < 1e-6, "{}", batch_wait(rate, wait));
            assert!((1.0f64 / (1.0 + rate * wait) - requests).abs() < 1e-6);
        }
    }
}
