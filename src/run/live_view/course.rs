//! The course of one client along the axis of time: what fell into each column of it, and how much waited to be heard of.

use std::collections::VecDeque;

use crate::time::{Span, Time};

/// So many columns are kept, which is more than most screens are wide.
const COLUMNS_MAX: usize = 512;

/// What can be drawn at a place of a lane. Of several that fall together the last of this list is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A poll found nothing new.
    Empty,
    /// A poll was told that what it knows still holds.
    NotModified,
    /// An exchange brought only what was known.
    Known,
    /// A poll brought news.
    Brought,
    /// An event that a webhook had named was fetched.
    Fetched,
    /// A webhook told of something new at the first attempt.
    Told,
    /// A webhook told of something new at a later attempt.
    ToldLater,
    /// System B turned a poll down because there were too many.
    Throttled,
    /// A stranger's webhook.
    Forged,
    /// An exchange brought nothing that it should have brought.
    Failed,
}

impl Mark {
    /// Every mark, in the order of their rank.
    pub(super) const ALL: [Self; 10] = [
        Self::Empty,
        Self::NotModified,
        Self::Known,
        Self::Brought,
        Self::Fetched,
        Self::Told,
        Self::ToldLater,
        Self::Throttled,
        Self::Forged,
        Self::Failed,
    ];
}

/// One column of the axis of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Column {
    /// The mark of the highest rank that fell into it.
    pub(super) mark: Option<Mark>,
    /// How many events occurred in it.
    pub(super) occurred: u32,
    /// Nanoseconds that events which have been heard of by now had to wait in it, added up.
    waited_nanos: u64,
}

/// The columns of one client, up to the newest in which something happened.
#[derive(Clone, Debug)]
pub(super) struct Course {
    width: Span,
    first: u64,
    columns: VecDeque<Column>,
}

impl Course {
    /// An empty course whose columns are so wide.
    pub(super) fn new(width: Span) -> Self {
        Self { width: width.max(Span::from_nanos(1)), first: 0, columns: VecDeque::new() }
    }

    /// The width of a column.
    pub(super) const fn width(&self) -> Span {
        self.width
    }

    /// The column that an instant falls into.
    pub(super) const fn place(&self, at: Time) -> u64 {
        at.as_nanos() / self.width.as_nanos()
    }

    /// What is in a column.
    pub(super) fn column(&self, place: u64) -> Column {
        let index = place.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.columns.get(index)).copied().unwrap_or_default()
    }

    /// Puts a mark where it belongs.
    pub(super) fn mark(&mut self, at: Time, mark: Mark) {
        if let Some(column) = self.reach(self.place(at)) {
            column.mark = column.mark.max(Some(mark));
        }
    }

    /// Takes down that an event occurred.
    pub(super) fn occurred(&mut self, at: Time) {
        if let Some(column) = self.reach(self.place(at)) {
            column.occurred = column.occurred.saturating_add(1);
        }
    }

    /// Takes down that an event waited over a stretch of time.
    pub(super) fn waited(&mut self, from: Time, until: Time) {
        let last = self.place(until);
        // What is no longer kept is not gone through.
        let kept_from = last.saturating_sub(COLUMNS_MAX as u64);
        for place in self.place(from).max(kept_from)..=last {
            let overlap = self.overlap(place, from, until).as_nanos();
            if let Some(column) = self.reach(place) {
                column.waited_nanos = column.waited_nanos.saturating_add(overlap);
            }
        }
    }

    /// How many events waited on average in each of `count` columns from `first` on; `waiting` are those that still wait now,
    /// by when they occurred.
    pub(super) fn waiting(
        &self,
        (first, count): (u64, usize),
        waiting: impl Iterator<Item = Time>,
        now: Time,
    ) -> Vec<f64> {
        let mut nanos: Vec<u64> = (first..).take(count).map(|place| self.column(place).waited_nanos).collect();
        // Those that began to wait before a column wait through all of it.
        let mut began = vec![0_u64; count];
        for at in waiting.filter(|at| *at < now) {
            let index = usize::try_from(self.place(at).saturating_sub(first)).unwrap_or(count);
            let Some(beginners) = began.get_mut(index) else { continue };
            if self.place(at) < first {
                *beginners = beginners.saturating_add(1);
                nanos[index] = nanos[index].saturating_add(self.overlap(first, Time::ZERO, now).as_nanos());
            } else {
                *beginners = beginners.saturating_add(1);
                nanos[index] = nanos[index].saturating_add(self.overlap(self.place(at), at, now).as_nanos());
            }
        }
        let mut through = 0_u64;
        let averages = nanos.iter().zip(&began).zip(first..).map(|((nanos, beginners), place)| {
            let elapsed = self.overlap(place, Time::ZERO, now).as_nanos();
            let total = nanos.saturating_add(through.saturating_mul(elapsed));
            through = through.saturating_add(*beginners);
            if elapsed == 0 { 0.0 } else { total as f64 / elapsed as f64 }
        });
        averages.collect()
    }

    /// How much of a column lies within a stretch of time.
    fn overlap(&self, place: u64, from: Time, until: Time) -> Span {
        let begins = Time::from_nanos(place.saturating_mul(self.width.as_nanos()));
        (begins + self.width).min(until).since(begins.max(from))
    }

    /// A column that may be new; none if it is so old that it is no longer kept.
    fn reach(&mut self, place: u64) -> Option<&mut Column> {
        let newest = self.first.saturating_add(self.columns.len() as u64);
        if place >= newest.saturating_add(COLUMNS_MAX as u64) {
            self.columns.clear();
            self.first = place;
        }
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        while self.columns.len() <= index {
            self.columns.push_back(Column::default());
        }
        let superfluous = self.columns.len().saturating_sub(COLUMNS_MAX);
        self.columns.drain(..superfluous);
        self.first += superfluous as u64;
        self.columns.get_mut(index - superfluous)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn of_several_marks_in_a_column_the_worst_is_drawn() {
        let mut course = Course::new(Span::from_millis(100));
        course.mark(at(120), Mark::Failed);
        course.mark(at(180), Mark::Empty);
        course.mark(at(20), Mark::Empty);
        assert_eq!(course.column(1).mark, Some(Mark::Failed));
        assert_eq!((course.column(0).mark, course.column(2).mark), (Some(Mark::Empty), None));
    }

    #[test]
    fn memory_is_bounded_and_what_is_old_is_let_go() {
        let mut course = Course::new(Span::from_millis(100));
        for step in 0..10_000 {
            course.mark(at(step * 100), Mark::Empty);
            assert!(course.columns.len() <= COLUMNS_MAX);
        }
        course.mark(at(0), Mark::Failed);
        assert_eq!((course.column(0).mark, course.column(9_999).mark), (None, Some(Mark::Empty)));
        course.occurred(Time::NEVER);
        assert_eq!((course.column(9_999).mark, course.columns.len()), (None, 1));
        course.waited(Time::ZERO, Time::NEVER);
        assert!(course.columns.len() <= COLUMNS_MAX);
    }

    proptest! {
        /// Whether an event still waits or has just been heard of makes no difference to how much waited.
        #[test]
        fn what_still_waits_counts_like_what_has_waited(
            waits in prop::collection::vec((0_u64..3_000, 0_u64..3_000), 0..20),
            now in 1_u64..3_000,
        ) {
            let (mut course, mut heard) = (Course::new(Span::from_millis(100)), Course::new(Span::from_millis(100)));
            let mut open = Vec::new();
            for (begins, ends) in waits {
                let (begins, ends) = (begins.min(now), ends.max(begins).min(now));
                heard.waited(at(begins), at(ends));
                if ends == now { open.push(at(begins)) } else { course.waited(at(begins), at(ends)) }
            }
            let columns = (3, 40);
            let both = [course.waiting(columns, open.into_iter(), at(now)), heard.waiting(columns, [].into_iter(), at(now))];
            for (a, b) in both[0].iter().zip(&both[1]) {
                prop_assert!((a - b).abs() < 1e-9, "{:?} are not {:?}", both[0], both[1]);
            }
        }
    }
}
