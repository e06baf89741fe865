//! The verdict in plain sentences.

use crate::measure::comparison::{Crossover, Findings, Ranked, findings};
use crate::measure::summary::{Mode, Summary};
use crate::report::{EngineReport, human, table};
use crate::theory::stability::Overload;

/// What the figures of an engine's run amount to, in a few sentences: each later client against the first.
pub fn sentences(engine: &EngineReport) -> Vec<String> {
    let Some((baseline, clients)) = engine.summaries.split_first() else { return Vec::new() };
    if baseline.events == 0 {
        return vec!["No event occurred in the measured stretch, so there is nothing to compare.".into()];
    }
    if engine.cut_unevenly {
        return vec!["Stopped early, at a different point for each client, so they are not compared.".into()];
    }
    // Who loses events must not be praised for the rest before that is said.
    let mut sentences: Vec<_> = engine.summaries.iter().filter_map(losses).collect();
    for (index, client) in clients.iter().enumerate() {
        let pair = [baseline, client];
        let found = findings(pair);
        let overloaded = engine.is_overloaded(0) || engine.is_overloaded(index + 1);
        if let Some(sooner) = found.sooner.filter(|_| !overloaded) {
            sentences.push(latency(pair, sooner, found.uncertain));
        }
        sentences.extend(found.thriftier.map(|thriftier| requests(pair, thriftier, &found)));
        let only_two = clients.len() == 1;
        let crossover = found.crossover.filter(|_| !overloaded);
        sentences.extend(crossover.map(|crossover| crossing(pair, crossover, only_two)));
    }
    if clients.is_empty() && !engine.is_overloaded(0) {
        sentences.extend(alone(baseline));
    }
    sentences.extend(engine.summaries.iter().filter_map(unfinished));
    sentences.extend(engine.summaries.iter().filter_map(deceived));
    sentences.extend(engine.overloads.iter().map(|overload| overloaded(overload, &engine.summaries[overload.client])));
    sentences
}

fn overloaded(overload: &Overload, client: &Summary) -> String {
    let (part, remedy) = overload.part.describe();
    let load = human::percent(overload.load);
    let excess = if overload.observed {
        format!("{part} took {load} of the capacity there is, and that was not enough")
    } else {
        format!("{part} needs {load} of the capacity there is")
    };
    let name = quoted(client);
    format!(
        "* {name} is overloaded: {excess}. It turns work away or falls ever further behind, so a mean says more about the \
         length of the run than about the client. What helps: {remedy}."
    )
}

/// The sentences as a paragraph each, broken at the width of the table.
pub fn render(engine: &EngineReport) -> String {
    paragraphs(&sentences(engine))
}

/// Sentences as a paragraph each, broken at the width of the table.
pub fn paragraphs(sentences: &[String]) -> String {
    let broken = |sentence: &String| broken(sentence, table::WIDTH).join("\n");
    sentences.iter().map(broken).collect::<Vec<_>>().join("\n")
}

/// A sentence as lines of at most so many columns.
pub(super) fn broken(sentence: &str, width: usize) -> Vec<String> {
    let lines = table::wrap(&glue_units(sentence), width).into_iter();
    lines.map(|line| line.replace(NO_BREAK, " ")).collect()
}

/// Stands for a space at which a line must not be broken.
const NO_BREAK: char = '\u{a0}';

/// Keeps a number and its unit on one line.
pub(super) fn glue_units(sentence: &str) -> String {
    const UNITS: [&str; 8] = ["%", "µs", "ms", "s", "min", "h", "d", "times"];
    let mut glued = String::with_capacity(sentence.len());
    for word in sentence.split(' ') {
        let unit = UNITS.contains(&word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '%'));
        if !glued.is_empty() {
            glued.push(if unit && glued.ends_with(|c: char| c.is_ascii_digit()) { NO_BREAK } else { ' ' });
        }
        glued.push_str(word);
    }
    glued
}

fn name(pair: [&Summary; 2], position: usize) -> String {
    quoted(pair[position])
}

fn quoted(summary: &Summary) -> String {
    format!("\"{}\"", summary.terms.client)
}

/// Two values that differ by no more than this factor are the same.
pub(super) const SAME: f64 = 1.005;

/// Two latencies that differ by no more than this factor may be called the same.
pub(super) const ALIKE: f64 = 1.25;

fn latency(pair: [&Summary; 2], Ranked { better, worse }: Ranked, uncertain: bool) -> String {
    let (fast, slow) = (name(pair, better.0), name(pair, worse.0));
    let (fast_ms, slow_ms) = (human::duration_ms(better.1), human::duration_ms(worse.1));
    // The mean of a client that loses events is the mean of the easy ones.
    let loses = |position: usize| pair[position].lost_total() > 0;
    let either = if loses(better.0) || loses(worse.0) { ", if at all," } else { "" };
    if worse.1 <= better.1 * SAME {
        return format!("{fast} and {slow} hear of an event{either} equally late, after {fast_ms} on average.");
    }
    if uncertain && worse.1 <= better.1 * ALIKE {
        return format!(
            "{fast} and {slow} hear of an event{either} equally late, within the error of this run: after {fast_ms} and {slow_ms} \
             on average."
        );
    }
    let times = match worse.1 / better.1 {
        ratio if ratio.is_finite() => format!(", {} times as long", human::number(ratio)),
        _ => String::new(),
    };
    let if_at_all = if loses(better.0) { ", if at all," } else { "" };
    let doubt = if uncertain { " This run is too short to be sure of the difference." } else { "" };
    format!(
        "{fast} hears of an event{if_at_all} after {fast_ms} on average, {} sooner than {slow} ({slow_ms}{times}).{doubt}",
        human::duration_ms(worse.1 - better.1),
    )
}

fn requests(pair: [&Summary; 2], Ranked { better, worse }: Ranked, found: &Findings) -> String {
    let wasted = |position: usize| match found.wasted[position] {
        Some(0.0) | None => "none wasted".into(),
        Some(share) => format!("{} wasted", human::percent(share)),
    };
    let (less, more) = (name(pair, better.0), name(pair, worse.0));
    format!(
        "{less} needs {} an event ({}), {more} {} ({}).",
        human::things(better.1, "request", "requests"),
        wasted(better.0),
        human::number(worse.1),
        wasted(worse.0),
    )
}

fn crossing(pair: [&Summary; 2], crossover: Crossover, only_two: bool) -> String {
    let (pull, push) = (name(pair, crossover.pull), name(pair, crossover.push));
    let both = if only_two { "Both".into() } else { format!("{pull} and {push}") };
    format!(
        "{both} would need the same number of requests at {} for each consumer (here: {}): with fewer, {push} needs fewer \
         requests; with more, {pull} does, because one poll brings many.",
        human::event_rate(crossover.events_per_second),
        human::event_rate(crossover.observed),
    )
}

fn losses(summary: &Summary) -> Option<String> {
    let (lost, events) = (summary.lost_total(), summary.events);
    let share = || human::percent(lost as f64 / events.max(1) as f64);
    (lost > 0).then(|| {
        format!(
            "{} lost {} of {} events ({}){}.",
            quoted(summary),
            human::count(lost),
            human::count(events),
            share(),
            if summary.delivered > 0 { "; its latencies are those of the events that arrived" } else { "" }
        )
    })
}

fn deceived(summary: &Summary) -> Option<String> {
    let (believed, rejected) = (summary.forged_accepted, summary.forged_rejected);
    (believed > 0).then(|| {
        format!(
            "{} believed {} of {} forged webhooks: its handler ran because of what a stranger sent.",
            quoted(summary),
            human::count(believed),
            human::count(believed + rejected)
        )
    })
}

fn unfinished(summary: &Summary) -> Option<String> {
    (summary.pending > 0).then(|| {
        format!(
            "{} had {} of {} events still to come when the run ended: latencies are those of \
             the events that arrived. If more arrived to the very end, a longer `drain` lets them in.",
            quoted(summary),
            human::count(summary.pending),
            human::count(summary.events)
        )
    })
}

fn alone(summary: &Summary) -> Option<String> {
    let latency = summary.latency_mean_ms?;
    let how = match summary.terms.mode {
        Mode::Pull => "polls",
        Mode::Push => "is told",
        Mode::Hybrid => "is told and polls",
    };
    Some(format!(
        "{} {how}, and hears of an event after {} on average, with {} an event.",
        quoted(summary),
        human::duration_ms(latency),
        human::things(summary.requests_per_event()?, "request", "requests"),
    ))
}
