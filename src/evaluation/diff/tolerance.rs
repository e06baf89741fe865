//! How far a figure may change: `1%` for all, `latency_p95=20ms` or `lag_p99=any` for one.

use std::fmt;

use crate::measure::dimension::Dimension;
use crate::report::columns::{MEASURES, significant};
use crate::scenario::threshold;

/// How far a figure may change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// By this share of the first value.
    Relative(f64),
    /// By this much, in the unit of the column.
    Absolute(f64),
    /// As it likes.
    Any,
}

/// The tolerances of a comparison: one for all columns, and others for some.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerances {
    all: Tolerance,
    some: Vec<(String, Tolerance)>,
}

/// The word for a figure that may change as it likes.
const ANY: &str = "any";

impl Tolerances {
    /// Reads texts of the form `1%` and `COLUMN=1%`, `COLUMN=20ms`, `COLUMN=any`; later ones count. Without any, nothing
    /// may change at all.
    ///
    /// # Errors
    ///
    /// A sentence on the text that is none.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let mut tolerances = Self { all: Tolerance::Relative(0.0), some: Vec::new() };
        for text in texts {
            let wrong = |what: String| format!("--tolerance {text}: {what}");
            match text.split_once('=') {
                None => tolerances.all = general(text.trim()).map_err(wrong)?,
                Some((column, value)) => {
                    if let Some((_, bare)) = column.rsplit_once('.')
                        && threshold::column(bare.trim()).is_some()
                    {
                        let (bare, value) = (bare.trim(), value.trim());
                        return Err(wrong(format!(
                            "a tolerance holds for all clients; write --tolerance {bare}={value}"
                        )));
                    }
                    // A file may have columns that this version does not know.
                    let known = threshold::column(column.trim()).unwrap_or_else(|| column.trim());
                    let tolerance = of_column(known, value.trim()).map_err(wrong)?;
                    tolerances.some.push((known.to_owned(), tolerance));
                }
            }
        }
        Ok(tolerances)
    }

    /// The tolerance of a column.
    pub fn of(&self, column: &str) -> Tolerance {
        let own = self.some.iter().rev().find(|(name, _)| name == column);
        own.map_or(self.all, |(_, tolerance)| *tolerance)
    }

    /// Makes sure that every column that is named is one of these.
    ///
    /// # Errors
    ///
    /// A sentence on one that is not.
    pub(super) fn check(&self, columns: &[&str]) -> Result<(), String> {
        let Some((name, _)) = self.some.iter().find(|(name, _)| !columns.contains(&name.as_str())) else {
            return Ok(());
        };
        let near = threshold::nearest_column(name, columns.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        Err(format!("--tolerance {name}: neither summary.csv has such a column of figures{near}"))
    }
}

fn general(text: &str) -> Result<Tolerance, String> {
    const HELP: &str = "write a percentage such as 1%, or COLUMN=1%, COLUMN=20ms or COLUMN=any";
    let constant = threshold::constant(text).map_err(|error| format!("{}; {HELP}", error.message))?;
    match constant.dimension {
        Dimension::Share => Ok(Tolerance::Relative(constant.value)),
        _ => Err(format!("this is {}; {HELP}", constant.dimension.name())),
    }
}

fn of_column(column: &str, text: &str) -> Result<Tolerance, String> {
    if text == ANY {
        return Ok(Tolerance::Any);
    }
    let constant = threshold::constant(text).map_err(|error| format!("{}; {}", error.message, error.help))?;
    let known = MEASURES.iter().any(|known| known.name == column);
    let (dimension, scale) = match Dimension::of_column(column) {
        Some(dimension) => dimension,
        None if known => return Err(format!("`{column}` is true or false; the only tolerance it takes is {ANY}")),
        None => (Dimension::Number, 1.0),
    };
    match constant.dimension {
        Dimension::Share => Ok(Tolerance::Relative(constant.value)),
        // A share may change by so many of its own.
        other if other == dimension || (dimension == Dimension::Share && other == Dimension::Number) => {
            Ok(Tolerance::Absolute(constant.value / scale))
        }
        other => Err(format!("`{column}` is {}, not {}", dimension.name(), other.name())),
    }
}

impl fmt::Display for Tolerance {
    /// A percentage, or an amount in the unit of the column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative(share) => write!(f, "{}%", significant(share * 100.0)),
            Self::Absolute(most) => f.write_str(&significant(*most)),
            Self::Any => f.write_str(ANY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Result<Tolerances, String> {
        Tolerances::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_word_on_a_column_counts_and_all_others_go_by_the_general_one() {
        let tolerances = parse(&["1%", "latency_p95=20ms", "measured=2s", "lost=3", "lost=any", "wasted_ratio=0.01"]);
        let tolerances = tolerances.unwrap();
        assert_eq!(tolerances.of("requests"), Tolerance::Relative(0.01));
        assert_eq!(tolerances.of("latency_p95_ms"), Tolerance::Absolute(20.0));
        assert_eq!(tolerances.of("measured_s"), Tolerance::Absolute(2.0));
        assert_eq!(tolerances.of("lost"), Tolerance::Any);
        assert_eq!(tolerances.of("wasted_ratio"), Tolerance::Absolute(0.01));
        assert_eq!(parse(&[]).unwrap().of("requests"), Tolerance::Relative(0.0));
    }

    #[test]
    fn what_is_no_tolerance_is_said() {
        for text in ["", "1", "10ms", "-1%", "1%x", "latency_p95=5", "lost=2s", "overloaded=1%", "lost="] {
            let message = parse(&[text]).unwrap_err();
            assert!(message.starts_with(&format!("--tolerance {text}: ")), "{message}");
        }
        let of_client = parse(&["it's 1.5.latency_p95=20ms"]).unwrap_err();
        assert!(
            of_client.ends_with(": a tolerance holds for all clients; write --tolerance latency_p95=20ms"),
            "{of_client}"
        );
        let named = parse(&["latncy_p95=1%"]).unwrap();
        assert!(named.check(&["latency_p95_ms"]).unwrap_err().contains("did you mean latency_p95?"));
    }
}
