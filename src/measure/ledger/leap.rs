//! Polls that were left out because they bring nothing: what the books say of them all at once.

use super::{Ledger, account};
use crate::measure::rhythm::Run;
use crate::measure::tally::{Bytes, OutcomeKind};
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
        account.open[Side::Consumer as usize].skip_many(polls.count);
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
        for (load, bytes) in [(&mut tally.consumer, consumer), (&mut tally.provider, provider)] {
            load.bytes.add(bytes);
            load.exchanges += count;
        }
        let Some(account) = account(&mut self.accounts, self.first, polls.first.consumer) else { return };
        let mut over = [None; 2];
        for ((steady, over), first) in account.steady.iter_mut().zip(&mut over).zip([run.first, run.first + there]) {
            let run = Run { first, ..run };
            if !steady.as_mut().is_some_and(|steady| steady.every == every && steady.go_on(first, count)) {
                *over = steady.replace(run);
            }
        }
        self.count_steady(over);
    }

    /// Whether an exchange goes on in the rhythm of the polls before it, at one of the two sides, so that it will be counted
    /// per second with them.
    #[inline]
    pub(super) fn goes_on(&mut self, instant: Span, exchange: Exchange, side: Side) -> bool {
        let steady = match exchange.opener {
            Side::Consumer => account(&mut self.accounts, self.first, exchange.consumer),
            Side::Provider | Side::Stranger => None,
        };
        let steady = steady.and_then(|account| account.steady.get_mut(side as usize)?.as_mut());
        steady.is_some_and(|steady| steady.go_on(instant, 1))
    }

    /// Counts per second what came in one rhythm and goes on no longer.
    pub(super) fn count_steady(&mut self, runs: [Option<Run>; 2]) {
        let loads = [&mut self.tally.consumer, &mut self.tally.provider];
        for (load, run) in loads.into_iter().zip(runs) {
            if let Some(run) = run {
                load.count_in_rhythm(run);
            }
        }
    }
}
