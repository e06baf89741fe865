//! What independent repetitions of a run say of a figure: its mean, its spread, and how sure the mean is.
//!
//! Each repetition gives one value, or, where the figure is a quotient, a sum and what it is divided by. Repetitions are
//! independent whatever happens within a run, so that Student's t interval holds the truth as often as it says, if the values
//! are not too far from normal: means and shares of a run are sums of many things and come close to that by themselves. The
//! interval of a quotient of sums is that of what each repetition pulls it up or down by (delta method).

use crate::measure::statistics::student_t_975;

/// Repetitions that differ by less than this share of their mean differ by rounding alone.
const ROUNDING: f64 = 1e-12;

/// What a repetition adds to a figure: the figure is the sum of these sums, divided by the sum of what each counts for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// What is summed.
    pub sum: f64,
    /// What it counts for.
    pub of: f64,
}

impl From<f64> for Part {
    /// A value that counts as much as that of any other repetition.
    fn from(value: f64) -> Self {
        Self { sum: value, of: 1.0 }
    }
}

impl Part {
    /// Nothing, divided by nothing.
    pub const NONE: Self = Self { sum: 0.0, of: 0.0 };

    fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

/// The mean of a figure over repetitions, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How many repetitions say something of it; at least one.
    pub n: u32,
    /// The mean of their values, or the quotient of their sums.
    pub mean: f64,
    /// The standard deviation of the values (with n - 1), or of what each repetition by itself pulls the quotient to; none of a
    /// single one.
    pub standard_deviation: Option<f64>,
    /// Half of the width of the 95 % confidence interval of the mean (Student's t with n - 1 degrees of freedom); none of a
    /// single value.
    pub half_width: Option<f64>,
}

impl Estimate {
    /// The estimate from the values of repetitions, in their order; none without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        Self::of_parts(&values.iter().copied().map(Part::from).collect::<Vec<_>>())
    }

    /// The estimate of a quotient of sums from the part of each repetition, in their order; none where there is nothing to divide
    /// by. Repetitions of nothing do not count.
    pub fn of_parts(parts: &[Part]) -> Option<Self> {
        let parts: Vec<Part> = parts.iter().copied().filter(|part| !part.is_none()).collect();
        let (mean, residuals) = linearised(&parts)?;
        Self::around(mean, &residuals, mean.abs())
    }

    /// The estimate of a mean from what each repetition pulls it up or down by, where values are about as large as `scale`.
    fn around(mean: f64, residuals: &[f64], scale: f64) -> Option<Self> {
        let n = u32::try_from(residuals.len()).ok().filter(|n| *n > 0)?;
        let deviation = (n > 1).then(|| deviation(residuals, scale));
        Some(Self { n, mean, standard_deviation: deviation, half_width: deviation.map(|spread| half_width(n, spread)) })
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

/// A quotient of sums, and by how much each repetition pulls it up or down; none where there is nothing to divide by.
fn linearised(parts: &[Part]) -> Option<(f64, Vec<f64>)> {
    let all = sum(parts.iter().map(|part| part.of));
    let first = parts.first().filter(|_| all > 0.0)?;
    // Rounding gives values that are all the same neither another mean nor a spread.
    let is_same = parts.iter().all(|part| part == first);
    let mean = if is_same { first.sum / first.of } else { sum(parts.iter().map(|part| part.sum)) / all };
    let each = all / parts.len() as f64;
    let pull = |part: &Part| if is_same { 0.0 } else { (part.sum - mean * part.of) / each };
    Some((mean, parts.iter().map(pull).collect()))
}

/// The standard deviation of residuals (with n - 1), of values about as large as `scale`.
fn deviation(residuals: &[f64], scale: f64) -> f64 {
    if residuals.iter().all(|residual| residual.abs() <= ROUNDING * scale) {
        return 0.0;
    }
    let count = residuals.len() as f64;
    let mean = sum(residuals.iter().copied()) / count;
    let squares = sum(residuals.iter().map(|residual| (residual - mean) * (residual - mean)));
    (squares / (count - 1.0)).sqrt()
}

/// Half of the width of the 95 % interval of the mean of `n` values with that standard deviation.
fn half_width(n: u32, deviation: f64) -> f64 {
    student_t_975(n as usize - 1) * deviation / f64::from(n).sqrt()
}

/// A figure of two clients, repetition by repetition. Both have met the same events and the same luck each time, so that what
/// they have in common cancels out (common random numbers).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// The mean of the baseline over the repetitions in which both are known.
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
        Self::of_parts(
            &pairs.iter().map(|(baseline, client)| ((*baseline).into(), (*client).into())).collect::<Vec<_>>(),
        )
    }

    /// The pair of two quotients of sums from the parts of the baseline and of the client, in the order of the repetitions; none
    /// where there is nothing to divide by. Repetitions of nothing do not count.
    pub fn of_parts(pairs: &[(Part, Part)]) -> Option<Self> {
        let known = pairs.iter().filter(|(baseline, client)| !baseline.is_none() || !client.is_none());
        let (baselines, clients): (Vec<Part>, Vec<Part>) = known.copied().unzip();
        let (baseline, of_baseline) = linearised(&baselines)?;
        let (client, of_client) = linearised(&clients)?;
        let pulls = || of_baseline.iter().zip(&of_client);
        let scale = baseline.abs().max(client.abs());
        let residuals: Vec<f64> = pulls().map(|(baseline, client)| client - baseline).collect();
        let difference = Estimate::around(client - baseline, &residuals, scale)?;
        let ratio = (baseline != 0.0).then(|| {
            let ratio = client / baseline;
            // By how much each repetition pulls the ratio up or down (delta method).
            let residuals: Vec<f64> =
                pulls().map(|(of_baseline, of_client)| (of_client - ratio * of_baseline) / baseline).collect();
            let estimate = Estimate::around(ratio, &residuals, ratio.abs());
            RatioEstimate { ratio, half_width: estimate.and_then(|estimate| estimate.half_width) }
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

    #[test]
    fn a_quotient_is_that_of_the_sums_and_counts_repetitions_that_have_nothing_to_divide_by() {
        // Sixty polls an hour, whether there are events or not.
        let parts = [(60.0, 3.0), (60.0, 0.0), (60.0, 6.0), (60.0, 1.0)].map(|(sum, of)| Part { sum, of });
        let estimate = Estimate::of_parts(&parts).unwrap();
        assert_eq!((estimate.n, estimate.mean), (4, 24.0));
        // Each pulls by (60 - 24 events) / 2.5.
        let pulls = [-12.0, 60.0, -84.0, 36.0].map(|pull: f64| pull / 2.5);
        let by_hand = (pulls.iter().map(|pull| pull * pull).sum::<f64>() / 3.0).sqrt();
        assert!((estimate.standard_deviation.unwrap() - by_hand).abs() < 1e-9);
        assert_eq!(Estimate::of_parts(&[Part { sum: 60.0, of: 0.0 }]), None, "nothing to divide by");
        assert_eq!(Estimate::of_parts(&[Part::NONE; 3]), None);
        let with_nothing = [parts.as_slice(), &[Part::NONE]].concat();
        assert_eq!(Estimate::of_parts(&with_nothing), Some(estimate), "nothing says nothing");
    }

    #[test]
    fn quotients_that_are_all_the_same_are_exact() {
        let parts = [1.0, 3.0, 7.0, 11.0].map(|of| Part { sum: 0.1 * of, of });
        let estimate = Estimate::of_parts(&parts).unwrap();
        assert!((estimate.mean - 0.1).abs() < 1e-15);
        assert_eq!(estimate.half_width, Some(0.0));
        let pairs: Vec<_> = parts.iter().map(|part| (*part, Part { sum: 3.0 * part.sum, of: part.of })).collect();
        let paired = Paired::of_parts(&pairs).unwrap();
        assert_eq!(paired.difference.half_width, Some(0.0));
        assert_eq!(paired.ratio.unwrap().half_width, Some(0.0));
    }

    proptest! {
        #[test]
        fn parts_of_the_same_weight_are_values_and_splitting_a_weight_changes_no_mean(
            values in prop::collection::vec(1.0..1e3f64, 2..20), weight in 0.1..10.0f64,
        ) {
            let estimate = Estimate::of(&values).unwrap();
            let parts: Vec<_> = values.iter().map(|value| Part { sum: value * weight, of: weight }).collect();
            let weighted = Estimate::of_parts(&parts).unwrap();
            prop_assert!((weighted.mean / estimate.mean - 1.0).abs() < 1e-9);
            prop_assert!((weighted.half_width.unwrap() - estimate.half_width.unwrap()).abs() < 1e-9 * estimate.mean);
            let pairs: Vec<_> = values.iter().zip(&parts).map(|(value, part)| (Part::from(*value), *part)).collect();
            let paired = Paired::of_parts(&pairs).unwrap();
            prop_assert!(paired.difference.mean.abs() < 1e-9 * estimate.mean);
            prop_assert!((paired.ratio.unwrap().ratio - 1.0).abs() < 1e-9);
        }

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
