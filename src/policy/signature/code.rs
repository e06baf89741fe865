//! HMAC-SHA256, which three of the schemes are made of, and its lower-case hexadecimal form, which two of them send.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A code over nothing yet.
pub(super) fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    // The error type exists for other constructions.
    Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length")
}

/// A code over parts that follow each other without a gap. Its `verify_slice` compares in constant time.
pub(super) fn code(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut code = keyed.clone();
    parts.iter().for_each(|part| code.update(part));
    code
}

/// The code in hexadecimal.
pub(super) fn to_hex(code: Hmac<Sha256>) -> String {
    hex::encode(code.finalize().into_bytes())
}

/// Reads a code in hexadecimal. Upper-case digits are none: the vendors' libraries compare texts, so they refuse them.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let is_lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    is_lower_case.then(|| hex::decode(text).ok()).flatten()
}

/// Whether a code that came along is the one expected.
pub(super) fn is(expected: &Hmac<Sha256>, received: &[u8]) -> bool {
    expected.clone().verify_slice(received).is_ok()
}
