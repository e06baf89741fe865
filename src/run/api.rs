//! Whom System B's API lets in and how long it keeps an event, in plain words, against what each client asks of it.

use crate::engine::{ClientSetup, Setup};
use crate::policy::limits::RateLimit;
use crate::policy::provider::ApiPolicy;
use crate::report::{human, table};
use crate::theory::limits;
use crate::time::Span;

/// Columns of the word that a line begins with.
const LABEL_WIDTH: usize = 12;

/// What limits the clients that ask something of the API, line by line; nothing if nothing does.
pub(super) fn describe(setup: &Setup) -> Vec<String> {
    if !setup.clients.iter().any(ClientSetup::asks) {
        return Vec::new();
    }
    let mut text = Vec::new();
    for (label, words) in lines(&setup.api, setup.consumers) {
        label_and_words(&mut text, "  ", label, &words);
    }
    if text.is_empty() {
        return text;
    }
    text.insert(0, "System B's API".to_owned());
    for client in setup.clients.iter().filter(|client| client.asks()) {
        if let Some(words) = asked(setup, client) {
            text.push(format!("  {}:", client.name));
            label_and_words(&mut text, "    ", "asks", &words);
        }
    }
    text.push(String::new());
    text
}

fn label_and_words(text: &mut Vec<String>, indent: &str, label: &str, words: &str) {
    let width = table::WIDTH - LABEL_WIDTH - indent.len() - 2;
    for (index, words) in table::wrap(words, width).into_iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        text.push(format!("{indent}{label:LABEL_WIDTH$}{words}"));
    }
}

fn lines(api: &ApiPolicy, consumers: u32) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(workers) = api.capacity.workers {
        let queue = human::things(api.capacity.queue.into(), "request waits", "requests wait");
        let workers = human::things(workers.into(), "worker", "workers");
        lines.push(("capacity", format!("{workers}; up to {queue} for one, more are answered 503")));
    }
    if let Some(limit) = api.limits.consumer {
        lines.push(("rate limit", format!("each consumer {}", rate(limit))));
    }
    if let Some(limit) = api.limits.account {
        let all = human::things(consumers.into(), "consumer", "consumers");
        lines.push(("account", format!("{} for the {all} of a client together", rate(limit))));
    }
    if let Some(quota) = api.limits.quota {
        let requests = human::things(quota.requests.into(), "request", "requests");
        let free = if quota.counts_not_modified { "" } else { "; an answer 304 is free of charge" };
        lines.push(("quota", format!("each consumer {requests} in {}{free}", time(quota.window))));
    }
    if let Some(kept) = api.retention {
        lines.push(("retention", format!("events are kept for {}", time(kept))));
    }
    if let Some(interval) = api.poll_interval {
        lines.push(("advice", format!("asks to be polled every {}", time(interval))));
    }
    lines
}

fn rate(limit: RateLimit) -> String {
    let burst = human::things(limit.burst.into(), "request", "requests");
    format!("{}, up to {burst} at once", per_time(limit.per_second()))
}

/// How many requests a consumer makes, and all of them where an account counts; none where that is not known beforehand.
fn asked(setup: &Setup, client: &ClientSetup) -> Option<String> {
    let ApiPolicy { limits: allowed, .. } = &setup.api;
    let each = limits::requests_per_second(setup, client)?;
    let mut words = format!("each consumer about {}", per_time(each));
    if allowed.account.is_some() && setup.consumers > 1 {
        words.push_str(&format!(", all together {}", per_time(each * f64::from(setup.consumers))));
    }
    if let (Some(quota), Some(counted)) = (allowed.quota, limits::counted_per_second(setup, client)) {
        let requests = human::things(counted * quota.window.as_secs_f64(), "request", "requests");
        words.push_str(&format!("; of its quota {requests} in {}", time(quota.window)));
    }
    Some(words)
}

/// Requests in the shortest of a second, a minute, an hour and a day in which there is one at least.
fn per_time(per_second: f64) -> String {
    let units = [("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("day", 86_400.0)];
    let (unit, seconds) =
        units.into_iter().find(|(_, seconds)| per_second * seconds >= 1.0).unwrap_or(("day", 86_400.0));
    format!("{} requests/{unit}", human::number(per_second * seconds))
}

fn time(span: Span) -> String {
    human::duration_secs(span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_in_the_unit_in_which_it_is_short() {
        let told = [25.0, 1.0, 0.1, 1.0 / 300.0, 1.0 / 90_000.0].map(per_time);
        assert_eq!(told, ["25 requests/s", "1 requests/s", "6 requests/min", "12 requests/h", "0.96 requests/day"]);
    }
}
