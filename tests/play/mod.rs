//! A small world for a dispatcher: tells it of events, answers its attempts, and writes down what it does.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::collections::BTreeMap;

use pushpull::peer::{Event, Exchange, Note, Outcome, Output, Request, Response};
use pushpull::policy::dispatcher::{DispatchPolicy, Dispatcher};
use pushpull::seed::Seed;
use pushpull::time::{Span, Time};

/// What a dispatcher is told from outside.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Event(Event),
    Redeliver(Event),
    /// A wake that nobody asked for.
    Wake,
}

/// One attempt as it left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) exchange: Exchange,
    pub(crate) events: Vec<Event>,
    pub(crate) number: u32,
}

impl Attempt {
    pub(crate) fn serials(&self) -> Vec<u32> {
        self.events.iter().map(|event| event.serial).collect()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    Sent(Attempt),
    Ended(Attempt, Outcome),
    Noted(Note),
    Asked(Event),
}

/// Which world it is.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) policy: DispatchPolicy,
    pub(crate) consumers: u32,
    /// In the order of time.
    pub(crate) told: Vec<(Time, Told)>,
    /// How late wakes come.
    pub(crate) lag: Span,
    /// Nothing happens after this.
    pub(crate) until: Time,
}

pub(crate) fn event(at: Time, consumer: u32, serial: u32, payload: u32) -> Event {
    Event { occurred_at: at, consumer, serial, record: 0, payload }
}

impl World {
    /// Events of consumer 0 at these instants, and punctual wakes.
    pub(crate) fn new(policy: DispatchPolicy, events: &[Time]) -> Self {
        let told = events.iter().zip(1..).map(|(&at, serial)| (at, Told::Event(event(at, 0, serial, 100))));
        Self { policy, consumers: 1, told: told.collect(), lag: Span::ZERO, until: Time::NEVER }
    }

    /// Somebody asks for an event of consumer 0.
    pub(crate) fn asking(mut self, at: Time, occurred_at: Time, serial: u32) -> Self {
        self.told.push((at, Told::Redeliver(event(occurred_at, 0, serial, 100))));
        self.told.sort_by_key(|(at, _)| *at);
        self
    }

    /// Plays until nothing is left to do. `answer` says when and how each attempt ends. Ties go as in the engine: what
    /// is told, ends in the order of their attempts, wakes.
    pub(crate) fn play(&self, mut answer: impl FnMut(Time, &Attempt) -> (Span, Outcome)) -> Story {
        let mut dispatcher = Dispatcher::new(self.policy.clone(), Seed::new(7), 0, self.consumers);
        let (mut log, mut ends, mut count) = (Vec::new(), BTreeMap::new(), 0u64);
        let (mut now, mut out, mut told) = (Time::ZERO, Vec::new(), self.told.iter().peekable());
        loop {
            let tells = told.peek().map(|(at, _)| (*at, 0));
            let ending = ends.first_key_value().map(|(&(at, _), _)| (at, 1));
            let wake = dispatcher.deadline().map(|at| ((at + self.lag).max(now), 2));
            let Some((at, what)) = [tells, ending, wake].into_iter().flatten().min() else { break };
            if at > self.until {
                break;
            }
            now = at;
            match what {
                0 => match told.next() {
                    Some((_, Told::Event(event))) => dispatcher.occurred(now, *event, &mut out),
                    Some((_, Told::Redeliver(event))) => {
                        log.push((now, Happened::Asked(*event)));
                        dispatcher.redeliver(now, *event, &mut out);
                    }
                    _ => {}
                },
                1 => {
                    let (attempt, outcome): (Attempt, Outcome) = ends.pop_first().unwrap().1;
                    log.push((now, Happened::Ended(attempt.clone(), outcome.clone())));
                    dispatcher.ended(now, attempt.exchange, &outcome, &mut out);
                }
                _ => {}
            }
            dispatcher.act(now, &mut out);
            assert!(dispatcher.deadline().is_none_or(|at| at > now), "a deadline that has passed at {now}");
            for output in out.drain(..) {
                match output {
                    Output::Send { exchange, request: Request::Delivery { events, attempt, .. }, .. } => {
                        let attempt = Attempt { exchange, events: events.to_vec(), number: attempt };
                        let (after, outcome) = answer(now, &attempt);
                        ends.insert((now + after, count), (attempt.clone(), outcome));
                        count += 1;
                        log.push((now, Happened::Sent(attempt)));
                    }
                    Output::Note(note) => log.push((now, Happened::Noted(note))),
                    other => panic!("a dispatcher does not do this: {other:?}"),
                }
            }
        }
        Story { log, dispatcher }
    }
}

/// What happened in a world, and its dispatcher at the end.
pub(crate) struct Story {
    pub(crate) log: Vec<(Time, Happened)>,
    pub(crate) dispatcher: Dispatcher,
}

impl Story {
    /// Each attempt: when it left, its events by serial, its number.
    pub(crate) fn attempts(&self) -> Vec<(f64, Vec<u32>, u32)> {
        let sent = |(at, happened): &(Time, Happened)| match happened {
            Happened::Sent(attempt) => Some((seconds(*at), attempt.serials(), attempt.number)),
            _ => None,
        };
        self.log.iter().filter_map(sent).collect()
    }

    /// When attempts left.
    pub(crate) fn instants(&self) -> Vec<f64> {
        self.attempts().into_iter().map(|(at, _, _)| at).collect()
    }

    /// What was noted, and when.
    pub(crate) fn notes(&self) -> Vec<(f64, Note)> {
        let noted = |(at, happened): &(Time, Happened)| match happened {
            Happened::Noted(note) => Some((seconds(*at), *note)),
            _ => None,
        };
        self.log.iter().filter_map(noted).collect()
    }

    /// Which events were given up, when, and why, as text.
    pub(crate) fn given_up(&self) -> Vec<(f64, u32, String)> {
        let gave_up = |(at, note): &(f64, Note)| match note {
            Note::GaveUp(event, cause) => Some((*at, event.serial, format!("{cause:?}"))),
            _ => None,
        };
        self.notes().iter().filter_map(gave_up).collect()
    }

    /// Whether the dispatcher has forgotten every event.
    pub(crate) fn is_forgotten(&self) -> bool {
        !format!("{:?}", self.dispatcher).contains("serial:")
    }
}

/// Seconds since the start; exact for the whole milliseconds of tests.
pub(crate) fn seconds(at: Time) -> f64 {
    at.as_nanos() as f64 / 1e9
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Answered(Response::Accepted)
}

pub(crate) fn refused(status: u16) -> Outcome {
    Outcome::Answered(Response::refused(status))
}
