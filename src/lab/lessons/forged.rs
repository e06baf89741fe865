//! Lesson 6: an endpoint for webhooks is a door, and a signature is its lock.

use maud::html;

use super::{Ask, Lesson, REQUESTS};
use crate::lab::parameters::Name;

pub(super) const LESSON: Lesson = Lesson {
    key: "forged",
    title: "Anyone can call your webhook",
    lead: "Whoever polls knows whom they asked. Whoever takes webhooks has an address that the whole world can call, and a \
           stranger can write “order 17 is paid” as well as System B can. Here one does so, from below: made up, wrongly \
           signed, recorded and changed, recorded and sent again. System A looks at no signature.",
    start: "rate=12&every=5&forged=12&signature=none&latency=200&duration=20&seed=5",
    controls: &[Name::Signature, Name::Forged, Name::Rate],
    presets: &[("Check a signature", "signature=standard-webhooks"), ("Believe whoever calls", "signature=none")],
    charts: &[REQUESTS],
    ask: Ask::Guess { fact: "push.believed_ratio", factor: 100.0, range: [0.0, 100.0], unit: "%" },
    question: |say| {
        html! {
            "A stranger sends " (say.fact("push.forged")) " forged webhooks. System A checks: "
            (say.fact("set.signature")) ". How many percent of the forgeries does it act upon?"
        }
    },
    tell: |say| {
        let believed = say.value("push.forged_accepted");
        html! {
            p {
                @if believed > 0.0 {
                    "System A believed " (say.fact("push.forged_accepted")) " of " (say.fact("push.forged"))
                    " forgeries (" (say.fact("push.believed_ratio")) ") and did what they said. The "
                    (say.fact("push.forged_rejected")) " that it did not act upon were copies of genuine webhooks: it knew "
                    "their events again."
                } @else if believed == 0.0 && say.value("push.forged") > 0.0 {
                    "System A believed none: all " (say.fact("push.forged_rejected")) " forgeries were turned away, and all "
                    (say.fact("push.delivered")) " genuine events came through."
                } @else {
                    "Nobody forged anything in this run."
                }
            }
            p {
                "A signature is a number that only somebody with the secret can reckon from the message and its time. System "
                "B sends it along; System A reckons it again and compares. A made-up message has none, a changed one the wrong "
                "one, an old one is too old. What is sent again word for word has a right one: against that helps only to "
                "remember what was handled."
            }
            p {
                "The poller has no such door: it lost " (say.fact("pull.lost")) " events, believed "
                (say.fact("pull.forged_accepted")) " forgeries, and needs a secret only to be let in itself."
            }
        }
    },
};
