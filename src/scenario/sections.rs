//! The sections of a scenario that every client shares: the run itself, the events, the provider and the network.

use std::path::Path;
use std::sync::Arc;

use crate::distribution::Distribution;
use crate::link::{Handshake, Leg, Link};
use crate::measure::tally::Frame;
use crate::policy::provider::ApiPolicy;
use crate::scenario::arrivals::{self, PhaseKeys};
use crate::scenario::bandwidth::bandwidth;
use crate::scenario::column::Failure;
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::percent::Percent;
use crate::scenario::presets::{self, Preset};
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::tree::Node;
use crate::scenario::units::Rate;
use crate::scenario::{EngineChoice, TraceSource, api, keys, sizes, trace, walk};
use crate::seed::Seed;
use crate::time::{Span, Time};
use crate::workload::lifecycle::Lifecycle;
use crate::workload::{Arrivals, BatchSize, SizeDistribution};

/// The keys at the top of the file.
pub(super) struct Run {
    pub title: Option<String>,
    pub engine: EngineChoice,
    /// None means what a run takes by default, which depends on its events.
    pub duration: Option<Span>,
    /// None means that a pilot run is to find it.
    pub warmup: Option<Span>,
    pub drain: Span,
    pub seed: u64,
    pub replications: Option<u32>,
    pub precision: Option<Percent>,
    pub consumers: u32,
}

/// Reads the keys at the top of the file.
pub(super) fn run(reader: &mut Reader, top: &Section<'_>) -> Option<Run> {
    reader.get(top, "schema", schema);
    let title = reader.get_if_written(top, "title", kinds::text);
    let engine = reader.get(top, "engine", engine);
    let duration = reader.get_if_written(top, "duration", kinds::span);
    let warmup = reader.get(top, "warmup", kinds::any_span_or_word);
    let drain = reader.get(top, "drain", kinds::span);
    let seed = reader.get(top, "seed", kinds::integer);
    let replications = reader.get_if_written(top, "replications", kinds::small_integer);
    let precision = reader.get_if_written(top, "precision", kinds::percent);
    let consumers = reader.get(top, "consumers", kinds::small_integer);
    Some(Run {
        title: title?,
        engine: engine?,
        duration: duration?,
        warmup: warmup?,
        drain: drain?,
        seed: seed?,
        replications: replications?,
        precision: precision?,
        consumers: consumers?,
    })
}

/// Makes sure that a run whose warm-up is to be found has a state that it can come to.
pub(super) fn steady(reader: &mut Reader, top: &Section<'_>, arrivals: &Arrivals) {
    let changing = match arrivals {
        Arrivals::Daily { .. } => "daily",
        Arrivals::Phases { .. } => "phases",
        Arrivals::Constant { .. } | Arrivals::Poisson { .. } | Arrivals::Bursts { .. } | Arrivals::Trace(_) => return,
    };
    let message =
        format!("`warmup = \"auto\"` means nothing with arrivals = \"{changing}\", whose rate never stays the same");
    let place = top.node("warmup").and_then(|node| node.place.as_ref());
    reader.problem(Problem::new(message).at(place).help("write a duration, such as warmup = \"5m\""));
}

fn schema(node: &Node, key: &keys::Key) -> Parsed<u64> {
    kinds::integer(node, key).map_err(|problem| problem.help("this version reads schema = 1"))
}

fn engine(node: &Node, key: &keys::Key) -> Parsed<EngineChoice> {
    Ok(match kinds::choice(node, key)? {
        "live" => EngineChoice::Live,
        "both" => EngineChoice::Both,
        _ => EngineChoice::Sim,
    })
}

/// What `[events]` says.
pub(super) struct EventKeys {
    pub arrivals: Arrivals,
    pub rate: Option<Rate>,
    /// The phases, if there are any.
    pub phases: Vec<PhaseKeys>,
    pub trace: Option<TraceSource>,
    pub batch: BatchSize,
    pub payload: SizeDistribution,
    pub records: u32,
    pub lifecycle: Option<Lifecycle>,
}

/// Reads `[events]`; a trace file is looked for in `dir`.
pub(super) fn events(reader: &mut Reader, top: &Section<'_>, dir: &Path) -> Option<EventKeys> {
    let section = top.sub("events");
    let arrivals = reader.get(&section, "arrivals", kinds::choice);
    let batch = arrivals::batch(reader, &section);
    let payload = reader.get(&section, "payload", sizes::sizes);
    let records = reader.get(&section, "records", kinds::small_integer);
    let lifecycle = lifecycle(reader, &section);
    let written_rate = reader.get_if_written(&section, "rate", kinds::rate);
    let kind = arrivals?;
    let own =
        [("bursts", "bursts"), ("daily", "daily"), ("phases", "phases"), ("repeat", "phases"), ("trace", "trace")];
    for (name, of) in own.into_iter().filter(|(_, of)| *of != kind) {
        out_of_place(reader, &section, name, kind, &format!("write arrivals = \"{of}\" or remove it"));
    }
    let says_when = match kind {
        "trace" => Some("the trace says when events occur"),
        "phases" => Some("each phase has a rate of its own"),
        _ => None,
    };
    if let Some(what) = says_when {
        out_of_place(reader, &section, "rate", kind, &format!("remove it: {what}"));
    }
    let (mut rate, mut phases, mut trace) = (None, Vec::new(), None);
    // Without a good one the arrivals are read all the same, for whatever is wrong with them.
    let mean = batch.map_or(1.0, |batch| batch.mean());
    let arrivals = match kind {
        "trace" => {
            let (source, instants) = trace_of(reader, &section, dir)?;
            trace = Some(source);
            Arrivals::Trace(instants)
        }
        "phases" => {
            let (arrivals, keys) = arrivals::phases(reader, &section, mean)?;
            phases = keys;
            arrivals
        }
        _ => {
            rate = written_rate?;
            let Some(rate) = rate else {
                if let (false, Some(key)) = (top.misspells("events"), keys::find("events.rate")) {
                    reader.missing(&section, key);
                }
                return None;
            };
            arrivals_of(reader, &section, kind, rate.gap_nanos() * mean)?
        }
    };
    let (batch, payload, records, lifecycle) = (batch?, payload?, records?, lifecycle?);
    Some(EventKeys { arrivals, rate, phases, trace, batch, payload, records, lifecycle })
}

/// Reads `events.lifecycle`: the outer none is a problem, the inner one absence.
fn lifecycle(reader: &mut Reader, section: &Section<'_>) -> Option<Option<Lifecycle>> {
    let table = section.sub("events.lifecycle");
    if table.table.is_none() {
        return Some(None);
    }
    if let Some(node) = section.node("records") {
        let problem = Problem::new("`records` means nothing beside `lifecycle`, with which System A opens the records");
        reader.problem(problem.at(node.place.as_ref()).help("remove it: `rate` says how many records are opened"));
    }
    let changes = reader.get(&table, "changes", kinds::small_integer);
    let time = reader.get(&table, "time", kinds::time);
    Some(Some(Lifecycle { changes: changes?, time: time? }))
}

/// Notes a key that has no meaning with these arrivals.
fn out_of_place(reader: &mut Reader, section: &Section<'_>, name: &str, arrivals: &str, help: &str) {
    if let Some(node) = section.node(name) {
        let message = format!("`{name}` means nothing with arrivals = \"{arrivals}\"");
        reader.problem(Problem::new(message).at(node.place.as_ref()).help(help));
    }
}

fn arrivals_of(reader: &mut Reader, section: &Section<'_>, arrivals: &str, gap_nanos: f64) -> Option<Arrivals> {
    match arrivals {
        "daily" => arrivals::daily(reader, section, gap_nanos),
        "constant" => Some(Arrivals::Constant { gap_nanos }),
        "bursts" => {
            let bursts = section.sub("events.bursts");
            if bursts.table.is_none() {
                // Anything else that is written there has been named already.
                if section.node("bursts").is_none() && !section.misspells("bursts") {
                    let problem = Problem::new("`bursts` is missing in [events]").at(section.place);
                    reader.problem(problem.help("add bursts = { on = \"10s\", off = \"50s\" }: the mean lengths"));
                }
                return None;
            }
            let on = reader.get(&bursts, "on", positive);
            let off = reader.get(&bursts, "off", positive);
            let (on, off) = (on?, off?);
            // All events of the long run fall into the share of the time in which the source is on.
            let share_on = on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64());
            Some(Arrivals::Bursts { gap_nanos: gap_nanos * share_on, on, off })
        }
        _ => Some(Arrivals::Poisson { gap_nanos }),
    }
}

fn trace_of(reader: &mut Reader, section: &Section<'_>, dir: &Path) -> Option<(TraceSource, Arc<[Time]>)> {
    let table = section.sub("events.trace");
    if table.table.is_none() {
        // Anything else that is written there has been named already.
        if section.node("trace").is_none() && !section.misspells("trace") {
            let problem = Problem::new("`trace` is missing in [events]").at(section.place);
            reader.problem(problem.help("add trace = { file = \"times.csv\" }"));
        }
        return None;
    }
    let file = reader.get(&table, "file", kinds::text);
    let column = reader.get_if_written(&table, "column", kinds::text);
    let source = TraceSource { file: file?, column: column? };
    match trace::load(&dir.join(&source.file), source.column.as_deref()) {
        Ok(instants) => Some((source, instants.into())),
        Err(Failure { message, help, key }) => {
            let place = table.node(key).and_then(|node| node.place.as_ref());
            reader.problem(Problem::new(message).at(place).help(help));
            None
        }
    }
}

/// Reads a duration above zero.
pub(super) fn positive(node: &Node, key: &keys::Key) -> Parsed<Span> {
    let span = kinds::span(node, key)?;
    if span.is_zero() {
        let problem = Problem::new(format!("`{}` is zero", key.name())).at(node.place.as_ref());
        return Err(problem.help("write a duration above zero, such as \"10s\""));
    }
    Ok(span)
}

/// What `[provider]` says.
pub(super) struct ProviderKeys {
    /// The defaults that hold here.
    pub preset: Preset,
    pub api: ApiPolicy,
    pub dispatch: DispatchKeys,
}

/// What `[provider.dispatch]` says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DispatchKeys {
    pub concurrency: Option<u32>,
    pub delay: Distribution,
}

/// Reads `[provider]`.
pub(super) fn provider(reader: &mut Reader, top: &Section<'_>) -> Option<ProviderKeys> {
    let section = top.sub("provider");
    let preset = reader.get(&section, "preset", kinds::choice);
    let preset = preset.and_then(|name| presets::all().into_iter().find(|preset| preset.name == name));
    let api = api::api(reader, &section, preset.as_ref());
    let dispatch = section.sub("provider.dispatch");
    let concurrency = reader.get(&dispatch, "concurrency", kinds::limit);
    let delay = reader.get(&dispatch, "delay", kinds::time);
    let dispatch = DispatchKeys { concurrency: concurrency?, delay: delay? };
    Some(ProviderKeys { preset: preset?, api: api?, dispatch })
}

/// Reads `[network]`.
pub(super) fn network(reader: &mut Reader, top: &Section<'_>, seed: Seed) -> Option<Link> {
    let section = top.sub("network");
    let handshake = reader.get(&section, "handshake", kinds::choice);
    let tls = reader.get(&section, "tls", kinds::flag);
    let bandwidth = legs(reader, &section, "network.bandwidth", bandwidth);
    let latency = legs(reader, &section, "network.latency", kinds::time);
    let loss = legs(reader, &section, "network.loss", kinds::number);
    let (latency, loss, bandwidth, tls) = (latency?, loss?, bandwidth?, tls?);
    let leg = |direction: usize| Leg {
        latency: latency[direction].clone(),
        loss: loss[direction],
        bandwidth: bandwidth[direction],
    };
    let handshake = match handshake? {
        "each" => Handshake::each(tls),
        _ => Handshake::Reuse,
    };
    Some(Link { seed, request: leg(0), response: leg(1), handshake, tls })
}

/// Reads after how long a proxy cuts off what is held.
pub(super) fn idle_cut(reader: &mut Reader, top: &Section<'_>) -> Option<Option<Span>> {
    reader.get(&top.sub("network"), "idle_cut", kinds::span_or_word)
}

/// A value for both directions, or one for each: requests first.
fn legs<T: Clone>(
    reader: &mut Reader,
    section: &Section<'_>,
    path: &'static str,
    parse: fn(&Node, &keys::Key) -> Parsed<T>,
) -> Option<[T; 2]> {
    let legs = section.sub(path);
    if legs.table.is_some_and(walk::has_legs) {
        let request = reader.get(&legs, "request", parse);
        let response = reader.get(&legs, "response", parse);
        return Some([request?, response?]);
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    reader.get(section, name, parse).map(|both| [both.clone(), both])
}

/// The stretches of a run, once its length is known.
pub(super) fn frame(warmup: Span, duration: Span, drain: Span) -> Frame {
    let at = |span: Span| Time::ZERO + span;
    Frame::new(at(warmup), at(duration), at(duration) + drain)
}
