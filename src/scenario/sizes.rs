//! A size in bytes, or the distribution of one, as a scenario file writes it.

use crate::scenario::keys::{Absent, Key, Kind, listed, nearest};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::Problem;
use crate::scenario::tree::{Entry, Node, Table, Value};
use crate::workload::{PAYLOAD_MAX, SizeDistribution};

/// The distributions, with the parameters that each has. The last is the greatest size, which may be left out of all but
/// the first.
const LAWS: [(&str, &[&str]); 3] =
    [("uniform", &["min", "max"]), ("exponential", &["mean", "max"]), ("lognormal", &["median", "p99", "max"])];

const HELP: &str = r#"write "1 KiB", { uniform = { min = "1 KiB", max = "4 KiB" } }, { exponential = { mean = "2 KiB", max = "64 KiB" } } or { lognormal = { median = "2 KiB", p99 = "60 KiB" } }"#;

/// Reads a size or the distribution of one.
pub(super) fn sizes(node: &Node, key: &Key) -> Parsed<SizeDistribution> {
    let Value::Table(table) = &node.value else { return kinds::size(node, key).map(SizeDistribution::Constant) };
    let [entry] = &table.entries[..] else {
        let problem = Problem::new(format!("`{}` takes one distribution, not {}", key.name(), table.entries.len()));
        return Err(problem.at(node.place.as_ref()).help(HELP));
    };
    if entry.key == "constant" {
        return kinds::size(&entry.node, key).map(SizeDistribution::Constant);
    }
    let Some((name, parameters)) = LAWS.iter().find(|(name, _)| *name == entry.key) else {
        let problem = Problem::new(format!("unknown distribution `{}`", entry.key)).at(entry.place.as_ref());
        let near = nearest(&entry.key, LAWS.map(|(name, _)| name));
        return Err(problem.help(near.map_or_else(|| HELP.to_owned(), |near| format!("did you mean `{near}`?"))));
    };
    let Value::Table(inner) = &entry.node.value else {
        let problem = Problem::new(format!("the distribution `{name}` takes a table of parameters"));
        return Err(problem.at(entry.node.place.as_ref()).help(HELP));
    };
    law(entry, name, &read(entry, inner, parameters, key)?)
}

/// The values of the parameters, in their order; a greatest size that may be left out is the greatest there is.
fn read(law: &Entry, table: &Table, parameters: &[&'static str], key: &Key) -> Parsed<Vec<u32>> {
    let name = &law.key;
    if let Some(entry) = table.entries.iter().find(|entry| !parameters.contains(&entry.key.as_str())) {
        let quoted: Vec<_> = parameters.iter().map(|parameter| format!("`{parameter}`")).collect();
        let problem = Problem::new(format!("the distribution `{name}` has no parameter `{}`", entry.key));
        return Err(problem.at(entry.place.as_ref()).help(format!("its parameters are {}", listed(&quoted, "and"))));
    }
    let Kind::Sizes(most) = key.kind else { return kinds::size(&law.node, key).map(|bytes| vec![bytes]) };
    let value = |parameter: &&'static str| {
        let key = Key { path: parameter, kind: Kind::Size(most), absent: Absent::Required, doc: "" };
        match table.get(parameter) {
            Some(node) => kinds::size(node, &key),
            None if *parameter == "max" && name != "uniform" => Ok(PAYLOAD_MAX),
            None => {
                let problem = Problem::new(format!("the distribution `{name}` lacks `{parameter}`"));
                Err(problem.at(law.node.place.as_ref()).help(HELP))
            }
        }
    };
    parameters.iter().map(value).collect()
}

fn law(entry: &Entry, name: &str, values: &[u32]) -> Parsed<SizeDistribution> {
    let wrong =
        |message: &str, help: &str| Err(Problem::new(message).at(entry.node.place.as_ref()).help(help.to_owned()));
    match (name, values) {
        ("uniform", &[min, max]) if min > max => wrong("`min` is above `max`", "write the smaller size as `min`"),
        ("uniform", &[min, max]) => Ok(SizeDistribution::Uniform { min, max }),
        ("exponential", &[mean, max]) if mean > max => wrong(
            "the `mean` is above `max`",
            "write a `max` above the `mean`: what would be larger is as large as that",
        ),
        ("exponential", &[mean, max]) => Ok(SizeDistribution::Exponential { mean, max }),
        ("lognormal", &[0, ..]) => {
            wrong("the `median` is zero", "write a `median` above zero, or the constant \"0 B\"")
        }
        ("lognormal", &[median, p99, _]) if p99 < median => wrong(
            "`p99` is below the `median`",
            "`p99` is the size that 99 % of the samples stay below: write one that is larger than the median",
        ),
        ("lognormal", &[median, _, max]) if median > max => wrong(
            "the `median` is above `max`",
            "write a `max` above the `median`: what would be larger is as large as that",
        ),
        ("lognormal", &[median, p99, max]) => Ok(SizeDistribution::LogNormal { median, p99, max }),
        _ => wrong("the distribution lacks its parameters", HELP),
    }
}
