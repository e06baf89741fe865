//! What somebody who looks on is told of the facts of a run while it runs: a few words of each, and nothing of those that
//! only the books need.

use crate::measure::chronicle::Asked;
use crate::measure::fact::{End, Fact};
use crate::peer::{Exchange, Note};

/// A fact in a few words. It holds no memory of its own, so that telling it costs next to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glimpse {
    /// An event occurred on a record.
    Occurred {
        /// Whose.
        consumer: u32,
        /// Which of theirs.
        serial: u32,
        /// On which record.
        record: u32,
    },
    /// A request left its opener.
    Opened(Exchange, Asked),
    /// A request reached the other side.
    Arrived(Exchange),
    /// The other side has answered, or never will.
    Settled(Exchange),
    /// The exchange ended for its opener.
    Ended(Exchange, End),
    /// The exchange brought an event; true if it was new.
    Brought(Exchange, bool),
    /// What the exchange brought is gone before it was handled, or is left to another one.
    Undone(Exchange),
    /// The consumer knows of an event.
    Seen {
        /// Whose.
        consumer: u32,
        /// Which of theirs.
        serial: u32,
    },
    /// The dispatcher sends an event no more.
    GaveUp {
        /// Whose.
        consumer: u32,
        /// Which of theirs.
        serial: u32,
    },
    /// The API holds an event no more.
    AgedOut {
        /// Whose.
        consumer: u32,
        /// Which of theirs.
        serial: u32,
    },
    /// A stranger's webhook reached the endpoint.
    Forged(Exchange),
    /// A stranger's webhook was believed.
    Believed(Exchange),
}

impl Glimpse {
    /// What there is to tell of a fact; none where nobody who looks on would miss it. An event that passes from one exchange
    /// to another takes two glimpses.
    pub fn of(fact: &Fact) -> [Option<Self>; 2] {
        let one = |glimpse| [Some(glimpse), None];
        match fact {
            Fact::Occurred(event) => {
                one(Self::Occurred { consumer: event.consumer, serial: event.serial, record: event.record })
            }
            Fact::Opened { exchange, request, .. } => one(Self::Opened(*exchange, Asked::of(request))),
            Fact::Arrived { exchange, .. } => one(Self::Arrived(*exchange)),
            Fact::RequestLost(exchange) | Fact::Replied { exchange, .. } => one(Self::Settled(*exchange)),
            Fact::Ended { exchange, end, .. } => one(Self::Ended(*exchange, *end)),
            Fact::Forged { exchange, .. } => one(Self::Forged(*exchange)),
            Fact::Noted(_, note) => Self::of_note(note),
            Fact::RecordOpened { .. } => [None; 2],
        }
    }

    fn of_note(note: &Note) -> [Option<Self>; 2] {
        let glimpse = match note {
            Note::Took { exchange, fresh, .. } | Note::Fetched { exchange, fresh } => Self::Brought(*exchange, *fresh),
            Note::Passed { from, to } => return [Some(Self::Undone(*from)), Some(Self::Brought(*to, true))],
            Note::Dropped { exchange, .. } => Self::Undone(*exchange),
            Note::Believed(exchange) => Self::Believed(*exchange),
            Note::Seen(event) => Self::Seen { consumer: event.consumer, serial: event.serial },
            Note::GaveUp(event, _) => Self::GaveUp { consumer: event.consumer, serial: event.serial },
            Note::AgedOut(event) => Self::AgedOut { consumer: event.consumer, serial: event.serial },
            Note::StoppedPolling { .. }
            | Note::Busy { .. }
            | Note::Freed { .. }
            | Note::Queued(_)
            | Note::Disabled(_)
            | Note::BreakerOpened(_) => return [None; 2],
        };
        [Some(glimpse), None]
    }
}
