//! What is wrong with a file is said with what to write instead.

use std::path::Path;

use pushpull::scenario::Scenario;

use crate::{SMALLEST, parse};

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

pub(crate) fn mistakes() -> Vec<(String, Vec<&'static str>)> {
    let with = |from: &str, to: &str| (SMALLEST.replace(from, to), vec![]);
    let fault = |keys: &str| (format!("{SMALLEST}\n[[fault]]\n{keys}\n"), vec![]);
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
            "every = \"10 sec\"\ntimeout = true\nconditional = 1\nphase = \"randon\"\nservice_time = { normal = 1 }",
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
            "[provider.api]\nservice_time = { lognormal = { median = \"5ms\", p99 = \"4ms\" } }\n[events]",
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
        // Webhooks.
        with(push, "[client.push]\nretry = \"sendgird\"\nshape = \"slack\"\norder = \"random\"\nbatch = 10"),
        with(push, "[client.push]\nbatch = { wait = \"5s\" }\nrate_limit = \"10\"\ndisable_after = 5"),
        with(push, "[client.push]\nbatch = { max = 10, wait = \"40d\", size = 100 }\nrate_limit = \"1/60d\""),
        with(push, "[client.push]\nretry = { base = \"1h\", within = \"30m\", jitter = \"ful\" }"),
        with(push, "[client.push]\nretry = { base = \"1h\", within = \"30m\" }"),
        with(push, "[client.push]\nretry = { within = \"1h\" }\nbatch = { max = 10, wait = \"2h\" }"),
        with(
            push,
            "[client.push]\nfetch = { tries = 3 }\nbreaker = { minimum = 0, failures = 20 }\nredeliver = \"1h\"",
        ),
        with(push, "[client.push]\npayload = \"thin\"\nfetch = { timeout = \"30ms\" }"),
        with(push, "[client.push]\npayload = \"thin\"\ntimeout = \"70ms\""),
        with(push, "[client.push]\ndisable = { events = \"keep\" }\nbreaker = true"),
        with(push, "[client.push]\ndisable = { on_gone = false, enable_after = \"1h\" }"),
        with(push, "[client.push]\nredeliver = { every = \"1h\", within = \"10m\" }"),
        (SMALLEST.to_owned(), vec!["client.webhook.push.batch={max=1000}", "events.payload=1 MiB"]),
        with(push, "[client.push]\n[client.receiver]\ndedupe = 1000\nlimits = { header = \"1 KiB\" }"),
        with(push, "[client.push]\n[client.receiver]\nlimits = { body = \"1 KiB\" }"),
        // Faults.
        with("[events]", "[fault]\nkind = \"receiver-down\"\n[events]"),
        fault("at = \"5m\""),
        fault("kind = \"receiver-dwn\"\nat = \"0s\"\nfor = \"5m\""),
        fault("kind = \"provider-dwn\"\nat = \"0s\"\nfor = \"5m\""),
        fault("kind = \"provider-down\"\nfor = \"5m\""),
        fault("kind = \"receiver-down\"\nat = \"0s\"\nfor = \"5m\"\nclient = \"webhok\""),
        fault("kind = \"receiver-down\"\nat = \"0s\"\nfor = \"5m\"\nclient = \"poll\""),
        fault("kind = \"receiver-down\"\nat = \"1h\"\nfor = \"5m\""),
        fault("kind = \"receiver-down\"\nstatus = 500\nshare = 0.5"),
        fault("kind = \"receiver-slow\"\nat = \"0s\"\nfor = \"5m\"\nfactr = 3"),
        fault("kind = \"receiver-errors\"\nat = \"0s\"\nfor = \"5m\"\nstatus = 200\nshare = 0.0"),
        fault("kind = \"forged-webhooks\"\nmix = { unsigned = 0 }"),
        fault("kind = \"forged-webhooks\"\nrate = \"1/s\"\nmix = { unsinged = 1 }"),
        fault(
            "kind = \"receiver-down\"\nat = \"0s\"\nfor = \"5m\"\n[[fault]]\nkind = \"receiver-down\"\nat = \"4m\"\nfor = \"5m\"",
        ),
        (fault("kind = \"forged-webhooks\"\nrate = \"1/s\"").0, vec!["fault.rate=2/s"]),
        (fault("kind = \"forged-webhooks\"\nrate = \"9999999/s\"").0, vec!["duration=1d"]),
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
#[test]
fn the_live_engine_has_limits_of_its_own() {
    let scenario = parse(SMALLEST, &["consumers=1001"]).expect("virtual time has room for it");
    assert!(scenario.check_live().is_err_and(|problems| problems.to_string().contains("1001 consumers")));
    assert!(parse(SMALLEST, &["consumers=1001", "engine=both"]).is_err());
    assert!(parse(SMALLEST, &[]).is_ok_and(|scenario| scenario.check_live().is_ok()));
}

#[test]
fn the_live_engine_wants_room_for_the_attempts_that_faults_cause() {
    let client = "[events]\nrate = \"2000/s\"\n[[client]]\nname = \"hook\"\n[client.push]\nretry = { base = \"1s\", factor = 1, max = 100 }\n";
    let fault = "[[fault]]\nkind = \"receiver-errors\"\nat = \"0s\"\nfor = \"1h\"\n";
    let sets = ["engine=live", "duration=1h"];
    assert!(parse(client, &sets).is_ok(), "an attempt for each event fits");
    let text = format!("{client}{fault}");
    let refused = parse(&text, &sets).expect_err("a hundred attempts do not");
    assert!(refused.contains("retry less often") && refused.contains("the most is 10^7"), "{refused}");
    assert!(parse(&text.replace("for = \"1h\"", "for = \"1s\""), &sets).is_ok());
    assert!(parse(&text, &["duration=1h"]).is_ok());
}

#[test]
fn over_real_http_few_connections_would_hold_webhooks_up() {
    let client = "[events]\nrate = \"1/s\"\n[[client]]\nname = \"hook\"\n[client.push]\n";
    let limits = |connections| format!("{client}[client.receiver.limits]\nconnections = {connections}\n");
    let refused = parse(&limits(15), &["engine=live"]).expect_err("that changes only one engine");
    assert!(refused.contains("15 connections") && refused.contains("connections = 16 or more"), "{refused}");
    assert!(parse(&limits(15), &["engine=sim"]).is_ok());
    assert!(parse(&limits(16), &["engine=live"]).is_ok());
    assert!(parse(&limits(2), &["engine=both", "provider.dispatch.concurrency=2"]).is_ok());
    assert!(parse(&limits(16), &["engine=both", "provider.dispatch.concurrency=17"]).is_err());
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
