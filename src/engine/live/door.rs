//! The door of an endpoint: while it is shut, connections are refused, and those that were open are reset.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

use super::limits::BACKLOG;

/// A door that one task opens and shuts, and a server goes by.
#[derive(Clone, Debug)]
pub(super) struct Door {
    is_open: watch::Sender<bool>,
}

impl Default for Door {
    fn default() -> Self {
        Self { is_open: watch::Sender::new(true) }
    }
}

impl Door {
    /// Opens the door or shuts it.
    pub(super) fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }

    /// Waits until the door is shut.
    pub(super) async fn shut(&self) {
        self.wait_for(false).await;
    }

    /// Waits until the door is open.
    pub(super) async fn opened(&self) {
        self.wait_for(true).await;
    }

    async fn wait_for(&self, is_open: bool) {
        // The sender is in this very door, so it cannot have gone.
        let _ = self.is_open.subscribe().wait_for(|now| *now == is_open).await;
    }
}

/// Keeps the port of a listener while nobody listens there, so that whoever connects is refused and nobody else takes it.
pub(super) struct Reserved(TcpSocket);

impl Reserved {
    /// Takes the place of a listener that has just been closed.
    pub(super) fn new(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Connections that were open a moment ago still linger.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self(socket))
    }

    /// Listens again.
    pub(super) fn listen(self) -> io::Result<TcpListener> {
        self.0.listen(BACKLOG)
    }
}
