//! System B's webhooks: owes each event to its endpoint until it is accepted or given up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::distribution::Distribution;
use crate::peer::{Authenticity, Batch, Event, Exchange, LossCause, Note, Outcome, Output, Request, Response, Side};
use crate::policy::retry::RetryPolicy;
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};
use crate::window::Window;

/// How the provider delivers webhooks to one client.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchPolicy {
    /// Attempts under way at the same time, over all consumers of the client; none means no limit.
    pub concurrency: Option<u32>,
    /// From the event to its first attempt.
    pub delay: Distribution,
    /// How long an attempt waits for its answer.
    pub timeout: Span,
    /// When to try again.
    pub retry: RetryPolicy,
    /// Whether a delivery waits for the ones before it.
    pub order: Order,
    /// How events share a delivery.
    pub batch: BatchPolicy,
    /// The least time between two attempts to the same endpoint; zero for none. An attempt that is too early waits.
    pub spacing: Span,
    /// When an endpoint is given up, and what becomes of its events.
    pub disable: DisablePolicy,
    /// When a failing endpoint is left alone for a while.
    pub breaker: Option<BreakerPolicy>,
    /// How what was given up is delivered again.
    pub redeliver: Option<RedeliverPolicy>,
}

impl DispatchPolicy {
    /// One event a delivery, in no order, to an endpoint that is never given up.
    pub const fn new(timeout: Span, retry: RetryPolicy) -> Self {
        Self {
            concurrency: None,
            delay: Distribution::ZERO,
            timeout,
            retry,
            order: Order::None,
            batch: BatchPolicy::SINGLE,
            spacing: Span::ZERO,
            disable: DisablePolicy::NEVER,
            breaker: None,
            redeliver: None,
        }
    }
}

/// Whether a delivery waits for the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each goes by itself.
    None,
    /// To each endpoint one at a time, in the order of the events: while one waits for its retry, so do all behind it.
    Fifo,
}

/// How events of one consumer share a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPolicy {
    /// The most events in one delivery; above zero.
    pub max: u32,
    /// How long the first event of a delivery waits for others.
    pub wait: Span,
    /// The payload bytes with which a delivery is full, if that is limited.
    pub bytes: Option<u32>,
}

impl BatchPolicy {
    /// Every event by itself.
    pub const SINGLE: Self = Self { max: 1, wait: Span::ZERO, bytes: None };
}

/// When an endpoint is disabled, and what becomes of its events then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisablePolicy {
    /// Once every attempt has failed for so long.
    pub after: Option<Span>,
    /// Once so many attempts in a row have failed.
    pub failures: Option<u32>,
    /// As soon as it answers 410 (Gone).
    pub on_gone: bool,
    /// Somebody enables it again this long after it was disabled; none means never.
    pub enable_after: Option<Span>,
    /// What becomes of the events that wait for it, and of those that occur while it is disabled.
    pub meanwhile: WhileDisabled,
}

impl DisablePolicy {
    /// It is never given up, unless it answers 410.
    pub const NEVER: Self =
        Self { after: None, failures: None, on_gone: true, enable_after: None, meanwhile: WhileDisabled::Lose };
}

/// What becomes of the events of a disabled endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileDisabled {
    /// They are given up.
    Lose,
    /// They wait until it is enabled again.
    Keep,
}

/// A circuit breaker: leaves an endpoint that fails too often alone for a while, then tries it with a single attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// How far back attempts are looked at.
    pub window: Span,
    /// The share of failed attempts from which on it opens; above 0, at most 1.
    pub failure_share: f64,
    /// How many attempts there must have been at least; above zero.
    pub minimum: u32,
    /// How long it stays open before the single attempt.
    pub cool_down: Span,
}

/// An operator's script that has failed deliveries sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeliverPolicy {
    /// How often it runs, counted from the start of the run; above zero.
    pub every: Span,
    /// How old an event may be.
    pub within: Span,
}

/// An event on its way, with the number of its next or present attempt.
#[derive(Clone, Copy, Debug)]
struct Delivery {
    event: Event,
    attempt: u32,
}

/// The dispatcher of one client: every delivery of every endpoint it serves.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    policy: DispatchPolicy,
    seed: Seed,
    /// The first consumer that is served here; endpoint i belongs to consumer `first + i`.
    first: u32,
    /// Deliveries under way, per endpoint, by the serial of their exchange.
    flying: Vec<Window<Delivery>>,
    flying_count: u32,
    /// Deliveries that are due but wait for one under way to end.
    ready: VecDeque<Delivery>,
    /// Deliveries whose time has not come: when, in which order they were planned, and where they are kept.
    planned: BinaryHeap<Reverse<(Time, u64, PlannedDelivery)>>,
    planned_count: u64,
}

/// A delivery as an entry of the heap, where only time and order of planning decide.
#[derive(Clone, Copy, Debug)]
struct PlannedDelivery(Delivery);

impl PartialEq for PlannedDelivery {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for PlannedDelivery {}
impl PartialOrd for PlannedDelivery {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for PlannedDelivery {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Dispatcher {
    /// A dispatcher for the endpoints of `consumers` consumers from number `first` on.
    pub fn new(policy: DispatchPolicy, seed: Seed, first: u32, consumers: u32) -> Self {
        Self {
            policy,
            seed,
            first,
            flying: (0..consumers).map(|_| Window::default()).collect(),
            flying_count: 0,
            ready: VecDeque::new(),
            planned: BinaryHeap::new(),
            planned_count: 0,
        }
    }

    /// Takes on the delivery of an event.
    pub fn occurred(&mut self, now: Time, event: Event) {
        let subject = [event.consumer.into(), event.serial.into(), 0];
        let delay = match self.policy.delay {
            Distribution::Constant(delay) => delay,
            ref delay => delay.sample(self.seed.draw(Purpose::DispatchDelay, subject)),
        };
        let delivery = Delivery { event, attempt: 1 };
        // The delay counts from the event itself, not from when a late engine told of it.
        let due = event.occurred_at + delay;
        if due <= now {
            self.ready.push_back(delivery);
        } else {
            self.plan(due, delivery);
        }
    }

    /// Takes the end of an attempt: done, to be tried again, or given up.
    pub fn ended(&mut self, now: Time, exchange: Exchange, outcome: &Outcome, out: &mut Vec<Output>) {
        let Some(Delivery { event, attempt }) =
            self.endpoint(exchange.consumer).and_then(|endpoint| endpoint.take(exchange.serial))
        else {
            return;
        };
        self.flying_count = self.flying_count.saturating_sub(1);
        if matches!(outcome, Outcome::Answered(Response::Accepted)) {
            return;
        }
        match self.policy.retry.delay_after(attempt, self.seed, event.consumer, event.serial) {
            Some(delay) => self.plan(now + delay, Delivery { event, attempt: attempt.saturating_add(1) }),
            None => {
                let cause = match attempt {
                    1 => LossCause::NeverRetried,
                    _ => LossCause::RetriesExhausted,
                };
                out.push(Output::Note(Note::GaveUp(event, cause)));
            }
        }
    }

    /// Sends what is due, as far as the concurrency allows.
    pub fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(Reverse((due, _, _))) = self.planned.peek()
            && *due <= now
        {
            if let Some(Reverse((_, _, PlannedDelivery(delivery)))) = self.planned.pop() {
                self.ready.push_back(delivery);
            }
        }
        while self.policy.concurrency.is_none_or(|limit| self.flying_count < limit) {
            let Some(delivery) = self.ready.pop_front() else { break };
            self.send(delivery, out);
        }
    }

    /// When the next planned attempt is due.
    pub fn deadline(&self) -> Option<Time> {
        self.planned.peek().map(|Reverse((due, _, _))| *due)
    }

    fn send(&mut self, delivery: Delivery, out: &mut Vec<Output>) {
        let consumer = delivery.event.consumer;
        let Some(endpoint) = self.endpoint(consumer) else { return };
        let serial = endpoint.push(delivery);
        self.flying_count = self.flying_count.saturating_add(1);
        out.push(Output::Send {
            exchange: Exchange { opener: Side::Provider, consumer, serial },
            request: Request::Delivery {
                events: Batch::from_slice(&[delivery.event]),
                attempt: delivery.attempt,
                authenticity: Authenticity::Accepted,
            },
            timeout: self.policy.timeout,
        });
    }

    fn plan(&mut self, due: Time, delivery: Delivery) {
        self.planned.push(Reverse((due, self.planned_count, PlannedDelivery(delivery))));
        self.planned_count += 1;
    }

    fn endpoint(&mut self, consumer: u32) -> Option<&mut Window<Delivery>> {
        self.flying.get_mut(consumer.checked_sub(self.first)? as usize)
    }
}
