//! How a client polls: the strategies and their keys.

use std::path::Path;

use pushpull::policy::poller::{Aim, Jitter, PollPolicy, Strategy, Target, Timing};
use pushpull::time::Span;

use crate::{assert_comes_back, parse};

const POLLER: &str = "[events]\nrate = \"0.1/s\"\n\n[[client]]\nname = \"poll\"\n[client.pull]\n";

fn policy(keys: &str) -> PollPolicy {
    let scenario = parse(&format!("{POLLER}{keys}\n"), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_comes_back(&scenario, Path::new("."));
    scenario.setup.clients[0].pull.clone().unwrap()
}

const fn secs(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

#[test]
fn strategies_are_read_with_their_defaults_and_written_out_again() {
    let strategy = |keys: &str| policy(&format!("every = \"10s\"\n{keys}")).strategy;
    assert_eq!(strategy(""), Strategy::Fixed);
    assert_eq!(strategy("strategy = \"hint\""), Strategy::Hint);
    assert_eq!(strategy("strategy = \"backoff\""), Strategy::Backoff { factor: 2.0, max: secs(300) });
    let written = strategy("strategy = \"backoff\"\nbackoff = { factor = 1.5, max = \"1m\" }");
    assert_eq!(written, Strategy::Backoff { factor: 1.5, max: secs(60) });
    let long = policy("every = \"1h\"\nstrategy = \"backoff\"").strategy;
    assert_eq!(long, Strategy::Backoff { factor: 2.0, max: secs(3_600) });
    let adaptive = |aim, gain, min, max| Strategy::Adaptive { aim, gain, min, max };
    assert_eq!(
        strategy("strategy = \"adaptive\"\nadaptive = { useful = 0.5 }"),
        adaptive(Aim::UsefulShare(0.5), 0.2, Span::from_millis(625), secs(160))
    );
    assert_eq!(
        strategy("strategy = \"adaptive\"\nadaptive = { events = 3, gain = 0.1, min = \"2s\", max = \"20s\" }"),
        adaptive(Aim::EventsPerPoll(3.0), 0.1, secs(2), secs(20))
    );
    let shortest =
        policy("every = \"5ms\"\ntimeout = \"1s\"\nstrategy = \"adaptive\"\nadaptive = { useful = 0.5 }").strategy;
    assert_eq!(shortest, adaptive(Aim::UsefulShare(0.5), 0.2, Span::from_millis(1), Span::from_millis(80)));
}

#[test]
fn a_long_poll_needs_no_interval_and_waits_for_longer_than_it_may_be_held() {
    let at_once = policy("strategy = \"long-poll\"");
    assert_eq!((at_once.every, at_once.timing, at_once.timeout), (Span::ZERO, Timing::FixedDelay, secs(40)));
    assert_eq!(at_once.strategy, Strategy::LongPoll { hold: secs(30) });
    let written =
        policy("strategy = \"long-poll\"\nhold = \"1m\"\nevery = \"2s\"\ntimeout = \"61s\"\njitter = { spread = 0.5 }");
    assert_eq!((written.every, written.timeout), (secs(2), secs(61)));
    assert_eq!(written.strategy, Strategy::LongPoll { hold: secs(60) });
}

#[test]
fn polls_may_come_purely_at_random() {
    let jitter = |keys: &str| policy(&format!("every = \"10s\"\n{keys}")).jitter;
    assert_eq!(jitter("jitter = { kind = \"exponential\" }"), Jitter::Exponential);
    assert_eq!(jitter("jitter = { kind = \"exponential\" }\ntiming = \"fixed-delay\""), Jitter::Exponential);
}

#[test]
fn polls_may_be_conditional_and_overlap() {
    let plain = policy("every = \"10s\"");
    assert_eq!((plain.conditional, plain.target), (false, Target::Feed { overlap: Span::ZERO }));
    let both = policy("every = \"10s\"\nconditional = true\noverlap = \"5s\"");
    assert_eq!((both.conditional, both.target), (true, Target::Feed { overlap: secs(5) }));
}

#[test]
fn a_proxy_may_cut_off_what_is_held() {
    let cut = |text: &str| {
        let scenario = parse(&format!("{text}{POLLER}every = \"10s\"\n"), &[]).unwrap();
        assert_comes_back(&scenario, Path::new("."));
        scenario.setup.api.idle_cut
    };
    assert_eq!(cut(""), None);
    assert_eq!(cut("[network]\nidle_cut = \"never\"\n\n"), None);
    assert_eq!(cut("[network]\nidle_cut = \"1m\"\n\n"), Some(secs(60)));
}

#[test]
fn contradictions_are_explained() {
    let mut text = String::new();
    for keys in [
        "strategy = \"hint\"",
        "strategy = \"backof\"\nevery = \"10s\"",
        "strategy = \"backoff\"\nevery = \"10s\"\nbackoff = { factor = 0.5, max = \"5s\" }",
        "strategy = \"backoff\"\nevery = \"10s\"\nbackoff = { max = \"5s\" }",
        "strategy = \"backoff\"\nevery = \"10s\"\nbackoff = 2",
        "strategy = \"backoff\"\nevery = \"10s\"\njitter = { kind = \"grid\", spread = 0.5 }",
        "every = \"10s\"\nbackoff = { factor = 2 }\nadaptive = { useful = 0.5 }\nhold = \"30s\"",
        "strategy = \"adaptive\"\nevery = \"10s\"",
        "strategy = \"adaptive\"\nevery = \"10s\"\nadaptive = { gain = 0.5 }",
        "strategy = \"adaptive\"\nevery = \"10s\"\nadaptive = { useful = 0.5, events = 3.0 }",
        "strategy = \"adaptive\"\nevery = \"10s\"\nadaptive = { useful = 1.5, gain = 0, min = \"1us\" }",
        "strategy = \"adaptive\"\nevery = \"10s\"\nadaptive = { useful = 0.5, min = \"11s\" }",
        "strategy = \"long-poll\"\nhold = 30",
        "strategy = \"long-poll\"\nhold = \"0s\"",
        "strategy = \"long-poll\"\ntimeout = \"30s\"",
        "strategy = \"long-poll\"\ntiming = \"fixed-rate\"",
        "strategy = \"long-poll\"\njitter = { spread = 0.5 }",
        "strategy = \"long-poll\"\noverlap = \"5s\"",
        "every = \"10s\"\njitter = { kind = \"exponential\", spread = 0.5 }",
        "every = \"10s\"\nconditional = \"yes\"\noverlap = \"60d\"",
        "every = \"10s\"\noverlap = \"20d\"",
        "strategy = \"long-poll\"\n[[client]]\nname = \"too many\"\npull = { strategy = \"long-poll\" }\n[[client]]\nname = \"third\"\npull = { strategy = \"long-poll\" }",
    ] {
        // Nothing but the last of them is about real connections.
        let sets: &[&str] =
            if keys.contains("too many") { &["engine=live", "consumers=1000", "duration=1s"] } else { &[] };
        let problems = parse(&format!("{POLLER}{keys}\n"), sets).err().unwrap_or_else(|| format!("{keys}: valid"));
        text.push_str(&format!("--- {}\n{problems}\n", keys.replace('\n', ", ")));
    }
    insta::assert_snapshot!(text);
}
