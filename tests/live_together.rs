//! Parts that were made apart, met together: small scenarios through the program, in both engines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod roles_support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use roles_support::{Process, Row};

/// Runs share the machine's two or so cores badly, so they come one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What both engines say of a scenario: for each client the row of virtual time, and then the one of real sockets.
struct Both(Vec<Row>);

impl Both {
    fn play(scenario: &str) -> Self {
        let ended = Process::start(&["run", "mine.toml", "--engine", "both"], &[("mine.toml", scenario)]).wait();
        // A busy machine may be late, and then the engines differ by more than they may; what is asked here leaves room.
        assert!([0, 3, 99].contains(&ended.code), "{}: {}", ended.code, ended.stderr);
        assert!(!ended.stderr.contains("no connection"), "{}", ended.stderr);
        let rows = ended.rows("summary.csv").into_iter().map(Row).collect::<Vec<_>>();
        let both = Self(rows);
        for row in &both.0 {
            assert_eq!((row.count("pending"), row.text("partial")), (0, "false"), "{row:?}");
            // Of a record that is polled only the last change is sure to be seen.
            assert_eq!(row.count("lost"), row.count("lost_superseded"), "{row:?}");
            row.assert(&[("delivered", row.count("events") - row.count("lost"))]);
        }
        both
    }

    /// A client in virtual time and in real time.
    fn client(&self, name: &str) -> [&Row; 2] {
        ["sim", "live"].map(|engine| {
            let is_it = |row: &&Row| row.text("client") == name && row.text("engine") == engine;
            self.0.iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {engine}"))
        })
    }
}

fn number(row: &Row, name: &str) -> f64 {
    row.text(name).parse().unwrap_or_else(|error| panic!("{name}: {error}: {row:?}"))
}

/// That a count is in real time what it is in virtual time, but for this share, or four.
#[track_caller]
fn assert_close([sim, live]: [&Row; 2], name: &str, share: f64) {
    let (expected, real) = (number(sim, name), number(live, name));
    assert!((real - expected).abs() <= (expected * share).max(4.0), "{name}: {real} instead of about {expected}");
}

/// That a mean is in real time at most so many milliseconds longer.
#[track_caller]
fn assert_late([sim, live]: [&Row; 2], name: &str, most: f64) {
    let late = number(live, name) - number(sim, name);
    assert!((-50.0..most).contains(&late), "{name}: {late} ms later");
}

#[test]
fn answers_304_are_free_from_end_to_end_whoever_gets_them() {
    let _alone = alone();
    let both = Both::play(
        "duration = \"6s\"\ndrain = \"30s\"\nconsumers = 2\n\
         [events]\narrivals = \"constant\"\nrate = \"0.5/s\"\n\
         [network]\nlatency = \"2ms\"\n\
         [provider.api]\nquota = { requests = 10, per = \"8s\" }\n\
         [[client]]\nname = \"conditional long poll\"\n\
         [client.pull]\nstrategy = \"long-poll\"\nhold = \"200ms\"\nconditional = true\n\
         [[client]]\nname = \"conditional\"\n[client.pull]\nevery = \"150ms\"\nconditional = true\n\
         [[client]]\nname = \"long poll\"\n[client.pull]\nstrategy = \"long-poll\"\nhold = \"200ms\"\n",
    );
    for name in ["conditional long poll", "conditional"] {
        let rows = both.client(name);
        for row in rows {
            row.assert(&[("throttled", 0), ("failed", 0)]);
            assert!(row.count("not_modified") > 2 * 10, "more than the quota of both: {row:?}");
        }
        assert_close(rows, "requests", 0.3);
        assert_close(rows, "useful", 0.0);
    }
    // Who is answered with an empty page runs out, and is told to wait until the window is over.
    let rows = both.client("long poll");
    assert_close(rows, "throttled", 0.0);
    for row in rows {
        assert!(row.count("throttled") >= 2 && row.count("not_modified") == 0, "{row:?}");
        assert!(number(row, "latency_mean_ms") > 1_000.0, "{row:?}");
    }
}

#[test]
fn who_is_told_when_to_come_back_does_so_over_real_http() {
    let _alone = alone();
    let both = Both::play(
        "duration = \"8s\"\ndrain = \"30s\"\nconsumers = 2\n\
         [events]\narrivals = \"constant\"\nrate = \"1/s\"\n\
         [network]\nlatency = \"2ms\"\n\
         [provider.api]\nrate_limit = { rate = \"1/s\", burst = 1 }\n\
         [[client]]\nname = \"hint\"\n[client.pull]\nevery = \"300ms\"\nstrategy = \"hint\"\n\
         [[client]]\nname = \"deaf\"\n[client.pull]\nevery = \"300ms\"\n",
    );
    for name in ["hint", "deaf"] {
        let rows = both.client(name);
        assert_close(rows, "requests", 0.25);
        assert_close(rows, "throttled", 0.25);
        assert_close(rows, "useful", 0.4);
        rows.iter().for_each(|row| row.assert(&[("failed", 0)]));
    }
    for [hint, deaf] in [0, 1].map(|engine| [both.client("hint")[engine], both.client("deaf")[engine]]) {
        assert!(
            deaf.count("throttled") > 2 * hint.count("throttled") && hint.count("throttled") > 3,
            "{hint:?} {deaf:?}"
        );
    }
}

#[test]
fn who_is_told_that_the_quota_is_spent_waits_as_long_in_both_engines() {
    let _alone = alone();
    let both = Both::play(
        "duration = \"9s\"\ndrain = \"30s\"\nconsumers = 2\n\
         [events]\narrivals = \"constant\"\nrate = \"1/s\"\n\
         [network]\nlatency = \"2ms\"\n\
         [provider.api]\nquota = { requests = 5, per = \"3s\" }\n\
         [[client]]\nname = \"hint\"\n[client.pull]\nevery = \"250ms\"\nstrategy = \"hint\"\n",
    );
    let rows = both.client("hint");
    assert_close(rows, "requests", 0.0);
    assert_late(rows, "latency_mean_ms", 400.0);
    for row in rows {
        // Five in a second, and then a wait for the other two, which is told in whole seconds.
        row.assert(&[("throttled", 0), ("failed", 0)]);
        assert!((20..=34).contains(&row.count("requests")), "{row:?}");
    }
}

#[test]
fn system_b_goes_down_behind_tls_while_it_holds_polls() {
    let _alone = alone();
    for (handshake, connections) in [("each", "reset"), ("reuse", "reset"), ("each", "drop")] {
        let both = Both::play(&format!(
            "duration = \"4s\"\ndrain = \"30s\"\nconsumers = 3\n\
             [events]\nrate = \"5/s\"\n\
             [network]\nlatency = \"3ms\"\nhandshake = \"{handshake}\"\ntls = true\n\
             [[client]]\nname = \"poll\"\n[client.pull]\nevery = \"200ms\"\ntimeout = \"200ms\"\n\
             [[client]]\nname = \"long poll\"\n\
             [client.pull]\nstrategy = \"long-poll\"\nhold = \"2s\"\ntimeout = \"3s\"\n\
             [[client]]\nname = \"webhook\"\n[client.push]\n\
             [[fault]]\nkind = \"provider-down\"\nat = \"1500ms\"\nfor = \"1s\"\nconnections = \"{connections}\"\n",
        ));
        for row in both.client("poll").into_iter().chain(both.client("long poll")) {
            assert!(row.count("failed") >= 3, "{handshake} {connections}: {row:?}");
        }
        assert_close(both.client("poll"), "requests", 0.3);
        assert_close(both.client("poll"), "failed", 0.5);
        assert_late(both.client("long poll"), "latency_mean_ms", 1_000.0);
        assert_late(both.client("webhook"), "latency_mean_ms", 500.0);
        assert_close(both.client("webhook"), "useful", 0.0);
    }
}

#[test]
fn endpoints_of_some_consumers_go_down_behind_tls_and_the_others_notice_nothing() {
    let _alone = alone();
    for handshake in ["each", "reuse"] {
        let both = Both::play(&format!(
            "duration = \"4s\"\ndrain = \"30s\"\nconsumers = 8\n\
             [events]\nrate = \"3/s\"\n\
             [network]\nlatency = \"3ms\"\nhandshake = \"{handshake}\"\ntls = true\n\
             [[client]]\nname = \"some\"\n\
             [client.push]\nretry = {{ base = \"250ms\", factor = 1, max = 20, jitter = 0.0 }}\n\
             [[client]]\nname = \"none\"\n\
             [client.push]\nretry = {{ base = \"250ms\", factor = 1, max = 20, jitter = 0.0 }}\n\
             [[fault]]\nkind = \"receiver-down\"\nclient = \"some\"\nat = \"1500ms\"\nfor = \"1s\"\nconsumers = 0.5\n",
        ));
        let rows = both.client("some");
        assert_close(rows, "useful", 0.0);
        assert_close(rows, "failed", 0.4);
        assert!(rows[1].count("failed") > 3, "{:?}", rows[1]);
        both.client("none").iter().for_each(|row| row.assert(&[("failed", 0), ("duplicate", 0)]));
    }
}

#[test]
fn records_are_asked_for_again_once_their_poller_is_up() {
    let _alone = alone();
    let both = Both::play(
        "duration = \"4s\"\ndrain = \"30s\"\nconsumers = 2\n\
         [events]\nrate = \"3/s\"\nlifecycle = { changes = 2, time = \"150ms\" }\n\
         [network]\nlatency = \"2ms\"\n\
         [[client]]\nname = \"records\"\n[client.pull]\nevery = \"50ms\"\ntarget = \"record\"\n\
         [[fault]]\nkind = \"poller-down\"\nat = \"1500ms\"\nfor = \"1s\"\n",
    );
    let rows = both.client("records");
    for row in rows {
        let opened = row.count("records_opened");
        assert!(opened > 8, "{row:?}");
        row.assert(&[("records_final", opened), ("records_known", opened)]);
        // What was final while nobody asked is known when somebody does.
        assert!((500.0..2_500.0).contains(&number(row, "know_max_ms")), "{row:?}");
    }
    assert_late(rows, "know_mean_ms", 300.0);
    assert_close(rows, "polls", 0.5);
}
