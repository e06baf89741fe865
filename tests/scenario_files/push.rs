//! How System B calls a client: the vendors' presets, and what a file changes of them.

use pushpull::engine::PushSetup;
use pushpull::policy::dispatcher::{BatchPolicy, WhileDisabled};
use pushpull::policy::receiver::{Dedupe, Limits};
use pushpull::policy::retry::{RetryJitter, RetryPolicy};
use pushpull::policy::signature::Scheme;
use pushpull::scenario::presets;
use pushpull::time::Span;
use pushpull::wire::{Envelope, Payload, Shape};

use crate::{SMALLEST, parse};

fn webhook(sets: &[&str]) -> PushSetup {
    let scenario = parse(SMALLEST, sets).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.setup.clients[1].push.clone().unwrap()
}

#[test]
fn a_preset_is_what_a_vendor_does() {
    for preset in presets::all() {
        let set = format!("provider.preset={}", preset.name);
        let push = webhook(&[&set]);
        assert_eq!((push.scheme, push.envelope.shape), (preset.scheme, preset.shape), "{}", preset.name);
        let dispatch = (&push.dispatch.retry, push.dispatch.timeout, push.dispatch.batch, push.dispatch.disable);
        assert_eq!(dispatch, (&preset.retry, preset.timeout, preset.batch, preset.disable), "{}", preset.name);
        assert_eq!(parse(SMALLEST, &[&set]).unwrap().setup.api.page, preset.page, "{}", preset.name);
    }
    // Nothing but the name of the preset is new in a scenario that names the one that holds anyway.
    assert_eq!(webhook(&["provider.preset=generic"]), webhook(&[]));
}

#[test]
fn what_is_written_overrides_the_preset_and_nothing_else_changes() {
    let vendor = webhook(&["provider.preset=sendgrid"]);
    let push = webhook(&[
        "provider.preset=sendgrid",
        "client.webhook.push.batch.max=5",
        "client.webhook.push.timeout=3s",
        "client.webhook.push.retry.jitter=0.2",
    ]);
    assert_eq!(push.dispatch.batch, BatchPolicy { max: 5, ..vendor.dispatch.batch });
    assert_eq!(push.dispatch.timeout, Span::from_secs(3));
    let retry = RetryPolicy { jitter: RetryJitter::Symmetric(0.2), ..vendor.dispatch.retry };
    assert_eq!(push.dispatch.retry, retry);
    assert_eq!((push.scheme, push.envelope), (Scheme::SendGrid, vendor.envelope));
    // A schedule of one's own has nothing of the vendor's, its end included.
    let own = webhook(&["provider.preset=sendgrid", "client.webhook.push.retry.max=2"]);
    assert_eq!(own.dispatch.retry, RetryPolicy::exponential(Span::from_secs(1), 2.0, 2, RetryJitter::None));
}

#[test]
fn who_may_send_several_events_sends_a_list_always() {
    let envelope = |sets: &[&str]| webhook(sets).envelope;
    assert_eq!(envelope(&[]), Envelope::PLAIN);
    assert!(envelope(&["client.webhook.push.batch={max=2}"]).is_list);
    assert!(envelope(&["provider.preset=sendgrid"]).is_list);
    let single = webhook(&["provider.preset=sendgrid", "client.webhook.push.batch.max=1"]);
    assert_eq!((single.dispatch.batch, single.envelope.is_list), (BatchPolicy::SINGLE, true));
    assert_eq!(envelope(&["client.webhook.push.shape=github"]).shape, Shape::GitHub);
}

#[test]
fn a_rate_limit_keeps_attempts_apart() {
    for (rate, nanos) in
        [("10/s", 100_000_000), ("3/s", 333_333_333), ("1/m", 60_000_000_000), ("7/h", 514_285_714_286)]
    {
        let set = format!("client.webhook.push.rate_limit={rate}");
        assert_eq!(webhook(&[&set]).dispatch.spacing, Span::from_nanos(nanos), "{rate}");
        // What is written out is the rate again, not the gap that it is kept as.
        assert_eq!(parse(SMALLEST, &[&set]).unwrap().to_json()["client"][1]["push"]["rate_limit"], rate);
    }
    assert_eq!(webhook(&[]).dispatch.spacing, Span::ZERO);
}

#[test]
fn thin_webhooks_are_fetched_and_others_are_not() {
    assert_eq!(webhook(&[]).receive.fetch, None);
    let thin = webhook(&["client.webhook.push.payload=thin"]);
    let fetch = thin.receive.fetch.unwrap();
    assert_eq!((thin.envelope.payload, fetch.timeout, fetch.tries), (Payload::Thin, Span::from_secs(10), 5));
    let fetch = webhook(&["client.webhook.push.payload=thin", "client.webhook.push.fetch.tries=1"]).receive.fetch;
    assert_eq!(fetch.unwrap().tries, 1);
}

#[test]
fn a_receiver_has_room_for_the_largest_webhook_unless_it_says_otherwise() {
    let body = |sets: &[&str]| webhook(sets).receive.limits.body;
    assert_eq!(body(&[]), Limits::DEFAULT.body);
    let batch = "client.webhook.push.batch={max=50}";
    assert!(body(&[batch, "events.payload=100 kB"]) > 50 * 100_000);
    // A webhook that is full at so many bytes may hold one event more.
    assert!(body(&[batch, "events.payload=1 MiB", "client.webhook.push.batch.size=3 MiB"]) > 4 << 20);
    assert_eq!(body(&["client.webhook.receiver.limits.body=5 MiB"]), 5 << 20);
    let refused = parse(SMALLEST, &["client.webhook.receiver.limits.body=1 KiB"]).unwrap_err();
    assert!(refused.contains("would turn genuine webhooks of 3 KiB away"), "{refused}");
    assert_eq!(body(&["client.webhook.receiver.limits.body=3 KiB"]), 3 << 10);
}

#[test]
fn duplicates_are_remembered_as_long_and_as_many_as_the_file_says() {
    let dedupe = |value: &str| webhook(&[&format!("client.webhook.receiver.dedupe={value}")]).receive.dedupe;
    assert_eq!(dedupe("true"), Dedupe::Remember { size: None, age: None });
    assert_eq!(dedupe("false"), Dedupe::Never);
    assert_eq!(dedupe("{size=5}"), Dedupe::Remember { size: Some(5), age: None });
    assert_eq!(dedupe("{age='1h'}"), Dedupe::Remember { size: None, age: Some(Span::from_secs(3_600)) });
}

#[test]
fn an_endpoint_is_disabled_and_enabled_as_the_file_says() {
    let never = webhook(&[]).dispatch.disable;
    assert_eq!((never.after, never.failures, never.on_gone, never.enable_after), (None, None, true, None));
    let disable = "client.webhook.push.disable={failures=3, on_gone=false, enable_after='2h', events='keep'}";
    let policy = webhook(&[disable, "client.webhook.push.disable_after=1d"]).dispatch.disable;
    assert_eq!((policy.after, policy.failures), (Some(Span::from_secs(86_400)), Some(3)));
    assert_eq!((policy.on_gone, policy.enable_after), (false, Some(Span::from_secs(7_200))));
    assert_eq!(policy.meanwhile, WhileDisabled::Keep);
    let vendor = ["provider.preset=standard-webhooks", "client.webhook.push.disable_after=never"];
    assert_eq!(webhook(&vendor).dispatch.disable.after, None);
}

#[test]
fn a_breaker_and_redeliveries_are_there_only_if_they_are_asked_for() {
    let plain = webhook(&[]).dispatch;
    assert_eq!((plain.breaker, plain.redeliver), (None, None));
    let breaker = webhook(&["client.webhook.push.breaker={}"]).dispatch.breaker.unwrap();
    assert_eq!((breaker.window, breaker.cool_down), (Span::from_secs(60), Span::from_secs(30)));
    assert!((breaker.failure_share - 0.5).abs() < f64::EPSILON && breaker.minimum == 10);
    let redeliver = webhook(&["client.webhook.push.redeliver.every=2h"]).dispatch.redeliver.unwrap();
    assert_eq!((redeliver.every, redeliver.within), (Span::from_secs(7_200), Span::from_secs(3 * 86_400)));
}
