//! Crowds: how much memory they take, that they can be called off, and how many ask at once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the expected values are worked out here, not simulated")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use common::*;
use pushpull::measure::summary::Summary;
use pushpull::policy::poller::{Jitter, Phase, PollPolicy};
use pushpull::time::Span;
use pushpull::workload::Arrivals;

/// What a consumer may take at most, in bytes, so that a million take less than 4 GiB.
const BYTES_EACH: u64 = (4 << 30) / 1_000_000;

const COUPLED: &str = r#"
schema = 1
title = "A crowd"
duration = "2m"
drain = "1m"

[events]
rate = "1/h"

[network]
latency = "1ms"

# So little that it is used up now and then: all have to be played together.
[provider.api]
workers = 1
service_time = "50us"

[provider.dispatch]
concurrency = 2

[[client]]
name = "poll"
[client.pull]
every = "1m"

[[client]]
name = "webhook"
[client.push]
"#;

/// Starts to run a file of so many consumers.
fn start(folder: &Path, consumers: u32, more: &[&str]) -> Child {
    let file = folder.join("crowd.toml");
    fs::write(&file, COUPLED).unwrap();
    let (consumers, out) = (format!("consumers={consumers}"), folder.join("out"));
    Command::new(env!("CARGO_BIN_EXE_pushpull"))
        .arg("run")
        .arg(&file)
        .args(["--threads", "2", "--set", &consumers, "--out"])
        .arg(out)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The most memory in bytes that a process has had so far; none once it is over.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(target_os = "linux")]
#[test]
fn a_million_consumers_that_share_something_would_fit_into_four_gibibytes() {
    let folder = tempfile::tempdir().unwrap();
    let consumers = 200_000;
    let mut child = start(folder.path(), consumers, &[]);
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_memory(&child).unwrap_or(0));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(status.success(), "{status}");
    let each = peak / u64::from(consumers);
    assert!((200..BYTES_EACH).contains(&each), "{each} bytes for each consumer");
}

/// Calls a run off as soon as it has taken more memory than this. Gives back its output and the most that it ever took.
fn call_off(child: Child, at: u64) -> (Output, u64) {
    while peak_memory(&child).is_some_and(|bytes| bytes < at) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut peak = 0;
    while let Some(bytes) = peak_memory(&child) {
        peak = peak.max(bytes);
        std::thread::sleep(Duration::from_millis(1));
    }
    (child.wait_with_output().unwrap(), peak)
}

#[cfg(target_os = "linux")]
#[test]
fn a_crowd_can_be_called_off_before_all_have_come() {
    let folder = tempfile::tempdir().unwrap();
    // By then some consumers have been set up, and far from all.
    let (output, peak) = call_off(start(folder.path(), 1_000_000, &[]), 150 << 20);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("stopped before anything was measured"), "{said}");
    assert!(peak < 700 << 20, "{peak} bytes: the rest was not set up");
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_played_before_a_crowd_was_called_off_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    // The consumers with webhooks share nothing: they are played first, one by one, and take next to no memory.
    let child = start(folder.path(), 400_000, &["--set", "provider.dispatch.concurrency=unlimited"]);
    let (output, _) = call_off(child, 150 << 20);
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = fs::read(folder.path().join("out").join("summary.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(summary.as_slice());
    let column = rows.headers().unwrap().iter().position(|name| name == "events").unwrap();
    let events: Vec<u64> = rows.records().map(|row| row.unwrap()[column].parse().unwrap()).collect();
    assert!(events.len() == 2 && events[0] == 0 && events[1] > 0, "{events:?}");
}

/// The busiest second at System B of so many consumers, none of whom anything happens to, over so many intervals.
fn peak(consumers: u32, every: u64, intervals: u64, phase: Phase, jitter: Jitter) -> u32 {
    let policy = PollPolicy { phase, jitter, ..PollPolicy::new(Span::from_secs(every), Span::from_secs(1), 100) };
    let arrivals = Arrivals::Poisson { gap_nanos: 1e18 };
    let mut setup = setup(arrivals, (every * intervals) as f64, 0.0, vec![pull(policy)]);
    setup.consumers = consumers;
    let summary: Summary = run(&setup).remove(0);
    assert_eq!(summary.polls, u64::from(consumers) * intervals);
    summary.provider.rps_peak.unwrap()
}

#[test]
fn who_polls_on_the_minute_comes_with_everybody_else() {
    for (consumers, every) in [(1, 60), (777, 60), (2_000, 5)] {
        assert_eq!(peak(consumers, every, 7, Phase::Aligned, Jitter::None), consumers);
    }
}

/// A bound on the busiest of so many seconds into which `balls` fall independently, each with probability `share` into any
/// given one, that is passed once in some ten thousand runs at most: by the inequality of Bernstein, a binomial count is
/// above its mean by more than x with a probability below exp(-x^2 / (2 (variance + x / 3))), and the union over all seconds
/// has at most so many times that. With s = ln(seconds x 10 000) solved for x.
fn peak_bound(balls: u32, share: f64, seconds: u64) -> f64 {
    let mean = f64::from(balls) * share;
    let variance = mean * (1.0 - share);
    let s = (seconds as f64 * 1e4).ln();
    mean + s / 3.0 + (s * s / 9.0 + 2.0 * s * variance).sqrt()
}

#[test]
fn at_random_phases_the_busiest_second_is_near_the_mean() {
    for (consumers, every) in [(6_000, 60), (500, 10), (2_000, 600)] {
        let peak = f64::from(peak(consumers, every, 3, Phase::Random, Jitter::None));
        // Phases stay, so the seconds of one interval decide. The busiest is no less than the mean of all.
        let (mean, bound) = (f64::from(consumers) / every as f64, peak_bound(consumers, 1.0 / every as f64, every + 1));
        assert!((mean..=bound).contains(&peak), "{consumers} every {every} s: {mean} <= {peak} <= {bound}");
    }
}

#[test]
fn jitter_around_the_grid_spreads_the_crowd_over_its_share_of_the_interval() {
    let (consumers, every, intervals) = (6_000, 60, 5);
    for spread in [0.1, 0.25, 0.5, 1.0] {
        let peak = f64::from(peak(consumers, every, intervals, Phase::Aligned, Jitter::Grid(spread)));
        let seconds = spread * every as f64;
        let mean = f64::from(consumers) / seconds;
        // Each interval has draws of its own. A message takes a constant time, which may lie across two seconds.
        let bound = peak_bound(consumers, 1.0 / seconds, (every + 1) * intervals);
        assert!((mean..=bound).contains(&peak), "spread {spread}: {mean} <= {peak} <= {bound}");
    }
}

/// What `check` says, on one line.
fn checked(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    let output = command.arg("check").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| *word != "#").collect::<Vec<_>>().join(" ")
}

#[test]
fn check_says_how_many_come_at_once() {
    let together = "at the same instants: 1,000 requests within one second";
    let text = checked(&["many-consumers"]);
    assert_eq!(text.matches(together).count(), 1, "only who polls on the minute: {text}");
    let text = checked(&["many-consumers", "--set", "client.poll on the minute.pull.every=300ms"]);
    assert!(text.contains("at the same instants: 4,000 requests within one second"), "{text}");
    let text = checked(&["thundering-herd"]);
    for spread in ["within 6 s of the same instants: about 500 requests", "within 60 s of the same instants: about 50 "]
    {
        assert!(text.contains(spread), "{text}");
    }
    for alone in ["consumers=1", "client.poll on the minute.pull.timing=fixed-delay"] {
        assert!(!checked(&["many-consumers", "--set", alone]).contains("same instants"), "{alone}");
    }
}
