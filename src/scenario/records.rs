//! Polls of single records: what the file says of them, and what it may not say.

use crate::engine::{ClientSetup, Setup};
use crate::policy::poller::{Strategy, Target};
use crate::scenario::kinds;
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::tree::Table;
use crate::time::Span;

/// The most records of a consumer, and of all consumers together, that are polled one by one for ever.
const ALWAYS_OPEN_MAX: [u64; 2] = [10_000, 1_000_000];

/// Reads what is polled.
pub(super) fn target(reader: &mut Reader, section: &Section<'_>) -> Option<Target> {
    let target = reader.get(section, "target", kinds::choice);
    let tries = reader.get_if_written(section, "tries", kinds::limit);
    let place = || section.node("tries").and_then(|node| node.place.as_ref());
    match target? {
        "record" => Some(Target::Record { tries: tries?.flatten() }),
        _ if section.node("tries").is_some() => {
            let problem = Problem::new("`tries` means nothing with target = \"feed\", which is polled for ever");
            reader.problem(problem.at(place()).help("write target = \"record\" or remove it"));
            None
        }
        _ => Some(Target::Feed { overlap: Span::ZERO }),
    }
}

/// The target with its overlap, which only a feed can have.
pub(super) fn with_overlap(
    reader: &mut Reader,
    section: &Section<'_>,
    target: Target,
    overlap: Span,
) -> Option<Target> {
    match target {
        Target::Feed { .. } => Some(Target::Feed { overlap }),
        Target::Record { .. } if overlap.is_zero() => Some(target),
        Target::Record { .. } => {
            let place = section.node("overlap").and_then(|node| node.place.as_ref());
            let problem =
                Problem::new("an `overlap` means nothing with target = \"record\": a record has one state, the newest");
            reader.problem(problem.at(place).help("remove it, or write target = \"feed\""));
            None
        }
    }
}

/// What is wrong with a client that polls records.
pub(super) fn check(setup: &Setup, root: &Table, index: &str, client: &ClientSetup) -> Option<Problem> {
    let pull = client.pull.as_ref().filter(|_| client.polls_records())?;
    let at = |key: &str, message: String, help: &str| {
        Some(Problem::new(message).at(root.place(&["client", index, "pull", key])).help(help))
    };
    if !matches!(pull.strategy, Strategy::Fixed | Strategy::Backoff { .. }) {
        let message = format!("\"{}\" polls single records, which only two strategies can do", client.name);
        return at("strategy", message, "write strategy = \"fixed\" or \"backoff\", or target = \"feed\"");
    }
    let records = u64::from(setup.workload.records);
    let all = records.saturating_mul(setup.consumers.into());
    if setup.workload.lifecycle.is_none() && (records > ALWAYS_OPEN_MAX[0] || all > ALWAYS_OPEN_MAX[1]) {
        let message = format!("\"{}\" would poll {all} records one by one and for ever", client.name);
        let help = "lower `records` of [events] to at most 10000, and to 1000000 over all consumers, or give records an end with `lifecycle`";
        return at("target", message, help);
    }
    None
}
