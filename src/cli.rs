//! The command line as data. Nothing is decided here.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Poll the API, or take webhooks?
///
/// pushpull starts a System B (the provider, with an API to poll and a dispatcher of webhooks) and the System A clients (one
/// polls, one receives webhooks), gives them the very same events, and reports side by side how late each heard, how many
/// requests were wasted, and what load fell on both systems.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 internal error, or a file that cannot be written; 2 wrong usage or an \
invalid scenario; 3 the environment, such as a port in use or a host too slow to keep the schedule; 99 the two engines \
disagree; 130 interrupted.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one scenario and show its clients side by side
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Validate a scenario; show it in full, what a run amounts to, and what theory predicts
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// List the built-in scenarios, and the presets of webhook providers
    Scenarios,
    /// Write the built-in scenarios into a folder, to be changed
    Init(InitArguments),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
}

const RUN_EXAMPLES: &str = "Examples:
  pushpull run scenarios/quickstart.toml
  pushpull run rare-events --seed 3
  pushpull run busy-feed --set events.rate=20/s --set \"client.poll every 5 s.pull.every=2s\"
  pushpull run flaky-network --engine both
  pushpull run many-consumers --format csv > summary.csv";

const CHECK_EXAMPLES: &str = "Examples:
  pushpull check scenarios/quickstart.toml
  pushpull check rare-events --set duration=1d";

/// Which scenario, and what to change in it.
#[derive(Debug, Args)]
pub struct ScenarioArguments {
    /// A scenario file, or the name of a built-in scenario
    pub file: PathBuf,
    /// Change a key of the scenario; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Seed of every random draw; the same as --set seed=N
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    /// Play it in virtual time, over real HTTP on loopback, or in both and compare; otherwise as the scenario says
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    /// Folder for the result files; otherwise `results/` and the scenario's name
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print nothing but errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
    /// Threads for virtual time; otherwise one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Address that live servers bind to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port of System B's API in a live run; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub api_port: u16,
    /// Port of System A's receiver in a live run with one push client; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub receiver_port: u16,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The folder; it is made if need be
    #[arg(default_value = "scenarios")]
    pub folder: PathBuf,
    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
}

/// Which engine plays a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Virtual time: exact, repeatable, and fast
    Sim,
    /// Real HTTP on loopback, in real time
    Live,
    /// Both, and whether they agree
    Both,
}

impl Engine {
    /// Its name in a scenario file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Live => "live",
            Self::Both => "both",
        }
    }
}

/// What to print on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The table and the verdict, for people
    Table,
    /// The content of summary.csv
    Csv,
    /// The content of run.json
    Json,
}
