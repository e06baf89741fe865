//! The result files of `run` that are written on request: every event and exchange, and the distributions of latencies.

use crate::cli::RunArguments;
use crate::engine::ClientSetup;
use crate::measure::chronicle::Chronicle;
use crate::report::files::{EVENTS, EXCHANGES};
use crate::report::traces::{self, Course};
use crate::report::{Report, distribution, human};
use crate::run::play::Traced;
use crate::scenario::Scenario;

/// Files, and what is to be said of them.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) warnings: Vec<String>,
}

/// The files that the arguments ask for.
pub(super) fn files(scenario: &Scenario, report: &Report, traced: &[Traced], arguments: &RunArguments) -> Extras {
    let mut extras = Extras::default();
    if arguments.hdr {
        extras.files.extend(distribution::files(report));
    }
    if !arguments.trace {
        return extras;
    }
    let clients = &scenario.setup.clients;
    let names = || clients.iter().map(|client| client.name.as_str());
    let frame = scenario.setup.frame;
    let courses: Vec<Course<'_>> = traced
        .iter()
        .map(|Traced { engine, clients }| Course { engine, frame, clients: names().zip(clients).collect() })
        .collect();
    if report.partial && traced.iter().all(|traced| traced.clients.iter().all(Option::is_none)) {
        extras.warnings.push(format!("{EVENTS} and {EXCHANGES} are not written: the run was stopped"));
        return extras;
    }
    extras.files.push((EVENTS.to_owned(), traces::events(&courses)));
    extras.files.push((EXCHANGES.to_owned(), traces::exchanges(&courses)));
    let warnings = |traced| warnings(scenario, traced, report.partial, arguments.trace_max);
    extras.warnings = traced.iter().flat_map(warnings).collect();
    extras
}

/// What is not in the files although it happened.
fn warnings(scenario: &Scenario, traced: &Traced, is_stopped: bool, most: u32) -> Vec<String> {
    let warn = |(client, told): (&ClientSetup, &Option<Chronicle>)| {
        let name = &client.name;
        let Some(told) = told else {
            if is_stopped {
                return Some(format!("{name:?} is not in {EVENTS} and {EXCHANGES}: the run was stopped"));
            }
            return Some(format!(
                "{name:?} is not in {EVENTS} and {EXCHANGES}: its {} consumers share System B, which is too many to follow \
                 each; --set consumers=1000 would do, for instance",
                human::count(scenario.setup.consumers.into())
            ));
        };
        let most = human::count(most.into());
        told.is_cut.then(|| {
            format!(
                "{EVENTS} and {EXCHANGES} end early: {name:?} had more than {most} events or exchanges, and the first {most} \
                 of each are kept; --trace-max keeps more"
            )
        })
    };
    scenario.setup.clients.iter().zip(&traced.clients).filter_map(warn).collect()
}
