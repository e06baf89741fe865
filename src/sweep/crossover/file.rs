//! `crossover.csv`: a row for each value at which an answer changes, or one that says that it does not.

use crate::report::columns::Cell;
use crate::report::csv as tables;
use crate::sweep::crossover::question::Question;
use crate::sweep::crossover::{Answer, Crossovers, Line, Spot};

/// The columns before those of the other keys, which are called `param_<key>`.
const BEFORE: [&str; 5] = ["kind", "engine", "baseline", "client", "criterion"];
/// The columns behind them.
const BEHIND: [&str; 12] = [
    "key",
    "value",
    "number",
    "ci_low",
    "ci_high",
    "below",
    "above",
    "replications",
    "method",
    "points",
    "points_unknown",
    "points_unsure",
];
/// The significant digits of a value with its unit.
pub(super) const DIGITS: u32 = 6;

/// The text of the file.
pub fn csv(crossovers: &Crossovers<'_>) -> Vec<u8> {
    let parameters = crossovers.others().map(|(_, key)| format!("param_{key}"));
    let owned = |names: &'static [&'static str]| names.iter().map(|name| (*name).to_owned());
    let head: Vec<_> = owned(&BEFORE).chain(parameters).chain(owned(&BEHIND)).collect();
    let rows = crossovers.answers.iter().flat_map(|(question, answers)| {
        let of = |(line, answer): (&Line, &Answer)| crossovers.rows(question, line, answer);
        crossovers.lines.iter().zip(answers).flat_map(of).collect::<Vec<_>>()
    });
    tables::table(head.iter().map(String::as_str), rows)
}

impl Crossovers<'_> {
    /// The axes other than that along which was looked: their numbers and keys.
    pub(super) fn others(&self) -> impl Iterator<Item = (usize, &str)> {
        let axes = self.header.axes.iter().enumerate();
        axes.filter(|(index, _)| *index != self.along.index).map(|(index, axis)| (index, axis.key.as_str()))
    }

    /// The values of the other axes on a line, as they are written; empty where they change along it.
    pub(super) fn fixed(&self, line: &Line) -> Vec<&str> {
        let values = line.points.first().map(|(_, point)| self.header.values(*point)).unwrap_or_default();
        let text = |(index, _): (usize, &str)| match self.along.is_tied {
            true => "",
            false => values.get(index).map_or("", |value| value.text.as_str()),
        };
        self.others().map(text).collect()
    }

    fn rows(&self, question: &Question, line: &Line, answer: &Answer) -> Vec<Vec<Cell>> {
        let row = |spot: Option<&Spot>, [below, above]: [Option<&str>; 2]| {
            let [baseline, client] = question.clients();
            let mut cells: Vec<Cell> =
                vec![question.kind().into(), question.engine.into(), baseline.into(), client.into()];
            cells.push(question.text().as_str().into());
            cells.extend(self.fixed(line).into_iter().map(Cell::from));
            cells.push(self.along.axis.key.as_str().into());
            cells.push(spot.map(|spot| self.along.written(spot.at, DIGITS)).as_deref().into());
            cells.push(spot.map(|spot| spot.at).into());
            cells.extend([0, 1].map(|end| Cell::from(spot.and_then(|spot| spot.interval).map(|(a, b)| [a, b][end]))));
            cells.extend([below, above].map(Cell::from));
            cells.push(spot.map(|spot| spot.replications).into());
            let method = |spot: &Spot| if spot.is_refined { "refined" } else { "interpolated" };
            cells.push(spot.map_or("none", method).into());
            let count = |points: usize| Cell::from(points as u64);
            cells.extend([line.points.len(), answer.unknown.len(), answer.unsure.len()].map(count));
            cells
        };
        if answer.spots.is_empty() {
            let throughout = answer.starts_above.map(|above| question.word(above));
            return vec![row(None, [throughout; 2])];
        }
        answer
            .spots
            .iter()
            .map(|spot| row(Some(spot), [!spot.rises, spot.rises].map(|above| Some(question.word(above)))))
            .collect()
    }
}
