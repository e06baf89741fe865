//! Every later client against the first, replication by replication.
//!
//! All clients of a replication meet the same events and the same luck, so that their difference varies less than either of
//! them: an interval from the differences is narrower than what two separate intervals would allow to say.

use crate::evaluation::estimate::{parts, rows};
use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::measure::sample::Paired;
use crate::report::replications::Compared;

/// The figures that are compared, in the order of `comparison.csv`.
pub const METRICS: [&str; 25] = [
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_max_ms",
    "staleness_ratio",
    "delivered",
    "lost",
    "duplicates",
    "requests",
    "wasted",
    "wasted_ratio",
    "requests_per_event",
    "provider_rps_mean",
    "provider_rps_peak",
    "provider_bytes_in",
    "provider_bytes_out",
    "consumer_rps_peak",
    "consumer_bytes_in",
    "consumer_bytes_out",
    "staleness_age_mean_ms",
    "age_mean_ms",
    "age_peak_mean_ms",
    "cost_total",
    "cost_per_million_events",
];

/// Every figure that is compared, of every later client against the first, for each engine.
pub fn comparisons(outcomes: &[Outcome]) -> Vec<Compared> {
    let mut comparisons = Vec::new();
    let rows = rows(outcomes);
    for (position, client) in rows.iter().enumerate() {
        let baseline = rows.iter().position(|row| row.engine == client.engine).unwrap_or(position);
        if baseline == position {
            continue;
        }
        let baseline = &rows[baseline];
        let all = METRICS.into_iter().map(|metric| compared(outcomes, baseline, client, metric));
        // Where there are no prices, nothing is said of costs.
        comparisons.extend(all.filter(|compared| compared.paired.is_some() || !compared.metric.starts_with("cost_")));
    }
    comparisons
}

fn compared(outcomes: &[Outcome], baseline: &ClientOutcome, client: &ClientOutcome, metric: &'static str) -> Compared {
    Compared {
        engine: client.engine.clone(),
        metric,
        baseline: baseline.client.clone(),
        client: client.client.clone(),
        paired: paired(outcomes, &client.engine, [&baseline.client, &client.client], metric),
    }
}

/// A column of two clients with one engine, the baseline first, over the replications in which both are known; none where there
/// is no such replication.
pub fn paired(outcomes: &[Outcome], engine: &str, [baseline, client]: [&str; 2], column: &str) -> Option<Paired> {
    let [baselines, clients] = [baseline, client].map(|client| parts(outcomes, engine, client, column));
    let pairs = baselines.into_iter().zip(clients).filter_map(|(baseline, client)| baseline.zip(client));
    Paired::of_parts(&pairs.collect::<Vec<_>>())
}
