use proptest::prelude::*;

use super::*;
use crate::peer::{Advice, Authenticity, Batch, Event, Quota, Response, Side, Tag};
use crate::policy::signature::Scheme;
use crate::time::Span;

fn wire(scheme: Scheme) -> Wire {
    shaped(scheme, Envelope::PLAIN)
}

fn shaped(scheme: Scheme, envelope: Envelope) -> Wire {
    Wire::new(3, envelope, Keys::generate(scheme, [7; 32]), 1_767_225_600_000_000_000)
}

fn any_event() -> impl Strategy<Value = Event> {
    // Up to three hundred years: by then Unix seconds have a digit more.
    let at = prop_oneof![0u64..10_000_000_000_000_000, 0u64..9_467_000_000_000_000_000];
    (at, any::<u32>(), any::<u32>(), any::<u32>(), 0u32..3_000).prop_map(|(at, consumer, serial, record, payload)| {
        Event { occurred_at: Time::from_nanos(at), consumer, serial, record, payload }
    })
}

fn any_envelope() -> impl Strategy<Value = Envelope> {
    let shape = prop::sample::select(Shape::ALL.to_vec());
    let payload = prop::sample::select(vec![Payload::Full, Payload::Thin]);
    (shape, payload, any::<bool>()).prop_map(|(shape, payload, is_list)| Envelope { shape, payload, is_list })
}

/// Events of one consumer; one most of the time, as most webhooks have.
fn any_events() -> impl Strategy<Value = Batch> {
    let count = prop_oneof![Just(1..2usize), Just(0..12usize)];
    (any::<u32>(), count.prop_flat_map(|count| prop::collection::vec(any_event(), count)))
        .prop_map(|(consumer, events)| events.into_iter().map(|event| Event { consumer, ..event }).collect())
}

fn polls(tag: Option<Tag>) -> Request {
    Request::Poll { after: 0, limit: 1, poll: 0, page: 0, hold: Span::ZERO, tag }
}

fn any_hold() -> impl Strategy<Value = Span> {
    prop_oneof![Just(Span::ZERO), any::<u32>().prop_map(|millis| Span::from_millis(millis.into()))]
}

fn any_tag() -> impl Strategy<Value = Tag> {
    any::<u32>().prop_map(Tag)
}

fn any_known() -> impl Strategy<Value = Option<Tag>> {
    prop::option::of(any_tag())
}

fn any_advice() -> impl Strategy<Value = Advice> {
    let seconds = || any::<u32>().prop_map(|seconds| Span::from_secs(seconds.into()));
    let quota = (any::<u32>(), any::<u32>(), seconds());
    let quota = quota.prop_map(|(limit, remaining, resets_in)| Quota { limit, remaining, resets_in });
    (prop::option::of(seconds()), prop::option::of(quota))
        .prop_map(|(poll_interval, quota)| Advice { poll_interval, quota })
}

fn any_request() -> impl Strategy<Value = Request> {
    prop_oneof![
        (any::<u32>(), any::<u32>(), any_hold(), any_known()).prop_map(|(after, limit, hold, tag)| Request::Poll {
            after,
            limit,
            poll: 0,
            page: 0,
            hold,
            tag
        }),
        (any::<u32>(), any_known()).prop_map(|(record, tag)| Request::Record { record, poll: 0, tag }),
        (any_event(), any::<u32>()).prop_map(|(event, attempt)| Request::Fetch { event, attempt }),
        (any_events(), any::<u32>()).prop_map(|(events, attempt)| delivery(events, attempt)),
    ]
}

fn delivery(events: Batch, attempt: u32) -> Request {
    Request::Delivery { events, attempt, authenticity: Authenticity::Accepted }
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(Scheme::ALL.to_vec())
}

fn any_response() -> impl Strategy<Value = Response> {
    let retry_after = prop::option::of(any::<u64>().prop_map(Span::from_nanos));
    let status = prop::sample::select(vec![401u16, 404, 410, 413, 429, 500, 503]);
    prop_oneof![
        (prop::collection::vec(any_event(), 0..20), any::<bool>(), any_tag(), any_advice()).prop_map(
            |(events, has_more, tag, advice)| Response::Page { events: events.into(), has_more, tag, advice }
        ),
        (prop::option::of(any_event()), any::<bool>(), any_tag(), any_advice())
            .prop_map(|(event, is_final, tag, advice)| Response::Record { event, is_final, tag, advice }),
        any_advice().prop_map(|advice| Response::NotModified { advice }),
        any_event().prop_map(Response::Event),
        Just(Response::Accepted),
        (status, retry_after).prop_map(|(status, retry_after)| Response::Refused { status, retry_after }),
    ]
}

fn header_map(message: &Message) -> http::HeaderMap {
    let mut map = http::HeaderMap::new();
    for (name, value) in &message.headers {
        let before = map.insert(*name, value.parse().expect("headers are plain text"));
        assert_eq!(before, None, "{name} stands there twice");
    }
    map
}

/// Splits the target of a request into path and query.
fn target(message: &Message) -> (&str, Option<&str>) {
    let Start::Request(_, target) = &message.start else { panic!("{message:?} is no request") };
    target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)))
}

/// What a webhook tells once it has been received: the payload of a thin one is left to be fetched.
fn as_told(request: &Request, envelope: Envelope) -> Request {
    let mut told = request.clone();
    if let (Request::Delivery { events, .. }, Payload::Thin) = (&mut told, envelope.payload) {
        events.iter_mut().for_each(|event| event.payload = 0);
    }
    told
}

/// What the API learns of a request: of an event to be fetched the name alone.
fn as_asked(request: &Request, asker: u32) -> Request {
    match request {
        Request::Fetch { event, .. } => {
            let (consumer, serial) = (asker, event.serial);
            let event = Event { occurred_at: Time::ZERO, consumer, serial, record: 0, payload: 0 };
            Request::Fetch { event, attempt: 1 }
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_counted_request_is_as_long_as_the_real_one(
        request in any_request(),
        serial in any::<u32>(),
        consumer in any::<u32>(),
        scheme in any_scheme(),
        envelope in any_envelope(),
        compressed in any::<bool>(),
    ) {
        let wire = shaped(scheme, envelope).with_compression(compressed);
        // The key in a request to the API has room for the numbers of a hundred million consumers.
        let consumer = if matches!(request, Request::Delivery { .. }) { consumer } else { consumer % 100_000_000 };
        let exchange = Exchange { opener: Side::Consumer, consumer, serial };
        let message = wire.request(exchange, &request, Time::from_nanos(5));
        prop_assert_eq!(wire.request_size(exchange, &request), message.size());
    }

    #[test]
    fn a_counted_response_is_as_long_as_the_real_one(response in any_response(), compressed in any::<bool>()) {
        let wire = wire(Scheme::None).with_compression(compressed);
        prop_assert_eq!(wire.response_size(&response), wire.response(&response).size());
    }

    #[test]
    fn a_request_that_is_written_is_read_back(
        request in any_request(),
        serial in any::<u32>(),
        scheme in any_scheme(),
        envelope in any_envelope(),
    ) {
        let wire = shaped(scheme, envelope);
        let consumer = match &request {
            Request::Delivery { events, .. } if !events.is_empty() => events[0].consumer,
            Request::Fetch { event, .. } => event.consumer % 100_000_000,
            _ => 17,
        };
        let request = match request {
            Request::Fetch { event, attempt } => Request::Fetch { event: Event { consumer, ..event }, attempt },
            other => other,
        };
        let exchange = Exchange { opener: Side::Consumer, consumer, serial };
        let message = wire.request(exchange, &request, Time::from_nanos(5));
        let headers = header_map(&message);
        prop_assert_eq!(headers.header(EXCHANGE_HEADER), Some(&*serial.to_string()));
        let (path, query) = target(&message);
        match &request {
            Request::Delivery { .. } => {
                prop_assert_eq!(read_webhook_path(path), Some(consumer));
                let read = wire.read_webhook(&headers, &message.body, Time::from_nanos(9));
                prop_assert_eq!(read, Some(as_told(&request, envelope)));
            }
            _ => prop_assert_eq!(
                read_api_call(path, query, &headers),
                Some(ApiCall { client: 3, consumer, request: as_asked(&request, consumer) })
            ),
        }
    }

    #[test]
    fn a_response_that_is_written_is_read_back(response in any_response(), now in any::<u32>()) {
        let wire = wire(Scheme::None);
        let sent = wire.response(&response);
        let Start::Response(status) = sent.start else { unreachable!() };
        let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 1, record: 0, payload: 0 };
        let request = match &response {
            Response::Page { .. } => polls(None),
            Response::NotModified { .. } => polls(Some(Tag(7))),
            Response::Record { .. } => Request::Record { record: 0, poll: 0, tag: None },
            Response::Event(_) => Request::Fetch { event, attempt: 1 },
            Response::Accepted | Response::Refused { .. } => delivery(Batch::from_slice(&[event]), 1),
        };
        let expected = match response {
            Response::Refused { status, retry_after } => {
                let whole = |wait: Span| Span::from_secs(wait.as_nanos().div_ceil(crate::time::SECOND));
                Response::Refused { status, retry_after: retry_after.map(whole) }
            }
            other => other,
        };
        let now = Time::from_nanos(now.into());
        prop_assert_eq!(wire.read_response(&request, status, &header_map(&sent), &sent.body, now), expected);
    }

    #[test]
    fn whatever_comes_without_a_signature_is_read_or_not_but_harms_nobody(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\[{\"a-z_:,0-9}\\] ]{0,80}".prop_map(String::into_bytes),
        ],
        envelope in any_envelope(),
    ) {
        let read = shaped(Scheme::None, envelope).read_webhook(&http::HeaderMap::new(), &body, Time::ZERO);
        let is_json = serde_json::from_slice::<serde_json::Value>(&body).is_ok();
        match read {
            Some(Request::Delivery { events, .. }) => prop_assert!(events.is_empty() && is_json),
            Some(other) => prop_assert!(false, "{other:?}"),
            None => prop_assert!(!is_json),
        }
    }
}

/// The webhook of two events, or the first of them, in each shape.
fn written(shape: Shape, payload: Payload, count: u32) -> Message {
    let second = |seconds| Time::ZERO + Span::from_secs(seconds) + Span::from_nanos(5);
    let event = |serial: u32| Event {
        occurred_at: second(serial.into()),
        consumer: 2,
        serial,
        record: serial + 40,
        payload: 3,
    };
    let wire = shaped(Scheme::None, Envelope { shape, payload, is_list: false });
    let exchange = Exchange { opener: Side::Provider, consumer: 2, serial: 9 };
    wire.request(exchange, &delivery((1..=count).map(event).collect(), 4), second(7))
}

#[test]
fn each_vendor_is_recognised() {
    let mut text = String::new();
    for shape in Shape::ALL {
        for (payload, count) in [(Payload::Full, 1), (Payload::Thin, 1), (Payload::Full, 2)] {
            let message = written(shape, payload, count);
            let headers = message.headers.iter().filter(|(name, _)| !name.starts_with("x-pushpull"));
            let version = env!("CARGO_PKG_VERSION");
            let headers: String = headers.map(|(name, value)| format!("{name}: {value}\n")).collect();
            let body = String::from_utf8(message.body).expect("JSON is text").replace("\r\n", "<CR><LF>\n");
            text += &format!("{shape:?}, {payload:?}, {count}\n{}\n{body}\n\n", headers.replace(version, "VERSION"));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_webhook_has_the_same_identifier_on_every_attempt() {
    let exchange = |serial| Exchange { opener: Side::Provider, consumer: 2, serial };
    let event = |serial| Event { occurred_at: Time::ZERO, consumer: 2, serial, record: 0, payload: 9 };
    for (shape, scheme, name) in [
        (Shape::StandardWebhooks, Scheme::Stripe, "webhook-id"),
        (Shape::StandardWebhooks, Scheme::StandardWebhooks, "webhook-id"),
        (Shape::GitHub, Scheme::GitHub, "x-github-delivery"),
        (Shape::Stripe, Scheme::StandardWebhooksEd25519, "webhook-id"),
    ] {
        let wire = shaped(scheme, Envelope { shape, payload: Payload::Full, is_list: true });
        let id = |serials: &[u32], attempt: u32| {
            let request = delivery(serials.iter().map(|&serial| event(serial)).collect(), attempt);
            let at = Time::ZERO + Span::from_secs(attempt.into());
            header_map(&wire.request(exchange(attempt), &request, at)).header(name).map(str::to_owned)
        };
        assert!(id(&[5, 6], 1).is_some());
        assert_eq!(id(&[5, 6], 1), id(&[5, 6], 2));
        assert_ne!(id(&[5, 6], 1), id(&[6, 7], 1));
    }
}

proptest! {
    #[test]
    fn requests_are_of_one_size_until_their_number_has_a_digit_more(digits in 0u32..32, serial in any::<u32>()) {
        let (wire, serial) = (wire(Scheme::None), serial >> digits);
        let exchange = |serial| Exchange { opener: Side::Consumer, consumer: 0, serial };
        let size = |serial| wire.request_size(exchange(serial), &polls(None));
        let alike = Wire::alike_from(exchange(serial));
        prop_assert_eq!(size(serial), size(serial + (alike - 1)));
        // With ten digits there are no more.
        if let Some(next) = serial.checked_add(alike).filter(|_| serial < 1_000_000_000) {
            prop_assert_eq!(size(serial) + 1, size(next));
        }
    }
}

/// What is made of a body without a signature: how many events, if it is understood at all.
fn told(envelope: Envelope, body: &str) -> Option<usize> {
    match shaped(Scheme::None, envelope).read_webhook(&http::HeaderMap::new(), body.as_bytes(), Time::ZERO) {
        Some(Request::Delivery { events, authenticity: Authenticity::Accepted, .. }) => Some(events.len()),
        None => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn json_that_names_no_event_of_ours_tells_of_nothing() {
    for shape in Shape::ALL {
        for payload in [Payload::Full, Payload::Thin] {
            let envelope = Envelope { shape, payload, is_list: false };
            let good = String::from_utf8(written(shape, payload, 1).body).expect("JSON is text");
            let bare = good.trim().trim_start_matches('[').trim_end_matches(']');
            assert_eq!(told(envelope, &good), Some(1), "{good}");
            assert_eq!(told(envelope, &format!(" [{bare},\n{bare}]")), Some(2));
            for (what, other) in [
                ("name", bare.replace("evt_2_1", "evt_2_x")),
                ("name in another spelling", bare.replace("evt_2_1", "evt_2_01")),
                ("vendor's name", bare.replace("evt_2_1", "evt_1MqqbKLt4dXK03v5")),
                ("number too large", bare.replace("evt_2_1", "evt_2_4294967296")),
                ("instant before the run", bare.replace("2026-01-01T", "2025-12-31T")),
                ("no instant", bare.replace("2026-01-01T", "2026-01-01Q")),
                ("record", bare.replace("rec_41", "rec_-1")),
            ] {
                assert_ne!(other, bare, "{what}");
                assert_eq!(told(envelope, &other), Some(0), "{shape:?} {what}");
                assert_eq!(told(envelope, &format!("[{bare},{other}]")), Some(0), "{shape:?} {what} among others");
            }
            let stranger = bare.replace("evt_2_1", "evt_3_1");
            assert_eq!(told(envelope, &stranger), Some(1));
            assert_eq!(told(envelope, &format!("[{bare},{stranger}]")), Some(0), "{shape:?} of two consumers");
            for other in ["{}", "[]", "[{}]", "null", "7", "\"text\"", "[[]]", r#"{"hello":"world"}"#] {
                assert_eq!(told(envelope, other), Some(0), "{shape:?} {other}");
            }
            for garbage in ["", " ", "garbage", "{", "[{}", "{}{}", "[1,]", "\u{feff}{}"] {
                assert_eq!(told(envelope, garbage), None, "{shape:?} {garbage:?}");
            }
        }
    }
}

#[test]
fn a_list_that_is_too_long_is_not_understood() {
    let envelope = Envelope { is_list: true, ..Envelope::PLAIN };
    let good = String::from_utf8(written(Shape::StandardWebhooks, Payload::Full, 1).body).expect("JSON is text");
    let list = |count| format!("[{}]", vec![&*good; count].join(","));
    assert_eq!(told(envelope, &list(EVENTS_MAX)), Some(EVENTS_MAX));
    assert_eq!(told(envelope, &list(EVENTS_MAX + 1)), None);
    assert_eq!(told(envelope, &format!("[{}0]", "0,".repeat(EVENTS_MAX))), None);
    // Nested as deep as nobody nests.
    assert_eq!(told(envelope, &"[".repeat(100_000)), None);
}

#[test]
fn a_webhook_that_was_tampered_with_is_told_apart() {
    let wire = wire(Scheme::StandardWebhooks);
    let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 1, record: 4, payload: 10 };
    let request = delivery(Batch::from_slice(&[event]), 1);
    let exchange = Exchange { opener: Side::Provider, consumer: 0, serial: 0 };
    let mut message = wire.request(exchange, &request, Time::ZERO);
    let headers = header_map(&message);
    let verdict = |body: &[u8], now| match wire.read_webhook(&headers, body, now) {
        Some(Request::Delivery { authenticity, .. }) => Some(authenticity),
        _ => None,
    };
    assert_eq!(verdict(&message.body, Time::ZERO), Some(Authenticity::Accepted));
    assert_eq!(verdict(&message.body, Time::ZERO + Span::from_secs(301)), Some(Authenticity::Rejected));
    let place = message.body.len() - 4;
    message.body[place] = b'y';
    assert_eq!(verdict(&message.body, Time::ZERO), Some(Authenticity::Rejected));
    assert_eq!(verdict(b"garbage", Time::ZERO), Some(Authenticity::Rejected), "nothing is read before it is authentic");
}

#[test]
fn without_signatures_a_webhook_that_cannot_be_read_is_not_understood() {
    assert_eq!(wire(Scheme::None).read_webhook(&http::HeaderMap::new(), b"garbage", Time::ZERO), None);
}

#[test]
fn calls_that_make_no_sense_are_not_understood() {
    let mut headers = http::HeaderMap::new();
    assert_eq!(read_api_call("/events", None, &headers), None, "no key");
    headers.insert("authorization", api_key(1, 2).replace("key", "Bearer key").parse().expect("plain text"));
    assert!(read_api_call("/events", None, &headers).is_some(), "every parameter has a default");
    for (path, query) in [("/", None), ("/events", Some("after=-1")), ("/events", Some("limit=ten"))] {
        assert_eq!(read_api_call(path, query, &headers), None, "{path} {query:?}");
    }
    for path in ["/records/rec_", "/records/1", "/records/rec_99999999999", "/records/", "/v1/events"] {
        assert_eq!(read_api_call(path, None, &headers), None, "{path}");
    }
    assert!(read_api_call("/events/evt_2_9", None, &headers).is_some());
    for path in ["/events/", "/events/evt_3_9", "/events/evt_2_", "/events/evt_2_09", "/events/9", "/events/evt_2_9/x"]
    {
        assert_eq!(read_api_call(path, None, &headers), None, "{path}: of another consumer, or of none");
    }
}

#[test]
fn keys_are_read_as_the_vendors_clients_send_them() {
    let access = |value: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", value.parse().expect("plain text"));
        read_access(&headers).map(|Access { client, consumer }| (client, consumer))
    };
    for scheme in ["Bearer", "bearer", "token", "Token"] {
        assert_eq!(access(&format!("{scheme} {}", api_key(1, 2))), Some((1, 2)));
    }
    for wrong in ["key_0001_00000002", "Basic key_0001_00000002", "Bearer key_1_2", "Bearer", "Bearer key_0001", ""] {
        assert_eq!(access(wrong), None, "{wrong}");
    }
}

#[test]
fn when_to_come_back_is_read_in_either_form() {
    let wire = wire(Scheme::None);
    let poll = polls(None);
    let read = |value: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("retry-after", value.parse().expect("plain text"));
        match wire.read_response(&poll, 429, &headers, b"", Time::ZERO + Span::from_secs(10)) {
            Response::Refused { status: 429, retry_after } => retry_after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read("7"), Some(Span::from_secs(7)));
    assert_eq!(read("Thu, 01 Jan 2026 00:00:25 GMT"), Some(Span::from_secs(15)), "counted from now");
    assert_eq!(read("Thu, 01 Jan 2026 00:00:05 GMT"), Some(Span::ZERO));
    assert_eq!(read("later"), None);
}
