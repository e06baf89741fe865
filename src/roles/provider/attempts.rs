//! `attempts.csv`: one row for each attempt, written as it ends, so that a long run needs no memory for them.

use jiff::Timestamp;

use crate::peer::Event;
use crate::report::columns::Cell;
use crate::report::files::Streamed;
use crate::time::Time;

/// The columns.
const HEADER: [&str; 8] =
    ["event_ids", "consumer", "attempt", "sent_at", "ended_at", "outcome", "status", "acknowledgement_ms"];

/// Where attempts are written down.
#[derive(Debug)]
pub struct AttemptLog {
    file: Option<Streamed>,
    epoch_nanos: i128,
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) consumer: u32,
    pub(super) events: &'a [Event],
    pub(super) attempt: u32,
    pub(super) sent_at: Time,
    /// None while it is under way.
    pub(super) ended_at: Option<Time>,
    pub(super) outcome: &'static str,
    pub(super) status: Option<u16>,
}

impl AttemptLog {
    /// A log that goes to a file.
    pub fn new(mut file: Streamed) -> Self {
        file.write_row(HEADER.into_iter().map(Cell::from));
        Self { file: Some(file), epoch_nanos: 0 }
    }

    /// A log that nobody reads.
    pub(super) const fn nowhere() -> Self {
        Self { file: None, epoch_nanos: 0 }
    }

    /// From here on instants count from this Unix time, in nanoseconds.
    pub(super) fn starts(&mut self, epoch_nanos: i128) {
        self.epoch_nanos = epoch_nanos;
    }

    /// Writes one attempt down. If that fails, [`Self::finish`] says so.
    pub(super) fn write(&mut self, row: &Row<'_>) {
        let epoch_nanos = self.epoch_nanos;
        let Some(file) = &mut self.file else { return };
        let names: Vec<_> = row.events.iter().map(|event| format!("evt_{}_{}", event.consumer, event.serial)).collect();
        let answered_at = row.ended_at.filter(|_| row.status.is_some());
        file.write_row([
            Cell::from(names.join(" ").as_str()),
            row.consumer.into(),
            row.attempt.into(),
            instant(epoch_nanos, row.sent_at).into(),
            row.ended_at.and_then(|at| instant(epoch_nanos, at)).into(),
            row.outcome.into(),
            row.status.map(u32::from).into(),
            answered_at.map(|at| at.since(row.sent_at).as_millis_f64()).into(),
        ]);
    }

    /// The file, complete and not yet in its place; none for a log that nobody reads.
    pub(super) fn finish(&mut self) -> Option<Streamed> {
        self.file.take()
    }
}

/// An instant as RFC 3339 with microseconds; none for one that no calendar has.
fn instant(epoch_nanos: i128, at: Time) -> Option<Cell> {
    let timestamp = Timestamp::from_nanosecond(epoch_nanos + i128::from(at.as_nanos())).ok()?;
    Some(Cell::Text(format!("{timestamp:.6}")))
}
