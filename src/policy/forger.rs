//! An attacker who sends webhooks without being System B: when, of which kind, and whether a receiver would believe them.

use crate::fault::{Fault, FaultKind, Faults, ForgeryKind};
use crate::peer::{Authenticity, Batch, Request};
use crate::policy::signature::Scheme;
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

/// The attacker of one consumer's endpoint, during one fault.
#[derive(Clone, Debug)]
pub struct Forger {
    seed: Seed,
    consumer: u32,
    /// Tells this fault from others that may be on at the same time.
    fault: u32,
    gap_nanos: f64,
    mix: [u32; ForgeryKind::ALL.len()],
    until: Time,
    /// The number of the next webhook, and when it comes.
    next: (u32, Time),
}

impl Forger {
    /// The attackers of one consumer's endpoint: one for each such fault.
    pub fn of(faults: &Faults, seed: Seed, consumer: u32) -> Vec<Self> {
        let forger = |(fault, &Fault { kind, from, until, whom }): (u32, &Fault)| {
            if !whom.includes(consumer) {
                return None;
            }
            let FaultKind::ForgedWebhooks { gap_nanos, mix } = kind else { return None };
            let mut forger = Self { seed, consumer, fault, gap_nanos, mix, until, next: (0, from) };
            forger.next.1 = from + forger.gap();
            Some(forger)
        };
        (0..).zip(&faults.0).filter_map(forger).collect()
    }

    /// When the next webhook comes, if there is one.
    pub fn deadline(&self) -> Option<Time> {
        Some(self.next.1).filter(|at| *at < self.until)
    }

    /// The kind of the webhook that is due, and the one after it is planned.
    pub fn forge(&mut self) -> ForgeryKind {
        let total: u64 = self.mix.iter().copied().map(u64::from).sum();
        let mut place = self.draw(1).below(total.max(1));
        self.next = (self.next.0.wrapping_add(1), self.next.1);
        self.next.1 = self.next.1 + self.gap();
        for (kind, weight) in ForgeryKind::ALL.into_iter().zip(self.mix) {
            match place.checked_sub(weight.into()) {
                Some(rest) => place = rest,
                None => return kind,
            }
        }
        ForgeryKind::Unsigned
    }

    /// Attackers come at random, like events: the gap before the next webhook is exponential.
    fn gap(&self) -> Span {
        let gap = -libm::log(self.draw(0).open_unit()) * self.gap_nanos;
        Span::from_secs_f64(gap / 1e9).max(Span::from_nanos(1))
    }

    fn draw(&self, what: u64) -> crate::seed::Draw {
        let which = u64::from(self.fault) << 32 | u64::from(self.next.0);
        self.seed.draw(Purpose::Forgery, [self.consumer.into(), which, what])
    }
}

/// Genuine webhooks that an attacker has recorded on their way to one consumer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The oldest, which he keeps and sends as if an hour had passed.
    pub first: Option<Batch>,
    /// The newest.
    pub last: Option<Batch>,
}

impl Recording {
    /// Records a genuine webhook.
    pub fn take_down(&mut self, events: &Batch) {
        self.first.get_or_insert_with(|| events.clone());
        self.last = Some(events.clone());
    }

    /// The genuine events that a forged webhook of this kind copies or changes; none that are made up. None where the
    /// attacker has nothing yet that he could copy.
    pub fn copied(&self, kind: ForgeryKind) -> Option<Batch> {
        match kind {
            ForgeryKind::Tampered => self.last.clone(),
            _ => self.events(kind),
        }
    }

    /// The events that a forged webhook of this kind tells of. None where the attacker has nothing yet that he could copy;
    /// no events where it tells of something that never occurred.
    pub fn events(&self, kind: ForgeryKind) -> Option<Batch> {
        match kind {
            ForgeryKind::Unsigned | ForgeryKind::WronglySigned | ForgeryKind::Oversized | ForgeryKind::Slow => {
                Some(Batch::new())
            }
            // Who changes what a webhook says also changes which event it is: a known event is not handled again.
            ForgeryKind::Tampered => self.last.is_some().then(Batch::new),
            ForgeryKind::Stale => self.first.clone(),
            ForgeryKind::Replayed => self.last.clone(),
        }
    }
}

/// What a receiver's endpoint makes of a forged webhook before its handler is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Reception {
    /// It is turned away with this status: it exceeds a limit.
    TooMuch(u16),
    /// It is taken as a request.
    Request(Request),
}

/// How an endpoint with this scheme takes a forged webhook that tells of these events.
///
/// What the check of the signature would find is known from the kind, so that virtual time need not sign and check for real;
/// tests hold it against signatures that are real.
pub fn receive(kind: ForgeryKind, events: Batch, scheme: Scheme) -> Reception {
    let holds = match kind {
        // Whatever the limit is, this attacker sends more than that.
        ForgeryKind::Oversized => return Reception::TooMuch(413),
        ForgeryKind::Slow => return Reception::TooMuch(408),
        ForgeryKind::Unsigned | ForgeryKind::WronglySigned | ForgeryKind::Tampered => scheme == Scheme::None,
        ForgeryKind::Stale => !scheme.refuses_old(),
        ForgeryKind::Replayed => true,
    };
    let authenticity = if holds { Authenticity::Accepted } else { Authenticity::Rejected };
    Reception::Request(Request::Delivery { events, attempt: 1, authenticity })
}
