//! Exchanges whose whole course is decided at once.
//!
//! Where nothing else happens in a cell of one consumer from the moment a request leaves until its answer has come, there is
//! nothing to plan: the exchange is carried through without the agenda and without an entry anywhere, and the ledger is told
//! of it as a whole. As soon as anything comes in between, it goes on step by step like any other.

use super::flights::Flight;
use super::traffic::{Outbox, Traffic};
use super::Cell;
use crate::link::{Crossing, Verdict};
use crate::measure::fact::End;
use crate::measure::ledger::{Ledger, Passage};
use crate::peer::{Exchange, Input, Note, Outcome, Output, Peer, Request, Response, Side, Sink};
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
    passage: Passage,
    subject: (u64, u64),
    times_out_at: Time,
    /// The answer, as long as nothing came behind it.
    response: Option<Response>,
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
        let Self { traffic, ledger, passage, subject, times_out_at, .. } = self;
        ledger.open_late(passage);
        let flight = Flight::arrived(passage.opened(), passage.is_poll(), *subject, *times_out_at);
        traffic.take_on(passage.exchange, flight);
        if let Some(response) = self.response.take() {
            self.traffic.reply(self.passage.exchange, response, self.ledger);
        }
    }

    fn other_side(&self) -> Side {
        self.passage.exchange.opener.other()
    }
}

impl Sink for Handed<'_, '_, '_> {
    #[inline]
    fn push(&mut self, output: Output) {
        if !self.is_under_way && self.response.is_none() {
            match output {
                Output::Reply { exchange, response } if exchange == self.passage.exchange => {
                    self.response = Some(response);
                    return;
                }
                Output::Note(Note::Took { exchange, event, fresh, handled }) if exchange == self.passage.exchange => {
                    return self.ledger.took_in_passing(&mut self.passage, &event, fresh, handled);
                }
                Output::Note(Note::Seen(event)) => return self.ledger.seen(self.traffic.now, &event),
                _ => {}
            }
        }
        self.go_on_step_by_step();
        let side = self.other_side();
        Outbox::new(self.traffic, self.ledger, side).push(output);
    }
}

/// The opener of an exchange hears of its answer.
struct Closing<'c, 'a, 'l> {
    out: Outbox<'c, 'a, 'l>,
    passage: Passage,
}

impl Sink for Closing<'_, '_, '_> {
    #[inline]
    fn push(&mut self, output: Output) {
        match output {
            Output::Note(Note::Took { exchange, event, fresh, handled }) if exchange == self.passage.exchange => {
                self.out.ledger.took_in_passing(&mut self.passage, &event, fresh, handled);
            }
            output => self.out.push(output),
        }
    }
}

impl Cell<'_> {
    /// Tells the provider something, and carries through what it sends if that can be.
    pub(super) fn tell_provider_and_pass(&mut self, input: Input, ledger: &mut Ledger<'_>) {
        if !self.may_pass {
            return self.tell_provider(input, ledger);
        }
        let now = self.traffic.now;
        let mut out = Outbox::new(&mut self.traffic, ledger, Side::Provider).holding_back();
        self.provider.handle(now, input, &mut out);
        let sent = out.held();
        self.note_provider_wake();
        self.pass_all(sent, ledger);
    }

    /// Wakes a consumer, and carries through what it sends if that can be.
    pub(super) fn wake_consumer_and_pass(&mut self, index: u32, ledger: &mut Ledger<'_>) {
        if !self.may_pass {
            return self.tell_consumer(index, Input::Wake, ledger);
        }
        let now = self.traffic.now;
        let mut out = Outbox::new(&mut self.traffic, ledger, Side::Consumer).holding_back();
        self.consumers[index as usize].handle(now, Input::Wake, &mut out);
        let sent = out.held();
        self.note_consumer_wake(index);
        self.pass_all(sent, ledger);
    }

    /// Carries a request through, and whatever is sent for the answer to it.
    fn pass_all(&mut self, mut sent: Option<Sent>, ledger: &mut Ledger<'_>) {
        while let Some(next) = sent {
            sent = self.pass(next, ledger);
        }
    }

    /// Carries an exchange through if that can be, else sends its request. Gives back what its opener sends in turn.
    fn pass(&mut self, sent: Sent, ledger: &mut Ledger<'_>) -> Option<Sent> {
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
        let Some(passage) = passage else {
            self.traffic.send(exchange, request, timeout, ledger);
            return None;
        };
        self.traffic.now = arrived;
        let traffic = &mut self.traffic;
        let mut handed = Handed { traffic, ledger, passage, subject, times_out_at, response: None, is_under_way: false };
        match exchange.opener {
            Side::Consumer => self.provider.handle(arrived, Input::Requested(exchange, request), &mut handed),
            _ => self.consumers[0].handle(arrived, Input::Requested(exchange, request), &mut handed),
        }
        let Handed { passage, response, is_under_way, .. } = handed;
        match exchange.opener {
            Side::Consumer => self.note_provider_wake(),
            _ => self.note_consumer_wake(0),
        }
        if is_under_way {
            self.traffic.plan_timeout(exchange);
            return None;
        }
        self.answer(passage, response, (subject, times_out_at), ledger)
    }

    /// The other side has answered at once, or will do so some time.
    fn answer(
        &mut self,
        passage: Passage,
        response: Option<Response>,
        (subject, times_out_at): ((u64, u64), Time),
        ledger: &mut Ledger<'_>,
    ) -> Option<Sent> {
        let (exchange, at) = (passage.exchange, self.traffic.now);
        let (link, faults) = (&self.traffic.setup.link, self.traffic.faults);
        let bytes = response.as_ref().map_or(0, |response| self.traffic.wire.response_size(response));
        let verdict = link.response(Crossing { at, consumer: exchange.consumer, subject, bytes, faults });
        let back = match (&response, verdict) {
            (Some(_), Verdict::Deliver(delay)) => at + delay,
            _ => Time::NEVER,
        };
        let passes = back <= times_out_at && self.is_quiet_until(back);
        let response = match response {
            Some(response) if passes && ledger.nothing_is_left_of(&passage, &response) => response,
            response => {
                ledger.open_late(&passage);
                let flight = Flight::arrived(passage.opened(), passage.is_poll(), subject, times_out_at);
                self.traffic.take_on(exchange, flight);
                if let Some(response) = response {
                    self.traffic.reply(exchange, response, ledger);
                }
                self.traffic.plan_timeout(exchange);
                return None;
            }
        };
        self.traffic.window(exchange).skip();
        ledger.skip(&passage);
        self.traffic.now = back;
        let outcome = Outcome::Answered(response);
        let end = End::from(&outcome);
        let out = Outbox::new(&mut self.traffic, ledger, exchange.opener).holding_back();
        let mut closing = Closing { out, passage };
        match exchange.opener {
            Side::Consumer => self.consumers[0].handle(back, Input::Ended(exchange, outcome), &mut closing),
            _ => self.provider.handle(back, Input::Ended(exchange, outcome), &mut closing),
        }
        let Closing { out, passage } = closing;
        let sent = out.held();
        match exchange.opener {
            Side::Consumer => self.note_consumer_wake(0),
            _ => self.note_provider_wake(),
        }
        ledger.went_through(&passage, bytes, end);
        sent
    }

    /// Whether nothing happens up to this instant that might come before a message then.
    fn is_quiet_until(&mut self, at: Time) -> bool {
        at < self.traffic.setup.frame.duration
            && !self.has_more
            && self.provider_wake > at
            && self.traffic.agenda.next_at().is_none_or(|(next, _)| next > at)
            && self.occurrences.earliest().is_none_or(|(next, _)| next > at)
            && self.wakes.earliest().is_none_or(|(next, _)| next > at)
    }
}
