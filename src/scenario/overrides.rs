//! `--set KEY=VALUE`: changes to the tree of a scenario before it is read.

use crate::scenario::Changes;
use crate::scenario::keys::{self, Key, Kind};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Entry, Node, Table, Value, read_value};

/// What stands before the text of a `--set` where it is shown.
const PREFIX: &str = "--set ";
/// What stands before that of an option of its own, such as `--seed=1`.
const FLAG_PREFIX: &str = "--";

/// The most names in a path: more than any key has, and few enough for trees that are walked by recursion.
const DEPTH_MAX: usize = 16;

/// Every `--set`, and every option that stands for one, with what stands before it where it is shown.
pub(super) fn written(changes: &Changes) -> impl Iterator<Item = (&'static str, &String)> {
    let flags_from = changes.sets.len().saturating_sub(changes.flags);
    let prefix = move |index| if index < flags_from { PREFIX } else { FLAG_PREFIX };
    changes.sets.iter().enumerate().map(move |(index, text)| (prefix(index), text))
}

/// Applies every `--set` in order; problems name the ones that could not be applied.
pub(super) fn apply(root: &mut Table, changes: &Changes) -> Vec<Problem> {
    let apply_one = |(source, (prefix, text)): (usize, (&str, &String))| apply_one(root, text, source, prefix).err();
    (1..).zip(written(changes)).filter_map(apply_one).collect()
}

/// One step from a table or list to what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an element of a list, counted from 0.
    Element(usize),
}

/// Where a key of a `--set` leads: the way through the tree, and the path of the key that it ends at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The way through the tree.
    pub steps: Vec<Step>,
    /// The path in the table of keys, or one that goes on from there into the value of a key.
    pub path: String,
}

impl Target {
    /// The key that the path is of, or whose value it leads into.
    pub(super) fn key(&self) -> Option<&'static Key> {
        let ends = self.path.match_indices('.').map(|(at, _)| at).chain([self.path.len()]);
        ends.collect::<Vec<_>>().into_iter().rev().find_map(|end| keys::find(&self.path[..end]))
    }
}

fn apply_one(root: &mut Table, text: &str, source: usize, prefix: &str) -> Result<(), Problem> {
    let place = |start: usize, end: usize| Place { source, span: prefix.len() + start..prefix.len() + end };
    let no_value = || {
        let problem = Problem::new(format!("`--set {text}` sets nothing")).at(Some(&place(0, text.len())));
        problem.help("write a key and a value, such as --set events.rate=5/s")
    };
    let (target, at) = split(root, text, &place)?.ok_or_else(no_value)?;
    let value = value_of(&target, &text[at + 1..], source, prefix.len() + at + 1);
    insert(root, &target, value, &place(0, at))
}

/// The key that stands before an equals sign, and where that is; none where there is no equals sign.
pub(super) fn split(
    root: &Table,
    text: &str,
    place: &dyn Fn(usize, usize) -> Place,
) -> Result<Option<(Target, usize)>, Problem> {
    let mut first = None;
    // A client's name may hold an equals sign, so the first one that leaves a known key before it counts.
    for (at, _) in text.match_indices('=') {
        match resolve(root, text[..at].trim()) {
            Ok(target) => return Ok(Some((target, at))),
            Err(problem) => first = first.or_else(|| Some(problem.at(Some(&place(0, at))))),
        }
    }
    first.map_or(Ok(None), Err)
}

/// The value that stands at an offset of a source, as TOML where it is that; what goes to a key that takes a text needs no
/// quotes, whatever it looks like.
pub(super) fn value_of(target: &Target, written: &str, source: usize, offset: usize) -> Node {
    let offset = offset + written.len() - written.trim_start().len();
    let written = written.trim();
    let node = read_value(written, source, offset);
    let takes_text = matches!(keys::find(&target.path).map(|key| key.kind), Some(Kind::Text(_)));
    match node.value {
        Value::Text(_) => node,
        _ if takes_text => Node { value: Value::Text(written.to_owned()), ..node },
        _ => node,
    }
}

/// Where the text of a key leads.
pub(super) fn resolve(root: &Table, path: &str) -> Result<Target, Problem> {
    if let Some(rest) = path.strip_prefix("fault.") {
        return fault(root, rest);
    }
    let Some(rest) = path.strip_prefix("client.") else {
        let steps = path.split('.').map(|step| Step::Key(step.trim().to_owned())).collect();
        return known(steps, path);
    };
    let names = client_names(root);
    let mut failed = None;
    for (index, name, after) in matches(&names, rest) {
        let path = keys::join("client", after);
        let mut steps = vec![Step::Key("client".to_owned()), Step::Element(index)];
        steps.extend(after.split('.').map(|step| Step::Key(step.trim().to_owned())));
        match known(steps, &path) {
            Ok(target) => return Ok(target),
            Err(problem) => failed = failed.or(Some((name, problem))),
        }
    }
    Err(match failed {
        Some((_, problem)) => problem,
        None => no_such_client(root, &names, rest),
    })
}

/// What to do where there is no fault whose keys could be set.
const NO_FAULT: &str = "the file has no [[fault]]; set `fault` as a whole, to [{ .. }]";

/// Where the text behind `fault.` leads: faults have no names, and go by their numbers, counted from 1.
fn fault(root: &Table, text: &str) -> Result<Target, Problem> {
    let count = match root.get("fault").map(|node| &node.value) {
        Some(Value::List(list)) => list.len(),
        _ => 0,
    };
    let (number, after) = text.split_once('.').map_or((text, None), |(number, after)| (number, Some(after)));
    let Ok(number) = number.trim().parse::<usize>() else {
        known(vec![Step::Key("fault".to_owned())], &keys::join("fault", text))?;
        let problem = Problem::new(format!("`fault.{text}` does not say which fault"));
        return Err(problem.help(match count {
            0 => NO_FAULT.to_owned(),
            _ => format!("write its number too, such as fault.1.{text}"),
        }));
    };
    if !(1..=count).contains(&number) {
        return Err(Problem::new(format!("there is no fault {number}")).help(match count {
            0 => NO_FAULT.to_owned(),
            1 => "the only fault is fault 1".to_owned(),
            _ => format!("the faults go from 1 to {count}, in the order of the file"),
        }));
    }
    let Some(after) = after else {
        let problem = Problem::new(format!("`fault.{number}` is a fault, not one of its keys"));
        return Err(problem.help(format!("a key must follow the number, such as fault.{number}.for")));
    };
    let mut steps = vec![Step::Key("fault".to_owned()), Step::Element(number - 1)];
    steps.extend(after.split('.').map(|step| Step::Key(step.trim().to_owned())));
    known(steps, &keys::join("fault", after))
}

/// The names of the clients and their places in the list.
pub(super) fn client_names(root: &Table) -> Vec<(usize, &str)> {
    let Some(Node { value: Value::List(list), .. }) = root.get("client") else { return Vec::new() };
    list.iter()
        .enumerate()
        .filter_map(|(index, node)| match &node.value {
            Value::Table(table) => match &table.get("name")?.value {
                Value::Text(name) => Some((index, name.as_str())),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// The clients whose name, bare or in quotes, the text begins with, longest first, and what comes after it.
fn matches<'a>(names: &[(usize, &'a str)], text: &'a str) -> Vec<(usize, &'a str, &'a str)> {
    let after = |name: &str| {
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_prefix(name)?.strip_prefix('"'));
        quoted.or_else(|| text.strip_prefix(name))?.strip_prefix('.')
    };
    let mut found: Vec<_> = names.iter().filter_map(|&(index, name)| Some((index, name, after(name)?))).collect();
    found.sort_by_key(|(_, name, _)| std::cmp::Reverse(name.len()));
    found
}

fn no_such_client(root: &Table, names: &[(usize, &str)], text: &str) -> Problem {
    let bare = unquoted(text);
    if let Some((index, name)) = names.iter().find(|(_, name)| *name == bare) {
        let polls_only = root.find(&["client", &index.to_string(), "push"]).is_none();
        let key = if polls_only { "pull.every" } else { "push.timeout" };
        let problem = Problem::new(format!("`client.{text}` is a client, not one of its keys"));
        return problem.help(format!("a key must follow the name, such as client.{name}.{key}"));
    }
    if keys::find(&keys::join("client", text)).is_some() {
        let name = names.first().map_or("NAME", |(_, name)| name);
        let problem = Problem::new(format!("`client.{text}` does not say which client"));
        return problem.help(format!("write the client's name too, such as client.{name}.{text}"));
    }
    let ends = [".pull", ".push", ".receiver", ".name"];
    let end = ends.iter().filter_map(|end| text.rfind(end)).min().unwrap_or(text.len());
    let wanted = unquoted(&text[..end]);
    let problem = Problem::new(format!("no client is named \"{wanted}\""));
    let names = || names.iter().map(|(_, name)| *name);
    match keys::nearest(wanted, names()) {
        Some(near) => problem.help(format!("did you mean \"{near}\"?")),
        None => {
            let names: Vec<_> = names().map(|name| format!("\"{name}\"")).collect();
            problem.help(match &names[..] {
                [] => "the file has no client with a name".to_owned(),
                [only] => format!("the only client is {only}"),
                _ => format!("the clients are {}", keys::listed(&names, "and")),
            })
        }
    }
}

/// The text without the quotes around it, if there are any.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// Makes sure that a path is that of a key, or leads on into the value of one that may be a table.
fn known(steps: Vec<Step>, path: &str) -> Result<Target, Problem> {
    let parts: Vec<_> = path.split('.').map(str::trim).collect();
    if parts.len() > DEPTH_MAX {
        return Err(Problem::new("no key lies that deep").help(format!("write at most {DEPTH_MAX} names")));
    }
    let path = parts.join(".");
    for depth in 1..=parts.len() {
        let Some(key) = keys::find(&parts[..depth].join(".")) else {
            return Err(keys::unknown(&parts[..depth - 1].join("."), parts[depth - 1]));
        };
        let goes_on = depth < parts.len();
        let next_is_key = goes_on && keys::find(&parts[..=depth].join(".")).is_some();
        let open = matches!(key.kind, Kind::Time | Kind::TimeOrLegs);
        if open && !next_is_key {
            break;
        }
        if goes_on && !next_is_key && keys::in_table(key.path).next().is_none() {
            let problem = Problem::new(format!("`{}` is a value, not a table", key.path));
            return Err(problem.help(format!("write --set {}=VALUE", key.path)));
        }
    }
    Ok(Target { steps, path })
}

/// Puts a value where a key leads; what is not there on the way comes into being at `place`.
pub(super) fn insert(root: &mut Table, target: &Target, value: Node, place: &Place) -> Result<(), Problem> {
    let mut table = root;
    let mut steps = target.steps.iter().peekable();
    while let Some(step) = steps.next() {
        let Step::Key(key) = step else { continue };
        let node = entry(table, key, place);
        let Some(next) = steps.peek() else {
            *node = value;
            return Ok(());
        };
        let inner = match (next, &mut node.value) {
            (Step::Element(index), Value::List(list)) => list.get_mut(*index).map(|node| &mut node.value),
            (_, other) => Some(other),
        };
        table = match inner {
            Some(Value::Table(inner)) => inner,
            Some(other) => return Err(not_a_table(key, &other.written(), place)),
            None => return Err(not_a_table(key, "too short", place)),
        };
    }
    Ok(())
}

fn not_a_table(key: &str, written: &str, place: &Place) -> Problem {
    let problem = Problem::new(format!("`{key}` is {written} in the file, not a table")).at(Some(place));
    let whole = if written == "[..]" { "[{ .. }, ..]" } else { "{ .. }" };
    problem.help(format!("set `{key}` as a whole, to {whole}"))
}

/// The value of a key in a table; an empty table comes into being where there is none.
fn entry<'a>(table: &'a mut Table, key: &str, place: &Place) -> &'a mut Node {
    let index = table.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let node = Node { place: Some(place.clone()), value: Value::Table(Table::default()) };
        table.entries.push(Entry { key: key.to_owned(), place: Some(place.clone()), node });
        table.entries.len() - 1
    });
    let entry = &mut table.entries[index];
    entry.place = entry.place.take().or_else(|| Some(place.clone()));
    &mut entry.node
}
