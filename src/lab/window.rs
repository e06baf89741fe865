//! Which stretch of a run is animated: long enough that something happens, and short enough to be watched.

use super::parameters::{Name, State};
use crate::engine::Setup;
use crate::measure::chronicle::Stretch;
use crate::time::{Span, Time};

/// The lengths that a stretch may have, in seconds.
const LENGTHS: [u64; 15] = [2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1_800, 3_600, 14_400];
/// The length of a stretch unless there is a reason for another, in seconds.
const USUAL: u64 = 30;
/// With fewer events, or fewer polls, a stretch shows too little.
const FEWEST: u64 = 4;
/// With more events of a consumer, or more exchanges of a client, a stretch shows too much.
const EVENTS_MOST: usize = 45;
const POLLS_MOST: f64 = 160.0;
/// The longest silence before the first event.
const SILENCE: Span = Span::from_secs(6);
/// The most exchanges of a client that are told.
const EXCHANGES_MAX: usize = 600;

/// The stretch of a run that is animated, for the first consumer: its opening, or where System A goes down, what happens
/// around that.
pub(super) fn stretch(setup: &Setup, state: &State) -> Stretch {
    let outage = state.number(Name::Outage);
    let start = if outage > 0.0 {
        // A fifth of what is shown comes before.
        Span::from_nanos_f64((state.number(Name::OutageAt) - (outage * 0.4).clamp(4.0, 60.0)).max(0.0) * 1e9)
    } else {
        Span::ZERO
    };
    let mut from = (Time::ZERO + start).max(setup.frame.warmup);
    // A long silence at the start shows nothing.
    let first = setup.workload.events(0).map(|event| event.occurred_at).find(|at| *at >= from);
    if let Some(first) = first.filter(|first| outage == 0.0 && first.since(from) > SILENCE) {
        from = first - SILENCE;
    }
    let polls = setup.clients.iter().filter_map(|client| client.pull.as_ref()).map(|pull| pull.every.as_secs_f64());
    let most_often = polls.clone().filter(|every| *every > 0.0).reduce(f64::min);
    let events = setup.workload.events(0).map(|event| event.occurred_at).skip_while(|at| *at < from);
    let events: Vec<Time> = events.take(EVENTS_MOST + 1).collect();
    let least = [most_often.unwrap_or(0.0) * (FEWEST - 1) as f64, outage * 2.4, nth_event(from, &events)];
    let least = least.into_iter().fold(0.0, f64::max);
    let is_too_full = |length: f64| {
        let until = from + Span::from_nanos_f64(length * 1e9);
        let polls = most_often.map_or(0.0, |every| length / every);
        events.iter().filter(|at| **at < until).count() > EVENTS_MOST || polls > POLLS_MOST
    };
    let lengths = || LENGTHS.into_iter().map(|length| length as f64);
    let wished = lengths().find(|length| *length >= least.max(USUAL as f64)).unwrap_or(USUAL as f64);
    let length = lengths().rev().find(|length| *length <= wished && !is_too_full(*length)).unwrap_or(2.0);
    // An outage that nobody sees the end of explains nothing.
    let length = if outage > 0.0 { length.max(wished.min(300.0)) } else { length };
    let until = (from + Span::from_nanos_f64(length * 1e9)).min(setup.frame.duration.max(from));
    Stretch { consumers: 0..1, from, until, most: EXCHANGES_MAX }
}

/// When so many events have occurred that there is something to see, in seconds after an instant.
fn nth_event(from: Time, events: &[Time]) -> f64 {
    events.get(FEWEST as usize - 1).map_or(0.0, |at| at.since(from).as_secs_f64())
}
