//! System A's endpoint for webhooks: checks who calls, queues, works, and acknowledges.

use crate::distribution::Distribution;
use crate::peer::{Authenticity, Event, Exchange, Note, Output, Response};
use crate::policy::inbox::Inbox;
use crate::policy::workers::{Capacity, Workers};
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

/// How a receiver takes webhooks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceivePolicy {
    /// Its workers and the queue in front of them; a webhook that finds both full is answered 503.
    pub capacity: Capacity,
    /// How long the handler works on a webhook.
    pub service_time: Distribution,
    /// Whether the acknowledgement leaves before the handler runs, or after.
    pub acknowledge: Acknowledge,
    /// How events that came before are known again: they are acknowledged without running the handler.
    pub dedupe: Dedupe,
    /// What a receiver whose queue is full says of when to come back, if anything.
    pub retry_after: Option<Span>,
    /// What it takes at most of whoever calls.
    pub limits: Limits,
    /// How the handler fetches the event that a thin webhook only names; none where webhooks carry their events.
    pub fetch: Option<FetchPolicy>,
}

impl ReceivePolicy {
    /// A receiver that remembers every event and acknowledges what it has handled.
    pub const fn new(capacity: Capacity, service_time: Distribution) -> Self {
        Self {
            capacity,
            service_time,
            acknowledge: Acknowledge::After,
            dedupe: Dedupe::Remember { size: None, age: None },
            retry_after: None,
            limits: Limits::DEFAULT,
            fetch: None,
        }
    }
}

/// How a receiver knows events again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dedupe {
    /// Not at all: each webhook is handled as if it were the first.
    Never,
    /// By a store of the events it has taken.
    Remember {
        /// The most events in the store: beyond it the oldest are forgotten. None means no limit.
        size: Option<u32>,
        /// How long an event stays in the store. None means for ever.
        age: Option<Span>,
    },
}

/// What a receiver takes at most of whoever calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all headers together.
    pub header: u32,
    /// Bytes of the body.
    pub body: u32,
    /// How long the headers may take to come, and then the body.
    pub read_time: Span,
    /// Connections open at the same time; one more waits.
    pub connections: u32,
}

impl Limits {
    /// Enough for every genuine webhook of default size.
    pub const DEFAULT: Self =
        Self { header: 64 << 10, body: (1 << 20) + (1 << 10), read_time: Span::from_secs(10), connections: 2_048 };
}

/// How a handler fetches an event by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPolicy {
    /// How long it waits for the answer.
    pub timeout: Span,
    /// How often it tries at most; above zero. After that the webhook has failed.
    pub tries: u32,
}

/// When a webhook is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// As soon as it is in the queue: fast, but the work is still to do.
    Before,
    /// When the handler has finished.
    After,
}

/// HTTP status for a webhook whose signature does not hold.
const UNAUTHORIZED: u16 = 401;
/// HTTP status for a webhook that finds the queue full.
const SERVICE_UNAVAILABLE: u16 = 503;

#[derive(Clone, Copy, Debug)]
struct Job {
    exchange: Exchange,
    event: Event,
    attempt: u32,
    fresh: bool,
}

/// The receiver of one consumer.
#[derive(Clone, Debug)]
pub struct Receiver {
    policy: ReceivePolicy,
    seed: Seed,
    workers: Workers<Job>,
}

impl Receiver {
    /// A receiver with nothing to do.
    pub const fn new(policy: ReceivePolicy, seed: Seed) -> Self {
        Self { policy, seed, workers: Workers::new(policy.capacity) }
    }

    /// Takes a webhook: refuses it, answers it at once, or puts it into the queue.
    ///
    /// An event counts as taken from here on, not from when its handler has finished: the same event coming again
    /// meanwhile, as a retry or by a poll, is a duplicate.
    pub fn requested(
        &mut self,
        now: Time,
        exchange: Exchange,
        (event, attempt, authenticity): (Event, u32, Authenticity),
        inbox: &mut Inbox,
        out: &mut Vec<Output>,
    ) {
        if authenticity == Authenticity::Rejected {
            out.push(reply(exchange, Response::refused(UNAUTHORIZED)));
            return;
        }
        self.act(now, out);
        let fresh = !inbox.contains(event.serial);
        if !fresh && self.policy.dedupe != Dedupe::Never {
            out.push(Output::Note(Note::Took { exchange, event, fresh, handled: false }));
            out.push(reply(exchange, Response::Accepted));
            return;
        }
        if self.workers.offer(now, Job { exchange, event, attempt, fresh }).is_some() {
            out.push(reply(exchange, Response::refused(SERVICE_UNAVAILABLE)));
            return;
        }
        inbox.take(event.serial);
        out.push(Output::Note(Note::Took { exchange, event, fresh, handled: true }));
        if self.policy.acknowledge == Acknowledge::Before {
            out.push(reply(exchange, Response::Accepted));
        }
        self.act(now, out);
        if self.workers.waiting() > 0 {
            out.push(Output::Note(Note::Queued(self.workers.waiting())));
        }
    }

    /// Finishes the handlers that are done by now and starts those that can start.
    pub fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        let Self { policy, seed, workers } = self;
        let start = |_, job: &mut Job| {
            if let Distribution::Constant(span) = policy.service_time {
                return span;
            }
            let subject = [job.event.consumer.into(), job.event.serial.into(), job.attempt.into()];
            policy.service_time.sample(seed.draw(Purpose::HandlerService, subject))
        };
        let finish = |_, job: Job, out: &mut Vec<Output>| {
            if job.fresh {
                out.push(Output::Note(Note::Seen(job.event)));
            }
            if policy.acknowledge == Acknowledge::After {
                out.push(reply(job.exchange, Response::Accepted));
            }
        };
        workers.turn(now, out, start, finish);
    }

    /// When the next handler finishes.
    pub fn deadline(&self) -> Option<Time> {
        self.workers.deadline()
    }
}

const fn reply(exchange: Exchange, response: Response) -> Output {
    Output::Reply { exchange, response }
}
