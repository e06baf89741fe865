//! What changed from one `summary.csv` to another, beyond a tolerance.
//!
//! Rows belong together that are of the same engine, client, replication and point of a sweep. What says where they come
//! from, such as the seed, is told apart and is no difference.

mod read;
mod render;
mod tolerance;

use std::collections::{BTreeMap, BTreeSet};

use crate::report::columns::{Cell, significant};

pub use read::{ReadError, Summary, read};
pub use render::{csv, json, table};
pub use tolerance::{Tolerance, Tolerances};

/// Columns that say where a row comes from.
pub const PROVENANCE: [&str; 5] = ["schema", "tool_version", "scenario", "scenario_sha256", "seed"];
/// Columns that, with those of swept keys, say which row it is.
pub const KEY: [&str; 3] = ["engine", "client", "replication"];
/// What the names of columns of swept keys start with.
pub const SWEPT: &str = "param_";
/// What the names of columns start with that hold the same again, as a number.
const SWEPT_VALUE: &str = "value_";

/// Two files that cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Incomparable(String);

/// A row: the cells of [`KEY`] and those of swept keys.
pub type RowKey = Vec<String>;

/// One cell that is not the same on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which row.
    pub row: RowKey,
    /// Which column.
    pub column: String,
    /// The cells of both sides.
    pub cells: [Cell; 2],
    /// How far it may change.
    pub tolerance: Tolerance,
}

/// What two files differ in.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// The names of the swept keys, without what their columns start with.
    pub swept: Vec<String>,
    /// Columns of origin that differ, with the values on both sides.
    pub origins: Vec<(String, [Vec<String>; 2])>,
    /// Columns that only one side has.
    pub columns: [Vec<String>; 2],
    /// Rows that only one side has.
    pub rows: [Vec<RowKey>; 2],
    /// Cells that changed, by client, then row, then column.
    pub changes: Vec<Change>,
    /// Cells that were compared.
    pub compared: usize,
}

impl Change {
    /// The second value less the first, where both are numbers.
    pub fn difference(&self) -> Option<f64> {
        let [a, b] = self.numbers()?;
        nine(b - a)
    }

    /// The second value divided by the first, where that means something.
    pub fn ratio(&self) -> Option<f64> {
        let [a, b] = self.numbers().filter(|[a, _]| *a != 0.0)?;
        nine(b / a)
    }

    /// The size of a difference as a cell: whole where both sides are.
    fn whole(&self, size: f64) -> Cell {
        let is_whole = self.cells.iter().all(|cell| matches!(cell, Cell::Count(_)));
        if is_whole { Cell::Count(size as u64) } else { Cell::Number(size) }
    }

    fn numbers(&self) -> Option<[f64; 2]> {
        let [a, b] = &self.cells;
        Some([a.value()?, b.value()?])
    }

    /// Whether it is within its tolerance. A value that came or went, and a word, never is, unless anything goes.
    pub fn is_within(&self) -> bool {
        let distance = || Some((self.numbers()?[0].abs(), self.difference()?.abs()));
        match self.tolerance {
            Tolerance::Any => true,
            // Rounded as the values are: 0.303 is 1 % more than 0.3.
            Tolerance::Relative(share) => {
                distance().and_then(|(first, difference)| Some(difference <= nine(share * first)?)).unwrap_or(false)
            }
            Tolerance::Absolute(most) => distance().is_some_and(|(_, difference)| difference <= most),
        }
    }
}

/// A number with the nine significant digits of files.
fn nine(number: f64) -> Option<f64> {
    significant(number).parse().ok().filter(|number: &f64| number.is_finite())
}

impl Differences {
    /// Whether nothing changed beyond its tolerance, and no row came or went.
    pub fn is_within(&self) -> bool {
        self.rows.iter().all(Vec::is_empty) && self.changes.iter().all(Change::is_within)
    }
}

/// Whether a column holds figures, or words about a run.
fn is_figure(column: &str) -> bool {
    let apart = PROVENANCE.iter().chain(&KEY).any(|name| *name == column);
    !apart && !column.starts_with(SWEPT) && !column.starts_with(SWEPT_VALUE)
}

/// Compares two files.
///
/// # Errors
///
/// If their formats differ, one is swept over keys that the other is not, or a tolerance is about a column that neither has.
pub fn compare(sides: [&Summary; 2], tolerances: &Tolerances) -> Result<Differences, Incomparable> {
    let swept = same_sweep(sides)?;
    let figures =
        |side: &Summary| -> Vec<String> { side.header.iter().filter(|name| is_figure(name)).cloned().collect() };
    let [a, b] = sides.map(figures);
    let shared = a.iter().filter_map(|name| Some((name, sides[0].index(name)?, sides[1].index(name)?)));
    let shared: Vec<(&String, usize, usize)> = shared.collect();
    let names: Vec<&str> = a.iter().chain(&b).map(String::as_str).collect();
    tolerances.check(&names).map_err(Incomparable)?;
    let [rows_a, rows_b] = sides.map(|side| by_key(side, &swept));
    let mut changes = Vec::new();
    let mut compared = 0;
    for (key, first) in &rows_a {
        let Some(second) = rows_b.get(key) else { continue };
        for (name, in_first, in_second) in &shared {
            compared += 1;
            let cells = [sides[0].cell(*first, *in_first), sides[1].cell(*second, *in_second)];
            if !is_same(&cells) {
                let tolerance = tolerances.of(name);
                changes.push(Change { row: key.clone(), column: (*name).clone(), cells, tolerance });
            }
        }
    }
    // A stable sort: within a row, columns stay in the order of the file.
    changes.sort_by(|x, y| (&x.row[1], &x.row).cmp(&(&y.row[1], &y.row)));
    let only = |mine: &BTreeMap<RowKey, usize>, other: &BTreeMap<RowKey, usize>| {
        mine.keys().filter(|key| !other.contains_key(*key)).cloned().collect()
    };
    let missing =
        |mine: &[String], other: &[String]| mine.iter().filter(|name| !other.contains(name)).cloned().collect();
    Ok(Differences {
        swept,
        origins: origins(sides),
        columns: [missing(&a, &b), missing(&b, &a)],
        rows: [only(&rows_a, &rows_b), only(&rows_b, &rows_a)],
        changes,
        compared,
    })
}

/// Whether two cells hold the same: a number may be written as a count or with a point.
fn is_same([a, b]: &[Cell; 2]) -> bool {
    match (a.value(), b.value()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn same_sweep(sides: [&Summary; 2]) -> Result<Vec<String>, Incomparable> {
    let swept = |side: &Summary| -> Vec<String> {
        side.header.iter().filter_map(|name| name.strip_prefix(SWEPT)).map(str::to_owned).collect()
    };
    let [a, b] = sides.map(swept);
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    if set(&a) != set(&b) {
        let over = |side: &Summary, keys: &[String]| match keys {
            [] => format!("{} is no sweep", side.path.display()),
            _ => format!("{} is swept over {}", side.path.display(), keys.join(", ")),
        };
        return Err(Incomparable(format!("{}, but {}", over(sides[0], &a), over(sides[1], &b))));
    }
    Ok(a)
}

/// The rows of a file by what identifies them. The reader has seen to it that there is one of each.
fn by_key(side: &Summary, swept: &[String]) -> BTreeMap<RowKey, usize> {
    let key = |row: usize| {
        let names = KEY.iter().map(|name| (*name).to_owned()).chain(swept.iter().map(|name| format!("{SWEPT}{name}")));
        names.map(|name| side.text(row, &name).to_owned()).collect()
    };
    (0..side.rows.len()).map(|row| (key(row), row)).collect()
}

/// Columns of origin whose values are not the same on both sides.
fn origins(sides: [&Summary; 2]) -> Vec<(String, [Vec<String>; 2])> {
    let values = |side: &Summary, name: &str| -> Vec<String> {
        let all: BTreeSet<&str> = (0..side.rows.len()).map(|row| side.text(row, name)).collect();
        all.into_iter().map(str::to_owned).collect()
    };
    let both = PROVENANCE.iter().map(|name| ((*name).to_owned(), sides.map(|side| values(side, name))));
    both.filter(|(_, [a, b])| a != b).collect()
}
