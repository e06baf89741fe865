//! The circuit breaker in front of one endpoint.

use std::collections::VecDeque;

use crate::policy::dispatcher::BreakerPolicy;
use crate::time::{Span, Time};

/// Into how many parts the window is divided: what bounds its memory, and how exact it is.
const PARTS: u64 = 64;

/// What the breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Everything.
    Free,
    /// A single attempt, once this instant has come.
    One(Time),
    /// Nothing until the single attempt has ended.
    Shut,
}

/// A circuit breaker with what it remembers.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Closed(Recent),
    Open {
        until: Time,
    },
    HalfOpen {
        /// The exchange of the single attempt.
        probe: u32,
    },
}

impl Breaker {
    /// A closed breaker that has seen nothing.
    pub(super) const fn new(policy: BreakerPolicy) -> Self {
        Self { policy, state: State::Closed(Recent::NOTHING) }
    }

    /// What may leave.
    pub(super) const fn passage(&self) -> Passage {
        match self.state {
            State::Closed(_) => Passage::Free,
            State::Open { until } => Passage::One(until),
            State::HalfOpen { .. } => Passage::Shut,
        }
    }

    /// An attempt has left; the first after the cool-down is the one that decides.
    pub(super) fn left(&mut self, exchange: u32) {
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen { probe: exchange };
        }
    }

    /// An attempt has ended. True if that has opened the breaker.
    ///
    /// While it is open, only the end of the single attempt matters: those that left before say nothing new.
    pub(super) fn ended(&mut self, now: Time, exchange: u32, failed: bool) -> bool {
        let opens = match &mut self.state {
            State::Closed(recent) => {
                recent.count(now, self.policy.window, failed);
                recent.ended >= u64::from(self.policy.minimum) && recent.failed_share() >= self.policy.failure_share
            }
            State::HalfOpen { probe } if *probe == exchange => {
                if !failed {
                    self.state = State::Closed(Recent::NOTHING);
                }
                failed
            }
            State::Open { .. } | State::HalfOpen { .. } => false,
        };
        if opens {
            self.state = State::Open { until: now + self.policy.cool_down };
        }
        opens
    }
}

/// The attempts that ended within the window, counted in parts.
///
/// A part begins with an attempt and takes in those of the next 64th of the window. It is forgotten as a whole once its
/// first attempt is as old as the window. So an attempt is never remembered too long, and forgotten too early by less than
/// a 64th of the window; one that is alone in its part, exactly in time. There are never more than 65 parts.
#[derive(Clone, Debug)]
struct Recent {
    parts: VecDeque<Part>,
    ended: u64,
    failed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    from: Time,
    ended: u64,
    failed: u64,
}

impl Recent {
    const NOTHING: Self = Self { parts: VecDeque::new(), ended: 0, failed: 0 };

    fn count(&mut self, now: Time, window: Span, failed: bool) {
        while let Some(old) = self.parts.pop_front_if(|part| part.from + window <= now) {
            self.ended -= old.ended;
            self.failed -= old.failed;
        }
        let width = Span::from_nanos(window.as_nanos().div_ceil(PARTS));
        let failed = u64::from(failed);
        match self.parts.back_mut().filter(|part| now.since(part.from) < width) {
            Some(part) => {
                part.ended += 1;
                part.failed += failed;
            }
            None => self.parts.push_back(Part { from: now, ended: 1, failed }),
        }
        self.ended += 1;
        self.failed += failed;
    }

    fn failed_share(&self) -> f64 {
        self.failed as f64 / self.ended.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: BreakerPolicy =
        BreakerPolicy { window: Span::from_secs(60), failure_share: 0.5, minimum: 4, cool_down: Span::from_secs(30) };

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    /// Ends attempts at these seconds, and says which of them opened the breaker.
    fn opened(policy: BreakerPolicy, attempts: &[(u64, bool)]) -> Vec<u64> {
        let mut breaker = Breaker::new(policy);
        attempts.iter().filter(|&&(second, failed)| breaker.ended(at(second), 0, failed)).map(|(s, _)| *s).collect()
    }

    #[test]
    fn it_opens_at_the_share_and_not_before_there_are_enough() {
        assert_eq!(opened(POLICY, &[(1, true), (2, true), (3, true), (4, true)]), [4], "three are too few");
        assert_eq!(opened(POLICY, &[(1, true), (2, false), (3, true), (4, false)]), [4], "just half of them");
        assert_eq!(opened(POLICY, &[(1, true), (2, false), (3, false), (4, false)]), [0; 0]);
        let share = BreakerPolicy { failure_share: 0.07, minimum: 100, ..POLICY };
        let attempts: Vec<_> = (0..100).map(|i| (1, i < 7)).collect();
        assert_eq!(opened(share, &attempts), [1], "7 of 100 are 7 %");
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        assert_eq!(opened(POLICY, &[(0, true), (1, true), (2, true), (60, true), (61, true)]), [0; 0]);
        assert_eq!(opened(POLICY, &[(0, true), (1, true), (2, true), (59, true)]), [59]);
    }

    #[test]
    fn a_single_attempt_decides_and_late_ends_of_others_do_not() {
        let mut breaker = Breaker::new(BreakerPolicy { minimum: 1, ..POLICY });
        assert_eq!(breaker.passage(), Passage::Free);
        assert!(breaker.ended(at(1), 0, true));
        assert_eq!(breaker.passage(), Passage::One(at(31)));
        assert!(!breaker.ended(at(2), 1, false), "it left before the breaker opened");
        breaker.left(2);
        assert_eq!(breaker.passage(), Passage::Shut);
        assert!(!breaker.ended(at(32), 1, true));
        assert_eq!(breaker.passage(), Passage::Shut);
        assert!(breaker.ended(at(33), 2, true), "opened again");
        assert_eq!(breaker.passage(), Passage::One(at(63)));
        breaker.left(3);
        assert!(!breaker.ended(at(64), 3, false));
        assert_eq!(breaker.passage(), Passage::Free);
    }

    proptest! {
        #[test]
        fn the_window_is_exact_to_a_64th(
            gaps in prop::collection::vec((0u64..3_000, any::<bool>()), 1..300),
            window in 1u64..20_000,
        ) {
            let (mut recent, mut all, mut now) = (Recent::NOTHING, Vec::new(), 0);
            for (gap, failed) in gaps {
                now += gap;
                all.push((now, failed));
                recent.count(Time::from_nanos(now), Span::from_nanos(window), failed);
                let younger = |age: u64| all.iter().filter(move |(at, _)| now - at < age);
                let least = window - window.div_ceil(PARTS) + 1;
                prop_assert!(recent.ended <= younger(window).count() as u64);
                prop_assert!(recent.ended >= younger(least).count() as u64);
                prop_assert!(recent.failed <= younger(window).filter(|(_, failed)| *failed).count() as u64);
                prop_assert!(recent.failed >= younger(least).filter(|(_, failed)| *failed).count() as u64);
                prop_assert!(recent.parts.len() <= 65);
            }
        }
    }
}
