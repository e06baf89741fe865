//! The deliveries of one endpoint that wait for nothing but their turn.

use std::collections::{BTreeMap, VecDeque};

use crate::policy::dispatcher::Order;
use crate::policy::dispatcher::delivery::Delivery;

/// Those that are due, first come first served; in order, by their events.
///
/// What was kept for a disabled endpoint stays apart from what comes after it is enabled, so that an endpoint that is
/// disabled again and again moves only what has come in between, and not its whole backlog each time.
#[derive(Clone, Debug)]
pub(super) struct Line {
    order: Order,
    /// Those that were kept, by their first event. Each is due as soon as the endpoint is enabled.
    kept: BTreeMap<u32, Delivery>,
    /// Those that came since. In order, a retry waits in front until it is due.
    fresh: VecDeque<Delivery>,
}

impl Line {
    pub(super) const fn new(order: Order) -> Self {
        Self { order, kept: BTreeMap::new(), fresh: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len() + self.fresh.len()
    }

    /// Whether any is like this.
    pub(super) fn any(&self, is: impl Fn(&Delivery) -> bool) -> bool {
        self.kept.values().chain(&self.fresh).any(is)
    }

    /// The one that leaves next.
    pub(super) fn front(&self) -> Option<&Delivery> {
        if self.keeps_front() { self.kept.first_key_value().map(|(_, delivery)| delivery) } else { self.fresh.front() }
    }

    /// Takes the one out that leaves next.
    pub(super) fn pop_front(&mut self) -> Option<Delivery> {
        if self.keeps_front() { self.kept.pop_first().map(|(_, delivery)| delivery) } else { self.fresh.pop_front() }
    }

    /// Adds one that is due, behind the others; in order, behind those of earlier events.
    pub(super) fn push(&mut self, delivery: Delivery) {
        let place = match self.order {
            Order::None => self.fresh.len(),
            Order::Fifo => self.fresh.partition_point(|other| other.first.serial < delivery.first.serial),
        };
        self.fresh.insert(place, delivery);
    }

    /// Adds one that leaves as soon as the endpoint is enabled, in the order of events.
    pub(super) fn keep(&mut self, delivery: Delivery) {
        let before = self.kept.insert(delivery.first.serial, delivery);
        debug_assert!(before.is_none(), "an event is owed once");
    }

    /// Takes those out that have not been kept.
    pub(super) fn take_fresh(&mut self) -> VecDeque<Delivery> {
        std::mem::take(&mut self.fresh)
    }

    /// Takes those out that have been kept, in the order of events.
    pub(super) fn take_kept(&mut self) -> impl Iterator<Item = Delivery> + use<> {
        std::mem::take(&mut self.kept).into_values()
    }

    /// Whether the one that leaves next is among those that were kept.
    fn keeps_front(&self) -> bool {
        match (self.kept.first_key_value(), self.fresh.front()) {
            (Some((serial, _)), Some(fresh)) => self.order == Order::None || *serial < fresh.first.serial,
            (kept, _) => kept.is_some(),
        }
    }
}
