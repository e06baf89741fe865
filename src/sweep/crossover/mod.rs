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
use crate::measure::judgement::Comparison;
use crate::report::columns::Cell;
use crate::scenario::{Problems, Template};
use crate::sweep::header::{AxisPart, Header, SearchPart};
use crate::sweep::results::{Point, Results};
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
    /// Whether the difference is known at any point.
    is_known: bool,
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

    /// Looks for the answers in the results of the whole sweep, and between its points, on so many threads.
    ///
    /// # Errors
    ///
    /// If the units cannot be read, a run comes to nothing, or `control` stops it.
    pub fn find(&self, results: &'a Results, threads: usize, control: &Control) -> Result<Crossovers<'a>, SearchError> {
        let lines = self.along.lines(self.template.axes());
        let differences = self.differences(results)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| SearchError::Threads(error.to_string()))?;
        let answer = |question: usize, line: &Line| {
            let known = |(at, point): &(f64, u64)| {
                let point = usize::try_from(*point).ok()?;
                let (difference, runs) = (*differences.get(point)?.get(question)?)?;
                Some(Known { at: *at, difference, runs })
            };
            let known: Vec<_> = line.points.iter().filter_map(known).collect();
            let search = Search {
                template: self.template,
                along: &self.along,
                question: &self.questions[question],
                line,
                control,
            };
            let starts_above = known.iter().find(|known| known.difference != 0.0).map(|first| first.difference > 0.0);
            Ok(Answer { starts_above, is_known: !known.is_empty(), spots: search.spots(&known)? })
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

    /// The mean difference of each question at each point with the runs that it is of; none where it is empty in one.
    fn differences(&self, results: &Results) -> Result<Vec<Differences>, SearchError> {
        let mean = |point: &Point<'_>, question: &Question| {
            let values: Option<Vec<f64>> = point.runs().map(|(_, outcome)| question.difference(outcome)).collect();
            let values = values.filter(|values| !values.is_empty())?;
            Some((crate::evaluation::crossing::mean(&values), u32::try_from(values.len()).ok()?))
        };
        let point = |number: u64| {
            let point = results.point(number)?;
            Ok(self.questions.iter().map(|question| mean(&point, question)).collect())
        };
        (0..results.header.points).map(point).collect()
    }
}

/// For each question, the mean difference at a point and the runs that it is of.
type Differences = Vec<Option<(f64, u32)>>;

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
