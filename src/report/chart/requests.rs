//! Requests over time by what became of them: a panel of stacked bars for each client.

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::measure::tally::{OutcomeKind, Outcomes};
use crate::report::chart::axes::{self, BELOW, BESIDE};
use crate::report::chart::canvas::{Canvas, Client};
use crate::report::chart::marks::{self, OUTCOMES, define_patterns};
use crate::report::chart::scale::{Mapping, Scale, extent};
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class, px};
use crate::report::chart::text::{self, NORMAL, SMALL};
use crate::report::chart::ticks::round_up;
use crate::report::human;

/// The requests of all clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// One panel a client.
    pub panels: Vec<RequestsPanel>,
}

/// The requests of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestsPanel {
    /// Whose.
    pub client: Client,
    /// One bar for each stretch of time.
    pub bars: Vec<Bar>,
}

/// The requests that started in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// From when, in seconds since the start of the run.
    pub from_s: f64,
    /// Until when, in seconds since the start of the run.
    pub until_s: f64,
    /// How many of each outcome.
    pub outcomes: Outcomes,
}

impl RequestsPanel {
    fn total(&self, kind: OutcomeKind) -> u64 {
        self.bars.iter().fold(0, |sum, bar| sum.saturating_add(marks::count(&bar.outcomes, kind)))
    }

    /// The outcomes that occur, each with how often.
    fn occurring(&self) -> Vec<(OutcomeKind, u64)> {
        OUTCOMES.into_iter().map(|kind| (kind, self.total(kind))).filter(|(_, count)| *count > 0).collect()
    }
}

/// All requests of a bar; as a number, for they may be more than can be counted.
fn height_of(bar: &Bar) -> f64 {
    OUTCOMES.into_iter().map(|kind| marks::count(&bar.outcomes, kind) as f64).sum()
}

/// The height of a line of the key.
const KEY_ROW: f64 = 17.0;

/// An entry of a key: what it says, where it stands and in which line.
struct Entry {
    kind: OutcomeKind,
    text: String,
    left: f64,
    row: usize,
}

/// The requests of all clients over time, stacked by outcome, on common axes.
pub fn requests(chart: &Requests, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

pub(super) fn sketch(chart: &Requests, canvas: &Canvas) -> Sketch {
    let most = chart.panels.iter().flat_map(|panel| &panel.bars).map(height_of).fold(0.0, f64::max);
    let top_value = round_up(most.max(1.0));
    let panel_height = if canvas.is_narrow() { 64.0 } else { 76.0 };
    let measure = Mapping::new(Scale::Linear, [0.0, top_value], [panel_height, 0.0]);
    let ticks = axes::vertical_ticks(&measure, Dimension::Number, 2.2 * 52.0);
    let left = axes::labels_width(&ticks) + BESIDE + 2.0;
    let right = canvas.width() - 14.0;
    let keys: Vec<_> = chart.panels.iter().map(|panel| key(panel, canvas, [left, right])).collect();
    let heads: Vec<f64> = keys.iter().map(|(_, rows)| *rows as f64 * KEY_ROW + 8.0).collect();
    let between = 14.0;
    let panels = heads.iter().map(|head| head + panel_height + between).sum::<f64>();
    let mut sketch = Sketch::new(canvas, panels.max(panel_height) - between + BELOW + 10.0, description(chart));
    define_patterns(&mut sketch);
    let edges = chart.panels.iter().flat_map(|panel| &panel.bars).flat_map(|bar| [bar.from_s, bar.until_s]);
    let span = extent(edges).unwrap_or([0.0, 60.0]);
    let x = Mapping::new(Scale::Linear, span.map(|s| s * 1e3), [left, right]);
    let mut top = 0.0;
    let last = chart.panels.len().saturating_sub(1);
    for (index, ((panel, (entries, _)), head)) in chart.panels.iter().zip(&keys).zip(&heads).enumerate() {
        draw_key(&mut sketch, panel, entries, top, left);
        let plot = Area::new(left, top + head, right, top + head + panel_height);
        let y = Mapping::new(Scale::Linear, [0.0, top_value], [plot.bottom, plot.top]);
        if index == last {
            axes::horizontal(&mut sketch, plot, &x, Dimension::Time);
        } else {
            for tick in axes::horizontal_ticks(&x, Dimension::Time, canvas.width()) {
                let at = x.at(tick.value);
                sketch.line("grid", [at, plot.top], [at, plot.bottom]);
            }
        }
        axes::vertical(&mut sketch, plot, &y, &ticks);
        draw_bars(&mut sketch, panel, &x, &y);
        top = plot.bottom + between;
    }
    sketch
}

/// The name of the client and the outcomes that occur, in as many lines as they need.
fn key(panel: &RequestsPanel, canvas: &Canvas, [left, right]: [f64; 2]) -> (Vec<Entry>, usize) {
    let name = text::shorten(&panel.client.name, name_room(left, right), NORMAL, true);
    let (mut at, mut row) = (left + text::width(&name, NORMAL, true) + 16.0, 0);
    let mut occurring = panel.occurring();
    occurring.retain(|(_, count)| *count > 0);
    let entries = occurring.into_iter().map(|(kind, count)| {
        let text = format!("{} {}", human::count(count), marks::name(kind));
        let width = 14.0 + text::width(&text, SMALL, false);
        if at + width > canvas.width() - 2.0 {
            (at, row) = (left, row + 1);
        }
        let entry = Entry { kind, text, left: at, row };
        at += width + 14.0;
        entry
    });
    let entries: Vec<_> = entries.collect();
    let rows = entries.last().map_or(1, |entry| entry.row + 1);
    (entries, rows)
}

fn name_room(left: f64, right: f64) -> f64 {
    // Beside the name there is to be room for the words of a client without requests.
    (right - left - 90.0).min(320.0)
}

fn draw_key(sketch: &mut Sketch, panel: &RequestsPanel, entries: &[Entry], top: f64, left: f64) {
    let class = client_class(panel.client.index);
    let name = text::shorten(&panel.client.name, name_room(left, sketch.width() - 14.0), NORMAL, true);
    let whole = (name != panel.client.name).then_some(panel.client.name.as_str());
    sketch.text(&name, &Line { whole, ..Line::name(left, top + 12.0, Anchor::Start, &class) });
    for entry in entries {
        let baseline = top + 12.0 + entry.row as f64 * KEY_ROW;
        let swatch = Area::new(entry.left, baseline - 9.0, entry.left + 10.0, baseline + 1.0);
        draw_swatch(sketch, entry.kind, swatch, &class, None);
        sketch.text(&entry.text, &Line::muted(entry.left + 14.0, baseline, Anchor::Start));
    }
    if entries.is_empty() {
        let at = left + text::width(&name, NORMAL, true) + 16.0;
        sketch.text("no requests", &Line::muted(at, top + 12.0, Anchor::Start));
    }
}

fn draw_bars(sketch: &mut Sketch, panel: &RequestsPanel, x: &Mapping, y: &Mapping) {
    let class = client_class(panel.client.index);
    for bar in &panel.bars {
        let [from, until] = [x.at(bar.from_s * 1e3), x.at(bar.until_s * 1e3)];
        // A thin gap between bars that are wide enough for it.
        let gap = if until - from > 4.0 { 1.0 } else { 0.0 };
        let mut level = 0.0;
        for kind in OUTCOMES {
            let count = marks::count(&bar.outcomes, kind);
            if count == 0 {
                continue;
            }
            let bottom = y.at(level);
            level += count as f64;
            let area = Area::new(from + gap / 2.0, y.at(level), until - gap / 2.0, bottom);
            let told = format!(
                "{}: {} {} from {} to {}",
                panel.client.name,
                human::count(count),
                marks::name(kind),
                human::duration_secs(bar.from_s),
                human::duration_secs(bar.until_s)
            );
            draw_swatch(sketch, kind, area, &class, Some(&told));
        }
    }
}

/// A rectangle that looks like an outcome: solid, pale, or with a pattern.
fn draw_swatch(sketch: &mut Sketch, kind: OutcomeKind, area: Area, class: &str, told: Option<&str>) {
    let pattern = match kind {
        OutcomeKind::Duplicate | OutcomeKind::Throttled | OutcomeKind::Failed => {
            Some(format!("url(#{})", sketch.id(marks::class(kind))))
        }
        OutcomeKind::Useful | OutcomeKind::Empty | OutcomeKind::NotModified => None,
    };
    // The line around a bar lies within it, as far as there is room.
    let inset = 0.5_f64.min(area.width() / 4.0).min(area.height() / 4.0);
    let area = area.grown(-inset);
    sketch.shape(html! {
        rect class=(format!("bar {} {class}", marks::class(kind))) x=(px(area.left)) y=(px(area.top))
            width=(px(area.width().max(0.0))) height=(px(area.height().max(0.0))) fill=[pattern] {
            @if let Some(told) = told { title { (told) } }
        }
    });
}

fn description(chart: &Requests) -> String {
    if chart.panels.is_empty() {
        return "There were no requests.".into();
    }
    let of_each = chart.panels.iter().map(|panel| {
        let counts: Vec<_> = panel
            .occurring()
            .into_iter()
            .map(|(kind, count)| format!("{} {}", human::count(count), marks::name(kind)))
            .collect();
        let counts = if counts.is_empty() { "none".into() } else { counts.join(", ") };
        format!("{}: {counts}", panel.client.name)
    });
    format!("Requests over time by outcome. {}.", of_each.collect::<Vec<_>>().join("; "))
}
