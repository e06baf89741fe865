//! One column of a CSV file, read cell by cell within limits.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::scenario::keys::nearest;
use crate::scenario::units::format_size;

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) struct Failure {
    /// A sentence that names the file, and the line where there is one.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The key that it is about, beside the others that describe the column: `file` or `column`.
    pub key: &'static str,
}

/// What stands in a column, and how much of it is read.
pub(super) struct Form<T> {
    /// What one cell holds, with its article, and what several hold.
    pub words: [&'static str; 2],
    /// What to write where a cell cannot be read.
    pub form_help: &'static str,
    /// What to do where there is too much.
    pub too_much_help: &'static str,
    /// The most cells.
    pub cells_max: usize,
    /// The most bytes.
    pub bytes_max: Limits,
    /// Reads a cell. The name of its column helps where the first row has it.
    pub read: fn(&str, Option<&str>) -> Result<T, String>,
}

/// So many bytes at most.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Of the whole file.
    pub file: u64,
    /// Of a row of it.
    pub row: u64,
}

/// Reads a column of a file, the first one if it has no name.
///
/// # Errors
///
/// What is wrong with the file or the choice of the column.
pub(super) fn load<T>(path: &Path, column: Option<&str>, form: &Form<T>) -> Result<Vec<T>, Failure> {
    // Even to open a pipe would wait for whoever writes into it, perhaps for ever.
    if std::fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo()) {
        let message = format!("cannot read {}: it is a pipe", path.display());
        let help = "write the path of a file, relative to the folder of the scenario file";
        return Err(Failure { message, help: help.to_owned(), key: "file" });
    }
    let file = File::open(path).map_err(|error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "the path is relative to the folder of the scenario file",
            _ => "write the path of a file that can be read, relative to the folder of the scenario file",
        };
        let message = format!("cannot read {}: {}", path.display(), plain(&error));
        Failure { message, help: help.to_owned(), key: "file" }
    })?;
    read(file, column, form).map_err(|fault| fault.in_file(path, form))
}

/// The words of an I/O error, without the number of the operating system.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// What is wrong with what a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
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

impl Fault {
    /// The same as a sentence about the file.
    pub(super) fn in_file<T>(self, path: &Path, form: &Form<T>) -> Failure {
        let name = path.display();
        let failure = |message: String, help: &str| Failure { message, help: help.to_owned(), key: "file" };
        match self {
            Self::Line(line, what) => failure(format!("{name}:{line}: {what}"), form.form_help),
            Self::File(what) => failure(format!("{name}: {what}"), form.form_help),
            Self::Input(what) => failure(format!("cannot read {name}: {what}"), form.form_help),
            Self::TooMuch(what) => failure(format!("{name}: {what}"), form.too_much_help),
            Self::Column(line, what, help) => {
                Failure { message: format!("{name}:{line}: {what}"), help, key: "column" }
            }
        }
    }
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

/// Reads a column of any input.
pub(super) fn read<T>(input: impl Read, column: Option<&str>, form: &Form<T>) -> Result<Vec<T>, Fault> {
    let row = Cell::new(0);
    let input = Bounded { input, limits: form.bytes_max, file: 0, row: &row };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(input);
    let mut record = csv::StringRecord::new();
    let mut found: Option<(usize, Option<String>)> = None;
    let mut values = Vec::new();
    let mut widest = None;
    while reader.read_record(&mut record).map_err(|error| fault(&error))? {
        row.set(0);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        // A decimal comma would make another number of a cell.
        let most = *widest.get_or_insert(record.len());
        if record.len() > most {
            let what = format!("it has {} cells, the first line has {most}; cells are parted by commas", record.len());
            return Err(Fault::Line(line, what));
        }
        let (index, name) = match &found {
            Some(found) => found,
            None => {
                let (index, is_header) =
                    header(&record, column, form).map_err(|(what, help)| Fault::Column(line, what, help))?;
                let name = record.get(index).filter(|_| is_header).map(without_mark);
                let found = found.insert((index, name));
                if is_header {
                    continue;
                }
                found
            }
        };
        let cell = record.get(*index).ok_or_else(|| Fault::Line(line, format!("there is no column {}", index + 1)))?;
        values.push((form.read)(without_mark(cell).as_str(), name.as_deref()).map_err(|what| Fault::Line(line, what))?);
        if values.len() > form.cells_max {
            return Err(Fault::TooMuch(format!("there are more than {} {} in it", form.cells_max, form.words[1])));
        }
    }
    if values.is_empty() {
        return Err(Fault::File(format!("there is no {} in it", form.words[0])));
    }
    Ok(values)
}

fn fault(error: &csv::Error) -> Fault {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Fault::TooMuch(plain(error)),
        csv::ErrorKind::Io(error) => Fault::Input(plain(error)),
        csv::ErrorKind::Utf8 { pos: Some(position), .. } => Fault::Line(position.line(), "not UTF-8 text".to_owned()),
        _ => Fault::File(error.to_string()),
    }
}

/// A cell without the mark that some programs put at the start of a file.
fn without_mark(cell: &str) -> String {
    cell.trim_start_matches('\u{feff}').to_owned()
}

/// The column that is wanted, and whether the first row names the columns; or what is wrong, and what to write.
fn header<T>(
    record: &csv::StringRecord,
    column: Option<&str>,
    form: &Form<T>,
) -> Result<(usize, bool), (String, String)> {
    match column {
        // A cell that begins like a number is a mistaken value rather than the name of a column.
        None => Ok((
            0,
            record.get(0).map(without_mark).is_some_and(|cell| {
                let starts_with_digit = cell.trim_start_matches(['-', '.']).starts_with(|c: char| c.is_ascii_digit());
                (form.read)(&cell, None).is_err() && !starts_with_digit
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
pub(super) fn shown(cell: &str) -> String {
    cell.chars().take(40).collect()
}
