//! System B's API over HTTP: one server for all clients, told apart by their keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use http::request::Parts;
use http::{Method, Request};
use hyper::body::Incoming;

use super::driver::Driver;
use super::http::request_size;
use super::marks::Marks;
use crate::measure::ledger::Fact;
use crate::peer::{Batch, Event, Exchange, Request as Ask, Response, Side};
use crate::policy::fixed_window::FixedWindow;
use crate::policy::provider::Provider;
use crate::wire::vendor_api::{self, Vendor, View};
use crate::wire::{Access, ApiCall, Message, read_access, read_api_call};

const BAD_REQUEST: u16 = 400;
const UNAUTHORIZED: u16 = 401;
const NOT_FOUND: u16 = 404;
const METHOD_NOT_ALLOWED: u16 = 405;

/// Answers the requests to the API.
pub(super) struct Api {
    driver: Rc<Driver<Provider>>,
    /// Which polls of each client have come.
    marks: Vec<Marks>,
    history: Rc<History>,
    /// What is left to each key that has called GitHub's API: at most one for each consumer and client.
    quotas: RefCell<BTreeMap<Access, FixedWindow>>,
}

impl Api {
    pub(super) fn new(driver: Rc<Driver<Provider>>, consumers: u32, history: Rc<History>) -> Rc<Self> {
        let marks = driver.lines().iter().map(|_| Marks::new(Side::Consumer, consumers)).collect();
        Rc::new(Self { driver, marks, history, quotas: RefCell::default() })
    }

    /// Answers one request.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Message {
        // No request to the API has a body; one that comes all the same is not looked at.
        let (parts, _) = request.into_parts();
        if let Some(vendor) = Vendor::of(parts.uri.path()) {
            return self.answer_as(vendor, &parts);
        }
        let (line, response) = match self.read(&parts) {
            Ok(call) => (call.client, self.carry_out(&parts, call).await),
            Err(status) => (0, Response::refused(status)),
        };
        self.driver.line(line).wire.response(&response)
    }

    /// Answers as a vendor would. No client of the run asks so.
    fn answer_as(&self, vendor: Vendor, parts: &Parts) -> Message {
        let ask = vendor_api::Ask {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
        };
        let Ok(access) = self.admit(parts) else { return vendor_api::answer(vendor, ask, None).message };
        let mut quotas = self.quotas.borrow_mut();
        let quota = vendor.quota().map(|whole| quotas.entry(access).or_insert(whole));
        let epoch = self.driver.line(access.client).wire.epoch;
        self.history.read(access.consumer, |events| {
            let view = View { events, quota, epoch, now: self.driver.clock.now() };
            vendor_api::answer(vendor, ask, Some(view)).message
        })
    }

    /// Reads the key of a request; the error is the status with which to refuse one that is not valid.
    fn admit(&self, parts: &Parts) -> Result<Access, u16> {
        let is_given_out =
            |access: &Access| (access.client as usize) < self.marks.len() && self.history.knows(access.consumer);
        read_access(&parts.headers).filter(is_given_out).ok_or(UNAUTHORIZED)
    }

    /// Reads a request; the error is the status with which to refuse it.
    fn read(&self, parts: &Parts) -> Result<ApiCall, u16> {
        let path = parts.uri.path();
        if path != EVENTS && !path.starts_with(EVENT) && !path.starts_with(RECORD) {
            return Err(NOT_FOUND);
        }
        if parts.method != Method::GET {
            return Err(METHOD_NOT_ALLOWED);
        }
        self.admit(parts)?;
        let unreadable = if path == EVENTS { BAD_REQUEST } else { NOT_FOUND };
        read_api_call(path, parts.uri.query(), &parts.headers).ok_or(unreadable)
    }

    async fn carry_out(&self, parts: &Parts, mut call: ApiCall) -> Response {
        let line = self.driver.line(call.client);
        let Some(exchange) = self.marks[call.client as usize].take(&line.board, call.consumer, &parts.headers) else {
            return self.history.answer(&call);
        };
        line.record(self.driver.clock.now(), Fact::Arrived { exchange, bytes: request_size(parts, 0) });
        if let Ask::Fetch { event, .. } = &mut call.request {
            match self.history.find(event.consumer, event.serial) {
                Some(whole) => *event = whole,
                None => return self.refuse(call.client, exchange, NOT_FOUND),
            }
        }
        self.driver.ask(call.client, exchange, call.request).await
    }

    /// Turns down a request of the run before its peer has heard of it.
    fn refuse(&self, client: u32, exchange: Exchange, status: u16) -> Response {
        let (line, response) = (self.driver.line(client), Response::refused(status));
        let bytes = line.wire.response_size(&response);
        line.record(self.driver.clock.now(), Fact::Replied { exchange, bytes });
        response
    }
}

const EVENTS: &str = "/events";
const EVENT: &str = "/events/";
const RECORD: &str = "/records/";

/// Everything that has occurred, for strangers with a valid key.
///
/// A client's own feed forgets what the client knows. Whoever else reads along, say with curl, must not make it forget.
pub(super) struct History {
    events: RefCell<Vec<Vec<Event>>>,
    /// The most events in one answer.
    page: u32,
}

impl History {
    pub(super) fn new(consumers: u32, page: u32) -> Rc<Self> {
        Rc::new(Self { events: RefCell::new((0..consumers).map(|_| Vec::new()).collect()), page })
    }

    /// Appends an event. The events of a consumer come in the order of their serials, from 1.
    pub(super) fn publish(&self, event: Event) {
        if let Some(events) = self.events.borrow_mut().get_mut(event.consumer as usize) {
            events.push(event);
        }
    }

    fn knows(&self, consumer: u32) -> bool {
        (consumer as usize) < self.events.borrow().len()
    }

    /// Shows everything that has occurred to a consumer, oldest first.
    fn read<T>(&self, consumer: u32, reader: impl FnOnce(&[Event]) -> T) -> T {
        let events = self.events.borrow();
        reader(events.get(consumer as usize).map_or(&[], Vec::as_slice))
    }

    /// An event that has occurred.
    fn find(&self, consumer: u32, serial: u32) -> Option<Event> {
        let index = serial.checked_sub(1)? as usize;
        self.read(consumer, |events| events.get(index).copied())
    }

    fn answer(&self, call: &ApiCall) -> Response {
        let all = self.events.borrow();
        let Some(events) = all.get(call.consumer as usize) else { return Response::refused(NOT_FOUND) };
        match call.request {
            Ask::Poll { after, limit, .. } => {
                let rest = events.get(after as usize..).unwrap_or_default();
                let page: Batch = rest.iter().take(limit.clamp(1, self.page.max(1)) as usize).copied().collect();
                let has_more = rest.len() > page.len();
                Response::Page { events: page, has_more }
            }
            Ask::Record { record } => {
                Response::Record(events.iter().rev().find(|event| event.record == record).copied())
            }
            Ask::Fetch { event, .. } => {
                self.find(event.consumer, event.serial).map_or(Response::refused(NOT_FOUND), Response::Event)
            }
            Ask::Delivery { .. } => Response::refused(NOT_FOUND),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    #[test]
    fn a_stranger_may_read_the_same_events_again_and_again() {
        let history = History::new(1, 2);
        let event = |serial| Event { occurred_at: Time::ZERO, consumer: 0, serial, record: serial % 2, payload: 0 };
        (1..=5).for_each(|serial| history.publish(event(serial)));
        let ask = |request| history.answer(&ApiCall { client: 0, consumer: 0, request });
        let page = |after, limit| match ask(Ask::Poll { after, limit, poll: 0, page: 0 }) {
            Response::Page { events, has_more } => (events.iter().map(|e| e.serial).collect::<Vec<_>>(), has_more),
            other => panic!("{other:?}"),
        };
        assert_eq!(page(3, 100), (vec![4, 5], false));
        assert_eq!(page(0, 100), (vec![1, 2], true), "the page size of the API counts too");
        assert_eq!(page(2, 1), (vec![3], true));
        assert_eq!(page(5, 100), (vec![], false));
        assert_eq!(page(u32::MAX, 0), (vec![], false));
        assert_eq!(ask(Ask::Record { record: 0 }), Response::Record(Some(event(4))));
        assert_eq!(ask(Ask::Record { record: 9 }), Response::Record(None));
        let fetch = |serial| ask(Ask::Fetch { event: event(serial), attempt: 1 });
        assert_eq!(fetch(5), Response::Event(event(5)));
        assert_eq!((fetch(0), fetch(6)), (Response::refused(404), Response::refused(404)));
    }
}
