//! As GitHub sends: what happened is in headers, and the body has `action`, `repository` and `sender`.
//!
//! It is GitHub's `repository_dispatch`, the event whose `client_payload` is anybody's own. Each consumer is a repository.
//! After GitHub's documentation ("Webhook events and payloads"). GitHub knows neither thin webhooks nor batches: a thin
//! one leaves `data` out, and a batch is a list of what would have been single webhooks.

use std::fmt::Write as _;

use serde::Deserialize;

use super::super::Header;
use super::super::event::{EventBody, variable as variable_of_event, write_event};
use super::super::size::digits;
use super::{EVENT_TYPE, Epoch, Payload};
use crate::peer::Event;

/// GitHub's names the version of its sender behind the slash.
pub(super) const USER_AGENT: &str = "GitHub-Hookshot/0000000";

/// The headers that GitHub adds, for the webhook that is named after an event.
pub(super) fn headers(consumer: u32, serial: u32) -> [Header; 3] {
    [
        ("x-github-event", "repository_dispatch".into()),
        ("x-github-delivery", guid(consumer, serial).into()),
        ("x-github-hook-id", hook_id(consumer).to_string().into()),
    ]
}

/// The number of the hook that a consumer's webhooks come from; counted from 1, as GitHub's numbers are.
pub(in super::super) const fn hook_id(consumer: u32) -> u64 {
    consumer as u64 + 1
}

/// The number that GitHub gives a webhook, the same when it is sent again: a UUID, here one that its parts can be read
/// from.
fn guid(consumer: u32, serial: u32) -> String {
    format!("{consumer:08x}-0000-8000-8000-{serial:012x}")
}

#[derive(Debug, Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    client_payload: EventBody<'a>,
}

impl Body<'_> {
    pub(super) fn event(&self, epoch: Epoch, payload: Payload) -> Option<Event> {
        self.client_payload.event(epoch, payload)
    }
}

pub(super) fn write(out: &mut String, epoch: Epoch, event: &Event, payload: Payload) {
    let consumer = event.consumer;
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"action":"{EVENT_TYPE}","branch":"main","client_payload":"#);
    write_event(out, epoch, event, payload);
    let _ = write!(
        out,
        r#","repository":{{"id":1,"name":"consumer-{consumer}","full_name":"pushpull/consumer-{consumer}","private":true}}"#
    );
    out.push_str(r#","sender":{"login":"pushpull","id":1,"type":"Organization"}}"#);
}

pub(super) fn variable(event: &Event, payload: Payload) -> u64 {
    variable_of_event(event, payload) + 2 * digits(event.consumer)
}
