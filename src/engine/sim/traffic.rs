//! What is under way between the two sides of a cell, and where its peers put what they want done.

use super::flights::Flight;
use super::passage::Sent;
use crate::engine::Setup;
use crate::engine::agenda::Agenda;
use crate::fault::Faults;
use crate::measure::fact::Fact;
use crate::measure::ledger::Ledger;
use crate::peer::{Exchange, Output, Side, Sink};
use crate::time::Time;
use crate::window::Window;
use crate::wire::Wire;

/// What becomes due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A request reaches the other side.
    Arrive(Exchange),
    /// A response reaches the opener.
    Return(Exchange),
    /// The opener has waited long enough.
    Expire(Exchange),
}

/// The network of a cell: the time that it is, and every exchange that has not ended.
pub(super) struct Traffic<'a> {
    pub(super) setup: &'a Setup,
    pub(super) wire: &'a Wire,
    /// What is wrong for the client.
    pub(super) faults: &'a Faults,
    /// The first consumer of the cell.
    pub(super) first: u32,
    pub(super) now: Time,
    pub(super) agenda: Agenda<Step>,
    /// The exchanges of each consumer, by who opened them.
    pub(super) flights: Vec<[Window<Flight>; 2]>,
}

impl<'a> Traffic<'a> {
    /// Nothing is under way between `count` consumers from number `first` on and System B.
    pub(super) fn new(setup: &'a Setup, wire: &'a Wire, faults: &'a Faults, first: u32, count: usize) -> Self {
        let flights = (0..count).map(|_| [Window::default(), Window::default()]).collect();
        Self { setup, wire, faults, first, now: Time::ZERO, agenda: Agenda::default(), flights }
    }
}

/// Where a peer puts what it wants done: it is done at once.
pub(super) struct Outbox<'c, 'a, 'l> {
    pub(super) traffic: &'c mut Traffic<'a>,
    pub(super) ledger: &'c mut Ledger<'l>,
    side: Side,
    /// Whether what the peer sends last is to be held back.
    holds_back: bool,
    held: Option<Sent>,
}

impl<'c, 'a, 'l> Outbox<'c, 'a, 'l> {
    /// For what a peer of this side wants.
    pub(super) const fn new(traffic: &'c mut Traffic<'a>, ledger: &'c mut Ledger<'l>, side: Side) -> Self {
        Self { traffic, ledger, side, holds_back: false, held: None }
    }

    /// The same, but the last request that the peer sends is held back if nothing comes behind it.
    pub(super) fn holding_back(self) -> Self {
        Self { holds_back: true, ..self }
    }

    /// What has been held back.
    pub(super) fn held(self) -> Option<Sent> {
        self.held
    }

    /// Sends what has been held back after all.
    #[cold]
    fn let_go(&mut self) {
        if let Some(Sent { exchange, request, timeout }) = self.held.take() {
            self.traffic.send(exchange, request, timeout, self.ledger);
        }
    }
}

impl Sink for Outbox<'_, '_, '_> {
    #[inline]
    fn push(&mut self, output: Output) {
        if self.held.is_some() {
            self.let_go();
        }
        match output {
            Output::Send { exchange, request, timeout } if self.holds_back => {
                self.held = Some(Sent { exchange, request, timeout });
            }
            Output::Send { exchange, request, timeout } => self.traffic.send(exchange, request, timeout, self.ledger),
            Output::Reply { exchange, response } => self.traffic.reply(exchange, response, self.ledger),
            Output::Note(note) => self.ledger.record(self.traffic.now, Fact::Noted(self.side, note)),
        }
    }
}
