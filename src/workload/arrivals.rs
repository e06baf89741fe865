//! When events occur: the arrival process of a consumer, and its instants one after the other.
//!
//! Every process is simulated exactly: gaps by inverting a distribution function, a rate that follows the day by thinning,
//! rates in phases by inverting the cumulative rate. Draws are keyed by the consumer and the number of the gap.

use std::sync::Arc;

use crate::distribution::Distribution;
use crate::seed::{Draw, Purpose, Seed, Series, exponentials};
use crate::time::{SECOND, Span, Time};

/// The length of a day.
pub const DAY: Span = Span::from_secs(86_400);

/// The arrival process of one consumer's events. Where events come in batches, it is the process of the batches.
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
    /// A Poisson process whose rate follows a raised cosine over the day, which begins with the run.
    Daily {
        /// The gap in nanoseconds at the mean rate over a whole day; above zero.
        gap_nanos: f64,
        /// When in the day the rate is greatest.
        peak_at: Span,
        /// The least rate as a share of the greatest, from 0 to 1.
        trough: f64,
    },
    /// A Poisson process with one rate after the other.
    Phases {
        /// The phases, in order.
        phases: Arc<[RatePhase]>,
        /// Whether they begin anew after the last one; else nothing happens any more.
        repeat: bool,
    },
    /// The instants of a recorded history, in order; every consumer relives the same.
    Trace(Arc<[Time]>),
}

/// A stretch of time in which the rate goes in a straight line from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePhase {
    /// How long it lasts; above zero.
    pub length: Span,
    /// The rate per second at its start; zero or more.
    pub from: f64,
    /// The rate per second at its end; zero or more.
    pub to: f64,
}

impl RatePhase {
    /// The expected number of arrivals in its first so many seconds.
    fn expected(&self, seconds: f64) -> f64 {
        seconds * (self.from + self.slope() * seconds / 2.0)
    }

    /// The change of the rate per second, per second.
    fn slope(&self) -> f64 {
        (self.to - self.from) / self.length.as_secs_f64()
    }

    /// How many seconds after `start`, which counts from the start of the phase, as many arrivals are expected as
    /// `amount` says; none where the phase ends before.
    fn reaches(&self, start: f64, amount: f64) -> Option<f64> {
        let (slope, rate) = (self.slope(), self.from + self.slope() * start);
        // The solution of rate x + slope x^2 / 2 = amount in the form that loses no digits where the slope is small.
        let root = rate * rate + 2.0 * slope * amount;
        let seconds = 2.0 * amount / (rate + libm::sqrt(root.max(0.0)));
        (root >= 0.0 && start + seconds < self.length.as_secs_f64()).then_some(seconds)
    }
}

impl Arrivals {
    /// The expected number of arrivals before an instant; for a trace the number that there is.
    pub fn expected_before(&self, until: Time) -> f64 {
        let nanos = until.as_nanos() as f64;
        match self {
            Self::Constant { gap_nanos } | Self::Poisson { gap_nanos } => nanos / gap_nanos,
            Self::Bursts { gap_nanos, on, off } => {
                nanos / gap_nanos * on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64())
            }
            Self::Daily { gap_nanos, peak_at, trough } => {
                let day = DAY.as_nanos() as f64;
                let swing = amplitude(*trough) * day / std::f64::consts::TAU;
                let sine = |at: Time| libm::sin(angle(at, *peak_at));
                (nanos + swing * (sine(until) - sine(Time::ZERO))) / gap_nanos
            }
            Self::Phases { phases, repeat } => {
                let cycle = cycle(phases);
                let (cycles, rest) = match cycle.as_nanos() {
                    length if *repeat && length > 0 => (until.as_nanos() / length, until.as_nanos() % length),
                    _ => (0, until.as_nanos()),
                };
                cycles as f64 * expected_in(phases, cycle) + expected_in(phases, Span::from_nanos(rest))
            }
            Self::Trace(instants) => instants.partition_point(|instant| *instant < until) as f64,
        }
    }

    /// The greatest rate per second at which they come at any time; infinite for a trace.
    pub fn densest_per_sec(&self) -> f64 {
        match self {
            Self::Constant { gap_nanos } | Self::Poisson { gap_nanos } | Self::Bursts { gap_nanos, .. } => {
                SECOND as f64 / gap_nanos
            }
            Self::Daily { gap_nanos, trough, .. } => SECOND as f64 / gap_nanos * (1.0 + amplitude(*trough)),
            Self::Phases { phases, .. } => phases.iter().flat_map(|phase| [phase.from, phase.to]).fold(0.0, f64::max),
            Self::Trace(_) => f64::INFINITY,
        }
    }
}

/// By how much the greatest rate is above the mean, as a share of it, if the least is `trough` times the greatest.
fn amplitude(trough: f64) -> f64 {
    (1.0 - trough) / (1.0 + trough)
}

/// The angle of the raised cosine at an instant: zero at the peak, and once around in a day.
fn angle(at: Time, peak_at: Span) -> f64 {
    let day = DAY.as_nanos();
    let since_peak = (at.as_nanos() % day + day - peak_at.as_nanos() % day) % day;
    since_peak as f64 / day as f64 * std::f64::consts::TAU
}

fn cycle(phases: &[RatePhase]) -> Span {
    phases.iter().fold(Span::ZERO, |sum, phase| sum + phase.length)
}

/// The expected number of arrivals in the first stretch of so long, without beginning anew.
fn expected_in(phases: &[RatePhase], mut rest: Span) -> f64 {
    let part = |phase: &RatePhase| {
        let within = rest.min(phase.length);
        rest = rest.saturating_sub(within);
        phase.expected(within.as_secs_f64())
    };
    phases.iter().map(part).sum()
}

/// The instants of one consumer's arrivals, in the order in which they come, up to the end of the workload.
#[derive(Clone, Debug)]
pub(super) struct Instants<'a> {
    arrivals: &'a Arrivals,
    seed: Seed,
    consumer: u32,
    /// Arrivals so far.
    count: u32,
    /// No arrival comes at or after this instant.
    until: Time,
    clock: Time,
    /// Gaps drawn so far; bursts and the rhythm of a day draw some that no arrival ends.
    gaps: u64,
    /// How long the gaps are.
    lengths: Series,
    /// The end of the period in which a burst source is on.
    on_until: Time,
    /// Periods drawn so far.
    period: u64,
}

impl<'a> Instants<'a> {
    pub(super) fn new(arrivals: &'a Arrivals, seed: Seed, consumer: u32, until: Time) -> Self {
        let (clock, lengths) = (Time::ZERO, seed.series(Purpose::ArrivalGap, consumer.into()));
        let mut instants = Self {
            arrivals,
            seed,
            consumer,
            count: 0,
            until,
            clock,
            gaps: 0,
            lengths,
            on_until: Time::NEVER,
            period: 0,
        };
        if let Arrivals::Bursts { on, off, .. } = arrivals {
            let share_on = on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64());
            if !instants.draw(Purpose::ArrivalPhase, 0).chance(share_on) {
                instants.clock = instants.clock + instants.period_length(*off);
            }
            instants.on_until = instants.clock + instants.period_length(*on);
        }
        instants
    }

    /// Arrivals that have come so far.
    pub(super) const fn so_far(&self) -> u32 {
        self.count
    }

    /// Draws so many more instants of a Poisson process with this mean gap, or as many as there are, and passes each on.
    #[inline]
    pub(super) fn draw_several(&mut self, gap_nanos: f64, count: usize, mut pass_on: impl FnMut(Time)) {
        // Gaps do not wait for each other, so a few of them are drawn together.
        const TOGETHER: usize = 8;
        let mut left = count;
        // The clock has passed the end once an instant has.
        while left > 0 && self.clock < self.until {
            let mut which = self.gaps;
            let draws = [(); TOGETHER].map(|()| {
                which += 1;
                self.lengths.draw(which - 1, 0)
            });
            for length in exponentials(draws).into_iter().take(left) {
                let instant = self.clock + Span::from_nanos_f64(gap_nanos * length);
                (self.clock, self.gaps) = (instant, self.gaps + 1);
                if instant >= self.until || self.count == u32::MAX {
                    return;
                }
                self.count += 1;
                pass_on(instant);
            }
            left = left.saturating_sub(TOGETHER);
        }
    }

    #[inline]
    fn next_instant(&mut self) -> Option<Time> {
        Some(match self.arrivals {
            Arrivals::Constant { gap_nanos } => {
                let offset = self.draw(Purpose::ArrivalPhase, 0).unit();
                Time::ZERO + Span::from_nanos_f64((f64::from(self.count) + offset) * gap_nanos)
            }
            Arrivals::Poisson { gap_nanos } => self.clock + self.gap(*gap_nanos),
            Arrivals::Bursts { gap_nanos, on, off } => self.next_in_burst(*gap_nanos, *on, *off),
            Arrivals::Daily { gap_nanos, peak_at, trough } => self.next_in_day(*gap_nanos, *peak_at, *trough),
            Arrivals::Phases { phases, repeat } => self.next_in_phases(phases, *repeat)?,
            Arrivals::Trace(instants) => *instants.get(self.count as usize)?,
        })
    }

    fn next_in_burst(&mut self, gap_nanos: f64, on: Span, off: Span) -> Time {
        loop {
            let instant = self.clock + self.gap(gap_nanos);
            let end = self.on_until;
            if instant < end || end >= self.until {
                return instant;
            }
            // The gap runs past the end of the burst. The exponential has no memory, so the next burst draws anew.
            self.clock = end + self.period_length(off);
            self.on_until = self.clock + self.period_length(on);
        }
    }

    /// Thinning (Lewis and Shedler 1979): of a Poisson process with the greatest rate, each arrival stays with the
    /// probability that the rate at its instant has of the greatest.
    fn next_in_day(&mut self, gap_nanos: f64, peak_at: Span, trough: f64) -> Time {
        let amplitude = amplitude(trough);
        loop {
            let which = self.gaps;
            self.clock = self.clock + self.gap(gap_nanos / (1.0 + amplitude));
            let share = (1.0 + amplitude * libm::cos(angle(self.clock, peak_at))) / (1.0 + amplitude);
            let draw = self.seed.draw(Purpose::ArrivalGap, [self.consumer.into(), which, 1]);
            if self.clock >= self.until || draw.chance(share) {
                return self.clock;
            }
        }
    }

    /// Inverts the cumulative rate: the arrivals of a Poisson process are a mean of one apart in it.
    fn next_in_phases(&mut self, phases: &[RatePhase], repeat: bool) -> Option<Time> {
        let draw = self.lengths.draw(self.gaps, 0);
        self.gaps += 1;
        let mut amount = -libm::log(draw.open_unit());
        let cycle = cycle(phases);
        let mut begin = match cycle.as_nanos() {
            length if repeat && length > 0 => self.clock - Span::from_nanos(self.clock.as_nanos() % length),
            _ => Time::ZERO,
        };
        let mut is_round = false;
        while begin < self.until {
            for phase in phases {
                let start = self.clock.since(begin);
                if start < phase.length {
                    let start = start.as_secs_f64();
                    if let Some(seconds) = phase.reaches(start, amount) {
                        return Some(self.clock + Span::from_secs_f64(seconds));
                    }
                    amount -= phase.expected(phase.length.as_secs_f64()) - phase.expected(start);
                    // Rounding may leave a little less than nothing.
                    amount = amount.max(0.0);
                    self.clock = begin + phase.length;
                }
                begin = begin + phase.length;
            }
            if !repeat {
                return None;
            }
            if !is_round {
                // Whole rounds are left out, so that the work does not grow with what the phases bring less of.
                is_round = true;
                let rounds = libm::floor(amount / expected_in(phases, cycle));
                let skipped = cycle.scale(rounds);
                if !rounds.is_finite() || skipped >= self.until.since(begin) {
                    return None;
                }
                amount = (amount - rounds * expected_in(phases, cycle)).max(0.0);
                // A whole number of rounds, whatever the product was rounded to.
                let rounds = skipped.as_nanos().saturating_add(cycle.as_nanos() / 2) / cycle.as_nanos().max(1);
                begin = begin + cycle.times(rounds);
                self.clock = begin;
            }
        }
        None
    }

    #[inline]
    fn gap(&mut self, mean_nanos: f64) -> Span {
        let draw = self.lengths.draw(self.gaps, 0);
        self.gaps += 1;
        Span::from_nanos_f64(mean_nanos * -libm::log(draw.open_unit()))
    }

    fn period_length(&mut self, mean: Span) -> Span {
        let draw = self.draw(Purpose::BurstPeriod, self.period);
        self.period += 1;
        Distribution::Exponential { mean }.sample(draw)
    }

    fn draw(&self, purpose: Purpose, which: u64) -> Draw {
        self.seed.draw(purpose, [self.consumer.into(), which, 0])
    }
}

impl Iterator for Instants<'_> {
    type Item = Time;

    #[inline]
    fn next(&mut self) -> Option<Time> {
        let instant = self.next_instant()?;
        self.clock = instant;
        if instant >= self.until {
            return None;
        }
        self.count = self.count.checked_add(1)?;
        Some(instant)
    }
}
