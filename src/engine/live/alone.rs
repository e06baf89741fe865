//! System B alone: one push client's dispatcher and the API beside it, for a receiver that is not this program's.
//!
//! The parts are those of a run with both sides. What is missing is everything that needs System A to be here: the network
//! of the scenario, since the user's own is there, and the journal, since only one side could write it.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Method, Request};
use hyper::body::Incoming;
use tokio::task::spawn_local;

use super::api::{Answer, Api, History};
use super::board::Board;
use super::clock::Clock;
use super::door::Door;
use super::driver::{Driver, Line};
use super::http::{HttpClient, request_size};
use super::pacer::Pacer;
use super::publisher::publish;
use super::roles::Start;
use super::runtime::local_runtime;
use super::server::serve;
use super::witness::{Call, Destination, Witness};
use super::{LOOK_EVERY, Lag, LiveError, allow_many_files, listen, start_soon};
use crate::distribution::Distribution;
use crate::engine::{ClientSetup, Control, Setup};
use crate::fault::Faults;
use crate::link::{Leg, Link};
use crate::measure::expected::{Polls, Ways};
use crate::measure::tally::Frame;
use crate::peer::{Event, Input, Response, Side};
use crate::policy::provider::Provider;
use crate::policy::receiver::Limits;
use crate::policy::signature::Keys;
use crate::time::Time;
use crate::wire::{self, Envelope, Headers as _, Message, Wire, api_key};

/// The largest answer to a webhook whose body is read. Nothing depends on the body, but reading it keeps the connection.
const ANSWER_MAX: usize = 64 << 10;

const ACCEPTED: u16 = 202;
const UNAUTHORIZED: u16 = 401;
const NOT_FOUND: u16 = 404;
const METHOD_NOT_ALLOWED: u16 = 405;

/// A provider that has its address and has not started.
#[derive(Debug)]
pub struct Alone {
    /// The scenario with the one client that is played.
    setup: Setup,
    api: (TcpListener, SocketAddr),
}

/// How a provider's run ended.
#[derive(Clone, Copy, Debug)]
pub struct AloneRun {
    /// How late events were published and the provider was woken.
    pub lag: Lag,
    /// How long it ran.
    pub ended_at: Time,
    /// Whether it was stopped early.
    pub is_stopped: bool,
}

impl Alone {
    /// Binds the listener of the API for a client of the setup, by its position; port 0 takes any that is free.
    ///
    /// # Errors
    ///
    /// The address is taken or not this machine's.
    pub fn bind(setup: &Setup, client: usize, bind: IpAddr, port: u16) -> Result<Self, LiveError> {
        let api = listen(SocketAddr::new(bind, port))?;
        let ideal = Leg::new(Distribution::ZERO, 0.0);
        let alone = |client: &ClientSetup| ClientSetup { pull: None, faults: Faults::default(), ..client.clone() };
        let setup = Setup {
            clients: setup.clients.iter().skip(client).take(1).map(alone).collect(),
            link: Link::new(setup.seed, ideal.clone(), ideal),
            ..setup.clone()
        };
        Ok(Self { setup, api })
    }

    /// Where the API will be.
    pub const fn api_address(&self) -> SocketAddr {
        self.api.1
    }

    /// Plays in real time until no event is to come and the witness says that all is settled, or `frame.end`, or `control`
    /// told to stop.
    ///
    /// # Errors
    ///
    /// The system has refused something that every run needs.
    pub fn play(
        self,
        destination: Destination,
        keys: Keys,
        witness: Rc<dyn Witness>,
        control: &Control,
    ) -> Result<AloneRun, LiveError> {
        let refused = |source| LiveError::Io { doing: "run in real time", source };
        allow_many_files();
        let runtime = local_runtime().map_err(refused)?;
        let start = start_soon()?;
        witness.starts(start.epoch_nanos);
        start.clock.sleep_to_start();
        runtime.block_on(self.perform(start, destination, keys, witness, control)).map_err(refused)
    }

    async fn perform(
        self,
        start: Start,
        destination: Destination,
        keys: Keys,
        witness: Rc<dyn Witness>,
        control: &Control,
    ) -> io::Result<AloneRun> {
        let setup = Rc::new(self.setup);
        let board = Arc::new(Board::new(setup.frame, setup.consumers, Ways { push: true, polls: Polls::None }));
        let pacer = Pacer::new(start.clock)?;
        let push = setup.clients.first().and_then(|client| client.push.as_ref());
        let envelope = push.map_or(Envelope::PLAIN, |push| push.envelope);
        let wire = Wire::new(0, envelope, keys, start.epoch_nanos);
        let failing = Rc::clone(&witness);
        let http = HttpClient::new(ANSWER_MAX, destination.connecting()?)
            .telling(move |exchange, failure| failing.failed(exchange, failure));
        let line = Line::witnessed(wire, destination, Arc::clone(&board), Rc::clone(&witness));
        let driver = Driver::new(
            Side::Provider,
            setup.clients.iter().map(|client| setup.provider(client, 0..setup.consumers)).collect(),
            vec![line],
            setup.link.clone(),
            (start.clock, Rc::clone(&pacer)),
            http,
        );
        let history = History::new(setup.consumers, setup.api.page);
        let api = Api::new(Rc::clone(&driver), setup.consumers, Rc::clone(&history));
        let desk = Rc::new(Desk {
            api,
            driver: Rc::clone(&driver),
            setup: Rc::clone(&setup),
            history: Rc::clone(&history),
            witness: Rc::clone(&witness),
        });
        let answer = move |request| Rc::clone(&desk).answer(request);
        let serving = serve(self.api.0, Limits::DEFAULT, Door::default(), answer);
        let frame = setup.frame;
        let waking = spawn_local(Rc::clone(&driver).keep_awake());
        let pacing = spawn_local(async move { pacer.run().await });
        let publisher = Rc::clone(&driver);
        // A task of its own: whatever stands beside it would be looked after at each event too.
        let publishing = spawn_local(async move {
            publish(&setup, &publisher, &history).await;
            std::future::pending().await
        });
        let is_stopped = tokio::select! {
            is_stopped = watch(frame, &board, &*witness, start.clock, control) => is_stopped,
            failed = spawn_local(serving) => failed.map_err(io::Error::other)?.map(|()| false)?,
            failed = pacing => failed.map_err(io::Error::other)?.map(|()| false)?,
            failed = waking => failed.map(|()| false).map_err(io::Error::other)?,
            failed = publishing => failed.map_err(io::Error::other)?,
        };
        let lag = driver.lags.borrow().sum_up();
        Ok(AloneRun { lag, ended_at: start.clock.now(), is_stopped })
    }
}

/// Waits for the end of a run; gives back whether it was stopped early.
async fn watch(frame: Frame, board: &Board, witness: &dyn Witness, clock: Clock, control: &Control) -> bool {
    let end = frame.end.max(frame.duration);
    loop {
        let now = clock.now();
        control.done.store(now.min(frame.duration).as_nanos(), Ordering::Relaxed);
        if control.is_stopped() {
            return true;
        }
        // The board, which is told of nothing that could be pending, is settled once no event is to come.
        if now > end || (now >= frame.duration && board.is_settled() && witness.is_settled()) {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY.into()).await;
    }
}

/// Takes the requests to the API: those of any run, and the one that has an event delivered again.
struct Desk {
    api: Rc<Api>,
    driver: Rc<Driver<Provider>>,
    setup: Rc<Setup>,
    history: Rc<History>,
    witness: Rc<dyn Witness>,
}

impl Desk {
    async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Option<Message> {
        if let Some(id) = redelivered(request.uri().path()) {
            return Some(self.redeliver(id, &request));
        }
        let (parts, body) = request.into_parts();
        let (path, bytes_in) = (parts.uri.path().to_owned(), request_size(&parts, 0));
        let Answer { message, worth } = Rc::clone(&self.api).answer(Request::from_parts(parts, body)).await?;
        let status = match message.start {
            wire::Start::Response(status) => status,
            wire::Start::Request(..) => 500,
        };
        let bytes_out = message.size();
        if let Some(worth) = worth {
            self.witness.called(&Call { path: &path, bytes_in, status, worth, bytes_out });
        }
        Some(message)
    }

    fn redeliver(&self, id: &str, request: &Request<Incoming>) -> Message {
        let refused = |status| self.driver.line(0).wire.response(&Response::refused(status));
        if request.method() != Method::POST {
            return refused(METHOD_NOT_ALLOWED);
        }
        let Some(consumer) = self.bearer(request) else { return refused(UNAUTHORIZED) };
        let Some(event) = self.event(id).filter(|event| event.consumer == consumer) else { return refused(NOT_FOUND) };
        self.driver.tell(0, Input::Redeliver(event));
        let headers = vec![("content-length", "0".into())];
        Message { start: wire::Start::Response(ACCEPTED), headers, body: Vec::new() }
    }

    /// The consumer whose key a request shows; none if it shows no key of this API.
    fn bearer(&self, request: &Request<Incoming>) -> Option<u32> {
        let key = request.headers().header("authorization")?.strip_prefix("Bearer ")?;
        let consumer = key.rsplit('_').next()?.parse().ok()?;
        (consumer < self.setup.consumers && key == api_key(0, consumer)).then_some(consumer)
    }

    /// The event of that name, if it has occurred and the API still has it.
    fn event(&self, id: &str) -> Option<Event> {
        let (consumer, serial) = id.strip_prefix("evt_")?.split_once('_')?;
        let (consumer, serial): (u32, u32) = (consumer.parse().ok()?, serial.parse().ok()?);
        self.history.find(consumer, serial)
    }
}

/// The name of the event in the path of a request to deliver it again.
fn redelivered(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    path.strip_prefix("/events/")?.strip_suffix("/redeliver").filter(|id| !id.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_redelivery_names_its_event() {
        assert_eq!(redelivered("/v1/events/evt_0_7/redeliver"), Some("evt_0_7"));
        assert_eq!(redelivered("/events/evt_0_7/redeliver"), Some("evt_0_7"));
        for path in ["/v1/events", "/v1/events/evt_0_7", "/v1/events/a/b/redeliver", "/v2/events/evt_0_7/redeliver"] {
            assert_eq!(redelivered(path), None, "{path}");
        }
    }
}
