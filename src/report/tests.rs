use super::*;
use crate::fault::ForgeryKind;
use crate::measure::summary::{Mode, Terms};
use crate::measure::tally::{Forged, Frame, Tally};
use crate::time::{Span, Time};

/// A client that ten events reached, and these forged webhooks.
fn client(name: &str, mode: Mode, forged: &[(ForgeryKind, Forged)]) -> Summary {
    let at = |seconds| Time::ZERO + Span::from_secs(seconds);
    let terms = Terms {
        client: name.into(),
        mode,
        frame: Frame::new(Time::ZERO, at(60), at(120)),
        consumers: 1,
        page: None,
        provider_workers: None,
        consumer_workers: None,
        opens_records: false,
        cpu: None,
    };
    let mut tally = Tally::default();
    (tally.events, tally.delivered) = (10, 10);
    for (kind, counts) in forged {
        tally.forged[*kind as usize] = *counts;
    }
    Summary::new(terms, tally)
}

fn report(has_forgeries: bool, summaries: Vec<Summary>) -> Report {
    let scenario = Identity {
        name: "demo".into(),
        title: "demo".into(),
        sha256: String::new(),
        seed: 1,
        consumers: 1,
        has_forgeries,
        prices: None,
        resolved: serde_json::Value::Null,
        text: String::new(),
    };
    let engine = EngineReport {
        engine: "sim",
        summaries,
        theory: Vec::new(),
        overloads: Vec::new(),
        opening: Vec::new(),
        lag: None,
        cut_unevenly: false,
    };
    Report { scenario, engines: vec![engine], agreements: Vec::new(), judgements: Vec::new(), partial: false }
}

fn attacked() -> Report {
    let counts = |rejected, accepted| Forged { rejected, accepted };
    let forged = [(ForgeryKind::Unsigned, counts(4, 0)), (ForgeryKind::Replayed, counts(1, 2))];
    report(true, vec![client("poll", Mode::Pull, &[]), client("webhook", Mode::Push, &forged)])
}

#[test]
fn forged_webhooks_are_told_apart_by_kind() {
    let report = attacked();
    let csv = String::from_utf8(csv::forged(&report, csv::Of::TheRun)).unwrap();
    assert_eq!(csv, "engine,client,kind,rejected,accepted\nsim,webhook,unsigned,4,0\nsim,webhook,replayed,1,2\n");
    let run: serde_json::Value = serde_json::from_slice(&json::run(&report)).unwrap();
    let [poll, webhook] = [0, 1].map(|client| &run["engines"][0]["clients"][client]["forged"]);
    assert!(poll.is_null());
    assert_eq!(webhook["replayed"], serde_json::json!({ "rejected": 1, "accepted": 2 }));
    assert_eq!(webhook.as_object().unwrap().len(), ForgeryKind::ALL.len());
}

#[test]
fn what_was_forged_and_believed_stands_in_the_table_and_in_the_verdict() {
    let table = table::render(&attacked(), table::Style::Plain);
    let row = |label: &str| table.lines().find(|line| line.contains(label)).map(|line| line.replace(' ', ""));
    assert_eq!(row("rejected").as_deref(), Some("Forgedrejected05"));
    assert_eq!(row("believed").as_deref(), Some("believed02"));
    assert_eq!(row("replayed").as_deref(), Some("replayed02"));
    assert_eq!(row("unsigned"), None, "none of them was believed");
    assert!(verdict::sentences(&attacked().engines[0]).iter().any(|sentence| sentence.contains("2 of 7 forged")));
    let spared = report(true, vec![client("webhook", Mode::Push, &[])]);
    assert!(!verdict::sentences(&spared.engines[0]).iter().any(|sentence| sentence.contains("forged")));
}

#[test]
fn a_file_that_this_run_has_not_does_not_stay_from_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.csv");
    let save = |report: &Report| {
        let files = files::of(report).unwrap();
        files::write(folder.path(), &files).unwrap();
        files::remove_stale(folder.path(), |name| files.iter().any(|(other, _)| *other == name)).unwrap();
    };
    save(&attacked());
    assert!(path.exists());
    for _ in 0..2 {
        save(&report(false, vec![client("webhook", Mode::Push, &[])]));
        assert!(!path.exists());
    }
}

#[test]
fn what_faults_did_has_a_file_and_a_part_of_the_table_that_fits() {
    use crate::fault::{Connections, Fault, FaultKind, Faults, Whom};
    use crate::measure::fault_report::FaultWatch;
    let at = |seconds| Time::ZERO + Span::from_secs(seconds);
    let whom = Whom::Some { share: 0.3, seed: crate::seed::Seed::new(1), fault: 0 };
    let down = Fault::new(FaultKind::ProviderDown { connections: Connections::Drop }, at(10), at(20));
    let faults = Faults(vec![down, Fault { whom, ..Fault::new(FaultKind::PollerDown, at(15), at(16)) }]);
    let mut hit = client("a client with quite a long name", Mode::Pull, &[]);
    let mut watch = FaultWatch::new(&faults, 0, 1, &mut hit.tally.faults);
    watch.occurred(0, at(12), &mut hit.tally.faults);
    watch.seen(0, at(12), at(26), &mut hit.tally.faults);
    watch.failed(0, at(13), &mut hit.tally.faults);
    watch.close(at(60), &mut hit.tally.faults);
    let report = report(false, vec![hit, client("spared", Mode::Push, &[])]);
    let csv = String::from_utf8(faults::file(&report)).unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "one for each fault of the one client that met any: {csv}");
    let cell = |name: &str| {
        let column = lines[0].split(',').position(|other| other == name).unwrap();
        lines[1].split(',').nth(column).unwrap()
    };
    assert_eq!((cell("kind"), cell("from_s"), cell("until_s")), ("provider-down", "10", "20"));
    assert_eq!((cell("events"), cell("inside_latency_n"), cell("inside_latency_mean_ms")), ("1", "1", "14000"));
    assert_eq!((cell("backlog_max"), cell("catch_up_s"), cell("failed")), ("1", "6", "1"));
    assert_eq!((cell("after_latency_n"), cell("after_latency_mean_ms"), cell("lost")), ("0", "", "0"));
    assert!(files::of(&report).unwrap().iter().any(|(name, _)| *name == "faults.csv"));
    let text = table::render(&report, table::Style::Plain);
    assert!(text.contains("System B is down, and packets to it vanish") && text.contains("for 30 % of the consumers"));
    assert!(text.lines().all(|line| line.chars().count() <= table::WIDTH), "{text}");
    let spared = Report { engines: Vec::new(), ..report };
    assert!(!files::of(&spared).unwrap().iter().any(|(name, _)| *name == "faults.csv"));
    assert!(!table::render(&spared, table::Style::Plain).contains("Faults"));
}
