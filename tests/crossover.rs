//! Crossovers of sweeps: where they are found is where closed forms have them, and they are the same however they are made.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sweep_support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use sweep_support::{Bench, interrupt};

/// A poller against webhooks, in a network that takes 40 ms each way and loses nothing: polls and events are the only
/// requests. Ten consumers and 1,500 intervals are 15,000 events a run at one event an interval; a crossover is known from
/// ten runs, so that its standard error is 1 / sqrt(150,000), less than 0.3 %.
fn scenario(interval_s: f64, more: &str) -> String {
    format!(
        r#"
title = "Polls against webhooks"
duration = "{}s"
seed = 7
consumers = 10
[events]
rate = "1/s"
[network]
latency = "40ms"
[[client]]
name = "poll"
[client.pull]
every = "{interval_s}s"
[[client]]
name = "webhook"
[client.push]
{more}
"#,
        1_500.0 * interval_s
    )
}

type Row = BTreeMap<String, String>;

struct Swept {
    bench: Bench,
    printed: String,
    rows: Vec<Row>,
}

impl Swept {
    fn new(scenario: &str, arguments: &[&str]) -> Self {
        let bench = Bench::new();
        fs::write(bench.path("mine.toml"), scenario).unwrap();
        let output = bench.run(&[&["sweep", "mine.toml", "--out", "out", "--quiet"], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let rows = table(&fs::read(bench.path("out").join("crossover.csv")).unwrap());
        Self { bench, printed: String::from_utf8(output.stdout).unwrap(), rows }
    }

    /// What stands below the table.
    fn sentences(&self) -> &str {
        let start = self.printed.find("\nCrossovers\n").unwrap_or_else(|| panic!("{}", self.printed));
        let sentences = &self.printed[start + 1..];
        assert!(sentences.lines().all(|line| line.chars().count() <= 80), "{sentences}");
        sentences
    }
}

fn table(text: &[u8]) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text);
    reader.deserialize().map(Result::unwrap).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} in {row:?}"))
}

/// Whether a crossover lies within a share of the truth, and its interval around it.
fn lies_at(row: &Row, truth: f64, share: f64) {
    let at = number(row, "number");
    assert!((at / truth - 1.0).abs() < share, "{at}, not {truth}: {row:?}");
    let [low, high] = ["ci_low", "ci_high"].map(|column| number(row, column));
    assert!(low < truth && truth < high, "{low} to {high} does not hold {truth}");
    assert!(high - low < 2.0 * share * truth, "{low} to {high} is no precise statement");
    assert_eq!((&*row["method"], &*row["replications"]), ("refined", "10"));
}

#[test]
fn polls_cost_as_many_requests_as_webhooks_at_one_event_an_interval() {
    for (interval, from, to) in [(1.0, "0.1/s", "9/s"), (10.0, "0.01/s", "0.9/s"), (300.0, "1/h", "2/m")] {
        let swept = Swept::new(&scenario(interval, ""), &["--vary", &format!("events.rate={from}..{to}:4:log")]);
        let [row] = &swept.rows[..] else { panic!("{:?}", swept.rows) };
        lies_at(row, 1.0 / interval, 0.01);
        assert_eq!((&*row["kind"], &*row["baseline"], &*row["client"]), ("requests", "poll", "webhook"));
        assert_eq!((&*row["below"], &*row["above"]), ("webhook", "poll"));
        assert_eq!((&*row["key"], &*row["engine"]), ("events.rate", "sim"));
    }
}

#[test]
fn it_does_not_matter_which_key_is_looked_along() {
    let arguments = ["--vary", "client.poll.pull.every=3s,30s,1s,10s", "--set", "events.rate=0.2/s"];
    let swept = Swept::new(&scenario(5.0, ""), &arguments);
    let [row] = &swept.rows[..] else { panic!("{:?}", swept.rows) };
    lies_at(row, 5.0, 0.01);
    // Whoever polls less often needs fewer requests.
    assert_eq!((&*row["below"], &*row["above"], &*row["key"]), ("webhook", "poll", "client.poll.pull.every"));
    insta::assert_snapshot!(swept.sentences());
}

#[test]
fn where_every_request_costs_the_same_costs_cross_where_requests_do() {
    let prices = "[prices.requests]\nprovider = 0.4\nconsumer = 0.2\nper = \"1k\"\n";
    let swept = Swept::new(&scenario(10.0, prices), &["--vary", "events.rate=0.01/s..0.9/s:4:log"]);
    let [requests, cost] = &swept.rows[..] else { panic!("{:?}", swept.rows) };
    assert_eq!((&*requests["kind"], &*cost["kind"]), ("requests", "cost"));
    lies_at(cost, 0.1, 0.01);
    insta::assert_snapshot!(swept.sentences());
}

#[test]
fn at_a_crossover_of_costs_the_clients_cost_the_same() {
    let prices = "[prices]\negress_per_gib = 0.09\n[prices.requests]\nprovider = 0.4\nper = \"1M\"\n";
    let arguments = ["--vary", "events.rate=0.01/s..0.9/s:4:log", "--set", "events.payload=16 KiB"];
    let swept = Swept::new(&scenario(10.0, prices), &arguments);
    let row = swept.rows.iter().find(|row| row["kind"] == "cost").unwrap();
    let [low, high] = ["ci_low", "ci_high"].map(|column| number(row, column));
    assert!(low < high && (high / low - 1.0) < 0.1, "{row:?}");
    let at = format!("events.rate={},1/h", row["value"]);
    let arguments = ["--vary", &at, "--set", "events.payload=16 KiB", "--replications", "10", "--no-crossover"];
    swept.bench.good(&[&["sweep", "mine.toml", "--out", "again", "--quiet"], &arguments[..]].concat());
    let there = table(&fs::read(swept.bench.path("again").join("summary.csv")).unwrap());
    let cost = |client: &str| {
        let rows = there.iter().filter(|other| other["client"] == client && other["param_events.rate"] == row["value"]);
        rows.map(|row| number(row, "cost_total")).sum::<f64>()
    };
    // These are the runs from which the crossover was told: what is left is that a step of Newton's method goes along a
    // line, and that the value is written with six digits.
    let ratio = cost("poll") / cost("webhook");
    assert!((ratio - 1.0).abs() < 1e-3, "{ratio}");
}

#[test]
fn a_target_of_a_poller_stops_to_hold_where_half_an_interval_and_the_way_back_reach_it() {
    let arguments = [
        "--vary",
        "client.poll.pull.every=1s,5s,20s,30s",
        "--set",
        "events.rate=0.03/s",
        "--target",
        "latency_mean < 5.04s",
        "--target",
        "poll.latency_mean >= 0.1s",
        "--target",
        "webhook.lost <= 0",
        "--target",
        "webhook.latency_max < 1ms",
    ];
    let swept = Swept::new(&scenario(10.0, ""), &arguments);
    let targets: Vec<_> = swept.rows.iter().filter(|row| row["kind"] == "target").collect();
    let [mean, webhook, least, lost, never] = &targets[..] else { panic!("{targets:?}") };
    lies_at(mean, 10.0, 0.01);
    assert_eq!((&*mean["client"], &*mean["criterion"]), ("poll", "latency_mean < 5.04s"));
    assert_eq!((&*mean["below"], &*mean["above"]), ("holds", "misses"));
    for (row, client, word) in
        [(webhook, "webhook", "holds"), (least, "", "holds"), (lost, "", "holds"), (never, "", "misses")]
    {
        assert_eq!((&*row["client"], &*row["below"], &*row["above"]), (client, word, word), "{row:?}");
        assert_eq!((&*row["method"], &*row["value"]), ("none", ""), "{row:?}");
    }
    insta::assert_snapshot!(swept.sentences());
}

#[test]
fn with_two_keys_there_is_a_crossover_for_each_value_of_the_other() {
    let rates = "events.rate=0.01/s..1/s:4:log";
    let every = "client.poll.pull.every=4s,10s,25s,200s";
    let swept = Swept::new(&scenario(10.0, ""), &["--vary", rates, "--vary", every]);
    assert_eq!(swept.rows.len(), 4);
    for (row, interval) in swept.rows.iter().zip([4.0, 10.0, 25.0]) {
        lies_at(row, 1.0 / interval, 0.02);
        assert_eq!(row["param_client.poll.pull.every"], format!("{interval}s"));
    }
    // A crossover at 0.005/s lies before the first point.
    let last = &swept.rows[3];
    assert_eq!((&*last["below"], &*last["above"], &*last["number"]), ("poll", "poll", ""));
    insta::assert_snapshot!(swept.sentences());
    let along = ["--vary", rates, "--vary", "client.poll.pull.every=4s,25s", "--along", "client.poll.pull.every"];
    let swept = Swept::new(&scenario(1.0, ""), &along);
    assert_eq!(swept.rows.len(), 4, "one for each rate: {:?}", swept.rows);
    assert!(swept.rows.iter().all(|row| row["key"] == "client.poll.pull.every"));
}

#[test]
fn where_keys_change_together_what_lies_between_points_is_read_off() {
    let every = "client.poll.pull.every=10s,9s,1s,11s";
    let arguments = ["--zip", "--vary", "events.rate=0.02/s,0.4/s,0.5/s,1/s", "--vary", every];
    let swept = Swept::new(&scenario(10.0, ""), &arguments);
    let found: Vec<_> = swept.rows.iter().map(|row| (&*row["below"], &*row["above"], &*row["method"])).collect();
    let (fewer, more) = (("webhook", "poll", "interpolated"), ("poll", "webhook", "interpolated"));
    assert_eq!(found, [fewer, more, fewer]);
    for (row, bracket) in swept.rows.iter().zip([0.02..0.4, 0.4..0.5, 0.5..1.0]) {
        assert!(bracket.contains(&number(row, "number")), "{row:?}");
        assert_eq!((&*row["ci_low"], &*row["param_client.poll.pull.every"]), ("", ""));
    }
    insta::assert_snapshot!(swept.sentences());
}

#[test]
fn a_crossover_is_where_it_is_whether_a_point_is_near_or_not() {
    let found = |rates: &str, seed: &str| {
        let vary = format!("events.rate={rates}");
        let few =
            ["--set", "consumers=1", "--set", "duration=10m", "--replications", "10", "--set", seed, "--vary", &vary];
        let swept = Swept::new(&scenario(1.0, ""), &few);
        let [row] = &swept.rows[..] else { panic!("{:?}", swept.rows) };
        ["number", "ci_low", "ci_high"].map(|column| number(row, column))
    };
    for seed in ["seed=1", "seed=2", "seed=3"] {
        let [at, low, high] = found("0.5/s,2/s", seed);
        // An interval of 95 % may be beside the truth, but not by more than itself.
        assert!((at - 1.0).abs() < high - low, "{low} to {high}");
        for rates in ["0.5/s,1/s,2/s", "0.5/s,1.02/s,2/s", "0.5/s,0.99/s,2/s"] {
            let [near, near_low, near_high] = found(rates, seed);
            // From another value the slope is a little different.
            assert!((near - at).abs() < 0.1 * (high - low), "{near}, not {at}, with {rates} and {seed}");
            assert!(
                ((near_high - near_low) / (high - low) - 1.0).abs() < 0.2,
                "{near_low} to {near_high} with {rates}"
            );
        }
    }
}

#[test]
fn a_target_that_nothing_may_fail_holds_up_to_the_first_failure() {
    let few = ["--set", "consumers=1", "--set", "duration=10m", "--target", "poll.failed <= 0"];
    let swept = Swept::new(&scenario(1.0, ""), &[&few[..4], &["--vary", "network.loss=0..0.5:3"], &few[4..]].concat());
    let row = swept.rows.iter().find(|row| row["kind"] == "target").unwrap();
    assert_eq!((&*row["below"], &*row["above"], &*row["method"]), ("holds", "misses", "refined"));
    assert_eq!((&*row["ci_low"], &*row["replications"]), ("", "1"), "a single run does not say how sure it is");
    assert!(swept.sentences().contains("from a single run of each value"), "{}", swept.sentences());
    assert!(row["number"].len() < 20, "{row:?}");
    // Whoever loses a message at one share of losses loses it at all greater ones. The value is known to a millionth of what
    // lies between two points.
    let at = number(row, "number");
    let around = format!("network.loss={},{}", at - 3e-7, at + 3e-7);
    swept.bench.good(&[&["sweep", "mine.toml", "--out", "again", "--quiet", "--vary", &around], &few[..4]].concat());
    let there = table(&fs::read(swept.bench.path("again").join("summary.csv")).unwrap());
    let failed: Vec<_> = there.iter().filter(|row| row["client"] == "poll").map(|row| number(row, "failed")).collect();
    assert!(failed[0] == 0.0 && failed[1] > 0.0, "{failed:?} around {at}");
}

#[test]
fn a_target_of_a_quotient_is_one_of_all_runs_together() {
    // Sixty polls an hour are twenty an event where there are three events an hour. One run in twenty has none.
    let arguments = [
        "--set",
        "consumers=1",
        "--set",
        "duration=1h",
        "--set",
        "client.poll.pull.every=1m",
        "--replications",
        "200",
        "--vary",
        "events.rate=1/h,10/h",
        "--target",
        "poll.requests_per_event < 20",
    ];
    let swept = Swept::new(&scenario(1.0, ""), &arguments);
    let row = swept.rows.iter().find(|row| row["kind"] == "target").unwrap();
    let [at, low, high] = ["number", "ci_low", "ci_high"].map(|column| number(row, column) * 3_600.0);
    assert!(low < 3.0 && 3.0 < high && at > low && at < high, "{low} to {high}");
    // The standard error of 600 events is 4 %.
    assert!(high - low < 6.0 / 600f64.sqrt() * 3.0, "{low} to {high}");
    assert_eq!(row["replications"], "200");
}

#[test]
fn what_is_not_known_and_what_is_not_sure_is_said() {
    let short = ["--set", "consumers=1", "--set", "duration=10m", "--target", "latency_p95 < 30s"];
    // Six events have no 95th percentile, and at one event a second both need the same, but for chance.
    let rates = ["--vary", "events.rate=0.01/s,0.5/s,1/s", "--replications", "3"];
    let swept = Swept::new(&scenario(1.0, ""), &[&short[..], &rates].concat());
    let unknown: Vec<_> =
        swept.rows.iter().map(|row| (&*row["kind"], &*row["points"], &*row["points_unknown"])).collect();
    assert_eq!(unknown, [("requests", "3", "0"), ("target", "3", "1"), ("target", "3", "1")]);
    insta::assert_snapshot!(swept.sentences());
    let swept =
        Swept::new(&scenario(1.0, ""), &[&short[..4], &["--vary", "events.rate=1/s,2/s,4/s"], &rates[2..]].concat());
    insta::assert_snapshot!(swept.sentences());
}

/// A sweep of fewer events, for what does not depend on their number.
const SWEEP: [&str; 11] = [
    "sweep",
    "mine.toml",
    "--quiet",
    "--set",
    "consumers=2",
    "--vary",
    "events.rate=0.01/s..1/s:3:log",
    "--target",
    "latency_p95 < 9s",
    "--replications",
    "2",
];

#[test]
fn they_are_the_same_on_any_number_of_threads_and_from_shards() {
    let bench = Bench::new();
    fs::write(bench.path("mine.toml"), scenario(10.0, "")).unwrap();
    let read = |folder: &str| fs::read(bench.path(folder).join("crossover.csv")).unwrap();
    for threads in ["1", "2"] {
        bench.good(&[&SWEEP[..], &["--threads", threads, "--out", threads]].concat());
    }
    assert_eq!(table(&read("1")).len(), 3, "requests, and the target of two clients");
    assert!(read("1") == read("2"));
    for shard in ["1/2", "2/2"] {
        bench.good(&[&SWEEP[..], &["--shard", shard, "--out", "shards"]].concat());
    }
    // A merge needs nothing but the shards.
    fs::remove_file(bench.path("mine.toml")).unwrap();
    bench.good(&["merge", "shards", "--out", "merged", "--quiet", "--threads", "1"]);
    assert!(read("1") == read("merged"));
}

#[test]
fn what_is_asked_of_one_shard_has_to_be_asked_of_all() {
    let bench = Bench::new();
    fs::write(bench.path("mine.toml"), scenario(1.0, "")).unwrap();
    bench.good(&[&SWEEP[..], &["--shard", "1/2", "--out", "shards"]].concat());
    bench.good(&[&SWEEP[..], &["--target", "lost <= 0", "--shard", "2/2", "--out", "shards"]].concat());
    let said = bench.refused(&["merge", "shards", "--out", "merged"]);
    assert!(said.contains("other crossovers are looked for"), "{said}");
}

#[test]
fn the_points_stay_where_the_search_is_stopped() {
    let bench = Bench::new();
    fs::write(bench.path("mine.toml"), scenario(10.0, "")).unwrap();
    let sweep = [&SWEEP[..], &["--threads", "1", "--out"]].concat();
    bench.good(&[&sweep[..], &["whole"]].concat());
    // What an earlier sweep has found does not stand beside other points.
    bench.good(&[&sweep[..], &["stopped", "--set", "seed=8"]].concat());
    let old = fs::read(bench.path("stopped").join("summary.csv")).unwrap();
    let mut command = bench.command(&[&sweep[..], &["stopped"]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..6_000 {
        if fs::read(bench.path("stopped").join("summary.csv")).unwrap() != old {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let read = |folder: &str, file: &str| fs::read(bench.path(folder).join(file));
    assert!(read("stopped", "crossover.csv").is_err());
    assert!(read("stopped", "summary.csv").unwrap() == read("whole", "summary.csv").unwrap());
    let said = bench.good(&[&sweep[..2], &sweep[3..], &["stopped", "--resume"]].concat());
    assert!(said.starts_with("0 runs"), "{said}");
    assert!(read("stopped", "crossover.csv").unwrap() == read("whole", "crossover.csv").unwrap());
    // Points that are there can be asked something else.
    bench.good(&[&sweep[..], &["stopped", "--resume", "--target", "lost <= 0"]].concat());
    assert_eq!(table(&read("stopped", "crossover.csv").unwrap()).len(), 5);
    bench.good(&["sweep", "mine.toml", "--vary", "events.rate=1/s,2/s", "--no-crossover", "--out", "stopped"]);
    assert!(read("stopped", "crossover.csv").is_err());
}

#[test]
fn a_merge_that_is_stopped_says_how_to_go_on() {
    let bench = Bench::new();
    fs::write(bench.path("mine.toml"), scenario(10.0, "")).unwrap();
    for shard in ["1/2", "2/2"] {
        bench.good(&[&SWEEP[..], &["--out", "parts", "--shard", shard]].concat());
    }
    let merge = ["merge", "parts", "--threads", "1", "--quiet", "--out"];
    let mut command = bench.command(&[&merge[..], &["stopped"]].concat());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..6_000 {
        if bench.path("stopped").join("summary.csv").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert_eq!(
        said,
        "stopped while crossovers were looked for; every point is there, and the same command looks for them again\n"
    );
    assert!(!bench.path("stopped").join("crossover.csv").exists());
    for folder in ["stopped", "whole"] {
        bench.good(&[&merge[..], &[folder]].concat());
    }
    let read = |folder: &str| fs::read(bench.path(folder).join("crossover.csv")).unwrap();
    assert!(read("stopped") == read("whole"));
}

#[test]
fn what_cannot_be_looked_for_is_refused() {
    let bench = Bench::new();
    fs::write(bench.path("mine.toml"), scenario(1.0, "")).unwrap();
    let rate = ["--vary", "events.rate=1/s,2/s"];
    let cases: &[&[&str]] = &[
        &["--along", "consumers"],
        &["--along", "seed", "--vary", "seed=1,2"],
        &["--target", "latency_p95 == 30s"],
        &["--target", "latency_p59 < 30s"],
        &["--target", "latency_p95 < 30 B"],
        &["--target", "pull.latency_p95 < 30s"],
    ];
    let mut said: Vec<_> =
        cases.iter().map(|more| bench.refused(&[&["sweep", "mine.toml"], &rate[..], more].concat())).collect();
    let words = ["sweep", "mine.toml", "--vary", "events.arrivals=poisson,constant", "--target", "lost <= 0"];
    said.push(bench.refused(&words));
    said.push(bench.refused(&[&words[..], &["--along", "events.arrivals"]].concat()));
    insta::assert_snapshot!(said.join("\n"));
    assert!(!bench.path("results").exists(), "nothing is played");
}
