//! What varies in a sweep: which points there are, and what is said of axes that are wrong.

use std::path::Path;

use proptest::prelude::*;
use pushpull::scenario::{Changes, Template};

use crate::{SMALLEST, assert_comes_back, parse};

fn template(text: &str, varied: &[&str], zip: bool) -> Result<Template, String> {
    let varied = varied.iter().map(|axis| (*axis).to_owned()).collect();
    let changes = Changes { varied, zip, ..Changes::default() };
    Template::parse(text, "demo.toml", Path::new("tests"), &changes).map_err(|problems| problems.to_string())
}

/// The texts of every value of every point.
fn points(template: &Template) -> Vec<Vec<String>> {
    let axes = template.axes();
    (0..axes.points())
        .map(|point| axes.settings(point).into_iter().map(|setting| setting.value.text).collect())
        .collect()
}

fn texts(varied: &str) -> Vec<String> {
    let template = template(SMALLEST, &[varied], false).unwrap_or_else(|problems| panic!("{problems}"));
    points(&template).into_iter().flatten().collect()
}

const SWEPT: &str = r#"
[sweep]
"events.rate" = ["1/s", "10/s"]
"client.poll.pull.every" = { from = "1s", to = "100s", points = 3, scale = "log" }
network.loss = [0, 0.5]
"#;

#[test]
fn every_value_meets_every_other_the_last_key_fastest() {
    let text = format!("{SMALLEST}{SWEPT}");
    let template = template(&text, &[], false).unwrap();
    let keys: Vec<_> = template.axes().iter().map(|axis| axis.key.clone()).collect();
    assert_eq!(keys, ["events.rate", "client.poll.pull.every", "network.loss"]);
    let points = points(&template);
    assert_eq!(points.len(), 12);
    assert_eq!(points[0], ["1/s", "1s", "0"]);
    assert_eq!(points[1], ["1/s", "1s", "0.5"]);
    assert_eq!(points[2], ["1/s", "10s", "0"]);
    assert_eq!(points[11], ["10/s", "100s", "0.5"]);
    // A point is the scenario that the same values give by `--set`.
    for point in 0..12 {
        let settings = template.axes().settings(point);
        let sets: Vec<_> = settings.iter().map(|setting| setting.as_set()).collect();
        let sets: Vec<_> = sets.iter().map(String::as_str).collect();
        let scenario = template.at(&settings, 0).unwrap();
        assert_eq!(scenario.sha256(), parse(SMALLEST, &sets).unwrap().sha256(), "{sets:?}");
    }
    // Without its sweep the file is what it was.
    assert_eq!(template.base().sha256(), parse(SMALLEST, &[]).unwrap().sha256());
    assert_comes_back(template.base(), Path::new("tests"));
}

#[test]
fn the_command_line_goes_before_the_file() {
    let text = format!("{SMALLEST}{SWEPT}");
    let varied = ["client.\"poll\".pull.every=7s", "client.webhook.push.timeout=3s,4s", "events.rate=1/s..3/s:3"];
    let template = template(&text, &varied, false).unwrap();
    let keys: Vec<_> = template.axes().iter().map(|axis| (axis.key.as_str(), axis.values().len())).collect();
    let expected =
        [("events.rate", 3), ("client.poll.pull.every", 1), ("network.loss", 2), ("client.webhook.push.timeout", 2)];
    assert_eq!(keys, expected);
}

#[test]
fn values_meet_one_by_one_where_that_is_asked_for() {
    let zipped = template(SMALLEST, &["events.rate=1/s,2/s,3/s", "network.loss=0,0.1,0.2"], true).unwrap();
    assert_eq!(points(&zipped), [["1/s", "0"], ["2/s", "0.1"], ["3/s", "0.2"]]);
    let text = format!("{SMALLEST}[sweep]\ncombine = \"zip\"\n\"events.rate\" = [\"1/s\"]\n\"network.loss\" = [0.5]\n");
    assert_eq!(points(&template(&text, &[], false).unwrap()), [["1/s", "0.5"]]);
}

#[test]
fn ranges_are_written_as_people_would() {
    let cases: &[(&str, &[&str])] = &[
        ("events.rate=0.001/s..10/s:5:log", &["0.001/s", "0.01/s", "0.1/s", "1/s", "10/s"]),
        ("events.rate=1/s..4/s:4", &["1/s", "2/s", "3/s", "4/s"]),
        ("events.rate=1/m..1/s:3:log", &["1/m", "0.129099/s", "1/s"]),
        ("client.poll.pull.every=1s..60s:4:log", &["1s", "3.91487s", "15.3262s", "60s"]),
        ("client.poll.pull.every=30s..90s:3:linear", &["30s", "1m", "90s"]),
        ("client.poll.pull.every=1h..3h:3", &["1h", "2h", "3h"]),
        ("network.latency=1ms..4ms:3:log", &["1ms", "2ms", "4ms"]),
        ("consumers=1..1000:4:log", &["1", "10", "100", "1000"]),
        ("network.loss=0..0.3:4", &["0", "0.1", "0.2", "0.3"]),
        ("network.bandwidth=1 Mbit/s..3 Mbit/s:3", &["1 Mbit/s", "2 Mbit/s", "3 Mbit/s"]),
        ("events.payload=1 KiB..3 KiB:3", &["1 KiB", "2 KiB", "3 KiB"]),
        ("provider.api.workers=1..3:3", &["1", "2", "3"]),
        // Six digits do not tell these apart, so they have more.
        ("client.poll.pull.every=1000000001ns..1000000003ns:3", &["1000000001ns", "1.000000002s", "1000000003ns"]),
        ("network.latency.lognormal.p99=1s..3s:3", &["1s", "2s", "3s"]),
        // What is no range is a list, and words are values too.
        ("network.handshake=reuse,each", &["reuse", "each"]),
        ("provider.api.workers=4,unlimited", &["4", "unlimited"]),
        ("network.latency=5ms,{ exponential = { mean = \"5ms\" } }", &["5ms", "{ exponential = { mean = \"5ms\" } }"]),
    ];
    for (varied, expected) in cases {
        assert_eq!(texts(varied), *expected, "{varied}");
    }
}

#[test]
fn files_that_values_name_are_read() {
    let varied = ["events.trace.column=committed,started"];
    let text = "[events]\narrivals = \"trace\"\ntrace = { file = \"scenario_trace.csv\", column = \"committed\" }\n\n\
                [[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1m\"\n";
    let wrong = template(text, &varied, false).unwrap();
    assert!(wrong.at(&wrong.axes().settings(0), 0).is_ok());
    assert!(wrong.at(&wrong.axes().settings(1), 0).is_err());
}

#[test]
fn what_is_wrong_with_an_axis_is_explained() {
    let with = |sweep: &str| (format!("{SMALLEST}\n[sweep]\n{sweep}\n"), vec![], false);
    let vary = |varied: &[&'static str]| (SMALLEST.to_owned(), varied.to_vec(), false);
    let cases = [
        with("\"events.rtae\" = [\"1/s\"]"),
        with("\"client.pol.pull.every\" = [\"1s\"]"),
        with("\"schema\" = [1]\n\"client.poll.name\" = [\"a\", \"b\"]\n\"engine\" = [\"sim\", \"live\"]"),
        with("\"events.rate\" = []"),
        with("\"events.rate\" = \"1/s\""),
        with("\"events.rate\" = { from = \"1/s\", to = \"2/s\", points = 0 }"),
        with("\"events.rate\" = { from = \"1/s\", to = \"2/s\", points = 1 }"),
        with("\"events.rate\" = { from = \"1/s\", to = \"2/s\", points = 1000001 }"),
        with("\"events.rate\" = { from = \"2/s\", to = \"1/s\", points = 3 }"),
        with("\"events.rate\" = { from = \"0/s\", to = \"1/s\", points = 3, scale = \"log\" }"),
        with("\"events.rate\" = { from = \"1\", to = \"2/s\", points = 3 }"),
        with("\"events.rate\" = { from = \"1/s\", to = \"2/s\", number = 3 }"),
        with("\"events.rate\" = { from = \"1/s\", to = \"2/s\" }"),
        with("\"events.rate\" = { from = \"1/s\", to = \"2/s\", points = 3, scale = \"logarithmic\" }"),
        with("\"network.handshake\" = { from = \"reuse\", to = \"each\", points = 3 }"),
        with("\"consumers\" = { from = 1, to = 3, points = 9 }"),
        with("\"events.rate\" = [\"1/s\", \"60/m\"]"),
        with("\"events.rate\" = [\"1/s\"]\n\"network.latency\" = [\"1ms\"]\nnetwork.latency.request = [\"2ms\"]"),
        with("\"client.poll.pull.every\" = [\"1s\"]\n'client.\"poll\".pull.every' = [\"2s\"]"),
        with("combine = \"zap\"\n\"events.rate\" = [\"1/s\"]"),
        (format!("sweep = 3\n{SMALLEST}"), vec![], false),
        vary(&["events.rate"]),
        vary(&["events.rate="]),
        vary(&["events.rate=1/s,,2/s"]),
        vary(&["events.rate=1/s..2/s"]),
        vary(&["events.rate=1/s..:3"]),
        vary(&["events.rate=1/s..2/s:three"]),
        vary(&["events.rate=1/s..2/s:3:cubic"]),
        vary(&["events.rate=1/s..2/s..3/s:3"]),
        vary(&["events.rate=1/s", "events.rate=2/s"]),
        vary(&["events.rate.fast=1/s"]),
        vary(&["sweep.combine=zip"]),
        (SMALLEST.to_owned(), vec!["events.rate=1/s,2/s", "network.loss=0,0.1,0.2"], true),
    ];
    let shown: Vec<_> = cases
        .into_iter()
        .map(|(text, varied, zip)| match template(&text, &varied, zip) {
            Ok(_) => panic!("{text} {varied:?} went through"),
            Err(problems) => problems,
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}

#[test]
fn a_value_that_its_key_refuses_is_shown_where_it_stands() {
    let cases = [
        (format!("{SMALLEST}\n[sweep]\n\"client.poll.pull.every\" = [\"1s\", \"0s\", \"5\"]\n"), vec![]),
        (
            format!(
                "{SMALLEST}\n[sweep]\n\"client.poll.pull.every\" = {{ from = \"10ms\", to = \"1s\", points = 3 }}\n"
            ),
            vec![],
        ),
        (SMALLEST.to_owned(), vec!["client.poll.pull.every=1s,10ms"]),
        (SMALLEST.to_owned(), vec!["network.handshake=reuse,eahc"]),
        (SMALLEST.to_owned(), vec!["events.rate=1/s,2/s", "warmup=1m,2h"]),
        (SMALLEST.to_owned(), vec!["network.latency.request=5ms,6ms", "network.loss=0,2"]),
    ];
    let mut shown = Vec::new();
    for (text, varied) in cases {
        let template = template(&text, &varied, false).unwrap_or_else(|problems| panic!("{problems}"));
        let axes = template.axes();
        let wrong = (0..axes.points()).filter_map(|point| template.at(&axes.settings(point), 0).err());
        shown.extend(wrong.map(|problems| problems.to_string()));
    }
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}

#[test]
fn a_replication_has_a_seed_of_its_own_and_nothing_else() {
    let template = template(&format!("seed = 9\n{SMALLEST}"), &["events.rate=1/s,2/s"], false).unwrap();
    let settings = template.axes().settings(1);
    let seeds: Vec<_> = (0..3).map(|replication| template.at(&settings, replication).unwrap()).collect();
    assert_eq!(seeds[0].seed, 9);
    assert_eq!(seeds[2].seed, pushpull::seed::replicated(9, 2));
    let set = format!("seed={}", seeds[2].seed);
    assert_eq!(seeds[2].setup, parse(SMALLEST, &["events.rate=2/s", &set]).unwrap().setup);
}

proptest! {
    #[test]
    fn a_grid_goes_through_every_combination_once(lengths in prop::collection::vec(1..5usize, 1..5)) {
        let keys = ["consumers", "seed", "events.records", "client.webhook.receiver.queue"];
        let varied: Vec<String> = keys
            .iter()
            .zip(&lengths)
            .map(|(key, length)| format!("{key}={}", (1..=*length).map(|n| n.to_string()).collect::<Vec<_>>().join(",")))
            .collect();
        let varied: Vec<_> = varied.iter().map(String::as_str).collect();
        let template = template(SMALLEST, &varied, false).unwrap();
        let points: Vec<Vec<usize>> = points(&template)
            .into_iter()
            .map(|point| point.into_iter().map(|text| text.parse().unwrap()).collect())
            .collect();
        prop_assert_eq!(points.len(), lengths.iter().product::<usize>());
        // Counting up with the last place fastest is the order of lists.
        prop_assert!(points.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_range_has_its_ends_and_even_steps_between_them(
        low in 1..5_000u64,
        factor in 2..1_000u64,
        count in 2..40usize,
        log in any::<bool>(),
    ) {
        let high = low * factor;
        let scale = if log { "log" } else { "linear" };
        let varied = format!("client.poll.pull.every={low}ms..{high}ms:{count}:{scale}");
        let template = template(SMALLEST, &[&varied], false).unwrap();
        let axis = template.axes().iter().next().unwrap();
        let numbers: Vec<f64> = axis.values().iter().map(|value| value.number.unwrap()).collect();
        prop_assert_eq!(numbers.len(), count);
        prop_assert_eq!(axis.values()[0].text.clone(), format!("{low}ms"));
        prop_assert_eq!(axis.values()[count - 1].text.clone(), format!("{high}ms"));
        let steps = (count - 1) as f64;
        for (index, pair) in numbers.windows(2).enumerate() {
            // Each is rounded to six digits or more, by at most 5e-6 of itself.
            let (step, expected, error) = if log {
                let factor = libm::pow(factor as f64, 1.0 / steps);
                (pair[1] / pair[0], factor, 2e-5 * factor)
            } else {
                (pair[1] - pair[0], (high - low) as f64 / 1e3 / steps, 2e-5 * pair[1])
            };
            prop_assert!((step - expected).abs() <= error, "{}: {} for {}", index, step, expected);
        }
    }

    #[test]
    fn no_text_of_an_axis_is_too_odd_to_be_read(text in "[-a-z0-9./:=,\"{}\\[\\] ]{0,30}") {
        // A sentence or an axis, and no panic.
        let _ = template(SMALLEST, &[&text], false);
        let _ = template(SMALLEST, &[&format!("events.rate={text}")], false);
        let _ = template(&format!("{SMALLEST}\n[sweep]\n\"{}\" = [1]\n", text.replace('"', "")), &[], false);
    }
}
