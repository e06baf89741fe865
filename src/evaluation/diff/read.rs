//! A `summary.csv` as it is read back: every cell a number, a word or nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::evaluation::diff::{KEY, SWEPT};
use crate::measure::dimension::Dimension;
use crate::report::SCHEMA;
use crate::report::columns::{Cell, MEASURES};

/// The largest file that is read.
const FILE_MAX: u64 = 1 << 30;

/// A `summary.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Where it is.
    pub path: PathBuf,
    /// The names of its columns.
    pub header: Vec<String>,
    /// Its rows, as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// Why a file cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct ReadError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it, with the line and the column where there is one.
    pub what: String,
}

impl Summary {
    /// Where a column stands.
    pub(super) fn index(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    /// The text in a row; empty where there is no such column.
    pub(super) fn text(&self, row: usize, column: &str) -> &str {
        self.index(column).and_then(|index| self.rows.get(row)?.get(index)).map_or("", String::as_str)
    }

    /// The cell in a row, where the column is known to stand.
    pub(super) fn cell(&self, row: usize, index: usize) -> Cell {
        self.rows.get(row).and_then(|row| row.get(index)).map_or(Cell::Empty, |text| cell(text))
    }
}

fn cell(text: &str) -> Cell {
    let number = || text.parse().ok().filter(|number: &f64| number.is_finite() && is_plain(text));
    match text {
        "" => Cell::Empty,
        _ => text.parse().map(Cell::Count).ok().or_else(|| number().map(Cell::Number)).unwrap_or_else(|| text.into()),
    }
}

/// Whether a text could be a number of a result file, which has no exponent and no word in it.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-')
}

/// Reads the `summary.csv` of a folder, or a file itself.
///
/// # Errors
///
/// If there is none, it is something else, or it is damaged.
pub fn read(path: &Path) -> Result<Summary, ReadError> {
    let path = if path.is_dir() { path.join("summary.csv") } else { path.to_owned() };
    let failed = |what: String| ReadError { path: path.clone(), what };
    if std::fs::metadata(&path).is_ok_and(|about| !about.is_file()) {
        return Err(failed("this is neither a folder nor a file".to_owned()));
    }
    let file = File::open(&path).map_err(|error| failed(unreadable(&error)))?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(|error| failed(unreadable(&error)))?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(failed(format!("it is larger than {} MiB", FILE_MAX >> 20)));
    }
    let (header, rows) = parse(&bytes).map_err(failed)?;
    let summary = Summary { path: path.clone(), header, rows };
    check(&summary).map_err(|what| ReadError { path, what })?;
    Ok(summary)
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}

type Table = (Vec<String>, Vec<Vec<String>>);

fn parse(bytes: &[u8]) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bytes);
    let mut rows = Vec::new();
    let mut header: Option<Vec<String>> = None;
    for record in reader.records() {
        let record = record.map_err(|error| damaged(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        match &header {
            None => header = Some(checked_header(cells)?),
            Some(header) if header.len() != cells.len() => {
                let (found, wanted) = (cells.len(), header.len());
                return Err(format!("line {line} has {found} cells, but the header has {wanted}: the file is damaged"));
            }
            Some(header) => {
                check_cells(header, &cells, line)?;
                rows.push(cells);
            }
        }
    }
    Ok((header.ok_or_else(not_a_summary)?, rows))
}

fn damaged(error: &csv::Error) -> String {
    let line = error.position().map_or_else(String::new, |position| format!("line {}: ", position.line()));
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => format!("{line}this is not UTF-8 text"),
        _ => format!("{line}this is not CSV: {error}"),
    }
}

fn not_a_summary() -> String {
    "this is not a summary.csv, which begins with the columns schema, tool_version and scenario".to_owned()
}

fn checked_header(header: Vec<String>) -> Result<Vec<String>, String> {
    let mut needed = KEY.iter().chain(&["schema"]);
    if !needed.all(|name| header.iter().any(|column| column == name)) {
        return Err(not_a_summary());
    }
    let mut sorted: Vec<_> = header.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(format!("line 1: the column {} is there twice", twice[0])),
        None => Ok(header),
    }
}

/// Makes sure that a cell of a column of numbers is a number or empty.
fn check_cells(header: &[String], cells: &[String], line: u64) -> Result<(), String> {
    for (name, text) in header.iter().zip(cells) {
        let what = match (name.as_str(), cell(text)) {
            ("schema", Cell::Count(version)) if version != u64::from(SCHEMA) => {
                return Err(format!(
                    "line {line}: this is version {version} of the format; this program reads {SCHEMA}"
                ));
            }
            ("schema" | "seed" | "replication", Cell::Count(_)) => continue,
            ("schema" | "seed" | "replication", _) => "a whole number",
            (name, Cell::Text(_)) if is_numeric(name) => "a number",
            _ => continue,
        };
        return Err(format!("line {line}, column {name}: \"{text}\" is not {what}: the file is damaged"));
    }
    Ok(())
}

/// Whether only numbers stand in a column. Of columns that this version does not know nobody can tell.
fn is_numeric(name: &str) -> bool {
    MEASURES.iter().any(|column| column.name == name) && Dimension::of_column(name).is_some()
}

/// Makes sure that no row is there twice.
fn check(summary: &Summary) -> Result<(), String> {
    let swept = summary.header.iter().filter(|name| name.starts_with(SWEPT)).map(String::as_str);
    let names: Vec<&str> = KEY.into_iter().chain(swept).collect();
    let mut seen = BTreeMap::new();
    for row in 0..summary.rows.len() {
        let key: Vec<&str> = names.iter().map(|name| summary.text(row, name)).collect();
        if let Some(first) = seen.insert(key.clone(), row) {
            let [first, second] = [first, row].map(|row| row + 1);
            return Err(format!("rows {first} and {second} are both of {}: the file is damaged", key.join(", ")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::diff::PROVENANCE;
    use crate::report::columns::IDENTITY;

    #[test]
    fn every_column_of_identity_is_part_of_the_key_or_tells_of_the_origin() {
        // How a client learns of events is neither: where that differs, so do the runs.
        let known = KEY.iter().chain(&PROVENANCE).chain(&["mode"]);
        let mut known: Vec<_> = known.copied().collect();
        let mut names: Vec<_> = IDENTITY.iter().map(|column| column.name).collect();
        known.sort_unstable();
        names.sort_unstable();
        assert_eq!(known, names);
    }

    #[test]
    fn cells_are_numbers_words_or_nothing() {
        let cases = [
            ("", Cell::Empty),
            ("12", Cell::Count(12)),
            ("-0.5", Cell::Number(-0.5)),
            ("false", Cell::from("false")),
            ("inf", Cell::from("inf")),
            ("1e5", Cell::from("1e5")),
        ];
        for (text, expected) in cases {
            assert_eq!(cell(text), expected, "{text}");
        }
    }
}
