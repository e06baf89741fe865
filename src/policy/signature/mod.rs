//! How a webhook proves that it comes from System B.
//!
//! One file for each scheme. All of them sign the raw bytes of the body, so a check comes before anything is parsed. A
//! check compares in constant time, takes the time as an argument, and tries every key it is given, so that a key can be
//! replaced without a webhook being lost: while both are in use, the sender signs with both where the scheme has room for
//! several signatures, or the receiver knows both where it has not.

mod code;
mod github;
mod keys;
mod sendgrid;
mod standard_webhooks;
mod standard_webhooks_ed25519;
mod stripe;

pub use keys::{Keys, SigningKey, VerifyingKey};

use crate::peer::Authenticity;

/// A way of signing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// No signature: whoever knows the address is believed.
    None,
    /// Standard Webhooks with a shared secret (`v1`).
    StandardWebhooks,
    /// Standard Webhooks with a key pair (`v1a`, Ed25519).
    StandardWebhooksEd25519,
    /// As Stripe signs: a shared secret, the time signed along.
    Stripe,
    /// As GitHub signs: a shared secret and the body alone. Whoever gets hold of one webhook can send it again for ever.
    GitHub,
    /// As SendGrid signs: a key pair (ECDSA on P-256). The time is signed along, but no age is too old, so a replay is
    /// believed for ever here too.
    SendGrid,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 6] =
        [Self::None, Self::StandardWebhooks, Self::StandardWebhooksEd25519, Self::Stripe, Self::GitHub, Self::SendGrid];

    /// Whether a webhook that was recorded long ago is turned away for its age.
    pub const fn refuses_old(self) -> bool {
        match self {
            Self::StandardWebhooks | Self::StandardWebhooksEd25519 | Self::Stripe => true,
            Self::None | Self::GitHub | Self::SendGrid => false,
        }
    }
}

/// How far the time that is signed along may lie from the receiver's clock, in seconds: the default of the libraries of
/// Standard Webhooks and of Stripe. A replay is believed within this time; beyond that the event's name has to tell.
pub const TOLERANCE_SECONDS: u64 = 300;

impl Scheme {
    /// Whether a check looks at the age of a webhook.
    pub const fn has_tolerance(self) -> bool {
        match self {
            Self::StandardWebhooks | Self::StandardWebhooksEd25519 | Self::Stripe => true,
            Self::None | Self::GitHub | Self::SendGrid => false,
        }
    }
}

/// What is signed: a webhook as it is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Names the webhook, the same on every attempt. Only Standard Webhooks signs it along.
    pub id: &'a str,
    /// When this attempt is sent, in Unix seconds.
    pub timestamp: i64,
    /// The body, as it will stand on the wire.
    pub body: &'a [u8],
}

/// The headers that carry the proof, with names in lower case, in the order in which to send them.
///
/// Keys of another scheme are passed over. Of several keys GitHub's and SendGrid's schemes can show only the first.
pub fn sign(scheme: Scheme, keys: &[SigningKey], delivery: Delivery<'_>) -> Vec<(&'static str, String)> {
    let mut secrets = keys.iter().filter_map(|key| key.secret(scheme));
    match scheme {
        Scheme::None => Vec::new(),
        Scheme::StandardWebhooks => standard_webhooks::sign(secrets, delivery),
        Scheme::StandardWebhooksEd25519 => {
            standard_webhooks_ed25519::sign(keys.iter().filter_map(SigningKey::ed25519), delivery)
        }
        Scheme::Stripe => stripe::sign(secrets, delivery),
        Scheme::GitHub => secrets.next().map(|secret| github::sign(secret, delivery)).into_iter().collect(),
        Scheme::SendGrid => {
            keys.iter().find_map(SigningKey::p256).map_or_else(Vec::new, |key| sendgrid::sign(key, delivery))
        }
    }
}

/// Whether a webhook comes from the holder of one of the keys and, where the scheme says so, is recent.
///
/// `header` looks up a header by its name in lower case; `body` is what stood on the wire, before anything was parsed;
/// `now` is the receiver's clock in Unix seconds. Keys of another scheme match nothing.
pub fn verify<'a>(
    scheme: Scheme,
    keys: &[VerifyingKey],
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
    now: i64,
) -> Authenticity {
    verify_within(scheme, keys, header, body, now, TOLERANCE_SECONDS)
}

/// The same with another age that is too old, in seconds. Schemes that know no such age believe webhooks of any.
pub fn verify_within<'a>(
    scheme: Scheme,
    keys: &[VerifyingKey],
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
    now: i64,
    tolerance: u64,
) -> Authenticity {
    let secrets = keys.iter().filter_map(|key| key.secret(scheme));
    let holds = match scheme {
        Scheme::None => Some(true),
        Scheme::StandardWebhooks => standard_webhooks::holds(secrets, header, body, (now, tolerance)),
        Scheme::StandardWebhooksEd25519 => {
            let keys = keys.iter().filter_map(VerifyingKey::ed25519);
            standard_webhooks_ed25519::holds(keys, header, body, (now, tolerance))
        }
        Scheme::Stripe => stripe::holds(secrets, header, body, (now, tolerance)),
        Scheme::GitHub => github::holds(secrets, header, body),
        Scheme::SendGrid => sendgrid::holds(keys.iter().filter_map(VerifyingKey::p256), header, body),
    };
    // What is missing or cannot be read proves nothing.
    if holds == Some(true) { Authenticity::Accepted } else { Authenticity::Rejected }
}
