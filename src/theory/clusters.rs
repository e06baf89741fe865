//! Batches of events that come as a Poisson process: a compound Poisson count.

use crate::theory::pull;
use crate::workload::BatchSize;

/// The largest page whose overflow is worked out; a larger one overflows still less often.
const PAGE_MAX: u32 = 2_000;

/// The probability that a Poisson count of batches of mean `r` has more events than a page holds; for large pages no more
/// than an upper bound of it.
pub fn page_overflow(batch: &BatchSize, r: f64, page: u32) -> f64 {
    if batch.is_single() {
        return pull::page_overflow(r, page);
    }
    let page = page.min(PAGE_MAX);
    if r > 500.0 || r * batch.mean() > f64::from(page) {
        return 1.0;
    }
    // Panjer's recursion for a compound Poisson count: p(n) = r / n Σ j f(j) p(n - j).
    let weights: Vec<f64> =
        (1..=page).map(|size| f64::from(size) * (batch.reaches(size) - batch.reaches(size + 1))).collect();
    let mut counts = vec![libm::exp(-r)];
    for n in 1..=page {
        let sum: f64 = weights.iter().zip(counts.iter().rev()).map(|(weight, count)| weight * count).sum();
        counts.push(r / f64::from(n) * sum);
    }
    (1.0 - counts.iter().sum::<f64>()).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_overflow_a_page_as_often_as_worked_out() {
        // Two at a time: a page of three holds one batch, and one of four two.
        let pairs = BatchSize::Constant(2);
        let none_or_one = 2.0 * libm::exp(-1.0);
        assert!((page_overflow(&pairs, 1.0, 3) - (1.0 - none_or_one)).abs() < 1e-12);
        assert!((page_overflow(&pairs, 1.0, 4) - (1.0 - 2.5 * libm::exp(-1.0))).abs() < 1e-12);
        // Geometric batches: at most two events are none, one, two, or one and one.
        let batches = BatchSize::Geometric { mean: 2.0 };
        let held = libm::exp(-0.5) * (1.0 + 0.5 * 0.5 + 0.5 * 0.25 + 0.125 * 0.25);
        assert!((page_overflow(&batches, 0.5, 2) - (1.0 - held)).abs() < 1e-12);
        // Single events are the plain count.
        let single = BatchSize::Geometric { mean: 1.0 };
        assert!((page_overflow(&single, 1.0, 1) - pull::page_overflow(1.0, 1)).abs() < 1e-12);
        assert!(page_overflow(&BatchSize::Constant(200), 1.0, 100) >= 1.0);
    }
}
