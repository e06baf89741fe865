//! What a dispatcher does between an event and its acceptance, in cases small enough to work out by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod play;

use common::*;
use play::*;
use pushpull::measure::fact::Fact;
use pushpull::measure::summary::Figure;
use pushpull::peer::{Input, Note, Outcome, Output, Peer, Request, Response};
use pushpull::policy::dispatcher::{BatchPolicy, BreakerPolicy, DispatchPolicy, Order, RedeliverPolicy, WhileDisabled};
use pushpull::policy::provider::{Provider, Serves};
use pushpull::policy::retry::{RetryJitter, RetryPolicy};
use pushpull::policy::workers::Capacity;
use pushpull::seed::{Purpose, Seed};
use pushpull::theory::queueing::single_worker_wait;
use pushpull::time::{Span, Time};

fn policy(retry: RetryPolicy) -> DispatchPolicy {
    DispatchPolicy::new(secs(10.0), retry)
}

fn every_second(count: u32) -> Vec<Time> {
    (0..count).map(|second| at(f64::from(second))).collect()
}

/// Answers at once, and refuses as long as `fails` says so of the instant in seconds.
fn failing(fails: impl Fn(f64) -> bool) -> impl FnMut(Time, &Attempt) -> (Span, Outcome) {
    move |now, _| (Span::ZERO, if fails(seconds(now)) { refused(500) } else { accepted() })
}

/// The instants in seconds at which each preset attempts an event at 0 that is refused at once, written down by hand.
fn presets() -> Vec<(&'static str, RetryPolicy, Vec<f64>)> {
    let stripe = vec![0., 300., 2_100., 9_300., 27_300., 63_300., 106_500., 149_700., 192_900., 236_100.];
    let sendgrid = vec![0., 60., 180., 420., 900., 1_860., 3_780., 7_620., 15_300., 29_700., 44_100., 58_500., 72_900.];
    let standard = vec![0., 5., 305., 2_105., 9_305., 27_305., 63_305., 113_705., 185_705., 272_105.];
    vec![
        ("stripe", RetryPolicy::stripe(), stripe),
        ("sendgrid", RetryPolicy::sendgrid(), sendgrid),
        ("standard-webhooks", RetryPolicy::standard_webhooks(), standard),
        ("github", RetryPolicy::never(), vec![0.]),
    ]
}

#[test]
fn presets_retry_when_their_schedules_say_to_the_nanosecond() {
    for (name, retry, instants) in presets() {
        assert_eq!(retry.attempts_max() as usize, instants.len(), "{name}");
        let story = World::new(policy(retry.clone()), &[Time::ZERO]).play(failing(|_| true));
        assert_eq!(story.instants(), instants, "{name}");
        assert_eq!(story.given_up().len(), 1, "{name}");
        assert!(story.is_forgotten(), "{name}");
        // Each failure is known a second later, and every retry counts from there.
        let story = World::new(policy(retry.clone()), &[Time::ZERO]).play(|_, _| (secs(1.0), Outcome::TimedOut));
        let later: Vec<f64> = instants.iter().zip(0..).map(|(at, failures)| at + f64::from(failures)).collect();
        assert_eq!(story.instants(), later, "{name}");
        // In the engine, at a receiver that turns everything away.
        let mut webhook = push_policy(retry);
        webhook.receive.capacity = Capacity { workers: Some(0), queue: 0 };
        let mut setup = setup(trace(&[0.0]), 1.0, 0.0, vec![push(webhook)]);
        setup.frame.end = setup.frame.duration + secs(1e6);
        let facts = pushpull::engine::sim::trace(&setup, 0, 0).1;
        let opened: Vec<f64> =
            facts.iter().filter(|(_, fact)| matches!(fact, Fact::Opened { .. })).map(|(at, _)| seconds(*at)).collect();
        assert_eq!(opened, instants, "{name}");
    }
}

#[test]
fn jitter_keeps_within_its_bounds_and_reaches_them() {
    for (name, preset, _) in presets() {
        for (jitter, least, most) in [(RetryJitter::Symmetric(0.2), 0.8, 1.2), (RetryJitter::Full, 0.0, 1.0)] {
            // Without the end of the schedule, so that every retry leaves.
            let retry = RetryPolicy { jitter, within: None, ..preset.clone() };
            let events = vec![Time::ZERO; 400];
            let story = World::new(policy(retry), &events).play(failing(|_| true));
            let mut last = vec![Time::ZERO; events.len()];
            let mut shares = Vec::new();
            for (at, happened) in &story.log {
                let Happened::Sent(attempt) = happened else { continue };
                let before = std::mem::replace(&mut last[attempt.events[0].serial as usize - 1], *at);
                if let Some(delay) = attempt.number.checked_sub(2).map(|retry| preset.delays[retry as usize]) {
                    shares.push(at.since(before).as_secs_f64() / delay.as_secs_f64());
                }
            }
            assert_eq!(shares.len(), 400 * preset.delays.len());
            assert!(shares.iter().all(|share| (least - 1e-9..=most + 1e-9).contains(share)), "{name} {jitter:?}");
            let near = |bound: f64| shares.iter().any(|share| (share - bound).abs() < 0.05);
            assert!(shares.is_empty() || (near(least) && near(most)), "{name} {jitter:?}");
        }
    }
}

#[test]
fn attempts_under_independent_failures_are_a_truncated_geometric_sum() {
    for (name, retry, _) in presets() {
        for failure in [0.2, 0.5, 0.9] {
            let (count, most) = (4_000u32, i32::try_from(retry.attempts_max()).unwrap());
            let luck = |attempt: &Attempt| {
                let subject = [u64::from(attempt.events[0].serial), u64::from(attempt.number), 0];
                Seed::new(11).draw(Purpose::RequestLoss, subject).chance(failure)
            };
            let story = World::new(policy(retry.clone()), &every_second(count))
                .play(|_, attempt| (Span::ZERO, if luck(attempt) { refused(500) } else { accepted() }));
            let mut attempts = vec![0.0f64; count as usize];
            for (_, serials, number) in story.attempts() {
                attempts[serials[0] as usize - 1] = f64::from(number);
            }
            let n = f64::from(count);
            let mean = attempts.iter().sum::<f64>() / n;
            let power = (0..most).fold(1.0, |power, _| power * failure);
            let expected = (1.0 - power) / (1.0 - failure);
            if most == 1 {
                assert_eq!(mean, 1.0);
            } else {
                let squares: f64 = attempts.iter().map(|a| (a - mean) * (a - mean)).sum();
                assert_within(name, mean, expected, (squares / (n - 1.0) / n).sqrt());
            }
            let lost = story.given_up().len() as f64 / n;
            assert_within(name, lost, power, (power * (1.0 - power) / n).sqrt().max(1.0 / n));
        }
    }
}

#[test]
fn no_retry_leaves_after_the_end_of_its_schedule() {
    let mut retry = delays(&[10.0, 10.0, 10.0]);
    retry.within = Some(secs(20.0));
    let world = World::new(policy(retry.clone()), &[at(1.0)]);
    let story = world.play(failing(|_| true));
    assert_eq!(story.instants(), [1.0, 11.0, 21.0], "a retry at just the end still leaves");
    assert_eq!(story.given_up(), [(21.0, 1, "RetriesExhausted".into())], "at once, not when it would have left");
    retry.within = Some(secs(20.0).saturating_sub(Span::from_nanos(1)));
    let story = World::new(policy(retry.clone()), &[at(1.0)]).play(failing(|_| true));
    assert_eq!(story.instants(), [1.0, 11.0]);
    // A retry that has to wait for its turn until the end has passed does not leave either.
    let mut crowded = policy(retry);
    crowded.concurrency = Some(1);
    let story = World::new(crowded, &[at(1.0), at(10.0)]).play(|now, attempt| match attempt.number {
        1 if attempt.events[0].serial == 2 => (secs(30.0), accepted()),
        _ => (Span::ZERO, if seconds(now) < 100.0 { refused(500) } else { accepted() }),
    });
    assert_eq!(story.instants(), [1.0, 10.0]);
    assert_eq!(story.given_up(), [(40.0, 1, "RetriesExhausted".into())]);
}

#[test]
fn a_receiver_that_says_when_to_come_back_is_left_alone_until_then() {
    let asks = |retry: RetryPolicy, retry_after: f64| {
        let answer = Response::Refused { status: 503, retry_after: Some(secs(retry_after)) };
        World::new(policy(retry), &[Time::ZERO]).play(|_, _| (secs(1.0), Outcome::Answered(answer.clone()))).instants()
    };
    let retry = |most: f64| RetryPolicy { retry_after_max: secs(most), ..delays(&[5.0]) };
    assert_eq!(asks(retry(60.0), 20.0), [0.0, 21.0], "from the answer on");
    assert_eq!(asks(retry(60.0), 2.0), [0.0, 6.0], "never sooner than the schedule says");
    assert_eq!(asks(retry(60.0), 1e9), [0.0, 61.0], "no longer than is granted");
    assert_eq!(asks(retry(0.0), 20.0), [0.0, 6.0], "not heard");
    assert_eq!(asks(RetryPolicy { within: Some(secs(20.0)), ..retry(60.0) }, 20.0), [0.0], "too late by then");
}

#[test]
fn a_batch_is_due_when_it_is_full_or_its_first_event_has_waited() {
    let with = |batch: BatchPolicy, events: &[f64]| {
        let policy = DispatchPolicy { batch, ..policy(RetryPolicy::never()) };
        let events: Vec<Time> = events.iter().map(|&second| at(second)).collect();
        let story = World::new(policy, &events).play(failing(|_| false));
        assert!(story.is_forgotten());
        story.attempts().into_iter().map(|(at, serials, _)| (at, serials)).collect::<Vec<_>>()
    };
    let three = BatchPolicy { max: 3, wait: secs(10.0), bytes: None };
    let events = [0.0, 1.0, 2.0, 3.0, 4.0, 20.0];
    assert_eq!(with(three, &events), [(2.0, vec![1, 2, 3]), (13.0, vec![4, 5]), (30.0, vec![6])]);
    // Events have 100 bytes each: the third would be too much, so the first two go without it.
    let bytes = |limit| BatchPolicy { max: 9, wait: secs(10.0), bytes: Some(limit) };
    assert_eq!(with(bytes(250), &[0.0, 1.0, 2.0]), [(2.0, vec![1, 2]), (12.0, vec![3])]);
    assert_eq!(with(bytes(200), &[0.0, 1.0, 2.0]), [(1.0, vec![1, 2]), (12.0, vec![3])], "just full");
    assert_eq!(with(bytes(50), &[0.0, 1.0]), [(0.0, vec![1]), (1.0, vec![2])], "too large for any batch");
    let no_wait = BatchPolicy { max: 3, wait: Span::ZERO, bytes: None };
    assert_eq!(with(no_wait, &[0.0, 1.0]), [(0.0, vec![1]), (1.0, vec![2])]);
}

#[test]
fn the_wait_of_a_batch_begins_after_the_delay_and_its_events_stay_together() {
    let mut policy = policy(delays(&[5.0, 5.0]));
    policy.delay = constant(2.0);
    policy.batch = BatchPolicy { max: 9, wait: secs(3.0), bytes: None };
    let story = World::new(policy, &[at(0.0), at(2.5), at(3.5)]).play(failing(|_| true));
    let expected = [(5.0, vec![1, 2], 1), (8.5, vec![3], 1), (10.0, vec![1, 2], 2), (13.5, vec![3], 2)];
    assert_eq!(story.attempts()[..4], expected);
    let gone: Vec<_> = story.given_up().into_iter().map(|(at, serial, _)| (at, serial)).collect();
    assert_eq!(gone, [(15.0, 1), (15.0, 2), (18.5, 3)], "each event is given up by itself");
}

#[test]
fn in_order_everything_waits_for_the_retry_of_the_first() {
    let mut policy = policy(delays(&[10.0, 10.0]));
    policy.order = Order::Fifo;
    let world = World::new(policy, &every_second(3));
    let story = world.play(failing(|now| now < 10.0));
    assert_eq!(story.attempts(), [(0.0, vec![1], 1), (10.0, vec![1], 2), (10.0, vec![2], 1), (10.0, vec![3], 1)]);
    // The first is given up at 20, and the next goes.
    let story = world.play(|_, attempt| match attempt.events[0].serial {
        1 => (Span::ZERO, refused(500)),
        _ => (secs(1.0), accepted()),
    });
    assert_eq!(story.instants(), [0.0, 10.0, 20.0, 20.0, 21.0]);
    assert_eq!(story.given_up(), [(20.0, 1, "RetriesExhausted".into())]);
}

#[test]
fn attempts_keep_their_distance_first_ones_and_retries_alike() {
    let mut policy = policy(delays(&[0.5]));
    policy.spacing = secs(2.0);
    policy.concurrency = Some(1);
    // The first attempt is refused at once; its retry is due at 0.5, before the events at 1 and 1.5.
    let mut world = World::new(policy, &[at(0.0), at(1.0), at(1.5)]);
    let story = world.play(failing(|now| now < 1.0));
    assert_eq!(story.attempts(), [(0.0, vec![1], 1), (2.0, vec![1], 2), (4.0, vec![2], 1), (6.0, vec![3], 1)]);
    // What waits for its distance holds no slot: another endpoint's event passes.
    world.consumers = 2;
    world.told.insert(1, (at(0.2), Told::Event(event(at(0.2), 1, 1, 0))));
    assert_eq!(world.play(failing(|now| now < 0.1)).instants(), [0.0, 0.2, 2.0, 4.0, 6.0]);
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_at_once_and_its_events_are_lost() {
    let world = World::new(policy(delays(&[5.0])), &every_second(4));
    let gone = |now: Time, _: &Attempt| (Span::ZERO, refused(if seconds(now) < 2.0 { 500 } else { 410 }));
    let story = world.play(gone);
    assert_eq!(story.instants(), [0.0, 1.0, 2.0]);
    let note = |(at, note): &(f64, Note)| match note {
        Note::GaveUp(event, cause) => format!("{at} {} {cause:?}", event.serial),
        other => format!("{at} {other:?}"),
    };
    let expected = [
        "2 Disabled(0)",
        "2 1 EndpointDisabled",
        "2 2 EndpointDisabled",
        "2 3 EndpointDisabled",
        "3 4 EndpointDisabled",
    ];
    assert_eq!(story.notes().iter().map(note).collect::<Vec<_>>(), expected);
    assert!(story.is_forgotten());
    // Where 410 means nothing in particular, it is a failure like any other.
    let mut world = world;
    world.policy.disable.on_gone = false;
    let story = world.play(gone);
    assert_eq!(story.attempts().len(), 8);
    assert!(story.notes().iter().all(|(_, note)| matches!(note, Note::GaveUp(..))));
}

#[test]
fn what_is_under_way_to_a_disabled_endpoint_ends_normally() {
    // Three attempts at once: the first is answered 410 after 1 s, the others later.
    let world = World::new(policy(delays(&[5.0])), &[Time::ZERO; 3]);
    let mut world = world.asking(at(4.0), Time::ZERO, 1);
    world.told.push((at(5.0), Told::Event(event(at(5.0), 0, 4, 0))));
    let story = world.play(|_, attempt| match attempt.events[0].serial {
        1 => (secs(1.0), refused(410)),
        2 => (secs(2.0), accepted()),
        _ => (secs(3.0), Outcome::TimedOut),
    });
    assert_eq!(story.attempts().len(), 3, "a success does not enable it, and nobody can ask anything of it");
    let cause = || "EndpointDisabled".to_owned();
    assert_eq!(story.given_up(), [(1.0, 1, cause()), (3.0, 3, cause()), (5.0, 4, cause())]);
    assert_eq!(story.notes().iter().filter(|(_, note)| *note == Note::Disabled(0)).count(), 1);
}

#[test]
fn an_endpoint_is_disabled_after_failing_for_so_long_or_so_often() {
    let disabled_at = |change: &dyn Fn(&mut DispatchPolicy), fails: &dyn Fn(f64) -> bool| {
        let mut policy = policy(RetryPolicy::never());
        change(&mut policy);
        let notes = World::new(policy, &every_second(30)).play(failing(fails)).notes();
        notes.into_iter().filter(|(_, note)| *note == Note::Disabled(0)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let after = |policy: &mut DispatchPolicy| policy.disable.after = Some(secs(5.0));
    assert_eq!(disabled_at(&after, &|now| now >= 3.0), [8.0], "from the first failure on");
    assert_eq!(disabled_at(&after, &|now| now % 5.0 != 0.0), [0.0; 0], "each success starts it anew");
    let failures = |policy: &mut DispatchPolicy| policy.disable.failures = Some(4);
    assert_eq!(disabled_at(&failures, &|now| now >= 3.0), [6.0]);
    assert_eq!(disabled_at(&failures, &|now| now % 4.0 != 0.0), [0.0; 0]);
    let again = |policy: &mut DispatchPolicy| {
        policy.disable.failures = Some(4);
        policy.disable.enable_after = Some(secs(10.5));
    };
    assert_eq!(disabled_at(&again, &|_| true), [3.0, 17.0], "the count starts anew when it is enabled at 13.5");
}

#[test]
fn kept_deliveries_leave_as_soon_as_the_endpoint_is_enabled() {
    let mut policy = policy(delays(&[1.0, 100.0, 50.0]));
    policy.disable.failures = Some(3);
    policy.disable.meanwhile = WhileDisabled::Keep;
    policy.disable.enable_after = Some(secs(20.0));
    // Attempts at 0 and 1 fail, the retry at 1 too: disabled at 1, enabled at 21.
    let world = World::new(policy, &[at(0.0), at(0.5), at(3.0)]);
    let story = world.play(failing(|now| now < 22.0));
    let expected = [
        (0.0, vec![1], 1),
        (0.5, vec![2], 1),
        (1.0, vec![1], 2),
        // All of them are due at once, in the order of their events, and with the number that each had.
        (21.0, vec![1], 3),
        (21.0, vec![2], 2),
        (21.0, vec![3], 1),
        // They fail once more, which disables it again until 41.
        (41.0, vec![1], 4),
        (41.0, vec![2], 3),
        (41.0, vec![3], 2),
    ];
    assert_eq!(story.attempts(), expected);
    assert_eq!(story.given_up(), []);
    assert!(story.is_forgotten());
    // With nobody to enable it, everything waits for ever, and there is nothing to wake up for.
    let mut world = world;
    world.policy.disable.enable_after = None;
    let story = world.play(failing(|_| true));
    assert_eq!((story.attempts().len(), story.given_up().len()), (3, 0));
    assert!(!story.is_forgotten() && story.dispatcher.deadline().is_none());
}

#[test]
fn a_delivery_whose_schedule_is_over_is_not_kept() {
    let mut policy = policy(RetryPolicy::never());
    policy.disable.meanwhile = WhileDisabled::Keep;
    let story = World::new(policy, &[at(0.0), at(1.0)]).play(|_, _| (Span::ZERO, refused(410)));
    assert_eq!(story.given_up(), [(0.0, 1, "NeverRetried".into())]);
    assert_eq!(story.attempts().len(), 1, "the second waits");
}

#[test]
fn an_open_breaker_lets_nothing_pass_until_a_single_attempt_has_succeeded() {
    let mut policy = policy(RetryPolicy::never());
    policy.breaker = Some(BreakerPolicy { window: secs(60.0), failure_share: 0.5, minimum: 3, cool_down: secs(10.0) });
    // Open at 2. The single attempt at 12 is answered at 14, fails, and that at 24 succeeds at 26.
    let story = World::new(policy, &every_second(28)).play(|now, _| match seconds(now) {
        now if now < 12.0 => (Span::ZERO, refused(500)),
        now if now < 24.0 => (secs(2.0), refused(500)),
        now if now < 26.0 => (secs(2.0), accepted()),
        _ => (Span::ZERO, accepted()),
    });
    let mut instants = vec![0.0, 1.0, 2.0, 12.0, 24.0];
    // Twenty-one wait by then, among them the event at 26 itself; the last comes at 27.
    instants.extend([26.0; 22]);
    instants.push(27.0);
    assert_eq!(story.instants(), instants);
    let opened: Vec<f64> =
        story.notes().into_iter().filter(|(_, note)| *note == Note::BreakerOpened(0)).map(|(at, _)| at).collect();
    assert_eq!(opened, [2.0, 14.0]);
    let order: Vec<u32> = story.attempts().into_iter().flat_map(|(_, serials, _)| serials).collect();
    assert_eq!(order, (1..=28).collect::<Vec<_>>(), "first come first served");
}

#[test]
fn the_operators_script_brings_what_was_given_up_while_it_is_young() {
    let mut policy = policy(RetryPolicy::never());
    policy.redeliver = Some(RedeliverPolicy { every: secs(10.0), within: secs(25.0) });
    // The first at 3 is too old at the run at 30; the second, at 9, at the run at 40.
    let world = World::new(policy, &[at(3.0), at(9.0)]);
    let story = world.play(failing(|_| true));
    let attempts = [
        (3.0, vec![1], 1),
        (9.0, vec![2], 1),
        (10.0, vec![1], 2),
        (10.0, vec![2], 2),
        (20.0, vec![1], 3),
        (20.0, vec![2], 3),
        (30.0, vec![2], 4),
    ];
    assert_eq!(story.attempts(), attempts);
    assert_eq!(story.given_up(), [(30.0, 1, "NeverRetried".into()), (40.0, 2, "NeverRetried".into())]);
    assert!(story.is_forgotten() && story.dispatcher.deadline().is_none());
    let story = world.play(failing(|now| now < 20.0));
    assert_eq!(story.instants(), [3.0, 9.0, 10.0, 10.0, 20.0, 20.0]);
    assert_eq!(story.given_up(), [], "it came after all");
    // A failure at the very instant of a run is left to the next one; at 35 it would be too old, were it not exactly so.
    let mut world = World::new(world.policy, &[at(10.0)]);
    assert_eq!(world.play(failing(|_| true)).instants(), [10.0, 20.0, 30.0]);
    world.policy.redeliver = Some(RedeliverPolicy { every: secs(10.0), within: secs(20.0) });
    assert_eq!(world.play(failing(|_| true)).instants(), [10.0, 20.0], "younger than 20 s means just that");
}

#[test]
fn the_script_does_nothing_for_a_disabled_endpoint() {
    let mut policy = policy(RetryPolicy::never());
    policy.redeliver = Some(RedeliverPolicy { every: secs(10.0), within: secs(60.0) });
    policy.disable.failures = Some(2);
    policy.disable.enable_after = Some(secs(15.0));
    // The first is given up by its schedule at 1. The second failure disables the endpoint at 2: its event is lost with
    // it, and so is the one at 5. The run at 10 finds it disabled, that at 20 does not.
    let story = World::new(policy, &[at(1.0), at(2.0), at(5.0)]).play(failing(|now| now < 20.0));
    assert_eq!(story.attempts(), [(1.0, vec![1], 1), (2.0, vec![2], 1), (20.0, vec![1], 2)]);
    let cause = || "EndpointDisabled".to_owned();
    assert_eq!(story.given_up(), [(2.0, 2, cause()), (5.0, 3, cause())]);
}

#[test]
fn somebody_may_ask_for_any_event_that_is_not_owed_anyway() {
    // Given up at 5: attempted once more, with a number it never had. Its failure has no consequence.
    let world = World::new(policy(delays(&[5.0])), &[at(0.0)]);
    let story = world.clone().asking(at(7.0), at(0.0), 1).asking(at(8.0), at(0.0), 1).play(failing(|_| true));
    assert_eq!(story.attempts(), [(0.0, vec![1], 1), (5.0, vec![1], 2), (7.0, vec![1], 3), (8.0, vec![1], 4)]);
    assert_eq!(story.given_up().len(), 1);
    assert!(story.is_forgotten());
    // Delivered, or never heard of: the same.
    let story = world.clone().asking(at(1.0), at(0.0), 1).asking(at(2.0), at(0.0), 9).play(failing(|_| false));
    assert_eq!(story.attempts(), [(0.0, vec![1], 1), (1.0, vec![1], 3), (2.0, vec![9], 4)]);
    // Waiting for its retry at 5, or under way from 5 to 15: nothing.
    let story = world
        .asking(at(1.0), at(0.0), 1)
        .asking(at(6.0), at(0.0), 1)
        .play(|now, _| (secs(if seconds(now) < 5.0 { 0.0 } else { 10.0 }), refused(500)));
    assert_eq!(story.instants(), [0.0, 5.0]);
}

#[test]
fn what_waits_for_the_script_may_be_asked_for_and_goes_back_to_it() {
    let mut policy = policy(RetryPolicy::never());
    policy.redeliver = Some(RedeliverPolicy { every: secs(10.0), within: secs(15.0) });
    let story = World::new(policy, &[at(3.0)]).asking(at(5.0), at(3.0), 1).play(failing(|_| true));
    assert_eq!(story.attempts(), [(3.0, vec![1], 1), (5.0, vec![1], 2), (10.0, vec![1], 3)]);
    assert_eq!(story.given_up(), [(20.0, 1, "NeverRetried".into())], "once");
}

#[test]
fn a_provider_passes_on_what_somebody_asks_for() {
    let dispatch = policy(RetryPolicy::never());
    let api = setup(trace(&[]), 1.0, 0.0, vec![]).api;
    let serves = Serves {
        first: 5,
        consumers: 2,
        feed: false,
        keeps: false,
        overlap: Span::ZERO,
        records: false,
        only_records: false,
        changes: None,
        dispatch: Some(&dispatch),
    };
    let mut provider = Provider::new(&api, Seed::new(1), serves);
    let mut sent = |input: Input| {
        let mut out = Vec::new();
        provider.handle(at(1.0), input, &mut out);
        let request = |output: &Output| match output {
            Output::Send { exchange, request: Request::Delivery { events, attempt, .. }, .. } => {
                Some((*exchange, events[0].serial, *attempt))
            }
            _ => None,
        };
        out.iter().find_map(request)
    };
    let wanted = event(at(1.0), 6, 1, 0);
    let (exchange, ..) = sent(Input::Occurred(wanted)).unwrap();
    assert_eq!(sent(Input::Redeliver(wanted)), None, "it is under way");
    assert_eq!(sent(Input::Ended(exchange, accepted())), None);
    let again = sent(Input::Redeliver(wanted)).unwrap();
    assert_eq!((again.0.consumer, again.0.serial, again.1, again.2), (6, 1, 1, 2));
    assert_eq!(sent(Input::Redeliver(event(at(1.0), 4, 1, 0))), None, "a consumer of somebody else");
}

#[test]
fn spacing_is_a_queue_with_one_worker_that_takes_as_long() {
    for (rate, spacing) in [(0.5, 1.0), (0.8, 1.0), (3.0, 0.25)] {
        let mut webhook = push_policy(RetryPolicy::never());
        webhook.dispatch.spacing = secs(spacing);
        let mut setup = setup(poisson(rate), 4_000.0 / rate, 0.0, vec![push(webhook)]);
        setup.consumers = 20;
        let summary = run(&setup).remove(0);
        assert_eq!(summary.delivered, summary.events);
        // Nothing else takes any time, so the latency is the wait before the attempt leaves.
        let expected = single_worker_wait(rate, &constant(spacing)).unwrap();
        let error = summary.interval(Figure::LatencyMean).unwrap().standard_error / 1e3;
        assert_within("mean wait", summary.latency_mean_ms.unwrap() / 1e3, expected, error);
    }
}
