//! Closed forms for pollers whose interval is not fixed: backing off, long polls, a steered share of useful polls.

use crate::distribution::Distribution;
use crate::engine::{ClientSetup, Setup};
use crate::link::Handshake;
use crate::measure::summary::Figure;
use crate::policy::poller::{Aim, Jitter, PollPolicy, Strategy, Target, Timing};
use crate::policy::provider::{ApiLimits, ApiPolicy};
use crate::theory::{Prediction, event_rate, exchange_loss, pull};
use crate::time::Span;

/// How many standard deviations, in logarithms, an adaptive interval must keep from both of its bounds for its form to hold.
const BOUND_DISTANCE: f64 = 6.0;

/// A gap shorter than this share of the sum so far no longer changes it.
const NEGLIGIBLE: f64 = 1e-15;
/// After so many steps a backoff is taken to be at its longest; one whose factor is 1 always is.
const STEPS_MAX: u32 = 10_000;

/// What is known of a poller with another strategy, in seconds and events per second.
struct Terms {
    rate: f64,
    /// From the departure of a poll to its answer.
    round_trip: f64,
    /// From the instant of sampling until the page is handled.
    constant: f64,
}

/// The predictions for a pull client with another strategy than a fixed interval.
pub fn predict(setup: &Setup, client: &ClientSetup, policy: &PollPolicy) -> Vec<Prediction> {
    let Some(terms) = terms(setup, client, policy) else { return Vec::new() };
    let figures = match policy.strategy {
        Strategy::Backoff { factor, max } => backoff(setup, policy, &terms, factor, max),
        Strategy::LongPoll { hold } => long_poll(setup, policy, &terms, hold),
        Strategy::Adaptive { aim: Aim::UsefulShare(share), gain, min, max } if !policy.conditional => {
            // So many events come in the interval that it settles at. Around it the logarithm takes steps of the variance
            // gain² share (1 - share) and is drawn back by gain events (1 - share) of its distance.
            let events = -libm::log1p(-share);
            let settled = events / terms.rate;
            let distance = libm::exp(BOUND_DISTANCE * libm::sqrt(gain * share / (2.0 * events)));
            let is_free = settled > min.as_secs_f64() * distance && settled * distance < max.as_secs_f64();
            let pages_hold = pull::page_overflow(terms.rate * max.as_secs_f64(), page(setup, policy)) < 1e-6;
            let applies = is_free && pages_hold && terms.round_trip <= min.as_secs_f64();
            applies.then(|| vec![(Figure::EmptyRatio, 1.0 - share)])
        }
        Strategy::Fixed | Strategy::Adaptive { .. } | Strategy::Hint => None,
    };
    let prediction = |(figure, value)| Prediction { figure, value };
    figures.unwrap_or_default().into_iter().map(prediction).collect()
}

/// The conditions that all forms share: Poisson events, a feed, constant times, nothing lost and nobody turned away.
fn terms(setup: &Setup, client: &ClientSetup, policy: &PollPolicy) -> Option<Terms> {
    let (request, response) = (&setup.link.request.latency, &setup.link.response.latency);
    let trip = [request, &setup.api.service_time, response];
    let longest = trip.iter().fold(Span::ZERO, |sum, part| sum + part.bound());
    let ApiPolicy { capacity, ref service_time, limits, retention, .. } = setup.api;
    let is_plain = policy.target == Target::Feed { overlap: Span::ZERO }
        && policy.jitter == Jitter::None
        && client.faults.0.is_empty()
        && setup.workload.is_poisson()
        && setup.link.handshake == Handshake::Reuse
        && exchange_loss(setup) == 0.0;
    let all_let_in =
        (capacity.workers.is_none() || service_time.is_zero()) && limits == ApiLimits::default() && retention.is_none();
    let is_constant = trip.iter().all(|part| part.is_constant()) && longest <= policy.timeout;
    (is_plain && all_let_in && is_constant).then(|| Terms {
        rate: event_rate(setup).unwrap_or(0.0),
        round_trip: longest.as_secs_f64(),
        constant: service_time.mean_secs() + response.mean_secs() + policy.service_time.mean_secs(),
    })
}

fn page(setup: &Setup, policy: &PollPolicy) -> u32 {
    setup.api.page.min(policy.page)
}

/// Polls between two that bring something, and what they add up to.
struct Cycle {
    /// Polls, the one that brings something included.
    polls: f64,
    /// Seconds.
    length: f64,
    /// The sum of the squares of the gaps.
    squares: f64,
    /// The probability that the first of them brings nothing.
    first_empty: f64,
}

/// The mean cycle of a poller that backs off under Poisson events of this rate. With gaps T_0 < T_1 < .. < T_K and S_k the sum
/// of those before the k-th, a cycle comes to its k-th poll with probability exp(-λ S_k), and then stays at T_K until
/// something comes.
fn cycle_of_backoff(rate: f64, first: f64, factor: f64, max: f64, pause: f64) -> Cycle {
    let mut cycle = Cycle { polls: 0.0, length: 0.0, squares: 0.0, first_empty: libm::exp(-rate * (first + pause)) };
    let (mut interval, mut reach) = (first, 1.0);
    for step in 0..STEPS_MAX {
        let gap = interval + pause;
        let empty = libm::exp(-rate * gap);
        let is_longest = interval >= max || factor <= 1.0 || step + 1 == STEPS_MAX;
        let visits = if is_longest { reach / -libm::expm1(-rate * gap) } else { reach };
        cycle.polls += visits;
        cycle.length += visits * gap;
        cycle.squares += visits * gap * gap;
        reach *= empty;
        if is_longest || reach < NEGLIGIBLE {
            break;
        }
        interval = (interval * factor).min(max);
    }
    cycle
}

/// The pause between the end of an interval and the instant from which the next counts.
fn pause(policy: &PollPolicy, round_trip: f64) -> f64 {
    match policy.timing {
        Timing::FixedDelay => round_trip,
        Timing::FixedRate => 0.0,
    }
}

fn backoff(setup: &Setup, policy: &PollPolicy, terms: &Terms, factor: f64, max: Span) -> Option<Vec<(Figure, f64)>> {
    let (first, longest) = (policy.every.as_secs_f64(), max.as_secs_f64());
    let pages_hold = pull::page_overflow(terms.rate * (longest + terms.round_trip), page(setup, policy)) < 1e-6;
    if !pages_hold || (policy.timing == Timing::FixedRate && terms.round_trip > first) {
        return None;
    }
    let cycle = cycle_of_backoff(terms.rate, first, factor, longest, pause(policy, terms.round_trip));
    let empty = if policy.conditional { cycle.first_empty } else { cycle.polls - 1.0 };
    let mut figures = vec![
        (Figure::EmptyRatio, empty / cycle.polls),
        (Figure::RequestsPerEvent, cycle.polls / (terms.rate * cycle.length)),
    ];
    if longest + terms.constant <= pull::drain_secs(setup) {
        // An event falls into a gap as often as the gap is long, and waits half of it.
        let mean = cycle.squares / (2.0 * cycle.length) + terms.constant;
        figures.insert(0, (Figure::LatencyMean, mean * 1e3));
    }
    Some(figures)
}

/// The mean time that a poll is held, and the time from an answer until the next poll has come.
fn hold_and_gap(setup: &Setup, policy: &PollPolicy, rate: f64, hold: Span) -> [f64; 2] {
    let gap =
        policy.every.as_secs_f64() + setup.link.request.latency.mean_secs() + setup.link.response.latency.mean_secs();
    let held = if rate > 0.0 {
        libm::exp(-rate * gap) * -libm::expm1(-rate * hold.as_secs_f64()) / rate
    } else {
        hold.as_secs_f64()
    };
    [held, gap]
}

fn long_poll(setup: &Setup, policy: &PollPolicy, terms: &Terms, hold: Span) -> Option<Vec<(Figure, f64)>> {
    let [held, gap] = hold_and_gap(setup, policy, terms.rate, hold);
    let longest = gap + hold.as_secs_f64();
    let is_answered = hold + setup.link.request.latency.bound() + setup.link.response.latency.bound() <= policy.timeout
        && setup.api.idle_cut.is_none_or(|cut| cut >= hold);
    let pages_hold = pull::page_overflow(terms.rate * gap, page(setup, policy)) < 1e-6;
    if !is_answered || !pages_hold || !setup.api.service_time.is_zero() {
        return None;
    }
    let length = gap + held;
    let empty = libm::exp(-terms.rate * longest);
    // An answer 304 takes one before that brought nothing either.
    let empty = if policy.conditional { empty * (1.0 - empty) } else { empty };
    let mut figures = vec![(Figure::EmptyRatio, empty), (Figure::RequestsPerEvent, 1.0 / (terms.rate * length))];
    if gap + terms.constant <= pull::drain_secs(setup) {
        // Whatever occurs while no poll is held waits for the next, for half the gap on average.
        let mean = gap * gap / (2.0 * length) + terms.constant;
        figures.insert(0, (Figure::LatencyMean, mean * 1e3));
    }
    Some(figures)
}

/// About how long it is from one poll to the next, in seconds, whatever the arrivals; none for a fixed interval.
pub fn cycle(setup: &Setup, policy: &PollPolicy) -> Option<f64> {
    let mean = |part: &Distribution| part.mean_secs();
    let round_trip =
        mean(&setup.link.request.latency) + mean(&setup.api.service_time) + mean(&setup.link.response.latency);
    // A trace has no rate; as if nothing ever came, the least that a run can mean.
    let rate = event_rate(setup).unwrap_or(0.0);
    let (every, pause) = (policy.every.as_secs_f64(), pause(policy, round_trip));
    Some(match policy.strategy {
        Strategy::Fixed => return None,
        Strategy::Hint => (every + pause).max(setup.api.poll_interval.map_or(0.0, Span::as_secs_f64)),
        Strategy::Backoff { max, .. } if rate <= 0.0 => max.as_secs_f64() + pause,
        Strategy::Backoff { factor, max } => {
            let cycle = cycle_of_backoff(rate, every, factor, max.as_secs_f64(), pause);
            cycle.length / cycle.polls
        }
        Strategy::Adaptive { aim, min, max, .. } => {
            let events = match aim {
                Aim::UsefulShare(share) => -libm::log1p(-share),
                Aim::EventsPerPoll(events) => events,
            };
            (events / rate).max(min.as_secs_f64()).min(max.as_secs_f64()).max(round_trip)
        }
        Strategy::LongPoll { hold } => {
            let [held, gap] = hold_and_gap(setup, policy, rate, hold);
            held + gap + mean(&setup.api.service_time)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backing_off_is_as_worked_out() {
        let worked = [
            ((0.01, 5.0, 2.0, 300.0), [48.581_697, 0.764_503, 2.924_632]),
            ((0.1, 1.0, 2.0, 60.0), [5.317_982, 0.706_939, 2.295_077]),
            ((0.002, 30.0, 1.5, 900.0), [131.755_290, 0.804_683, 4.077_469]),
        ];
        for ((rate, first, factor, max), expected) in worked {
            let cycle = cycle_of_backoff(rate, first, factor, max, 0.0);
            let observed =
                [cycle.squares / (2.0 * cycle.length), 1.0 - 1.0 / cycle.polls, cycle.polls / (rate * cycle.length)];
            for (observed, expected) in observed.iter().zip(expected) {
                assert!((observed - expected).abs() < 1e-6, "{observed} {expected}");
            }
        }
    }

    #[test]
    fn a_factor_of_one_is_a_fixed_interval() {
        let cycle = cycle_of_backoff(0.1, 6.0, 1.0, 100.0, 1.0);
        assert!((cycle.length / cycle.polls - 7.0).abs() < 1e-9);
        assert!((1.0 - 1.0 / cycle.polls - libm::exp(-0.7)).abs() < 1e-12);
    }
}
