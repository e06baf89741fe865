//! Whether a limit that consumers share is ever reached.
//!
//! What is limited is how many exchanges take part at the same time: requests that workers of the API serve, or webhooks
//! that are under way. As long as there are never more than may be, no consumer notices the others, and each can be played by
//! itself. So they are, and when everybody's exchanges are known it is looked up whether that was right.

use crate::time::Time;

/// The run is divided into so many slices.
const SLICES: u64 = 1 << 16;

/// How many exchanges took part in each slice of a run, at most as many as matter.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    limit: u32,
    /// The length of a slice in nanoseconds; above zero.
    slice: u64,
    counts: Vec<u16>,
    /// In one slice there were more than may take part at the same time. They need not have met.
    is_exceeded: bool,
}

impl Usage {
    /// Nobody so far, of at most so many at a time in a run that ends then.
    pub(super) fn new(limit: u32, end: Time) -> Self {
        let slice = end.as_nanos() / SLICES + 1;
        Self { limit: limit.min(u16::MAX.into()), slice, counts: vec![0; SLICES as usize], is_exceeded: limit == 0 }
    }

    /// An exchange took part from one instant to another, both included.
    #[inline]
    pub(super) fn note(&mut self, from: Time, until: Time) {
        let [first, last] = [from, until].map(|at| (at.as_nanos() / self.slice) as usize);
        let slices = self.counts.get_mut(first..=last.max(first).min(SLICES as usize - 1)).unwrap_or_default();
        for count in slices {
            *count = count.saturating_add(1);
            self.is_exceeded |= u32::from(*count) > self.limit;
        }
    }

    /// Adds the exchanges of other consumers.
    pub(super) fn merge(&mut self, others: &Self) {
        self.is_exceeded |= others.is_exceeded;
        for (mine, theirs) in self.counts.iter_mut().zip(&others.counts) {
            *mine = mine.saturating_add(*theirs);
            self.is_exceeded |= u32::from(*mine) > self.limit;
        }
    }

    /// Whether the limit may have been reached.
    pub(super) const fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }
}

/// How much is used of everything that the consumers of a client share.
#[derive(Clone, Debug)]
pub(super) struct Usages {
    /// Of the workers of the API.
    pub(super) workers: Option<Usage>,
    /// Of the webhooks that may be under way.
    pub(super) webhooks: Option<Usage>,
    /// How long those who know all are followed further.
    pub(super) horizon: Time,
    /// When the last of them knew all: until then all go on.
    settled: Time,
    /// Until when it is known of all of them what they used.
    known: Time,
}

impl Usages {
    /// Nothing is shared.
    pub(super) const NONE: Self = Self::of(None, None, Time::ZERO);

    /// Nothing has been used so far of this, by those who are followed up to this instant.
    pub(super) const fn of(workers: Option<Usage>, webhooks: Option<Usage>, horizon: Time) -> Self {
        Self { workers, webhooks, horizon, settled: Time::ZERO, known: Time::NEVER }
    }

    /// Whether anything is shared.
    pub(super) const fn are_kept(&self) -> bool {
        self.workers.is_some() || self.webhooks.is_some()
    }

    /// A consumer knew all then, and it is known up to another instant what it has used.
    pub(super) fn followed(&mut self, settled: Time, known: Time) {
        (self.settled, self.known) = (self.settled.max(settled), self.known.min(known));
    }

    /// Adds those of other consumers of the same client.
    pub(super) fn merge(&mut self, others: &Self) {
        for (mine, theirs) in [(&mut self.workers, &others.workers), (&mut self.webhooks, &others.webhooks)] {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                mine.merge(theirs);
            }
        }
        self.followed(others.settled, others.known);
    }

    /// Whether a limit may have been reached while anybody was to learn anything.
    pub(super) fn are_exceeded(&self) -> bool {
        self.settled > self.known || [&self.workers, &self.webhooks].into_iter().flatten().any(Usage::is_exceeded)
    }

    /// A worker served a request from one instant to another. One who needs no time for it keeps none from another.
    #[inline]
    pub(super) fn served(&mut self, from: Time, until: Time) {
        if let Some(workers) = self.workers.as_mut().filter(|_| until > from) {
            workers.note(from, until);
        }
    }

    /// A webhook was under way from one instant to another.
    #[inline]
    pub(super) fn sent(&mut self, from: Time, until: Time) {
        if let Some(webhooks) = &mut self.webhooks {
            webhooks.note(from, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A limit that is never said to be exceeded is one that was never reached.
        #[test]
        fn it_never_misses_that_too_many_meet(
            spans in prop::collection::vec((0u64..1_000_000, prop_oneof![0u64..40, 0u64..100_000]), 1..120),
            limit in 1u32..20,
            end in 1u64..1_200_000,
        ) {
            let new = || Usage::new(limit, Time::from_nanos(end));
            let (mut all, mut halves) = (new(), [new(), new()]);
            let spans: Vec<_> = spans.into_iter().map(|(from, length)| (from.min(end), (from + length).min(end))).collect();
            for ((from, until), half) in spans.iter().zip([0, 1].into_iter().cycle()) {
                all.note(Time::from_nanos(*from), Time::from_nanos(*until));
                halves[half].note(Time::from_nanos(*from), Time::from_nanos(*until));
            }
            let [mut merged, other] = halves;
            merged.merge(&other);
            prop_assert_eq!((&merged.counts, merged.is_exceeded()), (&all.counts, all.is_exceeded()));
            // The most that meet do so where one of them begins.
            let meeting = |at: u64| spans.iter().filter(|(from, until)| *from <= at && at <= *until).count();
            let most = spans.iter().map(|(from, _)| meeting(*from)).max().unwrap_or(0);
            prop_assert!(all.is_exceeded() || most <= limit as usize, "{} meet", most);
            // And it says so of no run in which there are never so many in all.
            prop_assert!(!all.is_exceeded() || spans.len() > limit as usize);
        }
    }
}
