//! Outlines of lines: what is nearer than can be seen is left out.

use std::fmt::Write as _;

use crate::report::chart::scale::Mapping;
use crate::report::chart::sketch::px;

/// A value that holds for a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From when, in seconds since the start of the run.
    pub from_s: f64,
    /// Until when, in seconds since the start of the run.
    pub until_s: f64,
    /// The value.
    pub value: f64,
}

/// Points that are nearer to the last one than this are left out.
const NEAR: f64 = 0.4;
/// No line has more points than this; of longer ones every n-th is taken.
const POINTS_MAX: usize = 20_000;

/// The outline of a line through points.
pub(super) fn outline(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    let mut last: Option<[f64; 2]> = None;
    let end = points.len().saturating_sub(1);
    for (index, &[x, y]) in points.iter().enumerate() {
        let is_near = last.is_some_and(|[a, b]| (x - a).abs() < NEAR && (y - b).abs() < NEAR);
        if is_near && index != end {
            continue;
        }
        let _ = write!(path, "{}{} {}", if last.is_none() { "M" } else { "L" }, px(x), px(y));
        last = Some([x, y]);
    }
    path
}

/// The corners of a line of steps on an axis of milliseconds: a level for each stretch, each joined to the next.
pub(super) fn corners(steps: &[Step], x: &Mapping, y: &Mapping) -> Vec<[f64; 2]> {
    let every = steps.len().div_ceil(POINTS_MAX).max(1);
    let kept = steps.iter().step_by(every).filter(|step| step.value.is_finite());
    kept.flat_map(|step| {
        let level = y.at(step.value);
        [[x.at(step.from_s * 1e3), level], [x.at(step.until_s * 1e3), level]]
    })
    .collect()
}

/// At most so many of the points, the last among them.
pub(super) fn sample<T: Copy>(points: &[T]) -> Vec<T> {
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let mut kept: Vec<T> = points.iter().copied().step_by(every).collect();
    if every > 1 {
        kept.extend(points.last());
    }
    kept
}
