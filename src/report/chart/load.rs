//! The load on both systems over time, per second: exchanges, or bytes, at System B and at System A.

use maud::Markup;

use crate::measure::dimension::Dimension;
use crate::report::chart::axes::{self, BELOW, BESIDE};
use crate::report::chart::canvas::{Canvas, Client};
use crate::report::chart::curve::{Step, corners, outline};
use crate::report::chart::ends::{EndLabels, LineEnd};
use crate::report::chart::scale::{Mapping, Scale, extent};
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class};
use crate::report::chart::text::NORMAL;
use crate::report::chart::ticks::{label, round_up};

/// The load that all clients make.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// What is counted: exchanges, which is a [`Dimension::Rate`], or bytes per second, as a [`Dimension::Size`].
    pub dimension: Dimension,
    /// One pair of lines a client.
    pub lines: Vec<LoadLine>,
}

/// The load that one client makes, per second.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadLine {
    /// Which client.
    pub client: Client,
    /// At System B, the provider.
    pub provider: Vec<Step>,
    /// At System A, the consumers.
    pub consumer: Vec<Step>,
}

/// What falls on both systems per second, one panel each, for all clients.
pub fn load(chart: &Load, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

/// A panel: what it is called, and the steps of a client in it.
type Side = (&'static str, fn(&LoadLine) -> &[Step]);

/// The two systems.
const SIDES: [Side; 2] = [("System B (provider)", |line| &line.provider), ("System A (client)", |line| &line.consumer)];

/// The room above a panel for its heading.
const HEAD: f64 = 26.0;

pub(super) fn sketch(chart: &Load, canvas: &Canvas) -> Sketch {
    let labels = SIDES.map(|(_, side)| {
        let texts: Vec<_> = chart.lines.iter().map(|line| (&line.client, chart.mean_text(side(line)))).collect();
        EndLabels::new(&texts, canvas.is_narrow())
    });
    let least = if canvas.is_narrow() { 110.0 } else { 130.0 };
    let height = labels.iter().map(|labels| labels.height() - 8.0).fold(least, f64::max);
    let steps = || chart.lines.iter().flat_map(|line| line.provider.iter().chain(&line.consumer));
    let most = steps().map(|step| step.value).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let high = round_up(if most > 0.0 { most } else { 1.0 });
    let measure = Mapping::new(Scale::Linear, [0.0, high], [height, 0.0]);
    let ticks = axes::vertical_ticks(&measure, chart.dimension, height);
    let left = axes::labels_width(&ticks) + BESIDE + 2.0;
    let right = canvas.width() - labels.iter().map(EndLabels::room).fold(0.0, f64::max).max(14.0);
    let span = extent(steps().flat_map(|step| [step.from_s, step.until_s])).unwrap_or([0.0, 60.0]);
    let x = Mapping::new(Scale::Linear, span.map(|s| s * 1e3), [left, right]);
    let between = BELOW + 16.0;
    let mut sketch = Sketch::new(canvas, 2.0 * (HEAD + height) + between + BELOW + 10.0, description(chart));
    let clients: Vec<_> = chart.lines.iter().map(|line| &line.client).collect();
    for (index, ((heading, side), labels)) in SIDES.into_iter().zip(&labels).enumerate() {
        let top = HEAD + index as f64 * (HEAD + height + between);
        let plot = Area::new(left, top, right, top + height);
        let y = Mapping::new(Scale::Linear, [0.0, high], [plot.bottom, plot.top]);
        let heading_line = Line { class: "ink", ..Line::name(left, top - HEAD + NORMAL, Anchor::Start, "") };
        sketch.text(heading, &heading_line);
        axes::horizontal(&mut sketch, plot, &x, Dimension::Time);
        axes::vertical(&mut sketch, plot, &y, &ticks);
        let mut ends = Vec::new();
        for (label, line) in chart.lines.iter().enumerate() {
            let points = corners(side(line), &x, &y);
            let told = format!("{}: {}", line.client.name, chart.mean_text(side(line)));
            sketch.told_path(&format!("line step {}", client_class(line.client.index)), &outline(&points), &told);
            ends.push(LineEnd { label, at: points.last().copied().unwrap_or([plot.right, plot.bottom]) });
        }
        labels.draw(&mut sketch, plot, &clients, &ends);
        if steps().next().is_none() {
            sketch.say("no exchanges", plot);
        }
    }
    sketch
}

/// The mean of steps over time.
fn mean(steps: &[Step]) -> Option<f64> {
    let finite = || steps.iter().filter(|step| step.value.is_finite() && step.until_s > step.from_s);
    let length: f64 = finite().map(|step| step.until_s - step.from_s).sum();
    let whole: f64 = finite().map(|step| step.value * (step.until_s - step.from_s)).sum();
    (length > 0.0).then(|| whole / length).filter(|mean| mean.is_finite())
}

impl Load {
    fn mean_text(&self, steps: &[Step]) -> String {
        let Some(mean) = mean(steps) else { return "no requests".into() };
        let per_second = if self.dimension == Dimension::Rate { "" } else { "/s" };
        format!("mean {}{per_second}", label(mean, self.dimension))
    }
}

fn description(chart: &Load) -> String {
    if chart.lines.is_empty() {
        return "There were no exchanges.".into();
    }
    let of_each = chart.lines.iter().map(|line| {
        format!(
            "{}: {} at System B, {} at System A",
            line.client.name,
            chart.mean_text(&line.provider),
            chart.mean_text(&line.consumer)
        )
    });
    let what = if chart.dimension == Dimension::Rate { "Exchanges" } else { "Bytes" };
    format!("{what} per second over time. {}.", of_each.collect::<Vec<_>>().join("; "))
}
