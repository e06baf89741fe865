//! Latency histograms that merge without loss.

mod cells;

use cells::Cells;
use hdrhistogram::Counter;

use crate::time::Span;

/// The largest latency told apart, in microseconds: 30 days.
const LONGEST_MICROS: u64 = 30 * 24 * 3_600 * 1_000_000;

/// A point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// A latency in milliseconds.
    pub ms: f64,
    /// The share of latencies that do not exceed it.
    pub quantile: f64,
    /// How many do not exceed it.
    pub count: u64,
}

/// Latencies with their exact count, sum and maximum.
#[derive(Clone)]
pub struct Latencies<C: Counter> {
    /// In microseconds.
    cells: Cells<C>,
    sums: Sums,
}

/// What is known of latencies beside their distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many.
    count: u64,
    nanos: u128,
    longest: Span,
}

impl Sums {
    /// Adds a latency.
    #[inline]
    pub fn add(&mut self, latency: Span) {
        self.count += 1;
        // Fewer than 2^64 of less than 2^64 each.
        self.nanos += u128::from(latency.as_nanos());
        self.longest = self.longest.max(latency);
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.nanos = self.nanos.saturating_add(other.nanos);
        self.longest = self.longest.max(other.longest);
    }
}

impl<C: Counter> Latencies<C> {
    /// An empty histogram from 1 µs to 30 days with so many significant decimal digits, from 1 to 5.
    pub fn new(digits: u8) -> Self {
        Self { cells: Cells::new(digits, LONGEST_MICROS), sums: Sums::default() }
    }

    /// Records one latency; one of more than 30 days counts as 30 days in the quantiles.
    #[inline]
    pub fn record(&mut self, latency: Span) {
        self.mark(latency);
        self.sums.add(latency);
    }

    /// Marks the cell of a latency and gives back the microseconds as which it counts. [`Self::add_sums`] does the rest of
    /// [`Self::record`], for many at a time.
    #[inline]
    pub(super) fn mark(&mut self, latency: Span) -> u64 {
        let micros = (latency.as_nanos().saturating_add(500) / 1_000).max(1);
        self.mark_micros(micros);
        micros
    }

    /// Marks the cell of a latency that counts as so many microseconds.
    #[inline]
    pub(super) fn mark_micros(&mut self, micros: u64) {
        self.cells.record(micros);
    }

    /// Adds the sums of latencies whose cells have been marked.
    #[inline]
    pub(super) fn add_sums(&mut self, sums: &Sums) {
        self.sums.merge(sums);
    }

    /// Adds the latencies of another histogram of the same precision.
    pub fn merge(&mut self, other: &Self) {
        self.cells.add(&other.cells);
        self.sums.merge(&other.sums);
    }

    /// How many latencies there are.
    pub fn count(&self) -> u64 {
        self.sums.count
    }

    /// Their exact sum in nanoseconds.
    pub const fn sum_nanos(&self) -> u128 {
        self.sums.nanos
    }

    /// Their exact mean in milliseconds; none without latencies.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sums.nanos as f64 / self.count() as f64 / 1e6)
    }

    /// The latency in milliseconds that the share `quantile` of them does not exceed (nearest rank, to three digits).
    ///
    /// None where there are too few for a value of that rank to say anything: fewer than 1 / (1 - quantile).
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let enough = (self.count() as f64) * (1.0 - quantile) >= 1.0 - 1e-9;
        // A cell of the histogram reaches a little beyond the longest of what fell into it.
        (self.count() > 0 && enough).then(|| self.value_at(quantile).min(self.max_ms().unwrap_or(f64::MAX)))
    }

    /// The latency in milliseconds at a quantile, however few there are; 0 without any.
    pub fn value_at(&self, quantile: f64) -> f64 {
        self.cells.value_at(quantile.clamp(0.0, 1.0)) as f64 / 1e3
    }

    /// How many exceed so many milliseconds.
    pub fn count_above(&self, ms: f64) -> u64 {
        self.cells.count_behind(libm::round(ms * 1e3) as u64)
    }

    /// The longest, exactly, in milliseconds; none without latencies.
    pub fn max_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sums.longest.as_millis_f64())
    }

    /// Their standard deviation in milliseconds, to the precision of the cells; none without latencies.
    pub fn deviation_ms(&self) -> Option<f64> {
        self.cells.original().filter(|_| self.count() > 0).map(|original| original.stdev() / 1e3)
    }

    /// The distribution, in so many steps from one halving of the rest to the next; empty without latencies.
    pub fn distribution(&self, steps_per_halving: u32) -> Vec<Step> {
        let Some(original) = self.cells.original().filter(|_| self.count() > 0) else { return Vec::new() };
        let longest = self.max_ms().unwrap_or(0.0);
        let mut count = 0;
        let steps = original.iter_quantiles(steps_per_halving.max(1)).map(|step| {
            count += step.count_since_last_iteration();
            // A cell reaches a little beyond the longest of what fell into it.
            let ms = (step.value_iterated_to() as f64 / 1e3).min(longest);
            Step { ms, quantile: step.quantile_iterated_to(), count }
        });
        steps.collect()
    }

    /// How many doublings the cells reach over, and how many cells each of them has.
    pub fn buckets(&self) -> (u64, u64) {
        self.cells.layout()
    }

    /// The non-empty cells as pairs of value in microseconds and count, shortest first.
    pub fn cells(&self) -> impl Iterator<Item = (u64, u64)> {
        self.cells.filled()
    }
}

impl<C: Counter> std::fmt::Debug for Latencies<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cells: Vec<_> = self.cells().collect();
        f.debug_struct("Latencies")
            .field("cells", &cells)
            .field("sum_nanos", &self.sums.nanos)
            .field("longest", &self.sums.longest)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_that_the_sample_cannot_support_are_left_empty() {
        let mut latencies = Latencies::<u64>::new(3);
        assert_eq!((latencies.mean_ms(), latencies.quantile_ms(0.5), latencies.max_ms()), (None, None, None));
        for ms in 1..=99 {
            latencies.record(Span::from_millis(ms));
        }
        assert_eq!(latencies.quantile_ms(0.99), None);
        latencies.record(Span::from_millis(100));
        assert!((latencies.quantile_ms(0.99).unwrap_or(0.0) - 99.0).abs() < 0.1);
        assert_eq!(latencies.mean_ms(), Some(50.5));
        assert_eq!(latencies.quantile_ms(0.999), None);
    }

    #[test]
    fn merging_is_the_same_as_recording_together() {
        let [mut a, mut b, mut both] = [(); 3].map(|()| Latencies::<u64>::new(3));
        for i in 1..1_000u64 {
            let span = Span::from_nanos(i * i * 997);
            if i % 3 == 0 {
                a.record(span)
            } else {
                b.record(span)
            }
            both.record(span);
        }
        a.merge(&b);
        assert_eq!(a.sum_nanos(), both.sum_nanos());
        assert!(a.cells().eq(both.cells()));
    }

    #[test]
    fn a_latency_beyond_thirty_days_is_kept_at_the_end_of_the_scale() {
        let mut latencies = Latencies::<u64>::new(3);
        latencies.record(Span::from_secs(365 * 24 * 3_600));
        latencies.record(Span::ZERO);
        assert_eq!(latencies.count(), 2);
        assert!((latencies.value_at(1.0) / 2.592e9 - 1.0).abs() < 1e-3);
        assert_eq!(latencies.max_ms(), Some(365.0 * 86_400_000.0));
    }
}
