//! Counts per second of what comes in a steady rhythm, without counting each beat.
//!
//! Of beats that are a whole number of seconds apart only two marks are kept, where they begin and where they end: the
//! differences between each second and the one that lies so many seconds before. Beats of any other rhythm fall into a few
//! such series, or so many into each second; where those would be more than the beats, each beat is counted.

mod differences;

use crate::time::{SECOND, Span};
use differences::Differences;

/// Beats that are not counted yet, only marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beats {
    /// One for each rhythm there has been; mostly there is only one.
    rhythms: Vec<Rhythm>,
    /// How many seconds it takes to hold them all.
    seconds: usize,
}

/// One rhythm, and the marks of what came in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rhythm {
    every: Span,
    /// After so many beats a whole number of seconds has passed.
    beats: u64,
    /// So many seconds, or one where several beats fall into a second.
    stride: usize,
    differences: Differences,
}

/// Beats that are one rhythm, from the first one on.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// When the first one comes.
    pub first: Span,
    /// From one to the next; above zero.
    pub every: Span,
    /// How many; above zero.
    pub count: u64,
}

impl Run {
    fn nth(&self, index: u64) -> Span {
        self.first + self.every.times(index)
    }

    /// So many more, if the first of them is the next to come; false if it is not.
    pub fn go_on(&mut self, first: Span, count: u64) -> bool {
        let goes_on = self.nth(self.count) == first;
        self.count += if goes_on { count } else { 0 };
        goes_on
    }

    /// How many come before an instant.
    fn before(&self, instant: Span) -> u64 {
        let ahead = instant.saturating_sub(self.first).as_nanos();
        ahead.div_ceil(self.every.as_nanos().max(1)).min(self.count)
    }

    /// The same beats but for the first so many.
    fn without(&self, count: u64) -> Self {
        Self { first: self.nth(count), count: self.count.saturating_sub(count), ..*self }
    }

    /// How many come in each stretch of this width, counted from zero, in which there are any.
    pub fn per_stretch(mut self, width: Span) -> impl Iterator<Item = (u64, u64)> {
        let width = width.as_nanos().max(1);
        std::iter::from_fn(move || {
            let stretch = (self.count > 0).then(|| self.first.as_nanos() / width)?;
            let end = Span::from_nanos(width.saturating_mul(stretch + 1));
            // Mostly all the rest lies in one.
            let within = if self.nth(self.count - 1) < end { self.count } else { self.before(end) };
            self = self.without(within);
            Some((stretch, within))
        })
    }
}

impl Beats {
    /// Counts beats, at most up to so many seconds: some in `per_second` at once, the others here.
    pub fn add(&mut self, run: Run, per_second: &mut Vec<u32>, seconds_max: usize) {
        let mut run = run;
        if run.count == 0 || second(run.nth(run.count - 1)) >= seconds_max {
            run.count = run.before(Span::from_secs(seconds_max as u64));
        }
        let Run { count, .. } = run;
        if count == 0 {
            return;
        }
        self.seconds = self.seconds.max(second(run.nth(count - 1)) + 1);
        let rhythm = self.rhythm(run.every);
        if rhythm.stride == 1 && rhythm.beats > 1 {
            rhythm.mark_several_a_second(run);
        } else if 2 * rhythm.beats < count {
            (0..rhythm.beats).for_each(|beat| rhythm.mark(run.without(beat)));
        } else {
            if per_second.len() < self.seconds {
                per_second.resize(self.seconds, 0);
            }
            (0..count).for_each(|index| count_one(&mut per_second[second(run.nth(index))], 1));
        }
    }

    fn rhythm(&mut self, every: Span) -> &mut Rhythm {
        let known = self.rhythms.iter().position(|rhythm| rhythm.every == every);
        let index = known.unwrap_or_else(|| {
            self.rhythms.push(Rhythm::new(every));
            self.rhythms.len() - 1
        });
        &mut self.rhythms[index]
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        self.seconds = self.seconds.max(other.seconds);
        for theirs in &other.rhythms {
            self.rhythm(theirs.every).differences.merge(&theirs.differences);
        }
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.rhythms.is_empty()
    }

    /// The most that are marked in one second, where a few marks tell it.
    pub fn peak(&self) -> Option<u32> {
        match self.rhythms.as_slice() {
            [] => Some(0),
            [Rhythm { stride: 1, differences, .. }] => differences.peak(),
            _ => None,
        }
    }

    /// Counts what has only been marked.
    pub fn count(&mut self, per_second: &mut Vec<u32>) {
        let Self { rhythms, seconds } = std::mem::take(self);
        for Rhythm { stride, differences, .. } in rhythms {
            differences.count(stride, per_second, seconds);
        }
        if per_second.len() < seconds {
            per_second.resize(seconds, 0);
        }
    }
}

impl Rhythm {
    fn new(every: Span) -> Self {
        let nanos = every.as_nanos().max(1);
        let beats = SECOND / greatest_common_divisor(nanos, SECOND);
        let seconds = u128::from(nanos) * u128::from(beats) / u128::from(SECOND);
        // A stride that is no number of this machine is never made: there are not as many beats.
        let stride = usize::try_from(seconds).unwrap_or(usize::MAX);
        Self { every, beats, stride, differences: Differences::default() }
    }

    /// Marks the first beat and each that comes a whole number of strides after it.
    fn mark(&mut self, run: Run) {
        let first = second(run.first);
        self.differences.add(first, 1);
        let strides = usize::try_from(run.count.div_ceil(self.beats)).unwrap_or(usize::MAX);
        self.differences.add(first.saturating_add(strides.saturating_mul(self.stride)), u32::MAX);
    }

    /// Marks the seconds that are full of beats, and those at either end.
    fn mark_several_a_second(&mut self, run: Run) {
        let (first, last) = (second(run.first), second(run.nth(run.count - 1)));
        // Modulo 2^32, as marks are.
        let count = run.count as u32;
        if first == last {
            self.differences.add(first, count);
            return self.differences.add(first + 1, count.wrapping_neg());
        }
        let (at_first, beats) = (run.before(Span::from_secs(first as u64 + 1)) as u32, self.beats as u32);
        let full = ((last - first - 1) as u32).wrapping_mul(beats);
        let at_last = count.wrapping_sub(at_first).wrapping_sub(full);
        self.differences.add(first, at_first);
        self.differences.add(first + 1, beats.wrapping_sub(at_first));
        self.differences.add(last, at_last.wrapping_sub(beats));
        self.differences.add(last + 1, at_last.wrapping_neg());
    }
}

fn count_one(count: &mut u32, more: u32) {
    *count = count.saturating_add(more);
}

/// The second that an instant falls into.
const fn second(instant: Span) -> usize {
    (instant.as_nanos() / SECOND) as usize
}

/// By Euclid's algorithm.
const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_every() -> impl Strategy<Value = Span> {
        let round = prop::sample::select(vec![1, 8, 100, 125, 333, 500, 700, 1_000, 1_500, 2_000, 60_000]);
        prop_oneof![round.prop_map(Span::from_millis), (1u64..5_000_000_000).prop_map(Span::from_nanos)]
    }

    fn any_run() -> impl Strategy<Value = Run> {
        let first = (0..20 * SECOND).prop_map(Span::from_nanos);
        (first, any_every(), 1u64..3_000).prop_map(|(first, every, count)| Run { first, every, count })
    }

    proptest! {
        #[test]
        fn marks_count_what_counting_each_would(runs in prop::collection::vec(any_run(), 1..8), cut in 1usize..200) {
            let (mut beats, mut others) = (Beats::default(), Beats::default());
            let (mut counted, mut other_counts, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            for (index, run) in runs.iter().enumerate() {
                match index % 2 {
                    0 => beats.add(*run, &mut counted, cut),
                    _ => others.add(*run, &mut other_counts, cut),
                }
                for second in (0..run.count).map(|index| second(run.nth(index))).filter(|second| *second < cut) {
                    expected.resize(expected.len().max(second + 1), 0);
                    expected[second] += 1;
                }
            }
            beats.merge(&others);
            counted.resize(counted.len().max(other_counts.len()), 0);
            counted.iter_mut().zip(other_counts).for_each(|(mine, theirs)| *mine += theirs);
            beats.count(&mut counted);
            prop_assert_eq!(counted, expected);
        }

        #[test]
        fn stretches_hold_what_falls_into_them(run in any_run(), width in 1_000_000..90 * SECOND) {
            let mut expected: Vec<(u64, u64)> = Vec::new();
            for stretch in (0..run.count).map(|index| run.nth(index).as_nanos() / width) {
                match expected.last_mut() {
                    Some((last, count)) if *last == stretch => *count += 1,
                    _ => expected.push((stretch, 1)),
                }
            }
            prop_assert_eq!(run.per_stretch(Span::from_nanos(width)).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_rhythm_of_whole_seconds_leaves_two_marks_however_long_it_lasts() {
        let (mut beats, mut per_second) = (Beats::default(), Vec::new());
        let (first, every) = (Span::from_millis(1_500), Span::from_secs(3));
        beats.add(Run { first, every, count: 1_000 }, &mut per_second, usize::MAX);
        assert_eq!((beats.rhythms[0].differences.marks(), beats.rhythms[0].stride), (2, 3));
        assert!(per_second.is_empty());
        beats.count(&mut per_second);
        assert_eq!(
            (per_second.iter().sum::<u32>(), per_second[1], per_second[2_998], per_second.len()),
            (1_000, 1, 1, 2_999)
        );
    }
}
