//! First attempts whose whole course is known before anything else happens.

use super::Dispatcher;
use crate::distribution::Distribution;
use crate::peer::{Event, Exchange, Side};
use crate::time::{Span, Time};

impl Dispatcher {
    /// The exchange with which the first attempt of an event leaves that occurs now, and how long it waits for its answer; none
    /// if it does not leave at once.
    /// Nothing has changed until [`Self::accepted_in_passing`] or [`Self::occurred`] is called.
    #[inline]
    pub fn first_attempt(&self, now: Time, event: &Event) -> Option<(Exchange, Span)> {
        if !self.lanes.is_empty() || !self.leaves_at_once(now, event, self.terms.due(event)) {
            return None;
        }
        let flying = self.index(event.consumer).and_then(|index| self.flying.get(index))?;
        let exchange = Exchange { opener: Side::Provider, consumer: event.consumer, serial: flying.next_serial() };
        Some((exchange, self.terms.policy.timeout))
    }

    /// The exchange with which the next first attempt to a consumer leaves, as soon as its event occurs, and those that follow
    /// with the next numbers, and how long each waits for its answer; none if they do not all leave at once. It holds as long
    /// as nothing but [`Self::accepted_in_passing`] is called.
    #[inline]
    pub fn first_attempts(&self, consumer: u32) -> Option<(Exchange, Span)> {
        let is_prompt = self.terms.policy.delay == Distribution::ZERO && self.terms.outages.0.is_empty();
        if !is_prompt || !self.lanes.is_empty() || !self.ready.is_empty() || !self.has_free_slot() {
            return None;
        }
        let flying = self.index(consumer).and_then(|index| self.flying.get(index))?;
        Some((Exchange { opener: Side::Provider, consumer, serial: flying.next_serial() }, self.terms.policy.timeout))
    }

    /// An event has occurred, and its first attempt has left as foreseen. It will be accepted: nothing is remembered of it but
    /// that it takes up its place among those under way until [`Self::accepted`] says that the sender knows.
    #[inline]
    pub fn left_in_passing(&mut self, exchange: Exchange) {
        self.accepted_in_passing(exchange.consumer, 1);
        self.flying_count = self.flying_count.saturating_add(1);
    }

    /// An attempt that had left in passing has been accepted. True if another may leave in its place, or something else is
    /// due: then [`Self::act`] is to be called.
    #[inline]
    pub fn accepted(&mut self) -> bool {
        debug_assert!(self.lanes.is_empty(), "an endpoint that has accepted everything has no lane");
        self.flying_count = self.flying_count.saturating_sub(1);
        !self.ready.is_empty()
    }

    /// So many events have occurred to a consumer one after the other, and the first attempt of each has left as foreseen and
    /// has been accepted: what [`Self::occurred`] and [`Self::ended`] would leave behind, which is nothing but the numbers that
    /// were given out.
    #[inline]
    pub fn accepted_in_passing(&mut self, consumer: u32, count: u32) {
        if let Some(flying) = self.index(consumer).and_then(|index| self.flying.get_mut(index)) {
            flying.skip(count);
        }
    }
}
