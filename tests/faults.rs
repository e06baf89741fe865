//! What each kind of fault does to pull, push and hybrid clients, and what is told of it: cases that can be worked out by
//! hand, and closed forms within four standard errors.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::engine::{ClientSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, Whom};
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::fault_report::FaultTally;
use pushpull::measure::summary::Summary;
use pushpull::peer::{LossCause, Note, Side};
use pushpull::policy::poller::{Phase, PollPolicy, Timing};
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::time::{Span, Time};

const RESET: Connections = Connections::Reset;
const PROVIDER_DOWN: FaultKind = FaultKind::ProviderDown { connections: RESET };
const RECEIVER_DOWN: FaultKind = FaultKind::ReceiverDown { connections: RESET };

fn meeting(mut client: ClientSetup, faults: &[(FaultKind, f64, f64)]) -> ClientSetup {
    client.faults = Faults(faults.iter().map(|&(kind, from, until)| Fault::new(kind, at(from), at(until))).collect());
    client
}

fn aligned(every: f64) -> PollPolicy {
    PollPolicy { phase: Phase::Aligned, ..poll_policy(every) }
}

/// When each event was seen, in seconds, in that order.
fn seen(setup: &Setup) -> Vec<f64> {
    let facts = sim::trace(setup, 0, 0).1;
    let seen =
        |(at, fact): &(Time, Fact)| matches!(fact, Fact::Noted(_, Note::Seen(_))).then_some(at.as_nanos() as f64 / 1e9);
    facts.iter().filter_map(seen).collect()
}

/// When a side opened its exchanges, in seconds.
fn opened(setup: &Setup, side: Side) -> Vec<f64> {
    let facts = sim::trace(setup, 0, 0).1;
    let opened = |(at, fact): &(Time, Fact)| match fact {
        Fact::Opened { exchange, .. } if exchange.opener == side => Some(at.as_nanos() as f64 / 1e9),
        _ => None,
    };
    facts.iter().filter_map(opened).collect()
}

/// How the exchanges of a side ended, and when, in seconds.
fn ended(setup: &Setup, side: Side) -> Vec<(f64, End)> {
    let facts = sim::trace(setup, 0, 0).1;
    let ended = |(at, fact): &(Time, Fact)| match fact {
        Fact::Ended { exchange, end, .. } if exchange.opener == side => Some((at.as_nanos() as f64 / 1e9, *end)),
        _ => None,
    };
    facts.iter().filter_map(ended).collect()
}

fn only(setup: &Setup) -> (Summary, FaultTally) {
    let summary = run(setup).remove(0);
    let tally = summary.tally.faults[0].clone();
    (summary, tally)
}

fn mean_ms(tally: &FaultTally) -> f64 {
    tally.inside.as_ref().unwrap().mean_ms().unwrap()
}

#[test]
fn a_receiver_that_was_down_has_caught_up_when_the_last_retry_has_come() {
    // Attempts at 0, 60, 180 and 420 s after each event; the outage lasts from 100 to 300 s.
    let client = meeting(push(push_policy(delays(&[60.0, 120.0, 240.0]))), &[(RECEIVER_DOWN, 100.0, 300.0)]);
    let setup = setup(trace(&[50.0, 110.0, 125.0, 250.0, 299.0, 350.0, 700.0]), 800.0, 0.0, vec![client]);
    // 110 and 125 are tried until 60 s and 180 s later: 290 finds it down, 305 does not; 110 comes at 530.
    assert_eq!(seen(&setup), [50.0, 305.0, 310.0, 350.0, 359.0, 530.0, 700.0]);
    let (summary, tally) = only(&setup);
    assert_eq!((tally.events, tally.lost, tally.catch_up()), (4, 0, Some(secs(230.0))));
    assert_within("mean", mean_ms(&tally), (420.0 + 180.0 + 60.0 + 60.0) / 4.0 * 1e3, 1e-6);
    assert_eq!(tally.after.as_ref().unwrap().count(), 1, "that of 350 s, while one of before 300 s was still to come");
    // At 299 s all four wait.
    assert_eq!(tally.backlog_max(), 4);
    // 110: at 110, 170 and 290; 125: at 125 and 185; 250 and 299 once each. Each failed while it lasted.
    assert_eq!((tally.failed, summary.outcomes.failed), (7, 7));
}

#[test]
fn webhooks_wait_for_system_b_and_leave_when_it_is_up() {
    let client = meeting(push(push_policy(RetryPolicy::never())), &[(PROVIDER_DOWN, 100.0, 200.0)]);
    let setup = setup(trace(&[50.0, 100.0, 150.0, 199.0, 200.0, 250.0]), 300.0, 0.5, vec![client]);
    assert_eq!(opened(&setup, Side::Provider), [50.0, 200.0, 200.0, 200.0, 200.0, 250.0]);
    let (summary, tally) = only(&setup);
    assert_eq!((summary.attempts, summary.outcomes.useful, summary.lost_total()), (6, 6, 0));
    assert_eq!((tally.events, tally.failed, tally.catch_up()), (3, 0, Some(secs(0.5))));
    assert_within("mean", mean_ms(&tally), (100.5 + 50.5 + 1.5) / 3.0 * 1e3, 1e-6);
    assert_eq!(tally.backlog_max(), 4);
}

#[test]
fn a_retry_that_falls_due_while_system_b_is_down_waits_for_it_whatever_the_dispatcher() {
    let plain = push_policy(delays(&[60.0, 60.0]));
    let mut fifo = plain.clone();
    fifo.dispatch.order = pushpull::policy::dispatcher::Order::Fifo;
    let mut few = plain.clone();
    few.dispatch.concurrency = Some(1);
    for policy in [plain, fifo, few] {
        let faults = [(RECEIVER_DOWN, 80.0, 95.0), (PROVIDER_DOWN, 100.0, 200.0)];
        let client = meeting(push(policy), &faults);
        let setup = setup(trace(&[90.0]), 300.0, 0.0, vec![client]);
        assert_eq!(opened(&setup, Side::Provider), [90.0, 200.0]);
    }
}

#[test]
fn a_poller_hears_with_its_first_poll_after_the_outage_and_its_polls_fail_meanwhile() {
    for (connections, end) in [(RESET, End::Unreachable), (Connections::Drop, End::TimedOut)] {
        let mut policy = aligned(60.0);
        policy.timeout = secs(5.0);
        let client = meeting(pull(policy), &[(FaultKind::ProviderDown { connections }, 100.0, 200.0)]);
        let setup = setup(trace(&[90.0, 110.0, 199.0]), 300.0, 0.5, vec![client]);
        let ends = ended(&setup, Side::Consumer);
        // Refused connections are known after one round trip, silence after the timeout.
        let after = if connections == RESET { 1.0 } else { 5.0 };
        assert_eq!(ends[2..5], [(120.0 + after, end), (180.0 + after, end), (241.0, End::Answered)]);
        assert_eq!(seen(&setup), [241.0; 3]);
        let (summary, tally) = only(&setup);
        assert_eq!((tally.failed, summary.outcomes.failed, tally.catch_up()), (2, 2, Some(secs(41.0))));
    }
}

#[test]
fn requests_that_system_b_works_on_when_it_goes_down_are_gone() {
    for (connections, ends) in [(RESET, (100.5, End::Unreachable)), (Connections::Drop, (129.5, End::TimedOut))] {
        let mut policy = aligned(99.5);
        policy.timeout = secs(30.0);
        let client = meeting(pull(policy), &[(FaultKind::ProviderDown { connections }, 100.25, 101.0)]);
        let mut setup = setup(trace(&[90.0]), 300.0, 0.25, vec![client]);
        setup.api.service_time = constant(10.0);
        setup.api.capacity = Capacity { workers: Some(1), queue: 5 };
        assert_eq!(ended(&setup, Side::Consumer)[1], ends);
        // The worker is free again: the next poll is served at once.
        assert_eq!(seen(&setup), [199.0 + 10.5]);
    }
}

#[test]
fn the_answer_to_a_webhook_is_not_heard_by_a_system_b_that_is_down_or_was_and_a_duplicate_follows() {
    for until in [101.0, 150.0] {
        let mut policy = push_policy(delays(&[20.0]));
        policy.receive.service_time = constant(3.0);
        let client = meeting(push(policy), &[(PROVIDER_DOWN, 100.0, until)]);
        let setup = setup(trace(&[99.0]), 300.0, 0.0, vec![client]);
        assert_eq!(seen(&setup), [102.0], "the receiver handles it");
        assert_eq!(ended(&setup, Side::Provider)[0], (102.0, End::TimedOut));
        assert_eq!(opened(&setup, Side::Provider), [99.0, f64::max(122.0, until)]);
        let summary = run(&setup).remove(0);
        assert_eq!((summary.outcomes.useful, summary.outcomes.duplicate, summary.duplicates), (1, 1, 1));
    }
    // Without a retry nothing is lost either: it has come.
    let mut policy = push_policy(RetryPolicy::never());
    policy.receive.service_time = constant(3.0);
    let client = meeting(push(policy), &[(PROVIDER_DOWN, 100.0, 150.0)]);
    let summary = run(&setup(trace(&[99.0]), 300.0, 0.0, vec![client])).remove(0);
    assert_eq!((summary.delivered, summary.lost_by(LossCause::NeverRetried)), (1, 0));
}

#[test]
fn a_poller_that_was_down_starts_anew_from_where_it_was() {
    let mut policy = aligned(60.0);
    policy.timing = Timing::FixedRate;
    let client = meeting(pull(policy), &[(FaultKind::PollerDown, 100.0, 210.0)]);
    let setup = setup(trace(&[50.0, 110.0, 209.0, 215.0]), 400.0, 0.0, vec![client]);
    // The grid begins anew at 210 s, until the events are all there.
    assert_eq!(opened(&setup, Side::Consumer)[..5], [0.0, 60.0, 210.0, 270.0, 330.0]);
    assert_eq!(seen(&setup), [60.0, 210.0, 210.0, 270.0]);
    let (summary, tally) = only(&setup);
    assert_eq!((tally.failed, summary.outcomes.failed, tally.catch_up()), (0, 0, Some(Span::ZERO)));
}

#[test]
fn a_poller_that_is_down_ignores_what_it_had_asked_for_even_if_it_is_up_again() {
    for until in [60.5, 70.0] {
        let client = meeting(pull(aligned(60.0)), &[(FaultKind::PollerDown, 60.25, until)]);
        let setup = setup(trace(&[50.0]), 200.0, 0.5, vec![client]);
        // The poll of 60 s is answered at 61 s, to nobody.
        assert_eq!(ended(&setup, Side::Consumer)[1], (61.0, End::TimedOut));
        assert_eq!(seen(&setup), [until + 1.0]);
        let summary = run(&setup).remove(0);
        assert_eq!((summary.outcomes.failed, summary.outcomes.useful), (1, 1));
    }
}

#[test]
fn a_fleet_of_pollers_that_come_up_together_is_a_stampede_unless_spread() {
    let peak = |phase| {
        let policy = PollPolicy { phase, ..poll_policy(60.0) };
        let client = meeting(pull(policy), &[(FaultKind::PollerDown, 100.5, 200.5)]);
        let mut setup = setup(poisson(0.01), 400.0, 0.0, vec![client]);
        setup.consumers = 600;
        setup.frame.warmup = at(150.0);
        run(&setup).remove(0).provider.rps_peak.unwrap()
    };
    assert_eq!(peak(Phase::Aligned), 600);
    assert!(peak(Phase::Random) < 40);
}

#[test]
fn a_slow_worker_needs_lambda_d_over_mu_minus_lambda_to_catch_up() {
    // An event each second, a quarter of a second for each, down for 60 s: 1 x 60 / (4 - 1) = 20 s.
    let mut policy = push_policy(RetryPolicy::never());
    policy.receive.capacity = Capacity { workers: Some(1), queue: 1_000 };
    policy.receive.service_time = constant(0.25);
    policy.dispatch.timeout = secs(1_000.0);
    let client = meeting(push(policy), &[(PROVIDER_DOWN, 100.0, 160.0)]);
    let instants: Vec<f64> = (0..300).map(|i| f64::from(i) + 0.5).collect();
    let setup = setup(trace(&instants), 300.0, 0.0, vec![client]);
    let (summary, tally) = only(&setup);
    // The sixty of the outage take 15 s, and what occurs meanwhile waits behind them, and so on for another 5 s: the last
    // that has to wait, of 179.5 s, is done with 20 s after the outage.
    assert_eq!((tally.events, tally.catch_up()), (60, Some(secs(15.0))));
    assert_eq!(tally.after.as_ref().unwrap().count(), 15);
    assert_eq!(seen(&setup)[179..181], [180.0, 180.75]);
    assert_eq!(summary.tally.latencies.count_above(250.0), 60 + 20);
    assert_eq!(tally.backlog_max(), 60);
    // The k-th of them occurs 60.5 s - k before the end and is done with k / 4 s after it.
    assert_within("mean", mean_ms(&tally), (60.5 - 0.75 * 61.0 / 2.0) * 1e3, 1e-6);
}

#[test]
fn f9_a_polling_client_is_half_the_outage_and_half_an_interval_late() {
    for (every, outage, kind) in [
        (60.0, 600.0, PROVIDER_DOWN),
        (30.0, 45.0, PROVIDER_DOWN),
        (300.0, 3_600.0, PROVIDER_DOWN),
        (60.0, 600.0, FaultKind::PollerDown),
    ] {
        let client = meeting(pull(poll_policy(every)), &[(kind, 1_000.0, 1_000.0 + outage)]);
        let mut setup = setup(poisson(0.05), 1_000.0 + outage, 0.0, vec![client]);
        setup.consumers = 1_000;
        let (summary, tally) = only(&setup);
        let n = 1_000.0;
        // Between consumers: the wait for the first poll after the end is uniform over an interval, and the same for all
        // events of one; within one: events are uniform over the outage.
        let events = tally.events as f64;
        let error = (every * every / 12.0 * (1.0 / n + 1.0 / events) + outage * outage / 12.0 / events).sqrt();
        assert_within("mean", mean_ms(&tally) / 1e3, (outage + every) / 2.0, error);
        let longest = tally.inside.as_ref().unwrap().max_ms().unwrap() / 1e3;
        assert!(longest <= outage + every && longest > 0.95 * (outage + every), "{longest}");
        assert!(tally.catch_up().unwrap() <= secs(every));
        assert_eq!(summary.lost_total(), 0);
    }
}

#[test]
fn f3f_a_network_that_loses_messages_makes_polls_fail() {
    // A lossy network all the time is a fault that lasts as long: T/2 + T f / (1 - f), f = 1 - (1 - p)^2.
    let (every, loss) = (60.0, 0.2f64);
    let client = meeting(pull(poll_policy(every)), &[(FaultKind::NetworkLoss { loss }, 0.0, 1e6)]);
    let mut setup = setup(poisson(0.002), 40_000.0, 0.0, vec![client]);
    setup.consumers = 200;
    let (summary, tally) = only(&setup);
    let f = 1.0 - (1.0 - loss) * (1.0 - loss);
    let polls = summary.polls as f64;
    assert_within("failed", summary.outcomes.failed as f64 / polls, f, (f * (1.0 - f) / polls).sqrt());
    // Events are rare against polls, so their waits are as good as independent; each is uniform plus geometric.
    let variance = every * every * (1.0 / 12.0 + f / ((1.0 - f) * (1.0 - f)));
    let mean = summary.latency_mean_ms.unwrap() / 1e3;
    assert_within("mean", mean, every / 2.0 + every * f / (1.0 - f), (variance / tally.events as f64).sqrt());
    assert!(pushpull::theory::predict(&setup, 0).is_empty(), "theory knows nothing of faults");
}

#[test]
fn losses_add_up_with_those_of_the_network_on_the_same_luck() {
    let lossy = |network: f64, faults: &[(FaultKind, f64, f64)]| {
        let client = meeting(push(push_policy(RetryPolicy::never())), faults);
        let setup = with_loss(setup(poisson(1.0), 2_000.0, 0.0, vec![client]), network, 0.0);
        let lost = sim::trace(&setup, 0, 0).1;
        lost.iter().filter(|(_, fact)| matches!(fact, Fact::RequestLost(_))).count()
    };
    let loss = |loss| (FaultKind::NetworkLoss { loss }, 0.0, 1e6);
    // Responses are lost by the fault too, but that is no request lost.
    assert_eq!(lossy(0.0, &[loss(0.3)]), lossy(0.3, &[]));
    assert_eq!(lossy(0.2, &[loss(0.5)]), lossy(0.6, &[]));
    assert_eq!(lossy(0.0, &[loss(0.5), loss(0.2)]), lossy(0.6, &[]));
    assert_eq!(lossy(0.0, &[(FaultKind::NetworkLoss { loss: 1.0 }, 500.0, 1_500.0)]), {
        let workload = setup(poisson(1.0), 2_000.0, 0.0, Vec::new()).workload;
        workload.events(0).filter(|event| (at(500.0)..at(1_500.0)).contains(&event.occurred_at)).count()
    });
}

#[test]
fn a_slow_network_takes_that_many_times_as_long_either_way_and_may_be_too_slow() {
    let slow = [(FaultKind::NetworkSlow { factor: 10.0 }, 100.0, 200.0)];
    let mut fast_to_give_up = push_policy(delays(&[90.0]));
    fast_to_give_up.dispatch.timeout = secs(5.0);
    let setup = setup(trace(&[50.0, 150.0]), 400.0, 0.5, vec![meeting(push(fast_to_give_up), &slow)]);
    assert_eq!(seen(&setup), [50.5, 155.0]);
    // The acknowledgement would come at 160 s, five seconds too late.
    assert_eq!(ended(&setup, Side::Provider)[1], (155.0, End::TimedOut));
    let (_, tally) = only(&setup);
    assert_eq!((tally.events, tally.catch_up()), (1, Some(Span::ZERO)));
    let mut patient = aligned(60.0);
    patient.timeout = secs(30.0);
    let mut polled = setup.clone();
    polled.clients = vec![meeting(pull(patient), &slow)];
    assert_eq!(seen(&polled), [61.0, 190.0]);
}

#[test]
fn only_the_share_that_meets_an_outage_knows_of_it() {
    let whom = Whom::Some { share: 0.3, seed: Seed::new(7), fault: 0 };
    for kind in [PROVIDER_DOWN, RECEIVER_DOWN, FaultKind::PollerDown] {
        let mut client = push(push_policy(delays(&[1_000.0])));
        client.pull = (kind == FaultKind::PollerDown).then(|| aligned(10.0));
        client.push = client.push.filter(|_| kind != FaultKind::PollerDown);
        client.faults = Faults(vec![Fault { whom, ..Fault::new(kind, at(100.0), at(200.0)) }]);
        let mut setup = setup(trace(&[150.0]), 300.0, 0.0, vec![client]);
        setup.consumers = 1_000;
        // Whether consumers share the API's and the dispatcher's capacity or not.
        for limit in [None, Some(1_000_000)] {
            setup.api.capacity = Capacity { workers: limit, queue: 0 };
            if let Some(push) = &mut setup.clients[0].push {
                push.dispatch.concurrency = limit;
            }
            let (summary, tally) = only(&setup);
            let victims = (0..1_000).filter(|consumer| whom.includes(*consumer)).count() as u64;
            assert_eq!((tally.events, tally.backlog_max(), summary.delivered), (victims, victims, 1_000));
            assert_eq!(summary.tally.latencies.count_above(20.0 * 1e3), victims);
        }
    }
}

#[test]
fn of_a_shared_system_b_only_the_requests_of_those_that_meet_its_outage_are_gone() {
    // Two consumers poll at once; one worker takes ten seconds for each. Consumer 0 or 1 is hit while both are there.
    let (mut hit_first, mut hit_second) = (0, 0);
    for seed in 0..20 {
        let whom = Whom::Some { share: 0.5, seed: Seed::new(seed), fault: 0 };
        let hit = [whom.includes(0), whom.includes(1)];
        let mut client = pull(PollPolicy { timeout: secs(90.0), ..aligned(100.0) });
        client.faults = Faults(vec![Fault { whom, ..Fault::new(PROVIDER_DOWN, at(105.0), at(106.0)) }]);
        let mut setup = setup(trace(&[50.0]), 190.0, 0.0, vec![client]);
        setup.consumers = 2;
        setup.api.service_time = constant(10.0);
        setup.api.capacity = Capacity { workers: Some(1), queue: 10 };
        let summary = run(&setup).remove(0);
        let latencies: Vec<f64> =
            summary.tally.latencies.cells().map(|(micros, _)| (micros as f64 / 1e6).round()).collect();
        match hit {
            [false, false] => assert_eq!(latencies, [60.0, 70.0]),
            [true, true] => assert_eq!(latencies, [160.0, 170.0]),
            // The other's is served: at once if the worker has just lost its request, or as if nothing had happened.
            _ => {
                hit_first += u32::from(latencies[0] == 65.0);
                hit_second += u32::from(latencies[0] == 60.0);
                assert!([60.0, 65.0].contains(&latencies[0]) && latencies[1] >= 160.0, "{latencies:?}");
            }
        }
    }
    assert!(hit_first > 0 && hit_second > 0);
}

#[test]
fn a_hybrid_hears_on_whichever_way_is_there() {
    let hybrid = |faults: &[(FaultKind, f64, f64)]| {
        let mut client = push(push_policy(RetryPolicy::never()));
        client.pull = Some(aligned(60.0));
        setup(trace(&[50.0, 110.0]), 300.0, 0.0, vec![meeting(client, faults)])
    };
    assert_eq!(
        seen(&hybrid(&[(FaultKind::PollerDown, 100.0, 150.0)])),
        [50.0, 110.0],
        "the webhook comes all the same"
    );
    assert_eq!(seen(&hybrid(&[(RECEIVER_DOWN, 100.0, 150.0)])), [50.0, 120.0], "the poll brings it");
    assert_eq!(seen(&hybrid(&[(PROVIDER_DOWN, 100.0, 150.0)])), [50.0, 150.0], "both wait for System B");
    let all = [(PROVIDER_DOWN, 100.0, 150.0), (RECEIVER_DOWN, 140.0, 155.0), (FaultKind::PollerDown, 90.0, 165.0)];
    assert_eq!(seen(&hybrid(&all)), [50.0, 165.0]);
}

#[test]
fn what_occurs_in_the_warm_up_is_in_no_report() {
    let client = meeting(push(push_policy(delays(&[60.0]))), &[(RECEIVER_DOWN, 100.0, 150.0)]);
    let mut setup = setup(trace(&[110.0, 130.0, 200.0]), 300.0, 0.0, vec![client]);
    setup.frame.warmup = at(120.0);
    let (_, tally) = only(&setup);
    assert_eq!((tally.events, tally.failed, tally.catch_up()), (1, 1, Some(secs(40.0))));
}

#[test]
fn attacks_have_no_part_in_the_report() {
    let forged = FaultKind::ForgedWebhooks { gap_nanos: 1e9, mix: [1; 7] };
    let client = meeting(push(push_policy(RetryPolicy::never())), &[(forged, 0.0, 50.0), (RECEIVER_DOWN, 10.0, 20.0)]);
    let summary = run(&setup(poisson(1.0), 60.0, 0.0, vec![client])).remove(0);
    assert_eq!(summary.tally.faults.len(), 1);
    assert_eq!(summary.tally.faults[0].fault.kind, RECEIVER_DOWN);
}
