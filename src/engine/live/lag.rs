//! How far a run fell behind its schedule.

use hdrhistogram::Histogram;

use crate::time::{SECOND, Span};

/// The longest lag told apart from longer ones.
const LONGEST_NANOS: u64 = 3_600 * SECOND;

/// How late events were published and peers woken, against when they were due.
///
/// A run whose lag is not small beside the latencies that it measures says more about its machine than about its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// How many things were due.
    pub count: u64,
    /// The lag that half of them did not exceed, to three digits; zero without any.
    pub p50: Span,
    /// The lag that 99 % of them did not exceed, to three digits; zero without any.
    pub p99: Span,
    /// The longest, to three digits; an hour stands for everything longer.
    pub max: Span,
}

/// Lags as they come up on one thread.
#[derive(Clone, Debug)]
pub(super) struct Lags(Histogram<u64>);

impl Lags {
    pub(super) fn new() -> Self {
        // The bounds are constants.
        Self(Histogram::new_with_bounds(1, LONGEST_NANOS, 3).expect("the bounds are valid"))
    }

    pub(super) fn record(&mut self, lag: Span) {
        self.0.saturating_record(lag.as_nanos().max(1));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so that nothing can be out of range.
        self.0.add(&other.0).expect("the histograms have the same bounds");
    }

    pub(super) fn sum_up(&self) -> Lag {
        let at = |quantile| Span::from_nanos(self.0.value_at_quantile(quantile));
        Lag { count: self.0.len(), p50: at(0.5), p99: at(0.99), max: Span::from_nanos(self.0.max()) }
    }
}
