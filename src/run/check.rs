//! What `check` says of a scenario: itself in full, what a run amounts to, and what theory predicts.

use std::fmt::Write as _;

use crate::engine::Setup;
use crate::evaluation::pilot::WarmUp;
use crate::evaluation::stopping::Repeat;
use crate::measure::summary::Figure;
use crate::report::human;
use crate::report::table::wrap;
use crate::run::{api, faults, network, polls, warmup, webhooks};
use crate::scenario::{Scenario, Template};
use crate::sweep::plan::{MANY_POINTS, Plan, PlanError};
use crate::sweep::table;
use crate::theory::{self, Prediction, stability};

/// The widest line of what is said, without the sign of a comment before it.
const WIDTH: usize = 78;

/// The resolved scenario as TOML, with everything else as comments behind it: the whole is a scenario file again. `sweep` is
/// what there is to say of its points.
///
/// `found` is the warm-up that a pilot run found, where the scenario asked for it.
pub fn describe(scenario: &Scenario, sweep: Vec<String>, found: Option<&WarmUp>) -> String {
    let mut text = scenario.to_toml();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push('\n');
    let setup = &scenario.setup;
    let parts = [
        sweep,
        found.map_or_else(Vec::new, warm_up),
        repetitions(scenario),
        volume(setup),
        network::describe(setup),
        polls::describe(setup),
        api::describe(setup),
        webhooks::describe(setup),
        faults::describe(setup),
        predictions(setup),
        overloads(setup),
    ];
    for line in parts.into_iter().flatten() {
        let line = format!("# {line}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// What the sweep of a scenario comes to, if it has one.
///
/// # Errors
///
/// If there is a point whose scenario is invalid.
pub(super) fn sweep(template: Template) -> Result<Vec<String>, PlanError> {
    let axes = template.axes();
    if axes.is_empty() {
        return Ok(Vec::new());
    }
    if axes.points() >= MANY_POINTS {
        let points = human::count(axes.points());
        return Ok(vec![format!("A sweep has {points} points, which were not looked at one by one"), String::new()]);
    }
    let plan = Plan::new(template, true)?;
    let mut lines = vec!["A sweep means".to_owned()];
    lines.extend(table::axes(&plan.header).lines().map(|line| format!("  {line}")));
    let total = plan.total(plan.repeat.least());
    let requests = total.requests();
    let about = if plan.repeat.rule().is_some() { "at least" } else { "about" };
    lines.push(format!("  {about} {requests} requests, {} on one thread", human::duration_secs(total.seconds)));
    lines.push(String::new());
    Ok(lines)
}

/// What a pilot run found.
fn warm_up(found: &WarmUp) -> Vec<String> {
    let sentences = std::iter::once(warmup::describe(found)).chain(warmup::doubt(found));
    let lines = sentences.flat_map(|sentence| wrap(&format!("warmup = \"auto\": {sentence}"), WIDTH));
    lines.chain([String::new()]).collect()
}

/// How often the scenario is played.
fn repetitions(scenario: &Scenario) -> Vec<String> {
    let count = |count: u32| human::count(count.into());
    let sentence = match Repeat::of(scenario) {
        Repeat::Times(0 | 1) => return Vec::new(),
        Repeat::Times(replications) => format!(
            "It is played {} times, each time with another seed: every figure is a mean with its 95 % confidence interval.",
            count(replications)
        ),
        Repeat::Until(rule) => format!(
            "It is played until the mean latency and the requests per event of every client are known to {}, each time with \
             another seed: at least {} and at most {} times. Every figure is a mean with its 95 % confidence interval.",
            human::percent(rule.precision),
            count(rule.minimum()),
            count(rule.maximum),
        ),
    };
    let lines = wrap(&sentence, WIDTH).into_iter();
    lines.chain([String::new()]).collect()
}

fn volume(setup: &Setup) -> Vec<String> {
    let mut lines = vec!["A run means about".to_owned()];
    for (index, client) in setup.clients.iter().enumerate() {
        let volume = theory::volume(setup, index);
        let counts = [
            (volume.polls, "poll", "polls"),
            (volume.attempts, "webhook", "webhooks"),
            (volume.fetches, "fetch", "fetches"),
        ];
        let parts: Vec<String> = counts
            .into_iter()
            .filter(|(count, ..)| *count > 0.0)
            .map(|(count, one, many)| human::things(count, one, many))
            .collect();
        let events = human::things(volume.events, "event", "events");
        lines.push(format!("  {}: {} for {events}", client.name, parts.join(" and ")));
        if volume.forged > 0.0 {
            let forged = human::things(volume.forged, "forged webhook", "forged webhooks");
            lines.push(format!("    and {forged}"));
        }
    }
    lines.push(String::new());
    lines
}

fn predictions(setup: &Setup) -> Vec<String> {
    let mut lines = vec!["Theory predicts".to_owned()];
    for (index, client) in setup.clients.iter().enumerate() {
        let predictions = theory::predict(setup, index);
        if predictions.is_empty() {
            lines.push(format!("  {}: no closed form applies", client.name));
            continue;
        }
        let parts: Vec<String> = predictions.iter().map(show).collect();
        lines.push(format!("  {}:", client.name));
        lines.extend(parts.into_iter().map(|part| format!("    {part}")));
    }
    lines
}

fn show(prediction: &Prediction) -> String {
    let value = prediction.value;
    match prediction.figure {
        Figure::LatencyMean => format!("mean latency        {}", human::duration_ms(value)),
        Figure::LatencyQuantile(quantile) => {
            format!("{:<20}{}", format!("{} % within", human::number(quantile * 100.0)), human::duration_ms(value))
        }
        Figure::RequestsPerEvent => format!("requests per event  {}", human::number(value)),
        Figure::EmptyRatio => format!("polls with nothing  {}", human::percent(value)),
        Figure::WastedRatio => format!("wasted requests     {}", human::percent(value)),
        Figure::StalenessRatio => format!("time out of date    {}", human::percent(value)),
        Figure::StalenessAgeMean => format!("out of date for     {}", human::duration_ms(value)),
        Figure::AgeMean => format!("age of the newest   {}", human::duration_ms(value)),
        Figure::KnowMean => format!("mean time to know   {}", human::duration_ms(value)),
        Figure::PollsPerRecord => format!("polls per record    {}", human::number(value)),
        Figure::SupersededRatio => format!("events never seen   {}", human::percent(value)),
    }
}

fn overloads(setup: &Setup) -> Vec<String> {
    let describe = |overload: &stability::Overload| {
        let (part, remedy) = overload.part.describe();
        let client = &setup.clients[overload.client].name;
        let load = human::percent(overload.load);
        format!("Overloaded: {client}: {part} needs {load} of the capacity there is. What helps: {remedy}")
    };
    let mut lines: Vec<String> = stability::overloads(setup).iter().map(describe).collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}
