//! Polls that will find nothing, foreseen all at once instead of made one by one.

use crate::peer::{Exchange, Request, Response, Tag};
use crate::policy::numbers::Numbers;
use crate::policy::poller::{Foreseen, Poller, Target};
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
    rhythm: Rhythm,
}

/// How polls follow one another as long as each brings nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From one to the next; above zero.
    pub every: Span,
    /// Places on the schedule from one to the next: more than one where polls fall due while another is open. Above zero.
    places: u32,
}

impl Rhythm {
    /// How many polls leave before an instant, the foreseen one first, if each brings nothing.
    #[inline]
    pub fn polls_before(&self, until: Time, first: &Foreseen) -> u32 {
        let ahead = until.since(first.due).as_nanos();
        let polls = if ahead == 0 { 0 } else { (ahead - 1) / self.every.as_nanos().max(1) + 1 };
        u32::try_from(polls).unwrap_or(u32::MAX).min(self.most(first.exchange, first.poll))
    }

    /// How many polls there are at most, that of this exchange and of this place on the schedule first, before numbers run out.
    #[inline]
    fn most(&self, exchange: Exchange, poll: u32) -> u32 {
        let places = u32::MAX - poll;
        (u32::MAX - exchange.serial).min(if self.places == 1 { places } else { places / self.places })
    }
}

impl Poller {
    /// How polls follow one another as long as each brings nothing, and comes to its end after `round_trip`. None where that is
    /// not always the same: what a poll brings changes the next, or chance decides when it leaves.
    #[inline]
    pub(in crate::policy) fn rhythm(&self, round_trip: Span) -> Option<Rhythm> {
        let is_plain = matches!(self.policy.target, Target::Feed { overlap: Span::ZERO });
        if !is_plain || round_trip > self.policy.timeout {
            return None;
        }
        let (places, every) = self.schedule.rhythm(round_trip)?;
        Some(Rhythm { every, places: places.max(1) })
    }

    /// The polls that follow if each is answered with nothing, and comes to its end after `round_trip`. None where that is
    /// not a plain row: one is open, what a poll brings changes the next, or chance decides when it leaves.
    pub(in crate::policy) fn row(&self, round_trip: Span, numbers: &Numbers) -> Option<Row> {
        let rhythm = self.rhythm(round_trip).filter(|_| self.open.is_none())?;
        let (poll, leaves) = self.schedule.slot();
        let after = self.cursor.start();
        let tag = self.cursor.tag(after).filter(|_| self.policy.conditional);
        // The answer to a first poll without a tag tells the one of the next.
        if self.policy.conditional && tag.is_none() {
            return None;
        }
        let first = numbers.peek();
        let request = Request::Poll { after, limit: self.policy.page, poll, page: 0, hold: Span::ZERO, tag };
        Some(Row { first, leaves, every: rhythm.every, request, count: rhythm.most(first, poll), rhythm })
    }

    /// So many polls of a row have left and have all been answered like this.
    pub(in crate::policy) fn pass(&mut self, row: &Row, count: u32, answer: &Response, numbers: &mut Numbers) {
        self.skip(row.rhythm, count, numbers);
        if let (Request::Poll { after, .. }, Response::Page { tag, .. }) = (&row.request, answer) {
            self.cursor.take_nothing(*after, *tag);
        }
    }

    /// So many polls, the foreseen one first, have left and have brought nothing; the answers told this state.
    #[inline]
    pub(in crate::policy) fn polled_in_vain(
        &mut self,
        rhythm: Rhythm,
        (first, count): (&Foreseen, u32),
        tag: Tag,
        numbers: &mut Numbers,
    ) {
        self.skip(rhythm, count, numbers);
        self.cursor.take_nothing(first.after, tag);
    }

    #[inline]
    fn skip(&mut self, rhythm: Rhythm, count: u32, numbers: &mut Numbers) {
        numbers.skip(count);
        self.schedule.skip(count.saturating_mul(rhythm.places), rhythm.every.times(count.into()));
    }
}
