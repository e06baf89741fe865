//! How many events occur at the same instant.

use crate::seed::Draw;

/// The most events that a batch may be given to have. A geometric batch has no greatest size, but a draw never gives it
/// more than 40 times its mean.
pub const BATCH_MAX: u32 = 10_000;

/// The distribution of the number of events at an instant, which is never none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BatchSize {
    /// Always the same; above zero.
    Constant(u32),
    /// Geometric: after each event another one follows with the same probability.
    Geometric {
        /// The mean; at least 1.
        mean: f64,
    },
    /// A Pareto law in whole numbers: N >= n with probability (scale / n)^shape, or 1 where that is more, for n from 2 up to
    /// the greatest size.
    Pareto {
        /// The mean; at least 1 and at most the greatest size.
        mean: f64,
        /// The exponent of the tail, above zero; at 2 and below the scatter is as large as the greatest size allows.
        shape: f64,
        /// The greatest size; above zero.
        max: u32,
        /// The scale that gives the mean.
        scale: f64,
    },
}

impl BatchSize {
    /// One event at a time.
    pub const SINGLE: Self = Self::Constant(1);

    /// The Pareto law with this mean, exponent and greatest size.
    pub fn pareto(mean: f64, shape: f64, max: u32) -> Self {
        let (mut low, mut high) = (0.0, f64::from(max));
        // The mean grows with the scale; sixty halvings leave no digit open.
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            let reached: f64 = (1..=max).map(|n| pareto_reaches(n, shape, middle)).sum();
            if reached < mean {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self::Pareto { mean, shape, max, scale: high }
    }

    /// The size that belongs to a draw; at least 1.
    pub fn sample(&self, draw: Draw) -> u32 {
        match *self {
            Self::Constant(size) => size,
            Self::Geometric { mean } if mean <= 1.0 => 1,
            Self::Geometric { mean } => {
                let more = libm::log(draw.open_unit()) / libm::log1p(-1.0 / mean);
                (libm::floor(more) as u32).saturating_add(1)
            }
            Self::Pareto { shape, max, scale, .. } => {
                let size = scale * libm::pow(draw.open_unit(), -1.0 / shape);
                (libm::floor(size) as u32).clamp(1, max)
            }
        }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Constant(size) => size.into(),
            Self::Geometric { mean } | Self::Pareto { mean, .. } => mean,
        }
    }

    /// Whether events never share an instant.
    pub const fn is_single(&self) -> bool {
        matches!(self, Self::Constant(1))
    }

    /// The probability that a batch has at least `size` events.
    pub fn reaches(&self, size: u32) -> f64 {
        match *self {
            _ if size <= 1 => 1.0,
            Self::Constant(constant) => f64::from(u8::from(size <= constant)),
            Self::Geometric { mean } => libm::pow(1.0 - 1.0 / mean, f64::from(size - 1)),
            Self::Pareto { max, .. } if size > max => 0.0,
            Self::Pareto { shape, scale, .. } => pareto_reaches(size, shape, scale),
        }
    }
}

fn pareto_reaches(size: u32, shape: f64, scale: f64) -> f64 {
    if size <= 1 { 1.0 } else { libm::pow(scale / f64::from(size), shape).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    #[test]
    fn batches_have_the_mean_and_the_tail_that_are_claimed() {
        let laws = [
            BatchSize::Geometric { mean: 3.0 },
            BatchSize::Geometric { mean: 1.25 },
            BatchSize::pareto(5.0, 1.5, 1_000),
            BatchSize::pareto(1.5, 0.8, 200),
            BatchSize::pareto(40.0, 2.5, 10_000),
        ];
        for law in laws {
            let n = 200_000u64;
            let sizes: Vec<u32> =
                (0..n).map(|i| law.sample(Seed::new(3).draw(Purpose::BatchSize, [0, i, 0]))).collect();
            let mean = sizes.iter().map(|size| f64::from(*size)).sum::<f64>() / n as f64;
            let largest = 40 * BATCH_MAX;
            let second: f64 = (1..largest)
                .map(|size| (f64::from(size) * 2.0 - 1.0) * law.reaches(size))
                .take_while(|term| *term > 1e-12)
                .sum();
            let error = ((second - law.mean() * law.mean()) / n as f64).sqrt();
            assert!((mean - law.mean()).abs() < 4.0 * error, "{law:?}: mean {mean} ± {error}");
            for size in [2, 5, 20, 100, 1_000] {
                let (p, above) = (law.reaches(size), sizes.iter().filter(|other| **other >= size).count() as f64);
                let error = (n as f64 * p * (1.0 - p)).sqrt();
                // A hair more than nothing, for a tail that is too thin to be seen.
                assert!((above - n as f64 * p).abs() <= 4.0 * error + 1.0, "{law:?}: {above} of at least {size}");
            }
            assert!(sizes.iter().all(|size| *size >= 1));
        }
    }

    #[test]
    fn the_ends_of_what_a_mean_may_be_are_reached() {
        let reached = |law: &BatchSize| (1..=50).map(|size| law.reaches(size)).sum::<f64>();
        for mean in [1.0, 1.001, 25.0, 49.9, 50.0] {
            let law = BatchSize::pareto(mean, 1.5, 50);
            assert!((reached(&law) - mean).abs() < 1e-9, "{mean}: {}", reached(&law));
        }
    }
}
