//! The clients of a scenario.

use crate::engine::{ClientSetup, PushSetup};
use crate::fault::Faults;
use crate::policy::dispatcher::DispatchPolicy;
use crate::policy::poller::{Jitter, Phase, PollPolicy, Timing};
use crate::policy::receiver::{Acknowledge, Dedupe, ReceivePolicy};
use crate::policy::retry::{RetryJitter, RetryPolicy};
use crate::policy::signature::Scheme;
use crate::policy::workers::Capacity;
use crate::scenario::keys::{self, Key};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::{ProviderKeys, positive};
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::format_span;
use crate::time::Span;
use crate::wire::Envelope;

/// The most clients of a scenario.
pub(super) const CLIENTS_MAX: usize = 64;
/// The shortest interval between polls.
const EVERY_MIN: Span = Span::from_millis(1);
/// The longest delay before a retry.
const RETRY_DELAY_MAX: Span = Span::from_secs(30 * 86_400);
/// How long a poll waits for its answer where the file does not say.
const POLL_TIMEOUT: Span = Span::from_secs(10);

/// The retry schedule that is called generic: five attempts, one second and then twice as long each time.
pub(super) fn generic_retry() -> RetryPolicy {
    RetryPolicy::exponential(Span::from_secs(1), 2.0, 5, RetryJitter::None)
}

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
    if list.len() > CLIENTS_MAX {
        let place = list.get(CLIENTS_MAX).and_then(|node| node.place.as_ref());
        let problem = Problem::new(format!("there are {} clients", list.len())).at(place);
        reader.problem(problem.help(format!("compare at most {CLIENTS_MAX}")));
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

fn push(reader: &mut Reader, client: &Section<'_>, provider: Option<&ProviderKeys>) -> Option<PushSetup> {
    let section = client.sub("client.push");
    let scheme = reader.get(&section, "signature", kinds::choice).map(|signature| match signature {
        "none" => Scheme::None,
        "standard-webhooks-ed25519" => Scheme::StandardWebhooksEd25519,
        "stripe" => Scheme::Stripe,
        "github" => Scheme::GitHub,
        "sendgrid" => Scheme::SendGrid,
        _ => Scheme::StandardWebhooks,
    });
    let retry = retry(reader, &section);
    let timeout = reader.get(&section, "timeout", positive);
    for name in ["payload", "order"] {
        reader.get(&section, name, kinds::choice);
    }
    reader.get(&section, "disable_after", kinds::only);
    let batch = section.sub("client.push.batch");
    for name in ["max", "wait"] {
        reader.get(&batch, name, kinds::only);
    }
    let receive = receiver(reader, client);
    let provider = provider?;
    Some(PushSetup {
        dispatch: DispatchPolicy {
            concurrency: provider.dispatch.concurrency,
            delay: provider.dispatch.delay,
            ..DispatchPolicy::new(timeout?, retry?)
        },
        receive: receive?,
        scheme: scheme?,
        envelope: Envelope::PLAIN,
    })
}

/// Reads the name of a retry schedule; what is no name may be meant as a part of a schedule.
fn retry_name(node: &Node, key: &Key) -> Parsed<&'static str> {
    let max = Node { place: None, ..node.clone() };
    let is_max = keys::find("client.push.retry.max").is_some_and(|key| kinds::small_integer(&max, key).is_ok());
    let help = match &node.value {
        Value::Integer(attempts) if is_max => {
            format!("write retry = {{ max = {attempts} }}: the most attempts, the first included")
        }
        Value::List(_) => "write retry = { delays = [..] }".to_owned(),
        Value::Text(_) => return kinds::choice(node, key),
        _ => "write a name such as \"generic\", or a table such as { max = 3 }".to_owned(),
    };
    let message = format!("`{}` takes a name or a table, not {}", key.name(), node.value.kind());
    Err(Problem::new(message).at(node.place.as_ref()).help(help))
}

/// The problem with a delay before a retry that is longer than any may be.
fn too_long_a_delay(longest: Span) -> Problem {
    let most = format_span(RETRY_DELAY_MAX);
    let days = (longest.as_secs_f64() / 86_400.0).round();
    // Delays that grow end at the longest span there is, which says nothing of the schedule.
    let length = if longest == Span::MAX || Span::from_secs_f64(days * 86_400.0) <= RETRY_DELAY_MAX {
        format!("more than {most}")
    } else {
        format!("about {days:.0} days")
    };
    let problem = Problem::new(format!("the longest delay before a retry is {length}"));
    problem.help(format!("keep every delay within {most}: shorter delays, fewer attempts or a smaller factor"))
}

fn retry(reader: &mut Reader, push: &Section<'_>) -> Option<RetryPolicy> {
    if !push.has_table("retry") {
        return reader.get(push, "retry", retry_name).map(|retry| match retry {
            "none" => RetryPolicy::never(),
            "standard-webhooks" => RetryPolicy::standard_webhooks(),
            _ => generic_retry(),
        });
    }
    let section = push.sub("client.push.retry");
    let jitter = reader.get(&section, "jitter", kinds::number);
    let policy = if section.node("delays").is_some() {
        for name in ["base", "factor", "max"] {
            if let Some(node) = section.node(name) {
                let problem = Problem::new(format!("`{name}` means nothing beside `delays`"));
                reader.problem(problem.at(node.place.as_ref()).help("remove one of the two"));
            }
        }
        let delays = reader.get(&section, "delays", kinds::spans);
        RetryPolicy::new(delays?, RetryJitter::symmetric(jitter?))
    } else {
        let base = reader.get(&section, "base", kinds::span);
        let factor = reader.get(&section, "factor", kinds::number);
        let max = reader.get(&section, "max", kinds::small_integer);
        RetryPolicy::exponential(base?, factor?, max?, RetryJitter::symmetric(jitter?))
    };
    if let Some(longest) = policy.delays.iter().max().filter(|delay| **delay > RETRY_DELAY_MAX) {
        reader.problem(too_long_a_delay(*longest).at(section.place));
        return None;
    }
    // Jitter of nothing is no jitter; so one schedule has one form.
    let jitter = if policy.delays.is_empty() { RetryJitter::None } else { policy.jitter };
    Some(RetryPolicy { jitter, ..policy })
}

fn receiver(reader: &mut Reader, client: &Section<'_>) -> Option<ReceivePolicy> {
    let section = client.sub("client.receiver");
    let workers = reader.get(&section, "workers", kinds::limit);
    let service_time = reader.get(&section, "service_time", kinds::time);
    let queue = reader.get(&section, "queue", kinds::small_integer);
    let acknowledge = reader.get(&section, "ack", kinds::choice).map(|ack| match ack {
        "before" => Acknowledge::Before,
        _ => Acknowledge::After,
    });
    let dedupe = reader.get(&section, "dedupe", kinds::flag);
    Some(ReceivePolicy {
        acknowledge: acknowledge?,
        dedupe: if dedupe? { Dedupe::Remember { size: None, age: None } } else { Dedupe::Never },
        ..ReceivePolicy::new(Capacity { workers: workers?, queue: queue? }, service_time?)
    })
}
