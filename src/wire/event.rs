//! An event as text: its name, its instant, and its JSON in this program's own shape.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::size::{digits, digits_long};
use super::text::{self, push_number};
use super::{Payload, filler};
use crate::peer::Event;
use crate::time::{SECOND, Time};

/// The Unix time at which a run started: what turns its instants into dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    nanos: i128,
}

impl Epoch {
    /// So many nanoseconds after the first instant of 1970.
    pub const fn from_nanos(nanos: i128) -> Self {
        Self { nanos }
    }

    /// An instant of the run in Unix nanoseconds.
    pub fn unix_nanos(self, at: Time) -> i128 {
        self.nanos.saturating_add(i128::from(at.as_nanos()))
    }

    /// An instant of the run in whole Unix seconds, rounded down.
    pub fn unix_seconds(self, at: Time) -> i64 {
        let seconds = self.unix_nanos(at).div_euclid(i128::from(SECOND));
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }

    /// An instant of the run as RFC 3339 with nine decimals, so that every instant takes the same room.
    pub(super) fn rfc3339(self, at: Time) -> String {
        let nanos = self.unix_nanos(at);
        text::instant(nanos).unwrap_or_else(|| {
            Timestamp::from_nanosecond(nanos)
                .map_or_else(|_| "9999-12-30T22:00:00.000000000Z".into(), |t| format!("{t:.9}"))
        })
    }

    /// The same to the second, as most vendors write it.
    pub(super) fn rfc3339_seconds(self, at: Time) -> String {
        Timestamp::from_second(self.unix_seconds(at)).map_or_else(|_| "9999-12-30T22:00:00Z".into(), |t| t.to_string())
    }

    /// Reads RFC 3339. None if it is not that, or an instant before the run.
    pub(super) fn read(self, text: &str) -> Option<Time> {
        let any = || text.parse::<Timestamp>().ok().map(|at| at.as_nanosecond());
        let nanos = text::read_instant(text).or_else(any)?.checked_sub(self.nanos)?;
        Some(Time::from_nanos(u64::try_from(nanos).ok()?))
    }
}

/// The name of an event, which tells whose it is and which.
pub(crate) fn event_id(consumer: u32, serial: u32) -> String {
    let mut id = text::with_room("evt__".len() as u64 + digits(consumer) + digits(serial));
    push_event_id(&mut id, consumer, serial);
    id
}

fn push_event_id(out: &mut String, consumer: u32, serial: u32) {
    out.push_str("evt_");
    push_number(out, consumer);
    out.push('_');
    push_number(out, serial);
}

/// Reads the consumer and the serial out of the name of an event.
pub(super) fn read_event_id(id: &str) -> Option<(u32, u32)> {
    let (consumer, serial) = id.strip_prefix("evt_")?.split_once('_')?;
    Some((read_number(consumer)?, read_number(serial)?))
}

/// Reads the number of a record out of its name.
pub(super) fn read_record_id(id: &str) -> Option<u32> {
    read_number(id.strip_prefix("rec_")?)
}

/// Reads a number as this program writes it: digits alone and no zero in front, so that a thing has one name.
fn read_number(text: &str) -> Option<u32> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_canonical.then(|| text.parse().ok()).flatten()
}

/// An event as JSON in this program's own shape. A thin one has no `data`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct EventBody<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    occurred_at: Cow<'a, str>,
    #[serde(borrow)]
    record: Cow<'a, str>,
    data: Option<Length>,
}

/// How long a text is. A payload means nothing, so nothing else of it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length(usize);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Length;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Length, E> {
                Ok(Length(text.len()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl EventBody<'_> {
    /// The event, or none if it is not one of this program's.
    pub(super) fn event(&self, epoch: Epoch, payload: Payload) -> Option<Event> {
        let told = Told { id: &self.id, occurred_at: &self.occurred_at, record: &self.record };
        told.event(epoch, payload, self.data)
    }
}

/// What every shape tells of an event, under whichever names.
pub(super) struct Told<'a> {
    pub(super) id: &'a str,
    pub(super) occurred_at: &'a str,
    pub(super) record: &'a str,
}

impl Told<'_> {
    /// The event, or none if it is not one of this program's. The payload of a thin one is left to be fetched.
    pub(super) fn event(&self, epoch: Epoch, payload: Payload, data: Option<Length>) -> Option<Event> {
        let (consumer, serial) = read_event_id(self.id)?;
        let payload = match payload {
            Payload::Full => u32::try_from(data?.0).ok()?,
            Payload::Thin => 0,
        };
        let record = read_record_id(self.record)?;
        Some(Event { occurred_at: epoch.read(self.occurred_at)?, consumer, serial, record, payload })
    }
}

/// Appends an event in this program's own shape.
pub(super) fn write_event(out: &mut String, epoch: Epoch, event: &Event, payload: Payload) {
    out.push('{');
    write_fields(out, epoch, event, payload);
    out.push('}');
}

/// The same as [`write_event`] of a whole event, with a payload that looks like data.
pub(super) fn write_readable(out: &mut String, epoch: Epoch, event: &Event) {
    out.push('{');
    write_fields(out, epoch, event, Payload::Thin);
    out.push_str(r#","data":""#);
    filler::write(out, event, event.payload as usize);
    out.push_str(r#""}"#);
}

/// Appends the fields of an event in this program's own shape, without the braces.
pub(super) fn write_fields(out: &mut String, epoch: Epoch, event: &Event, payload: Payload) {
    let Event { consumer, serial, record, .. } = *event;
    out.push_str(r#""id":""#);
    push_event_id(out, consumer, serial);
    out.push_str(r#"","occurred_at":""#);
    out.push_str(&epoch.rfc3339(event.occurred_at));
    out.push_str(r#"","record":"rec_"#);
    push_number(out, record);
    out.push('"');
    write_data(out, event, payload);
}

/// Appends the payload of a whole event as one more field: so many bytes that mean nothing.
pub(super) fn write_data(out: &mut String, event: &Event, payload: Payload) {
    if payload == Payload::Full {
        out.push_str(r#","data":""#);
        write_letters(out, event.payload as usize);
        out.push('"');
    }
}

/// Appends so many letters that mean nothing, many at a time: one by one they would take longer than all the rest of a
/// message.
fn write_letters(out: &mut String, count: usize) {
    const LETTERS: &str = {
        match std::str::from_utf8(&[b'x'; 1_024]) {
            Ok(letters) => letters,
            Err(_) => "x",
        }
    };
    out.reserve(count + 1);
    let mut left = count;
    while left > 0 {
        let some = left.min(LETTERS.len());
        out.push_str(&LETTERS[..some]);
        left -= some;
    }
}

/// The bytes of an event in this program's own shape that are not the same for every event.
#[inline]
pub(super) fn variable(event: &Event, payload: Payload) -> u64 {
    digits(event.consumer) + digits(event.serial) + digits(event.record) + data_length(event, payload)
}

/// The bytes of a payload in JSON.
pub(super) const fn data_length(event: &Event, payload: Payload) -> u64 {
    match payload {
        Payload::Full => event.payload as u64,
        Payload::Thin => 0,
    }
}

/// The digits of an instant in Unix seconds.
pub(super) fn seconds_length(epoch: Epoch, at: Time) -> u64 {
    let seconds = epoch.unix_seconds(at);
    u64::from(seconds < 0) + digits_long(seconds.unsigned_abs())
}
