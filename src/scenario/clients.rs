//! The clients of a scenario.

use crate::engine::ClientSetup;
use crate::fault::Faults;
use crate::policy::poller::{Jitter, Phase, PollPolicy, Strategy, Target, Timing};
use crate::scenario::keys::{Key, LIST_MAX};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::Problem;
use crate::scenario::push::push;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::{ProviderKeys, positive};
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::format_span;
use crate::time::Span;

/// The shortest interval between polls.
const EVERY_MIN: Span = Span::from_millis(1);
/// How long a poll waits for its answer where the file does not say.
const POLL_TIMEOUT: Span = Span::from_secs(10);

/// Reads every `[[client]]`; none after a problem.
pub(super) fn clients(
    reader: &mut Reader,
    top: &Section<'_>,
    provider: Option<&ProviderKeys>,
) -> Option<Vec<ClientSetup>> {
    let list = match top.node("client") {
        Some(Node { value: Value::List(list), .. }) => &list[..],
        // Anything else that is written there has been named already.
        Some(_) => return None,
        None => &[],
    };
    if list.is_empty() && top.misspells("client") {
        return None;
    }
    if list.is_empty() {
        let help = "add a [[client]] with a name and a [client.pull] or a [client.push]";
        reader.problem(Problem::new("there is no client").at(top.place).help(help));
        return None;
    }
    if list.len() > LIST_MAX {
        let place = list.get(LIST_MAX).and_then(|node| node.place.as_ref());
        let problem = Problem::new(format!("there are {} clients", list.len())).at(place);
        reader.problem(problem.help(format!("compare at most {LIST_MAX}")));
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    let mut clients = Vec::new();
    for node in list {
        let Value::Table(table) = &node.value else { continue };
        let section = Section { path: "client", table: Some(table), place: node.place.as_ref() };
        let name = name(reader, &section, &names);
        let client = client(reader, &section, provider);
        names.extend(name.clone());
        clients.push((name, client));
    }
    clients.into_iter().map(|(name, client)| Some(ClientSetup { name: name?, ..client? })).collect()
}

fn name(reader: &mut Reader, section: &Section<'_>, others: &[String]) -> Option<String> {
    let name = reader.get(section, "name", kinds::text)?;
    let place = section.node("name").and_then(|node| node.place.as_ref());
    if name.contains('"') {
        let problem = Problem::new("a client's name cannot have a double quote in it").at(place);
        reader.problem(problem.help("leave it out"));
        return None;
    }
    if others.contains(&name) {
        let problem = Problem::new(format!("two clients are named \"{name}\"")).at(place);
        reader.problem(problem.help("give each its own name: results are told apart by it"));
        return None;
    }
    Some(name)
}

/// A client without its name.
fn client(reader: &mut Reader, section: &Section<'_>, provider: Option<&ProviderKeys>) -> Option<ClientSetup> {
    let pull = section.has_table("pull").then(|| pull(reader, section, provider));
    let push = section.has_table("push").then(|| push(reader, section, provider));
    let is_misspelt = section.misspells("pull") || section.misspells("push");
    if section.node("pull").is_none() && section.node("push").is_none() && !is_misspelt {
        let problem = Problem::new("this client neither polls nor receives webhooks").at(section.place);
        reader.problem(problem.help("add [client.pull] with an `every`, or [client.push], or both"));
    }
    if let (None, Some(receiver)) = (section.node("push"), section.node("receiver")) {
        let problem = Problem::new("[client.receiver] without [client.push]: nothing is sent to this receiver");
        reader.problem(problem.at(receiver.place.as_ref()).help("add [client.push] or remove [client.receiver]"));
    }
    let pull = match pull {
        Some(pull) => Some(pull?),
        None => None,
    };
    let push = match push {
        Some(push) => Some(push?),
        None => None,
    };
    Some(ClientSetup { name: String::new(), pull, push, faults: Faults::default() })
}

fn pull(reader: &mut Reader, client: &Section<'_>, provider: Option<&ProviderKeys>) -> Option<PollPolicy> {
    let section = client.sub("client.pull");
    let every = reader.get(&section, "every", every);
    for name in ["strategy", "target"] {
        reader.get(&section, name, kinds::choice);
    }
    reader.get(&section, "conditional", kinds::only);
    let compressed = reader.get(&section, "compressed", kinds::flag);
    let phase = reader.get(&section, "phase", kinds::choice).map(|phase| match phase {
        "aligned" => Phase::Aligned,
        _ => Phase::Random,
    });
    let timing = reader.get(&section, "timing", kinds::choice).map(|timing| match timing {
        "fixed-delay" => Timing::FixedDelay,
        _ => Timing::FixedRate,
    });
    let jitter = jitter(reader, &section);
    let timeout = reader.get_if_written(&section, "timeout", positive);
    let service_time = reader.get(&section, "service_time", kinds::time);
    if let (Some(Jitter::Grid(_)), Some(Timing::FixedDelay)) = (jitter, timing) {
        let place = section.node("jitter").and_then(|node| node.place.as_ref());
        let problem = Problem::new("jitter around a grid needs a grid, which timing = \"fixed-delay\" does not have");
        reader.problem(problem.at(place).help("write kind = \"gap\", or timing = \"fixed-rate\""));
        return None;
    }
    let every = every?;
    Some(PollPolicy {
        every,
        phase: phase?,
        timing: timing?,
        jitter: jitter?,
        timeout: timeout?.unwrap_or(POLL_TIMEOUT.min(every)),
        page: provider?.api.page,
        strategy: Strategy::Fixed,
        target: Target::Feed { overlap: Span::ZERO },
        conditional: false,
        compressed: compressed?,
        service_time: service_time?,
    })
}

fn every(node: &Node, key: &Key) -> Parsed<Span> {
    let every = kinds::span(node, key)?;
    if every < EVERY_MIN {
        let problem = Problem::new(format!("`every = {}` is too short", node.value.written()));
        let help = format!("poll at most every \"{}\"", format_span(EVERY_MIN));
        return Err(problem.at(node.place.as_ref()).help(help));
    }
    Ok(every)
}

fn jitter(reader: &mut Reader, pull: &Section<'_>) -> Option<Jitter> {
    let section = pull.sub("client.pull.jitter");
    let kind = reader.get(&section, "kind", kinds::choice);
    let spread = reader.get(&section, "spread", kinds::number);
    Some(match (kind?, spread?) {
        (_, 0.0) => Jitter::None,
        ("grid", spread) => Jitter::Grid(spread),
        (_, spread) => Jitter::Gap(spread),
    })
}
