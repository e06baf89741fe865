//! What the replications of a point say of each figure: its mean, its spread, and how sure the mean is.

use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::measure::quotient::Quotient;
use crate::measure::sample::{Estimate, Part};
use crate::report::columns::MEASURES;
use crate::report::replications::Estimated;

/// Columns that hold a number but no figure: they say how the scenario is, not how it went.
const SETTINGS: [&str; 2] = ["warmup_s", "consumers"];

/// Every figure of every engine and client, in the order of the rows and of the columns of `summary.csv`. A figure that no
/// replication has is left out. A quotient is that of the sums over all replications. A percentile is the mean of the
/// replications' percentiles: each replication is one observation of it, and only so its interval is one of independent
/// observations.
pub fn estimates(outcomes: &[Outcome]) -> Vec<Estimated> {
    let mut estimates = Vec::new();
    for row in rows(outcomes) {
        for column in MEASURES.iter().filter(|column| !SETTINGS.contains(&column.name)) {
            let estimate = estimate(outcomes, &row.engine, &row.client, column.name);
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
    let parts = parts(outcomes, engine, client, column);
    Estimate::of_parts(&parts.into_iter().flatten().collect::<Vec<_>>())
}

/// What each replication adds to a figure of a client with an engine; none of one in which it is not known. Where there is
/// nothing to divide, and nothing to divide by, that is known.
pub fn parts(outcomes: &[Outcome], engine: &str, client: &str, column: &str) -> Vec<Option<Part>> {
    let row = |outcome| Outcome::row(outcome, Some(engine), client);
    match outcomes {
        // The figure of a single run is the one that stands in its row, with the rounding that it has there.
        [only] => vec![row(only).and_then(|row| row.value(column)).map(Part::from)],
        outcomes => outcomes.iter().map(|outcome| part(row(outcome)?, column)).collect(),
    }
}

fn part(row: &ClientOutcome, column: &str) -> Option<Part> {
    match Quotient::of_figure(column) {
        None => row.value(column).map(Part::from),
        Some(Quotient::Of { numerator, denominator, factor }) => {
            Some(Part { sum: row.value(numerator)? * factor, of: row.value(denominator)? })
        }
        Some(Quotient::MeanOver(count)) => match row.value(count)? {
            0.0 => Some(Part::NONE),
            of => row.value(column).map(|mean| Part { sum: mean * of, of }),
        },
    }
}

/// The engines and clients of a point: every replication has the same.
pub(super) fn rows(outcomes: &[Outcome]) -> &[ClientOutcome] {
    outcomes.first().map_or(&[], |outcome| &outcome.rows)
}
