//! One connection over TCP, encrypted or not, whichever end opened it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// A connection, encrypted or not.
pub(super) enum Conn {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Conn {
    /// Takes a connection that came: over TLS, the handshake comes first.
    ///
    /// # Errors
    ///
    /// The handshake has failed.
    pub(super) async fn take(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        send_at_once(&stream);
        match tls {
            None => Ok(Self::Plain(stream)),
            Some(config) => {
                let stream = TlsAcceptor::from(config).accept(stream).await?;
                Ok(Self::Encrypted(Box::new(stream.into())))
            }
        }
    }

    /// Opens a connection to an address; with `tls`, to somebody who can prove to have that name.
    ///
    /// # Errors
    ///
    /// Nobody takes the connection, or the handshake has failed.
    pub(super) async fn open(
        address: SocketAddr,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    ) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        send_at_once(&stream);
        match tls {
            None => Ok(Self::Plain(stream)),
            Some((config, name)) => {
                let stream = TlsConnector::from(config).connect(name, stream).await?;
                Ok(Self::Encrypted(Box::new(stream.into())))
            }
        }
    }

    /// Has the connection reset when it is dropped, instead of closed in order.
    pub(super) fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_zero_linger(),
            Self::Encrypted(stream) => stream.get_ref().0.set_zero_linger(),
        }
    }
}

/// Parts that are copied into one, up to so many bytes: the system takes longer to gather a few small parts than to be given
/// one.
const JOINED_MAX: usize = 2_048;

/// A few small parts in one piece; none if they are too large for that.
fn joined(parts: &[io::IoSlice<'_>]) -> Option<SmallVec<[u8; JOINED_MAX]>> {
    let mut joined = SmallVec::new();
    for part in parts {
        if part.len() > JOINED_MAX - joined.len() {
            return None;
        }
        joined.extend_from_slice(part);
    }
    Some(joined)
}

/// Without this messages may wait for others to be acknowledged; where the system refuses they are merely late.
fn send_at_once(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
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
            Self::Plain(stream) => match joined(parts) {
                Some(joined) => Pin::new(stream).poll_write(context, &joined),
                None => Pin::new(stream).poll_write_vectored(context, parts),
            },
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
