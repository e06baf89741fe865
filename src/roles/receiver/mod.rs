//! System A's endpoint alone: takes the webhooks of a sender of the user's own, and says what came.
#![allow(clippy::disallowed_methods, reason = "a role runs by the real clock")]

mod counts;
mod figures;
mod identify;
mod known;
mod sequence;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::request::Parts;
use http::{Method, Request};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use tokio::task::spawn_local;

pub use counts::{Counts, Plain, Reason, Second};
pub use figures::{FIGURES, Outcome, SECOND_FIGURES, csv, json, line, table};
pub use identify::Pointers;

use crate::engine::Control;
use crate::engine::live::{
    Broken, LiveError, Room, allow_many_files, listen, local_runtime, read_body_within, request_size, serve_telling,
};
use crate::peer::Authenticity;
use crate::policy::receiver::Limits;
use crate::policy::signature::{self, Keys};
use crate::seed::{Purpose, Seed};
use crate::time::{SECOND, Span};
use crate::wire::{Headers as _, Message, Start};

/// How often to look whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Which webhooks are answered with the user's status is drawn from this, so that every run does it alike.
const SEED: Seed = Seed::new(1);
/// What a person sees who looks at the endpoint with a browser.
const FRONT_PAGE: &str = "pushpull receiver: send webhooks here with POST, to any path\n";

/// How an endpoint takes webhooks.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What webhooks are checked with.
    pub keys: Keys,
    /// How old a webhook may be, in seconds, where the scheme looks at that.
    pub tolerance: u64,
    /// How long to work on each.
    pub service_time: Span,
    /// The status with which to answer a share of them instead of taking them.
    pub refusal: Option<(u16, f64)>,
    /// Where to look in the body.
    pub pointers: Pointers,
    /// What is taken at most.
    pub limits: Limits,
    /// How long to listen; none means until told to stop.
    pub duration: Option<Span>,
}

/// An endpoint that has its address and has not started.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

/// What came, and how it ended.
#[derive(Debug)]
pub struct Received {
    /// What came.
    pub counts: Counts,
    /// How long it listened.
    pub listened: Span,
    /// Whether it was told to stop.
    pub is_stopped: bool,
}

impl Endpoint {
    /// Binds the listener; port 0 takes any that is free.
    ///
    /// # Errors
    ///
    /// The address is taken or not this machine's.
    pub fn bind(address: IpAddr, port: u16) -> Result<Self, LiveError> {
        let (listener, address) = listen(SocketAddr::new(address, port))?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes webhooks until its time is over or `control` tells to stop. Each second is shown as it ends.
    ///
    /// # Errors
    ///
    /// The system has refused something that a server needs.
    pub fn play(
        self,
        terms: Terms,
        control: &Control,
        show: impl FnMut(&Second, &Counts),
    ) -> Result<Received, LiveError> {
        let refused = |source| LiveError::Io { doing: "take webhooks", source };
        allow_many_files();
        let runtime = local_runtime().map_err(refused)?;
        runtime.block_on(self.perform(terms, control, show)).map_err(refused)
    }

    async fn perform(
        self,
        terms: Terms,
        control: &Control,
        mut show: impl FnMut(&Second, &Counts),
    ) -> io::Result<Received> {
        let (limits, duration) = (terms.limits, terms.duration);
        let desk = Rc::new(Desk { terms, room: Room::new(&limits), counts: RefCell::default(), draws: Cell::new(0) });
        let (answering, breaking) = (Rc::clone(&desk), Rc::clone(&desk));
        let server = serve_telling(
            self.listener,
            limits,
            move |request| Rc::clone(&answering).answer(request),
            move |broken| breaking.counts.borrow_mut().broke(reason(broken)),
        );
        let mut server = spawn_local(server);
        let started = Instant::now();
        let mut turned = 0;
        let is_stopped = loop {
            tokio::select! {
                failed = &mut server => failed.map_err(io::Error::other)??,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let listened = Span::from(started.elapsed());
            let second = listened.as_nanos() / SECOND;
            if second > turned {
                // A process that was held writes one row for all the seconds that it missed, under the last of them.
                let ended = desk.counts.borrow_mut().turn(second - 1);
                show(&ended, &desk.counts.borrow());
                turned = second;
            }
            let is_over = duration.is_some_and(|duration| listened >= duration);
            if control.is_stopped() || is_over {
                break !is_over;
            }
        };
        server.abort();
        let mut counts = desk.counts.take();
        let rest = counts.turn(turned);
        show(&rest, &counts);
        Ok(Received { counts, listened: started.elapsed().into(), is_stopped })
    }
}

const fn reason(broken: Broken) -> Reason {
    match broken {
        Broken::TooLarge => Reason::TooLarge,
        Broken::TooSlow => Reason::TooSlow,
        Broken::Unreadable => Reason::Unreadable,
    }
}

/// What becomes of a webhook that is genuine.
enum Taken {
    /// It is accepted, with new events that occurred at these instants, in nanoseconds of Unix time.
    Accepted(Vec<i128>),
    /// It is answered with the user's status.
    Refused(u16),
}

/// Answers requests and counts them.
struct Desk {
    terms: Terms,
    room: Room,
    counts: RefCell<Counts>,
    draws: Cell<u64>,
}

impl Desk {
    async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Message {
        let (parts, body) = request.into_parts();
        if matches!(parts.method, Method::GET | Method::HEAD) && parts.uri.path() == "/" {
            return message(200, FRONT_PAGE);
        }
        self.counts.borrow_mut().plain.requests += 1;
        match self.take(parts, body).await {
            Ok(status) => message(status, ""),
            Err(reason) => {
                self.counts.borrow_mut().rejected(reason);
                message(reason.status(), "")
            }
        }
    }

    /// Takes a webhook; gives back the status to answer with.
    async fn take(&self, parts: Parts, body: Incoming) -> Result<u16, Reason> {
        if parts.method != Method::POST {
            return Err(Reason::WrongMethod);
        }
        let body = read_body_within(body, &self.terms.limits, &self.room).await;
        let size = request_size(&parts, body.as_ref().map_or(0, |body| body.len()));
        self.counts.borrow_mut().plain.bytes += size;
        let body = body.map_err(|status| match status {
            413 => Reason::TooLarge,
            408 => Reason::TooSlow,
            503 => Reason::NoRoom,
            _ => Reason::Unreadable,
        })?;
        let taken = self.look_into(parts, body)?;
        work(self.terms.service_time).await;
        let mut counts = self.counts.borrow_mut();
        Ok(match taken {
            Taken::Accepted(occurred) => {
                counts.accepted(unix_nanos(), &occurred);
                200
            }
            Taken::Refused(status) => {
                counts.plain.refused += 1;
                status
            }
        })
    }

    /// Checks a webhook and counts its events. Head, body and document end here: a webhook that is worked on for long must
    /// not hold what it was made of.
    fn look_into(&self, parts: Parts, body: Bytes) -> Result<Taken, Reason> {
        let Terms { keys, tolerance, refusal, pointers, .. } = &self.terms;
        let header = |name: &'static str| parts.headers.header(name);
        let now = i64::try_from(unix_nanos().div_euclid(i128::from(SECOND))).unwrap_or(i64::MAX);
        let found = signature::verify_within(keys.scheme, &keys.verifying, header, &body, now, *tolerance);
        if found == Authenticity::Rejected {
            return Err(Reason::Signature);
        }
        if identify::is_too_long(&body) {
            return Err(Reason::TooLarge);
        }
        let document: Value = serde_json::from_slice(&body).map_err(|_| Reason::Unreadable)?;
        if let Some((status, share)) = *refusal
            && self.draw(share)
        {
            return Ok(Taken::Refused(status));
        }
        let sightings = identify::sightings(parts.uri.path(), &parts.headers, &document, pointers);
        Ok(Taken::Accepted(self.counts.borrow_mut().take(&sightings)))
    }

    fn draw(&self, share: f64) -> bool {
        let number = self.draws.get();
        self.draws.set(number + 1);
        SEED.draw(Purpose::ReceiverError, [0, number, 0]).chance(share)
    }
}

async fn work(service_time: Span) {
    if !service_time.is_zero() {
        tokio::time::sleep(service_time.into()).await;
    }
}

fn message(status: u16, text: &str) -> Message {
    let mut headers = vec![("content-length", text.len().to_string().into())];
    if !text.is_empty() {
        headers.push(("content-type", "text/plain; charset=utf-8".into()));
    }
    Message { start: Start::Response(status), headers, body: text.as_bytes().to_vec() }
}

/// The time of this machine in nanoseconds of Unix time; 0 if its clock is not set.
fn unix_nanos() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
}
