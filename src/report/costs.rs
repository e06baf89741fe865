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
    pub(super) value: fn(&Costs) -> Option<f64>,
}

/// The lines of the table; those without a price are left out.
pub(super) const LINES: &[Line] = &[
    Line { label: "requests, System B", value: |costs| costs.requests_provider },
    Line { label: "requests, System A", value: |costs| costs.requests_consumer },
    Line { label: "bytes sent, both", value: |costs| costs.egress },
    Line { label: "CPU time", value: |costs| costs.cpu },
    Line { label: "in all", value: |costs| costs.total },
    Line { label: "a million events", value: |costs| costs.per_million_events },
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
    let cost = |summary: &Summary| of(scenario, summary)?.per_million_events;
    let compared = |client| Some(cheaper(scenario, (baseline, cost(baseline)?), (client, cost(client)?)));
    clients.iter().filter_map(compared).collect()
}

fn cheaper(scenario: &Identity, baseline: (&Summary, f64), client: (&Summary, f64)) -> String {
    let (cheap, dear) = if client.1 < baseline.1 { (client, baseline) } else { (baseline, client) };
    let name = |(summary, _): (&Summary, f64)| format!("\"{}\"", summary.terms.client);
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
