//! How wide text will be, without knowing the font: somewhat too wide rather than too narrow.

use unicode_width::UnicodeWidthChar as _;

/// The smallest size of text, in pixels.
pub(super) const SMALL: f64 = 11.0;
/// The size of names and of most other text, in pixels.
pub(super) const NORMAL: f64 = 12.0;
/// How far apart the baselines of two lines of one label are, as a factor of the size.
pub(super) const LEADING: f64 = 1.25;
/// The part of the size that lies above the baseline.
pub(super) const ASCENT: f64 = 0.8;
/// The part of the size that lies below the baseline.
pub(super) const DESCENT: f64 = 0.25;

/// The width of text in pixels. System fonts differ by some percent; this is for the wider ones.
pub(super) fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    let ems: f64 = text.chars().map(ems).sum();
    ems * size * if is_bold { 1.14 } else { 1.0 }
}

/// The advance of a character, as a factor of the size.
fn ems(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '|' | '.' | ',' | ':' | ';' | '\'' | '!' => 0.31,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | ' ' => 0.39,
        'm' | 'w' | '%' | '@' => 0.92,
        'M' | 'W' => 0.98,
        '0'..='9' => 0.64,
        'A'..='Z' => 0.73,
        '…' | '—' => 1.0,
        c if c.is_ascii() => 0.61,
        c => match c.width() {
            Some(2) => 1.3,
            Some(1) => 0.75,
            _ => 0.1,
        },
    }
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(super) fn shorten(text: &str, room: f64, size: f64, is_bold: bool) -> String {
    if width(text, size, is_bold) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        short.push(c);
        if width(&short, size, is_bold) + width("…", size, is_bold) > room {
            short.pop();
            break;
        }
    }
    format!("{}…", short.trim_end())
}

/// The text in at most so many lines that fit, broken between words; the last is shortened if need be.
pub(super) fn wrap(text: &str, room: f64, size: f64, is_bold: bool, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        let is_last = lines.len() >= lines_max;
        match lines.last_mut() {
            // The last line takes all the rest, to be cut where it ends.
            Some(line) if is_last || width(&format!("{line} {word}"), size, is_bold) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines.iter().map(|line| shorten(line, room, size, is_bold)).collect()
}

/// The words of a text; a number and the unit behind it are one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = word.len() <= 3 && word.chars().all(char::is_alphabetic);
        match words.last_mut() {
            Some(last) if is_unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_not_before_a_unit() {
        assert_eq!(wrap("poll every 5 s", 92.0, NORMAL, true, 2), ["poll every", "5 s"]);
        assert_eq!(wrap("webhook", 92.0, NORMAL, true, 2), ["webhook"]);
        assert_eq!(wrap("one two three four five six seven", 60.0, NORMAL, false, 2), ["one two", "three fo…"]);
        assert_eq!(wrap(" ", 60.0, NORMAL, false, 2), Vec::<String>::new());
    }

    #[test]
    fn what_is_shortened_fits() {
        for text in ["a", "webhook + poll every minute", "🚀🚀🚀🚀🚀🚀🚀", "استطلاع كل دقيقة"]
        {
            for room in [20.0, 40.0, 80.0, 400.0] {
                let short = shorten(text, room, NORMAL, true);
                assert!(width(&short, NORMAL, true) <= room, "{short:?} in {room}");
                assert_eq!(short == text, width(text, NORMAL, true) <= room);
            }
        }
    }
}
