//! Messages as an HTTP library takes and gives them, and the pooled client that sends them.

use std::future::Future;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::task::spawn_local;

use crate::wire::{Message, Start};

/// How long a connection lies idle before it is dropped. Shorter than servers keep one, lest a request leaves on a
/// connection that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);
/// The most headers that a message may have.
pub(super) const HEADERS_MAX: usize = 64;

/// A client that keeps its connections.
pub(super) struct HttpClient {
    client: Client<HttpConnector, Full<Bytes>>,
    body_max: usize,
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
    /// A client that reads bodies of at most so many bytes: of an answer with a larger one it only knows the head.
    pub(super) fn new(body_max: usize) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(LocalExecutor)
            .pool_idle_timeout(IDLE_CONNECTION)
            .set_host(false)
            // Whether to try again is the peers' decision, and every try is counted.
            .retry_canceled_requests(false)
            .http1_max_headers(HEADERS_MAX)
            .build(connector);
        Self { client, body_max }
    }

    /// Sends a request and waits for the whole answer, however long it takes. None if none can come.
    pub(super) async fn send(&self, target: &Authority, message: Message) -> Option<Answer> {
        let response = self.client.request(request(target, message)?).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = match Limited::new(body, self.body_max).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => Bytes::new(),
            Err(_) => return None,
        };
        let reason = parts.status.canonical_reason().unwrap_or("<none>");
        let bytes = size("HTTP/1.1 200 \r\n".len() + reason.len(), &parts.headers, body.len());
        Some(Answer { status: parts.status.as_u16(), headers: parts.headers, body, bytes })
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
fn request(target: &Authority, message: Message) -> Option<Request<Full<Bytes>>> {
    let Start::Request(method, path) = message.start else { return None };
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(target.clone()).path_and_query(path).build().ok()?;
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
