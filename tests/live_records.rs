//! Records that are opened and polled over real HTTP, against virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::distribution::Distribution;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{ClientSetup, Control};
use pushpull::fault::Faults;
use pushpull::policy::poller::{PollPolicy, Target};
use pushpull::time::Span;
use pushpull::workload::lifecycle::Lifecycle;

#[test]
fn records_over_real_http_come_to_what_they_do_in_virtual_time() {
    let policy = PollPolicy {
        target: Target::Record { tries: None },
        ..PollPolicy::new(Span::from_millis(100), Span::from_secs(5), 10)
    };
    let client = |name: &str, pull, push| ClientSetup { name: name.into(), pull, push, faults: Faults::default() };
    let clients = vec![
        client("records", Some(policy.clone()), None),
        client("webhooks", None, Some(push_policy(delays(&[])))),
        client("both", Some(policy), Some(push_policy(delays(&[])))),
    ];
    let mut setup = setup(poisson(5.0), 3.0, 0.002, clients);
    setup.consumers = 2;
    setup.frame.end = setup.frame.duration + secs(20.0);
    let time = Distribution::Exponential { mean: secs(0.2) };
    setup.workload = setup.workload.with_lifecycle(Lifecycle { changes: 3, time });
    let real = live::run(&setup, &Options::default(), &Control::default()).unwrap();
    // Half a millisecond on a quiet machine. Where the run itself was late, so was what came of it.
    let latest = 20.0 + 5.0 * real.lag.p99.as_millis_f64();
    let real = summaries(&setup, real.clients);
    for (real, expected) in real.iter().zip(run(&setup)) {
        let name = &real.terms.client;
        let (r, e) = (real.records.clone().unwrap(), expected.records.clone().unwrap());
        assert_eq!(
            (real.events, r.opened, r.finals, r.known),
            (expected.events, e.opened, e.finals, e.known),
            "{name}"
        );
        assert_eq!((real.pending, r.finals), (0, r.known), "{name}");
        // Who hears of a change in both ways may hear of it twice within the few milliseconds in which a poll is open.
        let twice = if name == "both" { expected.outcomes.duplicate + 3 } else { 0 };
        assert!(real.outcomes.duplicate <= twice, "{name}: {:?}", real.outcomes);
        let late = r.know_mean_ms.unwrap() - e.know_mean_ms.unwrap();
        assert!((-5.0..latest).contains(&late), "{name}: {late} ms, of {latest} ms at most");
        if let (Some(real), Some(expected)) = (r.polls_mean, e.polls_mean) {
            // Records that are not final when the run ends are asked for some milliseconds longer, until its end is noticed.
            assert!((real / expected - 1.0).abs() < 0.2, "{name}: {real} polls instead of {expected}");
        }
    }
}
