//! System A's memory of the events it has taken, one for both ways of hearing of them.

use std::collections::VecDeque;

/// The set of event serials taken so far.
///
/// Serials come nearly in order, so a bitmap that starts at the oldest serial still missing stays short.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// Every serial below this one has been taken.
    base: u32,
    /// One bit a serial from `base` on.
    bits: VecDeque<u64>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { base: 1, bits: VecDeque::new() }
    }
}

impl Inbox {
    /// Whether this serial has been taken.
    pub fn contains(&self, serial: u32) -> bool {
        let Some(offset) = serial.checked_sub(self.base) else { return true };
        self.bits.get((offset / 64) as usize).is_some_and(|word| word & (1 << (offset % 64)) != 0)
    }

    /// Takes a serial; true if it is taken for the first time.
    pub fn take(&mut self, serial: u32) -> bool {
        let Some(offset) = serial.checked_sub(self.base) else { return false };
        let word = (offset / 64) as usize;
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let bit = 1 << (offset % 64);
        if self.bits[word] & bit != 0 {
            return false;
        }
        self.bits[word] |= bit;
        while self.bits.front() == Some(&u64::MAX) {
            self.bits.pop_front();
            self.base = self.base.saturating_add(64);
        }
        true
    }
}

impl Inbox {
    /// Gives a serial back, as if it had never been taken.
    pub fn give_back(&mut self, serial: u32) {
        while serial < self.base && self.base > 64 {
            self.bits.push_front(u64::MAX);
            self.base -= 64;
        }
        let Some(offset) = serial.checked_sub(self.base) else { return };
        if let Some(word) = self.bits.get_mut((offset / 64) as usize) {
            *word &= !(1 << (offset % 64));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(serials in prop::collection::vec((1u32..400, prop::bool::weighted(0.2)), 0..900)) {
            let (mut inbox, mut set) = (Inbox::default(), BTreeSet::new());
            for (serial, is_given_back) in serials {
                if is_given_back {
                    inbox.give_back(serial);
                    set.remove(&serial);
                    prop_assert!(!inbox.contains(serial));
                    continue;
                }
                prop_assert_eq!(inbox.contains(serial), set.contains(&serial));
                prop_assert_eq!(inbox.take(serial), set.insert(serial));
                prop_assert!(inbox.contains(serial));
            }
        }
    }
}
