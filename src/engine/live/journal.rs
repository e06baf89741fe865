//! What each thread saw of a client, and how it becomes one tally.

use crate::engine::Setup;
use crate::measure::chronicle::{Chronicle, Stretch};
use crate::measure::fact::Fact;
use crate::measure::ledger::Ledger;
use crate::measure::tally::Tally;
use crate::time::Time;

/// The facts that one thread saw of one client, in the order in which it saw them.
pub(super) type Journal = Vec<(Time, Fact)>;

/// Puts the journals of both sides into the order of time and folds them into a tally. Nothing after `cut` counts. Tells also
/// the stretch that is to be told, if there is one.
pub(super) fn fold(
    setup: &Setup,
    client: usize,
    journals: Vec<Journal>,
    cut: Time,
    tells: Option<&Stretch>,
) -> (Tally, Option<Chronicle>) {
    let mut facts: Journal = journals.into_iter().flatten().collect();
    // Nobody need watch when records are opened: the workload says so.
    for consumer in 0..setup.consumers {
        let opened = |(at, record)| (at, Fact::RecordOpened { consumer, record });
        facts.extend(setup.workload.openings(consumer).map(opened));
    }
    facts.retain(|(at, _)| *at <= cut);
    // Stable, so that each thread's own order decides where time and rank do not.
    facts.sort_by_key(|(at, fact)| (*at, rank(fact)));
    let mut tally = Tally::default();
    let (ways, faults) = (setup.clients[client].ways(), &setup.clients[client].faults);
    let ledger = Ledger::new(setup.frame, (0, setup.consumers), ways, setup.changes(), &mut tally);
    let mut ledger = ledger.watching(faults);
    let mut judgements = Vec::new();
    let Some(stretch) = tells else {
        facts.into_iter().for_each(|(at, fact)| ledger.record(at, fact));
        ledger.close_all(cut);
        return (tally, None);
    };
    ledger = ledger.judging(&mut judgements);
    facts.iter().for_each(|(at, fact)| ledger.record(*at, fact.clone()));
    ledger.close_all(cut);
    (tally, Some(Chronicle::of(stretch, &facts, &judgements)))
}

/// Causes before effects, where two threads saw both at the same instant.
const fn rank(fact: &Fact) -> u8 {
    match fact {
        // A record is opened before it changes.
        Fact::RecordOpened { .. } => 0,
        Fact::Occurred(_) => 1,
        Fact::Opened { .. } => 2,
        Fact::Arrived { .. } | Fact::Forged { .. } => 3,
        Fact::Noted(..) => 4,
        // A crash takes away what was brought before it is known that no answer will come.
        Fact::Replied { .. } | Fact::RequestLost(_) => 5,
        Fact::Ended { .. } => 6,
    }
}
