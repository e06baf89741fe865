//! Clients side by side: differences, ratios, and what follows from them.

use crate::measure::prices::{Costs, Prices};
use crate::measure::statistics;
use crate::measure::summary::{Figure, Mode, Summary};

/// One figure of a client against the same figure of the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The figure's name, with its unit.
    pub metric: String,
    /// The baseline's value.
    pub baseline: Option<f64>,
    /// The client's value.
    pub client: Option<f64>,
    /// The 95 % interval of the difference, where there is one.
    pub interval: Option<(f64, f64)>,
}

impl Comparison {
    /// Client less baseline.
    pub fn difference(&self) -> Option<f64> {
        Some(self.client? - self.baseline?)
    }

    /// Client divided by baseline; none where the baseline is zero.
    pub fn ratio(&self) -> Option<f64> {
        self.baseline.filter(|value| *value != 0.0).and_then(|baseline| Some(self.client? / baseline))
    }
}

/// Compares a client with the baseline, figure by figure; costs where there are prices.
pub fn compare(baseline: &Summary, client: &Summary, prices: Option<&Prices>) -> Vec<Comparison> {
    let with_interval = |figure: Figure| {
        let batches = client.batches(figure).zip(baseline.batches(figure));
        let interval = batches.and_then(|(client, baseline)| statistics::ratio_difference(&client, &baseline));
        Comparison {
            metric: figure.name(),
            baseline: figure.of(baseline),
            client: figure.of(client),
            interval: interval.map(|interval| (interval.low, interval.high)),
        }
    };
    let plain = |metric: &str, value: fn(&Summary) -> Option<f64>| Comparison {
        metric: metric.into(),
        baseline: value(baseline),
        client: value(client),
        interval: None,
    };
    let cost = |metric: &str, value: fn(&Costs) -> Option<f64>| {
        let of = |summary| prices.and_then(|prices| value(&Costs::of(prices, summary)));
        Comparison { metric: metric.into(), baseline: of(baseline), client: of(client), interval: None }
    };
    let mut comparisons = vec![
        with_interval(Figure::LatencyMean),
        plain("latency_p50_ms", |s| s.latency_p50_ms),
        plain("latency_p95_ms", |s| s.latency_p95_ms),
        plain("latency_p99_ms", |s| s.latency_p99_ms),
        plain("latency_max_ms", |s| s.latency_max_ms),
        plain("staleness_ratio", |s| s.staleness_ratio),
        plain("delivered", |s| Some(s.delivered as f64)),
        plain("lost", |s| Some(s.lost_total() as f64)),
        plain("duplicates", |s| Some(s.duplicates as f64)),
        plain("requests", |s| Some(s.requests() as f64)),
        plain("wasted", |s| Some(s.wasted() as f64)),
        with_interval(Figure::WastedRatio),
        with_interval(Figure::RequestsPerEvent),
        plain("provider_rps_mean", |s| Some(s.provider.rps_mean)),
        plain("provider_rps_peak", |s| s.provider.rps_peak.map(f64::from)),
        plain("provider_bytes_in", |s| Some(s.provider.bytes_in as f64)),
        plain("provider_bytes_out", |s| Some(s.provider.bytes_out as f64)),
        plain("consumer_rps_peak", |s| s.consumer.rps_peak.map(f64::from)),
        plain("consumer_bytes_in", |s| Some(s.consumer.bytes_in as f64)),
        plain("consumer_bytes_out", |s| Some(s.consumer.bytes_out as f64)),
        plain("staleness_age_mean_ms", |s| s.staleness_age_mean_ms),
        plain("age_mean_ms", |s| s.age_mean_ms),
        plain("age_peak_mean_ms", |s| s.age_peak_mean_ms),
    ];
    if prices.is_some() {
        comparisons.push(cost("cost_total", |costs| costs.total));
        comparisons.push(cost("cost_per_million_events", |costs| costs.per_million_events));
    }
    comparisons
}

/// The figures behind a verdict on two clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// Mean latencies of the one that hears sooner and of the other, in milliseconds, with their positions.
    pub sooner: Option<Ranked>,
    /// Whether the difference of the latencies is within the error of this run: its 95 % interval holds zero.
    pub uncertain: bool,
    /// Requests per event of the one that needs fewer and of the other, with their positions.
    pub thriftier: Option<Ranked>,
    /// The share of wasted requests of both.
    pub wasted: [Option<f64>; 2],
    /// At how many events per second and consumer a pull client and a push client would need the same number of requests.
    pub crossover: Option<Crossover>,
}

/// Two values in order, smaller first, with the positions (0 or 1) of the clients they belong to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Position and value of the client with the smaller value.
    pub better: (usize, f64),
    /// Position and value of the other.
    pub worse: (usize, f64),
}

/// Where polling and webhooks cost the same number of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossover {
    /// The position (0 or 1) of the pull client.
    pub pull: usize,
    /// The position of the push client.
    pub push: usize,
    /// Events per second and consumer at which the counts are equal: polls per second divided by attempts per event.
    pub events_per_second: f64,
    /// Events per second and consumer in this run.
    pub observed: f64,
}

/// With one event an interval on average, a poll brings more than so many less than once in ten million.
const PAGE_MIN: u32 = 10;

/// What the figures of two clients amount to.
pub fn findings(clients: [&Summary; 2]) -> Findings {
    let rank = |value: fn(&Summary) -> Option<f64>| {
        let [a, b] = [value(clients[0])?, value(clients[1])?];
        Some(if b < a { Ranked { better: (1, b), worse: (0, a) } } else { Ranked { better: (0, a), worse: (1, b) } })
    };
    let [a, b] = clients.map(|summary| summary.batches(Figure::LatencyMean));
    let difference = a.zip(b).and_then(|(a, b)| statistics::ratio_difference(&b, &a));
    Findings {
        sooner: rank(|s| s.latency_mean_ms),
        uncertain: difference.is_some_and(|interval| interval.low <= 0.0 && interval.high >= 0.0),
        thriftier: rank(Summary::requests_per_event),
        wasted: clients.map(Summary::wasted_ratio),
        crossover: crossover(clients),
    }
}

/// From more attempts an event than this on, their number is taken to depend on the load.
const STEADY_ATTEMPTS_MAX: f64 = 1.5;

fn crossover(clients: [&Summary; 2]) -> Option<Crossover> {
    let position = |mode| clients.iter().position(|summary| summary.terms.mode == mode);
    let (pull, push) = (position(Mode::Pull)?, position(Mode::Push)?);
    let consumer_seconds = clients[pull].measured_s * f64::from(clients[pull].terms.consumers);
    let attempts_per_event = clients[push].requests_per_event()?;
    // Further pages of a poll grow with the events; where the counts are equal there are none, if a page holds a few.
    let polls_per_second = clients[pull].tally.poll_rounds as f64 / consumer_seconds;
    let pages_hold = clients[pull].terms.page.is_some_and(|page| page >= PAGE_MIN);
    // Who fails so often that events are lost, or nearly every one is sent twice, fails by what falls on the receiver: at
    // another rate it would need another number of attempts.
    let is_steady = clients[push].lost_total() == 0 && attempts_per_event <= STEADY_ATTEMPTS_MAX;
    let is_known = attempts_per_event > 0.0 && polls_per_second > 0.0 && clients[pull].events > 0;
    (is_known && is_steady && pages_hold).then(|| Crossover {
        pull,
        push,
        events_per_second: polls_per_second / attempts_per_event,
        observed: clients[pull].events as f64 / consumer_seconds,
    })
}
