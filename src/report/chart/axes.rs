//! The grid of a plot, its marks, and what they are called.

use crate::measure::dimension::Dimension;
use crate::report::chart::scale::Mapping;
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch};
use crate::report::chart::text::{self, SMALL};
use crate::report::chart::ticks::{Tick, ticks};

/// How far below a plot the labels of its horizontal axis stand.
pub(super) const BELOW: f64 = 18.0;
/// How far left of a plot the labels of its vertical axis end.
pub(super) const BESIDE: f64 = 8.0;
/// Labels of a horizontal axis keep so much room between them.
const GAP: f64 = 14.0;

/// How wide the labels of a vertical axis are.
pub(super) fn labels_width(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|tick| text::width(&tick.label, SMALL, false)).fold(0.0, f64::max)
}

/// The marks of a vertical axis for a plot of so many pixels.
pub(super) fn vertical_ticks(mapping: &Mapping, dimension: Dimension, height: f64) -> Vec<Tick> {
    let wanted = (height / 52.0).clamp(1.0, 5.0) as usize;
    thinned(ticks(mapping, dimension, wanted), |_| SMALL + 4.0, |tick| mapping.at(tick.value))
}

/// Grid lines across a plot, with their labels left of it.
pub(super) fn vertical(sketch: &mut Sketch, plot: Area, mapping: &Mapping, marks: &[Tick]) {
    for tick in marks {
        let y = mapping.at(tick.value);
        sketch.line("grid", [plot.left, y], [plot.right, y]);
        sketch.text(&tick.label, &Line::muted(plot.left - BESIDE, y + 0.35 * SMALL, Anchor::End));
    }
}

/// Grid lines down a plot, with their labels below it as far as there is room.
pub(super) fn horizontal(sketch: &mut Sketch, plot: Area, mapping: &Mapping, dimension: Dimension) {
    for tick in horizontal_ticks(mapping, dimension, sketch.width()) {
        let x = mapping.at(tick.value);
        sketch.line("grid", [x, plot.top], [x, plot.bottom]);
        sketch.text(&tick.label, &Line::muted(x, plot.bottom + BELOW, Anchor::Middle));
    }
}

/// The marks of a horizontal axis, as many as have room for their labels.
pub(super) fn horizontal_ticks(mapping: &Mapping, dimension: Dimension, canvas_width: f64) -> Vec<Tick> {
    let [left, right] = mapping.pixels();
    let wanted = ((right - left) / 68.0).clamp(2.0, 8.0) as usize;
    let width = |tick: &Tick| text::width(&tick.label, SMALL, false);
    // A label is moved into the chart where it would leave it: its middle is then elsewhere.
    let middle = |tick: &Tick| {
        let half = width(tick) / 2.0;
        mapping.at(tick.value).clamp(half, (canvas_width - half).max(half))
    };
    thinned(ticks(mapping, dimension, wanted), |tick| width(tick) + GAP, middle)
}

/// The marks whose labels do not come too near to that of the one before.
fn thinned(marks: Vec<Tick>, extent: impl Fn(&Tick) -> f64, middle: impl Fn(&Tick) -> f64) -> Vec<Tick> {
    let mut kept: Vec<Tick> = Vec::new();
    for tick in marks {
        let has_room =
            kept.last().is_none_or(|last| (middle(&tick) - middle(last)).abs() >= (extent(&tick) + extent(last)) / 2.0);
        if has_room {
            kept.push(tick);
        }
    }
    kept
}
