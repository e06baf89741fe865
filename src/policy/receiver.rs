//! System A's endpoint for webhooks: checks who calls, queues, works, and acknowledges.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::distribution::Distribution;
use crate::fault::Faults;
use crate::peer::{Authenticity, Batch, Event, Exchange, Note, Outcome, Output, Request, Response, Sink};
pub use crate::policy::dedupe::Dedupe;
use crate::policy::dedupe::Store;
use crate::policy::inbox::Inbox;
use crate::policy::numbers::Numbers;
use crate::policy::workers::{Capacity, Next, Stage, Workers};
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

/// How a receiver takes webhooks.
#[derive(Clone, Debug, PartialEq)]
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
/// HTTP status for a webhook whose event could not be fetched.
const BAD_GATEWAY: u16 = 502;
/// HTTP status for a webhook that finds the queue full.
const SERVICE_UNAVAILABLE: u16 = 503;

/// How long a handler waits before it tries again to fetch an event.
const FETCH_PAUSE: Span = Span::from_secs(1);

/// An event of a webhook that the handler will run on.
#[derive(Clone, Copy, Debug)]
struct Told {
    event: Event,
    /// Whether it was taken for the first time.
    fresh: bool,
}

/// A webhook that was taken.
#[derive(Clone, Debug)]
struct Job {
    exchange: Exchange,
    /// What the handler runs on; nothing for a webhook that tells of nothing that ever occurred.
    told: SmallVec<[Told; 2]>,
    attempt: u32,
    fetching: Fetching,
}

/// How far the handler is with fetching the events that a thin webhook names.
#[derive(Clone, Copy, Debug, Default)]
struct Fetching {
    /// Events that it has.
    done: usize,
    /// Tries of the present event so far.
    tries: u32,
    /// The exchange that is open.
    open: Option<u32>,
}

/// What a receiver shares with the other half of its consumer.
pub(super) struct Shared<'a> {
    /// What has been taken, either way.
    pub(super) inbox: &'a mut Inbox,
    /// Names the exchanges that the consumer opens.
    pub(super) numbers: &'a mut Numbers,
    /// The oldest event that was taken and will not be handled after all, if there is any.
    pub(super) dropped: Option<u32>,
}

impl Shared<'_> {
    fn give_back(&mut self, serial: u32) {
        self.inbox.give_back(serial);
        self.dropped = Some(self.dropped.map_or(serial, |dropped| dropped.min(serial)));
    }
}

/// The receiver of one consumer.
#[derive(Clone, Debug)]
pub struct Receiver {
    policy: Arc<ReceivePolicy>,
    seed: Seed,
    faults: Arc<Faults>,
    store: Store,
    workers: Workers<Job>,
}

impl Receiver {
    /// A receiver with nothing to do.
    pub fn new(policy: Arc<ReceivePolicy>, seed: Seed, faults: Arc<Faults>) -> Self {
        let (store, workers) = (Store::new(policy.dedupe), Workers::new(policy.capacity));
        Self { policy, seed, faults, store, workers }
    }

    /// Takes a webhook: refuses it, answers it at once, or puts it into the queue.
    ///
    /// An event counts as taken from here on, not from when its handler has finished: the same event coming again
    /// meanwhile, as a retry or by a poll, is a duplicate.
    pub(super) fn requested(
        &mut self,
        now: Time,
        exchange: Exchange,
        (events, attempt, authenticity): (&Batch, u32, Authenticity),
        shared: &mut Shared<'_>,
        out: &mut impl Sink,
    ) {
        if let Some((status, retry_after)) =
            self.faults.receiver_error(now, self.seed, exchange, (events.first(), attempt))
        {
            return out.push(reply(exchange, Response::Refused { status, retry_after }));
        }
        if authenticity == Authenticity::Rejected {
            return out.push(reply(exchange, Response::refused(UNAUTHORIZED)));
        }
        self.act(now, shared, out);
        if let &[event] = events.as_slice()
            && self.handles_at_once()
            && self.is_new(now, &event, shared.inbox)
        {
            return self.handle_at_once(now, exchange, event, shared, out);
        }
        let told = self.unknown(now, events, shared.inbox);
        if told.is_empty() && !events.is_empty() {
            out.push_all(events.iter().map(|event| took(exchange, *event, false, false)));
            return out.push(reply(exchange, Response::Accepted));
        }
        let job = Job { exchange, told: told.clone(), attempt, fetching: Fetching::default() };
        if self.workers.offer(now, job).is_some() {
            let retry_after = self.policy.retry_after;
            return out.push(reply(exchange, Response::Refused { status: SERVICE_UNAVAILABLE, retry_after }));
        }
        if events.is_empty() {
            out.push(Output::Note(Note::Believed(exchange)));
        }
        for event in events {
            let handled = told.iter().find(|told| told.event.serial == event.serial);
            out.push(took(exchange, *event, handled.is_some_and(|told| told.fresh), handled.is_some()));
        }
        for Told { event, .. } in &told {
            shared.inbox.take(event.serial);
            self.store.remember(now, event.serial);
        }
        if self.policy.acknowledge == Acknowledge::Before {
            out.push(reply(exchange, Response::Accepted));
        }
        self.act(now, shared, out);
        if self.workers.waiting() > 0 {
            out.push(Output::Note(Note::Queued(self.workers.waiting())));
        }
    }

    /// Whether a webhook is handled in no time.
    #[inline]
    fn handles_at_once(&self) -> bool {
        self.workers.takes_at_once() && self.policy.service_time == Distribution::ZERO && self.policy.fetch.is_none()
    }

    /// Whether an event has neither been handled nor been taken before, as far as the receiver knows.
    #[inline]
    fn is_new(&mut self, now: Time, event: &Event, inbox: &Inbox) -> bool {
        !inbox.contains(event.serial) && !self.store.knows_besides(now, event.serial)
    }

    /// Whether every webhook that is new is handled in no time, whenever it comes.
    #[inline]
    pub(super) fn takes_at_once(&self) -> bool {
        self.faults.0.is_empty() && self.handles_at_once()
    }

    /// Remembers that an event is taken now, if it is new; false if it is not, and then nothing has changed.
    #[inline]
    pub(super) fn take_new(&mut self, now: Time, event: &Event, inbox: &mut Inbox) -> bool {
        let is_new = self.is_new(now, event, inbox);
        if is_new {
            self.remember(now, event, inbox);
        }
        is_new
    }

    /// Remembers that an event was taken.
    #[inline]
    fn remember(&mut self, now: Time, event: &Event, inbox: &mut Inbox) {
        inbox.take(event.serial);
        self.store.remember(now, event.serial);
    }

    /// Takes a webhook of one event that is new, and handles it.
    fn handle_at_once(
        &mut self,
        now: Time,
        exchange: Exchange,
        event: Event,
        shared: &mut Shared<'_>,
        out: &mut impl Sink,
    ) {
        out.push(took(exchange, event, true, true));
        self.remember(now, &event, shared.inbox);
        let reply = reply(exchange, Response::Accepted);
        match self.policy.acknowledge {
            Acknowledge::Before => {
                out.push(reply);
                out.push(Output::Note(Note::Seen(event)));
            }
            Acknowledge::After => {
                out.push(Output::Note(Note::Seen(event)));
                out.push(reply);
            }
        }
    }

    /// The events of a webhook that the handler has to run on, as far as the receiver knows.
    fn unknown(&mut self, now: Time, events: &Batch, inbox: &Inbox) -> SmallVec<[Told; 2]> {
        let unknown = events.iter().filter(|event| !self.store.knows(now, event.serial, inbox));
        unknown.map(|&event| Told { event, fresh: !inbox.contains(event.serial) }).collect()
    }

    /// Finishes the handlers that are done by now and starts those that can start.
    #[inline]
    pub(super) fn act(&mut self, now: Time, shared: &mut Shared<'_>, out: &mut impl Sink) {
        if self.workers.waiting() > 0 || self.deadline().is_some_and(|until| until <= now) {
            self.work(now, shared, out);
        }
    }

    fn work(&mut self, now: Time, shared: &mut Shared<'_>, out: &mut impl Sink) {
        let Self { policy, seed, faults, workers, .. } = self;
        let mut again = SmallVec::<[(Exchange, Event); 2]>::new();
        workers.turn(now, out, |at, stage, job, out| match stage {
            Stage::Due if job.fetching.open.is_none() && job.fetching.tries == 0 => {
                finish(policy, job, out);
                again.extend(job.told.iter().filter(|told| !told.fresh).map(|told| (job.exchange, told.event)));
                Next::Done
            }
            // The pause before another try is over, or the webhook has just been taken.
            _ => match policy.fetch {
                Some(fetch) if job.fetching.done < job.told.len() => fetch_next(fetch, job, shared.numbers, out),
                _ => Next::Work(service(policy, *seed, faults, at, job)),
            },
        });
        for (exchange, event) in again {
            overtake(workers, exchange, event, out);
        }
    }

    /// Takes the end of a fetch; the exchange may also be another one's.
    pub(super) fn ended(
        &mut self,
        now: Time,
        exchange: Exchange,
        outcome: &Outcome,
        shared: &mut Shared<'_>,
        out: &mut impl Sink,
    ) {
        let Self { policy, seed, faults, store, workers } = self;
        let Some(fetch) = policy.fetch else { return };
        let mut failed = None;
        let is_it = |job: &Job| job.fetching.open == Some(exchange.serial);
        workers.resume(now, out, is_it, |job, out| {
            job.fetching.open = None;
            if matches!(outcome, Outcome::Answered(Response::Event(_))) {
                let fresh = job.told.get(job.fetching.done).is_some_and(|told| told.fresh);
                out.push(Output::Note(Note::Fetched { exchange, fresh }));
                job.fetching = Fetching { done: job.fetching.done + 1, ..Fetching::default() };
                return match job.fetching.done < job.told.len() {
                    true => fetch_next(fetch, job, shared.numbers, out),
                    false => Next::Work(service(policy, *seed, faults, now, job)),
                };
            }
            if job.fetching.tries < fetch.tries {
                return Next::Work(FETCH_PAUSE);
            }
            failed = Some(job.clone());
            Next::Done
        });
        if let Some(job) = failed {
            for told in job.told.iter().filter(|told| told.fresh) {
                if !pass_on(workers, job.exchange, told.event.serial, out) {
                    give_back(&job, told, store, shared, out);
                }
            }
            if policy.acknowledge == Acknowledge::After {
                out.push(reply(job.exchange, Response::refused(BAD_GATEWAY)));
            }
        }
        self.act(now, shared, out);
    }

    /// Loses everything that was taken and not handled, as a process does that goes down.
    pub(super) fn crashed(&mut self, now: Time, shared: &mut Shared<'_>, out: &mut impl Sink) {
        for job in self.workers.clear(now, out) {
            for told in job.told.iter().filter(|told| told.fresh) {
                give_back(&job, told, &mut self.store, shared, out);
            }
        }
    }

    /// When the next handler finishes.
    #[inline]
    pub fn deadline(&self) -> Option<Time> {
        self.workers.deadline()
    }
}

/// How long the handler works on a webhook.
fn service(policy: &ReceivePolicy, seed: Seed, faults: &Faults, at: Time, job: &Job) -> Span {
    let span = match policy.service_time {
        Distribution::Constant(span) => span,
        ref random => {
            let event = job.told.first().map_or(job.exchange.serial, |told| told.event.serial);
            let subject = [job.exchange.consumer.into(), event.into(), job.attempt.into()];
            random.sample(seed.draw(Purpose::HandlerService, subject))
        }
    };
    let slowdown = faults.slowdown(at, job.exchange.consumer);
    if slowdown == 1.0 { span } else { span.scale(slowdown) }
}

fn fetch_next(fetch: FetchPolicy, job: &mut Job, numbers: &mut Numbers, out: &mut impl Sink) -> Next {
    let Some(Told { event, .. }) = job.told.get(job.fetching.done) else { return Next::Done };
    job.fetching.tries += 1;
    let exchange = numbers.next();
    job.fetching.open = Some(exchange.serial);
    // Each try of each attempt has luck of its own.
    let tries_before = job.attempt.saturating_sub(1).saturating_mul(fetch.tries);
    let request = Request::Fetch { event: *event, attempt: tries_before.saturating_add(job.fetching.tries) };
    out.push(Output::Send { exchange, request, timeout: fetch.timeout });
    Next::Wait
}

fn finish(policy: &ReceivePolicy, job: &Job, out: &mut impl Sink) {
    let fresh = job.told.iter().filter(|told| told.fresh);
    out.push_all(fresh.map(|told| Output::Note(Note::Seen(told.event))));
    if policy.acknowledge == Acknowledge::After {
        out.push(reply(job.exchange, Response::Accepted));
    }
}

/// Leaves an event to another webhook that brought it too and is still to be handled; false if there is none.
fn pass_on(workers: &mut Workers<Job>, from: Exchange, serial: u32, out: &mut impl Sink) -> bool {
    let to = workers.serving_mut().find_map(|job| told_mut(job, serial)).map(|(to, told)| {
        told.fresh = true;
        to
    });
    let to = to.or_else(|| {
        let (to, told) = workers.waiting_mut().find_map(|job| told_mut(job, serial))?;
        told.fresh = true;
        Some(to)
    });
    out.push_all(to.map(|to| Output::Note(Note::Passed { from, to })));
    to.is_some()
}

/// The handler of a webhook that brought an event again has finished before that of the one that brought it first: now the
/// event has been seen, and the other handler will see it again. The first one came out of the queue earlier, so if it has
/// not finished it is in service.
fn overtake(workers: &mut Workers<Job>, to: Exchange, event: Event, out: &mut impl Sink) {
    let first = workers.serving_mut().filter_map(|job| told_mut(job, event.serial)).find(|(_, told)| told.fresh);
    if let Some((from, told)) = first {
        told.fresh = false;
        out.push(Output::Note(Note::Seen(event)));
        out.push(Output::Note(Note::Passed { from, to }));
    }
}

fn told_mut(job: &mut Job, serial: u32) -> Option<(Exchange, &mut Told)> {
    let exchange = job.exchange;
    job.told.iter_mut().find(|told| told.event.serial == serial).map(|told| (exchange, told))
}

/// Takes back that an event of a webhook was taken.
fn give_back(job: &Job, told: &Told, store: &mut Store, shared: &mut Shared<'_>, out: &mut impl Sink) {
    let event = told.event;
    shared.give_back(event.serial);
    store.give_back(event.serial);
    out.push(Output::Note(Note::Dropped { exchange: job.exchange, event }));
}

const fn took(exchange: Exchange, event: Event, fresh: bool, handled: bool) -> Output {
    Output::Note(Note::Took { exchange, event, fresh, handled })
}

const fn reply(exchange: Exchange, response: Response) -> Output {
    Output::Reply { exchange, response }
}
