//! When System A asks for the state of each record that it waits for, and when it stops to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::distribution::Distribution;
use crate::peer::{Event, Exchange, Outcome, Output, Request, Response, Sink, Tag};
use crate::policy::numbers::Numbers;
use crate::policy::poller::{Jitter, Phase, PollPolicy, Strategy, Target, Timing};
use crate::seed::{Draw, Purpose, Seed};
use crate::time::{Span, Time};

/// Which records a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// So many, numbered from 0, from the start of the run and for ever.
    Always {
        /// How many.
        records: u32,
    },
    /// Those that it opens, each until it is final.
    Opened {
        /// With how many changes a record is final.
        changes: u32,
    },
}

/// What is known of a record that is polled.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// The number of the next poll on the schedule of this record, counted from 0.
    slot: u32,
    /// When that slot is, without what a jittered grid adds.
    base: Time,
    /// When the next poll falls due.
    due: Time,
    /// The present interval.
    interval: Span,
    /// Polls so far.
    polls: u32,
    /// A poll is open.
    is_open: bool,
    /// The newest event of the record that the client knows; 0 for none.
    known: u32,
    /// Changes that the client has heard of, by whatever way.
    heard: u32,
    /// What the last answer said of the state of the record, if the client knows all that it said.
    tag: Option<Tag>,
}

/// What the end of a poll of a record means for the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The event that it brought, if that is newer than what the client knows.
    pub news: Option<Event>,
    /// The record that is asked for no more, though it is not final.
    pub stopped: Option<u32>,
}

/// One poller of records: each has a schedule of its own, and at most one open request.
#[derive(Clone, Debug)]
pub struct RecordPoller {
    policy: Arc<PollPolicy>,
    /// How often a record is asked for at most.
    tries: Option<u32>,
    watched: Watched,
    seed: Seed,
    consumer: u32,
    records: BTreeMap<u32, Watch>,
    /// The records of which no poll is open, by when the next falls due.
    due: BTreeSet<(Time, u32)>,
    /// The record that each open exchange asks for.
    open: BTreeMap<u32, u32>,
}

impl RecordPoller {
    /// A poller of records, where the policy's target is records.
    pub fn new(policy: &Arc<PollPolicy>, watched: Watched, seed: Seed, consumer: u32) -> Option<Self> {
        let Target::Record { tries } = policy.target else { return None };
        let (records, due, open) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let mut poller = Self { policy: Arc::clone(policy), tries, watched, seed, consumer, records, due, open };
        if let Watched::Always { records } = watched {
            (0..records).for_each(|record| poller.watch(Time::ZERO, record));
        }
        Some(poller)
    }

    /// The client has opened a record, and waits from now on for what becomes of it.
    pub(super) fn opened(&mut self, now: Time, record: u32) {
        if !self.records.contains_key(&record) {
            self.watch(now, record);
        }
    }

    /// The client has handled an event that came by whatever way. A record that is final for all it has heard is not asked
    /// for any more.
    pub(super) fn seen(&mut self, event: &Event) {
        let Some(watch) = self.records.get_mut(&event.record) else { return };
        watch.known = watch.known.max(event.serial);
        watch.heard = watch.heard.saturating_add(1);
        if let Watched::Opened { changes } = self.watched
            && watch.heard >= changes
        {
            self.forget(event.record);
        }
    }

    /// Begins every schedule anew there, each record's within one interval if phases are random. What is open is not waited for
    /// any more.
    pub(super) fn restart(&mut self, at: Time) {
        self.open.clear();
        self.due.clear();
        let all: Vec<_> = self.records.iter().map(|(record, watch)| (*record, *watch)).collect();
        for (record, mut watch) in all {
            let wait = match self.policy.phase {
                Phase::Aligned => Span::ZERO,
                Phase::Random => self.phase(record),
            };
            // Numbers go on, so that each poll has luck of its own.
            watch.slot = watch.slot.saturating_add(1);
            (watch.base, watch.interval, watch.is_open) = (at + wait, self.policy.every, false);
            watch.due = watch.base + self.grid_offset(record, watch.slot, watch.interval);
            self.due.insert((watch.due, record));
            self.records.insert(record, watch);
        }
    }

    /// A uniform share of one interval.
    fn phase(&self, record: u32) -> Span {
        let draw = self.seed.draw(Purpose::RecordPhase, [self.consumer.into(), record.into(), 0]);
        Span::from_nanos(draw.below(self.policy.every.as_nanos()))
    }

    /// Opens the polls that are due.
    pub(super) fn act(&mut self, now: Time, numbers: &mut Numbers, out: &mut impl Sink) {
        while let Some(&(due, record)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            let Some(watch) = self.records.get_mut(&record) else { continue };
            let exchange = numbers.next();
            self.open.insert(exchange.serial, record);
            watch.is_open = true;
            watch.polls = watch.polls.saturating_add(1);
            let tag = watch.tag.filter(|_| self.policy.conditional);
            let request = Request::Record { record, poll: watch.slot, tag };
            out.push(Output::Send { exchange, request, timeout: self.policy.timeout });
        }
    }

    /// Takes the end of an exchange; none if it is not one of the open polls. `is_taken` says whether the client has an
    /// event already.
    pub(super) fn ended(
        &mut self,
        now: Time,
        exchange: Exchange,
        outcome: &Outcome,
        is_taken: impl Fn(u32) -> bool,
    ) -> Option<Answer> {
        let record = self.open.remove(&exchange.serial)?;
        // A webhook may have told meanwhile that it is final.
        let Some(watch) = self.records.get_mut(&record) else { return Some(Answer::default()) };
        watch.is_open = false;
        let (mut news, mut is_settled) = (None, false);
        match outcome {
            Outcome::Answered(Response::Record { event, is_final, tag, .. }) => {
                news = event.filter(|event| event.serial > watch.known && !is_taken(event.serial));
                watch.known = news.map_or(watch.known, |event| event.serial);
                // What came by webhook and is not handled yet may still be dropped, and has to be asked for then.
                let is_known = event.is_none_or(|event| event.serial <= watch.known);
                watch.tag = is_known.then_some(*tag);
                is_settled = *is_final && is_known;
                watch.interval = next_interval(&self.policy, watch.interval, news.is_some());
            }
            Outcome::Answered(Response::NotModified { .. }) => {
                watch.interval = next_interval(&self.policy, watch.interval, false);
            }
            Outcome::Answered(_) | Outcome::TimedOut | Outcome::Unreachable => {}
        }
        let is_exhausted = self.tries.is_some_and(|tries| watch.polls >= tries);
        if is_settled {
            self.forget(record);
        } else if is_exhausted {
            self.forget(record);
            return Some(Answer { news, stopped: Some(record) });
        } else {
            self.reschedule(now, record);
        }
        Some(Answer { news, stopped: None })
    }

    /// When the next poll is due.
    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// How long the client takes to handle what an exchange brought.
    pub(super) fn service(&self, exchange: Exchange) -> Span {
        match self.policy.service_time {
            Distribution::Constant(span) => span,
            ref distribution => {
                let subject = [self.consumer.into(), exchange.serial.into(), 0];
                distribution.sample(self.seed.draw(Purpose::PageService, subject))
            }
        }
    }

    fn watch(&mut self, now: Time, record: u32) {
        let wait = match self.policy.phase {
            Phase::Aligned => self.policy.every,
            Phase::Random => self.phase(record),
        };
        let base = now + wait;
        let interval = self.policy.every;
        let due = base + self.grid_offset(record, 0, interval);
        let new = Watch { slot: 0, base, due, interval, polls: 0, is_open: false, known: 0, heard: 0, tag: None };
        self.records.insert(record, new);
        self.due.insert((due, record));
    }

    fn forget(&mut self, record: u32) {
        if let Some(watch) = self.records.remove(&record)
            && !watch.is_open
        {
            self.due.remove(&(watch.due, record));
        }
    }

    /// Sets the next poll of a record after one that ended now: the slots that fell due while it was open are skipped.
    fn reschedule(&mut self, now: Time, record: u32) {
        let Some(mut watch) = self.records.get(&record).copied() else { return };
        let next = |poller: &Self, watch: &mut Watch, from: Time| {
            watch.base = from + poller.gap(record, watch.slot, watch.interval);
            watch.slot = watch.slot.saturating_add(1);
            watch.due = watch.base + poller.grid_offset(record, watch.slot, watch.interval);
        };
        match self.policy.timing {
            Timing::FixedDelay => next(self, &mut watch, now),
            Timing::FixedRate => {
                self.skip(now, &mut watch);
                let from = watch.base;
                next(self, &mut watch, from);
                while watch.due < now {
                    let from = watch.base;
                    next(self, &mut watch, from);
                }
            }
        }
        self.due.insert((watch.due, record));
        self.records.insert(record, watch);
    }

    /// Leaves out at once the many slots of a grid that certainly lie before now.
    fn skip(&self, now: Time, watch: &mut Watch) {
        if matches!(self.policy.jitter, Jitter::Gap(_) | Jitter::Exponential) {
            return;
        }
        let interval = watch.interval.as_nanos().max(1);
        // One for the slot that follows anyway, and two for the offset of a slot from its grid.
        let slots = (now.since(watch.base).as_nanos() / interval).saturating_sub(3);
        watch.slot = watch.slot.saturating_add(u32::try_from(slots).unwrap_or(u32::MAX));
        watch.base = watch.base + watch.interval.times(slots);
    }

    fn gap(&self, record: u32, slot: u32, interval: Span) -> Span {
        match self.policy.jitter {
            // Never nothing, lest a spread of 1 makes two polls at one instant and a deadline that has passed.
            Jitter::Gap(spread) => {
                let factor = 1.0 + spread * (2.0 * self.jitter_draw(record, slot).unit() - 1.0);
                interval.scale(factor).max(Span::from_nanos(1))
            }
            Jitter::Exponential => {
                interval.scale(self.jitter_draw(record, slot).exponential()).max(Span::from_nanos(1))
            }
            Jitter::None | Jitter::Grid(_) => interval,
        }
    }

    fn grid_offset(&self, record: u32, slot: u32, interval: Span) -> Span {
        match self.policy.jitter {
            Jitter::Grid(spread) => interval.scale(spread * self.jitter_draw(record, slot).unit()),
            Jitter::None | Jitter::Gap(_) | Jitter::Exponential => Span::ZERO,
        }
    }

    fn jitter_draw(&self, record: u32, slot: u32) -> Draw {
        // The third part is 0 for polls of the feed.
        let subject = [self.consumer.into(), slot.into(), u64::from(record) + 1];
        self.seed.draw(Purpose::PollJitter, subject)
    }
}

/// The interval after an answer that brought something, or did not.
fn next_interval(policy: &PollPolicy, present: Span, brought_news: bool) -> Span {
    match policy.strategy {
        Strategy::Backoff { factor, max } if !brought_news => present.scale(factor).min(max.max(policy.every)),
        _ => policy.every,
    }
}
