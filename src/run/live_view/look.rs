//! How the view looks on a terminal: its signs, and its colours. Every sign says by its shape what it stands for, so that
//! nothing is lost without colours.

use ratatui::style::{Color, Modifier, Style};

use super::course::Mark;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) struct Look {
    /// Whether there are colours.
    pub(super) colour: bool,
    /// Whether there is more than ASCII.
    pub(super) unicode: bool,
}

/// The colours of clients, in the order of the scenario: orange, blue, amber, teal, magenta. They can be told apart on dark
/// and on light ground.
const CLIENTS: [Color; 5] =
    [Color::Indexed(208), Color::Indexed(33), Color::Indexed(178), Color::Indexed(37), Color::Indexed(169)];

/// What went wrong.
const WRONG: Color = Color::Indexed(196);

/// What stands back.
const BACK: Color = Color::Indexed(245);

/// How full a place of a chart is, in steps; the first is empty.
const LEVELS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_LEVELS: [&str; 9] = [" ", ".", ".", ":", ":", "=", "=", "#", "#"];

/// How far a bar reaches into its last place, in steps.
const PARTS: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

impl Look {
    /// A sign, or what stands for it in ASCII.
    pub(super) const fn sign(self, sign: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { sign } else { ascii }
    }

    /// The sign of an event that occurs.
    pub(super) const fn event(self) -> &'static str {
        self.sign("●", "*")
    }

    /// The sign of a mark.
    pub(super) const fn mark(self, mark: Mark) -> &'static str {
        match mark {
            Mark::Empty => self.sign("○", "o"),
            Mark::NotModified => self.sign("◌", "="),
            Mark::Known => self.sign("◇", "d"),
            Mark::Brought => self.sign("◉", "@"),
            Mark::Fetched => self.sign("▽", "v"),
            Mark::Told => self.sign("▲", "^"),
            Mark::ToldLater => self.sign("↻", "r"),
            Mark::Throttled => self.sign("⊘", "%"),
            Mark::Forged => self.sign("!", "!"),
            Mark::Failed => self.sign("✕", "x"),
        }
    }

    /// A place of a chart that is full to one of the steps from 0 to 8.
    pub(super) const fn level(self, step: usize) -> &'static str {
        let step = if step > 8 { 8 } else { step };
        if self.unicode { LEVELS[step] } else { ASCII_LEVELS[step] }
    }

    /// A bar over so many places, full to a share.
    pub(super) fn bar(self, share: f64, places: usize) -> String {
        let eighths = libm::round(share.clamp(0.0, 1.0) * places as f64 * 8.0) as usize;
        // What is there at all can be seen.
        let eighths = if share > 0.0 { eighths.max(1) } else { eighths };
        let places = (0..places).map(|place| eighths.saturating_sub(place * 8).min(8));
        places
            .map(|part| {
                if self.unicode {
                    PARTS[part]
                } else if part >= 4 {
                    "#"
                } else {
                    " "
                }
            })
            .collect()
    }

    /// The style of a client.
    pub(super) fn client(self, index: usize) -> Style {
        self.coloured(CLIENTS[index % CLIENTS.len()])
    }

    /// The style of a mark of a client.
    pub(super) fn mark_style(self, mark: Mark, client: usize) -> Style {
        match mark {
            Mark::Empty | Mark::NotModified | Mark::Known => self.back(),
            Mark::Brought | Mark::Fetched | Mark::Told | Mark::ToldLater => self.client(client).patch(self.strong()),
            Mark::Throttled | Mark::Forged | Mark::Failed => self.wrong(),
        }
    }

    /// What stands back.
    pub(super) fn back(self) -> Style {
        self.coloured(BACK)
    }

    /// What stands out.
    pub(super) fn strong(self) -> Style {
        if self.colour { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() }
    }

    /// What went wrong.
    pub(super) fn wrong(self) -> Style {
        self.coloured(WRONG).patch(self.strong())
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn every_sign_has_a_shape_of_its_own_one_column_wide() {
        for unicode in [true, false] {
            let look = Look { colour: false, unicode };
            let signs: Vec<_> = Mark::ALL.map(|mark| look.mark(mark)).into_iter().chain([look.event()]).collect();
            assert_eq!(signs.iter().collect::<BTreeSet<_>>().len(), signs.len());
            assert!(signs.iter().all(|sign| sign.width() == 1 && (unicode || sign.is_ascii())), "{signs:?}");
        }
    }

    #[test]
    fn bars_reach_as_far_as_their_share() {
        let look = |unicode| Look { colour: false, unicode };
        assert_eq!(look(true).bar(0.5, 4), "██  ");
        assert_eq!(look(true).bar(0.001, 4), "▏   ");
        assert_eq!(look(true).bar(7.0, 2), "██");
        assert_eq!(look(false).bar(0.5, 4), "##  ");
        assert_eq!(look(false).bar(f64::NAN, 2), "  ");
    }
}
