//! Looks for crossovers between the points of a line: by playing what lies between them, or else on the straight line.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::engine::Control;
use crate::evaluation::crossing::{self, Difference, Scale};
use crate::evaluation::outcome::Outcome;
use crate::evaluation::pilot;
use crate::evaluation::play::{self, RunError};
use crate::measure::sample::Estimate;
use crate::scenario::axes::Setting;
use crate::scenario::{EngineChoice, Scenario, Template};
use crate::sweep::crossover::along::{Along, Line};
use crate::sweep::crossover::question::Question;
use crate::sweep::crossover::{SearchError, Spot};
use crate::sweep::unit::{self, UnitError};

/// The significant digits of values between points; fewer where a key cannot hold so many.
const DIGITS: [u32; 2] = [9, 6];

/// A point of a line: its value along the axis, its mean difference, and the runs that this is the mean of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) at: f64,
    pub(super) difference: f64,
    pub(super) runs: u32,
}

/// One question along one line.
pub(super) struct Search<'a> {
    pub(super) template: &'a Template,
    pub(super) along: &'a Along<'a>,
    pub(super) question: &'a Question,
    pub(super) line: &'a Line,
    pub(super) control: &'a Control,
    /// Is told of every run that was played.
    pub(super) told: &'a (dyn Fn() + Sync),
}

impl Search<'_> {
    /// Every crossover of the line, given its points at which the difference is known, in their order.
    pub(super) fn spots(&self, known: &[Known]) -> Result<Vec<Spot>, SearchError> {
        // Where there is no difference at all, the sign changes between the points around.
        let signed: Vec<_> = known.iter().filter(|known| known.difference != 0.0).collect();
        let brackets = signed.windows(2).filter(|pair| (pair[0].difference > 0.0) != (pair[1].difference > 0.0));
        let brackets: Vec<_> = brackets.map(|pair| [*pair[0], *pair[1]]).collect();
        let mut spots = brackets.iter().map(|ends| self.spot(*ends)).collect::<Result<Vec<_>, _>>()?;
        // Two that lie so near to each other that either may be beyond the point between them stay on their sides of it.
        if spots.windows(2).any(|pair| pair[0].at >= pair[1].at) {
            for (spot, [low, high]) in spots.iter_mut().zip(&brackets) {
                spot.at = spot.at.clamp(low.at, high.at);
            }
        }
        Ok(spots)
    }

    fn spot(&self, ends: [Known; 2]) -> Result<Spot, SearchError> {
        let refined = if self.question.engine == "sim" && !self.along.is_tied { self.refined(ends)? } else { None };
        Ok(refined.unwrap_or_else(|| self.interpolated(ends)))
    }

    /// The crossover as runs between the points have it; none where there is a value that cannot be played.
    fn refined(&self, ends: [Known; 2]) -> Result<Option<Spot>, SearchError> {
        let runs = ends[0].runs.min(ends[1].runs).max(1);
        let Some((_, point)) = self.line.points.first() else { return Ok(None) };
        let settings = self.template.axes().settings(*point);
        let mut look = Look { search: self, settings, settled: BTreeMap::new() };
        let ends = ends.map(|end| (end.at, end.difference));
        let found = crossing::find(&mut look, self.along.scale, runs, ends)?;
        Ok(found.map(|found| Spot {
            at: found.at,
            interval: found.interval,
            rises: found.rises,
            replications: found.replications,
            is_refined: true,
        }))
    }

    /// Where the straight line between two points crosses zero.
    fn interpolated(&self, [low, high]: [Known; 2]) -> Spot {
        let share = low.difference / (low.difference - high.difference);
        let between = |low: f64, high: f64| low + (high - low) * share;
        let at = match self.along.scale {
            Scale::Linear => between(low.at, high.at),
            Scale::Logarithmic => libm::exp(between(libm::log(low.at), libm::log(high.at))),
        };
        let rises = high.difference > low.difference;
        Spot { at, interval: None, rises, replications: low.runs.min(high.runs), is_refined: false }
    }

    fn setting(&self, value: f64) -> Option<Setting> {
        DIGITS.into_iter().find_map(|digits| self.along.axis.at(value, digits))
    }
}

/// Plays any value along a line.
struct Look<'a> {
    search: &'a Search<'a>,
    /// Those of a point of the line.
    settings: Vec<Setting>,
    /// The scenarios of the values that were looked at, by the bits of the value, each with the warm-up that it asks for; none
    /// where it is not valid.
    settled: BTreeMap<u64, Option<Scenario>>,
}

impl Look<'_> {
    /// The scenario at a value that a setting stands for; none where it is not valid.
    fn scenario(&self, setting: Setting) -> Option<Scenario> {
        let mut settings = self.settings.clone();
        *settings.get_mut(self.search.along.index)? = setting;
        let mut scenario = self.search.template.at(&settings, 0).ok()?;
        scenario.engine = EngineChoice::Sim;
        Some(scenario)
    }

    /// The scenario at a value with its warm-up, for which a pilot run is played once.
    fn settle(&mut self, value: f64) -> Result<Option<Scenario>, SearchError> {
        if let Some(known) = self.settled.get(&value.to_bits()) {
            return Ok(known.clone());
        }
        let found = self.search.setting(value).and_then(|setting| self.scenario(setting));
        let settled = found.map(|scenario| pilot::settle(scenario, self.search.control)).transpose();
        let settled = match settled.map_err(RunError::from).map_err(UnitError::from)? {
            None => None,
            Some(Some(settled)) => Some(settled.scenario),
            Some(None) => return Err(SearchError::Stopped),
        };
        self.settled.insert(value.to_bits(), settled.clone());
        Ok(settled)
    }

    /// One run.
    fn run(&self, first: &Scenario, replication: u32) -> Result<Outcome, SearchError> {
        let Search { control, told, .. } = self.search;
        let scenario = unit::replication(first, replication);
        let report = play::play(&scenario, &play::anywhere(), control, |_| ()).map_err(UnitError::from)?;
        if report.partial || control.is_stopped() {
            return Err(SearchError::Stopped);
        }
        told();
        Ok(Outcome::of(&report))
    }
}

impl Difference for Look<'_> {
    type Error = SearchError;

    fn at(&mut self, value: f64, replications: u32) -> Result<Option<Estimate>, SearchError> {
        let Some(first) = self.settle(value)? else { return Ok(None) };
        let runs: Vec<_> = (0..replications).into_par_iter().map(|number| self.run(&first, number)).collect();
        let outcomes: Vec<Outcome> = runs.into_iter().collect::<Result<_, _>>()?;
        Ok(self.search.question.difference(&outcomes))
    }

    fn representable(&self, value: f64) -> f64 {
        self.search.setting(value).and_then(|setting| setting.value.number).unwrap_or(value)
    }

    fn allows(&self, value: f64) -> bool {
        self.search.setting(value).is_some_and(|setting| self.scenario(setting).is_some())
    }
}
