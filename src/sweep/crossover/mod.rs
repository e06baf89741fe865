//! Where the answer of a sweep changes: the values at which two clients need the same number of requests or cost the same,
//! and those at which a target stops to hold or begins to.
//!
//! Points tell between which two of them that is; in virtual time, runs between the two then tell where
//! ([`crate::evaluation::crossing`]). What comes out depends on nothing but the points and the scenario, so it is the same
//! on any number of threads, and where shards are merged.

mod along;
mod file;
mod question;
mod search;
mod sentences;

use std::path::Path;

use rayon::prelude::*;

use crate::engine::Control;
use crate::evaluation::crossing;
use crate::measure::judgement::Comparison;
use crate::measure::sample::Estimate;
use crate::report::columns::Cell;
use crate::scenario::{Problems, Template};
use crate::sweep::header::{AxisPart, Header, SearchPart};
use crate::sweep::plan::Plan;
use crate::sweep::results::Results;
use crate::sweep::unit::UnitError;
use crate::sweep::units::ReadError;
use along::{Along, Line};
use question::Question;
use search::{Known, Search};

pub use file::csv;
pub use sentences::render;

/// Why crossovers cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// A target is no threshold expression, or the scenario of merged shards cannot be read.
    #[error("{0}")]
    Scenario(Box<Problems>),
    /// What is asked does not fit the sweep.
    #[error("{0}")]
    Usage(String),
}

/// Why crossovers were not found.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
    /// A run came to nothing.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The units cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(String),
}

/// What is asked of a sweep.
#[derive(Debug)]
pub struct Inquiry<'a> {
    template: &'a Template,
    along: Along<'a>,
    questions: Vec<Question>,
}

/// The answers: for each question and each line along the axis.
#[derive(Debug)]
pub struct Crossovers<'a> {
    header: &'a Header,
    along: Along<'a>,
    lines: Vec<Line>,
    /// A question with what was found on each line.
    answers: Vec<(Question, Vec<Answer>)>,
}

/// What was found on a line.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    /// Whether the difference is above zero at the first point at which it is not zero; none where there is no such point.
    starts_above: Option<bool>,
    /// The values of the points at which the difference is not known.
    unknown: Vec<f64>,
    /// Those at which it is known and may be zero: it is so, or its 95 % interval holds it.
    unsure: Vec<f64>,
    /// The runs of each point, at most.
    runs: u32,
    /// Where it changes its sign, in the order of the values.
    spots: Vec<Spot>,
}

/// A value at which a difference changes its sign.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    /// The value, in the base unit of the key.
    at: f64,
    /// Its 95 % interval, where there is one.
    interval: Option<(f64, f64)>,
    /// Whether the difference is below zero before it and above behind it.
    rises: bool,
    /// The runs of each value that it comes from.
    replications: u32,
    /// Whether values between the points were played.
    is_refined: bool,
}

impl<'a> Inquiry<'a> {
    /// What is asked of the sweep of a template; none where nothing is, or there is no axis to look along.
    ///
    /// # Errors
    ///
    /// If a target cannot be read, or cannot be looked for, or there is no such axis.
    pub fn new(template: &'a Template, asked: &SearchPart) -> Result<Option<Self>, AskError> {
        if asked.is_off {
            return Ok(None);
        }
        let base = template.base();
        let targets = base.targets(&asked.targets).map_err(|problems| AskError::Scenario(Box::new(problems)))?;
        if let Some(target) = targets.iter().find(|target| is_pointed(target.comparison)) {
            let sentence = format!(
                "--target \"{target}\" is so at single values, not on one side of any: write it with <, <=, > or >="
            );
            return Err(AskError::Usage(sentence));
        }
        let along = Along::new(template.axes(), asked.along.as_deref()).map_err(AskError::Usage)?;
        let Some(along) = along else {
            let none = "--target looks for a value at which it stops to hold, but no key takes two numbers here; \
                        --threshold with `pushpull run` holds one scenario against it";
            return if targets.is_empty() { Ok(None) } else { Err(AskError::Usage(none.to_owned())) };
        };
        let questions = Question::all(base, &targets);
        Ok((!questions.is_empty()).then_some(Self { template, along, questions }))
    }

    /// Looks for the answers in the results of the whole sweep, and between its points, on so many threads. `told` hears of every
    /// run that was played.
    ///
    /// # Errors
    ///
    /// If the units cannot be read, a run comes to nothing, or `control` stops it.
    pub fn find(
        &self,
        results: &'a Results,
        threads: usize,
        control: &Control,
        told: &(dyn Fn() + Sync),
    ) -> Result<Crossovers<'a>, SearchError> {
        let lines = self.along.lines(self.template.axes());
        let differences = self.differences(results)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| SearchError::Threads(error.to_string()))?;
        let answer = |question: usize, line: &Line| {
            let found = |point: u64| differences.get(usize::try_from(point).ok()?)?.get(question).copied().flatten();
            let question = &self.questions[question];
            let search = Search { template: self.template, along: &self.along, question, line, control, told };
            let known = |(at, point): &(f64, u64)| {
                found(*point).map(|estimate| Known { at: *at, difference: estimate.mean, runs: estimate.n })
            };
            let spots = search.spots(&line.points.iter().filter_map(known).collect::<Vec<_>>())?;
            let points = || line.points.iter().map(|(at, point)| (*at, found(*point)));
            let signed =
                |(_, found): (f64, Option<Estimate>)| found.map(|found| found.mean).filter(|mean| *mean != 0.0);
            Ok(Answer {
                starts_above: points().find_map(signed).map(|first| first > 0.0),
                unknown: points().filter(|(_, found)| found.is_none()).map(|(at, _)| at).collect(),
                unsure: points().filter(|(_, found)| found.is_some_and(may_be_zero)).map(|(at, _)| at).collect(),
                runs: points().filter_map(|(_, found)| found).map(|found| found.n).max().unwrap_or(0),
                spots,
            })
        };
        let all: Vec<_> =
            (0..self.questions.len()).flat_map(|number| lines.iter().map(move |line| (number, line))).collect();
        let found = pool.install(|| all.into_par_iter().map(|(number, line)| answer(number, line)).collect::<Vec<_>>());
        // The first of several errors is the same whichever was met first.
        let found: Vec<Answer> = found.into_iter().collect::<Result<_, SearchError>>()?;
        let answers = self.questions.iter().cloned().zip(found.chunks(lines.len().max(1)).map(<[Answer]>::to_vec));
        let answers = answers.collect();
        Ok(Crossovers { header: &results.header, along: self.along.clone(), lines, answers })
    }

    /// The mean difference of each question at each point; none where it is empty in one of its runs.
    fn differences(&self, results: &Results) -> Result<Vec<Differences>, SearchError> {
        let point = |number: u64| {
            let point = results.point(number)?;
            let mean = |question: &Question| question.mean(&point.outcomes).filter(|_| !point.outcomes.is_empty());
            Ok(self.questions.iter().map(mean).collect())
        };
        (0..results.header.points).map(point).collect()
    }

    /// About how many runs it takes to look, were there one crossover for each question on each line; none where nothing is
    /// played between points.
    pub fn runs(&self, header: &Header) -> Option<f64> {
        let lines = self.along.lines(self.template.axes()).len();
        self.runs_of_one(header).map(|(runs, asked)| runs * (asked * lines) as f64)
    }

    /// What these runs take, in seconds on one core.
    pub fn seconds(&self, plan: &Plan) -> Option<f64> {
        let (runs, asked) = self.runs_of_one(&plan.header)?;
        let of_line = |line: &Line| {
            let each = line.points.iter().map(|(_, point)| {
                let cost = plan.cost_of_point(*point);
                cost.in_virtual_time.seconds * runs + cost.pilot.seconds * f64::from(crossing::LOOKS + SLOPE)
            });
            each.sum::<f64>() / line.points.len().max(1) as f64
        };
        Some(self.along.lines(self.template.axes()).iter().map(of_line).sum::<f64>() * asked as f64)
    }

    /// How many runs one crossover takes, and about how many questions there are.
    fn runs_of_one(&self, header: &Header) -> Option<(f64, usize)> {
        let asked = self.questions.iter().filter(|question| question.engine == "sim" && !self.along.is_tied).count();
        let least = header.rule().map_or(header.replications, |rule| rule.minimum());
        let samples = SLOPE * least.max(crossing::REPLICATIONS_MIN);
        (asked > 0).then(|| (f64::from(crossing::LOOKS * least + samples), asked))
    }
}

/// The values that a slope is taken from.
const SLOPE: u32 = 3;

/// For each question, the mean difference at a point.
type Differences = Vec<Option<Estimate>>;

/// Whether nothing tells a difference from zero.
fn may_be_zero(difference: Estimate) -> bool {
    difference.mean == 0.0 || difference.interval().is_some_and(|(low, high)| low <= 0.0 && high >= 0.0)
}

/// Whether a target is so, or not so, at single values only.
const fn is_pointed(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Equal | Comparison::Unequal)
}

/// The template of a sweep that was played elsewhere; files that the scenario names are looked for in `folder`.
///
/// # Errors
///
/// If the scenario cannot be read there, or is another one there.
pub fn template(header: &Header, folder: &Path) -> Result<Template, AskError> {
    let template = header.template(folder).map_err(|problems| AskError::Scenario(Box::new(problems)))?;
    if template.base().sha256() == header.scenario.sha256 {
        return Ok(template);
    }
    let folder = if folder.as_os_str().is_empty() { "this folder".to_owned() } else { folder.display().to_string() };
    Err(AskError::Usage(format!("the files that the scenario names hold something else in {folder}")))
}

/// Whether anything could be asked of a sweep, as far as that can be said without its files: [`Inquiry::new`] tells for sure.
pub fn may_be_asked(header: &Header) -> bool {
    let clients = header.scenario.resolved["client"].as_array().map_or(0, Vec::len);
    let numbers = |axis: &AxisPart| axis.values.iter().filter(|value| value.number != Cell::Empty).count() > 1;
    !header.search.is_off && (clients > 1 || !header.search.targets.is_empty()) && header.axes.iter().any(numbers)
}
