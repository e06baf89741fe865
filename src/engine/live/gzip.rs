//! Bodies of answers, compressed and expanded again (gzip, RFC 1952).

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::wire::Message;

/// Bodies with fewer bytes go as they are: they fit into one packet anyway.
const LEAST: usize = 1_024;

/// The same answer with its body compressed, where it is large enough for that.
pub(super) fn compress(mut message: Message) -> Message {
    if message.body.len() < LEAST {
        return message;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Memory takes whatever is written.
    let compressed = encoder.write_all(&message.body).and_then(|()| encoder.finish());
    if let Ok(compressed) = compressed {
        for (_, value) in message.headers.iter_mut().filter(|(name, _)| *name == "content-length") {
            *value = compressed.len().to_string().into();
        }
        message.headers.push(("content-encoding", "gzip".into()));
        message.body = compressed;
    }
    message
}

/// The body that a compressed one stands for; none if it is not one, or stands for more bytes than `most`. However much it
/// stands for, no more than that is ever expanded.
pub(super) fn expand(compressed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(compressed).take(limit).read_to_end(&mut body).ok()?;
    (body.len() <= most).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Start;
    use proptest::prelude::*;

    fn message(body: Vec<u8>) -> Message {
        let headers = vec![("content-length", body.len().to_string().into())];
        Message { start: Start::Response(200), headers, body }
    }

    proptest! {
        #[test]
        fn what_is_compressed_expands_to_what_it_was(body in prop::collection::vec(any::<u8>(), 0..5_000)) {
            let sent = compress(message(body.clone()));
            let header = |name: &str| sent.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| &**value);
            prop_assert_eq!(header("content-length"), Some(&*sent.body.len().to_string()));
            prop_assert_eq!(header("content-encoding").is_some(), body.len() >= LEAST);
            if body.len() < LEAST {
                prop_assert_eq!(sent.body, body);
            } else {
                let expanded = expand(&sent.body, body.len());
                prop_assert_eq!(expanded.as_ref(), Some(&body));
                prop_assert_eq!(expand(&sent.body, body.len() - 1), None);
            }
        }

        #[test]
        fn garbage_is_no_body(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(expand(&body, 1 << 20).filter(|expanded| !expanded.is_empty()), None);
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let bomb = compress(message(vec![b'x'; 64 << 20]));
        assert!(bomb.body.len() < 1 << 17, "{}", bomb.body.len());
        assert_eq!(expand(&bomb.body, 1 << 20), None);
    }
}
