//! The two engines that drive the same peers: [`sim`] in virtual time, [`live`] over real sockets.
//!
//! An engine takes a [`Setup`] and gives back a tally for each client. It moves messages and keeps time, and decides nothing.

pub mod agenda;
mod attack;
pub mod live;
mod openings;
pub mod sim;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::fault::Faults;
use crate::link::Link;
use crate::measure::chronicle::Chronicle;
use crate::measure::expected::{Polls, Ways};
use crate::measure::tally::{Frame, Tally};
use crate::policy::consumer::Policies;
use crate::policy::dispatcher::DispatchPolicy;
use crate::policy::poller::{PollPolicy, Target};
use crate::policy::provider::{ApiPolicy, Provider, Serves};
use crate::policy::receiver::ReceivePolicy;
use crate::policy::record_poller::Watched;
use crate::policy::signature::Scheme;
use crate::seed::Seed;
use crate::time::Span;
use crate::wire::Envelope;
use crate::workload::Workload;

/// Everything an engine needs to know of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The seed of every draw.
    pub seed: Seed,
    /// What is counted, and when it ends.
    pub frame: Frame,
    /// How many consumers there are; above zero.
    pub consumers: u32,
    /// The events.
    pub workload: Workload,
    /// The network.
    pub link: Link,
    /// System B's API.
    pub api: ApiPolicy,
    /// The clients to compare.
    pub clients: Vec<ClientSetup>,
}

/// One client: pull, push, or with both a hybrid.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientSetup {
    /// Its name.
    pub name: String,
    /// How it polls, if it does.
    pub pull: Option<PollPolicy>,
    /// How it is pushed to, if it is.
    pub push: Option<PushSetup>,
    /// What goes wrong for it.
    pub faults: Faults,
}

/// Both ends of a push client.
#[derive(Clone, Debug, PartialEq)]
pub struct PushSetup {
    /// System B's end.
    pub dispatch: DispatchPolicy,
    /// System A's end.
    pub receive: ReceivePolicy,
    /// How webhooks are signed.
    pub scheme: Scheme,
    /// What a webhook looks like.
    pub envelope: Envelope,
}

impl ClientSetup {
    /// What it does, for its consumers to share.
    pub fn policies(&self) -> Policies {
        Policies {
            pull: self.pull.clone().map(Arc::new),
            push: self.push.as_ref().map(|push| Arc::new(push.receive.clone())),
            faults: Arc::new(self.faults.clone()),
        }
    }

    /// How far before the newest event that it knows its poller asks again.
    pub fn overlap(&self) -> Span {
        match self.pull.as_ref().map(|pull| pull.target) {
            Some(Target::Feed { overlap }) => overlap,
            Some(Target::Record { .. }) | None => Span::ZERO,
        }
    }

    /// Whether it polls single records.
    pub fn polls_records(&self) -> bool {
        self.pull.as_ref().is_some_and(|pull| matches!(pull.target, Target::Record { .. }))
    }

    /// The ways in which an event may reach it.
    pub fn ways(&self) -> Ways {
        let polls = match &self.pull {
            None => Polls::None,
            Some(PollPolicy { target: Target::Feed { .. }, .. }) => Polls::Feed,
            Some(PollPolicy { target: Target::Record { .. }, .. }) => Polls::Records,
        };
        Ways { push: self.push.is_some(), polls }
    }

    /// Whether it asks anything of System B's API: it polls, or fetches what thin webhooks name.
    pub fn asks(&self) -> bool {
        self.pull.is_some() || self.push.as_ref().is_some_and(|push| push.receive.fetch.is_some())
    }

    /// Whether its polls ask for compressed answers.
    pub fn is_compressed(&self) -> bool {
        self.pull.as_ref().is_some_and(|pull| pull.compressed)
    }

    /// Whether its poller may ask again for events that it knew before, because its receiver can drop what it had taken.
    pub fn may_go_back(&self) -> bool {
        let drops = |push: &PushSetup| push.receive.fetch.is_some() || !self.faults.crashes().is_empty();
        self.pull.is_some() && self.push.as_ref().is_some_and(drops)
    }
}

impl Setup {
    /// Gives every draw another seed, so that everything that is random goes otherwise.
    pub fn reseed(&mut self, seed: Seed) {
        let Self { seed: own, workload, link, clients, .. } = self;
        (*own, workload.seed, link.seed) = (seed, seed, seed);
        clients.iter_mut().flat_map(|client| &mut client.faults.0).for_each(|fault| fault.reseed(seed));
    }

    /// Which records a client waits for that polls records.
    pub fn watched(&self) -> Watched {
        match &self.workload.lifecycle {
            Some(lifecycle) => Watched::Opened { changes: lifecycle.changes },
            None => Watched::Always { records: self.workload.records },
        }
    }

    /// With how many changes a record is final; none if it never is.
    pub fn changes(&self) -> Option<u32> {
        self.workload.lifecycle.as_ref().map(|lifecycle| lifecycle.changes)
    }

    /// System B as these consumers of a client meet it.
    fn provider(&self, client: &ClientSetup, consumers: Range<u32>) -> Provider {
        let serves = Serves {
            first: consumers.start,
            consumers: consumers.end.saturating_sub(consumers.start),
            feed: client.pull.is_some(),
            keeps: client.may_go_back(),
            overlap: client.overlap(),
            records: client.polls_records(),
            only_records: client.polls_records(),
            changes: self.changes(),
            dispatch: client.push.as_ref().map(|push| &push.dispatch),
        };
        Provider::new(&self.api, self.seed, serves).with_faults(&client.faults)
    }

    /// Whether the consumers of a client share something at System B, so that one's load slows another.
    pub fn is_coupled(&self, client: &ClientSetup) -> bool {
        let shares_api = client.asks() && (self.api.capacity.workers.is_some() || self.api.limits.account.is_some());
        let shares_dispatch = client.push.as_ref().is_some_and(|push| push.dispatch.concurrency.is_some());
        shares_api || shares_dispatch
    }
}

/// What an engine gives back for one client.
#[derive(Clone, Debug)]
pub struct ClientRun {
    /// Its counts.
    pub tally: Tally,
    /// CPU seconds of the threads that play System A and System B, while exchanges were counted; only `live` knows them.
    pub cpu: Option<CpuSeconds>,
    /// What happened in the stretch that was to be told, if any was ([`live::Options::tells`], [`sim::chronicle`]).
    pub chronicle: Option<Chronicle>,
}

/// CPU time by role.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuSeconds {
    /// System B, for all clients together: it is one process with one listener.
    pub provider: f64,
    /// System A with this client.
    pub consumer: f64,
}

/// How a run goes on, for whoever watches it, and whether it should stop.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to stop the run early.
    pub stop: AtomicBool,
    /// Nanoseconds of the run done so far, added over its independent parts.
    pub done: AtomicU64,
    /// Whether `sim` plays every poll, also those of which it is known beforehand that they find nothing. The result is the
    /// same to the last byte.
    pub plays_every_poll: bool,
    /// Whether `sim` plays consumers that share something step by step, all together, where it need not. The result is the
    /// same, but for how many facts were folded after what is counted was over.
    pub plays_together: bool,
    /// How many polls `sim` has left out so far and counted all the same.
    pub leapt: AtomicU64,
}

impl Control {
    /// Whether the run should stop early.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks the run to stop early.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
