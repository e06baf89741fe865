//! Where connections come in: the socket, how they are encrypted, and how many there are.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

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

/// A connection, encrypted or not.
pub(super) enum Conn {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Conn {
    /// Takes a connection: over TLS, the handshake comes first.
    ///
    /// # Errors
    ///
    /// The handshake has failed.
    pub(super) async fn take(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        // Without it answers may wait for others to be acknowledged; with it refused they are merely late.
        let _ = stream.set_nodelay(true);
        match tls {
            None => Ok(Self::Plain(stream)),
            Some(config) => Ok(Self::Encrypted(Box::new(TlsAcceptor::from(config).accept(stream).await?))),
        }
    }
}

impl Conn {
    /// Has the connection reset when it is dropped, instead of closed in order.
    pub(super) fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_zero_linger(),
            Self::Encrypted(stream) => stream.get_ref().0.set_zero_linger(),
        }
    }
}

impl AsyncRead for Conn {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Encrypted(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
