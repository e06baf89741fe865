//! A sweep as a process, and the files that it leaves.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The files of every whole sweep.
pub(crate) const FILES: [&str; 6] =
    ["summary.csv", "comparison.csv", "theory.csv", "units.jsonl", "sweep.json", "report.html"];

/// The files of those with several replications, of those that have something to fulfil, and of those that have an axis to
/// look along.
const MORE: [&str; 3] = ["statistics.csv", "thresholds.csv", "crossover.csv"];

const SCENARIO: &str = r#"
title = "Thirteen rates, four intervals"
duration = "1m"
seed = 5

[events]
rate = "1/s"

[network]
loss = 0.01

[[client]]
name = "poll every so often"
[client.pull]
every = "10s"
timeout = "900ms"

[[client]]
name = "webhook"
[client.push]
signature = "none"

[sweep]
"events.rate" = { from = "0.01/s", to = "10/s", points = 13, scale = "log" }
"client.poll every so often.pull.every" = ["1s", "3s", "10s", "30s"]
"#;

/// A folder with a scenario file.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.toml"), SCENARIO).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in ["NO_COLOR", "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"] {
            command.env_remove(variable);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that is to succeed, and gives back what it says on standard error.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// Runs a command that is to be refused as wrong usage, and gives back what it says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        said.replace(&*self.folder.path().to_string_lossy(), "FOLDER")
    }

    /// The content of the files of a sweep, those first that every sweep has; nothing else lies beside them.
    pub(crate) fn files(&self, folder: &str) -> Vec<Vec<u8>> {
        let names = self.names(folder);
        let more = MORE.into_iter().filter(|name| names.iter().any(|other| other == name));
        let expected: Vec<_> = FILES.into_iter().chain(more).collect();
        let mut sorted = expected.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted, "{folder}");
        expected.iter().map(|name| fs::read(self.path(folder).join(name)).unwrap()).collect()
    }

    /// The names of all files in a folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Starts a sweep, and waits until it has written down so many units.
    pub(crate) fn start(&self, arguments: &[&str], folder: &str, units: usize) -> Child {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..6_000 {
            if self.unfinished(folder).is_some_and(|path| lines(&path) > units + 2) {
                return child;
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("nothing came of it in half a minute");
    }

    /// The file that a sweep under way writes to.
    pub(crate) fn unfinished(&self, folder: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(self.path(folder)).ok()?;
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths.find(|path| path.to_string_lossy().ends_with(".partial.jsonl"))
    }
}

/// Does as Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    let status = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(status.success());
}

fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
}
