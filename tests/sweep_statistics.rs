//! Sweeps with replications, precision, warm-ups, thresholds and prices: what a point comes to is what a run of it comes to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sweep_support;

use std::collections::BTreeSet;
use std::fs;

use sweep_support::{Bench, interrupt};

/// A queue that starts empty, what it costs, and what it has to fulfil: it does up to 8 events a second, not at 9.
const QUEUE: &str = r#"
title = "A queue"
duration = "10m"
warmup = "auto"
seed = 3

[events]
rate = "5/s"

[[client]]
name = "poll"
[client.pull]
every = "2s"

[[client]]
name = "webhook"
[client.push]
signature = "none"
[client.receiver]
workers = 1
queue = 100000
service_time = { exponential = { mean = "100ms" } }

[prices]
requests = { provider = 3.50, per = "1M" }
currency = "USD"

[[threshold]]
expect = "webhook.latency_p95 < 2s"

[[threshold]]
expect = "lost == 0"

[sweep]
"events.rate" = ["1/s", "5/s", "9/s"]
"#;

fn bench() -> Bench {
    let bench = Bench::new();
    fs::write(bench.path("queue.toml"), QUEUE).unwrap();
    fs::write(bench.path("alone.toml"), QUEUE.split("[sweep]").next().unwrap()).unwrap();
    bench
}

/// Runs a command that ends with a missed threshold, and gives back what it says.
fn missed(bench: &Bench, arguments: &[&str]) -> String {
    let output = bench.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(99), "{arguments:?}: {said}");
    said
}

/// A CSV file of a folder: its header and its rows.
fn rows(bench: &Bench, folder: &str, name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(bench.path(folder).join(name)).unwrap();
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = cells(reader.headers().unwrap());
    (header, reader.records().map(|record| cells(&record.unwrap())).collect())
}

fn column(header: &[String], name: &str) -> usize {
    header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))
}

/// Plays a sweep with one thread, with two and in three parts, and holds the files of all against each other.
fn same_bytes_everywhere(bench: &Bench, sweep: &[&str]) {
    let one = missed(bench, &[sweep, &["--threads", "1", "--out", "one"]].concat());
    let two = missed(bench, &[sweep, &["--threads", "2", "--out", "two"]].concat());
    assert_eq!(one, two);
    let whole = bench.files("one");
    assert_eq!(whole.len(), 9, "statistics, thresholds, crossovers and the page are there too");
    assert!(whole == bench.files("two"), "two threads");
    for shard in ["1/3", "2/3", "3/3"] {
        // What is no whole is not judged.
        bench.good(&[sweep, &["--shard", shard, "--out", "parts"]].concat());
    }
    let merged = missed(bench, &["merge", "parts", "--out", "merged", "--quiet"]);
    assert_eq!(one, merged, "merge judges the same");
    assert!(whole == bench.files("merged"), "sharded and merged");
}

#[test]
fn replications_of_points_come_to_the_same_bytes_everywhere() {
    let bench = bench();
    let sweep = ["sweep", "queue.toml", "--replications", "4", "--quiet", "--threshold", "poll.requests > 310"];
    same_bytes_everywhere(&bench, &sweep);
    let (header, summary) = rows(&bench, "one", "summary.csv");
    assert_eq!(summary.len(), 3 * 4 * 2);
    // Each point has a warm-up of its own, and all of its replications have the same.
    let [warmup, rate] = ["warmup_s", "param_events.rate"].map(|name| column(&header, name));
    let found: BTreeSet<_> = summary.iter().map(|row| (&row[rate], &row[warmup])).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().map(|(_, warmup)| warmup).collect::<BTreeSet<_>>().len() > 1, "{found:?}");
    let cost = column(&header, "cost_total");
    assert!(summary.iter().all(|row| row[cost].parse::<f64>().unwrap() > 0.0));
    let (header, statistics) = rows(&bench, "one", "statistics.csv");
    assert_eq!(header.last().unwrap(), "param_events.rate");
    assert!(statistics.iter().any(|row| row[2] == "cost_total"));
    assert!(
        statistics.iter().all(|row| row[3] == "4" || row[2].starts_with("know")),
        "every figure of each replication"
    );
    let (header, comparison) = rows(&bench, "one", "comparison.csv");
    let [low, high] = ["ci_low", "ci_high"].map(|name| column(&header, name));
    let paired = comparison.iter().filter(|row| row[0] == "latency_mean_ms");
    let mut count = 0;
    for row in paired {
        assert!(row[low].parse::<f64>().unwrap() < row[high].parse::<f64>().unwrap());
        count += 1;
    }
    assert_eq!(count, 3);
    let (header, theory) = rows(&bench, "one", "theory.csv");
    let [low, rate] = ["ci_low", "param_events.rate"].map(|name| column(&header, name));
    assert!(theory.iter().any(|row| !row[low].is_empty() && row[rate] == "1/s"), "theory has intervals");
}

#[test]
fn as_many_replications_as_a_point_takes_come_to_the_same_bytes_everywhere() {
    let bench = bench();
    let sweep = ["sweep", "queue.toml", "--precision", "3%", "--replications", "25", "--quiet"];
    same_bytes_everywhere(&bench, &[&sweep[..], &["--set", "warmup=1m"]].concat());
    let (header, summary) = rows(&bench, "one", "summary.csv");
    let [rate, client] = ["param_events.rate", "client"].map(|name| column(&header, name));
    let count = |point: &str| summary.iter().filter(|row| row[rate] == point && row[client] == "poll").count();
    // The fuller the queue, the less one run says.
    assert!((10..25).contains(&count("1/s")), "{}", count("1/s"));
    assert_eq!(count("9/s"), 25);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(bench.path("one").join("sweep.json")).unwrap()).unwrap();
    let reached: Vec<_> = json["points"].as_array().unwrap().iter().map(|point| &point["precision_reached"]).collect();
    assert_eq!((reached[0], reached[2]), (&true.into(), &false.into()));
    // A point is the run of it.
    let run = ["run", "alone.toml", "--precision", "3%", "--replications", "25", "--set", "warmup=1m", "--quiet"];
    bench.good(&[&run[..], &["--set", "events.rate=1/s", "--out", "run"]].concat());
    let (_, run) = rows(&bench, "run", "summary.csv");
    assert_eq!(run.len(), 2 * count("1/s"));
}

#[test]
fn a_sweep_of_one_point_has_the_rows_of_the_run_that_is_repeated() {
    let bench = bench();
    let more = ["alone.toml", "--replications", "5", "--set", "events.rate=9/s", "--quiet", "--out"];
    let sweep = missed(&bench, &[&["sweep"], &more[..], &["sweep"]].concat());
    let run = missed(&bench, &[&["run"], &more[..], &["run"]].concat());
    assert_eq!(without_doubts(&sweep), without_doubts(&run));
    for name in ["summary.csv", "statistics.csv", "comparison.csv", "theory.csv", "thresholds.csv"] {
        let [sweep, run] = ["sweep", "run"].map(|folder| fs::read_to_string(bench.path(folder).join(name)).unwrap());
        assert_eq!(sweep, run, "{name}");
    }
    // The values of a swept key are behind those of a point.
    let swept = [&["sweep", "queue.toml"], &more[1..3], &["--quiet", "--out", "swept"]].concat();
    missed(&bench, &swept);
    for name in ["statistics.csv", "comparison.csv", "theory.csv", "thresholds.csv"] {
        let (_, alone) = rows(&bench, "run", name);
        let (header, swept) = rows(&bench, "swept", name);
        assert_eq!(header.last().unwrap(), "param_events.rate");
        let of_point: Vec<_> = swept.iter().filter(|row| row.last().unwrap() == "9/s").collect();
        assert_eq!(alone.len(), of_point.len(), "{name}");
        for (alone, swept) in alone.iter().zip(of_point) {
            assert_eq!(alone[..], swept[..swept.len() - 1], "{name}");
        }
    }
}

/// What is said, but for pilot runs that do not become steady.
fn without_doubts(said: &str) -> Vec<&str> {
    said.lines().filter(|line| !line.starts_with("warning: the pilot run")).collect()
}

#[test]
fn a_run_with_replications_judges_their_means_and_tells_costs() {
    let bench = bench();
    let run = ["run", "alone.toml", "--replications", "5", "--set", "events.rate=9/s", "--set", "warmup=1m", "--quiet"];
    let output = bench.run(&[&run[..], &["--out", "run"]].concat());
    assert_eq!(output.status.code(), Some(99));
    let (table, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    insta::assert_snapshot!(format!("{table}----\n{said}"));
    // The value that is judged is the mean in statistics.csv.
    let (header, statistics) = rows(&bench, "run", "statistics.csv");
    let mean = column(&header, "mean");
    let p95 = statistics.iter().find(|row| row[1] == "webhook" && row[2] == "latency_p95_ms").unwrap();
    let (header, thresholds) = rows(&bench, "run", "thresholds.csv");
    assert_eq!(thresholds[0][column(&header, "value")], p95[mean]);
    assert_eq!(thresholds[0][column(&header, "holds")], "false");
    // What holds exits with 0, and says nothing.
    let easy = bench.good(&[&run[..], &["--set", "events.rate=1/s", "--out", "run"]].concat());
    assert_eq!(easy, "");
}

#[test]
fn the_table_marks_points_that_miss_and_few_misses_are_told() {
    let bench = bench();
    let sweep = ["sweep", "queue.toml", "--replications", "3", "--set", "warmup=1m", "--out", "out", "--quiet"];
    let more = ["--threshold", "requests > 1000000", "--threshold", "webhook.latency_mean < 1s"];
    let output = bench.run(&[&sweep[..], &more].concat());
    assert_eq!(output.status.code(), Some(99));
    let (table, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    insta::assert_snapshot!(format!("{table}----\n{said}"));
    let (header, thresholds) = rows(&bench, "out", "thresholds.csv");
    assert_eq!(header.last().unwrap(), "param_events.rate");
    // Two are about each of two clients, and two name theirs.
    assert_eq!(thresholds.len(), 3 * (2 * 2 + 2));
    // Where nothing is expected any more, nothing of it is left.
    bench.good(&["sweep", "mine.toml", "--vary", "events.rate=1/s,2/s", "--out", "out", "--quiet"]);
    assert_eq!(bench.files("out").len(), 7, "crossover.csv, the page, and those of every sweep");
}

#[test]
fn points_at_which_a_client_is_overloaded_are_marked() {
    let bench = bench();
    let sweep =
        ["sweep", "alone.toml", "--vary", "events.rate=5/s,18/s", "--set", "warmup=0s", "--quiet", "--out", "out"];
    for more in [&[][..], &["--replications", "2"]] {
        let output = bench.run(&[&sweep[..], &["--no-crossover"], more].concat());
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        let marked: Vec<_> = table.lines().filter(|line| line.ends_with('*')).collect();
        assert!(marked.len() == 1 && marked[0].contains("18/s"), "the receiver of the second point, no poll: {table}");
        assert!(table.contains("* overloaded: it turns work away"), "{table}");
        let page = String::from_utf8(fs::read(bench.path("out").join("report.html")).unwrap()).unwrap();
        assert!(page.contains("“webhook” is overloaded at events.rate = 18/s"), "{more:?}");
        assert!(page.contains("</data> *</td>") && page.contains(" * Overloaded: the client"), "{more:?}");
        assert!(!page.contains("“poll” is overloaded"));
    }
    bench.run(&[&sweep[..3], &["events.rate=1/s,5/s", "--set", "warmup=0s", "--quiet", "--out", "out"]].concat());
    let page = String::from_utf8(fs::read(bench.path("out").join("report.html")).unwrap()).unwrap();
    assert!(!page.contains("verloaded"), "nobody is");
}

#[test]
fn what_clients_cost_and_how_old_their_views_are_is_compared_with_intervals() {
    let bench = bench();
    let run = ["run", "alone.toml", "--replications", "5", "--set", "warmup=0s", "--quiet", "--out", "run"];
    bench.run(&run);
    let (header, comparison) = rows(&bench, "run", "comparison.csv");
    let names: Vec<_> = comparison.iter().map(|row| row[0].as_str()).collect();
    let added = ["staleness_age_mean_ms", "age_mean_ms", "age_peak_mean_ms", "cost_total", "cost_per_million_events"];
    assert_eq!(names[names.len() - 5..], added, "at the end");
    let [low, high, ratio_low] = ["ci_low", "ci_high", "ratio_ci_low"].map(|name| column(&header, name));
    let number = |text: &str| text.parse::<f64>().unwrap();
    for row in &comparison[comparison.len() - 5..] {
        assert!(number(&row[low]) < number(&row[high]) && number(&row[ratio_low]) > 0.0, "{row:?}");
    }
    // A single run has the same rows, and none of costs where there are no prices.
    bench.run(&["run", "alone.toml", "--set", "warmup=0s", "--quiet", "--out", "single"]);
    let (_, single) = rows(&bench, "single", "comparison.csv");
    assert_eq!(single.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), names);
    fs::write(bench.path("plain.toml"), QUEUE.split("[prices]").next().unwrap()).unwrap();
    bench.good(&["run", "plain.toml", "--set", "warmup=0s", "--quiet", "--replications", "2", "--out", "plain"]);
    let (_, plain) = rows(&bench, "plain", "comparison.csv");
    assert!(plain.iter().all(|row| !row[0].starts_with("cost_")) && plain.iter().any(|row| row[0] == "age_mean_ms"));
}

#[test]
fn thresholds_travel_with_shards() {
    let bench = bench();
    let few =
        ["sweep", "alone.toml", "--set", "warmup=0s", "--vary", "events.rate=1/s,2/s", "--quiet", "--out", "parts"];
    bench.good(&[&few[..], &["--shard", "1/2", "--threshold", "poll.wasted < 1"]].concat());
    bench.good(&[&few[..], &["--shard", "2/2", "--threshold", "poll.wasted < 2"]].concat());
    let refused = bench.refused(&["merge", "parts", "--out", "merged"]);
    assert!(refused.contains("other thresholds are to hold"), "{refused}");
    bench.good(&[&few[..], &["--shard", "2/2", "--threshold", "poll.wasted < 1"]].concat());
    let said = missed(&bench, &["merge", "parts", "--out", "merged", "--quiet"]);
    assert!(said.contains("at events.rate = 1/s: threshold missed: poll.wasted < 1"), "{said}");
    // A sweep that is complete is judged anew when it is told to expect something else.
    let whole = [&few[..8], &["whole", "--resume"]].concat();
    bench.good(&[&few[..8], &["whole"]].concat());
    missed(&bench, &[&whole[..], &["--threshold", "poll.wasted < 1"]].concat());
    bench.good(&whole);
    assert!(bench.path("whole").join("thresholds.csv").exists(), "those of the file");
}

#[test]
fn an_interrupted_sweep_with_a_precision_goes_on() {
    let bench = bench();
    let sweep = [
        "sweep",
        "mine.toml",
        "--precision",
        "20%",
        "--replications",
        "20",
        "--threads",
        "1",
        "--threshold",
        "lost == 0",
        "--out",
    ];
    let mut child = bench.start(&[&sweep[..], &["stopped"]].concat(), "stopped", 5);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let json: serde_json::Value = serde_json::from_slice(&bench.files("stopped")[4]).unwrap();
    let (missing, points) = (json["missing_points"].as_u64().unwrap(), json["points"].as_array().unwrap().len() as u64);
    assert!(missing > 0 && missing + points == 52, "{missing} and {points}");
    assert!(!bench.path("stopped").join("thresholds.csv").exists(), "what is not whole is not judged");
    let resumed = bench.run(&[&sweep[..], &["stopped", "--resume"]].concat());
    let whole = bench.run(&[&sweep[..], &["whole"]].concat());
    assert_eq!(resumed.status.code(), whole.status.code());
    assert!(resumed.stdout == whole.stdout);
    assert!(bench.files("stopped") == bench.files("whole"));
}

#[test]
fn what_a_sweep_takes_and_mistakes_are_said() {
    let bench = bench();
    let dry = ["sweep", "queue.toml", "--precision", "2%", "--replications", "200", "--dry-run", "--threads", "1"];
    let output = bench.run(&dry);
    assert!(output.status.success());
    let mut said = String::from_utf8(output.stdout).unwrap();
    let cases: &[&[&str]] = &[
        &["--replications", "0"],
        &["--precision", "2"],
        &["--threshold", "webhook.latency < 1s"],
        &["--vary", "replications=1,2"],
        &["--vary", "precision=1%,2%"],
    ];
    for case in cases {
        said.push_str("----\n");
        said.push_str(&bench.refused(&[&["sweep", "queue.toml"], *case].concat()));
    }
    insta::assert_snapshot!(said);
    assert!(!bench.path("results").exists(), "nothing was played");
}
