//! Records that are opened and polled one by one: what a file says of them, and what it may not say.

use pushpull::distribution::Distribution;
use pushpull::policy::poller::Target;
use pushpull::scenario::Scenario;
use pushpull::time::Span;

use crate::{SMALLEST, parse};

fn good(sets: &[&str]) -> Scenario {
    parse(SMALLEST, sets).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_lifecycle_says_when_records_change() {
    assert_eq!(good(&[]).setup.workload.lifecycle, None);
    let scenario = good(&["events.lifecycle={time='10m'}"]);
    let lifecycle = scenario.setup.workload.lifecycle.clone().unwrap();
    assert_eq!((lifecycle.changes, lifecycle.time), (1, Distribution::Constant(Span::from_secs(600))));
    let scenario = good(&["events.lifecycle={changes=3, time={exponential={mean='2h'}}}"]);
    assert_eq!(scenario.setup.changes(), Some(3));
    let again = parse(&scenario.to_toml(), &[]).unwrap();
    assert_eq!(again.setup, scenario.setup);
    assert!(!scenario.to_toml().contains("records ="), "{}", scenario.to_toml());
}

#[test]
fn records_are_polled_without_end_unless_the_file_says_so() {
    let target = |sets: &[&str]| good(sets).setup.clients[0].pull.as_ref().map(|pull| pull.target);
    let record = "client.poll.pull.target=record";
    assert_eq!(target(&[record]), Some(Target::Record { tries: None }));
    assert_eq!(target(&[record, "client.poll.pull.tries=unlimited"]), Some(Target::Record { tries: None }));
    let sets = [record, "client.poll.pull.tries=7"];
    assert_eq!(target(&sets), Some(Target::Record { tries: Some(7) }));
    let scenario = good(&sets);
    assert_eq!(parse(&scenario.to_toml(), &[]).unwrap().setup, scenario.setup);
}

#[test]
fn mistakes_about_records_are_explained() {
    let mistakes: &[&[&str]] = &[
        &["events.lifecycle={changes=2}"],
        &["events.lifecycle={changes=0, time='1m'}"],
        &["events.lifecycle={changes=1, time=5}"],
        &["events.lifecycle={change=1, time='1m'}"],
        &["events.lifecycle='10m'"],
        &["events.lifecycle={time='10m'}", "events.records=5"],
        &["client.poll.pull.target=order"],
        &["client.poll.pull.tries=3"],
        &["client.poll.pull.target=record", "client.poll.pull.tries=0"],
        &["client.poll.pull.target=record", "client.poll.pull.tries=some"],
        &["client.poll.pull.target=record", "events.records=10001"],
        &["client.poll.pull.target=record", "consumers=10001"],
        &["client.poll.pull.target=record", "client.poll.pull.overlap=5s"],
        &["events.lifecycle={changes=1000, time='1h'}", "events.rate=1000/s", "duration=3650d"],
    ];
    let shown: Vec<String> = mistakes
        .iter()
        .map(|sets| match parse(SMALLEST, sets) {
            Ok(scenario) => panic!("{sets:?} went through: {}", scenario.to_toml()),
            Err(problems) => problems,
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}
