//! Text that means nothing and looks like data: names, numbers and identifiers, as they stand in records.
//!
//! A payload of nothing but the same letter would compress a thousand times, which no record does. This text compresses
//! about as far as lists of records in JSON usually do: three to six times.

use crate::peer::Event;
use crate::seed::{Draw, Purpose, Seed};

const FIELDS: [&str; 10] =
    ["id", "status", "amount", "currency", "customer", "created_at", "updated_at", "reference", "channel", "quantity"];
const WORDS: [&str; 8] = ["pending", "paid", "shipped", "returned", "EUR", "USD", "online", "store"];

/// Appends exactly so many letters, digits and marks, none of which JSON has to escape. The same event has the same text.
pub(super) fn write(out: &mut String, event: &Event, length: usize) {
    let end = out.len() + length;
    let draw = |index: u64, what: u64| -> Draw {
        Seed::new(event.serial.into()).draw(Purpose::PayloadSize, [event.consumer.into(), index, what])
    };
    let mut index = 0;
    while out.len() < end {
        out.push_str(FIELDS[index as usize % FIELDS.len()]);
        out.push('=');
        match draw(index, 0).below(3) {
            0 => out.push_str(WORDS[draw(index, 1).below(WORDS.len() as u64) as usize]),
            1 => out.push_str(&draw(index, 1).below(100_000).to_string()),
            _ => out.push_str(&format!("{:08x}", draw(index, 1).below(1 << 32))),
        }
        out.push(';');
        index += 1;
    }
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    #[test]
    fn the_text_is_as_long_as_asked_and_needs_no_escapes() {
        let event = |serial| Event { occurred_at: Time::ZERO, consumer: 3, serial, record: 1, payload: 0 };
        let text = |serial, length| {
            let mut text = "before".to_owned();
            write(&mut text, &event(serial), length);
            text
        };
        for length in [0, 1, 2, 700, 10_000] {
            let text = text(7, length);
            assert_eq!(text.len(), "before".len() + length);
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'));
        }
        assert_eq!(text(7, 500), text(7, 500));
        assert_ne!(text(7, 500), text(8, 500));
    }
}
