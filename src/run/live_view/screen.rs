//! Puts the view onto the terminal behind standard error, between what was there before and what comes after.
//!
//! The view stays where the cursor is, so that nothing of the terminal's history is lost, and needs nothing of the terminal
//! that would have to be undone: no other screen, no raw mode. Between two paintings the cursor stands, visible, at the upper
//! left corner of the view. There it stays with its line when the terminal is resized, whatever becomes of the lines below
//! it, and what somebody types is painted over.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget as _;

use super::drawing::View;

/// Fewer rows or columns than these are no screen; then there is nothing to see, and nothing goes wrong.
const LEAST: (u16, u16) = (8, 2);

/// How things stand with the terminal: no view, a view that has not been painted yet, or one that has to be wiped.
static STATE: AtomicU8 = AtomicU8::new(ABSENT);
const ABSENT: u8 = 0;
const UNPAINTED: u8 = 1;
const PAINTED: u8 = 2;

/// Where an end of the program wipes the view, whichever end it is.
static PANICS: Once = Once::new();

/// The cursor goes back to the upper left corner of the view; everything from there on goes.
const WIPE: &str = "\x1b8\r\x1b[0m\x1b[J\x1b[?25h";
/// Terminals that know how show what follows all at once. The cursor is not seen to run over the view.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?2026l";

/// The part of the terminal that shows the view. It is wiped when this is dropped, and when the program panics.
#[derive(Debug)]
pub(super) struct Screen {
    /// The size of the terminal at the last painting.
    size: (u16, u16),
}

impl Screen {
    /// Takes a part of the terminal; nothing is to be seen of it before the first painting.
    pub(super) fn take() -> Self {
        PANICS.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                wipe();
                before(panic);
            }));
        });
        STATE.store(UNPAINTED, Ordering::SeqCst);
        Self { size: (0, 0) }
    }

    /// Paints the view of at most so many rows; one row of the terminal is left as it was.
    pub(super) fn paint<'a>(&mut self, view: impl FnOnce(u16) -> View<'a>) -> io::Result<()> {
        let size = rustix::termios::tcgetwinsize(io::stderr())?;
        let size = (size.ws_col, size.ws_row);
        if size.0 < LEAST.0 || size.1 < LEAST.1 {
            return Ok(());
        }
        // What is written into the last column of some terminals takes the next character along.
        let view = view(size.1 - 1);
        let area = Rect::new(0, 0, size.0 - 1, view.layout.rows.clamp(1, size.1 - 1));
        let mut buffer = Buffer::empty(area);
        view.render(area, &mut buffer);
        let text = lines(&buffer);
        // Whoever holds this lock writes alone, also in a panic of another thread.
        let mut out = io::stderr().lock();
        let back = match STATE.load(Ordering::SeqCst) {
            ABSENT => return Ok(()),
            // The terminal has moved the lines, and the cursor with its own.
            PAINTED if self.size != size => "\r\x1b[J",
            PAINTED => "\x1b8\r",
            _ => "\r",
        };
        self.size = size;
        STATE.store(PAINTED, Ordering::SeqCst);
        let up = area.height - 1;
        let up = if up > 0 { format!("\x1b[{up}A") } else { String::new() };
        // Whether lines had to scroll up or not, the first is so many above the last.
        out.write_all(format!("{BEGIN}{back}{text}\x1b[J\r{up}\x1b7{END}").as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        wipe();
    }
}

/// Wipes the view, if there is one, and lets nobody paint it again.
pub(in crate::run) fn wipe() {
    let mut out = io::stderr().lock();
    if STATE.swap(ABSENT, Ordering::SeqCst) == PAINTED {
        // Where nothing can be written there is nothing to be seen either.
        let _ = out.write_all(WIPE.as_bytes()).and_then(|()| out.flush());
    }
}

/// The lines of a buffer, with what terminals need to colour them, each cleared up to its end.
fn lines(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in buffer.area.rows() {
        if row.y > buffer.area.y {
            text.push_str("\r\n");
        }
        let is_there = |at: &Position| buffer.cell(*at).is_some_and(|cell| cell.symbol() != " ");
        let Some(last) = row.columns().map(|at| at.as_position()).rfind(is_there) else {
            text.push_str("\x1b[K");
            continue;
        };
        let mut switched = String::new();
        for cell in (row.x..=last.x).filter_map(|x| buffer.cell((x, row.y))) {
            let codes = codes(cell.style());
            if codes != switched && cell.symbol() != " " {
                let _ = write!(text, "\x1b[0{codes}m");
                switched = codes;
            }
            text.push_str(cell.symbol());
        }
        text.push_str(if switched.is_empty() { "\x1b[K" } else { "\x1b[0m\x1b[K" });
    }
    text
}

/// What switches a terminal from plain text to a style; nothing where the text is plain.
fn codes(style: Style) -> String {
    let mut codes = String::new();
    if style.add_modifier.contains(Modifier::BOLD) {
        codes.push_str(";1");
    }
    if let Some(Color::Indexed(colour)) = style.fg {
        let _ = write!(codes, ";38;5;{colour}");
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_panics_finds_no_view() {
        let _screen = Screen::take();
        assert_eq!(STATE.load(Ordering::SeqCst), UNPAINTED);
        assert!(std::thread::spawn(|| panic!("a panic that was meant")).join().is_err());
        assert_eq!(STATE.load(Ordering::SeqCst), ABSENT);
    }

    #[test]
    fn lines_carry_no_more_than_they_need() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 3));
        buffer.set_string(0, 0, "plain", Style::new());
        buffer.set_string(1, 1, "●●", Style::new().fg(Color::Indexed(208)));
        buffer.set_string(4, 1, "x", Style::new().add_modifier(Modifier::BOLD));
        let text = lines(&buffer);
        assert_eq!(text, "plain\x1b[K\r\n \x1b[0;38;5;208m●● \x1b[0;1mx\x1b[0m\x1b[K\r\n\x1b[K");
    }
}
