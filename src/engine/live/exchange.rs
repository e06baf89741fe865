//! The opener's side of an exchange. Here the scenario's network is applied: what it loses is never sent, and what it
//! delays waits.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tokio::task::spawn_local;

use super::driver::Driver;
use super::http::Answer;
use super::witness::Failure;
use crate::fault::Connections;
use crate::link::{Crossing, Verdict};
use crate::measure::fact::{End, Fact};
use crate::peer::{Exchange, Input, Outcome, Peer, Request};
use crate::time::{Span, Time};

/// How long a connection is kept for an answer that nobody waits for any more: as long as the opener waited, within these.
const PATIENCE_MIN: Span = Span::from_secs(1);
const PATIENCE_MAX: Span = Span::from_secs(10);

/// How many tasks that have seen their exchange through are kept for the next ones.
const IDLE_CARRIERS_MAX: usize = 1_024;

/// A task that sees exchanges through. What such a task needs takes some kilobytes, so it is kept and charged anew.
#[derive(Default)]
pub(super) struct Carrier {
    charge: Cell<Option<(Flight, Verdict)>>,
    waker: Cell<Option<Waker>>,
}

impl Carrier {
    fn charge(&self, flight: Flight, verdict: Verdict) {
        self.charge.set(Some((flight, verdict)));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits for the next exchange.
    async fn charged(&self) -> (Flight, Verdict) {
        poll_fn(|context| match self.charge.take() {
            Some(charge) => Poll::Ready(charge),
            None => {
                self.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}

/// An exchange under way.
struct Flight {
    /// The peer that opened it.
    index: u32,
    exchange: Exchange,
    request: Request,
    opened: Time,
    times_out_at: Time,
}

impl<P: Peer + 'static> Driver<P> {
    /// Opens an exchange for a peer and sees it through.
    pub(super) fn open(self: &Rc<Self>, index: u32, now: Time, exchange: Exchange, request: Request, timeout: Span) {
        let line = self.line(index);
        let bytes = line.wire.request_size(exchange, &request);
        line.record(now, Fact::Opened { exchange, request: request.clone(), bytes });
        let (consumer, faults) = (exchange.consumer, &line.faults);
        let crossing = Crossing { at: now, consumer, subject: request.subject(), bytes, faults };
        let verdict = match self.link.request(crossing) {
            Verdict::Deliver(delay) if self.vanishes(index, exchange, now + delay) => Verdict::Drop,
            verdict => verdict,
        };
        if verdict == Verdict::Drop {
            line.record(now, Fact::RequestLost(exchange));
        }
        let flight = Flight { index, exchange, request, opened: now, times_out_at: now + timeout };
        match self.idle_carriers.borrow_mut().pop() {
            Some(carrier) => carrier.charge(flight, verdict),
            None => drop(spawn_local(Rc::clone(self).carry(flight, verdict))),
        }
    }

    /// Sees an exchange through, and then one after the other that it is charged with.
    async fn carry(self: Rc<Self>, mut flight: Flight, mut verdict: Verdict) {
        let carrier = Rc::new(Carrier::default());
        loop {
            self.fly(&flight, verdict).await;
            {
                let mut idle = self.idle_carriers.borrow_mut();
                if idle.len() >= IDLE_CARRIERS_MAX {
                    return;
                }
                idle.push(Rc::clone(&carrier));
            }
            (flight, verdict) = carrier.charged().await;
        }
    }

    /// Whether a request that arrives at this instant vanishes, because the other side is down and says nothing.
    fn vanishes(&self, index: u32, exchange: Exchange, arrives_at: Time) -> bool {
        self.line(index).faults.answerer_down(arrives_at, exchange) == Some(Connections::Drop)
    }

    async fn fly(self: &Rc<Self>, flight: &Flight, verdict: Verdict) {
        let Verdict::Deliver(delay) = verdict else {
            self.pacer.wait(flight.times_out_at).await;
            return self.end(flight, Outcome::TimedOut, 0);
        };
        let mut answer = pin!(self.go_there(flight, delay));
        tokio::select! {
            biased;
            answer = &mut answer => return self.come_back(flight, answer).await,
            () = self.pacer.wait(flight.times_out_at) => {}
        }
        self.end(flight, Outcome::TimedOut, 0);
        // The opener waits no longer, but what it sent still reaches the other side. That side has some time to answer; then
        // the connection is closed, or one that never answers would gather them until there are no more.
        let sent_at = flight.opened + delay;
        let patience = flight.times_out_at.since(flight.opened).clamp(PATIENCE_MIN, PATIENCE_MAX);
        tokio::select! {
            biased;
            answer = answer => {
                // It never came there, or went down with the other side: nothing more is to be learnt of it.
                if answer.is_err() {
                    self.line(flight.index).record(self.clock.now(), Fact::RequestLost(flight.exchange));
                }
            }
            () = self.pacer.wait(flight.times_out_at.max(sent_at) + patience) => {}
        }
    }

    /// Sends the request when it has crossed the network, and waits for the answer as it leaves the other side.
    async fn go_there(&self, flight: &Flight, delay: Span) -> Result<Answer, Failure> {
        if !delay.is_zero() {
            self.pacer.wait(flight.opened + delay).await;
        }
        let line = self.line(flight.index);
        let room = || self.http.rooms.take();
        let mut message = line.wire.request_in(room, flight.exchange, &flight.request, self.clock.now());
        line.address(&mut message);
        let target = line.target.ok_or(Failure::NoConnection)?;
        self.http.send(flight.exchange.consumer, target, message).await
    }

    async fn come_back(self: &Rc<Self>, flight: &Flight, answer: Result<Answer, Failure>) {
        match &answer {
            Ok(Answer { status, .. }) => self.line(flight.index).answered(flight.exchange, *status),
            Err(failure) => self.http.tell(flight.exchange, *failure),
        }
        let answer = answer.ok();
        let left = self.clock.now();
        let bytes = answer.as_ref().map_or(0, |answer| answer.bytes);
        let (consumer, subject) = (flight.exchange.consumer, flight.request.subject());
        let faults = &self.line(flight.index).faults;
        match self.link.response(Crossing { at: left, consumer, subject, bytes, faults }) {
            Verdict::Deliver(delay) if left + delay <= flight.times_out_at => {
                let wire = &self.line(flight.index).wire;
                // Read as of when it will have come: a date to come back counts from there.
                let read = |Answer { status, headers, body, .. }: &Answer| {
                    wire.read_response(&flight.request, *status, headers, body, left + delay)
                };
                // That nobody is there takes as long to learn as an answer would.
                let outcome = answer.as_ref().map_or(Outcome::Unreachable, |answer| Outcome::Answered(read(answer)));
                if !delay.is_zero() {
                    self.pacer.wait(left + delay).await;
                }
                self.end(flight, outcome, bytes);
            }
            Verdict::Deliver(_) | Verdict::Drop => {
                if answer.is_none() {
                    self.line(flight.index).record(left, Fact::RequestLost(flight.exchange));
                }
                self.pacer.wait(flight.times_out_at).await;
                self.end(flight, Outcome::TimedOut, 0);
            }
        }
    }

    fn end(self: &Rc<Self>, flight: &Flight, outcome: Outcome, bytes: u64) {
        let line = self.line(flight.index);
        let (exchange, now) = (flight.exchange, self.clock.now());
        let is_heard = line.faults.still_waits(exchange, flight.request.is_poll(), flight.opened, now);
        if !is_heard && outcome == Outcome::Unreachable {
            line.record(now, Fact::RequestLost(exchange));
        }
        // For one who has gone down meanwhile, nothing came.
        let (outcome, bytes) = if is_heard { (outcome, bytes) } else { (Outcome::TimedOut, 0) };
        let end = End::from(&outcome);
        self.tell_at(now, flight.index, Input::Ended(exchange, outcome));
        line.record(now, Fact::Ended { exchange, end, bytes });
    }
}
