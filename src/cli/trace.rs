//! Arguments of `trace`.

use clap::{Args, ValueEnum};

use crate::cli::{ScenarioArguments, parse_span};
use crate::time::Span;

pub(super) const EXAMPLES: &str = "Examples:
  pushpull trace quickstart
  pushpull trace hybrid --events 2
  pushpull trace forged --client \"checks the signature\"
  pushpull trace stripe-outage --from 2h --client webhook --client \"poll every 5 min\"
  pushpull trace quickstart --engine live
  pushpull trace flaky-network --seed 3 --set network.loss=0.3 --width 100

System B stands in the middle. Whoever asks it stands on the left, whoever it calls on the right, and
a client that does both on both sides. Time goes down, and a line stands at the instant at which its
arrow arrives; what is lost stands where it set out. Shown are the first events and what is sent for
them, until every client knows of them. `pushpull run FILE --timeline` shows the same below the table.";

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceArguments {
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    /// A client to show; given twice, one that asks and one that is called; otherwise the first of each
    #[arg(long = "client", value_name = "NAME")]
    pub clients: Vec<String>,
    /// How many events to follow
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100), default_value_t = EVENTS)]
    pub events: u16,
    /// From when on, such as 2h; otherwise from the end of the warm-up
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub from: Option<Span>,
    /// Play it in virtual time, at once, or over real HTTP, in real time and only as long as needed
    #[arg(long, value_enum, default_value_t = TraceEngine::Sim)]
    pub engine: TraceEngine,
    /// Columns of the chart
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(60..=200), default_value_t = 80)]
    pub width: u16,
    /// Use only ASCII characters; so does a locale that is not UTF-8
    #[arg(long)]
    pub ascii: bool,
    /// Print nothing but errors on standard error
    #[arg(long, short)]
    pub quiet: bool,
    /// Use no colours; NO_COLOR in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}

/// How many events are followed unless somebody asks for more: about as many as fill a screen.
pub(crate) const EVENTS: u16 = 4;

/// Which engine plays what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TraceEngine {
    /// Virtual time: exact, repeatable, and at once
    Sim,
    /// Real HTTP on loopback, in real time
    Live,
}
