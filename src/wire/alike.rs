//! Webhooks that follow one another and are all of one size, and events that take as much of a page as one before.

use super::size::digits;
use super::{Shape, Wire};
use crate::peer::{Event, Exchange, Tag};
use crate::time::{SECOND, Span, Time};

/// Numbers with as many decimal digits as one of them, from that one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SameDigits {
    from: u32,
    more: u32,
}

/// The largest number of so many digits.
const LARGEST: [u32; 10] = [0, 9, 99, 999, 9_999, 99_999, 999_999, 9_999_999, 99_999_999, 999_999_999];

impl SameDigits {
    pub(super) fn from(number: u32) -> Self {
        let last = LARGEST.get(digits(number) as usize).copied().unwrap_or(u32::MAX);
        Self { from: number, more: last - number }
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

/// How much of a page an event takes, and which others, of the same consumer, take as much.
#[derive(Clone, Copy, Debug)]
pub struct EventsAlike {
    size: u64,
    serials: SameDigits,
    record: u32,
    payload: u32,
}

impl EventsAlike {
    #[inline]
    const fn hold(&self, event: &Event) -> bool {
        self.serials.hold(event.serial) && event.record == self.record && event.payload == self.payload
    }
}

impl Wire {
    /// The size of an answer with these events of one consumer and no others behind them ([`Wire::page_size`]). Remembers for
    /// the next one how much an event takes.
    #[inline]
    pub fn page_size_like(&self, events: &[Event], tag: Tag, advice_size: u64, alike: &mut Option<EventsAlike>) -> u64 {
        let mut size = |event: &Event| match alike {
            Some(alike) if alike.hold(event) => alike.size,
            _ => alike.insert(self.events_alike(event)).size,
        };
        let each = events.iter().map(&mut size).sum::<u64>();
        self.page_size_around(each, events.len(), tag, advice_size)
    }

    #[cold]
    fn events_alike(&self, event: &Event) -> EventsAlike {
        let (serials, size) = (SameDigits::from(event.serial), self.event_size(event));
        EventsAlike { size, serials, record: event.record, payload: event.payload }
    }

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

    /// When the Unix seconds of an instant have one digit more, if webhooks tell them; at once where that is hard to say.
    fn longer_seconds_after(&self, at: Time) -> Time {
        match self.envelope.shape {
            Shape::StandardWebhooks | Shape::GitHub => return Time::NEVER,
            Shape::Stripe | Shape::SendGrid => {}
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::peer::Side;
    use crate::policy::signature::{Keys, Scheme};
    use crate::wire::{Envelope, Payload};

    proptest! {
        #[test]
        fn what_is_said_to_be_alike_is(
            serials in [prop_oneof![0u32..200, any::<u32>()], prop_oneof![1u32..200, any::<u32>()]],
            more in [prop_oneof![0u32..200, any::<u32>()], prop_oneof![0u32..200, any::<u32>()]],
            (at, later_by) in (0u64..1 << 62, prop_oneof![0u64..1 << 20, 0u64..1 << 61]),
            (shape, payload) in (
                prop::sample::select(vec![Shape::StandardWebhooks, Shape::Stripe, Shape::GitHub, Shape::SendGrid]),
                prop::sample::select(vec![Payload::Full, Payload::Thin]),
            ),
            epoch in prop_oneof![Just(0i128), Just(9_999_999_998_500_000_000), Just(1_767_225_600_000_000_000)],
            record in 0u32..2,
        ) {
            let envelope = Envelope { shape, payload, is_list: false };
            let wire = Wire::new(0, envelope, Keys::generate(Scheme::None, [1; 32]), epoch);
            let exchange = |serial| Exchange { opener: Side::Provider, consumer: 7, serial };
            let event = |serial, nanos, record| {
                Event { occurred_at: Time::from_nanos(nanos), consumer: 7, serial, record, payload: 20 }
            };
            let (first, later) = (event(serials[1], at, 0), event(serials[1].saturating_add(more[1]), at + later_by, record));
            let alike = wire.webhooks_alike(exchange(serials[0]), &first);
            for (exchange, event) in [(exchange(serials[0]), first), (exchange(serials[0].saturating_add(more[0])), later)] {
                if let Some(size) = alike.size(exchange, &event) {
                    prop_assert_eq!(size, wire.webhook_size(exchange, &[event], 1));
                }
            }
            let mut alike = None;
            for event in [first, later] {
                for events in [&[][..], &[event], &[first, later, event]] {
                    let size = wire.page_size_like(events, Tag(event.serial), 30, &mut alike);
                    prop_assert_eq!(size, wire.page_size(events, false, Tag(event.serial), 30));
                }
            }
            // It says so of the one that it was made for, unless another second might make it longer.
            let is_told = matches!(shape, Shape::Stripe | Shape::SendGrid);
            prop_assert!(is_told || alike.size(exchange(serials[0]), &first).is_some());
        }
    }
}
