//! Sweeps as a process: the same bytes whatever happens on the way, and what is said of mistakes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sweep_support;

use std::fs;
use std::io::Write as _;
use sweep_support::{Bench, interrupt};

const SWEEP: [&str; 6] = ["sweep", "mine.toml", "--replications", "10", "--quiet", "--out"];

fn sweep(bench: &Bench, folder: &str, more: &[&str]) {
    bench.good(&[&SWEEP[..], &[folder], more].concat());
}

fn rows(csv: &[u8]) -> (csv::StringRecord, Vec<csv::StringRecord>) {
    let mut reader = csv::Reader::from_reader(csv);
    (reader.headers().unwrap().clone(), reader.records().map(Result::unwrap).collect())
}

#[test]
fn the_same_bytes_on_any_number_of_threads_interrupted_and_resumed() {
    let bench = Bench::new();
    sweep(&bench, "one", &["--threads", "1"]);
    let whole = bench.files("one");
    sweep(&bench, "two", &["--threads", "2"]);
    assert!(whole == bench.files("two"), "two threads");

    let stopped = [&SWEEP[..], &["stopped", "--threads", "1"]].concat();
    let child = bench.start(&stopped, "stopped", 40);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    // What is done is there, and says that it is not all.
    let partial = bench.files("stopped");
    let (_, done) = rows(&partial[0]);
    let table = String::from_utf8(output.stdout).unwrap();
    let left = 520 - done.len() / 2;
    assert!(table.contains(&format!("\nstopped early: {left} runs of 520 missing\n")), "{table}");
    assert!(done.len() >= 2 * 40 && done.len() < 13 * 4 * 10 * 2, "{}", done.len());
    let json: serde_json::Value = serde_json::from_slice(&partial[4]).unwrap();
    assert_eq!(json["partial"], true);
    assert_eq!(json["missing_runs"], 520 - done.len() / 2);
    sweep(&bench, "stopped", &["--resume", "--threads", "2"]);
    assert!(whole == bench.files("stopped"), "interrupted and resumed");
    // A sweep that is complete has nothing left to play.
    let said = bench.good(&["sweep", "mine.toml", "--replications", "10", "--out", "stopped", "--resume"]);
    assert!(said.starts_with("0 runs, 0 transitions"), "{said}");
    assert!(whole == bench.files("stopped"), "resumed for nothing");
}

#[test]
fn what_a_killed_sweep_leaves_is_gone_on_from_even_where_its_last_line_is_torn() {
    let bench = Bench::new();
    sweep(&bench, "whole", &[]);
    let killed = [&SWEEP[..], &["killed", "--threads", "1"]].concat();
    let mut child = bench.start(&killed, "killed", 30);
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = bench.unfinished("killed").unwrap();
    let text = fs::read(&journal).unwrap();
    let end = text.iter().rposition(|byte| *byte == b'\n').unwrap();
    // Whatever was torn by the kill, now the last line surely is, and one in the middle is not as it was written.
    let mut damaged = text[..end - 100].to_vec();
    let lines: Vec<usize> = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    damaged[lines[10] - 50] ^= 1;
    fs::write(&journal, &damaged).unwrap();
    let said = bench.good(&["sweep", "mine.toml", "--replications", "10", "--out", "killed", "--resume"]);
    let played: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(played, 520 - (lines.len() - 1 - 2), "only what was lost is played again: {said}");
    assert!(bench.files("whole") == bench.files("killed"));
    // Without --resume, what was left is no part of what comes.
    fs::File::create(bench.path("killed").join("units-abcdef.partial.jsonl")).unwrap().write_all(&damaged).unwrap();
    sweep(&bench, "killed", &[]);
    assert!(bench.files("whole") == bench.files("killed"));
}

#[test]
fn a_sweep_goes_on_only_from_itself() {
    let bench = Bench::new();
    let few = ["sweep", "mine.toml", "--vary", "events.rate=1/s,2/s", "--out", "few", "--quiet"];
    bench.good(&few);
    let others: &[&[&str]] = &[
        &["--replications", "2"],
        &["--seed", "6"],
        &["--vary", "client.webhook.push.timeout=1s,2s"],
        &["--set", "network.latency=30ms"],
    ];
    let mut said: Vec<_> = others.iter().map(|more| bench.refused(&[&few[..], &["--resume"], more].concat())).collect();
    let path = bench.path("few").join("units.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let other: Vec<_> =
        few.iter().map(|word| if *word == "events.rate=1/s,2/s" { "events.rate=1/s,3/s" } else { word }).collect();
    said.push(bench.refused(&[&other[..], &["--resume"]].concat()));
    insta::assert_snapshot!(said.join("\n"));
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is still there");
    bench.good(&[&few[..], &["--resume"]].concat());
}

#[test]
fn the_columns_say_which_point_a_row_is_of() {
    let bench = Bench::new();
    bench.good(&[
        "sweep",
        "mine.toml",
        "--vary",
        "events.rate=60/m,2/s",
        "--vary",
        "network.latency=5ms..20ms:2",
        "--vary",
        "network.loss=0,0.05",
        "--vary",
        "client.poll every so often.pull.every=30s",
        "--replications",
        "2",
        "--out",
        "out",
    ]);
    let files = bench.files("out");
    let (header, summary) = rows(&files[0]);
    let index = |name: &str| header.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(index("param_events.rate"), index("mode") + 1);
    assert_eq!(index("measured_s"), index("param_network.loss") + 1);
    let last: Vec<_> = header.iter().skip(header.len() - 3).collect();
    let every = "client.poll every so often.pull.every";
    assert_eq!(last, ["value_events.rate", &format!("value_{every}"), "value_network.latency"]);
    assert_eq!(summary.len(), 2 * 2 * 2 * 2 * 2, "points, replications, clients");
    let row = |row: usize| {
        let cells =
            ["replication", "seed", "client", "param_events.rate", "param_network.latency", "param_network.loss"];
        cells.map(|name| summary[row][index(name)].to_owned())
    };
    assert_eq!(row(0), ["1", "5", "poll every so often", "60/m", "5ms", "0"]);
    let [replication, seed, ..] = row(2);
    assert_eq!(replication, "2");
    assert_eq!(row(4)[4..], ["5ms", "0.05"], "the last key is fastest");
    assert_eq!(row(6)[1], seed, "a replication has the same seed at every point");
    assert_eq!(row(8)[4..], ["20ms", "0"]);
    assert_eq!(row(16)[3], "2/s");
    assert_eq!(&summary[0][index("value_events.rate")], "1");
    assert_eq!(&summary[0][index("value_network.latency")], "0.005");
    // The row of a replication is what a run of that point and seed gives.
    bench.good(&[
        "run",
        "mine.toml",
        "--set",
        "events.rate=60/m",
        "--set",
        "network.latency=5ms",
        "--set",
        "network.loss=0.05",
        "--set",
        &format!("{every}=30s"),
        "--seed",
        &seed,
        "--out",
        "single",
    ]);
    let (single_header, single) = rows(&fs::read(bench.path("single").join("summary.csv")).unwrap());
    for (at, column) in single_header.iter().enumerate().filter(|(_, column)| *column != "replication") {
        assert_eq!(single[0][at], summary[6][index(column)], "{column}");
    }
    for file in [&files[1], &files[2]] {
        let (header, rows) = rows(file);
        assert_eq!(&header[header.len() - 1], "param_network.loss");
        assert!(!rows.is_empty());
        assert!(rows.iter().all(|row| row.len() == header.len()));
    }
}

#[test]
fn the_table_fits_a_terminal() {
    let bench = Bench::new();
    let output = bench.run(&["sweep", "mine.toml", "--out", "out", "--quiet"]);
    assert!(output.status.success());
    let narrow = String::from_utf8(output.stdout).unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    // Every line of a point is there, in the order of the file.
    let points = narrow.lines().skip_while(|line| !line.contains("req/event"));
    let numbers: Vec<usize> = points.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert_eq!(numbers, (1..=52).collect::<Vec<_>>());
    insta::assert_snapshot!("table", narrow.lines().take(20).collect::<Vec<_>>().join("\n"));
    let dry = bench.run(&["sweep", "mine.toml", "--dry-run", "--threads", "1"]);
    assert!(dry.status.success());
    let dry = String::from_utf8(dry.stdout).unwrap();
    assert!(dry.lines().all(|line| line.chars().count() <= 80), "{dry}");
    let part = bench.run(&["sweep", "mine.toml", "--dry-run", "--threads", "1", "--shard", "2/5"]);
    let part = String::from_utf8(part.stdout).unwrap();
    // Crossovers are looked for by whoever merges the shards.
    let points = dry.split("Looking for crossovers").next().unwrap();
    assert_eq!(part.strip_prefix(points), Some("Shard 2/5 is 11 runs of it.\n"), "{part}");
    assert!(!bench.path("results").exists(), "a dry run leaves nothing");
    insta::assert_snapshot!("dry_run", dry.lines().take(8).chain(dry.lines().skip(55)).collect::<Vec<_>>().join("\n"));
    for (format, file) in [("csv", 0), ("json", 4)] {
        let output = bench.run(&["sweep", "mine.toml", "--out", "out", "--quiet", "--format", format]);
        assert!(output.stdout == bench.files("out")[file], "{format}");
    }
}

#[test]
fn mistakes_on_the_command_line_are_refused_with_a_sentence() {
    let bench = Bench::new();
    let plain = fs::read_to_string(bench.path("mine.toml")).unwrap();
    fs::write(bench.path("plain.toml"), plain.split("[sweep]").next().unwrap()).unwrap();
    let every = "client.poll every so often.pull.every";
    let cases: &[&[&str]] = &[
        &["plain.toml"],
        &["mine.toml", "--vary", "events.rtae=1/s,2/s"],
        &["mine.toml", "--vary", "events.rate="],
        &["mine.toml", "--vary", "events.rate=1/s..2/s:0"],
        &["mine.toml", "--vary", "events.rate=1/s,2/s", "--vary", "events.rate=3/s"],
        &["mine.toml", "--zip"],
        // The third value is wrong where it stands.
        &["mine.toml", "--vary", &format!("{every}=1s,2s,0s")],
        &["plain.toml", "--vary", "consumers=1..1000:1000", "--vary", "seed=1..1000:1000"],
        &[
            "plain.toml",
            "--vary",
            "consumers=1..1000:1000",
            "--vary",
            "seed=1..9999:9999",
            "--yes",
            "--replications",
            "1000",
        ],
        &["mine.toml", "--shard", "7/5"],
        &["mine.toml", "--shard", "-1/5"],
        &["mine.toml", "--precision", "-2%"],
        &["mine.toml", "--shard", "auto/5"],
    ];
    let said: Vec<_> = cases.iter().map(|case| bench.refused(&[&["sweep"], *case].concat())).collect();
    insta::assert_snapshot!(said.join("\n----\n"));
    assert!(!bench.path("results").exists(), "nothing was played");
}

#[test]
fn a_sweep_with_both_engines_says_whether_they_agree() {
    let bench = Bench::new();
    let output = bench.run(&[
        "sweep",
        "mine.toml",
        "--engine=both",
        "--set=duration=2s",
        "--set=network.loss=0",
        "--vary=events.rate=2/s,3/s",
        "--vary=client.poll every so often.pull.every=1s",
        "--out=both",
    ]);
    let said = String::from_utf8(output.stderr).unwrap();
    // A machine that is busy with other things may fall behind, and then they need not.
    match output.status.code() {
        Some(0) => assert!(said.contains("\nthe engines agree in 2 runs\n"), "{said}"),
        Some(99) => assert!(said.contains("\nwarning: the engines disagree in "), "{said}"),
        Some(3) => assert!(said.contains(" fell behind; ") && said.contains("the engines "), "{said}"),
        other => panic!("{other:?}: {said}"),
    }
}

#[test]
fn a_key_of_a_single_fault_varies() {
    let bench = Bench::new();
    let fault = |at: &str| format!("[[fault]]\nkind = \"provider-down\"\nat = \"{at}\"\nfor = \"5s\"\n");
    let text = fs::read_to_string(bench.path("mine.toml")).unwrap();
    let text = text.split("[sweep]").next().unwrap().to_owned() + &fault("10s") + &fault("30s");
    fs::write(bench.path("faults.toml"), &text).unwrap();
    let sweep = ["sweep", "faults.toml", "--quiet"];
    bench.good(&[&sweep[..], &["--vary", "fault.2.for=1s,20s", "--out", "varied"]].concat());
    let (header, varied) = rows(&bench.files("varied")[0]);
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let durations: Vec<_> = varied.iter().map(|row| row[column("param_fault.2.for")].to_owned()).collect();
    assert_eq!(durations, ["1s", "1s", "20s", "20s"]);
    // The same point as a file of its own.
    bench.good(&["run", "faults.toml", "--set", "fault.2.for=20s", "--out", "set", "--quiet"]);
    fs::write(bench.path("written.toml"), text.replace("at = \"30s\"\nfor = \"5s\"", "at = \"30s\"\nfor = \"20s\""))
        .unwrap();
    bench.good(&["run", "written.toml", "--out", "written", "--quiet"]);
    let figures = |folder: &str| {
        let (header, rows) = rows(&fs::read(bench.path(folder).join("summary.csv")).unwrap());
        let latency = header.iter().position(|column| column == "latency_mean_ms").unwrap();
        rows.iter().map(|row| row[latency].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(figures("set"), figures("written"));
    let last: Vec<_> = varied[2..].iter().map(|row| row[column("latency_mean_ms")].to_owned()).collect();
    assert_eq!(last, figures("set"));
    let wrong = ["fault.3.for=1s", "fault.0.for=1s", "fault.for=1s", "fault.1=1s", "fault.1.fro=1s", "fault.x=1"];
    let mut said: Vec<_> = wrong.iter().map(|set| bench.refused(&["run", "faults.toml", "--set", set])).collect();
    said.push(bench.refused(&["run", "mine.toml", "--set", "fault.1.for=1s"]));
    said.push(bench.refused(&[&sweep[..], &["--vary", "fault.for=1s,2s"]].concat()));
    said.push(bench.refused(&[&sweep[..], &["--vary", "prices.egress_per_gib=1,2"]].concat()));
    insta::assert_snapshot!("fault_keys", said.join("\n"));
}

#[test]
fn a_check_says_what_the_sweep_of_a_file_comes_to() {
    let bench = Bench::new();
    let output = bench.run(&["check", "mine.toml"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let part: Vec<_> =
        text.lines().skip_while(|line| *line != "# A sweep means").take_while(|line| *line != "#").collect();
    insta::assert_snapshot!("check", part.join("\n"));
    assert!(text.contains("\n[sweep]\ncombine = \"product\"\n"), "{text}");
    // What is said of a file is that file again.
    fs::write(bench.path("again.toml"), &text).unwrap();
    let again = bench.run(&["check", "again.toml"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), text);
}
