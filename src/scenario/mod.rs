//! From a scenario file as written to a [`Setup`] that an engine can run.
//!
//! Reading has three steps, each of which names everything that it finds wrong: the text becomes a tree of values that
//! know where they stand, `--set`s included; the tree is read against the one table of [`keys()`]; and what the keys say
//! together is held against the limits of a run. A [`Scenario`] that exists is valid.

mod api;
mod arrivals;
pub mod axes;
mod bandwidth;
mod clients;
mod column;
mod durations;
mod faults;
mod keys;
mod kinds;
mod limits;
pub mod names;
mod overrides;
pub mod percent;
pub mod presets;
mod prices;
mod problems;
mod push;
mod read;
mod receiver;
mod records;
mod resolved;
mod retry;
mod schema;
mod sections;
mod sizes;
mod strategy;
mod syntax;
mod template;
pub mod threshold;
mod trace;
mod tree;
pub mod units;
mod waits;
mod walk;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::engine::Setup;
use crate::measure::prices::Prices;
use crate::measure::tally::Frame;
use crate::policy::provider::ApiPolicy;
use crate::seed::Seed;
use crate::time::{Span, Time};
use crate::workload::{Arrivals, Workload};

use arrivals::PhaseKeys;
use axes::Axes;
pub(crate) use bandwidth::format_bandwidth;
use faults::FaultKeys;
pub use keys::{Absent, Key, Kind, keys};
use percent::Percent;
pub use problems::{Place, Problem, Problems, Source};
use read::{Reader, Section};
pub use schema::schema;
use sections::DispatchKeys;
pub use template::{Changes, Template};
use threshold::Threshold;
use tree::Table;
use units::Rate;

/// The largest scenario file that is read.
const FILE_MAX: u64 = 16 << 20;

/// A scenario that is valid.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The stem of its file's name.
    pub name: String,
    /// What it shows; its name if the file does not say.
    pub title: String,
    /// The engine that it asks for.
    pub engine: EngineChoice,
    /// The number that every random draw goes back to.
    pub seed: u64,
    /// How often it is to be run; none where the file does not say.
    pub replications: Option<u32>,
    /// How well its figures are to be known; none where the file does not say.
    pub precision: Option<Percent>,
    /// Whether its warm-up is still to be found by a pilot run; until then it has none.
    pub seeks_warmup: bool,
    /// What an engine needs to know of it.
    pub setup: Setup,
    /// The mean rate of events of a consumer; none with phases and with a trace.
    pub rate: Option<Rate>,
    /// The phases of the rate, if there are any.
    phases: Vec<PhaseKeys>,
    /// Where the events come from if they are a trace.
    pub trace: Option<TraceSource>,
    /// Kept here too, because a scenario without webhooks has it nowhere else.
    dispatch: DispatchKeys,
    /// The name of the preset, whose values are all written out where they hold.
    preset: &'static str,
    /// The faults as the file says them; those that concern a client are in its setup.
    faults: Vec<FaultKeys>,
    /// What varies in a sweep of the file; nothing at a point of one.
    pub axes: Axes,
    /// What the results have to fulfil.
    pub thresholds: Vec<Threshold>,
    /// What requests and traffic cost, if the file says so.
    pub prices: Option<Prices>,
    written: Written,
}

/// The texts that a scenario was read from, to show where something is wrong with it.
#[derive(Clone, Debug)]
struct Written {
    sources: Arc<[Source]>,
    root: Table,
}

/// Which engine a scenario asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// Virtual time.
    #[default]
    Sim,
    /// Real HTTP on loopback.
    Live,
    /// One after the other, to compare them.
    Both,
}

impl EngineChoice {
    /// The name that stands in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Live => "live",
            Self::Both => "both",
        }
    }

    /// Whether the live engine takes part.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::Both)
    }
}

/// Where the instants of a trace come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSource {
    /// The CSV file, relative to the scenario file.
    pub file: String,
    /// The column, by its name in the first row; the first column if there is none.
    pub column: Option<String>,
}

impl Scenario {
    /// Reads a scenario file, changed by `--set`s of the form `KEY=VALUE`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file and the `--set`s.
    pub fn load(path: &Path, sets: &[String]) -> Result<Self, Problems> {
        Template::load(path, &Changes::from(sets)).map(Template::into_base)
    }

    /// Reads the text of a scenario file; `name` is what the file is called, and a trace file is looked for in `dir`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text and the `--set`s.
    pub fn parse(text: &str, name: &str, dir: &Path, sets: &[String]) -> Result<Self, Problems> {
        Template::parse(text, name, dir, &Changes::from(sets)).map(Template::into_base)
    }

    /// Whether the live engine can run this scenario too.
    ///
    /// # Errors
    ///
    /// Every limit of the live engine that the scenario exceeds.
    pub fn check_live(&self) -> Result<(), Problems> {
        let problems = limits::check_live(&self.subject());
        Problems::new(&self.written.sources, problems).map_or(Ok(()), Err)
    }

    /// The same scenario with another seed: one of its replications.
    #[must_use]
    pub fn reseeded(&self, seed: u64) -> Self {
        let mut other = Self { seed, ..self.clone() };
        other.setup.reseed(Seed::new(seed));
        other.faults.iter_mut().for_each(|keys| keys.fault.reseed(Seed::new(seed)));
        other
    }

    /// The same scenario with the warm-up that was found for it.
    #[must_use]
    pub fn with_warmup(&self, warmup: Span) -> Self {
        let mut other = Self { seeks_warmup: false, ..self.clone() };
        let frame = other.setup.frame;
        other.setup.frame = Frame::new(Time::ZERO + warmup, frame.duration, frame.end);
        other
    }

    /// Whether it is run more than once.
    pub fn is_replicated(&self) -> bool {
        self.precision.is_some() || self.replications.is_some_and(|count| count > 1)
    }

    /// The files that it names, relative to its own folder.
    pub fn files(&self) -> BTreeSet<String> {
        let samples = durations::samples(&self.written.root);
        let samples = samples.into_keys().map(|origin| origin.file.clone());
        samples.chain(self.trace.as_ref().map(|trace| trace.file.clone())).collect()
    }

    fn subject(&self) -> limits::Subject<'_> {
        limits::Subject { setup: &self.setup, root: &self.written.root }
    }
}

fn problems_of(sources: &Arc<[Source]>, list: Vec<Problem>) -> Problems {
    Problems::new(sources, list).unwrap_or_else(|| Problems::single("the scenario cannot be read"))
}

/// The text of a file.
fn read_text(path: &Path) -> Result<String, String> {
    let name = path.display();
    let unreadable = |error: std::io::Error| format!("cannot read {name}: {}", column::plain(&error));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(format!("cannot read {name}: it is larger than {}", units::format_size(FILE_MAX)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{name}:{line}: this is not UTF-8 text")
    })
}

/// The scenario of a tree in which every key has one value, and about which these problems are known.
fn scenario_of(
    root: Table,
    dir: &Path,
    sources: &Arc<[Source]>,
    problems: Vec<Problem>,
) -> Result<Scenario, Vec<Problem>> {
    let mut reader = Reader { problems };
    let name = sources.first().and_then(|source| source.label.as_deref()).unwrap_or_default();
    let stem = Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let written = Written { sources: Arc::clone(sources), root };
    let scenario = assemble(&mut reader, stem, dir, written);
    let Some(scenario) = scenario.filter(|_| reader.problems.is_empty()) else {
        return Err(in_order(reader.problems));
    };
    let mut problems = limits::check(&scenario.subject());
    if problems.is_empty() && scenario.engine.is_live() {
        problems = limits::check_live(&scenario.subject());
    }
    if problems.is_empty() { Ok(scenario) } else { Err(in_order(problems)) }
}

/// Problems in the order in which they stand in the file; what stands nowhere comes first.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.place.as_ref().map(|place| (place.source, place.span.start)));
    problems.dedup();
    problems
}

fn assemble(reader: &mut Reader, name: String, dir: &Path, written: Written) -> Option<Scenario> {
    let top = Section { path: "", table: Some(&written.root), place: None };
    let run = sections::run(reader, &top);
    let events = sections::events(reader, &top, dir);
    let provider = sections::provider(reader, &top);
    // The seed only passes through, so a file without a good one still has its network read.
    let seed = Seed::new(run.as_ref().map_or(0, |run| run.seed));
    let link = sections::network(reader, &top, seed);
    let idle_cut = sections::idle_cut(reader, &top);
    let mut clients = clients::clients(reader, &top, provider.as_ref());
    let frame = run.as_ref().zip(events.as_ref()).and_then(|(run, events)| {
        let duration = match (run.duration, &events.arrivals) {
            (Some(duration), _) => duration,
            (None, Arrivals::Trace(instants)) => trace::default_duration(instants),
            (None, _) => reader.get(&top, "duration", kinds::span)?,
        };
        Some(sections::frame(run.warmup.unwrap_or(Span::ZERO), duration, run.drain))
    });
    if let (Some(None), Some(events)) = (run.as_ref().map(|run| run.warmup), &events) {
        sections::steady(reader, &top, &events.arrivals);
    }
    if let (Some(clients), Some(events)) = (&mut clients, &events) {
        limits::push::fit_bodies(clients, &events.payload, &written.root);
    }
    let faults = faults::faults(reader, &top, (frame, seed), clients.as_deref_mut().unwrap_or(&mut []));
    let prices = prices::prices(reader, &top);
    let known =
        clients.as_deref().zip(prices.as_ref()).map(|(clients, prices)| threshold::Known::of(clients, prices.as_ref()));
    let thresholds = threshold::thresholds(reader, &top, known.as_ref(), &written.sources);
    let (run, events, provider, frame, faults) = (run?, events?, provider?, frame?, faults?);
    let setup = Setup {
        seed,
        frame,
        consumers: run.consumers,
        workload: Workload {
            seed,
            arrivals: events.arrivals,
            records: events.records,
            batch: events.batch,
            payload: events.payload,
            until: frame.duration,
            lifecycle: events.lifecycle,
        },
        link: link?,
        api: ApiPolicy { idle_cut: idle_cut?, ..provider.api },
        clients: clients?,
    };
    let title = run.title.unwrap_or_else(|| name.clone());
    Some(Scenario {
        name,
        title,
        engine: run.engine,
        seed: run.seed,
        replications: run.replications,
        precision: run.precision,
        seeks_warmup: run.warmup.is_none(),
        setup,
        rate: events.rate,
        phases: events.phases,
        trace: events.trace,
        dispatch: provider.dispatch,
        preset: provider.preset.name,
        faults,
        axes: Axes::default(),
        thresholds: thresholds?,
        prices: prices?,
        written,
    })
}
