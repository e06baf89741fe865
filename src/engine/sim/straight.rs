//! What goes straight through: polls and their answers, all at once.
//!
//! In a cell of one consumer the whole course of an exchange is mostly known the moment its request leaves: when it arrives,
//! what the other side makes of it in no time, when the answer is back, and that nothing else happens until then. Both sides
//! are asked whether it is so before either is told anything; where it is not, the exchange takes the way of all others. So
//! it makes no difference to any figure, and neither side decides anything here that it does not decide there.

use super::Cell;
use crate::link::Link;
use crate::measure::ledger::{Ledger, Straight};
use crate::peer::{Peer, Side};
use crate::policy::consumer::Consumer;
use crate::policy::provider::Provider;
use crate::time::{Span, Time};

/// At most so many steps are taken before somebody looks whether the run should stop.
pub(super) const STEPS_MAX: u32 = 4_096;

/// So many polls in a row that find nothing are carried through before it is tried to leave several out.
const IN_VAIN_BEFORE_LEAP: u32 = 2;

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
    /// Polls, which take so long each way, and then keep no other waiting; there are no webhooks.
    Polls { there: Span, back: Span },
    /// Webhooks to one consumer; there are no polls.
    Webhooks,
    /// Webhooks to several consumers, who share how many may be under way; there are no polls.
    WebhooksAmongOthers,
}

impl Way {
    /// What goes straight through between these, who meet no faults.
    pub(super) fn between(provider: &Provider, consumers: &[Consumer], link: &Link) -> Self {
        match (consumers, link.constant()) {
            ([consumer, ..], Some([there, back])) if provider.only_answers() && consumer.only_polls() => {
                Self::Polls { there, back }
            }
            ([_], _) if provider.only_dispatches() => Self::Webhooks,
            _ if provider.only_dispatches() => Self::WebhooksAmongOthers,
            _ => Self::None,
        }
    }
}

/// Polls of one consumer that went straight through.
struct Row {
    /// When the last ended.
    ended: Time,
    polls: u32,
    /// The last few found nothing.
    is_in_vain: bool,
}

impl Cell<'_> {
    /// Carries the polls of a consumer through from the one on that is due now, as far as that can be; false if it cannot be,
    /// and then nothing has changed.
    ///
    /// They are carried through ahead of the time that it is, for nothing that happens meanwhile reaches this consumer, and
    /// nothing that it does reaches another. What is left is in the future: when its next event occurs, and when its next poll
    /// leaves.
    pub(super) fn poll_straight(&mut self, index: u32, ledger: &mut Ledger<'_>) -> bool {
        let Way::Polls { there, back } = self.way else { return false };
        let place = index as usize;
        let Some(first) = self.consumers[place].foresee_poll() else { return false };
        let is_idle = self.traffic.flights[place][Side::Consumer as usize].is_empty();
        if !is_idle || self.provider.has_news(first.exchange.consumer, first.after) {
            return false;
        }
        let most = if self.consumers.len() == 1 { STEPS_MAX } else { POLLS_AMONG_OTHERS };
        let (mut now, mut polls) = (self.traffic.now, 0);
        while polls < most {
            let Some(row) = self.poll_in_a_row(index, (now, most - polls), [there, back], ledger) else { break };
            (now, polls) = (row.ended, polls + row.polls);
            if !row.is_in_vain {
                break;
            }
            polls += u32::from(self.leap_from(now, ledger));
        }
        if polls > 0 {
            self.steps = self.steps.saturating_add(polls);
            self.occurrences.note(index);
            let deadline = self.consumers[place].deadline();
            self.wakes.set(index, deadline.map(|due| due.max(now)));
        }
        polls > 0
    }

    /// Carries at most so many polls through from an instant on, up to a few that find nothing. None if there is nothing to do.
    fn poll_in_a_row(
        &mut self,
        index: u32,
        (now, most): (Time, u32),
        [there, back]: [Span; 2],
        ledger: &mut Ledger<'_>,
    ) -> Option<Row> {
        let patience = if self.leaps.is_some() { IN_VAIN_BEFORE_LEAP } else { u32::MAX };
        let Self { occurrences, provider, consumers, traffic, .. } = self;
        let (duration, wire) = (traffic.setup.frame.duration, traffic.wire);
        let consumer = traffic.first + index;
        let mut reading = provider.reading(consumer)?;
        let mut books = ledger.straight(consumer, Side::Consumer)?;
        let advice_size = wire.advice_size(&reading.advice);
        let (events, poller) = (occurrences.events(index)?, consumers.get_mut(index as usize)?);
        let (mut row, mut in_vain) = (Row { ended: now, polls: 0, is_in_vain: false }, 0);
        while row.polls < most
            && let Some(poll) = poller.foresee_poll()
        {
            // One that fell due before the last answer was back leaves then.
            let left = row.ended.max(poll.due);
            let (arrived, ended) = (left + there, left + there + back);
            let page = (reading.page_of(poll.limit) as usize).min(EVENTS_MAX);
            let count = events.count_until(left, page);
            let is_quiet = events.upcoming().get(count).is_none_or(|event| event.occurred_at > ended);
            if count > page || !is_quiet || ended >= duration || ended > left + poll.timeout {
                break;
            }
            let brought = &events.upcoming()[..count];
            let tag = reading.polled(brought);
            poller.polled(&poll, [left, ended], (brought, tag, &reading.advice));
            let request = wire.poll_size(poll.exchange, poll.after, poll.limit);
            let response = wire.page_size(brought, false, tag, advice_size);
            let exchange = poll.exchange;
            books.polled(brought, ended, &Straight { exchange, left, arrived, request, response });
            events.pass_over(count);
            (row.ended, row.polls) = (ended, row.polls + 1);
            in_vain = if count == 0 { in_vain + 1 } else { 0 };
            if in_vain >= patience {
                row.is_in_vain = true;
                break;
            }
        }
        books.close();
        traffic.flights[index as usize][Side::Consumer as usize].skip_many(row.polls);
        (row.polls > 0).then_some(row)
    }

    /// Leaves out polls that find nothing, if the next leaves after this instant and before the next event occurs.
    fn leap_from(&mut self, now: Time, ledger: &mut Ledger<'_>) -> bool {
        let due = self.consumers[0].foresee_poll().map(|poll| poll.due);
        let Some(due) = due.filter(|due| *due >= now && self.occurrences.are_behind(*due)) else { return false };
        let before = std::mem::replace(&mut self.traffic.now, due);
        let has_leapt = self.leap(ledger);
        if !has_leapt {
            self.traffic.now = before;
        }
        has_leapt
    }
}
