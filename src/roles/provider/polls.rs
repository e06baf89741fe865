//! What was asked of the API, for receivers that poll too.

use std::collections::BTreeMap;

use crate::engine::live::Call;
use crate::wire::vendor_api::Worth;

/// Paths told apart at most; the rest are counted together.
const PATHS_MAX: usize = 32;
/// The name of all other paths together.
const OTHER: &str = "other";

/// Requests to the API by path, with what stands for an identifier in a path left out.
#[derive(Clone, Debug, Default)]
pub struct Polls {
    paths: BTreeMap<String, PathRow>,
}

/// A path with the requests to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathRow {
    /// The path, with what stands for an identifier left out.
    pub path: String,
    /// The requests.
    pub counts: PathCounts,
}

/// Requests to one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathCounts {
    /// All.
    pub polls: u64,
    /// Answered with an event that no answer to the same key had brought before.
    pub useful: u64,
    /// Answered with nothing new.
    pub empty: u64,
    /// Answered 304.
    pub not_modified: u64,
    /// Answered with an error.
    pub refused: u64,
    /// Bytes of the requests.
    pub bytes_in: u64,
    /// Bytes of the answers.
    pub bytes_out: u64,
}

impl Polls {
    pub(super) fn called(&mut self, call: &Call<'_>) {
        // Paths that lead nowhere are whatever strangers think of.
        let mut path = if call.status == 404 { OTHER.to_owned() } else { template(call.path) };
        if self.paths.len() >= PATHS_MAX && !self.paths.contains_key(&path) {
            path = OTHER.to_owned();
        }
        let row = self.paths.entry(path.clone()).or_insert_with(|| PathRow { path, ..PathRow::default() });
        let counts = &mut row.counts;
        counts.polls += 1;
        let of_its_worth = match call.worth {
            Worth::Useful => &mut counts.useful,
            Worth::Empty => &mut counts.empty,
            Worth::NotModified => &mut counts.not_modified,
            Worth::Refused => &mut counts.refused,
        };
        *of_its_worth += 1;
        counts.bytes_in += call.bytes_in;
        counts.bytes_out += call.bytes_out;
    }

    /// The counts of each path.
    pub fn paths(&self) -> impl Iterator<Item = &PathRow> {
        self.paths.values()
    }

    /// All paths together.
    pub fn total(&self) -> PathCounts {
        self.paths().map(|row| row.counts).fold(PathCounts::default(), |all, one| PathCounts {
            polls: all.polls + one.polls,
            useful: all.useful + one.useful,
            empty: all.empty + one.empty,
            not_modified: all.not_modified + one.not_modified,
            refused: all.refused + one.refused,
            bytes_in: all.bytes_in + one.bytes_in,
            bytes_out: all.bytes_out + one.bytes_out,
        })
    }
}

/// A path with `{id}` for each part that has a digit in it, other than a version such as `v1`.
fn template(path: &str) -> String {
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    let has_digit = |part: &str| part.bytes().any(|byte| byte.is_ascii_digit());
    let parts = path.split('/').map(|part| if has_digit(part) && !is_version(part) { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str, status: u16, worth: Worth) -> Call<'_> {
        Call { path, bytes_in: 10, status, worth, bytes_out: 100 }
    }

    #[test]
    fn requests_count_by_their_path_and_their_worth() {
        let mut polls = Polls::default();
        let calls = [
            call("/v1/events", 200, Worth::Empty),
            call("/v1/events", 200, Worth::Useful),
            call("/v1/events", 401, Worth::Refused),
            call("/repos/o/r/events", 304, Worth::NotModified),
            call("/repos/o/r/events", 200, Worth::Empty),
            call("/records/rec_17", 200, Worth::Useful),
            call("/records/rec_4", 200, Worth::Empty),
            call("/wp-admin/setup.php", 404, Worth::Refused),
        ];
        calls.iter().for_each(|call| polls.called(call));
        let all: Vec<_> = polls.paths().map(|row| (&*row.path, row.counts.polls, row.counts.useful)).collect();
        assert_eq!(all, [("/records/{id}", 2, 1), ("/repos/o/r/events", 2, 0), ("/v1/events", 3, 1), ("other", 1, 0)]);
        let total = polls.total();
        assert_eq!((total.polls, total.useful, total.empty, total.not_modified, total.refused), (8, 2, 3, 1, 2));
        assert_eq!((total.bytes_in, total.bytes_out), (80, 800));
    }

    #[test]
    fn strangers_cannot_make_it_remember_any_number_of_paths() {
        let mut polls = Polls::default();
        for length in 1..200 {
            polls.called(&call(&format!("/{}", "x".repeat(length)), 405, Worth::Refused));
        }
        assert_eq!(polls.paths().count(), PATHS_MAX + 1);
        assert_eq!(polls.total().polls, 199);
    }
}
