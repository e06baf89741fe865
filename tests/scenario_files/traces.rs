//! Files of instants.

use crate::{TRACE, parse};

#[test]
fn a_trace_says_how_long_the_run_is() {
    let scenario = parse(TRACE, &[]).expect("it is valid");
    // From 1700000000.5 to 1700000100 are 99.5 s.
    assert_eq!(scenario.setup.frame.duration.as_nanos(), 101_000_000_000);
    assert!((pushpull::theory::volume(&scenario.setup, 0).events - 3.0).abs() < f64::EPSILON);
    assert!(
        parse(TRACE, &["duration=1m"])
            .is_ok_and(|shorter| (pushpull::theory::volume(&shorter.setup, 0).events - 2.0).abs() < 0.1)
    );
    assert!(parse(TRACE, &["duration=1m", "warmup=59600ms"]).is_err_and(|text| text.contains("no event of the trace")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_that_never_ends_is_given_up() {
    let problems = parse(TRACE, &["events.trace={file='/dev/zero'}"]).expect_err("it has no end");
    assert!(problems.contains("/dev/zero: a row of it is larger than 1 MiB"), "{problems}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_that_nobody_writes_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let trace = format!("events.trace={{file='{}'}}", pipe.display());
    let problems = parse(TRACE, &[&trace]).expect_err("it is no file");
    assert!(problems.contains("it is a pipe"), "{problems}");
}
