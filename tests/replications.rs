//! Several replications of a run: their files, their table, when they stop, and the warm-up that a pilot run finds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use pushpull::engine::{Control, sim};
use pushpull::evaluation::outcome::{ClientOutcome, Outcome};
use pushpull::evaluation::stopping::{MAXIMUM, MINIMUM, Rule, Stop};
use pushpull::evaluation::{engine_report, identity, paired, replications};
use pushpull::measure::sample::{Estimate, Paired, Part};
use pushpull::report::columns::{Cell, MEASURES};
use pushpull::report::{Report, csv};
use pushpull::scenario::Scenario;
use tempfile::TempDir;

fn pushpull(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a scenario into a fresh folder.
fn results(arguments: &[&str]) -> (TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    let output = pushpull(&[&["run"], arguments, &["--out", folder.path().to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    (folder, output)
}

/// The names and bytes of all files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut files: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
    files.sort();
    files
}

/// A CSV file as rows of cells by their columns' names.
struct Csv {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Csv {
    fn read(folder: &Path, name: &str) -> Self {
        let mut reader = ::csv::Reader::from_path(folder.join(name)).unwrap();
        let cells = |record: &::csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let header = cells(reader.headers().unwrap());
        Self { header, rows: reader.records().map(|record| cells(&record.unwrap())).collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// The cells of a column in the rows of a client.
    fn of_client(&self, client: &str, column: &str) -> Vec<&str> {
        let (name, column) = (self.column("client"), self.column(column));
        self.rows.iter().filter(|row| row[name] == client).map(|row| row[column].as_str()).collect()
    }

    fn numbers(&self, client: &str, column: &str) -> Vec<f64> {
        self.of_client(client, column).iter().filter_map(|cell| cell.parse().ok()).collect()
    }

    /// The row whose cells in these columns are these.
    fn row(&self, wanted: &[(&str, &str)]) -> &[String] {
        let is_it = |row: &&Vec<String>| wanted.iter().all(|(column, cell)| row[self.column(column)] == *cell);
        self.rows.iter().find(is_it).unwrap_or_else(|| panic!("no row {wanted:?}"))
    }
}

const SHORT: [&str; 3] = ["flaky-network", "--set", "duration=20m"];
const POLL: &str = "poll every 10 s";
const WEBHOOK: &str = "webhook with retries";

#[test]
fn replications_are_the_same_bytes_on_any_number_of_threads() {
    let with = |more: &[&str]| files(results(&[&SHORT, more].concat()).0.path());
    for how_often in [["--replications", "7"], ["--precision", "20%"]] {
        let once = with(&how_often);
        assert_eq!(once.iter().filter(|(name, _)| name == "statistics.csv").count(), 1);
        for threads in ["1", "2", "5"] {
            assert!(once == with(&[&how_often[..], &["--threads", threads]].concat()), "{how_often:?} {threads}");
        }
    }
}

#[test]
fn each_replication_is_the_run_of_its_seed() {
    let (folder, _) = results(&[&SHORT[..], &["--replications", "3"]].concat());
    let all = Csv::read(folder.path(), "summary.csv");
    assert_eq!(all.rows.len(), 6);
    assert_eq!(all.of_client(POLL, "replication"), ["1", "2", "3"]);
    let seeds = all.of_client(POLL, "seed");
    assert_eq!(seeds[0], "1", "the first is the run itself");
    assert!(seeds[1] != seeds[2]);
    for (index, seed) in seeds.iter().enumerate() {
        let (alone, _) = results(&[&SHORT[..], &["--seed", seed]].concat());
        let alone = Csv::read(alone.path(), "summary.csv");
        assert_eq!(alone.header, all.header);
        for (position, row) in alone.rows.iter().enumerate() {
            let mut expected = row.clone();
            expected[alone.column("replication")] = (index + 1).to_string();
            assert_eq!(all.rows[2 * index + position], expected);
        }
    }
}

#[test]
fn what_tells_of_the_course_of_a_run_is_of_the_first_and_a_single_run_leaves_nothing_of_many() {
    let folder = tempfile::tempdir().unwrap();
    let out = ["--out", folder.path().to_str().unwrap()];
    let scenario = ["forged", "--set", "duration=10m"];
    assert!(pushpull(&[&["run"], &scenario[..], &["--replications", "3"], &out].concat()).status.success());
    let many = files(folder.path());
    let run: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    assert_eq!(run["replications"]["count"], 3);
    assert_eq!(run["replications"]["seeds"].as_array().unwrap().len(), 3);
    assert!(!run["replications"]["statistics"].as_array().unwrap().is_empty());
    assert!(pushpull(&[&["run"], &scenario[..], &out].concat()).status.success());
    let one = files(folder.path());
    assert!(one.iter().all(|(name, _)| name != "statistics.csv"));
    for name in ["timeseries.csv", "forged.csv"] {
        let of = |files: &[(String, Vec<u8>)]| text(&files.iter().find(|(other, _)| other == name).unwrap().1);
        let (one, many) = (of(&one), of(&many));
        let named =
            |(number, line): (usize, &str)| format!("{line},{}\n", if number == 0 { "replication" } else { "1" });
        assert_eq!(one.lines().enumerate().map(named).collect::<String>(), many, "{name}");
        assert!(one.lines().count() > 1, "{name}");
    }
    // Whoever asks for one replication gets what a run without the option gives.
    assert!(pushpull(&[&["run"], &scenario[..], &["--replications", "1"], &out].concat()).status.success());
    // These two show the scenario, in which that stands.
    let tells_scenario = |name: &str| ["run.json", "report.html"].contains(&name);
    let asked: Vec<_> = files(folder.path()).into_iter().filter(|(name, _)| !tells_scenario(name)).collect();
    assert!(asked.iter().all(|file| one.contains(file)));
}

/// What each replication adds to a figure: of a quotient, by hand, what is divided and what it is divided by.
fn parts(summary: &Csv, client: &str, column: &str) -> Vec<Part> {
    let over = |sums: Vec<f64>, of: Vec<f64>| sums.into_iter().zip(of).map(|(sum, of)| Part { sum, of }).collect();
    let numbers = |column: &str| summary.numbers(client, column);
    let times = |column: &str, of: &str| numbers(column).iter().zip(numbers(of)).map(|(mean, of)| mean * of).collect();
    match column {
        "requests_per_event" => over(numbers("requests"), numbers("events")),
        "wasted_ratio" => over(numbers("wasted"), numbers("requests")),
        "latency_mean_ms" => over(times(column, "latency_n"), numbers("latency_n")),
        _ => numbers(column).into_iter().map(Part::from).collect(),
    }
}

#[test]
fn statistics_and_comparisons_come_from_the_rows_of_summary() {
    let (folder, _) = results(&[&SHORT[..], &["--replications", "8"]].concat());
    let [summary, statistics, comparison] =
        ["summary.csv", "statistics.csv", "comparison.csv"].map(|name| Csv::read(folder.path(), name));
    let rounded = |value: f64| Cell::from(value).text();
    let mut seen = 0;
    for column in MEASURES.iter().map(|column| column.name).filter(|name| !["consumers", "warmup_s"].contains(name)) {
        for client in [POLL, WEBHOOK] {
            let parts = parts(&summary, client, column);
            let is_it = |row: &&Vec<String>| row[1] == client && row[2] == column;
            let row = statistics.rows.iter().find(is_it);
            let Some(estimate) = Estimate::of_parts(&parts) else {
                assert!(row.is_none(), "{client} {column}");
                continue;
            };
            let (low, high) = estimate.interval().unwrap();
            let expected =
                [f64::from(estimate.n), estimate.mean, estimate.standard_deviation.unwrap(), low, high].map(rounded);
            assert_eq!(row.unwrap()[3..], expected, "{client} {column}");
            seen += 1;
        }
    }
    assert_eq!(seen, statistics.rows.len());
    assert!(seen > 60, "only {seen} figures");
    seen = 0;
    for metric in paired::METRICS {
        let pairs: Vec<_> = parts(&summary, POLL, metric).into_iter().zip(parts(&summary, WEBHOOK, metric)).collect();
        let Some(paired) = Paired::of_parts(&pairs) else {
            assert!(metric.starts_with("cost_"), "{metric}");
            continue;
        };
        seen += 1;
        let row = comparison.row(&[("metric", metric), ("client", WEBHOOK)]);
        let (low, high) = paired.difference.interval().unwrap();
        assert_eq!([&row[5], &row[7], &row[8]], [&rounded(paired.difference.mean), &rounded(low), &rounded(high)]);
        assert_eq!(row[comparison.column("n")], "8");
        assert_eq!(row[comparison.column("ratio")], paired.ratio.map_or(String::new(), |ratio| rounded(ratio.ratio)));
    }
    assert_eq!((comparison.rows.len(), seen), (paired::METRICS.len() - 2, comparison.rows.len()), "no costs");
}

#[test]
fn a_single_run_comes_to_the_same_rows_by_way_of_its_outcome() {
    let text = fs::read_to_string("scenarios/hybrid.toml").unwrap();
    let scenario = Scenario::parse(&text, "hybrid.toml", Path::new("scenarios"), &["duration=30m".to_owned()]).unwrap();
    let runs = sim::run(&scenario.setup, &Control::default());
    let engine = engine_report("sim", &scenario.setup, runs, None).unwrap();
    let report = Report {
        scenario: identity(&scenario),
        engines: vec![engine],
        agreements: Vec::new(),
        judgements: Vec::new(),
        partial: false,
    };
    let outcome = [Outcome::of(&report)];
    assert_eq!(replications::summary(&scenario.name, &outcome), csv::summary(&report));
    let alone = replications::replications(&outcome, None);
    assert_eq!(pushpull::report::replications::theory(&alone.theory), csv::theory(&report));
    let names: Vec<_> = alone.comparisons.iter().map(|compared| compared.metric.to_owned()).collect();
    let written = csv::comparison(&report);
    let mut rows = ::csv::Reader::from_reader(&written[..]);
    assert_eq!(names, rows.records().map(|row| row.unwrap()[0].to_owned()).collect::<Vec<_>>());
}

/// What a run of one client came to: its mean latency and requests per event.
fn outcome(latency: f64, requests: f64) -> Outcome {
    let cells = MEASURES.iter().map(|column| match column.name {
        "latency_mean_ms" => latency.into(),
        "latency_n" => u64::from(latency.is_finite()).into(),
        "requests_per_event" | "requests" => requests.into(),
        "events" => 1.0.into(),
        _ => Cell::Empty,
    });
    let row =
        ClientOutcome { engine: "sim".into(), client: "only".into(), mode: "pull".into(), cells: cells.collect() };
    Outcome { seed: 1, scenario_sha256: String::new(), rows: vec![row], theory: Vec::new(), transitions: 0 }
}

#[test]
fn what_is_always_the_same_is_precise_at_once() {
    let same = vec![outcome(22.0, 1.0); 50];
    let rule = Rule { precision: 0.001, maximum: MAXIMUM };
    assert_eq!(rule.stop(&same, 0), Some(Stop { count: MINIMUM, reached: true }));
    assert_eq!(rule.stop(&same[..9], 0), None);
    // Fewer than the least number are played where no more are allowed.
    let few = Rule { maximum: 4, ..rule };
    assert_eq!(few.stop(&same, 0), Some(Stop { count: 4, reached: true }));
    // What no replication has need not be known; what only one has is not known.
    let nothing = vec![outcome(f64::NAN, 1.0); 50];
    assert_eq!(rule.stop(&nothing, 0), Some(Stop { count: MINIMUM, reached: true }));
    let mut one = nothing.clone();
    one[3] = outcome(5.0, 1.0);
    assert_eq!(Rule { maximum: 50, ..rule }.stop(&one, 0), Some(Stop { count: 50, reached: false }));
}

#[test]
fn the_width_is_adjusted_so_that_the_error_is_relative_to_the_truth() {
    // Two values in turn: the half-width of 10 of them is 2.262157 x sd / sqrt(10), with sd = spread x sqrt(10 / 9).
    let turns = |spread: f64| -> Vec<_> {
        (0..10).map(|index| outcome(100.0 + if index % 2 == 0 { spread } else { -spread }, 1.0)).collect()
    };
    let rule = Rule { precision: 0.10, maximum: 10 };
    let limit = 100.0 * (0.10 / 1.10) * 3.0 / 2.262_157;
    assert_eq!(rule.stop(&turns(limit * 0.99), 0), Some(Stop { count: 10, reached: true }));
    assert_eq!(rule.stop(&turns(limit * 1.01), 0), Some(Stop { count: 10, reached: false }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn replications_beyond_the_stop_change_nothing(
        values in prop::collection::vec(50.0..150.0f64, 10..60), precision in 0.02..0.5f64, checked in 0u32..12,
    ) {
        let outcomes: Vec<_> = values.iter().map(|value| outcome(*value, 1.0)).collect();
        let rule = Rule { precision, maximum: MAXIMUM };
        let all = rule.stop(&outcomes, 0);
        let first = (0..=outcomes.len()).find_map(|count| rule.stop(&outcomes[..count], 0));
        prop_assert_eq!(all, first);
        if let Some(stop) = all.filter(|stop| checked < stop.count) {
            prop_assert_eq!(rule.stop(&outcomes, checked), Some(stop));
            prop_assert_eq!(rule.stop(&outcomes[..stop.count as usize], 0), Some(stop));
        }
    }
}

#[test]
fn what_theory_says_lies_within_reach_of_the_replications() {
    let mut checked = 0;
    for scenario in ["busy-feed", "flaky-network", "many-consumers"] {
        let (folder, _) = results(&[scenario, "--replications", "8"]);
        let theory = Csv::read(folder.path(), "theory.csv");
        let holds = theory.column("holds");
        for row in &theory.rows {
            assert_eq!(row[holds], "true", "{scenario}: {row:?}");
            assert!(!row[theory.column("ci_low")].is_empty() && !row[theory.column("ci_high")].is_empty());
            checked += 1;
        }
    }
    assert!(checked >= 25, "only {checked} predictions were held against anything");
}

#[test]
fn a_run_goes_on_until_its_figures_are_known() {
    let count = |arguments: &[&str]| {
        let (folder, output) = results(&[&SHORT[..], arguments].concat());
        (Csv::read(folder.path(), "summary.csv").rows.len() / 2, text(&output.stdout))
    };
    let (coarse, said) = count(&["--precision", "50%"]);
    assert_eq!(coarse, 10);
    assert!(said.contains("are known to 50 %"), "{said}");
    let (fine, _) = count(&["--precision", "8%"]);
    assert!(fine > 10 && fine < 500, "{fine}");
    let (all, said) = count(&["--precision", "1%", "--replications", "12"]);
    assert_eq!(all, 12);
    assert!(said.replace('\n', " ").contains("are not yet known to 1 %"), "{said}");
    // In the file it means the same.
    assert_eq!(count(&["--set", "precision=8%"]).0, fine);
}

#[test]
fn the_table_shows_means_with_their_error_and_fits_eighty_columns() {
    for (name, arguments) in [
        ("flaky-network", vec!["flaky-network", "--replications", "10"]),
        ("many-consumers", vec!["many-consumers", "--set", "consumers=50", "--replications", "5"]),
        ("storm", vec!["retry-storm", "--replications", "4", "--set", "duration=20m"]),
        ("alone", vec!["order-status", "--replications", "3"]),
    ] {
        let (_, output) = results(&arguments);
        let table = text(&output.stdout);
        assert!(!table.contains('\x1b'), "no colours where nobody sees them");
        for line in table.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
            assert_eq!(line, line.trim_end(), "{name}");
        }
        insta::assert_snapshot!(format!("replications_{name}"), table);
    }
}

#[test]
fn formats_print_the_files() {
    for (format, name) in [("csv", "summary.csv"), ("json", "run.json")] {
        let (folder, output) = results(&[&SHORT[..], &["--replications", "2", "--format", format]].concat());
        assert_eq!(output.stdout, fs::read(folder.path().join(name)).unwrap());
    }
}

#[test]
fn an_interrupted_run_keeps_the_replications_that_are_complete() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pushpull"))
        .args(["run", "quickstart", "--engine", "sim", "--set", "duration=1m", "--replications", "10000", "--out", out])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let killed = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let summary = Csv::read(folder.path(), "summary.csv");
    let count = summary.rows.len() / 2;
    assert!((1..10_000).contains(&count), "{count}");
    let numbers: Vec<_> = (1..=count).map(|number| number.to_string()).collect();
    assert_eq!(summary.of_client("webhook", "replication"), numbers, "without a gap");
    let run: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    assert_eq!((&run["replications"]["count"], &run["replications"]["stopped_early"]), (&count.into(), &true.into()));
}

#[test]
fn real_runs_are_repeated_too() {
    let (folder, _) = results(&["quickstart", "--engine", "live", "--replications", "2", "--set", "duration=2s"]);
    let summary = Csv::read(folder.path(), "summary.csv");
    assert_eq!(summary.rows.len(), 4);
    assert!(summary.rows.iter().all(|row| row[summary.column("engine")] == "live"));
    let statistics = Csv::read(folder.path(), "statistics.csv");
    let lag = statistics.row(&[("metric", "lag_p99_ms")]);
    assert_eq!(lag[statistics.column("n")], "2");
}

#[test]
fn bad_numbers_exit_2_and_say_what_to_write() {
    for (arguments, said) in [
        (["--precision", "2"], "has no percent sign"),
        (["--precision", "0%"], "out of range"),
        (["--precision", "fine"], "is not a percentage"),
        (["--set", "precision=-3%"], "is not a percentage"),
        (["--replications", "0"], "out of range"),
        (["--replications", "10001"], "out of range"),
        (["--set", "replications=2.5"], "not a whole number"),
    ] {
        let output = pushpull(&[&["run", "hybrid"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}

/// A receiver with one worker that is busy for nine tenths of the time, and starts with nothing to do.
const QUEUE: &str = r#"
duration = "30m"
warmup = "auto"
consumers = 40
[events]
rate = "9/s"
[[client]]
name = "webhook"
[client.push]
[client.receiver]
workers = 1
queue = 100000
service_time = { exponential = { mean = "100ms" } }
"#;

#[test]
fn what_cannot_keep_up_in_any_replication_has_no_mean() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.toml");
    fs::write(&file, QUEUE).unwrap();
    let sets = ["--set", "warmup=0s", "--set", "events.rate=12/s", "--set", "duration=2m", "--set", "consumers=1"];
    let (_, output) = results(&[&[file.to_str().unwrap(), "--replications", "3"], &sets[..]].concat());
    let table = text(&output.stdout);
    let mean = table.lines().find(|line| line.starts_with("Latency  mean")).unwrap();
    assert!(mean.ends_with("no limit *"), "{table}");
    assert!(table.contains("* \"webhook\" is overloaded in 3 of 3 replications"), "{table}");
    assert!(!table.contains("hears of an event"), "{table}");
}

/// What a pilot run says of a scenario.
fn pilot(text: &str, sets: &[&str]) -> (Scenario, pushpull::evaluation::pilot::WarmUp) {
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    let scenario = Scenario::parse(text, "demo.toml", Path::new("."), &sets).unwrap();
    assert!(scenario.seeks_warmup);
    let found = pushpull::evaluation::pilot::warm_up(&scenario, &Control::default()).unwrap().unwrap();
    (scenario, found)
}

#[test]
fn a_queue_that_starts_empty_warms_up_and_what_is_always_the_same_does_not() {
    let (scenario, found) = pilot(QUEUE, &[]);
    assert!(found.steady);
    // The mean wait of 0.9 s takes some hundred service times to come about.
    assert!((10.0..600.0).contains(&found.span.as_secs_f64()), "{found:?}");
    assert_eq!(pilot(QUEUE, &[]).1, found, "the same scenario and seed find the same");
    assert!(!scenario.with_warmup(found.span).seeks_warmup);
    let (_, idle) = pilot(QUEUE, &["events.rate=0.1/s"]);
    assert!(idle.steady && idle.span.as_secs_f64() <= 180.0, "{idle:?}");
    let (_, overloaded) = pilot(QUEUE, &["events.rate=12/s", "duration=10m", "consumers=4"]);
    assert!(!overloaded.steady);
    assert_eq!(overloaded.span.as_secs_f64(), 300.0);
}

#[test]
fn polls_of_a_steady_stream_need_no_warm_up() {
    let text = "warmup = \"auto\"\nduration = \"10h\"\nconsumers = 100\n[events]\nrate = \"0.1/s\"\n[[client]]\nname = \"poll\"\n\
                [client.pull]\nevery = \"10s\"\n";
    let (_, found) = pilot(text, &[]);
    assert!(found.steady && found.span.as_secs_f64() <= 3_600.0, "a tenth of the run: {found:?}");
    // A fault in the middle is what is to be measured, not a warm-up.
    let fault = format!("{text}\n[[fault]]\nkind = \"provider-down\"\nat = \"2h\"\nfor = \"2h\"\n");
    assert_eq!(pilot(&fault, &[]).1, found);
}

#[test]
fn the_warm_up_that_was_found_stands_wherever_it_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.toml");
    fs::write(&file, QUEUE).unwrap();
    let (file, out) = (file.to_str().unwrap(), folder.path().join("out"));
    let small = ["--set", "duration=10m", "--set", "consumers=20"];
    let check = pushpull(&[&["check", file], &small[..]].concat());
    let resolved = text(&check.stdout);
    let span = resolved.lines().find_map(|line| line.strip_prefix("warmup = ")).unwrap().trim_matches('"').to_owned();
    assert!(span != "auto" && span != "0s", "{resolved}");
    assert!(resolved.contains("# warmup = \"auto\": a pilot run found a warm-up of"), "{resolved}");
    let run = pushpull(&[&["run", file, "--out", out.to_str().unwrap()], &small[..]].concat());
    assert!(text(&run.stderr).contains("a pilot run found a warm-up of"), "{}", text(&run.stderr));
    let document: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(document["scenario"]["resolved"]["warmup"], span);
    // Whoever writes the same warm-up gets the same run.
    let found = files(&out);
    let written = format!("warmup={span}");
    let again = pushpull(&[&["run", file, "--out", out.to_str().unwrap(), "--set", &written], &small[..]].concat());
    assert!(again.status.success());
    assert!(found == files(&out));
    let growing =
        pushpull(&["run", file, "--out", out.to_str().unwrap(), "--set", "events.rate=12/s", "--set", "duration=2m"]);
    assert!(text(&growing.stderr).contains("warning: the pilot run did not become steady"));
}

#[test]
fn a_rate_that_never_stays_the_same_has_no_warm_up() {
    let output = pushpull(&["check", "daily-rhythm", "--set", "warmup=auto"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("replications_warmup_of_changing_rate", text(&output.stderr));
}

#[test]
fn check_says_how_often_a_scenario_is_played() {
    for (name, sets) in [
        ("replications", vec!["--set", "replications=20"]),
        ("precision", vec!["--set", "precision=2%", "--set", "replications=200"]),
    ] {
        let output = pushpull(&[&["check", "hybrid"], &sets[..]].concat());
        assert!(output.status.success());
        let said = text(&output.stdout);
        let about: Vec<_> =
            said.lines().filter(|line| line.contains("replications") || line.contains("precision")).collect();
        let sentence: Vec<_> = said.lines().skip_while(|line| !line.starts_with("# It is played")).take(4).collect();
        assert!(sentence.iter().all(|line| line.chars().count() <= 80), "{said}");
        insta::assert_snapshot!(
            format!("replications_check_{name}"),
            format!("{}\n\n{}", about.join("\n"), sentence.join("\n"))
        );
    }
}
