//! Lesson 8: what to choose, and that both can be had.

use maud::html;

use super::{Ask, LATENCY, Lesson, Say};
use crate::lab::parameters::{Name, Role};

pub(super) const LESSON: Lesson = Lesson {
    key: "choosing",
    title: "Choosing, and doing both",
    lead: "The network loses some messages, and System B sends each webhook only once. Three System A’s look at the same \
           events: one asks, one is told, and one is told and asks now and then whether it missed something. Which of them \
           would you build?",
    start: "rate=12&every=10&latency=100&loss=5&retries=none&reconcile=60&duration=60&seed=8",
    controls: &[Name::Every, Name::Reconcile, Name::Loss, Name::Retries, Name::Rate],
    presets: &[],
    charts: &[LATENCY],
    ask: Ask::Choice { options: &["The one that asks", "The one that is told", "The one that does both"], right },
    question: |_| html! { "Who misses nothing, and of those who miss nothing, who hears of half of the events soonest?" },
    tell: |say| {
        let best = right(say);
        html! {
            p {
                "Lost events: asking " (say.fact("pull.lost")) ", told " (say.fact("push.lost")) ", both "
                (say.fact("both.lost")) ". Half of the events known within: " (say.fact("pull.latency_p50_ms")) ", "
                (say.fact("push.latency_p50_ms")) ", " (say.fact("both.latency_p50_ms")) ". At worst: "
                (say.fact("pull.latency_max_ms")) ", " (say.fact("push.latency_max_ms")) ", "
                (say.fact("both.latency_max_ms")) "."
            }
            p {
                @match best {
                    Some(2) => {
                        "Doing both misses nothing and is soonest here. It takes " (say.fact("both.extra_requests"))
                        " requests more than webhooks alone: " (say.fact("both.requests_per_event"))
                        " an event, where polling takes " (say.fact("pull.requests_per_event")) "."
                    }
                    Some(1) => {
                        "With the sliders as they are, being told is enough: nothing is lost, and nothing is sooner. A slow poll \
                         beside it is an insurance that was not needed in this run."
                    }
                    Some(_) => {
                        "With the sliders as they are, asking is the best of those who miss nothing. A shorter way through the \
                         network or a slower poll tips it over."
                    }
                    None => { "With the sliders as they are, everybody misses something, or nobody does both." }
                }
            }
            p {
                "As a rule: poll where news may be an interval old, where events are frequent, or where nobody can call you. "
                "Take webhooks where news must be fresh or events are rare, with a signature, retries and a queue. And where "
                "nothing may be missed, do both. The sandbox has all the sliders: put in your own figures."
            }
        }
    },
};

/// Of the clients that lost nothing, the one with the lowest median of the latency.
fn right(say: &Say<'_>) -> Option<usize> {
    let median = |role: &Role| {
        let key = role.key();
        let has_all = say.value(&format!("{key}.lost")) == 0.0;
        Some(say.value(&format!("{key}.latency_p50_ms"))).filter(|median| has_all && median.is_finite())
    };
    let medians = Role::ALL.iter().enumerate().filter_map(|(index, role)| Some((index, median(role)?)));
    medians.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}
