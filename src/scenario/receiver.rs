//! What `[client.receiver]` says: System A's endpoint for webhooks.

use crate::policy::receiver::{Dedupe, Limits, ReceivePolicy};
use crate::policy::workers::Capacity;
use crate::scenario::keys::Key;
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::names::{ACKNOWLEDGE, value};
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::positive;
use crate::scenario::tree::{Node, Value};
use crate::scenario::waits::whole_seconds;

/// The fewest bytes of headers that an HTTP library has room for.
const HEADER_MIN: u32 = 8 << 10;

/// Reads `[client.receiver]`; how thin webhooks are fetched is left open.
pub(super) fn receiver(reader: &mut Reader, client: &Section<'_>) -> Option<ReceivePolicy> {
    let section = client.sub("client.receiver");
    let workers = reader.get(&section, "workers", kinds::limit);
    let service_time = reader.get(&section, "service_time", kinds::time);
    let queue = reader.get(&section, "queue", kinds::small_integer);
    let acknowledge = reader.get(&section, "ack", kinds::choice).and_then(|name| value(ACKNOWLEDGE, name));
    let dedupe = dedupe(reader, &section);
    let retry_after = reader.get_if_written(&section, "retry_after", whole_seconds);
    let limits = limits(reader, &section);
    Some(ReceivePolicy {
        acknowledge: acknowledge?,
        dedupe: dedupe?,
        retry_after: retry_after?,
        limits: limits?,
        ..ReceivePolicy::new(Capacity { workers: workers?, queue: queue? }, service_time?)
    })
}

fn dedupe(reader: &mut Reader, receiver: &Section<'_>) -> Option<Dedupe> {
    if !receiver.has_table("dedupe") {
        let flag = reader.get(receiver, "dedupe", flag)?;
        return Some(if flag { Dedupe::Remember { size: None, age: None } } else { Dedupe::Never });
    }
    let section = receiver.sub("client.receiver.dedupe");
    let size = reader.get_if_written(&section, "size", kinds::small_integer);
    let age = reader.get_if_written(&section, "age", positive);
    Some(Dedupe::Remember { size: size?, age: age? })
}

/// Reads true or false; what is neither may be meant as a part of the table.
fn flag(node: &Node, key: &Key) -> Parsed<bool> {
    let example = match &node.value {
        Value::Integer(_) => format!("{{ size = {} }}", node.value.written()),
        Value::Text(_) => format!("{{ age = {} }}", node.value.written()),
        _ => return kinds::flag(node, key),
    };
    let message = format!("`{}` takes true, false or a table, not {}", key.name(), node.value.kind());
    let help = format!("write dedupe = {example} to forget older events, or true or false");
    Err(Problem::new(message).at(node.place.as_ref()).help(help))
}

fn limits(reader: &mut Reader, receiver: &Section<'_>) -> Option<Limits> {
    let section = receiver.sub("client.receiver.limits");
    let header = reader.get(&section, "header", header);
    let body = reader.get_if_written(&section, "body", kinds::size);
    let read_time = reader.get(&section, "read_time", positive);
    let connections = reader.get(&section, "connections", kinds::small_integer);
    Some(Limits {
        header: header?,
        body: body?.unwrap_or(Limits::DEFAULT.body),
        read_time: read_time?,
        connections: connections?,
    })
}

fn header(node: &Node, key: &Key) -> Parsed<u32> {
    let bytes = kinds::size(node, key)?;
    if bytes < HEADER_MIN {
        let problem = Problem::new(format!("`header = {}` is too small", node.value.written()));
        return Err(problem.at(node.place.as_ref()).help("write at least \"8 KiB\""));
    }
    Ok(bytes)
}
