//! How far an observed figure can be trusted.
//!
//! One run gives one figure, but its time buckets are batches: the spread between them says how sure the figure is, also
//! where neighbouring observations depend on each other (the method of batch means).

use crate::distribution::normal_quantile;
use crate::measure::histogram::Latencies;

/// Fewer batches than this say too little about their own spread.
const BATCHES_MIN: usize = 8;
/// More batches than this say little more.
const BATCHES_MAX: f64 = 30.0;

/// An estimate with its standard error, its 95 % confidence interval, and the wider range that is still plausible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The lower end of the confidence interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The values within four standard errors. Infinite where the sample does not reach that far.
    pub plausible: (f64, f64),
}

impl Interval {
    fn around(estimate: f64, standard_error: f64, degrees_of_freedom: usize) -> Self {
        let half = student_t_975(degrees_of_freedom) * standard_error;
        let plausible = (estimate - 4.0 * standard_error, estimate + 4.0 * standard_error);
        Self { estimate, standard_error, low: estimate - half, high: estimate + half, plausible }
    }
}

/// Joins neighbouring time buckets into at most 30 batches, so that in each series every batch has its share of the
/// denominator and none is empty. Buckets of all series are joined alike, so that batches stay paired in time.
fn batches<const N: usize>(series: [&[(f64, f64)]; N]) -> [Vec<(f64, f64)>; N] {
    let share = series.map(|buckets| buckets.iter().map(|(_, x)| x).sum::<f64>() / BATCHES_MAX);
    let mut batches = series.map(|_| Vec::new());
    let mut sums = [(0.0, 0.0); N];
    for index in 0..series.iter().map(|buckets| buckets.len()).min().unwrap_or(0) {
        for (sum, buckets) in sums.iter_mut().zip(series) {
            sum.0 += buckets[index].0;
            sum.1 += buckets[index].1;
        }
        if sums.iter().zip(share).all(|((_, x), share)| *x > 0.0 && *x >= share) {
            for (batches, sum) in batches.iter_mut().zip(&mut sums) {
                batches.push(std::mem::take(sum));
            }
        }
    }
    // What is left over at the end is too little for a batch of its own.
    for (batches, sum) in batches.iter_mut().zip(sums) {
        if let Some(last) = batches.last_mut() {
            *last = (last.0 + sum.0, last.1 + sum.1);
        }
    }
    batches
}

/// The 97.5 % point of Student's t distribution: the factor of a two-sided 95 % interval.
///
/// Exact up to 4 degrees of freedom, otherwise the Cornish-Fisher expansion to the fourth order (Abramowitz and Stegun
/// 26.7.5), which is right to three digits from 5 degrees on.
pub fn student_t_975(degrees_of_freedom: usize) -> f64 {
    match degrees_of_freedom {
        0 => f64::INFINITY,
        1 => 12.706_204_736,
        2 => 4.302_652_730,
        3 => 3.182_446_305,
        4 => 2.776_445_105,
        n => {
            let (z, n) = (normal_quantile(0.975), n as f64);
            let z2 = z * z;
            let (z3, z5) = (z * z2, z * z2 * z2);
            let (z7, z9) = (z5 * z2, z5 * z2 * z2);
            let (n2, n3, n4) = (n * n, n * n * n, n * n * n * n);
            z + (z3 + z) / (4.0 * n)
                + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n2)
                + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n3)
                + (79.0 * z9 + 776.0 * z7 + 1_482.0 * z5 - 1_920.0 * z3 - 945.0 * z) / (92_160.0 * n4)
        }
    }
}

/// The ratio of two sums over time buckets, such as requests per event, with its interval (delta method).
///
/// None where there is too little for eight batches.
pub fn ratio(buckets: &[(f64, f64)]) -> Option<Interval> {
    let [batches] = batches([buckets]);
    let (estimate, residuals) = linearised(&batches)?;
    Some(Interval::around(estimate, standard_error(&residuals), residuals.len() - 1))
}

/// The difference `client - baseline` of two such ratios whose buckets are paired in time: what both have in common, the
/// same events above all, cancels out.
pub fn ratio_difference(client: &[(f64, f64)], baseline: &[(f64, f64)]) -> Option<Interval> {
    let [client, baseline] = batches([client, baseline]);
    let (client, a) = linearised(&client)?;
    let (baseline, b) = linearised(&baseline)?;
    let residuals: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    Some(Interval::around(client - baseline, standard_error(&residuals), residuals.len() - 1))
}

/// A ratio estimate, and by how much each batch pulls it up or down.
fn linearised(batches: &[(f64, f64)]) -> Option<(f64, Vec<f64>)> {
    let count = batches.len() as f64;
    let numerator: f64 = batches.iter().map(|(y, _)| y).sum();
    let denominator: f64 = batches.iter().map(|(_, x)| x).sum();
    if batches.len() < BATCHES_MIN || denominator <= 0.0 {
        return None;
    }
    let estimate = numerator / denominator;
    let mean = denominator / count;
    Some((estimate, batches.iter().map(|(y, x)| (y - estimate * x) / mean).collect()))
}

fn standard_error(residuals: &[f64]) -> f64 {
    let count = residuals.len() as f64;
    let mean = residuals.iter().sum::<f64>() / count;
    let squares: f64 = residuals.iter().map(|residual| (residual - mean) * (residual - mean)).sum();
    (squares / (count * (count - 1.0))).sqrt()
}

/// A quantile in milliseconds with its interval. `above` has, for each time bucket, how many latencies exceed the quantile
/// and how many there are: the spread of that share between batches says how far off the quantile's rank may be.
pub fn quantile(latencies: &Latencies<u64>, quantile: f64, above: &[(f64, f64)]) -> Option<Interval> {
    let estimate = latencies.quantile_ms(quantile)?;
    let [batches] = batches([above]);
    let (_, residuals) = linearised(&batches)?;
    // Where batches happen to agree, the error of independent observations is still there.
    let independent = (quantile * (1.0 - quantile) / latencies.count() as f64).sqrt();
    let error = standard_error(&residuals).max(independent);
    let at = |rank: f64| latencies.value_at(rank);
    let reach = |rank: f64| match rank {
        rank if rank < 0.0 => f64::NEG_INFINITY,
        rank if rank > 1.0 => f64::INFINITY,
        rank => at(rank),
    };
    let half = student_t_975(residuals.len() - 1) * error;
    Some(Interval {
        estimate,
        standard_error: (at(quantile + error) - at(quantile - error)) / 2.0,
        low: at(quantile - half),
        high: at(quantile + half),
        plausible: (reach(quantile - 4.0 * error), reach(quantile + 4.0 * error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    #[test]
    fn the_t_quantile_agrees_with_the_tables() {
        let table = [
            (1, 12.7062),
            (2, 4.30265),
            (3, 3.182_446),
            (4, 2.776_445),
            (5, 2.570_582),
            (9, 2.262_157),
            (19, 2.093_024),
            (29, 2.045_230),
            (99, 1.984_217),
        ];
        for (degrees, value) in table {
            assert!((student_t_975(degrees) / value - 1.0).abs() < 1e-3, "{degrees}: {}", student_t_975(degrees));
        }
    }

    #[test]
    fn intervals_hold_the_truth_about_as_often_as_they_say() {
        let (runs, batches) = (2_000u64, 30u64);
        let draw = |run: u64, batch: u64, which| Seed::new(run).draw(Purpose::ArrivalGap, [batch, which, 0]).unit();
        let covered = (0..runs)
            .filter(|&run| {
                let sample: Vec<_> =
                    (0..batches).map(|b| (3.0 * draw(run, b, 0) + draw(run, b, 1), 1.0 + draw(run, b, 2))).collect();
                // The true ratio is (1.5 + 0.5) / 1.5.
                ratio(&sample).is_some_and(|interval| interval.low <= 4.0 / 3.0 && interval.high >= 4.0 / 3.0)
            })
            .count() as f64
            / runs as f64;
        // The standard error of a share of 95 % in 2,000 runs is 0.5 %; the delta method itself is a little off.
        assert!((0.93..0.97).contains(&covered), "{covered}");
    }

    #[test]
    fn pairing_cancels_what_both_have_in_common() {
        let noise = |b: u64| Seed::new(1).draw(Purpose::ArrivalGap, [b, 0, 0]).unit();
        let base: Vec<_> = (0..30).map(|b| (10.0 * noise(b), 1.0)).collect();
        let shifted: Vec<_> = base.iter().map(|(y, x)| (y + 2.0, *x)).collect();
        let difference = ratio_difference(&shifted, &base).map(|i| (i.estimate, i.standard_error));
        assert!(difference.is_some_and(|(estimate, error)| (estimate - 2.0).abs() < 1e-9 && error < 1e-9));
        assert_eq!(ratio(&base[..4]), None);
    }

    #[test]
    fn buckets_without_events_are_no_batches() {
        // Three events in sixty buckets: nothing can be said of their spread.
        let few: Vec<_> = (0..60).map(|b| if b % 20 == 3 { (f64::from(b), 1.0) } else { (0.0, 0.0) }).collect();
        assert_eq!(ratio(&few), None);
        let [joined] = batches([few.as_slice()]);
        assert_eq!(joined.len(), 3);
        // Requests in buckets without events still count.
        let busy: Vec<_> = (0..60).map(|b| (1.0, f64::from(u8::from(b % 5 == 0)))).collect();
        assert!(ratio(&busy).is_some_and(|interval| (interval.estimate - 5.0).abs() < 1e-12));
    }
}
