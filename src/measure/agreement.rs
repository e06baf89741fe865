//! Whether the two engines say the same of one scenario.

use crate::measure::statistics;
use crate::measure::summary::{Figure, Summary};
use crate::time::Span;

/// One figure of one client in both engines.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The client's name.
    pub client: String,
    /// The figure's name, with its unit.
    pub metric: String,
    /// What the virtual engine says.
    pub sim: Option<f64>,
    /// What the live engine says.
    pub live: Option<f64>,
    /// By how much they may differ.
    pub tolerance: f64,
}

impl Agreement {
    /// Whether the engines agree within the tolerance.
    pub fn holds(&self) -> bool {
        match (self.sim, self.live) {
            (Some(sim), Some(live)) => (sim - live).abs() <= self.tolerance,
            (sim, live) => sim.is_none() && live.is_none(),
        }
    }
}

/// What real exchanges take beyond the scenario's network, at most: sockets, parsing, waking threads.
pub const OVERHEAD: Span = Span::from_millis(3);

/// Compares the same client in both engines.
///
/// Both play the same events and draw the same luck, so counts of events are equal to the last one. A mean latency may
/// differ by [`OVERHEAD`], the schedule's lag and four standard errors of the difference between the engines, which is much
/// surer than either mean. Requests may differ where an event or a deadline
/// falls so close to an instant of sampling that a real clock decides otherwise: by one at each end of the run, and by four
/// standard deviations of the number of such close calls.
pub fn compare(sim: &Summary, live: &Summary, lag_p99: Span) -> Vec<Agreement> {
    let overhead_ms = (OVERHEAD + lag_p99).as_millis_f64();
    let agreement = |metric: &str, tolerance: f64, value: fn(&Summary) -> Option<f64>| Agreement {
        client: sim.terms.client.clone(),
        metric: metric.into(),
        sim: value(sim),
        live: value(live),
        tolerance,
    };
    let batches = live.batches(Figure::LatencyMean).zip(sim.batches(Figure::LatencyMean));
    let difference = batches.and_then(|(live, sim)| statistics::ratio_difference(&live, &sim));
    let standard_error = difference.map_or(0.0, |interval| interval.standard_error);
    // An event makes a close call when it lies within the overhead of one of the instants at which requests are sampled.
    let requests_per_second = sim.requests() as f64 / f64::from(sim.terms.consumers) / sim.measured_s;
    let close_share = (requests_per_second * overhead_ms / 1e3).min(1.0);
    let close_calls = sim.events as f64 * close_share;
    let count_tolerance = 2.0 + close_calls + 4.0 * close_calls.sqrt();
    vec![
        agreement("events", 0.0, |s| Some(s.events as f64)),
        agreement("delivered", 0.0, |s| Some(s.delivered as f64)),
        agreement("lost", 0.0, |s| Some(s.lost_total() as f64)),
        agreement("latency_mean_ms", overhead_ms + 4.0 * standard_error, |s| s.latency_mean_ms),
        agreement("requests", count_tolerance, |s| Some(s.requests() as f64)),
        agreement("useful", count_tolerance, |s| Some(s.outcomes.useful as f64)),
        agreement("wasted", count_tolerance, |s| Some(s.wasted() as f64)),
    ]
}
