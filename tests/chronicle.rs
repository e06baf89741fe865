//! What is told of a run exchange by exchange adds up to what is counted of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use pushpull::engine::{Control, Setup, live, sim};
use pushpull::measure::chronicle::{Asked, Chronicle, Stretch};
use pushpull::measure::tally::{OutcomeKind, Outcomes, Tally};
use pushpull::run::builtin;
use pushpull::scenario::{Scenario, Template};
use pushpull::time::Time;

/// A built-in scenario, changed.
fn scenario(name: &str, sets: &[&str]) -> Scenario {
    let text = builtin::ALL.iter().find(|builtin| builtin.name == name).unwrap().text;
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    let changes = pushpull::scenario::Changes { sets, ..Default::default() };
    Template::parse(text, name, Path::new("."), &changes).unwrap().into_base()
}

fn whole(setup: &Setup) -> Stretch {
    Stretch { consumers: 0..setup.consumers, from: setup.frame.warmup, until: Time::NEVER, most: usize::MAX }
}

fn holds(name: &str, setup: &Setup, told: &Chronicle, tally: &Tally) {
    assert!(!told.is_cut, "{name}");
    let mut outcomes = Outcomes::default();
    let counted = |at: Time| setup.frame.counts(at);
    for entry in told.exchanges.iter().filter(|entry| counted(entry.opened)) {
        if !matches!(entry.asked, Asked::Forged(_)) {
            // What was under way at the end has failed, unless it brought something.
            outcomes.count(entry.outcome.unwrap_or(if entry.fresh > 0 {
                OutcomeKind::Useful
            } else {
                OutcomeKind::Failed
            }));
        }
        assert!(entry.ended.is_none_or(|ended| ended >= entry.opened), "{name}: {entry:?}");
        assert!(entry.arrived.is_none_or(|arrived| arrived >= entry.opened), "{name}: {entry:?}");
    }
    assert_eq!(outcomes, tally.outcomes, "{name}");
    let events: Vec<_> = told.events.iter().filter(|told| counted(told.event.occurred_at)).collect();
    assert_eq!(events.len() as u64, tally.events, "{name}");
    let seen: Vec<_> = events.iter().filter_map(|told| Some((told, told.seen?))).collect();
    assert_eq!(seen.len() as u64, tally.delivered, "{name}");
    let sum: u128 = seen.iter().map(|(told, at)| u128::from(at.since(told.event.occurred_at).as_nanos())).sum();
    assert_eq!(sum, tally.latencies.sum_nanos(), "{name}");
    for (told_event, at) in seen {
        let by = told_event.brought_by.unwrap();
        let entry = told.exchanges.iter().find(|entry| entry.exchange == by);
        // What was opened before the stretch is not told.
        if let Some(entry) = entry {
            assert!(entry.events.contains(&told_event.event.serial), "{name}: {entry:?} {told_event:?}");
            assert!(entry.opened <= at, "{name}");
        }
    }
}

#[test]
fn what_is_told_adds_up_to_what_is_counted() {
    let cases: [(&str, &[&str]); 9] = [
        ("flaky-network", &[]),
        ("hybrid", &[]),
        ("forged", &[]),
        ("thin-webhooks", &[]),
        ("fifo-blocking", &[]),
        ("conditional", &[]),
        ("order-status", &[]),
        ("rate-limited", &[]),
        ("many-consumers", &["consumers=7"]),
    ];
    for (name, sets) in cases {
        let scenario = scenario(name, sets);
        let setup = &scenario.setup;
        let control = Control::default();
        let runs = sim::run(setup, &control);
        for (client, run) in runs.iter().enumerate() {
            let told = sim::chronicle(setup, client, &whole(setup), &control).unwrap();
            holds(&format!("{name}, {}", setup.clients[client].name), setup, &told, &run.tally);
        }
    }
}

#[test]
fn a_stretch_is_what_the_whole_has_of_it() {
    let scenario = scenario("flaky-network", &[]);
    let setup = &scenario.setup;
    let stretch = pushpull::evaluation::opening::stretch(setup);
    assert_eq!(stretch.from, setup.frame.warmup);
    for client in 0..setup.clients.len() {
        let told = |stretch: &Stretch| sim::chronicle(setup, client, stretch, &Control::default()).unwrap();
        let (part, whole) = (told(&stretch), told(&Stretch { consumers: 0..1, ..whole(setup) }));
        assert!(!part.events.is_empty() && !part.exchanges.is_empty());
        let within = |at: Option<Time>| at.filter(|at| *at < stretch.until);
        let expected = whole.exchanges.iter().filter(|entry| entry.opened < stretch.until);
        for (mine, theirs) in part.exchanges.iter().zip(expected.clone()) {
            assert_eq!((mine.exchange, mine.opened, mine.asked), (theirs.exchange, theirs.opened, theirs.asked));
            assert_eq!((mine.arrived, mine.ended), (within(theirs.arrived), within(theirs.ended)));
            assert_eq!(mine.outcome, theirs.outcome.filter(|_| within(theirs.ended).is_some()));
        }
        assert_eq!(part.exchanges.len(), expected.count());
        let few = told(&Stretch { most: 2, ..stretch.clone() });
        assert!(few.is_cut && few.exchanges[..] == part.exchanges[..2]);
        let cut_out = whole.part(&stretch);
        assert_eq!(cut_out.events, part.events, "what is cut out of the whole is the same");
        assert_eq!(cut_out.exchanges, part.exchanges);
    }
}

#[test]
fn a_run_over_real_http_is_told_as_well() {
    let scenario = scenario("quickstart", &["duration=3s", "warmup=500ms"]);
    let setup = &scenario.setup;
    let options = live::Options { tells: Some(whole(setup)), ..live::Options::default() };
    let run = live::run(setup, &options, &Control::default()).unwrap();
    for (client, run) in run.clients.iter().enumerate() {
        let told = run.chronicle.as_ref().unwrap();
        holds(&setup.clients[client].name, setup, told, &run.tally);
        assert!(told.exchanges.iter().any(|entry| entry.outcome == Some(OutcomeKind::Useful)));
    }
}
