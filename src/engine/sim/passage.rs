//! Exchanges whose whole course is decided at once.
//!
//! Where nothing else happens in a cell of one consumer from the moment a request leaves until its answer has come, there is
//! nothing to plan: the exchange is carried through without the agenda and without an entry anywhere, and the ledger is told
//! of it as a whole. As soon as anything comes in between, it goes on step by step like any other.

use super::Cell;
use super::flights::Flight;
use super::traffic::{Outbox, Traffic};
use crate::link::{Crossing, Verdict};
use crate::measure::fact::End;
use crate::measure::ledger::{Ledger, Passage};
use crate::peer::{Exchange, Input, Note, Outcome, Peer, Request, Response, Side, Sink};
use crate::time::{Span, Time};

/// A request that its opener has just sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) exchange: Exchange,
    pub(super) request: Request,
    pub(super) timeout: Span,
}

/// A request that has reached the other side, in the hands of whom it was sent to.
struct Handed<'c, 'a, 'l> {
    traffic: &'c mut Traffic<'a>,
    ledger: &'c mut Ledger<'l>,
    passage: &'c mut Passage,
    subject: (u64, u64),
    times_out_at: Time,
    /// The answer, as long as nothing came behind it.
    response: &'c mut Option<Response>,
    /// The exchange goes on step by step.
    is_under_way: bool,
}

impl Handed<'_, '_, '_> {
    /// Has the exchange go on step by step from here on.
    #[cold]
    fn go_on_step_by_step(&mut self) {
        if self.is_under_way {
            return;
        }
        self.is_under_way = true;
        self.traffic.take_over(self.passage, self.subject, self.times_out_at, self.ledger);
        if let Some(response) = self.response.take() {
            self.traffic.reply(self.passage.exchange, response, self.ledger);
        }
    }
}

impl Sink for Handed<'_, '_, '_> {
    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span) {
        self.go_on_step_by_step();
        self.traffic.send(exchange, request, timeout, self.ledger);
    }

    #[inline]
    fn reply(&mut self, exchange: Exchange, response: Response) {
        if exchange == self.passage.exchange && !self.is_under_way && self.response.is_none() {
            *self.response = Some(response);
            return;
        }
        self.go_on_step_by_step();
        self.traffic.reply(exchange, response, self.ledger);
    }

    #[inline]
    fn note(&mut self, note: Note) {
        if !self.is_under_way && self.response.is_none() {
            match note {
                Note::Took { exchange, event, fresh, handled } if exchange == self.passage.exchange => {
                    return self.ledger.took_in_passing(self.passage, &event, fresh, handled);
                }
                Note::Seen(event) => return self.ledger.seen(self.traffic.now, &event),
                _ => {}
            }
        }
        self.go_on_step_by_step();
        self.ledger.noted(self.traffic.now, self.passage.exchange.opener.other(), note);
    }
}

/// The opener of an exchange hears of its answer.
struct Closing<'c, 'a, 'l> {
    out: Outbox<'c, 'a, 'l>,
    passage: &'c mut Passage,
}

impl Sink for Closing<'_, '_, '_> {
    #[inline]
    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span) {
        self.out.send(exchange, request, timeout);
    }

    fn reply(&mut self, exchange: Exchange, response: Response) {
        self.out.reply(exchange, response);
    }

    #[inline]
    fn note(&mut self, note: Note) {
        match note {
            Note::Took { exchange, event, fresh, handled } if exchange == self.passage.exchange => {
                self.out.ledger.took_in_passing(self.passage, &event, fresh, handled);
            }
            Note::Seen(event) => self.out.see(&event),
            note => self.out.note(note),
        }
    }
}

impl Traffic<'_> {
    /// Has an exchange whose request has arrived go on step by step.
    #[cold]
    fn take_over(&mut self, passage: &Passage, subject: (u64, u64), times_out_at: Time, ledger: &mut Ledger<'_>) {
        ledger.open_late(passage);
        let flight = Flight::arrived([passage.opened(), self.now], passage.is_poll(), subject, times_out_at);
        self.take_on(passage.exchange, flight);
    }
}

impl Cell<'_> {
    /// Tells the provider something, and carries through what it sends if that can be.
    pub(super) fn tell_provider_and_pass(&mut self, input: Input, ledger: &mut Ledger<'_>) {
        if !self.may_pass {
            return self.tell_provider(input, ledger);
        }
        let (now, mut sent) = (self.traffic.now, None);
        let mut out = Outbox::new(&mut self.traffic, ledger, Side::Provider).holding_back(&mut sent);
        self.provider.handle(now, input, &mut out);
        self.note_provider_wake();
        self.pass_all(sent, ledger);
    }

    /// Wakes a consumer, and carries through what it sends if that can be.
    pub(super) fn wake_consumer_and_pass(&mut self, index: u32, ledger: &mut Ledger<'_>) {
        if !self.may_pass {
            return self.tell_consumer(index, Input::Wake, ledger);
        }
        let (now, mut sent) = (self.traffic.now, None);
        let mut out = Outbox::new(&mut self.traffic, ledger, Side::Consumer).holding_back(&mut sent);
        self.consumers[index as usize].handle(now, Input::Wake, &mut out);
        self.note_consumer_wake(index);
        self.pass_all(sent, ledger);
    }

    /// Carries a request through, and whatever is sent for the answer to it.
    #[inline]
    fn pass_all(&mut self, mut sent: Option<Sent>, ledger: &mut Ledger<'_>) {
        while let Some(next) = sent.take() {
            self.pass(next, &mut sent, ledger);
        }
    }

    /// Carries an exchange through if that can be, else sends its request. What its opener sends in turn goes to `next`.
    fn pass(&mut self, sent: Sent, next: &mut Option<Sent>, ledger: &mut Ledger<'_>) {
        let Sent { exchange, request, timeout } = sent;
        let (left, times_out_at) = (self.traffic.now, self.traffic.now + timeout);
        let (consumer, subject) = (exchange.consumer, request.subject());
        let (link, faults) = (&self.traffic.setup.link, self.traffic.faults);
        let bytes = self.traffic.wire.request_size(exchange, &request);
        let verdict = link.request(Crossing { at: left, consumer, subject, bytes, faults });
        let arrived = match verdict {
            Verdict::Deliver(delay) => left + delay,
            Verdict::Drop => Time::NEVER,
        };
        let passes = arrived <= times_out_at && self.is_quiet_until(arrived);
        let passage = passes.then(|| ledger.passage(exchange, &request, [left, arrived], bytes)).flatten();
        let Some(mut passage) = passage else {
            return self.traffic.send(exchange, request, timeout, ledger);
        };
        self.traffic.now = arrived;
        let mut response = None;
        let wait = (subject, times_out_at);
        let is_under_way = self.hand_over(request, &mut passage, wait, &mut response, ledger);
        if is_under_way {
            return self.traffic.plan_timeout(exchange);
        }
        let back = response.as_ref().map(|response| {
            let bytes = self.traffic.wire.response_size(response);
            let (link, faults) = (&self.traffic.setup.link, self.traffic.faults);
            (link.response(Crossing { at: arrived, consumer, subject, bytes, faults }), bytes)
        });
        match (response, back) {
            (Some(response), Some((Verdict::Deliver(delay), bytes)))
                if arrived + delay <= times_out_at
                    && self.is_quiet_until(arrived + delay)
                    && ledger.nothing_is_left_of(&passage, &response) =>
            {
                self.close(&mut passage, arrived + delay, (response, bytes), next, ledger);
            }
            (response, _) => {
                self.traffic.take_over(&passage, subject, times_out_at, ledger);
                if let Some(response) = response {
                    self.traffic.reply(exchange, response, ledger);
                }
                self.traffic.plan_timeout(exchange);
            }
        }
    }

    /// Gives a request that has arrived to whom it was sent to. True if the exchange goes on step by step from here on;
    /// otherwise `response` gets the answer, if there is one already.
    #[inline]
    fn hand_over(
        &mut self,
        request: Request,
        passage: &mut Passage,
        (subject, times_out_at): ((u64, u64), Time),
        response: &mut Option<Response>,
        ledger: &mut Ledger<'_>,
    ) -> bool {
        let (exchange, arrived) = (passage.exchange, self.traffic.now);
        let traffic = &mut self.traffic;
        let mut handed = Handed { traffic, ledger, passage, subject, times_out_at, response, is_under_way: false };
        let input = Input::Requested(exchange, request);
        if exchange.opener == Side::Consumer {
            self.provider.handle(arrived, input, &mut handed);
            let is_under_way = handed.is_under_way;
            self.note_provider_wake();
            is_under_way
        } else {
            self.consumers[0].handle(arrived, input, &mut handed);
            let is_under_way = handed.is_under_way;
            self.note_consumer_wake(0);
            is_under_way
        }
    }

    /// The answer is back at the opener.
    #[inline]
    fn close(
        &mut self,
        passage: &mut Passage,
        back: Time,
        (response, bytes): (Response, u64),
        next: &mut Option<Sent>,
        ledger: &mut Ledger<'_>,
    ) {
        let exchange = passage.exchange;
        if exchange.opener == Side::Provider {
            self.traffic.usages.sent(passage.opened(), back);
        }
        self.traffic.window(exchange).skip(1);
        ledger.skip(passage);
        self.traffic.now = back;
        let outcome = Outcome::Answered(response);
        let end = End::from(&outcome);
        let input = Input::Ended(exchange, outcome);
        let out = Outbox::new(&mut self.traffic, ledger, exchange.opener).holding_back(next);
        let mut closing = Closing { out, passage };
        if exchange.opener == Side::Consumer {
            self.consumers[0].handle(back, input, &mut closing);
            self.note_consumer_wake(0);
        } else {
            self.provider.handle(back, input, &mut closing);
            self.note_provider_wake();
        }
        ledger.went_through(passage, bytes, end);
    }

    /// Whether nothing happens up to this instant that might come before a message then.
    #[inline]
    pub(super) fn is_quiet_until(&mut self, at: Time) -> bool {
        at < self.traffic.setup.frame.duration
            && !self.has_more
            && self.provider_wake > at
            && self.occurrences.are_behind(at)
            && self.traffic.agenda.next_at().is_none_or(|(next, _)| next > at)
            && self.wakes.earliest().is_none_or(|(next, _)| next > at)
    }
}
