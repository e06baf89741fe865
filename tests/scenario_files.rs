//! Scenario files from the outside: good ones come back from their resolved text, bad ones are explained.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use pushpull::policy::signature::Scheme;
use pushpull::scenario::{EngineChoice, Scenario, keys, schema};

fn parse(text: &str, sets: &[&str]) -> Result<Scenario, String> {
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    Scenario::parse(text, "demo.toml", Path::new("tests"), &sets).map_err(|problems| problems.to_string())
}

const SMALLEST: &str = r#"
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

const FULL: &str = r#"
schema = 1
title = "Everything \"at\" once"
engine = "sim"
duration = "2h 30m"
warmup = "1m"
drain = "1h"
seed = 18446744073709551615
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
handshake = "reuse"

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
conditional = false

[[client]]
name = "a"
[client.push]
signature = "none"
retry = { base = "1.5s", factor = 3, max = 4, jitter = 0.2 }
timeout = "5s"
payload = "full"
batch = { max = 1, wait = "0ms" }
order = "none"
disable_after = "never"
[client.receiver]
workers = "unlimited"
service_time = "3ms"
queue = 0
ack = "before"
dedupe = false
[client.pull]
every = "1h"
jitter = { kind = "grid", spread = 1 }
"#;

/// Good files: those of this test and those that the project ships.
fn good_files() -> Vec<(String, String, PathBuf)> {
    let mut files: Vec<_> = [("smallest", SMALLEST), ("full", FULL), ("trace", TRACE)]
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

const TRACE: &str = r#"
[events]
arrivals = "trace"
trace = { file = "scenario_trace.csv", column = "committed" }

[[client]]
name = "poll"
[client.pull]
every = "1m"
"#;

fn assert_comes_back(scenario: &Scenario, dir: &Path) {
    let text = scenario.to_toml();
    let again = Scenario::parse(&text, &format!("{}.toml", scenario.name), dir, &[]);
    let again = again.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(again.setup, scenario.setup, "{text}");
    assert_eq!((again.to_toml(), again.to_json()), (text, scenario.to_json()));
    assert_eq!(again.sha256(), scenario.sha256());
}

#[test]
fn good_files_come_back_from_their_resolved_text() {
    for (name, text, dir) in good_files() {
        let scenario = Scenario::parse(&text, &name, &dir, &[]);
        assert_comes_back(&scenario.unwrap_or_else(|problems| panic!("{problems}")), &dir);
    }
}

/// Texts as a newcomer might write them, and what is said about each: read the snapshot as that newcomer would.
#[test]
fn mistakes_are_explained() {
    let shown: Vec<_> = mistakes()
        .into_iter()
        .map(|(text, sets)| match parse(&text, &sets) {
            Ok(scenario) => panic!("{sets:?} went through: {}", scenario.to_toml()),
            Err(problems) => problems,
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}

fn mistakes() -> Vec<(String, Vec<&'static str>)> {
    let with = |from: &str, to: &str| (SMALLEST.replace(from, to), vec![]);
    let rate = "rate = \"0.1/s\"";
    let every = "every = \"10s\"";
    let push = "[client.push]";
    vec![
        // Names.
        with("every = ", "evrey = "),
        with("[client.pull]\nevery", "every"),
        with("[client.push]", "[client.psuh]"),
        with("[events]", "interval = \"1h\"\n[event]"),
        with(push, "[client.push]\nfrequency = \"1s\""),
        with("\"poll\"", "\"webhook\""),
        with(push, ""),
        with(push, "[client.receiver]"),
        // Values.
        with(every, "every = 10"),
        with(
            every,
            "every = \"10 sec\"\ntimeout = true\nconditional = true\nphase = \"randon\"\nservice_time = { normal = 1 }",
        ),
        with(rate, "rate = \"0/s\"\narrivals = \"daily\"\nrecords = 0.5\npayload = 1024"),
        with(rate, ""),
        with("[events]\nrate = \"0.1/s\"", ""),
        with(push, "[client.push]\nretry = \"stripe\"\nsignature = \"standard-webhook\"\nbatch = { max = 10 }"),
        with(
            push,
            "[client.push]\nretry = { base = \"1h\", factor = 10, max = 9 }\n[client.receiver]\nworkers = \"many\"",
        ),
        // Not yet.
        with(
            "[events]",
            "[provider.api]\nrate_limit = \"100/s\"\nservice_time = { lognormal = { median = \"5ms\", p99 = \"4ms\" } }\n[sweep]\n[events]",
        ),
        // What fits each key but not all of them together.
        with("[events]", "duration = \"1h\"\nwarmup = \"1h\"\n[events]"),
        with(every, "every = \"10s\"\ntimeout = \"39ms\""),
        with(every, "every = \"10ms\""),
        with(every, "every = \"10ms\"\n[network]\nloss = 0.1"),
        with(every, "every = \"10s\"\ntimeout = \"30s\"\n[network]\nloss = 0.1"),
        with(every, "every = \"10s\"\ntiming = \"fixed-delay\"\njitter = { kind = \"grid\", spread = 0.1 }"),
        with(push, "[client.push]\ntimeout = \"1s\"\n[client.receiver]\nservice_time = \"1s\""),
        with(every, "every = \"1ms\"\ntimeout = \"50ms\"\n[network]\nloss = 0.1"),
        with(
            every,
            "every = \"40ms\"\ntimeout = \"39ms\"\njitter = { kind = \"grid\", spread = 0.1 }\n[network]\nloss = 0.1",
        ),
        with(rate, "rate = \"0.1/s\"\narrivals = \"bursts\"\nbursts = { on = \"1ns\", off = \"1ns\" }"),
        // What is nearly a table.
        with(push, "[client.push]\nretry = 3"),
        with(push, "[client.push]\nretry = [\"5s\"]"),
        with(push, "[client.push]\nretry = { base = \"1d\", factor = 2, max = 7 }"),
        with(every, "every = \"10s\"\njitter = 0.2"),
        with(every, "every = \"10s\"\njitter = 20"),
        with(rate, "arrivals = \"trace\"\ntrace = \"scenario_trace.csv\""),
        with(rate, "rate = \"0.1/s\"\narrivals = \"bursts\"\nburst = { on = \"1s\", off = \"1s\" }"),
        with(rate, "rate = \"0.1/s\"\narrivals = \"bursts\"\nbursts = \"10s\""),
        // Too much of a number.
        with("[events]", "duration = 99999999999999999999\n[events]\npayload = 9999999"),
        // Traces.
        with(rate, "arrivals = \"trace\"\ntrace = { file = \"scenario_trace.csv\", column = \"comitted\" }"),
        with(rate, "arrivals = \"trace\"\ntrace = { file = \"nowhere.csv\" }"),
        with(
            rate,
            "arrivals = \"trace\"\nrate = \"0.1/s\"\ntrace = { file = \"scenario_trace.csv\", column = \"when\" }",
        ),
        with(rate, "arrivals = \"bursts\"\nrate = \"0.1/s\"\ntrace = { file = \"scenario_trace.csv\" }"),
        // Not TOML.
        with("[[client]]", "[client]"),
        with(rate, "rate = \"0.1/s"),
        with(rate, "rate = 0.1/s\nx y\narrivals = poisson # as usual"),
        with(every, "every = \"10s\"\nevery = \"20s\""),
        // The command line.
        (SMALLEST.to_owned(), vec!["client.pol.pull.every=5s", "event.rate=3/s", "seed", "client.pull.every=5s"]),
        (SMALLEST.to_owned(), vec!["network.latency=5", "client.webhook.push.timeot=1s", "events.rate.x=10"]),
        (SMALLEST.replace("[client.push]", "[client.push]\nretry = \"none\""), vec!["client.webhook.push.retry.max=3"]),
        (SMALLEST.to_owned(), vec!["client.webhook=1", "client.\"poll\"=1", "client.\"poll.pull.every=1s"]),
        (SMALLEST.to_owned(), vec!["events.rate=1000000/s", "duration=3650d", "drain=366d"]),
        (SMALLEST.to_owned(), vec!["events.rate=1000000/s", "duration=3650d", "client.poll.pull.every=1ms"]),
        (SMALLEST.to_owned(), vec!["consumers=1000000", "duration=3650d", "events.rate=1/3650d"]),
        (SMALLEST.to_owned(), vec!["engine=live", "duration=2d", "consumers=2000", "events.rate=0.1/s"]),
    ]
}

#[test]
fn what_is_not_said_is_what_a_newcomer_would_expect() {
    let scenario = parse(SMALLEST, &[]).expect("it is valid");
    assert_eq!((scenario.name.as_str(), scenario.title.as_str(), scenario.engine), ("demo", "demo", EngineChoice::Sim));
    insta::assert_snapshot!(scenario.to_toml());
}

#[test]
fn a_trace_says_how_long_the_run_is() {
    let scenario = parse(TRACE, &[]).expect("it is valid");
    // From 1700000000.5 to 1700000100 are 99.5 s.
    assert_eq!(scenario.setup.frame.duration.as_nanos(), 101_000_000_000);
    assert!((pushpull::theory::volume(&scenario.setup, 0).events - 3.0).abs() < f64::EPSILON);
    assert!(
        parse(TRACE, &["duration=1m"])
            .is_ok_and(|shorter| (pushpull::theory::volume(&shorter.setup, 0).events - 2.0).abs() < 0.1)
    );
    assert!(parse(TRACE, &["duration=1m", "warmup=59600ms"]).is_err_and(|text| text.contains("no event of the trace")));
}

#[test]
fn bursts_are_refused_where_a_run_would_only_switch_them() {
    let bursts = |bursts: &str, more: &str| parse(SMALLEST, &["events.arrivals=bursts", bursts, more]);
    let refused = bursts("events.bursts={on='1ns', off='1ns'}", "duration=1h").expect_err("it would take hours");
    assert!(refused.contains("each consumer would have about 1.8 x 10^12 bursts"), "{refused}");
    assert!(refused.contains("together at least \"36us\""), "{refused}");
    assert!(bursts("events.bursts={on='18us', off='18us'}", "duration=1h").is_ok());
    assert!(bursts("events.bursts={on='18us', off='17us'}", "duration=1h").is_err());
    let refused = bursts("events.bursts={on='1ms', off='1ms'}", "consumers=1000000").expect_err("so would this");
    assert!(refused.contains("1.8 x 10^12 bursts over all consumers"), "{refused}");
    assert!(refused.contains("together at least \"360ms\""), "{refused}");
    assert!(bursts("events.bursts={on='180ms', off='180ms'}", "consumers=1000000").is_ok());
}

/// Whoever does what the help says is not told off for it.
#[test]
fn advice_on_polls_is_taken() {
    let poll = |sets: &[&str]| parse(SMALLEST, &[&["network.loss=0.1"], sets].concat());
    let every = "client.poll.pull.every=1ms";
    let refused = poll(&[every]).expect_err("no answer comes in 1 ms");
    assert!(refused.contains("longer than \"40ms\", or timing = \"fixed-delay\" and a `timeout` longer"), "{refused}");
    let delay = "client.poll.pull.timing=fixed-delay";
    let timeout = "client.poll.pull.timeout=41ms";
    assert!(poll(&[every, delay, timeout]).is_ok());
    let refused = poll(&[every, timeout]).expect_err("the grid would stall");
    assert!(refused.contains("write every = \"41ms\" or more, or timing = \"fixed-delay\""), "{refused}");
    assert!(poll(&["client.poll.pull.every=41ms", timeout]).is_ok());
    assert!(poll(&["client.poll.pull.every=41ms"]).is_ok());
    assert!(poll(&[every, "network.latency=0.5ms"]).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_that_never_ends_is_given_up() {
    let problems = parse(TRACE, &["events.trace={file='/dev/zero'}"]).expect_err("it has no end");
    assert!(problems.contains("/dev/zero: a row of it is larger than 1 MiB"), "{problems}");
}

#[test]
fn a_set_reaches_every_key_that_is_supported() {
    let resolved = parse(FULL, &[]).expect("it is valid");
    let json = resolved.to_json();
    for key in keys().iter().filter(|key| key.supported && !key.path.starts_with("client.push.retry.")) {
        for (index, name) in [(0, "a.b = c"), (1, "\"a\"")] {
            let steps: Vec<_> = key.path.split('.').collect();
            let value = steps.iter().try_fold(&json, |value, step| match value {
                serde_json::Value::Array(clients) => clients[index].get(step),
                table => table.get(step),
            });
            let Some(value) = value.filter(|value| !value.is_object() && !value.is_array()) else { continue };
            let path = match key.path.strip_prefix("client.") {
                Some(rest) => format!("client.{name}.{rest}"),
                None => key.path.to_owned(),
            };
            let set = format!("{path}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let again = parse(FULL, &[&set]).unwrap_or_else(|problems| panic!("{set}: {problems}"));
            assert_eq!(again.setup, resolved.setup, "{set}");
        }
    }
}

#[test]
fn every_way_of_signing_can_be_named() {
    let names = ["none", "standard-webhooks", "standard-webhooks-ed25519", "stripe", "github", "sendgrid"];
    for (name, scheme) in names.into_iter().zip(Scheme::ALL) {
        let scenario = parse(SMALLEST, &[&format!("client.webhook.push.signature={name}")]).expect("it is valid");
        assert!(scenario.setup.clients[1].push.as_ref().is_some_and(|push| push.scheme == scheme), "{name}");
        assert_comes_back(&scenario, Path::new("."));
    }
}

#[test]
fn sets_change_what_they_name_and_create_what_is_not_there() {
    let sets = [
        "client.poll.pull.jitter.spread=0.1",
        "events.rate=5/s",
        "title=2026-01-31",
        "network.latency.request=5ms",
        "provider.api.service_time={lognormal={median='1ms',p99='2ms'}}",
        "client.poll.push={retry='none'}",
        "client.webhook.name=renamed",
        "client.renamed.push.retry.delays=['1s', '2s']",
    ];
    let json = parse(SMALLEST, &sets).expect("it is valid").to_json();
    let at = |pointer: &str| json.pointer(pointer).map(ToString::to_string).unwrap_or_default();
    assert_eq!(at("/title"), "\"2026-01-31\"");
    assert_eq!(at("/events/rate"), "\"5/s\"");
    assert_eq!(at("/network/latency"), "{\"request\":\"5ms\",\"response\":\"20ms\"}");
    assert_eq!(at("/provider/api/service_time"), "{\"lognormal\":{\"median\":\"1ms\",\"p99\":\"2ms\"}}");
    assert_eq!(at("/client/0/pull/jitter"), "{\"kind\":\"gap\",\"spread\":0.1}");
    assert_eq!(at("/client/0/push/retry"), "\"none\"");
    assert_eq!(at("/client/1/name"), "\"renamed\"");
    assert_eq!(at("/client/1/push/retry"), "{\"delays\":[\"1s\",\"2s\"],\"jitter\":0.0}");
}

#[test]
fn the_hash_is_of_what_is_simulated() {
    let hash = |text: &str, sets: &[&str]| parse(text, sets).expect("it is valid").sha256();
    assert_eq!(hash(SMALLEST, &[]).len(), 64);
    assert_eq!(hash(SMALLEST, &[]), hash(SMALLEST, &["engine=live", "duration=60m", "network.latency=0.02s"]));
    assert_ne!(hash(SMALLEST, &[]), hash(SMALLEST, &["seed=2"]));
}

#[test]
fn the_live_engine_has_limits_of_its_own() {
    let scenario = parse(SMALLEST, &["consumers=1001"]).expect("virtual time has room for it");
    assert!(scenario.check_live().is_err_and(|problems| problems.to_string().contains("1001 consumers")));
    assert!(parse(SMALLEST, &["consumers=1001", "engine=both"]).is_err());
    assert!(parse(SMALLEST, &[]).is_ok_and(|scenario| scenario.check_live().is_ok()));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let problems = Scenario::load(Path::new("tests/nowhere.toml"), &[]).expect_err("there is no such file");
    assert_eq!(problems.to_string(), "error: cannot read tests/nowhere.toml: No such file or directory");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let problems = Scenario::parse("seed = true", "demo.toml", Path::new(""), &[]).expect_err("that is no seed");
    let coloured = problems.render(true);
    let mut plain = String::new();
    let mut parts = coloured.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    parts.for_each(|part| plain.push_str(part.split_once('m').map_or("", |(_, text)| text)));
    assert_ne!(coloured, plain);
    assert_eq!(plain, problems.render(false));
}

fn json_of(text: &str) -> serde_json::Value {
    let table: toml::Table = toml::from_str(text).expect("it is TOML");
    serde_json::to_value(table).expect("every value has its JSON")
}

#[test]
fn the_schema_takes_good_files_and_no_others() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    for (name, text, dir) in good_files() {
        // The seed of this test is beyond what the TOML crate's own reader takes.
        let text = text.replace("18446744073709551615", "7");
        let errors: Vec<_> = validator.iter_errors(&json_of(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let resolved = Scenario::parse(&text, &name, &dir, &[]).expect("it is valid").to_json();
        let errors: Vec<_> = validator.iter_errors(&resolved).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name} resolved: {errors:?}");
    }
    for (text, _) in mistakes().into_iter().take(16) {
        if let Ok(table) = toml::from_str::<toml::Table>(&text) {
            let json = serde_json::to_value(table).expect("every value has its JSON");
            // Equal names and the order of quantiles are beyond a schema.
            let is_beyond = text.matches("\"webhook\"").count() > 1 || text.contains("factor = 10");
            assert!(is_beyond || !validator.is_valid(&json), "{text}");
        }
    }
}

/// The paths of every property of a schema.
fn properties(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    let inner = [schema, &schema["items"]].into_iter().chain(schema["anyOf"].as_array().into_iter().flatten());
    for (name, property) in inner.filter_map(|schema| schema["properties"].as_object()).flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        properties(property, &path, found);
        found.push(path);
    }
}

#[test]
fn the_schema_has_the_keys_that_are_supported() {
    let mut found = Vec::new();
    properties(&schema(), "", &mut found);
    found.sort();
    let mut supported: Vec<_> = keys().iter().filter(|key| key.supported).map(|key| key.path.to_owned()).collect();
    supported.sort();
    assert_eq!(found, supported);
}

#[test]
fn every_key_that_is_not_supported_says_so() {
    for key in keys().iter().filter(|key| !key.supported) {
        let set = format!("{}=1", key.path);
        let problems = parse(SMALLEST, &[&set]).expect_err("it is not supported");
        assert!(problems.contains(&format!("`{}` is not supported yet", key.path)), "{problems}");
    }
}

#[test]
fn depth_and_length_do_no_harm() {
    let deep = "[".repeat(50_000);
    let path = format!("network.latency{}=1", ".x".repeat(50_000));
    let inline = format!("network.latency={}1", "{a=".repeat(50_000));
    for text in [format!("a = {deep}"), deep, format!("title = \"{}\"", "x".repeat(100_000))] {
        assert!(parse(&text, &[&path, &inline]).is_err());
    }
    assert!(parse(SMALLEST, &[&path]).is_err());
    assert!(parse(SMALLEST, &[&inline]).is_err());
    assert!(parse(&SMALLEST.replace('\n', "\r\n"), &[]).is_ok());
}

fn duration() -> impl Strategy<Value = String> {
    (1_000_000u64..1 << 42).prop_map(|nanos| format!("\"{nanos}ns\""))
}

fn time() -> impl Strategy<Value = String> {
    (0..4, 1u64..1_000_000, 0u64..1_000_000).prop_map(|(kind, short, more)| {
        let long = short + more;
        match kind {
            0 => format!("{{ constant = \"{short}us\" }}"),
            1 => format!("{{ uniform = {{ min = \"{short}ns\", max = \"{long}ns\" }} }}"),
            2 => format!("{{ exponential = {{ mean = \"{short}ns\" }} }}"),
            _ => format!("{{ lognormal = {{ median = \"{short}ns\", p99 = \"{long}ns\" }} }}"),
        }
    })
}

/// Pieces of scenario files, so that garbage gets further than its first character.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = vec![
        "[events]\n",
        "rate = ",
        "\"1/s\"\n",
        "[[client]]\n",
        "name = \"a\"\n",
        "[client.pull]\n",
        "every = ",
        "\"10s\"\n",
        "[client]\n",
        "client",
        "=",
        ".",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "\n",
        ",",
        "1",
        "-1",
        "1e999",
        "nan",
        "\u{0}",
        "é",
        "[network]\n",
        "latency = ",
        "{ uniform = { min = \"9ms\", max = \"1ms\" } }\n",
        "trace",
        "retry",
        "jitter",
        "\r\n",
        "99999999999999999999999999999999999999999",
        "true\n",
        "2026-01-31",
        "\u{feff}",
        "#",
        "\u{2028}",
        "\t",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_set_comes_back_from_the_resolved_text(
        (events, nanos, seed) in (1u64..1_000, 1_000_000_000u64..1 << 45, any::<u64>()),
        (latency, response, service, handler) in (time(), time(), time(), time()),
        (every, delay, timeout) in (duration(), duration(), duration()),
        (spread, loss, jitter) in (0.0..=1.0f64, 0.0..=1.0f64, 0.0..=1.0f64),
    ) {
        let sets = [
            format!("events.rate={events}/{nanos}ns"),
            format!("seed={seed}"),
            format!("network={{latency={{request={latency}, response={response}}}, loss={{response={loss:?}}}}}"),
            format!("provider.api.service_time={service}"),
            format!("client.poll.pull={{every={every}, jitter={{spread={spread:?}}}, timing='fixed-delay', timeout='1h'}}"),
            format!("client.webhook.push={{retry={{delays=[{delay}, {delay}], jitter={jitter:?}}}, timeout={timeout}}}"),
            format!("client.webhook.receiver={{service_time={handler}, ack='before'}}"),
        ];
        let sets: Vec<_> = sets.iter().map(String::as_str).collect();
        match parse(SMALLEST, &sets) {
            Ok(scenario) => assert_comes_back(&scenario, Path::new("tests")),
            // Only what the limits refuse may fail: here an answer that cannot come in time.
            Err(problems) => prop_assert!(problems.contains("would time out"), "{}", problems),
        }
    }

    #[test]
    fn garbage_never_panics(text in any::<String>(), pieces in pieces(), set in any::<String>()) {
        let key_like = format!("client.a.pull.every={set}");
        for text in [&text, &pieces] {
            for sets in [vec![], vec![set.as_str(), &key_like], vec![text.as_str()]] {
                let _ = parse(text, &sets);
            }
        }
        let _ = parse(SMALLEST, &[&set, &pieces, &format!("{pieces}={set}"), &key_like]);
    }

    #[test]
    fn sets_of_any_key_never_panic(which in any::<proptest::sample::Index>(), value in pieces(), client in "poll|webhook|\"poll\"|x") {
        let key = which.get(keys()).path;
        let path = key.strip_prefix("client.").map_or_else(|| key.to_owned(), |rest| format!("client.{client}.{rest}"));
        let _ = parse(SMALLEST, &[&format!("{path}={value}")]);
        let _ = parse(SMALLEST, &[&format!("{path}.{value}")]);
    }
}
