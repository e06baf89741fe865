//! The tables of the roles for people: sections of labelled values.

use std::fmt::Write as _;

use crate::measure::histogram::Latencies;
use crate::report::human;
use crate::report::table::{Style, pad_left, pad_right};

const SECTION_WIDTH: usize = 10;
const LABEL_WIDTH: usize = 29;
const VALUE_WIDTH: usize = 14;

/// Labels with their values.
pub(super) type Lines = Vec<(String, String)>;

/// Whether a count is shown where it is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Always,
    IfAny,
}

/// Counts with their labels.
pub(super) fn counts(lines: &[(&str, u64, Shown)]) -> Lines {
    let shown = lines.iter().filter(|(_, count, shown)| *count > 0 || *shown == Shown::Always);
    shown.map(|(label, count, _)| ((*label).to_owned(), human::count(*count))).collect()
}

/// The percentiles of some latencies that they are enough for, and the longest; nothing without latencies.
pub(super) fn times(latencies: &Latencies<u64>) -> Lines {
    let shares = [("half within", 0.5), ("90 % within", 0.9), ("95 % within", 0.95), ("99 % within", 0.99)];
    let each = shares.into_iter().map(|(label, share)| (label, latencies.quantile_ms(share)));
    let all = each.chain([("longest", latencies.max_ms())]);
    all.filter_map(|(label, ms)| Some((label.to_owned(), human::duration_ms(ms?)))).collect()
}

/// Adds a section with its name on its first line; nothing for one without lines.
pub(super) fn section(text: &mut String, name: &str, lines: &Lines, style: Style) {
    for (index, (label, value)) in lines.iter().enumerate() {
        if index == 0 {
            text.push('\n');
        }
        let heading = style.bold(&pad_right(if index == 0 { name } else { "" }, SECTION_WIDTH));
        let _ = writeln!(text, "{heading}{}{}", pad_right(label, LABEL_WIDTH), pad_left(value, VALUE_WIDTH));
    }
}
