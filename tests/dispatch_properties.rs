//! What holds of every dispatcher, whatever its policy, its events, the answers it gets, and however late it is woken.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod play;

use std::collections::{BTreeMap, BTreeSet};

use common::random_dispatch::*;
use common::*;
use play::*;
use proptest::prelude::*;
use pushpull::peer::{Event, LossCause, Note, Outcome, Response};
use pushpull::policy::dispatcher::{BreakerPolicy, DispatchPolicy, Order, WhileDisabled};
use pushpull::policy::retry::RetryJitter;
use pushpull::time::{Span, Time};

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let refused_for = |(status, retry_after)| Outcome::Answered(Response::Refused { status, retry_after });
    prop_oneof![
        6 => Just(accepted()),
        4 => (Just(500u16), maybe(millis(0..3_000))).prop_map(refused_for),
        1 => Just(refused(302)),
        1 => Just(refused(410)),
        2 => Just(Outcome::TimedOut),
        2 => Just(Outcome::Unreachable),
    ]
}

/// A world with up to three consumers, and how its attempts end, one after the other.
fn any_world(asks: bool) -> impl Strategy<Value = (World, Vec<(Span, Outcome)>)> {
    let told = (millis(0..8_000), 0u32..3, 0u32..300, 0u32..10, 1u32..8);
    let answers = prop::collection::vec((millis(0..1_500), any_outcome()), 1..60);
    let lag = prop_oneof![2 => Just(Span::ZERO), 1 => millis(1..400)];
    (any_policy(), prop::collection::vec(told, 0..40), lag, answers).prop_map(
        move |(policy, mut told, lag, answers)| {
            told.sort();
            let (mut serials, mut known, mut inputs) = ([0; 3], BTreeMap::new(), Vec::new());
            for (after, consumer, payload, what, which) in told {
                let at = Time::ZERO + after;
                inputs.push(match what {
                    0 => (at, Told::Wake),
                    1 | 2 if asks => {
                        let unknown = event(at, consumer, which + 1_000, payload);
                        (at, Told::Redeliver(known.get(&(consumer, which)).copied().unwrap_or(unknown)))
                    }
                    _ => {
                        let serial = &mut serials[consumer as usize];
                        *serial += 1;
                        let event = event(at, consumer, *serial, payload);
                        known.insert((consumer, *serial), event);
                        (at, Told::Event(event))
                    }
                });
            }
            (World { policy, consumers: 3, told: inputs, lag, until: Time::NEVER }, answers)
        },
    )
}

fn play(world: &World, answers: &[(Span, Outcome)]) -> Story {
    let mut answers = answers.iter().cycle();
    world.play(move |_, _| answers.next().cloned().unwrap())
}

/// What is known of one endpoint from what it has been seen to do.
#[derive(Default)]
struct Endpoint {
    exchanges: u32,
    under_way: BTreeSet<u32>,
    attempts_under_way: u32,
    last_left: Option<Time>,
    /// Of each event, the delivery it is part of and the number of its last attempt.
    deliveries: BTreeMap<u32, (Vec<u32>, u32)>,
    /// When an event may be tried again at the earliest.
    not_before: BTreeMap<u32, Time>,
    accepted: BTreeSet<u32>,
    given_up: BTreeSet<u32>,
    asked: BTreeSet<u32>,
    disabled_until: Option<Time>,
    was_disabled: bool,
    open_until: Option<Time>,
    /// The single attempt of a breaker that is half open.
    probe: Option<u32>,
}

impl Endpoint {
    /// Forgets what an endpoint's being enabled makes void.
    fn pass(&mut self, now: Time) {
        if self.disabled_until.is_some_and(|until| until <= now) {
            (self.disabled_until, self.open_until, self.probe) = (None, None, None);
            self.not_before.clear();
        }
    }

    fn sent(&mut self, now: Time, attempt: &Attempt, policy: &DispatchPolicy) {
        let serials = attempt.serials();
        assert_eq!(attempt.exchange.serial, self.exchanges, "numbered without gaps");
        self.exchanges += 1;
        assert!(serials.windows(2).all(|pair| pair[0] < pair[1]), "the oldest first");
        for &serial in &serials {
            assert!(self.under_way.insert(serial), "two attempts of one delivery under way");
            assert!(!self.accepted.contains(&serial) || self.asked.contains(&serial), "it has been accepted");
            assert!(!self.given_up.contains(&serial) || self.asked.contains(&serial), "it has been given up");
        }
        self.check_delivery(&serials, attempt, policy);
        self.check_gates(now, attempt, policy);
        let is_asked = serials.iter().any(|serial| self.asked.contains(serial));
        let first = &attempt.events[0];
        if attempt.number > 1 && !is_asked && policy.redeliver.is_none() {
            assert!(policy.retry.may_leave(now, first.occurred_at), "the schedule is over");
            assert!(self.not_before.get(&first.serial).is_none_or(|at| *at <= now), "too soon");
        }
    }

    fn check_delivery(&mut self, serials: &[u32], attempt: &Attempt, policy: &DispatchPolicy) {
        let batch = policy.batch;
        let bytes: u32 = attempt.events.iter().map(|event| event.payload).sum();
        assert!(serials.len() <= batch.max as usize, "too many events");
        assert!(serials.len() == 1 || batch.bytes.is_none_or(|limit| bytes <= limit), "too many bytes");
        for &serial in serials {
            let asked = self.asked.contains(&serial);
            let (delivery, last) = self.deliveries.entry(serial).or_insert((serials.to_vec(), 0));
            assert!(delivery == serials || (asked && serials.len() == 1), "its composition has changed");
            assert!(attempt.number == *last + 1 || (asked && attempt.number > *last), "attempts are counted");
            *last = attempt.number;
        }
    }

    fn check_gates(&mut self, now: Time, attempt: &Attempt, policy: &DispatchPolicy) {
        assert!(self.disabled_until.is_none(), "it is disabled");
        assert!(self.probe.is_none(), "the single attempt has not ended");
        if let Some(until) = self.open_until.take() {
            assert!(until <= now, "the breaker is open");
            self.probe = Some(attempt.exchange.serial);
        }
        assert!(self.last_left.is_none_or(|last| now.since(last) >= policy.spacing), "too close to the last");
        self.last_left = Some(now);
        self.attempts_under_way += 1;
        if policy.order == Order::Fifo {
            assert_eq!(self.attempts_under_way, 1, "one at a time");
            if policy.redeliver.is_none() && self.asked.is_empty() {
                let first = attempt.events[0].serial;
                let is_done = |serial: &u32| self.accepted.contains(serial) || self.given_up.contains(serial);
                let before: Vec<u32> = self.deliveries.range(..first).map(|(serial, _)| *serial).collect();
                assert!(before.iter().all(is_done), "one before it is not done");
                assert!(self.deliveries.range(first..).all(|(serial, _)| attempt.serials().contains(serial)));
            }
        }
    }

    fn ended(&mut self, now: Time, attempt: &Attempt, outcome: &Outcome, policy: &DispatchPolicy) {
        self.attempts_under_way -= 1;
        let was_accepted = *outcome == accepted();
        for serial in attempt.serials() {
            self.under_way.remove(&serial);
            if was_accepted {
                self.accepted.insert(serial);
            }
        }
        if self.probe == Some(attempt.exchange.serial) && was_accepted {
            self.probe = None;
        }
        if let Some(delay) = policy.retry.delays.get(attempt.number as usize - 1) {
            let asked = match outcome {
                Outcome::Answered(Response::Refused { retry_after, .. }) => retry_after.unwrap_or(Span::ZERO),
                _ => Span::ZERO,
            };
            let least = if policy.retry.jitter == RetryJitter::None { *delay } else { Span::ZERO };
            let wait = least.max(asked.min(policy.retry.retry_after_max));
            self.not_before.insert(attempt.events[0].serial, now + wait);
        }
    }

    fn gave_up(&mut self, event: &Event, cause: LossCause) {
        assert!(self.given_up.insert(event.serial), "given up twice");
        assert!(!self.under_way.contains(&event.serial) || self.asked.contains(&event.serial), "it is under way");
        let is_asked = self.asked.contains(&event.serial);
        assert!(!self.accepted.contains(&event.serial) || is_asked, "it has been accepted");
        assert!(cause != LossCause::EndpointDisabled || self.was_disabled, "it was never disabled");
    }

    fn disabled(&mut self, now: Time, policy: &DispatchPolicy) {
        assert!(self.disabled_until.is_none(), "disabled twice");
        self.was_disabled = true;
        self.disabled_until = Some(now + policy.disable.enable_after.unwrap_or(Span::MAX));
    }

    fn opened(&mut self, now: Time, policy: &DispatchPolicy) {
        assert!(self.open_until.is_none() && self.disabled_until.is_none(), "opened while nothing could pass");
        self.probe = None;
        self.open_until = Some(now + policy.breaker.unwrap().cool_down);
    }
}

/// Goes through what happened, and checks each thing against what happened before.
fn check(world: &World, story: &Story) {
    let policy = &world.policy;
    let mut endpoints: Vec<Endpoint> = (0..world.consumers).map(|_| Endpoint::default()).collect();
    let mut under_way = 0u32;
    for (index, (now, happened)) in story.log.iter().enumerate() {
        endpoints.iter_mut().for_each(|endpoint| endpoint.pass(*now));
        match happened {
            Happened::Sent(attempt) => {
                under_way += 1;
                assert!(policy.concurrency.is_none_or(|limit| under_way <= limit), "too many at once");
                endpoints[attempt.exchange.consumer as usize].sent(*now, attempt, policy);
            }
            Happened::Ended(attempt, outcome) => {
                under_way -= 1;
                let endpoint = &mut endpoints[attempt.exchange.consumer as usize];
                endpoint.ended(*now, attempt, outcome, policy);
                // A single attempt that failed opens the breaker again, unless the endpoint is disabled.
                if endpoint.probe == Some(attempt.exchange.serial) && endpoint.disabled_until.is_none() {
                    let next = &story.log[index + 1].1;
                    let consumer = attempt.exchange.consumer;
                    let notes = [Note::BreakerOpened(consumer), Note::Disabled(consumer)].map(Happened::Noted);
                    assert!(notes.contains(next), "the single attempt failed, and then {next:?}");
                }
            }
            Happened::Noted(Note::GaveUp(event, cause)) => endpoints[event.consumer as usize].gave_up(event, *cause),
            Happened::Noted(Note::Disabled(consumer)) => endpoints[*consumer as usize].disabled(*now, policy),
            Happened::Noted(Note::BreakerOpened(consumer)) => endpoints[*consumer as usize].opened(*now, policy),
            Happened::Noted(other) => panic!("a dispatcher does not note this: {other:?}"),
            Happened::Asked(event) => {
                endpoints[event.consumer as usize].asked.insert(event.serial);
            }
        }
    }
    conserved(world, story, &endpoints);
}

/// Once nothing is left to do, every event has been accepted or given up, unless it is kept for a disabled endpoint.
fn conserved(world: &World, story: &Story, endpoints: &[Endpoint]) {
    let keeps = |endpoint: &Endpoint| {
        world.policy.disable.meanwhile == WhileDisabled::Keep && endpoint.disabled_until.is_some()
    };
    for (_, told) in &world.told {
        let Told::Event(event) = told else { continue };
        let endpoint = &endpoints[event.consumer as usize];
        let (accepted, given_up) =
            (endpoint.accepted.contains(&event.serial), endpoint.given_up.contains(&event.serial));
        assert!(accepted || given_up || keeps(endpoint), "nobody knows what became of {event:?}");
        assert!(!(accepted && given_up) || endpoint.asked.contains(&event.serial), "both: {event:?}");
    }
    assert!(endpoints.iter().any(keeps) || story.is_forgotten(), "something is remembered of what is done");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn every_delivery_keeps_to_the_policy((world, answers) in any_world(false)) {
        check(&world, &play(&world, &answers));
    }

    #[test]
    fn also_where_somebody_asks_for_redeliveries((world, answers) in any_world(true)) {
        check(&world, &play(&world, &answers));
    }

    /// Lanes are another way of doing what is done without them.
    #[test]
    fn a_limit_that_is_never_reached_changes_nothing((mut world, answers) in any_world(false), which in 0..3) {
        let plain = DispatchPolicy {
            concurrency: world.policy.concurrency,
            delay: world.policy.delay,
            ..DispatchPolicy::new(world.policy.timeout, world.policy.retry.clone())
        };
        world.consumers = 1;
        world.told.retain(|(_, told)| !matches!(told, Told::Event(event) if event.consumer > 0));
        world.policy = plain.clone();
        let without = play(&world, &answers);
        let policy = &mut world.policy;
        match which {
            0 => policy.disable.failures = Some(u32::MAX),
            1 => policy.disable.after = Some(Span::MAX),
            _ => {
                let share = BreakerPolicy { window: secs(1.0), failure_share: 1.0, minimum: u32::MAX, cool_down: secs(1.0) };
                policy.breaker = Some(share);
            }
        }
        prop_assert_eq!(without.log, play(&world, &answers).log);
    }
}
