//! What became of a threshold: the two sides of a comparison, and whether it holds.

use crate::measure::dimension::Dimension;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The left one is less.
    Less,
    /// The left one is less, or they are equal.
    AtMost,
    /// The left one is more.
    More,
    /// The left one is more, or they are equal.
    AtLeast,
    /// They are equal.
    Equal,
    /// They are not equal.
    Unequal,
}

impl Comparison {
    /// All of them, those of two characters first, as a text has to be read.
    pub const ALL: [Self; 6] = [Self::AtMost, Self::AtLeast, Self::Equal, Self::Unequal, Self::Less, Self::More];

    /// The sign for it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
            Self::Unequal => "!=",
        }
    }

    /// Whether it holds of two values.
    #[allow(clippy::float_cmp, reason = "values are compared as they are written")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }
}

/// What became of one threshold with one engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What was expected, in the one form of a threshold.
    pub expect: String,
    /// `sim` or `live`.
    pub engine: String,
    /// The client that it was held against, where it is about every client; none where it names its own.
    pub client: Option<String>,
    /// How the sides are compared.
    pub comparison: Comparison,
    /// What both sides are.
    pub dimension: Dimension,
    /// The left side, in the unit of the dimension; none if it cannot be known.
    pub value: Option<f64>,
    /// The right side.
    pub limit: Option<f64>,
    /// Whether the right side stands in the threshold as it is, so that nobody needs to be told.
    pub is_plain: bool,
    /// Why a side cannot be known, if so.
    pub unknown: Option<String>,
}

impl Judgement {
    /// Whether the threshold holds. One that cannot be judged does not: nobody knows that what was promised is so.
    pub fn holds(&self) -> bool {
        self.value.zip(self.limit).is_some_and(|(value, limit)| self.comparison.holds(value, limit))
    }
}
