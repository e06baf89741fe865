//! System B's webhooks: owes each event to its endpoint until it is accepted or given up.
//!
//! As long as nothing is asked for but retries, deliveries are planned, become due and leave, first come first served.
//! Everything else is a matter between the provider and one endpoint, and has its place in that endpoint's lane. There are
//! lanes from the start where the policy needs them, and otherwise from the moment at which an endpoint is disabled or
//! somebody asks for a redelivery.

mod batching;
mod breaker;
mod delivery;
mod disabling;
mod lane;
mod line;
mod passing;
mod redelivery;
mod values;

use std::collections::{BTreeSet, VecDeque};

use crate::distribution::Distribution;
use crate::fault::Faults;
use crate::peer::{Authenticity, Event, Exchange, LossCause, Outcome, Output, Request, Response, Side, Sink};
use crate::policy::dispatcher::delivery::{Delivery, Plan};
use crate::policy::dispatcher::lane::Lane;
use crate::seed::{Purpose, Seed};
use crate::time::Time;
use crate::window::Window;

pub use values::{BatchPolicy, BreakerPolicy, DisablePolicy, DispatchPolicy, Order, RedeliverPolicy, WhileDisabled};

/// HTTP status with which an endpoint says that it wants nothing any more.
const GONE: u16 = 410;

const fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(Response::Refused { status: GONE, .. }))
}

/// What all endpoints have in common.
#[derive(Clone, Debug)]
struct Terms {
    policy: DispatchPolicy,
    seed: Seed,
    /// When System B is down: then nothing leaves.
    outages: Faults,
}

impl Terms {
    /// Whether System B is up for a consumer.
    fn is_up(&self, now: Time, consumer: u32) -> bool {
        self.outages.provider_down(now, consumer).is_none()
    }

    /// When the first attempt of an event is due.
    fn due(&self, event: &Event) -> Time {
        let subject = [event.consumer.into(), event.serial.into(), 0];
        let delay = match self.policy.delay {
            Distribution::Constant(delay) => delay,
            ref delay => delay.sample(self.seed.draw(Purpose::DispatchDelay, subject)),
        };
        // The delay counts from the event itself, not from when a late engine told of it.
        event.occurred_at + delay
    }

    /// When a delivery whose attempt has failed is due again, or none to give it up.
    fn retry_at(&self, now: Time, delivery: &Delivery, outcome: &Outcome) -> Option<Time> {
        let retry_after = match outcome {
            Outcome::Answered(Response::Refused { retry_after, .. }) => *retry_after,
            _ => None,
        };
        self.policy.retry.next_attempt(now, delivery.attempt, &delivery.first, retry_after, self.seed)
    }

    /// Whether a delivery has waited for its turn until its schedule was over.
    fn is_too_late(&self, now: Time, delivery: &Delivery) -> bool {
        delivery.attempt > 1
            && delivery.errand == delivery::Errand::Owed
            && !self.policy.retry.may_leave(now, delivery.first.occurred_at)
    }

    /// Why a delivery is given up whose schedule ended with this attempt.
    const fn cause_after(attempt: u32) -> LossCause {
        match attempt {
            1 => LossCause::NeverRetried,
            _ => LossCause::RetriesExhausted,
        }
    }

    /// Whether endpoints need lanes from the start.
    fn need_lanes(&self) -> bool {
        let policy = &self.policy;
        policy.order != Order::None
            || policy.batch.max > 1
            || !policy.spacing.is_zero()
            || policy.disable.after.is_some()
            || policy.disable.failures.is_some()
            || policy.breaker.is_some()
            || policy.redeliver.is_some()
    }
}

/// A turn to leave as soon as the concurrency allows.
#[derive(Clone, Debug)]
enum Turn {
    /// Of this delivery, where there are no lanes.
    Delivery(Delivery),
    /// Of whatever is first in line in this lane, so many times in a row.
    Lane(u32, usize),
}

/// The dispatcher of one client: every delivery of every endpoint it serves.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    terms: Terms,
    /// The first consumer that is served here; endpoint i belongs to consumer `first + i`.
    first: u32,
    /// Deliveries under way, per endpoint, by the serial of their exchange.
    flying: Vec<Window<Delivery>>,
    flying_count: u32,
    /// Turns to leave, first come first served.
    ready: VecDeque<Turn>,
    /// Deliveries whose time has not come, where there are no lanes.
    planned: Plan,
    /// What waits for each endpoint; empty as long as no endpoint needs a lane.
    lanes: Vec<Lane>,
    /// When something changes in which lane.
    wakes: BTreeSet<(Time, u32)>,
    /// The entry of each lane in `wakes`.
    wakes_of: Vec<Option<Time>>,
}

impl Dispatcher {
    /// A dispatcher for the endpoints of `consumers` consumers from number `first` on.
    pub fn new(policy: DispatchPolicy, seed: Seed, first: u32, consumers: u32) -> Self {
        let mut dispatcher = Self {
            terms: Terms { policy, seed, outages: Faults::default() },
            first,
            flying: (0..consumers).map(|_| Window::default()).collect(),
            flying_count: 0,
            ready: VecDeque::new(),
            planned: Plan::default(),
            lanes: Vec::new(),
            wakes: BTreeSet::new(),
            wakes_of: Vec::new(),
        };
        if dispatcher.terms.need_lanes() {
            dispatcher.open_lanes(Time::ZERO);
        }
        dispatcher
    }

    /// The same dispatcher, which is down whenever these take System B down.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.terms.outages = faults.of_provider();
        self
    }

    /// Takes on the delivery of an event.
    pub fn occurred(&mut self, now: Time, event: Event, out: &mut impl Sink) {
        let due = self.terms.due(&event);
        if !self.lanes.is_empty() {
            self.in_lane(now, event.consumer, out, |lane, terms, out| lane.occurred(now, event, due, terms, out));
        } else if self.leaves_at_once(now, &event, due) {
            self.send(Delivery::single(event, due), out);
        } else if due <= now {
            self.ready.push_back(Turn::Delivery(Delivery::single(event, due)));
        } else {
            self.planned.push(Delivery::single(event, due));
        }
    }

    /// Takes the end of an attempt: done, to be tried again, or given up.
    pub fn ended(&mut self, now: Time, exchange: Exchange, outcome: &Outcome, out: &mut impl Sink) {
        if is_gone(outcome) && self.terms.policy.disable.on_gone {
            self.open_lanes(now);
        }
        let flying = self.index(exchange.consumer).and_then(|index| self.flying.get_mut(index));
        let Some(delivery) = flying.and_then(|flying| flying.take(exchange.serial)) else { return };
        self.flying_count = self.flying_count.saturating_sub(1);
        if !self.lanes.is_empty() {
            self.in_lane(now, exchange.consumer, out, |lane, terms, out| {
                lane.ended(now, exchange.serial, delivery, outcome, terms, out);
            });
        } else if !matches!(outcome, Outcome::Answered(Response::Accepted)) {
            match self.terms.retry_at(now, &delivery, outcome) {
                Some(due) => self.planned.push(delivery.next(due)),
                None => delivery.give_up(Terms::cause_after(delivery.attempt), out),
            }
        }
    }

    /// Attempts an event once more, now, because somebody asks for it, whatever has become of it.
    ///
    /// Nothing is done where an attempt of it is under way or will follow anyway, or where its endpoint is disabled. An
    /// event that the operator's script may still bring goes back to the script if the attempt fails; otherwise the
    /// attempt is the only one, and its failure is not told.
    pub fn redeliver(&mut self, now: Time, event: Event, out: &mut impl Sink) {
        let Some(flying) = self.index(event.consumer).and_then(|index| self.flying.get(index)) else { return };
        if flying.iter().any(|(_, delivery)| delivery.has(event.serial)) {
            return;
        }
        self.open_lanes(now);
        self.in_lane(now, event.consumer, out, |lane, terms, _| lane.asked(now, event, terms));
    }

    /// Sends what is due, as far as the concurrency allows.
    #[inline]
    pub fn act(&mut self, now: Time, out: &mut impl Sink) {
        if self.deadline().is_some_and(|due| due <= now) || !self.ready.is_empty() {
            self.act_on_what_is_due(now, out);
        }
    }

    fn act_on_what_is_due(&mut self, now: Time, out: &mut impl Sink) {
        if self.lanes.is_empty() {
            while let Some(delivery) = self.planned.pop_due(now) {
                self.ready.push_back(Turn::Delivery(delivery));
            }
        } else {
            self.wake_lanes(now, out);
        }
        while self.has_free_slot() {
            match self.ready.pop_front() {
                None => break,
                Some(Turn::Delivery(delivery)) if !self.terms.is_up(now, delivery.first.consumer) => {
                    let up_at = self.terms.outages.provider_up_from(now, delivery.first.consumer);
                    self.planned.push(delivery.due_at(up_at));
                }
                Some(Turn::Delivery(delivery)) if self.terms.is_too_late(now, &delivery) => {
                    delivery.give_up(LossCause::RetriesExhausted, out);
                }
                Some(Turn::Delivery(delivery)) => {
                    self.send(delivery, out);
                }
                Some(Turn::Lane(index, turns)) => self.take_turn(now, index, turns, out),
            }
        }
    }

    /// When the next delivery is due, or anything else changes by itself.
    #[inline]
    pub fn deadline(&self) -> Option<Time> {
        // Deliveries are planned here or in lanes, never in both.
        if self.lanes.is_empty() { self.planned.next_at() } else { self.wakes.first().map(|(at, _)| *at) }
    }

    fn wake_lanes(&mut self, now: Time, out: &mut impl Sink) {
        while let Some(&(at, index)) = self.wakes.first()
            && at <= now
        {
            let consumer = self.first.saturating_add(index);
            self.in_lane(now, consumer, out, |lane, terms, out| lane.act(now, terms, out));
        }
    }

    /// Whether an event that occurs now and is due then waits for nothing, where there are no lanes.
    #[inline]
    fn leaves_at_once(&self, now: Time, event: &Event, due: Time) -> bool {
        due <= now && self.ready.is_empty() && self.has_free_slot() && self.terms.is_up(now, event.consumer)
    }

    #[inline]
    fn has_free_slot(&self) -> bool {
        self.terms.policy.concurrency.is_none_or(|limit| self.flying_count < limit)
    }

    /// Takes the first of so many turns of a lane.
    fn take_turn(&mut self, now: Time, index: u32, turns: usize, out: &mut impl Sink) {
        let Some(lane) = self.lanes.get_mut(index as usize) else { return };
        if let Some(delivery) = lane.turn(now, turns, &self.terms, out) {
            if turns > 1 {
                self.ready.push_front(Turn::Lane(index, turns - 1));
            }
            let errand = delivery.errand;
            let exchange = self.send(delivery, out);
            if let (Some(exchange), Some(lane)) = (exchange, self.lanes.get_mut(index as usize)) {
                lane.left(now, exchange, errand, &self.terms);
            }
        }
        self.settle(now, index);
    }

    /// Sends a delivery; gives back the serial of its exchange.
    fn send(&mut self, delivery: Delivery, out: &mut impl Sink) -> Option<u32> {
        let consumer = delivery.first.consumer;
        let index = self.index(consumer)?;
        let (events, attempt) = (delivery.batch(), delivery.attempt);
        let serial = self.flying.get_mut(index)?.push(delivery);
        self.flying_count = self.flying_count.saturating_add(1);
        out.push(Output::Send {
            exchange: Exchange { opener: Side::Provider, consumer, serial },
            request: Request::Delivery { events, attempt, authenticity: Authenticity::Accepted },
            timeout: self.terms.policy.timeout,
        });
        Some(serial)
    }

    /// Gives every endpoint a lane, and every delivery its place there, if that has not been done.
    fn open_lanes(&mut self, now: Time) {
        if !self.lanes.is_empty() {
            return;
        }
        let flying = |window: &Window<Delivery>| u32::try_from(window.iter().count()).unwrap_or(u32::MAX);
        self.lanes = self.flying.iter().map(|window| Lane::new(&self.terms, flying(window))).collect();
        self.wakes_of = vec![None; self.lanes.len()];
        for delivery in self.planned.extract(|_| true) {
            if let Some(lane) = self.lane_of(&delivery) {
                lane.plan(delivery);
            }
        }
        for turn in std::mem::take(&mut self.ready) {
            if let Turn::Delivery(delivery) = turn
                && let Some(index) = self.index(delivery.first.consumer)
                && let Some(lane) = self.lanes.get_mut(index)
            {
                lane.line_up(delivery);
                self.give_turns(index as u32, 1);
            }
        }
        for index in 0..self.lanes.len() as u32 {
            self.settle(now, index);
        }
    }

    /// Does something in the lane of a consumer.
    fn in_lane<S: Sink>(
        &mut self,
        now: Time,
        consumer: u32,
        out: &mut S,
        what: impl FnOnce(&mut Lane, &Terms, &mut S),
    ) {
        let Some(index) = self.index(consumer) else { return };
        let Some(lane) = self.lanes.get_mut(index) else { return };
        lane.enable(now);
        what(lane, &self.terms, out);
        self.settle(now, index as u32);
    }

    /// Gives a lane the turns and the wake it now wants.
    fn settle(&mut self, now: Time, index: u32) {
        let Some(lane) = self.lanes.get_mut(index as usize) else { return };
        let turns = lane.turns_wanted(now, &self.terms);
        let wake = lane.deadline(now, &self.terms);
        self.give_turns(index, turns);
        let Some(before) = self.wakes_of.get_mut(index as usize) else { return };
        if *before != wake {
            if let Some(before) = *before {
                self.wakes.remove(&(before, index));
            }
            self.wakes.extend(wake.map(|at| (at, index)));
            *before = wake;
        }
    }

    /// Gives a lane so many turns, behind those that have been given.
    fn give_turns(&mut self, index: u32, more: usize) {
        match self.ready.back_mut() {
            _ if more == 0 => {}
            Some(Turn::Lane(last, turns)) if *last == index => *turns += more,
            _ => self.ready.push_back(Turn::Lane(index, more)),
        }
    }

    fn lane_of(&mut self, delivery: &Delivery) -> Option<&mut Lane> {
        let index = self.index(delivery.first.consumer)?;
        self.lanes.get_mut(index)
    }

    /// The place of a consumer's endpoint in the lists of endpoints.
    fn index(&self, consumer: u32) -> Option<usize> {
        consumer.checked_sub(self.first).map(|index| index as usize)
    }
}
