//! What a dispatcher does beyond sending each event once, over real HTTP: much the same happens as in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{ClientRun, ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults};
use pushpull::measure::tally::{Frame, Tally};
use pushpull::peer::LossCause;
use pushpull::policy::dispatcher::{BatchPolicy, BreakerPolicy, DisablePolicy, Order, RedeliverPolicy, WhileDisabled};
use pushpull::policy::retry::RetryPolicy;
use pushpull::wire::{Envelope, Shape};

/// Half a second in which the endpoint refuses connections.
fn outage() -> Faults {
    let kind = FaultKind::ReceiverDown { connections: Connections::Reset };
    Faults(vec![Fault::new(kind, at(0.5), at(1.0))])
}

/// A second and a half in which the endpoint answers this.
fn errors(status: u16) -> Faults {
    let kind = FaultKind::ReceiverErrors { status, share: 1.0, retry_after: None };
    Faults(vec![Fault::new(kind, at(0.4), at(0.9))])
}

fn client(name: &str, faults: Faults, push: PushSetup) -> ClientSetup {
    ClientSetup { name: name.into(), faults, ..common::push(push) }
}

fn retrying() -> PushSetup {
    push_policy(delays(&[0.2, 0.3, 0.4, 0.5, 0.6]))
}

fn clients() -> Vec<ClientSetup> {
    let with = |mut push: PushSetup, change: &dyn Fn(&mut PushSetup)| {
        change(&mut push);
        push
    };
    let batches = with(retrying(), &|push| {
        push.dispatch.batch = BatchPolicy { max: 5, wait: secs(0.2), bytes: None };
        push.envelope = Envelope { shape: Shape::SendGrid, is_list: true, ..Envelope::PLAIN };
    });
    let fifo = with(retrying(), &|push| push.dispatch.order = Order::Fifo);
    let spaced = with(retrying(), &|push| push.dispatch.spacing = secs(0.02));
    let breaker = with(retrying(), &|push| {
        push.dispatch.breaker =
            Some(BreakerPolicy { window: secs(0.1), failure_share: 0.5, minimum: 3, cool_down: secs(0.3) });
    });
    let disable = |meanwhile| DisablePolicy { enable_after: Some(secs(0.8)), meanwhile, ..DisablePolicy::NEVER };
    let kept = with(retrying(), &|push| push.dispatch.disable = disable(WhileDisabled::Keep));
    let lost = with(retrying(), &|push| push.dispatch.disable = disable(WhileDisabled::Lose));
    let script = with(push_policy(RetryPolicy::never()), &|push| {
        push.dispatch.redeliver = Some(RedeliverPolicy { every: secs(0.7), within: secs(60.0) });
    });
    vec![
        client("batches", outage(), batches),
        client("fifo", outage(), fifo),
        client("spaced", Faults::default(), spaced),
        client("breaker", errors(500), breaker),
        client("kept", errors(410), kept),
        client("lost", errors(410), lost),
        client("script", outage(), script),
    ]
}

fn played(setup: &Setup, runs: Vec<ClientRun>) -> impl Fn(&str) -> Tally {
    let tallies: Vec<_> = setup.clients.iter().map(|client| client.name.clone()).zip(runs).collect();
    for (name, run) in &tallies {
        assert_eq!(run.tally.check(), Ok(()), "{name}");
        assert_eq!(run.tally.pending, 0, "{name}");
    }
    move |name| tallies.iter().find(|(other, _)| other == name).unwrap().1.tally.clone()
}

#[test]
fn every_way_of_dispatching_does_in_real_time_what_it_does_in_virtual_time() {
    let mut setup = setup(poisson(40.0), 1.5, 0.002, clients());
    setup.frame = Frame::new(at(0.0), at(1.5), at(25.0));
    let real = live::run(&setup, &Options::default(), &Control::default()).unwrap();
    assert_eq!(real.stopped_at, None);
    let (real, expected) = (played(&setup, real.clients), played(&setup, sim::run(&setup, &Control::default())));
    for engine in [&real as &dyn Fn(&str) -> Tally, &expected] {
        let (batches, fifo, spaced) = (engine("batches"), engine("fifo"), engine("spaced"));
        for tally in [&batches, &fifo, &spaced, &engine("breaker"), &engine("kept"), &engine("script")] {
            assert_eq!((tally.delivered, tally.lost()), (tally.events, 0));
        }
        assert!(batches.attempts * 2 < fifo.events, "{}", batches.attempts);
        assert_eq!((fifo.reordered, spaced.outcomes.failed), (0, 0));
        // In order one attempt at a time fails; without, each event of half a second fails at least once.
        assert!(fifo.unreachable < 15 && batches.unreachable > 0, "{} {}", fifo.unreachable, batches.unreachable);
        let breaker = engine("breaker");
        assert!(breaker.breaker_opened > 0 && breaker.outcomes.failed < 15, "{:?}", breaker.outcomes);
        assert_eq!((engine("kept").disabled, engine("lost").disabled), (1, 1));
        let lost = engine("lost").lost_by(LossCause::EndpointDisabled);
        assert!(lost > 5 && lost == engine("lost").lost(), "{lost}");
        assert!(engine("script").attempts > engine("script").events);
    }
    // Latencies of what is kept apart or kept back are those of virtual time, give or take what a busy machine adds.
    for name in ["batches", "spaced", "fifo"] {
        let mean = |tally: Tally| tally.latencies.mean_ms().unwrap();
        let (real, expected) = (mean(real(name)), mean(expected(name)));
        assert!(real > 0.8 * expected && real < expected + 250.0, "{name}: {real} instead of {expected}");
    }
}
