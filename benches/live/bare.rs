//! A bare HTTP client and server: the same library, the same bytes, the same number of threads and connections as a run of
//! the live engine, and nothing else.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pushpull::wire::{Header, Message, Start};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::LocalOptions;
use tokio::task::spawn_local;

/// What is said in every exchange.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) request: Message,
    pub(crate) response: Message,
}

/// How a client or an engine did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Exchanges a second, over the stretch that is counted.
    pub(crate) per_second: f64,
    /// Processor time of all threads for one exchange, in microseconds.
    pub(crate) cpu_micros: f64,
}

/// Lets so many connections ask as fast as they are answered, and counts from `warmup` to `end`.
pub(crate) fn run(script: &Script, connections: usize, warmup: Duration, end: Duration) -> Sample {
    let (address, served) = (mpsc::channel(), mpsc::channel());
    let (over, is_over) = tokio::sync::oneshot::channel();
    let response = script.response.clone();
    let server = std::thread::spawn(move || {
        in_runtime(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            address.0.send(listener.local_addr().expect("an address")).expect("somebody waits for it");
            spawn_local(serve(listener, response));
            let spent = spent_between(Instant::now() + warmup, end - warmup).await;
            is_over.await.expect("the client ends");
            served.0.send(spent).expect("somebody waits for it");
        });
    });
    let address = address.1.recv().expect("the server has started");
    let (count, spent) = in_runtime(async {
        let begin = Instant::now();
        let askers: Vec<_> = (0..connections)
            .map(|_| spawn_local(ask(address, script.request.clone(), begin + warmup, begin + end)))
            .collect();
        let spent = spent_between(begin + warmup, end - warmup).await;
        let mut count = 0;
        for asker in askers {
            count += asker.await.expect("nothing hinders it");
        }
        (count, spent)
    });
    over.send(()).expect("the server waits for it");
    let spent = spent + served.1.recv().expect("the server has ended");
    server.join().expect("the server has ended");
    Sample {
        per_second: count as f64 / (end - warmup).as_secs_f64(),
        cpu_micros: spent.as_secs_f64() * 1e6 / count as f64,
    }
}

fn in_runtime<T>(what: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build_local(LocalOptions::default()).expect("a runtime");
    runtime.block_on(what)
}

/// The processor time that this thread spends between two instants.
async fn spent_between(from: Instant, length: Duration) -> Duration {
    let spent = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("less than a second"))
    };
    tokio::time::sleep_until(from.into()).await;
    let before = spent();
    tokio::time::sleep_until((from + length).into()).await;
    spent() - before
}

async fn serve(listener: TcpListener, response: Message) {
    let Start::Response(status) = response.start else { panic!("a response") };
    let said = Rc::new((status, headers(&response), Bytes::from(response.body)));
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let said = Rc::clone(&said);
        let answer = service_fn(move |request: Request<Incoming>| {
            let said = Rc::clone(&said);
            async move {
                request.into_body().collect().await.expect("a whole body");
                let (status, headers, body) = &*said;
                let mut response = Response::new(Full::new(body.clone()));
                *response.status_mut() = http::StatusCode::from_u16(*status).expect("a status");
                *response.headers_mut() = headers.clone();
                Ok::<_, Infallible>(response)
            }
        });
        spawn_local(async move {
            // It breaks off when the client has had enough.
            let _ = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// Asks over a connection of its own, and counts the answers that come in a stretch of time.
async fn ask(address: SocketAddr, message: Message, from: Instant, until: Instant) -> u64 {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let opened = client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut client, connection) = opened.expect("nothing is sent yet");
    spawn_local(async move {
        // It ends when the client has had enough.
        let _ = connection.await;
    });
    let headers = headers(&message);
    let Start::Request(method, path) = message.start else { panic!("a request") };
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let uri: http::Uri = path.parse().expect("a path");
    let body = Bytes::from(message.body);
    let mut count = 0;
    loop {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        client.ready().await.expect("a connection");
        let response = client.send_request(request).await.expect("an answer");
        response.into_body().collect().await.expect("a whole answer");
        let now = Instant::now();
        if now >= until {
            return count;
        }
        count += u64::from(now >= from);
    }
}

fn headers(message: &Message) -> HeaderMap {
    let pair = |(name, value): &Header| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("text"));
    message.headers.iter().map(pair).collect()
}
