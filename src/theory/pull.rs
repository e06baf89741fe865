//! Closed forms for a poller with a fixed interval.

use crate::distribution::Distribution;
use crate::engine::Setup;
use crate::measure::summary::Figure;
use crate::policy::poller::{Jitter, Phase, PollPolicy, Target, Timing};
use crate::theory::{Prediction, clusters, event_rate, exchange_loss, limits, rhythm, strategies};
use crate::time::Span;
use crate::workload::Arrivals;

/// The parts of a poller that the forms ask for, in seconds.
struct Terms {
    /// The mean time between polls.
    cycle: f64,
    /// The interval that was asked for.
    interval: f64,
    /// From the instant of sampling until the page is handled, on average.
    constant: f64,
    /// The variance of the instant of sampling around its grid.
    sampling_variance: f64,
    failure: f64,
    rate: Option<f64>,
}

/// The mean time between two polls, in seconds. A poll that takes longer than the interval makes the next ones be skipped.
pub fn cycle(setup: &Setup, policy: &PollPolicy) -> f64 {
    if let Some(cycle) = strategies::cycle(setup, policy) {
        return cycle;
    }
    let (interval, round_trip) = (policy.every.as_secs_f64(), round_trip_secs(setup));
    match policy.timing {
        // The exponential has no memory: whatever falls due while a poll is open, the next one leaves an interval after its end.
        _ if policy.jitter == Jitter::Exponential => interval + round_trip,
        Timing::FixedDelay => interval + round_trip,
        Timing::FixedRate => interval * libm::ceil(round_trip / interval - 1e-12).max(1.0),
    }
}

fn round_trip_secs(setup: &Setup) -> f64 {
    setup.link.opening_mean_secs() + round_trip(setup).iter().map(|part| part.mean_secs()).sum::<f64>()
}

const fn round_trip(setup: &Setup) -> [&Distribution; 3] {
    [&setup.link.request.latency, &setup.api.service_time, &setup.link.response.latency]
}

/// The mean number of requests in a poll that finds a Poisson count of mean `r`: one, and one more for each further page,
/// E max(1, ceil(N / page)).
pub fn pages_per_poll(r: f64, page: u32) -> f64 {
    let size = f64::from(page);
    if r > 1e4 {
        // So many that the count hardly varies; half a page more for the last one, which is partly filled.
        return (r / size + 0.5).max(1.0);
    }
    let (mut term, mut mean, mut n) = (libm::exp(-r), 0.0, 0.0);
    let most = r + 12.0 * libm::sqrt(r) + 30.0;
    while n <= most {
        mean += term * libm::ceil(n / size).max(1.0);
        n += 1.0;
        term *= r / n;
    }
    mean
}

/// The mean number of polls that a consumer of a client makes over the whole run, if it polls records one by one; the
/// arrivals are the records that it opens.
pub fn record_polls(setup: &Setup, pull: &PollPolicy, arrivals: f64) -> Option<f64> {
    let Target::Record { tries } = pull.target else { return None };
    let every = pull.every.as_nanos().max(1) as f64;
    let each = |open_nanos: f64| {
        let polls = open_nanos / every + 1.0;
        tries.map_or(polls, |tries| polls.min(f64::from(tries)))
    };
    let length = setup.frame.duration.as_nanos() as f64;
    Some(match &setup.workload.lifecycle {
        None => f64::from(setup.workload.records) * each(length),
        Some(lifecycle) => {
            let life = lifecycle.time.mean_secs() * 1e9 * f64::from(lifecycle.changes);
            arrivals * each(life.min(length))
        }
    })
}

/// The predictions for a pull client.
///
/// They ask for API workers that nobody waits for, limits that turn nobody away, an API that keeps events until they are
/// asked for, polls that end before the next is due (a constant round trip may be
/// longer: then polls are skipped), pages that hold what comes between two polls that are answered, and a drain that covers
/// the last of them. Arrivals must not be locked to the polls: Poisson events never are, bursts and the rhythm of a day are
/// not if the phase is random. For constant arrivals and those in phases only the share of empty polls has a form. Events
/// that come in batches change no latency, but leave more polls empty.
pub fn predict(setup: &Setup, policy: &PollPolicy) -> Vec<Prediction> {
    let Some(terms) = terms(setup, policy) else { return Vec::new() };
    let mut predictions = Vec::new();
    let mut add = |figure, value: Option<f64>| {
        predictions.extend(value.map(|value| Prediction { figure, value }));
    };
    let is_free = match setup.workload.arrivals {
        Arrivals::Poisson { .. } => true,
        Arrivals::Bursts { .. } | Arrivals::Daily { .. } => policy.phase == Phase::Random,
        Arrivals::Constant { .. } | Arrivals::Phases { .. } | Arrivals::Trace(_) => false,
    };
    let slowest = terms.cycle * f64::from(failures_in_a_row(terms.failure)) + terms.constant;
    if is_free && slowest <= drain_secs(setup) {
        add(Figure::LatencyMean, Some(latency_mean(&terms, policy) * 1e3));
        for quantile in [0.5, 0.95, 0.99] {
            let value = latency_quantile(setup, &terms, policy, quantile);
            add(Figure::LatencyQuantile(quantile), value.map(|seconds| seconds * 1e3));
        }
    }
    add(Figure::EmptyRatio, empty_ratio(setup, &terms, policy));
    add(Figure::RequestsPerEvent, terms.rate.map(|rate| 1.0 / (rate * terms.cycle)));
    predictions
}

/// The time in seconds that late events have to arrive.
pub(super) fn drain_secs(setup: &Setup) -> f64 {
    setup.frame.end.since(setup.frame.duration).as_secs_f64()
}

/// How many intervals an event waits at most, up to one time in a million.
fn failures_in_a_row(failure: f64) -> u32 {
    let mut reach = failure;
    let mut intervals = 1;
    while reach > 1e-6 && intervals < 1_000 {
        reach *= failure;
        intervals += 1;
    }
    intervals
}

fn terms(setup: &Setup, policy: &PollPolicy) -> Option<Terms> {
    let round_trip = round_trip(setup);
    let longest = round_trip.iter().fold(setup.link.opening_bound(), |sum, part| sum + part.bound());
    let constant_trip = round_trip.iter().all(|part| part.is_constant());
    let failure = exchange_loss(setup);
    let jittered = policy.jitter != Jitter::None;
    let fits = match policy.timing {
        _ if policy.jitter == Jitter::Exponential => failure == 0.0 && constant_trip,
        // After a failed poll the cycle is longer by the timeout.
        Timing::FixedDelay => failure == 0.0 && constant_trip && !jittered,
        Timing::FixedRate if longest > policy.every => failure == 0.0 && constant_trip && !jittered,
        // Polls off their grid may fall due while the one before is open.
        Timing::FixedRate => {
            let spread = match policy.jitter {
                Jitter::None => 0.0,
                Jitter::Gap(spread) | Jitter::Grid(spread) => spread,
                Jitter::Exponential => 1.0,
            };
            let shortest_gap = policy.every.scale(1.0 - spread);
            failure == 0.0 && longest <= shortest_gap || !jittered && policy.timeout <= policy.every
        }
    };
    let answered_in_time = longest <= policy.timeout && failure < 1.0;
    let densest = setup.workload.arrivals.densest_per_sec();
    let most_between = densest * cycle(setup, policy) * f64::from(failures_in_a_row(failure));
    let page = setup.api.page.min(policy.page);
    let pages_hold = match policy.jitter {
        // Between purely random instants the number of events is geometric.
        Jitter::Exponential => {
            let r = densest * setup.workload.batch.mean() * cycle(setup, policy);
            setup.workload.batch.is_single() && libm::pow(r / (1.0 + r), f64::from(page) + 1.0) < 1e-6
        }
        _ => clusters::page_overflow(&setup.workload.batch, most_between, page) < 1e-6,
    };
    // What ages out before a poll comes for it is never seen, and what is turned away is asked for later.
    let waits =
        cycle(setup, policy) * f64::from(failures_in_a_row(failure)) + setup.link.request.latency.bound().as_secs_f64();
    let undisturbed = limits::never_bite(setup, policy) && limits::keeps_for(setup, waits);
    let nobody_waits = setup.api.capacity.workers.is_none() || setup.api.service_time.is_zero();
    // With an overlap polls that would be empty bring what is known, and pages fill up with it.
    let only_news = policy.target == Target::Feed { overlap: Span::ZERO };
    (fits && answered_in_time && pages_hold && nobody_waits && undisturbed && only_news).then(|| Terms {
        cycle: cycle(setup, policy),
        interval: policy.every.as_secs_f64(),
        constant: setup.api.service_time.mean_secs()
            + setup.link.response.latency.mean_secs()
            + policy.service_time.mean_secs(),
        // A constant way to the provider shifts every instant of sampling alike and so changes nothing.
        sampling_variance: setup.link.request.latency.variance_secs2() + setup.link.opening_variance_secs2(),
        failure,
        rate: event_rate(setup),
    })
}

/// Mean latency in seconds: half the mean squared gap over the mean gap between instants of sampling (the inspection
/// paradox), a whole gap more for each poll that failed, and the constant part.
fn latency_mean(terms: &Terms, policy: &PollPolicy) -> f64 {
    let (cycle, failure) = (terms.cycle, terms.failure);
    let jitter = match policy.jitter {
        Jitter::None => 0.0,
        // Uniform gaps of T (1 ± j): E[gap²] / 2T = T/2 (1 + j²/3).
        Jitter::Gap(spread) => cycle * spread * spread / 6.0,
        // Grid points put off by U(0, w): each gap has twice the variance w²/12.
        Jitter::Grid(spread) => cycle * spread * spread / 12.0,
        // Exponential gaps after each end: the variance of a gap is T².
        Jitter::Exponential => terms.interval * terms.interval / (2.0 * cycle),
    };
    cycle / 2.0 + jitter + terms.sampling_variance / cycle + cycle * failure / (1.0 - failure) + terms.constant
}

/// A latency quantile in seconds, where nothing but the phase and failures is random: P(L > (k + u) T) = f^k (1 - u (1 - f)).
fn latency_quantile(setup: &Setup, terms: &Terms, policy: &PollPolicy, quantile: f64) -> Option<f64> {
    let rest =
        [&setup.link.request.latency, &setup.api.service_time, &setup.link.response.latency, &policy.service_time];
    if policy.jitter != Jitter::None || !rest.iter().all(|part| part.is_constant()) {
        return None;
    }
    let (tail, failure) = (1.0 - quantile, terms.failure);
    // The largest k with f^k >= tail; the nudge keeps a quantile that lies just on the edge on its near side.
    let cycles = if failure > 0.0 { libm::floor(libm::log(tail) / libm::log(failure) + 1e-9) } else { 0.0 };
    let reach = if failure > 0.0 { libm::pow(failure, cycles) } else { 1.0 };
    let within = (1.0 - tail / reach) / (1.0 - failure);
    Some((cycles + within) * terms.cycle + terms.constant)
}

/// The share of polls that are answered with nothing new.
fn empty_ratio(setup: &Setup, terms: &Terms, policy: &PollPolicy) -> Option<f64> {
    // A batch is found or not found as one.
    let (rate, failure) = (terms.rate? / setup.workload.batch.mean(), terms.failure);
    let r = rate * terms.cycle;
    if terms.sampling_variance > 0.0 {
        return None;
    }
    if policy.conditional {
        // The first poll that finds nothing after one that brought something is answered 200, those behind it 304.
        let is_plain = matches!(setup.workload.arrivals, Arrivals::Poisson { .. }) && policy.jitter == Jitter::None;
        return (is_plain && failure == 0.0).then(|| libm::exp(-r) * -libm::expm1(-r));
    }
    match (&setup.workload.arrivals, policy.jitter) {
        // Of the polls that are answered, those with nothing since the last one that was.
        (Arrivals::Poisson { .. }, Jitter::None) => {
            let none = libm::exp(-r);
            Some((1.0 - failure) * (1.0 - failure) * none / (1.0 - failure * none))
        }
        (Arrivals::Poisson { .. }, Jitter::Gap(spread)) if spread > 0.0 => {
            let x = r * spread;
            Some(libm::exp(-r) * libm::sinh(x) / x)
        }
        (Arrivals::Poisson { .. }, Jitter::Grid(spread)) if spread > 0.0 => {
            let width = rate * spread * terms.interval;
            let transform = |x: f64| libm::expm1(x) / x;
            Some(libm::exp(-r) * transform(width) * transform(-width))
        }
        (Arrivals::Poisson { .. }, Jitter::Exponential) => {
            Some(libm::exp(-rate * (terms.cycle - terms.interval)) / (1.0 + rate * terms.interval))
        }
        // Every event is found by a poll of its own, wherever the two grids lie.
        (Arrivals::Constant { .. }, Jitter::None) if failure == 0.0 && r < 1.0 => Some(1.0 - r),
        (Arrivals::Bursts { gap_nanos, on, off }, Jitter::None) if failure == 0.0 => {
            Some(empty_under_bursts(1e9 / gap_nanos, 1.0 / on.as_secs_f64(), 1.0 / off.as_secs_f64(), terms.cycle))
        }
        (arrivals @ (Arrivals::Daily { .. } | Arrivals::Phases { .. }), Jitter::None)
            if failure == 0.0 && policy.phase == Phase::Random =>
        {
            let way = setup.link.request.latency.mean_secs();
            Some(rhythm::empty_share(arrivals, setup.frame, terms.cycle, way))
        }
        _ => None,
    }
}

/// The probability that an on-off source brings nothing within a time: π exp((Q - Λ) t) 1, with the exponential of the
/// two-by-two matrix in closed form. Rates per second.
fn empty_under_bursts(rate_on: f64, on_to_off: f64, off_to_on: f64, seconds: f64) -> f64 {
    let (a, b) = ((-on_to_off - rate_on) * seconds, on_to_off * seconds);
    let (c, d) = (off_to_on * seconds, -off_to_on * seconds);
    let middle = (a + d) / 2.0;
    let root = libm::sqrt((a - d) * (a - d) / 4.0 + b * c);
    // exp(M) = e^m (cosh ρ I + sinh ρ / ρ (M - m I)), written with e^(m ± ρ) so that neither factor overflows.
    let (high, low) = (libm::exp(middle + root), libm::exp(middle - root));
    let (even, odd) = ((high + low) / 2.0, if root > 0.0 { (high - low) / (2.0 * root) } else { high });
    let from_on = even + odd * (a - middle + b);
    let from_off = even + odd * (c + d - middle);
    (off_to_on * from_on + on_to_off * from_off) / (on_to_off + off_to_on)
}

/// The probability that a Poisson count of mean `r` exceeds a page.
pub(super) fn page_overflow(r: f64, page: u32) -> f64 {
    // Beyond some hundreds the exponential would vanish; twice the mean and more is far enough away then.
    if r > 500.0 || r > f64::from(page) {
        return if f64::from(page) > 2.0 * r && r.is_finite() { 0.0 } else { 1.0 };
    }
    let mut term = libm::exp(-r);
    let mut held = term;
    for n in 1..=page {
        term *= r / f64::from(n);
        held += term;
    }
    (1.0 - held).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_on_off_source_leaves_more_polls_empty_than_a_steady_one() {
        let worked = [
            ((1.0, 1.0 / 60.0, 1.0 / 540.0, 60.0), 0.809_749),
            ((0.5, 1.0 / 10.0, 1.0 / 90.0, 30.0), 0.705_970),
            ((0.1, 1.0 / 300.0, 1.0 / 300.0, 60.0), 0.440_454),
        ];
        for ((rate, a, b, t), expected) in worked {
            assert!(
                (empty_under_bursts(rate, a, b, t) - expected).abs() < 1e-6,
                "{}",
                empty_under_bursts(rate, a, b, t)
            );
        }
    }

    #[test]
    fn pages_per_poll_are_as_worked_out() {
        for (r, page, pages) in [(3.0, 5, 1.084_210), (50.0, 20, 2.986_123), (10.0, 10, 1.418_549), (0.1, 100, 1.0)] {
            assert!((pages_per_poll(r, page) - pages).abs() < 1e-6, "{}", pages_per_poll(r, page));
        }
    }

    #[test]
    fn a_page_overflows_as_often_as_a_poisson_count_exceeds_it() {
        assert!(page_overflow(0.1, 100) < 1e-12);
        assert!((page_overflow(1.0, 1) - (1.0 - 2.0 / std::f64::consts::E)).abs() < 1e-12);
        assert!(page_overflow(500.0, 100) > 0.99);
    }
}
