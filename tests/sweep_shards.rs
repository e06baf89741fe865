//! Shards of a sweep, and what they come to when they are put together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sweep_support;

use std::fs;

use sweep_support::Bench;

const SWEEP: [&str; 5] = ["sweep", "mine.toml", "--replications", "10", "--quiet"];
/// Ten runs, for what does not depend on their number.
const FEW: [&str; 7] =
    ["sweep", "mine.toml", "--vary", "events.rate=1/s,2/s,3/s,4/s,5/s", "--zip", "--quiet", "--vary"];
const EVERY: &str = "client.poll every so often.pull.every=1s,2s,3s,4s,5s";

fn shards(bench: &Bench, folder: &str, of: u32) {
    for shard in 1..=of {
        bench.good(&[&FEW[..], &[EVERY, "--out", folder, "--shard", &format!("{shard}/{of}")]].concat());
    }
}

#[test]
fn five_shards_come_to_the_bytes_of_the_whole() {
    let bench = Bench::new();
    bench.good(&[&SWEEP[..], &["--out", "whole"]].concat());
    for shard in 1..=5 {
        let folder = if shard % 2 == 0 { "even" } else { "odd" };
        let sweep = [&SWEEP[..], &["--out", folder, "--shard"]].concat();
        match shard {
            // Schedulers count from one, or from nought.
            4 => {
                let mut command = bench.command(&[&sweep[..], &["auto/5"]].concat());
                assert!(command.env("SLURM_ARRAY_TASK_ID", "4").status().unwrap().success());
            }
            5 => {
                let mut command = bench.command(&[&sweep[..], &["auto/5"]].concat());
                assert!(command.env("JOB_COMPLETION_INDEX", "4").status().unwrap().success());
            }
            _ => drop(bench.good(&[&sweep[..], &[&format!("{shard}/5")]].concat())),
        }
    }
    assert_eq!(bench.names("even"), ["shard-2-of-5.jsonl", "shard-4-of-5.jsonl"]);
    bench.good(&["merge", "odd", "even", "--out", "merged", "--quiet"]);
    assert!(bench.files("whole") == bench.files("merged"));
    let whole = bench.run(&[&SWEEP[..], &["--out", "whole"]].concat()).stdout;
    let merged = bench.run(&["merge", "even", "odd", "even", "--out", "merged"]).stdout;
    assert!(whole == merged, "the tables are the same too");
}

#[test]
fn a_shard_that_was_killed_is_played_again_or_gone_on_from() {
    let bench = Bench::new();
    let shard = [&SWEEP[..], &["--shard", "2/3", "--out"]].concat();
    bench.good(&[&shard[..], &["whole"]].concat());
    let whole = fs::read(bench.path("whole").join("shard-2-of-3.jsonl")).unwrap();
    for (folder, more) in [("again", &[][..]), ("resumed", &["--resume"][..])] {
        let mut child = bench.start(&[&shard[..], &[folder, "--threads", "1"]].concat(), folder, 20);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!bench.path(folder).join("shard-2-of-3.jsonl").exists(), "half a shard is none");
        assert!(bench.unfinished(folder).is_some());
        bench.good(&[&shard[..], &[folder], more].concat());
        assert_eq!(bench.names(folder), ["shard-2-of-3.jsonl"]);
        assert!(whole == fs::read(bench.path(folder).join("shard-2-of-3.jsonl")).unwrap());
    }
}

#[test]
fn a_shard_may_run_twice_at_the_same_time() {
    let bench = Bench::new();
    let shard = [&SWEEP[..], &["--shard", "1/2", "--out"]].concat();
    let mut children: Vec<_> = (0..2).map(|_| bench.start(&[&shard[..], &["both"]].concat(), "both", 1)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(bench.names("both"), ["shard-1-of-2.jsonl"]);
    bench.good(&[&shard[..], &["alone"]].concat());
    let [both, alone] =
        ["both", "alone"].map(|folder| fs::read(bench.path(folder).join("shard-1-of-2.jsonl")).unwrap());
    assert!(both == alone);
}

#[test]
fn shards_that_do_not_make_a_whole_are_refused_by_name() {
    let bench = Bench::new();
    shards(&bench, "good", 5);
    bench.good(&["merge", "good", "--out", "merged", "--quiet"]);
    let copy = |folder: &str, change: &dyn Fn(&str, String) -> Option<String>| {
        fs::create_dir(bench.path(folder)).unwrap();
        for name in bench.names("good") {
            let text = fs::read_to_string(bench.path("good").join(&name)).unwrap();
            if let Some(text) = change(&name, text) {
                fs::write(bench.path(folder).join(&name), text).unwrap();
            }
        }
    };
    let third = "shard-3-of-5.jsonl";
    copy("missing", &|name, text| (name != third && name != "shard-1-of-5.jsonl").then_some(text));
    copy("damaged", &|name, text| {
        Some(if name == third { text.replacen("\"mode\":\"pull\"", "\"mode\":\"push\"", 1) } else { text })
    });
    copy("torn", &|name, text| Some(if name == third { text[..text.len() - 1].to_owned() } else { text }));
    copy("short", &|name, text| {
        let end = text.trim_end().rfind('\n').unwrap() + 1;
        Some(if name == third { text[..end].to_owned() } else { text })
    });
    copy("renamed", &|name, text| {
        let other = fs::read_to_string(bench.path("good").join("shard-4-of-5.jsonl")).unwrap();
        Some(if name == third { other } else { text })
    });
    fs::create_dir(bench.path("empty")).unwrap();
    // The same points with another seed, and the same points in another number of shards.
    bench.good(&[&FEW[..], &[EVERY, "--out", "other", "--shard", "3/5", "--seed", "9"]].concat());
    bench.good(&[&FEW[..], &[EVERY, "--out", "fewer", "--shard", "1/2"]].concat());
    // Most are right, even where the first is not.
    bench.good(&[&FEW[..], &[EVERY, "--out", "odd", "--shard", "1/5", "--seed", "9"]].concat());
    for name in bench.names("good").iter().skip(1) {
        fs::copy(bench.path("good").join(name), bench.path("odd").join(name)).unwrap();
    }
    // A file can say anything, checksum or not.
    let vast = |name: &str, text: String| {
        let (first, rest) = text.split_once('\n').unwrap();
        let body = first.split_once("\"body\":").unwrap().1.strip_suffix('}').unwrap();
        let body = body.replacen("\"points\":5", "\"points\":5000000000000", 1);
        let vast = format!("{{\"sum\":\"{}\",\"body\":{body}}}\n{rest}", sum(&body));
        Some(if name == third { vast } else { text })
    };
    copy("vast", &vast);
    // The same sweep, and another outcome: another version of this program could say so without a checksum that tells.
    let forged = |name: &str, text: String| {
        if name != third {
            return None;
        }
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let body = lines[2].split_once("\"body\":").unwrap().1.strip_suffix('}').unwrap().replacen("sim", "SIM", 1);
        lines[2] = format!("{{\"sum\":\"{}\",\"body\":{body}}}", sum(&body));
        Some(lines.join("\n") + "\n")
    };
    copy("differing", &forged);
    let cases: &[&[&str]] = &[
        &["missing"],
        &["damaged"],
        &["torn"],
        &["short"],
        &["renamed"],
        &["empty"],
        &["nowhere"],
        &["good", "other"],
        &["good", "fewer"],
        &["good", "differing"],
        &["odd"],
        &["vast"],
    ];
    let said: Vec<_> =
        cases.iter().map(|case| bench.refused(&[&["merge"], *case, &["--out", "refused"]].concat())).collect();
    insta::assert_snapshot!(said.join("\n----\n"));
    assert!(!bench.path("refused").exists(), "nothing is written");
    // What is said to be run again makes it whole.
    bench.good(&[&FEW[..], &[EVERY, "--out", "missing", "--shard", "1/5"]].concat());
    bench.good(&[&FEW[..], &[EVERY, "--out", "missing", "--shard", "3/5"]].concat());
    bench.good(&["merge", "missing", "good", "--out", "complete", "--quiet"]);
    assert!(bench.files("complete") == bench.files("merged"));
}

#[test]
fn there_may_be_more_shards_than_files_can_be_open() {
    let bench = Bench::new();
    shards(&bench, "parts", 40);
    bench.good(&[&FEW[..], &[EVERY, "--out", "whole"]].concat());
    let merge = format!("ulimit -n 30; exec '{}' merge parts --out merged --quiet", env!("CARGO_BIN_EXE_pushpull"));
    let output = std::process::Command::new("sh").args(["-c", &merge]).current_dir(bench.path(".")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(bench.files("whole") == bench.files("merged"));
}

#[test]
fn very_many_shards_take_no_memory() {
    let bench = Bench::new();
    let said = bench.refused(&[&FEW[..], &[EVERY, "--out", "many", "--shard", "1/4294967295"]].concat());
    assert!(said.contains("at most 1,000,000 shards"), "{said}");
    bench.good(&[&FEW[..], &[EVERY, "--out", "many", "--shard", "1/1000000"]].concat());
    // Many more than may be asked for, as another version might have made them.
    let text = fs::read_to_string(bench.path("many").join("shard-1-of-1000000.jsonl")).unwrap();
    let body = "{\"shard\":{\"shard\":1,\"of\":4294967295}}";
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let second = format!("{{\"sum\":\"{}\",\"body\":{body}}}", sum(body));
    let vast = [lines[0].clone(), second].into_iter().chain(lines[2..].iter().cloned()).collect::<Vec<_>>().join("\n");
    fs::create_dir(bench.path("vast")).unwrap();
    fs::write(bench.path("vast").join("shard-1-of-4294967295.jsonl"), vast + "\n").unwrap();
    for (folder, of, more) in [("many", "1000000", "999,979"), ("vast", "4294967295", "4,294,967,274")] {
        let merge = format!("ulimit -v 2000000; exec '{}' merge {folder} --out merged", env!("CARGO_BIN_EXE_pushpull"));
        let output =
            std::process::Command::new("sh").args(["-c", &merge]).current_dir(bench.path(".")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("cannot merge: shards 2/{of}, 3/{of}, ")), "{said}");
        assert!(said.contains(&format!(" 21/{of} and {more} more are missing\n")), "{said}");
        assert!(said.ends_with(&format!(" --shard 21/{of}, and {more} more\n")), "{said}");
    }
}

/// The checksum of a line.
fn sum(body: &str) -> String {
    use sha2::Digest as _;
    hex::encode(&sha2::Sha256::digest(body)[..8])
}

#[test]
fn there_may_be_more_shards_than_runs() {
    let bench = Bench::new();
    shards(&bench, "parts", 7);
    bench.good(&[&FEW[..], &[EVERY, "--out", "whole"]].concat());
    bench.good(&["merge", "parts", "--out", "merged", "--quiet"]);
    assert!(bench.files("whole") == bench.files("merged"));
}

/// A scenario in a folder of its own that names a file beside it.
fn with_trace(bench: &Bench) {
    fs::create_dir(bench.path("sc")).unwrap();
    let times: String = (0..200).map(|number| format!("{}\n", 1_700_000_000 + number * number % 997)).collect();
    fs::write(bench.path("sc").join("ev.csv"), format!("at\n{times}")).unwrap();
    let text = "[events]\narrivals = \"trace\"\ntrace = { file = \"ev.csv\" }\n\
        [[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1s\"\n\
        [[client]]\nname = \"webhook\"\n[client.push]\nsignature = \"none\"\n\
        [sweep]\n\"client.poll.pull.every\" = [\"1s\", \"5s\", \"25s\"]\n";
    fs::write(bench.path("sc").join("tr.toml"), text).unwrap();
    let alone = text.split("[[client]]\nname = \"webhook\"").next().unwrap();
    let sweep = text.split("[sweep]").nth(1).unwrap();
    fs::write(bench.path("sc").join("alone.toml"), format!("{alone}[sweep]{sweep}")).unwrap();
}

#[test]
fn shards_of_a_scenario_that_names_files_are_merged_anywhere() {
    let bench = Bench::new();
    with_trace(&bench);
    let sweep = ["sweep", "sc/tr.toml", "--quiet", "--out"];
    bench.good(&[&sweep[..], &["whole"]].concat());
    for shard in ["1/2", "2/2"] {
        bench.good(&[&sweep[..], &["parts", "--shard", shard]].concat());
        bench.good(&["sweep", "sc/alone.toml", "--quiet", "--out", "alone", "--shard", shard]);
    }
    let merge = ["merge", "parts", "--quiet", "--out"];
    let said = bench.good(&[&merge[..], &["there", "--scenario-dir", "sc"]].concat());
    assert_eq!(said, "");
    assert!(bench.files("whole") == bench.files("there"));
    assert!(bench.path("there").join("crossover.csv").is_file());
    // Where the file is not, everything else is there.
    let said = bench.good(&[&merge[..], &["elsewhere"]].concat());
    assert!(said.contains("--scenario-dir") && said.contains("--no-crossover") && said.contains("ev.csv"), "{said}");
    assert!(!bench.path("elsewhere").join("crossover.csv").exists());
    // All but the page, which shows the crossovers.
    assert!(bench.files("whole")[..5] == bench.files("elsewhere")[..5]);
    // Who wants no crossovers, or has one client only, is told nothing.
    for arguments in [&["parts", "--no-crossover"][..], &["alone"]] {
        let said = bench.good(&[&["merge", "--quiet", "--out", "without"], arguments].concat());
        assert_eq!(said, "", "{arguments:?}");
        assert!(!bench.path("without").join("crossover.csv").exists());
    }
    // A file of that name that holds something else is not taken for it.
    fs::write(bench.path("ev.csv"), "at\n1\n2\n").unwrap();
    let said = bench.good(&[&merge[..], &["other"]].concat());
    assert!(said.contains("hold something else in this folder"), "{said}");
}
