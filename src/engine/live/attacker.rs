//! Somebody who is not System B and sends webhooks to a client's endpoint all the same.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio_rustls::TlsConnector;

use super::clock::Clock;
use super::http::HttpClient;
use super::pacer::Pacer;
use super::pool::Connecting;
use crate::deadlines::Deadlines;
use crate::engine::ClientSetup;
use crate::fault::{Faults, ForgeryKind};
use crate::policy::forger::{Forger, Recording};
use crate::policy::receiver::Limits;
use crate::policy::signature::Keys;
use crate::seed::Seed;
use crate::time::Time;
use crate::wire::{Forgeries, Message, Wire};

/// The most forged webhooks under way at the same time; while so many are, the attacker lets others pass.
const UNDER_WAY_MAX: u32 = 512;
/// The pause between two bytes of a webhook that is sent too slowly.
const SLOW_PAUSE: Duration = Duration::from_millis(100);
/// The largest answer that the attacker reads.
const ANSWER_MAX: usize = 1 << 16;

/// What an attacker has recorded on the way to each consumer's endpoint.
pub(super) type Recordings = Arc<Mutex<Vec<Recording>>>;

/// The recordings of a client's attacker; none if it has none.
pub(super) fn recordings(client: &ClientSetup, consumers: u32) -> Option<Recordings> {
    let is_attacked = client.push.is_some() && client.faults.has_forger();
    is_attacked.then(|| Arc::new(Mutex::new(vec![Recording::default(); consumers as usize])))
}

/// Looks into recordings.
pub(super) fn lock(recordings: &Recordings) -> MutexGuard<'_, Vec<Recording>> {
    // A thread that panicked here ends the whole run anyway.
    recordings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The attacker of one client's endpoint.
pub(super) struct Attack {
    seed: Seed,
    faults: Faults,
    wire: Wire,
    own_keys: Keys,
    limits: Limits,
    recordings: Recordings,
    endpoint: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    http: Rc<HttpClient>,
    under_way: Rc<Cell<u32>>,
}

impl Attack {
    pub(super) fn new(
        seed: &Seed,
        client: &ClientSetup,
        (wire, own_keys, limits): (Wire, Keys, Limits),
        recordings: Recordings,
        (endpoint, tls): (SocketAddr, Option<Arc<ClientConfig>>),
    ) -> Self {
        let connecting = Connecting { tls: tls.clone(), ..Connecting::PLAIN };
        let http = HttpClient::new(ANSWER_MAX, connecting);
        Self {
            seed: *seed,
            faults: client.faults.clone(),
            wire,
            own_keys,
            limits,
            recordings,
            endpoint,
            tls,
            http: Rc::new(http),
            under_way: Rc::default(),
        }
    }

    /// Attacks until nothing is left to send, and then waits for ever.
    pub(super) async fn run(&self, clock: Clock, pacer: &Rc<Pacer>, consumers: u32) {
        let of_consumer =
            |consumer| Forger::of(&self.faults, self.seed, consumer).into_iter().map(move |f| (consumer, f));
        let mut forgers: Vec<_> = (0..consumers).flat_map(of_consumer).collect();
        let mut due = Deadlines::new(forgers.len());
        for ((_, forger), index) in forgers.iter().zip(0..) {
            due.set(index, forger.deadline());
        }
        let mut number = 0u32;
        while let Some((at, index)) = due.earliest() {
            if at > clock.now() {
                pacer.wait(at).await;
            } else {
                // Whoever is late still lets others have a turn.
                tokio::task::yield_now().await;
            }
            let Some((consumer, forger)) = forgers.get_mut(index as usize) else { break };
            let kind = forger.forge();
            due.set(index, forger.deadline());
            number = number.wrapping_add(1);
            self.send(kind, *consumer, number, clock.now());
        }
        std::future::pending().await
    }

    fn send(&self, kind: ForgeryKind, consumer: u32, number: u32, now: Time) {
        let recorded = lock(&self.recordings).get(consumer as usize).and_then(|recording| recording.copied(kind));
        let Some(recorded) = recorded else { return };
        if self.under_way.get() >= UNDER_WAY_MAX || self.faults.receiver_down(now, consumer).is_some() {
            return;
        }
        let forgeries = Forgeries { wire: &self.wire, own_keys: self.own_keys.clone(), limits: self.limits };
        let message = forgeries.message(kind, &recorded, consumer, number, now);
        self.under_way.set(self.under_way.get() + 1);
        let tls = self.tls.clone();
        let (http, endpoint, under_way) = (Rc::clone(&self.http), self.endpoint, Rc::clone(&self.under_way));
        spawn_local(async move {
            // Whatever becomes of it, the endpoint's own books say.
            match kind {
                ForgeryKind::Slow => drop(dribble(endpoint, tls, &message).await),
                _ => drop(http.send(consumer, endpoint, message).await),
            }
            under_way.set(under_way.get().saturating_sub(1));
        });
    }
}

/// Sends a webhook byte by byte until the endpoint has had enough, and never all of it.
async fn dribble(endpoint: SocketAddr, tls: Option<Arc<ClientConfig>>, message: &Message) -> io::Result<()> {
    let stream = TcpStream::connect(endpoint).await?;
    match tls {
        None => dribble_into(stream, message).await,
        Some(config) => {
            let connector = TlsConnector::from(config);
            dribble_into(connector.connect(endpoint.ip().into(), stream).await?, message).await
        }
    }
}

async fn dribble_into(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &Message) -> io::Result<()> {
    stream.write_all(message.head().unwrap_or_default().as_bytes()).await?;
    let mut answer = [0; 256];
    for byte in message.body.iter().take(message.body.len().saturating_sub(1)) {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        if let Ok(read) = tokio::time::timeout(SLOW_PAUSE, stream.read(&mut answer)).await {
            read?;
            return Ok(());
        }
    }
    // With the last byte held back nothing but the endpoint's patience ends this.
    stream.read(&mut answer).await.map(drop)
}
