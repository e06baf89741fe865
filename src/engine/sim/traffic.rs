//! What is under way between the two sides of a cell, and where its peers put what they want done.

use super::flights::Flight;
use super::passage::Sent;
use super::usage::Usages;
use crate::engine::Setup;
use crate::engine::agenda::Agenda;
use crate::fault::Faults;
use crate::measure::ledger::Ledger;
use crate::peer::{Event, Exchange, Note, Request, Response, Side, Sink};
use crate::time::{Span, Time};
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
    /// A webhook that went straight through is acknowledged.
    Acknowledge,
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
    /// What it uses of what its consumers share with those of other cells.
    pub(super) usages: Usages,
}

impl<'a> Traffic<'a> {
    /// Nothing is under way between `count` consumers from number `first` on and System B.
    pub(super) fn new(setup: &'a Setup, wire: &'a Wire, faults: &'a Faults, first: u32, count: usize) -> Self {
        let flights = (0..count).map(|_| [Window::default(), Window::default()]).collect();
        let (agenda, usages) = (Agenda::default(), Usages::NONE);
        Self { setup, wire, faults, first, now: Time::ZERO, agenda, flights, usages }
    }
}

/// Where a peer puts what it wants done: it is done at once.
pub(super) struct Outbox<'c, 'a, 'l> {
    pub(super) traffic: &'c mut Traffic<'a>,
    pub(super) ledger: &'c mut Ledger<'l>,
    side: Side,
    /// Where what the peer sends last is held back, if it is.
    held: Option<&'c mut Option<Sent>>,
}

impl<'c, 'a, 'l> Outbox<'c, 'a, 'l> {
    /// For what a peer of this side wants.
    pub(super) const fn new(traffic: &'c mut Traffic<'a>, ledger: &'c mut Ledger<'l>, side: Side) -> Self {
        Self { traffic, ledger, side, held: None }
    }

    /// The same, but the last request that the peer sends is held back there if nothing comes behind it.
    pub(super) fn holding_back(self, held: &'c mut Option<Sent>) -> Self {
        Self { held: Some(held), ..self }
    }

    /// The consumer has seen an event.
    #[inline]
    pub(super) fn see(&mut self, event: &Event) {
        self.let_go();
        self.ledger.seen(self.traffic.now, event);
    }

    /// Sends what has been held back after all.
    #[inline]
    fn let_go(&mut self) {
        if matches!(self.held, Some(Some(_))) {
            self.send_held();
        }
    }

    #[cold]
    fn send_held(&mut self) {
        if let Some(Sent { exchange, request, timeout }) = self.held.as_mut().and_then(|held| held.take()) {
            self.traffic.send(exchange, request, timeout, self.ledger);
        }
    }
}

impl Sink for Outbox<'_, '_, '_> {
    #[inline]
    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span) {
        self.let_go();
        match &mut self.held {
            Some(held) => **held = Some(Sent { exchange, request, timeout }),
            None => self.traffic.send(exchange, request, timeout, self.ledger),
        }
    }

    fn reply(&mut self, exchange: Exchange, response: Response) {
        self.let_go();
        self.traffic.reply(exchange, response, self.ledger);
    }

    #[inline]
    fn note(&mut self, note: Note) {
        self.let_go();
        self.ledger.noted(self.traffic.now, self.side, note);
    }
}
