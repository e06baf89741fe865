//! What is missing and what came out of order, in streams of events with numbers or times, and within bounds: a stranger
//! may send any number, and any number of streams.

use std::collections::{BTreeMap, VecDeque};

use super::known::Fingerprint;

/// Streams that are followed. Of any other nothing is said.
const STREAMS_MAX: usize = 4_096;
/// How far behind the newest number of a stream another one may still come and fill its gap.
const WINDOW: u64 = 65_536;

const WORD: u64 = 64;

/// The streams of events.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: BTreeMap<Fingerprint, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    numbers: Option<Numbers>,
    newest_nanos: Option<i128>,
}

/// The numbers of one stream that have come.
#[derive(Debug)]
struct Numbers {
    newest: u64,
    /// Bit 0 of the first word stands for this number.
    base: u64,
    words: VecDeque<u64>,
    /// Numbers before `base` that never came.
    missed: u64,
}

impl Streams {
    /// Takes an event of a stream that came for the first time; true if one that is newer came before it.
    pub(super) fn take(&mut self, stream: Fingerprint, number: Option<u64>, at_nanos: Option<i128>) -> bool {
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&stream) {
            return false;
        }
        let stream = self.streams.entry(stream).or_default();
        let is_older = at_nanos.is_some_and(|at| stream.newest_nanos.is_some_and(|newest| at < newest));
        stream.newest_nanos = stream.newest_nanos.max(at_nanos);
        match (number, &mut stream.numbers) {
            (Some(number), Some(numbers)) => numbers.take(number),
            (Some(number), none) => {
                *none = Some(Numbers::starting_at(number));
                false
            }
            (None, _) => is_older,
        }
    }

    /// Numbers between the first and the newest of each stream that have not come.
    pub(super) fn missing(&self) -> u64 {
        let numbers = self.streams.values().filter_map(|stream| stream.numbers.as_ref());
        numbers.fold(0, |sum, numbers| sum.saturating_add(numbers.missing()))
    }
}

impl Numbers {
    fn starting_at(number: u64) -> Self {
        Self { newest: number, base: number, words: VecDeque::from([1]), missed: 0 }
    }

    /// Takes a number; true if a larger one came before it.
    fn take(&mut self, number: u64) -> bool {
        let is_older = number < self.newest;
        self.newest = self.newest.max(number);
        let Some(offset) = number.checked_sub(self.base) else {
            // Before the first number, or too late to tell which gap it fills.
            self.missed = self.missed.saturating_sub(1);
            return is_older;
        };
        if offset >= WINDOW {
            self.advance(offset - WINDOW + 1);
        }
        let offset = number - self.base;
        let word = (offset / WORD) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (offset % WORD);
        is_older
    }

    /// Lets go of at least so many numbers at the front, in whole words.
    fn advance(&mut self, numbers: u64) {
        let words = numbers.div_ceil(WORD);
        let held = self.words.len() as u64;
        for _ in 0..words.min(held) {
            let zeros = self.words.pop_front().map_or(0, u64::count_zeros);
            self.missed = self.missed.saturating_add(zeros.into());
        }
        self.missed = self.missed.saturating_add(words.saturating_sub(held).saturating_mul(WORD));
        self.base = self.base.saturating_add(words.saturating_mul(WORD));
    }

    fn missing(&self) -> u64 {
        let came: u64 = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
        let held = (self.newest - self.base).saturating_add(1);
        self.missed.saturating_add(held.saturating_sub(came))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take_all(numbers: &[u64]) -> (Vec<bool>, u64) {
        let mut streams = Streams::default();
        let older = numbers.iter().map(|number| streams.take(1, Some(*number), None)).collect();
        (older, streams.missing())
    }

    #[test]
    fn gaps_are_what_never_came() {
        assert_eq!(take_all(&[5, 6, 7]), (vec![false; 3], 0));
        assert_eq!(take_all(&[1, 2, 5]), (vec![false; 3], 2));
        assert_eq!(take_all(&[1, 2, 5, 4]), (vec![false, false, false, true], 1));
        assert_eq!(take_all(&[1, 1_000_000]).1, 999_998);
        assert_eq!(take_all(&[0, u64::MAX]).1, u64::MAX - 1);
        assert_eq!(take_all(&[u64::MAX, 0]), (vec![false, true], 0));
    }

    #[test]
    fn times_order_what_has_no_numbers() {
        let mut streams = Streams::default();
        let older: Vec<_> = [3, 5, 5, 4, -1].map(|at| streams.take(1, None, Some(at))).into();
        assert_eq!(older, [false, false, false, true, true]);
        assert!(!streams.take(2, None, Some(0)), "each stream by itself");
    }

    #[test]
    fn strangers_cannot_make_it_follow_any_number_of_streams() {
        let mut streams = Streams::default();
        for stream in 0..2 * STREAMS_MAX as u128 {
            streams.take(stream, Some(1), None);
            streams.take(stream, Some(3), None);
        }
        assert_eq!((streams.streams.len(), streams.missing()), (STREAMS_MAX, STREAMS_MAX as u64));
    }

    fn shuffled() -> impl Strategy<Value = Vec<u64>> {
        let numbers = prop::collection::btree_set(1_000u64..3_000, 1..200);
        numbers.prop_map(|set| set.into_iter().collect::<Vec<_>>()).prop_shuffle()
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(numbers in shuffled()) {
            let first = numbers[0];
            let (_, missing) = take_all(&numbers);
            let counted = numbers.iter().filter(|number| **number >= first).count() as u64;
            let newest = *numbers.iter().max().unwrap_or(&first);
            prop_assert_eq!(missing, newest - first + 1 - counted);
        }

        #[test]
        fn no_number_is_too_large(numbers in prop::collection::vec(any::<u64>(), 1..100)) {
            let mut streams = Streams::default();
            for number in numbers {
                streams.take(1, Some(number), None);
                let numbers = streams.streams.get(&1).and_then(|stream| stream.numbers.as_ref());
                prop_assert!(numbers.is_some_and(|numbers| numbers.words.len() as u64 <= WINDOW / WORD));
            }
            streams.missing();
        }
    }
}
