//! Puts the shards of a sweep together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::report::human;
use crate::sweep::difference::Sides;
use crate::sweep::header::Header;
use crate::sweep::results::Results;
use crate::sweep::shard::Shard;
use crate::sweep::units::{Damage, ReadError, UnitFile};

/// The most shards that are named one by one.
const NAMED_MAX: usize = 20;
/// The most files that are named one by one.
const FILES_MAX: usize = 3;

/// Files of one sweep, and files of another.
const ONE_AND_ANOTHER: Sides = Sides { own: "in the others", other: "in it" };

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
/// If there are none, if one is damaged, missing, incomplete, or of another sweep than most of them, and if two differ for the
/// same unit.
pub fn merge(folders: &[PathBuf]) -> Result<Results, MergeError> {
    let mut found = Found::default();
    for path in shard_files(folders)? {
        found.read(&path)?;
    }
    let sweeps = found.sweeps();
    let Some(header) = sweeps.first().map(|sweep| Arc::clone(&found.files[sweep[0]].header)) else {
        let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let mut sentences = found.sentences;
        if sentences.is_empty() {
            sentences.push(format!(
                "there is no shard in {}: no file is called shard-1-of-2.jsonl or the like",
                folders.join(", ")
            ));
        }
        return Err(refused(&sentences, &found.again, 0));
    };
    found.belong_together(&sweeps);
    found.agree(&header)?;
    // What is missing can be said only of one sweep.
    let more = if sweeps.len() == 1 && found.is_cut_in_one_way() { found.complete(&header) } else { 0 };
    if found.sentences.is_empty() {
        Ok(Results::new(Header::clone(&header), found.files))
    } else {
        Err(refused(&found.sentences, &found.again, more))
    }
}

/// The error that says all of this, and which shards to play again: these, and so many more.
fn refused(sentences: &[String], again: &BTreeSet<Shard>, more: u64) -> MergeError {
    let mut text = format!("cannot merge: {}", sentences.join("\n  and: "));
    if !again.is_empty() {
        let shards: Vec<_> = again.iter().take(NAMED_MAX).map(|shard| format!("--shard {shard}")).collect();
        let more = more + again.len().saturating_sub(NAMED_MAX) as u64;
        let more = if more > 0 { format!(", and {} more", human::count(more)) } else { String::new() };
        text.push_str(&format!("\n  run again: {}{more}", shards.join(", ")));
    }
    MergeError::Refused(text)
}

/// Files by their names; of many the first few.
fn named(files: &[&UnitFile]) -> String {
    let names: Vec<_> = files.iter().take(FILES_MAX).map(|file| file.path.display().to_string()).collect();
    let names = names.join(", ");
    match files.len().saturating_sub(FILES_MAX) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// In what a file is of another sweep than one with that header, as sentences; empty if they belong together.
fn differences(header: &Header, file: &UnitFile) -> Vec<String> {
    let mut differences = header.differences(&file.header, ONE_AND_ANOTHER);
    if file.header.search != header.search {
        differences.push("other crossovers are looked for".to_owned());
    }
    if header.scenario.resolved["threshold"] != file.header.scenario.resolved["threshold"] {
        differences.push("other thresholds are to hold".to_owned());
    }
    differences
}

/// The files of shards in folders, in the order of the shards; a folder that is named twice counts once.
fn shard_files(folders: &[PathBuf]) -> Result<Vec<PathBuf>, MergeError> {
    let mut paths = Vec::new();
    for folder in folders {
        if !folder.is_dir() {
            return Err(refused(&[format!("there is no folder {}", folder.display())], &BTreeSet::new(), 0));
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
            Ok(file) if file.shard == named => {
                // There may be very many, and nearly always they say the same.
                let mut file = file.closed();
                if let Some(last) = self.files.last().filter(|last| last.header == file.header) {
                    file.header = Arc::clone(&last.header);
                }
                self.files.push(file);
            }
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

    /// The numbers of the files of each sweep; the one with the most files comes first, and of several such the one that was
    /// found first.
    fn sweeps(&self) -> Vec<Vec<usize>> {
        let mut sweeps: Vec<Vec<usize>> = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            let same = |sweep: &&mut Vec<usize>| differences(&self.files[sweep[0]].header, file).is_empty();
            match sweeps.iter_mut().find(same) {
                Some(sweep) => sweep.push(number),
                None => sweeps.push(vec![number]),
            }
        }
        sweeps.sort_by_key(|sweep| std::cmp::Reverse(sweep.len()));
        sweeps
    }

    /// Notes the files that are of another sweep than most are, and where there are parts of several numbers of parts.
    fn belong_together(&mut self, sweeps: &[Vec<usize>]) {
        let files = |sweep: &[usize]| -> Vec<&UnitFile> { sweep.iter().map(|number| &self.files[*number]).collect() };
        let mut sentences = Vec::new();
        if let Some((most, others)) = sweeps.split_first() {
            let most = files(most);
            for other in others {
                let other = files(other);
                let (is, differences) =
                    (if other.len() == 1 { "is" } else { "are" }, differences(&most[0].header, other[0]).join("; "));
                sentences.push(format!(
                    "{} {is} not of the same sweep as {}: {differences}",
                    named(&other),
                    named(&most)
                ));
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
            sentences.push(format!("there are parts of sweeps cut into {}: {sentence}", cuts.join(" and into ")));
        }
        self.sentences.extend(sentences);
    }

    /// Whether every file is of a sweep that was cut into the same number of parts.
    fn is_cut_in_one_way(&self) -> bool {
        let of = |file: &UnitFile| file.shard.map(|shard| shard.of);
        self.files.windows(2).all(|pair| of(&pair[0]) == of(&pair[1]))
    }

    /// Notes files that say different things of the same unit.
    fn agree(&mut self, header: &Header) -> Result<(), ReadError> {
        for (index, file) in self.files.iter().enumerate() {
            let same = |other: &&UnitFile| {
                other.shard == file.shard && other.header.differences(&file.header, ONE_AND_ANOTHER).is_empty()
            };
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

    /// Notes every shard that is missing or lacks a unit. Of very many that are missing the first few are noted, and how many
    /// more there are is given back.
    fn complete(&mut self, header: &Header) -> u64 {
        let Some(of) = self.files.first().and_then(|file| file.shard).map(|shard| shard.of) else { return 0 };
        let mut counts: BTreeMap<Shard, u64> = BTreeMap::new();
        for file in &self.files {
            if let Some(shard) = file.shard {
                let count = counts.entry(shard).or_default();
                *count = (*count).max(file.index.len() as u64);
            }
        }
        // A damaged one has been named.
        let is_there = |shard: &Shard| counts.contains_key(shard) || self.again.contains(shard);
        let there = counts.keys().chain(&self.again).filter(|shard| shard.of == of).collect::<BTreeSet<_>>().len();
        let missing = u64::from(of) - there as u64;
        let all = (1..=of).map(|shard| Shard { shard, of });
        let first: Vec<_> = all.filter(|shard| !is_there(shard)).take(NAMED_MAX).collect();
        for (shard, count) in counts {
            let whole = shard.count(header.units());
            if count != whole {
                self.sentences.push(format!("shard {shard} has {count} of its {}", header.count_of_units(whole)));
                self.again.insert(shard);
            }
        }
        let more = missing - first.len() as u64;
        if missing > 0 {
            let names: Vec<_> = first.iter().map(Shard::to_string).collect();
            let and_more = if more > 0 { format!(" and {} more", human::count(more)) } else { String::new() };
            let (what, is) = if missing == 1 { ("shard", "is") } else { ("shards", "are") };
            self.sentences.push(format!("{what} {}{and_more} {is} missing", names.join(", ")));
            self.again.extend(first);
        }
        more
    }
}
