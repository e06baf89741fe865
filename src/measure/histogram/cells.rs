//! The cells of a log-linear histogram, and which of them a value falls into.
//!
//! The layout is that of HdrHistogram: cells are one wide up to a power of two, as wide as two up to the next, as four up to
//! the one after that, and so on. It is kept here because a value is taken down for every event, and finding its cell then
//! takes a shift and a sum.

use hdrhistogram::{Counter, Histogram};

/// Counts of values from 1 up to a largest.
#[derive(Clone, Debug)]
pub(super) struct Cells<C> {
    /// The binary digits of a value that tell it from others, the first not counted.
    precision: u32,
    /// The largest value that is told apart; larger ones count as this.
    largest: u64,
    /// The significant decimal digits of a value.
    digits: u8,
    counts: Vec<C>,
}

impl<C: Counter> Cells<C> {
    /// Empty cells for values up to `largest`, told apart by so many significant decimal digits, from 1 to 5.
    pub(super) fn new(digits: u8, largest: u64) -> Self {
        // Single values up to 2 * 10^digits have cells of their own, as far as the power of two from there.
        let digits = digits.clamp(1, 5);
        let single = (2 * 10u64.pow(digits.into())).next_power_of_two();
        let precision = single.ilog2() - 1;
        let mut cells = Self { precision, largest, digits, counts: Vec::new() };
        let doublings = cells.doublings(largest);
        cells.counts = vec![C::zero(); (doublings as usize + 2) << precision];
        cells
    }

    /// Counts a value.
    #[inline]
    pub(super) fn record(&mut self, value: u64) {
        let index = self.index(value);
        let index = if index < self.counts.len() { index } else { self.index(self.largest) };
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(C::one());
        }
    }

    /// Adds the counts of others of the same layout.
    pub(super) fn add(&mut self, others: &Self) {
        debug_assert_eq!(
            (self.precision, self.largest),
            (others.precision, others.largest),
            "the layouts are the same"
        );
        for (mine, theirs) in self.counts.iter_mut().zip(&others.counts) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// How many values have been counted.
    fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum: u64, count| sum.saturating_add(count.as_u64()))
    }

    /// The largest value of the cell that holds the value of this rank: the share of them from 0 to 1 that does not exceed
    /// it. 0 without any.
    pub(super) fn value_at(&self, quantile: f64) -> u64 {
        let rank = (libm::ceil(quantile * self.total() as f64) as u64).max(1);
        let mut sum = 0;
        for (count, index) in self.counts.iter().zip(0..) {
            sum += count.as_u64();
            if sum >= rank {
                return if quantile == 0.0 { self.first_of(index) } else { self.last_of(index) };
            }
        }
        0
    }

    /// How many values lie in cells behind that of a value.
    pub(super) fn count_behind(&self, value: u64) -> u64 {
        // What lies beyond the last cell was counted in it.
        let behind = (self.index(value) + 1).min(self.counts.len().saturating_sub(1));
        self.counts.iter().skip(behind).fold(0, |sum: u64, count| sum.saturating_add(count.as_u64()))
    }

    /// The cells that are not empty, as pairs of the largest value and the count.
    pub(super) fn filled(&self) -> impl Iterator<Item = (u64, u64)> {
        let filled = self.counts.iter().zip(0..).filter(|(count, _)| **count != C::zero());
        filled.map(|(count, index)| (self.last_of(index), count.as_u64()))
    }

    /// How many doublings the cells reach over, and how many single values the first of them tell apart.
    pub(super) const fn layout(&self) -> (u64, u64) {
        (self.doublings(self.largest) as u64 + 1, 2 << self.precision)
    }

    /// The same counts as an HdrHistogram; none if it refuses them, which it does for no layout that there is.
    pub(super) fn original(&self) -> Option<Histogram<u64>> {
        let mut original = Histogram::new_with_bounds(1, self.largest, self.digits).ok()?;
        self.filled().for_each(|(value, count)| original.saturating_record_n(value, count));
        Some(original)
    }

    /// The cell of a value.
    #[inline]
    fn index(&self, value: u64) -> usize {
        let doublings = self.doublings(value);
        ((doublings as usize) << self.precision) + (value >> doublings) as usize
    }

    /// How often the width of the cells has doubled at a value.
    #[inline]
    const fn doublings(&self, value: u64) -> u32 {
        (value | ((2 << self.precision) - 1)).ilog2() - self.precision
    }

    /// The smallest value of a cell.
    const fn first_of(&self, index: usize) -> u64 {
        let doublings = (index >> self.precision).saturating_sub(1);
        ((index - (doublings << self.precision)) as u64) << doublings
    }

    /// The largest value of a cell.
    const fn last_of(&self, index: usize) -> u64 {
        self.first_of(index + 1) - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LARGEST: u64 = 2_592_000_000_000;

    proptest! {
        /// Every figure is the one that HdrHistogram itself gives.
        #[test]
        fn the_cells_are_those_of_the_original(
            digits in 1u8..=5,
            values in prop::collection::vec((1u64..=u64::MAX, 0u32..63).prop_map(|(value, shift)| (value >> shift).max(1)), 0..300),
            quantile in 0.0..=1.0,
            bound in (any::<u64>(), 0u32..63).prop_map(|(value, shift)| value >> shift),
        ) {
            let (mut cells, mut halves) = (Cells::<u64>::new(digits, LARGEST), [(); 2].map(|()| Cells::<u32>::new(digits, LARGEST)));
            let mut original = Histogram::<u64>::new_with_bounds(1, LARGEST, digits).expect("the bounds are valid");
            for (value, index) in values.iter().zip(0..) {
                cells.record(*value);
                halves[index % 2].record(*value);
                original.saturating_record(*value);
            }
            let [mut merged, half] = halves;
            merged.add(&half);
            prop_assert_eq!(cells.total(), original.len());
            for quantile in [0.0, quantile, 0.5, 0.99, 1.0] {
                prop_assert_eq!(cells.value_at(quantile), original.value_at_quantile(quantile));
                prop_assert_eq!(merged.value_at(quantile), original.value_at_quantile(quantile));
            }
            let behind = original.count_between(original.next_non_equivalent(bound), u64::MAX);
            prop_assert_eq!(cells.count_behind(bound), behind);
            let filled: Vec<_> = original.iter_recorded().map(|cell| (cell.value_iterated_to(), cell.count_at_value())).collect();
            prop_assert!(cells.filled().eq(filled.iter().copied()));
            prop_assert!(merged.filled().eq(filled));
            let same = cells.original();
            prop_assert_eq!(same.as_ref(), Some(&original));
            let single = 2_u64 * 10_u64.pow(digits.into());
            prop_assert_eq!(cells.layout(), (original.buckets().into(), single.next_power_of_two()));
        }
    }
}
