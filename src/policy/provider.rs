//! System B as one client meets it: an API with the feed of each consumer behind it, and a dispatcher of webhooks.

use crate::distribution::Distribution;
use crate::peer::{Advice, Exchange, Input, Note, Output, Peer, Request, Response, Tag};
use crate::policy::dispatcher::{DispatchPolicy, Dispatcher};
use crate::policy::feed::Feed;
use crate::policy::limits::Gate;
pub use crate::policy::limits::{ApiLimits, QuotaPolicy, RateLimit};
use crate::policy::retention::{Retention, is_kept};
use crate::policy::workers::{Capacity, Next, Stage, Workers};
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

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
    /// Whether single records can be asked for.
    pub records: bool,
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
    /// What will be answered, from the instant at which a worker took the request.
    response: Option<Response>,
}

/// System B with its own state for one client.
pub struct Provider {
    api: ApiPolicy,
    seed: Seed,
    first: u32,
    feeds: Vec<Feed>,
    changes: Option<u32>,
    gate: Gate,
    workers: Workers<Job>,
    retention: Option<Retention>,
    dispatcher: Option<Dispatcher>,
}

impl Provider {
    /// A provider at which nothing has happened yet.
    pub fn new(api: &ApiPolicy, seed: Seed, serves: Serves<'_>) -> Self {
        let feeds = if serves.feed { serves.consumers } else { 0 };
        let dispatcher =
            |policy: &DispatchPolicy| Dispatcher::new(policy.clone(), seed, serves.first, serves.consumers);
        Self {
            api: api.clone(),
            seed,
            first: serves.first,
            feeds: (0..feeds).map(|_| Feed::new(serves.records, serves.keeps)).collect(),
            gate: Gate::new(api.limits, api.poll_interval, serves.first, serves.consumers),
            workers: Workers::new(api.capacity),
            retention: api.retention.map(|kept| Retention::new(kept, feeds as usize)),
            changes: serves.changes,
            dispatcher: serves.dispatch.map(dispatcher),
        }
    }

    fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.workers.deadline().is_some_and(|until| until <= now) || self.workers.waiting() > 0 {
            self.serve(now, out);
        }
        if let Some(retention) = &mut self.retention {
            retention.act(now, &mut self.feeds, out);
        }
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.act(now, out);
        }
    }

    /// Takes a request that has reached the API.
    fn requested(&mut self, now: Time, exchange: Exchange, request: Request, out: &mut Vec<Output>) {
        self.serve(now, out);
        if let Some(response) = self.gate.turned_away(now, exchange) {
            out.push(Output::Reply { exchange, response });
            return;
        }
        if self.workers.offer(now, Job { exchange, asked_at: now, request, response: None }).is_some() {
            out.push(Output::Reply { exchange, response: Response::refused(503) });
        }
        self.serve(now, out);
        if self.workers.waiting() > 0 {
            out.push(Output::Note(Note::Queued(self.workers.waiting())));
        }
    }

    fn serve(&mut self, now: Time, out: &mut Vec<Output>) {
        let Self { api, seed, first, feeds, gate, workers, changes, .. } = self;
        workers.turn(now, out, |at, stage, job, out| match stage {
            Stage::Start => {
                job.response = Some(answer(api, feeds, *first, *changes, at, job, out));
                let subject = [job.exchange.consumer.into(), job.exchange.serial.into(), 0];
                Next::Work(match api.service_time {
                    Distribution::Constant(span) => span,
                    ref distribution => distribution.sample(seed.draw(Purpose::ApiService, subject)),
                })
            }
            Stage::Due => {
                let mut response = job.response.take().unwrap_or(Response::refused(500));
                gate.answered(at, job.asked_at, job.exchange, &mut response);
                out.push(Output::Reply { exchange: job.exchange, response });
                Next::Done
            }
        });
    }
}

/// What the API answers at the instant of sampling.
fn answer(
    api: &ApiPolicy,
    feeds: &mut [Feed],
    first: u32,
    changes: Option<u32>,
    at: Time,
    job: &Job,
    out: &mut Vec<Output>,
) -> Response {
    let feed = job.exchange.consumer.checked_sub(first).and_then(|index| feeds.get_mut(index as usize));
    match (feed, &job.request) {
        (Some(feed), Request::Poll { after, limit, .. }) => {
            if let Some(kept) = api.retention {
                feed.forget(kept, at, out);
            }
            let (events, has_more) = feed.page(*after, (*limit).clamp(1, api.page));
            Response::Page { events, has_more, tag: feed.tag(), advice: Advice::default() }
        }
        (Some(feed), Request::Record { record, .. }) => {
            let newest = feed.record(*record);
            Response::Record {
                event: newest.map(|(event, _)| event),
                is_final: newest.is_some_and(|(_, count)| changes == Some(count)),
                tag: Tag(newest.map_or(0, |(event, _)| event.serial)),
                advice: Advice::default(),
            }
        }
        (_, Request::Fetch { event, .. }) if is_kept(api.retention, event, at) => Response::Event(*event),
        (None, _) | (_, Request::Fetch { .. } | Request::Delivery { .. }) => Response::refused(404),
    }
}

impl Peer for Provider {
    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Wake | Input::Crashed | Input::Opened(_) => {}
            Input::Occurred(event) => {
                let index = event.consumer.checked_sub(self.first);
                if let Some(feed) = index.and_then(|index| self.feeds.get_mut(index as usize)) {
                    feed.publish(event);
                }
                if let (Some(retention), Some(index)) = (&mut self.retention, index) {
                    retention.published(index, &event);
                }
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

    fn deadline(&self) -> Option<Time> {
        let dispatcher = self.dispatcher.as_ref().and_then(Dispatcher::deadline);
        let retention = self.retention.as_ref().and_then(Retention::deadline);
        [self.workers.deadline(), retention, dispatcher].into_iter().flatten().min()
    }
}
