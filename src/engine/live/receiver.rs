//! System A's endpoint for webhooks over HTTP, one server for all consumers of a client.

use std::rc::Rc;

use http::{HeaderMap, Method, Request};
use hyper::body::Incoming;

use super::attacker::{Recordings, lock};
use super::driver::Driver;
use super::http::request_size;
use super::marks::Marks;
use super::server::read_body;
use crate::engine::Setup;
use crate::fault::Connections;
use crate::measure::fact::Fact;
use crate::peer::{Authenticity, Batch, Event, Exchange, Request as Ask, Response, Side};
use crate::policy::consumer::Consumer;
use crate::policy::receiver::Limits;
use crate::time::Time;
use crate::wire::{Message, forgery_kind, read_webhook_path};

const BAD_REQUEST: u16 = 400;
const NOT_FOUND: u16 = 404;
const METHOD_NOT_ALLOWED: u16 = 405;

/// Answers the webhooks of one client.
pub(super) struct Endpoint {
    driver: Rc<Driver<Consumer>>,
    marks: Marks,
    consumers: u32,
    records: u32,
    limits: Limits,
    /// Where genuine webhooks are recorded for the attacker, if there is one.
    recordings: Option<Recordings>,
}

impl Endpoint {
    /// An endpoint for webhooks within these limits, about events on so many records.
    pub(super) fn new(
        driver: Rc<Driver<Consumer>>,
        setup: &Setup,
        limits: Limits,
        recordings: Option<Recordings>,
    ) -> Rc<Self> {
        let (consumers, records) = (setup.consumers, setup.workload.records);
        let marks = Marks::new(Side::Provider, consumers);
        Rc::new(Self { driver, marks, consumers, records, limits, recordings })
    }

    /// Answers one request; none if its connection is to be reset, because the endpoint is down.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Option<Message> {
        let refused = |status| Some(self.driver.line(0).wire.response(&Response::refused(status)));
        self.take(request).await.unwrap_or_else(refused)
    }

    /// Takes a webhook; the error is the status with which to refuse a request that is none.
    async fn take(&self, request: Request<Incoming>) -> Result<Option<Message>, u16> {
        let (parts, body) = request.into_parts();
        let known = |consumer: &u32| *consumer < self.consumers;
        let consumer = read_webhook_path(parts.uri.path()).filter(known).ok_or(NOT_FOUND)?;
        if parts.method != Method::POST {
            return Err(METHOD_NOT_ALLOWED);
        }
        let body = match read_body(body, &self.limits).await {
            Ok(body) => body,
            Err(status) => return Err(self.turn_away(consumer, &parts.headers, status)),
        };
        let line = self.driver.line(consumer);
        let Some(Ask::Delivery { mut events, attempt, authenticity }) =
            line.wire.read_webhook(&parts.headers, &body, self.driver.clock.now())
        else {
            return Err(self.turn_away(consumer, &parts.headers, BAD_REQUEST));
        };
        let now = self.driver.clock.now();
        // What is forged belongs to no exchange, whichever it names.
        let is_authentic = authenticity == Authenticity::Accepted;
        if is_authentic && !events.iter().all(|event| self.can_be(now, consumer, event)) {
            events.clear();
        }
        let mark = || self.marks.take(&line.board, consumer, &parts.headers);
        let exchange = (is_authentic && !events.is_empty()).then(mark).flatten();
        if let Some(connections) = line.faults.receiver_down(now, consumer) {
            exchange.inspect(|exchange| line.record(now, Fact::RequestLost(*exchange)));
            return Ok(self.driver.hang_up(connections).await);
        }
        let exchange = match exchange {
            Some(exchange) => {
                let bytes = request_size(&parts, body.len());
                line.record(now, Fact::Arrived { exchange, bytes });
                self.keep_recording(consumer, &events);
                exchange
            }
            None => self.name_stranger(now, consumer, &parts.headers),
        };
        let request = Ask::Delivery { events, attempt, authenticity };
        match self.driver.ask(now, consumer, exchange, request).await {
            Some(response) => Ok(Some(response)),
            None => {
                // It may be up again by now; then the connection is as gone.
                let down = line.faults.receiver_down(self.driver.clock.now(), consumer);
                Ok(self.driver.hang_up(down.unwrap_or(Connections::Reset)).await)
            }
        }
    }

    fn name_stranger(&self, now: Time, consumer: u32, headers: &HeaderMap) -> Exchange {
        let exchange = self.marks.name_stranger(consumer);
        let fact = Fact::Forged { exchange, kind: forgery_kind(headers) };
        self.driver.line(consumer).record(now, fact);
        exchange
    }

    /// Takes down that somebody was turned away before anything could be asked of the consumer.
    fn turn_away(&self, consumer: u32, headers: &HeaderMap, status: u16) -> u16 {
        let now = self.driver.clock.now();
        let exchange = self.name_stranger(now, consumer, headers);
        let line = self.driver.line(consumer);
        let bytes = line.wire.response_size(&Response::refused(status));
        line.record(now, Fact::Replied { exchange, bytes });
        status
    }

    fn keep_recording(&self, consumer: u32, events: &Batch) {
        let Some(recordings) = &self.recordings else { return };
        if let Some(recording) = lock(recordings).get_mut(consumer as usize) {
            recording.take_down(events);
        }
    }

    /// Whether an event can have occurred as it is told. Without signatures anybody may tell anything, and numbers out of
    /// all proportion would cost memory out of all proportion.
    fn can_be(&self, now: Time, consumer: u32, event: &Event) -> bool {
        event.consumer == consumer
            && event.record < self.records.max(1)
            && event.occurred_at <= now
            && self.driver.line(consumer).board.has_occurred(consumer, event.serial)
    }
}
