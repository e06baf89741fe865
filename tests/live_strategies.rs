//! Every strategy of polling over real sockets, against the same in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "it is about real time")]

mod common;

use common::*;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{ClientSetup, Control, Setup, sim};
use pushpull::measure::tally::{Frame, Tally};
use pushpull::policy::poller::{Aim, PollPolicy, Strategy, Target, Timing};
use pushpull::time::{Span, Time};
use pushpull::workload::Arrivals;

fn client(name: &str, strategy: Strategy) -> ClientSetup {
    let policy = PollPolicy { strategy, ..PollPolicy::new(secs(0.1), secs(5.0), 50) };
    ClientSetup { name: name.into(), ..pull(policy) }
}

fn long_poll(name: &str, hold: f64, conditional: bool) -> ClientSetup {
    let strategy = Strategy::LongPoll { hold: secs(hold) };
    let policy = PollPolicy {
        strategy,
        conditional,
        timing: Timing::FixedDelay,
        ..PollPolicy::new(Span::ZERO, secs(hold + 10.0), 50)
    };
    ClientSetup { name: name.into(), ..pull(policy) }
}

fn with(mut client: ClientSetup, change: impl FnOnce(&mut PollPolicy)) -> ClientSetup {
    if let Some(pull) = &mut client.pull {
        change(pull);
    }
    client
}

fn clients() -> Vec<ClientSetup> {
    let (min, max) = (secs(0.02), secs(1.0));
    vec![
        client("backoff", Strategy::Backoff { factor: 2.0, max: secs(0.4) }),
        client("share", Strategy::Adaptive { aim: Aim::UsefulShare(0.5), gain: 0.2, min, max }),
        client("events", Strategy::Adaptive { aim: Aim::EventsPerPoll(2.0), gain: 0.2, min, max }),
        client("hint", Strategy::Hint),
        long_poll("long poll", 0.25, false),
        long_poll("conditional long poll", 0.25, true),
        with(client("conditional", Strategy::Fixed), |pull| pull.conditional = true),
        with(client("overlap", Strategy::Fixed), |pull| pull.target = Target::Feed { overlap: secs(0.3) }),
    ]
}

fn setup_of(arrivals: Arrivals, clients: Vec<ClientSetup>) -> Setup {
    let mut setup = setup(arrivals, 3.0, 0.002, clients);
    setup.frame = Frame::new(at(0.2), at(3.0), at(9.0));
    setup.workload.until = setup.frame.duration;
    setup.consumers = 2;
    setup
}

fn both(setup: &Setup) -> Vec<(Tally, Tally)> {
    let real = live::run(setup, &Options::default(), &Control::default()).expect("nothing hinders it");
    let virtual_ones = sim::run(setup, &Control::default());
    real.clients.into_iter().zip(virtual_ones).map(|(real, expected)| (real.tally, expected.tally)).collect()
}

#[track_caller]
fn assert_close(what: &str, real: u64, expected: u64, share: f64) {
    let allowed = (expected as f64 * share).max(4.0);
    assert!((real as f64 - expected as f64).abs() <= allowed, "{what}: {real} instead of about {expected}");
}

#[test]
fn every_strategy_does_the_same_on_real_sockets() {
    // Each event 0.15 s after the one before, so that a few milliseconds seldom change which poll finds it.
    let setup = setup_of(Arrivals::Constant { gap_nanos: 1.5e8 }, clients());
    for (client, (real, expected)) in setup.clients.iter().zip(both(&setup)) {
        let name = &client.name;
        assert_eq!(real.check(), Ok(()));
        assert_eq!((real.events, real.delivered, real.pending), (expected.events, expected.events, 0), "{name}");
        assert_eq!(real.outcomes.failed, 0, "{name}");
        assert_close(name, real.polls, expected.polls, 0.3);
        assert_close(name, real.outcomes.useful, expected.outcomes.useful, 0.3);
        assert_close(name, real.outcomes.not_modified, expected.outcomes.not_modified, 0.4);
        assert_close(name, real.duplicates, expected.duplicates, 0.4);
        if client.pull.as_ref().is_some_and(|pull| matches!(pull.strategy, Strategy::LongPoll { .. })) {
            let p50 = real.latencies.value_at(0.5);
            assert!((2.0..60.0).contains(&p50), "{name}: {p50} ms");
        }
    }
}

#[test]
fn what_is_held_for_longer_than_a_server_reads_is_answered_all_the_same() {
    // A server gives up on whoever takes 10 s to say something. Whoever is held says nothing for longer. The next poll leaves
    // when no more is counted.
    let mut setup = setup_of(trace(&[10.6]), vec![long_poll("long poll", 10.8, false)]);
    setup.consumers = 1;
    setup.frame = Frame::new(Time::ZERO, at(10.6015), at(20.0));
    setup.workload.until = setup.frame.duration;
    let policy = setup.clients[0].pull.as_mut().unwrap();
    policy.phase = pushpull::policy::poller::Phase::Aligned;
    let (real, expected) = both(&setup).remove(0);
    assert_eq!((real.delivered, real.outcomes.failed), (1, 0));
    assert_eq!((real.outcomes.useful, real.outcomes.empty), (expected.outcomes.useful, expected.outcomes.empty));
}

#[test]
fn a_held_poll_is_cut_off_on_real_sockets_too() {
    let mut setup = setup_of(trace(&[]), vec![long_poll("long poll", 5.0, false)]);
    setup.api.idle_cut = Some(secs(0.2));
    let (real, expected) = both(&setup).remove(0);
    assert!(expected.outcomes.failed >= 2);
    assert_close("cut off", real.outcomes.failed, expected.outcomes.failed, 0.2);
    assert_eq!(real.outcomes.useful, 0);
}
