//! Durations from a CSV file: what somebody measured, as the distribution of a time.
//!
//! The files are read before the keys are, so that a key which takes a distribution need not know of files: where a
//! scenario names one, its tree of values holds the sample from then on, or what is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::distribution::{Empirical, Origin};
use crate::scenario::column::{self, Failure, Form, Limits, shown};
use crate::scenario::keys::{self, Kind};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Node, Table, Value};
use crate::scenario::units::{parse_span, unit_nanos};
use crate::time::Span;

/// The name of the distribution.
pub(super) const EMPIRICAL: &str = "empirical";
/// What to write for one.
pub(super) const HELP: &str =
    r#"write { empirical = "latencies.csv" } or { empirical = { file = "latencies.csv", column = "latency_ms" } }"#;

/// Durations, one a row.
const FORM: Form<Span> = Form {
    words: ["duration", "durations"],
    form_help: "the file is CSV with one duration a row: with units, such as 12ms, or in a column that is named after \
                its unit, such as latency_ms",
    too_much_help: "keep only the durations, or draw a smaller sample of them",
    cells_max: 1_000_000,
    bytes_max: Limits { file: 64 << 20, row: 1 << 20 },
    read: duration,
};
/// A longer duration is most likely in another unit than its column says.
const DURATION_MAX: Span = Span::from_secs(365 * 86_400);

/// Reads every file of durations that a scenario names; they are looked for in `dir`. What is wrong with one is found when
/// its key is read.
pub(super) fn load(root: &mut Table, dir: &Path) {
    in_table(root, "", &mut Loader { dir, loaded: BTreeMap::new() });
}

/// Every sample in a scenario, each once, in the order of their origins.
pub(super) fn samples(root: &Table) -> BTreeMap<&Origin, &Empirical> {
    fn collect<'a>(table: &'a Table, samples: &mut BTreeMap<&'a Origin, &'a Empirical>) {
        for entry in &table.entries {
            match &entry.node.value {
                Value::Durations(Ok(sample)) => drop(samples.insert(&sample.origin, sample)),
                Value::Table(inner) => collect(inner, samples),
                Value::List(list) => {
                    for node in list {
                        if let Value::Table(inner) = &node.value {
                            collect(inner, samples);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let mut samples = BTreeMap::new();
    collect(root, &mut samples);
    samples
}

/// Reads files, each column of each once.
struct Loader<'a> {
    dir: &'a Path,
    loaded: BTreeMap<Origin, Arc<Empirical>>,
}

fn in_table(table: &mut Table, path: &str, loader: &mut Loader<'_>) {
    for entry in &mut table.entries {
        let path = keys::join(path, &entry.key);
        let takes_time = keys::find(&path).is_some_and(|key| matches!(key.kind, Kind::Time | Kind::TimeOrLegs));
        match &mut entry.node.value {
            Value::Table(inner) if takes_time && inner.get(EMPIRICAL).is_some() => {
                for entry in inner.entries.iter_mut().filter(|entry| entry.key == EMPIRICAL) {
                    loader.load(&mut entry.node);
                }
            }
            Value::Table(inner) => in_table(inner, &path, loader),
            Value::List(list) => {
                for node in list {
                    if let Value::Table(inner) = &mut node.value {
                        in_table(inner, &path, loader);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Loader<'_> {
    /// Puts the sample into the place of what names its file.
    fn load(&mut self, node: &mut Node) {
        let read = origin(node).and_then(|(origin, places)| self.sample(origin, &places));
        node.value = Value::Durations(read);
    }

    fn sample(&mut self, origin: Origin, places: &Places) -> Result<Arc<Empirical>, Problem> {
        if let Some(sample) = self.loaded.get(&origin) {
            return Ok(Arc::clone(sample));
        }
        let values = column::load(&self.dir.join(&origin.file), origin.column.as_deref(), &FORM);
        let values = values.map_err(|Failure { message, help, key }| {
            let place = if key == "column" { &places.column } else { &places.file };
            Problem::new(message).at(place.as_ref()).help(help)
        })?;
        let sample = Arc::new(Empirical::new(values, origin.clone()));
        self.loaded.insert(origin, Arc::clone(&sample));
        Ok(sample)
    }
}

/// Where the parts of an origin stand.
struct Places {
    file: Option<Place>,
    column: Option<Place>,
}

/// The file and the column that a value names.
fn origin(node: &Node) -> Result<(Origin, Places), Problem> {
    let wrong = |what: String, place: &Option<Place>| Problem::new(what).at(place.as_ref()).help(HELP);
    let text = |node: &Node, name: &str| match &node.value {
        Value::Text(text) if !text.is_empty() && !text.chars().any(char::is_control) => Ok(text.clone()),
        Value::Text(_) => Err(wrong(format!("`{name}` is empty or has a control character in it"), &node.place)),
        other => Err(wrong(format!("`{name}` takes a text, not {}", other.kind()), &node.place)),
    };
    let table = match &node.value {
        Value::Text(_) => {
            let places = Places { file: node.place.clone(), column: None };
            return Ok((Origin { file: text(node, EMPIRICAL)?, column: None }, places));
        }
        Value::Table(table) => table,
        other => {
            let message = format!("`{EMPIRICAL}` takes the path of a CSV file, not {}", other.kind());
            return Err(wrong(message, &node.place));
        }
    };
    if let Some(entry) = table.entries.iter().find(|entry| !["file", "column"].contains(&entry.key.as_str())) {
        let message = format!("the distribution `{EMPIRICAL}` has no parameter `{}`", entry.key);
        return Err(Problem::new(message).at(entry.place.as_ref()).help("its parameters are `file` and `column`"));
    }
    let file = table.get("file");
    let file = file.ok_or_else(|| wrong(format!("the distribution `{EMPIRICAL}` lacks `file`"), &node.place))?;
    let column = table.get("column");
    let name = column.map(|column| text(column, "column")).transpose()?;
    let places = Places { file: file.place.clone(), column: column.and_then(|column| column.place.clone()) };
    Ok((Origin { file: text(file, "file")?, column: name }, places))
}

/// Reads a duration: a number in the unit that the name of its column ends with, or one with a unit of its own.
fn duration(cell: &str, column: Option<&str>) -> Result<Span, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let (before, unit) = cell.split_at(cell.trim_end_matches(char::is_alphabetic).len());
    let nanos = match (number(cell), number(before).zip(unit_nanos(unit))) {
        (Some(number), _) => {
            let unit = column.and_then(last_word).and_then(unit_nanos).ok_or_else(|| no_unit(cell, column))?;
            number * unit as f64
        }
        // Decimals beyond a nanosecond come from how a program prints what it has measured; they are rounded off.
        (None, Some((number, unit))) => number * unit as f64,
        (None, None) => {
            let read = parse_span(cell).map_err(|error| format!("`{}` {}", shown(cell), error.what))?;
            read.as_nanos() as f64
        }
    };
    if nanos < 0.0 {
        return Err(format!("`{}` is negative", shown(cell)));
    }
    if nanos > DURATION_MAX.as_nanos() as f64 {
        return Err(format!("`{}` is longer than a year: is it in another unit?", shown(cell)));
    }
    Ok(Span::from_nanos_f64(nanos))
}

/// The last word of a column's name, such as `ms` in `latency_ms` and in `latency (ms)`.
fn last_word(name: &str) -> Option<&str> {
    name.split(|c: char| !c.is_alphabetic()).rfind(|word| !word.is_empty())
}

fn no_unit(cell: &str, column: Option<&str>) -> String {
    let named = column.map_or_else(String::new, |name| format!(", and its column `{}` names none", shown(name)));
    format!("`{}` has no unit{named}", shown(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::column::Fault;

    fn nanos(text: &str, column: Option<&str>) -> Result<Vec<u64>, Fault> {
        let spans = column::read(text.as_bytes(), column, &FORM)?;
        Ok(spans.into_iter().map(Span::as_nanos).collect())
    }

    #[test]
    fn a_value_has_a_unit_or_its_column_does() {
        for text in ["12ms\n0.5 s\n", "latency\n12ms\n0.5s\n", "latency_ms\n12\n500.0000000001\n", "ms\n12\n5e2\n"] {
            assert_eq!(nanos(text, None), Ok(vec![12_000_000, 500_000_000]), "{text}");
        }
        assert_eq!(nanos("id,took (us)\n7,1.5\n8,2ms\n", Some("took (us)")), Ok(vec![1_500, 2_000_000]));
        assert_eq!(nanos("http_duration_seconds\n.25\n1h 30m\n", None), Ok(vec![250_000_000, 5_400_000_000_000]));
        assert_eq!(nanos("\u{feff}1.23456789012us\n", None), Ok(vec![1_235]));
    }

    #[test]
    fn what_is_no_duration_is_named_with_its_line() {
        let line = |text: &str| match nanos(text, None) {
            Err(Fault::Line(line, what)) => (line, what),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(line("12\n"), (1, "`12` has no unit".to_owned()));
        assert_eq!(line("latency\n12\n"), (2, "`12` has no unit, and its column `latency` names none".to_owned()));
        assert_eq!(line("1ms\n-2ms\n"), (2, "`-2ms` is negative".to_owned()));
        assert_eq!(line("s\n1e9\n"), (2, "`1e9` is longer than a year: is it in another unit?".to_owned()));
        assert!(line("latency_ms\n1,5\n").1.starts_with("it has 2 cells, the first line has 1"));
        for cell in ["NaNms", "inf", "soon", "", "1 fortnight", "12ms,"] {
            assert!(
                nanos(&format!("a_ms\n1\n\"{cell}\"\n"), None).is_err_and(|f| matches!(f, Fault::Line(3, _)))
                    || cell.is_empty(),
                "{cell}"
            );
        }
        assert_eq!(nanos("latency_ms\n", None), Err(Fault::File("there is no duration in it".to_owned())));
    }

    #[test]
    fn too_many_durations_are_given_up() {
        let most = "1ms\n".repeat(FORM.cells_max);
        assert!(nanos(&most, None).is_ok_and(|values| values.len() == FORM.cells_max));
        let what = "there are more than 1000000 durations in it".to_owned();
        assert_eq!(nanos(&(most + "1ms\n"), None), Err(Fault::TooMuch(what)));
    }
}
