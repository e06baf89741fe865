//! The operands of thresholds: numbers, `CLIENT.COLUMN` and `COLUMN`, and what is meant where none of these stands.

use crate::report::columns::MEASURES;
use crate::scenario::keys::{listed, nearest};
pub(super) use crate::scenario::threshold::expression::column;
use crate::scenario::threshold::parse::{ExpectationError, Part, error, unit_error};
use crate::scenario::threshold::{nearest_column, quantity};

/// The operand that starts at a place of a text; its span ends where the next thing starts, but for spaces.
///
/// # Errors
///
/// What is wrong: nothing stands there, or a client, column or unit that there is not.
pub(super) fn take(text: &str, at: usize, clients: &[&str]) -> Result<Part, ExpectationError> {
    let rest = &text[at..];
    if rest.is_empty() {
        let help = "write a column of a client such as webhook.latency_p95, or a number such as 2s";
        return Err(error("something is missing here", at..at, help));
    }
    if rest.starts_with('"') {
        return quoted(text, at, clients);
    }
    let number = quantity::take(rest);
    if let Some((length, Ok(constant))) = &number
        && ends(&rest[*length..])
    {
        return Ok(Part::constant(constant.clone(), at..at + length));
    }
    let length = word(rest);
    if let Some(column) = column(&rest[..length]).filter(|_| ends(&rest[length..])) {
        return Part::column(None, column, at..at + length);
    }
    if let Some((client, column, length)) = bare(rest, clients) {
        return Part::column(Some(client), column, at..at + length);
    }
    match number {
        Some((length, Err(what))) if ends(&rest[length..]) || !rest.contains('.') => {
            Err(unit_error(text, at..at + length, what))
        }
        Some((length, Ok(_))) if !rest.contains('.') => Err(no_sign(text, at + length)),
        _ if column(&rest[..length]).is_some() && !rest.contains('.') => Err(no_sign(text, at + length)),
        _ => Err(unknown(text, at, clients)),
    }
}

/// What is wrong where something follows an operand that does nothing with it.
pub(super) fn no_sign(text: &str, at: usize) -> ExpectationError {
    let rest = &text[at..];
    let start = at + rest.len() - rest.trim_start().len();
    if text[start..].starts_with('/') {
        let help = "multiply the other side instead, or write * 0.5 for / 2";
        return error("nothing can be divided", start..start + 1, help);
    }
    error("this is too much", start..text.len(), "put +, - or * before it, or leave it out")
}

/// The client and the column that a text starts with: the shortest name that a column follows.
fn bare<'a>(rest: &str, clients: &[&'a str]) -> Option<(&'a str, &'static str, usize)> {
    let reading = |client: &&'a str| {
        let after = rest.strip_prefix(client)?.strip_prefix('.')?;
        let length = word(after);
        Some((*client, column(&after[..length])?, client.len() + 1 + length))
    };
    clients.iter().filter_map(reading).min_by_key(|(.., length)| *length)
}

/// A client in quotes and its column.
fn quoted(text: &str, at: usize, clients: &[&str]) -> Result<Part, ExpectationError> {
    let inner = at + 1;
    let Some(length) = text[inner..].find('"') else {
        return Err(error("this quote is not closed", at..at + 1, "write a `\"` where the client's name ends"));
    };
    let (name, end) = (&text[inner..inner + length], inner + length + 1);
    let Some(client) = clients.iter().find(|client| **client == name) else {
        return Err(no_such_client(name, at..end, clients));
    };
    let Some(after) = text[end..].strip_prefix('.') else {
        return Err(which_column(name, at..end));
    };
    let written = word(after);
    match column(&after[..written]) {
        Some(column) => Part::column(Some(client), column, at..end + 1 + written),
        None => Err(no_such_column(&after[..written], end + 1..end + 1 + written)),
    }
}

/// The length of the word that a text starts with, as columns are written.
fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// Whether an operand may end before this.
fn ends(rest: &str) -> bool {
    rest.trim_start().chars().next().is_none_or(|c| "*+-<>=!)".contains(c))
}

/// What is wrong where neither a client's column nor anything else can be read.
fn unknown(text: &str, at: usize, clients: &[&str]) -> ExpectationError {
    let rest = &text[at..];
    // Only signs that compare surely end what was meant: others may be part of a name.
    let all = rest[..rest.find(['<', '>', '=', '!']).unwrap_or(rest.len())].trim_end();
    let points = || all.match_indices('.').map(|(point, _)| point);
    let after = |point: usize| &all[point + 1..][..word(&all[point + 1..])];
    if let Some(client) = points().map(|point| &all[..point]).find(|name| clients.contains(name)) {
        let start = at + client.len() + 1;
        let name = after(client.len());
        return no_such_column(name, start..start + name.len());
    }
    if let Some(point) = points().find(|point| column(after(*point)).is_some()) {
        return no_such_client(&all[..point], at..at + point, clients);
    }
    if clients.contains(&all) {
        return which_column(all, at..at + all.len());
    }
    if let Some(point) = points().next() {
        return no_such_client(&all[..point], at..at + point, clients);
    }
    match word(all) {
        0 => {
            let end = at + rest.chars().next().map_or(0, char::len_utf8);
            let help = "write a column of a client such as webhook.latency_p95, or a number such as 2s";
            error("neither a column nor a number starts here", at..end, help)
        }
        length => no_such_column(&all[..length], at..at + length),
    }
}

fn which_column(client: &str, span: std::ops::Range<usize>) -> ExpectationError {
    let help = format!("write one of its columns too, such as {client}.latency_p95");
    error(format!("\"{client}\" is a client, not one of its columns"), span, help)
}

fn no_such_client(name: &str, span: std::ops::Range<usize>, clients: &[&str]) -> ExpectationError {
    let message = format!("no client is named \"{name}\"");
    let help = match nearest(name, clients.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => {
            let names: Vec<_> = clients.iter().map(|name| format!("\"{name}\"")).collect();
            match &names[..] {
                [only] => format!("the only client is {only}"),
                _ => format!("the clients are {}", listed(&names, "and")),
            }
        }
    };
    error(message, span, help)
}

fn no_such_column(name: &str, span: std::ops::Range<usize>) -> ExpectationError {
    if name.is_empty() {
        let help = "write the name of one, such as latency_p95";
        return error("the name of a column is missing here", span, help);
    }
    let message = format!("summary.csv has no column `{name}`");
    let names = MEASURES.iter().map(|column| column.name);
    // Units are left out, or guessed wrongly: names that begin alike come nearest.
    let begins = || MEASURES.iter().map(|column| column.name).filter(|known| known.starts_with(name));
    let help = match (nearest_column(name, names), begins().count()) {
        (_, 1..=8) => {
            format!("the columns that begin so are {}", listed(&begins().map(quote).collect::<Vec<_>>(), "and"))
        }
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, _) => {
            "the columns are those of summary.csv, such as latency_p95, requests_per_event and lost".to_owned()
        }
    };
    error(message, span, help)
}

fn quote(name: &str) -> String {
    format!("`{name}`")
}
