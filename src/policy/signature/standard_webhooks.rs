//! Standard Webhooks 1.0.0 with a shared secret: HMAC-SHA256 over `id.timestamp.body`.
//!
//! `webhook-id`, `webhook-timestamp` (Unix seconds of the attempt) and `webhook-signature`, a list of `v1,<Base64>` with
//! spaces between, one for each secret in use while one replaces the other. The key is what the Base64 behind `whsec_`
//! stands for. After the specification and its reference libraries (`standardwebhooks` 1.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::Mac as _;

use super::code::{code, is};
use super::{Delivery, keys::Secret};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const VERSION: &str = "v1,";
/// Room for one signature of this kind in its header.
const SIGNATURE_BYTES: usize = 47;

/// The three headers, with one signature for each secret.
pub(super) fn sign<'a>(
    secrets: impl Iterator<Item = &'a Secret>,
    delivery: Delivery<'_>,
) -> Vec<(&'static str, String)> {
    headers(delivery, |parts| list(VERSION, secrets.map(|secret| code(secret.keyed(), parts).finalize().into_bytes())))
}

/// Whether any signature of the list is one of any secret, and at most so many seconds from now, either way. None if a header is missing or makes no sense.
pub(super) fn holds<'a, 'k>(
    mut secrets: impl Iterator<Item = &'k Secret>,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
    recent: (i64, u64),
) -> Option<bool> {
    let signed = Signed::read(header, recent)?;
    let received: Vec<_> = signed.signatures(VERSION).collect();
    Some(secrets.any(|secret| {
        let expected = code(secret.keyed(), &signed.parts(body));
        received.iter().any(|received| is(&expected, received))
    }))
}

/// Signatures as they stand in their header.
pub(super) fn list(version: &str, signatures: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let mut list = String::with_capacity(SIGNATURE_BYTES);
    for signature in signatures {
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(version);
        BASE64.encode_string(signature, &mut list);
    }
    list
}

/// The three headers with the signatures that `sign` makes of the parts of what is signed.
pub(super) fn headers(delivery: Delivery<'_>, sign: impl FnOnce(&[&[u8]]) -> String) -> Vec<(&'static str, String)> {
    let timestamp = delivery.timestamp.to_string();
    let signatures = sign(&[delivery.id.as_bytes(), b".", timestamp.as_bytes(), b".", delivery.body]);
    vec![(ID, delivery.id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signatures)]
}

/// The three headers as received.
pub(super) struct Signed<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Signed<'a> {
    /// Reads them. None if one is missing, or the time is further from now than the tolerance.
    pub(super) fn read(header: impl Fn(&'static str) -> Option<&'a str>, (now, tolerance): (i64, u64)) -> Option<Self> {
        let signed = Self { id: header(ID)?, timestamp: header(TIMESTAMP)?, signatures: header(SIGNATURE)? };
        let timestamp: i64 = signed.timestamp.parse().ok()?;
        (now.abs_diff(timestamp) <= tolerance).then_some(signed)
    }

    /// What is signed, with the timestamp exactly as it stood there.
    pub(super) fn parts<'b>(&self, body: &'b [u8]) -> [&'b [u8]; 5]
    where
        'a: 'b,
    {
        [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", body]
    }

    /// The signatures of one version. What else stands in the list is passed over: other versions, and junk.
    pub(super) fn signatures(&self, version: &'static str) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        let encoded = self.signatures.split(' ').filter_map(move |entry| entry.strip_prefix(version));
        encoded.filter_map(|text| BASE64.decode(text).ok())
    }
}
