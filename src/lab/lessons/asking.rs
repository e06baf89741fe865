//! Lesson 1: asking and being told are the same exchange with the roles reversed.

use maud::html;

use super::{Ask, Lesson, Say};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "asking",
    title: "Asking, and being told",
    lead: "Something changes now and then at System B: an order is paid, a parcel is sent. That is an event, a black dot. \
           System A wants to know. Either it polls: it asks again and again, “anything new?”. Or it takes webhooks: it gives \
           System B its address and is called when there is news. The network is slow here, so that you can see the trips.",
    start: "rate=8&every=4&latency=400&duration=10&seed=6",
    controls: &[Name::Every, Name::Rate, Name::Latency],
    presets: &[],
    charts: &[],
    ask: Ask::Choice {
        options: &[
            "System A, as when it polls",
            "System B, so System A must be there to be called",
            "Sometimes the one, sometimes the other",
        ],
        right,
    },
    question: |_| html! { "Every exchange begins with somebody who opens a connection. Who opens it when a webhook is sent?" },
    tell: |say| {
        html! {
            p {
                "In the stretch above System A opened " (say.fact("pull.opened_by_a")) " of polling’s exchanges, and System B "
                (say.fact("push.opened_by_b")) " of the webhooks’. The roles are reversed: whoever is called is the server. It "
                "needs an address, it must be up at that very moment, and it must know who is calling."
            }
            p {
                "The poller sets its own pace: in the whole run it asked " (say.fact("pull.requests")) " times for "
                (say.fact("events")) " events, and heard of one " (say.fact("pull.latency_mean_ms")) " late on average. "
                "System B sets the pace of webhooks: " (say.fact("push.requests")) " calls, "
                (say.fact("push.latency_mean_ms")) " after the event."
            }
            p {
                "The horizontal bars above the upper lane and below the lower one are the time in which System A does not yet "
                "know. Move the slider for “" "Ask every" "”, and watch the upper ones."
            }
        }
    },
};

/// Which side opens the connections of webhooks.
fn right(say: &Say<'_>) -> Option<usize> {
    match say.value("push.opened_by_b") {
        0.0 => Some(0),
        1.0 => Some(1),
        share if share > 0.0 => Some(2),
        _ => None,
    }
}
