//! A receiver that stalls holds up events that go on occurring. Each of them counts from when it occurred, not from when
//! the stall let it leave: an engine that waited with its next webhook for the last answer would hardly see the stall.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{ClientSetup, Control};
use pushpull::fault::{Fault, FaultKind, Faults};
use pushpull::policy::receiver::ReceivePolicy;
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::workers::Capacity;

/// Milliseconds between two events.
const GAP: u32 = 2;
/// Events before the stall, and as many from its begin on. Together enough for p99.9 to say something.
const HALF: u32 = 500;
/// Milliseconds that the handler works on an event, and on the one that makes it stall.
const SERVICE: f64 = 0.5;
const STALL: f64 = 500.0;
/// When that event occurs, in milliseconds. A while before it nothing does, so that even a busy machine has caught up.
const STALLS_AT: u32 = 1_400;

#[test]
fn a_stall_of_the_receiver_shows_in_full() {
    let from = |start: u32| (0..HALF).map(move |event| f64::from(start + event * GAP) / 1e3);
    let instants: Vec<f64> = from(50).chain(from(STALLS_AT)).collect();
    let events = 2 * HALF;
    // One worker, and whoever comes meanwhile waits in line.
    let mut webhook = push_policy(RetryPolicy::never());
    webhook.receive = ReceivePolicy::new(Capacity { workers: Some(1), queue: events }, constant(SERVICE / 1e3));
    // Over as soon as the first event that meets it can be done with: no other meets it.
    let stalls_at = f64::from(STALLS_AT);
    let slow = FaultKind::ReceiverSlow { factor: STALL / SERVICE };
    let fault = Fault::new(slow, at((stalls_at - 50.0) / 1e3), at((stalls_at + STALL) / 1e3));
    let client = ClientSetup { faults: Faults(vec![fault]), ..push(webhook) };
    let mut setup = setup(trace(&instants), 2.6, 0.0, vec![client]);
    setup.frame.end = setup.frame.duration + secs(20.0);
    let run = live::run(&setup, &Options::default(), &Control::default()).unwrap();
    let tally = run.clients[0].tally.clone();
    let summary = summaries(&setup, run.clients).remove(0);
    assert_eq!((summary.events, summary.delivered), (u64::from(events), u64::from(events)));

    let (longest, p999) = (summary.latency_max_ms.unwrap(), summary.latency_p999_ms.unwrap());
    assert!(longest >= 0.95 * STALL, "the longest latency is {longest} ms");
    assert!(p999 >= 0.95 * STALL, "p99.9 is {p999} ms");
    // An event that occurs so long after the stall has begun waits for the rest of it.
    for latency in [50.0, 100.0, 200.0, 300.0, 400.0] {
        let expected = (STALL - latency) / f64::from(GAP);
        let late = tally.latencies.count_above(latency) as f64;
        assert!(late >= 0.95 * expected, "{late} events took more than {latency} ms, not {expected:.0}");
    }
    // The worker has caught up long before the end: all this comes from the stall, not from a receiver that is too slow.
    let on_time = f64::from(events) - tally.latencies.count_above(STALL / 2.0) as f64;
    assert!(on_time >= 0.5 * f64::from(events), "only {on_time} events were on time");
}
