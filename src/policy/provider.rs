//! System B as one client meets it: an API with the feed of each consumer behind it, and a dispatcher of webhooks.

mod leap;
mod passing;

use crate::distribution::Distribution;
use crate::fault::Faults;
use crate::peer::{Exchange, Input, Note, Output, Peer, Request, Response, Sink, sooner};
use crate::policy::answers::Answers;
use crate::policy::dispatcher::{DispatchPolicy, Dispatcher};
use crate::policy::held::{Held, HeldPoll};
use crate::policy::limits::Gate;
pub use crate::policy::limits::{ApiLimits, QuotaPolicy, RateLimit};
use crate::policy::workers::{Capacity, Next, Stage, Workers};
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};
pub use passing::Reading;

/// How System B's API serves.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiPolicy {
    /// Its workers and the queue in front of them, shared by all consumers of a client.
    pub capacity: Capacity,
    /// How long a worker takes for a request.
    pub service_time: Distribution,
    /// The most events in one answer; above zero.
    pub page: u32,
    /// How many requests it lets in.
    pub limits: ApiLimits,
    /// How long it keeps an event; none means for ever.
    pub retention: Option<Span>,
    /// The interval between polls that it wishes (`X-Poll-Interval`), if it says so.
    pub poll_interval: Option<Span>,
    /// After how long a proxy in front of it cuts off a request that is held, and answers 504 in its place; none without
    /// such a proxy.
    pub idle_cut: Option<Span>,
}

impl ApiPolicy {
    /// An API that lets everybody in, keeps every event and gives no advice.
    pub const fn new(capacity: Capacity, service_time: Distribution, page: u32) -> Self {
        let limits = ApiLimits::NONE;
        Self { capacity, service_time, page, limits, retention: None, poll_interval: None, idle_cut: None }
    }
}

/// Which consumers a provider serves, and what their clients use of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Serves<'a> {
    /// The first consumer.
    pub first: u32,
    /// How many consumers from there on.
    pub consumers: u32,
    /// Whether the clients poll, so that a feed is kept for each of them.
    pub feed: bool,
    /// Whether the clients may come back to events that they knew before.
    pub keeps: bool,
    /// How far before what they know the clients ask again; zero for not at all.
    pub overlap: Span,
    /// Whether single records can be asked for.
    pub records: bool,
    /// Whether nobody asks for anything but single records, so that no feed need be kept.
    pub only_records: bool,
    /// With how many events a record is final; none if it never is.
    pub changes: Option<u32>,
    /// How webhooks are dispatched, if the clients take any.
    pub dispatch: Option<&'a DispatchPolicy>,
}

struct Job {
    exchange: Exchange,
    /// When it came.
    asked_at: Time,
    request: Request,
    /// When a worker took the request, and what will be answered from then on.
    sampled: Option<(Time, Response)>,
}

/// System B with its own state for one client.
pub struct Provider {
    api: ApiPolicy,
    seed: Seed,
    answers: Answers,
    gate: Gate,
    workers: Workers<Job>,
    held: Held,
    dispatcher: Option<Dispatcher>,
    /// When it is down.
    outages: Faults,
}

impl Provider {
    /// A provider at which nothing has happened yet.
    pub fn new(api: &ApiPolicy, seed: Seed, serves: Serves<'_>) -> Self {
        let dispatcher =
            |policy: &DispatchPolicy| Dispatcher::new(policy.clone(), seed, serves.first, serves.consumers);
        Self {
            api: api.clone(),
            seed,
            answers: Answers::new(api, &serves),
            gate: Gate::new(api.limits, api.poll_interval, serves.first, serves.consumers),
            workers: Workers::new(api.capacity),
            held: Held::default(),
            dispatcher: serves.dispatch.map(dispatcher),
            outages: Faults::default(),
        }
    }

    /// The same provider, which sends no webhook while one of these has it down.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.outages = faults.of_provider();
        self.dispatcher = self.dispatcher.map(|dispatcher| dispatcher.with_faults(&self.outages));
        self
    }

    /// Forgets every request that it holds of the consumers for which it has just gone down.
    fn crashed(&mut self, now: Time, out: &mut impl Sink) {
        let Self { outages, workers, held, .. } = self;
        workers.clear_where(now, out, |job| outages.provider_down(now, job.exchange.consumer).is_some());
        held.clear_where(|consumer| outages.provider_down(now, consumer).is_some());
    }

    #[inline]
    fn act(&mut self, now: Time, out: &mut impl Sink) {
        if self.workers.deadline().is_some_and(|until| until <= now) || self.workers.waiting() > 0 {
            self.serve(now, out);
        }
        if self.held.deadline().is_some_and(|until| until <= now) {
            self.end_holds(now, out);
        }
        self.answers.act(now, out);
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.act(now, out);
        }
    }

    /// Takes a request that has reached the API.
    fn requested(&mut self, now: Time, exchange: Exchange, request: Request, out: &mut impl Sink) {
        self.serve(now, out);
        if let Some(response) = self.gate.turned_away(now, exchange) {
            out.push(Output::Reply { exchange, response });
            return;
        }
        let may_be_held = matches!(request, Request::Poll { hold, .. } if !hold.is_zero());
        if self.workers.takes_at_once() && self.api.service_time == Distribution::ZERO && !may_be_held {
            // A worker takes it and is done with it.
            let mut response = self.answers.to(now, exchange, &request, out);
            self.gate.answered(now, now, exchange, &mut response);
            out.push(Output::Reply { exchange, response });
            return;
        }
        if self.workers.offer(now, Job { exchange, asked_at: now, request, sampled: None }).is_some() {
            out.push(Output::Reply { exchange, response: Response::refused(UNAVAILABLE) });
        }
        self.serve(now, out);
        if self.workers.waiting() > 0 {
            out.push(Output::Note(Note::Queued(self.workers.waiting())));
        }
    }

    fn serve(&mut self, now: Time, out: &mut impl Sink) {
        let Self { api, seed, answers, gate, workers, held, .. } = self;
        workers.turn(now, out, |at, stage, job, out| match stage {
            Stage::Start => {
                job.sampled = Some((at, answers.to(at, job.exchange, &job.request, out)));
                let subject = [job.exchange.consumer.into(), job.exchange.serial.into(), 0];
                Next::Work(match api.service_time {
                    Distribution::Constant(span) => span,
                    ref distribution => distribution.sample(seed.draw(Purpose::ApiService, subject)),
                })
            }
            Stage::Due => {
                let (sampled_at, mut response) = job.sampled.take().unwrap_or((at, Response::refused(500)));
                if let Some(poll) = to_hold(api, job, sampled_at, &response) {
                    // What occurred while the worker was busy is reason enough not to hold it any longer.
                    response = answers.to(at, job.exchange, &job.request, out);
                    if brings_nothing(&response) && poll.until > at {
                        if let Some(HeldPoll { exchange, asked_at, .. }) = held.hold(poll) {
                            gate.answered(at, asked_at, exchange, &mut response);
                            out.push(Output::Reply { exchange, response });
                        }
                        return Next::Done;
                    }
                    if poll.is_cut && poll.until <= at {
                        response = Response::refused(GATEWAY_TIMEOUT);
                    }
                }
                gate.answered(at, job.asked_at, job.exchange, &mut response);
                out.push(Output::Reply { exchange: job.exchange, response });
                Next::Done
            }
        });
    }

    /// Answers every poll that is held no longer.
    fn end_holds(&mut self, now: Time, out: &mut impl Sink) {
        while let Some(HeldPoll { exchange, asked_at, request, is_cut, .. }) = self.held.pop_due(now) {
            let mut response =
                if is_cut { Response::refused(GATEWAY_TIMEOUT) } else { self.answers.to(now, exchange, &request, out) };
            self.gate.answered(now, asked_at, exchange, &mut response);
            out.push(Output::Reply { exchange, response });
        }
    }

    /// Answers the poll that is held for a consumer, if there is something new for it.
    fn tell_held(&mut self, now: Time, consumer: u32, out: &mut impl Sink) {
        let Some(HeldPoll { exchange, asked_at, request, .. }) = self.held.of(consumer) else { return };
        let mut response = self.answers.to(now, *exchange, request, out);
        if !brings_nothing(&response) {
            self.gate.answered(now, *asked_at, *exchange, &mut response);
            out.push(Output::Reply { exchange: *exchange, response });
            self.held.release(consumer);
        }
    }
}

/// HTTP status for a request that finds the queue full.
const UNAVAILABLE: u16 = 503;
/// HTTP status with which a proxy answers in place of a server that takes too long.
const GATEWAY_TIMEOUT: u16 = 504;

/// Whether an answer could as well have waited for something to tell.
fn brings_nothing(response: &Response) -> bool {
    match response {
        Response::Page { events, .. } => events.is_empty(),
        Response::NotModified { .. } => true,
        Response::Record { .. } | Response::Event(_) | Response::Accepted | Response::Refused { .. } => false,
    }
}

/// The poll that a request is, if it wants to be held because its answer would bring nothing. Holding counts from the
/// instant of sampling.
fn to_hold(api: &ApiPolicy, job: &Job, sampled_at: Time, response: &Response) -> Option<HeldPoll> {
    let Request::Poll { hold, .. } = job.request else { return None };
    if hold.is_zero() || !brings_nothing(response) {
        return None;
    }
    let cut = api.idle_cut.filter(|cut| *cut < hold);
    let until = sampled_at + cut.unwrap_or(hold);
    let Job { exchange, asked_at, .. } = *job;
    Some(HeldPoll { exchange, asked_at, request: job.request.clone(), until, is_cut: cut.is_some() })
}

impl Peer for Provider {
    // Where it is clear what the input is, nothing is left of the choice.
    #[inline(always)]
    fn handle(&mut self, now: Time, input: Input, out: &mut impl Sink) {
        match input {
            Input::Wake | Input::Opened(_) => {}
            Input::Crashed => self.crashed(now, out),
            Input::Occurred(event) => {
                self.answers.publish(&event);
                self.tell_held(now, event.consumer, out);
                if let Some(dispatcher) = &mut self.dispatcher {
                    dispatcher.occurred(now, event, out);
                }
            }
            Input::Redeliver(event) => {
                if let Some(dispatcher) = &mut self.dispatcher {
                    dispatcher.redeliver(now, event, out);
                }
            }
            Input::Requested(exchange, request) => self.requested(now, exchange, request, out),
            Input::Ended(exchange, outcome) => {
                if let Some(dispatcher) = &mut self.dispatcher {
                    dispatcher.ended(now, exchange, &outcome, out);
                }
            }
        }
        self.act(now, out);
    }

    #[inline]
    fn deadline(&self) -> Option<Time> {
        let dispatcher = self.dispatcher.as_ref().and_then(Dispatcher::deadline);
        let answers = sooner(self.answers.deadline(), self.held.deadline());
        sooner(sooner(self.workers.deadline(), answers), dispatcher)
    }
}
