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
use crate::fault::Connections;
use crate::measure::fact::Fact;
use crate::peer::{Advice, Batch, Event, Exchange, Request as Ask, Response, Side, Tag};
use crate::policy::fixed_window::FixedWindow;
use crate::policy::inbox::Inbox;
use crate::policy::provider::Provider;
use crate::time::Time;
use crate::wire::vendor_api::{self, Brought, Vendor, View, Worth};
use crate::wire::{Access, ApiCall, Message, read_access, read_api_call_of};

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
    /// The events that each key has been told of in answer to strangers: at most one for each consumer and client.
    told: RefCell<BTreeMap<Access, Inbox>>,
}

/// What the API answers.
pub(super) struct Answer {
    pub(super) message: Message,
    /// What it is worth to a stranger; none for a client of the run.
    pub(super) worth: Option<Worth>,
}

impl Api {
    pub(super) fn new(driver: Rc<Driver<Provider>>, consumers: u32, history: Rc<History>) -> Rc<Self> {
        let marks = driver.lines().iter().map(|_| Marks::new(Side::Consumer, consumers)).collect();
        Rc::new(Self { driver, marks, history, quotas: RefCell::default(), told: RefCell::default() })
    }

    /// Answers one request; none if its connection is to be reset, because System B is down for whoever asks.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Option<Answer> {
        // No request to the API has a body; one that comes all the same is not looked at.
        let (parts, _) = request.into_parts();
        if let Some(vendor) = Vendor::of(parts.uri.path()) {
            if let Ok(Access { client, consumer }) = self.admit(&parts)
                && let Some(connections) = self.down(client, consumer)
            {
                return self.driver.hang_up(connections).await;
            }
            return Some(self.answer_as(vendor, &parts));
        }
        match self.read(&parts) {
            Ok(call) => self.carry_out(&parts, call).await,
            Err(status) => {
                let message = self.driver.line(0).wire.response(&Response::refused(status));
                Some(Answer { message, worth: Some(Worth::Refused) })
            }
        }
    }

    /// Whether System B is down for a consumer of a client, and if so what becomes of connections.
    fn down(&self, client: u32, consumer: u32) -> Option<Connections> {
        self.driver.line(client).faults.provider_down(self.driver.clock.now(), consumer)
    }

    /// Answers as a vendor would. No client of the run asks so.
    fn answer_as(&self, vendor: Vendor, parts: &Parts) -> Answer {
        let ask = vendor_api::Ask {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
        };
        let Ok(access) = self.admit(parts) else {
            return Answer { message: vendor_api::answer(vendor, ask, None).message, worth: Some(Worth::Refused) };
        };
        let mut quotas = self.quotas.borrow_mut();
        let quota = vendor.quota().map(|whole| quotas.entry(access).or_insert(whole));
        let epoch = self.driver.line(access.client).wire.epoch;
        let answer = self.history.read(access.consumer, |events| {
            let view = View { events, quota, epoch, now: self.driver.clock.now() };
            vendor_api::answer(vendor, ask, Some(view))
        });
        Answer { worth: Some(self.worth(access, &answer.brought)), message: answer.message }
    }

    /// What an answer is worth to the strangers with a key.
    fn worth(&self, access: Access, brought: &Brought) -> Worth {
        let mut told = self.told.borrow_mut();
        let told = told.entry(access).or_default();
        // No answer brings what is no longer held, so that nothing need be remembered of it.
        told.take_below(self.history.oldest(access.consumer).unwrap_or_default());
        brought.worth(told)
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
        let access = self.admit(parts)?;
        let unreadable = if path == EVENTS { BAD_REQUEST } else { NOT_FOUND };
        read_api_call_of(access, path, parts.uri.query(), &parts.headers).ok_or(unreadable)
    }

    async fn carry_out(&self, parts: &Parts, call: ApiCall) -> Option<Answer> {
        let line = self.driver.line(call.client);
        let exchange = self.marks[call.client as usize].take(&line.board, call.consumer, &parts.headers);
        let now = self.driver.clock.now();
        if let Some(connections) = line.faults.provider_down(now, call.consumer) {
            exchange.inspect(|exchange| line.record(now, Fact::RequestLost(*exchange)));
            return self.driver.hang_up(connections).await;
        }
        match exchange {
            Some(exchange) => {
                line.record(now, Fact::Arrived { exchange, bytes: request_size(parts, 0) });
                let (client, consumer) = (call.client, call.consumer);
                match self.have_answered(now, exchange, call).await {
                    Some(message) => Some(Answer { message, worth: None }),
                    // It may be up again by now; then the connection is as gone.
                    None => self.driver.hang_up(self.down(client, consumer).unwrap_or(Connections::Reset)).await,
                }
            }
            None => {
                let response = self.history.answer(&call);
                let access = Access { client: call.client, consumer: call.consumer };
                let worth = self.worth(access, &brought(&response));
                Some(Answer { message: line.wire.response(&response), worth: Some(worth) })
            }
        }
    }

    /// Hands a request of the run to its peer; none if that goes down before it answers.
    async fn have_answered(&self, now: Time, exchange: Exchange, mut call: ApiCall) -> Option<Message> {
        if let Ask::Fetch { event, .. } = &mut call.request {
            match self.history.find(event.consumer, event.serial) {
                Some(whole) => *event = whole,
                None => return Some(self.refuse(now, call.client, exchange, NOT_FOUND)),
            }
        }
        self.driver.ask(now, call.client, exchange, call.request).await
    }

    /// Turns down a request of the run before its peer has heard of it.
    fn refuse(&self, now: Time, client: u32, exchange: Exchange, status: u16) -> Message {
        let (line, response) = (self.driver.line(client), Response::refused(status));
        let bytes = line.wire.response_size(&response);
        line.record(now, Fact::Replied { exchange, bytes });
        line.wire.response(&response)
    }
}

const EVENTS: &str = "/events";
const EVENT: &str = "/events/";
const RECORD: &str = "/records/";

/// What an answer of this program's own API brings.
fn brought(response: &Response) -> Brought {
    match response {
        Response::Page { events, .. } => Brought::Events(events.iter().map(|event| event.serial).collect()),
        Response::Record { event: Some(event), .. } | Response::Event(event) => Brought::Events(vec![event.serial]),
        Response::NotModified { .. } => Brought::NotModified,
        Response::Record { event: None, .. } | Response::Accepted | Response::Refused { .. } => Brought::Refusal,
    }
}

fn newest(events: &[Event]) -> Tag {
    Tag(events.last().map_or(0, |event| event.serial))
}

/// So many of each consumer's newest events are held at least.
const HELD_MIN: usize = 1 << 20;

/// What has occurred, for strangers with a valid key: the newest events of each consumer.
///
/// A client's own feed forgets what the client knows. Whoever else reads along, say with curl, must not make it forget.
/// However long a run, at most twice [`HELD_MIN`] events of a consumer are held. One that is no longer held is as unknown
/// as one that has never been.
pub(super) struct History {
    /// The events of each consumer, oldest first, without a gap.
    events: RefCell<Vec<Vec<Event>>>,
    /// The most events in one answer.
    page: u32,
    /// So many events of a consumer are held at least, and at most twice as many.
    held_min: usize,
}

impl History {
    pub(super) fn new(consumers: u32, page: u32) -> Rc<Self> {
        Rc::new(Self::holding(HELD_MIN, consumers, page))
    }

    fn holding(held_min: usize, consumers: u32, page: u32) -> Self {
        Self { events: RefCell::new((0..consumers).map(|_| Vec::new()).collect()), page, held_min }
    }

    /// Appends an event. The events of a consumer come in the order of their serials, from 1.
    pub(super) fn publish(&self, event: Event) {
        if let Some(events) = self.events.borrow_mut().get_mut(event.consumer as usize) {
            if events.len() >= self.held_min.saturating_mul(2) {
                // Forgotten in one block: what stays is moved once for as many events that come.
                events.drain(..self.held_min);
            }
            events.push(event);
        }
    }

    /// The serial of the oldest event that is held; none before the first event.
    fn oldest(&self, consumer: u32) -> Option<u32> {
        self.read(consumer, |events| events.first().map(|event| event.serial))
    }

    fn knows(&self, consumer: u32) -> bool {
        (consumer as usize) < self.events.borrow().len()
    }

    /// Shows the events of a consumer that are held, oldest first.
    fn read<T>(&self, consumer: u32, reader: impl FnOnce(&[Event]) -> T) -> T {
        let events = self.events.borrow();
        reader(events.get(consumer as usize).map_or(&[], Vec::as_slice))
    }

    /// An event that has occurred and is held.
    pub(super) fn find(&self, consumer: u32, serial: u32) -> Option<Event> {
        self.read(consumer, |events| {
            let index = serial.checked_sub(events.first()?.serial)? as usize;
            events.get(index).copied()
        })
    }

    fn answer(&self, call: &ApiCall) -> Response {
        let all = self.events.borrow();
        let Some(events) = all.get(call.consumer as usize) else { return Response::refused(NOT_FOUND) };
        match call.request {
            Ask::Poll { tag: Some(tag), .. } if tag == newest(events) => {
                Response::NotModified { advice: Advice::default() }
            }
            // A stranger is answered at once, however long it would let itself be held.
            Ask::Poll { after, limit, .. } => {
                // After a cursor that is older than what is held comes the oldest that is.
                let known = events.first().map_or(0, |oldest| after.saturating_add(1).saturating_sub(oldest.serial));
                let rest = events.get(known as usize..).unwrap_or_default();
                let page: Batch = rest.iter().take(limit.clamp(1, self.page.max(1)) as usize).copied().collect();
                let has_more = rest.len() > page.len();
                Response::Page { events: page, has_more, tag: newest(events), advice: Advice::default() }
            }
            Ask::Record { record, .. } => {
                let newest = events.iter().rev().find(|event| event.record == record);
                newest.map_or(Response::refused(NOT_FOUND), |event| Response::Record {
                    event: Some(*event),
                    is_final: false,
                    tag: Tag(event.serial),
                    advice: Advice::default(),
                })
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
    use crate::time::{Span, Time};

    fn event(serial: u32) -> Event {
        Event { occurred_at: Time::ZERO, consumer: 0, serial, record: serial % 2, payload: 0 }
    }

    const fn poll(after: u32, limit: u32) -> Ask {
        Ask::Poll { after, limit, poll: 0, page: 0, hold: Span::ZERO, tag: None }
    }

    fn page_of(events: Batch) -> Response {
        Response::Page { events, has_more: false, tag: Tag::default(), advice: Advice::default() }
    }

    fn record_of(event: Option<Event>) -> Response {
        Response::Record { event, is_final: false, tag: Tag::default(), advice: Advice::default() }
    }

    #[test]
    fn a_stranger_may_read_the_same_events_again_and_again() {
        let history = History::new(1, 2);
        (1..=5).for_each(|serial| history.publish(event(serial)));
        let ask = |request| history.answer(&ApiCall { client: 0, consumer: 0, request });
        let page = |after, limit| match ask(poll(after, limit)) {
            Response::Page { events, has_more, .. } => (events.iter().map(|e| e.serial).collect::<Vec<_>>(), has_more),
            other => panic!("{other:?}"),
        };
        assert_eq!(page(3, 100), (vec![4, 5], false));
        assert_eq!(page(0, 100), (vec![1, 2], true), "the page size of the API counts too");
        assert_eq!(page(2, 1), (vec![3], true));
        assert_eq!(page(5, 100), (vec![], false));
        assert_eq!(page(u32::MAX, 0), (vec![], false));
        let record = |record| ask(Ask::Record { record, poll: 0, tag: None });
        assert!(matches!(record(0), Response::Record { event: Some(newest), .. } if newest == event(4)));
        assert_eq!(record(9), Response::refused(404));
        let fetch = |serial| ask(Ask::Fetch { event: event(serial), attempt: 1 });
        assert_eq!(fetch(5), Response::Event(event(5)));
        assert_eq!((fetch(0), fetch(6)), (Response::refused(404), Response::refused(404)));
    }

    #[test]
    fn what_is_no_longer_held_is_as_unknown_as_what_has_never_been() {
        let history = History::holding(4, 1, 100);
        let ask = |request| history.answer(&ApiCall { client: 0, consumer: 0, request });
        let fetch = |serial| ask(Ask::Fetch { event: event(serial), attempt: 1 });
        let page = |after| match ask(poll(after, 100)) {
            Response::Page { events, .. } => events.iter().map(|event| event.serial).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        for newest in 1..=50 {
            history.publish(event(newest));
            let held = history.read(0, |events| events.iter().map(|event| event.serial).collect::<Vec<_>>());
            assert!((4.min(newest as usize)..=8).contains(&held.len()), "{held:?}");
            let oldest = newest + 1 - held.len() as u32;
            assert_eq!(held, (oldest..=newest).collect::<Vec<_>>());
            assert_eq!(history.oldest(0), Some(oldest));
            for serial in 0..newest + 3 {
                let expected =
                    if held.contains(&serial) { Response::Event(event(serial)) } else { Response::refused(404) };
                assert_eq!(fetch(serial), expected);
                assert_eq!(page(serial), (oldest.max(serial + 1)..=newest).collect::<Vec<_>>());
            }
        }
        assert_eq!(page(u32::MAX), [0; 0]);
        assert_eq!(History::holding(4, 1, 100).oldest(0), None);
    }

    #[test]
    fn an_answer_of_the_own_api_is_worth_what_it_brings_for_the_first_time() {
        let mut told = Inbox::default();
        let mut worth = |response: Response| brought(&response).worth(&mut told);
        let page = |serials: &[u32]| page_of(serials.iter().map(|s| event(*s)).collect());
        assert_eq!(worth(page(&[])), Worth::Empty);
        assert_eq!(worth(page(&[1, 2])), Worth::Useful);
        assert_eq!(worth(page(&[1, 2])), Worth::Empty);
        assert_eq!(worth(Response::Event(event(2))), Worth::Empty);
        assert_eq!(worth(record_of(Some(event(4)))), Worth::Useful);
        assert_eq!(worth(page(&[3, 4])), Worth::Useful, "one of the two is new");
        assert_eq!(worth(page(&[2, 3, 4])), Worth::Empty);
        assert_eq!(worth(Response::Event(event(5))), Worth::Useful);
        assert_eq!(worth(record_of(None)), Worth::Refused);
        assert_eq!(worth(Response::refused(404)), Worth::Refused);
    }
}
