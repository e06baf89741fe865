//! What a scenario says of how webhooks are dispatched.

use crate::distribution::Distribution;
use crate::policy::retry::RetryPolicy;
use crate::time::Span;

/// How the provider delivers webhooks to one client.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchPolicy {
    /// Attempts under way at the same time, over all consumers of the client; none means no limit.
    pub concurrency: Option<u32>,
    /// From the event to its first attempt.
    pub delay: Distribution,
    /// How long an attempt waits for its answer.
    pub timeout: Span,
    /// When to try again.
    pub retry: RetryPolicy,
    /// Whether a delivery waits for the ones before it.
    pub order: Order,
    /// How events share a delivery.
    pub batch: BatchPolicy,
    /// The least time between two attempts to the same endpoint; zero for none. An attempt that is too early waits.
    pub spacing: Span,
    /// When an endpoint is given up, and what becomes of its events.
    pub disable: DisablePolicy,
    /// When a failing endpoint is left alone for a while.
    pub breaker: Option<BreakerPolicy>,
    /// How what was given up is delivered again.
    pub redeliver: Option<RedeliverPolicy>,
}

impl DispatchPolicy {
    /// One event a delivery, in no order, to an endpoint that is never given up.
    pub const fn new(timeout: Span, retry: RetryPolicy) -> Self {
        Self {
            concurrency: None,
            delay: Distribution::ZERO,
            timeout,
            retry,
            order: Order::None,
            batch: BatchPolicy::SINGLE,
            spacing: Span::ZERO,
            disable: DisablePolicy::NEVER,
            breaker: None,
            redeliver: None,
        }
    }
}

/// Whether a delivery waits for the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each goes by itself.
    None,
    /// To each endpoint one at a time, in the order of the events: while one waits for its retry, so do all behind it.
    Fifo,
}

/// How events of one consumer share a delivery.
///
/// An event joins the open delivery of its consumer once its dispatch delay is over. The delivery is due as soon as it is
/// full, or its first event has waited long enough; from then on its events stay the same for all attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPolicy {
    /// The most events in one delivery; above zero.
    pub max: u32,
    /// How long the first event of a delivery waits for others.
    pub wait: Span,
    /// The payload bytes with which a delivery is full, if that is limited. An event that would exceed them starts the
    /// next delivery; one that is larger goes alone.
    pub bytes: Option<u32>,
}

impl BatchPolicy {
    /// Every event by itself.
    pub const SINGLE: Self = Self { max: 1, wait: Span::ZERO, bytes: None };
}

/// When an endpoint is disabled, and what becomes of its events then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisablePolicy {
    /// Once every attempt has failed for so long: from the first failure since the last success to another failure.
    pub after: Option<Span>,
    /// Once so many attempts in a row have failed.
    pub failures: Option<u32>,
    /// As soon as it answers 410 (Gone).
    pub on_gone: bool,
    /// Somebody enables it again this long after it was disabled; none means never. Failures are counted anew then.
    pub enable_after: Option<Span>,
    /// What becomes of the events that wait for it, and of those that occur while it is disabled.
    pub meanwhile: WhileDisabled,
}

impl DisablePolicy {
    /// It is never given up, unless it answers 410.
    pub const NEVER: Self =
        Self { after: None, failures: None, on_gone: true, enable_after: None, meanwhile: WhileDisabled::Lose };
}

/// What becomes of the events of a disabled endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileDisabled {
    /// They are given up at once.
    Lose,
    /// They wait until it is enabled again, and are due at once then, whatever their retry schedules say. A delivery whose
    /// schedule is over is given up all the same.
    Keep,
}

/// A circuit breaker: leaves an endpoint that fails too often alone for a while, then tries it with a single attempt,
/// which closes the breaker or opens it again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// How far back attempts are looked at, by when they ended; exact to a 64th of itself. Above zero.
    pub window: Span,
    /// The share of failed attempts from which on it opens; above 0, at most 1.
    pub failure_share: f64,
    /// How many attempts there must have been at least; above zero.
    pub minimum: u32,
    /// How long it stays open before the single attempt.
    pub cool_down: Span,
}

/// An operator's script that has failed deliveries sent again, as GitHub recommends to those who miss webhooks.
///
/// At each run it has every delivery attempted once more whose retry schedule is over, however often that has failed
/// before. What was given up because its endpoint was disabled it does not bring, and to an endpoint that is disabled it
/// brings nothing. An event counts as given up from the first run on for which it is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeliverPolicy {
    /// How often it runs, counted from the start of the run; above zero.
    pub every: Span,
    /// How old the oldest event of a delivery may be; one of just this age is too old.
    pub within: Span,
}
