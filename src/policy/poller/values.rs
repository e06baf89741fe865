//! How a pull client polls: what a scenario says of it.

use crate::distribution::Distribution;
use crate::time::Span;

/// How a pull client polls.
#[derive(Clone, Debug, PartialEq)]
pub struct PollPolicy {
    /// The interval; above zero. Only a long poll may have none: then the next poll leaves as soon as an answer has come.
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
    /// It grows with each poll that brings nothing, and falls back to where it began with the first that brings something.
    Backoff {
        /// How many times as long the next interval is; at least 1.
        factor: f64,
        /// The longest interval.
        max: Span,
    },
    /// It steers towards an aim. A poll that failed leaves it as it is.
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
    /// It obeys what answers say of when to come back: `X-Poll-Interval`, `Retry-After`, the end of a quota's window of which
    /// nothing is left. Jitter adds to an instant that was told, lest all come back at it together.
    Hint,
    /// The provider holds each poll until it has something to tell, and the next leaves as soon as an answer has come, or an
    /// interval later if there is one. After a poll that failed it leaves a second later at the soonest.
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
    /// Each gap is exponential with the interval as its mean: polls come purely at random.
    Exponential,
}
