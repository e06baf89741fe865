//! The network between System A and System B: what becomes of each crossing, as a verdict.
//!
//! The link decides and somebody else waits: the virtual engine adds the delay to its agenda, the live one sleeps it.

use crate::distribution::Distribution;
use crate::fault::Faults;
use crate::peer::Request;
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

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

/// A message on its way, for what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Crossing<'a> {
    /// When it leaves.
    pub at: Time,
    /// The consumer whose exchange it belongs to.
    pub consumer: u32,
    /// The request of that exchange, also for the response to it.
    pub request: &'a Request,
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
}

impl Link {
    /// A network over which connections are kept open.
    pub const fn new(seed: Seed, request: Leg, response: Leg) -> Self {
        Self { seed, request, response, handshake: Handshake::Reuse }
    }

    /// What becomes of a request.
    pub fn request(&self, crossing: Crossing<'_>) -> Verdict {
        self.verdict(&self.request, [Purpose::RequestLoss, Purpose::RequestLatency], crossing)
    }

    /// What becomes of the response to a request.
    pub fn response(&self, crossing: Crossing<'_>) -> Verdict {
        self.verdict(&self.response, [Purpose::ResponseLoss, Purpose::ResponseLatency], crossing)
    }

    fn verdict(&self, leg: &Leg, purposes: [Purpose; 2], crossing: Crossing<'_>) -> Verdict {
        let draw = |purpose| {
            let (what, which) = crossing.request.subject();
            self.seed.draw(purpose, [crossing.consumer.into(), what, which])
        };
        if leg.loss > 0.0 && draw(purposes[0]).chance(leg.loss) {
            return Verdict::Drop;
        }
        match leg.latency {
            Distribution::Constant(latency) => Verdict::Deliver(latency),
            ref latency => Verdict::Deliver(latency.sample(draw(purposes[1]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn poll(poll: u32, page: u32) -> Request {
        Request::Poll { after: 0, limit: 1, poll, page, hold: Span::ZERO, tag: None }
    }

    fn crossing(consumer: u32, request: &Request) -> Crossing<'_> {
        const NONE: &Faults = &Faults(Vec::new());
        Crossing { at: Time::ZERO, consumer, request, bytes: 0, faults: NONE }
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
    fn a_certain_loss_is_certain_and_no_loss_is_none() {
        let leg = |loss| Leg::new(Distribution::ZERO, loss);
        let link = Link::new(Seed::new(4), leg(1.0), leg(0.0));
        for i in 0..1_000 {
            assert_eq!(link.request(crossing(i, &poll(i, 0))), Verdict::Drop);
            assert_eq!(link.response(crossing(i, &poll(i, 0))), Verdict::Deliver(Span::ZERO));
        }
    }
}
