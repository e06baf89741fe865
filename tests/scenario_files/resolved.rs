//! A scenario written out in full says all that was said, and comes back as it was.

use std::path::Path;

use proptest::prelude::*;
use pushpull::policy::signature::Scheme;
use pushpull::scenario::{EngineChoice, Key, Scenario, keys};

use crate::{FULL, SMALLEST, assert_comes_back, good_files, parse};

#[test]
fn good_files_come_back_from_their_resolved_text() {
    for (name, text, dir) in good_files() {
        let scenario = Scenario::parse(&text, &name, &dir, &[]);
        assert_comes_back(&scenario.unwrap_or_else(|problems| panic!("{problems}")), &dir);
    }
}

#[test]
fn what_is_not_said_is_what_a_newcomer_would_expect() {
    let scenario = parse(SMALLEST, &[]).expect("it is valid");
    assert_eq!((scenario.name.as_str(), scenario.title.as_str(), scenario.engine), ("demo", "demo", EngineChoice::Sim));
    insta::assert_snapshot!(scenario.to_toml());
}

#[test]
fn a_set_reaches_every_key_that_is_supported() {
    let resolved = parse(FULL, &[]).expect("it is valid");
    let json = resolved.to_json();
    // The parts of a schedule are written in another form than they were in, and a fault and a threshold have no name to
    // be reached by.
    let apart = ["client.push.retry.", "fault", "threshold"];
    let reached = |key: &&Key| !apart.iter().any(|start| key.path.starts_with(start));
    for key in keys().iter().filter(reached) {
        for (index, name) in [(0, "a.b = c"), (1, "\"a\"")] {
            let steps: Vec<_> = key.path.split('.').collect();
            let value = steps.iter().try_fold(&json, |value, step| match value {
                serde_json::Value::Array(clients) => clients[index].get(step),
                table => table.get(step),
            });
            let Some(value) = value.filter(|value| !value.is_object() && !value.is_array()) else { continue };
            let path = match key.path.strip_prefix("client.") {
                Some(rest) => format!("client.{name}.{rest}"),
                None => key.path.to_owned(),
            };
            let set = format!("{path}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let again = parse(FULL, &[&set]).unwrap_or_else(|problems| panic!("{set}: {problems}"));
            assert_eq!(again.setup, resolved.setup, "{set}");
        }
    }
}

#[test]
fn every_way_of_signing_can_be_named() {
    let names = ["none", "standard-webhooks", "standard-webhooks-ed25519", "stripe", "github", "sendgrid"];
    for (name, scheme) in names.into_iter().zip(Scheme::ALL) {
        let scenario = parse(SMALLEST, &[&format!("client.webhook.push.signature={name}")]).expect("it is valid");
        assert!(scenario.setup.clients[1].push.as_ref().is_some_and(|push| push.scheme == scheme), "{name}");
        assert_comes_back(&scenario, Path::new("."));
    }
}

#[test]
fn sets_change_what_they_name_and_create_what_is_not_there() {
    let sets = [
        "client.poll.pull.jitter.spread=0.1",
        "events.rate=5/s",
        "title=2026-01-31",
        "network.latency.request=5ms",
        "provider.api.service_time={lognormal={median='1ms',p99='2ms'}}",
        "client.poll.push={retry='none'}",
        "client.webhook.name=renamed",
        "client.renamed.push.retry.delays=['1s', '2s']",
    ];
    let json = parse(SMALLEST, &sets).expect("it is valid").to_json();
    let at = |pointer: &str| json.pointer(pointer).map(ToString::to_string).unwrap_or_default();
    assert_eq!(at("/title"), "\"2026-01-31\"");
    assert_eq!(at("/events/rate"), "\"5/s\"");
    assert_eq!(at("/network/latency"), "{\"request\":\"5ms\",\"response\":\"20ms\"}");
    assert_eq!(at("/provider/api/service_time"), "{\"lognormal\":{\"median\":\"1ms\",\"p99\":\"2ms\"}}");
    assert_eq!(at("/client/0/pull/jitter"), "{\"kind\":\"gap\",\"spread\":0.1}");
    assert_eq!(at("/client/0/push/retry"), "\"none\"");
    assert_eq!(at("/client/1/name"), "\"renamed\"");
    assert_eq!(at("/client/1/push/retry"), "{\"delays\":[\"1s\",\"2s\"],\"jitter\":0.0,\"retry_after_max\":\"1h\"}");
}

#[test]
fn the_hash_is_of_what_is_simulated() {
    let hash = |text: &str, sets: &[&str]| parse(text, sets).expect("it is valid").sha256();
    assert_eq!(hash(SMALLEST, &[]).len(), 64);
    assert_eq!(hash(SMALLEST, &[]), hash(SMALLEST, &["engine=live", "duration=60m", "network.latency=0.02s"]));
    assert_ne!(hash(SMALLEST, &[]), hash(SMALLEST, &["seed=2"]));
}

fn duration() -> impl Strategy<Value = String> {
    (1_000_000u64..1 << 42).prop_map(|nanos| format!("\"{nanos}ns\""))
}

fn time() -> impl Strategy<Value = String> {
    (0..4, 1u64..1_000_000, 0u64..1_000_000).prop_map(|(kind, short, more)| {
        let long = short + more;
        match kind {
            0 => format!("{{ constant = \"{short}us\" }}"),
            1 => format!("{{ uniform = {{ min = \"{short}ns\", max = \"{long}ns\" }} }}"),
            2 => format!("{{ exponential = {{ mean = \"{short}ns\" }} }}"),
            _ => format!("{{ lognormal = {{ median = \"{short}ns\", p99 = \"{long}ns\" }} }}"),
        }
    })
}

proptest! {
    #[test]
    fn whatever_is_set_comes_back_from_the_resolved_text(
        (events, nanos, seed) in (1u64..1_000, 1_000_000_000u64..1 << 45, any::<u64>()),
        (latency, response, service, handler) in (time(), time(), time(), time()),
        (every, delay, timeout) in (duration(), duration(), duration()),
        (spread, loss, jitter) in (0.0..=1.0f64, 0.0..=1.0f64, 0.0..=1.0f64),
    ) {
        let sets = [
            format!("events.rate={events}/{nanos}ns"),
            format!("seed={seed}"),
            format!("network={{latency={{request={latency}, response={response}}}, loss={{response={loss:?}}}}}"),
            format!("provider.api.service_time={service}"),
            format!("client.poll.pull={{every={every}, jitter={{spread={spread:?}}}, timing='fixed-delay', timeout='1h'}}"),
            format!("client.webhook.push={{retry={{delays=[{delay}, {delay}], jitter={jitter:?}}}, timeout={timeout}}}"),
            format!("client.webhook.receiver={{service_time={handler}, ack='before'}}"),
        ];
        let sets: Vec<_> = sets.iter().map(String::as_str).collect();
        match parse(SMALLEST, &sets) {
            Ok(scenario) => assert_comes_back(&scenario, Path::new("tests")),
            // Only what the limits refuse may fail: here an answer that cannot come in time.
            Err(problems) => prop_assert!(problems.contains("would time out"), "{}", problems),
        }
    }

    #[test]
    fn whatever_is_set_of_webhooks_comes_back_from_the_resolved_text(
        preset in "generic|stripe|github|sendgrid|standard-webhooks",
        sets in proptest::sample::subsequence(push_sets(), 0..=push_sets().len()),
        rate in (1u64..100_000, 1_000u64..1 << 40).prop_map(|(count, nanos)| format!("{count}/{nanos}ns")),
        share in 0.001..=1.0f64,
        faults in proptest::sample::subsequence(FAULTS.to_vec(), 0..=FAULTS.len()),
    ) {
        let preset = format!("provider.preset={preset}");
        let faults = format!("fault=[{}]", faults.join(", "));
        let limit = format!("client.webhook.push.rate_limit={rate}");
        let jitter = format!("client.webhook.push.retry.jitter={share:?}");
        let sets = sets.iter().map(String::as_str);
        let sets: Vec<_> = [preset.as_str(), &faults, &limit, &jitter].into_iter().chain(sets).collect();
        match parse(SMALLEST, &sets) {
            Ok(scenario) => assert_comes_back(&scenario, Path::new("tests")),
            // A rate of less than a nanosecond or more than a month, and what the limits refuse.
            Err(problems) => {
                let refused = ["rate_limit", "no retry ever leaves", "wait up to"];
                prop_assert!(refused.iter().any(|words| problems.contains(words)), "{}", problems);
            }
        }
    }
}

/// Something for every key of the push side, none of which rules out another.
fn push_sets() -> Vec<String> {
    let push = [
        "signature=none",
        "shape=sendgrid",
        "payload=thin",
        "order=fifo",
        "timeout=7s",
        "batch.max=7",
        "batch={max=9, wait='3s', size='unlimited'}",
        "retry.delays=['1s', '90m']",
        "retry.within=5h",
        "retry.retry_after_max=0s",
        "retry.jitter=full",
        "disable_after=12h",
        "disable_after=never",
        "disable={failures=3, enable_after='2h', events='keep', on_gone=true}",
        "breaker={}",
        "breaker.minimum=3",
        "redeliver={}",
        "redeliver.within=7d",
    ];
    let receiver = [
        "dedupe={}",
        "dedupe.age=1h",
        "dedupe=false",
        "retry_after=0s",
        "limits.body=7 MiB",
        "limits.connections=1",
        "ack=before",
    ];
    let sets = |table: &'static str, keys: &[&str]| -> Vec<_> {
        keys.iter().map(|key| format!("client.webhook.{table}.{key}")).collect()
    };
    [sets("push", &push), sets("receiver", &receiver)].concat()
}

const FAULTS: &[&str] = &[
    "{ kind = 'receiver-down', at = '1m', for = '1m' }",
    "{ kind = 'receiver-down', at = '2m', for = '1h', connections = 'drop', client = 'webhook' }",
    "{ kind = 'receiver-slow', at = '1s', for = '7ms', factor = 0.5 }",
    "{ kind = 'receiver-errors', at = '3m', for = '3d' }",
    "{ kind = 'provider-down', at = '3m', for = '2m', connections = 'drop', consumers = 0.5 }",
    "{ kind = 'poller-down', at = '3m', for = '2m', consumers = 1 }",
    "{ kind = 'network-loss', at = '3m', for = '2m', loss = 1 }",
    "{ kind = 'network-slow', at = '3m', for = '2m', factor = 0.5, client = 'poll' }",
    "{ kind = 'receiver-errors', at = '3m', for = '3d', status = 410, share = 0.125, retry_after = '1h' }",
    "{ kind = 'forged-webhooks', rate = '3/7h' }",
    "{ kind = 'forged-webhooks', at = '59m', for = '1h', rate = '10/s', mix = { stale = 2, replayed = 1 } }",
];
