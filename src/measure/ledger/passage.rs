//! Exchanges that are taken down as a whole, because the engine knows their whole course before anything else happens.

use super::{Account, Asked, Ledger, Open, account};
use crate::measure::fact::End;
use crate::measure::tally::Bytes;
use crate::peer::{Event, Exchange, Request, Response, Side};
use crate::time::Time;

/// An exchange of which nothing has been taken down yet, because all of it may be taken down at once: a poll of the feed, or
/// a webhook of one event.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    /// Which exchange.
    pub exchange: Exchange,
    counted: bool,
    /// What it brought, if anything: true for something new.
    brought: Option<bool>,
    /// When its request left.
    left: Time,
    /// When its request arrived.
    arrived: Time,
    /// The size of the request.
    bytes: u64,
    /// The page of the poll.
    page: u32,
    /// What is delivered, if it is no poll.
    event: Option<Event>,
}

impl Passage {
    /// When its request left.
    pub const fn opened(&self) -> Time {
        self.left
    }

    /// Whether it is a poll.
    pub const fn is_poll(&self) -> bool {
        self.event.is_none()
    }

    const fn asked(&self) -> Asked<'_> {
        match &self.event {
            None => Asked::Poll { page: self.page },
            Some(event) => Asked::Delivery(std::slice::from_ref(event)),
        }
    }
}

impl Ledger<'_> {
    /// Whether exchanges may be taken down as a whole: not where each fact is kept, or where it matters which of several
    /// polls of a record was the last.
    pub fn takes_passages(&self) -> bool {
        let may_pass = |account: &Account| account.records.is_none() && account.expected.polls_no_records();
        self.observer.is_none() && self.accounts.iter().all(may_pass)
    }

    /// An exchange whose request left and arrived at these instants; none if it has to be taken down step by step.
    #[inline]
    pub fn passage(
        &self,
        exchange: Exchange,
        request: &Request,
        [left, arrived]: [Time; 2],
        bytes: u64,
    ) -> Option<Passage> {
        let account = self.accounts.get(exchange.consumer.checked_sub(self.first)? as usize)?;
        let (page, event) = match request {
            Request::Poll { page, .. } if !account.expected.waits_for_polls() => (*page, None),
            Request::Delivery { events, .. } if events.len() == 1 => (0, events.first().copied()),
            _ => return None,
        };
        let counted = self.frame.counts(left);
        Some(Passage { exchange, counted, brought: None, left, arrived, bytes, page, event })
    }

    /// The exchange goes on step by step: takes down what there is of it.
    pub fn open_late(&mut self, passage: &Passage) {
        let Passage { exchange, left, arrived, bytes, brought, .. } = *passage;
        self.open_as(left, exchange, passage.asked(), bytes);
        if let Some(open) = self.open(exchange) {
            open.brought = brought;
        }
        self.arrived(arrived, exchange, bytes);
    }

    /// Takes down that an exchange brought an event, before anything else of it.
    #[inline]
    pub fn took_in_passing(&mut self, passage: &mut Passage, event: &Event, fresh: bool, handled: bool) {
        passage.brought = Some(fresh || passage.brought == Some(true));
        self.count_taken(event, passage.counted, fresh, handled);
    }

    /// Whether nothing more can be learnt of an exchange and its events once this response is back.
    #[inline]
    pub fn nothing_is_left_of(&self, passage: &Passage, response: &Response) -> bool {
        let Some(event) = &passage.event else { return true };
        let account = event.consumer.checked_sub(self.first).and_then(|index| self.accounts.get(index as usize));
        *response == Response::Accepted && account.is_some_and(|account| !account.expected.waits_for(event.serial))
    }

    /// Passes over an exchange that will be taken down as a whole.
    #[inline]
    pub fn skip(&mut self, passage: &Passage) {
        let Exchange { consumer, opener, serial } = passage.exchange;
        let Some(account) = account(&mut self.accounts, self.first, consumer) else { return };
        if let Some(window) = account.open.get_mut(opener as usize) {
            window.skip(1);
        }
        if passage.is_poll() {
            account.expected.asked(serial, false);
        } else {
            account.expected.skip_attempt();
        }
    }

    /// Takes down an exchange as a whole. What it brought has been taken down before.
    #[inline]
    pub fn went_through(&mut self, passage: &Passage, response_bytes: u64, end: End) {
        // It was opened, and it has ended.
        self.tally.transitions += 2;
        let Passage { exchange, counted, brought, left, arrived, bytes, page, .. } = *passage;
        if !counted {
            return;
        }
        self.tally.opened += 1;
        if passage.is_poll() {
            self.tally.polls += 1;
            self.tally.poll_rounds += u64::from(page == 0);
        } else {
            self.tally.attempts += 1;
        }
        self.took_part(left, exchange, exchange.opener);
        if self.frame.counts(arrived) {
            self.took_part(arrived, exchange, exchange.opener.other());
        }
        let opener = Bytes { received: response_bytes, sent: bytes };
        let other = Bytes { received: bytes, sent: response_bytes };
        let bytes = if exchange.opener == Side::Provider { [opener, other] } else { [other, opener] };
        let open = Open { at: left, counted, settled: true, brought, end: Some(end), bytes };
        self.judge(exchange, &open);
    }
}
