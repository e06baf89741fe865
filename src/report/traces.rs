//! Every event and every exchange of a run, one JSON object a line.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::measure::chronicle::{Asked, Chronicle, Entry, Told};
use crate::measure::fact::End;
use crate::measure::tally::{Frame, OutcomeKind};
use crate::peer::Side;
use crate::time::Time;
use crate::wire::event_id;

/// What happened in a run with one engine.
#[derive(Debug)]
pub struct Course<'a> {
    /// `sim` or `live`.
    pub engine: &'static str,
    /// What is counted of it.
    pub frame: Frame,
    /// What happened to each client, by name; none where that could not be looked at.
    pub clients: Vec<(&'a str, &'a Option<Chronicle>)>,
}

impl<'a> Course<'a> {
    fn told(&self) -> impl Iterator<Item = (&'a str, &'a Chronicle)> {
        self.clients.iter().filter_map(|(client, told)| Some((*client, told.as_ref()?)))
    }
}

/// `events.jsonl`: every event, and when each client knew of it.
pub fn events(courses: &[Course<'_>]) -> Vec<u8> {
    lines(courses.iter().flat_map(events_of))
}

/// `exchanges.jsonl`: every exchange, in the order in which they were opened.
pub fn exchanges(courses: &[Course<'_>]) -> Vec<u8> {
    lines(courses.iter().flat_map(exchanges_of))
}

fn lines(objects: impl Iterator<Item = Value>) -> Vec<u8> {
    let mut text = Vec::new();
    for object in objects {
        // An object of texts and numbers can always be written.
        text.extend(object.to_string().into_bytes());
        text.push(b'\n');
    }
    text
}

/// An event, and when which client knew of it.
struct Known {
    told: Told,
    seen: Map<String, Value>,
}

fn events_of(course: &Course<'_>) -> Vec<Value> {
    let mut events: BTreeMap<(Time, u32, u32), Known> = BTreeMap::new();
    for (client, chronicle) in course.told() {
        for told in &chronicle.events {
            let key = (told.event.occurred_at, told.event.consumer, told.event.serial);
            let known = events.entry(key).or_insert_with(|| Known { told: *told, seen: Map::new() });
            known.seen.insert(client.to_owned(), nanos(told.seen));
        }
    }
    let object = |Known { told, seen }| {
        let of = told.event;
        json!({
            "engine": course.engine,
            "consumer": of.consumer,
            "event": event_id(of.consumer, of.serial),
            "serial": of.serial,
            "occurred_ns": of.occurred_at.as_nanos(),
            "counted": course.frame.counts(of.occurred_at),
            "record": of.record,
            "payload_bytes": of.payload,
            "seen_ns": seen,
        })
    };
    events.into_values().map(object).collect()
}

fn exchanges_of(course: &Course<'_>) -> Vec<Value> {
    let mut all: Vec<(usize, &str, &Entry)> = Vec::new();
    for (position, (client, chronicle)) in course.told().enumerate() {
        all.extend(chronicle.exchanges.iter().map(|entry| (position, client, entry)));
    }
    all.sort_by_key(|(position, _, entry)| (entry.opened, *position, entry.exchange));
    all.into_iter().map(|(_, client, entry)| exchange(course, client, entry)).collect()
}

fn exchange(course: &Course<'_>, client: &str, entry: &Entry) -> Value {
    let (what, detail) = asked(entry.asked);
    let mut object = json!({
        "engine": course.engine,
        "client": client,
        "consumer": entry.exchange.consumer,
        "opener": opener(entry.exchange.opener),
        "number": entry.exchange.serial,
        "asked": what,
        "opened_ns": entry.opened.as_nanos(),
        "arrived_ns": nanos(entry.arrived),
        "replied_ns": nanos(entry.replied),
        "ended_ns": nanos(entry.ended),
        "counted": course.frame.counts(entry.opened),
        "end": entry.end.map(end),
        "status": entry.end.and_then(status),
        "outcome": entry.outcome.map(outcome),
        "events": entry.events,
        "new_events": entry.fresh,
        "request_bytes": entry.request_bytes,
        "response_bytes": entry.response_bytes,
    });
    if let Some(object) = object.as_object_mut() {
        object.extend(detail.map(|(key, value)| (key.to_owned(), value)));
        if matches!(entry.asked, Asked::Forged(_)) {
            object.insert("believed".into(), entry.is_believed.into());
        }
    }
    object
}

fn asked(asked: Asked) -> (&'static str, Option<(&'static str, Value)>) {
    match asked {
        Asked::Feed { page } => ("feed", Some(("page", page.into()))),
        Asked::Record(record) => ("record", Some(("record", record.into()))),
        Asked::Fetch => ("fetch", None),
        Asked::Webhook { attempt } => ("webhook", Some(("attempt", attempt.into()))),
        Asked::Forged(kind) => ("forged", kind.map(|kind| ("forgery", kind.name().into()))),
    }
}

const fn opener(side: Side) -> &'static str {
    match side {
        Side::Consumer => "consumer",
        Side::Provider => "provider",
        Side::Stranger => "stranger",
    }
}

const fn end(end: End) -> &'static str {
    match end {
        End::Answered => "answered",
        End::Fetched => "fetched",
        End::Accepted => "accepted",
        End::Refused(304) => "not_modified",
        End::Refused(_) => "refused",
        End::TimedOut => "timed_out",
        End::Unreachable => "unreachable",
    }
}

/// The HTTP status, where one came that says more than that all is well.
const fn status(end: End) -> Option<u16> {
    match end {
        End::Refused(status) => Some(status),
        _ => None,
    }
}

const fn outcome(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Useful => "useful",
        OutcomeKind::Empty => "empty",
        OutcomeKind::NotModified => "not_modified",
        OutcomeKind::Duplicate => "duplicate",
        OutcomeKind::Throttled => "throttled",
        OutcomeKind::Failed => "failed",
    }
}

fn nanos(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |at| at.as_nanos().into())
}
