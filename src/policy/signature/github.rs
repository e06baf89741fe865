//! GitHub: HMAC-SHA256 over the body, `X-Hub-Signature-256: sha256=<hexadecimal>`.
//!
//! Neither the time nor the delivery's number (`X-GitHub-Delivery`) is signed, so a webhook that somebody has got hold of
//! can be sent again for ever, under another number too: only what stands in the body can tell a replay. After GitHub's
//! documentation ("Validating webhook deliveries") and `@octokit/webhooks-methods` 6. The older `X-Hub-Signature` (SHA-1)
//! is neither sent nor looked at.

use super::code::{code, from_hex, is, to_hex};
use super::{Delivery, keys::Secret};

const SIGNATURE: &str = "x-hub-signature-256";
const PREFIX: &str = "sha256=";

/// The header. It holds one signature, so while a secret is replaced the receiver has to know both.
pub(super) fn sign(secret: &Secret, delivery: Delivery<'_>) -> (&'static str, String) {
    (SIGNATURE, format!("{PREFIX}{}", to_hex(code(secret.keyed(), &[delivery.body]))))
}

/// Whether the signature is one of any secret. None if there is none.
pub(super) fn holds<'a, 'k>(
    mut secrets: impl Iterator<Item = &'k Secret>,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
) -> Option<bool> {
    let received = header(SIGNATURE)?.strip_prefix(PREFIX).and_then(from_hex)?;
    Some(secrets.any(|secret| is(&code(secret.keyed(), &[body]), &received)))
}
