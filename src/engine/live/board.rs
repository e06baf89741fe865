//! What all threads of a run must know of one client to tell when it is settled, and to tell its own requests from a
//! stranger's.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::measure::expected::{Expected, Ways};
use crate::measure::fact::{End, Fact};
use crate::measure::tally::Frame;
use crate::peer::{Exchange, Note, Request, Side};
use crate::time::Time;
use crate::window::Window;

/// Counters of one client, written by the threads of both sides.
pub(super) struct Board {
    frame: Frame,
    /// The newest event of each consumer.
    newest: Vec<AtomicU32>,
    /// Every event that is counted has occurred.
    all_occurred: AtomicBool,
    /// How many exchanges each side has opened, for each consumer.
    opened: [Vec<AtomicU32>; 2],
    /// For each consumer. Both threads write at the same time mostly about different ones, and then neither waits.
    awaited: Vec<Mutex<Awaited>>,
}

/// What is still to be learnt of one consumer, by the same rules as in the ledger.
struct Awaited {
    /// The events that may still come.
    expected: Expected,
    pending: u64,
    /// Counted exchanges of either side: whether the other side is done with each, and whether it has ended for its opener.
    underway: [Window<[bool; 2]>; 2],
    /// How many there are.
    underway_count: u64,
}

impl Board {
    pub(super) fn new(frame: Frame, consumers: u32, ways: Ways) -> Self {
        let awaited = |_| {
            let (expected, underway) = (Expected::new(ways), [Window::default(), Window::default()]);
            Mutex::new(Awaited { expected, pending: 0, underway, underway_count: 0 })
        };
        let zeros = || (0..consumers).map(|_| AtomicU32::new(0)).collect();
        Self {
            frame,
            newest: zeros(),
            all_occurred: AtomicBool::new(false),
            opened: [zeros(), zeros()],
            awaited: (0..consumers).map(awaited).collect(),
        }
    }

    /// Takes down a fact before anybody else can have learnt of it.
    pub(super) fn take_down(&self, at: Time, fact: &Fact) {
        self.count(fact);
        if decides(fact)
            && let Some(awaited) = fact.consumer().and_then(|consumer| self.awaited.get(consumer as usize))
        {
            lock(awaited).take_down(self.frame, at, fact);
        }
    }

    /// Takes down of a fact only what has occurred and what was opened.
    pub(super) fn count(&self, fact: &Fact) {
        if let Fact::Occurred(event) = fact
            && let Some(newest) = self.newest.get(event.consumer as usize)
        {
            newest.store(event.serial, Ordering::Release);
        }
        if let Fact::Opened { exchange, .. } = fact
            && let Some(opened) = self.opened_by(*exchange)
        {
            opened.store(exchange.serial.saturating_add(1), Ordering::Release);
        }
    }

    /// Whether this exchange was opened; a stranger may name any.
    pub(super) fn was_opened(&self, exchange: Exchange) -> bool {
        self.opened_by(exchange).is_some_and(|opened| exchange.serial < opened.load(Ordering::Acquire))
    }

    fn opened_by(&self, exchange: Exchange) -> Option<&AtomicU32> {
        self.opened.get(exchange.opener as usize)?.get(exchange.consumer as usize)
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

    /// Whether every event has come or cannot come, and all is known of every counted exchange.
    ///
    /// Only once exchanges are no longer counted does it stay so.
    pub(super) fn is_settled(&self) -> bool {
        let is_settled = |awaited: &Mutex<Awaited>| {
            let awaited = lock(awaited);
            awaited.pending == 0 && awaited.underway_count == 0
        };
        // Of a consumer of which all is known by then, nothing more is to be learnt while the others are looked at.
        self.all_occurred.load(Ordering::Acquire) && self.awaited.iter().all(is_settled)
    }
}

fn lock(awaited: &Mutex<Awaited>) -> MutexGuard<'_, Awaited> {
    // A thread that panicked here ends the whole run anyway.
    awaited.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a fact may change what is still to be learnt. Both sides write many that do not, and one would wait for the other.
const fn decides(fact: &Fact) -> bool {
    match fact {
        Fact::RecordOpened { .. } | Fact::Arrived { .. } | Fact::Forged { .. } => false,
        Fact::Occurred(_) | Fact::Opened { .. } | Fact::RequestLost(_) | Fact::Replied { .. } | Fact::Ended { .. } => {
            true
        }
        Fact::Noted(_, note) => !matches!(note, Note::Busy { .. } | Note::Freed { .. } | Note::Queued(_)),
    }
}

impl Awaited {
    fn take_down(&mut self, frame: Frame, at: Time, fact: &Fact) {
        match fact {
            Fact::Occurred(event) => {
                self.pending += 1;
                self.learn(|expected| u64::from(expected.occurred(event, frame.counts(event.occurred_at)).is_some()));
            }
            Fact::Opened { exchange, request, .. } => {
                if frame.counts(at) {
                    self.leave(*exchange);
                }
                self.learn(|expected| {
                    match request {
                        Request::Delivery { events, .. } => expected.attempted(events),
                        _ => expected.asked(exchange.serial, matches!(request, Request::Poll { .. })),
                    }
                    0
                });
            }
            Fact::RequestLost(exchange) | Fact::Replied { exchange, .. } => self.settle(*exchange),
            Fact::Ended { exchange, end, .. } => {
                if *end == End::Unreachable {
                    self.settle(*exchange);
                }
                self.learn(|expected| {
                    let mut lost = 0;
                    match exchange.opener {
                        Side::Consumer => expected.answered(exchange.serial, |_| lost += 1),
                        Side::Provider => {
                            expected.ended(at, exchange.serial, *end == End::Accepted, |_| lost += 1);
                        }
                        Side::Stranger => {}
                    }
                    lost
                });
                self.close(*exchange, 1);
            }
            Fact::Noted(_, Note::Took { event, fresh: true, .. }) => self.learn(|expected| {
                expected.took(event.serial);
                0
            }),
            Fact::Noted(_, Note::Dropped { event, .. }) => {
                self.learn(|expected| expected.dropped(event.serial).into_iter().count() as u64);
            }
            Fact::Noted(_, Note::Seen(event)) => {
                self.learn(|expected| {
                    let mut lost = 0;
                    let seen = expected.seen(at, event.serial, |_| lost += 1);
                    lost + u64::from(seen.is_some())
                });
            }
            Fact::Noted(_, Note::StoppedPolling { record, .. }) => {
                self.learn(|expected| {
                    let mut lost = 0;
                    expected.stopped_polling(at, *record, |_| lost += 1);
                    lost
                });
            }
            Fact::Noted(_, Note::GaveUp(event, cause)) => {
                self.learn(|expected| u64::from(expected.gave_up(at, event.serial, *cause).is_some()));
            }
            Fact::Noted(_, Note::AgedOut(event)) => {
                self.learn(|expected| u64::from(expected.aged_out(at, event.serial).is_some()));
            }
            Fact::RecordOpened { .. } | Fact::Arrived { .. } | Fact::Forged { .. } | Fact::Noted(..) => {}
        }
    }

    /// Tells the events of the consumer something; `what` gives back how many less may still come.
    fn learn(&mut self, what: impl FnOnce(&mut Expected) -> u64) {
        self.pending = self.pending.saturating_sub(what(&mut self.expected));
    }

    fn settle(&mut self, exchange: Exchange) {
        if exchange.opener == Side::Provider {
            self.learn(|expected| {
                let mut lost = 0;
                expected.settled(exchange.serial, |_| lost += 1);
                lost
            });
        }
        self.close(exchange, 0);
    }

    /// The exchanges of an opener.
    fn window(&mut self, exchange: Exchange) -> Option<&mut Window<[bool; 2]>> {
        self.underway.get_mut(exchange.opener as usize)
    }

    /// Takes down an exchange that is counted and has just been opened.
    fn leave(&mut self, exchange: Exchange) {
        let Some(window) = self.window(exchange) else { return };
        if window.next_serial() != exchange.serial {
            // The first that is counted: an opener numbers its exchanges without gaps.
            *window = Window::starting_at(exchange.serial);
        }
        window.push([false; 2]);
        self.underway_count += 1;
    }

    fn close(&mut self, exchange: Exchange, half: usize) {
        let Some(window) = self.window(exchange) else { return };
        let Some(halves) = window.get_mut(exchange.serial) else { return };
        halves[half] = true;
        if *halves == [true; 2] {
            window.take(exchange.serial);
            self.underway_count -= 1;
        }
    }
}
