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
    #[inline]
    pub fn contains(&self, serial: u32) -> bool {
        let Some(offset) = serial.checked_sub(self.base) else { return true };
        self.bits.get((offset / 64) as usize).is_some_and(|word| word & (1 << (offset % 64)) != 0)
    }

    /// Takes a serial; true if it is taken for the first time.
    #[inline]
    pub fn take(&mut self, serial: u32) -> bool {
        let Some(offset) = serial.checked_sub(self.base) else { return false };
        let word = (offset / 64) as usize;
        if word >= self.bits.len() {
            self.reach(word);
        }
        let (bit, word) = (1 << (offset % 64), &mut self.bits[word]);
        let is_new = *word & bit == 0;
        *word |= bit;
        if *word == u64::MAX {
            self.drop_what_is_full();
        }
        is_new
    }

    #[cold]
    fn reach(&mut self, word: usize) {
        self.bits.resize(word + 1, 0);
    }

    #[cold]
    fn drop_what_is_full(&mut self) {
        while self.bits.front() == Some(&u64::MAX) {
            self.bits.pop_front();
            self.base = self.base.saturating_add(64);
        }
    }
}

impl Inbox {
    /// Takes every serial below this one, so that nothing need be remembered of them.
    pub fn take_below(&mut self, serial: u32) {
        let Some(offset) = serial.checked_sub(self.base) else { return };
        let words = (offset / 64) as usize;
        self.bits.drain(..words.min(self.bits.len()));
        self.base = self.base.saturating_add(offset - offset % 64);
        let bits_below = (1 << (offset % 64)) - 1;
        match self.bits.front_mut() {
            Some(word) => *word |= bits_below,
            None if bits_below != 0 => self.bits.push_back(bits_below),
            None => {}
        }
        self.drop_what_is_full();
    }

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

    #[test]
    fn what_is_taken_from_below_takes_no_room() {
        let mut inbox = Inbox::default();
        inbox.take(1_000_001);
        inbox.take_below(1_000_000);
        assert!(inbox.bits.len() <= 2, "{}", inbox.bits.len());
        assert!(inbox.contains(1) && inbox.contains(999_999) && inbox.contains(1_000_001));
        assert!(!inbox.contains(1_000_000) && !inbox.contains(1_000_002));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(steps in prop::collection::vec((1u32..400, 0u32..40), 0..900)) {
            let (mut inbox, mut set) = (Inbox::default(), BTreeSet::new());
            for (serial, kind) in steps {
                if kind == 0 {
                    inbox.take_below(serial);
                    set.extend(1..serial);
                    prop_assert!((1..400).all(|serial| inbox.contains(serial) == set.contains(&serial)));
                    continue;
                }
                if kind < 8 {
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
