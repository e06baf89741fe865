//! Puts the shards of a sweep together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::sweep::header::Header;
use crate::sweep::results::Results;
use crate::sweep::shard::Shard;
use crate::sweep::units::{Damage, ReadError, UnitFile};

/// The most missing units, or shards, that are named one by one.
const NAMED_MAX: usize = 20;

/// Why shards cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder or a file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The shards do not make a whole: every reason, each as a sentence, and what to do.
    #[error("{0}")]
    Refused(String),
}

/// The shards in these folders, as the results of a whole sweep.
///
/// # Errors
///
/// If there are none, if one is damaged, missing, incomplete, or of another sweep than the first one, and if two differ for
/// the same unit.
pub fn merge(folders: &[PathBuf]) -> Result<Results, MergeError> {
    let mut found = Found::default();
    for path in shard_files(folders)? {
        found.read(&path)?;
    }
    let Some(header) = found.files.first().map(|file| file.header.clone()) else {
        let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let mut sentences = found.sentences;
        if sentences.is_empty() {
            sentences.push(format!(
                "there is no shard in {}: no file is called shard-1-of-2.jsonl or the like",
                folders.join(", ")
            ));
        }
        return Err(refused(&sentences, &found.again));
    };
    found.belong_together(&header);
    found.agree(&header)?;
    // What is missing can be said only of one sweep.
    if found.is_one_sweep() {
        found.complete(&header);
    }
    if found.sentences.is_empty() {
        Ok(Results::new(header, found.files))
    } else {
        Err(refused(&found.sentences, &found.again))
    }
}

fn refused(sentences: &[String], again: &BTreeSet<Shard>) -> MergeError {
    let mut text = format!("cannot merge: {}", sentences.join("\n  and: "));
    if !again.is_empty() {
        let shards: Vec<_> = again.iter().take(NAMED_MAX).map(|shard| format!("--shard {shard}")).collect();
        let more = again.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        text.push_str(&format!("\n  run again: {}{more}", shards.join(", ")));
    }
    MergeError::Refused(text)
}

/// The files of shards in folders, in the order of the shards; a folder that is named twice counts once.
fn shard_files(folders: &[PathBuf]) -> Result<Vec<PathBuf>, MergeError> {
    let mut paths = Vec::new();
    for folder in folders {
        if !folder.is_dir() {
            return Err(refused(&[format!("there is no folder {}", folder.display())], &BTreeSet::new()));
        }
        let unreadable = |source| ReadError::Unreadable { path: folder.clone(), source };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if let Some(shard) = Shard::of_file_name(&entry.file_name().to_string_lossy()) {
                paths.push((shard.of, shard.shard, entry.path()));
            }
        }
    }
    paths.sort();
    paths.dedup();
    Ok(paths.into_iter().map(|(_, _, path)| path).collect())
}

/// What is there, and what is wrong with it.
#[derive(Default)]
struct Found {
    files: Vec<UnitFile>,
    sentences: Vec<String>,
    /// The shards to be played again.
    again: BTreeSet<Shard>,
}

impl Found {
    fn read(&mut self, path: &Path) -> Result<(), ReadError> {
        let named = path.file_name().and_then(|name| Shard::of_file_name(&name.to_string_lossy()));
        match UnitFile::read(path, Damage::Refused) {
            Ok(file) if file.shard == named => self.files.push(file),
            Ok(file) => {
                let holds = file.shard.map_or_else(|| "no shard".to_owned(), |shard| format!("shard {shard}"));
                self.sentences.push(format!("{} holds {holds}, unlike its name", path.display()));
                self.again.extend(named);
            }
            Err(ReadError::Unreadable { path, source }) => return Err(ReadError::Unreadable { path, source }),
            Err(error) => {
                self.sentences.push(error.to_string());
                self.again.extend(named);
            }
        }
        Ok(())
    }

    /// Notes every file that is of another sweep than the first, and where there are parts of several numbers of parts.
    fn belong_together(&mut self, header: &Header) {
        let Some(first) = self.files.first().map(|file| file.path.display().to_string()) else { return };
        for file in &self.files[1..] {
            let mut differences = header.differences(&file.header);
            if file.header.search != header.search {
                differences.push("other crossovers are looked for".to_owned());
            }
            if header.scenario.resolved["threshold"] != file.header.scenario.resolved["threshold"] {
                differences.push("other thresholds are to hold".to_owned());
            }
            if !differences.is_empty() {
                let path = file.path.display();
                self.sentences.push(format!("{path} is not of the same sweep as {first}: {}", differences.join("; ")));
            }
        }
        let mut cuts: BTreeMap<u32, String> = BTreeMap::new();
        for file in &self.files {
            let of = file.shard.map_or(0, |shard| shard.of);
            cuts.entry(of).or_insert_with(|| file.path.display().to_string());
        }
        if cuts.len() > 1 {
            let cuts: Vec<_> = cuts.iter().map(|(of, path)| format!("{of} ({path})")).collect();
            let sentence = "keep those of one number apart from the others";
            self.sentences.push(format!("there are parts of sweeps cut into {}: {sentence}", cuts.join(" and into ")));
        }
    }

    /// Whether every file is of the same sweep, cut in the same way.
    fn is_one_sweep(&self) -> bool {
        let same = |pair: &[UnitFile]| {
            pair[0].shard.map(|shard| shard.of) == pair[1].shard.map(|shard| shard.of)
                && pair[0].header.differences(&pair[1].header).is_empty()
        };
        self.files.windows(2).all(same)
    }

    /// Notes files that say different things of the same unit.
    fn agree(&mut self, header: &Header) -> Result<(), ReadError> {
        for (index, file) in self.files.iter().enumerate() {
            let same =
                |other: &&UnitFile| other.shard == file.shard && other.header.differences(&file.header).is_empty();
            for earlier in self.files[..index].iter().filter(same) {
                for unit in file.index.keys() {
                    let (here, there) = (file.line(*unit)?, earlier.line(*unit)?);
                    if there.is_some() && here != there {
                        let point = file.header.name_of(file.header.place(*unit).0);
                        let [earlier, file] = [earlier, file].map(|file| file.path.display().to_string());
                        let what = if header.precision.is_some() { "point" } else { "run" };
                        self.sentences.push(format!("{earlier} and {file} differ in {what} {unit} ({point})"));
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes every shard that is missing or lacks a unit.
    fn complete(&mut self, header: &Header) {
        let Some(of) = self.files.first().and_then(|file| file.shard).map(|shard| shard.of) else { return };
        let mut counts: BTreeMap<Shard, u64> = BTreeMap::new();
        for file in &self.files {
            if let Some(shard) = file.shard {
                let count = counts.entry(shard).or_default();
                *count = (*count).max(file.index.len() as u64);
            }
        }
        let mut missing = Vec::new();
        for shard in (1..=of).map(|shard| Shard { shard, of }) {
            let whole = shard.count(header.units());
            match counts.get(&shard) {
                Some(count) if *count == whole => {}
                Some(count) => {
                    self.sentences.push(format!("shard {shard} has {count} of its {}", header.count_of_units(whole)));
                    self.again.insert(shard);
                }
                // A damaged one has been named.
                None if self.again.contains(&shard) => {}
                None => missing.push(shard),
            }
        }
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().take(NAMED_MAX).map(Shard::to_string).collect();
            let more = missing.len().saturating_sub(NAMED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let (what, is) = if missing.len() == 1 { ("shard", "is") } else { ("shards", "are") };
            self.sentences.push(format!("{what} {}{more} {is} missing", names.join(", ")));
            self.again.extend(missing);
        }
    }
}
