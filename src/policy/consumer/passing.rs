//! Exchanges whose whole course is known before anything else happens.

use crate::peer::{Advice, Event, Tag};
use crate::policy::consumer::Consumer;
use crate::policy::poller::{Foreseen, Poller};
use crate::time::Time;

impl Consumer {
    /// Whether it does nothing but poll, asks for no more than what is new, and is done with each answer in no time.
    pub fn only_polls(&self) -> bool {
        let is_plain = self.poller.as_ref().is_some_and(|poller| poller.is_plain());
        is_plain && self.records.is_none() && self.receiver.is_none() && self.outages.next().is_none()
    }

    /// The poll that will leave next, if none is open. Nothing has changed until [`Self::polled`] is called.
    #[inline]
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

    /// Whether a webhook of this event that arrives now will be taken, handled and acknowledged in no time, and nothing else
    /// done about it. Nothing has changed until [`Self::take_in_passing`] is called.
    #[inline]
    pub fn takes_in_passing(&mut self, now: Time, event: &Event) -> bool {
        let Self { poller: None, records: None, receiver: Some(receiver), inbox, .. } = self else { return false };
        receiver.takes_at_once(now, event, inbox)
    }

    /// A webhook of this event has arrived as foreseen.
    #[inline]
    pub fn take_in_passing(&mut self, now: Time, event: &Event) {
        if let Some(receiver) = &mut self.receiver {
            receiver.remember(now, event, &mut self.inbox);
        }
    }
}
