//! Polls whose whole course is known before anything else happens.

use crate::distribution::Distribution;
use crate::peer::{Advice, Event, Exchange, Tag};
use crate::policy::numbers::Numbers;
use crate::policy::poller::{Open, Poller, Strategy, Target};
use crate::time::{Span, Time};

/// A poll that will leave next, for the first page of what there is.
#[derive(Clone, Copy, Debug)]
pub struct Foreseen {
    /// Its exchange.
    pub exchange: Exchange,
    /// When it is due.
    pub due: Time,
    /// The serial of the last event that the poller knows.
    pub after: u32,
    /// The most events that the answer may hold.
    pub limit: u32,
    /// Which poll it is.
    pub poll: u32,
    /// How long the poller waits for the answer.
    pub timeout: Span,
}

impl Poller {
    /// Whether each poll asks for no more than what is new, takes the answer as soon as there is one, and is done with it in
    /// no time.
    pub(in crate::policy) fn is_plain(&self) -> bool {
        let policy = &self.policy;
        let is_held = matches!(policy.strategy, Strategy::LongPoll { .. });
        let is_news = policy.target == Target::Feed { overlap: Span::ZERO } && !policy.conditional;
        is_news && !is_held && policy.service_time == Distribution::ZERO
    }

    /// The poll that will leave next, if none is open. Nothing has changed until [`Self::polled`] is called.
    #[inline(always)]
    pub(in crate::policy) fn foresee(&self, numbers: &Numbers) -> Option<Foreseen> {
        let (poll, due) = self.schedule.slot();
        let (exchange, after) = (numbers.peek(), self.cursor.start());
        let foreseen = Foreseen { exchange, due, after, limit: self.policy.page, poll, timeout: self.policy.timeout };
        self.open.is_none().then_some(foreseen)
    }

    /// The poll has left as foreseen, and these events, which are all there are, have come back.
    #[inline]
    pub(in crate::policy) fn polled(
        &mut self,
        foreseen: &Foreseen,
        [left, back]: [Time; 2],
        (events, tag, advice): (&[Event], Tag, &Advice),
        numbers: &mut Numbers,
    ) {
        let exchange = numbers.next().serial;
        let open = Open { poll: foreseen.poll, page: 0, after: foreseen.after, exchange, left, brought: 0 };
        let (fresh, _) = self.hear_page(back, open.after, events, (false, tag, advice));
        self.over(&open, back, fresh, true);
    }
}
