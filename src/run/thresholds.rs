//! Holds a run against what is expected of it, and tells what is missed.

use crate::evaluation::outcome::Outcome;
use crate::evaluation::threshold::{idle_engines, judge};
use crate::report::{Report, thresholds};
use crate::run::tell;
use crate::scenario::threshold::Threshold;

/// Judges a run that came to its end; one that was stopped has nothing final to judge.
pub(super) fn hold(report: &mut Report, thresholds: &[Threshold]) {
    if !report.partial {
        report.judgements = judge(thresholds, &[Outcome::of(report)]);
    }
}

/// Tells what is missed, and what was not judged. Whether anything is missed.
pub(super) fn tell_misses(report: &Report, thresholds: &[Threshold]) -> bool {
    if report.partial && !thresholds.is_empty() {
        tell("the run was stopped, so its thresholds were not judged");
        return false;
    }
    for engine in idle_engines(thresholds, &[Outcome::of(report)]) {
        tell(&format!("warning: the thresholds for engine = \"{engine}\" were not judged: it did not play"));
    }
    for miss in thresholds::misses(&report.judgements) {
        tell(&miss);
    }
    report.judgements.iter().any(|judgement| !judgement.holds())
}
