//! The vendors' own packages accept what the program sends over a socket, and refuse it once it has been tampered with;
//! and they can poll its API.
//!
//! A run in real time sends webhooks of every scheme and shape through a recorder that keeps the bytes and passes them on;
//! then `vendor_packages/verify.py` checks them. Another run lets `vendor_packages/poll.py` ask for its events. Both need
//! Python with the packages of `vendor_packages/requirements.txt`: `.ci/run` installs them and names the interpreter in
//! `PUSHPULL_PYTHON`. Without that the tests say that they were skipped, except with `CI=true`, where they fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pushpull::engine::Control;
use pushpull::engine::live::{Live, Options};
use pushpull::peer::{Authenticity, Event, Exchange, Request, Side};
use pushpull::policy::dispatcher::BatchPolicy;
use pushpull::policy::signature::{Keys, Scheme, SigningKey, VerifyingKey};
use pushpull::scenario::Scenario;
use pushpull::time::{Span, Time};
use pushpull::wire::{Envelope, Payload, Shape, Wire, api_key};
use serde_json::{Value, json};

const INSTALL: &str = "python3 -m venv target/python-packages && \
    target/python-packages/bin/pip install -r tests/vendor_packages/requirements.txt && \
    PUSHPULL_PYTHON=target/python-packages/bin/python cargo test --test vendor_packages";

/// The most events in one of the webhooks that are sent in SendGrid's shape, which alone is made for several.
const PER_BATCH: u32 = 4;

/// A scheme with what it is signed and checked with; two of each where the scheme has room for several signatures.
#[derive(Clone)]
struct Case {
    /// The name of the client whose webhooks they are.
    name: &'static str,
    scheme: Scheme,
    signature: &'static str,
    signing: Vec<String>,
    verifying: Vec<String>,
    wrong: String,
    envelope: Envelope,
}

impl Case {
    /// The same scheme with webhooks that look otherwise.
    fn shaped(&self, name: &'static str, shape: Shape, payload: Payload) -> Self {
        Self { name, envelope: Envelope { shape, payload, is_list: false }, ..self.clone() }
    }

    /// What the script calls the shape.
    fn shape(&self) -> &'static str {
        match (self.envelope.shape, self.envelope.payload) {
            (Shape::StandardWebhooks, _) => "plain",
            (Shape::Stripe, Payload::Full) => "stripe",
            (Shape::Stripe, Payload::Thin) => "stripe-thin",
            (Shape::GitHub, _) => "github",
            (Shape::SendGrid, _) => "sendgrid",
        }
    }
}

/// Every scheme with this program's own shape, then each vendor's scheme with the vendor's shape, and two that no vendor
/// sends together.
fn cases() -> Vec<Case> {
    let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let case = |scheme, name, signing: Vec<String>, verifying: Vec<String>, wrong: String| Case {
        name,
        scheme,
        signature: name,
        signing,
        verifying,
        wrong,
        envelope: Envelope::PLAIN,
    };
    let shared = |scheme, name, secrets: &[&str], wrong: &str| {
        let secrets: Vec<_> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        case(scheme, name, secrets.clone(), secrets, wrong.into())
    };
    let pair = |scheme, name, vector: &Value, wrong: String| {
        case(scheme, name, vec![text(&vector["private_key"])], vec![text(&vector["public_key"])], wrong)
    };
    let stripe = shared(Scheme::Stripe, "stripe", &["whsec_new", "whsec_old"], "whsec_another");
    let github = shared(Scheme::GitHub, "github", &["It's a Secret to Everybody"], "It's another secret");
    let standard = shared(
        Scheme::StandardWebhooks,
        "standard-webhooks",
        &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    // The first public key of RFC 8032.
    let another = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".into();
    let ed25519 = &vectors["standard_webhooks_ed25519"][0];
    let ed25519 = pair(Scheme::StandardWebhooksEd25519, "standard-webhooks-ed25519", ed25519, another);
    let another = text(&vectors["sendgrid_wrong_public_key"]);
    let sendgrid = pair(Scheme::SendGrid, "sendgrid", &vectors["sendgrid"][1], another);
    let shaped = [
        stripe.shaped("stripe in its shape", Shape::Stripe, Payload::Full),
        stripe.shaped("stripe, thin", Shape::Stripe, Payload::Thin),
        github.shaped("github in its shape", Shape::GitHub, Payload::Full),
        sendgrid.shaped("sendgrid in its shape", Shape::SendGrid, Payload::Full),
        standard.shaped("thin", Shape::StandardWebhooks, Payload::Thin),
        standard.shaped("standard-webhooks around github", Shape::GitHub, Payload::Thin),
    ];
    [stripe, github, standard, ed25519, sendgrid].into_iter().chain(shaped).collect()
}

fn keys(case: &Case) -> Keys {
    let signing = case.signing.iter().map(|text| SigningKey::parse(case.scheme, text).unwrap());
    let verifying = case.verifying.iter().map(|text| VerifyingKey::parse(case.scheme, text).unwrap());
    Keys { scheme: case.scheme, signing: signing.collect(), verifying: verifying.collect() }
}

/// The interpreter that has the packages. None if there is none, which is said.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("PUSHPULL_PYTHON").map(PathBuf::from);
    if named.is_none() {
        let sentence = format!("skipped: the vendors' packages are not there; to get them and run it:\n  {INSTALL}\n");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{sentence}");
        // Past the test harness, which shows nothing that a test that succeeds prints.
        let _ = std::io::stderr().write_all(sentence.as_bytes());
    }
    named.map(|path| if path.is_relative() { Path::new(env!("CARGO_MANIFEST_DIR")).join(path) } else { path })
}

/// What each connection carried from System B to System A.
type Record = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// Takes connections, keeps what comes over them, and passes it on; answers go back unseen.
fn recorder(target: SocketAddr) -> (SocketAddr, Record) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let record = Record::default();
    let kept = Arc::clone(&record);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut from, mut to) = (connection.unwrap(), TcpStream::connect(target).unwrap());
            let (mut answers, mut back) = (to.try_clone().unwrap(), from.try_clone().unwrap());
            let bytes = Arc::new(Mutex::new(Vec::new()));
            kept.lock().unwrap().push(Arc::clone(&bytes));
            std::thread::spawn(move || {
                let mut chunk = [0; 4_096];
                // The end of a run closes connections in whichever way; what came before is all that matters.
                while let Ok(length @ 1..) = from.read(&mut chunk) {
                    bytes.lock().unwrap().extend_from_slice(&chunk[..length]);
                    if to.write_all(&chunk[..length]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Write);
            });
        }
    });
    (address, record)
}

/// Takes a connection's bytes apart into requests.
fn requests(mut bytes: &[u8]) -> Vec<Value> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let (start, lines) = head.split_once("\r\n").unwrap();
        assert!(start.starts_with("POST /webhooks/") && start.ends_with(" HTTP/1.1"), "{start}");
        let headers: serde_json::Map<_, _> = lines
            .split("\r\n")
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.into()))
            .collect();
        let length: usize = headers["content-length"].as_str().unwrap().parse().unwrap();
        let (body, rest) = bytes[end + 4..].split_at(length);
        requests.push(json!({ "headers": headers, "body": BASE64.encode(body) }));
        bytes = rest;
    }
    requests
}

/// Runs a client for each case in real time, and gives back what System B sent to each.
fn sent(cases: &[Case]) -> Vec<Vec<Value>> {
    let client = |case: &Case| {
        let Case { name, signature, .. } = case;
        format!("[[client]]\nname = \"{name}\"\n[client.push]\nsignature = \"{signature}\"\n")
    };
    let head = "duration = \"1s\"\nwarmup = \"0s\"\nseed = 4\n[events]\narrivals = \"constant\"\nrate = \"20/s\"\n";
    let text = head.to_owned() + &cases.iter().map(client).collect::<String>();
    let scenario = Scenario::parse(&text, "every-scheme", Path::new("."), &[]);
    let mut setup = scenario.unwrap_or_else(|problems| panic!("{problems}")).setup;
    for (client, case) in setup.clients.iter_mut().zip(cases) {
        let push = client.push.as_mut().unwrap();
        push.envelope = case.envelope;
        if case.envelope.shape == Shape::SendGrid {
            push.dispatch.batch = BatchPolicy { max: PER_BATCH, wait: Span::from_millis(150), bytes: None };
        }
    }
    let mut live = Live::bind(&setup, &Options::default()).unwrap();
    let mut records = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let (address, record) = recorder(live.receiver_addresses()[index].unwrap());
        live = live.with_keys(index, keys(case)).with_webhooks_to(index, address);
        records.push(record);
    }
    let run = live.run(&Control::default()).unwrap();
    let sent = |(record, client): (Record, &pushpull::engine::ClientRun)| {
        let tally = &client.tally;
        assert_eq!((tally.check(), tally.strangers.rejected), (Ok(()), 0));
        assert!(tally.events > 10 && tally.delivered == tally.events, "{} of {}", tally.delivered, tally.events);
        let connections = record.lock().unwrap();
        let requests: Vec<_> = connections.iter().flat_map(|bytes| requests(&bytes.lock().unwrap())).collect();
        assert!(requests.len() as u64 * u64::from(PER_BATCH) >= tally.delivered);
        requests
    };
    records.into_iter().zip(&run.clients).map(sent).collect()
}

/// A batch of three events, written as System B writes it, at the present time.
fn batch(case: &Case) -> Value {
    let now = jiff::Timestamp::now().as_nanosecond();
    let event = |serial| Event { occurred_at: Time::ZERO, consumer: 0, serial, record: serial, payload: 40 };
    let request =
        Request::Delivery { events: (7..=9).map(event).collect(), attempt: 1, authenticity: Authenticity::Accepted };
    let exchange = Exchange { opener: Side::Provider, consumer: 0, serial: 1 };
    let message = Wire::new(0, case.envelope, keys(case), now).request(exchange, &request, Time::ZERO);
    let headers: serde_json::Map<_, _> =
        message.headers.into_iter().map(|(name, value)| (name.into(), value.into_owned().into())).collect();
    json!({ "headers": headers, "body": BASE64.encode(&message.body) })
}

/// Runs one of the scripts; gives back what it prints.
fn script(python: &Path, name: &str, arguments: &[&str]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendor_packages").join(name);
    let output = Command::new(python).arg(path).args(arguments).output().expect("PUSHPULL_PYTHON names an interpreter");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_vendors_packages_accept_what_is_sent_and_refuse_what_was_tampered_with() {
    let Some(python) = python() else { return };
    let cases = cases();
    let sent = sent(&cases);
    let mut captured = Vec::new();
    for (case, webhooks) in cases.iter().zip(&sent) {
        let Case { name, signature, verifying, wrong, .. } = case;
        let group = |name: &str, webhooks: &[Value]| {
            json!({ "name": name, "signature": signature, "shape": case.shape(), "keys": verifying,
                "wrong_key": wrong, "webhooks": webhooks })
        };
        captured.push(group(name, webhooks));
        // Neither Stripe nor GitHub sends several events at once.
        if matches!(case.envelope.shape, Shape::SendGrid | Shape::StandardWebhooks) {
            captured.push(group(&format!("{name}, batch"), &[batch(case)]));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("captured.json");
    std::fs::write(&file, serde_json::to_vec(&captured).unwrap()).unwrap();
    let report = script(&python, "verify.py", &[file.to_str().unwrap()]);
    for group in &captured {
        let (name, webhooks) = (group["name"].as_str().unwrap(), group["webhooks"].as_array().unwrap());
        let case = cases.iter().find(|case| name.split(", batch").next() == Some(case.name)).unwrap();
        let checks = webhooks.len() * case.verifying.len();
        // What is changed one at a time: the body in three ways, signature and key; the time where there is one; and the
        // identifier where a header has it: it is signed only by its own scheme.
        let variants = match case.scheme {
            Scheme::StandardWebhooks | Scheme::StandardWebhooksEd25519 => 7,
            Scheme::Stripe | Scheme::SendGrid => 6,
            Scheme::GitHub | Scheme::None => 5,
        };
        let told = &report[name];
        assert_eq!((&told["accepted"], &told["refused"]), (&checks.into(), &(checks * variants).into()), "{name}");
        let told = told["events"].as_array().unwrap().iter().map(|names| names.as_array().unwrap());
        if name.ends_with("batch") {
            let expected = json!(["evt_0_7", "evt_0_8", "evt_0_9"]);
            assert_eq!(told.map(|names| Value::from(names.clone())).collect::<Vec<_>>(), [expected], "{name}");
        } else {
            let told: Vec<_> = told.collect();
            let has_batches = told.iter().any(|names| names.len() > 1);
            assert_eq!(has_batches, case.envelope.shape == Shape::SendGrid, "{name}");
            let told: BTreeSet<_> = told.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
            let expected: BTreeSet<_> = (1..=told.len()).map(|serial| format!("evt_0_{serial}")).collect();
            assert!(told.len() > 10);
            assert_eq!(told, expected, "{name}");
        }
    }
}

/// Events of each consumer, all of which have occurred a moment after the start.
const POLLED: u32 = 230;

#[test]
fn the_vendors_packages_can_poll() {
    let Some(python) = python() else { return };
    let arrivals = common::trace(&[0.05; POLLED as usize]);
    let mut setup = common::setup(arrivals, 600.0, 0.0, vec![common::pull(common::poll_policy(1.0))]);
    setup.consumers = 2;
    let live = Live::bind(&setup, &Options::default()).unwrap();
    let url = format!("http://{}", live.api_address());
    let control = Control::default();
    let report = std::thread::scope(|scope| {
        let running = scope.spawn(|| live.run(&control).unwrap());
        // However the script ends, the run has to be stopped.
        let report = std::panic::catch_unwind(|| {
            script(&python, "poll.py", &[&url, &api_key(0, 1), &api_key(0, 7), &POLLED.to_string()])
        });
        control.stop();
        let run = running.join().unwrap();
        assert_eq!(run.clients[0].tally.check(), Ok(()));
        report.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let all: Vec<_> = (1..=POLLED).map(|serial| format!("evt_1_{serial}")).collect();
    let newest_first: Vec<_> = all.iter().rev().cloned().collect();
    let stripe = &report["stripe"];
    assert_eq!(stripe["list"], json!(newest_first[..10]));
    assert_eq!(stripe["all"], json!(newest_first));
    assert_eq!(stripe["catch_up"], json!(all[100..]));
    assert_eq!(stripe["by_time"], json!(newest_first));
    assert_eq!(stripe["of_another_type"], json!([]));
    assert_eq!(stripe["retrieved"], json!(["evt_1_7", "record.changed", "rec_"]));
    assert_eq!(stripe["unknown"], json!([404, "resource_missing", "id"]));
    assert_eq!(stripe["unknown_cursor"], json!([400, "resource_missing", "starting_after"]));
    assert_eq!(stripe["wrong_key"], json!("AuthenticationError"));
    let github = &report["github"];
    assert_eq!(github["all"], json!(newest_first));
    assert_eq!(github["count"], json!(POLLED));
    assert_eq!(github["beyond"], json!(422));
    assert_eq!(github["wrong_key"], json!("BadCredentialsException"));
    assert_eq!(github["not_modified"], json!([304, "60", 0]));
    assert_eq!(github["cost_of_each"], json!([1, 0, 1]));
    assert_eq!(github["limits"], json!(["5000", "core"]));
}
