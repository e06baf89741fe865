//! Instants from a CSV file: the recorded history that a workload relives.

use std::path::Path;

use crate::scenario::column::{self, Failure, Fault, Form, Limits, shown};
use crate::time::{SECOND, Span, Time};

/// Instants, one a row.
const FORM: Form<i128> = Form {
    words: ["instant", "instants"],
    form_help: "the file is CSV with one instant a row: Unix seconds or RFC 3339",
    too_much_help: "keep only the instants, or a part of the history",
    cells_max: 20_000_000,
    bytes_max: Limits { file: 256 << 20, row: 1 << 20 },
    read: |cell, _| instant(cell),
};
/// The first second of the year 10000: a larger number of seconds is most likely one of milliseconds.
const SECONDS_MAX: i128 = 253_402_300_800;

/// Reads the instants of a file, sorts them and counts them from the first one on.
///
/// # Errors
///
/// What is wrong with the file or the choice of the column.
pub(super) fn load(path: &Path, column: Option<&str>) -> Result<Vec<Time>, Failure> {
    relative(column::load(path, column, &FORM)?).map_err(|fault| fault.in_file(path, &FORM))
}

/// Sorts, and counts from the first instant on.
fn relative(mut instants: Vec<i128>) -> Result<Vec<Time>, Fault> {
    instants.sort_unstable();
    let first = instants.first().copied().unwrap_or(0);
    let since = |instant: i128| {
        let nanos = instant.checked_sub(first).and_then(|nanos| u64::try_from(nanos).ok());
        nanos.map(Time::from_nanos).ok_or_else(|| Fault::File("the instants span more than 584 years".to_owned()))
    };
    instants.into_iter().map(since).collect()
}

/// Nanoseconds since 1970 from Unix seconds or RFC 3339.
fn instant(cell: &str) -> Result<i128, String> {
    let (negative, digits) = cell.strip_prefix('-').map_or((false, cell), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.is_empty() && all_digits(whole) && all_digits(fraction) && !digits.ends_with('.') {
        let magnitude = unix(whole, fraction).map_err(|what| format!("`{}` {what}", shown(cell)))?;
        return Ok(if negative { -magnitude } else { magnitude });
    }
    let timestamp: Result<jiff::Timestamp, _> = cell.parse();
    timestamp.map(jiff::Timestamp::as_nanosecond).map_err(|_| {
        let shown = shown(cell);
        format!("`{shown}` is no instant: Unix seconds such as 1700000000.25, or RFC 3339 such as 2026-01-31T12:00:00Z")
    })
}

fn unix(whole: &str, fraction: &str) -> Result<i128, &'static str> {
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err("is more precise than a nanosecond");
    }
    let too_late = "lies after the year 9999: are these milliseconds?";
    let seconds: i128 = whole.parse().map_err(|_| too_late)?;
    if seconds >= SECONDS_MAX {
        return Err(too_late);
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().map_err(|_| "is no number")?;
    Ok(seconds * i128::from(SECOND) + nanos)
}

/// How long a run has to be to relive a whole trace: the next whole second after its last instant, and one more.
pub(super) fn default_duration(instants: &[Time]) -> Span {
    let last = instants.last().copied().unwrap_or(Time::ZERO).as_nanos();
    Span::from_secs(last.div_ceil(SECOND).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn nanos(text: &str, column: Option<&str>) -> Result<Vec<u64>, Fault> {
        let instants = relative(column::read(text.as_bytes(), column, &FORM)?)?;
        Ok(instants.into_iter().map(Time::as_nanos).collect())
    }

    #[test]
    fn instants_are_sorted_and_counted_from_the_first() {
        assert_eq!(nanos("12\n10.5\n\n10\n", None), Ok(vec![0, SECOND / 2, 2 * SECOND]));
        assert_eq!(nanos("1700000000.000000001\n1700000000\n", None), Ok(vec![0, 1]));
        assert_eq!(nanos("-1\n1\n", None), Ok(vec![0, 2 * SECOND]));
        assert_eq!(nanos("when\n1970-01-01T00:00:01Z\n1970-01-01T01:00:00+01:00\n", None), Ok(vec![0, SECOND]));
    }

    #[test]
    fn a_column_is_found_by_its_name() {
        let text = "\u{feff}id,at\n\n7,100\n\"8, 9\",101.25\n  ,  \n";
        assert_eq!(nanos(text, Some("at")), Ok(vec![0, SECOND * 5 / 4]));
        assert_eq!(nanos(text, Some("id")), Err(Fault::Line(4, instant("8, 9").expect_err("no instant"))));
        let what = "there is no column `when` among `id`, `at`".to_owned();
        assert!(matches!(nanos(text, Some("when")), Err(Fault::Column(1, message, _)) if message == what));
        assert!(matches!(nanos(text, Some("aat")), Err(Fault::Column(1, _, help)) if help.contains("\"at\"")));
        assert!(matches!(nanos(&"x".repeat(9_999), Some("y")), Err(Fault::Column(1, what, _)) if what.len() < 99));
    }

    #[test]
    fn what_is_no_instant_is_named_with_its_line() {
        for (text, line) in [
            ("1\n2\nsoon\n", 3),
            ("1\n1.0000000001\n", 2),
            ("at\n1700000000000\n", 2),
            ("1\n1.\n", 2),
            ("1700000000000\n", 1),
        ] {
            assert!(
                matches!(nanos(text, None), Err(Fault::Line(l, _)) if l == line),
                "{text}: {:?}",
                nanos(text, None)
            );
        }
        for text in ["", "\n\n", "at\n"] {
            assert_eq!(nanos(text, None), Err(Fault::File("there is no instant in it".to_owned())));
        }
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let form = Form { bytes_max: Limits { file: 1 << 20, row: 1 << 16 }, ..FORM };
        let rows = "1700000000\n".repeat(95_000);
        assert!(column::read(rows.as_bytes(), None, &form).is_ok_and(|instants| instants.len() == 95_000));
        let too_much = |what: &str| Err(Fault::TooMuch(what.to_owned()));
        let endless = rows.repeat(2);
        assert_eq!(column::read(endless.as_bytes(), None, &form), too_much("it is larger than 1 MiB"));
        for row in [&b"0"[..], b"\0", b"x,"] {
            assert_eq!(
                column::read(&row.repeat(1 << 17)[..], None, &form),
                too_much("a row of it is larger than 64 KiB")
            );
        }
        let quoted = format!("\"{}", "1\n".repeat(1 << 17));
        assert_eq!(column::read(quoted.as_bytes(), None, &form), too_much("a row of it is larger than 64 KiB"));
        assert_eq!(column::read(io::repeat(0), None, &FORM), too_much("a row of it is larger than 1 MiB"));
    }

    #[test]
    fn a_run_ends_a_second_after_the_whole_trace() {
        assert_eq!(default_duration(&[Time::ZERO]), Span::from_secs(1));
        assert_eq!(default_duration(&[Time::ZERO, Time::from_nanos(SECOND + 1)]), Span::from_secs(3));
    }
}
