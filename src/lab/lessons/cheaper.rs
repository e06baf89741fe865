//! Lesson 4: where more than one event comes per interval, polling takes fewer requests.

use maud::html;

use super::{Ask, Lesson, SWEEP};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "cheaper",
    title: "When polling costs less",
    lead: "A webhook takes one request for every event. A poll takes one request whatever has happened, and brings everything \
           at once. So there is a rate of events at which both need the same number of requests; from there on polling is \
           the thriftier way.",
    start: "rate=2&every=10&latency=100&duration=30&seed=4",
    controls: &[Name::Rate, Name::Every],
    presets: &[],
    charts: &[SWEEP],
    ask: Ask::Guess { fact: "crossing_per_minute", factor: 1.0, range: [0.0, 30.0], unit: "events a minute" },
    question: |say| {
        html! {
            "System A asks every " (say.fact("set.every")) ". At how many events a minute do polling and webhooks need the "
            "same number of requests?"
        }
    },
    tell: |say| {
        let [rate, crossing] = ["set.rate", "crossing_per_minute"].map(|name| say.value(name));
        html! {
            @if crossing.is_nan() {
                p {
                    "In no run from " (say.fact("sweep.least")) " to " (say.fact("sweep.most")) " did the two need equally "
                    "many requests."
                }
            } @else {
                p {
                    "The engine played " (say.fact("sweep.runs")) " runs from " (say.fact("sweep.least")) " to "
                    (say.fact("sweep.most")) " and closed in on the point where the lines cross: "
                    (say.fact("crossing_per_minute")) " events a minute, which are " (say.fact("crossing_per_interval"))
                    " events from one question to the next."
                }
                p {
                    "With the sliders as they are (events: " (say.fact("set.rate")) ") polling takes "
                    (say.fact("pull.requests_per_event")) " requests an event, the webhook "
                    (say.fact("push.requests_per_event")) ". "
                    @if rate < crossing {
                        "Events are rarer than questions: being told costs less."
                    } @else if rate > crossing {
                        "Events are more frequent than questions: each answer brings several, and asking costs less."
                    }
                }
            }
            p {
                "A request is not a price: webhooks can be put together in batches, an empty answer is small, and news that "
                "is " (say.fact("pull.latency_mean_ms")) " old instead of " (say.fact("push.latency_mean_ms"))
                " may cost more than any request. But whoever says that webhooks always save requests has not counted."
            }
        }
    },
};
