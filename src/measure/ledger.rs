//! Folds the facts of a run, in the order of time, into a tally.

use std::collections::BTreeMap;

use crate::measure::histogram::Latencies;
use crate::measure::tally::{Frame, Load, Tally, Verdict};
use crate::peer::{Event, Exchange, LossCause, Note, Outcome, Response, Side};
use crate::time::{SECOND, Span, Time};
use crate::window::Window;

/// Something that happened, as an engine saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// An event occurred.
    Occurred(Event),
    /// A request left its opener.
    Opened {
        /// Which exchange.
        exchange: Exchange,
        /// The size of the request.
        bytes: u64,
    },
    /// The network lost the request: the other side will never see it.
    RequestLost(Exchange),
    /// A request reached the other side.
    Arrived {
        /// Which exchange.
        exchange: Exchange,
        /// The size of the request.
        bytes: u64,
    },
    /// The other side answered.
    Replied {
        /// Which exchange.
        exchange: Exchange,
        /// The size of the response.
        bytes: u64,
    },
    /// The exchange ended for its opener. What the opener's peer noted about it comes before this.
    Ended {
        /// Which exchange.
        exchange: Exchange,
        /// How.
        end: End,
        /// The size of the response; 0 without one.
        bytes: u64,
    },
    /// A peer's note.
    Noted(Side, Note),
}

/// How an exchange ended, as far as counting it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A page or a record came.
    Answered,
    /// The webhook was acknowledged.
    Accepted,
    /// Another status came.
    Refused(u16),
    /// No answer came in time.
    TimedOut,
    /// The other side could not be reached.
    Unreachable,
}

impl From<&Outcome> for End {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answered(Response::Page { .. } | Response::Record(_)) => Self::Answered,
            Outcome::Answered(Response::Accepted) => Self::Accepted,
            Outcome::Answered(Response::Refused(status)) => Self::Refused(*status),
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Unreachable => Self::Unreachable,
        }
    }
}

/// An exchange of which something may still be learnt.
#[derive(Clone, Copy, Debug)]
struct Open {
    at: Time,
    counted: bool,
    /// The other side has it, or never will.
    settled: bool,
    /// What it brought, if anything: true for something new.
    brought: Option<bool>,
    end: Option<End>,
}

/// An event that a consumer has not seen yet.
#[derive(Clone, Copy, Debug)]
struct Unseen {
    counted: bool,
}

/// What is known of one consumer's client.
#[derive(Clone, Debug, Default)]
struct Account {
    /// Exchanges under way, by who opened them.
    open: [Window<Open>; 2],
    unseen: Window<Unseen>,
    /// Unseen events that the dispatcher gave up, and the bucket in which it did.
    given_up: BTreeMap<u32, (LossCause, bool, Option<usize>)>,
    /// The newest event that occurred on each record, and the newest seen; 0 for none.
    newest: Vec<[u32; 2]>,
    stale_records: u32,
    stale_since: Time,
}

/// The books of one cell: consumers `first` and on, with one client.
#[derive(Debug)]
pub struct Ledger<'a> {
    frame: Frame,
    bucket_nanos: u64,
    first: u32,
    /// Whether a poll can still bring what the dispatcher gave up.
    recovers: bool,
    accounts: Vec<Account>,
    /// Events of all accounts that may still come.
    pending: u64,
    /// Counted exchanges that have not ended.
    underway: u64,
    tally: &'a mut Tally,
    trace: Option<&'a mut Vec<(Time, Fact)>>,
}

impl<'a> Ledger<'a> {
    /// Opens the books for `consumers` consumers from number `first` on. `recovers` says whether a poll can still bring an
    /// event that the dispatcher gave up.
    pub fn new(frame: Frame, first: u32, consumers: u32, recovers: bool, tally: &'a mut Tally) -> Self {
        let account = || Account { unseen: Window::starting_at(1), ..Account::default() };
        Self {
            frame,
            bucket_nanos: frame.bucket().as_nanos(),
            first,
            recovers,
            accounts: (0..consumers).map(|_| account()).collect(),
            pending: 0,
            underway: 0,
            tally,
            trace: None,
        }
    }

    /// Also keeps every fact in a list.
    #[must_use]
    pub const fn traced(mut self, trace: &'a mut Vec<(Time, Fact)>) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Whether no event may still come and no counted exchange is under way.
    pub const fn is_settled(&self) -> bool {
        self.pending == 0 && self.underway == 0
    }

    /// Takes down a fact. Facts come in the order of time, except that a tie may go either way.
    pub fn record(&mut self, at: Time, fact: Fact) {
        if let Some(trace) = &mut self.trace {
            trace.push((at, fact));
        }
        match fact {
            Fact::Occurred(event) => self.occurred(event),
            Fact::Opened { exchange, bytes } => self.opened(at, exchange, bytes),
            Fact::RequestLost(exchange) => self.settle(exchange),
            Fact::Arrived { exchange, bytes } => self.arrived(at, exchange, bytes),
            Fact::Replied { exchange, bytes } => self.moved_bytes(exchange, exchange.opener.other(), [0, bytes]),
            Fact::Ended { exchange, end, bytes } => self.ended(exchange, end, bytes),
            Fact::Noted(side, note) => self.noted(at, side, note),
        }
    }

    fn occurred(&mut self, event: Event) {
        self.tally.transitions += 1;
        let at = event.occurred_at;
        let counted = self.frame.counts(at);
        if counted {
            self.tally.events += 1;
            if let Some(index) = self.index(at) {
                self.tally.bucket(index).occurred += 1;
            }
        }
        let Some(account) = account(&mut self.accounts, self.first, event.consumer) else { return };
        account.unseen.push(Unseen { counted });
        self.pending += 1;
        let newest = account.record(event.record);
        let was_current = newest[0] == newest[1];
        newest[0] = newest[0].max(event.serial);
        if was_current {
            if account.stale_records == 0 {
                account.stale_since = at;
            }
            account.stale_records += 1;
        }
    }

    fn opened(&mut self, at: Time, exchange: Exchange, bytes: u64) {
        self.tally.transitions += 1;
        let counted = self.frame.counts(at);
        let Some(account) = account(&mut self.accounts, self.first, exchange.consumer) else { return };
        let open = Open { at, counted, settled: false, brought: None, end: None };
        account.open[exchange.opener as usize].push(open);
        if counted {
            self.underway += 1;
            self.tally.opened += 1;
            match exchange.opener {
                Side::Consumer => self.tally.polls += 1,
                Side::Provider => self.tally.attempts += 1,
            }
            self.took_part(at, exchange.opener);
        }
        self.moved_bytes(exchange, exchange.opener, [0, bytes]);
    }

    fn arrived(&mut self, at: Time, exchange: Exchange, bytes: u64) {
        let counted = self.open(exchange).is_some_and(|open| open.counted);
        if counted && self.frame.counts(at) {
            self.took_part(at, exchange.opener.other());
        }
        self.moved_bytes(exchange, exchange.opener.other(), [bytes, 0]);
        self.settle(exchange);
    }

    /// The other side has the request, or never will: once the exchange has also ended, nothing more can be learnt of it.
    fn settle(&mut self, exchange: Exchange) {
        let Some(open) = self.open(exchange) else { return };
        open.settled = true;
        if open.end.is_some() {
            self.close(exchange);
        }
    }

    fn ended(&mut self, exchange: Exchange, end: End, bytes: u64) {
        self.tally.transitions += 1;
        self.moved_bytes(exchange, exchange.opener, [bytes, 0]);
        let Some(open) = self.open(exchange) else { return };
        if open.end.is_some() {
            return;
        }
        open.end = Some(end);
        let (counted, settled) = (open.counted, open.settled || end == End::Unreachable);
        if counted {
            self.underway -= 1;
        }
        if settled {
            self.close(exchange);
        }
    }

    fn close(&mut self, exchange: Exchange) {
        let Some(account) = account(&mut self.accounts, self.first, exchange.consumer) else { return };
        if let Some(open) = account.open[exchange.opener as usize].take(exchange.serial) {
            self.judge(exchange.opener, open);
        }
    }

    fn judge(&mut self, opener: Side, open: Open) {
        if !open.counted {
            return;
        }
        let verdict = match (open.brought, open.end) {
            (Some(true), _) => Verdict::Useful,
            (Some(false), _) => Verdict::Duplicate,
            (None, Some(End::Answered)) if opener == Side::Consumer => Verdict::Empty,
            (None, Some(End::Refused(304))) => Verdict::NotModified,
            (None, Some(End::Refused(429))) => Verdict::Throttled,
            (None, _) => Verdict::Failed,
        };
        self.tally.outcomes.count(verdict);
        if let Some(index) = self.index(open.at) {
            self.tally.bucket(index).outcomes.count(verdict);
        }
    }

    fn noted(&mut self, at: Time, side: Side, note: Note) {
        match note {
            Note::Brought { exchange, fresh } => {
                if let Some(open) = self.open(exchange) {
                    open.brought = Some(fresh || open.brought == Some(true));
                }
            }
            Note::Again(event) => {
                if self.frame.counts(event.occurred_at) {
                    self.tally.duplicates += 1;
                }
            }
            Note::Seen(event) => self.seen(at, event),
            Note::GaveUp(event, cause) => self.gave_up(at, event, cause),
            Note::Busy { from, until } => {
                let clip = |t: Time| t.max(self.frame.warmup).min(self.frame.duration);
                self.load(side).busy_nanos += u128::from(clip(until).since(clip(from)).as_nanos());
            }
            Note::Queued(depth) => {
                if self.frame.counts(at) {
                    let load = self.load(side);
                    load.queue_max = load.queue_max.max(depth);
                }
            }
            Note::ForgeryRejected => self.tally.forged_rejected += 1,
        }
    }

    fn seen(&mut self, at: Time, event: Event) {
        let Some(account) = account(&mut self.accounts, self.first, event.consumer) else { return };
        let given_up = account.given_up.remove(&event.serial);
        let counted = match (account.unseen.take(event.serial), given_up) {
            (Some(unseen), _) => {
                self.pending -= 1;
                unseen.counted
            }
            (None, Some((_, counted, _))) => {
                if self.recovers {
                    self.pending -= 1;
                }
                counted
            }
            (None, None) => return,
        };
        let newest = account.record(event.record);
        let overtaken = newest[1] > event.serial;
        let was_stale = newest[0] != newest[1];
        newest[1] = newest[1].max(event.serial);
        let healed = was_stale && newest[0] == newest[1];
        if healed {
            account.stale_records -= 1;
            if account.stale_records == 0 {
                let stale = measured_within(self.frame, account.stale_since, at);
                self.tally.stale_nanos += u128::from(stale.as_nanos());
            }
        }
        if !counted {
            return;
        }
        self.tally.delivered += 1;
        self.tally.reordered += u64::from(overtaken);
        let latency = at.since(event.occurred_at);
        self.tally.latencies.record(latency);
        if let Some(index) = self.index(at) {
            self.tally.bucket(index).seen += 1;
        }
        if let Some(index) = self.index(event.occurred_at) {
            let latencies = &mut self.tally.bucket(index).latencies;
            latencies.get_or_insert_with(|| Box::new(Latencies::new(2))).record(latency);
        }
    }

    fn gave_up(&mut self, at: Time, event: Event, cause: LossCause) {
        let index = self.index(at);
        let Some(account) = account(&mut self.accounts, self.first, event.consumer) else { return };
        if let Some(unseen) = account.unseen.take(event.serial) {
            account.given_up.insert(event.serial, (cause, unseen.counted, index));
            if !self.recovers {
                self.pending -= 1;
            }
        }
    }

    /// Closes the books at the end of a run, or where it was cut off: what is under way has failed, what is unseen is
    /// pending or lost.
    pub fn close_all(mut self, at: Time) {
        let played = measured_within(self.frame, self.frame.warmup, at);
        for account in std::mem::take(&mut self.accounts) {
            self.tally.played_nanos += u128::from(played.as_nanos());
            for (opener, window) in [Side::Consumer, Side::Provider].into_iter().zip(&account.open) {
                window.iter().for_each(|(_, open)| self.judge(opener, *open));
            }
            self.tally.pending += account.unseen.iter().filter(|(_, unseen)| unseen.counted).count() as u64;
            for (cause, counted, index) in account.given_up.into_values() {
                if counted {
                    self.tally.count_lost(cause);
                    if let Some(index) = index {
                        self.tally.bucket(index).lost += 1;
                    }
                }
            }
            if account.stale_records > 0 {
                let stale = measured_within(self.frame, account.stale_since, at);
                self.tally.stale_nanos += u128::from(stale.as_nanos());
            }
        }
    }

    fn open(&mut self, exchange: Exchange) -> Option<&mut Open> {
        account(&mut self.accounts, self.first, exchange.consumer)?.open[exchange.opener as usize]
            .get_mut(exchange.serial)
    }

    const fn load(&mut self, side: Side) -> &mut Load {
        match side {
            Side::Consumer => &mut self.tally.consumer,
            Side::Provider => &mut self.tally.provider,
        }
    }

    fn took_part(&mut self, at: Time, side: Side) {
        let second = (at.since(self.frame.warmup).as_nanos() / SECOND) as usize;
        let load = self.load(side);
        load.exchanges += 1;
        if second >= Load::SECONDS_MAX {
            return;
        }
        if second >= load.per_second.len() {
            load.per_second.resize(second + 1, 0);
        }
        load.per_second[second] = load.per_second[second].saturating_add(1);
    }

    fn moved_bytes(&mut self, exchange: Exchange, side: Side, [received, sent]: [u64; 2]) {
        let Some(at) = self.open(exchange).filter(|open| open.counted).map(|open| open.at) else { return };
        let load = self.load(side);
        load.bytes.received += received;
        load.bytes.sent += sent;
        if let Some(index) = self.index(at) {
            let bucket = self.tally.bucket(index);
            let bytes = match side {
                Side::Consumer => &mut bucket.consumer_bytes,
                Side::Provider => &mut bucket.provider_bytes,
            };
            bytes.received += received;
            bytes.sent += sent;
        }
    }

    fn index(&self, at: Time) -> Option<usize> {
        (at >= self.frame.warmup).then(|| (at.since(self.frame.warmup).as_nanos() / self.bucket_nanos) as usize)
    }
}

impl Account {
    fn record(&mut self, record: u32) -> &mut [u32; 2] {
        let index = record as usize;
        if index >= self.newest.len() {
            self.newest.resize(index + 1, [0; 2]);
        }
        &mut self.newest[index]
    }
}

fn account(accounts: &mut [Account], first: u32, consumer: u32) -> Option<&mut Account> {
    accounts.get_mut(consumer.checked_sub(first)? as usize)
}

/// The part of a stretch that lies within the measured one.
fn measured_within(frame: Frame, from: Time, until: Time) -> Span {
    let clip = |t: Time| t.max(frame.warmup).min(frame.duration);
    clip(until).since(clip(from))
}
