//! A pool of workers with one bounded queue in front of it: the provider's API, and the receiver of webhooks.

mod foreseen;

use std::collections::VecDeque;

use crate::peer::{Note, Output, Sink};
use crate::time::{Span, Time};
pub use foreseen::ForeseenWorkers;

/// How many workers there are, and how many jobs may wait for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// Jobs served at the same time; none means as many as come.
    pub workers: Option<u32>,
    /// Jobs that may wait while every worker is busy; one more is turned away.
    pub queue: u32,
}

impl Capacity {
    /// No job ever waits.
    pub const UNLIMITED: Self = Self { workers: None, queue: 0 };
}

/// Where a job stands when its worker asks what is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A worker has just taken it.
    Start,
    /// The time that it was to take is over.
    Due,
}

/// What a worker does with its job next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Works on it for so long, and asks again.
    Work(Span),
    /// Waits with it until it is told to go on.
    Wait,
    /// Is done with it.
    Done,
}

/// A job that a worker has.
#[derive(Clone, Debug)]
struct Serving<J> {
    /// When the worker asks again; [`Time::NEVER`] if it waits to be told.
    until: Time,
    /// Since when it has worked or waited.
    since: Time,
    job: J,
}

/// Jobs being served and jobs waiting, first come first served.
#[derive(Clone, Debug)]
pub struct Workers<J> {
    capacity: Capacity,
    waiting: VecDeque<(Time, J)>,
    /// Jobs in service, those soonest due first.
    serving: VecDeque<Serving<J>>,
}

impl<J> Workers<J> {
    /// A pool with nothing to do.
    pub const fn new(capacity: Capacity) -> Self {
        Self { capacity, waiting: VecDeque::new(), serving: VecDeque::new() }
    }

    /// Hands in a job; gives it back if every worker is busy and the queue is full.
    ///
    /// Call [`Self::turn`] first, so that jobs that are due by now no longer count, and again afterwards.
    #[must_use]
    pub fn offer(&mut self, now: Time, job: J) -> Option<J> {
        if self.has_free_worker() || self.waiting.len() < self.capacity.queue as usize {
            make_room_for_one(&mut self.waiting);
            self.waiting.push_back((now, job));
            None
        } else {
            Some(job)
        }
    }

    /// Ends every job that is due by now and starts the jobs that can start.
    ///
    /// `step` is called when a worker takes a job and whenever the time that it was to take is over. It gets the instant at
    /// which that happens, which is never after `now`, and says what is next.
    #[inline]
    pub fn turn<S: Sink>(&mut self, now: Time, out: &mut S, step: impl FnMut(Time, Stage, &mut J, &mut S) -> Next) {
        if !self.waiting.is_empty() || self.serving.front().is_some_and(|first| first.until <= now) {
            self.end_and_start(now, out, step);
        }
    }

    fn end_and_start<S: Sink>(
        &mut self,
        now: Time,
        out: &mut S,
        mut step: impl FnMut(Time, Stage, &mut J, &mut S) -> Next,
    ) {
        loop {
            if self.has_free_worker()
                && let Some((arrived, job)) = self.waiting.pop_front()
            {
                self.begin(arrived, job, out, &mut step);
            } else if let Some(Serving { until, mut job, .. }) = self.serving.pop_front_if(|job| job.until <= now) {
                let next = step(until, Stage::Due, &mut job, out);
                if !self.place(until, next, job, out) {
                    // The freed worker takes the next job at once, at the instant it became free.
                    if let Some((arrived, job)) = self.waiting.pop_front() {
                        self.begin(arrived.max(until), job, out, &mut step);
                    }
                }
            } else {
                break;
            }
        }
        self.give_back_room();
    }

    /// Keeps room for one job at most where there is none: of a million pools nearly all have nothing to do at any time.
    fn give_back_room(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > 1 {
            self.waiting = VecDeque::new();
        }
        if self.serving.is_empty() && self.serving.capacity() > 1 {
            self.serving = VecDeque::new();
        }
    }

    /// Goes on with the job that a worker waits with and that `is_it` knows; `what` says what is next. Call [`Self::turn`]
    /// afterwards. Does nothing if there is no such job.
    pub fn resume<S: Sink>(
        &mut self,
        now: Time,
        out: &mut S,
        is_it: impl Fn(&J) -> bool,
        what: impl FnOnce(&mut J, &mut S) -> Next,
    ) {
        let place = self.serving.iter().position(|serving| serving.until == Time::NEVER && is_it(&serving.job));
        let Some(Serving { since, mut job, .. }) = place.and_then(|place| self.serving.remove(place)) else { return };
        self.note_busy(since, now, out);
        let next = what(&mut job, out);
        if !self.place(now, next, job, out) {
            // The worker that is free now takes the next from now on, not from when it came.
            self.waiting.iter_mut().for_each(|(arrived, _)| *arrived = now.max(*arrived));
        }
    }

    /// Whether a job that comes now finds a worker and waits for nobody. Call [`Self::turn`] first.
    #[inline]
    pub fn takes_at_once(&self) -> bool {
        self.waiting.is_empty() && self.has_free_worker()
    }

    /// The jobs that are in service.
    pub fn serving_mut(&mut self) -> impl Iterator<Item = &mut J> {
        self.serving.iter_mut().map(|serving| &mut serving.job)
    }

    /// The jobs that wait for a worker.
    pub fn waiting_mut(&mut self) -> impl Iterator<Item = &mut J> {
        self.waiting.iter_mut().map(|(_, job)| job)
    }

    /// Takes away every job, those in service first.
    pub fn clear(&mut self, now: Time, out: &mut impl Sink) -> Vec<J> {
        self.clear_where(now, out, |_| true)
    }

    /// Takes away the jobs that are like this, those in service first. Call [`Self::turn`] afterwards: others may start.
    pub fn clear_where(&mut self, now: Time, out: &mut impl Sink, is: impl Fn(&J) -> bool) -> Vec<J> {
        let is_limited = self.capacity.workers.is_some();
        let (gone, kept): (VecDeque<_>, _) =
            std::mem::take(&mut self.serving).into_iter().partition(|serving| is(&serving.job));
        self.serving = kept;
        for Serving { until, since, .. } in gone.iter().filter(|_| is_limited) {
            out.push(Output::Note(match *until {
                Time::NEVER => Note::Busy { from: *since, until: now },
                until => Note::Freed { from: now, until },
            }));
        }
        let (waiting, kept): (VecDeque<_>, _) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(_, job)| is(job));
        // A worker that is free now takes the next from now on, not from when it came.
        self.waiting = kept.into_iter().map(|(_, job)| (now, job)).collect();
        let serving = gone.into_iter().map(|serving| serving.job);
        serving.chain(waiting.into_iter().map(|(_, job)| job)).collect()
    }

    /// When the next job in service is due.
    #[inline]
    pub fn deadline(&self) -> Option<Time> {
        self.serving.front().map(|serving| serving.until).filter(|until| *until != Time::NEVER)
    }

    /// How many jobs wait for a worker.
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    fn has_free_worker(&self) -> bool {
        self.capacity.workers.is_none_or(|workers| self.serving.len() < workers as usize)
    }

    fn begin<S: Sink>(
        &mut self,
        at: Time,
        mut job: J,
        out: &mut S,
        step: &mut impl FnMut(Time, Stage, &mut J, &mut S) -> Next,
    ) {
        let next = step(at, Stage::Start, &mut job, out);
        self.place(at, next, job, out);
    }

    /// Puts a job where it belongs next; true if a worker keeps it.
    fn place(&mut self, at: Time, next: Next, job: J, out: &mut impl Sink) -> bool {
        let until = match next {
            Next::Done => return false,
            Next::Wait => Time::NEVER,
            Next::Work(span) => {
                self.note_busy(at, at + span, out);
                at + span
            }
        };
        // Service times mostly repeat, so the place is mostly the end.
        let place = self.serving.iter().rposition(|other| other.until <= until).map_or(0, |before| before + 1);
        make_room_for_one(&mut self.serving);
        self.serving.insert(place, Serving { until, since: at, job });
        true
    }

    fn note_busy(&self, from: Time, until: Time, out: &mut impl Sink) {
        if self.capacity.workers.is_some() && until > from {
            out.push(Output::Note(Note::Busy { from, until }));
        }
    }
}

/// Left alone, a first job would take room for four.
fn make_room_for_one<T>(jobs: &mut VecDeque<T>) {
    if jobs.capacity() == 0 {
        jobs.reserve_exact(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(workers: Option<u32>, queue: u32, arrivals: &[u64], service: u64) -> (Vec<(u64, u64)>, Vec<u64>) {
        let mut pool = Workers::new(Capacity { workers, queue });
        let (mut done, mut refused, mut out) = (Vec::new(), Vec::new(), Vec::new());
        for &at in arrivals.iter().chain(&[1_000_000]) {
            let now = Time::from_nanos(at);
            let mut turn = |pool: &mut Workers<u64>| {
                pool.turn(now, &mut out, |at, stage, job, _| match stage {
                    Stage::Start => Next::Work(Span::from_nanos(service)),
                    Stage::Due => {
                        done.push((*job, at.as_nanos()));
                        Next::Done
                    }
                });
            };
            turn(&mut pool);
            if at < 1_000_000 && pool.offer(now, at).is_some() {
                refused.push(at);
            }
            turn(&mut pool);
        }
        (done, refused)
    }

    #[test]
    fn one_worker_serves_in_order_and_takes_the_next_job_the_instant_it_is_free() {
        assert_eq!(serve(Some(1), 9, &[0, 1, 2], 10).0, [(0, 10), (1, 20), (2, 30)]);
        assert_eq!(serve(Some(2), 9, &[0, 1, 2], 10).0, [(0, 10), (1, 11), (2, 20)]);
        assert_eq!(serve(None, 0, &[0, 1, 2], 10).0, [(0, 10), (1, 11), (2, 12)]);
    }

    #[test]
    fn a_full_queue_turns_jobs_away_until_a_place_is_free() {
        let (done, refused) = serve(Some(1), 1, &[0, 1, 2, 10], 10);
        assert_eq!(refused, [2]);
        assert_eq!(done, [(0, 10), (1, 20), (10, 30)]);
        assert_eq!(serve(Some(1), 0, &[0, 5, 10], 10).1, [5]);
    }

    #[test]
    fn a_worker_that_waits_with_its_job_takes_no_other_until_it_is_told_to_go_on() {
        let mut pool = Workers::new(Capacity { workers: Some(1), queue: 9 });
        let (mut out, mut done) = (Vec::new(), Vec::new());
        let mut turn = |pool: &mut Workers<u64>, out: &mut Vec<Output>, now: u64| {
            pool.turn(Time::from_nanos(now), out, |at, stage, job, _| match stage {
                Stage::Start => Next::Wait,
                Stage::Due => {
                    done.push((*job, at.as_nanos()));
                    Next::Done
                }
            });
        };
        assert_eq!(pool.offer(Time::ZERO, 1), None);
        assert_eq!(pool.offer(Time::ZERO, 2), None);
        turn(&mut pool, &mut out, 0);
        assert_eq!((pool.deadline(), pool.waiting()), (None, 1));
        let go_on = |pool: &mut Workers<u64>, out: &mut Vec<Output>, now, job| {
            pool.resume(Time::from_nanos(now), out, |other| *other == job, |_, _| Next::Work(Span::from_nanos(5)));
        };
        go_on(&mut pool, &mut out, 10, 2);
        assert_eq!(pool.deadline(), None, "the second job is not in service");
        go_on(&mut pool, &mut out, 10, 1);
        assert_eq!(pool.deadline(), Some(Time::from_nanos(15)));
        turn(&mut pool, &mut out, 15);
        assert_eq!((pool.waiting(), pool.deadline()), (0, None));
        let busy = |from, until| {
            let (from, until) = (Time::from_nanos(from), Time::from_nanos(until));
            Output::Note(Note::Busy { from, until })
        };
        assert_eq!(out, [busy(0, 10), busy(10, 15)]);
        let now = Time::from_nanos(15);
        assert_eq!(pool.clear(now, &mut out), [2]);
        assert_eq!(out[2..], [busy(15, 15)], "the second job was taken and waited with from then on");
        assert_eq!(done, [(1, 15)]);
    }

    #[test]
    fn a_worker_that_is_told_to_stop_waiting_takes_the_next_job_from_then_on() {
        let mut pool = Workers::new(Capacity { workers: Some(1), queue: 9 });
        let (mut out, mut begun) = (Vec::new(), Vec::new());
        let mut turn = |pool: &mut Workers<u64>, out: &mut Vec<Output>, now: u64| {
            pool.turn(Time::from_nanos(now), out, |at, _, job, _| {
                begun.push((*job, at.as_nanos()));
                Next::Wait
            });
        };
        assert_eq!(pool.offer(Time::ZERO, 1), None);
        assert_eq!(pool.offer(Time::from_nanos(3), 2), None);
        turn(&mut pool, &mut out, 3);
        pool.resume(Time::from_nanos(10), &mut out, |job| *job == 1, |_, _| Next::Done);
        turn(&mut pool, &mut out, 10);
        assert_eq!(begun, [(1, 0), (2, 10)]);
    }
}
