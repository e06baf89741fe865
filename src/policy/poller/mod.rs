//! When System A asks again, and from which cursor.
//!
//! `values` has what a scenario says of it, `pace` the interval, `schedule` the instants, `cursor` what is known of the
//! feed, `leap` the polls that will find nothing.

mod cursor;
mod leap;
mod pace;
mod passing;
mod schedule;
mod values;

use std::sync::Arc;

use crate::distribution::Distribution;
use crate::peer::{Advice, Batch, Event, Exchange, Outcome, Output, Request, Response, Sink, Tag};
use crate::policy::numbers::Numbers;
use crate::policy::poller::cursor::Cursor;
use crate::policy::poller::pace::Yield;
use crate::policy::poller::schedule::Schedule;
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

pub use cursor::OVERLAP_EVENTS_MAX;
pub use leap::{Rhythm, Row};
pub use passing::Foreseen;
pub use values::{Aim, Jitter, Phase, PollPolicy, Strategy, Target, Timing};

/// A poll that has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    poll: u32,
    page: u32,
    /// The cursor that this page was asked for from.
    after: u32,
    exchange: u32,
    /// When its first page was asked for.
    left: Time,
    /// The new events that its pages have brought so far.
    brought: u32,
}

/// What an answer means for the poll that it belongs to.
struct Heard {
    events: Batch,
    /// How many of them are new.
    fresh: u32,
    /// Whether it was an answer at all, and no refusal.
    answered: bool,
    /// From where its next page is to be asked for.
    next_page: Option<u32>,
}

impl Heard {
    /// An answer without events.
    const fn nothing(answered: bool) -> Self {
        Self { events: Batch::new_const(), fresh: 0, answered, next_page: None }
    }
}

/// One poller: a schedule, a cursor, and at most one open request.
#[derive(Clone, Debug)]
pub struct Poller {
    policy: Arc<PollPolicy>,
    seed: Seed,
    consumer: u32,
    cursor: Cursor,
    schedule: Schedule,
    /// The open poll.
    open: Option<Open>,
}

impl Poller {
    /// A poller that knows of no event yet.
    pub fn new(policy: Arc<PollPolicy>, seed: Seed, consumer: u32) -> Self {
        let overlap = match policy.target {
            Target::Feed { overlap } => overlap,
            Target::Record { .. } => Span::ZERO,
        };
        let (cursor, schedule) = (Cursor::new(overlap), Schedule::new(&policy, seed, consumer));
        Self { policy, seed, consumer, cursor, schedule, open: None }
    }

    /// Begins the schedule anew there. What is open is not waited for any more, and the cursor stays where it is.
    pub(super) fn restart(&mut self, at: Time) {
        self.open = None;
        self.schedule.restart(&self.policy, at);
    }

    /// Whether an exchange is the open poll.
    #[inline]
    pub(super) fn waits_for(&self, exchange: Exchange) -> bool {
        self.open.is_some_and(|open| open.exchange == exchange.serial)
    }

    /// Opens the next poll if it is due and none is open.
    #[inline]
    pub(super) fn act(&mut self, now: Time, numbers: &mut Numbers, out: &mut impl Sink) {
        if let Some(open) = self.due(now) {
            self.send(open, numbers, out);
        }
    }

    /// The next poll, if it is due and none is open; the number of its exchange is still to be given.
    #[inline]
    fn due(&self, now: Time) -> Option<Open> {
        let (poll, due) = self.schedule.slot();
        if self.open.is_some() || due > now {
            return None;
        }
        Some(Open { poll, page: 0, after: self.cursor.start(), exchange: 0, left: now, brought: 0 })
    }

    /// Takes the end of the open poll; gives back the events that it brought. Another exchange brings none.
    #[inline]
    pub(super) fn ended(
        &mut self,
        now: Time,
        exchange: Exchange,
        outcome: Outcome,
        numbers: &mut Numbers,
        out: &mut impl Sink,
    ) -> Batch {
        let Some(open) = self.open.take_if(|open| open.exchange == exchange.serial) else { return Batch::new() };
        let heard = self.hear(now, open.after, outcome);
        let brought = open.brought.saturating_add(heard.fresh);
        if let Some(after) = heard.next_page {
            self.send(Open { page: open.page.saturating_add(1), after, brought, ..open }, numbers, out);
        } else {
            self.over(&open, now, brought, heard.answered);
        }
        heard.events
    }

    /// A poll has ended, and no further page is asked for: plans the next.
    #[inline]
    fn over(&mut self, open: &Open, now: Time, brought: u32, answered: bool) {
        let result = match (brought, answered) {
            (0, true) => Yield::Nothing,
            (0, false) => Yield::Failed,
            (events, _) => Yield::Events(events),
        };
        self.schedule.ended(open.left, now, result, answered);
    }

    /// Takes note of what an answer says.
    #[inline]
    fn hear(&mut self, now: Time, after: u32, outcome: Outcome) -> Heard {
        match outcome {
            Outcome::Answered(Response::Page { events, has_more, tag, advice }) => {
                let (fresh, next_page) = self.hear_page(now, after, &events, (has_more, tag, &advice));
                Heard { events, fresh, answered: true, next_page }
            }
            Outcome::Answered(Response::NotModified { advice }) => {
                self.obey(now, &advice);
                Heard::nothing(true)
            }
            Outcome::Answered(Response::Refused { retry_after, .. }) => {
                let listens = matches!(self.policy.strategy, Strategy::Hint | Strategy::LongPoll { .. });
                if let Some(wait) = retry_after.filter(|_| listens) {
                    self.schedule.wait_until(now + wait);
                }
                Heard::nothing(false)
            }
            Outcome::Answered(Response::Record { .. } | Response::Event(_) | Response::Accepted)
            | Outcome::TimedOut
            | Outcome::Unreachable => Heard::nothing(false),
        }
    }

    /// Takes note of a page: how many of its events are new, and from where the next is asked for, if it is.
    #[inline]
    fn hear_page(
        &mut self,
        now: Time,
        after: u32,
        events: &[Event],
        (has_more, tag, advice): (bool, Tag, &Advice),
    ) -> (u32, Option<u32>) {
        let may_go_on = self.obey(now, advice);
        // Where a page has more behind it, the same answer once more would not mean that there is nothing to ask for.
        let all = (!has_more).then_some(tag);
        let (fresh, next) = self.cursor.take(after, events, all);
        // A page that says there is more but brings nothing would be asked for for ever.
        (fresh, (has_more && !events.is_empty() && may_go_on).then_some(next))
    }

    /// Obeys advice, if this poller does; false if nothing more may be asked for now.
    fn obey(&mut self, now: Time, advice: &Advice) -> bool {
        if self.policy.strategy != Strategy::Hint {
            return true;
        }
        self.schedule.wish(advice.poll_interval);
        let spent = advice.quota.filter(|quota| quota.remaining == 0);
        if let Some(quota) = spent {
            self.schedule.wait_until(now + quota.resets_in);
        }
        spent.is_none()
    }

    /// Sets the cursor back before an event, so that it is asked for again.
    pub(super) fn go_back_before(&mut self, serial: u32) {
        self.cursor.go_back_before(serial);
    }

    /// When the next poll is due; none while one is open.
    #[inline]
    pub fn deadline(&self) -> Option<Time> {
        self.open.is_none().then_some(self.schedule.slot().1)
    }

    /// How long this poller takes to handle the page that an exchange brought.
    pub fn page_service(&self, exchange: Exchange) -> Span {
        match self.policy.service_time {
            Distribution::Constant(span) => span,
            ref distribution => {
                let subject = [self.consumer.into(), exchange.serial.into(), 0];
                distribution.sample(self.seed.draw(Purpose::PageService, subject))
            }
        }
    }

    /// Asks for a page; the number of its exchange is still to be given.
    #[inline]
    fn send(&mut self, open: Open, numbers: &mut Numbers, out: &mut impl Sink) {
        let exchange = numbers.next();
        let (request, timeout) = (self.request(&open), self.policy.timeout);
        self.open = Some(Open { exchange: exchange.serial, ..open });
        out.push(Output::Send { exchange, request, timeout });
    }

    /// What a poll asks.
    #[inline]
    fn request(&self, open: &Open) -> Request {
        let Open { poll, page, after, .. } = *open;
        let hold = match self.policy.strategy {
            // Where there is a further page, there is something to answer.
            Strategy::LongPoll { hold } if page == 0 => hold,
            _ => Span::ZERO,
        };
        let tag = self.cursor.tag(after).filter(|_| self.policy.conditional);
        Request::Poll { after, limit: self.policy.page, poll, page, hold, tag }
    }
}
