//! How fast `sim` leaps over polls that find nothing.
//!
//! `cargo bench --bench leap` holds it against a loop written by hand that goes from poll to poll and does nothing else, at
//! 0.001 events a second and one poll a second: both run in turns, and the ratio within each pair is the figure. Then it
//! halves the interval, which should cost nothing, and plays a day of a million consumers that poll once a minute. Beside
//! the wall clock stands the CPU time, which other programs disturb less.
#![allow(clippy::disallowed_methods, reason = "how long a run takes is what a benchmark is for")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{at, poisson, poll_policy, pull, secs, setup, summaries};
use hdrhistogram::Histogram;
use pushpull::engine::{Control, Setup, sim};
use pushpull::seed::{Purpose, Seed};
use pushpull::time::SECOND;

/// Pairs of runs; odd, so that there is a median.
const PAIRS: usize = 9;
const CONSUMERS: u32 = 100;
const EVENTS_PER_SECOND: f64 = 0.001;
const LATENCY: f64 = 0.02;
const SECONDS: f64 = 1e6;

fn main() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    one.install(against_the_tight_loop);
    one.install(intervals);
    day_of_a_million();
}

/// How long something took, by the clock on the wall and in the time of all processors.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

fn timed<T>(what: impl FnOnce() -> T) -> (T, Took) {
    let cpu = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
    };
    let (wall, before) = (Instant::now(), cpu());
    let result = black_box(what());
    (result, Took { wall: wall.elapsed(), cpu: cpu().saturating_sub(before) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn scenario(every: f64, consumers: u32, seconds: f64) -> Setup {
    let mut setup = setup(poisson(EVENTS_PER_SECOND), seconds, LATENCY, vec![pull(poll_policy(every))]);
    setup.consumers = consumers;
    setup
}

/// Runs a setup and gives back its polls, its events, and how many transitions it counted.
fn simulate(setup: &Setup) -> (u64, u64, u64) {
    let run = sim::run(setup, &Control::default()).remove(0);
    (run.tally.polls, run.tally.events, run.tally.transitions)
}

/// The same polls and events, one consumer after the other and one poll after the other, and nothing more: the events of a
/// generator, the latency of each in a histogram, polls and empty polls as numbers.
fn tight_loop(every: f64, consumers: u32, seconds: f64) -> (u64, u64, u64) {
    let nanos = |seconds: f64| (seconds * SECOND as f64) as u64;
    let (every, latency, end) = (nanos(every), nanos(LATENCY), nanos(seconds));
    let mean = SECOND as f64 / EVENTS_PER_SECOND;
    let mut latencies = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).expect("these bounds are valid");
    let (mut polls, mut empty, mut events) = (0u64, 0u64, 0u64);
    for consumer in 0..consumers {
        let mut state = u64::from(consumer).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // SplitMix64: a generator of one addition and two multiplications.
        let mut gap = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            (mean * -libm::log(((z >> 12) as f64 + 0.5) / (1u64 << 52) as f64)) as u64
        };
        let mut event = gap();
        let mut leaves = Seed::new(7).draw(Purpose::PollPhase, [consumer.into(), 0, 0]).below(every);
        while leaves < end {
            let served = leaves + latency;
            polls += 1;
            if event > served || event >= end {
                empty += 1;
            } else {
                while event <= served && event < end {
                    events += 1;
                    latencies.saturating_record((served + latency - event) / 1_000);
                    event += gap();
                }
            }
            leaves += every;
        }
    }
    black_box((empty, latencies.mean()));
    (polls, events, 2 * polls + events)
}

fn against_the_tight_loop() {
    println!("{CONSUMERS} consumers, 0.001 events/s each, a poll a second, {SECONDS:.0} s; pairs in turns, one thread");
    let every = 1.0;
    let setup = scenario(every, CONSUMERS, SECONDS);
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (tight, loop_took) = timed(|| tight_loop(every, CONSUMERS, SECONDS));
        let (leaping, leap_took) = timed(|| simulate(&setup));
        // Events are drawn differently, but polls are the same to the last one.
        assert_eq!(tight.0, leaping.0, "polls");
        let rate = |count: u64, took: Duration| count as f64 / took.as_secs_f64();
        println!(
            "  loop {:.2} G polls/s   sim {:.2} G polls/s, {:.0} M transitions/s, {:.0} ns an event   ratio {:.2} (CPU {:.2})",
            rate(tight.0, loop_took.cpu) / 1e9,
            rate(leaping.0, leap_took.cpu) / 1e9,
            rate(leaping.2, leap_took.cpu) / 1e6,
            leap_took.cpu.as_nanos() as f64 / leaping.1 as f64,
            loop_took.wall.as_secs_f64() / leap_took.wall.as_secs_f64(),
            loop_took.cpu.as_secs_f64() / leap_took.cpu.as_secs_f64(),
        );
        wall.push(loop_took.wall.as_secs_f64() / leap_took.wall.as_secs_f64());
        cpu.push(loop_took.cpu.as_secs_f64() / leap_took.cpu.as_secs_f64());
    }
    println!(
        "leap: {:.2} times the tight loop (median of wall), {:.2} by CPU time; target 10",
        median(wall),
        median(cpu)
    );
}

fn intervals() {
    let every = [1.0, 0.5, 0.1];
    let setups = every.map(|every| scenario(every, CONSUMERS, SECONDS));
    let mut ratios = [const { Vec::new() }; 3];
    for _ in 0..PAIRS {
        let took = setups.each_ref().map(|setup| timed(|| simulate(setup)).1);
        for (ratios, this) in ratios.iter_mut().zip(took) {
            let ratio = |of: fn(Took) -> Duration| of(this).as_secs_f64() / of(took[0]).as_secs_f64();
            ratios.push((ratio(|took| took.wall), ratio(|took| took.cpu)));
        }
    }
    for (every, ratios) in every.into_iter().zip(ratios) {
        let (wall, cpu): (Vec<f64>, Vec<f64>) = ratios.into_iter().unzip();
        println!(
            "a poll every {every} s: {:.2} times as long as every second, {:.2} by CPU time; target 0.9 to 1.1",
            median(wall),
            median(cpu)
        );
    }
}

fn day_of_a_million() {
    let mut setup = scenario(60.0, 1_000_000, 86_400.0);
    setup.frame.end = at(86_400.0) + secs(600.0);
    let (runs, took) = timed(|| sim::run(&setup, &Control::default()));
    let transitions = runs[0].tally.transitions;
    let summary = summaries(&setup, runs).remove(0);
    println!(
        "a day of 1,000,000 consumers, a poll a minute: {:.2} G polls, {:.1} M events, {:.2} G transitions in {:.1} s ({:.1} s CPU; target 60 s), {} MiB at most",
        summary.polls as f64 / 1e9,
        summary.events as f64 / 1e6,
        transitions as f64 / 1e9,
        took.wall.as_secs_f64(),
        took.cpu.as_secs_f64(),
        peak_memory().map_or_else(|| "?".to_owned(), |kib| (kib / 1_024).to_string()),
    );
}

/// The most memory that this process has held so far, in KiB, as Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}
