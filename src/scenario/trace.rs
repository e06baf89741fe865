//! Instants from a CSV file: the recorded history that a workload relives.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::time::{SECOND, Span, Time};

/// The most instants that are read.
const INSTANTS_MAX: usize = 20_000_000;
/// The first second of the year 10000: a larger number of seconds is most likely one of milliseconds.
const SECONDS_MAX: i128 = 253_402_300_800;

/// Reads the instants of a file, sorts them and counts them from the first one on.
///
/// # Errors
///
/// A sentence that names the file, and the line where there is one.
pub(super) fn load(path: &Path, column: Option<&str>) -> Result<Vec<Time>, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("cannot read {name}: {}", plain(&error)))?;
    read(file, column).map_err(|what| match what {
        Fault::Line(line, what) => format!("{name}:{line}: {what}"),
        Fault::File(what) => format!("{name}: {what}"),
        Fault::Input(what) => format!("cannot read {name}: {what}"),
    })
}

/// The words of an I/O error, without the number of the operating system.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Line(u64, String),
    File(String),
    Input(String),
}

fn read(input: impl Read, column: Option<&str>) -> Result<Vec<Time>, Fault> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(input);
    let mut record = csv::StringRecord::new();
    let mut index = None;
    let mut instants: Vec<i128> = Vec::new();
    while reader.read_record(&mut record).map_err(|error| fault(&error))? {
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let index = match index {
            Some(index) => index,
            None => {
                let (at, is_header) = header(&record, column).map_err(|what| Fault::Line(line, what))?;
                index = Some(at);
                if is_header {
                    continue;
                }
                at
            }
        };
        let cell = record.get(index).ok_or_else(|| Fault::Line(line, format!("there is no column {}", index + 1)))?;
        instants.push(instant(cell).map_err(|what| Fault::Line(line, what))?);
        if instants.len() > INSTANTS_MAX {
            return Err(Fault::File(format!("more than {INSTANTS_MAX} instants")));
        }
    }
    if instants.is_empty() {
        return Err(Fault::File("there is no instant in it".to_owned()));
    }
    relative(instants)
}

fn fault(error: &csv::Error) -> Fault {
    match error.kind() {
        csv::ErrorKind::Io(error) => Fault::Input(plain(error)),
        csv::ErrorKind::Utf8 { pos: Some(position), .. } => Fault::Line(position.line(), "not UTF-8 text".to_owned()),
        _ => Fault::File(error.to_string()),
    }
}

/// The column of the instants, and whether the first row names the columns.
fn header(record: &csv::StringRecord, column: Option<&str>) -> Result<(usize, bool), String> {
    let without_mark = |cell: &str| cell.trim_start_matches('\u{feff}').to_owned();
    match column {
        // A cell that begins like a number is a mistaken instant rather than the name of a column.
        None => Ok((
            0,
            record.get(0).is_some_and(|cell| {
                let starts_with_digit =
                    without_mark(cell).trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
                instant(cell).is_err() && !starts_with_digit
            }),
        )),
        Some(column) => match record.iter().position(|cell| without_mark(cell) == column) {
            Some(index) => Ok((index, true)),
            None => {
                let names: Vec<_> = record.iter().take(20).map(|cell| format!("`{}`", without_mark(cell))).collect();
                Err(format!("there is no column `{column}` among {}", names.join(", ")))
            }
        },
    }
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
    let text = cell.trim_start_matches('\u{feff}');
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.is_empty() && all_digits(whole) && all_digits(fraction) && !digits.ends_with('.') {
        let magnitude = unix(whole, fraction).map_err(|what| format!("`{text}` {what}"))?;
        return Ok(if negative { -magnitude } else { magnitude });
    }
    let timestamp: Result<jiff::Timestamp, _> = text.parse();
    timestamp.map(jiff::Timestamp::as_nanosecond).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
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
    use super::*;

    fn nanos(text: &str, column: Option<&str>) -> Result<Vec<u64>, Fault> {
        read(text.as_bytes(), column).map(|instants| instants.into_iter().map(Time::as_nanos).collect())
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
        let lacking = nanos(text, Some("when"));
        assert_eq!(lacking, Err(Fault::Line(1, "there is no column `when` among `id`, `at`".to_owned())));
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
    fn a_run_ends_a_second_after_the_whole_trace() {
        assert_eq!(default_duration(&[Time::ZERO]), Span::from_secs(1));
        assert_eq!(default_duration(&[Time::ZERO, Time::from_nanos(SECOND + 1)]), Span::from_secs(3));
    }
}
