//! Files without their final name: each gets it once it is whole, so that whoever reads a folder never finds half a file. What
//! processes leave of them that were killed is removed later.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

/// What their names begin with; a few letters and digits follow.
const PREFIX: &str = ".pushpull-";
/// Who writes a file does so every few moments. One that is this old, and that nobody has locked, is nobody's.
const ABANDONED_AFTER: Duration = Duration::from_secs(600);

/// A file without its final name. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Unfinished(NamedTempFile);

impl Unfinished {
    /// Begins a file in the folder that it is to stay in.
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        let mut file = tempfile::Builder::new();
        let file = file.prefix(PREFIX).permissions(readable_by_all()).tempfile_in(folder).map_err(plain)?;
        // Who holds the lock is still at work. Not every file system has locks, and without one it works as well.
        let _ = file.as_file().try_lock();
        Ok(Self(file))
    }

    /// Makes sure that what was written survives a crash of the machine.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.as_file().sync_all()
    }

    /// Gives the file its name, in the place of whatever has it.
    pub(crate) fn persist(self, path: &Path) -> io::Result<()> {
        self.0.persist(path).map(drop).map_err(|error| plain(error.error))
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_file_mut().flush()
    }
}

/// Removes what processes have left in a folder that were killed.
///
/// # Errors
///
/// If no file can be made in the folder.
pub(crate) fn remove_abandoned(folder: &Path) -> io::Result<()> {
    // The time of the file system that the other files have theirs from.
    let now = Unfinished::begin(folder)?.0.as_file().metadata().and_then(|metadata| metadata.modified());
    let (Ok(now), Ok(entries)) = (now, std::fs::read_dir(folder)) else { return Ok(()) };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_one = |name: &String| {
        name.strip_prefix(PREFIX).is_some_and(|rest| rest.chars().all(|character| character.is_ascii_alphanumeric()))
    };
    for path in names.filter(is_one).map(|name| folder.join(name)).filter(|path| is_abandoned(path, now)) {
        // Whoever may not remove it can still work here.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn is_abandoned(path: &Path, now: SystemTime) -> bool {
    let is_old = |modified| now.duration_since(modified).is_ok_and(|age| age > ABANDONED_AFTER);
    let modified = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(is_old) && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// An error without the name of the temporary file, which says nothing to anybody.
pub(crate) fn plain(error: io::Error) -> io::Error {
    match (error.raw_os_error(), error.kind()) {
        (None, kind) if kind != ErrorKind::Other && error.get_ref().is_some() => {
            let reason = kind.to_string();
            if reason.starts_with("uncategorized") { error } else { kind.into() }
        }
        _ => error,
    }
}

/// Temporary files are private by default; results are meant to be read.
#[cfg(unix)]
fn readable_by_all() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = |name: &str| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(long_ago).unwrap();
            file
        };
        for name in [".pushpull-abcdef", ".pushpull.toml", ".pushpull-a.toml", "pushpull-abcdef", "summary.csv"] {
            file(name);
        }
        let locked = file(".pushpull-locked");
        locked.lock().unwrap();
        let fresh = Unfinished::begin(folder.path()).unwrap();
        File::create(folder.path().join(".pushpull-fresh1")).unwrap();
        std::fs::create_dir(folder.path().join(".pushpull-folder")).unwrap();
        remove_abandoned(folder.path()).unwrap();
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let own = fresh.0.path().file_name().unwrap().to_str().unwrap();
        names.retain(|name| name != own);
        names.sort();
        let kept = [
            ".pushpull-a.toml",
            ".pushpull-folder",
            ".pushpull-fresh1",
            ".pushpull-locked",
            ".pushpull.toml",
            "pushpull-abcdef",
            "summary.csv",
        ];
        assert_eq!(names, kept);
        assert!(fresh.0.path().exists());
    }

    #[test]
    fn errors_name_no_temporary_file() {
        let error = Unfinished::begin(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(!error.to_string().contains(PREFIX), "{error}");
    }
}
