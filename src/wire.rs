//! Messages as HTTP: the one place that knows paths, headers and JSON, and how many bytes a message takes.
//!
//! The live engine sends these messages; the virtual one only counts them. Both counts include the request or status line,
//! the headers and the body, as they stand on the wire. The host names are fixed, so that a size does not depend on which
//! port was free.
//!
//! `api` has the messages of this program's own API, `webhook` what webhooks look like for each vendor, `size` how long
//! both are, and [`vendor_api`] the API as clients made for a vendor's meet it.

mod alike;
mod api;
mod conditions;
mod event;
mod filler;
mod forgery;
mod retry_after;
mod size;
mod text;
pub mod vendor_api;
mod webhook;

use std::borrow::Cow;

use crate::peer::{Exchange, Request, Response};
use crate::policy::signature::Keys;
use crate::time::Time;

pub use alike::{PollSizes, WebhooksAlike};
pub use api::{Access, ApiCall, read_access, read_api_call, read_api_call_of};
pub use event::Epoch;
pub(crate) use event::event_id;
pub use forgery::{Forgeries, forgery_kind};
pub use webhook::{EVENTS_MAX, read_webhook_path};

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
    /// Whether it is a list of events even when there is only one. Several events are a list in any case, and in
    /// SendGrid's shape a single one is too.
    pub is_list: bool,
}

impl Envelope {
    /// One whole event, in this program's own shape.
    pub const PLAIN: Self = Self { shape: Shape::StandardWebhooks, payload: Payload::Full, is_list: false };
}

/// Whose headers and JSON a webhook has. How it is signed is another matter: every scheme goes with every shape.
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

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 4] = [Self::StandardWebhooks, Self::Stripe, Self::GitHub, Self::SendGrid];
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
    /// When the run started.
    pub epoch: Epoch,
    /// Whether polls ask for compressed answers.
    compressed: bool,
    sizes: size::Sizes,
}

impl Wire {
    /// Settles the terms, and measures the fixed part of every message. `epoch_nanos` is the Unix time of the start of the
    /// run, in nanoseconds.
    pub fn new(client: u32, envelope: Envelope, keys: Keys, epoch_nanos: i128) -> Self {
        let (epoch, sizes) = (Epoch::from_nanos(epoch_nanos), size::Sizes::default());
        let mut wire = Self { client, envelope, keys, epoch, compressed: false, sizes };
        wire.sizes = size::Sizes::measure(&wire);
        wire
    }

    /// The same, but polls ask for compressed answers, or not. Sizes are those before anything is compressed.
    #[must_use]
    pub fn with_compression(mut self, compressed: bool) -> Self {
        self.compressed = compressed;
        self.sizes = size::Sizes::measure(&self);
        self
    }

    /// Whether an answer is to be compressed: pages and records are, if polls ask for it.
    pub fn compresses(&self, response: &Response) -> bool {
        self.compressed && matches!(response, Response::Page { .. } | Response::Record { .. })
    }

    /// A request, ready to be sent at `now`.
    pub fn request(&self, exchange: Exchange, request: &Request, now: Time) -> Message {
        self.request_in(Vec::new, exchange, request, now)
    }

    /// The same. If it has a body, that is made in the room that `room` gives, whatever is in there.
    pub fn request_in(
        &self,
        room: impl FnOnce() -> Vec<u8>,
        exchange: Exchange,
        request: &Request,
        now: Time,
    ) -> Message {
        match request {
            Request::Delivery { events, attempt, .. } => self.webhook(room(), exchange, events, *attempt, now),
            Request::Poll { .. } | Request::Record { .. } | Request::Fetch { .. } => {
                self.api_request(exchange, request)
            }
        }
    }
}

/// A header's name in lower case, with its value. Many values are the same in every message, and are not copied.
pub type Header = (&'static str, Cow<'static, str>);

/// A request or response ready for an HTTP library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `GET /path` or `200`: what the first line says.
    pub start: Start,
    /// The headers, in the order in which they are sent.
    pub headers: Vec<Header>,
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
    /// A response with a body of JSON.
    fn json_response(status: u16, body: String) -> Self {
        let headers = vec![("content-type", JSON.into()), ("content-length", text::number(body.len() as u64).into())];
        Self { start: Start::Response(status), headers, body: body.into_bytes() }
    }

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

/// The parts of an HTTP message that decoding looks at.
pub trait Headers {
    /// The value of a header, if it is there and is text.
    fn header(&self, name: &str) -> Option<&str>;
}

impl Headers for http::HeaderMap {
    fn header(&self, name: &str) -> Option<&str> {
        // There are a few only: to compare them all takes less than to find the place where this one would be.
        self.iter().find(|(own, _)| own.as_str() == name)?.1.to_str().ok()
    }
}

/// What keys begin with.
const KEY: &str = "key_";
/// The digits of the numbers in a key, at least.
const CLIENT_DIGITS: usize = 4;
const CONSUMER_DIGITS: usize = 8;

/// The key with which a consumer's client calls the API. Fixed width: a size must not depend on which client it is.
pub fn api_key(client: u32, consumer: u32) -> String {
    let mut key = String::with_capacity(KEY.len() + 1 + CLIENT_DIGITS + CONSUMER_DIGITS);
    push_api_key(&mut key, client, consumer);
    key
}

fn push_api_key(out: &mut String, client: u32, consumer: u32) {
    out.push_str(KEY);
    push_padded(out, client, CLIENT_DIGITS);
    out.push('_');
    push_padded(out, consumer, CONSUMER_DIGITS);
}

/// Appends a number with so many digits at least.
fn push_padded(out: &mut String, number: u32, digits: usize) {
    let written = size::digits(number) as usize;
    (written..digits).for_each(|_| out.push('0'));
    text::push_number(out, number);
}

#[cfg(test)]
mod tests;
