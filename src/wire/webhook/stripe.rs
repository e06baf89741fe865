//! As Stripe sends: a whole event is a snapshot (`object` is `event`), a thin one a notification (`v2.core.event`).
//!
//! After Stripe's API reference ("The Event object") and what `stripe-python` 16 needs to read either. The user agent is
//! the one that receivers write down; the version is the one that this package asks the API for.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;

use super::super::event::{Length, Told, data_length, event_id, seconds_length, write_data};
use super::super::size::digits;
use super::{EVENT_TYPE, Epoch, Payload};
use crate::peer::Event;

pub(super) const USER_AGENT: &str = "Stripe/1.0 (+https://stripe.com/docs/webhooks)";
pub(super) const CONTENT_TYPE: &str = "application/json; charset=utf-8";
const API_VERSION: &str = "2026-10-28.endive";

/// A snapshot, as far as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct Whole<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    data: WholeData<'a>,
}

#[derive(Debug, Deserialize)]
struct WholeData<'a> {
    #[serde(borrow)]
    object: Object<'a>,
}

#[derive(Debug, Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    occurred_at: Cow<'a, str>,
    data: Length,
}

impl Whole<'_> {
    pub(super) fn event(&self, epoch: Epoch) -> Option<Event> {
        let object = &self.data.object;
        let told = Told { id: &self.id, occurred_at: &object.occurred_at, record: &object.id };
        told.event(epoch, Payload::Full, Some(object.data))
    }
}

/// Appends a snapshot. `created` is in whole seconds, so the instant stands in the object once more.
pub(in super::super) fn write_whole(out: &mut String, epoch: Epoch, event: &Event) {
    let (id, created) = (event_id(event.consumer, event.serial), epoch.unix_seconds(event.occurred_at));
    let (at, record) = (epoch.rfc3339(event.occurred_at), event.record);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"id":"{id}","object":"event","api_version":"{API_VERSION}","created":{created},"type":"{EVENT_TYPE}","#
    );
    let _ = write!(out, r#""data":{{"object":{{"id":"rec_{record}","object":"record","occurred_at":"{at}""#);
    write_data(out, event, Payload::Full);
    out.push_str(r#"}},"livemode":false,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null}}"#);
}

pub(super) fn variable_of_whole(epoch: Epoch, event: &Event) -> u64 {
    super::super::event::variable(event, Payload::Full) + seconds_length(epoch, event.occurred_at)
}

/// A notification, as far as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct Thin<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    created: Cow<'a, str>,
    #[serde(borrow)]
    related_object: Related<'a>,
}

#[derive(Debug, Deserialize)]
struct Related<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl Thin<'_> {
    pub(super) fn event(&self, epoch: Epoch) -> Option<Event> {
        let told = Told { id: &self.id, occurred_at: &self.created, record: &self.related_object.id };
        told.event(epoch, Payload::Thin, None)
    }
}

/// Appends a notification. The record can be fetched at the `url` of `related_object`.
pub(super) fn write_thin(out: &mut String, epoch: Epoch, event: &Event) {
    let (id, record) = (event_id(event.consumer, event.serial), event.record);
    let at = epoch.rfc3339(event.occurred_at);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"id":"{id}","object":"v2.core.event","type":"v1.{EVENT_TYPE}","created":"{at}","livemode":false,"#
    );
    let _ = write!(out, r#""related_object":{{"id":"rec_{record}","type":"record","url":"/records/rec_{record}"}}}}"#);
}

pub(super) const fn variable_of_thin(event: &Event) -> u64 {
    // The record stands there twice.
    digits(event.consumer) + digits(event.serial) + 2 * digits(event.record) + data_length(event, Payload::Thin)
}
