//! `pushpull provider` and a receiver of the user's own behind TLS: whom it trusts, and what it says of whom it does not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod roles_support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use roles_support::{Ended, Process, scenario};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A receiver over TLS that accepts every webhook. Its threads end with the test's process.
struct Receiver {
    address: SocketAddr,
    /// Its certificate as text, which it signed itself.
    certificate: String,
    accepted: Arc<AtomicU64>,
}

impl Receiver {
    /// With a certificate for this name.
    fn start(name: &str) -> Self {
        let own = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key.into());
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver =
            Self { address: listener.local_addr().unwrap(), certificate: own.cert.pem(), accepted: Arc::default() };
        let accepted = Arc::clone(&receiver.accepted);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, accepted) = (Arc::clone(&config), Arc::clone(&accepted));
                std::thread::spawn(move || converse(stream.unwrap(), config, &accepted));
            }
        });
        receiver
    }

    fn url(&self) -> String {
        format!("https://{}/hooks?tenant=7", self.address)
    }

    fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Accepts the webhooks of one connection until it ends; none if there is no handshake.
fn converse(stream: TcpStream, config: Arc<ServerConfig>, accepted: &AtomicU64) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, stream));
    loop {
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        assert_eq!(line, "POST /hooks?tenant=7 HTTP/1.1\r\n");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).ok()?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        stream.read_exact(&mut vec![0; length]).ok()?;
        accepted.fetch_add(1, Ordering::SeqCst);
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

/// Sends a second's webhooks to a URL, trusting a text alone; the system trusts those in another text.
fn provide(url: &str, ca_file: Option<&str>, system: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("mine.toml", &scenario("none", "1s", "10/s", "retry = \"none\""));
    write("system.pem", system);
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
    command.args(["provider", "mine.toml", "--webhook-url", url, "--out", "out"]);
    command.env("SSL_CERT_FILE", folder.path().join("system.pem")).env_remove("SSL_CERT_DIR");
    if let Some(text) = ca_file {
        write("ca.pem", text);
        command.args(["--ca-file", "ca.pem"]);
    }
    Process::spawn(command, folder).wait()
}

#[track_caller]
fn assert_accepted(receiver: &Receiver, sent: &Ended, before: u64) {
    sent.assert_done();
    let provider = sent.row("provider.csv");
    provider.assert_provider_adds_up();
    let events = provider.count("events");
    assert!(events > 3);
    provider.assert(&[("accepted", events), ("attempts", events), ("status_2xx", events)]);
    assert_eq!(receiver.accepted() - before, events);
    assert!(!sent.stderr.contains("prove"), "{}", sent.stderr);
}

#[track_caller]
fn assert_not_trusted(receiver: &Receiver, sent: &Ended, before: u64) {
    sent.assert_done();
    let provider = sent.row("provider.csv");
    provider.assert_provider_adds_up();
    let events = provider.count("events");
    assert!(events > 3);
    provider.assert(&[("accepted", 0), ("attempts", events), ("refused_connections", events)]);
    let attempts = sent.rows("attempts.csv");
    assert!(attempts.iter().all(|row| row["outcome"] == "not trusted"), "{attempts:?}");
    assert_eq!(receiver.accepted(), before, "nothing is told to whom nobody trusts");
    let said = format!("warning: {events} attempts found nobody who could prove over TLS to be {}", receiver.address);
    assert!(sent.stderr.contains(&said) && sent.stderr.contains("--ca-file"), "{}", sent.stderr);
}

#[test]
fn a_receiver_over_tls_is_trusted_for_its_certificate_in_a_file_or_in_the_system() {
    let (receiver, other) = (Receiver::start("127.0.0.1"), Receiver::start("127.0.0.1"));
    assert_accepted(&receiver, &provide(&receiver.url(), Some(&receiver.certificate), &other.certificate), 0);
    let before = receiver.accepted();
    assert_accepted(&receiver, &provide(&receiver.url(), None, &receiver.certificate), before);
}

#[test]
fn a_receiver_that_proves_nothing_is_told_nothing_and_the_user_why() {
    let (receiver, other) = (Receiver::start("127.0.0.1"), Receiver::start("127.0.0.1"));
    assert_not_trusted(&receiver, &provide(&receiver.url(), None, &other.certificate), 0);
    let only_the_other = provide(&receiver.url(), Some(&other.certificate), &receiver.certificate);
    assert_not_trusted(&receiver, &only_the_other, 0);
    let another_name = Receiver::start("localhost");
    let sent = provide(&another_name.url(), Some(&another_name.certificate), &other.certificate);
    assert_not_trusted(&another_name, &sent, 0);
}

#[test]
fn a_system_that_trusts_nobody_says_so_before_anything_is_sent() {
    let sent = provide("https://127.0.0.1:9/", None, "");
    assert_eq!(sent.code, 2, "{}", sent.stderr);
    assert!(sent.stderr.contains("trusts no certification authority") && sent.stderr.contains("--ca-file"));
}
