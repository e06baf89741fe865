//! Arguments of `diff`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Format;

pub(super) const EXAMPLES: &str = "Examples:
  pushpull diff results/before results/after
  pushpull diff results/monday results/tuesday --tolerance 10%
  pushpull diff a/summary.csv b/summary.csv --tolerance 5% --tolerance latency_p99=20ms

Without a tolerance nothing may differ: a run in virtual time leaves the same bytes whenever it is
repeated with the same seed. Runs over real HTTP need some, 10% for instance.";

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// A result folder, or a summary.csv
    pub first: PathBuf,
    /// The one to compare it with
    pub second: PathBuf,
    /// How far figures may differ: a share of the first value such as 1%, or for one column COLUMN=1%, COLUMN=20ms (so much)
    /// or COLUMN=any; may be given several times
    #[arg(long = "tolerance", value_name = "TOLERANCE", allow_hyphen_values = true)]
    pub tolerances: Vec<String>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print nothing but errors: the exit code tells
    #[arg(long, short)]
    pub quiet: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}
