//! `pushpull report`: the page of saved results, made anew.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::cli::ReportArguments;
use crate::report::files::{self, RUN, SWEEP};
use crate::report::page::sweep::{FolderError, SavedSweep};
use crate::report::page::{self, Beside, Saved};
use crate::run::{Failure, tell};

/// Makes the page of a folder, and gives back the exit code.
///
/// # Errors
///
/// If what is in the folder cannot be shown, or the page cannot be written.
pub(super) fn report(arguments: &ReportArguments) -> Result<u8, Failure> {
    let folder = &arguments.folder;
    let out = arguments.out.clone().unwrap_or_else(|| folder.join(page::FILE));
    if !folder.is_dir() {
        return Err(Failure::Usage(format!("there is no folder {}", folder.display())));
    }
    if out.is_dir() {
        return Err(Failure::Usage(format!("--out {} is a folder; write the name of a file", out.display())));
    }
    let Some(name) = out.file_name().and_then(|name| name.to_str()) else {
        return Err(Failure::Usage(format!("--out {} is no name of a file", out.display())));
    };
    let place = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Where the page goes has to be there before the way from it can be known.
    files::prepare(place)?;
    let html = html(folder, &way(place, folder)).map_err(|error| Failure::Usage(error.to_string()))?;
    files::write(place, &[(name, html)])?;
    if !arguments.quiet {
        tell(&format!("wrote {}", out.display()));
    }
    Ok(0)
}

/// Makes the page of a sweep in its folder.
///
/// # Errors
///
/// If what was written cannot be read back, or the page cannot be written.
pub(super) fn of_sweep(folder: &Path) -> Result<(), Failure> {
    let saved = SavedSweep::read(folder)?;
    let html = page::sweep::page(&saved, &Beside { way: "", is_there: &|name| folder.join(name).is_file() });
    Ok(files::write(folder, &[(page::FILE, html)])?)
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{} holds neither {RUN} nor {SWEEP}: it is no folder of results of `pushpull run` or `pushpull sweep`", .0.display())]
    Nothing(PathBuf),
}

/// The page of whatever is in a folder. A sweep removes what a run has left there, so where both are, the run is the later.
fn html(folder: &Path, way: &str) -> Result<Vec<u8>, ReportError> {
    let beside = Beside { way, is_there: &|name| folder.join(name).is_file() };
    let path = folder.join(RUN);
    if path.is_file() {
        let text = std::fs::read(&path).map_err(|source| FolderError::Read { path: path.clone(), source })?;
        let saved = Saved::read(&text).map_err(|source| FolderError::Content { path, source })?;
        return Ok(page::run(&saved, &beside));
    }
    if folder.join(SWEEP).is_file() {
        return Ok(page::sweep::page(&SavedSweep::read(folder)?, &beside));
    }
    Err(ReportError::Nothing(folder.to_owned()))
}

/// The way from one folder to another for links, with a slash at its end; nothing where they are the same.
fn way(from: &Path, to: &Path) -> String {
    let absolute = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (absolute(from), absolute(to));
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| OsString::from(".."));
    let down = to.components().skip(common).map(|part: Component<'_>| part.as_os_str().to_owned());
    up.chain(down).map(|part| encoded(&part) + "/").collect()
}

/// A part of a path as it stands in an address.
fn encoded(part: &std::ffi::OsStr) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let of = |byte: u8| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    part.as_encoded_bytes().iter().copied().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_files() {
        let root = tempfile::tempdir().unwrap();
        let [a, b] = ["results/a b", "pages"].map(|name| root.path().join(name));
        std::fs::create_dir_all(&a).unwrap();
        std::fs::create_dir_all(&b).unwrap();
        assert_eq!(way(&a, &a), "");
        assert_eq!(way(&b, &a), "../results/a%20b/");
        assert_eq!(way(root.path(), &a), "results/a%20b/");
    }
}
