//! The columns of `summary.csv`: one table of names, meanings and getters, so that a new column is one entry.

use serde::{Deserialize, Serialize};

use crate::measure::prices::Costs;
use crate::measure::records::RecordSummary;
use crate::measure::summary::{LoadSummary, Summary};
use crate::peer::LossCause;
use crate::report::{EngineReport, Identity, SCHEMA, TOOL_VERSION, costs};
use crate::time::Time;

/// What a row is made from.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The scenario.
    pub scenario: &'a Identity,
    /// The engine's run.
    pub engine: &'a EngineReport,
    /// The client's numbers.
    pub summary: &'a Summary,
    /// Whether the run was stopped before its end.
    pub partial: bool,
}

/// A cell. What is not defined is empty, never zero and never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Not defined.
    Empty,
    /// Text.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number, written with nine significant digits.
    Number(f64),
}

impl Cell {
    /// The cell as CSV text.
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => significant(*number),
        }
    }

    /// The cell with its number as it is written, rounded to nine significant digits.
    #[must_use]
    pub fn rounded(self) -> Self {
        match self {
            Self::Number(number) => significant(number).parse().map_or(Self::Empty, Self::Number),
            other => other,
        }
    }

    /// The number in the cell as it is written; none where it is empty or holds a word.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Text(_) => None,
            Self::Count(_) | Self::Number(_) => self.text().parse().ok(),
        }
    }

    /// The cell as a JSON value.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Empty => serde_json::Value::Null,
            Self::Text(text) => text.clone().into(),
            Self::Count(count) => (*count).into(),
            Self::Number(number) => significant(*number).parse::<f64>().map_or(serde_json::Value::Null, Into::into),
        }
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}
impl From<u32> for Cell {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}
impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Empty }
    }
}
impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// A number with nine significant digits, without exponent and without trailing zeros.
pub fn significant(number: f64) -> String {
    // The exponent form rounds to significant digits; reading it back gives the shortest plain form.
    format!("{number:.8e}").parse::<f64>().map_or_else(|_| String::new(), |rounded| format!("{rounded}"))
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, with the unit in it.
    pub name: &'static str,
    /// What it means, for the documentation.
    pub meaning: &'static str,
    /// Its cell.
    pub cell: fn(Row<'_>) -> Cell,
}

const fn column(name: &'static str, meaning: &'static str, cell: fn(Row<'_>) -> Cell) -> Column {
    Column { name, meaning, cell }
}

/// What identifies a row; swept keys follow these.
pub const IDENTITY: &[Column] = &[
    column("schema", "version of this file's format", |_| SCHEMA.into()),
    column("tool_version", "version of pushpull", |_| TOOL_VERSION.into()),
    column("scenario", "name of the scenario file", |r| r.scenario.name.as_str().into()),
    column("scenario_sha256", "SHA-256 of the resolved scenario", |r| r.scenario.sha256.as_str().into()),
    column("engine", "`sim` or `live`", |r| r.engine.engine.into()),
    column("seed", "seed of every draw", |r| r.scenario.seed.into()),
    column("replication", "number of the repetition, from 1", |_| Cell::Count(1)),
    column("client", "name of the client", |r| r.summary.terms.client.as_str().into()),
    column("mode", "`pull`, `push` or `hybrid`", |r| r.summary.terms.mode.name().into()),
];

/// The measures.
pub const MEASURES: &[Column] = &[
    column("measured_s", "length of the measured stretch, in seconds", |r| r.summary.measured_s.into()),
    column("warmup_s", "length of the stretch before it that is not counted, in seconds", |r| {
        r.summary.terms.frame.warmup.since(Time::ZERO).as_secs_f64().into()
    }),
    column("consumers", "installations of System A; counts below are totals over them", |r| {
        r.summary.terms.consumers.into()
    }),
    column("events", "events that occurred in the measured stretch", |r| r.summary.events.into()),
    column("delivered", "of these, processed by the client", |r| r.summary.delivered.into()),
    column("pending", "of these, not processed when the run ended, but still on their way", |r| {
        r.summary.pending.into()
    }),
    column("lost", "of these, never to be processed", |r| r.summary.lost_total().into()),
    column("duplicates", "times that an event came again after it had been taken", |r| r.summary.duplicates.into()),
    column("reordered", "events processed after a later event of the same record", |r| r.summary.reordered.into()),
    column("latency_n", "events behind the latency figures", |r| r.summary.latency_n.into()),
    column("latency_mean_ms", "mean time from an event until the client has processed it", |r| {
        r.summary.latency_mean_ms.into()
    }),
    column("latency_p50_ms", "median of the same", |r| r.summary.latency_p50_ms.into()),
    column("latency_p90_ms", "90th percentile; empty below 10 events", |r| r.summary.latency_p90_ms.into()),
    column("latency_p95_ms", "95th percentile; empty below 20 events", |r| r.summary.latency_p95_ms.into()),
    column("latency_p99_ms", "99th percentile; empty below 100 events", |r| r.summary.latency_p99_ms.into()),
    column("latency_p999_ms", "99.9th percentile; empty below 1,000 events", |r| r.summary.latency_p999_ms.into()),
    column("latency_max_ms", "longest of the same", |r| r.summary.latency_max_ms.into()),
    column("staleness_ratio", "share of the time in which the client's view of some record was out of date", |r| {
        r.summary.staleness_ratio.into()
    }),
    column("requests", "polls and webhook attempts that started in the measured stretch", |r| {
        r.summary.requests().into()
    }),
    column("useful", "of these, brought at least one event not yet processed", |r| r.summary.outcomes.useful.into()),
    column("empty", "of these, polls answered with nothing new", |r| r.summary.outcomes.empty.into()),
    column("not_modified", "of these, polls answered 304", |r| r.summary.outcomes.not_modified.into()),
    column("duplicate", "of these, brought only events already processed", |r| r.summary.outcomes.duplicate.into()),
    column("throttled", "of these, answered 429", |r| r.summary.outcomes.throttled.into()),
    column("failed", "of these, brought nothing: lost, timed out, refused, cut off", |r| {
        r.summary.outcomes.failed.into()
    }),
    column("wasted", "requests that were not useful", |r| r.summary.wasted().into()),
    column("wasted_ratio", "wasted / requests", |r| r.summary.wasted_ratio().into()),
    column("requests_per_event", "requests / events", |r| r.summary.requests_per_event().into()),
    column("forged_rejected", "forged webhooks turned away, or known again and not handled", |r| {
        r.summary.forged_rejected.into()
    }),
    column("forged_accepted", "forged webhooks that the handler ran on", |r| r.summary.forged_accepted.into()),
    column("provider_rps_mean", "exchanges per second at System B", |r| r.summary.provider.rps_mean.into()),
    column("provider_rps_peak", "exchanges in its busiest second; empty for runs of more than 97 days", |r| {
        r.summary.provider.rps_peak.into()
    }),
    column("provider_busy_ratio", "busy share of its API workers; empty if they are not limited", |r| {
        r.summary.provider.busy_ratio.into()
    }),
    column("provider_bytes_in", "bytes it received, as on the wire", |r| r.summary.provider.bytes_in.into()),
    column("provider_bytes_out", "bytes it sent, as on the wire", |r| r.summary.provider.bytes_out.into()),
    column("provider_cpu_s", "CPU seconds of System B, which serves all clients; `live` only", |r| {
        r.summary.provider.cpu_s.into()
    }),
    column("consumer_rps_mean", "exchanges per second at System A, over all consumers", |r| {
        r.summary.consumer.rps_mean.into()
    }),
    column("consumer_rps_peak", "exchanges in its busiest second, over all consumers", |r| {
        r.summary.consumer.rps_peak.into()
    }),
    column("consumer_busy_ratio", "busy share of the receivers' workers; empty if they are not limited", |r| {
        r.summary.consumer.busy_ratio.into()
    }),
    column("consumer_queue_max", "most webhooks that waited at one receiver; empty without a receiver", |r| {
        queue_max(&r.summary.consumer, r.summary.terms.consumer_workers.is_some())
    }),
    column("consumer_bytes_in", "bytes it received, as on the wire", |r| r.summary.consumer.bytes_in.into()),
    column("consumer_bytes_out", "bytes it sent, as on the wire", |r| r.summary.consumer.bytes_out.into()),
    column("consumer_cpu_s", "CPU seconds of System A with this client; `live` only", |r| {
        r.summary.consumer.cpu_s.into()
    }),
    column("polls", "requests that were polls", |r| r.summary.polls.into()),
    column("attempts", "requests that were webhook attempts", |r| r.summary.attempts.into()),
    column("lost_never_retried", "lost events whose only attempt failed", |r| lost(r, LossCause::NeverRetried)),
    column("lost_retries_exhausted", "lost events of which every attempt failed", |r| {
        lost(r, LossCause::RetriesExhausted)
    }),
    column("provider_queue_max", "most requests that waited at System B's API; empty if it is not limited", |r| {
        queue_max(&r.summary.provider, r.summary.terms.provider_workers.is_some())
    }),
    column("overloaded", "`true` if a part of the client could not keep up, so that its mean does not converge", |r| {
        let position = r.engine.summaries.iter().position(|other| other.terms.client == r.summary.terms.client);
        position.is_some_and(|client| r.engine.is_overloaded(client)).to_string().as_str().into()
    }),
    column("lag_p50_ms", "median lag of the live engine behind its schedule", |r| {
        r.engine.lag.map(|lag| lag.p50.as_millis_f64()).into()
    }),
    column("lag_p99_ms", "99th percentile of the same", |r| r.engine.lag.map(|lag| lag.p99.as_millis_f64()).into()),
    column("fetches", "requests that fetched the event that a thin webhook named", |r| r.summary.fetches.into()),
    column("reprocessed", "times that a handler ran again on an event that was no longer remembered", |r| {
        r.summary.reprocessed.into()
    }),
    column("lost_endpoint_disabled", "lost events whose endpoint was disabled", |r| {
        lost(r, LossCause::EndpointDisabled)
    }),
    column("lost_unhandled", "lost events that were acknowledged and never handled", |r| lost(r, LossCause::Unhandled)),
    column("endpoint_disabled", "times that an endpoint was disabled", |r| r.summary.disabled.into()),
    column("breaker_opened", "times that a circuit breaker opened", |r| r.summary.breaker_opened.into()),
    column("partial", "`true` if the run was stopped before its end", |r| r.partial.to_string().as_str().into()),
    column("lost_aged_out", "lost events that were too old for the API before a poll came", |r| {
        lost(r, LossCause::AgedOut)
    }),
    column("lost_superseded", "lost events of which a poll saw only a later one of the same record", |r| {
        lost(r, LossCause::Superseded)
    }),
    column("lost_polls_exhausted", "lost events of records that were no longer polled", |r| {
        lost(r, LossCause::PollsExhausted)
    }),
    column("staleness_age_mean_ms", "time average of how long the client's view has been out of date", |r| {
        r.summary.staleness_age_mean_ms.into()
    }),
    column("age_mean_ms", "time average of how long ago the newest event seen occurred (age of information)", |r| {
        r.summary.age_mean_ms.into()
    }),
    column("age_peak_mean_ms", "mean of the same just before it falls", |r| r.summary.age_peak_mean_ms.into()),
    column("records_opened", "records that System A opened in the measured stretch; empty without a lifecycle", |r| {
        record(r, |records| records.opened.into())
    }),
    column("records_final", "of these, became final", |r| record(r, |records| records.finals.into())),
    column("records_known", "of these, known to the client to be final", |r| record(r, |records| records.known.into())),
    column("know_mean_ms", "mean time from the last change of a record until the client has seen it", |r| {
        record(r, |records| records.know_mean_ms.into())
    }),
    column("know_p50_ms", "median of the same", |r| record(r, |records| records.know_p50_ms.into())),
    column("know_p95_ms", "95th percentile; empty below 20 records", |r| {
        record(r, |records| records.know_p95_ms.into())
    }),
    column("know_p99_ms", "99th percentile; empty below 100 records", |r| {
        record(r, |records| records.know_p99_ms.into())
    }),
    column("know_max_ms", "longest of the same", |r| record(r, |records| records.know_max_ms.into())),
    column("polls_per_record_mean", "polls of a record; polls / records_opened where the feed is polled", |r| {
        record(r, |records| records.polls_mean.into())
    }),
    column("polls_per_record_max", "most polls of one record; empty where the feed is polled", |r| {
        record(r, |records| records.polls_max.into())
    }),
    column(
        "cost_requests_provider",
        "cost of the requests at System B; costs are empty where `[prices]` has no price",
        |r| cost(r, |costs| costs.requests_provider),
    ),
    column("cost_requests_consumer", "cost of the same requests at System A", |r| {
        cost(r, |costs| costs.requests_consumer)
    }),
    column("cost_egress", "cost of the bytes that both sides sent: provider_bytes_out + consumer_bytes_out", |r| {
        cost(r, |costs| costs.egress)
    }),
    column("cost_cpu", "cost of the CPU seconds, System B's being those for all clients; `live` only", |r| {
        cost(r, |costs| costs.cpu)
    }),
    column("cost_total", "sum of these costs, as far as there are prices", |r| cost(r, |costs| costs.total)),
    column("cost_per_million_events", "cost_total / events x 1,000,000", |r| cost(r, |costs| costs.per_million_events)),
];

/// A cost, where there are prices.
fn cost(row: Row<'_>, part: fn(&Costs) -> Option<f64>) -> Cell {
    costs::of(row.scenario, row.summary).and_then(|costs| part(&costs)).into()
}

/// A figure of the records, where there are any.
fn record(row: Row<'_>, figure: fn(&RecordSummary) -> Cell) -> Cell {
    row.summary.records.as_ref().map_or(Cell::Empty, figure)
}

fn lost(row: Row<'_>, cause: LossCause) -> Cell {
    row.summary.lost_by(cause).into()
}

fn queue_max(load: &LoadSummary, limited: bool) -> Cell {
    limited.then_some(load.queue_max).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_nine_digits_and_no_exponent() {
        let cases =
            [(0.1 + 0.2, "0.3"), (1e-7, "0.0000001"), (1.0 / 3.0, "0.333333333"), (12_345_678_901.0, "12345678900")];
        for (number, text) in cases {
            assert_eq!(significant(number), text);
        }
        assert_eq!(Cell::from(f64::NAN), Cell::Empty);
        assert_eq!(Cell::from(None::<u32>).text(), "");
    }

    #[test]
    fn every_quotient_is_known_as_one() {
        use crate::measure::quotient::Quotient;
        // Averages over time, of which all runs have as much; and one of which no run counts what it is a mean of.
        let others = [
            "staleness_ratio",
            "staleness_age_mean_ms",
            "age_mean_ms",
            "provider_busy_ratio",
            "consumer_busy_ratio",
            "provider_rps_mean",
            "consumer_rps_mean",
            "age_peak_mean_ms",
        ];
        let names: Vec<_> = MEASURES.iter().map(|column| column.name).collect();
        for name in &names {
            let looks_like_one = name.contains("_ratio") || name.contains("_mean") || name.contains("_per_");
            let looks_like_one = looks_like_one && !name.ends_with("_max");
            assert_eq!(Quotient::of_figure(name).is_some(), looks_like_one && !others.contains(name), "{name}");
            let parts = match Quotient::of_figure(name) {
                None => Vec::new(),
                Some(Quotient::Of { numerator, denominator, .. }) => vec![numerator, denominator],
                Some(Quotient::MeanOver(count)) => vec![count],
            };
            assert!(parts.iter().all(|part| names.contains(part)), "{name}: {parts:?}");
        }
    }

    #[test]
    fn no_name_stands_twice() {
        let names: Vec<_> = IDENTITY.iter().chain(MEASURES).map(|column| column.name).collect();
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
    }
}
