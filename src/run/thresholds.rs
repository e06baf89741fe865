//! Tells what is missed of what is expected of a run.

use crate::evaluation::outcome::Outcome;
use crate::evaluation::threshold::{idle_engines, judge};
use crate::measure::judgement::Judgement;
use crate::report::{Report, human, thresholds};
use crate::run::tell;
use crate::scenario::threshold::Threshold;

/// Judges the replications of a run that came to its end, or the one run; one that was stopped has nothing final to judge.
/// The report is that of the first.
pub(super) fn hold(report: &mut Report, thresholds: &[Threshold], runs: &[Outcome], is_stopped: bool) {
    if !is_stopped {
        report.judgements = judge(thresholds, runs);
    }
}

/// Tells what is missed, and what was not judged. Whether anything is missed.
pub(super) fn tell_misses(report: &Report, thresholds: &[Threshold], is_stopped: bool) -> bool {
    if is_stopped && !thresholds.is_empty() {
        tell("the run was stopped, so its thresholds were not judged");
        return false;
    }
    tell_idle(thresholds, &Outcome::of(report));
    for miss in thresholds::misses(&report.judgements) {
        tell(&miss);
    }
    report.judgements.iter().any(|judgement| !judgement.holds())
}

/// Tells which thresholds are about an engine that did not play.
pub(super) fn tell_idle(thresholds: &[Threshold], run: &Outcome) {
    for engine in idle_engines(thresholds, std::slice::from_ref(run)) {
        tell(&format!("warning: the thresholds for engine = \"{engine}\" were not judged: it did not play"));
    }
}

/// So many misses of a sweep are told; its files have all of them.
const TOLD_MAX: usize = 5;

/// What is missed at the points of a sweep.
#[derive(Debug, Default)]
pub(super) struct Misses {
    /// How many points were judged.
    pub(super) points: u64,
    /// At how many of them something is missed.
    missed: u64,
    /// The first of what is missed, as sentences.
    first: Vec<String>,
    /// What is missed beyond these.
    more: u64,
}

impl Misses {
    /// Looks at what became of the thresholds at a point of that name.
    pub(super) fn look(&mut self, name: &str, judgements: &[Judgement]) {
        self.points += 1;
        let misses = thresholds::misses(judgements);
        self.missed += u64::from(!misses.is_empty());
        let at = if name.is_empty() { String::new() } else { format!("at {name}: ") };
        for miss in misses {
            if self.first.len() < TOLD_MAX {
                self.first.push(format!("{at}{miss}"));
            } else {
                self.more += 1;
            }
        }
    }

    /// Whether anything is missed.
    pub(super) const fn any(&self) -> bool {
        self.missed > 0
    }

    /// Tells how many points miss a threshold, and the first few by how much.
    pub(super) fn tell(&self) {
        self.first.iter().for_each(|miss| tell(miss));
        if self.more > 0 {
            tell(&format!(
                "and {} more, all of which stand in thresholds.csv",
                human::things(self.more as f64, "miss", "misses")
            ));
        }
        if self.any() && self.points > 1 {
            let points = human::things(self.points as f64, "point", "points");
            tell(&format!("thresholds are missed at {} of {points}", human::count(self.missed)));
        }
    }
}
