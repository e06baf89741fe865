//! A section for each lesson, and one for the sandbox. The stage and the controls are put into the one that is shown.

use maud::{Markup, html};

use crate::lab::lessons::{self, Ask, BACKLOG, Chart, LATENCY, Lesson, REQUESTS, SANDBOX};
use crate::lab::start::Start;

/// A lesson.
pub(super) fn lesson(index: usize, lesson: &Lesson) -> Markup {
    let count = lessons::ALL.len();
    let next = lessons::ALL.get(index + 1).map_or((SANDBOX, "Sandbox"), |next| (next.key, next.title));
    let previous = index.checked_sub(1).and_then(|index| lessons::ALL.get(index));
    html! {
        section.lesson #{ "lesson-" (lesson.key) } data-section=(lesson.key) data-testid={ "lesson-" (lesson.key) }
            aria-labelledby={ "title-" (lesson.key) } hidden {
            p.kicker { "Lesson " (index + 1) " of " (count) }
            h2 #{ "title-" (lesson.key) } { (lesson.title) }
            p.lead { (lesson.lead) }
            div data-slot="" {}
            (prediction(lesson))
            div.after data-after="" data-testid={ "after-" (lesson.key) } hidden {
                div.text data-text="" data-testid={ "text-" (lesson.key) } {}
                @if !lesson.presets.is_empty() {
                    p.presets {
                        span { "Worth a look: " }
                        @for (name, query) in lesson.presets {
                            button type="button" data-preset=(query) { (name) }
                        }
                    }
                }
                @for chart in lesson.charts { (figure(lesson.key, chart)) }
                (comparison(lesson.key))
            }
            nav.steps aria-label="Before and after this lesson" {
                @if let Some(previous) = previous {
                    a href={ "/?lesson=" (previous.key) } data-lesson=(previous.key) { "← " (previous.title) }
                } @else { span {} }
                a.next href={ "/?lesson=" (next.0) } data-lesson=(next.0) data-testid={ "next-" (lesson.key) } { (next.1) " →" }
            }
        }
    }
}

/// The place where everything can be moved.
pub(super) fn sandbox(start: &Start) -> Markup {
    html! {
        section.lesson.sandbox #{ "lesson-" (SANDBOX) } data-section=(SANDBOX) data-testid={ "lesson-" (SANDBOX) }
            aria-labelledby={ "title-" (SANDBOX) } hidden {
            p.kicker { "After the lessons" }
            h2 #{ "title-" (SANDBOX) } { "Sandbox" }
            @if let Some(file) = &start.file {
                p.lead {
                    "This is " b { (file.name) } ". The sliders show what they can of it; the rest stays as the file says."
                }
            } @else {
                p.lead {
                    "All the sliders: put in your own figures. Every state has a link, and a scenario file that gives the same "
                    "figures on the command line, where there is much more that can be said."
                }
            }
            div data-slot="" {}
            div.after data-after="" data-testid={ "after-" (SANDBOX) } {
                h3 { "What it comes to" }
                ul.verdict data-verdict="" data-testid="verdict" {}
                (comparison(SANDBOX))
                @for chart in [&LATENCY, &REQUESTS, &BACKLOG] { (figure(SANDBOX, chart)) }
            }
        }
    }
}

fn figure(section: &str, chart: &Chart) -> Markup {
    html! {
        figure.chart-box data-chart=(chart.key) data-testid={ "chart-" (section) "-" (chart.key) } {
            figcaption { (chart.title) }
            div.canvas {}
        }
    }
}

fn comparison(section: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Figures of the whole run" {
            table.comparison data-comparison="" data-testid={ "figures-" (section) } {}
        }
    }
}

/// The question of a lesson, to be answered before anything is told.
fn prediction(lesson: &Lesson) -> Markup {
    let key = lesson.key;
    html! {
        form.prediction data-prediction="" data-testid={ "prediction-" (key) } autocomplete="off" {
            h3 { "First, a prediction" }
            @match &lesson.ask {
                Ask::Choice { options, .. } => {
                    fieldset.choices {
                        legend data-question="" { "…" }
                        @for (place, option) in options.iter().enumerate() {
                            label.choice {
                                input type="radio" name={ "guess-" (key) } value=(place) data-testid={ "choice-" (key) "-" (place) };
                                span { (option) }
                            }
                        }
                    }
                }
                Ask::Guess { range, unit, .. } => {
                    label.guess for={ "guess-" (key) } data-question="" { "…" }
                    div.guess-row {
                        input #{ "guess-" (key) } type="range" min=(range[0]) max=(range[1]) step="1"
                            value=((range[0] + range[1]) / 2.0) data-testid={ "guess-" (key) };
                        output for={ "guess-" (key) } { }
                        span.unit { (unit) }
                    }
                }
            }
            p.actions {
                button.primary type="submit" data-testid={ "predict-" (key) } { "Show what the engine finds" }
                button.quiet type="button" data-skip="" data-testid={ "skip-" (key) } { "Just show me" }
            }
            div.outcome data-outcome="" data-testid={ "outcome-" (key) } role="status" hidden {}
        }
    }
}
