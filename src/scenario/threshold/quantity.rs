//! Numbers with units in thresholds: `2s`, `5%`, `1 MiB`, `10/s`, `3`.

use crate::measure::dimension::Dimension;
use crate::scenario::threshold::expression::Constant;
use crate::scenario::units::{self, UnitError};

/// Bytes in one of a unit that a scenario itself has no use for.
const LARGE: [(&str, f64); 2] = [("GB", 1e9), ("GiB", (1u64 << 30) as f64)];
/// The units of sizes.
const SIZES: [&str; 6] = ["B", "kB", "KB", "KiB", "MB", "MiB"];

/// A number at the start of a text: how many bytes of the text it takes, and what it is or what is wrong with it. None
/// if the text starts with no number.
pub(super) fn take(text: &str) -> Option<(usize, Result<Constant, UnitError>)> {
    let number = number(text)?;
    let spaced = number + spaces(&text[number..]);
    let rest = &text[spaced..];
    let word = word(rest);
    let (end, dimension) = match rest.chars().next() {
        Some('%') => (spaced + 1, Dimension::Share),
        Some('/') => (spaced + rate(rest), Dimension::Rate),
        _ if word == 0 => (number, Dimension::Number),
        _ if SIZES.contains(&&rest[..word]) || LARGE.iter().any(|(unit, _)| *unit == &rest[..word]) => {
            (spaced + word, Dimension::Size)
        }
        _ => (spaced + word + more_spans(&rest[word..]), Dimension::Time),
    };
    let written = &text[..end];
    let value = match dimension {
        Dimension::Number => plain(&text[..number]),
        Dimension::Share => plain(&text[..number]).map(|percent| percent / 100.0),
        Dimension::Rate => units::parse_rate(written).map(|rate| rate.expected_in(crate::time::Span::from_secs(1))),
        Dimension::Time => units::parse_span(written).map(|span| span.as_nanos() as f64 / 1e6),
        Dimension::Size => match LARGE.iter().find(|(unit, _)| written.ends_with(unit)) {
            Some((_, bytes)) => plain(&text[..number]).map(|count| count * bytes),
            None => units::parse_size(written).map(|bytes| bytes as f64),
        },
    };
    let constant = value.map(|value| Constant { text: written.to_owned(), value, dimension });
    Some((end, constant))
}

/// The length of the digits that a text starts with, and of those behind a point.
fn number(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    if whole == 0 {
        return None;
    }
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    Some(if fraction == 0 { whole } else { whole + 1 + fraction })
}

fn spaces(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// The length of the letters that a text starts with.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len())
}

/// The length of `/s`, `/10s` or `/ 10 s`.
fn rate(text: &str) -> usize {
    let mut end = 1 + spaces(&text[1..]);
    end += number(&text[end..]).unwrap_or(0);
    end += spaces(&text[end..]);
    end + word(&text[end..])
}

/// The length of what follows the first part of a duration such as `1h 30m`.
fn more_spans(text: &str) -> usize {
    let mut end = 0;
    loop {
        let mut next = end + spaces(&text[end..]);
        let Some(digits) = number(&text[next..]) else { return end };
        next += digits;
        next += spaces(&text[next..]);
        let letters = word(&text[next..]);
        if letters == 0 {
            return end;
        }
        end = next + letters;
    }
}

fn plain(text: &str) -> Result<f64, UnitError> {
    let too_large = || UnitError { what: "is too large".to_owned(), help: "write fewer digits".to_owned() };
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_units() {
        let cases = [
            ("2s < 3", Some(("2s", 2e3, Dimension::Time))),
            ("1h 30m * 2", Some(("1h 30m", 5.4e6, Dimension::Time))),
            ("5%", Some(("5%", 0.05, Dimension::Share))),
            ("1 MiB", Some(("1 MiB", 1_048_576.0, Dimension::Size))),
            ("2 GB)", Some(("2 GB", 2e9, Dimension::Size))),
            ("10/s", Some(("10/s", 10.0, Dimension::Rate))),
            ("6/m + 1", Some(("6/m", 0.1, Dimension::Rate))),
            ("1 / 10s", Some(("1 / 10s", 0.1, Dimension::Rate))),
            ("3.5 * x", Some(("3.5", 3.5, Dimension::Number))),
            ("3.x", Some(("3", 3.0, Dimension::Number))),
            ("x", None),
        ];
        for (text, expected) in cases {
            let found = take(text).map(|(length, constant)| (length, constant.unwrap()));
            let found = found.map(|(length, constant)| (text[..length].to_owned(), constant.value, constant.dimension));
            assert_eq!(found, expected.map(|(text, value, dimension)| (text.to_owned(), value, dimension)), "{text}");
        }
        for text in ["2 parsecs", "5/x", "1.5 B", &"9".repeat(400)] {
            assert!(take(text).unwrap().1.is_err(), "{text}");
        }
    }
}
