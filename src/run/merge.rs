//! Shards of a sweep to the files of the whole.

use std::path::Path;
use std::sync::Arc;

use crate::cli::MergeArguments;
use crate::engine::Control;
use crate::report::files;
use crate::run::sweep::crossover::Looking;
use crate::run::{BEYOND_TOLERANCE, Failure, INTERRUPTED, interrupt, print, report, sweep, tell};
use crate::scenario;
use crate::sweep::crossover;
use crate::sweep::header::Header;
use crate::sweep::merge::{self, MergeError};

/// Puts shards together.
pub(super) fn merge(arguments: &MergeArguments) -> Result<u8, Failure> {
    let results = merge::merge(&arguments.folders).map_err(|error| match error {
        MergeError::Read(error) => Failure::Read(error),
        MergeError::Refused(sentences) => Failure::Usage(sentences),
    })?;
    files::prepare(&arguments.out)?;
    let template = template(arguments, &results.header);
    let control = Arc::new(Control::default());
    interrupt::watch(Arc::clone(&control));
    let (bytes, misses) = sweep::write_results(&arguments.out, &results, arguments.format, arguments.no_color)?;
    print(&bytes)?;
    let MergeArguments { format, no_color, quiet, .. } = *arguments;
    let threads = sweep::threads(arguments.threads);
    let looking = Looking {
        folder: &arguments.out,
        threads,
        control: &control,
        format,
        no_color,
        quiet,
        goes_on: "the same command looks for them again",
    };
    let found = match &template {
        Template::Read(template) => sweep::crossover::look(&looking, template, &results)?,
        Template::NotNeeded | Template::Unreadable(_) => true,
    };
    report::of_sweep(&arguments.out)?;
    if !arguments.quiet {
        let runs = results.header.count_of_units(results.header.units());
        tell(&format!("{runs}; results in {}", arguments.out.display()));
    }
    if let Template::Unreadable(why) = &template {
        tell(&format!(
            "warning: no crossovers were looked for, because that takes playing more of the scenario, and it cannot be read \
             here. Say with --scenario-dir where the scenario file lies and the files that it names, or leave crossovers out \
             with --no-crossover. What is missing:\n{why}"
        ));
    }
    misses.tell();
    Ok(match () {
        () if !found => INTERRUPTED,
        () if misses.any() => BEYOND_TOLERANCE,
        () => 0,
    })
}

/// The scenario that crossovers are looked for with.
enum Template {
    Read(Box<scenario::Template>),
    /// There is nothing to look for.
    NotNeeded,
    /// Why it cannot be read.
    Unreadable(String),
}

fn template(arguments: &MergeArguments, header: &Header) -> Template {
    if arguments.no_crossover || !crossover::may_be_asked(header) {
        return Template::NotNeeded;
    }
    let folder = arguments.scenario_dir.as_deref().unwrap_or(Path::new(""));
    match crossover::template(header, folder) {
        Ok(template) => Template::Read(Box::new(template)),
        Err(error) => Template::Unreadable(Failure::from(error).render(false)),
    }
}
