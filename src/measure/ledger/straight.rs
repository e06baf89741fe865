//! Exchanges that brought their events before anything else happened: what the books say of all of it, as if each fact had
//! been taken down.
//!
//! The books of one consumer are opened for a row of them. What goes into sums is added up aside, as long as it falls into the
//! same bucket of the run's course, and counted when the row is over.

mod in_vain;

use super::bucket::Stretch;
use super::{Account, Ledger, account};
use crate::measure::tally::{Bytes, Frame, OutcomeKind, Tally};
use crate::peer::{Event, Exchange, Side};
use crate::time::Time;

/// An exchange that went straight through: a poll and its answer, or an event's first attempt, which was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Straight {
    /// Which exchange.
    pub exchange: Exchange,
    /// When the request left.
    pub left: Time,
    /// When it arrived.
    pub arrived: Time,
    /// The size of the request.
    pub request: u64,
    /// The size of its answer.
    pub response: u64,
}

/// The books of one consumer, for a row of exchanges that go straight through, all opened by the same side.
#[derive(Debug)]
pub struct StraightBooks<'b> {
    frame: Frame,
    opener: Side,
    account: &'b mut Account,
    tally: &'b mut Tally,
    /// The bucket that sums are for.
    stretch: Stretch,
    sums: Sums,
}

/// What is still to be counted.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Events, whether counted or not, and exchanges.
    passed: (u32, u32),
    /// Counted events, and those that a later one of the same record had overtaken.
    events: u64,
    overtaken: u64,
    /// Counted exchanges, and those in which the other side took part before the end of what is counted.
    exchanges: u64,
    met: u64,
    /// Of the bucket.
    in_bucket: InBucket,
}

#[derive(Clone, Copy, Debug, Default)]
struct InBucket {
    occurred: u64,
    seen: u64,
    useful: u64,
    empty: u64,
    requests: u64,
    responses: u64,
}

impl Ledger<'_> {
    /// Opens the books of a consumer for exchanges that this side opens. None where each fact has to be taken down by itself.
    #[inline]
    pub fn straight(&mut self, consumer: u32, opener: Side) -> Option<StraightBooks<'_>> {
        let Self { frame, first, accounts, faults, tally, .. } = self;
        let account = account(accounts, *first, consumer).filter(|_| faults.is_empty())?;
        let (stretch, sums) = (Stretch::default(), Sums::default());
        Some(StraightBooks { frame: *frame, opener, account, tally, stretch, sums })
    }
}

impl StraightBooks<'_> {
    /// Takes down that an event's first attempt was taken, handled and acknowledged.
    #[inline]
    pub fn delivered(&mut self, event: &Event, straight: &Straight) {
        self.moves_on_to(straight.left);
        self.passed(event, straight.arrived);
        self.exchanged(straight, true);
    }

    /// Takes down that these events occurred, one after the other, and that the first page of a poll then brought all of them,
    /// whom the consumer saw at this instant.
    #[inline]
    pub fn polled(&mut self, events: &[Event], seen_at: Time, straight: &Straight) {
        self.moves_on_to(straight.left);
        for event in events {
            self.passed(event, seen_at);
        }
        self.exchanged(straight, !events.is_empty());
    }

    /// An event has occurred and was then seen.
    #[inline]
    fn passed(&mut self, event: &Event, seen_at: Time) {
        let Self { frame, account, tally, stretch, sums, .. } = self;
        let occurred_at = event.occurred_at;
        sums.passed.0 += 1;
        let overtaken = account.view.passed(event, seen_at, frame, &mut tally.ages);
        account.age.seen(seen_at, occurred_at, frame, &mut tally.ages);
        if !frame.counts(occurred_at) {
            return;
        }
        sums.events += 1;
        sums.overtaken += u64::from(overtaken);
        let latency = seen_at.since(occurred_at);
        tally.latencies.record(latency);
        let then = stretch.index(frame, occurred_at);
        tally.bucket(then).record(latency);
        if then == stretch.index {
            sums.in_bucket.occurred += 1;
        } else {
            tally.bucket(then).occurred += 1;
        }
        if stretch.holds(seen_at) {
            sums.in_bucket.seen += 1;
        } else {
            tally.bucket(frame.bucket_index(seen_at)).seen += 1;
        }
    }

    /// An exchange has gone through.
    #[inline]
    fn exchanged(&mut self, straight: &Straight, brought: bool) {
        self.sums.passed.1 += 1;
        if !self.frame.counts(straight.left) {
            return;
        }
        self.sums.exchanges += 1;
        self.took_part(straight.left, self.opener);
        if self.frame.counts(straight.arrived) {
            self.sums.met += 1;
            self.took_part(straight.arrived, self.opener.other());
        }
        let sums = &mut self.sums.in_bucket;
        sums.useful += u64::from(brought);
        sums.empty += u64::from(!brought);
        sums.requests += straight.request;
        sums.responses += straight.response;
    }

    #[inline]
    fn took_part(&mut self, at: Time, side: Side) {
        let instant = at.since(self.frame.warmup);
        if self.opener == Side::Consumer
            && let Some(Some(steady)) = self.account.steady.get_mut(side as usize)
            && steady.go_on(instant, 1)
        {
            return;
        }
        match side {
            Side::Provider => self.tally.provider.count_in_second(instant),
            Side::Consumer | Side::Stranger => self.tally.consumer.count_in_second(instant),
        }
    }

    /// Sums are for the bucket of this instant from now on.
    #[inline]
    fn moves_on_to(&mut self, at: Time) {
        if !self.stretch.holds(at) {
            self.count_bucket();
            self.stretch = Stretch::of(&self.frame, at);
        }
    }

    fn count_bucket(&mut self) {
        let InBucket { occurred, seen, useful, empty, requests, responses } = std::mem::take(&mut self.sums.in_bucket);
        if occurred + seen + useful + empty == 0 {
            return;
        }
        let bytes = moved(self.opener, requests, responses);
        self.tally.outcomes.count_many(OutcomeKind::Useful, useful);
        self.tally.outcomes.count_many(OutcomeKind::Empty, empty);
        self.tally.provider.bytes.add(bytes[0]);
        self.tally.consumer.bytes.add(bytes[1]);
        let bucket = self.tally.bucket(self.stretch.index);
        bucket.occurred += occurred;
        bucket.seen += seen;
        bucket.outcomes.count_many(OutcomeKind::Useful, useful);
        bucket.outcomes.count_many(OutcomeKind::Empty, empty);
        bucket.provider_bytes.add(bytes[0]);
        bucket.consumer_bytes.add(bytes[1]);
    }

    /// The row is over: counts what was added up.
    #[inline]
    pub fn close(mut self) {
        self.count_bucket();
        let Self { opener, account, tally, sums, .. } = self;
        let Sums { passed: (events, exchanges), .. } = sums;
        // The events, their exchanges, and the ends of those.
        tally.transitions += u64::from(events) + 2 * u64::from(exchanges);
        if let Some(window) = account.open.get_mut(opener as usize) {
            window.skip(exchanges);
        }
        tally.events += sums.events;
        tally.delivered += sums.events;
        tally.reordered += sums.overtaken;
        tally.opened += sums.exchanges;
        let (own, other) = (sums.exchanges, sums.met);
        if opener == Side::Provider {
            account.expected.delivered(events, exchanges);
            tally.attempts += sums.exchanges;
            (tally.provider.exchanges, tally.consumer.exchanges) =
                (tally.provider.exchanges + own, tally.consumer.exchanges + other);
        } else {
            account.expected.polled(events, exchanges);
            tally.polls += sums.exchanges;
            tally.poll_rounds += sums.exchanges;
            (tally.consumer.exchanges, tally.provider.exchanges) =
                (tally.consumer.exchanges + own, tally.provider.exchanges + other);
        }
    }
}

/// What requests and responses of this opener moved at the provider and at the consumer.
#[inline]
fn moved(opener: Side, requests: u64, responses: u64) -> [Bytes; 2] {
    let own = Bytes { received: responses, sent: requests };
    let other = Bytes { received: requests, sent: responses };
    if opener == Side::Provider { [own, other] } else { [other, own] }
}
