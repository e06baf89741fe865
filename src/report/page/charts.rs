//! The charts of a run: each with a headline that says what it shows, and with its numbers behind it.

mod backlog;
mod latency;
mod load;
mod requests;
mod series;

use maud::{Markup, html};

use crate::report::chart::{self, Canvas};
use crate::report::human;
use crate::report::page::figure::row_key;
use crate::report::page::saved::{Client, Engine, Saved};
use crate::report::page::shell::Section;
use crate::report::page::{capital, engine_name, has_several_engines};

/// So many clients can be told apart in a chart; the others stand in the tables.
pub(super) const CHARTED_MAX: usize = 8;
/// A table behind a chart has no more rows than this.
pub(super) const ROWS_MAX: usize = 400;

/// The charts of every engine; none where nothing was measured.
pub(super) fn section(saved: &Saved) -> Option<Section> {
    let charts = |engine| {
        let of = Charted { saved, engine };
        [latency::figure(&of), requests::figure(&of), load::figure(&of), backlog::figure(&of)]
    };
    let body = html! {
        @if saved.replications.as_ref().is_some_and(|all| all.count > 1) {
            p class="note" { "The charts are of the first replication." }
        }
        @for engine in &saved.engines {
            @if has_several_engines(saved) { h3 class="engine" { (capital(engine_name(&engine.engine))) } }
            @for figure in charts(engine).into_iter().flatten() { (figure) }
            @if engine.clients.len() > CHARTED_MAX {
                p class="note" {
                    "The charts show the first " (CHARTED_MAX) " of " (human::count(engine.clients.len() as u64)) " clients."
                }
            }
        }
    };
    saved.engines.iter().any(|engine| !engine.clients.is_empty()).then(|| Section::new("charts", "What happened", body))
}

/// Whose charts are made.
pub(super) struct Charted<'a> {
    pub(super) saved: &'a Saved,
    pub(super) engine: &'a Engine,
}

impl<'a> Charted<'a> {
    /// The clients that are shown, each with its place in the scenario.
    pub(super) fn clients(&self) -> impl Iterator<Item = (usize, &'a Client)> + use<'a> {
        self.engine.clients.iter().take(CHARTED_MAX).enumerate()
    }

    /// An id that no other engine's chart has.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{name}-{}", self.engine.engine)
    }

    /// The row of a client in `summary.csv`.
    pub(super) fn summary_row(&self, client: &Client) -> String {
        let mut parts = vec![("engine", self.engine.engine.as_str()), ("client", client.name.as_str())];
        if self.saved.replications.is_some() {
            parts.push(("replication", "1"));
        }
        row_key(&parts)
    }
}

/// A client for a chart.
pub(super) fn client(index: usize, client: &Client) -> chart::Client {
    chart::Client::new(&client.name, index)
}

/// A chart below its headline, for wide and for narrow places, with its numbers.
pub(super) fn framed(
    id: &str,
    headline: &Markup,
    what: &str,
    draw: impl Fn(&Canvas) -> Markup,
    numbers: &Markup,
) -> Markup {
    html! {
        figure {
            figcaption {
                h3 { (headline) }
                p class="what" { (what) }
            }
            div class="wide" { (draw(&Canvas::wide(&format!("{id}-wide"), what))) }
            div class="narrow" { (draw(&Canvas::narrow(&format!("{id}-narrow"), what))) }
            details {
                summary { "The numbers behind this chart" }
                (numbers)
            }
        }
    }
}
