//! Consumers that share something of which there is always enough, each played by itself.
//!
//! A provider with a hundred workers that never serves more than ten requests at once answers everybody as if there were no
//! limit. Whether it is so is known only afterwards: so each consumer is played as one who shares nothing, on as many threads
//! as there are, and what its exchanges used is kept. If there may have been too many at once at any time, none of it holds,
//! and all have to be played together.

use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::usage::{Usage, Usages};
use super::{CHUNK, Cell, play_each};
use crate::engine::{ClientSetup, Control, Setup};
use crate::measure::ledger::Ledger;
use crate::measure::tally::{Frame, Tally};
use crate::policy::poller::{PollPolicy, Strategy};
use crate::time::Time;

/// What is shared, if nothing is but how many exchanges may take part at the same time; none where it is something else, or
/// where what becomes of one consumer once it knows all depends on how long the others go on.
fn shared(setup: &Setup, client: &ClientSetup) -> Option<Usages> {
    let is_plain = client.faults.0.is_empty() && !client.polls_records();
    let is_metered = client.asks() && setup.api.limits.account.is_some();
    if !setup.is_coupled(client) || !is_plain || is_metered {
        return None;
    }
    let usage = |limit| Usage::new(limit, setup.frame.end.max(setup.frame.duration));
    let workers = setup.api.capacity.workers.filter(|_| client.asks());
    let webhooks = client.push.as_ref().and_then(|push| push.dispatch.concurrency);
    Some(Usages::of(workers.map(usage), webhooks.map(usage), horizon(setup, client)))
}

/// How long a consumer is followed once it knows all. It polls as long as another does not; two intervals are more than the
/// last mostly needs, and if it is not enough all are played together.
fn horizon(setup: &Setup, client: &ClientSetup) -> Time {
    let Frame { duration, end, .. } = setup.frame;
    match &client.pull {
        None => end.max(duration),
        Some(PollPolicy { every, strategy: Strategy::LongPoll { hold }, .. }) => duration + every.max(hold).times(2),
        Some(PollPolicy { every, .. }) => duration + every.times(2),
    }
}

impl Cell<'_> {
    /// Goes on with a consumer that knows all, for what it still uses of what it shares with others. What becomes of it is
    /// taken down in books that nobody reads.
    pub(super) fn run_on(&mut self, mut ledger: Ledger<'_>, control: &Control) {
        let frame = self.traffic.setup.frame;
        let settled = self.traffic.now.max(frame.duration);
        let horizon = self.traffic.usages.horizon.max(settled);
        self.over_from = horizon;
        let known = loop {
            self.deliver_straight(&mut ledger);
            match self.next() {
                Some((at, next)) if at <= horizon.min(frame.end) && !control.is_stopped() => {
                    self.traffic.now = at;
                    self.take(next, &mut ledger);
                }
                Some((at, _)) if at <= frame.end => break horizon,
                _ => break Time::NEVER,
            }
        };
        self.traffic.usages.followed(settled, known);
        self.traffic.note_unfinished(frame.end.max(frame.duration));
    }
}

/// Plays the consumers of a client that share something as if they did not. None if that may have made a difference to
/// anything; then nothing has been done.
pub(super) fn apart(setup: &Setup, client: usize, control: &Control) -> Option<Tally> {
    if control.plays_together {
        return None;
    }
    let shared = shared(setup, setup.clients.get(client)?)?;
    let empty = || (Tally::default(), shared.clone());
    let play = |(mut tally, mut used): (Tally, Usages), consumers: Range<u32>| {
        if !used.are_exceeded() {
            play_each(setup, client, consumers, (&mut tally, &mut used), control);
        }
        (tally, used)
    };
    let merge = |(mut tally, mut used): (Tally, Usages), (more, others): (Tally, Usages)| {
        tally.merge(more);
        used.merge(&others);
        (tally, used)
    };
    let [leapt, done] = [&control.leapt, &control.done].map(|counter| counter.load(Ordering::Relaxed));
    let starts = (0..setup.consumers).into_par_iter().step_by(CHUNK as usize);
    let chunks = starts.map(|first| first..first.saturating_add(CHUNK).min(setup.consumers));
    let (tally, used) = chunks.fold(empty, play).reduce(empty, merge);
    if !used.are_exceeded() {
        return Some(tally);
    }
    // It has not come as far as it seemed.
    control.leapt.store(leapt, Ordering::Relaxed);
    control.done.store(done, Ordering::Relaxed);
    None
}
