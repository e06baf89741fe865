//! What `[network]` says, and files of measured durations.

use std::path::Path;

use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::link::Handshake;
use pushpull::scenario::Scenario;

use crate::{SMALLEST, assert_comes_back, parse};

#[test]
fn bandwidth_handshake_and_tls_are_read() {
    let link = |sets: &[&str]| parse(SMALLEST, sets).expect("it is valid").setup.link;
    let plain = link(&[]);
    assert_eq!((plain.request.bandwidth, plain.handshake, plain.tls), (None, Handshake::Reuse, false));
    let both = link(&["network.bandwidth=8 Mbit/s", "network.handshake=each"]);
    assert_eq!((both.request.bandwidth, both.response.bandwidth), (Some(1_000_000), Some(1_000_000)));
    assert_eq!(both.handshake, Handshake::Each { round_trips: 1 });
    let one = link(&["network.bandwidth.response=1 KiB/s", "network.handshake=each", "network.tls=true"]);
    assert_eq!((one.request.bandwidth, one.response.bandwidth), (None, Some(1_024)));
    assert_eq!((one.handshake, one.tls), (Handshake::Each { round_trips: 2 }, true));
}

#[test]
fn what_is_wrong_with_the_network_is_explained() {
    let mistakes = [
        "network.bandwidth=10",
        "network.bandwidth=10 Mbps",
        "network.bandwidth={request='0 MiB/s'}",
        "network.bandwidth=true",
        "network.bandwidth={up='1 MiB/s', request='1 MiB/s'}",
        "network.handshake=always",
        "network.tls=1.3",
    ];
    let text: String = mistakes
        .iter()
        .map(|set| format!("{set}\n{}\n\n", parse(SMALLEST, &[set]).expect_err("it is wrong").trim_end()))
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn a_timeout_that_is_over_before_the_connection_is_open_is_named() {
    let sets = ["network.handshake=each", "network.tls=true", "client.webhook.push.timeout=119ms"];
    let problems = parse(SMALLEST, &sets).expect_err("an answer takes three round trips of 40 ms");
    assert!(problems.contains("its answer takes at least 122ms, its timeout is 119ms"), "{problems}");
    assert!(parse(SMALLEST, &["client.webhook.push.timeout=119ms"]).is_ok());
}

proptest! {
    #[test]
    fn every_network_comes_back_from_its_resolved_text(
        (up, down) in (prop::option::of(1..u64::MAX), prop::option::of(1..u64::MAX)),
        (each, tls) in any::<(bool, bool)>(),
    ) {
        let written = |bandwidth: Option<u64>| bandwidth.map_or("unlimited".to_owned(), |bytes| format!("{bytes} B/s"));
        let (up, down, handshake) = (written(up), written(down), if each { "each" } else { "reuse" });
        let set = format!("network={{bandwidth={{request='{up}', response='{down}'}}, handshake='{handshake}', tls={tls}}}");
        assert_comes_back(&parse(SMALLEST, &[&set]).expect("it is valid"), Path::new("tests"));
    }
}

/// The smallest scenario in a folder of its own, with a latency from files that are there.
fn measured(files: &[(&str, &str)], latency: &str) -> Result<Scenario, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    }
    let sets = [format!("network.latency={latency}")];
    let scenario = Scenario::parse(SMALLEST, "demo.toml", folder.path(), &sets);
    let scenario = scenario.map_err(|problems| problems.to_string().replace(&folder.path().display().to_string(), "."));
    if let Ok(scenario) = &scenario {
        assert_comes_back(scenario, folder.path());
    }
    scenario
}

#[test]
fn a_time_may_be_what_was_measured() {
    let csv = "id,took_ms\n1,20\n2,30.5\n3,10\n";
    let scenario = measured(&[("a.csv", csv)], "{empirical={file='a.csv', column='took_ms'}}").expect("it is valid");
    let Distribution::Empirical(sample) = &scenario.setup.link.request.latency else { panic!("it is not a sample") };
    let values: Vec<_> = sample.values().iter().map(|value| value.as_nanos()).collect();
    assert_eq!(values, [10_000_000, 20_000_000, 30_500_000]);
    assert_eq!(scenario.setup.link.response.latency, scenario.setup.link.request.latency);
    let json = scenario.to_json();
    assert_eq!(
        json["network"]["latency"],
        serde_json::json!({ "empirical": { "file": "a.csv", "column": "took_ms" } })
    );
    let legs = "{request={empirical='a.csv'}, response={empirical='b.csv'}}";
    let scenario = measured(&[("a.csv", "1ms\n"), ("b.csv", "2ms\n")], legs).expect("it is valid");
    let latency = [&scenario.setup.link.request, &scenario.setup.link.response].map(|leg| leg.latency.mean_secs());
    assert_eq!(latency, [0.001, 0.002]);
}

#[test]
fn every_time_may_be_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.csv"), "1ms\n2ms\n").expect("it can be written");
    for key in [
        "provider.api.service_time",
        "provider.dispatch.delay",
        "client.poll.pull.service_time",
        "client.webhook.receiver.service_time",
    ] {
        let sets = [format!("{key}={{empirical='a.csv'}}")];
        let scenario = Scenario::parse(SMALLEST, "demo.toml", folder.path(), &sets);
        assert_comes_back(&scenario.unwrap_or_else(|problems| panic!("{problems}")), folder.path());
    }
}

#[test]
fn the_hash_is_of_the_samples_too() {
    let hash = |csv: &str| measured(&[("a.csv", csv)], "{empirical='a.csv'}").expect("it is valid").sha256();
    assert_eq!(hash("1ms\n2ms\n"), hash("took\n2ms\n\n1000us\n"), "the same sample, written otherwise");
    assert_ne!(hash("1ms\n2ms\n"), hash("1ms\n3ms\n"));
    assert_ne!(hash("1ms\n2ms\n"), hash("1ms\n2ms\n2ms\n"));
}

#[test]
fn what_is_wrong_with_a_file_of_durations_is_explained() {
    let files = [("bare.csv", "latency\n12\n"), ("bad.csv", "latency_ms\n12\nsoon\n"), ("empty.csv", "latency_ms\n")];
    let mistakes = [
        "{empirical='none.csv'}",
        "{empirical='bare.csv'}",
        "{empirical='bad.csv'}",
        "{empirical='empty.csv'}",
        "{empirical={file='bad.csv', column='latncy_ms'}}",
        "{empirical={file='bad.csv', colum='latency_ms'}}",
        "{empirical={column='latency_ms'}}",
        "{empirical=7}",
        "{empirical={file=7}}",
        "{empiric='bad.csv'}",
    ];
    let text: String = mistakes
        .iter()
        .map(|latency| format!("{latency}\n{}\n\n", measured(&files, latency).expect_err("it is wrong").trim_end()))
        .collect();
    insta::assert_snapshot!(text);
}
