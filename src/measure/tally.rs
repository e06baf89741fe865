//! The folded facts of one client: whole numbers that add up, in any order, to the same result.

mod load;

use crate::fault::ForgeryKind;
use crate::measure::age::Ages;
use crate::measure::fault_report::FaultTally;
use crate::measure::histogram::Latencies;
use crate::measure::records::RecordTally;
use crate::peer::LossCause;
use crate::time::{SECOND, Span, Time};

pub use load::Load;

/// The stretches of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Events and exchanges before this are played but not counted.
    pub warmup: Time,
    /// No event occurs from here on, and exchanges are no longer counted.
    pub duration: Time,
    /// What is still under way here is cut off.
    pub end: Time,
    /// The width of a time bucket.
    bucket: Span,
}

impl Frame {
    /// A run with these stretches.
    pub fn new(warmup: Time, duration: Time, end: Time) -> Self {
        Self { warmup, duration, end, bucket: round_bucket(duration.since(warmup), BUCKETS) }
    }

    /// The same stretches, looked at in so many buckets at most.
    #[must_use]
    pub fn with_buckets(self, count: u64) -> Self {
        Self { bucket: round_bucket(self.measured(), count), ..self }
    }

    /// The same stretches, cut off at this instant if they are longer.
    #[must_use]
    pub fn cut_off(self, at: Time) -> Self {
        Self { end: self.end.min(at), ..self }
    }

    /// Whether something that starts at this instant is counted.
    pub fn counts(&self, at: Time) -> bool {
        at >= self.warmup && at < self.duration
    }

    /// The length of the stretch that is counted.
    pub const fn measured(&self) -> Span {
        self.duration.since(self.warmup)
    }

    /// The width of a time bucket.
    pub const fn bucket(&self) -> Span {
        self.bucket
    }

    /// The bucket that an instant falls into, counted from the end of the warm-up; instants before it fall into the first.
    ///
    /// The drain has as many buckets at most as the measured stretch; what comes later still falls into the last.
    pub fn bucket_index(&self, at: Time) -> usize {
        let index = at.since(self.warmup).as_nanos() / self.bucket().as_nanos();
        index.min(2 * self.measured_buckets() - 1) as usize
    }

    /// How many buckets the measured stretch has; at least one.
    pub const fn measured_buckets(&self) -> u64 {
        let count = self.measured().as_nanos().div_ceil(self.bucket.as_nanos());
        if count == 0 { 1 } else { count }
    }

    /// The part of a stretch of time that lies within the measured one.
    pub fn measured_within(&self, from: Time, until: Time) -> Span {
        let clip = |at: Time| at.max(self.warmup).min(self.duration);
        clip(until).since(clip(from))
    }
}

/// The most buckets of the measured stretch: few enough to be looked at one by one.
const BUCKETS: u64 = 60;

/// The roundest width that cuts a stretch of time into at most so many buckets.
fn round_bucket(measured: Span, count: u64) -> Span {
    let target = measured.as_nanos().div_ceil(count.max(1)).max(1);
    let seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
    let below_a_second = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().map(|ms| ms * 1_000_000);
    let round = below_a_second.chain(seconds.into_iter().map(|s| s * SECOND)).find(|&width| width >= target);
    let days = || target.div_ceil(86_400 * SECOND).saturating_mul(86_400 * SECOND);
    Span::from_nanos(round.unwrap_or_else(days))
}

/// The outcome of an exchange, as one who knows everything about the run sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// It brought the client at least one event that it had not yet processed.
    Useful,
    /// A poll that was answered with nothing new.
    Empty,
    /// A poll that was answered 304.
    NotModified,
    /// It brought only events already processed.
    Duplicate,
    /// It was answered 429.
    Throttled,
    /// It brought nothing.
    Failed,
}

/// Exchanges by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Brought at least one new event.
    pub useful: u64,
    /// Answered with nothing new.
    pub empty: u64,
    /// Answered 304.
    pub not_modified: u64,
    /// Brought only events already processed.
    pub duplicate: u64,
    /// Answered 429.
    pub throttled: u64,
    /// Brought nothing: lost, timed out, refused, cut off.
    pub failed: u64,
}

impl Outcomes {
    /// Counts one exchange.
    pub const fn count(&mut self, kind: OutcomeKind) {
        self.count_many(kind, 1);
    }

    /// Counts so many exchanges of one kind.
    pub const fn count_many(&mut self, kind: OutcomeKind, count: u64) {
        *match kind {
            OutcomeKind::Useful => &mut self.useful,
            OutcomeKind::Empty => &mut self.empty,
            OutcomeKind::NotModified => &mut self.not_modified,
            OutcomeKind::Duplicate => &mut self.duplicate,
            OutcomeKind::Throttled => &mut self.throttled,
            OutcomeKind::Failed => &mut self.failed,
        } += count;
    }

    /// All of them.
    pub const fn total(&self) -> u64 {
        self.useful + self.empty + self.not_modified + self.duplicate + self.throttled + self.failed
    }

    /// Adds other requests to these.
    pub const fn add(&mut self, other: &Self) {
        self.useful += other.useful;
        self.empty += other.empty;
        self.not_modified += other.not_modified;
        self.duplicate += other.duplicate;
        self.throttled += other.throttled;
        self.failed += other.failed;
    }
}

/// Bytes that one side received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Received.
    pub received: u64,
    /// Sent.
    pub sent: u64,
}

impl Bytes {
    /// Adds others.
    pub const fn add(&mut self, other: Self) {
        self.received += other.received;
        self.sent += other.sent;
    }
}

/// What happened in one stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// Exchanges that started in it, by outcome.
    pub outcomes: Outcomes,
    /// Bytes of the exchanges that started in it, at the provider.
    pub provider_bytes: Bytes,
    /// Bytes of the exchanges that started in it, at the consumers.
    pub consumer_bytes: Bytes,
    /// Events that occurred in it.
    pub occurred: u64,
    /// Events that were first seen in it.
    pub seen: u64,
    /// Events that were given up for good in it.
    pub lost: u64,
    /// Latencies of the events that occurred in it, by the time they were seen; none until there is one.
    pub latencies: Option<Box<Latencies<u32>>>,
}

impl Bucket {
    /// Records the latency of an event that occurred in it.
    #[inline]
    pub(super) fn record(&mut self, latency: Span) {
        match &mut self.latencies {
            Some(latencies) => latencies.record(latency),
            none => none.insert(Box::new(Latencies::new(2))).record(latency),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.outcomes.add(&other.outcomes);
        self.provider_bytes.add(other.provider_bytes);
        self.consumer_bytes.add(other.consumer_bytes);
        self.occurred += other.occurred;
        self.seen += other.seen;
        self.lost += other.lost;
        match (&mut self.latencies, &other.latencies) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
            (_, None) => {}
        }
    }
}

/// Webhooks that somebody who is not System B sent, within the measured stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forged {
    /// Turned away, or taken for what had come before: the handler did not run.
    pub rejected: u64,
    /// Believed: the handler ran.
    pub accepted: u64,
}

impl Forged {
    const fn add(&mut self, other: &Self) {
        self.rejected += other.rejected;
        self.accepted += other.accepted;
    }
}

/// Everything counted about one client.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Counted events.
    pub events: u64,
    /// Counted events that the client has processed.
    pub delivered: u64,
    /// Counted events that may still come.
    pub pending: u64,
    /// Counted events that are lost for good, in the order of [`LossCause::ALL`].
    lost: [u64; LossCause::ALL.len()],
    /// Times that a handler ran on an event that it had handled before, because it was no longer remembered.
    pub reprocessed: u64,
    /// Times that a counted exchange brought an event that had been taken before.
    pub duplicates: u64,
    /// Counted events processed after a later event of the same record.
    pub reordered: u64,
    /// Latencies of counted events.
    pub latencies: Latencies<u64>,
    /// How long consumers' views were out of date, and how old what they had seen was.
    pub ages: Ages,
    /// What became of the records that were opened in the measured stretch.
    pub records: RecordTally,
    /// Counted exchanges by outcome.
    pub outcomes: Outcomes,
    /// Counted exchanges that were opened, counted apart from their outcomes so that the two can be compared.
    pub opened: u64,
    /// Counted polls.
    pub polls: u64,
    /// Counted polls that were not for a further page of the poll before.
    pub poll_rounds: u64,
    /// Counted webhook attempts.
    pub attempts: u64,
    /// Counted fetches of an event that a thin webhook named.
    pub fetches: u64,
    /// Times that an endpoint was disabled.
    pub disabled: u64,
    /// Times that a circuit breaker opened.
    pub breaker_opened: u64,
    /// Counted exchanges whose other side could not be reached at all.
    pub unreachable: u64,
    /// What each fault did, attacks apart, in the order of the client's faults.
    pub faults: Vec<FaultTally>,
    /// Webhooks of the scenario's attacker, in the order of [`ForgeryKind::ALL`].
    pub forged: [Forged; ForgeryKind::ALL.len()],
    /// Webhooks of other strangers; only `live` can have any.
    pub strangers: Forged,
    /// What fell on System B.
    pub provider: Load,
    /// What fell on System A, over all consumers.
    pub consumer: Load,
    /// The course of the run.
    pub buckets: Vec<Bucket>,
    /// Nanoseconds of the measured stretch that were played, added over the consumers: all of it unless the run was cut off.
    pub played_nanos: u128,
    /// Facts that were folded: events, exchanges opened, and their ends.
    pub transitions: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            events: 0,
            delivered: 0,
            pending: 0,
            lost: [0; LossCause::ALL.len()],
            reprocessed: 0,
            duplicates: 0,
            reordered: 0,
            latencies: Latencies::new(3),
            ages: Ages::default(),
            records: RecordTally::default(),
            outcomes: Outcomes::default(),
            opened: 0,
            polls: 0,
            poll_rounds: 0,
            attempts: 0,
            fetches: 0,
            disabled: 0,
            breaker_opened: 0,
            unreachable: 0,
            faults: Vec::new(),
            forged: [Forged::default(); ForgeryKind::ALL.len()],
            strangers: Forged::default(),
            provider: Load::default(),
            consumer: Load::default(),
            buckets: Vec::new(),
            played_nanos: 0,
            transitions: 0,
        }
    }
}

impl Tally {
    /// Counts one event that is lost for good.
    pub const fn count_lost(&mut self, cause: LossCause) {
        self.lost[cause as usize] += 1;
    }

    /// Counted events that are lost for good by this cause.
    pub const fn lost_by(&self, cause: LossCause) -> u64 {
        self.lost[cause as usize]
    }

    /// Counted events that are lost for good, by whatever cause.
    pub fn lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// All forged webhooks together, whoever sent them.
    pub fn all_forged(&self) -> Forged {
        let mut all = self.strangers;
        self.forged.iter().for_each(|forged| all.add(forged));
        all
    }

    /// The bucket of that index; buckets up to it come into being.
    #[inline]
    pub fn bucket(&mut self, index: usize) -> &mut Bucket {
        if index >= self.buckets.len() {
            self.make_buckets(index);
        }
        &mut self.buckets[index]
    }

    #[cold]
    fn make_buckets(&mut self, index: usize) {
        self.buckets.resize_with(index + 1, Bucket::default);
    }

    /// Adds the tally of other consumers of the same client.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.delivered += other.delivered;
        self.pending += other.pending;
        self.lost.iter_mut().zip(other.lost).for_each(|(mine, theirs)| *mine += theirs);
        self.reprocessed += other.reprocessed;
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
        self.latencies.merge(&other.latencies);
        self.ages.merge(&other.ages);
        self.records.merge(&other.records);
        self.outcomes.add(&other.outcomes);
        self.opened += other.opened;
        self.polls += other.polls;
        self.poll_rounds += other.poll_rounds;
        self.attempts += other.attempts;
        self.fetches += other.fetches;
        self.disabled += other.disabled;
        self.breaker_opened += other.breaker_opened;
        self.unreachable += other.unreachable;
        if self.faults.is_empty() {
            self.faults.clone_from(&other.faults);
        } else {
            self.faults.iter_mut().zip(&other.faults).for_each(|(mine, theirs)| mine.merge(theirs));
        }
        self.forged.iter_mut().zip(&other.forged).for_each(|(mine, theirs)| mine.add(theirs));
        self.strangers.add(&other.strangers);
        self.provider.merge(&other.provider);
        self.consumer.merge(&other.consumer);
        for (index, bucket) in other.buckets.iter().enumerate() {
            self.bucket(index).merge(bucket);
        }
        self.played_nanos += other.played_nanos;
        self.transitions += other.transitions;
    }

    /// Counts what has only been marked so far. Called once, when everything has been merged.
    pub fn settle(&mut self) {
        for load in [&mut self.provider, &mut self.consumer] {
            load.settle();
        }
    }

    /// The two identities that hold for every client of every run; an error is a bug of this program.
    ///
    /// # Errors
    ///
    /// A sentence that names the identity and its numbers.
    pub fn check(&self) -> Result<(), String> {
        let Self { events, delivered, pending, opened, .. } = *self;
        let lost = self.lost();
        if events != delivered + pending + lost {
            return Err(format!("events {events} are not delivered {delivered} + pending {pending} + lost {lost}"));
        }
        let (total, kinds) = (self.outcomes.total(), self.polls + self.attempts + self.fetches);
        if opened != total || opened != kinds {
            return Err(format!(
                "requests {opened} are not the {total} outcomes, or not the {kinds} polls, attempts and fetches"
            ));
        }
        if delivered != self.latencies.count() {
            return Err(format!("delivered {delivered} are not the {} latencies", self.latencies.count()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_round_and_at_most_sixty() {
        for seconds in [1, 12, 59, 60, 61, 3_540, 86_400, 31 * 86_400, 5_000 * 86_400] {
            let until = Time::ZERO + Span::from_secs(seconds);
            let count = Frame::new(Time::ZERO, until, until).measured_buckets();
            assert!((12..=60).contains(&count), "{seconds} s make {count} buckets");
        }
    }

    #[test]
    fn an_identity_that_fails_is_named() {
        let mut tally = Tally { events: 3, delivered: 1, pending: 1, ..Tally::default() };
        assert!(tally.check().is_err_and(|sentence| sentence.contains("events 3")));
        tally = Tally { opened: 1, polls: 1, ..Tally::default() };
        assert!(tally.check().is_err_and(|sentence| sentence.contains("requests 1")));
        tally.outcomes.count(OutcomeKind::Empty);
        assert!(tally.check().is_ok());
    }
}
