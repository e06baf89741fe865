//! Instants from a CSV file: the recorded history that a workload relives.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::scenario::keys::nearest;
use crate::scenario::units::format_size;
use crate::time::{SECOND, Span, Time};

/// The most instants that are read.
const INSTANTS_MAX: usize = 20_000_000;
/// How much is read of a file, and of one row of it.
const BYTES_MAX: Limits = Limits { file: 256 << 20, row: 1 << 20 };
/// The first second of the year 10000: a larger number of seconds is most likely one of milliseconds.
const SECONDS_MAX: i128 = 253_402_300_800;

/// Why a trace cannot be used.
#[derive(Debug)]
pub(super) struct Failure {
    /// A sentence that names the file, and the line where there is one.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The key of `events.trace` that it is about.
    pub key: &'static str,
}

/// Reads the instants of a file, sorts them and counts them from the first one on.
///
/// # Errors
///
/// What is wrong with the file or the choice of the column.
pub(super) fn load(path: &Path, column: Option<&str>) -> Result<Vec<Time>, Failure> {
    let name = path.display();
    let failure = |message: String, help: &str| Failure { message, help: help.to_owned(), key: "file" };
    // Even to open a pipe would wait for whoever writes into it, perhaps for ever.
    if std::fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo()) {
        let message = format!("cannot read {name}: it is a pipe");
        return Err(failure(message, "write the path of a file, relative to the folder of the scenario file"));
    }
    let file = File::open(path).map_err(|error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "the path is relative to the folder of the scenario file",
            _ => "write the path of a file that can be read, relative to the folder of the scenario file",
        };
        failure(format!("cannot read {name}: {}", plain(&error)), help)
    })?;
    read(file, column, BYTES_MAX).map_err(|fault| match fault {
        Fault::Line(line, what) => failure(format!("{name}:{line}: {what}"), FORM_HELP),
        Fault::File(what) => failure(format!("{name}: {what}"), FORM_HELP),
        Fault::Input(what) => failure(format!("cannot read {name}: {what}"), FORM_HELP),
        Fault::TooMuch(what) => failure(format!("{name}: {what}"), "keep only the instants, or a part of the history"),
        Fault::Column(line, what, help) => Failure { message: format!("{name}:{line}: {what}"), help, key: "column" },
    })
}

const FORM_HELP: &str = "the file is CSV with one instant a row: Unix seconds or RFC 3339";

/// The words of an I/O error, without the number of the operating system.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// What is wrong with a line.
    Line(u64, String),
    /// What is wrong with the whole file.
    File(String),
    /// Why it cannot be read on.
    Input(String),
    /// Of what there is too much in it.
    TooMuch(String),
    /// The line of the names of the columns, what is wrong with the one that is wanted, and what to write.
    Column(u64, String, String),
}

/// So many bytes at most.
#[derive(Clone, Copy)]
struct Limits {
    file: u64,
    row: u64,
}

/// An input that ends in an error where it is too long, so that one that never ends does not fill the memory.
struct Bounded<'a, R> {
    input: R,
    limits: Limits,
    /// Bytes so far.
    file: u64,
    /// Bytes since the reader of rows began with its present row, less what it had read ahead.
    row: &'a Cell<u64>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.file += length as u64;
        self.row.set(self.row.get() + length as u64);
        let too_large = |what: &str, limit| {
            let text = format!("{what} is larger than {}", format_size(limit));
            Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
        };
        if self.file > self.limits.file {
            return too_large("it", self.limits.file);
        }
        if self.row.get() > self.limits.row {
            return too_large("a row of it", self.limits.row);
        }
        Ok(length)
    }
}

fn read(input: impl Read, column: Option<&str>, limits: Limits) -> Result<Vec<Time>, Fault> {
    let row = Cell::new(0);
    let input = Bounded { input, limits, file: 0, row: &row };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(input);
    let mut record = csv::StringRecord::new();
    let mut index = None;
    let mut instants: Vec<i128> = Vec::new();
    while reader.read_record(&mut record).map_err(|error| fault(&error))? {
        row.set(0);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let index = match index {
            Some(index) => index,
            None => {
                let (at, is_header) =
                    header(&record, column).map_err(|(what, help)| Fault::Column(line, what, help))?;
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
            return Err(Fault::TooMuch(format!("there are more than {INSTANTS_MAX} instants in it")));
        }
    }
    if instants.is_empty() {
        return Err(Fault::File("there is no instant in it".to_owned()));
    }
    relative(instants)
}

fn fault(error: &csv::Error) -> Fault {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Fault::TooMuch(plain(error)),
        csv::ErrorKind::Io(error) => Fault::Input(plain(error)),
        csv::ErrorKind::Utf8 { pos: Some(position), .. } => Fault::Line(position.line(), "not UTF-8 text".to_owned()),
        _ => Fault::File(error.to_string()),
    }
}

/// The column of the instants, and whether the first row names the columns; or what is wrong, and what to write.
fn header(record: &csv::StringRecord, column: Option<&str>) -> Result<(usize, bool), (String, String)> {
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
                let names: Vec<_> = record.iter().take(20).map(|cell| shown(&without_mark(cell))).collect();
                let help = match nearest(column, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => {
                        "write a name from the first row, or leave `column` out: it is then the first one".to_owned()
                    }
                };
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                Err((format!("there is no column `{column}` among {}", names.join(", ")), help))
            }
        },
    }
}

/// The start of a cell, which may be of any length.
fn shown(cell: &str) -> String {
    cell.chars().take(40).collect()
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
        let magnitude = unix(whole, fraction).map_err(|what| format!("`{}` {what}", shown(text)))?;
        return Ok(if negative { -magnitude } else { magnitude });
    }
    let timestamp: Result<jiff::Timestamp, _> = text.parse();
    timestamp.map(jiff::Timestamp::as_nanosecond).map_err(|_| {
        let shown = shown(text);
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
        read(text.as_bytes(), column, BYTES_MAX).map(|instants| instants.into_iter().map(Time::as_nanos).collect())
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
        let limits = Limits { file: 1 << 20, row: 1 << 16 };
        let rows = "1700000000\n".repeat(95_000);
        assert!(read(rows.as_bytes(), None, limits).is_ok_and(|instants| instants.len() == 95_000));
        let too_much = |what: &str| Err(Fault::TooMuch(what.to_owned()));
        let endless = rows.repeat(2);
        assert_eq!(read(endless.as_bytes(), None, limits), too_much("it is larger than 1 MiB"));
        for row in [&b"0"[..], b"\0", b"x,"] {
            assert_eq!(read(&row.repeat(1 << 17)[..], None, limits), too_much("a row of it is larger than 64 KiB"));
        }
        let quoted = format!("\"{}", "1\n".repeat(1 << 17));
        assert_eq!(read(quoted.as_bytes(), None, limits), too_much("a row of it is larger than 64 KiB"));
        assert_eq!(read(io::repeat(0), None, BYTES_MAX), too_much("a row of it is larger than 1 MiB"));
    }

    #[test]
    fn a_run_ends_a_second_after_the_whole_trace() {
        assert_eq!(default_duration(&[Time::ZERO]), Span::from_secs(1));
        assert_eq!(default_duration(&[Time::ZERO, Time::from_nanos(SECOND + 1)]), Span::from_secs(3));
    }
}
