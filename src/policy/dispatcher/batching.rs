//! The open batch of one endpoint: events that have become due and wait for company.

use crate::peer::Event;
use crate::policy::dispatcher::BatchPolicy;
use crate::policy::dispatcher::delivery::Delivery;
use crate::time::Time;

/// At most one batch is open at a time. What is closed is a [`Delivery`], whose events no longer change.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenBatch {
    /// In the order in which they became due; never as many as a full batch has.
    events: Vec<Event>,
    bytes: u64,
    /// When the first event has waited long enough; meaningless while there is none.
    closes_at: Time,
}

impl OpenBatch {
    /// Adds an event at the instant at which it became due, and gives back the batches that this closes: one that has
    /// waited long enough or has no room for the event, and one that the event fills.
    pub(super) fn join(
        &mut self,
        policy: BatchPolicy,
        at: Time,
        event: Event,
    ) -> impl Iterator<Item = Delivery> + use<> {
        let size = u64::from(event.payload);
        let is_over = |bytes: u64| policy.bytes.is_some_and(|limit| bytes > u64::from(limit));
        let waited = self.close_by(at);
        let without = if is_over(self.bytes + size) { self.close(at) } else { None };
        if self.events.is_empty() {
            self.closes_at = at + policy.wait;
        }
        self.events.push(event);
        self.bytes += size;
        let is_full = self.events.len() >= policy.max as usize
            || policy.bytes.is_some_and(|limit| self.bytes >= u64::from(limit));
        let full = if is_full { self.close(at) } else { None };
        [waited.or(without), full].into_iter().flatten()
    }

    /// Closes the batch if it has waited long enough by now.
    pub(super) fn close_by(&mut self, now: Time) -> Option<Delivery> {
        let closes_at = self.deadline().filter(|at| *at <= now)?;
        self.close(closes_at)
    }

    /// When the batch has waited long enough, if there is one.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.events.is_empty()).then_some(self.closes_at)
    }

    /// Whether this event is in it.
    pub(super) fn has(&self, serial: u32) -> bool {
        self.events.iter().any(|event| event.serial == serial)
    }

    /// Closes it, full or not.
    pub(super) fn close(&mut self, at: Time) -> Option<Delivery> {
        self.bytes = 0;
        Delivery::of(std::mem::take(&mut self.events), at)
    }
}
