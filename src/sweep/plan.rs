//! Which units a sweep has, and whether each can be played.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::evaluation::stopping::Repeat;
use crate::report::human;
use crate::scenario::{Problems, Scenario, Template};
use crate::sweep::estimate::{Cost, PointCost};
use crate::sweep::header::Header;

/// So many points or more are played only by those who say that they mean it.
pub const MANY_POINTS: u64 = 1_000_000;
/// There are never as many units as this.
pub const UNITS_MAX: u64 = 1 << 32;
/// From so many points what a sweep takes is estimated, where there are too many to look at each.
const SAMPLE: u64 = 500;

/// Why there is no sweep to play.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The scenario of a point is invalid.
    #[error("{0}")]
    Scenario(Box<Problems>),
    /// There is nothing to play, or too much.
    #[error("{0}")]
    Size(String),
}

/// A sweep in which every point has been checked.
#[derive(Debug)]
pub struct Plan {
    /// The scenario file.
    pub template: Template,
    /// What identifies the sweep.
    pub header: Header,
    /// How often each point is played.
    pub repeat: Repeat,
    /// What each point takes.
    costs: Vec<PointCost>,
}

impl Plan {
    /// Plans a sweep, and checks the scenario of every point. `confirmed` is whether [`MANY_POINTS`] or
    /// more are meant.
    ///
    /// # Errors
    ///
    /// If nothing varies, if there are too many points or units, and if the scenario of a point is invalid: the first one.
    pub fn new(template: Template, confirmed: bool) -> Result<Self, PlanError> {
        let points = template.axes().points();
        let repeat = Repeat::of(template.base());
        let each = if repeat.rule().is_some() { 1 } else { repeat.most() };
        let units = points.saturating_mul(each.into());
        if template.axes().is_empty() && !template.base().is_replicated() {
            let sentence = "nothing varies: add [sweep] to the file, or --vary with a key and its values, such as \
                            --vary events.rate=0.1/s..10/s:5:log";
            return Err(PlanError::Size(sentence.to_owned()));
        }
        if units >= UNITS_MAX {
            let sentence = format!(
                "{} points with {} each are {} runs; at most {} can be counted. Sweep fewer values",
                human::count(points),
                human::things(each.into(), "replication", "replications"),
                human::count(units),
                human::count(UNITS_MAX - 1)
            );
            return Err(PlanError::Size(sentence));
        }
        if points >= MANY_POINTS && !confirmed {
            return Err(too_many(&template, points, repeat.least()));
        }
        let (costs, files) = check(&template, points)?;
        let header = Header::new(&template, files);
        Ok(Self { template, header, repeat, costs })
    }

    /// The scenario of a point, as its first replication plays it but for a warm-up that is still to be found.
    ///
    /// # Errors
    ///
    /// None that was not found when the plan was made, unless a file that the scenario names has changed.
    pub fn scenario(&self, point: u64) -> Result<Scenario, Problems> {
        self.template.at(&self.template.axes().settings(point), 0)
    }

    /// What a point takes.
    pub fn cost_of_point(&self, point: u64) -> PointCost {
        usize::try_from(point).ok().and_then(|point| self.costs.get(point)).copied().unwrap_or_default()
    }

    /// What a unit takes, at least. The first one of a point also takes the pilot run that all of them wait for.
    pub fn cost(&self, unit: u64) -> Cost {
        let (point, first) = self.header.place(unit);
        let cost = self.cost_of_point(point);
        let runs = cost.run.times(self.header.least_of_unit().into());
        if first == 0 { runs + cost.pilot } else { runs }
    }

    /// What all points take with so many replications.
    pub fn total(&self, replications: u32) -> Cost {
        self.costs.iter().fold(Cost::default(), |sum, cost| sum + cost.replicated(replications.into()))
    }
}

/// What each point takes, and where needed the SHA-256 of all of their scenarios.
fn check(template: &Template, points: u64) -> Result<(Vec<PointCost>, Option<String>), PlanError> {
    let is_deep = template.axes().iter().any(|axis| axis.is_deep());
    let at = |point: u64| template.at(&template.axes().settings(point), 0);
    let look = |point: u64| {
        let scenario = at(point).ok()?;
        Some((PointCost::of(&scenario), is_deep.then(|| scenario.sha256())))
    };
    let looks: Vec<_> = (0..points).into_par_iter().map(look).collect();
    let mut hash = Sha256::new();
    let mut costs = Vec::with_capacity(looks.len());
    for (point, look) in (0..).zip(looks) {
        match look {
            Some((cost, sha256)) => {
                costs.push(cost);
                hash.update(sha256.unwrap_or_default());
            }
            // The first one in the file's order is explained, whichever was found first.
            None => at(point).map_err(|problems| PlanError::Scenario(Box::new(problems))).map(drop)?,
        }
    }
    Ok((costs, is_deep.then(|| hex::encode(hash.finalize()))))
}

fn too_many(template: &Template, points: u64, replications: u32) -> PlanError {
    let step = (points / SAMPLE).max(1);
    let sample = (0..points).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    let costs =
        sample.map(|point| template.at(&template.axes().settings(point), 0).map(|scenario| PointCost::of(&scenario)));
    let mut total = Cost::default();
    let mut seen = 0.0;
    for cost in costs {
        match cost {
            Ok(cost) => total += cost.replicated(replications.into()),
            Err(problems) => return PlanError::Scenario(Box::new(problems)),
        }
        seen += 1.0;
    }
    let total = total.times(points as f64 / seen);
    PlanError::Size(format!(
        "this sweep has {} points: about {} requests and {} of computing. Sweep fewer values, or add --yes to play them \
         all",
        human::count(points),
        total.requests(),
        human::duration_secs(total.seconds)
    ))
}
