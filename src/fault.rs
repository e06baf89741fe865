//! What breaks for a while, and who attacks: the faults that one client meets.

use crate::peer::{Event, Exchange, Side};
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

/// Something that is wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// From when on.
    pub from: Time,
    /// Until when; this instant is no longer part of it.
    pub until: Time,
    /// Which consumers meet it.
    pub whom: Whom,
}

/// Which consumers meet a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Whom {
    /// All of them.
    All,
    /// Some, each drawn by itself.
    Some {
        /// Which share of them, from 0 to 1.
        share: f64,
        /// The seed of the run.
        seed: Seed,
        /// The position of the fault in the scenario, so that each fault finds others.
        fault: u32,
    },
}

impl Whom {
    /// Whether this consumer is among them.
    pub fn includes(&self, consumer: u32) -> bool {
        match *self {
            Self::All => true,
            Self::Some { share, seed, fault } => {
                seed.draw(Purpose::FaultVictim, [consumer.into(), fault.into(), 0]).chance(share)
            }
        }
    }
}

impl Fault {
    /// A fault that every consumer meets.
    pub const fn new(kind: FaultKind, from: Time, until: Time) -> Self {
        Self { kind, from, until, whom: Whom::All }
    }

    /// Draws the consumers that meet it anew, from another seed.
    pub fn reseed(&mut self, other: Seed) {
        if let Whom::Some { seed, .. } = &mut self.whom {
            *seed = other;
        }
    }

    /// Whether it is wrong at this instant for a consumer.
    pub fn is_on(&self, at: Time, consumer: u32) -> bool {
        (self.from..self.until).contains(&at) && self.whom.includes(consumer)
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// The endpoint for webhooks is down: it takes no connection, and what it held in memory is gone.
    ReceiverDown {
        /// What becomes of connections.
        connections: Connections,
    },
    /// The endpoint's handler takes this many times as long.
    ReceiverSlow {
        /// Above zero.
        factor: f64,
    },
    /// The endpoint answers some webhooks with an error instead of taking them.
    ReceiverErrors {
        /// The HTTP status.
        status: u16,
        /// Which share of the webhooks, from 0 to 1.
        share: f64,
        /// What it says of when to come back.
        retry_after: Option<Span>,
    },
    /// The poller is down: it asks nothing, and hears nothing of what it asked before. Where it had got to is kept.
    PollerDown,
    /// System B is down for its clients: its API takes no connection and its dispatcher sends nothing. Events occur all the
    /// same, and what is to be delivered is kept.
    ProviderDown {
        /// What becomes of connections.
        connections: Connections,
    },
    /// The network loses messages that it would not have lost.
    NetworkLoss {
        /// The probability for each message, from 0 to 1.
        loss: f64,
    },
    /// Messages travel this many times as long.
    NetworkSlow {
        /// Above zero.
        factor: f64,
    },
    /// Somebody who is not System B sends webhooks to the endpoint.
    ForgedWebhooks {
        /// Nanoseconds from one to the next, for each consumer; above zero.
        gap_nanos: f64,
        /// How often each kind comes, in the order of [`ForgeryKind::ALL`]: weights, of which one at least is above zero.
        mix: [u32; ForgeryKind::ALL.len()],
    },
}

impl FaultKind {
    /// The name that stands in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReceiverDown { .. } => "receiver-down",
            Self::ReceiverSlow { .. } => "receiver-slow",
            Self::ReceiverErrors { .. } => "receiver-errors",
            Self::PollerDown => "poller-down",
            Self::ProviderDown { .. } => "provider-down",
            Self::NetworkLoss { .. } => "network-loss",
            Self::NetworkSlow { .. } => "network-slow",
            Self::ForgedWebhooks { .. } => "forged-webhooks",
        }
    }
}

/// What becomes of the connections to a side that goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// Open ones are reset and new ones refused: the opener learns at once, after one round trip.
    Reset,
    /// Packets vanish: the opener learns by its timeout.
    Drop,
}

/// A way of forging a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForgeryKind {
    /// Made up, without a signature.
    Unsigned,
    /// Made up, and signed with a key that is not System B's.
    WronglySigned,
    /// A genuine webhook, recorded an hour ago.
    Stale,
    /// A genuine webhook, recorded just now. No signature tells it from the first: only a receiver that knows the event again
    /// is safe from it, so one that had refused the first, or has forgotten it, handles the replay.
    Replayed,
    /// A genuine webhook, recorded just now, with something else in its body.
    Tampered,
    /// Made up, with a body that is larger than the endpoint takes.
    Oversized,
    /// Made up, and sent so slowly that it never ends.
    Slow,
}

impl ForgeryKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Unsigned, Self::WronglySigned, Self::Stale, Self::Replayed, Self::Tampered, Self::Oversized, Self::Slow];

    /// The name that stands in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::WronglySigned => "wrongly-signed",
            Self::Stale => "stale",
            Self::Replayed => "replayed",
            Self::Tampered => "tampered",
            Self::Oversized => "oversized",
            Self::Slow => "slow",
        }
    }
}

/// The faults that one client meets. Several may be on at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Whether a consumer's endpoint for webhooks is down at this instant, and if so what becomes of connections.
    pub fn receiver_down(&self, at: Time, consumer: u32) -> Option<Connections> {
        self.on(at, consumer).find_map(|kind| match kind {
            FaultKind::ReceiverDown { connections } => Some(connections),
            _ => None,
        })
    }

    /// Whether System B is down for a consumer at this instant, and if so what becomes of connections.
    pub fn provider_down(&self, at: Time, consumer: u32) -> Option<Connections> {
        self.on(at, consumer).find_map(|kind| match kind {
            FaultKind::ProviderDown { connections } => Some(connections),
            _ => None,
        })
    }

    /// With which probability a message of a consumer is lost at this instant by faults alone.
    pub fn network_loss(&self, at: Time, consumer: u32) -> f64 {
        let arrives = |kind| match kind {
            FaultKind::NetworkLoss { loss } => 1.0 - loss,
            _ => 1.0,
        };
        1.0 - self.on(at, consumer).map(arrives).product::<f64>()
    }

    /// How many times as long a message of a consumer travels at this instant.
    pub fn network_slowdown(&self, at: Time, consumer: u32) -> f64 {
        let factor = |kind| match kind {
            FaultKind::NetworkSlow { factor } => factor,
            _ => 1.0,
        };
        self.on(at, consumer).map(factor).product()
    }

    /// How many times as long a consumer's handler takes at this instant.
    pub fn slowdown(&self, at: Time, consumer: u32) -> f64 {
        let factor = |kind| match kind {
            FaultKind::ReceiverSlow { factor } => factor,
            _ => 1.0,
        };
        self.on(at, consumer).map(factor).product()
    }

    /// The status, and the time to stay away, with which the endpoint turns this webhook down at this instant, if it does.
    pub fn receiver_error(
        &self,
        at: Time,
        seed: Seed,
        exchange: Exchange,
        (event, attempt): (Option<&Event>, u32),
    ) -> Option<(u16, Option<Span>)> {
        if self.0.is_empty() {
            return None;
        }
        // One that tells of nothing has only its own number to be known by.
        let (what, which) = event.map_or((exchange.serial, u32::MAX), |event| (event.serial, attempt));
        let on = (0u64..).zip(&self.0).filter(|(_, fault)| fault.is_on(at, exchange.consumer));
        on.filter_map(|(index, fault)| match fault.kind {
            FaultKind::ReceiverErrors { status, share, retry_after } => {
                let subject = [u64::from(exchange.consumer) | index << 32, what.into(), which.into()];
                seed.draw(Purpose::ReceiverError, subject).chance(share).then_some((status, retry_after))
            }
            _ => None,
        })
        .next()
    }

    /// Whether somebody forges webhooks.
    pub fn has_forger(&self) -> bool {
        self.0.iter().any(|fault| matches!(fault.kind, FaultKind::ForgedWebhooks { .. }))
    }

    /// Whether the side that is to answer an exchange is down at this instant, and if so what becomes of connections.
    pub fn answerer_down(&self, at: Time, exchange: Exchange) -> Option<Connections> {
        match exchange.opener.other() {
            Side::Provider => self.provider_down(at, exchange.consumer),
            Side::Consumer | Side::Stranger => self.receiver_down(at, exchange.consumer),
        }
    }

    /// Whether whoever asked something at one instant still waits for the answer at a later one. Who has gone down in
    /// between does not, even if it is up again: its connections are gone. `is_poll` says whether a poller asked.
    pub fn still_waits(&self, exchange: Exchange, is_poll: bool, asked: Time, now: Time) -> bool {
        let goes_down = |kind| match exchange.opener {
            Side::Provider => is_provider_down(kind),
            Side::Consumer if is_poll => kind == FaultKind::PollerDown,
            // A receiver that goes down forgets what it fetched something for.
            Side::Consumer | Side::Stranger => false,
        };
        let lies_between = |fault: &Fault| fault.from < fault.until && fault.from <= now && asked < fault.until;
        !self
            .0
            .iter()
            .any(|fault| goes_down(fault.kind) && lies_between(fault) && fault.whom.includes(exchange.consumer))
    }

    /// The first instant from one on at which System B is up for a consumer.
    pub fn provider_up_from(&self, mut at: Time, consumer: u32) -> Time {
        // One outage may follow upon another.
        while let Some(outage) = self.0.iter().find(|fault| is_provider_down(fault.kind) && fault.is_on(at, consumer)) {
            at = outage.until;
        }
        at
    }

    /// Those that take System B down.
    #[must_use]
    pub fn of_provider(&self) -> Self {
        Self(self.0.iter().filter(|fault| is_provider_down(fault.kind)).copied().collect())
    }

    /// The instants at which an endpoint for webhooks goes down or may come up again, in order.
    pub fn receiver_changes(&self) -> Vec<Time> {
        in_order(self.0.iter().filter(|fault| is_receiver_down(fault.kind)).flat_map(|fault| [fault.from, fault.until]))
    }

    /// The instants at which System B goes down or may come up again, in order.
    pub fn provider_changes(&self) -> Vec<Time> {
        in_order(self.0.iter().filter(|fault| is_provider_down(fault.kind)).flat_map(|fault| [fault.from, fault.until]))
    }

    /// The instants at which an endpoint for webhooks goes down, in order.
    pub fn crashes(&self) -> Vec<Time> {
        in_order(self.0.iter().filter(|fault| is_receiver_down(fault.kind)).map(|fault| fault.from))
    }

    /// The instants at which System B goes down, in order.
    pub fn provider_crashes(&self) -> Vec<Time> {
        in_order(self.0.iter().filter(|fault| is_provider_down(fault.kind)).map(|fault| fault.from))
    }

    fn on(&self, at: Time, consumer: u32) -> impl Iterator<Item = FaultKind> {
        self.0.iter().filter(move |fault| fault.is_on(at, consumer)).map(|fault| fault.kind)
    }
}

const fn is_receiver_down(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::ReceiverDown { .. })
}

const fn is_provider_down(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::ProviderDown { .. })
}

fn in_order(instants: impl Iterator<Item = Time>) -> Vec<Time> {
    let mut instants: Vec<_> = instants.collect();
    instants.sort_unstable();
    instants.dedup();
    instants
}
