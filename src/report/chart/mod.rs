//! Charts as SVG: pure functions from plain data to markup. They need no script, no font and nothing from elsewhere, and the
//! same data gives the same bytes.
//!
//! Colours are never written here: shapes have classes, [`css`] has their rules, and [`crate::report::palette`] the colours.
//! Each chart is made for a width ([`Canvas`]); a page shows a wide one or a narrow one, as its reader's screen goes.

mod axes;
mod backlog;
mod bands;
mod canvas;
mod curve;
mod ends;
mod heat;
mod latency;
mod load;
mod marks;
mod placement;
mod requests;
mod scale;
mod sketch;
mod style;
mod sweep;
mod text;
mod ticks;
mod timeline;

pub use backlog::{Backlog, BacklogLine, FaultBand, backlog};
pub use canvas::{Canvas, Client};
pub use curve::Step;
pub use heat::{HeatMap, heat_map};
pub use latency::{LatencyCurve, LatencyDistribution, Target, latency_distribution};
pub use load::{Load, LoadLine, load};
pub use requests::{Bar, Requests, RequestsPanel, requests};
pub use scale::Scale;
pub use style::css;
pub use sweep::{Axis, CrossoverMark, SweepLine, SweepLines, SweepPoint, sweep_lines};
pub use timeline::{Arc, EventDot, Lane, Mark, Side, Timeline, timeline};

#[cfg(test)]
mod tests;
