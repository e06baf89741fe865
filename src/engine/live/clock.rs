//! The clock of a run: the monotonic clock of the machine, read as time since the common start.

use std::time::{Duration, Instant};

use crate::time::{Span, Time};

/// Reads the present instant of a run; the same on every thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that shows zero so long from now, and until then.
    pub(super) fn starting_in(delay: Duration) -> Self {
        Self { start: Instant::now() + delay }
    }

    /// The present instant. It never goes back.
    pub(super) fn now(&self) -> Time {
        Time::ZERO + Span::from(Instant::now().saturating_duration_since(self.start))
    }

    /// Does nothing else until an instant has come, and gives back the first one that was read from there on.
    pub(super) fn watch_until(&self, at: Time) -> Time {
        loop {
            let now = self.now();
            if now >= at {
                return now;
            }
            std::hint::spin_loop();
        }
    }

    /// How long it is still until an instant; zero if that has passed.
    pub(super) fn until(&self, at: Time) -> Span {
        at.since(self.now())
    }

    /// Blocks the thread until the clock starts.
    pub(super) fn sleep_to_start(&self) {
        std::thread::sleep(self.start.saturating_duration_since(Instant::now()));
    }
}
