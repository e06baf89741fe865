//! How many requests a second there have been of late.

use crate::time::{SECOND, Span, Time};

/// Into so many parts the stretch that is looked back on is cut.
const PARTS: usize = 16;

/// Counts what happens, and forgets it after a while.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    part: Span,
    newest: u64,
    counts: [u32; PARTS],
    latest: f64,
    peak: f64,
}

impl Rate {
    /// A rate over so long a stretch of time.
    pub(super) fn over(stretch: Span) -> Self {
        let part = Span::from_nanos(stretch.as_nanos() / PARTS as u64).max(Span::from_nanos(1));
        Self { part, newest: 0, counts: [0; PARTS], latest: 0.0, peak: 0.0 }
    }

    /// Counts something that happened.
    pub(super) fn count(&mut self, at: Time) {
        let place = self.advance(at);
        if place + PARTS as u64 > self.newest {
            let count = &mut self.counts[(place % PARTS as u64) as usize];
            *count = count.saturating_add(1);
        }
    }

    /// Works out how many there were a second up to an instant, over the parts that are complete.
    pub(super) fn look(&mut self, now: Time) {
        self.advance(now);
        let complete = self.newest.min(PARTS as u64 - 1);
        if complete == 0 {
            return;
        }
        let parts = self.newest - complete..self.newest;
        let sum: u64 = parts.map(|place| u64::from(self.counts[(place % PARTS as u64) as usize])).sum();
        let seconds = complete as f64 * self.part.as_nanos() as f64 / SECOND as f64;
        self.latest = sum as f64 / seconds;
        // The first few say little.
        if complete >= PARTS as u64 / 2 {
            self.peak = self.peak.max(self.latest);
        }
    }

    /// How many there were a second when [`Self::look`] looked last.
    pub(super) const fn latest(&self) -> f64 {
        self.latest
    }

    /// The most that there ever were.
    pub(super) const fn peak(&self) -> f64 {
        self.peak
    }

    /// Empties the parts that begin anew; gives back the one that an instant falls into.
    fn advance(&mut self, at: Time) -> u64 {
        let place = at.as_nanos() / self.part.as_nanos();
        let passed = place.saturating_sub(self.newest).min(PARTS as u64);
        for step in 0..passed {
            self.counts[((place - step) % PARTS as u64) as usize] = 0;
        }
        self.newest = self.newest.max(place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_steady_rate_is_told_and_a_past_one_forgotten() {
        let mut rate = Rate::over(Span::from_secs(2));
        let look = |rate: &mut Rate, millis| {
            rate.look(at(millis));
            rate.latest()
        };
        assert_eq!(look(&mut rate, 10), 0.0);
        for step in 0..100 {
            rate.count(at(step * 100));
        }
        let told = look(&mut rate, 9_950);
        assert!((told - 10.0).abs() < 1.0, "{told}");
        // Late, but not too late, and too late.
        rate.count(at(9_000));
        rate.count(at(1));
        assert!(look(&mut rate, 9_950) > told);
        assert_eq!(look(&mut rate, 20_000), 0.0);
        assert!(rate.peak() >= told);
        rate.count(Time::NEVER);
    }
}
