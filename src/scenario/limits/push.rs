//! What the keys of a push client allow by themselves but not together.

use super::{SERIALS_MAX, Subject, count, longer_than, may_lose, never_in_time, there_and_back};
use crate::engine::{ClientSetup, PushSetup};
use crate::fault::FaultKind;
use crate::policy::receiver::Acknowledge;
use crate::policy::retry::RetryJitter;
use crate::scenario::problems::Problem;
use crate::scenario::tree::Table;
use crate::scenario::units::{format_size, format_span};
use crate::theory;
use crate::time::Span;
use crate::wire::Payload;
use crate::workload::SizeDistribution;

/// Bytes of a webhook around its events, whosever shape it has.
const FRAME: u64 = 1 << 10;
/// Bytes of an event around its payload.
const EVENT: u64 = 512;
/// The largest webhook.
const WEBHOOK_MAX: u64 = 64 << 20;
/// Room for what is usually under way at the same time, where a scenario does not limit that.
const CONNECTIONS_MIN: u32 = 16;

/// Room for the body of the largest genuine webhook of a client, in bytes.
fn largest_body(push: &PushSetup, payload: &SizeDistribution) -> u64 {
    let batch = push.dispatch.batch;
    // The event with which a webhook is full may go beyond what makes it so.
    let filled = |bytes: u32| u64::from(bytes.checked_div(payload.min()).unwrap_or(u32::MAX)) + 1;
    let events = batch.bytes.map_or(u64::MAX, filled).min(batch.max.into());
    let largest = u64::from(payload.max());
    let payloads = match push.envelope.payload {
        Payload::Full => (events * largest).min(batch.bytes.map_or(u64::MAX, |bytes| u64::from(bytes) + largest)),
        Payload::Thin => 0,
    };
    FRAME + events * EVENT + payloads
}

/// Makes room for the largest genuine webhook at each receiver that does not say itself how much it takes.
pub(crate) fn fit_bodies(clients: &mut [ClientSetup], payload: &SizeDistribution, root: &Table) {
    for (index, client) in clients.iter_mut().enumerate() {
        let is_written = root.find(&["client", &index.to_string(), "receiver", "limits", "body"]).is_some();
        if let (Some(push), false) = (&mut client.push, is_written) {
            let needed = u32::try_from(largest_body(push, payload)).unwrap_or(u32::MAX);
            push.receive.limits.body = push.receive.limits.body.max(needed);
        }
    }
}

/// The first thing that is wrong with a push client.
pub(super) fn check(subject: &Subject<'_>, index: &str, client: &ClientSetup, push: &PushSetup) -> Option<Problem> {
    let limits = [sizes, schedule, counts, timeouts];
    limits.into_iter().find_map(|limit| limit(subject, index, client, push))
}

fn sizes(subject: &Subject<'_>, index: &str, client: &ClientSetup, push: &PushSetup) -> Option<Problem> {
    let largest = largest_body(push, &subject.setup.workload.payload);
    // Rounded up to a size that is short to write, and still enough.
    let unit = if largest > 1 << 20 { 1 << 20 } else { 1 << 10 };
    let size = format_size(largest.next_multiple_of(unit));
    if largest > WEBHOOK_MAX {
        let message = format!("a webhook of \"{}\" could have {size}", client.name);
        let help = format!("lower `max`, or add a `size` below \"{}\"", format_size(WEBHOOK_MAX));
        return Some(subject.problem(&["client", index, "push", "batch"], message, help));
    }
    if u64::from(push.receive.limits.body) < largest {
        let body = format_size(push.receive.limits.body.into());
        let message = format!("\"{}\" takes {body} and would turn genuine webhooks of {size} away", client.name);
        let help = format!("write body = \"{size}\" or more, or leave it out");
        return Some(subject.problem(&["client", index, "receiver", "limits", "body"], message, help));
    }
    None
}

fn schedule(subject: &Subject<'_>, index: &str, _: &ClientSetup, push: &PushSetup) -> Option<Problem> {
    let retry = &push.dispatch.retry;
    let wait = push.dispatch.batch.wait;
    if let Some(within) = retry.within {
        let within_text = format_span(within);
        let first = retry.delays.first().filter(|_| retry.jitter == RetryJitter::None);
        if let Some(first) = first.filter(|first| **first > within) {
            let message =
                format!("no retry ever leaves: the first waits {}, `within` is {within_text}", format_span(*first));
            let help = "write a longer `within`, or retry = \"none\"";
            return Some(subject.problem(&["client", index, "push", "retry"], message, help));
        }
        if wait >= within && !retry.delays.is_empty() {
            let message = format!(
                "events wait up to {} for their batch, but no retry leaves after {within_text}",
                format_span(wait)
            );
            let help = "write a shorter `wait`, a longer `within`, or retry = \"none\"";
            return Some(subject.problem(&["client", index, "push", "batch"], message, help));
        }
    }
    if let Some(redeliver) = push.dispatch.redeliver.filter(|redeliver| redeliver.within < redeliver.every) {
        let message = format!(
            "webhooks are sent again every {}, but only of events of the last {}: others are never looked at",
            format_span(redeliver.every),
            format_span(redeliver.within)
        );
        let help = "write a `within` that is not shorter than `every`";
        return Some(subject.problem(&["client", index, "push", "redeliver"], message, help));
    }
    None
}

fn counts(subject: &Subject<'_>, index: &str, client: &ClientSetup, push: &PushSetup) -> Option<Problem> {
    let rounds = 1.0 + rounds(push);
    let attempts = subject.events_per_consumer() * f64::from(push.dispatch.retry.attempts_max()) * rounds;
    if attempts > SERIALS_MAX {
        let message = format!("\"{}\" could make up to {} attempts for each consumer", client.name, count(attempts));
        let again = if rounds > 1.0 { " or a shorter `within` of `redeliver`" } else { "" };
        let help =
            format!("allow fewer retries{again}, or lower `rate` or `duration`: the most is {}", count(SERIALS_MAX));
        return Some(subject.problem(&["client", index, "push", "retry"], message, help));
    }
    let forged = forged(client);
    if forged > SERIALS_MAX {
        let message =
            format!("\"{}\" would get about {} forged webhooks for each consumer", client.name, count(forged));
        let help =
            format!("lower the `rate` of the fault or let it last less long: the most is {}", count(SERIALS_MAX));
        return Some(subject.problem(&["fault"], message, help));
    }
    None
}

fn timeouts(subject: &Subject<'_>, index: &str, client: &ClientSetup, push: &PushSetup) -> Option<Problem> {
    let api = subject.setup.api.service_time.min();
    let fetch = push.receive.fetch.map(|fetch| (fetch.timeout, there_and_back(subject) + api));
    if let Some((timeout, least)) = fetch.filter(|(timeout, least)| timeout < least) {
        let message = never_in_time("fetch", client, timeout, least);
        let help = longer_than(timeout, least, api);
        return Some(subject.problem(&["client", index, "push", "fetch", "timeout"], message, help));
    }
    let handling = match push.receive.acknowledge {
        Acknowledge::After => push.receive.service_time.min() + fetch.map_or(Span::ZERO, |(_, least)| least),
        Acknowledge::Before => Span::ZERO,
    };
    let (timeout, least) = (push.dispatch.timeout, there_and_back(subject) + handling);
    if timeout >= least {
        return None;
    }
    let message = never_in_time("webhook", client, timeout, least);
    Some(subject.problem(&["client", index, "push", "timeout"], message, longer_than(timeout, least, handling)))
}

/// How often an event that is never taken is delivered again at most.
fn rounds(push: &PushSetup) -> f64 {
    push.dispatch
        .redeliver
        .map_or(0.0, |policy| (policy.within.as_nanos() as f64 / policy.every.as_nanos().max(1) as f64).ceil())
}

/// Too few connections for the attempts that may be under way at the same time: over real HTTP those beyond them would
/// wait for one, which they do not in virtual time.
pub(super) fn connections(subject: &Subject<'_>, index: usize, client: &ClientSetup) -> Option<Problem> {
    let push = client.push.as_ref()?;
    let place = ["client", &index.to_string(), "receiver", "limits", "connections"];
    let least = push.dispatch.concurrency.unwrap_or(CONNECTIONS_MIN);
    let connections = push.receive.limits.connections;
    if connections >= least || subject.root.find(&place).is_none() {
        return None;
    }
    let message =
        format!("{connections} connections are too few for the webhooks of \"{}\" over real HTTP", client.name);
    let fewer = match push.dispatch.concurrency {
        None => "as low a `concurrency` of [provider.dispatch]",
        Some(_) => "a lower `concurrency` of [provider.dispatch]",
    };
    let help = format!("write connections = {least} or more, or {fewer}, or use engine = \"sim\"");
    Some(subject.problem(&place, message, help))
}

/// The forged webhooks that reach one consumer of a client.
pub(super) fn forged(client: &ClientSetup) -> f64 {
    theory::forged_per_consumer(client)
}

/// Deliveries of one consumer's events that are asked for again, as far as can be known before a run.
pub(super) fn redeliveries(subject: &Subject<'_>, client: &ClientSetup, push: &PushSetup) -> f64 {
    let rounds = rounds(push);
    if rounds == 0.0 {
        return 0.0;
    }
    let breaks = |kind| {
        matches!(
            kind,
            FaultKind::ReceiverDown { .. } | FaultKind::ReceiverErrors { .. } | FaultKind::NetworkLoss { .. }
        )
    };
    let broken = client.faults.0.iter().filter(|fault| breaks(fault.kind));
    let broken: f64 = broken.map(|fault| fault.until.since(fault.from).as_secs_f64()).sum();
    let share = broken / subject.duration().as_secs_f64().max(f64::MIN_POSITIVE);
    let exchange = if may_lose(subject) { theory::exchange_loss(subject.setup) } else { 0.0 };
    let given_up = libm::pow(exchange, push.dispatch.retry.attempts_max().into());
    // What is given up once is given up as often again, until it gets through or is too old.
    let again = (1.0 / (1.0 - given_up)).min(rounds);
    subject.events_per_consumer() * ((given_up * again).min(rounds) + share.min(1.0) * rounds)
}
