//! What the replications of a point say of each figure: its mean, its spread, and how sure the mean is.

use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::measure::sample::Estimate;
use crate::report::columns::MEASURES;
use crate::report::replications::Estimated;

/// Columns that hold a number but no figure: they say how the scenario is, not how it went.
const SETTINGS: [&str; 2] = ["warmup_s", "consumers"];

/// Every figure of every engine and client, in the order of the rows and of the columns of `summary.csv`. A figure that no
/// replication has is left out. A percentile is the mean of the replications' percentiles: each replication is one
/// observation of it, and only so its interval is one of independent observations.
pub fn estimates(outcomes: &[Outcome]) -> Vec<Estimated> {
    let mut estimates = Vec::new();
    for (position, row) in rows(outcomes).iter().enumerate() {
        // Every replication has its rows in the same order.
        let same = |other: &&ClientOutcome| (&other.engine, &other.client) == (&row.engine, &row.client);
        let others: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.rows.get(position).filter(same)).collect();
        let figures = MEASURES.iter().enumerate().filter(|(_, column)| !SETTINGS.contains(&column.name));
        for (index, column) in figures {
            let value = |other: &&ClientOutcome| other.cells.get(index)?.value();
            let estimate = Estimate::of(&others.iter().filter_map(value).collect::<Vec<_>>());
            estimates.extend(estimate.map(|estimate| Estimated {
                engine: row.engine.clone(),
                client: row.client.clone(),
                metric: column.name,
                estimate,
            }));
        }
    }
    estimates
}

/// One figure of one client with one engine; none where no replication has a value.
pub fn estimate(outcomes: &[Outcome], engine: &str, client: &str, column: &str) -> Option<Estimate> {
    let value = |outcome: &Outcome| outcome.row(Some(engine), client)?.value(column);
    Estimate::of(&outcomes.iter().filter_map(value).collect::<Vec<_>>())
}

/// The engines and clients of a point: every replication has the same.
pub(super) fn rows(outcomes: &[Outcome]) -> &[ClientOutcome] {
    outcomes.first().map_or(&[], |outcome| &outcome.rows)
}
