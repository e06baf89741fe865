//! Whatever goes wrong, and whenever: over real HTTP too no event and no exchange gets out of the books.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{ClientSetup, Control, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, Whom};
use pushpull::measure::tally::Frame;
use pushpull::policy::poller::PollPolicy;
use pushpull::seed::Seed;

fn any_kind() -> impl Strategy<Value = FaultKind> {
    let connections = || prop::sample::select(vec![Connections::Reset, Connections::Drop]);
    prop_oneof![
        connections().prop_map(|connections| FaultKind::ReceiverDown { connections }),
        connections().prop_map(|connections| FaultKind::ProviderDown { connections }),
        Just(FaultKind::PollerDown),
        (0.1..0.9f64).prop_map(|loss| FaultKind::NetworkLoss { loss }),
        (2.0..20.0f64).prop_map(|factor| FaultKind::NetworkSlow { factor }),
        (2.0..20.0f64).prop_map(|factor| FaultKind::ReceiverSlow { factor }),
        (0.2..=1.0f64).prop_map(|share| FaultKind::ReceiverErrors { status: 503, share, retry_after: None }),
    ]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let whom = (0.2..0.9f64, 0..9u32).prop_map(|(share, fault)| Whom::Some { share, seed: Seed::new(7), fault });
    (any_kind(), 0.0..0.9f64, 0.05..0.5f64, prop_oneof![Just(Whom::All), whom])
        .prop_map(|(kind, from, length, whom)| Fault { whom, ..Fault::new(kind, at(from), at(from + length)) })
}

fn clients(faults: &[Fault]) -> Vec<ClientSetup> {
    let faults = || Faults(faults.to_vec());
    let poll = || PollPolicy::new(secs(0.05), secs(0.2), 50);
    let mut sender = push_policy(delays(&[0.1, 0.2, 0.4, 0.4, 0.4, 0.4]));
    sender.dispatch.timeout = secs(0.2);
    let pull = ClientSetup { faults: faults(), ..pull(poll()) };
    let push = ClientSetup { faults: faults(), ..push(sender) };
    let both = ClientSetup { name: "both".into(), pull: Some(poll()), ..push.clone() };
    vec![pull, push, both]
}

proptest! {
    // Each case takes some seconds of real time, and a smaller one would not say more.
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_timelines_of_faults_lose_no_event_and_no_exchange(faults in prop::collection::vec(any_fault(), 1..5)) {
        let mut setup = setup(poisson(40.0), 1.2, 0.002, clients(&faults));
        setup.consumers = 3;
        setup.frame = Frame::new(at(0.0), at(1.2), at(30.0));
        let real = live::run(&setup, &Options::default(), &Control::default()).unwrap();
        prop_assert_eq!(real.stopped_at, None);
        for run in real.clients.iter().chain(&sim::run(&setup, &Control::default())) {
            prop_assert_eq!(run.tally.check(), Ok(()));
            prop_assert_eq!(run.tally.pending, 0, "{:?}", &faults);
        }
        // Who polls, alone or beside webhooks, comes by everything in the end.
        for index in [0, 2] {
            let tally = &real.clients[index].tally;
            prop_assert_eq!((tally.delivered, tally.lost()), (tally.events, 0), "{:?}", &faults);
        }
    }
}
