//! Webhooks at a rate that the machine can keep up with: how late they leave, and how late they come.

use pushpull::engine::{Control, live};
use pushpull::policy::retry::RetryPolicy;
use rustix::time::{ClockId, clock_gettime};

use crate::common::{at, poisson, push, push_policy, secs, setup, summaries};

/// Webhooks a second, and for how many seconds. The second row is the one with targets.
const LOADS: [(f64, f64); 4] = [(1_000.0, 5.0), (5_000.0, 30.0), (10_000.0, 5.0), (20_000.0, 5.0)];

pub(crate) fn run() {
    println!("paced: how late events leave (target at 5,000/s: p50 1 us, p99 60 us) and how late they come");
    println!(
        "  {:>8} {:>12} {:>10} {:>10} {:>10} {:>12} {:>12} {:>8}",
        "wanted/s", "achieved/s", "lag p50", "lag p99", "lag max", "latency p50", "latency p99", "CPU"
    );
    for (rate, seconds) in LOADS {
        let mut webhook = push_policy(RetryPolicy::never());
        webhook.dispatch.concurrency = Some(64);
        let mut setup = setup(poisson(rate), 0.5 + seconds, 0.0, vec![push(webhook)]);
        setup.frame.warmup = at(0.5);
        setup.frame.end = setup.frame.duration + secs(10.0);
        let before = spent();
        let run = live::run(&setup, &live::Options::default(), &Control::default()).expect("nothing hinders it");
        let spent = (spent() - before) / (0.5 + seconds);
        let lag = run.lag;
        let summary = summaries(&setup, run.clients).remove(0);
        assert_eq!(summary.delivered, summary.events, "nothing may be lost");
        let micros = |ms: Option<f64>| ms.map_or_else(String::new, |ms| format!("{:.1} us", ms * 1e3));
        let of = |span: pushpull::time::Span| micros(Some(span.as_millis_f64()));
        println!(
            "  {rate:>8} {:>12.1} {:>10} {:>10} {:>10} {:>12} {:>12} {:>6.0} %",
            summary.requests() as f64 / summary.measured_s,
            of(lag.p50),
            of(lag.p99),
            of(lag.max),
            micros(summary.latency_p50_ms),
            micros(summary.latency_p99_ms),
            spent * 100.0,
        );
    }
}

/// The processor time of this process so far, in seconds.
fn spent() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
