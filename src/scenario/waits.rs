//! How long something may wait: events, retries, endpoints, and whoever is asked to come back later.

use crate::scenario::keys::Key;
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::Problem;
use crate::scenario::tree::Node;
use crate::time::{SECOND, Span};

/// The longest time that an event, a retry or an endpoint waits.
pub(super) const WAIT_MAX: Span = Span::from_secs(30 * 86_400);

/// Reads a duration that nothing waits for longer than is allowed.
pub(super) fn wait(node: &Node, key: &Key) -> Parsed<Span> {
    let span = kinds::span(node, key)?;
    if span > WAIT_MAX {
        let problem = Problem::new(format!("`{} = {}` is too long", key.name(), node.value.written()));
        return Err(problem.at(node.place.as_ref()).help("write at most \"30d\""));
    }
    Ok(span)
}

/// Reads how long to stay away, which a `Retry-After` header says in whole seconds.
pub(super) fn whole_seconds(node: &Node, key: &Key) -> Parsed<Span> {
    let span = wait(node, key)?;
    if span.as_nanos() % SECOND != 0 {
        let problem =
            Problem::new(format!("`{} = {}` is no whole number of seconds", key.name(), node.value.written()));
        return Err(problem
            .at(node.place.as_ref())
            .help("a Retry-After header has whole seconds: write \"1s\", \"30s\""));
    }
    Ok(span)
}
