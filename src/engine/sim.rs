//! Virtual time: the peers of a cell, driven from one thing that happens to the next.
//!
//! Consumers that share nothing are cells of their own and run one after the other, each with an agenda of a handful of
//! entries; cells are spread over the cores. Every count is a whole number and adds up the same in any order, so the
//! result does not depend on how many threads there were.

use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::deadlines::Deadlines;
use crate::engine::agenda::{Agenda, Rank};
use crate::engine::attack::{Attack, Forgery};
use crate::engine::{ClientRun, ClientSetup, Control, Setup};
use crate::fault::{Connections, Faults};
use crate::link::{Crossing, Verdict};
use crate::measure::ledger::{End, Fact, Ledger};
use crate::measure::tally::Tally;
use crate::peer::{Event, Exchange, Input, Note, Outcome, Output, Peer, Request, Response, Side};
use crate::policy::consumer::Consumer;
use crate::policy::forger::Reception;
use crate::policy::provider::{Provider, Serves};
use crate::policy::signature::{Keys, Scheme};
use crate::time::{Span, Time};
use crate::window::Window;
use crate::wire::{Envelope, Wire};
use crate::workload::Events;

/// The Unix time at which every virtual run starts, in nanoseconds: the first instant of 2026.
const EPOCH_NANOS: i128 = 1_767_225_600_000_000_000;

/// At most so many consumers are handed to a thread at once: enough to spread well, few enough to merge quickly.
const CHUNK: u32 = 512;

/// How often a cell looks whether it should stop, in steps.
const STEPS_BETWEEN_LOOKS: u32 = 4_096;

/// Runs every client of a setup. Where `control` stops the run early, what there is so far is given back.
pub fn run(setup: &Setup, control: &Control) -> Vec<ClientRun> {
    let jobs: Vec<(usize, Range<u32>)> = setup
        .clients
        .iter()
        .enumerate()
        .flat_map(|(index, client)| {
            let chunk = if setup.is_coupled(client) { setup.consumers } else { CHUNK };
            let starts = (0..setup.consumers).step_by(chunk.max(1) as usize);
            starts.map(move |start| (index, start..start.saturating_add(chunk).min(setup.consumers)))
        })
        .collect();
    let empty = || vec![Tally::default(); setup.clients.len()];
    let fold = |mut tallies: Vec<Tally>, (client, consumers): (usize, Range<u32>)| {
        run_job(setup, client, consumers, &mut tallies[client], control);
        tallies
    };
    let merge = |mut a: Vec<Tally>, b: Vec<Tally>| {
        a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
        a
    };
    let tallies = jobs.into_par_iter().fold(empty, fold).reduce(empty, merge);
    tallies.into_iter().map(|tally| ClientRun { tally, cpu: None }).collect()
}

/// Runs one client of a single consumer and keeps every fact, for whoever wants to look closely.
pub fn trace(setup: &Setup, client: usize, consumer: u32) -> (Tally, Vec<(Time, Fact)>) {
    let (mut tally, mut facts) = (Tally::default(), Vec::new());
    let wire = wire(setup, client);
    let cell = Cell::new(setup, &setup.clients[client], &wire, consumer..consumer + 1);
    let recovers = setup.clients[client].pull.is_some();
    let ledger = Ledger::new(setup.frame, consumer, 1, recovers, &mut tally).traced(&mut facts);
    cell.run(ledger, &Control::default());
    (tally, facts)
}

fn wire(setup: &Setup, client: usize) -> Wire {
    let scheme = setup.clients[client].push.as_ref().map_or(Scheme::None, |push| push.scheme);
    // Webhooks are not signed in virtual time; only the length of a signature matters, and any key's are as long.
    let envelope = setup.clients[client].push.as_ref().map_or(Envelope::PLAIN, |push| push.envelope);
    Wire::new(u32::try_from(client).unwrap_or(0), envelope, Keys::generate(scheme, [1; 32]), EPOCH_NANOS)
        .with_compression(setup.clients[client].is_compressed())
}

fn run_job(setup: &Setup, client: usize, consumers: Range<u32>, tally: &mut Tally, control: &Control) {
    let wire = wire(setup, client);
    let client = &setup.clients[client];
    let size = if setup.is_coupled(client) { setup.consumers } else { 1 };
    for first in consumers.step_by(size.max(1) as usize) {
        // Setting a cell up takes time as well.
        if control.is_stopped() {
            break;
        }
        let cell = Cell::new(setup, client, &wire, first..first + size);
        let ledger = Ledger::new(setup.frame, first, size, client.pull.is_some(), tally);
        cell.run(ledger, control);
    }
}

/// What becomes due.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A request reaches the other side.
    Arrive(Exchange),
    /// A response reaches the opener.
    Return(Exchange),
    /// The opener has waited long enough.
    Expire(Exchange),
}

/// An exchange under way.
#[derive(Debug)]
struct Flight {
    request: Request,
    response: Option<Response>,
    times_out_at: Time,
    /// A step will end it for its opener, so that no timeout need be planned.
    end_is_planned: bool,
    /// It has ended for its opener.
    ended: bool,
    /// The other side will not answer (again).
    answered: bool,
    /// The other side has it.
    arrived: bool,
    /// It ends with the news that the other side could not be reached.
    unreachable: bool,
}

/// Peers that share something, or just one consumer and its provider.
struct Cell<'a> {
    setup: &'a Setup,
    wire: &'a Wire,
    first: u32,
    now: Time,
    provider: Provider,
    consumers: Vec<Consumer>,
    /// Deadlines of the consumers.
    wakes: Deadlines,
    events: Vec<Events<'a>>,
    upcoming: Vec<Option<Event>>,
    /// When the next event of each consumer occurs.
    occurrences: Deadlines,
    agenda: Agenda<Step>,
    flights: Vec<[Window<Flight>; 2]>,
    faults: &'a Faults,
    /// When the endpoints go down, the soonest last.
    crashes: Vec<Time>,
    attack: Option<Box<Attack>>,
    out: Vec<Output>,
}

/// What comes next, in the order in which ties are resolved: an event at the very instant of sampling is in, a poll that
/// falls due when the last one ends is not skipped, an answer that is ready just as time runs out is in time, and a webhook
/// that arrives just as its endpoint goes down finds it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Event(u32),
    Crash,
    Message,
    WakeProvider,
    WakeConsumer(u32),
    Forge(u32),
    Timeout,
}

impl<'a> Cell<'a> {
    fn new(setup: &'a Setup, client: &'a ClientSetup, wire: &'a Wire, consumers: Range<u32>) -> Self {
        let (first, count) = (consumers.start, consumers.len());
        let dispatch = client.push.as_ref().map(|push| &push.dispatch);
        let serves = Serves {
            first: consumers.start,
            consumers: count as u32,
            feed: client.pull.is_some(),
            keeps: client.may_go_back(),
            records: false,
            changes: None,
            dispatch,
        };
        let receive = || client.push.as_ref().map(|push| push.receive.clone());
        let mut cell = Self {
            setup,
            wire,
            first: consumers.start,
            now: Time::ZERO,
            provider: Provider::new(&setup.api, setup.seed, serves),
            consumers: consumers
                .clone()
                .map(|consumer| Consumer::new(setup.seed, consumer, client.pull.as_ref(), receive(), &client.faults))
                .collect(),
            wakes: Deadlines::new(count),
            events: consumers.map(|consumer| setup.workload.events(consumer)).collect(),
            upcoming: vec![None; count],
            occurrences: Deadlines::new(count),
            agenda: Agenda::default(),
            flights: (0..count).map(|_| [Window::default(), Window::default()]).collect(),
            faults: &client.faults,
            crashes: client.push.iter().flat_map(|_| client.faults.crashes().into_iter().rev()).collect(),
            attack: client.push.as_ref().and_then(|push| Attack::new(setup, client, push.scheme, first, count as u32)),
            out: Vec::new(),
        };
        for index in 0..count as u32 {
            cell.wakes.set(index, cell.consumers[index as usize].deadline());
            cell.draw_event(index);
        }
        cell
    }

    /// Plays the cell to its end and closes the books.
    fn run(mut self, mut ledger: Ledger<'_>, control: &Control) {
        let frame = self.setup.frame;
        let (mut steps, mut reported) = (0u32, Time::ZERO);
        let consumers = self.consumers.len() as u64;
        let mut report = |now: Time| {
            let now = now.min(frame.duration);
            control.done.fetch_add(now.since(reported).as_nanos().saturating_mul(consumers), Ordering::Relaxed);
            reported = now;
        };
        let mut cut = frame.end.max(frame.duration);
        while let Some((at, next)) = self.next() {
            if at > frame.end || (at >= frame.duration && ledger.is_settled()) {
                break;
            }
            steps = steps.wrapping_add(1);
            if steps % STEPS_BETWEEN_LOOKS == 0 {
                report(self.now);
                if control.is_stopped() {
                    cut = self.now;
                    break;
                }
            }
            debug_assert!(at >= self.now, "time went back");
            self.now = at;
            self.take(next, &mut ledger);
        }
        report(frame.duration);
        ledger.close_all(cut);
    }

    fn next(&mut self) -> Option<(Time, Next)> {
        let event = self.occurrences.earliest().map(|(at, index)| (at, Next::Event(index)));
        let agenda = self.agenda.next_at().map(|(at, rank)| match rank {
            Rank::Message => (at, Next::Message),
            Rank::Timeout => (at, Next::Timeout),
        });
        let provider = self.provider.deadline().map(|at| (at, Next::WakeProvider));
        let consumer = self.wakes.earliest().map(|(at, index)| (at, Next::WakeConsumer(index)));
        let crash = self.crashes.last().map(|at| (*at, Next::Crash));
        let forgery = self.attack.as_mut().and_then(|attack| attack.next()).map(|(at, index)| (at, Next::Forge(index)));
        [event, crash, agenda, provider, consumer, forgery].into_iter().flatten().min()
    }

    fn take(&mut self, next: Next, ledger: &mut Ledger<'_>) {
        match next {
            Next::Event(index) => {
                if let Some(event) = self.upcoming[index as usize] {
                    ledger.record(self.now, Fact::Occurred(event));
                    self.draw_event(index);
                    self.tell_provider(Input::Occurred(event), ledger);
                }
            }
            Next::Crash => self.crash(ledger),
            Next::Forge(index) => self.forge(index, ledger),
            Next::WakeProvider => self.tell_provider(Input::Wake, ledger),
            Next::WakeConsumer(index) => self.tell_consumer(index, Input::Wake, ledger),
            Next::Message | Next::Timeout => match self.agenda.pop() {
                Some(Step::Arrive(exchange)) => self.arrive(exchange, ledger),
                Some(Step::Return(exchange) | Step::Expire(exchange)) => self.end(exchange, ledger),
                None => {}
            },
        }
    }

    fn draw_event(&mut self, index: u32) {
        let event = self.events[index as usize].next();
        self.upcoming[index as usize] = event;
        self.occurrences.set(index, event.map(|event| event.occurred_at));
    }

    fn tell(&mut self, side: Side, consumer: u32, input: Input, ledger: &mut Ledger<'_>) {
        match side {
            Side::Provider => self.tell_provider(input, ledger),
            Side::Consumer => self.tell_consumer(consumer - self.first, input, ledger),
            // Nobody waits for what a stranger is told.
            Side::Stranger => {}
        }
    }

    fn tell_provider(&mut self, input: Input, ledger: &mut Ledger<'_>) {
        let mut out = std::mem::take(&mut self.out);
        self.provider.handle(self.now, input, &mut out);
        debug_assert!(self.provider.deadline().is_none_or(|at| at > self.now), "a deadline that has passed");
        self.carry_out(Side::Provider, &mut out, ledger);
        self.out = out;
    }

    fn tell_consumer(&mut self, index: u32, input: Input, ledger: &mut Ledger<'_>) {
        let mut out = std::mem::take(&mut self.out);
        let consumer = &mut self.consumers[index as usize];
        consumer.handle(self.now, input, &mut out);
        let deadline = consumer.deadline();
        debug_assert!(deadline.is_none_or(|at| at > self.now), "a deadline that has passed");
        self.wakes.set(index, deadline);
        self.carry_out(Side::Consumer, &mut out, ledger);
        self.out = out;
    }

    fn carry_out(&mut self, side: Side, out: &mut Vec<Output>, ledger: &mut Ledger<'_>) {
        for output in out.drain(..) {
            match output {
                Output::Send { exchange, request, timeout } => self.send(exchange, request, timeout, ledger),
                Output::Reply { exchange, response } => self.reply(exchange, response, ledger),
                Output::Note(note) => ledger.record(self.now, Fact::Noted(side, note)),
            }
        }
    }

    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span, ledger: &mut Ledger<'_>) {
        let bytes = self.wire.request_size(exchange, &request);
        ledger.record(self.now, Fact::Opened { exchange, request: request.clone(), bytes });
        let times_out_at = self.now + timeout;
        let (at, consumer) = (self.now, exchange.consumer);
        let crossing = Crossing { at, consumer, request: &request, bytes, faults: self.faults };
        let verdict = self.setup.link.request(crossing);
        let mut flight = Flight {
            request,
            response: None,
            times_out_at,
            end_is_planned: false,
            ended: false,
            answered: false,
            arrived: false,
            unreachable: false,
        };
        match verdict {
            Verdict::Deliver(delay) => {
                let at = self.now + delay;
                self.agenda.plan(at, Rank::Message, Step::Arrive(exchange));
                flight.end_is_planned = at > times_out_at;
            }
            Verdict::Drop => {
                ledger.record(self.now, Fact::RequestLost(exchange));
                flight.end_is_planned = true;
                flight.answered = true;
            }
        }
        if flight.end_is_planned {
            self.agenda.plan(times_out_at, Rank::Timeout, Step::Expire(exchange));
        }
        let serial = self.window(exchange).push(flight);
        debug_assert_eq!(serial, exchange.serial, "exchanges are numbered without gaps");
    }

    fn arrive(&mut self, exchange: Exchange, ledger: &mut Ledger<'_>) {
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        flight.arrived = true;
        let request = flight.request.clone();
        if exchange.opener == Side::Provider
            && let Some(connections) = self.faults.receiver_down(self.now, exchange.consumer)
        {
            return self.cut(exchange, connections, ledger);
        }
        if let (Some(attack), Request::Delivery { events, .. }) = (&mut self.attack, &request) {
            attack.record(exchange.consumer - self.first, events);
        }
        let bytes = self.wire.request_size(exchange, &request);
        ledger.record(self.now, Fact::Arrived { exchange, bytes });
        self.tell(exchange.opener.other(), exchange.consumer, Input::Requested(exchange, request), ledger);
        // An answer that left at once and will be in time needs no timeout.
        self.plan_timeout(exchange);
    }

    fn reply(&mut self, exchange: Exchange, response: Response, ledger: &mut Ledger<'_>) {
        let bytes = self.wire.response_size(&response);
        if exchange.opener == Side::Stranger {
            return ledger.record(self.now, Fact::Replied { exchange, bytes });
        }
        let now = self.now;
        let (setup, faults) = (self.setup, self.faults);
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        if flight.answered {
            return;
        }
        flight.answered = true;
        let (ended, times_out_at, request) = (flight.ended, flight.times_out_at, flight.request.clone());
        ledger.record(now, Fact::Replied { exchange, bytes });
        if ended {
            self.window(exchange).take(exchange.serial);
            return;
        }
        let crossing = Crossing { at: now, consumer: exchange.consumer, request: &request, bytes, faults };
        match setup.link.response(crossing) {
            Verdict::Deliver(delay) if now + delay <= times_out_at => {
                if let Some(flight) = self.window(exchange).get_mut(exchange.serial) {
                    flight.response = Some(response);
                    flight.end_is_planned = true;
                }
                self.agenda.plan(now + delay, Rank::Message, Step::Return(exchange));
            }
            Verdict::Deliver(_) | Verdict::Drop => self.plan_timeout(exchange),
        }
    }

    fn plan_timeout(&mut self, exchange: Exchange) {
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        if !flight.end_is_planned {
            flight.end_is_planned = true;
            let at = flight.times_out_at;
            self.agenda.plan(at, Rank::Timeout, Step::Expire(exchange));
        }
    }

    /// Ends an exchange for its opener, with its response or without.
    fn end(&mut self, exchange: Exchange, ledger: &mut Ledger<'_>) {
        let window = self.window(exchange);
        let Some(flight) = window.get_mut(exchange.serial) else { return };
        if flight.ended {
            return;
        }
        flight.ended = true;
        let (response, unreachable) = (flight.response.take(), flight.unreachable);
        if flight.answered {
            window.take(exchange.serial);
        }
        let bytes = response.as_ref().map_or(0, |response| self.wire.response_size(response));
        let outcome = match response {
            Some(response) => Outcome::Answered(response),
            None if unreachable => Outcome::Unreachable,
            None => Outcome::TimedOut,
        };
        let end = End::from(&outcome);
        self.tell(exchange.opener, exchange.consumer, Input::Ended(exchange, outcome), ledger);
        ledger.record(self.now, Fact::Ended { exchange, end, bytes });
    }

    /// Cuts an exchange off because the other side is down.
    fn cut(&mut self, exchange: Exchange, connections: Connections, ledger: &mut Ledger<'_>) {
        let (now, setup, faults) = (self.now, self.setup, self.faults);
        let Some(flight) = self.window(exchange).get_mut(exchange.serial) else { return };
        flight.answered = true;
        if flight.ended {
            self.window(exchange).take(exchange.serial);
            return ledger.record(now, Fact::RequestLost(exchange));
        }
        let news = match connections {
            Connections::Drop => Verdict::Drop,
            Connections::Reset => {
                let (consumer, request) = (exchange.consumer, &flight.request);
                setup.link.response(Crossing { at: now, consumer, request, bytes: 0, faults })
            }
        };
        match news {
            Verdict::Deliver(delay) if now + delay <= flight.times_out_at => {
                flight.unreachable = true;
                flight.end_is_planned = true;
                self.agenda.plan(now + delay, Rank::Message, Step::Return(exchange));
            }
            Verdict::Deliver(_) | Verdict::Drop => {
                ledger.record(now, Fact::RequestLost(exchange));
                self.plan_timeout(exchange);
            }
        }
    }

    /// Every endpoint of this cell goes down.
    fn crash(&mut self, ledger: &mut Ledger<'_>) {
        self.crashes.pop();
        for index in 0..self.consumers.len() as u32 {
            let down = self.faults.receiver_down(self.now, self.first + index);
            let Some(connections) = down else { continue };
            self.tell_consumer(index, Input::Crashed, ledger);
            let window = &self.flights[index as usize][Side::Provider as usize];
            let open = window.iter().filter(|(_, flight)| flight.arrived && !flight.answered);
            let open: Vec<u32> = open.map(|(serial, _)| serial).collect();
            for serial in open {
                let exchange = Exchange { opener: Side::Provider, consumer: self.first + index, serial };
                self.cut(exchange, connections, ledger);
            }
        }
    }

    /// A forged webhook reaches a consumer's endpoint.
    fn forge(&mut self, index: u32, ledger: &mut Ledger<'_>) {
        let Some(forgery) = self.attack.as_mut().and_then(|attack| attack.forge(index)) else { return };
        if self.faults.receiver_down(self.now, self.first + index).is_some() {
            return;
        }
        let Forgery { serial, kind, reception } = forgery;
        let exchange = Exchange { opener: Side::Stranger, consumer: self.first + index, serial };
        ledger.record(self.now, Fact::Forged { exchange, kind: Some(kind) });
        match reception {
            Reception::TooMuch(status) => {
                let bytes = self.wire.response_size(&Response::refused(status));
                ledger.record(self.now, Fact::Replied { exchange, bytes });
            }
            Reception::Request(request) => self.tell_consumer(index, Input::Requested(exchange, request), ledger),
        }
    }

    fn window(&mut self, exchange: Exchange) -> &mut Window<Flight> {
        &mut self.flights[(exchange.consumer - self.first) as usize][exchange.opener as usize]
    }
}

/// The latencies of one client of a single consumer, exact to the nanosecond, in the order in which events were seen.
pub fn exact_latencies(setup: &Setup, client: usize, consumer: u32) -> Vec<Span> {
    let seen = |(at, fact): &(Time, Fact)| match fact {
        Fact::Noted(_, Note::Seen(event)) if setup.frame.counts(event.occurred_at) => Some(at.since(event.occurred_at)),
        _ => None,
    };
    trace(setup, client, consumer).1.iter().filter_map(seen).collect()
}
