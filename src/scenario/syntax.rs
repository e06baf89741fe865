//! From text to a tree of values, or to advice on text that is not TOML: what the parser says is exact, but seldom what the writer needs to know.

use toml::de::{DeTable, DeValue};

use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Table, quoted};

/// Reads a whole file.
///
/// # Errors
///
/// Every place at which it is not TOML.
pub(super) fn read_file(text: &str) -> Result<Table, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Table::from_toml(table.get_ref(), 0, 0));
    }
    Err(problems(text, &errors))
}

/// One problem for each line that the parser stumbles over, in the words of scenario files where there are any.
fn problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut errors: Vec<_> = errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut problems = Vec::new();
    let mut last_line = None;
    for (span, error) in errors {
        let at = text.floor_char_boundary(span.start.min(text.len()));
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        if last_line.replace(start) == Some(start) {
            // What follows on the line is mostly a consequence.
            continue;
        }
        let line = text[start..].lines().next().unwrap_or("");
        let is_header = line.trim_start().starts_with('[');
        let doubled = error.message() == "duplicate key";
        let problem = match (doubled, is_header) {
            (true, true) => repeated_header(line.trim()),
            (true, false) => Problem::new("this key is written twice").help("keep one of the two"),
            _ => lacks_quotes(line).unwrap_or_else(|| Problem::new(format!("this is not TOML: {}", error.message()))),
        };
        problems.push(problem.at(Some(&Place { source: 0, span })));
        if doubled && is_header {
            // The keys below it are then counted as repeated too.
            break;
        }
    }
    problems
}

fn repeated_header(line: &str) -> Problem {
    let problem = Problem::new(format!("{line} is written twice"));
    if line == "[client]" {
        return problem.help("write [[client]], with two brackets, before each client");
    }
    problem.help("put the keys of both under one of them")
}

/// The problem that a line like `rate = 5/s` needs quotes around what follows the equals sign.
fn lacks_quotes(line: &str) -> Option<Problem> {
    let (key, rest) = line.split_once('=')?;
    let key = key.trim();
    let value = rest.split('#').next().unwrap_or(rest).trim();
    let is_plain = |c: char| c.is_alphanumeric() || "./ -_+".contains(c);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if value.is_empty() || !is_key || !value.chars().all(is_plain) || DeValue::parse(value).is_ok() {
        return None;
    }
    let problem = Problem::new(format!("`{value}` needs quotes around it"));
    Some(problem.help(format!("write {key} = {}", quoted(value))))
}
