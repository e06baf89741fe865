//! What is known of one client while a run goes on, by the rules of the books: told glimpse by glimpse, each in few steps and
//! in bounded memory.

use std::collections::BTreeMap;

use super::course::{Course, Mark};
use super::rate::Rate;
use crate::engine::ClientSetup;
use crate::measure::chronicle::Asked;
use crate::measure::expected::{Polls, Ways};
use crate::measure::fact::End;
use crate::measure::glimpse::Glimpse;
use crate::measure::histogram::Latencies;
use crate::measure::tally::{Frame, OutcomeKind, Outcomes};
use crate::measure::worth::worth;
use crate::peer::{Exchange, Side};
use crate::time::{Span, Time};

/// So many exchanges under way are followed at most, and so many events that are yet to be heard of.
const FOLLOWED_MAX: usize = 1 << 16;

/// An exchange of which the other side says nothing for so long after its end counts as it stands.
const SETTLES_WITHIN: Span = Span::from_secs(10);

/// An exchange of which something may still be learnt.
#[derive(Clone, Copy, Debug)]
struct Open {
    asked: Asked,
    counted: bool,
    settled: bool,
    brought: Option<bool>,
    ended: Option<(Time, End)>,
}

/// An event that the client has not heard of.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Time,
    record: u32,
}

/// One client as it is seen while the run goes on.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Its name.
    pub(super) name: String,
    /// How it may hear of events.
    pub(super) ways: Ways,
    frame: Frame,
    open: BTreeMap<Exchange, Open>,
    waiting: BTreeMap<(u32, u32), Waiting>,
    /// Events that were given up, because one may be heard of all the same: from an attempt that was under way.
    given_up: BTreeMap<(u32, u32), Waiting>,
    /// What happened when.
    pub(super) course: Course,
    /// Counted polls.
    pub(super) polls: Outcomes,
    /// Counted webhooks.
    pub(super) webhooks: Outcomes,
    /// Counted fetches.
    pub(super) fetches: Outcomes,
    /// Of the counted webhooks, those that were not the first attempt.
    pub(super) retries: u64,
    /// Strangers' webhooks, and how many of them were believed.
    pub(super) forged: [u64; 2],
    /// Counted events that occurred.
    pub(super) occurred: u64,
    /// Counted events that were heard of.
    pub(super) heard: u64,
    /// Events of which nobody will tell any more.
    pub(super) lost: u64,
    /// How late the counted events were heard of.
    pub(super) latencies: Latencies<u32>,
    /// How late the last of them was.
    pub(super) last: Option<Span>,
    /// Requests that System A and System B took part in.
    pub(super) loads: [Rate; 2],
    /// Exchanges and events that were too many to be followed.
    pub(super) unfollowed: u64,
}

impl Lane {
    /// A client of which nothing has been seen, on an axis of columns of this width.
    pub(super) fn new(client: &ClientSetup, frame: Frame, width: Span) -> Self {
        let rate = || Rate::over(width.times(20).max(Span::from_secs(2)));
        Self {
            name: client.name.clone(),
            ways: client.ways(),
            frame,
            open: BTreeMap::new(),
            waiting: BTreeMap::new(),
            given_up: BTreeMap::new(),
            course: Course::new(width),
            polls: Outcomes::default(),
            webhooks: Outcomes::default(),
            fetches: Outcomes::default(),
            retries: 0,
            forged: [0; 2],
            occurred: 0,
            heard: 0,
            lost: 0,
            latencies: Latencies::new(2),
            last: None,
            loads: [rate(), rate()],
            unfollowed: 0,
        }
    }

    /// How many events waited on average in each of `count` columns from `first` on.
    pub(super) fn waiting(&self, columns: (u64, usize), now: Time) -> Vec<f64> {
        self.course.waiting(columns, self.waiting.values().map(|waiting| waiting.since), now)
    }

    /// Takes in what was seen.
    pub(super) fn take(&mut self, at: Time, glimpse: Glimpse) {
        match glimpse {
            Glimpse::Occurred { consumer, serial, record } => self.has_occurred(at, (consumer, serial), record),
            Glimpse::Opened(exchange, asked) => self.opened(at, exchange, asked),
            Glimpse::Arrived(exchange) => self.took_part(at, exchange.opener.other()),
            Glimpse::Settled(exchange) => self.learn(exchange, |open| open.settled = true),
            Glimpse::Ended(exchange, end) => self.learn(exchange, |open| {
                if open.ended.is_none() {
                    open.ended = Some((at, end));
                }
                open.settled |= end == End::Unreachable;
            }),
            Glimpse::Brought(exchange, fresh) => self.learn(exchange, |open| {
                open.brought = Some(fresh || open.brought == Some(true));
            }),
            Glimpse::Undone(exchange) => self.learn(exchange, |open| {
                // What was answered before has brought its events, whatever became of them.
                if !open.settled {
                    open.brought = None;
                }
            }),
            Glimpse::Seen { consumer, serial } => self.seen(at, consumer, serial),
            Glimpse::GaveUp { consumer, serial } => {
                if self.ways.polls == Polls::None {
                    self.lose(at, (consumer, serial));
                }
            }
            Glimpse::AgedOut { consumer, serial } => {
                if !self.ways.push {
                    self.lose(at, (consumer, serial));
                }
            }
            Glimpse::Forged(_) => {
                self.forged[0] += u64::from(self.frame.counts(at));
                self.course.mark(at, Mark::Forged);
            }
            Glimpse::Believed(_) => self.forged[1] += u64::from(self.frame.counts(at)),
        }
    }

    /// Judges what has been left open for too long. Called now and then.
    pub(super) fn tidy(&mut self, now: Time) {
        let is_over = |open: &Open| open.ended.is_some_and(|(at, _)| now.since(at) > SETTLES_WITHIN);
        let over: Vec<_> = self.open.extract_if(.., |_, open| is_over(open)).collect();
        over.into_iter().for_each(|(exchange, open)| self.judge(exchange, open));
    }

    fn has_occurred(&mut self, at: Time, event: (u32, u32), record: u32) {
        self.occurred += u64::from(self.frame.counts(at));
        self.course.occurred(at);
        if self.waiting.len() >= FOLLOWED_MAX {
            self.unfollowed += 1;
            return;
        }
        self.waiting.insert(event, Waiting { since: at, record });
    }

    fn opened(&mut self, at: Time, exchange: Exchange, asked: Asked) {
        self.took_part(at, exchange.opener);
        if self.open.len() >= FOLLOWED_MAX {
            // They have been left behind by glimpses that were missed.
            self.unfollowed += self.open.len() as u64;
            self.open.clear();
        }
        let counted = self.frame.counts(at);
        self.open.insert(exchange, Open { asked, counted, settled: false, brought: None, ended: None });
    }

    fn took_part(&mut self, at: Time, side: Side) {
        match side {
            Side::Consumer => self.loads[0].count(at),
            Side::Provider => self.loads[1].count(at),
            Side::Stranger => {}
        }
    }

    /// Learns something of an exchange, and judges it once all is known.
    fn learn(&mut self, exchange: Exchange, what: impl FnOnce(&mut Open)) {
        let Some(open) = self.open.get_mut(&exchange) else { return };
        what(open);
        if open.settled && open.ended.is_some() {
            let open = *open;
            self.open.remove(&exchange);
            self.judge(exchange, open);
        }
    }

    fn judge(&mut self, exchange: Exchange, open: Open) {
        let Some((at, end)) = open.ended else { return };
        let outcome = worth(exchange.opener, open.brought, Some(end));
        self.course.mark(at, mark(open.asked, outcome));
        if !open.counted {
            return;
        }
        match open.asked {
            Asked::Feed { .. } | Asked::Record(_) => self.polls.count(outcome),
            Asked::Fetch => self.fetches.count(outcome),
            Asked::Webhook { attempt } => {
                self.webhooks.count(outcome);
                self.retries += u64::from(attempt > 1);
            }
            Asked::Forged(_) => {}
        }
    }

    fn seen(&mut self, at: Time, consumer: u32, serial: u32) {
        let event = (consumer, serial);
        let waiting = match (self.waiting.remove(&event), self.given_up.remove(&event)) {
            (Some(waiting), _) => {
                self.course.waited(waiting.since, at);
                waiting
            }
            (None, Some(given_up)) => {
                self.lost = self.lost.saturating_sub(u64::from(self.frame.counts(given_up.since)));
                given_up
            }
            (None, None) => return,
        };
        if self.ways.polls == Polls::Records {
            // Whoever polls a record never hears of what it was in between.
            let is_before = |(_, other): (&(u32, u32), &mut Waiting)| other.record == waiting.record;
            let range = (consumer, 0)..(consumer, serial);
            let superseded: Vec<_> = self.waiting.extract_if(range, |key, other| is_before((key, other))).collect();
            self.lost += superseded.iter().filter(|(_, other)| self.frame.counts(other.since)).count() as u64;
            superseded.iter().for_each(|(_, other)| self.course.waited(other.since, at));
        }
        if self.frame.counts(waiting.since) {
            let latency = at.since(waiting.since);
            self.heard += 1;
            self.latencies.record(latency);
            self.last = Some(latency);
        }
    }

    fn lose(&mut self, at: Time, event: (u32, u32)) {
        let Some(waiting) = self.waiting.remove(&event) else { return };
        self.course.waited(waiting.since, at);
        self.lost += u64::from(self.frame.counts(waiting.since));
        if self.given_up.len() >= FOLLOWED_MAX {
            self.given_up.clear();
        }
        self.given_up.insert(event, waiting);
    }
}

/// How an exchange looks that asked this and came to that.
const fn mark(asked: Asked, outcome: OutcomeKind) -> Mark {
    match (outcome, asked) {
        (OutcomeKind::Useful, Asked::Webhook { attempt: 0 | 1 }) => Mark::Told,
        (OutcomeKind::Useful, Asked::Webhook { .. }) => Mark::ToldLater,
        (OutcomeKind::Useful, Asked::Fetch) => Mark::Fetched,
        (OutcomeKind::Useful, _) => Mark::Brought,
        (OutcomeKind::Empty, _) => Mark::Empty,
        (OutcomeKind::NotModified, _) => Mark::NotModified,
        (OutcomeKind::Duplicate, _) => Mark::Known,
        (OutcomeKind::Throttled, _) => Mark::Throttled,
        (OutcomeKind::Failed, _) => Mark::Failed,
    }
}

#[cfg(test)]
mod tests;
