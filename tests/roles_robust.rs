//! Whatever strangers do to a receiver, genuine webhooks are taken promptly meanwhile.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "how long a webhook took is what is asked")]

mod roles_support;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roles_support::{Process, Row, connect, exchange, post};

/// What a genuine webhook may take at most, on a machine that has a lot else to do.
const PROMPTLY: Duration = Duration::from_secs(10);

/// Starts a receiver, attacks it, and sends it genuine webhooks until the attack is over; gives back what it counted.
fn attacked(more: &[&str], attack: impl FnOnce(SocketAddr) + Send) -> (Row, u64) {
    let mut receiver = Process::start(&[&["receiver", "--signature", "none"], more].concat(), &[]);
    let address = receiver.address();
    let (is_over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) || sent.load(Ordering::Relaxed) < 20 {
                let number = sent.fetch_add(1, Ordering::Relaxed);
                let before = Instant::now();
                let answer = exchange(address, &post("/", &format!(r#"{{"id":"genuine{number}"}}"#)));
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                assert!(before.elapsed() < PROMPTLY, "{:?}", before.elapsed());
            }
        });
        // A failed attack must not leave the other thread going on for ever.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attack(address)));
        is_over.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let row = receiver.interrupt().row("receiver.csv");
    row.assert_receiver_adds_up();
    let genuine = sent.into_inner();
    assert!(row.count("accepted") >= genuine, "{row:?}");
    row.assert(&[("duplicates", 0), ("unfinished", 0)]);
    (row, genuine)
}

/// Reads until the other side ends the connection; gives back what it said.
fn rest(mut stream: std::net::TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn heads_and_bodies_that_never_end_are_cut_off() {
    let (row, genuine) = attacked(&["--read-time", "1s"], |address| {
        let head = "POST / HTTP/1.1\r\nhost: x\r\n";
        let in_the_head: Vec<_> = (0..20)
            .map(|_| {
                let mut stream = connect(address);
                stream.write_all(head.as_bytes()).unwrap();
                stream
            })
            .collect();
        let in_the_body: Vec<_> = (0..20)
            .map(|_| {
                let mut stream = connect(address);
                stream.write_all(format!("{head}content-length: 100\r\n\r\n{{").as_bytes()).unwrap();
                stream
            })
            .collect();
        // A byte now and then does not keep a connection open.
        for mut stream in in_the_head.iter().chain(&in_the_body) {
            std::thread::sleep(Duration::from_millis(5));
            let _ = stream.write_all(b"x");
        }
        in_the_head.into_iter().for_each(|stream| drop(rest(stream)));
        for stream in in_the_body {
            assert!(rest(stream).starts_with("HTTP/1.1 408"));
        }
    });
    row.assert(&[("rejected_too_slow", 40), ("requests", genuine + 40)]);
}

#[test]
fn a_body_of_100_mib_is_refused_whether_it_is_announced_or_not() {
    let (row, genuine) = attacked(&["--limit-body", "64 KiB"], |address| {
        let size = 100 << 20;
        let announced = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n");
        let chunked = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        for head in [announced.as_str(), chunked] {
            let mut stream = connect(address);
            stream.write_all(head.as_bytes()).unwrap();
            let chunk = if head == chunked {
                [&b"10000\r\n"[..], &[b'x'; 65_536], b"\r\n"].concat()
            } else {
                vec![b'x'; 65_536]
            };
            let mut written = 0;
            while written < size && stream.write_all(&chunk).is_ok() {
                written += 65_536;
            }
            assert!(written < size, "it was all taken");
        }
    });
    row.assert(&[("rejected_too_large", 2), ("requests", genuine + 2)]);
}

#[test]
fn garbage_and_heads_without_measure_are_refused() {
    let (row, genuine) = attacked(&["--limit-header", "16 KiB"], |address| {
        for garbage in
            [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client\r\n\r\n"[..], b"GET\r\n\r\n", &[0; 64]]
        {
            let answer = exchange(address, garbage);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
        }
        let large = format!("POST / HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(40_000));
        let answer = exchange(address, large.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
        let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
        let answer = exchange(address, format!("POST / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    });
    row.assert(&[("rejected_unreadable", 3), ("rejected_too_large", 2), ("requests", genuine + 5)]);
}

#[test]
fn a_thousand_idle_connections_harm_nobody() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(4_096, |maximum| maximum.min(4_096));
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).unwrap();
    }
    let (row, genuine) = attacked(&["--read-time", "5s"], |address| {
        let idle: Vec<_> = (0..1_000).map(|_| connect(address)).collect();
        // The server ends them by itself.
        idle.into_iter().for_each(|stream| assert_eq!(rest(stream), ""));
    });
    row.assert(&[("requests", genuine), ("rejected", 0)]);
}

#[test]
fn no_more_connections_than_allowed_are_served_at_once() {
    let mut receiver =
        Process::start(&["receiver", "--signature", "none", "--connections", "2", "--read-time", "2s"], &[]);
    let address = receiver.address();
    let mut idle = [connect(address), connect(address)];
    // It waits until one of those that say nothing is cut off.
    assert!(exchange(address, &post("/", "{}")).starts_with("HTTP/1.1 200"));
    let mut is_cut_off = |stream: &mut std::net::TcpStream| {
        stream.set_nonblocking(true).unwrap();
        matches!(stream.read(&mut [0]), Ok(0))
    };
    assert!(idle.iter_mut().any(&mut is_cut_off), "three connections were served at once");
    drop(idle);
    receiver.interrupt().row("receiver.csv").assert(&[("accepted", 1)]);
}

#[test]
fn whoever_never_reads_its_answers_loses_its_place() {
    let mut receiver =
        Process::start(&["receiver", "--signature", "none", "--connections", "1", "--read-time", "1s"], &[]);
    let address = receiver.address();
    let mut deaf = connect(address);
    deaf.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let asked = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2_000);
    // Until neither side takes anything any more.
    while deaf.write_all(&asked).is_ok() {}
    assert!(exchange(address, &post("/", "{}")).starts_with("HTTP/1.1 200"));
    drop(deaf);
    receiver.interrupt().row("receiver.csv").assert(&[("accepted", 1)]);
}

#[test]
fn a_list_costs_what_it_takes_to_read_and_no_list_is_without_end() {
    let (row, genuine) = attacked(&[], |address| {
        let list = |items: usize| format!("[{}0]", "0,".repeat(items - 1));
        let path = format!("/{}", "a".repeat(50_000));
        let before = Instant::now();
        assert!(exchange(address, &post(&path, &list(10_000))).starts_with("HTTP/1.1 200"));
        assert!(exchange(address, &post(&path, &list(500_000))).starts_with("HTTP/1.1 413"));
        assert!(before.elapsed() < PROMPTLY, "{:?}", before.elapsed());
    });
    row.assert(&[("rejected_too_large", 1), ("events", genuine + 10_000), ("requests", genuine + 2)]);
}

#[test]
fn half_closed_and_pipelined_requests_are_answered() {
    let (row, genuine) = attacked(&["--service-time", "20ms"], |address| {
        let mut stream = connect(address);
        stream.write_all(&post("/", r#"{"id":"half"}"#)).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(rest(stream).starts_with("HTTP/1.1 200"));
        let one = |number: u32| {
            let body = format!(r#"{{"id":"pipelined{number}"}}"#);
            format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        };
        let mut stream = connect(address);
        let all: String = (0..10).map(one).collect();
        stream.write_all(all.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(stream).matches("HTTP/1.1 200").count(), 10);
    });
    row.assert(&[("requests", genuine + 11), ("accepted", genuine + 11)]);
}

#[test]
fn a_request_that_breaks_off_is_unreadable() {
    let (row, genuine) = attacked(&[], |address| {
        let mut in_the_head = connect(address);
        in_the_head.write_all(b"POST / HTTP/1.1\r\nhost").unwrap();
        in_the_head.shutdown(Shutdown::Write).unwrap();
        rest(in_the_head);
        let mut in_the_body = connect(address);
        in_the_body.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").unwrap();
        in_the_body.shutdown(Shutdown::Write).unwrap();
        rest(in_the_body);
    });
    row.assert(&[("rejected_unreadable", 2), ("requests", genuine + 2)]);
}
