//! What is left when a run or a sweep does not come to its end, and what becomes of that.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sweep_support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use sweep_support::{Bench, interrupt};

const SWEEP: [&str; 6] = ["sweep", "mine.toml", "--replications", "10", "--quiet", "--out"];
/// Eight points, for what does not depend on their number.
const FEW: [&str; 7] = ["sweep", "mine.toml", "--vary", "events.rate=1/s,2/s", "--vary", "network.loss=0", "--out"];

/// Does as `timeout` does, which signals the process and then its group; so many milliseconds apart.
fn interrupt_twice(child: &Child, gap_ms: u64) {
    interrupt(child);
    std::thread::sleep(Duration::from_millis(gap_ms));
    // It may have ended since.
    let id = child.id();
    Command::new("sh").args(["-c", &format!("kill -INT {id} 2> /dev/null")]).status().unwrap();
}

#[test]
fn two_signals_at_the_same_moment_are_one_request() {
    let bench = Bench::new();
    for (number, gap_ms) in [0, 1, 2, 5, 10, 30].into_iter().enumerate() {
        let folder = format!("out{number}");
        let mut child = bench.start(&[&SWEEP[..], &[&folder, "--threads", "1"]].concat(), &folder, 20);
        interrupt_twice(&child, gap_ms);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{gap_ms} ms");
        let names = bench.names(&folder);
        assert!(names.iter().any(|name| name == "summary.csv"), "{gap_ms} ms: {names:?}");
        assert!(names.iter().all(|name| !name.starts_with(".pushpull-")), "{gap_ms} ms: {names:?}");
    }
}

#[test]
fn what_killed_processes_left_is_removed_by_the_next_one() {
    let bench = Bench::new();
    fs::create_dir(bench.path("few")).unwrap();
    let old = fs::File::create(bench.path("few").join(".pushpull-Ab12Cd")).unwrap();
    old.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    drop(old);
    fs::write(bench.path("few").join(".pushpull-Ef34Gh"), "somebody is at work").unwrap();
    bench.good(&[&FEW[..], &["few", "--quiet"]].concat());
    let hidden: Vec<_> = bench.names("few").into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden, [".pushpull-Ef34Gh"]);
}

#[test]
fn an_error_says_what_is_kept_and_nothing_of_it_is_lost() {
    let bench = Bench::new();
    bench.good(&[&FEW[..], &["whole", "--quiet"]].concat());
    fs::create_dir_all(bench.path("few").join("summary.csv")).unwrap();
    let failed = |more: &[&str]| {
        let output = bench.run(&[&FEW[..], &["few"], more].concat());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = failed(&[]);
    assert_eq!(
        said,
        "error: cannot write few/summary.csv: is a directory\n\
         8 runs of the sweep are kept in few; the same command with --resume goes on from there\n"
    );
    // Who forgets that is told of it again, and the runs stay.
    let said = failed(&[]);
    assert!(said.starts_with("warning: few/units-") && said.contains(" holds 8 runs of this very sweep"), "{said}");
    fs::remove_dir(bench.path("few").join("summary.csv")).unwrap();
    let said = bench.good(&[&FEW[..], &["few", "--resume"]].concat());
    assert!(said.starts_with("0 runs, "), "{said}");
    assert!(bench.files("whole") == bench.files("few"));
    // What another sweep has left gives way, and that is said.
    let left = bench.path("few").join("units-abcdef.partial.jsonl");
    fs::copy(bench.path("few").join("units.jsonl"), &left).unwrap();
    let said = bench.good(&[&FEW[..], &["few", "--quiet", "--seed", "6"]].concat());
    assert!(
        said.starts_with("warning: removed few/units-abcdef.partial.jsonl, which another sweep had left: "),
        "{said}"
    );
    assert!(!left.exists());
}

#[test]
fn what_was_stopped_is_not_played_again_without_a_word() {
    const TWICE: [&str; 6] = ["sweep", "mine.toml", "--replications", "2", "--quiet", "--out"];
    let bench = Bench::new();
    let stop = || {
        let mut child = bench.start(&[&TWICE[..], &["stopped", "--threads", "1"]].concat(), "stopped", 10);
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    };
    stop();
    let output = bench.run(&[&TWICE[..], &["stopped"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success());
    assert!(said.starts_with("warning: stopped/units.jsonl holds ") && said.contains("with --resume"), "{said}");
    // Once it is whole there is nothing to say.
    assert_eq!(bench.good(&[&TWICE[..], &["stopped"]].concat()), "");
}

#[test]
fn file_systems_without_locks_do() {
    let bench = Bench::new();
    let (source, library) = (bench.path("no_locks.c"), bench.path("no_locks.so"));
    let text =
        "#include <errno.h>\nint flock(int file, int what) { (void)file; (void)what; errno = ENOSYS; return -1; }\n";
    fs::write(&source, text).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(compiled.unwrap().success());
    let without_locks = |folder: &str, more: &[&str]| {
        let mut command = bench.command(&[&FEW[..], &[folder], more].concat());
        let output = command.env("LD_PRELOAD", &library).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    without_locks("few", &[]);
    bench.good(&[&FEW[..], &["whole"]].concat());
    assert!(bench.files("whole") == bench.files("few"));
    assert!(without_locks("few", &["--resume"]).starts_with("0 runs, "));
    for shard in ["1/2", "2/2"] {
        without_locks("parts", &["--shard", shard]);
    }
    assert_eq!(bench.names("parts"), ["shard-1-of-2.jsonl", "shard-2-of-2.jsonl"]);
}

#[test]
fn a_folder_never_tells_of_a_run_and_of_a_sweep() {
    let bench = Bench::new();
    let run = ["run", "mine.toml", "--trace", "--hdr", "--quiet", "--out"];
    let faults = ["--set", "fault=[{ kind = \"provider-down\", at = \"10s\", for = \"5s\" }]"];
    bench.good(&[&run[..], &["run"], &faults[..]].concat());
    bench.good(&[&FEW[..], &["sweep", "--quiet"]].concat());
    assert!(bench.path("sweep").join("crossover.csv").exists() && bench.names("run").len() > 10);
    let copy = |from: &str, to: &str| {
        fs::create_dir(bench.path(to)).unwrap();
        for name in bench.names(from) {
            fs::copy(bench.path(from).join(&name), bench.path(to).join(&name)).unwrap();
        }
    };
    copy("run", "then_sweep");
    fs::write(bench.path("then_sweep").join("notes.txt"), "mine").unwrap();
    bench.good(&[&FEW[..], &["then_sweep", "--quiet"]].concat());
    copy("sweep", "then_run");
    bench.good(&[&run[..], &["then_run"], &faults[..]].concat());
    assert_eq!(bench.names("then_run"), bench.names("run"));
    fs::remove_file(bench.path("then_sweep").join("notes.txt")).unwrap();
    same_files(&bench.path("sweep"), &bench.path("then_sweep"));
}

fn same_files(one: &Path, other: &Path) {
    let read = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.map(|path| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap())).collect();
        files.sort();
        files
    };
    assert!(read(one) == read(other), "{} and {}", one.display(), other.display());
}
