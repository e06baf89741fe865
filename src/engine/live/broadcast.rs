//! A run that can be watched while it runs, by somebody who cannot hold it up.
//!
//! The threads of the run put what they see into a queue of fixed length and go on; where the queue is full, what they saw
//! is counted as missed and let go. Nobody who plays ever waits for somebody who watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use super::clock::Clock;
use crate::measure::fact::Fact;
use crate::measure::glimpse::Glimpse;
use crate::time::Time;

/// So much that nobody has looked at yet is kept: at a quarter of a million facts a second, the eighth part of one.
const KEPT: usize = 1 << 15;

/// What a spectator is told of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// When it happened.
    pub at: Time,
    /// Which client's, counted from 0.
    pub client: u32,
    /// What happened.
    pub glimpse: Glimpse,
}

/// The end that tells, for the threads of a run.
#[derive(Clone, Debug)]
pub struct Broadcast {
    sights: SyncSender<Sight>,
    shared: Arc<Shared>,
}

/// The end that looks on.
#[derive(Debug)]
pub struct Spectator {
    sights: Receiver<Sight>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    missed: AtomicU64,
    clock: OnceLock<Clock>,
}

/// Both ends, for one run.
pub fn broadcast() -> (Broadcast, Spectator) {
    broadcast_keeping(KEPT)
}

fn broadcast_keeping(kept: usize) -> (Broadcast, Spectator) {
    let (sender, receiver) = sync_channel(kept);
    let shared = Arc::<Shared>::default();
    (Broadcast { sights: sender, shared: Arc::clone(&shared) }, Spectator { sights: receiver, shared })
}

impl Broadcast {
    /// Tells by which clock the run goes.
    pub(super) fn starts(&self, clock: Clock) {
        // It starts once.
        let _ = self.shared.clock.set(clock);
    }

    /// Tells a fact of a client, or lets it go; either takes no time to speak of. What is told before its effects can begin
    /// is heard before them.
    pub(super) fn tell(&self, client: u32, at: Time, fact: &Fact) {
        for glimpse in Glimpse::of(fact).into_iter().flatten() {
            if self.sights.try_send(Sight { at, client, glimpse }).is_err() {
                self.shared.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Spectator {
    /// The present instant of the run; none before it has started.
    pub fn now(&self) -> Option<Time> {
        self.shared.clock.get().map(Clock::now)
    }

    /// What was seen next, if there is anything; never waits.
    pub fn next_sight(&self) -> Option<Sight> {
        self.sights.try_recv().ok()
    }

    /// How much was let go because nobody looked in time.
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{Exchange, Side};

    #[test]
    fn what_nobody_looks_at_is_let_go_and_counted() {
        let (broadcast, spectator) = broadcast_keeping(4);
        let exchange = |serial| Exchange { opener: Side::Consumer, consumer: 0, serial };
        for serial in 0..10 {
            broadcast.tell(1, Time::from_nanos(serial.into()), &Fact::RequestLost(exchange(serial)));
        }
        assert_eq!(spectator.missed(), 6);
        for serial in 0..4 {
            let glimpse = Glimpse::Settled(exchange(serial));
            assert_eq!(spectator.next_sight(), Some(Sight { at: Time::from_nanos(serial.into()), client: 1, glimpse }));
        }
        assert_eq!((spectator.next_sight(), spectator.now()), (None, None));
        drop(spectator);
        broadcast.tell(0, Time::ZERO, &Fact::RequestLost(exchange(0)));
    }
}
