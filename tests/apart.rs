//! Consumers that share a limit are played by themselves where it is never reached, one poll at once where only the order of
//! polls matters, and step by step where more does: what is counted is the same whichever it is.

mod common;

use common::{at, constant, delays, poisson, poll_policy, pull, push, push_policy, secs, setup};
use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::engine::{Control, Setup, sim};
use pushpull::measure::tally::Tally;
use pushpull::policy::poller::{Jitter, Phase, PollPolicy, Target, Timing};
use pushpull::policy::receiver::FetchPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::time::Span;
use pushpull::workload::Arrivals;

/// What is counted of each client, without how many facts were folded: those who are played together go on until all of them
/// are done.
fn counted(setup: &Setup, plays_together: bool, threads: usize) -> Vec<String> {
    let control = Control { plays_together, ..Control::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    let runs = pool.install(|| sim::run(setup, &control));
    let counted = |mut tally: Tally| {
        tally.transitions = 0;
        format!("{tally:?}")
    };
    runs.into_iter().map(|run| counted(run.tally)).collect()
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let queue = prop_oneof![0u32..5, 5u32..100];
    let limits = (prop::option::weighted(0.8, 1u32..9), queue, prop::option::weighted(0.8, 1u32..9));
    let times = (0.0..0.3f64, prop_oneof![Just(0.0), 0.0..0.2f64], prop_oneof![Just(0.0), 0.0..0.1f64]);
    // Few consumers meet rarely, and then perhaps only when one of them knows all and another does not.
    let consumers = prop_oneof![2u32..6, 2u32..40];
    let every = prop_oneof![1.0..20.0f64, 5.0..60.0f64];
    let shape = (consumers, 0.01..0.5f64, every, 10.0..200.0f64, 0.0..0.3f64, 0.0..0.5f64);
    let jitter = prop_oneof![Just(Jitter::None), Just(Jitter::Exponential), (0.0..1.0f64).prop_map(Jitter::Gap)];
    let chance = (jitter, any::<bool>(), prop_oneof![Just(0.0), 0.0..5.0f64], any::<bool>(), any::<u64>());
    (limits, times, shape, chance).prop_map(|(limits, times, shape, (jitter, varies, overlap, fetches, seed))| {
        let ((workers, queue, concurrency), (way, service, loss)) = (limits, times);
        let (consumers, rate, every, seconds, warmup, drain) = shape;
        let mut webhook = push_policy(delays(&[0.5, 2.0]));
        webhook.dispatch.timeout = secs(3.0);
        webhook.dispatch.concurrency = concurrency;
        webhook.receive.fetch = fetches.then_some(FetchPolicy { timeout: secs(2.0), tries: 2 });
        let poll = |every| PollPolicy { jitter, target: Target::Feed { overlap: secs(overlap) }, ..poll_policy(every) };
        let mut hybrid = pull(poll(2.0 * every));
        hybrid.push = Some(webhook.clone());
        let mut setup = setup(poisson(rate), seconds, way, vec![pull(poll(every)), push(webhook), hybrid]);
        setup.consumers = consumers;
        setup.reseed(Seed::new(seed));
        setup.api.capacity = Capacity { workers, queue };
        let mean = Span::from_secs_f64(service);
        let varying = Distribution::Exponential { mean };
        setup.api.service_time = if varies && !mean.is_zero() { varying } else { Distribution::Constant(mean) };
        (setup.link.request.loss, setup.link.response.loss) = (loss, loss / 2.0);
        setup.frame.warmup = at(warmup * seconds);
        setup.frame.end = setup.frame.duration + secs(drain * seconds);
        setup
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// With limits that bite now and then, and with such as never do.
    #[test]
    fn whoever_never_meets_the_others_may_be_played_alone(mut setup in any_setup()) {
        prop_assert_eq!(counted(&setup, false, 1), counted(&setup, true, 1));
        prop_assert_eq!(counted(&setup, false, 3), counted(&setup, true, 1), "on several threads");
        setup.api.capacity = Capacity { workers: Some(1_000), queue: 0 };
        for push in setup.clients.iter_mut().filter_map(|client| client.push.as_mut()) {
            push.dispatch.concurrency = Some(1_000);
        }
        prop_assert_eq!(counted(&setup, false, 2), counted(&setup, true, 1), "with enough for all");
    }
}

/// Polls that always take as long, and workers for whom they wait.
fn polls_that_wait() -> impl Strategy<Value = Setup> {
    let workers = (1u32..4, prop_oneof![0u32..10, 50u32..100], 0.001..0.3f64, 0.0..0.3f64);
    let jitter = prop_oneof![Just(Jitter::None), Just(Jitter::Exponential), (0.0..1.0f64).prop_map(Jitter::Gap)];
    let phase = prop_oneof![Just(Phase::Random), Just(Phase::Aligned)];
    let timing = prop_oneof![Just(Timing::FixedRate), Just(Timing::FixedDelay)];
    let page = prop_oneof![1u32..5, Just(100)];
    let poll = (1.0..20.0f64, 2.0..60.0f64, page, jitter, phase, timing);
    let shape = (2u32..60, 0.01..0.5f64, 20.0..200.0f64, 0.0..0.3f64, 0.0..80.0f64, any::<u64>());
    (workers, poll, shape).prop_map(|((workers, queue, service, way), poll, shape)| {
        let (every, timeout, page, jitter, phase, timing) = poll;
        let (consumers, rate, seconds, warmup, drain, seed) = shape;
        let poll = PollPolicy { timeout: secs(timeout), page, jitter, phase, timing, ..poll_policy(every) };
        let mut setup = setup(poisson(rate), seconds, way, vec![pull(poll)]);
        setup.consumers = consumers;
        setup.reseed(Seed::new(seed));
        setup.api.capacity = Capacity { workers: Some(workers), queue };
        setup.api.service_time = constant(service);
        setup.frame.warmup = at(warmup * seconds);
        setup.frame.end = setup.frame.duration + secs(drain);
        setup
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn polls_wait_for_workers_in_the_order_in_which_they_left(setup in polls_that_wait()) {
        prop_assert_eq!(counted(&setup, false, 1), counted(&setup, true, 1));
    }
}

#[test]
fn one_who_knows_all_still_keeps_a_worker_from_another() {
    let poll = PollPolicy {
        jitter: Jitter::Exponential,
        timeout: secs(3.995),
        page: 5,
        target: Target::Feed { overlap: secs(2.576) },
        ..poll_policy(15.513997088)
    };
    let [on, off] = [4.032092425, 6.456150851].map(secs);
    let mut setup = setup(Arrivals::Bursts { gap_nanos: 2e8, on, off }, 37.674644921, 0.0, vec![pull(poll)]);
    setup.frame.end = at(82.968081095);
    setup.consumers = 3;
    setup.workload.records = 3;
    setup.link.request.latency = constant(0.774872693);
    setup.link.response.latency = constant(0.313734406);
    setup.api.capacity = Capacity { workers: Some(2), queue: 0 };
    setup.api.service_time = Distribution::Exponential { mean: secs(0.831153929) };
    setup.reseed(Seed::new(12_536_473_357_041_093_895));
    assert_eq!(counted(&setup, false, 1), counted(&setup, true, 1));
}

#[test]
fn a_limit_that_bites_is_felt() {
    // Forty polls at once, one worker, a second each: the last waits for 39 s, however its run was begun.
    let mut poll = poll_policy(100.0);
    poll.phase = Phase::Aligned;
    poll.timeout = secs(60.0);
    let mut setup = setup(poisson(0.01), 99.0, 0.0, vec![pull(poll)]);
    setup.consumers = 40;
    setup.api.capacity = Capacity { workers: Some(1), queue: 100 };
    setup.api.service_time = constant(1.0);
    let tally = sim::run(&setup, &Control::default()).remove(0).tally;
    assert_eq!((tally.provider.queue_max, tally.provider.busy_nanos), (39, 40_000_000_000));
    assert_eq!(counted(&setup, false, 2), counted(&setup, true, 1));
}
