//! What the charts of the page show: the figures of a run in the form in which the chart layer takes them.

use serde_json::{Value, json};

use super::facts::Client;
use crate::engine::Setup;
use crate::fault::FaultKind;
use crate::measure::tally::{Frame, Outcomes, Tally};
use crate::report::chart::{
    Backlog, BacklogLine, Bar, Canvas, Client as Owner, FaultBand, LatencyCurve, LatencyDistribution, Requests,
    RequestsPanel, Step, backlog, latency_distribution, requests,
};
use crate::time::Time;

/// The most bars of a panel.
const BARS_MAX: usize = 30;

/// For how wide a page charts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// A page on a desk.
    Wide,
    /// A phone held upright.
    Narrow,
}

impl Width {
    /// The width that a query asks for.
    pub(super) fn read(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("wide") => Some(Self::Wide),
            Some("narrow") => Some(Self::Narrow),
            Some(_) => None,
        }
    }

    /// A place of this width.
    pub(super) fn canvas(self, id: &str, title: &str) -> Canvas {
        match self {
            Self::Wide => Canvas::new(id, title, 760.0),
            Self::Narrow => Canvas::new(id, title, 330.0),
        }
    }
}

/// The charts of a run, as SVG by name.
pub(super) fn json(setup: &Setup, clients: &[Client<'_>], width: Width) -> Value {
    json!({
        "latency": latency(clients, width),
        "requests": outcomes(setup, clients, width),
        "backlog": waiting(setup, clients, width),
    })
}

fn owner(client: &Client<'_>) -> Owner {
    Owner::new(&client.summary.terms.client, client.index)
}

fn latency(clients: &[Client<'_>], width: Width) -> String {
    let curve = |client: &Client<'_>| LatencyCurve { client: owner(client), steps: shares(&client.summary.tally) };
    let chart = LatencyDistribution { curves: clients.iter().map(curve).collect(), target: None };
    latency_distribution(&chart, &width.canvas("latency", "Share of events known within a given time")).into_string()
}

/// Which share of all events was known within a given time.
fn shares(tally: &Tally) -> Vec<(f64, f64)> {
    let mut known = 0;
    let step = |(micros, count): (u64, u64)| {
        known += count;
        (micros as f64 / 1e3, known as f64 / tally.events.max(1) as f64)
    };
    tally.latencies.cells().map(step).collect()
}

fn outcomes(setup: &Setup, clients: &[Client<'_>], width: Width) -> String {
    let panel =
        |client: &Client<'_>| RequestsPanel { client: owner(client), bars: bars(&setup.frame, &client.summary.tally) };
    let chart = Requests { panels: clients.iter().map(panel).collect() };
    requests(&chart, &width.canvas("requests", "Requests by what they brought")).into_string()
}

/// The requests of the measured stretch, in few enough bars to be told apart.
fn bars(frame: &Frame, tally: &Tally) -> Vec<Bar> {
    let count = frame.measured_buckets() as usize;
    let together = count.div_ceil(BARS_MAX).max(1);
    let bar = |first: usize| {
        let mut outcomes = Outcomes::default();
        let last = (first + together).min(count);
        tally.buckets.iter().take(last).skip(first).for_each(|bucket| outcomes.add(&bucket.outcomes));
        let [from_s, until_s] = [first, last].map(|index| at(frame, index).min(seconds(frame.duration)));
        Bar { from_s, until_s, outcomes }
    };
    (0..count).step_by(together).map(bar).collect()
}

fn waiting(setup: &Setup, clients: &[Client<'_>], width: Width) -> String {
    let line = |client: &Client<'_>| BacklogLine {
        client: owner(client),
        steps: unknown(&setup.frame, &client.summary.tally),
    };
    let down = setup
        .clients
        .iter()
        .flat_map(|client| &client.faults.0)
        .filter(|fault| !matches!(fault.kind, FaultKind::ForgedWebhooks { .. } | FaultKind::PollerDown));
    let mut faults: Vec<FaultBand> = Vec::new();
    for fault in down {
        let label = match fault.kind {
            FaultKind::ReceiverDown { .. } => "System A is down".to_owned(),
            other => other.name().to_owned(),
        };
        let band = FaultBand { label, from_s: seconds(fault.from), until_s: seconds(fault.until) };
        if !faults.contains(&band) {
            faults.push(band);
        }
    }
    let chart = Backlog { lines: clients.iter().map(line).collect(), faults };
    backlog(&chart, &width.canvas("backlog", "Events that System A does not know of yet")).into_string()
}

/// How many events had occurred and were neither known nor lost at the end of each stretch of time.
fn unknown(frame: &Frame, tally: &Tally) -> Vec<Step> {
    let (mut occurred, mut settled) = (0_u64, 0_u64);
    let step = |(index, bucket): (usize, &crate::measure::tally::Bucket)| {
        occurred += bucket.occurred;
        settled += bucket.seen + bucket.lost;
        let value = occurred.saturating_sub(settled) as f64;
        Step { from_s: at(frame, index), until_s: at(frame, index + 1), value }
    };
    tally.buckets.iter().enumerate().map(step).collect()
}

/// When a bucket begins, in seconds since the start of the run.
fn at(frame: &Frame, index: usize) -> f64 {
    seconds(frame.warmup) + frame.bucket().as_secs_f64() * index as f64
}

fn seconds(at: Time) -> f64 {
    at.since(Time::ZERO).as_secs_f64()
}
