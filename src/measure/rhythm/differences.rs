//! By how much the count of each second differs from that of the second one stride before.

use super::count_one;

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
    pub(super) fn merge(&mut self, other: &Self) {
        other.few.iter().for_each(|(second, difference)| self.add(*second, *difference));
        let theirs = other.all.iter().zip(0..).filter(|(difference, _)| **difference != 0);
        theirs.for_each(|(difference, second)| self.add(second, *difference));
    }

    /// Adds the counts that they mark, for this stride and so many seconds at most.
    pub(super) fn count(self, stride: usize, per_second: &mut Vec<u32>, seconds: usize) {
        let Self { few, mut all } = self;
        if all.is_empty() && stride == 1 {
            return count_few_of_one(few, per_second, seconds);
        }
        if per_second.len() < seconds {
            per_second.resize(seconds, 0);
        }
        for index in stride..all.len() {
            all[index] = all[index].wrapping_add(all[index - stride]);
        }
        per_second.iter_mut().zip(&all).for_each(|(count, more)| count_one(count, *more));
        count_few(few, stride.max(1), per_second);
    }

    /// The largest count that they mark with a stride of one second; none if they are many.
    pub(super) fn peak(&self) -> Option<u32> {
        let mut marks = self.few.clone();
        marks.sort_unstable();
        let (mut peak, mut count) = (0, 0u32);
        for (index, &(second, difference)) in marks.iter().enumerate() {
            count = count.wrapping_add(difference);
            // All the marks of a second have to be taken together.
            if marks.get(index + 1).is_none_or(|(next, _)| *next > second) {
                peak = peak.max(count);
            }
        }
        self.all.is_empty().then_some(peak)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn marks(&self) -> usize {
        self.few.len() + self.all.iter().filter(|difference| **difference != 0).count()
    }
}

/// With a stride of one second a count holds from one mark to the next: seconds that are not there yet come into being with it.
fn count_few_of_one(mut marks: Vec<(usize, u32)>, per_second: &mut Vec<u32>, seconds: usize) {
    marks.sort_unstable();
    let mut count = 0u32;
    for (index, &(second, difference)) in marks.iter().enumerate() {
        count = count.wrapping_add(difference);
        let until = marks.get(index + 1).map_or(seconds, |(next, _)| *next).min(seconds);
        if count == 0 || second >= until {
            continue;
        }
        let known = per_second.len();
        per_second.iter_mut().take(until).skip(second).for_each(|second| count_one(second, count));
        if known < until {
            per_second.resize(known.max(second), 0);
            per_second.resize(until, count);
        }
    }
}

/// Seconds that are whole strides apart are a series of their own, in which a count holds from one mark to the next.
fn count_few(mut marks: Vec<(usize, u32)>, stride: usize, per_second: &mut [u32]) {
    marks.sort_unstable_by_key(|(second, _)| (second % stride, *second));
    let mut count = 0u32;
    for (index, &(second, difference)) in marks.iter().enumerate() {
        count = count.wrapping_add(difference);
        let next = marks.get(index + 1).map(|(next, _)| *next).filter(|next| next % stride == second % stride);
        let until = next.unwrap_or(usize::MAX).min(per_second.len());
        if count > 0 {
            let seconds = per_second.get_mut(second..until).unwrap_or_default();
            seconds.iter_mut().step_by(stride).for_each(|second| count_one(second, count));
        }
        if next.is_none() {
            count = 0;
        }
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
            differences.merge(&others);
            assert_eq!(differences.all.is_empty(), marks < FEW);
            let mut counted = vec![1; 500];
            differences.count(stride, &mut counted, 3_000);
            plain.iter_mut().take(500).for_each(|count| *count += 1);
            counted.resize(3_000, 0);
            assert_eq!(counted, plain);
        }
    }
}
