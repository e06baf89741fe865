//! Several replications of one scenario as the rows of its files.

use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::evaluation::stopping::{Rule, Stop};
use crate::evaluation::{estimate, paired, predicted};
use crate::report::columns::{Cell, IDENTITY, MEASURES};
use crate::report::replications::Replications;
use crate::report::{SCHEMA, TOOL_VERSION, csv};

/// What replications came to, in their order; `stopped` says by which rule their number was found, if by any.
pub fn replications(outcomes: &[Outcome], stopped: Option<(Rule, Stop)>) -> Replications {
    Replications {
        seeds: outcomes.iter().map(|outcome| outcome.seed).collect(),
        stopped_early: false,
        precision: stopped.map(|(rule, stop)| (rule.precision, stop.reached)),
        estimates: estimate::estimates(outcomes),
        comparisons: paired::comparisons(outcomes),
        theory: predicted::verifications(outcomes),
        overloads: overloads(outcomes),
    }
}

/// In how many replications a part of which client could not keep up.
fn overloads(outcomes: &[Outcome]) -> Vec<(String, String, usize)> {
    let count = |row: &ClientOutcome| {
        let same =
            |outcome: &&Outcome| outcome.row(Some(&row.engine), &row.client).is_some_and(ClientOutcome::is_overloaded);
        (row.engine.clone(), row.client.clone(), outcomes.iter().filter(same).count())
    };
    estimate::rows(outcomes).iter().map(count).filter(|(.., count)| *count > 0).collect()
}

/// `summary.csv`: one row per replication, engine and client.
pub fn summary(scenario: &str, outcomes: &[Outcome]) -> Vec<u8> {
    let header = IDENTITY.iter().chain(MEASURES).map(|column| column.name);
    let of_outcome = |(replication, outcome)| {
        let row = move |row: &ClientOutcome| {
            let mut cells = identity(scenario, replication, outcome, row);
            cells.extend(row.cells.iter().cloned());
            cells
        };
        outcome.rows.iter().map(row).collect::<Vec<_>>()
    };
    csv::table(header, (0..).zip(outcomes).flat_map(of_outcome))
}

/// The cells of the columns of [`IDENTITY`]; the replication is counted from 0, and from 1 in the file.
pub fn identity(scenario: &str, replication: u32, outcome: &Outcome, row: &ClientOutcome) -> Vec<Cell> {
    vec![
        SCHEMA.into(),
        TOOL_VERSION.into(),
        scenario.into(),
        outcome.scenario_sha256.as_str().into(),
        row.engine.as_str().into(),
        outcome.seed.into(),
        (u64::from(replication) + 1).into(),
        row.client.as_str().into(),
        row.mode.as_str().into(),
    ]
}
