//! Arguments of `lab`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  pushpull lab
  pushpull lab --port 8080
  pushpull lab scenarios/hybrid.toml

The first line on standard error is the address, as \"lab at http://127.0.0.1:PORT/\". Open it in a
browser; nothing is opened by itself, and nothing comes from elsewhere. Ctrl-C ends it.

Eight lessons come first, then a sandbox with all sliders. Whatever they show, the same engine has
played as `pushpull run`; each state has a link, and a scenario file to be downloaded. A FILE, or the
name of a built-in scenario, is what the sandbox starts from.";

/// Arguments of `lab`.
#[derive(Debug, Args)]
pub struct LabArguments {
    /// A scenario file, or the name of a built-in scenario, for the sandbox to start from
    pub file: Option<PathBuf>,
    /// Change a key of the scenario; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "file")]
    pub sets: Vec<String>,
    /// Address to bind to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port; 0 takes one that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Let others than this machine call
    #[arg(long)]
    pub allow_remote: bool,
}
