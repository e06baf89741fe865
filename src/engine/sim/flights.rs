//! Exchanges under way: how a request gets to the other side, how its answer comes back, and what ends it otherwise.

use super::{Cell, Step, Traffic};
use crate::engine::agenda::Rank;
use crate::fault::Connections;
use crate::link::{Crossing, Verdict};
use crate::measure::fact::{End, Fact};
use crate::measure::ledger::Ledger;
use crate::peer::{Exchange, Input, Outcome, Request, Response, Side};
use crate::time::{Span, Time};
use crate::window::Window;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Flight {
    /// What is asked, until the other side has it.
    request: Option<Request>,
    is_poll: bool,
    /// The size of the request, and of the response once there is one.
    bytes: [u64; 2],
    /// What its crossings are about.
    subject: (u64, u64),
    opened: Time,
    /// When the other side got it; when it was opened, as long as it has not.
    arrived_at: Time,
    response: Option<Response>,
    times_out_at: Time,
    /// A step will end it for its opener, so that no timeout need be planned.
    end_is_planned: bool,
    /// It has ended for its opener.
    ended: bool,
    /// The other side will not answer (again).
    answered: bool,
    /// The other side has it.
    arrived: bool,
    /// It ends with the news that the other side could not be reached.
    unreachable: bool,
}

impl Flight {
    /// One that the other side has, and to which it has given no answer yet.
    pub(super) fn arrived(
        [opened, arrived_at]: [Time; 2],
        is_poll: bool,
        subject: (u64, u64),
        times_out_at: Time,
    ) -> Self {
        Self {
            request: None,
            is_poll,
            bytes: [0; 2],
            subject,
            opened,
            arrived_at,
            response: None,
            times_out_at,
            end_is_planned: false,
            ended: false,
            answered: false,
            arrived: true,
            unreachable: false,
        }
    }
}

impl Traffic<'_> {
    pub(super) fn send(&mut self, exchange: Exchange, request: Request, timeout: Span, ledger: &mut Ledger<'_>) {
        let bytes = self.wire.request_size(exchange, &request);
        let times_out_at = self.now + timeout;
        let (is_poll, subject) = (request.is_poll(), request.subject());
        let crossing = Crossing { at: self.now, consumer: exchange.consumer, subject, bytes, faults: self.faults };
        let verdict = self.setup.link.request(crossing);
        ledger.opened(self.now, exchange, &request, bytes);
        let request = Some(request);
        let mut flight = Flight {
            request,
            bytes: [bytes, 0],
            arrived: false,
            ..Flight::arrived([self.now; 2], is_poll, subject, times_out_at)
        };
        match verdict {
            Verdict::Deliver(delay) => {
                let at = self.now + delay;
                self.agenda.plan(at, Rank::Message, Step::Arrive(exchange));
                flight.end_is_planned = at > times_out_at;
            }
            Verdict::Drop => {
                ledger.record(self.now, Fact::RequestLost(exchange));
                flight.end_is_planned = true;
                flight.answered = true;
            }
        }
        if flight.end_is_planned {
            self.agenda.plan(times_out_at, Rank::Timeout, Step::Expire(exchange));
        }
        self.take_on(exchange, flight);
    }

    /// Follows an exchange from here on.
    pub(super) fn take_on(&mut self, exchange: Exchange, flight: Flight) {
        let serial = self.window(exchange).push(flight);
        debug_assert_eq!(serial, exchange.serial, "exchanges are numbered without gaps");
    }

    pub(super) fn reply(&mut self, exchange: Exchange, response: Response, ledger: &mut Ledger<'_>) {
        let bytes = self.wire.response_size(&response);
        if exchange.opener == Side::Stranger {
            return ledger.record(self.now, Fact::Replied { exchange, bytes });
        }
        let now = self.now;
        let (setup, faults) = (self.setup, self.faults);
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        if flight.answered {
            return;
        }
        flight.answered = true;
        let (ended, times_out_at, subject) = (flight.ended, flight.times_out_at, flight.subject);
        let arrived_at = flight.arrived_at;
        if exchange.opener == Side::Consumer {
            self.usages.served(arrived_at, now);
        }
        ledger.record(now, Fact::Replied { exchange, bytes });
        if ended {
            self.window(exchange).take(exchange.serial);
            return;
        }
        let crossing = Crossing { at: now, consumer: exchange.consumer, subject, bytes, faults };
        match setup.link.response(crossing) {
            Verdict::Deliver(delay) if now + delay <= times_out_at => {
                if let Some(flight) = self.window(exchange).get_mut(exchange.serial) {
                    flight.response = Some(response);
                    flight.bytes[1] = bytes;
                    flight.end_is_planned = true;
                }
                self.agenda.plan(now + delay, Rank::Message, Step::Return(exchange));
            }
            Verdict::Deliver(_) | Verdict::Drop => self.plan_timeout(exchange),
        }
    }

    pub(super) fn plan_timeout(&mut self, exchange: Exchange) {
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        if !flight.end_is_planned {
            flight.end_is_planned = true;
            let at = flight.times_out_at;
            self.agenda.plan(at, Rank::Timeout, Step::Expire(exchange));
        }
    }

    /// Cuts an exchange off because the other side is down.
    pub(super) fn cut(&mut self, exchange: Exchange, connections: Connections, ledger: &mut Ledger<'_>) {
        let (now, setup, faults) = (self.now, self.setup, self.faults);
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        flight.answered = true;
        if flight.ended {
            self.window(exchange).take(exchange.serial);
            return ledger.record(now, Fact::RequestLost(exchange));
        }
        let news = match connections {
            Connections::Drop => Verdict::Drop,
            Connections::Reset => {
                let (consumer, subject) = (exchange.consumer, flight.subject);
                setup.link.response(Crossing { at: now, consumer, subject, bytes: 0, faults })
            }
        };
        match news {
            Verdict::Deliver(delay) if now + delay <= flight.times_out_at => {
                flight.unreachable = true;
                flight.end_is_planned = true;
                self.agenda.plan(now + delay, Rank::Message, Step::Return(exchange));
            }
            Verdict::Deliver(_) | Verdict::Drop => {
                ledger.record(now, Fact::RequestLost(exchange));
                self.plan_timeout(exchange);
            }
        }
    }

    /// Notes what the exchanges that are still under way have used up to the end.
    pub(super) fn note_unfinished(&mut self, end: Time) {
        let Self { flights, usages, .. } = self;
        for [polls, webhooks] in flights.iter() {
            for (_, flight) in polls.iter().filter(|(_, flight)| flight.arrived && !flight.answered) {
                usages.served(flight.arrived_at, end);
            }
            for (_, flight) in webhooks.iter().filter(|(_, flight)| !flight.ended) {
                usages.sent(flight.opened, end);
            }
        }
    }

    pub(super) fn window(&mut self, exchange: Exchange) -> &mut Window<Flight> {
        &mut self.flights[(exchange.consumer - self.first) as usize][exchange.opener as usize]
    }
}

impl Cell<'_> {
    pub(super) fn arrive(&mut self, exchange: Exchange, ledger: &mut Ledger<'_>) {
        let now = self.traffic.now;
        let Some(flight) = self.traffic.window(exchange).get_mut(exchange.serial) else { return };
        (flight.arrived, flight.arrived_at) = (true, now);
        let bytes = flight.bytes[0];
        let Some(request) = flight.request.take() else { return };
        if let Some(connections) = self.traffic.faults.answerer_down(self.traffic.now, exchange) {
            return self.traffic.cut(exchange, connections, ledger);
        }
        if let (Some(attack), Request::Delivery { events, .. }) = (&mut self.attack, &request) {
            attack.record(exchange.consumer - self.traffic.first, events);
        }
        ledger.record(self.traffic.now, Fact::Arrived { exchange, bytes });
        self.tell(exchange.opener.other(), exchange.consumer, Input::Requested(exchange, request), ledger);
        // An answer that left at once and will be in time needs no timeout.
        self.traffic.plan_timeout(exchange);
    }

    /// Ends an exchange for its opener, with its response or without.
    pub(super) fn end(&mut self, exchange: Exchange, ledger: &mut Ledger<'_>) {
        let (now, faults) = (self.traffic.now, self.traffic.faults);
        let window = self.traffic.window(exchange);
        let Some(flight) = window.get_mut(exchange.serial) else { return };
        if flight.ended {
            return;
        }
        flight.ended = true;
        let opened = flight.opened;
        let is_heard = faults.still_waits(exchange, flight.is_poll, flight.opened, now);
        let response = flight.response.take().filter(|_| is_heard);
        let bytes = if response.is_some() { flight.bytes[1] } else { 0 };
        let (unreachable, is_news) = (flight.unreachable && is_heard, flight.unreachable);
        if flight.answered {
            window.take(exchange.serial);
        }
        if exchange.opener == Side::Provider {
            self.traffic.usages.sent(opened, now);
        }
        if is_news && !is_heard {
            ledger.record(now, Fact::RequestLost(exchange));
        }
        let outcome = match response {
            Some(response) => Outcome::Answered(response),
            None if unreachable => Outcome::Unreachable,
            // For one who has gone down meanwhile, nothing came.
            None => Outcome::TimedOut,
        };
        let end = End::from(&outcome);
        self.tell(exchange.opener, exchange.consumer, Input::Ended(exchange, outcome), ledger);
        ledger.record(now, Fact::Ended { exchange, end, bytes });
    }

    /// One side of this cell goes down: the endpoints of its consumers, or System B.
    pub(super) fn crash(&mut self, ledger: &mut Ledger<'_>) {
        let Some((_, side)) = self.crashes.pop() else { return };
        if side == Side::Provider {
            self.tell_provider(Input::Crashed, ledger);
        }
        let opener = side.other();
        for index in 0..self.consumers.len() as u32 {
            let consumer = self.traffic.first + index;
            let down = self.traffic.faults.answerer_down(self.traffic.now, Exchange { opener, consumer, serial: 0 });
            let Some(connections) = down else { continue };
            if side == Side::Consumer {
                self.tell_consumer(index, Input::Crashed, ledger);
            }
            let window = &self.traffic.flights[index as usize][opener as usize];
            let open = window.iter().filter(|(_, flight)| flight.arrived && !flight.answered);
            let open: Vec<u32> = open.map(|(serial, _)| serial).collect();
            for serial in open {
                self.traffic.cut(Exchange { opener, consumer, serial }, connections, ledger);
            }
        }
    }
}
