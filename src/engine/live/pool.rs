//! Connections to servers over HTTP/1.1, kept from one exchange for the next.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::Notify;
use tokio::task::spawn_local;

use super::http::HEADERS_MAX;
use super::stream::Conn;
use super::witness::Failure;

/// How long a connection lies idle at most before it is dropped. Shorter than servers keep one, lest a request leaves on a
/// connection that is just being closed.
pub(super) const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// Sends requests over one connection, one at a time.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// How a client connects.
#[derive(Clone, Debug)]
pub(super) struct Connecting {
    /// Over TLS, whom it trusts.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Whose certificate it has to be; the address that is called if there is no name.
    pub(super) name: Option<ServerName<'static>>,
    /// Whether connections are kept for the next exchange.
    pub(super) keeps: bool,
    /// How long one that is kept may lie idle.
    pub(super) idle: Duration,
}

impl Connecting {
    /// Without TLS, over connections that are kept.
    pub(super) const PLAIN: Self = Self { tls: None, name: None, keeps: true, idle: IDLE_CONNECTION };

    /// Opens a connection, which lives and ends with a task of this thread.
    async fn open(self: Rc<Self>, server: SocketAddr) -> Result<Sender, Failure> {
        let name = || self.name.clone().unwrap_or_else(|| server.ip().into());
        let tls = self.tls.as_ref().map(|tls| (Arc::clone(tls), name()));
        let stream = Conn::open(server, tls).await.map_err(|error| failure(&error))?;
        let opened = Builder::new().max_headers(HEADERS_MAX).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|_| Failure::BadAnswer)?;
        spawn_local(async move {
            // Whoever sends over it learns of its end.
            let _ = connection.await;
        });
        sender.ready().await.map_err(|_| Failure::BadAnswer)?;
        Ok(sender)
    }
}

/// What became of an attempt to connect.
fn failure(error: &io::Error) -> Failure {
    if lacks_files(error) {
        Failure::OutOfFiles
    } else if is_of_tls(error) {
        Failure::NotTrusted
    } else {
        Failure::NoConnection
    }
}

/// Whether a handshake failed, however many errors that is wrapped in.
fn is_of_tls(reason: &io::Error) -> bool {
    let Some(inner) = reason.get_ref() else { return false };
    inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(is_of_tls)
}

/// Whether the system refused to open a file because too many are open.
fn lacks_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        error.raw_os_error().is_some_and(|code| [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&code))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Connections to any number of servers.
pub(super) struct Pool {
    connecting: Rc<Connecting>,
    /// How many connections to a server lie idle at most.
    idle_max: usize,
    /// There are few.
    servers: RefCell<Vec<(SocketAddr, Rc<Kept>)>>,
}

/// The connections to one server that nobody uses.
struct Kept {
    /// Since when each lies idle; the newest is the last.
    idle: RefCell<Vec<(Sender, Instant)>>,
    idle_max: usize,
    /// Tells whoever waits for a connection that one has been given back.
    given_back: Notify,
}

impl Kept {
    fn keep(&self, sender: Sender) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.idle_max {
            idle.push((sender, Instant::now()));
            self.given_back.notify_one();
        }
    }

    /// Takes the connection that was used last, unless even that has been idle for too long.
    fn take(&self, idle_for: Duration) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        while let Some((sender, since)) = idle.pop() {
            if !sender.is_ready() {
                // The server has closed it.
                continue;
            }
            if since.elapsed() <= idle_for {
                return Some(sender);
            }
            // All others have been idle for longer.
            idle.clear();
        }
        None
    }
}

/// A connection for one exchange. It ends with that, unless it is given back.
pub(super) struct Lease {
    pub(super) sender: Sender,
    /// Where it is kept; none where none are.
    home: Option<Rc<Kept>>,
}

impl Lease {
    /// Keeps the connection for the next exchange, once it has no more of this one to read.
    pub(super) fn give_back(self) {
        let Self { mut sender, home: Some(home) } = self else { return };
        if sender.is_ready() {
            home.keep(sender);
        } else if !sender.is_closed() {
            spawn_local(async move {
                if sender.ready().await.is_ok() {
                    home.keep(sender);
                }
            });
        }
    }
}

impl Pool {
    /// A pool that keeps so many idle connections to each server at most.
    pub(super) fn new(connecting: Rc<Connecting>, idle_max: usize) -> Self {
        Self { connecting, idle_max, servers: RefCell::default() }
    }

    /// Takes a connection that is kept, or opens one. Whichever comes first is used: one that is given back meanwhile, or
    /// the new one, which is kept otherwise.
    pub(super) async fn connection(&self, server: SocketAddr) -> Result<Lease, Failure> {
        if !self.connecting.keeps {
            let sender = Rc::clone(&self.connecting).open(server).await?;
            return Ok(Lease { sender, home: None });
        }
        let kept = self.kept(server);
        let idle = kept.take(self.connecting.idle);
        let sender = match idle {
            Some(sender) => sender,
            None => Box::pin(self.await_connection(server, &kept)).await?,
        };
        Ok(Lease { sender, home: Some(kept) })
    }

    async fn await_connection(&self, server: SocketAddr, kept: &Rc<Kept>) -> Result<Sender, Failure> {
        let mut opening = Box::pin(Rc::clone(&self.connecting).open(server));
        loop {
            tokio::select! {
                biased;
                () = kept.given_back.notified() => {}
                opened = &mut opening => return opened,
            }
            if let Some(sender) = kept.take(self.connecting.idle) {
                let kept = Rc::clone(kept);
                spawn_local(async move {
                    if let Ok(sender) = opening.await {
                        kept.keep(sender);
                    }
                });
                return Ok(sender);
            }
        }
    }

    fn kept(&self, server: SocketAddr) -> Rc<Kept> {
        let mut servers = self.servers.borrow_mut();
        if let Some((_, kept)) = servers.iter().find(|(address, _)| *address == server) {
            return Rc::clone(kept);
        }
        let kept = Rc::new(Kept { idle: RefCell::default(), idle_max: self.idle_max, given_back: Notify::new() });
        servers.push((server, Rc::clone(&kept)));
        kept
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http::Request;
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::runtime::local_runtime;
    use super::*;

    const KEPT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const CLOSED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

    /// Starts a server that gives every request the same answer; counts the connections that it takes.
    async fn server(answer: &'static str) -> (SocketAddr, Rc<Cell<u32>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let connections = Rc::new(Cell::new(0));
        let counter = Rc::clone(&connections);
        spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.set(counter.get() + 1);
                spawn_local(async move {
                    let mut request = [0; 1_024];
                    // A request as small as these comes in one piece.
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        stream.write_all(answer.as_bytes()).await.expect("the client waits");
                    }
                });
            }
        });
        (address, connections)
    }

    async fn send(lease: &mut Lease) {
        let response = lease.sender.send_request(Request::new(Full::default())).await.expect("an answer");
        let body = response.into_body().collect().await.expect("a whole answer").to_bytes();
        assert_eq!(body, "ok");
    }

    async fn exchange(pool: &Pool, server: SocketAddr) {
        let mut lease = pool.connection(server).await.expect("it listens");
        send(&mut lease).await;
        lease.give_back();
    }

    /// How many connections six exchanges take, three times two at once.
    fn connections(connecting: Connecting, idle_max: usize, answer: &'static str) -> u32 {
        let runtime = local_runtime().expect("a runtime");
        runtime.block_on(async {
            let (server, connections) = server(answer).await;
            let pool = Pool::new(Rc::new(connecting), idle_max);
            for _ in 0..3 {
                let mut first = pool.connection(server).await.expect("it listens");
                let mut second = pool.connection(server).await.expect("it listens");
                tokio::join!(send(&mut first), send(&mut second));
                first.give_back();
                second.give_back();
                // What is not ready yet is kept by a task of its own.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            connections.get()
        })
    }

    #[test]
    fn as_many_connections_are_kept_as_may_be() {
        assert_eq!(connections(Connecting::PLAIN, usize::MAX, KEPT), 2);
        assert_eq!(connections(Connecting::PLAIN, 1, KEPT), 4);
        assert_eq!(connections(Connecting { keeps: false, ..Connecting::PLAIN }, usize::MAX, KEPT), 6);
    }

    #[test]
    fn neither_what_was_idle_for_long_nor_what_the_server_closed_is_used_again() {
        assert_eq!(connections(Connecting { idle: Duration::ZERO, ..Connecting::PLAIN }, usize::MAX, KEPT), 6);
        assert_eq!(connections(Connecting::PLAIN, usize::MAX, CLOSED), 6);
    }

    #[test]
    fn each_server_has_connections_of_its_own() {
        let runtime = local_runtime().expect("a runtime");
        runtime.block_on(async {
            let servers = [server(KEPT).await, server(KEPT).await];
            let pool = Pool::new(Rc::new(Connecting::PLAIN), 1);
            for _ in 0..3 {
                for (address, _) in &servers {
                    exchange(&pool, *address).await;
                }
            }
            assert_eq!(servers.map(|(_, connections)| connections.get()), [1, 1]);
        });
    }

    #[test]
    fn nobody_there_is_no_connection() {
        let runtime = local_runtime().expect("a runtime");
        runtime.block_on(async {
            let closed = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
            let pool = Pool::new(Rc::new(Connecting::PLAIN), 1);
            let failed = pool.connection(closed.expect("a free port")).await.err();
            assert_eq!(failed, Some(Failure::NoConnection));
        });
    }
}
