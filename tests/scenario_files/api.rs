//! Whom System B's API lets in and how long it keeps an event: the presets, what a file changes of them, and mistakes.

use pushpull::policy::limits::{ApiLimits, QuotaPolicy, RateLimit};
use pushpull::policy::provider::ApiPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::scenario::presets;
use pushpull::time::Span;

use crate::{SMALLEST, assert_comes_back, parse};

fn api(sets: &[&str]) -> ApiPolicy {
    let scenario = parse(SMALLEST, sets).unwrap_or_else(|problems| panic!("{problems}"));
    assert_comes_back(&scenario, std::path::Path::new("tests"));
    scenario.setup.api
}

#[test]
fn a_preset_has_its_vendors_limits() {
    for preset in presets::all() {
        let set = format!("provider.preset={}", preset.name);
        let api = api(&[&set]);
        let values = (api.limits, api.retention, api.poll_interval);
        assert_eq!(values, (preset.limits, preset.retention, preset.poll_interval), "{}", preset.name);
    }
    let quota = QuotaPolicy { requests: 5_000, window: Span::from_secs(3_600), counts_not_modified: false };
    assert_eq!(api(&["provider.preset=github"]).limits, ApiLimits { quota: Some(quota), ..ApiLimits::NONE });
    let stripe = api(&["provider.preset=stripe"]);
    assert_eq!(stripe.limits.consumer.map(|limit| (limit.per_second(), limit.burst)), Some((25.0, 25)));
    assert_eq!(stripe.limits.consumer, Some(RateLimit::new(1, Span::from_millis(40))));
    assert_eq!(stripe.retention, Some(Span::from_secs(30 * 86_400)));
    assert_eq!((api(&[]).limits, api(&[]).retention, api(&[]).poll_interval), (ApiLimits::NONE, None, None));
}

#[test]
fn what_is_written_overrides_the_preset_and_may_take_it_back() {
    let free = api(&["provider.preset=github", "provider.api.quota=unlimited", "provider.api.poll_interval=none"]);
    assert_eq!((free.limits, free.poll_interval), (ApiLimits::NONE, None));
    assert_eq!(free.retention, Some(Span::from_secs(30 * 86_400)), "the rest is as in the preset");
    let free =
        api(&["provider.preset=stripe", "provider.api.rate_limit=unlimited", "provider.api.retention=unlimited"]);
    assert_eq!((free.limits, free.retention), (ApiLimits::NONE, None));
    let own = api(&["provider.preset=stripe", "provider.api.rate_limit=7/3s", "provider.api.retention=36h"]);
    assert_eq!(own.limits.consumer, Some(RateLimit { requests: 7, per: Span::from_secs(3), burst: 2 }));
    assert_eq!(own.retention, Some(Span::from_secs(36 * 3_600)));
}

#[test]
fn a_limit_is_a_rate_or_a_table() {
    let consumer = |value: &str| api(&[&format!("provider.api.rate_limit={value}")]).limits.consumer.unwrap();
    // Kept as a fraction in lowest terms: one in ten milliseconds.
    assert_eq!(consumer("100/s"), RateLimit { requests: 1, per: Span::from_millis(10), burst: 100 });
    assert_eq!(consumer("1/m").burst, 1);
    let burst = consumer("{ rate = \"100/s\", burst = 200 }");
    assert_eq!((burst.burst, burst.per_second()), (200, 100.0));
    assert_eq!(consumer("{ rate = \"100/s\" }"), consumer("100/s"));
    assert_eq!(api(&["provider.api.rate_limit.rate=3/s"]).limits.consumer.unwrap().burst, 3);
    let account = api(&["provider.api.account_rate_limit={ rate = \"1/s\", burst = 9 }"]).limits.account.unwrap();
    assert_eq!((account.burst, account.per_second()), (9, 1.0));
    let quota = api(&["provider.api.quota={ requests = 10, per = \"1m\", counts_304 = true }"]).limits.quota;
    let expected = QuotaPolicy { requests: 10, window: Span::from_secs(60), counts_not_modified: true };
    assert_eq!(quota, Some(expected));
    assert_eq!(api(&["provider.api.quota.requests=7"]).limits.quota.unwrap().window, Span::from_secs(3_600));
    assert_eq!(api(&["provider.api.poll_interval=60s"]).poll_interval, Some(Span::from_secs(60)));
}

#[test]
fn a_queue_needs_workers() {
    let capacity = |sets: &[&str]| api(sets).capacity;
    assert_eq!(capacity(&[]), Capacity::UNLIMITED);
    assert_eq!(capacity(&["provider.api.workers=4"]), Capacity { workers: Some(4), queue: 65_536 });
    let sets = ["provider.api.workers=4", "provider.api.queue=0"];
    assert_eq!(capacity(&sets), Capacity { workers: Some(4), queue: 0 });
}

/// Mistakes as a newcomer might make them: read the snapshot as that newcomer would.
#[test]
fn mistakes_are_explained() {
    let mistakes: [&[&str]; 18] = [
        &["provider.api.rate_limit=100"],
        &["provider.api.rate_limit=0/s"],
        &["provider.api.rate_limit=never"],
        &["provider.api.rate_limit=2000000/s"],
        &["provider.api.rate_limit=1/1000d"],
        &["provider.api.rate_limit={ burst = 5 }"],
        &["provider.api.rate_limit={ rate = \"5/s\", burst = 0 }"],
        &["provider.api.rate_limit={ rate = \"5/s\", brust = 5 }"],
        &["provider.api.account_rate_limit=true"],
        &["provider.api.quota=5000"],
        &["provider.api.quota={ per = \"1h\" }"],
        &["provider.api.quota={ requests = 0 }"],
        &["provider.api.quota={ requests = 5, per = \"0s\" }"],
        &["provider.api.quota={ requests = 5, per = \"60d\" }"],
        &["provider.api.retention=0s"],
        &["provider.api.retention=30"],
        &["provider.api.poll_interval=1500ms"],
        &["provider.api.queue=10"],
    ];
    let shown: Vec<_> = mistakes
        .into_iter()
        .map(|sets| match parse(SMALLEST, sets) {
            Ok(scenario) => panic!("{sets:?} went through: {}", scenario.to_toml()),
            Err(problems) => problems,
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}
