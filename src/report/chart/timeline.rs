//! Event by event: when each occurred, what was asked and sent, and when each client had processed it.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::measure::tally::OutcomeKind;
use crate::report::chart::axes::{self, BELOW};
use crate::report::chart::canvas::{Canvas, Client};
use crate::report::chart::marks::{self, OUTCOMES};
use crate::report::chart::scale::{Mapping, Scale};
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class, px};
use crate::report::chart::text::{self, NORMAL, SMALL};
use crate::report::human;

/// A stretch of a run, event by event.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Where the stretch begins, in seconds since the start of the run.
    pub from_s: f64,
    /// Where it ends.
    pub until_s: f64,
    /// The events in it.
    pub events: Vec<EventDot>,
    /// What clients and System B did. Lanes of one side are drawn in this order, the first next to the events.
    pub lanes: Vec<Lane>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDot {
    /// When it occurred, in seconds since the start of the run.
    pub at_s: f64,
    /// What to say of it where it is pointed at.
    pub told: String,
}

/// On which side of the events a lane is drawn, and how its marks look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Attempts of webhooks: bars, above the events.
    Push,
    /// Polls: discs and rings, below the events.
    Pull,
}

/// What one client asked for, or was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Whose.
    pub client: Client,
    /// On which side.
    pub side: Side,
    /// Polls or attempts, in the order of time.
    pub marks: Vec<Mark>,
    /// For each event, when it occurred and when the client had processed it.
    pub arcs: Vec<Arc>,
}

/// A poll or an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When it began, in seconds since the start of the run.
    pub at_s: f64,
    /// When it ended, if it is to be shown how long it took.
    pub until_s: Option<f64>,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// What to say of it where it is pointed at.
    pub told: String,
}

/// The way of an event to a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Arc {
    /// When it occurred, in seconds since the start of the run.
    pub from_s: f64,
    /// When the client had processed it.
    pub to_s: f64,
    /// What to say of it where it is pointed at.
    pub told: String,
}

/// A lane has at most so many arcs; of more, every n-th is drawn.
const ARCS_MAX: usize = 2_000;
/// Marks of one look that are nearer to each other than this are one.
const NEAR: f64 = 1.0;
/// Half the height of a bar.
const BAR: f64 = 8.0;
/// The radius of a poll.
const POLL: f64 = 5.0;

/// Events in the middle, webhooks above, polls below, on a common time axis, with an arc from each event to each client.
pub fn timeline(chart: &Timeline, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

pub(super) fn sketch(chart: &Timeline, canvas: &Canvas) -> Sketch {
    let is_narrow = canvas.is_narrow();
    let apart = if is_narrow { 66.0 } else { 72.0 };
    let of = |side: Side| chart.lanes.iter().filter(move |lane| lane.side == side);
    let above = of(Side::Push).count() as f64;
    let below = of(Side::Pull).count() as f64;
    let head = if is_narrow { 30.0 } else { 16.0 };
    let left = if is_narrow { 8.0 } else { labels_room(chart) };
    let plot = Area::new(left, 0.0, canvas.width() - 22.0, head + (above + below) * apart + 22.0);
    let keys = keys(chart, canvas);
    let key_rows = keys.last().map_or(0, |key| key.row + 1) as f64;
    let height = plot.bottom + BELOW + 18.0 + key_rows * 18.0;
    let mut sketch = Sketch::new(canvas, height, description(chart));
    let x = Mapping::new(Scale::Linear, [chart.from_s * 1e3, chart.until_s * 1e3], [plot.left + 6.0, plot.right]);
    axes::horizontal(&mut sketch, plot, &x, Dimension::Time);
    let events = head + above * apart;
    let mut placed: Vec<(&Lane, f64)> = Vec::new();
    placed.extend(of(Side::Push).enumerate().map(|(index, lane)| (lane, events - (index + 1) as f64 * apart)));
    placed.extend(of(Side::Pull).enumerate().map(|(index, lane)| (lane, events + (index + 1) as f64 * apart)));
    for y in placed.iter().map(|(_, y)| *y).chain([events]) {
        sketch.line("lane", [plot.left, y], [plot.right, y]);
    }
    // Far arcs first, so that those of nearer lanes lie over them.
    for (lane, y) in placed.iter().rev() {
        draw_arcs(&mut sketch, lane, events, *y, &x);
    }
    for (lane, y) in &placed {
        draw_marks(&mut sketch, lane, *y, &x);
        let what = if lane.side == Side::Push { "attempts" } else { "polls" };
        name_lane(&mut sketch, &lane.client.name, what, &client_class(lane.client.index), [plot.left, *y]);
    }
    draw_events(&mut sketch, chart, events, &x);
    name_lane(&mut sketch, "events", "", "ink", [plot.left, events]);
    draw_keys(&mut sketch, &keys, plot.bottom + BELOW + 24.0);
    sketch
}

/// The room left of a wide chart for the names of its lanes.
fn labels_room(chart: &Timeline) -> f64 {
    let names = chart.lanes.iter().map(|lane| text::width(&lane.client.name, NORMAL, true));
    names.fold(text::width("attempts", NORMAL, true), f64::max).min(NAME_MAX) + 14.0
}

/// The widest name beside a lane.
const NAME_MAX: f64 = 210.0;

/// A lane is named beside it, or on a phone above its beginning.
fn name_lane(sketch: &mut Sketch, name: &str, what: &str, class: &str, [left, y]: [f64; 2]) {
    let is_narrow = left < 20.0;
    let room = if is_narrow { sketch.width() - 80.0 } else { NAME_MAX };
    let shown = text::shorten(name, room, NORMAL, true);
    let whole = (shown != name).then_some(name);
    let class = format!("halo {class}");
    if is_narrow {
        let baseline = y - 14.0;
        sketch.text(&shown, &Line { whole, ..Line::name(0.0, baseline, Anchor::Start, &class) });
        if !what.is_empty() {
            let at = text::width(&shown, NORMAL, true) + 6.0;
            let muted = Line { class: "halo muted", ..Line::muted(at, baseline, Anchor::Start) };
            sketch.text(what, &muted);
        }
        return;
    }
    let at = left - 12.0;
    let baseline = if what.is_empty() { y + 0.35 * NORMAL } else { y - 2.0 };
    sketch.text(&shown, &Line { whole, ..Line::name(at, baseline, Anchor::End, &class) });
    if !what.is_empty() {
        sketch.text(what, &Line::muted(at, baseline + SMALL + 3.0, Anchor::End));
    }
}

fn is_shown(at_s: f64, x: &Mapping) -> bool {
    at_s.is_finite() && x.contains(at_s * 1e3)
}

fn draw_events(sketch: &mut Sketch, chart: &Timeline, y: f64, x: &Mapping) {
    let mut last = f64::NEG_INFINITY;
    for event in chart.events.iter().filter(|event| is_shown(event.at_s, x)) {
        let at = x.at(event.at_s * 1e3);
        if (at - last).abs() < NEAR {
            continue;
        }
        last = at;
        sketch.shape(html! {
            circle class="event" cx=(px(at)) cy=(px(y)) r="4.5" { title { (event.told) } }
        });
    }
}

fn draw_arcs(sketch: &mut Sketch, lane: &Lane, events: f64, y: f64, x: &Mapping) {
    let class = format!("arc {}", client_class(lane.client.index));
    let every = lane.arcs.len().div_ceil(ARCS_MAX).max(1);
    let shown = lane.arcs.iter().filter(|arc| arc.to_s.is_finite() && is_shown(arc.from_s, x));
    for arc in shown.step_by(every) {
        let [from, to] = [x.at(arc.from_s * 1e3), x.at(arc.to_s * 1e3)];
        // One that ends beyond the chart leaves it on its way.
        let end = if is_shown(arc.to_s, x) { y } else { events + (y - events) * 0.55 };
        let bow = (end - events) * 0.62;
        let mut outline = String::new();
        let _ = write!(
            outline,
            "M{} {}C{} {} {} {} {} {}",
            px(from),
            px(events),
            px(from),
            px(events + bow),
            px(to),
            px(end - bow),
            px(to),
            px(end)
        );
        sketch.shape(html! { path class=(class) d=(outline) { title { (arc.told) } } });
    }
}

fn draw_marks(sketch: &mut Sketch, lane: &Lane, y: f64, x: &Mapping) {
    let class = client_class(lane.client.index);
    let mut last = [f64::NEG_INFINITY; OUTCOMES.len()];
    for mark in lane.marks.iter().filter(|mark| is_shown(mark.at_s, x)) {
        let from = x.at(mark.at_s * 1e3);
        let until = mark.until_s.filter(|until| *until >= mark.at_s).map_or(from, |until| x.at(until * 1e3));
        let last = &mut last[mark.outcome as usize];
        if (from - *last).abs() < NEAR && until - from < NEAR {
            continue;
        }
        *last = from;
        let shape = match lane.side {
            Side::Pull => poll(mark, [from, until, y]),
            Side::Push => attempt(mark, [from, until, y]),
        };
        sketch.shape(html! { g class=(class) { title { (mark.told) } (shape) } });
    }
}

/// A poll is drawn where it ends, behind the line of its waiting.
fn poll(mark: &Mark, [from, until, y]: [f64; 3]) -> Markup {
    html! {
        @if until - from > POLL { line class="held" x1=(px(from)) y1=(px(y)) x2=(px(until)) y2=(px(y)) {} }
        (marks::mark(mark.outcome, [until, y], if mark.outcome == OutcomeKind::Empty { POLL - 0.5 } else { POLL }))
    }
}

/// An attempt is a bar as long as it took; one that brought nothing new has the shape of its outcome.
fn attempt(mark: &Mark, [from, until, y]: [f64; 3]) -> Markup {
    match mark.outcome {
        OutcomeKind::Useful => html! {
            rect class="mark useful" x=(px(from - 1.5)) y=(px(y - BAR)) width=(px((until - from).max(0.0) + 3.0))
                height=(px(2.0 * BAR)) rx="1.5" {}
        },
        outcome => html! {
            @if until - from > POLL {
                line class=(format!("held {}", marks::class(outcome))) x1=(px(from)) y1=(px(y)) x2=(px(until)) y2=(px(y)) {}
            }
            (marks::mark(outcome, [from, y], POLL))
        },
    }
}

/// An entry of the key below the lanes.
struct Key {
    side: Side,
    outcome: OutcomeKind,
    text: String,
    left: f64,
    row: usize,
}

/// The looks that occur, in as many lines as they need.
fn keys(chart: &Timeline, canvas: &Canvas) -> Vec<Key> {
    let (mut at, mut row) = (0.0, 0);
    let mut keys = Vec::new();
    for side in [Side::Push, Side::Pull] {
        for outcome in OUTCOMES {
            let marks = chart.lanes.iter().filter(|lane| lane.side == side).flat_map(|lane| &lane.marks);
            if !marks.into_iter().any(|mark| mark.outcome == outcome) {
                continue;
            }
            let what = if side == Side::Push { "attempt" } else { "poll" };
            let text = format!("{} {what}", marks::name(outcome));
            let width = 18.0 + text::width(&text, SMALL, false);
            if at + width > canvas.width() {
                (at, row) = (0.0, row + 1);
            }
            keys.push(Key { side, outcome, text, left: at, row });
            at += width + 16.0;
        }
    }
    keys
}

fn draw_keys(sketch: &mut Sketch, keys: &[Key], top: f64) {
    for key in keys {
        let baseline = top + 8.0 + key.row as f64 * 18.0;
        let middle = [key.left + 6.0, baseline - 4.0];
        let shape = match (key.side, key.outcome) {
            (Side::Push, OutcomeKind::Useful) => html! {
                rect class="mark useful" x=(px(middle[0] - 1.5)) y=(px(middle[1] - 6.0)) width="3" height="12" rx="1.5" {}
            },
            _ => marks::mark(key.outcome, middle, 4.5),
        };
        sketch.shape(html! { g class="neutral" { (shape) } });
        sketch.text(&key.text, &Line::muted(key.left + 18.0, baseline, Anchor::Start));
    }
}

fn description(chart: &Timeline) -> String {
    let lanes = chart.lanes.iter().map(|lane| {
        let count = |outcome| lane.marks.iter().filter(|mark| mark.outcome == outcome).count();
        let told = OUTCOMES.into_iter().map(|outcome| (outcome, count(outcome))).filter(|(_, count)| *count > 0);
        let told: Vec<_> = told.map(|(outcome, count)| format!("{count} {}", marks::name(outcome))).collect();
        let told = if told.is_empty() { "none".into() } else { told.join(", ") };
        let what = if lane.side == Side::Push { "attempts" } else { "polls" };
        format!("{what} of {}: {told}", lane.client.name)
    });
    let lanes: Vec<_> = lanes.collect();
    let [from, until] = [chart.from_s, chart.until_s].map(human::duration_secs);
    let events = human::things(chart.events.len() as f64, "event", "events");
    let rest = if lanes.is_empty() { String::new() } else { format!(" {}.", lanes.join("; ")) };
    format!("{events} from {from} to {until}.{rest}")
}
