//! Queries of addresses, as browsers write them.

use super::parameters::BadParameter;

/// The longest query that is read.
const LONGEST: usize = 4_096;
/// The most pairs of a query.
const PAIRS_MAX: usize = 64;

/// The pairs of a query, decoded.
///
/// # Errors
///
/// The query is too long, or is not text.
pub(super) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, BadParameter> {
    let query = query.unwrap_or_default();
    if query.len() > LONGEST || query.split('&').count() > PAIRS_MAX {
        return Err(BadParameter(format!(
            "the query is too long: write at most {LONGEST} characters and {PAIRS_MAX} parameters"
        )));
    }
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decode(key)?, decode(value)?))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decode(text: &str) -> Result<String, BadParameter> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                byte.ok_or_else(|| unreadable(text))?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| unreadable(text))
}

fn unreadable(text: &str) -> BadParameter {
    let start: String = text.chars().take(40).collect();
    BadParameter(format!("\"{start}\" in the query is not encoded as browsers do it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let read = |query| pairs(Some(query));
        let expected: Vec<(String, String)> = vec![("a".into(), "1 2".into()), ("b c".into(), "ü=".into())];
        assert_eq!(read("a=1+2&&b%20c=%C3%BC%3d"), Ok(expected));
        assert_eq!(pairs(None), Ok(Vec::new()));
        for bad in ["a=%", "a=%4", "a=%zz", "a=%FF", "a=%-1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(pairs(Some(&"a&".repeat(64))).is_err());
        assert!(pairs(Some(&format!("a={}", "1".repeat(LONGEST)))).is_err());
    }
}
