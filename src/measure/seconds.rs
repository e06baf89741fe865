//! Counts for each second of a run.

use std::collections::BTreeMap;

/// A count for each second, from the first on. Most are small, so each takes one byte, and where that runs over the rest is
/// kept apart: a long run in which little happens touches little memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    /// Each count modulo 256.
    low: Vec<u8>,
    /// Where a count is greater, how many times 256 it holds.
    high: BTreeMap<usize, u32>,
}

impl Seconds {
    /// So many seconds without anything in them. Their memory is touched when something is counted.
    pub fn new(seconds: usize) -> Self {
        Self { low: vec![0; seconds], high: BTreeMap::new() }
    }

    /// How many seconds there are.
    pub fn len(&self) -> usize {
        self.low.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// Makes it so many seconds, if there are fewer.
    pub fn reach(&mut self, seconds: usize) {
        if seconds > self.low.len() {
            self.low.resize(seconds, 0);
        }
    }

    /// Counts one in a second; false if there is no such second.
    #[inline]
    pub fn count_one(&mut self, second: usize) -> bool {
        let Some(low) = self.low.get_mut(second) else { return false };
        *low = low.wrapping_add(1);
        if *low == 0 {
            self.carry(second, 1);
        }
        true
    }

    /// Counts so many in a second; nothing if there is no such second.
    pub fn count(&mut self, second: usize, more: u32) {
        let Some(low) = self.low.get_mut(second) else { return };
        let sum = u64::from(*low) + u64::from(more);
        *low = sum as u8;
        // A 32-bit number and a byte are at most 2^24 times 256.
        match (sum >> 8) as u32 {
            0 => {}
            carried => self.carry(second, carried),
        }
    }

    #[cold]
    fn carry(&mut self, second: usize, more: u32) {
        let high = self.high.entry(second).or_default();
        *high = high.saturating_add(more);
    }

    /// Adds the counts of others.
    pub fn merge(&mut self, others: Self) {
        let fewer = if self.len() < others.len() { std::mem::replace(self, others) } else { others };
        for (second, more) in fewer.low.iter().enumerate().filter(|(_, more)| **more > 0) {
            self.count(second, (*more).into());
        }
        fewer.high.into_iter().for_each(|(second, more)| self.carry(second, more));
    }

    /// Each count; one that is too large for its type is the largest there is.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let mut high = self.high.iter().peekable();
        self.low.iter().enumerate().map(move |(second, low)| {
            let high = high.next_if(|(with_high, _)| **with_high == second).map_or(0, |(_, high)| *high);
            high.saturating_mul(256).saturating_add((*low).into())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_plain_sums(
            steps in prop::collection::vec((any::<bool>(), 0usize..12, prop_oneof![Just(1u32), 0u32..600, 0u32..100_000_000]), 0..300),
            lengths in [0usize..12, 0usize..12],
        ) {
            let mut halves = lengths.map(Seconds::new);
            let mut sums = [0u32; 12];
            for (half, second, more) in steps {
                let seconds = &mut halves[usize::from(half)];
                let is_there = second < seconds.len();
                if more == 1 {
                    prop_assert_eq!(seconds.count_one(second), is_there);
                } else {
                    seconds.count(second, more);
                }
                sums[second] = sums[second].saturating_add(if is_there { more } else { 0 });
            }
            let [mut all, other] = halves;
            all.merge(other);
            prop_assert_eq!(all.len(), lengths[0].max(lengths[1]));
            let expected = &sums[..all.len()];
            prop_assert!(all.iter().eq(expected.iter().copied()), "{:?} is not {:?}", all, expected);
            all.reach(20);
            prop_assert_eq!((all.len(), all.iter().skip(12).sum::<u32>()), (20, 0));
        }
    }
}
