//! What goes wrong, over real HTTP: the same things happen as in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::*;
use pushpull::engine::live::{self, Live, Options};
use pushpull::engine::{ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, ForgeryKind, Whom};
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

fn polling(faults: Vec<Fault>, timeout: f64) -> ClientSetup {
    let mut policy = poll_policy(0.1);
    policy.timeout = secs(timeout);
    ClientSetup { faults: Faults(faults), ..pull(policy) }
}

fn provider_down(connections: Connections) -> Vec<Fault> {
    vec![fault(FaultKind::ProviderDown { connections }, 0.5, 0.9)]
}

#[test]
fn system_b_that_is_down_for_everybody_refuses_connections_really() {
    let _alone = alone();
    let mut both = webhook(provider_down(Connections::Reset), retrying());
    both.name = "both".into();
    both.pull = Some(poll_policy(0.1));
    let clients = vec![
        polling(provider_down(Connections::Reset), 0.1),
        webhook(provider_down(Connections::Reset), retrying()),
        both,
    ];
    let setup = scene(clients);
    let run = Live::bind(&setup, &Options::default()).unwrap();
    let address = run.api_address();
    assert!(TcpStream::connect(address).is_ok(), "it listens before the run");
    // Somebody of outside tries all the time and says when it was refused.
    let over = Arc::new(AtomicBool::new(false));
    let watch = Arc::clone(&over);
    let visitor = std::thread::spawn(move || {
        let mut answers = Vec::new();
        while !watch.load(Ordering::Relaxed) {
            answers.push(TcpStream::connect(address).is_ok());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        answers
    });
    let real = run.run(&Control::default()).unwrap();
    over.store(true, Ordering::Relaxed);
    let answers = visitor.join().unwrap();
    let refused = answers.iter().filter(|answer| !**answer).count();
    assert!(refused > 3, "{answers:?}");
    let after = answers.iter().skip_while(|answer| **answer).skip_while(|answer| !**answer);
    assert!(after.filter(|answer| **answer).count() > 3, "it is up again: {answers:?}");
    let expected = sim::run(&setup, &Control::default());
    for (real, expected) in real.clients.iter().zip(&expected) {
        let (real, expected) = (&real.tally, &expected.tally);
        assert_eq!(real.check(), Ok(()));
        assert_eq!((real.delivered, real.pending, real.lost()), (expected.events, 0, 0));
        let (told, told_expected) = (&real.faults[0], &expected.faults[0]);
        assert_eq!(told.events, told_expected.events);
        assert!(told.backlog_max() * 2 > told_expected.backlog_max(), "{told:?} {told_expected:?}");
        assert!(told.catch_up().unwrap() < secs(5.0));
    }
    // Two consumers that ask ten times a second for 0.4 s.
    assert!(real.clients[0].tally.unreachable >= 3 && real.clients[1].tally.unreachable == 0);
    assert!(real.clients[0].tally.faults[0].failed >= 3);
    assert_eq!(real.clients[1].tally.outcomes.useful, expected[1].tally.outcomes.useful);
}

#[test]
fn system_b_that_is_down_for_some_resets_or_ignores_them_and_serves_the_others() {
    let _alone = alone();
    let share = |kind, from, until| {
        let whom = Whom::Some { share: 0.5, seed: pushpull::seed::Seed::new(1), fault: 0 };
        Fault { whom, ..fault(kind, from, until) }
    };
    let clients = vec![
        polling(provider_down(Connections::Reset), 0.1),
        polling(provider_down(Connections::Drop), 0.1),
        polling(Vec::new(), 0.1),
        polling(vec![share(FaultKind::ProviderDown { connections: Connections::Reset }, 0.5, 0.9)], 0.1),
        webhook(vec![share(FaultKind::ReceiverDown { connections: Connections::Reset }, 0.5, 0.9)], retrying()),
        webhook(provider_down(Connections::Drop), retrying()),
    ];
    let mut setup = scene(clients);
    setup.consumers = 8;
    setup.workload.arrivals = poisson(10.0);
    let (real, expected) = run_both(&setup);
    for (real, expected) in real.iter().zip(&expected) {
        assert_eq!((real.delivered, real.pending, real.lost()), (expected.events, 0, 0));
    }
    let unreachable = |tallies: &[Tally]| tallies.iter().map(|tally| tally.unreachable).collect::<Vec<_>>();
    let (really, as_expected) = (unreachable(&real), unreachable(&expected));
    for client in [0, 3, 4] {
        assert!(as_expected[client] > 3 && really[client] > 3, "{client}: {really:?} {as_expected:?}");
    }
    for client in [1, 2, 5] {
        assert_eq!((really[client], as_expected[client]), (0, 0), "{client}");
    }
    assert!(real[1].outcomes.failed > 3 && real[1].faults[0].failed > 3);
    assert!(really[3] < really[0], "only some are hit: {really:?}");
}

#[test]
fn what_system_b_works_on_when_it_goes_down_is_gone_whatever_connections_do() {
    let _alone = alone();
    let down = |connections| vec![fault(FaultKind::ProviderDown { connections }, 0.6, 0.8)];
    let clients = vec![polling(down(Connections::Reset), 5.0), polling(down(Connections::Drop), 1.0)];
    let mut setup = scene(clients);
    for client in &mut setup.clients {
        client.pull.as_mut().unwrap().phase = pushpull::policy::poller::Phase::Aligned;
    }
    setup.workload.arrivals = trace(&[0.05]);
    // A poll takes longer than it is to the outage, so that the one which brings the event is cut off.
    setup.api.service_time = constant(0.45);
    let (real, expected) = run_both(&setup);
    let mean = |tally: &Tally| tally.latencies.mean_ms().unwrap();
    for (real, expected) in real.iter().zip(&expected) {
        assert_eq!((real.delivered, expected.delivered), (2, 2));
        assert!(real.outcomes.failed >= 2 && expected.outcomes.failed >= 2, "{:?}", real.outcomes);
        assert!(mean(expected) > 700.0 && mean(real) > 700.0);
    }
    assert!(real[0].unreachable >= 2 && real[1].unreachable == 0);
}

#[test]
fn answers_that_system_b_or_a_poller_does_not_hear_are_asked_for_again() {
    let _alone = alone();
    let mut slow = retrying();
    slow.receive.service_time = constant(0.15);
    slow.dispatch.timeout = secs(5.0);
    let mut deaf = webhook(provider_down(Connections::Reset), slow);
    deaf.name = "deaf".into();
    let poller = polling(vec![fault(FaultKind::PollerDown, 0.5, 0.9)], 0.1);
    let (real, expected) = run_both(&scene(vec![deaf, poller]));
    for (real, expected) in real.iter().zip(&expected) {
        assert_eq!((real.delivered, real.pending, real.lost()), (expected.events, 0, 0));
        assert!(real.faults[0].catch_up().unwrap() < secs(5.0));
    }
    // Those of the last 0.15 s before it went down are heard by the receiver alone.
    assert!(real[0].outcomes.duplicate > 3 && expected[0].outcomes.duplicate > 3, "{:?}", real[0].outcomes);
    assert_eq!(real[0].outcomes.useful, real[0].events);
    let late = |tally: &Tally| tally.faults[0].inside.as_ref().unwrap().max_ms().unwrap();
    assert!(late(&real[1]) > 350.0 && late(&expected[1]) > 350.0);
    assert!(real[1].outcomes.failed <= 4, "who is down asks nothing: {:?}", real[1].outcomes);
}

#[test]
fn a_bad_network_is_bad_in_real_time_too() {
    let _alone = alone();
    let lossy = fault(FaultKind::NetworkLoss { loss: 0.4 }, 0.3, 1.2);
    let slow = fault(FaultKind::NetworkSlow { factor: 40.0 }, 0.3, 1.2);
    let mut patient = retrying();
    patient.dispatch.timeout = secs(5.0);
    let clients =
        vec![webhook(vec![lossy], retrying()), webhook(vec![slow], patient), polling(vec![lossy, slow], 0.25)];
    let (real, expected) = run_both(&scene(clients));
    for (real, expected) in real.iter().zip(&expected) {
        assert_eq!(real.delivered + real.lost(), expected.events);
    }
    // Both engines lose the same first attempts; retries may leave a little later.
    let failed = |tally: &Tally| tally.outcomes.failed as f64;
    assert!(
        (0.6..1.6).contains(&(failed(&real[0]) / failed(&expected[0]))),
        "{} {}",
        failed(&real[0]),
        failed(&expected[0])
    );
    assert!(failed(&real[0]) > 15.0 && failed(&real[2]) > 2.0);
    // Two milliseconds become eighty.
    assert!(real[1].faults[0].inside.as_ref().unwrap().quantile_ms(0.5).unwrap() >= 80.0);
    assert_eq!(real[1].outcomes.failed, 0);
}
