//! Messages as an HTTP library takes and gives them, and the pooled client that sends them.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::ext::on_informational;
use hyper_util::client::legacy::Client;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::Notify;
use tokio::task::spawn_local;

use super::gzip::expand;
use super::tls::{Connector, connector};
use super::witness::Failure;
use crate::peer::Exchange;
use crate::wire::{Message, Start};

/// How long a connection lies idle at most before it is dropped. Shorter than servers keep one, lest a request leaves on a
/// connection that is just being closed.
pub(super) const IDLE_CONNECTION: Duration = Duration::from_secs(5);
/// The most headers that a message may have.
pub(super) const HEADERS_MAX: usize = 64;

/// A client over HTTP.
pub(super) struct HttpClient {
    /// One for each consumer that has connections of its own, or a single one that all of them share.
    pools: Vec<Pool>,
    scheme: Scheme,
    body_max: usize,
    /// Whether compressed bodies are expanded.
    expands: bool,
    /// Whether nobody but this process answers.
    is_among_own: bool,
    /// Is told of each exchange that brought no answer.
    failed: Option<Rc<dyn Fn(Exchange, Failure)>>,
}

type Pool = Client<Connector, Full<Bytes>>;

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

    /// What opens the connections; many pools may share it.
    fn connector(&self) -> io::Result<Connector> {
        connector(self.tls.clone().map(|tls| (tls, self.name.clone())))
    }

    /// A pool of connections; with `own` it is one consumer's alone, who keeps a single one.
    fn pool(&self, connector: Connector, own: bool) -> Pool {
        let mut builder = Client::builder(LocalExecutor);
        match (self.keeps, own) {
            (false, _) => builder.pool_max_idle_per_host(0),
            (true, true) => builder.pool_max_idle_per_host(1),
            (true, false) => &mut builder,
        };
        builder
            .pool_idle_timeout(self.idle)
            .set_host(false)
            // Whether to try again is the peers' decision, and every try is counted.
            .retry_canceled_requests(false)
            .http1_max_headers(HEADERS_MAX);
        builder.build(connector)
    }
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
    ///
    /// # Errors
    ///
    /// What is needed for TLS is missing.
    pub(super) fn new(body_max: usize, connecting: &Connecting) -> io::Result<Self> {
        let scheme = if connecting.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let pools = vec![connecting.pool(connecting.connector()?, false)];
        Ok(Self { pools, scheme, body_max, expands: false, is_among_own: false, failed: None })
    }

    /// The same, with connections of its own for each of so many consumers.
    ///
    /// # Errors
    ///
    /// What is needed for TLS is missing.
    pub(super) fn of_consumers(body_max: usize, connecting: &Connecting, consumers: u32) -> io::Result<Self> {
        // Whom to trust is worked out once: a thousand times would make the run late at its start.
        let connector = connecting.connector()?;
        let pools = (0..consumers).map(|_| connecting.pool(connector.clone(), true)).collect();
        Ok(Self { pools, ..Self::new(body_max, connecting)? })
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
    pub(super) async fn send(&self, consumer: u32, target: &Authority, message: Message) -> Result<Answer, Failure> {
        let pool = match self.pools.as_slice() {
            [shared] => shared,
            each => each.get(consumer as usize).ok_or(Failure::NoConnection)?,
        };
        let request = request(self.scheme.clone(), target, message).ok_or(Failure::NoConnection)?;
        let response = match self.is_among_own {
            true => pool.request(request).await.map_err(|error| failure(&error))?,
            false => Box::pin(answer_of_a_stranger(pool, request)).await?,
        };
        let (parts, body) = response.into_parts();
        let body = match Limited::new(body, self.body_max).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => Bytes::new(),
            Err(_) => return Err(Failure::BadAnswer),
        };
        let reason = parts.status.canonical_reason().unwrap_or("<none>");
        let bytes = size("HTTP/1.1 200 \r\n".len() + reason.len(), &parts.headers, body.len());
        let is_compressed = parts.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = match self.expands && is_compressed {
            true => expand(&body, self.body_max).unwrap_or_default().into(),
            false => body,
        };
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, bytes })
    }
}

/// Waits for the head of an answer, as long as not too many interim ones come before it.
async fn answer_of_a_stranger(pool: &Pool, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
    let interim = Arc::new(Interim::default());
    let heard = Arc::clone(&interim);
    on_informational(&mut request, move |_| heard.came());
    tokio::select! {
        biased;
        response = pool.request(request) => response.map_err(|error| failure(&error)),
        () = interim.too_many.notified() => Err(Failure::BadAnswer),
    }
}

fn failure(error: &hyper_util::client::legacy::Error) -> Failure {
    if !error.is_connect() {
        return Failure::BadAnswer;
    }
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    let mut reasons = causes().filter_map(|cause| cause.downcast_ref::<io::Error>());
    if reasons.clone().any(lacks_files) {
        return Failure::OutOfFiles;
    }
    if reasons.any(is_of_tls) { Failure::NotTrusted } else { Failure::NoConnection }
}

/// Whether a handshake failed, however many errors that is wrapped in: each hides itself from the causes of the one around it.
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

/// Connections live and end with the tasks of their thread.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// A message as a request. None if it is none.
fn request(scheme: Scheme, target: &Authority, message: Message) -> Option<Request<Full<Bytes>>> {
    let Start::Request(method, path) = message.start else { return None };
    let uri = Uri::builder().scheme(scheme).authority(target.clone()).path_and_query(path).build().ok()?;
    let mut request = Request::new(Full::new(Bytes::from(message.body)));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = uri;
    fill(request.headers_mut(), message.headers)?;
    Some(request)
}

/// A message as a response; one that cannot be a response becomes an empty one with status 500.
pub(super) fn response(message: Message) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(message.body)));
    let status = match message.start {
        Start::Response(status) => StatusCode::from_u16(status).ok(),
        Start::Request(..) => None,
    };
    match (status, fill(response.headers_mut(), message.headers)) {
        (Some(status), Some(())) => *response.status_mut() = status,
        _ => {
            response = Response::new(Full::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    response
}

fn fill(map: &mut HeaderMap, headers: Vec<(&'static str, String)>) -> Option<()> {
    map.reserve(headers.len());
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::try_from(value).ok()?);
    }
    Some(())
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
