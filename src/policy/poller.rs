//! When System A asks again, and from which cursor.

use crate::distribution::Distribution;
use crate::peer::{Batch, Exchange, Outcome, Output, Request, Response};
use crate::policy::numbers::Numbers;
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

/// How a pull client polls.
#[derive(Clone, Debug, PartialEq)]
pub struct PollPolicy {
    /// The interval; above zero.
    pub every: Span,
    /// Where the grid of polls begins.
    pub phase: Phase,
    /// What the interval counts from.
    pub timing: Timing,
    /// How far polls stray from the grid.
    pub jitter: Jitter,
    /// How long to wait for an answer.
    pub timeout: Span,
    /// The most events to ask for at once; above zero.
    pub page: u32,
    /// How the interval changes from poll to poll.
    pub strategy: Strategy,
    /// What is polled.
    pub target: Target,
    /// Whether polls say what they know, so that the answer may be that it still holds (`If-None-Match`).
    pub conditional: bool,
    /// Whether answers may be compressed. Only `live` compresses; in virtual time bodies count as they are.
    pub compressed: bool,
    /// How long System A takes to handle one page that brought something.
    pub service_time: Distribution,
}

impl PollPolicy {
    /// Polls of the feed at a fixed rate with a random phase and without jitter, each handled in no time.
    pub const fn new(every: Span, timeout: Span, page: u32) -> Self {
        Self {
            every,
            phase: Phase::Random,
            timing: Timing::FixedRate,
            jitter: Jitter::None,
            timeout,
            page,
            strategy: Strategy::Fixed,
            target: Target::Feed { overlap: Span::ZERO },
            conditional: false,
            compressed: false,
            service_time: Distribution::ZERO,
        }
    }
}

/// How the interval changes from poll to poll.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// Not at all.
    Fixed,
    /// It grows while answers bring nothing, and falls back to where it began with the first that brings something.
    Backoff {
        /// How many times as long the next interval is; at least 1.
        factor: f64,
        /// The longest interval.
        max: Span,
    },
    /// It steers towards an aim.
    Adaptive {
        /// The aim.
        aim: Aim,
        /// How strongly one answer moves the interval, above 0 and at most 1.
        gain: f64,
        /// The shortest interval.
        min: Span,
        /// The longest interval.
        max: Span,
    },
    /// It obeys what answers say of when to come back: `X-Poll-Interval`, `Retry-After`, the end of a quota's window.
    Hint,
    /// The provider holds each poll until it has something to tell, and the next leaves as soon as an answer has come.
    LongPoll {
        /// How long the provider may hold a poll; above zero.
        hold: Span,
    },
}

/// What an adaptive poller steers towards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// This share of the polls is to bring something, between 0 and 1.
    UsefulShare(f64),
    /// So many events are to come with each poll, by the rate at which they have come of late; above 0.
    EventsPerPoll(f64),
}

/// What is polled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The feed of events after a cursor.
    Feed {
        /// How far before the newest known event to ask again, so that what became visible late is not missed; zero for
        /// not at all.
        overlap: Span,
    },
    /// The state of each open record, until it is final.
    Record {
        /// How often a record is asked for at most; none means until it is final.
        tries: Option<u32>,
    },
}

/// Where the grid of polls begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Uniform over one interval, drawn for each consumer.
    Random,
    /// At the start of the run, for every consumer.
    Aligned,
}

/// What the interval counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Poll k falls due at phase + k x interval; one that falls due while another is open is skipped.
    FixedRate,
    /// The next poll leaves one interval after the last one ended.
    FixedDelay,
}

/// How far polls stray from the grid. A spread is a share of the interval from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Jitter {
    /// Not at all.
    None,
    /// Each gap is uniform in interval x (1 - spread) to interval x (1 + spread), so lateness adds up.
    Gap(f64),
    /// Each grid point is put off by a uniform share of spread x interval; the grid itself stays.
    Grid(f64),
}

/// A poll that has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    poll: u32,
    page: u32,
    /// The cursor that it left with.
    after: u32,
    exchange: u32,
}

/// One poller: a schedule, a cursor, and at most one open request.
#[derive(Clone, Debug)]
pub struct Poller {
    policy: PollPolicy,
    seed: Seed,
    consumer: u32,
    cursor: u32,
    /// The number of a poll on the grid, and when it falls due.
    origin: (u32, Time),
    /// The number of the next poll on the schedule, and when it falls due.
    next: (u32, Time),
    /// The open poll.
    open: Option<Open>,
}

impl Poller {
    /// A poller that knows of no event yet.
    pub fn new(policy: PollPolicy, seed: Seed, consumer: u32) -> Self {
        let phase = match policy.phase {
            Phase::Aligned => Time::ZERO,
            Phase::Random => {
                let draw = seed.draw(Purpose::PollPhase, [consumer.into(), 0, 0]);
                Time::from_nanos(draw.below(policy.every.as_nanos()))
            }
        };
        let mut poller = Self { policy, seed, consumer, cursor: 0, origin: (0, phase), next: (0, phase), open: None };
        poller.next = poller.grid_point(0);
        poller
    }

    /// Begins the schedule anew: the next poll is the first on a grid that begins there. What is open is not waited for any
    /// more, and the cursor stays where it is.
    pub(super) fn restart(&mut self, at: Time) {
        self.open = None;
        // Numbers go on, so that each poll has luck of its own.
        self.origin = (self.next.0, at);
        self.next = self.grid_point(self.next.0);
    }

    /// Opens the next poll if it is due and none is open.
    pub(super) fn act(&mut self, now: Time, numbers: &mut Numbers, out: &mut Vec<Output>) {
        let (poll, due) = self.next;
        if self.open.is_some() || due > now {
            return;
        }
        self.next = self.after(poll, due);
        self.send(poll, 0, numbers, out);
    }

    /// Takes the end of an exchange; gives back the events that it brought, or none if the exchange is not the open poll.
    pub(super) fn ended(
        &mut self,
        now: Time,
        exchange: Exchange,
        outcome: &Outcome,
        numbers: &mut Numbers,
        out: &mut Vec<Output>,
    ) -> Option<Batch> {
        let Open { poll, page, after, .. } = self.open.take_if(|open| open.exchange == exchange.serial)?;
        let answer = match outcome {
            Outcome::Answered(Response::Page { events, has_more, .. }) => Some((events, has_more)),
            _ => None,
        };
        if let Some((events, has_more)) = answer {
            // A cursor that was set back meanwhile stays where it is: what lies before this page is still to be asked for.
            if self.cursor >= after {
                self.cursor = events.last().map_or(self.cursor, |event| self.cursor.max(event.serial));
            }
            // A page that says there is more but brings nothing would be asked for for ever.
            if *has_more && !events.is_empty() {
                self.send(poll, page.saturating_add(1), numbers, out);
            }
        }
        if self.open.is_none() {
            self.reschedule(poll, now);
        }
        Some(answer.map(|(events, _)| events.clone()).unwrap_or_default())
    }

    /// Sets the cursor back before an event, so that it is asked for again.
    pub(super) fn go_back_before(&mut self, serial: u32) {
        self.cursor = self.cursor.min(serial.saturating_sub(1));
    }

    /// When the next poll is due; none while one is open.
    pub fn deadline(&self) -> Option<Time> {
        self.open.is_none().then_some(self.next.1)
    }

    /// How long this poller takes to handle the page that an exchange brought.
    pub fn page_service(&self, exchange: Exchange) -> Span {
        let subject = [self.consumer.into(), exchange.serial.into(), 0];
        self.policy.service_time.sample(self.seed.draw(Purpose::PageService, subject))
    }

    fn send(&mut self, poll: u32, page: u32, numbers: &mut Numbers, out: &mut Vec<Output>) {
        let exchange = numbers.next();
        self.open = Some(Open { poll, page, after: self.cursor, exchange: exchange.serial });
        out.push(Output::Send {
            exchange,
            request: Request::Poll {
                after: self.cursor,
                limit: self.policy.page,
                poll,
                page,
                hold: Span::ZERO,
                tag: None,
            },
            timeout: self.policy.timeout,
        });
    }

    /// Sets the next poll after one that ended now: the polls that fell due while it was open are skipped.
    fn reschedule(&mut self, ended: u32, now: Time) {
        match (self.policy.timing, self.policy.jitter) {
            (Timing::FixedDelay, _) => self.next = (ended.saturating_add(1), now + self.gap(ended)),
            (Timing::FixedRate, Jitter::None) => {
                if self.next.1 < now {
                    let (first, origin) = self.origin;
                    let number = now.since(origin).as_nanos().div_ceil(self.policy.every.as_nanos());
                    self.next = self.grid_point(first.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)));
                }
            }
            (Timing::FixedRate, _) => {
                while self.next.1 < now {
                    self.next = self.after(self.next.0, self.next.1);
                }
            }
        }
    }

    /// The poll on the schedule after number `poll`, which was due at `due`.
    fn after(&self, poll: u32, due: Time) -> (u32, Time) {
        match (self.policy.timing, self.policy.jitter) {
            (Timing::FixedRate, Jitter::None | Jitter::Grid(_)) => self.grid_point(poll.saturating_add(1)),
            _ => (poll.saturating_add(1), due + self.gap(poll)),
        }
    }

    fn grid_point(&self, poll: u32) -> (u32, Time) {
        let offset = match self.policy.jitter {
            Jitter::Grid(spread) => self.policy.every.scale(spread * self.jitter_draw(poll)),
            Jitter::None | Jitter::Gap(_) => Span::ZERO,
        };
        let (first, origin) = self.origin;
        (poll, origin + self.policy.every.times(poll.saturating_sub(first).into()) + offset)
    }

    fn gap(&self, poll: u32) -> Span {
        match self.policy.jitter {
            // Never nothing, lest a spread of 1 makes two polls at one instant and a deadline that has passed.
            Jitter::Gap(spread) => {
                let factor = 1.0 + spread * (2.0 * self.jitter_draw(poll) - 1.0);
                self.policy.every.scale(factor).max(Span::from_nanos(1))
            }
            Jitter::None | Jitter::Grid(_) => self.policy.every,
        }
    }

    fn jitter_draw(&self, poll: u32) -> f64 {
        self.seed.draw(Purpose::PollJitter, [self.consumer.into(), poll.into(), 0]).unit()
    }
}
