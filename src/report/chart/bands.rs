//! Labels above a plot: of stretches of time and of places on its horizontal axis, in as many rows as they need.

use crate::report::chart::text::{self, SMALL};

/// The height of a row.
pub(super) const ROW: f64 = 15.0;
/// Labels in a row keep so much room between them.
const APART: f64 = 8.0;

/// Where a label above a plot stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    /// Its left end.
    pub(super) left: f64,
    /// Its row, from the plot up.
    pub(super) row: usize,
    /// What it says, shortened to the width of the chart.
    pub(super) text: String,
}

/// Places labels, given with the middles that they would like to have, between `low` and `high`; in the same order.
pub(super) fn rows(labels: &[(f64, &str)], low: f64, high: f64) -> Vec<Placed> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| labels[*a].0.total_cmp(&labels[*b].0));
    let mut placed: Vec<Option<Placed>> = vec![None; labels.len()];
    // The right end of what stands in each row so far.
    let mut filled: Vec<f64> = Vec::new();
    for index in order {
        let (middle, label) = labels[index];
        let text = text::shorten(label, high - low, SMALL, false);
        let width = text::width(&text, SMALL, false);
        let left = (middle - width / 2.0).min(high - width).max(low);
        let row = filled.iter().position(|end| end + APART <= left).unwrap_or(filled.len());
        if row == filled.len() {
            filled.push(0.0);
        }
        filled[row] = left + width;
        placed[index] = Some(Placed { left, row, text });
    }
    placed.into_iter().flatten().collect()
}

/// How high the rows are together.
pub(super) fn height(placed: &[Placed]) -> f64 {
    placed.iter().map(|label| label.row + 1).max().unwrap_or(0) as f64 * ROW
}
