//! `warmup = "auto"`: the pilot run before a run, and what is said of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::Control;
use crate::evaluation::pilot::{self, Settled, WarmUp};
use crate::report::human;
use crate::run::progress::Progress;
use crate::run::{Failure, play};
use crate::scenario::Scenario;

/// Finds the warm-up of a scenario that asks for it; none if the pilot run was stopped.
pub(super) fn settle(
    scenario: Scenario,
    threads: Option<u16>,
    control: &Arc<Control>,
    quiet: bool,
) -> Result<Option<Settled>, Failure> {
    if !scenario.seeks_warmup {
        return Ok(Some(Settled { scenario, found: None }));
    }
    let progress = Progress::start("pilot", pilot::amount(&scenario), control.clone(), quiet);
    let settled = play::in_pool(threads, || pilot::settle(scenario, control))??;
    drop(progress);
    control.done.store(0, Ordering::Relaxed);
    Ok(settled)
}

/// What was found, in a sentence without its full stop.
pub(super) fn describe(found: &WarmUp) -> String {
    match &found.longest {
        None => "a pilot run found no warm-up to be needed".to_owned(),
        Some((client, series)) => format!(
            "a pilot run found a warm-up of {} to be needed, by {} of \"{client}\"",
            human::duration_secs(found.span.as_secs_f64()),
            series.describe()
        ),
    }
}

/// What to say of a run that does not become steady.
pub(super) fn doubt(found: &WarmUp) -> Option<String> {
    let sentence = "the pilot run did not become steady in its first half, so half of the run was taken for its warm-up. \
                    What helps: a longer `duration`; but what is overloaded never becomes steady";
    (!found.steady).then(|| sentence.to_owned())
}
