//! How outcomes look: each has a shape or a pattern of its own beside its colour.

use maud::{Markup, html};

use crate::measure::tally::{OutcomeKind, Outcomes};
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
    match kind {
        OutcomeKind::Useful | OutcomeKind::Empty => {
            html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(r)); }
        }
        OutcomeKind::NotModified => html! {
            circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(r));
            path class="stroke" d=(path(&[[x - r, y], [x + r, y]], false));
        },
        OutcomeKind::Duplicate => {
            let r = r * 1.2;
            html! { path class=(class) d=(path(&[[x - r, y], [x, y - r], [x + r, y], [x, y + r]], true)); }
        }
        OutcomeKind::Throttled => {
            let r = r * 1.1;
            html! { path class=(class) d=(path(&[[x - r, y + 0.8 * r], [x, y - r], [x + r, y + 0.8 * r]], true)); }
        }
        OutcomeKind::Failed => {
            let c = r * 0.45;
            html! {
                path class=(class) d=(path(&[[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]], true));
                path class="cross" d=(path(&[[x - c, y - c], [x + c, y + c]], false) + &path(&[[x - c, y + c], [x + c, y - c]], false));
            }
        }
    }
}

fn path(points: &[[f64; 2]], is_closed: bool) -> String {
    let mut text: String = points
        .iter()
        .enumerate()
        .map(|(index, [x, y])| format!("{}{} {}", if index == 0 { "M" } else { "L" }, px(*x), px(*y)))
        .collect();
    if is_closed {
        text.push('Z');
    }
    text
}

/// The patterns that tell bars apart which are not solid.
pub(super) fn define_patterns(sketch: &mut Sketch) {
    let hatch = |id: String, class: &str, angle: u32| {
        html! {
            pattern id=(id) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform=(format!("rotate({angle})")) {
                rect class=(format!("{class} wash")) width="5" height="5";
                rect class=(format!("{class} ink")) width="2" height="5";
            }
        }
    };
    let [duplicate, throttled, failed] = ["duplicate", "throttled", "failed"].map(|name| sketch.id(name));
    for pattern in [hatch(duplicate, "duplicate", 90), hatch(throttled, "throttled", 0), hatch(failed, "failed", 45)] {
        sketch.define(pattern);
    }
}
