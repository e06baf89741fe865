//! The numbers of the exchanges that a peer opens.

use crate::peer::{Exchange, Side};

/// Hands out the numbers 0, 1, 2 and so on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    consumer: u32,
    opened: u32,
}

impl Numbers {
    /// For the exchanges that a consumer opens.
    pub(super) const fn new(consumer: u32) -> Self {
        Self { consumer, opened: 0 }
    }

    /// The next exchange.
    pub(super) const fn next(&mut self) -> Exchange {
        let exchange = Exchange { opener: Side::Consumer, consumer: self.consumer, serial: self.opened };
        self.opened = self.opened.wrapping_add(1);
        exchange
    }
}
