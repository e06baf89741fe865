//! Lesson 7: whoever is called has to cope with the rhythm of whoever calls.

use maud::html;

use super::{Ask, Lesson, REQUESTS, Say};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "crowds",
    title: "Crowds and bursts",
    lead: "Events like company: a sale begins, an import runs, and a hundred come at once. Webhooks then come as fast as the \
           events do, ready or not. System A’s endpoint here works on one webhook at a time and lets a few wait; one more is \
           turned away, and comes again later. The poller asks at its own pace and takes what has piled up.",
    start: "arrivals=bursts&rate=48&burst=5&silence=25&every=5&latency=100&workers=1&work=400&queue=4&retries=quick&duration=20&seed=4",
    controls: &[Name::Workers, Name::Queue, Name::Rate, Name::Every, Name::Consumers, Name::Phase],
    presets: &[
        ("A burst for one System A", ""),
        (
            "A crowd that asks on the minute",
            "arrivals=random&rate=2&every=10&consumers=200&phase=aligned&api_workers=2&api_time=80&workers=4&work=2&queue=128",
        ),
        (
            "The same crowd, each at its own moment",
            "arrivals=random&rate=2&every=10&consumers=200&phase=random&api_workers=2&api_time=80&workers=4&work=2&queue=128",
        ),
    ],
    charts: &[REQUESTS],
    ask: Ask::Choice {
        options: &[
            "The webhooks: System A turns them away",
            "The polls: System B cannot answer them all",
            "Both",
            "Neither: all get through at the first try",
        ],
        right,
    },
    question: |_| html! { "A burst comes. Whose requests fail?" },
    tell: |say| {
        html! {
            p {
                "Of " (say.fact("push.requests")) " webhooks " (say.fact("push.failed")) " failed ("
                (say.fact("push.failed_ratio")) "); up to " (say.fact("push.consumer_queue_max")) " waited at one System A, and "
                (say.fact("push.lost")) " of " (say.fact("push.events")) " events were lost in the end. Of "
                (say.fact("pull.requests")) " polls " (say.fact("pull.failed")) " failed."
            }
            p {
                "Webhooks called System A " (say.fact("push.consumer_rps_mean")) " on average, and "
                (say.fact("push.consumer_rps_peak")) " in the busiest second. Whoever is called needs room for the peak: a queue, more workers, or a "
                "caller that takes no for an answer and comes again."
            }
            p {
                "Polling turns that around: System A is safe, and System B must cope with the crowd. With "
                (say.fact("set.consumers")) " System A’s, System B was asked " (say.fact("pull.provider_rps_peak"))
                " in its busiest second, " (say.fact("pull.peak_times_mean")) " times the mean. "
                @if say.value("pull.provider_queue_max").is_finite() {
                    "Up to " (say.fact("pull.provider_queue_max")) " questions waited there for an answer, and news was "
                    (say.fact("pull.latency_mean_ms")) " old on average. "
                }
                @if say.is("set.phase", "all at the same moment") {
                    "They all ask at the same moment: let each begin at its own, and the peak is gone."
                } @else {
                    "Pollers that begin each at their own moment spread themselves; try a crowd that asks on the minute."
                }
            }
        }
    },
};

/// Whose requests fail.
fn right(say: &Say<'_>) -> Option<usize> {
    let [push, pull] = ["push.failed", "pull.failed"].map(|name| say.value(name));
    match (push > 0.0, pull > 0.0) {
        _ if push.is_nan() || pull.is_nan() => None,
        (true, false) => Some(0),
        (false, true) => Some(1),
        (true, true) => Some(2),
        (false, false) => Some(3),
    }
}
