//! What fell on one side of a client, all in all and per second.

use std::borrow::Cow;

use crate::measure::rhythm::{Beats, Run};
use crate::measure::tally::Bytes;
use crate::time::{SECOND, Span};

/// What fell on one side.
#[derive(Clone, Default)]
pub struct Load {
    /// Exchanges that it took part in.
    pub exchanges: u64,
    /// The same, per second of the measured stretch, but for those that are only marked.
    counted: Vec<u32>,
    /// Those that are only marked, so that a long run need not hold each of its seconds.
    beats: Beats,
    /// Bytes of counted exchanges.
    pub bytes: Bytes,
    /// Nanoseconds that its workers were busy, added over the workers.
    pub busy_nanos: u128,
    /// The most requests that waited for a worker at the same time.
    pub queue_max: u32,
}

impl Load {
    /// The longest stretch, in seconds, of which each second is kept: about 97 days. Longer runs have no peak.
    pub const SECONDS_MAX: usize = 1 << 23;

    /// Exchanges that it took part in, per second of the measured stretch.
    pub fn per_second(&self) -> Cow<'_, [u32]> {
        if self.beats.is_empty() {
            return Cow::Borrowed(&self.counted);
        }
        let (mut counted, mut beats) = (self.counted.clone(), self.beats.clone());
        beats.count(&mut counted);
        Cow::Owned(counted)
    }

    /// The most of them in one second.
    pub fn peak(&self) -> u32 {
        let marked = self.beats.peak().filter(|_| self.counted.is_empty());
        marked.unwrap_or_else(|| self.per_second().iter().copied().max().unwrap_or(0))
    }

    /// Counts what has only been marked so far, unless the marks say as much by themselves.
    pub(super) fn settle(&mut self) {
        if !self.counted.is_empty() || self.beats.peak().is_none() {
            self.beats.count(&mut self.counted);
        }
    }

    /// Counts exchanges that came in one rhythm, in their seconds alone.
    pub(in crate::measure) fn count_in_rhythm(&mut self, run: Run) {
        self.beats.add(run, &mut self.counted, Self::SECONDS_MAX);
    }

    /// Counts an exchange in which the side took part so long after the warm-up.
    #[inline]
    pub(in crate::measure) fn took_part(&mut self, instant: Span) {
        self.exchanges += 1;
        self.count_in_second(instant);
    }

    /// Counts such an exchange in its second alone.
    #[inline]
    pub(in crate::measure) fn count_in_second(&mut self, instant: Span) {
        let second = (instant.as_nanos() / SECOND) as usize;
        match self.counted.get_mut(second) {
            Some(count) => *count = count.saturating_add(1),
            None => self.count_in_later_second(second),
        }
    }

    /// In a second beyond those that there are.
    fn count_in_later_second(&mut self, second: usize) {
        if second < Self::SECONDS_MAX {
            self.counted.resize(second, 0);
            self.counted.push(1);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        add_each(&mut self.counted, &other.counted);
        self.beats.merge(&other.beats);
        self.bytes.add(other.bytes);
        self.busy_nanos += other.busy_nanos;
        self.queue_max = self.queue_max.max(other.queue_max);
    }
}

fn add_each(mine: &mut Vec<u32>, theirs: &[u32]) {
    if mine.len() < theirs.len() {
        mine.resize(theirs.len(), 0);
    }
    for (a, b) in mine.iter_mut().zip(theirs) {
        *a = a.saturating_add(*b);
    }
}

/// Seconds are told as they are counted, however they are held.
impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load")
            .field("exchanges", &self.exchanges)
            .field("per_second", &self.per_second())
            .field("bytes", &self.bytes)
            .field("busy_nanos", &self.busy_nanos)
            .field("queue_max", &self.queue_max)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_that_of_the_seconds_however_they_are_held() {
        let run = |first: u64, every: u64, count: u64| Run {
            first: Span::from_millis(first),
            every: Span::from_millis(every),
            count,
        };
        for (runs, is_sparse) in [
            (vec![run(500, 1_000, 90), run(20_700, 1_000, 9), run(25_100, 1_000, 1_000)], true),
            (vec![run(500, 100, 900), run(20_700, 100, 95), run(90_100, 100, 7)], true),
            (vec![run(500, 3_000, 90), run(20_700, 3_000, 9)], false),
            (vec![run(500, 1_000, 90), run(20_700, 100, 95)], false),
            (Vec::new(), true),
        ] {
            let (mut load, mut plain) = (Load::default(), Load::default());
            for run in runs {
                load.count_in_rhythm(run);
                (0..run.count).for_each(|index| plain.count_in_second(run.first + run.every.times(index)));
            }
            for _ in 0..2 {
                assert_eq!((load.peak(), format!("{load:?}")), (plain.peak(), format!("{plain:?}")));
                load.settle();
            }
            assert_eq!(load.counted.is_empty(), is_sparse);
            load.count_in_second(Span::from_secs(25));
            plain.count_in_second(Span::from_secs(25));
            assert_eq!((load.peak(), load.per_second()), (plain.peak(), plain.per_second()));
        }
    }
}
