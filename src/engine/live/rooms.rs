//! Room for the bodies of messages, used again and again.
//!
//! A body of a kilobyte or more is too large for the allocator's short cuts: to ask for its memory and to give that back
//! takes longer than to write it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;

/// So many rooms that nobody uses are kept at most.
const KEPT_MAX: usize = 1_024;
/// A room is not kept if it is larger than so many bytes.
const ROOM_MAX: usize = 16 << 10;

/// The rooms of one client.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms {
    // One thread uses it. The HTTP library wants bodies to be movable between threads all the same.
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A body in its room, which it leaves when nobody has it any more.
struct Lent {
    body: Vec<u8>,
    rooms: Rooms,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut free = self.rooms.free();
        if free.len() < KEPT_MAX && self.body.capacity() <= ROOM_MAX {
            free.push(std::mem::take(&mut self.body));
        }
    }
}

impl Rooms {
    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A room in which there may be anything.
    pub(super) fn take(&self) -> Vec<u8> {
        self.free().pop().unwrap_or_default()
    }

    /// A body as the HTTP library takes it. Its room is free again when the library is done with it.
    pub(super) fn lend(&self, body: Vec<u8>) -> Bytes {
        if body.is_empty() { Bytes::new() } else { Bytes::from_owner(Lent { body, rooms: self.clone() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_free_once_the_last_part_of_its_body_has_gone() {
        let rooms = Rooms::default();
        let whole = rooms.lend(b"payload".to_vec());
        let part = whole.slice(..3);
        drop(whole);
        assert!(rooms.free().is_empty());
        assert_eq!(part, "pay");
        drop(part);
        assert!(rooms.take().capacity() >= "payload".len());
        assert!(rooms.free().is_empty());
        drop(rooms.lend(vec![0; ROOM_MAX + 1]));
        assert_eq!(rooms.take().capacity(), 0);
    }
}
