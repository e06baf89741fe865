//! Result files: all written beside their final places first, and only then renamed, so that a crash or a full disk leaves
//! what was there before.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::report::columns::Cell;
use crate::report::csv::Of;
use crate::report::page::{self, Beside, Saved, SavedError};
use crate::report::unfinished::{self, Unfinished};
use crate::report::{Report, csv, distribution, faults, json, thresholds};

/// A result file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// Makes sure, before a run, that its results can be written: makes the folder, puts a file into it for a moment, and removes
/// what runs have left there that were killed.
///
/// # Errors
///
/// If the folder cannot be made or written to.
pub fn prepare(folder: &Path) -> Result<(), WriteError> {
    let attempt = std::fs::create_dir_all(folder).and_then(|()| unfinished::remove_abandoned(folder));
    attempt.map_err(|source| WriteError { path: folder.to_owned(), source })
}

/// The file that only scenarios with forged webhooks have.
const FORGED: &str = "forged.csv";

/// The file that only scenarios have in which something breaks.
const FAULTS: &str = "faults.csv";

/// The file that holds everything that is known of a run.
pub const RUN: &str = "run.json";
/// The file that only several replications have.
pub(crate) const STATISTICS: &str = "statistics.csv";
/// The file that only scenarios have of which something is expected.
pub(crate) const THRESHOLDS: &str = "thresholds.csv";

/// The file with every event of a run.
pub(crate) const EVENTS: &str = "events.jsonl";
/// The file with every exchange of a run.
pub(crate) const EXCHANGES: &str = "exchanges.jsonl";

/// The file that holds what a sweep was, and what its points came to.
pub const SWEEP: &str = "sweep.json";
/// The file of the units of a sweep.
pub(crate) const UNITS: &str = "units.jsonl";
/// The file that only sweeps have of which crossovers were looked for.
pub const CROSSOVERS: &str = "crossover.csv";

/// Every file that runs and sweeps leave in a folder, except those that are named after clients.
const OF_RUNS_AND_SWEEPS: [&str; 15] = [
    "summary.csv",
    "comparison.csv",
    "theory.csv",
    "timeseries.csv",
    RUN,
    page::FILE,
    FORGED,
    FAULTS,
    STATISTICS,
    THRESHOLDS,
    EVENTS,
    EXCHANGES,
    SWEEP,
    UNITS,
    CROSSOVERS,
];

/// The name and the content of each result file of a report.
///
/// # Errors
///
/// If what was saved cannot be read back, which is a bug of this program.
pub fn of(report: &Report) -> Result<Vec<(&'static str, Vec<u8>)>, SavedError> {
    let mut files = vec![
        ("summary.csv", csv::summary(report)),
        ("comparison.csv", csv::comparison(report)),
        ("theory.csv", csv::theory(report)),
        (RUN, json::run(report)),
    ];
    files.extend(course(report, Of::TheRun));
    with_page(files)
}

/// The files of a run with the page that is made from them.
pub(super) fn with_page(mut files: Vec<(&'static str, Vec<u8>)>) -> Result<Vec<(&'static str, Vec<u8>)>, SavedError> {
    let is_there = |name: &str| files.iter().any(|(other, _)| *other == name);
    let saved = files.iter().find(|(name, _)| *name == RUN).map_or(&[][..], |(_, content)| content.as_slice());
    let html = page::run(&Saved::read(saved)?, &Beside { way: "", is_there: &is_there });
    files.push((page::FILE, html));
    Ok(files)
}

/// The files that tell of the course of a run, which is the first of several replications.
pub(super) fn of_first(report: &Report) -> Vec<(&'static str, Vec<u8>)> {
    course(report, Of::TheFirst)
}

fn course(report: &Report, of: Of) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![("timeseries.csv", csv::timeseries(report, of))];
    if report.scenario.has_forgeries {
        files.push((FORGED, csv::forged(report, of)));
    }
    if faults::has_any(report) {
        files.push((FAULTS, faults::file(report)));
    }
    if !report.judgements.is_empty() {
        files.push((THRESHOLDS, thresholds::file(report)));
    }
    files
}

/// Removes the files of an earlier run or sweep that are not among those that were written now, so that a folder never tells
/// of two. Units of a sweep that was killed stay: they are no results, and it can go on from them.
///
/// # Errors
///
/// If one is there and cannot be removed.
pub fn remove_stale(folder: &Path, is_written: impl Fn(&str) -> bool) -> Result<(), WriteError> {
    let all = OF_RUNS_AND_SWEEPS.map(str::to_owned).into_iter().chain(distribution::files_in(folder));
    all.filter(|name| !is_written(name)).try_for_each(|name| remove_if_there(folder.join(name)))
}

fn remove_if_there(path: PathBuf) -> Result<(), WriteError> {
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(WriteError { path, source }),
        _ => Ok(()),
    }
}

/// Writes the result files of a run, and others whose names depend on it, all or none as far as the file system allows; then
/// removes what an earlier run has left.
///
/// # Errors
///
/// If one cannot be written; the files that were there are then still there.
pub fn write_with_extras(
    folder: &Path,
    files: Vec<(&'static str, Vec<u8>)>,
    extras: Vec<(String, Vec<u8>)>,
) -> Result<(), WriteError> {
    let (names, contents): (Vec<_>, Vec<_>) = extras.into_iter().unzip();
    let mut all: Vec<(&str, Vec<u8>)> = files;
    all.extend(names.iter().map(String::as_str).zip(contents));
    write(folder, &all)?;
    remove_stale(folder, |name| all.iter().any(|(other, _)| *other == name))
}

/// Writes files into a folder, all or none as far as the file system allows.
///
/// # Errors
///
/// If one cannot be written; the files that were there are then still there.
pub fn write_all(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<(), WriteError> {
    let (names, contents): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let all: Vec<(&str, Vec<u8>)> = names.iter().map(String::as_str).zip(contents).collect();
    write(folder, &all)
}

/// Writes files into a folder, all or none as far as the file system allows.
///
/// # Errors
///
/// If one cannot be written; the files that were there are then still there.
pub fn write(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), WriteError> {
    write_with(folder, files, None)
}

/// Writes files into a folder together with one that was begun earlier, all or none as far as the file system allows.
///
/// # Errors
///
/// If one cannot be written; the files that were there are then still there.
pub fn write_with(folder: &Path, files: &[(&str, Vec<u8>)], streamed: Option<Streamed>) -> Result<(), WriteError> {
    let mut written: Vec<_> = streamed.map(Streamed::complete).transpose()?.into_iter().collect();
    for (name, content) in files {
        let path = folder.join(name);
        let attempt = || {
            let mut file = Unfinished::begin(folder)?;
            file.write_all(content)?;
            file.sync()?;
            Ok(file)
        };
        match attempt() {
            Ok(file) => written.push((path, file)),
            Err(source) => return Err(WriteError { path, source }),
        }
    }
    persist(written)
}

/// Gives finished files the names that they are to have, all or none as far as the file system allows.
///
/// # Errors
///
/// If one cannot be renamed.
pub(crate) fn persist(written: Vec<(PathBuf, Unfinished)>) -> Result<(), WriteError> {
    // A folder in the place of a file is the one thing that lets a rename fail after others have succeeded.
    if let Some((path, _)) = written.iter().find(|(path, _)| path.is_dir()) {
        let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(WriteError { path: path.clone(), source });
    }
    for (path, file) in written {
        file.persist(&path).map_err(|source| WriteError { path, source })?;
    }
    Ok(())
}

/// A CSV file that is written row by row while a run goes on. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Streamed {
    path: PathBuf,
    rows: ::csv::Writer<Unfinished>,
    failed: Option<std::io::Error>,
}

impl Streamed {
    /// Begins a file of that name.
    ///
    /// # Errors
    ///
    /// If nothing can be written to the folder.
    pub fn begin(folder: &Path, name: &str) -> Result<Self, WriteError> {
        let path = folder.join(name);
        match Unfinished::begin(folder) {
            Ok(file) => Ok(Self { path, rows: csv::writer(file), failed: None }),
            Err(source) => Err(WriteError { path, source }),
        }
    }

    /// Adds a row, as long as the first one. If that fails, nothing more is written, and the end of the run says so.
    pub fn write_row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        if self.failed.is_none()
            && let Err(error) = self.rows.write_record(cells.into_iter().map(|cell| cell.text()))
        {
            self.failed = Some(error.into());
        }
    }

    fn complete(self) -> Result<(PathBuf, Unfinished), WriteError> {
        let Self { path, rows, failed } = self;
        let file = match (failed, rows.into_inner()) {
            (Some(source), _) => Err(source),
            (None, Ok(file)) => file.sync().map(|()| file),
            (None, Err(error)) => Err(error.into_error()),
        };
        match file {
            Ok(file) => Ok((path, file)),
            Err(source) => Err(WriteError { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_there_survive_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("a.csv", b"old".to_vec())]).unwrap();
        // Where the second file cannot be written, the first may not change either.
        std::fs::create_dir(folder.path().join("b.csv")).unwrap();
        let failed = write(folder.path(), &[("a.csv", b"new".to_vec()), ("b.csv", b"new".to_vec())]);
        assert!(failed.unwrap_err().path.ends_with("b.csv"));
        assert_eq!(std::fs::read(folder.path().join("a.csv")).unwrap(), b"old");
        write(folder.path(), &[("a.csv", b"new".to_vec())]).unwrap();
        assert_eq!(std::fs::read(folder.path().join("a.csv")).unwrap(), b"new");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".pushpull-")), "{names:?}");
    }

    #[test]
    fn a_streamed_file_is_there_once_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let row = |cells: [u64; 2]| cells.map(Cell::from);
        let mut streamed = Streamed::begin(folder.path(), "rows.csv").unwrap();
        streamed.write_row(row([1, 2]));
        streamed.write_row(row([3, 4]));
        assert!(!folder.path().join("rows.csv").exists());
        write_with(folder.path(), &[("a.csv", Vec::new())], Some(streamed)).unwrap();
        assert_eq!(std::fs::read(folder.path().join("rows.csv")).unwrap(), b"1,2\n3,4\n");
        let mut uneven = Streamed::begin(folder.path(), "uneven.csv").unwrap();
        uneven.write_row(row([1, 2]));
        uneven.write_row([Cell::Empty]);
        let failed = write_with(folder.path(), &[("a.csv", b"new".to_vec())], Some(uneven));
        assert!(failed.unwrap_err().path.ends_with("uneven.csv"));
        assert_eq!(std::fs::read(folder.path().join("a.csv")).unwrap(), b"", "all or none");
        drop(Streamed::begin(folder.path(), "dropped.csv").unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let error = prepare(&folder.path().join("file/results")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert!(prepare(&folder.path().join("results")).is_ok());
    }
}
