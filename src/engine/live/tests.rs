//! What is counted is what stands on the socket, byte for byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use tokio::task::spawn_local;

use super::door::Door;
use super::http::HttpClient;
use super::pool::Connecting;
use super::runtime::local_runtime;
use super::server::{read_body, serve};
use crate::peer::{Advice, Authenticity, Batch, Event, Exchange, Quota, Request, Response, Side, Tag};
use crate::policy::receiver::Limits;
use crate::policy::signature::{Keys, Scheme};
use crate::time::{Span, Time};
use crate::wire::{Envelope, Message, Payload, Shape, Wire};

fn wire() -> Wire {
    signed_wire(Scheme::StandardWebhooks)
}

fn signed_wire(scheme: Scheme) -> Wire {
    shaped_wire(scheme, Envelope::PLAIN)
}

fn shaped_wire(scheme: Scheme, envelope: Envelope) -> Wire {
    Wire::new(2, envelope, Keys::generate(scheme, [9; 32]), 1_767_225_600_000_000_000)
}

fn event(serial: u32) -> Event {
    Event { occurred_at: Time::from_nanos(1_234), consumer: 11, serial, record: 42, payload: 700 }
}

fn requests() -> [Request; 7] {
    let authenticity = Authenticity::Accepted;
    [
        Request::Poll { after: 12, limit: 100, poll: 5, page: 0, hold: Span::ZERO, tag: None },
        Request::Poll { after: 12, limit: 9, poll: 5, page: 0, hold: Span::from_millis(1_500), tag: Some(Tag(12)) },
        Request::Record { record: 42, poll: 3, tag: None },
        Request::Record { record: 42, poll: 4, tag: Some(Tag(9)) },
        Request::Delivery { events: Batch::from_slice(&[event(7)]), attempt: 3, authenticity },
        Request::Delivery { events: (9..=11).map(event).collect(), attempt: 1, authenticity },
        Request::Fetch { event: event(7), attempt: 1 },
    ]
}

fn responses() -> [Response; 9] {
    let quota = Quota { limit: 5_000, remaining: 4_999, resets_in: Span::from_millis(59_001) };
    let advice = Advice { poll_interval: Some(Span::from_secs(60)), quota: Some(quota) };
    let page = |count: u32, has_more, advice| Response::Page {
        events: (1..=count).map(event).collect(),
        has_more,
        tag: Tag(count),
        advice,
    };
    let record = |event, is_final, advice| Response::Record { event, is_final, tag: Tag(9), advice };
    [
        page(3, true, advice),
        page(0, false, Advice::default()),
        record(Some(event(9)), true, advice),
        record(None, false, Advice::default()),
        Response::NotModified { advice },
        Response::Accepted,
        Response::Event(event(12)),
        Response::refused(503),
        Response::Refused { status: 429, retry_after: Some(Span::from_millis(10_001)) },
    ]
}

fn exchange() -> Exchange {
    Exchange { opener: Side::Consumer, consumer: 11, serial: 1_234 }
}

/// Reads one whole message: its head, and as much as that says will follow.
fn read_message(stream: &mut TcpStream) -> String {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).expect("the connection holds"), 1, "it ends early");
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes.clone()).expect("heads are text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length is a number"))];
    stream.read_exact(&mut body).expect("the body follows");
    head + &String::from_utf8(body).expect("bodies are text")
}

fn on_a_runtime<T>(task: impl Future<Output = T>) -> T {
    let runtime = local_runtime().expect("a runtime");
    runtime.block_on(task)
}

#[test]
fn requests_and_answers_take_as_many_bytes_as_the_client_counts() {
    for (request, response) in requests().into_iter().flat_map(|r| responses().map(move |answer| (r.clone(), answer))) {
        check_what_the_client_counts(&wire(), &request, &response);
    }
    for scheme in Scheme::ALL {
        check_what_the_client_counts(&signed_wire(scheme), &requests()[2], &Response::Accepted);
    }
    for shape in Shape::ALL {
        for (payload, is_list) in [(Payload::Full, false), (Payload::Full, true), (Payload::Thin, false)] {
            let wire = shaped_wire(Scheme::SendGrid, Envelope { shape, payload, is_list });
            for request in &requests()[2..4] {
                check_what_the_client_counts(&wire, request, &Response::Accepted);
            }
        }
    }
}

fn check_what_the_client_counts(wire: &Wire, request: &Request, response: &Response) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let target = listener.local_addr().expect("it is bound");
    let answer = wire.response(response);
    let answered = answer.clone();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let request = read_message(&mut stream);
        stream.write_all(written_out(&answered).as_bytes()).expect("it listens");
        request
    });
    let message = wire.request(exchange(), request, Time::ZERO + Span::from_secs(1));
    let received = on_a_runtime(async {
        let client = HttpClient::new(1 << 20, Connecting::PLAIN);
        client.send(0, target, message.clone()).await
    });
    let on_the_wire = server.join().expect("the server does not fail");
    assert_eq!(on_the_wire, written_out(&message));
    assert_eq!(on_the_wire.len() as u64, wire.request_size(exchange(), request));
    let received = received.expect("an answer");
    assert_eq!(received.bytes, written_out(&answer).len() as u64);
    assert_eq!(received.bytes, wire.response_size(response));
    assert_eq!(received.body, answer.body);
    let now = Time::ZERO;
    let read = wire.read_response(request, received.status, &received.headers, &received.body, now);
    if let Response::Refused { status, retry_after } = response {
        let whole = retry_after.map(|wait| Span::from_secs(wait.as_nanos().div_ceil(1_000_000_000)));
        assert_eq!(read, Response::Refused { status: *status, retry_after: whole });
    }
}

#[test]
fn requests_and_answers_take_as_many_bytes_as_the_server_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("sockets can be non-blocking");
    let address = listener.local_addr().expect("it is bound");
    let (counted, counts) = std::sync::mpsc::channel();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("it listens");
        for response in responses() {
            for request in requests() {
                let message = written_out(&wire().request(exchange(), &request, Time::ZERO));
                stream.write_all(message.as_bytes()).expect("it listens");
                let answer = read_message(&mut stream);
                assert_eq!(answer, written_out(&wire().response(&response)));
                assert_eq!(answer.len() as u64, wire().response_size(&response));
                assert_eq!(counts.recv().expect("a count"), message.len() as u64);
            }
        }
    });
    let asked = std::rc::Rc::new(std::cell::Cell::new(0));
    on_a_runtime(async {
        let answer = move |request: ::http::Request<hyper::body::Incoming>| {
            let (counted, asked) = (counted.clone(), std::rc::Rc::clone(&asked));
            async move {
                let (parts, body) = request.into_parts();
                let body = read_body(body, &Limits::DEFAULT).await.expect("a body, if empty");
                counted.send(super::http::request_size(&parts, body.len())).expect("the client waits");
                asked.set(asked.get() + 1);
                Some(wire().response(&responses()[(asked.get() - 1) / requests().len()]))
            }
        };
        spawn_local(serve(listener, Limits::DEFAULT, Door::default(), answer));
        while !client.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    });
    client.join().expect("the client does not fail");
}

/// A message as HTTP/1.1 has it.
fn written_out(message: &Message) -> String {
    let mut text = match &message.start {
        crate::wire::Start::Request(method, path) => format!("{method} {path} HTTP/1.1\r\n"),
        crate::wire::Start::Response(status) => {
            let status = ::http::StatusCode::from_u16(*status).expect("a status");
            format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().expect("a known status"))
        }
    };
    for (name, value) in &message.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text + "\r\n" + std::str::from_utf8(&message.body).expect("bodies are text")
}
