//! How old a consumer's knowledge is: exact integrals over time, in whole nanoseconds.

use crate::measure::tally::Frame;
use crate::time::Time;

/// Sums over all consumers, within the measured stretch. Whole numbers, so that they add up the same in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// Nanoseconds in which a consumer's view was out of date.
    pub stale_nanos: u128,
    /// Twice the integral over time of how long a view has been out of date, in square nanoseconds.
    stale_twice: u128,
    /// Twice the integral over time of the age of the newest event seen, in square nanoseconds.
    age_twice: u128,
    /// That age just before each event that made it less.
    peak_nanos: u128,
    /// How many such events there were.
    peaks: u64,
}

impl Ages {
    /// Adds the sums of other consumers.
    pub const fn merge(&mut self, other: &Self) {
        self.stale_nanos = self.stale_nanos.saturating_add(other.stale_nanos);
        self.stale_twice = self.stale_twice.saturating_add(other.stale_twice);
        self.age_twice = self.age_twice.saturating_add(other.age_twice);
        self.peak_nanos = self.peak_nanos.saturating_add(other.peak_nanos);
        self.peaks += other.peaks;
    }

    /// How long a view has been out of date, in milliseconds, averaged over this many nanoseconds; 0 while it is current.
    pub fn stale_age_mean_ms(&self, nanos: u128) -> Option<f64> {
        mean_ms(self.stale_twice, nanos)
    }

    /// The age of the newest event seen, in milliseconds, averaged over this many nanoseconds.
    pub fn age_mean_ms(&self, nanos: u128) -> Option<f64> {
        mean_ms(self.age_twice, nanos)
    }

    /// The same age in milliseconds, averaged over the instants just before it fell; none if it never did.
    pub fn age_peak_mean_ms(&self) -> Option<f64> {
        (self.peaks > 0).then(|| self.peak_nanos as f64 / self.peaks as f64 / 1e6)
    }

    /// The same as [`Self::was_stale`] from one instant to a later one, both in the measured stretch.
    #[inline]
    pub(super) fn was_stale_calmly(&mut self, oldest: Time, from: Time, until: Time) {
        self.stale_nanos += u128::from(until.since(from).as_nanos());
        self.stale_twice = self.stale_twice.saturating_add(twice_the_calm_integral(oldest, from, until));
    }

    /// A view was out of date from one instant to another, and its oldest change not known had occurred at `oldest`.
    pub(super) fn was_stale(&mut self, frame: &Frame, oldest: Time, from: Time, until: Time) {
        self.stale_nanos += u128::from(frame.measured_within(from, until).as_nanos());
        self.stale_twice = self.stale_twice.saturating_add(twice_the_integral(frame, oldest, from, until));
    }
}

/// None where the sum has run over, which takes thousands of consumers for whose views nothing changes in years.
fn mean_ms(twice: u128, nanos: u128) -> Option<f64> {
    (nanos > 0 && twice < u128::MAX).then(|| twice as f64 / 2.0 / nanos as f64 / 1e6)
}

/// Twice the integral of the time since `origin` from one instant to another, as far as they lie in the measured stretch.
fn twice_the_integral(frame: &Frame, origin: Time, from: Time, until: Time) -> u128 {
    let clip = |at: Time| at.max(frame.warmup).min(frame.duration);
    let age = |at: Time| clip(at).since(origin).as_nanos();
    let (from, until) = (age(from), age(until));
    // The difference of two squares; their sum is at most twice the longest age, and the product less than a square.
    u128::from(until.saturating_sub(from)) * (u128::from(until) + u128::from(from))
}

/// The same as [`twice_the_integral`] from one instant to a later one, both in the measured stretch and not as far off that
/// their sum would be beyond all numbers.
#[inline]
fn twice_the_calm_integral(origin: Time, from: Time, until: Time) -> u128 {
    let (from, until) = (from.since(origin).as_nanos(), until.since(origin).as_nanos());
    u128::from(until.saturating_sub(from)) * u128::from(until.saturating_add(from))
}

/// The age of information at one consumer: how long ago the newest event that it has seen occurred. The start of the run
/// counts as seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Age {
    /// When the newest event seen occurred.
    newest: Time,
    /// Up to when this has been added up.
    until: Time,
}

impl Age {
    /// The consumer has seen an event that occurred at `occurred_at`.
    pub(super) fn seen(&mut self, at: Time, occurred_at: Time, frame: &Frame, ages: &mut Ages) {
        if occurred_at <= self.newest {
            return;
        }
        self.close(at, frame, ages);
        if frame.counts(at) {
            ages.peaks += 1;
            ages.peak_nanos = ages.peak_nanos.saturating_add(at.since(self.newest).as_nanos().into());
        }
        self.newest = occurred_at;
    }

    /// Whether all before this instant has been added up.
    #[inline]
    pub(super) fn is_added_up_until(&self, at: Time) -> bool {
        self.until >= at
    }

    /// The same as [`Self::seen`], where all before the measured stretch has been added up, and it is not over.
    #[inline]
    pub(super) fn seen_calmly(&mut self, at: Time, occurred_at: Time, ages: &mut Ages) {
        if occurred_at <= self.newest {
            return;
        }
        if at > self.until {
            ages.age_twice = ages.age_twice.saturating_add(twice_the_calm_integral(self.newest, self.until, at));
            self.until = at;
        }
        ages.peaks += 1;
        // Fewer than 2^64 of less than 2^64 each.
        ages.peak_nanos += u128::from(at.since(self.newest).as_nanos());
        self.newest = occurred_at;
    }

    /// Adds up what has passed until now.
    pub(super) fn close(&mut self, at: Time, frame: &Frame, ages: &mut Ages) {
        ages.age_twice = ages.age_twice.saturating_add(twice_the_integral(frame, self.newest, self.until, at));
        self.until = self.until.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    const fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn the_age_is_a_saw_whose_area_is_known() {
        let frame = Frame::new(at(10), at(100), at(200));
        let (mut age, mut ages) = (Age::default(), Ages::default());
        // Seen at 30 what occurred at 20, at 50 what occurred at 45, then something older; at 150 what occurred at 90.
        for (seen, occurred) in [(30, 20), (50, 45), (60, 40), (150, 90)] {
            age.seen(at(seen), at(occurred), &frame, &mut ages);
        }
        age.close(at(200), &frame, &mut ages);
        // From 10 to 30 the age goes from 10 to 30, from 30 to 50 from 10 to 30, from 50 to 100 from 5 to 55.
        let twice = (900 - 100) + (900 - 100) + (55 * 55 - 25);
        assert_eq!((ages.age_twice, ages.peak_nanos, ages.peaks), (twice, 30 + 30, 2));
        assert_eq!(ages.age_mean_ms(90), Some(twice as f64 / 2.0 / 90.0 / 1e6));
        assert_eq!(ages.age_peak_mean_ms(), Some(30.0 / 1e6));
        assert_eq!((Ages::default().age_peak_mean_ms(), ages.age_mean_ms(0)), (None, None));
    }

    #[test]
    fn sums_that_run_over_say_nothing() {
        let end = Time::ZERO + Span::MAX;
        let frame = Frame::new(Time::ZERO, end, end);
        let mut ages = Ages::default();
        (0..2).for_each(|_| Age::default().close(end, &frame, &mut ages));
        assert_eq!(ages.age_mean_ms(1), None);
    }
}
