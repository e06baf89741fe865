//! What a client asks of System B's API, against what the API lets in and keeps.

use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::policy::limits::RateLimit;
use crate::policy::poller::{Jitter, PollPolicy, Strategy};
use crate::theory::{event_rate, pull, push};
use crate::time::{Span, Time};

/// Requests per second that a consumer of a client makes of the API, where that is known beforehand: polls at a fixed
/// interval with their further pages, and a fetch for each thin webhook.
pub fn requests_per_second(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let events = event_rate(setup).unwrap_or(0.0);
    let polls = match &client.pull {
        Some(pull) if pull.strategy != Strategy::Fixed => return None,
        Some(pull) if client.polls_records() => {
            let duration = setup.frame.duration;
            let arrivals = setup.workload.expected_arrivals_before(duration);
            pull::record_polls(setup, pull, arrivals)? / duration.since(Time::ZERO).as_secs_f64()
        }
        Some(pull) => {
            let cycle = pull::cycle(setup, pull);
            pull::pages_per_poll(events * cycle, pull.page.min(setup.api.page)) / cycle
        }
        None => 0.0,
    };
    let fetches = |push: &PushSetup| if push.receive.fetch.is_some() { events } else { 0.0 };
    let fetches = client.push.as_ref().filter(|_| push::is_steady(client)).map_or(0.0, fetches);
    Some(polls + fetches).filter(|requests| *requests > 0.0)
}

/// The requests that count for a quota: of polls that say what they know, those that are answered 304 may be free.
pub fn counted_per_second(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let requests = requests_per_second(setup, client)?;
    let is_free = client.pull.as_ref().is_some_and(|pull| pull.conditional)
        && setup.api.limits.quota.is_some_and(|quota| !quota.counts_not_modified);
    Some(if is_free { requests.min(event_rate(setup)?) } else { requests })
}

/// Whether no limit of the API can ever turn a poll away.
///
/// That is known where polls reach the API evenly spaced, one consumer by itself and all of them together: no poll comes
/// sooner after the one before than a token needs to come back, and all of one interval find room in the account's bucket.
pub(super) fn never_bite(setup: &Setup, policy: &PollPolicy) -> bool {
    let limits = &setup.api.limits;
    if limits.consumer.is_none() && limits.account.is_none() && limits.quota.is_none() {
        return true;
    }
    let is_even = policy.jitter == Jitter::None && setup.link.request.latency.is_constant();
    let per_interval = |limit: RateLimit| limit.per_second() * policy.every.as_secs_f64() * (1.0 + 1e-12);
    let consumers = f64::from(setup.consumers);
    let own = limits.consumer.is_none_or(|limit| per_interval(limit) >= 1.0);
    let all = limits.account.is_none_or(|limit| per_interval(limit).min(limit.burst.into()) >= consumers);
    let quota = limits.quota.is_none_or(|quota| {
        let polls = quota.window.as_nanos() / policy.every.as_nanos().max(1) + 1;
        polls <= quota.requests.into()
    });
    is_even && own && all && quota
}

/// Whether what is asked for so long after it occurred, and not later, is always still there.
pub(super) fn keeps_for(setup: &Setup, seconds: f64) -> bool {
    setup.api.retention.is_none_or(|kept: Span| seconds < kept.as_secs_f64())
}

/// How many requests a consumer of a client makes, as a multiple of what its own rate limit lets in.
pub(super) fn consumer_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    beyond(requests_per_second(setup, client)? / setup.api.limits.consumer?.per_second())
}

/// How many requests all consumers of a client make, as a multiple of what the account's rate limit lets in.
pub(super) fn account_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let all = requests_per_second(setup, client)? * f64::from(setup.consumers);
    beyond(all / setup.api.limits.account?.per_second())
}

/// How many requests a consumer of a client makes in a window, as a multiple of its quota. A run that is shorter than a
/// window makes fewer.
pub(super) fn quota_load(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let quota = setup.api.limits.quota?;
    let run = setup.frame.duration.since(Time::ZERO);
    let window = quota.window.min(run).as_secs_f64();
    beyond(counted_per_second(setup, client)? * window / f64::from(quota.requests))
}

/// A limit that is met exactly turns nobody away.
fn beyond(load: f64) -> Option<f64> {
    (load > 1.0 + 1e-9).then_some(load)
}

/// How many requests per second keep the API's workers busy, over all consumers of a client: those that it lets in.
pub(super) fn admitted_per_second(setup: &Setup, client: &ClientSetup) -> Option<f64> {
    let limits = &setup.api.limits;
    let own = limits.consumer.map_or(f64::INFINITY, |limit| limit.per_second());
    let account = limits.account.map_or(f64::INFINITY, |limit| limit.per_second());
    let each = requests_per_second(setup, client)? * (1.0 - setup.link.request.loss);
    Some((each.min(own) * f64::from(setup.consumers)).min(account))
}
