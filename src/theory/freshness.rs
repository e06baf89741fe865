//! Closed forms for how fresh a client's knowledge is: of its view as a whole, and of records that are final some day.
//!
//! T is the interval of a poller, r = λT, d the time of a request to System B, and c the time from the instant at which an
//! answer is made until it is handled. At a random moment the newest answer that has been handled was made a time ago that
//! is uniform between c and c + T.

use crate::distribution::Distribution;
use crate::engine::{PushSetup, Setup};
use crate::measure::summary::Figure;
use crate::policy::poller::{Jitter, Phase, PollPolicy, Strategy, Target, Timing};
use crate::theory::{Prediction, event_rate, exchange_loss, limits, push};
use crate::time::Span;
use crate::workload::Arrivals;
use crate::workload::lifecycle::Lifecycle;

/// Records that are opened so late that they may not become final are at most this share of all.
const UNFINISHED_MAX: f64 = 1e-3;

/// The predictions for a client that polls, the feed or records. They ask for polls at a fixed rate that always bring their
/// answer before the next is due, and whose phase is independent of what they ask for.
pub(super) fn of_polls(setup: &Setup, policy: &PollPolicy) -> Vec<Prediction> {
    let Some(terms) = terms(setup, policy) else { return Vec::new() };
    match &setup.workload.lifecycle {
        Some(lifecycle) => of_life(setup, policy, lifecycle, &terms),
        None => of_view(setup, policy, &terms),
    }
}

/// The times of a poller, in seconds.
struct Terms {
    interval: f64,
    /// Of a request, to System B.
    there: f64,
    /// From the instant at which an answer is made until it is handled.
    back: f64,
}

fn terms(setup: &Setup, policy: &PollPolicy) -> Option<Terms> {
    let (there, back) = (&setup.link.request.latency, &setup.link.response.latency);
    let parts = [there, back, &setup.api.service_time, &policy.service_time];
    let opening = setup.link.opening_bound();
    let trip = opening + there.bound() + setup.api.service_time.bound() + back.bound();
    // Of polls that come purely at random only those of the feed have a form here, and a trip takes no time beside them.
    let is_random = policy.jitter == Jitter::Exponential
        && trip.is_zero()
        && setup.workload.lifecycle.is_none()
        && matches!(policy.target, Target::Feed { .. });
    let is_fixed = policy.strategy == Strategy::Fixed
        && policy.timing == Timing::FixedRate
        && (policy.jitter == Jitter::None || is_random)
        && policy.phase == Phase::Random;
    let is_sure = exchange_loss(setup) == 0.0
        && setup.api.capacity.workers.is_none()
        && parts.iter().all(|part| part.is_constant())
        && setup.workload.batch.is_single()
        && limits::never_bite(setup, policy)
        && limits::keeps_for(setup, (policy.every + trip).as_secs_f64())
        && matches!(policy.target, Target::Feed { overlap: Span::ZERO } | Target::Record { .. })
        && trip <= policy.timeout
        && trip + policy.service_time.bound() <= policy.every
        && policy.every + trip <= setup.frame.end.since(setup.frame.duration);
    (is_fixed && is_sure).then(|| Terms {
        interval: policy.every.as_secs_f64(),
        there: opening.as_secs_f64() + there.mean_secs(),
        back: parts[1..].iter().map(|part| part.mean_secs()).sum(),
    })
}

/// Poisson events on records that are there for ever.
fn of_view(setup: &Setup, policy: &PollPolicy, terms: &Terms) -> Vec<Prediction> {
    let Arrivals::Poisson { gap_nanos } = setup.workload.arrivals else { return Vec::new() };
    let (rate, records) = (1e9 / gap_nanos, f64::from(setup.workload.records));
    let mut predictions = Vec::new();
    let mut add = |figure, value| predictions.push(Prediction { figure, value });
    if policy.jitter == Jitter::Exponential {
        let r = rate * terms.interval;
        if libm::pow(r / (1.0 + r), f64::from(setup.api.page.min(policy.page)) + 1.0) >= 1e-6 {
            return predictions;
        }
        // The newest answer was made a time ago that is exponential as well: Cho and Garcia-Molina's purely random order.
        let current = libm::exp(-rate * terms.back) / (1.0 + r);
        let elapsed = terms.interval + terms.back;
        add(Figure::StalenessRatio, 1.0 - current);
        add(Figure::StalenessAgeMean, (elapsed - (1.0 - current) / rate) * 1e3);
        add(Figure::AgeMean, (elapsed + 1.0 / rate) * 1e3);
        return predictions;
    }
    let (each, views) = match policy.target {
        // Whatever the record, an answer of the feed holds all there is.
        Target::Feed { .. } => {
            let most = super::pull::page_overflow(rate * terms.interval, setup.api.page.min(policy.page));
            if most >= 1e-6 {
                return predictions;
            }
            (rate, 1.0)
        }
        Target::Record { tries: None } => (rate / records, records),
        Target::Record { tries: Some(_) } => return predictions,
    };
    let r = each * terms.interval;
    // The share of the polls that find something, for each event that there was.
    let found = -libm::expm1(-r) / r;
    if let Target::Record { .. } = policy.target {
        add(Figure::EmptyRatio, libm::exp(-r));
        add(Figure::SupersededRatio, 1.0 - found);
    }
    // Each record is current if nothing has occurred since its newest answer, and they are so independently of each other.
    let current = libm::exp(-each * terms.back) * found;
    add(Figure::StalenessRatio, 1.0 - libm::pow(current, views));
    if views == 1.0 {
        let elapsed = terms.interval / 2.0 + terms.back;
        // After a time u the first of the changes since is u - (1 - e^(-λu)) / λ ago, on average.
        add(Figure::StalenessAgeMean, (elapsed - (1.0 - current) / each) * 1e3);
        add(Figure::AgeMean, (elapsed + 1.0 / each) * 1e3);
    }
    predictions
}

/// Records that are final some day.
fn of_life(setup: &Setup, policy: &PollPolicy, lifecycle: &Lifecycle, terms: &Terms) -> Vec<Prediction> {
    if let Target::Record { tries: Some(_) } = policy.target {
        return Vec::new();
    }
    if let (Target::Feed { .. }, Some(rate)) = (policy.target, event_rate(setup))
        && super::pull::page_overflow(2.0 * rate * terms.interval, setup.api.page.min(policy.page)) >= 1e-6
    {
        return Vec::new();
    }
    let know = Prediction { figure: Figure::KnowMean, value: (terms.interval / 2.0 + terms.back) * 1e3 };
    let polls = polls_per_record(lifecycle, terms)
        .filter(|_| matches!(policy.target, Target::Record { .. }) && most_become_final(setup, lifecycle));
    let polls = polls.map(|value| Prediction { figure: Figure::PollsPerRecord, value });
    std::iter::once(know).chain(polls).collect()
}

/// The mean number of polls of a record that lives for L: the one that finds it final, and one more for each that reaches
/// System B before, 1 + E(L - d)⁺ / T.
fn polls_per_record(lifecycle: &Lifecycle, terms: &Terms) -> Option<f64> {
    let life = lifecycle.time.mean_secs() * f64::from(lifecycle.changes);
    let beyond = match lifecycle.time {
        _ if terms.there == 0.0 => life,
        Distribution::Constant(_) => (life - terms.there).max(0.0),
        Distribution::Exponential { .. } if lifecycle.changes == 1 => life * libm::exp(-terms.there / life),
        _ => return None,
    };
    Some(1.0 + beyond / terms.interval)
}

/// Whether nearly all records that are opened become final before the end.
fn most_become_final(setup: &Setup, lifecycle: &Lifecycle) -> bool {
    let life = lifecycle.time.bound().times(lifecycle.changes.into());
    match &setup.workload.arrivals {
        Arrivals::Trace(instants) => {
            instants.last().is_none_or(|last| *last + life < setup.frame.duration || *last >= setup.frame.duration)
        }
        _ => life.as_secs_f64() <= UNFINISHED_MAX * setup.frame.measured().as_secs_f64(),
    }
}

/// The predictions for webhooks that all take the same time, for Poisson events on records that are there for ever.
pub(super) fn of_webhooks(setup: &Setup, policy: &PushSetup) -> Vec<Prediction> {
    let Some(delay) = constant_delay(setup, policy) else { return Vec::new() };
    let seconds = delay.as_secs_f64();
    if setup.workload.lifecycle.is_some() {
        return vec![Prediction { figure: Figure::KnowMean, value: seconds * 1e3 }];
    }
    let Arrivals::Poisson { gap_nanos } = setup.workload.arrivals else { return Vec::new() };
    let rate = 1e9 / gap_nanos;
    // Out of date while anything has occurred within the time that a webhook takes.
    let stale = -libm::expm1(-rate * seconds);
    vec![
        Prediction { figure: Figure::StalenessRatio, value: stale },
        Prediction { figure: Figure::StalenessAgeMean, value: (seconds - stale / rate) * 1e3 },
        Prediction { figure: Figure::AgeMean, value: (seconds + 1.0 / rate) * 1e3 },
    ]
}

/// How long every webhook takes, if all take the same and none is lost or waits for another.
fn constant_delay(setup: &Setup, policy: &PushSetup) -> Option<Span> {
    let parts = [&policy.dispatch.delay, &setup.link.request.latency, &policy.receive.service_time];
    let is_plain = policy.dispatch.concurrency.is_none()
        && policy.dispatch.spacing.is_zero()
        && policy.dispatch.order == crate::policy::dispatcher::Order::None
        && policy.receive.capacity.workers.is_none()
        && policy.receive.fetch.is_none()
        && push::batch_size(setup, policy) == 1.0
        && exchange_loss(setup) == 0.0
        && setup.workload.batch.is_single()
        && setup.link.opening_variance_secs2() == 0.0;
    let delay = parts.iter().fold(setup.link.opening_min(), |sum, part| sum + part.min());
    let trip = delay + setup.link.response.latency.bound();
    (is_plain && parts.iter().all(|part| part.is_constant()) && trip <= policy.dispatch.timeout).then_some(delay)
}
