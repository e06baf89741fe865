//! The outline that Standard Webhooks recommends: `type`, `timestamp` and `data`. A thin one has the name in `data` alone.

use serde::Deserialize;

use super::super::event::{EventBody, write_event};
use super::{EVENT_TYPE, Epoch, Payload};
use crate::peer::Event;

#[derive(Debug, Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    data: EventBody<'a>,
}

impl Body<'_> {
    pub(super) fn event(&self, epoch: Epoch, payload: Payload) -> Option<Event> {
        self.data.event(epoch, payload)
    }
}

pub(super) fn write(out: &mut String, epoch: Epoch, event: &Event, payload: Payload) {
    out.push_str(r#"{"type":""#);
    out.push_str(EVENT_TYPE);
    out.push_str(r#"","timestamp":""#);
    out.push_str(&epoch.rfc3339(event.occurred_at));
    out.push_str(r#"","data":"#);
    write_event(out, epoch, event, payload);
    out.push('}');
}
