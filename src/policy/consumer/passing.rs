//! Exchanges whose whole course is known before anything else happens.

use crate::peer::{Advice, Event, Tag};
use crate::policy::consumer::Consumer;
use crate::policy::inbox::Inbox;
use crate::policy::poller::{Foreseen, Poller};
use crate::policy::receiver::Receiver;
use crate::time::Time;

impl Consumer {
    /// Whether it does nothing but poll, asks for no more than what is new, and is done with each answer in no time.
    pub fn only_polls(&self) -> bool {
        let is_plain = self.poller.as_ref().is_some_and(|poller| poller.is_plain());
        is_plain && self.records.is_none() && self.receiver.is_none() && self.outages.next().is_none()
    }

    /// The poll that will leave next, if none is open. Nothing has changed until [`Self::polled`] is called.
    #[inline(always)]
    pub fn foresee_poll(&self) -> Option<Foreseen> {
        self.poller.as_ref().and_then(|poller| poller.foresee(&self.numbers))
    }

    /// The poll of one who only polls has left as foreseen, and these events, which are all there are, have come back: as
    /// telling it step by step would leave things. It has seen the events.
    #[inline]
    pub fn polled(&mut self, foreseen: &Foreseen, at: [Time; 2], (events, tag, advice): (&[Event], Tag, &Advice)) {
        let Some(poller) = &mut self.poller else { return };
        Poller::polled(poller, foreseen, at, (events, tag, advice), &mut self.numbers);
        for event in events {
            let is_new = self.inbox.take(event.serial);
            debug_assert!(is_new, "a poll for what is new brings nothing else");
        }
    }

    /// How webhooks are taken that are new, by one who handles and acknowledges each in no time and does nothing else about it.
    /// None where that is not so.
    #[inline]
    pub fn taking(&mut self) -> Option<Taking<'_>> {
        let Self { poller: None, records: None, receiver: Some(receiver), inbox, .. } = self else { return None };
        receiver.takes_at_once().then_some(Taking { receiver, inbox })
    }
}

/// One who takes webhooks in passing.
pub struct Taking<'c> {
    receiver: &'c mut Receiver,
    inbox: &'c mut Inbox,
}

impl Taking<'_> {
    /// A webhook of this event arrives now, and is taken, handled and acknowledged if it is new. If it is not, nothing has
    /// changed, and the receiver is to be told of it as of any other.
    #[inline]
    pub fn take_new(&mut self, now: Time, event: &Event) -> bool {
        self.receiver.take_new(now, event, self.inbox)
    }
}
