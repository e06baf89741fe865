//! What goes straight through: polls and their answers, all at once.
//!
//! In a cell of one consumer the whole course of an exchange is mostly known the moment its request leaves: when it arrives,
//! what the other side makes of it in no time, when the answer is back, and that nothing else happens until then. Both sides
//! are asked whether it is so before either is told anything; where it is not, the exchange takes the way of all others. So
//! it makes no difference to any figure, and neither side decides anything here that it does not decide there.

mod stride;

use super::Cell;
use crate::link::Link;
use crate::measure::ledger::{Ledger, Straight};
use crate::peer::{Input, Peer, Side};
use crate::policy::consumer::Consumer;
use crate::policy::provider::Provider;
use crate::time::{Span, Time};
use crate::wire::PollSizes;
use stride::Stride;

/// At most so many steps are taken before somebody looks whether the run should stop.
pub(super) const STEPS_MAX: u32 = 4_096;

/// So many polls of one consumer of several are carried through before the others have their turn, so that all get on about
/// as far; and none needs the memory of another in between.
const POLLS_AMONG_OTHERS: u32 = 64;

/// So many events are carried through with one poll at most.
const EVENTS_MAX: usize = 256;

/// What goes straight through in a cell.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// Nothing.
    None,
    /// Polls, which take so long each way and are served in so long, and then keep no other waiting; there are no webhooks.
    Polls { there: Span, service: Span, back: Span },
    /// Webhooks to one consumer; there are no polls.
    Webhooks,
    /// Webhooks to several consumers, who share how many may be under way; there are no polls.
    WebhooksAmongOthers,
}

impl Way {
    /// What goes straight through between these, who meet no faults.
    pub(super) fn between(provider: &Provider, consumers: &[Consumer], link: &Link) -> Self {
        match (consumers, link.constant().zip(provider.only_answers())) {
            // One who comes alone never waits for a worker.
            ([consumer, others @ ..], Some(([there, back], service)))
                if consumer.only_polls() && (others.is_empty() || service.is_zero()) =>
            {
                Self::Polls { there, service, back }
            }
            ([_], _) if provider.only_dispatches() => Self::Webhooks,
            _ if provider.only_dispatches() => Self::WebhooksAmongOthers,
            _ => Self::None,
        }
    }
}

impl Cell<'_> {
    /// Carries the polls of a consumer through from the one on that is due next, as far as that can be; false if it cannot be,
    /// and then nothing has changed. That is to be tried before an event is told that occurs to the consumer.
    ///
    /// They are carried through ahead of the time that it is, for nothing that happens meanwhile reaches this consumer, and
    /// nothing that it does reaches another. What is left is in the future: when its next event occurs, and when its next poll
    /// leaves.
    pub(super) fn poll_straight(&mut self, index: u32, ledger: &mut Ledger<'_>) -> bool {
        let Way::Polls { there, service, back } = self.way else { return false };
        let place = index as usize;
        let Some(first) = self.consumers[place].foresee_poll() else { return false };
        let is_idle = self.traffic.flights[place][Side::Consumer as usize].is_empty();
        if !is_idle || self.provider.has_news(first.exchange.consumer, first.after) {
            return false;
        }
        let most = if self.consumers.len() == 1 { STEPS_MAX } else { POLLS_AMONG_OTHERS };
        let Some((ended, steps)) = self.poll_in_a_row(index, most, [there, service, back], ledger) else {
            return false;
        };
        self.steps = self.steps.saturating_add(steps);
        self.occurrences.note(index);
        let deadline = self.consumers[place].deadline();
        self.wakes.set(index, deadline.map(|due| due.max(ended)));
        if ended >= self.over_from && deadline.is_some_and(|due| due <= ended) {
            // One that has fallen due meanwhile leaves as soon as the last has ended, even if no more is counted by then.
            self.traffic.now = ended;
            self.tell_consumer(index, Input::Wake, ledger);
        }
        true
    }

    /// Carries polls through from now on, in at most so many steps. Gives back when the last ended, and in how many steps; none
    /// if there is nothing to do.
    ///
    /// An event that occurs while a poll is under way is found if it has occurred by the time that the poll arrives, and else
    /// by the next one.
    fn poll_in_a_row(
        &mut self,
        index: u32,
        most: u32,
        [there, service, back]: [Span; 3],
        ledger: &mut Ledger<'_>,
    ) -> Option<(Time, u32)> {
        // A worker looks up what to answer as soon as it takes a request; that it works on it only delays the answer.
        let back = service + back;
        let Self { occurrences, provider, consumers, traffic, leaps, leapt, over_from, .. } = self;
        let (frame, wire) = (traffic.setup.frame, traffic.wire);
        let consumer = traffic.first + index;
        let mut reading = provider.reading(consumer)?;
        let mut books = ledger.straight(consumer, Side::Consumer)?;
        let is_limited = reading.is_limited;
        let (events, poller) = (occurrences.events(index)?, consumers.get_mut(index as usize)?);
        let stride = leaps.and_then(|_| Stride::of(poller, [there, back], traffic));
        let first = poller.foresee_poll()?;
        let mut sizes = PollSizes::new(wire, first.exchange, first.limit, wire.advice_size(&reading.advice));
        // One of several does not know when all are done.
        let last = if traffic.flights.len() == 1 { frame.end } else { frame.duration - Span::from_nanos(1) };
        let (mut now, mut steps, mut polls) = (traffic.now, 0, 0);
        while steps < most
            && let Some(mut poll) = poller.foresee_poll()
        {
            if let Some(stride) = &stride
                && let Some(count) = stride.leaves_out(&poll, now, events)
            {
                now = stride.pass((&poll, count), poller, &mut reading, &mut sizes, &mut books);
                (steps, polls, *leapt) = (steps + 1, polls + count, *leapt + u64::from(count));
                // Mostly the next one finds something.
                let Some(next) = poller.foresee_poll() else { break };
                poll = next;
            }
            // One that fell due before the last answer was back leaves then.
            let left = now.max(poll.due);
            let (arrived, ended) = (left + there, left + there + back);
            let page = (reading.page_of(poll.limit) as usize).min(EVENTS_MAX);
            let count = events.count_until(arrived, page);
            // Once no more is counted, a cell is done as soon as it knows all that has occurred.
            let is_over = left >= *over_from && count == 0;
            if count > page || is_over || ended > last || ended > left + poll.timeout {
                break;
            }
            let brought = &events.upcoming()[..count];
            let tag = reading.polled(brought);
            poller.polled(&poll, [left, ended], (brought, tag, &reading.advice));
            let request = sizes.request(poll.exchange, poll.after, poll.limit);
            let response = sizes.page(brought, tag);
            let exchange = poll.exchange;
            books.polled(brought, ended, &Straight { exchange, left, arrived, request, response });
            if is_limited && !service.is_zero() {
                books.worked(arrived, arrived + service);
                traffic.usages.served(arrived, arrived + service);
            }
            events.pass_over(count);
            (now, steps, polls) = (ended, steps + 1, polls + 1);
        }
        books.close();
        traffic.flights[index as usize][Side::Consumer as usize].skip_many(polls);
        (steps > 0).then_some((now, steps))
    }
}
