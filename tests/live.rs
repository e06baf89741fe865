//! The engine in real time, over real sockets, against the one in virtual time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::disallowed_methods, reason = "it is about real time")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pushpull::distribution::Distribution;
use pushpull::engine::live::{self, Live, LiveError, LiveRun, Options};
use pushpull::engine::{ClientRun, ClientSetup, Control, PushSetup, Setup, sim};
use pushpull::fault::Faults;
use pushpull::link::{Leg, Link};
use pushpull::measure::tally::{Frame, Tally};
use pushpull::policy::dispatcher::DispatchPolicy;
use pushpull::policy::poller::PollPolicy;
use pushpull::policy::provider::ApiPolicy;
use pushpull::policy::receiver::ReceivePolicy;
use pushpull::policy::retry::{RetryJitter, RetryPolicy};
use pushpull::policy::signature::Scheme;
use pushpull::policy::workers::Capacity;
use pushpull::seed::Seed;
use pushpull::time::{Span, Time};
use pushpull::wire::{Envelope, api_key};
use pushpull::workload::{Arrivals, Workload};

/// Runs share the machine's two or so cores badly, so they come one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn at(millis: u64) -> Time {
    Time::ZERO + ms(millis)
}

fn pull(every: Span) -> PollPolicy {
    PollPolicy::new(every, Span::from_secs(3), 50)
}

fn push() -> PushSetup {
    PushSetup {
        dispatch: DispatchPolicy::new(
            Span::from_secs(3),
            RetryPolicy::new(vec![ms(60), ms(120), ms(180), ms(240), ms(300)], RetryJitter::Symmetric(0.2)),
        ),
        receive: ReceivePolicy::new(Capacity { workers: Some(16), queue: 500 }, Distribution::Constant(ms(1))),
        scheme: Scheme::StandardWebhooks,
        envelope: Envelope::PLAIN,
    }
}

/// With a timeout that is over soon, for runs in which messages are lost. Without loss it has to be one that even a busy
/// machine never runs into.
fn hasty(mut setup: Setup) -> Setup {
    for client in &mut setup.clients {
        client.pull.iter_mut().for_each(|pull| pull.timeout = ms(200));
        client.push.iter_mut().for_each(|push| push.dispatch.timeout = ms(200));
    }
    setup
}

fn client(name: &str, pull: Option<PollPolicy>, push: Option<PushSetup>) -> ClientSetup {
    ClientSetup { name: name.into(), pull, push, faults: Faults::default() }
}

/// Two consumers with 100 events a second each for a second and a half, and a drain that is never needed in full.
fn setup(loss: f64, clients: Vec<ClientSetup>) -> Setup {
    let seed = Seed::new(5);
    let leg = Leg::new(Distribution::Constant(ms(2)), loss);
    let frame = Frame::new(at(200), at(1_500), at(6_000));
    Setup {
        seed,
        frame,
        consumers: 2,
        workload: Workload::new(seed, Arrivals::Poisson { gap_nanos: 1e7 }, 20, 200, frame.duration),
        link: Link::new(seed, leg.clone(), leg),
        api: ApiPolicy::new(Capacity::UNLIMITED, Distribution::Constant(ms(1)), 100),
        clients,
    }
}

fn in_virtual_time(setup: &Setup) -> Vec<Tally> {
    sim::run(setup, &Control::default()).into_iter().map(|client| client.tally).collect()
}

fn run(setup: &Setup) -> LiveRun {
    let run = live::run(setup, &Options::default(), &Control::default()).expect("nothing hinders it");
    assert_eq!(run.clients.len(), setup.clients.len());
    assert_eq!(run.stopped_at, None);
    for ClientRun { tally, .. } in &run.clients {
        assert_eq!(tally.check(), Ok(()));
    }
    run
}

#[track_caller]
fn assert_close(real: u64, expected: u64, share: f64) {
    let allowed = (expected as f64 * share).max(3.0);
    assert!((real as f64 - expected as f64).abs() <= allowed, "{real} instead of about {expected}");
}

#[test]
fn all_kinds_of_clients_hear_of_the_same_events_as_in_virtual_time() {
    let _alone = alone();
    let setup = setup(
        0.0,
        vec![
            client("poll", Some(pull(ms(50))), None),
            client("push", None, Some(push())),
            client("both", Some(pull(ms(400))), Some(push())),
        ],
    );
    let real = run(&setup);
    for (ClientRun { tally, cpu, .. }, expected) in real.clients.iter().zip(in_virtual_time(&setup)) {
        assert!(expected.events > 200);
        assert_eq!(tally.events, expected.events);
        assert_eq!((tally.delivered, tally.pending, tally.lost()), (tally.events, 0, 0));
        // An event just before the end of the warm-up, or of the run, may be a little late in being told of.
        assert_close(tally.attempts, expected.attempts, 0.02);
        assert_close(tally.polls, expected.polls, 0.1);
        assert_eq!(tally.outcomes.failed, 0);
        // What one side sent the other received: the exchanges are few enough for none to be under way at the end.
        assert_eq!(tally.provider.bytes.sent, tally.consumer.bytes.received);
        assert_eq!(tally.provider.bytes.received, tally.consumer.bytes.sent);
        let cpu = cpu.expect("this engine knows it");
        assert!(cpu.provider > 0.0 && cpu.consumer > 0.0 && cpu.provider < 10.0, "{cpu:?}");
    }
    let push = &real.clients[1].tally;
    assert_close(push.provider.bytes.sent, in_virtual_time(&setup)[1].provider.bytes.sent, 0.02);
    // Two milliseconds of network and one of work; the rest is this machine.
    let p50 = push.latencies.value_at(0.5);
    assert!((3.0..50.0).contains(&p50), "{p50} ms");
    assert!(real.lag.count > 300 && real.lag.p50 <= real.lag.p99 && real.lag.p99 <= real.lag.max);
}

#[test]
fn the_same_messages_are_lost_and_tried_again() {
    let _alone = alone();
    let clients = vec![client("push", None, Some(push())), client("poll", Some(pull(ms(50))), None)];
    let setup = hasty(setup(0.15, clients));
    let real = run(&setup);
    for (ClientRun { tally, .. }, expected) in real.clients.iter().zip(in_virtual_time(&setup)) {
        assert_eq!(tally.events, expected.events);
        assert_close(tally.delivered, expected.delivered, 0.01);
        assert_close(tally.attempts, expected.attempts, 0.05);
        assert_close(tally.outcomes.failed, expected.outcomes.failed, 0.25);
        assert_close(tally.outcomes.duplicate, expected.outcomes.duplicate, 0.1);
        assert_close(tally.duplicates, expected.duplicates, 0.1);
    }
    assert!(real.clients[0].tally.outcomes.failed > 20 && real.clients[0].tally.duplicates > 20);
}

#[test]
fn a_handler_slower_than_the_timeout_makes_duplicates() {
    let _alone = alone();
    let mut slow = push();
    slow.receive.service_time = Distribution::Constant(ms(250));
    slow.receive.capacity = Capacity::UNLIMITED;
    let mut setup = hasty(setup(0.0, vec![client("slow", None, Some(slow))]));
    setup.workload.arrivals = Arrivals::Constant { gap_nanos: 5e7 };
    let (real, expected) = (run(&setup), in_virtual_time(&setup));
    let (tally, expected) = (&real.clients[0].tally, &expected[0]);
    assert!(expected.duplicates > 10, "{expected:?}");
    assert_eq!((tally.events, tally.delivered), (expected.events, expected.delivered));
    assert_close(tally.attempts, expected.attempts, 0.1);
    assert_close(tally.duplicates, expected.duplicates, 0.1);
    assert!(tally.latencies.value_at(0.0) >= 250.0);
}

#[test]
fn what_a_dispatcher_gives_up_is_lost_and_ends_the_run_all_the_same() {
    let _alone = alone();
    let mut hopeless = push();
    hopeless.dispatch.retry = RetryPolicy::never();
    let clients =
        vec![client("push", None, Some(hopeless.clone())), client("both", Some(pull(ms(100))), Some(hopeless))];
    let setup = hasty(setup(0.3, clients));
    let before = std::time::Instant::now();
    let (real, expected) = (run(&setup), in_virtual_time(&setup));
    assert!(before.elapsed() < Duration::from_secs(5), "settled long before the end of the drain");
    let lost = real.clients[0].tally.lost();
    assert_close(lost, expected[0].lost(), 0.05);
    assert!(lost > 30);
    assert_eq!(real.clients[1].tally.delivered, expected[1].delivered);
}

#[test]
fn a_run_that_is_stopped_gives_back_what_there_is_and_leaves_nothing_behind() {
    let _alone = alone();
    let clients = vec![client("poll", Some(pull(ms(30))), None), client("push", None, Some(push()))];
    let setup = hasty(setup(0.05, clients));
    run(&setup);
    let before = open_files();
    let live = Live::bind(&setup, &Options::default()).expect("free ports");
    let mut addresses: Vec<SocketAddr> = live.receiver_addresses().into_iter().flatten().collect();
    addresses.push(live.api_address());
    let control = Control::default();
    let stopped = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(800));
            assert!(threads_of_a_run() >= 3);
            assert!(addresses.iter().all(|address| TcpStream::connect(address).is_ok()));
            control.stop();
        });
        live.run(&control).expect("nothing hinders it")
    });
    let stopped_at = stopped.stopped_at.expect("it was stopped");
    assert!(stopped_at > at(400) && stopped_at < at(1_400), "{stopped_at}");
    for ClientRun { tally, .. } in &stopped.clients {
        assert_eq!(tally.check(), Ok(()));
        assert!(tally.events > 0 && tally.events < 250 && tally.delivered > 0, "{}", tally.events);
    }
    // Two clients, two consumers.
    assert_eq!(control.done.load(Ordering::Relaxed), stopped_at.as_nanos() * 4);
    assert_eq!((threads_of_a_run(), open_files()), (0, before));
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_err()));
}

fn threads_of_a_run() -> usize {
    let names = std::fs::read_dir("/proc/self/task").map(|tasks| {
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok()).collect::<Vec<_>>()
    });
    let is_ours = |name: &&String| name.starts_with("provider") || name.starts_with("client-");
    // Elsewhere than on Linux nothing is known.
    names.map_or(0, |names| names.iter().filter(is_ours).count())
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_runs() {
    let _alone = alone();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port();
    let setup = setup(0.0, vec![client("a", None, Some(push())), client("b", None, Some(push()))]);
    let error = |options: Options| match live::run(&setup, &options, &Control::default()) {
        Err(error) => error,
        Ok(_) => panic!("it ran"),
    };
    let options = Options { api_port: port, ..Options::default() };
    assert!(matches!(error(options), LiveError::Bind { address, .. } if address.port() == port));
    let options = Options { receiver_port: port, ..Options::default() };
    assert!(matches!(error(options), LiveError::OnePort { clients: 2, .. }));
    let foreign = Options { bind: [192, 0, 2, 1].into(), ..Options::default() };
    let sentence = error(foreign).to_string();
    assert_eq!(sentence, "cannot listen on 192.0.2.1:0");
}

/// Sends bytes over a connection of their own and reads what comes until it is closed.
fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout above zero");
    // It may hang up on garbage before it has read all of it.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(address: SocketAddr, path: &str, key: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n");
    talk(address, head.as_bytes())
}

fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n");
    talk(address, (head + body).as_bytes())
}

/// Runs a setup while `guest` calls its addresses: the API's and that of the last client's endpoint.
fn with_a_guest<T: Send>(setup: &Setup, guest: impl FnOnce(SocketAddr, SocketAddr) -> T + Send) -> (LiveRun, T) {
    let live = Live::bind(setup, &Options::default()).expect("free ports");
    let receiver = live.receiver_addresses().into_iter().flatten().next_back().expect("a push client");
    let api = live.api_address();
    std::thread::scope(|scope| {
        let guest = scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(400));
            guest(api, receiver)
        });
        let run = live.run(&Control::default()).expect("nothing hinders it");
        (run, guest.join().expect("the guest does not fail"))
    })
}

#[test]
fn strangers_are_answered_and_change_nothing() {
    let _alone = alone();
    let setup = setup(0.0, vec![client("poll", Some(pull(ms(50))), None), client("push", None, Some(push()))]);
    let (run, ()) = with_a_guest(&setup, |api, receiver| {
        let key = api_key(0, 1);
        let page = get(api, "/events?after=0&limit=3", &key);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with(r#""has_more":true}"#), "{page}");
        assert!(page.contains("evt_1_1") && page.contains("evt_1_3") && !page.contains("evt_1_4"));
        let record = (0..20).map(|record| get(api, &format!("/records/rec_{record}"), &key));
        assert!(record.into_iter().any(|answer| answer.contains(r#""record":"rec_"#)));
        assert!(get(api, "/events/evt_1_1", &key).contains(r#"{"id":"evt_1_1","occurred_at":"#));
        // The same events as clients made for a vendor's API ask for them.
        let page = get(api, "/v1/events?limit=100&ending_before=evt_1_1", &key);
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains(r#""id":"evt_1_2","object":"event""#),
            "{page}"
        );
        let page = get(api, "/repos/any/thing/events", &key);
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("\r\nx-ratelimit-remaining: 4999\r\n"),
            "{page}"
        );
        // A cursor from the future must not make the feed forget.
        assert!(get(api, "/events?after=4000000000", &key).ends_with(r#"{"data":[],"has_more":false}"#));
        for (path, key, status) in [
            ("/events", "key_0009_00000000".to_owned(), 401),
            ("/events", api_key(0, 2), 401),
            ("/events", "nonsense".to_owned(), 401),
            ("/events?after=-1", key.clone(), 400),
            ("/records/rec_x", key.clone(), 404),
            ("/v2/events", key.clone(), 404),
            ("/events/evt_0_1", key.clone(), 404),
            ("/events/evt_1_4000000000", key.clone(), 404),
            ("/v1/events", api_key(0, 2), 401),
            ("/repos/any/thing/events", api_key(9, 0), 401),
        ] {
            let answer = get(api, path, &key);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {answer}");
        }
        assert!(post(api, "/events", "", "").starts_with("HTTP/1.1 405 "));
        // Naming an exchange of somebody else's, past or future.
        for serial in ["0", "3", "100000", "4294967295", "x"] {
            let head = format!("authorization: Bearer {key}\r\nx-pushpull-exchange: {serial}\r\n");
            let head = format!("GET /events HTTP/1.1\r\nhost: x\r\n{head}connection: close\r\n\r\n");
            assert!(talk(api, head.as_bytes()).starts_with("HTTP/1.1 200 "));
        }
        assert!(get(receiver, "/webhooks/0", "").starts_with("HTTP/1.1 405 "));
        for (path, body, status) in
            [("/webhooks/7", "{}", 404), ("/", "{}", 404), ("/webhooks/0", "{}", 401), ("/webhooks/1", "\0\u{1}", 401)]
        {
            let answer = post(receiver, path, "", body);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {answer}");
        }
        assert!(post(receiver, "/webhooks/0", "", &"x".repeat(2 << 20)).starts_with("HTTP/1.1 413 "));
        for address in [api, receiver] {
            assert!(talk(address, &[0xff; 5_000]).starts_with("HTTP/1.1 400 "));
            let heap = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
            assert!(talk(address, heap.as_bytes()).starts_with("HTTP/1.1 431 "));
            drop(TcpStream::connect(address).map(|mut stream| stream.write_all(b"POST /webhooks/0 HT")));
        }
    });
    for (ClientRun { tally, .. }, expected) in run.clients.iter().zip(in_virtual_time(&setup)) {
        assert_eq!(tally.check(), Ok(()));
        assert_eq!((tally.events, tally.delivered), (expected.events, expected.events));
        // The two webhooks without a signature and the one that is too large are forgeries to whoever takes webhooks.
        let forged = if tally.attempts > 0 { 3 } else { 0 };
        assert_eq!((tally.duplicates, tally.outcomes.failed, tally.strangers.rejected), (0, 0, forged));
        assert_close(tally.attempts, expected.attempts, 0.02);
        assert_eq!(tally.provider.bytes.sent, tally.consumer.bytes.received);
        assert_eq!(tally.provider.bytes.received, tally.consumer.bytes.sent);
    }
}

const FORGED: &str = r#"{"type":"record.changed","timestamp":"2026-01-01T00:00:00.000000000Z","data":{"id":"evt_0_1","occurred_at":"2026-01-01T00:00:00.000000000Z","record":"rec_4000000000","data":"xxx"}}"#;

#[test]
fn forged_webhooks_are_turned_away_and_counted() {
    let _alone = alone();
    let setup = setup(0.0, vec![client("push", None, Some(push()))]);
    let (run, ()) = with_a_guest(&setup, |_, receiver| {
        let id = "webhook-id: evt_0_1\r\n";
        let now = std::process::Command::new("date").arg("+%s").output().expect("there is a clock").stdout;
        let now = String::from_utf8(now).expect("digits");
        let timestamp = format!("webhook-timestamp: {}\r\n", now.trim());
        let wrong = "webhook-signature: v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";
        for headers in
            [String::new(), format!("{id}{timestamp}"), format!("{id}{timestamp}{wrong}x-pushpull-exchange: 0\r\n")]
        {
            let answer = post(receiver, "/webhooks/0", &headers, &FORGED.replace("2026-", "2100-"));
            assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
        }
    });
    let tally = &run.clients[0].tally;
    assert_eq!(tally.check(), Ok(()));
    assert_eq!((tally.strangers.rejected, tally.delivered), (3, tally.events));
    assert_eq!((tally.duplicates, tally.outcomes.failed), (0, 0));
}

#[test]
fn without_signatures_a_tall_story_is_believed_and_changes_no_other_count() {
    let _alone = alone();
    let mut open = push();
    open.scheme = Scheme::None;
    let setup = setup(0.0, vec![client("push", None, Some(open))]);
    let (run, ()) = with_a_guest(&setup, |_, receiver| {
        let future = FORGED.replace("2026-01-01", "9000-01-01").replace("rec_4000000000", "rec_1");
        let serial = FORGED.replace("evt_0_1", "evt_0_4000000000").replace("rec_4000000000", "rec_1");
        for body in [FORGED, &future, &serial] {
            assert!(post(receiver, "/webhooks/0", "", body).starts_with("HTTP/1.1 200 "));
        }
        assert!(post(receiver, "/webhooks/0", "", "no JSON").starts_with("HTTP/1.1 400 "));
    });
    let tally = &run.clients[0].tally;
    assert_eq!((tally.check(), tally.delivered), (Ok(()), tally.events));
    assert_eq!((tally.duplicates, tally.reordered), (0, in_virtual_time(&setup)[0].reordered));
    assert_eq!((tally.strangers.accepted, tally.strangers.rejected), (3, 1));
}

#[test]
fn many_webhooks_may_be_under_way_at_once() {
    let _alone = alone();
    let mut slow = push();
    slow.receive.capacity = Capacity::UNLIMITED;
    slow.receive.service_time = Distribution::Constant(ms(800));
    let mut setup = setup(0.0, vec![client("slow", None, Some(slow))]);
    setup.consumers = 1;
    setup.workload.arrivals = Arrivals::Trace(vec![at(400); 700].into());
    let tally = &run(&setup).clients[0].tally;
    assert_eq!((tally.events, tally.delivered, tally.outcomes.useful), (700, 700, 700));
}
