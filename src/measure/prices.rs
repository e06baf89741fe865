//! What requests, traffic and CPU time cost, for the stretch that was measured.

use crate::measure::summary::Summary;

/// Prices; what has none is not counted. Money is a number without a currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// Of requests, for each side that handles them.
    pub requests: Sides,
    /// For so many requests those prices are.
    pub per: u64,
    /// Of each GiB that a side sends. What it receives costs nothing, as with the large clouds.
    pub egress_per_gib: Option<f64>,
    /// Of an hour of CPU time.
    pub cpu_hour: Sides,
    /// The name of the currency, which is only shown.
    pub currency: Option<String>,
}

/// A price at each side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sides {
    /// At System B.
    pub provider: Option<f64>,
    /// At System A.
    pub consumer: Option<f64>,
}

/// What a client cost in the stretch that was measured, over all consumers; none where there is no price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Its requests, at System B.
    pub requests_provider: Option<f64>,
    /// The same requests, at System A.
    pub requests_consumer: Option<f64>,
    /// What both sides sent.
    pub egress: Option<f64>,
    /// CPU time, where it is known.
    pub cpu: Option<f64>,
    /// All of these that are known.
    pub total: Option<f64>,
    /// The total for a million events; none without events.
    pub per_million_events: Option<f64>,
}

impl Prices {
    /// Whether there is a price for what a column of `summary.csv` counts; so there is for one that is no cost.
    pub fn has(&self, column: &str) -> bool {
        let Sides { provider, consumer } = self.requests;
        let cpu = self.cpu_hour.provider.or(self.cpu_hour.consumer);
        match column {
            "cost_requests_provider" => provider.is_some(),
            "cost_requests_consumer" => consumer.is_some(),
            "cost_egress" => self.egress_per_gib.is_some(),
            "cost_cpu" => cpu.is_some(),
            _ => true,
        }
    }
}

const GIB: f64 = (1u64 << 30) as f64;
const HOUR: f64 = 3_600.0;

impl Costs {
    /// The costs of a client.
    pub fn of(prices: &Prices, summary: &Summary) -> Self {
        let requests = |price: Option<f64>| price.map(|price| price * summary.requests() as f64 / prices.per as f64);
        let (requests_provider, requests_consumer) =
            (requests(prices.requests.provider), requests(prices.requests.consumer));
        let sent = summary.provider.bytes_out as f64 + summary.consumer.bytes_out as f64;
        let egress = prices.egress_per_gib.map(|price| price * (sent / GIB));
        let hours =
            |price: Option<f64>, cpu_s: Option<f64>| price.zip(cpu_s).map(|(price, cpu_s)| price * cpu_s / HOUR);
        let cpu = sum([
            hours(prices.cpu_hour.provider, summary.provider.cpu_s),
            hours(prices.cpu_hour.consumer, summary.consumer.cpu_s),
        ]);
        let total = sum([requests_provider, requests_consumer, egress, cpu]);
        let events = summary.events as f64;
        let per_million_events = total.filter(|_| events > 0.0).map(|total| total / events * 1e6);
        Self { requests_provider, requests_consumer, egress, cpu, total, per_million_events }
    }
}

/// The sum of the parts that are known; none if none is.
fn sum<const N: usize>(parts: [Option<f64>; N]) -> Option<f64> {
    parts.into_iter().flatten().reduce(|sum, part| sum + part)
}
