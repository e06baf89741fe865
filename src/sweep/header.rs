//! What identifies a sweep: the first line of each of its files of units.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::TOOL_VERSION;
use crate::report::columns::Cell;
use crate::scenario::Template;
use crate::scenario::axes::{Axis, AxisValue};

/// The version of the format of files of units.
pub const FORMAT: u32 = 1;

/// What identifies a sweep, and all that is needed to make its result files, or to play more of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub format: u32,
    /// The version of the program.
    pub tool_version: String,
    /// The scenario without its sweep.
    pub scenario: ScenarioPart,
    /// `product` or `zip`.
    pub combine: String,
    /// The keys that vary.
    pub axes: Vec<AxisPart>,
    /// How many points there are.
    pub points: u64,
    /// How many replications of each point.
    pub replications: u32,
    /// SHA-256 of the scenarios of all points, where their keys do not say what is in the files that they name.
    pub files_sha256: Option<String>,
    /// What is asked of its points together.
    pub search: SearchPart,
    /// What all of this was read from.
    pub source: SourcePart,
}

/// The scenario without its sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioPart {
    /// The stem of the file's name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of the resolved scenario, without its engine and its sweep.
    pub sha256: String,
    /// `sim`, `live` or `both`.
    pub engine: String,
    /// The seed of the first replication.
    pub seed: u64,
    /// Every key with the value in effect.
    pub resolved: Value,
}

/// A key that varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisPart {
    /// The key as `--set` takes it.
    pub key: String,
    /// Whether its values are numbers with a unit.
    pub has_unit: bool,
    /// Its values.
    pub values: Vec<ValuePart>,
}

/// A value of a key that varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValuePart {
    /// The value as it is written.
    pub text: String,
    /// Its number, in seconds, per second, bytes, or none; as it stands in files.
    pub number: Cell,
}

/// Which crossovers are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPart {
    /// Whether none are.
    pub is_off: bool,
    /// The key along which, if that was said.
    pub along: Option<String>,
    /// Every `--target`.
    pub targets: Vec<String>,
}

/// From what a [`Template`] can be read again, wherever the files are that the scenario names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourcePart {
    /// The name of the scenario file, without its folder.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Every `--set` that came with it.
    pub sets: Vec<String>,
    /// Every `--vary`.
    pub varied: Vec<String>,
    /// Whether the command line asked for values to meet one by one.
    pub zip: bool,
}

impl Header {
    /// What identifies a sweep of a template. `files` is the SHA-256 of what is in files that only values of axes name.
    pub fn new(template: &Template, replications: u32, files: Option<String>) -> Self {
        let (base, axes, changes) = (template.base(), template.axes(), template.changes());
        let value =
            |value: &AxisValue| ValuePart { text: value.text.clone(), number: Cell::from(value.number).rounded() };
        let axis = |axis: &Axis| AxisPart {
            key: axis.key.clone(),
            has_unit: axis.quantity.is_some_and(|quantity| quantity.has_unit()),
            values: axis.values().iter().map(value).collect(),
        };
        Self {
            format: FORMAT,
            tool_version: TOOL_VERSION.to_owned(),
            scenario: ScenarioPart {
                name: base.name.clone(),
                title: base.title.clone(),
                sha256: base.sha256(),
                engine: base.engine.name().to_owned(),
                seed: base.seed,
                resolved: base.to_json(),
            },
            combine: axes.combine.name().to_owned(),
            axes: axes.iter().map(axis).collect(),
            points: axes.points(),
            replications,
            files_sha256: files,
            search: SearchPart::default(),
            source: SourcePart {
                file: template.file_name(),
                text: template.text().to_owned(),
                sets: changes.sets.clone(),
                varied: changes.varied.clone(),
                zip: changes.zip,
            },
        }
    }

    /// How many units there are.
    pub fn units(&self) -> u64 {
        self.points.saturating_mul(self.replications.into())
    }

    /// The point and the replication of a unit, both counted from 0.
    pub fn place(&self, unit: u64) -> (u64, u32) {
        let replications = u64::from(self.replications.max(1));
        // A remainder is less than the number of replications.
        (unit / replications, (unit % replications) as u32)
    }

    /// The values of a point on each axis.
    pub fn values(&self, point: u64) -> Vec<&ValuePart> {
        let mut rest = point;
        let mut values: Vec<_> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let length = axis.values.len().max(1) as u64;
            let position = if self.combine == "zip" { point } else { rest } % length;
            rest /= length;
            values.extend(axis.values.get(position as usize));
        }
        values.reverse();
        values
    }

    /// What a point is called: its keys with their values.
    pub fn name_of(&self, point: u64) -> String {
        let values = self.values(point);
        let parts: Vec<_> =
            self.axes.iter().zip(values).map(|(axis, value)| format!("{} = {}", axis.key, value.text)).collect();
        parts.join(", ")
    }

    /// In what another sweep differs from this one so that their units do not belong together, as sentences; empty if they do.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut differ = |what: &str, here: &str, there: &str| {
            if here != there {
                sentences.push(format!("{what} is {there} there and {here} here"));
            }
        };
        differ("the version of pushpull", &self.tool_version, &other.tool_version);
        differ("the format", &self.format.to_string(), &other.format.to_string());
        differ("the engine", &self.scenario.engine, &other.scenario.engine);
        differ("the number of replications", &self.replications.to_string(), &other.replications.to_string());
        differ("the number of points", &self.points.to_string(), &other.points.to_string());
        differ("the way in which values meet", &self.combine, &other.combine);
        let keys = |header: &Self| header.axes.iter().map(|axis| axis.key.clone()).collect::<Vec<_>>().join(", ");
        differ("what varies", &keys(self), &keys(other));
        if self.scenario.sha256 != other.scenario.sha256 || self.scenario.name != other.scenario.name {
            sentences.push(format!(
                "the scenario is another one: {} ({}..) there and {} ({}..) here",
                other.scenario.name,
                other.scenario.sha256.get(..12).unwrap_or_default(),
                self.scenario.name,
                self.scenario.sha256.get(..12).unwrap_or_default()
            ));
        }
        for (here, there) in self.axes.iter().zip(&other.axes) {
            if here.key == there.key && here.values != there.values {
                sentences.push(format!("`{}` takes other values", here.key));
            }
        }
        if self.files_sha256 != other.files_sha256 {
            sentences.push("files that the values name hold something else".to_owned());
        }
        sentences
    }
}
