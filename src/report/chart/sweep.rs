//! A figure of each client along one swept key.

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::report::chart::axes::{self, BELOW, BESIDE};
use crate::report::chart::bands;
use crate::report::chart::canvas::{Canvas, Client};
use crate::report::chart::curve::outline;
use crate::report::chart::ends::{EndLabels, LineEnd};
use crate::report::chart::scale::{Mapping, Scale, extent, positive_extent};
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class, px};
use crate::report::chart::text::{self, SMALL};
use crate::report::chart::ticks::{label, round_up};

/// A figure of each client along one swept key.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepLines {
    /// The swept key.
    pub x: Axis,
    /// The figure.
    pub y: Axis,
    /// One line a client.
    pub lines: Vec<SweepLine>,
    /// Where lines cross.
    pub crossovers: Vec<CrossoverMark>,
}

/// What an axis shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it is called.
    pub label: String,
    /// What kind of quantity it is; times are in milliseconds, sizes in bytes, rates in 1/s.
    pub dimension: Dimension,
    /// How its distances are measured.
    pub scale: Scale,
}

/// The figure of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepLine {
    /// Whose.
    pub client: Client,
    /// In ascending order of the key.
    pub points: Vec<SweepPoint>,
}

/// The figure at one value of the key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepPoint {
    /// The value of the key.
    pub x: f64,
    /// The figure.
    pub y: f64,
    /// Its 95 % interval, where there is one.
    pub interval: Option<(f64, f64)>,
}

/// Where two lines cross.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossoverMark {
    /// The value of the key.
    pub x: f64,
    /// The figure there, where it is known.
    pub y: Option<f64>,
    /// What to write above it.
    pub label: String,
}

/// The lines of all clients along the key, with intervals as bands and crossovers marked.
pub fn sweep_lines(chart: &SweepLines, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

/// The height of the lines in which axes are named.
const NAME_ROW: f64 = 20.0;

pub(super) fn sketch(chart: &SweepLines, canvas: &Canvas) -> Sketch {
    let texts: Vec<_> = chart.lines.iter().map(|line| (&line.client, String::new())).collect();
    let labels = EndLabels::new(&texts, canvas.is_narrow());
    let height = (labels.height() - 8.0).max(if canvas.is_narrow() { 220.0 } else { 300.0 });
    let [x_domain, y_domain] = domains(chart);
    let measure = Mapping::new(chart.y.scale, y_domain, [height, 0.0]);
    let ticks = axes::vertical_ticks(&measure, chart.y.dimension, height);
    let left = axes::labels_width(&ticks).min(canvas.width() / 4.0) + BESIDE + 2.0;
    let right = canvas.width() - labels.room().max(14.0);
    let x = Mapping::new(chart.x.scale, x_domain, [left, right]);
    let marks: Vec<_> = chart.crossovers.iter().map(|mark| (x.at(mark.x), mark.label.as_str())).collect();
    let placed = bands::rows(&marks, left, canvas.width() - 2.0);
    let top = NAME_ROW + bands::height(&placed) + 8.0;
    let mut sketch = Sketch::new(canvas, top + height + BELOW + NAME_ROW + 8.0, description(chart));
    let plot = Area::new(left, top, right, top + height);
    let y = Mapping::new(chart.y.scale, y_domain, [plot.bottom, plot.top]);
    axes::horizontal(&mut sketch, plot, &x, chart.x.dimension);
    axes::vertical(&mut sketch, plot, &y, &ticks);
    name_axes(&mut sketch, chart, plot);
    for line in &chart.lines {
        draw_band(&mut sketch, line, &x, &y);
    }
    draw_crossovers(&mut sketch, chart, &placed, plot, [&x, &y]);
    let mut ends = Vec::new();
    for (label, line) in chart.lines.iter().enumerate() {
        draw_line(&mut sketch, chart, line, &x, &y);
        let last = drawable(line, &y).last().map(|point| [x.at(point.x), y.at(point.y)]);
        ends.push(LineEnd { label, at: last.unwrap_or([plot.right, plot.bottom]) });
    }
    draw_rings(&mut sketch, chart, &x, &y);
    if chart.lines.iter().all(|line| line.points.is_empty()) {
        sketch.say("no points", plot);
    }
    labels.draw(&mut sketch, plot, &chart.lines.iter().map(|line| &line.client).collect::<Vec<_>>(), &ends);
    sketch
}

/// The figure is named above the plot, the key below it.
fn name_axes(sketch: &mut Sketch, chart: &SweepLines, plot: Area) {
    let room = sketch.width() - 4.0;
    let whole = |shown: &str, label: &str| (shown != label).then(|| label.to_owned());
    let figure = text::shorten(&chart.y.label, room, SMALL, false);
    let told = whole(&figure, &chart.y.label);
    sketch.text(&figure, &Line { whole: told.as_deref(), ..Line::muted(0.0, SMALL, Anchor::Start) });
    let key = text::shorten(&chart.x.label, room, SMALL, false);
    let told = whole(&key, &chart.x.label);
    let middle = (plot.left + plot.right) / 2.0;
    let line = Line::muted(middle, plot.bottom + BELOW + NAME_ROW - 1.0, Anchor::Middle);
    sketch.text(&key, &Line { whole: told.as_deref(), ..line });
}

fn domains(chart: &SweepLines) -> [[f64; 2]; 2] {
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let keys = points().map(|point| point.x).chain(chart.crossovers.iter().map(|mark| mark.x));
    let figures = points().flat_map(|point| {
        let (low, high) = point.interval.unwrap_or((point.y, point.y));
        [point.y, low, high]
    });
    let x = match chart.x.scale {
        Scale::Linear => extent(keys).unwrap_or([0.0, 1.0]),
        Scale::Logarithmic => positive_extent(keys).unwrap_or([0.1, 10.0]),
    };
    let y = match chart.y.scale {
        Scale::Linear => {
            let [low, high] = extent(figures).unwrap_or([0.0, 1.0]);
            [low.min(0.0), if high > 0.0 { round_up(high) } else { 0.0 }]
        }
        Scale::Logarithmic => {
            let [low, high] = positive_extent(figures).unwrap_or([0.1, 10.0]);
            // An interval that reaches to zero would make a scale of decades without anything in them.
            let least = positive_extent(points().map(|point| point.y)).map_or(low, |[least, _]| least / 10.0);
            [low.max(least) * 0.85, high * 1.15]
        }
    };
    [x, y]
}

/// The points that have a place on the scale.
fn drawable<'a>(line: &'a SweepLine, y: &'a Mapping) -> impl Iterator<Item = &'a SweepPoint> {
    line.points
        .iter()
        .filter(|point| point.x.is_finite() && point.y.is_finite() && (y.scale() == Scale::Linear || point.y > 0.0))
}

fn draw_band(sketch: &mut Sketch, line: &SweepLine, x: &Mapping, y: &Mapping) {
    let with_interval = || {
        drawable(line, y).filter_map(|point| point.interval.map(|(low, high)| (x.at(point.x), y.at(low), y.at(high))))
    };
    let above = with_interval().map(|(x, _, high)| [x, high]);
    let below: Vec<_> = with_interval().map(|(x, low, _)| [x, low]).collect();
    let corners: Vec<_> = above.chain(below.into_iter().rev()).collect();
    if corners.len() >= 4 {
        sketch.path(&format!("band {}", client_class(line.client.index)), &format!("{}Z", outline(&corners)));
    }
}

fn draw_line(sketch: &mut Sketch, chart: &SweepLines, line: &SweepLine, x: &Mapping, y: &Mapping) {
    let class = client_class(line.client.index);
    let points: Vec<_> = drawable(line, y).map(|point| [x.at(point.x), y.at(point.y)]).collect();
    sketch.told_path(&format!("line {class}"), &outline(&points), &line.client.name);
    for (point, [cx, cy]) in drawable(line, y).zip(points) {
        let mut told = format!(
            "{}: {} at {}",
            line.client.name,
            label(point.y, chart.y.dimension),
            label(point.x, chart.x.dimension)
        );
        if let Some((low, high)) = point.interval {
            let [low, high] = [low, high].map(|end| label(end, chart.y.dimension));
            told = format!("{told} (95 % interval {low} to {high})");
        }
        sketch.shape(html! {
            circle class=(format!("dot {class}")) cx=(px(cx)) cy=(px(cy)) r="3" { title { (told) } }
        });
    }
}

fn draw_crossovers(
    sketch: &mut Sketch,
    chart: &SweepLines,
    placed: &[bands::Placed],
    plot: Area,
    [x, _]: [&Mapping; 2],
) {
    for (mark, name) in chart.crossovers.iter().zip(placed) {
        let at = x.at(mark.x);
        let top = plot.top - 6.0 - name.row as f64 * bands::ROW;
        sketch.line("crossover", [at, top], [at, plot.bottom]);
        let whole = (name.text != mark.label).then_some(mark.label.as_str());
        let line = Line::muted(name.left, top - 3.0, Anchor::Start);
        sketch.text(&name.text, &Line { whole, class: "ink", ..line });
    }
}

fn draw_rings(sketch: &mut Sketch, chart: &SweepLines, x: &Mapping, y: &Mapping) {
    for mark in &chart.crossovers {
        if let Some(figure) = mark.y {
            sketch.circle("ring", [x.at(mark.x), y.at(figure)], 6.5);
        }
    }
}

fn description(chart: &SweepLines) -> String {
    let dimension = chart.y.dimension;
    let of_each = chart.lines.iter().filter_map(|line| {
        let (first, last) = (line.points.first()?, line.points.last()?);
        let [from, to] = [first.y, last.y].map(|figure| label(figure, dimension));
        let [low, high] = [first.x, last.x].map(|key| label(key, chart.x.dimension));
        Some(format!("{}: {from} at {low}, {to} at {high}", line.client.name))
    });
    let of_each: Vec<_> = of_each.collect();
    let mut text = format!("{} along {}.", chart.y.label, chart.x.label);
    if of_each.is_empty() {
        text.push_str(" There are no points.");
    } else {
        text = format!("{text} {}.", of_each.join("; "));
    }
    let crossovers: Vec<_> = chart.crossovers.iter().map(|mark| mark.label.as_str()).collect();
    if !crossovers.is_empty() {
        text = format!("{text} Marked: {}.", crossovers.join("; "));
    }
    text
}
