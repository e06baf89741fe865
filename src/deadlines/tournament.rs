//! Which of many deadlines is the earliest, where they come in no order.

use crate::time::Time;

/// For each of a fixed number of peers its deadline. Deadlines meet two by two, the earlier goes on to the next round, and the
/// winner is the earliest: to change one takes as many comparisons as there are rounds, and leaves nothing behind.
#[derive(Clone, Debug)]
pub struct Tournament {
    /// The winner of each match, the final first; those of the first round are followed by the deadlines themselves.
    winners: Vec<(Time, u32)>,
    /// How many deadlines there is room for: a power of two.
    room: usize,
}

impl Tournament {
    /// Nobody wants to be woken yet.
    pub fn new(count: usize) -> Self {
        let room = count.next_power_of_two();
        Self { winners: vec![(Time::NEVER, u32::MAX); 2 * room], room }
    }

    /// Notes when a peer wants to be woken next.
    #[inline]
    pub fn set(&mut self, index: u32, deadline: Option<Time>) {
        let mut place = self.room + index as usize;
        let Some(leaf) = self.winners.get_mut(place) else { return };
        *leaf = (deadline.unwrap_or(Time::NEVER), index);
        let mut winner = *leaf;
        while place > 1 {
            let other = self.winners[place ^ 1];
            // At the same instant the one with the smaller number comes first.
            winner = if other < winner { other } else { winner };
            place /= 2;
            self.winners[place] = winner;
        }
    }

    /// The earliest deadline and whose it is.
    #[inline]
    pub fn earliest(&self) -> Option<(Time, u32)> {
        self.winners.get(1).copied().filter(|(at, _)| *at < Time::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_winner_is_the_first_of_all(count in 1usize..40, steps in prop::collection::vec((0u32..40, prop::option::of(0u64..30)), 0..200)) {
            let (mut tournament, mut plain) = (Tournament::new(count), vec![None; count]);
            for (index, deadline) in steps {
                let deadline = deadline.map(Time::from_nanos);
                let index = index % count as u32;
                tournament.set(index, deadline);
                plain[index as usize] = deadline;
                let first = plain.iter().zip(0..).filter_map(|(at, index)| at.map(|at| (at, index))).min();
                prop_assert_eq!(tournament.earliest(), first);
            }
        }
    }
}
