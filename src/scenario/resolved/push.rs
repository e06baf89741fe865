//! The push side of a scenario, and its faults, written out in full.

use serde_json::{Map, Value, json};

use super::{limit, span, time};
use crate::engine::PushSetup;
use crate::fault::{FaultKind, ForgeryKind, Whom};
use crate::policy::dispatcher::{BatchPolicy, DisablePolicy};
use crate::policy::receiver::{Dedupe, ReceivePolicy};
use crate::policy::retry::{RetryJitter, RetryPolicy};
use crate::scenario::faults::{FaultKeys, length};
use crate::scenario::names::{
    ACKNOWLEDGE, CONNECTIONS, ORDERS, PAYLOADS, SCHEMES, SHAPES, WHILE_DISABLED, name, retry_name,
};
use crate::scenario::units::{Rate, format_rate, format_size};
use crate::time::{SECOND, Span, Time};

/// A table in which what there is not is left out.
struct Sparse(Map<String, Value>);

impl Sparse {
    fn new(table: Value) -> Self {
        Self(match table {
            Value::Object(table) => table,
            _ => Map::new(),
        })
    }

    fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        self.0.extend(value.map(|value| (name.to_owned(), value.into())));
        self
    }
}

/// `[client.push]`.
pub(super) fn push(setup: &PushSetup) -> Value {
    let dispatch = &setup.dispatch;
    let fetch = setup.receive.fetch.map(|fetch| json!({ "timeout": span(fetch.timeout), "tries": fetch.tries }));
    let breaker = dispatch.breaker.map(|breaker| {
        json!({
            "window": span(breaker.window),
            "failures": breaker.failure_share,
            "minimum": breaker.minimum,
            "cool_down": span(breaker.cool_down),
        })
    });
    let redeliver =
        dispatch.redeliver.map(|redeliver| json!({ "every": span(redeliver.every), "within": span(redeliver.within) }));
    let table = Sparse::new(json!({
        "signature": name(SCHEMES, &setup.scheme),
        "shape": name(SHAPES, &setup.envelope.shape),
        "retry": retry(&dispatch.retry),
        "timeout": span(dispatch.timeout),
        "payload": name(PAYLOADS, &setup.envelope.payload),
    }));
    let table = table.with("fetch", fetch).with("batch", Some(batch(dispatch.batch)));
    let table = table.with("order", Some(name(ORDERS, &dispatch.order)));
    let table = table.with("rate_limit", rate_limit(dispatch.spacing));
    let table = table.with("disable_after", Some(or_never(dispatch.disable.after)));
    let table = table.with("disable", Some(disable(dispatch.disable)));
    table.with("breaker", breaker).with("redeliver", redeliver).0.into()
}

fn or_never(span: Option<Span>) -> String {
    span.map_or_else(|| "never".to_owned(), super::span)
}

fn batch(policy: BatchPolicy) -> Value {
    if policy == BatchPolicy::SINGLE {
        return json!({ "max": 1 });
    }
    json!({
        "max": policy.max,
        "wait": span(policy.wait),
        "size": policy.bytes.map_or_else(|| "unlimited".to_owned(), |bytes| format_size(bytes.into())),
    })
}

/// The shortest rate of which this is the gap; none if there is no limit.
fn rate_limit(spacing: Span) -> Option<String> {
    if spacing.is_zero() {
        return None;
    }
    let gap = |rate: Rate| Span::from_nanos_f64(rate.gap_nanos());
    let whole = |unit: u64| {
        let count = unit.saturating_add(spacing.as_nanos() / 2) / spacing.as_nanos();
        Rate::new(count, Span::from_nanos(unit)).filter(|rate| !rate.is_zero() && gap(*rate) == spacing)
    };
    let units = [1, 60, 3_600, 86_400];
    let rate = units.into_iter().find_map(|seconds| whole(seconds * SECOND)).or_else(|| Rate::new(1, spacing));
    rate.map(format_rate)
}

fn disable(policy: DisablePolicy) -> Value {
    let table = Sparse::new(json!({})).with("failures", policy.failures);
    let table = table.with("on_gone", Some(policy.on_gone)).with("enable_after", Some(or_never(policy.enable_after)));
    table.with("events", Some(name(WHILE_DISABLED, &policy.meanwhile))).0.into()
}

fn retry(policy: &RetryPolicy) -> Value {
    if let Some(name) = retry_name(policy) {
        return name.into();
    }
    let jitter = match policy.jitter {
        RetryJitter::Symmetric(share) => share.into(),
        RetryJitter::None => 0.0.into(),
        RetryJitter::Full => Value::from("full"),
    };
    let delays: Vec<_> = policy.delays.iter().copied().map(span).collect();
    let table = Sparse::new(json!({ "delays": delays, "jitter": jitter })).with("within", policy.within.map(span));
    table.with("retry_after_max", Some(span(policy.retry_after_max))).0.into()
}

/// `[client.receiver]`.
pub(super) fn receiver(policy: &ReceivePolicy) -> Value {
    let dedupe: Value = match policy.dedupe {
        Dedupe::Never => false.into(),
        Dedupe::Remember { size: None, age: None } => true.into(),
        Dedupe::Remember { size, age } => Sparse::new(json!({})).with("size", size).with("age", age.map(span)).0.into(),
    };
    let table = Sparse::new(json!({
        "workers": limit(policy.capacity.workers),
        "service_time": time(&policy.service_time),
        "queue": policy.capacity.queue,
        "ack": name(ACKNOWLEDGE, &policy.acknowledge),
        "dedupe": dedupe,
    }));
    let limits = json!({
        "header": format_size(policy.limits.header.into()),
        "body": format_size(policy.limits.body.into()),
        "read_time": span(policy.limits.read_time),
        "connections": policy.limits.connections,
    });
    table.with("retry_after", policy.retry_after.map(span)).with("limits", Some(limits)).0.into()
}

/// One `[[fault]]`.
pub(super) fn fault(keys: &FaultKeys) -> Value {
    let kind = keys.fault.kind.name();
    let share = match keys.fault.whom {
        Whom::All => None,
        Whom::Some { share, .. } => Some(share),
    };
    let table = Sparse::new(json!({ "kind": kind })).with("client", keys.client.clone()).with("consumers", share);
    let table = table.with("at", Some(span(keys.fault.from.since(Time::ZERO))));
    let table = table.with("for", Some(span(length(&keys.fault))));
    match keys.fault.kind {
        FaultKind::ReceiverDown { connections } | FaultKind::ProviderDown { connections } => {
            table.with("connections", Some(name(CONNECTIONS, &connections)))
        }
        FaultKind::PollerDown => table,
        FaultKind::NetworkLoss { loss } => table.with("loss", Some(loss)),
        FaultKind::ReceiverSlow { factor } | FaultKind::NetworkSlow { factor } => table.with("factor", Some(factor)),
        FaultKind::ReceiverErrors { status, share, retry_after } => {
            let table = table.with("status", Some(status)).with("share", Some(share));
            table.with("retry_after", retry_after.map(span))
        }
        FaultKind::ForgedWebhooks { mix, .. } => {
            let weights = ForgeryKind::ALL.into_iter().zip(mix).filter(|(_, weight)| *weight > 0);
            let mix: Map<_, _> = weights.map(|(kind, weight)| (kind.name().to_owned(), weight.into())).collect();
            table.with("rate", keys.rate.map(format_rate)).with("mix", Some(mix))
        }
    }
    .0
    .into()
}
