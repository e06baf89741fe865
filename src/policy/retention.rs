//! How long the API keeps an event, watched for the feeds of many consumers at once.

use crate::deadlines::Deadlines;
use crate::peer::{Event, Sink};
use crate::policy::feed::Feed;
use crate::time::{Span, Time};

/// Whether the API still has an event at this instant: while it is younger than what is kept. None means for ever.
pub(super) fn is_kept(kept: Option<Span>, event: &Event, at: Time) -> bool {
    kept.is_none_or(|kept| at < event.occurred_at + kept)
}

/// When which feed has something that is too old.
///
/// A feed is looked at when the event is too old that was its oldest at the look before, whether that one is still there or
/// not. So polls that take events out of feeds cost nothing here, and each feed has one entry at most.
#[derive(Debug)]
pub(super) struct Retention {
    kept: Span,
    /// Whether a look at each feed is due some time.
    watched: Vec<bool>,
    looks: Deadlines,
    /// The first look that is due.
    next: Option<(Time, u32)>,
}

impl Retention {
    /// A watch over so many empty feeds, each of which keeps events for so long.
    pub(super) fn new(kept: Span, feeds: usize) -> Self {
        Self { kept, watched: vec![false; feeds], looks: Deadlines::new(feeds), next: None }
    }

    /// A feed has a new event.
    pub(super) fn published(&mut self, feed: u32, event: &Event) {
        if let Some(watched) = self.watched.get_mut(feed as usize).filter(|watched| !**watched) {
            *watched = true;
            self.looks.set(feed, Some(event.occurred_at + self.kept));
            self.next = self.looks.earliest();
        }
    }

    /// Has the feeds forget what is too old by now.
    pub(super) fn act(&mut self, now: Time, feeds: &mut [Feed], out: &mut impl Sink) {
        while let Some((_, index)) = self.next.filter(|(at, _)| *at <= now) {
            let mut look = None;
            if let Some(feed) = feeds.get_mut(index as usize) {
                feed.forget_old(self.kept, now, out);
                look = feed.oldest().map(|oldest| oldest.occurred_at + self.kept);
            }
            if let Some(watched) = self.watched.get_mut(index as usize) {
                *watched = look.is_some();
            }
            self.looks.set(index, look);
            self.next = self.looks.earliest();
        }
    }

    /// When the next feed is to be looked at.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Time> {
        self.next.map(|(at, _)| at)
    }
}
