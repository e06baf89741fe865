//! Which stretch of a run is told exchange by exchange, so that a reader sees what the figures are made of.

use crate::engine::Setup;
use crate::measure::chronicle::Stretch;
use crate::time::{Span, Time};

/// The stretch that is told unless there is a reason for another.
const USUAL: Span = Span::from_secs(60);
/// With fewer events in it, a stretch shows too little.
const FEWEST: usize = 3;
/// With more events in it, it shows too much.
const MOST: usize = 40;
/// The most exchanges of a client that are told.
const EXCHANGES_MAX: usize = 2_000;

/// The lengths that a stretch may have, in milliseconds.
const LENGTHS_MS: [u64; 21] = [
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    900_000,
    1_800_000,
    3_600_000,
    6 * 3_600_000,
    24 * 3_600_000,
    7 * 24 * 3_600_000,
];

/// The opening of the measured stretch for the first consumer: its first minute; longer where hardly an event occurs in that,
/// and shorter where very many do.
pub fn stretch(setup: &Setup) -> Stretch {
    let from = setup.frame.warmup;
    let events = setup.workload.events(0).map(|event| event.occurred_at).skip_while(|at| *at < from);
    let instants: Vec<Time> = events.take(MOST + 1).collect();
    let until = (from + length(from, &instants)).min(setup.frame.duration);
    Stretch { consumers: 0..1, from, until, most: EXCHANGES_MAX }
}

/// How long a stretch from this instant on should be, given its first events: at least [`FEWEST`] and at most [`MOST`] of
/// them where that can be, and as near as possible to the usual length.
fn length(from: Time, instants: &[Time]) -> Span {
    let lengths = || LENGTHS_MS.into_iter().map(Span::from_millis);
    let within = |length: Span| instants.iter().take_while(|at| **at < from + length).count();
    if within(USUAL) > MOST {
        return lengths().rev().find(|length| *length < USUAL && within(*length) <= MOST).unwrap_or(USUAL);
    }
    lengths().find(|length| *length >= USUAL && within(*length) >= FEWEST).unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events_every(gap: Span) -> Vec<Time> {
        (1..=MOST as u64 + 1).map(|number| Time::ZERO + gap.times(number)).collect()
    }

    #[test]
    fn a_stretch_shows_neither_too_little_nor_too_much() {
        let of = |gap| length(Time::ZERO, &events_every(gap));
        assert_eq!(of(Span::from_secs(5)), USUAL);
        assert_eq!(of(Span::from_secs(20)), Span::from_secs(120), "the third event at 60 s is not within a minute");
        assert_eq!(of(Span::from_secs(3_600)), Span::from_secs(6 * 3_600));
        assert_eq!(of(Span::from_millis(333)), Span::from_secs(10));
        assert_eq!(of(Span::from_millis(1)), Span::from_millis(20));
        assert_eq!(length(Time::ZERO, &[]), USUAL, "nothing happens");
        assert_eq!(of(Span::from_nanos(1)), USUAL, "nothing is short enough");
    }
}
