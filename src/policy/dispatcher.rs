//! System B's webhooks: owes each event to its endpoint until it is accepted or given up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::distribution::Distribution;
use crate::peer::{Authenticity, Event, Exchange, LossCause, Note, Outcome, Output, Request, Response, Side};
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
                event: delivery.event,
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
