//! `[[threshold]]` and `--threshold`: what the results have to fulfil.

mod expression;
mod operand;
mod parse;
mod quantity;

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::engine::ClientSetup;
use crate::measure::prices::Prices;
use crate::scenario::Scenario;
use crate::scenario::keys::{Key, LIST_MAX, nearest};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::{Place, Problem, Problems, Source};
use crate::scenario::read::{Reader, Section};
use crate::scenario::tree::{Node, Value};

pub use expression::{ClientColumn, Constant, Expectation, Expression, Operator, column};
pub use parse::{ExpectationError, constant};

/// The longest expression.
pub(super) const EXPECT_MAX: usize = 500;
/// What stands before the text of a `--threshold` where it is shown.
const PREFIX: &str = "--threshold ";
/// What stands before the text of a `--target` where it is shown.
const TARGET_PREFIX: &str = "--target ";

/// What the results have to fulfil.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is expected.
    pub expect: Expectation,
    /// The engine whose results it is about; none for every one that plays the scenario.
    pub engine: Option<&'static str>,
}

impl Threshold {
    /// Reads a threshold in the form of a resolved scenario, with clients of these names.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn read(expect: &str, engine: Option<&str>, clients: &[&str]) -> Result<Self, ExpectationError> {
        let engine = ["sim", "live"].into_iter().find(|known| Some(*known) == engine);
        Ok(Self { expect: Expectation::parse(expect, clients)?, engine })
    }

    /// The keys of its table, with the values in effect.
    pub(super) fn to_json(&self) -> Json {
        let mut json = json!({ "expect": self.expect.to_string() });
        if let (Json::Object(table), Some(engine)) = (&mut json, self.engine) {
            table.insert("engine".to_owned(), engine.into());
        }
        json
    }
}

impl Scenario {
    /// The scenario with more thresholds, of the form of `--threshold`, behind its own.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with their texts.
    pub fn expecting(mut self, texts: &[String]) -> Result<Self, Problems> {
        let more = expectations(&Known::of(&self.setup.clients, self.prices.as_ref()), PREFIX, texts)?;
        self.thresholds.extend(more.into_iter().map(|expect| Threshold { expect, engine: None }));
        Ok(self)
    }

    /// The expectations that stand in the texts of `--target`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn targets(&self, texts: &[String]) -> Result<Vec<Expectation>, Problems> {
        expectations(&Known::of(&self.setup.clients, self.prices.as_ref()), TARGET_PREFIX, texts)
    }
}

/// What expectations are held against before anything is played.
pub(super) struct Known<'a> {
    clients: Vec<&'a str>,
    prices: Option<&'a Prices>,
}

impl<'a> Known<'a> {
    pub(super) fn of(clients: &'a [ClientSetup], prices: Option<&'a Prices>) -> Self {
        Self { clients: clients.iter().map(|client| client.name.as_str()).collect(), prices }
    }

    /// Reads an expectation whose columns are not empty from the start.
    fn expectation(&self, text: &str) -> Result<Expectation, ExpectationError> {
        let expect = Expectation::parse(text, &self.clients)?;
        let is_empty =
            |column: &&str| column.starts_with("cost_") && !self.prices.is_some_and(|prices| prices.has(column));
        match expect.columns().into_iter().map(|column| column.column).find(is_empty) {
            None => Ok(expect),
            Some(column) => {
                let without = if self.prices.is_some() { "a price for it" } else { "[prices]" };
                let start = text.find(column).unwrap_or(0);
                Err(ExpectationError {
                    message: format!("`{column}` is always empty without {without}"),
                    span: start..start + column.len().min(text.len() - start),
                    help: format!("add {}", price(column)),
                })
            }
        }
    }
}

/// A price that a cost needs.
fn price(column: &str) -> &'static str {
    match column {
        "cost_egress" => "[prices] with egress_per_gib = 0.09",
        "cost_cpu" => "[prices] with cpu_hour = { provider = 0.04, consumer = 0.04 }",
        _ => "[prices] with requests = { provider = 0.40, consumer = 0.20, per = \"1M\" }",
    }
}

/// Reads texts from the command line, which are shown behind the prefix.
fn expectations(known: &Known<'_>, prefix: &str, texts: &[String]) -> Result<Vec<Expectation>, Problems> {
    let source = |text: &String| Source { label: None, text: format!("{prefix}{text}") };
    let sources: Arc<[Source]> = texts.iter().map(source).collect();
    let mut problems = Vec::new();
    let mut expectations = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let place = |span: Range<usize>| Place { source: index, span: shifted(&span, prefix.len()) };
        let length = text.chars().count();
        let too_long = || {
            let problem = Problem::new(format!("this threshold has {length} characters"));
            problem.at(Some(&place(0..text.len()))).help(format!("write at most {EXPECT_MAX}"))
        };
        let read = || known.expectation(text).map_err(|error| problem(error, place));
        match if length > EXPECT_MAX { Err(too_long()) } else { read() } {
            Ok(expect) => expectations.push(expect),
            Err(problem) => problems.push(problem),
        }
    }
    Problems::new(&sources, problems).map_or(Ok(expectations), Err)
}

/// Reads every `[[threshold]]`; none after a problem. Where the clients and the prices are not known, what is
/// expected of them is not looked at.
pub(super) fn thresholds(
    reader: &mut Reader,
    top: &Section<'_>,
    known: Option<&Known<'_>>,
    sources: &[Source],
) -> Option<Vec<Threshold>> {
    // Anything but a list has been named already.
    let Some(Node { value: Value::List(list), .. }) = top.node("threshold") else { return Some(Vec::new()) };
    if list.len() > LIST_MAX {
        let place = list.get(LIST_MAX).and_then(|node| node.place.as_ref());
        let problem = Problem::new(format!("there are {} thresholds", list.len())).at(place);
        reader.problem(problem.help(format!("write at most {LIST_MAX}")));
        return None;
    }
    let mut thresholds = Vec::new();
    for node in list {
        let Value::Table(table) = &node.value else { continue };
        let section = Section { path: "threshold", table: Some(table), place: node.place.as_ref() };
        thresholds.push(threshold(reader, &section, known, sources));
    }
    thresholds.into_iter().collect()
}

fn threshold(
    reader: &mut Reader,
    section: &Section<'_>,
    known: Option<&Known<'_>>,
    sources: &[Source],
) -> Option<Threshold> {
    let engine = reader.get_if_written(section, "engine", kinds::choice);
    let text = reader.get(section, "expect", expect)?;
    let at = section.node("expect").and_then(|node| node.place.as_ref());
    let place = |span: Range<usize>| inside(at?, sources, &text, span);
    match known?.expectation(&text) {
        Ok(expect) => Some(Threshold { expect, engine: engine? }),
        Err(error) => {
            let ExpectationError { message, span, help } = error;
            reader.problem(Problem::new(message).at(place(span).as_ref().or(at)).help(help));
            None
        }
    }
}

fn expect(node: &Node, key: &Key) -> Parsed<String> {
    let example = "write expect = \"webhook.latency_p95 < 2s\"";
    match &node.value {
        Value::Text(_) => kinds::text(node, key),
        _ => kinds::text(node, key).map_err(|problem| problem.help(example)),
    }
}

/// The one of these columns that a misspelt one comes nearest to, if any is near; without its unit where that is nearer.
pub fn nearest_column<'a>(name: &str, columns: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(name, columns.into_iter().flat_map(|column| [column, expression::short(column)]))
}

fn problem(error: ExpectationError, place: impl Fn(Range<usize>) -> Place) -> Problem {
    Problem::new(error.message).at(Some(&place(error.span))).help(error.help)
}

fn shifted(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

/// The place of a part of a text that stands in a source, in quotes or bare; none where it stands there in another form,
/// such as over several lines.
fn inside(whole: &Place, sources: &[Source], text: &str, part: Range<usize>) -> Option<Place> {
    let written = sources.get(whole.source)?.text.get(whole.span.clone())?;
    let quote = written.chars().next().filter(|c| ['"', '\''].contains(c));
    let inner = match quote {
        Some(quote) => written.strip_prefix(quote)?.strip_suffix(quote)?,
        None => written,
    };
    let start = whole.span.start + (written.len() - inner.len()) / 2;
    // Where the bytes of the text are in the source; a quote inside quotes has a backslash before it.
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    for character in text.chars() {
        if quote == Some('"') && inner[at..].starts_with('\\') {
            at += 1;
        }
        if !inner.get(at..)?.starts_with(character) {
            return None;
        }
        places.extend((0..character.len_utf8()).map(|byte| at + byte));
        at += character.len_utf8();
    }
    places.push(at);
    let span = places.get(part.start)? + start..places.get(part.end)? + start;
    (at == inner.len()).then_some(Place { source: whole.source, span })
}
