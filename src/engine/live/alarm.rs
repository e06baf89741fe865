//! What wakes a thread's runtime shortly before something is due.
//!
//! The runtime's own timers have steps of a millisecond, which is as long as a whole webhook takes many times over. Where
//! the system offers timers as file descriptors, one of those rings instead; elsewhere the runtime's timer rings earlier.

#[cfg(target_os = "linux")]
pub(super) use fine::Alarm;

#[cfg(not(target_os = "linux"))]
pub(super) use coarse::Alarm;

#[cfg(target_os = "linux")]
mod fine {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use crate::time::{SECOND, Span};

    /// A timer with a resolution far below a microsecond, which rings late by what it takes to wake an idle processor.
    #[derive(Debug)]
    pub(in super::super) struct Alarm {
        timer: AsyncFd<OwnedFd>,
    }

    impl Alarm {
        /// How much earlier than needed to let it ring at least, so that an idle processor is awake in time.
        pub(in super::super) const EARLY: Span = Span::from_micros(80);
        /// How much earlier at most, where processors take longer to wake up.
        pub(in super::super) const EARLY_MAX: Span = Span::from_micros(160);

        /// An alarm that is not set, in the runtime that is entered.
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[allow(
                deprecated,
                reason = "what replaces it is unsafe, for descriptors that change; this one never does"
            )]
            let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
            Ok(Self { timer })
        }

        /// Lets it ring after so long, and not as it was set before.
        pub(in super::super) fn set(&self, after: Span) {
            // A value of zero would switch it off.
            let nanos = after.as_nanos().max(1);
            let value = Timespec {
                tv_sec: i64::try_from(nanos / SECOND).unwrap_or(i64::MAX),
                // The remainder is below a second, which fits whatever the width of the field.
                tv_nsec: (nanos % SECOND) as _,
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            // Fails only for a descriptor that is no timer or a value that is no time.
            let _ = rustix::time::timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once);
        }

        /// Waits until it has rung.
        pub(in super::super) async fn rung(&self) -> io::Result<()> {
            loop {
                let mut ready = self.timer.readable().await?;
                let mut expirations = [0; 8];
                match ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations)?)) {
                    Ok(read) => return read.map(|_| ()),
                    Err(_set_anew_meanwhile) => {}
                }
            }
        }
    }
}

/// Compiled for tests everywhere, so that it does not rot on the system that has no use for it.
#[cfg(any(test, not(target_os = "linux")))]
mod coarse {
    use std::cell::Cell;
    use std::io;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::Instant;

    use crate::time::Span;

    /// The runtime's timer, with steps of a millisecond.
    #[derive(Debug)]
    pub(in super::super) struct Alarm {
        at: Cell<Option<Instant>>,
        changed: Notify,
    }

    #[cfg_attr(target_os = "linux", allow(dead_code, reason = "only its test uses it here"))]
    impl Alarm {
        /// How much earlier than needed to let it ring: two of its steps.
        pub(in super::super) const EARLY: Span = Span::from_millis(2);
        /// No more at most: two steps make up for a late one.
        pub(in super::super) const EARLY_MAX: Span = Self::EARLY;

        /// An alarm that is not set.
        #[allow(clippy::unnecessary_wraps, reason = "the other alarm can fail")]
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self { at: Cell::new(None), changed: Notify::new() })
        }

        /// Lets it ring after so long, and not as it was set before.
        pub(in super::super) fn set(&self, after: Span) {
            self.at.set(Instant::now().checked_add(Duration::from(after)));
            self.changed.notify_one();
        }

        /// Waits until it has rung.
        pub(in super::super) async fn rung(&self) -> io::Result<()> {
            loop {
                let Some(at) = self.at.get() else {
                    self.changed.notified().await;
                    continue;
                };
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {
                        self.at.set(None);
                        return Ok(());
                    }
                    () = self.changed.notified() => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::time::Span;

    macro_rules! rings_when_set {
        ($name:ident, $alarm:ty) => {
            #[test]
            fn $name() {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let alarm = <$alarm>::new().expect("an alarm");
                    alarm.set(Span::from_secs(3_600));
                    alarm.set(Span::from_millis(20));
                    let before = Instant::now();
                    alarm.rung().await.expect("it rings");
                    assert!(before.elapsed() >= Duration::from_millis(19), "{:?}", before.elapsed());
                    assert!(before.elapsed() < Duration::from_secs(60));
                });
            }
        };
    }

    rings_when_set!(the_alarm_of_this_system_rings_when_it_was_last_set_to, Alarm);
    rings_when_set!(the_coarse_alarm_rings_when_it_was_last_set_to, coarse::Alarm);
}
