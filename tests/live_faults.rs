//! What goes wrong at a receiver, over real HTTP: the same things happen as in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};

use common::*;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, ForgeryKind};
use pushpull::measure::tally::{Forged, Frame, Tally};
use pushpull::peer::LossCause;
use pushpull::policy::receiver::Acknowledge;
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::signature::Scheme;
use pushpull::policy::workers::Capacity;

/// Runs in real time share two cores badly, so they go one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fault(kind: FaultKind, from: f64, until: f64) -> Fault {
    Fault::new(kind, at(from), at(until))
}

fn webhook(faults: Vec<Fault>, push: PushSetup) -> ClientSetup {
    ClientSetup { faults: Faults(faults), ..common::push(push) }
}

/// Two consumers with 50 events a second each for 1.6 s, retries that reach beyond any outage here, and an ample drain.
fn scene(clients: Vec<ClientSetup>) -> Setup {
    let mut setup = setup(poisson(50.0), 1.6, 0.002, clients);
    setup.consumers = 2;
    setup.frame = Frame::new(at(0.0), at(1.6), at(20.0));
    setup
}

fn retrying() -> PushSetup {
    let mut push = push_policy(delays(&[0.2, 0.3, 0.4, 0.5, 0.6, 0.7]));
    push.dispatch.timeout = secs(0.25);
    push
}

fn run_both(setup: &Setup) -> (Vec<Tally>, Vec<Tally>) {
    let tallies = |runs: Vec<pushpull::engine::ClientRun>| runs.into_iter().map(|run| run.tally).collect::<Vec<_>>();
    let real = live::run(setup, &Options::default(), &Control::default()).unwrap();
    assert_eq!(real.stopped_at, None);
    let (real, virtual_time) = (tallies(real.clients), tallies(sim::run(setup, &Control::default())));
    for tally in real.iter().chain(&virtual_time) {
        assert_eq!(tally.check(), Ok(()));
    }
    (real, virtual_time)
}

#[test]
fn an_outage_is_survived_by_retries_whether_connections_are_refused_or_packets_vanish() {
    let _alone = alone();
    let outage = |connections| vec![fault(FaultKind::ReceiverDown { connections }, 0.5, 0.9)];
    let setup = scene(vec![
        webhook(outage(Connections::Reset), retrying()),
        webhook(outage(Connections::Drop), retrying()),
        webhook(Vec::new(), retrying()),
    ]);
    let (real, expected) = run_both(&setup);
    for (real, expected) in real.iter().zip(&expected) {
        assert_eq!((real.delivered, real.pending, real.lost()), (expected.events, 0, 0));
    }
    let refused = |tallies: &[Tally]| tallies.iter().map(|tally| tally.unreachable).collect::<Vec<_>>();
    let (refused_really, refused_expected) = (refused(&real), refused(&expected));
    assert!(refused_expected[0] > 20 && refused_expected[1..] == [0, 0], "{refused_expected:?}");
    assert!(refused_really[0] > 20 && refused_really[1..] == [0, 0], "{refused_really:?}");
    let failed = |tallies: &[Tally]| tallies.iter().map(|tally| tally.outcomes.failed).collect::<Vec<_>>();
    assert!(failed(&real)[1] > 20, "{:?}", failed(&real));
    assert!(real.iter().zip(&expected).all(|(real, expected)| real.outcomes.useful == expected.outcomes.useful));
}

#[test]
fn what_was_acknowledged_before_a_crash_is_lost_by_name_and_a_poll_brings_it_back() {
    let _alone = alone();
    let mut push = retrying();
    push.receive.acknowledge = Acknowledge::Before;
    push.receive.capacity = Capacity { workers: Some(1), queue: 500 };
    // At 50 events a second this worker falls behind, so that its queue is never empty.
    push.receive.service_time = constant(0.03);
    let outage = vec![fault(FaultKind::ReceiverDown { connections: Connections::Reset }, 1.0, 1.2)];
    let mut both = webhook(outage.clone(), push.clone());
    both.name = "both".into();
    both.pull = Some(poll_policy(0.5));
    let (real, expected) = run_both(&scene(vec![webhook(outage, push), both]));
    let useful = |tallies: &[Tally]| tallies.iter().map(|tally| tally.outcomes.useful).max();
    assert!(useful(&real) <= Some(real[0].events) && useful(&expected) <= Some(expected[0].events));
    for tallies in [&real, &expected] {
        let lost = tallies[0].lost_by(LossCause::Unhandled);
        assert!(lost > 10, "{lost}");
        assert_eq!((tallies[0].delivered + lost, tallies[0].pending), (tallies[0].events, 0));
        assert_eq!((tallies[1].delivered, tallies[1].lost()), (tallies[1].events, 0));
    }
}

#[test]
fn errors_and_slowness_are_met_in_real_time_too() {
    let _alone = alone();
    let errors = FaultKind::ReceiverErrors { status: 500, share: 1.0, retry_after: Some(secs(1.0)) };
    let mut slow = retrying();
    slow.receive.service_time = constant(0.002);
    let slowness = fault(FaultKind::ReceiverSlow { factor: 50.0 }, 0.3, 1.0);
    let setup = scene(vec![webhook(vec![fault(errors, 0.5, 0.8)], retrying()), webhook(vec![slowness], slow)]);
    let (real, _) = run_both(&setup);
    assert_eq!(real[0].delivered, real[0].events);
    assert!(real[0].outcomes.failed > 15, "{:?}", real[0].outcomes);
    assert!(real[0].unreachable == 0 && real[1].outcomes.failed == 0);
    // More than a third of the events come while it takes 100 ms.
    assert!(real[1].latencies.quantile_ms(0.9).unwrap() >= 100.0);
}

#[test]
fn thin_webhooks_are_fetched_over_real_http() {
    let _alone = alone();
    let mut push = retrying();
    push.dispatch.timeout = secs(5.0);
    push.envelope.payload = pushpull::wire::Payload::Thin;
    push.receive.fetch = Some(pushpull::policy::receiver::FetchPolicy { timeout: secs(5.0), tries: 3 });
    let (real, expected) = run_both(&scene(vec![webhook(Vec::new(), push)]));
    let figures = |tally: &Tally| (tally.delivered, tally.attempts, tally.fetches, tally.outcomes);
    assert_eq!(figures(&real[0]), figures(&expected[0]));
    assert_eq!(real[0].fetches, real[0].events);
}

#[test]
fn forged_webhooks_over_real_http_meet_the_same_fate_as_in_virtual_time() {
    let _alone = alone();
    let attacked = |scheme, name: &str| {
        let mut push = push_policy(delays(&[0.3, 0.3]));
        push.scheme = scheme;
        push.receive.limits.read_time = secs(0.5);
        push.receive.limits.body = 20_000;
        let forged = FaultKind::ForgedWebhooks { gap_nanos: 8e6, mix: [1; ForgeryKind::ALL.len()] };
        let mut client = webhook(vec![fault(forged, 0.2, 1.6)], push);
        client.name = name.into();
        client
    };
    let schemes = [Scheme::None, Scheme::StandardWebhooks, Scheme::GitHub, Scheme::SendGrid];
    let clients = schemes.iter().zip(["none", "standard-webhooks", "github", "sendgrid"]);
    let (real, expected) = run_both(&scene(clients.map(|(scheme, name)| attacked(*scheme, name)).collect()));
    for (scheme, (real, expected)) in schemes.iter().zip(real.iter().zip(&expected)) {
        assert_eq!((real.delivered, real.lost(), real.outcomes.failed), (real.events, 0, 0), "{scheme:?}");
        for (kind, (real, expected)) in ForgeryKind::ALL.iter().zip(real.forged.iter().zip(&expected.forged)) {
            let all = |forged: &Forged| forged.accepted + forged.rejected;
            assert!(all(real) > 10, "{scheme:?} {kind:?}: {real:?} instead of {expected:?}");
            let believed = expected.accepted > 0;
            assert_eq!((real.accepted > 0, real.rejected > 0), (believed, !believed), "{scheme:?} {kind:?} {real:?}");
        }
        assert_eq!(real.strangers, Forged::default());
    }
}

#[test]
fn what_a_crash_destroys_before_it_was_acknowledged_has_failed_in_both_engines() {
    let _alone = alone();
    let mut push = push_policy(RetryPolicy::never());
    push.dispatch.timeout = secs(30.0);
    push.receive.capacity = Capacity { workers: Some(1), queue: 1_000 };
    push.receive.service_time = constant(0.5);
    let outage = vec![fault(FaultKind::ReceiverDown { connections: Connections::Reset }, 1.0, 1.3)];
    let mut setup = scene(vec![webhook(outage, push)]);
    setup.workload.arrivals = trace(&[0.1, 0.2, 0.3, 0.4, 0.5, 1.4]);
    let (real, expected) = run_both(&setup);
    for tally in [&real[0], &expected[0]] {
        // Of each consumer's five before the crash only the first has been handled by then.
        assert_eq!((tally.outcomes.useful, tally.outcomes.failed, tally.lost()), (4, 8, 8));
    }
}
