//! The network between System A and System B: what becomes of each crossing, as a verdict.
//!
//! The link decides and somebody else waits: the virtual engine adds the delay to its agenda, the live one sleeps it.

use crate::distribution::Distribution;
use crate::peer::Request;
use crate::seed::{Purpose, Seed};
use crate::time::Span;

/// How one direction of an exchange travels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// The time one way.
    pub latency: Distribution,
    /// The probability that a message is lost, from 0 to 1.
    pub loss: f64,
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The seed of the run.
    pub seed: Seed,
    /// From the opener to the other side.
    pub request: Leg,
    /// Back to the opener.
    pub response: Leg,
}

impl Link {
    /// What becomes of a request of a consumer's client.
    pub fn request(&self, consumer: u32, request: &Request) -> Verdict {
        self.verdict(self.request, [Purpose::RequestLoss, Purpose::RequestLatency], consumer, request)
    }

    /// What becomes of the response to a request.
    pub fn response(&self, consumer: u32, request: &Request) -> Verdict {
        self.verdict(self.response, [Purpose::ResponseLoss, Purpose::ResponseLatency], consumer, request)
    }

    fn verdict(&self, leg: Leg, purposes: [Purpose; 2], consumer: u32, request: &Request) -> Verdict {
        let draw = |purpose| {
            let (what, which) = request.subject();
            self.seed.draw(purpose, [consumer.into(), what, which])
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
        Request::Poll { after: 0, limit: 1, poll, page }
    }

    #[test]
    fn losses_come_as_often_as_asked_and_each_direction_by_itself() {
        let leg = |loss| Leg { latency: Distribution::Constant(Span::from_millis(20)), loss };
        let link = Link { seed: Seed::new(4), request: leg(0.05), response: leg(0.2) };
        let n = 40_000u32;
        let lost_requests = (0..n).filter(|&i| link.request(0, &poll(i, 0)) == Verdict::Drop).count() as f64;
        let lost_both = (0..n)
            .filter(|&i| {
                link.request(0, &poll(i, 0)) == Verdict::Drop && link.response(0, &poll(i, 0)) == Verdict::Drop
            })
            .count() as f64;
        let n = f64::from(n);
        assert!((lost_requests - 0.05 * n).abs() < 4.0 * (0.05 * 0.95 * n).sqrt());
        assert!((lost_both - 0.01 * n).abs() < 4.0 * (0.01 * 0.99 * n).sqrt());
    }

    #[test]
    fn a_certain_loss_is_certain_and_no_loss_is_none() {
        let leg = |loss| Leg { latency: Distribution::ZERO, loss };
        let link = Link { seed: Seed::new(4), request: leg(1.0), response: leg(0.0) };
        for i in 0..1_000 {
            assert_eq!(link.request(i, &poll(i, 0)), Verdict::Drop);
            assert_eq!(link.response(i, &poll(i, 0)), Verdict::Deliver(Span::ZERO));
        }
    }
}
