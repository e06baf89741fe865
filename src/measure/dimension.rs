//! What kind of quantity a column of the results holds, which its name says: a unit stands at its end or in it.

/// A kind of quantity, and the unit in which it is reckoned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A count, or a number of some things for each of others.
    Number,
    /// A share of a whole, as a number from 0 to 1.
    Share,
    /// A length of time, in milliseconds.
    Time,
    /// Bytes.
    Size,
    /// So many in a second.
    Rate,
}

/// Columns that hold a word.
const WORDS: [&str; 2] = ["overloaded", "partial"];

impl Dimension {
    /// What a column of that name holds, and how many of the units of this reckoning one of its own is; none for a column
    /// that holds a word.
    pub fn of_column(name: &str) -> Option<(Self, f64)> {
        let has = |part: &str| name.split('_').any(|other| other == part);
        Some(match name {
            _ if WORDS.contains(&name) => return None,
            _ if name.ends_with("_ms") => (Self::Time, 1.0),
            _ if name.ends_with("_s") => (Self::Time, 1e3),
            _ if name.ends_with("_ratio") => (Self::Share, 1.0),
            _ if has("bytes") => (Self::Size, 1.0),
            _ if has("rps") => (Self::Rate, 1.0),
            _ => (Self::Number, 1.0),
        })
    }

    /// All of them.
    pub const ALL: [Self; 5] = [Self::Number, Self::Share, Self::Time, Self::Size, Self::Rate];

    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Share => "share",
            Self::Time => "time",
            Self::Size => "size",
            Self::Rate => "rate",
        }
    }

    /// It in words, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Share => "a share",
            Self::Time => "a duration",
            Self::Size => "a size",
            Self::Rate => "a rate",
        }
    }

    /// The name of its unit in files; empty for plain numbers.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Number | Self::Share => "",
            Self::Time => "ms",
            Self::Size => "B",
            Self::Rate => "1/s",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_columns_hold() {
        let cases = [
            ("latency_p95_ms", Some((Dimension::Time, 1.0))),
            ("measured_s", Some((Dimension::Time, 1e3))),
            ("wasted_ratio", Some((Dimension::Share, 1.0))),
            ("wasted", Some((Dimension::Number, 1.0))),
            ("provider_bytes_in", Some((Dimension::Size, 1.0))),
            ("consumer_rps_peak", Some((Dimension::Rate, 1.0))),
            ("requests_per_event", Some((Dimension::Number, 1.0))),
            ("overloaded", None),
        ];
        for (name, expected) in cases {
            assert_eq!(Dimension::of_column(name), expected, "{name}");
        }
    }
}
