//! What people and programs read. Everything here formats what [`crate::measure`] computed, and computes nothing itself.

pub mod agreement;
pub mod chart;
pub mod columns;
pub mod costs;
pub mod csv;
pub mod distribution;
pub mod faults;
pub mod files;
pub mod human;
pub mod json;
pub mod page;
pub mod palette;
pub mod replications;
pub mod sequence;
pub mod table;
pub mod thresholds;
pub mod traces;
pub(crate) mod unfinished;
pub mod verdict;

use crate::engine::live::Lag;
use crate::measure::agreement::Agreement;
use crate::measure::chronicle::Chronicle;
use crate::measure::judgement::Judgement;
use crate::measure::prices::Prices;
use crate::measure::summary::Summary;
use crate::theory::Verification;
use crate::theory::stability::Overload;

/// Everything a report can tell of one run of one scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which scenario it was.
    pub scenario: Identity,
    /// What each engine that played it found.
    pub engines: Vec<EngineReport>,
    /// How far the engines agree, where there were two.
    pub agreements: Vec<Agreement>,
    /// What became of the thresholds, if there are any.
    pub judgements: Vec<Judgement>,
    /// Whether the run was stopped before its end.
    pub partial: bool,
}

/// What identifies a scenario, and lets anyone repeat it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The name of its file, without the ending.
    pub name: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of the resolved scenario.
    pub sha256: String,
    /// The seed.
    pub seed: u64,
    /// How many consumers it has.
    pub consumers: u32,
    /// Whether forged webhooks are sent in it.
    pub has_forgeries: bool,
    /// What requests and traffic cost, if that is known.
    pub prices: Option<Prices>,
    /// Every key with the value in effect.
    pub resolved: serde_json::Value,
    /// The same as a scenario file, which repeats the run.
    pub text: String,
}

/// What one engine found.
#[derive(Clone, Debug)]
pub struct EngineReport {
    /// `sim` or `live`.
    pub engine: &'static str,
    /// One summary a client, in the order of the scenario.
    pub summaries: Vec<Summary>,
    /// What theory says beside it.
    pub theory: Vec<Verification>,
    /// Parts that could not keep up, so that means do not converge.
    pub overloads: Vec<Overload>,
    /// What happened at the opening of the measured stretch, for each client in the order of the scenario; none where that is
    /// not told.
    pub opening: Vec<Option<Chronicle>>,
    /// How late the live engine was against its schedule.
    pub lag: Option<Lag>,
    /// The run was stopped, and its clients had not come equally far: side by side they would mislead.
    pub cut_unevenly: bool,
}

impl EngineReport {
    /// Whether a part of this client could not keep up.
    pub fn is_overloaded(&self, client: usize) -> bool {
        self.overloads.iter().any(|overload| overload.client == client)
    }
}

/// The version of the result files' formats.
pub const SCHEMA: u32 = 1;

/// The version of this program.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests;
