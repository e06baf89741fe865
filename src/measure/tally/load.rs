//! What fell on one side of a client, all in all and per second.

use crate::measure::rhythm::{Beats, Run};
use crate::measure::seconds::Seconds;
use crate::measure::tally::Bytes;
use crate::time::{SECOND, Span};

/// What fell on one side.
#[derive(Clone, Default)]
pub struct Load {
    /// Exchanges that it took part in.
    pub exchanges: u64,
    /// The same, per second of the measured stretch, as far as they are counted one by one.
    each_second: Seconds,
    /// Those that came in a steady rhythm, which are only marked.
    beats: Beats,
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

    /// Makes room for each second of a measured stretch of this length, as far as they are kept. Seconds in which nothing
    /// happens take no memory until something does.
    pub(in crate::measure) fn make_room(&mut self, measured: Span) {
        let seconds = usize::try_from(measured.as_nanos().div_ceil(SECOND)).unwrap_or(usize::MAX);
        if self.each_second.is_empty() && seconds <= Self::SECONDS_MAX {
            self.each_second = Seconds::new(seconds);
        }
    }

    /// Exchanges in each second of the measured stretch.
    pub fn per_second(&self) -> impl Iterator<Item = u32> {
        let seconds = self.each_second.len().max(self.beats.seconds());
        let counted = self.each_second.iter().chain(std::iter::repeat(0)).take(seconds);
        let mut marked = self.beats.per_second();
        counted.map(move |count| count.saturating_add(marked.next().unwrap_or(0)))
    }

    /// The most exchanges in a second; 0 without any.
    pub fn peak(&self) -> u32 {
        self.per_second().max().unwrap_or(0)
    }

    /// Counts beats of one rhythm per second.
    pub(in crate::measure) fn beat(&mut self, run: Run) {
        self.beats.add(run, &mut self.each_second, Self::SECONDS_MAX);
    }

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
        if !self.each_second.count_one(second) {
            self.count_in_later_second(second);
        }
    }

    /// In a second beyond those that there are.
    fn count_in_later_second(&mut self, second: usize) {
        if second < Self::SECONDS_MAX {
            self.each_second.reach(second + 1);
            self.each_second.count(second, 1);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.exchanges += other.exchanges;
        self.each_second.merge(other.each_second);
        self.beats.merge(other.beats);
        self.bytes.add(other.bytes);
        self.busy_nanos += other.busy_nanos;
        self.queue_max = self.queue_max.max(other.queue_max);
    }
}

impl std::fmt::Debug for Load {
    /// Tells the same of the same load, however it was counted.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut per_second: Vec<u32> = self.per_second().collect();
        per_second.truncate(per_second.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1));
        f.debug_struct("Load")
            .field("exchanges", &self.exchanges)
            .field("per_second", &per_second)
            .field("bytes", &self.bytes)
            .field("busy_nanos", &self.busy_nanos)
            .field("queue_max", &self.queue_max)
            .finish()
    }
}
