//! Looks for crossovers once every point of a sweep is there, and writes them down.

use std::path::Path;

use crate::cli::{Format, SweepArguments};
use crate::engine::Control;
use crate::report::files::{self, CROSSOVERS};
use crate::run::sweep::progress::LookingProgress;
use crate::run::{Failure, print, style, tell};
use crate::scenario::Template;
use crate::sweep::crossover::{self, AskError, Inquiry, SearchError};
use crate::sweep::header::SearchPart;
use crate::sweep::plan::Plan;
use crate::sweep::results::Results;
use crate::sweep::unit::UnitError;

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Scenario(problems) => Self::Scenario(problems),
            AskError::Usage(sentence) => Self::Usage(sentence),
        }
    }
}

/// How it is looked, and what is shown of it.
pub(in crate::run) struct Looking<'a> {
    pub(in crate::run) folder: &'a Path,
    pub(in crate::run) threads: usize,
    pub(in crate::run) control: &'a Control,
    pub(in crate::run) format: Format,
    pub(in crate::run) no_color: bool,
    pub(in crate::run) quiet: bool,
    /// What goes on after the search was stopped, as a sentence.
    pub(in crate::run) goes_on: &'static str,
}

/// What arguments ask for.
///
/// # Errors
///
/// If it makes no sense for the sweep of the template.
pub(super) fn asked(arguments: &SweepArguments, template: &Template) -> Result<SearchPart, Failure> {
    let asked = SearchPart {
        is_off: arguments.no_crossover,
        along: arguments.along.clone(),
        targets: arguments.targets.clone(),
    };
    Inquiry::new(template, &asked)?;
    Ok(asked)
}

/// What it takes to look, at most about: how many runs, and seconds on one core. None where nothing is played.
pub(super) fn effort(plan: &Plan) -> Result<Option<(f64, f64)>, Failure> {
    let inquiry = Inquiry::new(&plan.template, &plan.header.search)?;
    Ok(inquiry.and_then(|inquiry| inquiry.runs(&plan.header).zip(inquiry.seconds(plan))))
}

/// Looks, writes and shows. Whether it came to an end: it is stopped through `control`.
pub(in crate::run) fn look(looking: &Looking<'_>, template: &Template, results: &Results) -> Result<bool, Failure> {
    let Some(inquiry) = Inquiry::new(template, &results.header.search)? else { return Ok(true) };
    let progress = LookingProgress::start(inquiry.runs(&results.header), looking.quiet);
    let found = inquiry.find(results, looking.threads, looking.control, &|| progress.played());
    drop(progress);
    let found = match found {
        Ok(found) => found,
        Err(SearchError::Stopped) => {
            tell(&format!("stopped while crossovers were looked for; every point is there, and {}", looking.goes_on));
            return Ok(false);
        }
        Err(error) => return Err(failure(error)),
    };
    files::write(looking.folder, &[(CROSSOVERS, crossover::csv(&found))])?;
    if looking.format == Format::Table {
        let text = crossover::render(&found, style(looking.no_color));
        if !text.is_empty() {
            print(format!("\n{text}").as_bytes())?;
        }
    }
    Ok(true)
}

fn failure(error: SearchError) -> Failure {
    match error {
        // That it was stopped has been told.
        SearchError::Stopped => Failure::Usage(error.to_string()),
        SearchError::Unit(UnitError::Scenario(problems)) => Failure::Scenario(problems),
        SearchError::Unit(UnitError::Run(error)) => error.into(),
        SearchError::Read(error) => Failure::Read(error),
        SearchError::Threads(error) => Failure::Threads(error),
    }
}
