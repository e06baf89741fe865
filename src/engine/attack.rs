//! The attackers of a cell, in virtual time.

use crate::deadlines::Deadlines;
use crate::engine::{ClientSetup, Setup};
use crate::fault::ForgeryKind;
use crate::peer::Batch;
use crate::policy::forger::{Forger, Reception, Recording, receive};
use crate::policy::signature::Scheme;
use crate::time::Time;

/// Those who attack the endpoints of a cell's consumers.
pub(super) struct Attack {
    scheme: Scheme,
    /// Each with the place of its consumer in the cell.
    forgers: Vec<(u32, Forger)>,
    due: Deadlines,
    recordings: Vec<Recording>,
    /// How many forged webhooks each consumer has had.
    sent: Vec<u32>,
}

/// A webhook that is forged now.
pub(super) struct Forgery {
    /// Its number among those of the consumer.
    pub(super) serial: u32,
    pub(super) kind: ForgeryKind,
    pub(super) reception: Reception,
}

impl Attack {
    /// The attackers that a client's faults mean for consumers from number `first` on; none if there are none.
    pub(super) fn new(
        setup: &Setup,
        client: &ClientSetup,
        scheme: Scheme,
        first: u32,
        consumers: u32,
    ) -> Option<Box<Self>> {
        let of_consumer = |index| {
            let forgers = Forger::of(&client.faults, setup.seed, first + index);
            forgers.into_iter().map(move |forger| (index, forger))
        };
        let forgers: Vec<_> = (0..consumers).flat_map(of_consumer).collect();
        if forgers.is_empty() {
            return None;
        }
        let mut due = Deadlines::new(forgers.len());
        for ((_, forger), index) in forgers.iter().zip(0..) {
            due.set(index, forger.deadline());
        }
        let recordings = vec![Recording::default(); consumers as usize];
        Some(Box::new(Self { scheme, forgers, due, recordings, sent: vec![0; consumers as usize] }))
    }

    /// When the next forged webhook comes, and to which consumer of the cell.
    pub(super) fn next(&mut self) -> Option<(Time, u32)> {
        let (at, forger) = self.due.earliest()?;
        Some((at, self.forgers.get(forger as usize)?.0))
    }

    /// Records a genuine webhook that reaches a consumer of the cell.
    pub(super) fn record(&mut self, index: u32, events: &Batch) {
        if let Some(recording) = self.recordings.get_mut(index as usize) {
            recording.take_down(events);
        }
    }

    /// Forges the webhook that is due. None where the attacker has nothing yet that he could copy.
    pub(super) fn forge(&mut self, index: u32) -> Option<Forgery> {
        let (_, due) = self.due.earliest()?;
        let (_, forger) = self.forgers.get_mut(due as usize)?;
        let kind = forger.forge();
        self.due.set(due, forger.deadline());
        let events = self.recordings.get(index as usize)?.events(kind)?;
        let serial = *self.sent.get(index as usize)?;
        self.sent[index as usize] = serial.wrapping_add(1);
        Some(Forgery { serial, kind, reception: receive(kind, events, self.scheme) })
    }
}
