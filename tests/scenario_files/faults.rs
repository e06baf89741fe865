//! What breaks for a while reaches the clients that it concerns.

use pushpull::fault::{Connections, Fault, FaultKind, Whom};
use pushpull::measure::fact::Fact;
use pushpull::peer::Side;
use pushpull::scenario::Scenario;
use pushpull::time::{Span, Time};

use crate::{SMALLEST, parse};

const TWO: &str = r#"
duration = "1h"
[events]
rate = "0.1/s"
[[client]]
name = "one"
[client.push]
[[client]]
name = "two"
[client.push]
[client.pull]
every = "10m"
[[client]]
name = "poll"
[client.pull]
every = "1m"
"#;

fn with(faults: &str) -> Scenario {
    parse(&format!("{TWO}{faults}"), &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn faults(scenario: &Scenario, client: usize) -> &[Fault] {
    &scenario.setup.clients[client].faults.0
}

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

#[test]
fn a_fault_concerns_the_client_that_it_names_or_every_one_with_webhooks() {
    let scenario = with(
        "[[fault]]\nkind = \"receiver-down\"\nclient = \"two\"\nat = \"5m\"\nfor = \"90s\"\n\
         [[fault]]\nkind = \"receiver-slow\"\nfactor = 3\nat = \"0s\"\nfor = \"1m\"\n",
    );
    let down = FaultKind::ReceiverDown { connections: Connections::Reset };
    let slow = Fault::new(FaultKind::ReceiverSlow { factor: 3.0 }, at(0), at(60));
    assert_eq!(faults(&scenario, 0), [slow]);
    assert_eq!(faults(&scenario, 1), [Fault::new(down, at(300), at(390)), slow]);
    assert_eq!(faults(&scenario, 2), []);
}

#[test]
fn what_a_fault_does_not_say_has_a_default() {
    let scenario = with("[[fault]]\nkind = \"receiver-errors\"\nat = \"0s\"\nfor = \"1m\"\n");
    let errors = FaultKind::ReceiverErrors { status: 503, share: 1.0, retry_after: None };
    assert_eq!(faults(&scenario, 0), [Fault::new(errors, at(0), at(60))]);
    // The attacker goes on until no more events happen.
    let scenario = with("[[fault]]\nkind = \"forged-webhooks\"\nat = \"30m\"\nrate = \"4/s\"\n");
    let forged = FaultKind::ForgedWebhooks { gap_nanos: 250e6, mix: [1; 7] };
    assert_eq!(faults(&scenario, 1), [Fault::new(forged, at(1_800), at(3_600))]);
    let scenario = with("[[fault]]\nkind = \"forged-webhooks\"\nrate = \"4/s\"\nmix = { stale = 2 }\n");
    assert!(
        matches!(faults(&scenario, 0), [Fault { kind: FaultKind::ForgedWebhooks { mix, .. }, .. }] if *mix == [0, 0, 2, 0, 0, 0, 0])
    );
}

#[test]
fn one_receiver_goes_down_once_at_a_time() {
    let down = |client: &str, from: u32| {
        format!("[[fault]]\nkind = \"receiver-down\"\nclient = \"{client}\"\nat = \"{from}m\"\nfor = \"5m\"\n")
    };
    let both = |first: String, second: String| parse(&format!("{TWO}{first}{second}"), &[]);
    assert!(
        both(down("one", 0), down("one", 4))
            .is_err_and(|text| text.contains("is down already for \"one\" at that time"))
    );
    assert!(both(down("one", 4), down("one", 0)).is_err());
    assert!(both(down("one", 0), down("one", 5)).is_ok());
    assert!(both(down("one", 0), down("two", 4)).is_ok());
}

#[test]
fn forged_webhooks_and_fetches_count_among_the_requests_of_a_run() {
    let forged = "fault=[{ kind = 'forged-webhooks', rate = '1000000/s' }]";
    let refused = parse(SMALLEST, &[forged, "duration=1000s", "consumers=10000"]).unwrap_err();
    assert!(refused.contains("about 10^13 requests") && refused.contains("the `rate` of the fault"), "{refused}");
    let live = ["engine=live", "events.rate=100/s", "duration=60000s"];
    assert!(parse(SMALLEST, &live).is_ok());
    let thin = [&live[..], &["client.webhook.push.payload=thin"]].concat();
    assert!(parse(SMALLEST, &thin).is_err_and(|text| text.contains("requests over all clients")));
}

#[test]
fn a_fault_without_anybody_to_meet_it_is_refused() {
    let nobody = SMALLEST.replace("[client.push]", "[client.pull]\nevery = \"1h\"");
    let fault = "fault=[{ kind = 'receiver-down', at = '0s', for = '1m' }]";
    assert!(parse(&nobody, &[fault]).is_err_and(|text| text.contains("no client receives webhooks")));
}

/// How many webhooks a run of one consumer makes, and how many were expected.
fn attempts(push: &str, fault: &str) -> (f64, f64) {
    let text = format!(
        "duration = \"1h\"\n[events]\nrate = \"1/s\"\n[[client]]\nname = \"hook\"\n[client.push]\n{push}\n[[fault]]\n{fault}\n"
    );
    let scenario = parse(&text, &[]).expect("it is valid");
    let facts = pushpull::engine::sim::trace(&scenario.setup, 0, 0).1;
    let is_webhook = |fact: &Fact| matches!(fact, Fact::Opened { exchange, .. } if exchange.opener == Side::Provider);
    let made = facts.iter().filter(|(_, fact)| is_webhook(fact)).count();
    (made as f64, pushpull::theory::volume(&scenario.setup, 0).attempts)
}

#[test]
fn the_attempts_that_a_fault_causes_are_expected() {
    let each_second = "retry = { base = \"1s\", factor = 1, max = 100 }";
    let backing_off = "retry = { base = \"1s\", factor = 2, max = 8 }";
    let down = "kind = \"receiver-down\"\nat = \"10m\"\nfor = \"20m\"";
    let some = "kind = \"receiver-errors\"\nat = \"10m\"\nfor = \"20m\"\nshare = 0.5";
    let all = "kind = \"receiver-errors\"\nat = \"0s\"\nfor = \"1h\"";
    let dropping = format!("{down}\nconnections = \"drop\"");
    let cases = [
        (each_second.to_owned(), down),
        (each_second.to_owned(), some),
        (backing_off.to_owned(), all),
        (backing_off.to_owned(), dropping.as_str()),
        (format!("order = \"fifo\"\n{backing_off}"), down),
        (format!("rate_limit = \"50/s\"\n{each_second}"), all),
    ];
    for (push, fault) in cases {
        let (made, expected) = attempts(&push, fault);
        assert!((made / expected - 1.0).abs() < 0.1, "{made} attempts, not {expected}: {push} {fault}");
    }
}

#[test]
fn each_kind_concerns_those_who_can_meet_it() {
    let provider = with("[[fault]]\nkind = \"provider-down\"\nat = \"5m\"\nfor = \"1m\"\nconnections = \"drop\"\n");
    let down = Fault::new(FaultKind::ProviderDown { connections: Connections::Drop }, at(300), at(360));
    assert!((0..3).all(|client| faults(&provider, client) == [down]));
    let poller = with("[[fault]]\nkind = \"poller-down\"\nat = \"5m\"\nfor = \"1m\"\n");
    let down = Fault::new(FaultKind::PollerDown, at(300), at(360));
    assert_eq!([0, 1, 2].map(|client| faults(&poller, client).to_vec()), [vec![], vec![down], vec![down]]);
    let loss = with("[[fault]]\nkind = \"network-loss\"\nclient = \"poll\"\nat = \"0s\"\nfor = \"1m\"\nloss = 0.25\n");
    let lossy = Fault::new(FaultKind::NetworkLoss { loss: 0.25 }, at(0), at(60));
    assert_eq!([0, 1, 2].map(|client| faults(&loss, client).to_vec()), [vec![], vec![], vec![lossy]]);
    let slow = with("[[fault]]\nkind = \"network-slow\"\nat = \"0s\"\nfor = \"1m\"\nfactor = 10\n");
    assert!((0..3).all(|client| faults(&slow, client) == [Fault::new(FaultKind::NetworkSlow { factor: 10.0 }, at(0), at(60))]));
}

#[test]
fn each_fault_finds_a_share_of_its_own() {
    let down =
        |from: u32| format!("[[fault]]\nkind = \"provider-down\"\nat = \"{from}m\"\nfor = \"1m\"\nconsumers = 0.3\n");
    let scenario = with(&format!("{}{}", down(5), down(10)));
    let met = |index: usize| {
        let fault = faults(&scenario, 2)[index];
        (0..10_000).filter(|consumer| fault.whom.includes(*consumer)).collect::<Vec<_>>()
    };
    let (first, second) = (met(0), met(1));
    let both = first.iter().filter(|consumer| second.contains(consumer)).count() as f64;
    // Four standard errors of the count of 10,000 draws.
    let near = |count: f64, share: f64| (count - 1e4 * share).abs() < 4.0 * (1e4 * share * (1.0 - share)).sqrt();
    assert!(near(first.len() as f64, 0.3) && near(second.len() as f64, 0.3) && near(both, 0.09), "{both}");
    assert_eq!(faults(&scenario, 0), faults(&scenario, 2), "every client meets the same");
    let all = with("[[fault]]\nkind = \"poller-down\"\nat = \"5m\"\nfor = \"1m\"\nconsumers = 1\n");
    assert_eq!(faults(&all, 2)[0].whom, Whom::All);
}

#[test]
fn mistakes_about_faults_are_explained() {
    let fault = |keys: &str| format!("[[fault]]\n{keys}\n");
    let twice = |kind: &str| {
        fault(&format!(
            "kind = \"{kind}\"\nat = \"1m\"\nfor = \"5m\"\n[[fault]]\nkind = \"{kind}\"\nat = \"2m\"\nfor = \"1m\""
        ))
    };
    let cases = [
        fault("kind = \"provider-down\"\nfor = \"1m\""),
        fault("kind = \"network-slow\"\nat = \"1m\"\nfor = \"1m\""),
        fault("kind = \"network-slow\"\nat = \"1m\"\nfor = \"1m\"\nfactor = 0"),
        fault("kind = \"network-loss\"\nat = \"1m\"\nfor = \"1m\""),
        fault("kind = \"network-loss\"\nat = \"1m\"\nfor = \"1m\"\nloss = 30"),
        fault("kind = \"network-loss\"\nat = \"1m\"\nloss = 0.5"),
        fault("kind = \"poller-down\"\nat = \"1m\"\nfor = \"1m\"\nconnections = \"drop\""),
        fault("kind = \"poller-down\"\nat = \"1m\"\nfor = \"1m\"\nclient = \"one\""),
        fault("kind = \"poller-down\"\nat = \"1m\"\nfor = \"1m\"\nclient = \"poller\""),
        fault("kind = \"provider-down\"\nat = \"1m\"\nfor = \"1m\"\nclient = \"somebody\""),
        fault("kind = \"provider-down\"\nat = \"1m\"\nfor = \"1m\"\nconsumers = 2"),
        fault("kind = \"provider-down\"\nat = \"1m\"\nfor = \"1m\"\nconsumers = \"30 %\""),
        fault("kind = \"provider-down\"\nat = \"1m\"\nfor = \"1m\"\nloss = 0.1"),
        twice("provider-down"),
        twice("poller-down"),
    ];
    let explained = cases.map(|case| {
        let problems = parse(&format!("{TWO}{case}"), &[]).expect_err("it is a mistake");
        format!("{}\n{problems}", case.trim_end())
    });
    insta::assert_snapshot!("fault_mistakes", explained.join("\n\n"));
}
