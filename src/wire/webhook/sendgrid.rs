//! As SendGrid sends: always a list, with a line break behind every event, which is signed along.
//!
//! After Twilio's documentation ("Event Webhook Reference") and the vectors of `sendgrid-python` 6. Each event of this
//! program is a mail delivered; what SendGrid has no field for stands beside its fields, as the arguments do that a
//! sender gives a mail. SendGrid knows no thin webhooks: a thin one leaves `data` out.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::super::event::{event_id, seconds_length, variable as variable_of_event, write_fields};
use super::super::size::digits;
use super::{Epoch, List, Payload};
use crate::peer::Event;

pub(super) const USER_AGENT: &str = "SendGrid Event API";
pub(super) const CONTENT_TYPE: &str = "application/json;charset=utf-8";
pub(super) const LIST: List = List { before: "[", between: ",\r\n", after: "]\r\n" };

pub(super) fn write(out: &mut String, epoch: Epoch, event: &Event, payload: Payload) {
    let Event { consumer, serial, record, .. } = *event;
    let timestamp = epoch.unix_seconds(event.occurred_at);
    let id = BASE64.encode(event_id(consumer, serial));
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"email":"consumer-{consumer}@example.com","timestamp":{timestamp},"event":"delivered","#);
    let _ = write!(out, r#""sg_event_id":"{id}","sg_message_id":"rec_{record}.pushpull","#);
    write_fields(out, epoch, event, payload);
    out.push('}');
}

pub(super) fn variable(epoch: Epoch, event: &Event, payload: Payload) -> u64 {
    let id = "evt__".len() as u64 + digits(event.consumer) + digits(event.serial);
    let encoded_id = (id * 4).div_ceil(3);
    let numbers = digits(event.consumer) + digits(event.record) + encoded_id;
    variable_of_event(event, payload) + numbers + seconds_length(epoch, event.occurred_at)
}
