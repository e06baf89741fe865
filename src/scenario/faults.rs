//! What `[[fault]]` says: what breaks for a while, and for whom.

use crate::engine::ClientSetup;
use crate::fault::{Connections, Fault, FaultKind, Faults, ForgeryKind};
use crate::measure::tally::Frame;
use crate::scenario::keys::{self, LIST_MAX};
use crate::scenario::kinds;
use crate::scenario::names::{CONNECTIONS, value};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::positive;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::{Rate, format_span};
use crate::scenario::waits::whole_seconds;
use crate::time::{Span, Time};

/// The keys of every fault.
const COMMON: &[&str] = &["kind", "client", "at", "for"];
/// The keys that only some kinds have.
const OWN: &[(&str, &[&str])] = &[
    ("receiver-down", &["connections"]),
    ("receiver-slow", &["factor"]),
    ("receiver-errors", &["status", "share", "retry_after"]),
    ("forged-webhooks", &["rate", "mix"]),
];

/// A fault as the file says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FaultKeys {
    /// The client that meets it; none for every client with webhooks.
    pub client: Option<String>,
    /// What it is, and when.
    pub fault: Fault,
    /// How many forged webhooks come in a time, which the fault itself has as a gap.
    pub rate: Option<Rate>,
}

impl FaultKeys {
    /// Whether a client meets this fault.
    fn concerns(&self, client: &ClientSetup) -> bool {
        client.push.is_some() && self.client.as_ref().is_none_or(|name| *name == client.name)
    }
}

/// Reads every `[[fault]]` and hands it to the clients that it concerns; none after a problem.
pub(super) fn faults(
    reader: &mut Reader,
    top: &Section<'_>,
    frame: Option<Frame>,
    clients: &mut [ClientSetup],
) -> Option<Vec<FaultKeys>> {
    // Anything but a list has been named already.
    let Some(Node { value: Value::List(list), .. }) = top.node("fault") else { return Some(Vec::new()) };
    if list.len() > LIST_MAX {
        let place = list.get(LIST_MAX).and_then(|node| node.place.as_ref());
        let problem = Problem::new(format!("there are {} faults", list.len())).at(place);
        reader.problem(problem.help(format!("write at most {LIST_MAX}")));
        return None;
    }
    let mut faults = Vec::new();
    for node in list {
        let Value::Table(table) = &node.value else { continue };
        let section = Section { path: "fault", table: Some(table), place: node.place.as_ref() };
        let fault = fault(reader, &section, frame);
        if let Some(fault) = &fault {
            affect(reader, &section, fault, clients);
        }
        faults.push(fault);
    }
    faults.into_iter().collect()
}

fn fault(reader: &mut Reader, section: &Section<'_>, frame: Option<Frame>) -> Option<FaultKeys> {
    let name = reader.get(section, "kind", kinds::choice);
    let client = reader.get_if_written(section, "client", kinds::text);
    let from = reader.get(section, "at", kinds::span).map(|at| Time::ZERO + at);
    let length = reader.get_if_written(section, "for", positive);
    let name = name?;
    out_of_place(reader, section, name);
    let (kind, rate) = match name {
        "receiver-down" => (receiver_down(reader, section), None),
        "receiver-slow" => {
            let factor = reader.get(section, "factor", kinds::number);
            (factor.map(|factor| FaultKind::ReceiverSlow { factor }), None)
        }
        "receiver-errors" => (receiver_errors(reader, section), None),
        _ => {
            let rate = reader.get(section, "rate", kinds::rate);
            let mix = mix(reader, section);
            let gap = rate.map(Rate::gap_nanos).zip(mix);
            (gap.map(|(gap_nanos, mix)| FaultKind::ForgedWebhooks { gap_nanos, mix }), rate)
        }
    };
    let (from, frame) = (from?, frame?);
    if from >= frame.duration {
        let place = section.node("at").and_then(|node| node.place.as_ref());
        let end = format_span(frame.duration.since(Time::ZERO));
        let problem = Problem::new(format!("this fault starts when no more events happen: `duration` is {end}"));
        reader.problem(problem.at(place.or(section.place)).help(format!("write an `at` below \"{end}\"")));
        return None;
    }
    let until = match length? {
        Some(length) => from + length,
        None if name == "forged-webhooks" => frame.duration,
        None => {
            let problem = Problem::new("`for` is missing in [[fault]]").at(section.place);
            reader.problem(problem.help("add for = \"5m\": how long it lasts"));
            return None;
        }
    };
    Some(FaultKeys { client: client?, fault: Fault::new(kind?, from, until), rate })
}

/// Names the keys that another kind of fault has.
fn out_of_place(reader: &mut Reader, section: &Section<'_>, kind: &str) {
    let own = OWN.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    let entries = section.table.map_or(&[][..], |table| &table.entries);
    for entry in entries {
        let name = entry.key.as_str();
        let is_known = OWN.iter().any(|(_, keys)| keys.contains(&name));
        if !is_known || own.contains(&name) {
            continue;
        }
        let names: Vec<_> = COMMON.iter().chain(own).map(|name| format!("`{name}`")).collect();
        let problem = Problem::new(format!("`{name}` means nothing with kind = \"{kind}\""));
        let help = format!("remove it: the keys of this kind are {}", keys::listed(&names, "and"));
        reader.problem(problem.at(entry.place.as_ref()).help(help));
    }
}

fn receiver_down(reader: &mut Reader, section: &Section<'_>) -> Option<FaultKind> {
    let connections = match reader.get_if_written(section, "connections", kinds::choice)? {
        Some(name) => value(CONNECTIONS, name)?,
        None => Connections::Reset,
    };
    Some(FaultKind::ReceiverDown { connections })
}

fn receiver_errors(reader: &mut Reader, section: &Section<'_>) -> Option<FaultKind> {
    let status = reader.get_if_written(section, "status", kinds::integer);
    let share = reader.get_if_written(section, "share", kinds::number);
    let retry_after = reader.get_if_written(section, "retry_after", whole_seconds);
    let status = u16::try_from(status?.unwrap_or(503)).unwrap_or(503);
    Some(FaultKind::ReceiverErrors { status, share: share?.unwrap_or(1.0), retry_after: retry_after? })
}

fn mix(reader: &mut Reader, fault: &Section<'_>) -> Option<[u32; ForgeryKind::ALL.len()]> {
    let Some(node) = fault.node("mix") else { return Some([1; ForgeryKind::ALL.len()]) };
    let section = fault.sub("fault.mix");
    // What is no table has been named already.
    section.table?;
    let mut mix = [0; ForgeryKind::ALL.len()];
    let mut is_good = true;
    for (weight, kind) in mix.iter_mut().zip(ForgeryKind::ALL) {
        match reader.get_if_written(&section, kind.name(), kinds::small_integer) {
            Some(written) => *weight = written.unwrap_or(0),
            None => is_good = false,
        }
    }
    // A kind that is misspelt has been named already.
    is_good &= !ForgeryKind::ALL.iter().any(|kind| section.misspells(kind.name()));
    if is_good && mix.iter().all(|weight| *weight == 0) {
        let problem = Problem::new("this `mix` has no kind of forgery in it").at(node.place.as_ref());
        reader.problem(problem.help("write a weight above zero for one at least, such as { unsigned = 1 }"));
        return None;
    }
    is_good.then_some(mix)
}

/// Hands a fault to the clients that meet it, and names what cannot be.
fn affect(reader: &mut Reader, section: &Section<'_>, keys: &FaultKeys, clients: &mut [ClientSetup]) {
    let place = |name: &str| section.node(name).and_then(|node| node.place.as_ref()).or(section.place);
    if !clients.is_empty() && !clients.iter().any(|client| keys.concerns(client)) {
        reader.problem(nobody(keys, clients, place("client")));
        return;
    }
    for client in clients.iter_mut().filter(|client| keys.concerns(client)) {
        if is_down_already(&client.faults, keys.fault) {
            let problem = Problem::new(format!("the receiver of \"{}\" is down already at that time", client.name));
            reader.problem(problem.at(place("at")).help("join the two faults, or let one end before the other starts"));
            return;
        }
        client.faults.0.push(keys.fault);
    }
}

fn nobody(keys: &FaultKeys, clients: &[ClientSetup], place: Option<&Place>) -> Problem {
    let Some(name) = &keys.client else {
        let problem = Problem::new("this fault affects nobody: no client receives webhooks").at(place);
        return problem.help("remove it, or add [client.push] to a client");
    };
    if clients.iter().any(|client| client.name == *name) {
        let problem = Problem::new(format!("this fault affects nobody: \"{name}\" receives no webhooks")).at(place);
        return problem.help("name a client with [client.push]");
    }
    let names = || clients.iter().filter(|client| client.push.is_some()).map(|client| client.name.as_str());
    let problem = Problem::new(format!("no client is named \"{name}\"")).at(place);
    match keys::nearest(name, names()) {
        Some(near) => problem.help(format!("did you mean \"{near}\"?")),
        None => {
            let quoted: Vec<_> = names().map(|name| format!("\"{name}\"")).collect();
            problem.help(match &quoted[..] {
                [] => "no client receives webhooks: remove it".to_owned(),
                _ => format!("the clients with webhooks are {}", keys::listed(&quoted, "and")),
            })
        }
    }
}

/// Whether a receiver that goes down would be down already.
fn is_down_already(faults: &Faults, fault: Fault) -> bool {
    let is_down = |fault: &Fault| matches!(fault.kind, FaultKind::ReceiverDown { .. });
    let overlaps = |other: &Fault| other.from < fault.until && fault.from < other.until;
    is_down(&fault) && faults.0.iter().any(|other| is_down(other) && overlaps(other))
}

/// How long a fault lasts.
pub(super) const fn length(fault: &Fault) -> Span {
    fault.until.since(fault.from)
}
