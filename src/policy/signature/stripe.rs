//! Stripe: HMAC-SHA256 over `timestamp.body`, in one header with the timestamp.
//!
//! `Stripe-Signature: t=<Unix seconds>,v1=<hexadecimal>`, one `v1` for each secret in use while one replaces the other. The
//! key is the whole text of the secret, its prefix `whsec_` included, unlike in Standard Webhooks, whose secrets look the
//! same. After Stripe's documentation ("Receive events in your webhook endpoint") and `stripe-python` 16
//! (`stripe/_webhook.py`).

use super::code::{code, from_hex, is, to_hex};
use super::{Delivery, keys::Secret};

const SIGNATURE: &str = "stripe-signature";

/// The header, with one signature for each secret.
pub(super) fn sign<'a>(
    secrets: impl Iterator<Item = &'a Secret>,
    delivery: Delivery<'_>,
) -> Vec<(&'static str, String)> {
    let timestamp = delivery.timestamp.to_string();
    let mut value = format!("t={timestamp}");
    for secret in secrets {
        value += ",v1=";
        value += &to_hex(code(secret.keyed(), &[timestamp.as_bytes(), b".", delivery.body]));
    }
    vec![(SIGNATURE, value)]
}

/// Whether any signature of the header is one of any secret, and at most so many seconds old. Stripe's libraries look at the
/// past alone, so a timestamp in the future is believed, however far. None if the header is not there or makes no
/// sense.
pub(super) fn holds<'a, 'k>(
    mut secrets: impl Iterator<Item = &'k Secret>,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
    (now, tolerance): (i64, u64),
) -> Option<bool> {
    // Elements are split at commas alone: one after a space has another name, as for Stripe's libraries. Elements of
    // other names are none of ours, such as the `v0` that is added to test events.
    let elements = || header(SIGNATURE).into_iter().flat_map(|value| value.split(','));
    let values = |name: &'static str| {
        elements().filter_map(|element| element.split_once('=')).filter(move |(n, _)| *n == name).map(|(_, v)| v)
    };
    let text = values("t").next()?;
    let timestamp: i64 = text.parse().ok()?;
    if now > timestamp && now.abs_diff(timestamp) > tolerance {
        return Some(false);
    }
    let received: Vec<_> = values("v1").filter_map(from_hex).collect();
    Some(secrets.any(|secret| {
        let expected = code(secret.keyed(), &[text.as_bytes(), b".", body]);
        received.iter().any(|received| is(&expected, received))
    }))
}
