//! Whether results fulfil what is expected of them.

use crate::evaluation::estimate::parts;
use crate::evaluation::outcome::Outcome;
use crate::measure::judgement::Judgement;
use crate::measure::sample::{Estimate, Part};
use crate::report::columns::{Cell, MEASURES};
use crate::scenario::threshold::{ClientColumn, Expression, Threshold};

/// Holds the runs of one point against thresholds: one judgement for each engine that a threshold is about and, where it
/// is about every client, for each of them; engines in the order in which they played, and then as the thresholds stand.
///
/// The runs are the replications of the point, or one run alone. A column stands for its mean over them, or the quotient of sums
/// that it is. Values are those
/// of `summary.csv` and, like the two sides themselves, have nine significant digits, so that a reader comes to the same.
pub fn judge(thresholds: &[Threshold], runs: &[Outcome]) -> Vec<Judgement> {
    let Some(first) = runs.first() else { return Vec::new() };
    let mut engines: Vec<&str> = first.rows.iter().map(|row| row.engine.as_str()).collect();
    engines.dedup();
    let mut judgements = Vec::new();
    for engine in engines {
        let clients = first.rows.iter().filter(|row| row.engine == engine).map(|row| row.client.as_str());
        for threshold in thresholds.iter().filter(|threshold| threshold.engine.is_none_or(|only| only == engine)) {
            let one = |client| judge_one(threshold, runs, engine, client);
            match threshold.expect.is_for_each() {
                true => judgements.extend(clients.clone().map(|client| one(Some(client)))),
                false => judgements.push(one(None)),
            }
        }
    }
    judgements
}

/// The engines that thresholds are about and that did not play, so that these were not judged.
pub fn idle_engines(thresholds: &[Threshold], runs: &[Outcome]) -> Vec<&'static str> {
    let played = |engine: &str| runs.iter().any(|run| run.rows.iter().any(|row| row.engine == engine));
    let mut idle: Vec<_> = thresholds.iter().filter_map(|threshold| threshold.engine).collect();
    idle.retain(|engine| !played(engine));
    idle.sort_unstable();
    idle.dedup();
    idle
}

fn judge_one(threshold: &Threshold, runs: &[Outcome], engine: &str, client: Option<&str>) -> Judgement {
    let expect = &threshold.expect;
    let of = |column: &ClientColumn| mean(runs, engine, column.client.as_deref().or(client)?, column.column);
    let side = |side: &Expression| side.value(&of).and_then(as_written);
    let (value, limit) = (side(&expect.left), side(&expect.right));
    let empty = expect.columns().into_iter().find(|column| of(column).is_none());
    Judgement {
        expect: expect.to_string(),
        engine: engine.to_owned(),
        client: client.map(str::to_owned),
        comparison: expect.comparison,
        dimension: expect.dimension,
        value,
        limit,
        is_plain: matches!(expect.right, Expression::Constant(_)),
        unknown: empty.map(|column| why_empty(column, client, engine, runs)),
    }
}

/// What all runs say of a column, as it stands in `statistics.csv`; none if it is empty in one of them, as the others would not
/// stand for all. Of a quotient, all that is divided and all that it is divided by is known.
fn mean(runs: &[Outcome], engine: &str, client: &str, column: &str) -> Option<f64> {
    let parts: Vec<Part> = parts(runs, engine, client, column).into_iter().collect::<Option<_>>()?;
    as_written(Estimate::of_parts(&parts)?.mean)
}

/// A number with the nine significant digits that files have; none if it is beyond all numbers.
pub(crate) fn as_written(number: f64) -> Option<f64> {
    Cell::from(number).rounded().value()
}

fn why_empty(column: &ClientColumn, client: Option<&str>, engine: &str, runs: &[Outcome]) -> String {
    let client = column.client.as_deref().or(client).unwrap_or_default();
    let meaning = MEASURES.iter().find(|known| known.name == column.column).map_or("", |known| known.meaning);
    let is_empty = |run: &&Outcome| run.row(Some(engine), client).and_then(|row| row.value(column.column)).is_none();
    let where_empty = match (runs.iter().filter(is_empty).count(), runs.len()) {
        (_, 1) => String::new(),
        (empty, all) if empty == all => format!(" in all {all} replications"),
        (empty, all) => format!(" in {empty} of {all} replications"),
    };
    format!("{} of \"{client}\" is empty{where_empty} ({meaning})", column.column)
}
