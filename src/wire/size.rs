//! How many bytes a message takes, without making it: what does not vary was measured once, the rest is digits to count.

use super::api;
use super::event;
use super::{Payload, Shape, Wire, webhook};
use crate::peer::{Advice, Authenticity, Batch, Event, Exchange, Request, Response, Side, Tag};
use crate::policy::signature::Scheme;
use crate::time::{Span, Time};

/// Sizes of messages with every variable part left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    poll: u64,
    record: u64,
    fetch: u64,
    /// The head of a webhook.
    webhook: u64,
    /// An event in a webhook.
    told: u64,
    /// An event in this program's own shape.
    event: u64,
    /// The head of an answer with status 200.
    answer: u64,
    accepted: u64,
}

impl Sizes {
    /// Makes one message of each kind and takes off again what varies.
    pub(super) fn measure(wire: &Wire) -> Self {
        let exchange = Exchange { opener: Side::Consumer, consumer: 0, serial: 0 };
        let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 0, record: 0, payload: 0 };
        let request =
            |request: Request| wire.request(exchange, &request, Time::ZERO).size() - variable(exchange, &request);
        let response = |response: Response| wire.response(&response).size();
        let events = Batch::from_slice(&[event]);
        let delivery = Request::Delivery { events, attempt: 0, authenticity: Authenticity::Accepted };
        let webhook = wire.request(exchange, &delivery, Time::ZERO);
        let body = webhook.body.len() as u64;
        let told = body - wire.list_frame(1) - wire.variable_of_told(&event);
        let (mut own, empty) = (
            String::new(),
            Response::Page { events: Batch::new(), has_more: false, tag: Tag::default(), advice: Advice::default() },
        );
        event::write_event(&mut own, wire.epoch, &event, Payload::Full);
        Self {
            poll: request(Request::Poll { after: 0, limit: 0, poll: 0, page: 0, hold: Span::ZERO, tag: None }),
            record: request(Request::Record { record: 0, poll: 0, tag: None }),
            fetch: request(Request::Fetch { event, attempt: 0 }),
            webhook: webhook.size() - body - digits_long(body) - wire.variable_of_webhook(exchange, Some(&event), 0),
            told,
            event: own.len() as u64 - event::variable(&event, Payload::Full),
            answer: response(empty)
                - api::conditions_size(Tag::default(), &Advice::default())
                - page_frame(0, false)
                - digits_long(page_frame(0, false)),
            accepted: response(Response::Accepted),
        }
    }
}

impl Wire {
    /// The size of a request on the wire.
    #[inline]
    pub fn request_size(&self, exchange: Exchange, request: &Request) -> u64 {
        let fixed = match request {
            Request::Poll { .. } => self.sizes.poll,
            Request::Record { .. } => self.sizes.record,
            Request::Fetch { .. } => self.sizes.fetch,
            Request::Delivery { events, attempt, .. } => return self.webhook_size(exchange, events, *attempt),
        };
        fixed + variable(exchange, request)
    }

    /// The size of a poll of the feed that is not held and knows no state; the same as that of the request that it is.
    #[inline]
    pub fn poll_size(&self, exchange: Exchange, after: u32, limit: u32) -> u64 {
        self.sizes.poll + digits(after) + digits(limit) + digits(exchange.serial)
    }

    /// The size of an acknowledgement.
    #[inline]
    pub const fn acknowledgement_size(&self) -> u64 {
        self.sizes.accepted
    }

    /// The size of a webhook with these events; the same as that of the request that it is.
    #[inline]
    pub fn webhook_size(&self, exchange: Exchange, events: &[Event], attempt: u32) -> u64 {
        let told: u64 = events.iter().map(|event| self.sizes.told + self.variable_of_told(event)).sum();
        let body = told + self.list_frame(events.len());
        let head = self.sizes.webhook + self.variable_of_webhook(exchange, events.first(), attempt);
        head + body + digits_long(body)
    }

    /// The size of a response on the wire.
    #[inline]
    pub fn response_size(&self, response: &Response) -> u64 {
        let (body, conditions) = match response {
            Response::Page { events, has_more, tag, advice } => {
                return self.page_size(events, *has_more, *tag, self.advice_size(advice));
            }
            Response::Record { event, is_final, tag, advice } => (
                record_frame(*is_final) + event.as_ref().map_or(4, |event| self.event_size(event)),
                api::conditions_size(*tag, advice),
            ),
            Response::Event(event) => (self.event_size(event), 0),
            Response::Accepted => return self.acknowledgement_size(),
            // Rare enough to be made for its size.
            Response::Refused { .. } | Response::NotModified { .. } => return self.response(response).size(),
        };
        self.sizes.answer + conditions + body + digits_long(body)
    }

    /// The bytes of an answer that say when to ask again.
    pub fn advice_size(&self, advice: &Advice) -> u64 {
        api::advice_size(advice)
    }

    /// The size of an answer with these events, of which advice takes so many bytes; the same as that of the page that it is.
    #[inline]
    pub fn page_size(&self, events: &[Event], has_more: bool, tag: Tag, advice_size: u64) -> u64 {
        let each = events.iter().map(|event| self.event_size(event)).sum::<u64>();
        let body = each + page_frame(events.len(), has_more);
        self.sizes.answer + api::tag_size(tag) + advice_size + body + digits_long(body)
    }

    /// How much of an answer an event takes.
    #[inline]
    pub(super) fn event_size(&self, event: &Event) -> u64 {
        self.sizes.event + event::variable(event, Payload::Full)
    }

    /// The size of an answer with nothing in it: that of a page without events.
    #[inline]
    pub fn empty_page_size(&self, tag: Tag, advice_size: u64) -> u64 {
        const BODY: u64 = page_frame(0, false);
        self.sizes.answer + api::tag_size(tag) + advice_size + BODY + digits_long(BODY)
    }

    /// How many requests in a row, that of this exchange first, are of one size if they ask the same: as long as the number
    /// of the exchange has no digit more. Above zero.
    pub fn alike_from(exchange: Exchange) -> u32 {
        let more_digits = 10u64.pow(digits(exchange.serial) as u32);
        u32::try_from(more_digits).unwrap_or(u32::MAX).saturating_sub(exchange.serial).max(1)
    }

    /// How many of so many requests in a row are of one size if they ask the same ([`Self::alike_from`]).
    #[inline]
    pub fn alike(first: Exchange, count: u32) -> u32 {
        let last = first.serial.saturating_add(count);
        // Mostly all of them are, and that is quickly said.
        if digits(first.serial) == digits(last) { count } else { count.min(Self::alike_from(first)) }
    }

    /// What stands around the events of a webhook.
    fn list_frame(&self, events: usize) -> u64 {
        if webhook::is_list(self.envelope, events) {
            let list = webhook::list(self.envelope.shape);
            let separators = list.between.len() * events.saturating_sub(1);
            (list.before.len() + separators + list.after.len()) as u64
        } else {
            0
        }
    }

    /// The bytes of an event in a webhook that are not the same for every event.
    #[inline]
    fn variable_of_told(&self, event: &Event) -> u64 {
        webhook::variable(self.envelope, self.epoch, event)
    }

    /// The bytes of a webhook's head that are not the same for every webhook, other than the length of its body.
    #[inline]
    fn variable_of_webhook(&self, exchange: Exchange, first: Option<&Event>, attempt: u32) -> u64 {
        let (consumer, serial) = webhook::named_after(exchange, first);
        let identifiers = u64::from(self.has_identifier_in_headers()) * (digits(consumer) + digits(serial));
        let hook = match self.envelope.shape {
            Shape::GitHub => digits_long(webhook::hook_id(consumer)),
            Shape::StandardWebhooks | Shape::Stripe | Shape::SendGrid => 0,
        };
        digits(exchange.serial) + digits(attempt) + digits(consumer) + identifiers + hook
    }

    /// Whether a header of a webhook holds the identifier of its first event, whose length varies.
    fn has_identifier_in_headers(&self) -> bool {
        self.envelope.shape == Shape::StandardWebhooks
            || matches!(self.keys.scheme, Scheme::StandardWebhooks | Scheme::StandardWebhooksEd25519)
    }
}

/// The bytes of a request to the API that are not the same for every such request.
#[inline]
fn variable(exchange: Exchange, request: &Request) -> u64 {
    let asked = match request {
        Request::Poll { after, limit, .. } => digits(*after) + digits(*limit),
        Request::Record { record, .. } => digits(*record),
        Request::Fetch { event, .. } => digits(event.consumer) + digits(event.serial),
        Request::Delivery { .. } => 0,
    };
    asked + api::optional_size(request) + digits(exchange.serial)
}

/// What stands around the event of a record.
const fn record_frame(is_final: bool) -> u64 {
    let flag = if is_final { "true" } else { "false" };
    (r#"{"event":,"final":}"#.len() + flag.len()) as u64
}

/// What stands around the events of a page.
#[inline]
pub(super) const fn page_frame(events: usize, has_more: bool) -> u64 {
    let flag = if has_more { "true" } else { "false" };
    (r#"{"data":[],"has_more":}"#.len() + flag.len() + events.saturating_sub(1)) as u64
}

/// The decimal digits of a number.
///
/// The entry of a table for the highest bit, plus the number, carries the count above its lower 32 bits: the method of
/// Lemire ("Computing the number of digits of an integer even faster", 2021).
#[inline]
pub(super) const fn digits(number: u32) -> u64 {
    let number = number as u64;
    (number + DIGITS[(number | 1).ilog2() as usize]) >> 32
}

#[inline]
pub(super) const fn digits_long(number: u64) -> u64 {
    if number <= u32::MAX as u64 { digits(number as u32) } else { number.ilog10() as u64 + 1 }
}

/// For each highest bit b: the digits of 2^b in the upper half; and less than that, as far as a power of ten lies between 2^b
/// and 2^(b+1), so that numbers from there on carry one more.
const DIGITS: [u64; 32] = {
    let mut table = [0; 32];
    let mut bit = 0;
    while bit < 32 {
        let digits = (1u64 << bit).ilog10() as u64 + 1;
        let power = 10u64.pow(digits as u32);
        table[bit] = if power < 1 << (bit + 1) { ((digits + 1) << 32) - power } else { digits << 32 };
        bit += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_of_ten_have_one_digit_more_than_what_comes_before_them() {
        assert_eq!((digits(0), digits(u32::MAX), digits_long(u64::MAX)), (1, 10, 20));
        for power in 1..=19u32 {
            let number = 10u64.pow(power);
            assert_eq!((digits_long(number - 1), digits_long(number)), (power.into(), u64::from(power) + 1));
        }
    }

    proptest! {
        #[test]
        fn there_are_as_many_as_are_written(number in any::<u64>(), shift in 0u32..64) {
            let number = number >> shift;
            prop_assert_eq!(digits_long(number), number.to_string().len() as u64);
        }
    }
}
