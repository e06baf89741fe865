//! A stretch of a run told event by event and exchange by exchange, for whoever wants to see what happened and not only
//! what it came to.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::fault::ForgeryKind;
use crate::measure::fact::{End, Fact, Observer};
use crate::measure::tally::OutcomeKind;
use crate::peer::{Event, Exchange, LossCause, Note, Request, Side};
use crate::time::Time;

/// What of a run is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Whose events and exchanges.
    pub consumers: Range<u32>,
    /// From this instant on; what began earlier is left out.
    pub from: Time,
    /// Up to here, exclusively. What ends later is told as still under way.
    pub until: Time,
    /// The most exchanges of a client, and the most events; what comes later is left out.
    pub most: usize,
}

/// What happened to one client in a stretch of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Chronicle {
    /// Which stretch it tells of.
    pub stretch: Stretch,
    /// The events that occurred in it, in the order of time.
    pub events: Vec<Told>,
    /// The exchanges that were opened in it, in the order of time.
    pub exchanges: Vec<Entry>,
    /// Whether there were more than [`Stretch::most`].
    pub is_cut: bool,
}

/// An event, and when the client knew of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The event.
    pub event: Event,
    /// When the handler had finished with its first sight; none if it had not by the end of the stretch.
    pub seen: Option<Time>,
    /// The exchange that brought it, if one has.
    pub brought_by: Option<Exchange>,
    /// When System B first gave up on bringing it in one of the client's ways, and why. A hybrid may have it in the other way.
    pub given_up: Option<(Time, LossCause)>,
}

/// An exchange from its first instant to its last.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which exchange.
    pub exchange: Exchange,
    /// What was asked.
    pub asked: Asked,
    /// When the request left its opener.
    pub opened: Time,
    /// When it reached the other side; none if it did not.
    pub arrived: Option<Time>,
    /// When the other side answered; none if it did not.
    pub replied: Option<Time>,
    /// When it ended for its opener; none if it had not by the end of the stretch.
    pub ended: Option<Time>,
    /// How it ended for its opener.
    pub end: Option<End>,
    /// What it was worth; none as long as it has not ended, and for a forged webhook.
    pub outcome: Option<OutcomeKind>,
    /// The serials of the events that it brought or delivered, in order.
    pub events: Vec<u32>,
    /// Of the events that it brought, those that the client had not taken before.
    pub fresh: u32,
    /// The size of the request on the wire.
    pub request_bytes: u64,
    /// The size of the answer on the wire; 0 if none came back.
    pub response_bytes: u64,
    /// Whether it was a forged webhook that the handler ran on.
    pub is_believed: bool,
}

/// What an exchange asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Events of the feed: this page of a poll, counted from 0.
    Feed {
        /// Which page.
        page: u32,
    },
    /// The state of a record.
    Record(u32),
    /// The event that a thin webhook named.
    Fetch,
    /// Nothing: it is a webhook.
    Webhook {
        /// Which attempt, counted from 1.
        attempt: u32,
    },
    /// Nothing: it is a stranger's webhook, forged in this way if it came from the scenario's attacker.
    Forged(Option<ForgeryKind>),
}

impl Asked {
    /// What a request asks.
    pub const fn of(request: &Request) -> Self {
        match request {
            Request::Poll { page, .. } => Self::Feed { page: *page },
            Request::Record { record, .. } => Self::Record(*record),
            Request::Fetch { .. } => Self::Fetch,
            Request::Delivery { attempt, .. } => Self::Webhook { attempt: *attempt },
        }
    }

    /// Whether System A asks, of its own accord, whether there is news.
    pub const fn is_poll(self) -> bool {
        matches!(self, Self::Feed { .. } | Self::Record(_))
    }
}

impl Entry {
    const fn new(exchange: Exchange, asked: Asked, opened: Time) -> Self {
        Self {
            exchange,
            asked,
            opened,
            arrived: None,
            replied: None,
            ended: None,
            end: None,
            outcome: None,
            events: Vec::new(),
            fresh: 0,
            request_bytes: 0,
            response_bytes: 0,
            is_believed: false,
        }
    }
}

/// What is known of each exchange, and of each event by consumer and serial, while a run is told.
#[derive(Debug)]
pub struct Teller {
    stretch: Stretch,
    events: BTreeMap<(u32, u32), Told>,
    exchanges: BTreeMap<Exchange, Entry>,
    is_cut: bool,
}

impl Chronicle {
    /// Tells a stretch from the facts of a run, in their order, and from what the ledger thought of its exchanges.
    pub fn of(stretch: &Stretch, facts: &[(Time, Fact)], judged: &[(Exchange, OutcomeKind)]) -> Self {
        let mut teller = Teller::new(stretch.clone());
        facts.iter().for_each(|(at, fact)| teller.saw(*at, fact));
        judged.iter().for_each(|(exchange, outcome)| teller.judged(*exchange, *outcome));
        teller.tell()
    }

    /// Puts what happened to other consumers of the same client to it. What is too much is left out from time to time; in the
    /// end [`Chronicle::settle`] leaves out the rest of it.
    pub fn merge(&mut self, other: Self) {
        self.events.extend(other.events);
        self.exchanges.extend(other.exchanges);
        self.is_cut |= other.is_cut;
        if self.events.len().max(self.exchanges.len()) / 2 > self.stretch.most {
            self.settle();
        }
    }

    /// Puts everything into the order of time, and leaves out what comes after the most that is to be told.
    pub fn settle(&mut self) {
        self.events.sort_by_key(|told| (told.event.occurred_at, told.event.consumer, told.event.serial));
        self.exchanges.sort_by_key(|entry| (entry.opened, entry.exchange));
        self.is_cut |= self.events.len().max(self.exchanges.len()) > self.stretch.most;
        self.events.truncate(self.stretch.most);
        self.exchanges.truncate(self.stretch.most);
    }

    /// A stretch within the one that is told, as if only that had been asked for. (An event that two exchanges had brought by
    /// the end of the stretch may be put down to the other one.)
    pub fn part(&self, stretch: &Stretch) -> Self {
        let is_in =
            |at: Time, consumer| (stretch.from..stretch.until).contains(&at) && stretch.consumers.contains(&consumer);
        let within = |at: Option<Time>| at.filter(|at| *at < stretch.until);
        // A webhook brings its events when it arrives, and a poll when it ends.
        let has_brought = |entry: &Entry| {
            within(if entry.exchange.opener == Side::Provider { entry.arrived } else { entry.ended }).is_some()
        };
        let brought = |by: &Exchange| self.exchanges.iter().find(|entry| entry.exchange == *by).is_none_or(has_brought);
        let event = |told: &Told| Told {
            seen: within(told.seen),
            brought_by: told.brought_by.filter(|by| within(told.seen).is_some() || brought(by)),
            given_up: told.given_up.filter(|(at, _)| *at < stretch.until),
            ..*told
        };
        let entry = |entry: &Entry| {
            let ended = within(entry.ended);
            let has_brought = has_brought(entry);
            Entry {
                events: if entry.asked.is_poll() && !has_brought { Vec::new() } else { entry.events.clone() },
                fresh: if has_brought { entry.fresh } else { 0 },
                arrived: within(entry.arrived),
                replied: within(entry.replied),
                ended,
                end: entry.end.filter(|_| ended.is_some()),
                outcome: entry.outcome.filter(|_| ended.is_some()),
                response_bytes: if ended.is_some() { entry.response_bytes } else { 0 },
                ..entry.clone()
            }
        };
        let events = self.events.iter().filter(|told| is_in(told.event.occurred_at, told.event.consumer));
        let exchanges = self.exchanges.iter().filter(|entry| is_in(entry.opened, entry.exchange.consumer));
        let mut part = Self {
            stretch: stretch.clone(),
            events: events.map(event).collect(),
            exchanges: exchanges.map(entry).collect(),
            is_cut: self.is_cut,
        };
        part.settle();
        part
    }
}

impl Observer for Teller {
    fn saw(&mut self, at: Time, fact: &Fact) {
        if at >= self.stretch.until {
            return;
        }
        match fact {
            Fact::Occurred(event) => {
                let told = Told { event: *event, seen: None, brought_by: None, given_up: None };
                let is_in = self.is_told(event.occurred_at, event.consumer);
                if is_in && has_room(self.events.len(), &self.stretch, &mut self.is_cut) {
                    self.events.insert((event.consumer, event.serial), told);
                }
            }
            Fact::Opened { exchange, request, bytes } => {
                let mut entry = Entry { request_bytes: *bytes, ..Entry::new(*exchange, Asked::of(request), at) };
                match request {
                    Request::Delivery { events, .. } => entry.events.extend(events.iter().map(|event| event.serial)),
                    Request::Fetch { event, .. } => entry.events.push(event.serial),
                    Request::Poll { .. } | Request::Record { .. } => {}
                }
                self.open(entry);
            }
            Fact::Forged { exchange, kind } => {
                self.open(Entry { arrived: Some(at), ..Entry::new(*exchange, Asked::Forged(*kind), at) });
            }
            Fact::Arrived { exchange, .. } => self.change(*exchange, |entry| entry.arrived = Some(at)),
            Fact::Replied { exchange, .. } => self.change(*exchange, |entry| entry.replied = Some(at)),
            Fact::Ended { exchange, end, bytes } => self.change(*exchange, |entry| {
                (entry.ended, entry.end, entry.response_bytes) = (Some(at), Some(*end), *bytes);
            }),
            Fact::Noted(_, note) => self.note(at, note),
            Fact::RecordOpened { .. } | Fact::RequestLost(_) => {}
        }
    }

    /// What is under way at the end of the stretch has no worth yet.
    fn judged(&mut self, exchange: Exchange, outcome: OutcomeKind) {
        let has_ended = |entry: &&mut Entry| entry.ended.is_some();
        if let Some(entry) = self.exchanges.get_mut(&exchange).filter(has_ended) {
            entry.outcome = Some(outcome);
        }
    }
}

impl Teller {
    /// Who knows nothing yet of a stretch.
    pub const fn new(stretch: Stretch) -> Self {
        Self { stretch, events: BTreeMap::new(), exchanges: BTreeMap::new(), is_cut: false }
    }

    /// What has been heard of the stretch.
    pub fn tell(self) -> Chronicle {
        let mut exchanges: Vec<_> = self.exchanges.into_values().collect();
        exchanges.sort_by_key(|entry| (entry.opened, entry.exchange));
        let mut events: Vec<_> = self.events.into_values().collect();
        events.sort_by_key(|told| (told.event.occurred_at, told.event.consumer, told.event.serial));
        Chronicle { stretch: self.stretch, events, exchanges, is_cut: self.is_cut }
    }

    fn is_told(&self, at: Time, consumer: u32) -> bool {
        at >= self.stretch.from && self.stretch.consumers.contains(&consumer)
    }

    fn note(&mut self, at: Time, note: &Note) {
        match note {
            Note::Took { exchange, event, fresh, .. } => {
                self.change(*exchange, |entry| {
                    if entry.asked.is_poll() {
                        entry.events.push(event.serial);
                    }
                    entry.fresh += u32::from(*fresh);
                });
                if let Some(told) = self.events.get_mut(&(event.consumer, event.serial)).filter(|_| *fresh) {
                    told.brought_by = Some(*exchange);
                }
            }
            Note::Passed { from, to } => {
                let passed =
                    self.events.values_mut().filter(|told| told.brought_by == Some(*from) && told.seen.is_none());
                passed.for_each(|told| told.brought_by = Some(*to));
            }
            Note::GaveUp(event, cause) => self.give_up(at, event, *cause),
            Note::AgedOut(event) => self.give_up(at, event, LossCause::AgedOut),
            Note::Believed(exchange) => self.change(*exchange, |entry| entry.is_believed = true),
            Note::Seen(event) => {
                if let Some(told) = self.events.get_mut(&(event.consumer, event.serial)) {
                    told.seen.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    fn give_up(&mut self, at: Time, event: &Event, cause: LossCause) {
        if let Some(told) = self.events.get_mut(&(event.consumer, event.serial)) {
            told.given_up.get_or_insert((at, cause));
        }
    }

    fn open(&mut self, entry: Entry) {
        let is_in = self.is_told(entry.opened, entry.exchange.consumer);
        if is_in && has_room(self.exchanges.len(), &self.stretch, &mut self.is_cut) {
            self.exchanges.insert(entry.exchange, entry);
        }
    }

    fn change(&mut self, exchange: Exchange, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.exchanges.get_mut(&exchange) {
            change(entry);
        }
    }
}

/// Whether one more may be told; if not, that is noted.
fn has_room(count: usize, stretch: &Stretch, is_cut: &mut bool) -> bool {
    let has_room = count < stretch.most;
    *is_cut |= !has_room;
    has_room
}
