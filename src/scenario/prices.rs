//! `[prices]`: what requests, traffic and CPU time cost.

use serde_json::{Map, Value as Json};

use crate::measure::prices::{Prices, Sides};
use crate::scenario::kinds;
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::tree::Node;

/// For how many requests a price is.
const PER: [(&str, u64); 5] = [("1", 1), ("1k", 1_000), ("10k", 10_000), ("100k", 100_000), ("1M", 1_000_000)];

/// Reads `[prices]`: the outer none is a problem, the inner one that there are none.
pub(super) fn prices(reader: &mut Reader, top: &Section<'_>) -> Option<Option<Prices>> {
    let Some(node) = top.node("prices") else { return Some(None) };
    let section = top.sub("prices");
    // What is no table has been named already.
    section.table?;
    let requests = section.sub("prices.requests");
    let per = reader.get(&requests, "per", kinds::choice);
    let requests_of = sides(reader, &section, "prices.requests", "{ provider = 0.40, consumer = 0.20, per = \"1M\" }");
    let egress_per_gib = reader.get_if_written(&section, "egress_per_gib", kinds::number);
    let cpu_hour = sides(reader, &section, "prices.cpu_hour", "{ provider = 0.04, consumer = 0.04 }");
    let currency = reader.get_if_written(&section, "currency", kinds::text);
    let per = PER.iter().find(|(name, _)| Some(*name) == per).map(|(_, count)| *count);
    let prices = Prices {
        requests: requests_of?,
        per: per?,
        egress_per_gib: egress_per_gib?,
        cpu_hour: cpu_hour?,
        currency: currency?,
    };
    // What is wrong inside the table of a price has been named there.
    let is_written = |name: &&str| section.node(name).is_some() || section.misspells(name);
    if !["requests", "egress_per_gib", "cpu_hour"].iter().any(is_written) {
        reader.problem(no_price("[prices]", node, "egress_per_gib = 0.09, or remove it"));
        return None;
    }
    Some(Some(prices))
}

/// The prices of a table at each side, if there is such a table.
fn sides(reader: &mut Reader, section: &Section<'_>, path: &'static str, example: &str) -> Option<Sides> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let Some(node) = section.node(name) else { return Some(Sides::default()) };
    let table = section.sub(path);
    // What is no table has been named already.
    table.table?;
    let provider = reader.get_if_written(&table, "provider", kinds::number);
    let consumer = reader.get_if_written(&table, "consumer", kinds::number);
    let sides = Sides { provider: provider?, consumer: consumer? };
    if sides == Sides::default() && !table.misspells("provider") && !table.misspells("consumer") {
        reader.problem(no_price(&format!("`{name}`"), node, &format!("{name} = {example}")));
        return None;
    }
    Some(sides)
}

fn no_price(table: &str, node: &Node, example: &str) -> Problem {
    Problem::new(format!("there is no price in {table}")).at(node.place.as_ref()).help(format!("write {example}"))
}

/// The keys of the table, with the values in effect.
pub(super) fn to_json(prices: &Prices) -> Json {
    let sides = |sides: &Sides| -> Map<String, Json> {
        let both = [("provider", sides.provider), ("consumer", sides.consumer)];
        both.into_iter().filter_map(|(name, price)| Some((name.to_owned(), price?.into()))).collect()
    };
    let mut table = Map::new();
    if prices.requests != Sides::default() {
        let per = PER.iter().find(|(_, count)| *count == prices.per).map_or("1", |(name, _)| name);
        let mut requests = sides(&prices.requests);
        requests.insert("per".to_owned(), per.into());
        table.insert("requests".to_owned(), requests.into());
    }
    if let Some(price) = prices.egress_per_gib {
        table.insert("egress_per_gib".to_owned(), price.into());
    }
    if prices.cpu_hour != Sides::default() {
        table.insert("cpu_hour".to_owned(), sides(&prices.cpu_hour).into());
    }
    if let Some(currency) = &prices.currency {
        table.insert("currency".to_owned(), currency.clone().into());
    }
    table.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::{Kind, find};

    #[test]
    fn every_number_of_requests_that_the_key_takes_is_known() {
        let Kind::Choice(names, _) = find("prices.requests.per").unwrap().kind else { panic!("it takes names") };
        assert_eq!(names, PER.map(|(name, _)| name));
    }
}
