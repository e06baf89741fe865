use std::path::Path;

use super::*;
use crate::engine::{Setup, sim};
use crate::measure::tally::Tally;
use crate::run::builtin;
use crate::scenario::{Changes, Template};

fn setup(name: &str) -> Setup {
    let text = builtin::find(Path::new(name)).unwrap().text;
    Template::parse(text, name, Path::new("."), &Changes::default()).unwrap().into_base().setup
}

/// A lane that has seen everything of one consumer of a client, and what the books say of the same.
fn watched(setup: &Setup, client: usize) -> (Lane, Tally) {
    let (tally, facts) = sim::trace(setup, client, 0);
    let mut lane = Lane::new(&setup.clients[client], setup.frame, Span::from_millis(100));
    for (at, fact) in &facts {
        for glimpse in Glimpse::of(fact).into_iter().flatten() {
            lane.take(*at, glimpse);
        }
    }
    (lane, tally)
}

/// All exchanges of a lane, with what is still open as the books close it.
fn outcomes(mut lane: Lane) -> Outcomes {
    lane.tidy(Time::NEVER);
    let mut all = Outcomes::default();
    for outcomes in [lane.polls, lane.webhooks, lane.fetches] {
        all.useful += outcomes.useful;
        all.empty += outcomes.empty;
        all.not_modified += outcomes.not_modified;
        all.duplicate += outcomes.duplicate;
        all.throttled += outcomes.throttled;
        all.failed += outcomes.failed;
    }
    for (exchange, open) in lane.open.into_iter().filter(|(_, open)| open.counted) {
        all.count(worth(exchange.opener, open.brought, open.ended.map(|(_, end)| end)));
    }
    all
}

#[test]
fn the_view_judges_as_the_books_do() {
    let scenarios = [
        "quickstart",
        "flaky-network",
        "hybrid",
        "conditional",
        "rate-limited",
        "github-no-retries",
        "thin-webhooks",
        "long-poll",
        "forged",
        "order-status",
    ];
    for name in scenarios {
        let setup = setup(name);
        for (client, ClientSetup { name: of, .. }) in setup.clients.iter().enumerate() {
            let (lane, tally) = watched(&setup, client);
            assert!(lane.occurred > 0, "nothing happens in {name}");
            assert_eq!(lane.occurred, tally.events, "{name}: {of}");
            assert_eq!(
                (lane.heard, lane.latencies.sum_nanos()),
                (tally.delivered, tally.latencies.sum_nanos()),
                "{name}: {of}"
            );
            assert_eq!(
                lane.forged,
                [tally.all_forged().accepted + tally.all_forged().rejected, tally.all_forged().accepted],
                "{name}: {of}"
            );
            assert_eq!(outcomes(lane), tally.outcomes, "{name}: {of}");
        }
    }
}

#[test]
fn what_was_missed_neither_stops_the_lane_nor_makes_it_grow() {
    let setup = setup("flaky-network");
    let mut lane = Lane::new(&setup.clients[0], setup.frame, Span::from_millis(100));
    let at = setup.frame.warmup;
    for serial in 0..200_000 {
        let exchange = Exchange { opener: Side::Consumer, consumer: serial, serial: 0 };
        // Their ends are never heard of, nor that anybody hears of the events.
        lane.take(at, Glimpse::Opened(exchange, Asked::Feed { page: 0 }));
        lane.take(at, Glimpse::Occurred { consumer: serial, serial: 1, record: 0 });
        assert!(lane.open.len() <= FOLLOWED_MAX && lane.waiting.len() <= FOLLOWED_MAX);
    }
    assert!(lane.unfollowed > 0);
    let strange = Exchange { opener: Side::Provider, consumer: 7, serial: 7 };
    lane.take(at, Glimpse::Ended(strange, End::Accepted));
    lane.take(at, Glimpse::Seen { consumer: 7, serial: 9 });
    assert_eq!((lane.heard, lane.webhooks.total()), (0, 0));
}

#[test]
fn an_event_that_was_given_up_may_be_heard_of_all_the_same() {
    let setup = setup("quickstart");
    let mut lane = Lane::new(&setup.clients[1], setup.frame, Span::from_millis(100));
    let at = |millis| setup.frame.warmup + Span::from_millis(millis);
    let (consumer, serial) = (0, 1);
    lane.take(at(0), Glimpse::Occurred { consumer, serial, record: 0 });
    lane.take(at(50), Glimpse::GaveUp { consumer, serial });
    assert_eq!((lane.lost, lane.heard), (1, 0));
    lane.take(at(80), Glimpse::Seen { consumer, serial });
    assert_eq!((lane.lost, lane.heard, lane.last), (0, 1, Some(Span::from_millis(80))));
}

#[test]
fn a_webhook_is_drawn_as_what_it_came_to() {
    assert_eq!(mark(Asked::Webhook { attempt: 1 }, OutcomeKind::Useful), Mark::Told);
    assert_eq!(mark(Asked::Webhook { attempt: 3 }, OutcomeKind::Useful), Mark::ToldLater);
    assert_eq!(mark(Asked::Webhook { attempt: 3 }, OutcomeKind::Failed), Mark::Failed);
    assert_eq!(mark(Asked::Feed { page: 1 }, OutcomeKind::Useful), Mark::Brought);
    assert_eq!(mark(Asked::Feed { page: 0 }, OutcomeKind::Empty), Mark::Empty);
}
