//! Waits for instants of a run, to the microsecond.
//!
//! All that a thread waits for stands in one queue over one alarm. The alarm rings a little early; the short rest is spent
//! giving way to other tasks until the instant has come, so that no wake-up of a sleeping processor lies in between.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::alarm::Alarm;
use super::clock::Clock;
use crate::time::{Span, Time};

/// A round through the runtime that took less than this did nothing but wait.
const IDLE_ROUND: Span = Span::from_micros(3);

/// The timer queue of one thread.
pub(super) struct Pacer {
    clock: Clock,
    alarm: Alarm,
    waiting: RefCell<Waiting>,
    /// The queue is being watched, so that nobody need set the alarm.
    is_watching: Cell<bool>,
    idle: Cell<Span>,
}

/// Who waits, by instant and then by when they came.
#[derive(Default)]
struct Waiting {
    wakers: BTreeMap<(Time, u64), Waker>,
    came: u64,
}

impl Pacer {
    /// A queue with nobody in it, in the runtime that is entered.
    pub(super) fn new(clock: Clock) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            clock,
            alarm: Alarm::new()?,
            waiting: RefCell::default(),
            is_watching: Cell::new(false),
            idle: Cell::new(Span::ZERO),
        }))
    }

    /// Waits until an instant; not at all if it has passed. [`Self::run`] must be running meanwhile.
    pub(super) fn wait(self: &Rc<Self>, due: Time) -> Wait {
        Wait { pacer: Rc::clone(self), due, place: None }
    }

    /// About how much processor time has gone into watching the queue while there was nothing else to do.
    pub(super) fn idle(&self) -> Span {
        self.idle.get()
    }

    /// Wakes whoever is due, for ever.
    pub(super) async fn run(&self) -> io::Result<()> {
        loop {
            self.alarm.rung().await?;
            self.is_watching.set(true);
            while let Some(due) = self.earliest()
                && due <= self.clock.now() + Alarm::EARLY
            {
                self.wake_due();
                let before = self.clock.now();
                tokio::task::yield_now().await;
                let round = self.clock.now().since(before);
                if round < IDLE_ROUND {
                    self.idle.set(self.idle.get() + round);
                }
            }
            self.is_watching.set(false);
            if let Some(due) = self.earliest() {
                self.set_alarm(due);
            }
        }
    }

    fn earliest(&self) -> Option<Time> {
        self.waiting.borrow().wakers.first_key_value().map(|(&(due, _), _)| due)
    }

    fn wake_due(&self) {
        let now = self.clock.now();
        let mut waiting = self.waiting.borrow_mut();
        while let Some(first) = waiting.wakers.first_entry()
            && first.key().0 <= now
        {
            first.remove().wake();
        }
    }

    fn set_alarm(&self, due: Time) {
        self.alarm.set(self.clock.until(due).saturating_sub(Alarm::EARLY));
    }

    /// Puts a task into the queue and gives back its place.
    fn enter(&self, due: Time, waker: Waker) -> (Time, u64) {
        let mut waiting = self.waiting.borrow_mut();
        let place = (due, waiting.came);
        waiting.came += 1;
        let is_first = waiting.wakers.first_key_value().is_none_or(|(first, _)| place < *first);
        waiting.wakers.insert(place, waker);
        drop(waiting);
        if is_first && !self.is_watching.get() {
            self.set_alarm(due);
        }
        place
    }
}

/// Waits for one instant. Dropping it leaves the queue.
#[must_use = "a wait does nothing unless it is awaited"]
pub(super) struct Wait {
    pacer: Rc<Pacer>,
    due: Time,
    place: Option<(Time, u64)>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.pacer.clock.now() >= self.due {
            return Poll::Ready(());
        }
        match self.place {
            Some(place) => {
                // Polled for some other reason: the waker may have changed.
                self.pacer.waiting.borrow_mut().wakers.insert(place, context.waker().clone());
            }
            None => self.place = Some(self.pacer.enter(self.due, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.pacer.waiting.borrow_mut().wakers.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    #[test]
    fn waits_end_in_the_order_of_their_instants_and_never_early() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let order = LocalSet::new().block_on(&runtime, async {
            let clock = Clock::starting_in(Duration::ZERO);
            let pacer = Pacer::new(clock).expect("an alarm");
            let running = Rc::clone(&pacer);
            spawn_local(async move { running.run().await });
            let order = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = [30u64, 5, 12, 12, 0, 21]
                .map(|millis| {
                    let (pacer, order) = (Rc::clone(&pacer), Rc::clone(&order));
                    spawn_local(async move {
                        let due = Time::ZERO + Span::from_millis(millis);
                        pacer.wait(due).await;
                        assert!(clock.now() >= due);
                        order.borrow_mut().push(millis);
                    })
                })
                .into();
            drop(pacer.wait(Time::ZERO + Span::from_millis(1)));
            for task in tasks {
                task.await.expect("no task fails");
            }
            assert!(pacer.waiting.borrow().wakers.is_empty());
            order.take()
        });
        assert_eq!(order, [0, 5, 12, 12, 21, 30]);
    }
}
