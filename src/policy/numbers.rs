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

    /// The exchange that will be the next.
    pub(super) const fn peek(&self) -> Exchange {
        Exchange { opener: Side::Consumer, consumer: self.consumer, serial: self.opened }
    }

    /// So many exchanges have been opened.
    pub(super) const fn skip(&mut self, count: u32) {
        self.opened = self.opened.wrapping_add(count);
    }

    /// The next exchange.
    pub(super) const fn next(&mut self) -> Exchange {
        let exchange = self.peek();
        self.opened = self.opened.wrapping_add(1);
        exchange
    }
}
