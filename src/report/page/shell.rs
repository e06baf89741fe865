//! What is around the sections of a page: its head, its title, the way to its sections, and its foot.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::{chart, palette};

/// The rules for the page itself; those of colours and charts are beside them.
const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded, sent or run: what is shown stands in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Without one a browser would look for it beside the page.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 5h9M8 2l3 3-3 3' \
                    fill='none' stroke='%23c2410c' stroke-width='2'/%3E%3Cpath d='M14 11H5M8 8l-3 3 3 3' fill='none' stroke='%231d4ed8' \
                    stroke-width='2'/%3E%3C/svg%3E";

/// What stands at the top of a page.
pub(super) struct Head<'a> {
    /// What kind of results it shows.
    pub(super) kind: &'a str,
    /// The name of the scenario.
    pub(super) name: &'a str,
    /// The question that it asks.
    pub(super) title: &'a str,
    /// What was played, in a few words each.
    pub(super) facts: Vec<String>,
    /// What a reader has to know before anything else.
    pub(super) warning: Option<String>,
    /// The version of the program that wrote the results.
    pub(super) tool_version: &'a str,
}

/// A part of a page with a heading of its own.
pub(super) struct Section {
    id: &'static str,
    heading: String,
    body: Markup,
}

impl Section {
    /// A section that can be led to by its id.
    pub(super) fn new(id: &'static str, heading: impl Into<String>, body: Markup) -> Self {
        Self { id, heading: heading.into(), body }
    }
}

/// The whole page.
pub(super) fn document(head: &Head<'_>, sections: &[Section]) -> Vec<u8> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("pushpull {}", head.tool_version));
                title { (head.title) " – " (head.name) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(palette::css())) (PreEscaped(chart::css())) (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#verdict" { "Skip to the verdict" }
                header {
                    p class="kind" { (head.kind) " · " span class="name" { (head.name) } }
                    h1 { (head.title) }
                    ul class="facts" { @for fact in &head.facts { li { (fact) } } }
                    @if let Some(warning) = &head.warning { p class="warning" role="note" { (warning) } }
                    nav aria-label="Sections" {
                        ul { @for section in sections { li { a href=(format!("#{}", section.id)) { (section.heading) } } } }
                    }
                }
                main {
                    @for section in sections {
                        section id=(section.id) aria-labelledby=(format!("{}-heading", section.id)) {
                            h2 id=(format!("{}-heading", section.id)) { (section.heading) }
                            (section.body)
                        }
                    }
                }
                footer {
                    p { "Made by pushpull " (head.tool_version) ". This page needs no network: everything that it shows is in it." }
                }
            }
        }
    };
    page.into_string().into_bytes()
}
