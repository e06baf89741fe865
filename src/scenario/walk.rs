//! Whether every key that is written is one that there is, and stands where it may.

use crate::scenario::keys::{self, Key, Kind};
use crate::scenario::problems::Problem;
use crate::scenario::tree::{Entry, Node, Table, Value};

/// Names every key that is unknown, and every table that is none.
pub(super) fn check(root: &Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    table(root, "", &mut problems);
    problems
}

fn table(table: &Table, path: &str, problems: &mut Vec<Problem>) {
    for written in &table.entries {
        match keys::find(&keys::join(path, &written.key)) {
            None => problems.push(keys::unknown(path, &written.key).at(written.place.as_ref())),
            Some(key) => entry(written, key, problems),
        }
    }
}

fn entry(written: &Entry, key: &Key, problems: &mut Vec<Problem>) {
    let Node { place, value } = &written.node;
    match (key.kind, value) {
        (
            Kind::Section
            | Kind::Table
            | Kind::ChoiceOrTable(..)
            | Kind::FlagOrTable
            | Kind::RateOrTable(_)
            | Kind::TableOr(_)
            | Kind::IntegerOrTable(..),
            Value::Table(inner),
        ) => {
            table(inner, key.path, problems);
        }
        (Kind::TimeOrLegs, Value::Table(inner)) if !has_legs(inner) => {}
        (Kind::TimeOrLegs | Kind::NumberOrLegs(..) | Kind::BandwidthOrLegs, Value::Table(inner)) => {
            table(inner, key.path, problems)
        }
        (Kind::Section | Kind::Table, other) => {
            let message = format!("`{}` is a table, not {}", key.path, other.kind());
            let help = match key.kind {
                Kind::Section => format!("write its keys under {}", keys::header(key.path)),
                _ => format!("write {} = {}", key.name(), example(key, other)),
            };
            problems.push(Problem::new(message).at(place.as_ref()).help(help));
        }
        (Kind::Sections, Value::List(list)) => {
            for node in list {
                match &node.value {
                    Value::Table(inner) => table(inner, key.path, problems),
                    other => {
                        let message = format!("a `{}` is a table, not {}", key.path, other.kind());
                        problems.push(Problem::new(message).at(node.place.as_ref()).help(sections_help(key)));
                    }
                }
            }
        }
        (Kind::Sections, _) => {
            let message = format!("`{}` is a list of tables, because there may be several", key.path);
            problems.push(Problem::new(message).at(place.as_ref()).help(sections_help(key)));
        }
        _ => {}
    }
}

/// What to write for a small table, with the value in it where it is that of one of its keys.
fn example(key: &Key, value: &Value) -> String {
    let spread = match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    };
    match (key.path, value) {
        ("client.pull.jitter", _) => match spread.filter(|spread| (0.0..=1.0).contains(spread)) {
            Some(_) => format!("{{ spread = {} }}", value.written()),
            None => "{ spread = 0.1 }".to_owned(),
        },
        ("client.pull.backoff", _) => "{ factor = 2.0, max = \"5m\" }".to_owned(),
        ("client.pull.adaptive", _) => "{ useful = 0.5 }".to_owned(),
        ("events.trace", Value::Text(_)) => format!("{{ file = {} }}", value.written()),
        ("events.trace", _) => "{ file = \"times.csv\" }".to_owned(),
        ("events.daily", _) => "{ peak_at = \"14h\", trough = 0.1 }".to_owned(),
        ("events.batch.pareto", _) => "{ mean = 5, shape = 1.5, max = 1000 }".to_owned(),
        ("events.bursts", _) => "{ on = \"10s\", off = \"50s\" }".to_owned(),
        ("client.push.batch", Value::Integer(_)) => format!("{{ max = {}, wait = \"1s\" }}", value.written()),
        ("client.push.batch", _) => "{ max = 100, wait = \"1s\" }".to_owned(),
        ("client.push.disable", _) => "{ failures = 8 }".to_owned(),
        ("client.push.breaker", _) => "{ failures = 0.5, cool_down = \"30s\" }".to_owned(),
        ("client.push.redeliver", _) => "{ every = \"1h\" }".to_owned(),
        ("client.push.fetch", _) => "{ timeout = \"10s\", tries = 5 }".to_owned(),
        ("client.receiver.limits", _) => "{ body = \"1 MiB\" }".to_owned(),
        ("prices.requests", _) => "{ provider = 0.40, consumer = 0.20, per = \"1M\" }".to_owned(),
        ("prices.cpu_hour", _) => "{ provider = 0.04, consumer = 0.04 }".to_owned(),
        ("fault.mix", _) => "{ unsigned = 1, replayed = 1 }".to_owned(),
        _ => "{ .. }".to_owned(),
    }
}

fn sections_help(key: &Key) -> String {
    format!("write {} before the keys of each", keys::header(key.path))
}

/// Whether a table that may be a distribution is one with a value for each direction instead.
pub(super) fn has_legs(table: &Table) -> bool {
    table.get("request").is_some() || table.get("response").is_some()
}
