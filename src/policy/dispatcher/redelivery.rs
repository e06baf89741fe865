//! The operator's script that has failed deliveries sent again.

use crate::policy::dispatcher::RedeliverPolicy;
use crate::time::{Span, Time};

impl RedeliverPolicy {
    /// The first run of the script that is later than now.
    pub(super) const fn run_after(self, now: Time) -> Time {
        let every = if self.every.is_zero() { 1 } else { self.every.as_nanos() };
        let run = now.as_nanos() / every + 1;
        Time::from_nanos(Span::from_nanos(every).times(run).as_nanos())
    }

    /// Whether a run at this instant still brings an event that occurred then.
    pub(super) fn brings(self, run: Time, occurred_at: Time) -> bool {
        run.since(occurred_at) < self.within
    }
}
