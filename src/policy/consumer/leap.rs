//! A consumer of which nothing is to be expected but polls that find nothing.

use crate::peer::Response;
use crate::policy::consumer::Consumer;
use crate::policy::poller::{Poller, Row};
use crate::time::{Span, Time};

impl Consumer {
    /// The polls that follow if each is answered with nothing, and ends after `round_trip`. What has to happen before
    /// [`Self::quiet_until`] is up to whoever leaves them out.
    pub fn row(&self, round_trip: Span) -> Option<Row> {
        self.poller.as_ref()?.row(round_trip, &self.numbers)
    }

    /// Until when it does nothing by itself but poll; none if for good.
    pub fn quiet_until(&self) -> Option<Time> {
        let receiver = self.receiver.as_ref().and_then(|receiver| receiver.deadline());
        [self.outages.next(), receiver, self.pages.deadline()].into_iter().flatten().min()
    }

    /// So many polls of a row have left, and have all been answered like this.
    pub fn pass(&mut self, row: &Row, count: u32, answer: &Response) {
        if let Some(poller) = &mut self.poller {
            Poller::pass(poller, row, count, answer, &mut self.numbers);
        }
    }
}
