//! What polls are answered that find nothing.

use crate::peer::{Exchange, Request, Response};
use crate::policy::provider::{ApiLimits, Provider, brings_nothing};
use crate::time::Time;

impl Provider {
    /// Whether a poll from this cursor would bring something.
    #[inline]
    pub fn has_news(&self, consumer: u32, after: u32) -> bool {
        !self.answers.is_up_to_date(consumer, after)
    }

    /// What a poll that is served at this instant is answered, and every one like it until something happens. None where it
    /// would bring something, or where serving it leaves a trace other than that the feed knows how far its reader is.
    pub fn answer_in_vain(&mut self, at: Time, exchange: Exchange, request: &Request) -> Option<Response> {
        let Request::Poll { after, hold, tag, .. } = request else { return None };
        let is_idle = self.workers.deadline().is_none() && self.workers.waiting() == 0;
        let is_open = self.api.limits == ApiLimits::NONE && self.api.capacity.workers.is_none();
        if !is_idle || !is_open || !hold.is_zero() || !self.answers.is_up_to_date(exchange.consumer, *after) {
            return None;
        }
        let mut out = Vec::new();
        let mut response = self.answers.to(at, exchange, request, &mut out);
        debug_assert!(out.is_empty() && brings_nothing(&response), "there was nothing to tell");
        self.gate.answered(at, at, exchange, &mut response);
        // Whoever names the state that he knows is told no more than that it still holds, or asks something else next time.
        let is_repeated = matches!(response, Response::NotModified { .. }) == tag.is_some();
        (brings_nothing(&response) && is_repeated).then_some(response)
    }
}
