//! What `[provider.api]` says: how System B's API serves, whom it lets in, and how long it keeps an event.

use crate::policy::limits::{ApiLimits, QuotaPolicy, RateLimit};
use crate::policy::provider::ApiPolicy;
use crate::policy::workers::Capacity;
use crate::scenario::keys::Key;
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::presets::Preset;
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::positive;
use crate::scenario::tree::Node;
use crate::scenario::units::Rate;
use crate::scenario::waits::WAIT_MAX;
use crate::time::{SECOND, Span};

/// The most requests per second that a rate limit can let in.
const PER_SECOND_MAX: f64 = 1e6;

/// Reads `[provider.api]`; what is not written is as in the preset.
pub(super) fn api(reader: &mut Reader, provider: &Section<'_>, preset: Option<&Preset>) -> Option<ApiPolicy> {
    let section = provider.sub("provider.api");
    let capacity = capacity(reader, &section);
    let service_time = reader.get(&section, "service_time", kinds::time);
    let page = reader.get_if_written(&section, "page", kinds::small_integer);
    let consumer = rate_limit(reader, &section, "rate_limit", "provider.api.rate_limit");
    let account = rate_limit(reader, &section, "account_rate_limit", "provider.api.account_rate_limit");
    let quota = quota(reader, &section);
    let retention = reader.get_if_written(&section, "retention", kinds::span_or_word);
    let poll_interval = reader.get_if_written(&section, "poll_interval", poll_interval);
    let preset = preset?;
    let limits = ApiLimits {
        consumer: consumer?.unwrap_or(preset.limits.consumer),
        account: account?.unwrap_or(preset.limits.account),
        quota: quota?.unwrap_or(preset.limits.quota),
    };
    Some(ApiPolicy {
        limits,
        retention: retention?.unwrap_or(preset.retention),
        poll_interval: poll_interval?.unwrap_or(preset.poll_interval),
        ..ApiPolicy::new(capacity?, service_time?, page?.unwrap_or(preset.page))
    })
}

fn capacity(reader: &mut Reader, api: &Section<'_>) -> Option<Capacity> {
    let workers = reader.get(api, "workers", kinds::limit);
    let queue = reader.get(api, "queue", kinds::small_integer);
    let (Some(workers), queue) = (workers?, queue?) else {
        if let Some(node) = api.node("queue") {
            let problem = Problem::new("`queue` means nothing with workers = \"unlimited\": no request ever waits");
            reader.problem(problem.at(node.place.as_ref()).help("write a number of `workers`, or remove it"));
            return None;
        }
        return Some(Capacity::UNLIMITED);
    };
    Some(Capacity { workers: Some(workers), queue })
}

/// A rate limit: the outer none is a problem, the next one absence, the inner one `"unlimited"`.
fn rate_limit(
    reader: &mut Reader,
    api: &Section<'_>,
    name: &str,
    path: &'static str,
) -> Option<Option<Option<RateLimit>>> {
    if !api.has_table(name) {
        let rate = reader.get_if_written(api, name, rate_or_word)?;
        return Some(rate.map(|rate| rate.map(|(requests, per)| RateLimit::new(requests, per))));
    }
    let section = api.sub(path);
    let rate = reader.get(&section, "rate", rate);
    let burst = reader.get_if_written(&section, "burst", kinds::small_integer);
    let (requests, per) = rate?;
    let limit = RateLimit::new(requests, per);
    Some(Some(Some(RateLimit { burst: burst?.unwrap_or(limit.burst), ..limit })))
}

/// Reads a rate as a fraction: so many requests in a time.
fn rate(node: &Node, key: &Key) -> Parsed<(u64, Span)> {
    let fraction = Rate::fraction(kinds::rate(node, key)?);
    let (requests, per) = fraction;
    let per_second = requests as f64 / per.as_secs_f64();
    let advice = match per_second {
        much if much > PER_SECOND_MAX => "is no limit",
        little if little * WAIT_MAX.as_secs_f64() < 1.0 => "lets hardly anything through",
        _ => return Ok(fraction),
    };
    let problem = Problem::new(format!("`{} = {}` {advice}", key.name(), node.value.written()));
    Err(problem.at(node.place.as_ref()).help("write a rate from \"1/30d\" to \"1000000/s\", such as \"10/s\""))
}

fn rate_or_word(node: &Node, key: &Key) -> Parsed<Option<(u64, Span)>> {
    if kinds::is_its_word(node, key) {
        return Ok(None);
    }
    rate(node, key).map(Some).map_err(|problem| kinds::or_its_word(problem, key))
}

/// A quota, with the same nones as a rate limit.
fn quota(reader: &mut Reader, api: &Section<'_>) -> Option<Option<Option<QuotaPolicy>>> {
    if !api.has_table("quota") {
        return Some(reader.get_if_written(api, "quota", kinds::only_word)?.map(|()| None));
    }
    let section = api.sub("provider.api.quota");
    let requests = reader.get(&section, "requests", kinds::small_integer);
    let window = reader.get(&section, "per", window);
    let counts_not_modified = reader.get(&section, "counts_304", kinds::flag);
    let (requests, window) = (requests?, window?);
    Some(Some(Some(QuotaPolicy { requests, window, counts_not_modified: counts_not_modified? })))
}

fn window(node: &Node, key: &Key) -> Parsed<Span> {
    let window = positive(node, key)?;
    at_most_wait_max(window, node, key)
}

fn at_most_wait_max(span: Span, node: &Node, key: &Key) -> Parsed<Span> {
    if span > WAIT_MAX {
        let problem = Problem::new(format!("`{} = {}` is too long", key.name(), node.value.written()));
        return Err(problem.at(node.place.as_ref()).help("write at most \"30d\""));
    }
    Ok(span)
}

/// Reads the interval between polls that the API wishes, which a header says in whole seconds.
fn poll_interval(node: &Node, key: &Key) -> Parsed<Option<Span>> {
    let Some(span) = kinds::span_or_word(node, key)? else { return Ok(None) };
    if span.as_nanos() % SECOND != 0 {
        let problem =
            Problem::new(format!("`{} = {}` is no whole number of seconds", key.name(), node.value.written()));
        let help = "an X-Poll-Interval header has whole seconds: write \"1s\", \"60s\"";
        return Err(problem.at(node.place.as_ref()).help(help));
    }
    at_most_wait_max(span, node, key).map(Some)
}
