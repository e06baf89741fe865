//! What clients cost: the sums, and where they stand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use pushpull::engine::{Control, sim};
use pushpull::measure::prices::{Costs, Prices, Sides};
use pushpull::measure::summary::Summary;
use pushpull::scenario::Scenario;

const SCENARIO: &str = r#"
duration = "1h"
[events]
rate = "1/m"
payload = "1 KiB"
[[client]]
name = "poll"
[client.pull]
every = "10s"
[[client]]
name = "webhook"
[client.push]
"#;

const PRICES: &str = r#"
[prices]
requests = { provider = 0.4, consumer = 0.25, per = "1k" }
egress_per_gib = 1000
cpu_hour = { provider = 0.04, consumer = 0.05 }
currency = "EUR"
"#;

fn summaries() -> Vec<Summary> {
    let scenario = Scenario::parse(SCENARIO, "demo.toml", Path::new("."), &[]).unwrap();
    let runs = sim::run(&scenario.setup, &Control::default());
    pushpull::evaluation::summarise(&scenario.setup, runs).unwrap()
}

fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() <= 1e-9 * expected.abs())
}

#[test]
fn costs_are_what_was_counted_times_its_price() {
    let both = |provider, consumer| Sides { provider, consumer };
    let mut prices = Prices {
        requests: both(Some(0.4), Some(0.25)),
        per: 1_000,
        egress_per_gib: Some(1_000.0),
        cpu_hour: both(Some(36.0), Some(72.0)),
        currency: None,
    };
    for mut summary in summaries() {
        let costs = Costs::of(&prices, &summary);
        let requests = summary.requests() as f64;
        assert!(near(costs.requests_provider, 0.4 * requests / 1e3));
        assert!(near(costs.requests_consumer, 0.25 * requests / 1e3));
        // Each side pays for what it sends.
        let sent = (summary.provider.bytes_out + summary.consumer.bytes_out) as f64;
        assert!(near(costs.egress, 1_000.0 * sent / 1_073_741_824.0));
        assert_eq!(costs.cpu, None, "in virtual time nobody computes");
        let total = 0.65 * requests / 1e3 + 1_000.0 * sent / 1_073_741_824.0;
        assert!(near(costs.total, total) && near(costs.per_million_events, total / summary.events as f64 * 1e6));
        (summary.provider.cpu_s, summary.consumer.cpu_s) = (Some(10.0), Some(5.0));
        let with_cpu = Costs::of(&prices, &summary);
        assert!(near(with_cpu.cpu, 0.1 + 0.1) && near(with_cpu.total, total + 0.2));
        summary.events = 0;
        assert_eq!(Costs::of(&prices, &summary).per_million_events, None);
    }
    prices.requests = Sides::default();
    prices.egress_per_gib = None;
    prices.cpu_hour = Sides::default();
    let nothing = Costs::of(&prices, &summaries()[0]);
    assert_eq!((nothing.total, nothing.egress, nothing.requests_provider), (None, None, None), "not zero");
}

/// What a run prints, and its `summary.csv`.
fn run(scenario: &str) -> (String, csv::StringRecord, Vec<csv::StringRecord>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("demo.toml"), scenario).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    let output = command.args(["run", "demo.toml", "--out", "out"]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = csv::Reader::from_path(folder.path().join("out/summary.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().map(Result::unwrap).collect();
    (String::from_utf8(output.stdout).unwrap(), header, rows)
}

#[test]
fn a_reader_of_the_file_comes_to_the_same_sums() {
    let (_, header, rows) = run(&format!("{SCENARIO}{PRICES}"));
    assert_eq!(rows.len(), 2);
    for row in rows {
        let number =
            |name: &str| -> f64 { row[header.iter().position(|other| other == name).unwrap()].parse().unwrap() };
        let requests = number("requests");
        assert!(near(Some(number("cost_requests_provider")), 0.4 * requests / 1e3));
        assert!(near(Some(number("cost_requests_consumer")), 0.25 * requests / 1e3));
        let sent = number("provider_bytes_out") + number("consumer_bytes_out");
        assert!((number("cost_egress") - sent / 1_073_741.824).abs() < 1e-8);
        let parts = ["cost_requests_provider", "cost_requests_consumer", "cost_egress"];
        assert!((number("cost_total") - parts.into_iter().map(number).sum::<f64>()).abs() < 1e-8);
    }
}

#[test]
fn costs_stand_in_the_table_only_where_there_are_prices() {
    let (priced, ..) = run(&format!("{SCENARIO}{PRICES}"));
    let part: String =
        priced.split("\nCost ").nth(1).unwrap().lines().take(5).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(part);
    // Five lines, and no CPU time in virtual time.
    assert!(!priced.contains("CPU time"));
    let sentence = priced.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(sentence.contains("\"webhook\" costs") && sentence.contains("EUR a million events, \"poll\""), "{priced}");
    let (plain, header, rows) = run(SCENARIO);
    assert!(!plain.contains("Cost") && !plain.contains("a million events"));
    let costs = header.iter().enumerate().filter(|(_, name)| name.starts_with("cost_"));
    let empty = costs.map(|(index, _)| assert!(rows.iter().all(|row| row[index].is_empty()))).count();
    assert_eq!(empty, 6);
}
