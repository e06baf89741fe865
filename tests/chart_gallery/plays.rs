//! Scenarios played for the gallery, and their figures in the form that charts take.

use std::collections::BTreeMap;
use std::path::Path;

use pushpull::engine::{Control, sim};
use pushpull::measure::dimension::Dimension;
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::summary::Summary;
use pushpull::measure::tally::OutcomeKind;
use pushpull::peer::{Exchange, Note, Request};
use pushpull::report::chart::{
    Arc, Backlog, BacklogLine, Bar, Client, EventDot, FaultBand, Lane, LatencyCurve, LatencyDistribution, Load,
    LoadLine, Mark, Requests, RequestsPanel, Side, Step, Target, Timeline,
};
use pushpull::scenario::Scenario;
use pushpull::time::{Span, Time};

/// A scenario, with some of its keys set otherwise.
pub(crate) fn scenario(text: &str, sets: &[&str]) -> Scenario {
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    Scenario::parse(text, "gallery.toml", Path::new("."), &sets).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// One that comes with the program.
pub(crate) fn built_in(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    Scenario::load(&path, &[]).unwrap()
}

/// The figures of its clients.
pub(crate) fn play(scenario: &Scenario) -> Vec<Summary> {
    let runs = sim::run(&scenario.setup, &Control::default());
    pushpull::evaluation::summarise(&scenario.setup, runs).unwrap()
}

fn clients(summaries: &[Summary]) -> impl Iterator<Item = (Client, &Summary)> {
    let client = |(index, summary): (usize, &Summary)| Client::new(&summary.terms.client, index);
    summaries.iter().enumerate().map(move |(index, summary)| (client((index, summary)), summary))
}

pub(crate) fn latencies(summaries: &[Summary], target: Option<Target>) -> LatencyDistribution {
    let curve = |(client, summary): (Client, &Summary)| {
        let mut known = 0;
        let steps = summary.tally.latencies.cells().map(|(micros, count)| {
            known += count;
            (micros as f64 / 1e3, known as f64 / summary.events.max(1) as f64)
        });
        LatencyCurve { client, steps: steps.collect() }
    };
    LatencyDistribution { curves: clients(summaries).map(curve).collect(), target }
}

pub(crate) fn outcomes(summaries: &[Summary]) -> Requests {
    let panel = |(client, summary): (Client, &Summary)| {
        let bars =
            summary.timeline().map(|(bucket, [from_s, until_s], _)| Bar { from_s, until_s, outcomes: bucket.outcomes });
        RequestsPanel { client, bars: bars.collect() }
    };
    Requests { panels: clients(summaries).map(panel).collect() }
}

/// Means over stretches of so many seconds.
fn per_second(counts: &[u32], width: usize) -> Vec<Step> {
    let step = |(index, counts): (usize, &[u32])| {
        let from_s = (index * width) as f64;
        let sum: u32 = counts.iter().sum();
        Step { from_s, until_s: from_s + counts.len() as f64, value: f64::from(sum) / counts.len() as f64 }
    };
    counts.chunks(width).enumerate().map(step).collect()
}

pub(crate) fn loads(summaries: &[Summary]) -> Load {
    let line = |(client, summary): (Client, &Summary)| {
        let width = (summary.measured_s / 60.0).ceil() as usize;
        let [provider, consumer] =
            [&summary.tally.provider, &summary.tally.consumer].map(|load| per_second(&load.per_second(), width));
        LoadLine { client, provider, consumer }
    };
    Load { dimension: Dimension::Rate, lines: clients(summaries).map(line).collect() }
}

pub(crate) fn backlogs(summaries: &[Summary]) -> Backlog {
    let line = |(client, summary): (Client, &Summary)| {
        let step =
            |(_, [from_s, until_s], backlog): (_, [f64; 2], u64)| Step { from_s, until_s, value: backlog as f64 };
        BacklogLine { client, steps: summary.timeline().map(step).collect() }
    };
    let mut faults: Vec<FaultBand> = Vec::new();
    for tally in summaries.iter().flat_map(|summary| &summary.tally.faults) {
        let [from_s, until_s] = [tally.fault.from, tally.fault.until].map(seconds);
        let band = FaultBand { label: tally.fault.kind.name().into(), from_s, until_s };
        if !faults.contains(&band) {
            faults.push(band);
        }
    }
    Backlog { lines: clients(summaries).map(line).collect(), faults }
}

fn seconds(at: Time) -> f64 {
    at.since(Time::ZERO).as_secs_f64()
}

/// What is known of an exchange.
struct Known {
    opened: Time,
    ended: Time,
    is_poll: bool,
    end: Option<End>,
    fresh: bool,
    repeated: bool,
}

impl Known {
    fn outcome(&self) -> OutcomeKind {
        match self.end {
            Some(End::Answered | End::Fetched | End::Accepted) if self.fresh => OutcomeKind::Useful,
            Some(End::Answered | End::Fetched | End::Accepted) if self.repeated => OutcomeKind::Duplicate,
            Some(End::Answered | End::Fetched | End::Accepted) => OutcomeKind::Empty,
            Some(End::Refused(304)) => OutcomeKind::NotModified,
            Some(End::Refused(429)) => OutcomeKind::Throttled,
            _ => OutcomeKind::Failed,
        }
    }

    fn mark(&self) -> Mark {
        let [at_s, until_s] = [self.opened, self.ended].map(seconds);
        let what = if self.is_poll { "poll" } else { "attempt" };
        let told = format!("{what} at {at_s:.2} s: {:?}", self.outcome());
        Mark { at_s, until_s: Some(until_s), outcome: self.outcome(), told }
    }
}

/// The first stretch of a run, event by event.
pub(crate) fn strip(scenario: &Scenario, until: f64) -> Timeline {
    let setup = &scenario.setup;
    let (mut lanes, mut events) = (Vec::new(), Vec::new());
    for (index, client) in setup.clients.iter().enumerate() {
        let (_, facts) = sim::trace(setup, index, 0);
        let (mut exchanges, mut arcs) = (BTreeMap::new(), Vec::new());
        events.clear();
        let last = Time::ZERO + Span::from_secs_f64(until);
        for (at, fact) in facts.into_iter().filter(|(at, _)| *at <= last) {
            match fact {
                Fact::Occurred(event) => {
                    let told = format!("event {} at {:.2} s", event.serial, seconds(at));
                    events.push(EventDot { at_s: seconds(at), told });
                }
                Fact::Noted(_, Note::Seen(event)) => {
                    let [from_s, to_s] = [event.occurred_at, at].map(seconds);
                    arcs.push(Arc { from_s, to_s, told: format!("event {}: {:.2} s", event.serial, to_s - from_s) });
                }
                other => learn(&mut exchanges, at, other),
            }
        }
        for (is_poll, side, has) in
            [(false, Side::Push, client.push.is_some()), (true, Side::Pull, client.pull.is_some())]
        {
            let marks: Vec<Mark> =
                exchanges.values().filter(|known: &&Known| known.is_poll == is_poll).map(Known::mark).collect();
            if has {
                let arcs = arcs.clone();
                lanes.push(Lane { client: Client::new(&client.name, index), side, marks, arcs });
            }
        }
    }
    Timeline { from_s: 0.0, until_s: until, events, lanes }
}

fn learn(exchanges: &mut BTreeMap<(bool, u32), Known>, at: Time, fact: Fact) {
    let key = |exchange: Exchange| (format!("{:?}", exchange.opener) == "Consumer", exchange.serial);
    match fact {
        Fact::Opened { exchange, request, .. } => {
            let is_poll = !matches!(request, Request::Delivery { .. });
            let known = Known { opened: at, ended: at, is_poll, end: None, fresh: false, repeated: false };
            exchanges.insert(key(exchange), known);
        }
        Fact::Ended { exchange, end, .. } => {
            if let Some(known) = exchanges.get_mut(&key(exchange)) {
                (known.ended, known.end) = (at, Some(end));
            }
        }
        Fact::Noted(_, Note::Took { exchange, fresh, .. }) => {
            if let Some(known) = exchanges.get_mut(&key(exchange)) {
                known.fresh |= fresh;
                known.repeated |= !fresh;
            }
        }
        _ => {}
    }
}
