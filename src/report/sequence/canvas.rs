//! Lines of a sequence chart, drawn character by character: lifelines, and what goes between them.

use unicode_width::UnicodeWidthStr as _;

use crate::report::sequence::words::Phrases;
use crate::report::table::Style;

/// How a piece of a line looks where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As text.
    Plain,
    /// It stands back.
    Dim,
    /// It stands out.
    Bold,
    /// Somebody learns something.
    Good,
    /// Something goes wrong.
    Bad,
}

impl Tone {
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Dim => Some("2"),
            Self::Bold => Some("1"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
        }
    }
}

/// What becomes of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes to the other side.
    Arrives,
    /// It ends on its way.
    Ends,
}

/// Columns from a lifeline to the next that an arrow needs for itself: its head, a dash and a space on each side of the words.
const WORDLESS: usize = 7;

/// One line.
pub(super) struct Canvas {
    cells: Vec<(char, Tone)>,
}

impl Canvas {
    /// A line of so many columns with lifelines at these.
    pub(super) fn new(width: usize, lifelines: impl IntoIterator<Item = usize>) -> Self {
        let mut canvas = Self { cells: vec![(' ', Tone::Plain); width] };
        lifelines.into_iter().for_each(|column| canvas.put(column, '│', Tone::Dim));
        canvas
    }

    /// An arrow from one lifeline to another, with words on it.
    pub(super) fn arrow(&mut self, from: usize, to: usize, words: &Phrases, fate: Fate, tone: Tone) {
        let (low, high) = (from.min(to), from.max(to));
        let (head, step_back): (char, fn(usize, usize) -> usize) =
            if to > from { ('▶', usize::saturating_sub) } else { ('◀', usize::saturating_add) };
        (low + 1..high).for_each(|column| self.put(column, '─', tone));
        self.put(from, if to > from { '├' } else { '┤' }, tone);
        match fate {
            Fate::Arrives => self.put(step_back(to, 1), head, tone),
            Fate::Ends => {
                self.put(step_back(to, 1), ' ', Tone::Plain);
                self.put(step_back(to, 2), '✕', Tone::Bad);
            }
        }
        // A space on each side of the words, and a dash and a head at least beyond those.
        self.centred(low + 3, high - 3, words, tone);
    }

    /// Words in the middle between two lifelines, where nothing goes from one to the other.
    pub(super) fn between(&mut self, a: usize, b: usize, words: &Phrases, tone: Tone) {
        let (low, high) = (a.min(b), a.max(b));
        self.centred(low + 1, high - 1, words, tone);
    }

    /// How many columns there are for words on an arrow from one lifeline to another.
    pub(super) fn room(a: usize, b: usize) -> usize {
        a.abs_diff(b).saturating_sub(WORDLESS)
    }

    /// Words beside a lifeline, on the side of another one.
    pub(super) fn beside(&mut self, lifeline: usize, toward: usize, words: &Phrases, tone: Tone) {
        let room = lifeline.abs_diff(toward).saturating_sub(3);
        let text = fitting(words, room);
        let start = if toward > lifeline { lifeline + 2 } else { lifeline.saturating_sub(1 + text.width()) };
        self.text(start, &text, tone);
    }

    /// A mark on a lifeline with words beside it.
    pub(super) fn mark(&mut self, lifeline: usize, toward: usize, words: &Phrases) {
        self.put(lifeline, '●', Tone::Bold);
        self.beside(lifeline, toward, words, Tone::Bold);
    }

    /// An arrow to a lifeline that comes from nowhere.
    pub(super) fn stray(&mut self, from: usize, to: usize, words: &Phrases, fate: Fate, tone: Tone) {
        let kept = self.cells.get(from).copied();
        self.arrow(from, to, words, fate, tone);
        // Nobody of this chart has sent it.
        if let (Some(cell), Some(kept)) = (self.cells.get_mut(from), kept) {
            *cell = kept;
        }
        (from + 1..from + 3).for_each(|column| self.put(column, ' ', Tone::Plain));
        self.put(from + 2, '?', tone);
    }

    /// Text from a column on.
    pub(super) fn text(&mut self, start: usize, text: &str, tone: Tone) {
        text.chars().enumerate().for_each(|(index, character)| self.put(start + index, character, tone));
    }

    fn centred(&mut self, low: usize, high: usize, words: &Phrases, tone: Tone) {
        let room = (high + 1).saturating_sub(low).saturating_sub(2);
        let text = fitting(words, room);
        if text.is_empty() {
            return;
        }
        let start = low + (room + 2 - (text.width() + 2)) / 2;
        self.text(start, &format!(" {text} "), tone);
    }

    fn put(&mut self, column: usize, character: char, tone: Tone) {
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = (character, tone);
        }
    }

    /// The line as text, without blanks at its end.
    pub(super) fn render(&self, style: Style) -> String {
        let used = self.cells.iter().rposition(|(character, _)| *character != ' ').map_or(0, |last| last + 1);
        let mut text = String::new();
        for run in self.cells[..used].chunk_by(|a, b| a.1 == b.1) {
            let piece: String = run.iter().map(|(character, _)| character).collect();
            match run.first().and_then(|(_, tone)| tone.code()) {
                Some(code) => text.push_str(&style.paint(code, &piece)),
                None => text.push_str(&piece),
            }
        }
        text
    }
}

/// The longest of several phrases that fits; the shortest one cut off where none does.
fn fitting(words: &Phrases, room: usize) -> String {
    if let Some(words) = words.iter().find(|words| words.width() <= room) {
        return words.clone();
    }
    words.last().map_or_else(String::new, |words| clipped(words, room))
}

/// Text of at most so many columns; where it is cut, an ellipsis says so.
pub(super) fn clipped(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut clipped = String::new();
    for character in text.chars() {
        let mut longer = clipped.clone();
        longer.push(character);
        if longer.width() + 1 > room {
            break;
        }
        clipped = longer;
    }
    if room > 0 {
        clipped.push('…');
    }
    clipped
}
