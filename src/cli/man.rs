//! Manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::Cli;

pub(super) const EXAMPLES: &str = "Examples:
  pushpull man | man -l -
  pushpull man --out ~/.local/share/man/man1        (then: man pushpull, man pushpull-run)";

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Write a page for the program and one for each command into this folder, which is made if need be
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The page of the program.
///
/// # Errors
///
/// If memory cannot be written to.
pub fn page() -> std::io::Result<Vec<u8>> {
    render(&Man::new(program()))
}

/// The name and the content of every page: the program's, and one for each command.
///
/// # Errors
///
/// If memory cannot be written to.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let program = program();
    let commands: Vec<clap::Command> =
        program.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let pages = std::iter::once(program).chain(commands).map(Man::new);
    pages.map(|page| Ok((page.get_filename(), render(&page)?))).collect()
}

/// The program with all its commands, but the one that only repeats what `--help` says.
fn program() -> clap::Command {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    program
}

fn render(page: &Man) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(text)
}
