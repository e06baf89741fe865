//! How a webhook proves that it comes from System B.
//!
//! Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body` with the secret's bytes, sent as `v1,` and padded base64
//! in a space-separated list. The check works on the raw bytes before anything is parsed, compares in constant time, and
//! takes the time as an argument.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::peer::Authenticity;

/// A way of signing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// No signature: whoever knows the address is believed.
    None,
    /// Standard Webhooks, symmetric (`v1`).
    StandardWebhooks,
}

/// A shared secret. It never shows in output.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// A secret of these raw bytes.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Reads the usual text form, `whsec_` and base64; none if it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok().map(Self)
    }
}

/// How far the timestamp of a webhook may lie from the receiver's clock, in seconds, either way: what the reference
/// libraries of Standard Webhooks allow.
pub const TOLERANCE_SECONDS: i64 = 300;

/// The value of the `webhook-signature` header.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let code = code(secret, id, &timestamp.to_string(), body).finalize().into_bytes();
    format!("v1,{}", BASE64.encode(code))
}

/// The three headers that carry a Standard Webhooks signature, as received; none where a header is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignedHeaders<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`, Unix seconds of the attempt.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// Whether a webhook comes from the holder of the secret and is recent; `now` is the receiver's clock in Unix seconds.
pub fn verify(scheme: Scheme, secret: &Secret, headers: SignedHeaders<'_>, body: &[u8], now: i64) -> Authenticity {
    let holds = match scheme {
        Scheme::None => true,
        Scheme::StandardWebhooks => standard_webhooks_holds(secret, headers, body, now).unwrap_or(false),
    };
    if holds { Authenticity::Accepted } else { Authenticity::Rejected }
}

fn standard_webhooks_holds(secret: &Secret, headers: SignedHeaders<'_>, body: &[u8], now: i64) -> Option<bool> {
    let (id, text) = (headers.id?, headers.timestamp?);
    let timestamp: i64 = text.parse().ok()?;
    if now.checked_sub(timestamp)?.unsigned_abs() > TOLERANCE_SECONDS.unsigned_abs() {
        return Some(false);
    }
    let expected = code(secret, id, text, body);
    let holds = |entry: &str| {
        let Some(code) = entry.strip_prefix("v1,").and_then(|code| BASE64.decode(code).ok()) else { return false };
        expected.clone().verify_slice(&code).is_ok()
    };
    Some(headers.signature?.split(' ').any(holds))
}

fn code(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length; the error type exists for other constructions.
    let mut code = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of any length");
    code.update(id.as_bytes());
    code.update(b".");
    code.update(timestamp.as_bytes());
    code.update(b".");
    code.update(body);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Secret, id, timestamp, body, signature: the first from the reference library's own tests, the second from the Svix
    /// server's, the others made with the reference Python library.
    const VECTORS: [(&str, &str, i64, &str, &str); 4] = [
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_1",
            1_700_000_000,
            r#"{"note":"héllo ☃"}"#,
            "v1,LSZQcmp3XrwNxGW/bQt/WxfFL4PqTMBS1nzsOWnS6T8=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_empty",
            1_700_000_000,
            "",
            "v1,LrOGikvEp3ovC4ipwU5sfXzzFy9SMN1tDL3jPPGtLmc=",
        ),
    ];

    fn check(vector: usize, change: impl Fn(&mut (String, String, String, String)), now_offset: i64) -> Authenticity {
        let (secret, id, timestamp, body, signature) = VECTORS[vector];
        let mut parts = (id.to_owned(), timestamp.to_string(), signature.to_owned(), body.to_owned());
        change(&mut parts);
        let headers = SignedHeaders { id: Some(&parts.0), timestamp: Some(&parts.1), signature: Some(&parts.2) };
        let secret = Secret::parse(secret).expect("the vectors' secrets are well formed");
        verify(Scheme::StandardWebhooks, &secret, headers, parts.3.as_bytes(), timestamp + now_offset)
    }

    #[test]
    fn known_answers() {
        for (index, (secret, id, timestamp, body, signature)) in VECTORS.into_iter().enumerate() {
            let secret = Secret::parse(secret).expect("the vectors' secrets are well formed");
            assert_eq!(sign(&secret, id, timestamp, body.as_bytes()), signature);
            assert_eq!(check(index, |_| {}, 0), Authenticity::Accepted);
        }
    }

    #[test]
    fn anything_changed_is_rejected() {
        type Change = fn(&mut (String, String, String, String));
        let wrong: [Change; 7] = [
            |p| p.0.push('x'),
            |p| p.1 = (p.1.parse::<i64>().unwrap_or(0) + 1).to_string(),
            |p| p.2 = p.2.replace("OE=", "OA="),
            |p| p.3.push(' '),
            |p| p.2 = p.2.replace("v1,", "v2,"),
            |p| p.2.clear(),
            |p| p.1 = "soon".into(),
        ];
        for change in wrong {
            assert_eq!(check(1, change, 0), Authenticity::Rejected);
        }
        let secret = Secret::from_bytes(vec![1; 24]);
        assert_eq!(verify(Scheme::StandardWebhooks, &secret, SignedHeaders::default(), b"", 0), Authenticity::Rejected);
    }

    #[test]
    fn the_clock_may_differ_by_five_minutes_either_way() {
        for (offset, verdict) in [
            (300, Authenticity::Accepted),
            (-300, Authenticity::Accepted),
            (301, Authenticity::Rejected),
            (-301, Authenticity::Rejected),
        ] {
            assert_eq!(check(0, |_| {}, offset), verdict);
        }
    }

    #[test]
    fn while_a_secret_is_rotated_any_signature_of_the_list_will_do() {
        assert_eq!(check(0, |p| p.2 = format!("v1a,zzzz junk v1,AAAA {}", p.2), 0), Authenticity::Accepted);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::from_bytes(b"hush".to_vec())), "Secret(hidden)");
    }
}
