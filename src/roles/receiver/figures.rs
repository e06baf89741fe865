//! The figures of `receiver.csv` and `receiver_seconds.csv`, the same as JSON, the table for people, and the live line.

use std::fmt::Write as _;

use serde_json::{Value, json as document};

use super::counts::{Counts, Plain, Reason, Second};
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::table::Style;
use crate::report::{SCHEMA, TOOL_VERSION};
use crate::roles::fields::{self, Field, field, quantile};
use crate::roles::lines::{Lines, Shown, counts, section, times};
use crate::time::Span;

/// All that there is to tell of what came.
#[derive(Debug)]
pub struct Outcome {
    /// How webhooks were checked.
    pub signature: &'static str,
    /// How long it listened.
    pub listened: Span,
    /// What came.
    pub counts: Counts,
    /// Whether it was stopped before the time that it was to listen was over.
    pub partial: bool,
}

/// The columns of `receiver.csv`.
pub const FIGURES: &[Field<Outcome>] = &[
    field("schema", "version of this file's format", |_| SCHEMA.into()),
    field("tool_version", "version of pushpull", |_| TOOL_VERSION.into()),
    field("signature", "how webhooks were checked", |o| o.signature.into()),
    field("listened_s", "how long it listened, in seconds", |o| o.listened.as_secs_f64().into()),
    field("requests", "requests that came, other than somebody's look at the front page", |o| plain(o).requests.into()),
    field("accepted", "of these, accepted (200)", |o| plain(o).accepted.into()),
    field("refused", "of these, answered with the status of --status", |o| plain(o).refused.into()),
    field("rejected", "of these, turned away", |o| plain(o).rejected_total().into()),
    field("rejected_signature", "turned away for a missing, wrong or old signature (401)", |o| {
        rejected(plain(o), Reason::Signature)
    }),
    field("rejected_too_large", "turned away for their size or for too many events (413, 431)", |o| {
        rejected(plain(o), Reason::TooLarge)
    }),
    field("rejected_too_slow", "turned away for not coming in time (408)", |o| rejected(plain(o), Reason::TooSlow)),
    field("rejected_unreadable", "turned away for being no HTTP or no JSON (400)", |o| {
        rejected(plain(o), Reason::Unreadable)
    }),
    field("rejected_wrong_method", "turned away for being no POST (405)", |o| rejected(plain(o), Reason::WrongMethod)),
    field("rejected_no_room", "turned away because other bodies took all room (503)", |o| {
        rejected(plain(o), Reason::NoRoom)
    }),
    field("unfinished", "requests not answered when it ended", |o| plain(o).unfinished().into()),
    field("events", "events of the accepted requests; one may bring several", |o| plain(o).events.into()),
    field("duplicates", "of these, events that had come before", |o| plain(o).duplicates.into()),
    field("nameless", "of these, events without a name by which they could be known again", |o| {
        plain(o).nameless.into()
    }),
    field("gaps", "numbers missing between the first and the newest of each consumer", |o| o.counts.missing().into()),
    field("reordered", "events that came after a newer one of their consumer", |o| plain(o).reordered.into()),
    field("latency_n", "events behind the latency figures", |o| o.counts.latency.count().into()),
    field("latency_p50_ms", "median time from an event's own time until it was taken", |o| latency(o, 0.5)),
    field("latency_p90_ms", "90th percentile of the same", |o| latency(o, 0.9)),
    field("latency_p95_ms", "95th percentile of the same", |o| latency(o, 0.95)),
    field("latency_p99_ms", "99th percentile of the same", |o| latency(o, 0.99)),
    field("latency_max_ms", "the longest", |o| latency(o, 1.0)),
    field("clock_skew", "events whose own time was still to come by this machine's clock", |o| plain(o).ahead.into()),
    field("bytes", "bytes of the requests, as far as they were read", |o| plain(o).bytes.into()),
    field("partial", "`true` if it was stopped before its time was over", |o| o.partial.to_string().as_str().into()),
];

/// The columns of `receiver_seconds.csv`.
pub const SECOND_FIGURES: &[Field<Second>] = &[
    field("second", "which second, from 0", |s| s.number.into()),
    field("requests", "requests that came", |s| s.plain.requests.into()),
    field("accepted", "requests that were accepted", |s| s.plain.accepted.into()),
    field("refused", "requests answered with the status of --status", |s| s.plain.refused.into()),
    field("rejected", "requests turned away", |s| s.plain.rejected_total().into()),
    field("events", "events of the accepted requests", |s| s.plain.events.into()),
    field("duplicates", "of these, events that had come before", |s| s.plain.duplicates.into()),
    field("reordered", "events that came after a newer one of their consumer", |s| s.plain.reordered.into()),
    field("latency_n", "events behind the latency figures", |s| s.latency_n.into()),
    field("latency_mean_ms", "mean time from an event's own time until it was taken", |s| s.latency_mean_ms.into()),
    field("latency_max_ms", "the longest", |s| s.latency_max.map(Span::as_millis_f64).into()),
    field("bytes", "bytes of the requests, as far as they were read", |s| s.plain.bytes.into()),
];

fn plain(outcome: &Outcome) -> &Plain {
    &outcome.counts.plain
}

fn rejected(plain: &Plain, reason: Reason) -> Cell {
    Reason::ALL.iter().zip(plain.rejected).find(|(other, _)| **other == reason).map(|(_, count)| count).into()
}

fn latency(outcome: &Outcome, share: f64) -> Cell {
    quantile(&outcome.counts.latency, share)
}

/// `receiver.csv`.
pub fn csv(outcome: &Outcome) -> Vec<u8> {
    fields::csv(FIGURES, std::iter::once(outcome))
}

/// The same as JSON, indented, with a line end.
pub fn json(outcome: &Outcome) -> Vec<u8> {
    let object = Value::Object(fields::json(FIGURES, outcome));
    let mut text = serde_json::to_vec_pretty(&document!(object)).unwrap_or_default();
    text.push(b'\n');
    text
}

/// What came in a second and until its end, in a line.
pub fn line(second: &Second, all: &Counts) -> String {
    let plain = &all.plain;
    let mut text = format!(
        "{} a second; in all {}: {} accepted",
        human::things(second.plain.requests as f64, "request", "requests"),
        human::count(plain.requests),
        human::count(plain.accepted),
    );
    let rest = [
        ("refused", plain.refused),
        ("rejected", plain.rejected_total()),
        ("duplicates", plain.duplicates),
        ("out of order", plain.reordered),
    ];
    for (label, count) in rest.into_iter().filter(|(_, count)| *count > 0) {
        let _ = write!(text, ", {} {label}", human::count(count));
    }
    if let Some(median) = all.latency.quantile_ms(0.5) {
        let _ = write!(text, "; half within {}", human::duration_ms(median));
    }
    text
}

/// The table for people, at most 80 columns wide.
pub fn table(outcome: &Outcome, style: Style) -> String {
    let stopped = if outcome.partial { ", stopped early" } else { "" };
    let mut text = format!(
        "{}\n",
        style.bold(&format!(
            "webhooks with signature {}, {} of listening{stopped}",
            outcome.signature,
            human::duration_secs(outcome.listened.as_secs_f64())
        ))
    );
    section(&mut text, "Requests", &request_lines(plain(outcome)), style);
    section(&mut text, "Events", &event_lines(&outcome.counts), style);
    section(&mut text, "Latency", &times(&outcome.counts.latency), style);
    text
}

fn request_lines(plain: &Plain) -> Lines {
    let [signature, large, slow, unreadable, method, room] = plain.rejected;
    let mut lines = counts(&[
        ("all", plain.requests, Shown::Always),
        ("accepted", plain.accepted, Shown::Always),
        ("refused as told", plain.refused, Shown::IfAny),
        ("rejected: signature", signature, Shown::IfAny),
        ("rejected: too large", large, Shown::IfAny),
        ("rejected: too slow", slow, Shown::IfAny),
        ("rejected: unreadable", unreadable, Shown::IfAny),
        ("rejected: not a POST", method, Shown::IfAny),
        ("rejected: no room", room, Shown::IfAny),
        ("unfinished", plain.unfinished(), Shown::IfAny),
    ]);
    lines.push(("received".to_owned(), human::bytes(plain.bytes)));
    lines
}

fn event_lines(all: &Counts) -> Lines {
    let plain = &all.plain;
    counts(&[
        ("all", plain.events, Shown::Always),
        ("came again", plain.duplicates, Shown::Always),
        ("missing", all.missing(), Shown::Always),
        ("out of order", plain.reordered, Shown::Always),
        ("without a name", plain.nameless, Shown::IfAny),
        ("ahead of this clock", plain.ahead, Shown::IfAny),
    ])
}
