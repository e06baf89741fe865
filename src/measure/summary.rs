//! The numbers of one client in one run.

use crate::fault::ForgeryKind;
use crate::measure::records::RecordSummary;
use crate::measure::statistics::{self, Interval};
use crate::measure::tally::{Bucket, Forged, Frame, Load, Outcomes, Tally};
use crate::peer::LossCause;
use crate::time::Span;

/// How a client learns of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It polls.
    Pull,
    /// It receives webhooks.
    Push,
    /// Both.
    Hybrid,
}

impl Mode {
    /// The word for it in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Hybrid => "hybrid",
        }
    }
}

/// What a summary needs to know beside the counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The client's name.
    pub client: String,
    /// How it learns of events.
    pub mode: Mode,
    /// The stretches of the run.
    pub frame: Frame,
    /// How many consumers there were.
    pub consumers: u32,
    /// The most events that a poll of the client brings; none without polls.
    pub page: Option<u32>,
    /// Workers of System B's API, if they are limited and the client uses them.
    pub provider_workers: Option<u32>,
    /// Workers of each consumer's receiver, if they are limited and the client has one.
    pub consumer_workers: Option<u32>,
    /// Whether System A opens records, which are final some day.
    pub opens_records: bool,
    /// CPU seconds of System B and of System A, where the engine knows them.
    pub cpu: Option<(f64, f64)>,
}

/// What fell on one side. Totals over all consumers.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadSummary {
    /// Exchanges per second, on average.
    pub rps_mean: f64,
    /// Exchanges in the busiest second; none for runs of more than 97 days.
    pub rps_peak: Option<u32>,
    /// The share of its workers' time that was spent working; none where workers are not limited.
    pub busy_ratio: Option<f64>,
    /// The most requests that waited at the same time.
    pub queue_max: u32,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// CPU seconds.
    pub cpu_s: Option<f64>,
}

/// The numbers of one client in one run. Latencies are in milliseconds.
#[derive(Clone, Debug)]
pub struct Summary {
    /// What the numbers are about.
    pub terms: Terms,
    /// Length of the stretch that was counted, in seconds; the average over consumers where the run was cut off.
    pub measured_s: f64,
    /// Events that occurred.
    pub events: u64,
    /// Events that were processed.
    pub delivered: u64,
    /// Events that might still have come when the run ended.
    pub pending: u64,
    /// Events that never will, by cause.
    pub lost: Vec<(LossCause, u64)>,
    /// Times that an event came again.
    pub duplicates: u64,
    /// Events processed after a later event of the same record.
    pub reordered: u64,
    /// Latencies behind the figures.
    pub latency_n: u64,
    /// The mean latency.
    pub latency_mean_ms: Option<f64>,
    /// The median latency.
    pub latency_p50_ms: Option<f64>,
    /// The 90th percentile.
    pub latency_p90_ms: Option<f64>,
    /// The 95th percentile.
    pub latency_p95_ms: Option<f64>,
    /// The 99th percentile.
    pub latency_p99_ms: Option<f64>,
    /// The 99.9th percentile.
    pub latency_p999_ms: Option<f64>,
    /// The longest latency.
    pub latency_max_ms: Option<f64>,
    /// The share of time in which a consumer's view was out of date.
    pub staleness_ratio: Option<f64>,
    /// How long a consumer's view has been out of date, averaged over time: 0 while it is current, otherwise the time since
    /// the oldest change that it does not know of (the age of Cho and Garcia-Molina, ACM TODS 28(4), 2003).
    pub staleness_age_mean_ms: Option<f64>,
    /// The age of information, averaged over time: how long ago the newest event that a consumer has seen occurred (Kaul,
    /// Yates and Gruteser, INFOCOM 2012). The start of the run counts as seen.
    pub age_mean_ms: Option<f64>,
    /// The same age, averaged over the instants just before it falls.
    pub age_peak_mean_ms: Option<f64>,
    /// What became of the records; none where no records are opened.
    pub records: Option<RecordSummary>,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// Requests that were polls.
    pub polls: u64,
    /// Requests that were webhook attempts.
    pub attempts: u64,
    /// Requests that fetched the event that a thin webhook named.
    pub fetches: u64,
    /// Times that a handler ran on an event that it had handled before.
    pub reprocessed: u64,
    /// Times that an endpoint was disabled.
    pub disabled: u64,
    /// Times that a circuit breaker opened.
    pub breaker_opened: u64,
    /// Forged webhooks turned away.
    pub forged_rejected: u64,
    /// Forged webhooks believed.
    pub forged_accepted: u64,
    /// What fell on System B.
    pub provider: LoadSummary,
    /// What fell on System A.
    pub consumer: LoadSummary,
    /// The counts behind the numbers.
    pub tally: Tally,
}

impl Summary {
    /// Derives the numbers from the counts.
    pub fn new(terms: Terms, tally: Tally) -> Self {
        let consumer_time = tally.played_nanos as f64;
        let measured = Span::from_nanos_f64(consumer_time / f64::from(terms.consumers.max(1)));
        let latencies = &tally.latencies;
        let consumer_workers = terms.consumer_workers.map(|workers| f64::from(workers) * f64::from(terms.consumers));
        let load = |load: &Load, workers: Option<f64>, cpu_s| LoadSummary {
            rps_mean: share(load.exchanges as f64, measured.as_secs_f64()).unwrap_or(0.0),
            rps_peak: (measured <= Span::from_secs(Load::SECONDS_MAX as u64)).then(|| load.peak()),
            busy_ratio: workers.and_then(|workers| share(load.busy_nanos as f64, measured.as_nanos() as f64 * workers)),
            queue_max: load.queue_max,
            bytes_in: load.bytes.received,
            bytes_out: load.bytes.sent,
            cpu_s,
        };
        Self {
            measured_s: measured.as_secs_f64(),
            events: tally.events,
            delivered: tally.delivered,
            pending: tally.pending,
            lost: LossCause::ALL.into_iter().map(|cause| (cause, tally.lost_by(cause))).collect(),
            duplicates: tally.duplicates,
            reordered: tally.reordered,
            latency_n: latencies.count(),
            latency_mean_ms: latencies.mean_ms(),
            latency_p50_ms: latencies.quantile_ms(0.5),
            latency_p90_ms: latencies.quantile_ms(0.9),
            latency_p95_ms: latencies.quantile_ms(0.95),
            latency_p99_ms: latencies.quantile_ms(0.99),
            latency_p999_ms: latencies.quantile_ms(0.999),
            latency_max_ms: latencies.max_ms(),
            staleness_ratio: (consumer_time > 0.0).then(|| tally.ages.stale_nanos as f64 / consumer_time),
            staleness_age_mean_ms: tally.ages.stale_age_mean_ms(tally.played_nanos),
            age_mean_ms: tally.ages.age_mean_ms(tally.played_nanos),
            age_peak_mean_ms: tally.ages.age_peak_mean_ms(),
            records: terms.opens_records.then(|| RecordSummary::new(&tally)),
            outcomes: tally.outcomes,
            polls: tally.polls,
            attempts: tally.attempts,
            fetches: tally.fetches,
            reprocessed: tally.reprocessed,
            disabled: tally.disabled,
            breaker_opened: tally.breaker_opened,
            forged_rejected: tally.all_forged().rejected,
            forged_accepted: tally.all_forged().accepted,
            provider: load(&tally.provider, terms.provider_workers.map(f64::from), terms.cpu.map(|(b, _)| b)),
            consumer: load(&tally.consumer, consumer_workers, terms.cpu.map(|(_, a)| a)),
            terms,
            tally,
        }
    }

    /// All lost events.
    pub fn lost_total(&self) -> u64 {
        self.lost.iter().map(|(_, count)| count).sum()
    }

    /// Events lost for this reason.
    pub fn lost_by(&self, cause: LossCause) -> u64 {
        self.lost.iter().find(|(other, _)| *other == cause).map_or(0, |(_, count)| *count)
    }

    /// Forged webhooks of the scenario's attacker by kind; those of other strangers are in the totals alone.
    pub fn forged(&self) -> impl Iterator<Item = (ForgeryKind, Forged)> {
        ForgeryKind::ALL.into_iter().zip(self.tally.forged)
    }

    /// All requests.
    pub const fn requests(&self) -> u64 {
        self.outcomes.total()
    }

    /// Requests that were not useful.
    pub const fn wasted(&self) -> u64 {
        self.outcomes.total() - self.outcomes.useful
    }

    /// The share of requests that were not useful; none without requests.
    pub fn wasted_ratio(&self) -> Option<f64> {
        share(self.wasted() as f64, self.requests() as f64)
    }

    /// The share of requests that were polls answered with nothing new.
    pub fn empty_ratio(&self) -> Option<f64> {
        share(self.outcomes.empty as f64, self.requests() as f64)
    }

    /// All requests divided by all events; none without events.
    pub fn requests_per_event(&self) -> Option<f64> {
        share(self.requests() as f64, self.events as f64)
    }

    /// A figure with its interval from the batches of time.
    pub fn interval(&self, figure: Figure) -> Option<Interval> {
        match figure {
            Figure::LatencyQuantile(quantile) => {
                let value = self.tally.latencies.quantile_ms(quantile)?;
                let above = self.buckets(|bucket| {
                    let latencies = bucket.latencies.as_deref();
                    latencies.map_or((0.0, 0.0), |l| (l.count_above(value) as f64, l.count() as f64))
                });
                statistics::quantile(&self.tally.latencies, quantile, &above)
            }
            _ => statistics::ratio(&self.batches(figure)?),
        }
    }

    /// The numerator and denominator of a figure in each bucket of the measured stretch; none for quantiles.
    pub fn batches(&self, figure: Figure) -> Option<Vec<(f64, f64)>> {
        let pair: fn(&Bucket) -> (f64, f64) = match figure {
            Figure::LatencyMean => |bucket| {
                let latencies = bucket.latencies.as_deref();
                latencies.map_or((0.0, 0.0), |l| (l.sum_nanos() as f64 / 1e6, l.count() as f64))
            },
            Figure::RequestsPerEvent => |bucket| (bucket.outcomes.total() as f64, bucket.occurred as f64),
            Figure::EmptyRatio => |bucket| (bucket.outcomes.empty as f64, bucket.outcomes.total() as f64),
            Figure::WastedRatio => |bucket| {
                let total = bucket.outcomes.total();
                ((total - bucket.outcomes.useful) as f64, total as f64)
            },
            // What is integrated over time, or belongs to records, has no batches.
            Figure::LatencyQuantile(_)
            | Figure::StalenessRatio
            | Figure::StalenessAgeMean
            | Figure::AgeMean
            | Figure::KnowMean
            | Figure::PollsPerRecord
            | Figure::SupersededRatio => return None,
        };
        Some(self.buckets(pair))
    }

    /// Something of each bucket of the measured stretch.
    fn buckets<T>(&self, of: impl Fn(&Bucket) -> T) -> Vec<T> {
        let empty = Bucket::default();
        let count = self.terms.frame.measured_buckets() as usize;
        (0..count).map(|index| of(self.tally.buckets.get(index).unwrap_or(&empty))).collect()
    }

    /// The buckets of the measured stretch and the drain, each with its edges in seconds since the start of the run and with
    /// the events that had occurred but were neither seen nor lost at its end.
    pub fn timeline(&self) -> impl Iterator<Item = (Bucket, [f64; 2], u64)> {
        let frame = self.terms.frame;
        let count = (frame.measured_buckets() as usize).max(self.tally.buckets.len());
        let last = 2 * frame.measured_buckets() as usize - 1;
        let edge = move |index: usize| match index > last {
            // The last bucket of a long drain holds all the rest of it.
            true => frame.end,
            false => frame.warmup + frame.bucket().times(index as u64),
        };
        let mut backlog = 0u64;
        (0..count).map(move |index| {
            let bucket = self.tally.buckets.get(index).cloned().unwrap_or_default();
            backlog = (backlog + bucket.occurred).saturating_sub(bucket.seen + bucket.lost);
            (bucket, [edge(index), edge(index + 1)].map(|at| at.as_nanos() as f64 / 1e9), backlog)
        })
    }
}

/// A figure that comes with an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Mean latency in milliseconds.
    LatencyMean,
    /// A quantile of the latency, in milliseconds.
    LatencyQuantile(f64),
    /// All requests divided by all events.
    RequestsPerEvent,
    /// The share of requests that were polls answered with nothing new.
    EmptyRatio,
    /// The share of requests that were not useful.
    WastedRatio,
    /// The share of time in which a consumer's view was out of date.
    StalenessRatio,
    /// How long a view has been out of date, in milliseconds, averaged over time.
    StalenessAgeMean,
    /// The age of information in milliseconds, averaged over time.
    AgeMean,
    /// The mean time in milliseconds from the last change of a record until the client has seen it.
    KnowMean,
    /// Polls of a record, on average.
    PollsPerRecord,
    /// The share of events that no poll saw because a later one of the same record came first.
    SupersededRatio,
}

impl Figure {
    /// Its name in files, with its unit.
    pub fn name(self) -> String {
        match self {
            Self::LatencyMean => "latency_mean_ms".into(),
            Self::LatencyQuantile(quantile) => format!("latency_p{}_ms", quantile * 100.0),
            Self::RequestsPerEvent => "requests_per_event".into(),
            Self::EmptyRatio => "empty_ratio".into(),
            Self::WastedRatio => "wasted_ratio".into(),
            Self::StalenessRatio => "staleness_ratio".into(),
            Self::StalenessAgeMean => "staleness_age_mean_ms".into(),
            Self::AgeMean => "age_mean_ms".into(),
            Self::KnowMean => "know_mean_ms".into(),
            Self::PollsPerRecord => "polls_per_record_mean".into(),
            Self::SupersededRatio => "superseded_ratio".into(),
        }
    }

    /// Its value, where it is defined.
    pub fn of(self, summary: &Summary) -> Option<f64> {
        match self {
            Self::LatencyMean => summary.latency_mean_ms,
            Self::LatencyQuantile(quantile) => summary.tally.latencies.quantile_ms(quantile),
            Self::RequestsPerEvent => summary.requests_per_event(),
            Self::EmptyRatio => summary.empty_ratio(),
            Self::WastedRatio => summary.wasted_ratio(),
            Self::StalenessRatio => summary.staleness_ratio,
            Self::StalenessAgeMean => summary.staleness_age_mean_ms,
            Self::AgeMean => summary.age_mean_ms,
            Self::KnowMean => summary.records.as_ref().and_then(|records| records.know_mean_ms),
            Self::PollsPerRecord => summary.records.as_ref().and_then(|records| records.polls_mean),
            Self::SupersededRatio => share(summary.lost_by(LossCause::Superseded) as f64, summary.events as f64),
        }
    }
}

/// A quotient that is not defined where there is nothing to divide by.
pub fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
