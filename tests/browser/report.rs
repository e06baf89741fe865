//! `report.html` from the disk.

use std::path::Path;
use std::process::Command;

use crate::driver::{LOOKS, with_browser};
use crate::is_clean;

/// Runs a command of the program, and gives back its report.
fn report(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pushpull"))
        .args(arguments)
        .args(["--quiet", "--format", "csv", "--out"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    format!("file://{}", folder.join("report.html").display())
}

/// Nothing is cut, nothing lies over anything else, nothing comes up in the console, nothing leaves the disk; wide and
/// narrow, in light and dark.
#[test]
fn reports_are_whole_in_every_look() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 7] = [
        &["run", "quickstart", "--set", "duration=3s"],
        &["run", "rare-events", "--engine", "sim"],
        &["run", "stripe-outage"],
        &["run", "retry-storm"],
        &["run", "flaky-network", "--engine", "sim", "--replications", "3"],
        &["sweep", "crossover-sweep"],
        &["sweep", "crossover-sweep", "--vary", "network.latency=10ms,50ms,200ms"],
    ];
    let pages: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| (case.join(" "), report(&folder.path().join(number.to_string()), case)))
        .collect();
    with_browser(async |browser| {
        for (case, url) in &pages {
            for look in LOOKS {
                browser.look(look).await;
                browser.open(url).await;
                let shown =
                    browser.ask("return document.querySelectorAll('svg').length > 0 && document.title !== ''").await;
                assert_eq!(shown, true, "{case}");
                let flaws = browser.flaws().await;
                assert!(flaws.is_empty(), "{case} at {look:?}: {flaws:#?}");
            }
            is_clean(&browser, case).await;
        }
        browser
    });
}
