//! The bucket of the run's course that an instant falls into.

use crate::measure::tally::Frame;
use crate::time::Time;

/// A bucket, and the stretch of time in which it lies.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch {
    /// Empty before there is any.
    from: Time,
    pub(super) until: Time,
    /// The index of the bucket.
    pub(super) index: usize,
}

impl Stretch {
    /// The one that an instant falls into ([`Frame::bucket_index`]).
    pub(super) fn of(frame: &Frame, at: Time) -> Self {
        let index = frame.bucket_index(at);
        let from = frame.warmup + frame.bucket().times(index as u64);
        Self { from, until: from + frame.bucket(), index }
    }

    /// Whether an instant falls into it.
    #[inline]
    pub(super) fn holds(&self, at: Time) -> bool {
        self.from <= at && at < self.until
    }

    /// The bucket that an instant falls into, which mostly is this.
    #[inline]
    pub(super) fn index(&self, frame: &Frame, at: Time) -> usize {
        if self.holds(at) { self.index } else { frame.bucket_index(at) }
    }
}

/// The bucket that was asked for last: mostly the next one asked for is the same, and needs no division.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastBucket(Stretch);

impl LastBucket {
    /// The bucket that an instant falls into ([`Frame::bucket_index`]).
    #[inline]
    pub(super) fn index(&mut self, frame: &Frame, at: Time) -> usize {
        if !self.0.holds(at) {
            self.0 = Stretch::of(frame, at);
        }
        self.0.index
    }
}
