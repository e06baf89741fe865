//! Webhooks that follow one another and are all of one size.

use super::Wire;
use super::size::digits;
use crate::peer::{Event, Exchange};
use crate::time::{SECOND, Span, Time};

/// Numbers with as many decimal digits as one of them, from that one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SameDigits {
    from: u32,
    more: u32,
}

impl SameDigits {
    pub(super) fn from(number: u32) -> Self {
        let last = 10u64.pow(digits(number) as u32) - 1;
        Self { from: number, more: u32::try_from(last).unwrap_or(u32::MAX) - number }
    }

    #[inline]
    pub(super) const fn hold(self, number: u32) -> bool {
        number.wrapping_sub(self.from) <= self.more
    }
}

/// The size of a webhook with one event, and which others, of the same consumer, are as large.
#[derive(Clone, Copy, Debug)]
pub struct WebhooksAlike {
    size: u64,
    exchanges: SameDigits,
    events: SameDigits,
    record: u32,
    payload: u32,
    /// Unix seconds have one digit more from here on.
    until: Time,
}

impl Wire {
    /// The size of the first attempt at delivering an event ([`Wire::webhook_size`]), for others like it.
    pub fn webhooks_alike(&self, exchange: Exchange, event: &Event) -> WebhooksAlike {
        WebhooksAlike {
            size: self.webhook_size(exchange, std::slice::from_ref(event), 1),
            exchanges: SameDigits::from(exchange.serial),
            events: SameDigits::from(event.serial),
            record: event.record,
            payload: event.payload,
            until: self.longer_seconds_after(event.occurred_at),
        }
    }

    /// When the Unix seconds of an instant have one digit more; at once where that is hard to say.
    fn longer_seconds_after(&self, at: Time) -> Time {
        let Ok(seconds) = u64::try_from(self.epoch.unix_seconds(at)) else { return at };
        let more_digits = 10u64.checked_pow(seconds.max(1).ilog10() + 1).unwrap_or(u64::MAX);
        // A second early, since the epoch may begin within one.
        at + Span::from_nanos((more_digits - seconds).saturating_sub(1).saturating_mul(SECOND))
    }
}

impl WebhooksAlike {
    /// The size of the first attempt at delivering a later event, if it is the same.
    #[inline]
    pub fn size(&self, exchange: Exchange, event: &Event) -> Option<u64> {
        let are_alike = self.exchanges.hold(exchange.serial) && self.events.hold(event.serial);
        let is_alike = are_alike && event.record == self.record && event.payload == self.payload;
        (is_alike && event.occurred_at < self.until).then_some(self.size)
    }
}
