//! Counts per second of what comes in a steady rhythm, without counting each beat.
//!
//! Of beats that are a whole number of seconds apart only two marks are kept, where they begin and where they end: the
//! differences between each second and the one that lies so many seconds before. Beats of any other rhythm fall into a few
//! such series, or so many into each second; where those would be more than the beats, each beat is counted.

mod differences;

use crate::measure::seconds::Seconds;
use crate::time::{SECOND, Span, Time};
use differences::Differences;

/// Beats that are not counted yet, only marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beats {
    /// One for each rhythm there has been; mostly there is only one.
    rhythms: Vec<Rhythm>,
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

    /// The beats that may go on from here, at instants counted from the start of a run in which this rhythm counts from `zero`.
    #[inline]
    pub fn pulse(&self, zero: Time) -> Pulse {
        Pulse { next: zero + self.nth(self.count), every: self.every, count: 0 }
    }

    /// The beats have gone on like this.
    #[inline]
    pub fn take_in(&mut self, pulse: Pulse) {
        self.count += pulse.count;
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

/// Beats as they go on, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    /// When the next one would come.
    next: Time,
    every: Span,
    /// How many have come.
    count: u64,
}

impl Pulse {
    /// Nothing goes on.
    pub const NONE: Self = Self { next: Time::NEVER, every: Span::ZERO, count: 0 };

    /// So many more come in this rhythm, the first of them at this instant: true if they are the next beats, which are counted
    /// then.
    #[inline]
    pub fn goes_on(&mut self, first: Time, every: Span, count: u64) -> bool {
        let goes_on = first == self.next && every == self.every;
        if goes_on {
            self.next = first + every.times(count);
            self.count += count;
        }
        goes_on
    }

    /// Something comes at this instant: true if it is the next beat, which is counted then.
    #[inline]
    pub fn beats(&mut self, at: Time) -> bool {
        let beats = at == self.next;
        if beats {
            self.next = at + self.every;
            self.count += 1;
        }
        beats
    }
}

impl Beats {
    /// Counts beats, at most up to so many seconds: some in `per_second` at once, the others here.
    pub fn add(&mut self, run: Run, per_second: &mut Seconds, seconds_max: usize) {
        let mut run = run;
        if run.count == 0 || second(run.nth(run.count - 1)) >= seconds_max {
            run.count = run.before(Span::from_secs(seconds_max as u64));
        }
        let Run { count, .. } = run;
        if count == 0 {
            return;
        }
        let last = second(run.nth(count - 1));
        per_second.reach(last + 1);
        let rhythm = self.rhythm(run.every);
        if rhythm.stride == 1 && rhythm.beats > 1 {
            rhythm.mark_several_a_second(run, per_second);
        } else if 2 * rhythm.beats < count {
            (0..rhythm.beats).for_each(|beat| rhythm.mark(run.without(beat)));
        } else {
            (0..count).for_each(|index| per_second.count(second(run.nth(index)), 1));
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
    pub fn merge(&mut self, other: Self) {
        for theirs in other.rhythms {
            self.rhythm(theirs.every).differences.merge(theirs.differences);
        }
    }

    /// In how many seconds there may be beats that are only marked.
    pub fn seconds(&self) -> usize {
        self.rhythms.iter().map(|rhythm| rhythm.differences.seconds()).max().unwrap_or(0)
    }

    /// How many beats of each second are only marked, one second after the other.
    pub fn per_second(&self) -> impl Iterator<Item = u32> {
        let mut rhythms: Vec<_> =
            self.rhythms.iter().map(|rhythm| rhythm.differences.per_second(rhythm.stride)).collect();
        std::iter::from_fn(move || {
            let counts = rhythms.iter_mut().filter_map(|counts| counts.next());
            counts.reduce(u32::saturating_add)
        })
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

    /// Marks the seconds that are full of beats, and counts those at either end.
    fn mark_several_a_second(&mut self, run: Run, per_second: &mut Seconds) {
        let (first, last) = (second(run.first), second(run.nth(run.count - 1)));
        if first == last {
            return per_second.count(first, run.count as u32);
        }
        let at_first = run.before(Span::from_secs(first as u64 + 1));
        let full = (last - first - 1) as u64 * self.beats;
        per_second.count(first, at_first as u32);
        per_second.count(last, (run.count - at_first - full) as u32);
        self.differences.add(first + 1, self.beats as u32);
        self.differences.add(last, (self.beats as u32).wrapping_neg());
    }
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
            let (mut counted, mut other_counts, mut expected) = (Seconds::default(), Seconds::default(), Vec::new());
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
            beats.merge(others);
            counted.merge(other_counts);
            counted.reach(beats.seconds());
            let mut counted: Vec<u32> = counted.iter().collect();
            counted.iter_mut().zip(beats.per_second()).for_each(|(mine, more)| *mine += more);
            counted.truncate(counted.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1));
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
        let (mut beats, mut per_second) = (Beats::default(), Seconds::default());
        let (first, every) = (Span::from_millis(1_500), Span::from_secs(3));
        beats.add(Run { first, every, count: 1_000 }, &mut per_second, usize::MAX);
        assert_eq!((beats.rhythms[0].differences.marks(), beats.rhythms[0].stride), (2, 3));
        assert_eq!(per_second.iter().sum::<u32>(), 0);
        let counts: Vec<_> = beats.per_second().collect();
        assert_eq!((counts.iter().sum::<u32>(), counts[1], counts[2_998], per_second.len()), (1_000, 1, 1, 2_999));
    }
}
