//! Which consumer opens a record next.

use std::ops::Range;

use crate::deadlines::Deadlines;
use crate::engine::Setup;
use crate::time::Time;
use crate::workload::lifecycle::Openings;

/// The records that some consumers are still to open. Only the next of each is held.
#[derive(Debug)]
pub(super) struct Openers<'a> {
    openings: Vec<Openings<'a>>,
    upcoming: Vec<Option<(Time, u32)>>,
    due: Deadlines,
}

impl<'a> Openers<'a> {
    /// These consumers; none of them opens anything where the workload has no lifecycle.
    pub(super) fn new(setup: &'a Setup, consumers: Range<u32>) -> Self {
        let consumers = if setup.workload.lifecycle.is_some() { consumers } else { 0..0 };
        let mut openings: Vec<_> = consumers.map(|consumer| setup.workload.openings(consumer)).collect();
        let upcoming: Vec<_> = openings.iter_mut().map(Iterator::next).collect();
        let mut due = Deadlines::new(upcoming.len());
        for (opening, index) in upcoming.iter().zip(0..) {
            due.set(index, opening.map(|(at, _)| at));
        }
        Self { openings, upcoming, due }
    }

    /// When the next record is opened, and by which consumer, counted from the first of these.
    pub(super) fn next(&mut self) -> Option<(Time, u32)> {
        self.due.earliest()
    }

    /// Takes the next record of a consumer.
    pub(super) fn take(&mut self, index: u32) -> Option<u32> {
        let next = self.openings.get_mut(index as usize)?.next();
        self.due.set(index, next.map(|(at, _)| at));
        let taken = std::mem::replace(self.upcoming.get_mut(index as usize)?, next);
        taken.map(|(_, record)| record)
    }
}
