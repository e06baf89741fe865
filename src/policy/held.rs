//! Polls that the provider holds while it has nothing to answer: no worker is busy with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::peer::{Exchange, Request};
use crate::time::Time;

/// A poll that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldPoll {
    /// Its exchange.
    pub exchange: Exchange,
    /// When it came.
    pub asked_at: Time,
    /// What it asks.
    pub request: Request,
    /// When it is held no longer.
    pub until: Time,
    /// Whether it is then cut off by a proxy and not answered by the provider.
    pub is_cut: bool,
}

/// The polls that are held, at most one for each consumer.
#[derive(Clone, Debug, Default)]
pub struct Held {
    polls: BTreeMap<u32, HeldPoll>,
    /// When each is held no longer, and whose it is.
    ends: BTreeSet<(Time, u32)>,
}

impl Held {
    /// Holds a poll. Gives back the one that was held for the same consumer, if there was one: its poller has given it up.
    #[must_use]
    pub fn hold(&mut self, poll: HeldPoll) -> Option<HeldPoll> {
        let consumer = poll.exchange.consumer;
        let before = self.release(consumer);
        self.ends.insert((poll.until, consumer));
        self.polls.insert(consumer, poll);
        before
    }

    /// The poll that is held for a consumer.
    pub fn of(&self, consumer: u32) -> Option<&HeldPoll> {
        self.polls.get(&consumer)
    }

    /// Holds a consumer's poll no longer.
    pub fn release(&mut self, consumer: u32) -> Option<HeldPoll> {
        let poll = self.polls.remove(&consumer)?;
        self.ends.remove(&(poll.until, consumer));
        Some(poll)
    }

    /// A poll that is held no longer by now, the one that ended first.
    pub fn pop_due(&mut self, now: Time) -> Option<HeldPoll> {
        let (until, consumer) = *self.ends.first()?;
        if until > now { None } else { self.release(consumer) }
    }

    /// Forgets the polls of these consumers.
    pub fn clear_where(&mut self, is_one: impl Fn(u32) -> bool) {
        let gone: Vec<u32> = self.polls.keys().copied().filter(|consumer| is_one(*consumer)).collect();
        for consumer in gone {
            self.release(consumer);
        }
    }

    /// When the next poll is held no longer.
    #[inline]
    pub fn deadline(&self) -> Option<Time> {
        self.ends.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Side;
    use crate::time::Span;

    fn poll(consumer: u32, serial: u32, until: u64) -> HeldPoll {
        let exchange = Exchange { opener: Side::Consumer, consumer, serial };
        let request = Request::Poll { after: 0, limit: 1, poll: serial, page: 0, hold: Span::from_secs(1), tag: None };
        HeldPoll { exchange, asked_at: Time::ZERO, request, until: Time::from_nanos(until), is_cut: false }
    }

    #[test]
    fn each_consumer_has_one_poll_that_ends_in_its_turn() {
        let mut held = Held::default();
        assert_eq!(held.deadline(), None);
        assert_eq!(held.hold(poll(3, 0, 50)), None);
        assert_eq!(held.hold(poll(1, 0, 70)), None);
        assert_eq!(held.hold(poll(2, 0, 50)), None);
        assert_eq!(held.hold(poll(3, 1, 60)), Some(poll(3, 0, 50)), "the newer one takes its place");
        assert_eq!((held.of(3), held.of(9)), (Some(&poll(3, 1, 60)), None));
        assert_eq!(held.deadline(), Some(Time::from_nanos(50)));
        assert_eq!(held.pop_due(Time::from_nanos(49)), None);
        assert_eq!(held.pop_due(Time::from_nanos(60)), Some(poll(2, 0, 50)));
        assert_eq!(held.release(1), Some(poll(1, 0, 70)));
        assert_eq!(held.pop_due(Time::from_nanos(60)), Some(poll(3, 1, 60)));
        assert_eq!((held.pop_due(Time::NEVER), held.deadline()), (None, None));
    }
}
