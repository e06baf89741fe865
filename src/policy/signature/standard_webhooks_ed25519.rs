//! Standard Webhooks 1.0.0 with a key pair: Ed25519 over `id.timestamp.body`.
//!
//! The headers, what is signed and the tolerance are those of the [shared secret](super::standard_webhooks); the version in
//! the list is `v1a`. System A holds a public key and so cannot sign itself. After the specification and the Svix server,
//! which signs so; the reference libraries do not check this version.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::Delivery;
use super::standard_webhooks::{Signed, headers, list};

const VERSION: &str = "v1a,";

/// The most signatures of a list that are looked at. To check one takes a hundred times as long as to receive it, and a
/// stranger may send as many as a header holds; a sender in good faith has few keys in use.
const SIGNATURES_MAX: usize = 16;

/// The three headers, with one signature for each key.
pub(super) fn sign<'a>(
    keys: impl Iterator<Item = &'a SigningKey>,
    delivery: Delivery<'_>,
) -> Vec<(&'static str, String)> {
    headers(delivery, |parts| {
        let content = parts.concat();
        list(VERSION, keys.map(|key| key.sign(&content).to_bytes()))
    })
}

/// Whether any signature of the list is one of any key, and recent. None if a header is missing or makes no sense.
pub(super) fn holds<'a, 'k>(
    mut keys: impl Iterator<Item = &'k VerifyingKey>,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
    recent: (i64, u64),
) -> Option<bool> {
    let signed = Signed::read(header, recent)?;
    let signatures = signed.signatures(VERSION).take(SIGNATURES_MAX);
    let received: Vec<_> = signatures.filter_map(|bytes| Signature::from_slice(&bytes).ok()).collect();
    let content = signed.parts(body).concat();
    Some(keys.any(|key| received.iter().any(|received| key.verify_strict(&content, received).is_ok())))
}
