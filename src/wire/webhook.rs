//! What a webhook looks like: one file for each vendor's shape, and what all of them share.
//!
//! In every shape a body carries what this program needs to read an event back exactly: its name, its instant to the
//! nanosecond, its record and, in a whole one, as many bytes of payload as it has. A batch tells of several events of one
//! consumer in a list; its identifier is that of its first event, so it is the same on every attempt.

mod github;
mod sendgrid;
mod standard_webhooks;
mod stripe;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::event::{EventBody, event_id};
use super::size::digits;
use super::{
    ATTEMPT_HEADER, EXCHANGE_HEADER, Envelope, Epoch, Headers, Message, Payload, Shape, Start, USER_AGENT, Wire, text,
};
use crate::peer::{Authenticity, Batch, Event, Exchange, Request};
use crate::policy::signature::{self, Delivery, Keys, Scheme};
use crate::time::Time;

pub(super) use github::hook_id;
pub(super) use stripe::write_whole as write_stripe_event;

/// The most events that a webhook may tell of; a longer one is refused unread.
pub const EVENTS_MAX: usize = 10_000;

/// What the paths of endpoints begin with; the consumer follows.
const PATH: &str = "/webhooks/";

/// What happened, where a shape has a name for that.
pub(super) const EVENT_TYPE: &str = "record.changed";

/// What stands around and between the events of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) before: &'static str,
    pub(super) between: &'static str,
    pub(super) after: &'static str,
}

impl Wire {
    /// A webhook, signed at `now`. One that tells of nothing is an empty list.
    pub(super) fn webhook(
        &self,
        room: Vec<u8>,
        exchange: Exchange,
        events: &Batch,
        attempt: u32,
        now: Time,
    ) -> Message {
        self.webhook_signed_at(room, exchange, events, attempt, self.epoch.unix_seconds(now))
    }

    /// The same, signed at some Unix time in seconds.
    pub(super) fn webhook_signed_at(
        &self,
        room: Vec<u8>,
        exchange: Exchange,
        events: &Batch,
        attempt: u32,
        timestamp: i64,
    ) -> Message {
        let Envelope { shape, .. } = self.envelope;
        let body = self.webhook_body(room, events);
        let (consumer, serial) = named_after(exchange, events.first());
        let id = event_id(consumer, serial);
        let (user_agent, content_type) = sender(shape);
        let mut headers = vec![
            ("host", "consumer.localhost".into()),
            ("user-agent", user_agent.into()),
            ("content-type", content_type.into()),
            ("content-length", text::number(body.len() as u64).into()),
            (EXCHANGE_HEADER, text::number(exchange.serial).into()),
            (ATTEMPT_HEADER, text::number(attempt).into()),
        ];
        match shape {
            Shape::GitHub => headers.extend(github::headers(consumer, serial)),
            Shape::StandardWebhooks if !names_the_webhook(self.keys.scheme) => {
                headers.push(("webhook-id", id.clone().into()))
            }
            Shape::StandardWebhooks | Shape::Stripe | Shape::SendGrid => {}
        }
        let delivery = Delivery { id: &id, timestamp, body: body.as_bytes() };
        let signed = signature::sign(self.keys.scheme, &self.keys.signing, delivery);
        headers.extend(signed.into_iter().map(|(name, value)| (name, value.into())));
        let mut path = text::with_room(PATH.len() as u64 + digits(consumer));
        path.push_str(PATH);
        text::push_number(&mut path, consumer);
        Message { start: Start::Request("POST", path), headers, body: body.into_bytes() }
    }

    fn webhook_body(&self, mut room: Vec<u8>, events: &Batch) -> String {
        let Envelope { shape, payload, .. } = self.envelope;
        let payloads: usize = events.iter().map(|event| event.payload as usize).sum();
        room.clear();
        let mut body = String::from_utf8(room).unwrap_or_default();
        body.reserve(if payload == Payload::Full { payloads } else { 0 } + 256);
        let (list, is_list) = (list(shape), is_list(self.envelope, events.len()));
        if is_list {
            body.push_str(list.before);
        }
        for (event, index) in events.iter().zip(0..) {
            if index > 0 {
                body.push_str(list.between);
            }
            write(&mut body, self.envelope, self.epoch, event);
        }
        if is_list {
            body.push_str(list.after);
        }
        body
    }

    /// Checks a webhook's signature over its raw bytes, and only then reads it.
    ///
    /// None if it is authentic but no JSON, or a list longer than [`EVENTS_MAX`]. One that is JSON and does not tell of
    /// events of this program, all of one consumer, tells of nothing that occurred: it has no events. Of one that is not
    /// authentic nothing is believed, so its event is a placeholder.
    pub fn read_webhook(&self, headers: &impl Headers, body: &[u8], now: Time) -> Option<Request> {
        let Keys { scheme, verifying, .. } = &self.keys;
        let header = |name| headers.header(name);
        let authenticity = signature::verify(*scheme, verifying, header, body, self.epoch.unix_seconds(now));
        if authenticity == Authenticity::Rejected {
            let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 0, record: 0, payload: 0 };
            return Some(Request::Delivery { events: Batch::from_slice(&[event]), attempt: 0, authenticity });
        }
        let Envelope { shape, payload, .. } = self.envelope;
        let epoch = self.epoch;
        let events = match (shape, payload) {
            (Shape::StandardWebhooks, _) => {
                read::<standard_webhooks::Body<'_>>(body, |body| body.event(epoch, payload))
            }
            (Shape::Stripe, Payload::Full) => read::<stripe::Whole<'_>>(body, |body| body.event(epoch)),
            (Shape::Stripe, Payload::Thin) => read::<stripe::Thin<'_>>(body, |body| body.event(epoch)),
            (Shape::GitHub, _) => read::<github::Body<'_>>(body, |body| body.event(epoch, payload)),
            (Shape::SendGrid, _) => read::<EventBody<'_>>(body, |body| body.event(epoch, payload)),
        };
        let attempt = headers.header(ATTEMPT_HEADER).and_then(|text| text.parse().ok()).unwrap_or(1);
        Some(Request::Delivery { events: events?, attempt, authenticity })
    }
}

/// Reads the consumer out of the path of a webhook.
pub fn read_webhook_path(path: &str) -> Option<u32> {
    path.strip_prefix(PATH)?.parse().ok()
}

/// Reads the events out of a body, be it one or a list. None if it is no JSON, or the list is too long.
fn read<'a, B: Deserialize<'a>>(body: &'a [u8], event: impl Fn(&B) -> Option<Event>) -> Option<Batch> {
    let text = std::str::from_utf8(body).ok()?;
    let bodies = if text.trim_start().starts_with('[') {
        // Counted first: what is merely counted takes no memory.
        if serde_json::from_str::<Vec<IgnoredAny>>(text).ok()?.len() > EVENTS_MAX {
            return None;
        }
        serde_json::from_str(text).unwrap_or_default()
    } else {
        match serde_json::from_str(text) {
            Ok(body) => vec![body],
            Err(_) => {
                serde_json::from_str::<IgnoredAny>(text).ok()?;
                Vec::new()
            }
        }
    };
    let events: Batch = bodies.iter().map(event).collect::<Option<_>>().unwrap_or_default();
    let are_of_one = events.iter().all(|event| event.consumer == events[0].consumer);
    Some(if are_of_one { events } else { Batch::new() })
}

/// Whether a webhook with so many events is a list.
pub(super) const fn is_list(envelope: Envelope, events: usize) -> bool {
    envelope.is_list || events != 1 || matches!(envelope.shape, Shape::SendGrid)
}

/// How a list of events is written.
pub(super) const fn list(shape: Shape) -> List {
    match shape {
        Shape::StandardWebhooks | Shape::Stripe | Shape::GitHub => List { before: "[", between: ",", after: "]" },
        Shape::SendGrid => sendgrid::LIST,
    }
}

/// The consumer and serial that a webhook is named after: those of its first event.
pub(super) fn named_after(exchange: Exchange, first: Option<&Event>) -> (u32, u32) {
    first.map_or((exchange.consumer, 0), |event| (event.consumer, event.serial))
}

/// Who sends a webhook and what kind of JSON it is, as the two headers say it.
const fn sender(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::StandardWebhooks => (USER_AGENT, super::JSON),
        Shape::Stripe => (stripe::USER_AGENT, stripe::CONTENT_TYPE),
        Shape::GitHub => (github::USER_AGENT, super::JSON),
        Shape::SendGrid => (sendgrid::USER_AGENT, sendgrid::CONTENT_TYPE),
    }
}

/// Whether the headers of a scheme name the webhook already.
const fn names_the_webhook(scheme: Scheme) -> bool {
    match scheme {
        Scheme::StandardWebhooks | Scheme::StandardWebhooksEd25519 => true,
        Scheme::None | Scheme::Stripe | Scheme::GitHub | Scheme::SendGrid => false,
    }
}

fn write(out: &mut String, envelope: Envelope, epoch: Epoch, event: &Event) {
    match (envelope.shape, envelope.payload) {
        (Shape::StandardWebhooks, payload) => standard_webhooks::write(out, epoch, event, payload),
        (Shape::Stripe, Payload::Full) => stripe::write_whole(out, epoch, event),
        (Shape::Stripe, Payload::Thin) => stripe::write_thin(out, epoch, event),
        (Shape::GitHub, payload) => github::write(out, epoch, event, payload),
        (Shape::SendGrid, payload) => sendgrid::write(out, epoch, event, payload),
    }
}

/// The bytes of an event in a webhook that are not the same for every event.
#[inline]
pub(super) fn variable(envelope: Envelope, epoch: Epoch, event: &Event) -> u64 {
    match (envelope.shape, envelope.payload) {
        (Shape::StandardWebhooks, payload) => super::event::variable(event, payload),
        (Shape::Stripe, Payload::Full) => stripe::variable_of_whole(epoch, event),
        (Shape::Stripe, Payload::Thin) => stripe::variable_of_thin(event),
        (Shape::GitHub, payload) => github::variable(event, payload),
        (Shape::SendGrid, payload) => sendgrid::variable(epoch, event, payload),
    }
}
