//! Cases small enough to work out by hand, exact to the nanosecond; and for each modelling choice a case that comes out
//! differently under the other choice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::engine::{ClientSetup, PushSetup, Setup, sim};
use pushpull::measure::fact::Fact;
use pushpull::peer::{Note, Request, Side};
use pushpull::policy::poller::{Jitter, Phase, PollPolicy, Timing};
use pushpull::policy::receiver::{Acknowledge, Dedupe};
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::time::{Span, Time};

/// Latencies in seconds, in the order in which events were seen.
fn latencies(setup: &Setup) -> Vec<f64> {
    sim::exact_latencies(setup, 0, 0).into_iter().map(Span::as_secs_f64).collect()
}

/// The instants in seconds at which a side opened its exchanges.
fn opened(setup: &Setup, side: Side) -> Vec<f64> {
    let facts = sim::trace(setup, 0, 0).1;
    let at = |(at, fact): &(Time, Fact)| match fact {
        Fact::Opened { exchange, .. } if exchange.opener == side => Some(at.as_nanos() as f64 / 1e9),
        _ => None,
    };
    facts.iter().filter_map(at).collect()
}

fn aligned(every: f64) -> PollPolicy {
    PollPolicy { phase: Phase::Aligned, ..poll_policy(every) }
}

/// Two events at the start, and a receiver whose one worker is busy with the first for just as long as the first
/// `failures` delays add up to. Until then the second event is answered 503, a failure known without delay.
fn failing_first(delays: RetryPolicy, failures: u32) -> Setup {
    let blocked_until: f64 = delays.delays.iter().take(failures as usize).map(|d| d.as_secs_f64()).sum();
    let mut push_setup: PushSetup = push_policy(delays);
    push_setup.receive.capacity = Capacity { workers: Some(1), queue: 0 };
    push_setup.receive.acknowledge = Acknowledge::Before;
    push_setup.receive.service_time = constant(blocked_until);
    let mut setup = setup(trace(&[0.0, 0.0]), blocked_until * 3.0 + 1.0, 0.0, vec![push(push_setup)]);
    setup.frame.end = setup.frame.duration + secs(1e7);
    setup
}

#[test]
fn d1_a_fixed_poll_locked_to_its_events() {
    let setup = setup(trace(&[10.0, 40.0, 70.0, 100.0, 130.0, 160.0]), 181.0, 0.0, vec![pull(aligned(60.0))]);
    assert_eq!(latencies(&setup), [50.0, 20.0, 50.0, 20.0, 50.0, 20.0]);
    let summary = run(&setup).remove(0);
    assert_eq!(summary.latency_mean_ms, Some(35_000.0), "not 30 s: the phases are locked");
    // The poll at 0 finds nothing; those at 60, 120 and 180 find two events each.
    assert_eq!((summary.polls, summary.outcomes.useful, summary.outcomes.empty), (4, 3, 1));
}

#[test]
fn d2_to_d5_published_retry_schedules() {
    let cases: [(&str, &[f64], u32, f64); 4] = [
        ("Svix, three failures", &[5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0], 3, 2_105.0),
        ("Tidio, nine failures", &[5.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 10_800.0], 9, 17_085.0),
        ("Brevo, four failures", &[600.0, 3_600.0, 7_200.0, 28_800.0], 4, 40_200.0),
        // Published as times since the first attempt; the delays are the differences.
        (
            "Alloy, nine failures",
            &[1.0, 59.0, 540.0, 1_200.0, 3_600.0, 5_400.0, 10_800.0, 21_600.0, 43_200.0],
            9,
            86_400.0,
        ),
    ];
    for (name, schedule, failures, delivered_at) in cases {
        let setup = failing_first(delays(schedule), failures);
        let facts = sim::trace(&setup, 0, 0).1;
        // The second event finds the only worker busy with the first until just when its attempt after the last failure
        // leaves; it is accepted at that very instant.
        let accepted: Vec<f64> = facts
            .iter()
            .filter_map(|(at, fact)| match fact {
                Fact::Noted(_, Note::Took { .. }) => Some(at.as_nanos() as f64 / 1e9),
                _ => None,
            })
            .collect();
        assert_eq!(accepted, [0.0, delivered_at], "{name}");
        let summary = run(&setup).remove(0);
        assert_eq!(summary.attempts, u64::from(failures) + 2, "{name}");
        assert_eq!((summary.outcomes.failed, summary.lost_total()), (u64::from(failures), 0), "{name}");
    }
}

#[test]
fn d7_a_fixed_delay_poller_of_two_seconds_wastes_96_percent_of_its_polls() {
    // Something new every 50 s, ten times; a poll pauses 1 s after an answer that takes 1 s.
    let instants: Vec<f64> = (0..10).map(|i| 25.5 + 50.0 * f64::from(i)).collect();
    let mut policy = aligned(1.0);
    policy.timing = Timing::FixedDelay;
    policy.timeout = secs(10.0);
    let mut setup = setup(trace(&instants), 500.0, 0.0, vec![pull(policy)]);
    setup.api.service_time = constant(1.0);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.polls, summary.outcomes.useful, summary.outcomes.empty), (250, 10, 240));
    assert_eq!(summary.empty_ratio(), Some(0.96));
}

#[test]
fn d8_a_poll_that_falls_due_while_one_is_open_is_skipped() {
    for (every, request, effective) in [(5.0, 6.0, 10.0), (60.0, 61.0, 120.0), (10.0, 25.0, 30.0), (5.0, 5.0, 5.0)] {
        let mut policy = aligned(every);
        policy.timeout = secs(100.0);
        let mut setup = setup(trace(&[0.5]), effective * 4.0, 0.0, vec![pull(policy)]);
        setup.api.service_time = constant(request);
        let expected: Vec<f64> = (0..4).map(|k| effective * f64::from(k)).collect();
        let polls: Vec<f64> = opened(&setup, Side::Consumer).into_iter().take(4).collect();
        assert_eq!(polls, expected, "every {every} s with requests of {request} s");
    }
}

#[test]
fn an_event_at_the_very_instant_of_sampling_is_in() {
    // The poll leaves at 10 and reaches the provider at 10.05.
    let mut setup = setup(trace(&[10.05, 10.050_000_001]), 30.0, 0.05, vec![pull(aligned(10.0))]);
    assert_eq!(latencies(&setup), [0.05, 10.049_999_999]);
    // The service time follows the sampling, so an event that occurs meanwhile is not in.
    setup.api.service_time = constant(0.02);
    let seen = latencies(&setup);
    assert!((seen[0] - 0.07).abs() < 1e-12 && (seen[1] - 10.069_999_999).abs() < 1e-12, "{seen:?}");
}

#[test]
fn with_limited_workers_sampling_waits_for_a_worker() {
    // Two consumers ask at the same time; the one worker takes the second request when it is done with the first. The
    // event at 10.5 is in the second answer only because that one is sampled at 11.
    let mut setup = setup(trace(&[10.5]), 20.0, 0.0, vec![pull(aligned(10.0))]);
    setup.consumers = 2;
    setup.api.service_time = constant(1.0);
    setup.api.capacity = Capacity { workers: Some(1), queue: 10 };
    setup.clients[0].pull.as_mut().unwrap().timeout = secs(9.0);
    let summary = run(&setup).remove(0);
    assert_eq!(summary.delivered, 2);
    // The first consumer hears at 21 (10.5 s late), the second at 12 (1.5 s late).
    assert_eq!(summary.latency_mean_ms, Some(6_000.0));
    setup.api.capacity = Capacity::UNLIMITED;
    assert_eq!(run(&setup).remove(0).latency_mean_ms, Some(10_500.0));
}

#[test]
fn phase_is_random_or_aligned() {
    let with_phase = |phase| {
        let policy = PollPolicy { phase, ..poll_policy(60.0) };
        let mut setup = setup(poisson(0.1), 600.0, 0.0, vec![pull(policy)]);
        setup.consumers = 600;
        run(&setup).remove(0)
    };
    let (random, aligned) = (with_phase(Phase::Random), with_phase(Phase::Aligned));
    assert_eq!(aligned.provider.rps_peak, Some(600), "all of them in one second");
    assert!(random.provider.rps_peak.is_some_and(|peak| peak < 40), "{:?}", random.provider.rps_peak);
    assert_eq!(random.polls, aligned.polls);
}

#[test]
fn jitter_on_the_gap_adds_up_and_jitter_on_the_grid_does_not() {
    let polls = |jitter| {
        let policy = PollPolicy { jitter, ..aligned(10.0) };
        opened(&setup(trace(&[0.5]), 2_000.0, 0.0, vec![pull(policy)]), Side::Consumer)
    };
    let grid = polls(Jitter::Grid(0.2));
    assert!(grid.iter().zip(0..).all(|(at, k)| (0.0..2.0).contains(&(at - 10.0 * f64::from(k)))));
    let gap = polls(Jitter::Gap(0.2));
    assert!(gap.windows(2).all(|pair| (8.0..=12.0).contains(&(pair[1] - pair[0]))));
    let strays = gap.iter().zip(0..).any(|(at, k)| !(0.0..2.0).contains(&(at - 10.0 * f64::from(k))));
    assert!(strays, "gaps drift away from the grid");
}

#[test]
fn the_next_page_is_asked_for_at_once() {
    let instants: Vec<f64> = (1..=7).map(|i| f64::from(i) * 0.1).collect();
    let mut setup = setup(trace(&instants), 20.0, 0.05, vec![pull(aligned(10.0))]);
    setup.api.page = 3;
    // Three pages, 100 ms after each other, the last of them short: no request for an empty one.
    assert_eq!(opened(&setup, Side::Consumer), [0.0, 10.0, 10.1, 10.2]);
    let seen: Vec<f64> =
        latencies(&setup).iter().zip(&instants).map(|(l, at)| ((l + at) * 1e9).round() / 1e9).collect();
    assert_eq!(seen, [10.1, 10.1, 10.1, 10.2, 10.2, 10.2, 10.3]);
    // A page that is just full says that there is no more.
    setup.api.page = 7;
    assert_eq!(opened(&setup, Side::Consumer), [0.0, 10.0]);
}

#[test]
fn a_retry_waits_from_the_moment_its_sender_knows_of_the_failure() {
    let mut setup = setup(trace(&[1.0]), 100.0, 0.5, vec![push(push_policy(delays(&[5.0, 5.0])))]);
    setup.link.request.loss = 1.0;
    // Lost: known after the timeout of 10 s. Attempts at 1, 1 + 10 + 5, 16 + 10 + 5; the first counts among the three.
    assert_eq!(opened(&setup, Side::Provider), [1.0, 16.0, 31.0]);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.attempts, summary.outcomes.failed, summary.lost_total()), (3, 3, 1));
    // Refused: known after one round trip of 1 s.
    setup.link.request.loss = 0.0;
    let receive = &mut setup.clients[0].push.as_mut().unwrap().receive;
    receive.capacity = Capacity { workers: Some(0), queue: 0 };
    assert_eq!(opened(&setup, Side::Provider), [1.0, 7.0, 13.0]);
}

#[test]
fn kinds_of_failure_are_kept_apart() {
    let base = || setup(trace(&[1.0]), 100.0, 0.5, vec![push(push_policy(delays(&[5.0])))]);
    // A lost request brings nothing.
    let mut lost_request = base();
    lost_request.link.request.loss = 1.0;
    let summary = run(&lost_request).remove(0);
    assert_eq!((summary.outcomes.useful, summary.outcomes.failed, summary.duplicates), (0, 2, 0));
    assert_eq!((summary.delivered, summary.lost_total()), (0, 1));
    // A lost acknowledgement: the handler ran, so the first attempt is useful and the retry a duplicate. The sender
    // gives up on an event that has long arrived.
    let mut lost_ack = base();
    lost_ack.link.response.loss = 1.0;
    let summary = run(&lost_ack).remove(0);
    assert_eq!((summary.outcomes.useful, summary.outcomes.duplicate, summary.outcomes.failed), (1, 1, 0));
    assert_eq!((summary.delivered, summary.lost_total(), summary.duplicates), (1, 0, 1));
    // A handler that is too slow is the same: it goes on although nobody waits for it any more.
    let mut slow = base();
    slow.clients[0].push.as_mut().unwrap().receive.service_time = constant(12.0);
    let summary = run(&slow).remove(0);
    assert_eq!((summary.outcomes.useful, summary.outcomes.duplicate, summary.outcomes.failed), (1, 1, 0));
    assert_eq!(latencies(&slow), [12.5]);
    // An error status brings nothing, and is known at once.
    let mut refused = base();
    refused.clients[0].push.as_mut().unwrap().receive.capacity = Capacity { workers: Some(0), queue: 0 };
    let summary = run(&refused).remove(0);
    assert_eq!((summary.outcomes.failed, summary.lost_total()), (2, 1));
}

#[test]
fn a_webhook_that_arrives_after_its_sender_has_given_up_waiting_is_useful_all_the_same() {
    // Twelve seconds on the way, ten until the timeout; the second attempt brings nothing new, a minute later.
    let mut setup = setup(trace(&[1.0]), 200.0, 0.0, vec![push(push_policy(delays(&[60.0])))]);
    setup.link.request.latency = constant(12.0);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.outcomes.useful, summary.outcomes.duplicate, summary.outcomes.failed), (1, 1, 0));
    assert_eq!((summary.delivered, summary.duplicates, summary.lost_total()), (1, 1, 0));
    assert_eq!(summary.latency_mean_ms, Some(12_000.0));
    // Both acknowledgements left the receiver, although nobody waited for them any more.
    assert_eq!(summary.provider.bytes_in, 0);
    assert!(summary.consumer.bytes_out > 0);
}

#[test]
fn an_event_given_up_while_its_handler_runs_is_not_lost() {
    // The only attempt times out a second after the end of the events; the handler needs four seconds more.
    let mut client = push_policy(RetryPolicy::never());
    client.dispatch.timeout = secs(2.0);
    client.receive.service_time = constant(6.0);
    let setup = setup(trace(&[9.0]), 10.0, 0.0, vec![push(client)]);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.delivered, summary.pending, summary.lost_total()), (1, 0, 0));
}

#[test]
fn an_answer_that_is_ready_just_as_time_runs_out_is_in_time() {
    let mut client = push_policy(delays(&[1.0]));
    client.receive.service_time = constant(10.0);
    let summary = run(&setup(trace(&[1.0]), 100.0, 0.0, vec![push(client)])).remove(0);
    assert_eq!((summary.requests(), summary.duplicates), (1, 0));
}

#[test]
fn an_acknowledgement_before_the_handler_frees_the_sender_but_not_the_latency() {
    let with = |acknowledge| {
        let mut client = push_policy(delays(&[5.0]));
        client.receive.acknowledge = acknowledge;
        client.receive.service_time = constant(12.0);
        run(&setup(trace(&[1.0]), 100.0, 0.5, vec![push(client)])).remove(0)
    };
    let (before, after) = (with(Acknowledge::Before), with(Acknowledge::After));
    assert_eq!((before.requests(), after.requests()), (1, 2));
    assert_eq!((before.latency_mean_ms, after.latency_mean_ms), (Some(12_500.0), Some(12_500.0)));
}

#[test]
fn without_deduplication_the_handler_runs_again() {
    let busy = |dedupe| {
        let mut client = push_policy(delays(&[5.0]));
        client.receive.dedupe = if dedupe { client.receive.dedupe } else { Dedupe::Never };
        client.receive.service_time = constant(2.0);
        client.receive.capacity = Capacity { workers: Some(1), queue: 9 };
        let summary = run(&with_loss(setup(trace(&[1.0]), 100.0, 0.5, vec![push(client)]), 0.0, 1.0)).remove(0);
        assert_eq!((summary.delivered, summary.duplicates), (1, 1), "either way the event is seen once and came again");
        summary.consumer.busy_ratio.unwrap() * 100.0
    };
    assert_eq!((busy(true).round(), busy(false).round()), (2.0, 4.0));
}

#[test]
fn a_full_queue_refuses_and_the_retry_gets_in() {
    let mut client = push_policy(delays(&[5.0]));
    client.receive.capacity = Capacity { workers: Some(1), queue: 1 };
    client.receive.service_time = constant(1.0);
    let setup = setup(trace(&[1.0, 1.0, 1.0]), 100.0, 0.0, vec![push(client)]);
    assert_eq!(latencies(&setup), [1.0, 2.0, 6.0]);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.attempts, summary.outcomes.failed, summary.consumer.queue_max), (4, 1, 1));
}

#[test]
fn limited_concurrency_makes_attempts_wait_for_each_other() {
    let mut client = push_policy(delays(&[5.0]));
    client.dispatch.concurrency = Some(1);
    let setup = setup(trace(&[1.0, 1.0, 1.0]), 100.0, 0.5, vec![push(client)]);
    assert_eq!(opened(&setup, Side::Provider), [1.0, 2.0, 3.0]);
    assert_eq!(latencies(&setup), [0.5, 1.5, 2.5]);
}

#[test]
fn the_window_counts_what_starts_inside_it() {
    // Warm-up until 10, events until 30: the events at 5 and 35 do not count; neither do the polls before 10 and from 30
    // on, but the latency of the event at 29, which the drain's poll brings, does.
    let mut setup = setup(trace(&[5.0, 15.0, 29.0, 35.0]), 30.0, 0.0, vec![pull(aligned(10.0))]);
    setup.frame.warmup = at(10.0);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.events, summary.delivered), (2, 2));
    assert_eq!((summary.polls, summary.outcomes.useful), (2, 2), "at 10 (with the event of the warm-up) and at 20");
    assert_eq!(summary.latency_mean_ms, Some(3_000.0));
    assert_eq!(summary.measured_s, 20.0);
    // Without a drain the last event is still on its way.
    setup.frame.end = setup.frame.duration - Span::from_nanos(1);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.delivered, summary.pending), (1, 1));
}

#[test]
fn what_is_under_way_when_the_drain_ends_is_cut_off() {
    let mut policy = push_policy(delays(&[5.0]));
    policy.receive.service_time = constant(3.0);
    let mut setup = setup(trace(&[1.0, 9.5]), 10.0, 0.5, vec![push(policy)]);
    setup.frame.end = setup.frame.duration + secs(1.0);
    let summary = run(&setup).remove(0);
    // The second webhook has reached its handler, which had no time to finish: the request was useful, the event is pending.
    assert_eq!((summary.delivered, summary.pending, summary.outcomes.useful), (1, 1, 2));
}

#[test]
fn staleness_is_the_time_between_a_change_and_its_sight() {
    // Aligned polls at 0, 10, 20, ...: out of date from 3 to 10 and from 12 to 20, that is 15 of 40 s.
    let setup = setup(trace(&[3.0, 5.0, 12.0]), 40.0, 0.0, vec![pull(aligned(10.0))]);
    assert_eq!(run(&setup).remove(0).staleness_ratio, Some(15.0 / 40.0));
}

#[test]
fn an_event_seen_after_a_later_one_of_its_record_is_out_of_order() {
    // The first attempt of the first event is refused, because the one worker is busy with an event of the warm-up.
    let mut client = push_policy(delays(&[5.0]));
    client.receive.capacity = Capacity { workers: Some(1), queue: 0 };
    client.receive.service_time = constant(1.0);
    let mut setup = setup(trace(&[0.5, 1.0, 2.0]), 100.0, 0.0, vec![push(client)]);
    setup.workload.records = 1;
    let summary = run(&setup).remove(0);
    assert_eq!((summary.delivered, summary.reordered), (3, 1));
}

#[test]
fn the_rate_is_each_consumers_and_totals_are_totals() {
    let mut setup = setup(trace(&[1.0, 2.0, 3.0]), 10.0, 0.0, vec![pull(aligned(1.0))]);
    setup.consumers = 4;
    let summary = run(&setup).remove(0);
    assert_eq!((summary.events, summary.polls), (12, 40));
    assert_eq!((summary.provider.rps_mean, summary.consumer.rps_mean), (4.0, 4.0));
}

#[test]
fn polls_per_event_and_polls_per_useful_poll_are_two_numbers() {
    let setup = setup(trace(&[1.5, 1.6, 1.7, 5.5]), 10.0, 0.0, vec![pull(aligned(1.0))]);
    let summary = run(&setup).remove(0);
    assert_eq!(summary.requests_per_event(), Some(2.5), "ten polls for four events");
    assert_eq!((summary.polls, summary.outcomes.useful), (10, 2), "five polls for each that was useful");
}

#[test]
fn requests_carry_what_their_draws_are_about() {
    let a = Request::Poll { after: 1, limit: 2, poll: 3, page: 4, hold: Span::ZERO, tag: None };
    let b = Request::Poll { after: 9, limit: 9, poll: 3, page: 4, hold: Span::ZERO, tag: None };
    assert_eq!(a.subject(), b.subject(), "luck belongs to the poll, not to what it asks");
}

#[test]
fn a_clients_figures_do_not_depend_on_which_other_clients_there_are() {
    let clients = |more: bool| -> Vec<ClientSetup> {
        let mut clients = vec![pull(poll_policy(3.0)), push(push_policy(delays(&[1.0, 2.0])))];
        if more {
            clients.insert(0, pull(PollPolicy { jitter: Jitter::Gap(0.3), ..poll_policy(1.0) }));
        }
        clients
    };
    let figures = |more| {
        let mut setup = with_loss(setup(poisson(1.0), 300.0, 0.05, clients(more)), 0.1, 0.1);
        // Few workers, so that clients would slow each other if they shared one System B.
        setup.consumers = 5;
        setup.api.service_time = constant(0.4);
        setup.api.capacity = Capacity { workers: Some(1), queue: 100 };
        let summaries = run(&setup);
        summaries[usize::from(more)..].iter().map(|s| (s.outcomes, s.tally.latencies.sum_nanos())).collect::<Vec<_>>()
    };
    assert_eq!(figures(false), figures(true));
}
