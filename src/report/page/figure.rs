//! Numbers on a page: as people read them, each with the very text of the cell it comes from, and which cell that is.
//!
//! `data-file` names the file, `data-row` the row by the columns that identify it, `data-column` the column; for a file of
//! JSON, `data-pointer` names the value. What is the same for a whole table, row or column stands there once, and counts for
//! everything within.

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::thresholds::quantity;

/// What stands where there is no number.
pub(super) const NOTHING: &str = "–";

/// What identifies a row: columns with their values, as in the query of an address.
pub(super) fn row_key(parts: &[(&str, &str)]) -> String {
    parts.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

/// A text in which only letters, digits and a few signs stand for themselves.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A cell as people read it, and as it stands in the file; which cell it is says what is around it.
pub(super) fn number(cell: &Cell, shown: &str) -> Markup {
    match cell {
        Cell::Empty => html! { (NOTHING) },
        cell => html! { data value=(cell.text()) { (shown) } },
    }
}

/// The same in running text, with all of its origin.
pub(super) fn sourced(file: &str, row: &str, column: &str, cell: &Cell, shown: &str) -> Markup {
    html! { data value=(cell.text()) data-file=(file) data-row=(row) data-column=(column) { (shown) } }
}

/// A number from `run.json`, with all of its origin.
pub(super) fn pointed(pointer: &str, cell: &Cell, shown: &str) -> Markup {
    html! { data value=(cell.text()) data-file="run.json" data-pointer=(pointer) { (shown) } }
}

/// A cell of a column of results, as people read it.
pub(super) fn show(column: &str, cell: &Cell, currency: Option<&str>) -> String {
    let Some(value) = cell.value() else { return cell.text() };
    if column.starts_with("cost_") {
        let amount = human::amount(value);
        return currency.map_or_else(|| amount.clone(), |currency| format!("{amount} {currency}"));
    }
    match (Dimension::of_column(column), cell) {
        (Some((Dimension::Time, unit)), _) => human::duration_ms(value * unit),
        (Some((Dimension::Share, _)), _) => human::percent(value),
        (Some((Dimension::Size, _)), _) if value >= 0.0 => quantity(Dimension::Size, value),
        (_, Cell::Count(count)) => human::count(*count),
        _ => human::number(value),
    }
}

/// A quantity of a dimension that is named by its word in files.
pub(super) fn show_as(dimension: &str, cell: &Cell) -> String {
    let dimension = Dimension::ALL.into_iter().find(|known| known.word() == dimension).unwrap_or(Dimension::Number);
    cell.value().map_or_else(|| cell.text(), |value| quantity(dimension, value))
}

/// An instant in seconds since the start of a run, to the millisecond.
pub(super) fn instant(cell: &Cell) -> String {
    let Some(seconds) = cell.value() else { return NOTHING.to_owned() };
    let text = format!("{seconds:.3}");
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A name in running text.
pub(super) fn quoted(name: &str) -> String {
    format!("“{name}”")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_without_doubt() {
        assert_eq!(row_key(&[("engine", "sim"), ("client", "a=b&c d/ä")]), "engine=sim&client=a%3Db%26c%20d%2F%C3%A4");
    }

    #[test]
    fn columns_say_how_a_number_is_read() {
        let cases = [
            ("latency_mean_ms", Cell::Number(121.4), "121 ms"),
            ("measured_s", Cell::Number(7200.0), "2 h"),
            ("wasted_ratio", Cell::Number(0.5), "50 %"),
            ("provider_bytes_in", Cell::Count(1_536), "1.5 KiB"),
            ("requests", Cell::Count(12_345), "12,345"),
            ("requests_per_event", Cell::Number(1.0), "1"),
            ("provider_rps_peak", Cell::Count(7), "7"),
            ("cost_total", Cell::Number(0.001_234), "0.00123 USD"),
            ("overloaded", Cell::from("true"), "true"),
            ("lost", Cell::Empty, ""),
        ];
        for (column, cell, shown) in cases {
            assert_eq!(show(column, &cell, Some("USD")), shown, "{column}");
        }
        assert_eq!(
            (instant(&Cell::Number(3_725.412_6)), instant(&Cell::Count(60))),
            ("3725.413 s".into(), "60 s".into())
        );
        assert_eq!(show_as("time", &Cell::Number(2_000.0)), "2 s");
    }

    #[test]
    fn what_is_not_defined_is_no_number() {
        assert_eq!(number(&Cell::Empty, "").into_string(), "–");
        let shown = sourced("summary.csv", "client=%3C", "lost", &Cell::Count(3), "3").into_string();
        assert_eq!(
            shown,
            r#"<data value="3" data-file="summary.csv" data-row="client=%3C" data-column="lost">3</data>"#
        );
    }
}
