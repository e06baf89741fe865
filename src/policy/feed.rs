//! System B's API: the log of events of one consumer, read in pages after a cursor.

use std::collections::{BTreeMap, VecDeque};

use crate::peer::{Batch, Event, Note, Output, Sink, Tag};
use crate::policy::retention::is_kept;
use crate::time::{Span, Time};

/// The events of one consumer that a client may still ask for.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Events in the order in which they occurred; the front one has serial `first`.
    log: VecDeque<Event>,
    first: u32,
    /// A poller may come back to what it knew before.
    keeps: bool,
    /// How far before what it knows a poller asks again.
    overlap: Span,
    /// The newest event of each record, and how many it has had, where someone may ask for single records.
    records: Option<BTreeMap<u32, (Event, u32)>>,
    /// The serial of the newest event.
    newest: u32,
}

impl Feed {
    /// An empty feed; `records` says whether single records can be asked for too, `keeps` whether what a cursor has passed
    /// may be asked for again.
    pub fn new(records: bool, keeps: bool) -> Self {
        let records = records.then(BTreeMap::new);
        Self { log: VecDeque::new(), first: 1, keeps, overlap: Span::ZERO, records, newest: 0 }
    }

    /// The same feed for a poller that asks again for what lies no further back than this before what it knows.
    #[must_use]
    pub fn with_overlap(self, overlap: Span) -> Self {
        Self { overlap, ..self }
    }

    /// Appends an event. Events come in the order of their serials.
    pub fn publish(&mut self, event: Event) {
        if self.log.is_empty() {
            self.first = event.serial;
        }
        self.log.push_back(event);
        if let Some(records) = &mut self.records {
            let (newest, count) = records.entry(event.record).or_insert((event, 0));
            (*newest, *count) = (event, count.saturating_add(1));
        }
        self.newest = event.serial;
    }

    /// Forgets every event as part of the feed, which nobody reads; the records stay.
    pub fn forget_log(&mut self) {
        self.log.clear();
    }

    /// Whether events are forgotten only once a cursor has passed them.
    pub(super) fn only_forgets_what_is_known(&self) -> bool {
        !self.keeps && self.overlap.is_zero() && self.records.is_none()
    }

    /// These events were appended, and whoever knew all before has had them on a page and will not ask for them again: the
    /// next page would forget them.
    #[inline]
    pub(super) fn brought(&mut self, events: &[Event]) {
        let Some(last) = events.last() else { return };
        debug_assert!(self.only_forgets_what_is_known(), "nobody comes back to them");
        self.log.clear();
        self.first = last.serial.saturating_add(1);
        self.newest = last.serial;
    }

    /// The state of the whole feed.
    pub const fn tag(&self) -> Tag {
        Tag(self.newest)
    }

    /// The oldest events after a cursor, at most `limit`, and whether there are more.
    ///
    /// A cursor also says that everything up to it has arrived, so the feed forgets it, unless it is to keep it.
    pub fn page(&mut self, after: u32, limit: u32) -> (Batch, bool) {
        if !self.keeps {
            self.forget_known(after);
        }
        if self.log.is_empty() {
            return (Batch::new(), false);
        }
        let known = after.saturating_add(1).saturating_sub(self.first) as usize;
        let mut events = Batch::new();
        // Mostly there is one; it need not be counted beforehand.
        self.log.range(known.min(self.log.len())..).take(limit as usize).for_each(|event| events.push(*event));
        let has_more = self.log.len() > known.saturating_add(events.len());
        (events, has_more)
    }

    /// Forgets the events up to a cursor that nobody will ask for again.
    fn forget_known(&mut self, after: u32) {
        let known = (after.saturating_add(1).saturating_sub(self.first) as usize).min(self.log.len());
        let is_over = |at: &Event, newest: &Event| newest.occurred_at.since(at.occurred_at) > self.overlap;
        let gone = match known.checked_sub(1).and_then(|newest| self.log.get(newest)) {
            _ if self.overlap.is_zero() => known,
            Some(newest) => self.log.iter().take(known).take_while(|event| is_over(event, newest)).count(),
            None => 0,
        };
        if gone == self.log.len() {
            self.log.clear();
        } else {
            self.log.drain(..gone);
        }
        // Where everything is forgotten the next event may have any serial behind the cursor.
        let behind =
            if self.overlap.is_zero() { after.saturating_add(1) } else { self.first.saturating_add(gone as u32) };
        self.first = self.first.max(behind);
    }

    /// Forgets the events that are too old at this instant to be kept any longer, and notes each of them.
    pub(super) fn forget_old(&mut self, kept: Span, at: Time, out: &mut impl Sink) {
        while let Some(event) = self.log.pop_front_if(|event| !is_kept(Some(kept), event, at)) {
            self.first = event.serial.saturating_add(1);
            out.push(Output::Note(Note::AgedOut(event)));
        }
    }

    /// The oldest event that it has.
    pub(super) fn oldest(&self) -> Option<&Event> {
        self.log.front()
    }

    /// The newest event of a record and how many it has had, if records are kept and it has had one.
    pub fn record(&self, record: u32) -> Option<(Event, u32)> {
        self.records.as_ref()?.get(&record).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(serial: u32) -> Event {
        Event { occurred_at: Time::ZERO, consumer: 0, serial, record: serial % 2, payload: 0 }
    }

    fn serials(page: &(Batch, bool)) -> (Vec<u32>, bool) {
        (page.0.iter().map(|e| e.serial).collect(), page.1)
    }

    #[test]
    fn pages_follow_the_cursor_and_say_whether_there_is_more() {
        let mut feed = Feed::new(true, false);
        assert_eq!(serials(&feed.page(0, 2)), (vec![], false));
        (1..=5).for_each(|s| feed.publish(event(s)));
        assert_eq!(serials(&feed.page(0, 2)), (vec![1, 2], true));
        assert_eq!(serials(&feed.page(0, 2)), (vec![1, 2], true), "an answer that was lost can be asked for again");
        assert_eq!(serials(&feed.page(2, 3)), (vec![3, 4, 5], false), "a page that is just full has nothing after it");
        assert_eq!(serials(&feed.page(5, 3)), (vec![], false));
        feed.publish(event(6));
        assert_eq!(serials(&feed.page(5, 3)), (vec![6], false));
        assert_eq!(feed.record(0).map(|(e, count)| (e.serial, count)), Some((6, 3)));
        assert_eq!(feed.record(7), None);
    }

    #[test]
    fn a_feed_that_keeps_what_is_known_gives_it_again() {
        let mut feed = Feed::new(false, true);
        (1..=4).for_each(|s| feed.publish(event(s)));
        assert_eq!(serials(&feed.page(3, 2)), (vec![4], false));
        assert_eq!(serials(&feed.page(4, 2)), (vec![], false));
        assert_eq!(serials(&feed.page(1, 2)), (vec![2, 3], true));
        assert_eq!(serials(&feed.page(u32::MAX, 2)), (vec![], false));
    }

    #[test]
    fn with_an_overlap_it_keeps_what_lies_no_further_back() {
        let later = |serial: u32| Event { occurred_at: Time::ZERO + Span::from_secs(serial.into()), ..event(serial) };
        let mut feed = Feed::new(false, false).with_overlap(Span::from_secs(3));
        (1..=10).for_each(|s| feed.publish(later(s)));
        assert_eq!(serials(&feed.page(8, 9)), (vec![9, 10], false));
        assert_eq!(feed.log.len(), 6, "5 to 8 are kept, and what was not known");
        assert_eq!(serials(&feed.page(4, 3)), (vec![5, 6, 7], true));
        assert_eq!(serials(&feed.page(u32::MAX, 9)), (vec![], false));
        feed.publish(later(20));
        assert_eq!(serials(&feed.page(10, 9)), (vec![20], false));
        assert_eq!(serials(&feed.page(20, 9)), (vec![], false));
        assert_eq!(feed.log.len(), 1, "however old, the newest is what the overlap counts from");
    }

    #[test]
    fn what_is_too_old_is_gone_whatever_the_cursor_says() {
        for keeps in [false, true] {
            let mut feed = Feed::new(true, keeps);
            let at = Time::from_nanos;
            (1..=4).for_each(|s| feed.publish(Event { occurred_at: at(u64::from(s)), ..event(s) }));
            assert_eq!(serials(&feed.page(1, 1)), (vec![2], true));
            let mut out = Vec::new();
            feed.forget_old(Span::from_nanos(10), at(13), &mut out);
            let aged: Vec<_> = out
                .iter()
                .map(|output| match output {
                    Output::Note(Note::AgedOut(event)) => event.serial,
                    other => panic!("{other:?}"),
                })
                .collect();
            // Whoever keeps what the cursor has passed forgets it with the rest.
            assert_eq!(aged, if keeps { vec![1, 2, 3] } else { vec![2, 3] });
            assert_eq!(serials(&feed.page(1, 9)), (vec![4], false));
            assert_eq!(feed.record(1).map(|(e, count)| (e.serial, count)), Some((3, 2)), "records stay as they are");
            feed.forget_old(Span::from_nanos(10), at(14), &mut out);
            assert_eq!((serials(&feed.page(1, 9)), feed.oldest()), ((vec![], false), None));
            feed.publish(event(5));
            assert_eq!(serials(&feed.page(1, 9)), (vec![5], false));
        }
    }

    #[test]
    fn a_cursor_from_the_future_does_no_harm() {
        let mut feed = Feed::new(false, false);
        (1..=3).for_each(|s| feed.publish(event(s)));
        assert_eq!(serials(&feed.page(u32::MAX, 10)), (vec![], false));
        feed.publish(event(4));
        assert_eq!(serials(&feed.page(3, 10)), (vec![4], false));
    }
}
