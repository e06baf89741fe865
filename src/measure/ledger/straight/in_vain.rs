//! Polls that were left out between exchanges that went straight through: what the books of the row say of them.

use super::super::InVain;
use super::StraightBooks;
use crate::measure::rhythm::Run;
use crate::peer::Side;
use crate::time::Time;

impl StraightBooks<'_> {
    /// Takes down polls that found nothing, as if each had been ([`StraightBooks::polled`]). They all leave in the measured
    /// stretch, or all before it.
    #[inline]
    pub fn polled_in_vain(&mut self, polls: &InVain) {
        self.sums.passed.1 += polls.count;
        if !self.frame.counts(polls.leaves) {
            return;
        }
        let count = u64::from(polls.count);
        self.sums.exchanges += count;
        self.sums.met += count;
        self.moves_on_to(polls.leaves);
        if self.stretch.holds(polls.leaves + polls.every.times(count - 1)) {
            self.in_bucket(polls, count);
        } else {
            self.in_several_buckets(polls, count);
        }
        self.took_part_in_rhythm(polls, Side::Consumer, polls.leaves);
        self.took_part_in_rhythm(polls, Side::Provider, polls.leaves + polls.there);
    }

    /// So many of them leave within the bucket that sums are for.
    #[inline]
    fn in_bucket(&mut self, polls: &InVain, count: u64) {
        let sums = &mut self.sums.in_bucket;
        sums.empty += count;
        sums.requests += count * polls.request;
        sums.responses += count * polls.response;
    }

    fn in_several_buckets(&mut self, polls: &InVain, count: u64) {
        let (mut left, mut rest) = (polls.leaves, count);
        while rest > 0 {
            self.moves_on_to(left);
            let ahead = self.stretch.until.since(left).as_nanos();
            let within = (ahead.saturating_sub(1) / polls.every.as_nanos().max(1) + 1).min(rest);
            self.in_bucket(polls, within);
            (left, rest) = (left + polls.every.times(within), rest - within);
        }
    }

    /// A side took part in them, the first time at this instant.
    #[inline]
    fn took_part_in_rhythm(&mut self, polls: &InVain, side: Side, first: Time) {
        let (first, count) = (first.since(self.frame.warmup), u64::from(polls.count));
        let Some(steady) = self.account.steady.get_mut(side as usize) else { return };
        if let Some(steady) = steady
            && steady.every == polls.every
            && steady.go_on(first, count)
        {
            return;
        }
        let over = steady.replace(Run { first, every: polls.every, count });
        if let Some(run) = over {
            let load = if side == Side::Provider { &mut self.tally.provider } else { &mut self.tally.consumer };
            load.count_in_rhythm(run);
        }
    }
}
