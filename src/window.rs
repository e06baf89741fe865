//! A table keyed by serial numbers that are handed out in order and given back in almost any order.

use std::collections::VecDeque;

/// So much room an empty table keeps at most.
const ROOM_MAX: usize = 4;

/// Values by serial number. Looking one up costs one index; memory spans from the oldest value still held to the newest,
/// and an empty table has room for a few at most: of a million tables nearly all are empty at any time.
#[derive(Clone, Debug)]
pub struct Window<T> {
    base: u32,
    slots: VecDeque<Option<T>>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self::starting_at(0)
    }
}

impl<T> Window<T> {
    /// An empty table whose first serial number will be `first`.
    pub const fn starting_at(first: u32) -> Self {
        Self { base: first, slots: VecDeque::new() }
    }

    /// The serial number that the next value will get.
    pub fn next_serial(&self) -> u32 {
        // The window never holds more slots than serial numbers exist, so the sum stays in range until they run out.
        self.base.wrapping_add(self.slots.len() as u32)
    }

    /// Adds a value under the next serial number and returns that number.
    #[inline]
    pub fn push(&mut self, value: T) -> u32 {
        let serial = self.next_serial();
        if self.slots.capacity() == 0 {
            // Mostly one value is held at a time.
            self.slots.reserve_exact(1);
        }
        self.slots.push_back(Some(value));
        serial
    }

    /// Leaves out so many serial numbers: their values need never be held.
    #[inline]
    pub fn skip(&mut self, count: u32) {
        if self.slots.is_empty() {
            self.base = self.base.wrapping_add(count);
        } else {
            self.slots.extend((0..count).map(|_| None));
        }
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Leaves out so many serial numbers, whose values came and went. Only for a table in which nothing is held.
    pub fn skip_many(&mut self, count: u32) {
        debug_assert!(self.is_empty(), "what is held keeps its number");
        self.base = self.base.wrapping_add(count);
    }

    /// Whether a value is held under a serial number.
    pub fn contains(&self, serial: u32) -> bool {
        let index = serial.checked_sub(self.base).map(|index| index as usize);
        index.and_then(|index| self.slots.get(index)).is_some_and(Option::is_some)
    }

    /// The value under a serial number, while it is held.
    pub fn get_mut(&mut self, serial: u32) -> Option<&mut T> {
        let index = serial.checked_sub(self.base)? as usize;
        self.slots.get_mut(index)?.as_mut()
    }

    /// Takes a value out, and forgets the oldest slots that are empty.
    #[inline]
    pub fn take(&mut self, serial: u32) -> Option<T> {
        let index = serial.checked_sub(self.base)? as usize;
        let value = self.slots.get_mut(index)?.take()?;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base = self.base.wrapping_add(1);
        }
        if self.slots.is_empty() && self.slots.capacity() > ROOM_MAX {
            self.slots = VecDeque::new();
        }
        Some(value)
    }

    /// The values held, by serial number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let base = self.base;
        self.slots.iter().zip(0u32..).filter_map(move |(slot, i)| slot.as_ref().map(|v| (base.wrapping_add(i), v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_left_out_hold_nothing() {
        let mut window = Window::starting_at(0);
        window.skip(3);
        assert_eq!((window.is_empty(), window.push('a')), (true, 3));
        window.skip(2);
        assert_eq!(window.push('b'), 6);
        assert_eq!([2, 3, 4, 5, 6, 7].map(|serial| window.contains(serial)), [false, true, false, false, true, false]);
        assert_eq!((window.take(4), window.take(3), window.take(6)), (None, Some('a'), Some('b')));
        assert_eq!((window.is_empty(), window.next_serial()), (true, 7));
    }

    #[test]
    fn values_leave_in_any_order_and_the_front_is_trimmed() {
        let mut window = Window::starting_at(5);
        assert_eq!([window.push('a'), window.push('b'), window.push('c')], [5, 6, 7]);
        assert_eq!(window.take(6), Some('b'));
        assert_eq!(window.take(6), None);
        assert_eq!(window.get_mut(7).copied(), Some('c'));
        assert_eq!(window.take(5), Some('a'));
        assert_eq!(window.iter().map(|(serial, _)| serial).collect::<Vec<_>>(), [7]);
        assert_eq!(window.next_serial(), 8);
        assert_eq!(window.take(4), None);
        assert_eq!(window.take(99), None);
        assert_eq!(window.take(7), Some('c'));
        assert_eq!(window.iter().count(), 0);
    }
}
