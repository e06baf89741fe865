//! System B's API written out in full.

use serde_json::{Map, Value, json};

use super::{limit, span, time};
use crate::policy::limits::RateLimit;
use crate::policy::provider::ApiPolicy;
use crate::scenario::units::{Rate, format_rate};
use crate::time::Span;

/// `[provider.api]`. Where every value of a preset is written, one that has none is written as the word for it.
pub(super) fn api(api: &ApiPolicy) -> Value {
    let mut table = Map::new();
    let mut write = |key: &str, value: Value| table.insert(key.to_owned(), value);
    write("workers", limit(api.capacity.workers));
    if api.capacity.workers.is_some() {
        write("queue", api.capacity.queue.into());
    }
    write("service_time", time(&api.service_time));
    write("page", api.page.into());
    write("rate_limit", rate_limit(api.limits.consumer));
    write("account_rate_limit", rate_limit(api.limits.account));
    let quota = api.limits.quota.map(|quota| {
        json!({ "requests": quota.requests, "per": span(quota.window), "counts_304": quota.counts_not_modified })
    });
    write("quota", quota.unwrap_or_else(|| "unlimited".into()));
    write("retention", span_or(api.retention, "unlimited"));
    write("poll_interval", span_or(api.poll_interval, "none"));
    table.into()
}

fn span_or(value: Option<Span>, word: &str) -> Value {
    value.map_or_else(|| word.into(), |value| span(value).into())
}

fn rate_limit(limit: Option<RateLimit>) -> Value {
    let Some(limit) = limit else { return "unlimited".into() };
    let rate = Rate::new(limit.requests, limit.per).map_or_else(String::new, format_rate);
    if limit == RateLimit::new(limit.requests, limit.per) {
        return rate.into();
    }
    json!({ "rate": rate, "burst": limit.burst })
}
