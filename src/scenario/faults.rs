//! What `[[fault]]` says: what breaks for a while, and for whom.

use crate::engine::ClientSetup;
use crate::fault::{Connections, Fault, FaultKind, Faults, ForgeryKind, Whom};
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
use crate::seed::Seed;
use crate::time::{Span, Time};

/// The keys of every fault.
const COMMON: &[&str] = &["kind", "client", "consumers", "at", "for"];
/// The keys that only some kinds have.
const OWN: &[(&str, &[&str])] = &[
    ("receiver-down", &["connections"]),
    ("receiver-slow", &["factor"]),
    ("receiver-errors", &["status", "share", "retry_after"]),
    ("poller-down", &[]),
    ("provider-down", &["connections"]),
    ("network-loss", &["loss"]),
    ("network-slow", &["factor"]),
    ("forged-webhooks", &["rate", "mix"]),
];

/// A fault as the file says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FaultKeys {
    /// The client that meets it; none for every client that can.
    pub client: Option<String>,
    /// What it is, and when.
    pub fault: Fault,
    /// How many forged webhooks come in a time, which the fault itself has as a gap.
    pub rate: Option<Rate>,
}

/// The clients that can meet a kind of fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victims {
    WithWebhooks,
    ThatPoll,
    All,
}

impl Victims {
    const fn of(kind: FaultKind) -> Self {
        match kind {
            FaultKind::ReceiverDown { .. }
            | FaultKind::ReceiverSlow { .. }
            | FaultKind::ReceiverErrors { .. }
            | FaultKind::ForgedWebhooks { .. } => Self::WithWebhooks,
            FaultKind::PollerDown => Self::ThatPoll,
            FaultKind::ProviderDown { .. } | FaultKind::NetworkLoss { .. } | FaultKind::NetworkSlow { .. } => Self::All,
        }
    }

    const fn include(self, client: &ClientSetup) -> bool {
        match self {
            Self::WithWebhooks => client.push.is_some(),
            Self::ThatPoll => client.pull.is_some(),
            Self::All => true,
        }
    }

    /// What none of them does, and the section that would make it one.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ThatPoll => ("polls", "[client.pull]"),
            Self::WithWebhooks | Self::All => ("receives webhooks", "[client.push]"),
        }
    }
}

impl FaultKeys {
    /// Whether a client meets this fault.
    fn concerns(&self, client: &ClientSetup) -> bool {
        Victims::of(self.fault.kind).include(client) && self.client.as_ref().is_none_or(|name| *name == client.name)
    }
}

/// Reads every `[[fault]]` and hands it to the clients that it concerns; none after a problem.
pub(super) fn faults(
    reader: &mut Reader,
    top: &Section<'_>,
    (frame, seed): (Option<Frame>, Seed),
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
    for (node, number) in list.iter().zip(0..) {
        let Value::Table(table) = &node.value else { continue };
        let section = Section { path: "fault", table: Some(table), place: node.place.as_ref() };
        let fault = fault(reader, &section, frame, (seed, number));
        if let Some(fault) = &fault {
            affect(reader, &section, fault, clients);
        }
        faults.push(fault);
    }
    faults.into_iter().collect()
}

fn fault(
    reader: &mut Reader,
    section: &Section<'_>,
    frame: Option<Frame>,
    (seed, number): (Seed, u32),
) -> Option<FaultKeys> {
    let name = reader.get(section, "kind", kinds::choice);
    let client = reader.get_if_written(section, "client", kinds::text);
    let whom = match reader.get_if_written(section, "consumers", kinds::number) {
        Some(Some(share)) if share < 1.0 => Some(Whom::Some { share, seed, fault: number }),
        Some(_) => Some(Whom::All),
        None => None,
    };
    let at = reader.get_if_written(section, "at", kinds::span);
    let length = reader.get_if_written(section, "for", positive);
    let name = name?;
    out_of_place(reader, section, name);
    let (kind, rate) = kind(reader, section, name);
    let (at, length, frame) = (at?, length?, frame?);
    let from = match at {
        Some(at) => Time::ZERO + at,
        None if name == "forged-webhooks" => Time::ZERO,
        None => {
            let problem = Problem::new("`at` is missing in [[fault]]").at(section.place);
            reader.problem(problem.help("add at = \"10m\": when it starts, counted from the start of the run"));
            return None;
        }
    };
    if from >= frame.duration {
        let place = section.node("at").and_then(|node| node.place.as_ref());
        let end = format_span(frame.duration.since(Time::ZERO));
        let problem = Problem::new(format!("this fault starts when no more events happen: `duration` is {end}"));
        reader.problem(problem.at(place.or(section.place)).help(format!("write an `at` below \"{end}\"")));
        return None;
    }
    let until = match length {
        Some(length) => from + length,
        None if name == "forged-webhooks" => frame.duration,
        None => {
            let problem = Problem::new("`for` is missing in [[fault]]").at(section.place);
            reader.problem(problem.help("add for = \"5m\": how long it lasts"));
            return None;
        }
    };
    let fault = Fault { whom: whom?, ..Fault::new(kind?, from, until) };
    Some(FaultKeys { client: client?, fault, rate })
}

/// What a fault of that name is, and the rate that is written in it, if it has one.
fn kind(reader: &mut Reader, section: &Section<'_>, name: &str) -> (Option<FaultKind>, Option<Rate>) {
    let kind = match name {
        "receiver-down" => connections(reader, section).map(|connections| FaultKind::ReceiverDown { connections }),
        "provider-down" => connections(reader, section).map(|connections| FaultKind::ProviderDown { connections }),
        "poller-down" => Some(FaultKind::PollerDown),
        "receiver-slow" => {
            reader.get(section, "factor", kinds::number).map(|factor| FaultKind::ReceiverSlow { factor })
        }
        "network-slow" => reader.get(section, "factor", kinds::number).map(|factor| FaultKind::NetworkSlow { factor }),
        "network-loss" => reader.get(section, "loss", kinds::number).map(|loss| FaultKind::NetworkLoss { loss }),
        "receiver-errors" => receiver_errors(reader, section),
        _ => {
            let rate = reader.get(section, "rate", kinds::rate);
            let gap = rate.map(Rate::gap_nanos).zip(mix(reader, section));
            return (gap.map(|(gap_nanos, mix)| FaultKind::ForgedWebhooks { gap_nanos, mix }), rate);
        }
    };
    (kind, None)
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

fn connections(reader: &mut Reader, section: &Section<'_>) -> Option<Connections> {
    match reader.get_if_written(section, "connections", kinds::choice)? {
        Some(name) => value(CONNECTIONS, name),
        None => Some(Connections::Reset),
    }
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
        if let Some(side) = down_already(&client.faults, keys.fault) {
            let problem = Problem::new(format!("{side} is down already for \"{}\" at that time", client.name));
            reader.problem(problem.at(place("at")).help("join the two faults, or let one end before the other starts"));
            return;
        }
        client.faults.0.push(keys.fault);
    }
}

fn nobody(keys: &FaultKeys, clients: &[ClientSetup], place: Option<&Place>) -> Problem {
    let victims = Victims::of(keys.fault.kind);
    let (does, section) = victims.words();
    let Some(name) = &keys.client else {
        let problem = Problem::new(format!("this fault affects nobody: no client {does}")).at(place);
        return problem.help(format!("remove it, or add {section} to a client"));
    };
    if clients.iter().any(|client| client.name == *name) {
        let does_not = if victims == Victims::ThatPoll { "does not poll" } else { "receives no webhooks" };
        let problem = Problem::new(format!("this fault affects nobody: \"{name}\" {does_not}")).at(place);
        return problem.help(format!("name a client with {section}"));
    }
    let names = || clients.iter().filter(|client| victims.include(client)).map(|client| client.name.as_str());
    let problem = Problem::new(format!("no client is named \"{name}\"")).at(place);
    match keys::nearest(name, names()) {
        Some(near) => problem.help(format!("did you mean \"{near}\"?")),
        None => {
            let quoted: Vec<_> = names().map(|name| format!("\"{name}\"")).collect();
            let which = match victims {
                Victims::WithWebhooks => "the clients with webhooks are",
                Victims::ThatPoll => "the clients that poll are",
                Victims::All => "the clients are",
            };
            problem.help(match &quoted[..] {
                [] => format!("no client {does}: remove it"),
                _ => format!("{which} {}", keys::listed(&quoted, "and")),
            })
        }
    }
}

/// What a fault takes down that would be down already.
fn down_already(faults: &Faults, fault: Fault) -> Option<&'static str> {
    let side = |kind| match kind {
        FaultKind::ReceiverDown { .. } => Some("the receiver"),
        FaultKind::PollerDown => Some("the poller"),
        FaultKind::ProviderDown { .. } => Some("System B"),
        _ => None,
    };
    let taken = side(fault.kind)?;
    let overlaps = |other: &Fault| other.from < fault.until && fault.from < other.until;
    faults.0.iter().any(|other| side(other.kind) == Some(taken) && overlaps(other)).then_some(taken)
}

/// How long a fault lasts.
pub(super) const fn length(fault: &Fault) -> Span {
    fault.until.since(fault.from)
}
