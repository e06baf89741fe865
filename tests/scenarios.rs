//! The built-in scenarios show what their opening comments say they show.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use pushpull::engine::{Control, sim};
use pushpull::fault::ForgeryKind;
use pushpull::measure::fault_report::FaultTally;
use pushpull::measure::summary::Summary;
use pushpull::peer::LossCause;
use pushpull::scenario::Scenario;

/// The clients of a scenario by name, whose events are all accounted for.
fn play(name: &str) -> impl Fn(&str) -> Summary {
    play_with(name, &[])
}

fn play_with(name: &str, sets: &[&str]) -> impl Fn(&str) -> Summary {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    let scenario = Scenario::load(&path, &sets).unwrap();
    let runs = sim::run(&scenario.setup, &Control::default());
    let summaries =
        pushpull::evaluation::summarise(&scenario.setup, runs).unwrap_or_else(|failure| panic!("{failure}"));
    for summary in &summaries {
        assert_eq!(summary.delivered + summary.pending + summary.lost_total(), summary.events);
        assert_eq!(summary.pending, 0, "the drain is long enough");
    }
    move |client| summaries.iter().find(|summary| summary.terms.client == client).unwrap().clone()
}

fn hours(summary: &Summary) -> f64 {
    summary.latency_max_ms.unwrap() / 3.6e6
}

#[test]
fn under_stripes_retries_an_outage_costs_time_and_no_events() {
    let client = play("stripe-outage");
    let webhook = client("webhook");
    assert_eq!(webhook.lost_total(), 0);
    // What happens just after 2:00 is tried at 2:05, 2:35 and 4:35.
    assert!((2.5..=2.6).contains(&hours(&webhook)), "{}", hours(&webhook));
    assert!(webhook.latency_p50_ms.unwrap() < 30.0);
    for name in ["poll every 5 min", "webhook + poll"] {
        let summary = client(name);
        assert_eq!(summary.lost_total(), 0);
        assert!(hours(&summary) <= 5.1 / 60.0, "{name}: {}", hours(&summary));
    }
}

#[test]
fn without_retries_an_outage_costs_events_unless_something_reconciles() {
    let client = play("github-no-retries");
    let webhook = client("webhook");
    let lost = webhook.tally.lost_by(LossCause::NeverRetried);
    assert_eq!(lost, webhook.lost_total());
    // An hour of the rate falls into the ten minutes' sixty events, give or take; a hundredth of the rest is forty.
    assert!((60..=140).contains(&lost), "{lost}");
    assert!(webhook.reprocessed == 0 && webhook.attempts == webhook.events);
    let poll = client("webhook + poll");
    assert!(poll.lost_total() == 0 && hours(&poll) <= 0.3, "{}", hours(&poll));
    let script = client("webhook + script");
    assert!(script.lost_total() == 0 && hours(&script) <= 3.0, "{}", hours(&script));
    assert!(script.attempts > script.events && script.attempts < script.events + 3 * lost);
}

#[test]
fn haste_without_memory_multiplies_what_a_slow_receiver_has_to_do() {
    let client = play("retry-storm");
    let per_event = |name: &str| client(name).requests_per_event().unwrap();
    let (patient, hasty, remembering) = (per_event("patient"), per_event("hasty"), per_event("hasty, with memory"));
    assert!(hasty > 3.0 * patient && remembering < 1.2 * patient, "{patient} {hasty} {remembering}");
    let again = |name: &str| client(name).reprocessed;
    assert!(again("hasty") > 1_000 && again("patient") == 0 && again("hasty, with memory") == 0);
    assert!(client("hasty").lost_total() > 0 && client("patient").lost_total() == 0);
}

#[test]
fn in_order_nothing_overtakes_and_everybody_waits_for_a_failure() {
    let client = play("fifo-blocking");
    let (none, fifo) = (client("in no order"), client("first in, first out"));
    assert!(none.reordered > 50 && fifo.reordered == 0, "{}", none.reordered);
    assert!(fifo.latency_p95_ms.unwrap() > 100.0 * none.latency_p95_ms.unwrap());
    assert_eq!(none.latency_p50_ms, fifo.latency_p50_ms);
}

#[test]
fn only_the_one_without_a_signature_believes_what_is_made_up() {
    let client = play("forged");
    let (none, signed) = (client("believes whoever calls"), client("checks the signature"));
    assert_eq!(signed.forged_accepted, 0);
    assert!(signed.forged_rejected > 10_000);
    for kind in ForgeryKind::ALL {
        let is_made_up = matches!(kind, ForgeryKind::Unsigned | ForgeryKind::WronglySigned | ForgeryKind::Tampered);
        assert_eq!(none.tally.forged[kind as usize].accepted > 0, is_made_up, "{kind:?}");
    }
    let genuine = |summary: &Summary| (summary.delivered, summary.outcomes);
    assert_eq!(genuine(&none), genuine(&signed));
}

#[test]
fn a_thin_webhook_takes_a_request_more_and_queues_at_the_api() {
    let client = play("thin-webhooks");
    let (full, thin) = (client("full"), client("thin"));
    assert_eq!((full.requests(), thin.requests()), (full.events, 2 * thin.events));
    assert!(thin.latency_p99_ms.unwrap() > 2.0 * thin.latency_p50_ms.unwrap(), "a burst waits for the workers");
    let received = thin.consumer.bytes_in as f64 / full.consumer.bytes_in as f64;
    assert!((0.9..1.1).contains(&received), "{received}");
}

#[test]
fn a_flash_sale_is_too_much_for_the_queue_and_none_of_the_pollers_business() {
    let client = play("burst");
    let (poll, webhook) = (client("poll every 2 s"), client("webhook"));
    assert_eq!((poll.lost_total(), poll.outcomes.failed), (0, 0));
    assert!(webhook.outcomes.failed > 100_000 && webhook.lost_total() > webhook.events / 2);
    assert_eq!(webhook.consumer.queue_max, 128);
    assert!(poll.requests() * 10 < webhook.requests());
    assert!(poll.latency_p95_ms.unwrap() < webhook.latency_p95_ms.unwrap());
}

#[test]
fn when_system_b_was_down_webhooks_are_there_at_once_and_the_queue_is_behind_them() {
    let client = play("provider-outage");
    let of = |name: &str| client(name).tally.faults[0].clone();
    let (poll, webhook, both) = (of("poll every minute"), of("webhook"), of("webhook + poll"));
    for fault in [&poll, &webhook, &both] {
        assert_eq!(fault.lost, 0);
        assert!((2_700..3_300).contains(&fault.events), "five a second for ten minutes: {}", fault.events);
    }
    assert!(poll.failed > 5 && webhook.failed == 0, "nothing that waits is tried");
    let caught_up = |fault: &FaultTally| fault.catch_up().unwrap().as_secs_f64();
    // Five a second come while ten are done with: what takes ten minutes to come takes five to be handled.
    assert!(caught_up(&poll) <= 60.5 && (270.0..330.0).contains(&caught_up(&webhook)), "{}", caught_up(&webhook));
    assert_eq!(caught_up(&both), caught_up(&webhook), "what waits in the queue is not handled twice");
    // The oldest news comes first, and comes sooner with a webhook; but on average the poll is there sooner.
    let longest = |fault: &FaultTally| fault.inside.as_ref().unwrap().max_ms().unwrap();
    let mean = |fault: &FaultTally| fault.inside.as_ref().unwrap().mean_ms().unwrap();
    assert!(longest(&webhook) < longest(&poll) && mean(&webhook) > mean(&poll));
}

#[test]
fn a_long_poll_is_as_quick_as_a_webhook() {
    let client = play("long-poll");
    let (poll, long, webhook) = (client("poll every 2 s"), client("long poll"), client("webhook"));
    let mean = |summary: &Summary| summary.latency_mean_ms.unwrap();
    assert!(mean(&long) < 1.1 * mean(&webhook) && mean(&poll) > 30.0 * mean(&long));
    let per_event = |summary: &Summary| summary.requests_per_event().unwrap();
    assert!(per_event(&webhook) == 1.0 && per_event(&long) < 1.5 && per_event(&poll) > 5.0 * per_event(&long));
    assert_eq!(long.outcomes.failed, 0, "nothing is cut off");
}

#[test]
fn conditional_polls_save_bytes_and_no_requests() {
    let client = play("conditional");
    let (plain, conditional) = (client("plain"), client("conditional"));
    assert_eq!(plain.requests(), conditional.requests());
    assert_eq!(plain.latency_mean_ms, conditional.latency_mean_ms);
    assert!(conditional.outcomes.not_modified * 10 > conditional.requests() * 9);
    assert!(conditional.consumer.bytes_in * 10 < plain.consumer.bytes_in * 6);
    assert!(conditional.consumer.bytes_out * 20 > plain.consumer.bytes_out * 21);
    let moved = |summary: &Summary| (summary.consumer.bytes_in + summary.consumer.bytes_out) as f64;
    let ratio = moved(&conditional) / moved(&plain);
    assert!((0.75..0.95).contains(&ratio), "{ratio}");
}

#[test]
fn pollers_that_adapt_waste_less_and_start_late() {
    let client = play("adaptive");
    let fixed = client("every 5 s");
    for name in ["backoff", "adaptive"] {
        let other = client(name);
        assert!(other.requests() * 2 < fixed.requests(), "{name}: {} of {}", other.requests(), fixed.requests());
        assert!(other.latency_max_ms.unwrap() > 10.0 * fixed.latency_max_ms.unwrap(), "{name}");
    }
    let (backoff, adaptive) = (client("backoff"), client("adaptive"));
    let wasted = |summary: &Summary| summary.wasted_ratio().unwrap();
    assert!(wasted(&fixed) > 0.85 && wasted(&backoff) < wasted(&adaptive) && wasted(&adaptive) < wasted(&fixed));
    assert!(adaptive.requests() < backoff.requests());
    assert!(adaptive.latency_mean_ms.unwrap() > 2.0 * backoff.latency_mean_ms.unwrap());
}

#[test]
fn an_order_is_polled_a_thousand_times_or_told_of_three_times() {
    let client = play("order-status");
    let polled = client("poll each every minute");
    let records = polled.records.clone().unwrap();
    assert!(records.polls_mean.unwrap() > 700.0 && records.polls_max.unwrap() > 3_000, "{records:?}");
    assert!(records.known == records.finals && records.finals > 200, "{records:?}");
    let rare = client("poll each every half hour");
    assert!((25.0..60.0).contains(&rare.records.clone().unwrap().polls_mean.unwrap()));
    let backing_off = client("poll each, backing off");
    assert!(rare.requests() < backing_off.requests() && backing_off.requests() < 2 * rare.requests());
    let superseded = |summary: &Summary| summary.lost_by(LossCause::Superseded) as f64 / summary.events as f64;
    assert!(superseded(&rare) > 0.01 && superseded(&polled) < 0.005, "{} {}", superseded(&rare), superseded(&polled));
    assert_eq!(superseded(&rare), rare.lost_total() as f64 / rare.events as f64);
    let (feed, webhook) = (client("poll the feed"), client("webhook"));
    assert!(feed.lost_total() == 0 && feed.requests() * 5 < polled.requests());
    assert_eq!(webhook.requests(), webhook.events);
    let know = |summary: &Summary| summary.records.clone().unwrap().know_mean_ms.unwrap() / 60e3;
    assert!(know(&backing_off) < know(&rare) && know(&backing_off) > 8.0, "{}", know(&backing_off));
    assert!((13.0..17.0).contains(&know(&rare)) && know(&webhook) < 0.01, "{}", know(&rare));
}

#[test]
fn who_asks_more_often_than_the_account_allows_is_late_and_webhooks_are_not_counted() {
    let client = play("rate-limited");
    let (often, rarely, webhook) = (client("poll every 10 s"), client("poll every 20 s"), client("webhook"));
    let throttled = often.outcomes.throttled as f64 / often.polls as f64;
    assert!((0.45..0.55).contains(&throttled), "{throttled}");
    let throttled = rarely.outcomes.throttled as f64 / rarely.polls as f64;
    assert!(throttled < 0.05, "{throttled}");
    assert!(often.latency_p99_ms.unwrap() > rarely.latency_p99_ms.unwrap());
    assert_eq!((webhook.outcomes.throttled, webhook.latency_max_ms), (0, Some(22.0)));
    let told = client("poll as told");
    let throttled = told.outcomes.throttled as f64 / told.polls as f64;
    assert!((0.45..0.55).contains(&throttled), "{throttled}");
    assert!([often, rarely, told].iter().all(|summary| summary.lost_total() == 0));
}

#[test]
fn a_stampede_finds_idle_workers_and_no_place() {
    let client = play("thundering-herd");
    let (aligned, random) = (client("on the minute"), client("at random"));
    let failed = |summary: &Summary| summary.outcomes.failed as f64 / summary.polls as f64;
    assert!((0.7..0.9).contains(&failed(&aligned)), "{}", failed(&aligned));
    assert_eq!(aligned.provider.rps_peak, Some(3_000));
    assert!(aligned.provider.busy_ratio.unwrap() < 0.02, "{:?}", aligned.provider.busy_ratio);
    let caught_up = |summary: &Summary| summary.tally.faults[0].catch_up().unwrap().as_secs_f64();
    assert!(caught_up(&aligned) > 600.0, "{}", caught_up(&aligned));
    for name in ["on the minute, jitter 0.1", "on the minute, jitter 1", "at random"] {
        let other = client(name);
        assert_eq!(other.polls, aligned.polls);
        // What was open when the pollers went down was not heard.
        assert!(failed(&other) < 0.001 && caught_up(&other) < 61.0, "{name}: {} {}", failed(&other), caught_up(&other));
        assert!(other.latency_mean_ms.unwrap() * 4.0 < aligned.latency_mean_ms.unwrap(), "{name}");
    }
    assert!(random.provider.rps_peak.unwrap() < 100, "fifty a second on average: {:?}", random.provider.rps_peak);
}

#[test]
fn a_poller_that_sleeps_at_night_asks_less_often_than_webhooks_come() {
    let client = play("daily-rhythm");
    let (fixed, adaptive, webhook) = (client("every 10 s"), client("adaptive"), client("webhook"));
    let wasted = |summary: &Summary| summary.wasted_ratio().unwrap();
    assert!((0.7..0.8).contains(&wasted(&fixed)) && (0.05..0.15).contains(&wasted(&adaptive)));
    assert!(adaptive.requests() < webhook.requests() && webhook.requests() < fixed.requests());
    let minutes = |ms: Option<f64>| ms.unwrap() / 60e3;
    assert!((0.5..1.0).contains(&minutes(adaptive.latency_mean_ms)));
    assert!((5.0..=10.01).contains(&minutes(adaptive.latency_max_ms)));
    // The quietest stretch of the week and the busiest.
    let busy = fixed.tally.buckets.iter().filter(|bucket| bucket.outcomes.total() > 100);
    let shares = busy.map(|bucket| bucket.outcomes.empty as f64 / bucket.outcomes.total() as f64);
    let (least, most) = shares.fold((1.0f64, 0.0f64), |(least, most), share| (least.min(share), most.max(share)));
    assert!(least < 0.6 && most > 0.94, "{least} {most}");
}

#[test]
fn what_ages_out_before_a_poll_comes_for_it_is_gone() {
    let client = play("retention-gap");
    let share = |name: &str, cause| {
        let summary = client(name);
        assert_eq!(summary.lost_by(cause), summary.lost_total(), "{name}");
        summary.lost_total() as f64 / summary.events as f64
    };
    let weekly = share("poll every week", LossCause::AgedOut);
    assert!((0.65..0.85).contains(&weekly), "{weekly}");
    let webhook = share("webhook", LossCause::NeverRetried);
    assert!((0.045..0.055).contains(&webhook), "{webhook}");
    let behind = share("webhook + weekly poll", LossCause::AgedOut);
    assert!((0.6 * webhook..0.9 * webhook).contains(&behind), "{behind}");
    // Five days of seven, of 56.
    let asleep = share("12 h poll, asleep for a week", LossCause::AgedOut);
    assert!((0.075..0.125).contains(&asleep), "{asleep}");
    for name in ["poll every 12 h", "webhook + 12 h poll"] {
        assert_eq!(client(name).lost_total(), 0, "{name}");
    }
}

#[test]
fn a_connection_for_each_request_is_dear_to_webhooks_and_nothing_to_a_poller() {
    let (each, reuse) = (play("tls"), play_with("tls", &["network.handshake=reuse"]));
    let latency = |summary: &Summary| summary.latency_p50_ms.unwrap();
    // Two round trips of 80 ms before the 42 ms that a webhook takes anyway.
    let (slow, fast) = (latency(&each("webhook")), latency(&reuse("webhook")));
    assert!((slow - 202.0).abs() < 0.5 && (fast - 42.0).abs() < 0.1, "{slow} {fast}");
    let (slow, fast) = (each("poll every 5 s"), reuse("poll every 5 s"));
    let mean = |summary: &Summary| summary.latency_mean_ms.unwrap();
    // Uniform over five seconds: the standard error of a mean over so many events, twice.
    let error = 5_000.0 / 12f64.sqrt() / (slow.events as f64).sqrt() * 2f64.sqrt();
    assert!((mean(&slow) - mean(&fast)).abs() < 4.0 * error, "{} {}", mean(&slow), mean(&fast));
}

#[test]
fn a_webhook_is_cheaper_until_events_share_polls() {
    use pushpull::measure::prices::Costs;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/budget.toml");
    let scenario = Scenario::load(&path, &[]).unwrap();
    let prices = scenario.prices.unwrap();
    let per_event = |client: &Summary| Costs::of(&prices, client).per_million_events.unwrap();
    let cost = |sets: &[&str]| {
        let client = play_with("budget", sets);
        let clients = [client("poll every 10 s"), client("webhook")];
        // The promise is kept either way: a poll is at most its interval late.
        assert!(clients.iter().all(|client| client.latency_p99_ms.unwrap() <= 10_000.0 && client.lost_total() == 0));
        per_event(&clients[0]) / per_event(&clients[1])
    };
    // Six polls an event, or one for ten events; what is sent costs little beside.
    let (seldom, often) = (cost(&[]), cost(&["events.rate=1/s"]));
    assert!((5.5..6.5).contains(&seldom) && (0.1..0.2).contains(&often), "{seldom} {often}");
}
