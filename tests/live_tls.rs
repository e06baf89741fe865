//! Real TLS and real connections: who may talk to whom, what is counted, and how many connections there are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "it is about real time")]

mod common;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{at, constant, delays, poisson, poll_policy, pull, push, push_policy, secs, setup, trace};
use pushpull::engine::live::{Live, LiveRun, Options};
use pushpull::engine::{ClientRun, Control, Setup, sim};
use pushpull::fault::{Fault, FaultKind, ForgeryKind};
use pushpull::link::Handshake;
use pushpull::measure::tally::{Frame, Tally};
use pushpull::policy::workers::Capacity;
use pushpull::time::{Span, Time};
use pushpull::wire::api_key;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Runs share the machine's two or so cores badly, so they come one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A poller, a webhook client and both in one, each with three consumers, for a second and a half over TLS.
fn encrypted(handshake: Handshake) -> Setup {
    let mut poller = poll_policy(0.25);
    poller.timeout = secs(5.0);
    let mut both = push(push_policy(delays(&[1.0])));
    both.name = "both".into();
    both.pull = Some(poller.clone());
    let mut setup = setup(poisson(20.0), 1.5, 0.002, vec![pull(poller), push(push_policy(delays(&[1.0]))), both]);
    setup.frame = Frame::new(at(0.2), at(1.5), at(12.0));
    setup.consumers = 3;
    setup.link.handshake = handshake;
    setup.link.tls = true;
    setup
}

fn play(live: Live) -> LiveRun {
    let run = live.run(&Control::default()).expect("nothing hinders it");
    for ClientRun { tally, .. } in &run.clients {
        assert_eq!(tally.check(), Ok(()));
    }
    run
}

fn bind(setup: &Setup) -> Live {
    Live::bind(setup, &Options::default()).expect("free ports")
}

fn in_virtual_time(setup: &Setup) -> Vec<Tally> {
    sim::run(setup, &Control::default()).into_iter().map(|client| client.tally).collect()
}

#[track_caller]
fn assert_close(real: u64, expected: u64, share: f64) {
    let allowed = (expected as f64 * share).max(5.0);
    assert!((real as f64 - expected as f64).abs() <= allowed, "{real} instead of about {expected}");
}

#[test]
fn with_either_handshake_the_counts_are_those_of_virtual_time() {
    let _alone = alone();
    for handshake in [Handshake::Reuse, Handshake::each(true)] {
        let setup = encrypted(handshake);
        let run = play(bind(&setup));
        for (ClientRun { tally, .. }, expected) in run.clients.iter().zip(in_virtual_time(&setup)) {
            assert!(expected.events > 40);
            assert_eq!(tally.events, expected.events);
            assert_eq!((tally.delivered, tally.pending, tally.lost()), (tally.events, 0, 0));
            assert_close(tally.attempts, expected.attempts, 0.05);
            assert_close(tally.polls, expected.polls, 0.5);
            assert_eq!(tally.outcomes.failed, 0);
            // What is counted is what was said, not what it became on its way.
            assert_close(tally.provider.bytes.sent, expected.provider.bytes.sent, 0.5);
        }
        let least = run.clients[1].tally.latencies.value_at(0.0);
        let polls = run.clients[0].tally.polls + run.clients[2].tally.polls;
        let attempts = run.clients[1].tally.attempts;
        match handshake {
            Handshake::Reuse => {
                assert!(least >= 2.0, "{least}");
                // Three consumers of two clients.
                // One that asks again at once may do so before its connection is free.
                let all = run.api_connections.all;
                assert!(all >= 6 && all < polls, "{all} for {polls}");
                assert!(run.receiver_connections[1].all < attempts);
            }
            Handshake::Each { .. } => {
                // Two round trips of four milliseconds, and then the request.
                assert!(least >= 10.0, "{least}");
                // What came before and after the measured stretch has its connections too.
                assert!(run.api_connections.all >= polls, "{:?} for {polls}", run.api_connections);
                assert!(run.receiver_connections[1].all >= attempts);
            }
        }
    }
}

/// A client that trusts the certificates in a text.
fn trusting(pem: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Asks for the events of a consumer over TLS.
fn get(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<String> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(config, name).unwrap(), connect(address));
    let key = api_key(0, 1);
    write!(
        stream,
        "GET /events?after=0&limit=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(answer),
    }
}

#[test]
fn a_stranger_needs_the_certificate_and_a_whole_handshake() {
    let _alone = alone();
    let mut setup = encrypted(Handshake::Reuse);
    let patience = Duration::from_secs(2);
    // The run must not be over before the endpoint has lost its patience.
    setup.frame = Frame::new(at(0.2), at(8.0), at(30.0));
    setup.clients[1].push.as_mut().unwrap().receive.limits.read_time = Span::from_secs(2);
    let (live, other) = (bind(&setup), bind(&setup));
    let [own, others] = [&live, &other].map(|live| trusting(live.certificate().expect("it is encrypted")));
    let (api, receiver) = (live.api_address(), live.receiver_addresses()[1].unwrap());
    let run = std::thread::scope(|scope| {
        let guest = scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(400));
            let answer = get(api, own).expect("it trusts the run");
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("evt_1_1"), "{answer}");
            let refused = get(api, others).expect_err("it trusts another run");
            assert!(refused.to_string().starts_with("invalid peer certificate"), "{refused}");
            // Plain HTTP is no handshake, and a handshake that never comes is not waited for.
            let mut plain = connect(api);
            plain.write_all(b"GET /events HTTP/1.1\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            let _ = plain.read_to_end(&mut answer);
            assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
            let before = Instant::now();
            let mut silent = connect(receiver);
            assert!(matches!(silent.read(&mut [0; 16]), Ok(0) | Err(_)));
            let waited = before.elapsed();
            assert!(waited > patience / 2 && waited < Duration::from_secs(15), "{waited:?}");
        });
        let run = play(live);
        guest.join().expect("the guest does not fail");
        run
    });
    for (ClientRun { tally, .. }, expected) in run.clients.iter().zip(in_virtual_time(&setup)) {
        assert_eq!((tally.events, tally.delivered), (expected.events, expected.events));
        assert_eq!(tally.outcomes.failed, 0);
    }
}

#[test]
fn a_forger_over_tls_is_turned_away_all_the_same() {
    let _alone = alone();
    let mut setup = encrypted(Handshake::Reuse);
    setup.clients.swap_remove(0);
    setup.clients.truncate(1);
    let client = &mut setup.clients[0];
    client.pull = None;
    client.push.as_mut().unwrap().receive.limits.read_time = Span::from_secs(2);
    let forged = FaultKind::ForgedWebhooks { gap_nanos: 2e7, mix: [1; ForgeryKind::ALL.len()] };
    client.faults.0.push(Fault::new(forged, Time::ZERO, at(1.5)));
    let run = play(bind(&setup));
    let tally = &run.clients[0].tally;
    let [rejected, accepted] = tally
        .forged
        .iter()
        .fold([0, 0], |[rejected, accepted], count| [rejected + count.rejected, accepted + count.accepted]);
    assert!(rejected > 50 && accepted == 0, "{rejected} {accepted}");
    assert_eq!((tally.delivered, tally.outcomes.failed), (tally.events, 0));
}

#[test]
fn a_thousand_consumers_have_a_thousand_connections() {
    let _alone = alone();
    let mut poller = poll_policy(1.0);
    poller.timeout = secs(20.0);
    let mut webhook = push_policy(delays(&[1.0]));
    webhook.dispatch.timeout = secs(20.0);
    webhook.receive.capacity = Capacity { workers: Some(64), queue: 100_000 };
    webhook.receive.service_time = constant(0.0);
    let mut setup = setup(poisson(0.3), 3.0, 0.005, vec![pull(poller), push(webhook)]);
    setup.frame = Frame::new(at(0.5), at(3.0), at(40.0));
    setup.consumers = 1_000;
    let run = play(bind(&setup));
    for (ClientRun { tally, .. }, expected) in run.clients.iter().zip(in_virtual_time(&setup)) {
        assert_eq!(tally.events, expected.events);
        assert_eq!((tally.delivered, tally.outcomes.failed), (tally.events, 0));
    }
    // Each of them asks again over the connection that it has, however late this machine is.
    assert_eq!((run.api_connections.most, run.api_connections.all), (1_000, 1_000));
}

#[test]
fn a_connection_that_the_endpoint_will_soon_give_up_is_not_used_any_more() {
    let _alone = alone();
    let connections = |read_time| {
        let mut setup = setup(trace(&[0.1, 0.8, 1.5, 2.2, 2.9]), 3.0, 0.002, vec![push(push_policy(delays(&[])))]);
        setup.frame = Frame::new(Time::ZERO, at(3.0), at(20.0));
        setup.clients[0].push.as_mut().unwrap().receive.limits.read_time = read_time;
        let run = play(bind(&setup));
        let tally = &run.clients[0].tally;
        assert_eq!((tally.delivered, tally.outcomes.useful, tally.outcomes.failed), (5, 5, 0));
        run.receiver_connections[0].all
    };
    assert_eq!(connections(secs(10.0)), 1);
    // After 0.7 s of a second a webhook might arrive just when its connection is being closed.
    assert_eq!(connections(secs(1.0)), 5);
}

#[test]
fn compressed_answers_bring_the_same_events_in_fewer_bytes() {
    let _alone = alone();
    let [plain, compressed] = [false, true].map(|compressed| {
        let mut setup = encrypted(Handshake::Reuse);
        setup.link.tls = false;
        setup.clients.truncate(1);
        let poller = setup.clients[0].pull.as_mut().unwrap();
        poller.compressed = compressed;
        poller.every = Span::from_millis(500);
        let run = play(bind(&setup));
        let tally = run.clients[0].tally.clone();
        assert_eq!((tally.delivered, tally.outcomes.failed), (tally.events, 0));
        assert_eq!(tally.provider.bytes.sent, tally.consumer.bytes.received, "both ends count what was sent");
        (tally, in_virtual_time(&setup).remove(0))
    });
    let sent = |tally: &Tally| tally.provider.bytes.sent as f64;
    let ratio = sent(&plain.0) / sent(&compressed.0);
    // Whole answers with their headers, about ten events each.
    assert!((1.8..7.0).contains(&ratio), "{ratio}");
    assert_eq!(plain.1.provider.bytes.sent, compressed.1.provider.bytes.sent, "virtual time does not compress");
    let header = "accept-encoding: gzip\r\n".len() as u64;
    assert_eq!(compressed.1.consumer.bytes.sent, plain.1.consumer.bytes.sent + header * plain.1.polls);
}
