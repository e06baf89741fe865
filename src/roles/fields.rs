//! The figures of a role: one table of names, meanings and getters, from which its CSV row and its JSON are made.

use serde_json::{Map, Value};

use crate::measure::histogram::Latencies;
use crate::report::columns::Cell;
use crate::report::csv;

/// One figure of a `T`.
#[derive(Debug)]
pub struct Field<T: ?Sized> {
    /// Its name, with the unit in it.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Its value.
    pub cell: fn(&T) -> Cell,
}

/// A figure as an entry of a table.
pub(super) const fn field<T: ?Sized>(name: &'static str, meaning: &'static str, cell: fn(&T) -> Cell) -> Field<T> {
    Field { name, meaning, cell }
}

/// One CSV row for each of some things, with a header.
pub(super) fn csv<'a, T: 'a>(fields: &[Field<T>], things: impl Iterator<Item = &'a T>) -> Vec<u8> {
    let rows = things.map(|thing| fields.iter().map(|field| (field.cell)(thing)).collect());
    csv::table(fields.iter().map(|field| field.name), rows)
}

/// One JSON object of one thing.
pub(super) fn json<T: ?Sized>(fields: &[Field<T>], thing: &T) -> Map<String, Value> {
    fields.iter().map(|field| (field.name.to_owned(), (field.cell)(thing).json())).collect()
}

/// A percentile of some latencies, or their maximum for 1; empty where there are too few.
pub(super) fn quantile(latencies: &Latencies<u64>, quantile: f64) -> Cell {
    if quantile < 1.0 { latencies.quantile_ms(quantile).into() } else { latencies.max_ms().into() }
}
