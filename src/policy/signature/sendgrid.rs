//! SendGrid: ECDSA on P-256 over the SHA-256 of `timestamp` and `body` with nothing between them, as Base64 of DER.
//!
//! `X-Twilio-Email-Event-Webhook-Signature` and `X-Twilio-Email-Event-Webhook-Timestamp`. System A holds a public key and
//! so cannot sign itself. After Twilio's documentation ("Getting started with the Event Webhook security features") and
//! `sendgrid-python` 6 (`sendgrid/helpers/eventwebhook`). The library knows no age that is too old, so neither does this
//! check: a replay is believed for ever, and only what stands in the body (`sg_event_id`) can tell it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ecdsa::hazmat::sign_prehashed_rfc6979;
use p256::NistP256;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::Delivery;

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// The length of a signature in Base64: that of 70 to 72 bytes of DER.
const SIGNATURE_LENGTH: usize = 96;

/// The two headers.
///
/// The nonce is that of RFC 6979, so the same webhook always has the same signature. One in 500 would be four characters
/// shorter than the others, by chance; then the nonce is drawn again, with a number as the additional data that section 3.6
/// of the RFC allows for. So a webhook's size depends on nothing but its numbers, and can be told without signing it.
pub(super) fn sign(key: &SigningKey, delivery: Delivery<'_>) -> Vec<(&'static str, String)> {
    let timestamp = delivery.timestamp.to_string();
    let digest = digest(&timestamp, delivery.body);
    let signature = |additional: &[u8]| {
        let (signature, _) = sign_prehashed_rfc6979::<NistP256, Sha256>(key.as_nonzero_scalar(), &digest, additional);
        BASE64.encode(signature.to_der().as_bytes())
    };
    let mut value = signature(&[]);
    let mut number = 0_u32;
    while value.len() != SIGNATURE_LENGTH {
        number += 1;
        value = signature(&number.to_be_bytes());
    }
    vec![(SIGNATURE, value), (TIMESTAMP, timestamp)]
}

/// Whether the signature is that of any key. None if a header is missing or makes no sense.
pub(super) fn holds<'a, 'k>(
    mut keys: impl Iterator<Item = &'k VerifyingKey>,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
) -> Option<bool> {
    // Nothing stands between the timestamp and the body, so what is signed does not say where the one ends. That the
    // timestamp has digits alone settles it for every body that does not start with one, such as JSON of objects.
    let timestamp = header(TIMESTAMP).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let received = BASE64.decode(header(SIGNATURE)?).ok().and_then(|der| DerSignature::from_bytes(&der).ok())?;
    let digest = digest(timestamp, body);
    Some(keys.any(|key| key.verify_prehash(&digest, &received).is_ok()))
}

fn digest(timestamp: &str, body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(timestamp).chain_update(body).finalize().into()
}
