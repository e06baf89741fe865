//! Shards of a sweep to the files of the whole.

use crate::cli::MergeArguments;
use crate::report::files;
use crate::report::human;
use crate::run::{Failure, print, sweep, tell};
use crate::sweep::merge::{self, MergeError};

/// Puts shards together.
pub(super) fn merge(arguments: &MergeArguments) -> Result<u8, Failure> {
    let results = merge::merge(&arguments.folders).map_err(|error| match error {
        MergeError::Read(error) => Failure::Read(error),
        MergeError::Refused(sentences) => Failure::Usage(sentences),
    })?;
    files::prepare(&arguments.out)?;
    print(&sweep::write_results(&arguments.out, &results, arguments.format, arguments.no_color)?)?;
    if !arguments.quiet {
        let runs = human::things(results.header.units() as f64, "run", "runs");
        tell(&format!("{runs}; results in {}", arguments.out.display()));
    }
    Ok(0)
}
