//! System A: polls, is called, or both, with one inbox for what comes either way.

mod leap;
mod passing;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::fault::Faults;
use crate::peer::{Batch, Event, Exchange, Input, Note, Outcome, Output, Peer, Request, Response, Sink, sooner};
use crate::policy::inbox::Inbox;
use crate::policy::numbers::Numbers;
use crate::policy::outage::Outages;
use crate::policy::poller::{PollPolicy, Poller, Target};
use crate::policy::receiver::{ReceivePolicy, Receiver, Shared};
use crate::policy::record_poller::{Answer, RecordPoller, Watched};
use crate::policy::workers::{Capacity, Next, Stage, Workers};
use crate::seed::Seed;
use crate::time::{Span, Time};

/// What a client does, as all of its consumers share it.
#[derive(Clone, Debug)]
pub struct Policies {
    /// How it polls, if it does.
    pub pull: Option<Arc<PollPolicy>>,
    /// How it takes webhooks, if it does.
    pub push: Option<Arc<ReceivePolicy>>,
    /// What goes wrong for it.
    pub faults: Arc<Faults>,
}

/// One client of one consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    poller: Option<Box<Poller>>,
    /// In place of the poller, where single records are polled.
    records: Option<Box<RecordPoller>>,
    /// When the poller is down.
    outages: Outages,
    receiver: Option<Receiver>,
    inbox: Inbox,
    numbers: Numbers,
    /// New events of polled pages that are being handled, and for how long.
    pages: Workers<(Batch, Span)>,
}

impl Consumer {
    /// A pull client, a push client, or with both policies a hybrid. One that polls records watches none yet.
    pub fn new(seed: Seed, consumer: u32, Policies { pull, push, faults }: &Policies) -> Self {
        let receiver = |policy| Receiver::new(Arc::clone(policy), seed, Arc::clone(faults));
        Self {
            poller: pull
                .as_ref()
                .filter(|policy| matches!(policy.target, Target::Feed { .. }))
                .map(|policy| Box::new(Poller::new(Arc::clone(policy), seed, consumer))),
            records: None,
            outages: Outages::new(faults, seed, consumer, pull.as_deref()),
            receiver: push.as_ref().map(receiver),
            inbox: Inbox::default(),
            numbers: Numbers::new(consumer),
            pages: Workers::new(Capacity::UNLIMITED),
        }
    }

    /// The same client, which polls these records if its policy says that it polls records.
    #[must_use]
    pub fn watching(mut self, seed: Seed, consumer: u32, policies: &Policies, watched: Watched) -> Self {
        let pull = policies.pull.as_ref();
        self.records = pull.and_then(|policy| RecordPoller::new(policy, watched, seed, consumer)).map(Box::new);
        self
    }

    #[inline]
    fn ended(&mut self, now: Time, exchange: Exchange, outcome: Outcome, out: &mut impl Sink) {
        let is_down = self.outages.is_on(now);
        if let Some(poller) = self.poller.as_mut().filter(|poller| !is_down && poller.waits_for(exchange)) {
            let events = poller.ended(now, exchange, outcome, &mut self.numbers, out);
            let service = poller.page_service(exchange);
            if !events.is_empty() {
                self.take_page(now, exchange, &events, service, out);
            }
        } else if !self.record_ended(now, exchange, &outcome, out) {
            self.receive(|receiver, shared| receiver.ended(now, exchange, &outcome, shared, out));
        }
    }

    /// Takes the end of a poll of a record; false if the exchange is none.
    fn record_ended(&mut self, now: Time, exchange: Exchange, outcome: &Outcome, out: &mut impl Sink) -> bool {
        let Some(records) = self.records.as_mut().filter(|_| !self.outages.is_on(now)) else { return false };
        let ended = records.ended(now, exchange, outcome, |serial| self.inbox.contains(serial));
        let Some(Answer { news, stopped }) = ended else { return false };
        let (consumer, service) = (exchange.consumer, records.service(exchange));
        self.take_page(now, exchange, &news.into_iter().collect(), service, out);
        // What the last poll brought has been taken when its record is given up.
        out.push_all(stopped.map(|record| Output::Note(Note::StoppedPolling { consumer, record })));
        true
    }

    /// Has the receiver do something. What it drops is asked for again by the poller, if there is one.
    fn receive(&mut self, what: impl FnOnce(&mut Receiver, &mut Shared<'_>)) {
        let Some(receiver) = &mut self.receiver else { return };
        let mut shared = Shared { inbox: &mut self.inbox, numbers: &mut self.numbers, dropped: None };
        what(receiver, &mut shared);
        if let (Some(poller), Some(serial)) = (&mut self.poller, shared.dropped) {
            poller.go_back_before(serial);
        }
    }

    fn take_page(&mut self, now: Time, exchange: Exchange, events: &Batch, service: Span, out: &mut impl Sink) {
        if let &[event] = events.as_slice()
            && service.is_zero()
        {
            let fresh = self.inbox.take(event.serial);
            out.push(Output::Note(Note::Took { exchange, event, fresh, handled: fresh }));
            if fresh {
                out.push(Output::Note(Note::Seen(event)));
            }
            return;
        }
        let mut fresh = Batch::new();
        for &event in events {
            let is_fresh = self.inbox.take(event.serial);
            out.push(Output::Note(Note::Took { exchange, event, fresh: is_fresh, handled: is_fresh }));
            if is_fresh {
                fresh.push(event);
            }
        }
        if fresh.is_empty() {
            // Nothing to handle.
        } else if service.is_zero() {
            saw(&fresh, out);
        } else if self.pages.offer(now, (fresh, service)).is_none() {
            self.turn_pages(now, out);
        }
    }

    /// Does what is due.
    #[inline]
    fn act(&mut self, now: Time, out: &mut impl Sink) {
        self.receive(|receiver, shared| receiver.act(now, shared, out));
        if self.pages.deadline().is_some_and(|until| until <= now) {
            self.turn_pages(now, out);
        }
        if let Some(poller) = &mut self.poller
            && !self.outages.is_on(now)
        {
            poller.act(now, &mut self.numbers, out);
        }
    }

    /// Tells the poller of records what was seen in the course of an input, and opens the polls of records that are due.
    fn act_on_records(&mut self, now: Time, seen: &[Event], out: &mut impl Sink) {
        let Some(records) = &mut self.records else { return };
        seen.iter().for_each(|event| records.seen(event));
        if !self.outages.is_on(now) {
            records.act(now, &mut self.numbers, out);
        }
    }

    fn turn_pages(&mut self, now: Time, out: &mut impl Sink) {
        self.pages.turn(now, out, |_, stage, (events, span), out| match stage {
            Stage::Start => Next::Work(*span),
            Stage::Due => {
                saw(events, out);
                Next::Done
            }
        });
    }
}

/// Passes outputs on and remembers which events were seen.
struct Overheard<'a, S> {
    out: &'a mut S,
    seen: SmallVec<[Event; 2]>,
}

impl<S: Sink> Sink for Overheard<'_, S> {
    fn send(&mut self, exchange: Exchange, request: Request, timeout: Span) {
        self.out.send(exchange, request, timeout);
    }

    fn reply(&mut self, exchange: Exchange, response: Response) {
        self.out.reply(exchange, response);
    }

    fn note(&mut self, note: Note) {
        if let Note::Seen(event) = note {
            self.seen.push(event);
        }
        self.out.note(note);
    }
}

impl Consumer {
    #[inline(always)]
    fn take(&mut self, now: Time, input: Input, out: &mut impl Sink) {
        match input {
            Input::Wake | Input::Occurred(_) | Input::Redeliver(_) => {}
            Input::Opened(record) => {
                if let Some(records) = &mut self.records {
                    records.opened(now, record);
                }
            }
            Input::Requested(exchange, Request::Delivery { events, attempt, authenticity }) => {
                if self.receiver.is_none() {
                    out.push(Output::Reply { exchange, response: Response::refused(404) });
                }
                let delivery = (&events, attempt, authenticity);
                self.receive(|receiver, shared| receiver.requested(now, exchange, delivery, shared, out));
            }
            Input::Requested(exchange, Request::Poll { .. } | Request::Record { .. } | Request::Fetch { .. }) => {
                out.push(Output::Reply { exchange, response: Response::refused(404) });
            }
            Input::Ended(exchange, outcome) => self.ended(now, exchange, outcome, out),
            Input::Crashed => self.receive(|receiver, shared| receiver.crashed(now, shared, out)),
        }
        self.act(now, out);
    }
}

impl Peer for Consumer {
    // Where it is clear what the input is, nothing is left of the choice.
    #[inline(always)]
    fn handle(&mut self, now: Time, input: Input, out: &mut impl Sink) {
        if let Some(restart) = self.outages.come_up(now) {
            self.poller.iter_mut().for_each(|poller| poller.restart(restart));
            self.records.iter_mut().for_each(|records| records.restart(restart));
        }
        if self.records.is_none() {
            return self.take(now, input, out);
        }
        let mut overheard = Overheard { out, seen: SmallVec::new() };
        self.take(now, input, &mut overheard);
        let Overheard { out, seen } = overheard;
        self.act_on_records(now, &seen, out);
    }

    #[inline]
    fn deadline(&self) -> Option<Time> {
        let poller = self.poller.as_ref().and_then(|poller| poller.deadline());
        let receiver = self.receiver.as_ref().and_then(Receiver::deadline);
        let records = self.records.as_ref().and_then(|records| records.deadline());
        let poller = self.outages.deadline(poller.or(records));
        sooner(sooner(poller, receiver), self.pages.deadline())
    }
}

fn saw(events: &[Event], out: &mut impl Sink) {
    out.push_all(events.iter().map(|&event| Output::Note(Note::Seen(event))));
}
