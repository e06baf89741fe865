//! When a poller is down, and when it starts anew.
//!
//! A poller that is down asks nothing and hears nothing. Once it is up again its schedule begins anew, from where its cursor
//! is: at once if the polls of all consumers begin together, otherwise at a random moment within one interval, so that a
//! whole fleet that comes up again does not ask all at once.

use std::collections::VecDeque;

use crate::fault::{FaultKind, Faults};
use crate::policy::poller::{Phase, PollPolicy};
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

#[derive(Clone, Copy, Debug)]
struct Outage {
    from: Time,
    until: Time,
    /// The position of the fault among those of the client; of several that join, the one that ends last.
    fault: u32,
}

/// The outages of one consumer's poller that are not over.
#[derive(Clone, Debug)]
pub(super) struct Outages {
    seed: Seed,
    consumer: u32,
    /// The stretch in which it starts anew after each.
    spread: Span,
    ahead: VecDeque<Outage>,
    /// The poller is down.
    is_on: bool,
}

impl Outages {
    /// Those that a consumer meets; none without a poller.
    pub(super) fn new(faults: &Faults, seed: Seed, consumer: u32, policy: Option<&PollPolicy>) -> Self {
        let spread = match policy {
            Some(PollPolicy { every, phase: Phase::Random, .. }) => *every,
            _ => Span::ZERO,
        };
        let meets = |(fault, it): (u32, &crate::fault::Fault)| {
            let is_one = it.kind == FaultKind::PollerDown && it.from < it.until && it.whom.includes(consumer);
            (policy.is_some() && is_one).then_some(Outage { from: it.from, until: it.until, fault })
        };
        let mut all: Vec<_> = (0..).zip(&faults.0).filter_map(meets).collect();
        all.sort_by_key(|outage| outage.from);
        let mut ahead = VecDeque::<Outage>::new();
        for outage in all {
            match ahead.back_mut() {
                // It does not come up in between.
                Some(last) if outage.from <= last.until => {
                    if outage.until > last.until {
                        *last = Outage { from: last.from, ..outage };
                    }
                }
                _ => ahead.push_back(outage),
            }
        }
        Self { seed, consumer, spread, ahead, is_on: false }
    }

    /// Takes note of what time it is: ends the outages that are over by now. Gives back when the poller's schedule begins anew,
    /// if one was.
    #[inline]
    pub(super) fn come_up(&mut self, now: Time) -> Option<Time> {
        if self.ahead.is_empty() { None } else { self.end_some(now) }
    }

    fn end_some(&mut self, now: Time) -> Option<Time> {
        let mut restart = None;
        while let Some(Outage { until, fault, .. }) = self.ahead.pop_front_if(|outage| outage.until <= now) {
            let draw = self.seed.draw(Purpose::PollRestart, [self.consumer.into(), fault.into(), 0]);
            restart = Some(until + Span::from_nanos(draw.below(self.spread.as_nanos())));
        }
        self.is_on = self.ahead.front().is_some_and(|outage| outage.from <= now);
        restart
    }

    /// Whether the poller is down. Asked after [`Self::come_up`].
    #[inline]
    pub(super) fn is_on(&self, now: Time) -> bool {
        self.ahead.front().is_some_and(|outage| outage.from <= now)
    }

    /// From when on the poller is down next, or has been since; none if it stays up.
    pub(super) fn next(&self) -> Option<Time> {
        self.ahead.front().map(|outage| outage.from)
    }

    /// When the poller is to be woken that would want to be woken then: not while it is down, but when it comes up.
    #[inline]
    pub(super) fn deadline(&self, poller: Option<Time>) -> Option<Time> {
        match self.ahead.front() {
            // What was due before it went down, and was not done in time, has to wait like the rest.
            Some(outage) => Some(poller.filter(|at| !self.is_on && *at < outage.from).unwrap_or(outage.until)),
            None => poller,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Whom};

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    fn outages(phase: Phase, faults: Vec<Fault>) -> Outages {
        let policy = PollPolicy { phase, ..PollPolicy::new(Span::from_secs(10), Span::from_secs(10), 1) };
        Outages::new(&Faults(faults), Seed::new(7), 3, Some(&policy))
    }

    fn down(from: u64, until: u64) -> Fault {
        Fault::new(FaultKind::PollerDown, at(from), at(until))
    }

    #[test]
    fn it_is_woken_before_an_outage_and_after_it_but_not_in_it() {
        let mut outages = outages(Phase::Aligned, vec![down(20, 30)]);
        assert_eq!(outages.deadline(Some(at(19))), Some(at(19)));
        for wanted in [None, Some(at(20)), Some(at(29)), Some(at(99))] {
            assert_eq!(outages.deadline(wanted), Some(at(30)));
        }
        assert_eq!((outages.is_on(at(19)), outages.is_on(at(20)), outages.is_on(at(29))), (false, true, true));
        assert_eq!(outages.come_up(at(20)), None);
        assert_eq!(outages.deadline(Some(at(19))), Some(at(30)), "it is down already");
        assert_eq!(
            (outages.come_up(at(29)), outages.come_up(at(30)), outages.come_up(at(31))),
            (None, Some(at(30)), None)
        );
        assert_eq!(outages.deadline(None), None);
        assert!(!outages.is_on(at(30)));
    }

    #[test]
    fn outages_that_touch_are_one_and_each_has_a_restart_of_its_own() {
        let mut outages = outages(Phase::Random, vec![down(50, 60), down(10, 20), down(20, 25), down(12, 14)]);
        let first = outages.come_up(at(25));
        assert!(first.is_some_and(|restart| (at(25)..at(35)).contains(&restart)), "{first:?}");
        let second = outages.come_up(at(60));
        assert!(second.is_some_and(|restart| (at(60)..at(70)).contains(&restart)), "{second:?}");
        assert_ne!(
            first.map(|at| at.since(Time::ZERO + Span::from_secs(25))),
            second.map(|at| at.since(Time::ZERO + Span::from_secs(60)))
        );
    }

    #[test]
    fn others_outages_are_not_its_own() {
        let nobody = Whom::Some { share: 0.0, seed: Seed::new(1), fault: 0 };
        let fault = Fault { whom: nobody, ..down(10, 20) };
        assert_eq!(outages(Phase::Random, vec![fault, down(30, 30)]).deadline(None), None);
    }
}
