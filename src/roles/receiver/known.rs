//! Which events have come before: the newest of them, so that memory has an end.

use std::collections::{BTreeSet, VecDeque};

use sha2::{Digest as _, Sha256};

/// How many names are remembered. One that comes again after so many others is taken for new.
pub(super) const KNOWN_MAX: usize = 1_000_000;

/// A name of any length as a number of fixed size; no two names are found that share one.
pub(super) type Fingerprint = u128;

/// The fingerprint of the parts of a name.
pub(super) fn fingerprint(kind: &str, name: &[u8]) -> Fingerprint {
    let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(name).finalize();
    hash.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The newest names that came.
#[derive(Debug)]
pub(super) struct Known {
    names: BTreeSet<Fingerprint>,
    in_order: VecDeque<Fingerprint>,
    max: usize,
}

impl Known {
    pub(super) const fn new(max: usize) -> Self {
        Self { names: BTreeSet::new(), in_order: VecDeque::new(), max }
    }

    /// Takes a name; true if it is new. A name that is known stays as old as it was.
    pub(super) fn take(&mut self, name: Fingerprint) -> bool {
        if !self.names.insert(name) {
            return false;
        }
        self.in_order.push_back(name);
        if self.in_order.len() > self.max
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.names.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_names_are_known_and_no_more() {
        let mut known = Known::new(3);
        let name = |number: u8| fingerprint("event", &[number]);
        assert!((0..3).all(|number| known.take(name(number))));
        assert!((0..3).all(|number| !known.take(name(number))));
        assert!(known.take(name(3)), "and 0 is forgotten");
        assert_eq!([1, 2, 3].map(|number| known.take(name(number))), [false; 3]);
        assert!(known.take(name(0)));
        assert_eq!((known.names.len(), known.in_order.len()), (3, 3));
        assert_ne!(fingerprint("a", b"b"), fingerprint("ab", b""));
    }
}
