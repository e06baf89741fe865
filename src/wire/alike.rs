//! Messages that follow one another and are all of one size.

use super::size::{digits, digits_long, page_frame};
use super::{Shape, Wire};
use crate::peer::{Event, Exchange, Tag};
use crate::time::{SECOND, Span, Time};

/// Numbers with as many decimal digits as one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SameDigits {
    from: u32,
    more: u32,
}

/// The largest number of so many digits.
const LARGEST: [u32; 10] = [0, 9, 99, 999, 9_999, 99_999, 999_999, 9_999_999, 99_999_999, 999_999_999];

impl SameDigits {
    pub(super) fn from(number: u32) -> Self {
        let digits = digits(number) as usize;
        // Zero has a digit as well.
        let from = if digits == 1 { 0 } else { LARGEST.get(digits - 1).map_or(number, |largest| largest + 1) };
        let last = LARGEST.get(digits).copied().unwrap_or(u32::MAX);
        Self { from, more: last - from }
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

/// The sizes of one consumer's polls and of their answers, each remembered for those that are as large.
#[derive(Clone, Debug)]
pub struct PollSizes<'w> {
    wire: &'w Wire,
    advice_size: u64,
    request: Request,
    answer: Answer,
    event: EventOfPage,
}

/// The size of a poll, and which others are as large.
#[derive(Clone, Copy, Debug)]
struct Request {
    exchanges: SameDigits,
    after: SameDigits,
    limit: u32,
    size: u64,
}

/// The size of an answer, and which others are as large.
#[derive(Clone, Copy, Debug)]
struct Answer {
    tags: SameDigits,
    /// Of one without events.
    empty: u64,
    /// Of all but the body.
    head: u64,
}

/// How much of an answer an event takes, and which others take as much.
#[derive(Clone, Copy, Debug)]
struct EventOfPage {
    serials: SameDigits,
    records: SameDigits,
    payload: u32,
    size: u64,
}

impl<'w> PollSizes<'w> {
    /// Sizes of polls of the feed that are neither held nor know a state, of which answers say as much of when to ask again as
    /// takes so many bytes.
    pub fn new(wire: &'w Wire, exchange: Exchange, limit: u32, advice_size: u64) -> Self {
        let event = Event { occurred_at: Time::ZERO, consumer: exchange.consumer, serial: 0, record: 0, payload: 0 };
        let request = Request::new(wire, exchange, 0, limit);
        let answer = Answer::new(wire, Tag::default(), advice_size);
        Self { wire, advice_size, request, answer, event: EventOfPage::new(wire, &event) }
    }

    /// The size of a poll ([`Wire::poll_size`]).
    #[inline]
    pub fn request(&mut self, exchange: Exchange, after: u32, limit: u32) -> u64 {
        let Request { exchanges, after: known, limit: same, .. } = self.request;
        if !(exchanges.hold(exchange.serial) && known.hold(after) && limit == same) {
            self.request = Request::new(self.wire, exchange, after, limit);
        }
        self.request.size
    }

    /// The size of an answer without events ([`Wire::empty_page_size`]).
    #[inline]
    pub fn empty_page(&mut self, tag: Tag) -> u64 {
        self.answer(tag).empty
    }

    /// The size of an answer with these events of the consumer and no others behind them ([`Wire::page_size`]).
    #[inline]
    pub fn page(&mut self, events: &[Event], tag: Tag) -> u64 {
        let Answer { empty, head, .. } = self.answer(tag);
        if events.is_empty() {
            return empty;
        }
        let body = events.iter().map(|event| self.event(event)).sum::<u64>() + page_frame(events.len(), false);
        head + body + digits_long(body)
    }

    #[inline]
    fn answer(&mut self, tag: Tag) -> Answer {
        if !self.answer.tags.hold(tag.0) {
            self.answer = Answer::new(self.wire, tag, self.advice_size);
        }
        self.answer
    }

    #[inline]
    fn event(&mut self, event: &Event) -> u64 {
        let EventOfPage { serials, records, payload, .. } = self.event;
        if !(serials.hold(event.serial) && records.hold(event.record) && payload == event.payload) {
            self.event = EventOfPage::new(self.wire, event);
        }
        self.event.size
    }
}

impl Request {
    #[cold]
    fn new(wire: &Wire, exchange: Exchange, after: u32, limit: u32) -> Self {
        let [exchanges, known] = [exchange.serial, after].map(SameDigits::from);
        Self { exchanges, after: known, limit, size: wire.poll_size(exchange, after, limit) }
    }
}

impl Answer {
    #[cold]
    fn new(wire: &Wire, tag: Tag, advice_size: u64) -> Self {
        let empty = wire.empty_page_size(tag, advice_size);
        let body = page_frame(0, false);
        Self { tags: SameDigits::from(tag.0), empty, head: empty - body - digits_long(body) }
    }
}

impl EventOfPage {
    #[cold]
    fn new(wire: &Wire, event: &Event) -> Self {
        let [serials, records] = [event.serial, event.record].map(SameDigits::from);
        Self { serials, records, payload: event.payload, size: wire.event_size(event) }
    }
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

    #[test]
    fn numbers_have_as_many_digits_from_one_power_of_ten_to_the_next() {
        for power in 0..10u32 {
            let first = 10u32.pow(power);
            let same = SameDigits::from(first);
            assert!(same.hold(first) && same.hold(first.saturating_mul(10) - 1), "{power}");
            assert_eq!((same.hold(first - 1), same.hold(0)), (power == 0, power == 0));
            assert_eq!(same.hold(first.saturating_mul(10)), power == 9);
        }
        assert_eq!(SameDigits::from(u32::MAX), SameDigits::from(1_000_000_000));
    }

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
            let mut sizes = PollSizes::new(&wire, exchange(0), 50, 30);
            for (exchange, event) in [(exchange(serials[0]), first), (exchange(serials[0].saturating_add(more[0])), later)] {
                let (after, tag) = (event.serial, Tag(event.serial));
                for limit in [50, 100] {
                    prop_assert_eq!(sizes.request(exchange, after, limit), wire.poll_size(exchange, after, limit));
                }
                prop_assert_eq!(sizes.empty_page(tag), wire.empty_page_size(tag, 30));
                for events in [&[][..], &[event], &[first, later, event]] {
                    prop_assert_eq!(sizes.page(events, tag), wire.page_size(events, false, tag, 30));
                }
            }
            // It says so of the one that it was made for, unless another second might make it longer.
            let is_told = matches!(shape, Shape::Stripe | Shape::SendGrid);
            prop_assert!(is_told || alike.size(exchange(serials[0]), &first).is_some());
        }
    }
}
