//! Webhooks that are spaced, share a request or only name their event, against closed forms. Every tolerance is four
//! standard errors of the estimator.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the expected values are worked out here, not simulated")]

mod common;

use common::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{ClientSetup, PushSetup, Setup};
use pushpull::fault::{Connections, Fault, FaultKind, Faults};
use pushpull::measure::summary::{Figure, Summary};
use pushpull::policy::dispatcher::{BatchPolicy, BreakerPolicy, DisablePolicy, Order, RedeliverPolicy};
use pushpull::policy::receiver::{Dedupe, FetchPolicy};
use pushpull::policy::retry::{RetryJitter, RetryPolicy};
use pushpull::policy::workers::Capacity;
use pushpull::theory::{self, stability};
use pushpull::time::{Span, Time};
use pushpull::wire::Payload;

const LATENCY: f64 = 0.02;

fn predicted(setup: &Setup, figure: Figure) -> Option<f64> {
    theory::predict(setup, 0).into_iter().find(|prediction| prediction.figure == figure).map(|found| found.value)
}

/// A push client at 20 consumers, changed by `change`, with about so many events.
fn webhooks(rate: f64, events: f64, change: impl FnOnce(&mut PushSetup)) -> Setup {
    let mut policy = push_policy(RetryPolicy::never());
    change(&mut policy);
    let mut setup = setup(poisson(rate), events / rate / 20.0, LATENCY, vec![push(policy)]);
    setup.consumers = 20;
    setup
}

fn run_one(setup: &Setup) -> Summary {
    let summary = run(setup).remove(0);
    assert_eq!((summary.delivered, summary.lost_total(), summary.pending), (summary.events, 0, 0));
    summary
}

fn batches(max: u32, wait: f64) -> impl FnOnce(&mut PushSetup) {
    move |push| {
        push.dispatch.batch = BatchPolicy { max, wait: secs(wait), bytes: None };
        push.envelope.is_list = true;
    }
}

#[test]
fn batches_trade_latency_for_requests() {
    // Rate and wait; the mean wait of an event, and requests per event.
    for (rate, wait, delay, requests) in
        [(1.0, 5.0, 2.916_667, 0.166_667), (0.1, 5.0, 4.166_667, 0.666_667), (20.0, 2.0, 1.024_390, 0.024_390)]
    {
        let setup = webhooks(rate, 20_000.0 * (1.0 + rate), batches(1_000, wait));
        let (mean, per_event) = (delay + LATENCY, predicted(&setup, Figure::RequestsPerEvent).unwrap());
        assert!((predicted(&setup, Figure::LatencyMean).unwrap() / 1e3 - mean).abs() < 1e-6);
        assert!((per_event - requests).abs() < 1e-6);
        let summary = run_one(&setup);
        // Events of one webhook wait together, so webhooks are what counts.
        let webhooks = summary.attempts as f64;
        assert_within("mean", summary.latency_mean_ms.unwrap() / 1e3, mean, wait / (12.0 * webhooks).sqrt());
        let events = summary.events as f64;
        // A renewal process of cycles w + 1/r: the count of webhooks varies less than that of events.
        assert_within(
            "requests",
            summary.requests_per_event().unwrap(),
            requests,
            requests / webhooks.sqrt() + 20.0 / events / 4.0,
        );
    }
}

#[test]
fn attempts_that_are_kept_apart_queue_as_in_front_of_one_worker() {
    for (rate, spacing) in [(1.0, 0.5), (0.3, 1.0), (5.0, 0.14)] {
        let setup = webhooks(rate, 60_000.0, |push| push.dispatch.spacing = secs(spacing));
        let load: f64 = rate * spacing;
        let wait = load * spacing / (2.0 * (1.0 - load));
        assert!((predicted(&setup, Figure::LatencyMean).unwrap() / 1e3 - wait - LATENCY).abs() < 1e-9);
        let summary = run_one(&setup);
        // Waits are correlated: as in front of a worker with exponential service their mean varies no more than this.
        let error = spacing * (load * (2.0 + 5.0 * load) / (1.0 - load).powi(4) / summary.latency_n as f64).sqrt();
        assert_within("mean", summary.latency_mean_ms.unwrap() / 1e3, wait + LATENCY, error);
        // Those that still wait at the end leave when requests are no longer counted.
        assert!((summary.events - 100..=summary.events).contains(&summary.requests()));
    }
}

#[test]
fn a_thin_webhook_costs_a_round_trip_and_a_request_more() {
    let mut setup = webhooks(0.5, 4_000.0, |push| {
        push.envelope.payload = Payload::Thin;
        push.receive.fetch = Some(FetchPolicy { timeout: secs(10.0), tries: 5 });
    });
    setup.api.service_time = constant(0.005);
    let mean = (LATENCY + 2.0 * LATENCY + 0.005) * 1e3;
    assert!((predicted(&setup, Figure::LatencyMean).unwrap() - mean).abs() < 1e-9);
    assert_eq!(predicted(&setup, Figure::RequestsPerEvent), Some(2.0));
    let summary = run_one(&setup);
    assert!((summary.latency_mean_ms.unwrap() - mean).abs() < 1e-6);
    assert_eq!((summary.attempts, summary.fetches), (summary.events, summary.events));
}

/// Something that a client may have, by name.
type Departure = (&'static str, fn(&mut ClientSetup));

/// Changes after which the plain forms no longer hold.
fn departures() -> Vec<Departure> {
    fn dispatch(client: &mut ClientSetup) -> &mut pushpull::policy::dispatcher::DispatchPolicy {
        &mut client.push.as_mut().unwrap().dispatch
    }
    vec![
        ("fault", |client| {
            let kind = FaultKind::ReceiverDown { connections: Connections::Reset };
            client.faults = Faults(vec![Fault::new(kind, Time::ZERO, at(1.0))]);
        }),
        ("fifo", |client| dispatch(client).order = Order::Fifo),
        ("spacing and batches", |client| {
            dispatch(client).spacing = secs(0.1);
            dispatch(client).batch = BatchPolicy { max: 100, wait: secs(1.0), bytes: None };
        }),
        ("a batch that fills up", |client| {
            dispatch(client).batch = BatchPolicy { max: 2, wait: secs(5.0), bytes: None };
        }),
        ("breaker", |client| {
            let window = secs(60.0);
            let breaker = BreakerPolicy { window, failure_share: 0.5, minimum: 1, cool_down: window };
            dispatch(client).breaker = Some(breaker);
        }),
        ("disable after", |client| {
            dispatch(client).disable = DisablePolicy { after: Some(secs(60.0)), ..DisablePolicy::NEVER };
        }),
        ("disable failures", |client| {
            dispatch(client).disable = DisablePolicy { failures: Some(3), ..DisablePolicy::NEVER };
        }),
        ("redeliver", |client| {
            dispatch(client).redeliver = Some(RedeliverPolicy { every: secs(60.0), within: secs(60.0) });
        }),
        ("forgetful", |client| {
            client.push.as_mut().unwrap().receive.dedupe = Dedupe::Remember { size: Some(10), age: None };
        }),
        ("Retry-After", |client| client.push.as_mut().unwrap().receive.retry_after = Some(secs(1.0))),
    ]
}

#[test]
fn nothing_is_predicted_where_no_form_holds() {
    let plain = webhooks(1.0, 20_000.0, |_| {});
    assert!(predicted(&plain, Figure::LatencyMean).is_some() && predicted(&plain, Figure::RequestsPerEvent).is_some());
    for (name, change) in departures() {
        let mut setup = plain.clone();
        change(&mut setup.clients[0]);
        assert_eq!(theory::predict(&setup, 0), [], "{name}");
    }
    // A schedule that is cut short makes fewer attempts, but only where there are any retries.
    let cut = |within: f64, loss: f64| {
        let retry = RetryPolicy::exponential(Span::from_secs(1), 2.0, 5, RetryJitter::None);
        let retry = RetryPolicy { within: Some(secs(within)), ..retry };
        let setup = with_loss(webhooks(1.0, 20_000.0, |push| push.dispatch.retry = retry), loss, 0.0);
        predicted(&setup, Figure::LatencyMean)
    };
    assert!(cut(50.0, 0.1).is_none() && cut(100.0, 0.1).is_some() && cut(1.0, 0.0).is_some());
    // Loss and what is beyond plain webhooks together have no form here.
    assert_eq!(theory::predict(&with_loss(webhooks(1.0, 20_000.0, batches(100, 1.0)), 0.1, 0.0), 0), []);
}

#[test]
fn endpoints_that_get_less_than_occurs_are_overloaded() {
    let parts =
        |setup: &Setup| stability::overloads(setup).iter().map(|found| (found.part, found.load)).collect::<Vec<_>>();
    let spaced = |spacing: f64| webhooks(2.0, 1_000.0, |push| push.dispatch.spacing = secs(spacing));
    assert_eq!(parts(&spaced(0.4)), []);
    assert_eq!(parts(&spaced(0.5)), [(stability::Part::RateLimit, 1.0)]);
    // Two webhooks a second of 20 ms each way and half a second of work fit one after the other only as batches.
    let fifo = |batch: BatchPolicy| {
        webhooks(2.0, 1_000.0, |push| {
            push.dispatch.order = Order::Fifo;
            push.dispatch.batch = batch;
            push.receive.service_time = Distribution::Constant(secs(0.5));
        })
    };
    assert!(
        matches!(parts(&fifo(BatchPolicy::SINGLE))[..], [(stability::Part::OneAtATime, load)] if (load - 1.08).abs() < 1e-9)
    );
    assert_eq!(parts(&fifo(BatchPolicy { max: 10, wait: secs(1.0), bytes: None })), []);
}

#[test]
fn where_a_queue_turns_some_away_nothing_is_predicted() {
    let with_queue = |queue| {
        let mut setup = webhooks(2.0, 10_000.0, |push| {
            push.receive.capacity = Capacity { workers: Some(1), queue };
            push.receive.service_time = constant(0.002);
        });
        // Beside so long a way nobody minds the wait itself.
        setup.link.request.latency = constant(0.5);
        setup
    };
    for figure in [Figure::LatencyMean, Figure::RequestsPerEvent] {
        assert_eq!(predicted(&with_queue(0), figure), None, "one in 250 finds the worker busy");
        assert!(predicted(&with_queue(8), figure).is_some());
    }
}
