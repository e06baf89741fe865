//! What some vendors' webhooks are like, as defaults for the provider of a scenario.
//!
//! Each preset says what its vendor publishes and what is assumed because the vendor does not. Everything that a file
//! writes itself overrides what its preset says.

use crate::policy::dispatcher::{BatchPolicy, DisablePolicy};
use crate::policy::limits::{ApiLimits, QuotaPolicy, RateLimit};
use crate::policy::retry::{RetryJitter, RetryPolicy};
use crate::policy::signature::Scheme;
use crate::time::Span;
use crate::wire::{Payload, Shape};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The defaults of one vendor.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Its name in a scenario file.
    pub name: &'static str,
    /// How webhooks are signed.
    pub scheme: Scheme,
    /// Whose headers and JSON they have.
    pub shape: Shape,
    /// How much of an event they carry.
    pub payload: Payload,
    /// When a failed one is sent again.
    pub retry: RetryPolicy,
    /// How long an attempt waits for its answer.
    pub timeout: Span,
    /// How events share one.
    pub batch: BatchPolicy,
    /// When an endpoint is disabled.
    pub disable: DisablePolicy,
    /// The most events in one answer of the API.
    pub page: u32,
    /// How many requests its API lets in.
    pub limits: ApiLimits,
    /// How long its API keeps an event; none means for ever.
    pub retention: Option<Span>,
    /// The interval between polls that its API asks for, if it does.
    pub poll_interval: Option<Span>,
}

impl Preset {
    /// A provider like many: a signature of Standard Webhooks, five attempts within half a minute, and an endpoint that is
    /// given up only when it says that it is gone. All of it is this program's choice.
    pub fn generic() -> Self {
        Self {
            name: "generic",
            scheme: Scheme::StandardWebhooks,
            shape: Shape::StandardWebhooks,
            payload: Payload::Full,
            retry: generic_retry(),
            timeout: Span::from_secs(10),
            batch: BatchPolicy::SINGLE,
            disable: DisablePolicy::NEVER,
            page: 100,
            limits: ApiLimits::NONE,
            retention: None,
            poll_interval: None,
        }
    }

    /// Stripe.
    ///
    /// Published: the signature; one event a webhook, whole or thin; retries at growing intervals for three days; lists of at
    /// most 100 events, of the last 30 days; 25 requests a second to any one of its API's paths (as of April 2026). Assumed:
    /// that up to a second's worth may come at once, the delays between the retries, a timeout of 20 s (Stripe names none; figures from 10 s to
    /// 30 s are told), and that failures alone never disable an endpoint (Stripe's pages no longer say that they do).
    pub fn stripe() -> Self {
        Self {
            name: "stripe",
            scheme: Scheme::Stripe,
            shape: Shape::Stripe,
            retry: RetryPolicy::stripe(),
            timeout: Span::from_secs(20),
            disable: NEVER_EVEN_IF_GONE,
            limits: ApiLimits { consumer: Some(RateLimit::new(1, Span::from_millis(40))), ..ApiLimits::NONE },
            retention: Some(Span::from_secs(30 * DAY)),
            ..Self::generic()
        }
    }

    /// GitHub.
    ///
    /// Published: the signature; a timeout of 10 s; no retry ever (whoever wants one asks for a redelivery, within three
    /// days); one event a webhook; lists of at most 100 events, of the last 30 days; 5,000 requests an hour for a user, of
    /// which an answer 304 takes nothing; that its events are to be polled every 60 s. No rule that disables a failing endpoint is published, so
    /// none is assumed.
    pub fn github() -> Self {
        Self {
            name: "github",
            scheme: Scheme::GitHub,
            shape: Shape::GitHub,
            retry: RetryPolicy::never(),
            timeout: Span::from_secs(10),
            disable: NEVER_EVEN_IF_GONE,
            limits: ApiLimits { quota: Some(GITHUB_QUOTA), ..ApiLimits::NONE },
            retention: Some(Span::from_secs(30 * DAY)),
            poll_interval: Some(Span::from_secs(MINUTE)),
            ..Self::generic()
        }
    }

    /// SendGrid's event webhook.
    ///
    /// Published: the signature; a list of events, posted after about 30 s or at 768 kB; retries at growing intervals until 24
    /// hours after the event; lists of at most 1,000 messages in its API, of the last 30 days. Assumed: the delays between the retries, a timeout
    /// of 10 s, that 768 kB are KiB and count the payloads, that at most 1,000 events share a webhook, and that failures
    /// never disable an endpoint. One server sends each consumer's events here; SendGrid's own batches are per server.
    pub fn sendgrid() -> Self {
        Self {
            name: "sendgrid",
            scheme: Scheme::SendGrid,
            shape: Shape::SendGrid,
            retry: RetryPolicy::sendgrid(),
            timeout: Span::from_secs(10),
            batch: BatchPolicy { max: 1_000, wait: Span::from_secs(30), bytes: Some(768 << 10) },
            disable: NEVER_EVEN_IF_GONE,
            page: 1_000,
            retention: Some(Span::from_secs(30 * DAY)),
            ..Self::generic()
        }
    }

    /// A provider that keeps to the Standard Webhooks specification 1.0.0.
    ///
    /// Published: the signature and the outline of the JSON; the example schedule of ten attempts; a timeout between 15 s and
    /// 30 s; that 410 disables an endpoint, and long failure too. Assumed: 20 s of timeout, and that five days of nothing but
    /// failures are long.
    pub fn standard_webhooks() -> Self {
        Self {
            name: "standard-webhooks",
            retry: RetryPolicy::standard_webhooks(),
            timeout: Span::from_secs(20),
            disable: DisablePolicy { after: Some(Span::from_secs(5 * DAY)), on_gone: true, ..DisablePolicy::NEVER },
            ..Self::generic()
        }
    }
}

const GITHUB_QUOTA: QuotaPolicy =
    QuotaPolicy { requests: 5_000, window: Span::from_secs(HOUR), counts_not_modified: false };

const NEVER_EVEN_IF_GONE: DisablePolicy = DisablePolicy { on_gone: false, ..DisablePolicy::NEVER };

/// Every preset, the one that holds without being named first.
pub fn all() -> [Preset; 5] {
    [Preset::generic(), Preset::stripe(), Preset::github(), Preset::sendgrid(), Preset::standard_webhooks()]
}

/// The retry schedule that is called generic: five attempts, one second and then twice as long each time.
pub(super) fn generic_retry() -> RetryPolicy {
    RetryPolicy::exponential(Span::from_secs(1), 2.0, 5, RetryJitter::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(policy: &RetryPolicy) -> Span {
        policy.delays.iter().fold(Span::ZERO, |sum, delay| sum + *delay)
    }

    #[test]
    fn schedules_end_within_what_their_vendors_publish() {
        assert_eq!(
            (RetryPolicy::stripe().delays.len(), total(&RetryPolicy::stripe())),
            (9, Span::from_secs(65 * HOUR + 35 * MINUTE))
        );
        assert_eq!(
            (RetryPolicy::sendgrid().delays.len(), total(&RetryPolicy::sendgrid())),
            (12, Span::from_secs(20 * HOUR + 15 * MINUTE))
        );
        for preset in all() {
            assert!(preset.retry.within.is_none_or(|within| total(&preset.retry) <= within), "{}", preset.name);
        }
    }

    #[test]
    fn a_preset_leaves_nothing_that_a_file_could_not_take_back() {
        for preset in all() {
            // These have no value in a file that means none.
            assert_eq!((preset.disable.failures, preset.disable.enable_after), (None, None), "{}", preset.name);
        }
    }
}
