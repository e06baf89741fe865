//! Stripe's list of events and single events: `GET /v1/events` and `GET /v1/events/{id}`.
//!
//! After Stripe's API reference ("List all events", "Pagination", "Errors") and what `stripe-python` 16 sends and needs.
//! A list is newest first. `starting_after` goes on to older events, `ending_before` to newer ones: then the page holds
//! those that come right after the cursor, still newest first.

use std::ops::Range;

use serde_json::json;

use super::query::parameters;
use super::{Answer, Ask, Brought, View};
use crate::peer::Event;
use crate::wire::Message;
use crate::wire::event::read_event_id;
use crate::wire::webhook::{EVENT_TYPE, write_stripe_event};

const EVENTS: &str = "/v1/events";
const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 100;
/// The most types that a list may be narrowed to.
const TYPES_MAX: usize = 20;
/// As much of what a caller sent is repeated to it, in characters.
const ECHO_MAX: usize = 100;

/// Answers a request; `view` is none where its key is not valid.
pub(super) fn answer(ask: Ask<'_>, view: Option<View<'_>>) -> Answer {
    let Some(view) = view else { return refuse(Problem::new(401, "This is no valid API key.")) };
    let id = ask.path.strip_prefix(EVENTS);
    let found = match (ask.method, id) {
        ("GET", Some("")) => list(ask.query, &view),
        ("GET", Some(id)) if id.starts_with('/') => retrieve(&id[1..], &view),
        _ => {
            let what = format!("There is nothing at {} {}.", ask.method, echo(ask.path));
            Err(Problem::new(404, &what))
        }
    };
    found.unwrap_or_else(refuse)
}

/// Why a request is turned down.
struct Problem {
    status: u16,
    code: Option<&'static str>,
    parameter: Option<String>,
    message: String,
}

impl Problem {
    fn new(status: u16, message: &str) -> Self {
        Self { status, code: None, parameter: None, message: message.into() }
    }

    fn of(parameter: &str, message: &str) -> Self {
        Self { parameter: Some(echo(parameter)), ..Self::new(400, message) }
    }

    fn unknown_event(status: u16, parameter: &str, id: &str) -> Self {
        let message = format!("No such event: '{}'", echo(id));
        Self { status, code: Some("resource_missing"), ..Self::of(parameter, &message) }
    }
}

fn refuse(problem: Problem) -> Answer {
    let Problem { status, code, parameter, message } = problem;
    let mut error = json!({ "type": "invalid_request_error", "message": message });
    if let Some(code) = code {
        error["code"] = code.into();
    }
    if let Some(parameter) = parameter {
        error["param"] = parameter.into();
    }
    Answer::refusal(Message::json_response(status, json!({ "error": error }).to_string()))
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_MAX).collect()
}

fn retrieve(id: &str, view: &View<'_>) -> Result<Answer, Problem> {
    let index = find(id, view.events).ok_or_else(|| Problem::unknown_event(404, "id", id))?;
    let event = &view.events[index];
    let mut body = String::new();
    write_stripe_event(&mut body, view.epoch, event);
    Ok(Answer { message: Message::json_response(200, body), brought: Brought::Events(vec![event.serial]) })
}

/// The place of an event in what may be seen.
fn find(id: &str, events: &[Event]) -> Option<usize> {
    let (consumer, serial) = read_event_id(id)?;
    let index = serial.checked_sub(events.first()?.serial)? as usize;
    (events.get(index)?.consumer == consumer).then_some(index)
}

/// What a list is asked for.
#[derive(Default)]
struct Wanted {
    limit: Option<usize>,
    starting_after: Option<usize>,
    ending_before: Option<usize>,
    /// The first and the last `created`, in Unix seconds.
    since: Option<i64>,
    until: Option<i64>,
    types: Vec<String>,
}

impl Wanted {
    fn read(query: Option<&str>, events: &[Event]) -> Result<Self, Problem> {
        let mut wanted = Self::default();
        for (name, value) in parameters(query) {
            wanted.take(&name, &value, events)?;
        }
        if wanted.starting_after.is_some() && wanted.ending_before.is_some() {
            let sentence = "Give either starting_after or ending_before, not both.";
            return Err(Problem::of("starting_after", sentence));
        }
        if wanted.types.len() > TYPES_MAX {
            return Err(Problem::of("types", &format!("Name at most {TYPES_MAX} types.")));
        }
        Ok(wanted)
    }

    fn take(&mut self, name: &str, value: &str, events: &[Event]) -> Result<(), Problem> {
        let cursor = || find(value, events).ok_or_else(|| Problem::unknown_event(400, name, value));
        let seconds = || value.parse::<i64>().map_err(|_| Problem::of(name, "Give a time in Unix seconds."));
        let later = |a: Option<i64>, b: i64| Some(a.map_or(b, |a| a.max(b)));
        let earlier = |a: Option<i64>, b: i64| Some(a.map_or(b, |a| a.min(b)));
        match name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                let sentence = format!("Give a whole number from 1 to {LIMIT_MAX}.");
                self.limit = Some(limit.ok_or_else(|| Problem::of(name, &sentence))?);
            }
            "starting_after" => self.starting_after = Some(cursor()?),
            "ending_before" => self.ending_before = Some(cursor()?),
            "created[gt]" => self.since = later(self.since, seconds()?.saturating_add(1)),
            "created[gte]" => self.since = later(self.since, seconds()?),
            "created[lt]" => self.until = earlier(self.until, seconds()?.saturating_sub(1)),
            "created[lte]" => self.until = earlier(self.until, seconds()?),
            "created" => {
                self.since = later(self.since, seconds()?);
                self.until = earlier(self.until, seconds()?);
            }
            "type" => self.types.push(value.into()),
            // Whether an event was delivered, and what to expand, makes no difference here.
            "delivery_success" if matches!(value, "true" | "false") => {}
            "delivery_success" => return Err(Problem::of(name, "Give true or false.")),
            _ if is_element_of(name, "types") => self.types.push(value.into()),
            _ if is_element_of(name, "expand") => {}
            _ => {
                let sentence = format!("Received unknown parameter: {}", echo(name));
                return Err(Problem { code: Some("parameter_unknown"), ..Problem::of(name, &sentence) });
            }
        }
        Ok(())
    }

    /// The events that may be on the page, by their places.
    fn range(&self, view: &View<'_>) -> Range<usize> {
        let before =
            |seconds: i64| view.events.partition_point(|event| view.epoch.unix_seconds(event.occurred_at) < seconds);
        let mut range = 0..view.events.len();
        if let Some(since) = self.since {
            range.start = before(since);
        }
        if let Some(after_last) = self.until.and_then(|until| until.checked_add(1)) {
            range.end = before(after_last);
        }
        if let Some(cursor) = self.starting_after {
            range.end = range.end.min(cursor);
        }
        if let Some(cursor) = self.ending_before {
            range.start = range.start.max(cursor + 1);
        }
        // Every event is of the same type, so that a type is either that or none of theirs.
        let is_wanted = self.types.is_empty() || self.types.iter().any(|name| is_ours(name));
        if is_wanted && range.start < range.end { range } else { 0..0 }
    }
}

/// Whether a parameter is an element of a list, in one of the ways in which clients write that.
fn is_element_of(name: &str, list: &str) -> bool {
    let index = name.strip_prefix(list).and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'));
    index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a type, which may end with an asterisk for anything, is that of the events here.
fn is_ours(name: &str) -> bool {
    name == EVENT_TYPE || name.strip_suffix('*').is_some_and(|start| EVENT_TYPE.starts_with(start))
}

fn list(query: Option<&str>, view: &View<'_>) -> Result<Answer, Problem> {
    let wanted = Wanted::read(query, view.events)?;
    let range = wanted.range(view);
    let count = range.len().min(wanted.limit.unwrap_or(LIMIT_DEFAULT));
    let page = match wanted.ending_before {
        Some(_) => range.start..range.start + count,
        None => range.end - count..range.end,
    };
    let has_more = page.len() < range.len();
    let events = &view.events[page];
    let mut body = format!(r#"{{"object":"list","url":"{EVENTS}","has_more":{has_more},"data":["#);
    for (event, index) in events.iter().rev().zip(0..) {
        if index > 0 {
            body.push(',');
        }
        write_stripe_event(&mut body, view.epoch, event);
    }
    body.push_str("]}");
    let serials = events.iter().map(|event| event.serial).collect();
    Ok(Answer { message: Message::json_response(200, body), brought: Brought::Events(serials) })
}
