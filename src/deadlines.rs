//! Which of many peers wants to be woken next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

/// So many entries more than twice the deadlines are not worth looking for the stale ones.
const SPARE: usize = 64;

/// The present deadline of each of a fixed number of peers.
///
/// A deadline that moves leaves its old entry behind, which is dropped when it comes up, or with all others of its kind once
/// they are the most: nothing is ever cancelled.
#[derive(Debug)]
pub struct Deadlines {
    present: Vec<Option<Time>>,
    /// How many peers have a deadline.
    set: usize,
    heap: BinaryHeap<Reverse<(Time, u32)>>,
}

impl Deadlines {
    /// No deadline for any of `count` peers.
    pub fn new(count: usize) -> Self {
        Self { present: vec![None; count], set: 0, heap: BinaryHeap::new() }
    }

    /// Sets the deadline of a peer.
    pub fn set(&mut self, index: u32, deadline: Option<Time>) {
        let Some(present) = self.present.get_mut(index as usize) else { return };
        if *present == deadline {
            return;
        }
        self.set = self.set + usize::from(deadline.is_some()) - usize::from(present.is_some());
        *present = deadline;
        // A single peer needs no order.
        if let Some(at) = deadline
            && self.present.len() > 1
        {
            self.heap.push(Reverse((at, index)));
            if self.heap.len() > 2 * self.set + SPARE {
                self.drop_stale();
            }
        }
    }

    /// Drops the entries of deadlines that have moved.
    fn drop_stale(&mut self) {
        let Self { present, heap, .. } = self;
        heap.retain(|Reverse((at, index))| present[*index as usize] == Some(*at));
        if heap.len() > self.set {
            // A deadline that came back to where it had been has an entry from each time.
            let mut entries = std::mem::take(heap).into_vec();
            entries.sort_unstable();
            entries.dedup();
            *heap = entries.into();
        }
    }

    /// The earliest deadline and whose it is; of several at the same instant, the first peer's.
    pub fn earliest(&mut self) -> Option<(Time, u32)> {
        if let [only] = self.present.as_slice() {
            return only.map(|at| (at, 0));
        }
        while let Some(&Reverse((at, index))) = self.heap.peek() {
            if self.present[index as usize] == Some(at) {
                return Some((at, index));
            }
            self.heap.pop();
        }
        None
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
            assert!(deadlines.heap.len() <= 2 * count as usize + SPARE, "{}", deadlines.heap.len());
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
