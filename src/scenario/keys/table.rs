//! The rows of the table of keys.

use super::Absent::{Default, Nothing, Required};
use super::Kind::{
    Choice, ChoiceOrTable, Flag, Integer, Limit, Number, NumberOrLegs, Only, Rate, Section, Sections, Size, Span,
    Spans, Table, Text, Time, TimeOrLegs, Unknown,
};
use super::{Absent, Key, Kind};

const fn key(path: &'static str, kind: Kind, absent: Absent, doc: &'static str) -> Key {
    Key { path, kind, absent, doc, supported: true }
}

/// A key that is known but that this version cannot do.
const fn later(path: &'static str, doc: &'static str) -> Key {
    Key { path, kind: Unknown, absent: Nothing, doc, supported: false }
}

const MEBIBYTE: u64 = 1 << 20;
const MILLION: u64 = 1_000_000;

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("schema", Integer(1, 1), Default("1"), "Version of the scenario format"),
    key("title", Text(200), Nothing, "What the scenario shows; the name of the file if absent"),
    key("engine", Choice(&["sim", "live", "both"], &[]), Default("\"sim\""), "Virtual time, real HTTP on loopback, or one after the other"),
    key("duration", Span, Default("\"1h\""), "How long events happen; with a trace, by default a second longer than the trace"),
    key("warmup", Span, Default("\"0s\""), "How long, from the start, events and requests are played but not counted"),
    key("drain", Span, Default("\"10m\""), "How long, after `duration`, polls and retries may go on until nothing is pending"),
    key("seed", Integer(0, u64::MAX), Default("1"), "The seed of every random draw"),
    key("consumers", Integer(1, MILLION), Default("1"), "How many installations of System A there are, each with its own events"),

    key("events", Section, Required, "When something changes at System B"),
    key("events.arrivals", Choice(&["poisson", "constant", "bursts", "trace"], &["daily", "phases"]), Default("\"poisson\""), "The arrival process"),
    key("events.rate", Rate, Nothing, "Mean number of events per time, for each consumer; required except with a trace"),
    key("events.payload", Size(MEBIBYTE), Default("\"1 KiB\""), "Size of the payload of an event"),
    key("events.records", Integer(1, MILLION), Default("100"), "How many records the events fall on, each equally likely"),
    key("events.bursts", Table, Nothing, "The bursts of arrivals = \"bursts\""),
    key("events.bursts.on", Span, Required, "Mean length of a burst"),
    key("events.bursts.off", Span, Required, "Mean length of the silence between bursts"),
    key("events.trace", Table, Nothing, "The recorded history of arrivals = \"trace\""),
    key("events.trace.file", Text(4_096), Required, "CSV file of instants, relative to the scenario file: Unix seconds or RFC 3339"),
    key("events.trace.column", Text(200), Nothing, "Name of the column of the instants; the first column if absent"),
    later("events.daily", "Peak and trough of daily arrivals"),
    later("events.phases", "List of phases with a rate each"),

    key("provider", Section, Nothing, "System B"),
    key("provider.preset", Choice(&["generic"], &["stripe", "github", "sendgrid", "standard-webhooks"]), Default("\"generic\""), "Whose defaults the provider takes"),
    key("provider.api", Section, Nothing, "System B's API, which pull clients poll"),
    key("provider.api.workers", Limit(MILLION), Default("\"unlimited\""), "Requests that the API works on at the same time"),
    key("provider.api.service_time", Time, Default("\"0s\""), "How long the API works on a request"),
    key("provider.api.page", Integer(1, 10_000), Default("100"), "The most events in one answer"),
    later("provider.api.rate_limit", "Requests per time after which the API answers 429"),
    later("provider.api.retention", "How long the API keeps an event"),
    key("provider.dispatch", Section, Nothing, "System B's webhook sender"),
    key("provider.dispatch.concurrency", Limit(MILLION), Default("\"unlimited\""), "Webhook requests under way at the same time, over all consumers of a client"),
    key("provider.dispatch.delay", Time, Default("\"0s\""), "From an event to the first attempt to deliver it"),

    key("network", Section, Nothing, "The network between System A and System B"),
    key("network.latency", TimeOrLegs, Default("\"20ms\""), "Time one way, in each direction"),
    key("network.latency.request", Time, Default("\"20ms\""), "Time of a request, whoever sends it"),
    key("network.latency.response", Time, Default("\"20ms\""), "Time of a response"),
    key("network.loss", NumberOrLegs(0.0, 1.0), Default("0.0"), "Probability that a message is lost, in each direction"),
    key("network.loss.request", Number(0.0, 1.0), Default("0.0"), "Probability that a request is lost"),
    key("network.loss.response", Number(0.0, 1.0), Default("0.0"), "Probability that a response is lost"),
    key("network.handshake", Choice(&["reuse"], &["each"]), Default("\"reuse\""), "Whether connections are kept open"),

    key("client", Sections, Required, "The clients to compare: each polls, receives webhooks, or both"),
    key("client.name", Text(40), Required, "Its name, different from every other"),
    key("client.pull", Section, Nothing, "How the client polls, if it does"),
    key("client.pull.every", Span, Required, "The interval between polls"),
    key("client.pull.strategy", Choice(&["fixed"], &["backoff", "adaptive", "long-poll", "hint"]), Default("\"fixed\""), "How the interval changes"),
    key("client.pull.phase", Choice(&["random", "aligned"], &[]), Default("\"random\""), "Whether consumers start to poll at random moments or all at once"),
    key("client.pull.timing", Choice(&["fixed-rate", "fixed-delay"], &[]), Default("\"fixed-rate\""), "Whether the interval counts from poll to poll, or from the end of one to the next"),
    key("client.pull.jitter", Table, Nothing, "How far polls stray from the interval"),
    key("client.pull.jitter.kind", Choice(&["gap", "grid"], &[]), Default("\"gap\""), "Whether each gap varies, or each poll is put off from a fixed grid"),
    key("client.pull.jitter.spread", Number(0.0, 1.0), Default("0.0"), "How much, as a share of the interval"),
    key("client.pull.timeout", Span, Nothing, "How long a poll waits for its answer; 10s if absent, or the interval if that is shorter"),
    key("client.pull.service_time", Time, Default("\"0s\""), "How long System A handles a page that brought something"),
    key("client.pull.target", Choice(&["feed"], &["record"]), Default("\"feed\""), "What is polled: the feed of events after a cursor"),
    key("client.pull.conditional", Only("false"), Default("false"), "Whether polls carry If-None-Match"),
    key("client.push", Section, Nothing, "How System B calls the client, if it does"),
    key("client.push.signature", Choice(&["none", "standard-webhooks", "standard-webhooks-ed25519", "stripe", "github", "sendgrid"], &[]), Default("\"standard-webhooks\""), "How webhooks are signed"),
    key("client.push.retry", ChoiceOrTable(&["none", "generic", "standard-webhooks"], &["stripe", "github", "sendgrid"]), Default("\"generic\""), "When a failed webhook is sent again: a schedule's name, a list of delays, or delays that grow"),
    key("client.push.retry.delays", Spans(100), Nothing, "The delay before each retry"),
    key("client.push.retry.base", Span, Default("\"1s\""), "The delay before the first retry"),
    key("client.push.retry.factor", Number(1.0, MILLION as f64), Default("2.0"), "How much longer each delay is than the one before"),
    key("client.push.retry.max", Integer(1, 100), Default("5"), "How many attempts there are at most, the first included"),
    key("client.push.retry.jitter", Number(0.0, 1.0), Default("0.0"), "How far a delay varies, as a share of it, up and down"),
    key("client.push.timeout", Span, Default("\"10s\""), "How long an attempt waits for its answer"),
    key("client.push.payload", Choice(&["full"], &["thin"]), Default("\"full\""), "What a webhook carries"),
    key("client.push.batch", Table, Nothing, "How events share a webhook"),
    key("client.push.batch.max", Only("1"), Default("1"), "The most events in one webhook"),
    key("client.push.batch.wait", Only("\"0s\""), Default("\"0s\""), "How long an event waits for others"),
    key("client.push.order", Choice(&["none"], &["fifo"]), Default("\"none\""), "Whether a webhook waits for the ones before it"),
    key("client.push.disable_after", Only("\"never\""), Default("\"never\""), "After how long a failing endpoint is given up"),
    key("client.receiver", Section, Nothing, "System A's endpoint for webhooks"),
    key("client.receiver.workers", Limit(MILLION), Default("4"), "Webhooks that are handled at the same time"),
    key("client.receiver.service_time", Time, Default("\"2ms\""), "How long the handler works on a webhook"),
    key("client.receiver.queue", Integer(0, MILLION), Default("128"), "Webhooks that may wait for a worker; one more is answered 503"),
    key("client.receiver.ack", Choice(&["after", "before"], &[]), Default("\"after\""), "Whether a webhook is acknowledged after or before the handler runs"),
    key("client.receiver.dedupe", Flag, Default("true"), "Whether an event that came before is acknowledged without handling it again"),

    later("fault", "Something that breaks for a while"),
    later("sweep", "Keys that take several values"),
    later("threshold", "What the results have to fulfil"),
    later("prices", "What requests and traffic cost"),
];
