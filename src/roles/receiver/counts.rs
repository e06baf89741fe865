//! What came: counts and a histogram for the whole run, and counts for the present second.

use super::identify::Sighting;
use super::known::{KNOWN_MAX, Known};
use super::sequence::Streams;
use crate::measure::histogram::Latencies;
use crate::time::Span;

/// Why a request was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its signature is missing, wrong or too old.
    Signature,
    /// Its head or its body is larger than is taken, or it tells of too many events.
    TooLarge,
    /// Its head or its body did not come in time.
    TooSlow,
    /// It is no HTTP, breaks off, or its body is no JSON.
    Unreadable,
    /// It is no POST.
    WrongMethod,
    /// The bodies of other requests left no room for its own.
    NoRoom,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Signature, Self::TooLarge, Self::TooSlow, Self::Unreadable, Self::WrongMethod, Self::NoRoom];

    /// The HTTP status that says so.
    pub const fn status(self) -> u16 {
        match self {
            Self::Signature => 401,
            Self::TooLarge => 413,
            Self::TooSlow => 408,
            Self::Unreadable => 400,
            Self::WrongMethod => 405,
            Self::NoRoom => 503,
        }
    }
}

/// Plain counts, of a run or of a second of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// Requests that came.
    pub requests: u64,
    /// Of these, accepted.
    pub accepted: u64,
    /// Of these, answered with the status that a user asked for.
    pub refused: u64,
    /// Of these, turned away, in the order of [`Reason::ALL`].
    pub rejected: [u64; Reason::ALL.len()],
    /// Events of accepted requests.
    pub events: u64,
    /// Of these, events that had come before.
    pub duplicates: u64,
    /// Of these, events without a name, which cannot be known again.
    pub nameless: u64,
    /// Events that came for the first time after a newer one.
    pub reordered: u64,
    /// Events from ahead of this machine's clock.
    pub ahead: u64,
    /// Bytes of the requests that were read.
    pub bytes: u64,
}

impl Plain {
    /// Requests that were turned away, whatever the reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// Requests that are not answered yet.
    pub fn unfinished(&self) -> u64 {
        self.requests.saturating_sub(self.accepted + self.refused + self.rejected_total())
    }

    fn since(&self, before: &Self) -> Self {
        let mut rejected = self.rejected;
        rejected.iter_mut().zip(before.rejected).for_each(|(now, before)| *now -= before);
        Self {
            requests: self.requests - before.requests,
            accepted: self.accepted - before.accepted,
            refused: self.refused - before.refused,
            rejected,
            events: self.events - before.events,
            duplicates: self.duplicates - before.duplicates,
            nameless: self.nameless - before.nameless,
            reordered: self.reordered - before.reordered,
            ahead: self.ahead - before.ahead,
            bytes: self.bytes - before.bytes,
        }
    }
}

/// What came in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Second {
    /// Which second, counted from 0.
    pub number: u64,
    /// The counts.
    pub plain: Plain,
    /// Events behind the latencies.
    pub latency_n: u64,
    /// The mean time from an event until it was taken.
    pub latency_mean_ms: Option<f64>,
    /// The longest.
    pub latency_max: Option<Span>,
}

/// All that came.
#[derive(Debug)]
pub struct Counts {
    /// Plain counts.
    pub plain: Plain,
    /// From an event's own time until it was taken for the first time.
    pub latency: Latencies<u64>,
    known: Known,
    streams: Streams,
    before: Plain,
    /// The latencies of the present second: how many, their sum in nanoseconds, and the longest.
    present: (u64, u128, Span),
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            plain: Plain::default(),
            latency: Latencies::new(3),
            known: Known::new(KNOWN_MAX),
            streams: Streams::default(),
            before: Plain::default(),
            present: (0, 0, Span::ZERO),
        }
    }
}

impl Counts {
    /// Numbers that are missing between the first and the newest of each stream.
    pub fn missing(&self) -> u64 {
        self.streams.missing()
    }

    /// A request came that will not be read to its end.
    pub(super) fn broke(&mut self, reason: Reason) {
        self.plain.requests += 1;
        self.rejected(reason);
    }

    /// A request was turned away.
    pub(super) fn rejected(&mut self, reason: Reason) {
        for (count, other) in self.plain.rejected.iter_mut().zip(Reason::ALL) {
            *count += u64::from(other == reason);
        }
    }

    /// Takes the events of a webhook; gives back when those that are new occurred.
    pub(super) fn take(&mut self, sightings: &[Sighting]) -> Vec<i128> {
        let mut new = Vec::new();
        for sighting in sightings {
            self.plain.events += 1;
            let is_new = match sighting.name {
                Some(name) => self.known.take(name),
                None => {
                    self.plain.nameless += 1;
                    true
                }
            };
            if !is_new {
                self.plain.duplicates += 1;
                continue;
            }
            let is_late = self.streams.take(sighting.stream, sighting.number, sighting.at_nanos);
            self.plain.reordered += u64::from(is_late);
            new.extend(sighting.at_nanos);
        }
        new
    }

    /// A webhook is accepted, whose new events occurred at these times; instants are in nanoseconds of Unix time.
    pub(super) fn accepted(&mut self, now_nanos: i128, occurred: &[i128]) {
        self.plain.accepted += 1;
        for at in occurred {
            match u64::try_from(now_nanos - at) {
                Ok(nanos) => {
                    let latency = Span::from_nanos(nanos);
                    self.latency.record(latency);
                    let (count, sum, longest) = self.present;
                    self.present = (count + 1, sum + u128::from(nanos), longest.max(latency));
                }
                Err(_) if now_nanos < *at => self.plain.ahead += 1,
                // Longer ago than any clock has run: no time of an event.
                Err(_) => {}
            }
        }
    }

    /// Ends the present second.
    pub(super) fn turn(&mut self, number: u64) -> Second {
        let plain = self.plain.since(&self.before);
        self.before = self.plain;
        let (latency_n, sum, longest) = std::mem::take(&mut self.present);
        Second {
            number,
            plain,
            latency_n,
            latency_mean_ms: (latency_n > 0).then(|| sum as f64 / latency_n as f64 / 1e6),
            latency_max: (latency_n > 0).then_some(longest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(name: u128, number: u64, at_nanos: i128) -> Sighting {
        Sighting { name: Some(name), stream: 1, number: Some(number), at_nanos: Some(at_nanos) }
    }

    #[test]
    fn what_comes_again_is_a_duplicate_and_nothing_else() {
        let mut counts = Counts::default();
        assert_eq!(counts.take(&[sighting(1, 1, 100), sighting(2, 2, 200)]), [100, 200]);
        assert_eq!(counts.take(&[sighting(1, 1, 100)]), [] as [i128; 0]);
        assert_eq!(counts.take(&[sighting(4, 4, 400), sighting(3, 3, 300)]), [400, 300]);
        let plain = counts.plain;
        assert_eq!((plain.events, plain.duplicates, plain.reordered, counts.missing()), (5, 1, 1, 0));
        counts.take(&[sighting(9, 7, 700)]);
        assert_eq!(counts.missing(), 2);
        let nameless = Sighting { name: None, stream: 2, number: None, at_nanos: None };
        counts.take(&[nameless, nameless]);
        assert_eq!((counts.plain.nameless, counts.plain.duplicates), (2, 1));
    }

    #[test]
    fn a_clock_that_is_ahead_makes_no_latency() {
        let mut counts = Counts::default();
        counts.accepted(1_000_000, &[0, 2_000_000, i128::MIN / 2]);
        assert_eq!((counts.latency.count(), counts.plain.ahead, counts.latency.max_ms()), (1, 1, Some(1.0)));
        let second = counts.turn(0);
        assert_eq!((second.latency_n, second.latency_mean_ms), (1, Some(1.0)));
        assert_eq!((counts.turn(1).latency_n, counts.turn(2).plain), (0, Plain::default()));
    }

    #[test]
    fn every_request_is_accepted_refused_rejected_or_unfinished() {
        let mut counts = Counts::default();
        Reason::ALL.iter().for_each(|reason| counts.broke(*reason));
        counts.plain.requests += 2;
        counts.accepted(0, &[]);
        assert_eq!((counts.plain.requests, counts.plain.rejected_total(), counts.plain.unfinished()), (8, 6, 1));
    }
}
