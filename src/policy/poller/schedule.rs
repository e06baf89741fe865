//! When the next poll is due.

use crate::policy::poller::pace::{Pace, Yield};
use crate::policy::poller::values::{Jitter, Phase, PollPolicy, Strategy, Timing};
use crate::seed::{Draw, Purpose, Seed};
use crate::time::{Span, Time};

/// How long a long poll that failed is not repeated, lest it fails again and again without a pause.
const FAILURE_PAUSE: Span = Span::from_secs(1);

/// A place on the schedule: the number of a poll, and when it is due.
pub(super) type Slot = (u32, Time);

/// The schedule of one poller.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    every: Span,
    timing: Timing,
    jitter: Jitter,
    strategy: Strategy,
    seed: Seed,
    consumer: u32,
    /// Where the grid begins, with the number of the poll there.
    origin: Slot,
    pace: Pace,
    /// The next poll, or the open one.
    slot: Slot,
    /// The interval that the provider wishes.
    wished: Span,
    /// No poll may leave before.
    not_before: Time,
}

impl Schedule {
    /// The first poll is due at the phase.
    pub(super) fn new(policy: &PollPolicy, seed: Seed, consumer: u32) -> Self {
        let within = match policy.strategy {
            Strategy::LongPoll { hold } if policy.every.is_zero() => hold,
            _ => policy.every,
        };
        let phase = match policy.phase {
            Phase::Aligned => Time::ZERO,
            Phase::Random => {
                let draw = seed.draw(Purpose::PollPhase, [consumer.into(), 0, 0]);
                Time::from_nanos(draw.below(within.as_nanos()))
            }
        };
        let mut schedule = Self {
            every: policy.every,
            timing: policy.timing,
            jitter: policy.jitter,
            strategy: policy.strategy,
            seed,
            consumer,
            origin: (0, phase),
            pace: Pace::new(policy),
            slot: (0, phase),
            wished: Span::ZERO,
            not_before: Time::ZERO,
        };
        if schedule.has_grid() {
            schedule.slot = schedule.grid_point(0);
        }
        schedule
    }

    /// The next poll, or the open one.
    pub(super) const fn slot(&self) -> Slot {
        self.slot
    }

    /// Begins anew: the next poll is due there, or the first of a grid that begins there. Nothing of what was learnt is kept.
    pub(super) fn restart(&mut self, policy: &PollPolicy, at: Time) {
        // Numbers go on, so that each poll has luck of its own.
        let number = self.slot.0.saturating_add(1);
        (self.origin, self.slot) = ((number, at), (number, at));
        (self.pace, self.wished, self.not_before) = (Pace::new(policy), Span::ZERO, Time::ZERO);
        if self.has_grid() {
            self.slot = self.grid_point(number);
        }
    }

    /// The provider wishes an interval of this length, or none in particular.
    pub(super) fn wish(&mut self, interval: Option<Span>) {
        self.wished = interval.unwrap_or(Span::ZERO);
    }

    /// The provider does not want to be asked before this instant.
    pub(super) fn wait_until(&mut self, instant: Time) {
        self.not_before = self.not_before.max(instant);
    }

    /// Plans the poll after the one that left at `left` and ended now, with an answer or without: also one that brought
    /// something may have failed in the end.
    #[inline]
    pub(super) fn ended(&mut self, left: Time, now: Time, result: Yield, answered: bool) {
        if self.jitter == Jitter::None && self.has_grid() && self.wished.is_zero() {
            // Mostly nothing has fallen due while the poll was open.
            let next = self.steady_point(self.slot.0.saturating_add(1));
            if next.1 >= now.max(self.not_before) {
                self.slot = next;
                return;
            }
        }
        self.plan(left, now, result, answered);
    }

    fn plan(&mut self, left: Time, now: Time, result: Yield, answered: bool) {
        self.pace.learn(left, result);
        let (poll, due) = self.slot;
        let counts_from = match self.timing {
            Timing::FixedDelay => now,
            Timing::FixedRate => left,
        };
        self.slot = match (self.strategy, self.timing) {
            (Strategy::LongPoll { .. }, _) => (poll.saturating_add(1), now + self.pause(poll, answered)),
            (_, Timing::FixedDelay) => (poll.saturating_add(1), now + self.gap(poll)),
            (_, Timing::FixedRate) => self.after(poll, due, now),
        };
        let earliest = self.not_before.max(if self.wished.is_zero() { Time::ZERO } else { counts_from + self.wished });
        if self.slot.1 < earliest {
            self.slot.1 = earliest + self.scatter(poll);
        }
    }

    /// The first place on the schedule behind a poll and not before now: the polls that fell due while it was open are
    /// skipped.
    fn after(&self, poll: u32, due: Time, now: Time) -> Slot {
        let interval = self.pace.interval().as_nanos().max(1);
        match self.jitter {
            Jitter::None if self.has_grid() => {
                let (first, origin) = self.origin;
                let number = u32::try_from(now.since(origin).as_nanos().div_ceil(interval)).unwrap_or(u32::MAX);
                self.grid_point(first.saturating_add(number).max(poll.saturating_add(1)))
            }
            Jitter::None => {
                let intervals = now.since(due).as_nanos().div_ceil(interval).max(1);
                let skipped = u32::try_from(intervals).unwrap_or(u32::MAX);
                (poll.saturating_add(skipped), due + Span::from_nanos(interval).times(intervals))
            }
            Jitter::Gap(_) | Jitter::Grid(_) | Jitter::Exponential => {
                let step = |(poll, due): Slot| match self.has_grid() {
                    true => self.grid_point(poll.saturating_add(1)),
                    false => (poll.saturating_add(1), due + self.gap(poll)),
                };
                let mut slot = step((poll, due));
                while slot.1 < now {
                    slot = step(slot);
                }
                slot
            }
        }
    }

    /// How many places on the schedule it is from one poll to the next, and how long, if every poll ends after `round_trip`.
    /// None where that is not always the same.
    pub(super) fn rhythm(&self, round_trip: Span) -> Option<(u32, Span)> {
        let is_steady = self.strategy == Strategy::Fixed && self.jitter == Jitter::None;
        match self.timing {
            _ if !is_steady || self.every.is_zero() => None,
            Timing::FixedDelay => Some((1, self.every + round_trip)),
            Timing::FixedRate if round_trip <= self.every => Some((1, self.every)),
            // What falls due while a poll is open is skipped.
            Timing::FixedRate => {
                let places = round_trip.as_nanos().div_ceil(self.every.as_nanos());
                Some((u32::try_from(places).ok()?, self.every.times(places)))
            }
        }
    }

    /// Goes on by so many places, which take so long.
    pub(super) fn skip(&mut self, places: u32, time: Span) {
        let (poll, due) = self.slot;
        self.slot = (poll.saturating_add(places), due + time);
    }

    /// Whether polls are due at multiples of a fixed interval.
    const fn has_grid(&self) -> bool {
        let is_steady = matches!(self.strategy, Strategy::Fixed);
        is_steady && matches!((self.timing, self.jitter), (Timing::FixedRate, Jitter::None | Jitter::Grid(_)))
    }

    fn grid_point(&self, poll: u32) -> Slot {
        let (_, due) = self.steady_point(poll);
        match self.jitter {
            Jitter::Grid(spread) => (poll, due + self.every.scale(spread * self.jitter_draw(poll).unit())),
            Jitter::None | Jitter::Gap(_) | Jitter::Exponential => (poll, due),
        }
    }

    /// The same where there is no jitter.
    #[inline]
    fn steady_point(&self, poll: u32) -> Slot {
        let (first, origin) = self.origin;
        (poll, origin + self.every.times(poll.saturating_sub(first).into()))
    }

    fn gap(&self, poll: u32) -> Span {
        let interval = self.pace.interval();
        match self.jitter {
            // Never nothing, lest a spread of 1 makes two polls at one instant and a deadline that has passed.
            Jitter::Gap(spread) => {
                let factor = 1.0 + spread * (2.0 * self.jitter_draw(poll).unit() - 1.0);
                interval.scale(factor).max(Span::from_nanos(1))
            }
            Jitter::Exponential => interval.scale(self.jitter_draw(poll).exponential()).max(Span::from_nanos(1)),
            Jitter::None | Jitter::Grid(_) => interval,
        }
    }

    /// How long a long poll that has ended is not followed by the next.
    fn pause(&self, poll: u32, answered: bool) -> Span {
        let pause = if self.every.is_zero() { Span::ZERO } else { self.gap(poll) };
        if answered { pause } else { pause.max(self.every).max(FAILURE_PAUSE) }
    }

    /// How much later than told a poll leaves, so that not all who were told the same come back together.
    fn scatter(&self, poll: u32) -> Span {
        match self.jitter {
            Jitter::Gap(spread) => {
                let draw = self.seed.draw(Purpose::PollRestart, [self.consumer.into(), poll.into(), 0]);
                self.every.scale(spread * draw.unit())
            }
            // Whoever comes at random comes at random after a wait as well.
            Jitter::Exponential => {
                let draw = self.seed.draw(Purpose::PollRestart, [self.consumer.into(), poll.into(), 0]);
                self.every.scale(draw.exponential())
            }
            Jitter::None | Jitter::Grid(_) => Span::ZERO,
        }
    }

    fn jitter_draw(&self, poll: u32) -> Draw {
        self.seed.draw(Purpose::PollJitter, [self.consumer.into(), poll.into(), 0])
    }
}
