//! Takes requests, finds who answers, and wraps the answer: which methods, which hosts, which headers.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::charts::Width;
use super::lessons::{Lesson, SANDBOX};
use super::parameters::{BadParameter, State};
use super::play::{self, PlayError};
use super::start::Start;
use super::turns::Turns;
use super::{answer, assets, host, page, query, scenario, sweep};
use crate::engine::Control;
use crate::wire::{Message, Start as Line};

/// The most runs under way at the same time; one more waits.
const RUNS_MAX: usize = 4;
/// After how long a run is stopped, and the wait for one given up.
const PATIENCE: Duration = Duration::from_secs(50);

/// What every answer says of how it may be used: nothing comes from elsewhere, and nobody frames it.
const SECURITY: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Answers requests.
pub(super) struct Desk {
    start: Arc<Start>,
    /// The lab's own scenario, which lessons start from whatever the sandbox does.
    own: Arc<Start>,
    allow_remote: bool,
    turns: Turns,
    places: Arc<Semaphore>,
}

/// What a query asks of the engine.
struct Asked {
    start: Arc<Start>,
    state: State,
    lesson: Option<&'static Lesson>,
    width: Width,
    page: Option<String>,
}

/// What is played for an answer.
type Work = fn(&Asked, &Control) -> Result<Value, PlayError>;

impl Desk {
    pub(super) fn new(start: Start, allow_remote: bool) -> Self {
        let places = Arc::new(Semaphore::new(RUNS_MAX));
        Self { start: Arc::new(start), own: Arc::default(), allow_remote, turns: Turns::default(), places }
    }

    /// Answers a request. Its body, if it has one, is not read.
    pub(super) async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Message {
        let (parts, _) = request.into_parts();
        if !host::is_meant(&parts.headers, self.allow_remote) {
            return text(421, "this server answers under the address that it printed, and under no other name\n");
        }
        if parts.method != Method::GET {
            let mut refusal = text(405, "only GET is answered here\n");
            refusal.headers.push(("allow", "GET".into()));
            return refusal;
        }
        let (path, query) = (parts.uri.path(), parts.uri.query());
        if let Some(asset) = assets::find(path) {
            return message(200, asset.kind, asset.body.clone().into_bytes());
        }
        let is_for_strangers = path == "/";
        if !is_for_strangers && host::is_from_elsewhere(&parts.headers) {
            return text(403, "a page from elsewhere has asked for this\n");
        }
        match path {
            "/" => message(200, "text/html; charset=utf-8", page::render(&self.start).into_bytes()),
            "/lessons" => json_message(200, &page::data(&self.start)),
            "/scenario.toml" => self.scenario(query),
            "/run" => self.play(query, "run", run).await,
            "/sweep" => self.play(query, "sweep", along).await,
            _ => text(404, "there is no such page; the lab is at /\n"),
        }
    }

    fn asked(&self, query: Option<&str>) -> Result<Asked, BadParameter> {
        let pairs = query::pairs(query)?;
        let special = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let lesson = match special("lesson") {
            None | Some(SANDBOX) => None,
            Some(key) => Some(Lesson::find(key).ok_or_else(|| no_lesson(key))?),
        };
        let width = Width::read(special("width"))
            .ok_or_else(|| BadParameter("width is neither \"wide\" nor \"narrow\"".to_owned()))?;
        let start = if lesson.is_some() { &self.own } else { &self.start };
        let granted = lesson.map_or_else(|| start.state.clone(), Lesson::state);
        let others = pairs.iter().filter(|(key, _)| !matches!(key.as_str(), "lesson" | "width" | "page"));
        let state = granted.changed(others.map(|(key, value)| (key.as_str(), value.as_str())))?;
        Ok(Asked { start: Arc::clone(start), state, lesson, width, page: special("page").map(str::to_owned) })
    }

    fn scenario(&self, query: Option<&str>) -> Message {
        let written =
            self.asked(query).map_err(PlayError::from).and_then(|asked| Ok(scenario::of(&asked.start, &asked.state)?));
        match written {
            Ok(written) => {
                let mut answer = message(200, "application/toml; charset=utf-8", written.text.into_bytes());
                let disposition = format!("attachment; filename=\"{}.toml\"", scenario::NAME);
                answer.headers.push(("content-disposition", disposition.into()));
                answer
            }
            Err(error) => refusal(&error),
        }
    }

    /// Plays what is asked for on a thread of its own. A newer question of the same page stops it, and so does patience that
    /// comes to its end.
    async fn play(&self, query: Option<&str>, what: &str, work: Work) -> Message {
        let asked = match self.asked(query) {
            Ok(asked) => asked,
            Err(error) => return refusal(&error.into()),
        };
        let page = asked.page.as_ref().map(|page| format!("{what} {page}"));
        let turn = self.turns.take(page.as_deref());
        let (control, places) = (Arc::clone(&turn.0), Arc::clone(&self.places));
        let playing = async move {
            let _place = places.acquire_owned().await.map_err(|_| PlayError::Stopped)?;
            let played = spawn_blocking(move || work(&asked, &control)).await;
            played.unwrap_or(Err(PlayError::Stopped))
        };
        let played = tokio::select! {
            biased;
            played = playing => played,
            () = tokio::time::sleep(PATIENCE) => Err(PlayError::Stopped),
        };
        drop(turn);
        match played {
            Ok(value) => json_message(200, &value),
            Err(error) => refusal(&error),
        }
    }
}

fn run(asked: &Asked, control: &Control) -> Result<Value, PlayError> {
    let played = play::play(&asked.start, &asked.state, control)?;
    Ok(answer::of(&asked.start, &asked.state, &played, asked.lesson, asked.width))
}

fn along(asked: &Asked, control: &Control) -> Result<Value, PlayError> {
    sweep::answer(&asked.start, &asked.state, control, (asked.lesson, asked.width))
}

fn no_lesson(key: &str) -> BadParameter {
    let names: Vec<_> = super::lessons::ALL.iter().map(|lesson| lesson.key).chain([SANDBOX]).collect();
    let start: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
    BadParameter(format!("there is no lesson \"{start}\": there are {}", names.join(", ")))
}

fn refusal(error: &PlayError) -> Message {
    let status = match error {
        PlayError::Query(_) | PlayError::Refused(_) => 400,
        PlayError::Stopped => 503,
        PlayError::Run(_) => 500,
    };
    json_message(status, &json!({ "error": error.to_string() }))
}

fn json_message(status: u16, value: &Value) -> Message {
    message(status, "application/json", value.to_string().into_bytes())
}

fn text(status: u16, sentence: &str) -> Message {
    message(status, "text/plain; charset=utf-8", sentence.as_bytes().to_vec())
}

fn message(status: u16, kind: &str, body: Vec<u8>) -> Message {
    let length = body.len().to_string();
    let mut headers = vec![("content-type", kind.to_owned().into()), ("content-length", length.into())];
    headers.extend(SECURITY.map(|(name, value)| (name, value.into())));
    Message { start: Line::Response(status), headers, body }
}
