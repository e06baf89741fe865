//! Two subjects timed in turns, so that what else the machine does falls on both.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// How long something took, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) wall: f64,
    /// CPU time of all threads of this process.
    pub(crate) cpu: f64,
}

/// Times something once.
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (Took, T) {
    let cpu = || {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    };
    #[allow(clippy::disallowed_methods, reason = "a bench measures the time that passes")]
    let (wall_before, cpu_before) = (Instant::now(), cpu());
    let result = what();
    let took = Took { wall: wall_before.elapsed().as_secs_f64(), cpu: cpu() - cpu_before };
    (took, result)
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Transitions per second of CPU and of wall time, of a subject and of what it is held against.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    subject: Vec<[f64; 2]>,
    mark: Vec<[f64; 2]>,
}

impl Rounds {
    /// Runs both in turns; each gives back how many transitions it made.
    pub(crate) fn run(pairs: usize, mut mark: impl FnMut() -> u64, mut subject: impl FnMut() -> u64) -> Self {
        let rate = |(took, count): (Took, u64)| [took.cpu, took.wall].map(|seconds| count as f64 / seconds);
        let mut rounds = Self::default();
        for _ in 0..pairs {
            rounds.mark.push(rate(timed(&mut mark)));
            rounds.subject.push(rate(timed(&mut subject)));
        }
        rounds
    }

    /// The median rate of the subject per second of CPU time, in millions.
    pub(crate) fn rate(&self) -> f64 {
        median(self.subject.iter().map(|round| round[0]).collect()) / 1e6
    }

    /// The median rate of the mark, in millions.
    pub(crate) fn mark(&self) -> f64 {
        median(self.mark.iter().map(|round| round[0]).collect()) / 1e6
    }

    /// The median ratio of the subject to the mark within a pair: by CPU time, and by wall time.
    pub(crate) fn ratios(&self) -> [f64; 2] {
        [0, 1].map(|by| median(self.subject.iter().zip(&self.mark).map(|(a, b)| a[by] / b[by]).collect()))
    }
}
