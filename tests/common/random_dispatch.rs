//! Random policies of a dispatcher, with everything that it can do.

use proptest::prelude::*;
use pushpull::distribution::Distribution;
use pushpull::policy::dispatcher::{
    BatchPolicy, BreakerPolicy, DisablePolicy, DispatchPolicy, Order, RedeliverPolicy, WhileDisabled,
};
use pushpull::policy::retry::{RetryJitter, RetryPolicy};
use pushpull::time::Span;

use super::secs;

pub(crate) fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Span> {
    range.prop_map(Span::from_millis)
}

pub(crate) fn maybe<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(strategy)
}

pub(crate) fn any_retry() -> impl Strategy<Value = RetryPolicy> {
    let jitter = prop_oneof![Just(RetryJitter::None), Just(RetryJitter::Symmetric(0.5)), Just(RetryJitter::Full)];
    (prop::collection::vec(millis(0..3_000), 0..5), jitter, maybe(millis(0..6_000)), millis(0..2_000))
        .prop_map(|(delays, jitter, within, retry_after_max)| RetryPolicy { delays, jitter, within, retry_after_max })
}

pub(crate) fn any_disable() -> impl Strategy<Value = DisablePolicy> {
    (maybe(millis(0..4_000)), maybe(1u32..6), any::<bool>(), maybe(millis(1..5_000)), any::<bool>()).prop_map(
        |(after, failures, on_gone, enable_after, keep)| DisablePolicy {
            after,
            failures,
            on_gone,
            enable_after,
            meanwhile: if keep { WhileDisabled::Keep } else { WhileDisabled::Lose },
        },
    )
}

pub(crate) fn any_breaker() -> impl Strategy<Value = BreakerPolicy> {
    (millis(1..5_000), 0.01..=1.0f64, 1u32..5, millis(1..3_000)).prop_map(
        |(window, failure_share, minimum, cool_down)| BreakerPolicy { window, failure_share, minimum, cool_down },
    )
}

pub(crate) fn any_policy() -> impl Strategy<Value = DispatchPolicy> {
    let batch = prop_oneof![
        Just(BatchPolicy::SINGLE),
        (1u32..5, millis(0..2_000), maybe(1u32..400)).prop_map(|(max, wait, bytes)| BatchPolicy { max, wait, bytes }),
    ];
    let redeliver = (millis(1..2_000), millis(0..6_000)).prop_map(|(every, within)| RedeliverPolicy { every, within });
    let delay = prop_oneof![
        Just(Distribution::ZERO),
        millis(0..1_000).prop_map(Distribution::Constant),
        millis(1..1_000).prop_map(|max| Distribution::Uniform { min: Span::ZERO, max }),
    ];
    let spacing = prop_oneof![Just(Span::ZERO), millis(1..800)];
    let limits = (maybe(1u32..4), delay, any::<bool>(), batch, spacing);
    (limits, any_retry(), any_disable(), maybe(any_breaker()), maybe(redeliver)).prop_map(
        |((concurrency, delay, fifo, batch, spacing), retry, disable, breaker, redeliver)| DispatchPolicy {
            concurrency,
            delay,
            timeout: secs(10.0),
            retry,
            order: if fifo { Order::Fifo } else { Order::None },
            batch,
            spacing,
            disable,
            breaker,
            redeliver,
        },
    )
}
