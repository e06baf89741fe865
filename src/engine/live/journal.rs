//! What each thread saw of a client, and how it becomes one tally.

use crate::engine::Setup;
use crate::measure::ledger::{Fact, Ledger};
use crate::measure::tally::Tally;
use crate::time::Time;

/// The facts that one thread saw of one client, in the order in which it saw them.
pub(super) type Journal = Vec<(Time, Fact)>;

/// Puts the journals of both sides into the order of time and folds them into a tally. Nothing after `cut` counts.
pub(super) fn fold(setup: &Setup, client: usize, journals: Vec<Journal>, cut: Time) -> Tally {
    let mut facts: Journal = journals.into_iter().flatten().filter(|(at, _)| *at <= cut).collect();
    // Stable, so that each thread's own order decides where time and rank do not.
    facts.sort_by_key(|(at, fact)| (*at, rank(fact)));
    let mut tally = Tally::default();
    let ways = setup.clients[client].ways();
    let mut ledger = Ledger::new(setup.frame, 0, setup.consumers, ways, &mut tally);
    for (at, fact) in facts {
        ledger.record(at, fact);
    }
    ledger.close_all(cut);
    tally
}

/// Causes before effects, where two threads saw both at the same instant.
const fn rank(fact: &Fact) -> u8 {
    match fact {
        Fact::Occurred(_) => 0,
        Fact::Opened { .. } => 1,
        Fact::Arrived { .. } | Fact::Forged { .. } => 3,
        Fact::Noted(..) => 4,
        // A crash takes away what was brought before it is known that no answer will come.
        Fact::Replied { .. } | Fact::RequestLost(_) => 5,
        Fact::Ended { .. } => 6,
    }
}
