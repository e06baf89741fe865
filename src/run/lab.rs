//! `pushpull lab`: from arguments to the page, until Ctrl-C.

use std::path::Path;
use std::sync::Arc;

use super::{Failure, INTERRUPTED, builtin, interrupt, tell, template};
use crate::cli::LabArguments;
use crate::engine::Control;
use crate::lab::{Lab, Sandbox};
use crate::roles::check_bind;
use crate::scenario::Changes;

/// Serves the lab.
pub(super) fn serve(arguments: &LabArguments) -> Result<u8, Failure> {
    check_bind(arguments.bind, arguments.allow_remote).map_err(|error| Failure::Usage(error.to_string()))?;
    let sandbox = arguments.file.as_deref().map(|file| sandbox(file, &arguments.sets)).transpose()?.unwrap_or_default();
    let lab = Lab::bind(arguments.bind, arguments.port)?;
    let control = Arc::new(Control::default());
    interrupt::watch(Arc::clone(&control));
    tell(&format!("lab at http://{}/", lab.address()));
    lab.play(sandbox, arguments.allow_remote, &control)?;
    Ok(INTERRUPTED)
}

/// The scenario of a file as the sandbox starts from it.
fn sandbox(file: &Path, sets: &[String]) -> Result<Sandbox, Failure> {
    let template = template(file, &Changes::from(sets))?;
    let dir = match builtin::find(file) {
        Some(_) => Path::new("."),
        None => file.parent().unwrap_or(Path::new("")),
    };
    Sandbox::from_file(&template, dir).map_err(|problems| Failure::Scenario(Box::new(problems)))
}
