//! As fast as it goes: the engine against the bare library, in pairs that follow each other.
//!
//! Both sides of a pair have a thread for each end, as many kept connections, the same client and the same bytes in every
//! exchange. The bare side makes its messages once and copies them; the engine makes each, asks the policies of both sides,
//! paces, writes down every fact at both ends, and tells when the run is over.
//!
//! Polls: each of the consumers asks again a microsecond after an answer, which is as soon as the engine can, over the one
//! connection that it has. Webhooks: events occur as often as the bare side gets requests done, and the dispatcher has as
//! many under way as there are connections. A rate far above that would measure how fast a queue grows.
//!
//! Counted are exchanges within a stretch after a warm-up, and the processor time of the two threads meanwhile; the engine's
//! without what its pacer spends on watching the clock while there is nothing else to do. On a machine that others use too,
//! the ratio of processor times is the steadier figure. What is written down is folded into figures after the run, on
//! another thread; that is shown by itself and is in neither ratio. A run ends when the last webhook has been answered: one
//! that was cut off under way would count as failed.

use std::time::Duration;

use pushpull::engine::{Control, Setup, live};
use pushpull::peer::{Advice, Authenticity, Batch, Event, Exchange, Request, Response, Side, Tag};
use pushpull::policy::poller::{PollPolicy, Timing};
use pushpull::policy::retry::RetryPolicy;
use pushpull::policy::signature::{Keys, Scheme};
use pushpull::time::{Span, Time};
use pushpull::wire::{Envelope, Wire};
use rustix::time::{ClockId, clock_gettime};

use crate::bare::{self, Sample, Script};
use crate::common::{at, poisson, poll_policy, pull, push, push_policy, secs, setup, summaries};

/// Connections at the same time, and consumers.
const CONNECTIONS: u32 = 64;
/// Pairs of runs; the median of their ratios is the figure.
const PAIRS: usize = 9;
const WARMUP: Duration = Duration::from_millis(500);
const END: Duration = Duration::from_millis(2_500);
/// Events a second of each consumer that polls, so that some polls bring something.
const CHANGES: f64 = 0.1;

/// Polls against a bare GET.
pub(crate) fn polls() {
    let policy = PollPolicy {
        timing: Timing::FixedDelay,
        timeout: secs(10.0),
        ..poll_policy(Span::from_micros(1).as_secs_f64())
    };
    let setup = closed(CHANGES, vec![pull(policy)]);
    let poll = Request::Poll { after: 0, limit: 100, poll: 0, page: 0, hold: Span::ZERO, tag: None };
    let page = Response::Page { events: Batch::new(), has_more: false, tag: Tag(0), advice: Advice::default() };
    compare("polls", 0.85, &script(Side::Consumer, &poll, &page), |_| setup.clone());
}

/// Signed webhooks against a bare POST.
pub(crate) fn webhooks() {
    let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 1_000, record: 10, payload: 1_024 };
    let events = Batch::from_slice(&[event]);
    let delivery = Request::Delivery { events, attempt: 1, authenticity: Authenticity::Accepted };
    compare("webhooks", 0.8, &script(Side::Provider, &delivery, &Response::Accepted), |rate| {
        let mut webhook = push_policy(RetryPolicy::never());
        webhook.dispatch.concurrency = Some(CONNECTIONS);
        closed(rate / f64::from(CONNECTIONS), vec![push(webhook)])
    });
}

/// A run with so many events a second for each consumer.
fn closed(rate: f64, clients: Vec<pushpull::engine::ClientSetup>) -> Setup {
    let mut setup = setup(poisson(rate), END.as_secs_f64(), 0.0, clients);
    setup.consumers = CONNECTIONS;
    setup.frame.warmup = at(WARMUP.as_secs_f64());
    setup.frame.end = setup.frame.duration + secs(20.0);
    setup
}

/// The bytes of an exchange as the engine sends them.
fn script(opener: Side, request: &Request, response: &Response) -> Script {
    let keys = Keys::generate(Scheme::StandardWebhooks, [7; 32]);
    let wire = Wire::new(0, Envelope::PLAIN, keys, 1_763_000_000_000_000_000);
    let exchange = Exchange { opener, consumer: 0, serial: 10_000 };
    Script { request: wire.request(exchange, request, Time::ZERO), response: wire.response(response) }
}

fn compare(what: &str, target: f64, script: &Script, setup: impl Fn(f64) -> Setup) {
    let bytes = [script.request.size(), script.response.size()];
    println!("{what}: {} bytes there, {} back, {CONNECTIONS} connections", bytes[0], bytes[1]);
    println!(
        "  {:>12} {:>12} {:>8} {:>12} {:>12} {:>12}",
        "bare/s", "engine/s", "ratio", "bare CPU", "engine CPU", "fold"
    );
    let mut ratios = Vec::new();
    for _ in 0..PAIRS {
        let bare = bare::run(script, CONNECTIONS as usize, WARMUP, END);
        let (own, fold) = engine(&setup(bare.per_second));
        ratios.push([own.per_second / bare.per_second, own.cpu_micros / bare.cpu_micros]);
        println!(
            "  {:>12.0} {:>12.0} {:>8.3} {:>9.2} us {:>9.2} us {:>9.2} us",
            bare.per_second,
            own.per_second,
            own.per_second / bare.per_second,
            bare.cpu_micros,
            own.cpu_micros,
            fold
        );
    }
    let median = |which: usize| {
        let mut values: Vec<f64> = ratios.iter().map(|ratio| ratio[which]).collect();
        values.sort_by(f64::total_cmp);
        (values[0], values[PAIRS / 2], values[PAIRS - 1])
    };
    let (least, middle, most) = median(0);
    println!("{what}: {middle:.3} of bare ({least:.3} to {most:.3}, target {target})");
    let (least, middle, most) = median(1);
    println!("{what}: {middle:.3} times the processor time of bare ({least:.3} to {most:.3})\n");
}

/// One run of the engine, and what it took afterwards to fold what was written down, in microseconds an exchange.
fn engine(setup: &Setup) -> (Sample, f64) {
    let before = spent();
    let run = live::run(setup, &live::Options::default(), &Control::default()).expect("nothing hinders it");
    // This thread only waits for the others, and then folds what they have written down.
    let fold = spent() - before;
    let cpu = run.clients[0].cpu.expect("this engine knows it");
    let summary = summaries(setup, run.clients).remove(0);
    let counted = summary.requests() as f64;
    assert_eq!(summary.outcomes.failed, 0, "no exchange may fail");
    let sample =
        Sample { per_second: counted / summary.measured_s, cpu_micros: (cpu.provider + cpu.consumer) * 1e6 / counted };
    let all = sample.per_second * setup.frame.duration.since(Time::ZERO).as_secs_f64();
    (sample, fold * 1e6 / all)
}

/// The processor time of this thread so far, in seconds.
fn spent() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
