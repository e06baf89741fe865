use proptest::prelude::*;

use super::*;
use crate::peer::Side;
use crate::time::Span;

fn wire(scheme: Scheme) -> Wire {
    Wire::new(3, Envelope::PLAIN, Keys::generate(scheme, [7; 32]), 1_767_225_600_000_000_000)
}

fn any_event() -> impl Strategy<Value = Event> {
    (0u64..10_000_000_000_000_000, any::<u32>(), any::<u32>(), any::<u32>(), 0u32..3_000).prop_map(
        |(at, consumer, serial, record, payload)| Event {
            occurred_at: Time::from_nanos(at),
            consumer,
            serial,
            record,
            payload,
        },
    )
}

fn any_request() -> impl Strategy<Value = Request> {
    prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(after, limit)| Request::Poll { after, limit, poll: 0, page: 0 }),
        any::<u32>().prop_map(|record| Request::Record { record }),
        (any_event(), any::<u32>()).prop_map(|(event, attempt)| Request::Delivery {
            events: Batch::from_slice(&[event]),
            attempt,
            authenticity: Authenticity::Accepted
        }),
    ]
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(Scheme::ALL.to_vec())
}

fn any_response() -> impl Strategy<Value = Response> {
    prop_oneof![
        (prop::collection::vec(any_event(), 0..20), any::<bool>())
            .prop_map(|(events, has_more)| Response::Page { events: events.into(), has_more }),
        prop::option::of(any_event()).prop_map(Response::Record),
        Just(Response::Accepted),
        prop::sample::select(vec![401u16, 404, 429, 500, 503]).prop_map(Response::refused),
    ]
}

fn header_map(message: &Message) -> http::HeaderMap {
    let mut map = http::HeaderMap::new();
    for (name, value) in &message.headers {
        map.insert(*name, value.parse().expect("headers are plain text"));
    }
    map
}

proptest! {
    #[test]
    fn a_counted_request_is_as_long_as_the_real_one(request in any_request(), serial in any::<u32>(), scheme in any_scheme()) {
        let wire = wire(scheme);
        let exchange = Exchange { opener: Side::Consumer, consumer: 0, serial };
        let message = wire.request(exchange, &request, Time::from_nanos(5));
        prop_assert_eq!(wire.request_size(exchange, &request), message.size());
    }

    #[test]
    fn a_counted_response_is_as_long_as_the_real_one(response in any_response()) {
        let wire = wire(Scheme::None);
        prop_assert_eq!(wire.response_size(&response), wire.response(&response).size());
    }

    #[test]
    fn what_is_written_is_read_back(
        request in any_request(),
        response in any_response(),
        serial in any::<u32>(),
        scheme in any_scheme(),
    ) {
        let wire = wire(scheme);
        let consumer = match &request { Request::Delivery { events, .. } => events[0].consumer, _ => 17 };
        let exchange = Exchange { opener: Side::Consumer, consumer, serial };
        let message = wire.request(exchange, &request, Time::from_nanos(5));
        let headers = header_map(&message);
        prop_assert_eq!(headers.header(EXCHANGE_HEADER), Some(&*serial.to_string()));
        let Start::Request(_, target) = &message.start else { unreachable!() };
        let (path, query) = target.split_once('?').map_or((target.as_str(), None), |(p, q)| (p, Some(q)));
        match &request {
            Request::Delivery { .. } => {
                prop_assert_eq!(read_webhook_path(path), Some(consumer));
                prop_assert_eq!(wire.read_webhook(&headers, &message.body, Time::from_nanos(9)), Some(request.clone()));
            }
            _ => prop_assert_eq!(
                read_api_call(path, query, &headers),
                Some(ApiCall { client: 3, consumer, request: request.clone() })
            ),
        }
        let sent = wire.response(&response);
        let Start::Response(status) = sent.start else { unreachable!() };
        let matching = match &response {
            Response::Page { .. } => Request::Poll { after: 0, limit: 1, poll: 0, page: 0 },
            Response::Record(_) => Request::Record { record: 0 },
            Response::Event(event) => Request::Fetch { event: *event, attempt: 1 },
            Response::Accepted | Response::Refused { .. } => request,
        };
        let expected = match response {
            Response::Record(None) => Response::refused(404),
            other => other,
        };
        if matches!(matching, Request::Delivery { .. }) || expected != Response::Accepted {
            prop_assert_eq!(wire.read_response(&matching, status, &sent.body), expected);
        }
    }
}

#[test]
fn a_webhook_that_was_tampered_with_is_told_apart() {
    let wire = wire(Scheme::StandardWebhooks);
    let event = Event { occurred_at: Time::ZERO, consumer: 0, serial: 1, record: 4, payload: 10 };
    let request =
        Request::Delivery { events: Batch::from_slice(&[event]), attempt: 1, authenticity: Authenticity::Accepted };
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
    assert_eq!(read_api_call("/v1/events", None, &headers), None, "no key");
    headers.insert("authorization", api_key(1, 2).replace("key", "Bearer key").parse().expect("plain text"));
    assert!(read_api_call("/v1/events", None, &headers).is_some(), "every parameter has a default");
    for (path, query) in [("/", None), ("/v1/events", Some("after=-1")), ("/v1/events", Some("limit=ten"))] {
        assert_eq!(read_api_call(path, query, &headers), None, "{path} {query:?}");
    }
    for path in ["/v1/records/rec_", "/v1/records/1", "/v1/records/rec_99999999999"] {
        assert_eq!(read_api_call(path, None, &headers), None, "{path}");
    }
}
