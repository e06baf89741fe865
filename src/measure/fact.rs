//! What an engine sees happen, for the books.

use crate::fault::ForgeryKind;
use crate::measure::tally::OutcomeKind;
use crate::peer::{Event, Exchange, Note, Outcome, Request, Response, Side};
use crate::time::Time;

/// Something that happened, as an engine saw it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// An event occurred.
    Occurred(Event),
    /// System A opened a record at System B.
    RecordOpened {
        /// Which consumer's.
        consumer: u32,
        /// Which record; they are opened in the order of their numbers.
        record: u32,
    },
    /// A request left its opener.
    Opened {
        /// Which exchange.
        exchange: Exchange,
        /// What it asks.
        request: Request,
        /// The size of the request.
        bytes: u64,
    },
    /// The other side will never answer: the network lost the request, or the other side went down with it.
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
    /// A stranger's webhook reached the endpoint; what the peer noted about it comes after this.
    Forged {
        /// Which exchange.
        exchange: Exchange,
        /// How it was forged, if it came from the scenario's attacker.
        kind: Option<ForgeryKind>,
    },
}

impl Fact {
    /// Whom it concerns; none where that is no single consumer.
    pub const fn consumer(&self) -> Option<u32> {
        match self {
            Self::Occurred(event) => Some(event.consumer),
            Self::RecordOpened { consumer, .. } => Some(*consumer),
            Self::Opened { exchange, .. }
            | Self::RequestLost(exchange)
            | Self::Arrived { exchange, .. }
            | Self::Replied { exchange, .. }
            | Self::Ended { exchange, .. }
            | Self::Forged { exchange, .. } => Some(exchange.consumer),
            Self::Noted(_, note) => note.consumer(),
        }
    }
}

/// Who is told every fact as it is taken down, and what each exchange was worth once that is known.
pub trait Observer: std::fmt::Debug {
    /// A fact, in the order of time.
    fn saw(&mut self, at: Time, fact: &Fact);

    /// What an exchange was worth, whether it is counted or not.
    fn judged(&mut self, exchange: Exchange, outcome: OutcomeKind);
}

/// A list of facts; what exchanges were worth is not kept.
impl Observer for Vec<(Time, Fact)> {
    fn saw(&mut self, at: Time, fact: &Fact) {
        self.push((at, fact.clone()));
    }

    fn judged(&mut self, _: Exchange, _: OutcomeKind) {}
}

/// How an exchange ended, as far as counting it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A page or a record came.
    Answered,
    /// The event asked for came. Where nobody waits for it any more it brings nothing.
    Fetched,
    /// The webhook was acknowledged.
    Accepted,
    /// Another status came.
    Refused(u16),
    /// No answer came in time.
    TimedOut,
    /// The other side could not be reached.
    Unreachable,
}

impl From<&Response> for End {
    #[inline]
    fn from(response: &Response) -> Self {
        match response {
            Response::Page { .. } | Response::Record { .. } => Self::Answered,
            Response::Event(_) => Self::Fetched,
            Response::Accepted => Self::Accepted,
            Response::NotModified { .. } => Self::Refused(304),
            Response::Refused { status, .. } => Self::Refused(*status),
        }
    }
}

impl From<&Outcome> for End {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answered(response) => Self::from(response),
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Unreachable => Self::Unreachable,
        }
    }
}
