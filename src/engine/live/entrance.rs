//! Where connections come in: the socket, how they are encrypted, and how many there are.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::ServerConfig;

/// A listener, with what becomes of the connections that it takes. It must be non-blocking.
pub(crate) struct Entrance {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) counter: Arc<Counter>,
}

impl From<TcpListener> for Entrance {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None, counter: Arc::default() }
    }
}

/// How many connections a server has taken.
#[derive(Debug, Default)]
pub(super) struct Counter {
    now: AtomicU64,
    most: AtomicU64,
    all: AtomicU64,
}

/// Connections that a server took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// All of them.
    pub all: u64,
    /// The most that were open at the same time.
    pub most: u64,
}

impl Counter {
    /// Counts a connection for as long as what it gives back lives.
    pub(super) fn enter(self: &Arc<Self>) -> Open {
        self.all.fetch_add(1, Ordering::Relaxed);
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// What was counted so far.
    pub(super) fn read(&self) -> Connections {
        Connections { all: self.all.load(Ordering::Relaxed), most: self.most.load(Ordering::Relaxed) }
    }
}

/// A connection that is open.
pub(super) struct Open(Arc<Counter>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}
