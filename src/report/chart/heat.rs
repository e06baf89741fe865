//! The ratio of one client's figure to another's over two swept keys.

use maud::{Markup, html};

use crate::report::chart::axes::{BELOW, BESIDE};
use crate::report::chart::canvas::Canvas;
use crate::report::chart::curve::outline;
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, px};
use crate::report::chart::text::{self, NORMAL, SMALL};
use crate::report::human;

/// The ratio of a client's figure to that of the baseline, over two keys.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Which figure.
    pub figure: String,
    /// The client.
    pub client: String,
    /// The client it is compared with.
    pub baseline: String,
    /// The name of the key that goes to the right.
    pub x_label: String,
    /// Its values, as they are to be written.
    pub x_values: Vec<String>,
    /// The name of the key that goes up.
    pub y_label: String,
    /// Its values, as they are to be written; the first is lowest.
    pub y_values: Vec<String>,
    /// The ratios: a row for each value of the key that goes up, with a cell for each value of the other. None where there
    /// is no figure.
    pub cells: Vec<Vec<Option<f64>>>,
    /// Lines along which both are equal, as points counted in cells: 0 is the middle of the first.
    pub frontier: Vec<Vec<[f64; 2]>>,
}

/// The ratios at which one colour ends and the next begins, below one and above; between the first two both are about equal.
const STEPS: [f64; 4] = [1.1, 2.0, 5.0, 20.0];
/// How many colours there are.
pub(super) const COLOURS: usize = 2 * STEPS.len() + 1;
/// Room between cells.
const GAP: f64 = 2.0;
/// Room between the labels of two columns.
const BETWEEN_LABELS: f64 = 8.0;
/// The height of the colour key with its texts.
const KEY: f64 = 52.0;

/// Which colour a ratio has: 0 where the client's figure is by far the smaller one, the middle where both are about equal.
fn colour(ratio: f64) -> usize {
    let middle = STEPS.len();
    let steps = |factor: f64| STEPS.iter().filter(|step| factor > **step).count();
    if ratio >= 1.0 { middle + steps(ratio) } else { middle - steps(1.0 / ratio.max(1e-300)) }
}

/// A cell for each pair of values, in the colour of its ratio, with the frontier between the clients.
pub fn heat_map(chart: &HeatMap, canvas: &Canvas) -> Markup {
    sketch(chart, canvas).into_svg()
}

/// The grid of cells.
struct Grid {
    plot: Area,
    cell: [f64; 2],
    rows: usize,
}

impl Grid {
    /// The place of a point counted in cells.
    fn at(&self, [column, row]: [f64; 2]) -> [f64; 2] {
        let x = self.plot.left + (column + 0.5) * self.cell[0];
        let y = self.plot.bottom - (row + 0.5) * self.cell[1];
        [x.clamp(self.plot.left, self.plot.right), y.clamp(self.plot.top, self.plot.bottom)]
    }

    fn area(&self, column: usize, row: usize) -> Area {
        let [x, y] = self.at([column as f64, row as f64]);
        Area::new(x - self.cell[0] / 2.0, y - self.cell[1] / 2.0, x + self.cell[0] / 2.0, y + self.cell[1] / 2.0)
            .grown(-GAP / 2.0)
    }
}

pub(super) fn sketch(chart: &HeatMap, canvas: &Canvas) -> Sketch {
    let columns = chart.x_values.len().max(1);
    let rows = chart.y_values.len().max(1);
    let widest = chart.y_values.iter().map(|value| text::width(value, SMALL, false)).fold(0.0, f64::max);
    let left = widest.min(canvas.width() / 4.0) + BESIDE + 2.0;
    let right = canvas.width() - 2.0;
    // Cells as wide as there is room for, unless they are few; flat enough that the whole can be seen at once.
    let cell_width = ((right - left) / columns as f64).min(110.0);
    let cell_height = (cell_width * 0.62).clamp(18.0, 44.0);
    let top = KEY + 22.0;
    let plot = Area::new(left, top, left + cell_width * columns as f64, top + cell_height * rows as f64);
    let grid = Grid { plot, cell: [cell_width, cell_height], rows };
    let mut sketch = Sketch::new(canvas, plot.bottom + BELOW + 28.0, description(chart));
    draw_key(&mut sketch, chart);
    name_axes(&mut sketch, chart, &grid);
    draw_cells(&mut sketch, chart, &grid);
    for line in &chart.frontier {
        let points: Vec<_> = line.iter().map(|point| grid.at(*point)).collect();
        sketch.path("frontier-edge", &outline(&points));
        sketch.path("frontier", &outline(&points));
    }
    sketch
}

fn draw_cells(sketch: &mut Sketch, chart: &HeatMap, grid: &Grid) {
    let columns = chart.x_values.len();
    for (row, cells) in chart.cells.iter().take(grid.rows.min(chart.y_values.len())).enumerate() {
        for (column, cell) in cells.iter().take(columns).enumerate() {
            let area = grid.area(column, row);
            let ratio = cell.filter(|ratio| ratio.is_finite() && *ratio >= 0.0);
            let place =
                format!("{} {}, {} {}", chart.x_label, chart.x_values[column], chart.y_label, chart.y_values[row]);
            let (class, shown) = match ratio {
                Some(ratio) => (format!("heat h{}", colour(ratio) + 1), short_factor(ratio)),
                None => ("heat none".into(), "–".into()),
            };
            let told = match ratio {
                Some(ratio) => format!("{} / {}: {} at {place}", chart.client, chart.baseline, human::factor(ratio)),
                None => format!("no figure at {place}"),
            };
            sketch.shape(html! {
                rect class=(class) x=(px(area.left)) y=(px(area.top)) width=(px(area.width()))
                    height=(px(area.height())) rx="2" { title { (told) } }
            });
            // A cell says its ratio where it has room for it.
            if text::width(&shown, SMALL, false) + 4.0 <= area.width() && area.height() >= SMALL + 3.0 {
                let middle = [(area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0 + 0.35 * SMALL];
                let ink = match ratio.map(colour) {
                    Some(colour) => format!("heat-ink h{}", colour + 1),
                    None => "muted".into(),
                };
                let line = Line::muted(middle[0], middle[1], Anchor::Middle);
                sketch.text(&shown, &Line { class: &ink, whole: Some(&told), ..line });
            }
        }
    }
}

/// A factor as it fits into a cell: `0.25`, `6.6`, `1/66`.
fn short_factor(ratio: f64) -> String {
    if ratio == 0.0 { "0".into() } else { human::factor(ratio).trim_end_matches(" x").to_owned() }
}

fn name_axes(sketch: &mut Sketch, chart: &HeatMap, grid: &Grid) {
    let plot = grid.plot;
    let shortened = |label: &str, room: f64| text::shorten(label, room, SMALL, false);
    sketch.text(&shortened(&chart.y_label, sketch.width() - 4.0), &Line::muted(0.0, plot.top - 9.0, Anchor::Start));
    let room = plot.left - BESIDE;
    for (row, value) in chart.y_values.iter().enumerate() {
        let [_, y] = grid.at([0.0, row as f64]);
        let line = Line::muted(plot.left - BESIDE, y + 0.35 * SMALL, Anchor::End);
        sketch.text(&shortened(value, room), &line);
    }
    name_columns(sketch, &chart.x_values, grid);
    let middle = (plot.left + plot.right) / 2.0;
    let line = Line::muted(middle, plot.bottom + BELOW + 18.0, Anchor::Middle);
    sketch.text(&shortened(&chart.x_label, sketch.width() - 4.0), &line);
}

/// The values of the key that goes to the right: every one where there is room, and otherwise every second, third, ...
fn name_columns(sketch: &mut Sketch, values: &[String], grid: &Grid) {
    let baseline = grid.plot.bottom + BELOW - 2.0;
    let width = |label: &str| text::width(label, SMALL, false);
    let widest = values.iter().map(|value| width(value)).fold(0.0, f64::max);
    let every = (((widest + BETWEEN_LABELS) / grid.cell[0]).ceil() as usize).clamp(1, values.len().max(1));
    // A long label at an edge is moved inwards, so what the one before it left is all the room that the next has.
    let mut free = 0.0;
    for (column, value) in values.iter().enumerate().step_by(every) {
        let room = (grid.cell[0] * every as f64 - BETWEEN_LABELS).min(sketch.width() - free);
        if room < width("…") {
            break;
        }
        let shown = text::shorten(value, room, SMALL, false);
        let half = width(&shown) / 2.0;
        let [x, _] = grid.at([column as f64, 0.0]);
        let x = x.min(sketch.width() - half).max(free + half);
        let whole = (shown != *value).then_some(value.as_str());
        sketch.text(&shown, &Line { whole, ..Line::muted(x, baseline, Anchor::Middle) });
        free = x + half + BETWEEN_LABELS;
    }
}

/// The colours in a row, with the ratios between them and whom each end speaks for.
fn draw_key(sketch: &mut Sketch, chart: &HeatMap) {
    let whole = format!("{}: {} / {}", chart.figure, chart.client, chart.baseline);
    let heading = text::shorten(&whole, sketch.width() - 4.0, NORMAL, true);
    let told = (heading != whole).then_some(whole.as_str());
    sketch.text(&heading, &Line { whole: told, ..Line::name(0.0, NORMAL, Anchor::Start, "ink") });
    let swatch = ((sketch.width() - 4.0) / COLOURS as f64).min(44.0);
    for index in 0..COLOURS {
        let left = index as f64 * swatch;
        let area = Area::new(left, 20.0, left + swatch - 1.0, 30.0);
        sketch.rectangle(&format!("heat h{}", index + 1), area);
    }
    let baseline = 30.0 + SMALL + 2.0;
    let end = COLOURS as f64 * swatch - 1.0;
    // On the narrowest of canvases the numbers have no room for words beside them.
    if swatch >= 38.0 {
        sketch.text("less", &Line::muted(0.0, baseline, Anchor::Start));
        sketch.text("more", &Line::muted(end, baseline, Anchor::End));
    }
    for (index, step) in STEPS.iter().enumerate() {
        let middle = COLOURS as f64 / 2.0 * swatch - 0.5;
        let off = (index as f64 + 0.5) * swatch;
        for (at, label) in [(middle - off, format!("1/{step}")), (middle + off, format!("{step}"))] {
            sketch.text(&label, &Line::muted(at, baseline, Anchor::Middle));
        }
    }
}

fn description(chart: &HeatMap) -> String {
    let ratios = || chart.cells.iter().flatten().filter_map(|cell| *cell).filter(|ratio| ratio.is_finite());
    let total = ratios().count();
    let less = ratios().filter(|ratio| *ratio < 1.0).count();
    let more = ratios().filter(|ratio| *ratio > 1.0).count();
    let head = format!(
        "{} of {} divided by that of {}, over {} and {}.",
        chart.figure, chart.client, chart.baseline, chart.x_label, chart.y_label
    );
    match crate::report::chart::scale::extent(ratios()) {
        None => format!("{head} There are no figures."),
        Some([low, high]) => format!(
            "{head} From {} to {}; of {total} cells it is smaller in {less} and larger in {more}.",
            human::factor(low),
            human::factor(high)
        ),
    }
}
