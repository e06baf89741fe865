//! Strangers' webhooks under way: whether each will have been believed.

use std::collections::BTreeMap;

use crate::fault::ForgeryKind;
use crate::measure::tally::Tally;
use crate::peer::Exchange;

/// A stranger's webhook of which something may still be learnt.
#[derive(Clone, Copy, Debug)]
struct Forgery {
    kind: Option<ForgeryKind>,
    counted: bool,
    believed: bool,
}

/// The webhooks of strangers that have not been answered.
#[derive(Debug, Default)]
pub(super) struct Forgeries(BTreeMap<Exchange, Forgery>);

impl Forgeries {
    /// One has reached the endpoint; it has a kind if it came from the scenario's attacker.
    pub(super) fn came(&mut self, exchange: Exchange, kind: Option<ForgeryKind>, counted: bool) {
        self.0.insert(exchange, Forgery { kind, counted, believed: false });
    }

    /// The handler will run on what it says.
    pub(super) fn believed(&mut self, exchange: Exchange) {
        if let Some(forgery) = self.0.get_mut(&exchange) {
            forgery.believed = true;
        }
    }

    /// Nothing more can be learnt of it: it is counted.
    pub(super) fn judge(&mut self, exchange: Exchange, tally: &mut Tally) {
        if let Some(forgery) = self.0.remove(&exchange) {
            forgery.count(tally);
        }
    }

    /// Counts those that were never answered: of them it is known all the same whether they were believed.
    pub(super) fn judge_all(self, tally: &mut Tally) {
        self.0.into_values().for_each(|forgery| forgery.count(tally));
    }
}

impl Forgery {
    const fn count(self, tally: &mut Tally) {
        if self.counted {
            let forged = match self.kind {
                Some(kind) => &mut tally.forged[kind as usize],
                None => &mut tally.strangers,
            };
            *if self.believed { &mut forged.accepted } else { &mut forged.rejected } += 1;
        }
    }
}
