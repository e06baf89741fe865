//! The colours of everything that is shown in a browser: pages and charts, on light and on dark.
//!
//! They are CSS custom properties. Shapes and text name these and never a colour. Clients have theirs by their place in the
//! scenario; a test sees to it that they can be told apart, also by readers who see no red or no green, and that they stand
//! out from what is behind them.

use std::fmt::Write as _;

/// How many clients have colours of their own; from there on they repeat.
pub const CLIENT_COLOURS: usize = 8;

/// The fonts of the reader's own system.
const FONT: &str = "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif";

/// A property and its colour on light and on dark.
type Token = (&'static str, [&'static str; 2]);

/// What is neither of a client nor of an outcome.
const NEUTRAL: [Token; 8] = [
    ("background", ["#ffffff", "#111418"]),
    ("surface", ["#f6f7f9", "#1a1e24"]),
    ("ink", ["#1b1f26", "#e9ebee"]),
    ("muted", ["#5f6875", "#9aa3b0"]),
    ("grid", ["#e7e9ed", "#262b32"]),
    ("lane", ["#dcdfe5", "#323842"]),
    ("fault", ["#8b7d94", "#8d809c"]),
    ("fault-text", ["#665a70", "#b3a6c2"]),
];

/// Lines and shapes of clients, in the order of the scenario: vermilion, blue, amber, teal, magenta, sky, olive, violet.
const CLIENTS: [[&str; 2]; CLIENT_COLOURS] = [
    ["#c2410c", "#ff8f3f"],
    ["#1d4ed8", "#76a2ff"],
    ["#c87e11", "#fcc419"],
    ["#2f9a76", "#8ae2c6"],
    ["#b61c68", "#c2478a"],
    ["#018bb1", "#77c7fe"],
    ["#3c391e", "#7d8a44"],
    ["#9774fd", "#8f62f5"],
];

/// Text in the colours of clients; somewhat stronger, since it is thinner than it looks.
const CLIENT_TEXTS: [[&str; 2]; CLIENT_COLOURS] = [
    ["#b83c0a", "#ff8f3f"],
    ["#1d4ed8", "#76a2ff"],
    ["#8f5700", "#fcc419"],
    ["#1b7558", "#8ae2c6"],
    ["#b61c68", "#e377b1"],
    ["#00708f", "#77c7fe"],
    ["#3c391e", "#a3b364"],
    ["#6d43dd", "#b094ff"],
];

/// Outcomes that have a colour of their own. Useful and empty exchanges have that of their client, solid and hollow.
const OUTCOMES: [Token; 6] = [
    ("duplicate", ["#7a5ea8", "#b79be8"]),
    ("duplicate-text", ["#6a4e98", "#b79be8"]),
    ("throttled", ["#a86a00", "#e0a83a"]),
    ("throttled-text", ["#8a5600", "#e0a83a"]),
    ("failed", ["#d92626", "#ff6b6b"]),
    ("failed-text", ["#c01f1f", "#ff7d7d"]),
];

/// Ratios, from far below one over about one to far above: the colour and the text on it.
const HEAT: [[Token; 2]; 9] = [
    [("heat-1", ["#1e4fa3", "#93bbff"]), ("heat-1-ink", ["#ffffff", "#0d1526"])],
    [("heat-2", ["#3469b8", "#6296ea"]), ("heat-2-ink", ["#ffffff", "#0d1526"])],
    [("heat-3", ["#8cb8e8", "#35589a"]), ("heat-3-ink", ["#14181f", "#ffffff"])],
    [("heat-4", ["#cbdff5", "#263d66"]), ("heat-4-ink", ["#14181f", "#e9ebee"])],
    [("heat-5", ["#eef0f3", "#2a2f37"]), ("heat-5-ink", ["#14181f", "#e9ebee"])],
    [("heat-6", ["#fbdfc3", "#523a24"]), ("heat-6-ink", ["#14181f", "#f3ece6"])],
    [("heat-7", ["#f4b57a", "#85501f"]), ("heat-7-ink", ["#14181f", "#ffffff"])],
    [("heat-8", ["#dc7f31", "#d27d33"]), ("heat-8-ink", ["#14181f", "#170d04"])],
    [("heat-9", ["#a3430a", "#ffb273"]), ("heat-9-ink", ["#ffffff", "#170d04"])],
];

/// A theme of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    Light = 0,
    Dark = 1,
}

impl Theme {
    /// All properties with their colours.
    fn properties(self) -> Vec<(String, &'static str)> {
        let own = |(name, colours): &Token| ((*name).to_owned(), colours[self as usize]);
        let mut properties: Vec<_> = NEUTRAL.iter().chain(&OUTCOMES).chain(HEAT.iter().flatten()).map(own).collect();
        for (index, (shape, text)) in CLIENTS.iter().zip(&CLIENT_TEXTS).enumerate() {
            properties.push((format!("client-{}", index + 1), shape[self as usize]));
            properties.push((format!("client-{}-text", index + 1), text[self as usize]));
        }
        properties
    }

    fn declarations(self) -> String {
        let scheme = if self == Self::Light { "light" } else { "dark" };
        let mut text = format!("color-scheme:{scheme}");
        for (name, colour) in self.properties() {
            let _ = write!(text, ";--{name}:{colour}");
        }
        text
    }
}

/// The palette as CSS: light; dark where the reader's system is; either where an element says so with `data-theme`; and
/// always light on paper.
pub fn css() -> String {
    let [light, dark] = [Theme::Light, Theme::Dark].map(Theme::declarations);
    format!(
        ":root{{--font:{FONT};{light}}}\n\
         @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         [data-theme=light]{{{light}}}\n\
         [data-theme=dark]{{{dark}}}\n\
         @media print{{:root,[data-theme]{{{light}}}}}\n"
    )
}

/// The colour of a client's lines and shapes, by its place in the scenario from 0, as a CSS value.
pub fn client(index: usize) -> String {
    format!("var(--client-{})", index % CLIENT_COLOURS + 1)
}

/// The colour of text about a client, by its place in the scenario from 0, as a CSS value.
pub fn client_text(index: usize) -> String {
    format!("var(--client-{}-text)", index % CLIENT_COLOURS + 1)
}

#[cfg(test)]
mod tests;
