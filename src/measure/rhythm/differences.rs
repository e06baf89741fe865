//! By how much the count of each second differs from that of the second one stride before.

/// So many marks stand in a list; more of them in a table of all seconds, which may be long.
const FEW: usize = 4_096;

/// Differences that are not nothing, modulo 2^32.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// Seconds, and what to add to the difference of each, in any order.
    few: Vec<(usize, u32)>,
    /// For each second, once there are many.
    all: Vec<u32>,
}

impl Differences {
    /// Adds to the difference of a second.
    pub(super) fn add(&mut self, second: usize, difference: u32) {
        if self.all.is_empty() && self.few.len() < FEW {
            return self.few.push((second, difference));
        }
        for (second, difference) in std::mem::take(&mut self.few) {
            self.add_to_all(second, difference);
        }
        self.add_to_all(second, difference);
    }

    fn add_to_all(&mut self, second: usize, difference: u32) {
        if second >= self.all.len() {
            self.all.resize(second + 1, 0);
        }
        self.all[second] = self.all[second].wrapping_add(difference);
    }

    /// Adds others.
    pub(super) fn merge(&mut self, other: Self) {
        if self.few.is_empty() && self.all.is_empty() {
            *self = other;
            return;
        }
        other.few.into_iter().for_each(|(second, difference)| self.add(second, difference));
        let theirs = other.all.into_iter().zip(0..).filter(|(difference, _)| *difference != 0);
        theirs.for_each(|(difference, second)| self.add(second, difference));
    }

    /// In how many seconds there may be any.
    pub(super) fn seconds(&self) -> usize {
        self.few.iter().map(|(second, _)| second + 1).max().unwrap_or(0).max(self.all.len())
    }

    /// The counts that they mark, for this stride, one second after the other.
    pub(super) fn per_second(&self, stride: usize) -> impl Iterator<Item = u32> {
        let mut few = self.few.clone();
        few.sort_unstable_by_key(|(second, _)| *second);
        let mut few = few.into_iter().peekable();
        let seconds = self.seconds();
        // The counts of the last seconds, as many as a stride has.
        let (mut last, mut place) = (vec![0u32; stride.clamp(1, seconds.max(1))], 0);
        (0..seconds).map(move |second| {
            let mut count = last[place].wrapping_add(self.all.get(second).copied().unwrap_or(0));
            while let Some((_, difference)) = few.next_if(|(marked, _)| *marked == second) {
                count = count.wrapping_add(difference);
            }
            last[place] = count;
            place = if place + 1 == last.len() { 0 } else { place + 1 };
            count
        })
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn marks(&self) -> usize {
        self.few.len() + self.all.iter().filter(|difference| **difference != 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_marks_count_as_few_do() {
        for (stride, marks) in [(1, 2 * FEW), (7, 3 * FEW), (7, 100), (1, 100)] {
            let (mut differences, mut plain) = (Differences::default(), vec![0u32; 3_000]);
            let mut others = Differences::default();
            for mark in 0..marks {
                // From one second on, up to another that is whole strides behind it.
                let (from, strides) = (mark * 37 % 2_000, 1 + mark % 90);
                let target = if mark % 3 == 0 { &mut others } else { &mut differences };
                target.add(from, 2);
                target.add(from + strides * stride, 2u32.wrapping_neg());
                (0..strides).for_each(|index| plain[from + index * stride] += 2);
            }
            differences.merge(others);
            assert_eq!(differences.all.is_empty(), marks < FEW);
            let mut counted: Vec<u32> = differences.per_second(stride).collect();
            counted.resize(3_000, 0);
            assert_eq!(counted, plain);
        }
    }
}
