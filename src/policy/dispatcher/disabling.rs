//! How one endpoint stands with the provider: whether it has failed for so long that it is disabled.

use crate::policy::dispatcher::DisablePolicy;
use crate::time::{Span, Time};

/// The failures of an endpoint since its last success, and whether it is disabled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    failing_since: Option<Time>,
    failures: u32,
    /// Until when it is disabled, if it is.
    disabled_until: Option<Time>,
}

impl Standing {
    /// Until when the endpoint is disabled, if it is; [`Time::NEVER`] where nobody will enable it.
    pub(super) const fn disabled_until(&self) -> Option<Time> {
        self.disabled_until
    }

    /// Whether the endpoint is disabled.
    pub(super) const fn is_disabled(&self) -> bool {
        self.disabled_until.is_some()
    }

    /// Enables the endpoint if its time has come; all is forgotten then. True if that is so.
    pub(super) fn enable_by(&mut self, now: Time) -> bool {
        let is_time = self.disabled_until.is_some_and(|until| until <= now);
        if is_time {
            *self = Self::default();
        }
        is_time
    }

    /// An attempt has succeeded. A disabled endpoint stays so.
    pub(super) const fn succeeded(&mut self) {
        self.failing_since = None;
        self.failures = 0;
    }

    /// An attempt has failed; `gone` if it was answered 410. True if that has disabled the endpoint.
    pub(super) fn failed(&mut self, now: Time, policy: DisablePolicy, gone: bool) -> bool {
        if self.is_disabled() {
            return false;
        }
        let since = *self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let disables = gone && policy.on_gone
            || policy.after.is_some_and(|after| now.since(since) >= after)
            || policy.failures.is_some_and(|most| self.failures >= most);
        if disables {
            self.disabled_until = Some(now + policy.enable_after.unwrap_or(Span::MAX));
        }
        disables
    }
}
