//! `pushpull diff`: what changed from one run to another, as the program says it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use pushpull::evaluation::diff::{Tolerances, compare, read};
use tempfile::TempDir;

fn pushpull(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pushpull")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The exit code of a comparison, and what it prints.
fn diff(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let output = pushpull(folder.path(), &[&["diff"], arguments].concat());
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A folder with two files, `a.csv` and `b.csv`.
fn files(a: &str, b: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), a).unwrap();
    fs::write(folder.path().join("b.csv"), b).unwrap();
    folder
}

const HEADER: &str = "schema,tool_version,scenario,scenario_sha256,engine,seed,replication,client,mode";

fn summary(columns: &str, rows: &[&str]) -> String {
    let rows: String = rows.iter().map(|row| format!("1,0.1.0,demo,abc,sim,1,1,{row}\n")).collect();
    format!("{HEADER}{columns}\n{rows}")
}

#[test]
fn a_run_is_like_itself_and_unlike_another_seed() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("one", "1"), ("again", "1"), ("other", "2")] {
        let run = ["run", "rare-events", "--set", "duration=2d", "--seed", seed, "--out", name, "--quiet"];
        assert!(pushpull(folder.path(), &run).status.success());
    }
    let (code, told, _) = diff(&folder, &["one", "again"]);
    assert_eq!(code, 0);
    assert!(told.starts_with("All ") && told.ends_with(" figures are the same.\n"), "{told}");
    let (code, told, errors) = diff(&folder, &["one", "other"]);
    assert_eq!((code, errors.as_str()), (99, ""));
    assert!(told.starts_with("They come from another scenario_sha256: "), "{told}");
    assert!(told.contains("They come from another seed: 1 and 2.") && told.contains("figures differ beyond"), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    let (code, told, _) = diff(&folder, &["one", "other/summary.csv", "--quiet"]);
    assert_eq!((code, told.as_str()), (99, ""));
}

#[test]
fn changes_are_told_by_client_and_column() {
    let columns = ",requests,lost,latency_p95_ms,wasted_ratio,overloaded,new_column";
    let a = summary(columns, &["webhook,push,100,0,20.5,0.25,false,5", "poll,pull,600,0,,0.3,false,x"]);
    let b = summary(columns, &["poll,pull,606,3,40,0.303,true,y", "webhook,push,100,0,20.5,0.25,false,5"]);
    let folder = files(&a, &b);
    let (code, told, _) = diff(&folder, &["a.csv", "b.csv"]);
    assert_eq!(code, 99);
    insta::assert_snapshot!(told);
    // One percent more than 600 and than 0.3 is within one percent; words and what comes or goes are not.
    let (code, told, _) = diff(&folder, &["a.csv", "b.csv", "--tolerance", "1%"]);
    assert_eq!(code, 99);
    assert!(told.contains("4 of 14 figures differ beyond the tolerance; 2 differ within it."), "{told}");
    let own = ["lost=3", "latency_p95=any", "overloaded=any", "new_column=any"];
    let tolerances: Vec<_> = own.iter().flat_map(|own| ["--tolerance", own]).collect();
    let (code, told, _) = diff(&folder, &[&["a.csv", "b.csv", "--tolerance", "1%"], &tolerances[..]].concat());
    assert_eq!((code, told.as_str()), (0, "6 of 14 figures differ, all within the tolerance.\n"));
    let (code, _, _) = diff(&folder, &[&["a.csv", "b.csv", "--tolerance", "0.9%"], &tolerances[..]].concat());
    assert_eq!(code, 99);
}

#[test]
fn programs_read_the_same_as_people() {
    let columns = ",requests,lost";
    let a = summary(columns, &["poll,pull,600,0", "gone,pull,1,1"]);
    let b = summary(columns, &["poll,pull,606,3", "new,pull,1,1"]);
    let folder = files(&a, &b);
    let (code, csv, _) = diff(&folder, &["a.csv", "b.csv", "--format", "csv", "--tolerance", "5%"]);
    assert_eq!(code, 99);
    insta::assert_snapshot!(csv);
    let (code, json, _) = diff(&folder, &["a.csv", "b.csv", "--format", "json", "--tolerance", "lost=3"]);
    assert_eq!(code, 99);
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&document["within_tolerance"], &document["compared"]), (&false.into(), &3.into()));
    assert_eq!(document["first"]["only_rows"][0]["client"], "gone");
    assert_eq!(document["second"]["only_rows"][0]["client"], "new");
    let lost = &document["changes"][1];
    assert_eq!((&lost["column"], &lost["difference"], &lost["within"]), (&"lost".into(), &3.0.into(), &true.into()));
    assert!(lost["ratio"].is_null());
}

#[test]
fn points_of_a_sweep_are_matched_by_what_is_swept() {
    let a = summary(",param_events.rate,requests", &["poll,pull,1/s,5", "poll,pull,2/s,6"]);
    let b = summary(",param_events.rate,requests", &["poll,pull,2/s,6", "poll,pull,1/s,7", "poll,pull,3/s,7"]);
    let (code, told, _) = diff(&files(&a, &b), &["a.csv", "b.csv"]);
    assert_eq!(code, 99);
    assert!(told.contains("Only b.csv has \"poll\", sim, events.rate = 3/s."), "{told}");
    assert!(told.contains("\"poll\", sim, events.rate = 1/s\n"), "{told}");
    assert!(told.ends_with("1 of 4 figures differ beyond the tolerance. 1 row is on one side only.\n"), "{told}");
    let plain = summary(",requests", &["poll,pull,5"]);
    let (code, told, errors) = diff(&files(&a, &plain), &["a.csv", "b.csv"]);
    assert_eq!((code, told.as_str()), (2, ""));
    assert!(errors.contains("a.csv is swept over events.rate, but b.csv is no sweep"), "{errors}");
}

#[test]
fn columns_of_one_side_are_told_and_are_no_difference() {
    let a = summary(",requests,old", &["poll,pull,5,1"]);
    let b = summary(",requests,new", &["poll,pull,5,1"]);
    let (code, told, _) = diff(&files(&a, &b), &["a.csv", "b.csv"]);
    assert_eq!(code, 0);
    assert_eq!(told, "Only a.csv has the columns old.\nOnly b.csv has the columns new.\nAll 2 figures are the same.\n");
}

#[test]
fn long_lists_are_cut() {
    let columns: String = (0..60).map(|index| format!(",c{index}")).collect();
    let row = |value: u32| format!("poll,pull{}", format!(",{value}").repeat(60));
    let (a, b) = (summary(&columns, &[&row(1)]), summary(&columns, &[&row(2)]));
    let (_, told, _) = diff(&files(&a, &b), &["a.csv", "b.csv"]);
    assert!(told.contains("\nand 20 more\n") && told.contains("60 of 61 figures"), "{told}");
}

#[test]
fn what_cannot_be_compared_is_said_with_its_place() {
    let good = summary(",requests", &["poll,pull,5"]);
    let cases = [
        ("twice", summary(",requests", &["poll,pull,5", "poll,pull,5"])),
        ("word", summary(",requests,lost", &["poll,pull,5,0", "webhook,push,many,0"])),
        ("infinite", summary(",latency_p95_ms", &["poll,pull,inf"])),
        ("short row", summary(",requests", &["poll,pull,5", "webhook,push"])),
        ("other version", summary(",requests", &["poll,pull,5"]).replace("\n1,", "\n2,")),
        ("no seed", summary(",requests", &["poll,pull,5"]).replace("sim,1,1", "sim,x,1")),
        ("same column", summary(",requests,requests", &["poll,pull,5,5"])),
        ("another file", "start_s,requests\n0,5\n".to_owned()),
        ("empty", String::new()),
    ];
    let mut shown = Vec::new();
    for (name, damaged) in cases {
        let (code, told, errors) = diff(&files(&good, &damaged), &["a.csv", "b.csv"]);
        assert_eq!((code, told.as_str()), (2, ""), "{name}: {errors}");
        shown.push(errors);
    }
    let folder = files(&good, &good);
    fs::write(folder.path().join("b.csv"), [good.as_bytes(), b"\xff\xfe"].concat()).unwrap();
    for arguments in [
        &["a.csv", "nowhere"][..],
        &["a.csv", "."],
        &["a.csv", "b.csv"],
        &["a.csv", "a.csv", "--tolerance", "5"],
        &["a.csv", "a.csv", "--tolerance", "requests=5ms"],
        &["a.csv", "a.csv", "--tolerance", "reqests=5%"],
    ] {
        let (code, told, errors) = diff(&folder, arguments);
        assert_eq!((code, told.as_str()), (2, ""), "{arguments:?}: {errors}");
        shown.push(errors);
    }
    insta::assert_snapshot!(shown.join("\n"));
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd_to_be_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), behind in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.csv");
        let good = summary(",requests", &["poll,pull,5"]);
        fs::write(&path, if behind { [good.as_bytes(), &bytes].concat() } else { bytes }).unwrap();
        if let Err(error) = read(folder.path()) {
            prop_assert!(error.to_string().contains("summary.csv"));
        }
    }

    #[test]
    fn a_tolerance_is_a_share_of_the_first_value(a in 1u32..1_000_000, b in 0u32..1_000_000, percent in 0u32..200) {
        let with = |value: u32| summary(",requests", &[&format!("poll,pull,{value}")]);
        let folder = files(&with(a), &with(b));
        let sides = ["a.csv", "b.csv"].map(|name| read(&folder.path().join(name)).unwrap());
        let tolerances = Tolerances::parse(&[format!("{percent}%")]).unwrap();
        let found = compare([&sides[0], &sides[1]], &tolerances).unwrap();
        let expected = u64::from(a.abs_diff(b)) * 100 <= u64::from(a) * u64::from(percent);
        prop_assert_eq!(found.is_within(), expected);
        prop_assert_eq!(found.changes.len(), usize::from(a != b));
    }
}
