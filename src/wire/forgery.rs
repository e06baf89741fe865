//! Webhooks as somebody sends them who is not System B.

use super::{ATTEMPT_HEADER, EXCHANGE_HEADER, Headers, Message, Start, Wire};
use crate::fault::ForgeryKind;
use crate::peer::{Batch, Event, Exchange, Side};
use crate::policy::receiver::Limits;
use crate::policy::signature::Keys;
use crate::time::Time;

/// Says that a webhook was forged, and how, so that what became of it can be counted. No receiver looks at it to decide.
const FORGERY_HEADER: &str = "x-pushpull-forged";
/// How old a recording is that is sent as a stale one, in seconds: older than any scheme with a tolerance allows.
const STALE_SECONDS: i64 = 3_600;
/// The payload of an event that is made up, in bytes.
const MADE_UP_PAYLOAD: u32 = 100;
/// Made-up events are numbered down from the highest number there is, over so many.
const MADE_UP_EVENTS: u32 = 1 << 20;

/// What somebody knows who forges webhooks for one client's endpoint.
pub struct Forgeries<'a> {
    /// The terms of the genuine ones, keys included: who has recorded genuine webhooks needs no key to send them again.
    pub wire: &'a Wire,
    /// The attacker's own keys, which nobody trusts.
    pub own_keys: Keys,
    /// What the endpoint takes at most.
    pub limits: Limits,
}

impl Forgeries<'_> {
    /// Forged webhook number `number` for a consumer's endpoint, sent at `now`. `recorded` are the events of the genuine one
    /// that it copies or changes; a kind that makes everything up does without.
    pub fn message(&self, kind: ForgeryKind, recorded: &Batch, consumer: u32, number: u32, now: Time) -> Message {
        let exchange = Exchange { opener: Side::Stranger, consumer, serial: number };
        let seconds = self.wire.epoch.unix_seconds(now);
        let made_up = Batch::from_slice(&[Event {
            occurred_at: now,
            consumer,
            serial: u32::MAX - number % MADE_UP_EVENTS,
            record: 0,
            payload: MADE_UP_PAYLOAD,
        }]);
        let with_keys = |keys: &Keys, events: &Batch, signed_at: i64| {
            let wire = Wire { keys: keys.clone(), ..self.wire.clone() };
            wire.webhook_signed_at(Vec::new(), exchange, events, 1, signed_at)
        };
        let own = &self.wire.keys;
        let mut message = match kind {
            ForgeryKind::Unsigned | ForgeryKind::Slow => with_keys(&Keys::none(), &made_up, seconds),
            ForgeryKind::WronglySigned => with_keys(&self.own_keys, &made_up, seconds),
            ForgeryKind::Stale => with_keys(own, recorded, seconds.saturating_sub(STALE_SECONDS)),
            ForgeryKind::Replayed => with_keys(own, recorded, seconds),
            ForgeryKind::Tampered => {
                let genuine = with_keys(own, recorded, seconds);
                let changed = with_keys(&Keys::none(), &made_up, seconds);
                Message { headers: genuine.headers, ..changed }
            }
            ForgeryKind::Oversized => {
                let mut message = with_keys(&Keys::none(), &made_up, seconds);
                message.body.resize(self.limits.body as usize + 1, b' ');
                message
            }
        };
        let length = message.body.len().to_string();
        message.headers.retain(|(name, _)| ![EXCHANGE_HEADER, ATTEMPT_HEADER, "content-length"].contains(name));
        message.headers.push(("content-length", length.into()));
        message.headers.push((FORGERY_HEADER, kind.name().into()));
        message
    }
}

/// The kind of a forged webhook that comes from the scenario's attacker.
pub fn forgery_kind(headers: &impl Headers) -> Option<ForgeryKind> {
    let name = headers.header(FORGERY_HEADER)?;
    ForgeryKind::ALL.into_iter().find(|kind| kind.name() == name)
}

impl Message {
    /// The message up to its body, as it stands on the wire under HTTP/1.1. None for a response.
    pub fn head(&self) -> Option<String> {
        let Start::Request(method, path) = &self.start else { return None };
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Some(format!("{method} {path} HTTP/1.1\r\n{headers}\r\n"))
    }
}
