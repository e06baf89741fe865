//! Closed forms for webhooks with a retry schedule.

use crate::distribution::Distribution;
use crate::engine::{PushSetup, Setup};
use crate::measure::summary::Figure;
use crate::policy::receiver::Acknowledge;
use crate::policy::retry::RetryJitter;
use crate::theory::queueing::{many_workers_wait, single_worker_wait};
use crate::theory::{Prediction, event_rate, exchange_loss};
use crate::time::Span;
use crate::workload::Arrivals;

/// The mean number of attempts an event takes: (1 - p^n) / (1 - p) with independent failures of probability p.
pub fn attempts(setup: &Setup, push: &PushSetup) -> f64 {
    let (failure, most) = (exchange_loss(setup), f64::from(push.dispatch.retry.attempts_max()));
    if failure >= 1.0 { most } else { (1.0 - libm::pow(failure, most)) / (1.0 - failure) }
}

/// The predictions for a push client.
///
/// They ask for answers that come within the timeout unless they are lost, a dispatcher without a limit, receivers in whose
/// queue either nobody waits or, with a single worker, the wait is known, and a run that is long against the retries.
pub fn predict(setup: &Setup, push: &PushSetup) -> Vec<Prediction> {
    let mut predictions = Vec::new();
    if push.dispatch.concurrency.is_some() {
        return predictions;
    }
    let Some(wait) = receiver_wait(setup, push) else { return predictions };
    if !answers_come_in_time(setup, push, wait) {
        return predictions;
    }
    let tail = retry_tail(setup, push);
    if setup.link.request.loss < 1.0 && tail <= setup.frame.end.since(setup.frame.duration).as_secs_f64() {
        let mean =
            first_sight_delay(setup, push) + one_way(setup, push).iter().map(Distribution::mean_secs).sum::<f64>();
        predictions.push(Prediction { figure: Figure::LatencyMean, value: (mean + wait) * 1e3 });
        if wait == 0.0 {
            let quantile =
                |q| Some(Prediction { figure: Figure::LatencyQuantile(q), value: quantile(setup, push, q)? });
            predictions.extend([0.5, 0.95, 0.99].into_iter().filter_map(quantile));
        }
    }
    // Retries that fall behind the end are not counted; a hundredth of them does not matter.
    if tail <= 0.01 * setup.frame.measured().as_secs_f64() {
        predictions.push(Prediction { figure: Figure::RequestsPerEvent, value: attempts(setup, push) });
    }
    predictions
}

/// The time in seconds from an event to the last attempt that matters: later ones are made less than one time in a
/// thousand.
fn retry_tail(setup: &Setup, push: &PushSetup) -> f64 {
    let failure = exchange_loss(setup);
    let one_way: f64 = one_way(setup, push).iter().map(|part| part.bound().as_secs_f64()).sum();
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

const fn one_way(setup: &Setup, push: &PushSetup) -> [Distribution; 3] {
    [push.dispatch.delay, setup.link.request.latency, push.receive.service_time]
}

/// Whether answers come within the timeout, up to one time in a million. A wait in the queue exceeds twenty times its mean
/// less often than that.
fn answers_come_in_time(setup: &Setup, push: &PushSetup, wait: f64) -> bool {
    let handler = match push.receive.acknowledge {
        Acknowledge::After => push.receive.service_time.bound() + Span::from_secs_f64(20.0 * wait),
        Acknowledge::Before => Span::ZERO,
    };
    setup.link.request.latency.bound() + handler + setup.link.response.latency.bound() <= push.dispatch.timeout
}

/// The mean wait in the receiver's queue in seconds: zero where it is below a thousandth of the rest, known for a single
/// worker under Poisson arrivals without loss, otherwise none.
fn receiver_wait(setup: &Setup, push: &PushSetup) -> Option<f64> {
    let service = &push.receive.service_time;
    let Some(workers) = push.receive.capacity.workers.filter(|_| !service.is_zero()) else { return Some(0.0) };
    let rate = event_rate(setup)? * attempts(setup, push);
    if !matches!(setup.workload.arrivals, Arrivals::Poisson { .. }) {
        return None;
    }
    let negligible = 1e-4 * (setup.link.request.latency.mean_secs() + service.mean_secs());
    match many_workers_wait(workers, rate, service.mean_secs())? {
        wait if wait < negligible => Some(0.0),
        // A queue that turns some away has another law; by 64 places it hardly ever does below 80 % load.
        _ if workers == 1
            && exchange_loss(setup) == 0.0
            && push.receive.capacity.queue >= 64
            && rate * service.mean_secs() < 0.8 =>
        {
            single_worker_wait(rate, service)
        }
        _ => None,
    }
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
    if jittered || !one_way.iter().all(Distribution::is_constant) {
        return None;
    }
    let delivered = 1.0 - libm::pow(lost, f64::from(push.dispatch.retry.attempts_max()));
    let (mut reach, mut elapsed) = (1.0, one_way.iter().map(Distribution::mean_secs).sum::<f64>());
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
