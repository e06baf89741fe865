//! One delivery, and the list of those whose time has not come.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::peer::{Batch, Event, LossCause, Note, Output, Sink, sooner};
use crate::time::Time;

/// Why a delivery is attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// It is owed: its retry schedule decides what becomes of it.
    Owed,
    /// Its schedule has given it up for this cause; the operator's script may bring it all the same.
    Script(LossCause),
    /// Somebody asked for it. Nothing is owed, so a failure has no consequence.
    Asked,
}

/// The events of one delivery, and where it stands. They stay the same for all its attempts.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The oldest event.
    pub(super) first: Event,
    /// All of them, oldest first, where there are others.
    all: Option<Box<Batch>>,
    /// When the next attempt is due.
    pub(super) due: Time,
    /// The number of the next or present attempt.
    pub(super) attempt: u32,
    /// Why it is attempted.
    pub(super) errand: Errand,
}

impl Delivery {
    /// The first attempt of a single event.
    pub(super) fn single(event: Event, due: Time) -> Self {
        Self { first: event, all: None, due, attempt: 1, errand: Errand::Owed }
    }

    /// An attempt of a single event that somebody asked for.
    pub(super) fn asked(event: Event, attempt: u32, due: Time) -> Self {
        Self { attempt, errand: Errand::Asked, ..Self::single(event, due) }
    }

    /// The first attempt of several events; none where there are none.
    pub(super) fn of(mut events: Vec<Event>, due: Time) -> Option<Self> {
        events.sort_by_key(|event| event.serial);
        let &first = events.first()?;
        let all = (events.len() > 1).then(|| Box::new(Batch::from_vec(events)));
        Some(Self { all, ..Self::single(first, due) })
    }

    /// Its events, oldest first.
    pub(super) fn events(&self) -> &[Event] {
        self.all.as_ref().map_or(std::slice::from_ref(&self.first), |all| all.as_slice())
    }

    /// Its events as a request carries them.
    pub(super) fn batch(&self) -> Batch {
        match &self.all {
            None => Batch::from_slice(&[self.first]),
            Some(all) => Batch::clone(all),
        }
    }

    /// Whether this event is among its own.
    pub(super) fn has(&self, serial: u32) -> bool {
        self.events().iter().any(|event| event.serial == serial)
    }

    /// The same delivery, due at another instant.
    pub(super) fn due_at(self, due: Time) -> Self {
        Self { due, ..self }
    }

    /// The same delivery after an attempt, with the next one due at some instant.
    pub(super) fn next(self, due: Time) -> Self {
        Self { attempt: self.attempt.saturating_add(1), due, ..self }
    }

    /// The same delivery on another errand.
    pub(super) fn on(self, errand: Errand) -> Self {
        Self { errand, ..self }
    }

    /// Tells the ledger that none of its events will come any more.
    pub(super) fn give_up(&self, cause: LossCause, out: &mut impl Sink) {
        out.push_all(self.events().iter().map(|&event| Output::Note(Note::GaveUp(event, cause))));
    }
}

/// Deliveries whose time has not come, by when they are due, then in the order in which they were planned.
///
/// Those of each kind lie in a heap of their own, so that one kind can be taken out without a look at the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// First attempts that are owed.
    firsts: Heap,
    /// Later attempts that are owed.
    retries: Heap,
    /// What is not owed any more.
    parked: Heap,
    planned: u64,
}

type Heap = BinaryHeap<Reverse<Planned>>;

/// An entry of the heap, where only time and order of planning decide.
#[derive(Clone, Debug)]
struct Planned(u64, Delivery);

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Planned {}
impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.1.due, self.0).cmp(&(other.1.due, other.0))
    }
}

impl Plan {
    /// Plans a delivery for when it is due.
    pub(super) fn push(&mut self, delivery: Delivery) {
        let heap = match delivery.errand {
            Errand::Owed if delivery.attempt > 1 => &mut self.retries,
            Errand::Owed => &mut self.firsts,
            Errand::Script(_) | Errand::Asked => &mut self.parked,
        };
        heap.push(Reverse(Planned(self.planned, delivery)));
        self.planned += 1;
    }

    /// When the first is due.
    #[inline]
    pub(super) fn next_at(&self) -> Option<Time> {
        let due = |heap: &Heap| heap.peek().map(|Reverse(Planned(_, delivery))| delivery.due);
        sooner(sooner(due(&self.firsts), due(&self.retries)), due(&self.parked))
    }

    /// Takes the first out if it is due by now.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<Delivery> {
        let heaps = [&mut self.firsts, &mut self.retries, &mut self.parked].into_iter();
        // The largest by the reversed order is the first; a heap with nothing in it is smaller than any other.
        let heap = heaps.max_by(|a, b| a.peek().cmp(&b.peek()))?;
        if heap.peek()?.0.1.due > now {
            return None;
        }
        heap.pop().map(|Reverse(Planned(_, delivery))| delivery)
    }

    /// Whether any is like this.
    pub(super) fn any(&self, is: impl Fn(&Delivery) -> bool) -> bool {
        self.heaps().flatten().any(|Reverse(Planned(_, delivery))| is(delivery))
    }

    /// Takes out the first attempts that are owed.
    pub(super) fn take_firsts(&mut self) -> impl Iterator<Item = Delivery> + use<> {
        std::mem::take(&mut self.firsts).into_iter().map(|Reverse(Planned(_, delivery))| delivery)
    }

    /// Takes out the later attempts that are owed.
    pub(super) fn take_retries(&mut self) -> impl Iterator<Item = Delivery> + use<> {
        std::mem::take(&mut self.retries).into_iter().map(|Reverse(Planned(_, delivery))| delivery)
    }

    /// Takes out those that are like this, in the order in which they are due.
    pub(super) fn extract(&mut self, is: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        let mut out = Vec::new();
        for heap in [&mut self.firsts, &mut self.retries, &mut self.parked] {
            let all = std::mem::take(heap).into_vec();
            let (taken, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|Reverse(Planned(_, d))| is(d));
            *heap = rest.into();
            out.extend(taken);
        }
        out.sort_unstable_by(|Reverse(a), Reverse(b)| a.cmp(b));
        out.into_iter().map(|Reverse(Planned(_, delivery))| delivery).collect()
    }

    fn heaps(&self) -> impl Iterator<Item = &Heap> {
        [&self.firsts, &self.retries, &self.parked].into_iter()
    }
}
