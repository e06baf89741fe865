//! Rate limits and quotas of the API: by themselves, in virtual time, and over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use pushpull::engine::live::{self, Options};
use pushpull::engine::{Control, Setup, sim};
use pushpull::measure::fact::{End, Fact};
use pushpull::measure::summary::Summary;
use pushpull::peer::{Event, Exchange, Input, Output, Peer, Quota, Request, Response, Side};
use pushpull::policy::limits::Bucket;
use pushpull::policy::provider::{ApiLimits, ApiPolicy, Provider, QuotaPolicy, RateLimit, Serves};
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::time::{SECOND, Span, Time};

fn rate(requests: u64, per: f64) -> RateLimit {
    RateLimit::new(requests, secs(per))
}

#[test]
fn tokens_come_back_at_exact_instants() {
    // Three a second: a token takes a third of a second, which is no whole number of nanoseconds.
    let mut bucket = Bucket::new(RateLimit { burst: 2, ..rate(3, 1.0) });
    let at = Time::from_nanos;
    assert!(bucket.try_take(at(0)) && bucket.try_take(at(0)) && !bucket.try_take(at(0)));
    assert_eq!(bucket.wait(at(0)), Span::from_nanos(333_333_334));
    assert!(!bucket.try_take(at(333_333_333)));
    assert!(bucket.try_take(at(333_333_334)), "a whole number of nanoseconds after the third");
    assert!(!bucket.try_take(at(666_666_666)));
    assert!(bucket.try_take(at(666_666_667)));
    assert!(bucket.try_take(at(SECOND)), "three thirds are a whole");
    assert!(!bucket.try_take(at(SECOND)));
    assert_eq!(bucket.wait(at(100 * SECOND)), Span::ZERO);
    for _ in 0..2 {
        assert!(bucket.try_take(at(100 * SECOND)), "no more than the burst lies ready, however long nobody came");
    }
    assert!(!bucket.try_take(at(100 * SECOND)));
}

#[test]
fn a_burst_is_what_comes_in_a_second_unless_it_is_written() {
    let burst = |requests, per: f64| rate(requests, per).burst;
    assert_eq!((burst(100, 1.0), burst(5, 2.0), burst(1, 60.0), burst(7, 0.5)), (100, 2, 1, 14));
    assert_eq!(RateLimit::default_burst(u64::MAX, Span::from_nanos(1)), u32::MAX);
}

#[test]
fn a_limit_does_not_drift_over_a_billion_requests() {
    // Token n is there 3 n / 7 s after the start. Whoever comes at that very nanosecond is let in for ever, and a nanosecond
    // sooner never. A bucket that holds two tokens loses nothing of one that is there between two nanoseconds.
    let limit = RateLimit { burst: 2, ..rate(7, 3.0) };
    let due = |n: u64| Time::from_nanos((u128::from(n) * 3_000_000_000).div_ceil(7) as u64);
    // Both starts fall on a whole nanosecond, and the second is where a billion requests have been let in.
    for start in [0, 1_000_000_001] {
        let mut bucket = Bucket::new(limit);
        assert!(bucket.try_take(due(start)) && bucket.try_take(due(start)));
        for n in start + 1..start + 300_000 {
            assert!(!bucket.try_take(due(n) - Span::from_nanos(1)), "{n}");
            assert!(bucket.try_take(due(n)), "{n}");
        }
    }
}

#[test]
fn extremes_do_no_harm() {
    for limit in
        [RateLimit { burst: u32::MAX, ..rate(1, 1e9) }, RateLimit::new(u64::MAX, Span::MAX), rate(1_000_000, 1.0)]
    {
        let mut bucket = Bucket::new(limit);
        assert!(bucket.try_take(Time::NEVER));
        assert!(bucket.wait(Time::ZERO) >= Span::ZERO);
    }
}

fn any_limit() -> impl Strategy<Value = RateLimit> {
    (1u64..50, 1u64..5_000_000_000, 1u32..20).prop_map(|(requests, per, burst)| RateLimit {
        requests,
        per: Span::from_nanos(per),
        burst,
    })
}

proptest! {
    /// In every stretch of time no more is let in than what lies ready and what comes back within it.
    #[test]
    fn no_window_holds_more_than_a_burst_and_what_comes_back(
        limit in any_limit(),
        gaps in prop::collection::vec(prop_oneof![Just(0u64), 0u64..1_000_000_000], 1..200),
    ) {
        let mut bucket = Bucket::new(limit);
        let (mut now, mut taken) = (0u64, Vec::new());
        for gap in gaps {
            now += gap;
            let wait = bucket.wait(Time::from_nanos(now));
            prop_assert_eq!(bucket.try_take(Time::from_nanos(now)), wait.is_zero());
            if wait.is_zero() {
                taken.push(now);
            } else {
                // The wait is neither too short nor too long.
                let mut there = bucket;
                prop_assert!(!there.try_take(Time::from_nanos(now + wait.as_nanos() - 1)));
                prop_assert!(there.try_take(Time::from_nanos(now + wait.as_nanos())));
            }
        }
        for (first, from) in taken.iter().enumerate() {
            for (last, until) in taken.iter().enumerate().skip(first) {
                let back = u128::from(until - from) * u128::from(limit.requests) / u128::from(limit.per.as_nanos());
                prop_assert!((last - first + 1) as u128 <= u128::from(limit.burst) + back);
            }
        }
    }

    /// In the long run as much is let in as is asked for, or as comes back, whichever is less. With room for one token only,
    /// what comes back while nobody asks is lost: so here there is room for two at least.
    #[test]
    fn in_the_long_run_the_lesser_rate_counts(mut limit in any_limit(), gap in 1u64..2_000_000_000) {
        limit.burst += 1;
        let mut bucket = Bucket::new(limit);
        let offered = 2_000u64;
        let accepted = (0..offered).filter(|n| bucket.try_take(Time::from_nanos(n * gap))).count() as f64;
        let elapsed = (offered * gap) as f64;
        let back = elapsed * limit.requests as f64 / limit.per.as_nanos() as f64;
        let least = (offered as f64).min(back);
        // A token may be on its way at the end, and one lie ready.
        let most = (offered as f64).min(f64::from(limit.burst) + back);
        prop_assert!(accepted >= least - 2.0 && accepted <= most + 1.0, "{accepted} of {least} to {most}");
    }
}

/// A provider without any delay, and what it answers at once to a poll of a consumer at an instant.
struct Api {
    provider: Provider,
    serial: u32,
}

impl Api {
    fn new(api: &ApiPolicy, consumers: u32) -> Self {
        let serves = Serves {
            first: 0,
            consumers,
            feed: true,
            keeps: false,
            overlap: Span::ZERO,
            records: true,
            only_records: false,
            changes: None,
            dispatch: None,
        };
        Self { provider: Provider::new(api, Seed::new(1), serves), serial: 0 }
    }

    fn ask(&mut self, seconds: f64, consumer: u32, request: Request) -> Response {
        let exchange = Exchange { opener: Side::Consumer, consumer, serial: self.serial };
        self.serial += 1;
        let mut out = Vec::new();
        self.provider.handle(at(seconds), Input::Requested(exchange, request), &mut out);
        let answer = |output| match output {
            Output::Reply { response, .. } => Some(response),
            _ => None,
        };
        out.into_iter().find_map(answer).unwrap()
    }

    fn poll(&mut self, seconds: f64, consumer: u32) -> Response {
        let request = Request::Poll { after: 0, limit: 10, poll: 0, page: 0, hold: Span::ZERO, tag: None };
        self.ask(seconds, consumer, request)
    }
}

fn policy(limits: ApiLimits) -> ApiPolicy {
    ApiPolicy { limits, ..ApiPolicy::new(Capacity::UNLIMITED, pushpull::distribution::Distribution::ZERO, 100) }
}

fn told_to_wait(response: &Response) -> Option<u64> {
    match response {
        Response::Refused { status: 429, retry_after } => Some(retry_after.unwrap().as_nanos() / SECOND),
        Response::Page { .. } => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_consumer_has_a_bucket_and_all_share_the_account() {
    let limits = ApiLimits {
        consumer: Some(RateLimit { burst: 1, ..rate(1, 10.0) }),
        account: Some(RateLimit { burst: 2, ..rate(1, 4.0) }),
        quota: None,
    };
    let mut api = Api::new(&policy(limits), 3);
    let mut wait = |seconds, consumer| told_to_wait(&api.poll(seconds, consumer));
    assert_eq!((wait(0.0, 0), wait(0.0, 0)), (None, Some(10)), "its own bucket has one token");
    assert_eq!((wait(0.0, 1), wait(0.0, 2)), (None, Some(4)), "the account has two");
    assert_eq!(wait(3.2, 2), Some(1), "rounded up to whole seconds");
    assert_eq!(wait(4.0, 0), Some(6), "turned away by its own, it takes nothing from the account");
    assert_eq!((wait(4.0, 2), wait(4.0, 1)), (None, Some(6)), "the longer of both waits");
    assert_eq!(wait(10.0, 0), None);
}

#[test]
fn a_quota_is_counted_in_windows_as_githubs_are() {
    let quota = QuotaPolicy { requests: 3, window: secs(3_600.0), counts_not_modified: false };
    let mut api = Api::new(&policy(ApiLimits { quota: Some(quota), ..ApiLimits::NONE }), 2);
    let left = |response: Response| match response {
        Response::Page { advice, .. } => {
            let Quota { limit, remaining, resets_in } = advice.quota.unwrap();
            (limit, remaining, resets_in)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(left(api.poll(100.0, 0)), (3, 2, secs(3_600.0)), "the window begins with the first request");
    assert_eq!(left(api.poll(1_000.4, 0)), (3, 1, secs(2_700.0)), "rounded up to whole seconds");
    assert_eq!(left(api.poll(3_699.0, 0)), (3, 0, secs(1.0)));
    assert_eq!(told_to_wait(&api.poll(3_699.5, 0)), Some(1));
    assert_eq!(left(api.poll(3_699.5, 1)), (3, 2, secs(3_600.0)), "every consumer has a window of its own");
    assert_eq!(left(api.poll(3_700.0, 0)), (3, 2, secs(3_600.0)));
}

#[test]
fn fetches_and_records_are_requests_too() {
    let limits = ApiLimits { account: Some(RateLimit { burst: 2, ..rate(1, 60.0) }), ..ApiLimits::NONE };
    let mut api = Api::new(&policy(limits), 1);
    let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 1, record: 0, payload: 0 };
    let fetch = Request::Fetch { event, attempt: 1 };
    assert_eq!(api.ask(0.0, 0, fetch.clone()), Response::Event(event));
    assert!(matches!(api.ask(0.0, 0, Request::Record { record: 0, poll: 0, tag: None }), Response::Record { .. }));
    assert!(matches!(api.ask(0.0, 0, fetch), Response::Refused { status: 429, .. }));
}

/// Fixed pollers against a limit, over several consumers.
fn fleet(limits: ApiLimits, every: f64, consumers: u32) -> Setup {
    let mut setup = setup(poisson(0.2), 1_000.0, 0.02, vec![pull(poll_policy(every))]);
    setup.consumers = consumers;
    setup.api.limits = limits;
    setup
}

#[test]
fn pollers_are_let_in_at_the_lesser_of_both_rates() {
    for (requests, per, every, consumers) in [(1, 2.0, 1.0, 1), (1, 1.0, 2.0, 3), (3, 7.0, 1.0, 2), (2, 3.0, 1.5, 1)] {
        let limits = ApiLimits { consumer: Some(RateLimit { burst: 2, ..rate(requests, per) }), ..ApiLimits::NONE };
        let summary = run(&fleet(limits, every, consumers)).remove(0);
        let answered = (summary.polls - summary.outcomes.throttled) as f64;
        let expected = 1_000.0 * f64::from(consumers) * (1.0 / every).min(requests as f64 / per);
        // At either end of the run a consumer may have one more or less, and the burst of the start.
        assert!((answered - expected).abs() <= 2.0 * f64::from(consumers), "{answered} {expected}");
        assert_eq!((summary.outcomes.failed, summary.lost_total()), (0, 0));
        assert!(summary.delivered == summary.events, "what is throttled comes later");
    }
}

#[test]
fn an_account_limit_is_shared_by_consumers_that_would_have_run_apart() {
    let limits = ApiLimits { account: Some(rate(2, 1.0)), ..ApiLimits::NONE };
    let setup = fleet(limits, 1.0, 6);
    assert!(setup.is_coupled(&setup.clients[0]));
    let summary = run(&setup).remove(0);
    let answered = summary.polls - summary.outcomes.throttled;
    assert!((1_998..=2_004).contains(&answered), "{answered} of {}", summary.polls);
    assert!(summary.polls >= 5_990);
}

#[test]
fn limits_are_the_same_on_any_number_of_threads() {
    let quota = QuotaPolicy { requests: 40, window: secs(60.0), counts_not_modified: false };
    for (account, consumers) in [(Some(rate(2, 1.0)), 6), (None, 1_500)] {
        let limits = ApiLimits { consumer: Some(rate(3, 4.0)), account, quota: Some(quota) };
        let mut setup = fleet(limits, 1.0, consumers);
        setup.frame.duration = at(100.0);
        setup.workload.until = setup.frame.duration;
        setup.api.retention = Some(secs(20.0));
        setup.link.request.loss = 0.1;
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            format!("{:?}", pool.install(|| sim::run(&setup, &Control::default())))
        };
        let once = with_threads(1);
        assert_eq!(once, with_threads(2));
        assert!(run(&setup)[0].outcomes.throttled > 0);
    }
}

#[test]
fn real_requests_are_turned_away_as_virtual_ones_are() {
    let mut poll = poll_policy(0.02);
    poll.timeout = secs(5.0);
    let mut setup = setup(poisson(40.0), 2.0, 0.001, vec![pull(poll)]);
    setup.frame.end = at(12.0);
    setup.api.limits = ApiLimits { consumer: Some(RateLimit { burst: 5, ..rate(20, 1.0) }), ..ApiLimits::NONE };
    let summarise = |runs| -> Summary { summaries(&setup, runs).remove(0) };
    let virtual_time = summarise(sim::run(&setup, &Control::default()));
    let real = summarise(live::run(&setup, &Options::default(), &Control::default()).unwrap().clients);
    let answered = |summary: &Summary| summary.polls - summary.outcomes.throttled;
    for summary in [&virtual_time, &real] {
        assert_eq!((summary.delivered, summary.outcomes.failed), (summary.events, 0));
        // The bucket lets in its burst and forty in two seconds, whoever asks; a stalled machine may ask too rarely.
        assert!((25..=46).contains(&answered(summary)), "{}", answered(summary));
        assert!(summary.outcomes.throttled > 20, "{:?}", summary.outcomes);
    }
    assert_eq!(real.events, virtual_time.events);
    // Every answer that turns a poll away says when to come back, on the wire as in virtual time.
    let (_, facts) = sim::trace(&setup, 0, 0);
    let turned_away = facts.iter().filter(|(_, fact)| matches!(fact, Fact::Ended { end: End::Refused(429), .. }));
    assert_eq!(turned_away.count() as u64, virtual_time.outcomes.throttled);
}
