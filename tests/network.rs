//! How long messages take: latency, bandwidth and handshakes, to the nanosecond where nothing is random.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{assert_within, at, constant, delays, poisson, poll_policy, pull, push, push_policy, run, secs, setup};
use proptest::prelude::*;
use pushpull::distribution::{Distribution, Empirical, Origin};
use pushpull::engine::{Setup, sim};
use pushpull::link::Handshake;
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::tally::Frame;
use pushpull::peer::Exchange;
use pushpull::theory;
use pushpull::time::{Span, Time};

/// How long each message of a client took: the bytes and the time of every request, and of every response in time.
#[derive(Default)]
struct Crossings {
    requests: Vec<(u64, Span)>,
    responses: Vec<(u64, Span)>,
}

fn crossings(setup: &Setup, client: usize) -> Crossings {
    let (_, facts) = sim::trace(setup, client, 0);
    let mut opened: BTreeMap<Exchange, (Time, u64)> = BTreeMap::new();
    let mut replied: BTreeMap<Exchange, (Time, u64)> = BTreeMap::new();
    let mut crossings = Crossings::default();
    for (at, fact) in facts {
        match fact {
            Fact::Opened { exchange, bytes, .. } => drop(opened.insert(exchange, (at, bytes))),
            Fact::Arrived { exchange, bytes } => {
                let (left, sent) = opened[&exchange];
                assert_eq!(bytes, sent);
                crossings.requests.push((bytes, at.since(left)));
            }
            Fact::Replied { exchange, bytes } => drop(replied.insert(exchange, (at, bytes))),
            Fact::Ended { exchange, end, bytes } if end != End::TimedOut => {
                let (left, sent) = replied[&exchange];
                assert_eq!(bytes, sent);
                crossings.responses.push((bytes, at.since(left)));
            }
            _ => {}
        }
    }
    crossings
}

/// One poller and one webhook client for 100 s, with an event every five seconds on average.
fn both(handshake: Handshake) -> Setup {
    let clients = vec![pull(poll_policy(2.0)), push(push_policy(delays(&[])))];
    let mut setup = setup(poisson(0.2), 100.0, 0.02, clients);
    setup.link.handshake = handshake;
    setup
}

/// Has a setup last so many seconds.
fn last(setup: &mut Setup, seconds: f64) {
    setup.frame = Frame::new(Time::ZERO, at(seconds), at(seconds + 60.0));
    setup.workload.until = setup.frame.duration;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn constant_parts_add_up_exactly(
        (there, back) in (0u64..100_000_000, 0u64..100_000_000),
        (up, down) in (prop::option::of(2_000u64..1_000_000_000), prop::option::of(2_000u64..1_000_000_000)),
        round_trips in 0u32..=2,
    ) {
        let handshake = if round_trips == 0 { Handshake::Reuse } else { Handshake::Each { round_trips } };
        let mut setup = both(handshake);
        let (there, back) = (Span::from_nanos(there), Span::from_nanos(back));
        setup.link.request.latency = Distribution::Constant(there);
        setup.link.response.latency = Distribution::Constant(back);
        (setup.link.request.bandwidth, setup.link.response.bandwidth) = (up, down);
        let sending = |bytes: u64, bandwidth: Option<u64>| {
            bandwidth.map_or(Span::ZERO, |bandwidth| Span::from_nanos((bytes * 1_000_000_000).div_ceil(bandwidth)))
        };
        for client in 0..2 {
            let crossings = crossings(&setup, client);
            prop_assert!(!crossings.requests.is_empty() && !crossings.responses.is_empty());
            for (bytes, took) in crossings.requests {
                prop_assert_eq!(took, (there + back).times(round_trips.into()) + there + sending(bytes, up));
            }
            for (bytes, took) in crossings.responses {
                prop_assert_eq!(took, back + sending(bytes, down));
            }
        }
    }
}

/// The share of `samples` that do not exceed `limit` is `share`, within four standard errors of a binomial count.
#[track_caller]
fn assert_share_below(samples: &[Span], limit: Span, share: f64) {
    let below = samples.iter().filter(|sample| **sample <= limit).count() as f64;
    let count = samples.len() as f64;
    assert_within("share", below / count, share, (share * (1.0 - share) / count).sqrt());
}

#[test]
fn a_log_normal_latency_has_the_median_and_the_99_percent_that_were_asked_for_each_way() {
    let mut setup = both(Handshake::Reuse);
    last(&mut setup, 40_000.0);
    let ms = Span::from_millis;
    let ways = [(ms(30), ms(300)), (ms(80), ms(120))];
    let log_normal = |(median, p99)| Distribution::LogNormal { median, p99 };
    (setup.link.request.latency, setup.link.response.latency) = (log_normal(ways[0]), log_normal(ways[1]));
    let crossings = crossings(&setup, 0);
    for (way, samples) in ways.into_iter().zip([crossings.requests, crossings.responses]) {
        let samples: Vec<_> = samples.into_iter().map(|(_, took)| took).collect();
        assert!(samples.len() > 15_000);
        assert_share_below(&samples, way.0, 0.5);
        assert_share_below(&samples, way.1, 0.99);
    }
}

#[test]
fn a_measured_latency_comes_up_as_it_was_measured() {
    let mut setup = both(Handshake::Reuse);
    last(&mut setup, 20_000.0);
    let values = [5, 5, 5, 7, 200].map(Span::from_millis).to_vec();
    setup.link.request.latency = Distribution::Empirical(Arc::new(Empirical::new(values, Origin::default())));
    let samples: Vec<_> = crossings(&setup, 0).requests.into_iter().map(|(_, took)| took).collect();
    assert!(samples.iter().all(|took| [5, 7, 200].map(Span::from_millis).contains(took)));
    assert_share_below(&samples, Span::from_millis(5), 0.6);
    assert_share_below(&samples, Span::from_millis(7), 0.8);
}

#[test]
fn every_crossing_of_a_handshake_has_a_draw_of_its_own() {
    let mut setup = both(Handshake::each(true));
    last(&mut setup, 40_000.0);
    let uniform = |min, max| Distribution::Uniform { min: Span::from_millis(min), max: Span::from_millis(max) };
    (setup.link.request.latency, setup.link.response.latency) = (uniform(10, 50), uniform(100, 300));
    let took: Vec<_> = crossings(&setup, 0).requests.into_iter().map(|(_, took)| took.as_secs_f64()).collect();
    let count = took.len() as f64;
    let mean = took.iter().sum::<f64>() / count;
    let variance = took.iter().map(|took| (took - mean) * (took - mean)).sum::<f64>() / (count - 1.0);
    // Three requests and two responses. Were they one draw each, the variance would be 9 and 4 times that of one.
    let (there, back) = (setup.link.request.latency.variance_secs2(), setup.link.response.latency.variance_secs2());
    let expected = 3.0 * there + 2.0 * back;
    assert_within("mean", mean, 3.0 * 0.03 + 2.0 * 0.2, (expected / count).sqrt());
    // A sum of uniforms has a smaller fourth moment than a normal variable, for which this is the error.
    assert_within("variance", variance, expected, expected * (2.0 / count).sqrt());
}

#[test]
fn the_timeout_counts_from_the_start_of_the_connection() {
    let mut setup = both(Handshake::each(true));
    // Two round trips of 40 ms, and one for the exchange itself.
    let push = setup.clients[1].push.as_mut().unwrap();
    push.dispatch.timeout = Span::from_millis(120);
    let ends = |setup: &Setup| {
        let mut opened = BTreeMap::new();
        let ended = |(at, fact): (Time, Fact)| match fact {
            Fact::Opened { exchange, .. } => {
                opened.insert(exchange, at);
                None
            }
            Fact::Ended { exchange, end, .. } => Some((at.since(opened[&exchange]), end)),
            _ => None,
        };
        sim::trace(setup, 1, 0).1.into_iter().filter_map(ended).collect::<Vec<_>>()
    };
    let in_time = ends(&setup);
    assert!(in_time.len() > 5 && in_time.iter().all(|end| *end == (Span::from_millis(120), End::Accepted)));
    let push = setup.clients[1].push.as_mut().unwrap();
    push.dispatch.timeout = Span::from_millis(119);
    let late = ends(&setup);
    assert_eq!(late.len(), in_time.len());
    assert!(late.iter().all(|end| *end == (Span::from_millis(119), End::TimedOut)), "{late:?}");
}

#[test]
fn theory_knows_handshakes_and_says_nothing_of_bandwidth() {
    for handshake in [Handshake::each(false), Handshake::each(true)] {
        for latency in [constant(0.05), Distribution::Exponential { mean: secs(0.05) }] {
            let clients = vec![pull(poll_policy(5.0)), push(push_policy(delays(&[])))];
            let mut setup = setup(poisson(0.2), 100_000.0, 0.05, clients);
            setup.link.handshake = handshake;
            setup.link.request.latency = latency.clone();
            for (client, summary) in run(&setup).iter().enumerate() {
                let verified = theory::verify(&setup, client, summary, Span::ZERO);
                assert!(verified.iter().any(|one| one.holds() == Some(true)), "{verified:?}");
                assert!(verified.iter().all(|one| one.holds() != Some(false)), "{verified:?}");
            }
            setup.link.response.bandwidth = Some(1_000_000);
            assert!((0..2).all(|client| theory::predict(&setup, client).is_empty()));
        }
    }
}

#[test]
fn a_thin_webhook_opens_a_connection_for_each_fetch_as_well() {
    let mut client = push_policy(delays(&[]));
    client.envelope.payload = pushpull::wire::Payload::Thin;
    let fetch = pushpull::policy::receiver::FetchPolicy { timeout: secs(5.0), tries: 3 };
    client.receive.fetch = Some(fetch);
    let mut setup = setup(common::trace(&[1.0, 2.0]), 10.0, 0.02, vec![push(client)]);
    setup.link.handshake = Handshake::each(false);
    // To the receiver, to the API and back, and a round trip before the webhook and before the fetch.
    assert_eq!(sim::exact_latencies(&setup, 0, 0), [Span::from_millis(140); 2]);
}
