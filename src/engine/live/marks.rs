//! Which requests belong to the run, and which are a stranger's.

use std::cell::{Cell, RefCell};

use super::board::Board;
use crate::peer::{Exchange, Side};
use crate::policy::inbox::Inbox;
use crate::wire::{EXCHANGE_HEADER, Headers};

/// The exchanges of one client that have arrived, each to be taken for what it says it is only once.
pub(super) struct Marks {
    opener: Side,
    arrived: RefCell<Vec<Inbox>>,
    strangers: Cell<u32>,
}

impl Marks {
    pub(super) fn new(opener: Side, consumers: u32) -> Self {
        let arrived = (0..consumers).map(|_| Inbox::default()).collect();
        Self { opener, arrived: RefCell::new(arrived), strangers: Cell::new(0) }
    }

    /// The exchange that a request says it belongs to; none if it says nothing, or nothing that can be true.
    pub(super) fn take(&self, board: &Board, consumer: u32, headers: &impl Headers) -> Option<Exchange> {
        let serial = headers.header(EXCHANGE_HEADER)?.parse().ok()?;
        let exchange = Exchange { opener: self.opener, consumer, serial };
        let is_first = || {
            let mut arrived = self.arrived.borrow_mut();
            // An inbox counts from 1, exchanges from 0.
            arrived.get_mut(consumer as usize).is_some_and(|serials| serials.take(serial.saturating_add(1)))
        };
        (board.was_opened(exchange) && is_first()).then_some(exchange)
    }

    /// A name for a stranger's exchange.
    pub(super) fn name_stranger(&self, consumer: u32) -> Exchange {
        let strangers = self.strangers.get();
        self.strangers.set(strangers.wrapping_add(1));
        Exchange { opener: Side::Stranger, consumer, serial: strangers }
    }
}
