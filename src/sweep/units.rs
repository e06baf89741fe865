//! Files of units: a line that identifies the sweep, and then one line a unit, each with a checksum of what is in it.
//!
//! A line is `{"sum":"0123456789abcdef","body":..}`: the sum is the first 8 bytes of the SHA-256 of the bytes of the body,
//! in hexadecimal. A line is written in one piece when its unit is done, so all that a crash can leave
//! behind is a last line that is torn.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::evaluation::outcome::Outcome;
use crate::report::files::WriteError;
use crate::report::unfinished::plain;
use crate::sweep::header::{FORMAT, Header};
use crate::sweep::shard::Shard;

/// The longest line that is read: a header with axes of a million values each is far from it.
const LINE_MAX: usize = 1 << 30;
/// What the name of a file of units ends with that a sweep under way, or one that was killed, has left.
const UNFINISHED: &str = ".partial.jsonl";

/// What stands in a line behind its checksum.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Sweep(Box<Header>),
    Shard(Shard),
    Unit(u64, Vec<Outcome>),
}

/// A body as a line, with its line end.
fn line(body: &Body) -> Vec<u8> {
    // Numbers, texts and lists always have their JSON.
    let body = serde_json::to_string(body).unwrap_or_default();
    format!("{{\"sum\":\"{}\",\"body\":{body}}}\n", sum(body.as_bytes())).into_bytes()
}

fn sum(body: &[u8]) -> String {
    hex::encode(&Sha256::digest(body)[..8])
}

/// The bytes of the body in a line without its line end; none if they are not those of the checksum.
fn whole(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"sum\":\"")?;
    let (written, rest) = rest.split_at_checked(16)?;
    let body = rest.strip_prefix(b"\",\"body\":")?.strip_suffix(b"}")?;
    (sum(body).as_bytes() == written).then_some(body)
}

/// The body in a line without its line end; none if the line is damaged.
fn body_of(line: &[u8]) -> Option<Body> {
    serde_json::from_slice(whole(line)?).ok()
}

/// The first lines of a file of units.
pub fn head(header: &Header, shard: Option<Shard>) -> Vec<u8> {
    let mut text = line(&Body::Sweep(Box::new(header.clone())));
    text.extend(shard.into_iter().flat_map(|shard| line(&Body::Shard(shard))));
    text
}

/// Why a file of units cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system refuses.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not as it was written.
    #[error("{} is damaged at line {line}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// A file is no longer as it was when it was first read.
    #[error("{} has changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version of this program, and written in another way.
    #[error("{} has format {format}, and this version reads format {FORMAT}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

/// A file of units that has been read: what is in it, and where.
#[derive(Debug)]
pub struct UnitFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which sweep it belongs to.
    pub header: Arc<Header>,
    /// Which part of it the file holds.
    pub shard: Option<Shard>,
    /// Where the line of each unit begins, and how long it is, the line end included.
    pub index: BTreeMap<u64, (u64, usize)>,
    /// The file, unless it is opened again whenever something is read of it.
    file: Option<File>,
}

/// What becomes of a damaged line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is an error.
    Refused,
    /// The line is left out: its unit is played again. That is what a process leaves that was killed.
    LeftOut,
}

impl UnitFile {
    /// Reads a file of units, and checks every line.
    ///
    /// # Errors
    ///
    /// If it cannot be read, if its head is damaged or of another format, and, where damage is refused, if any line is damaged.
    pub fn read(path: &Path, damage: Damage) -> Result<Self, ReadError> {
        match File::open(path) {
            Ok(file) => Self::read_open(file, path, damage),
            Err(source) => Err(ReadError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// The same for a file that is open, and stands at its beginning.
    fn read_open(file: File, path: &Path, damage: Damage) -> Result<Self, ReadError> {
        let unreadable = |source| ReadError::Unreadable { path: path.to_owned(), source };
        let mut reader = BufReader::new(file.try_clone().map_err(unreadable)?);
        let (mut header, mut shard, mut index) = (None, None, BTreeMap::new());
        let (mut offset, mut number, mut text) = (0u64, 0u64, Vec::new());
        loop {
            text.clear();
            let length =
                std::io::Read::take(&mut reader, LINE_MAX as u64).read_until(b'\n', &mut text).map_err(unreadable)?;
            if length == 0 {
                break;
            }
            number += 1;
            let body = text.strip_suffix(b"\n").and_then(body_of);
            match body {
                Some(Body::Sweep(found)) if number == 1 => header = Some(*found),
                Some(Body::Shard(found)) if number == 2 => shard = Some(found),
                // A unit that stands twice was played twice; it is the same both times.
                Some(Body::Unit(unit, _)) if number > 1 => drop(index.insert(unit, (offset, length))),
                _ if damage == Damage::LeftOut && number > 1 => {}
                _ => return Err(Self::damaged(path, number, &text)),
            }
            offset += length as u64;
        }
        let Some(header) = header.filter(Header::is_sound) else {
            return Err(ReadError::Damaged { path: path.to_owned(), line: 1 });
        };
        let units = header.units();
        index.retain(|unit, _| *unit < units && shard.is_none_or(|shard: Shard| shard.has(*unit)));
        Ok(Self { path: path.to_owned(), header: Arc::new(header), shard, index, file: Some(file) })
    }

    /// The same, without keeping the file open: there may be more of them than a process may have open. Its name has to stay.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { file: None, ..self }
    }

    /// The error of a line that is damaged, or of a first line whose format is another one.
    fn damaged(path: &Path, line: u64, text: &[u8]) -> ReadError {
        let document: Option<serde_json::Value> = serde_json::from_slice(text).ok();
        let format = document.and_then(|document| document["body"]["sweep"]["format"].as_u64());
        match format.and_then(|format| u32::try_from(format).ok()).filter(|format| line == 1 && *format != FORMAT) {
            Some(format) => ReadError::Format { path: path.to_owned(), format },
            None => ReadError::Damaged { path: path.to_owned(), line },
        }
    }

    /// The line of a unit as it is written, with its line end.
    ///
    /// # Errors
    ///
    /// If the file is no longer as it was.
    pub fn line(&self, unit: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some((offset, length)) = self.index.get(&unit) else { return Ok(None) };
        let mut text = vec![0; *length];
        let read = match &self.file {
            Some(file) => file.read_exact_at(&mut text, *offset),
            None => File::open(&self.path).and_then(|file| file.read_exact_at(&mut text, *offset)),
        };
        match read {
            Ok(()) if text.strip_suffix(b"\n").and_then(whole).is_some() => Ok(Some(text)),
            Err(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
                Err(ReadError::Unreadable { path: self.path.clone(), source })
            }
            _ => Err(ReadError::Changed { path: self.path.clone() }),
        }
    }

    /// What a unit came to: one run, or as many replications as it needed.
    ///
    /// # Errors
    ///
    /// If the file is no longer as it was.
    pub fn outcomes(&self, unit: u64) -> Result<Option<Vec<Outcome>>, ReadError> {
        let Some(text) = self.line(unit)? else { return Ok(None) };
        match text.strip_suffix(b"\n").and_then(body_of) {
            Some(Body::Unit(found, outcomes)) if found == unit => Ok(Some(outcomes)),
            _ => Err(ReadError::Changed { path: self.path.clone() }),
        }
    }
}

/// A file of units that grows while they are played. It stays where it is when the process is killed.
#[derive(Debug)]
pub struct Journal {
    /// Where it is.
    pub path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Begins a file under a name that nobody else has. `stem` is what the finished file is called, without the ending.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn begin(folder: &Path, stem: &str, header: &Header, shard: Option<Shard>) -> Result<Self, WriteError> {
        let attempt = || {
            let file = tempfile::Builder::new()
                .prefix(&format!("{stem}-"))
                .suffix(UNFINISHED)
                .tempfile_in(folder)
                .map_err(plain)?;
            // Who holds the lock is still at work. The file systems of some clusters have no locks; there nobody can tell.
            let _ = file.as_file().try_lock();
            file.as_file().write_all(&head(header, shard))?;
            file.keep().map_err(|error| plain(error.error))
        };
        match attempt() {
            Ok((file, path)) => {
                // The name is enough: the folder may have been given in another way than it is found by.
                let path = folder.join(path.file_name().unwrap_or_default());
                Ok(Self { path, file: Mutex::new(file) })
            }
            Err(source) => Err(WriteError { path: folder.to_owned(), source }),
        }
    }

    /// Adds a unit that is done.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, unit: u64, outcomes: &[Outcome]) -> Result<(), WriteError> {
        let text = line(&Body::Unit(unit, outcomes.to_vec()));
        // A lock is poisoned by a panic alone, which ends the program.
        let Ok(mut file) = self.file.lock() else { return Ok(()) };
        file.write_all(&text).map_err(|source| WriteError { path: self.path.clone(), source })
    }

    /// What has been written, when nothing more is.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn end(self) -> Result<UnitFile, ReadError> {
        let Self { path, file } = self;
        // It is read from where it was written, whatever has become of its name since.
        let mut file = file.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        match file.rewind() {
            Ok(()) => UnitFile::read_open(file, &path, Damage::LeftOut),
            Err(source) => Err(ReadError::Unreadable { path, source }),
        }
    }
}

/// The files that sweeps under way, or killed, have left in a folder, for finished files of that stem.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn unfinished(folder: &Path, stem: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let middle = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(UNFINISHED));
        // The stem of one shard may begin that of another, which has more behind it than the six letters.
        if middle.is_some_and(|middle| middle.chars().all(|c| c.is_ascii_alphanumeric())) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a sweep still writes to a file of units, as far as the file system has locks.
pub fn is_in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}
