//! In what two sweeps differ, so that their units do not belong together.

use serde_json::Value;

use crate::sweep::header::Header;

/// So many keys that differ are named one by one.
const NAMED_MAX: usize = 5;
/// A value is cut after so many characters.
const VALUE_MAX: usize = 60;
/// Keys of the scenario that have sentences of their own.
const ELSEWHERE: [&str; 5] = ["engine", "replications", "precision", "sweep", "threshold"];

/// What the two sweeps are called, such as `here` and `there`.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    /// The one whose differences are asked for.
    pub own: &'static str,
    /// The one that it is compared with.
    pub other: &'static str,
}

/// The sweep that is to be played, and a file that was found.
pub const HERE_AND_THERE: Sides = Sides { own: "here", other: "there" };

impl Header {
    /// In what another sweep differs from this one so that their units do not belong together, as sentences; empty if they do.
    pub fn differences(&self, other: &Self, sides: Sides) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut differ = |what: &str, own: &str, theirs: &str| {
            if own != theirs {
                sentences.push(sentence(what, own, theirs, sides));
            }
        };
        differ("the version of pushpull", &self.tool_version, &other.tool_version);
        differ("the format", &self.format.to_string(), &other.format.to_string());
        differ("the name of the scenario", &self.scenario.name, &other.scenario.name);
        differ("the engine", &self.scenario.engine, &other.scenario.engine);
        differ("the number of replications", &self.replications.to_string(), &other.replications.to_string());
        let precision = |header: &Self| header.precision.clone().unwrap_or_else(|| "not given".to_owned());
        differ("the precision", &precision(self), &precision(other));
        differ("the number of points", &self.points.to_string(), &other.points.to_string());
        differ("the way in which values meet", &self.combine, &other.combine);
        let keys = |header: &Self| header.axes.iter().map(|axis| axis.key.clone()).collect::<Vec<_>>().join(", ");
        differ("what varies", &keys(self), &keys(other));
        if self.scenario.sha256 != other.scenario.sha256 {
            sentences.extend(self.keys_that_differ(other, sides));
        }
        for (own, theirs) in self.axes.iter().zip(&other.axes) {
            if own.key == theirs.key && own.values != theirs.values {
                sentences.push(format!("`{}` takes other values", own.key));
            }
        }
        if self.files_sha256 != other.files_sha256 {
            sentences.push("files that the values name hold something else".to_owned());
        }
        sentences
    }

    /// Which keys of the scenario have which other values there; what the files hold that it names, where they are the same.
    fn keys_that_differ(&self, other: &Self, sides: Sides) -> Vec<String> {
        let mut found = Vec::new();
        compare("", &self.scenario.resolved, &other.scenario.resolved, &mut found);
        found.retain(|(key, ..)| !ELSEWHERE.iter().any(|known| is_within(key, known)));
        if found.is_empty() {
            return vec!["the files that the scenario names hold something else".to_owned()];
        }
        let more = found.len().saturating_sub(NAMED_MAX);
        let named = found.into_iter().take(NAMED_MAX);
        let mut sentences: Vec<_> =
            named.map(|(key, own, theirs)| sentence(&format!("`{key}`"), &own, &theirs, sides)).collect();
        if more > 0 {
            let (keys, differ) = if more == 1 { ("key", "differs") } else { ("keys", "differ") };
            sentences.push(format!("{more} more {keys} {differ}"));
        }
        sentences
    }
}

fn sentence(what: &str, own: &str, theirs: &str, sides: Sides) -> String {
    format!("{what} is {theirs} {} and {own} {}", sides.other, sides.own)
}

/// Whether a key is this one, or lies in it.
fn is_within(key: &str, outer: &str) -> bool {
    key.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Notes every key whose values differ, as `--set` takes it, with both values.
fn compare(path: &str, own: &Value, theirs: &Value, found: &mut Vec<(String, String, String)>) {
    match (own, theirs) {
        _ if own == theirs => {}
        (Value::Object(mine), Value::Object(others)) => {
            let only_there = others.keys().filter(|key| !mine.contains_key(*key));
            for key in mine.keys().chain(only_there) {
                let value = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or(Value::Null);
                compare(&join(path, key), &value(mine), &value(others), found);
            }
        }
        (Value::Array(mine), Value::Array(others)) if are_like(mine, others) => {
            for (number, (own, theirs)) in (1..).zip(mine.iter().zip(others)) {
                // A client goes by its name, what has none by its number.
                let name = own["name"].as_str().map_or_else(|| format!("{number}"), str::to_owned);
                compare(&join(path, &name), own, theirs, found);
            }
        }
        _ => found.push((path.to_owned(), shown(own), shown(theirs))),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether two lists hold tables of the same names, so that each can be compared with its like.
fn are_like(mine: &[Value], others: &[Value]) -> bool {
    mine.len() == others.len()
        && mine.iter().zip(others).all(|(own, theirs)| own.is_object() && own["name"] == theirs["name"])
}

/// A value as people write it.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        // Of clients their names tell more than the first keys of the first.
        Value::Array(list) if !list.is_empty() && list.iter().all(|element| element["name"].is_string()) => {
            let names: Vec<_> = list.iter().map(|element| element["name"].to_string()).collect();
            names.join(", ")
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{Changes, Template};

    const TEXT: &str = "[events]\nrate = \"1/s\"\n[[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1s\"\n\
                        [[client]]\nname = \"webhook\"\n[client.push]\n\
                        [[fault]]\nkind = \"provider-down\"\nat = \"1m\"\nfor = \"1m\"\n";

    fn header(sets: &[&str], text: &str) -> Header {
        let changes = Changes {
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            varied: vec!["consumers=1,2".to_owned()],
            ..Changes::default()
        };
        Header::new(&Template::parse(text, "mine.toml", Path::new("."), &changes).unwrap(), None)
    }

    #[test]
    fn keys_that_differ_are_named_as_they_are_set() {
        let own = header(&[], TEXT);
        assert!(own.differences(&own, HERE_AND_THERE).is_empty());
        let said = |sets: &[&str]| own.differences(&header(sets, TEXT), HERE_AND_THERE).join("\n");
        let long = format!("title={}", "long ".repeat(40));
        let cases = [
            said(&["seed=7"]),
            said(&["client.poll.pull.every=2s", "network.latency={ request = \"1ms\", response = \"2ms\" }"]),
            said(&["fault=[{ kind = \"provider-down\", at = \"2m\", for = \"1m\" }]"]),
            said(&["events.arrivals=constant"]),
            said(&["seed=7", "drain=1m", "warmup=1s", "duration=2h", "network.loss=0.1", "network.tls=true", &long]),
            said(&["prices.egress_per_gib=1"]),
            own.differences(&header(&[], &TEXT.replace("webhook", "hook")), HERE_AND_THERE).join("\n"),
        ];
        insta::assert_snapshot!(cases.join("\n----\n"));
    }
}
