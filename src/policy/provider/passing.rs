//! Exchanges whose whole course is known before anything else happens.

use crate::distribution::Distribution;
use crate::peer::{Advice, Event, Exchange, Tag};
use crate::policy::answers::page_of;
use crate::policy::dispatcher::Dispatcher;
use crate::policy::feed::Feed;
use crate::policy::provider::{ApiLimits, Provider};
use crate::time::{Span, Time};

/// The feed of a consumer whose polls go straight through.
pub struct Reading<'p> {
    feed: &'p mut Feed,
    page: u32,
    /// What each answer says of when to ask again.
    pub advice: Advice,
    /// Whether there are only so many workers, so that their time is counted.
    pub is_limited: bool,
}

impl Reading<'_> {
    /// The most events that the answer to a poll with this limit holds.
    #[inline]
    pub fn page_of(&self, limit: u32) -> u32 {
        page_of(limit, self.page)
    }

    /// These events have occurred to the consumer, who knew of all before; a poll has then brought them, and will not ask for
    /// them again: as telling the provider step by step would leave things. Gives back the state that the answer tells.
    #[inline]
    pub fn polled(&mut self, events: &[Event]) -> Tag {
        self.feed.brought(events);
        self.feed.tag()
    }
}

impl Provider {
    /// In how long a worker has answered a poll, if it does nothing but answer polls, lets every one in and always takes as long.
    pub fn only_answers(&self) -> Option<Span> {
        let is_open = self.api.limits == ApiLimits::NONE && self.workers.takes_at_once();
        let is_all = is_open && self.dispatcher.is_none() && self.answers.only_forget_what_is_known();
        match self.api.service_time {
            Distribution::Constant(service) if is_all => Some(service),
            _ => None,
        }
    }

    /// Whether it does nothing but send webhooks.
    pub fn only_dispatches(&self) -> bool {
        self.dispatcher.is_some() && self.answers.is_empty()
    }

    /// What a poll of a consumer's feed meets, of one who only answers; none without a feed.
    #[inline]
    pub fn reading(&mut self, consumer: u32) -> Option<Reading<'_>> {
        let (page, advice) = (self.api.page, Advice { poll_interval: self.api.poll_interval, quota: None });
        let is_limited = self.api.capacity.workers.is_some();
        self.answers.feed(consumer).map(|feed| Reading { feed, page, advice, is_limited })
    }

    /// The exchange with which the first attempt of an event leaves that occurs now, and how long it waits for its answer; none
    /// if it does not leave at once. Nothing has changed until [`Self::accepted_in_passing`] is called.
    #[inline]
    pub fn first_attempt(&self, now: Time, event: &Event) -> Option<(Exchange, Span)> {
        self.dispatcher.as_ref()?.first_attempt(now, event)
    }

    /// The exchange with which the next first attempt to a consumer leaves, as soon as its event occurs, and those that follow
    /// with the next numbers, and how long each waits for its answer; none if they do not all leave at once.
    pub fn first_attempts(&self, consumer: u32) -> Option<(Exchange, Span)> {
        self.dispatcher.as_ref()?.first_attempts(consumer)
    }

    /// An event has occurred, and its first attempt has left as foreseen; it will be accepted.
    #[inline]
    pub fn left_in_passing(&mut self, exchange: Exchange) {
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.left_in_passing(exchange);
        }
    }

    /// The sender of an attempt that had left in passing knows that it was accepted. True if there is something to do now, so
    /// that it has to be woken.
    #[inline]
    pub fn accepted(&mut self) -> bool {
        self.dispatcher.as_mut().is_some_and(Dispatcher::accepted)
    }

    /// So many events have occurred to a consumer, and the first attempt of each has left as foreseen and has been accepted.
    #[inline]
    pub fn accepted_in_passing(&mut self, consumer: u32, count: u32) {
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.accepted_in_passing(consumer, count);
        }
    }
}
