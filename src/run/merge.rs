//! Shards of a sweep to the files of the whole.

use std::path::Path;
use std::sync::Arc;

use crate::cli::MergeArguments;
use crate::engine::Control;
use crate::report::files;
use crate::run::sweep::crossover::Looking;
use crate::run::{BEYOND_TOLERANCE, Failure, INTERRUPTED, interrupt, print, report, sweep, tell};
use crate::sweep::crossover;
use crate::sweep::merge::{self, MergeError};

/// Puts shards together.
pub(super) fn merge(arguments: &MergeArguments) -> Result<u8, Failure> {
    let results = merge::merge(&arguments.folders).map_err(|error| match error {
        MergeError::Read(error) => Failure::Read(error),
        MergeError::Refused(sentences) => Failure::Usage(sentences),
    })?;
    files::prepare(&arguments.out)?;
    // A scenario that cannot be played from here is found before anything is written.
    let is_off = results.header.search.is_off;
    let template = if is_off { None } else { Some(crossover::template(&results.header, Path::new("."))?) };
    sweep::crossover::remove(&arguments.out)?;
    let (bytes, misses) = sweep::write_results(&arguments.out, &results, arguments.format, arguments.no_color)?;
    print(&bytes)?;
    let control = Arc::new(Control::default());
    interrupt::watch(Arc::clone(&control));
    let MergeArguments { format, no_color, quiet, .. } = *arguments;
    let threads = sweep::threads(arguments.threads);
    let looking = Looking { folder: &arguments.out, threads, control: &control, format, no_color, quiet };
    let found = match &template {
        Some(template) => sweep::crossover::look(&looking, template, &results)?,
        None => true,
    };
    report::of_sweep(&arguments.out)?;
    if !arguments.quiet {
        let runs = results.header.count_of_units(results.header.units());
        tell(&format!("{runs}; results in {}", arguments.out.display()));
    }
    misses.tell();
    Ok(match () {
        () if !found => INTERRUPTED,
        () if misses.any() => BEYOND_TOLERANCE,
        () => 0,
    })
}
