//! The command line as data. Nothing is decided here.

mod completions;
mod diff;
mod lab;
mod man;
mod report;
mod sweep;
mod trace;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use crate::cli::completions::CompletionsArguments;
pub use crate::cli::completions::script as completion_script;
pub use crate::cli::diff::DiffArguments;
pub use crate::cli::lab::LabArguments;
pub use crate::cli::man::ManArguments;
pub use crate::cli::man::{page as manual_page, pages as manual_pages};
pub use crate::cli::report::ReportArguments;
pub(crate) use crate::cli::trace::EVENTS;
pub use crate::cli::trace::{TraceArguments, TraceEngine};
use crate::scenario::units;
use crate::time::Span;
pub use sweep::{MergeArguments, Scheduler, SweepArguments};

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
invalid scenario; 3 the environment, such as a port in use or a host too slow to keep the schedule; 99 a threshold is \
missed, the two engines disagree, or results differ beyond the tolerance of diff; 130 interrupted.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one scenario and show its clients side by side
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Run a scenario at every combination of values that its keys take
    #[command(after_help = sweep::SWEEP_EXAMPLES)]
    Sweep(SweepArguments),
    /// Put the shards of a sweep together: the same files as of a sweep on one machine
    #[command(after_help = sweep::MERGE_EXAMPLES)]
    Merge(MergeArguments),
    /// Draw how the first events of a scenario become known: who asks whom, who calls whom, and when
    #[command(after_help = trace::EXAMPLES)]
    Trace(TraceArguments),
    /// Validate a scenario; show it in full, what a run amounts to, and what theory predicts
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Compare the results of two runs; exits with 99 where figures differ beyond a tolerance
    #[command(after_help = diff::EXAMPLES)]
    Diff(DiffArguments),
    /// Make the page report.html of saved results anew
    #[command(after_help = report::EXAMPLES)]
    Report(ReportArguments),
    /// Play System B of a scenario alone: send its webhooks to a receiver of your own, and say how that did
    #[command(after_help = PROVIDER_EXAMPLES)]
    Provider(ProviderArguments),
    /// Play System A's endpoint alone: take the webhooks of a sender of your own, and say what came
    #[command(after_help = RECEIVER_EXAMPLES)]
    Receiver(ReceiverArguments),
    /// Open a page on this machine that teaches the difference, with sliders and this very engine behind them
    #[command(after_help = lab::EXAMPLES)]
    Lab(LabArguments),
    /// List the built-in scenarios, and the presets of webhook providers
    #[command(after_help = SCENARIOS_EXAMPLES)]
    Scenarios,
    /// Write the built-in scenarios into a folder, to be changed
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArguments),
    /// Print the JSON Schema of scenario files, for editors
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
    /// Print a script that lets a shell complete commands and options
    #[command(after_help = completions::EXAMPLES)]
    Completions(CompletionsArguments),
    /// Print the manual page of the program, or write one for each command
    #[command(after_help = man::EXAMPLES)]
    Man(ManArguments),
}

const SCENARIOS_EXAMPLES: &str = "Examples:
  pushpull scenarios

Each name stands for a scenario wherever a file is asked for:
  pushpull run quickstart
  pushpull check stripe-outage";

const INIT_EXAMPLES: &str = "Examples:
  pushpull init
  pushpull init my-scenarios
  pushpull init my-scenarios --force";

const SCHEMA_EXAMPLES: &str = "Examples:
  pushpull schema > pushpull.schema.json

An editor with a language server for TOML takes it from the first line of a scenario file:
  #:schema ./pushpull.schema.json";

const RUN_EXAMPLES: &str = "Examples:
  pushpull run scenarios/quickstart.toml
  pushpull run rare-events --seed 3
  pushpull run busy-feed --set events.rate=20/s --set \"client.poll every 5 s.pull.every=2s\"
  pushpull run flaky-network --engine both
  pushpull run flaky-network --replications 20
  pushpull run flaky-network --precision 2%
  pushpull run hybrid --threshold \"lost == 0\" --threshold \"webhook alone.latency_p95 < 2s\"
  pushpull run quickstart --engine sim --timeline
  pushpull run flaky-network --trace --hdr
  pushpull run many-consumers --format csv > summary.csv

With --trace, events.jsonl and exchanges.jsonl in the results folder hold every event and every
exchange, one JSON object a line, in order of time: the whole run of all consumers, warm-up and drain
included (\"counted\" says what the figures count). Of each client at most --trace-max of each are
kept, the first ones, and a run that had more says so. Of several replications they tell of the first.
With --hdr, CLIENT.hgrm holds the distribution of a client's latencies in milliseconds, for plotters of
HdrHistogram files.";

const CHECK_EXAMPLES: &str = "Examples:
  pushpull check scenarios/quickstart.toml
  pushpull check rare-events --set duration=1d";

const PROVIDER_EXAMPLES: &str = "Examples:
  pushpull provider quickstart --webhook-url http://127.0.0.1:8080/webhooks --secret-file secret.txt
  pushpull provider mine.toml --client webhook --webhook-url http://localhost:3000/hooks?tenant=7
  pushpull provider quickstart --webhook-url http://127.0.0.1:8080/ --set events.rate=1/s

With --api-port 4010, its events are read, and one of them is sent again, by
  curl -H 'Authorization: Bearer key_0000_00000000' http://127.0.0.1:4010/events
  curl -H 'Authorization: Bearer key_0000_00000000' -X POST \\
    http://127.0.0.1:4010/events/evt_0_1/redeliver
Events come a page at a time, oldest first; /events?after=3&limit=50 asks for those after evt_0_3.
Besides /events there are /events/{id} and /records/{id}. Clients made for a vendor's API find the
same events in Stripe's shape at /v1/events, and in GitHub's at /repos/{owner}/{repo}/events.

Secrets never stand on the command line: --secret-file names a file with one a line, or else
PUSHPULL_SECRET holds them. While one replaces another, webhooks are signed with all, as far as the
scheme has room for several. The forms are:
  standard-webhooks          whsec_ and the Base64 of the key
  standard-webhooks-ed25519  whsk_ and the Base64 of the key pair
  stripe                     whsec_ and what follows it
  github                     any text
  sendgrid                   the Base64 of a P-256 private key (PKCS #8, DER)

Of the scenario count its events and what [client.push] says of sending; everything counts from the
start, the warm-up included. Its network, its receiver and its faults are left out: yours are there.";

const RECEIVER_EXAMPLES: &str = "Examples:
  pushpull receiver --secret-file secret.txt --port 8080
  pushpull receiver --signature stripe --secret-file secret.txt --duration 1m --format csv
  pushpull receiver --signature none --status 503 --status-share 0.2 --service-time 50ms
  pushpull receiver --signature none --timestamp /event/at --sequence /event/number
  PUSHPULL_SECRET=$(cat secret.txt) pushpull receiver --port 8080

Secrets never stand on the command line: --secret-file names a file with one a line, or else
PUSHPULL_SECRET holds them. Any of them will do. The forms are:
  standard-webhooks          whsec_ and the Base64 of the key
  standard-webhooks-ed25519  whpk_ and the Base64 of the public key
  stripe                     whsec_ and what follows it
  github                     any text
  sendgrid                   the Base64 of a P-256 public key (SubjectPublicKeyInfo, DER)

The first line on standard error is the address, as \"listening on http://127.0.0.1:PORT/\". Any
path takes webhooks.";

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

/// The most events, and the most exchanges, of a client that files hold unless somebody asks for more.
const TRACE_MAX: u32 = 100_000;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    /// Play it in virtual time, over real HTTP on loopback, or in both and compare; otherwise as the scenario says
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    /// Play it so many times with different seeds, and show means with their intervals; with --precision at most so many
    #[arg(long, value_name = "N")]
    pub replications: Option<u32>,
    /// Play it until mean latency and requests per event are known this well, such as 2%; at most 1,000 times, or as
    /// --replications says
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    pub precision: Option<String>,
    /// Something that the results have to fulfil, such as "webhook.latency_p95 < 2s"; a miss exits with 99; may be given
    /// several times
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<String>,
    /// Folder for the result files; otherwise `results/` and the scenario's name
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Below the table, draw how the first events become known, as `pushpull trace` does
    #[arg(long)]
    pub timeline: bool,
    /// Also write every event and every exchange into events.jsonl and exchanges.jsonl
    #[arg(long)]
    pub trace: bool,
    /// The most events, and the most exchanges, of each client in these files
    #[arg(long, value_name = "N", requires = "trace", default_value_t = TRACE_MAX,
          value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    pub trace_max: u32,
    /// Also write each client's latencies into a file for plotters of HdrHistogram distributions
    #[arg(long)]
    pub hdr: bool,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print nothing but errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
    /// Show a plain bar while a live run goes on, instead of the two lanes as they happen
    #[arg(long)]
    pub plain: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
    /// Threads for virtual time; otherwise one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// In virtual time, play also those polls one by one of which it is known beforehand that they find nothing; every result
    /// file is the same to the last byte
    #[arg(long)]
    pub no_leap: bool,
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

/// Arguments of `provider`.
#[derive(Debug, Args)]
pub struct ProviderArguments {
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    /// Where webhooks go: an http or https URL on this machine; its path and query are kept
    #[arg(long, value_name = "URL")]
    pub webhook_url: String,
    /// PEM file with the only certificates to trust behind an https URL; otherwise those that this system trusts
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Let webhooks go to another machine, or others than this machine call the API
    #[arg(long)]
    pub allow_remote: bool,
    /// The push client of the scenario whose webhooks are sent; otherwise the first one
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// File with the secrets that webhooks are signed with, one a line; otherwise PUSHPULL_SECRET in the environment
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Address that the API binds to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port of the API; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub api_port: u16,
    /// Folder for the result files; otherwise `results/` and the scenario's name
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = RoleFormat::Table)]
    pub format: RoleFormat,
    /// Print nothing but errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}

/// Arguments of `receiver`.
#[derive(Debug, Args)]
pub struct ReceiverArguments {
    /// Address to bind to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Let others than this machine call
    #[arg(long)]
    pub allow_remote: bool,
    /// How webhooks are signed
    #[arg(long, value_enum, default_value_t = Signature::StandardWebhooks)]
    pub signature: Signature,
    /// File with the secrets, or public keys, to check webhooks with, one a line; otherwise PUSHPULL_SECRET in the environment
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// How old a webhook may be, such as 5m; otherwise what the scheme's own library allows
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    pub tolerance: Option<Span>,
    /// How long to listen, such as 10m; otherwise until Ctrl-C
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    pub duration: Option<Span>,
    /// How long to work on each webhook before it is answered
    #[arg(long, value_name = "DURATION", value_parser = parse_span, default_value = "0s")]
    pub service_time: Span,
    /// Answer some webhooks with this HTTP status instead of taking them, to see how the sender tries again
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(300..=599))]
    pub status: Option<u16>,
    /// The share of webhooks to answer so, from 0 to 1; otherwise all
    #[arg(long, value_name = "SHARE", requires = "status", value_parser = parse_share)]
    pub status_share: Option<f64>,
    /// JSON pointer to the time of an event in the body, for senders that are not known
    #[arg(long, value_name = "POINTER", value_parser = parse_pointer)]
    pub timestamp: Option<String>,
    /// JSON pointer to the number of an event in the body, for senders that are not known
    #[arg(long, value_name = "POINTER", value_parser = parse_pointer)]
    pub sequence: Option<String>,
    /// The largest body that is taken
    #[arg(long, value_name = "SIZE", value_parser = parse_body_size, default_value = "1 MiB")]
    pub limit_body: u32,
    /// The largest head of a request that is taken, from 8 KiB on
    #[arg(long, value_name = "SIZE", value_parser = parse_header_size, default_value = "64 KiB")]
    pub limit_header: u32,
    /// How long the head of a request may take to come, and then its body
    #[arg(long, value_name = "DURATION", value_parser = parse_span, default_value = "10s")]
    pub read_time: Span,
    /// Connections open at the same time; one more waits
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), default_value_t = 2_048)]
    pub connections: u32,
    /// Folder for the result files
    #[arg(long, value_name = "DIR", default_value = "results/receiver")]
    pub out: PathBuf,
    /// What to print on standard output at the end
    #[arg(long, value_enum, default_value_t = RoleFormat::Table)]
    pub format: RoleFormat,
    /// Print nothing but the address and errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}

fn parse_span(text: &str) -> Result<Span, String> {
    units::parse_span(text).map_err(|error| error.to_string())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a number from 0 to 1, such as 0.2".to_owned())
}

fn parse_pointer(text: &str) -> Result<String, String> {
    let is_pointer = text.starts_with('/');
    is_pointer.then(|| text.to_owned()).ok_or_else(|| "write a JSON pointer such as /event/created".to_owned())
}

fn parse_body_size(text: &str) -> Result<u32, String> {
    size_within(text, 1, BODY_MAX)
}

fn parse_header_size(text: &str) -> Result<u32, String> {
    size_within(text, HEADER_MIN, HEADER_MAX)
}

fn size_within(text: &str, least: u64, most: u64) -> Result<u32, String> {
    let size = units::parse_size(text).map_err(|error| error.to_string())?;
    let help = || format!("write a size from {} to {}", units::format_size(least), units::format_size(most));
    u32::try_from(size).ok().filter(|_| (least..=most).contains(&size)).ok_or_else(help)
}

/// The largest body that a receiver can be told to take: each is held in memory while it comes.
const BODY_MAX: u64 = 256 << 20;
/// The least and the most room for headers.
const HEADER_MIN: u64 = 8 << 10;
const HEADER_MAX: u64 = 1 << 20;

/// How webhooks are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Signature {
    /// Not at all: whoever knows the address is believed
    None,
    /// Standard Webhooks with a shared secret
    StandardWebhooks,
    /// Standard Webhooks with a key pair
    StandardWebhooksEd25519,
    /// As Stripe signs
    Stripe,
    /// As GitHub signs
    Github,
    /// As SendGrid signs
    Sendgrid,
}

/// What a role prints on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleFormat {
    /// A table, for people
    Table,
    /// The content of provider.csv or receiver.csv
    Csv,
    /// The same as JSON
    Json,
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
    /// The content of run.json; of a sweep, that of sweep.json
    Json,
}
