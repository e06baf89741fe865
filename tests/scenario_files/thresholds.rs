//! What a file expects of the results: what it may say, and what is wrong with what it may not.

use crate::{SMALLEST, parse};

fn with(thresholds: &str) -> String {
    format!("{SMALLEST}{thresholds}")
}

#[test]
fn thresholds_come_back_in_their_one_form() {
    let text = with(
        "[[threshold]]\nexpect = \"webhook.latency_p95_ms<2s\"\nengine = \"sim\"\n\
         [[threshold]]\nexpect = '\"poll\".wasted_ratio <= 3*webhook.wasted_ratio'\n",
    );
    let scenario = parse(&text, &[]).unwrap();
    let resolved = scenario.to_toml();
    let forms = [
        "expect = \"webhook.latency_p95 < 2s\"\nengine = \"sim\"",
        "expect = \"poll.wasted_ratio <= 3 * webhook.wasted_ratio\"",
    ];
    assert!(forms.iter().all(|form| resolved.contains(form)), "{resolved}");
    let again = parse(&resolved, &[]).unwrap();
    assert_eq!(again.thresholds, scenario.thresholds);
    assert_eq!(again.to_toml(), resolved);
}

#[test]
fn what_is_expected_is_no_part_of_what_is_simulated() {
    let hash = |text: &str| parse(text, &[]).unwrap().sha256();
    assert_eq!(hash(SMALLEST), hash(&with("[[threshold]]\nexpect = \"lost == 0\"\n")));
}

#[test]
fn a_threshold_of_the_command_line_joins_those_of_the_file() {
    let scenario = parse(&with("[[threshold]]\nexpect = \"lost == 0\"\n"), &[]).unwrap();
    let more = ["poll.requests < 5".to_owned(), "webhook.requests < 5".to_owned()];
    let scenario = scenario.expecting(&more).unwrap();
    let texts: Vec<_> = scenario.thresholds.iter().map(|threshold| threshold.expect.to_string()).collect();
    assert_eq!(texts, ["lost == 0", "poll.requests < 5", "webhook.requests < 5"]);
}

#[test]
fn mistakes_in_thresholds_are_explained() {
    let one = |expect: &str| with(&format!("[[threshold]]\nexpect = {expect}\n"));
    let mut texts: Vec<String> = [
        "\"webhok.latency_p95 < 2s\"",
        "\"stranger.latency_p95 < 2s\"",
        "\"webhook.latncy_p95 < 2s\"",
        "\"webhook.latency < 2s\"",
        "\"\\\"webhook\\\".latncy_p95 < 2s\"",
        "'webhook.lost < 3 * \"pol\".lost'",
        "\"webhook.latency_p95 < 2\"",
        "\"webhook.latency_p95 < 2 sec\"",
        "\"webhook.wasted < 5%\"",
        "\"webhook.wasted_ratio < 5\"",
        "\"webhook.provider_rps_mean < 5\"",
        "\"webhook.provider_bytes_in < 5ms\"",
        "\"webhook.latency_p95 + webhook.requests < 2s\"",
        "\"webhook.overloaded == 0\"",
        "\"webhook.lost = 0\"",
        "\"webhook.lost\"",
        "\"webhook\"",
        "\"webhook.lost / 2 < 5\"",
        "\"webhook.lost < 5 requests\"",
        "\"webhook.lost < (5\"",
        "\"1s < webhook.latency_p95 < 2s\"",
        "\"2 < 3\"",
        "\"\"",
        "\"\"\"webhook.latncy_p95 <\n 2s\"\"\"",
        "5",
    ]
    .into_iter()
    .map(one)
    .collect();
    texts.extend([
        with("[[threshold]]\nexpects = \"lost == 0\"\n"),
        with("[[threshold]]\nexpect = \"lost == 0\"\nengine = \"both\"\n"),
        with("[threshold]\nexpect = \"lost == 0\"\n"),
        one(&format!("\"lost == 0{}\"", " + 0".repeat(150))),
        with(&"[[threshold]]\nexpect = \"lost == 0\"\n".repeat(65)),
    ]);
    let mut shown: Vec<String> = texts
        .iter()
        .map(|text| match parse(text, &[]) {
            Ok(scenario) => panic!("{text} went through: {}", scenario.to_toml()),
            Err(problems) => problems,
        })
        .collect();
    let more = ["webhok.lost == 0".to_owned(), "lost == 0".to_owned(), "lost < 2s".to_owned(), "x".repeat(501)];
    shown.push(parse(SMALLEST, &[]).unwrap().expecting(&more).unwrap_err().to_string());
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}
