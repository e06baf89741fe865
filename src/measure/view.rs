//! What a consumer knows of the provider's records, against how they are.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use crate::measure::age::Ages;
use crate::measure::tally::Frame;
use crate::peer::Event;
use crate::time::Time;

/// Records below this number stand in a plain list; others in a tree, so that memory goes with the records that change.
const DENSE: u32 = 256;

/// So many events that are not known stand in a plain list; more of them in trees, so that each is found soon.
const FEW: usize = 32;

/// One consumer's view of its records. It is out of date while there is a record of which a later event than the newest
/// seen has occurred: whoever has seen the newest knows how the record is.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The newest event seen of each record; 0 for none.
    dense: Vec<u32>,
    sparse: BTreeMap<u32, u32>,
    /// The events that are later than the newest seen of their record, oldest first, while they are few.
    few: SmallVec<[Unknown; 2]>,
    /// The same, once they have become many, until there is none.
    many: Option<Box<Many>>,
    /// Up to when this has been added up.
    until: Time,
}

/// An event that is later than the newest seen of its record.
#[derive(Clone, Copy, Debug)]
struct Unknown {
    serial: u32,
    record: u32,
    occurred_at: Time,
}

/// Events that are later than the newest seen of their record, oldest first.
#[derive(Clone, Debug, Default)]
struct Many {
    /// When each occurred.
    unknown: BTreeMap<u32, Time>,
    /// The same, as pairs of record and event.
    by_record: BTreeSet<(u32, u32)>,
}

impl Many {
    fn insert(&mut self, Unknown { serial, record, occurred_at }: Unknown) {
        self.unknown.insert(serial, occurred_at);
        self.by_record.insert((record, serial));
    }

    /// Takes out the events of a record up to this one; true if the oldest of all is among them.
    fn take(&mut self, record: u32, serial: u32) -> bool {
        let oldest = self.unknown.first_key_value().map(|(oldest, _)| *oldest);
        let known = self.by_record.range((record, 0)..=(record, serial));
        let known: Vec<u32> = known.map(|(_, serial)| *serial).collect();
        for event in &known {
            self.unknown.remove(event);
            self.by_record.remove(&(record, *event));
        }
        oldest.is_some_and(|oldest| known.contains(&oldest))
    }
}

impl View {
    /// An event has occurred on a record.
    #[inline]
    pub(super) fn occurred(&mut self, at: Time, record: u32, serial: u32) {
        if *self.newest_seen(record) >= serial {
            return;
        }
        if self.oldest().is_none() {
            // What was seen ahead of time has been added up already.
            self.until = self.until.max(at);
        }
        let unknown = Unknown { serial, record, occurred_at: at };
        if self.many.is_some() || self.few.len() == FEW {
            return self.one_of_many(unknown);
        }
        if self.few.last().is_none_or(|last| last.serial < serial) {
            self.few.push(unknown);
        } else {
            let place = self.few.iter().rposition(|other| other.serial <= serial).map_or(0, |before| before + 1);
            self.few.insert(place, unknown);
        }
    }

    /// An event has occurred, and the consumer has seen it at this instant: as [`Self::occurred`] and [`Self::seen`] would
    /// say, where nothing else happened in between but the same to other events.
    #[inline]
    pub(super) fn passed(&mut self, event: &Event, at: Time, frame: &Frame, ages: &mut Ages) -> bool {
        let Event { occurred_at, record, serial, .. } = *event;
        let is_up_to_date = self.few.is_empty() && self.many.is_none();
        let newest = self.newest_seen(record);
        if !is_up_to_date || *newest >= serial {
            self.occurred(occurred_at, record, serial);
            return self.seen(at, record, serial, frame, ages);
        }
        *newest = serial;
        // Of those that the consumer did not know until now it is the oldest, or all of the time until now has been counted.
        let from = self.until.max(occurred_at);
        ages.was_stale(frame, occurred_at, from, at);
        self.until = from.max(at);
        false
    }

    /// The same as [`Self::passed`] for an event of the measured stretch, which is not over.
    #[inline]
    pub(super) fn passed_calmly(&mut self, event: &Event, at: Time, frame: &Frame, ages: &mut Ages) -> bool {
        let Event { occurred_at, record, serial, .. } = *event;
        let is_up_to_date = self.few.is_empty() && self.many.is_none();
        let newest = self.newest_seen(record);
        if !is_up_to_date || *newest >= serial {
            return self.passed(event, at, frame, ages);
        }
        *newest = serial;
        let from = self.until.max(occurred_at);
        if from < at {
            ages.was_stale_calmly(occurred_at, from, at);
            self.until = at;
        }
        false
    }

    #[cold]
    fn one_of_many(&mut self, unknown: Unknown) {
        let many = self.many.get_or_insert_default();
        self.few.drain(..).for_each(|unknown| many.insert(unknown));
        many.insert(unknown);
    }

    /// The consumer has seen an event of a record. Gives back whether it had seen a later one before.
    #[inline]
    pub(super) fn seen(&mut self, at: Time, record: u32, serial: u32, frame: &Frame, ages: &mut Ages) -> bool {
        let newest = self.newest_seen(record);
        let overtaken = *newest > serial;
        *newest = (*newest).max(serial);
        let oldest = self.oldest();
        let is_known = |unknown: &Unknown| unknown.record == record && unknown.serial <= serial;
        let was_oldest = match &mut self.many {
            None => {
                let was_oldest = self.few.first().is_some_and(is_known);
                if was_oldest && self.few.len() == 1 {
                    self.few.clear();
                } else {
                    self.few.retain(|unknown| !is_known(unknown));
                }
                was_oldest
            }
            Some(many) => {
                let was_oldest = many.take(record, serial);
                if many.unknown.is_empty() {
                    self.many = None;
                }
                was_oldest
            }
        };
        if was_oldest && let Some(oldest) = oldest {
            ages.was_stale(frame, oldest, self.until, at);
            self.until = self.until.max(at);
        }
        overtaken
    }

    /// Adds up what has passed until now.
    pub(super) fn close(&mut self, at: Time, frame: &Frame, ages: &mut Ages) {
        if let Some(oldest) = self.oldest() {
            ages.was_stale(frame, oldest, self.until, at);
        }
        self.until = self.until.max(at);
    }

    /// When the oldest event that is not known occurred.
    #[inline]
    fn oldest(&self) -> Option<Time> {
        match &self.many {
            None => self.few.first().map(|unknown| unknown.occurred_at),
            Some(many) => many.unknown.first_key_value().map(|(_, occurred_at)| *occurred_at),
        }
    }

    #[inline]
    fn newest_seen(&mut self, record: u32) -> &mut u32 {
        if record >= DENSE {
            return self.sparse.entry(record).or_default();
        }
        let index = record as usize;
        if index >= self.dense.len() {
            self.reach(index);
        }
        &mut self.dense[index]
    }

    #[cold]
    fn reach(&mut self, index: usize) {
        self.dense.resize(index + 1, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_event_of_the_same_record_makes_up_for_an_earlier_one() {
        let at = Time::from_nanos;
        let frame = Frame::new(Time::ZERO, at(100), at(200));
        for record in [3, 3_000_000] {
            let (mut view, mut ages) = (View::default(), Ages::default());
            view.occurred(at(10), record, 1);
            view.occurred(at(20), record, 2);
            view.occurred(at(30), 7, 3);
            let mut seen = |seconds, record, serial, ages: &mut Ages| {
                let overtaken = view.seen(at(seconds), record, serial, &frame, ages);
                (overtaken, ages.stale_nanos, ages.stale_age_mean_ms(1).map(|ms| ms * 1e6))
            };
            // From 10 to 40 counted from 10; then record 7 is out of date still, counted from 30, up to 50.
            assert_eq!(seen(40, record, 2, &mut ages), (false, 30, Some(450.0)));
            assert_eq!(seen(45, record, 1, &mut ages), (true, 30, Some(450.0)), "overtaken");
            assert_eq!(seen(50, 7, 3, &mut ages), (false, 40, Some(450.0 + 150.0)));
            view.close(at(90), &frame, &mut ages);
            assert_eq!(ages.stale_nanos, 40);
        }
    }

    /// A plain model of [`View::seen`]: every event that is not known, in the order in which they occurred.
    #[derive(Default)]
    struct Plain {
        newest: BTreeMap<u32, u32>,
        unknown: Vec<(u32, u32, u64)>,
        since: u64,
        stale: u64,
    }

    impl Plain {
        fn count(&mut self, now: u64) {
            self.stale += if self.unknown.is_empty() { 0 } else { now - self.since };
            self.since = now;
        }
    }

    #[test]
    fn few_or_many_make_no_difference() {
        let at = Time::from_nanos;
        let frame = Frame::new(Time::ZERO, at(1_000_000), at(1_000_000));
        for (records, lag) in [(1, 3), (5, 40), (5, 300), (400, 500)] {
            let (mut view, mut ages, mut plain) = (View::default(), Ages::default(), Plain::default());
            let record = |serial: u32| serial.wrapping_mul(7) % records;
            for step in 1..=2_000u32 {
                let now = u64::from(step) * 10;
                plain.count(now);
                view.occurred(at(now), record(step), step);
                plain.unknown.push((record(step), step, now));
                // Seen late, and not in order; in between all of it.
                let seen = if step % 700 == 0 {
                    1..=step
                } else {
                    (step ^ 1).saturating_sub(lag)..=(step ^ 1).saturating_sub(lag)
                };
                for serial in seen.filter(|serial| (1..=step).contains(serial)) {
                    let overtaken = view.seen(at(now), record(serial), serial, &frame, &mut ages);
                    let newest = plain.newest.entry(record(serial)).or_default();
                    assert_eq!(overtaken, *newest > serial);
                    *newest = (*newest).max(serial);
                    plain.unknown.retain(|(of, other, _)| *of != record(serial) || *other > serial);
                }
                let oldest = plain.unknown.first().map(|(_, _, occurred_at)| at(*occurred_at));
                assert_eq!(view.oldest(), oldest, "after {step}");
            }
            view.close(at(20_000), &frame, &mut ages);
            assert_eq!(ages.stale_nanos, u128::from(plain.stale));
        }
    }

    #[test]
    fn an_earlier_event_makes_up_for_part_of_the_time() {
        let at = Time::from_nanos;
        let frame = Frame::new(at(15), at(45), at(200));
        let (mut view, mut ages) = (View::default(), Ages::default());
        view.occurred(at(10), 1, 1);
        view.occurred(at(20), 1, 2);
        assert!(!view.seen(at(30), 1, 1, &frame, &mut ages));
        view.close(at(100), &frame, &mut ages);
        // From 15 to 30 counted from 10, then up to the end of the measured stretch at 45 counted from 20.
        let expected = (20 * 20 - 5 * 5) as f64 / 2.0 + (25 * 25 - 10 * 10) as f64 / 2.0;
        assert_eq!((ages.stale_nanos, ages.stale_age_mean_ms(1)), (30, Some(expected / 1e6)));
    }
}
