//! The rows of the table of parameters.

use super::{
    At, Choice, Group, Name, Numbers, Parameter, Part, Quantity, Role, Setting, State, Trouble, Values, plain,
};

use crate::scenario::units::format_span;
use crate::time::Span;

const PULL: At = At::Client(Role::Pull, Part::Pull);
const PUSH: At = At::Client(Role::Push, Part::Push);
const RECEIVER: At = At::Client(Role::Push, Part::Receiver);
const SLOW_POLL: At = At::Client(Role::Both, Part::Pull);

/// Numbers of a kind within a range, the values at which the control rests, and the one it starts from.
const fn numbers(quantity: Quantity, range: [f64; 2], stops: &'static [f64], default: f64) -> Values {
    Values::Number(Numbers { quantity, range, zero: None, stops, default })
}

/// The same, where zero has a word of its own.
const fn numbers_or(
    zero: &'static str,
    quantity: Quantity,
    range: [f64; 2],
    stops: &'static [f64],
    default: f64,
) -> Values {
    Values::Number(Numbers { quantity, range, zero: Some(zero), stops, default })
}

const fn option(key: &'static str, label: &'static str) -> Choice {
    Choice { key, label }
}

const RATES: &[f64] = &[0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const INTERVALS: &[f64] = &[0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Every parameter.
pub(in crate::lab) const TABLE: &[Parameter] = &[
    Parameter {
        name: Name::Rate,
        key: "rate",
        label: "Events",
        help: "How often something changes at System B, on average.",
        group: Group::Events,
        values: numbers(Quantity::PerMinute, [0.01, 6_000.0], RATES, 12.0),
        settings: |state| vec![set(At::Events, "rate", rate(state, Name::Rate))],
        read_at: Some((At::Events, "rate")),
    },
    Parameter {
        name: Name::Arrivals,
        key: "arrivals",
        label: "They come",
        help: "Like clockwork, at random, or many at once with silence in between.",
        group: Group::Events,
        values: Values::Choice {
            options: &[
                option("steady", "like clockwork"),
                option("random", "at random"),
                option("bursts", "in bursts"),
            ],
            default: 1,
        },
        settings: arrivals,
        read_at: None,
    },
    Parameter {
        name: Name::Burst,
        key: "burst",
        label: "A burst lasts",
        help: "How long a burst of events lasts on average, if events come in bursts.",
        group: Group::Events,
        values: numbers(Quantity::Seconds, [0.1, 3_600.0], &[1.0, 2.0, 5.0, 10.0, 30.0, 60.0], 5.0),
        settings: |_| Vec::new(),
        read_at: None,
    },
    Parameter {
        name: Name::Silence,
        key: "silence",
        label: "Silence between bursts",
        help: "How long nothing happens between two bursts on average.",
        group: Group::Events,
        values: numbers(Quantity::Seconds, [0.1, 86_400.0], &[5.0, 10.0, 25.0, 55.0, 120.0, 300.0, 600.0], 55.0),
        settings: |_| Vec::new(),
        read_at: None,
    },
    Parameter {
        name: Name::Every,
        key: "every",
        label: "Ask every",
        help: "How long the poller waits from one question to the next.",
        group: Group::Polling,
        values: numbers(Quantity::Seconds, [0.1, 86_400.0], INTERVALS, 10.0),
        settings: every,
        read_at: Some((PULL, "every")),
    },
    Parameter {
        name: Name::Strategy,
        key: "strategy",
        label: "How it asks",
        help: "Always alike, more rarely while nothing comes, or so that System B holds each question until there is news.",
        group: Group::Polling,
        values: Values::Choice {
            options: &[
                option("fixed", "always alike"),
                option("backoff", "slower while it is quiet"),
                option("adaptive", "half of the answers useful"),
                option("long-poll", "System B holds the question"),
                option("conditional", "“only if it changed” (304)"),
            ],
            default: 0,
        },
        settings: strategy,
        read_at: None,
    },
    Parameter {
        name: Name::Phase,
        key: "phase",
        label: "Pollers start",
        help: "Whether all System A’s ask at the same moment, as on the full minute, or each at its own.",
        group: Group::Polling,
        values: Values::Choice {
            options: &[option("random", "each at its own moment"), option("aligned", "all at the same moment")],
            default: 0,
        },
        settings: |state| match state.choice(Name::Phase) {
            "aligned" => vec![set(PULL, "phase", "\"aligned\"")],
            _ => Vec::new(),
        },
        read_at: None,
    },
    Parameter {
        name: Name::Retries,
        key: "retries",
        label: "A webhook that fails",
        help: "What System B does when System A does not say “got it”.",
        group: Group::Webhooks,
        values: Values::Choice {
            options: &[
                option("none", "is forgotten"),
                option("quick", "is sent again for a minute"),
                option("patient", "is sent again for half an hour"),
                option("standard-webhooks", "is sent again for a day"),
                option("stripe", "is sent again for three days"),
            ],
            default: 1,
        },
        settings: retries,
        read_at: None,
    },
    Parameter {
        name: Name::Signature,
        key: "signature",
        label: "Signature",
        help: "How System A checks that it is really System B who calls.",
        group: Group::Webhooks,
        values: Values::Choice {
            options: &[
                option("none", "none: believe whoever calls"),
                option("standard-webhooks", "Standard Webhooks (shared secret)"),
                option("standard-webhooks-ed25519", "Standard Webhooks (key pair)"),
                option("stripe", "as Stripe signs"),
                option("github", "as GitHub signs"),
                option("sendgrid", "as SendGrid signs"),
            ],
            default: 1,
        },
        settings: |state| {
            with_webhooks(state, Part::Push, "signature", &format!("\"{}\"", state.choice(Name::Signature)))
        },
        read_at: Some((PUSH, "signature")),
    },
    Parameter {
        name: Name::Workers,
        key: "workers",
        label: "Receiver: workers",
        help: "How many webhooks System A handles at the same time.",
        group: Group::Webhooks,
        values: numbers(Quantity::Whole, [1.0, 1_000.0], &[1.0, 2.0, 4.0, 8.0, 16.0, 64.0], 4.0),
        settings: |state| with_webhooks(state, Part::Receiver, "workers", &plain(state.number(Name::Workers))),
        read_at: Some((RECEIVER, "workers")),
    },
    Parameter {
        name: Name::Work,
        key: "work",
        label: "Receiver: work on each",
        help: "How long System A works on each webhook.",
        group: Group::Webhooks,
        values: numbers_or(
            "no time",
            Quantity::Milliseconds,
            [0.0, 9_000.0],
            &[0.0, 2.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1_000.0],
            2.0,
        ),
        settings: |state| with_webhooks(state, Part::Receiver, "service_time", &milliseconds(state, Name::Work)),
        read_at: Some((RECEIVER, "service_time")),
    },
    Parameter {
        name: Name::Queue,
        key: "queue",
        label: "Receiver: queue",
        help: "How many webhooks may wait for a worker; one more is turned away.",
        group: Group::Webhooks,
        values: numbers_or(
            "no place to wait",
            Quantity::Whole,
            [0.0, 100_000.0],
            &[0.0, 4.0, 8.0, 16.0, 32.0, 128.0, 1_000.0],
            128.0,
        ),
        settings: |state| with_webhooks(state, Part::Receiver, "queue", &plain(state.number(Name::Queue))),
        read_at: Some((RECEIVER, "queue")),
    },
    Parameter {
        name: Name::Reconcile,
        key: "reconcile",
        label: "Both: also ask every",
        help: "A third System A that is told, and also asks now and then whether it missed something.",
        group: Group::Webhooks,
        values: numbers_or(
            "there is none",
            Quantity::Seconds,
            [0.0, 86_400.0],
            &[0.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0],
            0.0,
        ),
        settings: |state| match state.number(Name::Reconcile) {
            every if every > 0.0 => vec![set(SLOW_POLL, "every", span(every))],
            _ => Vec::new(),
        },
        read_at: Some((SLOW_POLL, "every")),
    },
    Parameter {
        name: Name::Latency,
        key: "latency",
        label: "A message travels",
        help: "How long a message takes through the network, one way.",
        group: Group::Trouble,
        values: numbers_or(
            "no time",
            Quantity::Milliseconds,
            [0.0, 4_500.0],
            &[0.0, 5.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1_500.0],
            50.0,
        ),
        settings: |state| vec![set(At::Network, "latency", milliseconds(state, Name::Latency))],
        read_at: Some((At::Network, "latency")),
    },
    Parameter {
        name: Name::Loss,
        key: "loss",
        label: "Messages lost",
        help: "The share of messages that the network loses, in each direction.",
        group: Group::Trouble,
        values: numbers_or(
            "none",
            Quantity::Percent,
            [0.0, 90.0],
            &[0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0],
            0.0,
        ),
        settings: |state| match state.number(Name::Loss) {
            loss if loss > 0.0 => vec![set(At::Network, "loss", share(loss))],
            _ => Vec::new(),
        },
        read_at: Some((At::Network, "loss")),
    },
    Parameter {
        name: Name::OutageAt,
        key: "outage_at",
        label: "It goes down after",
        help: "When System A’s outage begins, counted from the start of the run.",
        group: Group::Trouble,
        values: numbers(Quantity::Seconds, [0.0, 86_400.0], &[10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0], 20.0),
        settings: |_| Vec::new(),
        read_at: None,
    },
    Parameter {
        name: Name::Outage,
        key: "outage",
        label: "System A is down for",
        help: "How long System A neither asks nor answers.",
        group: Group::Trouble,
        values: numbers_or(
            "never down",
            Quantity::Seconds,
            [0.0, 86_400.0],
            &[0.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0],
            0.0,
        ),
        settings: outage,
        read_at: None,
    },
    Parameter {
        name: Name::Forged,
        key: "forged",
        label: "Forged webhooks",
        help: "How often a stranger calls System A’s endpoint and claims to be System B.",
        group: Group::Trouble,
        values: numbers_or(
            "none",
            Quantity::PerMinute,
            [0.0, 6_000.0],
            &[0.0, 1.0, 3.0, 6.0, 12.0, 30.0, 60.0, 300.0],
            0.0,
        ),
        settings: forged,
        read_at: None,
    },
    Parameter {
        name: Name::Consumers,
        key: "consumers",
        label: "System A’s",
        help: "How many installations of System A there are, each with its own events.",
        group: Group::Crowd,
        values: numbers(
            Quantity::Whole,
            [1.0, 5_000.0],
            &[1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 200.0, 500.0, 1_000.0],
            1.0,
        ),
        settings: |state| match state.number(Name::Consumers) {
            1.0 => Vec::new(),
            count => vec![set(At::Top, "consumers", plain(count))],
        },
        read_at: Some((At::Top, "consumers")),
    },
    Parameter {
        name: Name::ApiWorkers,
        key: "api_workers",
        label: "System B’s API: workers",
        help: "How many questions System B answers at the same time.",
        group: Group::Crowd,
        values: numbers_or(
            "as many as it takes",
            Quantity::Whole,
            [0.0, 10_000.0],
            &[0.0, 1.0, 2.0, 4.0, 10.0, 50.0],
            0.0,
        ),
        settings: |state| match state.number(Name::ApiWorkers) {
            0.0 => Vec::new(),
            workers => vec![set(At::Api, "workers", plain(workers))],
        },
        read_at: Some((At::Api, "workers")),
    },
    Parameter {
        name: Name::ApiTime,
        key: "api_time",
        label: "System B’s API: work on each",
        help: "How long System B works on each question.",
        group: Group::Crowd,
        values: numbers_or("no time", Quantity::Milliseconds, [0.0, 9_000.0], &[0.0, 1.0, 5.0, 10.0, 50.0, 100.0], 0.0),
        settings: |state| match state.number(Name::ApiTime) {
            0.0 => Vec::new(),
            _ => vec![set(At::Api, "service_time", milliseconds(state, Name::ApiTime))],
        },
        read_at: Some((At::Api, "service_time")),
    },
    Parameter {
        name: Name::Duration,
        key: "duration",
        label: "Length of the run",
        help: "How long events happen. It is virtual time: a day takes milliseconds.",
        group: Group::Run,
        values: numbers(Quantity::Minutes, [0.1, 10_080.0], &[2.0, 5.0, 10.0, 30.0, 60.0, 180.0, 720.0, 1_440.0], 30.0),
        settings: |state| vec![set(At::Top, "duration", span(state.number(Name::Duration) * 60.0))],
        read_at: Some((At::Top, "duration")),
    },
    Parameter {
        name: Name::Seed,
        key: "seed",
        label: "Luck (seed)",
        help: "Everything that is random comes from this number: the same number gives the same run.",
        group: Group::Run,
        values: numbers(Quantity::Whole, [0.0, 999_999.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 1.0),
        settings: |state| vec![set(At::Top, "seed", plain(state.number(Name::Seed)))],
        read_at: Some((At::Top, "seed")),
    },
];

fn set(at: At, key: &'static str, value: impl Into<String>) -> Setting {
    Setting { at, key, value: value.into() }
}

/// What is said of webhooks holds for everybody who takes them.
fn with_webhooks(state: &State, part: Part, key: &'static str, value: &str) -> Vec<Setting> {
    let has_both = state.number(Name::Reconcile) > 0.0;
    let roles = [Role::Push, Role::Both].into_iter().filter(|role| *role == Role::Push || has_both);
    roles.map(|role| set(At::Client(role, part), key, value)).collect()
}

fn span(seconds: f64) -> String {
    format!("\"{}\"", format_span(Span::from_nanos_f64(seconds * 1e9)))
}

fn milliseconds(state: &State, name: Name) -> String {
    span(state.number(name) / 1e3)
}

fn rate(state: &State, name: Name) -> String {
    format!("\"{}/min\"", plain(state.number(name)))
}

/// A percentage as a share; not by a division, which would show its rounding.
fn share(percent: f64) -> String {
    let text = format!("{:.5}", percent / 100.0);
    text.trim_end_matches('0').to_owned() + if text.ends_with("00000") { "0" } else { "" }
}

fn arrivals(state: &State) -> Vec<Setting> {
    let kind = match state.choice(Name::Arrivals) {
        "steady" => "constant",
        "bursts" => "bursts",
        _ => "poisson",
    };
    let mut settings = vec![set(At::Events, "arrivals", format!("\"{kind}\""))];
    if kind == "bursts" {
        let [on, off] = [Name::Burst, Name::Silence].map(|name| span(state.number(name)));
        settings.push(set(At::Events, "bursts", format!("{{ on = {on}, off = {off} }}")));
    }
    settings
}

/// A long poll leaves as soon as the answer to the last one has come.
fn every(state: &State) -> Vec<Setting> {
    match state.choice(Name::Strategy) {
        "long-poll" => Vec::new(),
        _ => vec![set(PULL, "every", span(state.number(Name::Every)))],
    }
}

fn strategy(state: &State) -> Vec<Setting> {
    let named = |name: &str| set(PULL, "strategy", format!("\"{name}\""));
    match state.choice(Name::Strategy) {
        "backoff" => {
            let most = span(state.number(Name::Every) * 16.0);
            vec![named("backoff"), set(PULL, "backoff", format!("{{ factor = 2, max = {most} }}"))]
        }
        "adaptive" => vec![named("adaptive"), set(PULL, "adaptive", "{ useful = 0.5 }")],
        "long-poll" => vec![named("long-poll"), set(PULL, "hold", "\"30s\"")],
        "conditional" => vec![set(PULL, "conditional", "true")],
        _ => Vec::new(),
    }
}

fn retries(state: &State) -> Vec<Setting> {
    let (retry, drain) = match state.choice(Name::Retries) {
        "quick" => ("{ base = \"2s\", factor = 2, max = 6 }", "10m"),
        "patient" => ("{ base = \"5s\", factor = 3, max = 7 }", "3h"),
        "standard-webhooks" => ("\"standard-webhooks\"", "4d"),
        "stripe" => ("\"stripe\"", "4d"),
        _ => ("\"none\"", "10m"),
    };
    let mut settings = with_webhooks(state, Part::Push, "retry", retry);
    settings.push(set(At::Top, "drain", format!("\"{drain}\"")));
    settings
}

fn outage(state: &State) -> Vec<Setting> {
    let [at, length] = [Name::OutageAt, Name::Outage].map(|name| state.number(name));
    if length == 0.0 {
        return Vec::new();
    }
    let of = |trouble| [set(At::Fault(trouble), "at", span(at)), set(At::Fault(trouble), "for", span(length))];
    [Trouble::ReceiverDown, Trouble::PollerDown].into_iter().flat_map(of).collect()
}

fn forged(state: &State) -> Vec<Setting> {
    if state.number(Name::Forged) == 0.0 {
        return Vec::new();
    }
    let mix = "{ unsigned = 2, wrongly-signed = 1, tampered = 1, replayed = 1, stale = 1 }";
    let of = |key, value: String| set(At::Fault(Trouble::Forged), key, value);
    vec![of("rate", rate(state, Name::Forged)), of("mix", mix.to_owned())]
}
