//! Which events may still reach a client.

use crate::peer::{Event, LossCause};
use crate::time::Time;
use crate::window::Window;

/// An event that a client has not seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// When it occurred.
    pub occurred_at: Time,
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
    /// The event of each attempt that is not settled.
    attempts: Window<u32>,
}

impl Expected {
    /// No event so far. `recovers` says whether a poll can still bring what the dispatcher gave up.
    pub const fn new(recovers: bool) -> Self {
        Self { recovers, unseen: Window::starting_at(1), attempts: Window::starting_at(0) }
    }

    /// An event has occurred.
    pub fn occurred(&mut self, event: &Event, counted: bool) {
        let (occurred_at, record) = (event.occurred_at, event.record);
        self.unseen.push(Unseen { occurred_at, record, counted, taken: false, unsettled: 0, given_up: None });
    }

    /// The next attempt has left, with this event.
    pub fn attempted(&mut self, event: u32) {
        self.attempts.push(event);
        if let Some(unseen) = self.unseen.get_mut(event) {
            unseen.unsettled += 1;
        }
    }

    /// The receiver has dealt with an attempt, or never will. Gives back the event if that was its last chance.
    pub fn settled(&mut self, attempt: u32) -> Option<Lost> {
        let event = self.attempts.take(attempt)?;
        let unseen = self.unseen.get_mut(event)?;
        unseen.unsettled = unseen.unsettled.saturating_sub(1);
        self.lost(event)
    }

    /// System A has taken the event and will handle it.
    pub fn took(&mut self, event: u32) {
        if let Some(unseen) = self.unseen.get_mut(event) {
            unseen.taken = true;
        }
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
        let counted = unseen.counted;
        self.unseen.take(event);
        Some(Lost { cause, at, counted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: LossCause = LossCause::NeverRetried;

    fn expected(recovers: bool) -> Expected {
        let mut expected = Expected::new(recovers);
        for serial in 1..=2 {
            let event = Event { occurred_at: Time::ZERO, consumer: 0, serial, record: 0, payload: 0 };
            expected.occurred(&event, true);
        }
        expected.attempted(1);
        expected
    }

    #[test]
    fn an_event_is_lost_only_when_no_attempt_can_bring_it() {
        let mut given_up_first = expected(false);
        assert_eq!(given_up_first.gave_up(Time::ZERO, 1, CAUSE), None, "its attempt is still under way");
        assert!(given_up_first.settled(0).is_some());
        assert_eq!(given_up_first.pending().count(), 1);
        let mut settled_first = expected(false);
        assert_eq!(settled_first.settled(0), None, "it may be tried again");
        assert!(settled_first.gave_up(Time::ZERO, 1, CAUSE).is_some());
    }

    #[test]
    fn what_has_been_taken_or_can_be_polled_is_not_lost() {
        let mut taken = expected(false);
        taken.took(1);
        assert_eq!(taken.gave_up(Time::ZERO, 1, CAUSE), None);
        assert_eq!(taken.settled(0), None);
        assert!(taken.seen(1).is_some() && taken.seen(1).is_none());
        let mut polled = expected(true);
        assert_eq!(polled.settled(0), None);
        assert_eq!(polled.gave_up(Time::ZERO, 1, CAUSE), None);
        assert_eq!(polled.pending().count(), 2);
    }
}
