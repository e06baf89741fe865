//! Messages as an HTTP library takes and gives them, and the client that sends them.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::header::CONTENT_ENCODING;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::ext::on_informational;
use tokio::sync::Notify;

use super::gzip::expand;
use super::heads::Heads;
use super::pool::{Connecting, Pool, Sender};
use super::rooms::Rooms;
use super::witness::Failure;
use crate::peer::Exchange;
use crate::wire::{Message, Start};

/// The most headers that a message may have.
pub(super) const HEADERS_MAX: usize = 64;

/// A client over HTTP.
pub(super) struct HttpClient {
    /// One for each consumer that has connections of its own, or a single one that all of them share.
    pools: Vec<Pool>,
    heads: Heads,
    /// Where the bodies of requests are made.
    pub(super) rooms: Rooms,
    body_max: usize,
    /// Whether compressed bodies are expanded.
    expands: bool,
    /// Whether nobody but this process answers.
    is_among_own: bool,
    /// Is told of each exchange that brought no answer.
    failed: Option<Rc<dyn Fn(Exchange, Failure)>>,
}

/// Interim answers that are read before the real one. A server that sends them without end would keep this side busy.
const INTERIM_MAX: u32 = 16;

/// Counts the interim answers to a request.
#[derive(Default)]
struct Interim {
    count: AtomicU32,
    too_many: Notify,
}

impl Interim {
    fn came(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) == INTERIM_MAX {
            self.too_many.notify_one();
        }
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Its size on the wire.
    pub(super) bytes: u64,
}

impl HttpClient {
    /// A client that reads bodies of at most so many bytes: of an answer with a larger one it only knows the head. All
    /// consumers share its connections.
    pub(super) fn new(body_max: usize, connecting: Connecting) -> Self {
        Self::with_pools(body_max, vec![Pool::new(Rc::new(connecting), usize::MAX)])
    }

    /// The same, with connections of its own for each of so many consumers, who keep a single one each.
    pub(super) fn of_consumers(body_max: usize, connecting: Connecting, consumers: u32) -> Self {
        let connecting = Rc::new(connecting);
        Self::with_pools(body_max, (0..consumers).map(|_| Pool::new(Rc::clone(&connecting), 1)).collect())
    }

    fn with_pools(body_max: usize, pools: Vec<Pool>) -> Self {
        Self {
            pools,
            heads: Heads::default(),
            rooms: Rooms::default(),
            body_max,
            expands: false,
            is_among_own: false,
            failed: None,
        }
    }

    /// The same client, which expands compressed bodies, or does not. One that stands for more than the client reads is as
    /// one that is too large.
    pub(super) fn expanding(self, expands: bool) -> Self {
        Self { expands, ..self }
    }

    /// The same client, for servers of this process, which send no interim answers that would have to be counted; or for
    /// those of others.
    pub(super) fn among_own(self, is_among_own: bool) -> Self {
        Self { is_among_own, ..self }
    }

    /// The same client, which tells of each exchange that brought no answer.
    pub(super) fn telling(self, failed: impl Fn(Exchange, Failure) + 'static) -> Self {
        Self { failed: Some(Rc::new(failed)), ..self }
    }

    /// An exchange brought no answer.
    pub(super) fn tell(&self, exchange: Exchange, failure: Failure) {
        if let Some(failed) = &self.failed {
            failed(exchange, failure);
        }
    }

    /// Sends a request and waits for the whole answer, however long it takes.
    pub(super) async fn send(&self, consumer: u32, server: SocketAddr, message: Message) -> Result<Answer, Failure> {
        let pool = match self.pools.as_slice() {
            [shared] => shared,
            each => each.get(consumer as usize).ok_or(Failure::NoConnection)?,
        };
        let request = request(message, &self.heads, &self.rooms).ok_or(Failure::NoConnection)?;
        let mut connection = pool.connection(server).await?;
        let response = match self.is_among_own {
            true => connection.sender.send_request(request).await.map_err(|_| Failure::BadAnswer)?,
            false => Box::pin(answer_of_a_stranger(&mut connection.sender, request)).await?,
        };
        let (parts, body) = response.into_parts();
        let body = read_whole(body, self.body_max).await?;
        connection.give_back();
        let reason = parts.status.canonical_reason().unwrap_or("<none>");
        let bytes = size("HTTP/1.1 200 \r\n".len() + reason.len(), &parts.headers, body.len());
        let is_compressed = || parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = match self.expands && is_compressed() {
            true => expand(&body, self.body_max).unwrap_or_default().into(),
            false => body,
        };
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, bytes })
    }
}

/// Reads a body; an empty one in place of one that is larger than that.
async fn read_whole(mut body: Incoming, max: usize) -> Result<Bytes, Failure> {
    let Some(frame) = body.frame().await else { return Ok(Bytes::new()) };
    let first = frame.map_err(|_| Failure::BadAnswer)?.into_data().unwrap_or_default();
    let Some(left) = max.checked_sub(first.len()) else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        // It came in one piece.
        return Ok(first);
    }
    match Limited::new(body, left).collect().await {
        Ok(rest) => Ok([first, rest.to_bytes()].concat().into()),
        Err(error) if error.is::<LengthLimitError>() => Ok(Bytes::new()),
        Err(_) => Err(Failure::BadAnswer),
    }
}

/// Waits for the head of an answer, as long as not too many interim ones come before it.
async fn answer_of_a_stranger(
    sender: &mut Sender,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let interim = Arc::new(Interim::default());
    let heard = Arc::clone(&interim);
    on_informational(&mut request, move |_| heard.came());
    tokio::select! {
        biased;
        response = sender.send_request(request) => response.map_err(|_| Failure::BadAnswer),
        () = interim.too_many.notified() => Err(Failure::BadAnswer),
    }
}

/// A message as a request. None if it is none.
fn request(message: Message, heads: &Heads, rooms: &Rooms) -> Option<Request<Full<Bytes>>> {
    let Start::Request(method, path) = message.start else { return None };
    let mut request = Request::new(Full::new(rooms.lend(message.body)));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = PathAndQuery::try_from(path).ok()?.into();
    *request.headers_mut() = heads.fill(message.headers)?;
    Some(request)
}

/// A message as a response; one that cannot be a response becomes an empty one with status 500.
pub(super) fn response(message: Message, heads: &Heads) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(message.body)));
    let status = match message.start {
        Start::Response(status) => StatusCode::from_u16(status).ok(),
        Start::Request(..) => None,
    };
    match (status, heads.fill(message.headers)) {
        (Some(status), Some(headers)) => {
            *response.status_mut() = status;
            *response.headers_mut() = headers;
        }
        _ => {
            response = Response::new(Full::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    response
}

/// The size on the wire of a request that came.
pub(crate) fn request_size(parts: &http::request::Parts, body: usize) -> u64 {
    let path = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    size(parts.method.as_str().len() + 1 + path + " HTTP/1.1\r\n".len(), &parts.headers, body)
}

fn size(first_line: usize, headers: &HeaderMap, body: usize) -> u64 {
    let headers: usize = headers.iter().map(|(name, value)| name.as_str().len() + 2 + value.len() + 2).sum();
    (first_line + headers + 2 + body) as u64
}
