//! Events that go straight through to who is pushed to: one, its first attempt and the acknowledgement, all at once.
//!
//! As with polls ([`super::straight`]), whoever takes part is asked whether it is so before anybody is told anything.

use super::Cell;
use super::straight::{STEPS_MAX, Way};
use super::traffic::{Step, Traffic};
use crate::engine::agenda::Rank;
use crate::link::{Crossing, Steady, Verdict};
use crate::measure::ledger::{Ledger, Straight};
use crate::peer::{Event, Exchange, Request, Side};
use crate::policy::provider::Provider;
use crate::time::{Span, Time};
use crate::wire::{WebhooksAlike, Wire};

impl Cell<'_> {
    /// Has one consumer's events delivered at once, as long as they come next and go straight through.
    #[inline]
    pub(super) fn deliver_straight(&mut self, ledger: &mut Ledger<'_>) {
        if !matches!(self.way, Way::Webhooks) {
            return;
        }
        // Nothing else that is to come changes by what goes straight through.
        let others = [self.wakes.earliest().map(|(at, _)| at), self.traffic.agenda.next_at().map(|(at, _)| at)];
        let quiet_until = others.into_iter().flatten().min().unwrap_or(Time::NEVER).min(self.provider_wake);
        // What is under way at the end of the run is played up to its own end, if that comes before all is cut off.
        let quiet_until = quiet_until.min(self.traffic.setup.frame.end);
        if let Some(mut row) = Row::between(&self.provider, &self.traffic) {
            self.deliver_in_a_row(&mut row, quiet_until, ledger);
        } else {
            self.deliver_one_by_one(quiet_until, ledger);
        }
    }

    /// The same where nothing but loss is left to chance.
    fn deliver_in_a_row(&mut self, row: &mut Row<'_>, quiet_until: Time, ledger: &mut Ledger<'_>) {
        let Self { occurrences, provider, consumers, traffic, .. } = self;
        let Some(mut books) = ledger.straight(traffic.first, Side::Provider) else { return };
        let (Some(events), Some(receiver)) = (occurrences.events(0), consumers.first_mut()) else { return };
        let Some(mut taking) = receiver.taking() else { return };
        let first = row.exchange.serial;
        while row.exchange.serial - first < STEPS_MAX
            && let Some(event) = events.upcoming().first()
        {
            let (left, arrived) = (event.occurred_at, event.occurred_at + row.there);
            let ended = arrived + row.back;
            if ended >= quiet_until || !row.link.brings(Request::subject_of_delivery(Some(event), 1)) {
                break;
            }
            // The next event, where it is not drawn yet, comes after all that are.
            let is_alone = match events.upcoming().get(1) {
                Some(next) => next.occurred_at > ended,
                None => events.count_until(ended, 1) == 1,
            };
            let Some(event) = events.upcoming().first().filter(|_| is_alone) else { break };
            if !taking.take_new(arrived, event) {
                break;
            }
            let (exchange, request) = (row.exchange, row.size(event));
            books.delivered(event, &Straight { exchange, left, arrived, request, response: row.response });
            traffic.usages.sent(left, ended);
            row.exchange.serial += 1;
            traffic.now = ended;
            events.pass_over(1);
        }
        books.close();
        let delivered = row.exchange.serial - first;
        provider.accepted_in_passing(row.exchange.consumer, delivered);
        traffic.flights[0][Side::Provider as usize].skip(delivered);
        self.steps = self.steps.saturating_add(delivered);
    }

    /// The same where the course of each has to be drawn.
    fn deliver_one_by_one(&mut self, quiet_until: Time, ledger: &mut Ledger<'_>) {
        let Self { occurrences, provider, consumers, traffic, .. } = self;
        let Some(mut books) = ledger.straight(traffic.first, Side::Provider) else { return };
        let (Some(events), Some(receiver)) = (occurrences.events(0), consumers.first_mut()) else { return };
        let Some(mut taking) = receiver.taking() else { return };
        let mut delivered = 0;
        while delivered < STEPS_MAX
            && let Some(&event) = events.upcoming().first()
            && let Some(course) = Course::foresee(provider, traffic, &event, event.occurred_at)
        {
            let is_alone = events.count_until(course.ended, 1) == 1 && course.ended < quiet_until;
            if !is_alone || !taking.take_new(course.straight.arrived, &event) {
                break;
            }
            provider.accepted_in_passing(event.consumer, 1);
            books.delivered(&event, &course.straight);
            events.pass_over(1);
            traffic.usages.sent(course.straight.left, course.ended);
            traffic.now = course.ended;
            delivered += 1;
        }
        books.close();
        traffic.flights[0][Side::Provider as usize].skip(delivered);
        self.steps = self.steps.saturating_add(delivered);
    }

    /// Has an event that occurs now to one consumer of several delivered at once, if nothing else happens to that consumer until
    /// the attempt has ended; false if that cannot be, and then nothing has changed. What the others may notice of the attempt
    /// is that it is under way until then.
    #[inline]
    pub(super) fn deliver_among_others(&mut self, index: u32, event: &Event, ledger: &mut Ledger<'_>) -> bool {
        if !matches!(self.way, Way::WebhooksAmongOthers) {
            return false;
        }
        let place = index as usize;
        let is_idle = self.traffic.flights[place][Side::Provider as usize].is_empty();
        if !is_idle || self.under_way_until[place] >= self.traffic.now {
            return false;
        }
        let course = Course::foresee(&self.provider, &self.traffic, event, self.traffic.now);
        let Some(Course { straight, ended }) = course else { return false };
        let is_quiet = ended < self.traffic.setup.frame.duration
            && self.provider_wake > ended
            && self.occurrences.of(index).is_none_or(|next| next > ended);
        let taking = self.consumers[place].taking().filter(|_| is_quiet);
        if !taking.is_some_and(|mut taking| taking.take_new(straight.arrived, event)) {
            return false;
        }
        self.provider.left_in_passing(straight.exchange);
        self.traffic.window(straight.exchange).skip(1);
        self.traffic.agenda.plan(ended, Rank::Message, Step::Acknowledge);
        self.under_way_until[place] = ended;
        if let Some(mut books) = ledger.straight(event.consumer, Side::Provider) {
            books.delivered(event, &straight);
            books.close();
        }
        true
    }
}

/// What the first attempts at delivering one consumer's events have in common, as long as nothing else happens.
struct Row<'a> {
    wire: &'a Wire,
    link: Steady,
    there: Span,
    back: Span,
    /// The exchange of the next.
    exchange: Exchange,
    /// The size of those before, and of those that are as large.
    alike: Option<WebhooksAlike>,
    /// The size of an acknowledgement.
    response: u64,
}

impl<'a> Row<'a> {
    /// None if an attempt does not leave as soon as its event occurs, or may wait for its answer in vain.
    fn between(provider: &Provider, traffic: &Traffic<'a>) -> Option<Self> {
        let (wire, consumer) = (traffic.wire, traffic.first);
        let (exchange, timeout) = provider.first_attempts(consumer)?;
        let link = traffic.setup.link.steady(consumer, traffic.faults)?;
        let [there, back] = link.times();
        let response = wire.acknowledgement_size();
        (there + back <= timeout).then_some(Self { wire, link, there, back, exchange, alike: None, response })
    }

    /// The size of the next, with this event.
    #[inline]
    fn size(&mut self, event: &Event) -> u64 {
        match self.alike.and_then(|alike| alike.size(self.exchange, event)) {
            Some(size) => size,
            None => self.size_of_another(event),
        }
    }

    #[cold]
    fn size_of_another(&mut self, event: &Event) -> u64 {
        let alike = self.alike.insert(self.wire.webhooks_alike(self.exchange, event));
        alike
            .size(self.exchange, event)
            .unwrap_or_else(|| self.wire.webhook_size(self.exchange, std::slice::from_ref(event), 1))
    }
}

/// The course of a first attempt that is not lost on either way.
struct Course {
    straight: Straight,
    /// When its sender knows that it was acknowledged.
    ended: Time,
}

impl Course {
    /// That of the first attempt of an event that occurs now, if it leaves at once.
    #[inline]
    fn foresee(provider: &Provider, traffic: &Traffic<'_>, event: &Event, now: Time) -> Option<Self> {
        let consumer = event.consumer;
        let (exchange, timeout) = provider.first_attempt(now, event)?;
        let (wire, link, faults) = (traffic.wire, &traffic.setup.link, traffic.faults);
        let subject = Request::subject_of_delivery(Some(event), 1);
        let request = wire.webhook_size(exchange, std::slice::from_ref(event), 1);
        let crossing = Crossing { at: now, consumer, subject, bytes: request, faults };
        let Verdict::Deliver(there) = link.request(crossing) else { return None };
        let (arrived, response) = (now + there, wire.acknowledgement_size());
        let crossing = Crossing { at: arrived, consumer, subject, bytes: response, faults };
        let Verdict::Deliver(back) = link.response(crossing) else { return None };
        let ended = arrived + back;
        let straight = Straight { exchange, left: now, arrived, request, response };
        (ended <= now + timeout).then_some(Self { straight, ended })
    }
}
