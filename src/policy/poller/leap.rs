//! Polls that will find nothing, foreseen all at once instead of made one by one.

use crate::peer::{Exchange, Request, Response};
use crate::policy::numbers::Numbers;
use crate::policy::poller::{Poller, Target};
use crate::time::{Span, Time};

/// The polls that will leave one after the other as long as each brings nothing, always after the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The exchange of the first. Those that follow have the next numbers.
    pub first: Exchange,
    /// When the first leaves.
    pub leaves: Time,
    /// From one to the next; above zero.
    pub every: Span,
    /// What the first asks. Those that follow ask the same and differ in the number of the poll alone.
    pub request: Request,
    /// How many of them there are at most.
    pub count: u32,
    /// Places on the schedule from one to the next: more than one where polls fall due while another is open.
    places: u32,
}

impl Poller {
    /// The polls that follow if each is answered with nothing, and comes to its end after `round_trip`. None where that is
    /// not a plain row: one is open, what a poll brings changes the next, or chance decides when it leaves.
    pub(in crate::policy) fn row(&self, round_trip: Span, numbers: &Numbers) -> Option<Row> {
        let is_plain = matches!(self.policy.target, Target::Feed { overlap: Span::ZERO });
        if self.open.is_some() || !is_plain || round_trip > self.policy.timeout {
            return None;
        }
        let (places, every) = self.schedule.rhythm(round_trip)?;
        let (poll, leaves) = self.schedule.slot();
        let after = self.cursor.start();
        let tag = self.cursor.tag(after).filter(|_| self.policy.conditional);
        // The answer to a first poll without a tag tells the one of the next.
        if self.policy.conditional && tag.is_none() {
            return None;
        }
        let first = numbers.peek();
        let request = Request::Poll { after, limit: self.policy.page, poll, page: 0, hold: Span::ZERO, tag };
        let count = (u32::MAX - first.serial).min((u32::MAX - poll) / places.max(1));
        Some(Row { first, leaves, every, request, count, places })
    }

    /// So many polls of a row have left and have all been answered like this.
    pub(in crate::policy) fn pass(&mut self, row: &Row, count: u32, answer: &Response, numbers: &mut Numbers) {
        numbers.skip(count);
        self.schedule.skip(count.saturating_mul(row.places), row.every.times(count.into()));
        if let (Request::Poll { after, .. }, Response::Page { tag, .. }) = (&row.request, answer) {
            self.cursor.take(*after, &[], Some(*tag));
        }
    }
}
