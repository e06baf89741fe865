//! System B's API as clients made for a vendor's API meet it: the same events, in the vendor's shape.
//!
//! Each vendor's file is a pure function from a request and what may be seen to an answer, so that whoever has a socket
//! can serve it. The events are those of the consumer whose key the request has.

mod github;
mod query;
mod stripe;

use super::{Epoch, Headers, Message};
use crate::peer::Event;
use crate::policy::fixed_window::FixedWindow;
use crate::policy::inbox::Inbox;
use crate::time::{Span, Time};

/// Whose API a request is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// `/v1/…`
    Stripe,
    /// `/repos/…`
    GitHub,
}

impl Vendor {
    /// The vendor whose API has such paths, if any has.
    pub fn of(path: &str) -> Option<Self> {
        let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        if below("/v1") {
            Some(Self::Stripe)
        } else if below("/repos") {
            Some(Self::GitHub)
        } else {
            None
        }
    }

    /// How many requests one key may make in which time; none where nothing is counted.
    ///
    /// GitHub's is its primary limit for a user ("Rate limits for the REST API").
    pub const fn quota(self) -> Option<FixedWindow> {
        match self {
            Self::Stripe => None,
            Self::GitHub => Some(FixedWindow::new(5_000, Span::from_secs(3_600))),
        }
    }
}

/// A request, as far as an answer depends on it.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Its method, in capitals.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// What stands behind the question mark, if there is one.
    pub query: Option<&'a str>,
    /// Its headers.
    pub headers: &'a dyn Headers,
}

/// What the holder of a key may see.
#[derive(Debug)]
pub struct View<'a> {
    /// What has occurred to the key's consumer, oldest first and without a gap. The first need not have serial 1: what is
    /// older than it is as unknown as what has never been.
    pub events: &'a [Event],
    /// What is left of the key's quota, if the vendor has one.
    pub quota: Option<&'a mut FixedWindow>,
    /// When the run started.
    pub epoch: Epoch,
    /// The present instant.
    pub now: Time,
}

/// An answer, and what it was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response.
    pub message: Message,
    /// What it brought.
    pub brought: Brought,
}

/// What an answer brought to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// The events with these serials; none if the answer is an empty list.
    Events(Vec<u32>),
    /// Word that nothing has changed (304).
    NotModified,
    /// Nothing: the request was turned down.
    Refusal,
}

/// What a poll was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It brought an event that no answer before it had brought.
    Useful,
    /// It brought nothing new.
    Empty,
    /// It was answered with 304.
    NotModified,
    /// It was turned down.
    Refused,
}

impl Answer {
    fn refusal(message: Message) -> Self {
        Self { message, brought: Brought::Refusal }
    }

    /// What this answer was worth, as [`Brought::worth`] has it.
    pub fn worth(&self, told: &mut Inbox) -> Worth {
        self.brought.worth(told)
    }
}

impl Brought {
    /// What this was worth to a key that has been told of these events; what is new is added to them.
    pub fn worth(&self, told: &mut Inbox) -> Worth {
        match self {
            // Every one is taken, not only up to the first that is new.
            Self::Events(serials) => match serials.iter().filter(|serial| told.take(**serial)).count() {
                0 => Worth::Empty,
                _ => Worth::Useful,
            },
            Self::NotModified => Worth::NotModified,
            Self::Refusal => Worth::Refused,
        }
    }
}

/// Answers a request to a vendor's API; `view` is none where its key is not valid.
pub fn answer(vendor: Vendor, ask: Ask<'_>, view: Option<View<'_>>) -> Answer {
    match vendor {
        Vendor::Stripe => stripe::answer(ask, view),
        Vendor::GitHub => github::answer(ask, view),
    }
}

#[cfg(test)]
mod tests;
