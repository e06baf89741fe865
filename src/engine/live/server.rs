//! An HTTP server with limits on everything that whoever calls it could overdo.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use super::door::{Door, Reserved};
use super::entrance::{Counter, Entrance};
use super::heads::Heads;
use super::http::{HEADERS_MAX, response};
use super::patience::{Late, Patience};
use super::stream::Conn;
use crate::policy::receiver::Limits;
use crate::wire::Message;

/// The least room for headers that the HTTP library works with.
const HEADERS_BYTES_MIN: usize = 8 * 1024;
/// How long to wait before accepting again where the system could not; most likely too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What was wrong with a request that broke off its connection before anybody could answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its headers are larger than is taken.
    TooLarge,
    /// Its headers did not come in time.
    TooSlow,
    /// It is no HTTP request, or breaks off.
    Unreadable,
}

/// Serves until it is dropped. The listener must be non-blocking.
///
/// While the door is shut nobody listens, and what was connected is reset. So is the connection of a request to which the
/// handler has no answer.
pub(super) async fn serve<H, F>(entrance: impl Into<Entrance>, limits: Limits, door: Door, handler: H) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Option<Message>> + 'static,
{
    keep_serving(entrance.into(), limits, door, handler, |_| {}).await
}

/// Serves until it is dropped, and tells of each request that never became one. The listener must be non-blocking.
pub(crate) async fn serve_telling<H, F, B>(
    entrance: impl Into<Entrance>,
    limits: Limits,
    handler: H,
    broken: B,
) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
    B: Fn(Broken) + Clone + 'static,
{
    let handler = move |request| {
        let answer = handler(request);
        async { Some(answer.await) }
    };
    keep_serving(entrance.into(), limits, Door::default(), handler, broken).await
}

async fn keep_serving<H, F, B>(entrance: Entrance, limits: Limits, door: Door, handler: H, broken: B) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Option<Message>> + 'static,
    B: Fn(Broken) + Clone + 'static,
{
    let Entrance { listener, tls, counter } = entrance;
    let mut listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let heads = Rc::<Heads>::default();
    let places = Arc::new(Semaphore::new(limits.connections.max(1) as usize));
    loop {
        tokio::select! {
            biased;
            () = door.shut() => {}
            failed = accept(&listener, (&places, &counter), &tls, (limits, &heads), &handler, &broken) => failed?,
        }
        drop(listener);
        let reserved = Reserved::new(address)?;
        door.opened().await;
        listener = reserved.listen()?;
    }
}

/// Accepts connections for ever. When it is dropped, they end with it.
async fn accept<H, F, B>(
    listener: &tokio::net::TcpListener,
    (places, counter): (&Arc<Semaphore>, &Arc<Counter>),
    tls: &Option<Arc<ServerConfig>>,
    (limits, heads): (Limits, &Rc<Heads>),
    handler: &H,
    broken: &B,
) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Option<Message>> + 'static,
    B: Fn(Broken) + Clone + 'static,
{
    let mut conversations = JoinSet::new();
    loop {
        // Those that have ended take room until they are asked for.
        while conversations.try_join_next().is_some() {}
        let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
        match listener.accept().await {
            Ok((stream, _)) => {
                let conversation =
                    meet(stream, tls.clone(), (limits, Rc::clone(heads)), handler.clone(), broken.clone());
                let open = counter.enter();
                conversations.spawn_local(async move {
                    let _held = (place, open);
                    conversation.await;
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Takes a connection. A handshake counts into the time that its first request has to come.
async fn meet<H, F, B>(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    (limits, heads): (Limits, Rc<Heads>),
    handler: H,
    broken: B,
) where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Option<Message>> + 'static,
    B: Fn(Broken),
{
    if tls.is_none() {
        if let Ok(stream) = Conn::take(stream, None).await {
            converse(stream, (limits, heads), handler, &broken).await;
        }
        return;
    }
    let mut too_late = pin!(tokio::time::sleep(limits.read_time.into()));
    let stream = tokio::select! {
        biased;
        stream = Conn::take(stream, tls) => stream,
        () = &mut too_late => return broken(Broken::TooSlow),
    };
    let Ok(stream) = stream else { return broken(Broken::Unreadable) };
    let has_come = Rc::new(Cell::new(false));
    let coming = Rc::clone(&has_come);
    let first_noted = move |request| {
        coming.set(true);
        handler(request)
    };
    let mut conversation = pin!(converse(stream, (limits, heads), first_noted, &broken));
    tokio::select! {
        biased;
        () = &mut conversation => return,
        () = &mut too_late => {}
    }
    if has_come.get() {
        conversation.await;
    } else {
        broken(Broken::TooSlow);
    }
}

async fn converse<H, F, B>(stream: Conn, (limits, heads): (Limits, Rc<Heads>), handler: H, broken: &B)
where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Option<Message>> + 'static,
    B: Fn(Broken),
{
    let unread = Rc::new(Cell::new(false));
    let unanswered = Rc::new(Cell::new(false));
    let write_time = limits.read_time.into();
    let stream =
        Watched { stream, unread: Rc::clone(&unread), unanswered: Rc::clone(&unanswered), write_time, stuck: None };
    let taken = Rc::clone(&unread);
    let answer = service_fn(move |request| {
        let (answer, taken, unanswered) = (handler(request), Rc::clone(&taken), Rc::clone(&unanswered));
        let heads = Rc::clone(&heads);
        async move {
            let answer = answer.await;
            taken.set(false);
            unanswered.set(answer.is_none());
            answer.map(|answer| response(answer, &heads)).ok_or(Unanswered)
        }
    });
    let connection = http1::Builder::new()
        .timer(Patience::default())
        .header_read_timeout(Duration::from(limits.read_time))
        .max_headers(HEADERS_MAX)
        .max_buf_size((limits.header as usize).max(HEADERS_BYTES_MIN))
        // Whoever has said all that it has to say still waits for the answer.
        .half_close(true)
        // Its length is known, but no message of the scenario has it.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), answer);
    // A caller that sends garbage, or goes away, has harmed nobody but itself.
    match connection.await {
        Err(error) if error.is_parse_too_large() => broken(Broken::TooLarge),
        // One that has not begun another request was idle, not slow.
        Err(error) if error.is_timeout() && unread.get() => broken(Broken::TooSlow),
        Err(error) if error.is_parse() || (error.is_incomplete_message() && unread.get()) => broken(Broken::Unreadable),
        Ok(()) | Err(_) => {}
    }
}

/// A request gets no answer: its connection ends.
#[derive(Debug, thiserror::Error)]
#[error("this request gets no answer")]
struct Unanswered;

/// A connection that knows whether something has come since the last answer, and that breaks once nothing could be written
/// for too long: whoever never reads its answers would keep its place for ever.
struct Watched {
    stream: Conn,
    unread: Rc<Cell<bool>>,
    /// It ends because a request gets no answer.
    unanswered: Rc<Cell<bool>>,
    /// How long nothing may be taken of what is written.
    write_time: Duration,
    /// Ends that time; none while all is taken.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    /// Passes on how an attempt to write went, unless there was no progress for too long.
    fn unless_stuck<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let write_time = self.write_time;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(write_time)));
        stuck.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.unanswered.get() {
            // Reset instead of closed in order; where the system refuses, whoever asked learns of it all the same.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.unread.set(true);
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_stuck(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.unless_stuck(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What is encrypted may still wait in this process.
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.unless_stuck(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Room for the bodies that a server reads at the same time. Each connection alone may bring a body as large as is taken.
pub(crate) struct Room {
    /// One permit for each [`ROOM_UNIT`] bytes.
    free: Semaphore,
}

/// Bytes of all bodies that are being read at the same time, if not a single one may be larger.
const ROOM: usize = 256 << 20;
/// Room is given out in units of so many bytes.
const ROOM_UNIT: usize = 1 << 10;

impl Room {
    /// Room for one body within the limits at least.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { free: Semaphore::new(ROOM.max(limits.body as usize).div_ceil(ROOM_UNIT)) }
    }

    /// Takes so many bytes of room; waits for them where there is none.
    async fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, u16> {
        let units = u32::try_from(bytes.div_ceil(ROOM_UNIT)).map_err(|_| 413_u16)?;
        self.free.acquire_many(units).await.map_err(|_| 503)
    }
}

/// Reads the body of a request within the limits; the error is the status with which to refuse it.
pub(crate) async fn read_body(body: Incoming, limits: &Limits) -> Result<Bytes, u16> {
    read_body_within(body, limits, &Room::new(limits)).await
}

/// The same, where the bodies that are read at the same time share some room. One that finds none in time is refused with
/// 503. The room is free again when the body has come: whoever reads bodies is done with each before it waits for others.
pub(crate) async fn read_body_within(mut body: Incoming, limits: &Limits, room: &Room) -> Result<Bytes, u16> {
    let max = limits.body as usize;
    // What says of itself that it is too large need not come.
    if body.size_hint().lower() > u64::from(limits.body) {
        return Err(413);
    }
    let mut too_late = pin!(Late::after(limits.read_time.into()));
    // One buffer: chunks of a byte each would take many times their size.
    let mut whole = Vec::new();
    let mut taken = None::<SemaphorePermit<'_>>;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut too_late => return Err(408),
        };
        let Some(frame) = frame else { return Ok(whole.into()) };
        let Ok(data) = frame.map_err(|_| 400_u16)?.into_data() else { continue };
        let length = whole.len() + data.len();
        if length > max {
            return Err(413);
        }
        if whole.is_empty() && body.is_end_stream() {
            // It came in one piece, which takes no more room than the connection has for reading anyway.
            return Ok(data);
        }
        if length > whole.capacity() {
            let capacity = whole.capacity().saturating_mul(2).clamp(length, max);
            let more = tokio::select! {
                biased;
                more = room.take(capacity - whole.capacity()) => more?,
                () = &mut too_late => return Err(503),
            };
            match &mut taken {
                Some(taken) => taken.merge(more),
                none => *none = Some(more),
            }
            whole.reserve_exact(capacity - whole.len());
        }
        whole.extend_from_slice(&data);
    }
}
