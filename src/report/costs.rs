//! What clients cost: a part of the table, and a sentence. Both are empty without prices.

use crate::measure::prices::Costs;
use crate::measure::summary::Summary;
use crate::report::{EngineReport, Identity, human};

/// The costs of a client; none without prices.
pub fn of(scenario: &Identity, summary: &Summary) -> Option<Costs> {
    scenario.prices.as_ref().map(|prices| Costs::of(prices, summary))
}

/// A line of the table.
pub(super) struct Line {
    pub(super) label: &'static str,
    /// The column of `summary.csv`.
    pub(super) column: &'static str,
    pub(super) value: fn(&Costs) -> Option<f64>,
}

/// The lines of the table; those without a price are left out.
pub(super) const LINES: &[Line] = &[
    Line { label: "requests, System B", column: "cost_requests_provider", value: |costs| costs.requests_provider },
    Line { label: "requests, System A", column: "cost_requests_consumer", value: |costs| costs.requests_consumer },
    Line { label: "bytes sent, both", column: "cost_egress", value: |costs| costs.egress },
    Line { label: "CPU time", column: "cost_cpu", value: |costs| costs.cpu },
    Line { label: "in all", column: "cost_total", value: |costs| costs.total },
    Line { label: "a million events", column: "cost_per_million_events", value: |costs| costs.per_million_events },
];

/// An amount of money with its currency, if it has one.
pub fn money(scenario: &Identity, amount: f64) -> String {
    let currency = scenario.prices.as_ref().and_then(|prices| prices.currency.as_ref());
    let amount = human::amount(amount);
    currency.map_or_else(|| amount.clone(), |currency| format!("{amount} {currency}"))
}

/// Which client is cheaper: each later one against the first.
pub fn sentences(scenario: &Identity, engine: &EngineReport) -> Vec<String> {
    let Some((baseline, clients)) = engine.summaries.split_first().filter(|_| !engine.cut_unevenly) else {
        return Vec::new();
    };
    let cost = |summary| -> Option<(&str, f64)> {
        let summary: &Summary = summary;
        Some((&summary.terms.client, of(scenario, summary)?.per_million_events?))
    };
    clients.iter().filter_map(|client| Some(cheaper(scenario, cost(baseline)?, cost(client)?))).collect()
}

/// Which of two clients is cheaper, from what a million events cost each.
pub(super) fn cheaper(scenario: &Identity, baseline: (&str, f64), client: (&str, f64)) -> String {
    let (cheap, dear) = if client.1 < baseline.1 { (client, baseline) } else { (baseline, client) };
    let name = |(name, _): (&str, f64)| format!("\"{name}\"");
    let (cheap_cost, dear_cost) = (money(scenario, cheap.1), money(scenario, dear.1));
    if cheap_cost == dear_cost {
        return format!("{} and {} cost the same, {cheap_cost} a million events.", name(cheap), name(dear));
    }
    let times = match dear.1 / cheap.1 {
        ratio if ratio.is_finite() => format!(", {} times as much", human::number(ratio)),
        _ => String::new(),
    };
    format!("{} costs {cheap_cost} a million events, {} {dear_cost}{times}.", name(cheap), name(dear))
}
