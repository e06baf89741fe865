//! `warmup = "auto"`: a pilot run in virtual time finds how long it takes until a scenario is as it will always be.

use crate::engine::{Control, Setup, sim};
use crate::fault::Faults;
use crate::measure::summary::Summary;
use crate::measure::tally::Frame;
use crate::measure::warmup::{Cut, mser5};
use crate::scenario::Scenario;
use crate::seed::{Seed, replicated};
use crate::time::{Span, Time};

use super::{BrokenIdentity, summarise};

/// In so many buckets at most, and in more than a third of that, the pilot looks at a run.
const BUCKETS: u64 = 600;

/// Consumers that share nothing are all alike: so many of them say enough.
const CONSUMERS_MAX: u32 = 1_000;

/// The replication whose seed the pilot takes. None is played under this number, so that what is left out does not hang on
/// the very events that are then counted.
const REPLICATION: u32 = u32::MAX;

/// What was looked at in a pilot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// The mean latency of the events of a bucket of time.
    Latency,
    /// The requests that started in a bucket of time.
    Requests,
}

impl Series {
    /// What it is, in the middle of a sentence.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Latency => "the mean latency",
            Self::Requests => "the number of requests",
        }
    }
}

/// The warm-up that a pilot run calls for.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmUp {
    /// How long it is; the same for all clients.
    pub span: Span,
    /// The client that takes longest, and by what; none if nobody needs a warm-up.
    pub longest: Option<(String, Series)>,
    /// Whether everything was steady after it. Otherwise the run is too short to tell, or never becomes steady, and the
    /// warm-up is half of it.
    pub steady: bool,
}

/// A scenario whose warm-up is known.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The scenario.
    pub scenario: Scenario,
    /// What the pilot run found, where the scenario asked for one.
    pub found: Option<WarmUp>,
}

/// Finds the warm-up of a scenario if it asks for that; none if the pilot run was stopped.
///
/// # Errors
///
/// As [`warm_up`].
pub fn settle(scenario: Scenario, control: &Control) -> Result<Option<Settled>, BrokenIdentity> {
    if !scenario.seeks_warmup {
        return Ok(Some(Settled { scenario, found: None }));
    }
    let found = warm_up(&scenario, control)?;
    Ok(found.map(|found| Settled::with(&scenario, found)))
}

impl Settled {
    /// A scenario with the warm-up that was found for it.
    pub fn with(scenario: &Scenario, found: WarmUp) -> Self {
        Self { scenario: scenario.with_warmup(found.span), found: Some(found) }
    }
}

/// Finds the warm-up of a scenario by a pilot run: the longest that any of its clients takes, so that all are counted over the
/// same events. It depends on the scenario and its seed alone. What there is so far of a run that `control` stops is not looked
/// at: then the warm-up is none.
///
/// A client is steady when two series are, by [`mser5`]: the mean latency of the events of a stretch of time, and the requests
/// in it. Those are the figures that a comparison is about. How much work is waiting follows the latency (Little's law) and
/// would say the same twice. Faults are left out of the pilot: what they do is what is to be measured.
///
/// # Errors
///
/// If an identity of the counts does not hold, which is a bug of this program.
pub fn warm_up(scenario: &Scenario, control: &Control) -> Result<Option<WarmUp>, BrokenIdentity> {
    let mut found = WarmUp { span: Span::ZERO, longest: None, steady: true };
    let setup = setup(scenario);
    for client in &setup.clients {
        // One client at a time: so fine a look takes much memory.
        let alone = Setup { clients: vec![client.clone()], ..setup.clone() };
        let runs = sim::run(&alone, control);
        if control.is_stopped() {
            return Ok(None);
        }
        for summary in summarise(&alone, runs)? {
            for series in [Series::Latency, Series::Requests] {
                let cut = mser5(&observations(&summary, series));
                found.take(&summary, series, cut);
            }
        }
    }
    Ok(Some(found))
}

/// How much a pilot run amounts to, in nanoseconds over all its parts.
pub fn amount(scenario: &Scenario) -> u64 {
    let setup = setup(scenario);
    let parts = (setup.clients.len() as u64).saturating_mul(setup.consumers.into());
    parts.saturating_mul(setup.frame.duration.as_nanos())
}

impl WarmUp {
    fn take(&mut self, summary: &Summary, series: Series, cut: Cut) {
        let frame = summary.terms.frame;
        let span = frame.bucket().times(cut.count as u64);
        self.steady &= cut.steady;
        if span > self.span {
            self.span = span;
            self.longest = Some((summary.terms.client.clone(), series));
        }
    }
}

/// The setup of the pilot run of a scenario.
pub fn setup(scenario: &Scenario) -> Setup {
    let seed = Seed::new(replicated(scenario.seed, REPLICATION));
    let mut setup = scenario.setup.clone();
    setup.reseed(seed);
    setup.frame = Frame::new(Time::ZERO, setup.frame.duration, setup.frame.end).with_buckets(BUCKETS);
    setup.clients.iter_mut().for_each(|client| client.faults = Faults::default());
    if !setup.clients.iter().any(|client| setup.is_coupled(client)) {
        setup.consumers = setup.consumers.min(CONSUMERS_MAX);
    }
    setup
}

/// What was observed in each bucket of the pilot run, where there was anything to observe.
fn observations(summary: &Summary, series: Series) -> Vec<Option<f64>> {
    // A last bucket that is cut off would look as if something had changed.
    let frame = summary.terms.frame;
    let count = (frame.measured().as_nanos() / frame.bucket().as_nanos()) as usize;
    let buckets = summary.timeline().take(count).map(|(bucket, ..)| bucket);
    match series {
        Series::Latency => buckets.map(|bucket| bucket.latencies.as_deref()?.mean_ms()).collect(),
        Series::Requests => buckets.map(|bucket| Some(bucket.outcomes.total() as f64)).collect(),
    }
}
