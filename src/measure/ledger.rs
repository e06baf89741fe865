//! Folds the facts of a run, in the order of time, into a tally.

mod bucket;
mod leap;
mod notes;
mod passage;
mod straight;

use smallvec::SmallVec;

use crate::fault::Faults;
use crate::measure::age::Age;
use crate::measure::expected::{Expected, Lost, Ways};
use crate::measure::fact::{End, Fact, Observer};
use crate::measure::fault_report::FaultWatch;
use crate::measure::forgeries::Forgeries;
use crate::measure::records::Records;
use crate::measure::rhythm::Run;
use crate::measure::tally::{Bytes, Frame, Load, OutcomeKind, Tally};
use crate::measure::view::View;
use crate::measure::worth::worth;
use crate::peer::{Event, Exchange, Request, Side};
use crate::time::Time;
use crate::window::Window;
use bucket::LastBucket;
pub use passage::Passage;
pub use straight::{Straight, StraightBooks};

pub use leap::InVain;

/// An exchange of which something may still be learnt.
#[derive(Clone, Copy, Debug)]
struct Open {
    at: Time,
    counted: bool,
    /// The other side has dealt with it, or never will.
    settled: bool,
    /// What it brought, if anything: true for something new.
    brought: Option<bool>,
    end: Option<End>,
    /// What it moved at the provider and at the consumer.
    bytes: [Bytes; 2],
}

impl Open {
    /// What an exchange was worth that this side opened.
    fn outcome(&self, opener: Side) -> OutcomeKind {
        worth(opener, self.brought, self.end)
    }
}

/// What a request asks.
#[derive(Clone, Copy, Debug)]
enum Asked<'a> {
    /// A page of a poll.
    Poll { page: u32 },
    /// A record.
    Record(u32),
    /// An event that a thin webhook named.
    Fetch,
    /// Nothing: these events are delivered.
    Delivery(&'a [Event]),
}

impl<'a> Asked<'a> {
    fn of(request: &'a Request) -> Self {
        match request {
            Request::Poll { page, .. } => Self::Poll { page: *page },
            Request::Record { record, .. } => Self::Record(*record),
            Request::Fetch { .. } => Self::Fetch,
            Request::Delivery { events, .. } => Self::Delivery(events),
        }
    }
}

/// The events whose last chance an exchange was.
type Losses = SmallVec<[Lost; 2]>;

/// What is known of one consumer's client.
#[derive(Clone, Debug)]
struct Account {
    /// Exchanges under way, by who opened them.
    open: [Window<Open>; 2],
    expected: Expected,
    view: View,
    age: Age,
    /// Polls that came in one rhythm and are yet to be counted per second: at the consumer, and at the provider.
    steady: [Option<Run>; 2],
    /// Where records are opened, and final some day.
    records: Option<Box<Records>>,
}

/// The books of one cell: consumers `first` and on, with one client.
#[derive(Debug)]
pub struct Ledger<'a> {
    frame: Frame,
    first: u32,
    accounts: Vec<Account>,
    /// Events of all accounts that may still come.
    pending: u64,
    /// Counted exchanges of which something may still be learnt.
    underway: u64,
    /// Strangers' webhooks under way.
    forgeries: Forgeries,
    faults: FaultWatch,
    buckets: LastBucket,
    tally: &'a mut Tally,
    observer: Option<&'a mut dyn Observer>,
    judgements: Option<&'a mut Vec<(Exchange, OutcomeKind)>>,
}

impl<'a> Ledger<'a> {
    /// Opens the books for `consumers` consumers from number `first` on, whom events may reach in these ways. `changes` says
    /// with how many changes a record is final, if ever.
    pub fn new(
        frame: Frame,
        (first, consumers): (u32, u32),
        ways: Ways,
        changes: Option<u32>,
        tally: &'a mut Tally,
    ) -> Self {
        let account = || Account {
            open: [Window::default(), Window::default()],
            expected: Expected::new(ways),
            view: View::default(),
            age: Age::default(),
            steady: [None; 2],
            records: changes.map(|changes| Box::new(Records::new(changes, ways))),
        };
        let accounts = (0..consumers).map(|_| account()).collect();
        [&mut tally.provider, &mut tally.consumer].into_iter().for_each(|load| load.make_room(frame.measured()));
        let (forgeries, faults, buckets) = (Forgeries::default(), FaultWatch::default(), LastBucket::default());
        let (observer, judgements) = (None, None);
        Self {
            frame,
            first,
            accounts,
            pending: 0,
            underway: 0,
            forgeries,
            faults,
            buckets,
            tally,
            observer,
            judgements,
        }
    }

    /// Also follows what each of these faults does.
    #[must_use]
    pub fn watching(mut self, faults: &Faults) -> Self {
        let consumers = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        self.faults = FaultWatch::new(faults, self.first, consumers, &mut self.tally.faults);
        self
    }

    /// Also tells somebody every fact, and what each exchange was worth.
    #[must_use]
    pub fn observed(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Also keeps in a list what each exchange was worth, whether it is counted or not. It does not know those that are taken
    /// down as a whole, so facts have to be kept as well.
    #[must_use]
    pub const fn judging(mut self, judgements: &'a mut Vec<(Exchange, OutcomeKind)>) -> Self {
        self.judgements = Some(judgements);
        self
    }

    /// Whether no event may still come, and all is known of every counted exchange.
    pub const fn is_settled(&self) -> bool {
        self.pending == 0 && self.underway == 0
    }

    /// Takes down a fact. Facts come in the order of time, except that a tie may go either way.
    pub fn record(&mut self, at: Time, fact: Fact) {
        if let Some(observer) = &mut self.observer {
            observer.saw(at, &fact);
        }
        match fact {
            Fact::Occurred(event) => self.has_occurred(&event),
            Fact::RecordOpened { consumer, record } => {
                let counted = self.frame.counts(at);
                if let Some(records) = self.records(consumer) {
                    records.opened(record, counted);
                }
            }
            Fact::Opened { exchange, request, bytes } => self.open_as(at, exchange, Asked::of(&request), bytes),
            Fact::RequestLost(exchange) => self.settle(exchange),
            Fact::Arrived { exchange, bytes } => self.arrived(at, exchange, bytes),
            Fact::Replied { exchange, bytes } => {
                self.moved(exchange, exchange.opener.other(), [0, bytes]);
                self.settle(exchange);
            }
            Fact::Ended { exchange, end, bytes } => self.ended(at, exchange, end, bytes),
            Fact::Noted(side, note) => self.take_note(at, side, note),
            Fact::Forged { exchange, kind } => {
                self.forgeries.came(exchange, kind, self.frame.counts(at));
            }
        }
    }

    /// Takes down that an event occurred.
    #[inline]
    pub fn occurred(&mut self, at: Time, event: Event) {
        if self.observer.is_some() {
            return self.record(at, Fact::Occurred(event));
        }
        self.has_occurred(&event);
    }

    /// Takes down that a request left its opener.
    #[inline]
    pub fn opened(&mut self, at: Time, exchange: Exchange, request: &Request, bytes: u64) {
        if self.observer.is_some() {
            return self.record(at, Fact::Opened { exchange, request: request.clone(), bytes });
        }
        self.open_as(at, exchange, Asked::of(request), bytes);
    }

    fn has_occurred(&mut self, event: &Event) {
        self.tally.transitions += 1;
        let at = event.occurred_at;
        let counted = self.frame.counts(at);
        let Some(account) = account(&mut self.accounts, self.first, event.consumer) else { return };
        let lost = account.expected.occurred(event, counted);
        account.view.occurred(at, event.record, event.serial);
        if let Some(records) = &mut account.records {
            records.changed(event);
        }
        self.pending += 1;
        if counted {
            self.count_occurred(event);
        }
        if let Some(lost) = lost {
            self.lost(lost);
        }
    }

    #[inline]
    fn count_occurred(&mut self, event: &Event) {
        let at = event.occurred_at;
        self.tally.events += 1;
        let index = self.buckets.index(&self.frame, at);
        self.tally.bucket(index).occurred += 1;
        self.faults.occurred(event.consumer, at, &mut self.tally.faults);
    }

    fn open_as(&mut self, at: Time, exchange: Exchange, asked: Asked<'_>, bytes: u64) {
        self.tally.transitions += 1;
        let counted = self.frame.counts(at);
        let Some(account) = account(&mut self.accounts, self.first, exchange.consumer) else { return };
        let mut moved = [Bytes::default(); 2];
        moved[place(exchange.opener)].sent = bytes;
        let open = Open { at, counted, settled: false, brought: None, end: None, bytes: moved };
        let Some(window) = account.open.get_mut(exchange.opener as usize) else { return };
        window.push(open);
        match asked {
            Asked::Delivery(events) => account.expected.attempted(events),
            _ => account.expected.asked(exchange.serial, matches!(asked, Asked::Poll { .. })),
        }
        if let (Asked::Record(record), Some(records)) = (asked, &mut account.records) {
            records.polled(record);
        }
        if !counted {
            return;
        }
        self.underway += 1;
        self.tally.opened += 1;
        match asked {
            Asked::Delivery(_) => self.tally.attempts += 1,
            Asked::Poll { page } => {
                self.tally.polls += 1;
                self.tally.poll_rounds += u64::from(page == 0);
            }
            Asked::Record(_) => self.tally.polls += 1,
            Asked::Fetch => self.tally.fetches += 1,
        }
        self.took_part(at, exchange, exchange.opener);
    }

    fn arrived(&mut self, at: Time, exchange: Exchange, bytes: u64) {
        let counted = self.open(exchange).is_some_and(|open| open.counted);
        if counted && self.frame.counts(at) {
            self.took_part(at, exchange, exchange.opener.other());
        }
        self.moved(exchange, exchange.opener.other(), [bytes, 0]);
    }

    /// The other side has dealt with the request, or never will: once the exchange has also ended for its opener, nothing
    /// more can be learnt of it.
    fn settle(&mut self, exchange: Exchange) {
        if exchange.opener == Side::Stranger {
            return self.forgeries.judge(exchange, self.tally);
        }
        if exchange.opener == Side::Provider
            && let Some(account) = account(&mut self.accounts, self.first, exchange.consumer)
        {
            let mut all = Losses::new();
            account.expected.settled(exchange.serial, |lost| all.push(lost));
            all.into_iter().for_each(|lost| self.lost(lost));
        }
        let Some(open) = self.open(exchange) else { return };
        open.settled = true;
        if open.end.is_some() {
            self.close(exchange);
        }
    }

    fn ended(&mut self, at: Time, exchange: Exchange, end: End, bytes: u64) {
        self.tally.transitions += 1;
        self.moved(exchange, exchange.opener, [bytes, 0]);
        let Some(open) = self.open(exchange) else { return };
        if open.end.is_some() {
            return;
        }
        open.end = Some(end);
        let (counted, settled) = (open.counted, open.settled);
        if counted {
            self.tally.unreachable += u64::from(end == End::Unreachable);
        }
        if end == End::Unreachable {
            self.settle(exchange);
        } else if settled {
            self.close(exchange);
        }
        let Some(account) = account(&mut self.accounts, self.first, exchange.consumer) else { return };
        let mut all = Losses::new();
        match exchange.opener {
            Side::Consumer => account.expected.answered(exchange.serial, |lost| all.push(lost)),
            Side::Provider => account.expected.ended(at, exchange.serial, end == End::Accepted, |lost| all.push(lost)),
            Side::Stranger => {}
        }
        all.into_iter().for_each(|lost| self.lost(lost));
    }

    fn close(&mut self, exchange: Exchange) {
        let Some(account) = account(&mut self.accounts, self.first, exchange.consumer) else { return };
        if let Some(open) = account.open.get_mut(exchange.opener as usize).and_then(|open| open.take(exchange.serial)) {
            self.underway = self.underway.saturating_sub(u64::from(open.counted));
            self.judge(exchange, &open);
        }
    }

    /// Counts an exchange of which all is known.
    fn judge(&mut self, exchange: Exchange, open: &Open) {
        if let Some(judgements) = &mut self.judgements {
            judgements.push((exchange, open.outcome(exchange.opener)));
        }
        if let Some(observer) = &mut self.observer {
            observer.judged(exchange, open.outcome(exchange.opener));
        }
        if !open.counted {
            return;
        }
        let outcome = open.outcome(exchange.opener);
        if outcome == OutcomeKind::Failed {
            self.faults.failed(exchange.consumer, open.at, &mut self.tally.faults);
        }
        self.count_outcome(outcome, open.at, open.bytes);
    }

    /// Counts what a counted exchange that was opened then was worth, and what it moved at the provider and at the consumer.
    #[inline]
    fn count_outcome(&mut self, outcome: OutcomeKind, opened: Time, [provider, consumer]: [Bytes; 2]) {
        self.tally.outcomes.count(outcome);
        self.tally.provider.bytes.add(provider);
        self.tally.consumer.bytes.add(consumer);
        let index = self.buckets.index(&self.frame, opened);
        let bucket = self.tally.bucket(index);
        bucket.outcomes.count(outcome);
        bucket.provider_bytes.add(provider);
        bucket.consumer_bytes.add(consumer);
    }

    /// Takes down that the consumer's handler has finished with its first sight of an event.
    pub fn seen(&mut self, at: Time, event: &Event) {
        let Some(account) = account(&mut self.accounts, self.first, event.consumer) else { return };
        // What a message says of its event may be forged; what occurred is known here.
        let polls_no_records = account.expected.polls_no_records();
        let mut superseded = Losses::new();
        let unseen = match polls_no_records {
            true => account.expected.take_seen(event.serial),
            false => account.expected.seen(at, event.serial, |lost| superseded.push(lost)),
        };
        let Some(unseen) = unseen else { return };
        self.pending = self.pending.saturating_sub(1);
        let (frame, ages) = (&self.frame, &mut self.tally.ages);
        let overtaken = account.view.seen(at, unseen.record, event.serial, frame, ages);
        account.age.seen(at, unseen.occurred_at, frame, ages);
        if let Some(records) = &mut account.records {
            records.seen(at, unseen.record, event.serial, &mut self.tally.records);
        }
        if !polls_no_records {
            superseded.into_iter().for_each(|lost| self.lost(lost));
        }
        if unseen.counted {
            self.count_seen(at, unseen.consumer, unseen.occurred_at, overtaken);
        }
    }

    /// Counts that a counted event was seen first at this instant, after a later one of its record or not.
    #[inline]
    fn count_seen(&mut self, at: Time, consumer: u32, occurred_at: Time, overtaken: bool) {
        self.tally.delivered += 1;
        self.tally.reordered += u64::from(overtaken);
        let latency = at.since(occurred_at);
        self.tally.latencies.record(latency);
        self.faults.seen(consumer, occurred_at, at, &mut self.tally.faults);
        let (now, then) = (self.buckets.index(&self.frame, at), self.buckets.index(&self.frame, occurred_at));
        self.tally.bucket(now).seen += 1;
        self.tally.bucket(then).record(latency);
    }

    fn lost(&mut self, Lost { cause, at, occurred_at, consumer, counted }: Lost) {
        self.pending = self.pending.saturating_sub(1);
        if counted {
            self.tally.count_lost(cause);
            let index = self.buckets.index(&self.frame, at);
            self.tally.bucket(index).lost += 1;
            self.faults.lost(consumer, occurred_at, at, &mut self.tally.faults);
        }
    }

    /// Closes the books at the end of a run, or where it was cut off: what is under way has failed unless it brought
    /// something, what is unseen is pending.
    pub fn close_all(mut self, at: Time) {
        let played = self.frame.measured_within(self.frame.warmup, at);
        std::mem::take(&mut self.forgeries).judge_all(self.tally);
        for (mut account, consumer) in std::mem::take(&mut self.accounts).into_iter().zip(self.first..) {
            self.tally.played_nanos += u128::from(played.as_nanos());
            for (opener, window) in [Side::Consumer, Side::Provider].into_iter().zip(&account.open) {
                window.iter().for_each(|(serial, open)| self.judge(Exchange { opener, consumer, serial }, open));
            }
            self.count_steady(account.steady);
            for unseen in account.expected.pending().filter(|unseen| unseen.counted) {
                self.tally.pending += 1;
                self.faults.pending(consumer, unseen.occurred_at, at, &mut self.tally.faults);
            }
            account.view.close(at, &self.frame, &mut self.tally.ages);
            account.age.close(at, &self.frame, &mut self.tally.ages);
            if let Some(records) = account.records {
                records.close(&mut self.tally.records);
            }
        }
        self.faults.close(at, &mut self.tally.faults);
    }

    fn records(&mut self, consumer: u32) -> Option<&mut Records> {
        account(&mut self.accounts, self.first, consumer)?.records.as_deref_mut()
    }

    fn open(&mut self, exchange: Exchange) -> Option<&mut Open> {
        let account = account(&mut self.accounts, self.first, exchange.consumer)?;
        account.open.get_mut(exchange.opener as usize)?.get_mut(exchange.serial)
    }

    const fn load(&mut self, side: Side) -> &mut Load {
        match side {
            Side::Consumer | Side::Stranger => &mut self.tally.consumer,
            Side::Provider => &mut self.tally.provider,
        }
    }

    #[inline]
    fn took_part(&mut self, at: Time, exchange: Exchange, side: Side) {
        let instant = at.since(self.frame.warmup);
        if self.goes_on(instant, exchange, side) {
            self.load(side).exchanges += 1;
        } else {
            self.load(side).took_part(instant);
        }
    }

    fn moved(&mut self, exchange: Exchange, side: Side, [received, sent]: [u64; 2]) {
        if let Some(open) = self.open(exchange) {
            open.bytes[place(side)].add(Bytes { received, sent });
        }
    }
}

/// The place of a side among the bytes of an exchange.
const fn place(side: Side) -> usize {
    match side {
        Side::Provider => 0,
        Side::Consumer | Side::Stranger => 1,
    }
}

fn account(accounts: &mut [Account], first: u32, consumer: u32) -> Option<&mut Account> {
    accounts.get_mut(consumer.checked_sub(first)? as usize)
}
