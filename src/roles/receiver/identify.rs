//! Which events a webhook tells of, when they occurred and where they stand in their order, for senders of many kinds.
//!
//! Understood are pushpull's own events, Standard Webhooks, Stripe, GitHub and SendGrid; for others a user points to the
//! time and the number in the body.

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::known::{Fingerprint, fingerprint};
use crate::wire::{EVENTS_MAX, Headers};

/// Where to look in the body of a sender that is not known, as JSON pointers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pointers {
    /// To the time of an event.
    pub timestamp: Option<String>,
    /// To its number.
    pub sequence: Option<String>,
}

/// One event that a webhook tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    /// Its name; none if it has none by which it could be known again.
    pub(super) name: Option<Fingerprint>,
    /// Which events are in order with it.
    pub(super) stream: Fingerprint,
    /// Its place in that order.
    pub(super) number: Option<u64>,
    /// When it occurred, in nanoseconds of Unix time.
    pub(super) at_nanos: Option<i128>,
}

/// Where an event's own time may stand, first come first.
const TIMES: [&str; 6] =
    ["/occurred_at", "/data/occurred_at", "/data/object/occurred_at", "/timestamp", "/created", "/created_at"];
/// Headers that name a webhook.
const NAMES: [&str; 2] = ["webhook-id", "x-github-delivery"];
/// How deep, and in how many places, to look for an identifier of pushpull's own.
const DEPTH_MAX: u32 = 4;
const PLACES_MAX: u32 = 64;

/// What all events of a webhook share, worked out once: a list may be as long as its path.
struct Shared {
    /// The stream of events that are not pushpull's own.
    path: Fingerprint,
    /// The name of the webhook, where a header tells it.
    header: Option<Fingerprint>,
    /// The event of pushpull's own that GitHub's header names.
    guid: Option<(u32, u32)>,
}

/// Whether a body is a list of more events than one webhook may tell of. It is read without being kept.
pub(super) fn is_too_long(body: &[u8]) -> bool {
    serde_json::from_slice::<Vec<IgnoredAny>>(body).is_ok_and(|list| list.len() > EVENTS_MAX)
}

/// The events of a webhook: those of a list, or the one that it is about.
pub(super) fn sightings(path: &str, headers: &impl Headers, body: &Value, pointers: &Pointers) -> Vec<Sighting> {
    let name = NAMES.iter().find_map(|name| headers.header(name));
    let shared = Shared {
        path: fingerprint("path", path.as_bytes()),
        header: name.map(|name| fingerprint("header", name.as_bytes())),
        guid: headers.header("x-github-delivery").and_then(read_guid),
    };
    match body {
        Value::Array(list) => {
            let each = list.iter().enumerate();
            each.map(|(index, item)| sighting(&shared, item, pointers, Some(index))).collect()
        }
        item => vec![sighting(&shared, item, pointers, None)],
    }
}

fn sighting(shared: &Shared, item: &Value, pointers: &Pointers, index: Option<usize>) -> Sighting {
    let own = own_event(item, shared.guid.filter(|_| index.is_none()));
    let name = match own {
        Some((consumer, serial)) => Some(fingerprint("own", format!("{consumer} {serial}").as_bytes())),
        None => foreign_name(item, shared.header, index),
    };
    let stream = match own {
        Some((consumer, _)) => fingerprint("consumer", &consumer.to_be_bytes()),
        None => shared.path,
    };
    let number = match &pointers.sequence {
        Some(pointer) => item.pointer(pointer).and_then(number),
        None => own.map(|(_, serial)| serial.into()),
    };
    let at_nanos = match &pointers.timestamp {
        Some(pointer) => item.pointer(pointer).and_then(instant),
        None => TIMES.iter().find_map(|pointer| item.pointer(pointer).and_then(instant)),
    };
    Sighting { name, stream, number, at_nanos }
}

/// The consumer and the serial of an event of pushpull's own.
fn own_event(item: &Value, guid: Option<(u32, u32)>) -> Option<(u32, u32)> {
    find_own(item, DEPTH_MAX, &mut PLACES_MAX.clone()).or(guid)
}

/// The first text within a value that is an identifier of pushpull's own.
fn find_own(value: &Value, depth: u32, places: &mut u32) -> Option<(u32, u32)> {
    *places = places.checked_sub(1)?;
    let deeper = depth.checked_sub(1);
    match value {
        Value::String(text) => read_own(text),
        Value::Object(object) => object.values().find_map(|value| find_own(value, deeper?, places)),
        _ => None,
    }
}

fn read_own(text: &str) -> Option<(u32, u32)> {
    let (consumer, serial) = text.strip_prefix("evt_")?.split_once('_')?;
    Some((consumer.parse().ok()?, serial.parse().ok()?))
}

/// The parts of the number that pushpull gives a webhook in GitHub's shape.
fn read_guid(text: &str) -> Option<(u32, u32)> {
    let (consumer, serial) = text.split_once("-0000-8000-8000-")?;
    (consumer.len() == 8 && serial.len() == 12).then_some(())?;
    Some((u32::from_str_radix(consumer, 16).ok()?, u32::from_str_radix(serial, 16).ok()?))
}

fn foreign_name(item: &Value, header: Option<Fingerprint>, index: Option<usize>) -> Option<Fingerprint> {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
    if let Some(name) = text("/sg_event_id") {
        return Some(fingerprint("sg_event_id", name.as_bytes()));
    }
    match (header, index, text("/id")) {
        (Some(name), None, _) => Some(name),
        (_, _, Some(name)) => Some(fingerprint("id", name.as_bytes())),
        (Some(name), Some(index), None) => Some(fingerprint("item", format!("{name} {index}").as_bytes())),
        (None, _, None) => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A time as RFC 3339, or as Unix time in a unit that its size tells: seconds, or a thousandth of the unit before.
fn instant(value: &Value) -> Option<i128> {
    let read = |text: &str| text.parse::<Timestamp>().ok().map(|timestamp| timestamp.as_nanosecond());
    match value {
        Value::String(text) => read(text).or_else(|| unix(text.parse().ok()?)),
        Value::Number(number) => number.as_i64().and_then(unix_whole).or_else(|| unix(number.as_f64()?)),
        _ => None,
    }
}

/// Seconds below this are before the year 5138; milliseconds above it are after 1973.
const SECONDS_MAX: f64 = 1e11;

fn unix_whole(value: i64) -> Option<i128> {
    let nanos_in_one = unit(value as f64)?;
    Some(i128::from(value) * i128::from(nanos_in_one))
}

fn unix(value: f64) -> Option<i128> {
    let nanos_in_one = unit(value)?;
    // A whole part and a fraction, because a double has no nanoseconds of this century.
    let whole = libm::trunc(value);
    let fraction = libm::round((value - whole) * nanos_in_one as f64);
    Some(whole as i128 * i128::from(nanos_in_one) + fraction as i128)
}

/// Nanoseconds in one of the unit in which a number of this size is a time.
fn unit(value: f64) -> Option<u32> {
    (0..4)
        .map(|power| (SECONDS_MAX * f64::from(1_000u32.pow(power)), 1_000_000_000 / 1_000u32.pow(power)))
        .find(|(limit, _)| value.abs() < *limit)
        .map(|(_, nanos)| nanos)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn one(pairs: &[(&'static str, &str)], body: &Value) -> Sighting {
        let all = sightings("/hooks", &headers(pairs), body, &Pointers::default());
        assert_eq!(all.len(), 1);
        all[0]
    }

    #[test]
    fn events_of_pushpull_are_known_in_every_shape() {
        let event =
            json!({ "id": "evt_3_17", "occurred_at": "2026-01-01T00:00:01.5Z", "record": "rec_1", "data": "xx" });
        let wrapped = json!({ "type": "record.changed", "timestamp": "2026-01-01T00:00:01.5Z", "data": event });
        let stripe = json!({ "id": "evt_3_17", "created": 1_767_225_601, "data": { "object": {} } });
        let github = json!({ "action": "edited" });
        let all = [
            one(&[("webhook-id", "evt_3_17")], &wrapped),
            one(&[], &event),
            one(&[], &stripe),
            one(&[("x-github-delivery", "00000003-0000-8000-8000-000000000011")], &github),
        ];
        for sighting in all {
            assert_eq!((sighting.name, sighting.number), (all[0].name, Some(17)));
            assert_eq!(sighting.stream, all[0].stream);
        }
        assert_eq!(all[0].at_nanos, Some(1_767_225_601_500_000_000));
        assert_eq!((all[2].at_nanos, all[3].at_nanos), (Some(1_767_225_601_000_000_000), None));
        assert_ne!(one(&[], &json!({ "id": "evt_3_18" })).name, all[0].name);
    }

    #[test]
    fn other_senders_name_a_webhook_in_a_header_or_in_the_body() {
        let named = |pairs: &[(&'static str, &str)], body| one(pairs, &body).name;
        let body = || json!({ "type": "x" });
        assert_eq!(named(&[], body()), None);
        assert_eq!(
            named(&[("webhook-id", "msg_1")], body()),
            named(&[("webhook-id", "msg_1")], json!({ "type": "y" }))
        );
        assert_ne!(named(&[("webhook-id", "msg_1")], body()), named(&[("webhook-id", "msg_2")], body()));
        assert_ne!(named(&[("x-github-delivery", "a")], body()), None);
        assert_ne!(named(&[], json!({ "id": "evt_1NG8Du2eZvKYlo2C" })), None);
        let batch = json!([
            { "sg_event_id": "a", "timestamp": 1_767_225_600 },
            { "sg_event_id": "b", "timestamp": 1_767_225_601 },
            { "sg_event_id": "a", "timestamp": 1_767_225_600 },
        ]);
        let all = sightings("/", &headers(&[]), &batch, &Pointers::default());
        assert_eq!((all.len(), all[0].name == all[2].name, all[0].name == all[1].name), (3, true, false));
        assert_eq!(all[1].at_nanos, Some(1_767_225_601_000_000_000));
    }

    #[test]
    fn a_list_of_more_events_than_a_webhook_may_tell_of_is_too_long() {
        let list = |items: usize| format!(" [{}0]", "0, ".repeat(items - 1));
        assert!(!is_too_long(list(EVENTS_MAX).as_bytes()));
        assert!(is_too_long(list(EVENTS_MAX + 1).as_bytes()));
        for other in [format!("{{\"data\":{}}}", list(EVENTS_MAX + 1)), "no JSON".into(), String::new()] {
            assert!(!is_too_long(other.as_bytes()), "{other:.20}");
        }
    }

    #[test]
    fn items_without_a_name_are_told_apart_by_their_place_under_the_name_of_their_webhook() {
        let named = |name| sightings("/", &headers(&[("webhook-id", name)]), &json!([{}, {}]), &Pointers::default());
        let (one, again, other) = (named("a"), named("a"), named("b"));
        assert_eq!(one, again);
        assert!(one[0].name.is_some() && one[0].name != one[1].name && one[0].name != other[0].name);
    }

    #[test]
    fn a_user_points_to_the_time_and_the_number() {
        let pointers = Pointers { timestamp: Some("/event/at".into()), sequence: Some("/event/number".into()) };
        let body = json!({ "event": { "at": 1_767_225_600_250_i64, "number": "12" }, "created": 5 });
        let all = sightings("/a", &headers(&[]), &body, &pointers);
        assert_eq!((all[0].at_nanos, all[0].number), (Some(1_767_225_600_250_000_000), Some(12)));
        let without = sightings("/a", &headers(&[]), &json!({ "created": 5 }), &pointers);
        assert_eq!((without[0].at_nanos, without[0].number), (None, None));
    }

    #[test]
    fn times_come_in_any_usual_unit() {
        let expected = Some(1_767_225_600_000_000_000);
        for value in [
            json!(1_767_225_600),
            json!(1_767_225_600_000_i64),
            json!(1_767_225_600_000_000_i64),
            json!(1_767_225_600_000_000_000_i64),
            json!(1_767_225_600.0),
            json!("1767225600"),
            json!("2026-01-01T00:00:00Z"),
            json!("2026-01-01T01:00:00+01:00"),
        ] {
            assert_eq!(instant(&value), expected, "{value}");
        }
        assert_eq!(instant(&json!(1.25)), Some(1_250_000_000));
        for value in [json!("soon"), json!(null), json!([]), json!(1e300), json!("1e300")] {
            assert_eq!(instant(&value), None, "{value}");
        }
    }
}
