//! The `pushpull` program: reads the command line, does it, and exits with the code that says how it went.

use std::process::ExitCode;

use clap::Parser as _;
use pushpull::cli::Cli;
use pushpull::run;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run::run(&cli) {
        Ok(code) => code.into(),
        // Whoever closed the pipe has read what they wanted.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            run::tell(failure.render(run::errors_in_colour(&cli)).trim_end());
            failure.exit_code().into()
        }
    }
}
