//! A pool of workers with one bounded queue in front of it: the provider's API, and the receiver of webhooks.

use std::collections::VecDeque;

use crate::peer::{Note, Output};
use crate::time::{Span, Time};

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

/// Jobs being served and jobs waiting, first come first served.
#[derive(Clone, Debug)]
pub struct Workers<J> {
    capacity: Capacity,
    waiting: VecDeque<(Time, J)>,
    /// Jobs in service with the instant each will be done, soonest first.
    serving: VecDeque<(Time, J)>,
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
            self.waiting.push_back((now, job));
            None
        } else {
            Some(job)
        }
    }

    /// Ends every job that is due by now and starts the jobs that can start.
    ///
    /// `start` is called when a worker takes a job and says how long it will take; `finish` when it is done. Both get the
    /// instant at which that happens, which is never after `now`.
    pub fn turn(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        mut start: impl FnMut(Time, &mut J) -> Span,
        mut finish: impl FnMut(Time, J, &mut Vec<Output>),
    ) {
        loop {
            if self.has_free_worker()
                && let Some((arrived, job)) = self.waiting.pop_front()
            {
                self.begin(arrived, job, out, &mut start);
            } else if let Some((until, job)) = self.serving.pop_front_if(|(until, _)| *until <= now) {
                finish(until, job, out);
                // The freed worker takes the next job at once, at the instant it became free.
                if let Some((arrived, job)) = self.waiting.pop_front() {
                    self.begin(arrived.max(until), job, out, &mut start);
                }
            } else {
                break;
            }
        }
    }

    /// When the next job in service is done.
    pub fn deadline(&self) -> Option<Time> {
        self.serving.front().map(|(until, _)| *until)
    }

    /// How many jobs wait for a worker.
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    fn has_free_worker(&self) -> bool {
        self.capacity.workers.is_none_or(|workers| self.serving.len() < workers as usize)
    }

    fn begin(&mut self, at: Time, mut job: J, out: &mut Vec<Output>, start: &mut impl FnMut(Time, &mut J) -> Span) {
        let until = at + start(at, &mut job);
        if self.capacity.workers.is_some() && until > at {
            out.push(Output::Note(Note::Busy { from: at, until }));
        }
        // Service times mostly repeat, so the place is mostly the end.
        let place = self.serving.iter().rposition(|(other, _)| *other <= until).map_or(0, |before| before + 1);
        self.serving.insert(place, (until, job));
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
                pool.turn(
                    now,
                    &mut out,
                    |_, _| Span::from_nanos(service),
                    |until, job, _| done.push((job, until.as_nanos())),
                );
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
}
