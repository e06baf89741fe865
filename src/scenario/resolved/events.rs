//! Parts of `[events]`, written out in full.

use serde_json::{Map, Value, json};

use super::span;
use crate::scenario::arrivals::PhaseKeys;
use crate::scenario::units::{format_rate, format_size};
use crate::workload::{BatchSize, SizeDistribution};

/// `events.batch`.
pub(super) fn batch(batch: &BatchSize) -> Value {
    match *batch {
        BatchSize::Constant(size) => size.into(),
        BatchSize::Geometric { mean } => json!({ "mean": mean }),
        BatchSize::Pareto { mean, shape, max, .. } => {
            json!({ "pareto": { "mean": mean, "shape": shape, "max": max } })
        }
    }
}

/// `events.payload`.
pub(super) fn payload(payload: &SizeDistribution) -> Value {
    let size = |bytes: u32| format_size(bytes.into());
    match *payload {
        SizeDistribution::Constant(bytes) => size(bytes).into(),
        SizeDistribution::Uniform { min, max } => json!({ "uniform": { "min": size(min), "max": size(max) } }),
        SizeDistribution::Exponential { mean, max } => {
            json!({ "exponential": { "mean": size(mean), "max": size(max) } })
        }
        SizeDistribution::LogNormal { median, p99, max } => {
            json!({ "lognormal": { "median": size(median), "p99": size(p99), "max": size(max) } })
        }
    }
}

/// One of `events.phases`.
pub(super) fn phase(keys: &PhaseKeys) -> Value {
    let mut table = Map::new();
    table.insert("for".to_owned(), span(keys.length).into());
    if keys.from == keys.to {
        table.insert("rate".to_owned(), format_rate(keys.from).into());
    } else {
        table.insert("from".to_owned(), format_rate(keys.from).into());
        table.insert("to".to_owned(), format_rate(keys.to).into());
    }
    table.into()
}
