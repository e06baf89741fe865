//! What a receiver must survive, in virtual time: outages, crashes, short memories, thin webhooks and attackers. Worked by
//! hand, to the nanosecond.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use pushpull::engine::{ClientSetup, PushSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults, ForgeryKind};
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::summary::Summary;
use pushpull::measure::tally::Forged;
use pushpull::peer::{LossCause, Request};
use pushpull::policy::receiver::{Acknowledge, Dedupe, FetchPolicy};
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::signature::Scheme;
use pushpull::policy::workers::Capacity;
use pushpull::wire::Payload;

fn with_faults(push: PushSetup, faults: Vec<Fault>) -> ClientSetup {
    ClientSetup { faults: Faults(faults), ..common::push(push) }
}

fn fault(kind: FaultKind, from: f64, until: f64) -> Fault {
    Fault::new(kind, at(from), at(until))
}

const fn down(connections: Connections) -> FaultKind {
    FaultKind::ReceiverDown { connections }
}

/// The instants of all attempts, and how and when they ended, in seconds.
fn attempts(setup: &Setup) -> Vec<(f64, f64, End)> {
    let (_, facts) = sim::trace(setup, 0, 0);
    let seconds = |at: pushpull::time::Time| at.as_nanos() as f64 / 1e9;
    let opened = facts.iter().filter_map(|(at, fact)| match fact {
        Fact::Opened { exchange, request: Request::Delivery { .. }, .. } => Some((seconds(*at), *exchange)),
        _ => None,
    });
    let end_of = |exchange| {
        let ended = |(at, fact): &(_, Fact)| match fact {
            Fact::Ended { exchange: other, end, .. } if *other == exchange => Some((seconds(*at), *end)),
            _ => None,
        };
        facts.iter().find_map(ended).unwrap()
    };
    opened
        .map(|(left, exchange)| {
            let (ended, end) = end_of(exchange);
            (left, ended, end)
        })
        .collect()
}

#[test]
fn an_endpoint_that_is_down_refuses_after_one_round_trip_and_a_host_that_is_gone_says_nothing() {
    let mut webhook = push_policy(delays(&[10.0, 10.0]));
    webhook.dispatch.timeout = secs(3.0);
    let outage = |connections| vec![fault(down(connections), 4.0, 20.0)];
    let attempts_with = |connections| {
        attempts(&setup(trace(&[5.0]), 60.0, 0.5, vec![with_faults(webhook.clone(), outage(connections))]))
    };
    let refused = [(5.0, 6.0, End::Unreachable), (16.0, 17.0, End::Unreachable), (27.0, 28.0, End::Accepted)];
    assert_eq!(attempts_with(Connections::Reset), refused);
    let silent = [(5.0, 8.0, End::TimedOut), (18.0, 21.0, End::TimedOut), (31.0, 32.0, End::Accepted)];
    assert_eq!(attempts_with(Connections::Drop), silent);
}

/// Events at 1, 2 and 3 s, each handled for 10 s by one worker; the process goes down from 4 s to 5 s.
fn crash(acknowledge: Acknowledge, retry: RetryPolicy) -> Setup {
    let mut webhook = push_policy(retry);
    webhook.dispatch.timeout = secs(100.0);
    webhook.receive.capacity = Capacity { workers: Some(1), queue: 10 };
    webhook.receive.service_time = constant(10.0);
    webhook.receive.acknowledge = acknowledge;
    let outage = fault(down(Connections::Reset), 4.0, 5.0);
    setup(trace(&[1.0, 2.0, 3.0]), 60.0, 0.0, vec![with_faults(webhook, vec![outage])])
}

#[test]
fn a_crash_between_acknowledgement_and_handler_loses_what_a_later_acknowledgement_would_have_kept() {
    let after = run(&crash(Acknowledge::After, delays(&[2.0]))).remove(0);
    assert_eq!((after.events, after.delivered, after.lost_total()), (3, 3, 0), "their connections broke: sent again");
    assert_eq!((after.outcomes.failed, after.outcomes.useful), (3, 3));
    let before = run(&crash(Acknowledge::Before, delays(&[2.0]))).remove(0);
    assert_eq!((before.events, before.delivered, before.lost_total()), (3, 0, 3));
    assert_eq!(before.tally.lost_by(LossCause::Unhandled), 3, "nobody will send them again");
    assert_eq!(before.outcomes.useful, 3, "they had been brought");
}

#[test]
fn a_poll_brings_what_a_crash_took() {
    let mut setup = crash(Acknowledge::Before, delays(&[2.0]));
    setup.clients[0].pull = Some(poll_policy(30.0));
    let hybrid = run(&setup).remove(0);
    assert_eq!((hybrid.delivered, hybrid.lost_total()), (3, 0));
}

#[test]
fn without_retries_a_crash_loses_what_was_under_way_by_its_own_cause() {
    let summary = run(&crash(Acknowledge::After, RetryPolicy::never())).remove(0);
    assert_eq!((summary.delivered, summary.tally.lost_by(LossCause::NeverRetried)), (0, 3));
}

#[test]
fn a_receiver_that_answers_errors_is_tried_again_and_one_that_is_slow_takes_longer() {
    let webhook = push_policy(delays(&[7.0, 7.0]));
    let errors = FaultKind::ReceiverErrors { status: 500, share: 1.0, retry_after: None };
    let failing = setup(trace(&[5.0]), 60.0, 0.5, vec![with_faults(webhook, vec![fault(errors, 4.0, 10.0)])]);
    assert_eq!(attempts(&failing), [(5.0, 6.0, End::Refused(500)), (13.0, 14.0, End::Accepted)]);
    let mut slow = push_policy(RetryPolicy::never());
    slow.receive.service_time = constant(0.5);
    let fault = fault(FaultKind::ReceiverSlow { factor: 4.0 }, 4.0, 10.0);
    let slowed = setup(trace(&[1.0, 5.0, 10.0]), 60.0, 0.0, vec![with_faults(slow, vec![fault])]);
    assert_eq!(sim::exact_latencies(&slowed, 0, 0), [secs(0.5), secs(2.0), secs(0.5)]);
}

#[test]
fn a_share_of_errors_is_that_share() {
    let share = 0.3;
    let errors = FaultKind::ReceiverErrors { status: 500, share, retry_after: None };
    let faults = vec![fault(errors, 0.0, 20_000.0)];
    let setup = setup(poisson(1.0), 20_000.0, 0.01, vec![with_faults(push_policy(RetryPolicy::never()), faults)]);
    let summary = run(&setup).remove(0);
    let n = summary.attempts as f64;
    assert_within("errors", summary.outcomes.failed as f64 / n, share, (share * (1.0 - share) / n).sqrt());
    assert_eq!(summary.tally.lost_by(LossCause::NeverRetried), summary.outcomes.failed);
}

/// A receiver that is too slow for its sender, so that each event comes four times: at 0, 3, 6 and 9 s.
fn comes_again(dedupe: Dedupe) -> Summary {
    let mut webhook = push_policy(delays(&[1.0, 1.0, 1.0]));
    webhook.dispatch.timeout = secs(2.0);
    webhook.receive.service_time = constant(2.5);
    webhook.receive.dedupe = dedupe;
    let mut setup = setup(trace(&[0.0, 0.1]), 60.0, 0.0, vec![push(webhook)]);
    // The acknowledgements never arrive.
    setup.link.response.loss = 1.0;
    run(&setup).remove(0)
}

#[test]
fn a_memory_that_is_too_small_or_too_short_has_handlers_run_again() {
    let remember = |size, age: Option<f64>| Dedupe::Remember { size, age: age.map(secs) };
    let handled_again = |dedupe| {
        let summary = comes_again(dedupe);
        assert_eq!((summary.delivered, summary.attempts, summary.duplicates), (2, 8, 6));
        summary.reprocessed
    };
    assert_eq!(handled_again(remember(None, None)), 0);
    assert_eq!(handled_again(remember(Some(2), None)), 0);
    assert_eq!(handled_again(remember(Some(1), None)), 6, "each pushes out the other");
    assert_eq!(handled_again(remember(None, Some(4.0))), 2, "forgotten when the third attempt comes after 6 s");
    assert_eq!(handled_again(Dedupe::Never), 6);
}

/// Thin webhooks over a network that takes half a second one way.
fn thin(retry: RetryPolicy) -> PushSetup {
    let mut webhook = push_policy(retry);
    webhook.envelope.payload = Payload::Thin;
    webhook.receive.service_time = constant(0.25);
    webhook.receive.fetch = Some(FetchPolicy { timeout: secs(4.0), tries: 3 });
    webhook
}

#[test]
fn a_thin_webhook_is_handled_once_its_event_has_been_fetched_and_both_requests_count() {
    let setup = setup(trace(&[1.0, 2.0]), 60.0, 0.5, vec![push(thin(RetryPolicy::never()))]);
    assert_eq!(sim::exact_latencies(&setup, 0, 0), [secs(1.75), secs(1.75)]);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.attempts, summary.fetches, summary.outcomes.useful), (2, 2, 4));
}

#[test]
fn a_fetch_that_fails_is_tried_again_and_then_the_webhook_has_failed() {
    // No answer ever comes back, so no fetch succeeds: three tries of 4 s with a second in between.
    let mut webhook = thin(delays(&[5.0]));
    webhook.dispatch.timeout = secs(30.0);
    let mut setup = setup(trace(&[1.0]), 200.0, 0.0, vec![push(webhook)]);
    setup.link.response.loss = 1.0;
    let summary = run(&setup).remove(0);
    assert_eq!((summary.attempts, summary.fetches, summary.outcomes.failed), (2, 6, 8));
    assert_eq!((summary.delivered, summary.tally.lost_by(LossCause::RetriesExhausted)), (0, 1));
}

#[test]
fn an_event_whose_fetch_failed_after_the_acknowledgement_is_lost_unless_it_is_polled() {
    let mut webhook = thin(delays(&[5.0]));
    webhook.receive.acknowledge = Acknowledge::Before;
    let mut setup = setup(trace(&[1.0]), 200.0, 0.0, vec![push(webhook)]);
    // The API has one worker that takes longer than any fetch waits.
    setup.api.capacity = Capacity { workers: Some(1), queue: 1_000 };
    setup.api.service_time = constant(10.0);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.attempts, summary.fetches), (1, 3));
    assert_eq!(summary.tally.lost_by(LossCause::Unhandled), 1);
    let mut poll = poll_policy(50.0);
    poll.timeout = secs(40.0);
    setup.clients[0].pull = Some(poll);
    let hybrid = run(&setup).remove(0);
    assert_eq!((hybrid.delivered, hybrid.lost_total()), (1, 0));
}

/// An attack of `each` forged webhooks of each kind on average, beside genuine ones.
fn attack(scheme: Scheme, dedupe: bool, each: f64) -> Setup {
    let duration = 1_000.0;
    let gap_nanos = 1e9 * duration / (each * ForgeryKind::ALL.len() as f64);
    let mut webhook = push_policy(delays(&[1.0, 1.0, 1.0]));
    webhook.scheme = scheme;
    if !dedupe {
        webhook.receive.dedupe = Dedupe::Never;
    }
    let forged = FaultKind::ForgedWebhooks { gap_nanos, mix: [1; ForgeryKind::ALL.len()] };
    let client = with_faults(webhook, vec![fault(forged, 1.0, duration)]);
    setup(poisson(1.0), duration, 0.02, vec![client])
}

#[test]
fn with_a_signature_nothing_forged_is_believed_and_without_one_what_is_made_up_is() {
    for scheme in Scheme::ALL {
        let summary = run(&attack(scheme, true, 10_300.0)).remove(0);
        assert_eq!((summary.delivered, summary.outcomes.failed), (summary.events, 0), "{scheme:?}");
        for (kind, forged) in ForgeryKind::ALL.into_iter().zip(summary.tally.forged) {
            let Forged { rejected, accepted } = forged;
            assert!(rejected + accepted >= 10_000, "{scheme:?} {kind:?} {forged:?}");
            let is_believed = scheme == Scheme::None
                && matches!(kind, ForgeryKind::Unsigned | ForgeryKind::WronglySigned | ForgeryKind::Tampered);
            assert_eq!(if is_believed { rejected } else { accepted }, 0, "{scheme:?} {kind:?}");
        }
    }
}

#[test]
fn a_receiver_that_remembers_nothing_handles_replays_and_old_recordings_where_no_age_is_signed() {
    for scheme in Scheme::ALL {
        let summary = run(&attack(scheme, false, 100.0)).remove(0);
        let accepted = |kind: ForgeryKind| summary.tally.forged[kind as usize].accepted;
        assert!(accepted(ForgeryKind::Replayed) > 50, "{scheme:?}");
        assert_eq!(accepted(ForgeryKind::Stale) > 50, !scheme.refuses_old(), "{scheme:?}");
        assert_eq!(accepted(ForgeryKind::Tampered) > 50, scheme == Scheme::None, "{scheme:?}");
    }
}

#[test]
fn an_attack_changes_nothing_but_itself() {
    let calm = |mut setup: Setup| {
        setup.clients[0].faults = Faults::default();
        run(&setup).remove(0)
    };
    let figures = |summary: &Summary| {
        let bytes = (summary.provider.bytes_in, summary.consumer.bytes_in);
        (summary.outcomes, bytes, summary.tally.latencies.sum_nanos(), summary.staleness_ratio.map(f64::to_bits))
    };
    let setup = attack(Scheme::None, true, 200.0);
    let attacked = run(&setup).remove(0);
    assert_eq!(figures(&attacked), figures(&calm(setup)), "the workers were not limited, so nothing is shared");
    assert!(attacked.forged_accepted > 0);
}

#[test]
fn an_event_whose_first_handler_failed_counts_for_the_handler_that_finished() {
    // The first attempt's fetch is lost, with the webhook's retry under way meanwhile: its own fetch succeeds.
    let mut webhook = thin(delays(&[1.0; 20]));
    webhook.dispatch.timeout = secs(3.0);
    webhook.receive.dedupe = Dedupe::Never;
    webhook.receive.fetch = Some(FetchPolicy { timeout: secs(10.0), tries: 1 });
    let setup = with_loss(setup(poisson(0.05), 20_000.0, 0.02, vec![push(webhook)]), 0.2, 0.2);
    let summary = run(&setup).remove(0);
    assert!(summary.outcomes.failed > 300, "{:?}", summary.outcomes);
    assert_eq!((summary.delivered, summary.lost_total(), summary.pending), (summary.events, 0, 0));
    // And where the second try succeeds in no time, it does not wait for the first to fail.
    assert!(summary.latency_p99_ms.unwrap() < 30_000.0, "{:?}", summary.latency_p99_ms);
}

#[test]
fn what_comes_again_counts_once_however_it_is_fetched() {
    let counts = |is_thin: bool| {
        let mut webhook = if is_thin { thin(delays(&[1.0])) } else { push_policy(delays(&[1.0])) };
        webhook.dispatch.timeout = secs(1.0);
        webhook.receive.dedupe = Dedupe::Never;
        webhook.receive.service_time = constant(2.0);
        let summary = run(&setup(trace(&[1.0, 20.0, 40.0]), 100.0, 0.0, vec![push(webhook)])).remove(0);
        (summary.attempts, summary.duplicates, summary.reprocessed)
    };
    assert_eq!(counts(false), (6, 3, 3));
    assert_eq!(counts(true), (6, 3, 3));
}

#[test]
fn a_crash_frees_workers_and_the_time_they_would_have_taken() {
    let mut webhook = push_policy(RetryPolicy::never());
    webhook.receive.capacity = Capacity { workers: Some(1), queue: 10 };
    webhook.receive.service_time = constant(60.0);
    let outages = vec![fault(down(Connections::Reset), 20.0, 21.0), fault(down(Connections::Reset), 40.0, 41.0)];
    let setup = setup(trace(&[10.0, 30.0]), 100.0, 0.0, vec![with_faults(webhook, outages)]);
    let summary = run(&setup).remove(0);
    assert_eq!(summary.consumer.busy_ratio, Some(0.2), "ten seconds before each crash");
}

#[test]
fn believed_forgeries_count_though_a_crash_or_the_end_comes_before_their_answer() {
    let mut webhook = push_policy(RetryPolicy::never());
    webhook.scheme = Scheme::None;
    webhook.receive.capacity = Capacity { workers: Some(1), queue: 10_000 };
    webhook.receive.service_time = constant(10.0);
    let forged = FaultKind::ForgedWebhooks { gap_nanos: 1e9, mix: [1, 0, 0, 0, 0, 0, 0] };
    let faults = vec![fault(forged, 0.0, 600.0), fault(down(Connections::Reset), 300.0, 301.0)];
    let mut setup = setup(trace(&[]), 600.0, 0.0, vec![with_faults(webhook, faults)]);
    setup.frame = pushpull::measure::tally::Frame::new(at(0.0), at(600.0), at(600.0));
    let summary = run(&setup).remove(0);
    assert_within("believed", summary.forged_accepted as f64, 599.0, 599f64.sqrt());
    assert_eq!(summary.forged_rejected, 0);
}

#[test]
fn two_faults_with_errors_fail_independently() {
    let errors = |status| FaultKind::ReceiverErrors { status, share: 0.5, retry_after: None };
    let faults = vec![fault(errors(500), 0.0, 20_000.0), fault(errors(503), 0.0, 20_000.0)];
    let setup = setup(poisson(1.0), 20_000.0, 0.01, vec![with_faults(push_policy(RetryPolicy::never()), faults)]);
    let summary = run(&setup).remove(0);
    let n = summary.attempts as f64;
    assert_within("errors", summary.outcomes.failed as f64 / n, 0.75, (0.75 * 0.25 / n).sqrt());
}
