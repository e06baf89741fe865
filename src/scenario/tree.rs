//! A scenario as written: a tree of values that know where they stand.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::distribution::Empirical;
use crate::scenario::problems::{Place, Problem};

/// A value and where it stands; a default stands nowhere.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Where the value stands.
    pub place: Option<Place>,
    /// The value.
    pub value: Value,
}

/// A value of a scenario file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A whole number; one beyond this type is the nearest that it has.
    Integer(i128),
    /// A number with a point or an exponent.
    Float(f64),
    /// True or false.
    Flag(bool),
    /// A date or time, which no key takes.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
    /// A sample of durations in the place of what named its file, or what is wrong with that.
    Durations(Result<Arc<Empirical>, Problem>),
}

/// Keys and their values, in the order in which they stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Option<Place>,
    /// Its value.
    pub node: Node,
}

impl Table {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The value that the steps lead to: keys, or numbers for the elements of a list.
    pub(super) fn find(&self, steps: &[&str]) -> Option<&Node> {
        let (first, rest) = steps.split_first()?;
        rest.iter().try_fold(self.get(first)?, |node, step| match &node.value {
            Value::Table(table) => table.get(step),
            Value::List(list) => list.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Where the value stands that the steps lead to, or else what is nearest above it.
    pub(super) fn place(&self, steps: &[&str]) -> Option<&Place> {
        (1..=steps.len()).rev().find_map(|depth| self.find(&steps[..depth])?.place.as_ref())
    }

    pub(super) fn from_toml(table: &DeTable<'_>, source: usize, offset: usize) -> Self {
        let place = |span: std::ops::Range<usize>| Place { source, span: span.start + offset..span.end + offset };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                place: Some(place(key.span())),
                node: Node {
                    place: Some(place(value.span())),
                    value: Value::from_toml(value.get_ref(), source, offset),
                },
            })
            .collect();
        entries.sort_by_key(|entry| entry.place.as_ref().map(|place| place.span.start));
        Self { entries }
    }
}

impl Value {
    fn from_toml(value: &DeValue<'_>, source: usize, offset: usize) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(integer) => {
                let beyond = if integer.as_str().starts_with('-') { i128::MIN } else { i128::MAX };
                Self::Integer(i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(beyond))
            }
            DeValue::Float(float) => Self::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Datetime(date) => Self::Date(date.to_string()),
            DeValue::Array(list) => {
                let node = |element: &toml::Spanned<DeValue<'_>>| Node {
                    place: Some(Place { source, span: element.span().start + offset..element.span().end + offset }),
                    value: Self::from_toml(element.get_ref(), source, offset),
                };
                Self::List(list.iter().map(node).collect())
            }
            DeValue::Table(table) => Self::Table(Table::from_toml(table, source, offset)),
        }
    }

    /// The value as it would be written, or what kind of value it is if that is long.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Integer(integer) => integer.to_string(),
            Self::Float(float) => format!("{float:?}"),
            Self::Flag(flag) => flag.to_string(),
            Self::Date(date) => date.clone(),
            Self::List(_) => "[..]".to_owned(),
            Self::Table(_) | Self::Durations(_) => "{ .. }".to_owned(),
        }
    }

    /// What kind of value it is.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Durations(_) => "a file of durations",
        }
    }
}

/// A text as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Reads one value that stands at `offset` of a text; a text that is no TOML value is a string.
pub(super) fn read_value(text: &str, source: usize, offset: usize) -> Node {
    let place = Some(Place { source, span: offset..offset + text.len() });
    let value = match DeValue::parse(text) {
        Ok(value) => Value::from_toml(value.get_ref(), source, offset),
        Err(_) => Value::Text(text.to_owned()),
    };
    Node { place, value }
}
