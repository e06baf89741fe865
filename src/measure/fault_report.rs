//! What each fault did to a client: how late its news was, how far the client fell behind, and when it had caught up.
//!
//! An event belongs to a fault if it occurred while the fault lasted, to a consumer that met it. A consumer has caught up
//! once everything that had occurred to it before the fault's end is seen or lost for good; what occurs between the end and
//! then is late because of the fault too. The backlog of all consumers together is looked at [`STEPS`] times while the fault
//! lasts, and as often again for three times its length after it: what each consumer waits for adds up, and the largest sum
//! counts. Attacks are no faults here, since they break nothing.

use crate::fault::{Fault, FaultKind, Faults};
use crate::measure::histogram::Latencies;
use crate::time::{Span, Time};

/// How often the backlog is looked at while a fault lasts.
pub const STEPS: u64 = 1_000;
/// How often it is looked at in all.
const STEPS_MAX: u64 = 4 * STEPS;

/// What one fault did to one client, over the consumers that met it. Only counted events and requests are in it.
#[derive(Clone, Debug)]
pub struct FaultTally {
    /// The fault.
    pub fault: Fault,
    /// Events that occurred while it lasted.
    pub events: u64,
    /// Of these, those that are lost for good.
    pub lost: u64,
    /// Requests that were opened while it lasted and failed.
    pub failed: u64,
    /// Latencies of the events that occurred while it lasted; none until there is one.
    pub inside: Option<Box<Latencies<u64>>>,
    /// Latencies of the events that occurred after it, to a consumer that had not caught up; none until there is one.
    pub after: Option<Box<Latencies<u64>>>,
    /// When the last consumer caught up.
    caught_up: Time,
    /// Consumers that never did.
    never: u64,
    /// By how much the backlog changes from one step to the next.
    changes: Vec<i64>,
}

impl FaultTally {
    /// A fault that has done nothing yet.
    pub const fn new(fault: Fault) -> Self {
        Self {
            fault,
            events: 0,
            lost: 0,
            failed: 0,
            inside: None,
            after: None,
            caught_up: fault.until,
            never: 0,
            changes: Vec::new(),
        }
    }

    /// From the end of the fault until every consumer had caught up; none if one never did.
    pub fn catch_up(&self) -> Option<Span> {
        (self.never == 0).then(|| self.caught_up.since(self.fault.until))
    }

    /// The most events that had occurred and were neither seen nor lost, at any step until consumers had caught up.
    pub fn backlog_max(&self) -> u64 {
        let mut backlog = 0i64;
        let backlogs = self.changes.iter().map(|change| {
            backlog += change;
            backlog
        });
        u64::try_from(backlogs.max().unwrap_or(0)).unwrap_or(0)
    }

    /// Adds what the same fault did to other consumers.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.lost += other.lost;
        self.failed += other.failed;
        for (mine, theirs) in [(&mut self.inside, &other.inside), (&mut self.after, &other.after)] {
            match (mine, theirs) {
                (Some(mine), Some(theirs)) => mine.merge(theirs),
                (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
                (_, None) => {}
            }
        }
        self.caught_up = self.caught_up.max(other.caught_up);
        self.never += other.never;
        if self.changes.len() < other.changes.len() {
            self.changes.resize(other.changes.len(), 0);
        }
        self.changes.iter_mut().zip(&other.changes).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Something waited over this stretch of time.
    fn waited(&mut self, from: Time, until: Time) {
        let length = self.fault.until.since(self.fault.from).as_nanos();
        let step = (length / STEPS).max(1);
        // The first step that does not lie before an instant.
        let step_from = |at: Time| at.since(self.fault.from).as_nanos().div_ceil(step).min(STEPS_MAX);
        let (first, end) = (step_from(from), step_from(until));
        if first >= end {
            return;
        }
        for (index, change) in [(first, 1), (end, -1)] {
            let index = index as usize;
            if index >= self.changes.len() {
                self.changes.resize(index + 1, 0);
            }
            self.changes[index] += change;
        }
    }
}

/// How far one consumer is with one fault.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// It meets the fault.
    meets: bool,
    /// Events from before the end of the fault that may still come.
    behind: u64,
    /// When the last such event was seen or lost.
    latest: Time,
}

/// Follows the faults of a client over the events of some consumers.
#[derive(Clone, Debug, Default)]
pub struct FaultWatch {
    first: u32,
    faults: usize,
    /// One for each consumer and fault, those of a consumer together.
    progress: Vec<Progress>,
}

impl FaultWatch {
    /// Follows these faults for so many consumers from number `first` on. `tallies` gets one tally for each, unless it has
    /// them already.
    pub fn new(faults: &Faults, first: u32, consumers: u32, tallies: &mut Vec<FaultTally>) -> Self {
        let breaks = |fault: &&Fault| !matches!(fault.kind, FaultKind::ForgedWebhooks { .. });
        if tallies.is_empty() {
            tallies.extend(faults.0.iter().filter(breaks).copied().map(FaultTally::new));
        }
        let all = (first..first.saturating_add(consumers)).flat_map(|consumer| {
            let progress = move |tally: &FaultTally| {
                let meets = tally.fault.whom.includes(consumer);
                Progress { meets, behind: 0, latest: tally.fault.until }
            };
            tallies.iter().map(progress).collect::<Vec<_>>()
        });
        let progress = if tallies.is_empty() { Vec::new() } else { all.collect() };
        Self { first, faults: tallies.len(), progress }
    }

    /// Whether it follows no fault.
    pub const fn is_empty(&self) -> bool {
        self.faults == 0
    }

    /// An event has occurred.
    #[inline]
    pub fn occurred(&mut self, consumer: u32, at: Time, tallies: &mut [FaultTally]) {
        self.each(consumer, tallies, |progress, tally| {
            progress.behind += u64::from(at < tally.fault.until);
            tally.events += u64::from(is_within(&tally.fault, at));
        });
    }

    /// An event that occurred at one instant was seen at another.
    #[inline]
    pub fn seen(&mut self, consumer: u32, occurred_at: Time, at: Time, tallies: &mut [FaultTally]) {
        self.each(consumer, tallies, |progress, tally| {
            let kind = progress.settle(tally, occurred_at, at);
            let latencies = match kind {
                Kind::Inside => &mut tally.inside,
                Kind::After => &mut tally.after,
                Kind::Before | Kind::Beyond => return,
            };
            latencies.get_or_insert_with(|| Box::new(Latencies::new(3))).record(at.since(occurred_at));
        });
    }

    /// An event that occurred at one instant was lost for good at another.
    pub fn lost(&mut self, consumer: u32, occurred_at: Time, at: Time, tallies: &mut [FaultTally]) {
        self.each(consumer, tallies, |progress, tally| {
            let kind = progress.settle(tally, occurred_at, at);
            tally.lost += u64::from(kind == Kind::Inside);
        });
    }

    /// A request that was opened at this instant has failed.
    pub fn failed(&mut self, consumer: u32, opened: Time, tallies: &mut [FaultTally]) {
        self.each(consumer, tallies, |_, tally| tally.failed += u64::from(is_within(&tally.fault, opened)));
    }

    /// An event is still to come when the books are closed at this instant.
    pub fn pending(&mut self, consumer: u32, occurred_at: Time, at: Time, tallies: &mut [FaultTally]) {
        self.each(consumer, tallies, |progress, tally| {
            let kind = progress.kind(&tally.fault, occurred_at);
            progress.wait(tally, kind, occurred_at, at);
        });
    }

    /// Nothing is to come any more, or the run is cut off at this instant.
    pub fn close(&mut self, at: Time, tallies: &mut [FaultTally]) {
        for of_consumer in self.progress.chunks(self.faults.max(1)) {
            for (progress, tally) in of_consumer.iter().zip(tallies.iter_mut()).filter(|(progress, _)| progress.meets) {
                if progress.behind > 0 || at < tally.fault.until {
                    tally.never += 1;
                } else {
                    tally.caught_up = tally.caught_up.max(progress.latest);
                }
            }
        }
    }

    /// Does something for each fault that a consumer meets.
    #[inline]
    fn each(&mut self, consumer: u32, tallies: &mut [FaultTally], what: impl FnMut(&mut Progress, &mut FaultTally)) {
        if self.faults > 0 {
            self.each_of_some(consumer, tallies, what);
        }
    }

    fn each_of_some(
        &mut self,
        consumer: u32,
        tallies: &mut [FaultTally],
        mut what: impl FnMut(&mut Progress, &mut FaultTally),
    ) {
        let start = (consumer.saturating_sub(self.first) as usize).saturating_mul(self.faults);
        let of_consumer = self.progress.iter_mut().skip(start).take(self.faults);
        of_consumer
            .zip(tallies)
            .filter(|(progress, _)| progress.meets)
            .for_each(|(progress, tally)| what(progress, tally));
    }
}

/// Where an event lies in the course of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Before the fault.
    Before,
    /// In it.
    Inside,
    /// After it, when its consumer had not caught up.
    After,
    /// After its consumer had caught up.
    Beyond,
}

impl Progress {
    fn kind(&self, fault: &Fault, occurred_at: Time) -> Kind {
        match occurred_at {
            at if at < fault.from => Kind::Before,
            at if at < fault.until => Kind::Inside,
            at if self.behind > 0 || at < self.latest => Kind::After,
            _ => Kind::Beyond,
        }
    }

    /// An event is seen or lost: its wait is over.
    fn settle(&mut self, tally: &mut FaultTally, occurred_at: Time, at: Time) -> Kind {
        let kind = self.kind(&tally.fault, occurred_at);
        if occurred_at < tally.fault.until {
            self.behind = self.behind.saturating_sub(1);
            self.latest = self.latest.max(at);
        }
        self.wait(tally, kind, occurred_at, at);
        kind
    }

    /// An event waited until this instant, as far as its consumer had not caught up before.
    fn wait(&self, tally: &mut FaultTally, kind: Kind, occurred_at: Time, until: Time) {
        match kind {
            Kind::Before | Kind::Inside => tally.waited(occurred_at, until),
            Kind::After if self.behind == 0 => tally.waited(occurred_at, until.min(self.latest)),
            Kind::After => tally.waited(occurred_at, until),
            Kind::Beyond => {}
        }
    }
}

fn is_within(fault: &Fault, at: Time) -> bool {
    (fault.from..fault.until).contains(&at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Connections;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    const DOWN: FaultKind = FaultKind::ReceiverDown { connections: Connections::Reset };

    /// The tally of a fault from 100 s to 200 s after these events: when each occurred and was seen, if it was.
    fn tally(consumer: u32, events: &[(u64, Option<u64>)]) -> FaultTally {
        let (mut tallies, faults) = (Vec::new(), Faults(vec![Fault::new(DOWN, at(100), at(200))]));
        let mut watch = FaultWatch::new(&faults, consumer, 1, &mut tallies);
        let mut facts: Vec<_> = events.iter().map(|&(occurred, _)| (occurred, 0, occurred)).collect();
        facts.extend(events.iter().filter_map(|&(occurred, seen)| Some((seen?, 1, occurred))));
        facts.sort_unstable();
        for (now, what, occurred) in facts {
            match what {
                0 => watch.occurred(consumer, at(now), &mut tallies),
                _ => watch.seen(consumer, at(occurred), at(now), &mut tallies),
            }
        }
        for (occurred, _) in events.iter().filter(|(_, seen)| seen.is_none()) {
            watch.pending(consumer, at(*occurred), at(1_000), &mut tallies);
        }
        watch.close(at(1_000), &mut tallies);
        tallies.remove(0)
    }

    #[test]
    fn events_belong_to_a_fault_until_their_consumer_has_caught_up() {
        let events = [(50, 90), (99, 150), (100, 230), (199, 220), (200, 240), (229, 231), (230, 232), (300, 900)];
        let tally = tally(0, &events.map(|(occurred, seen)| (occurred, Some(seen))));
        assert_eq!((tally.events, tally.lost, tally.catch_up()), (2, 0, Some(Span::from_secs(30))));
        let mean = |latencies: &Option<Box<Latencies<u64>>>| latencies.as_ref().and_then(|all| all.mean_ms());
        assert_eq!(mean(&tally.inside), Some((130.0 + 21.0) / 2.0 * 1e3));
        assert_eq!(mean(&tally.after), Some((40.0 + 2.0) / 2.0 * 1e3), "those of 230 s and later are not late");
        // At 200 s: those of 100, 199 and 200 s.
        assert_eq!(tally.backlog_max(), 3);
    }

    #[test]
    fn whoever_never_catches_up_has_no_time_for_it() {
        let tally = tally(0, &[(150, None), (160, Some(170)), (400, None)]);
        assert_eq!((tally.events, tally.catch_up(), tally.backlog_max()), (2, None, 2));
    }

    #[test]
    fn what_was_caught_up_at_the_end_took_no_time() {
        let tally = tally(0, &[(50, Some(150)), (150, Some(160)), (250, Some(260))]);
        assert_eq!((tally.catch_up(), tally.backlog_max()), (Some(Span::ZERO), 1));
        assert!(tally.after.is_none());
    }

    #[test]
    fn consumers_add_up_and_the_slowest_counts() {
        let mut both = tally(0, &[(150, Some(210))]);
        both.merge(&tally(1, &[(150, Some(250)), (160, Some(165))]));
        assert_eq!((both.events, both.catch_up(), both.backlog_max()), (3, Some(Span::from_secs(50)), 3));
        both.merge(&tally(2, &[(120, None)]));
        assert_eq!((both.events, both.catch_up(), both.backlog_max()), (4, None, 4));
    }
}
