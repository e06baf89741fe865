//! From one value as written to what a key takes, or what is wrong with it.

use crate::distribution::Distribution;
use crate::scenario::durations::EMPIRICAL;
use crate::scenario::keys::{Key, Kind, listed, nearest};
use crate::scenario::percent::{Percent, parse_percent};
use crate::scenario::problems::Problem;
use crate::scenario::tree::{Node, Table, Value};
use crate::scenario::units::{self, Rate, UnitError};
use crate::time::Span;

/// A value, or what is wrong with what was written.
pub(super) type Parsed<T> = Result<T, Problem>;

fn wrong_kind(node: &Node, key: &Key, expected: &str, example: &str) -> Problem {
    let name = key.name();
    let message = format!("`{name}` takes {expected}, not {}", node.value.kind());
    Problem::new(message).at(node.place.as_ref()).help(format!("write {name} = {example}"))
}

/// The problem that a value which is written well is not allowed.
fn not_allowed(node: &Node, key: &Key, what: &str) -> Problem {
    Problem::new(format!("`{} = {}` {what}", key.name(), node.value.written())).at(node.place.as_ref())
}

fn not_supported(node: &Node, key: &Key, instead: &str) -> Problem {
    let message = format!("`{} = {}` is not supported yet", key.path, node.value.written());
    Problem::new(message).at(node.place.as_ref()).help(format!("write {instead}"))
}

/// A value with a unit, read by one of the parsers of units.
fn with_unit<T>(
    node: &Node,
    key: &Key,
    parse: fn(&str) -> Result<T, UnitError>,
    [expected, example]: [&str; 2],
) -> Parsed<T> {
    let text = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Integer(_) | Value::Float(_) => node.value.written(),
        _ => return Err(wrong_kind(node, key, expected, example)),
    };
    match parse(&text) {
        Err(UnitError { what, help }) => Err(not_allowed(node, key, &what).help(help)),
        // A bare number never has a unit, so the parsers refuse it.
        Ok(value) => Ok(value),
    }
}

/// Reads a duration.
pub(super) fn span(node: &Node, key: &Key) -> Parsed<Span> {
    with_unit(node, key, units::parse_span, ["a duration", "\"10s\""])
}

/// Reads a duration, or the word of the key, which is none.
pub(super) fn span_or_word(node: &Node, key: &Key) -> Parsed<Option<Span>> {
    let Kind::SpanOr(word) = key.kind else { return Err(misread(key)) };
    if is_word(node, word) {
        return Ok(None);
    }
    let span = span(node, key).map_err(|problem| or_word(problem, word))?;
    if span.is_zero() {
        return Err(or_word(not_allowed(node, key, "is no time").help("write a duration above zero"), word));
    }
    Ok(Some(span))
}

/// Whether a value is the word that its key takes beside a table.
pub(super) fn is_its_word(node: &Node, key: &Key) -> bool {
    matches!(key.kind, Kind::RateOrTable(word) | Kind::TableOr(word) if is_word(node, word))
}

/// The same problem, with the word of the key in its advice.
pub(super) fn or_its_word(problem: Problem, key: &Key) -> Problem {
    match key.kind {
        Kind::RateOrTable(word) | Kind::TableOr(word) => or_word(problem, word),
        _ => problem,
    }
}

/// Makes sure that a key which is no table has the one word that it takes instead.
pub(super) fn only_word(node: &Node, key: &Key) -> Parsed<()> {
    if is_its_word(node, key) {
        return Ok(());
    }
    let example = "{ requests = 5000, per = \"1h\" }";
    Err(or_its_word(wrong_kind(node, key, "a table", example), key))
}

/// Whether a value is this word.
fn is_word(node: &Node, word: &str) -> bool {
    matches!(&node.value, Value::Text(text) if text == word)
}

/// The same problem, with the word in its advice.
fn or_word(problem: Problem, word: &str) -> Problem {
    let help = problem.help.as_ref().map(|help| format!("{help}, or \"{word}\""));
    Problem { help, ..problem }
}

/// Reads a rate.
pub(super) fn rate_or_zero(node: &Node, key: &Key) -> Parsed<Rate> {
    with_unit(node, key, units::parse_rate, ["a rate", "\"10/s\""])
}

/// Reads a rate above zero.
pub(super) fn rate(node: &Node, key: &Key) -> Parsed<Rate> {
    let rate = rate_or_zero(node, key)?;
    if rate.is_zero() {
        return Err(
            not_allowed(node, key, "means that nothing ever happens").help("write a rate above zero, such as \"1/h\"")
        );
    }
    Ok(rate)
}

/// Reads a size in bytes.
pub(super) fn size(node: &Node, key: &Key) -> Parsed<u32> {
    let bytes = with_unit(node, key, units::parse_size, ["a size", "\"1 KiB\""])?;
    let (Kind::Size(max) | Kind::SizeOr(max, _) | Kind::Sizes(max)) = key.kind else { return Err(misread(key)) };
    let too_large =
        || not_allowed(node, key, "is too large").help(format!("write at most \"{}\"", units::format_size(max)));
    u32::try_from(bytes).ok().filter(|_| bytes <= max).ok_or_else(too_large)
}

/// Reads a size above zero, or the word of the key, which is none.
pub(super) fn size_or_word(node: &Node, key: &Key) -> Parsed<Option<u32>> {
    let Kind::SizeOr(_, word) = key.kind else { return Err(misread(key)) };
    if is_word(node, word) {
        return Ok(None);
    }
    match size(node, key).map_err(|problem| or_word(problem, word))? {
        0 => Err(or_word(not_allowed(node, key, "is nothing").help("write a size above zero"), word)),
        bytes => Ok(Some(bytes)),
    }
}

/// Reads a whole number within the bounds of the key.
pub(super) fn integer(node: &Node, key: &Key) -> Parsed<u64> {
    let (min, max) = match key.kind {
        Kind::Integer(min, max) | Kind::IntegerOrTable(min, max) => (min, max),
        Kind::Limit(max) => (1, max),
        _ => return Err(misread(key)),
    };
    let help = if min == max { format!("write {min}") } else { format!("write a whole number from {min} to {max}") };
    match node.value {
        Value::Integer(integer) => {
            let value = u64::try_from(integer).ok().filter(|value| (min..=max).contains(value));
            value.ok_or_else(|| not_allowed(node, key, "is out of range").help(help))
        }
        Value::Float(_) => Err(not_allowed(node, key, "is not a whole number").help(help)),
        _ => {
            let message = format!("`{}` takes a whole number, not {}", key.name(), node.value.kind());
            Err(Problem::new(message).at(node.place.as_ref()).help(help))
        }
    }
}

/// Reads a whole number that fits the bounds of the key, which are within `u32`.
pub(super) fn small_integer(node: &Node, key: &Key) -> Parsed<u32> {
    u32::try_from(integer(node, key)?).map_err(|_| misread(key))
}

/// Reads a whole number or `"unlimited"`, which is none.
pub(super) fn limit(node: &Node, key: &Key) -> Parsed<Option<u32>> {
    match &node.value {
        Value::Text(text) if text == "unlimited" => Ok(None),
        Value::Text(_) => {
            let help = "write a whole number or \"unlimited\"";
            Err(not_allowed(node, key, "is not a number").help(help))
        }
        _ => small_integer(node, key).map(Some),
    }
}

/// Reads a number within the bounds of the key.
pub(super) fn number(node: &Node, key: &Key) -> Parsed<f64> {
    let (Kind::Number(min, max) | Kind::NumberOrLegs(min, max) | Kind::NumberOr(min, max, _)) = key.kind else {
        return Err(misread(key));
    };
    let value = match node.value {
        Value::Float(value) => value,
        Value::Integer(value) => value as f64,
        _ => return Err(wrong_kind(node, key, "a number", key.default().unwrap_or(&format!("{min:?}")))),
    };
    if !(min..=max).contains(&value) {
        return Err(not_allowed(node, key, "is out of range").help(format!("write a number from {min} to {max}")));
    }
    // Minus zero is zero, and is written so.
    Ok(value + 0.0)
}

/// Reads a percentage within the bounds of the key.
pub(super) fn percent(node: &Node, key: &Key) -> Parsed<Percent> {
    let Kind::Percent(min, max) = key.kind else { return Err(misread(key)) };
    let percent = with_unit(node, key, parse_percent, ["a percentage", "\"2%\""])?;
    if !(min..=max).contains(&percent.value()) {
        let help = format!("write a percentage from \"{min}%\" to \"{max}%\"");
        return Err(not_allowed(node, key, "is out of range").help(help));
    }
    Ok(percent)
}

/// Reads a duration, which may be zero, or the word of the key, which is none.
pub(super) fn any_span_or_word(node: &Node, key: &Key) -> Parsed<Option<Span>> {
    let Kind::SpanOr(word) = key.kind else { return Err(misread(key)) };
    if is_word(node, word) {
        return Ok(None);
    }
    span(node, key).map(Some).map_err(|problem| or_word(problem, word))
}

/// Reads a number within the bounds of the key, or its word, which is none.
pub(super) fn number_or_word(node: &Node, key: &Key) -> Parsed<Option<f64>> {
    let Kind::NumberOr(_, _, word) = key.kind else { return Err(misread(key)) };
    if is_word(node, word) {
        return Ok(None);
    }
    number(node, key).map(Some).map_err(|problem| or_word(problem, word))
}

/// Reads a text.
pub(super) fn text(node: &Node, key: &Key) -> Parsed<String> {
    let Kind::Text(max) = key.kind else { return Err(misread(key)) };
    let Value::Text(text) = &node.value else { return Err(wrong_kind(node, key, "a text", "\"..\"")) };
    if text.chars().any(char::is_control) {
        return Err(not_allowed(node, key, "has a control character in it").help("write plain text on one line"));
    }
    if text.chars().count() > max {
        return Err(not_allowed(node, key, "is too long").help(format!("write at most {max} characters")));
    }
    if text.is_empty() {
        return Err(not_allowed(node, key, "is empty").help("write at least one character"));
    }
    Ok(text.clone())
}

/// Reads true or false.
pub(super) fn flag(node: &Node, key: &Key) -> Parsed<bool> {
    match node.value {
        Value::Flag(flag) => Ok(flag),
        _ => Err(wrong_kind(node, key, "true or false", key.default().unwrap_or("true"))),
    }
}

/// Reads one of the names that the key takes.
pub(super) fn choice(node: &Node, key: &Key) -> Parsed<&'static str> {
    let (Kind::Choice(now, later) | Kind::ChoiceOrTable(now, later)) = key.kind else { return Err(misread(key)) };
    let quoted: Vec<_> = now.iter().map(|name| format!("\"{name}\"")).collect();
    let instead = listed(&quoted, "or");
    let Value::Text(text) = &node.value else {
        return Err(wrong_kind(node, key, "a name", quoted.first().map_or("", String::as_str)));
    };
    if let Some(name) = now.iter().find(|name| *name == text) {
        return Ok(name);
    }
    if later.contains(&text.as_str()) {
        return Err(not_supported(node, key, &instead));
    }
    let help = match nearest(text, now.iter().chain(later).copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write {instead}"),
    };
    Err(not_allowed(node, key, "is not one of the names it takes").help(help))
}

/// Reads a list of durations.
pub(super) fn spans(node: &Node, key: &Key) -> Parsed<Vec<Span>> {
    let Kind::Spans(max) = key.kind else { return Err(misread(key)) };
    let Value::List(list) = &node.value else {
        return Err(wrong_kind(node, key, "a list of durations", "[\"5s\", \"5m\"]"));
    };
    if list.len() > max {
        let problem = Problem::new(format!("`{}` has {} elements", key.name(), list.len()));
        return Err(problem.at(node.place.as_ref()).help(format!("write at most {max}")));
    }
    list.iter().map(|element| span(element, key)).collect()
}

const DISTRIBUTIONS: [(&str, &[&str]); 4] =
    [("constant", &[]), ("uniform", &["min", "max"]), ("exponential", &["mean"]), ("lognormal", &["median", "p99"])];

const DISTRIBUTION_HELP: &str = r#"write "5ms", { constant = "5ms" }, { uniform = { min = "1ms", max = "9ms" } }, { exponential = { mean = "5ms" } }, { lognormal = { median = "5ms", p99 = "40ms" } } or { empirical = "latencies.csv" }"#;

/// Reads a duration or the distribution of one.
pub(super) fn time(node: &Node, key: &Key) -> Parsed<Distribution> {
    let Value::Table(table) = &node.value else {
        let constant = with_unit(node, key, units::parse_span, ["a duration or a distribution", "\"5ms\""]);
        return constant.map(Distribution::Constant);
    };
    let [entry] = &table.entries[..] else {
        let problem = Problem::new(format!("`{}` takes one distribution, not {}", key.name(), table.entries.len()));
        return Err(problem.at(node.place.as_ref()).help(DISTRIBUTION_HELP));
    };
    if entry.key == EMPIRICAL {
        return match &entry.node.value {
            Value::Durations(sample) => sample.clone().map(Distribution::Empirical),
            _ => Err(Problem::new("files of durations are not read here").at(entry.place.as_ref())),
        };
    }
    let Some((name, parameters)) = DISTRIBUTIONS.iter().find(|(name, _)| *name == entry.key) else {
        let problem = Problem::new(format!("unknown distribution `{}`", entry.key)).at(entry.place.as_ref());
        return Err(match nearest(&entry.key, DISTRIBUTIONS.map(|(name, _)| name).into_iter().chain([EMPIRICAL])) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(DISTRIBUTION_HELP),
        });
    };
    if parameters.is_empty() {
        return span(&entry.node, key).map(Distribution::Constant);
    }
    let Value::Table(inner) = &entry.node.value else {
        let problem = Problem::new(format!("the distribution `{name}` takes a table of parameters"));
        return Err(problem.at(entry.node.place.as_ref()).help(DISTRIBUTION_HELP));
    };
    let values = read_parameters(&entry.node, name, inner, parameters)?;
    distribution(&entry.node, name, &values)
}

fn read_parameters(node: &Node, name: &str, table: &Table, parameters: &[&'static str]) -> Parsed<Vec<Span>> {
    if let Some(entry) = table.entries.iter().find(|entry| !parameters.contains(&entry.key.as_str())) {
        let problem = Problem::new(format!("the distribution `{name}` has no parameter `{}`", entry.key));
        let quoted: Vec<_> = parameters.iter().map(|parameter| format!("`{parameter}`")).collect();
        return Err(problem.at(entry.place.as_ref()).help(format!("its parameters are {}", listed(&quoted, "and"))));
    }
    let parameter = |parameter: &&'static str| {
        let key = Key { path: parameter, kind: Kind::Span, absent: super::keys::Absent::Required, doc: "" };
        let missing = || Problem::new(format!("the distribution `{name}` lacks `{parameter}`")).at(node.place.as_ref());
        span(table.get(parameter).ok_or_else(|| missing().help(DISTRIBUTION_HELP))?, &key)
    };
    parameters.iter().map(parameter).collect()
}

fn distribution(node: &Node, name: &str, values: &[Span]) -> Parsed<Distribution> {
    let place = node.place.as_ref();
    match (name, values) {
        ("uniform", &[min, max]) if min > max => {
            Err(Problem::new("`min` is above `max`").at(place).help("write the shorter duration as `min`"))
        }
        ("uniform", &[min, max]) => Ok(Distribution::Uniform { min, max }),
        ("lognormal", &[median, _]) if median.is_zero() => Err(Problem::new("the `median` is zero")
            .at(place)
            .help("write a `median` above zero, or the constant \"0s\"")),
        ("lognormal", &[median, p99]) if p99 < median => {
            Err(Problem::new("`p99` is below the `median`").at(place).help(
                "`p99` is the duration that 99 % of the samples stay below: write one that is longer than the median",
            ))
        }
        ("lognormal", &[median, p99]) => Ok(Distribution::LogNormal { median, p99 }),
        (_, &[mean, ..]) => Ok(Distribution::Exponential { mean }),
        (_, []) => Err(Problem::new(format!("the distribution `{name}` lacks its parameters")).at(place)),
    }
}

/// The problem that a key is read as something that its kind is not: a mistake in this program, not in the file.
fn misread(key: &Key) -> Problem {
    Problem::new(format!("`{}` cannot be read as a {:?}", key.path, key.kind))
}
