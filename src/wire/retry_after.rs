//! `Retry-After` (RFC 9110, section 10.2.3): how long whoever answers wants to be left alone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;

use crate::time::{SECOND, Span};

/// The three forms of a date that section 5.6.7 of the RFC has every recipient accept: today's, and two older ones.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The value of the header: seconds, rounded up, since to come back too early is worse than too late.
pub(super) fn write(wait: Span) -> String {
    wait.as_nanos().div_ceil(SECOND).to_string()
}

/// Reads either form of the header: seconds, or the date after which to come back, told apart by the Unix time in
/// nanoseconds at which the answer came.
///
/// A date in the past is no time at all; a number beyond all bounds is the longest span there is. None if it is neither.
pub(super) fn read(value: &str, now_unix_nanos: i128) -> Option<Span> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().map_or(Span::MAX, Span::from_secs));
    }
    let date = DATES.iter().find_map(|form| read_date(form, value))?;
    let nanos = (date.as_nanosecond().saturating_sub(now_unix_nanos)).max(0);
    Some(u64::try_from(nanos).map_or(Span::MAX, Span::from_nanos))
}

fn read_date(form: &str, value: &str) -> Option<Timestamp> {
    let date: DateTime = strtime::parse(form, value).ok()?.to_datetime().ok()?;
    // The last hours that can be written are beyond the last instant that can be told.
    Some(Offset::UTC.to_timestamp(date).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1994-11-06T08:49:37Z, the instant of the RFC's examples.
    const EXAMPLE: i128 = 784_111_777_000_000_000;

    #[test]
    fn all_forms_are_read() {
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(read(date, EXAMPLE - 1_500_000_000), Some(Span::from_millis(1_500)), "{date}");
            assert_eq!(read(date, EXAMPLE + 1), Some(Span::ZERO), "{date} has passed");
        }
        assert_eq!(read(" 120\t", EXAMPLE), Some(Span::from_secs(120)));
        assert_eq!(read("0", EXAMPLE), Some(Span::ZERO));
    }

    #[test]
    fn what_makes_no_sense_is_none_and_what_is_absurd_is_the_maximum() {
        for nonsense in ["", " ", "-1", "+1", "1.5", "soon", "Sun, 31 Feb 1994 08:49:37 GMT", "1e3", "１２"] {
            assert_eq!(read(nonsense, EXAMPLE), None, "{nonsense:?}");
        }
        assert_eq!(read("18446744073709551615", EXAMPLE), Some(Span::MAX));
        assert_eq!(read(&"9".repeat(400), EXAMPLE), Some(Span::MAX));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT", EXAMPLE), Some(Span::MAX));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT", i128::MIN / 2), Some(Span::MAX));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_rounded_up(nanos in any::<u64>()) {
            let read = read(&write(Span::from_nanos(nanos)), 0).expect("it was written here");
            let late = read.saturating_sub(Span::from_nanos(nanos));
            prop_assert!(late < Span::from_secs(1));
            prop_assert!(read >= Span::from_nanos(nanos));
        }
    }
}
