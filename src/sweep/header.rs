//! What identifies a sweep: the first line of each of its files of units.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evaluation::stopping::{Repeat, Rule};
use crate::report::columns::Cell;
use crate::report::{TOOL_VERSION, human};
use crate::scenario::axes::{Axis, AxisValue};
use crate::scenario::percent::parse_percent;
use crate::scenario::threshold::Threshold;
use crate::scenario::{Changes, Problems, Template};
use crate::sweep::plan::UNITS_MAX;

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
    /// How many replications of each point; with a precision at most so many.
    pub replications: u32,
    /// How well the figures of each point are to be known, as text; a point is then one unit with all of its replications.
    pub precision: Option<String>,
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
    /// Every `--threshold`.
    pub thresholds: Vec<String>,
    /// Whether the command line asked for values to meet one by one.
    pub zip: bool,
}

impl Header {
    /// What identifies a sweep of a template. `files` is the SHA-256 of what is in files that only values of axes name.
    pub fn new(template: &Template, files: Option<String>) -> Self {
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
            replications: Repeat::of(base).most(),
            precision: base.precision.map(|precision| precision.to_string()),
            files_sha256: files,
            search: SearchPart::default(),
            source: SourcePart {
                file: template.file_name(),
                text: template.text().to_owned(),
                sets: changes.sets.clone(),
                varied: changes.varied.clone(),
                thresholds: changes.thresholds.clone(),
                zip: changes.zip,
            },
        }
    }

    /// The scenario file that the sweep was made from; files that it names are looked for in `folder`.
    ///
    /// # Errors
    ///
    /// If it cannot be read: this program reads it in another way, or files that it names are not there.
    pub fn template(&self, folder: &Path) -> Result<Template, Problems> {
        let SourcePart { file, text, sets, varied, zip, thresholds } = &self.source;
        let changes =
            Changes { sets: sets.clone(), flags: 0, varied: varied.clone(), zip: *zip, thresholds: thresholds.clone() };
        Template::parse(text, file, folder, &changes)
    }

    /// How many units each point has: its replications, or with a precision one for all of them.
    pub fn units_of_point(&self) -> u64 {
        if self.precision.is_some() { 1 } else { self.replications.max(1).into() }
    }

    /// How many units there are.
    pub fn units(&self) -> u64 {
        self.points.saturating_mul(self.units_of_point())
    }

    /// The least number of replications of a unit.
    pub fn least_of_unit(&self) -> u32 {
        self.rule().map_or(1, |rule| rule.minimum())
    }

    /// So many units, in words.
    pub fn count_of_units(&self, count: u64) -> String {
        let (one, many) = if self.precision.is_some() { ("point", "points") } else { ("run", "runs") };
        human::things(count as f64, one, many)
    }

    /// When a point has enough replications; none where their number is given.
    pub fn rule(&self) -> Option<Rule> {
        let precision = parse_percent(self.precision.as_deref()?).ok()?;
        Some(Rule { precision: precision.share(), maximum: self.replications })
    }

    /// Whether points are played more than once.
    pub fn is_replicated(&self) -> bool {
        self.precision.is_some() || self.replications > 1
    }

    /// What every point has to fulfil.
    ///
    /// # Errors
    ///
    /// If what stands in the header is none, as a sentence.
    pub fn thresholds(&self) -> Result<Vec<Threshold>, String> {
        let list = |key: &str| self.scenario.resolved[key].as_array().cloned().unwrap_or_default();
        let clients = list("client");
        let clients: Vec<_> = clients.iter().filter_map(|client| client["name"].as_str()).collect();
        let threshold = |json: &Value| {
            let expect = json["expect"].as_str().unwrap_or_default();
            let threshold = Threshold::read(expect, json["engine"].as_str(), &clients);
            threshold.map_err(|error| format!("the threshold {expect:?} cannot be read: {}", error.message))
        };
        list("threshold").iter().map(threshold).collect()
    }

    /// The point and the first replication of a unit, both counted from 0.
    pub fn place(&self, unit: u64) -> (u64, u32) {
        let units = self.units_of_point();
        // A remainder is less than the number of replications.
        (unit / units, (unit % units) as u32)
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

    /// Whether what it says goes together. A file can say anything, checksum or not.
    pub fn is_sound(&self) -> bool {
        let lengths = self.axes.iter().map(|axis| axis.values.len() as u64);
        let points = match self.combine.as_str() {
            "zip" => lengths.min().unwrap_or(1),
            _ => lengths.fold(1, u64::saturating_mul),
        };
        points == self.points && points > 0 && self.replications > 0 && self.units() < UNITS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Control;
    use crate::evaluation::outcome::Outcome;
    use crate::evaluation::play::{anywhere, play};
    use crate::scenario::axes::Setting;
    use crate::sweep::difference::HERE_AND_THERE;
    use crate::sweep::unit;

    const TEXT: &str =
        "duration = \"1m\"\n[events]\nrate = \"1/s\"\n[[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1s\"\n";

    fn played(template: &Template, setting: &Setting, replication: u32) -> Outcome {
        let first = template.at(std::slice::from_ref(setting), 0).unwrap();
        let scenario = unit::replication(&first, replication);
        Outcome::of(&play(&scenario, &anywhere(), &Control::default(), |_| ()).unwrap())
    }

    #[test]
    fn a_header_holds_all_that_is_needed_to_play_more() {
        let changes = Changes {
            sets: vec!["client.poll.pull.every=2s".to_owned(), "replications=4".to_owned()],
            varied: vec!["events.rate=1/s..3/s:3".to_owned()],
            thresholds: vec!["poll.lost == 0".to_owned()],
            ..Changes::default()
        };
        let template = Template::parse(TEXT, "folder/mine.toml", Path::new("."), &changes).unwrap();
        let header = Header::new(&template, None);
        let text = serde_json::to_string(&header).unwrap();
        let read: Header = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let again = read.template(Path::new(".")).unwrap();
        assert!(Header::new(&again, None).differences(&read, HERE_AND_THERE).is_empty());
        // Between two points lies another one, with the same luck.
        let setting = again.axes().iter().next().unwrap().at(1.25, 6).unwrap();
        assert_eq!(setting.as_set(), "events.rate=1.25/s");
        let outcome = played(&again, &setting, 3);
        assert_eq!(outcome, played(&template, &template.axes().iter().next().unwrap().at(1.25, 9).unwrap(), 3));
        assert_eq!(outcome.seed, crate::seed::replicated(1, 3));
    }

    #[test]
    fn a_unit_is_a_point_and_a_replication() {
        let changes = Changes {
            sets: vec!["replications=4".to_owned()],
            varied: vec!["events.rate=1/s,2/s".to_owned(), "consumers=1,2,3".to_owned()],
            ..Changes::default()
        };
        let template = Template::parse(TEXT, "mine", Path::new("."), &changes).unwrap();
        let header = Header::new(&template, None);
        assert_eq!((header.units(), header.place(0), header.place(23)), (24, (0, 0), (5, 3)));
        assert_eq!(header.name_of(4), "events.rate = 2/s, consumers = 2");
        assert!(header.is_sound());
        for points in [0, 5, 7, u64::MAX] {
            assert!(!Header { points, ..header.clone() }.is_sound());
        }
        assert!(!Header { replications: 0, ..header.clone() }.is_sound());
        assert!(!Header { replications: u32::MAX, ..header.clone() }.is_sound());
        for point in 0..header.points {
            let settings = template.axes().settings(point);
            let texts: Vec<_> = settings.iter().map(|setting| &setting.value.text).collect();
            assert_eq!(header.values(point).iter().map(|value| &value.text).collect::<Vec<_>>(), texts);
        }
    }
}
