//! Polls of several consumers, whom a few workers serve one after the other.
//!
//! Where every message takes as long, requests arrive in the order in which they left; and where every request takes a worker
//! as long, they are answered in that order too. So the whole course of a poll is known as soon as it leaves: when a worker
//! takes it, what it finds then, and when the answer is back. Nothing but the time of each consumer's next poll has to be kept
//! in order. If one is turned away or not answered in time, or leaves the very moment that the last one ends, none of it
//! holds, and all is played step by step.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::{Cell, STEPS_BETWEEN_LOOKS};
use crate::engine::{ClientSetup, Control, Setup};
use crate::measure::ledger::{Ledger, Straight};
use crate::measure::tally::Tally;
use crate::peer::{Peer as _, Side};
use crate::time::{Span, Time};
use crate::wire::Wire;

/// Workers that take requests in the order in which they arrive.
#[derive(Debug)]
struct Line {
    workers: usize,
    /// How many requests may wait.
    queue: usize,
    service: Span,
    /// When those are answered that wait or are being served, in order.
    answered: VecDeque<Time>,
}

impl Line {
    /// When a worker takes a request that arrives at this instant, which none before arrived after, and how many wait then,
    /// this one included. None if it is turned away.
    fn take(&mut self, arrived: Time) -> Option<(Time, u32)> {
        while self.answered.front().is_some_and(|answered| *answered <= arrived) {
            self.answered.pop_front();
        }
        let (start, waiting) = match self.answered.len().checked_sub(self.workers) {
            None => (arrived, 0),
            Some(ahead) if ahead >= self.queue => return None,
            Some(ahead) => (*self.answered.get(ahead)?, ahead + 1),
        };
        self.answered.push_back(start + self.service);
        Some((start, u32::try_from(waiting).unwrap_or(u32::MAX)))
    }
}

/// How long a poll takes each way, and the workers between.
struct Course {
    there: Span,
    line: Line,
    back: Span,
}

impl Course {
    /// None where it is not always the same, or where nobody ever waits for a worker.
    fn of(cell: &Cell<'_>, setup: &Setup) -> Option<Self> {
        let ([there, back], service) = setup.link.constant().zip(cell.provider.only_answers())?;
        let workers = setup.api.capacity.workers.filter(|workers| *workers > 0)? as usize;
        let is_plain = cell.traffic.faults.0.is_empty() && !cell.has_more;
        let only_polls = cell.consumers.first().is_some_and(|consumer| consumer.only_polls());
        let line = Line { workers, queue: setup.api.capacity.queue as usize, service, answered: VecDeque::new() };
        (is_plain && only_polls && !service.is_zero()).then_some(Self { there, line, back })
    }
}

/// Plays the consumers of a client who poll and share workers, as one cell. None if that cannot be, and then nothing has been
/// done.
pub(super) fn play(
    setup: &Setup,
    client: &ClientSetup,
    wire: &Wire,
    consumers: Range<u32>,
    control: &Control,
) -> Option<Tally> {
    if control.plays_together || consumers.len() < 2 {
        return None;
    }
    let mut tally = Tally::default();
    let books = (consumers.start, consumers.end - consumers.start);
    let mut cell = Cell::new(setup, client, &client.policies(), wire, consumers, control)?;
    let course = Course::of(&cell, setup)?;
    let mut ledger = Ledger::new(setup.frame, books, client.ways(), setup.changes(), &mut tally);
    let done = control.done.load(Ordering::Relaxed);
    let Some(cut) = cell.poll_through(course, &mut ledger, control) else {
        // It has not come as far as it seemed.
        control.done.store(done, Ordering::Relaxed);
        return None;
    };
    ledger.close_all(cut);
    Some(tally)
}

impl Cell<'_> {
    /// Carries polls through in the order in which they leave, until no more is to be learnt. Gives back when the run is cut
    /// off; none if one of them takes another course.
    fn poll_through(&mut self, course: Course, ledger: &mut Ledger<'_>, control: &Control) -> Option<Time> {
        let Course { there, mut line, back } = course;
        let frame = self.traffic.setup.frame;
        let service = line.service;
        let Self { occurrences, provider, consumers, wakes, traffic, .. } = self;
        let advice_size = traffic.wire.advice_size(&provider.reading(traffic.first)?.advice);
        // To how many consumers something is still to occur that no poll has found.
        let mut expecting = 0usize;
        for index in 0..consumers.len() as u32 {
            expecting += usize::from(!occurrences.events(index)?.upcoming().is_empty());
        }
        let (mut steps, mut reported) = (0, Time::ZERO);
        let count = consumers.len() as u64;
        let mut report = |now: Time| {
            let now = now.min(frame.duration);
            control.done.fetch_add(now.since(reported).as_nanos().saturating_mul(count), Ordering::Relaxed);
            reported = now;
        };
        // Once no more is counted and nothing is left to be found, later polls change nothing: none overtakes another.
        while let Some((left, index)) = wakes.earliest()
            && (left < frame.duration || expecting > 0)
        {
            steps += 1;
            if steps >= STEPS_BETWEEN_LOOKS {
                steps = 0;
                report(left);
                if control.is_stopped() {
                    return Some(left);
                }
            }
            let (poller, events) = (consumers.get_mut(index as usize)?, occurrences.events(index)?);
            let (poll, mut reading) = (poller.foresee_poll()?, provider.reading(traffic.first + index)?);
            let arrived = left + there;
            let (start, waiting) = line.take(arrived)?;
            let answered = start + service;
            let ended = answered + back;
            let page = reading.page_of(poll.limit) as usize;
            let found = events.count_until(start, page);
            if found > page || ended > left + poll.timeout || ended > frame.end {
                return None;
            }
            let brought = events.upcoming().get(..found)?;
            let tag = reading.polled(brought);
            poller.polled(&poll, [left, ended], (brought, tag, &reading.advice));
            let request = traffic.wire.poll_size(poll.exchange, poll.after, poll.limit);
            let response = traffic.wire.page_size(brought, false, tag, advice_size);
            let mut books = ledger.straight(poll.exchange.consumer, Side::Consumer)?;
            books.polled(brought, ended, &Straight { exchange: poll.exchange, left, arrived, request, response });
            books.worked(start, answered);
            books.waited(arrived, waiting);
            books.close();
            if found > 0 {
                events.pass_over(found);
                expecting -= usize::from(events.upcoming().is_empty());
            }
            let due = poller.deadline().filter(|due| *due > ended)?;
            wakes.set(index, Some(due));
        }
        report(frame.duration);
        Some(frame.end.max(frame.duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_take_requests_in_their_order_until_no_more_may_wait() {
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        let mut line = Line { workers: 2, queue: 2, service: Span::from_millis(10), answered: VecDeque::new() };
        let expected = [
            (0, Some((0, 0))),
            (1, Some((1, 0))),
            (2, Some((10, 1))),
            (3, Some((11, 2))),
            (4, None),
            // The first two are answered by now, and the next two are being served.
            (11, Some((20, 1))),
            (21, Some((21, 0))),
            (100, Some((100, 0))),
        ];
        for (arrived, taken) in expected {
            let taken = taken.map(|(start, waiting)| (at(start), waiting));
            assert_eq!(line.take(at(arrived)), taken, "at {arrived} ms");
        }
    }
}
