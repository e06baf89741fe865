//! What webhooks are signed and checked with. None of it ever shows in output.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::Hmac;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use sha2::{Digest as _, Sha256};

use super::Scheme;
use super::code::keyed;

/// What a code is keyed with. To work the secret into a code takes a tenth as long as to sign, so it is done once.
#[derive(Clone)]
pub(super) struct Secret(Hmac<Sha256>);

impl Secret {
    fn new(bytes: &[u8]) -> Self {
        Self(keyed(bytes))
    }

    /// A code with this secret, over nothing yet.
    pub(super) const fn keyed(&self) -> &Hmac<Sha256> {
        &self.0
    }

    /// Reads a secret as the vendor shows it. None if it is not that, or empty: everybody knows the empty secret.
    fn parse(scheme: Scheme, text: &str) -> Option<Self> {
        let bytes = match scheme {
            Scheme::Stripe | Scheme::GitHub => text.as_bytes().to_vec(),
            Scheme::StandardWebhooks => BASE64.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?,
            Scheme::None | Scheme::StandardWebhooksEd25519 | Scheme::SendGrid => return None,
        };
        (!bytes.is_empty()).then(|| Self::new(&bytes))
    }
}

/// What System B signs with.
#[derive(Clone)]
pub struct SigningKey(Signing);

#[derive(Clone)]
enum Signing {
    Secret(Scheme, Secret),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    P256(Box<p256::ecdsa::SigningKey>),
}

impl SigningKey {
    /// Reads a key in the form in which it is usually handed around. None if it is not that.
    ///
    /// | scheme | form |
    /// |---|---|
    /// | Stripe | `whsec_…`; the key is this whole text |
    /// | GitHub | any text |
    /// | Standard Webhooks | `whsec_` and the Base64 of the key |
    /// | the same with Ed25519 | `whsk_` and the Base64 of the seed (32 bytes) and the public key (32 bytes) |
    /// | SendGrid | Base64 of PKCS #8 |
    pub fn parse(scheme: Scheme, text: &str) -> Option<Self> {
        let signing = match scheme {
            Scheme::StandardWebhooksEd25519 => {
                let pair = BASE64.decode(text.strip_prefix("whsk_")?).ok()?.try_into().ok()?;
                Signing::Ed25519(Box::new(ed25519_dalek::SigningKey::from_keypair_bytes(&pair).ok()?))
            }
            Scheme::SendGrid => {
                let der = BASE64.decode(text).ok()?;
                Signing::P256(Box::new(p256::ecdsa::SigningKey::from_pkcs8_der(&der).ok()?))
            }
            _ => Signing::Secret(scheme, Secret::parse(scheme, text)?),
        };
        Some(Self(signing))
    }

    /// Makes a key of random bytes. None without signatures, which need no key.
    pub fn generate(scheme: Scheme, random: [u8; 32]) -> Option<Self> {
        let signing = match scheme {
            Scheme::None => return None,
            Scheme::StandardWebhooks => Signing::Secret(scheme, Secret::new(&random)),
            Scheme::Stripe => Signing::Secret(scheme, Secret::new(format!("whsec_{}", hex::encode(random)).as_bytes())),
            Scheme::GitHub => Signing::Secret(scheme, Secret::new(hex::encode(random).as_bytes())),
            Scheme::StandardWebhooksEd25519 => {
                Signing::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&random)))
            }
            Scheme::SendGrid => Signing::P256(Box::new(p256_key(random))),
        };
        Some(Self(signing))
    }

    /// What System A checks with.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(match &self.0 {
            Signing::Secret(scheme, secret) => Verifying::Secret(*scheme, secret.clone()),
            Signing::Ed25519(key) => Verifying::Ed25519(Box::new(key.verifying_key())),
            Signing::P256(key) => Verifying::P256(Box::new(*key.verifying_key())),
        })
    }

    pub(super) fn secret(&self, scheme: Scheme) -> Option<&Secret> {
        match &self.0 {
            Signing::Secret(own, secret) if *own == scheme => Some(secret),
            _ => None,
        }
    }

    pub(super) fn ed25519(&self) -> Option<&ed25519_dalek::SigningKey> {
        if let Signing::Ed25519(key) = &self.0 { Some(key) } else { None }
    }

    pub(super) fn p256(&self) -> Option<&p256::ecdsa::SigningKey> {
        if let Signing::P256(key) = &self.0 { Some(key) } else { None }
    }
}

/// A key on P-256 of random bytes. A few numbers are too large for one, about one in four thousand million.
fn p256_key(mut random: [u8; 32]) -> p256::ecdsa::SigningKey {
    loop {
        match p256::ecdsa::SigningKey::from_slice(&random) {
            Ok(key) => return key,
            Err(_) => random = Sha256::digest(random).into(),
        }
    }
}

/// What System A checks with: the same secret, or the public key of a pair.
#[derive(Clone)]
pub struct VerifyingKey(Verifying);

#[derive(Clone)]
enum Verifying {
    Secret(Scheme, Secret),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
}

impl VerifyingKey {
    /// Reads a key in the form in which it is usually handed around. None if it is not that.
    ///
    /// A shared secret has the form that [`SigningKey::parse`] reads. The public key of Standard Webhooks is `whpk_` and
    /// Base64 of its 32 bytes; that of SendGrid is Base64 of the DER of a `SubjectPublicKeyInfo`.
    pub fn parse(scheme: Scheme, text: &str) -> Option<Self> {
        let verifying = match scheme {
            Scheme::StandardWebhooksEd25519 => {
                let bytes = BASE64.decode(text.strip_prefix("whpk_")?).ok()?.try_into().ok()?;
                Verifying::Ed25519(Box::new(ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok()?))
            }
            Scheme::SendGrid => {
                let der = BASE64.decode(text).ok()?;
                Verifying::P256(Box::new(p256::ecdsa::VerifyingKey::from_public_key_der(&der).ok()?))
            }
            _ => Verifying::Secret(scheme, Secret::parse(scheme, text)?),
        };
        Some(Self(verifying))
    }

    pub(super) fn secret(&self, scheme: Scheme) -> Option<&Secret> {
        match &self.0 {
            Verifying::Secret(own, secret) if *own == scheme => Some(secret),
            _ => None,
        }
    }

    pub(super) fn ed25519(&self) -> Option<&ed25519_dalek::VerifyingKey> {
        if let Verifying::Ed25519(key) = &self.0 { Some(key) } else { None }
    }

    pub(super) fn p256(&self) -> Option<&p256::ecdsa::VerifyingKey> {
        if let Verifying::P256(key) = &self.0 { Some(key) } else { None }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(hidden)")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(hidden)")
    }
}

/// A scheme and the keys of both sides.
#[derive(Clone, Debug)]
pub struct Keys {
    /// How webhooks are signed.
    pub scheme: Scheme,
    /// What System B signs with: more than one while a key is replaced, and none without signatures.
    pub signing: Vec<SigningKey>,
    /// What System A checks with; any of them will do.
    pub verifying: Vec<VerifyingKey>,
}

impl Keys {
    /// No keys, for webhooks without signatures and for clients that only poll.
    pub const fn none() -> Self {
        Self { scheme: Scheme::None, signing: Vec::new(), verifying: Vec::new() }
    }

    /// One key, made of random bytes.
    pub fn generate(scheme: Scheme, random: [u8; 32]) -> Self {
        let signing: Vec<_> = SigningKey::generate(scheme, random).into_iter().collect();
        let verifying = signing.iter().map(SigningKey::verifying_key).collect();
        Self { scheme, signing, verifying }
    }
}
