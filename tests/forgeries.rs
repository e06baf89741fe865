//! Ten thousand forged webhooks of each kind, really signed and really checked: what virtual time takes for granted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use pushpull::fault::ForgeryKind;
use pushpull::peer::{Authenticity, Batch, Event, Exchange, Request, Side};
use pushpull::policy::forger::{Reception, receive};
use pushpull::policy::receiver::Limits;
use pushpull::policy::signature::{Keys, Scheme};
use pushpull::time::{Span, Time};
use pushpull::wire::{Envelope, Forgeries, Header, Message, Wire};

const EACH: u32 = 10_000;

fn headers(message: &Message) -> HeaderMap {
    let pair = |(name, value): &Header| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    message.headers.iter().map(pair).collect()
}

fn genuine(number: u32) -> Batch {
    let occurred_at = Time::ZERO + Span::from_millis(u64::from(number));
    Batch::from_slice(&[Event { occurred_at, consumer: 3, serial: 1 + number, record: number % 7, payload: 20 }])
}

fn attack(scheme: Scheme) {
    let keys = |random| Keys::generate(scheme, [random; 32]);
    let wire = Wire::new(0, Envelope::PLAIN, keys(5), 1_767_225_600_000_000_000);
    let forgeries = Forgeries { wire: &wire, own_keys: keys(6), limits: Limits::DEFAULT };
    for kind in ForgeryKind::ALL {
        // What exceeds a limit is never read.
        if matches!(kind, ForgeryKind::Oversized | ForgeryKind::Slow) {
            continue;
        }
        for number in 0..EACH {
            let (recorded, now) = (genuine(number), Time::ZERO + Span::from_secs(100 + u64::from(number)));
            let message = forgeries.message(kind, &recorded, 3, number, now);
            let found = wire.read_webhook(&headers(&message), &message.body, now).unwrap();
            let Request::Delivery { events, authenticity, .. } = found else { panic!("{found:?}") };
            let expected = receive(kind, recorded.clone(), scheme);
            let Reception::Request(Request::Delivery { authenticity: expected, .. }) = expected else { panic!() };
            assert_eq!(authenticity, expected, "{scheme:?} {kind:?} {number}");
            // Only what was copied whole can tell of an event that occurred.
            let copies = matches!(kind, ForgeryKind::Stale | ForgeryKind::Replayed);
            if authenticity == Authenticity::Accepted {
                assert_eq!(events == recorded, copies, "{scheme:?} {kind:?} {number}");
            }
        }
    }
    // And the genuine one is believed throughout.
    for number in 0..EACH {
        let now = Time::ZERO + Span::from_secs(u64::from(number));
        let exchange = Exchange { opener: Side::Provider, consumer: 3, serial: number };
        let sent = Request::Delivery { events: genuine(number), attempt: 1, authenticity: Authenticity::Accepted };
        let message = wire.request(exchange, &sent, now);
        assert_eq!(wire.read_webhook(&headers(&message), &message.body, now), Some(sent));
    }
}

#[test]
fn without_a_signature_whatever_is_made_up_is_believed() {
    attack(Scheme::None);
}

#[test]
fn standard_webhooks_is_what_virtual_time_takes_it_for() {
    attack(Scheme::StandardWebhooks);
}

#[test]
fn ed25519_is_what_virtual_time_takes_it_for() {
    attack(Scheme::StandardWebhooksEd25519);
}

#[test]
fn stripe_is_what_virtual_time_takes_it_for() {
    attack(Scheme::Stripe);
}

#[test]
fn github_is_what_virtual_time_takes_it_for() {
    attack(Scheme::GitHub);
}

#[test]
fn sendgrid_is_what_virtual_time_takes_it_for() {
    attack(Scheme::SendGrid);
}
