//! What results have to fulfil: expressions that are read, values that are judged, and what the program says of a miss.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use pushpull::evaluation::estimate::estimate;
use pushpull::evaluation::outcome::{ClientOutcome, Outcome};
use pushpull::evaluation::threshold::{idle_engines, judge};
use pushpull::measure::dimension::Dimension;
use pushpull::measure::judgement::{Comparison, Judgement};
use pushpull::report::columns::{Cell, MEASURES};
use pushpull::scenario::threshold::{ClientColumn, Constant, Expectation, Expression, Operator, Threshold};

const CLIENTS: &[&str] = &["webhook", "poll", "poll every 10 s", "a.b", "3 * poll", "requests", "12 h poll", "(a) + ö"];

fn parse(text: &str) -> Expectation {
    Expectation::parse(text, CLIENTS).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn columns(text: &str) -> Vec<(Option<String>, &'static str)> {
    parse(text).columns().into_iter().map(|column| (column.client.clone(), column.column)).collect()
}

#[test]
fn names_stand_bare_or_in_quotes_whatever_they_hold() {
    let cases = [
        ("webhook.latency_p95 < 2s", Some("webhook"), "latency_p95_ms"),
        ("poll every 10 s.latency_p95_ms<2s", Some("poll every 10 s"), "latency_p95_ms"),
        ("12 h poll.requests < 5", Some("12 h poll"), "requests"),
        ("(a) + ö.lost < 5", None, ""),
        ("\"(a) + ö\".lost < 5", Some("(a) + ö"), "lost"),
        ("a.b.wasted_ratio < 5%", Some("a.b"), "wasted_ratio"),
        ("requests.useful > 3", Some("requests"), "useful"),
        ("requests > 3", None, "requests"),
        ("staleness < 0.5", None, "staleness_ratio"),
    ];
    for (text, client, column) in cases {
        if column.is_empty() {
            // A parenthesis opens a group, so this name needs its quotes.
            assert!(Expectation::parse(text, CLIENTS).is_err(), "{text}");
            continue;
        }
        assert_eq!(columns(text), [(client.map(str::to_owned), column)], "{text}");
    }
    // The shortest reading counts: of the client "3 * poll" only what stands in quotes is meant.
    let text = "3 * poll.requests < 5";
    assert_eq!(columns(text), [(Some("poll".to_owned()), "requests")]);
    assert_eq!(columns("\"3 * poll\".requests < 5"), [(Some("3 * poll".to_owned()), "requests")]);
}

#[test]
fn the_one_form_of_a_threshold_is_the_shortest() {
    let cases = [
        ("webhook.latency_p95_ms<2s", "webhook.latency_p95 < 2s"),
        ("\"webhook\".staleness_ratio  <=  5 %", "webhook.staleness <= 5 %"),
        ("poll every 10 s.lost==0", "\"poll every 10 s\".lost == 0"),
        ("((lost)) + (pending + 1) > 2 * (requests - wasted)", "lost + (pending + 1) > 2 * (requests - wasted)"),
        ("(lost * 2) + 1 >= wasted_ratio * 3 * lost", "lost * 2 + 1 >= wasted_ratio * 3 * lost"),
    ];
    for (text, form) in cases {
        assert_eq!(parse(text).to_string(), form);
    }
}

/// The outcome of a run with these values in these columns.
fn outcome(engine: &str, clients: &[(&str, &[(&str, f64)])]) -> Outcome {
    let row = |(client, values): &(&str, &[(&str, f64)])| ClientOutcome {
        engine: engine.to_owned(),
        client: (*client).to_owned(),
        mode: "pull".to_owned(),
        cells: MEASURES
            .iter()
            .map(|column| values.iter().find(|(name, _)| *name == column.name).map(|(_, value)| *value).into())
            .collect::<Vec<Cell>>(),
    };
    let rows = clients.iter().map(row).collect();
    Outcome { seed: 1, scenario_sha256: String::new(), rows, theory: Vec::new(), transitions: 0 }
}

fn judged(text: &str, runs: &[Outcome]) -> Vec<Judgement> {
    judge(&[Threshold { expect: parse(text), engine: None }], runs)
}

#[test]
fn both_sides_come_to_what_the_columns_say() {
    let run = outcome(
        "sim",
        &[
            ("webhook", &[("latency_p95_ms", 1_500.0), ("requests_per_event", 1.0), ("wasted_ratio", 0.05)]),
            (
                "poll",
                &[
                    ("latency_p95_ms", 9_000.0),
                    ("requests_per_event", 3.0),
                    ("provider_rps_mean", 0.1),
                    ("measured_s", 600.0),
                    ("requests", 60.0),
                    ("provider_bytes_out", 2_048.0),
                ],
            ),
        ],
    );
    let cases: &[(&str, f64, f64, bool)] = &[
        ("webhook.latency_p95 < 2s", 1_500.0, 2_000.0, true),
        ("poll.latency_p95 < 2s", 9_000.0, 2_000.0, false),
        ("poll.latency_p95 - webhook.latency_p95 <= 7.5s", 7_500.0, 7_500.0, true),
        ("poll.requests_per_event <= 3 * webhook.requests_per_event", 3.0, 3.0, true),
        ("poll.requests_per_event < 3 * webhook.requests_per_event", 3.0, 3.0, false),
        ("webhook.wasted_ratio == 5%", 0.05, 0.05, true),
        ("webhook.wasted_ratio > 0.05", 0.05, 0.05, false),
        ("poll.provider_rps_mean * poll.measured == poll.requests", 60.0, 60.0, true),
        ("poll.provider_rps_mean >= 6/m", 0.1, 0.1, true),
        ("poll.provider_bytes_out != 2 KiB", 2_048.0, 2_048.0, false),
        ("poll.measured == 10m", 600_000.0, 600_000.0, true),
        ("(poll.requests + 1) * 2 - 2 > 119", 120.0, 119.0, true),
    ];
    for (text, value, limit, holds) in cases {
        let found = &judged(text, std::slice::from_ref(&run))[0];
        assert_eq!((found.value, found.limit, found.holds()), (Some(*value), Some(*limit), *holds), "{text}");
    }
}

#[test]
fn values_are_compared_as_they_are_written() {
    // In binary, three times 0.1 is a little more than 0.3, which nobody who reads the file sees.
    let run = outcome("sim", &[("webhook", &[("cost_total", 0.1)]), ("poll", &[("cost_total", 0.3)])]);
    assert!(judged("3 * webhook.cost_total == poll.cost_total", std::slice::from_ref(&run))[0].holds());
    assert!(judged("3 * webhook.cost_total <= poll.cost_total", &[run])[0].holds());
}

#[test]
fn a_bare_column_is_held_against_every_client_in_turn() {
    let run =
        outcome("sim", &[("webhook", &[("lost", 0.0), ("events", 5.0)]), ("poll", &[("lost", 2.0), ("events", 1.0)])]);
    let found = judged("lost < events", &[run]);
    let told: Vec<_> = found.iter().map(|one| (one.client.as_deref(), one.holds())).collect();
    assert_eq!(told, [(Some("webhook"), true), (Some("poll"), false)]);
}

#[test]
fn replications_stand_for_their_mean_and_none_may_be_missing() {
    let run = |p95: f64| outcome("sim", &[("webhook", &[("latency_p95_ms", p95)])]);
    let found = &judged("webhook.latency_p95 <= 2s", &[run(1_000.0), run(3_000.0), run(2_000.0)])[0];
    assert_eq!((found.value, found.holds()), (Some(2_000.0), true));
    let silent = outcome("sim", &[("webhook", &[])]);
    let cases = [
        (vec![run(1_000.0), silent.clone(), run(1_000.0)], " in 1 of 3 replications"),
        (vec![silent.clone(), silent.clone()], " in all 2 replications"),
        (vec![silent], ""),
    ];
    for (runs, where_empty) in cases {
        let found = &judged("webhook.latency_p95 <= 2s", &runs)[0];
        assert_eq!((found.value, found.holds()), (None, false), "what cannot be judged is missed");
        let expected = format!("latency_p95_ms of \"webhook\" is empty{where_empty} (");
        assert!(found.unknown.as_ref().unwrap().contains(&expected), "{:?}", found.unknown);
    }
    assert!(judged("webhook.latency_p95 <= 2s", &[]).is_empty());
}

proptest! {
    #[test]
    fn a_quotient_is_that_of_all_runs_and_the_one_that_statistics_have(
        runs in prop::collection::vec((0u32..90, 0u32..9, 0.0..1e5f64), 1..20),
    ) {
        let outcomes: Vec<_> = runs
            .iter()
            .map(|&(requests, events, latency)| {
                let mut values = vec![("requests", f64::from(requests)), ("events", f64::from(events))];
                values.push(("latency_n", f64::from(events)));
                if events > 0 {
                    values.push(("requests_per_event", f64::from(requests) / f64::from(events)));
                    values.push(("latency_mean_ms", latency));
                }
                outcome("sim", &[("webhook", &values)])
            })
            .collect();
        let events: u32 = runs.iter().map(|(_, events, _)| events).sum();
        prop_assume!(events > 0);
        let requests: u32 = runs.iter().map(|(requests, ..)| requests).sum();
        let latencies: f64 = runs.iter().map(|(_, events, latency)| f64::from(*events) * latency).sum();
        for (column, truth) in [
            ("requests_per_event", f64::from(requests) / f64::from(events)),
            ("latency_mean_ms", latencies / f64::from(events)),
        ] {
            let unit = if column.ends_with("_ms") { "0ms" } else { "0" };
            let found = judged(&format!("webhook.{column} >= {unit}"), &outcomes)[0].value.unwrap();
            prop_assert!((found - truth).abs() <= 1e-8 * truth, "{column}: {found}, not {truth}");
            let statistics = estimate(&outcomes, "sim", "webhook", column).unwrap();
            prop_assert_eq!(Cell::from(statistics.mean).rounded().value(), Some(found));
        }
    }
}

#[test]
fn a_cost_without_a_price_is_refused_before_anything_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |scenario: &str, expect: &str| {
        let output = run_in(folder.path(), scenario, &["--threshold", expect]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
        assert!(!folder.path().join("out").exists(), "nothing was played");
        text(&output.stderr)
    };
    let said = refused(SCENARIO, "poll.cost_total < 5 * webhook.cost_total");
    assert!(said.contains("`cost_total` is always empty without [prices]"), "{said}");
    let priced = format!("{SCENARIO}\n[prices]\negress_per_gib = 0.09\n");
    let said = refused(&priced, "cost_requests_consumer < 5");
    assert!(said.contains("`cost_requests_consumer` is always empty without a price for it"), "{said}");
    let said = refused(&format!("{SCENARIO}\n[[threshold]]\nexpect = \"cost_per_million_events < 5\"\n"), "lost < 9");
    assert!(said.contains("`cost_per_million_events` is always empty without [prices]"), "{said}");
    let held =
        run_in(folder.path(), &priced, &["--threshold", "cost_egress < 5000", "--threshold", "cost_total < 5000"]);
    assert_eq!(held.status.code(), Some(0), "{}", text(&held.stderr));
}

#[test]
fn each_engine_is_judged_unless_the_threshold_names_one() {
    let mut both = outcome("sim", &[("webhook", &[("lost", 0.0)])]);
    both.rows.extend(outcome("live", &[("webhook", &[("lost", 3.0)])]).rows);
    let thresholds = [None, Some("live")].map(|engine| Threshold { expect: parse("webhook.lost == 0"), engine });
    let found = judge(&thresholds, std::slice::from_ref(&both));
    let told: Vec<_> = found.iter().map(|one| (one.engine.as_str(), one.holds())).collect();
    assert_eq!(told, [("sim", true), ("live", false), ("live", false)]);
    assert!(idle_engines(&thresholds, &[both]).is_empty());
    let sim = outcome("sim", &[("webhook", &[("lost", 0.0)])]);
    assert_eq!(idle_engines(&thresholds, &[sim]), ["live"]);
}

/// Numbers as they are written, each of one kind.
fn constant() -> impl Strategy<Value = Constant> {
    let numbers = [
        ("3", 3.0, Dimension::Number),
        ("0.25", 0.25, Dimension::Number),
        ("2s", 2e3, Dimension::Time),
        ("1h 30m", 5.4e6, Dimension::Time),
        ("5%", 0.05, Dimension::Share),
        ("1 MiB", 1_048_576.0, Dimension::Size),
        ("10/s", 10.0, Dimension::Rate),
    ];
    prop::sample::select(numbers.to_vec()).prop_map(|(text, value, dimension)| Constant {
        text: text.to_owned(),
        value,
        dimension,
    })
}

fn client_column() -> impl Strategy<Value = ClientColumn> {
    let client = prop::option::of(prop::sample::select(CLIENTS));
    let numeric = MEASURES.iter().map(|column| column.name).filter(|name| Dimension::of_column(name).is_some());
    let column = prop::sample::select(numeric.collect::<Vec<_>>());
    (client, column).prop_map(|(client, column)| ClientColumn { client: client.map(str::to_owned), column })
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![constant().prop_map(Expression::Constant), client_column().prop_map(Expression::Column),];
    let operator = prop::sample::select(vec![Operator::Plus, Operator::Minus, Operator::Times]);
    leaf.prop_recursive(3, 12, 2, move |inner| {
        (inner.clone(), operator.clone(), inner)
            .prop_map(|(left, operator, right)| Expression::Both(Box::new(left), operator, Box::new(right)))
    })
}

fn expectation() -> impl Strategy<Value = Expectation> {
    let comparison = prop::sample::select(Comparison::ALL.to_vec());
    (expression(), comparison, expression()).prop_map(|(left, comparison, right)| Expectation {
        left,
        comparison,
        right,
        dimension: Dimension::Number,
    })
}

/// The same with what the reader works out for itself made equal.
fn plain(expression: &Expression) -> Expression {
    match expression {
        Expression::Both(left, operator, right) => {
            let operator = if *operator == Operator::Over { Operator::Times } else { *operator };
            Expression::Both(Box::new(plain(left)), operator, Box::new(plain(right)))
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_read_as_the_same(expectation in expectation()) {
        let text = expectation.to_string();
        // Many of them add what cannot be added; what is read must be what was written.
        if let Ok(read) = Expectation::parse(&text, CLIENTS) {
            prop_assert_eq!(plain(&read.left), plain(&expectation.left), "{}", &text);
            prop_assert_eq!(plain(&read.right), plain(&expectation.right), "{}", &text);
            prop_assert_eq!(read.comparison, expectation.comparison);
            prop_assert_eq!(Expectation::parse(&read.to_string(), CLIENTS), Ok(read));
        }
    }

    #[test]
    fn a_column_and_a_number_of_its_kind_can_always_be_compared(column in client_column(), constant in constant()) {
        let (dimension, _) = Dimension::of_column(column.column).unwrap();
        let text = format!("{column} < {}", constant.text);
        let fits = dimension == constant.dimension
            || (dimension == Dimension::Share && constant.dimension == Dimension::Number && constant.value <= 1.0);
        prop_assert_eq!(Expectation::parse(&text, CLIENTS).is_ok(), fits, "{}", text);
    }

    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,40}") {
        if let Err(error) = Expectation::parse(&text, CLIENTS) {
            prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
            prop_assert!(text.get(error.span).is_some(), "whole characters");
        }
    }

    #[test]
    fn no_sequence_of_pieces_is_too_odd(pieces in prop::collection::vec(prop::sample::select(vec![
        "webhook", "poll every 10 s", "\"a.b\"", "\"", ".", "latency_p95", "lost", "2s", "5%", "1/", "/s", "3", "KiB",
        "(", ")", "+", "-", "*", "<", "<=", "==", "!", "=", " ", "ö", "\u{a0}", "9999999999999999999999999999999999999999",
    ]), 0..14)) {
        let text = pieces.concat();
        if let Err(error) = Expectation::parse(&text, CLIENTS) {
            prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
            prop_assert!(!error.message.is_empty() && !error.help.is_empty());
        }
    }
}

const SCENARIO: &str = r#"
duration = "1h"
[events]
rate = "1/m"
[[client]]
name = "poll"
[client.pull]
every = "10s"
[[client]]
name = "webhook"
[client.push]
"#;

fn run_in(folder: &Path, scenario: &str, arguments: &[&str]) -> Output {
    fs::write(folder.join("demo.toml"), scenario).unwrap();
    let fixed = ["run", "demo.toml", "--out", "out"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(fixed).args(arguments).current_dir(folder).env_remove("NO_COLOR").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_miss_exits_with_99_and_says_by_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let thresholds = [
        ("webhook.latency_p95 < 2s", true),
        ("poll.latency_p95 < 2s", false),
        ("poll.requests <= 3 * webhook.requests", false),
        ("lost == 0", true),
        ("latency_p999 < 1h", false),
    ];
    let arguments: Vec<_> = thresholds.iter().flat_map(|(expect, _)| ["--threshold", expect]).collect();
    let output = run_in(folder.path(), SCENARIO, &arguments);
    assert_eq!(output.status.code(), Some(99), "{}", text(&output.stderr));
    let (table, errors) = (text(&output.stdout), text(&output.stderr));
    insta::assert_snapshot!(table.split("Thresholds\n").nth(1).unwrap());
    // The closing line of the run tells how long it took.
    let missed: Vec<_> = errors.lines().filter(|line| line.starts_with("threshold missed: ")).collect();
    assert_eq!(missed.len(), 2 + 2, "{errors}");
    assert!(missed[0].starts_with("threshold missed: poll.latency_p95 < 2s: is 9.") && missed[0].contains("the limit"));
    assert!(table.lines().all(|line| line.chars().count() <= 80));
    let csv = text(&fs::read(folder.path().join("out/thresholds.csv")).unwrap());
    let rows: Vec<_> = csv::Reader::from_reader(csv.as_bytes()).records().map(Result::unwrap).collect();
    // Two of the five are about each of two clients.
    assert_eq!(rows.len(), 7);
    for row in &rows {
        let (_, expected) = thresholds.iter().find(|(expect, _)| *expect == &row[0]).unwrap();
        assert_eq!(&row[7], expected.to_string(), "{row:?}");
    }
    let run: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out/run.json")).unwrap()).unwrap();
    let told = run["thresholds"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["holds"], &told[1]["holds"]), (7, &true.into(), &false.into()));
    assert_eq!(run["scenario"]["resolved"]["threshold"][0]["expect"], "webhook.latency_p95 < 2s");
    // What quiet does not keep silent about is an error.
    let quiet = run_in(folder.path(), SCENARIO, &[&arguments[..], &["--quiet", "--format", "csv"]].concat());
    assert_eq!((quiet.status.code(), text(&quiet.stderr).lines().count()), (Some(99), 4));
    // Where nothing is expected any more, nothing stays behind.
    let none = run_in(folder.path(), SCENARIO, &[]);
    assert_eq!(none.status.code(), Some(0));
    assert!(!folder.path().join("out/thresholds.csv").exists() && !text(&none.stdout).contains("Thresholds"));
}

#[test]
fn thresholds_of_the_file_count_and_do_not_change_what_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let with = |expect: &str, more: &str| format!("{SCENARIO}[[threshold]]\nexpect = '{expect}'\n{more}");
    let held = run_in(folder.path(), &with("webhook.latency_p95 < 2s", ""), &[]);
    assert_eq!(held.status.code(), Some(0), "{}", text(&held.stderr));
    let summary = fs::read(folder.path().join("out/summary.csv")).unwrap();
    let missed = run_in(folder.path(), &with("\"webhook\".latency_p95 > 2s", ""), &[]);
    assert_eq!(missed.status.code(), Some(99));
    assert_eq!(fs::read(folder.path().join("out/summary.csv")).unwrap(), summary, "hash included");
    let idle = run_in(folder.path(), &with("webhook.latency_p95 > 2s", "engine = \"live\""), &[]);
    assert_eq!(idle.status.code(), Some(0));
    assert!(text(&idle.stderr).contains("were not judged: it did not play"), "{}", text(&idle.stderr));
}

#[test]
fn every_column_of_numbers_can_be_compared_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let output = run_in(folder.path(), SCENARIO, &["--format", "csv"]);
    let mut reader = csv::Reader::from_reader(&output.stdout[..]);
    let header = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let mut words = 0;
    for (index, name) in
        header.iter().enumerate().filter(|(_, name)| MEASURES.iter().any(|column| column.name == *name))
    {
        let is_word = rows.iter().any(|row| !row[index].is_empty() && row[index].parse::<f64>().is_err());
        words += usize::from(is_word);
        assert_eq!(Dimension::of_column(name).is_none(), is_word, "{name}");
    }
    assert_eq!(words, 2);
}
