//! Real time: the same peers as under [`sim`](super::sim), over real HTTP.
//!
//! System B and every client have a thread of their own and meet over sockets alone. The scenario's network is applied on
//! the opener's side of each exchange, on top of what the real one takes. Each thread writes down what it sees; when all
//! have ended, their journals are merged and folded by the same ledger as in virtual time.
#![allow(clippy::disallowed_methods, reason = "this engine runs by the real clock")]

mod alarm;
mod alone;
mod api;
mod attacker;
mod board;
mod broadcast;
mod clock;
mod cpu;
mod door;
mod driver;
mod entrance;
mod exchange;
mod gzip;
mod heads;
mod http;
mod journal;
mod lag;
mod limits;
mod marks;
mod openings;
mod outages;
mod pacer;
mod patience;
mod pool;
mod publisher;
mod receiver;
mod roles;
mod rooms;
mod runtime;
mod server;
mod stream;
mod tls;
mod witness;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use tokio::sync::watch;

pub use alone::{Alone, AloneRun};
pub use broadcast::{Broadcast, Sight, Spectator, broadcast};
pub use entrance::Connections;
pub(crate) use http::request_size;
pub use lag::Lag;
pub(crate) use limits::allow_many_files;
pub(crate) use runtime::local_runtime;
pub(crate) use server::{Broken, Room, read_body_within, serve_telling};
pub use tls::Trust;
pub use witness::{Call, Destination, Failure, Witness};

use crate::engine::{ClientRun, ClientSetup, Control, CpuSeconds, Setup};
use crate::measure::chronicle::Stretch;
use crate::policy::signature::{Keys, Scheme};
use crate::time::{Span, Time};
use board::Board;
use clock::Clock;
use lag::Lags;
use roles::{Cue, Played, Stage, Start};
use tls::Tls;

/// From the moment at which every thread is ready to the common start.
const START_DELAY: Duration = Duration::from_millis(30);
/// How often to look whether a run is over.
const LOOK_EVERY: Span = Span::from_millis(5);

/// Where a run listens, and whom it tells what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address that every server binds to.
    pub bind: IpAddr,
    /// The port of System B's API; 0 takes any that is free.
    pub api_port: u16,
    /// The port of the endpoint for webhooks; 0 takes any that is free, and is the only choice with several push clients.
    pub receiver_port: u16,
    /// Which stretch of the run is to be told exchange by exchange, if any.
    pub tells: Option<Stretch>,
    /// Where everything is told as it happens, if anybody looks on.
    pub broadcast: Option<Broadcast>,
}

impl Default for Options {
    fn default() -> Self {
        Self { bind: Ipv4Addr::LOCALHOST.into(), api_port: 0, receiver_port: 0, tells: None, broadcast: None }
    }
}

/// What a run in real time gives back.
#[derive(Clone, Debug)]
pub struct LiveRun {
    /// One for each client, in the order of the setup.
    pub clients: Vec<ClientRun>,
    /// How late events were published and peers were woken, over all threads.
    pub lag: Lag,
    /// When the run was stopped early, if it was. What had happened by then is counted, and nothing later.
    pub stopped_at: Option<Time>,
    /// Where System B's API was.
    pub api_address: SocketAddr,
    /// Where each client's endpoint for webhooks was; none for a client without.
    pub receiver_addresses: Vec<Option<SocketAddr>>,
    /// The connections that System B's API took.
    pub api_connections: Connections,
    /// The connections that the endpoints for webhooks took, one for each client; none for one without an endpoint.
    pub receiver_connections: Vec<Connections>,
}

/// Why a run in real time did not come about.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// One port was asked for, but several push clients each need one.
    #[error("port {port} cannot be the webhook endpoint of {clients} clients at once; leave the port out")]
    OnePort {
        /// The port.
        port: u16,
        /// How many clients are pushed to.
        clients: usize,
    },
    /// The clock of the machine shows a time before 1970.
    #[error("the clock of this machine is not set")]
    Clock,
    /// The system refused something that every run needs.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Runs a setup in real time and waits for its end: every client settled after `frame.duration`, or `frame.end`, or
/// `control` told to stop.
///
/// # Errors
///
/// Where an address cannot be listened on, nothing has been run. Otherwise the system has refused a thread, a timer or
/// randomness.
pub fn run(setup: &Setup, options: &Options, control: &Control) -> Result<LiveRun, LiveError> {
    Live::bind(setup, options)?.run(control)
}

/// A run that has its addresses and has not started.
#[derive(Debug)]
pub struct Live {
    setup: Arc<Setup>,
    api: (TcpListener, SocketAddr),
    receivers: Vec<Option<(TcpListener, SocketAddr)>>,
    /// Where to send webhooks, for each client.
    targets: Vec<Option<SocketAddr>>,
    /// What they are signed and checked with, for each client.
    keys: Vec<Keys>,
    /// How connections are encrypted, if they are.
    tls: Option<Tls>,
    /// Which stretch is to be told.
    tells: Option<Stretch>,
    /// Where everything is told as it happens.
    broadcast: Option<Broadcast>,
}

impl Live {
    /// Binds every listener that a run needs, and makes keys.
    ///
    /// # Errors
    ///
    /// An address is taken or not this machine's, or one port was asked for several endpoints, or the system has refused
    /// randomness.
    pub fn bind(setup: &Setup, options: &Options) -> Result<Self, LiveError> {
        let pushed = setup.clients.iter().filter(|client| client.push.is_some()).count();
        if options.receiver_port != 0 && pushed > 1 {
            return Err(LiveError::OnePort { port: options.receiver_port, clients: pushed });
        }
        let api = listen(SocketAddr::new(options.bind, options.api_port))?;
        let receiver = || listen(SocketAddr::new(options.bind, options.receiver_port));
        let receivers = setup.clients.iter().map(|client| client.push.as_ref().map(|_| receiver()).transpose());
        let receivers: Vec<_> = receivers.collect::<Result<_, _>>()?;
        let targets = addresses(&receivers);
        let scheme = |client: &ClientSetup| client.push.as_ref().map_or(Scheme::None, |push| push.scheme);
        let keys = setup.clients.iter().map(|client| random_keys(scheme(client))).collect::<Result<_, _>>()?;
        let refused = |source| LiveError::Io { doing: "make a certificate", source };
        let tls = setup.link.tls.then(|| Tls::new(options.bind)).transpose().map_err(refused)?;
        let (tells, broadcast) = (options.tells.clone(), options.broadcast.clone());
        Ok(Self { setup: Arc::new(setup.clone()), api, receivers, targets, keys, tls, tells, broadcast })
    }

    /// Has the webhooks of a client signed and checked with these keys, instead of keys of the run's own that nobody else
    /// knows.
    #[must_use]
    pub fn with_keys(mut self, client: usize, keys: Keys) -> Self {
        self.keys.iter_mut().skip(client).take(1).for_each(|own| own.clone_from(&keys));
        self
    }

    /// Has System B send the webhooks of a client somewhere else than to the client's endpoint: to something in between
    /// that passes them on, say.
    #[must_use]
    pub fn with_webhooks_to(mut self, client: usize, address: SocketAddr) -> Self {
        self.targets.iter_mut().skip(client).take(1).for_each(|target| *target = Some(address));
        self
    }

    /// The certificate that every server of this run shows, as text (PEM); none without TLS.
    pub fn certificate(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| &*tls.certificate)
    }

    /// Where System B's API will be.
    pub const fn api_address(&self) -> SocketAddr {
        self.api.1
    }

    /// Where each client's endpoint for webhooks will be; none for a client without.
    pub fn receiver_addresses(&self) -> Vec<Option<SocketAddr>> {
        addresses(&self.receivers)
    }

    /// Runs to the end and leaves no thread and no socket behind.
    ///
    /// # Errors
    ///
    /// The system has refused a thread, a timer or randomness.
    pub fn run(self, control: &Control) -> Result<LiveRun, LiveError> {
        let (api_address, receiver_addresses) = (self.api_address(), self.receiver_addresses());
        let tells = self.tells.clone();
        if self.setup.clients.is_empty() {
            let (clients, lag) = (Vec::new(), Lag::default());
            let (api_connections, receiver_connections) = (Connections::default(), Vec::new());
            let stopped_at = None;
            return Ok(LiveRun {
                clients,
                lag,
                stopped_at,
                api_address,
                receiver_addresses,
                api_connections,
                receiver_connections,
            });
        }
        limits::allow_many_files();
        let setup = Arc::clone(&self.setup);
        let board = |client: &ClientSetup| Arc::new(Board::new(setup.frame, setup.consumers, client.ways()));
        let boards: Vec<_> = setup.clients.iter().map(board).collect();
        let (end, over) = watch::channel(false);
        let recordings = setup.clients.iter().map(|client| attacker::recordings(client, setup.consumers)).collect();
        let stage = Stage {
            setup: Arc::clone(&setup),
            boards: boards.clone(),
            keys: self.keys.clone(),
            recordings,
            tls: self.tls.clone(),
            is_among_own: self.targets == receiver_addresses,
            broadcast: self.broadcast.clone(),
            counters: std::iter::repeat_with(Arc::default).take(setup.clients.len() + 1).collect(),
            over,
        };
        let mut cast = Cast::default();
        let raised = self.raise(&mut cast, &stage).and_then(|()| cast.start());
        let stopped_at = raised.as_ref().ok().map(|start| {
            stage.broadcast.iter().for_each(|broadcast| broadcast.starts(start.clock));
            let stopped_at = watch(&setup, &boards, start.clock, control, &cast);
            // Every thread holds a receiver, or has ended.
            let _ = end.send(true);
            stopped_at
        });
        let played = cast.end();
        raised?;
        let cut = stopped_at.flatten();
        let (clients, lag) = fold(&setup, played?, cut, tells.as_ref());
        let mut connections = stage.counters.iter().map(|counter| counter.read());
        let api_connections = connections.next().unwrap_or_default();
        let receiver_connections = connections.collect();
        Ok(LiveRun {
            clients,
            lag,
            stopped_at: cut,
            api_address,
            receiver_addresses,
            api_connections,
            receiver_connections,
        })
    }

    /// Raises the curtain: one thread for System B, then one for each client.
    fn raise(self, cast: &mut Cast, stage: &Stage) -> Result<(), LiveError> {
        let (api_listener, api) = self.api;
        let endpoints = addresses(&self.receivers);
        let (provider, targets) = (stage.clone(), self.targets);
        cast.spawn("provider".into(), |cue| provider.play_provider(cue, api_listener, targets))?;
        for (index, receiver) in self.receivers.into_iter().enumerate() {
            let client = stage.clone();
            let listener = receiver.map(|(listener, _)| listener);
            cast.spawn(format!("client-{index}"), move |cue| client.play_client(cue, index, listener, api))?;
        }
        // Attackers come last: their parts are not among those that are folded.
        for (index, endpoint) in endpoints.into_iter().enumerate() {
            let (attacker, has_attacker) = (stage.clone(), stage.recordings[index].is_some());
            if let Some(endpoint) = endpoint.filter(|_| has_attacker) {
                let own_keys = random_keys(stage.keys[index].scheme)?;
                let part = move |cue| attacker.play_attacker(cue, index, endpoint, own_keys);
                cast.spawn(format!("attacker-{index}"), part)?;
            }
        }
        Ok(())
    }
}

type Part = JoinHandle<io::Result<Option<Played>>>;

/// The threads of a run.
struct Cast {
    parts: Vec<Part>,
    starts: Vec<mpsc::Sender<Start>>,
    ready: (Option<mpsc::Sender<()>>, mpsc::Receiver<()>),
}

impl Default for Cast {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { parts: Vec::new(), starts: Vec::new(), ready: (Some(sender), receiver) }
    }
}

impl Cast {
    fn spawn<F>(&mut self, name: String, part: F) -> Result<(), LiveError>
    where
        F: FnOnce(Cue) -> io::Result<Option<Played>> + Send + 'static,
    {
        let Some(ready) = self.ready.0.clone() else { return Ok(()) };
        let (sender, start) = mpsc::channel();
        let thread = std::thread::Builder::new().name(name).spawn(move || part(Cue { ready, start }));
        self.parts.push(thread.map_err(|source| LiveError::Io { doing: "start a thread", source })?);
        self.starts.push(sender);
        Ok(())
    }

    /// Gives the common start once every thread is ready, or has failed.
    fn start(&mut self) -> Result<Start, LiveError> {
        self.ready.0 = None;
        // The channel closes when the last thread has said that it is ready, or has ended without.
        while self.ready.1.recv().is_ok() {}
        let start = start_soon()?;
        // A thread that has ended hears no start; its error is found when it is joined.
        for sender in &self.starts {
            let _ = sender.send(start);
        }
        Ok(start)
    }

    fn has_lost_one(&self) -> bool {
        self.parts.iter().any(JoinHandle::is_finished)
    }

    /// Waits for every thread to end. Those that have not had their start go home without.
    fn end(self) -> Result<Vec<Played>, LiveError> {
        drop((self.starts, self.ready));
        let joined: Vec<_> = self.parts.into_iter().map(JoinHandle::join).collect();
        let mut played = Vec::new();
        for part in joined {
            match part {
                Ok(Ok(part)) => played.extend(part),
                Ok(Err(source)) => return Err(LiveError::Io { doing: "run in real time", source }),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(played)
    }
}

/// A start in a moment from now.
fn start_soon() -> Result<Start, LiveError> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| LiveError::Clock)?;
    let clock = Clock::starting_in(START_DELAY);
    let nanos = (since_epoch + START_DELAY).as_nanos();
    Ok(Start { clock, epoch_nanos: i128::try_from(nanos).map_err(|_| LiveError::Clock)? })
}

/// Waits for the end of a run; gives back the instant at which it was stopped early, if it was.
fn watch(setup: &Setup, boards: &[Arc<Board>], clock: Clock, control: &Control, cast: &Cast) -> Option<Time> {
    let frame = setup.frame;
    let end = frame.end.max(frame.duration);
    let parts = (setup.clients.len() as u64).saturating_mul(setup.consumers.into());
    let mut reported = Time::ZERO;
    loop {
        let now = clock.now();
        let done = now.min(frame.duration).since(reported);
        reported = now.min(frame.duration);
        control.done.fetch_add(done.as_nanos().saturating_mul(parts), Ordering::Relaxed);
        if control.is_stopped() {
            return Some(now);
        }
        // Looked at once counting is over for sure, even for an exchange that is just being taken down.
        let is_settled = || now >= frame.duration + LOOK_EVERY && boards.iter().all(|board| board.is_settled());
        if now > end || is_settled() || cast.has_lost_one() {
            return None;
        }
        std::thread::sleep(LOOK_EVERY.into());
    }
}

/// Makes one tally for each client of what the threads saw: System B first, then each client.
fn fold(
    setup: &Setup,
    mut played: Vec<Played>,
    stopped_at: Option<Time>,
    tells: Option<&Stretch>,
) -> (Vec<ClientRun>, Lag) {
    let cut = stopped_at.unwrap_or(setup.frame.end.max(setup.frame.duration));
    let mut lags = Lags::new();
    played.iter().for_each(|part| lags.merge(&part.lags));
    let mut parts = played.drain(..);
    let Some(provider) = parts.next() else { return (Vec::new(), lags.sum_up()) };
    let clients = provider.journals.into_iter().zip(parts).enumerate().map(|(index, (journal, client))| {
        let journals = std::iter::once(journal).chain(client.journals).collect();
        let cpu = CpuSeconds { provider: provider.cpu_seconds, consumer: client.cpu_seconds };
        let (tally, chronicle) = journal::fold(setup, index, journals, cut, tells);
        ClientRun { tally, cpu: Some(cpu), chronicle }
    });
    (clients.collect(), lags.sum_up())
}

/// Listens without blocking, with room for a burst of connections; gives back the address with its port.
pub(crate) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), LiveError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        limits::widen_backlog(&listener);
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| LiveError::Bind { address, source })
}

fn addresses(receivers: &[Option<(TcpListener, SocketAddr)>]) -> Vec<Option<SocketAddr>> {
    receivers.iter().map(|receiver| receiver.as_ref().map(|(_, address)| *address)).collect()
}

fn random_keys(scheme: Scheme) -> Result<Keys, LiveError> {
    let mut bytes = [0; 32];
    let filled = rand::rngs::SysRng.try_fill_bytes(&mut bytes);
    filled.map_err(|error| LiveError::Io { doing: "draw a key", source: io::Error::other(error) })?;
    Ok(Keys::generate(scheme, bytes))
}

#[cfg(test)]
mod tests;
