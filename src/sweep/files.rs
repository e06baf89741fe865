//! The result files of a sweep, written point by point, so that memory does not grow with their number.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::evaluation::outcome::{ClientOutcome, Outcome};
use crate::evaluation::replications::{identity, replications};
use crate::evaluation::threshold::judge;
use crate::measure::judgement::Judgement;
use crate::report::columns::{Cell, IDENTITY, MEASURES};
use crate::report::files::{
    STATISTICS as STATISTICS_FILE, SWEEP, THRESHOLDS as THRESHOLDS_FILE, UNITS, WriteError, persist, remove_stale,
};
use crate::report::replications::{COMPARISON, Cells, STATISTICS};
use crate::report::unfinished::Unfinished;
use crate::report::{csv, thresholds};
use crate::scenario::threshold::Threshold;
use crate::sweep::header::Header;
use crate::sweep::json::SweepJson;
use crate::sweep::results::{Point, Results};
use crate::sweep::units::{self, ReadError};

/// Why result files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What is to be written cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Writes every result file of a sweep into a folder, all or none as far as the file system allows, and removes those that
/// a run has left there, or another sweep. Each point is held against the thresholds; `look` sees it, and what became of them.
///
/// # Errors
///
/// If one cannot be written, or the units cannot be read; the files that were there are then still there.
pub fn write(
    folder: &Path,
    results: &Results,
    thresholds: &[Threshold],
    mut look: impl FnMut(&Point<'_>, &[Judgement]),
) -> Result<(), FilesError> {
    let mut output = Output::begin(folder, results, !thresholds.is_empty())?;
    for point in results.points() {
        let point = point?;
        let judgements = judge(thresholds, &point.outcomes);
        look(&point, &judgements);
        output.point(&point, &judgements).map_err(|source| output.failed(source))?;
    }
    output.units(results)?;
    let files = output.end()?;
    let written: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    persist(files)?;
    // The page is of what was there before; a new one is made once everything is there that it shows.
    Ok(remove_stale(folder, |name| written.contains(&folder.join(name)))?)
}

/// Writes the file of a shard.
///
/// # Errors
///
/// If it cannot be written, or its units cannot be read.
pub fn write_shard(folder: &Path, results: &Results, shard: super::shard::Shard) -> Result<(), FilesError> {
    let path = folder.join(shard.file_name());
    let failed = |source| WriteError { path: path.clone(), source };
    let mut file = BufWriter::new(Unfinished::begin(folder).map_err(failed)?);
    file.write_all(&units::head(&results.header, Some(shard))).map_err(failed)?;
    for unit in results.units().filter(|unit| shard.has(*unit)) {
        file.write_all(&results.line(unit)?.unwrap_or_default()).map_err(failed)?;
    }
    let file = finished(file).map_err(failed)?;
    Ok(persist(vec![(path, file)])?)
}

fn finished(file: BufWriter<Unfinished>) -> std::io::Result<Unfinished> {
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync()?;
    Ok(file)
}

type Csv = ::csv::Writer<Unfinished>;

/// A table in which every row says at its end which point it is of.
struct OfPoints(Csv);

impl OfPoints {
    fn begin(folder: &Path, header: &Header, columns: &[&str]) -> std::io::Result<Self> {
        let mut file = csv::writer(Unfinished::begin(folder)?);
        let parameters = parameters(header);
        file.write_record(columns.iter().copied().chain(parameters.iter().map(String::as_str)))?;
        Ok(Self(file))
    }

    fn write(&mut self, point: &Point<'_>, rows: impl IntoIterator<Item = Vec<Cell>>) -> std::io::Result<()> {
        let parameters: Vec<Cell> = point.values.iter().map(|value| value.text.as_str().into()).collect();
        for row in rows {
            self.0.write_record(row.iter().chain(&parameters).map(Cell::text))?;
        }
        Ok(())
    }
}

/// The names of the columns of swept keys.
fn parameters(header: &Header) -> Vec<String> {
    header.axes.iter().map(|axis| format!("param_{}", axis.key)).collect()
}

/// The files while they are written.
struct Output<'a> {
    folder: &'a Path,
    header: &'a Header,
    summary: Csv,
    comparison: OfPoints,
    theory: OfPoints,
    /// Where there are several replications.
    statistics: Option<OfPoints>,
    /// Where anything is expected.
    thresholds: Option<OfPoints>,
    units: BufWriter<Unfinished>,
    json: SweepJson<BufWriter<Unfinished>>,
}

impl<'a> Output<'a> {
    fn begin(folder: &'a Path, results: &'a Results, is_judged: bool) -> Result<Self, WriteError> {
        Self::attempt(folder, results, is_judged).map_err(|source| WriteError { path: folder.to_owned(), source })
    }

    fn attempt(folder: &'a Path, results: &'a Results, is_judged: bool) -> std::io::Result<Self> {
        let header = &results.header;
        let table = |columns: &[&str]| OfPoints::begin(folder, header, columns);
        let mut summary = csv::writer(Unfinished::begin(folder)?);
        let numbers = header.axes.iter().filter(|axis| axis.has_unit).map(|axis| format!("value_{}", axis.key));
        let names = |columns: &[crate::report::columns::Column]| {
            columns.iter().map(|column| column.name.to_owned()).collect::<Vec<_>>()
        };
        summary.write_record(
            names(IDENTITY).into_iter().chain(parameters(header)).chain(names(MEASURES)).chain(numbers),
        )?;
        let mut units = BufWriter::new(Unfinished::begin(folder)?);
        units.write_all(&units::head(header, None))?;
        Ok(Self {
            folder,
            header,
            summary,
            comparison: table(&COMPARISON)?,
            theory: table(&csv::THEORY)?,
            statistics: header.is_replicated().then(|| table(&STATISTICS)).transpose()?,
            thresholds: is_judged.then(|| table(&thresholds::HEADER)).transpose()?,
            units,
            json: SweepJson::begin(BufWriter::new(Unfinished::begin(folder)?), header, results.missing())?,
        })
    }

    fn failed(&self, source: std::io::Error) -> FilesError {
        WriteError { path: self.folder.to_owned(), source }.into()
    }

    fn point(&mut self, point: &Point<'_>, judgements: &[Judgement]) -> std::io::Result<()> {
        for (replication, outcome) in point.runs() {
            for row in &outcome.rows {
                self.summary.write_record(self.summary_row(point, replication, outcome, row).iter().map(Cell::text))?;
            }
        }
        let all = replications(&point.outcomes, None);
        self.comparison.write(point, all.comparisons.iter().map(Cells::cells))?;
        self.theory.write(point, all.theory.iter().map(Cells::cells))?;
        if let Some(statistics) = &mut self.statistics {
            statistics.write(point, all.estimates.iter().map(Cells::cells))?;
        }
        if let Some(table) = &mut self.thresholds {
            table.write(point, judgements.iter().map(thresholds::cells))?;
        }
        self.json.point(self.header, point, judgements)
    }

    fn summary_row(&self, point: &Point<'_>, replication: u32, outcome: &Outcome, row: &ClientOutcome) -> Vec<Cell> {
        let mut cells = identity(&self.header.scenario.name, replication, outcome, row);
        cells.extend(point.values.iter().map(|value| Cell::from(value.text.as_str())));
        cells.extend(row.cells.iter().cloned());
        let numbers = self.header.axes.iter().zip(&point.values).filter(|(axis, _)| axis.has_unit);
        cells.extend(numbers.map(|(_, value)| value.number.clone()));
        cells
    }

    fn units(&mut self, results: &Results) -> Result<(), FilesError> {
        for unit in results.units() {
            let line = results.line(unit)?.unwrap_or_default();
            self.units.write_all(&line).map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// The files with the names that they are to have.
    fn end(self) -> Result<Vec<(PathBuf, Unfinished)>, WriteError> {
        let folder = self.folder;
        let failed = |source| WriteError { path: folder.to_owned(), source };
        let table = |name: &str, file: Csv| {
            let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            file.sync().map(|()| (folder.join(name), file)).map_err(failed)
        };
        let mut files = vec![
            table("summary.csv", self.summary)?,
            table("comparison.csv", self.comparison.0)?,
            table("theory.csv", self.theory.0)?,
        ];
        for (name, file) in [(STATISTICS_FILE, self.statistics), (THRESHOLDS_FILE, self.thresholds)] {
            files.extend(file.map(|file| table(name, file.0)).transpose()?);
        }
        files.push((folder.join(UNITS), finished(self.units).map_err(failed)?));
        let json = self.json.end(self.header).and_then(finished).map_err(failed)?;
        files.push((folder.join(SWEEP), json));
        Ok(files)
    }
}
