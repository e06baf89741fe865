//! Labels at the right ends of lines.

use crate::report::chart::canvas::Client;
use crate::report::chart::placement::spread;
use crate::report::chart::sketch::{Anchor, Area, Line, Sketch, client_class};
use crate::report::chart::text::{self, ASCENT, LEADING, NORMAL, SMALL};

/// How far the labels stand from the plot, so that there is room for leaders.
const GAP: f64 = 14.0;
/// Labels keep so much room between them.
const APART: f64 = 3.0;

/// The labels of all lines of a chart, broken into the lines of text that fit beside the plot.
#[derive(Debug)]
pub(super) struct EndLabels {
    names: Vec<Vec<String>>,
    figures: Vec<String>,
    width: f64,
}

/// Where a line ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineEnd {
    /// Which label is its.
    pub(super) label: usize,
    /// Where, in pixels.
    pub(super) at: [f64; 2],
}

impl EndLabels {
    /// Labels with the name of each client and a figure below it, which may be empty.
    pub(super) fn new(clients: &[(&Client, String)], is_narrow: bool) -> Self {
        let (room, lines) = if is_narrow { (92.0, 2) } else { (180.0, 2) };
        let names: Vec<_> =
            clients.iter().map(|(client, _)| text::wrap(&client.name, room, NORMAL, true, lines)).collect();
        let figures: Vec<_> = clients.iter().map(|(_, figure)| text::shorten(figure, room, SMALL, false)).collect();
        let widths = names.iter().flatten().map(|line| text::width(line, NORMAL, true));
        let width = widths.chain(figures.iter().map(|figure| text::width(figure, SMALL, false))).fold(0.0, f64::max);
        Self { names, figures, width }
    }

    /// How much room they take right of the plot.
    pub(super) fn room(&self) -> f64 {
        GAP + self.width + 2.0
    }

    /// How high they are together: a plot is to be as high at least.
    pub(super) fn height(&self) -> f64 {
        (0..self.names.len()).map(|index| self.height_of(index)).sum()
    }

    fn height_of(&self, index: usize) -> f64 {
        let figure = if self.figures[index].is_empty() { 0.0 } else { SMALL * LEADING };
        self.names[index].len() as f64 * NORMAL * LEADING + figure + APART
    }

    /// Writes them right of a plot, each as near to the end of its line as may be.
    pub(super) fn draw(&self, sketch: &mut Sketch, plot: Area, clients: &[&Client], ends: &[LineEnd]) {
        let wanted: Vec<_> = ends.iter().map(|end| (end.at[1], self.height_of(end.label))).collect();
        let tops = spread(&wanted, (plot.top - 8.0).max(0.0), (plot.bottom + 10.0).min(sketch.height()));
        let left = plot.right + GAP;
        for (end, top) in ends.iter().zip(tops) {
            let client = clients[end.label];
            let class = client_class(client.index);
            let middle = top + (self.height_of(end.label) - APART) / 2.0;
            let [x, y] = end.at;
            let bend = plot.right + GAP / 2.0;
            if (middle - y).abs() > 2.0 || plot.right - x > 2.0 {
                let points = [[x, y], [plot.right.max(x), y], [bend, middle], [left - 3.0, middle]];
                sketch.path(&format!("leader {class}"), &super::curve::outline(&points));
            }
            let mut baseline = top + ASCENT * NORMAL;
            for line in &self.names[end.label] {
                let whole = (self.names[end.label].join(" ") != client.name).then_some(client.name.as_str());
                sketch.text(line, &Line { whole, ..Line::name(left, baseline, Anchor::Start, &class) });
                baseline += NORMAL * LEADING;
            }
            if !self.figures[end.label].is_empty() {
                sketch.text(&self.figures[end.label], &Line::muted(left, baseline - 1.0, Anchor::Start));
            }
        }
    }
}
