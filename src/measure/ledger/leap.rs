//! Polls that were left out because they bring nothing: what the books say of them all at once.

use super::{Ledger, account};
use crate::measure::rhythm::Run;
use crate::measure::tally::{Bytes, Load, OutcomeKind};
use crate::peer::{Exchange, Side};
use crate::time::{Span, Time};

/// Polls of one consumer that leave one after the other and bring nothing. They all lie in the measured stretch, or all
/// before it, from the moment that the first leaves until the answer to the last is back.
#[derive(Clone, Copy, Debug)]
pub struct InVain {
    /// The exchange of the first; the others have the numbers that follow.
    pub first: Exchange,
    /// When the first leaves.
    pub leaves: Time,
    /// From one to the next; above zero.
    pub every: Span,
    /// How many; above zero.
    pub count: u32,
    /// From when one leaves until the provider serves it.
    pub there: Span,
    /// Whether they are answered that what the poller knows still holds.
    pub is_known: bool,
    /// The size of each request.
    pub request: u64,
    /// The size of each answer.
    pub response: u64,
}

impl Ledger<'_> {
    /// Takes down polls that were answered with nothing, as if the facts of each had been.
    pub fn polled_in_vain(&mut self, polls: &InVain) {
        let count = u64::from(polls.count);
        // Each is opened and ends.
        self.tally.transitions += 2 * count;
        let Some(account) = account(&mut self.accounts, self.first, polls.first.consumer) else { return };
        account.open[Side::Consumer as usize].skip(polls.count);
        let last = polls.first.serial.wrapping_add(polls.count - 1);
        account.expected.asked(last, true);
        let mut all = super::Losses::new();
        account.expected.answered(last, |lost| all.push(lost));
        all.into_iter().for_each(|lost| self.lost(lost));
        if self.frame.counts(polls.leaves) {
            self.count_in_vain(polls, count);
        }
    }

    fn count_in_vain(&mut self, polls: &InVain, count: u64) {
        let &InVain { leaves, every, there, request, response, .. } = polls;
        let run = Run { first: leaves.since(self.frame.warmup), every, count };
        let kind = if polls.is_known { OutcomeKind::NotModified } else { OutcomeKind::Empty };
        let moved = |count| {
            let (asked, answered) = (count * request, count * response);
            (Bytes { received: asked, sent: answered }, Bytes { received: answered, sent: asked })
        };
        for (index, within) in run.per_stretch(self.frame.bucket()) {
            let bucket = self.tally.bucket(index as usize);
            let (provider, consumer) = moved(within);
            bucket.outcomes.count_many(kind, within);
            bucket.provider_bytes.add(provider);
            bucket.consumer_bytes.add(consumer);
        }
        let tally = &mut *self.tally;
        tally.opened += count;
        tally.polls += count;
        tally.poll_rounds += count;
        tally.outcomes.count_many(kind, count);
        let (provider, consumer) = moved(count);
        let loads = [(&mut tally.consumer, consumer, run.first), (&mut tally.provider, provider, run.first + there)];
        for (load, bytes, first) in loads {
            load.bytes.add(bytes);
            load.exchanges += count;
            load.beats.add(Run { first, ..run }, &mut load.per_second, Load::SECONDS_MAX);
        }
    }
}
