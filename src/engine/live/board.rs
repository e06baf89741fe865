//! What all threads of a run must know of one client to tell when it is settled, and to tell its own requests from a
//! stranger's.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::measure::ledger::Fact;
use crate::measure::tally::Frame;
use crate::peer::{Event, Exchange, Note};
use crate::policy::inbox::Inbox;

/// Counters of one client, written by the threads of both sides.
pub(super) struct Board {
    frame: Frame,
    /// Whether a poll can still bring what the dispatcher gave up.
    recovers: bool,
    /// The newest event of each consumer.
    newest: Vec<AtomicU32>,
    occurred: AtomicU64,
    /// Every event that is counted has occurred.
    all_occurred: AtomicBool,
    /// How many exchanges each side has opened, for each consumer.
    opened: [Vec<AtomicU32>; 2],
    /// Counted exchanges that have not ended.
    underway: AtomicU64,
    done: Mutex<Done>,
}

/// Events that need not be waited for.
struct Done {
    serials: Vec<Inbox>,
    count: u64,
}

impl Board {
    pub(super) fn new(frame: Frame, consumers: u32, recovers: bool) -> Self {
        let zeros = || (0..consumers).map(|_| AtomicU32::new(0)).collect();
        Self {
            frame,
            recovers,
            newest: zeros(),
            occurred: AtomicU64::new(0),
            all_occurred: AtomicBool::new(false),
            opened: [zeros(), zeros()],
            underway: AtomicU64::new(0),
            done: Mutex::new(Done { serials: (0..consumers).map(|_| Inbox::default()).collect(), count: 0 }),
        }
    }

    /// Takes down a fact before anybody else can have learnt of it.
    pub(super) fn take_down(&self, fact: &Fact) {
        match fact {
            Fact::Occurred(event) => {
                self.occurred.fetch_add(1, Ordering::AcqRel);
                if let Some(newest) = self.newest.get(event.consumer as usize) {
                    newest.store(event.serial, Ordering::Release);
                }
            }
            Fact::Noted(_, Note::Seen(event)) => self.finish(event),
            Fact::Noted(_, Note::GaveUp(event, _)) if !self.recovers => self.finish(event),
            _ => {}
        }
    }

    fn finish(&self, event: &Event) {
        // A thread that panicked here ends the whole run anyway.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(serials) = done.serials.get_mut(event.consumer as usize)
            && serials.take(event.serial)
        {
            done.count += 1;
        }
    }

    /// Takes down that an exchange was opened; gives back whether it is counted.
    pub(super) fn open(&self, exchange: Exchange, at: crate::time::Time) -> bool {
        let counted = self.frame.counts(at);
        if counted {
            self.underway.fetch_add(1, Ordering::AcqRel);
        }
        if let Some(opened) = self.opened[exchange.opener as usize].get(exchange.consumer as usize) {
            opened.store(exchange.serial.saturating_add(1), Ordering::Release);
        }
        counted
    }

    /// Takes down the end of a counted exchange.
    pub(super) fn end(&self) {
        self.underway.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether this exchange was opened; a stranger may name any.
    pub(super) fn was_opened(&self, exchange: Exchange) -> bool {
        let opened = self.opened[exchange.opener as usize].get(exchange.consumer as usize);
        opened.is_some_and(|opened| exchange.serial < opened.load(Ordering::Acquire))
    }

    /// Whether an event of this serial has occurred to this consumer.
    pub(super) fn has_occurred(&self, consumer: u32, serial: u32) -> bool {
        let newest = self.newest.get(consumer as usize).map_or(0, |newest| newest.load(Ordering::Acquire));
        (1..=newest).contains(&serial)
    }

    /// Takes down that no event that is counted is still to occur.
    pub(super) fn all_occurred(&self) {
        self.all_occurred.store(true, Ordering::Release);
    }

    /// Whether every event has come or cannot come, and no counted exchange is under way.
    ///
    /// Only once exchanges are no longer counted does it stay so.
    pub(super) fn is_settled(&self) -> bool {
        let done = || self.done.lock().unwrap_or_else(PoisonError::into_inner).count;
        self.all_occurred.load(Ordering::Acquire)
            && self.underway.load(Ordering::Acquire) == 0
            && done() >= self.occurred.load(Ordering::Acquire)
    }
}
