//! Lesson 3: a poller is half an interval late on average, and a whole one at worst.

use maud::html;

use super::{Ask, LATENCY, Lesson};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "late",
    title: "How late is late?",
    lead: "An event does not wait for the next question: it falls somewhere between two of them. From then on the poller’s \
           picture of System B is out of date, until it asks again and has the answer. That is the horizontal bar.",
    start: "rate=12&every=20&latency=100&duration=60&seed=2",
    controls: &[Name::Every, Name::Latency, Name::Arrivals],
    presets: &[],
    charts: &[LATENCY],
    ask: Ask::Guess { fact: "pull.latency_mean_ms", factor: 1e-3, range: [0.0, 40.0], unit: "s" },
    question: |say| {
        html! {
            "System A asks every " (say.fact("set.every")) ". How many seconds after an event does it hear of it, on average?"
        }
    },
    tell: |say| {
        let measured = say.value("pull.latency_mean_ms");
        let half = say.value("half_interval");
        html! {
            p {
                "On average polling heard of an event after " (say.fact("pull.latency_mean_ms")) ". Half of the interval is "
                (say.fact("half_interval")) ", "
                @if measured > half * 1.3 {
                    "and what comes on top is the way of the answer through the network and the wait for a question that can \
                     leave."
                } @else if (measured - half).abs() <= half * 0.1 {
                    "and that is no accident: an event is as likely to fall just after a question as just before the next."
                } @else {
                    "from which luck, the way of the answer and how events come make it differ."
                }
            }
            p {
                "Half of the events were known within " (say.fact("pull.latency_p50_ms")) ", the unluckiest one after "
                (say.fact("pull.latency_max_ms")) ". In the chart its line rises evenly from nothing to a whole interval: that "
                "is what “at random between two questions” looks like."
            }
            p {
                "A webhook leaves when the event happens: " (say.fact("push.latency_mean_ms")) " on average, one trip through "
                "the network and the work at System A. Polling was " (say.fact("pull.times_later")) " times as late."
                @if say.value("pull.times_later") < 2.0 { " With so short an interval, it hardly matters." }
            }
        }
    },
};
