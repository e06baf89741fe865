//! Sweeps through real schedulers: what `sweep --emit` prints runs as it is, and the merged files are those of one machine.
//!
//! Needs Debian's slurmctld, slurmd, slurm-client, munge, slurm-wlm-basic-plugins and parallel, root for Slurm, and
//! kubernetes-validate in the Python that `PUSHPULL_PYTHON` names. `.ci/run` installs them. Where they are missing the tests
//! say that they were skipped, except with `CI=true`, where they fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pushpull");

/// Thirteen rates, four intervals and ten replications, in names and values that a shell has to quote.
const SWEEP: &str = r#"
title = "A sweep for several machines"
duration = "2m"
[events]
rate = "0.1/s"
[[client]]
name = "poll & wait"
[client.pull]
every = "10s"
[[client]]
name = "it's a webhook"
[client.push]
[sweep]
"events.rate" = { from = "0.01/s", to = "10/s", points = 13, scale = "log" }
"client.poll & wait.pull.every" = ["1s", "5s", "20s", "60s"]
"#;

const SHARDS: u32 = 5;
/// The files of a merged sweep that have to be those of one machine.
const FILES: [&str; 5] = ["summary.csv", "comparison.csv", "theory.csv", "sweep.json", "crossover.csv"];

/// A folder with the scenario, and what one machine makes of it.
struct Work {
    folder: tempfile::TempDir,
}

impl Work {
    fn new() -> Self {
        // The names of sockets are short, so the folder's has to be as well.
        let folder = tempfile::Builder::new().prefix("pp").tempdir_in("/tmp").unwrap();
        std::fs::write(folder.path().join("my sweep.toml"), SWEEP).unwrap();
        let work = Self { folder };
        work.pushpull(&["sweep", "my sweep.toml", "--replications", "10", "--out", "alone", "--quiet"]);
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pushpull(&self, arguments: &[&str]) -> String {
        let output = Command::new(PROGRAM).args(arguments).current_dir(self.folder.path()).output().unwrap();
        succeeded(&format!("pushpull {arguments:?}"), &output)
    }

    /// Writes what `--emit` prints into a file, and gives back its text.
    fn emit(&self, scheduler: &str, out: &str, file: &str) -> String {
        let shards = SHARDS.to_string();
        let sweep = ["sweep", "my sweep.toml", "--replications", "10", "--emit", scheduler, "--shards", &shards];
        let out = if scheduler == "kubernetes" { Vec::new() } else { vec!["--out", out] };
        let text = self.pushpull(&[&sweep[..], &out].concat());
        std::fs::write(self.path(file), &text).unwrap();
        text
    }

    fn run(&self, command: &mut Command) -> String {
        let output = command.current_dir(self.folder.path()).env("PUSHPULL", PROGRAM).output().unwrap();
        succeeded(&format!("{command:?}"), &output)
    }

    fn is_as_alone(&self, out: &str) {
        for file in FILES {
            let read = |folder: &str| {
                std::fs::read(self.path(folder).join(file)).unwrap_or_else(|e| panic!("{folder}/{file}: {e}"))
            };
            assert!(read(out) == read("alone"), "{out}/{file} differs from what one machine makes");
        }
    }
}

fn succeeded(what: &str, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Whether these programs are there; without them the test is skipped, or fails where everything has to be there.
fn have(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| which(program).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "missing: {missing:?}");
    eprintln!("skipped, for these programs are missing: {missing:?}");
    false
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[test]
fn slurm_gives_the_same_files() {
    if !have(&["slurmctld", "slurmd", "sbatch", "squeue", "munged"]) {
        return;
    }
    let work = Work::new();
    work.emit("slurm", "results/by slurm", "submit.sh");
    // Two of the shards are lost and made once more by themselves.
    std::fs::write(
        work.path("all.sh"),
        r#"set -euo pipefail
finished() {
  for _ in $(seq 1200); do
    [ -n "$(squeue --noheader --states=PENDING,RUNNING,COMPLETING)" ] || return 0
    sleep 0.1
  done
  squeue >&2
  return 1
}
bash submit.sh
finished
cp -r "results/by slurm" "results/first"
rm "results/by slurm"/*.* "results/by slurm/shards/shard-2-of-5.jsonl" "results/by slurm/shards/shard-4-of-5.jsonl"
SHARDS=2,4 bash submit.sh --cpus-per-task=2
finished
"#,
    )
    .unwrap();
    let slurm = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy/slurm-on-one-machine.sh");
    let sbin = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
    work.run(Command::new(slurm).arg(work.path("s")).args(["bash", "all.sh"]).env("PATH", sbin));
    work.is_as_alone("results/first");
    work.is_as_alone("results/by slurm");
}

#[test]
fn gnu_parallel_gives_the_same_files() {
    if !have(&["parallel", "bash"]) {
        return;
    }
    let work = Work::new();
    work.emit("parallel", "results/by parallel", "run.sh");
    work.run(Command::new("bash").args(["run.sh", "--jobs", "3"]));
    work.is_as_alone("results/by parallel");
    let log = std::fs::read_to_string(work.path("results/by parallel/shards/parallel.log")).unwrap();
    assert_eq!(log.lines().count(), 1 + SHARDS as usize, "{log}");
}

/// A scenario that takes no time, in a folder of its own with a file that it names; with that seed.
fn small(folder: &Path, seed: u64) {
    let text = format!(
        "seed = {seed}\n[events]\narrivals = \"trace\"\ntrace = {{ file = \"ev.csv\" }}\n\
         [network]\nloss = 0.3\n[[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1s\"\n\
         [[client]]\nname = \"webhook\"\n[client.push]\n\
         [sweep]\n\"client.poll.pull.every\" = [\"1s\", \"5s\", \"25s\", \"50s\"]\n"
    );
    let scenarios = folder.join("my scenarios");
    std::fs::create_dir_all(&scenarios).unwrap();
    std::fs::write(scenarios.join("small.toml"), text).unwrap();
    let times: String = (0..100).map(|number| format!("{}\n", 1_700_000_000 + number * number % 997)).collect();
    std::fs::write(scenarios.join("ev.csv"), times).unwrap();
}

#[test]
fn scripts_find_the_files_of_a_scenario_and_refuse_what_is_there_of_another_one() {
    if !have(&["parallel", "bash"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sweep = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let command = command.args(["sweep", "my scenarios/small.toml"]).args(arguments).current_dir(folder.path());
        succeeded(&format!("{arguments:?}"), &command.output().unwrap())
    };
    let script = || {
        let script = sweep(&["--emit", "parallel", "--shards", "3", "--out", "out"]);
        std::fs::write(folder.path().join("run.sh"), script).unwrap();
        let mut command = Command::new("bash");
        command.arg("run.sh").current_dir(folder.path()).env("PUSHPULL", PROGRAM).output().unwrap()
    };
    let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    small(folder.path(), 1);
    succeeded("the script", &script());
    sweep(&["--out", "alone", "--quiet"]);
    for name in FILES {
        assert!(file(&format!("out/{name}")) == file(&format!("alone/{name}")), "{name}");
    }
    // Run again, there is nothing left to do.
    succeeded("the script once more", &script());
    // Another scenario in the same folders is not answered with what is there.
    small(folder.path(), 2);
    let refused = script();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("is of another sweep"), "{said}");
    std::fs::remove_dir_all(folder.path().join("out/shards")).unwrap();
    succeeded("the script of the other scenario", &script());
    sweep(&["--out", "other", "--quiet"]);
    for name in FILES {
        assert!(file(&format!("out/{name}")) == file(&format!("other/{name}")), "{name}");
    }
    assert!(file("alone/summary.csv") != file("other/summary.csv"));
}

#[test]
fn a_manifest_brings_the_files_of_a_scenario_along() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path(), 1);
    let emit = |more: &[&str]| {
        let arguments = ["sweep", "my scenarios/small.toml", "--emit", "kubernetes", "--shards", "2"];
        Command::new(PROGRAM).args(arguments).args(more).current_dir(folder.path()).output().unwrap()
    };
    let manifest = succeeded("--emit kubernetes", &emit(&[]));
    assert!(manifest.contains("  file-1: \"1700000000\\n1700000001\\n"), "{manifest}");
    assert!(manifest.contains("- key: file-1\n                path: \"ev.csv\"\n"), "{manifest}");
    let refused = |more: &[&str]| {
        let output = emit(more);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&["--out", "somewhere"]);
    assert!(said.contains("leave --out out"), "{said}");
    std::fs::copy(folder.path().join("my scenarios/ev.csv"), folder.path().join("up.csv")).unwrap();
    let said = refused(&["--set", "events.trace.file=../up.csv"]);
    assert!(said.contains("../up.csv, which is not below its own folder"), "{said}");
}

#[test]
fn the_manifest_is_one_that_kubernetes_takes() {
    let python = std::env::var("PUSHPULL_PYTHON").ok();
    let validate = python.as_ref().map(|python| Path::new(python).with_file_name("kubernetes-validate"));
    let Some(validate) = validate.filter(|validate| validate.is_file()) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "kubernetes-validate is not beside PUSHPULL_PYTHON");
        eprintln!("skipped, for PUSHPULL_PYTHON names no Python with kubernetes-validate beside it");
        return;
    };
    // A test runs in the folder of the crate, but the manifest lies elsewhere.
    let validate = std::path::absolute(validate).unwrap();
    let work = Work::new();
    let manifest = work.emit("kubernetes", "", "job.yaml");
    work.run(Command::new(&validate).args(["--strict", "job.yaml"]));
    for needle in
        ["completionMode: Indexed", "completions: 5", "auto/5", "title = \\\"A sweep for several machines\\\""]
    {
        assert!(manifest.contains(needle), "{needle} is not in {manifest}");
    }
    // The check would notice.
    std::fs::write(work.path("wrong.yaml"), manifest.replace("completionMode:", "completionModus:")).unwrap();
    let refused = Command::new(&validate).args(["--strict", "wrong.yaml"]).current_dir(work.folder.path()).output();
    assert!(!refused.unwrap().status.success());
}

#[test]
fn what_is_printed_is_the_whole_sweep_and_nothing_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = |arguments: &[&str]| {
        Command::new(PROGRAM).arg("sweep").args(arguments).current_dir(folder.path()).output().unwrap()
    };
    // Everything that makes the sweep what it is.
    let given = [
        "--set=title=it's \"mine\"",
        "--seed=7",
        "--engine=sim",
        "--vary=consumers=1,2",
        "--replications=3",
        "--target=latency_p95 < 30s",
        "--along=consumers",
        "--yes",
    ];
    let printed = |arguments: &[&str]| {
        let more =
            ["crossover-sweep", "--emit", "slurm", "--shards", "3", "--threads", "2", "--format", "csv", "--quiet"];
        succeeded("--emit", &sweep(&[&more[..], arguments].concat()))
    };
    let line = |script: &str| {
        let line = script.lines().find(|line| line.contains("\"$PUSHPULL\" sweep ")).unwrap().to_owned();
        shlex::split(&line).unwrap()
    };
    let words = line(&printed(&given));
    let start = words.iter().position(|word| word == "crossover-sweep").unwrap();
    assert_eq!(&words[start + 1..start + 1 + given.len()], given);
    assert_eq!(&words[start + 1 + given.len()..][..2], ["--shard", "auto/3"]);
    let others = ["--vary=consumers=1,2,3", "--vary=seed=1,2,3", "--no-crossover"];
    // Without the scenario's own axes these three meet one by one.
    let varied = ["--vary=events.rate=1/s,2/s,3/s", "--vary=client.poll.pull.every=1s,2s,3s", "--zip"];
    let words = line(&printed(&[&others[..2], &varied[..], &others[2..]].concat()));
    for word in others.iter().chain(&varied) {
        assert!(words.iter().any(|other| other == word), "{word} is not in {words:?}");
    }
    let cases: [&[&str]; 8] = [
        &["--emit", "slurm"],
        &["--shards", "3"],
        &["--emit", "slurm", "--shards", "0"],
        &["--emit", "slurm", "--shards", "22"],
        &["--emit", "parallel", "--shards", "3", "--shard", "1/3"],
        &["--emit", "parallel", "--shards", "3", "--resume"],
        &["--emit", "slurm", "--shards", "3", "--dry-run"],
        &["--emit", "slurm", "--shards", "2000", "--replications", "1000"],
    ];
    let refused = |case: &&[&str]| {
        let output = sweep(&[&["crossover-sweep"], *case].concat());
        assert_eq!(output.status.code(), Some(2), "{case:?}");
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    insta::assert_snapshot!(cases.iter().map(refused).collect::<String>());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is played");
}
