//! Pollers whose interval is not fixed, against closed forms, against cases worked out by hand, and against what must
//! always hold. Every tolerance is four standard errors of the estimator unless it is said to be exact.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the expected values are worked out here, not simulated")]

mod common;

use std::sync::Arc;

use common::*;
use proptest::prelude::*;
use pushpull::engine::{Setup, sim};
use pushpull::fault::{Connections, Fault, FaultKind, Faults};
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::summary::{Figure, Summary};
use pushpull::measure::tally::Frame;
use pushpull::peer::{Advice, Exchange, Input, Outcome, Output, Peer, Quota, Request, Response, Side, Tag};
use pushpull::policy::consumer::{Consumer, Policies};
use pushpull::policy::poller::{Aim, Jitter, Phase, PollPolicy, Strategy as Polling, Target, Timing};
use pushpull::policy::provider::{Provider, Serves};
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::theory;
use pushpull::time::{Span, Time};
use pushpull::workload::Arrivals;

fn with(every: f64, strategy: Polling) -> PollPolicy {
    PollPolicy { strategy, ..poll_policy(every) }
}

fn backoff(every: f64, factor: f64, max: f64) -> PollPolicy {
    with(every, Polling::Backoff { factor, max: secs(max) })
}

fn long_poll(hold: f64) -> PollPolicy {
    let strategy = Polling::LongPoll { hold: secs(hold) };
    PollPolicy { strategy, timing: Timing::FixedDelay, ..PollPolicy::new(Span::ZERO, secs(hold + 10.0), 100) }
}

fn adaptive(every: f64, aim: Aim, gain: f64) -> PollPolicy {
    let (min, max) = (secs(every / 16.0), secs(every * 16.0));
    with(every, Polling::Adaptive { aim, gain, min, max })
}

fn aligned(policy: PollPolicy) -> PollPolicy {
    PollPolicy { phase: Phase::Aligned, ..policy }
}

/// The instants in seconds at which polls left.
fn polls(setup: &Setup) -> Vec<f64> {
    let at = |(at, fact): &(Time, Fact)| match fact {
        Fact::Opened { .. } => Some(at.as_nanos() as f64 / 1e9),
        _ => None,
    };
    sim::trace(setup, 0, 0).1.iter().filter_map(at).collect()
}

fn latencies(setup: &Setup) -> Vec<f64> {
    sim::exact_latencies(setup, 0, 0).into_iter().map(Span::as_secs_f64).collect()
}

fn predicted(setup: &Setup, figure: Figure) -> f64 {
    let all = theory::predict(setup, 0);
    all.iter().find(|prediction| prediction.figure == figure).unwrap_or_else(|| panic!("no {figure:?}: {all:?}")).value
}

/// Runs one poller many times over, each time with one consumer and another seed, and holds the mean of each figure over the
/// runs against theory, within four standard errors as the runs themselves show them. `events` is for each run.
fn hold_against_theory(what: &str, policy: &PollPolicy, rate: f64, latency: f64, events: f64) {
    const RUNS: u64 = 40;
    let mut base = setup(poisson(rate), events / rate, latency, vec![pull(policy.clone())]);
    // What occurs before the first poll waits for its phase, which is no part of the forms.
    base.frame.warmup = at(0.1 * events / rate);
    let figures = [Figure::LatencyMean, Figure::EmptyRatio, Figure::RequestsPerEvent];
    let runs: Vec<Summary> = (0..RUNS).map(|seed| run(&with_seed(base.clone(), 1_000 + seed)).remove(0)).collect();
    for figure in figures {
        // Ratios of sums: the error is that of the linearised ratio.
        let parts: Vec<[f64; 2]> = runs.iter().map(|run| parts(figure, run)).collect();
        let sum = |index: usize| parts.iter().map(|part| part[index]).sum::<f64>();
        let ratio = sum(0) / sum(1);
        let squares: f64 = parts.iter().map(|part| (part[0] - ratio * part[1]).powi(2)).sum();
        let error = (squares * RUNS as f64 / (RUNS as f64 - 1.0)).sqrt() / sum(1);
        let expected = predicted(&base, figure);
        assert!(error < 0.05 * expected.max(0.02), "{what}: the test can tell little of {figure:?}: {error}");
        assert_within(&format!("{what}: {figure:?}"), ratio, expected, error.max(1e-9));
    }
}

/// A figure as a quotient.
fn parts(figure: Figure, run: &Summary) -> [f64; 2] {
    match figure {
        Figure::LatencyMean => [run.latency_mean_ms.unwrap() * run.latency_n as f64, run.latency_n as f64],
        Figure::EmptyRatio => [run.outcomes.empty as f64, run.requests() as f64],
        Figure::RequestsPerEvent => [run.requests() as f64, run.events as f64],
        other => panic!("{other:?} is not looked at here"),
    }
}

#[test]
fn backing_off_comes_out_as_its_closed_form() {
    for (rate, first, factor, max) in [(0.01, 5.0, 2.0, 300.0), (0.1, 1.0, 2.0, 60.0), (0.002, 30.0, 1.5, 900.0)] {
        let policy = backoff(first, factor, max);
        hold_against_theory("no trip, fixed rate", &policy, rate, 0.0, 800.0);
        let delayed = PollPolicy { timing: Timing::FixedDelay, ..policy };
        hold_against_theory("no trip, fixed delay", &delayed, rate, 0.0, 800.0);
        hold_against_theory("with a trip, fixed delay", &delayed, rate, 0.4, 800.0);
        hold_against_theory("with a trip, conditional", &PollPolicy { conditional: true, ..delayed }, rate, 0.4, 800.0);
    }
}

#[test]
fn long_polls_come_out_as_their_closed_form() {
    for (rate, latency, hold) in [(0.1, 0.05, 30.0), (0.01, 0.05, 60.0), (5.0, 0.1, 0.2), (1.0, 0.25, 1.0)] {
        hold_against_theory("at once", &long_poll(hold), rate, latency, 800.0);
        hold_against_theory("conditional", &PollPolicy { conditional: true, ..long_poll(hold) }, rate, latency, 800.0);
        let pausing = PollPolicy { every: secs(hold / 3.0), ..long_poll(hold) };
        hold_against_theory("with a pause", &pausing, rate, latency, 800.0);
    }
}

#[test]
fn conditional_polls_are_empty_only_after_a_useful_one() {
    for r in [0.2, 1.0] {
        let policy = PollPolicy { conditional: true, ..poll_policy(10.0) };
        hold_against_theory("fixed", &policy, r / 10.0, 0.05, 1_000.0);
    }
    let mut base = setup(poisson(0.05), 100_000.0, 0.05, vec![pull(poll_policy(10.0))]);
    base.clients.push(pull(PollPolicy { conditional: true, ..poll_policy(10.0) }));
    let [plain, conditional] = run(&base).try_into().unwrap();
    let wasted = |run: &Summary| (run.outcomes.useful, run.outcomes.empty + run.outcomes.not_modified);
    assert_eq!(wasted(&plain), wasted(&conditional));
    assert!(plain.outcomes.not_modified == 0 && conditional.outcomes.not_modified > 3_000);
    assert_eq!(plain.tally.latencies.sum_nanos(), conditional.tally.latencies.sum_nanos());
    assert!(conditional.consumer.bytes_in < plain.consumer.bytes_in, "304 is shorter than an empty page");
    assert!(conditional.consumer.bytes_out > plain.consumer.bytes_out, "and asking for it is longer");
}

/// Σ gain (aim - useful) is the way that the logarithm of the interval has gone, and that lies between its bounds. So this is
/// no matter of chance: it holds for every source, as long as neither bound is met.
#[test]
fn the_share_of_useful_polls_is_the_aim_whatever_the_arrivals() {
    let sources = [poisson(0.05), Arrivals::Constant { gap_nanos: 2e10 }, poisson(0.01)];
    for (arrivals, share) in sources.into_iter().zip([0.5, 0.3, 0.8]) {
        let policy = adaptive(20.0, Aim::UsefulShare(share), 0.2);
        let (min, max) = (20.0 / 16.0, 20.0 * 16.0);
        let mut setup = setup(arrivals, 200_000.0, 0.0, vec![pull(policy.clone())]);
        setup.frame.end = setup.frame.duration;
        let summary = run(&setup).remove(0);
        let left = polls(&setup);
        let gaps = || left.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps().all(|gap| gap > min * 1.001 && gap < max * 0.999), "a bound was met");
        let count = summary.requests() as f64;
        let observed = summary.outcomes.useful as f64 / count;
        let way = (f64::ln(gaps().next_back().unwrap() / 20.0) / (0.2 * count)).abs();
        // One poll more or less at the end.
        assert!((observed - share).abs() <= way + 2.0 / count, "{observed} for {share}, of {count}");
        assert!(count > 1_000.0);
    }
    hold_against_theory_of_share();
}

fn hold_against_theory_of_share() {
    let base = setup(poisson(0.05), 100_000.0, 0.0, vec![pull(adaptive(20.0, Aim::UsefulShare(0.4), 0.2))]);
    assert!((predicted(&base, Figure::EmptyRatio) - 0.6).abs() < 1e-12);
    // Bounds that it would lean on leave nothing to predict.
    let mut narrow = base;
    let (min, max) = (secs(15.0), secs(25.0));
    let strategy = Polling::Adaptive { aim: Aim::UsefulShare(0.4), gain: 0.2, min, max };
    narrow.clients[0].pull.as_mut().unwrap().strategy = strategy;
    assert_eq!(theory::predict(&narrow, 0), []);
}

#[test]
fn so_many_events_come_with_each_poll_as_are_aimed_at() {
    for (events, rate) in [(3.0, 0.1), (10.0, 2.0)] {
        let gain = 0.02;
        let base =
            setup(poisson(rate), 40_000.0 / rate, 0.0, vec![pull(adaptive(10.0, Aim::EventsPerPoll(events), gain))]);
        // Whole cycles from one poll to the next, once it has settled.
        let left = polls(&base);
        let settled = left.len() / 10;
        let (from, to) = (left[settled], left[left.len() - 1]);
        let count = (left.len() - 1 - settled) as f64;
        let occurred = base.workload.events(0).filter(|event| (at(from)..at(to)).contains(&event.occurred_at)).count();
        // The rate is estimated by a mean with gain/(2 - gain) of the variance of a single poll, which is 1/events of its
        // square; what is divided by it is on average larger by as much.
        let bias = gain / (2.0 - gain) / events;
        let error = events / (occurred as f64).sqrt();
        assert_within("events per poll", occurred as f64 / count, events * (1.0 + bias), error);
    }
}

#[test]
fn d6_a_long_poll_takes_one_transit_or_three() {
    // Polls leave at 0 and are held for 30 s. The answer to the first leaves at 10 and comes at 10.05; the next poll is
    // there at 10.1.
    let setup = setup(trace(&[10.0, 10.000_000_001, 10.1, 20.0]), 40.0, 0.05, vec![pull(aligned(long_poll(30.0)))]);
    let seen = latencies(&setup);
    let expected = [0.05, 0.149_999_999, 0.05, 0.05];
    assert!(seen.iter().zip(expected).all(|(seen, expected)| (seen - expected).abs() < 1e-12), "{seen:?}");
    let left = polls(&setup);
    let expected = [0.0, 10.05, 10.15, 20.05, 50.15];
    assert!(left.iter().zip(expected).all(|(left, expected)| (left - expected).abs() < 1e-9), "{left:?}");
    // The second poll finds two events; so three polls bring four.
    let summary = run(&setup).remove(0);
    assert_eq!((summary.outcomes.useful, summary.events), (3, 4));
}

#[test]
fn a_held_poll_takes_no_worker_and_ends_with_its_time() {
    // Three consumers, one worker: all three polls are held at the same time.
    let mut setup = setup(trace(&[7.0]), 20.0, 0.0, vec![pull(aligned(long_poll(5.0)))]);
    setup.consumers = 3;
    setup.api.capacity = Capacity { workers: Some(1), queue: 10 };
    setup.api.service_time = constant(0.1);
    // The polls are sampled at 0, 0.1 and 0.2 and held for 5 s from then on, and so are the next ones.
    let facts = sim::trace(&setup, 0, 0).1;
    let ended: Vec<f64> = facts
        .iter()
        .filter(|(_, fact)| matches!(fact, Fact::Ended { .. }))
        .map(|(at, _)| at.as_nanos() as f64 / 1e9)
        .take(3)
        .collect();
    assert_eq!(ended, [5.0, 7.0, 12.0], "empty when its time is over, at once with the event; held from 7 on");
    let summary = run(&setup).remove(0);
    assert_eq!((summary.delivered, summary.outcomes.failed, summary.latency_max_ms), (3, 0, Some(0.0)));
}

#[test]
fn what_occurs_while_a_worker_is_busy_is_not_held_back() {
    let mut setup = setup(trace(&[0.05]), 3.0, 0.0, vec![pull(aligned(long_poll(1.0)))]);
    setup.api.service_time = constant(0.1);
    assert_eq!(latencies(&setup), [0.05]);
}

#[test]
fn a_proxy_that_cuts_off_makes_long_polls_fail() {
    let mut setup = setup(trace(&[]), 100.0, 0.0, vec![pull(aligned(long_poll(30.0)))]);
    setup.api.idle_cut = Some(secs(9.0));
    // Cut off after 9 s, and a second's pause after a failure.
    assert_eq!(polls(&setup)[..4], [0.0, 10.0, 20.0, 30.0]);
    assert_eq!(run(&setup).remove(0).outcomes.failed, 10);
    assert_eq!(theory::predict(&setup, 0), []);
    setup.api.idle_cut = Some(secs(30.0));
    assert_eq!(polls(&setup)[..3], [0.0, 30.0, 60.0], "whoever is just as quick has answered");
    assert_eq!(run(&setup).remove(0).outcomes.failed, 0);
}

#[test]
fn a_backoff_of_one_is_a_fixed_interval_to_the_last_draw() {
    for timing in [Timing::FixedRate, Timing::FixedDelay] {
        for jitter in [Jitter::None, Jitter::Gap(0.4)] {
            let fixed = PollPolicy { timing, jitter, timeout: secs(13.0), ..poll_policy(5.0) };
            let steady = PollPolicy { strategy: Polling::Backoff { factor: 1.0, max: secs(60.0) }, ..fixed.clone() };
            let mut setup = with_loss(setup(poisson(0.1), 5_000.0, 3.1, vec![pull(fixed)]), 0.1, 0.1);
            let facts = sim::trace(&setup, 0, 0).1;
            setup.clients = vec![pull(steady)];
            assert_eq!(sim::trace(&setup, 0, 0).1, facts, "{timing:?} {jitter:?}");
        }
    }
}

#[test]
fn backing_off_counts_from_the_poll_that_was_due() {
    // Events at 21 and 22. 2 s, 4 s, 8 s, and 16 s pass, of which the last brings both; then 2 s again.
    let setup = setup(trace(&[21.0, 22.0]), 60.0, 0.25, vec![pull(aligned(backoff(2.0, 2.0, 16.0)))]);
    assert_eq!(polls(&setup)[..8], [0.0, 4.0, 12.0, 28.0, 30.0, 34.0, 42.0, 58.0]);
    let mut delayed = setup;
    delayed.clients[0].pull.as_mut().unwrap().timing = Timing::FixedDelay;
    assert_eq!(polls(&delayed)[..5], [0.0, 4.5, 13.0, 29.5, 32.0]);
}

#[test]
fn an_overlap_asks_again_for_what_is_known() {
    let policy = PollPolicy { target: Target::Feed { overlap: secs(5.0) }, ..aligned(poll_policy(10.0)) };
    let setup = setup(trace(&[1.0, 8.0, 9.0, 18.0, 18.5]), 45.0, 0.0, vec![pull(policy)]);
    let facts = sim::trace(&setup, 0, 0).1;
    let asked: Vec<u32> = facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Opened { request: Request::Poll { after, .. }, .. } => Some(*after),
            _ => None,
        })
        .take(5)
        .collect();
    // At 10 all is new; then 2 and 3 lie within 5 s of 3, and then 4 and 5 of 5.
    assert_eq!(asked, [0, 0, 1, 3, 3]);
    let summary = run(&setup).remove(0);
    assert_eq!((summary.delivered, summary.outcomes.useful, summary.outcomes.empty), (5, 2, 1));
    assert_eq!((summary.outcomes.duplicate, summary.duplicates), (2, 2 + 2 * 2));
    assert_eq!(theory::predict(&setup, 0), []);
}

/// A hint poller that is told these answers one after the other, each as soon as it asks; gives the instants in seconds at
/// which it asks.
fn asks(policy: PollPolicy, consumer: u32, answers: &[Outcome]) -> Vec<f64> {
    let policies = Policies { pull: Some(policy.into()), push: None, faults: Arc::default() };
    let mut poller = Consumer::new(Seed::new(3), consumer, &policies);
    let mut instants = Vec::new();
    let (mut now, mut out) = (Time::ZERO, Vec::new());
    poller.handle(now, Input::Wake, &mut out);
    for answer in answers.iter().chain(std::iter::once(&Outcome::TimedOut)) {
        if !out.iter().any(|output| matches!(output, Output::Send { .. })) {
            now = poller.deadline().unwrap();
            poller.handle(now, Input::Wake, &mut out);
        }
        out.retain(|output| matches!(output, Output::Send { .. }));
        let Some(Output::Send { exchange, .. }) = out.pop() else { panic!("it asks nothing") };
        instants.push(now.as_nanos() as f64 / 1e9);
        poller.handle(now, Input::Ended(exchange, answer.clone()), &mut out);
    }
    instants
}

fn empty(poll_interval: Option<f64>, quota: Option<(u32, f64)>, has_more: bool) -> Outcome {
    let quota = quota.map(|(remaining, reset)| Quota { limit: 10, remaining, resets_in: secs(reset) });
    let advice = Advice { poll_interval: poll_interval.map(secs), quota };
    let events = if has_more { sim_event() } else { pushpull::peer::Batch::new() };
    Outcome::Answered(Response::Page { events, has_more, tag: Tag(1), advice })
}

fn sim_event() -> pushpull::peer::Batch {
    let event = pushpull::peer::Event { occurred_at: Time::ZERO, consumer: 0, serial: 1, record: 0, payload: 0 };
    pushpull::peer::Batch::from_slice(&[event])
}

fn refused(status: u16, retry_after: Option<f64>) -> Outcome {
    Outcome::Answered(Response::Refused { status, retry_after: retry_after.map(secs) })
}

#[test]
fn a_hint_is_obeyed_and_nobody_else_listens() {
    let answers = [
        empty(None, None, false),
        empty(Some(60.0), None, false),
        Outcome::TimedOut,
        empty(Some(2.0), None, false),
        refused(429, Some(33.0)),
        refused(503, None),
        empty(None, Some((1, 500.0)), false),
        empty(None, Some((0, 500.0)), true),
    ];
    for timing in [Timing::FixedRate, Timing::FixedDelay] {
        let hint = PollPolicy { timing, ..aligned(with(10.0, Polling::Hint)) };
        // 10 s, the 60 s wished, the same after a failure, never sooner than `every`, 33 s, 10 s, 10 s, and then the page
        // that there is more of waits for the quota.
        let expected = [0.0, 10.0, 70.0, 130.0, 140.0, 173.0, 183.0, 193.0, 693.0];
        assert_eq!(asks(hint.clone(), 0, &answers), expected, "{timing:?}");
        let deaf = PollPolicy { strategy: Polling::Fixed, ..hint };
        let expected = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 70.0];
        assert_eq!(asks(deaf, 0, &answers), expected, "the last is the next page, at once");
    }
}

#[test]
fn jitter_spreads_those_who_were_told_the_same() {
    let policy = PollPolicy { jitter: Jitter::Gap(0.5), ..aligned(with(10.0, Polling::Hint)) };
    let back = |policy: &PollPolicy| -> Vec<f64> {
        (0..400).map(|consumer| asks(policy.clone(), consumer, &[refused(429, Some(100.0))])[1]).collect()
    };
    assert!(back(&aligned(with(10.0, Polling::Hint))).iter().all(|at| *at == 100.0));
    let spread = back(&policy);
    assert!(spread.iter().all(|at| (100.0..105.0).contains(at)));
    let mean = spread.iter().sum::<f64>() / 400.0;
    assert_within("when they come back", mean, 102.5, 5.0 / (12.0 * 400.0f64).sqrt());
}

#[test]
fn a_long_poll_that_fails_does_not_spin() {
    let answers = [Outcome::TimedOut, refused(503, None), Outcome::Unreachable, refused(429, Some(7.0))];
    assert_eq!(asks(aligned(long_poll(30.0)), 0, &answers), [0.0, 1.0, 2.0, 3.0, 10.0]);
    let pausing = PollPolicy { every: secs(4.0), ..aligned(long_poll(30.0)) };
    assert_eq!(asks(pausing, 0, &answers), [0.0, 4.0, 8.0, 12.0, 19.0]);
}

/// A provider of one consumer's feed and records, and a way to tell it something at an instant.
fn provider(faults: Faults) -> impl FnMut(f64, Input) -> Vec<Output> {
    let serves = Serves {
        first: 0,
        consumers: 1,
        feed: true,
        keeps: false,
        overlap: Span::ZERO,
        records: true,
        only_records: false,
        changes: None,
        dispatch: None,
    };
    let api = setup(trace(&[]), 1.0, 0.0, vec![]).api;
    let mut provider = Provider::new(&api, Seed::new(1), serves).with_faults(&faults);
    move |seconds, input| {
        let mut out = Vec::new();
        provider.handle(at(seconds), input, &mut out);
        out
    }
}

fn asked(serial: u32, request: Request) -> Input {
    Input::Requested(Exchange { opener: Side::Consumer, consumer: 0, serial }, request)
}

#[test]
fn a_record_that_is_as_known_is_not_sent_again() {
    let mut tell = provider(Faults::default());
    let mut answers = Vec::new();
    for (serial, tag) in [None, Some(Tag(0)), Some(Tag(1))].into_iter().enumerate() {
        for record in [0, 3] {
            answers.extend(tell(1.0, asked(serial as u32 * 2 + record, Request::Record { record, poll: 0, tag })));
        }
        if serial == 0 {
            tell(1.0, Input::Occurred(sim_event()[0]));
        }
    }
    let is_not_modified =
        |output: &Output| matches!(output, Output::Reply { response: Response::NotModified { .. }, .. });
    let not_modified: Vec<_> = answers.iter().map(is_not_modified).collect();
    // Record 0 has changed, for the first time; record 3 never.
    assert_eq!(not_modified, [false, false, false, true, true, false]);
}

/// A page that is full is no reason to be told that nothing has changed: whatever is lost, all is asked for in the end.
#[test]
fn a_conditional_poller_with_an_overlap_reads_all_pages_whatever_is_lost() {
    for page in [1, 2, 3] {
        let policy = PollPolicy {
            conditional: true,
            target: Target::Feed { overlap: secs(1.0) },
            ..PollPolicy::new(secs(60.0), secs(10.0), page)
        };
        let mut lossy = with_loss(setup(poisson(0.05), 3_600.0, 0.02, vec![pull(policy)]), 0.3, 0.3);
        lossy.frame = Frame::new(lossy.frame.warmup, lossy.frame.duration, lossy.frame.duration + secs(86_400.0 * 7.0));
        let summary = run(&lossy).remove(0);
        assert!(summary.events > 100 && summary.delivered == summary.events, "{} pending", summary.pending);
    }
}

#[test]
fn a_crash_takes_the_polls_that_are_held() {
    let hold = |serial| {
        let request = Request::Poll { after: 0, limit: 9, poll: 0, page: 0, hold: secs(5.0), tag: None };
        asked(serial, request)
    };
    let down = FaultKind::ProviderDown { connections: Connections::Reset };
    let mut tell = provider(Faults(vec![Fault::new(down, at(3.0), at(3.5))]));
    assert_eq!(tell(1.0, hold(0)), []);
    // One that asks again has given up on what it asked before.
    assert!(matches!(tell(2.0, hold(1))[..], [Output::Reply { exchange: Exchange { serial: 0, .. }, .. }]));
    assert_eq!(tell(3.0, Input::Crashed), []);
    assert_eq!(tell(4.0, Input::Occurred(sim_event()[0])), []);
    assert_eq!(tell(9.0, Input::Wake), []);
}

fn any_strategy() -> impl Strategy<Value = Polling> {
    prop_oneof![
        Just(Polling::Fixed),
        (1.0..4.0f64, 20.0..60.0f64).prop_map(|(factor, max)| Polling::Backoff { factor, max: secs(max) }),
        (0.05..0.95f64, 0.01..=1.0f64).prop_map(|(share, gain)| Polling::Adaptive {
            aim: Aim::UsefulShare(share),
            gain,
            min: secs(0.2),
            max: secs(60.0)
        }),
        (0.1..9.0f64, 0.01..=1.0f64).prop_map(|(events, gain)| Polling::Adaptive {
            aim: Aim::EventsPerPoll(events),
            gain,
            min: secs(0.2),
            max: secs(60.0)
        }),
        Just(Polling::Hint),
        (0.5..8.0f64).prop_map(|hold| Polling::LongPoll { hold: secs(hold) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// One poll at a time, none sooner than is allowed, and all events and requests accounted for.
    #[test]
    fn polls_come_one_at_a_time_and_never_too_soon(
        strategy in any_strategy(),
        (every, timeout, latency) in (0.5..20.0f64, 0.2..12.0f64, 0.0..1.0f64),
        (delay, conditional, at_once) in any::<(bool, bool, bool)>(),
        (rate, loss, cut, seed) in (0.02..3.0f64, 0.0..0.4f64, prop::option::of(0.3..9.0f64), any::<u64>()),
    ) {
        let is_long = matches!(strategy, Polling::LongPoll { .. });
        let every = if is_long && at_once { 0.0 } else { every };
        let timing = if delay { Timing::FixedDelay } else { Timing::FixedRate };
        let policy = PollPolicy { strategy, timing, conditional, timeout: secs(timeout), ..poll_policy(every) };
        let setup = setup(poisson(rate), 120.0, latency, vec![pull(policy)]);
        let mut setup = with_seed(with_loss(setup, loss, loss), seed);
        setup.api.idle_cut = cut.map(secs);
        run(&setup);
        // When each exchange was opened, whether it begins a poll, and when and how it ended.
        let mut opened: Vec<(Time, bool)> = Vec::new();
        let mut ended: Vec<Option<(Time, bool)>> = Vec::new();
        for (at, fact) in sim::trace(&setup, 0, 0).1 {
            match fact {
                Fact::Opened { request: Request::Poll { page, .. }, .. } => {
                    opened.push((at, page == 0));
                    ended.push(None);
                }
                Fact::Ended { exchange, end, .. } => {
                    let failed = !matches!(end, End::Answered | End::Refused(304));
                    prop_assert_eq!(ended[exchange.serial as usize].replace((at, failed)), None, "ended twice");
                }
                _ => {}
            }
        }
        let mut left = Time::ZERO;
        for (index, &(at, is_first)) in opened.iter().enumerate() {
            if let Some((before, failed)) = index.checked_sub(1).map(|before| ended[before].expect("it has ended")) {
                prop_assert!(at >= before, "two at a time");
                let counts_from = if is_long || timing == Timing::FixedDelay { before } else { left };
                let mut least = match strategy {
                    Polling::Adaptive { min, .. } => min,
                    _ => secs(every),
                };
                if is_long && failed {
                    least = least.max(secs(1.0));
                }
                prop_assert!(!is_first || at >= counts_from + least, "{at} after {counts_from}");
            }
            if is_first {
                left = at;
            }
        }
    }
}
