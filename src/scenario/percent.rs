//! Percentages as people write them, and back.

use std::fmt;

use crate::scenario::units::{UnitError, error};

/// The regular expression of a percentage, for the JSON Schema.
pub const PERCENT_PATTERN: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$";

const PERCENT_HELP: &str = r#"write a number and a percent sign, such as "2%""#;

/// A share, written as a percentage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(f64);

impl Percent {
    /// The number before the percent sign; finite, and not below zero.
    pub const fn value(self) -> f64 {
        self.0
    }

    /// The share: 0.02 for 2 %.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    /// The canonical text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// Reads a percentage.
///
/// # Errors
///
/// What is wrong with the text: no percent sign, or no number before it.
pub fn parse_percent(text: &str) -> Result<Percent, UnitError> {
    let Some(number) = text.trim().strip_suffix('%') else {
        let is_number = text.trim().bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        return Err(error(if is_number { "has no percent sign" } else { "is not a percentage" }, PERCENT_HELP));
    };
    let number = number.trim();
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = number.parse().ok().filter(|value: &f64| is_plain && value.is_finite());
    value.map(Percent).ok_or_else(|| error("is not a percentage", PERCENT_HELP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_come_back_as_they_were_and_nothing_else_is_one() {
        for (written, canonical, share) in [("2%", "2%", 0.02), (" 0.50 % ", "0.5%", 0.005), ("100%", "100%", 1.0)] {
            let percent = parse_percent(written).unwrap();
            assert_eq!((percent.to_string().as_str(), percent.share()), (canonical, share));
            assert_eq!(parse_percent(canonical), Ok(percent));
        }
        for (written, what) in
            [("2", "has no percent sign"), ("", "is not a percentage"), ("two", "is not a percentage")]
        {
            assert_eq!(parse_percent(written).unwrap_err().what, what, "{written}");
        }
        for written in ["%", "-2%", "+2%", "1e3%", "nan%", "inf%", "1.2.3%", "2%%", ".%"] {
            assert!(parse_percent(written).is_err(), "{written}");
        }
    }
}
