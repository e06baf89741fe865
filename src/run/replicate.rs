//! `run` of a scenario that is to be played several times: replications over the cores, and what they come to.
#![allow(clippy::disallowed_methods, reason = "how long a run took is told to the user; it is no part of any result")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rayon::prelude::*;

use crate::cli::{Format, RunArguments};
use crate::engine::Control;
use crate::evaluation::outcome::Outcome;
use crate::evaluation::play as one;
use crate::evaluation::replications::{replications, summary};
use crate::evaluation::stopping::{Repeat, Rule, Stop};
use crate::report::replications::Replications;
use crate::report::{self, Report, files, human, replications as told};
use crate::run::play::{self, Played, Traced};
use crate::run::progress::Progress;
use crate::run::{BEYOND_TOLERANCE, Failure, INTERRUPTED, TOO_SLOW, print, style, tell, thresholds, trace, traces};
use crate::scenario::Scenario;
use crate::seed::replicated;

/// So many replications are spread over the cores at a time.
const TOGETHER: u32 = 64;

/// Plays the replications of a scenario, writes their files and shows what they came to; gives back the exit code.
pub(super) fn run(
    scenario: &Scenario,
    arguments: &RunArguments,
    folder: &Path,
    control: &Arc<Control>,
) -> Result<u8, Failure> {
    let started = Instant::now();
    let mut series = Series {
        scenario,
        arguments,
        control,
        outcomes: Vec::new(),
        first: None,
        traces: Vec::new(),
        said: Vec::new(),
    };
    let stopped = series.play()?;
    let Series { outcomes, first: Some(mut report), traces, said, .. } = series else {
        tell("stopped before the first replication was complete; what was in the results folder is still there");
        return Ok(INTERRUPTED);
    };
    let is_stopped = control.is_stopped();
    thresholds::hold(&mut report, &scenario.thresholds, &outcomes, is_stopped);
    let replications = Replications { stopped_early: is_stopped, ..replications(&outcomes, stopped) };
    let summary = summary(&scenario.name, &outcomes);
    let written = told::files(&report, &replications, summary)?;
    let extras = traces::files(scenario, &report, &traces, arguments);
    let mut text = output(&report, &replications, &written, arguments);
    files::write_with_extras(folder, written, extras.files)?;
    if arguments.timeline && !is_stopped {
        text.extend(trace::timeline(scenario, &report, arguments)?.into_bytes());
    }
    print(&text)?;
    if !arguments.quiet {
        let only_virtual = !scenario.engine.is_live();
        tell(&closing_line(&outcomes, started.elapsed().as_secs_f64(), only_virtual, folder));
    }
    for warning in warnings(&said).iter().chain(&extras.warnings) {
        tell(&format!("warning: {warning}"));
    }
    let is_missed = thresholds::tell_misses(&report, &scenario.thresholds, is_stopped);
    Ok(match () {
        () if is_stopped => INTERRUPTED,
        () if said.iter().any(|said| said.too_slow) => TOO_SLOW,
        () if is_missed => BEYOND_TOLERANCE,
        () if said.iter().any(|said| said.disagrees) => BEYOND_TOLERANCE,
        () => 0,
    })
}

/// The replications of a scenario while they are played.
struct Series<'a> {
    scenario: &'a Scenario,
    arguments: &'a RunArguments,
    control: &'a Arc<Control>,
    /// Those that are complete, in their order and without a gap.
    outcomes: Vec<Outcome>,
    /// The report of the first.
    first: Option<Report>,
    /// What happened in the first, from its beginning to its end, if that is to be told.
    traces: Vec<Traced>,
    /// What each of them had to say beside its figures.
    said: Vec<Said>,
}

/// What a replication had to say beside its figures.
struct Said {
    warnings: Vec<String>,
    too_slow: bool,
    /// Whether its engines disagree.
    disagrees: bool,
}

/// What is to be told of all replications: of those that fell behind, each by another number, the first one speaks for all.
fn warnings(said: &[Said]) -> Vec<String> {
    let behind: Vec<_> = said.iter().filter(|said| said.too_slow).collect();
    let mut warnings = Vec::new();
    // The schedule is what a replication speaks of first.
    if let Some(first) = behind.first().and_then(|said| said.warnings.first()) {
        let (fell, of) = (human::count(behind.len() as u64), human::count(said.len() as u64));
        warnings.push(format!("{fell} of {of} replications fell behind; of the first of them: {first}"));
    }
    for warning in said.iter().flat_map(|said| said.warnings.iter().skip(usize::from(said.too_slow))) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    let disagreeing = said.iter().filter(|said| said.disagrees).count();
    if disagreeing > 0 {
        let (disagreeing, of) = (human::count(disagreeing as u64), human::count(said.len() as u64));
        warnings.push(format!("the engines disagree in {disagreeing} of {of} replications"));
    }
    warnings
}

impl Series<'_> {
    /// Plays as many as are asked for, or as the rule takes; what the rule said is given back, if there is one.
    fn play(&mut self) -> Result<Option<(Rule, Stop)>, Failure> {
        let rule = match Repeat::of(self.scenario) {
            Repeat::Times(count) => return self.play_to(count).map(|()| None),
            Repeat::Until(rule) => rule,
        };
        let mut checked = 0;
        loop {
            let goal = if one::is_played_side_by_side(self.scenario) {
                let threads = self.arguments.threads.map_or_else(|| rayon::current_num_threads() as u32, u32::from);
                rule.goal(checked, threads)
            } else {
                rule.next(checked)
            };
            self.play_to(goal)?;
            let known = self.outcomes.len() as u32;
            if let Some(stop) = rule.stop(&self.outcomes, checked) {
                // What was played beyond the stop is no part of the results, whatever it had to say.
                self.outcomes.truncate(stop.count as usize);
                self.said.truncate(stop.count as usize);
                return Ok(Some((rule, stop)));
            }
            if self.control.is_stopped() {
                return Ok(Some((rule, Stop { count: known, reached: false })));
            }
            checked = known;
        }
    }

    /// Plays on until there are so many, or the run is stopped.
    fn play_to(&mut self, goal: u32) -> Result<(), Failure> {
        let known = self.outcomes.len() as u32;
        let Self { scenario, arguments, control, .. } = *self;
        control.done.store(0, Ordering::Relaxed);
        let total = one::extent_of_all(scenario).saturating_mul((goal - known).into());
        let label = format!("replications {} to {}", known + 1, goal);
        let progress = Progress::start(&label, total, control.clone(), arguments.quiet);
        let play = |replication: u32| -> Result<Option<(Outcome, Played)>, Failure> {
            if control.is_stopped() {
                return Ok(None);
            }
            let reseeded = scenario.reseeded(replicated(scenario.seed, replication));
            let played = play::play_once(&reseeded, replication == 0, arguments, control)?;
            // What ends while everything is being stopped may be cut off.
            Ok((!control.is_stopped()).then(|| (Outcome::of(&played.report), played)))
        };
        if one::is_played_side_by_side(scenario) {
            // Of all but the first nothing more is needed than its rows.
            let slim = |(outcome, mut played): (Outcome, Played)| {
                if played.report.scenario.seed != scenario.seed {
                    played.report.engines.clear();
                }
                (outcome, played)
            };
            // Not all of them in one go: only those without a gap before them are kept of a run that is stopped.
            for start in (known..goal).step_by(TOGETHER as usize) {
                let together = (start..goal.min(start.saturating_add(TOGETHER))).into_par_iter();
                let played: Vec<_> = play::in_pool(arguments.threads, || {
                    let all = together.map(|replication| Ok(play(replication)?.map(slim)));
                    all.collect::<Result<_, Failure>>()
                })??;
                played.into_iter().map_while(|played| played).for_each(|(outcome, played)| self.take(outcome, played));
            }
        } else {
            for replication in known..goal {
                let Some((outcome, played)) = play(replication)? else { break };
                self.take(outcome, played);
            }
        }
        drop(progress);
        Ok(())
    }

    fn take(&mut self, outcome: Outcome, played: Played) {
        let Played { report, traces, warnings, too_slow, .. } = played;
        if self.first.is_none() {
            self.traces = traces;
        }
        let disagrees = report.agreements.iter().any(|agreement| !agreement.holds());
        self.said.push(Said { warnings, too_slow, disagrees });
        self.outcomes.push(outcome);
        self.first.get_or_insert(report);
    }
}

fn output(
    report: &Report,
    replications: &Replications,
    written: &[(&str, Vec<u8>)],
    arguments: &RunArguments,
) -> Vec<u8> {
    let file = |name| written.iter().find(|(other, _)| *other == name).map(|(_, bytes)| bytes.clone());
    match arguments.format {
        Format::Csv => file("summary.csv").unwrap_or_default(),
        Format::Json => file("run.json").unwrap_or_default(),
        Format::Table => {
            let style = style(arguments.no_color);
            let mut text = told::table::render(report, replications, style);
            if !report.agreements.is_empty() {
                text.push_str("The first replication: ");
                text.push_str(&crate::report::agreement::render(&report.agreements, style));
            }
            text.push_str(&format!("\n{}\n", told::verdict::render(report, replications)));
            if !report.judgements.is_empty() {
                text.push_str(&format!("\n{}", report::thresholds::render(&report.judgements, style)));
            }
            text.into_bytes()
        }
    }
}

/// The line that closes a run on standard error.
fn closing_line(outcomes: &[Outcome], seconds: f64, only_virtual: bool, folder: &Path) -> String {
    let transitions: u64 = outcomes.iter().map(|outcome| outcome.transitions).sum();
    let replications = human::things(outcomes.len() as f64, "replication", "replications");
    // In real time the rate says what the scenario asked for, not how fast this program is.
    let made = play::made(transitions, seconds, only_virtual);
    format!("{replications} with {made}; results in {}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_replications_say_the_same_once() {
        let said = |warnings: &[&str], too_slow, disagrees| Said {
            warnings: warnings.iter().map(|warning| (*warning).to_owned()).collect(),
            too_slow,
            disagrees,
        };
        let all = [
            said(&["compressed"], false, false),
            said(&["3 ms late", "compressed"], true, true),
            said(&["4 ms late", "compressed"], true, false),
        ];
        let told = [
            "2 of 3 replications fell behind; of the first of them: 3 ms late",
            "compressed",
            "the engines disagree in 1 of 3 replications",
        ];
        assert_eq!(warnings(&all), told);
        assert_eq!(warnings(&all[..1]), ["compressed"]);
    }
}
