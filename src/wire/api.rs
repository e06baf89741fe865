//! The messages of this program's own API, and what System A makes of every answer.

use serde::Deserialize;

use super::conditions::{self, ETAG, IF_NONE_MATCH};
use super::event::{self, EventBody, event_id, read_event_id, read_record_id};
use super::size::{digits, digits_long};
use super::text::push_number;
use super::{
    CLIENT_DIGITS, CONSUMER_DIGITS, EXCHANGE_HEADER, Headers, JSON, KEY, Message, Payload, Start, USER_AGENT, Wire,
    push_api_key, reason, retry_after, text,
};
use crate::peer::{Advice, Batch, Event, Exchange, Request, Response, Tag};
use crate::time::{MILLISECOND, Span, Time};

const EVENTS: &str = "/events";
const EVENT: &str = "/events/";
const RECORD: &str = "/records/";
const AFTER: &str = "?after=";
const LIMIT: &str = "&limit=";
const BEARER: &str = "Bearer ";
const HOLD: &str = "hold_ms";
const NOT_MODIFIED: u16 = 304;
pub(super) const RETRY_AFTER: &str = "retry-after";

/// The size of a page where a request to the API names none.
const DEFAULT_PAGE: u32 = 100;

/// What an API request asks, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// The client, by its position in the scenario.
    pub client: u32,
    /// The consumer.
    pub consumer: u32,
    /// What it asks. Of an event to be fetched only its name is known.
    pub request: Request,
}

/// Whom a key to the API belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The client, by its position in the scenario.
    pub client: u32,
    /// The consumer.
    pub consumer: u32,
}

/// A page of events as JSON.
#[derive(Debug, Deserialize)]
struct PageBody<'a> {
    #[serde(borrow)]
    data: Vec<EventBody<'a>>,
    has_more: bool,
}

/// A record as JSON.
#[derive(Debug, Deserialize)]
struct RecordBody<'a> {
    #[serde(borrow)]
    event: Option<EventBody<'a>>,
    #[serde(rename = "final")]
    is_final: bool,
}

impl Wire {
    /// A request to the API.
    pub(super) fn api_request(&self, exchange: Exchange, request: &Request) -> Message {
        let path = match request {
            Request::Poll { after, limit, hold, .. } => poll_path(*after, *limit, *hold),
            Request::Record { record, .. } => format!("{RECORD}rec_{record}"),
            Request::Fetch { event, .. } => format!("{EVENT}{}", event_id(event.consumer, event.serial)),
            Request::Delivery { .. } => return Message::default(),
        };
        let mut headers = vec![
            ("host", "provider.localhost".into()),
            ("user-agent", USER_AGENT.into()),
            ("accept", JSON.into()),
            ("authorization", bearer(self.client, exchange.consumer).into()),
            (EXCHANGE_HEADER, text::number(exchange.serial).into()),
        ];
        if let Request::Poll { tag: Some(tag), .. } | Request::Record { tag: Some(tag), .. } = request {
            headers.push((IF_NONE_MATCH, conditions::write_tag(*tag).into()));
        }
        if self.compressed && matches!(request, Request::Poll { .. } | Request::Record { .. }) {
            headers.push(("accept-encoding", "gzip".into()));
        }
        Message { start: Start::Request("GET", path), headers, body: Vec::new() }
    }

    /// Appends an event. What is to be compressed has to look like something.
    fn write_event(&self, out: &mut String, event: &Event) {
        match self.compressed {
            true => event::write_readable(out, self.epoch, event),
            false => event::write_event(out, self.epoch, event, Payload::Full),
        }
    }

    /// A response, ready to be sent.
    pub fn response(&self, response: &Response) -> Message {
        match response {
            Response::Page { events, has_more, tag, advice } => {
                let mut body = String::from(r#"{"data":["#);
                for (event, index) in events.iter().zip(0..) {
                    if index > 0 {
                        body.push(',');
                    }
                    self.write_event(&mut body, event);
                }
                body.push_str(if *has_more { r#"],"has_more":true}"# } else { r#"],"has_more":false}"# });
                with_conditions(Message::json_response(200, body), Some(*tag), advice)
            }
            Response::Record { event, is_final, tag, advice } => {
                let mut body = String::from(r#"{"event":"#);
                match event {
                    Some(event) => self.write_event(&mut body, event),
                    None => body.push_str("null"),
                }
                body.push_str(if *is_final { r#","final":true}"# } else { r#","final":false}"# });
                with_conditions(Message::json_response(200, body), Some(*tag), advice)
            }
            Response::NotModified { advice } => {
                let message = Message { start: Start::Response(NOT_MODIFIED), ..Message::default() };
                with_conditions(message, None, advice)
            }
            Response::Event(event) => {
                let mut body = String::new();
                self.write_event(&mut body, event);
                Message::json_response(200, body)
            }
            Response::Accepted => Message::json_response(200, String::new()),
            Response::Refused { status, retry_after } => {
                let mut message = Message::json_response(*status, format!(r#"{{"error":"{}"}}"#, reason(*status)));
                message.headers.extend(retry_after.map(|wait| (RETRY_AFTER, retry_after::write(wait).into())));
                message
            }
        }
    }

    /// Reads the response to `request` that came at `now`; an answer that makes no sense counts as a refusal with status
    /// 502.
    pub fn read_response(
        &self,
        request: &Request,
        status: u16,
        headers: &impl Headers,
        body: &[u8],
        now: Time,
    ) -> Response {
        match (request, status) {
            (Request::Poll { .. }, 200) => self.read_page(headers, body).unwrap_or(Response::refused(502)),
            (Request::Record { .. }, 200) => self.read_record(headers, body).unwrap_or(Response::refused(502)),
            (Request::Poll { tag: Some(_), .. } | Request::Record { tag: Some(_), .. }, NOT_MODIFIED) => {
                Response::NotModified { advice: conditions::read(headers) }
            }
            (Request::Fetch { .. }, 200) => self.read_event(body).map_or(Response::refused(502), Response::Event),
            (Request::Delivery { .. }, 200..=299) => Response::Accepted,
            _ => {
                let now = self.epoch.unix_nanos(now);
                let retry_after = headers.header(RETRY_AFTER).and_then(|value| retry_after::read(value, now));
                Response::Refused { status, retry_after }
            }
        }
    }

    fn read_page(&self, headers: &impl Headers, body: &[u8]) -> Option<Response> {
        let page: PageBody<'_> = serde_json::from_slice(body).ok()?;
        let events = page.data.iter().map(|event| event.event(self.epoch, Payload::Full)).collect::<Option<Batch>>()?;
        let (tag, advice) = (read_tag(headers), conditions::read(headers));
        Some(Response::Page { events, has_more: page.has_more, tag, advice })
    }

    fn read_record(&self, headers: &impl Headers, body: &[u8]) -> Option<Response> {
        let RecordBody { event, is_final } = serde_json::from_slice(body).ok()?;
        let event = match event {
            Some(event) => Some(event.event(self.epoch, Payload::Full)?),
            None => None,
        };
        Some(Response::Record { event, is_final, tag: read_tag(headers), advice: conditions::read(headers) })
    }

    fn read_event(&self, body: &[u8]) -> Option<Event> {
        serde_json::from_slice::<EventBody<'_>>(body).ok()?.event(self.epoch, Payload::Full)
    }
}

fn poll_path(after: u32, limit: u32, hold: Span) -> String {
    let hold_size = optional_hold_size(hold);
    let fixed = EVENTS.len() + AFTER.len() + LIMIT.len();
    let mut path = text::with_room(fixed as u64 + digits(after) + digits(limit) + hold_size);
    path.push_str(EVENTS);
    path.push_str(AFTER);
    push_number(&mut path, after);
    path.push_str(LIMIT);
    push_number(&mut path, limit);
    if !hold.is_zero() {
        path.push('&');
        path.push_str(HOLD);
        path.push('=');
        push_number(&mut path, millis(hold));
    }
    path
}

fn bearer(client: u32, consumer: u32) -> String {
    // Numbers of more digits are rare, and make room for themselves.
    let mut value = String::with_capacity(BEARER.len() + KEY.len() + 1 + CLIENT_DIGITS + CONSUMER_DIGITS);
    value.push_str(BEARER);
    push_api_key(&mut value, client, consumer);
    value
}

/// The same message with the state of what it answers, and with advice.
fn with_conditions(mut message: Message, tag: Option<Tag>, advice: &Advice) -> Message {
    message.headers.extend(tag.map(|tag| (ETAG, conditions::write_tag(tag).into())));
    message.headers.extend(conditions::write(advice));
    message
}

/// The tag in the headers of an answer; that of an empty feed if there is none.
fn read_tag(headers: &impl Headers) -> Tag {
    headers.header(ETAG).and_then(conditions::read_tag).unwrap_or_default()
}

/// A time to be held in whole milliseconds, rounded up.
const fn millis(hold: Span) -> u64 {
    hold.as_nanos().div_ceil(MILLISECOND)
}

/// The bytes of a request that say how long it may be held, and what the asker knows.
#[inline]
pub(super) fn optional_size(request: &Request) -> u64 {
    let (hold, tag) = match request {
        Request::Poll { hold, tag, .. } => (*hold, *tag),
        Request::Record { tag, .. } => (Span::ZERO, *tag),
        Request::Fetch { .. } | Request::Delivery { .. } => return 0,
    };
    optional_hold_size(hold) + tag.map_or(0, |tag| conditions::tag_size(IF_NONE_MATCH, tag))
}

/// The part of them that says how long it may be held.
#[inline]
fn optional_hold_size(hold: Span) -> u64 {
    if hold.is_zero() { 0 } else { 2 + HOLD.len() as u64 + digits_long(millis(hold)) }
}

/// The bytes of an answer that say in which state what it holds is, and when to ask again.
#[inline]
pub(super) fn conditions_size(tag: Tag, advice: &Advice) -> u64 {
    tag_size(tag) + advice_size(advice)
}

/// The part of them that says in which state it is.
#[inline]
pub(super) fn tag_size(tag: Tag) -> u64 {
    conditions::tag_size(ETAG, tag)
}

/// The part of them that says when to ask again.
#[inline]
pub(super) fn advice_size(advice: &Advice) -> u64 {
    conditions::size(advice)
}

/// Reads a request to the API. None if there is no such path, or the key is not one that the API gave out.
pub fn read_api_call(path: &str, query: Option<&str>, headers: &impl Headers) -> Option<ApiCall> {
    read_api_call_of(read_access(headers)?, path, query, headers)
}

/// The same of somebody whose key has been read already. None if there is no such path.
pub fn read_api_call_of(
    Access { client, consumer }: Access,
    path: &str,
    query: Option<&str>,
    headers: &impl Headers,
) -> Option<ApiCall> {
    let known = || headers.header(IF_NONE_MATCH).and_then(conditions::read_tag);
    let request = if path == EVENTS {
        let parameter = |name: &str| {
            let mut pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.parse().ok())
        };
        // A parameter left out has its default; one that cannot be read makes the request invalid.
        let after = parameter("after").unwrap_or(Some(0))?;
        let limit = parameter("limit").unwrap_or(Some(DEFAULT_PAGE))?;
        let hold = parameter(HOLD).unwrap_or(Some(0))?;
        Request::Poll { after, limit, poll: 0, page: 0, hold: Span::from_millis(hold.into()), tag: known() }
    } else if let Some(id) = path.strip_prefix(EVENT) {
        let (whose, serial) = read_event_id(id)?;
        if whose != consumer {
            return None;
        }
        let event = Event { occurred_at: Time::ZERO, consumer, serial, record: 0, payload: 0 };
        Request::Fetch { event, attempt: 1 }
    } else {
        Request::Record { record: read_record_id(path.strip_prefix(RECORD)?)?, poll: 0, tag: known() }
    };
    Some(ApiCall { client, consumer, request })
}

/// Reads the key out of a request to the API: behind `Bearer`, or behind `token` as clients of GitHub send it. None if
/// there is none, or none that the API gave out.
pub fn read_access(headers: &impl Headers) -> Option<Access> {
    let (scheme, key) = headers.header("authorization")?.split_once(' ')?;
    // The names of authentication schemes are case-insensitive (RFC 9110, section 11.1).
    if !["bearer", "token"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
        return None;
    }
    let (client, consumer) = key.strip_prefix("key_")?.split_once('_')?;
    Some(Access { client: read_padded(client, CLIENT_DIGITS)?, consumer: read_padded(consumer, CONSUMER_DIGITS)? })
}

/// Reads a number that is written with so many digits at least. None if it is not written exactly so: a key has one form.
fn read_padded(text: &str, digits: usize) -> Option<u32> {
    let is_exact = text.len() == digits || (text.len() > digits && !text.starts_with('0'));
    (is_exact && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
