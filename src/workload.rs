//! When events occur, on which record, and how big they are.
//!
//! The workload is open: nothing that a client or the provider does slows it. Every client of a consumer sees the same
//! events, because they are drawn from the seed and the consumer alone.

mod ahead;
mod arrivals;
mod batches;
mod sizes;

use crate::peer::Event;
use crate::seed::{Purpose, Seed, Series};
use crate::time::Time;

pub mod lifecycle;

pub use ahead::Ahead;
pub use arrivals::{Arrivals, DAY, RatePhase};
pub use batches::{BATCH_MAX, BatchSize};
use lifecycle::{Changes, Lifecycle};
pub use sizes::{PAYLOAD_MAX, SizeDistribution};

/// The events of every consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The seed of the run.
    pub seed: Seed,
    /// When events occur: batches of them, if there are several at an instant.
    pub arrivals: Arrivals,
    /// How many events occur at the same instant.
    pub batch: BatchSize,
    /// On how many records they fall, each equally likely; above zero.
    pub records: u32,
    /// The size of a payload in bytes.
    pub payload: SizeDistribution,
    /// No event occurs at or after this instant.
    pub until: Time,
    /// What becomes of records once they are opened, where System A opens them; then the arrivals say when it does so.
    pub lifecycle: Option<Lifecycle>,
}

impl Workload {
    /// A workload whose events are changes of a fixed number of records, each with a payload of the same size, one at an
    /// instant.
    pub const fn new(seed: Seed, arrivals: Arrivals, records: u32, payload: u32, until: Time) -> Self {
        let (batch, payload) = (BatchSize::SINGLE, SizeDistribution::Constant(payload));
        Self { seed, arrivals, batch, records, payload, until, lifecycle: None }
    }

    /// The events of one consumer, in the order in which they occur.
    pub fn events(&self, consumer: u32) -> Events<'_> {
        let source = match &self.lifecycle {
            None => Source::Instants(self.instants(consumer)),
            Some(lifecycle) => Source::Changes(Box::new(Changes::new(self, lifecycle, consumer))),
        };
        let luck = Luck {
            workload: self,
            consumer,
            records: self.seed.series(Purpose::Record, consumer.into()),
            payloads: self.seed.series(Purpose::PayloadSize, consumer.into()),
        };
        Events { luck, serial: 0, source }
    }

    /// The instants at which something occurs to one consumer, in order; as often the same as its batch is large.
    pub fn instants(&self, consumer: u32) -> Instants<'_> {
        let arrivals = arrivals::Instants::new(&self.arrivals, self.seed, consumer, self.until);
        Instants { workload: self, consumer, arrivals, batch: (Time::ZERO, 0) }
    }

    /// The expected number of events of one consumer before an instant that is not after the end of the workload. With a
    /// lifecycle they are a little fewer: what would change after the end does not.
    pub fn expected_before(&self, until: Time) -> f64 {
        let changes = self.lifecycle.as_ref().map_or(1, |lifecycle| lifecycle.changes);
        self.expected_arrivals_before(until) * f64::from(changes)
    }

    /// The expected number of arrivals of one consumer before an instant that is not after the end of the workload: of
    /// events, or with a lifecycle of the records that it opens.
    pub fn expected_arrivals_before(&self, until: Time) -> f64 {
        self.arrivals.expected_before(until) * self.batch.mean()
    }

    /// Whether events are a Poisson process of a constant rate, one at an instant.
    pub const fn is_poisson(&self) -> bool {
        matches!(self.arrivals, Arrivals::Poisson { .. }) && self.batch.is_single() && self.lifecycle.is_none()
    }
}

/// The instants at which something arrives for one consumer, in order: an event, or with a lifecycle a record.
#[derive(Clone, Debug)]
pub struct Instants<'a> {
    workload: &'a Workload,
    consumer: u32,
    arrivals: arrivals::Instants<'a>,
    /// The instant of the present batch, and how many are still to come of it.
    batch: (Time, u32),
}

impl Iterator for Instants<'_> {
    type Item = Time;

    #[inline]
    fn next(&mut self) -> Option<Time> {
        if self.batch.1 == 0 {
            let instant = self.arrivals.next()?;
            let subject = [u64::from(self.consumer), self.arrivals.so_far().into(), 0];
            let size = match self.workload.batch {
                BatchSize::Constant(size) => size,
                ref batch => batch.sample(self.workload.seed.draw(Purpose::BatchSize, subject)),
            };
            self.batch = (instant, size.max(1));
        }
        self.batch.1 -= 1;
        Some(self.batch.0)
    }
}

/// Where events come from.
#[derive(Clone, Debug)]
enum Source<'a> {
    /// Each arrival is one, on a record that is drawn for it.
    Instants(Instants<'a>),
    /// Each change of a record is one.
    Changes(Box<Changes<'a>>),
}

/// What is left to chance about the events of one consumer, other than when they occur.
#[derive(Clone, Copy, Debug)]
struct Luck<'a> {
    workload: &'a Workload,
    consumer: u32,
    records: Series,
    payloads: Series,
}

impl Luck<'_> {
    /// An event that is no change of a record that was opened.
    #[inline(always)]
    fn event(&self, occurred_at: Time, serial: u32) -> Event {
        let record = match u64::from(self.workload.records) {
            0 | 1 => 0,
            // `below` a u32 fits a u32.
            records => self.records.draw(serial.into(), 0).below(records) as u32,
        };
        Event { occurred_at, consumer: self.consumer, serial, record, payload: self.payload_of(serial) }
    }

    #[inline]
    fn payload_of(&self, serial: u32) -> u32 {
        match self.workload.payload {
            SizeDistribution::Constant(bytes) => bytes,
            ref sizes => sizes.sample(self.payloads.draw(serial.into(), 0)),
        }
    }
}

/// The events of one consumer, in the order in which they occur.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    luck: Luck<'a>,
    /// Events that have occurred so far.
    serial: u32,
    source: Source<'a>,
}

impl Events<'_> {
    /// Draws so many more, or as many as there are; as many calls of [`Iterator::next`] would draw the same ones.
    pub(crate) fn draw_several(&mut self, count: usize, drawn: &mut Vec<Event>) {
        let workload = self.luck.workload;
        match (&mut self.source, &workload.arrivals) {
            (Source::Instants(instants), Arrivals::Poisson { gap_nanos }) if workload.is_poisson() => {
                let (luck, serial) = (self.luck, &mut self.serial);
                instants.arrivals.draw_several(*gap_nanos, count, |occurred_at| {
                    *serial += 1;
                    drawn.push(luck.event(occurred_at, *serial));
                });
            }
            _ => drawn.extend(self.take(count)),
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        let luck = self.luck;
        let serial = self.serial.checked_add(1)?;
        let event = match &mut self.source {
            Source::Changes(changes) => {
                let (occurred_at, record) = changes.next()?;
                Event { occurred_at, consumer: luck.consumer, serial, record, payload: luck.payload_of(serial) }
            }
            Source::Instants(instants) => luck.event(instants.next()?, serial),
        };
        self.serial = serial;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn workload(arrivals: Arrivals, seconds: u64) -> Workload {
        let until = Time::ZERO + Span::from_secs(seconds);
        Workload::new(Seed::new(11), arrivals, 100, 0, until)
    }

    #[test]
    fn constant_arrivals_keep_their_distance() {
        let workload = workload(Arrivals::Constant { gap_nanos: 1e9 / 3.0 }, 100);
        let events: Vec<_> = workload.events(0).collect();
        assert_eq!(events.len(), 300);
        for pair in events.windows(2) {
            let gap = pair[1].occurred_at.since(pair[0].occurred_at).as_nanos();
            assert!(gap.abs_diff(333_333_333) <= 1, "{gap}");
        }
        assert!(events.iter().all(|event| event.occurred_at < workload.until && event.record < 100));
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_variance_of_a_poisson_count() {
        let workload = workload(Arrivals::Poisson { gap_nanos: 1e8 }, 10);
        let counts: Vec<f64> = (0..2_000).map(|consumer| workload.events(consumer).count() as f64).collect();
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / (n - 1.0);
        assert!((mean - 100.0).abs() < 4.0 * (100.0 / n).sqrt(), "mean {mean}");
        // The sample variance of a Poisson count m has standard error about m sqrt(2 / n).
        assert!((variance / 100.0 - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "variance {variance}");
    }

    #[test]
    fn bursts_keep_the_mean_rate_but_spread_the_counts() {
        let (on, off) = (Span::from_secs(5), Span::from_secs(45));
        let workload = workload(Arrivals::Bursts { gap_nanos: 1e8, on, off }, 500);
        let counts: Vec<f64> = (0..2_000).map(|consumer| workload.events(consumer).count() as f64).collect();
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let deviation = (counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        // On for a tenth of the time at 10/s: 500 events, far more scattered than the sqrt(500) of a Poisson count.
        assert!((mean - 500.0).abs() < 4.0 * deviation / n.sqrt(), "mean {mean}");
        assert!(deviation > 100.0, "deviation {deviation}");
    }

    #[test]
    fn a_trace_is_relived_as_it_was_until_the_end_of_the_run() {
        let instants: Vec<_> = [1, 5, 5, 9, 12].map(|s| Time::ZERO + Span::from_secs(s)).into();
        let workload = workload(Arrivals::Trace(instants.clone().into()), 12);
        let relived: Vec<_> = workload.events(3).map(|event| event.occurred_at).collect();
        assert_eq!(relived, instants[..4]);
    }

    #[test]
    fn serials_count_from_one_and_consumers_differ() {
        let workload = workload(Arrivals::Poisson { gap_nanos: 1e9 }, 60);
        let (a, b): (Vec<_>, Vec<_>) = (workload.events(0).collect(), workload.events(1).collect());
        assert!(a.iter().zip(1..).all(|(event, serial)| event.serial == serial));
        assert_ne!(a[0].occurred_at, b[0].occurred_at);
        assert!(a.windows(2).all(|pair| pair[0].occurred_at <= pair[1].occurred_at));
    }
}
