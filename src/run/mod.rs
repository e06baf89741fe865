//! From arguments to a run, its report and its exit code.

mod api;
pub mod builtin;
pub mod check;
mod diff;
mod faults;
mod interrupt;
mod lab;
mod live_view;
mod merge;
mod network;
mod play;
mod polls;
mod progress;
mod provider;
mod receiver;
mod replicate;
mod report;
mod sweep;
mod thresholds;
mod trace;
mod traces;
mod warmup;
mod webhooks;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{
    self, CheckArguments, Cli, Command, Engine, Format, InitArguments, ManArguments, RunArguments, ScenarioArguments,
    SweepArguments,
};
use crate::engine::Control;
use crate::engine::live::LiveError;
use crate::evaluation::BrokenIdentity;
use crate::evaluation::outcome::Outcome;
use crate::evaluation::pilot::Settled;
use crate::evaluation::play::RunError;
use crate::report::files::{self, WriteError};
use crate::report::page::SavedError;
use crate::report::page::sweep::FolderError;
use crate::report::table::Style;
use crate::report::{self as reports, Report};
use crate::scenario::{self, Changes, Problems, Scenario, Template};
use crate::sweep::files::FilesError;
use crate::sweep::plan::PlanError;
use crate::sweep::play::PlayError;
use crate::sweep::unit::UnitError;
use crate::sweep::units::ReadError;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The scenario is invalid.
    #[error("{0}")]
    Scenario(Box<Problems>),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The live engine cannot start or go on.
    #[error("{0}")]
    Live(#[from] LiveError),
    /// An identity that must hold does not: a bug of this program.
    #[error(transparent)]
    Identity(#[from] BrokenIdentity),
    /// Standard output is closed or full.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// A file of units cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A run that has just been saved cannot be read back: a bug of this program.
    #[error("internal error: run.json cannot be shown: {0}; please report this with the scenario and the seed")]
    Saved(#[from] SavedError),
    /// What was saved in a folder cannot be shown.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Something of the above, after which what was done before is still there.
    #[error("{cause}")]
    Kept {
        /// What it was.
        cause: Box<Self>,
        /// What is kept, and how to go on from it.
        kept: String,
    },
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Scenario(problems) => Self::Scenario(problems),
            PlanError::Size(sentence) => Self::Usage(sentence),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Live(error) => Self::Live(error),
            RunError::Identity(error) => Self::Identity(error),
        }
    }
}

impl From<PlayError> for Failure {
    fn from(error: PlayError) -> Self {
        match error {
            PlayError::Unit(UnitError::Scenario(problems)) => Self::Scenario(problems),
            PlayError::Unit(UnitError::Run(error)) => error.into(),
            PlayError::Write(error) => Self::Write(error),
            PlayError::Threads(error) => Self::Threads(error),
        }
    }
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Write(error) => Self::Write(error),
            FilesError::Read(error) => Self::Read(error),
        }
    }
}

impl Failure {
    /// The exit code that stands for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Kept { cause, .. } => cause.exit_code(),
            Self::Usage(_) | Self::Scenario(_) | Self::Live(LiveError::OnePort { .. }) => 2,
            Self::Live(LiveError::Bind { .. }) => 3,
            Self::Write(_)
            | Self::Live(_)
            | Self::Identity(_)
            | Self::Output(_)
            | Self::Threads(_)
            | Self::Read(_)
            | Self::Saved(_)
            | Self::Folder(_) => 1,
        }
    }

    /// The message for people.
    pub fn render(&self, color: bool) -> String {
        match self {
            Self::Scenario(problems) => problems.render(color),
            Self::Kept { cause, kept } => format!("{}\n{kept}", cause.render(color).trim_end()),
            other => {
                let mut text = format!("error: {other}");
                let mut source = std::error::Error::source(other);
                // An error that only wraps another one says the same.
                while let Some(cause) = source {
                    if !text.ends_with(&cause.to_string()) {
                        text.push_str(&format!(": {cause}"));
                    }
                    source = cause.source();
                }
                text
            }
        }
    }

    /// Whether someone who read our output has simply stopped reading, as `head` does.
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Kept { cause, .. } => cause.is_closed_pipe(),
            Self::Output(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// Exit code of a run that was interrupted.
const INTERRUPTED: u8 = 130;
/// Exit code of a run whose engines disagree, or that misses a threshold.
const BEYOND_TOLERANCE: u8 = 99;
/// Exit code of a live run that could not keep its schedule.
const TOO_SLOW: u8 = 3;

/// Does what the command line asks, and gives back the exit code.
///
/// # Errors
///
/// If it cannot.
pub fn run(cli: &Cli) -> Result<u8, Failure> {
    match &cli.command {
        Command::Run(arguments) => run_scenario(arguments),
        Command::Sweep(arguments) => sweep::sweep(arguments),
        Command::Merge(arguments) => merge::merge(arguments),
        Command::Trace(arguments) => trace::trace(arguments),
        Command::Check(arguments) => check_scenario(arguments),
        Command::Diff(arguments) => diff::diff(arguments),
        Command::Report(arguments) => report::report(arguments),
        Command::Provider(arguments) => provider::provide(arguments),
        Command::Receiver(arguments) => receiver::receive(arguments),
        Command::Lab(arguments) => lab::serve(arguments),
        Command::Scenarios => print((builtin::list() + &webhooks::presets()).as_bytes()).map(|()| 0),
        Command::Init(arguments) => init(arguments),
        Command::Schema => {
            let text = serde_json::to_string_pretty(&scenario::schema()).unwrap_or_default() + "\n";
            print(text.as_bytes()).map(|()| 0)
        }
        Command::Completions(arguments) => print(&cli::completion_script(arguments)).map(|()| 0),
        Command::Man(arguments) => manual(arguments),
    }
}

/// Whether messages on standard error may be coloured.
pub fn errors_in_colour(cli: &Cli) -> bool {
    let refused = match &cli.command {
        Command::Run(arguments) => arguments.no_color,
        Command::Sweep(arguments) => arguments.no_color,
        Command::Merge(arguments) => arguments.no_color,
        Command::Check(arguments) => arguments.no_color,
        Command::Diff(arguments) => arguments.no_color,
        Command::Provider(arguments) => arguments.no_color,
        Command::Receiver(arguments) => arguments.no_color,
        Command::Trace(arguments) => arguments.no_color,
        Command::Report(_)
        | Command::Lab(_)
        | Command::Scenarios
        | Command::Init(_)
        | Command::Schema
        | Command::Completions(_)
        | Command::Man(_) => false,
    };
    !refused && colours_allowed() && std::io::stderr().is_terminal()
}

fn colours_allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Options of a command that stand for keys of the scenario.
#[derive(Clone, Copy, Debug, Default)]
struct Options<'a> {
    engine: Option<Engine>,
    replications: Option<u32>,
    precision: Option<&'a str>,
    thresholds: &'a [String],
}

impl<'a> Options<'a> {
    fn of(arguments: &'a RunArguments) -> Self {
        let RunArguments { engine, replications, precision, thresholds, .. } = arguments;
        Self { engine: *engine, replications: *replications, precision: precision.as_deref(), thresholds }
    }

    fn of_sweep(arguments: &'a SweepArguments) -> Self {
        let SweepArguments { engine, replications, precision, thresholds, .. } = arguments;
        Self { engine: *engine, replications: *replications, precision: precision.as_deref(), thresholds }
    }
}

fn load(arguments: &ScenarioArguments, options: Options<'_>) -> Result<Scenario, Failure> {
    template(&arguments.file, &changes(arguments, options)).map(Template::into_base)
}

/// What arguments change in a scenario file.
fn changes(arguments: &ScenarioArguments, options: Options<'_>) -> Changes {
    let mut sets = arguments.sets.clone();
    let written = sets.len();
    sets.extend(arguments.seed.map(|seed| format!("seed={seed}")));
    sets.extend(options.engine.map(|engine| format!("engine=\"{}\"", engine.name())));
    sets.extend(options.replications.map(|count| format!("replications={count}")));
    sets.extend(options.precision.map(|precision| format!("precision={precision}")));
    let flags = sets.len() - written;
    Changes { sets, flags, thresholds: options.thresholds.to_vec(), ..Changes::default() }
}

/// Reads a scenario file, or the built-in scenario of that name.
fn template(file: &Path, changes: &Changes) -> Result<Template, Failure> {
    let loaded = match builtin::find(file) {
        Some(builtin) => Template::parse(builtin.text, builtin.name, Path::new("."), changes),
        None if !file.exists() && builtin::nearest(file).is_some() => {
            let (file, name) = (file.display(), builtin::nearest(file).unwrap_or_default());
            Err(Problems::single(format!("there is no file {file}; did you mean the built-in scenario \"{name}\"?")))
        }
        None => Template::load(file, changes),
    };
    loaded.map_err(|problems| Failure::Scenario(Box::new(problems)))
}

fn run_scenario(arguments: &RunArguments) -> Result<u8, Failure> {
    let scenario = load(&arguments.scenario, Options::of(arguments))?;
    play::check_ports(&scenario, arguments)?;
    if arguments.timeline && arguments.format != Format::Table {
        return Err(Failure::Usage(
            "--timeline draws below the table; leave --format out, or use `pushpull trace`".into(),
        ));
    }
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("results").join(&scenario.name));
    // A place that cannot be written is found now, not after the run.
    files::prepare(&folder)?;
    let control = Arc::new(Control { plays_every_poll: arguments.no_leap, ..Control::default() });
    interrupt::watch(control.clone());
    let Some(Settled { scenario, found }) = warmup::settle(scenario, arguments.threads, &control, arguments.quiet)?
    else {
        tell("stopped before anything was measured; what was in the results folder is still there");
        return Ok(INTERRUPTED);
    };
    if let Some(found) = &found {
        if !arguments.quiet {
            tell(&warmup::describe(found));
        }
        warmup::doubt(found).iter().for_each(|doubt| tell(&format!("warning: {doubt}")));
    }
    if scenario.is_replicated() {
        return replicate::run(&scenario, arguments, &folder, &control);
    }
    let mut played = play::play(&scenario, arguments, &control)?;
    let extras = traces::files(&scenario, &played.report, &played.traces, arguments);
    let (run, is_stopped) = (Outcome::of(&played.report), played.report.partial);
    thresholds::hold(&mut played.report, &scenario.thresholds, &[run], is_stopped);
    let report = &played.report;
    if report.partial && report.engines.iter().all(|engine| engine.summaries.iter().all(|s| s.measured_s == 0.0)) {
        tell("stopped before anything was measured; what was in the results folder is still there");
        return Ok(INTERRUPTED);
    }
    files::write_with_extras(&folder, files::of(report)?, extras.files)?;
    let mut text = output(report, arguments);
    if arguments.timeline && !report.partial {
        text.extend(trace::timeline(&scenario, report, arguments)?.into_bytes());
    }
    print(&text)?;
    if !arguments.quiet {
        tell(&play::closing_line(report, &folder, played.wall));
        if !scenario.axes.is_empty() {
            let points = reports::human::things(scenario.axes.points() as f64, "point", "points");
            tell(&format!("this is the scenario without its sweep; `pushpull sweep` plays its {points}"));
        }
    }
    for warning in played.warnings.iter().chain(&extras.warnings) {
        tell(&format!("warning: {warning}"));
    }
    let is_missed = thresholds::tell_misses(report, &scenario.thresholds, report.partial);
    Ok(match () {
        () if report.partial => INTERRUPTED,
        () if played.too_slow => TOO_SLOW,
        () if is_missed => BEYOND_TOLERANCE,
        () if report.agreements.iter().any(|agreement| !agreement.holds()) => BEYOND_TOLERANCE,
        () => 0,
    })
}

fn output(report: &Report, arguments: &RunArguments) -> Vec<u8> {
    match arguments.format {
        Format::Csv => reports::csv::summary(report),
        Format::Json => reports::json::run(report),
        Format::Table => {
            let style = style(arguments.no_color);
            let mut text = reports::table::render(report, style);
            if !report.agreements.is_empty() {
                text.push_str(&reports::agreement::render(&report.agreements, style));
            }
            for engine in report.engines.iter().take(1) {
                text.push_str(&format!("\n{}\n", reports::verdict::render(engine)));
                let costs = reports::costs::sentences(&report.scenario, engine);
                if !costs.is_empty() {
                    text.push_str(&format!("{}\n", reports::verdict::paragraphs(&costs)));
                }
            }
            if !report.judgements.is_empty() {
                text.push_str(&format!("\n{}", reports::thresholds::render(&report.judgements, style)));
            }
            text.into_bytes()
        }
    }
}

/// The secrets in the environment, if there are any.
fn secret_variable() -> Option<std::ffi::OsString> {
    std::env::var_os(crate::roles::secrets::VARIABLE).filter(|text| !text.is_empty())
}

/// How text on standard output may look.
fn style(no_color: bool) -> Style {
    let colour = !no_color && colours_allowed() && std::io::stdout().is_terminal();
    if colour { Style::Coloured } else { Style::Plain }
}

fn check_scenario(arguments: &CheckArguments) -> Result<u8, Failure> {
    let template = template(&arguments.scenario.file, &changes(&arguments.scenario, Options::default()))?;
    let scenario = template.base().clone();
    let sweep = check::sweep(template)?;
    let control = Arc::new(Control::default());
    let Some(settled) = warmup::settle(scenario, None, &control, false)? else { return Ok(INTERRUPTED) };
    print(check::describe(&settled.scenario, sweep, settled.found.as_ref()).as_bytes()).map(|()| 0)
}

fn init(arguments: &InitArguments) -> Result<u8, Failure> {
    let folder = &arguments.folder;
    files::prepare(folder)?;
    let there: Vec<&str> = builtin::ALL
        .iter()
        .filter(|builtin| folder.join(builtin.file_name()).exists())
        .map(|builtin| builtin.name)
        .collect();
    if !there.is_empty() && !arguments.force {
        let (names, folder) = (there.join(", "), folder.display());
        return Err(Failure::Usage(format!("{folder} already holds {names}; --force replaces them")));
    }
    let names: Vec<String> = builtin::ALL.iter().map(builtin::Builtin::file_name).collect();
    let files: Vec<(&str, Vec<u8>)> =
        names.iter().zip(builtin::ALL).map(|(name, builtin)| (name.as_str(), builtin.text.into())).collect();
    files::write(folder, &files)?;
    let lines: String = names.iter().map(|name| format!("{}\n", folder.join(name).display())).collect();
    print(lines.as_bytes()).map(|()| 0)
}

/// Prints the manual page of the program, or writes all pages into a folder.
fn manual(arguments: &ManArguments) -> Result<u8, Failure> {
    let Some(folder) = &arguments.out else {
        return print(&cli::manual_page().map_err(Failure::Output)?).map(|()| 0);
    };
    files::prepare(folder)?;
    let pages = cli::manual_pages().map_err(Failure::Output)?;
    let lines: String = pages.iter().map(|(name, _)| format!("{}\n", folder.join(name).display())).collect();
    files::write_all(folder, pages)?;
    print(lines.as_bytes()).map(|()| 0)
}

/// Writes a line to standard error. Where nobody can read it there is nobody to complain to either; `eprintln!` would panic.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes to standard output; unlike `println!` it does not panic where nobody reads.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::Output)
}
