//! How far a sweep is, on standard error where that is a terminal: a bar for all of it, and one for each worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::human;
use crate::sweep::plan::Plan;
use crate::sweep::play::Crew;

/// Between two looks at the sweep.
const TICK: Duration = Duration::from_millis(100);
/// The most workers that have a bar each; what more there are is seen in the bar for all.
const BARS_MAX: usize = 16;
/// The steps of a bar.
const STEPS: u64 = 10_000;
/// Before so much of the sweep is done, and so much time has passed, nothing is said of what is to come.
const SHARE_MIN: f64 = 0.01;
const TIME_MIN: Duration = Duration::from_secs(2);

/// Shows how far a sweep is until it is dropped.
pub(super) struct SweepProgress {
    bars: MultiProgress,
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What is left to do in this call: a sweep that goes on has some of it behind it.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// How many units.
    pub(super) units: u64,
    /// What they take in seconds, by the estimate.
    pub(super) seconds: f64,
}

impl SweepProgress {
    /// Starts to show a sweep.
    pub(super) fn start(plan: &Arc<Plan>, crew: &Arc<Crew>, load: Load, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bars = MultiProgress::with_draw_target(target);
        let done = Arc::new(AtomicBool::new(false));
        let thread = (!bars.is_hidden()).then(|| {
            let (plan, crew, bars, done) = (Arc::clone(plan), Arc::clone(crew), bars.clone(), Arc::clone(&done));
            std::thread::spawn(move || show(&plan, &crew, load, &bars, &done))
        });
        Self { bars, done, thread }
    }
}

impl Drop for SweepProgress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
        let _ = self.bars.clear();
    }
}

/// Shows how many runs were played to look for crossovers, until it is dropped.
pub(super) struct LookingProgress {
    bar: ProgressBar,
    /// How many there are about, at most.
    expected: Option<f64>,
    played: AtomicU64,
}

impl LookingProgress {
    /// Starts to show it.
    pub(super) fn start(expected: Option<f64>, quiet: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        let progress = Self { bar, expected, played: AtomicU64::new(0) };
        if !progress.bar.is_hidden() {
            progress.bar.set_message(looking(0, expected));
            progress.bar.enable_steady_tick(TICK);
        }
        progress
    }

    /// One more run was played.
    pub(super) fn played(&self) {
        let played = self.played.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.bar.is_hidden() {
            self.bar.set_message(looking(played, self.expected));
        }
    }
}

impl Drop for LookingProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn looking(played: u64, expected: Option<f64>) -> String {
    let of = expected.map_or_else(String::new, |runs| format!(" of up to about {}", human::number(libm::ceil(runs))));
    format!("looking for crossovers between the points: {}{of} runs", human::count(played))
}

fn show(plan: &Plan, crew: &Crew, load: Load, bars: &MultiProgress, done: &AtomicBool) {
    let style =
        |template: &str| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let all = bars.add(ProgressBar::new(STEPS).with_style(style("{msg} {wide_bar} {percent:>3} % {prefix}")));
    let shown = crew.workers.iter().take(BARS_MAX);
    let workers: Vec<_> = shown
        .map(|worker| (worker, bars.add(ProgressBar::new(STEPS).with_style(style("  {bar:20} {wide_msg}")))))
        .collect();
    let started = now();
    while !done.load(Ordering::Relaxed) {
        let (units, seconds) = crew.done(plan);
        let share = (seconds / load.seconds.max(1e-9)).clamp(0.0, 1.0);
        let left = plan.header.count_of_units(load.units);
        all.set_message(format!("{} of {left}", human::count(units)));
        all.set_prefix(to_go(started.elapsed(), share).unwrap_or_default());
        all.set_position(libm::floor(share * STEPS as f64) as u64);
        for (worker, bar) in &workers {
            let (name, share) = match worker.unit() {
                Some((unit, share)) => (plan.header.name_of(plan.header.place(unit).0), share),
                None => (String::new(), 0.0),
            };
            bar.set_message(name);
            bar.set_position(libm::floor(share * STEPS as f64) as u64);
        }
        std::thread::park_timeout(TICK);
    }
}

/// How long the rest takes if it goes on as it has gone so far; nothing while that cannot be said.
fn to_go(elapsed: Duration, share: f64) -> Option<String> {
    if share < SHARE_MIN || elapsed < TIME_MIN {
        return None;
    }
    let seconds = elapsed.as_secs_f64() * (1.0 - share) / share;
    Some(format!("{} to go", human::duration_secs(seconds)))
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a sweep goes on is told to the user; it is no part of any result"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_many_runs_crossovers_take() {
        assert_eq!(
            looking(1_234, Some(2_000.0)),
            "looking for crossovers between the points: 1,234 of up to about 2,000 runs"
        );
        assert_eq!(looking(3, None), "looking for crossovers between the points: 3 runs");
    }

    #[test]
    fn the_time_to_go_is_that_of_what_is_left() {
        assert_eq!(to_go(Duration::from_secs(30), 0.25).as_deref(), Some("90 s to go"));
        assert_eq!(to_go(Duration::from_secs(30), 0.001), None, "too little is done");
        assert_eq!(to_go(Duration::from_millis(100), 0.5), None, "too little time has passed");
    }
}
