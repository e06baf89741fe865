//! The names that stand in scenario files for what the code has types for.

use crate::fault::Connections;
use crate::policy::dispatcher::{Order, WhileDisabled};
use crate::policy::receiver::Acknowledge;
use crate::policy::retry::RetryPolicy;
use crate::policy::signature::Scheme;
use crate::scenario::presets;
use crate::wire::{Payload, Shape};

/// Values with their names.
type Names<T> = &'static [(&'static str, T)];

/// How webhooks are signed.
pub const SCHEMES: Names<Scheme> = &[
    ("none", Scheme::None),
    ("standard-webhooks", Scheme::StandardWebhooks),
    ("standard-webhooks-ed25519", Scheme::StandardWebhooksEd25519),
    ("stripe", Scheme::Stripe),
    ("github", Scheme::GitHub),
    ("sendgrid", Scheme::SendGrid),
];

/// Whose headers and JSON webhooks have.
pub const SHAPES: Names<Shape> = &[
    ("standard-webhooks", Shape::StandardWebhooks),
    ("stripe", Shape::Stripe),
    ("github", Shape::GitHub),
    ("sendgrid", Shape::SendGrid),
];

/// How much of an event a webhook carries.
pub const PAYLOADS: Names<Payload> = &[("full", Payload::Full), ("thin", Payload::Thin)];

/// Whether a webhook waits for the ones before it.
pub const ORDERS: Names<Order> = &[("none", Order::None), ("fifo", Order::Fifo)];

/// What becomes of the events of a disabled endpoint.
pub const WHILE_DISABLED: Names<WhileDisabled> = &[("lose", WhileDisabled::Lose), ("keep", WhileDisabled::Keep)];

/// When a webhook is acknowledged.
pub const ACKNOWLEDGE: Names<Acknowledge> = &[("after", Acknowledge::After), ("before", Acknowledge::Before)];

/// What becomes of the connections to a side that goes down.
pub const CONNECTIONS: Names<Connections> = &[("reset", Connections::Reset), ("drop", Connections::Drop)];

/// Retry schedules; the first name of a schedule is the one that it is written with.
pub const RETRIES: Names<fn() -> RetryPolicy> = &[
    ("none", RetryPolicy::never),
    ("generic", presets::generic_retry),
    ("standard-webhooks", RetryPolicy::standard_webhooks),
    ("stripe", RetryPolicy::stripe),
    // GitHub never sends a webhook again.
    ("github", RetryPolicy::never),
    ("sendgrid", RetryPolicy::sendgrid),
];

/// The value of a name; none for a name that is not in the list.
pub(super) fn value<T: Copy>(names: Names<T>, name: &str) -> Option<T> {
    names.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

/// The name of a value.
pub fn name<T: PartialEq>(names: Names<T>, value: &T) -> &'static str {
    names.iter().find(|(_, other)| other == value).map_or("", |(name, _)| name)
}

/// The name of a retry schedule, if it has one.
pub fn retry_name(policy: &RetryPolicy) -> Option<&'static str> {
    RETRIES.iter().find(|(_, named)| named() == *policy).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::{Kind, find};

    #[test]
    fn every_name_that_a_key_takes_stands_for_something() {
        fn names<T>(list: Names<T>) -> Vec<&'static str> {
            list.iter().map(|(name, _)| *name).collect()
        }
        let retries: Vec<_> = RETRIES.iter().map(|(name, _)| *name).collect();
        for (path, expected) in [
            ("client.push.signature", names(SCHEMES)),
            ("client.push.shape", names(SHAPES)),
            ("client.push.payload", names(PAYLOADS)),
            ("client.push.order", names(ORDERS)),
            ("client.push.disable.events", names(WHILE_DISABLED)),
            ("client.receiver.ack", names(ACKNOWLEDGE)),
            ("fault.connections", names(CONNECTIONS)),
            ("client.push.retry", retries),
            ("provider.preset", presets::all().map(|preset| preset.name).to_vec()),
        ] {
            let (Kind::Choice(taken, _) | Kind::ChoiceOrTable(taken, _)) = find(path).unwrap().kind else {
                panic!("{path} takes no names")
            };
            assert_eq!(taken, expected, "{path}");
        }
    }
}
