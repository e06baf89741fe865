//! Random lengths of time, sampled by inverting the distribution function.
//!
//! Inversion spends exactly one draw per sample and is monotone in it. Logarithms and exponentials come from the `libm`
//! crate, because those of the standard library differ in the last bits between processors.

use std::sync::Arc;

use crate::seed::Draw;
use crate::time::Span;

mod empirical;

pub use empirical::{Empirical, Origin};

/// The distribution of a length of time. Every parameter is at least zero.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(Span),
    /// Uniform between two bounds.
    Uniform {
        /// The shortest value.
        min: Span,
        /// The longest value.
        max: Span,
    },
    /// Exponential with the given mean.
    Exponential {
        /// The mean.
        mean: Span,
    },
    /// Log-normal, given by two of its quantiles.
    LogNormal {
        /// The value that half of the samples stay below; above zero.
        median: Span,
        /// The value that 99 % of the samples stay below; at least the median.
        p99: Span,
    },
    /// What was measured: each value of a sample is as likely as every other.
    Empirical(Arc<Empirical>),
}

/// The standard normal quantile at 0.99.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

impl Distribution {
    /// A constant of zero.
    pub const ZERO: Self = Self::Constant(Span::ZERO);

    /// The value that belongs to a draw.
    #[inline]
    pub fn sample(&self, draw: Draw) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { min, max } => {
                min + Span::from_nanos(draw.below(max.saturating_sub(min).as_nanos().saturating_add(1)))
            }
            Self::Exponential { mean } => mean.scale(-libm::log(draw.open_unit())),
            Self::LogNormal { median, p99 } => {
                median.scale(libm::exp(sigma(median, p99) * normal_quantile(draw.open_unit())))
            }
            Self::Empirical(ref sample) => sample.value(draw),
        }
    }

    /// Whether every sample is the same; such a distribution needs no draw.
    pub fn is_constant(&self) -> bool {
        match *self {
            Self::Constant(_) => true,
            Self::Uniform { min, max } => min == max,
            Self::Exponential { mean } => mean.is_zero(),
            Self::LogNormal { median, p99 } => median == p99,
            Self::Empirical(ref sample) => sample.min() == sample.max(),
        }
    }

    /// Whether every sample is zero.
    pub fn is_zero(&self) -> bool {
        self.is_constant() && self.min().is_zero()
    }

    /// The mean, in seconds.
    pub fn mean_secs(&self) -> f64 {
        match *self {
            Self::Constant(span) => span.as_secs_f64(),
            Self::Uniform { min, max } => (min.as_secs_f64() + max.as_secs_f64()) / 2.0,
            Self::Exponential { mean } => mean.as_secs_f64(),
            Self::LogNormal { median, p99 } => median.as_secs_f64() * libm::exp(square(sigma(median, p99)) / 2.0),
            Self::Empirical(ref sample) => sample.mean_secs(),
        }
    }

    /// The mean of the square, in square seconds: what queueing formulas ask for.
    pub fn second_moment_secs2(&self) -> f64 {
        let mean = self.mean_secs();
        match *self {
            Self::Constant(_) => mean * mean,
            Self::Uniform { min, max } => mean * mean + square(max.as_secs_f64() - min.as_secs_f64()) / 12.0,
            Self::Exponential { .. } => 2.0 * mean * mean,
            Self::LogNormal { median, p99 } => mean * mean * libm::exp(square(sigma(median, p99))),
            Self::Empirical(ref sample) => sample.second_moment_secs2(),
        }
    }

    /// The shortest value that can come up.
    pub fn min(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { min, .. } => min,
            Self::LogNormal { median, p99 } if p99 <= median => median,
            Self::Empirical(ref sample) => sample.min(),
            Self::Exponential { .. } | Self::LogNormal { .. } => Span::ZERO,
        }
    }

    /// A value that at most one sample in a million exceeds.
    pub fn bound(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { max, .. } => max,
            Self::Exponential { mean } => mean.scale(-libm::log(1e-6)),
            Self::LogNormal { median, p99 } => {
                median.scale(libm::exp(sigma(median, p99) * normal_quantile(1.0 - 1e-6)))
            }
            // A sample has no value that comes up less often than once in a million.
            Self::Empirical(ref sample) => sample.max(),
        }
    }

    /// The variance, in square seconds.
    pub fn variance_secs2(&self) -> f64 {
        (self.second_moment_secs2() - square(self.mean_secs())).max(0.0)
    }
}

const fn square(x: f64) -> f64 {
    x * x
}

/// The standard deviation of the logarithm, from the median and the 99th percentile.
fn sigma(median: Span, p99: Span) -> f64 {
    if median.is_zero() || p99 <= median {
        return 0.0;
    }
    libm::log(p99.as_nanos() as f64 / median.as_nanos() as f64) / NORMAL_P99
}

/// The quantile of the standard normal distribution at `p` in (0, 1), to about 1 part in 10^16.
///
/// Algorithm AS 241 (PPND16) of M. J. Wichura, Applied Statistics 37 (1988) 477-484.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let value = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    if q < 0.0 { -value } else { value }
}

/// Numerator and denominator of a rational approximation, constant term first.
type Coefficients = [[f64; 8]; 2];

fn ratio(x: f64, coefficients: &Coefficients) -> f64 {
    let polynomial = |terms: &[f64; 8]| terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
    polynomial(&coefficients[0]) / polynomial(&coefficients[1])
}

#[allow(clippy::excessive_precision, reason = "the coefficients stand as published")]
const CENTRE: Coefficients = [
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
];

#[allow(clippy::excessive_precision, reason = "the coefficients stand as published")]
const MIDDLE: Coefficients = [
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
];

#[allow(clippy::excessive_precision, reason = "the coefficients stand as published")]
const FAR: Coefficients = [
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    #[test]
    fn the_normal_quantile_inverts_the_normal_distribution_function() {
        for p in [1e-12, 1e-6, 0.001, 0.02, 0.075, 0.3, 0.5, 0.7, 0.925, 0.99, 0.9999, 1.0 - 1e-9] {
            let back = libm::erfc(-normal_quantile(p) / std::f64::consts::SQRT_2) / 2.0;
            assert!((back - p).abs() <= 1e-14 + 1e-10 * p.min(1.0 - p), "p {p} came back as {back}");
        }
    }

    #[test]
    fn samples_have_the_moments_that_are_claimed() {
        let ms = Span::from_millis;
        let cases = [
            Distribution::Constant(ms(20)),
            Distribution::Uniform { min: ms(5), max: ms(50) },
            Distribution::Exponential { mean: ms(30) },
            Distribution::LogNormal { median: ms(5), p99: ms(40) },
            Distribution::Empirical(Arc::new(Empirical::new(vec![ms(9), ms(1), ms(1), ms(250)], Origin::default()))),
        ];
        for distribution in cases {
            let n = 200_000u64;
            let sample = |i| distribution.sample(Seed::new(3).draw(Purpose::HandlerService, [0, i, 0])).as_secs_f64();
            let mean = (0..n).map(sample).sum::<f64>() / n as f64;
            let variance = distribution.variance_secs2();
            let tolerance = 4.0 * (variance.max(0.0) / n as f64).sqrt() + 1e-9;
            assert!((mean - distribution.mean_secs()).abs() <= tolerance, "{distribution:?}: mean {mean}");
            assert!((0..n).all(|i| sample(i) >= distribution.min().as_secs_f64()));
        }
    }

    #[test]
    fn one_in_a_hundred_log_normal_samples_lies_above_the_p99() {
        let distribution = Distribution::LogNormal { median: Span::from_millis(5), p99: Span::from_millis(40) };
        let n = 100_000u64;
        let above = (0..n)
            .filter(|&i| distribution.sample(Seed::new(5).draw(Purpose::ApiService, [i, 0, 0])) > Span::from_millis(40))
            .count() as f64;
        assert!((above - 1_000.0).abs() < 4.0 * (n as f64 * 0.01 * 0.99).sqrt(), "{above} of {n}");
    }
}
