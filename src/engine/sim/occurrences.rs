//! The events of a cell's consumers, in the order in which they occur.

use std::ops::Range;

use crate::deadlines::Tournament;
use crate::peer::Event;
use crate::time::Time;
use crate::workload::{Ahead, Workload};

/// How many events of a single consumer are drawn at a time.
const AT_ONCE_OF_ONE: usize = 32;

/// How many events of each of several consumers are drawn at a time: their memory adds up.
const AT_ONCE_OF_MANY: usize = 4;

/// The events that are yet to occur. Only the next few of each consumer are held.
pub(super) enum Occurrences<'a> {
    /// Of a single consumer.
    One(Ahead<'a>),
    /// Of several, and when the next of each occurs.
    Many(Vec<Ahead<'a>>, Tournament),
}

impl<'a> Occurrences<'a> {
    /// The events of these consumers.
    pub(super) fn new(workload: &'a Workload, consumers: Range<u32>) -> Self {
        if consumers.len() == 1 {
            return Self::One(Ahead::new(workload.events(consumers.start), AT_ONCE_OF_ONE));
        }
        let mut due = Tournament::new(consumers.len());
        let of_consumer = |consumer| Ahead::new(workload.events(consumer), AT_ONCE_OF_MANY);
        let all: Vec<_> = consumers.map(of_consumer).collect();
        for (events, index) in all.iter().zip(0..) {
            due.set(index, first_at(events));
        }
        Self::Many(all, due)
    }

    /// When the next event occurs, and to which consumer, counted from the first of these.
    #[inline]
    pub(super) fn earliest(&self) -> Option<(Time, u32)> {
        match self {
            Self::One(events) => first_at(events).map(|at| (at, 0)),
            Self::Many(_, due) => due.earliest(),
        }
    }

    /// When the next event of a consumer occurs.
    #[inline]
    pub(super) fn of(&self, index: u32) -> Option<Time> {
        match self {
            Self::One(events) => first_at(events),
            Self::Many(all, _) => all.get(index as usize).and_then(first_at),
        }
    }

    /// Takes the next event of a consumer.
    #[inline]
    pub(super) fn take(&mut self, index: u32) -> Option<Event> {
        match self {
            Self::One(events) => events.next(),
            Self::Many(all, due) => {
                let events = all.get_mut(index as usize)?;
                let event = events.next();
                due.set(index, first_at(events));
                event
            }
        }
    }

    /// The events of a consumer. Call [`Self::note`] after some have been taken from there.
    #[inline]
    pub(super) fn events(&mut self, index: u32) -> Option<&mut Ahead<'a>> {
        match self {
            Self::One(events) => Some(events),
            Self::Many(all, _) => all.get_mut(index as usize),
        }
    }

    /// Notes when the next event of a consumer occurs.
    #[inline]
    pub(super) fn note(&mut self, index: u32) {
        if let Self::Many(all, due) = self
            && let Some(events) = all.get(index as usize)
        {
            due.set(index, first_at(events));
        }
    }

    /// Whether no event occurs up to this instant.
    #[inline]
    pub(super) fn are_behind(&self, at: Time) -> bool {
        self.earliest().is_none_or(|(next, _)| next > at)
    }
}

#[inline]
fn first_at(events: &Ahead<'_>) -> Option<Time> {
    events.upcoming().first().map(|event| event.occurred_at)
}
