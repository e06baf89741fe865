//! The stage: two lanes of System A with System B between them, on one axis of time, and what plays them.

use maud::{Markup, html};

/// The speeds at which the stage plays, as factors.
const SPEEDS: [(&str, &str); 7] =
    [("0.25", "¼×"), ("0.5", "½×"), ("1", "1×"), ("2", "2×"), ("4", "4×"), ("8", "8×"), ("10", "10×")];

/// The stage with its player.
pub(super) fn render() -> Markup {
    html! {
        div.stage #stage data-testid="stage" {
            (lane("pull", "asked"))
            div.strip #strip data-testid="strip" role="img" aria-labelledby="summary" {}
            (lane("push", "called"))
            (player())
            p.summary #summary data-testid="summary" role="status" {}
            p.problem #problem data-testid="problem" role="alert" hidden {}
            details.told data-testid="exchanges" {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="region" aria-label="Every exchange of the stretch" {
                    table #exchanges {}
                }
            }
            (legend())
        }
    }
}

/// The heading of a lane: whose it is, and what it has come to.
fn lane(role: &str, opened: &str) -> Markup {
    html! {
        div.lane-head data-lane=(role) data-testid={ "lane-" (role) } {
            p.who { span data-who="" {} select data-pick="" aria-label="Whose lane this is" hidden {} }
            dl.counters data-testid={ "counters-" (role) } {
                @for (key, label) in [
                    ("opened", opened), ("useful", "brought news"), ("empty", "nothing new"), ("failed", "failed"),
                    ("repeated", "sent again"), ("believed", "forged, believed"), ("rejected", "forged, refused"), ("late", "late on average"),
                ] {
                    div data-counter=(key) data-testid={ "count-" (role) "-" (key) } { dt { (label) } dd { "0" } }
                }
            }
        }
    }
}

fn player() -> Markup {
    html! {
        div.player role="group" aria-label="Player" data-testid="player" {
            button type="button" #play data-testid="play" aria-label="Play" {
                (icon("to-play", "M4 2l13 7-13 7z")) (icon("to-pause", "M3 2h4v14H3zM11 2h4v14h-4z"))
            }
            button type="button" #again data-testid="again" aria-label="Back to the start" { (icon("", "M2 2h3v14H2zM16 2v14L6 9z")) }
            button type="button" #step data-testid="step" aria-label="On to the next thing that happens" { (icon("", "M13 2h3v14h-3zM2 2v14l10-7z")) }
            input type="range" #scrub min="0" max="1000" step="1" value="0" aria-label="Time" data-testid="scrub";
            span.time #time data-testid="time" {}
            label.speed { span.sr-only { "Speed" }
                select #speed data-testid="speed" {
                    @for (value, label) in SPEEDS { option value=(value) selected[value == "1"] { (label) } }
                }
            }
        }
    }
}

/// A sign on a button.
fn icon(class: &str, path: &str) -> Markup {
    html! { svg class=(class) viewBox="0 0 18 18" aria-hidden="true" focusable="false" { path d=(path) {} } }
}

fn legend() -> Markup {
    html! {
        ul.legend aria-label="What the signs mean" {
            li { span.sign.event aria-hidden="true" {} "an event at System B" }
            li { span.sign.useful aria-hidden="true" {} "brought news" }
            li { span.sign.empty aria-hidden="true" {} "nothing new" }
            li { span.sign.failed aria-hidden="true" { "✕" } "failed" }
            li { span.sign.wait aria-hidden="true" {} "System A does not know yet" }
            li.only-forged { span.sign.forged aria-hidden="true" {} "forged, and believed" }
        }
    }
}

/// The state as something to keep: a link, a scenario file, and what to do with it.
pub(super) fn take_along() -> Markup {
    html! {
        div.take data-testid="take" {
            button type="button" #copy-link data-testid="copy-link" { "Copy link" }
            a.button #download download="lab.toml" href="/scenario.toml" data-testid="download" { "Download the scenario" }
            button type="button" #copy-command data-testid="copy-command" {
                "Copy " code { "pushpull run lab.toml" }
            }
            button type="button" #reset data-testid="reset" { "Start over" }
            span.said #said role="status" data-testid="said" {}
        }
    }
}
