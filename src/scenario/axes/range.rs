//! Values between two ends, evenly spaced or by a constant factor.

use serde_json::json;

use crate::scenario::axes::quantity::{DIGITS, Quantity};
use crate::scenario::axes::{AXIS_MAX, AxisValue, text_of};
use crate::scenario::overrides::Target;
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::Node;

/// How values lie between two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// With the same difference from one to the next.
    #[default]
    Linear,
    /// With the same factor from one to the next.
    Log,
}

impl Scale {
    /// The scale of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Linear, Self::Log].into_iter().find(|scale| scale.name() == name)
    }

    /// The name that stands in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log => "log",
        }
    }

    /// The number at a share of the way between two others.
    fn between(self, from: f64, to: f64, share: f64) -> f64 {
        match self {
            Self::Linear => from + (to - from) * share,
            Self::Log => {
                let (from, to) = (libm::log(from), libm::log(to));
                libm::exp(from + (to - from) * share)
            }
        }
    }
}

/// A range as it is written.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct RangeKeys {
    from: Node,
    to: Node,
    points: usize,
    scale: Scale,
}

impl RangeKeys {
    /// A range of so many values.
    pub(super) fn new([from, to]: [Node; 2], points: usize, scale: Scale) -> Self {
        Self { from, to, points, scale }
    }

    /// How its values are spaced.
    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    /// The range as it stands in a resolved scenario.
    pub(super) fn to_json(&self) -> serde_json::Value {
        json!({
            "from": super::json_of(&self.from.value),
            "to": super::json_of(&self.to.value),
            "points": self.points,
            "scale": self.scale.name(),
        })
    }

    /// The values of the range for a key; those between the ends stand where the whole range does.
    pub(super) fn values(&self, target: &Target, place: Option<&Place>) -> Result<Vec<AxisValue>, Problem> {
        let Some((key, quantity)) = target.key().and_then(|key| Some((key, Quantity::of(key.kind)?))) else {
            let problem =
                Problem::new(format!("`{}` takes no numbers, so there is nothing between two values", target.path));
            return Err(problem.at(place).help("write a list of values"));
        };
        let [from, to] = [quantity.number(&self.from, key)?, quantity.number(&self.to, key)?];
        if from >= to {
            let [low, high] = [&self.from, &self.to].map(|node| text_of(&node.value));
            let problem = Problem::new(format!("the range from {low} to {high} is empty")).at(self.from.place.as_ref());
            return Err(problem.help("write the smaller value first, or a list of values"));
        }
        if self.scale == Scale::Log && from <= 0.0 {
            let problem = Problem::new("no factor leads from zero to anything else").at(self.from.place.as_ref());
            return Err(problem.help("begin a logarithmic range above zero"));
        }
        let with_digits = |digits: u32| {
            let value = |index: usize| match index {
                0 => Some(self.from.clone()),
                last if last + 1 == self.points => Some(self.to.clone()),
                inner => {
                    let number = self.scale.between(from, to, inner as f64 / (self.points - 1) as f64);
                    Some(Node { place: place.cloned(), value: quantity.value(number, digits)? })
                }
            };
            let values: Option<Vec<_>> =
                (0..self.points).map(|index| Some(AxisValue::new(value(index)?, target))).collect();
            values.filter(|values| values.windows(2).all(|pair| pair[0].number < pair[1].number))
        };
        let same = || {
            let problem = Problem::new(format!("the range does not have {} different values", self.points)).at(place);
            problem.help(format!("`{}` cannot hold what lies between them: write fewer points", target.path))
        };
        DIGITS.into_iter().find_map(with_digits).ok_or_else(same)
    }
}

/// The problem with a number of points, if there is one.
pub(super) fn check_points(points: i128, place: Option<&Place>) -> Result<usize, Problem> {
    let whole = usize::try_from(points).ok().filter(|points| (2..=AXIS_MAX).contains(points));
    whole.ok_or_else(|| {
        let (problem, help) = match points {
            1 => ("a range of 1 point is none".to_owned(), "write its only value, or at least 2 points".to_owned()),
            ..=0 => {
                (format!("a range of {points} points is empty"), "write at least 2, or a list of values".to_owned())
            }
            _ => (format!("a range of {points} points is too long"), format!("write at most {AXIS_MAX}")),
        };
        Problem::new(problem).at(place).help(help)
    })
}
