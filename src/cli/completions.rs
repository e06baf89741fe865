//! Scripts that let a shell complete the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;

pub(super) const EXAMPLES: &str = "Examples:
  pushpull completions bash > ~/.local/share/bash-completion/completions/pushpull
  pushpull completions zsh > ~/.zfunc/_pushpull          (with fpath+=~/.zfunc before compinit)
  pushpull completions fish > ~/.config/fish/completions/pushpull.fish
  source <(pushpull completions bash)                    (for this shell alone)";

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The script for a shell.
pub fn script(arguments: &CompletionsArguments) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "pushpull", &mut script);
    script
}
