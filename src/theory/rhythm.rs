//! Events whose rate changes with time, as it does over a day.

use crate::measure::tally::Frame;
use crate::time::{Span, Time};
use crate::workload::Arrivals;

/// At how many instants of the measured time the share of empty polls is worked out.
const INSTANTS: u32 = 20_000;

/// The share of polls with a random phase and a cycle of so many seconds that find nothing of a Poisson process whose rate
/// changes with time: the mean of exp(-(Λ(t) - Λ(t - T))) over the measured time, Λ being the cumulative rate. A poll
/// samples `way` seconds after it left.
///
/// For a whole number of days of a raised cosine that swings by the share A around its mean this is e^(-r) I0(r A s), with
/// s = sin(πT/D) / (πT/D) for a day of length D.
pub fn empty_share(arrivals: &Arrivals, frame: Frame, cycle: f64, way: f64) -> f64 {
    let (cycle, way) = (Span::from_secs_f64(cycle), Span::from_secs_f64(way));
    let step = frame.measured().as_nanos() as f64 / f64::from(INSTANTS);
    let expected = |at: Time| arrivals.expected_before(at.min(frame.duration));
    let empty = |index: u32| {
        let at = frame.warmup + Span::from_nanos_f64((f64::from(index) + 0.5) * step) + way;
        libm::exp(expected(at - cycle) - expected(at))
    };
    (0..INSTANTS).map(empty).sum::<f64>() / f64::from(INSTANTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::DAY;

    /// The modified Bessel function of the first kind and order zero.
    fn bessel(x: f64) -> f64 {
        let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
        while term > 1e-16 * sum {
            term *= x * x / 4.0 / (k * k);
            sum += term;
            k += 1.0;
        }
        sum
    }

    #[test]
    fn a_slow_sinusoid_leaves_as_many_polls_empty_as_its_closed_form_says() {
        let days = |n: u64| Time::ZERO + DAY.times(n);
        let frame = Frame::new(days(1), days(3), days(4));
        // Mean count r between two polls and swing A; the published values are for an interval far below a day.
        for (r, swing, published) in [(1.0, 0.8, 0.429_137), (0.5, 1.0, 0.645_035), (3.0, 0.9, 0.191_265)] {
            for cycle in [60.0, 7_200.0] {
                let trough = (1.0 - swing) / (1.0 + swing);
                let arrivals = Arrivals::Daily { gap_nanos: cycle * 1e9 / r, peak_at: Span::from_secs(50_000), trough };
                let half_angle = std::f64::consts::PI * cycle / DAY.as_secs_f64();
                let closed = libm::exp(-r) * bessel(r * swing * libm::sin(half_angle) / half_angle);
                let found = empty_share(&arrivals, frame, cycle, 0.02);
                assert!((found - closed).abs() < 1e-9, "{found} is not {closed}");
                if cycle < 100.0 {
                    assert!((found - published).abs() < 1e-5, "{found} is not {published}");
                }
            }
        }
    }
}
