//! Lesson 2: most polls find nothing, since whoever asks has to guess when there is news.

use maud::html;

use super::{Ask, Lesson, REQUESTS};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "nothing",
    title: "Most questions find nothing",
    lead: "A poller cannot know when there is news. So it asks more often than something happens, and most of the time the \
           answer is “nothing new”. Such an answer is a hollow ring on the upper lane; one that brought something is a full dot.",
    start: "rate=6&every=2&latency=100&duration=30&seed=1",
    controls: &[Name::Rate, Name::Every, Name::Arrivals, Name::Strategy],
    presets: &[],
    charts: &[REQUESTS],
    ask: Ask::Guess { fact: "pull.nothing_new_ratio", factor: 100.0, range: [0.0, 100.0], unit: "%" },
    question: |say| {
        html! {
            "Events: " (say.fact("set.rate")) ". System A asks every " (say.fact("set.every")) ". How many percent of the "
            "answers are “nothing new”?"
        }
    },
    tell: |say| {
        let per_interval = say.value("events_per_interval");
        html! {
            p {
                "System A asked " (say.fact("pull.requests")) " times. " (say.fact("pull.nothing_new")) " answers, "
                (say.fact("pull.nothing_new_ratio")) ", brought nothing new. The webhooks needed " (say.fact("push.requests"))
                " calls for the same " (say.fact("events")) " events, of which " (say.fact("push.wasted_ratio"))
                " were for nothing."
            }
            p {
                "From one question to the next " (say.fact("events_per_interval")) " events happen on average. "
                @if say.0.contains_key("theory.pull.empty_ratio") {
                    "Where they come at random, the share of empty answers follows from that number alone: theory says "
                    (say.fact("theory.pull.empty_ratio")) ", and the engine played it and counted. "
                }
                @if per_interval < 1.0 {
                    "An answer brings something only if an event has happened since the last one, so as long as that number is \
                     small, most answers are empty."
                } @else {
                    "With so many events from one question to the next, empty answers are rare."
                }
            }
            p {
                "Each event cost " (say.fact("pull.requests_per_event")) " questions. Asking less often makes that cheaper. "
                "What it makes worse is the next lesson."
            }
        }
    },
};
