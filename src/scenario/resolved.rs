//! A scenario written out in full: every key with the value in effect, in one order and one form.

mod api;
mod events;
mod push;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::distribution::{Distribution, Origin};
use crate::engine::ClientSetup;
use crate::link::Handshake;
use crate::policy::poller::{Aim, Jitter, Phase, PollPolicy, Strategy, Target, Timing};
use crate::scenario::axes::bare;
use crate::scenario::bandwidth::format_bandwidth;
use crate::scenario::keys::{self, Kind};
use crate::scenario::threshold::Threshold;
use crate::scenario::tree::quoted;
use crate::scenario::units::{format_rate, format_span};
use crate::scenario::{Scenario, TraceSource, durations, prices};
use crate::time::{Span, Time};
use crate::workload::Arrivals;
use crate::workload::lifecycle::Lifecycle;

impl Scenario {
    /// The scenario as TOML, with every key that has a value; reading it gives an equal setup.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        if let Value::Object(top) = self.to_json() {
            write_section(&mut text, &top, "");
        }
        text
    }

    /// The scenario as JSON, with every key that has a value.
    pub fn to_json(&self) -> Value {
        let frame = self.setup.frame;
        let mut json = json!({
            "schema": 1,
            "title": self.title,
            "engine": self.engine.name(),
            "duration": span(frame.duration.since(Time::ZERO)),
            "warmup": if self.seeks_warmup { "auto".into() } else { span(frame.warmup.since(Time::ZERO)) },
            "drain": span(frame.end.since(frame.duration)),
            "seed": self.seed,
            "consumers": self.setup.consumers,
            "events": self.events_json(),
            "provider": self.provider_json(),
            "network": self.network_json(),
            "client": self.setup.clients.iter().map(client).collect::<Vec<_>>(),
        });
        if let (Value::Object(top), false) = (&mut json, self.faults.is_empty()) {
            top.insert("fault".to_owned(), self.faults.iter().map(push::fault).collect());
        }
        if let (Value::Object(top), Some(axes)) = (&mut json, self.axes.to_json()) {
            top.insert("sweep".to_owned(), axes);
        }
        if let Value::Object(top) = &mut json {
            let how_often = [
                ("replications", self.replications.map(Value::from)),
                ("precision", self.precision.map(|percent| percent.to_string().into())),
            ];
            let written = how_often.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            // Beside the seed, on which they depend.
            let after = top.keys().position(|key| key == "seed").map_or(0, |position| position + 1);
            (after..).zip(written).for_each(|(position, (key, value))| {
                top.shift_insert(position, key, value);
            });
        }
        if let (Value::Object(top), false) = (&mut json, self.thresholds.is_empty()) {
            top.insert("threshold".to_owned(), self.thresholds.iter().map(Threshold::to_json).collect());
        }
        if let (Value::Object(top), Some(prices)) = (&mut json, &self.prices) {
            top.insert("prices".to_owned(), prices::to_json(prices));
        }
        json
    }

    /// The SHA-256 of the scenario whatever the engine and the sweep, however often it is run and whatever is expected of it, in
    /// hexadecimal: of its JSON, and of what the files hold that it names: the instants of a trace, and samples of durations.
    pub fn sha256(&self) -> String {
        let mut json = self.to_json();
        if let Value::Object(top) = &mut json {
            let other = ["engine", "replications", "precision", "sweep", "threshold"];
            other.into_iter().for_each(|key| drop(top.shift_remove(key)));
        }
        let mut hash = Sha256::new();
        hash.update(json.to_string());
        if let Arrivals::Trace(instants) = &self.setup.workload.arrivals {
            // The name of a file does not say what is in it.
            instants.iter().for_each(|instant| hash.update(instant.as_nanos().to_le_bytes()));
        }
        for sample in durations::samples(&self.written.root).into_values() {
            hash.update((sample.values().len() as u64).to_le_bytes());
            sample.values().iter().for_each(|value| hash.update(value.as_nanos().to_le_bytes()));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn events_json(&self) -> Value {
        let workload = &self.setup.workload;
        let arrivals = match workload.arrivals {
            Arrivals::Constant { .. } => "constant",
            Arrivals::Poisson { .. } => "poisson",
            Arrivals::Bursts { .. } => "bursts",
            Arrivals::Daily { .. } => "daily",
            Arrivals::Phases { .. } => "phases",
            Arrivals::Trace(_) => "trace",
        };
        let mut table = Map::new();
        table.insert("arrivals".to_owned(), arrivals.into());
        if let Some(rate) = self.rate {
            table.insert("rate".to_owned(), format_rate(rate).into());
        }
        table.insert("batch".to_owned(), events::batch(&workload.batch));
        table.insert("payload".to_owned(), events::payload(&workload.payload));
        match &workload.lifecycle {
            None => table.insert("records".to_owned(), workload.records.into()),
            Some(Lifecycle { changes, time: span }) => {
                table.insert("lifecycle".to_owned(), json!({ "changes": changes, "time": time(span) }))
            }
        };
        if let Arrivals::Bursts { on, off, .. } = workload.arrivals {
            table.insert("bursts".to_owned(), json!({ "on": span(on), "off": span(off) }));
        }
        if let Arrivals::Daily { peak_at, trough, .. } = workload.arrivals {
            table.insert("daily".to_owned(), json!({ "peak_at": span(peak_at), "trough": trough }));
        }
        if let Arrivals::Phases { repeat, .. } = workload.arrivals {
            table.insert("repeat".to_owned(), repeat.into());
            table.insert("phases".to_owned(), self.phases.iter().map(events::phase).collect());
        }
        if let Some(TraceSource { file, column }) = &self.trace {
            let mut trace = Map::new();
            trace.insert("file".to_owned(), file.clone().into());
            trace.extend(column.clone().map(|column| ("column".to_owned(), column.into())));
            table.insert("trace".to_owned(), trace.into());
        }
        table.into()
    }

    fn provider_json(&self) -> Value {
        json!({
            "preset": self.preset,
            "api": api::api(&self.setup.api),
            "dispatch": {
                "concurrency": limit(self.dispatch.concurrency),
                "delay": time(&self.dispatch.delay),
            },
        })
    }

    fn network_json(&self) -> Value {
        let (request, response) = (&self.setup.link.request, &self.setup.link.response);
        json!({
            "latency": legs(time(&request.latency), time(&response.latency)),
            "loss": legs(request.loss.into(), response.loss.into()),
            "bandwidth": legs(
                format_bandwidth(request.bandwidth).into(),
                format_bandwidth(response.bandwidth).into(),
            ),
            "handshake": match self.setup.link.handshake {
                Handshake::Reuse => "reuse",
                Handshake::Each { .. } => "each",
            },
            "tls": self.setup.link.tls,
            "idle_cut": self.setup.api.idle_cut.map_or_else(|| "never".to_owned(), span),
        })
    }
}

fn span(span: Span) -> String {
    format_span(span)
}

fn limit(limit: Option<u32>) -> Value {
    limit.map_or_else(|| "unlimited".into(), Value::from)
}

fn legs(request: Value, response: Value) -> Value {
    if request == response { request } else { json!({ "request": request, "response": response }) }
}

fn time(distribution: &Distribution) -> Value {
    match *distribution {
        Distribution::Constant(constant) => span(constant).into(),
        Distribution::Uniform { min, max } => json!({ "uniform": { "min": span(min), "max": span(max) } }),
        Distribution::Exponential { mean } => json!({ "exponential": { "mean": span(mean) } }),
        Distribution::LogNormal { median, p99 } => {
            json!({ "lognormal": { "median": span(median), "p99": span(p99) } })
        }
        Distribution::Empirical(ref sample) => match &sample.origin {
            Origin { file, column: None } => json!({ "empirical": file }),
            Origin { file, column } => json!({ "empirical": { "file": file, "column": column } }),
        },
    }
}

fn client(client: &ClientSetup) -> Value {
    let mut table = Map::new();
    table.insert("name".to_owned(), client.name.clone().into());
    if let Some(policy) = &client.pull {
        table.insert("pull".to_owned(), pull(policy));
    }
    if let Some(setup) = &client.push {
        table.insert("push".to_owned(), push::push(setup));
        table.insert("receiver".to_owned(), push::receiver(&setup.receive));
    }
    table.into()
}

fn pull(policy: &PollPolicy) -> Value {
    let jitter = match policy.jitter {
        Jitter::None => json!({ "kind": "gap", "spread": 0.0 }),
        Jitter::Gap(spread) => json!({ "kind": "gap", "spread": spread }),
        Jitter::Grid(spread) => json!({ "kind": "grid", "spread": spread }),
        Jitter::Exponential => json!({ "kind": "exponential" }),
    };
    let mut table = Map::new();
    let mut put = |name: &str, value: Value| table.insert(name.to_owned(), value);
    if !policy.every.is_zero() {
        put("every", span(policy.every).into());
    }
    let (name, own) = strategy(&policy.strategy);
    put("strategy", name.into());
    if let Some((key, value)) = own {
        put(key, value);
    }
    let phase = match policy.phase {
        Phase::Random => "random",
        Phase::Aligned => "aligned",
    };
    let timing = match policy.timing {
        Timing::FixedRate => "fixed-rate",
        Timing::FixedDelay => "fixed-delay",
    };
    let overlap = match policy.target {
        Target::Feed { overlap } => overlap,
        Target::Record { .. } => Span::ZERO,
    };
    put("phase", phase.into());
    put("timing", timing.into());
    put("jitter", jitter);
    put("timeout", span(policy.timeout).into());
    put("service_time", time(&policy.service_time));
    match policy.target {
        Target::Feed { .. } => {
            put("target", "feed".into());
        }
        Target::Record { tries } => {
            put("target", "record".into());
            put("tries", limit(tries));
        }
    }
    put("conditional", policy.conditional.into());
    put("compressed", policy.compressed.into());
    put("overlap", span(overlap).into());
    table.into()
}

/// The name of a strategy, and the key that belongs to it alone.
fn strategy(strategy: &Strategy) -> (&'static str, Option<(&'static str, Value)>) {
    match *strategy {
        Strategy::Fixed => ("fixed", None),
        Strategy::Hint => ("hint", None),
        Strategy::Backoff { factor, max } => {
            ("backoff", Some(("backoff", json!({ "factor": factor, "max": span(max) }))))
        }
        Strategy::Adaptive { aim, gain, min, max } => {
            let (name, value) = match aim {
                Aim::UsefulShare(share) => ("useful", share),
                Aim::EventsPerPoll(events) => ("events", events),
            };
            let table = json!({ name: value, "gain": gain, "min": span(min), "max": span(max) });
            ("adaptive", Some(("adaptive", table)))
        }
        Strategy::LongPoll { hold } => ("long-poll", Some(("hold", span(hold).into()))),
    }
}

/// Writes the values of a table, and then the tables in it that have headers of their own.
fn write_section(text: &mut String, table: &Map<String, Value>, path: &str) {
    let kind = |name: &str| keys::find(&keys::join(path, name)).map(|key| key.kind);
    let has_header = |name: &str| matches!(kind(name), Some(Kind::Section | Kind::Sections | Kind::Sweep));
    for (name, value) in table.iter().filter(|(name, _)| !has_header(name)) {
        text.push_str(&format!("{} = {}\n", bare(name), inline(value)));
    }
    for (name, value) in table.iter().filter(|(name, _)| has_header(name)) {
        let path = keys::join(path, name);
        let elements = match value {
            Value::Array(elements) => &elements[..],
            single => std::slice::from_ref(single),
        };
        for element in elements.iter().filter_map(Value::as_object) {
            text.push_str(&format!("\n{}\n", keys::header(&path)));
            write_section(text, element, &path);
        }
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(inline).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Object(table) => {
            let entries: Vec<_> = table.iter().map(|(name, value)| format!("{name} = {}", inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}
