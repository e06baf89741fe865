//! What `pushpull trace` draws.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use pushpull::run::builtin;
use unicode_width::UnicodeWidthStr as _;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    for name in ["NO_COLOR", "LC_ALL", "LC_CTYPE"] {
        command.env_remove(name);
    }
    command.env("LANG", "C.UTF-8");
    command
}

fn pushpull(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn chart(arguments: &[&str]) -> String {
    let output = pushpull(&[&["trace"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn error(arguments: &[&str]) -> String {
    let output = pushpull(&[&["trace"], arguments].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty());
    text(&output.stderr)
}

#[test]
fn each_scenario_tells_its_own_story() {
    let cases: [(&str, &[&str]); 15] = [
        ("quickstart", &["quickstart"]),
        ("one client that asks", &["quickstart", "--client", "poll every 200 ms"]),
        ("one client that is called", &["quickstart", "--client", "webhook"]),
        ("flaky-network", &["flaky-network", "--set", "network.loss=0.35", "--seed", "5"]),
        ("stripe-outage", &["stripe-outage", "--from", "2h", "--events", "2"]),
        ("hybrid", &["hybrid", "--set", "network.loss=0.4", "--events", "3"]),
        ("forged and believed", &["forged", "--events", "3", "--seed", "3"]),
        ("forged and refused", &["forged", "--client", "checks the signature", "--events", "3", "--seed", "3"]),
        ("thin-webhooks", &["thin-webhooks", "--client", "thin"]),
        ("conditional", &["conditional", "--client", "conditional", "--events", "2"]),
        ("long-poll", &["long-poll"]),
        ("order-status", &["order-status", "--events", "2"]),
        ("busy", &["busy-feed", "--set", "events.rate=5000/s", "--set", "warmup=0s"]),
        ("provider-outage", &["provider-outage", "--events", "2"]),
        ("github-no-retries", &["github-no-retries", "--set", "network.loss=0.5", "--events", "3"]),
    ];
    for (name, arguments) in cases {
        let chart = chart(arguments);
        assert!(chart.lines().all(|line| line.width() <= 80), "{chart}");
        insta::assert_snapshot!(name, chart);
    }
}

#[test]
fn colours_and_narrow_terminals_change_the_looks_and_not_the_words() {
    let plain = chart(&["quickstart"]);
    assert!(!plain.contains('\x1b'), "nobody asked for colours where there is no terminal");
    let ascii = chart(&["quickstart", "--ascii"]);
    assert!(ascii.is_ascii() && ascii.lines().count() == plain.lines().count(), "{ascii}");
    let old = command(&["trace", "quickstart"]).env("LANG", "de_DE.ISO-8859-1").output().unwrap();
    assert_eq!(text(&old.stdout), ascii, "a locale that is not UTF-8 has no other characters");
    let overruled = command(&["trace", "quickstart"]).env("LANG", "C").env("LC_ALL", "en_US.utf8").output().unwrap();
    assert_eq!(text(&overruled.stdout), plain);
    let narrow = chart(&["quickstart", "--width", "60"]);
    assert!(narrow.lines().all(|line| line.width() <= 60), "{narrow}");
    assert!(narrow.contains("anything new?") && narrow.contains("event "), "{narrow}");
}

#[test]
fn a_chart_of_many_consumers_says_that_it_shows_one() {
    let chart = chart(&["many-consumers", "--events", "1"]);
    assert!(chart.contains("consumer 1 of 1,000"), "{chart}");
}

#[test]
fn mistakes_are_refused_with_a_sentence_that_helps() {
    let cases: [&[&str]; 7] = [
        &["quickstart", "--client", "webhok"],
        &["quickstart", "--client", "somebody else"],
        &["hybrid", "--client", "webhook alone", "--client", "webhook + hourly poll"],
        &["quickstart", "--from", "1h"],
        &["quickstart", "--from", "soon"],
        &["quickstart", "--events", "0"],
        &["quickstart", "--width", "20"],
    ];
    let told: Vec<String> =
        cases.iter().map(|arguments| format!("$ trace {arguments:?}\n{}", error(arguments))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn real_http_is_played_only_as_long_as_it_takes() {
    // Played to its end, this would take a day.
    let chart = chart(&["quickstart", "--engine", "live", "--events", "2", "--quiet", "--set", "duration=1d"]);
    assert!(chart.contains("real HTTP on loopback"), "{chart}");
    for word in ["anything new?", "event 4", "late", "ok"] {
        assert!(chart.contains(word), "{word}: {chart}");
    }
}

#[test]
fn a_run_shows_the_same_below_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let output = pushpull(&["run", "quickstart", "--engine", "sim", "--timeline", "--quiet", "--out", out]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (below, alone) = (text(&output.stdout), chart(&["quickstart"]));
    let picture = |text: &str| text[text.find("PULL:").unwrap()..].to_owned();
    assert_eq!(picture(&below), picture(&alone));
    let refused = pushpull(&["run", "quickstart", "--timeline", "--format", "csv", "--out", out]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--timeline"), "{}", text(&refused.stderr));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, no line is wider than asked for, and every event that is followed is on the chart.
    #[test]
    fn no_line_is_wider_than_asked_for(
        scenario in prop::sample::select(builtin::ALL),
        width in 60_usize..=200,
        events in 1_usize..6,
        seed in 0_u64..1_000,
        loss in prop::sample::select(vec!["0", "0.05", "0.4"]),
        start in 0_u64..300,
        is_ascii in any::<bool>(),
    ) {
        use pushpull::engine::Control;
        use pushpull::evaluation::story::{Material, Shown, StoryError};
        use pushpull::report::sequence::{Chart, Look, render};
        use pushpull::report::table::Style;
        use pushpull::scenario::{Changes, Template};
        use pushpull::time::{Span, Time};

        let sets = vec![format!("network.loss={loss}"), format!("seed={seed}"), "consumers=2".to_owned()];
        let changes = Changes { sets, ..Changes::default() };
        let parsed = Template::parse(scenario.text, scenario.name, std::path::Path::new("."), &changes);
        let mut scenario = parsed.map_err(|problems| TestCaseError::fail(problems.render(false)))?.into_base();
        for client in &mut scenario.setup.clients {
            client.name.push_str(" 日本語の名前");
        }
        let setup = &scenario.setup;
        let from = Time::ZERO + Span::from_secs(start).scale(0.001).scale(setup.frame.duration.as_nanos() as f64 / 2e9);
        let shown = Shown::best(&setup.clients);
        let material = match Material::in_virtual_time(setup, shown, from, events, &Control::default()) {
            Err(StoryError::Nothing(_)) => return Ok(()),
            told => told.map_err(|error| TestCaseError::fail(error.to_string()))?,
        };
        let story = material.story(setup);
        let followed: Vec<u32> = story.events.iter().map(|told| told.event.serial).collect();
        let chart = Chart { title: Some(scenario.title.clone()), subtitle: "here".into(), story, hints: Vec::new() };
        let text = render(&chart, Look { width, style: Style::Plain, is_ascii });
        for line in text.lines() {
            prop_assert!(line.width() <= width, "{line}\n{text}");
        }
        prop_assert!(!is_ascii || text.is_ascii());
        for serial in followed.iter().filter(|_| !chart.story.is_cut) {
            prop_assert!(text.contains(&format!("event {serial}")), "event {serial}\n{text}");
        }
    }
}
