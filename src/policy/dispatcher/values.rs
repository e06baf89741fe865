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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPolicy {
    /// The most events in one delivery; above zero.
    pub max: u32,
    /// How long the first event of a delivery waits for others.
    pub wait: Span,
    /// The payload bytes with which a delivery is full, if that is limited.
    pub bytes: Option<u32>,
}

impl BatchPolicy {
    /// Every event by itself.
    pub const SINGLE: Self = Self { max: 1, wait: Span::ZERO, bytes: None };
}

/// When an endpoint is disabled, and what becomes of its events then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisablePolicy {
    /// Once every attempt has failed for so long.
    pub after: Option<Span>,
    /// Once so many attempts in a row have failed.
    pub failures: Option<u32>,
    /// As soon as it answers 410 (Gone).
    pub on_gone: bool,
    /// Somebody enables it again this long after it was disabled; none means never.
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
    /// They are given up.
    Lose,
    /// They wait until it is enabled again.
    Keep,
}

/// A circuit breaker: leaves an endpoint that fails too often alone for a while, then tries it with a single attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// How far back attempts are looked at.
    pub window: Span,
    /// The share of failed attempts from which on it opens; above 0, at most 1.
    pub failure_share: f64,
    /// How many attempts there must have been at least; above zero.
    pub minimum: u32,
    /// How long it stays open before the single attempt.
    pub cool_down: Span,
}

/// An operator's script that has failed deliveries sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeliverPolicy {
    /// How often it runs, counted from the start of the run; above zero.
    pub every: Span,
    /// How old an event may be.
    pub within: Span,
}
