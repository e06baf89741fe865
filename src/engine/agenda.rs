//! The list of what is under way, in the order of time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

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
///
/// Delays mostly repeat, so that most entries are planned in the order in which they become due. Those stand in a lane for
/// their rank, first come first served; only an entry that would have to stand further to the front goes into a heap.
#[derive(Debug)]
pub struct Agenda<T> {
    lanes: [VecDeque<Entry<T>>; 2],
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
        Self { lanes: [VecDeque::new(), VecDeque::new()], heap: BinaryHeap::new(), planned: 0 }
    }
}

impl<T> Agenda<T> {
    /// Plans something.
    pub fn plan(&mut self, at: Time, rank: Rank, what: T) {
        let entry = Entry { key: (at, rank, self.planned), what };
        self.planned += 1;
        let lane = &mut self.lanes[rank as usize];
        if lane.back().is_none_or(|last| last.key < entry.key) {
            lane.push_back(entry);
        } else {
            self.heap.push(Reverse(entry));
        }
    }

    /// When the first entry is due, and its rank.
    #[inline]
    pub fn next_at(&self) -> Option<(Time, Rank)> {
        let key = |entry: &Entry<T>| (entry.key.0, entry.key.1);
        let [messages, timeouts] = &self.lanes;
        let first = sooner(messages.front().map(key), timeouts.front().map(key));
        match self.heap.peek() {
            None => first,
            Some(Reverse(entry)) => sooner(first, Some(key(entry))),
        }
    }

    /// Takes the first entry out.
    pub fn pop(&mut self) -> Option<T> {
        let [messages, timeouts] = &self.lanes;
        let in_lane = match (messages.front(), timeouts.front()) {
            (Some(message), Some(timeout)) if timeout.key < message.key => Some((1, timeout.key)),
            (Some(message), _) => Some((0, message.key)),
            (None, Some(timeout)) => Some((1, timeout.key)),
            (None, None) => None,
        };
        let in_heap = self.heap.peek().map(|Reverse(entry)| entry.key);
        match (in_lane, in_heap) {
            (Some((_, lane)), Some(heap)) if heap < lane => self.heap.pop().map(|Reverse(entry)| entry.what),
            (Some((lane, _)), _) => self.lanes[lane].pop_front().map(|entry| entry.what),
            (None, _) => self.heap.pop().map(|Reverse(entry)| entry.what),
        }
    }
}

fn sooner<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (first, None) | (None, first) => first,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Planned and taken out in any order, the first is always the first of all that are planned.
        #[test]
        fn the_first_of_all_comes_first(steps in prop::collection::vec((0u64..20, any::<bool>(), any::<bool>()), 0..200)) {
            let (mut agenda, mut plain) = (Agenda::default(), Vec::new());
            for (number, (at, is_timeout, takes)) in (0u32..).zip(steps) {
                let rank = if is_timeout { Rank::Timeout } else { Rank::Message };
                agenda.plan(Time::from_nanos(at), rank, number);
                plain.push((Time::from_nanos(at), rank, number));
                plain.sort_unstable();
                prop_assert_eq!(agenda.next_at(), plain.first().map(|(at, rank, _)| (*at, *rank)));
                if takes {
                    prop_assert_eq!(agenda.pop(), Some(plain.remove(0).2));
                }
            }
            let rest: Vec<_> = std::iter::from_fn(|| agenda.pop()).collect();
            prop_assert_eq!(rest, plain.into_iter().map(|(_, _, number)| number).collect::<Vec<_>>());
        }
    }

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
