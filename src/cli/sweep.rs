//! Arguments of `sweep` and `merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::{Engine, Format, ScenarioArguments};

pub(super) const SWEEP_EXAMPLES: &str = "Examples:
  pushpull sweep crossover-sweep
  pushpull sweep quickstart --engine sim --vary events.rate=0.001/s..10/s:13:log
  pushpull sweep rare-events --vary \"client.poll every minute.pull.every=10s,1m,10m\" --dry-run
  pushpull sweep mine.toml --vary consumers=1..1001:11 --vary seed=1,2,3 --replications 10
  pushpull sweep mine.toml --precision 2% --threshold \"latency_p95 < 30s\"
  pushpull sweep mine.toml --resume

A range has its ends and its number of values, both ends included: 1s..60s:5, or 1s..60s:5:log for
the same factor from one to the next. Every value of a key meets every value of the others, the
last key fastest, or with --zip the first values meet, then the second.

Between points, the values are looked for at which two clients need as many requests, or cost the
same, or a target stops to hold:
  pushpull sweep crossover-sweep --target \"latency_p95 < 30s\"
  pushpull sweep quickstart --vary events.rate=0.01/s..10/s:7:log --target \"webhook.lost <= 0\"

On several machines, each plays a part, and the parts are put together:
  pushpull sweep mine.toml --shard 1/2 --out parts    (on one)
  pushpull sweep mine.toml --shard 2/2 --out parts    (on the other)
  pushpull merge parts --out results/mine
--shard auto/N takes the number from SLURM_ARRAY_TASK_ID, which counts from 1 (--array=1-N), or from
JOB_COMPLETION_INDEX, which counts from 0. For all of it at once:
  pushpull sweep mine.toml --emit slurm --shards 40 > submit.sh";

pub(super) const MERGE_EXAMPLES: &str = "Examples:
  pushpull merge parts --out results/mine
  pushpull merge node1 node2 node3 --out results/mine --format csv

The files are the same, byte for byte, as those of a sweep on one machine. A shard may be there more
than once, as long as it says the same.

Crossovers are found by playing more of the scenario. The shards hold all of it but for files that
it names: with a trace, say, merge in the folder of the scenario, or say where that is:
  pushpull merge parts --out results/mine --scenario-dir scenarios";

/// Arguments of `sweep`.
#[derive(Debug, Args)]
pub struct SweepArguments {
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    /// Let a key vary, over a list of values or a range; may be given several times
    #[arg(long = "vary", value_name = "KEY=SPEC")]
    pub varied: Vec<String>,
    /// Let the values of several keys meet one by one, not each with each
    #[arg(long)]
    pub zip: bool,
    /// Play every point so many times, with different seeds; with --precision at most so many
    #[arg(long, value_name = "N")]
    pub replications: Option<u32>,
    /// Play every point until its mean latencies and requests per event are known this well, such as 2%; at most 1,000
    /// times, or as --replications says
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    pub precision: Option<String>,
    /// Something that every point has to fulfil, such as "webhook.latency_p95 < 2s"; a miss exits with 99; may be given
    /// several times
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<String>,
    /// Play every point in virtual time, over real HTTP on loopback, or in both; otherwise as the scenario says
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    /// Look for the values at which something stops to hold or begins to, such as "latency_p95 < 30s"; without a client's
    /// name it is held against each; may be given several times
    #[arg(long = "target", value_name = "EXPR", conflicts_with = "no_crossover")]
    pub targets: Vec<String>,
    /// The key along which crossovers are looked for; otherwise events.rate, or the first that takes numbers
    #[arg(long, value_name = "KEY", conflicts_with = "no_crossover")]
    pub along: Option<String>,
    /// Look for no crossovers between the points
    #[arg(long)]
    pub no_crossover: bool,
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
    /// Threads; otherwise one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Show the points and what they take, and play nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on with the sweep of this scenario that was interrupted in the same folder
    #[arg(long)]
    pub resume: bool,
    /// Play a million points or more
    #[arg(long)]
    pub yes: bool,
    /// Play only one of several parts, for `merge`: its number from 1, or `auto`, and how many there are
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    pub shard: Option<String>,
    /// Play nothing, and print the script or manifest that lets a scheduler play all parts and merge them
    #[arg(long, value_enum, value_name = "SCHEDULER")]
    pub emit: Option<Scheduler>,
    /// How many parts there are to be with --emit
    #[arg(long, value_name = "N")]
    pub shards: Option<u32>,
}

/// What plays the parts of a sweep on other machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// Slurm: an array of jobs, and one that merges
    Slurm,
    /// Kubernetes: an Indexed Job, and one that merges
    Kubernetes,
    /// GNU parallel: this machine, or others over ssh
    Parallel,
}

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Folders with the files of shards
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Folder for the result files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder of the scenario file, in which files that it names are looked for, such as a trace; otherwise this one
    #[arg(long, value_name = "DIR", conflicts_with = "no_crossover")]
    pub scenario_dir: Option<PathBuf>,
    /// Look for no crossovers between the points, whatever the sweep asked for
    #[arg(long)]
    pub no_crossover: bool,
    /// Threads; otherwise one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print nothing but errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}
