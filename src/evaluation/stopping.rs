//! When there are enough replications: a pure function of the replications in their order.

use crate::evaluation::estimate::{parts, rows};
use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::measure::sample::{Estimate, Part};
use crate::scenario::Scenario;

/// The figures that have to be precise: how late clients hear of events, and what that costs. Shares that may be near 0,
/// percentiles and peaks are not among them: their relative error would decide, although nobody may want to know them.
pub const METRICS: [&str; 2] = ["latency_mean_ms", "requests_per_event"];

/// Fewer replications say too little about their own spread: the standard deviation of 10 values is uncertain by a quarter of
/// itself, that of 3 by half, and the first few often agree by chance.
pub const MINIMUM: u32 = 10;

/// As many as this are played at most, if nobody says otherwise.
pub const MAXIMUM: u32 = 1_000;

/// How often a point is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Repeat {
    /// So many times.
    Times(u32),
    /// As often as a rule takes.
    Until(Rule),
}

impl Repeat {
    /// What a scenario asks for.
    pub fn of(scenario: &Scenario) -> Self {
        match scenario.precision {
            None => Self::Times(scenario.replications.unwrap_or(1)),
            Some(precision) => {
                Self::Until(Rule { precision: precision.share(), maximum: scenario.replications.unwrap_or(MAXIMUM) })
            }
        }
    }

    /// The least number of replications.
    pub fn least(self) -> u32 {
        match self {
            Self::Times(count) => count,
            Self::Until(rule) => rule.minimum(),
        }
    }

    /// The most replications.
    pub const fn most(self) -> u32 {
        match self {
            Self::Times(count) => count,
            Self::Until(rule) => rule.maximum,
        }
    }

    /// The rule, if there is one.
    pub const fn rule(self) -> Option<Rule> {
        match self {
            Self::Times(_) => None,
            Self::Until(rule) => Some(rule),
        }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The relative error that a figure may have, as a share: 0.02 for 2 %.
    pub precision: f64,
    /// The most replications.
    pub maximum: u32,
}

/// Where a point stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// After so many replications.
    pub count: u32,
    /// Whether every figure is as precise as it was to be.
    pub reached: bool,
}

impl Rule {
    /// The least number of replications.
    pub fn minimum(&self) -> u32 {
        MINIMUM.min(self.maximum)
    }

    /// How many replications to play before the rule is asked again, where so many are known, which were not enough: those
    /// beyond the stop are for nothing, so that there should not be many, but there should be work for so many threads.
    pub fn goal(&self, known: u32, threads: u32) -> u32 {
        let more = known.saturating_add(threads.max(known / 10).max(1));
        more.max(self.minimum()).min(self.maximum)
    }

    /// The same where they are played one after the other: as few as the rule can be asked about, one more each time.
    pub fn next(&self, known: u32) -> u32 {
        known.saturating_add(1).max(self.minimum()).min(self.maximum)
    }

    /// Where a point stops whose first replications, in their order, are these; none if it takes more of them. The first
    /// `checked` are known not to be enough. Replications beyond the stop change nothing, so that it does not matter how many
    /// are played at once.
    pub fn stop(&self, outcomes: &[Outcome], checked: u32) -> Option<Stop> {
        let known = u32::try_from(outcomes.len()).unwrap_or(u32::MAX).min(self.maximum);
        let series = series(outcomes);
        let first = self.minimum().max(checked.saturating_add(1));
        let precise =
            (first..=known).find(|&count| series.iter().all(|parts| self.is_precise(&parts[..count as usize])));
        match precise {
            Some(count) => Some(Stop { count, reached: true }),
            None => (known == self.maximum).then_some(Stop { count: known, reached: false }),
        }
    }

    /// Whether a figure is precise: half of its 95 % interval is at most P / (1 + P) of the observed mean, so that it is at
    /// most P of the true mean wherever that lies in the interval (Law, Simulation Modeling and Analysis, section 9.4.1).
    /// What is the same in every replication is precise, and what no replication has need not be.
    fn is_precise(&self, parts: &[Option<Part>]) -> bool {
        let widest = self.precision / (1.0 + self.precision);
        let known: Vec<Part> = parts.iter().copied().flatten().collect();
        let width = |estimate: Estimate| estimate.relative_half_width().is_some_and(|width| width <= widest);
        Estimate::of_parts(&known).is_none_or(width)
    }
}

/// What each replication adds to each of [`METRICS`] of each client and engine.
fn series(outcomes: &[Outcome]) -> Vec<Vec<Option<Part>>> {
    let of = |row: &ClientOutcome, metric| parts(outcomes, &row.engine, &row.client, metric);
    rows(outcomes).iter().flat_map(|row| METRICS.into_iter().map(move |metric| of(row, metric))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other_none_is_played_for_nothing() {
        let rule = Rule { precision: 0.02, maximum: 1_000 };
        assert_eq!([0, 9, 10, 500, 999, 1_000].map(|known| rule.next(known)), [10, 10, 11, 501, 1_000, 1_000]);
        assert_eq!(Rule { maximum: 3, ..rule }.next(0), 3);
    }
}
