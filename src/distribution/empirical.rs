//! Lengths of time that somebody measured, to draw from.
//!
//! The distribution function is the sample's own, a step at each value: what is drawn is one of the values that were
//! measured, each as likely as every other. Nothing is drawn between two of them or beyond the longest, so the moments of
//! what is drawn are those of the sample, to the last digit.

use crate::seed::Draw;
use crate::time::Span;

/// A sample of lengths of time, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    /// Where it comes from.
    pub origin: Origin,
    /// Shortest first.
    sorted: Box<[Span]>,
    mean_secs: f64,
    second_moment_secs2: f64,
}

/// Where a sample comes from, as a scenario file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The CSV file, relative to the scenario file.
    pub file: String,
    /// The column, by its name in the first row; the first column if there is none.
    pub column: Option<String>,
}

impl Empirical {
    /// A sample of these values, in any order. Without any it is a single zero.
    pub fn new(mut values: Vec<Span>, origin: Origin) -> Self {
        if values.is_empty() {
            values.push(Span::ZERO);
        }
        values.sort_unstable();
        let count = values.len() as f64;
        let sum = |term: fn(f64) -> f64| values.iter().map(|value| term(value.as_secs_f64())).sum::<f64>();
        let (mean_secs, second_moment_secs2) = (sum(|x| x) / count, sum(|x| x * x) / count);
        Self { origin, sorted: values.into(), mean_secs, second_moment_secs2 }
    }

    /// The values, shortest first; at least one.
    pub fn values(&self) -> &[Span] {
        &self.sorted
    }

    /// The value that belongs to a draw: one of the sample, each for an equal share of the draws.
    #[inline]
    pub fn value(&self, draw: Draw) -> Span {
        let index = draw.below(self.sorted.len() as u64) as usize;
        self.sorted.get(index).copied().unwrap_or(Span::ZERO)
    }

    /// The shortest value.
    pub fn min(&self) -> Span {
        self.sorted.first().copied().unwrap_or(Span::ZERO)
    }

    /// The longest value.
    pub fn max(&self) -> Span {
        self.sorted.last().copied().unwrap_or(Span::ZERO)
    }

    /// The shortest value that at least this share of the values, from 0 to 1, do not exceed.
    pub fn quantile(&self, share: f64) -> Span {
        let rank = libm::ceil(share * self.sorted.len() as f64).max(1.0) as usize;
        self.sorted.get(rank - 1).copied().unwrap_or_else(|| self.max())
    }

    /// The mean, in seconds.
    pub const fn mean_secs(&self) -> f64 {
        self.mean_secs
    }

    /// The mean of the square, in square seconds.
    pub const fn second_moment_secs2(&self) -> f64 {
        self.second_moment_secs2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_drawn_is_what_was_measured_each_as_often(
            values in prop::collection::vec(0..5_000_000_000u64, 1..200),
            seed in any::<u64>(),
        ) {
            let spans: Vec<_> = values.iter().copied().map(Span::from_nanos).collect();
            let sample = Empirical::new(spans.clone(), Origin::default());
            prop_assert_eq!(sample.values().len(), spans.len());
            let draws = 20 * spans.len() as u64;
            let draw = |i| sample.value(Seed::new(seed).draw(Purpose::ApiService, [i, 0, 0]));
            for quantile in [0.1, 0.5, 0.9] {
                let limit = sample.quantile(quantile);
                let share = spans.iter().filter(|value| **value <= limit).count() as f64 / spans.len() as f64;
                prop_assert!(share >= quantile);
                let drawn = (0..draws).filter(|i| draw(*i) <= limit).count() as f64 / draws as f64;
                // Five standard errors: hundreds of samples are looked at.
                let error = 5.0 * (share * (1.0 - share) / draws as f64).sqrt();
                prop_assert!((drawn - share).abs() <= error, "{} instead of {}", drawn, share);
            }
            prop_assert!((0..draws).all(|i| spans.contains(&draw(i))));
        }

        #[test]
        fn the_moments_and_the_ends_are_those_of_the_sample(values in prop::collection::vec(0..5_000_000u64, 1..50)) {
            let sample = Empirical::new(values.iter().copied().map(Span::from_micros).collect(), Origin::default());
            let count = values.len() as f64;
            let mean = values.iter().sum::<u64>() as f64 / count / 1e6;
            let square = values.iter().map(|value| (*value as f64 / 1e6) * (*value as f64 / 1e6)).sum::<f64>() / count;
            prop_assert!((sample.mean_secs() - mean).abs() <= 1e-9 * mean);
            prop_assert!((sample.second_moment_secs2() - square).abs() <= 1e-9 * square);
            let ends = (values.iter().min().copied(), values.iter().max().copied());
            prop_assert_eq!(ends, (Some(sample.min().as_nanos() / 1_000), Some(sample.max().as_nanos() / 1_000)));
        }
    }

    #[test]
    fn a_quantile_is_a_value_of_the_sample() {
        let sample = Empirical::new([30, 10, 20, 40].map(Span::from_secs).to_vec(), Origin::default());
        let at = |share| sample.quantile(share).as_secs_f64() as u32;
        assert_eq!([at(0.0), at(0.25), at(0.26), at(0.5), at(0.99), at(1.0)], [10, 10, 20, 20, 40, 40]);
    }
}
