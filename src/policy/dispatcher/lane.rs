//! What waits for one endpoint, and what may leave for it.

use crate::peer::{Event, LossCause, Note, Outcome, Output, Response, Sink};
use crate::policy::dispatcher::batching::OpenBatch;
use crate::policy::dispatcher::breaker::{Breaker, Passage};
use crate::policy::dispatcher::delivery::{Delivery, Errand, Plan};
use crate::policy::dispatcher::disabling::Standing;
use crate::policy::dispatcher::line::Line;
use crate::policy::dispatcher::{Order, Terms, WhileDisabled, is_gone};
use crate::time::Time;

/// Everything that is owed to one endpoint, but for the attempts under way.
///
/// A delivery is planned until it is due; then it stands in line; then it leaves, when nothing bars the way: the endpoint
/// is enabled, the breaker lets it pass, the last attempt left long enough ago, and in order nothing before it is still
/// owed. The dispatcher hands out turns to leave, as its concurrency allows.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Those whose time has not come. Single events before their first attempt, retries where there is no order, and
    /// what the operator's script may bring again at its next run.
    planned: Plan,
    batch: OpenBatch,
    /// Those that are due.
    line: Line,
    /// Turns that the dispatcher holds for this lane.
    turns: usize,
    /// Attempts under way.
    flying: u32,
    /// Attempts that left beyond the retry schedule.
    beyond: u32,
    /// No attempt leaves before this.
    spaced_until: Time,
    /// When the last event is due. In order, none behind it is due before.
    last_due: Time,
    standing: Standing,
    breaker: Option<Breaker>,
}

impl Lane {
    /// The lane of an endpoint with so many attempts under way and nothing else owed.
    pub(super) fn new(terms: &Terms, flying: u32) -> Self {
        Self {
            planned: Plan::default(),
            batch: OpenBatch::default(),
            line: Line::new(terms.policy.order),
            turns: 0,
            flying,
            beyond: 0,
            spaced_until: Time::ZERO,
            last_due: Time::ZERO,
            standing: Standing::default(),
            breaker: terms.policy.breaker.map(Breaker::new),
        }
    }

    /// Takes over a delivery that was planned before there were lanes.
    pub(super) fn plan(&mut self, delivery: Delivery) {
        self.planned.push(delivery);
    }

    /// Takes over a delivery that was due before there were lanes, with its turn.
    pub(super) fn line_up(&mut self, delivery: Delivery) {
        self.line.push(delivery);
        self.turns += 1;
    }

    /// Takes on the delivery of an event whose first attempt is due then.
    pub(super) fn occurred(&mut self, now: Time, event: Event, due: Time, terms: &Terms, out: &mut impl Sink) {
        if self.standing.is_disabled() && terms.policy.disable.meanwhile == WhileDisabled::Lose {
            out.push(Output::Note(Note::GaveUp(event, LossCause::EndpointDisabled)));
            return;
        }
        let due = if terms.policy.order == Order::Fifo { due.max(self.last_due) } else { due };
        self.last_due = due;
        if terms.policy.order == Order::Fifo || terms.policy.batch.max > 1 {
            // A wake may be late, and what came due before this event goes before it.
            self.act(now, terms, out);
        }
        let delivery = Delivery::single(event, due);
        if due <= now {
            self.came_due(now, delivery, terms, out);
        } else {
            self.planned.push(delivery);
        }
    }

    /// An attempt has left.
    pub(super) fn left(&mut self, now: Time, exchange: u32, errand: Errand, terms: &Terms) {
        self.flying += 1;
        self.spaced_until = now + terms.policy.spacing;
        if errand != Errand::Owed {
            self.beyond = self.beyond.saturating_add(1);
        }
        if let Some(breaker) = &mut self.breaker {
            breaker.left(exchange);
        }
    }

    /// Takes the end of an attempt: done, to be tried again, or given up.
    pub(super) fn ended(
        &mut self,
        now: Time,
        exchange: u32,
        delivery: Delivery,
        outcome: &Outcome,
        terms: &Terms,
        out: &mut impl Sink,
    ) {
        self.flying = self.flying.saturating_sub(1);
        let failed = !matches!(outcome, Outcome::Answered(Response::Accepted));
        let consumer = delivery.first.consumer;
        if failed && self.standing.failed(now, terms.policy.disable, is_gone(outcome)) {
            out.push(Output::Note(Note::Disabled(consumer)));
            self.clear(now, terms, out);
        } else if !self.standing.is_disabled()
            && self.breaker.as_mut().is_some_and(|breaker| breaker.ended(now, exchange, failed))
        {
            out.push(Output::Note(Note::BreakerOpened(consumer)));
        }
        if failed {
            self.failed(now, delivery, outcome, terms, out);
        } else {
            self.standing.succeeded();
        }
    }

    /// Somebody asks for an event that has no attempt under way. Nothing is done where it is owed anyway.
    pub(super) fn asked(&mut self, now: Time, event: Event, terms: &Terms) {
        let is_it = |delivery: &Delivery| delivery.has(event.serial);
        let is_owed = self.batch.has(event.serial)
            || self.line.any(is_it)
            || self.planned.any(|delivery| delivery.errand == Errand::Owed && is_it(delivery));
        if is_owed || self.standing.is_disabled() {
            return;
        }
        let parked = self.planned.extract(is_it).pop();
        // Nothing is remembered of a delivery that is done with. This number is above all that it can have had.
        let attempt = terms.policy.retry.attempts_max().saturating_add(self.beyond).saturating_add(1);
        let unknown = || Delivery::asked(event, attempt, now);
        let delivery = parked.unwrap_or_else(unknown);
        self.stand_in_line(delivery.due_at(now));
    }

    /// Enables the endpoint if its time has come: what was kept is due at once, in the order of its events.
    pub(super) fn enable(&mut self, now: Time) {
        self.standing.enable_by(now);
    }

    /// Brings everything into line whose time has come.
    pub(super) fn act(&mut self, now: Time, terms: &Terms, out: &mut impl Sink) {
        self.enable(now);
        while let Some(delivery) = self.planned.pop_due(now) {
            if let Some(batch) = self.batch.close_by(delivery.due) {
                self.stand_in_line(batch);
            }
            self.came_due(now, delivery, terms, out);
        }
        if let Some(batch) = self.batch.close_by(now) {
            self.stand_in_line(batch);
        }
    }

    /// When anything changes here by itself, if nothing is told before.
    pub(super) fn deadline(&self, now: Time, terms: &Terms) -> Option<Time> {
        let opens_at = self.opens_at(now, terms).filter(|at| (*at > now) & (*at < Time::NEVER));
        [self.planned.next_at(), self.batch.deadline(), opens_at].into_iter().flatten().min()
    }

    /// How many more turns to leave this lane should be given now.
    pub(super) fn turns_wanted(&mut self, now: Time, terms: &Terms) -> usize {
        let passes_one = terms.policy.order == Order::Fifo
            || !terms.policy.spacing.is_zero()
            || self.breaker.as_ref().is_some_and(|breaker| breaker.passage() != Passage::Free);
        let wanted = match self.opens_at(now, terms) {
            Some(at) if at <= now && passes_one => 1,
            Some(at) if at <= now => self.line.len(),
            _ => 0,
        };
        let more = wanted.saturating_sub(self.turns);
        self.turns += more;
        more
    }

    /// Uses the first of so many turns that follow each other: gives the delivery that leaves now. What has barred the
    /// way meanwhile makes all of them void.
    pub(super) fn turn(&mut self, now: Time, turns: usize, terms: &Terms, out: &mut impl Sink) -> Option<Delivery> {
        while self.opens_at(now, terms).is_some_and(|at| at <= now) {
            let delivery = self.line.pop_front()?;
            if !terms.is_too_late(now, &delivery) {
                self.turns = self.turns.saturating_sub(1);
                return Some(delivery);
            }
            self.exhausted(now, delivery, LossCause::RetriesExhausted, terms, out);
        }
        self.turns = self.turns.saturating_sub(turns);
        None
    }

    /// When the first in line may leave, from now on; none where there is none, or where it waits for an attempt to end.
    fn opens_at(&self, now: Time, terms: &Terms) -> Option<Time> {
        let front = self.line.front()?;
        if terms.policy.order == Order::Fifo && self.flying > 0 {
            return None;
        }
        let passes_at = match self.breaker.as_ref().map_or(Passage::Free, Breaker::passage) {
            Passage::Free => Time::ZERO,
            Passage::One(at) => at,
            Passage::Shut => return None,
        };
        let enabled_at = self.standing.disabled_until().unwrap_or(Time::ZERO);
        let at = front.due.max(self.spaced_until).max(passes_at).max(enabled_at).max(now);
        Some(terms.outages.provider_up_from(at, front.first.consumer))
    }

    fn came_due(&mut self, now: Time, delivery: Delivery, terms: &Terms, out: &mut impl Sink) {
        match (delivery.errand, terms.policy.redeliver) {
            (Errand::Script(cause), Some(script)) => {
                if !script.brings(delivery.due, delivery.first.occurred_at) {
                    delivery.give_up(cause, out);
                } else if self.standing.is_disabled() {
                    let due = script.run_after(now);
                    self.planned.push(delivery.due_at(due));
                } else {
                    self.stand_in_line(delivery);
                }
            }
            _ if delivery.attempt == 1 && terms.policy.batch.max > 1 => {
                for batch in self.batch.join(terms.policy.batch, delivery.due, delivery.first) {
                    self.stand_in_line(batch);
                }
            }
            _ => self.stand_in_line(delivery),
        }
    }

    fn stand_in_line(&mut self, delivery: Delivery) {
        if self.standing.is_disabled() {
            self.line.keep(delivery);
        } else {
            self.line.push(delivery);
        }
    }

    /// Decides what becomes of a delivery whose attempt has failed.
    fn failed(&mut self, now: Time, delivery: Delivery, outcome: &Outcome, terms: &Terms, out: &mut impl Sink) {
        let is_disabled = self.standing.is_disabled();
        match delivery.errand {
            Errand::Asked => {}
            Errand::Script(cause) => self.park(now, delivery.next(now), cause, terms),
            Errand::Owed if is_disabled && terms.policy.disable.meanwhile == WhileDisabled::Lose => {
                delivery.give_up(LossCause::EndpointDisabled, out);
            }
            Errand::Owed => match terms.retry_at(now, &delivery, outcome) {
                Some(_) if is_disabled => self.stand_in_line(delivery.next(now)),
                Some(due) if terms.policy.order == Order::Fifo => self.stand_in_line(delivery.next(due)),
                Some(due) => self.planned.push(delivery.next(due)),
                None => {
                    let cause = Terms::cause_after(delivery.attempt);
                    self.exhausted(now, delivery.next(now), cause, terms, out);
                }
            },
        }
    }

    /// A delivery has come to the end of its schedule: the operator's script may still bring it.
    fn exhausted(&mut self, now: Time, delivery: Delivery, cause: LossCause, terms: &Terms, out: &mut impl Sink) {
        if terms.policy.redeliver.is_some() {
            self.park(now, delivery, cause, terms);
        } else {
            delivery.give_up(cause, out);
        }
    }

    fn park(&mut self, now: Time, delivery: Delivery, cause: LossCause, terms: &Terms) {
        if let Some(script) = terms.policy.redeliver {
            self.planned.push(delivery.due_at(script.run_after(now)).on(Errand::Script(cause)));
        }
    }

    /// The endpoint has just been disabled: what waited for it is given up, or stays in line to leave as soon as it is
    /// enabled. Events whose first attempt is not due yet go on as if nothing had happened if they are kept. What was
    /// not owed any more goes back to where it came from.
    fn clear(&mut self, now: Time, terms: &Terms, out: &mut impl Sink) {
        // The breaker starts anew with the endpoint, and hears of no attempt before that.
        self.breaker = terms.policy.breaker.map(Breaker::new);
        let loses = terms.policy.disable.meanwhile == WhileDisabled::Lose;
        let mut moved: Vec<Delivery> = self.line.take_fresh().into();
        moved.extend(self.planned.take_retries());
        if loses {
            moved.extend(self.line.take_kept());
            moved.extend(self.planned.take_firsts());
            moved.extend(self.batch.close(now));
        }
        moved.sort_by_key(|delivery| delivery.first.serial);
        for delivery in moved {
            match delivery.errand {
                Errand::Asked => {}
                Errand::Script(cause) => self.park(now, delivery, cause, terms),
                Errand::Owed if loses => delivery.give_up(LossCause::EndpointDisabled, out),
                Errand::Owed => self.line.keep(delivery.due_at(now)),
            }
        }
    }
}
