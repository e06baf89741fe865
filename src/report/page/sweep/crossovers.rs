//! Where the answer changes: sentences where a question has one answer, and a table of all.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::figure::{NOTHING, quoted, row_key, sourced};
use crate::report::page::scrolling;
use crate::report::page::shell::Section;
use crate::report::page::sweep::keys::short;
use crate::report::page::sweep::saved::{Axis, SavedSweep, number};
use crate::report::page::sweep::what_varied;
use crate::report::thresholds::quantity;

/// More answers than these are left to the file.
const ROWS_MAX: usize = 300;

/// A row of `crossover.csv`.
pub(super) struct Answer<'a> {
    row: &'a BTreeMap<String, String>,
}

impl<'a> Answer<'a> {
    /// The rows, where crossovers were looked for.
    pub(super) fn all(saved: &'a SavedSweep) -> Vec<Self> {
        saved.crossovers.iter().flatten().map(|row| Self { row }).collect()
    }

    /// The text of a column; empty without one.
    pub(super) fn get(&self, column: &str) -> &'a str {
        self.row.get(column).map_or("", String::as_str)
    }

    /// The value at which the answer changes, in the base unit of its key; none where it does not.
    pub(super) fn at(&self) -> Option<f64> {
        number(self.get("number"))
    }

    /// The value as it is shown.
    pub(super) fn value(&self) -> String {
        short_value(self.get("value"))
    }

    /// A count of points; none in files that do not have it.
    fn points(&self, column: &str) -> u64 {
        self.get(column).parse().unwrap_or(0)
    }

    /// Whether the value has an interval that is wider than itself.
    fn has_interval(&self) -> bool {
        !self.get("ci_low").is_empty() && self.get("ci_low") != self.get("ci_high")
    }

    /// How sure it is that the answer is the same at all points.
    fn doubt(&self, question: &str) -> Option<String> {
        let [unknown, unsure] = ["points_unknown", "points_unsure"].map(|column| self.points(column));
        let points = |count| human::things(count as f64, "point", "points");
        let is_compared = self.get("kind") != "target";
        let unsure = (unsure > 0 && is_compared && self.at().is_none())
            .then(|| format!("At {} nothing tells the two apart.", points(unsure)));
        let unknown = (unknown > 0).then(|| format!("At {} {question} is not known.", points(unknown)));
        let parts: Vec<_> = unsure.into_iter().chain(unknown).collect();
        (!parts.is_empty()).then(|| format!(" {}", parts.join(" ")))
    }

    /// What identifies its row.
    fn key(&self, saved: &SavedSweep) -> String {
        let parameters: Vec<String> = saved.head.axes.iter().map(|axis| format!("param_{}", axis.key)).collect();
        let mut parts: Vec<(&str, &str)> =
            ["kind", "engine", "baseline", "client", "criterion", "value"].map(|name| (name, self.get(name))).to_vec();
        parts.extend(
            parameters
                .iter()
                .map(String::as_str)
                .filter(|name| self.row.contains_key(*name))
                .map(|name| (name, self.get(name))),
        );
        row_key(&parts)
    }

    /// What it answers, whatever the other keys are.
    fn question(&self) -> [&'a str; 5] {
        ["engine", "kind", "baseline", "client", "criterion"].map(|name| self.get(name))
    }
}

/// A value with its unit, in three digits.
fn short_value(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_ascii_digit() || ".-+".contains(c))).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    digits.parse().map_or_else(|_| text.to_owned(), |value: f64| format!("{}{unit}", human::amount(value)))
}

/// What was found, before everything else.
pub(super) fn section(saved: &SavedSweep) -> Section {
    let answers = Answer::all(saved);
    let mut questions: Vec<Vec<&Answer<'_>>> = Vec::new();
    for answer in &answers {
        match questions
            .iter_mut()
            .find(|question| question.first().is_some_and(|first| first.question() == answer.question()))
        {
            Some(question) => question.push(answer),
            None => questions.push(vec![answer]),
        }
    }
    let body = html! {
        @if !questions.is_empty() {
            div class="verdict" {
                @for question in &questions { @for sentence in sentences(saved, question) { p { (sentence) } } }
            }
        }
        @if saved.crossovers.is_none() && !saved.head.search.is_off {
            p class="note" { "Crossovers were not looked for." }
        }
        @if answers.iter().any(|answer| answer.at().is_some()) { (table(saved, &answers)) }
        (what_varied(saved))
    };
    Section::new("verdict", if questions.is_empty() { "The sweep" } else { "The verdict" }, body)
}

/// What a question came to: a sentence where the other keys do not matter.
fn sentences(saved: &SavedSweep, question: &[&Answer<'_>]) -> Vec<Markup> {
    let Some(first) = question.first() else { return Vec::new() };
    let by = if saved.head.scenario.engine == "both" { format!("{}: ", first.get("engine")) } else { String::new() };
    let is_steady = question.iter().all(|answer| answer.at().is_none() && answer.get("below") == first.get("below"));
    match question {
        _ if is_steady && question.len() == 1 => {
            vec![html! { (by) (throughout(first)) @if let Some(doubt) = first.doubt("that") { (doubt) } }]
        }
        _ if is_steady => vec![html! { (by) (throughout(first)) }],
        [only] => vec![html! { (by) (changing(saved, only)) @if let Some(doubt) = only.doubt("that") { (doubt) } }],
        several => vec![html! { (by) (changing_often(saved, first, several)) }],
    }
}

/// More values than this are not told one by one in a sentence.
const NAMED_MAX: usize = 6;

/// An answer that changes at a value for each of the other keys.
fn changing_often(saved: &SavedSweep, first: &Answer<'_>, several: &[&Answer<'_>]) -> Markup {
    let [below, above, key] = ["below", "above", "key"].map(|name| first.get(name));
    let is_plain = several.iter().all(|answer| answer.at().is_some() && answer.get("below") == below);
    if is_plain && several.len() <= NAMED_MAX && first.get("kind") != "target" {
        let others: Vec<_> = saved.head.axes.iter().filter(|axis| axis.key != key).collect();
        return html! {
            "Up to " code { (key) } " = "
            @for (index, answer) in several.iter().enumerate() {
                @if index > 0 { (if index + 1 == several.len() { " or " } else { ", " }) }
                (cell(saved, answer, "value", &answer.value()))
                @for axis in &others { " where " (short(&axis.key)) " = " (answer.get(&format!("param_{}", axis.key))) }
            }
            ", " (quoted(below)) " " (verb(first.get("kind"))) " than " (quoted(above)) "; beyond that " (quoted(above)) " does."
        };
    }
    let found = several.iter().filter(|answer| answer.at().is_some()).count();
    html! {
        "Whether "
        @if first.get("kind") == "target" { code { (first.get("criterion")) } " holds" }
        @else { (quoted(first.get("client"))) " " (verb(first.get("kind"))) " than " (quoted(first.get("baseline"))) }
        " changes along " code { (key) } " at " (human::things(found as f64, "value", "values"))
        ", which the table names with the other keys."
    }
}

/// The same answer everywhere.
fn throughout(answer: &Answer<'_>) -> Markup {
    let [word, client, baseline] = ["below", "client", "baseline"].map(|name| answer.get(name));
    match (answer.get("kind"), word) {
        (_, "") => html! { "Nothing changes within the sweep for " code { (answer.get("criterion")) } "." },
        ("target", word) => {
            let whose = if client.is_empty() {
                html! {}
            } else {
                html! { " of " (quoted(client)) }
            };
            let verb = if word == "holds" { " holds " } else { " is missed " };
            let range =
                if answer.points("points_unknown") == 0 { "throughout the sweep." } else { "wherever it is known." };
            html! { code { (answer.get("criterion")) } (whose) (verb) (range) }
        }
        (kind, word) => {
            let other = if word == client { baseline } else { client };
            let always =
                if answer.points("points_unknown") + answer.points("points_unsure") == 0 { " always " } else { " " };
            html! { "Within the sweep " (quoted(word)) (always) (verb(kind)) " than " (quoted(other)) "." }
        }
    }
}

/// An answer that changes at one value.
fn changing(saved: &SavedSweep, answer: &Answer<'_>) -> Markup {
    let [below, above] = ["below", "above"].map(|name| answer.get(name));
    let at = html! {
        code { (answer.get("key")) } " = " (if answer.get("method") == "interpolated" { "about " } else { "" })
        (cell(saved, answer, "value", &answer.value()))
        @if !answer.has_interval() && answer.get("method") == "refined" && answer.get("replications") == "1" {
            " (from a single run of each value)"
        }
        @if answer.has_interval() {
            " (95 % interval " (cell(saved, answer, "ci_low", &bound(saved, answer, "ci_low"))) " to " (cell(saved, answer, "ci_high", &bound(saved, answer, "ci_high"))) ")"
        }
    };
    match answer.get("kind") {
        "target" => {
            let client = answer.get("client");
            let whose = if client.is_empty() {
                html! {}
            } else {
                html! { " of " (quoted(client)) }
            };
            html! { code { (answer.get("criterion")) } (whose) (if above == "holds" { " holds from " } else { " holds up to " }) (at) (if above == "holds" { " on." } else { "." }) }
        }
        kind => {
            html! { "Up to " (at) " " (quoted(below)) " " (verb(kind)) " than " (quoted(above)) ", beyond that " (quoted(above)) " does." }
        }
    }
}

fn verb(kind: &str) -> &'static str {
    if kind == "cost" { "costs less" } else { "needs fewer requests" }
}

/// An end of an interval, which stands in the file in the base unit of the key.
fn bound(saved: &SavedSweep, answer: &Answer<'_>, column: &str) -> String {
    let Some(value) = number(answer.get(column)) else { return NOTHING.to_owned() };
    let axis = saved.head.axes.iter().find(|axis| axis.key == answer.get("key"));
    match axis.map_or(Dimension::Number, Axis::dimension) {
        Dimension::Time => human::duration_secs(value),
        Dimension::Rate => format!("{}/s", human::amount(value)),
        Dimension::Size if value >= 0.0 => quantity(Dimension::Size, value),
        _ => human::amount(value),
    }
}

fn cell(saved: &SavedSweep, answer: &Answer<'_>, column: &str, shown: &str) -> Markup {
    match answer.get(column) {
        "" => html! { (NOTHING) },
        text => sourced("crossover.csv", &answer.key(saved), column, &Cell::from(text), shown),
    }
}

fn table(saved: &SavedSweep, answers: &[Answer<'_>]) -> Markup {
    let has_both = saved.head.scenario.engine == "both";
    let along = answers.first().map_or("", |answer| answer.get("key"));
    let others: Vec<_> = saved.head.axes.iter().filter(|axis| axis.key != along).collect();
    let has_intervals = answers.iter().any(|answer| !answer.get("ci_low").is_empty());
    let what = |answer: &Answer<'_>| match answer.get("kind") {
        "target" => answer.get("criterion").to_owned(),
        kind => format!(
            "{} {}",
            quoted(answer.get("client")),
            if kind == "cost" { "costs less" } else { "needs fewer requests" }
        ),
    };
    let table = html! {
        table {
            caption { "Where the answer changes" }
            thead {
                tr {
                    th scope="col" { "question" } @if has_both { th scope="col" class="text" { "engine" } }
                    @for axis in &others { th scope="col" { (short(&axis.key)) } }
                    th scope="col" { (along) } @if has_intervals { th scope="col" colspan="2" { "95 % interval" } }
                    th scope="col" class="text" { "below it" } th scope="col" class="text" { "above it" }
                }
            }
            tbody {
                @for answer in answers.iter().take(ROWS_MAX) {
                    tr {
                        th scope="row" { (what(answer)) }
                        @if has_both { td class="text" { (answer.get("engine")) } }
                        @for axis in &others { td { (cell(saved, answer, &format!("param_{}", axis.key), answer.get(&format!("param_{}", axis.key)))) } }
                        td { (cell(saved, answer, "value", &answer.value())) }
                        @if has_intervals {
                            td { (cell(saved, answer, "ci_low", &bound(saved, answer, "ci_low"))) }
                            td { (cell(saved, answer, "ci_high", &bound(saved, answer, "ci_high"))) }
                        }
                        td class="text" { (answer.get("below")) }
                        td class="text" { (answer.get("above")) }
                    }
                }
            }
        }
    };
    html! {
        (scrolling("Crossovers", &table))
        @if answers.len() > ROWS_MAX { p class="note" { "The other " (answers.len() - ROWS_MAX) " stand in crossover.csv." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_unit() {
        let cases = [("0.0998765/s", "0.0999/s"), ("1m", "1m"), ("fixed", "fixed"), ("1234.5ms", "1,235ms"), ("", "")];
        for (text, shown) in cases {
            assert_eq!(short_value(text), shown);
        }
    }
}
