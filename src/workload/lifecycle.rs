//! Records that System A opens, and that change until they are final: orders, say.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Instants, Workload};
use crate::distribution::Distribution;
use crate::seed::Purpose;
use crate::time::Time;

/// What becomes of a record once it has been opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// How often it changes; above zero. The last change makes it final.
    pub changes: u32,
    /// How long it takes from one change to the next; the first counts from the opening.
    pub time: Distribution,
}

impl Workload {
    /// The same workload with records that are opened when its arrivals say, each of which then changes until it is final.
    #[must_use]
    pub fn with_lifecycle(mut self, lifecycle: Lifecycle) -> Self {
        self.lifecycle = Some(lifecycle);
        self
    }

    /// When a consumer's client opens each record, in the order in which it does so. Records are numbered in this order,
    /// from 0. None without a lifecycle: then all records are there from the start.
    pub fn openings(&self, consumer: u32) -> Openings<'_> {
        Openings { instants: self.lifecycle.is_some().then(|| self.instants(consumer)), next_record: 0 }
    }
}

/// The records that a consumer's client opens, with when it does so.
#[derive(Clone, Debug)]
pub struct Openings<'a> {
    instants: Option<Instants<'a>>,
    next_record: u32,
}

impl Iterator for Openings<'_> {
    type Item = (Time, u32);

    fn next(&mut self) -> Option<(Time, u32)> {
        let at = self.instants.as_mut()?.next()?;
        let record = self.next_record;
        self.next_record = record.checked_add(1)?;
        Some((at, record))
    }
}

/// The changes of a consumer's records, in the order of time: of several at the same instant, that of the record which was
/// opened first comes first. Held are the records that are open.
#[derive(Clone, Debug)]
pub(super) struct Changes<'a> {
    workload: &'a Workload,
    lifecycle: &'a Lifecycle,
    consumer: u32,
    openings: Openings<'a>,
    /// The next record to be opened.
    next_opening: Option<(Time, u32)>,
    /// The next change of each open record: when it is, of which record, and the how manieth it is, counted from 0.
    next_changes: BinaryHeap<Reverse<(Time, u32, u32)>>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(workload: &'a Workload, lifecycle: &'a Lifecycle, consumer: u32) -> Self {
        let mut openings = workload.openings(consumer);
        let next_opening = openings.next();
        Self { workload, lifecycle, consumer, openings, next_opening, next_changes: BinaryHeap::new() }
    }

    /// Plans a change of a record, unless there is none left or it would come after the end.
    fn plan(&mut self, after: Time, record: u32, change: u32) {
        if change >= self.lifecycle.changes {
            return;
        }
        let draw = self.workload.seed.draw(Purpose::RecordChange, [self.consumer.into(), record.into(), change.into()]);
        let at = after + self.lifecycle.time.sample(draw);
        if at < self.workload.until {
            self.next_changes.push(Reverse((at, record, change)));
        }
    }
}

impl Iterator for Changes<'_> {
    /// When a record changes, and which.
    type Item = (Time, u32);

    fn next(&mut self) -> Option<(Time, u32)> {
        // A record that is yet to be opened cannot change before it is.
        while let Some((opened_at, record)) = self.next_opening
            && self.next_changes.peek().is_none_or(|Reverse((at, ..))| *at > opened_at)
        {
            self.next_opening = self.openings.next();
            self.plan(opened_at, record, 0);
        }
        let Reverse((at, record, change)) = self.next_changes.pop()?;
        self.plan(at, record, change + 1);
        Some((at, record))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::seed::Seed;
    use crate::time::Span;
    use crate::workload::Arrivals;

    fn any_time() -> impl Strategy<Value = Distribution> {
        let seconds = |s: f64| Span::from_secs_f64(s);
        prop_oneof![
            (0.0..30.0f64).prop_map(move |s| Distribution::Constant(seconds(s))),
            (0.0..30.0f64).prop_map(move |s| Distribution::Exponential { mean: seconds(s) }),
            (0.0..9.0f64, 0.0..20.0f64)
                .prop_map(move |(s, more)| Distribution::Uniform { min: seconds(s), max: seconds(s + more) }),
        ]
    }

    fn any_arrivals() -> impl Strategy<Value = Arrivals> {
        prop_oneof![
            (0.02..2.0f64).prop_map(|rate| Arrivals::Poisson { gap_nanos: 1e9 / rate }),
            (0.02..2.0f64).prop_map(|rate| Arrivals::Constant { gap_nanos: 1e9 / rate }),
            prop::collection::vec(0u64..90, 0..20).prop_map(|mut seconds| {
                seconds.sort_unstable();
                Arrivals::Trace(seconds.into_iter().map(|s| Time::ZERO + Span::from_secs(s)).collect())
            }),
        ]
    }

    proptest! {
        /// A recount at leisure: every change of every record by itself, sorted.
        #[test]
        fn changes_come_in_order_and_each_follows_the_one_before(
            arrivals in any_arrivals(), time in any_time(), changes in 1u32..5, seed in any::<u64>(), consumer in 0u32..3,
        ) {
            let until = Time::ZERO + Span::from_secs(80);
            let plain = Workload::new(Seed::new(seed), arrivals, 7, 10, until);
            prop_assert_eq!(plain.openings(consumer).count(), 0);
            let workload = plain.clone().with_lifecycle(Lifecycle { changes, time: time.clone() });
            let openings: Vec<_> = workload.openings(consumer).collect();
            prop_assert!(openings.iter().map(|(_, record)| *record).eq(0..openings.len() as u32));
            let instants: Vec<Time> = openings.iter().map(|(at, _)| *at).collect();
            prop_assert_eq!(instants, plain.events(consumer).map(|event| event.occurred_at).collect::<Vec<_>>());
            let mut expected = Vec::new();
            for (opened_at, record) in openings {
                let mut at = opened_at;
                for change in 0..changes {
                    let subject = [consumer.into(), record.into(), change.into()];
                    at = at + time.sample(Seed::new(seed).draw(Purpose::RecordChange, subject));
                    if at < until {
                        expected.push((at, record, change));
                    }
                }
            }
            expected.sort_unstable();
            let events: Vec<_> = workload.events(consumer).collect();
            prop_assert!(events.iter().zip(1..).all(|(event, serial)| event.serial == serial));
            let seen: Vec<_> = events.iter().map(|event| (event.occurred_at, event.record)).collect();
            prop_assert_eq!(seen, expected.into_iter().map(|(at, record, _)| (at, record)).collect::<Vec<_>>());
            let mut count = BTreeMap::new();
            events.iter().for_each(|event| *count.entry(event.record).or_insert(0u32) += 1);
            prop_assert!(count.values().all(|count| *count <= changes));
        }
    }
}
