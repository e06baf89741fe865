//! What the peers themselves have to say: what an exchange brought, what was given up, how busy a side is.

use crate::measure::fact::Fact;
use crate::measure::ledger::{Ledger, Losses, account};
use crate::peer::{Event, Exchange, Note, Side};
use crate::time::Time;

impl Ledger<'_> {
    /// Takes down a peer's note.
    pub fn noted(&mut self, at: Time, side: Side, note: Note) {
        if self.observer.is_some() {
            return self.record(at, Fact::Noted(side, note));
        }
        self.take_note(at, side, note);
    }

    pub(super) fn take_note(&mut self, at: Time, side: Side, note: Note) {
        match note {
            Note::Took { exchange, event, fresh, handled } => self.took(exchange, &event, fresh, handled),
            Note::Fetched { exchange, fresh } => {
                if let Some(open) = self.open(exchange) {
                    open.brought = Some(fresh);
                }
            }
            Note::Passed { from, to } => self.passed(from, to),
            Note::Believed(exchange) => self.forgeries.believed(exchange),
            Note::Dropped { exchange, event } => self.dropped(exchange, &event),
            Note::Seen(event) => self.seen(at, &event),
            Note::GaveUp(event, cause) => {
                if let Some(account) = account(&mut self.accounts, self.first, event.consumer) {
                    let lost = account.expected.gave_up(at, event.serial, cause);
                    lost.into_iter().for_each(|lost| self.lost(lost));
                }
            }
            Note::StoppedPolling { consumer, record } => {
                let mut all = Losses::new();
                if let Some(account) = account(&mut self.accounts, self.first, consumer) {
                    account.expected.stopped_polling(at, record, |lost| all.push(lost));
                }
                all.into_iter().for_each(|lost| self.lost(lost));
            }
            Note::AgedOut(event) => {
                if let Some(account) = account(&mut self.accounts, self.first, event.consumer) {
                    let lost = account.expected.aged_out(at, event.serial);
                    lost.into_iter().for_each(|lost| self.lost(lost));
                }
            }
            Note::Busy { from, until } => {
                let busy = self.frame.measured_within(from, until);
                self.load(side).busy_nanos += u128::from(busy.as_nanos());
            }
            Note::Freed { from, until } => {
                let free = u128::from(self.frame.measured_within(from, until).as_nanos());
                let load = self.load(side);
                load.busy_nanos = load.busy_nanos.saturating_sub(free);
            }
            Note::Queued(depth) => {
                if self.frame.counts(at) {
                    let load = self.load(side);
                    load.queue_max = load.queue_max.max(depth);
                }
            }
            Note::Disabled(_) => self.tally.disabled += u64::from(self.frame.counts(at)),
            Note::BreakerOpened(_) => self.tally.breaker_opened += u64::from(self.frame.counts(at)),
        }
    }

    fn took(&mut self, exchange: Exchange, event: &Event, fresh: bool, handled: bool) {
        let counted = self.open(exchange).is_some_and(|open| {
            open.brought = Some(fresh || open.brought == Some(true));
            open.counted
        });
        if handled && exchange.opener == Side::Stranger {
            self.forgeries.believed(exchange);
        }
        self.count_taken(event, counted, fresh, handled);
    }

    pub(super) fn count_taken(&mut self, event: &Event, counted: bool, fresh: bool, handled: bool) {
        if !fresh {
            self.tally.duplicates += u64::from(counted);
            self.tally.reprocessed += u64::from(counted && handled);
        } else if let Some(account) = account(&mut self.accounts, self.first, event.consumer) {
            account.expected.took(event.serial);
        }
    }

    /// Another exchange takes the place of the one that brought an event first.
    fn passed(&mut self, from: Exchange, to: Exchange) {
        if let Some(open) = self.open(from).filter(|open| !open.settled) {
            open.brought = None;
        }
        let Some(open) = self.open(to) else { return };
        open.brought = Some(true);
        if open.counted {
            // What had been brought by nobody else did not come again.
            self.tally.duplicates = self.tally.duplicates.saturating_sub(1);
            self.tally.reprocessed = self.tally.reprocessed.saturating_sub(1);
        }
    }

    /// What an exchange brought is gone before it was handled.
    fn dropped(&mut self, exchange: Exchange, event: &Event) {
        // What was answered before has brought its events, whatever became of them.
        if let Some(open) = self.open(exchange).filter(|open| !open.settled) {
            open.brought = None;
        }
        if let Some(account) = account(&mut self.accounts, self.first, event.consumer) {
            let lost = account.expected.dropped(event.serial);
            lost.into_iter().for_each(|lost| self.lost(lost));
        }
    }
}
