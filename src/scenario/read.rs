//! Reading the keys of a table, with the defaults of the table of keys.

use crate::scenario::keys::{self, Absent, Key, Kind};
use crate::scenario::kinds::Parsed;
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Node, Table, Value, quoted, read_value};

/// A table of the file, which may not be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    /// Its path in the table of keys.
    pub path: &'static str,
    /// The table.
    pub table: Option<&'a Table>,
    /// Where the table stands, or the nearest one around it.
    pub place: Option<&'a Place>,
}

impl<'a> Section<'a> {
    /// A table in this one; absent if it is not there or is no table.
    pub(super) fn sub(&self, path: &'static str) -> Self {
        let name = path.rsplit('.').next().unwrap_or(path);
        let node = self.node(name);
        let table = node.and_then(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => None,
        });
        Self { path, table, place: node.and_then(|node| node.place.as_ref()).or(self.place) }
    }

    /// The value of a key of this table, as written.
    pub(super) fn node(&self, name: &str) -> Option<&'a Node> {
        self.table?.get(name)
    }

    /// Whether a key of this table is written as a table.
    pub(super) fn has_table(&self, name: &str) -> bool {
        self.node(name).is_some_and(|node| matches!(node.value, Value::Table(_)))
    }

    /// Whether a key is written here that seems to be meant as the one of that name.
    pub(super) fn misspells(&self, name: &str) -> bool {
        let names = || keys::in_table(self.path).map(Key::name);
        let entries = self.table.map_or(&[][..], |table| &table.entries);
        entries
            .iter()
            .filter(|entry| self.key(&entry.key).is_none())
            .any(|entry| keys::nearest(&entry.key, names()) == Some(name))
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        keys::find(&keys::join(self.path, name))
    }
}

/// Collects problems while the keys are read one by one.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What is wrong so far.
    pub problems: Vec<Problem>,
}

impl Reader {
    /// The value of a key that has a default or is required; none after a problem.
    pub(super) fn get<T>(
        &mut self,
        section: &Section<'_>,
        name: &str,
        parse: fn(&Node, &Key) -> Parsed<T>,
    ) -> Option<T> {
        let key = section.key(name)?;
        let parsed = match (section.node(name), key.absent) {
            (Some(node), _) => parse(node, key),
            (None, Absent::Default(text)) => {
                let place = section.place.cloned();
                parse(&Node { place, ..read_value(text, 0, 0) }, key)
            }
            (None, Absent::Required | Absent::Nothing) => {
                self.missing(section, key);
                return None;
            }
        };
        parsed.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The value of a key that may be absent: the outer none is a problem, the inner one absence.
    pub(super) fn get_if_written<T>(
        &mut self,
        section: &Section<'_>,
        name: &str,
        parse: fn(&Node, &Key) -> Parsed<T>,
    ) -> Option<Option<T>> {
        match section.node(name) {
            None => Some(None),
            Some(_) => self.get(section, name, parse).map(Some),
        }
    }

    /// Notes that a key is not there, unless a misspelt one is, which has been named already.
    pub(super) fn missing(&mut self, section: &Section<'_>, key: &Key) {
        if section.misspells(key.name()) {
            return;
        }
        let example = match key.kind {
            Kind::Rate => quoted("1/s"),
            Kind::Span | Kind::Time => quoted("10s"),
            Kind::Number(_, most) => if most < 10.0 { "0.1" } else { "10" }.to_owned(),
            Kind::Choice([first, ..], _) => quoted(first),
            _ => quoted(".."),
        };
        let header = keys::header(section.path);
        let place = if section.path.is_empty() { String::new() } else { format!(" in {header}") };
        let before = if section.table.is_none() { format!("{header} with ") } else { String::new() };
        let help = format!("add {before}{} = {example}: {}", key.name(), lower_first(key.doc));
        self.problem(Problem::new(format!("`{}` is missing{place}", key.name())).at(section.place).help(help));
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

/// The text as the middle of a sentence; abbreviations stay as they are.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
