//! Units that an earlier call has played: with `--resume` a sweep goes on from them, and otherwise they are not lost without a word.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::report::files::WriteError;
use crate::run::{Failure, tell};
use crate::sweep::difference::HERE_AND_THERE;
use crate::sweep::header::Header;
use crate::sweep::shard::Shard;
use crate::sweep::units::{self, Damage, UnitFile};

/// Where the units of a sweep, or of a shard of one, are kept.
pub(super) struct Place {
    /// The folder.
    pub(super) folder: PathBuf,
    /// What the file of units is called in the end, without its ending.
    pub(super) stem: String,
    /// Which part of the sweep it is.
    pub(super) shard: Option<Shard>,
}

impl Place {
    /// The file of the units in the end.
    fn finished(&self) -> PathBuf {
        self.folder.join(format!("{}.jsonl", self.stem))
    }

    /// What sweeps under way, or killed, have left.
    fn unfinished(&self) -> Result<Vec<PathBuf>, Failure> {
        let unreadable = |source| WriteError { path: self.folder.clone(), source };
        Ok(units::unfinished(&self.folder, &self.stem).map_err(unreadable)?)
    }

    /// In what a file differs from this part of that sweep, as sentences; empty if its units belong there.
    fn differences(&self, header: &Header, file: &UnitFile) -> Vec<String> {
        let mut differences = same(header).differences(&file.header, HERE_AND_THERE);
        if file.shard != self.shard {
            differences.push("it is another part of the sweep".to_owned());
        }
        differences
    }
}

/// The files to go on from.
pub(super) fn resumed(place: &Place, header: &Header) -> Result<Vec<UnitFile>, Failure> {
    let mut files = Vec::new();
    let finished = place.finished();
    for path in place.unfinished()?.into_iter().chain(finished.is_file().then_some(finished)) {
        // A process that is killed right after it began leaves a file without a first line.
        let Ok(file) = UnitFile::read(&path, Damage::LeftOut) else {
            tell(&format!("warning: {} holds no units that can be read; they are played again", path.display()));
            continue;
        };
        let differences = place.differences(header, &file);
        if !differences.is_empty() {
            return Err(Failure::Usage(format!(
                "cannot go on: {} is of another sweep: {}. To begin anew, delete it or leave --resume out; with another --out it \
                 stays",
                path.display(),
                differences.join("; ")
            )));
        }
        files.push(file);
    }
    Ok(files)
}

/// Tells of units of this very sweep that are going to be played again, and leaves them where they are until all are there.
/// What another sweep has left that was killed is removed: this one takes its place.
pub(super) fn passed_over(place: &Place, header: &Header) -> Result<(), Failure> {
    // Whoever still writes one of them goes on, and ends with the same bytes.
    for path in place.unfinished()?.into_iter().filter(|path| !units::is_in_use(path)) {
        match UnitFile::read(&path, Damage::LeftOut) {
            Ok(file) if place.differences(header, &file).is_empty() && !file.index.is_empty() => warn(header, &file),
            Ok(file) => {
                let of_another = place.differences(header, &file).join("; ");
                if std::fs::remove_file(&path).is_ok() && !file.index.is_empty() {
                    tell(&format!("warning: removed {}, which another sweep had left: {of_another}", path.display()));
                }
            }
            Err(_) => drop(std::fs::remove_file(&path)),
        }
    }
    // Only a sweep that was interrupted leaves a file under that name which is not whole; a shard leaves none.
    if place.shard.is_none()
        && let Ok(file) = UnitFile::read(&place.finished(), Damage::LeftOut)
        && (file.index.len() as u64) < file.header.units()
        && place.differences(header, &file).is_empty()
    {
        warn(header, &file);
    }
    Ok(())
}

fn warn(header: &Header, file: &UnitFile) {
    let units = header.count_of_units(file.index.len() as u64);
    tell(&format!(
        "warning: {} holds {units} of this very sweep, from an earlier call. They are played again; with --resume they would \
         not be",
        file.path.display()
    ));
}

/// The same failure, with a word on what can be gone on from, if anything can.
pub(super) fn kept(place: &Place, header: &Header, failure: Failure) -> Failure {
    let finished = place.finished();
    let paths = place.unfinished().unwrap_or_default().into_iter().chain([finished]);
    let files = paths.filter_map(|path| UnitFile::read(&path, Damage::LeftOut).ok());
    let own = files.filter(|file| place.differences(header, file).is_empty());
    let units: BTreeSet<u64> = own.flat_map(|file| file.index.into_keys()).collect();
    if units.is_empty() {
        return failure;
    }
    let units = header.count_of_units(units.len() as u64);
    let folder = place.folder.display();
    Failure::Kept {
        cause: Box::new(failure),
        kept: format!("{units} of the sweep are kept in {folder}; the same command with --resume goes on from there"),
    }
}

/// Removes the files of which everything is in the finished one, these among them; when no unit is missing, that is all which
/// nobody writes to.
pub(super) fn clear(place: &Place, done: &[PathBuf], is_whole: bool) {
    let left = place.unfinished().unwrap_or_default();
    let left = left.iter().filter(|path| done.contains(path) || (is_whole && !units::is_in_use(path)));
    left.for_each(|path| drop(std::fs::remove_file(path)));
}

/// A header as it is after it has been written and read.
fn same(header: &Header) -> Header {
    let text = serde_json::to_string(header).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_else(|_| header.clone())
}
