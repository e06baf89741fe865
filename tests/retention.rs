//! What the API keeps for a while only: which events are lost by that, and that none is lost twice or never.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{ClientSetup, Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults};
use pushpull::measure::fact::Fact;
use pushpull::peer::{LossCause, Note};
use pushpull::policy::poller::Phase;
use pushpull::policy::receiver::{Acknowledge, FetchPolicy};
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::time::Span;

/// A poller on the grid from the start of the run on.
fn aligned(every: f64) -> ClientSetup {
    let mut poll = poll_policy(every);
    poll.phase = Phase::Aligned;
    pull(poll)
}

fn keeping(mut setup: Setup, seconds: f64) -> Setup {
    setup.api.retention = Some(secs(seconds));
    setup
}

fn losses(setup: &Setup) -> (u64, u64, u64) {
    let summary = run(setup).remove(0);
    (summary.delivered, summary.lost_by(LossCause::AgedOut), summary.lost_total())
}

#[test]
fn an_event_is_there_while_it_is_younger_than_what_is_kept() {
    // Polls arrive at 0, 10, 20 s and so on; the answer to one that is sampled at 20 s holds what came after 12 s.
    let events = [11.0, 12.0, 12.000_000_001, 19.0, 20.0];
    let setup = keeping(setup(trace(&events), 60.0, 0.0, vec![aligned(10.0)]), 8.0);
    assert_eq!(losses(&setup), (3, 2, 2));
    let (_, facts) = sim::trace(&setup, 0, 0);
    let aged: Vec<_> = facts
        .iter()
        .filter_map(|(at, fact)| match fact {
            Fact::Noted(_, Note::AgedOut(event)) => Some((event.serial, *at)),
            _ => None,
        })
        .collect();
    // What the cursor has passed is not noted any more; what a poll has just brought still is.
    assert_eq!(aged[..2], [(1, at(19.0)), (2, at(20.0))], "the very instant at which they are too old");
}

#[test]
fn an_answer_under_way_saves_what_ages_out_meanwhile() {
    // The poll of 10 s is sampled then, and answered at 14 s; the event of 7 s ages out at 12 s.
    let mut setup = keeping(setup(trace(&[7.0]), 30.0, 0.0, vec![aligned(10.0)]), 5.0);
    setup.link.response.latency = constant(4.0);
    assert_eq!(losses(&setup), (1, 0, 0));
    // A second later it is not sampled any more.
    setup.link.request.latency = constant(2.0);
    assert_eq!(losses(&setup), (0, 1, 1));
}

#[test]
fn an_answer_that_was_lost_saves_nothing() {
    let mut setup = keeping(setup(trace(&[7.0]), 30.0, 0.0, vec![aligned(10.0)]), 5.0);
    setup = with_loss(setup, 0.0, 1.0);
    let (tally, facts) = sim::trace(&setup, 0, 0);
    assert_eq!((tally.lost_by(LossCause::AgedOut), tally.pending), (1, 0));
    // Known for sure once the poll has timed out, but lost when it aged out.
    let aged = facts.iter().find(|(_, fact)| matches!(fact, Fact::Noted(_, Note::AgedOut(_)))).unwrap();
    assert_eq!(aged.0, at(12.0));
}

#[test]
fn a_hybrid_loses_what_neither_webhook_nor_poll_can_bring() {
    let mut hybrid = aligned(10.0);
    hybrid.push = Some(push_policy(RetryPolicy::never()));
    let connections = Connections::Reset;
    hybrid.faults = Faults(vec![Fault::new(FaultKind::ReceiverDown { connections }, at(10.5), at(40.0))]);
    // The first is pushed; the second is polled at 20 s; the third ages out at 27 s, before the poll of 30 s.
    let setup = keeping(setup(trace(&[3.0, 18.0, 22.0]), 60.0, 0.0, vec![hybrid.clone()]), 5.0);
    assert_eq!(losses(&setup), (2, 1, 1));
    // With a retry that comes after the outage the webhook brings it.
    let mut patient = setup.clone();
    patient.clients[0].push.as_mut().unwrap().dispatch.retry = delays(&[30.0]);
    assert_eq!(losses(&patient), (3, 0, 0));
    // One that comes too early does not, and the event is lost when that one has failed.
    patient.clients[0].push.as_mut().unwrap().dispatch.retry = delays(&[15.0]);
    assert_eq!(losses(&patient), (2, 1, 1));
}

#[test]
fn what_was_acknowledged_and_dropped_by_a_crash_may_have_aged_out() {
    // Taken at 3 s, and acknowledged; the handler would finish at 23 s, the receiver goes down at 9 s.
    let mut hybrid = aligned(10.0);
    let mut webhook = push_policy(RetryPolicy::never());
    webhook.receive.capacity = Capacity { workers: Some(1), queue: 9 };
    webhook.receive.service_time = constant(20.0);
    webhook.receive.acknowledge = Acknowledge::Before;
    hybrid.push = Some(webhook);
    let connections = Connections::Reset;
    hybrid.faults = Faults(vec![Fault::new(FaultKind::ReceiverDown { connections }, at(9.0), at(9.5))]);
    let base = setup(trace(&[3.0]), 60.0, 0.0, vec![hybrid]);
    assert_eq!(losses(&keeping(base.clone(), 7.5)), (1, 0, 0), "the poll of 10 s still finds it");
    assert_eq!(losses(&keeping(base, 6.5)), (0, 1, 1));
}

#[test]
fn a_fetch_of_what_has_aged_out_is_answered_404() {
    let mut thin = push_policy(delays(&[1.0]));
    thin.receive.fetch = Some(FetchPolicy { timeout: secs(5.0), tries: 2 });
    let setup = keeping(setup(trace(&[1.0]), 10.0, 0.5, vec![push(thin)]), 0.9);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.delivered, summary.lost_by(LossCause::RetriesExhausted)), (0, 1));
    assert_eq!((summary.fetches, summary.outcomes.failed), (4, 6));
}

fn any_distribution(most: f64) -> impl Strategy<Value = Distribution> {
    (0.0..most, any::<bool>()).prop_map(|(seconds, constant)| match constant {
        true => Distribution::Constant(secs(seconds)),
        false => Distribution::Exponential { mean: secs(seconds) },
    })
}

fn any_client() -> impl Strategy<Value = ClientSetup> {
    let poll = (0.5..15.0f64, 1u32..5, any_distribution(1.0)).prop_map(|(every, page, service_time)| {
        let mut poll = poll_policy(every);
        (poll.page, poll.service_time) = (page, service_time);
        poll
    });
    let webhook = (
        prop::collection::vec(0.0..10.0f64, 0..4),
        (prop::option::of(1u32..3), 0u32..4, any_distribution(3.0)),
        any::<bool>(),
        prop::option::of(1u32..3),
    )
        .prop_map(|(retries, (workers, queue, service_time), before, tries)| {
            let mut webhook = push_policy(delays(&retries));
            webhook.dispatch.timeout = secs(2.0);
            webhook.receive.capacity = Capacity { workers, queue };
            webhook.receive.service_time = service_time;
            webhook.receive.acknowledge = if before { Acknowledge::Before } else { Acknowledge::After };
            webhook.receive.fetch = tries.map(|tries| FetchPolicy { timeout: secs(1.0), tries });
            webhook
        });
    let outage = (0.0..60.0f64, 0.1..20.0f64, any::<bool>()).prop_map(|(from, length, reset)| {
        let connections = if reset { Connections::Reset } else { Connections::Drop };
        Fault::new(FaultKind::ReceiverDown { connections }, at(from), at(from + length))
    });
    (prop::option::weighted(0.8, poll), prop::option::weighted(0.7, webhook), prop::collection::vec(outage, 0..3))
        .prop_map(|(poll, webhook, outages)| {
            let poll = if webhook.is_none() { Some(poll.unwrap_or_else(|| poll_policy(5.0))) } else { poll };
            let faults = Faults(if webhook.is_some() { outages } else { Vec::new() });
            ClientSetup { name: "client".into(), pull: poll, push: webhook, faults }
        })
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let network = (any_distribution(1.5), any_distribution(1.5), 0.0..0.5f64, 0.0..0.5f64);
    let api = (prop::option::of(1u32..3), 0u32..4, any_distribution(0.5), 0.05..20.0f64);
    let window = (0.0..20.0f64, 1.0..40.0f64, 0.0..60.0f64, 1u32..4);
    (0.05..3.0f64, network, api, window, any_client(), any::<u64>()).prop_map(
        |(rate, (up, down, lost_up, lost_down), (workers, queue, service, kept), window, client, seed)| {
            let (warmup, length, drain, consumers) = window;
            let mut setup = keeping(with_seed(setup(poisson(rate), warmup + length, 0.0, vec![client]), seed), kept);
            setup.frame.warmup = at(warmup);
            setup.frame.end = setup.frame.duration + secs(drain);
            setup.consumers = consumers;
            (setup.link.request.latency, setup.link.response.latency) = (up, down);
            setup.api.capacity = Capacity { workers, queue };
            setup.api.service_time = service;
            with_loss(setup, lost_up, lost_down)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// `run` checks that every event is delivered, pending or lost, and once. Here the losses are also held against the facts.
    #[test]
    fn what_ages_out_is_lost_exactly_where_nothing_brings_it(setup in any_setup()) {
        let summary = run(&setup).remove(0);
        let polls = setup.clients[0].pull.is_some();
        prop_assert!(polls || summary.lost_by(LossCause::AgedOut) == 0, "without polls nothing is lost by age");
        prop_assert!(!polls || summary.lost_by(LossCause::AgedOut) == summary.lost_total(), "{:?}", summary.lost);
        let (tally, facts) = sim::trace(&setup, 0, 0);
        prop_assert!(tally.check().is_ok(), "{:?}", tally.check());
        let kept = setup.api.retention.unwrap();
        let (mut occurred, mut seen, mut aged) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for (at, fact) in &facts {
            match fact {
                Fact::Occurred(event) => {
                    occurred.insert(event.serial, event.occurred_at);
                }
                Fact::Noted(_, Note::Seen(event)) => {
                    seen.insert(event.serial);
                }
                Fact::Noted(_, Note::AgedOut(event)) => {
                    prop_assert_eq!(*at, event.occurred_at + kept);
                    prop_assert!(aged.insert(event.serial), "noted once");
                }
                _ => {}
            }
        }
        // Nothing is seen that was counted as lost: the counts would not add up otherwise.
        let counted = |serial: &&u32| setup.frame.counts(occurred[*serial]);
        prop_assert_eq!(tally.delivered, seen.iter().filter(counted).count() as u64);
        let unseen = aged.difference(&seen).filter(counted).count() as u64;
        prop_assert!(tally.lost_by(LossCause::AgedOut) <= unseen);
    }

    /// At rest, with a drain that outlasts everything, no event is left pending: it is there, or it is known why not.
    #[test]
    fn in_the_end_nothing_is_pending(mut setup in any_setup()) {
        setup.frame.end = setup.frame.duration + secs(3_600.0);
        let summary = run(&setup).remove(0);
        let is_certain = setup.clients[0].pull.is_some() || summary.lost_total() + summary.delivered == summary.events;
        prop_assert!(is_certain && summary.pending == 0, "{} pending", summary.pending);
    }

    /// What is kept for longer than the run lasts is kept for ever.
    #[test]
    fn a_long_memory_is_as_good_as_an_endless_one(mut setup in any_setup()) {
        let figures = |setup: &Setup| format!("{:?}", sim::trace(setup, 0, 0));
        setup.api.retention = Some(Span::from_secs(1_000_000));
        let long = figures(&setup);
        setup.api.retention = None;
        prop_assert_eq!(long, figures(&setup));
    }

    /// Feeds of many consumers are watched together, and none of them forgets for another.
    #[test]
    fn how_consumers_are_grouped_changes_nothing(mut setup in any_setup()) {
        setup.api.capacity = Capacity::UNLIMITED;
        let apart = run(&setup).remove(0);
        setup.api.capacity = Capacity { workers: Some(1_000_000), queue: 0 };
        let together = run(&setup).remove(0);
        let figures = |s: &pushpull::measure::summary::Summary| {
            (s.delivered, s.pending, s.lost.clone(), s.outcomes, s.tally.latencies.sum_nanos())
        };
        prop_assert_eq!(figures(&apart), figures(&together));
    }
}
