//! How many transitions a second the virtual engine makes, held against a tight loop written by hand for one model.
//!
//! `cargo bench --bench sim` prints a row for each case. The figure is the ratio to the loop, which runs in turns with the
//! engine, so that whatever else the machine does falls on both; by CPU time it is steadier than by the clock. Each run is
//! checked against theory, so that nothing here is fast and wrong. `cargo bench --bench sim -- NAME` runs the cases whose
//! names contain NAME.
//!
//! A limit that is shared is never reached, but for `coupled-tight`, where one worker and eight webhooks at a time are often
//! all that there are.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "sim_support/ideal.rs"]
mod ideal;
#[path = "sim_support/measure.rs"]
mod measure;
#[path = "sim_support/model.rs"]
mod model;

use std::process::Command;

use measure::{Rounds, median, timed};
use model::{Model, totals};
use pushpull::time::Span;

/// How often each case is run, in turns with the loop.
const PAIRS: usize = 5;

/// What is aimed at: for subscribers that share nothing a share of the loop, and for those that share a provider a rate.
const INDEPENDENT: &str = "ratio 0.25, at least 0.12";
const COUPLED: &str = "20 M/CPU s, at least 8";

/// The argument with which this program runs itself to see how much memory a case takes.
const PEAK: &str = "--peak-of";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, subscribers] = arguments.as_slice()
        && flag == PEAK
    {
        return print_peak(subscribers.parse().expect("this program passes a number"));
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|part| name.contains(part));
    println!("{:<22} {:>10} {:>10} {:>10} {:>10}  target", "case", "M/CPU s", "loop", "ratio", "by clock");
    let mut rates = [None; 2];
    for (name, subscribers, seconds) in
        [("independent-1", 1, 8e6), ("independent-1000", 1_000, 8e3), ("independent-100000", 100_000, 2e3)]
    {
        if wanted(name) {
            let rate = against_the_loop(name, (subscribers, seconds), &Model::new(subscribers, seconds), INDEPENDENT);
            match subscribers {
                1_000 => rates[0] = Some(rate),
                100_000 => rates[1] = Some(rate),
                _ => {}
            }
        }
    }
    if let [Some(few), Some(many)] = rates {
        println!("{:<22} {:>10.2} of the rate at 1,000  0.85", "at 100,000", many / few);
    }
    let service = Span::from_millis(1);
    for (name, limits, service) in [
        ("coupled-1000", [1_000, 1_000], Span::ZERO),
        ("coupled-busy-1000", [1_000, 1_000], service),
        ("coupled-tight-1000", [1, 8], service),
    ] {
        if wanted(name) {
            let seconds = 4e3;
            against_the_loop(name, (1_000, seconds), &Model::coupled(1_000, seconds, limits, service), COUPLED);
        }
    }
    if wanted("threads") {
        threads();
    }
    for (name, subscribers, target) in [("peak-1000", 1_000u32, 16), ("peak-100000", 100_000, 64)] {
        if wanted(name) {
            println!("{name:<22} {:>10.1} MiB at most  {target}", peak_of(subscribers));
        }
    }
}

fn alone<T: Send>(threads: usize, what: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started").install(what)
}

/// Plays a case in turns with the loop, prints its row, and gives back its rate.
fn against_the_loop(name: &str, (subscribers, seconds): (u32, f64), model: &Model, target: &str) -> f64 {
    let horizon = (seconds * 1e9) as u64;
    let is_delayed = !model.pull.api.service_time.is_zero();
    let rounds = Rounds::run(
        PAIRS,
        || {
            let totals = ideal::ideal_merge(subscribers, horizon);
            totals.check(subscribers, seconds);
            totals.transitions()
        },
        || {
            let totals = alone(1, || totals(&model.play()));
            if !is_delayed {
                totals.check(subscribers, seconds);
            }
            totals.transitions()
        },
    );
    let [cpu, wall] = rounds.ratios();
    println!("{name:<22} {:>10.2} {:>10.1} {cpu:>10.4} {wall:>10.4}  {target}", rounds.rate(), rounds.mark());
    rounds.rate()
}

/// Two threads against one: how much faster, and that both count the same. Where others take their share of the cores, the
/// CPU time tells how much faster two whole cores would be.
fn threads() {
    let model = Model::new(1_000, 16e3);
    let (mut by_cpu, mut by_clock) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let [one, two] = [1, 2].map(|threads| timed(|| alone(threads, || model.play())));
        assert_eq!(format!("{:?}", one.1), format!("{:?}", two.1), "threads change nothing");
        by_cpu.push(2.0 * one.0.cpu / two.0.cpu);
        by_clock.push(one.0.wall / two.0.wall);
    }
    let (cpu, clock) = (median(by_cpu), median(by_clock));
    println!("{:<22} {cpu:>10.2} times as fast as one by CPU time, {clock:.2} by the clock  1.8", "threads-2");
}

/// The peak memory of a process that plays so many subscribers, in MiB.
fn peak_of(subscribers: u32) -> f64 {
    let program = std::env::current_exe().expect("this program has a file");
    let output = Command::new(program).args([PEAK, &subscribers.to_string()]).output().expect("it can be run");
    let kib: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints a number");
    kib / 1024.0
}

fn print_peak(subscribers: u32) {
    let model = Model::new(subscribers, 100.0);
    assert!(alone(2, || totals(&model.play())).polls > 0);
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells of every process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it tells the peak");
    println!("{}", peak.trim().trim_end_matches(" kB"));
}
