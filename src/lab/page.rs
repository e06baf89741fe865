//! The page: all of its words and controls are there before any script runs; the scripts fill in what the engine finds.

mod controls;
mod sections;
mod stage;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::lessons::{self, Ask, Lesson, SANDBOX};
use super::parameters::{Parameter, State, TABLE, Value as Setting, Values};
use super::start::Start;

/// The one question of the lab.
const QUESTION: &str = "Should you keep asking, or wait to be told?";

/// The page.
pub(super) fn render(start: &Start) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="description" content="Polling and webhooks, played by a simulation while you move the sliders";
                title { "pushpull lab: " (QUESTION) }
                link rel="icon" type="image/svg+xml" href="/favicon.svg";
                link rel="stylesheet" href="/lab.css";
                script type="module" src="/lab.js" {}
            }
            body {
                a.skip href="#main" { "Skip to the lesson" }
                header.top {
                    p.brand { "pushpull " span { "lab" } }
                    h1 { (QUESTION) }
                    p.sub {
                        "System B knows something that System A wants to know. Two ways to get it there, " b.fact.pull { "polling" }
                        " and " b.fact.push { "webhooks" } ", played with the very same events."
                    }
                }
                div.layout {
                    (contents(start))
                    main #main tabindex="-1" {
                        noscript { p.problem { "The lab needs JavaScript: its pictures move." } }
                        @for (index, lesson) in lessons::ALL.iter().enumerate() { (sections::lesson(index, lesson)) }
                        (sections::sandbox(start))
                        div #workbench hidden { (stage::render()) (controls::render()) (stage::take_along()) }
                    }
                }
                script type="application/json" #lab-data { (PreEscaped(inert(&data(start)))) }
            }
        }
    };
    page.into_string()
}

/// JSON inside of HTML: nothing in it ends the element that holds it.
fn inert(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

/// The list of lessons.
fn contents(start: &Start) -> Markup {
    let sandbox = match &start.file {
        Some(file) => format!("Sandbox: {}", file.name),
        None => "Sandbox".to_owned(),
    };
    html! {
        nav.contents aria-label="Lessons" data-testid="contents" {
            ol {
                @for (index, lesson) in lessons::ALL.iter().enumerate() {
                    li {
                        a href={ "/?lesson=" (lesson.key) } data-lesson=(lesson.key) data-testid={ "nav-" (lesson.key) } {
                            span.number aria-hidden="true" { (index + 1) } span.name { (lesson.title) }
                        }
                    }
                }
                li {
                    a href={ "/?lesson=" (SANDBOX) } data-lesson=(SANDBOX) data-testid={ "nav-" (SANDBOX) } {
                        span.number aria-hidden="true" { "∗" } span.name { (sandbox) }
                    }
                }
            }
            p.progress {
                progress max=(lessons::ALL.len()) value="0" aria-label="Lessons answered" data-testid="progress" {}
                span data-progress="" {}
            }
        }
    }
}

/// What the scripts need to know: the parameters, the lessons, and the states that they start from.
pub(super) fn data(start: &Start) -> Value {
    let lesson = |lesson: &Lesson| {
        json!({
            "key": lesson.key,
            "title": lesson.title,
            "values": values(&lesson.state()),
            "controls": lesson.controls.iter().map(|name| TABLE[*name as usize].key).collect::<Vec<_>>(),
            "ask": ask(&lesson.ask),
            "charts": lesson.charts.iter().map(|chart| chart.key).collect::<Vec<_>>(),
            "isSwept": lesson.is_swept(),
        })
    };
    let shown: Vec<_> = TABLE.iter().filter(|parameter| start.shows(parameter.name)).map(|p| p.key).collect();
    json!({
        "parameters": TABLE.iter().map(parameter).collect::<Vec<_>>(),
        "lessons": lessons::ALL.iter().map(lesson).collect::<Vec<_>>(),
        "sandbox": { "key": SANDBOX, "title": "Sandbox", "values": values(&start.state), "controls": shown,
            "ask": null, "charts": ["latency", "requests", "backlog"], "isSwept": false },
        "file": start.file.as_ref().map(|file| file.name.as_str()),
    })
}

fn values(state: &State) -> Value {
    let value = |parameter: &Parameter| (parameter.key.to_owned(), parameter.write(state.get(parameter.name)).into());
    TABLE.iter().map(value).collect::<serde_json::Map<_, _>>().into()
}

fn parameter(parameter: &Parameter) -> Value {
    let (kind, stops): (_, Vec<Setting>) = match &parameter.values {
        Values::Number(numbers) => ("number", numbers.stops.iter().copied().map(Setting::Number).collect()),
        Values::Choice { options, .. } => ("choice", (0..options.len()).map(Setting::Choice).collect()),
    };
    let stop = |value: &Setting| json!({ "value": parameter.write(*value), "label": parameter.show(*value) });
    json!({
        "key": parameter.key,
        "label": parameter.label,
        "kind": kind,
        "stops": stops.iter().map(stop).collect::<Vec<_>>(),
    })
}

fn ask(ask: &Ask) -> Value {
    match ask {
        Ask::Choice { options, .. } => json!({ "kind": "choice", "options": options }),
        Ask::Guess { range, unit, .. } => json!({ "kind": "guess", "range": range, "unit": unit }),
    }
}
