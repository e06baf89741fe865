use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::wire::Start;

/// 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600;

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

/// So many events of consumer 4; number n occurs n seconds and a half into the run.
fn events(count: u32) -> Vec<Event> {
    let event = |serial: u32| Event {
        occurred_at: at(serial.into()) + Span::from_millis(500),
        consumer: 4,
        serial,
        record: serial % 3,
        payload: 2,
    };
    (1..=count).map(event).collect()
}

fn headers(pairs: &[(&'static str, &str)]) -> http::HeaderMap {
    let mut map = http::HeaderMap::new();
    for (name, value) in pairs {
        map.insert(*name, value.parse().expect("plain text"));
    }
    map
}

/// Asks a vendor's API that shows these events.
fn ask(target: &str, events: &[Event]) -> (u16, Value, Answer) {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let (vendor, headers) = (Vendor::of(path).expect("a vendor's path"), headers(&[("host", "127.0.0.1:8080")]));
    let ask = Ask { method: "GET", path, query, headers: &headers };
    let epoch = Epoch::from_nanos(i128::from(EPOCH) * 1_000_000_000);
    let answer = answer(vendor, ask, Some(View { events, quota: None, epoch, now: at(1_000) }));
    let Start::Response(status) = answer.message.start else { panic!("{answer:?} is no response") };
    let body = serde_json::from_slice(&answer.message.body).expect("JSON");
    (status, body, answer)
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| &**value)
}

/// The serials in a list of Stripe's, in its order, and whether there are more.
fn stripe_list(query: &str, events: &[Event]) -> (Vec<u32>, bool) {
    let (status, body, answer) = ask(&format!("/v1/events{query}"), events);
    assert_eq!((status, &body["object"], &body["url"]), (200, &"list".into(), &"/v1/events".into()), "{query} {body}");
    let serial = |event: &Value| event["id"].as_str()?.strip_prefix("evt_4_")?.parse().ok();
    let serials = body["data"].as_array().expect("a list").iter().map(|event| serial(event).expect("a name"));
    let serials: Vec<u32> = serials.collect();
    let mut brought = serials.clone();
    brought.reverse();
    assert_eq!(answer.brought, Brought::Events(brought));
    (serials, body["has_more"].as_bool().expect("a flag"))
}

fn down(from: u32, to: u32) -> Vec<u32> {
    (to..=from).rev().collect()
}

#[test]
fn stripe_lists_the_newest_first_in_pages_either_way() {
    let events = events(150);
    let list = |query: &str| stripe_list(query, &events);
    assert_eq!(list(""), (down(150, 141), true));
    assert_eq!(list("?limit=100"), (down(150, 51), true));
    assert_eq!(list("?limit=3&starting_after=evt_4_141"), (down(140, 138), true));
    assert_eq!(list("?starting_after=evt_4_11"), (down(10, 1), false));
    assert_eq!(list("?starting_after=evt_4_1"), (vec![], false));
    assert_eq!(list("?limit=3&ending_before=evt_4_100"), (vec![103, 102, 101], true), "those right after the cursor");
    assert_eq!(list("?limit=3&ending_before=evt_4_147"), (vec![150, 149, 148], false));
    assert_eq!(list("?ending_before=evt_4_150"), (vec![], false));
    assert_eq!(stripe_list("", &[]), (vec![], false));
}

#[test]
fn stripe_narrows_a_list_by_time_and_type() {
    let events = events(50);
    let list = |query: &str| stripe_list(query, &events).0;
    let second = |n: i64| EPOCH + n;
    assert_eq!(list(&format!("?created[gt]={}&created[lt]={}", second(10), second(13))), [12, 11]);
    assert_eq!(list(&format!("?created%5Bgte%5D={}&created%5Blte%5D={}", second(10), second(13))), [13, 12, 11, 10]);
    assert_eq!(list(&format!("?created={}", second(7))), [7]);
    assert_eq!(list(&format!("?created[gte]={}&limit=2", second(40))), [50, 49]);
    assert_eq!(list(&format!("?created[lt]={}", second(1))), [0; 0]);
    assert_eq!(list(&format!("?created[gt]={}&created[lte]={}", i64::MAX, i64::MIN)), [0; 0]);
    let first = format!("?limit=2&created[gte]={}&ending_before=evt_4_3", second(20));
    assert_eq!(list(&first), [21, 20]);
    for types in ["type=record.changed", "types[]=a&types[]=record.changed", "types%5B0%5D=record.%2A", "type=*"] {
        assert_eq!(list(&format!("?limit=1&{types}")), [50], "{types}");
    }
    assert_eq!(list("?type=charge.succeeded"), [0; 0]);
    assert_eq!(list("?limit=1&delivery_success=false&expand[]=data.request"), [50]);
}

#[test]
fn stripe_shows_one_event() {
    let events = events(5);
    let (status, body, answer) = ask("/v1/events/evt_4_2", &events);
    assert_eq!((status, &body["id"], &body["created"]), (200, &"evt_4_2".into(), &(EPOCH + 2).into()));
    assert_eq!(body["data"]["object"]["occurred_at"], "2026-01-01T00:00:02.500000000Z");
    assert_eq!(answer.brought, Brought::Events(vec![2]));
}

#[test]
fn stripe_says_what_was_wrong() {
    let events = events(5);
    let mut text = String::new();
    let long = format!("/v1/events/{}", "x".repeat(5_000));
    let many = format!("/v1/events?{}", "types[]=a&".repeat(21));
    for target in [
        "/v1/events/evt_4_6",
        "/v1/events/evt_3_1",
        "/v1/events/evt_4_0",
        "/v1/events/",
        "/v1/charges",
        "/v1/events?limit=0",
        "/v1/events?limit=101",
        "/v1/events?limit=ten",
        "/v1/events?starting_after=evt_4_6",
        "/v1/events?ending_before=%22%0A",
        "/v1/events?starting_after=evt_4_1&ending_before=evt_4_2",
        "/v1/events?created[gte]=yesterday",
        "/v1/events?delivery_success=perhaps",
        "/v1/events?offset=3",
        "/v1/events?types[x]=a",
        &many,
        &long,
    ] {
        let (status, body, answer) = ask(target, &events);
        assert_eq!(answer.brought, Brought::Refusal);
        assert!(answer.message.body.len() < 500, "no more is repeated than helps");
        let shown: String = target.chars().take(60).collect();
        text += &format!("{shown}\n  {status} {}\n", body["error"].to_string().replace(&"x".repeat(80), "…"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn without_a_valid_key_each_vendor_refuses_in_its_own_words() {
    for (vendor, path, place) in
        [(Vendor::Stripe, "/v1/events", "/error/message"), (Vendor::GitHub, "/repos/o/r/events", "/message")]
    {
        let headers = headers(&[]);
        let answer = answer(vendor, Ask { method: "GET", path, query: None, headers: &headers }, None);
        assert_eq!((&answer.message.start, &answer.brought), (&Start::Response(401), &Brought::Refusal));
        let body: Value = serde_json::from_slice(&answer.message.body).expect("JSON");
        assert!(body.pointer(place).is_some_and(Value::is_string), "{body}");
    }
}

/// The serials on a page of GitHub's, in its order, and its links.
fn github_page(query: &str, events: &[Event]) -> (Vec<u32>, String) {
    let (status, body, answer) = ask(&format!("/repos/any.body/any-thing_1/events{query}"), events);
    assert_eq!(status, 200, "{query} {body}");
    let serial = |event: &Value| event["payload"]["id"].as_str()?.strip_prefix("evt_4_")?.parse().ok();
    let serials = body.as_array().expect("a list").iter().map(|event| serial(event).expect("a name")).collect();
    let link = header(&answer.message, "link").unwrap_or_default();
    let link = link.replace("http://127.0.0.1:8080/repos/any.body/any-thing_1/events?", "");
    (serials, link)
}

#[test]
fn github_lists_the_newest_first_and_links_the_other_pages() {
    let events = events(75);
    let page = |query: &str| github_page(query, &events);
    let (first, links) = page("");
    assert_eq!(first, down(75, 46));
    assert_eq!(links, r#"<per_page=30&page=2>; rel="next", <per_page=30&page=3>; rel="last""#);
    let (last, links) = page("?page=3");
    assert_eq!(last, down(15, 1));
    assert_eq!(links, r#"<per_page=30&page=2>; rel="prev", <per_page=30&page=1>; rel="first""#);
    assert_eq!(page("?per_page=1000").0, down(75, 1), "a hundred at most, which is enough here");
    assert_eq!(page("?per_page=1000").1, "");
    assert_eq!(page("?per_page=0&page=x").0, down(75, 46), "nonsense is passed over");
    assert_eq!(page("?page=7").0, [0; 0]);
    assert_eq!(github_page("", &[]), (vec![], String::new()));
}

#[test]
fn github_lists_three_hundred_events_and_no_more() {
    let events = events(1_000);
    let pages: Vec<u32> =
        (1..=3).flat_map(|page| github_page(&format!("?per_page=100&page={page}"), &events).0).collect();
    assert_eq!(pages, down(1_000, 701));
    assert_eq!(github_page("?per_page=70&page=5", &events).0, down(720, 701));
    for query in ["per_page=100&page=4", "page=11", "page=18446744073709551615"] {
        let (status, body, _) = ask(&format!("/repos/o/r/events?{query}"), &events);
        assert_eq!(status, 422, "{query} {body}");
    }
    for path in ["/repos/o/r", "/repos/o/events", "/repos/o/r/x/events", "/repos/%22/r/events", "/repos//r/events"] {
        assert_eq!(ask(path, &events).0, 404, "{path}");
    }
}

#[test]
fn github_events_have_the_fields_that_strict_clients_need() {
    let (_, body, _) = ask("/repos/o/r/events?per_page=1", &events(2));
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).expect("JSON"));
}

/// One key's way with GitHub's API, with the quota that is left to it.
struct Key(FixedWindow);

impl Key {
    /// The status, what is left, and the whole answer.
    fn ask(&mut self, now: Time, etag: Option<&str>, events: &[Event]) -> (u16, u32, Answer) {
        let mut headers = headers(&[]);
        if let Some(etag) = etag {
            headers.insert("if-none-match", etag.parse().expect("plain text"));
        }
        let ask = Ask { method: "GET", path: "/repos/o/r/events", query: None, headers: &headers };
        let epoch = Epoch::from_nanos(i128::from(EPOCH) * 1_000_000_000);
        let answer = answer(Vendor::GitHub, ask, Some(View { events, quota: Some(&mut self.0), epoch, now }));
        let Start::Response(status) = answer.message.start else { panic!("{answer:?} is no response") };
        let left = header(&answer.message, "x-ratelimit-remaining").expect("it is always told").parse();
        (status, left.expect("a number"), answer)
    }
}

#[test]
fn github_says_for_free_that_nothing_has_changed() {
    let mut key = Key(Vendor::GitHub.quota().expect("it has one"));
    let (status, left, first) = key.ask(at(0), None, &events(3));
    assert_eq!((status, left), (200, 4_999));
    let etag = header(&first.message, "etag").expect("it is always told").to_owned();
    for known in [&*etag, etag.strip_prefix("W/").expect("a weak one"), &format!("\"a\", {etag}"), "*"] {
        let (status, left, again) = key.ask(at(1), Some(known), &events(3));
        assert_eq!((status, left, &again.brought), (304, 4_999, &Brought::NotModified), "{known}");
        assert_eq!((again.message.body.len(), header(&again.message, "x-poll-interval")), (0, Some("60")));
        assert_eq!(header(&again.message, "etag"), Some(&*etag));
    }
    let (status, left, changed) = key.ask(at(2), Some(&etag), &events(4));
    assert_eq!((status, left), (200, 4_998));
    assert_ne!(header(&changed.message, "etag"), Some(&*etag));
}

#[test]
fn github_counts_five_thousand_requests_an_hour() {
    let mut key = Key(Vendor::GitHub.quota().expect("it has one"));
    let events = events(1);
    let (_, _, first) = key.ask(at(100), None, &events);
    let etag = header(&first.message, "etag").expect("it is always told").to_owned();
    for left in (0..4_999).rev() {
        assert_eq!(key.ask(at(101), None, &events).1, left);
    }
    let (status, left, refused) = key.ask(at(200), None, &events);
    assert_eq!((status, left, &refused.brought), (403, 0, &Brought::Refusal));
    let told = |name| header(&refused.message, name);
    assert_eq!(told("retry-after"), Some("3500"));
    assert_eq!(told("x-ratelimit-reset"), Some(&*(EPOCH + 3_700).to_string()));
    assert_eq!((told("x-ratelimit-limit"), told("x-ratelimit-used")), (Some("5000"), Some("5000")));
    assert_eq!(told("x-ratelimit-resource"), Some("core"));
    assert_eq!(key.ask(at(201), Some(&etag), &events).0, 304, "what costs nothing needs nothing");
    assert_eq!(key.ask(at(3_699), None, &events).0, 403);
    let (status, left, _) = key.ask(at(3_700), None, &events);
    assert_eq!((status, left), (200, 4_999));
}

#[test]
fn what_is_older_than_the_first_that_may_be_seen_is_unknown() {
    let all = events(20);
    let held = &all[10..];
    for (id, status) in [(10, 404), (11, 200), (20, 200), (21, 404), (1, 404)] {
        assert_eq!(ask(&format!("/v1/events/evt_4_{id}"), held).0, status, "{id}");
        let cursor_status = if status == 200 { 200 } else { 400 };
        assert_eq!(ask(&format!("/v1/events?starting_after=evt_4_{id}"), held).0, cursor_status, "{id}");
    }
    assert_eq!(stripe_list("?starting_after=evt_4_13", held), (down(12, 11), false));
    assert_eq!(stripe_list("?ending_before=evt_4_18", held), (down(20, 19), false));
    assert_eq!(stripe_list("?limit=100", held), (down(20, 11), false));
    assert_eq!(github_page("", held).0, down(20, 11));
}

#[test]
fn a_poll_is_worth_what_it_brings_for_the_first_time() {
    let mut told = Inbox::default();
    let mut worth = |target: &str, count| ask(target, &events(count)).2.worth(&mut told);
    assert_eq!(worth("/v1/events", 0), Worth::Empty);
    assert_eq!(worth("/v1/events", 12), Worth::Useful);
    assert_eq!(worth("/v1/events", 12), Worth::Empty);
    assert_eq!(worth("/v1/events?starting_after=evt_4_3", 12), Worth::Useful, "older ones, not told before");
    assert_eq!(worth("/repos/o/r/events", 12), Worth::Empty, "all were told by the other list");
    assert_eq!(worth("/v1/events/evt_4_13", 13), Worth::Useful);
    assert_eq!(worth("/v1/events/evt_4_14", 13), Worth::Refused);
    let not_modified = Answer { message: Message::default(), brought: Brought::NotModified };
    assert_eq!(not_modified.worth(&mut told), Worth::NotModified);
}

proptest! {
    #[test]
    fn going_through_all_pages_of_stripe_finds_every_event_once(count in 0u32..60, limit in 1u32..20, start in 0u32..60) {
        let events = events(count);
        let mut cursor = String::new();
        let mut older: Vec<u32> = Vec::new();
        loop {
            let (page, has_more) = stripe_list(&format!("?limit={limit}{cursor}"), &events);
            older.extend(&page);
            prop_assert_eq!(has_more, older.len() < count as usize);
            let Some(last) = page.last().filter(|_| has_more) else { break };
            cursor = format!("&starting_after=evt_4_{last}");
        }
        prop_assert_eq!(older, down(count, 1));
        if count == 0 {
            return Ok(());
        }
        let start = start.clamp(1, count);
        let (mut newest, mut newer): (u32, Vec<u32>) = (start, Vec::new());
        loop {
            let (page, has_more) = stripe_list(&format!("?limit={limit}&ending_before=evt_4_{newest}"), &events);
            newer.extend(page.iter().rev());
            newest = page.first().copied().unwrap_or(newest);
            if !has_more {
                break;
            }
        }
        prop_assert_eq!(newer, (start + 1..=count).collect::<Vec<_>>());
    }

    #[test]
    fn no_request_is_too_odd_to_be_answered(
        path in "/(v1|repos)/[a-z/%\"_.0-9]{0,30}(events)?",
        query in "[a-z_%&=+\\[\\]0-9]{0,60}",
        method in "(GET|POST|PUT)",
    ) {
        let headers = headers(&[("host", "not a host")]);
        let events = events(3);
        let vendor = Vendor::of(&path).expect("a vendor's path");
        let mut quota = vendor.quota();
        let view = View { events: &events, quota: quota.as_mut(), epoch: Epoch::from_nanos(0), now: at(9) };
        let answer = answer(vendor, Ask { method: &method, path: &path, query: Some(&query), headers: &headers }, Some(view));
        prop_assert!(serde_json::from_slice::<Value>(&answer.message.body).is_ok());
    }
}
