//! Messages as HTTP: the one place that knows paths, headers and JSON, and how many bytes a message takes.
//!
//! The live engine sends these messages; the virtual one only counts them. Both counts include the request or status line,
//! the headers and the body, as they stand on the wire. The host names are fixed, so that a size does not depend on which
//! port was free.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::peer::{Authenticity, Batch, Event, Exchange, Request, Response};
use crate::policy::signature::{self, Delivery, Keys, Scheme};
use crate::time::Time;

/// Carries the serial of an exchange, so that both sides can tell what they saw of it.
pub const EXCHANGE_HEADER: &str = "x-pushpull-exchange";
/// Carries the number of an attempt.
pub const ATTEMPT_HEADER: &str = "x-pushpull-attempt";
const USER_AGENT: &str = concat!("pushpull/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";

/// What a webhook looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whose headers and JSON it has.
    pub shape: Shape,
    /// How much of an event it carries.
    pub payload: Payload,
    /// Whether it is a list of events even when there is only one.
    pub is_list: bool,
}

impl Envelope {
    /// One whole event, in this program's own shape.
    pub const PLAIN: Self = Self { shape: Shape::StandardWebhooks, payload: Payload::Full, is_list: false };
}

/// Whose headers and JSON a webhook has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The outline that Standard Webhooks recommends.
    StandardWebhooks,
    /// As Stripe sends.
    Stripe,
    /// As GitHub sends.
    GitHub,
    /// As SendGrid sends.
    SendGrid,
}

/// How much of an event a webhook carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// All of it.
    Full,
    /// Its name only: whoever receives it fetches the rest from the API.
    Thin,
}

/// What both sides of a client agree on before they talk.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The position of the client in the scenario; part of its API key.
    pub client: u32,
    /// What webhooks look like.
    pub envelope: Envelope,
    /// How webhooks are signed, and the keys that sign and check them.
    pub keys: Keys,
    /// The Unix time of the start of the run, in nanoseconds.
    pub epoch_nanos: i128,
    sizes: Sizes,
}

/// Sizes of messages with every variable part left out.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    poll: u64,
    record: u64,
    fetch: u64,
    delivery: u64,
    event: u64,
    page: u64,
    accepted: u64,
    not_found: u64,
}

/// A request or response ready for an HTTP library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `GET /path` or `200`: what the first line says.
    pub start: Start,
    /// Header names in lower case, with their values, in the order in which they are sent.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The variable part of a first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A request's method and path.
    Request(&'static str, String),
    /// A response's status.
    Response(u16),
}

impl Default for Start {
    fn default() -> Self {
        Self::Response(200)
    }
}

impl Message {
    /// Bytes on the wire under HTTP/1.1.
    pub fn size(&self) -> u64 {
        let start = match &self.start {
            Start::Request(method, path) => method.len() + 1 + path.len() + " HTTP/1.1\r\n".len(),
            Start::Response(status) => "HTTP/1.1 200 \r\n".len() + reason(*status).len(),
        };
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + 2 + value.len() + 2).sum();
        (start + headers + 2 + self.body.len()) as u64
    }
}

/// The reason phrase that HTTP libraries put after a status.
fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("<none>")
}

/// An event as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct EventBody<'a> {
    id: Cow<'a, str>,
    occurred_at: Cow<'a, str>,
    record: Cow<'a, str>,
    data: Cow<'a, str>,
}

/// A page of events as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct PageBody<'a> {
    #[serde(borrow)]
    data: Vec<EventBody<'a>>,
    has_more: bool,
}

/// A webhook as JSON, in the outline that Standard Webhooks recommends.
#[derive(Debug, Serialize, Deserialize)]
struct WebhookBody<'a> {
    r#type: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    data: EventBody<'a>,
}

/// What an API request asks, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// The client, by its position in the scenario.
    pub client: u32,
    /// The consumer.
    pub consumer: u32,
    /// What it asks.
    pub request: Request,
}

/// The parts of an HTTP request that decoding looks at.
pub trait Headers {
    /// The value of a header, if it is there once and is text.
    fn header(&self, name: &str) -> Option<&str>;
}

impl Headers for http::HeaderMap {
    fn header(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str().ok()
    }
}

impl Wire {
    /// Settles the terms, and measures the fixed part of every message.
    pub fn new(client: u32, envelope: Envelope, keys: Keys, epoch_nanos: i128) -> Self {
        let mut wire = Self { client, envelope, keys, epoch_nanos, sizes: Sizes::default() };
        let exchange = Exchange { opener: crate::peer::Side::Consumer, consumer: 0, serial: 0 };
        let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 0, record: 0, payload: 0 };
        let request = |request: Request| wire.request(exchange, &request, Time::ZERO).size();
        let response = |response: Response| wire.response(&response).size();
        let event_size = wire.event_json(&event).len() as u64;
        // Each template holds single-digit numbers, which are taken off again: digits(0) is 1.
        wire.sizes = Sizes {
            poll: request(Request::Poll { after: 0, limit: 0, poll: 0, page: 0 }) - 3,
            record: request(Request::Record { record: 0 }) - 2,
            fetch: request(Request::Fetch { event, attempt: 0 }) - 3,
            delivery: request(delivery(event, 0, Authenticity::Accepted))
                - 6
                - 2 * wire.identifiers_in_headers()
                - digits_long(event_size + WEBHOOK_FRAME),
            event: event_size - 3,
            page: response(Response::Page { events: Batch::new(), has_more: false }) - "false".len() as u64,
            accepted: response(Response::Accepted),
            not_found: response(Response::Record(None)),
        };
        wire
    }

    /// The size of a request on the wire.
    pub fn request_size(&self, exchange: Exchange, request: &Request) -> u64 {
        let serial = digits(exchange.serial);
        match request {
            Request::Poll { after, limit, .. } => self.sizes.poll + serial + digits(*after) + digits(*limit),
            Request::Record { record } => self.sizes.record + serial + digits(*record),
            Request::Fetch { event, .. } => self.sizes.fetch + serial + digits(event.consumer) + digits(event.serial),
            Request::Delivery { events, attempt, .. } => {
                let Some(event) = events.first() else { return 0 };
                let body = self.delivery_body_size(event);
                // The identifier stands in a header too, the consumer in the path too.
                let identifier = self.identifiers_in_headers() * (digits(event.consumer) + digits(event.serial));
                let head = serial + digits(*attempt) + digits(event.consumer) + identifier;
                self.sizes.delivery - self.empty_delivery_body() + head + body + digits_long(body)
            }
        }
    }

    /// The size of a response on the wire.
    pub fn response_size(&self, response: &Response) -> u64 {
        match response {
            Response::Page { events, has_more } => {
                let events_size: u64 = events.iter().map(|event| self.event_size(event)).sum();
                let commas = (events.len() as u64).saturating_sub(1);
                let flag = if *has_more { "true".len() } else { "false".len() } as u64;
                let empty_body = br#"{"data":[],"has_more":}"#.len() as u64;
                let body = empty_body + flag + events_size + commas;
                self.sizes.page + body - empty_body + digits_long(body) - digits_long(empty_body + "false".len() as u64)
            }
            Response::Record(Some(event)) | Response::Event(event) => {
                let body = self.event_size(event);
                message_size(200, body) + body
            }
            Response::Record(None) => self.sizes.not_found,
            Response::Accepted => self.sizes.accepted,
            Response::Refused { .. } => self.response(response).size(),
        }
    }

    /// How many headers of a webhook hold the identifier of the event, whose length varies.
    const fn identifiers_in_headers(&self) -> u64 {
        match self.keys.scheme {
            Scheme::None | Scheme::StandardWebhooks | Scheme::StandardWebhooksEd25519 => 1,
            // GitHub's has a fixed length; the others name an event in the body alone.
            Scheme::Stripe | Scheme::GitHub | Scheme::SendGrid => 0,
        }
    }

    fn event_size(&self, event: &Event) -> u64 {
        let numbers = digits(event.consumer) + digits(event.serial) + digits(event.record);
        self.sizes.event + numbers + u64::from(event.payload)
    }

    fn delivery_body_size(&self, event: &Event) -> u64 {
        self.event_size(event) + WEBHOOK_FRAME
    }

    fn empty_delivery_body(&self) -> u64 {
        self.sizes.event + WEBHOOK_FRAME
    }

    /// A request, ready to be sent at `now`.
    pub fn request(&self, exchange: Exchange, request: &Request, now: Time) -> Message {
        let serial = exchange.serial.to_string();
        match request {
            Request::Poll { after, limit, .. } => {
                self.api_request(format!("/v1/events?after={after}&limit={limit}"), exchange.consumer, serial)
            }
            Request::Record { record } => {
                self.api_request(format!("/v1/records/rec_{record}"), exchange.consumer, serial)
            }
            Request::Fetch { event, .. } => {
                self.api_request(format!("/v1/events/{}", event_id(event)), exchange.consumer, serial)
            }
            Request::Delivery { events, attempt, .. } => match events.first() {
                Some(event) => self.webhook(event, *attempt, serial, now),
                None => Message::default(),
            },
        }
    }

    fn api_request(&self, path: String, consumer: u32, serial: String) -> Message {
        let headers = vec![
            ("host", "provider.localhost".into()),
            ("user-agent", USER_AGENT.into()),
            ("accept", JSON.into()),
            ("authorization", format!("Bearer {}", api_key(self.client, consumer))),
            (EXCHANGE_HEADER, serial),
        ];
        Message { start: Start::Request("GET", path), headers, body: Vec::new() }
    }

    fn webhook(&self, event: &Event, attempt: u32, serial: String, now: Time) -> Message {
        let id = event_id(event);
        let body = format!(r#"{{"type":"{WEBHOOK_TYPE}","timestamp":"{}","data":"#, self.rfc3339(event.occurred_at))
            + &self.event_json(event)
            + "}";
        let mut headers = vec![
            ("host", "consumer.localhost".into()),
            ("user-agent", USER_AGENT.into()),
            ("content-type", JSON.into()),
            ("content-length", body.len().to_string()),
            (EXCHANGE_HEADER, serial),
            (ATTEMPT_HEADER, attempt.to_string()),
        ];
        match self.keys.scheme {
            Scheme::None => headers.push(("webhook-id", id.clone())),
            Scheme::GitHub => {
                headers.push(("x-github-event", WEBHOOK_TYPE.into()));
                headers.push(("x-github-delivery", delivery_guid(event)));
            }
            // These sign the identifier along, or have it in the body alone.
            Scheme::StandardWebhooks | Scheme::StandardWebhooksEd25519 | Scheme::Stripe | Scheme::SendGrid => {}
        }
        let delivery = Delivery { id: &id, timestamp: self.unix_seconds(now), body: body.as_bytes() };
        headers.extend(signature::sign(self.keys.scheme, &self.keys.signing, delivery));
        let path = format!("/webhooks/{}", event.consumer);
        Message { start: Start::Request("POST", path), headers, body: body.into_bytes() }
    }

    /// A response, ready to be sent.
    pub fn response(&self, response: &Response) -> Message {
        let (status, body) = match response {
            Response::Page { events, has_more } => {
                let events: Vec<_> = events.iter().map(|event| self.event_json(event)).collect();
                (200, format!(r#"{{"data":[{}],"has_more":{has_more}}}"#, events.join(",")))
            }
            Response::Record(Some(event)) | Response::Event(event) => (200, self.event_json(event)),
            Response::Record(None) => (404, NO_SUCH_RECORD.into()),
            Response::Accepted => (200, String::new()),
            Response::Refused { status, .. } => (*status, format!(r#"{{"error":"{}"}}"#, reason(*status))),
        };
        let headers = vec![("content-type", JSON.into()), ("content-length", body.len().to_string())];
        Message { start: Start::Response(status), headers, body: body.into_bytes() }
    }

    /// Reads a response to `request`; an answer that makes no sense counts as a refusal with status 502.
    pub fn read_response(&self, request: &Request, status: u16, body: &[u8]) -> Response {
        match (request, status) {
            (Request::Poll { .. }, 200) => self.read_page(body).unwrap_or(Response::refused(502)),
            (Request::Record { .. }, 200) => match serde_json::from_slice(body) {
                Ok(event) => Response::Record(self.read_event(&event)),
                Err(_) => Response::refused(502),
            },
            (Request::Fetch { .. }, 200) => {
                let event = serde_json::from_slice(body).ok().and_then(|event| self.read_event(&event));
                event.map_or(Response::refused(502), Response::Event)
            }
            (Request::Delivery { .. }, 200..=299) => Response::Accepted,
            _ => Response::refused(status),
        }
    }

    fn read_page(&self, body: &[u8]) -> Option<Response> {
        let page: PageBody<'_> = serde_json::from_slice(body).ok()?;
        let events = page.data.iter().map(|event| self.read_event(event)).collect::<Option<Batch>>()?;
        Some(Response::Page { events, has_more: page.has_more })
    }

    /// Checks a webhook's signature over its raw bytes, and only then reads it. None if it is authentic but cannot be read.
    ///
    /// Of one that is not authentic nothing is believed, so its event is a placeholder.
    pub fn read_webhook(&self, headers: &impl Headers, body: &[u8], now: Time) -> Option<Request> {
        let Keys { scheme, verifying, .. } = &self.keys;
        let header = |name| headers.header(name);
        let authenticity = signature::verify(*scheme, verifying, header, body, self.unix_seconds(now));
        if authenticity == Authenticity::Rejected {
            let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 0, record: 0, payload: 0 };
            return Some(delivery(event, 0, authenticity));
        }
        let event = serde_json::from_slice::<WebhookBody<'_>>(body).ok().and_then(|b| self.read_event(&b.data))?;
        let attempt = headers.header(ATTEMPT_HEADER).and_then(|text| text.parse().ok()).unwrap_or(1);
        Some(delivery(event, attempt, authenticity))
    }

    fn read_event(&self, body: &EventBody<'_>) -> Option<Event> {
        let (consumer, serial) = body.id.strip_prefix("evt_")?.split_once('_')?;
        let nanos = body.occurred_at.parse::<Timestamp>().ok()?.as_nanosecond() - self.epoch_nanos;
        Some(Event {
            occurred_at: Time::from_nanos(u64::try_from(nanos).ok()?),
            consumer: consumer.parse().ok()?,
            serial: serial.parse().ok()?,
            record: body.record.strip_prefix("rec_")?.parse().ok()?,
            payload: u32::try_from(body.data.len()).ok()?,
        })
    }

    fn event_json(&self, event: &Event) -> String {
        let mut json = String::with_capacity(128 + event.payload as usize);
        let (id, at) = (event_id(event), self.rfc3339(event.occurred_at));
        // Writing to a string cannot fail.
        let _ = write!(json, r#"{{"id":"{id}","occurred_at":"{at}","record":"rec_{}","data":""#, event.record);
        json.extend(std::iter::repeat_n('x', event.payload as usize));
        json.push_str("\"}");
        json
    }

    /// An instant of the run as RFC 3339 with nine decimals, so that every instant takes the same room.
    fn rfc3339(&self, at: Time) -> String {
        let nanos = self.epoch_nanos + i128::from(at.as_nanos());
        Timestamp::from_nanosecond(nanos)
            .map_or_else(|_| "9999-12-30T22:00:00.000000000Z".into(), |t| format!("{t:.9}"))
    }

    fn unix_seconds(&self, at: Time) -> i64 {
        let seconds = (self.epoch_nanos + i128::from(at.as_nanos())).div_euclid(1_000_000_000);
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}

fn delivery(event: Event, attempt: u32, authenticity: Authenticity) -> Request {
    Request::Delivery { events: Batch::from_slice(&[event]), attempt, authenticity }
}

const WEBHOOK_TYPE: &str = "record.changed";
const NO_SUCH_RECORD: &str = r#"{"error":"no such record, or nothing happened to it yet"}"#;
/// The JSON around an event in a webhook.
const WEBHOOK_FRAME: u64 =
    r#"{"type":"record.changed","timestamp":"2026-01-01T00:00:00.000000000Z","data":}"#.len() as u64;

/// Reads a request to the API. None if there is no such path, or the key is not one that the API gave out.
pub fn read_api_call(path: &str, query: Option<&str>, headers: &impl Headers) -> Option<ApiCall> {
    let key = headers.header("authorization")?.strip_prefix("Bearer key_")?;
    let (client, consumer) = key.split_once('_')?;
    let request = match path.strip_prefix("/v1/records/rec_") {
        Some(record) => Request::Record { record: record.parse().ok()? },
        None if path == "/v1/events" => {
            let parameter = |name: &str| {
                let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
                pairs.clone().find(|(key, _)| *key == name).map(|(_, value)| value.parse().ok())
            };
            // A parameter left out has its default; one that cannot be read makes the request invalid.
            let after = parameter("after").unwrap_or(Some(0))?;
            let limit = parameter("limit").unwrap_or(Some(DEFAULT_PAGE))?;
            Request::Poll { after, limit, poll: 0, page: 0 }
        }
        None => return None,
    };
    Some(ApiCall { client: client.parse().ok()?, consumer: consumer.parse().ok()?, request })
}

/// Reads the consumer out of the path of a webhook.
pub fn read_webhook_path(path: &str) -> Option<u32> {
    path.strip_prefix("/webhooks/")?.parse().ok()
}

/// The size of a page where a request to the API names none.
const DEFAULT_PAGE: u32 = 100;

/// The key with which a consumer's client calls the API. Fixed width: a size must not depend on which client it is.
pub fn api_key(client: u32, consumer: u32) -> String {
    format!("key_{client:04}_{consumer:08}")
}

fn event_id(event: &Event) -> String {
    format!("evt_{}_{}", event.consumer, event.serial)
}

/// The number that GitHub gives a webhook, the same when it is sent again: a UUID, here one that its parts can be read from.
fn delivery_guid(event: &Event) -> String {
    format!("{:08x}-0000-8000-8000-{:012x}", event.consumer, event.serial)
}

/// The size of a JSON response less its body.
fn message_size(status: u16, body: u64) -> u64 {
    let headers = vec![("content-type", JSON.into()), ("content-length", String::new())];
    Message { start: Start::Response(status), headers, body: Vec::new() }.size() + digits_long(body)
}

const fn digits(number: u32) -> u64 {
    digits_long(number as u64)
}

const fn digits_long(number: u64) -> u64 {
    match number.checked_ilog10() {
        Some(log) => log as u64 + 1,
        None => 1,
    }
}

#[cfg(test)]
mod tests;
