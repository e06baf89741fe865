//! Numbers and instants as text, which every message has several of.
//!
//! What the formatting of the standard library and of a library for dates can do beside takes longer than all the rest of a
//! small message.

use super::size::digits_long;
use crate::time::SECOND;

/// Appends a number in decimal digits.
pub(super) fn push_number(out: &mut String, number: impl Into<u64>) {
    let mut left = number.into();
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    // Digits are text.
    out.push_str(std::str::from_utf8(&digits[first..]).unwrap_or_default());
}

/// A number in decimal digits.
pub(super) fn number(number: impl Into<u64>) -> String {
    let number = number.into();
    let mut text = with_room(digits_long(number));
    push_number(&mut text, number);
    text
}

/// An empty text with room for exactly so many bytes. One that fills its room goes into a message without a further look
/// for memory.
pub(super) fn with_room(bytes: u64) -> String {
    String::with_capacity(usize::try_from(bytes).unwrap_or_default())
}

/// What an instant looks like; digits stand where there is a zero.
const OUTLINE: [u8; 30] = *b"0000-00-00T00:00:00.000000000Z";
/// Where the parts of an instant stand: year, month, day, hour, minute, second, nanoseconds.
const PARTS: [(usize, usize); 7] = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 29)];

const DAY_SECONDS: u64 = 86_400;
/// Days from the first of March of the year 0, with which the calculation begins, to the first day of 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
/// Days in 400 years, after which the calendar repeats itself.
const ERA_DAYS: u64 = 146_097;
/// The last instant with a year of four digits, in Unix seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// An instant in Unix nanoseconds as RFC 3339 with nine decimals. None before 1970, and with a year beyond four digits.
pub(super) fn instant(unix_nanos: i128) -> Option<String> {
    let nanos = u128::try_from(unix_nanos).ok()?;
    let seconds = u64::try_from(nanos / u128::from(SECOND)).ok().filter(|seconds| *seconds <= LAST_SECOND)?;
    let (year, month, day) = date(seconds / DAY_SECONDS);
    let of_day = seconds % DAY_SECONDS;
    let values = [year, month, day, of_day / 3_600, of_day / 60 % 60, of_day % 60, (nanos % u128::from(SECOND)) as u64];
    let mut text = OUTLINE;
    for ((start, end), mut value) in PARTS.into_iter().zip(values) {
        for digit in text[start..end].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    std::str::from_utf8(&text).ok().map(str::to_owned)
}

/// Reads exactly what [`instant`] writes. None for everything else, be it an instant or not.
pub(super) fn read_instant(text: &str) -> Option<i128> {
    let bytes: &[u8; OUTLINE.len()] = text.as_bytes().try_into().ok()?;
    let fits = |(own, outline): (&u8, &u8)| if *outline == b'0' { own.is_ascii_digit() } else { own == outline };
    if !bytes.iter().zip(&OUTLINE).all(fits) {
        return None;
    }
    let value = |(start, end): (usize, usize)| {
        bytes[start..end].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
    };
    let [year, month, day, hour, minute, second, nanos] = PARTS.map(value);
    let days = days(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * DAY_SECONDS + hour * 3_600 + minute * 60 + second;
    Some(i128::from(seconds) * i128::from(SECOND) + i128::from(nanos))
}

/// The date so many days after the first day of 1970: year, month, day.
///
/// Years count from March here, so that the day that some of them have more is their last; from a month on, the days of
/// those before it are 153 in five.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (ERA_DAYS - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + (month <= 2) as u64, month, day)
}

/// How many days a date is after the first day of 1970. None for an earlier one, and for one that does not exist.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year_from_march = if month <= 2 { year.checked_sub(1)? } else { year };
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let (era, of_era) = (year_from_march / 400, year_from_march % 400);
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = (era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(DAYS_BEFORE_1970)?;
    // The 31st of a month of thirty days would be another month's first.
    (date(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_as_by_the_standard_library() {
        for value in [0, 7, 10, 4_294_967_295, u64::MAX] {
            assert_eq!(number(value), value.to_string());
        }
    }

    #[test]
    fn no_date_is_read_that_does_not_exist() {
        for text in [
            "2026-02-29T00:00:00.000000000Z",
            "2100-02-29T00:00:00.000000000Z",
            "2026-04-31T00:00:00.000000000Z",
            "2026-00-10T00:00:00.000000000Z",
            "2026-13-10T00:00:00.000000000Z",
            "2026-01-00T00:00:00.000000000Z",
            "2026-01-01T24:00:00.000000000Z",
            "2026-01-01T00:60:00.000000000Z",
            "2026-01-01T00:00:60.000000000Z",
            "1969-12-31T23:59:59.999999999Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01 00:00:00.000000000Z",
            "+026-01-01T00:00:00.000000000Z",
        ] {
            assert_eq!(read_instant(text), None, "{text}");
        }
        assert!(read_instant("2024-02-29T23:59:59.999999999Z").is_some());
        assert_eq!(instant(-1), None);
        assert_eq!(instant((i128::from(LAST_SECOND) + 1) * 1_000_000_000), None);
    }

    proptest! {
        #[test]
        fn instants_are_those_of_a_library_for_dates(second in 0..=LAST_SECOND - DAY_SECONDS * 2, nanos in 0..1_000_000_000_i128) {
            let unix_nanos = i128::from(second) * 1_000_000_000 + nanos;
            let expected = format!("{:.9}", Timestamp::from_nanosecond(unix_nanos).expect("it is in range"));
            prop_assert_eq!(instant(unix_nanos), Some(expected.clone()));
            prop_assert_eq!(read_instant(&expected), Some(unix_nanos));
        }
    }
}
