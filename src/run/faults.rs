//! What breaks for each client of a scenario, and when, in plain words.

use crate::engine::{ClientSetup, Setup};
use crate::fault::Fault;
use crate::report::{faults, table};

/// Columns in front of a fault: the comment sign and the indentation.
const INDENT: usize = 6;

/// The faults of every client that meets any, line by line; nothing if there are none.
pub(super) fn describe(setup: &Setup) -> Vec<String> {
    let mut text = vec!["What breaks".to_owned()];
    for client in setup.clients.iter().filter(|client| !client.faults.0.is_empty()) {
        text.push(format!("  {}:", client.name));
        for fault in timeline(client) {
            let words = faults::describe(fault, Some(setup.frame.duration));
            let lines = table::wrap(&words, table::WIDTH - INDENT - 2).into_iter().enumerate();
            text.extend(lines.map(|(index, line)| format!("    {:1$}{line}", "", if index == 0 { 0 } else { 2 })));
        }
    }
    if text.len() == 1 {
        return Vec::new();
    }
    text.push(String::new());
    text
}

/// The faults of a client in the order of time.
fn timeline(client: &ClientSetup) -> Vec<&Fault> {
    let mut faults: Vec<_> = client.faults.0.iter().collect();
    faults.sort_by_key(|fault| (fault.from, fault.until));
    faults
}
