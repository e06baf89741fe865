//! Consumers that share a limit are played by themselves where it is never reached, and together where it is: what is counted
//! is the same either way.

mod common;

use common::{at, constant, delays, poisson, poll_policy, pull, push, push_policy, secs, setup};
use proptest::prelude::*;
use pushpull::engine::{Control, Setup, sim};
use pushpull::measure::tally::Tally;
use pushpull::policy::receiver::FetchPolicy;
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;

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
    let limits = (prop::option::weighted(0.8, 1u32..9), 0u32..5, prop::option::weighted(0.8, 1u32..9));
    let times = (0.0..0.3f64, prop_oneof![Just(0.0), 0.0..0.2f64], 0.0..0.1f64);
    let shape = (2u32..40, 0.01..0.5f64, 1.0..20.0f64, 20.0..200.0f64, 0.0..0.3f64, 0.0..0.3f64);
    (limits, times, shape, any::<bool>(), any::<u64>()).prop_map(|(limits, times, shape, fetches, seed)| {
        let ((workers, queue, concurrency), (way, service, loss)) = (limits, times);
        let (consumers, rate, every, seconds, warmup, drain) = shape;
        let mut webhook = push_policy(delays(&[0.5, 2.0]));
        webhook.dispatch.timeout = secs(3.0);
        webhook.dispatch.concurrency = concurrency;
        webhook.receive.fetch = fetches.then_some(FetchPolicy { timeout: secs(2.0), tries: 2 });
        let mut hybrid = pull(poll_policy(2.0 * every));
        hybrid.push = Some(webhook.clone());
        let mut setup = setup(poisson(rate), seconds, way, vec![pull(poll_policy(every)), push(webhook), hybrid]);
        setup.consumers = consumers;
        setup.reseed(Seed::new(seed));
        setup.api.capacity = Capacity { workers, queue };
        setup.api.service_time = constant(service);
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

#[test]
fn a_limit_that_bites_is_felt() {
    // Forty polls at once, one worker, a second each: the last waits for 39 s, however its run was begun.
    let mut poll = poll_policy(100.0);
    poll.phase = pushpull::policy::poller::Phase::Aligned;
    poll.timeout = secs(60.0);
    let mut setup = setup(poisson(0.01), 99.0, 0.0, vec![pull(poll)]);
    setup.consumers = 40;
    setup.api.capacity = Capacity { workers: Some(1), queue: 100 };
    setup.api.service_time = constant(1.0);
    let tally = sim::run(&setup, &Control::default()).remove(0).tally;
    assert_eq!((tally.provider.queue_max, tally.provider.busy_nanos), (39, 40_000_000_000));
    assert_eq!(counted(&setup, false, 2), counted(&setup, true, 1));
}
