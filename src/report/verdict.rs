//! The verdict in plain sentences.

use crate::measure::comparison::{Crossover, Findings, Ranked, findings};
use crate::measure::summary::{Mode, Summary};
use crate::report::{EngineReport, human, table};

/// What the figures of an engine's run amount to, in a few sentences: each later client against the first.
pub fn sentences(engine: &EngineReport) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some((baseline, clients)) = engine.summaries.split_first() {
        for (index, client) in clients.iter().enumerate() {
            let pair = [baseline, client];
            let found = findings(pair);
            if let Some(sooner) = found.sooner.filter(|_| !engine.is_overloaded(0) && !engine.is_overloaded(index + 1))
            {
                sentences.push(latency(pair, sooner, found.equally_late));
            }
            sentences.extend(found.thriftier.map(|thriftier| requests(pair, thriftier, &found)));
            let only_two = clients.len() == 1;
            sentences.extend(found.crossover.map(|crossover| crossing(pair, crossover, only_two)));
            sentences.extend(losses(pair, &found));
            sentences.extend(unfinished(pair, &found));
        }
        if clients.is_empty() {
            sentences.extend(alone(baseline));
        }
    }
    for overload in &engine.overloads {
        let (part, remedy) = overload.part.describe();
        let client = &engine.summaries[overload.client].terms.client;
        let load = human::percent(overload.load);
        let excess = match overload.load {
            load_now if load_now >= 1.0 => format!("would have to take {load} of what they can"),
            _ => format!("were busy {load} of the time, and that was not enough"),
        };
        sentences.push(format!(
            "* \"{client}\" is overloaded: {part} {excess}, so it falls ever further behind and no mean tells how late it \
             is. What helps: {remedy}."
        ));
    }
    sentences
}

/// The sentences as a paragraph each, broken at the width of the table.
pub fn render(engine: &EngineReport) -> String {
    let paragraphs: Vec<String> =
        sentences(engine).iter().map(|sentence| table::wrap(&glue_units(sentence), table::WIDTH).join("\n")).collect();
    paragraphs.join("\n").replace(NO_BREAK, " ")
}

/// Stands for a space at which a line must not be broken.
const NO_BREAK: char = '\u{a0}';

/// Keeps a number and its unit on one line.
fn glue_units(sentence: &str) -> String {
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

fn latency(pair: [&Summary; 2], Ranked { better, worse }: Ranked, equally_late: bool) -> String {
    let (fast, slow) = (name(pair, better.0), name(pair, worse.0));
    if equally_late || worse.1 <= better.1 * 1.005 {
        let (fast_ms, slow_ms) = (human::duration_ms(better.1), human::duration_ms(worse.1));
        return match fast_ms == slow_ms {
            true => format!("{fast} and {slow} hear of an event equally late, after {fast_ms} on average."),
            false => format!(
                "{fast} and {slow} hear of an event equally late, within the error of this run: after {fast_ms} and \
                 {slow_ms} on average."
            ),
        };
    }
    let times = match worse.1 / better.1 {
        ratio if ratio.is_finite() => format!(", {} times as long", human::number(ratio)),
        _ => String::new(),
    };
    format!(
        "{fast} hears of an event after {} on average, {} sooner than {slow} ({}{times}).",
        human::duration_ms(better.1),
        human::duration_ms(worse.1 - better.1),
        human::duration_ms(worse.1),
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
        "{both} would need the same number of requests at {} events for each consumer (here: {}): with fewer events {push} \
         needs fewer requests, with more {pull} does, because one poll brings many.",
        human::rate(crossover.events_per_second),
        human::rate(crossover.observed),
    )
}

fn losses(pair: [&Summary; 2], found: &Findings) -> Option<String> {
    let lost: Vec<String> = [0, 1]
        .into_iter()
        .filter(|&position| found.lost[position] > 0)
        .map(|position| {
            let events = pair[position].events;
            format!(
                "{} lost {} of {} events",
                name(pair, position),
                human::count(found.lost[position]),
                human::count(events)
            )
        })
        .collect();
    (!lost.is_empty()).then(|| format!("{}; latencies are of those that arrived.", lost.join(", ")))
}

fn unfinished(pair: [&Summary; 2], found: &Findings) -> Option<String> {
    let pending: Vec<String> = [0, 1]
        .into_iter()
        .filter(|&position| found.pending[position] > 0)
        .map(|position| {
            let (count, events) = (human::count(found.pending[position]), human::count(pair[position].events));
            format!("{} had {count} of {events} events still to come", name(pair, position))
        })
        .collect();
    let sentence = "when the run ended, so its true mean latency is longer than shown; a longer `drain` lets them in.";
    (!pending.is_empty()).then(|| format!("{} {sentence}", pending.join(", ")))
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
