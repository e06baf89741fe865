//! An HTTP server with limits on everything that whoever calls it could overdo.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_local;

use super::door::{Door, Reserved};
use super::http::{HEADERS_MAX, response};
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
/// While the door is shut nobody listens, and what was connected is reset.
pub(super) async fn serve<H, F>(listener: TcpListener, limits: Limits, door: Door, handler: H) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
{
    keep_serving(listener, limits, door, handler, |_| {}).await
}

/// Serves until it is dropped, and tells of each request that never became one. The listener must be non-blocking.
pub(crate) async fn serve_telling<H, F, B>(
    listener: TcpListener,
    limits: Limits,
    handler: H,
    broken: B,
) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
    B: Fn(Broken) + Clone + 'static,
{
    keep_serving(listener, limits, Door::default(), handler, broken).await
}

async fn keep_serving<H, F, B>(
    listener: TcpListener,
    limits: Limits,
    door: Door,
    handler: H,
    broken: B,
) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
    B: Fn(Broken) + Clone + 'static,
{
    let mut listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let places = Arc::new(Semaphore::new(limits.connections.max(1) as usize));
    loop {
        tokio::select! {
            biased;
            () = door.shut() => {}
            failed = accept(&listener, &places, (limits, &door), &handler, &broken) => failed?,
        }
        drop(listener);
        let reserved = Reserved::new(address)?;
        door.opened().await;
        listener = reserved.listen()?;
    }
}

/// Accepts connections for ever.
async fn accept<H, F, B>(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    (limits, door): (Limits, &Door),
    handler: &H,
    broken: &B,
) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
    B: Fn(Broken) + Clone + 'static,
{
    loop {
        let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
        match listener.accept().await {
            Ok((stream, _)) => {
                let conversation = converse(stream, place, limits, handler.clone(), broken.clone());
                let door = door.clone();
                spawn_local(async move {
                    tokio::select! {
                        () = conversation => {}
                        () = door.shut() => {}
                    }
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse<H, F, B>(stream: TcpStream, _place: OwnedSemaphorePermit, limits: Limits, handler: H, broken: B)
where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Message> + 'static,
    B: Fn(Broken),
{
    // Without it answers may wait for others to be acknowledged; with it refused they are merely late.
    let _ = stream.set_nodelay(true);
    let unread = Rc::new(Cell::new(false));
    let stream = Watched { stream, unread: Rc::clone(&unread) };
    let taken = Rc::clone(&unread);
    let answer = service_fn(move |request| {
        let (answer, taken) = (handler(request), Rc::clone(&taken));
        async move {
            let answer = answer.await;
            taken.set(false);
            Ok::<_, Infallible>(response(answer))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
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

/// A connection that knows whether something has come since the last answer.
struct Watched {
    stream: TcpStream,
    unread: Rc<Cell<bool>>,
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Reads the body of a request within the limits; the error is the status with which to refuse it.
pub(crate) async fn read_body(body: Incoming, limits: &Limits) -> Result<Bytes, u16> {
    // What says of itself that it is too large need not come.
    if body.size_hint().lower() > u64::from(limits.body) {
        return Err(413);
    }
    let whole = Limited::new(body, limits.body as usize).collect();
    match tokio::time::timeout(limits.read_time.into(), whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(413),
        Ok(Err(_)) => Err(400),
        Err(_) => Err(408),
    }
}
