//! Which of many peers wants to be woken next.

mod tournament;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::time::Time;

pub use tournament::Tournament;

/// So many entries more than twice the deadlines are not worth looking for the stale ones.
const SPARE: usize = 64;

/// The present deadline of each of a fixed number of peers.
///
/// A deadline that moves leaves its old entry behind, which is dropped when it comes up, or with all others of its kind once
/// they are the most: nothing is ever cancelled.
#[derive(Debug)]
pub struct Deadlines {
    /// The deadline of a peer that is the only one; it needs no list, and no order.
    only: Option<Time>,
    is_only: bool,
    present: Vec<Option<Time>>,
    /// How many peers have a deadline.
    set: usize,
    /// Entries that were made in the order in which they come up, as those of peers with a common interval are.
    lane: VecDeque<(Time, u32)>,
    /// All others.
    heap: BinaryHeap<Reverse<(Time, u32)>>,
}

impl Deadlines {
    /// No deadline for any of `count` peers.
    pub fn new(count: usize) -> Self {
        let is_only = count == 1;
        let present = vec![None; if is_only { 0 } else { count }];
        Self { only: None, is_only, present, set: 0, lane: VecDeque::new(), heap: BinaryHeap::new() }
    }

    /// Sets the deadline of a peer.
    #[inline]
    pub fn set(&mut self, index: u32, deadline: Option<Time>) {
        if self.is_only {
            self.only = deadline;
        } else {
            self.set_one_of_many(index, deadline);
        }
    }

    /// The deadline of a peer as it was set last.
    #[inline]
    pub fn of(&self, index: u32) -> Option<Time> {
        if self.is_only { self.only } else { self.present.get(index as usize).copied().flatten() }
    }

    fn set_one_of_many(&mut self, index: u32, deadline: Option<Time>) {
        let Some(present) = self.present.get_mut(index as usize) else { return };
        if *present == deadline {
            return;
        }
        self.set = self.set + usize::from(deadline.is_some()) - usize::from(present.is_some());
        *present = deadline;
        if let Some(at) = deadline {
            if self.lane.back().is_none_or(|last| *last < (at, index)) {
                self.lane.push_back((at, index));
            } else {
                self.heap.push(Reverse((at, index)));
            }
            if self.lane.len() + self.heap.len() > 2 * self.set + SPARE {
                self.drop_stale();
            }
        }
    }

    /// Drops the entries of deadlines that have moved.
    fn drop_stale(&mut self) {
        let Self { present, lane, heap, .. } = self;
        lane.retain(|(at, index)| present[*index as usize] == Some(*at));
        heap.retain(|Reverse((at, index))| present[*index as usize] == Some(*at));
        if lane.len() + heap.len() > self.set {
            // A deadline that came back to where it had been has an entry from each time.
            let mut entries = std::mem::take(heap).into_vec();
            entries.sort_unstable();
            entries.dedup();
            entries.retain(|Reverse(entry)| lane.binary_search(entry).is_err());
            *heap = entries.into();
        }
    }

    /// The earliest deadline and whose it is; of several at the same instant, the first peer's.
    #[inline]
    pub fn earliest(&mut self) -> Option<(Time, u32)> {
        if self.is_only { self.only.map(|at| (at, 0)) } else { self.earliest_of_many() }
    }

    fn earliest_of_many(&mut self) -> Option<(Time, u32)> {
        let is_stale = |present: &[Option<Time>], (at, index): (Time, u32)| present[index as usize] != Some(at);
        while self.lane.pop_front_if(|entry| is_stale(&self.present, *entry)).is_some() {}
        while let Some(&Reverse(entry)) = self.heap.peek()
            && is_stale(&self.present, entry)
        {
            self.heap.pop();
        }
        match (self.lane.front(), self.heap.peek()) {
            (Some(lane), Some(Reverse(heap))) => Some(*lane.min(heap)),
            (Some(first), None) | (None, Some(Reverse(first))) => Some(*first),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn deadlines_that_move_back_and_forth_leave_little_behind() {
        let (mut deadlines, count) = (Deadlines::new(100), 100);
        let later = |at: Time, nanos| at + Span::from_nanos(nanos);
        for round in 0..1_000 {
            for index in 0..count {
                // Every other one comes back to where it has been.
                let moved = if index % 2 == 0 { round % 2 } else { round };
                deadlines.set(index, Some(later(Time::from_nanos(10), moved)));
            }
            let entries = deadlines.lane.len() + deadlines.heap.len();
            assert!(entries <= 2 * count as usize + SPARE, "{entries}");
            assert_eq!(deadlines.earliest(), Some((later(Time::from_nanos(10), round % 2), 0)));
        }
        (0..count).for_each(|index| deadlines.set(index, None));
        assert_eq!((deadlines.earliest(), deadlines.set), (None, 0));
    }

    #[test]
    fn the_earliest_present_deadline_counts() {
        for count in [1, 3] {
            let mut deadlines = Deadlines::new(count);
            assert_eq!(deadlines.earliest(), None);
            let at = Time::from_nanos;
            deadlines.set(0, Some(at(9)));
            assert_eq!(deadlines.earliest(), Some((at(9), 0)));
            deadlines.set(0, Some(at(4)));
            assert_eq!(deadlines.earliest(), Some((at(4), 0)));
            deadlines.set(0, Some(at(9)));
            assert_eq!(deadlines.earliest(), Some((at(9), 0)));
            if count == 3 {
                deadlines.set(2, Some(at(7)));
                deadlines.set(1, Some(at(7)));
                assert_eq!(deadlines.earliest(), Some((at(7), 1)));
            }
            (0..3).for_each(|index| deadlines.set(index, None));
            assert_eq!(deadlines.earliest(), None);
        }
    }
}
