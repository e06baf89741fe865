//! How outcomes look: each has a shape or a pattern of its own beside its colour.

use maud::{Markup, html};

use crate::measure::tally::{OutcomeKind, Outcomes};
use crate::report::chart::curve::outline;
use crate::report::chart::sketch::{Sketch, px};

/// All outcomes, in the order in which they are stacked and told.
pub(super) const OUTCOMES: [OutcomeKind; 6] = [
    OutcomeKind::Useful,
    OutcomeKind::Empty,
    OutcomeKind::NotModified,
    OutcomeKind::Duplicate,
    OutcomeKind::Throttled,
    OutcomeKind::Failed,
];

/// The name of an outcome for people.
pub(super) const fn name(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Useful => "useful",
        OutcomeKind::Empty => "empty",
        OutcomeKind::NotModified => "not modified",
        OutcomeKind::Duplicate => "duplicate",
        OutcomeKind::Throttled => "throttled",
        OutcomeKind::Failed => "failed",
    }
}

/// The class that gives shapes the look of an outcome.
pub(super) const fn class(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Useful => "useful",
        OutcomeKind::Empty => "empty",
        OutcomeKind::NotModified => "not-modified",
        OutcomeKind::Duplicate => "duplicate",
        OutcomeKind::Throttled => "throttled",
        OutcomeKind::Failed => "failed",
    }
}

/// How many exchanges of a kind there are.
pub(super) const fn count(outcomes: &Outcomes, kind: OutcomeKind) -> u64 {
    match kind {
        OutcomeKind::Useful => outcomes.useful,
        OutcomeKind::Empty => outcomes.empty,
        OutcomeKind::NotModified => outcomes.not_modified,
        OutcomeKind::Duplicate => outcomes.duplicate,
        OutcomeKind::Throttled => outcomes.throttled,
        OutcomeKind::Failed => outcomes.failed,
    }
}

/// A mark of a poll or of an attempt that takes no visible time: a disc, a ring, a ring with a bar, a diamond, a triangle,
/// a square with a cross.
pub(super) fn mark(kind: OutcomeKind, [x, y]: [f64; 2], radius: f64) -> Markup {
    let class = format!("mark {}", class(kind));
    let r = radius;
    let corners = |corners: &[[f64; 2]]| corners.iter().map(|[dx, dy]| [x + dx * r, y + dy * r]).collect::<Vec<_>>();
    let polygon = |offsets: &[[f64; 2]]| html! { path class=(class) d=(outline(&corners(offsets)) + "Z") {} };
    let stroke = |class: &str, offsets: &[[f64; 2]]| html! { path class=(class) d=(outline(&corners(offsets))) {} };
    let ring = || html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(r)) {} };
    match kind {
        OutcomeKind::Useful | OutcomeKind::Empty => ring(),
        OutcomeKind::NotModified => html! { (ring()) (stroke("stroke", &[[-1.0, 0.0], [1.0, 0.0]])) },
        OutcomeKind::Duplicate => polygon(&[[-1.2, 0.0], [0.0, -1.2], [1.2, 0.0], [0.0, 1.2]]),
        OutcomeKind::Throttled => polygon(&[[-1.1, 0.9], [0.0, -1.1], [1.1, 0.9]]),
        OutcomeKind::Failed => html! {
            (polygon(&[[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]))
            (stroke("cross", &[[-0.45, -0.45], [0.45, 0.45]]))
            (stroke("cross", &[[-0.45, 0.45], [0.45, -0.45]]))
        },
    }
}

/// The patterns that tell bars apart which are not solid.
pub(super) fn define_patterns(sketch: &mut Sketch) {
    let hatch = |id: String, class: &str, angle: u32| {
        html! {
            pattern id=(id) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform=(format!("rotate({angle})")) {
                rect class=(format!("{class} wash")) width="5" height="5" {}
                rect class=(format!("{class} ink")) width="2" height="5" {}
            }
        }
    };
    let [duplicate, throttled, failed] = ["duplicate", "throttled", "failed"].map(|name| sketch.id(name));
    for pattern in [hatch(duplicate, "duplicate", 90), hatch(throttled, "throttled", 0), hatch(failed, "failed", 45)] {
        sketch.define(pattern);
    }
}
