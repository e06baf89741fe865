//! The axis along which crossovers are looked for, and the lines of points along it.

use std::collections::BTreeMap;

use crate::evaluation::crossing::Scale;
use crate::report::columns::significant;
use crate::scenario::axes::{self, Axes, Axis, AxisValue, Combine};

/// The key that is looked along where it varies and nobody asks for another.
const USUAL: &str = "events.rate";
/// Keys of numbers between which nothing lies.
const COUNTERS: [&str; 2] = ["seed", "replications"];
/// Values above zero of which the largest is more than this many times the smallest are compared by their ratio.
const WIDE: f64 = 4.0;

/// The axis along which crossovers are looked for.
#[derive(Clone, Debug)]
pub(super) struct Along<'a> {
    /// The axis.
    pub(super) axis: &'a Axis,
    /// Its number among the axes, counted from 0.
    pub(super) index: usize,
    /// How its values are spaced.
    pub(super) scale: Scale,
    /// Whether other keys change together with it, so that nothing is known of what lies between two points.
    pub(super) is_tied: bool,
}

/// Points that differ only in the value along the axis, or all points where several keys change together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// The points with their values along the axis, which rise.
    pub(super) points: Vec<(f64, u64)>,
}

impl<'a> Along<'a> {
    /// The axis of that key; without a key the one that is most likely meant, or none where no axis has two numbers.
    ///
    /// # Errors
    ///
    /// A sentence, if there is nothing to look along that key.
    pub(super) fn new(axes: &'a Axes, key: Option<&str>) -> Result<Option<Self>, String> {
        let suited: Vec<_> = axes.iter().enumerate().filter(|(_, axis)| is_suited(axis)).collect();
        let found = match key {
            None => suited.iter().find(|(_, axis)| axis.key == USUAL).or(suited.first()),
            Some(key) => {
                Some(suited.iter().find(|(_, axis)| axis.key == key).ok_or_else(|| refused(axes, key, &suited))?)
            }
        };
        let is_tied = axes.combine == Combine::Zip && axes.iter().count() > 1;
        Ok(found.map(|(index, axis)| Self { axis, index: *index, scale: scale(axis), is_tied }))
    }

    /// The lines along the axis, in the order of their first points.
    pub(super) fn lines(&self, axes: &Axes) -> Vec<Line> {
        let mut places: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut lines: Vec<Line> = Vec::new();
        for point in 0..axes.points() {
            let mut positions = axes.positions(point);
            let position = positions.remove(self.index);
            let Some(number) = self.axis.values().get(position).and_then(|value| value.number) else { continue };
            if self.is_tied {
                positions.clear();
            }
            let place = *places.entry(positions).or_insert(lines.len());
            match lines.get_mut(place) {
                Some(line) => line.points.push((number, point)),
                None => lines.push(Line { points: vec![(number, point)] }),
            }
        }
        for line in &mut lines {
            line.points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        lines
    }
}

impl Along<'_> {
    /// A value along the axis with its unit, with so many significant digits.
    pub(super) fn written(&self, value: f64, digits: u32) -> String {
        // An interval may reach below zero, where no key has values.
        let near = |value: f64| self.axis.at(value, digits).map(|setting| setting.value.text);
        near(value).or_else(|| near(0.0)).unwrap_or_else(|| significant(value))
    }
}

fn numbers(axis: &Axis) -> impl Iterator<Item = f64> {
    axis.values().iter().filter_map(|value: &AxisValue| value.number)
}

fn is_suited(axis: &Axis) -> bool {
    axis.quantity.is_some() && !COUNTERS.contains(&axis.key.as_str()) && numbers(axis).count() > 1
}

fn scale(axis: &Axis) -> Scale {
    let (low, high) = numbers(axis).fold((f64::INFINITY, 0.0f64), |(low, high), at| (low.min(at), high.max(at)));
    let is_wide = low > 0.0 && high > WIDE * low;
    if is_wide || axis.scale() == Some(axes::Scale::Log) { Scale::Logarithmic } else { Scale::Linear }
}

fn refused(axes: &Axes, key: &str, suited: &[(usize, &Axis)]) -> String {
    let why = match axes.iter().find(|axis| axis.key == key) {
        None => format!("`{key}` does not vary in this sweep"),
        Some(_) => format!("nothing lies between the values of `{key}`"),
    };
    let keys: Vec<_> = suited.iter().map(|(_, axis)| format!("`{}`", axis.key)).collect();
    let help = match keys.as_slice() {
        [] => "no key of it takes two numbers".to_owned(),
        keys => format!("look along {}", keys.join(" or ")),
    };
    format!("--along {key}: {why}; {help}")
}
