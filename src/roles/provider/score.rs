//! How a receiver does: what becomes of each event and of each attempt to deliver it.
//!
//! Held are the events and attempts that are under way, and histograms. What is over is counted and let go.

use std::collections::BTreeMap;

use super::attempts::{AttemptLog, Row};
use super::polls::Polls;
use crate::engine::live::Failure;
use crate::measure::fact::{End, Fact};
use crate::measure::histogram::Latencies;
use crate::peer::{Batch, Event, Exchange, LossCause, Note, Request, Side};
use crate::time::Time;

/// How many of the events that were given up are remembered, in case they are delivered again and accepted after all.
const GIVEN_UP_MAX: usize = 65_536;

/// Significant digits of the histograms.
const DIGITS: u8 = 3;

/// The counts of one receiver.
///
/// Two identities hold at every instant: `events = accepted + pending + given up`, and an attempt is answered with a status,
/// timed out, found no connection, was badly answered, or is under way.
#[derive(Debug)]
pub struct Score {
    /// Events that occurred.
    pub events: u64,
    /// Events that were accepted by at least one attempt.
    pub accepted: u64,
    /// Events that were given up, by cause, in the order of [`LossCause::ALL`].
    pub given_up: [u64; LossCause::ALL.len()],
    /// Attempts that were sent.
    pub attempts: u64,
    /// Of these, the first of a delivery.
    pub first_attempts: u64,
    /// Attempts by the status that answered them.
    pub statuses: BTreeMap<u16, u64>,
    /// Attempts that were not answered in time.
    pub timeouts: u64,
    /// Attempts that found no connection.
    pub unreachable: u64,
    /// Of those that found no connection, for want of files that this process may open.
    pub out_of_files: u64,
    /// Of those that found no connection, because whoever took the connection could not prove over TLS to be the one who was called.
    pub not_trusted: u64,
    /// Attempts that found a connection over which no whole answer in HTTP came.
    pub bad_answers: u64,
    /// Times that the endpoint was disabled.
    pub disabled: u64,
    /// Times that the circuit breaker opened.
    pub breaker_opened: u64,
    /// From sending an attempt to its answer, whatever the status.
    pub acknowledgement: Latencies<u64>,
    /// From an event to the first answer that accepted it.
    pub latency: Latencies<u64>,
    /// What was asked of the API.
    pub polls: Polls,
    pending: BTreeMap<Name, Time>,
    underway: BTreeMap<Exchange, Attempt>,
    /// Events that were given up.
    forgone: BTreeMap<Name, Forgone>,
    /// Their names in the order in which they were given up, so that the oldest is forgotten first.
    forgone_in_order: BTreeMap<u64, Name>,
    /// Counts the events that were ever given up.
    turn: u64,
    log: AttemptLog,
}

/// The consumer and the serial of an event.
type Name = (u32, u32);

/// An event that was given up.
#[derive(Debug)]
struct Forgone {
    occurred_at: Time,
    /// The cause, by its place in [`LossCause::ALL`].
    cause: usize,
    /// Its place in the order of those given up.
    turn: u64,
}

#[derive(Debug)]
struct Attempt {
    events: Batch,
    number: u32,
    sent_at: Time,
    status: Option<u16>,
    failure: Option<Failure>,
}

impl Score {
    /// Nothing counted yet. Attempts go to this log.
    pub fn new(log: AttemptLog) -> Self {
        Self {
            events: 0,
            accepted: 0,
            given_up: [0; LossCause::ALL.len()],
            attempts: 0,
            first_attempts: 0,
            statuses: BTreeMap::new(),
            timeouts: 0,
            unreachable: 0,
            out_of_files: 0,
            not_trusted: 0,
            bad_answers: 0,
            disabled: 0,
            breaker_opened: 0,
            acknowledgement: Latencies::new(DIGITS),
            latency: Latencies::new(DIGITS),
            polls: Polls::default(),
            pending: BTreeMap::new(),
            underway: BTreeMap::new(),
            forgone: BTreeMap::new(),
            forgone_in_order: BTreeMap::new(),
            turn: 0,
            log,
        }
    }

    /// Events that are neither accepted nor given up.
    pub fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    /// Attempts that have not ended.
    pub fn unfinished(&self) -> u64 {
        self.underway.len() as u64
    }

    /// Events that were given up, whatever the cause.
    pub fn given_up_total(&self) -> u64 {
        self.given_up.iter().sum()
    }

    /// Attempts that would not have been needed by a receiver that accepts at once.
    pub fn retries(&self) -> u64 {
        self.attempts - self.first_attempts
    }

    /// Attempts answered with a status in this hundred; 5 stands for everything from 500 on.
    pub fn status_class(&self, hundred: u16) -> u64 {
        let range = if hundred >= 5 { 500..1_000 } else { hundred * 100..(hundred + 1) * 100 };
        self.statuses.range(range).map(|(_, count)| count).sum()
    }

    /// The log of attempts, so that it can be told when the run starts, and finished when it has ended.
    pub(super) fn log(&mut self) -> &mut AttemptLog {
        &mut self.log
    }

    /// Ends the log with what is still under way.
    pub(super) fn close(&mut self) {
        for (exchange, attempt) in &self.underway {
            self.log.write(&row(*exchange, attempt, None, "unfinished"));
        }
    }

    /// Takes down what happened.
    pub(super) fn saw(&mut self, at: Time, fact: &Fact) {
        match fact {
            Fact::Occurred(event) => {
                self.events += 1;
                self.pending.insert(name(event), event.occurred_at);
            }
            Fact::Opened { exchange, request: Request::Delivery { events, attempt, .. }, .. } => {
                self.attempts += 1;
                self.first_attempts += u64::from(*attempt == 1);
                events.iter().for_each(|event| self.reopen(event));
                let attempt =
                    Attempt { events: events.clone(), number: *attempt, sent_at: at, status: None, failure: None };
                self.underway.insert(*exchange, attempt);
            }
            Fact::Ended { exchange, end, .. } => self.ended(at, *exchange, *end),
            Fact::Noted(Side::Provider, note) => self.noted(note),
            Fact::RecordOpened { .. }
            | Fact::Opened { .. }
            | Fact::RequestLost(_)
            | Fact::Arrived { .. }
            | Fact::Replied { .. }
            | Fact::Forged { .. }
            | Fact::Noted(..) => {}
        }
    }

    /// Takes down with which status an attempt was answered.
    pub(super) fn answered(&mut self, exchange: Exchange, status: u16) {
        if let Some(attempt) = self.underway.get_mut(&exchange) {
            attempt.status = Some(status);
        }
    }

    /// Takes down why an attempt brought no answer.
    pub(super) fn failed(&mut self, exchange: Exchange, failure: Failure) {
        if let Some(attempt) = self.underway.get_mut(&exchange) {
            attempt.failure = Some(failure);
        }
    }

    /// An event that was given up is on its way again.
    fn reopen(&mut self, event: &Event) {
        if let Some(Forgone { occurred_at, cause, turn }) = self.forgone.remove(&name(event)) {
            self.forgone_in_order.remove(&turn);
            self.given_up[cause] -= 1;
            self.pending.insert(name(event), occurred_at);
        }
    }

    fn ended(&mut self, at: Time, exchange: Exchange, end: End) {
        let Some(attempt) = self.underway.remove(&exchange) else { return };
        let outcome = match end {
            End::Accepted => "accepted",
            End::Answered | End::Fetched | End::Refused(_) => "refused",
            End::TimedOut => "timed out",
            End::Unreachable if attempt.failure == Some(Failure::BadAnswer) => "bad answer",
            End::Unreachable if attempt.failure == Some(Failure::NotTrusted) => "not trusted",
            End::Unreachable => "no connection",
        };
        match (end, attempt.status) {
            (End::TimedOut, _) => self.timeouts += 1,
            (End::Unreachable, _) if attempt.failure == Some(Failure::BadAnswer) => self.bad_answers += 1,
            (End::Unreachable, _) => {
                self.unreachable += 1;
                self.out_of_files += u64::from(attempt.failure == Some(Failure::OutOfFiles));
                self.not_trusted += u64::from(attempt.failure == Some(Failure::NotTrusted));
            }
            (_, status) => {
                *self.statuses.entry(status.unwrap_or_default()).or_default() += 1;
                self.acknowledgement.record(at.since(attempt.sent_at));
            }
        }
        if end == End::Accepted {
            for event in &attempt.events {
                self.reopen(event);
                if self.pending.remove(&name(event)).is_some() {
                    self.accepted += 1;
                    self.latency.record(at.since(event.occurred_at));
                }
            }
        }
        self.log.write(&row(exchange, &attempt, Some(at), outcome));
    }

    fn noted(&mut self, note: &Note) {
        match note {
            Note::GaveUp(event, cause) => {
                let Some(occurred_at) = self.pending.remove(&name(event)) else { return };
                let cause = LossCause::ALL.iter().position(|other| other == cause).unwrap_or_default();
                self.given_up[cause] += 1;
                let turn = self.turn;
                self.turn += 1;
                self.forgone.insert(name(event), Forgone { occurred_at, cause, turn });
                self.forgone_in_order.insert(turn, name(event));
                if self.forgone.len() > GIVEN_UP_MAX
                    && let Some((_, oldest)) = self.forgone_in_order.pop_first()
                {
                    self.forgone.remove(&oldest);
                }
            }
            Note::Disabled(_) => self.disabled += 1,
            Note::BreakerOpened(_) => self.breaker_opened += 1,
            // The rest is told by consumers, of whom there are none here, or is of no interest.
            _ => {}
        }
    }
}

const fn name(event: &Event) -> Name {
    (event.consumer, event.serial)
}

fn row<'a>(exchange: Exchange, attempt: &'a Attempt, ended_at: Option<Time>, outcome: &'static str) -> Row<'a> {
    let answered = attempt.status.filter(|_| outcome == "accepted" || outcome == "refused");
    Row {
        consumer: exchange.consumer,
        events: &attempt.events,
        attempt: attempt.number,
        sent_at: attempt.sent_at,
        ended_at,
        outcome,
        status: answered,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::peer::Authenticity;
    use crate::time::Span;

    fn event(serial: u32) -> Event {
        Event { occurred_at: Time::from_nanos(serial.into()), consumer: 0, serial, record: 0, payload: 0 }
    }

    fn exchange(serial: u32) -> Exchange {
        Exchange { opener: Side::Provider, consumer: 0, serial }
    }

    fn opened(serial: u32, events: &[Event], attempt: u32) -> Fact {
        let request =
            Request::Delivery { events: Batch::from_slice(events), attempt, authenticity: Authenticity::Accepted };
        Fact::Opened { exchange: exchange(serial), request, bytes: 1 }
    }

    fn ended(serial: u32, end: End) -> Fact {
        Fact::Ended { exchange: exchange(serial), end, bytes: 0 }
    }

    fn at(millis: u64) -> Time {
        Time::ZERO + Span::from_millis(millis)
    }

    fn check(score: &Score) {
        assert_eq!(score.events, score.accepted + score.pending() + score.given_up_total());
        let answered: u64 = score.statuses.values().sum();
        assert_eq!(
            score.attempts,
            answered + score.timeouts + score.unreachable + score.bad_answers + score.unfinished()
        );
    }

    #[test]
    fn an_event_that_was_given_up_counts_as_accepted_once_it_is() {
        let mut score = Score::new(AttemptLog::nowhere());
        let facts = [
            Fact::Occurred(event(1)),
            opened(0, &[event(1)], 1),
            ended(0, End::TimedOut),
            Fact::Noted(Side::Provider, Note::GaveUp(event(1), LossCause::NeverRetried)),
        ];
        facts.iter().zip(1..).for_each(|(fact, ms)| score.saw(at(ms), fact));
        assert_eq!((score.given_up, score.accepted, score.pending()), ([1, 0, 0, 0, 0, 0, 0], 0, 0));
        score.saw(at(9), &opened(1, &[event(1)], 2));
        assert_eq!((score.given_up_total(), score.accepted, score.pending()), (0, 0, 1));
        score.answered(exchange(1), 204);
        score.saw(at(11), &ended(1, End::Accepted));
        assert_eq!((score.given_up_total(), score.accepted, score.pending()), (0, 1, 0));
        assert_eq!((score.retries(), score.status_class(2), score.timeouts), (1, 1, 1));
        assert_eq!(score.acknowledgement.max_ms(), Some(2.0));
        check(&score);
    }

    #[test]
    fn of_those_given_up_the_oldest_is_forgotten_first() {
        let mut score = Score::new(AttemptLog::nowhere());
        let most = u32::try_from(GIVEN_UP_MAX).unwrap();
        // The names grow smaller as time goes by.
        for serial in (1..=most + 1).rev() {
            score.saw(at(1), &Fact::Occurred(event(serial)));
            score.saw(at(2), &Fact::Noted(Side::Provider, Note::GaveUp(event(serial), LossCause::NeverRetried)));
        }
        score.saw(at(3), &opened(1, &[event(1)], 2));
        assert_eq!(score.pending(), 1, "the newest is remembered");
        score.saw(at(3), &opened(2, &[event(most + 1)], 2));
        assert_eq!(score.pending(), 1, "the oldest is not");
        assert_eq!((score.forgone.len(), score.forgone_in_order.len()), (GIVEN_UP_MAX - 1, GIVEN_UP_MAX - 1));
        check(&score);
    }

    proptest! {
        #[test]
        fn both_identities_hold_whatever_happens(steps in prop::collection::vec((0u32..6, 1u32..8, 0u32..8), 0..200)) {
            let mut score = Score::new(AttemptLog::nowhere());
            let (mut occurred, mut exchanges) = (0, 0);
            for ((kind, serial, other), ms) in steps.into_iter().zip(1..) {
                let fact = match kind {
                    0 => {
                        occurred += 1;
                        Fact::Occurred(event(occurred))
                    }
                    1 => {
                        exchanges += 1;
                        opened(exchanges, &[event(serial), event(serial + 1)], other)
                    }
                    2 => {
                        score.answered(exchange(other), 200);
                        ended(other, End::Accepted)
                    }
                    3 => {
                        score.failed(exchange(other), [Failure::BadAnswer, Failure::OutOfFiles][serial as usize % 2]);
                        ended(other, [End::TimedOut, End::Unreachable, End::Refused(503)][serial as usize % 3])
                    }
                    4 => Fact::Noted(Side::Provider, Note::GaveUp(event(serial), LossCause::ALL[other as usize % LossCause::ALL.len()])),
                    _ => Fact::Noted(Side::Provider, Note::Disabled(0)),
                };
                score.saw(at(ms), &fact);
                check(&score);
            }
        }
    }
}
