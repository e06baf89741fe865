//! What `[client.push]` says: how System B calls a client.

use crate::engine::PushSetup;
use crate::policy::dispatcher::{
    BatchPolicy, BreakerPolicy, DisablePolicy, DispatchPolicy, RedeliverPolicy, WhileDisabled,
};
use crate::policy::receiver::FetchPolicy;
use crate::scenario::keys::Key;
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::names::{ORDERS, PAYLOADS, SCHEMES, SHAPES, WHILE_DISABLED, value};
use crate::scenario::presets::Preset;
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::{ProviderKeys, positive};
use crate::scenario::tree::Node;
use crate::scenario::waits::{WAIT_MAX, wait};
use crate::scenario::{receiver, retry};
use crate::time::Span;
use crate::wire::{Envelope, Payload, Shape};

/// Reads `[client.push]` and `[client.receiver]` of a client.
pub(super) fn push(reader: &mut Reader, client: &Section<'_>, provider: Option<&ProviderKeys>) -> Option<PushSetup> {
    // Without a provider there is no scenario; what is wrong with the client is still named.
    let generic = Preset::generic();
    let preset = provider.map_or(&generic, |provider| &provider.preset);
    let section = client.sub("client.push");
    let scheme = choice(reader, &section, "signature", SCHEMES, preset.scheme);
    let shape = choice(reader, &section, "shape", SHAPES, preset.shape);
    let payload = choice(reader, &section, "payload", PAYLOADS, preset.payload);
    let order = reader.get(&section, "order", kinds::choice).and_then(|name| value(ORDERS, name));
    let retry = retry::retry(reader, &section, &preset.retry);
    let timeout = reader.get_if_written(&section, "timeout", positive);
    let batch = batch(reader, &section, preset.batch);
    let spacing = reader.get_if_written(&section, "rate_limit", spacing);
    let disable = disable(reader, &section, preset.disable);
    let breaker = breaker(reader, &section);
    let redeliver = redeliver(reader, &section);
    let fetch = payload.and_then(|payload| fetch(reader, &section, payload));
    let receive = receiver::receiver(reader, client);
    let (provider, shape, payload, batch) = (provider?, shape?, payload?, batch?);
    Some(PushSetup {
        dispatch: DispatchPolicy {
            concurrency: provider.dispatch.concurrency,
            delay: provider.dispatch.delay.clone(),
            timeout: timeout?.unwrap_or(preset.timeout),
            retry: retry?,
            order: order?,
            batch,
            spacing: spacing?.unwrap_or(Span::ZERO),
            disable: disable?,
            breaker: breaker?,
            redeliver: redeliver?,
        },
        receive: crate::policy::receiver::ReceivePolicy { fetch: fetch?, ..receive? },
        scheme: scheme?,
        // Whoever may send several sends a list always, so that its receivers need to know only one form.
        envelope: Envelope { shape, payload, is_list: batch.max > 1 || shape == Shape::SendGrid },
    })
}

/// The value of the name that a key has, or else the preset's.
fn choice<T: Copy>(
    reader: &mut Reader,
    section: &Section<'_>,
    key: &str,
    names: &'static [(&'static str, T)],
    preset: T,
) -> Option<T> {
    match reader.get_if_written(section, key, kinds::choice)? {
        Some(name) => value(names, name),
        None => Some(preset),
    }
}

/// Reads a rate as the least time between two.
fn spacing(node: &Node, key: &Key) -> Parsed<Span> {
    let spacing = Span::from_nanos_f64(kinds::rate(node, key)?.gap_nanos());
    let advice = match spacing {
        spacing if spacing.is_zero() => "is no limit",
        spacing if spacing > WAIT_MAX => "lets hardly anything through",
        _ => return Ok(spacing),
    };
    let problem = Problem::new(format!("`{} = {}` {advice}", key.name(), node.value.written()));
    Err(problem.at(node.place.as_ref()).help("write a rate from \"1/30d\" to \"1000000/s\", such as \"10/s\""))
}

fn batch(reader: &mut Reader, push: &Section<'_>, preset: BatchPolicy) -> Option<BatchPolicy> {
    let section = push.sub("client.push.batch");
    let max = reader.get_if_written(&section, "max", kinds::small_integer);
    let written_wait = reader.get_if_written(&section, "wait", wait);
    let written_bytes = reader.get_if_written(&section, "size", kinds::size_or_word);
    let (max, written_wait, written_bytes) = (max?.unwrap_or(preset.max), written_wait?, written_bytes?);
    if max > 1 {
        return Some(BatchPolicy {
            max,
            wait: written_wait.unwrap_or(preset.wait),
            bytes: written_bytes.unwrap_or(preset.bytes),
        });
    }
    let meaningless = [
        ("wait", written_wait.is_some_and(|wait| !wait.is_zero())),
        ("size", written_bytes.is_some_and(|bytes| bytes.is_some())),
    ];
    for (name, _) in meaningless.into_iter().filter(|(_, is_meaningless)| *is_meaningless) {
        let place = section.node(name).and_then(|node| node.place.as_ref());
        let problem = Problem::new(format!("`{name}` means nothing where a webhook carries one event")).at(place);
        reader.problem(problem.help(format!("add a `max` above 1, or remove `{name}`")));
    }
    Some(BatchPolicy::SINGLE)
}

fn disable(reader: &mut Reader, push: &Section<'_>, preset: DisablePolicy) -> Option<DisablePolicy> {
    let after = reader.get_if_written(push, "disable_after", kinds::span_or_word);
    let section = push.sub("client.push.disable");
    let failures = reader.get_if_written(&section, "failures", kinds::small_integer);
    let on_gone = reader.get_if_written(&section, "on_gone", kinds::flag);
    let enable_after = reader.get_if_written(&section, "enable_after", kinds::span_or_word);
    let meanwhile = choice(reader, &section, "events", WHILE_DISABLED, preset.meanwhile);
    let policy = DisablePolicy {
        after: after?.unwrap_or(preset.after),
        failures: failures?.or(preset.failures),
        on_gone: on_gone?.unwrap_or(preset.on_gone),
        enable_after: enable_after?.unwrap_or(preset.enable_after),
        meanwhile: meanwhile?,
    };
    let place = |name: &str| section.node(name).and_then(|node| node.place.as_ref()).or(section.place);
    let never = policy.after.is_none() && policy.failures.is_none() && !policy.on_gone;
    if policy.enable_after.is_some() && never {
        let problem = Problem::new("`enable_after` means nothing where no endpoint is ever disabled");
        let help = "add disable_after or `failures`, write on_gone = true, or remove it";
        reader.problem(problem.at(place("enable_after")).help(help));
    }
    if policy.meanwhile == WhileDisabled::Keep && policy.enable_after.is_none() {
        let problem = Problem::new("the events of a disabled endpoint are kept, but nobody ever enables it again");
        reader.problem(problem.at(place("events")).help("add enable_after = \"1h\", or write events = \"lose\""));
    }
    Some(policy)
}

fn breaker(reader: &mut Reader, push: &Section<'_>) -> Option<Option<BreakerPolicy>> {
    if !push.has_table("breaker") {
        return Some(None);
    }
    let section = push.sub("client.push.breaker");
    let window = reader.get(&section, "window", positive);
    let failure_share = reader.get(&section, "failures", kinds::number);
    let minimum = reader.get(&section, "minimum", kinds::small_integer);
    let cool_down = reader.get(&section, "cool_down", positive);
    Some(Some(BreakerPolicy {
        window: window?,
        failure_share: failure_share?,
        minimum: minimum?,
        cool_down: cool_down?,
    }))
}

fn redeliver(reader: &mut Reader, push: &Section<'_>) -> Option<Option<RedeliverPolicy>> {
    if !push.has_table("redeliver") {
        return Some(None);
    }
    let section = push.sub("client.push.redeliver");
    let every = reader.get(&section, "every", positive);
    let within = reader.get(&section, "within", positive);
    Some(Some(RedeliverPolicy { every: every?, within: within? }))
}

/// How a thin webhook's events are fetched; whole events need no fetching.
fn fetch(reader: &mut Reader, push: &Section<'_>, payload: Payload) -> Option<Option<FetchPolicy>> {
    let section = push.sub("client.push.fetch");
    if payload == Payload::Full {
        if let Some(node) = push.node("fetch") {
            let problem = Problem::new("`fetch` means nothing with payload = \"full\": nothing is left to fetch");
            reader.problem(problem.at(node.place.as_ref()).help("write payload = \"thin\" or remove it"));
        }
        return Some(None);
    }
    let timeout = reader.get(&section, "timeout", positive);
    let tries = reader.get(&section, "tries", kinds::small_integer);
    Some(Some(FetchPolicy { timeout: timeout?, tries: tries? }))
}
