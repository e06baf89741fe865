//! Virtual time: the peers of a cell, driven from one thing that happens to the next.
//!
//! Consumers that share nothing are cells of their own and run one after the other, each with an agenda of a handful of
//! entries; cells are spread over the cores. Every count is a whole number and adds up the same in any order, so the
//! result does not depend on how many threads there were.

mod apart;
mod chronicle;
mod deliveries;
mod flights;
mod leap;
mod occurrences;
mod passage;
mod shared_workers;
mod straight;
mod traffic;
mod usage;

use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::deadlines::Deadlines;
use crate::engine::agenda::Rank;
use crate::engine::attack::{Attack, Forgery};
use crate::engine::openings::Openers;
use crate::engine::{ClientRun, ClientSetup, Control, Setup};
use crate::measure::fact::Fact;
use crate::measure::ledger::Ledger;
use crate::measure::tally::Tally;
use crate::peer::{Event, Exchange, Input, Peer, Response, Side};
use crate::policy::consumer::{Consumer, Policies};
use crate::policy::forger::Reception;
use crate::policy::provider::Provider;
use crate::policy::signature::{Keys, Scheme};
use crate::time::Time;
use crate::wire::{Envelope, Wire};
pub use chronicle::{chronicle, exact_latencies, step_by_step, trace};
use leap::Leaps;
use occurrences::Occurrences;
use shared_workers::Course;
use straight::Way;
use traffic::{Outbox, Step, Traffic};
use usage::Usages;

/// The Unix time at which every virtual run starts, in nanoseconds: the first instant of 2026.
const EPOCH_NANOS: i128 = 1_767_225_600_000_000_000;

/// At most so many consumers are handed to a thread at once: enough to spread well, few enough to merge quickly.
const CHUNK: u32 = 512;

/// Cells of more consumers than this run one after the other, so that memory goes with consumers and not with clients.
const LARGE: u32 = 100_000;

/// How often a cell looks whether it should stop, in steps.
const STEPS_BETWEEN_LOOKS: u32 = 4_096;

/// How often setting a cell up looks whether it should stop, in consumers.
const SET_UP_BETWEEN_LOOKS: u32 = 4_096;

/// Runs every client of a setup. Where `control` stops the run early, what there is so far is given back.
pub fn run(setup: &Setup, control: &Control) -> Vec<ClientRun> {
    // Those whose consumers share what they never use up.
    let apart: Vec<Option<Tally>> =
        (0..setup.clients.len()).map(|client| apart::apart(setup, client, control)).collect();
    let others = (0..setup.clients.len()).filter(|client| apart[*client].is_none());
    let jobs: Vec<(usize, Range<u32>)> = others
        .flat_map(|index| {
            let chunk = if setup.is_coupled(&setup.clients[index]) { setup.consumers } else { CHUNK };
            let starts = (0..setup.consumers).step_by(chunk.max(1) as usize);
            starts.map(move |start| (index, start..start.saturating_add(chunk).min(setup.consumers)))
        })
        .collect();
    let empty = || vec![Tally::default(); setup.clients.len()];
    let fold = |mut tallies: Vec<Tally>, (client, consumers): (usize, Range<u32>)| {
        match setup.is_coupled(&setup.clients[client]) {
            true => play_together(setup, client, consumers, &mut tallies[client], control),
            false => {
                let mut used = Usages::NONE;
                play_each(setup, client, consumers, (&mut tallies[client], &mut used), control);
            }
        }
        tallies
    };
    let merge = |mut a: Vec<Tally>, b: Vec<Tally>| {
        a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        a
    };
    let is_large = |(_, consumers): &(usize, Range<u32>)| consumers.len() > LARGE as usize;
    let (large, small): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_large);
    let tallies = small.into_par_iter().fold(empty, fold).reduce_with(merge).unwrap_or_else(empty);
    let tallies = large.into_iter().fold(tallies, fold);
    let tallies = tallies.into_iter().zip(apart).map(|(together, apart)| apart.unwrap_or(together));
    tallies.map(|tally| ClientRun { tally, cpu: None, chronicle: None }).collect()
}

fn wire(setup: &Setup, client: usize) -> Wire {
    let scheme = setup.clients[client].push.as_ref().map_or(Scheme::None, |push| push.scheme);
    // Webhooks are not signed in virtual time; only the length of a signature matters, and any key's are as long.
    let envelope = setup.clients[client].push.as_ref().map_or(Envelope::PLAIN, |push| push.envelope);
    Wire::new(u32::try_from(client).unwrap_or(0), envelope, Keys::generate(scheme, [1; 32]), EPOCH_NANOS)
        .with_compression(setup.clients[client].is_compressed())
}

/// Plays consumers one after the other, each as a cell of its own, and keeps what they use of what is shared.
fn play_each(
    setup: &Setup,
    client: usize,
    consumers: Range<u32>,
    (tally, used): (&mut Tally, &mut Usages),
    control: &Control,
) {
    let wire = wire(setup, client);
    let client = &setup.clients[client];
    let policies = client.policies();
    let mut unread = Tally::default();
    for first in consumers {
        let Some(mut cell) = Cell::new(setup, client, &policies, &wire, first..first + 1, control) else { break };
        let ledger = |tally| Ledger::new(setup.frame, (first, 1), client.ways(), setup.changes(), tally);
        std::mem::swap(&mut cell.traffic.usages, used);
        cell.run(ledger(&mut *tally).watching(&client.faults), control);
        if cell.traffic.usages.are_kept() {
            cell.run_on(ledger(&mut unread), control);
        }
        std::mem::swap(&mut cell.traffic.usages, used);
        if used.are_exceeded() {
            break;
        }
    }
}

/// Plays consumers who share something, as one cell.
fn play_together(setup: &Setup, client: usize, consumers: Range<u32>, tally: &mut Tally, control: &Control) {
    let wire = wire(setup, client);
    let client = &setup.clients[client];
    let (books, policies) = ((consumers.start, consumers.end.saturating_sub(consumers.start)), client.policies());
    let new = || Cell::new(setup, client, &policies, &wire, consumers.clone(), control);
    let Some(mut cell) = new() else { return };
    if let Some(course) = Course::of(&cell).filter(|_| !control.plays_together) {
        if let Some(played) = shared_workers::play(&mut cell, course, client, control) {
            return tally.merge(played);
        }
        let Some(anew) = new() else { return };
        cell = anew;
    }
    let ledger = Ledger::new(setup.frame, books, client.ways(), setup.changes(), tally);
    cell.run(ledger.watching(&client.faults), control);
}

/// When which side of a client goes down, the soonest last.
fn crashes(client: &ClientSetup) -> Vec<(Time, Side)> {
    let receivers = client.push.iter().flat_map(|_| client.faults.crashes());
    let receivers = receivers.map(|at| (at, Side::Consumer));
    let mut crashes: Vec<_> =
        receivers.chain(client.faults.provider_crashes().into_iter().map(|at| (at, Side::Provider))).collect();
    crashes.sort_unstable_by(|a, b| b.cmp(a));
    crashes
}

/// Peers that share something, or just one consumer and its provider.
struct Cell<'a> {
    traffic: Traffic<'a>,
    provider: Provider,
    /// When the provider wants to be woken; [`Time::NEVER`] if it does not.
    provider_wake: Time,
    consumers: Vec<Consumer>,
    /// Deadlines of the consumers.
    wakes: Deadlines,
    /// The records that are yet to be opened.
    openers: Openers<'a>,
    polls_records: bool,
    occurrences: Occurrences<'a>,
    /// When which side goes down, the soonest last.
    crashes: Vec<(Time, Side)>,
    attack: Option<Box<Attack>>,
    /// How long a poll takes that can be left out; none if every poll is played.
    leaps: Option<Leaps>,
    /// How many polls have been left out.
    leapt: u64,
    /// Records are opened, sides go down, or webhooks are forged: more may come next than in most cells.
    has_more: bool,
    /// Exchanges may be carried through at once.
    may_pass: bool,
    /// What goes straight through.
    way: Way,
    /// From here on, it is done as soon as it knows all.
    over_from: Time,
    /// How many steps it has taken since it last looked whether it should stop.
    steps: u32,
    /// Until when a webhook that went straight through is under way to each of several consumers.
    under_way_until: Vec<Time>,
}

/// What comes next, in the order in which ties are resolved: a record is opened before it changes, an event at the very instant of sampling is in, a poll that
/// falls due when the last one ends is not skipped, an answer that is ready just as time runs out is in time, and a webhook
/// that arrives just as its endpoint goes down finds it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Open(u32),
    Event(u32),
    Crash,
    Message,
    WakeProvider,
    WakeConsumer(u32),
    Forge(u32),
    Timeout,
}

impl<'a> Cell<'a> {
    /// Sets a cell up; none if the run was stopped meanwhile.
    fn new(
        setup: &'a Setup,
        client: &'a ClientSetup,
        policies: &Policies,
        wire: &'a Wire,
        consumers: Range<u32>,
        control: &Control,
    ) -> Option<Self> {
        let (first, count) = (consumers.start, consumers.len());
        // Setting a million consumers up takes time as well.
        let stops = |consumer: u32| (consumer - first).is_multiple_of(SET_UP_BETWEEN_LOOKS) && control.is_stopped();
        let consumer = |consumer| {
            let new = || Consumer::new(setup.seed, consumer, policies);
            (!stops(consumer)).then(|| new().watching(setup.seed, consumer, policies, setup.watched()))
        };
        let peers = consumers.clone().map(consumer).collect::<Option<_>>()?;
        let provider = setup.provider(client, consumers.clone());
        let crashes = crashes(client);
        let attack = client.push.as_ref().and_then(|push| Attack::new(setup, client, push.scheme, first, count as u32));
        let mut cell = Self {
            traffic: Traffic::new(setup, wire, &client.faults, first, count),
            provider_wake: provider.deadline().unwrap_or(Time::NEVER),
            provider,
            consumers: peers,
            openers: Openers::new(setup, consumers.clone()),
            polls_records: client.polls_records(),
            wakes: Deadlines::new(count),
            occurrences: Occurrences::new(&setup.workload, consumers),
            leaps: Leaps::new(setup, client, control),
            leapt: 0,
            has_more: setup.workload.lifecycle.is_some() || !crashes.is_empty() || attack.is_some(),
            may_pass: count == 1 && client.faults.0.is_empty(),
            way: Way::None,
            over_from: setup.frame.duration,
            steps: 0,
            under_way_until: if count > 1 { vec![Time::ZERO; count] } else { Vec::new() },
            crashes,
            attack,
        };
        for index in 0..count as u32 {
            if stops(first + index) {
                return None;
            }
            cell.wakes.set(index, cell.consumers[index as usize].deadline());
        }
        Some(cell)
    }

    /// Plays the cell to its end and closes the books.
    fn run(&mut self, mut ledger: Ledger<'_>, control: &Control) {
        let frame = self.traffic.setup.frame;
        self.may_pass &= ledger.takes_passages();
        if ledger.takes_passages() && !self.has_more && self.traffic.faults.0.is_empty() {
            self.way = Way::between(&self.provider, &self.consumers, &self.traffic.setup.link);
        }
        let mut reported = Time::ZERO;
        let consumers = self.consumers.len() as u64;
        let mut report = |now: Time| {
            let now = now.min(frame.duration);
            control.done.fetch_add(now.since(reported).as_nanos().saturating_mul(consumers), Ordering::Relaxed);
            reported = now;
        };
        let mut cut = frame.end.max(frame.duration);
        loop {
            self.deliver_straight(&mut ledger);
            self.steps = self.steps.saturating_add(1);
            let Some((at, next)) = self.next() else { break };
            if at > frame.end || (at >= frame.duration && ledger.is_settled()) {
                break;
            }
            if self.steps >= STEPS_BETWEEN_LOOKS {
                self.steps = 0;
                report(self.traffic.now);
                if control.is_stopped() {
                    cut = self.traffic.now;
                    break;
                }
            }
            debug_assert!(at >= self.traffic.now, "time went back");
            self.traffic.now = at;
            self.take(next, &mut ledger);
        }
        report(frame.duration);
        control.leapt.fetch_add(self.leapt, Ordering::Relaxed);
        ledger.close_all(cut);
    }

    fn next(&mut self) -> Option<(Time, Next)> {
        // In the order in which ties are resolved: what comes at the same instant does not take the place of what is found.
        let mut first = (Time::NEVER, None);
        let mut consider = |at: Time, next: Next| {
            if at < first.0 {
                first = (at, Some(next));
            }
        };
        if self.has_more
            && let Some((at, index)) = self.openers.next()
        {
            consider(at, Next::Open(index));
        }
        if let Some((at, index)) = self.occurrences.earliest() {
            consider(at, Next::Event(index));
        }
        if self.has_more
            && let Some((at, _)) = self.crashes.last()
        {
            consider(*at, Next::Crash);
        }
        let agenda = self.traffic.agenda.next_at();
        if let Some((at, Rank::Message)) = agenda {
            consider(at, Next::Message);
        }
        consider(self.provider_wake, Next::WakeProvider);
        if let Some((at, index)) = self.wakes.earliest() {
            consider(at, Next::WakeConsumer(index));
        }
        if self.has_more
            && let Some((at, index)) = self.attack.as_mut().and_then(|attack| attack.next())
        {
            consider(at, Next::Forge(index));
        }
        if let Some((at, Rank::Timeout)) = agenda {
            consider(at, Next::Timeout);
        }
        first.1.map(|next| (first.0, next))
    }

    fn take(&mut self, next: Next, ledger: &mut Ledger<'_>) {
        match next {
            Next::Open(index) => self.open_record(index, ledger),
            Next::Event(index) if self.poll_straight(index, ledger) => {}
            Next::Event(index) => {
                if let Some(event) = self.occurrences.take(index)
                    && !self.deliver_among_others(index, &event, ledger)
                {
                    self.occur(event, ledger);
                }
            }
            Next::Crash => self.crash(ledger),
            Next::Forge(index) => self.forge(index, ledger),
            Next::WakeProvider => self.tell_provider_and_pass(Input::Wake, ledger),
            Next::WakeConsumer(index) if self.poll_straight(index, ledger) || self.leap(ledger) => {}
            Next::WakeConsumer(index) => self.wake_consumer_and_pass(index, ledger),
            Next::Message | Next::Timeout => match self.traffic.agenda.pop() {
                Some(Step::Arrive(exchange)) => self.arrive(exchange, ledger),
                Some(Step::Return(exchange) | Step::Expire(exchange)) => self.end(exchange, ledger),
                Some(Step::Acknowledge) if self.provider.accepted() => self.tell_provider(Input::Wake, ledger),
                Some(Step::Acknowledge) => {}
                None => {}
            },
        }
    }

    /// A consumer opens its next record.
    fn open_record(&mut self, index: u32, ledger: &mut Ledger<'_>) {
        let Some(record) = self.openers.take(index) else { return };
        let consumer = self.traffic.first + index;
        ledger.record(self.traffic.now, Fact::RecordOpened { consumer, record });
        if self.polls_records {
            self.tell_consumer(index, Input::Opened(record), ledger);
        }
    }

    /// An event occurs now.
    fn occur(&mut self, event: Event, ledger: &mut Ledger<'_>) {
        ledger.occurred(self.traffic.now, event);
        self.tell_provider_and_pass(Input::Occurred(event), ledger);
    }

    fn tell(&mut self, side: Side, consumer: u32, input: Input, ledger: &mut Ledger<'_>) {
        match side {
            Side::Provider => self.tell_provider(input, ledger),
            Side::Consumer => self.tell_consumer(consumer - self.traffic.first, input, ledger),
            // Nobody waits for what a stranger is told.
            Side::Stranger => {}
        }
    }

    fn tell_provider(&mut self, input: Input, ledger: &mut Ledger<'_>) {
        let now = self.traffic.now;
        self.provider.handle(now, input, &mut Outbox::new(&mut self.traffic, ledger, Side::Provider));
        self.note_provider_wake();
    }

    fn tell_consumer(&mut self, index: u32, input: Input, ledger: &mut Ledger<'_>) {
        let now = self.traffic.now;
        let out = &mut Outbox::new(&mut self.traffic, ledger, Side::Consumer);
        self.consumers[index as usize].handle(now, input, out);
        self.note_consumer_wake(index);
    }

    /// Asks the provider when it wants to be woken next.
    fn note_provider_wake(&mut self) {
        let deadline = self.provider.deadline();
        debug_assert!(deadline.is_none_or(|at| at > self.traffic.now), "a deadline that has passed");
        self.provider_wake = deadline.unwrap_or(Time::NEVER);
    }

    /// Asks a consumer when it wants to be woken next.
    fn note_consumer_wake(&mut self, index: u32) {
        let deadline = self.consumers[index as usize].deadline();
        debug_assert!(deadline.is_none_or(|at| at > self.traffic.now), "a deadline that has passed");
        self.wakes.set(index, deadline);
    }

    /// A forged webhook reaches a consumer's endpoint.
    fn forge(&mut self, index: u32, ledger: &mut Ledger<'_>) {
        let Some(forgery) = self.attack.as_mut().and_then(|attack| attack.forge(index)) else { return };
        let (now, consumer) = (self.traffic.now, self.traffic.first + index);
        if self.traffic.faults.receiver_down(now, consumer).is_some() {
            return;
        }
        let Forgery { serial, kind, reception } = forgery;
        let exchange = Exchange { opener: Side::Stranger, consumer, serial };
        ledger.record(now, Fact::Forged { exchange, kind: Some(kind) });
        match reception {
            Reception::TooMuch(status) => {
                let bytes = self.traffic.wire.response_size(&Response::refused(status));
                ledger.record(now, Fact::Replied { exchange, bytes });
            }
            Reception::Request(request) => self.tell_consumer(index, Input::Requested(exchange, request), ledger),
        }
    }
}
