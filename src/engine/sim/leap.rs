//! Leaping: polls that cannot find anything are counted all at once instead of being played one by one.
//!
//! Polls are left out only where each of them would be the same but for its number and its time, from the moment it leaves
//! until its answer is back, and only if the last is back before the next thing happens to the cell. So whatever is counted
//! is the same to the last bit as if each had been played.

use super::Cell;
use crate::distribution::Distribution;
use crate::engine::{ClientSetup, Control, Setup};
use crate::measure::ledger::{InVain, Ledger};
use crate::peer::{Peer, Response, Side};
use crate::policy::poller::{Jitter, PollPolicy, Strategy, Target};
use crate::policy::provider::ApiLimits;
use crate::time::{Span, Time};
use crate::wire::Wire;

/// How long a poll takes where that is always the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaps {
    /// From when it leaves until it is served.
    there: Span,
    /// From when it leaves until its answer is back.
    round_trip: Span,
}

impl Leaps {
    /// None where every poll has to be played: chance or another consumer decides what becomes of it, or every one changes
    /// something.
    pub(super) fn new(setup: &Setup, client: &ClientSetup, control: &Control) -> Option<Self> {
        let PollPolicy { strategy: Strategy::Fixed, jitter: Jitter::None, .. } = client.pull.as_ref()? else {
            return None;
        };
        let Some(PollPolicy { target: Target::Feed { overlap: Span::ZERO }, .. }) = client.pull else { return None };
        let Setup { link, api, .. } = setup;
        let is_lossless = link.request.loss == 0.0 && link.response.loss == 0.0;
        let is_unlimited = api.limits == ApiLimits::NONE && api.capacity.workers.is_none();
        if control.plays_every_poll || !is_lossless || link.is_narrow() || !is_unlimited || setup.is_coupled(client) {
            return None;
        }
        let times = (&link.request.latency, &api.service_time, &link.response.latency);
        let (Distribution::Constant(up), Distribution::Constant(service), Distribution::Constant(down)) = times else {
            return None;
        };
        let there = link.opening_min() + *up;
        Some(Self { there, round_trip: there + *service + *down })
    }
}

impl Cell<'_> {
    /// Leaves out the polls from now on that find nothing, as far as nothing else happens. False if there are none.
    pub(super) fn leap(&mut self, ledger: &mut Ledger<'_>) -> bool {
        let Some(Leaps { there, round_trip }) = self.leaps else { return false };
        // Mostly it is the poll that will find something, and that is quickly said.
        let foreseen = self.consumers[0].foresee_poll();
        if foreseen.is_none_or(|poll| self.provider.has_news(self.traffic.first, poll.after)) {
            return false;
        }
        let Some(until) = self.quiet_until() else { return false };
        let [consumer] = self.consumers.as_mut_slice() else { return false };
        let quiet = |until: Time| until.since(self.traffic.now + round_trip).as_nanos();
        let until = consumer.quiet_until().map_or(until, |own| own.min(until));
        if quiet(until) == 0 {
            return false;
        }
        let Some(row) = consumer.row(round_trip).filter(|row| row.leaves == self.traffic.now) else { return false };
        // The last answer is back before, not just then.
        let fitting = (quiet(until) - 1) / row.every.as_nanos() + 1;
        let count = u32::try_from(fitting).unwrap_or(u32::MAX).min(row.count).min(Wire::alike_from(row.first));
        let is_idle = self.traffic.flights[0][Side::Consumer as usize].is_empty();
        if count == 0 || !is_idle {
            return false;
        }
        let Some(answer) = self.provider.answer_in_vain(self.traffic.now + there, row.first, &row.request) else {
            return false;
        };
        consumer.pass(&row, count, &answer);
        self.wakes.set(0, consumer.deadline());
        self.traffic.flights[0][Side::Consumer as usize].skip_many(count);
        ledger.polled_in_vain(&InVain {
            first: row.first,
            leaves: self.traffic.now,
            every: row.every,
            count,
            there,
            is_known: matches!(answer, Response::NotModified { .. }),
            request: self.traffic.wire.request_size(row.first, &row.request),
            response: self.traffic.wire.response_size(&answer),
        });
        self.leapt += u64::from(count);
        true
    }

    /// Until when nothing happens to the cell but its consumer's own doing, and nothing changes in what is counted. None if
    /// that is not known.
    fn quiet_until(&mut self) -> Option<Time> {
        let (now, frame) = (self.traffic.now, self.traffic.setup.frame);
        let boundary = [frame.warmup, frame.duration].into_iter().find(|boundary| now < *boundary)?;
        let mut until = boundary.min(frame.end);
        for fault in &self.traffic.faults.0 {
            if fault.from > now {
                until = until.min(fault.from);
            } else if fault.until > now {
                return None;
            }
        }
        let forgery = self.attack.as_mut().and_then(|attack| attack.next()).map(|(at, _)| at);
        let others = [
            self.occurrences.earliest().map(|(at, _)| at),
            self.openers.next().map(|(at, _)| at),
            self.traffic.agenda.next_at().map(|(at, _)| at),
            self.provider.deadline(),
            self.crashes.last().map(|(at, _)| *at),
            forgery,
        ];
        others.into_iter().flatten().min().map_or(Some(until), |at| Some(at.min(until)))
    }
}
