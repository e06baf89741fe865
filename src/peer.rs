//! The vocabulary of an exchange, and the one trait that System A and System B both implement.
//!
//! In pull, System A opens HTTP exchanges and System B answers; in push it is the other way round. Apart from who opens,
//! the network sees the same thing: a request and its outcome. So an engine need not know pull from push, and a policy
//! need not know virtual from real time.

use smallvec::SmallVec;

use crate::time::{Span, Time};

/// One change at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened, as the workload intended: latency counts from here.
    pub occurred_at: Time,
    /// The consumer it concerns, counted from 0.
    pub consumer: u32,
    /// Its position among the events of that consumer, counted from 1. A cursor is the serial of the last event known.
    pub serial: u32,
    /// The record that changed, counted from 0.
    pub record: u32,
    /// Size of its payload in bytes.
    pub payload: u32,
}

/// Events that travel together. Two fit without an allocation, which covers most polls and every webhook.
pub type Batch = SmallVec<[Event; 2]>;

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// System A, which wants to know.
    Consumer,
    /// System B, where the events happen.
    Provider,
    /// Neither: somebody who calls a webhook's endpoint without being System B.
    Stranger,
}

impl Side {
    /// The side that answers when this one opens.
    pub const fn other(self) -> Self {
        match self {
            Self::Consumer => Self::Provider,
            Self::Provider | Self::Stranger => Self::Consumer,
        }
    }
}

/// Names one exchange among those of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchange {
    /// Who sent the request.
    pub opener: Side,
    /// The consumer it belongs to.
    pub consumer: u32,
    /// Its number among the exchanges of that opener and consumer, counted from 0 without gaps.
    pub serial: u32,
}

/// What the receiver's check of a webhook's signature found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// The scheme was applied and holds, or no scheme is in use.
    Accepted,
    /// The signature is missing, wrong, or too old.
    Rejected,
}

/// The state of what was asked for, as the provider names it (`ETag`): the serial of the newest event in it, 0 before any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag(pub u32);

/// What is left to a client of what it may ask for in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests that are allowed in a window.
    pub limit: u32,
    /// Requests that are left in this one.
    pub remaining: u32,
    /// From the answer until the next window begins, in whole seconds.
    pub resets_in: Span,
}

/// What an answer of the API says of when to ask again, next to what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// The shortest interval between polls that the provider wishes (`X-Poll-Interval`).
    pub poll_interval: Option<Span>,
    /// What is left to the client (`X-RateLimit-Limit`, `-Remaining` and `-Reset`).
    pub quota: Option<Quota>,
}

/// What an opener asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Events after a cursor.
    Poll {
        /// The serial of the last event that the poller knows; 0 for none.
        after: u32,
        /// The most events that the answer may hold.
        limit: u32,
        /// Which poll this is, counted from 0; it stays on the opener's side.
        poll: u32,
        /// Which page of that poll, counted from 0; it stays on the opener's side.
        page: u32,
        /// How long the provider may hold the request while it has nothing to answer; zero for not at all.
        hold: Span,
        /// What the poller knows of this very page; if that still holds, [`Response::NotModified`] will do (`If-None-Match`).
        tag: Option<Tag>,
    },
    /// The present state of one record.
    Record {
        /// Which record.
        record: u32,
        /// Which poll of that record this is, counted from 0; it stays on the opener's side.
        poll: u32,
        /// What the poller knows of the record; if that still holds, [`Response::NotModified`] will do (`If-None-Match`).
        tag: Option<Tag>,
    },
    /// One event by its name, which a thin webhook told.
    Fetch {
        /// Which event. Only what names it has been told; the answer has the rest.
        event: Event,
        /// Which try this is, counted from 1; it stays on the opener's side.
        attempt: u32,
    },
    /// A webhook.
    Delivery {
        /// The events it tells of, oldest first. One that tells of nothing that ever occurred is forged, and has none.
        events: Batch,
        /// Which attempt this is, counted from 1.
        attempt: u32,
        /// What the receiving side found when it checked the signature; meaningless while the request is under way.
        authenticity: Authenticity,
    },
}

impl Request {
    /// Whether it is a poll, of the feed or of a record.
    pub const fn is_poll(&self) -> bool {
        matches!(self, Self::Poll { .. } | Self::Record { .. })
    }

    /// What distinguishes this request from others of the same consumer, for draws about its way through the network.
    pub fn subject(&self) -> (u64, u64) {
        match self {
            Self::Poll { poll, page, .. } => (u64::from(*poll), u64::from(*page)),
            Self::Record { record, poll, .. } => (u64::from(*record) | 1 << 61, u64::from(*poll)),
            // The top bit keeps attempts apart from polls, so that a hybrid's two halves do not share their luck.
            Self::Fetch { event, attempt } => (u64::from(event.serial) | 1 << 62, u64::from(*attempt)),
            Self::Delivery { events, attempt, .. } => Self::subject_of_delivery(events.first(), *attempt),
        }
    }

    /// The same for a webhook of which this is the first event.
    #[inline]
    pub fn subject_of_delivery(first: Option<&Event>, attempt: u32) -> (u64, u64) {
        let first = first.map_or(0, |event| event.serial);
        (u64::from(first) | 1 << 63, u64::from(attempt))
    }
}

/// What the other side answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// Events, oldest first.
    Page {
        /// Those after the cursor, at most as many as asked for.
        events: Batch,
        /// Whether there were more at the instant of sampling.
        has_more: bool,
        /// The state of the feed at that instant.
        tag: Tag,
        /// When to ask again.
        advice: Advice,
    },
    /// The record asked for.
    Record {
        /// Its newest event, if there was any.
        event: Option<Event>,
        /// Whether no other will follow.
        is_final: bool,
        /// Its state at the instant of sampling.
        tag: Tag,
        /// When to ask again.
        advice: Advice,
    },
    /// What was asked for is as the poller knows it (304).
    NotModified {
        /// When to ask again.
        advice: Advice,
    },
    /// The event asked for.
    Event(Event),
    /// The webhook was taken (2xx).
    Accepted,
    /// The request was turned down.
    Refused {
        /// The HTTP status.
        status: u16,
        /// How long to leave the other side alone, if it says so (`Retry-After`).
        retry_after: Option<Span>,
    },
}

impl Response {
    /// The request was turned down with this HTTP status, and no more was said.
    pub const fn refused(status: u16) -> Self {
        Self::Refused { status, retry_after: None }
    }
}

/// How an exchange ended for its opener.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An answer came in time.
    Answered(Response),
    /// No answer came in time.
    TimedOut,
    /// The other side could not be reached; the opener knows at once.
    Unreachable,
}

/// Why an event never reached a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossCause {
    /// Its only attempt failed and the dispatcher does not retry.
    NeverRetried,
    /// Its last attempt failed.
    RetriesExhausted,
    /// Its endpoint was disabled.
    EndpointDisabled,
    /// It was acknowledged, and then lost before it was handled.
    Unhandled,
    /// It was older than what the API keeps before a poll came for it.
    AgedOut,
    /// A later event of the same record had taken its place before a poll came for it.
    Superseded,
    /// The poller had stopped to ask for its record.
    PollsExhausted,
}

impl LossCause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::NeverRetried,
        Self::RetriesExhausted,
        Self::EndpointDisabled,
        Self::Unhandled,
        Self::AgedOut,
        Self::Superseded,
        Self::PollsExhausted,
    ];
}

/// What a peer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time has passed. It may come early, late or for nothing.
    Wake,
    /// Something changed at the provider. Only a provider is told so.
    Occurred(Event),
    /// System A has opened this record at System B and waits from now on for what becomes of it. Only a consumer is told so.
    Opened(u32),
    /// The other side asks something.
    Requested(Exchange, Request),
    /// An exchange that this peer opened has ended.
    Ended(Exchange, Outcome),
    /// Somebody asks that an event be delivered again, now. Only a provider is told so.
    Redeliver(Event),
    /// The process that answers requests has gone down, the endpoint's of a consumer or the API's of the provider: what it
    /// held in memory is gone. It answers nothing that it was asked before.
    Crashed,
}

/// What a peer wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open an exchange.
    Send {
        /// Its name, chosen by the opener.
        exchange: Exchange,
        /// What to ask.
        request: Request,
        /// How long to wait for the answer.
        timeout: Span,
    },
    /// Answer a request.
    Reply {
        /// The exchange as the request named it.
        exchange: Exchange,
        /// The answer.
        response: Response,
    },
    /// Something that only the peer knows, for the ledger.
    Note(Note),
}

/// A fact for the ledger that an engine cannot see from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// An exchange brought an event, and the consumer took it: it will be handled, now or after what waits before it.
    Took {
        /// Which exchange.
        exchange: Exchange,
        /// Which event.
        event: Event,
        /// Whether it was taken for the first time.
        fresh: bool,
        /// Whether the handler will run on it: also for one that was taken before, where that is not remembered.
        handled: bool,
    },
    /// A fetch brought the event that a thin webhook had named.
    Fetched {
        /// Which exchange.
        exchange: Exchange,
        /// Whether the event was taken for the first time with that webhook.
        fresh: bool,
    },
    /// An event that one exchange brought first is left to another that brought it too: the handler of the first has failed,
    /// that of the other is still to run.
    Passed {
        /// The exchange that is as if it had not brought the event.
        from: Exchange,
        /// The exchange that counts as having brought it.
        to: Exchange,
    },
    /// A webhook was believed that tells of nothing that ever occurred: the handler will run on it.
    Believed(Exchange),
    /// The handler will never finish with an event that this exchange brought: it is as if it had not been taken.
    Dropped {
        /// Which exchange.
        exchange: Exchange,
        /// Which event.
        event: Event,
    },
    /// The consumer's handler has finished with its first sight of an event.
    Seen(Event),
    /// The dispatcher has given up on an event.
    GaveUp(Event, LossCause),
    /// No answer of the API will hold this event any more, because it is too old.
    AgedOut(Event),
    /// The poller asks for a record no more, though it is not final.
    StoppedPolling {
        /// Whose poller.
        consumer: u32,
        /// Which record.
        record: u32,
    },
    /// A worker is busy over this stretch of time.
    Busy {
        /// When it starts.
        from: Time,
        /// When it will be free again.
        until: Time,
    },
    /// A worker that was noted as busy is free over this stretch of time after all, because its process has gone down.
    Freed {
        /// When it starts.
        from: Time,
        /// When it would have been free.
        until: Time,
    },
    /// So many requests wait for a worker now.
    Queued(u32),
    /// The dispatcher sends nothing more to this consumer's endpoint until it is enabled again.
    Disabled(u32),
    /// The circuit breaker in front of this consumer's endpoint has opened.
    BreakerOpened(u32),
}

impl Note {
    /// Whom it concerns; none where that is no single consumer.
    pub const fn consumer(&self) -> Option<u32> {
        match self {
            Self::Took { exchange, .. }
            | Self::Fetched { exchange, .. }
            | Self::Passed { from: exchange, .. }
            | Self::Believed(exchange)
            | Self::Dropped { exchange, .. } => Some(exchange.consumer),
            Self::Seen(event) | Self::GaveUp(event, _) | Self::AgedOut(event) => Some(event.consumer),
            Self::StoppedPolling { consumer, .. } | Self::Disabled(consumer) | Self::BreakerOpened(consumer) => {
                Some(*consumer)
            }
            Self::Busy { .. } | Self::Freed { .. } | Self::Queued(_) => None,
        }
    }
}

/// Where a peer puts what it wants done. An engine may act on each output as it comes, so that none need be kept.
pub trait Sink {
    /// Opens an exchange, as [`Output::Send`] says.
    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span);

    /// Answers a request, as [`Output::Reply`] says.
    fn reply(&mut self, exchange: Exchange, response: Response);

    /// Takes what only the peer knows, for the ledger.
    fn note(&mut self, note: Note);

    /// Takes one output. Where it is clear which, nothing is left of the choice.
    #[inline(always)]
    fn push(&mut self, output: Output) {
        match output {
            Output::Send { exchange, request, timeout } => self.send(exchange, request, timeout),
            Output::Reply { exchange, response } => self.reply(exchange, response),
            Output::Note(note) => self.note(note),
        }
    }

    /// Takes several, in order.
    #[inline]
    fn push_all(&mut self, outputs: impl IntoIterator<Item = Output>) {
        outputs.into_iter().for_each(|output| self.push(output));
    }
}

impl Sink for Vec<Output> {
    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span) {
        self.push(Output::Send { exchange, request, timeout });
    }

    fn reply(&mut self, exchange: Exchange, response: Response) {
        self.push(Output::Reply { exchange, response });
    }

    fn note(&mut self, note: Note) {
        self.push(Output::Note(note));
    }
}

/// System A or System B as a pure state machine.
///
/// The contract between a peer and the engine that drives it:
///
/// 1. `now` never goes back from one call to the next.
/// 2. `handle` never waits, reads a clock, does input or output, or fails. An exchange it does not know it ignores.
/// 3. After `handle`, `deadline` is none or later than `now`.
/// 4. A wake may come early, late or for nothing.
/// 5. The engine ends every send with exactly one outcome, at the latest at its timeout, unless the run is over first.
/// 6. An opener numbers its exchanges with a consumer 0, 1, 2 and so on, and never names one twice.
pub trait Peer {
    /// Takes note of an input and puts into `out` what is to be done about it.
    fn handle(&mut self, now: Time, input: Input, out: &mut impl Sink);

    /// When this peer next wants to be woken, if it does.
    fn deadline(&self) -> Option<Time>;
}

/// The sooner of two deadlines.
#[inline]
pub fn sooner(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (at, None) | (None, at) => at,
    }
}
