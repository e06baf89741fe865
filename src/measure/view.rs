//! What a consumer knows of the provider's records, against how they are.

use std::collections::BTreeMap;

use crate::time::Time;

/// The newest event that occurred on a record, and the newest seen; 0 for none.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    occurred: u32,
    seen: u32,
}

/// Records below this number stand in a plain list; others in a tree, so that memory goes with the records that change.
const DENSE: u32 = 256;

/// One consumer's view of its records. It is out of date while there is a record whose newest event it has not seen.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    dense: Vec<Record>,
    sparse: BTreeMap<u32, Record>,
    stale: u32,
    stale_since: Time,
}

impl View {
    /// An event has occurred on a record.
    pub(super) fn occurred(&mut self, at: Time, record: u32, serial: u32) {
        let record = self.record(record);
        let was_current = record.occurred == record.seen;
        record.occurred = record.occurred.max(serial);
        if was_current {
            if self.stale == 0 {
                self.stale_since = at;
            }
            self.stale += 1;
        }
    }

    /// The consumer has seen an event of a record. Gives back whether it had seen a later one before, and since when the
    /// view was out of date if it is so no longer.
    pub(super) fn seen(&mut self, record: u32, serial: u32) -> (bool, Option<Time>) {
        let record = self.record(record);
        let overtaken = record.seen > serial;
        let was_stale = record.occurred != record.seen;
        record.seen = record.seen.max(serial);
        let healed = was_stale && record.occurred == record.seen;
        if healed {
            self.stale = self.stale.saturating_sub(1);
        }
        (overtaken, (healed && self.stale == 0).then_some(self.stale_since))
    }

    /// Since when the view is out of date, if it is.
    pub(super) fn stale_since(&self) -> Option<Time> {
        (self.stale > 0).then_some(self.stale_since)
    }

    fn record(&mut self, record: u32) -> &mut Record {
        if record >= DENSE {
            return self.sparse.entry(record).or_default();
        }
        let index = record as usize;
        if index >= self.dense.len() {
            self.dense.resize(index + 1, Record::default());
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
        for record in [3, 3_000_000] {
            let mut view = View::default();
            view.occurred(at(10), record, 1);
            view.occurred(at(20), record, 2);
            view.occurred(at(30), 7, 3);
            assert_eq!(view.seen(record, 2), (false, None), "record 7 is out of date still");
            assert_eq!(view.seen(record, 1), (true, None), "overtaken");
            assert_eq!(view.seen(7, 3), (false, Some(at(10))));
            assert_eq!(view.stale_since(), None);
        }
    }
}
