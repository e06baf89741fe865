//! The files of `run --trace` and `run --hdr`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn run_into(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.arg("run").args(arguments).arg("--out").arg(folder).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn run(arguments: &[&str]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = run_into(folder.path(), arguments);
    (folder, String::from_utf8(output.stderr).unwrap())
}

fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A row of summary.csv by engine and client, as a function from column to number.
fn summary(folder: &Path, engine: &str, client: &str) -> impl Fn(&str) -> u64 {
    let mut reader = csv::Reader::from_path(folder.join("summary.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|column| column == name).unwrap();
    let is_it = |row: &csv::StringRecord| &row[place("engine")] == engine && &row[place("client")] == client;
    let row = reader.records().map(Result::unwrap).find(is_it).unwrap();
    move |column| row[header.iter().position(|name| name == column).unwrap()].parse().unwrap()
}

fn is_in_order(lines: &[Value], key: &str) -> bool {
    lines.iter().map(|line| line[key].as_u64().unwrap()).is_sorted()
}

/// What is written adds up to what is counted.
fn adds_up(folder: &Path, engine: &str, clients: &[&str]) {
    let (events, exchanges) = (lines(folder, "events.jsonl"), lines(folder, "exchanges.jsonl"));
    let of_engine = |lines: &[Value]| lines.iter().filter(|line| line["engine"] == engine).cloned().collect::<Vec<_>>();
    let (events, exchanges) = (of_engine(&events), of_engine(&exchanges));
    assert!(is_in_order(&events, "occurred_ns") && is_in_order(&exchanges, "opened_ns"));
    let counted = |line: &&Value| line["counted"] == true;
    assert!(exchanges.iter().any(|line| line["counted"] == false), "warm-up and drain are there as well");
    for client in clients {
        let figure = summary(folder, engine, client);
        assert_eq!(events.iter().filter(counted).count() as u64, figure("events"), "{client}");
        let seen = |line: &&Value| line["seen_ns"][*client].is_u64();
        assert_eq!(events.iter().filter(counted).filter(seen).count() as u64, figure("delivered"), "{client}");
        let own: Vec<_> = exchanges.iter().filter(|line| line["client"] == *client).collect();
        let requests = own.iter().filter(|line| line["counted"] == true && line["asked"] != "forged");
        let requests: Vec<_> = requests.collect();
        assert_eq!(requests.len() as u64, figure("requests"), "{client}");
        let useful = requests.iter().filter(|line| line["outcome"] == "useful").count() as u64;
        assert_eq!(useful, figure("useful"), "{client}");
        for line in own {
            let at = |key: &str| line[key].as_u64();
            let opened = at("opened_ns").unwrap();
            assert!([at("arrived_ns"), at("replied_ns"), at("ended_ns")].iter().flatten().all(|at| *at >= opened));
        }
    }
}

#[test]
fn every_event_and_exchange_of_a_run_is_written_in_order() {
    let arguments = ["many-consumers", "--set", "consumers=5", "--set", "duration=30m", "--set", "network.loss=0.05"];
    let traced = [&arguments[..], &["--trace"]].concat();
    let ((first, said), (second, _)) = (run(&traced), run(&[&traced[..], &["--threads", "1"]].concat()));
    assert!(!said.contains("warning"), "{said}");
    for name in ["events.jsonl", "exchanges.jsonl", "summary.csv", "run.json"] {
        assert!(fs::read(first.path().join(name)).unwrap() == fs::read(second.path().join(name)).unwrap(), "{name}");
    }
    let clients: Vec<String> = {
        let exchanges = lines(first.path(), "exchanges.jsonl");
        let mut names: Vec<String> = exchanges.iter().map(|line| line["client"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(clients.len(), 3);
    adds_up(first.path(), "sim", &clients.iter().map(String::as_str).collect::<Vec<_>>());
    let (plain, _) = run(&arguments);
    assert_eq!(
        fs::read(plain.path().join("run.json")).unwrap(),
        fs::read(first.path().join("run.json")).unwrap(),
        "being told changes nothing"
    );
}

#[test]
fn what_is_too_much_is_left_out_and_that_is_said() {
    let arguments = ["many-consumers", "--set", "consumers=20", "--set", "duration=10m", "--trace"];
    let ((whole, _), (part, said)) = (run(&arguments), run(&[&arguments[..], &["--trace-max", "50"]].concat()));
    assert!(said.contains("the first 50 of each are kept") && said.contains("--trace-max"), "{said}");
    let (all, few) = (lines(whole.path(), "exchanges.jsonl"), lines(part.path(), "exchanges.jsonl"));
    for client in ["poll", "webhook"] {
        let of = |lines: &[Value]| {
            let is_own = |line: &&Value| line["client"].as_str().unwrap().starts_with(client);
            lines.iter().filter(is_own).take(50).cloned().collect::<Vec<_>>()
        };
        assert_eq!(of(&all), of(&few), "the first ones, of all consumers");
    }
    assert!(lines(part.path(), "events.jsonl").len() <= 50);
}

#[test]
fn forged_webhooks_and_replications_are_told_as_well() {
    let (forged, _) = run(&["forged", "--set", "duration=2m", "--trace"]);
    let exchanges = lines(forged.path(), "exchanges.jsonl");
    let strangers: Vec<_> = exchanges.iter().filter(|line| line["opener"] == "stranger").collect();
    assert!(strangers.iter().any(|line| line["believed"] == true && line["forgery"] == "unsigned"), "{strangers:?}");
    assert!(strangers.iter().any(|line| line["believed"] == false && line["replied_ns"].is_u64()), "{strangers:?}");
    let arguments = ["flaky-network", "--set", "duration=10m", "--trace", "--hdr"];
    let ((one, _), (several, _)) = (run(&arguments), run(&[&arguments[..], &["--replications", "3"]].concat()));
    for name in ["events.jsonl", "exchanges.jsonl", "poll-every-10-s.hgrm"] {
        assert!(fs::read(one.path().join(name)).unwrap() == fs::read(several.path().join(name)).unwrap(), "{name}");
    }
}

#[test]
fn real_http_is_told_beside_virtual_time() {
    let sets = ["--set", "duration=3s", "--set", "warmup=500ms", "--set", "events.rate=5/s"];
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(["run", "quickstart", "--engine", "both", "--trace", "--hdr", "--out"]).arg(folder.path()).args(sets);
    // Whether the engines agree in three seconds on a busy machine is not what this is about.
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3 | 99)), "{}", String::from_utf8_lossy(&output.stderr));
    for engine in ["sim", "live"] {
        adds_up(folder.path(), engine, &["poll every 200 ms", "webhook"]);
        assert!(folder.path().join(format!("webhook.{engine}.hgrm")).is_file());
    }
    assert!(!folder.path().join("webhook.hgrm").exists());
}

#[test]
fn files_of_an_earlier_run_go_and_others_stay() {
    let (folder, _) = run(&["flaky-network", "--set", "duration=10m", "--trace", "--hdr"]);
    let has = |name: &str| folder.path().join(name).exists();
    assert!(has("events.jsonl") && has("exchanges.jsonl") && has("webhook-with-retries.hgrm"));
    fs::write(folder.path().join("mine.hgrm"), "a file of the user's own\n").unwrap();
    run_into(folder.path(), &["flaky-network", "--set", "duration=10m"]);
    assert!(!has("events.jsonl") && !has("exchanges.jsonl") && !has("webhook-with-retries.hgrm"));
    assert!(has("mine.hgrm") && has("summary.csv"));
}

#[test]
fn a_distribution_is_written_as_plotters_read_it() {
    let (folder, _) = run(&["flaky-network", "--hdr"]);
    let text = fs::read_to_string(folder.path().join("poll-every-10-s.hgrm")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("       Value     Percentile TotalCount 1/(1-Percentile)"));
    assert_eq!(lines.next(), Some(""));
    let rows: Vec<Vec<f64>> = lines
        .clone()
        .take_while(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert!(rows.len() > 30, "{text}");
    let (last, rest) = rows.split_last().unwrap();
    for pair in rows.windows(2) {
        assert!(pair[0][0] <= pair[1][0] && pair[0][1] < pair[1][1] && pair[0][2] <= pair[1][2], "{pair:?}");
    }
    for row in rest {
        let [_, quantile, _, inverse] = row[..] else { panic!("{row:?}") };
        assert!((inverse * (1.0 - quantile) - 1.0).abs() < 0.01, "{row:?}");
    }
    let figure = summary(folder.path(), "sim", "poll every 10 s");
    assert_eq!(last.len(), 3, "nothing is beyond the last one");
    assert_eq!((last[1], last[2]), (1.0, figure("latency_n") as f64));
    let count = |row: &Vec<f64>| row[2] / figure("latency_n") as f64 >= row[1] - 1e-9;
    assert!(rows.iter().all(count), "no share is told without the latencies for it");
    let footer: Vec<&str> = lines.filter(|line| line.starts_with('#')).collect();
    assert!(footer[0].starts_with("#[Mean    = ") && footer[0].contains(", StdDeviation   = "), "{footer:?}");
    assert!(footer[1].starts_with("#[Max     = ") && footer[1].contains(", Total count    = "), "{footer:?}");
    assert!(footer[2].starts_with("#[Buckets = ") && footer[2].contains(", SubBuckets     = "), "{footer:?}");
    let mean: f64 = footer[0][11..].split(',').next().unwrap().trim().parse().unwrap();
    let mut summary = csv::Reader::from_path(folder.path().join("summary.csv")).unwrap();
    let place = summary.headers().unwrap().iter().position(|name| name == "latency_mean_ms").unwrap();
    let told: f64 = summary.records().next().unwrap().unwrap()[place].parse().unwrap();
    assert!((mean / told - 1.0).abs() < 1e-3, "{mean} {told}");
}
