//! The page that results leave: every number is that of its cell, it is the same when it is made anew, and whatever names
//! hold stays text.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod report_support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use pushpull::report::page::{self, Beside, Saved};
use report_support::{Element, check_numbers, check_structure, check_tables, parse};
use tempfile::TempDir;

fn pushpull(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").stdin(Stdio::null());
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The results of a command in a folder of their own.
fn results(arguments: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = pushpull(&[arguments, &["--quiet", "--out", folder.path().to_str().unwrap()]].concat());
    // A busy machine keeps no schedule, but what it saw is told all the same.
    assert!(matches!(output.status.code(), Some(0 | 3 | 99)), "{}", stderr(&output));
    folder
}

fn page_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.html")).unwrap()
}

/// Whether the links lead to files that are there, and to all of them.
fn check_links(page: &Element, folder: &Path) {
    let links: Vec<_> =
        page.all("a").into_iter().map(|link| link.get("href")).filter(|to| !to.starts_with('#')).collect();
    assert!(links.iter().all(|link| folder.join(link).is_file()), "{links:?}");
    let left_out = ["report.html"];
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(left_out.contains(&name.as_str()) || links.contains(&name.as_str()), "no link to {name}");
    }
}

/// Everything that holds of every page; gives back how many numbers it has.
fn check(folder: &TempDir) -> usize {
    let text = page_of(folder.path());
    let page = parse(&text);
    check_structure(&page);
    check_tables(&page);
    check_links(&page, folder.path());
    let count = check_numbers(&page, folder.path());
    // Made anew from what is saved, it is the same to the last byte.
    fs::remove_file(folder.path().join("report.html")).unwrap();
    let again = pushpull(&["report", folder.path().to_str().unwrap()]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(page_of(folder.path()) == text, "the page is another one when it is made anew");
    count
}

#[test]
fn every_number_of_a_live_run_is_that_of_its_cell() {
    let short = ["--set", "duration=3s", "--set", "warmup=500ms", "--set", "drain=1s"];
    let count = check(&results(&[&["run", "quickstart"][..], &short].concat()));
    assert!(count > 300, "only {count} numbers");
}

#[test]
fn every_number_of_a_run_with_faults_is_that_of_its_cell() {
    for scenario in ["stripe-outage", "retry-storm", "forged", "order-status"] {
        let count = check(&results(&["run", scenario]));
        assert!(count > 300, "only {count} numbers in {scenario}");
    }
}

#[test]
fn every_number_of_replications_is_that_of_its_cell() {
    let count = check(&results(&["run", "flaky-network", "--replications", "3", "--set", "duration=10m"]));
    assert!(count > 300, "only {count} numbers");
}

#[test]
fn every_number_of_both_engines_is_that_of_its_cell() {
    let short = ["--set", "duration=3s", "--set", "warmup=500ms", "--set", "drain=1s"];
    let folder =
        results(&[&["run", "quickstart", "--engine", "both", "--threshold", "latency_p95 < 1ms"][..], &short].concat());
    assert!(page_of(folder.path()).contains("Do the engines agree?"));
    check(&folder);
}

#[test]
fn every_number_of_a_run_with_prices_is_that_of_its_cell() {
    let folder = results(&["run", "budget", "--set", "events.rate=1/s", "--set", "duration=1h"]);
    let text = page_of(folder.path());
    assert!(text.contains("cost_per_million_events") && text.contains("✗ missed"));
    check(&folder);
}

#[test]
fn every_number_of_a_sweep_is_that_of_its_cell() {
    let map = results(&["sweep", "crossover-sweep", "--set", "duration=10m"]);
    assert!(page_of(map.path()).contains("The map"));
    check(&map);
    let vary = ["--vary", "events.rate=0.01/s,0.1/s,1/s", "--replications", "3", "--set", "duration=20m"];
    let lines = results(&[&["sweep", "budget"][..], &vary].concat());
    let text = page_of(lines.path());
    assert!(text.contains("Along events.rate") && text.contains("ci_low"));
    check(&lines);
    let words = results(&["sweep", "budget", "--vary", "events.arrivals=poisson,constant", "--set", "duration=20m"]);
    assert!(!page_of(words.path()).contains("Along events.arrivals"), "words have no axis");
    check(&words);
}

#[test]
fn shards_put_together_leave_the_page_of_the_whole() {
    let whole = results(&["sweep", "crossover-sweep", "--set", "duration=5m"]);
    let parts = tempfile::tempdir().unwrap();
    for shard in ["1/2", "2/2"] {
        let out = parts.path().to_str().unwrap();
        let arguments = ["sweep", "crossover-sweep", "--set", "duration=5m", "--shard", shard, "--quiet", "--out", out];
        assert!(pushpull(&arguments).status.success());
        assert!(!parts.path().join("report.html").exists(), "a shard has nothing to show");
    }
    let merged = tempfile::tempdir().unwrap();
    let arguments = ["merge", parts.path().to_str().unwrap(), "--quiet", "--out", merged.path().to_str().unwrap()];
    assert!(pushpull(&arguments).status.success());
    assert!(page_of(merged.path()) == page_of(whole.path()));
}

#[test]
fn the_page_goes_where_it_is_told_and_leads_back() {
    let folder = results(&["run", "budget", "--set", "duration=1h"]);
    let elsewhere = folder.path().join("pages/budget.html");
    let arguments = ["report", folder.path().to_str().unwrap(), "--out", elsewhere.to_str().unwrap(), "--quiet"];
    let output = pushpull(&arguments);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    let text = fs::read_to_string(&elsewhere).unwrap();
    assert_eq!(text.replace("href=\"../", "href=\""), page_of(folder.path()));
    assert!(elsewhere.parent().unwrap().join("../summary.csv").is_file());
    // What is not there is not led to.
    fs::remove_file(folder.path().join("timeseries.csv")).unwrap();
    assert!(pushpull(&["report", folder.path().to_str().unwrap()]).status.success());
    let text = page_of(folder.path());
    assert!(!text.contains("href=\"timeseries.csv\"") && text.contains("href=\"summary.csv\""));
}

#[test]
fn what_cannot_be_shown_is_told_in_a_sentence() {
    let folder = results(&["run", "budget", "--set", "duration=1h"]);
    let saved = fs::read_to_string(folder.path().join("run.json")).unwrap();
    let path = folder.path().to_str().unwrap();
    let refused = |content: &str, expected: &str| {
        fs::write(folder.path().join("run.json"), content).unwrap();
        let output = pushpull(&["report", path]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let text = stderr(&output);
        assert!(text.contains("run.json") && text.contains(expected), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    };
    let before = page_of(folder.path());
    refused(&saved[..saved.len() / 2], "it is damaged: EOF");
    refused("", "it is damaged");
    refused("{\"name\": \"something else\"}", "it was not written by `pushpull run`");
    refused("[1, 2, 3]", "it was not written by `pushpull run`");
    refused(
        &saved.replacen("\"schema\": 1", "\"schema\": 2", 1),
        "its format is version 2, and this pushpull knows versions up to 1",
    );
    refused(&saved.replacen("\"latency_histogram\"", "\"other\"", 1), "missing field `latency_histogram`");
    assert!(page_of(folder.path()) == before, "the page that was there is still there");
    fs::remove_file(folder.path().join("run.json")).unwrap();
    let output = pushpull(&["report", path]);
    assert!(stderr(&output).contains("holds neither run.json nor sweep.json") && output.status.code() == Some(2));
    let output = pushpull(&["report", "there/is/no/such/folder"]);
    assert!(stderr(&output).contains("there is no folder") && output.status.code() == Some(2));
}

#[test]
fn a_folder_never_shows_two_results() {
    let folder = results(&["run", "budget", "--set", "duration=1h"]);
    let out = folder.path().to_str().unwrap();
    let sweep =
        ["sweep", "budget", "--vary", "events.rate=0.1/s,1/s", "--set", "duration=10m", "--quiet", "--out", out];
    assert!(matches!(pushpull(&sweep).status.code(), Some(0 | 99)));
    assert!(page_of(folder.path()).contains("A sweep of pushpull"));
    assert!(matches!(
        pushpull(&["run", "budget", "--set", "duration=1h", "--quiet", "--out", out]).status.code(),
        Some(0 | 99)
    ));
    let page = page_of(folder.path());
    assert!(page.contains("A run of pushpull"));
    assert!(pushpull(&["report", out]).status.success());
    assert!(page_of(folder.path()) == page);
}

#[test]
fn the_words_of_a_page() {
    let folder = results(&["run", "budget", "--set", "duration=30m", "--set", "events.rate=4/min"]);
    let page = parse(&page_of(folder.path()));
    let mut lines = Vec::new();
    for part in ["header", "main", "footer"] {
        page.all(part)[0].walk(&mut Vec::new(), &mut |element, around| {
            let is_within = |name: &str| around.iter().any(|other| other.name == name);
            if is_within("svg") || is_within("details") || is_within("tr") {
                return;
            }
            let text = match element.name.as_str() {
                "tr" => element
                    .children
                    .iter()
                    .map(|cell| match cell {
                        report_support::Node::Element(cell) => cell.text(),
                        report_support::Node::Text(text) => text.clone(),
                    })
                    .collect::<Vec<_>>()
                    .join(" | "),
                "h1" | "h2" | "h3" | "p" | "li" | "caption" | "summary" | "pre" => element.text(),
                _ => return,
            };
            let text = if text.contains("sha256") { String::new() } else { text };
            lines.push(format!("{}: {}", element.name, text.trim()));
        });
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// A run that names can be put into.
fn saved() -> serde_json::Value {
    let folder = results(&["run", "stripe-outage", "--set", "duration=4h", "--threshold", "lost == 0"]);
    serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap()
}

/// The same document with other names for whatever has one.
fn renamed(value: &mut serde_json::Value, name: &str) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    serde_json::Value::String(text)
                        if [
                            "client", "baseline", "title", "name", "text", "expect", "sentence", "what", "kind",
                            "sha256",
                        ]
                        .contains(&key.as_str()) =>
                    {
                        name.clone_into(text);
                    }
                    serde_json::Value::Array(values) if key == "verdict" => {
                        values.iter_mut().for_each(|value| *value = name.into());
                    }
                    value => renamed(value, name),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| renamed(value, name)),
        _ => {}
    }
}

/// The elements that pages and charts are made of.
const KNOWN: [&str; 51] = [
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "a",
    "header",
    "p",
    "span",
    "h1",
    "ul",
    "li",
    "nav",
    "main",
    "section",
    "h2",
    "h3",
    "div",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "data",
    "code",
    "strong",
    "figure",
    "figcaption",
    "svg",
    "desc",
    "g",
    "path",
    "rect",
    "circle",
    "line",
    "text",
    "tspan",
    "defs",
    "pattern",
    "details",
    "summary",
    "pre",
    "dl",
    "dt",
    "dd",
    "footer",
    "ol",
];

/// The page of a run whose names are all this one is made of known elements alone, and shows it.
fn check_name(saved: &serde_json::Value, name: &str) {
    let mut document = saved.clone();
    renamed(&mut document, name);
    let saved = Saved::read(&serde_json::to_vec(&document).unwrap()).unwrap();
    let text = String::from_utf8(page::run(&saved, &Beside { way: "", is_there: &|_| true })).unwrap();
    let page = parse(&text);
    check_structure(&page);
    assert!(page.all("h1")[0].text() == name, "{name:?}");
    assert!(page.all("th").iter().any(|cell| cell.text().starts_with(name)), "{name:?}");
    page.walk(&mut Vec::new(), &mut |element, _| assert!(KNOWN.contains(&element.name.as_str()), "{}", element.name));
}

#[test]
fn whatever_names_hold_stays_text() {
    let saved = saved();
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style></title><b>&amp;&lt;",
        "javascript:alert(1)",
        "&#60;script&#62;",
    ] {
        check_name(&saved, name);
    }
    let config = ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() };
    proptest!(config, |(name in "[ -~äß漢]{1,60}")| check_name(&saved, &name));
}
