//! The program as a process: its files, its output, its exit codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const FILES: [&str; 6] = ["summary.csv", "comparison.csv", "theory.csv", "timeseries.csv", "run.json", "report.html"];

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn pushpull(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a scenario into a fresh folder and gives back what is in it.
fn results(arguments: &[&str]) -> (TempDir, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let output = pushpull(&[&["run"], arguments, &["--out", folder.path().to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let files = FILES.iter().map(|name| fs::read(folder.path().join(name)).unwrap()).collect();
    (folder, files)
}

fn rows(csv: &[u8]) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(csv).records().map(Result::unwrap).collect()
}

#[test]
fn the_same_scenario_and_seed_give_the_same_bytes_on_any_number_of_threads() {
    for scenario in ["flaky-network", "many-consumers"] {
        let once = results(&[scenario, "--set", "duration=30m"]).1;
        for threads in ["1", "2", "5"] {
            assert!(once == results(&[scenario, "--set", "duration=30m", "--threads", threads]).1, "{scenario}");
        }
        let other = results(&[scenario, "--set", "duration=30m", "--seed", "99"]).1;
        assert!(once.iter().zip(&other).all(|(a, b)| a != b), "another seed changes every file");
    }
}

#[test]
fn polls_that_find_nothing_may_be_played_or_left_out() {
    for scenario in ["rare-events", "hybrid", "conditional"] {
        let arguments = [scenario, "--set", "duration=2d"];
        assert!(results(&arguments).1 == results(&[&arguments[..], &["--no-leap"]].concat()).1, "{scenario}");
    }
}

#[test]
fn adding_a_client_changes_no_other_rows() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(scenarios().join("flaky-network.toml")).unwrap();
    let more = folder.path().join("flaky-network.toml");
    fs::write(&more, text.clone() + "\n[[client]]\nname = \"another\"\n[client.pull]\nevery = \"3s\"\n").unwrap();
    let few = results(&[scenarios().join("flaky-network.toml").to_str().unwrap()]).1;
    let many = results(&[more.to_str().unwrap()]).1;
    let (few, many) = (rows(&few[0]), rows(&many[0]));
    assert_eq!((few.len(), many.len()), (2, 3));
    for (a, b) in few.iter().zip(&many) {
        // The fingerprint of the scenario is another one; everything else is the same.
        let without_hash = |row: &csv::StringRecord| {
            row.iter().enumerate().filter(|(i, _)| *i != 3).map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(without_hash(a), without_hash(b));
    }
}

#[test]
fn standard_output_is_clean_data() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let csv = pushpull(&["run", "hybrid", "--format", "csv", "--out", out]);
    assert_eq!(csv.stdout, fs::read(folder.path().join("summary.csv")).unwrap());
    let parsed = rows(&csv.stdout);
    assert_eq!(parsed.len(), 2);
    assert!(!stdout(&csv).contains("NaN") && !stdout(&csv).contains('\r'));
    let json = pushpull(&["run", "hybrid", "--format", "json", "--out", out, "--quiet"]);
    assert_eq!(json.stdout, fs::read(folder.path().join("run.json")).unwrap());
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["scenario"]["name"], "hybrid");
    assert_eq!(stderr(&json), "", "--quiet says nothing");
    // Without a terminal there is no progress bar and no colour on either stream.
    for output in [&csv, &pushpull(&["run", "hybrid", "--out", out])] {
        assert!(!stdout(output).contains('\x1b') && !stderr(output).contains('\x1b'));
        assert_eq!(stderr(output).lines().count(), 1, "{}", stderr(output));
    }
}

#[test]
fn every_row_of_summary_holds_both_identities() {
    let header_and_rows = |scenario: &str| {
        let files = results(&[scenario]).1;
        let header = csv::Reader::from_reader(&files[0][..]).headers().unwrap().clone();
        (header, rows(&files[0]))
    };
    for scenario in ["rare-events", "busy-feed", "flaky-network", "many-consumers", "hybrid"] {
        let (header, rows) = header_and_rows(scenario);
        for row in rows {
            let count = |name: &str| {
                let index = header.iter().position(|column| column == name).unwrap();
                row[index].parse::<u64>().unwrap()
            };
            assert_eq!(count("events"), count("delivered") + count("pending") + count("lost"), "{scenario}");
            let outcomes = ["useful", "empty", "not_modified", "duplicate", "throttled", "failed"];
            assert_eq!(count("requests"), outcomes.into_iter().map(count).sum::<u64>(), "{scenario}");
            assert_eq!(count("wasted"), count("requests") - count("useful"), "{scenario}");
        }
    }
}

#[test]
fn theory_holds_in_the_scenarios_that_come_along() {
    let mut checked = 0;
    for scenario in ["rare-events", "busy-feed", "flaky-network", "many-consumers"] {
        for row in rows(&results(&[scenario]).1[2]) {
            assert_ne!(&row[6], "false", "{scenario}: {row:?}");
            checked += usize::from(&row[6] == "true");
        }
    }
    assert!(checked >= 25, "only {checked} predictions were held against anything");
}

#[test]
fn the_table_fits_eighty_columns_and_reads_well() {
    for scenario in ["rare-events", "busy-feed", "flaky-network", "many-consumers", "hybrid"] {
        let folder = tempfile::tempdir().unwrap();
        let output = pushpull(&["run", scenario, "--out", folder.path().to_str().unwrap()]);
        for line in stdout(&output).lines() {
            assert!(line.chars().count() <= 80, "{scenario}: {line}");
            assert_eq!(line, line.trim_end(), "{scenario}");
        }
        insta::assert_snapshot!(scenario, stdout(&output));
    }
}

#[test]
fn check_prints_a_scenario_file_again_with_what_to_expect() {
    let output = pushpull(&["check", "scenarios/quickstart.toml", "--set", "events.rate=4/s"]);
    insta::assert_snapshot!("check", stdout(&output));
    let folder = tempfile::tempdir().unwrap();
    let again = folder.path().join("quickstart.toml");
    fs::write(&again, &output.stdout).unwrap();
    assert_eq!(pushpull(&["check", again.to_str().unwrap()]).stdout, output.stdout);
}

/// Everything that a webhook provider can do, and all that can go wrong.
const WEBHOOKS: &str = r#"
[events]
rate = "1/s"
[provider]
preset = "stripe"
[[client]]
name = "everything"
[client.push]
payload = "thin"
batch = { max = 100, wait = "5s", size = "64 KiB" }
order = "fifo"
rate_limit = "10/s"
disable_after = "3d"
disable = { failures = 12, enable_after = "1d", events = "keep" }
breaker = {}
redeliver = {}
[[client]]
name = "little"
[client.push]
signature = "none"
retry = { delays = ["1s"], jitter = "full", retry_after_max = "0s" }
[[fault]]
kind = "receiver-down"
at = "20m"
for = "5m"
connections = "drop"
[[fault]]
kind = "receiver-errors"
client = "little"
at = "10m"
for = "1m"
share = 0.25
retry_after = "30s"
[[fault]]
kind = "receiver-slow"
client = "little"
at = "5m"
for = "30s"
factor = 10
[[fault]]
kind = "forged-webhooks"
at = "30m"
rate = "1/s"
mix = { unsigned = 1, replayed = 1, stale = 1, tampered = 1, oversized = 1 }
[[fault]]
kind = "provider-down"
at = "40m"
for = "5m"
consumers = 0.5
[[fault]]
kind = "network-loss"
client = "little"
at = "41m"
for = "20m"
loss = 0.05
[[fault]]
kind = "network-slow"
client = "little"
at = "42m"
for = "1m"
factor = 10
"#;

#[test]
fn check_says_what_webhooks_do_in_lines_that_fit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.toml");
    fs::write(&file, WEBHOOKS).unwrap();
    let output = pushpull(&["check", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let comments: Vec<_> = stdout(&output).lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect();
    assert!(comments.iter().all(|line| line.chars().count() <= 80), "{comments:#?}");
    insta::assert_snapshot!("check_webhooks", comments.join("\n"));
}

#[test]
fn what_cannot_keep_up_is_flagged_and_its_mean_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    // Ten events a second for one worker that takes 200 ms each: twice what it can take.
    let overload =
        ["--set", "client.webhook.receiver.workers=1", "--set", "client.webhook.receiver.service_time=200ms"];
    let checked = stdout(&pushpull(&[&["check", "busy-feed"], &overload[..]].concat()));
    assert!(checked.contains("# Overloaded: webhook: the receiver's work needs 200 %"), "{checked}");
    let table = stdout(&pushpull(&[&["run", "busy-feed", "--out", out], &overload[..]].concat()));
    let mean = table.lines().find(|line| line.starts_with("Latency")).unwrap();
    assert!(mean.ends_with("no limit *"), "{mean}");
    assert!(table.contains("* \"webhook\" is overloaded") && !table.contains("hears of an event"), "{table}");
    let theory = rows(&fs::read(folder.path().join("theory.csv")).unwrap());
    assert!(theory.iter().all(|row| &row[0] != "webhook"), "no closed form is held against what does not converge");
}

#[test]
fn a_retry_storm_is_flagged_although_nothing_foretold_it() {
    let folder = tempfile::tempdir().unwrap();
    // Seven tenths of what one worker can take, but it takes longer than the sender waits, and each retry is work again.
    let storm = [
        ("receiver.workers", "1"),
        ("receiver.service_time", "70ms"),
        ("receiver.dedupe", "false"),
        ("receiver.queue", "1000"),
        ("push.timeout", "200ms"),
        ("push.retry", "{ base = \"100ms\", factor = 1, max = 20 }"),
    ];
    let sets = storm.map(|(key, value)| format!("--set=client.webhook.{key}={value}"));
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    assert!(!stdout(&pushpull(&[&["check", "busy-feed"], &sets[..]].concat())).contains("Overloaded"));
    let out = folder.path().to_str().unwrap();
    let table = stdout(&pushpull(&[&["run", "busy-feed", "--out", out], &sets[..]].concat()));
    assert!(table.contains("no limit *") && table.contains("and that was not"), "{table}");
}

#[test]
fn bad_input_names_its_place_and_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    fs::write(&file, "[events]\nrate = \"1/s\"\n[[client]]\nname = \"a\"\n[client.pull]\nevrey = \"10s\"\n").unwrap();
    for verb in ["run", "check"] {
        let output = pushpull(&[verb, file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(stdout(&output), "");
        let message = stderr(&output);
        assert!(message.contains("bad.toml:6:1") && message.contains("`every`"), "{message}");
    }
    for arguments in [
        &["run", "no-such-file.toml"][..],
        &["run", "quickstart", "--set", "events.rate=often"],
        &["run", "quickstart", "--set", "nonsense"],
        &["run"],
        &["run", "quickstart", "--engine", "dream"],
        &["run", "hybrid", "--engine", "live", "--receiver-port", "9", "--set", "duration=1s"],
        &["fly"],
    ] {
        let output = pushpull(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).is_empty() && stdout(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_written_exits_1_and_leaves_earlier_results_alone() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let out = results.to_str().unwrap();
    assert!(pushpull(&["run", "hybrid", "--out", out]).status.success());
    let before = fs::read(results.join("summary.csv")).unwrap();
    fs::remove_file(results.join("run.json")).unwrap();
    fs::create_dir(results.join("run.json")).unwrap();
    let output = pushpull(&["run", "hybrid", "--seed", "5", "--out", out]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("run.json"), "{}", stderr(&output));
    assert_eq!(fs::read(results.join("summary.csv")).unwrap(), before);
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let output = pushpull(&["run", "hybrid", "--out", blocked.join("x").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn a_port_in_use_exits_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--api-port", "--receiver-port"] {
        let folder = tempfile::tempdir().unwrap();
        let output = pushpull(&["run", "quickstart", flag, &port, "--out", folder.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("127.0.0.1:{port}")), "{}", stderr(&output));
    }
}

#[test]
fn a_reader_who_stops_reading_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        command(&["run", "many-consumers", "--format", "json", "--out", folder.path().to_str().unwrap(), "--quiet"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..600 {
        if happened() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not happen within 30 s");
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(status.success());
}

#[test]
fn an_interrupted_live_run_keeps_what_there_is_and_leaves_nothing_listening() {
    let folder = tempfile::tempdir().unwrap();
    let (api, receiver) = (free_port(), free_port());
    let (api_text, receiver_text) = (api.to_string(), receiver.to_string());
    let out = folder.path().to_str().unwrap().to_owned();
    let child = command(&["run", "quickstart", "--set", "duration=10m", "--out", &out, "--api-port", &api_text])
        .args(["--receiver-port", &receiver_text])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("listening", || TcpStream::connect(("127.0.0.1", api)).is_ok());
    // The API answers strangers with a refusal, in the middle of the run.
    let mut stranger = TcpStream::connect(("127.0.0.1", api)).unwrap();
    stranger.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stranger.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    std::thread::sleep(Duration::from_secs(3));
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stdout(&output).contains("stopped early"), "{}", stdout(&output));
    for port in [api, receiver] {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "port {port} still answers");
    }
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    assert_eq!(document["partial"], true);
    for client in document["engines"][0]["clients"].as_array().unwrap() {
        let measured = client["measured_s"].as_f64().unwrap();
        assert!(measured > 0.5 && measured < 60.0, "{measured}");
        assert!(client["requests"].as_u64().unwrap() > 0);
    }
}

#[test]
fn a_machine_that_does_not_keep_the_schedule_exits_3() {
    let folder = tempfile::tempdir().unwrap();
    let api = free_port();
    let child = command(&["run", "quickstart", "--set", "duration=6s", "--out", folder.path().to_str().unwrap()])
        .args(["--api-port", &api.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("listening", || TcpStream::connect(("127.0.0.1", api)).is_ok());
    // Held for two seconds in the middle, it does a third of everything up to two seconds late.
    std::thread::sleep(Duration::from_millis(1_500));
    signal(&child, "STOP");
    std::thread::sleep(Duration::from_secs(2));
    signal(&child, "CONT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("did not keep the schedule"), "{}", stderr(&output));
    assert!(folder.path().join("summary.csv").exists(), "the results are there all the same");
}

#[test]
fn an_interrupted_virtual_run_keeps_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap().to_owned();
    let child = command(&["run", "quickstart", "--engine", "sim", "--set", "duration=2500d", "--out", &out])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(rows(&fs::read(folder.path().join("summary.csv")).unwrap()).len() == 2);
}

#[test]
fn both_engines_agree_on_a_scenario_of_twenty_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    // Slower than the quickstart, so that a busy machine has time enough to keep the schedule.
    let slower = ["--set", "events.rate=1/s", "--set", "client.poll every 200 ms.pull.every=1s"];
    let output = pushpull(
        &[&["run", "quickstart", "--engine", "both", "--set", "duration=20s", "--out", out], &slower[..]].concat(),
    );
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("The engines agree on all 14 figures."), "{}", stdout(&output));
    let summary = rows(&fs::read(folder.path().join("summary.csv")).unwrap());
    assert_eq!(summary.len(), 4, "two engines, two clients");
}

#[test]
fn built_in_scenarios_are_listed_and_written_but_never_over_others() {
    insta::assert_snapshot!("scenarios", stdout(&pushpull(&["scenarios"])));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("mine");
    let target = target.to_str().unwrap();
    assert!(pushpull(&["init", target]).status.success());
    let written = fs::read(Path::new(target).join("quickstart.toml")).unwrap();
    assert_eq!(written, fs::read(scenarios().join("quickstart.toml")).unwrap());
    fs::write(Path::new(target).join("quickstart.toml"), "mine").unwrap();
    let refused = pushpull(&["init", target]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(fs::read(Path::new(target).join("quickstart.toml")).unwrap(), b"mine");
    assert!(pushpull(&["init", target, "--force"]).status.success());
}

#[test]
fn the_schema_is_json() {
    let document: serde_json::Value = serde_json::from_slice(&pushpull(&["schema"]).stdout).unwrap();
    assert_eq!(document["additionalProperties"], false);
}
