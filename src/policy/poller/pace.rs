//! How long the interval between polls is, by what they brought.

use crate::policy::poller::values::{Aim, PollPolicy, Strategy};
use crate::time::{Span, Time};

/// What became of a poll, all of its pages together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Yield {
    /// It brought so many events that were not known; above zero.
    Events(u32),
    /// It was answered, with nothing new.
    Nothing,
    /// It failed or was refused, and brought nothing.
    Failed,
}

/// The present interval, and what it goes by.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    strategy: Strategy,
    every: Span,
    interval: Span,
    /// The natural logarithm of the interval in nanoseconds, where it is steered by shares.
    log: f64,
    /// Exponentially weighted means over polls: of the events in one, and of the nanoseconds between two.
    means: [f64; 2],
    /// When the last poll left that was answered.
    answered: Time,
}

impl Pace {
    /// The interval that the policy begins with.
    pub(super) fn new(policy: &PollPolicy) -> Self {
        let nanos = policy.every.as_nanos() as f64;
        // The first estimate is that the interval is right as it is.
        let aim = match policy.strategy {
            Strategy::Adaptive { aim: Aim::EventsPerPoll(events), .. } => events,
            _ => 0.0,
        };
        Self {
            strategy: policy.strategy,
            every: policy.every,
            interval: policy.every,
            log: libm::log(nanos.max(1.0)),
            means: [aim, nanos],
            answered: Time::ZERO,
        }
    }

    /// The interval that holds now.
    pub(super) const fn interval(&self) -> Span {
        self.interval
    }

    /// Takes note of what became of a poll that left at `left`.
    pub(super) fn learn(&mut self, left: Time, result: Yield) {
        match self.strategy {
            Strategy::Fixed | Strategy::Hint | Strategy::LongPoll { .. } => {}
            Strategy::Backoff { factor, max } => {
                self.interval = match result {
                    Yield::Events(_) => self.every,
                    Yield::Nothing | Yield::Failed => self.interval.scale(factor).min(max),
                };
            }
            Strategy::Adaptive { aim, gain, min, max } => {
                let events = match result {
                    Yield::Events(events) => events,
                    Yield::Nothing => 0,
                    Yield::Failed => return,
                };
                let nanos = match aim {
                    Aim::UsefulShare(share) => self.steer(share, gain, events > 0, [min, max]),
                    Aim::EventsPerPoll(aim) => self.estimate(aim, gain, events, left),
                };
                self.interval = Span::from_nanos_f64(nanos).max(min).min(max);
            }
        }
    }

    /// A step of stochastic approximation (Robbins and Monro 1951), in logarithms so that an interval stays above zero. As
    /// the steps add up, the share of useful polls is off its aim by the way that the logarithm has gone, over gain times
    /// polls: in the long run by nothing, whatever the arrivals are, as long as the interval meets neither bound.
    fn steer(&mut self, share: f64, gain: f64, useful: bool, [min, max]: [Span; 2]) -> f64 {
        let bound = |span: Span| libm::log((span.as_nanos() as f64).max(1.0));
        let step = gain * (share - f64::from(u8::from(useful)));
        self.log = (self.log + step).max(bound(min)).min(bound(max));
        libm::exp(self.log)
    }

    /// The interval in which so many events come at the rate of late.
    fn estimate(&mut self, aim: f64, gain: f64, events: u32, left: Time) -> f64 {
        let gap = left.since(self.answered).as_nanos() as f64;
        self.answered = left;
        for (mean, sample) in self.means.iter_mut().zip([f64::from(events), gap]) {
            *mean += gain * (sample - *mean);
        }
        let [events, nanos] = self.means;
        // Without an event for ever so long this is infinite, and then the longest interval holds.
        aim * nanos / events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(strategy: Strategy) -> Pace {
        Pace::new(&PollPolicy { strategy, ..PollPolicy::new(Span::from_secs(10), Span::from_secs(1), 1) })
    }

    fn intervals(mut pace: Pace, results: &[Yield]) -> Vec<f64> {
        let mut left = Time::ZERO;
        let mut interval = |result: &Yield| {
            left = left + pace.interval();
            pace.learn(left, *result);
            pace.interval().as_secs_f64()
        };
        results.iter().map(&mut interval).collect()
    }

    #[test]
    fn backing_off_ends_with_the_first_event() {
        let pace = pace(Strategy::Backoff { factor: 2.0, max: Span::from_secs(50) });
        let results = [Yield::Nothing, Yield::Failed, Yield::Nothing, Yield::Nothing, Yield::Events(3), Yield::Nothing];
        assert_eq!(intervals(pace, &results), [20.0, 40.0, 50.0, 50.0, 10.0, 20.0]);
    }

    #[test]
    fn the_share_of_useful_polls_moves_the_logarithm() {
        let (min, max) = (Span::from_secs(1), Span::from_secs(12));
        let aim = Aim::UsefulShare(0.25);
        let results = [Yield::Events(9), Yield::Failed, Yield::Nothing, Yield::Nothing, Yield::Nothing, Yield::Nothing];
        let observed = intervals(pace(Strategy::Adaptive { aim, gain: 0.4, min, max }), &results);
        let expected = [-0.3, -0.3, -0.2, -0.1, 0.0, 0.1].map(|log| 10.0 * libm::exp(log));
        for (observed, expected) in observed.iter().zip(expected) {
            assert!((observed - expected).abs() < 1e-6, "{observed} {expected}");
        }
        let idle = intervals(pace(Strategy::Adaptive { aim, gain: 1.0, min, max }), &[Yield::Nothing; 9]);
        assert!((idle[8] - 12.0).abs() < 1e-6);
        let busy = intervals(pace(Strategy::Adaptive { aim, gain: 1.0, min, max }), &[Yield::Events(1); 9]);
        assert!((busy[8] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_rate_of_late_gives_the_interval_that_brings_so_many() {
        let (min, max) = (Span::from_secs(1), Span::from_secs(100));
        let strategy = |gain| Strategy::Adaptive { aim: Aim::EventsPerPoll(4.0), gain, min, max };
        // With all the weight on the last poll: 8 in 10 s are 4 in 5 s, 1 in 5 s are 4 in 20 s.
        let results = [Yield::Events(8), Yield::Events(1), Yield::Failed, Yield::Nothing];
        assert_eq!(intervals(pace(strategy(1.0)), &results), [5.0, 20.0, 20.0, 100.0]);
        // With half of it the first estimate, 4 in 10 s, counts too: 6 in 10 s.
        let observed = intervals(pace(strategy(0.5)), &[Yield::Events(8)]);
        assert!((observed[0] - 20.0 / 3.0).abs() < 1e-6, "{observed:?}");
    }
}
