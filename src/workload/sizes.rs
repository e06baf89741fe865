//! How big a payload is.

use crate::distribution::normal_quantile;
use crate::seed::Draw;

/// The most bytes that a payload may have.
pub const PAYLOAD_MAX: u32 = 1 << 20;

/// The distribution of a number of bytes, sampled by inverting its distribution function. What would be larger than the
/// greatest size has the greatest size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SizeDistribution {
    /// Always the same.
    Constant(u32),
    /// Uniform between two bounds, both of them included.
    Uniform {
        /// The smallest size.
        min: u32,
        /// The greatest size; at least the smallest.
        max: u32,
    },
    /// Exponential, up to a greatest size.
    Exponential {
        /// The mean that it would have without a greatest size.
        mean: u32,
        /// The greatest size.
        max: u32,
    },
    /// Log-normal, given by two of its quantiles, up to a greatest size.
    LogNormal {
        /// The size that half of the samples stay below; above zero.
        median: u32,
        /// The size that 99 % of the samples stay below; at least the median.
        p99: u32,
        /// The greatest size.
        max: u32,
    },
}

impl SizeDistribution {
    /// The size that belongs to a draw, in bytes.
    pub fn sample(&self, draw: Draw) -> u32 {
        let up_to = |max: u32, bytes: f64| (libm::round(bytes) as u32).min(max);
        match *self {
            Self::Constant(bytes) => bytes,
            // `below` the width of an interval of u32 fits a u32.
            Self::Uniform { min, max } => min + draw.below(u64::from(max.saturating_sub(min)) + 1) as u32,
            Self::Exponential { mean, max } => up_to(max, f64::from(mean) * -libm::log(draw.open_unit())),
            Self::LogNormal { median, p99, max } => {
                let exponent = sigma(median, p99) * normal_quantile(draw.open_unit());
                up_to(max, f64::from(median) * libm::exp(exponent))
            }
        }
    }

    /// The greatest size in bytes that can come up.
    pub const fn max(&self) -> u32 {
        match *self {
            Self::Constant(max)
            | Self::Uniform { max, .. }
            | Self::Exponential { max, .. }
            | Self::LogNormal { max, .. } => max,
        }
    }

    /// The smallest size in bytes that can come up.
    pub fn min(&self) -> u32 {
        match *self {
            Self::Constant(min) | Self::Uniform { min, .. } => min,
            Self::Exponential { .. } => 0,
            Self::LogNormal { median, p99, max } => {
                if p99 <= median {
                    median.min(max)
                } else {
                    0
                }
            }
        }
    }

    /// The mean in bytes, but for the rounding to whole ones.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Constant(bytes) => bytes.into(),
            Self::Uniform { min, max } => (f64::from(min) + f64::from(max)) / 2.0,
            Self::Exponential { mean: 0, .. } => 0.0,
            Self::Exponential { mean, max } => f64::from(mean) * -libm::expm1(-f64::from(max) / f64::from(mean)),
            Self::LogNormal { median, p99, max } if p99 <= median => median.min(max).into(),
            Self::LogNormal { median, p99, max } => {
                // E min(X, c) = E X Φ(z - σ) + c (1 - Φ(z)), z being the number of deviations from the median to c.
                let (median, sigma) = (f64::from(median), sigma(median, p99));
                let z = libm::log(f64::from(max) / median) / sigma;
                let below = |z: f64| libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0;
                median * libm::exp(sigma * sigma / 2.0) * below(z - sigma) + f64::from(max) * below(-z)
            }
        }
    }
}

/// The standard deviation of the logarithm, from the median and the 99th percentile.
fn sigma(median: u32, p99: u32) -> f64 {
    libm::log(f64::from(p99.max(median)) / f64::from(median.max(1))) / normal_quantile(0.99)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    #[test]
    fn sizes_have_the_mean_and_the_bounds_that_are_claimed() {
        let laws = [
            SizeDistribution::Constant(700),
            SizeDistribution::Uniform { min: 1_024, max: 4_096 },
            SizeDistribution::Uniform { min: 9, max: 9 },
            SizeDistribution::Exponential { mean: 2_000, max: 1 << 20 },
            SizeDistribution::Exponential { mean: 2_000, max: 3_000 },
            SizeDistribution::LogNormal { median: 2_000, p99: 60_000, max: 1 << 20 },
            SizeDistribution::LogNormal { median: 2_000, p99: 60_000, max: 4_000 },
            SizeDistribution::LogNormal { median: 300, p99: 300, max: 4_000 },
        ];
        for law in laws {
            let n = 200_000u64;
            let samples: Vec<f64> =
                (0..n).map(|i| f64::from(law.sample(Seed::new(3).draw(Purpose::PayloadSize, [0, i, 0])))).collect();
            let mean = samples.iter().sum::<f64>() / n as f64;
            let variance = samples.iter().map(|size| (size - mean) * (size - mean)).sum::<f64>() / (n - 1) as f64;
            // Half a byte more, for the rounding at the ends.
            let error = 4.0 * (variance / n as f64).sqrt() + 0.5;
            assert!((mean - law.mean()).abs() <= error, "{law:?}: mean {mean}, not {}", law.mean());
            let (least, most) = samples.iter().fold((f64::MAX, 0.0f64), |(a, b), size| (a.min(*size), b.max(*size)));
            assert!(least >= f64::from(law.min()) && most <= f64::from(law.max()), "{law:?}: {least} to {most}");
        }
    }

    #[test]
    fn one_in_a_hundred_is_larger_than_the_p99() {
        let law = SizeDistribution::LogNormal { median: 1_000, p99: 20_000, max: PAYLOAD_MAX };
        let n = 100_000u64;
        let above =
            (0..n).filter(|&i| law.sample(Seed::new(5).draw(Purpose::PayloadSize, [i, 0, 0])) > 20_000).count() as f64;
        assert!((above - 1_000.0).abs() < 4.0 * (n as f64 * 0.01 * 0.99).sqrt(), "{above} of {n}");
    }
}
