//! Shards of a sweep to the files of the whole.

use crate::cli::MergeArguments;
use crate::report::files;
use crate::run::{BEYOND_TOLERANCE, Failure, print, sweep, tell};
use crate::sweep::merge::{self, MergeError};

/// Puts shards together.
pub(super) fn merge(arguments: &MergeArguments) -> Result<u8, Failure> {
    let results = merge::merge(&arguments.folders).map_err(|error| match error {
        MergeError::Read(error) => Failure::Read(error),
        MergeError::Refused(sentences) => Failure::Usage(sentences),
    })?;
    files::prepare(&arguments.out)?;
    let (bytes, misses) = sweep::write_results(&arguments.out, &results, arguments.format, arguments.no_color)?;
    print(&bytes)?;
    if !arguments.quiet {
        let runs = results.header.count_of_units(results.header.units());
        tell(&format!("{runs}; results in {}", arguments.out.display()));
    }
    misses.tell();
    Ok(if misses.any() { BEYOND_TOLERANCE } else { 0 })
}
