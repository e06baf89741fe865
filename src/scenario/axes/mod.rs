//! What varies in a sweep: the keys of `[sweep]` and of `--vary`, and the values that each takes.

mod quantity;
mod range;
mod read;
mod vary;

use crate::scenario::overrides::{Step, Target};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Node, Table, Value, quoted};

pub use quantity::Quantity;
pub(super) use range::RangeKeys;
pub use range::Scale;
pub(super) use read::take;
pub(super) use vary::PREFIX;

/// The most values of one key.
pub(super) const AXIS_MAX: usize = 1_000_000;
/// The most keys that vary at the same time.
const AXES_MAX: usize = 16;

/// What varies in a sweep: nothing if there are no axes, and then there is one point.
#[derive(Clone, Debug, Default)]
pub struct Axes {
    /// How the values of several keys meet.
    pub combine: Combine,
    list: Vec<Axis>,
}

/// How the values of several keys meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combine {
    /// Every value meets every value of the other keys; the last key changes fastest.
    #[default]
    Product,
    /// The first values meet, then the second ones, and so on.
    Zip,
}

impl Combine {
    /// The name that stands in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Zip => "zip",
        }
    }
}

/// A key with the values that it takes one after the other.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The key as `--set` takes it.
    pub key: String,
    /// What its values measure, if they are numbers.
    pub quantity: Option<Quantity>,
    target: Target,
    place: Option<Place>,
    values: Vec<AxisValue>,
    range: Option<RangeKeys>,
}

/// A value of an axis.
#[derive(Clone, Debug)]
pub struct AxisValue {
    /// The value as it is written: a text without its quotes, anything else as TOML.
    pub text: String,
    /// The number of the value in the base unit of its quantity; none for a word, a table, or anything else.
    pub number: Option<f64>,
    node: Node,
}

/// A key with the value that it has at a point.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key as `--set` takes it.
    pub key: String,
    /// The value.
    pub value: AxisValue,
    target: Target,
    place: Option<Place>,
}

impl Axes {
    /// The keys that vary, in the order of their columns.
    pub fn iter(&self) -> impl Iterator<Item = &Axis> {
        self.list.iter()
    }

    /// Whether nothing varies.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many points there are: combinations of values. It saturates.
    pub fn points(&self) -> u64 {
        let lengths = self.list.iter().map(|axis| axis.values.len() as u64);
        match self.combine {
            Combine::Product => lengths.fold(1, u64::saturating_mul),
            Combine::Zip => lengths.min().unwrap_or(1),
        }
    }

    /// The number of the value, counted from 0, that each axis has at a point, counted from 0 and below [`Self::points`].
    pub fn positions(&self, point: u64) -> Vec<usize> {
        let mut rest = point;
        let mut positions: Vec<usize> = Vec::with_capacity(self.list.len());
        for axis in self.list.iter().rev() {
            let length = axis.values.len().max(1) as u64;
            // Both are below the length of a list.
            match self.combine {
                Combine::Product => positions.push((rest % length) as usize),
                Combine::Zip => positions.push((point % length) as usize),
            }
            rest /= length;
        }
        positions.reverse();
        positions
    }

    /// The settings of a point, in the order of the axes.
    pub fn settings(&self, point: u64) -> Vec<Setting> {
        let setting = |(axis, position): (&Axis, usize)| axis.values.get(position).map(|value| axis.setting(value));
        self.list.iter().zip(self.positions(point)).filter_map(setting).collect()
    }

    /// The axes as they stand in a resolved scenario; none if nothing varies.
    pub(super) fn to_json(&self) -> Option<serde_json::Value> {
        if self.list.is_empty() {
            return None;
        }
        let mut table = serde_json::Map::new();
        table.insert("combine".to_owned(), self.combine.name().into());
        for axis in &self.list {
            let values = match &axis.range {
                Some(range) => range.to_json(),
                None => axis.values.iter().map(|value| json_of(&value.node.value)).collect(),
            };
            table.insert(axis.key.clone(), values);
        }
        Some(table.into())
    }
}

impl Axis {
    /// The values, in their order.
    pub fn values(&self) -> &[AxisValue] {
        &self.values
    }

    /// How its values are spaced, where they are a range.
    pub fn scale(&self) -> Option<Scale> {
        self.range.as_ref().map(RangeKeys::scale)
    }

    /// Whether its values may name files or hold more than one line says.
    pub(crate) fn is_deep(&self) -> bool {
        let is_table = |value: &AxisValue| matches!(value.node.value, Value::Table(_) | Value::List(_));
        self.target.path.starts_with("events.trace") || self.values.iter().any(is_table)
    }

    /// The key with one of the values.
    fn setting(&self, value: &AxisValue) -> Setting {
        Setting { key: self.key.clone(), value: value.clone(), target: self.target.clone(), place: self.place.clone() }
    }

    /// The key with a value that lies anywhere, as a number of the base unit of its quantity, to six significant digits or
    /// more; none where the key takes no numbers or cannot hold that one.
    ///
    /// What the value really is after rounding is its own number.
    pub fn at(&self, number: f64, digits: u32) -> Option<Setting> {
        let node = Node { place: self.place.clone(), value: self.quantity?.value(number, digits)? };
        Some(self.setting(&AxisValue::new(node, &self.target)))
    }
}

impl AxisValue {
    fn new(node: Node, target: &Target) -> Self {
        let key = target.key();
        let number = key.and_then(|key| Quantity::of(key.kind)?.number(&node, key).ok());
        Self { text: text_of(&node.value), number, node }
    }
}

impl Setting {
    /// Puts the value into the tree of a scenario.
    pub(super) fn apply(&self, root: &mut Table) -> Result<(), Problem> {
        let whole = Place { source: 0, span: 0..0 };
        super::overrides::insert(root, &self.target, self.value.node.clone(), self.place.as_ref().unwrap_or(&whole))
    }

    /// The setting as `--set` takes it.
    pub fn as_set(&self) -> String {
        format!("{}={}", self.key, self.value.text)
    }
}

/// The problem that a key cannot vary, if that is so.
fn unsuitable(target: &Target) -> Option<Problem> {
    let what = match target.path.as_str() {
        "schema" => "says what the file is, and is the same for every point",
        "title" | "client.name" | "client" => "names what is compared, and is the same for every point",
        "engine" | "replications" | "precision" => "is the same for every point",
        path if path == "sweep" || path.starts_with("sweep.") => "is the sweep itself",
        "threshold" | "prices" => "is said of the results, and changes no run",
        path if path.starts_with("threshold.") || path.starts_with("prices.") => {
            "is said of the results, and changes no run"
        }
        _ => return None,
    };
    let problem = Problem::new(format!("`{}` cannot vary: it {what}", target.path));
    Some(problem.help(match target.path.as_str() {
        "engine" => "write --engine both to play every point with both engines",
        "client" => "vary the keys of a client, such as client.NAME.pull.every",
        _ => "vary another key, such as events.rate",
    }))
}

/// The key that a target leads to, as `--set` takes it.
fn canonical(root: &Table, target: &Target) -> String {
    let [Step::Key(list), Step::Element(index), ..] = &target.steps[..] else { return target.path.clone() };
    if list == "fault" {
        return format!("fault.{}.{}", index + 1, target.path.strip_prefix("fault.").unwrap_or(&target.path));
    }
    let names = super::overrides::client_names(root);
    let name = names.iter().find(|(other, _)| other == index).map_or("", |(_, name)| name);
    format!("client.{name}.{}", target.path.strip_prefix("client.").unwrap_or(&target.path))
}

/// A value as text: what is a text already is that, anything else is TOML.
fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => inline(other),
    }
}

/// A value as TOML on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::List(list) => {
            let elements: Vec<_> = list.iter().map(|node| inline(&node.value)).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Table(table) => {
            let entry = |entry: &super::tree::Entry| format!("{} = {}", bare(&entry.key), inline(&entry.node.value));
            let entries: Vec<_> = table.entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.written(),
    }
}

/// A key as it is written in TOML: in quotes unless it needs none.
pub(super) fn bare(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if is_bare { key.to_owned() } else { quoted(key) }
}

fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) | Value::Date(text) => text.clone().into(),
        Value::Integer(integer) => match (u64::try_from(*integer), i64::try_from(*integer)) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(whole)) => whole.into(),
            _ => serde_json::Value::Null,
        },
        Value::Float(float) => (*float).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::List(list) => list.iter().map(|node| json_of(&node.value)).collect(),
        Value::Table(table) => {
            let entries = table.entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.node.value)));
            serde_json::Value::Object(entries.collect())
        }
        // Files are read into the tree of a scenario, and never into an axis.
        Value::Durations(_) => serde_json::Value::Null,
    }
}
