//! Plays the units of a plan on every core.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::engine::Control;
use crate::evaluation::outcome::Outcome;
use crate::report::files::WriteError;
use crate::scenario::EngineChoice;
use crate::sweep::plan::Plan;
use crate::sweep::unit::{self, UnitError};
use crate::sweep::units::Journal;

/// Why a sweep ended before its last unit, other than that somebody stopped it.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A unit came to nothing.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// A unit cannot be written down.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(String),
}

/// Who plays, how far they are, and whether they should stop.
#[derive(Debug)]
pub struct Crew {
    /// One for each thread that plays units.
    pub workers: Vec<Worker>,
    stop: AtomicBool,
    /// Microseconds, by the estimate, that the units took which are done.
    done: AtomicU64,
    /// How many units are done.
    units: AtomicU64,
}

/// One who plays a unit after the other.
#[derive(Debug, Default)]
pub struct Worker {
    /// How far the unit is.
    pub control: Control,
    /// The number of the unit and one; 0 while there is none.
    unit: AtomicU64,
    /// Nanoseconds that the unit amounts to, over all its parts.
    total: AtomicU64,
}

impl Worker {
    /// The unit that is being played, and how much of it is done, from 0 to 1.
    pub fn unit(&self) -> Option<(u64, f64)> {
        let unit = self.unit.load(Ordering::Relaxed).checked_sub(1)?;
        let total = self.total.load(Ordering::Relaxed).max(1);
        let done = self.control.done.load(Ordering::Relaxed);
        Some((unit, (done as f64 / total as f64).min(1.0)))
    }
}

impl Crew {
    /// As many workers as there are threads; one for the live engine, which measures the machine that it runs on.
    pub fn new(engine: EngineChoice, threads: usize) -> Self {
        let workers = if engine.is_live() { 1 } else { threads.max(1) };
        Self {
            workers: (0..workers).map(|_| Worker::default()).collect(),
            stop: AtomicBool::default(),
            done: AtomicU64::default(),
            units: AtomicU64::default(),
        }
    }

    /// Asks everybody to stop. Units under way are given up.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.workers.iter().for_each(|worker| worker.control.stop());
    }

    /// Whether somebody asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How many units are done, and the seconds that they were estimated at, those under way included in part.
    pub fn done(&self, plan: &Plan) -> (u64, f64) {
        let under_way =
            self.workers.iter().filter_map(Worker::unit).map(|(unit, share)| share * plan.cost(unit).seconds);
        let done = self.done.load(Ordering::Relaxed) as f64 / 1e6;
        (self.units.load(Ordering::Relaxed), done + under_way.sum::<f64>())
    }
}

/// Plays units in their order, each as soon as somebody has time for it, and writes each down when it is done. `look` sees
/// every report before it is gone.
///
/// # Errors
///
/// The first thing that went wrong; what was written down before is there.
pub fn play(
    plan: &Plan,
    units: impl Iterator<Item = u64> + Send,
    crew: &Crew,
    threads: usize,
    journal: &Journal,
    look: &(dyn Fn(&unit::Watched<'_>) + Sync),
) -> Result<(), PlayError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| PlayError::Threads(error.to_string()))?;
    let queue = Mutex::new(units);
    let failed = Mutex::new(None);
    let work = |worker: &Worker| {
        while !crew.is_stopped() {
            // A lock is poisoned by a panic alone, which ends the program.
            let Some(unit) = queue.lock().ok().and_then(|mut units| units.next()) else { break };
            if let Err(error) = play_one(plan, unit, worker, crew, journal, look) {
                crew.stop();
                if let Ok(mut failed) = failed.lock() {
                    failed.get_or_insert(error);
                }
            }
            worker.unit.store(0, Ordering::Relaxed);
        }
    };
    match crew.workers.as_slice() {
        [worker] => pool.install(|| work(worker)),
        // Each thread takes units of its own; one that finds none left helps with the parts of those under way.
        workers => drop(pool.broadcast(|thread| workers.get(thread.index()).map(work))),
    }
    failed.into_inner().ok().flatten().map_or(Ok(()), Err)
}

fn play_one(
    plan: &Plan,
    unit: u64,
    worker: &Worker,
    crew: &Crew,
    journal: &Journal,
    look: &(dyn Fn(&unit::Watched<'_>) + Sync),
) -> Result<(), PlayError> {
    let scenario = plan.scenario(unit).map_err(|problems| UnitError::Scenario(Box::new(problems)))?;
    let setup = &scenario.setup;
    let parts = (setup.clients.len() as u64).saturating_mul(setup.consumers.into());
    let engines = if scenario.engine == EngineChoice::Both { 2 } else { 1 };
    let total = parts.saturating_mul(setup.frame.duration.as_nanos()).saturating_mul(engines);
    worker.control.done.store(0, Ordering::Relaxed);
    worker.total.store(total, Ordering::Relaxed);
    worker.unit.store(unit + 1, Ordering::Relaxed);
    let report = unit::report(&scenario, &worker.control)?;
    // Half a run would not be the run that the unit is.
    if report.partial || worker.control.is_stopped() {
        return Ok(());
    }
    look(&unit::Watched { scenario: &scenario, report: &report });
    journal.write(unit, &[Outcome::of(&report)])?;
    crew.done.fetch_add((plan.cost(unit).seconds * 1e6) as u64, Ordering::Relaxed);
    crew.units.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
