//! `pushpull diff`: what changed from one run to another.

use crate::cli::{DiffArguments, Format};
use crate::evaluation::diff::{self, Tolerances};
use crate::run::{BEYOND_TOLERANCE, Failure, print, style};

/// Compares two results, prints what differs, and gives back the exit code.
///
/// # Errors
///
/// If they cannot be compared.
pub(super) fn diff(arguments: &DiffArguments) -> Result<u8, Failure> {
    let tolerances = Tolerances::parse(&arguments.tolerances).map_err(Failure::Usage)?;
    let read = |path| diff::read(path).map_err(|error| Failure::Usage(error.to_string()));
    let (first, second) = (read(&arguments.first)?, read(&arguments.second)?);
    let differences =
        diff::compare([&first, &second], &tolerances).map_err(|error| Failure::Usage(error.to_string()))?;
    let names = [&arguments.first, &arguments.second].map(|path| path.display().to_string());
    let names = names.each_ref().map(String::as_str);
    if !arguments.quiet {
        print(&match arguments.format {
            Format::Csv => diff::csv(&differences),
            Format::Json => diff::json(&differences, names),
            Format::Table => diff::table(&differences, names, style(arguments.no_color)).into_bytes(),
        })?;
    }
    Ok(if differences.is_within() { 0 } else { BEYOND_TOLERANCE })
}
