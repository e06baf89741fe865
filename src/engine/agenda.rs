//! The list of what is under way, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

/// Which of two entries at the same instant comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Messages, in the order in which they were planned.
    Message,
    /// Timeouts: an answer that arrives just then is in time.
    Timeout,
}

/// Entries by time, then by rank, then in the order in which they were planned.
#[derive(Debug)]
pub struct Agenda<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    planned: u64,
}

#[derive(Debug)]
struct Entry<T> {
    key: (Time, Rank, u64),
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), planned: 0 }
    }
}

impl<T> Agenda<T> {
    /// Plans something.
    pub fn plan(&mut self, at: Time, rank: Rank, what: T) {
        self.heap.push(Reverse(Entry { key: (at, rank, self.planned), what }));
        self.planned += 1;
    }

    /// When the first entry is due, and its rank.
    pub fn next_at(&self) -> Option<(Time, Rank)> {
        self.heap.peek().map(|Reverse(entry)| (entry.key.0, entry.key.1))
    }

    /// Takes the first entry out.
    pub fn pop(&mut self) -> Option<T> {
        self.heap.pop().map(|Reverse(entry)| entry.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_by_rank_and_then_by_order_of_planning() {
        let mut agenda = Agenda::default();
        let at = Time::from_nanos;
        agenda.plan(at(5), Rank::Timeout, "timeout");
        agenda.plan(at(5), Rank::Message, "first");
        agenda.plan(at(9), Rank::Message, "last");
        agenda.plan(at(5), Rank::Message, "second");
        assert_eq!(agenda.next_at(), Some((at(5), Rank::Message)));
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).collect();
        assert_eq!(order, ["first", "second", "timeout", "last"]);
    }
}
