//! What `[events]` says of when events occur, beyond their rate: the rhythm of a day, phases, and batches.

use crate::scenario::keys::{Key, LIST_MAX};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::positive;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::Rate;
use crate::time::{SECOND, Span};
use crate::workload::{Arrivals, BatchSize, DAY, RatePhase};

/// One of `events.phases`, as the file says it: rates are those of events, not of batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PhaseKeys {
    pub length: Span,
    pub from: Rate,
    pub to: Rate,
}

/// Reads `events.daily`, all of which may be absent; `gap_nanos` is the mean gap between batches.
pub(super) fn daily(reader: &mut Reader, section: &Section<'_>, gap_nanos: f64) -> Option<Arrivals> {
    let daily = section.sub("events.daily");
    let peak_at = reader.get(&daily, "peak_at", time_of_day);
    let trough = reader.get(&daily, "trough", kinds::number);
    Some(Arrivals::Daily { gap_nanos, peak_at: peak_at?, trough: trough? })
}

fn time_of_day(node: &Node, key: &Key) -> Parsed<Span> {
    let span = kinds::span(node, key)?;
    if span >= DAY {
        let problem = Problem::new(format!("`{} = {}` is no time of a day", key.name(), node.value.written()));
        return Err(problem
            .at(node.place.as_ref())
            .help("write how long after midnight, such as \"14h\": below \"24h\""));
    }
    Ok(span)
}

/// Reads `events.phases` and `events.repeat`; `batch` is the mean size of a batch.
pub(super) fn phases(reader: &mut Reader, section: &Section<'_>, batch: f64) -> Option<(Arrivals, Vec<PhaseKeys>)> {
    let repeat = reader.get_if_written(section, "repeat", kinds::flag);
    let Some(node) = section.node("phases") else {
        if !section.misspells("phases") {
            let problem = Problem::new("`phases` is missing in [events]").at(section.place);
            reader.problem(problem.help(
                "add phases = [{ for = \"10m\", rate = \"1/s\" }, { for = \"5m\", from = \"1/s\", to = \"10/s\" }]",
            ));
        }
        return None;
    };
    // Anything but a list has been named already.
    let Value::List(list) = &node.value else { return None };
    let counted = |message: String, help: String| Problem::new(message).at(node.place.as_ref()).help(help);
    if list.is_empty() || list.len() > LIST_MAX {
        let help = format!("write at least one and at most {LIST_MAX}");
        reader.problem(counted(format!("there are {} phases", list.len()), help));
        return None;
    }
    let mut phases = Vec::new();
    for node in list {
        let Value::Table(table) = &node.value else { continue };
        let section = Section { path: "events.phases", table: Some(table), place: node.place.as_ref() };
        phases.push(phase(reader, &section));
    }
    let phases: Vec<PhaseKeys> = phases.into_iter().collect::<Option<_>>()?;
    if phases.iter().all(|phase| phase.from.is_zero() && phase.to.is_zero()) {
        let message = "nothing ever happens in any of the phases".to_owned();
        reader.problem(counted(message, "write a rate above zero in one of them, such as \"1/s\"".to_owned()));
        return None;
    }
    let per_sec = |rate: Rate| rate.expected_in(Span::from_nanos(SECOND)) / batch;
    let of_keys = |keys: &PhaseKeys| RatePhase { length: keys.length, from: per_sec(keys.from), to: per_sec(keys.to) };
    Some((Arrivals::Phases { phases: phases.iter().map(of_keys).collect(), repeat: repeat?.unwrap_or(false) }, phases))
}

fn phase(reader: &mut Reader, section: &Section<'_>) -> Option<PhaseKeys> {
    let length = reader.get(section, "for", positive);
    let rate = reader.get_if_written(section, "rate", kinds::rate_or_zero)?;
    let from = reader.get_if_written(section, "from", kinds::rate_or_zero)?;
    let to = reader.get_if_written(section, "to", kinds::rate_or_zero)?;
    let (from, to) = match (rate, from, to) {
        (Some(rate), None, None) => (rate, rate),
        (None, Some(from), Some(to)) => (from, to),
        (rate, ..) => {
            let message = if rate.is_some() {
                "a phase has either a `rate`, or goes `from` one `to` another"
            } else {
                "a phase lacks its rate"
            };
            let problem = Problem::new(message).at(section.place);
            let is_misspelt = ["rate", "from", "to"].iter().any(|name| section.misspells(name));
            if !is_misspelt {
                reader.problem(problem.help("write rate = \"1/s\", or from = \"1/s\" and to = \"10/s\""));
            }
            return None;
        }
    };
    Some(PhaseKeys { length: length?, from, to })
}

/// Reads `events.batch`.
pub(super) fn batch(reader: &mut Reader, section: &Section<'_>) -> Option<BatchSize> {
    if !section.has_table("batch") {
        return reader.get(section, "batch", kinds::small_integer).map(BatchSize::Constant);
    }
    let batch = section.sub("events.batch");
    let wrong = |reader: &mut Reader, message: &str| {
        let problem = Problem::new(message).at(batch.place);
        reader.problem(problem.help("write { mean = 3 } or { pareto = { mean = 5, shape = 1.5, max = 1000 } }"));
        None
    };
    match (batch.node("mean"), batch.node("pareto")) {
        (Some(_), None) => reader.get(&batch, "mean", kinds::number).map(|mean| BatchSize::Geometric { mean }),
        (None, Some(_)) => pareto(reader, &batch.sub("events.batch.pareto")),
        (Some(_), Some(_)) => wrong(reader, "`batch` has two distributions"),
        (None, None) if batch.misspells("mean") || batch.misspells("pareto") => None,
        (None, None) => wrong(reader, "`batch` lacks its distribution"),
    }
}

fn pareto(reader: &mut Reader, section: &Section<'_>) -> Option<BatchSize> {
    let mean = reader.get(section, "mean", kinds::number);
    let shape = reader.get(section, "shape", kinds::number);
    let max = reader.get(section, "max", kinds::small_integer);
    let (mean, shape, max) = (mean?, shape?, max?);
    if mean > f64::from(max) {
        let place = section.node("mean").and_then(|node| node.place.as_ref());
        let problem = Problem::new(format!("the `mean` of the batches is above their `max`, which is {max}"));
        reader.problem(problem.at(place.or(section.place)).help("write a `mean` of at most `max`"));
        return None;
    }
    Some(BatchSize::pareto(mean, shape, max))
}
