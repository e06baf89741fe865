//! The vendors' own packages accept what the program sends over a socket, and refuse it once it has been tampered with.
//!
//! A run in real time sends webhooks of every scheme through a recorder that keeps the bytes and passes them on; then
//! `vendor_packages/verify.py` checks them. It needs Python with the packages of `vendor_packages/requirements.txt`:
//! `.ci/run` installs them and names the interpreter in `PUSHPULL_PYTHON`. Without that the test says that it was skipped,
//! except with `CI=true`, where it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pushpull::engine::Control;
use pushpull::engine::live::{Live, Options};
use pushpull::policy::signature::{Keys, Scheme, SigningKey, VerifyingKey};
use pushpull::scenario::Scenario;
use serde_json::{Value, json};

const INSTALL: &str = "python3 -m venv target/python-packages && \
    target/python-packages/bin/pip install -r tests/vendor_packages/requirements.txt && \
    PUSHPULL_PYTHON=target/python-packages/bin/python cargo test --test vendor_packages";

/// A scheme with what it is signed and checked with; two of each where the scheme has room for several signatures.
struct Case {
    scheme: Scheme,
    signature: &'static str,
    signing: Vec<String>,
    verifying: Vec<String>,
    wrong: String,
}

fn cases() -> [Case; 5] {
    let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shared = |scheme, signature, secrets: &[&str], wrong: &str| {
        let secrets: Vec<_> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        Case { scheme, signature, signing: secrets.clone(), verifying: secrets, wrong: wrong.into() }
    };
    let pair = |scheme, signature, vector: &Value, wrong: String| Case {
        scheme,
        signature,
        signing: vec![text(&vector["private_key"])],
        verifying: vec![text(&vector["public_key"])],
        wrong,
    };
    [
        shared(Scheme::Stripe, "stripe", &["whsec_new", "whsec_old"], "whsec_another"),
        shared(Scheme::GitHub, "github", &["It's a Secret to Everybody"], "It's another secret"),
        shared(
            Scheme::StandardWebhooks,
            "standard-webhooks",
            &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        pair(
            Scheme::StandardWebhooksEd25519,
            "standard-webhooks-ed25519",
            &vectors["standard_webhooks_ed25519"][0],
            // The first public key of RFC 8032.
            "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".into(),
        ),
        pair(Scheme::SendGrid, "sendgrid", &vectors["sendgrid"][1], text(&vectors["sendgrid_wrong_public_key"])),
    ]
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

/// Runs a client for each scheme in real time, and gives back what System B sent to each.
fn sent(cases: &[Case]) -> Vec<Vec<Value>> {
    let client = |case: &Case| {
        let name = case.signature;
        format!("[[client]]\nname = \"{name}\"\n[client.push]\nsignature = \"{name}\"\n")
    };
    let head = "duration = \"1s\"\nwarmup = \"0s\"\nseed = 4\n[events]\narrivals = \"constant\"\nrate = \"20/s\"\n";
    let text = head.to_owned() + &cases.iter().map(client).collect::<String>();
    let scenario = Scenario::parse(&text, "every-scheme", Path::new("."), &[]);
    let setup = scenario.unwrap_or_else(|problems| panic!("{problems}")).setup;
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
        assert!(requests.len() as u64 >= tally.delivered);
        requests
    };
    records.into_iter().zip(&run.clients).map(sent).collect()
}

#[test]
fn the_vendors_packages_accept_what_is_sent_and_refuse_what_was_tampered_with() {
    let Some(python) = python() else { return };
    let cases = cases();
    let sent = sent(&cases);
    let captured: Vec<_> = cases
        .iter()
        .zip(&sent)
        .map(|(case, webhooks)| {
            let Case { signature, verifying, wrong, .. } = case;
            json!({ "signature": signature, "keys": verifying, "wrong_key": wrong, "webhooks": webhooks })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("captured.json");
    std::fs::write(&file, serde_json::to_vec(&captured).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendor_packages/verify.py");
    let output = Command::new(&python).arg(script).arg(&file).output().expect("PUSHPULL_PYTHON names an interpreter");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (case, webhooks) in cases.iter().zip(&sent) {
        let checks = webhooks.len() * case.verifying.len();
        // What is changed one at a time: the body in two ways, signature and key; the time where there is one; and the
        // identifier where that is signed.
        let variants = match case.scheme {
            Scheme::StandardWebhooks | Scheme::StandardWebhooksEd25519 => 6,
            Scheme::Stripe | Scheme::SendGrid => 5,
            Scheme::GitHub | Scheme::None => 4,
        };
        let expected = json!({ "accepted": checks, "refused": checks * variants });
        assert_eq!(report["counts"][case.signature], expected, "{}: {said}", case.signature);
    }
}
