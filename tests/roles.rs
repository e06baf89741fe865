//! `pushpull provider` and `pushpull receiver` as two processes that know nothing of each other but a URL and a secret.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod roles_support;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;

use roles_support::{Ended, Process, QUICK_RETRY, STANDARD, connect, exchange, post, scenario, schemes, wait_until};

fn receiver(signature: &str, secret: &str, more: &[&str]) -> Process {
    let secrets: &[&str] = if secret.is_empty() { &[] } else { &["--secret-file", "secret.txt"] };
    let arguments = [&["receiver", "--signature", signature], secrets, more].concat();
    Process::start(&arguments, &[("secret.txt", secret)])
}

fn provider(url: &str, scenario: &str, secret: &str, more: &[&str]) -> Process {
    let secrets: &[&str] = if secret.is_empty() { &[] } else { &["--secret-file", "secret.txt"] };
    let arguments = [&["provider", "mine.toml", "--webhook-url", url], secrets, more].concat();
    Process::start(&arguments, &[("mine.toml", scenario), ("secret.txt", secret)])
}

/// Plays a scenario with both roles; the receiver is stopped when the provider has ended.
fn play(scenario: &str, signature: &str, secrets: (&str, &str), more: &[&str]) -> (Ended, Ended) {
    let mut receiver = receiver(signature, secrets.1, more);
    let url = receiver.url();
    let provider = provider(&format!("{url}/any/path?x=1"), scenario, secrets.0, &[]).wait();
    let attempts = provider.row("provider.csv").count("attempts");
    wait_until("the receiver's last answer", || {
        attempts == 0 || receiver.stderr().lines().any(|line| line.contains(&format!("in all {attempts}:")))
    });
    (provider, receiver.interrupt())
}

#[test]
fn both_sides_agree_on_every_count_with_every_signature() {
    std::thread::scope(|scope| {
        for (signature, secret, check) in schemes() {
            scope.spawn(move || {
                let scenario = scenario(signature, "3s", "10/s", QUICK_RETRY);
                let failing = ["--status", "503", "--status-share", "0.3"];
                let (sent, received) = play(&scenario, signature, (secret, check), &failing);
                sent.assert_done();
                assert_eq!(received.code, 130, "{}", received.stderr);
                let (provider, receiver) = (sent.row("provider.csv"), received.row("receiver.csv"));
                provider.assert_provider_adds_up();
                receiver.assert_receiver_adds_up();
                let (events, attempts) = (provider.count("events"), provider.count("attempts"));
                assert!(events >= 10 && attempts > events, "{signature}: {provider:?}");
                provider.assert(&[
                    ("accepted", events),
                    ("first_attempts", events),
                    ("status_2xx", events),
                    ("status_5xx", attempts - events),
                    ("ack_n", attempts),
                    ("latency_n", events),
                ]);
                receiver.assert(&[
                    ("requests", attempts),
                    ("accepted", events),
                    ("refused", attempts - events),
                    ("events", events),
                    ("duplicates", 0),
                    ("nameless", 0),
                    ("gaps", 0),
                    ("clock_skew", 0),
                ]);
                assert_eq!(provider.text("statuses"), format!("200:{events} 503:{}", attempts - events));
                assert_eq!(sent.rows("attempts.csv").len() as u64, attempts);
                for secret in [secret, check].iter().filter(|secret| !secret.is_empty()) {
                    let bare = secret.split_once('_').map_or(*secret, |(_, bare)| bare);
                    [&sent, &received].iter().for_each(|ended| ended.assert_silent_about(bare));
                }
            });
        }
    });
}

#[test]
fn webhooks_that_time_out_come_again_and_are_known_as_duplicates() {
    let slow = "timeout = \"300ms\"\nretry = { base = \"100ms\", factor = 1, max = 3 }";
    let scenario = scenario("standard-webhooks", "2s", "8/s", slow);
    let (sent, received) = play(&scenario, "standard-webhooks", (STANDARD, STANDARD), &["--service-time", "1s"]);
    sent.assert_done();
    let (provider, receiver) = (sent.row("provider.csv"), received.row("receiver.csv"));
    provider.assert_provider_adds_up();
    receiver.assert_receiver_adds_up();
    let events = provider.count("events");
    assert!(events > 3);
    provider.assert(&[("accepted", 0), ("given_up", events), ("given_up_retries_exhausted", events)]);
    provider.assert(&[("attempts", 3 * events), ("timeouts", 3 * events), ("ack_n", 0)]);
    receiver.assert(&[("requests", 3 * events), ("events", 3 * events), ("duplicates", 2 * events), ("gaps", 0)]);
    assert_eq!(provider.text("ack_p50_ms"), "", "what is not known is empty");
}

#[test]
fn a_secret_is_replaced_without_a_webhook_being_lost_and_a_wrong_one_proves_nothing() {
    let both = format!("{STANDARD}\nwhsec_d3Jvbmcgb25lLCBzb3JyeSE=\n");
    let scenario = scenario("standard-webhooks", "1s", "10/s", "retry = \"none\"");
    let (sent, received) = play(&scenario, "standard-webhooks", (&both, "whsec_d3Jvbmcgb25lLCBzb3JyeSE="), &[]);
    let events = sent.row("provider.csv").count("events");
    received.row("receiver.csv").assert(&[("accepted", events), ("rejected", 0)]);
    let (sent, received) = play(&scenario, "standard-webhooks", (STANDARD, "whsec_d3Jvbmcgb25lLCBzb3JyeSE="), &[]);
    let provider = sent.row("provider.csv");
    provider.assert(&[("accepted", 0), ("given_up_never_retried", events), ("status_4xx", events)]);
    assert_eq!(provider.text("statuses"), format!("401:{events}"));
    received.row("receiver.csv").assert(&[("rejected_signature", events), ("events", 0)]);
}

#[test]
fn nobody_there_is_said_to_be_no_connection() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scenario = scenario("none", "1s", "10/s", "retry = \"none\"");
    let sent = provider(&format!("http://127.0.0.1:{port}/"), &scenario, "", &["--format", "csv"]).wait();
    sent.assert_done();
    let row = sent.row("provider.csv");
    row.assert_provider_adds_up();
    row.assert(&[("accepted", 0), ("refused_connections", row.count("events"))]);
    assert_eq!(sent.stdout, std::fs::read_to_string(sent.path("provider.csv")).unwrap());
}

#[test]
fn the_api_is_polled_beside_and_ctrl_c_keeps_what_there_is() {
    let mut receiver = receiver("none", "", &[]);
    let url = receiver.url();
    let scenario = scenario("none", "10m", "10/s", QUICK_RETRY);
    let mut provider = provider(&url, &scenario, "", &["--format", "json"]);
    let api = provider.line("API at http://").trim_end_matches("/events").parse().unwrap();
    let key = provider.line("API key: ");
    assert_eq!(key, "key_0000_00000000");
    let ask = |method: &str, path: &str, key: &str| {
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n");
        exchange(api, request.as_bytes())
    };
    assert!(ask("GET", "/events?after=4000000", &key).starts_with("HTTP/1.1 200"));
    wait_until("an event in the feed", || ask("GET", "/events", &key).contains("evt_0_1"));
    assert!(ask("GET", "/events", "key_0000_00000001").starts_with("HTTP/1.1 401"));
    for path in ["/v1/events/evt_0_1/redeliver", "/events/evt_0_1/redeliver"] {
        assert!(ask("POST", path, &key).starts_with("HTTP/1.1 202"), "{path}");
        assert!(ask("POST", path, "key_0000_00000001").starts_with("HTTP/1.1 401"));
        assert!(ask("GET", path, &key).starts_with("HTTP/1.1 405"));
    }
    for id in ["evt_0_4000000", "evt_1_1", "evt_0_0", "nothing"] {
        let answer = ask("POST", &format!("/events/{id}/redeliver"), &key);
        assert!(answer.starts_with("HTTP/1.1 404"), "{id}: {answer}");
    }
    let sent = provider.interrupt();
    assert_eq!(sent.code, 130, "{}", sent.stderr);
    let row = sent.row("provider.csv");
    row.assert_provider_adds_up();
    assert_eq!(row.text("partial"), "true");
    assert!(row.count("polls_useful") >= 1 && row.count("polls_empty") >= 1);
    row.assert(&[("polls_refused", 1), ("polls_not_modified", 0)]);
    assert!(row.count("polls_bytes_out") > 100);
    let paths = sent.rows("polls.csv");
    assert_eq!(paths.iter().map(|row| row["path"].as_str()).collect::<Vec<_>>(), ["/events"]);
    let document: serde_json::Value = serde_json::from_str(&sent.stdout).unwrap();
    assert_eq!((&document["partial"], &document["polls_by_path"][0]["path"]), (&"true".into(), &"/events".into()));
    assert!(receiver.interrupt().row("receiver.csv").count("accepted") >= 1);
}

#[test]
fn a_poll_counts_by_what_it_brought_to_its_key_for_the_first_time() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // Ten events for each of two consumers. Nobody takes them, so that the API stays up after the last.
    let scenario =
        scenario("none", "1s", "10/s", "retry = { delays = [\"10m\"] }").replace("drain = \"60s\"", "drain = \"10m\"");
    let scenario = format!("consumers = 2\n{}", scenario.replace("[events]\n", "[events]\narrivals = \"constant\"\n"));
    let mut provider = provider(&format!("http://127.0.0.1:{port}/"), &scenario, "", &[]);
    let api = provider.line("API at http://").trim_end_matches("/events").parse().unwrap();
    let send = |method: &str, path: &str, headers: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
        exchange(api, head.as_bytes())
    };
    let key = |consumer: u32| format!("authorization: Bearer key_0000_{consumer:08}\r\n");
    for consumer in [0, 1] {
        let last = format!("/events/evt_{consumer}_10/redeliver");
        wait_until("the last event", || send("POST", &last, &key(consumer)).starts_with("HTTP/1.1 202"));
    }
    let ask = |path: &str| send("GET", path, &key(0));
    for path in ["/events?limit=3", "/events?limit=3", "/events?after=10", "/events/evt_0_2", "/events/evt_0_4"] {
        assert!(ask(path).starts_with("HTTP/1.1 200"), "{path}");
    }
    assert!(send("GET", "/events?limit=3", &key(1)).contains("evt_1_3"), "new to this key");
    assert!(send("GET", "/events", "").starts_with("HTTP/1.1 401"));
    assert!(ask("/events?after=x").starts_with("HTTP/1.1 400"));
    let newest = ask("/events/evt_0_10");
    let record = newest.split_once("\"record\":\"").and_then(|(_, rest)| rest.split_once('"')).unwrap().0;
    assert!(ask(&format!("/records/{record}")).contains("evt_0_10"));
    for path in ["?limit=2", "?limit=2", "?limit=1&starting_after=evt_0_9", "/evt_0_7"] {
        assert!(ask(&format!("/v1/events{path}")).starts_with("HTTP/1.1 200"), "{path}");
    }
    assert!(ask("/v1/events?limit=0").starts_with("HTTP/1.1 400"));
    let list = ask("/repos/own/thing/events");
    let etag = list.lines().find(|line| line.starts_with("etag: ")).unwrap().replace("etag", "if-none-match");
    let unchanged = send("GET", "/repos/own/thing/events", &format!("{}{}\r\n", key(0), etag.trim_end()));
    assert!(unchanged.starts_with("HTTP/1.1 304"), "{unchanged}");
    assert!(ask("/repos/own/thing/events").starts_with("HTTP/1.1 200"));
    assert!(ask("/setup").starts_with("HTTP/1.1 404"));
    let sent = provider.interrupt();
    let counts = ["polls", "useful", "empty", "not_modified", "refused"];
    let row =
        |row: &BTreeMap<String, String>| (row["path"].clone(), counts.map(|name| row[name].parse::<u64>().unwrap()));
    let rows: Vec<_> = sent.rows("polls.csv").iter().map(row).collect();
    let expected = [
        ("/events", [6, 2, 2, 0, 2]),
        ("/events/{id}", [3, 2, 1, 0, 0]),
        ("/records/{id}", [1, 0, 1, 0, 0]),
        ("/repos/own/thing/events", [3, 1, 1, 1, 0]),
        ("/v1/events", [4, 2, 1, 0, 1]),
        ("/v1/events/{id}", [1, 1, 0, 0, 0]),
        ("other", [1, 0, 0, 0, 1]),
    ];
    assert_eq!(rows, expected.map(|(path, counts)| (path.to_owned(), counts)));
    let total = sent.row("provider.csv");
    total.assert(&[("polls", 19), ("polls_useful", 8), ("polls_empty", 6)]);
    total.assert(&[("polls_not_modified", 1), ("polls_refused", 4)]);
}

#[test]
fn a_receiver_ends_by_itself_when_its_time_is_over() {
    let mut receiver = receiver("none", "", &["--duration", "1500ms", "--format", "csv"]);
    let address = receiver.address();
    assert!(exchange(address, &post("/", r#"{"id":"a"}"#)).starts_with("HTTP/1.1 200"));
    let received = receiver.wait();
    assert_eq!(received.code, 0, "{}", received.stderr);
    assert_eq!(received.stdout, std::fs::read_to_string(received.path("receiver.csv")).unwrap());
    received.row("receiver.csv").assert(&[("requests", 1), ("events", 1)]);
    let seconds = received.rows("receiver_seconds.csv");
    assert!(seconds.len() >= 2, "two seconds were begun");
    let requests: u64 = seconds.iter().map(|row| row["requests"].parse::<u64>().unwrap()).sum();
    assert_eq!(requests, 1);
    let lines = received.stderr.lines().filter(|line| line.contains(" a second; in all ")).count();
    assert!(received.stderr.lines().all(|line| !line.is_empty()), "{}", received.stderr);
    assert_eq!(lines, 1, "a second in which nothing came is not worth a line");
}

#[test]
fn quiet_says_where_it_listens_and_nothing_else() {
    let mut receiver = receiver("none", "", &["--quiet"]);
    let address = receiver.address();
    exchange(address, &post("/", r#"{"id":"a"}"#));
    assert_eq!(receiver.interrupt().stderr.lines().count(), 1);
}

fn fails(arguments: &[&str], files: &[(&str, &str)], code: i32, expected: &[&str]) -> Ended {
    let ended = Process::start(arguments, files).wait();
    assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{arguments:?}");
    for word in expected {
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
    }
    ended
}

#[test]
fn an_address_that_webhooks_may_not_go_to_is_refused_with_advice() {
    let refused = |url: &str, expected: &[&str]| {
        fails(&["provider", "quickstart", "--webhook-url", url], &[], 2, expected);
    };
    refused("http://192.0.2.7/hooks", &["192.0.2.7:80", "--allow-remote"]);
    refused("http://0.0.0.0:9/", &["--allow-remote"]);
    let encrypted = ["provider", "quickstart", "--webhook-url", "https://127.0.0.1/", "--ca-file", "none.pem"];
    fails(&encrypted, &[], 2, &["none.pem", "PEM file"]);
    fails(&encrypted, &[("none.pem", "no certificate")], 2, &["none.pem", "there is no certificate in it"]);
    let plain = ["provider", "quickstart", "--webhook-url", "http://127.0.0.1/", "--ca-file", "none.pem"];
    fails(&plain, &[], 2, &["--ca-file", "https"]);
    refused("ftp://127.0.0.1/", &["ftp"]);
    refused("not a url", &["http://127.0.0.1:8080"]);
    let bind = ["provider", "quickstart", "--webhook-url", "http://127.0.0.1:9/", "--bind", "0.0.0.0"];
    fails(&bind, &[], 2, &["0.0.0.0", "--allow-remote"]);
    fails(&["receiver", "--signature", "none", "--bind", "0.0.0.0"], &[], 2, &["0.0.0.0", "--allow-remote"]);
}

#[test]
fn secrets_that_are_none_are_refused_without_being_repeated() {
    let provider = ["provider", "quickstart", "--webhook-url", "http://127.0.0.1:9/"];
    fails(&provider, &[], 2, &["--secret-file", "PUSHPULL_SECRET"]);
    let with_file = [&provider[..], &["--secret-file", "secret.txt"]].concat();
    fails(&with_file, &[], 2, &["secret.txt", "cannot read"]);
    for text in ["\nwhsec_not*base64*at*all", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\nwhsec_not*base64*at*all"] {
        let ended = fails(&with_file, &[("secret.txt", text)], 2, &["secret.txt, line 2", "standard-webhooks"]);
        assert!(!ended.stderr.contains("base64*at") && !ended.stderr.contains("C2FV"), "{}", ended.stderr);
    }
    fails(&with_file, &[("secret.txt", "\n \n")], 2, &["secret.txt", "no secret"]);
    for signature in ["standard-webhooks-ed25519", "sendgrid"] {
        let receiver = ["receiver", "--signature", signature, "--secret-file", "secret.txt"];
        let ended = fails(&receiver, &[("secret.txt", "hush-hush")], 2, &["secret.txt, line 1", "public key"]);
        assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    }
    let unused = ["receiver", "--signature", "none", "--secret-file", "secret.txt"];
    fails(&unused, &[("secret.txt", "x")], 2, &["secret.txt", "not signed"]);
}

#[test]
fn a_secret_may_stand_in_the_environment() {
    let mut command = Command::new("sh");
    // The secret reaches the process by its environment alone.
    let program = env!("CARGO_BIN_EXE_pushpull");
    let script = format!("PUSHPULL_SECRET={STANDARD} exec {program} receiver --out out --duration 60s");
    command.args(["-c", &script]);
    let mut receiver = Process::spawn(command, tempfile::tempdir().unwrap());
    let url = receiver.url();
    let scenario = scenario("standard-webhooks", "1s", "10/s", QUICK_RETRY);
    let sent = provider(&url, &scenario, STANDARD, &[]).wait();
    let events = sent.row("provider.csv").count("events");
    let received = receiver.interrupt();
    received.row("receiver.csv").assert(&[("accepted", events)]);
    received.assert_silent_about(STANDARD);
}

#[test]
fn clients_that_cannot_be_played_are_named() {
    let only_polls = "[events]\nrate = \"1/s\"\n[[client]]\nname = \"poll\"\n[client.pull]\nevery = \"1s\"\n";
    let provider = ["provider", "mine.toml", "--webhook-url", "http://127.0.0.1:9/"];
    fails(&provider, &[("mine.toml", only_polls)], 2, &["no client", "[client.push]"]);
    let with_client = |name| [&provider[..], &["--client", name]].concat();
    let mixed = format!("{only_polls}[[client]]\nname = \"hook\"\n[client.push]\nsignature = \"none\"\n");
    fails(&with_client("poll"), &[("mine.toml", &mixed)], 2, &["\"poll\" only polls"]);
    fails(&with_client("other"), &[("mine.toml", &mixed)], 2, &["\"other\"", "\"hook\""]);
    fails(&provider, &[("mine.toml", "[events]\nrat = 1")], 2, &["mine.toml:2"]);
}

#[test]
fn a_port_in_use_exits_3_and_options_that_make_no_sense_exit_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let address = format!("127.0.0.1:{port}");
    fails(&["receiver", "--signature", "none", "--port", &port], &[], 3, &[&address]);
    let provider = ["provider", "mine.toml", "--webhook-url", "http://127.0.0.1:9/", "--api-port", &port];
    fails(&provider, &[("mine.toml", &scenario("none", "1s", "1/s", ""))], 3, &[&address]);
    for nonsense in [
        &["--tolerance", "5m"][..],
        &["--status", "200"],
        &["--status-share", "0.5"],
        &["--status", "500", "--status-share", "2"],
        &["--limit-header", "1 KiB"],
        &["--timestamp", "created"],
        &["--read-time", "0s"],
        &["--duration", "10"],
    ] {
        fails(&[&["receiver", "--signature", "none"], nonsense].concat(), &[], 2, &[]);
    }
    fails(&["receiver"], &[("out", "a file in the way")], 2, &["--secret-file"]);
    fails(&["receiver", "--signature", "none"], &[("out", "a file in the way")], 1, &["cannot write"]);
}

#[test]
fn help_shows_how_to_use_both() {
    for verb in ["provider", "receiver"] {
        let output = Command::new(env!("CARGO_BIN_EXE_pushpull")).args([verb, "--help"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:") && text.contains(&format!("  pushpull {verb} ")), "{text}");
    }
}

#[test]
fn somebody_who_looks_with_a_browser_is_told_what_it_is() {
    let mut receiver = receiver("none", "", &[]);
    let address = receiver.address();
    let answer = exchange(address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("send webhooks here"), "{answer}");
    drop(connect(address));
    receiver.interrupt().row("receiver.csv").assert(&[("requests", 0)]);
}
