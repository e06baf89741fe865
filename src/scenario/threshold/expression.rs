//! Thresholds as expressions over the columns of `summary.csv`: what they are, how they are written, what they come to.

use std::fmt;

use crate::measure::dimension::Dimension;
use crate::measure::judgement::Comparison;
use crate::report::columns::MEASURES;

/// Two expressions and how they are to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The left side.
    pub left: Expression,
    /// How they compare.
    pub comparison: Comparison,
    /// The right side.
    pub right: Expression,
    /// What both sides are.
    pub dimension: Dimension,
}

/// An expression over columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number as it is written.
    Constant(Constant),
    /// A column of a client.
    Column(ClientColumn),
    /// Two of them and what is done with them.
    Both(Box<Self>, Operator, Box<Self>),
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// As it is written.
    pub text: String,
    /// In the unit of its dimension.
    pub value: f64,
    /// What it is.
    pub dimension: Dimension,
}

/// A column of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientColumn {
    /// The client; none for each client in turn.
    pub client: Option<String>,
    /// The name of a column of [`MEASURES`] that holds numbers.
    pub column: &'static str,
}

/// What is done with two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// They are added.
    Plus,
    /// The second is taken from the first.
    Minus,
    /// They are multiplied.
    Times,
    /// A rate and a duration are multiplied, which makes a number.
    Over,
}

/// The endings of columns that a threshold may leave out.
const ENDINGS: [&str; 3] = ["_ms", "_s", "_ratio"];

/// The column that a word stands for: its name, or its name without the unit at its end where no other column has that.
pub fn column(word: &str) -> Option<&'static str> {
    let named = |name: &str| MEASURES.iter().find(|column| column.name == name).map(|column| column.name);
    let mut longer = ENDINGS.iter().filter_map(|ending| named(&format!("{word}{ending}")));
    named(word).or_else(|| longer.next().filter(|_| longer.next().is_none()))
}

/// The shortest word that stands for a column.
pub(super) fn short(name: &str) -> &str {
    let without = ENDINGS.iter().filter_map(|ending| name.strip_suffix(ending));
    without.into_iter().find(|word| column(word) == Some(name)).unwrap_or(name)
}

/// Whether a client's name can only be read as that, and so needs no quotes.
fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Expectation {
    /// Whether it is about each client in turn.
    pub fn is_for_each(&self) -> bool {
        self.columns().iter().any(|column| column.client.is_none())
    }

    /// Every column in it, from left to right.
    pub fn columns(&self) -> Vec<&ClientColumn> {
        let mut columns = Vec::new();
        self.left.collect(&mut columns);
        self.right.collect(&mut columns);
        columns
    }
}

impl Expression {
    fn collect<'a>(&'a self, columns: &mut Vec<&'a ClientColumn>) {
        match self {
            Self::Constant(_) => {}
            Self::Column(column) => columns.push(column),
            Self::Both(left, _, right) => {
                left.collect(columns);
                right.collect(columns);
            }
        }
    }

    /// What it comes to, in the unit of its dimension, where `of` knows the number that stands in a column.
    pub fn value(&self, of: &dyn Fn(&ClientColumn) -> Option<f64>) -> Option<f64> {
        match self {
            Self::Constant(constant) => Some(constant.value),
            Self::Column(column) => {
                let (_, scale) = Dimension::of_column(column.column)?;
                Some(of(column)? * scale)
            }
            Self::Both(left, operator, right) => {
                let (left, right) = (left.value(of)?, right.value(of)?);
                Some(match operator {
                    Operator::Plus => left + right,
                    Operator::Minus => left - right,
                    Operator::Times => left * right,
                    // So many a second, and milliseconds.
                    Operator::Over => left * right / 1e3,
                })
            }
        }
    }

    const fn binding(&self) -> u8 {
        match self {
            Self::Constant(_) | Self::Column(_) => 2,
            Self::Both(_, operator, _) => operator.binding(),
        }
    }
}

impl Operator {
    /// The sign for it.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Plus => '+',
            Self::Minus => '-',
            Self::Times | Self::Over => '*',
        }
    }

    /// How strongly it holds its two sides together.
    const fn binding(self) -> u8 {
        match self {
            Self::Plus | Self::Minus => 0,
            Self::Times | Self::Over => 1,
        }
    }
}

impl fmt::Display for Expectation {
    /// The one form of a threshold, which is read as the same again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.comparison.sign(), self.right)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(constant) => f.write_str(&constant.text),
            Self::Column(column) => write!(f, "{column}"),
            Self::Both(left, operator, right) => {
                let side = |side: &Self, needs: bool| if needs { format!("({side})") } else { side.to_string() };
                let left = side(left, left.binding() < operator.binding());
                // What stands on the right is not read first without them.
                let right = side(right, right.binding() <= operator.binding());
                write!(f, "{left} {} {right}", operator.sign())
            }
        }
    }
}

impl fmt::Display for ClientColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.client {
            Some(client) if is_word(client) => write!(f, "{client}.")?,
            Some(client) => write!(f, "\"{client}\".")?,
            None => {}
        }
        f.write_str(short(self.column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_may_be_left_out_where_no_other_column_is_meant() {
        let cases = [
            ("latency_p95", Some("latency_p95_ms")),
            ("latency_p95_ms", Some("latency_p95_ms")),
            ("staleness", Some("staleness_ratio")),
            ("measured", Some("measured_s")),
            // A column of its own.
            ("wasted", Some("wasted")),
            ("latency", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(column(word), expected, "{word}");
        }
        for known in MEASURES {
            assert_eq!(column(short(known.name)), Some(known.name));
        }
    }
}
