//! Secrets as a user hands them over: in a file or in the environment, one a line. No message ever repeats one.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::policy::signature::{Keys, Scheme, SigningKey, VerifyingKey};

/// The environment variable that may hold what else stands in a file.
pub const VARIABLE: &str = "PUSHPULL_SECRET";

/// The largest file of secrets that is read.
const FILE_MAX: u64 = 64 << 10;
/// The most secrets in use at the same time: each is tried on each webhook.
const SECRETS_MAX: usize = 16;

/// Why there are no keys. Never says what stands in a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No secret was given.
    #[error(
        "webhooks are signed as in {scheme}, which takes a secret: name a file that holds it with --secret-file, or put it \
         into {VARIABLE}"
    )]
    Missing {
        /// The scheme's name.
        scheme: &'static str,
    },
    /// A secret was given where none is used.
    #[error("webhooks are not signed, so that no secret is used: leave out --secret-file {}, or choose a signature", path.display())]
    Unused {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the secret file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The variable holds no text.
    #[error("the environment variable {VARIABLE} is not UTF-8 text; write secrets as text, one a line")]
    NotText,
    /// What was given holds no secret.
    #[error("{place} holds no secret; write one a line")]
    Empty {
        /// The file or the variable.
        place: String,
    },
    /// What was given holds too many.
    #[error("{place} holds more than {SECRETS_MAX} secrets; keep those that are in use")]
    TooMany {
        /// The file or the variable.
        place: String,
    },
    /// One of them is none.
    #[error("{place}, line {line}: this is not a secret of {scheme}; expected is {form}")]
    Malformed {
        /// The file or the variable.
        place: String,
        /// The line, counted from 1.
        line: usize,
        /// The scheme's name.
        scheme: &'static str,
        /// What a secret looks like.
        form: &'static str,
    },
}

/// What the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To sign.
    Sign,
    /// To check.
    Check,
}

/// The name of a scheme on the command line and in scenario files.
pub const fn name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::None => "none",
        Scheme::StandardWebhooks => "standard-webhooks",
        Scheme::StandardWebhooksEd25519 => "standard-webhooks-ed25519",
        Scheme::Stripe => "stripe",
        Scheme::GitHub => "github",
        Scheme::SendGrid => "sendgrid",
    }
}

/// The keys in a file, or else in the text of the environment variable.
///
/// # Errors
///
/// If there are none, or one cannot be read.
pub fn keys(
    scheme: Scheme,
    purpose: Use,
    file: Option<&Path>,
    variable: Option<OsString>,
) -> Result<Keys, SecretError> {
    match (scheme, file, variable) {
        (Scheme::None, None, _) => Ok(Keys::none()),
        (Scheme::None, Some(path), _) => Err(SecretError::Unused { path: path.to_owned() }),
        (_, Some(path), _) => parse(scheme, purpose, &read(path)?, &format!("the secret file {}", path.display())),
        (_, None, Some(text)) => {
            let text = text.into_string().map_err(|_| SecretError::NotText)?;
            parse(scheme, purpose, &text, &format!("the environment variable {VARIABLE}"))
        }
        (_, None, None) => Err(SecretError::Missing { scheme: name(scheme) }),
    }
}

fn read(path: &Path) -> Result<String, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(unreadable(std::io::Error::other("it is larger than a file of secrets can be")));
    }
    String::from_utf8(bytes).map_err(|_| unreadable(std::io::Error::other("it is not UTF-8 text")))
}

fn parse(scheme: Scheme, purpose: Use, text: &str, place: &str) -> Result<Keys, SecretError> {
    let mut keys = Keys { scheme, signing: Vec::new(), verifying: Vec::new() };
    let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
    for (index, (secret, line)) in lines.enumerate() {
        if index >= SECRETS_MAX {
            return Err(SecretError::TooMany { place: place.to_owned() });
        }
        let malformed = || SecretError::Malformed {
            place: place.to_owned(),
            line,
            scheme: name(scheme),
            form: form(scheme, purpose),
        };
        match purpose {
            Use::Sign => keys.signing.push(SigningKey::parse(scheme, secret).ok_or_else(malformed)?),
            Use::Check => keys.verifying.push(VerifyingKey::parse(scheme, secret).ok_or_else(malformed)?),
        }
    }
    if keys.signing.is_empty() && keys.verifying.is_empty() {
        return Err(SecretError::Empty { place: place.to_owned() });
    }
    Ok(keys)
}

/// What a secret of a scheme looks like.
const fn form(scheme: Scheme, purpose: Use) -> &'static str {
    match (scheme, purpose) {
        (Scheme::None, _) => "nothing",
        (Scheme::StandardWebhooks, _) => "`whsec_` and the Base64 of the key",
        (Scheme::Stripe, _) => "`whsec_` and what follows it",
        (Scheme::GitHub, _) => "any text",
        (Scheme::StandardWebhooksEd25519, Use::Sign) => {
            "`whsk_` and the Base64 of the key pair (the seed, then the public key)"
        }
        (Scheme::StandardWebhooksEd25519, Use::Check) => "`whpk_` and the Base64 of the public key",
        (Scheme::SendGrid, Use::Sign) => "the Base64 of a P-256 private key (PKCS #8, DER)",
        (Scheme::SendGrid, Use::Check) => "the Base64 of a P-256 public key (SubjectPublicKeyInfo, DER)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_variable(scheme: Scheme, text: &str) -> Result<Keys, SecretError> {
        keys(scheme, Use::Check, None, Some(text.into()))
    }

    #[test]
    fn several_secrets_stand_on_a_line_each() {
        let keys = from_variable(Scheme::StandardWebhooks, "whsec_AAAA\r\n\n  whsec_BBBB\n").unwrap();
        assert_eq!((keys.verifying.len(), keys.signing.len()), (2, 0));
        assert!(from_variable(Scheme::GitHub, &"x\n".repeat(SECRETS_MAX)).is_ok());
        let many = from_variable(Scheme::GitHub, &"x\n".repeat(SECRETS_MAX + 1));
        assert!(matches!(many, Err(SecretError::TooMany { .. })), "{many:?}");
        assert!(matches!(from_variable(Scheme::GitHub, " \n"), Err(SecretError::Empty { .. })));
        assert!(matches!(keys_of_nothing(Scheme::Stripe), Err(SecretError::Missing { .. })));
        assert!(keys_of_nothing(Scheme::None).is_ok());
    }

    fn keys_of_nothing(scheme: Scheme) -> Result<Keys, SecretError> {
        keys(scheme, Use::Sign, None, None)
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_named_as_such() {
        use std::os::unix::ffi::OsStringExt as _;
        let variable = OsString::from_vec(b"hush\xff".to_vec());
        let error = keys(Scheme::GitHub, Use::Check, None, Some(variable)).unwrap_err();
        assert!(matches!(error, SecretError::NotText), "{error}");
        assert!(!format!("{error} {error:?}").contains("hush"));
    }

    #[test]
    fn an_error_names_the_line_and_never_the_secret() {
        for scheme in [Scheme::StandardWebhooks, Scheme::StandardWebhooksEd25519, Scheme::SendGrid] {
            for purpose in [Use::Sign, Use::Check] {
                let error = keys(scheme, purpose, None, Some("\nhush-hush!".into())).unwrap_err();
                let message = format!("{error} {error:?}");
                assert!(message.contains("line 2") && message.contains(name(scheme)), "{message}");
                assert!(!message.contains("hush"), "{message}");
            }
        }
    }
}
