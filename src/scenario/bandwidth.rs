//! Bandwidths as people write them, and back.
//!
//! As exact as every other unit: what does not come out as a whole number of bytes per second is an error.

use crate::scenario::keys::Key;
use crate::scenario::kinds::Parsed;
use crate::scenario::problems::Problem;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::{Decimal, Inexact, UnitError};

/// The regular expression of a bandwidth, for the JSON Schema.
pub(super) const BANDWIDTH_PATTERN: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*(kbit|Mbit|Gbit|B|kB|MB|KiB|MiB)/s\s*$";
/// The word for no limit.
pub(super) const UNLIMITED: &str = "unlimited";

const HELP: &str = r#"write a number and a unit, such as "10 Mbit/s" or "500 KiB/s", or "unlimited""#;
const UNITS_HELP: &str = "the units are kbit/s, Mbit/s, Gbit/s, B/s, kB/s, MB/s, KiB/s and MiB/s";

/// The units with their bytes per second, the one that is written first where several fit.
const UNITS: [(&str, u64); 8] = [
    ("Gbit/s", 125_000_000),
    ("Mbit/s", 125_000),
    ("MiB/s", 1 << 20),
    ("KiB/s", 1 << 10),
    ("kbit/s", 125),
    ("MB/s", 1_000_000),
    ("kB/s", 1_000),
    ("B/s", 1),
];

/// The unit that somebody who writes another word for it means. One that could be bits as well as bytes means neither.
fn meant_unit(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "kbps" | "Kbit/s" | "Kbps" | "kbits/s" => "kbit/s",
        "Mbps" | "mbit/s" | "mbps" | "Mbits/s" => "Mbit/s",
        "Gbps" | "gbit/s" | "gbps" | "Gbits/s" => "Gbit/s",
        "KB/s" => "kB/s",
        _ => return None,
    })
}

/// Reads a bandwidth in bytes per second: a number above zero and a unit.
///
/// # Errors
///
/// What is wrong with the text: no unit, an unknown one, a negative or malformed number, a fraction of a byte per second, or
/// none at all.
pub(super) fn parse_bandwidth(text: &str) -> Result<u64, UnitError> {
    let error = |what: String, help: &str| UnitError { what, help: help.to_owned() };
    let text = text.trim();
    if text.starts_with('-') {
        return Err(error("is negative".to_owned(), HELP));
    }
    let Some((number, written, rest)) = Decimal::take(text) else {
        return Err(error("is not a bandwidth".to_owned(), HELP));
    };
    let unit = rest.trim();
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(match (unit, meant_unit(unit)) {
            ("", _) => error("has no unit".to_owned(), &format!("write \"{written} Mbit/s\" or \"{written} MiB/s\"")),
            (_, Some(meant)) => {
                error(format!("has the unknown unit `{unit}`"), &format!("write \"{written} {meant}\""))
            }
            (_, None) => error(format!("has the unknown unit `{unit}`"), UNITS_HELP),
        });
    };
    match number.and_then(|number| number.times(*bytes)) {
        Ok(0) => Err(error("lets nothing through".to_owned(), "write a bandwidth above zero, or \"unlimited\"")),
        Ok(bytes) => Ok(bytes),
        Err(Inexact::TooPrecise) => Err(error("is not a whole number of bytes per second".to_owned(), HELP)),
        Err(Inexact::TooLarge) => Err(error("is too large".to_owned(), "write \"unlimited\"")),
    }
}

/// The canonical text of a bandwidth: a whole number of the largest unit that needs no fraction.
pub(crate) fn format_bandwidth(bandwidth: Option<u64>) -> String {
    let Some(bytes) = bandwidth else { return UNLIMITED.to_owned() };
    let (name, unit) = UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit)).copied().unwrap_or(("B/s", 1));
    format!("{} {name}", bytes / unit)
}

/// Reads a bandwidth in bytes per second; none if there is no limit.
pub(super) fn bandwidth(node: &Node, key: &Key) -> Parsed<Option<u64>> {
    let text = match &node.value {
        Value::Text(text) if text == UNLIMITED => return Ok(None),
        Value::Text(text) => text.clone(),
        Value::Integer(_) | Value::Float(_) => node.value.written(),
        other => {
            let message = format!("`{}` takes a bandwidth, not {}", key.name(), other.kind());
            return Err(Problem::new(message).at(node.place.as_ref()).help(HELP));
        }
    };
    parse_bandwidth(&text).map(Some).map_err(|UnitError { what, help }| {
        let message = format!("`{} = {}` {what}", key.name(), node.value.written());
        Problem::new(message).at(node.place.as_ref()).help(help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bandwidths_are_whole_bytes_per_second() {
        for (text, bytes, canonical) in [
            ("10 Mbit/s", 1_250_000, "10 Mbit/s"),
            ("0.5Mbit/s", 62_500, "500 kbit/s"),
            ("1 Gbit/s", 125_000_000, "1 Gbit/s"),
            ("64 kbit/s", 8_000, "64 kbit/s"),
            ("2 KiB/s", 2_048, "2 KiB/s"),
            ("1.5 MiB/s", 1_572_864, "1536 KiB/s"),
            ("7 B/s", 7, "7 B/s"),
            ("1 MB/s", 1_000_000, "8 Mbit/s"),
        ] {
            assert_eq!(parse_bandwidth(text), Ok(bytes), "{text}");
            assert_eq!(format_bandwidth(Some(bytes)), canonical);
        }
        for (text, expected) in [
            ("10", "has no unit: write \"10 Mbit/s\" or \"10 MiB/s\""),
            ("10 Mbps", "has the unknown unit `Mbps`: write \"10 Mbit/s\""),
            ("10 Mb/s", "has the unknown unit `Mb/s`: the units are kbit/s"),
            ("-1 B/s", "is negative"),
            ("0 Gbit/s", "lets nothing through"),
            ("0.001 kbit/s", "is not a whole number of bytes per second"),
            ("99999999999999999999 Gbit/s", "is too large"),
            ("fast", "is not a bandwidth"),
        ] {
            let error = parse_bandwidth(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn canonical_texts_parse_back(bytes in 1..u64::MAX) {
            let text = format_bandwidth(Some(bytes));
            prop_assert_eq!(parse_bandwidth(&text), Ok(bytes), "{}", text);
        }
    }
}
