//! When events occur, on which record, and how big they are.
//!
//! The workload is open: nothing that a client or the provider does slows it. Every client of a consumer sees the same
//! events, because they are drawn from the seed and the consumer alone.

use std::sync::Arc;

use crate::distribution::Distribution;
use crate::peer::Event;
use crate::seed::{Draw, Purpose, Seed};
use crate::time::{Span, Time};

pub mod lifecycle;

use lifecycle::{Changes, Lifecycle};

/// The arrival process of one consumer's events.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// One event every so many nanoseconds, from a random offset on.
    Constant {
        /// The gap in nanoseconds; above zero.
        gap_nanos: f64,
    },
    /// A Poisson process.
    Poisson {
        /// The mean gap in nanoseconds; above zero.
        gap_nanos: f64,
    },
    /// A source that is on and off for exponentially distributed times, and a Poisson process while it is on.
    Bursts {
        /// The mean gap in nanoseconds while the source is on; above zero.
        gap_nanos: f64,
        /// The mean length of a period in which it is on; above zero.
        on: Span,
        /// The mean length of a period in which it is off; above zero.
        off: Span,
    },
    /// The instants of a recorded history, in order; every consumer relives the same.
    Trace(Arc<[Time]>),
}

/// The events of every consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The seed of the run.
    pub seed: Seed,
    /// When events occur.
    pub arrivals: Arrivals,
    /// On how many records they fall, each equally likely; above zero.
    pub records: u32,
    /// The size of a payload in bytes.
    pub payload: u32,
    /// No event occurs at or after this instant.
    pub until: Time,
    /// What becomes of records once they are opened, where System A opens them; then the arrivals say when it does so.
    pub lifecycle: Option<Lifecycle>,
}

impl Workload {
    /// A workload whose events are changes of a fixed number of records.
    pub const fn new(seed: Seed, arrivals: Arrivals, records: u32, payload: u32, until: Time) -> Self {
        Self { seed, arrivals, records, payload, until, lifecycle: None }
    }

    /// The events of one consumer, in the order in which they occur.
    pub fn events(&self, consumer: u32) -> Events<'_> {
        let source = match &self.lifecycle {
            None => Source::Instants(self.instants(consumer)),
            Some(lifecycle) => Source::Changes(Box::new(Changes::new(self, lifecycle, consumer))),
        };
        Events { workload: self, consumer, serial: 0, source }
    }

    /// The instants of the arrivals of one consumer.
    fn instants(&self, consumer: u32) -> Instants<'_> {
        let mut instants =
            Instants { workload: self, consumer, count: 0, clock: Time::ZERO, gaps: 0, on_until: None, period: 0 };
        if let Arrivals::Bursts { on, off, .. } = self.arrivals {
            let draw = self.seed.draw(Purpose::ArrivalPhase, [consumer.into(), 0, 0]);
            let share_on = on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64());
            if !draw.chance(share_on) {
                instants.clock = instants.clock + instants.period_length(off);
            }
            instants.on_until = Some(instants.clock + instants.period_length(on));
        }
        instants
    }
}

/// The instants at which something arrives for one consumer, in order: an event, or with a lifecycle a record.
#[derive(Clone, Debug)]
struct Instants<'a> {
    workload: &'a Workload,
    consumer: u32,
    /// Instants so far.
    count: u32,
    clock: Time,
    /// Gaps drawn so far; bursts draw some that no event ends.
    gaps: u64,
    /// The end of the period in which a burst source is on.
    on_until: Option<Time>,
    /// Periods drawn so far.
    period: u64,
}

impl Instants<'_> {
    fn next_instant(&mut self) -> Option<Time> {
        let instant = match &self.workload.arrivals {
            Arrivals::Constant { gap_nanos } => {
                let offset = self.draw(Purpose::ArrivalPhase, 0).unit();
                Time::ZERO + Span::from_nanos_f64((f64::from(self.count) + offset) * gap_nanos)
            }
            Arrivals::Poisson { gap_nanos } => self.clock + self.gap(*gap_nanos),
            Arrivals::Bursts { gap_nanos, on, off } => self.next_in_burst(*gap_nanos, *on, *off),
            Arrivals::Trace(instants) => *instants.get(self.count as usize)?,
        };
        self.clock = instant;
        (instant < self.workload.until).then_some(instant)
    }

    fn next_in_burst(&mut self, gap_nanos: f64, on: Span, off: Span) -> Time {
        loop {
            let instant = self.clock + self.gap(gap_nanos);
            let end = self.on_until.unwrap_or(Time::NEVER);
            if instant < end || end >= self.workload.until {
                return instant;
            }
            // The gap runs past the end of the burst. The exponential has no memory, so the next burst draws anew.
            self.clock = end + self.period_length(off);
            self.on_until = Some(self.clock + self.period_length(on));
        }
    }

    fn gap(&mut self, mean_nanos: f64) -> Span {
        let draw = self.draw(Purpose::ArrivalGap, self.gaps);
        self.gaps += 1;
        Span::from_nanos_f64(mean_nanos * -libm::log(draw.open_unit()))
    }

    fn period_length(&mut self, mean: Span) -> Span {
        let draw = self.draw(Purpose::BurstPeriod, self.period);
        self.period += 1;
        Distribution::Exponential { mean }.sample(draw)
    }

    fn draw(&self, purpose: Purpose, which: u64) -> Draw {
        self.workload.seed.draw(purpose, [self.consumer.into(), which, 0])
    }
}

impl Iterator for Instants<'_> {
    type Item = Time;

    fn next(&mut self) -> Option<Time> {
        let instant = self.next_instant()?;
        self.count = self.count.checked_add(1)?;
        Some(instant)
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

/// The events of one consumer, in the order in which they occur.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    workload: &'a Workload,
    consumer: u32,
    /// Events that have occurred so far.
    serial: u32,
    source: Source<'a>,
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let Self { workload, consumer, .. } = *self;
        let serial = self.serial.checked_add(1)?;
        let (occurred_at, record) = match &mut self.source {
            Source::Changes(changes) => changes.next()?,
            Source::Instants(instants) => {
                let occurred_at = instants.next()?;
                let record = match u64::from(workload.records) {
                    0 | 1 => 0,
                    // `below` a u32 fits a u32.
                    records => instants.draw(Purpose::Record, serial.into()).below(records) as u32,
                };
                (occurred_at, record)
            }
        };
        self.serial = serial;
        Some(Event { occurred_at, consumer, serial, record, payload: workload.payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
