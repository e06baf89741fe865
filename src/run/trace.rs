//! `pushpull trace`, and the same below the table of a run: the first events of a scenario as a sequence chart.

use std::sync::Arc;

use crate::cli::{EVENTS, RunArguments, TraceArguments, TraceEngine};
use crate::engine::{ClientSetup, Control, Setup};
use crate::evaluation::story::{Material, Shown, StoryError};
use crate::report::sequence::{self, Chart, Look};
use crate::report::{Report, human};
use crate::run::progress::Progress;
use crate::run::{Failure, INTERRUPTED, Options, interrupt, load, print, style, tell, warmup};
use crate::scenario::Scenario;
use crate::scenario::units::format_span;
use crate::time::Time;

/// The columns of a chart below a table.
const TABLE_WIDTH: usize = 80;

impl From<StoryError> for Failure {
    fn from(error: StoryError) -> Self {
        match error {
            StoryError::Live(error) => Self::Live(error),
            other => Self::Usage(other.to_string()),
        }
    }
}

/// Draws the first events of a scenario; gives back the exit code.
pub(super) fn trace(arguments: &TraceArguments) -> Result<u8, Failure> {
    let scenario = load(&arguments.scenario, Options::default())?;
    let shown = shown(&scenario.setup.clients, &arguments.clients)?;
    let control = Arc::new(Control::default());
    interrupt::watch(control.clone());
    let Some(settled) = warmup::settle(scenario, None, &control, arguments.quiet)? else { return Ok(INTERRUPTED) };
    let scenario = settled.scenario;
    let from = arguments.from.map_or(scenario.setup.frame.warmup, |from| Time::ZERO + from);
    check_from(&scenario.setup, from)?;
    let look = Look {
        width: arguments.width.into(),
        style: style(arguments.no_color),
        is_ascii: arguments.ascii || !speaks_unicode(),
    };
    let told = material(&scenario.setup, shown, from, arguments, &control);
    let material = match told {
        Err(Failure::Usage(_)) if control.is_stopped() => return Ok(INTERRUPTED),
        told => told?,
    };
    let kind = match arguments.engine {
        TraceEngine::Sim => "virtual time",
        TraceEngine::Live => "real HTTP on loopback",
    };
    let title = Some(format!("{}: {}", scenario.name, scenario.title));
    let chart = chart(&scenario, &material, title, kind);
    print(sequence::render(&chart, look).as_bytes())?;
    Ok(0)
}

/// Plays as much as is to be shown.
fn material(
    setup: &Setup,
    shown: Shown,
    from: Time,
    arguments: &TraceArguments,
    control: &Arc<Control>,
) -> Result<Material, Failure> {
    let told = Material::in_virtual_time(setup, shown, from, arguments.events.into(), control)?;
    if arguments.engine == TraceEngine::Sim {
        return Ok(told);
    }
    let length = told.shortened(setup).frame.end.since(Time::ZERO);
    if !arguments.quiet {
        tell(&format!("playing the first {} in real time", human::duration_ms(length.as_millis_f64())));
    }
    let parts = (setup.clients.len() as u64).saturating_mul(setup.consumers.into());
    let total = parts.saturating_mul(told.shortened(setup).frame.duration.as_nanos());
    let _progress = Progress::start("live", total, control.clone(), arguments.quiet);
    Ok(told.over_http(setup, control)?)
}

/// The chart that stands below the table of a run.
pub(super) fn timeline(scenario: &Scenario, report: &Report, arguments: &RunArguments) -> Result<String, Failure> {
    let setup = &scenario.setup;
    let (shown, from) = (Shown::best(&setup.clients), setup.frame.warmup);
    let count = usize::from(EVENTS);
    let live = report.engines.first().filter(|engine| engine.engine == "live");
    let material = match live {
        Some(engine) => Material::told(shown, from, count, &engine.opening),
        None => match Material::in_virtual_time(setup, shown, from, count, &Control::default()) {
            // Nothing to draw is no reason to fail what has been run.
            Err(StoryError::Nothing(_)) => return Ok("\nNo event occurred that could be drawn.\n".into()),
            told => told?,
        },
    };
    let kind = if live.is_some() { "The run above" } else { "The same in virtual time" };
    let chart = chart(scenario, &material, None, kind);
    let look = Look { width: TABLE_WIDTH, style: style(arguments.no_color), is_ascii: !speaks_unicode() };
    Ok(format!("\n{}", sequence::render(&chart, look)))
}

fn chart<'a>(scenario: &'a Scenario, material: &'a Material, title: Option<String>, kind: &str) -> Chart<'a> {
    let setup = &scenario.setup;
    let story = material.story(setup);
    let whose = match setup.consumers {
        1 => "1 consumer".into(),
        n => format!("consumer 1 of {}", human::count(n.into())),
    };
    let from = format_span(material.from.since(Time::ZERO));
    let subtitle = format!("{kind}, from {from} on, {whose}, seed {}", scenario.seed);
    let end = story.steps.last().map_or(material.from, |step| step.at);
    let hints = fault_hint(setup, material.shown, end).into_iter().chain(others(&setup.clients, material.shown));
    Chart { title, subtitle, story, hints: hints.collect() }
}

/// The next thing that breaks after what is shown.
fn fault_hint(setup: &Setup, shown: Shown, end: Time) -> Option<String> {
    let clients = [shown.pull, shown.push].into_iter().flatten().map(|index| &setup.clients[index]);
    let faults = clients.flat_map(|client| &client.faults.0).filter(|fault| fault.from > end);
    let next = faults.min_by_key(|fault| fault.from)?;
    let from = format_span(next.from.since(Time::ZERO));
    Some(format!("At {from} something breaks ({}): --from {from} shows it.", next.kind.name()))
}

/// The clients that are not shown.
fn others(clients: &[ClientSetup], shown: Shown) -> Option<String> {
    let is_shown = |index: usize| [shown.pull, shown.push].contains(&Some(index));
    let names: Vec<String> = clients
        .iter()
        .enumerate()
        .filter(|(index, _)| !is_shown(*index))
        .map(|(_, client)| format!("--client {:?}", client.name))
        .collect();
    (!names.is_empty()).then(|| format!("Also there: {}.", names.join(", ")))
}

/// Which clients are meant.
fn shown(clients: &[ClientSetup], names: &[String]) -> Result<Shown, Failure> {
    if names.is_empty() {
        return Ok(Shown::best(clients));
    }
    let find = |name: &String| {
        let found = clients.iter().position(|client| client.name == *name);
        found.ok_or_else(|| Failure::Usage(no_such_client(clients, name)))
    };
    let chosen = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    Shown::these(clients, &chosen).map_err(|error| Failure::Usage(error.to_string()))
}

fn no_such_client(clients: &[ClientSetup], name: &str) -> String {
    let limit = (name.chars().count() / 2).max(1);
    let near = clients.iter().map(|client| (strsim::damerau_levenshtein(name, &client.name), &client.name));
    let nearest = near.filter(|(distance, _)| *distance <= limit).min();
    let advice = match nearest {
        Some((_, nearest)) => format!("did you mean {nearest:?}?"),
        None => {
            let names: Vec<String> = clients.iter().map(|client| format!("{:?}", client.name)).collect();
            format!("there {} {}", if names.len() == 1 { "is" } else { "are" }, names.join(", "))
        }
    };
    format!("this scenario has no client {name:?}; {advice}")
}

fn check_from(setup: &Setup, from: Time) -> Result<(), Failure> {
    if from < setup.frame.duration {
        return Ok(());
    }
    let text = |at: Time| format_span(at.since(Time::ZERO));
    let (from, duration) = (text(from), text(setup.frame.duration));
    Err(Failure::Usage(format!("--from {from} is after the last event: the scenario ends at {duration}")))
}

/// Whether the locale is one of UTF-8; where none is set, most terminals are.
fn speaks_unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = set.into_iter().find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
