//! How long a system takes until it is as it will always be: where a series of observations is best cut off.

/// How many observations are averaged before one is looked at, which takes the noise out that would otherwise decide.
const BATCH: usize = 5;

/// Two values of the statistic that differ by less than this, relative to the spread or the size of the observations, are the
/// same but for rounding.
const SAME: f64 = 1e-9;

/// Where a series is best cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many observations belong to the warm-up.
    pub count: usize,
    /// Whether the rest is steady: the best cut lies in the first half. Otherwise the series is too short, or never becomes
    /// steady, and `count` is half of it.
    pub steady: bool,
}

/// The cut of MSER-5 (White 1997): of all numbers of batches to leave out, the one with which the mean of the rest has the
/// least estimated error, `sum of squared deviations / m^2` over the `m` batches that stay. Observations that are missing are
/// left out of their batch, and a batch that has none is not there; nor is a last one that is not full. Of equally good cuts
/// the first is taken.
///
/// The last batches are no candidates: so few of them are alike by chance.
pub fn mser5(series: &[Option<f64>]) -> Cut {
    let batches: Vec<(usize, f64)> = series.chunks_exact(BATCH).enumerate().filter_map(batch).collect();
    let values: Vec<f64> = batches.iter().map(|(_, value)| *value).collect();
    let candidates = values.len().saturating_sub(BATCH).max(1).min(values.len());
    let scale = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let mut best: Option<(usize, f64)> = None;
    for cut in 0..candidates {
        let statistic = error_of_mean(&values[cut..]);
        let is_better =
            |(_, least): (usize, f64)| statistic < least * (1.0 - SAME) && least > SAME * SAME * scale * scale;
        if best.is_none_or(is_better) {
            best = Some((cut, statistic));
        }
    }
    let first = best.and_then(|(cut, _)| batches.get(cut)).map_or(0, |(position, _)| *position);
    // What comes before the first observation of all is no warm-up.
    let first = if best.is_some_and(|(cut, _)| cut == 0) { 0 } else { first };
    let half = series.len() / 2;
    match first * BATCH {
        count if count <= half => Cut { count, steady: true },
        _ => Cut { count: half, steady: false },
    }
}

fn batch((position, observations): (usize, &[Option<f64>])) -> Option<(usize, f64)> {
    let known: Vec<f64> = observations.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| (position, known.iter().sum::<f64>() / known.len() as f64))
}

/// The squared error of the mean that the spread of the values suggests.
fn error_of_mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Purpose, Seed};

    fn noise(seed: u64, index: usize) -> f64 {
        Seed::new(seed).draw(Purpose::ArrivalGap, [index as u64, 0, 0]).unit() - 0.5
    }

    fn cut(value: impl Fn(usize) -> f64) -> Cut {
        mser5(&(0..600).map(|index| Some(value(index))).collect::<Vec<_>>())
    }

    #[test]
    fn what_never_changes_needs_no_warm_up() {
        for value in [0.0, 0.1, 1e9] {
            assert_eq!(cut(|_| value), Cut { count: 0, steady: true });
        }
        assert_eq!(mser5(&[]), Cut { count: 0, steady: true });
        assert_eq!(mser5(&[None; 100]), Cut { count: 0, steady: true });
        assert_eq!(mser5(&[Some(3.0)]), Cut { count: 0, steady: true });
    }

    #[test]
    fn a_rise_is_cut_off_and_noise_is_not() {
        let longest = (0..40).map(|seed| cut(|index| 10.0 + noise(seed, index)).count).collect::<Vec<_>>();
        let mean = longest.iter().sum::<usize>() as f64 / 40.0;
        assert!(mean < 60.0, "a tenth of the series: {longest:?}");
        for seed in 0..40 {
            let rise = |index: usize| (index as f64 / 120.0).min(1.0) * 20.0 + noise(seed, index);
            let found = cut(rise);
            assert!(found.steady && (100..240).contains(&found.count), "{found:?}");
        }
    }

    #[test]
    fn what_grows_for_ever_is_not_steady() {
        assert_eq!(cut(|index| index as f64 + noise(1, index)), Cut { count: 300, steady: false });
    }

    #[test]
    fn missing_observations_keep_the_others_in_their_place() {
        let sparse: Vec<_> =
            (0..600).map(|index| (index % 20 == 7).then_some(if index < 100 { 50.0 } else { 1.0 })).collect();
        assert_eq!(mser5(&sparse), Cut { count: 105, steady: true });
        let late: Vec<_> = (0..600).map(|index| (index > 400).then_some(1.0)).collect();
        assert_eq!(mser5(&late), Cut { count: 0, steady: true });
    }
}
