//! What independent repetitions of a run say of a figure: its mean, its spread, and how sure the mean is.
//!
//! Each repetition gives one value. The values are independent whatever happens within a run, so that Student's t interval
//! of their mean holds the truth as often as it says, if the values are not too far from normal: means and shares of a run are
//! sums of many things and come close to that by themselves.

use crate::measure::statistics::student_t_975;

/// The mean of a figure over repetitions, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How many repetitions have a value; at least one.
    pub n: u32,
    /// The mean of these values.
    pub mean: f64,
    /// Their standard deviation (with n - 1); none of a single value.
    pub standard_deviation: Option<f64>,
    /// Half of the width of the 95 % confidence interval of the mean (Student's t with n - 1 degrees of freedom); none of a
    /// single value.
    pub half_width: Option<f64>,
}

impl Estimate {
    /// The estimate from the values of repetitions, in their order; none without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let first = *values.first()?;
        let n = u32::try_from(values.len()).ok()?;
        if n == 1 {
            return Some(Self { n, mean: first, standard_deviation: None, half_width: None });
        }
        // Rounding gives values that are all the same neither another mean nor a spread.
        if values.iter().all(|value| *value == first) {
            return Some(Self { n, mean: first, standard_deviation: Some(0.0), half_width: Some(0.0) });
        }
        let count = f64::from(n);
        let mean = sum(values.iter().copied()) / count;
        let squares = sum(values.iter().map(|value| (value - mean) * (value - mean)));
        let deviation = (squares / (count - 1.0)).sqrt();
        Some(Self { n, mean, standard_deviation: Some(deviation), half_width: Some(half_width(n, deviation)) })
    }

    /// The 95 % confidence interval of the mean; none of a single value.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width.map(|half| (self.mean - half, self.mean + half))
    }

    /// Half of the width of the interval as a share of the mean. It is 0 of values that are all the same, whatever they are,
    /// and none where there is no interval or the mean is 0.
    pub fn relative_half_width(&self) -> Option<f64> {
        match self.half_width? {
            0.0 => Some(0.0),
            half => Some(half / self.mean.abs()).filter(|share| share.is_finite()),
        }
    }
}

/// Half of the width of the 95 % interval of the mean of `n` values with that standard deviation.
fn half_width(n: u32, deviation: f64) -> f64 {
    student_t_975(n as usize - 1) * deviation / f64::from(n).sqrt()
}

/// A figure of two clients, repetition by repetition. Both have met the same events and the same luck each time, so that what
/// they have in common cancels out (common random numbers).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// The mean of the baseline over the repetitions in which both have a value.
    pub baseline: f64,
    /// The mean of the client over the same.
    pub client: f64,
    /// Client less baseline.
    pub difference: Estimate,
    /// Client divided by baseline; none where the baseline is 0.
    pub ratio: Option<RatioEstimate>,
}

/// The ratio of two means, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioEstimate {
    /// Mean divided by mean.
    pub ratio: f64,
    /// Half of the width of its 95 % interval; none of a single pair.
    pub half_width: Option<f64>,
}

impl RatioEstimate {
    /// The 95 % interval; none of a single pair.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width.map(|half| (self.ratio - half, self.ratio + half))
    }
}

impl Paired {
    /// The pair from values of the baseline and of the client, in the order of the repetitions; none without any.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let of = |value: fn(&(f64, f64)) -> f64| Estimate::of(&pairs.iter().map(value).collect::<Vec<_>>());
        let (baseline, client) = (of(|pair| pair.0)?.mean, of(|pair| pair.1)?.mean);
        let difference = of(|pair| pair.1 - pair.0)?;
        let ratio = (baseline != 0.0).then(|| {
            let ratio = client / baseline;
            // By how much each repetition pulls the ratio up or down (delta method).
            let residuals: Vec<f64> =
                pairs.iter().map(|(baseline_value, value)| (value - ratio * baseline_value) / baseline).collect();
            RatioEstimate { ratio, half_width: Estimate::of(&residuals).and_then(|estimate| estimate.half_width) }
        });
        Some(Self { baseline, client, difference, ratio })
    }
}

/// A sum that does not lose small terms beside large ones (Neumaier 1974), in the order of its terms.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_published_example_comes_out() {
        // Ten trials of an M/M/1 queue in the tutorial of Ciw, a simulator of queues.
        let trials = [3.91950, 4.34163, 4.61779, 5.33537, 5.06224, 2.90274, 4.93209, 17.95093, 4.06136, 3.14126];
        let estimate = Estimate::of(&trials).unwrap();
        assert_eq!(estimate.n, 10);
        assert!((estimate.mean - 5.626_491).abs() < 1e-6);
        assert!((estimate.standard_deviation.unwrap() - 4.402_072).abs() < 1e-6);
        assert!((estimate.half_width.unwrap() - 3.149_052).abs() < 1e-3);
    }

    #[test]
    fn values_that_are_all_the_same_are_exact() {
        let estimate = Estimate::of(&[0.1; 7]).unwrap();
        assert_eq!((estimate.mean, estimate.standard_deviation, estimate.half_width), (0.1, Some(0.0), Some(0.0)));
        assert_eq!((estimate.interval(), estimate.relative_half_width()), (Some((0.1, 0.1)), Some(0.0)));
        assert_eq!(Estimate::of(&[0.0; 3]).unwrap().relative_half_width(), Some(0.0));
        assert_eq!(Estimate::of(&[5.0]).unwrap().interval(), None);
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[-1.0, 1.0]).unwrap().relative_half_width(), None, "a share of nothing");
    }

    #[test]
    fn what_two_clients_have_in_common_cancels_out() {
        let pairs: Vec<_> = (0..8).map(|i| (f64::from(i * i), f64::from(i * i) + 2.0)).collect();
        let paired = Paired::of(&pairs).unwrap();
        assert_eq!((paired.difference.mean, paired.difference.half_width), (2.0, Some(0.0)));
        let doubled: Vec<_> = (1..8).map(|i| (f64::from(i * i), f64::from(2 * i * i))).collect();
        let ratio = Paired::of(&doubled).unwrap().ratio.unwrap();
        assert_eq!(ratio.interval(), Some((2.0, 2.0)));
        assert_eq!(Paired::of(&[(0.0, 3.0), (0.0, 4.0)]).unwrap().ratio, None);
        assert_eq!(Paired::of(&[(2.0, 3.0)]).unwrap().ratio.unwrap().interval(), None);
    }

    proptest! {
        #[test]
        fn shifting_and_scaling_do_what_they_should(
            values in prop::collection::vec(-1e3..1e3f64, 2..20), shift in -1e3..1e3f64, scale in 0.1..10.0f64,
        ) {
            let estimate = Estimate::of(&values).unwrap();
            let moved: Vec<_> = values.iter().map(|value| value * scale + shift).collect();
            let moved = Estimate::of(&moved).unwrap();
            prop_assert!((moved.mean - (estimate.mean * scale + shift)).abs() < 1e-6);
            prop_assert!((moved.half_width.unwrap() - estimate.half_width.unwrap() * scale).abs() < 1e-6);
            let (low, high) = estimate.interval().unwrap();
            prop_assert!(low <= estimate.mean && estimate.mean <= high);
        }
    }
}
