//! Events drawn several at a time.

use crate::peer::Event;
use crate::time::Time;
use crate::workload::Events;

/// The events of one consumer, drawn ahead: one draw does not wait for another, so that a processor works on several at the
/// same time, and none has to be waited for when its event is due.
#[derive(Clone, Debug)]
pub struct Ahead<'a> {
    events: Events<'a>,
    /// How many events are drawn at a time.
    at_once: usize,
    /// Events that are drawn, from `given` on: none only if there are no more.
    drawn: Vec<Event>,
    /// How many of them have been given away.
    given: usize,
}

impl<'a> Ahead<'a> {
    /// All of these events, of which so many are drawn at a time; above zero.
    pub fn new(events: Events<'a>, at_once: usize) -> Self {
        let mut ahead = Self { events, at_once, drawn: Vec::with_capacity(at_once), given: 0 };
        ahead.draw();
        ahead
    }

    /// The next events, as far as they are drawn.
    #[inline]
    pub fn upcoming(&self) -> &[Event] {
        self.drawn.get(self.given..).unwrap_or_default()
    }

    /// How many events come up to this instant, if those are no more than `most`; else more than that. The event behind them
    /// is drawn too, if there is one.
    #[inline]
    pub fn count_until(&mut self, at: Time, most: usize) -> usize {
        let mut count = 0;
        loop {
            let next = self.upcoming().get(count).map(|event| event.occurred_at);
            match next {
                Some(next) if next <= at && count <= most => count += 1,
                None if self.draw() => {}
                _ => return count,
            }
        }
    }

    /// Passes over so many of those that are drawn.
    #[inline]
    pub fn pass_over(&mut self, count: usize) {
        self.given += count;
        if self.given >= self.drawn.len() {
            self.draw();
        }
    }

    /// Draws more; false if there are no more.
    fn draw(&mut self) -> bool {
        self.drawn.drain(..self.given.min(self.drawn.len()));
        self.given = 0;
        let before = self.drawn.len();
        self.events.draw_several(self.at_once, &mut self.drawn);
        self.drawn.len() > before
    }
}

impl Iterator for Ahead<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        let event = self.upcoming().first().copied()?;
        self.pass_over(1);
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::time::Span;
    use crate::workload::{Arrivals, Workload};

    #[test]
    fn drawn_ahead_or_one_by_one_they_are_the_same_events() {
        let until = Time::ZERO + Span::from_secs(100);
        let workload = Workload::new(Seed::new(3), Arrivals::Poisson { gap_nanos: 1e9 }, 10, 0, until);
        let all: Vec<_> = workload.events(5).collect();
        for at_once in [1, 3, 1_000] {
            assert_eq!(Ahead::new(workload.events(5), at_once).collect::<Vec<_>>(), all);
            let mut ahead = Ahead::new(workload.events(5), at_once);
            let mut seen = Vec::new();
            for second in 1..=110 {
                let at = Time::ZERO + Span::from_secs(second);
                let expected = all.iter().filter(|event| event.occurred_at <= at).count() - seen.len();
                assert_eq!(ahead.count_until(at, 0), expected.min(1), "more than allowed is not counted");
                let count = ahead.count_until(at, usize::MAX - 1);
                assert_eq!(count, expected);
                let next = all.get(seen.len() + count);
                assert_eq!(ahead.upcoming().get(count), next, "the one behind them is drawn");
                seen.extend_from_slice(&ahead.upcoming()[..count]);
                ahead.pass_over(count);
            }
            assert_eq!(seen, all);
        }
    }
}
