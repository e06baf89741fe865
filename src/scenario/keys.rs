//! The one table of the keys of a scenario file: what each takes, what it is without being written, and what it means.
//!
//! The reader, the JSON Schema and the advice on unknown keys all go by this table.

use crate::scenario::problems::Problem;

mod table;

/// A key of a scenario file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The tables it is in and its name, joined by dots; `client` stands for every `[[client]]`.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds where it is not written.
    pub absent: Absent,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A duration.
    Span,
    /// A duration, or this word.
    SpanOr(&'static str),
    /// A duration or the distribution of one.
    Time,
    /// The same, or a table with one for each direction.
    TimeOrLegs,
    /// A number of events per time.
    Rate,
    /// The same, or this word, or a table of the keys below this one.
    RateOrTable(&'static str),
    /// A table of the keys below this one, or this word.
    TableOr(&'static str),
    /// A size in bytes, up to this many.
    Size(u64),
    /// The same, or this word.
    SizeOr(u64, &'static str),
    /// A size in bytes up to this many, or the distribution of one.
    Sizes(u64),
    /// A whole number within these bounds.
    Integer(u64, u64),
    /// The same, or a table of the keys below this one.
    IntegerOrTable(u64, u64),
    /// A whole number of at least 1 and at most this, or `"unlimited"`.
    Limit(u64),
    /// A number within these bounds.
    Number(f64, f64),
    /// A number within these bounds, or this word.
    NumberOr(f64, f64, &'static str),
    /// A number within these bounds, or a table with one for each direction.
    NumberOrLegs(f64, f64),
    /// A percentage within these bounds.
    Percent(f64, f64),
    /// A bandwidth, or `"unlimited"`.
    Bandwidth,
    /// The same, or a table with one for each direction.
    BandwidthOrLegs,
    /// A text of at most so many characters, none of them a control character.
    Text(usize),
    /// True or false.
    Flag,
    /// True or false, or a table of the keys below this one.
    FlagOrTable,
    /// One of these names; the second list is of names that this version knows but cannot do.
    Choice(&'static [&'static str], &'static [&'static str]),
    /// One of these names, or a table of the keys below this one.
    ChoiceOrTable(&'static [&'static str], &'static [&'static str]),
    /// A list of at most so many durations.
    Spans(usize),
    /// A table that is written with a header of its own.
    Section,
    /// A list of such tables.
    Sections,
    /// A small table that is written in one line.
    Table,
    /// A table of the keys below this one, and of any key that `--set` can reach, with the values that it takes.
    Sweep,
}

/// The most tables in a list of tables.
pub(super) const LIST_MAX: usize = 64;

/// What holds where a key is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This TOML value.
    Default(&'static str),
    /// The file is not complete.
    Required,
    /// What the documentation of the key says, or nothing.
    Nothing,
}

impl Key {
    /// The name of the key, without the tables that it is in.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The path of the table that the key is in; empty at the top.
    pub fn table(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// The default as TOML, if the key has one.
    pub const fn default(&self) -> Option<&'static str> {
        match self.absent {
            Absent::Default(text) => Some(text),
            Absent::Required | Absent::Nothing => None,
        }
    }
}

/// Every key, tables before the keys in them, in the order in which a resolved scenario is written.
pub fn keys() -> &'static [Key] {
    table::KEYS
}

/// The key of that path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.path == path)
}

/// The keys in a table; the path of the top is empty.
pub(super) fn in_table(table: &str) -> impl Iterator<Item = &'static Key> {
    keys().iter().filter(move |key| key.table() == table)
}

/// The path of a key in a table.
pub(super) fn join(table: &str, name: &str) -> String {
    if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") }
}

/// The one of the names that a misspelt one comes nearest to, if any is near.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let limit = (name.chars().count() / 3).max(1);
    let distance = |other: &str| strsim::damerau_levenshtein(&plain(name), &plain(other));
    let near = names.into_iter().map(|other| (distance(other), other)).filter(|(distance, _)| *distance <= limit);
    near.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// The problem with a key that a table does not have.
pub(super) fn unknown(table: &str, name: &str) -> Problem {
    let place = if table.is_empty() { String::new() } else { format!(" in {}", header(table)) };
    let problem = Problem::new(format!("unknown key `{name}`{place}"));
    let known = || in_table(table);
    if let Some(near) = nearest(name, in_table(table).map(Key::name)) {
        return problem.help(format!("did you mean `{near}`?"));
    }
    let depth = |key: &Key| key.path.split('.').count();
    let elsewhere = || keys().iter().filter(|key| key.name() == name);
    // The one that is least hidden is meant most likely.
    let shallowest = elsewhere().map(depth).min();
    let likely: Vec<_> = elsewhere().filter(|key| Some(depth(key)) == shallowest).collect();
    if let [key] = likely[..] {
        return problem.help(format!("`{name}` is a key of {}", header(key.table())));
    }
    if name.parse::<u32>().is_ok() {
        return problem.help(format!("set `{table}` as a whole: it is a list without names"));
    }
    let names: Vec<_> = known().map(|key| format!("`{}`", key.name())).collect();
    problem.help(format!("the keys here are {}", listed(&names, "and")))
}

/// A table as it is written in a file.
pub(super) fn header(table: &str) -> String {
    match find(table).map(|key| key.kind) {
        None => "the top of the file".to_owned(),
        Some(Kind::Sections) => format!("[[{table}]]"),
        Some(Kind::Section | Kind::Sweep) => format!("[{table}]"),
        Some(_) => format!("`{table}`"),
    }
}

/// Words as a list in a sentence.
pub(super) fn listed(words: &[String], conjunction: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [init @ .., last] => format!("{} {conjunction} {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_behind_its_table_and_only_once() {
        for (index, key) in keys().iter().enumerate() {
            assert!(!keys()[..index].iter().any(|other| other.path == key.path), "{} is there twice", key.path);
            let table_is_known = keys()[..index].iter().any(|other| other.path == key.table());
            assert!(key.table().is_empty() || table_is_known, "{} has no table", key.path);
            assert!(!key.doc.is_empty() && !key.doc.ends_with('.'), "{}", key.path);
        }
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let names = || in_table("client.pull").map(Key::name);
        assert_eq!(nearest("evrey", names()), Some("every"));
        assert_eq!(nearest("Every", names()), Some("every"));
        assert_eq!(nearest("time-out", names()), Some("timeout"));
        assert_eq!(nearest("frequency", names()), None);
    }
}
