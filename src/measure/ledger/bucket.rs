//! The bucket of the run's course that an instant falls into.

use crate::measure::tally::Frame;
use crate::time::Time;

/// The bucket that was asked for last: mostly the next one asked for is the same, and needs no division.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastBucket {
    /// The stretch of time in which it lies; empty before the first.
    from: Time,
    until: Time,
    index: usize,
}

impl LastBucket {
    /// The bucket that an instant falls into ([`Frame::bucket_index`]).
    #[inline]
    pub(super) fn index(&mut self, frame: &Frame, at: Time) -> usize {
        if at < self.from || at >= self.until {
            self.index = frame.bucket_index(at);
            self.from = frame.warmup + frame.bucket().times(self.index as u64);
            self.until = self.from + frame.bucket();
        }
        self.index
    }
}
