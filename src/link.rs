//! The network between System A and System B: what becomes of each crossing, as a verdict.
//!
//! The link decides and somebody else waits: the virtual engine adds the delay to its agenda, the live one sleeps it.

use crate::distribution::Distribution;
use crate::fault::Faults;
use crate::seed::{Draw, Purpose, Seed, Series};
use crate::time::{SECOND, Span, Time};

/// How one direction of an exchange travels.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// The time one way.
    pub latency: Distribution,
    /// The probability that a message is lost, from 0 to 1.
    pub loss: f64,
    /// Bytes a second at which a message is sent; none means that its size costs no time. Messages do not wait for each
    /// other.
    pub bandwidth: Option<u64>,
}

impl Leg {
    /// How long a message of so many bytes takes to be sent, before it travels; rounded up to a nanosecond.
    pub fn sending(&self, bytes: u64) -> Span {
        let Some(bandwidth) = self.bandwidth else { return Span::ZERO };
        let nanos = (u128::from(bytes) * u128::from(SECOND)).div_ceil(u128::from(bandwidth.max(1)));
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// A direction in which the size of a message costs no time.
    pub const fn new(latency: Distribution, loss: f64) -> Self {
        Self { latency, loss, bandwidth: None }
    }
}

/// What opening a connection costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Connections are kept open: nothing.
    Reuse,
    /// Every exchange opens a connection first.
    Each {
        /// How often a message goes there and back before the request can leave: 1 for TCP, 2 with TLS 1.3 on top.
        round_trips: u32,
    },
}

impl Handshake {
    /// A connection for every exchange: TCP takes a round trip before anything can be said (RFC 9293, section 3.5), and TLS
    /// 1.3 another one to agree on keys (RFC 8446, section 2).
    pub const fn each(tls: bool) -> Self {
        Self::Each { round_trips: if tls { 2 } else { 1 } }
    }

    /// How often a message goes there and back before a request can leave.
    pub const fn round_trips(self) -> u32 {
        match self {
            Self::Reuse => 0,
            Self::Each { round_trips } => round_trips,
        }
    }
}

/// A message on its way, for what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Crossing<'a> {
    /// When it leaves.
    pub at: Time,
    /// The consumer whose exchange it belongs to.
    pub consumer: u32,
    /// What the request of that exchange is about ([`crate::peer::Request::subject`]), also for the response to it.
    pub subject: (u64, u64),
    /// Its size on the wire.
    pub bytes: u64,
    /// What is wrong for the client.
    pub faults: &'a Faults,
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It arrives after this time.
    Deliver(Span),
    /// It never arrives, and nobody is told.
    Drop,
}

/// A network that always takes the same time.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    times: [Span; 2],
    loss: [f64; 2],
    losses: [Series; 2],
}

impl Steady {
    /// The time that every request takes and that every response takes.
    #[inline]
    pub const fn times(&self) -> [Span; 2] {
        self.times
    }

    /// Whether neither the request about this subject nor the response to it is lost.
    #[inline]
    pub fn brings(&self, (what, which): (u64, u64)) -> bool {
        let mut legs = self.loss.iter().zip(&self.losses);
        !legs.any(|(loss, losses)| *loss > 0.0 && losses.draw(what, which).chance(*loss))
    }
}

/// Both directions of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The seed of the run.
    pub seed: Seed,
    /// From the opener to the other side.
    pub request: Leg,
    /// Back to the opener.
    pub response: Leg,
    /// What opening a connection costs.
    pub handshake: Handshake,
    /// Whether connections are encrypted. In virtual time only the handshake tells.
    pub tls: bool,
}

impl Link {
    /// A network over which connections are kept open.
    pub const fn new(seed: Seed, request: Leg, response: Leg) -> Self {
        Self { seed, request, response, handshake: Handshake::Reuse, tls: false }
    }

    /// What becomes of a request. Where it has to open a connection first, that is part of its time.
    #[inline]
    pub fn request(&self, crossing: Crossing<'_>) -> Verdict {
        match self.verdict(&self.request, [Purpose::RequestLoss, Purpose::RequestLatency], crossing) {
            Verdict::Deliver(delay) if self.handshake != Handshake::Reuse => {
                Verdict::Deliver(self.opening(crossing) + delay)
            }
            verdict => verdict,
        }
    }

    /// How long the connection for a request takes to open. What a handshake loses the system sends again; that is not
    /// played.
    fn opening(&self, crossing: Crossing<'_>) -> Span {
        let (what, which) = crossing.subject;
        let crossed = |leg: &Leg, purpose, round_trip: u32| {
            let subject = [u64::from(crossing.consumer) | u64::from(round_trip) << 32, what, which];
            leg.latency.sample(self.seed.draw(purpose, subject))
        };
        let opening = (0..self.handshake.round_trips()).fold(Span::ZERO, |sum, round_trip| {
            let there = crossed(&self.request, Purpose::HandshakeRequest, round_trip);
            sum + there + crossed(&self.response, Purpose::HandshakeResponse, round_trip)
        });
        let (_, slowdown) = disturbed(0.0, crossing);
        if slowdown == 1.0 { opening } else { opening.scale(slowdown) }
    }

    /// The shortest time in which a connection can be opened.
    pub fn opening_min(&self) -> Span {
        (self.request.latency.min() + self.response.latency.min()).times(self.handshake.round_trips().into())
    }

    /// A time that the opening of a connection exceeds at most a few times in a million.
    pub fn opening_bound(&self) -> Span {
        (self.request.latency.bound() + self.response.latency.bound()).times(self.handshake.round_trips().into())
    }

    /// The mean time in seconds that a connection takes to open.
    pub fn opening_mean_secs(&self) -> f64 {
        f64::from(self.handshake.round_trips()) * (self.request.latency.mean_secs() + self.response.latency.mean_secs())
    }

    /// The variance of that time in square seconds.
    pub fn opening_variance_secs2(&self) -> f64 {
        let there_and_back = self.request.latency.variance_secs2() + self.response.latency.variance_secs2();
        f64::from(self.handshake.round_trips()) * there_and_back
    }

    /// The time that every request takes and that every response takes, where nothing about that is left to chance and no
    /// size costs time.
    pub fn constant(&self) -> Option<[Span; 2]> {
        let constant = |leg: &Leg| match leg.latency {
            Distribution::Constant(latency) if leg.loss == 0.0 && leg.bandwidth.is_none() => Some(latency),
            _ => None,
        };
        let [there, back] = [constant(&self.request)?, constant(&self.response)?];
        Some([self.opening_min() + there, back])
    }

    /// What becomes of the exchanges of one consumer, where nothing but loss is left to chance and no size costs time.
    pub fn steady(&self, consumer: u32, faults: &Faults) -> Option<Steady> {
        let time = |leg: &Leg| match leg.latency {
            Distribution::Constant(latency) if leg.bandwidth.is_none() => Some(latency),
            _ => None,
        };
        let [there, back] = [time(&self.request)?, time(&self.response)?];
        let losses =
            [Purpose::RequestLoss, Purpose::ResponseLoss].map(|purpose| self.seed.series(purpose, consumer.into()));
        let times = [self.opening_min() + there, back];
        faults.0.is_empty().then_some(Steady { times, loss: [self.request.loss, self.response.loss], losses })
    }

    /// Whether the size of a message costs time in either direction.
    pub fn is_narrow(&self) -> bool {
        self.request.bandwidth.is_some() || self.response.bandwidth.is_some()
    }

    /// What becomes of the response to a request.
    #[inline]
    pub fn response(&self, crossing: Crossing<'_>) -> Verdict {
        self.verdict(&self.response, [Purpose::ResponseLoss, Purpose::ResponseLatency], crossing)
    }

    #[inline]
    fn verdict(&self, leg: &Leg, purposes: [Purpose; 2], crossing: Crossing<'_>) -> Verdict {
        if let Distribution::Constant(latency) = leg.latency
            && leg.bandwidth.is_none()
            && crossing.faults.0.is_empty()
        {
            // At most the loss is left to chance.
            let is_lost = leg.loss > 0.0 && self.draw(purposes[0], &crossing).chance(leg.loss);
            return if is_lost { Verdict::Drop } else { Verdict::Deliver(latency) };
        }
        self.drawn(leg, purposes, crossing)
    }

    #[inline]
    fn draw(&self, purpose: Purpose, crossing: &Crossing<'_>) -> Draw {
        let (what, which) = crossing.subject;
        self.seed.draw(purpose, [crossing.consumer.into(), what, which])
    }

    fn drawn(&self, leg: &Leg, purposes: [Purpose; 2], crossing: Crossing<'_>) -> Verdict {
        let draw = |purpose| self.draw(purpose, &crossing);
        let (loss, slowdown) = disturbed(leg.loss, crossing);
        if loss > 0.0 && draw(purposes[0]).chance(loss) {
            return Verdict::Drop;
        }
        let latency = match leg.latency {
            Distribution::Constant(latency) => latency,
            ref latency => latency.sample(draw(purposes[1])),
        };
        let latency = if slowdown == 1.0 { latency } else { latency.scale(slowdown) };
        Verdict::Deliver(latency + leg.sending(crossing.bytes))
    }
}

/// The probability with which a message is lost that would be lost with this one, and how many times as long it travels.
fn disturbed(loss: f64, Crossing { at, consumer, faults, .. }: Crossing<'_>) -> (f64, f64) {
    if faults.0.is_empty() {
        return (loss, 1.0);
    }
    let loss = match faults.network_loss(at, consumer) {
        // Not a rounding error more than without the fault.
        0.0 => loss,
        more => 1.0 - (1.0 - loss) * (1.0 - more),
    };
    (loss, faults.network_slowdown(at, consumer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, FaultKind};
    use crate::peer::Request;

    const fn poll(poll: u32, page: u32) -> Request {
        Request::Poll { after: 0, limit: 1, poll, page, hold: Span::ZERO, tag: None }
    }

    fn crossing(consumer: u32, request: &Request) -> Crossing<'static> {
        const NONE: &Faults = &Faults(Vec::new());
        Crossing { at: Time::ZERO, consumer, subject: request.subject(), bytes: 0, faults: NONE }
    }

    #[test]
    fn losses_come_as_often_as_asked_and_each_direction_by_itself() {
        let leg = |loss| Leg::new(Distribution::Constant(Span::from_millis(20)), loss);
        let link = Link::new(Seed::new(4), leg(0.05), leg(0.2));
        let lost = |poll: &Request| {
            [link.request(crossing(0, poll)), link.response(crossing(0, poll))].map(|verdict| verdict == Verdict::Drop)
        };
        let n = 40_000u32;
        let lost_requests = (0..n).filter(|&i| lost(&poll(i, 0))[0]).count() as f64;
        let lost_both = (0..n).filter(|&i| lost(&poll(i, 0)) == [true, true]).count() as f64;
        let n = f64::from(n);
        assert!((lost_requests - 0.05 * n).abs() < 4.0 * (0.05 * 0.95 * n).sqrt());
        assert!((lost_both - 0.01 * n).abs() < 4.0 * (0.01 * 0.99 * n).sqrt());
    }

    #[test]
    fn a_fault_loses_more_of_the_same_messages_and_slows_the_others_down_while_it_lasts() {
        let leg = Leg::new(Distribution::Constant(Span::from_millis(20)), 0.05);
        let link = Link::new(Seed::new(4), leg.clone(), leg);
        let at = |seconds| Time::ZERO + Span::from_secs(seconds);
        let fault = |kind| Fault::new(kind, at(10), at(20));
        let faults =
            Faults(vec![fault(FaultKind::NetworkLoss { loss: 0.3 }), fault(FaultKind::NetworkSlow { factor: 10.0 })]);
        let verdict = |i, seconds| {
            let request = poll(i, 0);
            link.request(Crossing { at: at(seconds), faults: &faults, ..crossing(0, &request) })
        };
        let n = 40_000u32;
        let mut lost = 0.0;
        for i in 0..n {
            let quiet = verdict(i, 9);
            assert_eq!(quiet, verdict(i, 20), "the end is no part of it");
            assert_eq!(quiet, link.request(crossing(0, &poll(i, 0))));
            match (quiet, verdict(i, 10)) {
                (Verdict::Drop, disturbed) => assert_eq!(disturbed, Verdict::Drop, "luck does not turn"),
                (Verdict::Deliver(_), Verdict::Deliver(span)) => assert_eq!(span, Span::from_millis(200)),
                (Verdict::Deliver(_), Verdict::Drop) => {}
            }
            lost += f64::from(u8::from(verdict(i, 10) == Verdict::Drop));
        }
        let (n, p) = (f64::from(n), 1.0 - 0.95 * 0.7);
        assert!((lost - p * n).abs() < 4.0 * (p * (1.0 - p) * n).sqrt(), "{lost}");
    }

    #[test]
    fn a_certain_loss_is_certain_and_no_loss_is_none() {
        let leg = |loss| Leg::new(Distribution::ZERO, loss);
        let link = Link::new(Seed::new(4), leg(1.0), leg(0.0));
        for i in 0..1_000 {
            assert_eq!(link.request(crossing(i, &poll(i, 0))), Verdict::Drop);
            assert_eq!(link.response(crossing(i, &poll(i, 0))), Verdict::Deliver(Span::ZERO));
        }
    }
}
