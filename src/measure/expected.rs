//! Which events may still reach a client.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use crate::peer::{Event, LossCause};
use crate::time::Time;
use crate::window::Window;

/// The ways in which an event may reach a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// By webhooks.
    pub push: bool,
    /// By polls.
    pub polls: Polls,
}

/// What polls may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polls {
    /// There are none.
    None,
    /// Every event, sooner or later.
    Feed,
    /// The newest event of a record, while the record is asked for.
    Records,
}

/// Serials of the events of one attempt.
type Serials = SmallVec<[u32; 2]>;

/// An attempt of which something may still be learnt.
#[derive(Clone, Debug, Default)]
struct Attempt {
    events: Serials,
    /// The receiver has dealt with it, or never will.
    settled: bool,
    /// It has ended for the dispatcher.
    ended: bool,
}

/// An event that a client has not seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// When it occurred.
    pub occurred_at: Time,
    /// The consumer it concerns.
    pub consumer: u32,
    /// The record it belongs to.
    pub record: u32,
    /// Whether it occurred in the measured stretch.
    pub counted: bool,
    /// System A has it and will handle it.
    taken: bool,
    /// Attempts that may still bring it.
    unsettled: u32,
    /// Why and when the dispatcher gave up on it.
    given_up: Option<(LossCause, Time)>,
    /// Why and since when no answer that is still to be made holds it, and how many requests System A had sent by then: the
    /// answer to an earlier one may hold it still.
    unpollable: Option<(LossCause, Time, u32)>,
}

/// An event that can no longer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub cause: LossCause,
    /// When the last way was closed on which it could have set out.
    pub at: Time,
    /// When it occurred.
    pub occurred_at: Time,
    /// The consumer it concerns.
    pub consumer: u32,
    /// Whether it occurred in the measured stretch.
    pub counted: bool,
}

/// The events of one consumer that may still come.
///
/// A dispatcher that gives up does not know what becomes of its last attempts: one may be under way still, or wait in the
/// receiver's queue. An event is lost only when none of them can bring it any more, and no poll can either.
#[derive(Clone, Debug)]
pub struct Expected {
    ways: Ways,
    unseen: Window<Unseen>,
    /// The attempts of which something may still be learnt.
    attempts: Window<Attempt>,
    /// Where records are polled: the events of each that a poll may still bring, or might until lately, oldest first.
    by_record: BTreeMap<u32, SmallVec<[u32; 4]>>,
    /// The records that are asked for no more.
    stopped: BTreeSet<u32>,
    /// The polls whose answers may still come, and how many requests System A has sent.
    polls: (SmallVec<[u32; 2]>, u32),
    /// The events that have aged out and may still come all the same.
    aged_out: Vec<u32>,
}

impl Expected {
    /// No event so far.
    pub fn new(ways: Ways) -> Self {
        let unseen = Window::starting_at(1);
        let attempts = Window::starting_at(0);
        let polls = (SmallVec::new_const(), 0);
        let (aged_out, by_record, stopped) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { ways, unseen, attempts, by_record, stopped, polls, aged_out }
    }

    /// An event has occurred. Gives it back if it can never come: its record is asked for no more.
    pub fn occurred(&mut self, event: &Event, counted: bool) -> Option<Lost> {
        let Event { occurred_at, consumer, record, .. } = *event;
        let is_stopped = !self.stopped.is_empty() && self.stopped.contains(&record);
        let unpollable = is_stopped.then_some((LossCause::PollsExhausted, occurred_at, 0));
        let unseen =
            Unseen { occurred_at, consumer, record, counted, taken: false, unsettled: 0, given_up: None, unpollable };
        self.unseen.push(unseen);
        if is_stopped {
            return self.lost(event.serial);
        }
        if self.ways.polls == Polls::Records {
            self.by_record.entry(record).or_default().push(event.serial);
        }
        None
    }

    /// The next attempt has left, with these events.
    pub fn attempted(&mut self, events: &[Event]) {
        for event in events {
            if let Some(unseen) = self.unseen.get_mut(event.serial) {
                unseen.unsettled += 1;
            }
        }
        let events = events.iter().map(|event| event.serial).collect();
        self.attempts.push(Attempt { events, settled: false, ended: false });
    }

    /// System A has sent this request. `polls` says whether the answer can hold any event.
    pub fn asked(&mut self, request: u32, polls: bool) {
        let (open, sent) = &mut self.polls;
        *sent = request.saturating_add(1);
        if polls && self.ways.polls == Polls::Feed {
            open.push(request);
        }
    }

    /// Whether single records are not polled.
    pub fn polls_no_records(&self) -> bool {
        self.ways.polls != Polls::Records
    }

    /// Whether there is an event that only the answer to a poll that is under way may still bring.
    #[inline]
    pub fn waits_for_polls(&self) -> bool {
        !self.aged_out.is_empty()
    }

    /// Whether an event may still come.
    #[inline]
    pub fn waits_for(&self, event: u32) -> bool {
        self.unseen.contains(event)
    }

    /// Passes over so many events, and so many requests of one who only polls, which brought them.
    #[inline]
    pub fn polled(&mut self, events: u32, requests: u32) {
        self.unseen.skip(events);
        self.polls.1 = self.polls.1.saturating_add(requests);
    }

    /// Passes over so many events, and so many attempts, which brought them.
    #[inline]
    pub fn delivered(&mut self, events: u32, attempts: u32) {
        self.unseen.skip(events);
        self.attempts.skip(attempts);
    }

    /// Passes over the next attempt, of which nothing is left to learn.
    #[inline]
    pub fn skip_attempt(&mut self) {
        self.attempts.skip(1);
    }

    /// A request of System A has ended. Calls `lost` for each event whose last chance its answer was.
    pub fn answered(&mut self, request: u32, mut lost: impl FnMut(Lost)) {
        let open = &mut self.polls.0;
        let Some(place) = open.iter().position(|poll| *poll == request) else { return };
        open.remove(place);
        for event in std::mem::take(&mut self.aged_out) {
            match self.lost(event) {
                Some(event) => lost(event),
                None if self.unseen.get_mut(event).is_some() => self.aged_out.push(event),
                None => {}
            }
        }
    }

    /// No answer of the API that is still to be made will hold the event. Gives it back if that was its last chance.
    pub fn aged_out(&mut self, at: Time, event: u32) -> Option<Lost> {
        if self.ways.polls != Polls::Feed {
            return None;
        }
        let sent = self.polls.1;
        self.unseen.get_mut(event)?.unpollable.get_or_insert((LossCause::AgedOut, at, sent));
        let lost = self.lost(event);
        if lost.is_none() && self.polls.0.iter().any(|poll| *poll < sent) {
            self.aged_out.push(event);
        }
        lost
    }

    /// The receiver has dealt with an attempt, or never will. Calls `lost` for each event whose last chance that was.
    pub fn settled(&mut self, attempt: u32, mut lost: impl FnMut(Lost)) {
        let Some(known) = self.attempts.get_mut(attempt).filter(|known| !known.settled) else { return };
        known.settled = true;
        for event in self.serials(attempt) {
            if let Some(unseen) = self.unseen.get_mut(event) {
                unseen.unsettled = unseen.unsettled.saturating_sub(1);
            }
            self.lost(event).into_iter().for_each(&mut lost);
        }
    }

    /// An attempt has ended for the dispatcher. If it was acknowledged, its events will not be sent again; calls `lost` for
    /// each whose last chance that was, because System A had taken it and then dropped it.
    pub fn ended(&mut self, at: Time, attempt: u32, acknowledged: bool, mut lost: impl FnMut(Lost)) {
        let Some(known) = self.attempts.get_mut(attempt) else { return };
        known.ended = true;
        for event in self.serials(attempt) {
            if acknowledged && let Some(unseen) = self.unseen.get_mut(event) {
                unseen.given_up.get_or_insert((LossCause::Unhandled, at));
                self.lost(event).into_iter().for_each(&mut lost);
            }
        }
    }

    /// The events of an attempt, which is forgotten when nothing more can be learnt of it.
    fn serials(&mut self, attempt: u32) -> Serials {
        match self.attempts.get_mut(attempt) {
            Some(known) if known.settled && known.ended => self.attempts.take(attempt).unwrap_or_default().events,
            Some(known) => known.events.clone(),
            None => Serials::new(),
        }
    }

    /// System A has taken the event and will handle it.
    pub fn took(&mut self, event: u32) {
        if let Some(unseen) = self.unseen.get_mut(event) {
            unseen.taken = true;
        }
    }

    /// System A will not handle the event after all. Gives it back if that was its last chance.
    pub fn dropped(&mut self, event: u32) -> Option<Lost> {
        self.unseen.get_mut(event)?.taken = false;
        self.lost(event)
    }

    /// The dispatcher has given up. Gives back the event if that was its last chance.
    pub fn gave_up(&mut self, at: Time, event: u32, cause: LossCause) -> Option<Lost> {
        self.unseen.get_mut(event)?.given_up = Some((cause, at));
        self.lost(event)
    }

    /// System A has handled the event; none if it was seen before or is not one of this consumer's. Where records are
    /// polled, calls `lost` for each earlier event of its record whose last chance that was: an answer of the API holds only
    /// the newest.
    pub fn seen(&mut self, at: Time, event: u32, lost: impl FnMut(Lost)) -> Option<Unseen> {
        let seen = self.take_seen(event)?;
        if self.ways.polls == Polls::Records
            && let Some(serials) = self.by_record.get_mut(&seen.record)
        {
            let later = serials.iter().position(|serial| *serial > event).unwrap_or(serials.len());
            let superseded: Serials = serials.drain(..later).collect();
            if serials.is_empty() {
                self.by_record.remove(&seen.record);
            }
            self.cannot_be_polled(&superseded, (LossCause::Superseded, at), lost);
        }
        Some(seen)
    }

    /// System A has handled the event, where single records are not polled; none if it was seen before or is not one of this
    /// consumer's.
    #[inline]
    pub fn take_seen(&mut self, event: u32) -> Option<Unseen> {
        self.unseen.take(event)
    }

    /// The poller asks for a record no more. Calls `lost` for each of its events whose last chance that was.
    pub fn stopped_polling(&mut self, at: Time, record: u32, lost: impl FnMut(Lost)) {
        self.stopped.insert(record);
        let serials: Serials = self.by_record.remove(&record).into_iter().flatten().collect();
        self.cannot_be_polled(&serials, (LossCause::PollsExhausted, at), lost);
    }

    fn cannot_be_polled(&mut self, events: &[u32], (cause, at): (LossCause, Time), mut lost: impl FnMut(Lost)) {
        for event in events {
            if let Some(unseen) = self.unseen.get_mut(*event) {
                unseen.unpollable.get_or_insert((cause, at, 0));
                self.lost(*event).into_iter().for_each(&mut lost);
            }
        }
    }

    /// The events that may still come.
    pub fn pending(&self) -> impl Iterator<Item = &Unseen> {
        self.unseen.iter().map(|(_, unseen)| unseen)
    }

    /// Takes the event out if nothing can bring it any more. This is the one place that decides so.
    fn lost(&mut self, event: u32) -> Option<Lost> {
        let oldest_poll = self.polls.0.iter().min().copied();
        let unseen = self.unseen.get_mut(event)?;
        let by_push = self.ways.push && unseen.given_up.is_none() || unseen.unsettled > 0;
        let by_polls = match unseen.unpollable {
            None => self.ways.polls != Polls::None,
            Some((_, _, sent)) => oldest_poll.is_some_and(|poll| poll < sent),
        };
        if by_push || by_polls || unseen.taken {
            return None;
        }
        let Unseen { occurred_at, consumer, counted, .. } = *unseen;
        let unpollable = unseen.unpollable.map(|(cause, at, _)| (cause, at));
        // It is lost when the last of two ways is closed, and that one says why; but the feed, which is there to make up for
        // what webhooks lose, does so in any case.
        let (last, at) = unseen.given_up.into_iter().chain(unpollable).max_by_key(|(_, at)| *at)?;
        let cause = unpollable.map(|(cause, _)| cause).filter(|cause| *cause == LossCause::AgedOut).unwrap_or(last);
        self.unseen.take(event);
        Some(Lost { cause, at, occurred_at, consumer, counted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: LossCause = LossCause::NeverRetried;

    fn expected(recovers: bool) -> Expected {
        let polls = if recovers { Polls::Feed } else { Polls::None };
        let mut expected = Expected::new(Ways { push: true, polls });
        for serial in 1..=2 {
            assert_eq!(expected.occurred(&event(serial), true), None);
        }
        expected.attempted(&[event(1)]);
        expected
    }

    fn settled(expected: &mut Expected, attempt: u32) -> Vec<Lost> {
        let mut all = Vec::new();
        expected.settled(attempt, |lost| all.push(lost));
        all
    }

    const fn event(serial: u32) -> Event {
        Event { occurred_at: Time::ZERO, consumer: 0, serial, record: 0, payload: 0 }
    }

    #[test]
    fn an_event_is_lost_only_when_no_attempt_can_bring_it() {
        let mut given_up_first = expected(false);
        assert_eq!(given_up_first.gave_up(Time::ZERO, 1, CAUSE), None, "its attempt is still under way");
        assert_eq!(settled(&mut given_up_first, 0).len(), 1);
        assert_eq!(given_up_first.pending().count(), 1);
        let mut settled_first = expected(false);
        assert_eq!(settled(&mut settled_first, 0), [], "it may be tried again");
        assert!(settled_first.gave_up(Time::ZERO, 1, CAUSE).is_some());
    }

    #[test]
    fn what_has_been_taken_or_can_be_polled_is_not_lost() {
        let mut taken = expected(false);
        taken.took(1);
        assert_eq!(taken.gave_up(Time::ZERO, 1, CAUSE), None);
        assert_eq!(settled(&mut taken, 0), []);
        let mut seen = || taken.seen(Time::ZERO, 1, |lost| panic!("{lost:?}"));
        assert!(seen().is_some() && seen().is_none());
        let mut polled = expected(true);
        assert_eq!(settled(&mut polled, 0), []);
        assert_eq!(polled.gave_up(Time::ZERO, 1, CAUSE), None);
        assert_eq!(polled.pending().count(), 2);
    }

    #[test]
    fn what_was_acknowledged_and_then_dropped_is_lost_once_nobody_will_send_it_again() {
        let ended = |expected: &mut Expected| {
            let mut all = Vec::new();
            expected.ended(Time::ZERO, 0, true, |lost| all.push(lost.cause));
            all
        };
        for acknowledged_first in [true, false] {
            let mut expected = expected(false);
            expected.took(1);
            assert_eq!(settled(&mut expected, 0), []);
            if acknowledged_first {
                assert_eq!(ended(&mut expected), []);
                assert_eq!(expected.dropped(1).map(|lost| lost.cause), Some(LossCause::Unhandled));
            } else {
                assert_eq!(expected.dropped(1), None);
                assert_eq!(ended(&mut expected), [LossCause::Unhandled]);
            }
        }
        let mut polled = expected(true);
        polled.took(1);
        assert_eq!((ended(&mut polled), polled.dropped(1)), (vec![], None));
    }

    #[test]
    fn where_records_are_polled_only_the_newest_event_of_each_can_still_come() {
        let of = |serial, record| Event { record, ..event(serial) };
        for push in [false, true] {
            let mut expected = Expected::new(Ways { push, polls: Polls::Records });
            for (serial, record) in [(1, 7), (2, 8), (3, 7), (4, 7)] {
                assert_eq!(expected.occurred(&of(serial, record), true), None);
            }
            let at = |seconds: u64| Time::from_nanos(seconds);
            let mut all = Vec::new();
            assert!(expected.seen(at(10), 3, |lost| all.push((lost.cause, lost.at))).is_some());
            assert_eq!(all, if push { vec![] } else { vec![(LossCause::Superseded, at(10))] }, "4 may still come");
            all.clear();
            expected.stopped_polling(at(20), 7, |lost| all.push((lost.cause, lost.at)));
            assert_eq!(all, if push { vec![] } else { vec![(LossCause::PollsExhausted, at(20))] });
            let later = expected.occurred(&of(5, 7), true).map(|lost| lost.cause);
            assert_eq!(later, (!push).then_some(LossCause::PollsExhausted));
            if push {
                let gave_up = |expected: &mut Expected, serial| expected.gave_up(at(30), serial, CAUSE);
                let lost = [1, 4, 5].map(|serial| gave_up(&mut expected, serial).map(|lost| (lost.cause, lost.at)));
                assert_eq!(lost, [Some((CAUSE, at(30))); 3], "the webhook held out longest");
                assert_eq!(gave_up(&mut expected, 2), None, "a poll of record 8 may still bring it");
            }
            assert_eq!(expected.pending().count(), 1);
        }
    }

    const LATER: Time = Time::from_nanos(5);

    #[test]
    fn what_ages_out_is_lost_once_no_earlier_answer_can_bring_it() {
        let mut polled = Expected::new(Ways { push: false, polls: Polls::Feed });
        (1..=3).for_each(|serial| assert_eq!(polled.occurred(&event(serial), serial != 2), None));
        let answered = |polled: &mut Expected, request| {
            let mut all = Vec::new();
            polled.answered(request, |lost| all.push((lost.cause, lost.at, lost.counted)));
            all
        };
        polled.asked(0, true);
        assert_eq!(polled.aged_out(LATER, 1), None, "the answer that is under way may hold it");
        assert_eq!(polled.aged_out(LATER, 2), None);
        assert_eq!(answered(&mut polled, 7), [], "not a poll");
        polled.took(1);
        assert_eq!(answered(&mut polled, 0), [(LossCause::AgedOut, LATER, false)], "event 1 has been brought");
        assert_eq!(polled.dropped(1).map(|lost| lost.cause), Some(LossCause::AgedOut), "and is gone all the same");
        polled.asked(1, true);
        assert!(answered(&mut polled, 1).is_empty());
        polled.asked(2, false);
        assert!(polled.aged_out(LATER, 3).is_some(), "what is under way holds no feed");
        assert_eq!(polled.pending().count(), 0);
    }

    #[test]
    fn a_poll_that_left_after_an_event_had_aged_out_is_not_waited_for() {
        let mut hybrid = expected(true);
        hybrid.asked(0, true);
        assert_eq!(hybrid.aged_out(Time::ZERO, 1), None);
        hybrid.answered(0, |lost| panic!("{lost:?}: a webhook may bring it"));
        hybrid.asked(1, true);
        assert_eq!(settled(&mut hybrid, 0), []);
        let lost = hybrid.gave_up(LATER, 1, CAUSE).map(|lost| (lost.cause, lost.at));
        assert_eq!(lost, Some((LossCause::AgedOut, LATER)), "a poll could have made up for the webhook");
    }

    #[test]
    fn records_do_not_age_out() {
        let mut expected = Expected::new(Ways { push: false, polls: Polls::Records });
        assert_eq!(expected.occurred(&event(1), true), None);
        assert_eq!(expected.aged_out(LATER, 1), None);
        assert_eq!(expected.pending().count(), 1);
    }
}
