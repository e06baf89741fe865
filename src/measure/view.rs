//! What a consumer knows of the provider's records, against how they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::measure::age::Ages;
use crate::measure::tally::Frame;
use crate::time::Time;

/// Records below this number stand in a plain list; others in a tree, so that memory goes with the records that change.
const DENSE: u32 = 256;

/// One consumer's view of its records. It is out of date while there is a record of which a later event than the newest
/// seen has occurred: whoever has seen the newest knows how the record is.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The newest event seen of each record; 0 for none.
    dense: Vec<u32>,
    sparse: BTreeMap<u32, u32>,
    /// The events that are later than the newest seen of their record, oldest first, with when they occurred.
    unknown: BTreeMap<u32, Time>,
    /// The same, as pairs of record and event.
    by_record: BTreeSet<(u32, u32)>,
    /// Up to when this has been added up.
    until: Time,
}

impl View {
    /// An event has occurred on a record.
    pub(super) fn occurred(&mut self, at: Time, record: u32, serial: u32) {
        if *self.newest_seen(record) >= serial {
            return;
        }
        if self.unknown.is_empty() {
            self.until = at;
        }
        self.unknown.insert(serial, at);
        self.by_record.insert((record, serial));
    }

    /// The consumer has seen an event of a record. Gives back whether it had seen a later one before.
    pub(super) fn seen(&mut self, at: Time, record: u32, serial: u32, frame: &Frame, ages: &mut Ages) -> bool {
        let newest = self.newest_seen(record);
        let overtaken = *newest > serial;
        *newest = (*newest).max(serial);
        let oldest = self.unknown.first_key_value().map(|(oldest, _)| *oldest);
        let known = self.by_record.range((record, 0)..=(record, serial));
        let known: Vec<u32> = known.map(|(_, serial)| *serial).collect();
        if oldest.is_some_and(|oldest| known.contains(&oldest)) {
            self.close(at, frame, ages);
        }
        for event in known {
            self.unknown.remove(&event);
            self.by_record.remove(&(record, event));
        }
        overtaken
    }

    /// Adds up what has passed until now.
    pub(super) fn close(&mut self, at: Time, frame: &Frame, ages: &mut Ages) {
        if let Some((_, occurred_at)) = self.unknown.first_key_value() {
            ages.was_stale(frame, *occurred_at, self.until, at);
        }
        self.until = self.until.max(at);
    }

    fn newest_seen(&mut self, record: u32) -> &mut u32 {
        if record >= DENSE {
            return self.sparse.entry(record).or_default();
        }
        let index = record as usize;
        if index >= self.dense.len() {
            self.dense.resize(index + 1, 0);
        }
        &mut self.dense[index]
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
