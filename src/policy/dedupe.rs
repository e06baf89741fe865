//! A receiver's memory of the events that it has taken, as far as it goes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use crate::policy::inbox::Inbox;
use crate::time::{Span, Time};

/// How a receiver knows events again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dedupe {
    /// Not at all: each webhook is handled as if it were the first.
    Never,
    /// By a store of the events it has taken.
    Remember {
        /// The most events in the store: beyond it the oldest are forgotten. None means no limit.
        size: Option<u32>,
        /// How long an event stays in the store. None means for ever.
        age: Option<Span>,
    },
}

/// Knows events again, unless they are too old or too many have come since.
#[derive(Clone, Debug)]
pub struct Store {
    policy: Dedupe,
    /// What was remembered, oldest first: since when, and which event. Empty where everything is remembered, because the
    /// inbox knows that already. One that was given back stays here until its turn comes.
    order: VecDeque<(Time, u32)>,
    /// What is remembered, and since when.
    since: BTreeMap<u32, Time>,
}

impl Store {
    /// A store that remembers nothing yet.
    pub const fn new(policy: Dedupe) -> Self {
        Self { policy, order: VecDeque::new(), since: BTreeMap::new() }
    }

    /// Whether an event is remembered. The inbox is what really was taken.
    pub fn knows(&mut self, now: Time, serial: u32, inbox: &Inbox) -> bool {
        match self.policy {
            Dedupe::Remember { size: None, age: None } => inbox.contains(serial),
            Dedupe::Never | Dedupe::Remember { .. } => self.knows_besides(now, serial),
        }
    }

    /// The same for an event that was not really taken.
    #[inline]
    pub fn knows_besides(&mut self, now: Time, serial: u32) -> bool {
        match self.policy {
            Dedupe::Never | Dedupe::Remember { size: None, age: None } => false,
            Dedupe::Remember { size, age } => {
                self.forget(now, size, age);
                self.since.contains_key(&serial)
            }
        }
    }

    /// Remembers an event that is taken now.
    #[inline]
    pub fn remember(&mut self, now: Time, serial: u32) {
        if let Dedupe::Remember { size, age } = self.policy
            && (size.is_some() || age.is_some())
        {
            self.store(now, serial, size, age);
        }
    }

    fn store(&mut self, now: Time, serial: u32, size: Option<u32>, age: Option<Span>) {
        if let Entry::Vacant(place) = self.since.entry(serial) {
            place.insert(now);
            self.order.push_back((now, serial));
            self.forget(now, size, age);
        }
    }

    /// Forgets an event that was not handled after all.
    pub fn give_back(&mut self, serial: u32) {
        self.since.remove(&serial);
    }

    fn forget(&mut self, now: Time, size: Option<u32>, age: Option<Span>) {
        let size = size.map_or(usize::MAX, |size| size as usize);
        while let Some((since, serial)) = self.order.front() {
            let is_held = self.since.get(serial) == Some(since);
            if is_held && self.since.len() <= size && age.is_none_or(|age| now.since(*since) <= age) {
                break;
            }
            if is_held {
                self.since.remove(serial);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Time {
        Time::ZERO + Span::from_secs(second)
    }

    fn filled(policy: Dedupe) -> (Store, Inbox) {
        let (mut store, mut inbox) = (Store::new(policy), Inbox::default());
        for serial in 1..=5 {
            inbox.take(serial);
            store.remember(at(serial.into()), serial);
        }
        (store, inbox)
    }

    fn known(policy: Dedupe, now: Time) -> Vec<u32> {
        let (mut store, inbox) = filled(policy);
        (1..=6).filter(|serial| store.knows(now, *serial, &inbox)).collect()
    }

    #[test]
    fn it_knows_what_its_size_and_its_age_allow() {
        let remember = |size, age: Option<u64>| Dedupe::Remember { size, age: age.map(Span::from_secs) };
        assert_eq!(known(Dedupe::Never, at(5)), Vec::<u32>::new());
        assert_eq!(known(remember(None, None), at(1_000)), [1, 2, 3, 4, 5]);
        assert_eq!(known(remember(Some(2), None), at(1_000)), [4, 5]);
        assert_eq!(known(remember(None, Some(3)), at(6)), [3, 4, 5], "an age that is just reached is not too old");
        assert_eq!(known(remember(Some(2), Some(1)), at(6)), [5]);
        assert_eq!(known(remember(None, Some(3)), at(1_000)), Vec::<u32>::new());
    }

    #[test]
    fn what_was_given_back_is_new_again_and_takes_no_room() {
        let (mut store, inbox) = filled(Dedupe::Remember { size: Some(3), age: None });
        store.give_back(4);
        store.remember(at(9), 6);
        let known: Vec<_> = (1..=6).filter(|serial| store.knows(at(9), *serial, &inbox)).collect();
        assert_eq!(known, [3, 5, 6]);
    }
}
