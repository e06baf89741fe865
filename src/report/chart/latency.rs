//! How long after an event clients know of it: the share of events that each has heard of within a given time.

use maud::Markup;

use crate::measure::dimension::Dimension;
use crate::report::chart::axes::{self, BELOW, BESIDE};
use crate::report::chart::canvas::{Canvas, Client};
use crate::report::chart::curve::{outline, sample};
use crate::report::chart::placement::{Field, NEEDS_LEADER, Wanted, is_readable, nearest, place};
use crate::report::chart::scale::{Mapping, Scale, positive_extent};
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class};
use crate::report::chart::text::{self, ASCENT, LEADING, NORMAL, SMALL};
use crate::report::chart::ticks::Tick;
use crate::report::human;

/// The latencies of all clients.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyDistribution {
    /// One curve a client.
    pub curves: Vec<LatencyCurve>,
    /// What somebody has promised, as a line down the chart.
    pub target: Option<Target>,
}

/// The latencies of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyCurve {
    /// Whose.
    pub client: Client,
    /// Pairs of a latency in milliseconds and the share of all events that were known within it, from 0 to 1; ascending.
    pub steps: Vec<(f64, f64)>,
}

/// A latency to be marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The latency in milliseconds.
    pub ms: f64,
    /// What to write beside it.
    pub label: String,
}

impl LatencyCurve {
    /// The steps that can be drawn: of numbers, ascending in both.
    fn drawable(&self) -> Vec<(f64, f64)> {
        let mut highest = (0.0, 0.0);
        let finite = self.steps.iter().filter(|(ms, share)| ms.is_finite() && share.is_finite());
        finite
            .map(|&(ms, share)| {
                highest = (ms.min(MS_MAX).max(highest.0), share.clamp(0.0, 1.0).max(highest.1));
                highest
            })
            .collect()
    }

    /// The latency at which the curve passes half of all events; none where it does not.
    fn median_ms(&self) -> Option<f64> {
        self.drawable().into_iter().find(|(_, share)| *share >= 0.5).map(|(ms, _)| ms)
    }

    /// What is said of it under its name.
    fn sentence(&self) -> String {
        match (self.median_ms(), self.drawable().last()) {
            (Some(ms), _) => format!("half within {}", human::duration_ms(ms)),
            (None, Some((ms, share))) => format!("{} within {}", human::percent(*share), human::duration_ms(*ms)),
            (None, None) => "nothing heard".into(),
        }
    }
}

/// Latencies below this are drawn there, in milliseconds.
const MS_MIN: f64 = 1e-3;
/// Latencies above this are drawn there: some three hundred years.
const MS_MAX: f64 = 1e13;

/// The share of events known within a given time, for all clients, on a logarithmic time axis.
pub fn latency_distribution(chart: &LatencyDistribution, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

pub(super) fn sketch(chart: &LatencyDistribution, canvas: &Canvas) -> Sketch {
    let is_narrow = canvas.is_narrow();
    let labels: Vec<Label> = chart.curves.iter().map(|curve| Label::new(curve, canvas)).collect();
    let top = if chart.target.is_some() { 24.0 } else { 10.0 };
    let plot = Area::new(axes_room(), top, canvas.width() - 14.0, top + if is_narrow { 250.0 } else { 330.0 });
    let [x, y] = mappings(chart, plot);
    let lines: Vec<_> = chart.curves.iter().map(|curve| points(curve, &x, &y)).collect();
    let mut field = Field::new(canvas.width(), plot.bottom);
    lines.iter().for_each(|points| field.draw(points));
    if let Some(target) = &chart.target {
        let at = x.at(target.ms.max(MS_MIN));
        field.draw(&[[at, plot.top], [at, plot.bottom]]);
    }
    let wanted: Vec<_> = chart
        .curves
        .iter()
        .zip(&labels)
        .map(|(curve, label)| Wanted { dot: dot(curve, plot, &x, &y), size: label.size })
        .collect();
    let bounds = Area::new(plot.left + 4.0, plot.top + 2.0, plot.right + 8.0, plot.bottom - 4.0);
    let places = place(&wanted, bounds, &field);
    let is_beside = is_readable(&wanted, &places, &field);
    let list = if is_beside { 0.0 } else { chart.curves.len() as f64 * LIST_ROW + 10.0 };
    let mut sketch = Sketch::new(canvas, plot.bottom + BELOW + 10.0 + list, description(chart));
    axes::horizontal(&mut sketch, plot, &x, Dimension::Time);
    axes::vertical(&mut sketch, plot, &y, &quarters());
    if let Some(target) = &chart.target {
        draw_target(&mut sketch, target, plot, &x);
    }
    for (curve, points) in chart.curves.iter().zip(&lines) {
        let told = format!("{}: {}", curve.client.name, curve.sentence());
        sketch.told_path(&format!("line {}", client_class(curve.client.index)), &outline(points), &told);
    }
    if is_beside {
        for (((curve, label), wanted), area) in chart.curves.iter().zip(&labels).zip(&wanted).zip(places) {
            if let Some(area) = area {
                draw_label(&mut sketch, area, curve, label, wanted.dot);
            }
        }
    } else {
        draw_list(&mut sketch, chart, &labels, plot.bottom + BELOW + 14.0);
    }
    draw_dots(&mut sketch, chart, &wanted);
    if chart.curves.iter().all(|curve| curve.steps.is_empty()) {
        sketch.say("no latencies", plot);
    }
    sketch
}

/// A dot where each curve passes half of all events.
fn draw_dots(sketch: &mut Sketch, chart: &LatencyDistribution, wanted: &[Wanted]) {
    for (curve, wanted) in chart.curves.iter().zip(wanted).filter(|(curve, _)| !curve.steps.is_empty()) {
        let told = format!("{}: {}", curve.client.name, curve.sentence());
        sketch.told_circle(&format!("dot {}", client_class(curve.client.index)), wanted.dot, 4.5, &told);
    }
}

/// The height of a line of the list below a plot.
const LIST_ROW: f64 = 19.0;

/// Where half of the events are known, or as far as the curve comes.
fn dot(curve: &LatencyCurve, plot: Area, x: &Mapping, y: &Mapping) -> [f64; 2] {
    match (curve.median_ms(), curve.drawable().last()) {
        (Some(ms), _) => [x.at(ms), y.at(0.5)],
        (None, Some((ms, share))) => [x.at(*ms), y.at(*share)],
        (None, None) => [plot.left, plot.bottom],
    }
}

/// The marks of the vertical axis.
fn quarters() -> Vec<Tick> {
    let tick = |value: f64| Tick { value, label: human::percent(value) };
    [0.0, 0.25, 0.5, 0.75, 1.0].map(tick).to_vec()
}

fn axes_room() -> f64 {
    text::width("100 %", SMALL, false) + BESIDE + 2.0
}

fn mappings(chart: &LatencyDistribution, plot: Area) -> [Mapping; 2] {
    let steps = chart.curves.iter().flat_map(LatencyCurve::drawable).map(|(ms, _)| ms.max(MS_MIN));
    let target = chart.target.iter().map(|target| target.ms);
    let [low, high] = positive_extent(steps.chain(target)).unwrap_or([1.0, 1e3]);
    // At least a decade, and a little room at both ends.
    let high = high.max(low * 10.0);
    let domain = [low * 0.8, high * 1.25];
    [
        Mapping::new(Scale::Logarithmic, domain, [plot.left, plot.right]),
        Mapping::new(Scale::Linear, [0.0, 1.0], [plot.bottom, plot.top]),
    ]
}

/// The curve as it is drawn: it begins at zero, rises through its steps and goes on at its last height.
fn points(curve: &LatencyCurve, x: &Mapping, y: &Mapping) -> Vec<[f64; 2]> {
    let steps = sample(&curve.drawable());
    let Some(&(first, _)) = steps.first() else { return Vec::new() };
    let mut points = vec![[x.at(first), y.at(0.0)]];
    let mut level = 0.0;
    for &(ms, share) in &steps {
        // Between two cells of a fine histogram a slope is nearer to the truth; a wide gap is a step.
        let at = x.at(ms);
        if points.last().is_some_and(|last| at - last[0] > 3.0) {
            points.push([at, y.at(level)]);
        }
        points.push([at, y.at(share)]);
        level = share;
    }
    if level < 1.0 {
        points.push([x.pixels()[1], y.at(level)]);
    }
    points
}

fn draw_target(sketch: &mut Sketch, target: &Target, plot: Area, x: &Mapping) {
    let at = x.at(target.ms.max(MS_MIN));
    sketch.line("target", [at, plot.top - 6.0], [at, plot.bottom]);
    let room = sketch.width() - 8.0;
    let label = text::shorten(&target.label, room, SMALL, false);
    let whole = (label != target.label).then_some(target.label.as_str());
    sketch.text(&label, &Line { class: "ink", whole, ..Line::muted(at, plot.top - 10.0, Anchor::Middle) });
}

/// A name and a sentence below it.
#[derive(Debug)]
struct Label {
    name: String,
    sentence: String,
    size: [f64; 2],
}

impl Label {
    fn new(curve: &LatencyCurve, canvas: &Canvas) -> Self {
        let sentence = curve.sentence();
        let beside_sentence = canvas.width() - text::width(&sentence, SMALL, false) - 40.0;
        let room: f64 = if canvas.is_narrow() { 170.0 } else { 220.0 };
        let name = text::shorten(&curve.client.name, room.min(beside_sentence), NORMAL, true);
        let width = text::width(&name, NORMAL, true).max(text::width(&sentence, SMALL, false));
        Self { name, sentence, size: [width, 2.0 * NORMAL * LEADING] }
    }
}

/// Where there is no room beside the lines, all names stand below them: the fastest client first.
fn draw_list(sketch: &mut Sketch, chart: &LatencyDistribution, labels: &[Label], top: f64) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let median = |index: &usize| chart.curves[*index].median_ms().unwrap_or(f64::INFINITY);
    order.sort_by(|a, b| median(a).total_cmp(&median(b)));
    let names = labels.iter().map(|label| text::width(&label.name, NORMAL, true)).fold(0.0, f64::max);
    for (row, index) in order.into_iter().enumerate() {
        let (curve, label) = (&chart.curves[index], &labels[index]);
        let baseline = top + row as f64 * LIST_ROW + NORMAL;
        let class = client_class(curve.client.index);
        sketch.circle(&format!("dot {class}"), [6.0, baseline - 4.0], 4.5);
        let whole = (label.name != curve.client.name).then_some(curve.client.name.as_str());
        sketch.text(&label.name, &Line { whole, ..Line::name(16.0, baseline, Anchor::Start, &class) });
        sketch.text(&label.sentence, &Line::muted(16.0 + names + 12.0, baseline, Anchor::Start));
    }
}

fn draw_label(sketch: &mut Sketch, area: Area, curve: &LatencyCurve, label: &Label, dot: [f64; 2]) {
    let class = client_class(curve.client.index);
    let end = nearest(area, dot);
    if libm::hypot(end[0] - dot[0], end[1] - dot[1]) > NEEDS_LEADER {
        sketch.path(&format!("leader {class}"), &outline(&[dot, end]));
    }
    // The label stands on the side of its dot.
    let (at, anchor) = if area.right <= dot[0] { (area.right, Anchor::End) } else { (area.left, Anchor::Start) };
    let baseline = area.top + ASCENT * NORMAL + 1.0;
    let whole = (label.name != curve.client.name).then_some(curve.client.name.as_str());
    sketch.text(&label.name, &Line { whole, ..Line::name(at, baseline, anchor, &format!("halo {class}")) });
    let muted = Line { class: "halo muted", ..Line::muted(at, baseline + NORMAL * LEADING, anchor) };
    sketch.text(&label.sentence, &muted);
}

fn description(chart: &LatencyDistribution) -> String {
    if chart.curves.is_empty() {
        return "No client has heard of anything.".into();
    }
    let of_each = chart.curves.iter().map(|curve| format!("{}: {}", curve.client.name, curve.sentence()));
    format!("Share of events known within a given time. {}.", of_each.collect::<Vec<_>>().join("; "))
}
