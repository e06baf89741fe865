//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  pushpull report results/quickstart
  pushpull report results/crossover-sweep --out crossovers.html

`run`, `sweep` and `merge` leave the page beside their other files; this makes it again from run.json, or of
a sweep from sweep.json and the tables beside it. The page is one file and needs no network.";

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// A folder with the results of a run or a sweep
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Where to put the page; otherwise report.html in that folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print nothing but errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
}
