//! What an exchange was worth: one rule for all who say so.

use crate::measure::fact::End;
use crate::measure::tally::OutcomeKind;
use crate::peer::Side;

/// The outcome of an exchange that this side opened. `brought` says whether it brought events, and then whether any of them
/// was new; `end` how it ended for its opener, if it has.
pub fn worth(opener: Side, brought: Option<bool>, end: Option<End>) -> OutcomeKind {
    match (brought, end) {
        (Some(true), _) => OutcomeKind::Useful,
        // A handler that failed on what was known before leaves nothing behind.
        (Some(false), Some(End::Refused(_))) => OutcomeKind::Failed,
        (Some(false), _) => OutcomeKind::Duplicate,
        (None, Some(End::Answered)) if opener == Side::Consumer => OutcomeKind::Empty,
        (None, Some(End::Refused(304))) => OutcomeKind::NotModified,
        (None, Some(End::Refused(429))) => OutcomeKind::Throttled,
        (None, _) => OutcomeKind::Failed,
    }
}
