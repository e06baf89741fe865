//! Plays the units of a plan on every core.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::engine::Control;
use crate::evaluation::outcome::Outcome;
use crate::evaluation::pilot::{self, Settled, WarmUp};
use crate::evaluation::play;
use crate::evaluation::stopping::Rule;
use crate::report::files::WriteError;
use crate::scenario::{EngineChoice, Scenario};
use crate::sweep::plan::Plan;
use crate::sweep::unit::{self, UnitError, Watched};
use crate::sweep::units::Journal;

/// The warm-ups of so many points are kept: units are taken in their order, so that more are never needed at a time.
const WARM_UPS: usize = 4_096;

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
    look: &(dyn Fn(&Watched<'_>) + Sync),
) -> Result<(), PlayError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| PlayError::Threads(error.to_string()))?;
    let work = Work { plan, crew, journal, look, warm_ups: Mutex::default() };
    let queue = Mutex::new(units);
    let failed = Mutex::new(None);
    let play_units = |worker: &Worker| {
        while !crew.is_stopped() {
            // A lock is poisoned by a panic alone, which ends the program.
            let Some(unit) = queue.lock().ok().and_then(|mut units| units.next()) else { break };
            if let Err(error) = work.play(unit, worker) {
                crew.stop();
                if let Ok(mut failed) = failed.lock() {
                    failed.get_or_insert(error);
                }
            }
            worker.unit.store(0, Ordering::Relaxed);
        }
    };
    match crew.workers.as_slice() {
        [worker] => pool.install(|| play_units(worker)),
        // Each thread takes units of its own; one that finds none left helps with the parts of those under way.
        workers => drop(pool.broadcast(|thread| workers.get(thread.index()).map(play_units))),
    }
    failed.into_inner().ok().flatten().map_or(Ok(()), Err)
}

/// The warm-up of a point, once it is known.
type Found = Arc<Mutex<Option<WarmUp>>>;

/// What whoever plays a unit needs.
struct Work<'a> {
    plan: &'a Plan,
    crew: &'a Crew,
    journal: &'a Journal,
    look: &'a (dyn Fn(&Watched<'_>) + Sync),
    /// The warm-ups that were found of late, by the numbers of their points.
    warm_ups: Mutex<BTreeMap<u64, Found>>,
}

impl Work<'_> {
    fn play(&self, unit: u64, worker: &Worker) -> Result<(), PlayError> {
        let header = &self.plan.header;
        let (point, replication) = header.place(unit);
        let first = self.plan.scenario(point).map_err(UnitError::from)?;
        worker
            .total
            .store(play::extent_of_all(&first).saturating_mul(header.least_of_unit().into()), Ordering::Relaxed);
        worker.unit.store(unit + 1, Ordering::Relaxed);
        let settled = self.settle(point, first, &worker.control)?;
        worker.control.done.store(0, Ordering::Relaxed);
        let Some(settled) = settled else { return Ok(()) };
        let outcomes = match header.rule() {
            None => self.replication(point, &settled, replication, worker)?.map(|outcome| vec![outcome]),
            Some(rule) => self.until(rule, point, &settled, worker)?,
        };
        // What was stopped would not be what the unit is.
        let Some(outcomes) = outcomes else { return Ok(()) };
        self.journal.write(unit, &outcomes)?;
        self.crew.done.fetch_add((self.plan.cost(unit).seconds * 1e6) as u64, Ordering::Relaxed);
        self.crew.units.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Finds the warm-up of a point if its scenario asks for that; none if the pilot run was stopped. Whoever plays another
    /// unit of the same point waits for it.
    fn settle(&self, point: u64, scenario: Scenario, control: &Control) -> Result<Option<Settled>, PlayError> {
        if !scenario.seeks_warmup {
            return Ok(Some(Settled { scenario, found: None }));
        }
        let found = {
            // A lock is poisoned by a panic alone, which ends the program.
            let Ok(mut warm_ups) = self.warm_ups.lock() else { return Ok(None) };
            let found = Arc::clone(warm_ups.entry(point).or_default());
            while warm_ups.len() > WARM_UPS {
                warm_ups.pop_first();
            }
            found
        };
        let Ok(mut found) = found.lock() else { return Ok(None) };
        if found.is_none() {
            *found = pilot::warm_up(&scenario, control).map_err(|error| UnitError::Run(error.into()))?;
        }
        Ok(found.clone().map(|found| Settled::with(&scenario, found)))
    }

    /// Plays one replication of a point; none if it was stopped.
    fn replication(
        &self,
        point: u64,
        settled: &Settled,
        replication: u32,
        worker: &Worker,
    ) -> Result<Option<Outcome>, PlayError> {
        let scenario = unit::replication(&settled.scenario, replication);
        let report = play::play(&scenario, &play::anywhere(), &worker.control, |_| ()).map_err(UnitError::from)?;
        if report.partial || worker.control.is_stopped() {
            return Ok(None);
        }
        (self.look)(&Watched { point, scenario: &scenario, found: settled.found.as_ref(), report: &report });
        Ok(Some(Outcome::of(&report)))
    }

    /// Plays as many replications of a point as a rule takes; none if they were stopped.
    fn until(
        &self,
        rule: Rule,
        point: u64,
        settled: &Settled,
        worker: &Worker,
    ) -> Result<Option<Vec<Outcome>>, PlayError> {
        let workers = self.crew.workers.len();
        // Where there are fewer points than workers, some have nothing else to do than to help.
        let threads = if self.plan.header.points < workers as u64 { workers as u32 } else { 1 };
        let mut outcomes: Vec<Outcome> = Vec::new();
        loop {
            let known = outcomes.len() as u32;
            let one = |replication| self.replication(point, settled, replication, worker);
            let played: Option<Vec<Outcome>> = if play::is_played_side_by_side(&settled.scenario) {
                (known..rule.goal(known, threads)).into_par_iter().map(one).collect::<Result<_, _>>()?
            } else {
                (known..rule.next(known)).map(one).collect::<Result<_, _>>()?
            };
            let Some(played) = played else { return Ok(None) };
            outcomes.extend(played);
            if let Some(stop) = rule.stop(&outcomes, known) {
                outcomes.truncate(stop.count as usize);
                return Ok(Some(outcomes));
            }
        }
    }
}
