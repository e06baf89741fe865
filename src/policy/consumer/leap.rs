//! A consumer of which nothing is to be expected but polls that find nothing.

use crate::peer::{Response, Tag};
use crate::policy::consumer::Consumer;
use crate::policy::poller::{Foreseen, Poller, Rhythm, Row};
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

    /// How the polls of one who only polls follow one another as long as each is answered with nothing, and ends after
    /// `round_trip`; none where that is not always the same.
    pub fn rhythm(&self, round_trip: Span) -> Option<Rhythm> {
        self.poller.as_ref()?.rhythm(round_trip)
    }

    /// So many polls of one who only polls, the foreseen one first, have left in this rhythm and have found nothing; the
    /// answers told this state.
    #[inline]
    pub fn polled_in_vain(&mut self, rhythm: Rhythm, polls: (&Foreseen, u32), tag: Tag) {
        if let Some(poller) = &mut self.poller {
            Poller::polled_in_vain(poller, rhythm, polls, tag, &mut self.numbers);
        }
    }
}
