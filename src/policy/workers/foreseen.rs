//! Workers of whom it is known at once when they take a job: each keeps them for as long.

use std::collections::VecDeque;

use crate::policy::workers::Capacity;
use crate::time::{Span, Time};

/// What [`super::Workers`] do with jobs that all take the same time, told as soon as each job comes.
#[derive(Clone, Debug)]
pub struct ForeseenWorkers {
    /// None serves as many as come.
    workers: Option<usize>,
    queue: usize,
    service: Span,
    /// When those jobs are done that wait or are being served, in order.
    done: VecDeque<Time>,
}

impl ForeseenWorkers {
    /// A pool with nothing to do, whom each job keeps for so long; above zero.
    pub fn new(capacity: Capacity, service: Span) -> Self {
        let workers = capacity.workers.map(|workers| workers as usize);
        Self { workers, queue: capacity.queue as usize, service, done: VecDeque::new() }
    }

    /// When a worker takes a job that comes at this instant, and none before came after; and how many wait then, this one
    /// included. None if it is turned away.
    #[inline]
    pub fn take(&mut self, now: Time) -> Option<(Time, u32)> {
        while self.done.front().is_some_and(|done| *done <= now) {
            self.done.pop_front();
        }
        let (start, waiting) = match self.workers.and_then(|workers| self.done.len().checked_sub(workers)) {
            None => (now, 0),
            Some(ahead) if ahead >= self.queue => return None,
            // Jobs are done in the order in which they came, so the next worker to be free for it is known; none if there
            // are no workers.
            Some(ahead) => (*self.done.get(ahead)?, ahead + 1),
        };
        self.done.push_back(start + self.service);
        Some((start, u32::try_from(waiting).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::workers::{Next, Stage, Workers};

    proptest! {
        #[test]
        fn it_is_foreseen_as_it_comes(
            gaps in prop::collection::vec(0u64..12, 1..80),
            capacity in (prop::option::of(1u32..4), 0u32..6),
            service in 1u64..30,
        ) {
            let (capacity, service) = (Capacity { workers: capacity.0, queue: capacity.1 }, Span::from_nanos(service));
            let (mut foreseen, mut pool) = (ForeseenWorkers::new(capacity, service), Workers::new(capacity));
            let (mut expected, mut begun, mut now) = (Vec::new(), Vec::new(), Time::ZERO);
            let mut turn = |pool: &mut Workers<usize>, now| {
                pool.turn(now, &mut Vec::new(), |at, stage, job, _| match stage {
                    Stage::Start => {
                        begun.push((*job, at));
                        Next::Work(service)
                    }
                    Stage::Due => Next::Done,
                });
            };
            for (job, gap) in gaps.into_iter().enumerate() {
                now = now + Span::from_nanos(gap);
                turn(&mut pool, now);
                let is_taken = pool.offer(now, job).is_none();
                turn(&mut pool, now);
                let taken = foreseen.take(now);
                prop_assert_eq!(taken.map(|(_, waiting)| waiting), is_taken.then(|| pool.waiting()));
                expected.extend(taken.map(|(start, _)| (job, start)));
            }
            while pool.deadline().is_some() {
                now = now + Span::from_nanos(1);
                turn(&mut pool, now);
            }
            prop_assert_eq!(expected, begun);
        }
    }
}
