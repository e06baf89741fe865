//! The lab over HTTP: what it answers and what it refuses, that its figures are those of the command line, and that what its
//! lessons say follows from what the engine found.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod roles_support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;

use roles_support::{Process, exchange};
use serde_json::Value;

const LESSONS: [&str; 8] = ["asking", "nothing", "late", "cheaper", "down", "forged", "crowds", "choosing"];

struct Lab {
    process: Process,
    address: SocketAddr,
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

impl Lab {
    fn start(arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
        command.arg("lab").args(arguments);
        let mut process = Process::spawn(command, folder);
        let address = process.line("lab at http://").trim_end_matches('/').parse().unwrap();
        Self { process, address }
    }

    fn ask(&self, request: &str) -> Answer {
        let answer = exchange(self.address, request.as_bytes());
        let (head, body) =
            answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {request}: {answer:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Answer { status, headers, body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address))
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }
}

#[test]
fn the_page_and_all_that_it_needs_are_there_and_nothing_comes_from_elsewhere() {
    let lab = Lab::start(&[], &[]);
    let page = lab.get("/?lesson=late&every=30");
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let mut paths = vec!["/lab.css".to_owned(), "/favicon.svg".into(), "/lab.js".into()];
    for path in &paths {
        assert!(page.body.contains(&format!("\"{path}\"")), "{path}");
    }
    let mut at = 2;
    while at < paths.len() {
        let script = lab.get(&paths[at]);
        assert_eq!((script.status, script.headers["content-type"].as_str()), (200, "text/javascript; charset=utf-8"));
        let imports = script.body.lines().filter_map(|line| line.split(" from \"./").nth(1));
        for import in imports.map(|rest| rest.trim_end_matches("\";").trim_start_matches("lab/")) {
            let path = format!("/lab/{import}");
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        at += 1;
    }
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths.iter().map(String::as_str).chain(["/"]) {
        let answer = lab.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'self'; style-src 'self' 'unsafe-inline'"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        let elsewhere = answer.body.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{path} names another place");
    }
    // Nothing is written into the page that would be a script of its own.
    for inline in [" onclick=", " onload=", " oninput=", "javascript:"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    assert_eq!(page.body.matches("<script").count(), 2, "one from a file, and the data");
}

#[test]
fn other_methods_hosts_and_pages_are_refused() {
    let lab = Lab::start(&[], &[]);
    let address = lab.address;
    for method in ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let answer = lab.ask(&format!("{method} /run HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"));
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "GET"), "{method}");
    }
    for host in ["example.com", "127.0.0.1.example.com", "192.168.0.1", "localhost.example.com:80"] {
        let answer = lab.ask(&format!("GET /run HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"));
        assert_eq!(answer.status, 421, "{host}");
    }
    for host in ["localhost", "localhost:1234", "[::1]:80"] {
        assert_eq!(
            lab.ask(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).status,
            200,
            "{host}"
        );
    }
    let elsewhere = "connection: close\r\nsec-fetch-site: cross-site";
    let asked = |path: &str| lab.ask(&format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{elsewhere}\r\n\r\n")).status;
    assert_eq!((asked("/run"), asked("/"), asked("/scenario.toml")), (403, 200, 403));
    assert_eq!(lab.get("/nothing-here").status, 404);
    assert_eq!(lab.get("/lab/../Cargo.toml").status, 404);
}

#[test]
fn bad_parameters_are_refused_with_their_name_and_their_range() {
    let lab = Lab::start(&[], &[]);
    let cases = [
        ("every=0", "every is \"0\": it is a number from 0.1 to 86400 seconds"),
        ("rate=NaN", "rate is \"NaN\": it is a number from 0.01 to 6000 a minute"),
        ("rate=", "rate is \"\": it is a number from 0.01 to 6000 a minute"),
        ("consumers=2.5", "consumers is \"2.5\": it is a whole number from 1 to 5000"),
        ("loss=91", "loss is \"91\": it is a number from 0 to 90 percent"),
        ("phase=maybe", "phase is \"maybe\": it is one of random, aligned"),
        ("rate=1&rate=2", "rate is given twice: give it once"),
        ("lesson=ninth", "there is no lesson \"ninth\""),
        ("width=huge", "width is neither \"wide\" nor \"narrow\""),
        ("interval=1", "there is no parameter \"interval\": there are rate, "),
        ("every=%zz", "is not encoded"),
        ("every=1%00", "every is \"1"),
    ];
    for (query, sentence) in cases {
        for path in ["run", "sweep", "scenario.toml"] {
            let answer = lab.get(&format!("/{path}?{query}"));
            assert_eq!(answer.status, 400, "{path}?{query}");
            assert!(answer.error().contains(sentence), "{query}: {}", answer.error());
        }
    }
    let long = lab.get(&format!("/run?rate={}", "1".repeat(5_000)));
    assert!(long.status == 400 && long.error().contains("too long"));
    let outage = lab.get("/run?duration=1&outage_at=300&outage=10");
    assert_eq!(outage.status, 400, "an outage after the end");
    assert!(outage.error().contains("do not go together"), "{}", outage.error());
}

#[test]
fn a_run_that_is_too_large_is_refused_politely() {
    let lab = Lab::start(&[], &[]);
    for query in ["rate=6000&duration=10080", "every=0.1&duration=10080&consumers=5000", "consumers=5000&rate=600"] {
        let answer = lab.get(&format!("/run?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.error().contains("more than the 3,000,000 that this page plays at once"), "{}", answer.error());
        // The file can be had all the same.
        assert_eq!(lab.get(&format!("/scenario.toml?{query}")).status, 200);
    }
}

/// Runs a scenario file on the command line; the cells of `summary.csv` by client.
fn on_the_command_line(text: &str) -> Vec<BTreeMap<String, String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lab.toml"), text).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_pushpull"))
        .args(["run", "lab.toml", "--format", "csv", "--out", "out", "--quiet"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}\n{text}", String::from_utf8_lossy(&run.stderr));
    csv::Reader::from_reader(&run.stdout[..]).deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_downloaded_scenario_gives_the_same_figures_on_the_command_line() {
    let lab = Lab::start(&[], &[]);
    let mut queries: Vec<String> = LESSONS.iter().map(|lesson| format!("lesson={lesson}")).collect();
    queries.extend(
        [
            "",
            "rate=3.125&every=7.5&strategy=backoff&latency=12.345&loss=0.7&reconcile=45&seed=9",
            "strategy=long-poll&arrivals=steady&consumers=3",
            "strategy=adaptive&arrivals=bursts&burst=2.5&silence=10&queue=0&workers=1&work=800",
            "strategy=conditional&phase=aligned&api_workers=1&api_time=20&consumers=40",
            "outage=60&outage_at=0.5&retries=stripe&signature=stripe&forged=20&duration=2.5",
        ]
        .map(str::to_owned),
    );
    for query in queries {
        let file = lab.get(&format!("/scenario.toml?{query}"));
        assert_eq!(file.headers["content-disposition"], "attachment; filename=\"lab.toml\"");
        let answer = lab.json(&format!("/run?{query}"));
        let rows = on_the_command_line(&file.body);
        let clients = answer["clients"].as_array().unwrap();
        assert_eq!(clients.len(), rows.len(), "{query}");
        for (client, row) in clients.iter().zip(&rows) {
            assert_eq!(client["name"], row["client"].as_str());
            assert_eq!(answer["scenario"]["sha256"], row["scenario_sha256"].as_str(), "{query}");
            let figures = client["figures"].as_object().unwrap();
            assert!(figures.len() > 60, "{}", figures.len());
            for (name, cell) in figures {
                assert_eq!(cell.as_str().unwrap(), row[name], "{query}: {name} of {}", row["client"]);
            }
        }
    }
}

#[test]
fn what_is_animated_is_a_stretch_of_the_run() {
    let lab = Lab::start(&[], &[]);
    for lesson in LESSONS {
        let story = lab.json(&format!("/run?lesson={lesson}"))["story"].clone();
        let length = story["length"].as_f64().unwrap();
        for client in story["clients"].as_array().unwrap() {
            let (events, exchanges) = (client["events"].as_array().unwrap(), client["exchanges"].as_array().unwrap());
            assert!(events.len() >= 2 && exchanges.len() >= 2, "{lesson}: nothing happens");
            assert!(exchanges.len() <= 600 && client["isCut"] == false, "{lesson}: {}", exchanges.len());
            for exchange in exchanges {
                let at = |name: &str| exchange[name].as_f64();
                let opened = at("opened").unwrap();
                assert!((0.0..length).contains(&opened), "{lesson}: {exchange}");
                assert!(at("ended").is_none_or(|ended| ended >= opened && ended <= length), "{lesson}: {exchange}");
                assert_eq!(at("ended").is_none() && exchange["kind"] != "forged", exchange["outcome"].is_null());
            }
            for event in events {
                let seen = event["seen"].as_f64();
                assert!(seen.is_none_or(|seen| seen >= event["at"].as_f64().unwrap()), "{lesson}: {event}");
            }
        }
    }
    let down = lab.json("/run?lesson=down")["story"].clone();
    let outage = &down["clients"][1]["outages"][0];
    assert_eq!(outage["until"].as_f64().unwrap() - outage["from"].as_f64().unwrap(), 30_000.0);
}

/// What a lesson says at a query, where it says it.
fn lesson(lab: &Lab, key: &str, more: &str) -> Value {
    let kind = if key == "cheaper" { "sweep" } else { "run" };
    lab.json(&format!("/{kind}?lesson={key}&{more}"))
}

#[test]
fn every_lesson_starts_with_something_to_say_and_says_something_else_of_other_values() {
    let lab = Lab::start(&[], &[]);
    let others = [
        ("asking", "every=10"),
        ("nothing", "rate=120"),
        ("late", "every=5"),
        ("cheaper", "every=30"),
        ("down", "retries=quick"),
        ("forged", "signature=github"),
        ("crowds", "workers=64"),
        ("choosing", "loss=0"),
    ];
    for (key, more) in others {
        let (start, other) = (lesson(&lab, key, ""), lesson(&lab, key, more));
        for answer in [&start, &other] {
            let text = answer["text"].as_str().unwrap();
            assert!(text.matches("<p>").count() >= 2 && text.contains("data-fact="), "{key}: {text}");
            // A dash stands where there is no such fact.
            assert!(!text.contains(">–<"), "{key}: {text}");
            assert!(!answer["question"].as_str().unwrap().is_empty());
            let prediction = &answer["prediction"];
            assert!(prediction["right"].is_u64() || prediction["value"].is_f64(), "{key}: {prediction}");
        }
        assert_ne!(start["text"], other["text"], "{key}");
        if key != "asking" {
            assert_ne!(start["prediction"], other["prediction"], "{key}");
        }
    }
}

#[test]
fn what_lessons_claim_is_so() {
    let lab = Lab::start(&[], &[]);
    let fact = |answer: &Value, name: &str| {
        answer["facts"][name]["value"].as_f64().unwrap_or_else(|| panic!("no fact {name}"))
    };
    let asking = lesson(&lab, "asking", "");
    assert_eq!((fact(&asking, "pull.opened_by_a"), fact(&asking, "push.opened_by_b")), (1.0, 1.0));
    assert_eq!(asking["prediction"]["right"], 1);

    let nothing = lesson(&lab, "nothing", "");
    // e^-0.2 of the answers are empty; with 900 questions the standard error is 1.3 percentage points.
    assert!((fact(&nothing, "pull.nothing_new_ratio") - 0.8187).abs() < 0.052);
    assert_eq!(nothing["prediction"]["value"], fact(&nothing, "pull.nothing_new_ratio") * 100.0);

    let late = lesson(&lab, "late", "");
    // Half an interval of 20 s and a trip of 100 ms; the standard error over some 700 events is 0.22 s.
    assert!((fact(&late, "pull.latency_mean_ms") - 10_100.0).abs() < 880.0);

    // One event per interval, whatever the interval.
    for (every, rate) in [("10", 6.0), ("30", 2.0)] {
        let cheaper = lesson(&lab, "cheaper", &format!("every={every}"));
        assert!((fact(&cheaper, "crossing_per_minute") / rate - 1.0).abs() < 0.12, "every {every} s");
        let interval = every.parse::<f64>().unwrap();
        let per_interval = fact(&cheaper, "crossing_per_minute") * interval / 60.0;
        assert!((fact(&cheaper, "crossing_per_interval") - per_interval).abs() < 1e-9);
    }

    let down = lesson(&lab, "down", "");
    assert!(fact(&down, "push.lost") > 0.0 && fact(&down, "pull.lost") == 0.0);
    let (retried, reconciled) = (lesson(&lab, "down", "retries=quick"), lesson(&lab, "down", "reconcile=30"));
    assert_eq!((fact(&retried, "push.lost"), fact(&reconciled, "both.lost")), (0.0, 0.0));
    assert!(retried["text"].as_str().unwrap().contains("lost nothing"));

    let forged = lesson(&lab, "forged", "");
    assert!(fact(&forged, "push.forged_accepted") > 0.0);
    for scheme in ["standard-webhooks", "standard-webhooks-ed25519", "stripe", "github", "sendgrid"] {
        let signed = lesson(&lab, "forged", &format!("signature={scheme}"));
        assert_eq!((fact(&signed, "push.forged_accepted"), fact(&signed, "push.lost")), (0.0, 0.0), "{scheme}");
        assert!(fact(&signed, "push.forged_rejected") > 100.0);
    }

    let (burst, roomy) = (lesson(&lab, "crowds", ""), lesson(&lab, "crowds", "workers=64"));
    assert_eq!((burst["prediction"]["right"].as_u64(), roomy["prediction"]["right"].as_u64()), (Some(0), Some(3)));

    let choosing = lesson(&lab, "choosing", "");
    assert_eq!(choosing["prediction"]["right"], 2, "both misses nothing, and is soonest");
    assert!(fact(&choosing, "push.lost") > 0.0 && fact(&choosing, "both.lost") == 0.0);
}

#[test]
fn the_table_of_parameters_is_the_same_everywhere() {
    let lab = Lab::start(&[], &[]);
    let (data, page) = (lab.json("/lessons"), lab.get("/").body);
    let parameters = data["parameters"].as_array().unwrap();
    assert!(parameters.len() > 15);
    for parameter in parameters {
        let key = parameter["key"].as_str().unwrap();
        assert_eq!(page.matches(&format!("data-testid=\"control-{key}\"")).count(), 1, "{key}");
        assert_eq!(page.matches(&format!("data-testid=\"input-{key}\"")).count(), 1, "{key}");
        for stop in parameter["stops"].as_array().unwrap() {
            let file = lab.get(&format!("/scenario.toml?{key}={}", stop["value"].as_str().unwrap()));
            // What goes together is another question.
            assert!(file.status == 200 || file.error().contains("do not go together"), "{key}: {}", file.body);
        }
    }
    for (lesson, key) in data["lessons"].as_array().unwrap().iter().zip(LESSONS) {
        assert_eq!(lesson["key"], key);
        assert!(page.contains(&format!("data-testid=\"lesson-{key}\"")));
        assert!(!lesson["controls"].as_array().unwrap().is_empty());
    }
}

#[test]
fn charts_are_drawn_for_either_width_and_answers_are_the_same_bytes_again() {
    let lab = Lab::start(&[], &[]);
    for width in ["wide", "narrow"] {
        let path = format!("/run?lesson=late&width={width}&page=me");
        let (first, again) = (lab.get(&path).body, lab.get(&path).body);
        assert_eq!(first, again);
        let charts: Value = serde_json::from_str(&first).unwrap();
        for chart in ["latency", "requests", "backlog"] {
            let svg = charts["charts"][chart].as_str().unwrap();
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"), "{chart}: {svg}");
        }
    }
    let sweep = lab.json("/sweep?lesson=cheaper&width=narrow");
    assert!(sweep["charts"]["sweep"].as_str().unwrap().contains("</svg>"));
}

const FILE: &str = "duration = \"20min\"\nwarmup = \"1min\"\nengine = \"live\"\nreplications = 3\n[events]\nrate = \"2/s\"\n\
    payload = \"4 KiB\"\nrecords = 7\n[[client]]\nname = \"slow = <poll>\"\n[client.pull]\nevery = \"45s\"\n\
    [[client]]\nname = \"hook\"\n[client.push]\nretry = \"github\"\n";

#[test]
fn a_scenario_file_is_what_the_sandbox_starts_from() {
    let lab = Lab::start(&["mine.toml"], &[("mine.toml", FILE)]);
    let data = lab.json("/lessons");
    let sandbox = &data["sandbox"];
    assert_eq!((&data["file"], &sandbox["values"]["every"]), (&"mine.toml".into(), &"45".into()));
    assert_eq!((&sandbox["values"]["rate"], &sandbox["values"]["duration"]), (&"120".into(), &"20".into()));
    let shown: Vec<_> = sandbox["controls"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    assert!(shown.contains(&"every") && shown.contains(&"outage") && !shown.contains(&"reconcile"), "{shown:?}");
    // What no slider shows stays as it is.
    let file = lab.get("/scenario.toml?lesson=sandbox&every=30&outage=60").body;
    for line in ["payload = \"4 KiB\"", "records = 7", "every = \"30s\"", "engine = \"sim\"", "receiver-down"] {
        assert!(file.contains(line), "{line}: {file}");
    }
    assert!(!file.contains("replications"));
    let rows = on_the_command_line(&file);
    let answer = lab.json("/run?lesson=sandbox&every=30&outage=60");
    for (client, row) in answer["clients"].as_array().unwrap().iter().zip(&rows) {
        for (name, cell) in client["figures"].as_object().unwrap() {
            assert_eq!(cell.as_str().unwrap(), row[name], "{name}");
        }
    }
    // Lessons are not touched by it.
    assert_eq!(lab.json("/run?lesson=late")["facts"]["set.every"]["text"], "20 s");
}

#[test]
fn who_may_call_and_what_cannot_be_read_is_said_before_anything_is_served() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pushpull")).arg("lab").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, remote) = run(&["--bind", "0.0.0.0"]);
    assert!(code == Some(2) && remote.contains("0.0.0.0 is not a loopback address"), "{remote}");
    let (code, missing) = run(&["hybird"]);
    assert!(code == Some(2) && missing.contains("did you mean the built-in scenario \"hybrid\"?"), "{missing}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, in_use) = run(&["--port", &taken.local_addr().unwrap().port().to_string()]);
    assert!(code == Some(3) && in_use.contains("cannot listen on"), "{in_use}");
}

#[test]
fn control_c_ends_it_even_while_somebody_is_connected() {
    let lab = Lab::start(&["hybrid"], &[]);
    assert_eq!(lab.get("/").status, 200);
    let _open = roles_support::connect(lab.address);
    let ended = lab.process.interrupt();
    assert_eq!((ended.code, ended.stdout.as_str()), (130, ""));
    assert!(ended.stderr.starts_with("lab at http://127.0.0.1:"), "{}", ended.stderr);
}
