//! The course of a sweep: its plan, what is there already, the units, and the files.

pub(super) mod crossover;
mod earlier;
mod emit;
mod progress;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::cli::{Format, SweepArguments};
use crate::engine::Control;
use crate::report::files::{self, WriteError};
use crate::report::human;
use crate::run::thresholds::{Misses, tell_idle};
use crate::run::{
    BEYOND_TOLERANCE, Failure, INTERRUPTED, TOO_SLOW, interrupt, play, print, report, style, tell, template,
};
use crate::scenario::{Changes, Template};
use crate::sweep::files as result_files;
use crate::sweep::header::Header;
use crate::sweep::plan::Plan;
use crate::sweep::play::{self as playing, Crew};
use crate::sweep::results::Results;
use crate::sweep::shard::Shard;
use crate::sweep::table::{self, Table};
use crate::sweep::unit::Watched;
use crate::sweep::units::{Journal, UnitFile};
use crossover::Looking;
use earlier::Place;
use progress::{Load, SweepProgress};

/// Plays a sweep, or a shard of one.
pub(super) fn sweep(arguments: &SweepArguments) -> Result<u8, Failure> {
    let shard = arguments.shard.as_deref().map(|text| Shard::parse(text, |name| std::env::var(name).ok()));
    let shard = shard.transpose().map_err(|error| Failure::Usage(error.to_string()))?;
    let emitted = emit::asked(arguments)?;
    let mut plan = Plan::new(read(arguments)?, arguments.yes)?;
    plan.header.search = crossover::asked(arguments, &plan.template)?;
    let threads = threads(arguments.threads);
    if arguments.dry_run {
        // Whoever plays a shard looks for nothing.
        let search = if shard.is_some() { None } else { crossover::effort(&plan)? };
        return print(table::dry_run(&plan, threads, shard, search).as_bytes()).map(|()| 0);
    }
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("results").join(&plan.header.scenario.name));
    if let Some(emitted) = emitted {
        return print(emit::script(arguments, emitted, &plan, &folder)?.as_bytes()).map(|()| 0);
    }
    files::prepare(&folder)?;
    let stem = shard.map_or_else(|| UNITS.to_owned(), Shard::stem);
    let place = Place { folder, stem, shard };
    let earlier = if arguments.resume {
        earlier::resumed(&place, &plan.header)?
    } else {
        earlier::passed_over(&place, &plan.header)?;
        Vec::new()
    };
    if arguments.resume && earlier.is_empty() && !arguments.quiet {
        tell(&format!("nothing to go on from in {}: starting from the first run", place.folder.display()));
    }
    let session = Session { plan: Arc::new(plan), place, threads };
    session.run(arguments, earlier).map_err(|failure| earlier::kept(&session.place, &session.plan.header, failure))
}

fn read(arguments: &SweepArguments) -> Result<Template, Failure> {
    let changes = super::changes(&arguments.scenario, super::Options::of_sweep(arguments));
    let changes = Changes { varied: arguments.varied.clone(), zip: arguments.zip, ..changes };
    template(&arguments.scenario.file, &changes)
}

/// The threads that are asked for; otherwise one for each core.
pub(super) fn threads(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, usize::from)
}

/// What the file of the units of a whole sweep is called, without its ending.
const UNITS: &str = "units";

/// One call of `sweep` that has units to play.
struct Session {
    plan: Arc<Plan>,
    place: Place,
    threads: usize,
}

/// What was seen of the units beside what they came to.
#[derive(Default)]
struct Seen {
    transitions: u64,
    /// What to say of units that a live engine could not keep up with; how many there were, and the first of them.
    too_slow: Option<(u64, String)>,
    /// How many units were played with both engines, in how many of these the two disagree, and on what in the first of them.
    compared: u64,
    disagreeing: Option<(u64, String)>,
    /// The points whose pilot run did not become steady.
    unsteady: BTreeSet<u64>,
}

impl Seen {
    /// Tells what is no part of any result.
    fn tell(&self, quiet: bool) {
        if let Some((count, first)) = &self.too_slow {
            let runs = human::things(*count as f64, "run", "runs");
            tell(&format!("warning: {runs} fell behind; of the first: {first}"));
        }
        let all = human::things(self.compared as f64, "run", "runs");
        match &self.disagreeing {
            Some((count, first)) => {
                tell(&format!(
                    "warning: the engines disagree in {} of {all}; in the first on {first}",
                    human::count(*count)
                ));
            }
            None if self.compared > 0 && !quiet => tell(&format!("the engines agree in {all}")),
            None => {}
        }
        if !self.unsteady.is_empty() {
            let points = human::things(self.unsteady.len() as f64, "point", "points");
            tell(&format!(
                "warning: the pilot runs of {points} did not become steady in their first half, so half of the run was taken \
                 for the warm-up there. What helps: a longer `duration`; but what is overloaded never becomes steady"
            ));
        }
    }
}

impl Session {
    /// Plays what is not in files with units that were played before.
    fn run(&self, arguments: &SweepArguments, earlier: Vec<UnitFile>) -> Result<u8, Failure> {
        #[allow(
            clippy::disallowed_methods,
            reason = "how long it took is told to the user; it is no part of any result"
        )]
        let started = Instant::now();
        let (plan, Place { folder, stem, shard }) = (&self.plan, &self.place);
        let crew = Arc::new(Crew::new(plan.template.base().engine, self.threads));
        let control = Arc::new(Control::default());
        let watched = (Arc::clone(&crew), Arc::clone(&control));
        interrupt::watch_with(move || {
            watched.0.stop();
            watched.1.stop();
        });
        let journal = Journal::begin(folder, stem, &plan.header, *shard)?;
        let mut files: Vec<_> = earlier.iter().map(|file| file.path.clone()).collect();
        files.push(journal.path.clone());
        let done = Results::new(plan.header.clone(), earlier);
        let left =
            || (0..plan.header.units()).filter(|unit| shard.is_none_or(|shard| shard.has(*unit)) && !done.has(*unit));
        let load = left().fold(Load { units: 0, seconds: 0.0 }, |load, unit| Load {
            units: load.units + 1,
            seconds: load.seconds + plan.cost(unit).seconds,
        });
        let seen = Mutex::new(Seen::default());
        let progress = SweepProgress::start(plan, &crew, load, arguments.quiet);
        let played = playing::play(plan, left(), &crew, self.threads, &journal, &|watched| {
            look(&seen, &plan.header, watched);
        });
        drop(progress);
        played?;
        let results = done.with(journal.end()?);
        let seen = seen.into_inner().unwrap_or_default();
        let ending = Ending { place: &self.place, results, files };
        let (missing, misses) = ending.write(arguments)?;
        let found = missing > 0 || shard.is_some() || ending.look(arguments, plan, self.threads, &control)?;
        if shard.is_none() && missing < plan.header.units() {
            report::of_sweep(folder)?;
        }
        if !arguments.quiet {
            let took = human::duration_secs(started.elapsed().as_secs_f64());
            let runs = plan.header.count_of_units(load.units.saturating_sub(missing));
            let transitions = human::count(seen.transitions);
            let folder = folder.display();
            tell(&format!("{runs}, {transitions} transitions in {took}; results in {folder}"));
        }
        seen.tell(arguments.quiet);
        misses.tell();
        Ok(match () {
            () if !found => INTERRUPTED,
            () if missing > 0 => {
                let left = plan.header.count_of_units(missing);
                tell(&format!("stopped with {left} to go; the same command with --resume goes on"));
                INTERRUPTED
            }
            () if seen.too_slow.is_some() => TOO_SLOW,
            () if misses.any() => BEYOND_TOLERANCE,
            // A shard is whole whatever the engines say, and a scheduler would take the exit code for a failure.
            () if seen.disagreeing.is_some() && shard.is_none() => BEYOND_TOLERANCE,
            () => 0,
        })
    }
}

/// Looks at a report before it is gone.
fn look(seen: &Mutex<Seen>, header: &Header, watched: &Watched<'_>) {
    let engines = &watched.report.engines;
    let transitions: u64 =
        engines.iter().flat_map(|engine| &engine.summaries).map(|summary| summary.tally.transitions).sum();
    let (warnings, too_slow) = play::schedule_kept(&watched.scenario.setup, engines);
    // A lock is poisoned by a panic alone, which ends the program.
    let Ok(mut seen) = seen.lock() else { return };
    seen.transitions += transitions;
    if watched.found.is_some_and(|found| !found.steady) {
        seen.unsteady.insert(watched.point);
    }
    let agreements = &watched.report.agreements;
    seen.compared += u64::from(!agreements.is_empty());
    if let Some(first) = agreements.iter().find(|agreement| !agreement.holds()) {
        let (count, told) = seen.disagreeing.take().unwrap_or_else(|| {
            let at = header.name_of(watched.point);
            let at = if at.is_empty() { at } else { format!(" at {at}") };
            (0, format!("the {} of \"{}\"{at}", first.metric, first.client))
        });
        seen.disagreeing = Some((count + 1, told));
    }
    if let (true, Some(warning)) = (too_slow, warnings.first()) {
        let (count, first) = seen.too_slow.take().unwrap_or_else(|| (0, warning.clone()));
        seen.too_slow = Some((count + 1, first));
    }
}

/// What is to be done when no more units are played.
struct Ending<'a> {
    place: &'a Place,
    results: Results,
    /// The files that hold the units.
    files: Vec<PathBuf>,
}

impl Ending<'_> {
    /// Writes the files, prints what is asked for, and gives back how many units are missing, and which thresholds are missed.
    fn write(&self, arguments: &SweepArguments) -> Result<(u64, Misses), Failure> {
        let (all, folder) = (self.results.header.units(), &self.place.folder);
        let Some(shard) = self.place.shard else {
            let missing = self.results.missing();
            if missing == all {
                // Nothing was played, and nothing is worth being kept.
                earlier::clear(self.place, &self.files, false);
                return Ok((missing, Misses::default()));
            }
            let (bytes, misses) = write_results(folder, &self.results, arguments.format, arguments.no_color)?;
            earlier::clear(self.place, &self.files, missing == 0);
            print(&bytes)?;
            return Ok((missing, misses));
        };
        let missing = shard.count(all) - self.results.units().count() as u64;
        // A shard that is not whole would only be refused later.
        if missing == 0 {
            result_files::write_shard(folder, &self.results, shard)?;
            earlier::clear(self.place, &self.files, true);
        }
        Ok((missing, Misses::default()))
    }

    /// Looks for crossovers. Whether that came to an end.
    fn look(
        &self,
        arguments: &SweepArguments,
        plan: &Plan,
        threads: usize,
        control: &Control,
    ) -> Result<bool, Failure> {
        let SweepArguments { format, no_color, quiet, .. } = *arguments;
        let looking = Looking {
            folder: &self.place.folder,
            threads,
            control,
            format,
            no_color,
            quiet,
            goes_on: "the same command with --resume goes on",
        };
        crossover::look(&looking, &plan.template, &self.results)
    }
}

/// Writes the files of a whole sweep, and gives back what is to be printed, and which thresholds are missed. What is not whole
/// has nothing final to judge.
pub(super) fn write_results(
    folder: &Path,
    results: &Results,
    format: Format,
    no_color: bool,
) -> Result<(Vec<u8>, Misses), Failure> {
    let mut table = Table::new(&results.header, results.missing(), style(no_color));
    let mut thresholds = results.header.thresholds().map_err(Failure::Usage)?;
    let mut misses = Misses::default();
    if results.missing() > 0 && !thresholds.is_empty() {
        tell("the sweep is not whole, so its thresholds were not judged");
        thresholds.clear();
    }
    result_files::write(folder, results, &thresholds, |point, judgements| {
        if misses.points == 0
            && let Some(first) = point.outcomes.first()
        {
            tell_idle(&thresholds, first);
        }
        misses.look(&results.header.name_of(point.number), judgements);
        if format == Format::Table {
            table.add(point, judgements.iter().any(|judgement| !judgement.holds()));
        }
    })?;
    let content = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|source| Failure::Write(WriteError { path, source }))
    };
    let bytes = match format {
        Format::Table => table.render().into_bytes(),
        Format::Csv => content("summary.csv")?,
        Format::Json => content(files::SWEEP)?,
    };
    Ok((bytes, misses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::play as one;
    use crate::measure::agreement::Agreement;

    #[test]
    fn engines_that_disagree_are_counted_and_the_first_is_named() {
        let text =
            "duration = \"1m\"\n[events]\nrate = \"1/s\"\n[[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1s\"\n";
        let changes = Changes { varied: vec!["consumers=1,2".to_owned()], ..Changes::default() };
        let template = Template::parse(text, "mine", Path::new("."), &changes).unwrap();
        let header = Header::new(&template, None);
        let mut report = one::play(template.base(), &one::anywhere(), &Control::default(), |_| ()).unwrap();
        let seen = Mutex::new(Seen::default());
        let live_says = [[5.0, 5.0], [5.0, 9.0], [9.0, 5.0]];
        for (point, live) in (0..).zip(live_says) {
            let metrics = ["events", "requests"].into_iter().zip(live);
            let agreement = |(metric, live): (&str, f64)| Agreement {
                client: "poll".to_owned(),
                metric: metric.to_owned(),
                sim: Some(4.0),
                live: Some(live),
                tolerance: 2.0,
            };
            report.agreements = metrics.map(agreement).collect();
            look(&seen, &header, &Watched { point, scenario: template.base(), found: None, report: &report });
        }
        let seen = seen.into_inner().unwrap();
        let first = "the requests of \"poll\" at consumers = 2".to_owned();
        assert_eq!((seen.compared, seen.disagreeing), (3, Some((2, first))));
    }
}
