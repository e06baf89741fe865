//! Looking closely: cells played once more, step by step, with every fact kept.

use std::ops::Range;

use super::{Cell, wire};
use crate::engine::{Control, Setup};
use crate::measure::chronicle::{Chronicle, Stretch, Teller};
use crate::measure::fact::{Fact, Observer};
use crate::measure::ledger::Ledger;
use crate::measure::tally::Tally;
use crate::peer::Note;
use crate::time::{Span, Time};

/// A cell of more consumers than this is not played a second time only to be looked at.
const LARGEST_CELL: u32 = 10_000;

/// Tells a stretch of the run of one client, which is played once more for that and only up to its end. None if `control`
/// stopped it, or if more consumers share something than can be looked at in passing.
pub fn chronicle(setup: &Setup, client: usize, stretch: &Stretch, control: &Control) -> Option<Chronicle> {
    let frame = setup.frame.cut_off(stretch.until);
    let setup = Setup { frame, ..setup.clone() };
    let consumers = stretch.consumers.start..stretch.consumers.end.min(setup.consumers);
    if setup.is_coupled(&setup.clients[client]) {
        return (setup.consumers <= LARGEST_CELL)
            .then(|| tell(&setup, client, 0..setup.consumers, stretch, control))?;
    }
    let mut whole = Teller::new(stretch.clone()).tell();
    for consumer in consumers {
        whole.merge(tell(&setup, client, consumer..consumer + 1, stretch, control)?);
    }
    whole.settle();
    Some(whole)
}

/// Runs one client of a single consumer and keeps every fact, for whoever wants to look closely.
pub fn trace(setup: &Setup, client: usize, consumer: u32) -> (Tally, Vec<(Time, Fact)>) {
    let mut facts = Vec::new();
    let tally = play(setup, client, consumer..consumer + 1, &mut facts, &Control::default());
    (tally.unwrap_or_default(), facts)
}

/// What is counted of one client if everything is played step by step and every fact kept.
pub fn step_by_step(setup: &Setup, client: usize) -> Tally {
    let size = if setup.is_coupled(&setup.clients[client]) { setup.consumers } else { 1 };
    let mut whole = Tally::default();
    for first in (0..setup.consumers).step_by(size.max(1) as usize) {
        let mut facts = Vec::new();
        whole.merge(play(setup, client, first..first + size, &mut facts, &Control::default()).unwrap_or_default());
    }
    whole
}

/// The latencies of one client of a single consumer, exact to the nanosecond, in the order in which events were seen.
pub fn exact_latencies(setup: &Setup, client: usize, consumer: u32) -> Vec<Span> {
    let seen = |(at, fact): &(Time, Fact)| match fact {
        Fact::Noted(_, Note::Seen(event)) if setup.frame.counts(event.occurred_at) => Some(at.since(event.occurred_at)),
        _ => None,
    };
    trace(setup, client, consumer).1.iter().filter_map(seen).collect()
}

/// Plays the cell of these consumers and tells a stretch of it; none if the run was stopped meanwhile.
fn tell(
    setup: &Setup,
    client: usize,
    consumers: Range<u32>,
    stretch: &Stretch,
    control: &Control,
) -> Option<Chronicle> {
    let mut teller = Teller::new(stretch.clone());
    play(setup, client, consumers, &mut teller, control).map(|_| teller.tell())
}

/// Plays the cell of these consumers before an observer; none if the run was stopped meanwhile.
fn play(
    setup: &Setup,
    client: usize,
    consumers: Range<u32>,
    observer: &mut dyn Observer,
    control: &Control,
) -> Option<Tally> {
    let mut tally = Tally::default();
    let wire = wire(setup, client);
    // How far it has come counts for nobody.
    let every_poll = Control { plays_every_poll: true, ..Control::default() };
    let (client, policies) = (&setup.clients[client], setup.clients[client].policies());
    let size = consumers.end.saturating_sub(consumers.start);
    let books = (consumers.start, size);
    let mut cell = Cell::new(setup, client, &policies, &wire, consumers, &every_poll)?;
    let ledger = Ledger::new(setup.frame, books, client.ways(), setup.changes(), &mut tally);
    cell.run(ledger.watching(&client.faults).observed(observer), &every_poll);
    (!control.is_stopped()).then_some(tally)
}
