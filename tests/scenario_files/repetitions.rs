//! How often a scenario is run, and a warm-up that is to be found: what a file says of them.

use pushpull::scenario::{Scenario, schema};
use pushpull::time::{Span, Time};

use crate::{SMALLEST, assert_comes_back, parse};

fn good(sets: &[&str]) -> Scenario {
    parse(SMALLEST, sets).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_scenario_is_run_once_unless_it_says_otherwise() {
    let once = good(&[]);
    assert_eq!((once.replications, once.precision, once.is_replicated()), (None, None, false));
    assert!(!good(&["replications=1"]).is_replicated());
    let often = good(&["replications=20", "precision=2.50 %"]);
    assert_eq!((often.replications, often.is_replicated()), (Some(20), true));
    assert_eq!(often.precision.map(|percent| (percent.share(), percent.to_string())), Some((0.025, "2.5%".to_owned())));
    assert_comes_back(&often, std::path::Path::new("."));
    assert!(
        often.to_toml().contains("seed = 1\nreplications = 20\nprecision = \"2.5%\"\nconsumers"),
        "{}",
        often.to_toml()
    );
    // How often a run is repeated makes no other run of it.
    assert_eq!(often.sha256(), once.sha256());
}

#[test]
fn a_replication_is_the_same_scenario_with_another_seed() {
    let fault = "fault=[{kind='poller-down', at='1m', for='1m', consumers=0.5}]";
    let scenario = good(&["consumers=10", fault]);
    let other = scenario.reseeded(99);
    let read = good(&["consumers=10", fault, "seed=99"]);
    assert_eq!((&other.setup, other.sha256(), other.to_toml()), (&read.setup, read.sha256(), read.to_toml()));
    assert_ne!(other.setup, scenario.setup);
}

#[test]
fn a_warm_up_that_is_to_be_found_is_none_until_then() {
    let seeking = good(&["warmup=auto"]);
    assert!(seeking.seeks_warmup && seeking.to_toml().contains("warmup = \"auto\""));
    assert_comes_back(&seeking, std::path::Path::new("."));
    assert_eq!(seeking.setup.frame.warmup, Time::ZERO);
    let found = seeking.with_warmup(Span::from_secs(90));
    let written = good(&["warmup=90s"]);
    assert_eq!((&found.setup, found.to_toml(), found.sha256()), (&written.setup, written.to_toml(), written.sha256()));
    for (changing, said) in [
        ("events.arrivals=daily", "arrivals = \"daily\""),
        ("warmup=often", "is not a duration"),
        ("warmup=5", "has no unit"),
    ] {
        let problems = parse(SMALLEST, &["warmup=auto", changing]).expect_err("it means nothing");
        assert!(problems.contains(said), "{problems}");
    }
}

#[test]
fn the_schema_knows_percentages_and_the_word() {
    let validator = jsonschema::validator_for(&schema()).expect("it is a schema");
    let is_good = |key: &str, value: serde_json::Value| {
        let mut json = good(&[]).to_json();
        json[key] = value;
        validator.is_valid(&json)
    };
    assert!(is_good("precision", "2%".into()) && is_good("precision", " 0.5 % ".into()));
    assert!(!is_good("precision", "2".into()) && !is_good("precision", 2.into()) && !is_good("precision", "%".into()));
    assert!(is_good("warmup", "auto".into()) && !is_good("warmup", "never".into()));
    assert!(is_good("replications", 10_000.into()) && !is_good("replications", 0.into()));
}
