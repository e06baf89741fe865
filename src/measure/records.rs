//! What became of the records that System A opened: how many are final, when it knew, and how often it asked.

use crate::measure::expected::{Polls, Ways};
use crate::measure::histogram::Latencies;
use crate::measure::summary::share;
use crate::measure::tally::Tally;
use crate::peer::Event;
use crate::time::Time;
use crate::window::Window;

/// The records of one client that were opened in the measured stretch.
#[derive(Clone, Debug)]
pub struct RecordTally {
    /// How many were opened.
    pub opened: u64,
    /// Of these, those that became final.
    pub finals: u64,
    /// Of these, those that the client knows to be final.
    pub known: u64,
    /// From the last change of a record until the client had seen it.
    pub time_to_know: Latencies<u64>,
    /// Polls of single records, before they were final and after; the rest of the run included.
    pub polls: u64,
    /// The most of them for one record.
    pub polls_max: u32,
}

impl Default for RecordTally {
    fn default() -> Self {
        Self { opened: 0, finals: 0, known: 0, time_to_know: Latencies::new(3), polls: 0, polls_max: 0 }
    }
}

impl RecordTally {
    /// Adds the records of other consumers.
    pub fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.finals += other.finals;
        self.known += other.known;
        self.time_to_know.merge(&other.time_to_know);
        self.polls += other.polls;
        self.polls_max = self.polls_max.max(other.polls_max);
    }
}

/// What became of the records that were opened in the measured stretch. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSummary {
    /// How many were opened.
    pub opened: u64,
    /// Of these, those that became final.
    pub finals: u64,
    /// Of these, those that the client knows to be final.
    pub known: u64,
    /// The mean time from the last change of a record until the client had seen it.
    pub know_mean_ms: Option<f64>,
    /// The median of it.
    pub know_p50_ms: Option<f64>,
    /// The 95th percentile.
    pub know_p95_ms: Option<f64>,
    /// The 99th percentile.
    pub know_p99_ms: Option<f64>,
    /// The longest.
    pub know_max_ms: Option<f64>,
    /// Polls for each record: where records are polled, those of that record; where the feed is, all polls divided by all
    /// records. None without polls.
    pub polls_mean: Option<f64>,
    /// The most polls of one record; none where records are not polled.
    pub polls_max: Option<u32>,
}

impl RecordSummary {
    /// Derives the numbers from the counts.
    pub fn new(tally: &Tally) -> Self {
        let RecordTally { opened, finals, known, ref time_to_know, polls, polls_max } = tally.records;
        let of_each = |polls: u64| share(polls as f64, opened as f64).filter(|_| polls > 0);
        Self {
            opened,
            finals,
            known,
            know_mean_ms: time_to_know.mean_ms(),
            know_p50_ms: time_to_know.quantile_ms(0.5),
            know_p95_ms: time_to_know.quantile_ms(0.95),
            know_p99_ms: time_to_know.quantile_ms(0.99),
            know_max_ms: time_to_know.max_ms(),
            polls_mean: of_each(if polls > 0 { polls } else { tally.polls }),
            polls_max: (polls > 0).then_some(polls_max),
        }
    }
}

/// A record of which something may still be learnt.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    counted: bool,
    changes: u32,
    /// The change that made it final, and when that was.
    last: Option<(u32, Time)>,
    polls: u32,
}

/// The records of one consumer.
#[derive(Clone, Debug)]
pub(super) struct Records {
    /// With how many changes a record is final.
    changes: u32,
    /// A record may be polled even after its last change was seen: a webhook has told of it, but not of all before.
    outlives: bool,
    open: Window<Record>,
}

impl Records {
    pub(super) const fn new(changes: u32, ways: Ways) -> Self {
        let outlives = ways.push && matches!(ways.polls, Polls::Records);
        Self { changes, outlives, open: Window::starting_at(0) }
    }

    /// The next record has been opened; `counted` says whether in the measured stretch.
    pub(super) fn opened(&mut self, record: u32, counted: bool) {
        let number = self.open.push(Record { counted, ..Record::default() });
        debug_assert_eq!(number, record, "records are numbered without gaps");
    }

    /// A record has changed.
    pub(super) fn changed(&mut self, event: &Event) {
        let Some(record) = self.open.get_mut(event.record) else { return };
        record.changes += 1;
        if record.changes == self.changes {
            record.last = Some((event.serial, event.occurred_at));
        }
    }

    /// The client has asked for a record.
    pub(super) fn polled(&mut self, record: u32) {
        if let Some(record) = self.open.get_mut(record) {
            record.polls = record.polls.saturating_add(1);
        }
    }

    /// The client has seen a change of a record.
    pub(super) fn seen(&mut self, at: Time, number: u32, serial: u32, tally: &mut RecordTally) {
        let Some(record) = self.open.get_mut(number) else { return };
        let Some((_, changed_at)) = record.last.filter(|(last, _)| *last == serial) else { return };
        if record.counted {
            tally.known += 1;
            tally.time_to_know.record(at.since(changed_at));
        }
        if !self.outlives {
            let record = self.open.take(number);
            record.into_iter().for_each(|record| count(record, tally));
        }
    }

    /// Counts the records of which nothing more will be learnt.
    pub(super) fn close(self, tally: &mut RecordTally) {
        self.open.iter().for_each(|(_, record)| count(*record, tally));
    }
}

fn count(record: Record, tally: &mut RecordTally) {
    if record.counted {
        tally.opened += 1;
        tally.finals += u64::from(record.last.is_some());
        tally.polls += u64::from(record.polls);
        tally.polls_max = tally.polls_max.max(record.polls);
    }
}
