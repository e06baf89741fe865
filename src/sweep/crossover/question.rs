//! What is asked along an axis: who needs fewer requests, who costs less, whether a target holds.

use crate::evaluation::crossing::LEAN;
use crate::evaluation::estimate::parts;
use crate::evaluation::outcome::Outcome;
use crate::evaluation::threshold::as_written;
use crate::measure::judgement::Comparison;
use crate::measure::sample::{Estimate, Paired, Part};
use crate::scenario::threshold::{ClientColumn, Expectation};
use crate::scenario::{EngineChoice, Scenario};

/// Something that may be so on one side of a value and not on the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    /// The engine whose figures it is about: `sim` or `live`.
    pub(super) engine: &'static str,
    /// What is compared.
    pub(super) criterion: Criterion,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Criterion {
    /// A figure of two clients, of which less is better.
    Less {
        /// Which figure.
        figure: Figure,
        /// The first client of the scenario.
        baseline: String,
        /// A later one.
        client: String,
    },
    /// The two sides of a target.
    Target {
        /// What is expected.
        expect: Expectation,
        /// The client that it is held against; none where it names its own.
        client: Option<String>,
    },
}

/// A figure of which two clients may have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// Requests.
    Requests,
    /// Money.
    Cost,
}

impl Figure {
    /// The column of `summary.csv`.
    const fn column(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Cost => "cost_total",
        }
    }
}

impl Question {
    /// Everything that is asked of a scenario: every later client against the first, then the targets.
    pub(super) fn all(scenario: &Scenario, targets: &[Expectation]) -> Vec<Self> {
        let engines: &[&'static str] = match scenario.engine {
            EngineChoice::Sim => &["sim"],
            EngineChoice::Live => &["live"],
            EngineChoice::Both => &["sim", "live"],
        };
        let criteria = criteria(scenario, targets);
        let of = |engine: &&'static str| {
            let engine = *engine;
            criteria.iter().map(move |criterion| Self { engine, criterion: criterion.clone() })
        };
        engines.iter().flat_map(of).collect()
    }

    /// By how much one side is above the other in runs of a point: less than zero where the later client has less, or where the
    /// left side of a target is less. Where the two sides of a target are equal it leans to the side on which that belongs.
    ///
    /// None where a figure is empty in any of them.
    pub(super) fn difference(&self, outcomes: &[Outcome]) -> Option<Estimate> {
        match &self.criterion {
            Criterion::Less { figure, baseline, client } => {
                let known =
                    self.known(outcomes, client, figure.column()).zip(self.known(outcomes, baseline, figure.column()));
                let (client, baseline) = known?;
                Paired::of_parts(&baseline.into_iter().zip(client).collect::<Vec<_>>()).map(|paired| paired.difference)
            }
            Criterion::Target { expect, client } => {
                let sides = Sides::of(self, expect, client.as_deref(), outcomes)?;
                Some(Estimate { mean: sides.leaning()?, ..sides.error().unwrap_or(sides.alone()) })
            }
        }
    }

    /// The same, without looking for how sure it is where that takes long.
    pub(super) fn mean(&self, outcomes: &[Outcome]) -> Option<Estimate> {
        match &self.criterion {
            Criterion::Less { .. } => self.difference(outcomes),
            Criterion::Target { expect, client } => {
                let sides = Sides::of(self, expect, client.as_deref(), outcomes)?;
                Some(Estimate { mean: sides.leaning()?, ..sides.alone() })
            }
        }
    }

    /// What each run adds to a column of a client; none where it is empty in one of them.
    fn known(&self, outcomes: &[Outcome], client: &str, column: &str) -> Option<Vec<Part>> {
        parts(outcomes, self.engine, client, column).into_iter().collect()
    }

    /// Whether what is asked is so where the difference has this sign: the later client has less, or the target holds.
    pub(super) fn holds(&self, is_above: bool) -> bool {
        match &self.criterion {
            Criterion::Less { .. } => !is_above,
            Criterion::Target { expect, .. } => {
                matches!(expect.comparison, Comparison::More | Comparison::AtLeast) == is_above
            }
        }
    }

    /// What is so where the difference has this sign, in a word: the client with less, `holds` or `misses`.
    pub(super) fn word(&self, is_above: bool) -> &str {
        match (&self.criterion, self.holds(is_above)) {
            (Criterion::Less { client, .. }, true) => client,
            (Criterion::Less { baseline, .. }, false) => baseline,
            (Criterion::Target { .. }, true) => "holds",
            (Criterion::Target { .. }, false) => "misses",
        }
    }

    /// The name of its kind in files.
    pub(super) const fn kind(&self) -> &'static str {
        match &self.criterion {
            Criterion::Less { figure: Figure::Requests, .. } => "requests",
            Criterion::Less { figure: Figure::Cost, .. } => "cost",
            Criterion::Target { .. } => "target",
        }
    }

    /// The two clients, as far as it has them: the first, and the one that it is about.
    pub(super) fn clients(&self) -> [Option<&str>; 2] {
        match &self.criterion {
            Criterion::Less { baseline, client, .. } => [Some(baseline), Some(client)],
            Criterion::Target { client, .. } => [None, client.as_deref()],
        }
    }

    /// Of what a figure has to be known, in words.
    pub(super) const fn subject(&self) -> &'static str {
        match &self.criterion {
            Criterion::Less { figure: Figure::Requests, .. } => "a number of requests",
            Criterion::Less { figure: Figure::Cost, .. } => "a cost",
            Criterion::Target { .. } => "a column of it",
        }
    }

    /// What is compared, in the one form of a threshold.
    pub(super) fn text(&self) -> String {
        match &self.criterion {
            Criterion::Less { figure, .. } => figure.column().to_owned(),
            Criterion::Target { expect, .. } => expect.to_string(),
        }
    }
}

/// The two sides of a target in runs of a point.
struct Sides<'a> {
    expect: &'a Expectation,
    /// What each run adds to each column that stands in it.
    columns: Vec<(&'a ClientColumn, Vec<Part>)>,
    runs: usize,
}

impl<'a> Sides<'a> {
    fn of(question: &Question, expect: &'a Expectation, client: Option<&str>, outcomes: &[Outcome]) -> Option<Self> {
        let known = |column: &'a ClientColumn| {
            let client = column.client.as_deref().or(client)?;
            Some((column, question.known(outcomes, client, column.column)?))
        };
        let columns = expect.columns().into_iter().map(known).collect::<Option<_>>()?;
        Some(Self { expect, columns, runs: outcomes.len() })
    }

    /// The left side and the right side over all runs but one.
    fn values(&self, left_out: Option<usize>, round: fn(f64) -> Option<f64>) -> Option<[f64; 2]> {
        let of = |column: &ClientColumn| {
            let (_, parts) = self.columns.iter().find(|(known, _)| *known == column)?;
            let parts = parts.iter().enumerate().filter(|(run, _)| Some(*run) != left_out).map(|(_, part)| *part);
            round(Estimate::of_parts(&parts.collect::<Vec<_>>())?.mean)
        };
        let [left, right] = [&self.expect.left, &self.expect.right].map(|side| side.value(&of).and_then(round));
        Some([left?, right?])
    }

    /// The difference as the target is judged; where there is none it leans to the side on which that belongs.
    fn leaning(&self) -> Option<f64> {
        let [left, right] = self.values(None, as_written)?;
        Some(match self.expect.comparison {
            Comparison::AtMost | Comparison::More if left == right => -LEAN,
            _ if left == right => LEAN,
            _ => left - right,
        })
    }

    /// How sure it is: the spread of what each run adds to it (jackknife), since the sides may be any expression of means and
    /// quotients. None of a single run, or where some runs alone do not say anything.
    fn error(&self) -> Option<Estimate> {
        let difference = |left_out| self.values(left_out, Some).map(|[left, right]| left - right);
        let all = difference(None).filter(|_| self.runs > 1)?;
        let runs = self.runs as f64;
        let added = |run| Some(runs * all - (runs - 1.0) * difference(Some(run))?);
        Estimate::of(&(0..self.runs).map(added).collect::<Option<Vec<_>>>()?)
    }

    fn alone(&self) -> Estimate {
        let n = u32::try_from(self.runs).unwrap_or(u32::MAX);
        Estimate { n, mean: 0.0, standard_deviation: None, half_width: None }
    }
}

fn criteria(scenario: &Scenario, targets: &[Expectation]) -> Vec<Criterion> {
    let names: Vec<_> = scenario.setup.clients.iter().map(|client| client.name.clone()).collect();
    let mut criteria = Vec::new();
    let figures = [Some(Figure::Requests), scenario.prices.is_some().then_some(Figure::Cost)];
    if let Some((baseline, others)) = names.split_first() {
        for figure in figures.into_iter().flatten() {
            let against =
                |client: &String| Criterion::Less { figure, baseline: baseline.clone(), client: client.clone() };
            criteria.extend(others.iter().map(against));
        }
    }
    for expect in targets {
        let target = |client: Option<&String>| Criterion::Target { expect: expect.clone(), client: client.cloned() };
        match expect.is_for_each() {
            true => criteria.extend(names.iter().map(|name| target(Some(name)))),
            false => criteria.push(target(None)),
        }
    }
    criteria
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluation::outcome::ClientOutcome;
    use crate::report::columns::{Cell, MEASURES};

    fn outcome(lost: [u64; 2]) -> Outcome {
        let row = |(client, lost): (&str, u64)| ClientOutcome {
            engine: "sim".to_owned(),
            client: client.to_owned(),
            mode: "pull".to_owned(),
            cells: MEASURES
                .iter()
                .map(|column| if column.name == "lost" { lost.into() } else { Cell::Empty })
                .collect(),
        };
        let rows = ["a", "b"].into_iter().zip(lost).map(row).collect();
        Outcome { seed: 1, scenario_sha256: String::new(), rows, theory: Vec::new(), transitions: 0 }
    }

    proptest! {
        #[test]
        fn the_sign_of_a_difference_says_whether_a_target_holds(lost in prop::array::uniform2(0..4u64), which in 0..4usize) {
            let sign = ["<", "<=", ">", ">="][which];
            let asked = |text: &str, client: Option<&str>| {
                let expect = Expectation::parse(text, &["a", "b"]).unwrap();
                let criterion = Criterion::Target { expect, client: client.map(str::to_owned) };
                Question { engine: "sim", criterion }
            };
            let one = asked(&format!("lost {sign} 2"), Some("b"));
            let two = asked(&format!("a.lost {sign} b.lost"), None);
            for (question, left, right) in [(one, lost[1], 2), (two, lost[0], lost[1])] {
                let Criterion::Target { expect, .. } = &question.criterion else { unreachable!() };
                let holds = expect.comparison.holds(left as f64, right as f64);
                let difference = question.difference(&[outcome(lost)]).unwrap().mean;
                prop_assert!(difference != 0.0);
                prop_assert_eq!(question.holds(difference > 0.0), holds, "{} {} {}", left, sign, right);
                prop_assert_eq!(question.word(difference > 0.0), if holds { "holds" } else { "misses" });
            }
        }
    }

    #[test]
    fn a_figure_that_is_empty_has_no_difference() {
        let less = |figure| Question {
            engine: "sim",
            criterion: Criterion::Less { figure, baseline: "a".to_owned(), client: "b".to_owned() },
        };
        assert_eq!(less(Figure::Requests).difference(&[outcome([1, 2])]), None);
        assert_eq!(less(Figure::Cost).kind(), "cost");
    }
}
