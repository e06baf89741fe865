//! What each key allows by itself but all of them together do not: runs that cannot end, or answers that cannot come.

pub(super) mod push;

use crate::engine::{ClientSetup, Setup};
use crate::policy::poller::{Jitter, OVERLAP_EVENTS_MAX, PollPolicy, Strategy, Timing};
use crate::scenario::problems::Problem;
use crate::scenario::records;
use crate::scenario::tree::Table;
use crate::scenario::units::format_span;
use crate::theory;
use crate::time::{Span, Time};
use crate::workload::Arrivals;

const DURATION_MAX: Span = Span::from_secs(3_650 * 86_400);
const DRAIN_MAX: Span = Span::from_secs(365 * 86_400);
/// Events and polls of a consumer are numbered in 32 bits.
const SERIALS_MAX: f64 = 4e9;
const EVENTS_MAX: f64 = 1e10;
const EXCHANGES_MAX: f64 = 1e12;
/// A cycle of bursts costs a run about as much as an event does, even if none occurs in it.
const CYCLES_MAX: f64 = 1e8;

const LIVE_CONSUMERS_MAX: u32 = 1_000;
/// Each consumer of a client that polls has a connection of its own, and both of its ends are in one process.
const LIVE_CONNECTIONS_MAX: u32 = 8_000;
const LIVE_EVENTS_MAX: f64 = 1e7;
/// The live engine keeps what it saw of each exchange until the end of the run.
const LIVE_EXCHANGES_MAX: f64 = 1e7;
/// Each poll that is held keeps a connection of the API's, which has room for somewhat more.
const LIVE_HELD_MAX: usize = 2_000;
const LIVE_DURATION_MAX: Span = Span::from_secs(86_400);

/// The parts of a scenario that the limits look at.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub setup: &'a Setup,
    pub root: &'a Table,
}

impl Subject<'_> {
    fn problem(&self, steps: &[&str], message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem::new(message).at(self.root.place(steps)).help(help)
    }

    fn duration(&self) -> Span {
        self.setup.frame.duration.since(Time::ZERO)
    }

    /// The expected number of events of one consumer.
    pub(super) fn events_per_consumer(&self) -> f64 {
        self.setup.workload.expected_before(self.setup.frame.duration)
    }

    /// The expected number of arrivals of one consumer: events, or with a lifecycle the records that it opens.
    pub(super) fn arrivals_per_consumer(&self) -> f64 {
        self.setup.workload.expected_arrivals_before(self.setup.frame.duration)
    }

    fn events(&self) -> f64 {
        self.events_per_consumer() * f64::from(self.setup.consumers)
    }
}

/// Everything that any engine would refuse.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = stretches(subject);
    if !problems.is_empty() {
        // Counts over a stretch of time that makes no sense make none either.
        return problems;
    }
    problems.extend(events(subject));
    problems.extend(bursts(subject));
    for (index, client) in subject.setup.clients.iter().enumerate() {
        let index = index.to_string();
        problems.extend(client.pull.as_ref().and_then(|pull| pull_limits(subject, &index, client, pull)));
        problems.extend(overlap(subject, &index, client));
        problems.extend(records::check(subject.setup, subject.root, &index, client));
        problems.extend(client.push.as_ref().and_then(|push| push::check(subject, &index, client, push)));
    }
    if problems.is_empty() {
        problems.extend(exchanges(subject, EXCHANGES_MAX, ""));
    }
    problems
}

fn stretches(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let frame = subject.setup.frame;
    let (duration, warmup, drain) =
        (subject.duration(), frame.warmup.since(Time::ZERO), frame.end.since(frame.duration));
    if duration.is_zero() {
        problems.push(subject.problem(&["duration"], "`duration` is zero", "write a duration such as \"1h\""));
    } else if duration > DURATION_MAX {
        let message = format!("a `duration` of {} is too long", format_span(duration));
        let place: &[&str] =
            if subject.root.get("duration").is_some() { &["duration"] } else { &["events", "trace", "file"] };
        problems.push(subject.problem(place, message, "write at most \"3650d\""));
    }
    if warmup >= duration && !duration.is_zero() {
        let message = format!(
            "`warmup` is {} and `duration` is {}: nothing would be counted",
            format_span(warmup),
            format_span(duration)
        );
        problems.push(subject.problem(&["warmup"], message, "write a `warmup` that is shorter than the `duration`"));
    }
    if drain > DRAIN_MAX {
        problems.push(subject.problem(&["drain"], "`drain` is too long", "write at most \"365d\""));
    }
    problems
}

fn events(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Arrivals::Trace(instants) = &subject.setup.workload.arrivals
        && !instants.iter().any(|instant| subject.setup.frame.counts(*instant))
    {
        let message = "no event of the trace falls between `warmup` and `duration`";
        problems.push(subject.problem(
            &["events", "trace", "file"],
            message,
            "the first event is at the start of the run: shorten `warmup`",
        ));
    }
    let place = ["events", "rate"];
    let (each, all) = (subject.events_per_consumer(), subject.events());
    if each > SERIALS_MAX {
        let message = format!("each consumer would have about {} events", count(each));
        problems.push(subject.problem(
            &place,
            message,
            format!("lower `rate` or `duration`: the most is {}", count(SERIALS_MAX)),
        ));
    } else if all > EVENTS_MAX {
        let message = format!("there would be about {} events over all consumers", count(all));
        problems.push(subject.problem(
            &place,
            message,
            format!("lower `rate`, `duration` or `consumers`: the most is {}", count(EVENTS_MAX)),
        ));
    }
    problems
}

/// Whether bursts are so short that a run would do nothing but switch them on and off.
fn bursts(subject: &Subject<'_>) -> Option<Problem> {
    let Arrivals::Bursts { on, off, .. } = subject.setup.workload.arrivals else { return None };
    let cycle = (on.as_nanos() as f64 + off.as_nanos() as f64).max(1.0);
    let length = subject.duration().as_nanos() as f64;
    let each = length / cycle;
    let all = each * f64::from(subject.setup.consumers);
    let (message, other) = if each > CYCLES_MAX {
        (format!("each consumer would have about {} bursts", count(each)), "`duration`")
    } else if all > EVENTS_MAX {
        (format!("there would be about {} bursts over all consumers", count(all)), "`duration` or `consumers`")
    } else {
        return None;
    };
    let most = CYCLES_MAX.min(EVENTS_MAX / f64::from(subject.setup.consumers));
    // A whole number of microseconds, rounded up, is short to read and not too short to be taken.
    let shortest = Span::from_micros((length / most / 1e3).ceil() as u64);
    let help = format!(
        "write an `on` and an `off` that are together at least \"{}\", or lower {other}",
        format_span(shortest.max(Span::from_micros(1)))
    );
    Some(subject.problem(&["events", "bursts"], message, help))
}

/// The polls that are due in a time where the interval is as it begins. A long poll that asks again at once is answered when
/// its time is over; events end it sooner, and are counted apart.
fn polls(subject: &Subject<'_>, pull: &PollPolicy, span: Span) -> f64 {
    if let Some(polls) = theory::pull::record_polls(subject.setup, pull, subject.arrivals_per_consumer()) {
        return polls;
    }
    let interval = match pull.strategy {
        Strategy::LongPoll { hold } => pull.every + hold,
        _ => pull.every,
    };
    span.as_nanos() as f64 / interval.as_nanos().max(1) as f64
}

/// The most polls that can leave in a time.
fn polls_max(subject: &Subject<'_>, pull: &PollPolicy, span: Span) -> f64 {
    let Strategy::Adaptive { min: shortest, .. } = pull.strategy else { return polls(subject, pull, span) };
    span.as_nanos() as f64 / shortest.as_nanos().max(1) as f64
}

/// What most requests of a run are, where they could be fewer, and how.
struct Share {
    requests: f64,
    place: Vec<String>,
    advice: &'static str,
}

/// The requests of each client by what they are, over all consumers: polls that are due, an attempt for each event,
/// those that follow because it failed, one for each time that it is delivered again, fetches, and forgeries.
fn requests(subject: &Subject<'_>) -> Vec<Share> {
    let of_client = |(index, client): (usize, &ClientSetup)| {
        let at = |keys: &[&str]| {
            let index = index.to_string();
            ["client", &index].iter().chain(keys).map(|step| (*step).to_owned()).collect::<Vec<_>>()
        };
        let mut shares = Vec::new();
        let mut share = |requests: f64, place, advice| {
            shares.push(Share { requests: requests * f64::from(subject.setup.consumers), place, advice });
        };
        if let Some(pull) = &client.pull {
            let polls = match pull.strategy {
                // Each event may end a poll.
                Strategy::LongPoll { .. } => polls(subject, pull, subject.duration()) + subject.events_per_consumer(),
                _ => polls(subject, pull, subject.duration()),
            };
            share(polls, at(&["pull", "every"]), "poll less often");
        }
        if let Some(push) = &client.push {
            let again = push::redeliveries(subject, client, push);
            let events = subject.events_per_consumer();
            let deliveries = events + again;
            let retries = theory::attempts::expected(subject.setup, client, push, events) - events;
            let rate = vec!["events".to_owned(), "rate".to_owned()];
            share(events, rate, "lower the `rate` of events");
            share(retries.max(0.0), at(&["push", "retry"]), "retry less often");
            share(again, at(&["push", "redeliver"]), "redeliver less often");
            if push.receive.fetch.is_some() {
                share(deliveries, at(&["push", "payload"]), "write payload = \"full\"");
            }
            share(push::forged(client), vec!["fault".to_owned()], "lower the `rate` of the fault");
        }
        shares
    };
    subject.setup.clients.iter().enumerate().flat_map(of_client).collect()
}

fn exchanges(subject: &Subject<'_>, limit: f64, or: &str) -> Option<Problem> {
    let shares = requests(subject);
    let total: f64 = shares.iter().map(|share| share.requests).sum();
    if total <= limit {
        return None;
    }
    let most = shares.iter().max_by(|a, b| a.requests.total_cmp(&b.requests))?;
    let place: Vec<_> = most.place.iter().map(String::as_str).collect();
    let message = format!("the run would make about {} requests over all clients and consumers", count(total));
    let advice = most.advice;
    let help = format!("lower `duration` or `consumers`, or {advice}{or}: the most is {}", count(limit));
    Some(subject.problem(&place, message, help))
}

fn pull_limits(subject: &Subject<'_>, index: &str, client: &ClientSetup, pull: &PollPolicy) -> Option<Problem> {
    let place = ["client", index, "pull", "every"];
    // Each event may need a page of its own.
    let most = polls_max(subject, pull, subject.setup.frame.end.since(Time::ZERO)) + subject.events_per_consumer();
    if most > SERIALS_MAX {
        let message = format!("\"{}\" would make up to {} polls for each consumer", client.name, count(most));
        let help = format!("poll less often, or lower `duration` or `drain`: the most is {}", count(SERIALS_MAX));
        return Some(subject.problem(&place, message, help));
    }
    let service_time = subject.setup.api.service_time.min();
    let least = there_and_back(subject) + service_time;
    // A timeout that is not written is the interval, or else far above any usual answer.
    let is_written = subject.root.find(&["client", index, "pull", "timeout"]).is_some();
    let grid_may_stall = may_lose(subject) && pull.timing == Timing::FixedRate;
    if pull.timeout < least {
        let place = ["client", index, "pull", if is_written { "timeout" } else { "every" }];
        let help = if grid_may_stall && pull.every <= least {
            longer_interval(pull, least, is_written)
        } else {
            longer_than(pull.timeout, least, service_time)
        };
        return Some(subject.problem(&place, never_in_time("poll", client, pull.timeout, least), help));
    }
    if grid_may_stall && pull.timeout > pull.every {
        let (every, timeout) = (format_span(pull.every), format_span(pull.timeout));
        let message = format!(
            "\"{}\" polls every {every} but waits {timeout} for an answer that may be lost: the polls in between would be skipped",
            client.name
        );
        let first = if pull.every < least {
            format!("write every = \"{timeout}\" or more")
        } else {
            format!("write timeout = \"{every}\" or less")
        };
        let other = if may_wait(pull) { ", or timing = \"fixed-delay\"" } else { "" };
        return Some(subject.problem(&["client", index, "pull", "timeout"], message, first + other));
    }
    None
}

/// Whether the polls could as well wait for each other: jitter around a grid needs the grid.
const fn may_wait(pull: &PollPolicy) -> bool {
    !matches!(pull.jitter, Jitter::Grid(_))
}

/// The advice where a longer timeout alone would be longer than the interval, which a network with loss does not allow.
fn longer_interval(pull: &PollPolicy, least: Span, is_written: bool) -> String {
    let least = format_span(least);
    let keys = if is_written { "an `every` and a `timeout`" } else { "an `every`" };
    let wait = if may_wait(pull) {
        format!(", or timing = \"fixed-delay\" and a `timeout` longer than \"{least}\"")
    } else {
        String::new()
    };
    format!("write {keys} longer than \"{least}\"{wait}, or lower the `latency` of [network]")
}

/// No message is smaller than this, in bytes.
const SMALLEST: u64 = 64;

/// The shortest time that a request and its response can travel, with the handshake before them.
fn there_and_back(subject: &Subject<'_>) -> Span {
    let link = &subject.setup.link;
    let sending = link.request.sending(SMALLEST) + link.response.sending(SMALLEST);
    link.opening_min() + link.request.latency.min() + link.response.latency.min() + sending
}

fn may_lose(subject: &Subject<'_>) -> bool {
    subject.setup.link.request.loss > 0.0 || subject.setup.link.response.loss > 0.0
}

fn never_in_time(what: &str, client: &ClientSetup, timeout: Span, least: Span) -> String {
    let (least, timeout) = (format_span(least), format_span(timeout));
    format!(
        "every {what} of \"{}\" would time out: its answer takes at least {least}, its timeout is {timeout}",
        client.name
    )
}

/// What to do about a timeout that is too short, `handling` being the part of the time that is not the network's.
fn longer_than(timeout: Span, least: Span, handling: Span) -> String {
    let or = if handling < timeout { "lower the `latency` of [network]" } else { "a shorter `service_time`" };
    format!("write a `timeout` longer than \"{}\", or {or}", format_span(least))
}

/// Everything that only the live engine would refuse.
pub(super) fn check_live(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let setup = subject.setup;
    if setup.consumers > LIVE_CONSUMERS_MAX {
        let message = format!("{} consumers are too many for the live engine", setup.consumers);
        let help = format!("write at most {LIVE_CONSUMERS_MAX}, or use engine = \"sim\"");
        problems.push(subject.problem(&["consumers"], message, help));
    }
    let pollers = setup.clients.iter().filter(|client| client.pull.is_some()).count();
    let connections = u64::from(setup.consumers).saturating_mul(pollers as u64);
    if connections > LIVE_CONNECTIONS_MAX.into() && setup.consumers <= LIVE_CONSUMERS_MAX {
        let message = format!("the pollers of the live engine would hold {connections} connections open");
        let help =
            format!("write at most {} consumers, or use engine = \"sim\"", LIVE_CONNECTIONS_MAX as usize / pollers);
        problems.push(subject.problem(&["consumers"], message, help));
    }
    if subject.events() > LIVE_EVENTS_MAX {
        let message = format!("about {} events are too many for the live engine", count(subject.events()));
        let help = format!("keep to {}, or use engine = \"sim\"", count(LIVE_EVENTS_MAX));
        problems.push(subject.problem(&["events", "rate"], message, help));
    }
    problems.extend(exchanges(subject, LIVE_EXCHANGES_MAX, ", or use engine = \"sim\""));
    if subject.duration() > LIVE_DURATION_MAX {
        let message = format!("the live engine would really take {}", format_span(subject.duration()));
        let help =
            format!("write a `duration` of at most \"{}\", or use engine = \"sim\"", format_span(LIVE_DURATION_MAX));
        problems.push(subject.problem(&["duration"], message, help));
    }
    problems.extend(held(subject));
    let clients = setup.clients.iter().enumerate();
    problems.extend(clients.filter_map(|(index, client)| push::connections(subject, index, client)));
    problems
}

/// Whether more polls may be held at the same time than there are connections for.
fn held(subject: &Subject<'_>) -> Option<Problem> {
    let is_held = |client: &ClientSetup| {
        client.pull.as_ref().is_some_and(|pull| matches!(pull.strategy, Strategy::LongPoll { .. }))
    };
    let clients = &subject.setup.clients;
    let polls = clients.iter().filter(|client| is_held(client)).count() * subject.setup.consumers as usize;
    if polls <= LIVE_HELD_MAX {
        return None;
    }
    let message = format!("{polls} long polls held at the same time are too many for the live engine");
    let help = format!("keep long polls times `consumers` to {LIVE_HELD_MAX}, or use engine = \"sim\"");
    let index = clients.iter().position(is_held).unwrap_or(0).to_string();
    Some(subject.problem(&["client", &index, "pull", "strategy"], message, help))
}

/// Whether an overlap reaches back over more events than a poller remembers.
fn overlap(subject: &Subject<'_>, index: &str, client: &ClientSetup) -> Option<Problem> {
    let overlap = client.overlap();
    let workload = &subject.setup.workload;
    let densest = Some(workload.arrivals.densest_per_sec()).filter(|rate| rate.is_finite())?;
    let events = densest * workload.batch.mean() * overlap.as_secs_f64();
    if events <= OVERLAP_EVENTS_MAX as f64 {
        return None;
    }
    let message = format!("an `overlap` of {} has about {} events in it", format_span(overlap), count(events));
    let help = format!("write a shorter one: the most is {OVERLAP_EVENTS_MAX} events");
    Some(subject.problem(&["client", index, "pull", "overlap"], message, help))
}

/// A count for people: whole up to a million, then with a power of ten.
fn count(value: f64) -> String {
    if value < 1e6 {
        return format!("{value:.0}");
    }
    let mut power = 0;
    let mut mantissa = value;
    while mantissa >= 9.95 {
        mantissa /= 10.0;
        power += 1;
    }
    let text = format!("{mantissa:.1}");
    match text.trim_end_matches(".0") {
        "1" => format!("10^{power}"),
        mantissa => format!("{mantissa} x 10^{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        assert_eq!(count(3_600.0), "3600");
        assert_eq!(count(1e12), "10^12");
        assert_eq!(count(9.97e9), "10^10");
        assert_eq!(count(4e9), "4 x 10^9");
        assert_eq!(count(3.16e13), "3.2 x 10^13");
    }
}
