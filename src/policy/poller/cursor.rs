//! Up to where a poller knows the feed, and from where it asks.

use std::collections::VecDeque;

use crate::peer::{Event, Tag};
use crate::time::{Span, Time};

/// The most events that an overlap reaches back over.
pub const OVERLAP_EVENTS_MAX: usize = 65_536;

/// The newest event known, and what is remembered of those before it.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// The serial of the newest known event; 0 for none.
    known: u32,
    overlap: Span,
    /// Known events that lie no further back than the overlap, oldest first.
    recent: VecDeque<(u32, Time)>,
    /// The newest known event that lies further back.
    before: u32,
    /// From where the last answer was asked for, and the state that it told of.
    answered: Option<(u32, Tag)>,
}

impl Cursor {
    /// No event is known yet.
    pub(super) const fn new(overlap: Span) -> Self {
        Self { known: 0, overlap, recent: VecDeque::new(), before: 0, answered: None }
    }

    /// From where a new poll asks.
    pub(super) fn start(&self) -> u32 {
        if self.overlap.is_zero() { self.known } else { self.known.min(self.before) }
    }

    /// What the last answer told of the feed after this very cursor, if it was asked for that.
    pub(super) fn tag(&self, after: u32) -> Option<Tag> {
        self.answered.filter(|(asked, _)| *asked == after).map(|(_, tag)| tag)
    }

    /// Takes the answer to a request from `after` on. Gives back how many of its events are new, and from where the page
    /// behind it would be asked for. The tag is that of an answer which holds all there is.
    #[inline]
    pub(super) fn take(&mut self, after: u32, events: &[Event], tag: Option<Tag>) -> (u32, u32) {
        self.answered = tag.map(|tag| (after, tag));
        let known = self.known;
        // They come in order, so mostly all are new if the first is.
        let fresh = match events.first() {
            Some(first) if first.serial <= known => events.iter().filter(|event| event.serial > known).count(),
            _ => events.len(),
        };
        let fresh = u32::try_from(fresh).unwrap_or(u32::MAX);
        // A cursor that was set back meanwhile stays where it is: what lies before this page is still to be asked for.
        if known < after {
            self.answered = None;
            return (fresh, known);
        }
        if !self.overlap.is_zero() {
            self.keep(events);
        }
        let last = events.last().map_or(after, |event| event.serial);
        self.known = known.max(last);
        (fresh, last)
    }

    /// The same for an answer that holds nothing, and tells this state.
    #[inline]
    pub(super) fn take_nothing(&mut self, after: u32, tag: Tag) {
        self.answered = (self.known >= after).then_some((after, tag));
    }

    /// Keeps the events that are new, as far as the overlap reaches.
    #[inline(never)]
    fn keep(&mut self, events: &[Event]) {
        let known = self.known;
        self.recent.extend(events.iter().filter(|e| e.serial > known).map(|e| (e.serial, e.occurred_at)));
        self.forget();
    }

    /// Forgets the events that lie further back than the overlap.
    fn forget(&mut self) {
        let Some(&(_, newest)) = self.recent.back() else { return };
        while let Some(&(serial, at)) = self.recent.front()
            && (newest.since(at) > self.overlap || self.recent.len() > OVERLAP_EVENTS_MAX)
        {
            self.before = serial;
            self.recent.pop_front();
        }
    }

    /// Goes back before an event, so that it is asked for again, whatever an answer said before.
    pub(super) fn go_back_before(&mut self, serial: u32) {
        self.known = self.known.min(serial.saturating_sub(1));
        while self.recent.back().is_some_and(|(serial, _)| *serial > self.known) {
            self.recent.pop_back();
        }
        self.answered = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Batch;

    fn page(serials: &[u32]) -> Batch {
        let event = |&serial: &u32| Event {
            occurred_at: Time::ZERO + Span::from_secs(serial.into()),
            consumer: 0,
            serial,
            record: 0,
            payload: 0,
        };
        serials.iter().map(event).collect()
    }

    #[test]
    fn without_an_overlap_it_asks_from_the_newest_event() {
        let mut cursor = Cursor::new(Span::ZERO);
        assert_eq!((cursor.start(), cursor.tag(0)), (0, None));
        assert_eq!(cursor.take(0, &page(&[1, 2]), Some(Tag(5))), (2, 2));
        assert_eq!((cursor.start(), cursor.tag(2), cursor.tag(0)), (2, None, Some(Tag(5))));
        assert_eq!(cursor.take(2, &page(&[]), Some(Tag(5))), (0, 2));
        assert_eq!(cursor.tag(2), Some(Tag(5)));
        assert_eq!(cursor.take(2, &page(&[]), None), (0, 2));
        assert_eq!(cursor.tag(2), None, "there was more behind that answer");
        cursor.go_back_before(2);
        assert_eq!((cursor.start(), cursor.tag(1), cursor.tag(2)), (1, None, None));
        let mut other = cursor.clone();
        // An answer to what was asked for before that does not lead past the gap.
        assert_eq!(cursor.take(2, &page(&[3]), Some(Tag(5))), (1, 1));
        assert_eq!((cursor.start(), cursor.tag(2)), (1, None));
        other.take_nothing(2, Tag(5));
        assert_eq!((other.start(), other.tag(2)), (1, None));
        other.take_nothing(1, Tag(5));
        assert_eq!((other.start(), other.tag(1)), (1, Some(Tag(5))));
    }

    #[test]
    fn an_overlap_starts_at_the_newest_event_that_is_older() {
        // Events one second apart, three seconds of overlap.
        let mut cursor = Cursor::new(Span::from_secs(3));
        assert_eq!(cursor.take(0, &page(&[1, 2, 3]), Some(Tag(3))), (3, 3));
        assert_eq!(cursor.start(), 0, "nothing is that old yet");
        cursor.take(0, &page(&[1, 2, 3, 4, 5, 6]), Some(Tag(6)));
        assert_eq!(cursor.start(), 2, "3 is just as old as the overlap is long");
        assert_eq!(cursor.take(2, &page(&[3, 4]), Some(Tag(8))), (0, 4), "the next page follows this one");
        assert_eq!(cursor.take(4, &page(&[5, 6, 7, 8]), Some(Tag(8))), (2, 8));
        assert_eq!(cursor.start(), 4);
        cursor.go_back_before(3);
        assert_eq!(cursor.start(), 2);
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let mut cursor = Cursor::new(Span::MAX);
        for first in (1..=3 * OVERLAP_EVENTS_MAX as u32).step_by(100) {
            let serials: Vec<_> = (first..first + 100).collect();
            cursor.take(first - 1, &page(&serials), Some(Tag(0)));
            assert!(cursor.recent.len() <= OVERLAP_EVENTS_MAX);
        }
        assert_eq!(cursor.start(), cursor.known - OVERLAP_EVENTS_MAX as u32);
    }
}
