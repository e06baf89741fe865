//! The threads of a run: one plays System B, one for each client plays System A. They meet over HTTP alone, apart from
//! the board that tells when a run is over.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_local;

use super::api::{Api, History};
use super::attacker::{Attack, Recordings};
use super::board::Board;
use super::broadcast::Broadcast;
use super::clock::Clock;
use super::cpu::CpuMeter;
use super::door::Door;
use super::driver::{Driver, Line};
use super::entrance::{Counter, Entrance};
use super::http::HttpClient;
use super::journal::Journal;
use super::lag::Lags;
use super::openings::open_records;
use super::outages;
use super::pacer::Pacer;
use super::pool::{Connecting, IDLE_CONNECTION};
use super::publisher::publish;
use super::receiver::Endpoint;
use super::runtime::local_runtime;
use super::server::serve;
use super::tls::Tls;
use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::link::Handshake;
use crate::peer::{Peer, Side};
use crate::policy::consumer::Consumer;
use crate::policy::receiver::Limits;
use crate::policy::signature::Keys;
use crate::time::Span;
use crate::wire::{Envelope, Wire};

/// Room for what stands around a payload.
const ENVELOPE: usize = 1 << 10;

/// What all threads of a run share.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) setup: Arc<Setup>,
    pub(super) boards: Vec<Arc<Board>>,
    /// One for each client.
    pub(super) keys: Vec<Keys>,
    /// What the attacker of each client has recorded; none where there is no attacker.
    pub(super) recordings: Vec<Option<Recordings>>,
    /// How connections are encrypted, if they are.
    pub(super) tls: Option<Tls>,
    /// Whether webhooks go to nobody but this run's endpoints.
    pub(super) is_among_own: bool,
    /// Where everything is told as it happens, if anybody looks on.
    pub(super) broadcast: Option<Broadcast>,
    /// The connections of System B's API, and then those of each client's endpoint.
    pub(super) counters: Vec<Arc<Counter>>,
    /// Turns true when the run is over.
    pub(super) over: watch::Receiver<bool>,
}

/// How a thread says that it is ready, and learns when the run starts.
pub(super) struct Cue {
    pub(super) ready: mpsc::Sender<()>,
    pub(super) start: mpsc::Receiver<Start>,
}

/// When a run starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) clock: Clock,
    /// The same instant as Unix time in nanoseconds.
    pub(super) epoch_nanos: i128,
}

/// What a thread has seen and spent.
pub(super) struct Played {
    /// One for each client that the thread dealt with.
    pub(super) journals: Vec<Journal>,
    pub(super) lags: Lags,
    pub(super) cpu_seconds: f64,
}

impl Stage {
    /// Plays System B for all clients. None if the run was called off before it started.
    pub(super) fn play_provider(
        mut self,
        cue: Cue,
        listener: TcpListener,
        receivers: Vec<Option<SocketAddr>>,
    ) -> io::Result<Option<Played>> {
        let setup = Arc::clone(&self.setup);
        let peers = setup.clients.iter().map(|client| setup.provider(client, 0..setup.consumers)).collect();
        perform(cue, async |start: Start| {
            let line = |(index, receiver): (usize, &Option<SocketAddr>)| self.line(index, start, *receiver);
            let lines = receivers.iter().enumerate().map(line).collect();
            let pacer = Pacer::new(start.clock)?;
            let driver = Driver::new(
                Side::Provider,
                peers,
                lines,
                setup.link.clone(),
                (start.clock, Rc::clone(&pacer)),
                HttpClient::new(ENVELOPE, self.connecting()).among_own(self.is_among_own),
            );
            let history = History::new(setup.consumers, setup.api.page);
            let api = Api::new(Rc::clone(&driver), setup.consumers, Rc::clone(&history));
            let answer = move |request| {
                let api = Rc::clone(&api);
                async move { api.answer(request).await.map(|answer| answer.message) }
            };
            let door = Door::default();
            let serving = serve(self.entrance(listener, 0), api_limits(&setup), door.clone(), answer);
            let publisher = Rc::clone(&driver);
            // A task of its own: whatever stands beside it would be looked after at each event too.
            let publishing = spawn_local(async move {
                tokio::join!(publish(&setup, &publisher, &history), outages::of_provider(&setup, &publisher, &door));
            });
            let publishing = async {
                publishing.await.map_err(io::Error::other)?;
                std::future::pending().await
            };
            self.play(&driver, Some(serving), publishing).await
        })
    }

    /// Plays System A with one client. None if the run was called off before it started.
    pub(super) fn play_client(
        mut self,
        cue: Cue,
        index: usize,
        listener: Option<TcpListener>,
        api: SocketAddr,
    ) -> io::Result<Option<Played>> {
        let setup = Arc::clone(&self.setup);
        let client = &setup.clients[index];
        let policies = client.policies();
        let consumer = |consumer| {
            let new = Consumer::new(setup.seed, consumer, &policies);
            new.watching(setup.seed, consumer, &policies, setup.watched())
        };
        let peers = (0..setup.consumers).map(consumer).collect();
        perform(cue, async |start: Start| {
            let pacer = Pacer::new(start.clock)?;
            let driver = Driver::new(
                Side::Consumer,
                peers,
                vec![self.line(index, start, Some(api))],
                setup.link.clone(),
                (start.clock, Rc::clone(&pacer)),
                HttpClient::of_consumers(page_bytes_max(&setup, client), self.connecting(), setup.consumers)
                    .expanding(client.is_compressed())
                    .among_own(true),
            );
            let limits = limits(client.push.as_ref());
            let endpoint = Endpoint::new(Rc::clone(&driver), &setup, limits, self.recordings[index].clone());
            let door = Door::default();
            let answer = move |request| Rc::clone(&endpoint).answer(request);
            let serving =
                listener.map(|listener| serve(self.entrance(listener, index + 1), limits, door.clone(), answer));
            let outages = async {
                let outages = outages::of_endpoint(&client.faults, &driver, &door, setup.consumers);
                tokio::join!(outages, open_records(&setup, client, &driver));
                std::future::pending().await
            };
            self.play(&driver, serving, outages).await
        })
    }

    /// Plays whoever attacks the endpoint of one client. None if the run was called off before it started.
    pub(super) fn play_attacker(
        mut self,
        cue: Cue,
        index: usize,
        endpoint: SocketAddr,
        own_keys: Keys,
    ) -> io::Result<Option<Played>> {
        let setup = Arc::clone(&self.setup);
        perform(cue, async |start: Start| {
            let (client, recordings) = (&setup.clients[index], self.recordings[index].clone().unwrap_or_default());
            let limits = limits(client.push.as_ref());
            let wire = self.line(index, start, None).wire;
            let pacer = Pacer::new(start.clock)?;
            let tls = self.tls.as_ref().map(|tls| Arc::clone(&tls.client));
            let attack = Attack::new(&setup.seed, client, (wire, own_keys, limits), recordings, (endpoint, tls));
            let pacing = Rc::clone(&pacer);
            let pacing = spawn_local(async move { pacing.run().await });
            tokio::select! {
                _ = self.over.wait_for(|over| *over) => {}
                failed = pacing => failed.map_err(io::Error::other)??,
                () = attack.run(start.clock, &pacer, setup.consumers) => {}
            }
            Ok(Played { journals: Vec::new(), lags: Lags::new(), cpu_seconds: 0.0 })
        })
    }

    /// Lets a driver and its server run until the run is over, and collects what they saw.
    async fn play<P: Peer + 'static>(
        &mut self,
        driver: &Rc<Driver<P>>,
        serving: Option<impl Future<Output = io::Result<()>> + 'static>,
        publishing: impl Future<Output = io::Result<()>>,
    ) -> io::Result<Played> {
        let meter = CpuMeter::new(Rc::clone(&driver.pacer));
        spawn_local(Rc::clone(&meter).watch(self.setup.frame));
        let waking = spawn_local(Rc::clone(driver).keep_awake());
        let server = async {
            match serving {
                Some(serving) => spawn_local(serving).await.map_err(io::Error::other)?,
                None => std::future::pending().await,
            }
        };
        let pacer = Rc::clone(&driver.pacer);
        let pacing = spawn_local(async move { pacer.run().await });
        tokio::select! {
            // An error means that whoever is to end the run has gone; then it is over too.
            _ = self.over.wait_for(|over| *over) => {}
            failed = server => failed?,
            failed = pacing => failed.map_err(io::Error::other)??,
            failed = publishing => failed?,
            failed = waking => failed.map_err(io::Error::other)?,
        }
        Ok(Played {
            journals: driver.lines().iter().map(Line::take_journal).collect(),
            lags: driver.lags.borrow().clone(),
            cpu_seconds: meter.seconds(),
        })
    }

    /// How this run's clients connect.
    fn connecting(&self) -> Connecting {
        Connecting {
            tls: self.tls.as_ref().map(|tls| Arc::clone(&tls.client)),
            keeps: self.setup.link.handshake == Handshake::Reuse,
            idle: idle(&self.setup),
            ..Connecting::PLAIN
        }
    }

    /// A listener of this run, whose connections are counted at that place.
    fn entrance(&self, listener: TcpListener, place: usize) -> Entrance {
        let tls = self.tls.as_ref().map(|tls| Arc::clone(&tls.server));
        Entrance { listener, tls, counter: self.counters.get(place).map(Arc::clone).unwrap_or_default() }
    }

    fn line(&self, index: usize, start: Start, target: Option<SocketAddr>) -> Line {
        let client = u32::try_from(index).unwrap_or(u32::MAX);
        let envelope = self.setup.clients[index].push.as_ref().map_or(Envelope::PLAIN, |push| push.envelope);
        let wire = Wire::new(client, envelope, self.keys[index].clone(), start.epoch_nanos)
            .with_compression(self.setup.clients[index].is_compressed());
        let faults = self.setup.clients[index].faults.clone();
        Line::new(wire, target.map(reachable), Arc::clone(&self.boards[index]), faults)
            .told_to(self.broadcast.clone(), client)
    }
}

/// Gets a runtime ready, waits for the start, plays, and leaves nothing behind.
fn perform(cue: Cue, part: impl AsyncFnOnce(Start) -> io::Result<Played>) -> io::Result<Option<Played>> {
    let runtime = local_runtime()?;
    let Cue { ready, start } = cue;
    // Nobody listens where the run has been called off; then nobody gives the start either.
    let _ = ready.send(());
    drop(ready);
    let Ok(start) = start.recv() else { return Ok(None) };
    start.clock.sleep_to_start();
    runtime.block_on(part(start)).map(Some)
}

/// How long a connection may lie idle: half as long as the most impatient of the servers waits for the next request, so that
/// none leaves on a connection that is just being closed.
fn idle(setup: &Setup) -> Duration {
    let read_times = setup.clients.iter().map(|client| limits(client.push.as_ref()).read_time);
    let least = read_times.fold(Limits::DEFAULT.read_time, Span::min);
    (Duration::from(least) / 2).min(IDLE_CONNECTION)
}

/// What an endpoint takes at most.
fn limits(push: Option<&PushSetup>) -> Limits {
    push.map_or(Limits::DEFAULT, |push| push.receive.limits)
}

/// What System B's API takes at most: beside what strangers may open, two connections for each consumer of each client, of
/// which one may still be closing.
fn api_limits(setup: &Setup) -> Limits {
    let consumers = setup.consumers.saturating_mul(u32::try_from(setup.clients.len()).unwrap_or(u32::MAX));
    let connections = Limits::DEFAULT.connections.saturating_add(consumers.saturating_mul(2));
    Limits { connections, ..Limits::DEFAULT }
}

/// The largest page that a client can be sent.
fn page_bytes_max(setup: &Setup, client: &ClientSetup) -> usize {
    let events = client.pull.as_ref().map_or(1, |pull| pull.page.min(setup.api.page)) as usize;
    events.saturating_mul(setup.workload.payload.max() as usize + ENVELOPE).saturating_add(ENVELOPE)
}

/// Where to send requests for a listener. A listener on every address of the machine is reached on the loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
