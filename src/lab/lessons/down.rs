//! Lesson 5: what happens while System A is down decides between a delay and a loss.

use maud::html;

use super::{Ask, BACKLOG, Lesson};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "down",
    title: "System A is down",
    lead: "A deployment, a crash, a lost network: for a while System A neither asks nor answers. A poller that comes back asks \
           for everything since the last answer. A webhook that finds nobody has failed (a red cross), and what then becomes \
           of it is up to System B. Here System B sends each webhook once.",
    start: "rate=20&every=5&latency=200&outage_at=20&outage=30&retries=none&duration=5&seed=3",
    controls: &[Name::Outage, Name::Retries, Name::Loss, Name::Reconcile],
    presets: &[
        ("Send again for a minute", "retries=quick"),
        ("Send once, and poll every 30 s", "retries=none&reconcile=30"),
    ],
    charts: &[BACKLOG],
    ask: Ask::Guess { fact: "push.lost", factor: 1.0, range: [0.0, 60.0], unit: "events" },
    question: |say| {
        html! {
            "In " (say.fact("set.duration")) " there are " (say.fact("push.events")) " events. System A is down for "
            (say.fact("set.outage")) " of it. Of how many events do the webhooks never bring word?"
        }
    },
    tell: |say| {
        let [pull, push, both] = ["pull.lost", "push.lost", "both.lost"].map(|name| say.value(name));
        html! {
            p {
                @if push > 0.0 {
                    "The webhooks lost " (say.fact("push.lost")) " of " (say.fact("push.events")) " events ("
                    (say.fact("push.lost_ratio")) "): " (say.fact("push.failed")) " attempts failed, and nobody came back "
                    "to them. System A does not even know what it missed."
                } @else {
                    "The webhooks lost nothing: " (say.fact("push.failed")) " attempts failed, and what failed was sent again "
                    "until it got through, the last after " (say.fact("push.latency_max_ms")) "."
                }
            }
            p {
                @if pull > 0.0 { "Polling lost " (say.fact("pull.lost")) " events. " } @else { "Polling lost nothing. " }
                "System B keeps events for whoever asks, so an outage only makes news late: " (say.fact("pull.latency_max_ms"))
                " at worst. In the chart its line falls to zero with the first question after the outage."
            }
            @if both.is_nan() {
                p {
                    "Two things help webhooks: retries (“A webhook that fails” above), and a slow poll beside them that looks "
                    "now and then whether something was missed. Try both."
                }
            } @else {
                p {
                    "The third System A is told and asks every " (say.fact("set.reconcile")) ". It lost "
                    (say.fact("both.lost")) ", heard of half of the events within " (say.fact("both.latency_p50_ms"))
                    ", and of the last one after " (say.fact("both.latency_max_ms")) ". That is called reconciliation."
                }
            }
        }
    },
};
