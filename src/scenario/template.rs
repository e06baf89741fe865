//! A scenario file whose keys take other values at every point of a sweep.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::scenario::axes::{self, Axes, Setting};
use crate::scenario::keys;
use crate::scenario::kinds;
use crate::scenario::problems::{Problem, Problems, Source};
use crate::scenario::tree::{Node, Table, Value};
use crate::scenario::{Scenario, durations, in_order, overrides, problems_of, read_text, scenario_of, syntax, walk};
use crate::seed;

/// What the command line changes in a scenario file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// `KEY=VALUE`: keys that have another value than in the file.
    pub sets: Vec<String>,
    /// How many of these, the last ones, came as options of their own, such as `--seed`, and are shown as such.
    pub flags: usize,
    /// `KEY=SPEC`: keys that vary, beside those of `[sweep]` or in their place.
    pub varied: Vec<String>,
    /// Whether the values of several keys meet one by one, whatever the file says.
    pub zip: bool,
    /// What the results have to fulfil beside what the file says.
    pub thresholds: Vec<String>,
}

impl From<&[String]> for Changes {
    /// Only `--set`s.
    fn from(sets: &[String]) -> Self {
        Self { sets: sets.to_vec(), ..Self::default() }
    }
}

/// A scenario file that has been read once, and from which the scenario of any point can be made.
#[derive(Clone, Debug)]
pub struct Template {
    base: Scenario,
    axes: Axes,
    /// The tree without `[sweep]`, with every `--set`.
    root: Table,
    dir: PathBuf,
    changes: Changes,
    sources: Arc<[Source]>,
}

impl Template {
    /// Reads a scenario file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, without regard to its sweep or in it, and with the changes.
    pub fn load(path: &Path, changes: &Changes) -> Result<Self, Problems> {
        let text = read_text(path).map_err(Problems::single)?;
        Self::parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")), changes)
    }

    /// Reads the text of a scenario file; `name` is what the file is called, and files that it names are looked for in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn parse(text: &str, name: &str, dir: &Path, changes: &Changes) -> Result<Self, Problems> {
        let file = Source { label: Some(name.to_owned()), text: text.to_owned() };
        let of = |prefix: &'static str| move |text: &String| Source { label: None, text: format!("{prefix}{text}") };
        let sets = overrides::written(changes);
        let sets = sets.map(|(prefix, text)| Source { label: None, text: format!("{prefix}{text}") });
        let varied = changes.varied.iter().map(of(axes::PREFIX));
        let sources: Arc<[Source]> = std::iter::once(file).chain(sets).chain(varied).collect();
        let mut template = Self::read(text, dir, changes, &sources).map_err(|list| problems_of(&sources, list))?;
        template.base = template.base.expecting(&changes.thresholds)?;
        Ok(template)
    }

    fn read(text: &str, dir: &Path, changes: &Changes, sources: &Arc<[Source]>) -> Result<Self, Vec<Problem>> {
        let mut root = syntax::read_file(text)?;
        let mut problems = overrides::apply(&mut root, changes);
        let axes = axes::take(&mut root, changes, &mut problems);
        problems.extend(walk::check(&root));
        durations::load(&mut root, dir);
        let mut base = scenario_of(root.clone(), dir, sources, problems)?;
        base.axes = axes.clone();
        Ok(Self { base, axes, root, dir: dir.to_owned(), changes: changes.clone(), sources: Arc::clone(sources) })
    }

    /// The scenario as it is without its sweep.
    pub fn base(&self) -> &Scenario {
        &self.base
    }

    /// The same, for whoever needs nothing else.
    pub fn into_base(self) -> Scenario {
        self.base
    }

    /// What varies.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// The name of the file, without its folder.
    pub fn file_name(&self) -> String {
        let label = self.sources.first().and_then(|source| source.label.as_deref()).unwrap_or_default();
        Path::new(label).file_name().map_or_else(|| label.to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        self.sources.first().map_or("", |source| &source.text)
    }

    /// What the command line changes in the file.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The scenario with these settings, and with the seed of a replication, counted from 0.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, where the values of the settings stand.
    pub fn at(&self, settings: &[Setting], replication: u32) -> Result<Scenario, Problems> {
        let scenario = self.build(settings, replication).map_err(|list| {
            let at: Vec<_> =
                settings.iter().map(|setting| format!("{} = {}", setting.key, setting.value.text)).collect();
            let with_point = |problem: Problem| Problem {
                // A problem may lie in how values go together that are far from each other in the file.
                message: if at.len() > 1 {
                    format!("{} (where {})", problem.message, at.join(", "))
                } else {
                    problem.message
                },
                ..problem
            };
            problems_of(&self.sources, list.into_iter().map(with_point).collect())
        });
        scenario?.expecting(&self.changes.thresholds)
    }

    fn build(&self, settings: &[Setting], replication: u32) -> Result<Scenario, Vec<Problem>> {
        let mut root = self.root.clone();
        let applied = settings.iter().filter_map(|setting| setting.apply(&mut root).err());
        let mut problems: Vec<_> = applied.collect();
        if let (true, Some(key)) = (replication > 0, keys::find("seed")) {
            let default = Node { place: None, value: Value::Integer(self.base.seed.into()) };
            let node = root.get(key.path).unwrap_or(&default);
            // A seed that is none is found again below.
            let seed = kinds::integer(node, key).map_or(0, |seed| seed::replicated(seed, replication));
            let place = node.place.clone();
            root.entries.retain(|entry| entry.key != key.path);
            let node = Node { place: place.clone(), value: Value::Integer(seed.into()) };
            root.entries.push(crate::scenario::tree::Entry { key: key.path.to_owned(), place, node });
        }
        problems.extend(walk::check(&root));
        durations::load(&mut root, &self.dir);
        scenario_of(root, &self.dir, &self.sources, problems).map_err(in_order)
    }
}
