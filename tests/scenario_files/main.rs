//! Scenario files from the outside: good ones come back from their resolved text, bad ones are explained.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod arrivals;
mod faults;
mod garbage;
mod mistakes;
mod network;
mod prices;
mod pull;
mod push;
mod records;
mod repetitions;
mod resolved;
mod schema;
mod sweep;
mod thresholds;
mod traces;

use std::path::{Path, PathBuf};

use pushpull::scenario::Scenario;

pub(crate) fn parse(text: &str, sets: &[&str]) -> Result<Scenario, String> {
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    Scenario::parse(text, "demo.toml", Path::new("tests"), &sets).map_err(|problems| problems.to_string())
}

pub(crate) const SMALLEST: &str = r#"
[events]
rate = "0.1/s"

[[client]]
name = "poll"
[client.pull]
every = "10s"

[[client]]
name = "webhook"
[client.push]
"#;

pub(crate) const FULL: &str = r#"
schema = 1
title = "Everything \"at\" once"
engine = "sim"
duration = "2h 30m"
warmup = "1m"
drain = "1h"
seed = 18446744073709551615
replications = 12
precision = "0.75%"
consumers = 3

[events]
arrivals = "bursts"
rate = "7/3h"
payload = "1.5 KiB"
records = 10
bursts = { on = "10s", off = "50s" }

[provider]
preset = "generic"
[provider.api]
workers = 16
service_time = { lognormal = { median = "5ms", p99 = "40ms" } }
page = 50
[provider.dispatch]
concurrency = 64
delay = { exponential = { mean = "3ms" } }

[network]
latency = { request = { uniform = { min = "1ms", max = "9ms" } }, response = "7ms" }
loss = { request = 0.01 }
bandwidth = { request = "10 Mbit/s", response = "3 MiB/s" }
handshake = "each"
tls = true
idle_cut = "2m"

[[client]]
name = "a.b = c"
[client.pull]
every = "10s"
strategy = "fixed"
phase = "aligned"
timing = "fixed-delay"
jitter = { kind = "gap", spread = 0.25 }
timeout = "30s"
service_time = { constant = "1ms" }
target = "feed"
conditional = true
overlap = "5s"

[[client]]
name = "a"
[client.push]
signature = "none"
shape = "github"
retry = { base = "1.5s", factor = 3, max = 4, jitter = "full", within = "2h", retry_after_max = "30m" }
timeout = "5s"
payload = "thin"
fetch = { timeout = "3s", tries = 2 }
batch = { max = 20, wait = "2s", size = "64 KiB" }
order = "fifo"
rate_limit = "3/s"
disable_after = "3d"
disable = { failures = 12, on_gone = false, enable_after = "1d", events = "keep" }
breaker = { window = "2m", failures = 0.25, minimum = 4, cool_down = "45s" }
redeliver = { every = "30m", within = "1d" }
[client.receiver]
workers = "unlimited"
service_time = "3ms"
queue = 0
ack = "before"
dedupe = { size = 1000, age = "1h" }
retry_after = "30s"
limits = { header = "16 KiB", body = "2 MiB", read_time = "5s", connections = 100 }
[client.pull]
every = "1h"
jitter = { kind = "grid", spread = 1 }

[[fault]]
kind = "receiver-down"
client = "a"
at = "20m"
for = "5m"
connections = "drop"

[[fault]]
kind = "receiver-slow"
at = "30m"
for = "10m"
factor = 2.5

[[fault]]
kind = "receiver-errors"
at = "1h"
for = "1m"
status = 429
share = 0.5
retry_after = "10s"

[[fault]]
kind = "forged-webhooks"
at = "10m"
rate = "7/3h"
mix = { unsigned = 3, wrongly-signed = 1, slow = 2 }

[[fault]]
kind = "provider-down"
consumers = 0.25
at = "40m"
for = "2m"
connections = "drop"

[[fault]]
kind = "poller-down"
at = "50m"
for = "90s"

[[fault]]
kind = "network-loss"
client = "a"
at = "55m"
for = "1m"
loss = 0.3

[[fault]]
kind = "network-slow"
at = "56m"
for = "1m"
factor = 10

[[threshold]]
expect = '"a.b = c".latency_p95 < 2 * a.latency_p95 + 1h 30m'

[[threshold]]
expect = "wasted_ratio <= 99.5%"
engine = "live"

[prices]
requests = { provider = 0.4, consumer = 0.25, per = "10k" }
egress_per_gib = 0.09
cpu_hour = { provider = 0.04, consumer = 0.05 }
currency = "USD"
"#;

/// Good files: those of this test and those that the project ships.
pub(crate) fn good_files() -> Vec<(String, String, PathBuf)> {
    let mut files: Vec<_> =
        [("smallest", SMALLEST), ("full", FULL), ("trace", TRACE), ("daily", DAILY), ("phases", PHASES)]
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned(), PathBuf::from("tests")))
            .collect();
    let shipped = std::fs::read_dir("scenarios").into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    for path in shipped.filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        let text = std::fs::read_to_string(&path).expect("a scenario can be read");
        files.push((path.display().to_string(), text, PathBuf::from("scenarios")));
    }
    files
}

pub(crate) const TRACE: &str = r#"
[events]
arrivals = "trace"
trace = { file = "scenario_trace.csv", column = "committed" }

[[client]]
name = "poll"
[client.pull]
every = "1m"
"#;

pub(crate) const DAILY: &str = r#"
[events]
arrivals = "daily"
rate = "7/3h"
batch = { pareto = { mean = 5, shape = 1.75, max = 1000 } }
payload = { exponential = { mean = "2 KiB", max = "16 KiB" } }
daily = { peak_at = "13h 30m", trough = 0.25 }

[[client]]
name = "poll"
[client.pull]
every = "1m"
"#;

pub(crate) const PHASES: &str = r#"
[events]
arrivals = "phases"
batch = { mean = 2.5 }
payload = { lognormal = { median = "1 KiB", p99 = "30 KiB" } }
repeat = true
phases = [
  { for = "10m", rate = "1/s" },
  { for = "5m", from = "1/s", to = "10/s" },
  { for = "1h", rate = "0/s" },
]

[[client]]
name = "poll"
[client.pull]
every = "1m"
"#;

pub(crate) fn assert_comes_back(scenario: &Scenario, dir: &Path) {
    let text = scenario.to_toml();
    let again = Scenario::parse(&text, &format!("{}.toml", scenario.name), dir, &[]);
    let again = again.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(again.setup, scenario.setup, "{text}");
    assert_eq!((again.to_toml(), again.to_json()), (text, scenario.to_json()));
    assert_eq!(again.sha256(), scenario.sha256());
}
