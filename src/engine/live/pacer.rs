//! Waits for instants of a run, to the microsecond.
//!
//! All that a thread waits for stands in one queue over one alarm. The alarm rings a little early; the short rest is spent
//! giving way to other tasks until the instant has all but come, so that no wake-up of a sleeping processor lies in between,
//! and the very last of it watching the clock, so that no look for what other tasks wait for does either. How early is learnt
//! from how late the alarm comes on this machine.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
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
/// By how much the alarm is set earlier after it came too late, and by how much later after it came in time: so that about
/// one in a hundred comes too late, however long this machine takes to wake up.
const MORE_EARLY: Span = Span::from_micros(8);
const LESS_EARLY: Span = Span::from_nanos(80);
/// What is due within this is waited for without another round: about as long as a round takes in which nothing happens.
const LAST_STRETCH: Span = Span::from_nanos(700);

/// The timer queue of one thread.
pub(super) struct Pacer {
    clock: Clock,
    alarm: Alarm,
    waiting: RefCell<Waiting>,
    /// The queue is being watched, so that nobody need set the alarm.
    is_watching: Cell<bool>,
    /// How much earlier than needed the alarm is set at present.
    early: Cell<Span>,
    idle: Cell<Span>,
}

/// Who waits, by instant and then by when they came.
///
/// Most waits are for a timeout that never comes to pass. Whoever leaves early only gives back its seat; its entry in the
/// queue is dropped when it comes up, or with all others of its kind once they are the most.
#[derive(Default)]
struct Waiting {
    queue: BinaryHeap<Reverse<Place>>,
    seats: Vec<Option<(u64, Waker)>>,
    free: Vec<u32>,
    came: u64,
}

/// When a task is to be woken, as the how many-th it came, and where its waker is.
type Place = (Time, u64, u32);

/// So many entries more than twice those who wait are not worth looking for the stale ones.
const SPARE: usize = 64;

impl Waiting {
    fn enter(&mut self, due: Time, waker: Waker) -> Place {
        self.came += 1;
        let seat = match self.free.pop() {
            Some(seat) => {
                self.seats[seat as usize] = Some((self.came, waker));
                seat
            }
            None => {
                self.seats.push(Some((self.came, waker)));
                // Each seat is a task's, and memory runs out long before the numbers do.
                (self.seats.len() - 1) as u32
            }
        };
        let place = (due, self.came, seat);
        self.queue.push(Reverse(place));
        place
    }

    /// Whether whoever took a place still waits there.
    fn is_taken(&self, (_, came, seat): Place) -> bool {
        matches!(&self.seats[seat as usize], Some((by, _)) if *by == came)
    }

    /// Frees a place, if that has not been done; gives back who waited there.
    fn leave(&mut self, place: Place) -> Option<Waker> {
        if !self.is_taken(place) {
            return None;
        }
        self.free.push(place.2);
        self.seats[place.2 as usize].take().map(|(_, waker)| waker)
    }

    /// Goes on waiting in a place, to be woken by this from now on; false if whoever waited there has been woken.
    fn stay(&mut self, place: Place, waker: &Waker) -> bool {
        match &mut self.seats[place.2 as usize] {
            Some((came, own)) if *came == place.1 => {
                own.clone_from(waker);
                true
            }
            _ => false,
        }
    }

    /// Leaves early, with an entry that stays behind.
    fn give_up(&mut self, place: Place) {
        self.leave(place);
        let waiting = self.seats.len() - self.free.len();
        if self.queue.len() > 2 * waiting + SPARE {
            let Self { queue, seats, .. } = self;
            queue.retain(|Reverse((_, came, seat))| matches!(&seats[*seat as usize], Some((by, _)) if by == came));
        }
    }

    /// The earliest place that is taken.
    fn earliest(&mut self) -> Option<Place> {
        while let Some(&Reverse(place)) = self.queue.peek() {
            if self.is_taken(place) {
                return Some(place);
            }
            self.queue.pop();
        }
        None
    }
}

impl Pacer {
    /// A queue with nobody in it, in the runtime that is entered.
    pub(super) fn new(clock: Clock) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            clock,
            alarm: Alarm::new()?,
            waiting: RefCell::default(),
            is_watching: Cell::new(false),
            early: Cell::new(Alarm::EARLY),
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
            let mut now = self.clock.now();
            self.adjust(now);
            while let Some(due) = self.earliest()
                && due <= now + self.early.get()
            {
                if due > now && due <= now + LAST_STRETCH {
                    let before = std::mem::replace(&mut now, self.clock.watch_until(due));
                    self.was_idle(now.since(before));
                }
                self.wake_due(now);
                tokio::task::yield_now().await;
                let before = std::mem::replace(&mut now, self.clock.now());
                let round = now.since(before);
                if round < IDLE_ROUND {
                    self.was_idle(round);
                }
            }
            self.is_watching.set(false);
            if let Some(due) = self.earliest() {
                self.set_alarm(due);
            }
        }
    }

    /// Has the alarm set earlier or later from now on, as it has just come too late or in time.
    fn adjust(&self, now: Time) {
        let Some(due) = self.earliest() else { return };
        let early = self.early.get();
        self.early.set(match due < now {
            true => (early + MORE_EARLY).min(Alarm::EARLY_MAX),
            false => early.saturating_sub(LESS_EARLY).max(Alarm::EARLY),
        });
    }

    fn was_idle(&self, stretch: Span) {
        self.idle.set(self.idle.get() + stretch);
    }

    fn earliest(&self) -> Option<Time> {
        self.waiting.borrow_mut().earliest().map(|(due, ..)| due)
    }

    fn wake_due(&self, now: Time) {
        let mut waiting = self.waiting.borrow_mut();
        while let Some(place) = waiting.earliest()
            && place.0 <= now
        {
            waiting.queue.pop();
            if let Some(waker) = waiting.leave(place) {
                waker.wake();
            }
        }
    }

    fn set_alarm(&self, due: Time) {
        self.alarm.set(self.clock.until(due).saturating_sub(self.early.get()));
    }

    /// Puts a task into the queue and gives back its place.
    fn enter(&self, due: Time, waker: Waker) -> Place {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.queue.peek().is_none_or(|Reverse((first, ..))| due < *first);
        let place = waiting.enter(due, waker);
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
    place: Option<Place>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.place {
            // Whoever is no longer in its place has been woken because it is due. One that is polled for some other reason
            // stays: the waker may have changed.
            Some(place) if self.pacer.waiting.borrow_mut().stay(place, context.waker()) => Poll::Pending,
            None if self.pacer.clock.now() < self.due => {
                self.place = Some(self.pacer.enter(self.due, context.waker().clone()));
                Poll::Pending
            }
            Some(_) | None => Poll::Ready(()),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.pacer.waiting.borrow_mut().give_up(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::spawn_local;

    use super::super::runtime::local_runtime;
    use super::*;

    #[test]
    fn waits_end_in_the_order_of_their_instants_and_never_early() {
        let runtime = local_runtime().expect("a runtime");
        let order = runtime.block_on(async {
            // Every task is there before anything but the start is due, however busy the machine.
            let clock = Clock::starting_in(Duration::from_millis(200));
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
            assert_eq!(pacer.waiting.borrow_mut().earliest(), None);
            order.take()
        });
        assert_eq!(order, [0, 5, 12, 12, 21, 30]);
    }
}
