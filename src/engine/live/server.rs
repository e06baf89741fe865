//! An HTTP server with limits on everything that whoever calls it could overdo.

use std::convert::Infallible;
use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_local;

use super::door::{Door, Reserved};
use super::http::{HEADERS_MAX, response};
use crate::wire::Message;

/// How long the headers of a request may take to come, and how long a connection may lie idle.
const HEADERS_WAIT: Duration = Duration::from_secs(10);
/// How long the body of a request may take to come.
const BODY_WAIT: Duration = Duration::from_secs(10);
/// The most bytes that the headers of a request may have.
const HEADERS_BYTES_MAX: usize = 64 * 1024;
/// Connections beyond this wait to be accepted.
const CONNECTIONS_MAX: usize = 2_048;
/// How long to wait before accepting again where the system could not; most likely too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves until it is dropped. The listener must be non-blocking.
///
/// While the door is shut nobody listens, and what was connected is reset.
pub(super) async fn serve<H, F>(listener: TcpListener, door: Door, handler: H) -> std::io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
{
    let mut listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        tokio::select! {
            biased;
            () = door.shut() => {}
            failed = accept(&listener, &places, &door, &handler) => failed?,
        }
        drop(listener);
        let reserved = Reserved::new(address)?;
        door.opened().await;
        listener = reserved.listen()?;
    }
}

/// Accepts connections for ever.
async fn accept<H, F>(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    door: &Door,
    handler: &H,
) -> std::io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Message> + 'static,
{
    loop {
        let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
        match listener.accept().await {
            Ok((stream, _)) => {
                let (conversation, door) = (converse(stream, place, handler.clone()), door.clone());
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

async fn converse<H, F>(stream: TcpStream, _place: OwnedSemaphorePermit, handler: H)
where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Message> + 'static,
{
    // Without it answers may wait for others to be acknowledged; with it refused they are merely late.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(|request| {
        let answer = handler(request);
        async { Ok::<_, Infallible>(response(answer.await)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WAIT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADERS_BYTES_MAX)
        // Its length is known, but no message of the scenario has it.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), answer);
    // A caller that sends garbage, or goes away, has harmed nobody but itself.
    let _ = connection.await;
}

/// Reads the body of a request, up to a size; the error is the status with which to refuse it.
pub(super) async fn read_body(body: Incoming, max: usize) -> Result<Bytes, u16> {
    match tokio::time::timeout(BODY_WAIT, Limited::new(body, max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(413),
        Ok(Err(_)) => Err(400),
        Err(_) => Err(408),
    }
}
