//! Differences as people and as programs read them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::evaluation::diff::{Change, Differences, KEY, RowKey, SWEPT};
use crate::report::columns::Cell;
use crate::report::table::{Style, WIDTH, pad_left, pad_right, wrap};
use crate::report::{self, human};

/// The most changes, rows and columns that the table shows of each.
const LINES_MAX: usize = 40;
const COLUMN_WIDTH: usize = 28;
const VALUE_WIDTH: usize = 14;
const RATIO_WIDTH: usize = 9;

/// What changed beyond its tolerance, as a table, and what else is to be said. The names are those of the two sides.
pub fn table(differences: &Differences, names: [&str; 2], style: Style) -> String {
    let mut text = String::new();
    for (column, [a, b]) in &differences.origins {
        let [a, b] = [a, b].map(|values| values.iter().map(|value| fingerprint(value)).collect::<Vec<_>>());
        paragraph(&mut text, &format!("They come from another {column}: {} and {}.", listed(&a), listed(&b)));
    }
    for (name, columns) in names.iter().zip(&differences.columns) {
        if !columns.is_empty() {
            paragraph(&mut text, &format!("Only {name} has the columns {}.", listed(columns)));
        }
    }
    for (name, rows) in names.iter().zip(&differences.rows) {
        for row in rows.iter().take(LINES_MAX) {
            paragraph(&mut text, &format!("Only {name} has {}.", row_name(differences, row)));
        }
        rest(&mut text, rows.len());
    }
    let beyond: Vec<&Change> = differences.changes.iter().filter(|change| !change.is_within()).collect();
    if !beyond.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        changes(&mut text, differences, &beyond, style);
        text.push('\n');
    }
    paragraph(&mut text, &closing(differences, beyond.len()));
    text
}

fn changes(text: &mut String, differences: &Differences, beyond: &[&Change], style: Style) {
    let line = |label: &str, cells: [&str; 3], ratio: &str| {
        let [a, b, difference] = cells.map(|cell| pad_left(cell, VALUE_WIDTH));
        let line = format!("{}{a}{b}{difference}{}", pad_right(label, COLUMN_WIDTH), pad_left(ratio, RATIO_WIDTH));
        line.trim_end().to_owned()
    };
    let mut row = None;
    for change in beyond.iter().take(LINES_MAX) {
        let before = row.replace(&change.row);
        if before != Some(&change.row) {
            if before.is_some() {
                text.push('\n');
            }
            let name = row_name(differences, &change.row);
            for (index, part) in wrap(&name, WIDTH - 2).iter().enumerate() {
                let _ = writeln!(text, "{}{}", if index == 0 { "" } else { "  " }, style.bold(part));
            }
            let head = line("", ["first", "second", "difference"], "ratio");
            let _ = writeln!(text, "{}", style.dim(&head));
        }
        let [a, b] = change.cells.each_ref().map(show);
        let difference = change.difference().map_or_else(
            || "-".to_owned(),
            |difference| {
                let sign = if difference < 0.0 { "-" } else { "+" };
                format!("{sign}{}", show(&change.whole(difference.abs())))
            },
        );
        let ratio = change.ratio().map_or_else(|| "-".to_owned(), factor);
        let _ = writeln!(text, "{}", line(&format!("  {}", change.column), [&a, &b, &difference], &ratio));
    }
    rest(text, beyond.len());
}

/// The longest number that is shown to its last digit.
const DIGITS_MAX: usize = VALUE_WIDTH - 3;

/// How people read a cell: the name of its column has the unit. Six significant digits show small changes.
fn show(cell: &Cell) -> String {
    let six = |number: f64| match number.abs() {
        // Zeros behind the point would take the room of digits.
        n if n > 0.0 && n < 1e-4 => format!("{number:.3e}"),
        _ => format!("{number:.5e}").parse::<f64>().map_or_else(|_| String::new(), |rounded| rounded.to_string()),
    };
    match cell {
        Cell::Empty => "-".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Count(count) if count.to_string().len() <= DIGITS_MAX => count.to_string(),
        Cell::Count(count) => six(*count as f64),
        Cell::Number(number) => six(*number),
    }
}

/// A factor near one with all that sets it apart from it.
fn factor(ratio: f64) -> String {
    match (ratio - 1.0).abs() {
        distance if distance < 0.1 => format!("{ratio:.4}"),
        _ => human::factor(ratio),
    }
}

fn rest(text: &mut String, all: usize) {
    if all > LINES_MAX {
        let _ = writeln!(text, "and {} more", human::count((all - LINES_MAX) as u64));
    }
}

fn closing(differences: &Differences, beyond: usize) -> String {
    let count = |count: usize| human::count(count as u64);
    let (compared, within) = (count(differences.compared), differences.changes.len() - beyond);
    let rows: usize = differences.rows.iter().map(Vec::len).sum();
    let few = |rows: usize| if rows == 1 { "1 row is".to_owned() } else { format!("{} rows are", count(rows)) };
    let alone = if rows == 0 { String::new() } else { format!(" {} on one side only.", few(rows)) };
    let inside = match within {
        0 => String::new(),
        within => format!("; {} differ within it", count(within)),
    };
    match (beyond, within) {
        (0, 0) => format!("All {compared} figures are the same.{alone}"),
        (0, within) => format!("{} of {compared} figures differ, all within the tolerance.{alone}", count(within)),
        (beyond, _) => format!("{} of {compared} figures differ beyond the tolerance{inside}.{alone}", count(beyond)),
    }
}

/// As much of a hash as people compare.
fn fingerprint(value: &str) -> String {
    let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { value[..12].to_owned() } else { value.to_owned() }
}

fn paragraph(text: &mut String, sentence: &str) {
    let _ = writeln!(text, "{}", wrap(sentence, WIDTH).join("\n"));
}

/// Values of a list, cut where there are too many.
fn listed(values: &[String]) -> String {
    const MOST: usize = 8;
    let more = values.len().saturating_sub(MOST);
    let shown = values.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Which row it is, for people: the client, and what else tells it from others.
fn row_name(differences: &Differences, row: &RowKey) -> String {
    let mut parts = vec![row[0].clone()];
    if row[2] != "1" {
        parts.push(format!("replication {}", row[2]));
    }
    parts.extend(differences.swept.iter().zip(&row[KEY.len()..]).map(|(key, value)| format!("{key} = {value}")));
    format!("\"{}\", {}", row[1], parts.join(", "))
}

/// Every change as CSV: the row, the column, both values, and whether it is within its tolerance; then the rows that only
/// one side has, without a column.
pub fn csv(differences: &Differences) -> Vec<u8> {
    let swept: Vec<String> = differences.swept.iter().map(|key| format!("{SWEPT}{key}")).collect();
    let own = ["column", "first", "second", "difference", "ratio", "tolerance", "within"];
    let header = KEY.into_iter().chain(swept.iter().map(String::as_str)).chain(own);
    let changed = differences.changes.iter().map(|change| {
        let mut cells: Vec<Cell> = change.row.iter().map(|part| part.as_str().into()).collect();
        cells.extend([change.column.as_str().into(), change.cells[0].clone(), change.cells[1].clone()]);
        cells.extend([change.difference().into(), change.ratio().into()]);
        cells.extend([change.tolerance.to_string().as_str().into(), change.is_within().to_string().as_str().into()]);
        cells
    });
    let [first, second] = &differences.rows;
    let only = |rows: &[RowKey], words: [&'static str; 2]| -> Vec<Vec<Cell>> {
        let cells = |row: &RowKey| {
            let mut cells: Vec<Cell> = row.iter().map(|part| part.as_str().into()).collect();
            cells.extend([Cell::Empty, words[0].into(), words[1].into(), Cell::Empty, Cell::Empty, Cell::Empty]);
            cells.push("false".into());
            cells
        };
        rows.iter().map(cells).collect()
    };
    let rows = only(first, ["there", "missing"]).into_iter().chain(only(second, ["missing", "there"]));
    report::csv::table(header, changed.chain(rows))
}

/// Everything as JSON, indented, with a line end.
pub fn json(differences: &Differences, names: [&str; 2]) -> Vec<u8> {
    let row = |row: &RowKey| -> Value {
        let keys = KEY.iter().map(|key| (*key).to_owned());
        let swept = differences.swept.iter().map(|key| format!("{SWEPT}{key}"));
        keys.chain(swept).zip(row).map(|(key, value)| (key, Value::from(value.as_str()))).collect()
    };
    let number = |value: Option<f64>| Cell::from(value).json();
    let change = |change: &Change| {
        let [first, second] = change.cells.each_ref().map(Cell::json);
        json!({
            "row": row(&change.row), "column": change.column, "first": first, "second": second,
            "difference": number(change.difference()), "ratio": number(change.ratio()),
            "tolerance": change.tolerance.to_string(), "within": change.is_within(),
        })
    };
    let [first, second] = [0, 1].map(|side| {
        json!({
            "name": names[side],
            "only_columns": differences.columns[side],
            "only_rows": differences.rows[side].iter().map(row).collect::<Vec<_>>(),
        })
    });
    let origin = |(column, [first, second]): &(String, [Vec<String>; 2])| json!({ "column": column, "first": first, "second": second });
    let document = json!({
        "within_tolerance": differences.is_within(),
        "compared": differences.compared,
        "first": first,
        "second": second,
        "origins": differences.origins.iter().map(origin).collect::<Vec<_>>(),
        "changes": differences.changes.iter().map(change).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_vec_pretty(&document).unwrap_or_default();
    text.push(b'\n');
    text
}
