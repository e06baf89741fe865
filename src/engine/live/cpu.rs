//! The processor time of one thread over the stretch of a run that is counted.

use std::cell::Cell;
use std::rc::Rc;

use rustix::time::{ClockId, clock_gettime};

use super::pacer::Pacer;
use crate::measure::tally::Frame;

/// Reads the thread's processor clock when counting starts and when it ends.
///
/// What the pacer spends on watching the clock is no work of the role that the thread plays, and is taken off.
pub(super) struct CpuMeter {
    pacer: Rc<Pacer>,
    start: Cell<Option<f64>>,
    end: Cell<Option<f64>>,
}

impl CpuMeter {
    pub(super) fn new(pacer: Rc<Pacer>) -> Rc<Self> {
        Rc::new(Self { pacer, start: Cell::new(None), end: Cell::new(None) })
    }

    /// Waits for both ends of the stretch that is counted. Must run on the thread that is measured.
    pub(super) async fn watch(self: Rc<Self>, frame: Frame) {
        self.pacer.wait(frame.warmup).await;
        self.start.set(Some(self.read()));
        self.pacer.wait(frame.duration).await;
        self.end.set(Some(self.read()));
    }

    /// Seconds spent in the stretch so far; zero before it has begun.
    pub(super) fn seconds(&self) -> f64 {
        let Some(start) = self.start.get() else { return 0.0 };
        (self.end.get().unwrap_or_else(|| self.read()) - start).max(0.0)
    }

    fn read(&self) -> f64 {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9 - self.pacer.idle().as_secs_f64()
    }
}
