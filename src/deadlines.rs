//! Which of many peers wants to be woken next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

/// The present deadline of each of a fixed number of peers.
///
/// A deadline that moves leaves its old entry behind, which is dropped when it comes up: nothing is ever cancelled.
#[derive(Debug)]
pub struct Deadlines {
    present: Vec<Option<Time>>,
    heap: BinaryHeap<Reverse<(Time, u32)>>,
}

impl Deadlines {
    /// No deadline for any of `count` peers.
    pub fn new(count: usize) -> Self {
        Self { present: vec![None; count], heap: BinaryHeap::new() }
    }

    /// Sets the deadline of a peer.
    pub fn set(&mut self, index: u32, deadline: Option<Time>) {
        let Some(present) = self.present.get_mut(index as usize) else { return };
        if *present == deadline {
            return;
        }
        *present = deadline;
        // A single peer needs no order.
        if let Some(at) = deadline
            && self.present.len() > 1
        {
            self.heap.push(Reverse((at, index)));
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
