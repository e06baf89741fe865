//! Closed forms beside what several replications observed.

use crate::evaluation::estimate::estimate;
use crate::evaluation::outcome::{Outcome, TheoryOutcome};
use crate::measure::quotient::Quotient;
use crate::measure::sample::Estimate;
use crate::report::columns::Cell;
use crate::report::replications::Verified;

/// A prediction agrees with what was observed as long as it lies within so many times the 95 % interval.
///
/// With many replications twice the interval is four standard errors: a table of twenty true predictions should not show one
/// as false.
const PLAUSIBLE: f64 = 2.0;

/// What theory says of a point, in the order of `theory.csv`, with the interval of the replications. A single replication
/// has the interval of its own batches of time. A form that was silent in one of the replications, such as one in which a
/// part could not keep up, is left out.
pub fn verifications(outcomes: &[Outcome]) -> Vec<Verified> {
    let Some((first, others)) = outcomes.split_first() else { return Vec::new() };
    if others.is_empty() {
        return first.theory.iter().map(alone).collect();
    }
    first.theory.iter().filter_map(|form| over(form, outcomes)).collect()
}

fn alone(form: &TheoryOutcome) -> Verified {
    let TheoryOutcome { engine, client, metric, theory, observed, interval, holds, resolution: _ } = form.clone();
    Verified { engine, client, metric, theory, observed, interval, holds }
}

fn over(form: &TheoryOutcome, outcomes: &[Outcome]) -> Option<Verified> {
    let same = |other: &&TheoryOutcome| {
        (&other.engine, &other.client, &other.metric) == (&form.engine, &form.client, &form.metric)
    };
    let forms: Vec<_> = outcomes.iter().map(|outcome| outcome.theory.iter().find(same)).collect::<Option<_>>()?;
    let observed = || Estimate::of(&forms.iter().filter_map(|form| form.observed.value()).collect::<Vec<_>>());
    let estimate = match Quotient::of_figure(&form.metric) {
        Some(_) => estimate(outcomes, &form.engine, &form.client, &form.metric),
        None => observed(),
    };
    let interval = estimate.and_then(|estimate| estimate.interval());
    // The mean of several cannot be told apart more finely than each of them.
    let resolution = forms.iter().filter_map(|form| form.resolution.value()).fold(0.0, f64::max);
    let holds = |estimate: Estimate, theory: f64| {
        estimate.half_width.map(|half| (theory - estimate.mean).abs() <= PLAUSIBLE * half + resolution)
    };
    Some(Verified {
        engine: form.engine.clone(),
        client: form.client.clone(),
        metric: form.metric.clone(),
        theory: form.theory.clone(),
        observed: estimate.map(|estimate| estimate.mean).into(),
        interval: [interval.map(|(low, _)| low).into(), interval.map(|(_, high)| high).into()].map(Cell::rounded),
        holds: estimate.zip(form.theory.value()).and_then(|(estimate, theory)| holds(estimate, theory)),
    })
}
