//! How many exchanges a second the live engine sustains with full bookkeeping, and how well it keeps its schedule.
//!
//! `cargo bench --bench live` prints a row for each rate; it asserts only that nothing was lost.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{poisson, poll_policy, pull, push, push_policy, secs, setup, summaries};
use pushpull::engine::{Control, live};
use pushpull::policy::poller::PollPolicy;
use pushpull::policy::retry::RetryPolicy;

fn main() {
    println!(
        "{:>10}  {:<10} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "events/s", "client", "exchanges/s", "lag p50", "lag p99", "late p50", "late p99"
    );
    for (rate, seconds) in [(1_000.0, 3.0), (5_000.0, 10.0), (10_000.0, 3.0), (20_000.0, 3.0)] {
        let mut webhook = push_policy(RetryPolicy::never());
        webhook.dispatch.concurrency = Some(64);
        let poller = PollPolicy { page: 10_000, timeout: secs(10.0), ..poll_policy(0.01) };
        let mut setup = setup(poisson(rate), 0.5 + seconds, 0.0, vec![pull(poller), push(webhook)]);
        setup.api.page = 10_000;
        setup.frame.warmup = common::at(0.5);
        setup.frame.end = setup.frame.duration + secs(10.0);
        let run = live::run(&setup, &live::Options::default(), &Control::default()).expect("nothing hinders it");
        let lag = run.lag;
        for summary in summaries(&setup, run.clients) {
            assert_eq!(summary.delivered, summary.events, "nothing may be lost");
            let micros = |ms: Option<f64>| ms.map_or_else(String::new, |ms| format!("{:.0} us", ms * 1e3));
            println!(
                "{rate:>10}  {:<10} {:>12.0} {:>12} {:>12} {:>12} {:>12}",
                summary.terms.client,
                summary.requests() as f64 / summary.measured_s,
                micros(Some(lag.p50.as_millis_f64())),
                micros(Some(lag.p99.as_millis_f64())),
                micros(summary.latency_p50_ms),
                micros(summary.latency_p99_ms),
            );
        }
    }
}
