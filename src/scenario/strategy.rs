//! How a client's polls adapt: the strategies, each with its keys.

use crate::policy::poller::{Aim, Strategy};
use crate::scenario::keys::Key;
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::read::{Reader, Section};
use crate::scenario::tree::Node;
use crate::scenario::units::format_span;
use crate::scenario::waits;
use crate::time::Span;

/// The shortest interval between polls, and the shortest time to hold one: held times are whole milliseconds on the wire.
pub(super) const EVERY_MIN: Span = Span::from_millis(1);
/// How long a poller backs off at most where the file does not say.
const BACKOFF_MAX: Span = Span::from_secs(300);
/// How many times shorter or longer an adaptive interval becomes than `every` where the file does not say.
const ADAPTIVE_RANGE: u64 = 16;
/// How long a poll is held where the file does not say: the safer of the values that RFC 6202, section 5.5, gives.
const HOLD: Span = Span::from_secs(30);

/// The keys of one strategy each, with its name.
const OWN_KEYS: [(&str, &str); 3] = [("backoff", "backoff"), ("adaptive", "adaptive"), ("hold", "long-poll")];

/// Reads the strategy of that name, and the keys that belong to it alone. `every` is none where it is not written, which
/// only a long poll allows.
pub(super) fn strategy(
    reader: &mut Reader,
    pull: &Section<'_>,
    name: &'static str,
    every: Option<Span>,
) -> Option<Strategy> {
    for (key, owner) in OWN_KEYS.iter().filter(|(_, owner)| *owner != name) {
        if let Some(node) = pull.node(key) {
            let problem = Problem::new(format!("`{key}` means nothing with strategy = \"{name}\""));
            reader.problem(problem.at(node.place.as_ref()).help(format!("write strategy = \"{owner}\" or remove it")));
        }
    }
    match name {
        "backoff" => backoff(reader, pull, every?),
        "adaptive" => adaptive(reader, pull, every?),
        "hint" => Some(Strategy::Hint),
        "long-poll" => {
            let hold = reader.get_if_written(pull, "hold", hold)?.unwrap_or(HOLD);
            Some(Strategy::LongPoll { hold })
        }
        _ => Some(Strategy::Fixed),
    }
}

fn backoff(reader: &mut Reader, pull: &Section<'_>, every: Span) -> Option<Strategy> {
    let section = pull.sub("client.pull.backoff");
    let factor = reader.get(&section, "factor", kinds::number);
    let max = reader.get_if_written(&section, "max", waits::wait);
    let (factor, max) = (factor?, max?.unwrap_or(BACKOFF_MAX.max(every)));
    if max < every {
        let message = format!("`max` is {}, and `every` is already {}", format_span(max), format_span(every));
        return refuse(reader, place(&section, "max"), message, "write a `max` that is not shorter than `every`");
    }
    Some(Strategy::Backoff { factor, max })
}

fn adaptive(reader: &mut Reader, pull: &Section<'_>, every: Span) -> Option<Strategy> {
    let section = pull.sub("client.pull.adaptive");
    let useful = reader.get_if_written(&section, "useful", kinds::number);
    let events = reader.get_if_written(&section, "events", kinds::number);
    let gain = reader.get(&section, "gain", kinds::number);
    let min = reader.get_if_written(&section, "min", interval);
    let max = reader.get_if_written(&section, "max", waits::wait);
    let aim = match (useful?, events?) {
        (Some(share), None) => Aim::UsefulShare(share),
        (None, Some(events)) => Aim::EventsPerPoll(events),
        (None, None) => {
            let at = pull.node("adaptive").or_else(|| pull.node("strategy")).and_then(|node| node.place.as_ref());
            let help = "write adaptive = { useful = 0.5 }, the share of polls that bring something, or { events = 3.0 } \
                        with each poll";
            return refuse(reader, at.or(pull.place), "strategy = \"adaptive\" has no aim".to_owned(), help);
        }
        (Some(_), Some(_)) => {
            let message = "`adaptive` has two aims, `useful` and `events`".to_owned();
            return refuse(reader, place(&section, "events"), message, "remove one of them");
        }
    };
    let shortest = Span::from_nanos(every.as_nanos() / ADAPTIVE_RANGE).max(EVERY_MIN);
    let (min, max) = (min?.unwrap_or(shortest), max?.unwrap_or(every.times(ADAPTIVE_RANGE)));
    if !(min..=max).contains(&every) {
        let message = format!(
            "`every` is {}, where the interval begins, but it is to stay between {} and {}",
            format_span(every),
            format_span(min),
            format_span(max)
        );
        let at = place(&section, "min").or_else(|| place(&section, "max"));
        return refuse(reader, at.or(section.place), message, "write an `every` between `min` and `max`");
    }
    Some(Strategy::Adaptive { aim, gain: gain?, min, max })
}

fn place<'a>(section: &Section<'a>, key: &str) -> Option<&'a Place> {
    section.node(key).and_then(|node| node.place.as_ref())
}

fn refuse(reader: &mut Reader, at: Option<&Place>, message: String, help: &str) -> Option<Strategy> {
    reader.problem(Problem::new(message).at(at).help(help));
    None
}

/// Reads an interval that is not too short.
pub(super) fn interval(node: &Node, key: &Key) -> Parsed<Span> {
    let span = kinds::span(node, key)?;
    if span < EVERY_MIN {
        let problem = Problem::new(format!("`{} = {}` is too short", key.name(), node.value.written()));
        let help = format!("poll at most every \"{}\"", format_span(EVERY_MIN));
        return Err(problem.at(node.place.as_ref()).help(help));
    }
    Ok(span)
}

/// Reads how long a poll is held.
fn hold(node: &Node, key: &Key) -> Parsed<Span> {
    let span = waits::wait(node, key)?;
    if span < EVERY_MIN {
        let problem = Problem::new(format!("`hold = {}` is too short", node.value.written()));
        return Err(problem.at(node.place.as_ref()).help("write a time such as \"30s\", or strategy = \"fixed\""));
    }
    Ok(span)
}
