//! What fell on one side of a client, all in all and per second.

use crate::measure::rhythm::Beats;
use crate::measure::tally::Bytes;
use crate::time::{SECOND, Span};

/// What fell on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Exchanges that it took part in.
    pub exchanges: u64,
    /// The same, per second of the measured stretch.
    pub per_second: Vec<u32>,
    /// Those that are only marked, to be counted per second by [`super::Tally::settle`].
    pub(in crate::measure) beats: Beats,
    /// Bytes of counted exchanges.
    pub bytes: Bytes,
    /// Nanoseconds that its workers were busy, added over the workers.
    pub busy_nanos: u128,
    /// The most requests that waited for a worker at the same time.
    pub queue_max: u32,
}

impl Load {
    /// The longest stretch, in seconds, of which each second is kept: about 97 days. Longer runs have no peak.
    pub const SECONDS_MAX: usize = 1 << 23;

    /// Counts an exchange in which the side took part so long after the warm-up.
    #[inline]
    pub(in crate::measure) fn took_part(&mut self, instant: Span) {
        self.exchanges += 1;
        self.count_in_second(instant);
    }

    /// Counts such an exchange in its second alone.
    #[inline]
    pub(in crate::measure) fn count_in_second(&mut self, instant: Span) {
        let second = (instant.as_nanos() / SECOND) as usize;
        match self.per_second.get_mut(second) {
            Some(count) => *count = count.saturating_add(1),
            None => self.count_in_later_second(second),
        }
    }

    /// In a second beyond those that there are.
    fn count_in_later_second(&mut self, second: usize) {
        if second < Self::SECONDS_MAX {
            self.per_second.resize(second, 0);
            self.per_second.push(1);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        add_each(&mut self.per_second, &other.per_second);
        self.beats.merge(&other.beats);
        self.bytes.add(other.bytes);
        self.busy_nanos += other.busy_nanos;
        self.queue_max = self.queue_max.max(other.queue_max);
    }
}

fn add_each(mine: &mut Vec<u32>, theirs: &[u32]) {
    if mine.len() < theirs.len() {
        mine.resize(theirs.len(), 0);
    }
    for (a, b) in mine.iter_mut().zip(theirs) {
        *a = a.saturating_add(*b);
    }
}
