//! What `check` says of the network, and of times that were measured, in plain words.

use std::collections::BTreeMap;

use crate::distribution::{Distribution, Empirical, Origin};
use crate::engine::{ClientSetup, Setup};
use crate::link::Handshake;
use crate::report::human;
use crate::scenario::format_bandwidth;

/// What compression means in virtual time.
pub(super) const COMPRESSED: &str = "answers are compressed over real HTTP; in virtual time bodies count as they are";

/// What a newcomer would not see from the keys alone; nothing where there is nothing of the kind.
pub(super) fn describe(setup: &Setup) -> Vec<String> {
    let mut lines = Vec::new();
    let link = &setup.link;
    if let Handshake::Each { round_trips } = link.handshake {
        let trips = human::things(round_trips.into(), "round trip", "round trips");
        let opening = human::duration_secs(link.opening_mean_secs());
        lines.push(format!("  each exchange opens a connection first: {trips}, {opening} on average"));
    }
    if link.is_narrow() {
        let [there, back] = [&link.request, &link.response].map(|leg| format_bandwidth(leg.bandwidth));
        lines.push(format!("  bandwidth {there} there and {back} back for each message by itself"));
        lines.push("  no closed form: how long a message takes depends on its size".to_owned());
    }
    for client in setup.clients.iter().filter(|client| client.is_compressed()) {
        lines.push(format!("  {}: {COMPRESSED}", client.name));
    }
    for (origin, sample) in samples(setup) {
        let column = origin.column.as_ref().map_or_else(String::new, |column| format!(", column {column}"));
        let count = human::things(sample.values().len() as f64, "duration", "durations");
        let [half, most] = [0.5, 0.99].map(|share| human::duration_secs(sample.quantile(share).as_secs_f64()));
        let longest = human::duration_secs(sample.max().as_secs_f64());
        lines.push(format!(
            "  {}{column}: {count}, half within {half}, 99 % within {most}, longest {longest}",
            origin.file
        ));
    }
    if !lines.is_empty() {
        lines.insert(0, "The network and what was measured".to_owned());
        lines.push(String::new());
    }
    lines
}

/// The samples that times are drawn from, each once.
fn samples(setup: &Setup) -> BTreeMap<&Origin, &Empirical> {
    let shared = [&setup.link.request.latency, &setup.link.response.latency, &setup.api.service_time];
    let times = shared.into_iter().chain(setup.clients.iter().flat_map(times_of));
    let samples = times.filter_map(|time| match time {
        Distribution::Empirical(sample) => Some((&sample.origin, &**sample)),
        _ => None,
    });
    samples.collect()
}

/// The times of a client that may be drawn.
fn times_of(client: &ClientSetup) -> Vec<&Distribution> {
    let pull = client.pull.iter().map(|pull| &pull.service_time);
    let push = client.push.iter().flat_map(|push| [&push.dispatch.delay, &push.receive.service_time]);
    pull.chain(push).collect()
}
