//! System A: polls, is called, or both, with one inbox for what comes either way.

use crate::peer::{Batch, Event, Exchange, Input, Note, Output, Peer, Request, Response};
use crate::policy::inbox::Inbox;
use crate::policy::poller::{PollPolicy, Poller};
use crate::policy::receiver::{ReceivePolicy, Receiver};
use crate::policy::workers::{Capacity, Workers};
use crate::seed::Seed;
use crate::time::{Span, Time};

/// One client of one consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    poller: Option<Poller>,
    receiver: Option<Receiver>,
    inbox: Inbox,
    /// New events of polled pages that are being handled, and for how long.
    pages: Workers<(Batch, Span)>,
}

impl Consumer {
    /// A pull client, a push client, or with both policies a hybrid.
    pub fn new(seed: Seed, consumer: u32, pull: Option<&PollPolicy>, push: Option<ReceivePolicy>) -> Self {
        Self {
            poller: pull.map(|policy| Poller::new(policy.clone(), seed, consumer)),
            receiver: push.map(|policy| Receiver::new(policy, seed)),
            inbox: Inbox::default(),
            pages: Workers::new(Capacity::UNLIMITED),
        }
    }

    /// Takes the events of a page; gives back those that are new.
    fn take(&mut self, exchange: Exchange, events: &Batch, out: &mut Vec<Output>) -> Batch {
        let mut new = Batch::new();
        for &event in events {
            let fresh = self.inbox.take(event.serial);
            out.push(Output::Note(Note::Took { exchange, event, fresh, handled: fresh }));
            if fresh {
                new.push(event);
            }
        }
        new
    }

    fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        if let Some(receiver) = &mut self.receiver {
            receiver.act(now, out);
        }
        if self.pages.deadline().is_some_and(|until| until <= now) {
            self.turn_pages(now, out);
        }
        if let Some(poller) = &mut self.poller {
            poller.act(now, out);
        }
    }

    fn turn_pages(&mut self, now: Time, out: &mut Vec<Output>) {
        self.pages.turn(now, out, |_, (_, span)| *span, |_, (events, _), out| saw(&events, out));
    }
}

impl Peer for Consumer {
    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Wake | Input::Occurred(_) | Input::Redeliver(_) | Input::Crashed => {}
            Input::Requested(exchange, Request::Delivery { events, attempt, authenticity }) => {
                match &mut self.receiver {
                    Some(receiver) => {
                        let Some(&event) = events.first() else { return };
                        receiver.requested(now, exchange, (event, attempt, authenticity), &mut self.inbox, out);
                    }
                    None => out.push(Output::Reply { exchange, response: Response::refused(404) }),
                }
            }
            Input::Requested(exchange, Request::Poll { .. } | Request::Record { .. } | Request::Fetch { .. }) => {
                out.push(Output::Reply { exchange, response: Response::refused(404) });
            }
            Input::Ended(exchange, outcome) => {
                let Some(poller) = &mut self.poller else { return };
                let events = poller.ended(now, exchange, outcome, out).unwrap_or_default();
                let service = poller.page_service();
                let fresh = self.take(exchange, &events, out);
                if fresh.is_empty() {
                    // Nothing to handle.
                } else if service.is_zero() {
                    saw(&fresh, out);
                } else if self.pages.offer(now, (fresh, service)).is_none() {
                    self.turn_pages(now, out);
                }
            }
        }
        self.act(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        let poller = self.poller.as_ref().and_then(Poller::deadline);
        let receiver = self.receiver.as_ref().and_then(Receiver::deadline);
        [poller, receiver, self.pages.deadline()].into_iter().flatten().min()
    }
}

fn saw(events: &[Event], out: &mut Vec<Output>) {
    out.extend(events.iter().map(|&event| Output::Note(Note::Seen(event))));
}
