//! What clients have not heard of yet, over time, through the faults of a run.

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::report::chart::axes::{self, BELOW, BESIDE};
use crate::report::chart::bands;
use crate::report::chart::canvas::{Canvas, Client};
use crate::report::chart::curve::{Step, corners, outline};
use crate::report::chart::ends::{EndLabels, LineEnd};
use crate::report::chart::scale::{Mapping, Scale, extent};
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class, px};
use crate::report::chart::ticks::round_up;
use crate::report::human;

/// The backlogs of all clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Backlog {
    /// One line a client.
    pub lines: Vec<BacklogLine>,
    /// The faults of the run.
    pub faults: Vec<FaultBand>,
}

/// The backlog of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct BacklogLine {
    /// Whose.
    pub client: Client,
    /// Events that had occurred and of which it had not heard at the end of each stretch of time.
    pub steps: Vec<Step>,
}

/// A stretch of time in which something is broken.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultBand {
    /// What: the kind of the fault.
    pub label: String,
    /// From when, in seconds since the start of the run.
    pub from_s: f64,
    /// Until when, in seconds since the start of the run.
    pub until_s: f64,
}

/// The backlog of each client over time, with the faults behind.
pub fn backlog(chart: &Backlog, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

pub(super) fn sketch(chart: &Backlog, canvas: &Canvas) -> Sketch {
    let texts: Vec<_> = chart.lines.iter().map(|line| (&line.client, peak_text(&line.steps))).collect();
    let labels = EndLabels::new(&texts, canvas.is_narrow());
    let height = (labels.height() - 8.0).max(if canvas.is_narrow() { 180.0 } else { 220.0 });
    let values = || chart.lines.iter().flat_map(|line| &line.steps);
    let high = round_up(values().map(|step| step.value).filter(|value| value.is_finite()).fold(1.0, f64::max));
    let measure = Mapping::new(Scale::Linear, [0.0, high], [height, 0.0]);
    let ticks = axes::vertical_ticks(&measure, Dimension::Number, height);
    let left = axes::labels_width(&ticks) + BESIDE + 2.0;
    let right = canvas.width() - labels.room().max(14.0);
    let edges = values().flat_map(|step| [step.from_s, step.until_s]);
    let span = extent(edges)
        .or_else(|| extent(chart.faults.iter().flat_map(|fault| [fault.from_s, fault.until_s])))
        .unwrap_or([0.0, 60.0]);
    let x = Mapping::new(Scale::Linear, span.map(|s| s * 1e3), [left, right]);
    let names: Vec<_> = chart.faults.iter().map(|fault| (middle(fault, &x), fault.label.as_str())).collect();
    let placed = bands::rows(&names, left, canvas.width() - 2.0);
    let top = bands::height(&placed) + 12.0;
    let mut sketch = Sketch::new(canvas, top + height + BELOW + 10.0, description(chart));
    let plot = Area::new(left, top, right, top + height);
    draw_faults(&mut sketch, chart, &placed, plot, &x);
    let y = Mapping::new(Scale::Linear, [0.0, high], [plot.bottom, plot.top]);
    axes::horizontal(&mut sketch, plot, &x, Dimension::Time);
    axes::vertical(&mut sketch, plot, &y, &ticks);
    if values().next().is_none() {
        sketch.say("no backlog", plot);
    }
    let mut ends = Vec::new();
    for (label, line) in chart.lines.iter().enumerate() {
        let points = corners(&line.steps, &x, &y);
        let told = format!("{}: {}", line.client.name, peak_text(&line.steps));
        sketch.told_path(&format!("line step {}", client_class(line.client.index)), &outline(&points), &told);
        ends.push(LineEnd { label, at: points.last().copied().unwrap_or([plot.right, plot.bottom]) });
    }
    labels.draw(&mut sketch, plot, &chart.lines.iter().map(|line| &line.client).collect::<Vec<_>>(), &ends);
    sketch
}

fn middle(fault: &FaultBand, x: &Mapping) -> f64 {
    (x.at(fault.from_s * 1e3) + x.at(fault.until_s * 1e3)) / 2.0
}

/// A band for each fault, its edges, and its name above.
fn draw_faults(sketch: &mut Sketch, chart: &Backlog, placed: &[bands::Placed], plot: Area, x: &Mapping) {
    for (fault, name) in chart.faults.iter().zip(placed) {
        let [from, until] = [x.at(fault.from_s * 1e3), x.at(fault.until_s * 1e3)];
        let told = format!(
            "{} from {} to {}",
            fault.label,
            human::duration_secs(fault.from_s),
            human::duration_secs(fault.until_s)
        );
        let top = plot.top - 6.0 - name.row as f64 * bands::ROW;
        sketch.shape(html! {
            rect class="fault" x=(px(from)) y=(px(plot.top)) width=(px((until - from).max(2.0)))
                height=(px(plot.height())) { title { (told) } }
        });
        sketch.path("fault-edge", &outline(&[[from, top], [until.max(from + 2.0), top]]));
        if name.row > 0 {
            let at = (from + until) / 2.0;
            sketch.line("fault-edge", [at, top], [at, plot.top]);
        }
        let whole = (name.text != fault.label).then_some(fault.label.as_str());
        let line = Line::muted(name.left, top - 3.0, Anchor::Start);
        sketch.text(&name.text, &Line { whole, class: "fault-name", ..line });
    }
}

fn peak(steps: &[Step]) -> f64 {
    steps.iter().map(|step| step.value).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

fn peak_text(steps: &[Step]) -> String {
    format!("at most {}", human::number(peak(steps)))
}

fn description(chart: &Backlog) -> String {
    if chart.lines.is_empty() {
        return "There was no backlog.".into();
    }
    let of_each = chart.lines.iter().map(|line| format!("{}: {}", line.client.name, peak_text(&line.steps)));
    let faults = chart.faults.iter().map(|fault| {
        let [from, until] = [fault.from_s, fault.until_s].map(human::duration_secs);
        format!("{} from {from} to {until}", fault.label)
    });
    let faults: Vec<_> = faults.collect();
    let through = if faults.is_empty() { String::new() } else { format!(" Faults: {}.", faults.join("; ")) };
    format!("Events not heard of yet, over time. {}.{through}", of_each.collect::<Vec<_>>().join("; "))
}
