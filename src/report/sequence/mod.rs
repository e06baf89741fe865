//! The sequence chart: System B in the middle, who asks it on the left, whom it calls on the right, and one line for each
//! thing that happens between them.

mod account;
mod canvas;
mod layout;
mod words;

use unicode_width::UnicodeWidthStr as _;

use crate::measure::story::{Story, Way};
use crate::report::table::{self, Style};
use crate::report::verdict;
use canvas::{Canvas, Tone, clipped};
use layout::Layout;

/// The narrowest chart that can be read.
pub const WIDTH_MIN: usize = 60;
/// The widest one that is drawn.
pub const WIDTH_MAX: usize = 200;

/// How a chart is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The widest line, from [`WIDTH_MIN`] to [`WIDTH_MAX`].
    pub width: usize,
    /// Whether it may have colours.
    pub style: Style,
    /// Whether every character is to be an ASCII one.
    pub is_ascii: bool,
}

/// A chart with what stands above and below it.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// The scenario and its title; none where that has been said.
    pub title: Option<String>,
    /// How, and what of it, is shown.
    pub subtitle: String,
    /// What happened.
    pub story: Story<'a>,
    /// What else there is to see.
    pub hints: Vec<String>,
}

/// The chart as text, with a line end.
pub fn render(chart: &Chart<'_>, look: Look) -> String {
    let Look { width, style, is_ascii } = Look { width: look.width.clamp(WIDTH_MIN, WIDTH_MAX), ..look };
    let mut lines: Vec<String> = Vec::new();
    let title = chart.title.iter().flat_map(|title| table::wrap(title, width));
    lines.extend(title.map(|line| style.bold(&line)));
    lines.extend(table::wrap(&chart.subtitle, width).iter().map(|line| style.dim(line)));
    lines.push(String::new());
    let layout = Layout::of(&chart.story, width);
    lines.extend(header(&chart.story, &layout, style));
    let mut before = String::new();
    for step in &chart.story.steps {
        for mut line in layout.draw(&chart.story, &step.what) {
            let instant = words::instant(step.at, layout.clock);
            // An instant that stands on the line above need not be said again.
            if instant != before {
                line.text(layout.time.saturating_sub(instant.len()), &instant, Tone::Dim);
                before = instant;
            }
            lines.push(line.render(style));
        }
    }
    lines.push(layout.blank().render(style));
    lines.push(String::new());
    for sentence in account::sentences(&chart.story).iter().chain(&chart.hints) {
        lines.extend(verdict::broken(sentence, width));
    }
    let text = lines.join("\n") + "\n";
    if is_ascii { ascii(&text) } else { text }
}

/// Who stands above which lifeline, and what they do.
fn header(story: &Story<'_>, layout: &Layout, style: Style) -> Vec<String> {
    let name = |way| story.lanes.iter().find(|lane| lane.way == way).map_or("", |lane| lane.name);
    let middle = layout.provider;
    let mut roles = Vec::new();
    let mut names = Vec::new();
    if let Some(column) = layout.pull {
        roles.push((column, "PULL: System A asks"));
        names.push((column, name(Way::Pull)));
    }
    names.push((middle, "System B"));
    if let Some(column) = layout.push {
        roles.push((column, "PUSH: System B calls"));
        names.push((column, name(Way::Push)));
    }
    let names = row(&names, layout.time + 1, layout.width, clock_heading(layout));
    let lifelines: Canvas = layout.blank();
    let roles = row(&roles, layout.time + 1, layout.width, String::new());
    vec![style.dim(&roles), style.bold(&names), lifelines.render(style)]
}

fn clock_heading(layout: &Layout) -> String {
    table::pad_left(layout.clock.heading(), layout.time)
}

/// Texts that stand above columns, as far as there is room; the first begins no further left than `start`.
fn row(texts: &[(usize, &str)], start: usize, width: usize, mut line: String) -> String {
    for (index, (column, text)) in texts.iter().enumerate() {
        let from = line.width().max(start) + 1;
        let until = texts.get(index + 1).map_or(width, |(next, text)| next.saturating_sub(text.width() / 2 + 2));
        // A long name leaves at least half of the room to the one before it.
        let until = texts.get(index + 1).map_or(until, |(next, _)| until.max(column.midpoint(*next)));
        let text = clipped(text, until.saturating_sub(from));
        let at = column.saturating_sub(text.width() / 2).min(width.saturating_sub(text.width())).max(from);
        line.push_str(&" ".repeat(at.saturating_sub(line.width())));
        line.push_str(&text);
    }
    line
}

/// The same text for terminals that show nothing but ASCII.
fn ascii(text: &str) -> String {
    let plain = |character: char| match character {
        '│' | '├' | '┤' => '|',
        '─' => '-',
        '▶' => '>',
        '◀' => '<',
        '●' => '*',
        '✕' => 'x',
        '·' | '…' => '.',
        'µ' => 'u',
        other if other.is_ascii() => other,
        _ => '?',
    };
    text.chars().map(plain).collect()
}
