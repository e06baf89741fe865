//! System A's endpoint for webhooks over HTTP, one server for all consumers of a client.

use std::rc::Rc;

use http::{Method, Request};
use hyper::body::Incoming;

use super::driver::Driver;
use super::http::request_size;
use super::marks::Marks;
use super::server::read_body;
use crate::measure::ledger::Fact;
use crate::peer::{Authenticity, Event, Request as Ask, Response, Side};
use crate::policy::consumer::Consumer;
use crate::policy::receiver::Limits;
use crate::wire::{Message, read_webhook_path};

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
}

impl Endpoint {
    /// An endpoint for webhooks within these limits, about events on so many records.
    pub(super) fn new(driver: Rc<Driver<Consumer>>, consumers: u32, records: u32, limits: Limits) -> Rc<Self> {
        Rc::new(Self { driver, marks: Marks::new(Side::Provider, consumers), consumers, records, limits })
    }

    /// Answers one request.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Message {
        let response = self.take(request).await.unwrap_or_else(Response::refused);
        self.driver.line(0).wire.response(&response)
    }

    /// Takes a webhook; the error is the status with which to refuse a request that is none.
    async fn take(&self, request: Request<Incoming>) -> Result<Response, u16> {
        let (parts, body) = request.into_parts();
        let known = |consumer: &u32| *consumer < self.consumers;
        let consumer = read_webhook_path(parts.uri.path()).filter(known).ok_or(NOT_FOUND)?;
        if parts.method != Method::POST {
            return Err(METHOD_NOT_ALLOWED);
        }
        let body = read_body(body, &self.limits).await?;
        let line = self.driver.line(consumer);
        let request = line.wire.read_webhook(&parts.headers, &body, self.driver.clock.now()).ok_or(BAD_REQUEST)?;
        let Ask::Delivery { events, authenticity, .. } = &request else { return Err(BAD_REQUEST) };
        let event = events.first().ok_or(BAD_REQUEST)?;
        // What is forged belongs to no exchange, whichever it names.
        let is_authentic = *authenticity == Authenticity::Accepted;
        if is_authentic && !self.can_be(consumer, event) {
            return Err(BAD_REQUEST);
        }
        let mark = || self.marks.take(&line.board, consumer, &parts.headers);
        let exchange = match is_authentic.then(mark).flatten() {
            Some(exchange) => {
                let bytes = request_size(&parts, body.len());
                line.record(self.driver.clock.now(), Fact::Arrived { exchange, bytes });
                exchange
            }
            None => {
                let exchange = self.marks.name_stranger(consumer);
                line.record(self.driver.clock.now(), Fact::Forged { exchange, kind: None });
                exchange
            }
        };
        Ok(self.driver.ask(consumer, exchange, request).await)
    }

    /// Whether an event can have occurred as it is told. Without signatures anybody may tell anything, and numbers out of
    /// all proportion would cost memory out of all proportion.
    fn can_be(&self, consumer: u32, event: &Event) -> bool {
        event.consumer == consumer
            && event.record < self.records.max(1)
            && event.occurred_at <= self.driver.clock.now()
            && self.driver.line(consumer).board.has_occurred(consumer, event.serial)
    }
}
