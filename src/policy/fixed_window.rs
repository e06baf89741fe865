//! A limit of so many requests in each stretch of time, counted anew when the next stretch begins.

use crate::time::{Span, Time};

/// The requests of one caller in the present stretch of time, which began with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    limit: u32,
    length: Span,
    began: Option<Time>,
    used: u32,
}

impl FixedWindow {
    /// At most `limit` requests in each stretch of this `length`, which is above zero.
    pub const fn new(limit: u32, length: Span) -> Self {
        Self { limit, length, began: None, used: 0 }
    }

    /// Takes one request out of what is left; false if nothing is.
    pub fn take(&mut self, now: Time) -> bool {
        self.turn(now);
        if self.used >= self.limit {
            return false;
        }
        self.began.get_or_insert(now);
        self.used += 1;
        true
    }

    /// Gives back the request that was taken at this earlier instant, unless its stretch is over.
    pub fn give_back(&mut self, now: Time, taken_at: Time) {
        self.turn(now);
        if self.began.is_some_and(|began| began <= taken_at) {
            self.used = self.used.saturating_sub(1);
        }
    }

    /// The most requests in one stretch.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many requests were taken in the present stretch.
    pub fn used(&mut self, now: Time) -> u32 {
        self.turn(now);
        self.used
    }

    /// When the present stretch ends; one that has not begun would begin now.
    pub fn ends_at(&mut self, now: Time) -> Time {
        self.turn(now);
        self.began.unwrap_or(now) + self.length
    }

    /// Forgets a stretch that is over.
    fn turn(&mut self, now: Time) {
        if self.began.is_some_and(|began| now >= began + self.length) {
            (self.began, self.used) = (None, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_begins_with_its_first_request_and_ends_on_time() {
        let at = |seconds| Time::ZERO + Span::from_secs(seconds);
        let mut window = FixedWindow::new(2, Span::from_secs(10));
        assert_eq!((window.used(at(5)), window.ends_at(at(5))), (0, at(15)));
        assert!(window.take(at(7)) && window.take(at(16)));
        assert_eq!((window.used(at(16)), window.ends_at(at(16))), (2, at(17)));
        assert!(!window.take(at(16)), "nothing is left");
        assert_eq!(window.ends_at(at(16)), at(17), "being turned away does not prolong it");
        assert!(window.take(at(17)), "the next stretch has begun");
        assert_eq!((window.used(at(17)), window.ends_at(at(17))), (1, at(27)));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_within_its_stretch_only() {
        let at = |seconds| Time::ZERO + Span::from_secs(seconds);
        let mut window = FixedWindow::new(1, Span::from_secs(10));
        assert!(window.take(at(0)) && !window.take(at(1)));
        window.give_back(at(2), at(0));
        assert!(window.take(at(3)), "within the stretch that began at 0");
        assert_eq!(window.ends_at(at(3)), at(10), "giving back does not move the stretch");
        assert!(window.take(at(12)), "the next stretch");
        window.give_back(at(13), at(3));
        assert_eq!(window.used(at(13)), 1, "what was taken in the stretch before does not count here");
    }

    #[test]
    fn a_limit_of_none_lets_nothing_through() {
        let mut window = FixedWindow::new(0, Span::from_secs(1));
        assert!(!window.take(Time::ZERO) && !window.take(Time::ZERO + Span::from_secs(5)));
    }
}
