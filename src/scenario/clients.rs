//! The clients of a scenario.

use crate::engine::ClientSetup;
use crate::fault::Faults;
use crate::policy::poller::{Jitter, Phase, PollPolicy, Strategy, Timing};
use crate::scenario::keys::{self, LIST_MAX};
use crate::scenario::kinds;
use crate::scenario::problems::Problem;
use crate::scenario::push::push;
use crate::scenario::read::{Reader, Section};
use crate::scenario::records;
use crate::scenario::sections::{ProviderKeys, positive};
use crate::scenario::strategy::{interval, strategy};
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::format_span;
use crate::scenario::waits;
use crate::time::Span;

/// How long a poll waits for its answer where the file does not say.
const POLL_TIMEOUT: Span = Span::from_secs(10);
/// How much longer than it may be held.
const HOLD_MARGIN: Span = Span::from_secs(10);

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
    let name = reader.get(&section, "strategy", kinds::choice);
    let every = reader.get_if_written(&section, "every", interval);
    if let (Some(name), Some(None), Some(key)) = (name, every, keys::find("client.pull.every"))
        && name != "long-poll"
    {
        reader.missing(&section, key);
    }
    let written = |name: &str| section.node(name).and_then(|node| node.place.as_ref());
    let target = records::target(reader, &section);
    let conditional = reader.get(&section, "conditional", kinds::flag);
    let overlap = reader.get(&section, "overlap", waits::wait);
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
    let strategy = strategy(reader, &section, name?, every?);
    if let Some((key, message, help)) = contradiction(&section, name?, (every?, jitter?, timing?, overlap?)) {
        reader.problem(Problem::new(message).at(written(key)).help(help));
        return None;
    }
    let target = records::with_overlap(reader, &section, target?, overlap?)?;
    let (strategy, timeout) = (strategy?, timeout?);
    let every = every?.unwrap_or(Span::ZERO);
    let (usual, timing) = match strategy {
        // What a long poll counts from is the answer.
        Strategy::LongPoll { hold } => (hold + HOLD_MARGIN, Timing::FixedDelay),
        _ => (POLL_TIMEOUT.min(every), timing?),
    };
    if let (Strategy::LongPoll { hold }, Some(timeout)) = (strategy, timeout)
        && timeout <= hold
    {
        let (timeout, hold) = (format_span(timeout), format_span(hold));
        let problem = Problem::new(format!("a poll that waits {timeout} for its answer cannot be held for {hold}"));
        let help = "write a `timeout` that is longer than `hold`, by what messages take and some seconds";
        reader.problem(problem.at(written("timeout")).help(help));
        return None;
    }
    Some(PollPolicy {
        every,
        phase: phase?,
        timing,
        jitter: jitter?,
        timeout: timeout.unwrap_or(usual),
        page: provider?.api.page,
        strategy,
        target,
        conditional: conditional?,
        compressed: compressed?,
        service_time: service_time?,
    })
}

/// What contradicts what among the keys of a poller: the key that is wrong, why, and what to do.
fn contradiction(
    section: &Section<'_>,
    strategy: &str,
    (every, jitter, timing, overlap): (Option<Span>, Jitter, Timing, Span),
) -> Option<(&'static str, String, &'static str)> {
    let is_grid = matches!(jitter, Jitter::Grid(_));
    if is_grid && (strategy != "fixed" || timing == Timing::FixedDelay) {
        let (key, value) = if strategy == "fixed" { ("timing", "fixed-delay") } else { ("strategy", strategy) };
        let message = format!("jitter around a grid needs a grid, which {key} = \"{value}\" does not have");
        let help = match key {
            "timing" => "write kind = \"gap\", or timing = \"fixed-rate\"",
            _ => "write kind = \"gap\", or strategy = \"fixed\"",
        };
        return Some(("jitter", message, help));
    }
    if strategy != "long-poll" {
        return None;
    }
    if timing == Timing::FixedRate && section.node("timing").is_some() {
        let message = "a long poll has no rate: the next one leaves after the answer".to_owned();
        return Some(("timing", message, "remove it, or write timing = \"fixed-delay\""));
    }
    if jitter != Jitter::None && every.is_none() {
        let message =
            "without `every` the next poll leaves at once, so there is no gap that jitter could vary".to_owned();
        return Some(("jitter", message, "add `every`, a pause after each answer, or remove it"));
    }
    if !overlap.is_zero() {
        let message =
            "a poll that asks again for what is known is always answered at once, so none would be held".to_owned();
        return Some(("overlap", message, "remove it, or write another strategy than \"long-poll\""));
    }
    None
}

fn jitter(reader: &mut Reader, pull: &Section<'_>) -> Option<Jitter> {
    let section = pull.sub("client.pull.jitter");
    let kind = reader.get(&section, "kind", kinds::choice);
    let spread = reader.get(&section, "spread", kinds::number);
    if let (Some("exponential"), Some(node)) = (kind, section.node("spread")) {
        let problem = Problem::new("`spread` means nothing with kind = \"exponential\": its gaps have only a mean");
        reader.problem(problem.at(node.place.as_ref()).help("remove it, or write kind = \"gap\""));
        return None;
    }
    Some(match (kind?, spread?) {
        ("exponential", _) => Jitter::Exponential,
        (_, 0.0) => Jitter::None,
        ("grid", spread) => Jitter::Grid(spread),
        (_, spread) => Jitter::Gap(spread),
    })
}
