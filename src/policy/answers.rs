//! What System B's API answers: the feeds of its consumers, the state of their records, single events.

use crate::peer::{Advice, Event, Exchange, Request, Response, Sink, Tag};
use crate::policy::feed::Feed;
use crate::policy::provider::{ApiPolicy, Serves};
use crate::policy::retention::{Retention, is_kept};
use crate::time::{Span, Time};

const NOT_FOUND: u16 = 404;

/// All that can be asked for.
pub(super) struct Answers {
    first: u32,
    feeds: Vec<Feed>,
    /// The most events in one answer.
    page: u32,
    /// Nobody asks for anything but single records.
    only_records: bool,
    /// With how many events a record is final.
    changes: Option<u32>,
    /// How long an event is kept.
    kept: Option<Span>,
    retention: Option<Retention>,
}

impl Answers {
    /// Nothing has happened yet.
    pub(super) fn new(api: &ApiPolicy, serves: &Serves<'_>) -> Self {
        let feeds = if serves.feed { serves.consumers } else { 0 };
        let feed = || Feed::new(serves.records, serves.keeps).with_overlap(serves.overlap);
        Self {
            first: serves.first,
            feeds: (0..feeds).map(|_| feed()).collect(),
            page: api.page,
            only_records: serves.only_records,
            changes: serves.changes,
            kept: api.retention,
            retention: api.retention.map(|kept| Retention::new(kept, feeds as usize)),
        }
    }

    /// Whether there is no feed.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    /// Whether events are forgotten only once a cursor has passed them, and nobody asks for single records.
    pub(super) fn only_forget_what_is_known(&self) -> bool {
        self.kept.is_none() && !self.only_records && self.feeds.iter().all(Feed::only_forgets_what_is_known)
    }

    /// The feed of a consumer.
    #[inline]
    pub(super) fn feed(&mut self, consumer: u32) -> Option<&mut Feed> {
        self.feeds.get_mut(consumer.checked_sub(self.first)? as usize)
    }

    /// Something has changed.
    #[inline]
    pub(super) fn publish(&mut self, event: &Event) {
        let Some(index) = event.consumer.checked_sub(self.first) else { return };
        let Some(feed) = self.feeds.get_mut(index as usize) else { return };
        feed.publish(*event);
        if self.only_records {
            feed.forget_log();
        } else if let Some(retention) = &mut self.retention {
            retention.published(index, event);
        }
    }

    /// Forgets what is too old by now.
    #[inline]
    pub(super) fn act(&mut self, now: Time, out: &mut impl Sink) {
        if let Some(retention) = &mut self.retention {
            retention.act(now, &mut self.feeds, out);
        }
    }

    /// When something will be too old.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Time> {
        self.retention.as_ref().and_then(Retention::deadline)
    }

    /// Whether a poll of a consumer's feed from this cursor on would bring nothing.
    pub(super) fn is_up_to_date(&self, consumer: u32, after: u32) -> bool {
        let feed = consumer.checked_sub(self.first).and_then(|index| self.feeds.get(index as usize));
        feed.is_some_and(|feed| feed.tag().0 <= after)
    }

    /// The answer to a request at the instant of sampling.
    #[inline]
    pub(super) fn to(&mut self, at: Time, exchange: Exchange, request: &Request, out: &mut impl Sink) -> Response {
        let index = exchange.consumer.checked_sub(self.first);
        let feed = index.and_then(|index| self.feeds.get_mut(index as usize));
        match (feed, request) {
            (Some(feed), Request::Poll { tag: Some(tag), .. }) if *tag == feed.tag() => {
                Response::NotModified { advice: Advice::default() }
            }
            (Some(feed), Request::Record { record, tag: Some(tag), .. }) if *tag == record_tag(feed, *record) => {
                Response::NotModified { advice: Advice::default() }
            }
            (Some(feed), Request::Poll { after, limit, .. }) => {
                if let Some(kept) = self.kept {
                    feed.forget_old(kept, at, out);
                }
                let (events, has_more) = feed.page(*after, page_of(*limit, self.page));
                Response::Page { events, has_more, tag: feed.tag(), advice: Advice::default() }
            }
            (Some(feed), Request::Record { record, .. }) => {
                let newest = feed.record(*record);
                Response::Record {
                    event: newest.map(|(event, _)| event),
                    is_final: newest.is_some_and(|(_, count)| self.changes == Some(count)),
                    tag: record_tag(feed, *record),
                    advice: Advice::default(),
                }
            }
            (_, Request::Fetch { event, .. }) if is_kept(self.kept, event, at) => Response::Event(*event),
            (None, _) | (_, Request::Fetch { .. } | Request::Delivery { .. }) => Response::refused(NOT_FOUND),
        }
    }
}

/// The most events that the answer to a poll with this limit holds, where no answer holds more than `page`.
#[inline]
pub(super) fn page_of(limit: u32, page: u32) -> u32 {
    limit.clamp(1, page)
}

/// The state of a record.
fn record_tag(feed: &Feed, record: u32) -> Tag {
    Tag(feed.record(record).map_or(0, |(event, _)| event.serial))
}
