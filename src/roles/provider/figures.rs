//! The figures of `provider.csv` and `polls.csv`, the same as JSON, and the table for people.

use std::fmt::Write as _;

use serde_json::{Value, json as document};

use super::polls::PathRow;
use super::score::Score;
use crate::engine::live::Lag;
use crate::peer::LossCause;
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::table::Style;
use crate::report::{Identity, SCHEMA, TOOL_VERSION};
use crate::roles::fields::{self, Field, field, quantile};
use crate::roles::lines::{Lines, Shown, counts, section, times};
use crate::time::Time;

/// All that there is to tell of a receiver.
#[derive(Debug)]
pub struct Outcome {
    /// Which scenario was played.
    pub scenario: Identity,
    /// The client whose webhooks were sent.
    pub client: String,
    /// How they were signed.
    pub signature: &'static str,
    /// How the receiver did.
    pub score: Score,
    /// How long it took.
    pub ended_at: Time,
    /// How late this side was behind its schedule.
    pub lag: Lag,
    /// Whether the run was stopped early.
    pub partial: bool,
}

/// The columns of `provider.csv`.
pub const FIGURES: &[Field<Outcome>] = &[
    field("schema", "version of this file's format", |_| SCHEMA.into()),
    field("tool_version", "version of pushpull", |_| TOOL_VERSION.into()),
    field("scenario", "name of the scenario file", |o| o.scenario.name.as_str().into()),
    field("scenario_sha256", "SHA-256 of the resolved scenario", |o| o.scenario.sha256.as_str().into()),
    field("seed", "seed of every draw", |o| o.scenario.seed.into()),
    field("client", "the push client whose webhooks were sent", |o| o.client.as_str().into()),
    field("signature", "how they were signed", |o| o.signature.into()),
    field("consumers", "consumers; counts are totals over them", |o| o.scenario.consumers.into()),
    field("ran_s", "how long it took, in seconds", |o| o.ended_at.since(Time::ZERO).as_secs_f64().into()),
    field("events", "events that occurred", |o| o.score.events.into()),
    field("accepted", "of these, accepted (2xx)", |o| o.score.accepted.into()),
    field("pending", "of these, still on their way when the run ended", |o| o.score.pending().into()),
    field("given_up", "of these, given up", |o| o.score.given_up_total().into()),
    field("given_up_never_retried", "given up after an only attempt", |o| given_up(o, LossCause::NeverRetried)),
    field("given_up_retries_exhausted", "given up after the last retry", |o| given_up(o, LossCause::RetriesExhausted)),
    field("given_up_endpoint_disabled", "given up because the endpoint was disabled", |o| {
        given_up(o, LossCause::EndpointDisabled)
    }),
    field("attempts", "webhooks sent", |o| o.score.attempts.into()),
    field("first_attempts", "of these, the first of a delivery", |o| o.score.first_attempts.into()),
    field("retries", "of these, caused by the receiver: all others", |o| o.score.retries().into()),
    field("status_2xx", "attempts answered with a status from 200 to 299", |o| o.score.status_class(2).into()),
    field("status_3xx", "attempts answered with a redirect, which is not followed", |o| o.score.status_class(3).into()),
    field("status_4xx", "attempts answered with a status from 400 to 499", |o| o.score.status_class(4).into()),
    field("status_5xx", "attempts answered with a status of 500 or more", |o| o.score.status_class(5).into()),
    field("statuses", "each status and how often it came", |o| statuses(&o.score).as_str().into()),
    field("timeouts", "attempts not answered in time", |o| o.score.timeouts.into()),
    field("refused_connections", "attempts that found no connection", |o| o.score.unreachable.into()),
    field("bad_answers", "attempts that found a connection, but whose answer was no HTTP or broke off", |o| {
        o.score.bad_answers.into()
    }),
    field("unfinished", "attempts still under way when the run ended", |o| o.score.unfinished().into()),
    field("endpoint_disabled", "times that the endpoint was disabled", |o| o.score.disabled.into()),
    field("breaker_opened", "times that the circuit breaker opened", |o| o.score.breaker_opened.into()),
    field("ack_n", "answers behind the acknowledgement figures, whatever their status", |o| {
        o.score.acknowledgement.count().into()
    }),
    field("ack_p50_ms", "median time from sending a webhook to its answer", |o| ack(o, 0.5)),
    field("ack_p90_ms", "90th percentile of the same", |o| ack(o, 0.9)),
    field("ack_p95_ms", "95th percentile of the same", |o| ack(o, 0.95)),
    field("ack_p99_ms", "99th percentile of the same", |o| ack(o, 0.99)),
    field("ack_max_ms", "the longest", |o| ack(o, 1.0)),
    field("latency_n", "events behind the latency figures", |o| o.score.latency.count().into()),
    field("latency_p50_ms", "median time from an event until it was accepted", |o| latency(o, 0.5)),
    field("latency_p90_ms", "90th percentile of the same", |o| latency(o, 0.9)),
    field("latency_p95_ms", "95th percentile of the same", |o| latency(o, 0.95)),
    field("latency_p99_ms", "99th percentile of the same", |o| latency(o, 0.99)),
    field("latency_max_ms", "the longest", |o| latency(o, 1.0)),
    field("polls", "requests to the API", |o| o.score.polls.total().polls.into()),
    field("polls_useful", "of these, answered with an event that its key had not been told of", |o| {
        o.score.polls.total().useful.into()
    }),
    field("polls_empty", "of these, answered with nothing new", |o| o.score.polls.total().empty.into()),
    field("polls_not_modified", "of these, answered 304", |o| o.score.polls.total().not_modified.into()),
    field("polls_refused", "of these, answered with an error", |o| o.score.polls.total().refused.into()),
    field("polls_bytes_in", "bytes of these requests", |o| o.score.polls.total().bytes_in.into()),
    field("polls_bytes_out", "bytes of their answers", |o| o.score.polls.total().bytes_out.into()),
    field("lag_p50_ms", "median lag of this side behind its schedule", |o| o.lag.p50.as_millis_f64().into()),
    field("lag_p99_ms", "99th percentile of the same", |o| o.lag.p99.as_millis_f64().into()),
    field("partial", "`true` if the run was stopped before its end", |o| o.partial.to_string().as_str().into()),
];

/// The columns of `polls.csv`.
pub const POLL_FIGURES: &[Field<PathRow>] = &[
    field("path", "the path, with identifiers left out", |p| p.path.as_str().into()),
    field("polls", "requests to it", |p| p.counts.polls.into()),
    field("useful", "of these, answered with an event that its key had not been told of", |p| p.counts.useful.into()),
    field("empty", "of these, answered with nothing new", |p| p.counts.empty.into()),
    field("not_modified", "of these, answered 304", |p| p.counts.not_modified.into()),
    field("refused", "of these, answered with an error", |p| p.counts.refused.into()),
    field("bytes_in", "bytes of the requests", |p| p.counts.bytes_in.into()),
    field("bytes_out", "bytes of the answers", |p| p.counts.bytes_out.into()),
];

fn given_up(outcome: &Outcome, cause: LossCause) -> Cell {
    LossCause::ALL
        .iter()
        .position(|other| *other == cause)
        .and_then(|index| outcome.score.given_up.get(index).copied())
        .into()
}

fn ack(outcome: &Outcome, share: f64) -> Cell {
    quantile(&outcome.score.acknowledgement, share)
}

fn latency(outcome: &Outcome, share: f64) -> Cell {
    quantile(&outcome.score.latency, share)
}

fn statuses(score: &Score) -> String {
    let each: Vec<_> = score.statuses.iter().map(|(status, count)| format!("{status}:{count}")).collect();
    each.join(" ")
}

/// `provider.csv`.
pub fn csv(outcome: &Outcome) -> Vec<u8> {
    fields::csv(FIGURES, std::iter::once(outcome))
}

/// `polls.csv`: one row for each path.
pub fn polls_csv(outcome: &Outcome) -> Vec<u8> {
    fields::csv(POLL_FIGURES, outcome.score.polls.paths())
}

/// The same as JSON, indented, with a line end.
pub fn json(outcome: &Outcome) -> Vec<u8> {
    let mut object = fields::json(FIGURES, outcome);
    let statuses = outcome.score.statuses.iter().map(|(status, count)| (status.to_string(), (*count).into()));
    object.insert("statuses".into(), Value::Object(statuses.collect()));
    let paths = outcome.score.polls.paths().map(|path| fields::json(POLL_FIGURES, path).into());
    object.insert("polls_by_path".into(), Value::Array(paths.collect()));
    let mut text = serde_json::to_vec_pretty(&document!(object)).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The table for people, at most 80 columns wide.
pub fn table(outcome: &Outcome, to: &str, style: Style) -> String {
    let score = &outcome.score;
    let seconds = outcome.ended_at.since(Time::ZERO).as_secs_f64();
    let stopped = if outcome.partial { ", stopped early" } else { "" };
    let title = format!("{}: webhooks of {:?} to {to}", outcome.scenario.name, outcome.client);
    let subtitle = format!(
        "signature {}, {} of real time, seed {}{stopped}",
        outcome.signature,
        human::duration_secs(seconds),
        outcome.scenario.seed
    );
    let mut text = String::new();
    for line in crate::report::table::wrap(&title, crate::report::table::WIDTH) {
        let _ = writeln!(text, "{}", style.bold(&line));
    }
    let _ = writeln!(text, "{}", style.dim(&subtitle));
    section(&mut text, "Events", &event_lines(score), style);
    section(&mut text, "Attempts", &attempt_lines(score), style);
    section(&mut text, "Answers", &answer_lines(score), style);
    section(&mut text, "Answered", &times(&score.acknowledgement), style);
    section(&mut text, "Accepted", &times(&score.latency), style);
    section(&mut text, "Polls", &poll_lines(score), style);
    text
}

fn event_lines(score: &Score) -> Lines {
    let [never, exhausted, disabled, unhandled, ..] = score.given_up;
    counts(&[
        ("occurred", score.events, Shown::Always),
        ("accepted", score.accepted, Shown::Always),
        ("still pending", score.pending(), Shown::IfAny),
        ("given up: never retried", never, Shown::IfAny),
        ("given up: retries exhausted", exhausted, Shown::IfAny),
        ("given up: endpoint disabled", disabled, Shown::IfAny),
        ("given up: not handled", unhandled, Shown::IfAny),
    ])
}

fn attempt_lines(score: &Score) -> Lines {
    counts(&[
        ("all", score.attempts, Shown::Always),
        ("first attempts", score.first_attempts, Shown::Always),
        ("retries it caused", score.retries(), Shown::Always),
        ("unfinished", score.unfinished(), Shown::IfAny),
        ("endpoint disabled", score.disabled, Shown::IfAny),
        ("circuit breaker opened", score.breaker_opened, Shown::IfAny),
    ])
}

fn answer_lines(score: &Score) -> Lines {
    let status = |(status, count): (&u16, &u64)| (status.to_string(), human::count(*count));
    let mut lines: Lines = score.statuses.iter().map(status).collect();
    lines.extend(counts(&[
        ("timed out", score.timeouts, Shown::IfAny),
        ("no connection", score.unreachable, Shown::IfAny),
        ("no HTTP, or cut off", score.bad_answers, Shown::IfAny),
    ]));
    lines
}

fn poll_lines(score: &Score) -> Lines {
    let total = score.polls.total();
    if total.polls == 0 {
        return Lines::new();
    }
    let mut lines = counts(&[
        ("all", total.polls, Shown::Always),
        ("useful", total.useful, Shown::Always),
        ("nothing new", total.empty, Shown::Always),
        ("not modified (304)", total.not_modified, Shown::IfAny),
        ("refused", total.refused, Shown::IfAny),
    ]);
    lines.push(("bytes of answers".into(), human::bytes(total.bytes_out)));
    if score.polls.paths().count() > 1 {
        lines.extend(score.polls.paths().map(|row| (row.path.clone(), human::count(row.counts.polls))));
    }
    lines
}
