//! Exchanges that brought their events before anything else happened: what the books say of all of it, as if each fact had
//! been taken down.
//!
//! The books of one consumer are opened for a row of them. What goes into sums is added up aside, as long as it falls into the
//! same bucket of the run's course, and counted when the row is over.

mod in_vain;

use super::bucket::Stretch;
use super::{Account, Ledger, account};
use crate::measure::histogram::Sums as LatencySums;
use crate::measure::rhythm::Pulse;
use crate::measure::tally::{Bytes, Frame, OutcomeKind, Tally};
use crate::peer::{Event, Exchange, Side};
use crate::time::Time;

/// What lies before this instant, some 146 years after the start, is added up without a thought of the ends of numbers.
const FAR: Time = Time::from_nanos(1 << 62);

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
    /// Before this instant, and from the end of the warm-up on, all is counted and nothing has to be cut off.
    calm_until: Time,
    /// The bucket that sums are for.
    stretch: Stretch,
    sums: Sums,
    /// The rhythms in which the consumer and the provider have taken part so far, as they go on.
    pulses: [Pulse; 2],
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
    /// Of the latencies whose cells are marked already.
    latencies: LatencySums,
}

impl Ledger<'_> {
    /// Opens the books of a consumer for exchanges that this side opens. None where each fact has to be taken down by itself.
    #[inline]
    pub fn straight(&mut self, consumer: u32, opener: Side) -> Option<StraightBooks<'_>> {
        let Self { frame, first, accounts, faults, tally, .. } = self;
        let account = account(accounts, *first, consumer).filter(|_| faults.is_empty())?;
        let (stretch, sums, calm_until) = (Stretch::default(), Sums::default(), frame.duration.min(FAR));
        let pulses = match opener {
            Side::Consumer => account.steady.map(|run| run.map_or(Pulse::NONE, |run| run.pulse(frame.warmup))),
            Side::Provider | Side::Stranger => [Pulse::NONE; 2],
        };
        Some(StraightBooks { frame: *frame, opener, account, tally, calm_until, stretch, sums, pulses })
    }
}

impl StraightBooks<'_> {
    /// Takes down that an event's first attempt was taken, handled and acknowledged.
    #[inline]
    pub fn delivered(&mut self, event: &Event, straight: &Straight) {
        self.moves_on_to(straight.left);
        if self.is_calm(event.occurred_at, straight.arrived) {
            self.passed_calmly(event, straight.arrived);
        } else {
            self.passed(event, straight.arrived);
        }
        self.exchanged(straight, true);
    }

    /// Takes down that these events occurred, one after the other, and that the first page of a poll then brought all of them,
    /// whom the consumer saw at this instant.
    #[inline]
    pub fn polled(&mut self, events: &[Event], seen_at: Time, straight: &Straight) {
        self.moves_on_to(straight.left);
        match events {
            [] => {}
            [oldest, ..] if self.is_calm(oldest.occurred_at, seen_at) => {
                events.iter().for_each(|event| self.passed_calmly(event, seen_at));
            }
            _ => events.iter().for_each(|event| self.passed(event, seen_at)),
        }
        self.exchanged(straight, !events.is_empty());
    }

    /// Takes down that a worker of the provider was busy from one instant to another.
    #[inline]
    pub fn worked(&mut self, from: Time, until: Time) {
        let busy = self.frame.measured_within(from, until);
        self.tally.provider.busy_nanos += u128::from(busy.as_nanos());
    }

    /// Takes down that so many requests waited for a worker of the provider when one arrived.
    #[inline]
    pub fn waited(&mut self, at: Time, waiting: u32) {
        if waiting > 0 && self.frame.counts(at) {
            self.tally.provider.queue_max = self.tally.provider.queue_max.max(waiting);
        }
    }

    /// Whether all that is to be added up about events from the oldest of them until they are seen lies where everything is
    /// counted.
    #[inline]
    fn is_calm(&self, oldest: Time, seen_at: Time) -> bool {
        let warmup = self.frame.warmup;
        oldest >= warmup && seen_at < self.calm_until && self.account.age.is_added_up_until(warmup)
    }

    /// The same as [`Self::passed`], where everything is counted.
    #[inline]
    fn passed_calmly(&mut self, event: &Event, seen_at: Time) {
        let Self { frame, account, tally, stretch, sums, .. } = self;
        let occurred_at = event.occurred_at;
        sums.passed.0 += 1;
        let overtaken = account.view.passed_calmly(event, seen_at, frame, &mut tally.ages);
        account.age.seen_calmly(seen_at, occurred_at, &mut tally.ages);
        sums.events += 1;
        sums.overtaken += u64::from(overtaken);
        let latency = seen_at.since(occurred_at);
        if stretch.holds(occurred_at) {
            sums.in_bucket.latencies.add(latency);
            let micros = tally.latencies.mark(latency);
            tally.bucket(stretch.index).mark(micros);
            sums.in_bucket.occurred += 1;
        } else {
            tally.latencies.record(latency);
            let bucket = tally.bucket(stretch.index(frame, occurred_at));
            bucket.record(latency);
            bucket.occurred += 1;
        }
        if stretch.holds(seen_at) {
            sums.in_bucket.seen += 1;
        } else {
            tally.bucket(stretch.index(frame, seen_at)).seen += 1;
        }
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
        if let Some(pulse) = self.pulses.get_mut(side as usize)
            && pulse.beats(at)
        {
            return;
        }
        let instant = at.since(self.frame.warmup);
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
        let InBucket { occurred, seen, useful, empty, requests, responses, latencies } =
            std::mem::take(&mut self.sums.in_bucket);
        if occurred + seen + useful + empty == 0 {
            return;
        }
        let bytes = moved(self.opener, requests, responses);
        self.tally.outcomes.count_many(OutcomeKind::Useful, useful);
        self.tally.outcomes.count_many(OutcomeKind::Empty, empty);
        self.tally.provider.bytes.add(bytes[0]);
        self.tally.consumer.bytes.add(bytes[1]);
        self.tally.latencies.add_sums(&latencies);
        let bucket = self.tally.bucket(self.stretch.index);
        bucket.add_sums(&latencies);
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
        let Self { opener, account, tally, sums, pulses, .. } = self;
        for (run, pulse) in account.steady.iter_mut().zip(pulses) {
            run.iter_mut().for_each(|run| run.take_in(pulse));
        }
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
