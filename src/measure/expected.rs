//! Which events may still reach a client.

use smallvec::SmallVec;

use crate::peer::{Event, LossCause};
use crate::time::Time;
use crate::window::Window;

/// Serials of the events of one attempt.
type Serials = SmallVec<[u32; 2]>;

/// An attempt of which something may still be learnt.
#[derive(Clone, Debug, Default)]
struct Attempt {
    events: Serials,
    /// The receiver has dealt with it, or never will.
    settled: bool,
    /// It has ended for the dispatcher.
    ended: bool,
}

/// An event that a client has not seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// When it occurred.
    pub occurred_at: Time,
    /// The consumer it concerns.
    pub consumer: u32,
    /// The record it belongs to.
    pub record: u32,
    /// Whether it occurred in the measured stretch.
    pub counted: bool,
    /// System A has it and will handle it.
    taken: bool,
    /// Attempts that may still bring it.
    unsettled: u32,
    /// Why and when the dispatcher gave up on it.
    given_up: Option<(LossCause, Time)>,
}

/// An event that can no longer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub cause: LossCause,
    /// When the dispatcher gave up on it.
    pub at: Time,
    /// When it occurred.
    pub occurred_at: Time,
    /// The consumer it concerns.
    pub consumer: u32,
    /// Whether it occurred in the measured stretch.
    pub counted: bool,
}

/// The events of one consumer that may still come.
///
/// A dispatcher that gives up does not know what becomes of its last attempts: one may be under way still, or wait in the
/// receiver's queue. An event is lost only when none of them can bring it any more, and no poll can either.
#[derive(Clone, Debug)]
pub struct Expected {
    recovers: bool,
    unseen: Window<Unseen>,
    /// The attempts of which something may still be learnt.
    attempts: Window<Attempt>,
}

impl Expected {
    /// No event so far. `recovers` says whether a poll can still bring what the dispatcher gave up.
    pub const fn new(recovers: bool) -> Self {
        Self { recovers, unseen: Window::starting_at(1), attempts: Window::starting_at(0) }
    }

    /// An event has occurred.
    pub fn occurred(&mut self, event: &Event, counted: bool) {
        let Event { occurred_at, consumer, record, .. } = *event;
        self.unseen.push(Unseen { occurred_at, consumer, record, counted, taken: false, unsettled: 0, given_up: None });
    }

    /// The next attempt has left, with these events.
    pub fn attempted(&mut self, events: &[Event]) {
        for event in events {
            if let Some(unseen) = self.unseen.get_mut(event.serial) {
                unseen.unsettled += 1;
            }
        }
        let events = events.iter().map(|event| event.serial).collect();
        self.attempts.push(Attempt { events, settled: false, ended: false });
    }

    /// The receiver has dealt with an attempt, or never will. Calls `lost` for each event whose last chance that was.
    pub fn settled(&mut self, attempt: u32, mut lost: impl FnMut(Lost)) {
        let Some(known) = self.attempts.get_mut(attempt).filter(|known| !known.settled) else { return };
        known.settled = true;
        for event in self.serials(attempt) {
            if let Some(unseen) = self.unseen.get_mut(event) {
                unseen.unsettled = unseen.unsettled.saturating_sub(1);
            }
            self.lost(event).into_iter().for_each(&mut lost);
        }
    }

    /// An attempt has ended for the dispatcher. If it was acknowledged, its events will not be sent again; calls `lost` for
    /// each whose last chance that was, because System A had taken it and then dropped it.
    pub fn ended(&mut self, at: Time, attempt: u32, acknowledged: bool, mut lost: impl FnMut(Lost)) {
        let Some(known) = self.attempts.get_mut(attempt) else { return };
        known.ended = true;
        for event in self.serials(attempt) {
            if acknowledged && let Some(unseen) = self.unseen.get_mut(event) {
                unseen.given_up.get_or_insert((LossCause::Unhandled, at));
                self.lost(event).into_iter().for_each(&mut lost);
            }
        }
    }

    /// The events of an attempt, which is forgotten when nothing more can be learnt of it.
    fn serials(&mut self, attempt: u32) -> Serials {
        match self.attempts.get_mut(attempt) {
            Some(known) if known.settled && known.ended => self.attempts.take(attempt).unwrap_or_default().events,
            Some(known) => known.events.clone(),
            None => Serials::new(),
        }
    }

    /// System A has taken the event and will handle it.
    pub fn took(&mut self, event: u32) {
        if let Some(unseen) = self.unseen.get_mut(event) {
            unseen.taken = true;
        }
    }

    /// System A will not handle the event after all. Gives it back if that was its last chance.
    pub fn dropped(&mut self, event: u32) -> Option<Lost> {
        self.unseen.get_mut(event)?.taken = false;
        self.lost(event)
    }

    /// The dispatcher has given up. Gives back the event if that was its last chance.
    pub fn gave_up(&mut self, at: Time, event: u32, cause: LossCause) -> Option<Lost> {
        self.unseen.get_mut(event)?.given_up = Some((cause, at));
        self.lost(event)
    }

    /// System A has handled the event; none if it was seen before or is not one of this consumer's.
    pub fn seen(&mut self, event: u32) -> Option<Unseen> {
        self.unseen.take(event)
    }

    /// The events that may still come.
    pub fn pending(&self) -> impl Iterator<Item = &Unseen> {
        self.unseen.iter().map(|(_, unseen)| unseen)
    }

    fn lost(&mut self, event: u32) -> Option<Lost> {
        let unseen = self.unseen.get_mut(event)?;
        let (cause, at) = unseen.given_up?;
        if self.recovers || unseen.taken || unseen.unsettled > 0 {
            return None;
        }
        let Unseen { occurred_at, consumer, counted, .. } = *unseen;
        self.unseen.take(event);
        Some(Lost { cause, at, occurred_at, consumer, counted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: LossCause = LossCause::NeverRetried;

    fn expected(recovers: bool) -> Expected {
        let mut expected = Expected::new(recovers);
        for serial in 1..=2 {
            expected.occurred(&event(serial), true);
        }
        expected.attempted(&[event(1)]);
        expected
    }

    fn settled(expected: &mut Expected, attempt: u32) -> Vec<Lost> {
        let mut all = Vec::new();
        expected.settled(attempt, |lost| all.push(lost));
        all
    }

    const fn event(serial: u32) -> Event {
        Event { occurred_at: Time::ZERO, consumer: 0, serial, record: 0, payload: 0 }
    }

    #[test]
    fn an_event_is_lost_only_when_no_attempt_can_bring_it() {
        let mut given_up_first = expected(false);
        assert_eq!(given_up_first.gave_up(Time::ZERO, 1, CAUSE), None, "its attempt is still under way");
        assert_eq!(settled(&mut given_up_first, 0).len(), 1);
        assert_eq!(given_up_first.pending().count(), 1);
        let mut settled_first = expected(false);
        assert_eq!(settled(&mut settled_first, 0), [], "it may be tried again");
        assert!(settled_first.gave_up(Time::ZERO, 1, CAUSE).is_some());
    }

    #[test]
    fn what_has_been_taken_or_can_be_polled_is_not_lost() {
        let mut taken = expected(false);
        taken.took(1);
        assert_eq!(taken.gave_up(Time::ZERO, 1, CAUSE), None);
        assert_eq!(settled(&mut taken, 0), []);
        assert!(taken.seen(1).is_some() && taken.seen(1).is_none());
        let mut polled = expected(true);
        assert_eq!(settled(&mut polled, 0), []);
        assert_eq!(polled.gave_up(Time::ZERO, 1, CAUSE), None);
        assert_eq!(polled.pending().count(), 2);
    }

    #[test]
    fn what_was_acknowledged_and_then_dropped_is_lost_once_nobody_will_send_it_again() {
        let ended = |expected: &mut Expected| {
            let mut all = Vec::new();
            expected.ended(Time::ZERO, 0, true, |lost| all.push(lost.cause));
            all
        };
        for acknowledged_first in [true, false] {
            let mut expected = expected(false);
            expected.took(1);
            assert_eq!(settled(&mut expected, 0), []);
            if acknowledged_first {
                assert_eq!(ended(&mut expected), []);
                assert_eq!(expected.dropped(1).map(|lost| lost.cause), Some(LossCause::Unhandled));
            } else {
                assert_eq!(expected.dropped(1), None);
                assert_eq!(ended(&mut expected), [LossCause::Unhandled]);
            }
        }
        let mut polled = expected(true);
        polled.took(1);
        assert_eq!((ended(&mut polled), polled.dropped(1)), (vec![], None));
    }
}
