//! GitHub's list of a repository's events: `GET /repos/{owner}/{repo}/events`.
//!
//! After GitHub's documentation ("REST API endpoints for events", "Using pagination in the REST API", "Rate limits for the
//! REST API") and what `PyGithub` 2, `octokit` 5 and `githubkit` 0.16 need to read it. The repository may have any name:
//! the events are those of the key's consumer.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::query::parameters;
use super::{Answer, Ask, Brought, View};
use crate::peer::Event;
use crate::policy::fixed_window::FixedWindow;
use crate::time::{SECOND, Time};
use crate::wire::event::write_fields;
use crate::wire::{Epoch, Header, Message, Payload, Start};

const PER_PAGE_DEFAULT: usize = 30;
const PER_PAGE_MAX: usize = 100;
/// Older events than so many are not listed.
const LISTED_MAX: usize = 300;
/// How long a client is asked to wait from one poll to the next, in seconds.
const POLL_INTERVAL: &str = "60";

/// Answers a request; `view` is none where its key is not valid.
pub(super) fn answer(ask: Ask<'_>, view: Option<View<'_>>) -> Answer {
    let Some(View { events, mut quota, epoch, now }) = view else { return refuse(401, "Bad credentials") };
    let found = Page::read(ask, events).map(|page| Found::new(&page, epoch));
    let is_known = |found: &Found| ask.headers.header("if-none-match").is_some_and(|known| names(known, &found.etag));
    let mut answer = match found {
        // Asking in vain is free, so it needs nothing to be left.
        Ok(found) if is_known(&found) => found.not_modified(),
        _ if !quota.as_deref_mut().is_none_or(|quota| quota.take(now)) => {
            let mut answer = refuse(403, "API rate limit exceeded for this key.");
            answer.message.headers.extend(quota.as_deref_mut().map(|quota| wait(quota, now)));
            answer
        }
        Ok(found) => found.whole(),
        Err((status, sentence)) => refuse(status, sentence),
    };
    answer.message.headers.extend(quota.into_iter().flat_map(|quota| limits(quota, epoch, now)));
    answer
}

/// What a request asked for, as it would be sent.
struct Found {
    body: String,
    etag: String,
    link: Option<Header>,
    serials: Vec<u32>,
}

impl Found {
    fn new(page: &Page<'_>, epoch: Epoch) -> Self {
        let body = page.body(epoch);
        let etag = etag(&body);
        Self { body, etag, link: page.link(), serials: page.events.iter().map(|event| event.serial).collect() }
    }

    fn whole(self) -> Answer {
        let mut message = Message::json_response(200, self.body);
        message.headers.extend([("etag", self.etag.into()), ("x-poll-interval", POLL_INTERVAL.into())]);
        message.headers.extend(self.link);
        Answer { message, brought: Brought::Events(self.serials) }
    }

    fn not_modified(self) -> Answer {
        let mut message = Message { start: Start::Response(304), ..Message::default() };
        message.headers.extend([("etag", self.etag.into()), ("x-poll-interval", POLL_INTERVAL.into())]);
        message.headers.extend(self.link);
        Answer { message, brought: Brought::NotModified }
    }
}

type Problem = (u16, &'static str);

fn refuse(status: u16, message: &str) -> Answer {
    let body = json!({ "message": message, "status": status.to_string() });
    Answer::refusal(Message::json_response(status, body.to_string()))
}

/// One page of a list.
struct Page<'a> {
    /// The path that was asked for.
    path: &'a str,
    /// `owner/repo`, safe to be put into JSON.
    repository: &'a str,
    /// Where the API is, for links.
    root: String,
    per_page: usize,
    /// Counted from 1.
    number: usize,
    /// The number of the last page that has events; at least 1.
    last: usize,
    /// Oldest first.
    events: &'a [Event],
}

impl<'a> Page<'a> {
    fn read(ask: Ask<'a>, events: &'a [Event]) -> Result<Self, Problem> {
        const NOT_FOUND: Problem = (404, "Not Found");
        let repository = ask.path.strip_prefix("/repos/").and_then(|rest| rest.strip_suffix("/events"));
        let repository = repository.filter(|name| ask.method == "GET" && is_repository(name)).ok_or(NOT_FOUND)?;
        let (mut per_page, mut number) = (PER_PAGE_DEFAULT, 1);
        for (name, value) in parameters(ask.query) {
            // What makes no sense is passed over, as GitHub does.
            let value = value.parse().ok().filter(|value| *value > 0);
            match &*name {
                "per_page" => per_page = value.map_or(PER_PAGE_DEFAULT, |value: usize| value.min(PER_PAGE_MAX)),
                "page" => number = value.unwrap_or(1),
                _ => {}
            }
        }
        let skipped = (number - 1).saturating_mul(per_page);
        if skipped >= LISTED_MAX {
            return Err((422, "Only the newest 300 events are listed: pagination is limited for this resource."));
        }
        let listed = &events[events.len() - events.len().min(LISTED_MAX)..];
        let end = listed.len().saturating_sub(skipped);
        let start = end.saturating_sub(per_page);
        let host = ask.headers.header("host").and_then(|host| host.parse::<http::uri::Authority>().ok());
        Ok(Self {
            path: ask.path,
            repository,
            root: host.map_or_else(String::new, |host| format!("http://{host}")),
            per_page,
            number,
            last: listed.len().div_ceil(per_page).max(1),
            events: &listed[start..end],
        })
    }

    fn body(&self, epoch: Epoch) -> String {
        let mut body = String::from("[");
        for (event, index) in self.events.iter().rev().zip(0..) {
            if index > 0 {
                body.push(',');
            }
            self.write(&mut body, epoch, event);
        }
        body.push(']');
        body
    }

    /// Appends an event: to GitHub it is a push, whose `payload` has the event's own fields besides.
    fn write(&self, out: &mut String, epoch: Epoch, event: &Event) {
        let (repository, root) = (self.repository, &self.root);
        let Event { consumer, serial, .. } = *event;
        // Among all of an API's events there is one with this number. It stands there as text, for it may be longer than
        // the numbers of some clients.
        let id = u64::from(consumer) << 32 | u64::from(serial);
        let created_at = epoch.rfc3339_seconds(event.occurred_at);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            concat!(
                r#"{{"id":"{id}","type":"PushEvent","actor":{{"id":1,"login":"pushpull","display_login":"pushpull","#,
                r#""gravatar_id":"","url":"{root}/users/pushpull","avatar_url":"{root}/users/pushpull/avatar"}},"#,
                r#""repo":{{"id":1,"name":"{repository}","url":"{root}/repos/{repository}"}},"#,
                r#""payload":{{"repository_id":1,"push_id":{serial},"ref":"refs/heads/main","#,
                r#""head":"{head:040x}","before":"{before:040x}","#
            ),
            head = serial,
            before = serial.saturating_sub(1),
            id = id,
            serial = serial,
            root = root,
            repository = repository,
        );
        write_fields(out, epoch, event, Payload::Full);
        let _ = write!(out, r#"}},"public":true,"created_at":"{created_at}"}}"#);
    }

    /// The header that names the other pages, if there are any.
    fn link(&self) -> Option<Header> {
        let Self { path, root, per_page, number, last, .. } = self;
        let mut links = Vec::new();
        let mut link = |name, page: usize| {
            links.push(format!(r#"<{root}{path}?per_page={per_page}&page={page}>; rel="{name}""#));
        };
        if number < last {
            link("next", number + 1);
            link("last", *last);
        }
        if *number > 1 {
            link("prev", (number - 1).min(*last));
            link("first", 1);
        }
        (!links.is_empty()).then(|| ("link", links.join(", ").into()))
    }
}

/// Whether this is an owner and a repository, in the characters that their names may have.
fn is_repository(name: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    name.split_once('/').is_some_and(|(owner, repository)| is_name(owner) && is_name(repository))
}

/// A tag that changes with the body.
fn etag(body: &str) -> String {
    format!(r#"W/"{}""#, hex::encode(Sha256::digest(body)))
}

/// Whether an `If-None-Match` names this tag; whether either is weak makes no difference there (RFC 9110, section 13.1.2).
fn names(known: &str, etag: &str) -> bool {
    let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    known.split(',').map(str::trim).any(|tag| tag == "*" || strong(tag) == strong(etag))
}

/// The headers that tell how much of the quota is left.
fn limits(quota: &mut FixedWindow, epoch: Epoch, now: Time) -> [Header; 5] {
    let (limit, used) = (quota.limit(), quota.used(now));
    // Rounded up: whoever waits for this second finds the next stretch begun.
    let reset = epoch.unix_nanos(quota.ends_at(now)).saturating_add(i128::from(SECOND) - 1) / i128::from(SECOND);
    [
        ("x-ratelimit-limit", limit.to_string().into()),
        ("x-ratelimit-remaining", limit.saturating_sub(used).to_string().into()),
        ("x-ratelimit-used", used.to_string().into()),
        ("x-ratelimit-reset", reset.to_string().into()),
        ("x-ratelimit-resource", "core".into()),
    ]
}

/// The header that says when to come back.
fn wait(quota: &mut FixedWindow, now: Time) -> Header {
    let seconds = quota.ends_at(now).since(now).as_nanos().div_ceil(SECOND);
    ("retry-after", seconds.to_string().into())
}
