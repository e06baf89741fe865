//! README.md shows what the program really says: it is its template with the real texts filled in.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use pushpull::report::columns::{IDENTITY, MEASURES};
use pushpull::run::builtin;

const WRONG: &str =
    "[events]\nrate = \"10/h\"\n\n[[client]]\nname = \"poll every minute\"\n[client.pull]\nevery = 60\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn expected() -> String {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let scenarios: Vec<String> =
        builtin::ALL.iter().map(|builtin| format!("| `{}` | {} |", builtin.name, builtin.question())).collect();
    let mut columns = String::from("| column | meaning |\n|---|---|");
    for column in IDENTITY.iter().chain(MEASURES) {
        write!(columns, "\n| `{}` | {} |", column.name, column.meaning).unwrap();
    }
    read("tests/readme.md")
        .replace("@@TABLE@@", read("results/example/table.txt").trim_end())
        .replace("@@SCENARIOS@@", &scenarios.join("\n"))
        .replace("@@ERROR@@", &error())
        .replace("@@SWEEP@@", &sweep())
        .replace("@@TRACE@@", &trace())
        .replace("@@SHA@@", &example()["scenario"]["sha256"].as_str().unwrap()[..12])
        .replace("@@PRESETS@@", &presets())
        .replace("@@COLUMNS@@", &columns)
}

/// The table of presets that the program lists after its scenarios.
fn presets() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pushpull")).arg("scenarios").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("preset "));
    table.collect::<Vec<_>>().join("\n")
}

/// What the program draws of its quickstart.
fn trace() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pushpull"))
        .args(["trace", "quickstart"])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// What the run that the page shows came to.
fn example() -> serde_json::Value {
    let text = std::fs::read_to_string(root().join("results/example/run.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What the program says of a sweep.
fn sweep() -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_pushpull");
    let output = Command::new(program)
        .args(["sweep", "crossover-sweep", "--quiet", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// What the program says of a scenario with a mistake in it.
fn error() -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), WRONG).unwrap();
    let program = env!("CARGO_BIN_EXE_pushpull");
    let output = Command::new(program).args(["check", "mine.toml"]).current_dir(folder.path()).output().unwrap();
    String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
}

/// `UPDATE_README=1 cargo test --test readme` writes it anew.
#[test]
fn it_is_what_the_program_says() {
    let path = root().join("README.md");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, expected()).unwrap();
    }
    let actual = std::fs::read_to_string(&path).unwrap();
    assert!(actual == expected(), "README.md differs from its template; UPDATE_README=1 cargo test --test readme");
}

/// The example in `results/example/` was left by the command that the page shows.
#[test]
fn its_example_is_a_run_of_the_quickstart() {
    let run = example();
    let scenario = pushpull::scenario::Scenario::load(&root().join("scenarios/quickstart.toml"), &[]).unwrap();
    assert_eq!(run["scenario"]["sha256"], scenario.sha256(), "the scenario has changed since; run it again");
    assert_eq!(run["engines"][0]["engine"], "live");
    let table = std::fs::read_to_string(root().join("results/example/table.txt")).unwrap();
    for sentence in run["engines"][0]["verdict"].as_array().unwrap() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert!(words(&table).contains(&words(sentence.as_str().unwrap())), "{sentence}");
    }
    // Its page is the one that the program makes of it, and its picture is a picture.
    let folder = tempfile::tempdir().unwrap();
    for file in ["summary.csv", "comparison.csv", "theory.csv", "timeseries.csv", "run.json"] {
        std::fs::copy(root().join("results/example").join(file), folder.path().join(file)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_pushpull")).arg("report").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read(folder.path().join("report.html")).unwrap();
    assert!(page == std::fs::read(root().join("results/example/report.html")).unwrap(), "make the page anew");
    let picture = std::fs::read(root().join("results/example/report.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"), "report.png is no picture");
}
