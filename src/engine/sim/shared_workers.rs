//! Polls of several consumers, whom a few workers serve one after the other.
//!
//! Where every message takes as long, requests arrive in the order in which they left; and where every request takes a worker
//! as long, they are answered in that order too. So the whole course of a poll is known as soon as it leaves: when a worker
//! takes it, what it finds then, and when the answer is back. Nothing but the time of each consumer's next poll has to be kept
//! in order. If one is turned away or not answered in time, or leaves the very moment that the last one ends, none of it
//! holds, and all is played step by step.

use std::sync::atomic::Ordering;

use super::{Cell, STEPS_BETWEEN_LOOKS};
use crate::engine::{ClientSetup, Control};
use crate::measure::ledger::{Ledger, Straight};
use crate::measure::tally::Tally;
use crate::peer::{Peer as _, Side};
use crate::policy::workers::ForeseenWorkers;
use crate::time::{Span, Time};

/// How long a poll takes each way, and the workers between.
pub(super) struct Course {
    there: Span,
    workers: ForeseenWorkers,
    service: Span,
    back: Span,
}

impl Course {
    /// None where it is not always the same, or where nobody ever waits for a worker.
    pub(super) fn of(cell: &Cell<'_>) -> Option<Self> {
        let setup = cell.traffic.setup;
        let ([there, back], service) = setup.link.constant().zip(cell.provider.only_answers())?;
        let is_plain = cell.traffic.faults.0.is_empty() && !cell.has_more;
        let only_polls = cell.consumers.first().is_some_and(|consumer| consumer.only_polls());
        let may_wait = setup.api.capacity.workers.is_some() && !service.is_zero();
        let workers = ForeseenWorkers::new(setup.api.capacity, service);
        (is_plain && only_polls && may_wait).then_some(Self { there, workers, service, back })
    }
}

/// Plays consumers who poll and share workers, as one cell that has not begun. None if a poll takes another course; then
/// nothing has been counted, and the cell is of no more use.
pub(super) fn play(cell: &mut Cell<'_>, course: Course, client: &ClientSetup, control: &Control) -> Option<Tally> {
    let (setup, first) = (cell.traffic.setup, cell.traffic.first);
    let books = (first, u32::try_from(cell.consumers.len()).ok()?);
    let mut tally = Tally::default();
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
        let Course { there, mut workers, service, back } = course;
        let frame = self.traffic.setup.frame;
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
            let (start, waiting) = workers.take(arrived)?;
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
