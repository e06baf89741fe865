//! System B as one client meets it: an API with the feed of each consumer behind it, and a dispatcher of webhooks.

use crate::distribution::Distribution;
use crate::fault::Faults;
use crate::peer::{Advice, Exchange, Input, Note, Output, Peer, Request, Response, Tag};
use crate::policy::dispatcher::{DispatchPolicy, Dispatcher};
use crate::policy::feed::Feed;
use crate::policy::held::{Held, HeldPoll};
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
        let limits = ApiLimits { consumer: None, account: None, quota: None };
        Self { capacity, service_time, page, limits, retention: None, poll_interval: None, idle_cut: None }
    }
}

/// How many requests the API lets in; others are answered 429 before any worker has them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ApiLimits {
    /// What one consumer may ask for.
    pub consumer: Option<RateLimit>,
    /// What all consumers of a client may ask for together: they share an account.
    pub account: Option<RateLimit>,
    /// What one consumer may ask for in a window of time.
    pub quota: Option<QuotaPolicy>,
}

/// A token bucket: a request takes a token, and tokens come back at a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Nanoseconds for one token to come back; above zero.
    pub gap_nanos: f64,
    /// The most tokens that lie ready; above zero.
    pub burst: u32,
}

/// A quota for each window of time. Windows follow each other from the first request on, as GitHub's do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuotaPolicy {
    /// Requests allowed in a window; above zero.
    pub requests: u32,
    /// The length of a window; above zero.
    pub window: Span,
    /// Whether an answer 304 takes from the quota. GitHub's do not.
    pub counts_not_modified: bool,
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
    request: Request,
    /// When a worker took the request, and what will be answered from then on.
    sampled: Option<(Time, Response)>,
}

/// System B with its own state for one client.
pub struct Provider {
    api: ApiPolicy,
    seed: Seed,
    first: u32,
    feeds: Vec<Feed>,
    only_records: bool,
    changes: Option<u32>,
    workers: Workers<Job>,
    held: Held,
    dispatcher: Option<Dispatcher>,
    /// When it is down.
    outages: Faults,
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
            feeds: (0..feeds).map(|_| Feed::new(serves.records, serves.keeps).with_overlap(serves.overlap)).collect(),
            workers: Workers::new(api.capacity),
            held: Held::default(),
            only_records: serves.only_records,
            changes: serves.changes,
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
    fn crashed(&mut self, now: Time, out: &mut Vec<Output>) {
        let Self { outages, workers, held, .. } = self;
        workers.clear_where(now, out, |job| outages.provider_down(now, job.exchange.consumer).is_some());
        held.clear_where(|consumer| outages.provider_down(now, consumer).is_some());
    }

    fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.workers.deadline().is_some_and(|until| until <= now) || self.workers.waiting() > 0 {
            self.serve(now, out);
        }
        self.end_holds(now, out);
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.act(now, out);
        }
    }

    /// Answers every poll that is held no longer.
    fn end_holds(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(HeldPoll { exchange, request, is_cut, .. }) = self.held.pop_due(now) {
            let response = if is_cut {
                Response::refused(GATEWAY_TIMEOUT)
            } else {
                answer(&mut self.feeds, self.first, self.api.page, self.changes, exchange, &request)
            };
            out.push(Output::Reply { exchange, response });
        }
    }

    /// Answers the poll that is held for a consumer, if there is something new for it.
    fn tell_held(&mut self, consumer: u32, out: &mut Vec<Output>) {
        let Some(HeldPoll { exchange, request, .. }) = self.held.of(consumer) else { return };
        let response = answer(&mut self.feeds, self.first, self.api.page, self.changes, *exchange, request);
        if !brings_nothing(&response) {
            out.push(Output::Reply { exchange: *exchange, response });
            self.held.release(consumer);
        }
    }

    fn serve(&mut self, now: Time, out: &mut Vec<Output>) {
        let Self { api, seed, first, feeds, workers, held, changes, .. } = self;
        workers.turn(now, out, |at, stage, job, out| match stage {
            Stage::Start => {
                let response = answer(feeds, *first, api.page, *changes, job.exchange, &job.request);
                job.sampled = Some((at, response));
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
                    response = answer(feeds, *first, api.page, *changes, job.exchange, &job.request);
                    if brings_nothing(&response) && poll.until > at {
                        let before = held.hold(poll);
                        out.extend(before.map(|poll| Output::Reply { exchange: poll.exchange, response }));
                        return Next::Done;
                    }
                    if poll.is_cut && poll.until <= at {
                        response = Response::refused(GATEWAY_TIMEOUT);
                    }
                }
                out.push(Output::Reply { exchange: job.exchange, response });
                Next::Done
            }
        });
    }
}

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
    Some(HeldPoll { exchange: job.exchange, request: job.request.clone(), until, is_cut: cut.is_some() })
}

/// What the API answers at the instant of sampling.
fn answer(
    feeds: &mut [Feed],
    first: u32,
    page: u32,
    changes: Option<u32>,
    exchange: Exchange,
    request: &Request,
) -> Response {
    let feed = exchange.consumer.checked_sub(first).and_then(|index| feeds.get_mut(index as usize));
    match (feed, request) {
        (Some(feed), Request::Poll { tag: Some(tag), .. }) if *tag == feed.tag() => {
            Response::NotModified { advice: Advice::default() }
        }
        (Some(feed), Request::Record { record, tag: Some(tag), .. }) if *tag == record_tag(feed, *record) => {
            Response::NotModified { advice: Advice::default() }
        }
        (Some(feed), Request::Poll { after, limit, .. }) => {
            let (events, has_more) = feed.page(*after, (*limit).clamp(1, page));
            Response::Page { events, has_more, tag: feed.tag(), advice: Advice::default() }
        }
        (Some(feed), Request::Record { record, .. }) => {
            let newest = feed.record(*record);
            Response::Record {
                event: newest.map(|(event, _)| event),
                is_final: newest.is_some_and(|(_, count)| changes == Some(count)),
                tag: record_tag(feed, *record),
                advice: Advice::default(),
            }
        }
        (_, Request::Fetch { event, .. }) => Response::Event(*event),
        (None, _) | (_, Request::Delivery { .. }) => Response::refused(404),
    }
}

/// The state of a record.
fn record_tag(feed: &Feed, record: u32) -> Tag {
    Tag(feed.record(record).map_or(0, |(event, _)| event.serial))
}

impl Peer for Provider {
    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Wake | Input::Opened(_) => {}
            Input::Crashed => self.crashed(now, out),
            Input::Occurred(event) => {
                let index = event.consumer.checked_sub(self.first);
                if let Some(feed) = index.and_then(|index| self.feeds.get_mut(index as usize)) {
                    feed.publish(event);
                    if self.only_records {
                        feed.forget_log();
                    }
                    self.tell_held(event.consumer, out);
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
            Input::Requested(exchange, request) => {
                self.serve(now, out);
                if self.workers.offer(now, Job { exchange, request, sampled: None }).is_some() {
                    out.push(Output::Reply { exchange, response: Response::refused(503) });
                }
                self.serve(now, out);
                if self.workers.waiting() > 0 {
                    out.push(Output::Note(Note::Queued(self.workers.waiting())));
                }
            }
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
        [self.workers.deadline(), self.held.deadline(), dispatcher].into_iter().flatten().min()
    }
}
