//! `--vary KEY=SPEC`: an axis on the command line.

use crate::scenario::axes::range::{RangeKeys, Scale, check_points};
use crate::scenario::axes::read::{of_list, of_range, target};
use crate::scenario::axes::{Axis, Quantity};
use crate::scenario::keys::Key;
use crate::scenario::overrides::{self, Target};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Node, Table};

/// What stands before the text of a `--vary` where it is shown.
pub(in crate::scenario) const PREFIX: &str = "--vary ";

const HELP: &str = "write a list such as --vary events.rate=1/s,10/s, or a range with its number of values such as \
                    --vary events.rate=0.1/s..10/s:5:log";

/// Reads one `--vary`, which is the text of that source.
pub(super) fn axis(root: &Table, text: &str, source: usize) -> Result<Axis, Problem> {
    let place = |start: usize, end: usize| Place { source, span: PREFIX.len() + start..PREFIX.len() + end };
    let nothing = || {
        let problem = Problem::new(format!("`--vary {text}` varies nothing")).at(Some(&place(0, text.len())));
        problem.help(HELP)
    };
    let at = match overrides::split(root, text, &place) {
        Ok(split) => split.ok_or_else(nothing)?.1,
        // Says the same, with advice that fits a sweep.
        Err(_) => text.find('=').ok_or_else(nothing)?,
    };
    let named = place(0, at);
    let target = target(root, text[..at].trim(), Some(&named))?;
    let spec = Spec { text: &text[at + 1..], source, offset: PREFIX.len() + at + 1 };
    let whole = spec.place();
    let is_number = target.key().and_then(|key: &Key| Quantity::of(key.kind)).is_some();
    match split_outside(spec.text, "..").get(1) {
        Some(_) if is_number => {
            let range = range(&spec, &target)?;
            of_range(root, target, range, Some(&whole), Some(&named))
        }
        _ => {
            let nodes = list(&spec, &target)?;
            of_list(root, target, nodes, Some(&whole), Some(&named))
        }
    }
}

/// A part of the text of a `--vary`, and where it stands.
#[derive(Clone, Copy)]
struct Spec<'a> {
    text: &'a str,
    source: usize,
    offset: usize,
}

impl<'a> Spec<'a> {
    fn place(&self) -> Place {
        Place { source: self.source, span: self.offset..self.offset + self.text.len() }
    }

    /// The parts between separators that stand in no quotes and no brackets.
    fn split(&self, separator: &str) -> Vec<Self> {
        let part = |(start, text): (usize, &'a str)| Self { text, source: self.source, offset: self.offset + start };
        split_outside(self.text, separator).into_iter().map(part).collect()
    }

    fn node(&self, target: &Target) -> Node {
        overrides::value_of(target, self.text, self.source, self.offset)
    }
}

/// The parts of a text between separators that stand in no quotes and no brackets, and where each begins.
fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<(usize, &'a str)> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0usize, None);
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            _ if depth == 0 && index >= start && text[index..].starts_with(separator) => {
                parts.push((start, &text[start..index]));
                start = index + separator.len();
            }
            _ => {}
        }
    }
    parts.push((start, &text[start..]));
    parts
}

fn list(spec: &Spec<'_>, target: &Target) -> Result<Vec<Node>, Problem> {
    if spec.text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let node = |part: Spec<'_>| {
        let empty = || Problem::new("there is no value between two commas").at(Some(&spec.place())).help(HELP);
        if part.text.trim().is_empty() { Err(empty()) } else { Ok(part.node(target)) }
    };
    spec.split(",").into_iter().map(node).collect()
}

fn range(spec: &Spec<'_>, target: &Target) -> Result<RangeKeys, Problem> {
    let place = spec.place();
    let malformed = |what: &str| Problem::new(what).at(Some(&place)).help(HELP);
    let ends = spec.split("..");
    let [from, rest] = ends[..] else { return Err(malformed("this is more than one range")) };
    let parts = rest.split(":");
    let (to, points, scale) = match parts[..] {
        [to, points] => (to, points, None),
        [to, points, scale] => (to, points, Some(scale)),
        [_] => return Err(malformed("this range does not say how many values it has")),
        _ => return Err(malformed("this is not a range")),
    };
    for end in [from, to] {
        if end.text.trim().is_empty() {
            return Err(malformed("this range lacks an end"));
        }
    }
    let whole = points.text.trim().parse::<i128>();
    let whole = whole.map_err(|_| {
        let problem = Problem::new(format!("`{}` is not a number of values", points.text.trim()));
        problem.at(Some(&points.place())).help(HELP)
    })?;
    let whole = check_points(whole, Some(&points.place()))?;
    let scale = match scale {
        None => Scale::Linear,
        Some(part) => {
            let unknown = || Problem::new(format!("`{}` is not a scale", part.text.trim()));
            let known = Scale::named(part.text.trim());
            known.ok_or_else(|| unknown().at(Some(&part.place())).help("write `linear` or `log`"))?
        }
    };
    Ok(RangeKeys::new([from.node(target), to.node(target)], whole, scale))
}
