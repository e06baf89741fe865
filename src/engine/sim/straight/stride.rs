//! Polls that cannot find anything, left out between polls that go straight through.

use crate::engine::sim::traffic::Traffic;
use crate::measure::ledger::{InVain, StraightBooks};
use crate::policy::consumer::Consumer;
use crate::policy::poller::{Foreseen, Rhythm};
use crate::policy::provider::Reading;
use crate::time::{Span, Time};
use crate::wire::{PollSizes, Wire};
use crate::workload::Ahead;

/// How polls of one consumer follow one another as long as they find nothing, and what is the same for all of them.
#[derive(Clone, Copy)]
pub(super) struct Stride {
    rhythm: Rhythm,
    there: Span,
    round_trip: Span,
    /// From here on, what leaves is counted.
    warmup: Time,
    /// What leaves before is back before the end of what is counted.
    last: Time,
}

impl Stride {
    /// None where what a poll finds decides when the next leaves.
    pub(super) fn of(poller: &Consumer, [there, back]: [Span; 2], traffic: &Traffic<'_>) -> Option<Self> {
        let (round_trip, frame) = (there + back, traffic.setup.frame);
        let rhythm = poller.rhythm(round_trip)?;
        let (warmup, last) = (frame.warmup, frame.duration - round_trip);
        Some(Self { rhythm, there, round_trip, warmup, last })
    }

    /// How many polls are left out, this one first: all that arrive before the next event occurs, as far as they are of the same
    /// size. None where it is but one, or none at all.
    #[inline]
    pub(super) fn leaves_out(&self, poll: &Foreseen, now: Time, events: &Ahead<'_>) -> Option<u32> {
        let next = events.upcoming().first().map_or(Time::NEVER, |event| event.occurred_at);
        let mut until = (next - self.there).min(self.last);
        if poll.due < self.warmup {
            until = until.min(self.warmup);
        }
        if until <= poll.due + self.rhythm.every || poll.due < now {
            return None;
        }
        let count = self.rhythm.polls_before(until, poll);
        (count > 0).then(|| Wire::alike(poll.exchange, count))
    }

    /// Leaves out so many polls, this one first; above zero. Gives back when the last ended.
    #[inline(always)]
    pub(super) fn pass(
        &self,
        (poll, count): (&Foreseen, u32),
        poller: &mut Consumer,
        reading: &mut Reading<'_>,
        sizes: &mut PollSizes<'_>,
        books: &mut StraightBooks<'_>,
    ) -> Time {
        let Self { rhythm, there, .. } = *self;
        let (first, leaves, every) = (poll.exchange, poll.due, rhythm.every);
        let tag = reading.polled(&[]);
        poller.polled_in_vain(rhythm, (poll, count), tag);
        let request = sizes.request(first, poll.after, poll.limit);
        let response = sizes.empty_page(tag);
        books.polled_in_vain(&InVain { first, leaves, every, count, there, is_known: false, request, response });
        leaves + every.times(u64::from(count - 1)) + self.round_trip
    }
}
