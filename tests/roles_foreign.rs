//! The roles against systems that are not this program's: receivers in Python, senders with curl.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "whoever signs a webhook reads the clock")]

mod roles_support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use roles_support::{Ended, Process, QUICK_RETRY, STANDARD, exchange, scenario, wait_until};

/// A receiver as a user would write one: it checks the signature, and then behaves as its first argument says.
const RECEIVER: &str = r#"
import base64, hashlib, hmac, json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ELSEWHERE = "/elsewhere"
behaviour, seen, log = sys.argv[1], set(), open("requests.jsonl", "a")
secret = base64.b64decode(open("secret.txt").read().strip().removeprefix("whsec_"))

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name = self.headers["webhook-id"]
        signed = b".".join([name.encode(), self.headers["webhook-timestamp"].encode(), body])
        expected = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        again, _ = name in seen, seen.add(name)
        log.write(json.dumps({"path": self.path, "host": self.headers["host"], "id": name, "again": again}) + "\n")
        log.flush()
        if not any(hmac.compare_digest(expected, given) for given in self.headers["webhook-signature"].split()):
            return self.answer(401)
        if behaviour == "gone":
            return self.answer(410)
        if behaviour == "redirect" and self.path != ELSEWHERE:
            return self.answer(302, [("Location", ELSEWHERE)])
        if behaviour == "fail-first" and not again:
            return self.answer(500)
        if behaviour == "retry-after" and not again:
            return self.answer(503, [("Retry-After", "2")])
        if behaviour == "talkative":
            return self.answer(200, [], b"thank you very much " * 10_000)
        self.answer(204 if behaviour == "no-content" else 200)

    def do_GET(self):
        log.write(json.dumps({"path": self.path}) + "\n")
        log.flush()
        self.answer(200 if self.path == ELSEWHERE else 404)

    def answer(self, status, headers=[], body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on http://127.0.0.1:{server.server_address[1]}/", file=sys.stderr, flush=True)
server.serve_forever()
"#;

fn receiver(behaviour: &str) -> Process {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("receiver.py"), RECEIVER).unwrap();
    fs::write(folder.path().join("secret.txt"), STANDARD).unwrap();
    fs::write(folder.path().join("requests.jsonl"), "").unwrap();
    let mut python = Command::new("python3");
    python.args(["receiver.py", behaviour]);
    Process::spawn(python, folder)
}

fn provider(url: &str, scenario: &str) -> Process {
    let arguments = ["provider", "mine.toml", "--secret-file", "secret.txt", "--webhook-url"];
    let target = format!("{url}/hooks/here?tenant=7");
    let files = [("mine.toml", scenario), ("secret.txt", STANDARD)];
    Process::start(&[&arguments[..], &[&target]].concat(), &files)
}

/// What a receiver in Python has got until now.
fn requests(receiver: &Process) -> Vec<serde_json::Value> {
    let log = fs::read_to_string(receiver.folder.path().join("requests.jsonl")).unwrap();
    let complete = log.rsplit_once('\n').map_or("", |(lines, _)| lines);
    complete.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a receiver in Python got, how the provider says that it did, and the receiver, which is still there.
fn provide_to(behaviour: &str, retry: &str) -> (Ended, Vec<serde_json::Value>, Process) {
    let mut receiver = receiver(behaviour);
    let sent = provider(&receiver.url(), &scenario("standard-webhooks", "2s", "10/s", retry)).wait();
    sent.assert_done();
    sent.assert_silent_about(STANDARD);
    sent.row("provider.csv").assert_provider_adds_up();
    (sent, requests(&receiver), receiver)
}

/// The attempts to deliver each event, in the order in which they left.
fn attempts_by_event(sent: &Ended) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut events: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in sent.rows("attempts.csv") {
        events.entry(row["event_ids"].clone()).or_default().push(row);
    }
    // Instants are of one length, so that the order of their text is that of time.
    events.values_mut().for_each(|attempts| attempts.sort_by_key(|row| row["sent_at"].clone()));
    events
}

fn instant(row: &BTreeMap<String, String>, column: &str) -> jiff::Timestamp {
    row[column].parse().unwrap()
}

#[test]
fn a_receiver_that_accepts_is_sent_each_event_once_with_a_signature_that_holds() {
    for (behaviour, status) in [("ok", 200), ("no-content", 204), ("talkative", 200)] {
        let (sent, requests, mut receiver) = provide_to(behaviour, QUICK_RETRY);
        let url = receiver.url();
        let row = sent.row("provider.csv");
        let events = row.count("events");
        assert!(events >= 5);
        row.assert(&[("accepted", events), ("attempts", events), ("status_2xx", events)]);
        assert_eq!(row.text("statuses"), format!("{status}:{events}"), "{behaviour}");
        assert_eq!(requests.len() as u64, events);
        for request in &requests {
            assert_eq!(request["path"], "/hooks/here?tenant=7");
            assert_eq!(request["host"], url.trim_start_matches("http://"));
        }
        let ids = |rows: Vec<String>| {
            let mut ids = rows;
            ids.sort();
            ids
        };
        let written = sent.rows("attempts.csv").into_iter().map(|row| row["event_ids"].clone()).collect();
        assert_eq!(ids(written), ids(requests.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()));
    }
}

#[test]
fn a_receiver_that_fails_at_first_causes_a_retry_for_each_event() {
    let (sent, requests, _) = provide_to("fail-first", QUICK_RETRY);
    let row = sent.row("provider.csv");
    let events = row.count("events");
    row.assert(&[("accepted", events), ("retries", events), ("status_5xx", events), ("status_2xx", events)]);
    assert_eq!(row.text("statuses"), format!("200:{events} 500:{events}"));
    assert_eq!(requests.iter().filter(|request| request["again"] == true).count() as u64, events);
}

#[test]
fn a_receiver_that_is_gone_is_sent_nothing_more() {
    let (sent, requests, _receiver) = provide_to("gone", "retry = { base = \"50ms\", factor = 1, max = 3 }");
    let row = sent.row("provider.csv");
    let (events, attempts) = (row.count("events"), row.count("attempts"));
    assert!(events >= 5 && attempts >= 1, "{row:?}");
    row.assert(&[("accepted", 0), ("given_up_endpoint_disabled", events), ("given_up", events)]);
    row.assert(&[("endpoint_disabled", 1), ("status_4xx", attempts), ("retries", 0)]);
    assert_eq!(row.text("statuses"), format!("410:{attempts}"));
    assert_eq!(requests.len() as u64, attempts);
    let rows = sent.rows("attempts.csv");
    let disabled_at = rows.iter().map(|row| instant(row, "ended_at")).min().unwrap();
    assert!(rows.iter().all(|row| instant(row, "sent_at") <= disabled_at), "{rows:?}");
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let (sent, requests, mut receiver) = provide_to("redirect", "retry = \"none\"");
    let row = sent.row("provider.csv");
    let events = row.count("events");
    assert!(events >= 5);
    row.assert(&[("accepted", 0), ("given_up_never_retried", events), ("status_3xx", events)]);
    let rows = sent.rows("attempts.csv");
    assert_eq!(rows.len() as u64, events);
    assert!(rows.iter().all(|row| row["status"] == "302" && row["outcome"] == "refused"), "{rows:?}");
    assert!(requests.iter().all(|request| request["path"] == "/hooks/here?tenant=7"), "{requests:?}");
    assert_eq!(requests.len() as u64, events);
    // Whoever had followed it would have been accepted, and seen.
    let follow = b"GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(exchange(receiver.address(), follow).starts_with("HTTP/1.1 200"));
    assert_eq!(self::requests(&receiver).last().unwrap()["path"], "/elsewhere");
}

#[test]
fn a_receiver_that_asks_for_time_is_left_alone_for_as_long() {
    let (sent, _, _receiver) = provide_to("retry-after", QUICK_RETRY);
    let row = sent.row("provider.csv");
    let events = row.count("events");
    row.assert(&[("accepted", events), ("status_2xx", events), ("status_5xx", events)]);
    let by_event = attempts_by_event(&sent);
    assert_eq!(by_event.len() as u64, events);
    for (event, attempts) in by_event {
        let [first, second] = &attempts[..] else { panic!("{event}: {attempts:?}") };
        assert_eq!((&*first["status"], &*second["status"]), ("503", "200"), "{event}");
        let wait = instant(second, "sent_at").duration_since(instant(first, "ended_at"));
        assert!(wait >= jiff::SignedDuration::from_secs(2), "{event}: {wait:?}");
    }
}

#[test]
fn an_event_that_is_asked_for_again_is_attempted_again() {
    let mut receiver = receiver("ok");
    let mut provider = provider(&receiver.url(), &scenario("standard-webhooks", "10m", "10/s", QUICK_RETRY));
    let api = provider.line("API at http://").trim_end_matches("/events").parse().unwrap();
    let key = provider.line("API key: ");
    let deliveries = || requests(&receiver).iter().filter(|request| request["id"] == "evt_0_1").count();
    wait_until("the first delivery", || deliveries() == 1);
    let head = format!("host: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n");
    let ask = format!("POST /events/evt_0_1/redeliver HTTP/1.1\r\n{head}");
    // Nothing comes of asking before the first attempt has ended.
    wait_until("another delivery", || {
        assert!(exchange(api, ask.as_bytes()).starts_with("HTTP/1.1 202"));
        deliveries() >= 2
    });
    let sent = provider.interrupt();
    assert_eq!(sent.code, 130, "{}", sent.stderr);
    let by_event = attempts_by_event(&sent);
    let [first, again, ..] = &by_event["evt_0_1"][..] else { panic!("{by_event:?}") };
    assert_eq!((&*first["attempt"], &*first["outcome"], &*first["status"]), ("1", "accepted", "200"));
    assert!(instant(again, "sent_at") >= instant(first, "ended_at"));
    assert!(again["attempt"].parse::<u32>().unwrap() > 1, "{again:?}");
    let others = by_event.iter().filter(|(event, _)| *event != "evt_0_1");
    assert!(others.into_iter().all(|(_, attempts)| attempts.len() == 1), "{by_event:?}");
    let row = sent.row("provider.csv");
    row.assert_provider_adds_up();
    row.assert(&[("retries", by_event["evt_0_1"].len() as u64 - 1)]);
}

/// The program that sends, and the one that signs for it.
struct Sender<'a> {
    url: &'a str,
    folder: &'a std::path::Path,
}

impl Sender<'_> {
    /// The HTTP status that curl gets for a POST of a body with these headers.
    fn post(&self, body: &str, headers: &[String]) -> String {
        fs::write(self.folder.join("body"), body).unwrap();
        let mut arguments = vec!["--data-binary".to_owned(), "@body".to_owned()];
        arguments.extend(headers.iter().flat_map(|header| ["-H".to_owned(), header.clone()]));
        self.curl(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "/hooks")
    }

    fn curl(&self, arguments: &[&str], path: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "60"]).args(arguments);
        let output = curl.arg(format!("{}{path}", self.url)).current_dir(self.folder).output();
        let output = output.unwrap_or_else(|error| panic!("curl, which this test needs, cannot be run: {error}"));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The Base64 of the HMAC-SHA256 of a text, by another implementation.
fn hmac_base64(secret: &str, text: &str) -> String {
    let program = "import base64, hashlib, hmac, sys\n\
                   key = base64.b64decode(sys.argv[1].removeprefix('whsec_'))\n\
                   print(base64.b64encode(hmac.new(key, sys.argv[2].encode(), hashlib.sha256).digest()).decode())";
    let output = Command::new("python3").args(["-c", program, secret, text]).output();
    let output = output.unwrap_or_else(|error| panic!("python3, which this test needs, cannot be run: {error}"));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn signed(id: &str, at: u64, body: &str, secret: &str) -> Vec<String> {
    let signature = hmac_base64(secret, &format!("{id}.{at}.{body}"));
    vec![
        format!("webhook-id: {id}"),
        format!("webhook-timestamp: {at}"),
        format!("webhook-signature: v1,{signature}"),
        "content-type: application/json".into(),
    ]
}

#[test]
fn curl_as_a_sender_is_believed_only_with_a_signature_that_holds() {
    let arguments = ["receiver", "--secret-file", "secret.txt", "--limit-body", "10 KiB"];
    let mut receiver = Process::start(&arguments, &[("secret.txt", STANDARD)]);
    let url = receiver.url();
    let folder = tempfile::tempdir().unwrap();
    let sender = Sender { url: &url, folder: folder.path() };
    let (now, body) = (unix_now(), r#"{"type":"x","timestamp":"2026-01-01T00:00:00Z","data":{}}"#);
    let valid = signed("msg_1", now, body, STANDARD);
    assert_eq!(sender.post(body, &valid), "200");
    assert_eq!(sender.post(body, &valid), "200", "the same again is a duplicate, which is accepted");
    assert_eq!(sender.post(&body.replace('x', "y"), &valid), "401", "tampered");
    assert_eq!(sender.post(body, &signed("msg_2", now, body, "whsec_d3Jvbmcgb25lLCBzb3JyeSE=")), "401", "wrong key");
    assert_eq!(sender.post(body, &signed("msg_3", now - 3_600, body, STANDARD)), "401", "stale");
    assert_eq!(sender.post(body, &[]), "401", "unsigned");
    let large = format!(r#"{{"type":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(sender.post(&large, &valid), "413");
    assert_eq!(sender.post("no json", &signed("msg_4", now, "no json", STANDARD)), "400");
    assert_eq!(sender.curl(&[], "/"), "200", "a person");
    assert_eq!(sender.curl(&[], "/hooks"), "405");
    assert_eq!(sender.curl(&["-X", "DELETE"], "/"), "405");
    let received = receiver.interrupt();
    received.assert_silent_about(STANDARD);
    let row = received.row("receiver.csv");
    row.assert_receiver_adds_up();
    row.assert(&[
        ("requests", 10),
        ("accepted", 2),
        ("rejected_signature", 4),
        ("rejected_too_large", 1),
        ("rejected_too_slow", 0),
        ("rejected_unreadable", 1),
        ("rejected_wrong_method", 2),
        ("events", 2),
        ("duplicates", 1),
        ("latency_n", 1),
    ]);
}

#[test]
fn a_tolerance_decides_how_old_a_webhook_may_be() {
    for (tolerance, status) in [("2h", "200"), ("30m", "401")] {
        let arguments = ["receiver", "--secret-file", "secret.txt", "--tolerance", tolerance];
        let mut receiver = Process::start(&arguments, &[("secret.txt", STANDARD)]);
        let url = receiver.url();
        let folder = tempfile::tempdir().unwrap();
        let sender = Sender { url: &url, folder: folder.path() };
        assert_eq!(sender.post("{}", &signed("msg", unix_now() - 3_600, "{}", STANDARD)), status);
    }
}

#[test]
fn pointers_find_the_time_and_the_number_of_an_unknown_senders_events() {
    let pointers = ["--timestamp", "/event/at", "--sequence", "/event/number"];
    let mut receiver = Process::start(&[&["receiver", "--signature", "none"], &pointers[..]].concat(), &[]);
    let url = receiver.url();
    let folder = tempfile::tempdir().unwrap();
    let sender = Sender { url: &url, folder: folder.path() };
    let body = |number: u64, at: u64| format!(r#"{{"event":{{"number":{number},"at":{at}}},"id":"e{number}"}}"#);
    let now = unix_now();
    for (number, at) in [(1, now - 100), (2, now - 90), (4, now - 80), (3, now - 85), (7, now + 3_600)] {
        assert_eq!(sender.post(&body(number, at), &[]), "200");
    }
    let row = receiver.interrupt().row("receiver.csv");
    row.assert(&[("events", 5), ("reordered", 1), ("gaps", 2), ("latency_n", 4), ("clock_skew", 1), ("duplicates", 0)]);
    let longest: f64 = row.text("latency_max_ms").parse().unwrap();
    assert!((100_000.0..200_000.0).contains(&longest), "{longest}");
    assert_eq!(row.text("latency_p99_ms"), "", "four events support no such percentile");
}

#[test]
fn a_batch_as_sendgrid_sends_it_holds_several_events() {
    let mut receiver = Process::start(&["receiver", "--signature", "none"], &[]);
    let url = receiver.url();
    let folder = tempfile::tempdir().unwrap();
    let sender = Sender { url: &url, folder: folder.path() };
    let event = |id: &str| format!(r#"{{"sg_event_id":"{id}","timestamp":{},"event":"open"}}"#, unix_now() - 1);
    assert_eq!(sender.post(&format!("[{},{}]", event("a"), event("b")), &[]), "200");
    assert_eq!(sender.post(&format!("[{},{}]", event("b"), event("c")), &[]), "200");
    wait_until("a line", || receiver.stderr().contains("in all 2"));
    let row = receiver.interrupt().row("receiver.csv");
    row.assert(&[("requests", 2), ("events", 4), ("duplicates", 1), ("latency_n", 3)]);
}
